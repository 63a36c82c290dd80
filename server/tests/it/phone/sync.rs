//! Synchronisation: everything, changes, tombstones, and a new start.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::StatusCode;
use serde_json::{Value, json};
use server::store::alert_acts::{self, Sighting};
use server::store::users;

use super::{Draft, Phone, text};
use crate::support::{Client, Node, TestApp, on_both, settled};

/// Follows `next` until there is no more: the items and the last cursor.
async fn follow(client: &Client, since: Option<&str>, limit: usize) -> (Vec<Value>, String) {
    let (mut items, mut since) = (Vec::new(), since.map(str::to_owned));
    for _ in 0..200 {
        let cursor = since.as_ref().map(|since| format!("&since={since}")).unwrap_or_default();
        let (status, page) = client.get(&format!("/sync?limit={limit}{cursor}")).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        items.extend(page["items"].as_array().unwrap().clone());
        let next = text(&page["next"]);
        if page["more"] == false {
            return (items, next);
        }
        since = Some(next);
    }
    panic!("it does not end");
}

fn ids(items: &[Value], entity: &str, op: &str) -> BTreeSet<String> {
    items.iter().filter(|item| item["entity"] == entity && item["op"] == op).map(|item| text(&item["id"])).collect()
}

/// What a phone holds after these items.
fn held(items: &[Value]) -> BTreeMap<(String, String), Value> {
    let mut held = BTreeMap::new();
    for item in items {
        let key = (text(&item["entity"]), text(&item["id"]));
        if item["op"] == "delete" {
            held.remove(&key)
        } else {
            held.insert(key, item["value"].clone())
        };
    }
    held
}

async fn more_premises(app: &TestApp, office: &Node, count: usize) {
    let administrator = app.person("administrator", &app.city).await;
    for number in 0..count {
        let body = json!({"name": format!("第{number}小学食堂"), "kind": "school_canteen", "organization_id": office.id});
        assert_eq!(administrator.post("/premises", &body).await.0, StatusCode::CREATED);
    }
}

on_both!(a_full_run_brings_the_day_in_pages, |app| {
    more_premises(&app, &app.office, 7).await;
    more_premises(&app, &app.other_office, 3).await;
    let supervisor = app.person("supervisor", &app.office).await;
    let phone = Phone::at(&app, &app.office).await;
    let template = phone.template().await;
    let body = json!({"premises_id": app.premises.id, "template_id": template.id, "kind": "routine", "due_on": "2026-11-30", "officer_ids": [phone.user_id]});
    let assignment = text(&supervisor.post("/assignments", &body).await.1["id"]);
    let draft = Draft::new(&app, &phone, &template);
    assert_eq!(phone.client.put(&draft.path(), &draft.put()).await.0, StatusCode::CREATED);
    settled(&app).await;
    let (whole, cursor) = follow(&phone.client, None, 500).await;
    for limit in [1, 2, 3, 13] {
        let (pages, _) = follow(&phone.client, None, limit).await;
        assert_eq!(held(&pages), held(&whole), "{limit} at a time");
        assert_eq!(pages.len(), whole.len(), "nothing twice, {limit} at a time");
    }
    assert_eq!(ids(&whole, "premises", "upsert").len(), 8);
    assert_eq!(ids(&whole, "template", "upsert").len(), 16, "what officers answer, and the papers of canteens that they read beside it");
    assert_eq!(ids(&whole, "assignment", "upsert"), BTreeSet::from([assignment]));
    assert_eq!(ids(&whole, "inspection", "upsert"), BTreeSet::from([draft.id.to_string()]));
    let held = held(&whole);
    assert_eq!(held[&("premises".to_owned(), app.premises.id.clone())]["name"], "东岸小学食堂");
    assert!(held[&("template".to_owned(), template.id.clone())]["body"]["sections"].is_array());
    assert_eq!(follow(&phone.client, Some(&cursor), 500).await.0, Vec::<Value>::new(), "nothing has changed since");
});

