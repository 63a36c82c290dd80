//! A power cut takes all cameras of a site: one cause, told once, decided once.

use std::sync::Arc;
use std::time::Duration;

use media::{Clock as _, DiagnosisKind, Phase, SimulatedClock};
use reqwest::StatusCode;
use serde_json::{Value, json};
use server::jobs::run_due;

use crate::support::{Client, ENGINES, TestApp, add_camera, diagnosis, hear};

/// Monday 23 November 2026, 10:00 in Shanghai.
const MONDAY_MS: i64 = 1_795_399_200_000;

async fn listed(who: &Client, query: &str) -> Vec<Value> {
    who.get(&format!("/alerts?{query}")).await.1["items"].as_array().unwrap().clone()
}

fn states(alerts: &[Value]) -> Vec<&str> {
    alerts.iter().map(|alert| alert["state"].as_str().unwrap()).collect()
}

#[actix_web::test]
async fn alerts_of_one_cause_are_told_and_decided_together() {
    for engine in ENGINES {
        let clock = Arc::new(SimulatedClock::new(MONDAY_MS));
        let app = TestApp::start_at(engine, clock.clone()).await;
        let raise = async |camera, kind| {
            hear(&app.app, [diagnosis(camera, kind, Phase::Raised, clock.wall_ms())]).await;
            clock.advance(Duration::from_secs(10));
        };
        let mut cameras = Vec::new();
        for name in ["甲", "乙", "丙", "丁"] {
            cameras.push(add_camera(&app, &app.premises, name).await);
        }
        let far = add_camera(&app, &app.other_premises, "戊").await;
        app.add_person("canteen", &[("food_safety_officer", &app.premises)], false).await;
        for camera in &cameras[..3] {
            raise(*camera, DiagnosisKind::SignalLost).await;
        }
        raise(far, DiagnosisKind::SignalLost).await;
        raise(cameras[0], DiagnosisKind::Black).await;
        clock.advance(Duration::from_secs(300));
        raise(cameras[3], DiagnosisKind::SignalLost).await;
        let desk = app.person("supervisor", &app.office).await;
        assert_eq!(listed(&desk, "state=raised").await.len(), 5, "each is there");
        let shown = listed(&desk, "state=raised&one_a_cause=true").await;
        let counts: Vec<i64> = shown.iter().map(|alert| alert["cause"]["count"].as_i64().unwrap_or(0)).collect();
        assert_eq!(counts, [0, 0, 3], "later, of another kind, or one of three: {shown:?}");
        let lead = shown[2]["id"].as_str().unwrap();
        assert_eq!(listed(&desk, &format!("cause_id={lead}")).await.len(), 3);

        run_due(&app.app).await.unwrap();
        let canteen = app.sign_in("canteen").await;
        let told = canteen.get("/notices").await.1;
        assert_eq!(told["total"], 2, "the cut and the black picture, not every camera: {told}");

        let path = format!("/alerts/{lead}");
        let desk = app.person("supervisor", &app.office).await;
        let other = app.person("supervisor", &app.office).await;
        let third = listed(&desk, &format!("cause_id={lead}")).await[0]["id"].as_str().unwrap().to_owned();
        assert_eq!(other.post(&format!("/alerts/{third}/claim"), &json!({"version": 1})).await.0, StatusCode::OK);
        let (status, done) = desk.post(&format!("{path}/confirm"), &json!({"version": 1, "same_cause": true})).await;
        assert_eq!((status, done["state"].as_str()), (StatusCode::OK, Some("confirmed")), "{done}");
        let mut now = states(&listed(&desk, &format!("cause_id={lead}")).await).into_iter().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(now[0], "raised", "what somebody else has claimed stays");
        now.sort();
        assert_eq!(now, ["confirmed", "confirmed", "raised"]);
        assert_eq!(desk.post(&format!("{path}/undo"), &json!({"version": 2, "same_cause": true})).await.0, StatusCode::OK);
        assert_eq!(states(&listed(&desk, &format!("cause_id={lead}")).await), ["raised"; 3], "taken back together");
        assert_eq!(other.post(&format!("/alerts/{third}/release"), &json!({"version": 2})).await.0, StatusCode::OK);
        for (act, body) in [
            ("confirm", json!({"version": 3, "same_cause": true})),
            ("dispatch", json!({"version": 4, "deadline": "P1D", "same_cause": true})),
        ] {
            let (status, answer) = desk.post(&format!("{path}/{act}"), &body).await;
            assert_eq!(status, StatusCode::OK, "{answer}");
        }
        assert_eq!(states(&listed(&desk, &format!("cause_id={lead}")).await), ["dispatched"; 3]);
        let dispatched = canteen.get("/notices?unread=true").await.1;
        let count = dispatched["items"].as_array().unwrap().iter().filter(|notice| notice["kind"] == "dispatched").count();
        assert_eq!(count, 1, "one request, not three");
        let (status, answer) = canteen.post(&format!("{path}/rectify"), &json!({"version": 5, "text": "已恢复供电"})).await;
        assert_eq!((status, answer["state"].as_str()), (StatusCode::OK, Some("rectified")));
        assert_eq!(listed(&desk, &format!("cause_id={lead}&state=dispatched")).await.len(), 2, "asked for one, one moves");
        assert_eq!(listed(&desk, "state=dispatched&one_a_cause=true").await.len(), 1, "of those that stand elsewhere, the first is shown");
    }
}

#[actix_web::test]
async fn what_lasts_is_told_although_the_first_of_its_cause_came_back() {
    for engine in ENGINES {
        let clock = Arc::new(SimulatedClock::new(MONDAY_MS));
        let app = TestApp::start_at(engine, clock.clone()).await;
        let (one, two) = (add_camera(&app, &app.premises, "甲").await, add_camera(&app, &app.premises, "乙").await);
        app.add_person("canteen", &[("food_safety_officer", &app.premises)], false).await;
        for (camera, phase) in [(one, Phase::Raised), (two, Phase::Raised), (one, Phase::Cleared)] {
            hear(&app.app, [diagnosis(camera, DiagnosisKind::SignalLost, phase, clock.wall_ms())]).await;
            clock.advance(Duration::from_secs(10));
        }
        clock.advance(Duration::from_secs(300));
        run_due(&app.app).await.unwrap();
        let desk = app.person("supervisor", &app.office).await;
        assert_eq!(states(&listed(&desk, "").await), ["raised", "cleared"]);
        assert_eq!(app.sign_in("canteen").await.get("/notices").await.1["total"], 1, "the other camera is still without a signal");
        assert_eq!(listed(&desk, "state=raised&one_a_cause=true").await.len(), 1);
    }
}
