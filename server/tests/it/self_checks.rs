//! The canteen's own papers: sent once however often, due by rule, reminded of, and the samples they report.

use std::sync::Arc;
use std::time::Duration;

use media::SimulatedClock;
use mobile_api::canonical;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use server::jobs::remind_of_papers;
use uuid::Uuid;

use crate::phone::{Phone, evidence, picture, text};
use crate::support::{Client, ENGINES, TestApp, on_both};

/// Monday 23 November 2026, 6:00 in Shanghai.
const MONDAY_MS: i64 = 1_795_384_800_000;
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// A paper as the canteen's phone makes it.
pub struct Paper {
    id: Uuid,
    content: Value,
}

impl Paper {
    pub fn put(&self) -> Value {
        json!({"content": self.content, "content_sha256": canonical::sha256_hex(&self.content)})
    }

    pub fn path(&self) -> String {
        format!("/self-checks/{}", self.id)
    }
}

/// The version in force of a paper, as sync brings it.
async fn template(client: &Client, code: &str) -> Value {
    let (status, page) = client.get("/sync?limit=500").await;
    assert_eq!(status, StatusCode::OK, "{page}");
    let found = page["items"].as_array().unwrap().iter().find(|item| item["entity"] == "template" && item["value"]["code"] == code);
    found.unwrap_or_else(|| panic!("{code} does not come down")).clone()["value"].clone()
}

/// A paper with every item answered well; signatures and photos are promised, not brought.
pub async fn paper(app: &TestApp, client: &Client, code: &str, day: &str, slot: Option<&str>, at: &str) -> Paper {
    let template = template(client, code).await;
    let (mut answers, mut files) = (Vec::new(), Vec::new());
    for item in template["body"]["sections"].as_array().unwrap().iter().flat_map(|section| section["items"].as_array().unwrap()) {
        let mut values = serde_json::Map::new();
        for field in item["fields"].as_array().into_iter().flatten().filter(|field| field["show_when"].is_null()) {
            let value = match field["kind"]["type"].as_str().unwrap() {
                "number" => json!(field["kind"]["min"].as_f64().unwrap_or(2.0) + 1.0),
                "text" if field["code"] == "dishes" => json!("红烧肉、清炒菜心，米饭"),
                "text" => json!("林晓梅"),
                "one" if field["code"] == "meal" => json!("lunch"),
                "one" => field["kind"]["choices"][0]["code"].clone(),
                "many" => json!([field["kind"]["choices"][0]["code"]]),
                _ => {
                    let id = Uuid::now_v7().to_string();
                    let mut file = evidence(&id, item["code"].as_str().unwrap(), &picture(7));
                    file["kind"] = json!("signature");
                    files.push(file);
                    json!(id)
                }
            };
            values.insert(text(&field["code"]), value);
        }
        if item["show_when"].is_null() && !values.is_empty() {
            answers.push(json!({"item_code": item["code"], "values": values, "answered_at": at, "evidence_ids": []}));
        }
    }
    let mut content = json!({"premises_id": app.premises.id, "template_id": template["id"], "day": day, "part": {"device_id": "kitchen-1", "answers": answers,
        "evidence": files, "locations": [], "signatures": [], "clock": {"device_time": at, "monotonic_ms": 1}}});
    if let Some(slot) = slot {
        content["slot"] = json!(slot);
    }
    Paper { id: Uuid::now_v7(), content }
}

fn today(app: &TestApp) -> String {
    server::domain::calendar::date_of(app.app.clock.wall_ms()).to_string()
}

pub fn now(app: &TestApp) -> String {
    mobile_api::Moment(app.app.clock.wall_ms()).to_string()
}

