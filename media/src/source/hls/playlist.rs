//! Playlists of HTTP Live Streaming (RFC 8216): what is needed to follow one, read from text that may say anything.

use crate::camera::StateReason;
use crate::source::SourceError;

/// Segments that a playlist may name: a day of ten-second ones.
const SEGMENTS_MAX: usize = 10_000;
/// Streams that a master playlist may offer.
const VARIANTS_MAX: usize = 100;
/// Bytes of one line.
const LINE_BYTES_MAX: usize = 4_096;
/// No segment is longer, milliseconds.
const SEGMENT_MS_MAX: f64 = 120_000.0;

/// What a text was.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Playlist {
    /// The same pictures at several rates.
    Master(Vec<Variant>),
    /// One stream.
    Media(MediaPlaylist),
}

/// A stream of a master playlist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Variant {
    /// Address, mostly relative.
    pub(super) uri: String,
    /// Bits a second at most.
    pub(super) bandwidth: u64,
}

/// A stream as it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct MediaPlaylist {
    /// No segment is longer than this, milliseconds.
    pub(super) target_ms: u64,
    /// Number of the first segment.
    pub(super) sequence: u64,
    /// Nothing will follow.
    pub(super) ended: bool,
    /// In order of time.
    pub(super) segments: Vec<Segment>,
}

/// One piece of a stream.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Segment {
    /// What to fetch.
    pub(super) file: File,
    /// What a decoder needs before it, for fragmented MP4.
    pub(super) init: Option<File>,
    /// Its times do not go on from those of the segment before.
    pub(super) discontinuity: bool,
}

/// A file, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct File {
    /// Address, mostly relative.
    pub(super) uri: String,
    /// First byte and number of bytes; `None` for all of it.
    pub(super) range: Option<(u64, u64)>,
}

fn bad(detail: impl Into<String>) -> SourceError {
    SourceError::new(StateReason::BadStream, detail)
}

/// Reads a playlist.
///
/// # Errors
/// [`StateReason::NotVideo`] for another kind of text, [`StateReason::UnsupportedCodec`] for an encrypted stream,
/// [`StateReason::BadStream`] for nonsense and for more than the limits.
pub(super) fn parse(text: &str) -> Result<Playlist, SourceError> {
    let mut lines = text.trim_start_matches('\u{feff}').lines().map(str::trim).filter(|line| !line.is_empty());
    if lines.next() != Some("#EXTM3U") {
        return Err(SourceError::new(StateReason::NotVideo, "what answers is not an HLS playlist"));
    }
    let mut reading = Reading::default();
    for line in lines {
        if line.len() > LINE_BYTES_MAX {
            return Err(bad("a line of the playlist is too long"));
        }
        reading.line(line)?;
    }
    reading.end()
}

#[derive(Default)]
struct Reading {
    variants: Vec<Variant>,
    segments: Vec<Segment>,
    target_ms: Option<u64>,
    sequence: u64,
    ended: bool,
    /// From the tags before an address.
    bandwidth: Option<u64>,
    begun: bool,
    range: Option<(Option<u64>, u64)>,
    discontinuity: bool,
    init: Option<File>,
    /// Where the last part of a file ended: the next one may leave its first byte out.
    last_end: Option<(String, u64)>,
}

