//! The vector files that hold the server and the phone to the same hashes and judgements, and the shipped templates.

use std::collections::{BTreeMap, HashMap, HashSet};

use mobile_api::asked::asked;
use mobile_api::complete::{Lack, lacks};
use mobile_api::inspection::{Answer, InspectionKind};
use mobile_api::judge::{Judgement, judge};
use mobile_api::template::{Audience, TemplateBody};
use mobile_api::{canonical, shipped};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct CanonicalCase {
    name: String,
    json: String,
    canonical: String,
    sha256: String,
}

#[derive(Deserialize)]
struct JudgementCase {
    name: String,
    template: String,
    answers: Vec<Answer>,
    expected: Judgement,
}

#[derive(Deserialize)]
struct Judgements {
    templates: HashMap<String, TemplateBody>,
    cases: Vec<JudgementCase>,
}

#[derive(Deserialize)]
struct AskedCase {
    name: String,
    template: String,
    kind: InspectionKind,
    answers: Vec<Answer>,
    expected: AskedExpected,
}

#[derive(Debug, PartialEq, Deserialize)]
struct AskedExpected {
    hidden: Vec<String>,
    hidden_fields: Vec<String>,
    lacks: BTreeMap<String, Vec<String>>,
    unanswered: Vec<String>,
    checked: u32,
}

#[derive(Deserialize)]
struct AskedFile {
    templates: HashMap<String, TemplateBody>,
    cases: Vec<AskedCase>,
}

#[test]
fn what_is_asked_is_that_of_the_vectors() {
    let file: AskedFile = serde_json::from_str(include_str!("../vectors/asked.json")).expect("vectors");
    assert!(file.cases.len() >= 40);
    for (name, template) in &file.templates {
        assert_eq!(template.check(), Ok(()), "template {name}");
    }
    for case in &file.cases {
        let template = &file.templates[&case.template];
        let shown = asked(template, &case.answers);
        let mut found = AskedExpected { hidden: vec![], hidden_fields: vec![], lacks: BTreeMap::new(), unanswered: vec![], checked: 0 };
        for (item, asked) in template.items().zip(&shown) {
            if !asked.shown {
                found.hidden.push(item.code.clone());
            }
            let hidden = item.fields.iter().zip(&asked.fields).filter(|(_, asked)| !asked.shown);
            found.hidden_fields.extend(hidden.map(|(field, _)| format!("{}/{}", item.code, field.code)));
            let answer = case.answers.iter().rfind(|answer| answer.item_code == item.code);
            let named: Vec<String> = lacks(item, answer, asked, case.kind).iter().map(named).collect();
            if !named.is_empty() {
                found.lacks.insert(item.code.clone(), named);
            }
        }
        let judged = judge(template, &case.answers);
        (found.unanswered, found.checked) = (judged.unanswered, judged.checked);
        assert_eq!(found, case.expected, "{}", case.name);
    }
}

fn named(lack: &Lack) -> String {
    match lack {
        Lack::Field(code) => format!("field:{code}"),
        other => other.code().to_owned(),
    }
}

#[test]
fn canonical_hashes_are_those_of_the_vectors() {
    let file: Value = serde_json::from_str(include_str!("../vectors/canonical.json")).expect("vectors");
    let cases: Vec<CanonicalCase> = serde_json::from_value(file["cases"].clone()).expect("cases");
    assert!(cases.len() >= 20);
    for case in cases {
        let value: Value = serde_json::from_str(&case.json).expect(&case.name);
        let bytes = canonical::bytes(&value);
        assert_eq!(String::from_utf8(bytes).expect("UTF-8"), case.canonical, "{}", case.name);
        assert_eq!(canonical::sha256_hex(&value), case.sha256, "{}", case.name);
    }
}

#[test]
fn judgements_are_those_of_the_vectors() {
    let file: Judgements = serde_json::from_str(include_str!("../vectors/judgement.json")).expect("vectors");
    assert!(file.cases.len() >= 25);
    let names: HashSet<&str> = file.cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names.len(), file.cases.len(), "each case has its own name");
    for (name, template) in &file.templates {
        assert_eq!(template.check(), Ok(()), "template {name}");
    }
    for case in &file.cases {
        let judged = judge(&file.templates[&case.template], &case.answers);
        assert_eq!(judged, case.expected, "{}", case.name);
    }
}

#[test]
fn shipped_templates_are_right_and_cover_their_kinds() {
    let templates = shipped::templates().expect("templates");
    let mut kinds = BTreeMap::new();
    let mut codes = HashSet::new();
    for template in &templates {
        assert_eq!(template.check(), Ok(()), "{}", template.code);
        assert!(codes.insert(template.code.clone()), "{} twice", template.code);
        let items: Vec<_> = template.body.items().collect();
        assert!(items.iter().all(|item| !item.key || item.photo_on_fail), "{}: a failed key item wants a photo", template.code);
        let judged = items.iter().filter(|item| !item.question).count();
        if template.audience == Audience::Canteen {
            assert_eq!(judged, 0, "{}: a canteen does not judge itself", template.code);
            assert!(items.len() <= 10, "{} is answered in a minute", template.code);
            continue;
        }
        assert_eq!(judged, items.len(), "{}: an officer judges", template.code);
        assert!(items.iter().any(|item| !item.remarks.is_empty()) && items.iter().any(|item| !item.fields.is_empty()), "{}", template.code);
        if template.code.starts_with("special_") {
            continue;
        }
        for kind in &template.premises_kinds {
            assert_eq!(kinds.insert(kind.clone(), template.code.clone()), None, "one template for each kind");
        }
        if template.code != "campus_shop" {
            assert!(items.len() >= 60, "{} has {} items", template.code, items.len());
            assert!(items.iter().filter(|item| item.key).count() >= 15, "{} has key items", template.code);
            assert!(items.iter().filter(|item| item.number.is_some()).count() >= 10, "{} measures", template.code);
        }
    }
    for kind in ["school_canteen", "kindergarten_canteen", "central_kitchen", "collective_meal_supplier", "campus_shop"] {
        assert!(kinds.contains_key(kind), "{kind}");
    }
    assert_eq!(templates.iter().filter(|template| template.audience == Audience::Canteen).count(), 8);
}

/// The first versions as they were published: an older body is understood, and its hash is what it was.
#[test]
fn a_body_of_the_first_form_keeps_its_hash() {
    let old = serde_json::json!({"rule": {"general_limit": 8, "points_key": 3, "points_general": 1, "grades": []}, "sections": [
        {"code": "1", "name": {"zh": "一", "en": "One"}, "items": [{"code": "1.1", "key": true, "text": {"zh": "甲", "en": "A"}, "basis": "x",
            "number": {"unit": "g", "min": 125.0, "label": {"zh": "重", "en": "w"}}, "min_photos": 0, "photo_on_fail": true}]}]});
    let body: TemplateBody = serde_json::from_value(old.clone()).expect("a body");
    assert_eq!(canonical::sha256_hex(&serde_json::to_value(&body).expect("writes")), canonical::sha256_hex(&old));
}