on_both!(changes_come_once_and_what_left_the_scope_is_gone, |app| {
    let supervisor = app.person("supervisor", &app.office).await;
    let guest = Phone::at(&app, &app.other_office).await;
    let template = guest.template().await;
    settled(&app).await;
    let (before, cursor) = follow(&guest.client, None, 100).await;
    assert_eq!(ids(&before, "premises", "upsert"), BTreeSet::from([app.other_premises.id.clone()]));
    let body = json!({"premises_id": app.premises.id, "template_id": template.id, "kind": "routine", "due_on": "2026-11-30", "officer_ids": [guest.user_id]});
    let assignment = text(&supervisor.post("/assignments", &body).await.1["id"]);
    settled(&app).await;
    let (opened, cursor) = follow(&guest.client, Some(&cursor), 100).await;
    assert_eq!(ids(&opened, "assignment", "upsert"), BTreeSet::from([assignment.clone()]));
    assert_eq!(ids(&opened, "premises", "upsert"), BTreeSet::from([app.premises.id.clone()]), "the assignment opens the premises");
    let cancel = json!({"state": "cancelled", "reason": "改期", "version": 1});
    assert_eq!(supervisor.patch(&format!("/assignments/{assignment}"), &cancel).await.0, StatusCode::OK);
    settled(&app).await;
    let (closed, cursor) = follow(&guest.client, Some(&cursor), 1).await;
    assert_eq!(ids(&closed, "assignment", "delete"), BTreeSet::from([assignment]));
    assert_eq!(ids(&closed, "premises", "delete"), BTreeSet::from([app.premises.id.clone()]), "and closes it");
    assert_eq!(held(&[before, opened, closed].concat()), held(&follow(&guest.client, None, 100).await.0), "the same as a new start");
    assert_eq!(follow(&guest.client, Some(&cursor), 100).await.0, Vec::<Value>::new());
    // The premises' own people are told nothing of what is planned for it.
    let canteen = app.person("food_safety_officer", &app.premises).await;
    assert_eq!(ids(&follow(&canteen, None, 100).await.0, "assignment", "upsert"), BTreeSet::new());
});

on_both!(a_change_of_scope_brings_what_is_new_and_tombstones_to_every_phone, |app| {
    more_premises(&app, &app.office, 2).await;
    let officer = Phone::at(&app, &app.office).await;
    settled(&app).await;
    // Two phones of one person, at the same place.
    let (before, one) = follow(&officer.client, None, 100).await;
    let (_, two) = follow(&officer.client, None, 100).await;
    let lost = ids(&before, "premises", "upsert");
    assert_eq!(lost.len(), 3);
    let (user_id, office, other) = (officer.user_id.clone(), app.office.clone(), app.other_office.clone());
    app.app
        .db
        .write(move |tx| {
            Box::pin(async move {
                // One grant has run out, another was given.
                users::grant(tx, &user_id, "officer", &office.id, &office.path, Some(1)).await?;
                users::grant(tx, &user_id, "officer", &other.id, &other.path, None).await
            })
        })
        .await
        .unwrap();
    more_premises(&app, &app.other_office, 1).await;
    settled(&app).await;
    let (fresh, _) = follow(&officer.client, None, 100).await;
    assert_eq!(ids(&fresh, "premises", "upsert").len(), 2);
    for (cursor, limit) in [(one, 100), (two, 1)] {
        let (changed, after) = follow(&officer.client, Some(&cursor), limit).await;
        assert_eq!(ids(&changed, "premises", "delete"), lost, "what was lost comes as tombstones");
        assert_eq!(held(&[before.clone(), changed].concat()), held(&fresh), "and the phone holds what a new start gives");
        assert_eq!(follow(&officer.client, Some(&after), 100).await.0, Vec::<Value>::new());
    }
});

