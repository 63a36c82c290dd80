//! Papers over HTTP: issued once with a number of the register, kept as evidence, voided with a reason; layouts as versions.

use std::collections::BTreeSet;

use futures::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use server::store::StoreError;
use server::store::paper_numbers::{self, Register};
use uuid::Uuid;

use crate::papers;
use crate::phone::{Draft, Phone, originals, picture, sha256, text};
use crate::support::{Client, TestApp, on_both};

/// An inspection by two officers with a failed item, its photo and its signatures, complete.
pub(crate) async fn inspected(app: &TestApp) -> (Phone, Draft) {
    inspected_with(app, None).await
}

/// The same, with a film of the failed item.
async fn inspected_with(app: &TestApp, film: Option<&[u8]>) -> (Phone, Draft) {
    let (lead, second) = (Phone::at(app, &app.office).await, Phone::at(app, &app.office).await);
    let template = lead.template().await;
    let mut draft = Draft::new(app, &lead, &template);
    draft.header["officers"] = json!([lead.user_id, second.user_id]);
    draft.fail("8.1");
    let (photo, drawn) = (picture(7), picture(8));
    let photo_id = draft.photo("8.1", &photo);
    let film = film.map(|film| (originals::recorded(&mut draft, "8.1", "video", "video/webm", 11_200, film), film));
    let signature_id = Uuid::now_v7().to_string();
    draft.content["evidence"].as_array_mut().unwrap().push(json!({"id": signature_id, "kind": "signature", "sha256": sha256(&drawn),
        "filetype": "image/png", "bytes": drawn.len(), "taken_at": "2026-11-23T06:35:00.000Z"}));
    draft.content["signatures"] = json!([
        {"by": "officer", "name": "李执法", "evidence_id": signature_id, "refused": false, "shown_sha256": sha256(b"shown")},
        {"by": "premises", "name": "陈校长", "refused": true, "reason": "对结果有异议", "shown_sha256": sha256(b"shown")},
        {"by": "witness", "name": "周见证", "refused": true, "reason": "无", "shown_sha256": sha256(b"shown")}]);
    let (status, stored) = lead.client.put(&draft.path(), &draft.put()).await;
    assert_eq!(status, StatusCode::CREATED, "{stored}");
    let (status, done) = lead.client.post(&format!("{}/submit", draft.path()), &draft.submission(&template)).await;
    assert_eq!((status, done["state"].as_str()), (StatusCode::OK, Some("submitted")), "{done}");
    let early = lead.client.post("/documents", &json!({"kind": "inspection_record", "inspection_id": draft.id})).await;
    assert_eq!(early.0, StatusCode::CONFLICT, "evidence is missing: {}", early.1);
    for (id, content) in [(&photo_id, &photo), (&signature_id, &drawn)] {
        assert_eq!(lead.upload(draft.id, id, content).await, StatusCode::NO_CONTENT);
    }
    if let Some((id, content)) = film {
        assert_eq!(originals::send(&lead, &draft, &id, "video/webm", content).await, StatusCode::CREATED);
    }
    (lead, draft)
}

async fn file_of(client: &Client, id: &str) -> Vec<u8> {
    let response = client.request(Method::GET, &format!("/documents/{id}/file"), None).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "application/pdf");
    response.bytes().await.unwrap().to_vec()
}

