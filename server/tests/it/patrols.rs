//! Patrols: drawn by plan, walked by several, findings that become alerts, and how much was looked at.

use std::sync::Arc;
use std::time::Duration;

use media::SimulatedClock;
use reqwest::StatusCode;
use serde_json::{Value, json};
use server::jobs::draw_patrols;
use uuid::Uuid;

use crate::support::{Client, ENGINES, Node, TestApp, add_camera};

/// Monday 23 November 2026, 10:00 in Shanghai.
const MONDAY_MS: i64 = 1_795_399_200_000;

/// A camera that shall record; nothing does here.
async fn camera(app: &TestApp, premises: &Node, name: &str) -> Uuid {
    let id = add_camera(app, premises, name).await;
    let administrator = app.person("administrator", &app.city).await;
    let (status, answer) = administrator.patch(&format!("/cameras/{id}"), &json!({"enabled": true, "version": 1})).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    id
}

async fn looks(who: &Client, query: &str) -> Vec<Value> {
    let (status, list) = who.get(&format!("/patrol/looks?limit=200{query}")).await;
    assert_eq!(status, StatusCode::OK, "{list}");
    assert_eq!(list["total"], list["items"].as_array().unwrap().len());
    list["items"].as_array().unwrap().clone()
}

async fn look(who: &Client, camera: Uuid, body: Value) -> (StatusCode, Value) {
    who.put(&format!("/patrol/looks/{camera}"), &body).await
}

