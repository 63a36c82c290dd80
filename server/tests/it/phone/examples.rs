//! Every example of the contract is accepted as it stands, on data with the ids that the examples name.

use mobile_api::canonical;
use mobile_api::shipped;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use server::store::premises::{PremisesData, insert as insert_premises};
use server::store::uploads::UploadRow;
use server::store::{StoreError, templates, uploads, users};
use uuid::Uuid;

use super::{Phone, sha256, text};
use crate::support::{Client, TestApp, on_both};

/// `01928f6e-0000-7000-8000-0000000000NN`, as the examples count.
fn id(number: u8) -> String {
    format!("01928f6e-0000-7000-8000-0000000000{number:02}")
}

/// What the examples stand on: premises 01, template 02, officer 03, inspections 10 and 20, uploads 30 and 31, assignment 40.
/// Gives the officer and a supervisor.
pub async fn seed(app: &TestApp, document: &Value) -> (Phone, Client) {
    let path = app.office.clone();
    app.app
        .db
        .write(move |tx| {
            Box::pin(async move {
                let data = PremisesData {
                    organization_id: path.id.clone(),
                    organization_path: path.path.clone(),
                    kind: "school_canteen".to_owned(),
                    name: "例示小学食堂".to_owned(),
                    address: None,
                    point: None,
                    source_datum: None,
                    school: None,
                    diners: None,
                    risk_grade: None,
                    grid: None,
                    code: None,
                    service_hours: "[]".to_owned(),
                    disabled: false,
                };
                insert_premises(tx, id(1).parse().unwrap(), &data, 1).await?;
                let mut file = shipped::templates().map_err(StoreError::damaged)?.remove(0);
                file.code = "example".to_owned();
                templates::publish(tx, id(2).parse().unwrap(), &file, 1).await?;
                let user = users::NewUser {
                    id: id(3).parse().unwrap(),
                    username: "example".to_owned(),
                    display_name: "例示".to_owned(),
                    phone: None,
                    certificate_number: None,
                    password_hash: server::auth::hash_password("clean-kitchen-2026"),
                    must_change_password: false,
                };
                users::insert(tx, &user, 1).await?;
                users::grant(tx, &id(3), "officer", &path.id, &path.path, None).await
            })
        })
        .await
        .unwrap();
    let client = app.sign_in("example").await;
    let phone = Phone { client, user_id: id(3), device_id: "phone-1".to_owned() };
    let supervisor = app.person("supervisor", &app.office).await;
    let put = &document["paths"]["/api/v1/inspections/{id}"]["put"]["requestBody"]["content"]["application/json"]["example"];
    for (inspection, part) in [(10, 11), (20, 21)] {
        let mut body = put.clone();
        body["part"]["id"] = json!(id(part));
        let (status, answer) = phone.client.put(&format!("/inspections/{}", id(inspection)), &body).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
    }
    assert_eq!(phone.upload(id(20).parse().unwrap(), &id(22), &super::picture(9)).await, StatusCode::NO_CONTENT);
    let png = unpacked(&document["paths"]["/api/v1/files"]["post"]["requestBody"]["content"]["image/png"]["example"]);
    let now_ms = app.app.clock.wall_ms();
    for (upload, evidence) in [(30, 13), (31, 14)] {
        let row = UploadRow {
            id: id(upload),
            user_id: id(3),
            inspection_id: id(10),
            evidence_id: id(evidence),
            sha256: sha256(&png),
            filetype: "image/png".to_owned(),
            length: i64::try_from(png.len()).unwrap(),
            received: 0,
            created_at: now_ms,
            expires_at: now_ms + 600_000,
            done_at: None,
        };
        app.app.db.write(move |tx| Box::pin(async move { uploads::insert(tx, &row).await })).await.unwrap();
    }
    plan(app, &supervisor).await;
    (phone, supervisor)
}

