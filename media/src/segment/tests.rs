//! Files as they are written, cut anywhere, and found again.

use std::path::Path;

use bytes::Bytes;
use proptest::prelude::*;
use uuid::Uuid;

use super::path::SegmentName;
use super::recover::{recover, scan};
use super::*;
use crate::camera::Codec;

pub(crate) const CAMERA: Uuid = Uuid::from_u128(0xca);

/// A box with `len` bytes of body.
fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(body.len() + 8).expect("small").to_be_bytes();
    [&len[..], kind, body].concat()
}

fn init() -> Vec<u8> {
    [boxed(b"ftyp", b"iso5"), boxed(b"moov", b"avcC and the rest")].concat()
}

fn chunk(seed: u64, len: usize) -> Bytes {
    let body: Vec<u8> = (0..len).map(|n| u8::try_from((n as u64 * 31 + seed) % 251).expect("a byte")).collect();
    [boxed(b"moof", &seed.to_be_bytes()), boxed(b"mdat", &body)].concat().into()
}

/// The `n`-th fragment of two seconds, its chunks of the given lengths.
fn fragment(start_ms: i64, n: u64, lens: &[usize]) -> (FragmentHeader, Vec<Bytes>) {
    let chunks: Vec<Bytes> = lens.iter().enumerate().map(|(m, len)| chunk(n * 100 + m as u64, *len)).collect();
    let wall_ms = start_ms + i64::try_from(n).expect("small") * 2_000;
    let infos = chunks.iter().map(|chunk| ChunkInfo { len: u32::try_from(chunk.len()).expect("small"), duration_ms: 500, frames: 12 });
    let header = FragmentHeader {
        camera: CAMERA,
        sequence: n,
        epoch: 3,
        wall_ms,
        mono_ms: wall_ms - start_ms,
        duration_ms: 2_000,
        sync: true,
        discontinuity: n == 0,
        damaged: n == 1,
        checksum: crc32fast::hash(&chunks.concat()),
        chunks: infos.collect(),
    };
    (header, chunks)
}

/// Writes a segment of `fragments` fragments and leaves it open.
pub(crate) fn write_open(recordings: &Path, camera: Uuid, start_ms: i64, fragments: &[Vec<usize>]) -> SegmentWriter {
    let name = SegmentName { camera, start_ms, id: Uuid::now_v7() };
    let (header, chunks) = fragment(start_ms, 0, &fragments[0]);
    let mut writer = SegmentWriter::create(recordings, name, Codec::H264, &init(), header, &chunks).expect("written");
    for (n, lens) in fragments.iter().enumerate().skip(1) {
        let (header, chunks) = fragment(start_ms, n as u64, lens);
        writer.write(header, &chunks).expect("written");
    }
    writer
}

fn name_of(info: &crate::event::SegmentInfo) -> SegmentName {
    SegmentName { camera: CAMERA, start_ms: info.start_ms, id: info.id }
}

/// Whether the system has this place of a file in memory; `None` where it cannot tell, or never has it anywhere else.
fn in_memory(file: &std::fs::File, at: u64) -> Option<bool> {
    let mut byte = [0];
    match rustix::io::preadv2(file, &mut [std::io::IoSliceMut::new(&mut byte)], at, rustix::io::ReadWriteFlags::NOWAIT) {
        Ok(_) => Some(true),
        Err(rustix::io::Errno::AGAIN) => Some(false),
        Err(_) => None,
    }
}

#[test]
fn what_is_on_the_disk_is_not_kept_in_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut writer = write_open(folder.path(), CAMERA, 0, &[vec![200_000], vec![300_000], vec![100_000]]);
    let file = std::fs::File::open(folder.path().join(writer.info().path)).expect("it is there");
    let Some(before) = in_memory(&file, 100_000) else {
        eprintln!("this system cannot say what of a file it has in memory");
        return;
    };
    assert!(before, "what was just written is");
    writer.sync().expect("synced");
    assert_eq!([100_000, 400_000].map(|at| in_memory(&file, at)), [Some(false); 2]);
    let info = writer.close().expect("closed");
    let whole = SegmentFile::open(&folder.path().join(&info.path)).expect("it is ours");
    assert!(whole.closed && whole.fragments.len() == 3, "and all of it is in the file");
}

