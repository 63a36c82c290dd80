//! The same in any order, however often and at once, is stored once.

use futures::future::join_all;
use mobile_api::canonical;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Draft, Phone, Template, picture};
use crate::support::{TestApp, on_both};

on_both!(the_same_five_times_at_once_is_one, |app| {
    let phone = Phone::at(&app, &app.office).await;
    let template = phone.template().await;
    let draft = Draft::new(&app, &phone, &template);
    let body = draft.put();
    let path = draft.path();
    let answers = join_all((0..5).map(|_| phone.client.put(&path, &body))).await;
    let mut statuses: Vec<u16> = answers.iter().map(|(status, _)| status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 200, 201], "{answers:?}");
    assert!(answers.iter().all(|(_, answer)| answer == &answers[0].1), "all are told the same");
    let submission = draft.submission(&template);
    let path = format!("{}/submit", draft.path());
    let answers = join_all((0..5).map(|_| phone.client.post(&path, &submission))).await;
    assert!(answers.iter().all(|(status, answer)| *status == StatusCode::OK && answer == &answers[0].1), "{answers:?}");
    assert_eq!(answers[0].1["state"], "complete");
    one(&phone, &draft).await;
});

/// There is one inspection with one part.
async fn one(phone: &Phone, draft: &Draft) {
    let (_, list) = phone.client.get("/inspections").await;
    assert_eq!((list["total"].as_i64(), list["items"][0]["id"].as_str()), (Some(1), Some(draft.id.to_string().as_str())));
    assert_eq!(phone.client.get(&draft.path()).await.1["parts"].as_array().unwrap().len(), 1);
}

/// One thing a phone may send, for one inspection of which all was made off line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    Header,
    Part,
    Photo,
    Submission,
}

/// Everything once in the order a phone must keep to in the end, mixed with whatever a bad network repeats.
fn sent() -> impl Strategy<Value = Vec<Sent>> {
    let any = prop_oneof![Just(Sent::Header), Just(Sent::Part), Just(Sent::Photo), Just(Sent::Submission)];
    proptest::collection::vec(any, 1..12)
}

on_both!(whatever_the_order_and_the_repeats_the_end_is_the_same, |app| {
    let phone = Phone::at(&app, &app.office).await;
    let template = phone.template().await;
    let mut runner = TestRunner::deterministic();
    for round in 0..12_u8 {
        let order = sent().new_tree(&mut runner).unwrap().current();
        run_through(&app, &phone, &template, round, &order).await;
    }
    assert_eq!(phone.client.get("/inspections?limit=200").await.1["total"], 12);
});

async fn run_through(app: &TestApp, phone: &Phone, template: &Template, round: u8, order: &[Sent]) {
    let mut draft = Draft::new(app, phone, template);
    let photo = picture(100 + round);
    let evidence = draft.photo("1.1", &photo);
    let submission = draft.submission(template);
    let told = format!("round {round}: {order:?}");
    // In the end the phone has sent each once more, in order.
    for sent in order.iter().copied().chain([Sent::Header, Sent::Part, Sent::Photo, Sent::Submission]) {
        let status = match sent {
            Sent::Header => phone.client.put(&draft.path(), &draft.put()).await.0,
            Sent::Part => phone.client.put(&format!("{}/parts/{}", draft.path(), draft.part_id), &draft.part()).await.0,
            Sent::Photo => phone.upload(draft.id, &evidence, &photo).await,
            Sent::Submission => phone.client.post(&format!("{}/submit", draft.path()), &submission).await.0,
        };
        assert!(status.is_success() || status == StatusCode::NOT_FOUND, "{told}: {sent:?} {status}");
    }
    let (_, page) = phone.client.get(&draft.path()).await;
    assert_eq!(
        (page["state"].as_str(), page["parts"].as_array().map(Vec::len), page["evidence"].as_array().map(Vec::len)),
        (Some("complete"), Some(1), Some(1)),
        "{told}"
    );
    assert_eq!(page["result"], submission["result"], "{told}");
}

on_both!(the_same_content_written_otherwise_is_the_same, |app| {
    let phone = Phone::at(&app, &app.office).await;
    let template = phone.template().await;
    let mut draft = Draft::new(&app, &phone, &template);
    draft.content["answers"][0]["number"] = json!(4.0);
    draft.content["answers"][0]["remark"] = json!("温度计 “4 ℃” é\u{301} \u{2028}");
    assert_eq!(phone.client.put(&draft.path(), &draft.put()).await.0, StatusCode::CREATED);
    let mut runner = TestRunner::deterministic();
    for _ in 0..24 {
        let seed = any::<u64>().new_tree(&mut runner).unwrap().current();
        let text = written_otherwise(&draft.put(), seed);
        assert_eq!(canonical::sha256_hex(&serde_json::from_str(&text).unwrap()), canonical::sha256_hex(&draft.put()));
        let request = phone.client.request(Method::PUT, &draft.path(), None).header("content-type", "application/json").body(text.clone());
        let response = request.send().await.unwrap();
        let status = response.status();
        assert_eq!(status, StatusCode::OK, "{text}: {}", response.text().await.unwrap());
    }
    one(&phone, &draft).await;
});

/// The same JSON with members in another order, white space, escapes and other spellings of the same numbers.
fn written_otherwise(value: &Value, seed: u64) -> String {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            let by = usize::try_from(seed % 7).unwrap() % members.len().max(1);
            members.rotate_left(by);
            if seed.is_multiple_of(2) {
                members.reverse();
            }
            let written: Vec<String> = members
                .iter()
                .map(|(name, value)| format!(" {}\n: {}", escaped(name, seed), written_otherwise(value, seed.rotate_right(3))))
                .collect();
            format!("{{{}\t}}", written.join(","))
        }
        Value::Array(items) => {
            format!("[{}]", items.iter().map(|item| written_otherwise(item, seed.rotate_right(5))).collect::<Vec<_>>().join(" , "))
        }
        Value::String(text) => escaped(text, seed),
        Value::Number(number) if number.as_f64() == Some(4.0) => {
            ["4", "4.0", "4.000", "40e-1"][usize::try_from(seed % 4).unwrap()].to_owned()
        }
        other => other.to_string(),
    }
}

fn escaped(text: &str, seed: u64) -> String {
    let mut written = String::from("\"");
    for (at, character) in text.chars().enumerate() {
        let escape = (seed >> (at % 60)) & 1 == 1 && character != '"' && character != '\\';
        if escape && u32::from(character) <= 0xFFFF {
            written.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            let plain = serde_json::to_string(&character.to_string()).unwrap();
            written.push_str(&plain[1..plain.len() - 1]);
        }
    }
    written.push('"');
    written
}
