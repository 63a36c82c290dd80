//! Somebody who watches live as a browser does: the playlist, waiting for the next part, then that part.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use e2e::Client;

/// The last part that a playlist names, with its media sequence number and its place in it.
fn newest_part(playlist: &str) -> Option<(String, u64, u64)> {
    let uri = playlist.lines().rev().find_map(|line| line.strip_prefix("#EXT-X-PART:")?.split("URI=\"").nth(1)?.split('"').next())?;
    let (segment, part) = uri.strip_suffix(".m4s")?.split_once('-')?;
    Some((uri.to_owned(), segment.parse().ok()?, part.parse().ok()?))
}

/// Watches a camera until it is told to stop; counts parts.
pub(crate) async fn watch(desk: &Client, camera: &str, stop: &AtomicBool, parts: &AtomicU64) {
    let mut query = String::new();
    while !stop.load(Ordering::Relaxed) {
        let (status, _, playlist) = desk.bytes(&format!("/cameras/{camera}/live/index.m3u8{query}")).await;
        let playlist = String::from_utf8(playlist).unwrap();
        if status != 200 {
            query.clear();
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            continue;
        }
        let Some((uri, segment, part)) = newest_part(&playlist) else { continue };
        let (status, _, bytes) = desk.bytes(&format!("/cameras/{camera}/live/{uri}")).await;
        if status == 200 && !bytes.is_empty() {
            parts.fetch_add(1, Ordering::Relaxed);
        }
        // A part that does not come belongs to the next segment; the server answers for that too.
        query = format!("?_HLS_msn={segment}&_HLS_part={}", part + 1);
    }
}
