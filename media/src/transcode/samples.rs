//! Coded pictures out of stored chunks: what the muxer once put in, taken out again.
//!
//! Reads only what our own muxer writes (one track, positions counted from the `moof`); anything else is refused whole.

use bytes::Bytes;

use crate::segment::boxes::{BoxHeader, be_u32, be_u64, children, find};

const TFHD_BASE_DATA_OFFSET: u32 = 0x01;
const TFHD_DESCRIPTION: u32 = 0x02;
const TFHD_DEFAULT_DURATION: u32 = 0x08;
const TFHD_DEFAULT_SIZE: u32 = 0x10;
const TRUN_DATA_OFFSET: u32 = 0x001;
const TRUN_FIRST_FLAGS: u32 = 0x004;
const TRUN_DURATION: u32 = 0x100;
const TRUN_SIZE: u32 = 0x200;
const TRUN_FLAGS: u32 = 0x400;
const TRUN_COMPOSITION: u32 = 0x800;

/// One coded picture, times in ticks of its track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sample {
    /// NAL units with four-byte lengths.
    pub(super) data: Bytes,
    /// When it is decoded.
    pub(super) dts: u64,
    /// When it is shown.
    pub(super) pts: u64,
}

/// The pictures of a run of `moof` and `mdat` pairs, in decoding order; `None` where it is no such run.
pub(super) fn samples(media: &Bytes) -> Option<Vec<Sample>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < media.len() {
        let header = BoxHeader::parse(media.get(at..)?)?;
        let end = at.checked_add(usize::try_from(header.len).ok()?).filter(|end| *end <= media.len())?;
        if &header.box_type == b"moof" {
            let body = media.get(at + usize::try_from(header.header_len).ok()?..end)?;
            of_moof(media, at, body, &mut found)?;
        }
        at = end;
    }
    Some(found)
}

/// What holds for samples that do not say otherwise.
#[derive(Debug, Default)]
struct Defaults {
    duration: Option<u32>,
    size: Option<u32>,
}

impl Defaults {
    fn read(tfhd: &[u8]) -> Option<Self> {
        let flags = be_u32(tfhd, 0)? & 0x00ff_ffff;
        let mut at = 8;
        let mut field = |flag: u32, len: usize| {
            let here = at;
            at += if flags & flag == 0 { 0 } else { len };
            (flags & flag != 0).then_some(here)
        };
        field(TFHD_BASE_DATA_OFFSET, 8);
        field(TFHD_DESCRIPTION, 4);
        let (duration, size) = (field(TFHD_DEFAULT_DURATION, 4), field(TFHD_DEFAULT_SIZE, 4));
        Some(Self { duration: duration.and_then(|at| be_u32(tfhd, at)), size: size.and_then(|at| be_u32(tfhd, at)) })
    }
}

fn of_moof(media: &Bytes, moof_at: usize, body: &[u8], found: &mut Vec<Sample>) -> Option<()> {
    let traf = find(body, &[*b"traf"])?;
    let defaults = Defaults::read(find(traf, &[*b"tfhd"])?)?;
    let tfdt = find(traf, &[*b"tfdt"])?;
    let mut dts = if tfdt.first()? == &1 { be_u64(tfdt, 4)? } else { u64::from(be_u32(tfdt, 4)?) };
    for (_, trun) in children(traf).filter(|(kind, _)| kind == b"trun") {
        dts = of_trun(media, moof_at, trun, &defaults, dts, found)?;
    }
    Some(())
}