impl Reading {
    fn line(&mut self, line: &str) -> Result<(), SourceError> {
        if !line.starts_with('#') {
            return self.address(line);
        }
        let (tag, value) = line.split_once(':').unwrap_or((line, ""));
        match tag {
            "#EXT-X-STREAM-INF" => {
                let bandwidth = attribute(value, "BANDWIDTH").and_then(|text| text.parse().ok()).unwrap_or(0);
                self.bandwidth = Some(bandwidth);
            }
            "#EXT-X-TARGETDURATION" => self.target_ms = Some(milliseconds(value)?),
            "#EXT-X-MEDIA-SEQUENCE" => self.sequence = value.trim().parse().map_err(|_| bad("a sequence number that is none"))?,
            "#EXTINF" => {
                milliseconds(value.split(',').next().unwrap_or_default())?;
                self.begun = true;
            }
            "#EXT-X-BYTERANGE" => self.range = Some(byte_range(value)?),
            "#EXT-X-DISCONTINUITY" => self.discontinuity = true,
            "#EXT-X-ENDLIST" => self.ended = true,
            "#EXT-X-MAP" => {
                let uri = attribute(value, "URI").ok_or_else(|| bad("a stream header without an address"))?;
                let range = attribute(value, "BYTERANGE").map(|text| byte_range(&text)).transpose()?;
                self.init = Some(File { uri, range: range.map(|(first, len)| (first.unwrap_or(0), len)) });
            }
            "#EXT-X-KEY" if attribute(value, "METHOD").is_some_and(|method| method != "NONE") => {
                return Err(SourceError::new(StateReason::UnsupportedCodec, "the HLS stream is encrypted; plain ones are recorded"));
            }
            _ => {}
        }
        Ok(())
    }

    fn address(&mut self, line: &str) -> Result<(), SourceError> {
        if let Some(bandwidth) = self.bandwidth.take() {
            if self.variants.len() < VARIANTS_MAX {
                self.variants.push(Variant { uri: line.to_owned(), bandwidth });
            }
            return Ok(());
        }
        if !std::mem::take(&mut self.begun) {
            return Err(bad("the playlist names a file without its length"));
        }
        if self.segments.len() >= SEGMENTS_MAX {
            return Err(bad("the playlist has too many segments"));
        }
        let range = match self.range.take() {
            None => None,
            Some((Some(first), len)) => Some((first, len)),
            Some((None, len)) => {
                let follows = self.last_end.as_ref().filter(|(uri, _)| uri == line).map(|(_, end)| *end);
                Some((follows.ok_or_else(|| bad("a byte range that follows nothing"))?, len))
            }
        };
        self.last_end = range.map(|(first, len)| (line.to_owned(), first.saturating_add(len)));
        let file = File { uri: line.to_owned(), range };
        let discontinuity = std::mem::take(&mut self.discontinuity);
        self.segments.push(Segment { file, init: self.init.clone(), discontinuity });
        Ok(())
    }

    fn end(self) -> Result<Playlist, SourceError> {
        if !self.variants.is_empty() {
            return Ok(Playlist::Master(self.variants));
        }
        let target_ms = self.target_ms.ok_or_else(|| bad("the playlist does not say how long its segments are"))?;
        self.sequence.checked_add(SEGMENTS_MAX as u64).ok_or_else(|| bad("an impossible sequence number"))?;
        Ok(Playlist::Media(MediaPlaylist {
            target_ms: target_ms.max(1),
            sequence: self.sequence,
            ended: self.ended,
            segments: self.segments,
        }))
    }
}

