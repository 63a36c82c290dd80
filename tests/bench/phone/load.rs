//! Forms for sixteen phones at once, and one submission at a time, a hundred a second.

use std::time::{Duration, Instant};

use serde_json::json;

use super::accept::CLIENTS;
use super::bureau::{Bureau, rate};
use super::http::{self, Line};
use crate::figures::{percentile, spread};
use crate::table::Table;

const WINDOWS: usize = 3;
const WINDOW: Duration = Duration::from_secs(3);
const STEADY: Duration = Duration::from_secs(15);
const STEADY_EVERY: Duration = Duration::from_millis(10);

pub(crate) async fn measure(table: &mut Table) {
    let mut bureau = Bureau::start(None, CLIENTS, 4).await;
    forms(table, &bureau).await;
    bureau.renew().await;
    steady(table, &bureau).await;
    let memory = bureau.memory_bytes() as f64 / 1e6;
    table.judged("memory after forms and the steady load", "under 150 MB", &format!("{memory:.0} MB (PSS)"), "—", memory < 150.0);
}

/// The list of templates and a whole one, as our phones ask; and the form list and a form, as ODK Collect does.
async fn forms(table: &mut Table, bureau: &Bureau) {
    let officer = &bureau.officers[0];
    let get = |path: &str, token: &str, more: &[(&str, &str)]| http::request("GET", path, Some(token), more, b"");
    let list = get("/api/v1/templates?kind=school_canteen", &officer.token, &[]);
    let whole = get(&format!("/api/v1/templates/{}", bureau.template_id), &officer.token, &[]);
    let tag = Line::open(&bureau.program.address).await.send(&whole).await.header("etag").map(str::to_owned);
    let known = tag.map(|tag| get(&format!("/api/v1/templates/{}", bureau.template_id), &officer.token, &[("if-none-match", &tag)]));
    let (_, device) = bureau.root.post("/openrosa/devices", &json!({"user_id": officer.id, "name": "bench"})).await;
    let mut asked = vec![("list of templates", list), ("a template of 35 items", whole)];
    if let Some(known) = known {
        asked.push(("a template that the phone has", known));
    }
    if let (Some(login), Some(word)) = (device["login"].as_str(), device["password"].as_str()) {
        use base64::Engine as _;
        let basic = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{login}:{word}")));
        let open_rosa = [("x-openrosa-version", "1.0")];
        asked.push(("form list of OpenRosa", get("/openrosa/formList", &basic, &open_rosa)));
    }
    for (what, request) in asked {
        let mut rates = Vec::new();
        for _ in 0..WINDOWS {
            let pieces = vec![vec![request.clone()]; 5_000];
            rates.push(rate(&bureau.program.address, vec![pieces; CLIENTS], WINDOW).await);
        }
        let measured = format!("{} a second", spread(&rates, 0));
        table.judged(
            &format!("{what}, 16 clients"),
            "at least 10,000 a second",
            &measured,
            "—",
            crate::figures::median(&rates) >= 10_000.0,
        );
    }
}

/// An inspection every 10 ms, header, part and submission in one request, whoever is free sends it.
async fn steady(table: &mut Table, bureau: &Bureau) {
    let count = usize::try_from(STEADY.as_millis() / STEADY_EVERY.as_millis()).unwrap();
    let mut running = tokio::task::JoinSet::new();
    let mut work: Vec<Vec<_>> = (0..CLIENTS).map(|_| Vec::new()).collect();
    for number in 0..count {
        work[number % CLIENTS].push((number, bureau.made(number % CLIENTS, &[]).requests));
    }
    let began = Instant::now();
    for pieces in work {
        let address = bureau.program.address.clone();
        running.spawn(async move {
            let mut line = Line::open(&address).await;
            let mut took_ms = Vec::new();
            for (number, requests) in pieces {
                let due = began + STEADY_EVERY * u32::try_from(number).unwrap();
                tokio::time::sleep_until(due.into()).await;
                let sent = Instant::now();
                for request in &requests {
                    line.send(request).await.expect("accepted");
                }
                took_ms.push(sent.elapsed().as_secs_f64() * 1e3);
            }
            took_ms
        });
    }
    let all: Vec<f64> = running.join_all().await.into_iter().flatten().collect();
    let (p50, p99) = (percentile(&all, 0.5), percentile(&all, 0.99));
    let measured = format!("p50 {p50:.1}, p99 {p99:.1} ms of {}", all.len());
    table.judged(
        "one submission with its header and part, at 100 a second",
        "p50 at most 3 ms, p99 at most 25 ms",
        &measured,
        "—",
        p50 <= 3.0 && p99 <= 25.0,
    );
}
