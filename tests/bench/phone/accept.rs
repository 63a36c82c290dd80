//! Inspections accepted a second, 16 clients, five interleaved pairs with a peer.

use std::time::Duration;

use super::bureau::{Bureau, rate};
use super::made::{Made, Photo};
use super::peers::{PocketBase, Tus};
use crate::figures::{median, spread};
use crate::table::{Table, Verdict};

pub(crate) const CLIENTS: usize = 16;
const PAIRS: usize = 5;
const WINDOW: Duration = Duration::from_secs(3);
/// More pieces of work than a client does in a window.
const PIECES: usize = 900;
const PIECES_WITH_PHOTO: usize = 120;
/// Size of a photo, bytes.
pub(crate) const PHOTO_BYTES: usize = 300_000;

type Work = Vec<Vec<Vec<Vec<u8>>>>;

fn of_clients(pieces: usize, mut piece: impl FnMut(usize) -> Vec<Vec<u8>>) -> Work {
    (0..CLIENTS).map(|client| (0..pieces).map(|_| piece(client)).collect()).collect()
}

/// Without photos: on SQLite and on PostgreSQL.
pub(crate) async fn inspections(table: &mut Table) {
    let peer = PocketBase::start().await;
    let durable = e2e::postgres::database(true);
    for (engine, url, least) in [("SQLite", None, 1.2), ("PostgreSQL", Some(durable), 0.8)] {
        let bureau = Bureau::start(url, CLIENTS, 4).await;
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..PAIRS {
            let work = of_clients(PIECES, |client| bureau.made(client, &[]).requests);
            ours.push(rate(&bureau.program.address, work, WINDOW).await);
            if let Some(peer) = &peer {
                let work = of_clients(PIECES, |client| vec![peer.create(&bureau.made(client, &[]).record)]);
                theirs.push(rate(&peer.address, work, WINDOW).await);
            }
        }
        let what = format!("inspections accepted, 35 items, 16 clients, {engine}");
        row(table, &what, least, &ours, &theirs, "PocketBase");
        let memory = bureau.memory_bytes() as f64 / 1e6;
        table.judged(&format!("memory after that load, {engine}"), "under 150 MB", &format!("{memory:.0} MB (PSS)"), "—", memory < 150.0);
    }
}

/// With a photo each, against a server that does nothing but take files.
pub(crate) async fn photos(table: &mut Table) {
    let peer = Tus::start().await;
    let jpeg = jpeg(PHOTO_BYTES);
    let bureau = Bureau::start(None, CLIENTS, 4).await;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..PAIRS {
        let mut made: Vec<Vec<Made>> = Vec::new();
        for client in 0..CLIENTS {
            made.push((0..PIECES_WITH_PHOTO).map(|_| bureau.made(client, &[Photo::like(&jpeg)])).collect());
        }
        let work = made.into_iter().map(|made| made.into_iter().map(|made| made.requests).collect()).collect();
        ours.push(rate(&bureau.program.address, work, WINDOW).await);
        if let Some(peer) = &peer {
            let upload = || vec![Photo::like(&jpeg).upload("/uploads", uuid::Uuid::now_v7(), None)];
            theirs.push(rate(&peer.address, of_clients(PIECES_WITH_PHOTO, |_| upload()), WINDOW).await);
        }
    }
    row(table, "the same with one 300 KB photo each, SQLite", 0.8, &ours, &theirs, "@tus/server, without syncing");
}

fn row(table: &mut Table, what: &str, least: f64, ours: &[f64], theirs: &[f64], peer: &str) {
    let target = format!("at least {least} x {peer}");
    if theirs.is_empty() {
        return table.row(what, &target, &format!("{} a second", spread(ours, 0)), "did not run", Verdict::Unmeasured);
    }
    let ratios: Vec<f64> = ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect();
    let measured = format!("{} x: {} a second", spread(&ratios, 2), spread(ours, 0));
    table.judged(what, &target, &measured, &format!("{peer}: {} a second", spread(theirs, 0)), median(&ratios) >= least);
}

/// A photo of about so many bytes, as a phone's camera writes it: 1600 x 1200 pixels.
pub(crate) fn jpeg(bytes: usize) -> Vec<u8> {
    let mut picture = image::RgbImage::new(1_600, 1_200);
    for (x, y, pixel) in picture.enumerate_pixels_mut() {
        let noise = (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503)).wrapping_mul(x ^ (y << 3)) >> 21;
        let shade = |by: u32| u8::try_from((x / 9 + y / 7 + by + noise % 23) % 256).unwrap();
        *pixel = image::Rgb([shade(0), shade(60), shade(120)]);
    }
    let mut best = Vec::new();
    for quality in (10..=95).step_by(5) {
        let mut content = Vec::new();
        image::codecs::jpeg::JpegEncoder::new_with_quality(&mut content, quality).encode_image(&picture).unwrap();
        if content.len() > bytes && !best.is_empty() {
            break;
        }
        best = content;
    }
    // Made up with a comment to the size that is said.
    let missing = bytes.saturating_sub(best.len() + 4);
    let mut whole = best[..2].to_vec();
    let mut left = missing;
    while left > 0 {
        let piece = left.min(60_000);
        whole.extend([0xff, 0xfe]);
        whole.extend(u16::try_from(piece + 2).unwrap().to_be_bytes());
        whole.extend(std::iter::repeat_n(b' ', piece));
        left -= piece;
    }
    whole.extend_from_slice(&best[2..]);
    whole
}
