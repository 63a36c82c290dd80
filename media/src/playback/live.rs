//! Live view: Low-Latency HLS (RFC 8216 bis) from the fragments in memory.
//!
//! A segment of the playlist is a recorded fragment, numbered by the camera's count of fragments; a part is a chunk of
//! it. Players ask for the playlist with the part they wait for and get it the moment the part exists (blocking
//! reload); the next part is named in advance (preload hint), and asking for it waits in the same way. What has left
//! memory stays named for a while and is read from disk.

use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;

use super::vod::{date_time, seconds, target_s};
use crate::live::{LiveFragment, LiveInit, LivePosition, LiveRing, LiveView};

/// How long a request waits for a part that does not come: longer than the longest fragment.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A player that asks for segments further ahead than this is wrong.
const AHEAD_MAX: u64 = 2;

/// Parts are named for this many of the newest segments.
const SEGMENTS_WITH_PARTS: usize = 3;

/// Why there is no live view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LiveError {
    /// No such camera, or it does not record now.
    #[error("the camera sends no pictures now")]
    NotLive,
    /// What was asked for lies too far ahead.
    #[error("the part that is asked for lies too far ahead")]
    TooFarAhead,
    /// It did not come in time.
    #[error("the part that is asked for did not come in time")]
    Late,
    /// It is no longer there, or never was.
    #[error("there is no such part")]
    Gone,
}

/// The part that a player waits for, as it says in `_HLS_msn` and `_HLS_part`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Awaited {
    /// Sequence of the segment.
    pub segment: u64,
    /// Part of it; `None` waits for the whole segment.
    pub part: Option<usize>,
}

impl Awaited {
    /// Whether the stream has come this far. A part beyond the end of a whole segment is the first of the next one.
    fn reached(self, position: LivePosition) -> bool {
        if position.sequence != self.segment {
            return position.sequence > self.segment;
        }
        self.part.map_or(position.complete, |part| position.chunks > part)
    }

    /// Whether no player of this stream can know of it yet.
    fn too_far_ahead(self, position: LivePosition) -> bool {
        self.segment > position.sequence.saturating_add(AHEAD_MAX)
    }
}

/// The playlist, as soon as it holds what is awaited.
///
/// # Errors
/// [`LiveError::NotLive`], [`LiveError::TooFarAhead`], [`LiveError::Late`].
pub async fn playlist(ring: &LiveRing, awaited: Option<Awaited>, patience: Duration) -> Result<Bytes, LiveError> {
    if let Some(awaited) = awaited {
        wait(ring, awaited, patience).await?;
    } else if ring.subscribe().borrow().is_none() {
        // The camera connects: a player that comes a moment early need not come again.
        wait(ring, Awaited { segment: 0, part: Some(0) }, patience).await.map_err(|_| LiveError::NotLive)?;
    }
    ring.playlist(render).ok_or(LiveError::NotLive)
}

/// A part. Waits for it if it is the one that comes next.
///
/// # Errors
/// [`LiveError`].
pub async fn part(ring: &LiveRing, segment: u64, part: usize, patience: Duration) -> Result<Bytes, LiveError> {
    if let Some(chunk) = ring.chunk(segment, part) {
        return Ok(chunk.data);
    }
    let Some(position) = *ring.subscribe().borrow() else { return Err(LiveError::NotLive) };
    let next_in_segment = position.sequence == segment && !position.complete && position.chunks == part;
    let first_of_next = part == 0 && position.sequence + 1 == segment;
    if !next_in_segment && !first_of_next {
        return Err(LiveError::Gone);
    }
    wait(ring, Awaited { segment, part: Some(part) }, patience).await?;
    // The segment may have ended without it: hints are guesses.
    ring.chunk(segment, part).map(|chunk| chunk.data).ok_or(LiveError::Gone)
}

/// A whole segment from memory; waits for the end of the one that grows. `None` when it is on disk only.
///
/// # Errors
/// [`LiveError`].
pub async fn segment(ring: &LiveRing, segment: u64, patience: Duration) -> Result<Option<Bytes>, LiveError> {
    let Some(position) = *ring.subscribe().borrow() else { return Err(LiveError::NotLive) };
    if segment > position.sequence {
        return Err(LiveError::TooFarAhead);
    }
    wait(ring, Awaited { segment, part: None }, patience).await?;
    Ok(ring.fragment(segment).map(|fragment| {
        let chunks: Vec<&[u8]> = fragment.chunks.iter().map(|chunk| chunk.data.as_ref()).collect();
        Bytes::from(chunks.concat())
    }))
}

