//! What the index of recordings costs, and how fast it answers: 1,500 cameras over 90 days, on both engines. Measured, not part
//! of the tests: `.ci/bench-index` (`BRIGHT_KITCHEN_INDEX_CAMERAS` and `_DAYS` make it smaller, `_FIGURES=1` counts its days and
//! asks for figures too, which takes minutes more).

use std::sync::Arc;
use std::time::{Duration, Instant};

use media::SimulatedClock;
use reqwest::StatusCode;
use server::jobs::count_days;

use crate::support::{Client, Engine, TestApp, bulk};

/// Monday 23 November 2026, midnight in Shanghai.
const TODAY_MS: i64 = 1_795_363_200_000;
const DAY_MS: i64 = 86_400_000;
/// Timelines that are asked for.
const QUESTIONS: i64 = 300;
/// What the issue allows.
const BYTES_A_CAMERA_MINUTE_MAX: f64 = 50.0;
const TIMELINE_P95_MAX: Duration = Duration::from_millis(20);

fn setting(name: &str, plain: i64) -> i64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(plain)
}

fn percentile(mut times: Vec<Duration>, percent: usize) -> Duration {
    times.sort();
    times[(times.len() * percent).div_ceil(100).saturating_sub(1)]
}

async fn timed(client: &Client, path: &str) -> Duration {
    let started = Instant::now();
    let (status, answer) = client.get(path).await;
    assert_eq!(status, StatusCode::OK, "{path}: {answer}");
    started.elapsed()
}

/// A store that was filled.
struct Store {
    engine: Engine,
    app: TestApp,
    cameras: i64,
    days: i64,
    first_ms: i64,
    bytes_a_camera_minute: f64,
}

#[expect(clippy::print_stdout, clippy::cast_precision_loss, reason = "a measurement tells its figures")]
async fn fill(engine: Engine) -> Store {
    let (cameras, days) = (setting("BRIGHT_KITCHEN_INDEX_CAMERAS", 1_500), setting("BRIGHT_KITCHEN_INDEX_DAYS", 90));
    let app = TestApp::start_at(engine, Arc::new(SimulatedClock::new(TODAY_MS + DAY_MS / 2))).await;
    let db = &app.app.db;
    let first_ms = TODAY_MS - days * DAY_MS;
    bulk::premises(db, 350).await;
    bulk::cameras(db, cameras, first_ms).await;
    let before = db.size_bytes().await.unwrap();
    let started = Instant::now();
    for day in 0..days {
        bulk::segments_of_a_day(db, cameras, first_ms + day * DAY_MS).await;
        bulk::gaps_of_a_day(db, cameras, first_ms + day * DAY_MS).await;
    }
    bulk::analyse(db).await;
    let bytes = (db.size_bytes().await.unwrap() - before) as f64 / (cameras * days * 24 * 60) as f64;
    println!("{engine:?}: {} segments in {:.0} s, {bytes:.1} B a camera-minute", cameras * days * 144, started.elapsed().as_secs_f64());
    Store { engine, app, cameras, days, first_ms, bytes_a_camera_minute: bytes }
}

#[expect(clippy::print_stdout, reason = "a measurement tells its figures")]
async fn ask(store: &Store) {
    let Store { engine, app, cameras, days, first_ms, bytes_a_camera_minute: bytes } = store;
    let client = app.person("supervisor", &app.city).await;
    let day_of = |number: i64| {
        let start = mobile_api::Moment(first_ms + (number * 37 % days) * DAY_MS);
        let end = mobile_api::Moment(start.0 + DAY_MS);
        format!("/cameras/{}/timeline?start={start}&end={end}", bulk::camera_id(1 + number * 7_919 % cameras))
    };
    let mut times = Vec::new();
    for number in 0..QUESTIONS {
        times.push(timed(&client, &day_of(number)).await);
    }
    let p95 = percentile(times.clone(), 95);
    println!("{engine:?}: timeline of a day p50 {:?}, p95 {p95:?}", percentile(times, 50));
    if setting("BRIGHT_KITCHEN_INDEX_FIGURES", 0) == 1 {
        figures(app, *engine, &client, (*cameras, *days), *first_ms).await;
    }
    assert!(*bytes <= BYTES_A_CAMERA_MINUTE_MAX, "{bytes} B a camera-minute");
    assert!(p95 <= TIMELINE_P95_MAX, "{p95:?}");
}

/// What the days cost that are counted, and pages of figures.
#[expect(clippy::print_stdout, reason = "a measurement tells its figures")]
async fn figures(app: &TestApp, engine: Engine, client: &Client, (cameras, days): (i64, i64), first_ms: i64) {
    let started = Instant::now();
    count_days(&app.app).await.unwrap();
    println!("{engine:?}: {} days of cameras counted in {:.1} s", cameras * days, started.elapsed().as_secs_f64());
    let started = Instant::now();
    count_days(&app.app).await.unwrap();
    println!("{engine:?}: counted again, as every ten minutes, in {:.1} s", started.elapsed().as_secs_f64());
    let span = format!("from={}&to=2026-11-23", server::domain::calendar::date_of(first_ms));
    for by in ["by=camera", "by=premises", "by=office", "by=district", "by=premises&daily=true", "by=district&daily=true"] {
        let path = format!("/statistics?{by}&{span}");
        let mut times = Vec::new();
        for _ in 0..10 {
            times.push(timed(client, &path).await);
        }
        println!("{engine:?}: statistics {by} of {days} days p95 {:?}", percentile(times, 95));
    }
}

/// Both are filled at the same time and asked one after the other: filling takes minutes, and nobody else may ask meanwhile.
#[actix_web::test]
#[ignore = "a measurement of minutes and gigabytes, see .ci/bench-index"]
async fn both() {
    let (sqlite, postgres) = futures::join!(fill(Engine::Sqlite), fill(Engine::Postgres));
    ask(&sqlite).await;
    ask(&postgres).await;
}

#[actix_web::test]
#[ignore = "a measurement of minutes and gigabytes, see .ci/bench-index"]
async fn sqlite() {
    ask(&fill(Engine::Sqlite).await).await;
}

#[actix_web::test]
#[ignore = "a measurement of minutes and gigabytes, see .ci/bench-index"]
async fn postgres() {
    ask(&fill(Engine::Postgres).await).await;
}
