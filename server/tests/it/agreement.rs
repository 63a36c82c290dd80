//! A further role of an administrator waits for a second administrator, who is really a second person.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{Client, Node, PASSWORD, TestApp, on_both};

const NEXT: &str = "another-clean-kitchen";

fn grants(given: &[(&str, &Node)]) -> Value {
    given.iter().map(|(role, node)| json!({"role": role, "node_id": node.id})).collect()
}

/// Makes an account through the API, as administrators do; signs in and changes the password, as its owner does.
async fn made_by(app: &TestApp, maker: &Client, username: &str, given: &[(&str, &Node)]) -> (Value, Client) {
    let body = json!({"username": username, "display_name": username, "password": PASSWORD, "grants": grants(given)});
    let (status, user) = maker.post("/users", &body).await;
    assert_eq!(status, StatusCode::CREATED, "{user}");
    let mut client = app.sign_in(username).await;
    let (status, tokens) = client.post("/auth/password", &json!({"current_password": PASSWORD, "new_password": NEXT})).await;
    assert_eq!(status, StatusCode::OK, "{tokens}");
    client.token = tokens["access_token"].as_str().map(str::to_owned);
    (user, client)
}

async fn may_watch(client: &Client) -> bool {
    let (_, me) = client.get("/me").await;
    me["permissions"].as_array().unwrap().iter().any(|code| code == "video.recorded")
}

async fn give(giver: &Client, user: &str, given: &[(&str, &Node)]) -> Value {
    let path = format!("/users/{user}");
    let version = giver.get(&path).await.1["version"].clone();
    let (status, user) = giver.patch(&path, &json!({"version": version, "grants": grants(given)})).await;
    assert_eq!(status, StatusCode::OK, "{user}");
    user
}

fn roles(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|grant| grant["role"].as_str().unwrap()).collect()
}

async fn pending(client: &Client) -> Vec<Value> {
    client.get("/role-requests?state=pending").await.1["items"].as_array().unwrap().clone()
}

on_both!(a_further_role_waits_for_a_second_administrator, |app| {
    let (one, second) = (app.person("administrator", &app.city).await, app.person("administrator", &app.city).await);
    let theirs = app.add_person("another", &[("administrator", &app.city)], false).await;
    let another = app.sign_in("another").await;

    let user = give(&one, &theirs, &[("administrator", &app.city), ("supervisor", &app.city)]).await;
    assert_eq!((roles(&user["grants"]), roles(&user["pending_grants"])), (vec!["administrator"], vec!["supervisor"]));
    assert!(!may_watch(&another).await);
    // Asked twice is asked once, and the other changes of a person go on.
    give(&one, &theirs, &[("administrator", &app.city), ("supervisor", &app.city)]).await;
    let waiting = pending(&second).await;
    assert_eq!((waiting.len(), &waiting[0]["user_id"], &waiting[0]["may_decide"]), (1, &json!(theirs), &json!(true)));
    let (_, told) = second.get("/notices").await;
    assert_eq!(told["items"][0]["kind"], "role_requested", "{told}");
    let path = format!("/role-requests/{}", waiting[0]["id"].as_str().unwrap());

    // Neither who asked nor who gets it agrees, nor somebody who manages no people there.
    for who in [&one, &another] {
        assert_eq!(who.post(&format!("{path}/approve"), &json!({})).await.0, StatusCode::FORBIDDEN);
    }
    assert_eq!(app.person("administrator", &app.office).await.post(&format!("{path}/approve"), &json!({})).await.0, StatusCode::NOT_FOUND);
    assert_eq!(app.person("supervisor", &app.city).await.post(&format!("{path}/approve"), &json!({})).await.0, StatusCode::FORBIDDEN);
    assert!(!may_watch(&another).await);

    let (status, decided) = second.post(&format!("{path}/approve"), &json!({})).await;
    assert_eq!((status, &decided["state"]), (StatusCode::OK, &json!("approved")), "{decided}");
    assert!(may_watch(&another).await);
    assert_eq!(second.post(&format!("{path}/approve"), &json!({})).await.0, StatusCode::CONFLICT, "decided once");
    assert!(pending(&second).await.is_empty());
    let (_, told) = one.get("/notices").await;
    assert_eq!((&told["items"][0]["kind"], &told["items"][0]["detail"]["state"]), (&json!("role_decided"), &json!("approved")), "{told}");
    let auditor = app.person("auditor", &app.city).await;
    for action in ["role_asked", "role_decided"] {
        let (_, rows) = auditor.get(&format!("/audit?action={action}")).await;
        assert_eq!((rows["items"].as_array().unwrap().len(), &rows["items"][0]["entity_id"]), (1, &json!(theirs)), "{action}: {rows}");
    }
});