/// A header by its generation.
#[must_use]
pub fn init(ring: &LiveRing, generation: u64) -> Option<Bytes> {
    let view = ring.view();
    let inits = view.past.iter().map(|past| &past.init).chain(view.fragments.iter().map(|fragment| &fragment.init));
    inits.into_iter().find(|init| init.generation == generation).map(|init| init.data.clone())
}

async fn wait(ring: &LiveRing, awaited: Awaited, patience: Duration) -> Result<(), LiveError> {
    let mut positions = ring.subscribe();
    let decided =
        positions.wait_for(|position| position.is_some_and(|position| awaited.reached(position) || awaited.too_far_ahead(position)));
    match tokio::time::timeout(patience, decided).await {
        Ok(Ok(position)) if position.is_some_and(|position| awaited.too_far_ahead(position)) => Err(LiveError::TooFarAhead),
        Ok(Ok(_)) => Ok(()),
        Ok(Err(_)) => Err(LiveError::NotLive),
        Err(_) => Err(LiveError::Late),
    }
}

/// One segment of the playlist before it is written.
struct Row<'a> {
    sequence: u64,
    wall_ms: i64,
    discontinuity: bool,
    init: &'a LiveInit,
    /// `None` while it grows.
    duration_ms: Option<u64>,
    /// Its parts, where they are named.
    parts: Option<&'a LiveFragment>,
}

fn rows(view: &LiveView) -> Vec<Row<'_>> {
    let past = view.past.iter().map(|past| Row {
        sequence: past.sequence,
        wall_ms: past.wall_ms,
        discontinuity: past.discontinuity,
        init: &past.init,
        duration_ms: Some(past.duration_ms),
        parts: None,
    });
    let with_parts_from = view.fragments.len().saturating_sub(SEGMENTS_WITH_PARTS);
    let present = view.fragments.iter().enumerate().map(|(place, fragment)| Row {
        sequence: fragment.sequence,
        wall_ms: fragment.wall_ms,
        discontinuity: fragment.discontinuity,
        init: &fragment.init,
        duration_ms: fragment.complete.then(|| fragment.duration_ms()),
        parts: (place >= with_parts_from).then_some(fragment),
    });
    past.chain(present).collect()
}

/// The playlist of a view; `None` when there is nothing in it.
fn render(view: &LiveView) -> Option<String> {
    let rows = rows(view);
    let first = rows.first()?;
    let whole_ms = || rows.iter().filter_map(|row| row.duration_ms);
    let part_ms = || view.fragments.iter().flat_map(|fragment| &fragment.chunks).map(|chunk| u64::from(chunk.duration_ms));
    // Nothing may be longer than the target. While the first segment grows, its own length so far is all there is.
    let growing_ms = view.fragments.last().map_or(0, LiveFragment::duration_ms);
    let longest_ms = whole_ms().max().unwrap_or(0).max(growing_ms);
    let part_target_ms = part_ms().max()?;

    let mut text = String::with_capacity(2048);
    text.push_str("#EXTM3U\n#EXT-X-VERSION:9\n");
    let _ = writeln!(text, "#EXT-X-TARGETDURATION:{}", target_s(u32::try_from(longest_ms).unwrap_or(u32::MAX)));
    let hold_back = seconds(part_target_ms * 3);
    let _ = writeln!(text, "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK={hold_back}");
    let _ = writeln!(text, "#EXT-X-PART-INF:PART-TARGET={}", seconds(part_target_ms));
    let _ = writeln!(text, "#EXT-X-MEDIA-SEQUENCE:{}", first.sequence);
    let _ = writeln!(text, "#EXT-X-DISCONTINUITY-SEQUENCE:{}", view.discontinuities_before);

    let mut last_generation = None;
    for row in &rows {
        if row.discontinuity {
            text.push_str("#EXT-X-DISCONTINUITY\n");
        }
        if last_generation != Some(row.init.generation) {
            let _ = writeln!(text, "#EXT-X-MAP:URI=\"{}\"", init_uri(row.init.generation));
            last_generation = Some(row.init.generation);
        }
        let _ = writeln!(text, "#EXT-X-PROGRAM-DATE-TIME:{}", date_time(row.wall_ms));
        if let Some(fragment) = row.parts {
            write_parts(&mut text, fragment);
        }
        if let Some(duration_ms) = row.duration_ms {
            let _ = writeln!(text, "#EXTINF:{},\n{}", seconds(duration_ms), segment_uri(row.sequence));
        }
    }
    let newest = view.fragments.last()?;
    let (segment, part) = if newest.complete { (newest.sequence + 1, 0) } else { (newest.sequence, newest.chunks.len()) };
    let _ = writeln!(text, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"{}\"", part_uri(segment, part));
    Some(text)
}

