//! Several disks through the real program: recordings move from one to the other while recording goes on, a disk goes away and
//! comes back, and the index is made anew from the files of both.
//!
//! The disks are folders: what makes one is its mark, and a mount point without its disk is a folder without the mark.

use std::path::{Path, PathBuf};
use std::time::Duration;

use e2e::{Program, decodes_cleanly, until};
use media::Supervisor;
use media::virtual_camera::VirtualServer;
use serde_json::Value;

use super::SLOW;
use super::disk::{SHARES, SmallDisk};
use super::ward::{QUICK, Watched, add, now_ms, start_cameras, tiny};

const SHORT_FILES: &[(&str, &str)] = &[("SEGMENT_MS", "3000"), ("FRAGMENT_MS_MAX", "2000"), ("RETENTION_INTERVAL_MS", "300")];

struct House {
    program: Program,
    camera: Watched,
    _server: VirtualServer,
    supervisor: Supervisor,
    folders: [PathBuf; 2],
    _place: tempfile::TempDir,
}

impl House {
    async fn open() -> Self {
        let place = tempfile::tempdir().unwrap();
        let folders = ["disk1", "disk2"].map(|name| place.path().join(name));
        Self::open_on(folders, place, &[]).await
    }

    async fn open_on(folders: [PathBuf; 2], place: tempfile::TempDir, shares: &[(&str, &str)]) -> Self {
        let supervisor = Supervisor::new();
        let server = start_cameras(&supervisor, vec![tiny("kitchen")]).await;
        let both = format!("{},{}", folders[0].display(), folders[1].display());
        let settings = [QUICK, SHORT_FILES, shares, &[("RECORDINGS", both.as_str())]].concat();
        let program = Program::start(None, &settings).await;
        let camera = add(&program, &server, "kitchen").await;
        camera.recording().await;
        Self { program, camera, _server: server, supervisor, folders, _place: place }
    }

    fn files(&self, disk: usize) -> usize {
        count(&self.folders[disk].join(&self.camera.id))
    }

    async fn until_files(&self, disk: usize, more_than: usize) {
        until("more files on that disk", SLOW, || async { (self.files(disk) > more_than).then_some(()) }).await;
    }

    async fn health(&self) -> Value {
        self.camera.root.get("/system/health").await.1
    }

    async fn until_level(&self, disk: usize, level: &str) {
        until(level, SLOW, || async { (self.health().await["disks"][disk]["level"] == level).then_some(()) }).await;
    }

    fn command(&self, args: &[&str]) -> (Option<i32>, String) {
        self.program.run(args)
    }

    fn away(&self, disk: usize) -> PathBuf {
        self.folders[disk].with_extension("unplugged")
    }

    fn unplug(&self, disk: usize) {
        std::fs::rename(&self.folders[disk], self.away(disk)).unwrap();
        std::fs::create_dir(&self.folders[disk]).unwrap();
    }

    fn plug(&self, disk: usize) {
        std::fs::remove_dir(&self.folders[disk]).expect("nothing was written below the mount point");
        std::fs::rename(self.away(disk), &self.folders[disk]).unwrap();
    }