on_both!(a_refused_role_is_not_given_and_says_why, |app| {
    let (one, second) = (app.person("administrator", &app.city).await, app.person("administrator", &app.city).await);
    // A supervisor who is to manage people waits as well: either way both would be one account.
    let theirs = app.add_person("watches", &[("supervisor", &app.office)], false).await;
    let user = give(&one, &theirs, &[("supervisor", &app.office), ("administrator", &app.office)]).await;
    assert_eq!((roles(&user["grants"]), roles(&user["pending_grants"])), (vec!["supervisor"], vec!["administrator"]));
    let path = format!("/role-requests/{}", pending(&second).await[0]["id"].as_str().unwrap());
    assert_eq!(second.post(&format!("{path}/refuse"), &json!({"reason": " "})).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    let (status, decided) = second.post(&format!("{path}/refuse"), &json!({"reason": "不需要"})).await;
    assert_eq!((status, &decided["state"], &decided["reason"]), (StatusCode::OK, &json!("refused"), &json!("不需要")));
    assert_eq!(roles(&second.get(&format!("/users/{theirs}")).await.1["grants"]), ["supervisor"]);
    // Who asked takes it back.
    give(&one, &theirs, &[("supervisor", &app.office), ("administrator", &app.office)]).await;
    let path = format!("/role-requests/{}", pending(&one).await[0]["id"].as_str().unwrap());
    assert_eq!(one.post(&format!("{path}/refuse"), &json!({"reason": "误操作"})).await.1["state"], "withdrawn");
});

on_both!(an_account_that_one_made_is_no_second_person, |app| {
    let one = app.person("administrator", &app.city).await;
    let administrator: &[(&str, &Node)] = &[("administrator", &app.city)];
    let (puppet_user, puppet) = made_by(&app, &one, "puppet", administrator).await;
    let (_, of_puppet) = made_by(&app, &puppet, "puppet2", administrator).await;
    let (_, target) = made_by(&app, &one, "target", &[("administrator", &app.city), ("supervisor", &app.city)]).await;
    assert!(!may_watch(&target).await, "of two roles of a new account the further one waits");
    let waiting = pending(&one).await;
    assert_eq!(waiting.len(), 1);
    let approve = format!("/role-requests/{}/approve", waiting[0]["id"].as_str().unwrap());
    for who in [&puppet, &of_puppet] {
        let (status, problem) = who.post(&approve, &json!({})).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{problem}");
    }
    // Set anew by somebody else's hand, the account is a second person's.
    let other = app.person("administrator", &app.city).await;
    let puppet_id = puppet_user["id"].as_str().unwrap();
    assert_eq!(other.post(&format!("/users/{puppet_id}/password"), &json!({"new_password": PASSWORD})).await.0, StatusCode::NO_CONTENT);
    let mut freed = app.sign_in("puppet").await;
    let (_, tokens) = freed.post("/auth/password", &json!({"current_password": PASSWORD, "new_password": "a-third-clean-kitchen"})).await;
    freed.token = tokens["access_token"].as_str().map(str::to_owned);
    assert_eq!(freed.post(&approve, &json!({})).await.0, StatusCode::OK);
    assert!(may_watch(&target).await);
});

on_both!(the_ordinary_work_goes_on_and_is_told, |app| {
    let (one, second) = (app.person("administrator", &app.city).await, app.person("administrator", &app.city).await);
    let (user, officer) = made_by(&app, &one, "officer", &[("officer", &app.office), ("supervisor", &app.office)]).await;
    assert_eq!((roles(&user["grants"]), roles(&user["pending_grants"])), (vec!["officer", "supervisor"], vec![]));
    assert!(may_watch(&officer).await);
    let (_, reviewer) = made_by(&app, &one, "reviewer", &[("auditor", &app.office)]).await;
    let told = |client: &Client| {
        let client = client.clone();
        async move {
            let (_, list) = client.get("/notices").await;
            let items = list["items"].as_array().unwrap().clone();
            items
                .into_iter()
                .filter(|notice| notice["kind"] == "watching_account")
                .map(|notice| notice["detail"]["text"].clone())
                .collect::<Vec<_>>()
        }
    };
    assert_eq!(told(&second).await, [json!("officer")], "who cannot watch is nobody's matter");
    assert_eq!(told(&one).await, [] as [Value; 0], "not who did it");
    let id = user["id"].as_str().unwrap();
    assert_eq!(one.post(&format!("/users/{id}/password"), &json!({"new_password": PASSWORD})).await.0, StatusCode::NO_CONTENT);
    assert_eq!(told(&second).await.len(), 2, "a reset is told too");
    assert_eq!(told(&reviewer).await, [json!("officer")], "and to who reads the audit log, so that no administrator is alone with it");
});

on_both!(an_import_gives_no_further_role_alone, |app| {
    let one = app.person("administrator", &app.city).await;
    app.add_person("imported", &[("administrator", &app.city)], false).await;
    let sheet = format!("username,display_name,roles\r\nimported,甲,administrator@{0}; supervisor@{0}\r\n", app.city.id);
    let sent = one.request(reqwest::Method::POST, "/imports/users?dry_run=false", None).header("content-type", "text/csv").body(sheet);
    let answer = sent.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "{}", answer.text().await.unwrap());
    assert!(!may_watch(&app.sign_in("imported").await).await);
    assert_eq!(pending(&one).await.len(), 1);
});
