//! Retention on real files with a disk of a chosen size.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use tokio::sync::Notify;
use uuid::Uuid;

use super::keeping::Keeping;
use super::outbox::EventSink;
use super::retention::{Retention, held_bytes_max};
use super::space::{DiskSpace, Space};
use crate::clock::SimulatedClock;
use crate::event::{DiskLevel, MediaEvent};
use crate::segment::holds::{Held, HoldError, HoldId};
use crate::segment::tests::write_open;
use crate::segment::{Disks, SegmentFile, SegmentIndex, recover};
use crate::settings::EngineConfig;

const DAY_MS: i64 = 86_400_000;
const NOW_MS: i64 = 1_000 * DAY_MS;
const MIB: u64 = 1024 * 1024;

/// A disk on which nothing lies but the recordings.
#[derive(Debug)]
struct SmallDisk {
    total_bytes: u64,
}

impl DiskSpace for SmallDisk {
    fn space(&self, path: &Path) -> std::io::Result<Space> {
        Ok(Space { free_bytes: self.total_bytes.saturating_sub(used(path)?), total_bytes: self.total_bytes })
    }
}

fn used(folder: &Path) -> std::io::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        bytes += if entry.file_type()?.is_dir() { used(&entry.path())? } else { entry.metadata()?.len() };
    }
    Ok(bytes)
}

struct House {
    folder: TempDir,
    index: Arc<SegmentIndex>,
    keeping: Arc<Keeping>,
    retention: Retention,
}

fn camera(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

impl House {
    fn new(total_bytes: u64) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let disks = Disks::one(folder.path(), Arc::new(SmallDisk { total_bytes }));
        let index = Arc::new(SegmentIndex::over(Arc::new(disks), Vec::new()).expect("new"));
        let config = EngineConfig { retention_days: 30, ..EngineConfig::new(folder.path().into()) };
        let clock = Arc::new(SimulatedClock::new(NOW_MS));
        let urgent = Arc::new(Notify::new());
        let keeping = Arc::new(Keeping::new(config.retention_days));
        keeping.all_known();
        let retention = Retention::new(index.clone(), clock, EventSink::default(), &config, keeping.clone(), urgent);
        Self { folder, index, keeping, retention }
    }

    /// A closed segment of ten seconds and about a mebibyte.
    fn record(&self, camera: Uuid, start_ms: i64) {
        let lens = vec![vec![usize::try_from(MIB / 5).expect("small")]; 5];
        let info = write_open(self.folder.path(), camera, start_ms, &lens).close().expect("closed");
        self.index.update(camera, info, false);
    }

    fn hold(&self, camera: Uuid, start_ms: i64, end_ms: i64) -> HoldId {
        let id = HoldId(Uuid::now_v7());
        self.index.hold(Held { id, camera, start_ms, end_ms }, |_| u64::MAX).expect("held");
        id
    }

    fn starts(&self, camera: Uuid) -> Vec<i64> {
        self.index.segments(camera).iter().map(|segment| segment.start_ms).collect()
    }

    /// The index and the folder must agree, whatever was deleted.
    fn assert_files_agree(&self) {
        let findings = recover::scan(self.folder.path(), false).expect("scanned");
        let mut on_disk: Vec<_> = findings.segments.iter().map(|found| found.segment.id).collect();
        let cameras = self.index.cameras();
        let mut known: Vec<_> = cameras.iter().flat_map(|camera| self.index.segments(*camera)).map(|segment| segment.id).collect();
        on_disk.sort();
        known.sort();
        assert_eq!(on_disk, known);
    }
}

#[test]
fn what_is_too_old_goes_unless_it_is_held() {
    let mut house = House::new(1_000 * MIB);
    let (a, b) = (camera(1), camera(2));
    for days in [40, 31, 29, 0] {
        house.record(a, NOW_MS - days * DAY_MS);
        house.record(b, NOW_MS - days * DAY_MS);
    }
    let hold = house.hold(a, NOW_MS - 40 * DAY_MS + 9_000, NOW_MS - 40 * DAY_MS + 9_500);
    assert_eq!(house.retention.pass(), DiskLevel::Ok);
    assert_eq!(house.starts(a), [NOW_MS - 40 * DAY_MS, NOW_MS - 29 * DAY_MS, NOW_MS]);
    assert_eq!(house.starts(b), [NOW_MS - 29 * DAY_MS, NOW_MS]);
    house.assert_files_agree();
    assert!(house.index.release(hold).expect("written"));
    house.retention.pass();
    assert_eq!(house.starts(a), [NOW_MS - 29 * DAY_MS, NOW_MS]);
    house.assert_files_agree();
}

