//! Ten thousand inspections as CSV and as XLSX.

use std::time::{Duration, Instant};

use super::accept::CLIENTS;
use super::bureau::{Bureau, rate};
use super::http::{self, Line};
use crate::figures::{median, spread};
use crate::table::Table;

const INSPECTIONS: usize = 10_000;
const TIMES: usize = 5;
const PATIENCE: Duration = Duration::from_secs(300);

pub(crate) async fn measure(table: &mut Table) {
    let mut bureau = Bureau::start(None, CLIENTS, 40).await;
    let work = (0..CLIENTS).map(|client| (0..INSPECTIONS / CLIENTS).map(|_| bureau.made(client, &[]).requests).collect()).collect();
    let made = rate(&bureau.program.address, work, PATIENCE).await;
    eprintln!("   {INSPECTIONS} inspections, {made:.0} a second");
    bureau.renew().await;
    let (_, list) = bureau.root.get("/inspections?limit=1").await;
    assert_eq!(list["items"].as_array().map(Vec::len), Some(1), "{list}");
    for (format, most_s, first_ms) in [("csv", 1.0, Some(50.0)), ("xlsx", 3.0, None)] {
        let token = format!("Bearer {}", bureau.root.token.clone().unwrap_or_default());
        let asked = http::request("GET", &format!("/api/v1/exports/inspections.{format}"), Some(&token), &[], b"");
        let (mut all, mut first, mut bytes) = (Vec::new(), Vec::new(), 0);
        let before = bureau.memory_bytes();
        for _ in 0..TIMES {
            let mut line = Line::open(&bureau.program.address).await;
            let began = Instant::now();
            let reply = line.send(&asked).await.expect("exported");
            all.push(began.elapsed().as_secs_f64());
            first.push(reply.first.as_secs_f64() * 1e3);
            bytes = reply.body.len();
            let rows = reply.body.iter().filter(|byte| **byte == b'\n').count();
            assert!(format != "csv" || rows == INSPECTIONS + 1, "{rows} rows");
        }
        let after = bureau.memory_bytes();
        let grown = (after as f64 - before as f64) / 1e6;
        let mut met = median(&all) <= most_s;
        let mut target = format!("at most {most_s:.0} s");
        if let Some(most) = first_ms {
            met &= median(&first) <= most;
            target.push_str(&format!(", first byte {most:.0} ms"));
        } else {
            met &= after < 150_000_000;
            target.push_str(", memory under 150 MB");
        }
        let memory = format!("{:.0} MB held afterwards, {grown:.0} MB more than before", after as f64 / 1e6);
        let measured = format!("{} s, first byte {} ms, {:.1} MB; {memory}", spread(&all, 2), spread(&first, 0), bytes as f64 / 1e6);
        table.judged(&format!("10,000 inspections as {}", format.to_uppercase()), &target, &measured, "—", met);
    }
}
