//! Alerts by words: what was said, who said it, where it was and of what kind it is.

use std::slice::from_ref;

use media::{DiagnosisKind, Phase};
use mobile_api::Moment;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Client, Node, TestApp, add_camera, bulk, diagnosis, hear, on_both};

/// An alert of a camera; its path.
async fn raise(app: &TestApp, premises: &Node, camera: &str, kind: DiagnosisKind) -> String {
    let camera = add_camera(app, premises, camera).await;
    hear(&app.app, [diagnosis(camera, kind, Phase::Raised, app.app.clock.wall_ms())]).await;
    let all = app.person("supervisor", &app.city).await.get(&format!("/alerts?camera_id={camera}")).await.1;
    format!("/alerts/{}", all["items"][0]["id"].as_str().unwrap())
}

/// Paths of what words find, newest first; the total says the same.
async fn found(who: &Client, words: &str, more: &str) -> Vec<String> {
    let request = who.request(Method::GET, &format!("/alerts?limit=50{more}"), None).query(&[("q", words)]);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "{words}");
    let page: Value = answer.json().await.unwrap();
    let items = page["items"].as_array().unwrap();
    assert_eq!(page["total"].as_u64(), u64::try_from(items.len()).ok(), "{words}: {page}");
    items.iter().map(|alert| format!("/alerts/{}", alert["id"].as_str().unwrap())).collect()
}

on_both!(alerts_are_found_by_what_was_said_and_by_names, |app| {
    let stove = raise(&app, &app.premises, "灶台 1", DiagnosisKind::Black).await;
    let store = raise(&app, &app.premises, "库房", DiagnosisKind::Frozen).await;
    let far = raise(&app, &app.other_premises, "灶台 2", DiagnosisKind::Black).await;
    let nora = app.add_person("nora", &[("supervisor", &app.district)], false).await;
    let desk = app.sign_in("nora").await;
    let confirm = json!({"version": 1, "text": "镜头被布盖住，灶台旁有鼠患痕迹 rat trap 3号"});
    assert_eq!(desk.post(&format!("{stove}/confirm"), &confirm).await.0, StatusCode::OK);
    let dismiss = json!({"version": 1, "reason": "误报", "text": "检修：停机"});
    assert_eq!(desk.post(&format!("{far}/dismiss"), &dismiss).await.0, StatusCode::OK);

    for words in ["鼠", "鼠患", "鼠患痕迹", "灶台旁有", "RAT", "tra", "3号", "鼠患 盖住", "东岸 鼠患"] {
        assert_eq!(found(&desk, words, "").await, from_ref(&stove), "{words}");
    }
    for words in ["患鼠", "老鼠", "at", "停机 鼠患", "西岸 鼠患", "!%_", "'", "\"", "NOT", "鼠患 OR 停机"] {
        assert_eq!(found(&desk, words, "").await, [""; 0], "{words}");
    }
    assert_eq!(found(&desk, "灶台", "").await, [far.clone(), stove.clone()], "by the camera, newest first");
    assert_eq!(found(&desk, "zaotai", "").await.len(), 2, "by its pinyin");
    assert_eq!(found(&desk, "daxx", "").await, [store.clone(), stove.clone()], "by the initials of the premises");
    assert_eq!(found(&desk, "画面冻结", "").await, from_ref(&store), "by the kind");
    assert_eq!(found(&desk, "frozen", "").await, from_ref(&store));
    assert_eq!(found(&desk, "nora", "").await, [far.clone(), stove.clone()], "by who acted");
    assert_eq!(found(&desk, "nora", "&state=dismissed").await, from_ref(&far), "in a state");
    assert_eq!(found(&desk, "灶台", "&open=true").await, from_ref(&stove));
    assert_eq!(found(&desk, "灶台", "&kind=black&class=0").await.len(), 2);
    assert_eq!(found(&desk, "灶台", "&class=1").await, [""; 0]);
    assert_eq!(found(&desk, "", "&kind=black&class=0").await, [far.clone(), stove.clone()], "without a word, too");
    assert_eq!(found(&desk, "灶台", "&until=2100-01-01T00:00:00Z&raised_since=2020-01-01T00:00:00Z").await.len(), 2);
    assert_eq!(found(&desk, "灶台", "&until=2020-01-01T00:00:00Z").await, [""; 0]);
    assert_eq!(found(&desk, "灶台", &format!("&premises_id={}", app.other_premises.id)).await, from_ref(&far));
    assert_eq!(found(&desk, "灶台", &format!("&decided_by={nora}&verdict=false_alarm")).await, from_ref(&far));

    // It follows each act, and a page goes on where the last one ended.
    assert_eq!(desk.post(&format!("{far}/undo"), &json!({"version": 2})).await.0, StatusCode::OK);
    assert_eq!(found(&desk, "灶台", "&state=raised").await, from_ref(&far));
    let (_, first) = desk.get("/alerts?q=nora&limit=1").await;
    let (_, second) = desk.get(&format!("/alerts?q=nora&limit=1&cursor={}", first["next"].as_str().unwrap())).await;
    let ids = [&first["items"][0]["id"], &second["items"][0]["id"]].map(|id| format!("/alerts/{}", id.as_str().unwrap()));
    assert_eq!((ids, second["next"].is_null()), ([far.clone(), stove.clone()], true));

    // Only of one's own area, and to the premises only by what it sees of an alert.
    let other = app.person("supervisor", &app.other_office).await;
    assert_eq!(found(&other, "灶台", "").await, from_ref(&far));
    assert_eq!(found(&other, "鼠患", "").await, [""; 0]);
    let canteen = app.person("food_safety_officer", &app.premises).await;
    assert_eq!(found(&canteen, "灶台", "").await, from_ref(&stove));
    assert_eq!((found(&canteen, "鼠患", "").await, found(&canteen, "nora", "").await), (vec![], vec![]));
});

