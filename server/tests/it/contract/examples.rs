//! Every operation of the contract has an example that the server accepts as it stands, on data with the ids that the examples
//! name, on both engines. None is left out: one without an example fails.

use std::collections::BTreeSet;

use mobile_api::canonical;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use server::accounts::setup_token;
use server::store::{StoreError, logins};

use super::ground::{Ground, id, plant, sign_in, start, twofold, unpacked};
use crate::phone::{sha256, text};
use crate::support::{Client, Engine};

/// Reads before writes before ends; changes before acts, which make new versions.
const METHODS: [&str; 7] = ["get", "head", "options", "put", "patch", "post", "delete"];
/// These end or replace logins: each is asked by somebody who has just signed in.
pub(super) const OWN_LOGIN: [&str; 2] = ["/auth/logout", "/auth/password"];
/// Their answer goes on; that it begins is what is looked at.
const STREAMS: [&str; 1] = ["/events"];

/// The contract as code has it.
pub(super) fn document() -> Value {
    serde_json::to_value(server::http::openapi()).unwrap()
}

/// Every operation: path below `/api/v1`, method, description.
pub(super) fn operations(document: &Value) -> Vec<(String, &'static str, Value)> {
    let mut found = Vec::new();
    for method in METHODS {
        for (path, item) in document["paths"].as_object().unwrap() {
            if item[method].is_object() {
                found.push((path.trim_start_matches("/api/v1").to_owned(), method, item[method].clone()));
            }
        }
    }
    found
}

#[test]
fn the_hashes_in_the_examples_are_right() {
    let document = document();
    let body = &document["paths"]["/api/v1/inspections/{id}"]["put"]["requestBody"]["content"]["application/json"]["example"];
    assert_eq!(body["content_sha256"], canonical::sha256_hex(&body["header"]));
    assert_eq!(body["part"]["content_sha256"], canonical::sha256_hex(&body["part"]["content"]));
    let body = &document["paths"]["/api/v1/self-checks/{id}"]["put"]["requestBody"]["content"]["application/json"]["example"];
    assert_eq!(body["content_sha256"], canonical::sha256_hex(&body["content"]));
    let body = &document["paths"]["/api/v1/incidents/{id}"]["put"]["requestBody"]["content"]["application/json"]["example"];
    assert_eq!(body["content_sha256"], canonical::sha256_hex(&body["content"]));
}

#[test]
fn every_operation_has_an_example() {
    let document = document();
    let mut without = Vec::new();
    for (path, method, operation) in operations(&document) {
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            if parameter["required"] == true && parameter["example"].is_null() {
                without.push(format!("{method} {path}: {}", parameter["name"]));
            }
        }
        let body = operation["requestBody"]["content"].as_object();
        if body.is_some_and(|content| content.values().all(|content| content["example"].is_null())) {
            without.push(format!("{method} {path}: body"));
        }
    }
    assert!(without.is_empty(), "{without:#?}");
}

async fn every_example_is_accepted(engine: Engine) {
    let document = document();
    let ground = plant(engine, &document).await;
    let named = ground.recorded().await;
    let mut refused = Vec::new();
    let mut walked = BTreeSet::new();
    for (path, method, operation) in operations(&document) {
        // The first account can be made where there is nobody yet.
        if path == "/setup" && method == "post" {
            continue;
        }
        let client = who(&ground, &path, method).await;
        let (status, answer) = send(example(&client, &named.fill(&path), method, &operation), &path).await;
        let documented = operation["responses"][status.to_string()].is_object();
        // 101 opens a socket.
        if !(status == 101 || (200..300).contains(&status)) || !documented {
            refused.push(format!("{method} {path}: {status} {answer}"));
        }
        walked.insert((path, method));
    }
    walked.insert(first_account(engine, &document).await);
    assert!(refused.is_empty(), "{refused:#?}");
    assert_eq!(walked.len(), operations(&document).len());
    assert!(ground.app.app.supervisor.shutdown(std::time::Duration::from_secs(20)).await.is_empty());
}