    async fn spans(&self, kind: &str) -> usize {
        self.camera.timeline().await[kind].as_array().unwrap().len()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_others_fill_in_mid_file_costs_nothing_that_comes_afterwards() {
    let Some(small) = SmallDisk::make(64) else { return };
    let place = tempfile::tempdir().unwrap();
    let folders = [small.path().join("recordings"), place.path().join("large")];
    let mut house = House::open_on(folders, place, SHARES).await;
    house.until_files(0, 0).await;
    small.fill(0);
    let filled_ms = now_ms();
    house.until_files(1, 2).await;
    house.camera.sends(60).await;
    assert_eq!(house.camera.real.totals().viewings, 1, "the camera does not notice");
    // What the small disk gave up to make room is missing; nothing that came after it was full is.
    let gaps = house.camera.gaps().await;
    assert!(gaps.iter().all(|gap| gap.reason == "disk" && gap.end_ms <= filled_ms + 5_000), "{gaps:?}, full at {filled_ms}");
    house.camera.recording().await;
    decodes_cleanly(house.camera.export(&house.camera.recorded().await).await.path());
    assert!(house.program.stop());
    let (code, said) = house.command(&["check"]);
    assert_eq!(code, Some(0), "{said}");
    house.supervisor.shutdown(Duration::from_secs(5)).await;
}

/// Segment files of a camera's folder.
fn count(folder: &Path) -> usize {
    let days = std::fs::read_dir(folder).into_iter().flatten().flatten().filter(|day| day.path().is_dir());
    let files = days.flat_map(|day| std::fs::read_dir(day.path()).into_iter().flatten().flatten());
    files.filter(|file| file.path().extension().is_some_and(|extension| extension == "mp4")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn recordings_move_between_disks_while_recording_goes_on_and_a_disk_that_goes_away_is_back_with_all() {
    let mut house = House::open().await;
    house.until_files(0, 1).await;
    house.until_files(1, 1).await;
    let health = house.health().await;
    // How full they are depends on the machine.
    assert!(health["disks"].as_array().unwrap().len() == 2 && health["disks"][1]["level"] != "away", "{health}");

    // Away from the first, while recording goes on; what is asked again is done already.
    let folder = |disk: usize| house.folders[disk].to_string_lossy().into_owned();
    let (first, second) = (folder(0), folder(1));
    for _ in 0..2 {
        let (code, said) = house.command(&["recordings", "move", "--from", &first, "--to", &second]);
        assert!(code == Some(0) && said.contains("done"), "{said}");
        assert_eq!(house.files(0), 0, "{said}");
    }
    assert_eq!(house.health().await["disks"][0]["leaving"], true);
    let (before, all) = (house.files(1), house.camera.recorded().await);
    house.until_files(1, before + 1).await;
    assert_eq!(house.files(0), 0, "nothing new comes to the disk that goes");
    decodes_cleanly(house.camera.export(&all).await.path());
    let (code, said) = house.command(&["check"]);
    assert_eq!(code, Some(0), "beside the server: {said}");
    let (code, said) = house.command(&["recordings", "move", "--from", &first, "--to", "/nowhere"]);
    assert!(code == Some(1) && said.contains("none of the folders"), "{said}");
    assert_eq!(house.command(&["recordings", "use"]).0, Some(0));
    house.until_files(0, 1).await;
    assert_eq!(house.camera.real.totals().viewings, 1, "one connection from the beginning");
    assert_eq!(house.camera.gaps().await, []);

    // A disk goes away: told, recording goes on, what lies on it is listed and no gap.
    house.unplug(0);
    house.until_level(0, "away").await;
    let problems = house.health().await["problems"].clone();
    assert!(problems.as_array().unwrap().iter().any(|problem| problem["code"] == "disk_away"), "{problems}");
    let before = house.files(1);
    house.until_files(1, before + 1).await;
    assert!(house.spans("away").await > 0 && house.spans("segments").await > 0);
    assert_eq!(house.camera.gaps().await, []);
    let (code, said) = house.command(&["recordings", "disks"]);
    assert!(code == Some(1) && said.contains("away"), "{said}");
    // The same after a restart, and nothing of it is lost by a repair.
    assert!(house.program.stop());
    let (code, said) = house.command(&["check", "--repair"]);
    assert!(code == Some(0) && said.contains("is away"), "{said}");
    house.program.serve().await;
    house.camera = house.camera.seen_by(&house.program).await;
    house.camera.recording().await;
    house.until_level(0, "away").await;
    assert!(house.spans("away").await > 0);
    let before = house.files(1);
    house.until_files(1, before).await;

    house.plug(0);
    until("it is back", SLOW, || async { (house.health().await["disks"][0]["level"] != "away").then_some(()) }).await;
    until("nothing is away", SLOW, || async { (house.spans("away").await == 0).then_some(()) }).await;
    let before = house.files(0);
    house.until_files(0, before).await;
    let reasons: Vec<String> = house.camera.gaps().await.into_iter().map(|gap| gap.reason).collect();
    assert_eq!(reasons, ["restart"]);
    decodes_cleanly(house.camera.export(&house.camera.recorded().await).await.path());

    // Without a server the command moves by itself, and the files of both disks alone tell everything.
    assert!(house.program.stop());
    let (code, said) = house.command(&["recordings", "move", "--from", &second, "--to", &first]);
    assert!(code == Some(0) && house.files(1) == 0, "{said}");
    let (code, said) = house.command(&["check"]);
    assert_eq!(code, Some(0), "{said}");
    let rows = |program: &Program| {
        super::disk::sqlite(program, "SELECT path, start_ms, end_ms, bytes, fragments, codec, epoch, disk FROM segments ORDER BY path")
    };
    let before = rows(&house.program);
    super::disk::sqlite(&house.program, "DELETE FROM segments");
    let (code, said) = house.command(&["check", "--repair"]);
    assert_eq!((code, rows(&house.program)), (Some(0), before), "{said}");
    house.supervisor.shutdown(Duration::from_secs(5)).await;
}
