//! Who is on duty is told first; a shift's summary is what happened; its work is handed to the next.

use std::sync::Arc;
use std::time::Duration;

use media::{Clock as _, DiagnosisKind, Phase, SimulatedClock};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use server::jobs::run_due;
use uuid::Uuid;

use crate::support::{Client, ENGINES, TestApp, add_camera, diagnosis, hear};

/// Monday 23 November 2026, 10:00 in Shanghai.
const MONDAY_MS: i64 = 1_795_399_200_000;

async fn id_of(client: &Client) -> String {
    client.get("/me").await.1["id"].as_str().unwrap().to_owned()
}

/// What somebody was told; signed in anew, because time passes here.
async fn told(app: &TestApp, name: &str) -> i64 {
    app.sign_in(name).await.get("/notices?unread=true").await.1["total"].as_i64().unwrap()
}

async fn raise(app: &TestApp, clock: &SimulatedClock, camera: Uuid, kind: DiagnosisKind) {
    hear(&app.app, [diagnosis(camera, kind, Phase::Raised, clock.wall_ms())]).await;
}

#[actix_web::test]
async fn whoever_is_on_duty_is_told_and_the_others_are_not() {
    for engine in ENGINES {
        let clock = Arc::new(SimulatedClock::new(MONDAY_MS));
        let app = TestApp::start_at(engine, clock.clone()).await;
        let camera = add_camera(&app, &app.premises, "切配间").await;
        for (name, role, node) in [
            ("one", "supervisor", &app.office),
            ("other", "supervisor", &app.office),
            ("chief", "supervisor", &app.district),
            ("far", "supervisor", &app.other_office),
            ("canteen", "food_safety_officer", &app.premises),
        ] {
            app.add_person(name, &[(role, node)], false).await;
        }
        let tell = async |kind| {
            raise(&app, &clock, camera, kind).await;
            clock.advance(Duration::from_secs(301));
            run_due(&app.app).await.unwrap();
        };
        tell(DiagnosisKind::Black).await;
        let hears = async |name| told(&app, name).await;
        let all = [hears("one").await, hears("other").await, hears("chief").await, hears("canteen").await];
        assert_eq!(all, [1, 1, 0, 1], "nobody is on duty: all who decide");
        let (one, other, chief) = (app.sign_in("one").await, app.sign_in("other").await, app.sign_in("chief").await);
        let (far, canteen) = (app.sign_in("far").await, app.sign_in("canteen").await);

        let shift = async |who: &Client, node: &str, user: String, start: &str, end: &str| {
            who.post("/duty", &json!({"organization_id": node, "user_id": user, "start": start, "end": end})).await
        };
        for (node, user, start, end, pointer) in [
            (&app.office.id, id_of(&canteen).await, "P0D", "PT12H", "/user_id"),
            (&app.office.id, id_of(&far).await, "P0D", "PT12H", "/user_id"),
            (&app.office.id, id_of(&one).await, "PT2H", "PT1H", "/end"),
            (&app.office.id, id_of(&one).await, "P0D", "P3D", "/end"),
            (&app.office.id, id_of(&one).await, "P93D", "P94D", "/start"),
            (&app.office.id, id_of(&one).await, "soon", "PT1H", "/start"),
        ] {
            let (status, refused) = shift(&chief, node, user, start, end).await;
            assert_eq!(
                (status, refused["errors"][0]["pointer"].as_str()),
                (StatusCode::UNPROCESSABLE_ENTITY, Some(pointer)),
                "{start} {end}"
            );
        }
        assert_eq!(shift(&one, &app.other_office.id, id_of(&far).await, "P0D", "PT1H").await.0, StatusCode::NOT_FOUND, "not their office");
        assert_eq!(shift(&canteen, &app.office.id, id_of(&one).await, "P0D", "PT1H").await.0, StatusCode::FORBIDDEN);
        let (status, made) = shift(&chief, &app.office.id, id_of(&other).await, "P0D", "PT12H").await;
        assert_eq!((status, made["now"].as_bool()), (StatusCode::CREATED, Some(true)), "{made}");
        assert_eq!(
            shift(&chief, &app.office.id, id_of(&other).await, "PT11H", "PT20H").await.0,
            StatusCode::CONFLICT,
            "at work then already"
        );

        tell(DiagnosisKind::Frozen).await;
        assert_eq!(
            [hears("one").await, hears("other").await, hears("canteen").await],
            [1, 2, 2],
            "who is on duty, and the premises as always"
        );
        let (_, list) = one.get("/duty").await;
        assert_eq!((list["total"].as_i64(), &list["items"][0]["display_name"]), (Some(1), &made["display_name"]));
        assert_eq!(far.get("/duty").await.1["total"], 0);
        assert_eq!(one.get("/duty?start=2026-11-24T00:00:00.000Z&end=2026-11-23T00:00:00.000Z").await.0, StatusCode::BAD_REQUEST);

        let gone = chief.request(Method::DELETE, &format!("/duty/{}", made["id"].as_str().unwrap()), None).send().await.unwrap();
        assert_eq!(gone.status(), StatusCode::NO_CONTENT);
        let (status, _) = shift(&chief, &app.district.id, id_of(&chief).await, "P0D", "PT1H").await;
        assert_eq!(status, StatusCode::CREATED);
        tell(DiagnosisKind::Covered).await;
        assert_eq!(
            [hears("one").await, hears("other").await, hears("chief").await],
            [1, 2, 1],
            "the district's, where the office has nobody on duty"
        );
    }
}