#[actix_web::test]
async fn every_example_is_accepted_sqlite() {
    every_example_is_accepted(Engine::Sqlite).await;
}

#[actix_web::test]
async fn every_example_is_accepted_postgres() {
    every_example_is_accepted(Engine::Postgres).await;
}

/// Whose operation it is.
pub(super) async fn who(ground: &Ground, path: &str, method: &str) -> Client {
    if OWN_LOGIN.contains(&path) {
        return sign_in(&ground.app, "leaves").await;
    }
    if ["/auth/second-factor", "/auth/sessions", "/auth/login/code"].iter().any(|own| path.starts_with(own)) {
        return twofold(&ground.app, path, &document()).await;
    }
    let own = ["/inspections", "/uploads", "/files", "/sync", "/drafts", "/paper-wording"];
    if own.iter().any(|own| path.starts_with(own)) {
        return ground.officer.clone();
    }
    if path == "/alerts/{id}/undo" {
        // What is taken back is taken back at once.
        let dismissed = ground.root.post(&format!("/alerts/{}/dismiss", id(78)), &json!({"version": 1, "reason": "test"})).await;
        assert_eq!(dismissed.0, 200, "{}", dismissed.1);
    }
    match (path, method) {
        ("/alerts/{id}/rectify" | "/orders/{id}/answer" | "/self-checks/{id}" | "/self-checks/{id}/samples/{position}/discard", _) => {
            ground.canteen.clone()
        }
        _ => ground.root.clone(),
    }
}

/// The first account, on an application of its own, with the link's token as the example has it.
async fn first_account(engine: Engine, document: &Value) -> (String, &'static str) {
    let app = start(engine).await;
    let operation = &document["paths"]["/api/v1/setup"]["post"];
    let token = text(&operation["requestBody"]["content"]["application/json"]["example"]["token"]);
    let (hash, now_ms) = (sha256(token.as_bytes()), app.app.clock.wall_ms());
    assert!(setup_token(&app.app.db, now_ms).await.unwrap().is_some(), "nobody has an account");
    let kept = app.app.db.write(move |tx| Box::pin(async move { logins::insert_setup_link(tx, &hash, now_ms, now_ms + 60_000).await }));
    kept.await.map_err(|error: StoreError| error).unwrap();
    let (status, answer) = send(example(&app.nobody(), "/setup", "post", operation), "/setup").await;
    assert_eq!(status, 200, "{answer}");
    ("/setup".to_owned(), "post")
}

async fn send(request: RequestBuilder, path: &str) -> (u16, String) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    // Of a film the end is not of interest either, only what is said against it.
    let answer = if STREAMS.contains(&path) || status < 300 { String::new() } else { response.text().await.unwrap_or_default() };
    (status, answer)
}

/// The request of an example: every parameter and the body as the contract gives them.
pub(super) fn example(client: &Client, path: &str, method: &str, operation: &Value) -> RequestBuilder {
    let mut path = path.to_owned();
    let (mut headers, mut query) = (Vec::new(), Vec::new());
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let (name, example) = (text(&parameter["name"]), &parameter["example"]);
        if example.is_null() {
            continue;
        }
        let example = example.as_str().map_or_else(|| example.to_string(), str::to_owned);
        match parameter["in"].as_str().unwrap() {
            "path" => path = path.replace(&format!("{{{name}}}"), &example),
            "header" => headers.push((name, example)),
            _ => query.push((name, example)),
        }
    }
    let mut request = client.request(Method::from_bytes(method.to_uppercase().as_bytes()).unwrap(), &path, None).query(&query);
    let contents = operation["requestBody"]["content"].as_object();
    if let Some((filetype, content)) = contents.and_then(|content| content.iter().find(|(_, content)| !content["example"].is_null())) {
        let example = &content["example"];
        request = request.header("content-type", filetype);
        request = match filetype.as_str() {
            "application/json" => request.body(example.to_string()),
            "text/csv" => request.body(text(example)),
            _ => request.body(unpacked(example)),
        };
    }
    for (name, value) in headers {
        request = request.header(name, value);
    }
    request
}
