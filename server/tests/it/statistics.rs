//! Days in numbers over the API: counted from gaps and alerts, added up by camera, premises, office and district, exported.

use std::sync::Arc;
use std::time::Duration;

use media::{CameraState, Clock as _, DiagnosisKind, GapReason, MediaEvent, Phase, SimulatedClock, StateReason};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use server::jobs::count_days;
use uuid::Uuid;

use crate::support::{Client, ENGINES, TestApp, add_camera, diagnosis, hear, tamper};

const HOUR_MS: i64 = 3_600_000;
/// Monday 23 November 2026, midnight in Shanghai.
const MONDAY_MS: i64 = 1_795_363_200_000;

fn recording(camera: Uuid, at_ms: i64) -> MediaEvent {
    MediaEvent::State { camera, state: CameraState::Recording, reason: StateReason::None, detail: String::new(), at_ms }
}

fn gap(camera: Uuid, start_ms: i64, end_ms: i64, reason: GapReason) -> MediaEvent {
    MediaEvent::GapClosed { camera, start_ms, end_ms, reason }
}

/// Signs in anew: a token lives a quarter of an hour of the stepped clock.
async fn desk(app: &TestApp) -> Client {
    app.sign_in("desk").await
}

fn rates(item: &Value) -> [Option<f64>; 3] {
    ["online", "completeness", "device_health"].map(|rate| item[rate]["value"].as_f64())
}

