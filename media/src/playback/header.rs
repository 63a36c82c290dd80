//! The header of an export: the stored `ftyp` and `moov` with a duration, and an index (`sidx`) of what follows.

use super::moof::{Place, child, place};
use crate::segment::boxes::be_u32;
#[cfg(test)]
use crate::segment::boxes::be_u64;

/// The most entries a `sidx` can have.
pub(super) const SIDX_ENTRIES_MAX: usize = 65_535;

/// Length of a `sidx` with this many entries.
pub(super) fn sidx_len(entries: usize) -> usize {
    40 + entries * 12
}

/// One entry of the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SidxEntry {
    pub(super) len: u32,
    pub(super) duration: u32,
    pub(super) sync: bool,
}

/// The time scale of the only track.
pub(crate) fn timescale(init: &[u8]) -> Option<u32> {
    let moov = moov(init)?;
    let mdhd = mdhd(init, moov)?;
    let version = *init.get(mdhd.body())?;
    be_u32(init, mdhd.body() + if version == 1 { 20 } else { 12 })
}

/// `ftyp` and `moov` with `duration` (in ticks of the track) in every place that has one, and an `mehd`.
pub(crate) fn with_duration(init: &[u8], duration: u64) -> Option<Vec<u8>> {
    let mut out = init.to_vec();
    let moov_place = moov(&out)?;
    let mvhd = child(&out, moov_place, *b"moov", *b"mvhd")?;
    let trak = child(&out, moov_place, *b"moov", *b"trak")?;
    let tkhd = child(&out, trak, *b"trak", *b"tkhd")?;
    let mdhd_place = mdhd(&out, moov_place)?;
    let mvex = child(&out, moov_place, *b"moov", *b"mvex")?;
    let timescale = u64::from(timescale(&out)?);
    let movie_timescale = u64::from(be_u32(&out, mvhd.body() + if out.get(mvhd.body())? == &1 { 20 } else { 12 })?);
    let movie_duration = scaled(duration, movie_timescale, timescale)?;

    set_time(&mut out, mvhd, 24, 16, movie_duration)?;
    set_time(&mut out, tkhd, 28, 20, movie_duration)?;
    set_time(&mut out, mdhd_place, 24, 16, duration)?;

    // `mehd` must be the first in `mvex`. Where the muxer kept room for it there is a `free` box to replace.
    let mut mehd = Vec::with_capacity(20);
    mehd.extend(20u32.to_be_bytes());
    mehd.extend(b"mehd");
    mehd.extend([1, 0, 0, 0]);
    mehd.extend(movie_duration.to_be_bytes());
    let old = child(&out, mvex, *b"mvex", *b"mehd").or_else(|| child(&out, mvex, *b"mvex", *b"free"));
    let (from, to) = old.map_or((mvex.body(), mvex.body()), |old| (old.start, old.end));
    let grown = i64::try_from(mehd.len()).ok()? - i64::try_from(to - from).ok()?;
    out.splice(from..to, mehd);
    for parent in [moov_place, mvex] {
        let len = be_u32(&out, parent.start)?.checked_add_signed(i32::try_from(grown).ok()?)?;
        out.get_mut(parent.start..parent.start + 4)?.copy_from_slice(&len.to_be_bytes());
    }
    Some(out)
}

/// `value` in another time scale, rounded up.
fn scaled(value: u64, to: u64, from: u64) -> Option<u64> {
    u64::try_from((u128::from(value) * u128::from(to)).div_ceil(u128::from(from.max(1)))).ok()
}

/// Writes a duration at the place that the box's version says.
fn set_time(out: &mut [u8], found: Place, wide_at: usize, narrow_at: usize, duration: u64) -> Option<()> {
    if out.get(found.body())? == &1 {
        out.get_mut(found.body() + wide_at..found.body() + wide_at + 8)?.copy_from_slice(&duration.to_be_bytes());
    } else {
        let at = found.body() + narrow_at;
        out.get_mut(at..at + 4)?.copy_from_slice(&u32::try_from(duration).ok()?.to_be_bytes());
    }
    Some(())
}

fn moov(init: &[u8]) -> Option<Place> {
    let mut at = 0;
    while at < init.len() {
        let found = place(init, at, init.len())?;
        if init.get(at + 4..at + 8)? == b"moov" {
            return Some(found);
        }
        at = found.end;
    }
    None
}

fn mdhd(init: &[u8], moov: Place) -> Option<Place> {
    let trak = child(init, moov, *b"moov", *b"trak")?;
    let mdia = child(init, trak, *b"trak", *b"mdia")?;
    child(init, mdia, *b"mdia", *b"mdhd")
}

