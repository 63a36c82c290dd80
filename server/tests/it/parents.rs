//! Parents see the live picture of their own school in its hours, of the cameras that were chosen, and nothing else.

use std::sync::Arc;

use media::SimulatedClock;
use reqwest::StatusCode;
use serde_json::json;

use crate::support::{ENGINES, TestApp, add_camera, on_both};

/// The node of these tests records no cameras: who may watch is told that, who may not is told so instead.
const ALLOWED: StatusCode = StatusCode::SERVICE_UNAVAILABLE;
/// Monday, 12:25 in Shanghai: five minutes before the hours end.
const NOON: &str = "2026-11-23T04:25:00Z";

#[actix_web::test]
async fn the_hours_open_and_end_the_live_picture() {
    for engine in ENGINES {
        let clock = Arc::new(SimulatedClock::new(NOON.parse::<mobile_api::Moment>().unwrap().0));
        let app = TestApp::start_at(engine, clock.clone()).await;
        let (shown, hidden) = (add_camera(&app, &app.premises, "烹饪间").await, add_camera(&app, &app.premises, "更衣室旁").await);
        let elsewhere = add_camera(&app, &app.other_premises, "烹饪间").await;
        let (parent, supervisor) = (app.person("parent", &app.premises).await, app.person("supervisor", &app.office).await);
        let administrator = app.person("administrator", &app.city).await;
        let on = administrator.patch(&format!("/cameras/{shown}"), &json!({"enabled": true, "version": 1})).await;
        assert_eq!(on.0, StatusCode::OK, "{}", on.1);
        let setting = format!("/premises/{}/parent-viewing", app.premises.id);
        let live = |camera: &uuid::Uuid| {
            [
                format!("/cameras/{camera}/snapshot.jpg"),
                format!("/cameras/{camera}/live/index.m3u8"),
                format!("/cameras/{camera}/live/1-0.m4s"),
            ]
        };

        // Nothing is set: closed, and it says so.
        assert_eq!(supervisor.get(&setting).await, (StatusCode::OK, json!({"hours": [], "cameras": []})));
        let (_, list) = parent.get("/parent/premises").await;
        assert_eq!(
            (&list["items"][0]["open"], &list["items"][0]["opens_at"], list["total"].as_i64()),
            (&json!(false), &json!(null), Some(1))
        );
        for path in live(&shown) {
            assert_eq!(parent.get(&path).await.0, StatusCode::NOT_FOUND, "{path}");
        }

        let hours = json!([{"days": [1, 2, 3, 4, 5], "from": "11:30", "to": "12:30"}]);
        let wanted = json!({"hours": hours, "cameras": [shown]});
        assert_eq!(supervisor.put(&setting, &wanted).await, (StatusCode::OK, wanted.clone()));
        let (_, list) = parent.get("/parent/premises").await;
        let place = &list["items"][0];
        assert_eq!((&place["open"], &place["closes_at"]), (&json!(true), &json!("2026-11-23T04:30:00.000Z")), "{list}");
        let cameras: Vec<_> = place["cameras"].as_array().unwrap().iter().map(|camera| camera["id"].clone()).collect();
        assert_eq!(cameras, [json!(shown)]);
        for path in live(&shown) {
            assert_eq!(parent.get(&path).await.0, ALLOWED, "{path}");
        }
        for path in live(&hidden).into_iter().chain(live(&elsewhere)) {
            assert_eq!(parent.get(&path).await.0, StatusCode::NOT_FOUND, "{path}");
        }
        // Live only: no recording, no picture of another time, nothing else of the camera or the premises.
        let span = "start=2026-11-23T03:00:00Z&end=2026-11-23T03:01:00Z";
        for path in [
            format!("/cameras/{shown}"),
            format!("/cameras/{shown}/timeline?{span}"),
            format!("/cameras/{shown}/recording.mp4?{span}"),
            format!("/cameras/{shown}/recording.m3u8?{span}"),
            format!("/cameras/{shown}/snapshot.jpg?at=2026-11-23T03:00:00Z"),
            setting.clone(),
            format!("/premises/{}", app.premises.id),
            "/cameras".to_owned(),
            "/alerts".to_owned(),
        ] {
            assert_eq!(parent.get(&path).await.0, StatusCode::FORBIDDEN, "{path}");
        }

        // The hours end: also for who has just been let in.
        clock.advance(std::time::Duration::from_secs(5 * 60));
        for path in live(&shown) {
            let (status, problem) = parent.get(&path).await;
            assert_eq!((status, &problem["type"]), (StatusCode::FORBIDDEN, &json!("outside_hours")), "{path}");
            assert_eq!(problem["opens_at"], "2026-11-24T03:30:00.000Z");
            assert_eq!(supervisor.get(&path).await.0, ALLOWED, "only for parents: {path}");
        }
        let (_, list) = parent.get("/parent/premises").await;
        assert_eq!((&list["items"][0]["open"], &list["items"][0]["opens_at"]), (&json!(false), &json!("2026-11-24T03:30:00.000Z")));
        let (_, noted) = app.person("auditor", &app.city).await.get("/audit?action=update").await;
        assert!(noted["items"].as_array().unwrap().iter().any(|row| row["detail"]["setting"] == "parent_viewing"), "{noted}");
    }
}

