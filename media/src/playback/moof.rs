//! Movie fragments as they are stored: their times, and a copy with other ones.
//!
//! Positions inside samples are counted from the `moof` itself (`default-base-is-moof`), so a fragment can be moved
//! anywhere; only its number and its decoding time have to follow.

use crate::segment::boxes::{BoxHeader, BoxType, be_u32, be_u64};

const TFHD_DEFAULT_DURATION: u32 = 0x08;
const TRUN_DATA_OFFSET: u32 = 0x001;
const TRUN_FIRST_FLAGS: u32 = 0x004;
/// Optional fields of each sample in a `trun`, in their order: duration, size, flags, composition offset.
const TRUN_SAMPLE_FIELDS: [u32; 4] = [0x100, 0x200, 0x400, 0x800];
const TRUN_DURATION: u32 = TRUN_SAMPLE_FIELDS[0];
const TRUN_COMPOSITION: u32 = TRUN_SAMPLE_FIELDS[3];

/// What one `moof` says about time, in ticks of the track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MoofTime {
    /// Decoding time of its first sample.
    pub(super) start: u64,
    /// Sum of its samples' durations.
    pub(super) duration: u64,
    /// Duration of its last sample. The muxer does not know that of the last one before the stream ends and writes 0.
    pub(super) last_duration: u64,
    /// Presentation minus decoding time of its first sample.
    pub(super) first_composition: i64,
}

impl MoofTime {
    /// Reads a whole `moof` box of one track; `None` when it is not one.
    pub(crate) fn read(moof: &[u8]) -> Option<Self> {
        let traf = child(moof, whole(moof)?, *b"moof", *b"traf")?;
        let part = |name: BoxType| child(moof, traf, *b"traf", name).map(|found| &moof[found.body()..found.end]);
        let (tfhd, tfdt, trun) = (part(*b"tfhd")?, part(*b"tfdt")?, part(*b"trun")?);
        let start = if tfdt.first()? == &1 { be_u64(tfdt, 4)? } else { u64::from(be_u32(tfdt, 4)?) };
        let (duration, last_duration, first_composition) = samples(tfhd, trun)?;
        Some(Self { start, duration, last_duration, first_composition })
    }
}

fn samples(tfhd: &[u8], trun: &[u8]) -> Option<(u64, u64, i64)> {
    let flags = be_u32(trun, 0)? & 0x00ff_ffff;
    let count = be_u32(trun, 4)?;
    let fields = |mask: u32| TRUN_SAMPLE_FIELDS.iter().filter(|field| *field & mask & flags != 0).count() * 4;
    let mut at = 8 + [TRUN_DATA_OFFSET, TRUN_FIRST_FLAGS].iter().filter(|flag| *flag & flags != 0).count() * 4;
    let sample_len = fields(u32::MAX);
    let mut first_composition = 0;
    if flags & TRUN_COMPOSITION != 0 {
        let offset = be_u32(trun, at + fields(TRUN_COMPOSITION - 1))?;
        // Version 0 counts without a sign; offsets of a sane stream fit both.
        first_composition = i64::from(offset.cast_signed());
    }
    if flags & TRUN_DURATION == 0 {
        let each = u64::from(default_duration(tfhd)?);
        return Some((each * u64::from(count), each, first_composition));
    }
    let (mut duration, mut last) = (0, 0);
    for _ in 0..count {
        last = u64::from(be_u32(trun, at)?);
        duration += last;
        at += sample_len;
    }
    Some((duration, last, first_composition))
}

fn default_duration(tfhd: &[u8]) -> Option<u32> {
    let flags = be_u32(tfhd, 0)? & 0x00ff_ffff;
    if flags & TFHD_DEFAULT_DURATION == 0 {
        return None;
    }
    let before = [(0x01, 8), (0x02, 4)];
    let skipped: usize = before.iter().filter(|(flag, _)| flags & flag != 0).map(|(_, len)| len).sum();
    be_u32(tfhd, 8 + skipped)
}

/// Gives every `moof` in a fragment its number, from `first_sequence` on, and takes `shift` ticks off its time.
/// `None` when the fragment is not laid out as ours are, or the times would not fit; nothing useful is left then.
pub(crate) fn retime(media: &mut [u8], first_sequence: u32, shift: i64) -> Option<()> {
    let mut at = 0;
    let mut sequence = first_sequence;
    while at < media.len() {
        let header = BoxHeader::parse(&media[at..])?;
        let end = at.checked_add(usize::try_from(header.len).ok()?).filter(|end| *end <= media.len())?;
        if &header.box_type == b"moof" {
            retime_moof(&mut media[at..end], sequence, shift)?;
            sequence = sequence.wrapping_add(1);
        }
        at = end;
    }
    Some(())
}