/// The pictures of one run; gives the decoding time that follows.
fn of_trun(media: &Bytes, moof_at: usize, trun: &[u8], defaults: &Defaults, mut dts: u64, found: &mut Vec<Sample>) -> Option<u64> {
    let flags = be_u32(trun, 0)? & 0x00ff_ffff;
    if flags & TRUN_DATA_OFFSET == 0 {
        return None;
    }
    let mut data_at = moof_at.checked_add(usize::try_from(be_u32(trun, 8)?).ok()?)?;
    let mut at = 12 + if flags & TRUN_FIRST_FLAGS == 0 { 0 } else { 4 };
    for _ in 0..be_u32(trun, 4)? {
        let mut field = |flag: u32| {
            let value = (flags & flag != 0).then(|| be_u32(trun, at));
            at += if flags & flag == 0 { 0 } else { 4 };
            value
        };
        let (duration, size, _, composition) = (field(TRUN_DURATION), field(TRUN_SIZE), field(TRUN_FLAGS), field(TRUN_COMPOSITION));
        let duration = duration.unwrap_or(defaults.duration)?;
        // A sample without bytes is none of ours, and a count of them alone could go on for ever.
        let size = size.unwrap_or(defaults.size).filter(|size| *size > 0)?;
        // Version 0 counts without a sign; offsets of a sane stream fit both.
        let composition = composition.map_or(Some(0), |offset| offset.map(|offset| i64::from(offset.cast_signed())))?;
        let end = data_at.checked_add(usize::try_from(size).ok()?).filter(|end| *end <= media.len())?;
        found.push(Sample { data: media.slice(data_at..end), dts, pts: dts.checked_add_signed(composition)? });
        data_at = end;
        dts = dts.checked_add(u64::from(duration))?;
    }
    Some(dts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn boxed(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let len = u32::try_from(body.len() + 8).expect("small");
        [&len.to_be_bytes()[..], name, body].concat()
    }

    /// Two pictures of 40 ms at 90 kHz from `time` on, the first shown 80 ms later; sizes in the run or the defaults.
    fn chunk(time: u64, sizes_in_run: bool) -> Vec<u8> {
        let words = |words: &[u32]| words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<u8>>();
        let make = |data_at: u32| {
            let tfhd = if sizes_in_run { words(&[0x0002_0000, 1]) } else { words(&[0x0002_0018, 1, 3600, 3]) };
            let tfdt = [&[1, 0, 0, 0][..], &time.to_be_bytes()].concat();
            let trun = if sizes_in_run {
                words(&[0x0100_0b01, 2, data_at, 3600, 3, 7200, 3600, 3, 0])
            } else {
                words(&[0x0100_0805, 2, data_at, 0, 7200, 0])
            };
            let traf = boxed(b"traf", &[boxed(b"tfhd", &tfhd), boxed(b"tfdt", &tfdt), boxed(b"trun", &trun)].concat());
            boxed(b"moof", &[boxed(b"mfhd", &[0; 8]), traf].concat())
        };
        let data_at = u32::try_from(make(0).len() + 8).expect("small");
        [make(data_at), boxed(b"mdat", b"onetwo")].concat()
    }

    #[test]
    fn pictures_come_out_as_they_went_in() {
        for sizes_in_run in [true, false] {
            let media = Bytes::from([chunk(90_000, sizes_in_run), chunk(97_200, sizes_in_run)].concat());
            let found = samples(&media).expect("ours");
            let shown: Vec<_> = found.iter().map(|sample| (sample.data.as_ref(), sample.dts, sample.pts)).collect();
            let (one, two) = (&b"one"[..], &b"two"[..]);
            assert_eq!(shown, [(one, 90_000, 97_200), (two, 93_600, 93_600), (one, 97_200, 104_400), (two, 100_800, 100_800)]);
        }
        assert_eq!(samples(&Bytes::new()), Some(Vec::new()));
    }

    proptest! {
        #[test]
        fn noise_is_refused_without_a_panic(at in 0usize..200, noise in prop::collection::vec(any::<u8>(), 0..60), cut in 0usize..250) {
            let mut media = chunk(7, true);
            media.truncate(cut);
            let at = at.min(media.len());
            media.splice(at..at, noise);
            let _either_way = samples(&media.into());
        }
    }
}
