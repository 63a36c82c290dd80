//! Whatever is put into a body, a query or a path: never a fault of the server, and every refusal is a problem.
//!
//! Requests are the contract's examples with something wrong in them, made from fixed seeds: two runs send the same.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::examples::{OWN_LOGIN, document, operations, who};
use super::ground::plant;
use crate::phone::text;
use crate::support::{Client, Engine};

/// Requests for each operation.
const TRIES: u64 = 8;
/// No request takes this long, however busy the machine is.
const DEADLINE: Duration = Duration::from_secs(60);

/// Texts that somebody sends who means no good, or whose keyboard is broken.
const TEXTS: &[&str] = &[
    "",
    " ",
    "0",
    "-1",
    "9223372036854775808",
    "1e400",
    "NaN",
    "null",
    "true",
    "..",
    "../../etc/passwd",
    "%",
    "%zz",
    "%2500",
    "a\u{0}b",
    "\u{feff}",
    "\u{202e}开",
    "'; DROP TABLE users; --",
    "{{7*7}}",
    "😀",
    "é\u{301}",
    "\n\r\t",
    "2026-02-30T25:61:00Z",
    "+999999-01-01T00:00:00Z",
    "-009999-01-01T00:00:00.000Z",
    "01928f6e-0000-7000-8000-000000000099",
    "00000000-0000-0000-0000-000000000000",
    "P99999999999Y",
    "bytes=0-",
    "eyJ9",
    "____",
    "[",
    "\"",
    "%_!",
    "*",
    "rtsp://[::1",
    "file:///etc/passwd",
    "http://169.254.169.254/",
    "test:black?width=99999999&height=99999999&fps=99999999",
];

/// A text, short enough for an address to hold several: one of 64 KB cannot be sent.
fn any_text(random: &mut StdRng) -> String {
    match random.random_range(0..10) {
        0 => "长".repeat(600),
        1 => (0..random.random_range(1..20)).map(|_| random.random::<char>()).collect(),
        _ => (*TEXTS.choose(random).unwrap()).to_owned(),
    }
}

fn any_value(random: &mut StdRng) -> Value {
    match random.random_range(0..15) {
        14 => json!("长".repeat(5_000)),
        0 => Value::Null,
        1 => json!(true),
        2 => json!(-1),
        3 => json!(i64::MAX),
        4 => json!(u64::MAX),
        5 => json!(1e308),
        6 => json!(-0.0),
        7 => json!([]),
        8 => json!({}),
        9 => (0..60).fold(json!([]), |inner, _| json!([inner])),
        10 => json!(vec![0; 2_000]),
        _ => json!(any_text(random)),
    }
}

/// One place of a value made something else, taken away or added to.
fn spoil(value: &mut Value, random: &mut StdRng) {
    match value {
        Value::Object(members) if !members.is_empty() && random.random_bool(0.9) => {
            let names: Vec<String> = members.keys().cloned().collect();
            let name = names.choose(random).unwrap().clone();
            match random.random_range(0..8) {
                0 => drop(members.remove(&name)),
                1 => drop(members.insert(any_text(random), any_value(random))),
                2 | 3 => drop(members.insert(name, any_value(random))),
                _ => spoil(members.get_mut(&name).unwrap(), random),
            }
        }
        Value::Array(items) if !items.is_empty() && random.random_bool(0.8) => {
            let at = random.random_range(0..items.len());
            if random.random_bool(0.2) { items.push(items[at].clone()) } else { spoil(&mut items[at], random) }
        }
        _ => *value = any_value(random),
    }
}

