//! Papers, numbers and orders that the contract's examples name.

use mobile_api::canonical;
use mobile_api::judge::judge;
use reqwest::StatusCode;
use serde_json::{Value, json};
use server::documents::layout_hash;
use server::store::disclosures;
use server::store::documents::{self, NewDocument};
use server::store::files::{self, FileRow};
use server::store::journal::Actor;
use server::store::orders::{self, NewItem, NewOrder};
use server::store::paper_numbers::{self, Register};
use server::store::work::By;
use server::store::{StoreError, Tx};

use super::ground::id;
use crate::phone::{Template, answer, content, text};
use crate::support::{Client, TestApp, tamper};

/// Inspection 90 with two officers and a failed item, orders in the states that acts start from, papers 95 and 96, number 97.
pub(super) async fn plant(app: &TestApp, officer: &Client, root: &Client, canteen: &Client) {
    inspection(app, officer).await;
    let (user_id, now_ms) = (text(&root.get("/me").await.1["id"]), app.app.clock.wall_ms());
    let sha256 = app.app.files.put_bytes(b"%PDF-1.7 stands for a paper".to_vec().into()).await.unwrap();
    let actor = Actor { id: Some(user_id.parse().unwrap()), name: "督查".to_owned(), ..Actor::default() };
    let path = format!("{}{}/", app.office.path, id(1));
    let planted = app.app.db.write(move |tx| {
        Box::pin(async move {
            for (number, document) in [(1, 95), (2, 96)] {
                paper(tx, &actor, &path, &sha256, number, document, now_ms).await?;
            }
            let register = Register { office_id: id(4), kind: "warning", year: 2026 };
            paper_numbers::reserve(tx, &register, 1, &user_id, Some("phone-1"), now_ms).await?;
            disclosures::put(tx, &id(1), "example", now_ms).await?;
            for order in [91, 93, 98, 99] {
                begin(tx, order, &user_id, now_ms).await?;
            }
            Ok::<_, StoreError>(())
        })
    });
    planted.await.unwrap();
    for sql in [
        "UPDATE paper_numbers SET id = '01928f6e-0000-7000-8000-000000000097' WHERE state = 'reserved'",
        "UPDATE rectification_items SET id = '01928f6e-0000-7000-8000-000000000092' WHERE order_id = '01928f6e-0000-7000-8000-000000000091'",
        "UPDATE rectification_items SET id = '01928f6e-0000-7000-8000-000000000094' WHERE order_id = '01928f6e-0000-7000-8000-000000000093'",
    ] {
        tamper(&app.app.db, sql).await;
    }
    let answer = json!({"version": 1, "items": [{"item_id": id(94), "text": "已补装盖板", "evidence_ids": [id(80)]}]});
    let (status, answered) = canteen.post(&format!("/orders/{}/answer", id(93)), &answer).await;
    assert_eq!(status, StatusCode::OK, "{answered}");
}

async fn inspection(app: &TestApp, officer: &Client) {
    let (_, template) = officer.get(&format!("/templates/{}", id(2))).await;
    let template = Template { id: id(2), body: serde_json::from_value(template["body"].clone()).unwrap() };
    let mut failed = answer("8.1", "fails");
    failed["remark"] = json!("排水沟盖板缺失");
    failed["affects_safety"] = json!(false);
    failed["reason"] = json!("未影响食品安全");
    let part = content("phone-1", vec![failed], vec![]);
    let header = json!({"premises_id": id(1), "template_id": id(2), "kind": "unannounced", "started_at": "2026-11-23T06:05:00.000Z",
        "officers": [id(3), id(6)], "device": {"id": "phone-1"}});
    let body = json!({"header": header, "content_sha256": canonical::sha256_hex(&header),
        "part": {"id": id(89), "content": part, "content_sha256": canonical::sha256_hex(&part), "revision": 1}});
    let path = format!("/inspections/{}", id(90));
    let (status, stored) = officer.put(&path, &body).await;
    assert_eq!(status, StatusCode::CREATED, "{stored}");
    let answers: Vec<_> = serde_json::from_value(part["answers"].clone()).unwrap();
    let submission: Value = json!({"parts": [{"id": id(89), "content_sha256": canonical::sha256_hex(&part)}], "choices": {},
        "result": judge(&template.body, &answers), "submitted_at": "2026-11-23T06:40:00.000Z"});
    let (status, done) = officer.post(&format!("{path}/submit"), &submission).await;
    assert_eq!((status, done["state"].as_str()), (StatusCode::OK, Some("complete")), "{done} {}", app.address);
}

async fn paper(tx: &mut Tx<'_>, actor: &Actor, path: &str, sha256: &str, number: i64, document: u8, at: i64) -> Result<(), StoreError> {
    let file = FileRow {
        id: id(document - 10),
        sha256: sha256.to_owned(),
        filetype: "application/pdf".to_owned(),
        bytes: 27,
        width: None,
        height: None,
        user_id: None,
        created_at: at,
    };
    files::insert(tx, &file).await?;
    let new = NewDocument {
        id: id(document),
        register: Register { office_id: id(4), kind: "warning", year: 2026 },
        number,
        reserved: false,
        number_text: format!("预告〔2026〕{number}号"),
        premises_id: id(1),
        premises_path: path.to_owned(),
        inspection_id: None,
        work_id: None,
        layout_version: 0,
        layout_sha256: layout_hash("x"),
        fonts_sha256: layout_hash("y"),
        program: "0.1.0".to_owned(),
        data: "{}".to_owned(),
        data_sha256: layout_hash("{}"),
        file_id: file.id,
        sha256: sha256.to_owned(),
        pages: 1,
        user_id: actor.id.unwrap_or_default().to_string(),
    };
    assert!(documents::issue(tx, &new, actor, at).await?);
    Ok(())
}

async fn begin(tx: &mut Tx<'_>, order: u8, user_id: &str, at: i64) -> Result<(), StoreError> {
    let item = NewItem {
        item_code: "8.1".to_owned(),
        key_item: false,
        text: "排水沟有盖板".to_owned(),
        finding: "盖板缺失".to_owned(),
        basis: "GB 31654-2021".to_owned(),
        requirement: "补装盖板".to_owned(),
        evidence: Vec::new(),
    };
    let new = NewOrder {
        id: id(order),
        premises_id: id(1),
        inspection_id: Some(id(90)),
        deadline_days: 3,
        requirement: String::new(),
        user_id: user_id.to_owned(),
        items: vec![item],
    };
    orders::begin(tx, &new, By::System("test@1"), at).await
}