#[test]
fn a_closed_file_is_opened_by_its_table_and_gives_what_was_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let writer = write_open(folder.path(), CAMERA, 1_000_000, &[vec![900, 30], vec![70], vec![5_000, 1, 2]]);
    let open = SegmentFile::open(&folder.path().join(&writer.info().path)).expect("it is ours");
    assert!(!open.closed && open.fragments == writer.fragments());
    let info = writer.close().expect("closed");
    assert_eq!((info.start_ms, info.end_ms, info.fragments, info.epoch), (1_000_000, 1_006_000, 3, 3));
    let path = folder.path().join(&info.path);
    assert_eq!(std::fs::metadata(&path).expect("there").len(), info.bytes);
    let mut file = SegmentFile::open(&path).expect("it is ours");
    assert!(file.closed && file.init == init() && file.fragments == open.fragments);
    for (n, lens) in [vec![900, 30], vec![70], vec![5_000, 1, 2]].iter().enumerate() {
        let entry = file.fragments[n].clone();
        let (header, chunks) = fragment(1_000_000, n as u64, lens);
        assert_eq!(file.header(&entry).expect("read"), header);
        assert_eq!(file.media(&entry).expect("read"), chunks.concat());
    }
    assert_eq!(file.sync_fragment_at(1_003_999).expect("one").mark.sequence, 1);
    assert_eq!(file.sync_fragment_at(0).expect("the first").mark.sequence, 0);
}

#[test]
fn zeros_where_a_fragment_was_promised_are_cut_off() {
    let folder = tempfile::tempdir().expect("a folder");
    let writer = write_open(folder.path(), CAMERA, 0, &[vec![100], vec![200], vec![300]]);
    let (info, last) = (writer.info(), writer.fragments()[2].clone());
    drop(writer);
    let path = folder.path().join(&info.path);
    let mut bytes = std::fs::read(&path).expect("read");
    let start = usize::try_from(last.offset).expect("small") + 96;
    // All of it, or only its pictures.
    for lost_from in [start + 100, start] {
        bytes[lost_from..].fill(0);
        std::fs::write(&path, &bytes).expect("written");
        let found = recover(folder.path(), name_of(&info), false).expect("read").expect("two are whole");
        assert_eq!((found.segment.fragments, found.last_sequence), (2, 1));
    }
}

