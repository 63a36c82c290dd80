//! What a phone sends is understood, kept as sent, and refused with every fault named.

use std::collections::BTreeMap;

use mobile_api::canonical;
use mobile_api::inspection::{InspectionKind, ItemResult, PartContent, PutInspection, PutPart, fit};
use mobile_api::merge::merge;
use mobile_api::template::TemplateBody;
use serde_json::{Value, json};
use uuid::Uuid;

fn content() -> Value {
    json!({"device_id": "phone-1",
        "answers": [{"item_code": "6.1", "result": "fails", "remark": null, "number": 90.0, "affects_safety": false,
            "answered_at": "2026-11-23T14:10:00+08:00", "evidence_ids": ["01928f6e-0000-7000-8000-00000000000a"]}],
        "evidence": [{"id": "01928f6e-0000-7000-8000-00000000000a", "kind": "photo", "sha256": "a".repeat(64),
            "filetype": "image/jpeg", "bytes": 120_000, "taken_at": "2026-11-23T06:09:00.000Z", "item_code": "6.1"}],
        "locations": [{"latitude": 23.466, "longitude": 116.755, "accuracy_m": 12.5, "device_time": "2026-11-23T06:05:00.000Z"}],
        "signatures": [{"by": "premises", "name": "林老师", "refused": true, "reason": "不同意结论", "shown_sha256": "b".repeat(64)}],
        "clock": {"device_time": "2026-11-23T06:30:00.000Z", "monotonic_ms": 1_500_000.25}})
}

fn part(content: &Value) -> Value {
    json!({"content": content, "content_sha256": canonical::sha256_hex(content), "revision": 1})
}

fn faults(body: Value) -> Vec<(String, String)> {
    let part: PutPart = serde_json::from_value(body).expect("the form of a part");
    let found = part.check().expect_err("faults");
    found.into_iter().map(|fault| (fault.pointer, fault.code)).collect()
}

#[test]
fn a_part_is_hashed_as_it_was_sent() {
    // A null member, an offset and a trailing zero would all be lost by writing the parsed value again.
    let part: PutPart = serde_json::from_value(part(&content())).expect("a part");
    assert_eq!(part.check(), Ok(()));
    assert_eq!(part.content.raw, content());
    assert_eq!(serde_json::to_value(&part.content).expect("writes"), content());
}

#[test]
fn a_wrong_hash_is_told() {
    let mut body = part(&content());
    body["content"]["device_id"] = json!("phone-2");
    assert_eq!(faults(body), [("/content_sha256".to_owned(), "checksum".to_owned())]);
}

#[test]
fn all_faults_are_told_at_once_with_their_place() {
    let mut content = content();
    content["answers"][0]["remark"] = json!("长".repeat(2_001));
    content["answers"][0]["evidence_ids"] = json!(["01928f6e-0000-7000-8000-00000000000b"]);
    content["evidence"][0]["bytes"] = json!(0);
    content["evidence"][0]["filetype"] = json!("text/html");
    content["locations"][0]["latitude"] = json!(123.0);
    content["signatures"][0]["reason"] = json!(" ");
    let again = content["answers"][0].clone();
    content["answers"].as_array_mut().expect("a list").push(again);
    let mut body = part(&content);
    body["revision"] = json!(0);
    let found: Vec<String> = faults(body).into_iter().map(|(pointer, code)| format!("{pointer} {code}")).collect();
    assert_eq!(
        found,
        [
            "/content/evidence/0/filetype unknown",
            "/content/evidence/0/bytes out_of_range",
            "/content/answers/0/remark too_long",
            "/content/answers/0/evidence_ids/0 unknown",
            "/content/answers/1/item_code duplicate",
            "/content/answers/1/remark too_long",
            "/content/answers/1/evidence_ids/0 unknown",
            "/content/locations/0/latitude out_of_range",
            "/content/signatures/0/reason required",
            "/revision out_of_range",
        ]
    );
}

#[test]
fn more_answers_than_the_limit_are_refused() {
    let mut content = content();
    let answer = |index: usize| json!({"item_code": format!("1.{index}"), "result": "conforms", "answered_at": "2026-11-23T06:10:00Z"});
    content["answers"] = (0..501).map(answer).collect();
    assert_eq!(faults(part(&content)), [("/content/answers".to_owned(), "too_many".to_owned())]);
}

#[test]
fn unknown_fields_are_refused_at_every_depth() {
    for pointer in ["", "/content", "/content/answers/0", "/content/evidence/0", "/content/clock"] {
        let mut body = part(&content());
        body.pointer_mut(pointer).expect("a place")["colour"] = json!("red");
        assert!(serde_json::from_value::<PutPart>(body).is_err(), "{pointer}");
    }
}

#[test]
fn a_header_names_its_officers_once() {
    let header = json!({"premises_id": "01928f6e-0000-7000-8000-000000000001", "template_id": "01928f6e-0000-7000-8000-000000000002",
        "kind": "routine", "started_at": "2026-11-23T06:05:00.000Z",
        "officers": ["01928f6e-0000-7000-8000-000000000003", "01928f6e-0000-7000-8000-000000000003"], "device": {"id": ""}});
    let body = json!({"header": header, "content_sha256": canonical::sha256_hex(&header)});
    let put: PutInspection = serde_json::from_value(body).expect("the form of an inspection");
    let pointers: Vec<String> = put.check().expect_err("faults").into_iter().map(|fault| fault.pointer).collect();
    assert_eq!(pointers, ["/header/officers", "/header/device/id"]);
}

