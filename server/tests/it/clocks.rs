//! Clocks of alerts with time stepped by hand: told after five minutes, reminded, late, and later still.

use std::sync::Arc;
use std::time::Duration;

use media::{Clock as _, DiagnosisKind, Phase, SimulatedClock};
use serde_json::json;
use server::jobs::run_due;

use crate::support::{Client, ENGINES, TestApp, add_camera, diagnosis, hear};

/// Monday 23 November 2026, 10:00 in Shanghai.
const MONDAY_MS: i64 = 1_795_399_200_000;
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

async fn told(client: &Client) -> Vec<(String, String)> {
    let (_, list) = client.get("/notices?limit=200").await;
    let mut told: Vec<_> = list["items"]
        .as_array()
        .unwrap_or_else(|| panic!("{list}"))
        .iter()
        .map(|notice| (notice["kind"].as_str().unwrap().to_owned(), notice["detail"]["level"].as_str().unwrap().to_owned()))
        .collect();
    told.reverse();
    told
}

#[actix_web::test]
async fn a_device_alert_is_told_after_five_minutes_and_grows_late() {
    for engine in ENGINES {
        let clock = Arc::new(SimulatedClock::new(MONDAY_MS));
        let app = TestApp::start_at(engine, clock.clone()).await;
        let camera = add_camera(&app, &app.premises, "洗消间").await;
        hear(&app.app, [diagnosis(camera, DiagnosisKind::Covered, Phase::Raised, clock.wall_ms())]).await;
        app.add_person("canteen", &[("food_safety_officer", &app.premises)], false).await;
        app.add_person("officer", &[("officer", &app.office)], false).await;
        app.add_person("desk", &[("supervisor", &app.office)], false).await;
        app.add_person("district", &[("supervisor", &app.district)], false).await;
        app.add_person("elsewhere", &[("supervisor", &app.other_office)], false).await;
        // A token lives a quarter of an hour of the stepped clock: everybody signs in when they look.
        let look = |name: &'static str| {
            let app = &app;
            async move { told(&app.sign_in(name).await).await }
        };
        let pass = |time: Duration| {
            clock.advance(time);
            run_due(&app.app)
        };

        pass(4 * MINUTE).await.unwrap();
        assert_eq!(look("canteen").await, [], "it may still come back by itself");
        pass(MINUTE).await.unwrap();
        let raised = ("alert_raised".to_owned(), "none".to_owned());
        for person in ["canteen", "desk"] {
            assert_eq!(look(person).await, std::slice::from_ref(&raised), "{person}: told together");
        }
        assert_eq!(look("officer").await, [], "the canteen has a day to bring its camera back");
        assert_eq!((look("district").await, look("elsewhere").await), (vec![], vec![]), "the nearest answers");
        let desk = app.sign_in("desk").await;
        let (_, alert) = desk.get("/alerts").await;
        assert_eq!(alert["items"][0]["due_at"], "2026-11-24T02:05:00.000Z", "a day from when it was told");

        pass(12 * HOUR).await.unwrap();
        assert_eq!(look("canteen").await.last().unwrap().0, "half_time");
        pass(12 * HOUR).await.unwrap();
        assert_eq!(look("canteen").await.last().unwrap(), &("overdue".to_owned(), "yellow".to_owned()));
        assert_eq!(look("officer").await, [("overdue".to_owned(), "yellow".to_owned())], "now the officer is told");
        assert_eq!(look("district").await, []);
        pass(24 * HOUR).await.unwrap();
        assert_eq!(look("district").await, [("overdue".to_owned(), "red".to_owned())], "now the district hears of it");
        pass(24 * HOUR).await.unwrap();
        run_due(&app.app).await.unwrap();
        let expected = ["alert_raised none", "half_time none", "overdue yellow", "overdue red", "overdue supervised"];
        let heard: Vec<_> = look("desk").await.iter().map(|(kind, level)| format!("{kind} {level}")).collect();
        assert_eq!(heard, expected, "each once, however often it is looked at");
        let desk = app.sign_in("desk").await;
        let (_, late) = desk.get("/alerts?level=supervised").await;
        assert_eq!(
            (late["total"].as_i64(), late["items"][0]["state"].as_str()),
            (Some(1), Some("raised")),
            "the level stands beside the state"
        );
        assert_eq!(desk.get("/overview").await.1["alerts"]["overdue"], 1);

        // Dispatching is the answer; the premises gets its own clock, which begins in time.
        let path = format!("/alerts/{}", late["items"][0]["id"].as_str().unwrap());
        desk.post(&format!("{path}/confirm"), &json!({"version": 1})).await;
        let (_, dispatched) = desk.post(&format!("{path}/dispatch"), &json!({"version": 2, "deadline": "PT10H"})).await;
        assert_eq!(dispatched["level"], "none", "{dispatched}");
        pass(5 * HOUR).await.unwrap();
        assert_eq!(look("canteen").await.last().unwrap().0, "half_time");
        let canteen = app.sign_in("canteen").await;
        canteen.post(&format!("{path}/rectify"), &json!({"version": 3, "text": "已清理"})).await;
        pass(50 * HOUR).await.unwrap();
        let desk = app.sign_in("desk").await;
        assert_eq!(desk.get(&path).await.1["level"], "none", "the clock stands still while the bureau reviews");
        let (_, back) = desk.post(&format!("{path}/review"), &json!({"version": 4, "decision": "send_back", "reason": "未清理干净"})).await;
        pass(5 * HOUR).await.unwrap();
        let desk = app.sign_in("desk").await;
        assert_eq!(desk.get(&path).await.1["level"], "yellow", "half of its time was left: {back}");
    }
}

#[actix_web::test]
async fn a_camera_that_comes_back_in_time_bothers_nobody() {
    for engine in ENGINES {
        let clock = Arc::new(SimulatedClock::new(MONDAY_MS));
        let app = TestApp::start_at(engine, clock.clone()).await;
        let camera = add_camera(&app, &app.premises, "洗消间").await;
        app.add_person("canteen", &[("food_safety_officer", &app.premises)], false).await;
        hear(&app.app, [diagnosis(camera, DiagnosisKind::SignalLost, Phase::Raised, clock.wall_ms())]).await;
        clock.advance(2 * MINUTE);
        hear(&app.app, [diagnosis(camera, DiagnosisKind::SignalLost, Phase::Cleared, clock.wall_ms())]).await;
        clock.advance(10 * MINUTE);
        run_due(&app.app).await.unwrap();
        assert_eq!(told(&app.sign_in("canteen").await).await, []);
    }
}
