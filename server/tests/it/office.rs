//! Inspections in the office: compared with the last one, amended without overwriting, exported as a stream.

use std::io::Read as _;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::documents::inspected;
use crate::phone::{Draft, Phone, picture, text};
use crate::support::{Client, Engine, TestApp, bulk, on_both};

on_both!(an_amendment_is_a_version_with_who_and_why, |app| {
    let (lead, draft) = inspected(&app).await;
    let path = draft.path();
    let (_, before) = lead.client.get(&path).await;
    assert_eq!((before["outcome"].as_str(), &before["amendments"]), (Some("basically_conforms"), &json!([])));
    let amend = |version: i64, reason: &str, result: &str| json!({"version": version, "reason": reason, "answers": [{"item_code": "8.1", "result": result, "remark": "复核照片后更正"}]});
    for (body, pointer) in [
        (amend(0, " ", "conforms"), "/reason"),
        (json!({"version": 0, "reason": "x", "answers": []}), "/answers"),
        (json!({"version": 0, "reason": "x", "answers": [{"item_code": "99.9", "result": "fails"}]}), "/answers/0/item_code"),
    ] {
        let (status, problem) = lead.client.post(&format!("{path}/amendments"), &body).await;
        assert_eq!((status, problem["errors"][0]["pointer"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some(pointer)), "{problem}");
    }
    let (status, page) = lead.client.post(&format!("{path}/amendments"), &amend(0, "现场记录笔误", "conforms")).await;
    assert_eq!(
        (status, page["outcome"].as_str(), page["result"]["outcome"].as_str()),
        (StatusCode::CREATED, Some("conforms"), Some("conforms")),
        "{page}"
    );
    assert_eq!(page["submitted_result"]["outcome"], "basically_conforms", "the first result is kept and shown");
    assert_eq!(page["amendments"][0]["reason"], "现场记录笔误");
    assert_eq!(page["parts"], before["parts"], "what was sent stays as sent");
    let failed = page["sections"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|section| section["items"].as_array().unwrap())
        .find(|item| item["code"] == "8.1")
        .unwrap();
    assert_eq!(
        (failed["answer"]["result"].as_str(), failed["answer"]["evidence_ids"].as_array().map(Vec::len)),
        (Some("conforms"), Some(1)),
        "its photo stays"
    );
    let (status, problem) = lead.client.post(&format!("{path}/amendments"), &amend(0, "又一次", "fails")).await;
    assert_eq!(
        (status, problem["type"].as_str(), problem["present"]["amendments"].as_array().map(Vec::len)),
        (StatusCode::CONFLICT, Some("stale_version"), Some(1)),
        "{problem}"
    );
    assert_eq!(lead.client.post(&format!("{path}/amendments"), &amend(1, "复核后恢复", "fails")).await.0, StatusCode::CREATED);
    let canteen = app.person("food_safety_officer", &app.premises).await;
    assert_eq!(canteen.post(&format!("{path}/amendments"), &amend(2, "x", "conforms")).await.0, StatusCode::FORBIDDEN);
    let (_, paper) = lead.client.post("/documents", &json!({"kind": "inspection_record", "inspection_id": draft.id})).await;
    let stored = server::store::documents::data(&mut app.app.db.read().await.unwrap().conn(), &text(&paper["id"])).await.unwrap().unwrap();
    let data: Value = serde_json::from_str(&stored).unwrap();
    assert_eq!(
        (data["inspection"]["outcome"].as_str(), data["items"][0]["remark"].as_str()),
        (Some("基本符合"), Some("复核照片后更正")),
        "a paper says what holds when it is issued"
    );
});

on_both!(an_inspection_is_compared_with_the_last_one, |app| {
    let (lead, first) = inspected(&app).await;
    let template = lead.template().await;
    let mut second = Draft::new(&app, &lead, &template);
    second.header["started_at"] = json!("2026-11-24T06:05:00.000Z");
    second.fail("8.2");
    assert_eq!(lead.client.put(&second.path(), &second.put()).await.0, StatusCode::CREATED);
    assert_eq!(lead.client.post(&format!("{}/submit", second.path()), &second.submission(&template)).await.0, StatusCode::OK);
    let (_, page) = lead.client.get(&second.path()).await;
    let previous = &page["previous"];
    assert_eq!(text(&previous["id"]), first.id.to_string());
    assert_eq!(
        (&previous["again"], &previous["put_right"], &previous["new"]),
        (&json!([]), &json!(["8.1"]), &json!(["8.2"])),
        "{previous}"
    );
    let item = page["sections"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|section| section["items"].as_array().unwrap())
        .find(|item| item["code"] == "8.1")
        .unwrap();
    assert_eq!((item["previous"]["result"].as_str(), item["answer"]["result"].as_str()), (Some("fails"), Some("conforms")));
    assert_eq!(lead.client.get(&first.path()).await.1["previous"], Value::Null, "there was none before");
});

async fn bytes(client: &Client, path: &str) -> Vec<u8> {
    let response = client.request(Method::GET, path, None).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    response.bytes().await.unwrap().to_vec()
}

on_both!(the_list_is_exported_whole_in_each_format, |app| {
    let (_, draft) = inspected(&app).await;
    bulk::inspections_like(&app.app.db, 450).await;
    let desk = app.person("supervisor", &app.district).await;
    let csv = String::from_utf8(bytes(&desk, "/exports/inspections.csv").await).unwrap();
    assert_eq!(csv.lines().count(), 452, "every row of every page, once, under one header");
    assert!(csv.starts_with("\u{feff}编号,场所,") && csv.contains("8.1") && csv.contains("东岸小学食堂"), "{}", &csv[..300]);
    let ids: std::collections::BTreeSet<&str> = csv.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    assert_eq!(ids.len(), 451);
    let sheet = server::sheet::read(&bytes(&desk, "/exports/inspections.xlsx").await).unwrap();
    assert_eq!((sheet.rows.len(), sheet.rows[0].1.len()), (451, 16));
    let narrowed = String::from_utf8(bytes(&desk, "/exports/inspections.csv?result=conforms").await).unwrap();
    assert_eq!(narrowed.lines().count(), 1, "as the list is filtered");
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes(&desk, "/exports/inspections.zip").await)).unwrap();
    let photo = archive.file_names().find(|name| name.starts_with(&draft.id.to_string())).unwrap().to_owned();
    let mut content = Vec::new();
    archive.by_name(&photo).unwrap().read_to_end(&mut content).unwrap();
    assert_eq!(content, picture(7), "the photo as taken");
    assert_eq!(archive.len(), 2, "the table and the photo; a signature is none");
    assert_eq!(desk.get("/exports/inspections.exe").await.0, StatusCode::NOT_FOUND);
    let elsewhere = app.person("supervisor", &app.other_office).await;
    assert_eq!(String::from_utf8(bytes(&elsewhere, "/exports/inspections.csv").await).unwrap().lines().count(), 1);
});