fn retime_moof(moof: &mut [u8], sequence: u32, shift: i64) -> Option<()> {
    let all = whole(moof)?;
    let mfhd = child(moof, all, *b"moof", *b"mfhd")?;
    let traf = child(moof, all, *b"moof", *b"traf")?;
    let tfdt = child(moof, traf, *b"traf", *b"tfdt")?;
    moof.get_mut(mfhd.body() + 4..mfhd.body() + 8)?.copy_from_slice(&sequence.to_be_bytes());
    let time_at = tfdt.body() + 4;
    if moof.get(tfdt.body())? == &1 {
        let time = be_u64(moof, time_at)?.checked_add_signed(shift.checked_neg()?)?;
        moof.get_mut(time_at..time_at + 8)?.copy_from_slice(&time.to_be_bytes());
    } else {
        let time = u64::from(be_u32(moof, time_at)?).checked_add_signed(shift.checked_neg()?)?;
        moof.get_mut(time_at..time_at + 4)?.copy_from_slice(&u32::try_from(time).ok()?.to_be_bytes());
    }
    Some(())
}

/// Where a box lies in its buffer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) start: usize,
    header_len: usize,
    pub(super) end: usize,
}

impl Place {
    pub(super) fn body(self) -> usize {
        self.start + self.header_len
    }
}

/// The box that fills the whole buffer.
fn whole(data: &[u8]) -> Option<Place> {
    place(data, 0, data.len())
}

pub(super) fn place(data: &[u8], start: usize, limit: usize) -> Option<Place> {
    let header = BoxHeader::parse(data.get(start..limit)?)?;
    let end = start.checked_add(usize::try_from(header.len).ok()?).filter(|end| *end <= limit)?;
    Some(Place { start, header_len: usize::try_from(header.header_len).ok()?, end })
}

/// The first child `name` of the box at `parent`, whose type must be `parent_name`.
pub(super) fn child(data: &[u8], parent: Place, parent_name: BoxType, name: BoxType) -> Option<Place> {
    if data.get(parent.start + 4..parent.start + 8)? != parent_name {
        return None;
    }
    let mut at = parent.body();
    while at < parent.end {
        let found = place(data, at, parent.end)?;
        if data.get(at + 4..at + 8)? == name {
            return Some(found);
        }
        at = found.end;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn boxed(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let len = u32::try_from(body.len() + 8).expect("small");
        [&len.to_be_bytes()[..], name, body].concat()
    }

    /// A `moof` with three samples of 40 ms at 90 kHz whose first is shown 80 ms after it is decoded.
    fn moof(version: u8, time: u64) -> Vec<u8> {
        let tfhd = boxed(b"tfhd", &[&0x0002_0000u32.to_be_bytes()[..], &1u32.to_be_bytes()].concat());
        let stored = if version == 1 { time.to_be_bytes().to_vec() } else { (time as u32).to_be_bytes().to_vec() };
        let tfdt = boxed(b"tfdt", &[&[version, 0, 0, 0][..], &stored].concat());
        let mut trun = 0x0100_0b01u32.to_be_bytes().to_vec();
        trun.extend(3u32.to_be_bytes());
        trun.extend(100u32.to_be_bytes());
        for composition in [7200u32, 0, 3600] {
            for field in [3600, 50, composition] {
                trun.extend(field.to_be_bytes());
            }
        }
        let traf = boxed(b"traf", &[tfhd, tfdt, boxed(b"trun", &trun)].concat());
        boxed(b"moof", &[boxed(b"mfhd", &[0, 0, 0, 0, 0, 0, 0, 9]), traf].concat())
    }

    #[test]
    fn times_are_read() {
        for version in [0, 1] {
            let time = MoofTime::read(&moof(version, 123_456)).expect("a moof");
            assert_eq!(time, MoofTime { start: 123_456, duration: 10_800, last_duration: 3600, first_composition: 7200 });
        }
        assert_eq!(MoofTime::read(b"\0\0\0\x08free"), None);
    }

    #[test]
    fn numbers_and_times_are_changed_and_nothing_else() {
        let mdat = boxed(b"mdat", b"moof tfdt mfhd");
        for version in [0, 1] {
            let before = [moof(version, 90_000), mdat.clone(), moof(version, 100_800), mdat.clone()].concat();
            let mut after = before.clone();
            retime(&mut after, 5, 80_000).expect("ours");
            let len = moof(version, 0).len();
            let second = len + mdat.len();
            assert_eq!(MoofTime::read(&after[..len]).map(|time| time.start), Some(10_000));
            assert_eq!(MoofTime::read(&after[second..second + len]).map(|time| time.start), Some(20_800));
            assert_eq!((be_u32(&after, 20), be_u32(&after, second + 20)), (Some(5), Some(6)));
            assert_eq!(after[len..second], mdat);
            assert!(after.iter().zip(&before).filter(|(a, b)| a != b).count() <= 10);
            retime(&mut after, 9, -80_000).expect("ours");
            assert_eq!(MoofTime::read(&after[..len]).map(|time| time.start), Some(90_000));
        }
        assert_eq!(retime(&mut moof(1, 5), 1, 6), None, "before the beginning of time");
    }

    proptest! {
        #[test]
        fn noise_is_refused_without_a_panic(noise in prop::collection::vec(any::<u8>(), 0..120), cut in 0usize..140) {
            let mut data = moof(1, 7);
            data.truncate(cut);
            data.extend(noise);
            let _nothing = MoofTime::read(&data);
            let _refused = retime(&mut data, 1, 1);
        }
    }
}