on_both!(a_paper_is_sent_once_however_often_and_is_seen_by_canteen_and_officer, |app| {
    let canteen = app.person("food_safety_officer", &app.premises).await;
    let (day, at) = (today(&app), now(&app));
    let sent = paper(&app, &canteen, "self_daily_control", &day, None, &at).await;
    let (status, stored) = canteen.put(&sent.path(), &sent.put()).await;
    assert_eq!((status, stored["missing_evidence"].as_array().map(Vec::len)), (StatusCode::CREATED, Some(1)), "{stored}");
    let (status, again) = canteen.put(&sent.path(), &sent.put()).await;
    assert_eq!((status, &again), (StatusCode::OK, &stored));

    // Its signature comes by tus, as evidence of an inspection does; then nothing is missing.
    let me = text(&canteen.get("/me").await.1["id"]);
    let phone = Phone { client: canteen.clone(), user_id: me, device_id: "kitchen-1".to_owned() };
    let signature = text(&sent.content["part"]["evidence"][0]["id"]);
    assert_eq!(phone.upload(sent.id, &signature, &picture(7)).await, StatusCode::NO_CONTENT);
    let (_, whole) = canteen.put(&sent.path(), &sent.put()).await;
    assert_eq!(whole["missing_evidence"], json!([]));
    let file = canteen.request(Method::GET, &format!("{}/evidence/{signature}", sent.path()), None).send().await.unwrap();
    assert_eq!((file.status(), file.bytes().await.unwrap().to_vec()), (StatusCode::OK, picture(7)));

    // Another content under the same id is named beside the first.
    let mut other = Paper { id: sent.id, content: sent.content.clone() };
    other.content["part"]["clock"]["monotonic_ms"] = json!(2);
    let (status, problem) = canteen.put(&other.path(), &other.put()).await;
    assert_eq!((status, &problem["present"]["content_sha256"]), (StatusCode::CONFLICT, &stored["content_sha256"]), "{problem}");

    // The officer reads it, also on the phone, with the paper's own template; one of another office does not.
    let officer = Phone::at(&app, &app.office).await;
    let (_, page) = officer.client.get(&sent.path()).await;
    assert_eq!(
        (page["code"].as_str(), page["problems"].as_i64(), page["day"].as_str()),
        (Some("self_daily_control"), Some(0), Some(day.as_str()))
    );
    let (_, sync) = officer.client.get("/sync?limit=500").await;
    let of = |entity: &str| -> Vec<Value> {
        sync["items"].as_array().unwrap().iter().filter(|item| item["entity"] == entity).map(|item| item["value"].clone()).collect()
    };
    assert_eq!(of("self_check")[0]["answers"]["8"]["values"]["risk"], "none");
    assert!(of("template").iter().any(|template| template["code"] == "self_daily_control"), "to read it by");
    let elsewhere = Phone::at(&app, &app.other_office).await;
    assert_eq!(elsewhere.client.get(&sent.path()).await.0, StatusCode::NOT_FOUND);
    assert_eq!(
        officer.client.put(&format!("/self-checks/{}", Uuid::now_v7()), &sent.put()).await.0,
        StatusCode::FORBIDDEN,
        "an officer answers none"
    );

    // A client that does not know papers is not given any.
    let old = officer.client.request(Method::GET, "/sync?limit=500", None).header("Bright-Kitchen-Client", "phone/3").send().await.unwrap();
    let old: Value = old.json().await.unwrap();
    let told = old["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|item| item["entity"] == "self_check" || item["value"]["audience"] == "canteen")
        .count();
    assert_eq!(told, 0, "{old}");
});

on_both!(a_paper_is_whole_of_a_day_that_may_be_and_of_who_may, |app| {
    let canteen = app.person("food_safety_director", &app.premises).await;
    let principal = app.person("principal", &app.premises).await;
    let (day, at) = (today(&app), now(&app));
    let mut sent = paper(&app, &canteen, "self_daily_control", &day, None, &at).await;
    let codes = |problem: &Value| -> Vec<(String, String)> {
        problem["errors"].as_array().into_iter().flatten().map(|fault| (text(&fault["pointer"]), text(&fault["code"]))).collect()
    };
    let good = sent.content.clone();
    sent.content["part"]["answers"].as_array_mut().unwrap().remove(0);
    let (status, problem) = canteen.put(&sent.path(), &sent.put()).await;
    assert_eq!((status, codes(&problem)), (StatusCode::UNPROCESSABLE_ENTITY, vec![("/answers/1".to_owned(), "answer".to_owned())]));
    sent.content = good.clone();
    sent.content["day"] = json!("2019-01-01");
    sent.content["slot"] = json!("lunch");
    let (status, problem) = canteen.put(&sent.path(), &sent.put()).await;
    let wrong = vec![("/content/day".to_owned(), "out_of_range".to_owned()), ("/content/slot".to_owned(), "unknown".to_owned())];
    assert_eq!((status, codes(&problem)), (StatusCode::UNPROCESSABLE_ENTITY, wrong), "{problem}");
    sent.content = good.clone();
    sent.content["part"]["answers"][0]["values"]["ok"] = json!("perhaps");
    let (_, problem) = canteen.put(&sent.path(), &sent.put()).await;
    assert_eq!(codes(&problem)[0].0, "/content/part/answers/0/values/ok");
    sent.content = good;
    let mut lie = sent.put();
    lie["content_sha256"] = json!("0".repeat(64));
    let (_, problem) = canteen.put(&sent.path(), &lie).await;
    assert_eq!(codes(&problem), [("/content_sha256".to_owned(), "checksum".to_owned())]);

    // The head of the place answers what is the head's, and reads all.
    assert_eq!(principal.put(&sent.path(), &sent.put()).await.0, StatusCode::FORBIDDEN);
    let meal = paper(&app, &principal, "self_accompanying_meal", &day, Some("lunch"), &at).await;
    let (status, stored) = principal.put(&meal.path(), &meal.put()).await;
    assert_eq!(status, StatusCode::CREATED, "{stored}");
    // What it says is wrong is counted.
    let mut bad = paper(&app, &canteen, "self_accompanying_meal", &day, Some("lunch"), &at).await;
    bad.content["part"]["answers"][1]["values"]["safe"] = json!("no");
    bad.content["part"]["answers"]
        .as_array_mut()
        .unwrap()
        .push(json!({"item_code": "4", "values": {"problem": "米饭夹生", "done": "重新蒸制"}, "answered_at": at, "evidence_ids": []}));
    let (status, stored) = canteen.put(&bad.path(), &bad.put()).await;
    assert_eq!((status, &stored["problems"]), (StatusCode::CREATED, &json!(["2"])), "{stored}");
    let (_, list) = principal.get("/self-checks?problems=true").await;
    assert_eq!((list["total"].as_i64(), &list["items"][0]["id"]), (Some(1), &json!(bad.id)), "{list}");
    let (status, problem) = canteen.get("/self-checks?from=yesterday").await;
    assert_eq!((status, problem["type"].as_str()), (StatusCode::BAD_REQUEST, Some("malformed")));
});

async fn told(client: &Client) -> Vec<(String, String)> {
    let (_, list) = client.get("/notices?limit=200").await;
    let mut told: Vec<_> = list["items"].as_array().unwrap().iter().map(|one| (text(&one["kind"]), text(&one["detail"]["code"]))).collect();
    told.reverse();
    told
}

#[actix_web::test]
async fn papers_are_due_by_rule_and_the_canteen_is_reminded_once_before_and_once_after() {
    for engine in ENGINES {
        let clock = Arc::new(SimulatedClock::new(MONDAY_MS));
        let app = TestApp::start_at(engine, clock.clone()).await;
        app.add_person("canteen", &[("food_safety_officer", &app.premises)], false).await;
        app.add_person("desk", &[("supervisor", &app.office)], false).await;
        let pass = |time: Duration| {
            clock.advance(time);
            remind_of_papers(&app.app)
        };
        let of = |kind: &str, code: &str| (kind.to_owned(), code.to_owned());
        pass(MINUTE).await.unwrap();
        assert_eq!(told(&app.sign_in("canteen").await).await, []);
        // 7:31: the morning check is due at 8:30.
        pass(90 * MINUTE).await.unwrap();
        assert_eq!(told(&app.sign_in("canteen").await).await, [of("self_check_soon", "self_morning_check")]);
        pass(MINUTE).await.unwrap();
        pass(HOUR).await.unwrap();
        let soon_and_late = [of("self_check_soon", "self_morning_check"), of("self_check_late", "self_morning_check")];
        assert_eq!(told(&app.sign_in("canteen").await).await, soon_and_late, "once each");
        let desk = app.sign_in("desk").await;
        assert_eq!(told(&desk).await, [], "the desk looks itself");
        let (_, board) = desk.get("/self-check-duties").await;
        let state = |board: &Value, code: &str| {
            let duties =
                board["items"].as_array().unwrap().iter().find(|one| one["premises_id"] == app.premises.id).unwrap()["duties"].clone();
            duties.as_array().unwrap().iter().find(|duty| duty["code"] == code).map(|duty| text(&duty["state"]))
        };
        assert_eq!(state(&board, "self_morning_check").as_deref(), Some("missing"), "{board}");
        assert_eq!(state(&board, "self_daily_control").as_deref(), Some("waiting"));
        assert_eq!(state(&board, "self_monthly_review").as_deref(), Some("waiting"), "of the month");

        // It is made late, and is no more missing; what is made in time is not reminded of.
        let canteen = app.sign_in("canteen").await;
        let late = paper(&app, &canteen, "self_morning_check", "2026-11-23", None, &now(&app)).await;
        assert_eq!(canteen.put(&late.path(), &late.put()).await.0, StatusCode::CREATED);
        let control = paper(&app, &canteen, "self_daily_control", "2026-11-23", None, &now(&app)).await;
        assert_eq!(canteen.put(&control.path(), &control.put()).await.0, StatusCode::CREATED);
        let (_, board) = app
            .sign_in("desk")
            .await
            .get(&format!("/self-check-duties?premises_id={}&from=2026-11-23&to=2026-12-20", app.premises.id))
            .await;
        assert_eq!(state(&board, "self_morning_check").as_deref(), Some("done_late"), "late, and there");
        assert_eq!(state(&board, "self_daily_control").as_deref(), Some("done"));
        pass(11 * HOUR).await.unwrap();
        let told = told(&app.sign_in("canteen").await).await;
        assert!(!told.iter().any(|(_, code)| code == "self_daily_control"), "{told:?}");
        assert!(told.contains(&of("self_check_late", "self_disinfection")), "{told:?}");

        // The bureau's own rules hold from then on: school holidays.
        let root = app.person("supervisor", &app.city).await;
        let (_, mut rules) = root.get("/settings/self_checks").await;
        rules["breaks"] = json!([{"from": "2026-11-23", "to": "2026-12-31", "kinds": []}]);
        rules["version"] = json!(2);
        let (status, kept) = root.put("/settings/self_checks", &rules).await;
        assert_eq!((status, kept["breaks"].as_array().map(Vec::len)), (StatusCode::OK, Some(1)), "{kept}");
        let (_, board) = app.sign_in("desk").await.get("/self-check-duties").await;
        assert_eq!(state(&board, "self_disinfection"), None);
        // Terms of one office, and of one canteen: the others serve.
        rules["breaks"] = json!([{"from": "2026-11-23", "to": "2026-12-31", "nodes": [app.other_office.id]}]);
        rules["version"] = json!(3);
        assert_eq!(root.put("/settings/self_checks", &rules).await.0, StatusCode::OK);
        let (_, board) = app.sign_in("desk").await.get("/self-check-duties").await;
        assert!(state(&board, "self_disinfection").is_some(), "another office's terms");
        for node in [&app.office.id, &app.premises.id] {
            rules["breaks"] = json!([{"from": "2026-11-23", "to": "2026-12-31", "nodes": [node]}]);
            let (status, kept) = root.put("/settings/self_checks", &rules).await;
            assert_eq!((status, &kept["breaks"][0]["nodes"][0]), (StatusCode::OK, &json!(node)));
            let (_, board) = app.sign_in("desk").await.get("/self-check-duties").await;
            assert_eq!(state(&board, "self_disinfection"), None, "{node}");
        }
        rules["breaks"][0]["nodes"] = json!([app.office.id, "01990000-0000-7000-8000-00000000ffff"]);
        let (status, problem) = root.put("/settings/self_checks", &rules).await;
        assert_eq!(
            (status, problem["errors"][0]["pointer"].as_str()),
            (StatusCode::UNPROCESSABLE_ENTITY, Some("/breaks/0/nodes/1")),
            "{problem}"
        );
        rules["breaks"] = json!([]);
        rules["rules"][0]["by"] = json!("noon");
        let (status, problem) = root.put("/settings/self_checks", &rules).await;
        assert_eq!((status, problem["errors"][0]["pointer"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("/rules/0/by")));
        assert_eq!(
            app.sign_in("desk").await.get("/self-check-duties?from=2026-11-01&to=2026-11-23").await.0,
            StatusCode::BAD_REQUEST,
            "many premises, many days"
        );
    }
}

#[actix_web::test]
async fn samples_are_kept_forty_eight_hours_and_thrown_away_once() {
    for engine in ENGINES {
        let clock = Arc::new(SimulatedClock::new(MONDAY_MS));
        let app = TestApp::start_at(engine, clock.clone()).await;
        app.add_person("canteen", &[("food_safety_officer", &app.premises)], false).await;
        let canteen = app.sign_in("canteen").await;
        let sent = paper(&app, &canteen, "self_retained_samples", "2026-11-23", Some("lunch"), &now(&app)).await;
        let (status, stored) = canteen.put(&sent.path(), &sent.put()).await;
        assert_eq!(status, StatusCode::CREATED, "{stored}");
        let (_, page) = canteen.get(&sent.path()).await;
        let dishes: Vec<&str> = page["samples"].as_array().unwrap().iter().map(|sample| sample["dish"].as_str().unwrap()).collect();
        assert_eq!(dishes, ["红烧肉", "清炒菜心", "米饭"]);
        assert_eq!(
            (page["samples"][0]["kept_by"].as_str(), page["samples"][0]["due_at"].as_str()),
            (Some("林晓梅"), Some("2026-11-24T22:00:00.000Z"))
        );

        let discard = format!("{}/samples/1/discard", sent.path());
        let (status, problem) = canteen.post(&discard, &json!({"discarded_at": "2026-11-25T00:00:00.000Z"})).await;
        assert_eq!(
            (status, problem["due_at"].as_str()),
            (StatusCode::CONFLICT, Some("2026-11-24T22:00:00.000Z")),
            "a phone's clock makes nothing earlier"
        );
        clock.advance(47 * HOUR);
        remind_of_papers(&app.app).await.unwrap();
        let over = |told: &[(String, String)]| told.iter().filter(|(kind, _)| kind == "samples_over").count();
        assert_eq!(over(&told(&app.sign_in("canteen").await).await), 0);
        clock.advance(HOUR);
        remind_of_papers(&app.app).await.unwrap();
        remind_of_papers(&app.app).await.unwrap();
        let canteen = app.sign_in("canteen").await;
        assert_eq!(over(&told(&canteen).await), 1, "one notice a paper, once");
        let body = json!({"discarded_at": now(&app)});
        let (status, first) = canteen.post(&discard, &body).await;
        assert_eq!(
            (status, first["dish"].as_str(), first["discarded_at"].as_str()),
            (StatusCode::OK, Some("清炒菜心"), Some(now(&app).as_str())),
            "{first}"
        );
        let (_, again) = canteen.post(&discard, &body).await;
        assert_eq!(again, first);
        assert_eq!(canteen.post(&format!("{}/samples/9/discard", sent.path()), &body).await.0, StatusCode::NOT_FOUND);
        let (_, sync) = canteen.get("/sync?limit=500").await;
        let row = sync["items"].as_array().unwrap().iter().find(|item| item["entity"] == "self_check").unwrap()["value"].clone();
        assert_eq!((row["samples"][1]["discarded_at"].is_string(), row["samples"][0]["discarded_at"].is_null()), (true, true));
    }
}