#[actix_web::test]
async fn a_shift_ends_with_what_happened_and_hands_over_what_is_left() {
    for engine in ENGINES {
        let clock = Arc::new(SimulatedClock::new(MONDAY_MS));
        let app = TestApp::start_at(engine, clock.clone()).await;
        let mut cameras = Vec::new();
        for name in ["甲", "乙", "丙", "丁"] {
            cameras.push(add_camera(&app, &app.premises, name).await);
        }
        app.add_person("night", &[("supervisor", &app.office)], false).await;
        app.add_person("day", &[("supervisor", &app.office)], false).await;
        raise(&app, &clock, cameras[0], DiagnosisKind::Blurred).await;
        clock.advance(Duration::from_secs(3_600));
        let (night, day) = (app.sign_in("night").await, app.sign_in("day").await);
        let body = json!({"organization_id": app.office.id, "user_id": id_of(&night).await, "start": "P0D", "end": "PT12H"});
        assert_eq!(day.post("/duty", &body).await.0, StatusCode::CREATED);
        for (camera, kind) in cameras[1..].iter().zip([DiagnosisKind::Black, DiagnosisKind::Covered, DiagnosisKind::Frozen]) {
            clock.advance(Duration::from_secs(60));
            raise(&app, &clock, *camera, kind).await;
        }
        let path = |alert: &Value| format!("/alerts/{}", alert["id"].as_str().unwrap());
        let alerts = night.get("/alerts").await.1["items"].as_array().unwrap().clone();
        for (alert, act, body) in [
            (&alerts[0], "confirm", json!({"version": 1})),
            (&alerts[1], "dismiss", json!({"version": 1, "reason": "false_alarm"})),
            (&alerts[2], "claim", json!({"version": 1})),
            (&alerts[3], "claim", json!({"version": 1})),
        ] {
            assert_eq!(night.post(&format!("{}/{act}", path(alert)), &body).await.0, StatusCode::OK, "{act}");
        }
        let (_, summary) = night.get("/duty/summary").await;
        let happened = &summary["happened"];
        assert_eq!(
            [&happened["raised"], &happened["confirmed"], &happened["false_alarms"], &happened["decided_by_me"], &happened["closed"]],
            [&json!(3), &json!(1), &json!(1), &json!(2), &json!(0)],
            "since the shift began: {summary}"
        );
        let standing = &summary["standing"];
        assert_eq!([&standing["undecided"], &standing["confirmed"], &standing["mine"]], [&json!(2), &json!(1), &json!(2)]);
        assert_eq!(summary["on_duty"].as_array().map(Vec::len), Some(1));
        assert_eq!(day.get("/duty/summary").await.1["happened"]["raised"], 4, "without a shift of one's own, the last 12 hours");
        assert_eq!(day.get("/duty/summary?since=2026-01-01T00:00:00.000Z").await.0, StatusCode::BAD_REQUEST);

        let to = json!({"user_id": id_of(&day).await, "text": "夜班交接"});
        let (status, done) = night.post("/duty/hand_over", &to).await;
        assert_eq!((status, &done), (StatusCode::OK, &json!({"handed": 2, "kept": 0})));
        assert_eq!(day.get("/alerts?owner=me").await.1["total"], 2);
        assert_eq!(told(&app, "day").await, 2, "each by itself");
        assert_eq!(night.post("/duty/hand_over", &json!({"user_id": id_of(&night).await})).await.0, StatusCode::UNPROCESSABLE_ENTITY);
        let stranger = app.person("food_safety_officer", &app.premises).await;
        let (_, kept) = day.post("/duty/hand_over", &json!({"user_id": id_of(&stranger).await})).await;
        assert_eq!(kept, json!({"handed": 0, "kept": 2}), "who may not decide gets nothing");
    }
}
