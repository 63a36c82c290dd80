//! What the law asks for on site: marked where it is not there, shown at the desk, and printed as it was recorded.

use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Draft, Phone, drawn, evidence, sha256, text};
use mobile_api::canonical;
use mobile_api::inspection::{Evidence, Header, PartContent, Visit};
use mobile_api::paper::{Gathered, draw};
use server::evidence::{Document, Receipt};

use crate::support::{TestApp, bulk, on_both};

const SHOWN: &str = "9f86d081884c7d659a2feaa0c55ad0159f86d081884c7d659a2feaa0c55ad015";

/// Names a drawing; gives its id.
fn drawing(draft: &mut Draft, file: &[u8]) -> String {
    let id = Uuid::now_v7().to_string();
    let mut named = evidence(&id, "1.1", file);
    named["kind"] = json!("signature");
    named.as_object_mut().unwrap().remove("item_code");
    draft.content["evidence"].as_array_mut().unwrap().push(named);
    id
}

fn sign(draft: &mut Draft, by: &str, name: &str, officer_id: Option<&str>, file: &[u8]) {
    let id = drawing(draft, file);
    let mut signature = json!({"by": by, "name": name, "evidence_id": id, "refused": false, "shown_sha256": SHOWN});
    if let Some(officer_id) = officer_id {
        signature["officer_id"] = json!(officer_id);
    }
    draft.content["signatures"].as_array_mut().unwrap().push(signature);
}

fn scan(app: &TestApp, mark: &str, at: &str) -> Value {
    json!({"premises_id": app.premises.id, "mark": mark, "device_time": at})
}

async fn sent(phone: &Phone, draft: &Draft, submission: &Value, files: &[&[u8]]) -> Value {
    assert_eq!(phone.client.put(&draft.path(), &draft.put()).await.0, StatusCode::CREATED);
    for (named, file) in draft.content["evidence"].as_array().unwrap().iter().zip(files) {
        assert_eq!(phone.upload(draft.id, &text(&named["id"]), file).await, StatusCode::NO_CONTENT);
    }
    let (status, done) = phone.client.post(&format!("{}/submit", draft.path()), submission).await;
    assert_eq!(status, StatusCode::OK, "{done}");
    done
}

/// The on-site record of an inspection, as a reader finds its text; `None` where no reader is installed.
async fn printed(app: &TestApp, inspection: Uuid) -> Option<String> {
    let boss = app.person("supervisor", &app.office).await;
    let asked = json!({"kind": "on_site_record", "inspection_id": inspection});
    let file = boss.request(reqwest::Method::POST, "/documents/preview", Some(&asked)).send().await.unwrap();
    assert_eq!(file.status(), StatusCode::OK);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("paper.pdf");
    std::fs::write(&path, file.bytes().await.unwrap()).unwrap();
    let done = std::process::Command::new("pdftotext").arg(&path).arg("-").output().ok()?;
    Some(String::from_utf8_lossy(&done.stdout).split_whitespace().collect())
}

on_both!(a_record_says_what_was_done_at_the_door, |app| {
    let (lead, second) = (Phone::at(&app, &app.office).await, Phone::at(&app, &app.office).await);
    let template = lead.template().await;
    let mut draft = Draft::new(&app, &lead, &template);
    draft.header["officers"] = json!([lead.user_id, second.user_id]);
    let line = drawn(true);
    let answered = drawing(&mut draft, &line);
    sign(&mut draft, "officer", "甲", Some(&lead.user_id), &line);
    sign(&mut draft, "officer", "乙", Some(&second.user_id), &line);
    sign(&mut draft, "premises", "林晓梅", None, &line);
    let mark = app.app.sealer.door_mark(&app.premises.id);
    draft.content["visit"] = json!({"opened": scan(&app, &mark, "2026-11-23T06:05:00.000Z"), "closed": scan(&app, "0123456789abcdef", "2026-11-23T07:05:00.000Z"),
        "certificates_shown_at": "2026-11-23T06:06:00.000Z",
        "recusal": {"asked_at": "2026-11-23T06:07:00.000Z", "requested": false, "name": "林晓梅", "evidence_id": answered}});
    let done = sent(&lead, &draft, &draft.submission(&template), &[&line, &line, &line, &line]).await;
    assert_eq!((done["to_complete"].as_array().map(Vec::len), done["state"].as_str()), (Some(0), Some("complete")), "{done}");
    let (_, page) = lead.client.get(&draft.path()).await;
    assert_eq!(page["to_complete"], json!([]));
    assert_eq!(page["visit"]["opened"]["right"], true);
    assert_eq!(page["visit"]["closed"]["right"], false, "the mark was made up");
    assert_eq!(
        (page["visit"]["recusal"]["name"].as_str(), page["parts"][0]["visit"]["opened"]["right"].as_bool()),
        (Some("林晓梅"), Some(true))
    );
    assert!(!page["visit"].to_string().contains(&mark), "the mark itself is not told");
    if let Some(paper) = printed(&app, draft.id).await {
        for said in [
            "14时06分向当事人出示执法证件",
            "14时07分告知当事人有权申请检查人员回避",
            "林晓梅答复：不申请回避",
            "14时05分扫描场所码到场",
            "不是本场所的有效场所码",
            "当事人签名确认",
        ] {
            assert!(paper.contains(said), "{said}: {paper}");
        }
    }
});

