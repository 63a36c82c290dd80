//! How fast the desk answers in a district that has a million alerts, 100,000 inspections and 1,500 cameras, on both engines: the
//! inbox, words, the overview, figures of a year by town and month. Measured, not part of the tests: `.ci/bench-inbox` (`BRIGHT_KITCHEN_INBOX_ALERTS` and `_INSPECTIONS`
//! make it smaller).

use std::sync::Arc;
use std::time::{Duration, Instant};

use media::SimulatedClock;
use reqwest::{Method, StatusCode};

use crate::documents::inspected;
use crate::support::{Client, Engine, Node, TestApp, bulk};

/// Monday 23 November 2026, noon in Shanghai.
const NOW_MS: i64 = 1_795_406_400_000;
/// Times each question is asked.
const TIMES: usize = 20;

fn setting(name: &str, plain: i64) -> i64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(plain)
}

fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort();
    times[(times.len() * percent).div_ceil(100).saturating_sub(1)]
}

/// What is asked of the inbox.
const INBOX: [&[(&str, &str)]; 8] = [
    &[("state", "raised"), ("one_a_cause", "true")],
    &[("state", "dispatched")],
    &[("open", "true")],
    &[],
    &[("state", "closed")],
    &[("kind", "rodent")],
    &[("class", "1"), ("state", "dismissed")],
    &[("since", "2026-11-01T00:00:00Z"), ("until", "2026-11-08T00:00:00Z")],
];

/// Words of one character, two and four, rare and common, in names and in what was said, and two words.
const WORDS: [&[(&str, &str)]; 14] = [
    &[("q", "鼠")],
    &[("q", "鼠患")],
    &[("q", "发现鼠患")],
    &[("q", "锈迹")],
    &[("q", "锈")],
    &[("q", "灶台")],
    &[("q", "食堂")],
    &[("q", "未戴口罩")],
    &[("q", "澄华")],
    &[("q", "澄华 鼠患")],
    &[("q", "灶台 油污")],
    &[("q", "口罩 锈迹")],
    &[("q", "小学"), ("state", "raised")],
    &[("q", "没有这个词")],
];

/// Figures of a year by town and month: of the whole, and of alerts.
const YEAR: (&str, &str) = ("from", "2025-12-01");
const FIGURES: [(&str, &[(&str, &str)]); 4] = [
    ("/statistics/rates", &[YEAR, ("by", "office"), ("over", "month"), ("limit", "200")]),
    ("/statistics/rates", &[YEAR, ("by", "all")]),
    ("/statistics/alerts", &[YEAR, ("by", "office")]),
    ("/statistics/alerts", &[YEAR, ("by", "month")]),
];

#[expect(clippy::print_stdout, reason = "a measurement tells its figures")]
async fn ask(engine: Engine, who: &str, client: &Client, what: &str, path: &str, questions: &[&[(&str, &str)]]) {
    let mut all = Vec::new();
    for question in questions {
        let mut times = Vec::new();
        let mut total = serde_json::Value::Null;
        for _ in 0..TIMES {
            let request = client.request(Method::GET, path, None).query(question);
            let started = Instant::now();
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::OK, "{question:?}");
            let answer: serde_json::Value = answer.json().await.unwrap();
            times.push(started.elapsed());
            total = answer["total"].clone();
        }
        println!("{engine:?}: {who}, {path} {question:?}: {total} found, p95 {:?}", percentile(&mut times, 95));
        all.append(&mut times);
    }
    println!("{engine:?}: {what} of {who}: p50 {:?}, p95 {:?}", percentile(&mut all, 50), percentile(&mut all, 95));
}

#[expect(clippy::print_stdout, reason = "a measurement tells its figures")]
async fn measure(engine: Engine) {
    let (alerts, inspections) = (setting("BRIGHT_KITCHEN_INBOX_ALERTS", 1_000_000), setting("BRIGHT_KITCHEN_INBOX_INSPECTIONS", 100_000));
    let app = TestApp::start_at(engine, Arc::new(SimulatedClock::new(NOW_MS))).await;
    let db = &app.app.db;
    let started = Instant::now();
    inspected(&app).await;
    bulk::premises(db, 350).await;
    bulk::cameras(db, 1_500, NOW_MS).await;
    bulk::offices(db, 11).await;
    bulk::inspections_like(db, inspections).await;
    // They are made a minute apart from today on: that is moved into the past.
    bulk::change(db, "UPDATE inspections SET happened_at = happened_at - 6000000000").await;
    bulk::camera_days(db, 365, NOW_MS).await;
    bulk::alerts(db, alerts, NOW_MS).await;
    println!("{engine:?}: {alerts} alerts in {:.0} s", started.elapsed().as_secs_f64());
    let before = db.size_bytes().await.unwrap();
    let started = Instant::now();
    db.migrate().await.unwrap();
    let megabytes = (db.size_bytes().await.unwrap() - before) >> 20;
    println!("{engine:?}: indexed in {:.0} s, {megabytes} MiB", started.elapsed().as_secs_f64());
    bulk::analyse(db).await;
    let office = Node { id: office_id(3), path: format!("{}{}/", app.district.path, office_id(3)) };
    let place = premises_of(&office);
    for (who, role, node) in
        [("district", "supervisor", &app.district), ("office", "supervisor", &office), ("canteen", "food_safety_officer", &place)]
    {
        let client = app.person(role, node).await;
        ask(engine, who, &client, "inbox", "/alerts", &INBOX).await;
        ask(engine, who, &client, "words", "/alerts", &WORDS).await;
        if role == "supervisor" {
            for (path, question) in FIGURES {
                ask(engine, who, &client, "figures of a year by town and month", path, &[question]).await;
            }
            ask(engine, who, &client, "overview", "/overview", &[&[]]).await;
        }
    }
}

fn office_id(number: i64) -> String {
    format!("01900000-0000-7000-a000-{number:012x}")
}

/// The first of the premises that lie there: number 2 goes to the third office.
fn premises_of(office: &Node) -> Node {
    let id = format!("01900000-0000-7000-9000-{:012x}", 2);
    Node { path: format!("{}{id}/", office.path), id }
}

#[actix_web::test]
#[ignore = "a measurement of minutes and gigabytes, see .ci/bench-inbox"]
async fn sqlite() {
    measure(Engine::Sqlite).await;
}

#[actix_web::test]
#[ignore = "a measurement of minutes and gigabytes, see .ci/bench-inbox"]
async fn postgres() {
    measure(Engine::Postgres).await;
}
