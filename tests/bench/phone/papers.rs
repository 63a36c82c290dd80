//! One paper with ten photos of 1600 pixels, warm.

use std::time::{Duration, Instant};

use serde_json::json;

use super::accept::{PHOTO_BYTES, jpeg};
use super::bureau::{Bureau, rate};
use super::http::{self, Line};
use super::made::Photo;
use crate::figures::{median, spread};
use crate::table::Table;

const PHOTOS: usize = 10;
const TIMES: usize = 7;

pub(crate) async fn measure(table: &mut Table) {
    let bureau = Bureau::start(None, 1, 1).await;
    let jpeg = jpeg(PHOTO_BYTES);
    let photos: Vec<Photo> = (0..PHOTOS).map(|_| Photo::like(&jpeg)).collect();
    let made = bureau.made(0, &photos);
    rate(&bureau.program.address, vec![vec![made.requests]], Duration::from_secs(60)).await;
    let token = format!("Bearer {}", bureau.root.token.clone().unwrap_or_default());
    let asked =
        http::json("POST", "/api/v1/documents/preview", Some(&token), &json!({"kind": "inspection_record", "inspection_id": made.id}));
    let mut line = Line::open(&bureau.program.address).await;
    let mut pdf = line.send(&asked).await.expect("the first").body;
    let mut took_ms = Vec::new();
    for _ in 0..TIMES {
        let began = Instant::now();
        pdf = line.send(&asked).await.expect("a paper").body;
        took_ms.push(began.elapsed().as_secs_f64() * 1e3);
    }
    let told = format!("{} ms, {} pages, {:.1} MB", spread(&took_ms, 0), pages(&pdf), pdf.len() as f64 / 1e6);
    table.judged("one PDF with 10 photos of 1600 px, warm", "at most 300 ms (3 pages)", &told, "—", median(&took_ms) <= 300.0);
}

/// How many pages a reader counts.
fn pages(pdf: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("paper.pdf");
    std::fs::write(&path, pdf).unwrap();
    let said = std::process::Command::new("pdfinfo").arg(&path).output().map(|done| String::from_utf8_lossy(&done.stdout).into_owned());
    let said = said.unwrap_or_default();
    said.lines().find_map(|line| line.strip_prefix("Pages:")).map_or_else(|| "?".to_owned(), |pages| pages.trim().to_owned())
}