on_both!(what_was_not_done_is_marked_and_never_printed, |app| {
    let phone = Phone::at(&app, &app.office).await;
    let template = phone.template().await;
    let mut draft = Draft::new(&app, &phone, &template);
    draft.fail("1.2");
    for given in draft.content["answers"].as_array_mut().unwrap() {
        given.as_object_mut().unwrap().remove("reason");
    }
    draft.content["signatures"] =
        json!([{"by": "premises", "name": "林晓梅", "refused": true, "left": true, "reason": "接电话后离开", "shown_sha256": SHOWN}]);
    draft.content["visit"] = json!({"unmet": {"certificates": "证件在换发", "second_officer": "另一名执法人员途中车辆故障"}});
    let done = sent(&phone, &draft, &draft.submission(&template), &[]).await;
    let lacks = json!([
        "visit_opened",
        "certificates",
        "recusal",
        "safety_reason",
        "second_officer",
        "officer_signature",
        "witness",
        "visit_closed"
    ]);
    assert_eq!(done["to_complete"], lacks, "nothing of it is refused");
    assert_eq!(phone.client.get("/inspections").await.1["items"][0]["to_complete"], lacks);
    assert_eq!(
        phone.client.get(&draft.path()).await.1["visit"],
        json!({"opened": null, "closed": null, "certificates_shown_at": null, "recusal": null,
            "unmet": {"certificates": "证件在换发", "second_officer": "另一名执法人员途中车辆故障"}}),
        "with the reasons that the officer gave"
    );
    if let Some(paper) = printed(&app, draft.id).await {
        for said in [
            "未记录出示执法证件。理由：证件在换发。",
            "执法人员不足两名。理由：另一名执法人员途中车辆故障",
            "未记录告知申请回避的权利",
            "未扫描场所码记录到场",
            "当事人中途离开",
            "接电话后离开",
        ] {
            assert!(paper.contains(said), "{said}: {paper}");
        }
        for never in ["出示执法证件。检查人员", "依法享有", "已阅看", "拒绝签名"] {
            assert!(!paper.contains(never), "{never}: {paper}");
        }
    }
});