/// Every byte that could mean something in an address written as its number.
fn encoded(text: &str) -> String {
    text.bytes().map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// A request of an operation with one to three of its parts wrong; and what it was, for whoever reads a failure.
fn wrong(client: &Client, path: &str, method: &str, operation: &Value, random: &mut StdRng) -> (RequestBuilder, String) {
    let (mut path, mut query, mut headers) = (path.to_owned(), Vec::new(), Vec::new());
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let (name, example) = (text(&parameter["name"]), &parameter["example"]);
        let example = example.as_str().map_or_else(|| example.to_string(), str::to_owned);
        match parameter["in"].as_str().unwrap() {
            "path" => {
                let value = if random.random_bool(0.15) { any_text(random) } else { example };
                path = path.replace(&format!("{{{name}}}"), &encoded(&value));
            }
            "query" if random.random_bool(0.5) => query.push(format!("{name}={}", encoded(&any_text(random)))),
            "query" if parameter["required"] == true => query.push(format!("{name}={}", encoded(&example))),
            "header" if parameter["required"] == true => {
                let value = if random.random_bool(0.3) { any_text(random) } else { example };
                // What is no header cannot be sent.
                headers.extend(reqwest::header::HeaderValue::from_str(&value).ok().map(|value| (name, value)));
            }
            _ => {}
        }
    }
    let address = format!("{path}?{}", query.join("&"));
    let mut request = client.request(Method::from_bytes(method.to_uppercase().as_bytes()).unwrap(), &address, None);
    let mut told = format!("{method} {address}");
    for (name, value) in headers {
        request = request.header(name, value);
    }
    if let Some((filetype, content)) = operation["requestBody"]["content"].as_object().and_then(|content| content.iter().next()) {
        let body = if filetype == "application/json" && random.random_bool(0.9) {
            let mut body = content["example"].clone();
            for _ in 0..random.random_range(1..4) {
                spoil(&mut body, random);
            }
            body.to_string().into_bytes()
        } else {
            (0..random.random_range(0..400)).map(|_| random.random::<u8>()).collect()
        };
        told.push_str(&format!(" {}", String::from_utf8_lossy(&body[..body.len().min(600)])));
        let filetype = if random.random_bool(0.05) { "text/plain" } else { filetype };
        request = request.header("content-type", filetype).body(body);
    }
    (request, told)
}

async fn nothing_that_is_sent_makes_it_fail(engine: Engine, seed: u64) {
    let document = document();
    let ground = plant(engine, &document).await;
    ground.recorded().await;
    let mut random = StdRng::seed_from_u64(seed);
    let mut faults = Vec::new();
    for (path, method, operation) in operations(&document) {
        if OWN_LOGIN.contains(&path.as_str()) {
            // They end the login they are asked with; what they read is asked of them by nobody.
            let (request, told) = wrong(&ground.app.nobody(), &path, method, &operation, &mut random);
            faults.extend(fault(request, told, method).await);
            continue;
        }
        let client = who(&ground, &path, method).await;
        for _ in 0..TRIES {
            let (request, told) = wrong(&client, &path, method, &operation, &mut random);
            faults.extend(fault(request, told, method).await);
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    assert_eq!(ground.root.get("/me").await.0, 200, "and it answers still");
    assert!(ground.app.app.supervisor.shutdown(Duration::from_secs(20)).await.is_empty());
}

/// What is wrong with the answer.
async fn fault(request: RequestBuilder, told: String, method: &str) -> Option<String> {
    let response = match request.timeout(DEADLINE).send().await {
        Ok(response) => response,
        Err(error) => return Some(format!("{told}: {error}")),
    };
    let status = response.status().as_u16();
    let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default().to_owned();
    if status < 400 || (method == "head" && status < 500) {
        return None;
    }
    let answer = response.text().await.unwrap_or_default();
    let problem: Value = serde_json::from_str(&answer).unwrap_or_default();
    let is_problem = kind == "application/problem+json" && problem["status"] == status && problem["type"].is_string();
    (status >= 500 || !is_problem).then(|| format!("{told}: {status} {kind} {answer}"))
}

#[actix_web::test]
async fn nothing_that_is_sent_makes_it_fail_sqlite() {
    nothing_that_is_sent_makes_it_fail(Engine::Sqlite, 2026).await;
}

#[actix_web::test]
async fn nothing_that_is_sent_makes_it_fail_postgres() {
    nothing_that_is_sent_makes_it_fail(Engine::Postgres, 1123).await;
}
