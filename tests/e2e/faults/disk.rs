//! Disks: full, slow, read-only, and files that somebody removes or cuts by hand.
//!
//! Real file systems: a small ext4 in a file, mounted through a loop device. That needs root; without it these tests say that
//! they were left out, and why (see [`e2e::left_out`]).

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use e2e::{Program, decodes_cleanly, left_out, until};
use media::Supervisor;
use media::virtual_camera::{Incident, VirtualServer};

use super::SLOW;
use super::ward::{NEXT_ATTEMPT_MS, QUICK, Watched, add, now_ms, start_cameras, tiny};

/// Files are short, so that some are closed and others begin while a fault lasts.
const SHORT_FILES: &[(&str, &str)] = &[("SEGMENT_MS", "4000"), ("FRAGMENT_MS_MAX", "2000"), ("RETENTION_INTERVAL_MS", "500")];

/// The piece that is being gathered when a fault begins: two seconds, and its last half second.
const LOST_PIECE_MS: i64 = 2_500;

/// What the program keeps free where nobody says otherwise.
pub(super) const SHARES: &[(&str, &str)] = &[("DISK_LOW_PERCENT", "10"), ("RESERVE_PERCENT", "5")];

/// A file system of its own, as large as it was made.
pub(super) struct SmallDisk {
    folder: tempfile::TempDir,
}

impl SmallDisk {
    /// `None` where it cannot be had; says why.
    pub(super) fn make(megabytes: u64) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let (image, point) = (folder.path().join("image"), folder.path().join("mounted"));
        std::fs::create_dir(&point).unwrap();
        std::fs::File::create(&image).unwrap().set_len(megabytes << 20).unwrap();
        let path = |path: &Path| path.to_string_lossy().into_owned();
        let made = run("mkfs.ext4", &["-q", "-F", "-m", "0", &path(&image)])
            .and_then(|()| run("mount", &["-o", "loop", &path(&image), &path(&point)]));
        match made {
            Ok(()) => Some(Self { folder }),
            Err(why) => {
                left_out(&format!("a small file system cannot be mounted here: {why}"));
                None
            }
        }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join("mounted")
    }

    /// Free space, bytes.
    fn free(&self) -> u64 {
        let output = Command::new("df").args(["--output=avail", "-B1"]).arg(self.path()).output().unwrap();
        String::from_utf8_lossy(&output.stdout).lines().nth(1).unwrap().trim().parse().unwrap()
    }

    /// Somebody else fills it until so many bytes are left.
    pub(super) fn fill(&self, leave: u64) {
        let mut name = 0;
        while self.free() > leave {
            let bytes = (self.free() - leave).min(1 << 20);
            let path = loop {
                name += 1;
                let path = self.path().join(format!("somebody-elses-{name}"));
                if !path.exists() {
                    break path;
                }
            };
            if std::fs::write(path, vec![0x5a; usize::try_from(bytes).unwrap()]).is_err() {
                return;
            }
        }
    }

    fn empty(&self) {
        for entry in std::fs::read_dir(self.path()).unwrap().map(Result::unwrap) {
            if entry.file_name().to_string_lossy().starts_with("somebody") {
                std::fs::remove_file(entry.path()).unwrap();
            }
        }
    }

    /// Mounts it anew, `ro` or `rw`.
    fn remount(&self, how: &str) -> Result<(), String> {
        run("mount", &["-o", &format!("remount,{how}"), &self.path().to_string_lossy()])
    }

    fn freeze(&self, frozen: bool) -> Result<(), String> {
        run("fsfreeze", &[if frozen { "-f" } else { "-u" }, &self.path().to_string_lossy()])
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _not_frozen = self.freeze(false);
        if let Err(why) = run("umount", &["-l", &self.path().to_string_lossy()]) {
            eprintln!("a small file system stays mounted: {why}");
        }
    }
}

fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new(program).args(arguments).output().map_err(|error| format!("{program}: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if output.status.success() { Ok(()) } else { Err(format!("{program}: {said}")) }
}

/// A program that records one camera, to a disk of its own where one is given.
struct House {
    // Dropped in this order: nothing may be open on the disk when it is taken away.
    program: Program,
    camera: Watched,
    _server: VirtualServer,
    supervisor: Supervisor,
}

impl House {
    async fn open(disk: Option<&SmallDisk>, settings: &[(&str, &str)]) -> Self {
        let supervisor = Supervisor::new();
        let server = start_cameras(&supervisor, vec![tiny("kitchen")]).await;
        let recordings = disk.map(|disk| disk.path().join("recordings").to_string_lossy().into_owned());
        let mut settings = [QUICK, settings].concat();
        settings.extend(recordings.as_deref().map(|path| ("RECORDINGS", path)));
        let program = Program::start(None, &settings).await;
        let camera = add(&program, &server, "kitchen").await;
        camera.recording().await;
        Self { program, camera, _server: server, supervisor }
    }

    /// Segment files of the camera, the oldest first.
    fn files(&self, recordings: &Path) -> Vec<PathBuf> {
        files_in(&recordings.join(&self.camera.id))
    }

    fn recordings(&self) -> PathBuf {
        self.program.folder.path().join("recordings")
    }

    async fn decodes(&self) {
        let span = self.camera.recorded().await;
        decodes_cleanly(self.camera.export(&span).await.path());
    }

    async fn close(mut self) {
        assert!(self.program.stop(), "it stops in order");
        let (code, said) = self.program.run(&["check"]);
        assert_eq!(code, Some(0), "{said}");
        self.supervisor.shutdown(Duration::from_secs(5)).await;
    }
}

/// What lies in the days of a camera's folder; files may go while it is read.
fn files_in(folder: &Path) -> Vec<PathBuf> {
    let listed = |folder: &Path| std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect::<Vec<_>>();
    let mut files: Vec<_> = listed(folder).into_iter().filter(|day| day.is_dir()).flat_map(|day| listed(&day)).collect();
    files.sort();
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_turns_recording_into_a_ring_and_one_that_others_filled_is_told_and_over_when_it_is() {
    let Some(disk) = SmallDisk::make(64) else { return };
    let house = House::open(Some(&disk), &[SHORT_FILES, SHARES].concat()).await;
    let recordings = disk.path().join("recordings");
    until("three files", SLOW, || async { (house.files(&recordings).len() >= 3).then_some(()) }).await;

    // Below the low mark the oldest go, and recording goes on.
    let oldest = house.files(&recordings)[0].clone();
    disk.fill(1 << 20);
    until("the oldest is gone", SLOW, || async { (!oldest.exists()).then_some(()) }).await;
    house.camera.sends(40).await;
    // What went before its time is missing from then on, and nothing else is.
    let missing = house.camera.gaps().await;
    assert!(missing.iter().all(|gap| gap.reason == "disk"), "{missing:?}");
    let ring_ms = now_ms();
    until("recording goes on", SLOW, || async {
        let (_, end) = house.camera.recorded().await;
        (end.parse::<jiff::Timestamp>().unwrap().as_millisecond() > ring_ms).then_some(())
    })
    .await;

    // Not a byte is left, whatever is deleted: somebody else keeps each recording open, and takes what is free at once.
    let full = Arc::new(AtomicBool::new(true));
    let began_ms = now_ms();
    let filling = {
        let (full, point, folder) = (full.clone(), disk.path(), recordings.join(&house.camera.id));
        std::thread::spawn(move || {
            let (mut kept, piece) = (HashMap::new(), vec![0x5a; 1 << 20]);
            // One file that grows: a file for each piece would use up the names before the room.
            let mut again = std::fs::File::create(point.join("somebody-again")).unwrap();
            while full.load(Ordering::SeqCst) {
                for path in files_in(&folder) {
                    if let Entry::Vacant(place) = kept.entry(path)
                        && let Ok(file) = std::fs::File::open(place.key())
                    {
                        place.insert(file);
                    }
                }
                // A piece that does not fit leaves nothing: so there are ever smaller ones.
                for bytes in [1 << 20, 1 << 16, 1 << 12, 1 << 8] {
                    while again.write_all(&piece[..bytes]).is_ok() {}
                }
                std::thread::sleep(Duration::from_millis(2));
            }
        })
    };
    // The recorder may have won room before somebody else took it, and again until it has none for as long.
    until("five seconds without room", SLOW, || async {
        house.camera.until_state("offline", "disk").await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        (house.camera.state().await == ("offline".to_owned(), "disk".to_owned())).then_some(())
    })
    .await;
    // There is room as soon as the first of its files is gone, not when the last is.
    let ended_ms = now_ms();
    full.store(false, Ordering::SeqCst);
    filling.join().unwrap();
    disk.empty();
    house.camera.recording().await;
    let late_ms = house.camera.within_ms();
    let gaps = until("the gap is closed", SLOW, || async {
        let gaps = house.camera.gaps().await;
        gaps.last().is_some_and(|gap| (ended_ms - late_ms..now_ms() - 2_000).contains(&gap.end_ms)).then_some(gaps)
    })
    .await;
    // A piece may be ours before somebody else has it: then there is another gap. And whatever the ring gave up before joins the
    // first of them.
    assert!(gaps.iter().all(|gap| gap.reason == "disk"), "{gaps:?}");
    let since: Vec<_> = gaps.iter().filter(|gap| gap.end_ms > began_ms).collect();
    let (Some(first), Some(last)) = (since.first(), since.last()) else { panic!("no gap since {began_ms}: {gaps:?}") };
    let gap = super::ward::Gap { end_ms: last.end_ms, ..(*first).clone() };
    // It is there while there is no room, and ends with the first picture that was sent when there was some.
    let first = house.camera.first_after(began_ms, gap.end_ms);
    assert!(gap.start_ms <= ended_ms - 5_000, "{gap:?}, full from {began_ms}, room again at {ended_ms}");
    assert!((gap.end_ms - first.sent_ms).abs() <= late_ms, "{gap:?} ends with the first picture that was sent again: {first:?}");
    house.camera.no_other_alert().await;
    let back_ms = house.camera.back_in_time(ended_ms, gap.end_ms, NEXT_ATTEMPT_MS);
    eprintln!("disk full: gap of {} ms, back after {back_ms} ms", gap.end_ms - gap.start_ms);
    house.decodes().await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_takes_two_seconds_a_write_loses_nothing() {
    let Some(disk) = SmallDisk::make(64) else { return };
    if let Err(why) = disk.freeze(true).and_then(|()| disk.freeze(false)) {
        left_out(&format!("a file system cannot be slowed down here: {why}"));
        return;
    }
    let house = House::open(Some(&disk), &[]).await;
    house.camera.sends(40).await;
    for _ in 0..8 {
        disk.freeze(true).unwrap();
        tokio::time::sleep(Duration::from_secs(2)).await;
        disk.freeze(false).unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    house.camera.sends(60).await;
    house.camera.left_nothing().await;
    assert_eq!(house.camera.real.totals().viewings, 1, "one connection");
    house.decodes().await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_takes_no_new_file_is_told_and_over_when_it_does() {
    let Some(disk) = SmallDisk::make(64) else { return };
    let house = House::open(Some(&disk), &[SHORT_FILES, SHARES].concat()).await;
    let recordings = disk.path().join("recordings");
    until("two files", SLOW, || async { (house.files(&recordings).len() >= 2).then_some(()) }).await;
    let day = house.files(&recordings)[0].parent().unwrap().to_owned();
    // Even root cannot make a file in a folder that must not change.
    if let Err(why) = run("chattr", &["+i", &day.to_string_lossy()]) {
        left_out(&format!("a folder cannot be made read-only for root here: {why}"));
        return;
    }
    let began_ms = now_ms();
    house.camera.until_state("offline", "disk").await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    run("chattr", &["-i", &day.to_string_lossy()]).unwrap();
    let ended_ms = now_ms();
    house.camera.recording().await;
    let gaps = until("the gap is closed", SLOW, || async {
        let gaps = house.camera.gaps().await;
        gaps.last().is_some_and(|gap| gap.end_ms < now_ms() - 2_000).then_some(gaps)
    })
    .await;
    let [gap] = gaps.as_slice() else { panic!("one gap: {gaps:?}") };
    // The file that was open takes more until it is full: four seconds at most, and the piece that found no new file is lost.
    let (late_ms, first) = (house.camera.within_ms(), house.camera.first_after(ended_ms - 2_000, gap.end_ms));
    let begins = (began_ms - LOST_PIECE_MS - late_ms)..=(began_ms + 4_000 + late_ms);
    assert!(gap.reason == "disk" && begins.contains(&gap.start_ms), "{gap:?}, from {began_ms} on");
    assert!((gap.end_ms - first.sent_ms).abs() <= late_ms, "{gap:?} ends with the first picture that was sent again: {first:?}");
    house.camera.back_in_time(ended_ms, gap.end_ms, NEXT_ATTEMPT_MS);
    let recorded = house.camera.timeline().await;
    assert!(recorded["segments"].as_array().unwrap().iter().any(|span| super::ward::ms(&span["end"]) == gap.start_ms), "{recorded}");
    house.camera.no_other_alert().await;
    house.decodes().await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_read_only_is_told_and_over_when_it_can_be_written_again() {
    let Some(disk) = SmallDisk::make(64) else { return };
    let house = House::open(Some(&disk), &[SHORT_FILES, SHARES].concat()).await;
    let recordings = disk.path().join("recordings");
    until("two files", SLOW, || async { (house.files(&recordings).len() >= 2).then_some(()) }).await;
    // A file system with files open for writing cannot be made read-only, so the camera drops for a moment before.
    let began_ms = now_ms();
    house.camera.real.set(Incident::Drop).await.unwrap();
    house.camera.until_offline().await;
    until("nothing is open for writing", SLOW, || async { disk.remount("ro").ok() }).await;
    house.camera.real.clear();
    house.camera.until_state("offline", "disk").await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    disk.remount("rw").unwrap();
    let ended_ms = now_ms();
    eprintln!("read-only disk: {}", house.camera.left_gap(&["offline", "disk"], (began_ms, ended_ms), NEXT_ATTEMPT_MS).await);
    house.decodes().await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_removed_or_cut_while_it_is_written_costs_that_file_and_is_told() {
    let house = House::open(None, &[]).await;
    house.camera.sends(80).await;
    let recordings = house.recordings();
    let file = house.files(&recordings).pop().unwrap();
    let removed_ms = now_ms();
    std::fs::remove_file(&file).unwrap();
    let gone = until("a gap for what is gone", SLOW, || async { house.camera.gaps().await.into_iter().next() }).await;
    // All that the file had is gone: from the camera's first picture to the last piece before it was noticed.
    let (late_ms, sent) = (house.camera.within_ms(), house.camera.real.sent());
    assert_eq!(gone.reason, "disk");
    assert!((gone.start_ms - sent[0].sent_ms).abs() <= late_ms, "{gone:?}, from {}", sent[0].sent_ms);
    assert!((gone.end_ms - removed_ms).abs() <= LOST_PIECE_MS + late_ms, "{gone:?}, removed at {removed_ms}");
    until("a new file", SLOW, || async { (house.files(&recordings).len() == 1).then_some(()) }).await;
    house.camera.sends(80).await;

    let file = house.files(&recordings).pop().unwrap();
    let len = std::fs::metadata(&file).unwrap().len();
    let cut_ms = now_ms();
    std::fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(len / 2).unwrap();
    let cut = until("a gap for what is cut off", SLOW, || async { house.camera.gaps().await.into_iter().nth(1) }).await;
    assert_eq!(cut.reason, "disk");
    assert!(cut.start_ms > gone.end_ms && (cut.end_ms - cut_ms).abs() <= LOST_PIECE_MS + late_ms, "{cut:?}, cut at {cut_ms}");
    house.camera.sends(60).await;
    assert_eq!(house.camera.real.totals().viewings, 1, "the camera's connection has nothing to do with it");
    house.camera.no_other_alert().await;
    house.decodes().await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_were_removed_or_cut_are_found_and_the_index_is_made_anew_from_the_files() {
    let mut house = House::open(None, &[SHORT_FILES[0], SHORT_FILES[1]]).await;
    until("five files", SLOW, || async { (house.files(&house.recordings()).len() >= 5).then_some(()) }).await;
    assert!(house.program.stop());

    // The index is gone; the files alone tell everything, wall times included.
    let rows =
        |program: &Program| sqlite(program, "SELECT path, start_ms, end_ms, bytes, fragments, codec, epoch FROM segments ORDER BY path");
    let before = rows(&house.program);
    sqlite(&house.program, "DELETE FROM segments");
    assert_ne!(house.program.run(&["check"]).0, Some(0));
    let (code, said) = house.program.run(&["check", "--repair"]);
    assert_eq!((code, rows(&house.program)), (Some(0), before), "{said}");

    let spans = sqlite(&house.program, "SELECT start_ms, end_ms FROM segments ORDER BY start_ms");
    let spans: Vec<(i64, i64)> = serde_json::from_str(&spans.replace('(', "[").replace(')', "]")).unwrap();
    let files = house.files(&house.recordings());
    std::fs::remove_file(&files[1]).unwrap();
    let len = std::fs::metadata(&files[2]).unwrap().len();
    std::fs::OpenOptions::new().write(true).open(&files[2]).unwrap().set_len(len * 3 / 4).unwrap();
    let (code, said) = house.program.run(&["check"]);
    assert!(code != Some(0) && said.contains("not on the disk"), "{said}");
    let (code, said) = house.program.run(&["check", "--repair"]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = house.program.run(&["check"]);
    assert_eq!(code, Some(0), "{said}");
    house.program.serve().await;
    house.camera = house.camera.seen_by(&house.program).await;
    house.camera.recording().await;
    house.camera.sends(60).await;
    let gaps = house.camera.gaps().await;
    let reasons: Vec<&str> = gaps.iter().map(|gap| gap.reason.as_str()).collect();
    assert_eq!(reasons, ["disk", "disk", "restart"], "{gaps:?}");
    // All of the one, and of the other what was cut off.
    assert_eq!((gaps[0].start_ms, gaps[0].end_ms), spans[1], "{gaps:?}, {spans:?}");
    assert!(gaps[1].start_ms > spans[2].0 && gaps[1].end_ms == spans[2].1, "{gaps:?}, {spans:?}");
    house.camera.no_other_alert().await;
    house.decodes().await;
    house.close().await;
}

/// What a statement gives on the program's database, in Python's words.
pub(super) fn sqlite(program: &Program, statement: &str) -> String {
    const SCRIPT: &str =
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); r = c.execute(sys.argv[2]).fetchall(); c.commit(); print(r)";
    let output =
        Command::new("python3").args(["-c", SCRIPT]).arg(program.folder.path().join("bright-kitchen.db")).arg(statement).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
