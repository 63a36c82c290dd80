//! The first synchronisation of a phone with 200 places, and one that brings nothing.

use std::io::Read as _;
use std::time::Instant;

use serde_json::Value;

use super::bureau::{Bureau, rate};
use super::http::{self, Line, Reply};
use crate::figures::{median, percentile, spread};
use crate::table::Table;

const PLACES: usize = 200;
/// Inspections of each place.
const HISTORY: usize = 3;
const TIMES: usize = 7;
const NOTHING_NEW: usize = 200;

pub(crate) async fn measure(table: &mut Table) {
    let bureau = Bureau::start(None, 1, PLACES).await;
    let mut pieces = Vec::new();
    for _ in 0..HISTORY {
        for place in &bureau.premises {
            pieces.push(bureau.made_at(0, place, &[]).requests);
        }
    }
    rate(&bureau.program.address, vec![pieces], std::time::Duration::from_secs(300)).await;
    let mut line = Line::open(&bureau.program.address).await;
    let (mut took_ms, mut size, mut next, mut pages, mut places) = (Vec::new(), 0, String::new(), 0, 0);
    for _ in 0..TIMES {
        (size, next, pages, places) = (0, String::new(), 0, 0);
        let mut ms = 0.0;
        loop {
            let asked = ask(&bureau, &next);
            let began = Instant::now();
            let reply = line.send(&asked).await.expect("synchronised");
            ms += began.elapsed().as_secs_f64() * 1e3;
            size += reply.body.len();
            pages += 1;
            let page = unpacked(&reply);
            places += page["items"].as_array().unwrap().iter().filter(|item| item["entity"] == "premises").count();
            next = page["next"].as_str().unwrap().to_owned();
            if page["more"] == false {
                break;
            }
        }
        took_ms.push(ms);
    }
    assert!(places >= PLACES, "{places} places");
    let measured = format!("{:.2} MB in {pages} pages, {} ms", size as f64 / 1e6, spread(&took_ms, 0));
    table.judged(
        "first sync of 200 premises with history and templates",
        "at most 2 MB compressed, at most 300 ms of server time",
        &measured,
        "—",
        size <= 2_000_000 && median(&took_ms) <= 300.0,
    );
    let asked = ask(&bureau, &next);
    let mut took_ms = Vec::new();
    let mut size = 0;
    for _ in 0..NOTHING_NEW {
        let began = Instant::now();
        let reply = line.send(&asked).await.expect("synchronised");
        took_ms.push(began.elapsed().as_secs_f64() * 1e3);
        size = reply.body.len() + reply.head.len();
    }
    let measured = format!("{size} bytes with its head, p50 {:.1}, p99 {:.1} ms", median(&took_ms), percentile(&took_ms, 0.99));
    table.judged(
        "incremental sync with nothing new",
        "at most 1 KB, at most 3 ms",
        &measured,
        "—",
        size <= 1_024 && median(&took_ms) <= 3.0,
    );
}

fn ask(bureau: &Bureau, next: &str) -> Vec<u8> {
    let since = if next.is_empty() { String::new() } else { format!("&since={next}") };
    http::request("GET", &format!("/api/v1/sync?limit=500{since}"), Some(&bureau.officers[0].token), &[("accept-encoding", "gzip")], b"")
}

fn unpacked(reply: &Reply) -> Value {
    if reply.header("content-encoding") != Some("gzip") {
        return reply.json();
    }
    let mut content = Vec::new();
    flate2::read::GzDecoder::new(reply.body.as_slice()).read_to_end(&mut content).unwrap();
    serde_json::from_slice(&content).unwrap()
}