on_both!(orders_and_notices_reach_those_who_put_right, |app| {
    let administrator = app.person("administrator", &app.city).await;
    let supervisor = app.person("supervisor", &app.office).await;
    let (canteen, outsider) = (app.person("food_safety_officer", &app.premises).await, app.person("officer", &app.other_office).await);
    let camera = json!({"name": "切配间", "premises_id": app.premises.id, "source_url": "rtsp://127.0.0.1:9/none", "enabled": false});
    let (status, camera) = administrator.post("/cameras", &camera).await;
    assert_eq!(status, StatusCode::CREATED, "{camera}");
    settled(&app).await;
    let (_, cursor) = follow(&canteen, None, 100).await;
    let (_, elsewhere) = follow(&outsider, None, 100).await;
    let alert = raise(&app, &text(&camera["id"])).await;
    settled(&app).await;
    let (raised, cursor) = follow(&canteen, Some(&cursor), 100).await;
    assert_eq!(ids(&raised, "rectification", "delete"), BTreeSet::new(), "what was never an order is not told as gone");
    assert_eq!(supervisor.post(&format!("/alerts/{alert}/confirm"), &json!({"version": 1})).await.0, StatusCode::OK);
    let order = json!({"version": 2, "deadline": "P1D", "text": "请清洁镜头"});
    assert_eq!(supervisor.post(&format!("/alerts/{alert}/dispatch"), &order).await.0, StatusCode::OK);
    settled(&app).await;
    let (ordered, cursor) = follow(&canteen, Some(&cursor), 100).await;
    let row = &held(&ordered)[&("rectification".to_owned(), alert.clone())];
    assert_eq!(
        (row["state"].as_str(), row["text"].as_str(), row["camera_name"].as_str()),
        (Some("dispatched"), Some("请清洁镜头"), Some("切配间"))
    );
    assert!(row["due_at"].is_string());
    let notices: Vec<_> = ordered.iter().filter(|item| item["entity"] == "notice").map(|item| text(&item["value"]["kind"])).collect();
    assert!(notices.contains(&"dispatched".to_owned()), "{notices:?}");
    assert!(held(&follow(&canteen, None, 3).await.0).contains_key(&("rectification".to_owned(), alert.clone())), "a new start has it too");
    assert_eq!(canteen.post(&format!("/alerts/{alert}/rectify"), &json!({"version": 3, "text": "已清洁"})).await.0, StatusCode::OK);
    settled(&app).await;
    assert_eq!(ids(&follow(&canteen, Some(&cursor), 100).await.0, "rectification", "delete"), BTreeSet::from([alert]));
    assert_eq!(follow(&outsider, Some(&elsewhere), 100).await.0, Vec::<Value>::new(), "another office hears nothing");
});

/// An alert as the engine raises it.
async fn raise(app: &TestApp, camera_id: &str) -> String {
    let now_ms = app.app.clock.wall_ms();
    let seen = Sighting {
        id: uuid::Uuid::now_v7().to_string(),
        kind: "covered".to_owned(),
        class: 0,
        camera_id: camera_id.to_owned(),
        premises_id: app.premises.id.clone(),
        began_at: now_ms - 5_000,
        at: now_ms,
        measure: 0.9,
        threshold: 0.5,
        rule: "{}".to_owned(),
        repeat_interval_ms: 60_000,
        still_file_id: None,
        clip: None,
        hold: None,
    };
    let id = seen.id.clone();
    app.app.db.write(move |tx| Box::pin(async move { alert_acts::sighted(tx, &seen).await })).await.unwrap();
    id
}

on_both!(a_cursor_that_is_not_ones_own_or_too_old_is_told_apart, |app| {
    let (one, two) = (Phone::at(&app, &app.office).await, Phone::at(&app, &app.office).await);
    settled(&app).await;
    let (_, cursor) = follow(&one.client, None, 100).await;
    let kind = |answer: (StatusCode, Value)| (answer.0.as_u16(), text(&answer.1["type"]));
    assert_eq!(kind(two.client.get(&format!("/sync?since={cursor}")).await), (410, "gone".to_owned()), "another person's");
    for bad in ["nonsense".to_owned(), format!("{cursor}A"), "A".repeat(600), String::new()] {
        assert_eq!(kind(one.client.get(&format!("/sync?since={bad}")).await), (400, "malformed".to_owned()), "{bad}");
    }
    assert_eq!(kind(one.client.get("/sync?limit=0").await), (400, "malformed".to_owned()));
    more_premises(&app, &app.office, 3).await;
    settled(&app).await;
    let far = app.app.clock.wall_ms() + 1_000_000;
    app.app.db.write(move |tx| Box::pin(async move { server::store::sync::forget_before(tx, far).await })).await.unwrap();
    assert_eq!(kind(one.client.get(&format!("/sync?since={cursor}")).await), (410, "gone".to_owned()), "older than what is remembered");
    let (again, fresh) = follow(&one.client, None, 100).await;
    assert_eq!(ids(&again, "premises", "upsert").len(), 4);
    assert_eq!(follow(&one.client, Some(&fresh), 100).await.0, Vec::<Value>::new());
});

