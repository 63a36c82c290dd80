//! A playlist of what is recorded, for players that fetch it piece by piece (HLS, RFC 8216).
//!
//! One entry is one stored fragment, named by its file and its number in it. Interruptions and changed headers are
//! discontinuities; each run of pictures carries its wall time, so that a player can show the time of day.

use std::fmt::Write as _;

use uuid::Uuid;

use super::select::Recorded;

/// The longest playlist, milliseconds.
pub const PLAYLIST_MS_MAX: i64 = 24 * 3_600_000;

/// Interruptions from this on are discontinuities, milliseconds.
const GAP_MS: i64 = 1_000;

/// Name of a file's header, relative to the playlist.
#[must_use]
pub fn init_uri(segment: Uuid) -> String {
    format!("recording/{segment}/init.mp4")
}

/// Name of a stored fragment, relative to the playlist.
#[must_use]
pub fn fragment_uri(segment: Uuid, number: usize) -> String {
    format!("recording/{segment}/{number}.m4s")
}

/// The playlist of a selection.
#[must_use]
pub fn playlist(found: &[Recorded]) -> String {
    let entries = || found.iter().flat_map(|recorded| &recorded.wanted);
    let longest_ms = entries().map(|(_, entry)| entry.mark.duration_ms).max().unwrap_or(0);
    let mut text = String::with_capacity(200 + entries().count() * 90);
    text.push_str("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-PLAYLIST-TYPE:VOD\n");
    let _ = writeln!(text, "#EXT-X-TARGETDURATION:{}", target_s(longest_ms));
    text.push_str("#EXT-X-MEDIA-SEQUENCE:0\n");
    if entries().all(|(_, entry)| entry.mark.sync) {
        text.push_str("#EXT-X-INDEPENDENT-SEGMENTS\n");
    }
    let mut last_end_ms = None;
    let mut last_init = None;
    for recorded in found {
        for (number, entry) in &recorded.wanted {
            let mark = entry.mark;
            let interrupted = last_end_ms.is_some_and(|end_ms: i64| (mark.wall_ms - end_ms).abs() >= GAP_MS);
            let new_header = last_init != Some(&recorded.file.init);
            if last_end_ms.is_some() && (interrupted || new_header || mark.discontinuity) {
                text.push_str("#EXT-X-DISCONTINUITY\n");
            }
            if new_header {
                let _ = writeln!(text, "#EXT-X-MAP:URI=\"{}\"", init_uri(recorded.info.id));
                last_init = Some(&recorded.file.init);
            }
            let _ = writeln!(text, "#EXT-X-PROGRAM-DATE-TIME:{}", date_time(mark.wall_ms));
            let _ = writeln!(text, "#EXTINF:{},", seconds(u64::from(mark.duration_ms)));
            let _ = writeln!(text, "{}", fragment_uri(recorded.info.id, *number));
            last_end_ms = Some(mark.end_ms());
        }
    }
    text.push_str("#EXT-X-ENDLIST\n");
    text
}

/// Milliseconds as seconds with three decimals.
pub(super) fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

/// The target duration: no entry, rounded to whole seconds, is longer.
pub(super) fn target_s(longest_ms: u32) -> u32 {
    longest_ms.saturating_add(500).checked_div(1000).unwrap_or(1).max(1)
}

/// A moment as RFC 3339 with milliseconds; moments beyond the calendar's years become its first.
pub(super) fn date_time(at_ms: i64) -> String {
    let moment = jiff::Timestamp::from_millisecond(at_ms).unwrap_or_default();
    moment.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_players_expect_them() {
        assert_eq!((seconds(2000), seconds(80), seconds(12_345)), ("2.000".into(), "0.080".into(), "12.345".into()));
        assert_eq!((target_s(2000), target_s(2499), target_s(2500), target_s(100)), (2, 2, 3, 1));
        assert_eq!(date_time(1_767_225_600_007), "2026-01-01T00:00:00.007Z");
    }
}