#[test]
fn each_camera_keeps_its_recordings_for_its_own_days() {
    let mut house = House::new(1_000 * MIB);
    let (a, b) = (camera(1), camera(2));
    house.keeping.set(a, Some(7));
    house.keeping.set(b, Some(90));
    for days in [91, 89, 31, 8, 6, 0] {
        house.record(a, NOW_MS - days * DAY_MS);
        house.record(b, NOW_MS - days * DAY_MS);
    }
    house.retention.pass();
    assert_eq!(house.starts(a), [NOW_MS - 6 * DAY_MS, NOW_MS]);
    assert_eq!(house.starts(b), [89, 31, 8, 6, 0].map(|days| NOW_MS - days * DAY_MS));
    house.keeping.set(b, Some(30));
    house.retention.pass();
    assert_eq!(house.starts(b), [8, 6, 0].map(|days| NOW_MS - days * DAY_MS), "changed while it runs");
    house.assert_files_agree();
    let growth = house.index.growth(NOW_MS - DAY_MS);
    assert_eq!(
        growth.iter().map(|growth| (growth.camera, growth.oldest_ms)).collect::<Vec<_>>(),
        [(a, NOW_MS - 6 * DAY_MS), (b, NOW_MS - 8 * DAY_MS)]
    );
    assert!(growth.iter().all(|growth| growth.bytes > MIB / 2 && growth.bytes < 2 * MIB), "one segment each: {growth:?}");
}

#[test]
fn two_hours_of_all_cameras_are_a_reserve_that_a_share_of_a_small_disk_is_not() {
    let mut house = House::new(100 * MIB);
    let (a, b) = (camera(1), camera(2));
    for n in 0..80 {
        house.record(a, NOW_MS - DAY_MS + n * 10_000);
    }
    house.hold(a, NOW_MS - DAY_MS, NOW_MS - DAY_MS + 800_000);
    for n in 0..12 {
        house.record(b, NOW_MS + n * 10_000);
    }
    assert_eq!(house.retention.pass(), DiskLevel::Low, "twenty are left: more than 5 %");
    // 30 kbit/s are about 26 MiB in two hours: more than what is left beside the holds.
    house.keeping.set_bit_rate(30_000);
    assert_eq!(house.retention.pass(), DiskLevel::Reserve);
    assert_eq!(house.starts(a).len(), 80);
}

#[test]
fn below_the_watermark_the_oldest_of_all_cameras_go_first_and_no_more_than_needed() {
    let mut house = House::new(20 * MIB);
    let (a, b) = (camera(1), camera(2));
    for n in 0..10 {
        house.record(if n % 2 == 0 { a } else { b }, NOW_MS - DAY_MS + n * 10_000);
    }
    assert_eq!(house.retention.pass(), DiskLevel::Ok, "half the disk is free");
    for n in 10..19 {
        house.record(a, NOW_MS - DAY_MS + n * 10_000);
    }
    assert_eq!(house.retention.pass(), DiskLevel::Low);
    // 10 % of 20 MiB free leaves room for 17 and a little: two went.
    assert_eq!(house.starts(a)[0], NOW_MS - DAY_MS + 20_000);
    assert_eq!(house.starts(b)[0], NOW_MS - DAY_MS + 30_000);
    assert_eq!(house.index.len(), 17);
    house.assert_files_agree();
}

#[test]
fn held_recordings_stay_and_the_rest_becomes_a_ring_in_the_reserve() {
    let mut house = House::new(100 * MIB);
    let (a, b) = (camera(1), camera(2));
    for n in 0..96 {
        house.record(a, NOW_MS - DAY_MS + n * 10_000);
    }
    house.hold(a, NOW_MS - DAY_MS, NOW_MS - DAY_MS + 960_000);
    for n in 0..3 {
        house.record(b, NOW_MS + n * 10_000);
    }
    assert_eq!(house.retention.pass(), DiskLevel::Reserve);
    assert_eq!(house.starts(a).len(), 96, "evidence on hold is never deleted");
    let ring = house.starts(b);
    assert!(!ring.is_empty() && ring.len() < 3, "the newest stay, the oldest make room: {ring:?}");
    assert_eq!(ring.last(), Some(&(NOW_MS + 20_000)));
    // Recording goes on in what is left.
    for n in 3..40 {
        house.record(b, NOW_MS + n * 10_000);
        assert_ne!(house.retention.pass(), DiskLevel::Full, "segment {n}");
    }
    assert_eq!(house.starts(a).len(), 96);
    house.assert_files_agree();
}