on_both!(hours_are_set_by_who_manages_the_premises_and_checked, |app| {
    let (own, elsewhere) = (add_camera(&app, &app.premises, "烹饪间").await, add_camera(&app, &app.other_premises, "烹饪间").await);
    let setting = format!("/premises/{}/parent-viewing", app.premises.id);
    let supervisor = app.person("supervisor", &app.office).await;
    let bad = [
        (json!({"hours": [{"days": [1], "from": "12:00", "to": "11:00"}], "cameras": []}), "/hours/0"),
        (json!({"hours": [{"days": [8], "from": "10:00", "to": "11:00"}], "cameras": []}), "/hours/0"),
        (json!({"hours": vec![json!({"days": [1], "from": "10:00", "to": "11:00"}); 15], "cameras": []}), "/hours"),
        (json!({"hours": [], "cameras": [own, elsewhere]}), "/cameras/1"),
    ];
    for (body, pointer) in bad {
        let (status, problem) = supervisor.put(&setting, &body).await;
        assert_eq!((status, &problem["errors"][0]["pointer"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!(pointer)), "{problem}");
    }
    let fine = json!({"hours": [], "cameras": [own]});
    assert_eq!(app.person("supervisor", &app.other_office).await.put(&setting, &fine).await.0, StatusCode::NOT_FOUND);
    assert_eq!(app.person("principal", &app.premises).await.put(&setting, &fine).await.0, StatusCode::FORBIDDEN);
    assert_eq!(supervisor.put(&setting, &fine).await.0, StatusCode::OK);
});

on_both!(roles_may_what_the_field_says, |app| {
    let may = |role: &'static str| {
        let app = &app;
        async move {
            let (_, me) = app.person(role, &app.premises).await.get("/me").await;
            me["permissions"].as_array().unwrap().iter().map(|code| code.as_str().unwrap().to_owned()).collect::<Vec<_>>()
        }
    };
    assert_eq!(may("parent").await, ["video.parent"]);
    let principal = may("principal").await;
    assert!(
        ["video.recorded", "templates.read", "alerts.watch"].iter().all(|code| principal.iter().any(|own| own == code)),
        "{principal:?}"
    );
    let patrol = may("grid_member").await;
    assert!(["cameras.read", "video.live"].iter().all(|code| patrol.iter().any(|own| own == code)), "{patrol:?}");
    let hung = app.person("wall", &app.premises).await;
    assert_eq!(hung.get("/alerts").await.0, StatusCode::OK, "it counts and names them");
    let wall = may("wall").await;
    assert!(wall.contains(&"alerts.read".to_owned()) && !wall.contains(&"alerts.watch".to_owned()), "{wall:?}");
});