/// Assignment 40.
async fn plan(app: &TestApp, supervisor: &Client) {
    use server::domain::workflow::assignment::TABLE;
    use server::store::assignments::{NewRow, insert};
    use server::store::work::{Beginning, By, begin};
    let creator: Uuid = text(&supervisor.get("/me").await.1["id"]).parse().unwrap();
    app.app
        .db
        .write(move |tx| {
            Box::pin(async move {
                begin(tx, &Beginning { table: &TABLE, id: &id(40), premises_id: &id(1), by: By::System("test@1"), action: "plan" }, 1)
                    .await?;
                let row = NewRow {
                    id: id(40).parse().unwrap(),
                    template_id: id(2).parse().unwrap(),
                    kind: mobile_api::inspection::InspectionKind::Routine,
                    due_on: "2026-11-30".to_owned(),
                    approval_number: None,
                    source: "by_hand".to_owned(),
                    created_by: creator,
                    officers: vec![id(3).parse().unwrap()],
                };
                insert(tx, &row).await
            })
        })
        .await
        .unwrap();
}

fn unpacked(example: &Value) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(example.as_str().unwrap()).unwrap()
}

#[test]
fn the_hashes_in_the_examples_are_right() {
    let document = serde_json::to_value(server::http::openapi()).unwrap();
    let body = &document["paths"]["/api/v1/inspections/{id}"]["put"]["requestBody"]["content"]["application/json"]["example"];
    assert_eq!(body["content_sha256"], canonical::sha256_hex(&body["header"]));
    assert_eq!(body["part"]["content_sha256"], canonical::sha256_hex(&body["part"]["content"]));
}

on_both!(every_example_of_the_phones_routes_is_accepted, |app| {
    let document = serde_json::to_value(server::http::openapi()).unwrap();
    let (phone, supervisor) = seed(&app, &document).await;
    let tags = ["files", "templates", "assignments", "inspections", "sync", "uploads"];
    let mut walked = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        // Reads before writes before ends.
        for method in ["get", "head", "options", "put", "post", "patch", "delete"] {
            let operation = &item[method];
            if !operation["tags"][0].as_str().is_some_and(|tag| tags.contains(&tag)) {
                continue;
            }
            let manages = path.ends_with("/assignments") && method == "post" || path.ends_with("/assignments/{id}") && method == "patch";
            let client = if manages { &supervisor } else { &phone.client };
            let (status, answer) = replay(client, path, method, operation).await;
            assert!(status.is_success(), "{method} {path}: {status} {answer}");
            walked += 1;
        }
    }
    assert_eq!(walked, 19);
});

async fn replay(client: &Client, path: &str, method: &str, operation: &Value) -> (StatusCode, String) {
    let mut path = path.trim_start_matches("/api/v1").to_owned();
    let mut headers = Vec::new();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let (name, example) = (text(&parameter["name"]), &parameter["example"]);
        let example = example.as_str().map_or_else(|| example.to_string(), str::to_owned);
        match parameter["in"].as_str().unwrap() {
            "path" => path = path.replace(&format!("{{{name}}}"), &example),
            "header" if parameter["required"] == true => headers.push((name, example)),
            _ => {}
        }
    }
    let mut request = client.request(Method::from_bytes(method.to_uppercase().as_bytes()).unwrap(), &path, None);
    if let Some((filetype, content)) = operation["requestBody"]["content"]
        .as_object()
        .and_then(|content| content.iter().find(|(kind, _)| *kind != "image/jpeg" && *kind != "image/webp"))
    {
        // Where the example stands with the type, the type's own is the operation's.
        let example = content.get("example").cloned().unwrap_or(Value::Null);
        request = request.header("content-type", filetype);
        request = if filetype == "application/json" { request.body(example.to_string()) } else { request.body(unpacked(&example)) };
    }
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let response = request.send().await.unwrap();
    (response.status(), response.text().await.unwrap_or_default())
}