on_both!(a_paper_is_issued_once_and_kept_as_evidence, |app| {
    let film = [&[0x1A, 0x45, 0xDF, 0xA3][..], &[7; 5_000]].concat();
    let (lead, draft) = inspected_with(&app, Some(&film)).await;
    let body = json!({"kind": "inspection_record", "inspection_id": draft.id});
    let preview = lead.client.request(Method::POST, "/documents/preview", Some(&body)).send().await.unwrap();
    assert_eq!(preview.status(), StatusCode::OK);
    assert!(preview.bytes().await.unwrap().starts_with(b"%PDF-"));
    assert_eq!(lead.client.get("/paper-numbers").await.1["total"], 0, "a preview takes no number");

    let once = lead.client.request(Method::POST, "/documents", Some(&body)).header("Idempotency-Key", "press-1").send().await.unwrap();
    assert_eq!(once.status(), StatusCode::CREATED);
    let issued: Value = once.json().await.unwrap();
    let year = server::documents::year(app.app.clock.wall_ms());
    assert_eq!(issued["number"], format!("检记〔{year}〕1号"));
    let again = lead.client.request(Method::POST, "/documents", Some(&body)).header("Idempotency-Key", "press-1").send().await.unwrap();
    assert_eq!(again.json::<Value>().await.unwrap()["id"], issued["id"], "pressed twice: one paper");
    let id = text(&issued["id"]);
    let pdf = file_of(&lead.client, &id).await;
    assert_eq!(sha256(&pdf), text(&issued["sha256"]), "the file is the one that was issued");
    assert_eq!(file_of(&lead.client, &id).await, pdf, "and stays it");
    if let Some(said) = papers::words(&pdf) {
        assert!(said.contains("8.1录像") && said.contains("12秒") && said.contains(&sha256(&film)[..32]), "the film is named: {said}");
    }

    // The premises reads it; the other office does not know of it.
    let canteen = app.person("food_safety_officer", &app.premises).await;
    assert_eq!(file_of(&canteen, &id).await, pdf);
    assert_eq!(canteen.post(&format!("/documents/{id}/void"), &json!({"reason": "x"})).await.0, StatusCode::FORBIDDEN);
    let elsewhere = app.person("officer", &app.other_office).await;
    assert_eq!(elsewhere.get(&format!("/documents/{id}")).await.0, StatusCode::NOT_FOUND);
    assert_eq!(elsewhere.post("/documents", &body).await.0, StatusCode::NOT_FOUND);

    // What it says is kept beside its hash.
    let stored = server::store::documents::data(&mut app.app.db.read().await.unwrap().conn(), &id).await.unwrap().unwrap();
    let data: Value = serde_json::from_str(&stored).unwrap();
    assert_eq!(mobile_api::canonical::sha256_hex(&data), text(&issued["data_sha256"]));
    assert_eq!(data["items"][0]["code"], "8.1");
    assert_eq!(data["officers"].as_array().map(Vec::len), Some(2));
    assert_eq!(data["signatures"][1]["reason"], "对结果有异议", "a refusal is on the paper with its reason");
    assert_eq!(data["inspection"]["shown_sha256"][0], sha256(b"shown").as_str(), "and the hash of what was signed");
    assert!(
        data["items"][0]["photos"][0]["sha256"].as_str() == Some(sha256(&picture(7)).as_str()),
        "a photo is named by the file as taken"
    );

    let (status, void) = lead.client.post(&format!("/documents/{id}/void"), &json!({"reason": "当事人名称有误"})).await;
    assert_eq!((status, void["state"].as_str(), void["void_reason"].as_str()), (StatusCode::OK, Some("void"), Some("当事人名称有误")));
    assert_eq!(lead.client.post(&format!("/documents/{id}/void"), &json!({"reason": "again"})).await.0, StatusCode::CONFLICT);
    assert_eq!(file_of(&lead.client, &id).await, pdf, "the file of a void paper stays");
    let (_, second) = lead.client.post("/documents", &body).await;
    assert_eq!(second["number"], format!("检记〔{year}〕2号"), "its number is not given again");
    let (_, register) = lead.client.get("/paper-numbers?kind=inspection_record").await;
    let states: Vec<_> = register["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["number"].clone(), row["state"].clone(), row["reason"].clone()))
        .collect();
    assert_eq!(states, [(json!(2), json!("issued"), Value::Null), (json!(1), json!("void"), json!("当事人名称有误"))]);
    let auditor = app.person("auditor", &app.city).await;
    for action in ["document_issue", "document_void", "document_read"] {
        let found = auditor.get(&format!("/audit?action={action}&entity=document&entity_id={id}")).await.1;
        assert!(found["items"].as_array().is_some_and(|rows| !rows.is_empty()), "{action} is in the audit log");
    }
});

on_both!(a_check_by_one_officer_gives_no_paper, |app| {
    let phone = Phone::at(&app, &app.office).await;
    let template = phone.template().await;
    let draft = Draft::new(&app, &phone, &template);
    assert_eq!(phone.client.put(&draft.path(), &draft.put()).await.0, StatusCode::CREATED);
    let body = json!({"kind": "on_site_record", "inspection_id": draft.id});
    assert_eq!(phone.client.post("/documents", &body).await.0, StatusCode::CONFLICT, "not submitted");
    phone.client.post(&format!("{}/submit", draft.path()), &draft.submission(&template)).await;
    let (status, problem) = phone.client.post("/documents", &body).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(text(&problem["detail"]).contains("two officers"), "{problem}");
    assert_eq!(phone.client.get("/paper-numbers").await.1["total"], 0, "what is refused takes no number");
    let (status, problem) = phone.client.post("/documents", &json!({"kind": "rectification_order", "inspection_id": draft.id})).await;
    assert_eq!((status, problem["errors"][0]["pointer"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("/kind")));
});

on_both!(numbers_have_no_hole_and_no_double_when_many_issue_at_once, |app| {
    let clients = join_all((0..4).map(|_| app.person("officer", &app.office))).await;
    let body = json!({"kind": "warning", "premises_id": app.premises.id, "text": "请自查排水沟。"});
    let issued = join_all((0..16).map(|at| clients[at % 4].post("/documents", &body))).await;
    let numbers: BTreeSet<String> = issued
        .iter()
        .map(|(status, paper)| {
            assert_eq!(*status, StatusCode::CREATED, "{paper}");
            text(&paper["number"])
        })
        .collect();
    assert_eq!(numbers.len(), 16, "none twice");
    let year = server::documents::year(app.app.clock.wall_ms());
    let wanted: BTreeSet<String> = (1..=16).map(|number| format!("预告〔{year}〕{number}号")).collect();
    assert_eq!(numbers, wanted, "none left out");
    let (_, register) = clients[0].get("/paper-numbers?limit=200").await;
    assert_eq!(register["total"], 16);
});

on_both!(the_register_stays_whole_under_writers_that_fail, |app| {
    let (user, office) = (app.person("officer", &app.office).await, app.office.id.clone());
    let user_id = text(&user.get("/me").await.1["id"]);
    let writers = (0..60_i64).map(|writer| {
        let (db, user_id, register) =
            (app.app.db.clone(), user_id.clone(), Register { office_id: office.clone(), kind: "on_site_record", year: 2026 });
        async move {
            // A third take a number and then fail: they must leave no trace.
            db.write(move |tx| {
                Box::pin(async move {
                    let first = paper_numbers::reserve(tx, &register, 1 + writer % 3, &user_id, None, 1).await?;
                    if writer % 3 == 0 { Err(StoreError::Conflict("given up".to_owned())) } else { Ok(first) }
                })
            })
            .await
        }
    });
    let mut taken = 0;
    for (writer, result) in (0_i64..).zip(join_all(writers).await) {
        taken += i64::from(result.is_ok_and(|first| first.is_some())) * (1 + writer % 3);
    }
    let register = Register { office_id: office, kind: "on_site_record", year: 2026 };
    let next = paper_numbers::next(&mut app.app.db.read().await.unwrap().conn(), &register).await.unwrap();
    assert!(taken > 0);
    assert_eq!(next, taken + 1, "the register stands where the numbers end");
    let mut seen = BTreeSet::new();
    let mut cursor = String::new();
    loop {
        let (_, rows) = user.get(&format!("/paper-numbers?kind=on_site_record&state=reserved&limit=50{cursor}")).await;
        seen.extend(rows["items"].as_array().unwrap().iter().map(|row| row["number"].as_i64().unwrap()));
        match rows["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, (1..=taken).collect(), "each number up to there has a row");
});

on_both!(a_phone_holds_a_small_block_and_uses_or_voids_it, |app| {
    let officer = app.person("officer", &app.office).await;
    let block = json!({"office_id": app.office.id, "kind": "warning", "count": 3, "device_id": "phone-1"});
    let (status, reserved) = officer.post("/paper-numbers/reserve", &block).await;
    assert_eq!((status, &reserved["numbers"]), (StatusCode::CREATED, &json!([1, 2, 3])), "{reserved}");
    let (status, _) = officer.post("/paper-numbers/reserve", &json!({"office_id": app.office.id, "kind": "warning", "count": 18})).await;
    assert_eq!(status, StatusCode::CONFLICT, "a block is small");
    assert_eq!(
        officer.post("/paper-numbers/reserve", &json!({"office_id": app.other_office.id, "kind": "warning", "count": 1})).await.0,
        StatusCode::NOT_FOUND
    );
    let mut body = json!({"kind": "warning", "premises_id": app.premises.id, "text": "请自查。", "number": 2});
    let other = app.person("officer", &app.office).await;
    assert_eq!(other.post("/documents", &body).await.0, StatusCode::CONFLICT, "a reserved number is one person's");
    let (status, paper) = officer.post("/documents", &body).await;
    assert_eq!(status, StatusCode::CREATED, "{paper}");
    assert!(text(&paper["number"]).ends_with("〕2号"));
    assert_eq!(officer.post("/documents", &body).await.0, StatusCode::CONFLICT, "and used once");
    body["number"] = Value::Null;
    assert!(text(&other.post("/documents", &body).await.1["number"]).ends_with("〕4号"), "the next one is after the block");
    let (_, held) = officer.get("/paper-numbers?mine=true&state=reserved").await;
    assert_eq!(held["total"], 2);
    let id = text(&held["items"][0]["id"]);
    assert_eq!(other.post(&format!("/paper-numbers/{id}/void"), &json!({"reason": "x"})).await.0, StatusCode::FORBIDDEN);
    let (status, void) = officer.post(&format!("/paper-numbers/{id}/void"), &json!({"reason": "手机遗失"})).await;
    assert_eq!((status, void["state"].as_str(), void["reason"].as_str()), (StatusCode::OK, Some("void"), Some("手机遗失")));
    assert_eq!(officer.post(&format!("/paper-numbers/{id}/void"), &json!({"reason": "x"})).await.0, StatusCode::CONFLICT);
});

on_both!(a_bureau_changes_a_layout_and_papers_keep_theirs, |app| {
    let (desk, officer) = (app.person("supervisor", &app.city).await, app.person("officer", &app.office).await);
    let warning = json!({"kind": "warning", "premises_id": app.premises.id, "text": "请自查。"});
    let (_, before) = officer.post("/documents", &warning).await;
    assert_eq!(before["layout_version"], 0);
    let (_, shipped) = desk.get("/documents/layouts/warning").await;
    assert_eq!((shipped["version"].as_i64(), shipped["versions"].as_array().map(Vec::len)), (Some(0), Some(0)));
    assert_eq!(officer.get("/documents/layouts/warning").await.0, StatusCode::FORBIDDEN);
    let broken = json!({"version": 0, "note": "试", "source": "#import \"common.typ\": *\n#show: paper\n#no-such-thing"});
    let (status, problem) = desk.put("/documents/layouts/warning", &broken).await;
    assert_eq!((status, problem["faults"][0]["line"].as_i64()), (StatusCode::UNPROCESSABLE_ENTITY, Some(3)), "{problem}");
    let source = format!("{}\n#line(length: 100%)\n", text(&shipped["source"]));
    let change = json!({"version": 0, "note": "加一条线", "source": source});
    let tried = desk.request(Method::POST, "/documents/layouts/warning/preview", Some(&json!({"source": source}))).send().await.unwrap();
    assert_eq!(tried.status(), StatusCode::OK);
    let (status, kept) = desk.put("/documents/layouts/warning", &change).await;
    assert_eq!(
        (status, kept["version"].as_i64(), kept["versions"][0]["note"].as_str()),
        (StatusCode::OK, Some(1), Some("加一条线")),
        "{kept}"
    );
    let (status, problem) = desk.put("/documents/layouts/warning", &change).await;
    assert_eq!((status, problem["type"].as_str()), (StatusCode::CONFLICT, Some("stale_version")));
    let (_, after) = officer.post("/documents", &warning).await;
    assert_eq!(after["layout_version"], 1);
    assert_ne!(after["layout_sha256"], before["layout_sha256"]);
    assert_eq!(officer.get(&format!("/documents/{}", text(&before["id"]))).await.1["sha256"], before["sha256"], "what was issued stays");
    // The bureau's words and seal.
    let bureau = json!({"name": "明湖区市场监督管理局", "words": {"warning": "明市监预"}, "seal_file_id": null});
    assert_eq!(desk.put("/settings/documents", &bureau).await.0, StatusCode::OK);
    assert!(text(&officer.post("/documents", &warning).await.1["number"]).starts_with("明市监预〔"));
    let below = app.person("supervisor", &app.office).await;
    assert_eq!(below.put("/settings/documents", &bureau).await.0, StatusCode::NOT_FOUND, "one office does not name the bureau");
    let (status, problem) = desk.put("/settings/documents", &json!({"words": {"nonsense": "x"}, "seal_file_id": "none"})).await;
    assert_eq!((status, problem["errors"].as_array().map(Vec::len)), (StatusCode::UNPROCESSABLE_ENTITY, Some(2)), "{problem}");
});
