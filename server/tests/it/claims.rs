//! Who has an alert: claimed, taken over, handed to a colleague; the bureau's own business.

use media::{DiagnosisKind, Phase};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{Client, TestApp, add_camera, diagnosis, hear, on_both};

/// Raises an alert at the east premises; gives its path.
async fn raise(app: &TestApp, kind: DiagnosisKind) -> String {
    let camera = add_camera(app, &app.premises, "切配间").await;
    hear(&app.app, [diagnosis(camera, kind, Phase::Raised, app.app.clock.wall_ms())]).await;
    let desk = app.person("supervisor", &app.office).await;
    format!("/alerts/{}", desk.get("/alerts").await.1["items"][0]["id"].as_str().unwrap())
}

async fn id_of(client: &Client) -> String {
    client.get("/me").await.1["id"].as_str().unwrap().to_owned()
}

fn holder(alert: &Value) -> &str {
    alert["claim"]["holder"].as_str().unwrap_or("nobody's")
}

fn kinds(notices: &Value) -> Vec<&str> {
    notices["items"].as_array().unwrap().iter().map(|notice| notice["kind"].as_str().unwrap()).collect()
}

on_both!(what_one_supervisor_has_the_others_do_not_decide, |app| {
    let path = raise(&app, DiagnosisKind::Black).await;
    let (one, other) = (app.person("supervisor", &app.office).await, app.person("supervisor", &app.office).await);
    let canteen = app.person("food_safety_officer", &app.premises).await;
    let act = async |who: &Client, act: &str, body: Value| who.post(&format!("{path}/{act}"), &body).await;

    assert_eq!(holder(&one.get(&path).await.1), "free");
    assert_eq!(act(&canteen, "claim", json!({"version": 1})).await.0, StatusCode::FORBIDDEN);
    let (status, mine) = act(&one, "claim", json!({"version": 1})).await;
    assert_eq!(
        (status, holder(&mine), mine["state"].as_str(), mine["version"].as_i64()),
        (StatusCode::OK, "mine", Some("raised"), Some(2))
    );
    assert_eq!(mine["allowed_actions"], json!(["confirm", "dismiss"]), "who has it decides it");
    let theirs = other.get(&path).await.1;
    assert_eq!((holder(&theirs), &theirs["claim"]["name"], &theirs["allowed_actions"]), ("theirs", &mine["claim"]["name"], &json!([])));
    let (status, refused) = act(&other, "confirm", json!({"version": 2})).await;
    assert_eq!((status, refused["type"].as_str(), holder(&refused["present"])), (StatusCode::CONFLICT, Some("claimed"), "theirs"));
    assert_eq!(act(&other, "release", json!({"version": 2})).await.1["type"], "claimed");
    assert_eq!(act(&other, "confirm", json!({"version": 1})).await.1["type"], "stale_version", "what they saw is older than the claim");
    assert_eq!(act(&one, "claim", json!({"version": 2})).await.1["type"], "invalid_transition", "it is theirs already");

    let seen = canteen.get(&path).await.1;
    assert_eq!(
        (&seen["claim"], seen["history"].as_array().map(Vec::len)),
        (&Value::Null, Some(1)),
        "who of the bureau, the premises is not told"
    );
    for (who, owner, found) in [(&one, "me", 1), (&one, "none", 0), (&other, "me", 0), (&canteen, "none", 1)] {
        assert_eq!(who.get(&format!("/alerts?owner={owner}")).await.1["total"], found, "{owner}");
    }
    assert_eq!(other.get(&format!("/alerts?owner={}", id_of(&one).await)).await.1["total"], 1);

    let (status, refused) = act(&one, "release", json!({"version": 2, "text": "长".repeat(2_001)})).await;
    assert_eq!((status, refused["errors"][0]["pointer"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("/text")));
    assert_eq!(one.get(&format!("/alerts?owner={}", "0".repeat(41))).await.0, StatusCode::BAD_REQUEST);
    let (status, free) = act(&one, "release", json!({"version": 2})).await;
    assert_eq!((status, holder(&free), &free["claim"]["name"]), (StatusCode::OK, "free", &Value::Null));
    assert_eq!(act(&one, "release", json!({"version": 3})).await.1["type"], "invalid_transition");
    assert_eq!(act(&other, "confirm", json!({"version": 3})).await.0, StatusCode::OK, "what nobody has anybody decides");
});

on_both!(work_is_taken_over_and_handed_to_those_who_may_decide_it, |app| {
    let path = raise(&app, DiagnosisKind::Covered).await;
    let (one, other) = (app.person("supervisor", &app.office).await, app.person("supervisor", &app.office).await);
    let canteen = app.person("food_safety_officer", &app.premises).await;
    let far = app.person("supervisor", &app.other_office).await;
    let act = async |who: &Client, act: &str, body: Value| who.post(&format!("{path}/{act}"), &body).await;

    act(&one, "claim", json!({"version": 1})).await;
    let (status, taken) = act(&other, "claim", json!({"version": 2, "text": "他已下班"})).await;
    assert_eq!((status, holder(&taken)), (StatusCode::OK, "mine"));
    assert_eq!(taken["history"].as_array().unwrap().last().unwrap()["text"], "他已下班");
    let told = one.get("/notices?unread=true").await.1;
    assert_eq!(kinds(&told), ["taken_over"]);
    assert!(told["items"][0]["detail"]["by_name"].is_string());

    let (_, colleagues) = other.get(&format!("{path}/colleagues")).await;
    let ids: Vec<_> = colleagues["items"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect();
    assert!(ids.contains(&json!(id_of(&one).await)) && !ids.contains(&json!(id_of(&other).await)), "{colleagues}");
    for stranger in [&canteen, &far] {
        let (status, refused) = act(&other, "hand_over", json!({"version": 3, "user_id": id_of(stranger).await})).await;
        assert_eq!((status, refused["errors"][0]["pointer"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("/user_id")), "{refused}");
    }
    let given = json!({"version": 3, "user_id": id_of(&one).await, "text": "请继续"});
    let (status, handed) = act(&other, "hand_over", given).await;
    assert_eq!((status, holder(&handed)), (StatusCode::OK, "theirs"));
    let last = handed["history"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (last["action"].as_str(), &last["given_to"], last["text"].as_str()),
        (Some("hand_over"), &handed["claim"]["name"], Some("请继续"))
    );
    assert_eq!(kinds(&one.get("/notices?unread=true").await.1), ["handed_over", "taken_over"]);

    let (_, confirmed) = act(&one, "confirm", json!({"version": 4})).await;
    assert_eq!((holder(&confirmed), confirmed["state"].as_str()), ("mine", Some("confirmed")), "the next step is theirs as well");
    let (_, sent) = act(&one, "dispatch", json!({"version": 5, "deadline": "P1D"})).await;
    assert_eq!(sent["claim"], Value::Null, "now it is the premises' turn");
    assert_eq!(act(&one, "claim", json!({"version": 6})).await.1["type"], "invalid_transition");
    assert_eq!(act(&canteen, "rectify", json!({"version": 6, "text": "已清洁"})).await.0, StatusCode::OK);
    assert_eq!(holder(&one.get(&path).await.1), "free", "the answer is anybody's to review");
    let (_, given) = act(&one, "hand_over", json!({"version": 7, "user_id": id_of(&other).await})).await;
    assert_eq!(holder(&given), "theirs", "what is free can be given to somebody too");
});
