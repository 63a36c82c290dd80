//! Several disks: where files begin, what a disk that fails or goes away does, and moving while recording goes on.

use std::path::PathBuf;

use super::*;
use crate::segment::moving::{Moved, files_on, move_one};
use crate::segment::{disks, recover};
use crate::virtual_camera::SentFrame;

/// Pictures from one key frame of the virtual cameras to the next, which is a fragment.
const PICTURES_A_FRAGMENT: usize = 25;

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

/// The pictures of all files on all disks in their order, each file decoded by ffmpeg without a complaint.
fn pictures(index: &crate::segment::SegmentIndex) -> Vec<[u8; 32]> {
    let mut findings = recover::scan_all(index.disks(), false).expect("scanned");
    assert!(findings.twice.is_empty() && findings.unreadable.is_empty(), "{findings:?}");
    findings.segments.sort_by_key(|found| (found.segment.start_ms, found.segment.id));
    let files = findings.segments.iter().flat_map(|found| {
        let path = index.path_of(&found.segment);
        assert_decodes(&path);
        h264_pictures(&path)
    });
    files.collect()
}

/// What is on the disks is what the camera sent, picture by picture and without a hole, `wanted` at least: what it sent until
/// it noticed that nobody listens any more may be missing.
fn assert_all_there(index: &crate::segment::SegmentIndex, sent: &[SentFrame], wanted: usize) {
    let recorded = pictures(index);
    let same = recorded.iter().zip(sent).take_while(|(recorded, sent)| **recorded == sent.picture_sha256).count();
    assert!(same == recorded.len(), "picture {same} of {} is another than was sent", recorded.len());
    assert!(recorded.len() >= wanted, "{} of {wanted} and more: {}", recorded.len(), sent.len());
}

/// Waits until everything that was sent up to now is on a disk, however far the recorder is behind; gives how much that is.
async fn until_written(house: &House, spec: &CameraSpec) -> usize {
    let (sent, index) = (house.camera("a").sent().len(), house.engine.index());
    let written = || index.segments(spec.id).iter().map(|segment| segment.fragments as usize * PICTURES_A_FRAGMENT).sum::<usize>();
    wait_for("it is written", || written() >= sent).await;
    sent
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
    // Just when the next file begins, on this disk as a rule: it is the first's turn.
    index.disks().set_leaving(0, true);
    wait_for("nothing is left on the first", || {
        let begins = index.disks().is_beginning_on(0);
        for name in files_on(&index, 0).expect("listed") {
            match move_one(&index, name, 0, 1, 0).expect("moved") {
                Moved::Done { segment, camera } => house.engine.tell(MediaEvent::SegmentClosed { camera, segment }),
                Moved::Open => {}
                other => panic!("{other:?}"),
            }
        }
        !begins && files_on(&index, 0).expect("listed").is_empty()
    })
    .await;
    let before = house.camera("a").sent().len();
    house.until_sent("a", u64::try_from(before).expect("few") + 30).await;
    assert!(files_on(&index, 0).expect("listed").is_empty(), "and nothing new comes");
    let wanted = until_written(&house, &spec).await;
    house.engine.apply(CameraSpec { enabled: false, ..spec.clone() }).await;
    house.until("disabled", |event| matches!(event, MediaEvent::State { state: CameraState::Disabled, .. })).await;
    let (sent, viewings) = (house.camera("a").sent(), house.camera("a").totals().viewings);
    let (told, _) = house.close().await;
    assert_eq!(viewings, 1, "one connection");
    let gaps: Vec<_> = gaps(&told);
    assert!(gaps.is_empty(), "{gaps:?}");
    assert_all_there(&index, &sent, wanted);
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
    let wanted = until_written(&house, &spec).await;
    let camera = house.camera("a");
    let (told, _) = house.close().await;
    assert!(gaps(&told).is_empty(), "{:?}", gaps(&told));
    assert_all_there(&index, &camera.sent(), wanted);
}