on_both!(a_signature_without_a_stroke_is_refused_whichever_comes_first, |app| {
    let phone = Phone::at(&app, &app.office).await;
    let template = phone.template().await;
    let (blank, line) = (drawn(false), drawn(true));
    let mut draft = Draft::new(&app, &phone, &template);
    sign(&mut draft, "officer", "甲", Some(&phone.user_id), &blank);
    let id = text(&draft.content["signatures"][0]["evidence_id"]);
    // The part first: the file is refused, and comes as missing.
    assert_eq!(phone.client.put(&draft.path(), &draft.put()).await.0, StatusCode::CREATED);
    let (_, location, _) = phone.begin_upload(draft.id, &id, &blank).await;
    let (status, problem, _) = phone.piece(&location, 0, &blank, None).await;
    assert_eq!((status, problem["type"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("blank_signature")), "{problem}");
    assert_eq!(phone.stands(&location).await, None, "nothing of it is kept");
    let (_, done) = phone.client.post(&format!("{}/submit", draft.path()), &draft.submission(&template)).await;
    assert_eq!((done["state"].as_str(), done["missing_evidence"][0]["id"].as_str()), (Some("submitted"), Some(id.as_str())));

    // The file first: the part that calls it a signature is refused, one that calls it a photo is not.
    let mut draft = Draft::new(&app, &phone, &template);
    sign(&mut draft, "officer", "甲", Some(&phone.user_id), &line);
    sign(&mut draft, "premises", "林", None, &blank);
    let id = text(&draft.content["signatures"][1]["evidence_id"]);
    assert_eq!(phone.upload(draft.id, &id, &blank).await, StatusCode::NO_CONTENT);
    let (status, problem) = phone.client.put(&draft.path(), &draft.put()).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    assert_eq!(
        (problem["errors"][0]["pointer"].as_str(), problem["errors"][0]["code"].as_str()),
        (Some("/part/content/evidence/1"), Some("blank"))
    );
    draft.content["signatures"] = json!([]);
    draft.content["evidence"][1]["kind"] = json!("photo");
    assert_eq!(phone.client.put(&draft.path(), &draft.put()).await.0, StatusCode::CREATED, "a photo of a white wall is a photo");
    assert_eq!(sha256(&blank).len(), 64);
});

/// A record as the phone draws and signs it: the frame into the part, its hash into the signatures.
fn draw_and_sign(draft: &mut Draft, template: &super::Template, officers: &[(&str, &str)], number: Option<Value>) -> String {
    let named: Vec<Value> = officers.iter().map(|(id, name)| json!({"id": id, "name": name})).collect();
    let mut frame = json!({"drawn_at": "2026-11-23T06:35:00.000Z", "bureau": "明湖区市场监督管理局", "title": "食品安全现场检查记录", "statement": "已阅看。",
        "premises": {"name": "东岸小学食堂", "address": "明湖区东岸路1号"}, "officers": named, "template_name": "学校食堂", "template_version": 1});
    if let Some(number) = number {
        frame["number"] = number;
    }
    draft.content["paper"] = frame;
    let part: PartContent = serde_json::from_value(draft.content.clone()).unwrap();
    let header: Header = serde_json::from_value(draft.header.clone()).unwrap();
    let evidence: Vec<&Evidence> = part.evidence.iter().collect();
    let visit = Visit::joined(part.visit.as_ref());
    let gathered = Gathered {
        inspection_id: draft.id,
        header: &header,
        template: &template.body,
        answers: &part.answers,
        evidence: &evidence,
        visit: &visit,
        samples: &[],
        quick_tests: &[],
    };
    let sha256 = draw(part.paper.as_ref().unwrap(), gathered).sha256();
    for signature in draft.content["signatures"].as_array_mut().unwrap() {
        signature["shown_sha256"] = json!(sha256);
    }
    sha256
}

on_both!(what_was_signed_is_drawn_again_and_acknowledged, |app| {
    let (lead, second) = (Phone::at(&app, &app.office).await, Phone::at(&app, &app.office).await);
    let template = lead.template().await;
    let line = drawn(true);
    let officers = [(lead.user_id.as_str(), "甲"), (second.user_id.as_str(), "乙")];
    let mut draft = Draft::new(&app, &lead, &template);
    draft.header["officers"] = json!([lead.user_id, second.user_id]);
    draft.fail("1.2");
    sign(&mut draft, "officer", "甲", Some(&lead.user_id), &line);
    sign(&mut draft, "premises", "林晓梅", None, &line);
    // The number is one of a block that the phone holds.
    let block = json!({"office_id": app.office.id, "kind": "on_site_record", "count": 2, "device_id": lead.device_id});
    let (status, held) = lead.client.post("/paper-numbers/reserve", &block).await;
    assert_eq!(status, StatusCode::CREATED, "{held}");
    let number = json!({"office_id": app.office.id, "year": held["year"], "number": held["numbers"][0], "text": held["texts"][0]});
    let sha256 = draw_and_sign(&mut draft, &template, &officers, Some(number));
    let done = sent(&lead, &draft, &draft.submission(&template), &[&line, &line]).await;
    assert_eq!((done["drawn_sha256"].as_str(), done["drawn_differs"].as_bool()), (Some(sha256.as_str()), Some(false)), "{done}");
    let (_, page) = lead.client.get(&draft.path()).await;
    assert_eq!(page["drawn"], json!({"sha256": sha256, "differs": false, "number": held["texts"][0]}));
    assert_eq!(page["receipt"], done["receipt"], "the same here and on the phone");

    // The receipt names everything by hash, and its signature fits this server's key.
    let document: Document = serde_json::from_value(done["receipt"].clone()).unwrap();
    let (receipt, signed) = Receipt::read(&document).unwrap();
    let keys = app.nobody().get("/keys").await.1;
    assert!(signed && keys.to_string().contains(&receipt.key.fingerprint), "{keys}");
    assert_eq!(receipt.given.header_sha256, canonical::sha256_hex(&draft.header));
    assert_eq!(receipt.given.parts[0].sha256, canonical::sha256_hex(&draft.content));
    assert_eq!((receipt.given.evidence.len(), receipt.given.drawn_sha256.as_deref()), (2, Some(sha256.as_str())));
    let mut forged = document.clone();
    forged.manifest["outcome"] = json!("conforms");
    assert!(!Receipt::read(&forged).unwrap().1, "a word changed and the signature fits no more");

    // The register takes the number over: it is not free any more, and the paper of the office carries it.
    let (_, register) = lead.client.get("/paper-numbers?kind=on_site_record&mine=true").await;
    let of = |number: &Value| register["items"].as_array().unwrap().iter().find(|one| one["number"] == *number).cloned().unwrap();
    let row = of(&held["numbers"][0]);
    assert_eq!((row["state"].as_str(), row["inspection_id"].as_str()), (Some("reserved"), Some(draft.id.to_string().as_str())));
    let void = json!({"reason": "不用了"});
    assert_eq!(lead.client.post(&format!("/paper-numbers/{}/void", text(&row["id"])), &void).await.0, StatusCode::CONFLICT);
    assert_eq!(lead.client.post(&format!("/paper-numbers/{}/void", text(&of(&held["numbers"][1])["id"])), &void).await.0, StatusCode::OK);
    let boss = app.person("supervisor", &app.office).await;
    let (status, paper) = boss.post("/documents", &json!({"kind": "on_site_record", "inspection_id": draft.id})).await;
    assert_eq!((status, paper["number"].as_str()), (StatusCode::CREATED, held["texts"][0].as_str()), "{paper}");

    // Anybody with the record can check it, where the bureau lets results be public.
    let public = async |address: String| {
        let response = app.nobody().http.get(format!("{}{address}", app.address)).send().await.unwrap();
        (response.status(), response.text().await.unwrap())
    };
    assert_eq!(public(format!("/c/{sha256}")).await.0, StatusCode::NOT_FOUND, "the switch is off at first");
    let desk = app.person("supervisor", &app.city).await;
    assert_eq!(desk.put("/settings/disclosure", &json!({"enabled": true})).await.0, StatusCode::OK);
    let (status, said) = public(format!("/c/{sha256}")).await;
    assert!(status == StatusCode::OK && said.contains("与登记的记录一致") && said.contains(&text(&held["texts"][0])), "{said}");
    for named in ["甲", "乙", "林晓梅", "离墙不足"] {
        assert!(!said.contains(named), "nobody is named and nothing quoted: {named}");
    }
    assert!(public(format!("/c/{sha256}?n=another")).await.1.contains("编号不符"));
    assert_eq!(public(format!("/c/{}", "0".repeat(64))).await.0, StatusCode::NOT_FOUND);
    assert_eq!(public("/c/nothing".to_owned()).await.0, StatusCode::NOT_FOUND);

    // What lies in the database is held to the receipt.
    assert_eq!(server::check::receipts(&app.app.db).await.unwrap(), (1, vec![]));
    bulk::change(&app.app.db, "UPDATE inspection_parts SET content = REPLACE(content, '离墙不足10厘米', '离墙不足1厘米')").await;
    let (_, faults) = server::check::receipts(&app.app.db).await.unwrap();
    assert!(faults.len() == 1 && faults[0].contains(&format!("part {}", draft.part_id)), "{faults:?}");
});

on_both!(a_record_that_is_not_what_was_signed_is_marked, |app| {
    let phone = Phone::at(&app, &app.office).await;
    let template = phone.template().await;
    let line = drawn(true);
    let mut draft = Draft::new(&app, &phone, &template);
    sign(&mut draft, "officer", "甲", Some(&phone.user_id), &line);
    let signed = draw_and_sign(&mut draft, &template, &[(phone.user_id.as_str(), "甲")], None);
    // Something is changed after the signature, and sent all the same.
    draft.fail("1.3");
    let done = sent(&phone, &draft, &draft.submission(&template), &[&line]).await;
    assert_eq!(done["drawn_differs"].as_bool(), Some(true), "{done}");
    assert_ne!(done["drawn_sha256"].as_str(), Some(signed.as_str()));
    // A phone that draws nothing is not judged by it.
    let mut older = Draft::new(&app, &phone, &template);
    sign(&mut older, "officer", "甲", None, &line);
    let done = sent(&phone, &older, &older.submission(&template), &[&line]).await;
    assert_eq!((done["drawn_sha256"].is_null(), done["drawn_differs"].as_bool()), (true, Some(false)), "{done}");
    // A frame without a name is refused with its pointer.
    let mut nameless = Draft::new(&app, &phone, &template);
    draw_and_sign(&mut nameless, &template, &[], None);
    nameless.content["paper"]["premises"]["name"] = json!("");
    let (status, problem) = phone.client.put(&nameless.path(), &nameless.put()).await;
    assert_eq!(
        (status, problem["errors"][0]["pointer"].as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, Some("/part/content/paper/premises/name"))
    );
});

on_both!(samples_and_readings_are_sealed_with_the_part_shown_and_printed, |app| {
    let (lead, second) = (Phone::at(&app, &app.office).await, Phone::at(&app, &app.office).await);
    let template = lead.template().await;
    let mut draft = Draft::new(&app, &lead, &template);
    draft.header["officers"] = json!([lead.user_id, second.user_id]);
    let line = drawn(true);
    let signed = drawing(&mut draft, &line);
    let taken = "2026-11-23T06:20:00.000Z";
    draft.content["samples"] = json!([{"id": Uuid::now_v7(), "number": "CY-1", "name": "四季豆", "batch": "20261123", "quantity": "2 kg", "sealed": true, "taken_at": taken,
        "evidence_ids": [], "representative": {"name": "林晓梅", "evidence_id": signed}}]);
    draft.content["quick_tests"] = json!([{"id": Uuid::now_v7(), "item": "农药残留", "food": "上海青", "method": "酶抑制率法", "kit": "速测卡", "kit_lot": "A12",
        "reading": 12.5, "unit": "%", "limit": "≤50%", "result": "passes", "tested_at": taken, "evidence_ids": []}]);
    let mut wrong = draft.put();
    wrong["part"]["content"]["samples"][0]["representative"]["evidence_id"] = json!(Uuid::now_v7());
    wrong["part"]["content"]["quick_tests"][0]["reading"] = json!(1e12);
    wrong["part"]["content_sha256"] = json!(canonical::sha256_hex(&wrong["part"]["content"]));
    let (status, problem) = lead.client.put(&draft.path(), &wrong).await;
    let pointers: Vec<String> = problem["errors"].as_array().unwrap().iter().map(|fault| text(&fault["pointer"])).collect();
    assert_eq!(
        (status, pointers),
        (
            StatusCode::UNPROCESSABLE_ENTITY,
            vec!["/part/content/samples/0/representative/evidence_id".to_owned(), "/part/content/quick_tests/0/reading".to_owned()]
        )
    );
    let done = sent(&lead, &draft, &draft.submission(&template), &[&line]).await;
    assert_eq!(done["state"].as_str(), Some("complete"), "{done}");
    let (_, page) = lead.client.get(&draft.path()).await;
    assert_eq!((page["samples"][0]["number"].as_str(), page["quick_tests"][0]["reading"].as_f64()), (Some("CY-1"), Some(12.5)), "{page}");
    if let Some(paper) = printed(&app, draft.id).await {
        // The letters of the word across an unsigned paper stand in between here and there.
        for said in ["四季豆，批号20261123，数量2kg", "农药残留（酶抑制率法）", "读数12.5%，限值≤50%，合格"] {
            assert!(paper.contains(said), "{said}: {paper}");
        }
    }
    let head = app.person("head", &app.office).await;
    let (status, sheet) = head.post("/documents", &json!({"kind": "sampling_sheet", "inspection_id": draft.id})).await;
    assert_eq!(status, StatusCode::CREATED, "{sheet}");
    assert!(text(&sheet["number"]).starts_with("抽样〔"), "{sheet}");
    // Where nothing was taken there is no sheet.
    let mut other = Draft::new(&app, &lead, &template);
    other.header["officers"] = json!([lead.user_id, second.user_id]);
    sent(&lead, &other, &other.submission(&template), &[]).await;
    assert_eq!(head.post("/documents", &json!({"kind": "sampling_sheet", "inspection_id": other.id})).await.0, StatusCode::CONFLICT);
});
