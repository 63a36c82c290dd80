//! The vector files that hold the server and the phone to the same hashes and judgements, and the shipped templates.

use std::collections::{BTreeMap, HashMap, HashSet};

use mobile_api::inspection::Answer;
use mobile_api::judge::{Judgement, judge};
use mobile_api::template::TemplateBody;
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
    for template in &templates {
        assert_eq!(template.check(), Ok(()), "{}", template.code);
        let items: Vec<_> = template.body.items().collect();
        assert!(items.len() >= 60, "{} has {} items", template.code, items.len());
        assert!(items.iter().filter(|item| item.key).count() >= 15, "{} has key items", template.code);
        assert!(items.iter().filter(|item| item.number.is_some()).count() >= 10, "{} measures", template.code);
        assert!(items.iter().all(|item| !item.key || item.photo_on_fail), "a failed key item wants a photo");
        for kind in &template.premises_kinds {
            assert_eq!(kinds.insert(kind.clone(), template.code.clone()), None, "one template for each kind");
        }
    }
    for kind in ["school_canteen", "kindergarten_canteen", "central_kitchen", "collective_meal_supplier"] {
        assert!(kinds.contains_key(kind), "{kind}");
    }
}