on_both!(a_public_page_says_the_result_and_names_nobody, |app| {
    let (lead, draft) = inspected(&app).await;
    let (desk, nobody) = (app.person("supervisor", &app.city).await, app.nobody());
    let place = format!("/premises/{}/disclosure", app.premises.id);
    let (status, opened) = lead.client.post(&place, &json!({})).await;
    assert_eq!((status, opened["enabled"].as_bool(), opened["warn"].as_bool()), (StatusCode::OK, Some(false), Some(false)), "{opened}");
    assert!(opened["due_at"].is_string() && opened["notice_issued_at"].is_null());
    let address = format!("{}{}", app.address, text(&opened["address"]));
    let public = async |address: &str| {
        let response = nobody.http.get(address).send().await.unwrap();
        (
            response.status(),
            response.headers().get("x-robots-tag").map(|tag| tag.to_str().unwrap().to_owned()),
            response.text().await.unwrap(),
        )
    };
    assert_eq!(public(&address).await.0, StatusCode::NOT_FOUND, "the switch is off at first");
    assert_eq!(
        app.person("supervisor", &app.office).await.put("/settings/disclosure", &json!({"enabled": true})).await.0,
        StatusCode::NOT_FOUND
    );
    assert_eq!(desk.put("/settings/disclosure", &json!({"enabled": true})).await.0, StatusCode::OK);
    let (status, robots, page) = public(&address).await;
    assert_eq!((status, robots.as_deref()), (StatusCode::OK, Some("noindex, nofollow")));
    assert!(page.contains("东岸小学食堂") && page.contains("基本符合") && page.contains("2026年11月23日"), "{page}");
    for named in ["测试", "李执法", "陈校长", "离墙不足"] {
        assert!(!page.contains(named), "nobody is named and nothing quoted: {named}");
    }
    assert_eq!(public(&format!("{address}/notice.pdf")).await.0, StatusCode::NOT_FOUND);
    let (status, _) = lead.client.post("/documents", &json!({"kind": "disclosure", "inspection_id": draft.id})).await;
    assert_eq!(status, StatusCode::CREATED);
    let notice = nobody.http.get(format!("{address}/notice.pdf")).send().await.unwrap();
    assert_eq!((notice.status(), notice.bytes().await.unwrap().starts_with(b"%PDF-")), (StatusCode::OK, true));
    assert!(lead.client.get(&place).await.1["notice_issued_at"].is_string());
    let code = lead.client.request(Method::GET, &format!("{place}/code.svg"), None).send().await.unwrap();
    assert!(code.text().await.unwrap().starts_with("<svg"));
    let again = lead.client.post(&place, &json!({})).await.1;
    assert_ne!(again["address"], opened["address"]);
    assert_eq!(public(&address).await.0, StatusCode::NOT_FOUND, "what was hung before leads nowhere");
    let mut last = StatusCode::OK;
    for _ in 0..70 {
        last = public(&format!("{}{}", app.address, text(&again["address"]))).await.0;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS, "one address looks so often and no more");
});

/// The most memory this process ever held, bytes.
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1_024
}

/// `cargo test -p server --test it office::ten_thousand -- --ignored --nocapture`, built as wanted.
#[actix_web::test]
#[ignore = "a measurement"]
async fn ten_thousand_inspections() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let app = TestApp::start(engine).await;
        let phone = Phone::at(&app, &app.office).await;
        let template = phone.template().await;
        let draft = Draft::new(&app, &phone, &template);
        phone.client.put(&draft.path(), &draft.put()).await;
        phone.client.post(&format!("{}/submit", draft.path()), &draft.submission(&template)).await;
        bulk::inspections_like(&app.app.db, 9_999).await;
        let desk = app.person("supervisor", &app.district).await;
        for format in ["csv", "xlsx", "zip"] {
            let (before, started) = (peak_bytes(), std::time::Instant::now());
            let mut response = desk.request(Method::GET, &format!("/exports/inspections.{format}"), None).send().await.unwrap();
            let (mut size, mut first_ms) = (0, 0);
            while let Some(piece) = response.chunk().await.unwrap() {
                if size == 0 {
                    first_ms = started.elapsed().as_millis();
                }
                size += piece.len();
            }
            let peak = peak_bytes();
            println!(
                "{engine:?} {format}: {size} bytes, first after {first_ms} ms, all after {} ms, peak {} MB, of it new {} MB",
                started.elapsed().as_millis(),
                peak >> 20,
                (peak - before) >> 20
            );
        }
    }
}