fn milliseconds(text: &str) -> Result<u64, SourceError> {
    let ms = text.trim().parse::<f64>().map_err(|_| bad("a length that is none"))? * 1_000.0;
    if !(0.0..=SEGMENT_MS_MAX).contains(&ms) {
        return Err(bad("a segment of an impossible length"));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and two minutes")]
    let whole = ms as u64;
    Ok(whole)
}

/// `length` or `length@first`.
fn byte_range(text: &str) -> Result<(Option<u64>, u64), SourceError> {
    let number = |text: &str| text.trim().parse::<u64>().map_err(|_| bad("a byte range that is none"));
    match text.split_once('@') {
        Some((len, first)) => Ok((Some(number(first)?), number(len)?)),
        None => Ok((None, number(text)?)),
    }
}

/// A value of an attribute list: `NAME=value,NAME="quoted, value"`.
fn attribute(list: &str, name: &str) -> Option<String> {
    let mut rest = list;
    loop {
        let (key, after) = rest.split_once('=')?;
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => {
                let (value, next) = quoted.split_once('"')?;
                (value, next.split_once(',').map(|(_, next)| next))
            }
            None => after.split_once(',').map_or((after, None), |(value, next)| (value, Some(next))),
        };
        if key.trim() == name {
            return Some(value.trim().to_owned());
        }
        rest = next?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_live_list_with_headers_ranges_and_a_discontinuity_is_read() {
        let text = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:17\n\
                    #EXT-X-MAP:URI=\"init,1.mp4\",BYTERANGE=\"700@0\"\n#EXTINF:3.98,\n#EXT-X-BYTERANGE:1000@700\nall.mp4\n\
                    #EXTINF:4.0,a title\n#EXT-X-BYTERANGE:500\nall.mp4\n#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"init2.mp4\"\n\
                    #EXT-X-PART:DURATION=0.5,URI=\"part.mp4\"\n#EXTINF:1,\nother.mp4\n#EXT-X-ENDLIST\n";
        let Ok(Playlist::Media(list)) = parse(text) else { panic!("a media playlist") };
        assert_eq!((list.target_ms, list.sequence, list.ended, list.segments.len()), (4_000, 17, true, 3));
        let [first, second, third] = &list.segments[..] else { panic!("three") };
        assert_eq!(first.init, Some(File { uri: "init,1.mp4".into(), range: Some((0, 700)) }));
        assert_eq!(first.file.range, Some((700, 1_000)));
        assert_eq!(second.file.range, Some((1_700, 500)), "goes on where the one before ended");
        assert!(!second.discontinuity && third.discontinuity);
        assert_eq!(third.init, Some(File { uri: "init2.mp4".into(), range: None }));
    }

    #[test]
    fn a_master_list_gives_its_streams() {
        let text = "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,URI=\"sound.m3u8\"\n#EXT-X-STREAM-INF:CODECS=\"avc1,mp4a\",BANDWIDTH=800\nlow.m3u8\n\
                    #EXT-X-STREAM-INF:BANDWIDTH=4000\nhigh.m3u8\n";
        let wanted = [("low.m3u8", 800), ("high.m3u8", 4_000)].map(|(uri, bandwidth)| Variant { uri: uri.into(), bandwidth });
        assert_eq!(parse(text), Ok(Playlist::Master(wanted.into())));
    }

    #[test]
    fn what_cannot_be_followed_is_refused_with_its_reason() {
        let reason = |text: &str| parse(text).expect_err("refused").reason;
        assert_eq!(reason("<html>"), StateReason::NotVideo);
        assert_eq!(reason(""), StateReason::NotVideo);
        assert_eq!(reason("#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n"), StateReason::UnsupportedCodec);
        for bad in [
            "#EXTM3U\n",
            "#EXTM3U\nno-length.ts\n",
            "#EXTM3U\n#EXT-X-TARGETDURATION:-1\n",
            "#EXTM3U\n#EXT-X-TARGETDURATION:1e99\n",
            "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:18446744073709551615\n#EXTINF:1,\na\n",
            "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1,\n#EXT-X-BYTERANGE:5\na\n",
        ] {
            assert_eq!(reason(bad), StateReason::BadStream, "{bad}");
        }
        let endless = format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n{}", "#EXTINF:1,\na.ts\n".repeat(SEGMENTS_MAX + 1));
        assert_eq!(reason(&endless), StateReason::BadStream);
        assert_eq!(reason(&format!("#EXTM3U\n{}", "x".repeat(LINE_BYTES_MAX + 1))), StateReason::BadStream);
    }

    proptest! {
        #[test]
        fn no_text_is_a_panic(text in "(#EXTM3U\n)?((#EXT[A-Z-]{0,20}:?|[a-z0-9=\",@.:]{0,12})\n?){0,12}") {
            let _any = parse(&text);
        }
    }
}