#[test]
fn only_unannounced_and_repeated_checks_leave_items_out() {
    assert!(InspectionKind::Routine.covers_all_items() && InspectionKind::Campaign.covers_all_items());
    assert!(!InspectionKind::Unannounced.covers_all_items() && !InspectionKind::Reinspection.covers_all_items());
}

fn answers(pairs: &[(&str, &str)]) -> PartContent {
    let mut content = content();
    content["answers"] =
        pairs.iter().map(|(code, result)| json!({"item_code": code, "result": result, "answered_at": "2026-11-23T06:10:00Z"})).collect();
    serde_json::from_value(content).expect("a part")
}

#[test]
fn the_lead_chooses_between_two_answers_and_what_nobody_chose_is_named() {
    let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let first = answers(&[("1.1", "conforms"), ("1.2", "fails"), ("1.3", "conforms")]);
    let second = answers(&[("1.1", "fails"), ("1.2", "conforms"), ("1.3", "conforms"), ("1.4", "fails")]);
    let parts = [(one, &first), (two, &second)];
    let choices = BTreeMap::from([("1.1".to_owned(), two)]);
    let merged = merge(&parts, &choices);
    assert_eq!(merged.undecided, ["1.2"]);
    let results: Vec<(&str, ItemResult)> =
        merged.answers.iter().map(|answer| (answer.item_code.as_str(), answer.result.expect("a result"))).collect();
    assert_eq!(
        results,
        [("1.1", ItemResult::Fails), ("1.2", ItemResult::Fails), ("1.3", ItemResult::Conforms), ("1.4", ItemResult::Fails)]
    );
}

#[test]
fn values_are_checked_for_form_and_against_the_template() {
    let text = json!({"zh": "字", "en": "words"});
    let choices = json!([{"code": "x", "label": text}, {"code": "y", "label": text}]);
    let field = |code: &str, kind: Value| json!({"code": code, "label": text, "kind": kind});
    let item = json!({"code": "6.1", "key": false, "text": text, "basis": "x", "fields": [field("n", json!({"type": "number"})),
        field("t", json!({"type": "text"})), field("o", json!({"type": "one", "choices": choices})),
        field("m", json!({"type": "many", "choices": choices})), field("s", json!({"type": "signature"}))]});
    let question =
        json!({"code": "q", "key": false, "question": true, "text": text, "basis": "", "fields": [field("n", json!({"type": "number"}))]});
    let rule = json!({"general_limit": 8, "points_key": 3, "points_general": 1, "grades": []});
    let template: TemplateBody =
        serde_json::from_value(json!({"rule": rule, "sections": [{"code": "1", "name": text, "items": [item, question]}]}))
            .expect("a template");
    assert_eq!(template.check(), Ok(()));
    let told = |values: Value, more: Value| -> Vec<String> {
        let mut content = content();
        content["evidence"][0]["kind"] = json!("signature");
        content["answers"][0]["values"] = values;
        content["answers"].as_array_mut().expect("a list").push(more);
        let content: PartContent = serde_json::from_value(content).expect("a part");
        let mut faults = mobile_api::Faults::new();
        fit::check(&mut faults, &content, &template);
        faults.finish().err().unwrap_or_default().into_iter().map(|fault| format!("{} {}", fault.pointer, fault.code)).collect()
    };
    let asked = |result: Value| json!({"item_code": "q", "result": result, "answered_at": "2026-11-23T06:10:00Z"});
    let right = json!({"n": 1.5, "t": "鼠患", "o": "x", "m": ["y", "x"], "s": "01928f6e-0000-7000-8000-00000000000a"});
    assert_eq!(told(right, asked(Value::Null)), Vec::<String>::new());
    let wrong = json!({"n": "1", "t": ["x"], "o": "z", "m": ["y", "y", "z"], "s": "01928f6e-0000-7000-8000-00000000000b", "u": 1});
    assert_eq!(
        told(wrong, asked(json!("conforms"))),
        [
            "/content/answers/0/values/m/1 duplicate",
            "/content/answers/0/values/m/2 unknown",
            "/content/answers/0/values/n kind",
            "/content/answers/0/values/o unknown",
            "/content/answers/0/values/s unknown",
            "/content/answers/0/values/t kind",
            "/content/answers/0/values/u unknown",
            "/content/answers/1/result kind",
        ]
    );
}

#[test]
fn nul_is_refused_in_every_text_with_its_place() {
    let mut content = content();
    content["answers"][0]["remark"] = json!("鼠\0患");
    content["answers"][0]["reason"] = json!("\0");
    content["answers"][0]["values"] = json!({"t": "a\0", "m": ["x\0"], "long": "长".repeat(2_001), "big": 1e10});
    let found: Vec<String> = faults(part(&content)).into_iter().map(|(pointer, code)| format!("{pointer} {code}")).collect();
    assert_eq!(
        found,
        [
            "/content/answers/0/remark format",
            "/content/answers/0/reason format",
            "/content/answers/0/values/big out_of_range",
            "/content/answers/0/values/long too_long",
            "/content/answers/0/values/m/0 format",
            "/content/answers/0/values/t format",
        ]
    );
}

#[test]
fn answers_of_an_older_phone_are_understood_and_hashed_as_sent() {
    let content = content();
    let part: PutPart = serde_json::from_value(part(&content)).expect("a part");
    assert_eq!(part.check(), Ok(()));
    let written = serde_json::to_value(&part.content.value.answers[0]).expect("writes");
    assert!(written.get("values").is_none(), "what an older template does not ask is not written");
}