fn write_parts(text: &mut String, fragment: &LiveFragment) {
    for (number, chunk) in fragment.chunks.iter().enumerate() {
        let independent = if chunk.independent { ",INDEPENDENT=YES" } else { "" };
        let duration = seconds(u64::from(chunk.duration_ms));
        let uri = part_uri(fragment.sequence, number);
        let _ = writeln!(text, "#EXT-X-PART:DURATION={duration},URI=\"{uri}\"{independent}");
    }
}

/// Name of a header, relative to the playlist.
#[must_use]
pub fn init_uri(generation: u64) -> String {
    format!("init-{generation}.mp4")
}

/// Name of a segment, relative to the playlist.
#[must_use]
pub fn segment_uri(sequence: u64) -> String {
    format!("{sequence}.m4s")
}

/// Name of a part, relative to the playlist.
#[must_use]
pub fn part_uri(sequence: u64, part: usize) -> String {
    format!("{sequence}-{part}.m4s")
}

/// What a name that stands in a live playlist means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LiveName {
    /// A header.
    Init(u64),
    /// A whole segment.
    Segment(u64),
    /// A part.
    Part(u64, usize),
}

impl LiveName {
    /// Reads a name; `None` when no playlist of ours holds it.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
        if let Some(generation) = name.strip_prefix("init-").and_then(|rest| rest.strip_suffix(".mp4")) {
            return digits(generation).map(Self::Init);
        }
        let stem = name.strip_suffix(".m4s")?;
        match stem.split_once('-') {
            Some((segment, part)) => Some(Self::Part(digits(segment)?, usize::try_from(digits(part)?).ok()?)),
            None => digits(stem).map(Self::Segment),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::camera::Codec;
    use crate::live::LiveChunk;
    use std::sync::Arc;

    const SOON: Duration = Duration::from_millis(300);

    fn init(generation: u64) -> Arc<LiveInit> {
        Arc::new(LiveInit { generation, codec: Codec::H264, data: Bytes::from(format!("init {generation}")) })
    }

    fn begin(ring: &LiveRing, sequence: u64, discontinuity: bool, generation: u64) {
        let wall_ms = 1_767_225_600_000 + i64::try_from(sequence).expect("small") * 1000;
        let init = self::init(generation);
        let chunks = Vec::new();
        ring.begin(LiveFragment { sequence, wall_ms, sync: true, discontinuity, complete: false, chunks, init });
    }

    fn push(ring: &LiveRing, text: &str, last: bool) {
        let (data, independent) = (Bytes::from(text.to_owned()), text.ends_with('0'));
        ring.push(LiveChunk { data, duration_ms: 500, independent }, last);
    }

    fn fragment(ring: &LiveRing, sequence: u64, discontinuity: bool, generation: u64) {
        begin(ring, sequence, discontinuity, generation);
        push(ring, &format!("{sequence}/0"), false);
        push(ring, &format!("{sequence}/1"), true);
    }

    fn text_of(playlist: Result<Bytes, LiveError>) -> String {
        String::from_utf8(playlist.expect("live").to_vec()).expect("text")
    }

    #[tokio::test]
    async fn a_playlist_is_written_once_a_part() {
        let ring = LiveRing::default();
        fragment(&ring, 1, false, 1);
        let (first, second) = (playlist(&ring, None, SOON).await.expect("live"), playlist(&ring, None, SOON).await.expect("live"));
        assert_eq!(first.as_ptr(), second.as_ptr());
        begin(&ring, 2, false, 1);
        push(&ring, "2/0", false);
        assert!(text_of(playlist(&ring, None, SOON).await).contains("2-0.m4s"));
        ring.end();
        assert_eq!(playlist(&ring, None, SOON).await, Err(LiveError::NotLive));
    }

    #[tokio::test]
    async fn a_playlist_names_what_is_there_and_what_comes_next() {
        let ring = LiveRing::default();
        (1..=5).for_each(|sequence| fragment(&ring, sequence, sequence == 4, if sequence < 4 { 1 } else { 2 }));
        begin(&ring, 6, false, 2);
        push(&ring, "6/0", false);
        let text = text_of(playlist(&ring, None, SOON).await);
        let expected = "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:1\n\
            #EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.500\n#EXT-X-PART-INF:PART-TARGET=0.500\n\
            #EXT-X-MEDIA-SEQUENCE:1\n#EXT-X-DISCONTINUITY-SEQUENCE:0\n#EXT-X-MAP:URI=\"init-1.mp4\"\n\
            #EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:01.000Z\n#EXTINF:1.000,\n1.m4s\n\
            #EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:02.000Z\n#EXTINF:1.000,\n2.m4s\n\
            #EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:03.000Z\n#EXTINF:1.000,\n3.m4s\n\
            #EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"init-2.mp4\"\n\
            #EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:04.000Z\n\
            #EXT-X-PART:DURATION=0.500,URI=\"4-0.m4s\",INDEPENDENT=YES\n#EXT-X-PART:DURATION=0.500,URI=\"4-1.m4s\"\n\
            #EXTINF:1.000,\n4.m4s\n\
            #EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:05.000Z\n\
            #EXT-X-PART:DURATION=0.500,URI=\"5-0.m4s\",INDEPENDENT=YES\n#EXT-X-PART:DURATION=0.500,URI=\"5-1.m4s\"\n\
            #EXTINF:1.000,\n5.m4s\n\
            #EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:06.000Z\n\
            #EXT-X-PART:DURATION=0.500,URI=\"6-0.m4s\",INDEPENDENT=YES\n\
            #EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"6-1.m4s\"\n";
        assert_eq!(text, expected);
        push(&ring, "6/1", true);
        let text = text_of(playlist(&ring, None, SOON).await);
        assert!(text.ends_with("#EXTINF:1.000,\n6.m4s\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"7-0.m4s\"\n"), "{text}");
    }

    #[tokio::test]
    async fn discontinuities_that_have_scrolled_away_are_counted() {
        let ring = LiveRing::default();
        (1..=40).for_each(|sequence| fragment(&ring, sequence, sequence % 10 == 0, 1 + sequence / 10));
        let text = text_of(playlist(&ring, None, SOON).await);
        let first: u64 = text.split("MEDIA-SEQUENCE:").nth(1).and_then(|rest| rest.lines().next()?.parse().ok()).expect("first");
        assert_eq!(first, 40 - 2 - 16);
        assert!(text.contains(&format!("#EXT-X-DISCONTINUITY-SEQUENCE:{}\n", (first - 1) / 10)), "{text}");
        ring.end();
        fragment(&ring, 41, true, 9);
        let text = text_of(playlist(&ring, None, SOON).await);
        assert!(text.contains("#EXT-X-MEDIA-SEQUENCE:41\n#EXT-X-DISCONTINUITY-SEQUENCE:4\n"), "{text}");
        assert_eq!((super::init(&ring, 9), super::init(&ring, 4)), (Some(Bytes::from_static(b"init 9")), None));
    }

    /// Polls a future once: what waits is not ready.
    async fn waits<T>(future: &mut std::pin::Pin<Box<impl Future<Output = T>>>) -> bool {
        futures::future::poll_immediate(future).await.is_none()
    }

    #[tokio::test]
    async fn a_player_waits_for_the_part_it_names_and_no_longer() {
        let ring = LiveRing::default();
        fragment(&ring, 7, false, 1);
        begin(&ring, 8, false, 1);
        push(&ring, "8/0", false);
        let await_part = |segment, part| Some(Awaited { segment, part });
        assert!(playlist(&ring, await_part(8, Some(0)), SOON).await.is_ok());
        assert!(playlist(&ring, await_part(7, None), SOON).await.is_ok());
        assert!(playlist(&ring, await_part(7, Some(9)), SOON).await.is_ok(), "beyond a whole segment is the next");

        let mut next = Box::pin(playlist(&ring, await_part(8, Some(1)), SOON));
        let mut whole = Box::pin(playlist(&ring, await_part(8, None), SOON));
        let mut hinted = Box::pin(part(&ring, 8, 1, SOON));
        let mut beyond = Box::pin(playlist(&ring, await_part(8, Some(5)), SOON));
        assert!(waits(&mut next).await && waits(&mut whole).await && waits(&mut hinted).await && waits(&mut beyond).await);
        push(&ring, "8/1", true);
        assert!(text_of(next.await).contains("8-1.m4s\"\n"));
        assert!(text_of(whole.await).contains("\n8.m4s\n"));
        assert_eq!(hinted.await, Ok(Bytes::from_static(b"8/1")));
        assert!(waits(&mut beyond).await, "until the next segment has its first part");
        begin(&ring, 9, false, 1);
        push(&ring, "9/0", false);
        assert!(text_of(beyond.await).contains("9-0.m4s"));
        assert_eq!(playlist(&ring, await_part(12, Some(0)), SOON).await, Err(LiveError::TooFarAhead));
    }

    #[tokio::test]
    async fn what_lies_too_far_ahead_is_refused_as_soon_as_the_stream_is_known() {
        let ring = LiveRing::default();
        let mut far = Box::pin(playlist(&ring, Some(Awaited { segment: u64::MAX, part: None }), SOON));
        assert!(waits(&mut far).await, "where the stream is, nobody knows yet");
        begin(&ring, 0, false, 1);
        push(&ring, "0/0", false);
        assert_eq!(far.await, Err(LiveError::TooFarAhead), "its first segment is number 0");
        assert_eq!(playlist(&ring, Some(Awaited { segment: 1 << 63, part: Some(0) }), SOON).await, Err(LiveError::TooFarAhead));
    }

    #[tokio::test]
    async fn a_hint_that_does_not_come_true_is_gone() {
        let ring = LiveRing::default();
        begin(&ring, 1, false, 1);
        push(&ring, "1/0", false);
        let mut hinted = Box::pin(part(&ring, 1, 2, SOON));
        assert_eq!(hinted.as_mut().await, Err(LiveError::Gone), "not the next one");
        let mut hinted = Box::pin(part(&ring, 1, 1, SOON));
        assert!(waits(&mut hinted).await);
        fragment(&ring, 2, true, 2);
        assert_eq!(hinted.await, Err(LiveError::Gone));
        assert_eq!(segment(&ring, 2, SOON).await, Ok(Some(Bytes::from_static(b"2/02/1"))));
        assert_eq!(segment(&ring, 9, SOON).await, Err(LiveError::TooFarAhead));
    }

    #[tokio::test]
    async fn a_camera_that_does_not_record_is_not_live() {
        let ring = LiveRing::default();
        assert_eq!(playlist(&ring, None, SOON).await, Err(LiveError::NotLive));
        assert_eq!(segment(&ring, 1, SOON).await, Err(LiveError::NotLive));
        fragment(&ring, 1, false, 1);
        assert_eq!(playlist(&ring, Some(Awaited { segment: 2, part: Some(0) }), SOON).await, Err(LiveError::Late));
        ring.end();
        assert_eq!(part(&ring, 1, 0, SOON).await, Err(LiveError::NotLive));
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        assert_eq!(LiveName::parse(&init_uri(7)), Some(LiveName::Init(7)));
        assert_eq!(LiveName::parse(&segment_uri(42)), Some(LiveName::Segment(42)));
        assert_eq!(LiveName::parse(&part_uri(42, 3)), Some(LiveName::Part(42, 3)));
        for bad in ["", "x.m4s", "1-2-3.m4s", "-1.m4s", "init-.mp4", "1.mp4", "+1.m4s", "99999999999999999999.m4s"] {
            assert_eq!(LiveName::parse(bad), None, "{bad}");
        }
    }
}
