//! A camera that comes and goes is one alert, told once, with a short history.

use std::sync::Arc;
use std::time::Duration;

use media::{Clock as _, DiagnosisKind, Phase, SimulatedClock};
use serde_json::Value;
use server::jobs::run_due;

use crate::support::{ENGINES, TestApp, add_camera, diagnosis, hear};

/// Monday 23 November 2026, 10:00 in Shanghai.
const MONDAY_MS: i64 = 1_795_399_200_000;

fn actions(alert: &Value) -> Vec<&str> {
    alert["history"].as_array().unwrap().iter().map(|act| act["action"].as_str().unwrap()).collect()
}

#[actix_web::test]
async fn a_flapping_camera_raises_one_alert() {
    for engine in ENGINES {
        let clock = Arc::new(SimulatedClock::new(MONDAY_MS));
        let app = TestApp::start_at(engine, clock.clone()).await;
        let camera = add_camera(&app, &app.premises, "洗消间").await;
        app.add_person("canteen", &[("food_safety_officer", &app.premises)], false).await;
        app.add_person("desk", &[("supervisor", &app.office)], false).await;
        let tell = |phase| {
            let (app, at) = (&app.app, clock.wall_ms());
            async move {
                hear(app, [diagnosis(camera, DiagnosisKind::SignalLost, phase, at)]).await;
                run_due(app).await.unwrap();
            }
        };
        for _ in 0..20 {
            tell(Phase::Raised).await;
            clock.advance(Duration::from_secs(10));
            tell(Phase::Cleared).await;
            clock.advance(Duration::from_secs(20));
        }
        let desk = app.sign_in("desk").await;
        let (_, list) = desk.get("/alerts").await;
        assert_eq!((list["total"].as_i64(), list["items"][0]["count"].as_i64()), (Some(1), Some(20)), "{list}");
        let path = format!("/alerts/{}", list["items"][0]["id"].as_str().unwrap());
        let (_, alert) = desk.get(&path).await;
        assert_eq!((alert["state"].as_str(), alert["ended_at"].is_string()), (Some("raised"), true), "it waits whether it stays away");
        assert_eq!(actions(&alert), ["raise", "clear", "recur"], "a short history");
        let (_, notices) = app.sign_in("canteen").await.get("/notices").await;
        assert_eq!(
            (notices["total"].as_i64(), notices["items"][0]["kind"].as_str()),
            (Some(1), Some("alert_raised")),
            "told once, when it had come and gone for five minutes: {notices}"
        );
        clock.advance(Duration::from_secs(300));
        run_due(&app.app).await.unwrap();
        let desk = app.sign_in("desk").await;
        let (_, alert) = desk.get(&path).await;
        assert_eq!((alert["state"].as_str(), actions(&alert).len()), (Some("cleared"), 4), "{alert}");
        tell(Phase::Raised).await;
        assert_eq!(desk.get("/alerts").await.1["total"], 2, "it had stayed away");
    }
}

#[actix_web::test]
async fn what_came_back_while_it_was_reviewed_is_to_be_put_right_again() {
    for engine in ENGINES {
        let clock = Arc::new(SimulatedClock::new(MONDAY_MS));
        let app = TestApp::start_at(engine, clock.clone()).await;
        let camera = add_camera(&app, &app.premises, "洗消间").await;
        let desk = app.person("supervisor", &app.office).await;
        let tell = |phase| {
            clock.advance(Duration::from_secs(5));
            hear(&app.app, [diagnosis(camera, DiagnosisKind::Covered, phase, clock.wall_ms())])
        };
        tell(Phase::Raised).await;
        let (_, list) = desk.get("/alerts").await;
        let path = format!("/alerts/{}", list["items"][0]["id"].as_str().unwrap());
        desk.post(&format!("{path}/confirm"), &serde_json::json!({"version": 1})).await;
        desk.post(&format!("{path}/dispatch"), &serde_json::json!({"version": 2, "deadline": "P1D"})).await;
        tell(Phase::Cleared).await;
        let (_, answered) = desk.get(&path).await;
        assert_eq!(answered["state"], "rectified");
        let due_at = desk.get(&path).await.1["clocks"][0]["due_at"].clone();
        tell(Phase::Raised).await;
        let (_, again) = desk.get(&path).await;
        assert_eq!((again["state"].as_str(), again["count"].as_i64()), (Some("dispatched"), Some(2)), "{again}");
        assert_ne!(again["clocks"][0]["due_at"], due_at, "the time it was away is left out");
        tell(Phase::Cleared).await;
        assert_eq!(desk.get(&path).await.1["state"], "dispatched", "now it has to stay away for a while");
        clock.advance(Duration::from_secs(300));
        run_due(&app.app).await.unwrap();
        let (_, over) = desk.get(&path).await;
        assert_eq!(over["state"], "rectified");
        assert_eq!(actions(&over), ["raise", "confirm", "dispatch", "rectify", "recur", "rectify"]);
    }
}
