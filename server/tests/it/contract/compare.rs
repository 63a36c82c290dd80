//! Both engines give the same rows: everything that can be read is read on the same ground on SQLite and on PostgreSQL, and what
//! comes back is compared, but for what is made anew each time (ids by chance, times, hashes) and what is measured.

use serde_json::{Map, Value};

use super::examples::{document, example, operations, who};
use super::ground::plant;
use crate::support::{ENGINES, Engine};

/// Members that are measured, or count what is under way.
const MEASURED: &[&str] = &[
    "bytes",
    "bit_rate",
    "fps",
    "key_frame_interval_ms",
    "next",
    "cursor",
    "server_value",
    "commitment",
    "seed",
    "signature",
    "public_key",
    "push_key",
    "x",
    "kid",
    "seq",
    "clock_off_ms",
    "hash",
];
/// What moves while it is read: its shape is compared, not what it says.
const MOVES: &[&str] = &[
    "/cameras/{id}/timeline",
    "/cameras/{id}/health",
    "/cameras/{id}/recording.manifest.json",
    "/statistics",
    "/exports/",
    "/audit",
    "/sync",
    "/overview",
    "/system/health",
    "/draws/{id}/re",
];

/// Ids by chance, times and hashes as what they are; everything else as it is.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for token in text.split_inclusive(['/', ' ', '"', '\'', ',', '?', '&', '=', '(', ')', ';', '@', '\n']) {
        let (word, end) = match token.char_indices().last() {
            Some((at, last)) if !last.is_alphanumeric() && last != '-' => (&token[..at], &token[at..]),
            _ => (token, ""),
        };
        let hex = |length: usize| word.len() == length && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        let planted = word.starts_with("01928f6e-0000-7000-8000-");
        let shown = if !planted && word.parse::<uuid::Uuid>().is_ok() {
            "<id>"
        } else if word.parse::<mobile_api::Moment>().is_ok() {
            "<time>"
        } else if hex(64) || hex(16) {
            "<hash>"
        } else {
            word
        };
        out.push_str(shown);
        out.push_str(end);
    }
    out
}

fn normal(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(plain(text)),
        Value::Array(items) => Value::Array(items.iter().map(normal).collect()),
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| {
                let shown = if MEASURED.contains(&name.as_str()) { Value::from("<measured>") } else { normal(value) };
                (plain(name), shown)
            });
            Value::Object(members.collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}

/// Only which members there are, and of which type.
fn shape(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.first().map_or(Value::Null, shape),
        Value::Object(members) => {
            let typed = members.iter().map(|(name, value)| (plain(name), if value.is_null() { Value::Null } else { shape(value) }));
            Value::Object(typed.filter(|(_, value)| !value.is_null()).collect())
        }
        Value::Null => Value::Null,
        Value::Bool(_) => "bool".into(),
        Value::Number(_) => "number".into(),
        Value::String(_) => "text".into(),
    }
}

/// Every operation that reads, and what it gave.
async fn answers(engine: Engine) -> Vec<(String, String)> {
    let document = document();
    let ground = plant(engine, &document).await;
    let named = ground.recorded().await;
    crate::support::settled(&ground.app).await;
    let mut found = Vec::new();
    for (path, method, operation) in operations(&document) {
        if method != "get" || ["/events", "/wall"].contains(&path.as_str()) {
            continue;
        }
        let client = who(&ground, &path, method).await;
        let response = example(&client, &named.fill(&path), method, &operation).send().await.unwrap();
        let (status, kind) = (response.status(), response.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned()));
        let answer = serde_json::from_slice::<Value>(&response.bytes().await.unwrap());
        let told = match answer {
            Ok(answer) if MOVES.iter().any(|moves| path.starts_with(moves)) => shape(&answer).to_string(),
            Ok(answer) => serde_json::to_string_pretty(&normal(&answer)).unwrap(),
            // Pictures, video and tables: that there is one, of which kind.
            Err(_) => String::new(),
        };
        found.push((path, format!("{status} {kind:?} {told}")));
    }
    assert!(ground.app.app.supervisor.shutdown(std::time::Duration::from_secs(20)).await.is_empty());
    found
}

#[actix_web::test]
async fn both_engines_give_the_same_answers() {
    let [sqlite, postgres] = ENGINES;
    let (one, other) = (answers(sqlite).await, answers(postgres).await);
    assert_eq!(one.len(), other.len());
    let different: Vec<String> =
        one.iter().zip(&other).filter(|(one, other)| one != other).map(|(one, other)| difference(one, other)).collect();
    assert!(different.is_empty(), "{} differ:\n{}", different.len(), different.join("\n"));
    let compared = one.iter().filter(|(_, told)| told.starts_with("200")).count();
    assert!(compared >= 60, "{compared} operations gave something to compare");
}

/// The lines that differ.
fn difference((path, one): &(String, String), (_, other): &(String, String)) -> String {
    let lines = one.lines().zip(other.lines()).filter(|(one, other)| one != other).take(6);
    let lines: Vec<String> = lines.map(|(one, other)| format!("  {one}\n  {other}")).collect();
    format!("{path}: {} and {} lines\n{}", one.lines().count(), other.lines().count(), lines.join("\n"))
}