on_both!(what_was_raised_at_a_double_is_found_by_the_name_that_stays, |app| {
    let administrator = app.person("administrator", &app.city).await;
    let made = json!({"name": "澄海饭堂", "kind": "school_canteen", "organization_id": app.office.id});
    let (_, double) = administrator.post("/premises", &made).await;
    let id = double["id"].as_str().unwrap().to_owned();
    let node = Node { path: format!("{}{id}/", app.office.path), id };
    let alert = raise(&app, &node, "烹饪间", DiagnosisKind::Black).await;
    let desk = app.person("supervisor", &app.office).await;
    assert_eq!(found(&desk, "澄海", "").await, from_ref(&alert));
    let merge = json!({"into": app.premises.id, "version": 1, "reason": "登记了两次"});
    assert_eq!(desk.post(&format!("/premises/{}/merge", node.id), &merge).await.0, StatusCode::OK);
    assert_eq!(found(&desk, "东岸小学", "").await, from_ref(&alert));
    assert_eq!(found(&desk, "东岸小学", &format!("&premises_id={}", app.premises.id)).await, [alert]);
});

on_both!(alerts_from_before_the_index_are_found_when_the_program_starts_again, |app| {
    let older = raise(&app, &app.premises, "灶台 1", DiagnosisKind::Black).await;
    let newer = raise(&app, &app.premises, "灶台 2", DiagnosisKind::Black).await;
    let desk = app.person("supervisor", &app.office).await;
    assert_eq!(desk.post(&format!("{older}/confirm"), &json!({"version": 1, "text": "锈迹"})).await.0, StatusCode::OK);
    crate::support::bulk::change(&app.app.db, "DELETE FROM alert_words").await;
    crate::support::bulk::change(&app.app.db, "UPDATE alerts SET number = NULL").await;
    assert_eq!(found(&desk, "灶台", "").await, [""; 0]);
    app.app.db.migrate().await.unwrap();
    assert_eq!(found(&desk, "灶台", "").await, [newer, older.clone()], "in the order in which they were raised");
    assert_eq!(found(&desk, "锈迹", "").await, [older]);
});

on_both!(what_lasted_into_a_period_lies_in_it, |app| {
    let db = &app.app.db;
    // Ten days ago, all; one of them is still seen. Numbers leave room, as where much is raised.
    let brief = raise(&app, &app.premises, "灶台 1", DiagnosisKind::Frozen).await;
    let long = raise(&app, &app.premises, "灶台 2", DiagnosisKind::Black).await;
    raise(&app, &app.premises, "灶台 3", DiagnosisKind::Blurred).await;
    bulk::change(db, "UPDATE alerts SET number = 5000 WHERE kind = 'blurred'").await;
    bulk::change(db, "UPDATE alerts SET raised_at = raised_at - 864000000, began_at = began_at - 864000000").await;
    bulk::change(db, "UPDATE alerts SET last_seen_at = last_seen_at - 864000000 WHERE kind <> 'black'").await;
    bulk::change(db, "UPDATE work_items SET created_at = created_at - 864000000").await;
    let new = raise(&app, &app.premises, "灶台 4", DiagnosisKind::Covered).await;
    let days_ago = |days: i64| Moment(app.app.clock.wall_ms() - days * 86_400_000).to_string();

    let (desk, canteen) = (app.person("supervisor", &app.district).await, app.person("food_safety_officer", &app.premises).await);
    for who in [&desk, &canteen] {
        for words in ["", "灶台"] {
            let since = format!("&since={}", days_ago(2));
            assert_eq!(found(who, words, &since).await, [new.clone(), long.clone()], "{words}");
            assert_eq!(found(who, words, &format!("{since}&until={}", days_ago(1))).await, from_ref(&long), "{words}");
            assert_eq!(found(who, words, &format!("{since}&state=dismissed")).await, [""; 0], "{words}");
            let all = found(who, words, &format!("&since={}", days_ago(11))).await;
            assert_eq!((all.first(), all.last(), all.contains(&long)), (Some(&new), Some(&brief), true), "{words}");
            let path = format!("/alerts?limit=1{since}{}", if words.is_empty() { "" } else { "&q=%E7%81%B6%E5%8F%B0" });
            let (_, first) = who.get(&path).await;
            let (_, second) = who.get(&format!("{path}&cursor={}", first["next"].as_str().unwrap())).await;
            let ids = [&first["items"][0]["id"], &second["items"][0]["id"]].map(|id| format!("/alerts/{}", id.as_str().unwrap()));
            assert_eq!((ids, second["next"].is_null(), &second["total"]), ([new.clone(), long.clone()], true, &json!(2)), "{words}");
        }
    }
});