#[actix_web::test]
async fn what_a_plan_asks_for_is_drawn_once_a_day_from_the_nearest_plan() {
    for engine in ENGINES {
        let clock = Arc::new(SimulatedClock::new(MONDAY_MS));
        let app = TestApp::start_at(engine, clock.clone()).await;
        for name in ["a", "b", "c", "d"] {
            camera(&app, &app.premises, name).await;
            camera(&app, &app.other_premises, name).await;
        }
        let desk = app.person("supervisor", &app.district).await;
        let east = app.person("supervisor", &app.office).await;
        draw_patrols(&app.app).await.unwrap();
        assert!(looks(&desk, "").await.is_empty(), "nobody has planned anything");

        let plan = async |who: &Client, node: &str, body: Value| who.put(&format!("/patrol/plans/{node}"), &body).await;
        for bad in [json!({"share": 0, "by_risk": false}), json!({"share": 101, "by_risk": false})] {
            let (status, refused) = plan(&desk, &app.district.id, bad).await;
            assert_eq!((status, refused["errors"][0]["pointer"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("/share")));
        }
        assert_eq!(
            plan(&east, &app.district.id, json!({"share": 50, "by_risk": false})).await.0,
            StatusCode::NOT_FOUND,
            "not theirs to plan"
        );
        assert_eq!(plan(&desk, &app.district.id, json!({"share": 50, "by_risk": false})).await.0, StatusCode::OK);
        assert_eq!(plan(&east, &app.office.id, json!({"share": 100, "by_risk": true})).await.0, StatusCode::OK);
        for _ in 0..2 {
            draw_patrols(&app.app).await.unwrap();
        }
        let all = looks(&desk, "").await;
        let of = |premises: &str| all.iter().filter(|one| one["premises_id"] == *premises).count();
        assert_eq!((of(&app.premises.id), of(&app.other_premises.id)), (4, 2), "all by the office's plan, half by the district's");
        assert_eq!(looks(&east, "").await.len(), 4, "whose they are");
        assert_eq!(looks(&desk, &format!("&organization_id={}", app.office.id)).await.len(), 4);

        assert_eq!(plan(&desk, &app.district.id, json!({"share": 100, "by_risk": false})).await.0, StatusCode::OK);
        assert_eq!(
            desk.request(reqwest::Method::DELETE, &format!("/patrol/plans/{}", app.office.id), None).send().await.unwrap().status(),
            StatusCode::NO_CONTENT
        );
        draw_patrols(&app.app).await.unwrap();
        assert_eq!(looks(&desk, "").await.len(), 6, "today stays as it was drawn");
        clock.advance(Duration::from_secs(24 * 3_600));
        draw_patrols(&app.app).await.unwrap();
        let desk = app.person("supervisor", &app.district).await;
        assert_eq!(looks(&desk, "").await.len(), 8, "another day, by what holds now");
        assert_eq!(looks(&desk, "&day=2026-11-23").await.len(), 6);
        assert_eq!(desk.get("/patrol/plans").await.1["total"], 1);
        assert_eq!(desk.get("/patrol/looks?day=today").await.0, StatusCode::BAD_REQUEST);
    }
}

#[actix_web::test]
async fn what_is_seen_counts_once_and_a_finding_becomes_an_alert() {
    for engine in ENGINES {
        let app = TestApp::start_at(engine, Arc::new(SimulatedClock::new(MONDAY_MS))).await;
        let (one, two) = (camera(&app, &app.premises, "烹饪间").await, camera(&app, &app.premises, "备餐间").await);
        let far = camera(&app, &app.other_premises, "留样间").await;
        let (desk, colleague) = (app.person("supervisor", &app.office).await, app.person("supervisor", &app.district).await);
        let (grid, canteen) = (app.person("grid_member", &app.office).await, app.person("food_safety_officer", &app.premises).await);
        assert_eq!(desk.put(&format!("/patrol/plans/{}", app.office.id), &json!({"share": 100, "by_risk": false})).await.0, StatusCode::OK);
        draw_patrols(&app.app).await.unwrap();
        assert_eq!(canteen.get("/patrol/looks").await.0, StatusCode::FORBIDDEN);

        let (status, seen) = look(&desk, one, json!({"result": "fine"})).await;
        assert_eq!((status, seen["result"].as_str(), seen["looked_by_name"].is_string()), (StatusCode::OK, Some("fine"), true), "{seen}");
        assert_eq!(look(&desk, one, json!({"result": "fine"})).await.0, StatusCode::OK, "an answer that was lost");
        let (status, refused) = look(&grid, one, json!({"result": "no_picture"})).await;
        assert_eq!((status, refused["present"]["result"].as_str()), (StatusCode::CONFLICT, Some("fine")), "somebody has looked");
        assert_eq!(look(&desk, far, json!({"result": "fine"})).await.0, StatusCode::NOT_FOUND, "not of this patrol");
        for (bad, pointer) in [
            (json!({"result": "finding"}), "/finding"),
            (json!({"result": "fine", "finding": {"class": 3, "text": "油污"}}), "/finding"),
            (json!({"result": "finding", "finding": {"class": 4, "text": "油污"}}), "/class"),
            (json!({"result": "finding", "finding": {"class": 3, "text": " "}}), "/text"),
            (json!({"result": "finding", "finding": {"class": 3, "text": "油污", "at": "2026-11-24T00:00:00.000Z"}}), "/at"),
        ] {
            let (status, refused) = look(&desk, two, bad.clone()).await;
            assert_eq!((status, refused["errors"][0]["pointer"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some(pointer)), "{bad}");
        }

        let found = json!({"result": "finding", "finding": {"class": 2, "text": "垃圾桶未加盖"}});
        let (status, seen) = look(&grid, one, found.clone()).await;
        assert_eq!((status, seen["result"].as_str()), (StatusCode::OK, Some("finding")), "it stands over what was fine: {seen}");
        assert_eq!(look(&desk, one, found).await.0, StatusCode::CONFLICT, "found already");
        let path = format!("/alerts/{}", seen["alert_id"].as_str().unwrap());
        let (_, alert) = desk.get(&path).await;
        assert_eq!(
            (alert["kind"].as_str(), alert["class"].as_i64(), alert["state"].as_str()),
            (Some("patrol_finding"), Some(2), Some("raised"))
        );
        let raised = &alert["history"][0];
        assert_eq!(
            (raised["action"].as_str(), raised["actor"]["kind"].as_str(), raised["text"].as_str()),
            (Some("raise"), Some("user"), Some("垃圾桶未加盖"))
        );
        assert_eq!(desk.post(&format!("{path}/confirm"), &json!({"version": 1})).await.0, StatusCode::OK, "decided like any other");
        assert_eq!(desk.get("/alerts?kind=patrol_finding").await.1["total"], 1, "what was refused raised nothing");

        let (status, apart) = desk.post(&format!("/cameras/{two}/findings"), &json!({"class": 3, "text": "未戴工帽"})).await;
        assert_eq!(status, StatusCode::CREATED, "{apart}");
        assert_eq!(desk.get(&format!("/alerts/{}", apart["alert_id"].as_str().unwrap())).await.1["class"], 3);
        assert_eq!(desk.post(&format!("/cameras/{far}/findings"), &json!({"class": 3, "text": "x"})).await.0, StatusCode::NOT_FOUND);
        assert_eq!(canteen.post(&format!("/cameras/{two}/findings"), &json!({"class": 3, "text": "x"})).await.0, StatusCode::FORBIDDEN);

        let (_, coverage) = colleague.get("/patrol/coverage?by=office").await;
        let office = &coverage["items"][0];
        assert_eq!(
            (&office["planned"], &office["looked"], &office["findings"], &office["rate"]),
            (&json!(2), &json!(1), &json!(1), &json!(0.5))
        );
        assert_eq!(look(&desk, two, json!({"result": "no_picture"})).await.0, StatusCode::OK);
        for (by, groups) in [("day", 1), ("premises", 1), ("person", 2)] {
            let (_, coverage) = colleague.get(&format!("/patrol/coverage?by={by}")).await;
            assert_eq!((coverage["items"].as_array().map(Vec::len), &coverage["all"]["rate"]), (Some(groups), &json!(1.0)), "{coverage}");
            assert_eq!(coverage["all"]["no_picture"], 1);
        }
        assert!(looks(&desk, "&looked=false").await.is_empty());
        assert_eq!(looks(&desk, "&looked=true").await.len(), 2);
        assert_eq!(desk.get("/patrol/coverage?by=day&from=2026-11-24&to=2026-11-23").await.0, StatusCode::BAD_REQUEST);
    }
}
