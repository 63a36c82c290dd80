//! What the program does by itself: dispatches where it was told to, and takes what happens often more seriously.

use std::sync::Arc;
use std::time::Duration;

use media::{Clock as _, DiagnosisKind, Phase, SimulatedClock};
use reqwest::StatusCode;
use serde_json::json;
use server::jobs::run_due;
use server::store::alert_acts::{self, Seen, Sighting};
use server::store::{StoreError, alerts};
use uuid::Uuid;

use crate::support::{ENGINES, Node, TestApp, add_camera, diagnosis, hear, on_both};

const MONDAY_MS: i64 = 1_795_399_200_000;
const DAY_MS: i64 = 24 * 3_600_000;

#[actix_web::test]
async fn a_device_alert_is_dispatched_by_the_program_where_that_is_switched_on() {
    for engine in ENGINES {
        let clock = Arc::new(SimulatedClock::new(MONDAY_MS));
        let app = TestApp::start_at(engine, clock.clone()).await;
        let (east, west) = (add_camera(&app, &app.premises, "储藏间").await, add_camera(&app, &app.other_premises, "储藏间").await);
        app.add_person("canteen", &[("food_safety_officer", &app.premises)], false).await;
        let desk = app.person("supervisor", &app.office).await;
        let setting = format!("/settings/auto_dispatch?scope=premises&id={}", app.premises.id);
        assert_eq!(desk.put(&setting, &json!({"no_mask": true})).await.0, StatusCode::UNPROCESSABLE_ENTITY, "not for what a camera sees");
        let (_, before) = desk.get(&setting.replace("dispatch?", "dispatch/effective?")).await;
        assert_eq!(before["kinds"]["signal_lost"], json!({"value": false, "from": "default"}), "off until somebody says so");
        assert_eq!(desk.put(&setting, &json!({"signal_lost": true})).await.0, StatusCode::OK);
        let (_, after) = desk.get(&setting.replace("dispatch?", "dispatch/effective?")).await;
        assert_eq!(
            (&after["kinds"]["signal_lost"], &after["kinds"]["black"]["value"]),
            (&json!({"value": true, "from": "premises"}), &json!(false))
        );
        assert_eq!(desk.put("/settings/auto_dispatch?scope=system", &json!({"black": true})).await.0, StatusCode::FORBIDDEN);

        let now = clock.wall_ms();
        let lost = |camera| diagnosis(camera, DiagnosisKind::SignalLost, Phase::Raised, now);
        hear(&app.app, [lost(east), lost(west), diagnosis(east, DiagnosisKind::Black, Phase::Raised, now)]).await;
        clock.advance(Duration::from_secs(299));
        run_due(&app.app).await.unwrap();
        let district = app.person("supervisor", &app.district).await;
        assert_eq!(district.get("/alerts?state=raised").await.1["total"], 3, "not before five minutes");
        clock.advance(Duration::from_secs(1));
        run_due(&app.app).await.unwrap();
        let (_, dispatched) = district.get("/alerts?state=dispatched").await;
        assert_eq!(
            (dispatched["total"].as_i64(), dispatched["items"][0]["camera_id"].as_str()),
            (Some(1), Some(east.to_string().as_str())),
            "the other premises and the other kind are not"
        );
        let (_, alert) = district.get(&format!("/alerts/{}", dispatched["items"][0]["id"].as_str().unwrap())).await;
        let acts: Vec<_> =
            alert["history"].as_array().unwrap().iter().map(|act| json!([act["action"], act["actor"]["kind"], act["rule"]])).collect();
        assert_eq!(
            acts,
            [
                json!(["raise", "system", "diagnosis@1"]),
                json!(["confirm", "system", "auto_dispatch@1"]),
                json!(["dispatch", "system", "auto_dispatch@1"])
            ]
        );
        assert_eq!(alert["due_at"], "2026-11-24T02:05:00.000Z", "back in a day");
        let auditor = app.person("auditor", &app.city).await;
        let (_, audit) = auditor.get("/audit?action=alert_dispatch").await;
        assert_eq!((audit["items"].as_array().map(Vec::len), audit["items"][0]["actor"]["id"].is_null()), (Some(1), true), "{audit}");
        let (_, told) = app.sign_in("canteen").await.get("/notices").await;
        let kinds: Vec<_> = told["items"].as_array().unwrap().iter().map(|notice| notice["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds.iter().filter(|kind| **kind == "dispatched").count(), 1, "{kinds:?}");
    }
}

async fn sight(app: &TestApp, camera: Uuid, premises: &Node, at: i64) -> (i64, String) {
    let seen = Sighting {
        id: Uuid::now_v7().to_string(),
        kind: "no_mask".to_owned(),
        class: 3,
        camera_id: camera.to_string(),
        premises_id: premises.id.clone(),
        began_at: at,
        at,
        measure: 0.9,
        threshold: 0.5,
        rule: r#"{"name":"model@1"}"#.to_owned(),
        repeat_interval_ms: 60_000,
        still_file_id: None,
        clip: None,
        hold: None,
    };
    let done = app.app.db.write(move |tx| {
        Box::pin(async move {
            let (Seen::Raised(id) | Seen::Joined(id)) = alert_acts::sighted(tx, &seen).await?;
            alerts::ended(tx, &id, at + 1_000).await?;
            Ok::<_, StoreError>(id)
        })
    });
    let id = done.await.unwrap();
    let (_, alert) = app.person("supervisor", &app.district).await.get(&format!("/alerts/{id}")).await;
    (alert["class"].as_i64().unwrap(), id)
}

on_both!(three_of_a_kind_in_thirty_days_are_more_serious, |app| {
    let (one, two) = (add_camera(&app, &app.premises, "A").await, add_camera(&app, &app.premises, "B").await);
    let elsewhere = add_camera(&app, &app.other_premises, "C").await;
    let now = app.app.clock.wall_ms();
    assert_eq!(sight(&app, one, &app.premises, now - 45 * DAY_MS).await.0, 3, "long ago");
    assert_eq!(sight(&app, one, &app.premises, now - 20 * DAY_MS).await.0, 3);
    let (class, dismissed) = sight(&app, two, &app.premises, now - 10 * DAY_MS).await;
    assert_eq!(class, 3);
    let desk = app.person("supervisor", &app.district).await;
    let reason = json!({"version": 1, "reason": "false_alarm"});
    assert_eq!(desk.post(&format!("/alerts/{dismissed}/dismiss"), &reason).await.0, StatusCode::OK);
    assert_eq!(sight(&app, two, &app.premises, now - 9 * DAY_MS).await.0, 3, "a false alarm is not counted");
    assert_eq!(sight(&app, elsewhere, &app.other_premises, now - 9 * DAY_MS).await.0, 3, "each premises by itself");
    let (class, third) = sight(&app, one, &app.premises, now).await;
    assert_eq!(class, 2, "the third of the premises, whichever camera saw it");
    let (_, alert) = desk.get(&format!("/alerts/{third}")).await;
    assert_eq!((&alert["rule"]["grown"]["from_class"], &alert["rule"]["grown"]["count"]), (&json!(3), &json!(3)), "{alert}");
    assert_eq!(desk.get("/alerts?class=2").await.1["total"], 1);
});