#[test]
fn holds_do_not_reach_into_the_reserve_and_survive_a_restart() {
    let house = House::new(100 * MIB);
    let a = camera(1);
    for n in 0..4 {
        house.record(a, NOW_MS + n * 10_000);
    }
    let space = Space { free_bytes: 0, total_bytes: 100 * MIB };
    assert_eq!(held_bytes_max(space, 5 * MIB), 95 * MIB);
    let held = |end_ms| Held { id: HoldId(Uuid::now_v7()), camera: a, start_ms: NOW_MS, end_ms };
    let too_much = house.index.hold(held(NOW_MS + 40_000), |_| 3 * MIB);
    assert!(matches!(too_much, Err(HoldError::NoRoom)), "{too_much:?}");
    assert!(matches!(house.index.hold(held(NOW_MS), |_| u64::MAX), Err(HoldError::Empty)));
    house.index.hold(held(NOW_MS + 15_000), |_| 3 * MIB).expect("two fit");
    let again = SegmentIndex::new(house.folder.path(), Vec::new()).expect("read again");
    assert!(again.is_held(a, NOW_MS + 14_000, NOW_MS + 16_000));
    assert!(!again.is_held(a, NOW_MS + 15_000, NOW_MS + 16_000));
    assert!(!again.is_held(camera(2), NOW_MS, NOW_MS + 1));
}

#[test]
fn a_hold_on_what_is_yet_to_be_recorded_keeps_it() {
    let mut house = House::new(1_000 * MIB);
    let a = camera(1);
    let start_ms = NOW_MS - 50 * DAY_MS;
    house.hold(a, start_ms, start_ms + 1_000);
    house.record(a, start_ms);
    house.record(a, start_ms + 10_000);
    house.retention.pass();
    assert_eq!(house.starts(a), [start_ms]);
}

#[test]
fn damaged_holds_stop_the_start_instead_of_being_forgotten() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("holds.json"), "[{").expect("written");
    assert!(SegmentIndex::new(folder.path(), Vec::new()).is_err());
}

/// Disks of their own sizes, each with nothing on it but recordings.
#[derive(Debug)]
struct SomeDisks(Vec<(PathBuf, u64)>);

impl DiskSpace for SomeDisks {
    fn space(&self, path: &Path) -> std::io::Result<Space> {
        let found = self.0.iter().find(|(folder, _)| folder == path);
        let total_bytes = found.ok_or_else(|| std::io::Error::other("no such disk"))?.1;
        Ok(Space { free_bytes: total_bytes.saturating_sub(used(path)?), total_bytes })
    }
}

/// Two disks, one of them small.
struct TwoDisks {
    _folder: TempDir,
    folders: Vec<PathBuf>,
    known: PathBuf,
    index: Arc<SegmentIndex>,
    events: EventSink,
    retention: Retention,
}

impl TwoDisks {
    fn new(megabytes: [u64; 2]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let folders: Vec<PathBuf> = ["a", "b"].map(|name| folder.path().join(name)).into();
        let known = folder.path().join("data").join("disks.json");
        std::fs::create_dir(folder.path().join("data")).expect("made");
        let said = SomeDisks(folders.iter().cloned().zip(megabytes.map(|size| size * MIB)).collect());
        let disks = Disks::open(&folders, Some(&known), Arc::new(said)).expect("opened");
        let index = Arc::new(SegmentIndex::over(Arc::new(disks), Vec::new()).expect("new"));
        let config = EngineConfig { retention_days: 30, ..EngineConfig::new(folders[0].clone()) };
        let keeping = Arc::new(Keeping::new(30));
        keeping.all_known();
        let (clock, events) = (Arc::new(SimulatedClock::new(NOW_MS)), EventSink::default());
        let retention = Retention::new(index.clone(), clock, events.clone(), &config, keeping, Arc::new(Notify::new()));
        Self { _folder: folder, folders, known, index, events, retention }
    }

    fn record(&self, disk: usize, camera: Uuid, start_ms: i64) {
        let lens = vec![vec![usize::try_from(MIB / 5).expect("small")]; 5];
        let writer = write_open(&self.folders[disk], camera, start_ms, &lens).on(self.index.disks().id(disk));
        self.index.update(camera, writer.close().expect("closed"), false);
    }

    fn on(&self, disk: usize) -> usize {
        self.index.segments(camera(1)).iter().filter(|segment| segment.disk == self.index.disks().id(disk)).count()
    }