#[test]
fn what_is_not_ours_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let day = folder.path().join(CAMERA.to_string()).join("20260101");
    std::fs::create_dir_all(&day).expect("made");
    std::fs::write(day.join("notes.txt"), "mine").expect("written");
    std::fs::write(folder.path().join("holds.json"), "[]").expect("written");
    let findings = scan(folder.path(), true).expect("scanned");
    assert!(findings.segments.is_empty() && findings.empty.is_empty() && findings.unreadable.is_empty());
    assert!(day.join("notes.txt").exists());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_file_cut_anywhere_keeps_every_whole_fragment_and_nothing_else(
        fragments in prop::collection::vec(prop::collection::vec(1usize..2_000, 1..5), 1..6),
        share in 0.0f64..1.0, close in any::<bool>(), torn in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().expect("a folder");
        let writer = write_open(folder.path(), CAMERA, 5_000_000, &fragments);
        let written = writer.fragments().to_vec();
        let mut info = writer.info();
        if close {
            info = writer.close().expect("closed");
        } else {
            drop(writer);
        }
        let path = folder.path().join(&info.path);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "any place")]
        let cut = (info.bytes as f64 * share) as u64;
        let mut bytes = std::fs::read(&path).expect("read");
        bytes.truncate(usize::try_from(cut).expect("small"));
        if torn {
            // What a file system may leave: the length it had promised, and noise.
            bytes.extend([0x5a; 100]);
        }
        std::fs::write(&path, &bytes).expect("written");

        let whole: Vec<_> = written.iter().filter(|entry| entry.end_offset() <= cut).cloned().collect();
        let found = recover(folder.path(), name_of(&info), true).expect("read");
        let Some(found) = found else {
            prop_assert!(whole.is_empty());
            prop_assert!(!path.exists());
            return Ok(());
        };
        prop_assert_eq!(found.segment.fragments as usize, whole.len());
        prop_assert_eq!(found.segment.bytes, std::fs::metadata(&path).expect("there").len());
        let file = SegmentFile::open(&path).expect("it is whole now");
        prop_assert!(file.closed);
        prop_assert_eq!(&file.fragments, &whole);
        let again = recover(folder.path(), name_of(&info), true).expect("read").expect("whole");
        prop_assert_eq!(again.cut_bytes, None);
        prop_assert_eq!(again.segment, found.segment);
    }

    #[test]
    fn noise_in_the_place_of_a_file_never_panics(noise in prop::collection::vec(any::<u8>(), 0..600), after_init in any::<bool>()) {
        let folder = tempfile::tempdir().expect("a folder");
        let name = SegmentName { camera: CAMERA, start_ms: 1, id: Uuid::from_u128(1) };
        let path = name.below(folder.path());
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        let start = if after_init { init() } else { Vec::new() };
        std::fs::write(&path, [start, noise].concat()).expect("written");
        prop_assert_eq!(recover(folder.path(), name, true).expect("a finding, not an error"), None);
    }
}

#[test]
fn the_timeline_joins_segments_that_touch_and_shows_the_holes() {
    let folder = tempfile::tempdir().expect("a folder");
    let index = SegmentIndex::new(folder.path(), Vec::new()).expect("new");
    for start_ms in [0, 10_000, 30_000] {
        let info = write_open(folder.path(), CAMERA, start_ms, &vec![vec![10]; 5]).close().expect("closed");
        index.update(CAMERA, info, false);
    }
    let spans: Vec<_> = index.timeline(CAMERA, 5_000, 35_000).iter().map(|span| (span.start_ms, span.end_ms)).collect();
    assert_eq!(spans, [(5_000, 20_000), (30_000, 35_000)]);
    assert!(index.timeline(CAMERA, 20_000, 30_000).is_empty());
    assert_eq!(index.last_end_ms(CAMERA), Some(40_000));
}

#[test]
fn what_follows_a_loss_is_known_of_open_and_of_closed_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let index = SegmentIndex::new(folder.path(), Vec::new()).expect("new");
    let whole = write_open(folder.path(), CAMERA, 0, &[vec![10]]).close().expect("closed");
    let closed = write_open(folder.path(), CAMERA, 10_000, &vec![vec![10]; 3]).close().expect("closed");
    let open = write_open(folder.path(), CAMERA, 20_000, &vec![vec![10]; 2]);
    assert!(!whole.damaged && closed.damaged && open.info().damaged, "the second fragment of each is");
    index.update(CAMERA, whole, false);
    index.update(CAMERA, closed.clone(), false);
    index.update(CAMERA, open.info(), true);
    let spans = |start_ms, end_ms| -> Vec<(i64, i64)> {
        index.damaged(CAMERA, start_ms, end_ms).iter().map(|span| (span.start_ms, span.end_ms)).collect()
    };
    assert_eq!(spans(0, 40_000), [(12_000, 14_000), (22_000, 24_000)]);
    assert_eq!(spans(13_000, 22_500), [(13_000, 14_000), (22_000, 22_500)]);
    assert!(spans(0, 12_000).is_empty());
    let found = scan(folder.path(), true).expect("scanned").segments;
    assert!(found.iter().any(|found| found.segment.id == closed.id && found.segment.damaged), "the files alone say it too");
    assert_eq!(found.iter().filter(|found| found.segment.damaged).count(), 2);
}