#[actix_web::test]
async fn days_are_counted_and_added_up() {
    for engine in ENGINES {
        let clock = Arc::new(SimulatedClock::new(MONDAY_MS + 8 * HOUR_MS));
        let app = TestApp::start_at(engine, clock.clone()).await;
        app.add_person("desk", &[("supervisor", &app.district)], false).await;
        app.add_person("east", &[("supervisor", &app.office)], false).await;
        let (one, two) = (add_camera(&app, &app.premises, "一号").await, add_camera(&app, &app.premises, "二号").await);
        let west = add_camera(&app, &app.other_premises, "三号").await;
        let now = clock.wall_ms();
        // Watched from 08:00 on Monday; the third from noon.
        hear(&app.app, [recording(one, now), recording(two, now), recording(west, now + 4 * HOUR_MS)]).await;
        hear(
            &app.app,
            [
                gap(one, now + HOUR_MS, now + 3 * HOUR_MS, GapReason::Offline),
                gap(two, now + HOUR_MS, now + 2 * HOUR_MS, GapReason::Disabled),
                gap(west, now + 5 * HOUR_MS, now + 6 * HOUR_MS, GapReason::Restart),
                MediaEvent::GapOpened { camera: two, start_ms: MONDAY_MS + 20 * HOUR_MS, reason: GapReason::Stalled },
                diagnosis(one, DiagnosisKind::Covered, Phase::Raised, now + 6 * HOUR_MS),
                diagnosis(one, DiagnosisKind::Covered, Phase::Cleared, now + 10 * HOUR_MS),
            ],
        )
        .await;
        // Tuesday, 06:00.
        clock.advance(Duration::from_secs(22 * 3_600));
        count_days(&app.app).await.unwrap();
        let (status, page) = desk(&app).await.get("/statistics?by=camera&daily=true&from=2026-11-23&to=2026-11-24").await;
        assert_eq!((status, page["total"].as_i64()), (StatusCode::OK, Some(6)), "{page}");
        let of = |camera: Uuid, day: &str| {
            let items = page["items"].as_array().unwrap();
            rates(items.iter().find(|item| item["id"] == camera.to_string() && item["day"] == day).unwrap())
        };
        // 16 h watched, 2 off line; the alert of 4 h (from 5 s before it was raised) lies in the 14 on line.
        let five_s = 5.0 / 3_600.0;
        let near = |found: Option<f64>, expected: f64| found.is_some_and(|found| (found - expected).abs() < 0.00002);
        let [online, complete, health] = of(one, "2026-11-23");
        assert!(
            near(online, 14.0 / 16.0) && near(complete, 14.0 / 16.0) && near(health, (10.0 - five_s) / 14.0),
            "{online:?} {complete:?} {health:?}"
        );
        // 15 h switched on, off line from 20:00.
        assert_eq!(of(two, "2026-11-23")[..2], [Some(0.733_33), Some(0.733_33)]);
        assert_eq!(of(two, "2026-11-24")[..2], [Some(0.0), Some(0.0)], "it still lasts");
        assert_eq!(of(west, "2026-11-23")[..2], [Some(1.0), Some(0.916_67)], "our own restart is not the camera's");

        let (_, days) = desk(&app).await.get("/statistics?by=camera&from=2026-11-23&to=2026-11-24").await;
        let item = days["items"].as_array().unwrap().iter().find(|item| item["id"] == one.to_string()).unwrap();
        assert_eq!((item["online"]["part_s"].as_i64(), item["online"]["whole_s"].as_i64()), (Some(20 * 3_600), Some(22 * 3_600)));
        assert_eq!((item["place"].as_str(), item["day"].is_null()), (Some("东岸小学食堂"), true));
        let (_, premises) = desk(&app).await.get("/statistics?by=premises&from=2026-11-23&to=2026-11-23").await;
        let east = premises["items"].as_array().unwrap().iter().find(|item| item["id"] == app.premises.id).unwrap();
        assert_eq!((east["cameras"].as_i64(), rates(east)[0]), (Some(2), Some(0.806_45)), "25 of 31 h");
        let (_, offices) = desk(&app).await.get("/statistics?by=office&from=2026-11-23&to=2026-11-23").await;
        assert_eq!(offices["total"], 2, "{offices}");
        let (_, district) = desk(&app).await.get("/statistics?by=district&from=2026-11-23&to=2026-11-23").await;
        assert_eq!(
            (
                district["items"][0]["cameras"].as_i64(),
                district["items"][0]["online"]["part_s"].as_i64(),
                district["items"][0]["online"]["whole_s"].as_i64()
            ),
            (Some(3), Some((14 + 11 + 11) * 3_600), Some((16 + 15 + 11) * 3_600))
        );
        let (_, own) = app.sign_in("east").await.get("/statistics?by=district").await;
        assert_eq!(own["items"][0]["cameras"], 2, "of what lies within the own scope");
        assert_eq!(app.sign_in("east").await.get("/statistics?by=camera").await.1["total"], 2);

        // Pages by key, no row twice.
        let mut seen = Vec::new();
        let mut cursor = String::new();
        loop {
            let (_, page) =
                desk(&app).await.get(&format!("/statistics?by=camera&daily=true&from=2026-11-23&to=2026-11-24&limit=4{cursor}")).await;
            seen.extend(page["items"].as_array().unwrap().iter().map(|item| (item["day"].to_string(), item["id"].to_string())));
            let Some(next) = page["next"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(seen.len(), 6);
        assert!(seen.windows(2).all(|pair| pair[0] < pair[1]), "{seen:?}");

        // The gap ends; only what changed is counted again, and what was counted is not counted twice.
        hear(&app.app, [gap(two, MONDAY_MS + 20 * HOUR_MS, MONDAY_MS + 21 * HOUR_MS, GapReason::Stalled)]).await;
        count_days(&app.app).await.unwrap();
        let (_, later) = desk(&app).await.get(&format!("/statistics?by=camera&camera_id={two}&from=2026-11-23&to=2026-11-23")).await;
        assert_eq!(rates(&later["items"][0])[0], Some(0.933_33), "{later}");
        for bad in
            ["?by=camera&from=2026-11-24&to=2026-11-23", "?by=camera&from=yesterday", "?by=kitchen", "?by=camera&from=2020-01-01", ""]
        {
            assert_eq!(desk(&app).await.get(&format!("/statistics{bad}")).await.0, StatusCode::BAD_REQUEST, "{bad}");
        }
    }
}

#[actix_web::test]
async fn recordings_that_went_before_their_time_count_against_their_days() {
    for engine in ENGINES {
        let clock = Arc::new(SimulatedClock::new(MONDAY_MS));
        let app = TestApp::start_at(engine, clock.clone()).await;
        app.add_person("desk", &[("supervisor", &app.district)], false).await;
        let camera = add_camera(&app, &app.premises, "一号").await;
        hear(&app.app, [recording(camera, MONDAY_MS)]).await;
        clock.advance(Duration::from_secs(5 * 86_400));
        count_days(&app.app).await.unwrap();
        let complete = || async {
            let (_, page) = desk(&app).await.get("/statistics?by=camera&from=2026-11-23&to=2026-11-23").await;
            rates(&page["items"][0])
        };
        assert_eq!(complete().await, [Some(1.0); 3]);
        let gone = |from_h: i64, reason| MediaEvent::SegmentDeleted {
            camera,
            segment: Uuid::now_v7(),
            start_ms: MONDAY_MS + from_h * HOUR_MS,
            end_ms: MONDAY_MS + (from_h + 6) * HOUR_MS,
            reason,
        };
        hear(&app.app, [gone(0, "disk"), gone(6, "reserve"), gone(12, "age")]).await;
        count_days(&app.app).await.unwrap();
        assert_eq!(complete().await, [Some(1.0), Some(0.5), Some(1.0)], "half a day is gone; its age is no fault");
        let (mut reader, id) = (app.app.db.read().await.unwrap(), camera.to_string());
        let gaps = server::store::recordings::gaps(&mut reader.conn(), &id, 0, i64::MAX).await.unwrap();
        assert_eq!(gaps.len(), 1, "segments that follow each other are one gap");
    }
}

#[actix_web::test]
async fn figures_and_the_cameras_off_line_are_exported() {
    for engine in ENGINES {
        let clock = Arc::new(SimulatedClock::new(MONDAY_MS + 8 * HOUR_MS));
        let app = TestApp::start_at(engine, clock.clone()).await;
        app.add_person("desk", &[("supervisor", &app.office)], false).await;
        let (one, two) = (add_camera(&app, &app.premises, "一号").await, add_camera(&app, &app.premises, "二号").await);
        let other = add_camera(&app, &app.other_premises, "三号").await;
        // They are enabled without connecting anywhere: there is no engine here.
        for camera in [one, two, other] {
            tamper(&app.app.db, Box::leak(format!("UPDATE cameras SET enabled = TRUE WHERE id = '{camera}'").into_boxed_str())).await;
        }
        let offline = |camera, reason, at_ms| MediaEvent::State {
            camera,
            state: CameraState::Offline,
            reason,
            detail: "no answer".to_owned(),
            at_ms,
        };
        let now = clock.wall_ms();
        hear(&app.app, [recording(one, now - HOUR_MS), recording(two, now - HOUR_MS), recording(other, now)]).await;
        hear(&app.app, [offline(two, StateReason::Timeout, now - 5 * 60_000), offline(one, StateReason::Timeout, now - 9 * 60_000)]).await;
        let (status, list) = desk(&app).await.get("/statistics/offline").await;
        assert_eq!((status, list["total"].as_i64()), (StatusCode::OK, Some(2)), "{list}");
        let first = &list["items"][0];
        assert_eq!(
            (first["camera_id"].as_str(), first["since"].as_str(), first["cause"]["code"].as_str()),
            (Some(one.to_string().as_str()), Some("2026-11-22T23:51:00.000Z"), Some("premises_network")),
            "the longest first, and its neighbour is away too: {first}"
        );
        assert_eq!(first["last_picture_at"], "2026-11-22T23:00:00.000Z");
        hear(&app.app, [recording(two, now), offline(one, StateReason::Unauthorized, now)]).await;
        assert_eq!(desk(&app).await.get("/statistics/offline").await.1["items"][0]["cause"]["code"], "credentials");

        clock.advance(Duration::from_secs(3_600));
        count_days(&app.app).await.unwrap();
        let client = desk(&app).await;
        let export = |path: &'static str| {
            let request = client.request(Method::GET, path, None);
            async move {
                let response = request.send().await.unwrap();
                (response.status(), response.bytes().await.unwrap())
            }
        };
        let (status, csv) = export("/exports/statistics.csv?by=camera&daily=true&from=2026-11-22&to=2026-11-23").await;
        let text = String::from_utf8(csv.to_vec()).unwrap();
        assert_eq!((status, text.lines().count()), (StatusCode::OK, 3), "{text}");
        assert!(text.contains("在线率") && text.contains("一号") && !text.contains("三号"), "{text}");
        let (status, xlsx) = export("/exports/statistics.xlsx?by=premises").await;
        assert!(status == StatusCode::OK && xlsx.starts_with(b"PK"), "a workbook");
        let (status, csv) = export("/exports/offline.csv").await;
        let text = String::from_utf8(csv.to_vec()).unwrap();
        assert!(status == StatusCode::OK && text.contains("用户名或密码不正确"), "{text}");
        let auditor = app.person("auditor", &app.city).await;
        assert_eq!(auditor.get("/audit?action=export").await.1["items"].as_array().map(Vec::len), Some(3), "noted");
        assert_eq!(auditor.get("/statistics?by=camera").await.0, StatusCode::FORBIDDEN);
        assert_eq!(json!(null), client.get("/statistics?by=camera&from=2020-01-01&to=2020-01-02").await.1["next"]);
    }
}