/// The index box (ISO/IEC 14496-12, 8.16.3) of one track.
pub(super) fn sidx(timescale: u32, earliest_presentation: u64, entries: &[SidxEntry]) -> Vec<u8> {
    let mut out = Vec::with_capacity(sidx_len(entries.len()));
    out.extend(u32::try_from(sidx_len(entries.len())).unwrap_or(u32::MAX).to_be_bytes());
    out.extend(b"sidx");
    out.extend([1, 0, 0, 0]);
    out.extend(1u32.to_be_bytes());
    out.extend(timescale.to_be_bytes());
    out.extend(earliest_presentation.to_be_bytes());
    out.extend(0u64.to_be_bytes());
    out.extend([0, 0]);
    out.extend(u16::try_from(entries.len()).unwrap_or(u16::MAX).to_be_bytes());
    for entry in entries {
        // Highest bit 0: it refers to media. Then, for a key frame first: starts with a random access point of type 1.
        out.extend((entry.len & 0x7fff_ffff).to_be_bytes());
        out.extend(entry.duration.to_be_bytes());
        out.extend(if entry.sync { 0x9000_0000u32 } else { 0 }.to_be_bytes());
    }
    out
}

/// The duration that a header tells: movie, track, media, and fragments together. For tests and checks.
#[cfg(test)]
pub(super) fn durations(init: &[u8]) -> Option<[u64; 4]> {
    let moov = moov(init)?;
    let trak = child(init, moov, *b"moov", *b"trak")?;
    let mvex = child(init, moov, *b"moov", *b"mvex")?;
    let read = |found: Place, wide_at: usize, narrow_at: usize| {
        if init.get(found.body())? == &1 {
            be_u64(init, found.body() + wide_at)
        } else {
            be_u32(init, found.body() + narrow_at).map(u64::from)
        }
    };
    Some([
        read(child(init, moov, *b"moov", *b"mvhd")?, 24, 16)?,
        read(child(init, trak, *b"trak", *b"tkhd")?, 28, 20)?,
        read(mdhd(init, moov)?, 24, 16)?,
        read(child(init, mvex, *b"mvex", *b"mehd")?, 4, 4)?,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
        [&u32::try_from(body.len() + 8).expect("small").to_be_bytes()[..], name, body].concat()
    }

    /// A header with version 1 or 0 boxes, with or without the room that a muxer keeps for `mehd`.
    fn init(version: u8, room: bool) -> Vec<u8> {
        let timed = |name: &[u8; 4], wide: usize, narrow: usize, scale_at: usize, scale: u32| {
            let mut body = vec![0; if version == 1 { wide } else { narrow }];
            body[0] = version;
            if scale > 0 {
                body[scale_at..scale_at + 4].copy_from_slice(&scale.to_be_bytes());
            }
            boxed(name, &body)
        };
        let scale_at = if version == 1 { 20 } else { 12 };
        let mdia = boxed(b"mdia", &timed(b"mdhd", 36, 24, scale_at, 90_000));
        let trak = boxed(b"trak", &[timed(b"tkhd", 96, 84, 0, 0), mdia].concat());
        let trex = boxed(b"trex", &[0; 24]);
        let mvex = boxed(b"mvex", &if room { [boxed(b"free", &[0; 12]), trex].concat() } else { trex });
        let moov = boxed(b"moov", &[timed(b"mvhd", 112, 100, scale_at, 1000), trak, mvex].concat());
        [boxed(b"ftyp", b"iso6\0\0\0\0"), moov].concat()
    }

    #[test]
    fn the_duration_is_written_everywhere() {
        for (version, room) in [(0, false), (1, false), (0, true), (1, true)] {
            let out = with_duration(&init(version, room), 180_001).expect("ours");
            assert_eq!(durations(&out), Some([2001, 2001, 180_001, 2001]), "version {version}, room {room}");
            assert_eq!(timescale(&out), Some(90_000));
            assert_eq!(out.len(), init(version, room).len() + if room { 0 } else { 20 });
        }
        assert_eq!(with_duration(b"\0\0\0\x08free", 1), None);
    }

    #[test]
    fn the_index_is_as_long_as_it_says() {
        let entries = [SidxEntry { len: 1000, duration: 180_000, sync: true }, SidxEntry { len: 7, duration: 1, sync: false }];
        let out = sidx(90_000, 0, &entries);
        assert_eq!((out.len(), be_u32(&out, 0)), (sidx_len(2), Some(64)));
        assert_eq!((be_u32(&out, 40), be_u32(&out, 48)), (Some(1000), Some(0x9000_0000)));
    }
}