    /// What was told of disks, in order.
    async fn told(&self) -> Vec<(PathBuf, DiskLevel)> {
        let (to, mut from) = tokio::sync::mpsc::channel(1_000);
        let stop = tokio_util::sync::CancellationToken::new();
        stop.cancel();
        self.events.hand_on(to, stop).await;
        let mut told = Vec::new();
        while let Some(event) = from.recv().await {
            if let MediaEvent::Disk { folder, level, .. } = event {
                told.push((folder, level));
            }
        }
        told
    }
}

#[tokio::test]
async fn each_disk_has_its_own_watermark_and_only_its_own_recordings_make_room() {
    let mut house = TwoDisks::new([20, 1_000]);
    for n in 0..19 {
        house.record(0, camera(1), NOW_MS - DAY_MS + n * 10_000);
    }
    // Older, but on the disk that has room.
    for n in 0..5 {
        house.record(1, camera(1), NOW_MS - 2 * DAY_MS + n * 10_000);
    }
    assert_eq!(house.retention.pass(), DiskLevel::Low);
    assert_eq!((house.on(0), house.on(1)), (17, 5));
    assert_eq!(house.told().await, [(house.folders[0].clone(), DiskLevel::Low), (house.folders[1].clone(), DiskLevel::Ok)]);
    let held = Held { id: HoldId(Uuid::now_v7()), camera: camera(1), start_ms: NOW_MS - DAY_MS, end_ms: NOW_MS };
    let refused = house.index.hold(held, |disk| if disk == 0 { 3 * MIB } else { u64::MAX });
    assert!(matches!(refused, Err(HoldError::NoRoom)), "the small disk has no room for so much evidence: {refused:?}");
}

#[tokio::test]
async fn a_disk_that_goes_away_is_told_keeps_what_lies_on_it_and_is_mended_when_it_is_back() {
    let mut house = TwoDisks::new([1_000, 1_000]);
    let a = camera(1);
    house.record(0, a, NOW_MS - DAY_MS);
    house.record(1, a, NOW_MS - DAY_MS + 10_000);
    // Too old: deleted as soon as its disk is here, and not before.
    house.record(1, a, NOW_MS - 40 * DAY_MS);
    let hold = Held { id: HoldId(Uuid::now_v7()), camera: a, start_ms: NOW_MS - 50 * DAY_MS, end_ms: NOW_MS - 49 * DAY_MS };
    house.index.hold(hold.clone(), |_| u64::MAX).expect("held");
    // A file that was being written when the disk went.
    let open = write_open(&house.folders[1], a, NOW_MS - 1_000_000, &[vec![100], vec![100]]);
    drop(open);
    let away = house.folders[1].with_extension("unplugged");
    std::fs::rename(&house.folders[1], &away).expect("unmounted");
    std::fs::create_dir(&house.folders[1]).expect("the mount point");
    house.retention.pass();
    assert_eq!((house.on(0), house.on(1), house.index.len()), (1, 0, 3), "known, and not shown");
    assert_eq!(house.index.disks().places(), [0]);
    assert_eq!(house.index.timeline(a, 0, NOW_MS).len(), 1);
    assert_eq!(std::fs::read_dir(&house.folders[1]).expect("read").count(), 0, "nothing is written below the mount point");
    // A start without it knows of the hold, and of no file on it.
    let said = Arc::new(SomeDisks(house.folders.iter().map(|folder| (folder.clone(), 1_000 * MIB)).collect()));
    let disks = Arc::new(Disks::open(&house.folders, Some(&house.known), said).expect("opened"));
    let findings = recover::scan_all(&disks, true).expect("scanned");
    let again = SegmentIndex::over(disks, findings.segments).expect("new");
    assert_eq!((again.len(), again.holds()), (1, vec![hold]));

    std::fs::remove_dir(&house.folders[1]).expect("the mount point");
    std::fs::rename(&away, &house.folders[1]).expect("mounted");
    house.retention.pass();
    assert_eq!((house.on(0), house.on(1)), (1, 2), "the one that is too old has gone, the one that was open is whole");
    let mended = house.index.segments(a).pop().expect("the newest");
    assert!(SegmentFile::open(&house.index.path_of(&mended)).expect("ours").closed);
    let levels: Vec<DiskLevel> = house.told().await.into_iter().filter(|told| told.0 == house.folders[1]).map(|told| told.1).collect();
    assert_eq!(levels, [DiskLevel::Away, DiskLevel::Ok]);
}
