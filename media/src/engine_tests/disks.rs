//! Several disks: where files begin, what a disk that fails or goes away does, and moving while recording goes on.

use std::path::PathBuf;

use super::*;
use crate::segment::moving::{Moved, files_on, move_one};
use crate::segment::{disks, recover};

/// Two folders for recordings outside of the one that keeps the list.
struct Disks {
    _folder: TempDir,
    folders: [PathBuf; 2],
    known: PathBuf,
}

impl Disks {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let folders = ["a", "b"].map(|name| folder.path().join(name));
        let known = folder.path().join("data").join("disks.json");
        std::fs::create_dir(folder.path().join("data")).expect("made");
        Self { _folder: folder, folders, known }
    }

    async fn house(&self) -> House {
        let change = |config: &mut EngineConfig| {
            config.recordings.clone_from(&self.folders[0]);
            config.more_recordings = vec![self.folders[1].clone()];
            config.known_disks = Some(self.known.clone());
            config.segment_ms = 2_000;
            config.retention_interval_ms = 200;
        };
        House::open(vec![scene("a")], change).await
    }

    fn id(&self, disk: usize) -> Uuid {
        let text = std::fs::read_to_string(self.folders[disk].join(disks::MARK)).expect("marked");
        text.trim().parse().expect("an id")
    }
}

async fn until_closed_on(house: &mut House, disk: Uuid) -> SegmentInfo {
    let fits = |event: &MediaEvent| matches!(event, MediaEvent::SegmentClosed { segment, .. } if segment.disk == disk);
    let MediaEvent::SegmentClosed { segment, .. } = house.until("a file is closed on that disk", fits).await else {
        unreachable!("a segment");
    };
    segment
}

/// Frames of all files on all disks, each decoded by ffmpeg without a complaint.
fn frames(index: &crate::segment::SegmentIndex) -> u64 {
    let findings = recover::scan_all(index.disks(), false).expect("scanned");
    assert!(findings.twice.is_empty() && findings.unreadable.is_empty(), "{findings:?}");
    let files = findings.segments.iter().map(|found| {
        let path = index.path_of(&found.segment);
        assert_decodes(&path);
        ffprobe(&path).1
    });
    files.sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn files_go_to_both_disks_and_those_of_one_move_to_the_other_while_recording_goes_on() {
    let disks = Disks::new();
    let mut house = disks.house().await;
    let spec = house.spec("a");
    house.engine.apply(spec.clone()).await;
    until_closed_on(&mut house, disks.id(0)).await;
    until_closed_on(&mut house, disks.id(1)).await;
    let index = house.engine.index();
    index.disks().set_leaving(0, true);
    wait_for("nothing is left on the first", || {
        for name in files_on(&index, 0).expect("listed") {
            match move_one(&index, name, 0, 1, 0).expect("moved") {
                Moved::Done { segment, camera } => house.engine.tell(MediaEvent::SegmentClosed { camera, segment }),
                Moved::Open => {}
                other => panic!("{other:?}"),
            }
        }
        files_on(&index, 0).expect("listed").is_empty()
    })
    .await;
    let before = house.camera("a").sent().len();
    house.until_sent("a", u64::try_from(before).expect("few") + 30).await;
    assert!(files_on(&index, 0).expect("listed").is_empty(), "and nothing new comes");
    house.engine.apply(CameraSpec { enabled: false, ..spec.clone() }).await;
    house.until("disabled", |event| matches!(event, MediaEvent::State { state: CameraState::Disabled, .. })).await;
    let sent = u64::try_from(house.camera("a").sent().len()).expect("few");
    let viewings = house.camera("a").totals().viewings;
    let (told, _) = house.close().await;
    assert_eq!(viewings, 1, "one connection");
    let gaps: Vec<_> = gaps(&told);
    assert!(gaps.is_empty(), "{gaps:?}");
    let recorded = frames(&index);
    // The camera sends a few more until it notices that nobody listens.
    assert!(recorded <= sent && recorded + 10 >= sent, "{recorded} of {sent}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_takes_no_file_costs_nothing_while_another_does() {
    let disks = Disks::new();
    let mut house = disks.house().await;
    let spec = house.spec("a");
    // Where the camera's folder would be on the first disk there is a file: not even root makes a folder of it.
    std::fs::write(disks.folders[0].join(spec.id.to_string()), "in the way").expect("written");
    house.engine.apply(spec.clone()).await;
    for _ in 0..4 {
        until_closed_on(&mut house, disks.id(1)).await;
    }
    assert_eq!(house.camera("a").totals().viewings, 1, "the camera does not notice");
    let (told, _) = house.close().await;
    assert!(gaps(&told).is_empty() && closed(&told).iter().all(|segment| segment.disk == disks.id(1)), "{told:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn recording_goes_on_when_a_disk_goes_away_and_its_files_are_back_with_it() {
    let disks = Disks::new();
    let mut house = disks.house().await;
    let spec = house.spec("a");
    let (first, second) = (disks.id(0), disks.id(1));
    house.engine.apply(spec.clone()).await;
    until_closed_on(&mut house, second).await;
    until_closed_on(&mut house, first).await;
    let away = disks.folders[0].with_extension("unplugged");
    std::fs::rename(&disks.folders[0], &away).expect("unmounted");
    std::fs::create_dir(&disks.folders[0]).expect("the mount point");
    // How full it is depends on the machine.
    let away_is = |wanted: bool| {
        let folder = disks.folders[0].clone();
        move |event: &MediaEvent| matches!(event, MediaEvent::Disk { folder: of, level, .. } if *of == folder && (*level == DiskLevel::Away) == wanted)
    };
    house.until("the disk is away", away_is(true)).await;
    for _ in 0..3 {
        until_closed_on(&mut house, second).await;
    }
    let index = house.engine.index();
    assert!(index.segments(spec.id).iter().all(|segment| segment.disk == second));
    assert_eq!(std::fs::read_dir(&disks.folders[0]).expect("read").count(), 0, "nothing lies below the mount point");
    std::fs::remove_dir(&disks.folders[0]).expect("the mount point");
    std::fs::rename(&away, &disks.folders[0]).expect("mounted");
    house.until("the disk is back", away_is(false)).await;
    assert!(index.segments(spec.id).iter().any(|segment| segment.disk == first));
    until_closed_on(&mut house, first).await;
    let sent = u64::try_from(house.camera("a").sent().len()).expect("few");
    let (told, _) = house.close().await;
    assert!(gaps(&told).is_empty(), "{:?}", gaps(&told));
    let recorded = frames(&index);
    assert!(recorded + 10 >= sent, "{recorded} of {sent}");
}