on_both!(a_premises_comes_with_its_history_and_again_when_it_changes, |app| {
    let phone = Phone::at(&app, &app.office).await;
    let template = phone.template().await;
    settled(&app).await;
    let (whole, cursor) = follow(&phone.client, None, 500).await;
    let key = ("premises".to_owned(), app.premises.id.clone());
    let place = &held(&whole)[&key];
    assert_eq!((&place["history"], &place["alerts"]), (&json!([]), &json!([])), "{place}");
    let mut draft = Draft::new(&app, &phone, &template);
    draft.fail("4.1");
    assert_eq!(phone.client.put(&draft.path(), &draft.put()).await.0, StatusCode::CREATED);
    assert_eq!(phone.client.post(&format!("{}/submit", draft.path()), &draft.submission(&template)).await.0, StatusCode::OK);
    settled(&app).await;
    let (changes, _) = follow(&phone.client, Some(&cursor), 500).await;
    let place = &held(&changes)[&key];
    let last = &place["history"][0];
    assert_eq!(
        (
            last["id"].as_str(),
            last["outcome"].as_str(),
            last["failed"].as_i64(),
            last["findings"][0]["item_code"].as_str(),
            last["findings"][0]["remark"].as_str()
        ),
        (Some(draft.id.to_string().as_str()), Some("basically_conforms"), Some(1), Some("4.1"), Some("离墙不足10厘米")),
        "{place}"
    );
    // The canteen sees its own place; who may not read inspections gets no word of them.
    let canteen = app.person("food_safety_officer", &app.premises).await;
    let (rows, _) = follow(&canteen, None, 500).await;
    assert!(held(&rows).contains_key(&key));
});

on_both!(the_first_sync_of_200_premises_with_history_is_at_most_2_mb, |app| {
    more_premises(&app, &app.office, 199).await;
    let phone = Phone::at(&app, &app.office).await;
    let template = phone.template().await;
    let (rows, _) = follow(&phone.client, None, 500).await;
    for id in ids(&rows, "premises", "upsert") {
        let mut draft = Draft::at(&id, &phone, &template);
        for code in ["1.1", "4.1", "6.1"] {
            draft.fail(code);
        }
        assert_eq!(phone.client.put(&draft.path(), &draft.put()).await.0, StatusCode::CREATED);
        assert_eq!(phone.client.post(&format!("{}/submit", draft.path()), &draft.submission(&template)).await.0, StatusCode::OK);
    }
    settled(&app).await;
    let (mut bytes, mut since, mut premises) = (0, String::new(), 0);
    loop {
        let path = format!("/sync?limit=200{since}");
        let response = phone.client.request(reqwest::Method::GET, &path, None).header("accept-encoding", "gzip").send().await.unwrap();
        assert_eq!(response.headers()["content-encoding"], "gzip");
        let packed = response.bytes().await.unwrap();
        bytes += packed.len();
        let page: Value = serde_json::from_slice(&unzipped(&packed)).unwrap();
        let items = page["items"].as_array().unwrap();
        premises +=
            items.iter().filter(|item| item["entity"] == "premises" && item["value"]["history"][0]["findings"][2].is_object()).count();
        if page["more"] == false {
            break;
        }
        since = format!("&since={}", text(&page["next"]));
    }
    assert_eq!(premises, 200);
    assert!(bytes <= 2_000_000, "{bytes} bytes");
    println!("{bytes} bytes compressed for 200 premises with history and templates");
});

fn unzipped(packed: &[u8]) -> Vec<u8> {
    use std::io::Read as _;
    let mut content = Vec::new();
    flate2::read::GzDecoder::new(packed).read_to_end(&mut content).unwrap();
    content
}
