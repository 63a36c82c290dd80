//! Rectification orders: issued with their paper, answered and judged item by item, late by the existing clocks.

use std::sync::Arc;
use std::time::Duration;

use media::SimulatedClock;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::documents::inspected;
use crate::phone::{Draft, Phone, picture, text};
use crate::support::{Client, Engine, TestApp, on_both};

/// Tuesday, 24 November 2026, 9:00 in Shanghai.
const TUESDAY_MS: i64 = 1_795_482_000_000;

/// Brings a picture; gives its id.
async fn brought(client: &Client, number: u8) -> String {
    let response =
        client.request(Method::POST, "/files", None).header("content-type", "image/png").body(picture(number)).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::CREATED);
    text(&response.json::<Value>().await.unwrap()["id"])
}

async fn ordered(app: &TestApp) -> (Phone, Draft, Value) {
    let (lead, draft) = inspected(app).await;
    let body = json!({"inspection_id": draft.id, "deadline_days": 3, "items": [{"item_code": "8.1", "requirement": "补装盖板，清理积水"}]});
    let (status, order) = lead.client.post("/orders", &body).await;
    assert_eq!(status, StatusCode::CREATED, "{order}");
    (lead, draft, order)
}

on_both!(an_order_goes_to_the_canteen_and_back_until_every_item_is_accepted, |app| {
    let canteen = app.person("food_safety_officer", &app.premises).await;
    let (lead, draft, order) = ordered(&app).await;
    let path = format!("/orders/{}", text(&order["id"]));
    assert_eq!((order["state"].as_str(), order["items"].as_i64()), (Some("ordered"), Some(1)));
    assert!(text(&order["document_number"]).starts_with("责改〔"), "{order}");
    assert_eq!((order["clocks"][0]["unit"].as_str(), order["clocks"][0]["amount"].as_i64()), (Some("working_days"), Some(3)));
    let item = &order["item_list"][0];
    assert_eq!((item["item_code"].as_str(), item["requirement"].as_str()), (Some("8.1"), Some("补装盖板，清理积水")));
    assert_eq!(item["evidence_ids"].as_array().map(Vec::len), Some(1), "with the inspection's photo");
    let item_id = text(&item["id"]);

    // The canteen hears of it, reads it with its paper, and is the one who answers.
    let (_, notices) = canteen.get("/notices").await;
    assert_eq!(
        (notices["items"][0]["kind"].as_str(), &notices["items"][0]["detail"]["order_id"]),
        (Some("order_issued"), &order["id"]),
        "{notices}"
    );
    let (_, seen) = canteen.get(&path).await;
    assert_eq!(seen["allowed_actions"], json!(["answer"]));
    assert_eq!(canteen.get(&format!("/documents/{}", text(&order["document_id"]))).await.0, StatusCode::OK);
    let empty = json!({"version": 1, "items": [{"item_id": item_id, "text": " "}]});
    let (status, problem) = canteen.post(&format!("{path}/answer"), &empty).await;
    assert_eq!((status, problem["errors"][0]["pointer"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("/items/0/text")));
    let (status, problem) = canteen.post(&format!("{path}/answer"), &json!({"version": 1, "items": []})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "every open item is answered: {problem}");
    let somebodys = brought(&lead.client, 30).await;
    let stolen = json!({"version": 1, "items": [{"item_id": item_id, "text": "好了", "evidence_ids": [somebodys]}]});
    assert_eq!(canteen.post(&format!("{path}/answer"), &stolen).await.0, StatusCode::UNPROCESSABLE_ENTITY, "evidence is one's own");
    let photo = brought(&canteen, 31).await;
    let answer = json!({"version": 1, "items": [{"item_id": item_id, "text": "已补装盖板", "evidence_ids": [photo]}]});
    assert_eq!(lead.client.post(&format!("{path}/answer"), &answer).await.0, StatusCode::FORBIDDEN, "the premises answers");
    let (status, answered) = canteen.post(&format!("{path}/answer"), &answer).await;
    assert_eq!((status, answered["state"].as_str()), (StatusCode::OK, Some("answered")), "{answered}");
    assert!(answered["clocks"][0]["paused_at"].is_string(), "the clock stands still while it is judged");
    let (status, problem) = canteen.post(&format!("{path}/answer"), &answer).await;
    assert_eq!((status, problem["type"].as_str()), (StatusCode::CONFLICT, Some("stale_version")), "{problem}");
    let picture = lead.client.request(Method::GET, &format!("{path}/evidence/{photo}"), None).send().await.unwrap();
    assert_eq!(picture.status(), StatusCode::OK);
    assert_eq!(lead.client.get(&format!("{path}/evidence/{somebodys}")).await.0, StatusCode::NOT_FOUND, "only what the order shows");

    // The officer looks at the item again and sends it back; then accepts.
    assert!(lead.client.get("/notices").await.1["items"].as_array().unwrap().iter().any(|notice| notice["kind"] == "order_answered"));
    let unsaid = json!({"version": 2, "items": [{"item_id": item_id, "accepted": false}]});
    let (status, problem) = lead.client.post(&format!("{path}/review"), &unsaid).await;
    assert_eq!((status, problem["errors"][0]["pointer"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("/items/0/note")));
    let back = json!({"version": 2, "items": [{"item_id": item_id, "accepted": false, "note": "盖板未固定"}], "deadline_days": 2});
    let (status, sent_back) = lead.client.post(&format!("{path}/review"), &back).await;
    assert_eq!((status, sent_back["state"].as_str()), (StatusCode::OK, Some("ordered")), "{sent_back}");
    assert_eq!(canteen.get("/notices").await.1["items"][0]["kind"], "order_sent_back");
    let again = json!({"version": 3, "items": [{"item_id": item_id, "text": "已用螺丝固定"}]});
    assert_eq!(canteen.post(&format!("{path}/answer"), &again).await.0, StatusCode::OK);
    let accept = json!({"version": 4, "items": [{"item_id": item_id, "accepted": true, "note": "现场核实"}]});
    let (status, closed) = lead.client.post(&format!("{path}/review"), &accept).await;
    assert_eq!(
        (status, closed["state"].as_str(), closed["accepted_items"].as_i64()),
        (StatusCode::OK, Some("closed"), Some(1)),
        "{closed}"
    );
    let rounds = closed["item_list"][0]["answers"].as_array().unwrap();
    assert_eq!(rounds.iter().map(|round| round["accepted"].clone()).collect::<Vec<_>>(), [json!(false), json!(true)], "each round is kept");
    assert_eq!((rounds[0]["text"].as_str(), rounds[0]["note"].as_str()), (Some("已补装盖板"), Some("盖板未固定")));
    let acts: Vec<_> = closed["history"].as_array().unwrap().iter().map(|act| text(&act["action"])).collect();
    assert_eq!(acts, ["order", "answer", "review", "answer", "review"]);
    let (_, list) = lead.client.get(&format!("/orders?inspection_id={}&open=false", draft.id)).await;
    assert_eq!(list["total"], 1);
    let (_, overview) = lead.client.get("/overview").await;
    assert_eq!(
        (overview["orders"]["issued"].as_i64(), overview["orders"]["rectified"].as_i64(), overview["orders"]["open"].as_i64()),
        (Some(1), Some(1), Some(0))
    );
    assert_eq!(app.person("officer", &app.other_office).await.get(&path).await.0, StatusCode::NOT_FOUND);
});

on_both!(an_order_names_failed_items_only_and_is_taken_back_with_its_paper, |app| {
    let (lead, draft) = inspected(&app).await;
    for (items, pointer) in [
        (json!([{"item_code": "1.2", "requirement": "x"}]), "/items/0/item_code"),
        (json!([{"item_code": "8.1", "requirement": ""}]), "/items/0/requirement"),
        (json!([]), "/items"),
    ] {
        let (status, problem) = lead.client.post("/orders", &json!({"inspection_id": draft.id, "deadline_days": 3, "items": items})).await;
        assert_eq!((status, problem["errors"][0]["pointer"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some(pointer)), "{problem}");
    }
    assert_eq!(lead.client.get("/paper-numbers").await.1["total"], 0, "what is refused takes no number");
    let body = json!({"inspection_id": draft.id, "deadline_days": 5, "items": [{"item_code": "8.1", "requirement": "补装盖板"}]});
    let preview = lead.client.request(Method::POST, "/orders/preview", Some(&body)).send().await.unwrap();
    assert!(preview.bytes().await.unwrap().starts_with(b"%PDF-"));
    let (_, order) = lead.client.post("/orders", &body).await;
    let path = format!("/orders/{}", text(&order["id"]));
    let (status, longer) =
        lead.client.post(&format!("{path}/extend"), &json!({"version": 1, "deadline_days": 20, "reason": "配件到货需要时间"})).await;
    assert_eq!((status, longer["state"].as_str()), (StatusCode::OK, Some("ordered")));
    assert!(text(&longer["due_at"]) > text(&order["due_at"]), "{} {}", longer["due_at"], order["due_at"]);
    let head = app.person("head", &app.office).await;
    let me = text(&lead.client.get("/me").await.1["id"]);
    let desk = app.person("supervisor", &app.office).await;
    let (status, checked) = desk.post(&format!("{path}/recheck"), &json!({"officer_ids": [me], "due_on": "2027-01-15"})).await;
    assert_eq!((status, checked["rechecks"][0]["state"].as_str()), (StatusCode::OK, Some("open")), "{checked}");
    let canteen = app.person("food_safety_officer", &app.premises).await;
    assert_eq!(canteen.get(&path).await.1["rechecks"], json!([]), "who is checked is not told when");
    let (status, gone) = head.post(&format!("{path}/withdraw"), &json!({"version": 2, "reason": "认定有误"})).await;
    assert_eq!((status, gone["state"].as_str()), (StatusCode::OK, Some("withdrawn")), "{gone}");
    let (_, paper) = lead.client.get(&format!("/documents/{}", text(&order["document_id"]))).await;
    assert_eq!((paper["state"].as_str(), paper["void_reason"].as_str()), (Some("void"), Some("认定有误")));
});

async fn is_late(engine: Engine) {
    let clock = Arc::new(SimulatedClock::new(TUESDAY_MS));
    let app = TestApp::start_at(engine, clock.clone()).await;
    let canteen_id = app.add_person("canteen", &[("food_safety_officer", &app.premises)], false).await;
    let decider_id = app.add_person("decider", &[("supervisor", &app.district)], false).await;
    let (_, _, order) = ordered(&app).await;
    assert_eq!(text(&order["due_at"]), "2026-11-27T16:00:00.000Z", "three working days: until the end of Friday");
    let path = format!("/orders/{}", text(&order["id"]));
    let mut days_gone = 0;
    for (days, level) in [(2, "none"), (4, "yellow"), (9, "red"), (16, "supervised")] {
        clock.advance(Duration::from_secs((days - days_gone) * 86_400));
        days_gone = days;
        server::jobs::run_due(&app.app).await.unwrap();
        // Who signed in days ago has to sign in again.
        let desk = app.sign_in("decider").await;
        assert_eq!(desk.get(&path).await.1["level"], level, "after {days} days");
    }
    let desk = app.sign_in("decider").await;
    assert_eq!(desk.get("/overview").await.1["orders"]["overdue"], 1);
    let kinds = |notices: Value| -> Vec<String> {
        notices["items"]
            .as_array()
            .unwrap()
            .iter()
            .rev()
            .map(|notice| format!("{} {}", text(&notice["kind"]), text(&notice["detail"]["level"])))
            .collect()
    };
    let told = kinds(app.sign_in("canteen").await.get("/notices").await.1);
    assert_eq!(told, ["order_issued none", "half_time none", "overdue yellow", "overdue red", "overdue supervised"], "{canteen_id}");
    let told = kinds(desk.get("/notices").await.1);
    assert!(told.contains(&"overdue red".to_owned()), "what is late twice over is told above: {told:?} {decider_id}");
}

#[actix_web::test]
async fn an_order_that_is_late_reminds_and_escalates_sqlite() {
    is_late(Engine::Sqlite).await;
}

#[actix_web::test]
async fn an_order_that_is_late_reminds_and_escalates_postgres() {
    is_late(Engine::Postgres).await;
}

on_both!(an_open_order_comes_to_phones_with_its_items_and_goes_when_it_is_closed, |app| {
    let canteen = app.person("food_safety_officer", &app.premises).await;
    let (lead, _, order) = ordered(&app).await;
    let id = text(&order["id"]);
    let (_, page) = canteen.get("/sync?limit=500").await;
    let of = |page: &Value| page["items"].as_array().unwrap().iter().filter(|item| item["entity"] == "order").cloned().collect::<Vec<_>>();
    let told = of(&page);
    assert_eq!((told.len(), &told[0]["id"], &told[0]["value"]["allowed_actions"]), (1, &json!(id), &json!(["answer"])), "{told:?}");
    assert_eq!(
        (told[0]["value"]["item_list"][0]["requirement"].as_str(), told[0]["value"]["history"].is_null()),
        (Some("补装盖板，清理积水"), true)
    );
    let item = text(&told[0]["value"]["item_list"][0]["id"]);
    let (status, answered) =
        canteen.post(&format!("/orders/{id}/answer"), &json!({"version": 1, "items": [{"item_id": item, "text": "已补装"}]})).await;
    assert_eq!(status, StatusCode::OK, "{answered}");
    let officers = of(&lead.client.get("/sync?limit=500").await.1);
    assert_eq!(officers[0]["value"]["item_list"][0]["answers"][0]["text"], "已补装", "{officers:?}");

    // The re-check names the order, so that the phone asks its items.
    let supervisor = app.person("supervisor", &app.office).await;
    let (status, planned) =
        supervisor.post(&format!("/orders/{id}/recheck"), &json!({"officer_ids": [lead.user_id], "due_on": "2099-01-04"})).await;
    assert_eq!(status, StatusCode::OK, "{planned}");
    let (_, page) = lead.client.get("/sync?limit=500").await;
    let assignment = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|item| item["entity"] == "assignment" && item["value"]["kind"] == "reinspection")
        .unwrap();
    assert_eq!(assignment["value"]["order_id"], json!(id));

    let since = text(&canteen.get("/sync?limit=500").await.1["next"]);
    let judged = json!({"version": answered["version"], "items": [{"item_id": item, "accepted": true}]});
    let (status, closed) = lead.client.post(&format!("/orders/{id}/review"), &judged).await;
    assert_eq!((status, closed["state"].as_str()), (StatusCode::OK, Some("closed")), "{closed}");
    crate::support::settled(&app).await;
    let (_, page) = canteen.get(&format!("/sync?since={since}")).await;
    assert_eq!(of(&page).iter().map(|item| text(&item["op"])).collect::<Vec<_>>(), ["delete"], "{page}");
});
