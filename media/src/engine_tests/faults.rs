//! What goes wrong outside: each fault has its state, its reason and its gap, and is over when it is over.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn faults_show_their_reason_and_leave_a_gap_with_it() {
    let mut house = House::open(vec![scene("a")], |config| config.stall_ms = 1_500).await;
    let spec = house.spec("a");
    house.engine.apply(spec.clone()).await;
    let faults = [
        (Incident::Hang, StateReason::Stalled, GapReason::Stalled),
        (Incident::Drop, StateReason::Closed, GapReason::Offline),
        (Incident::NotVideo, StateReason::NotVideo, GapReason::BadStream),
        (Incident::UnsupportedCodec, StateReason::UnsupportedCodec, GapReason::BadStream),
        (Incident::GarbageBytes, StateReason::BadStream, GapReason::BadStream),
    ];
    for (incident, reason, gap) in faults {
        house.until_state(CameraState::Recording, StateReason::None).await;
        house.camera("a").set(incident).await.expect("nothing to make");
        house.until_state(CameraState::Offline, reason).await;
        let opened = |event: &MediaEvent| matches!(event, MediaEvent::GapOpened { reason, .. } if *reason == gap);
        house.until(&format!("gap {gap}"), opened).await;
        house.camera("a").clear();
    }
    house.until_state(CameraState::Recording, StateReason::None).await;
    let reconnects = house.engine.status(spec.id).expect("applied").reconnects;
    assert!(reconnects >= 5, "{reconnects}");
    let (told, folder) = house.close().await;
    for (start_ms, end_ms, _) in gaps(&told) {
        assert!(start_ms <= end_ms);
    }
    for segment in closed(&told) {
        assert_decodes(&folder.path().join(&segment.path));
    }
    assert!(closed(&told).len() >= 5, "each connection has its own segment");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_port_is_refused_and_the_gap_says_so() {
    let mut house = House::open(vec![scene("a")], |_| {}).await;
    house.server.set_listening(false).await.expect("it runs");
    let spec = house.spec("a");
    house.engine.apply(spec.clone()).await;
    house.until("gap", |event| matches!(event, MediaEvent::GapOpened { reason: GapReason::Refused, .. })).await;
    assert_eq!(house.engine.status(spec.id).expect("applied").reason, StateReason::Refused);
    house.server.set_listening(true).await.expect("it runs");
    house.until("gap closed", |event| matches!(event, MediaEvent::GapClosed { reason: GapReason::Refused, .. })).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_tried_once_until_it_is_changed() {
    for scheme in [AuthScheme::Basic, AuthScheme::Digest] {
        let mut locked = scene("a");
        locked.account = Some(Account { scheme, username: "joe".into(), password: "right".into() });
        let mut house = House::open(vec![locked, scene("b")], |config| config.not_found_retry_ms = 300).await;
        house.camera("b").set(Incident::NotFound).await.expect("nothing to make");
        let mut spec = house.spec("a");
        spec.source.username = Some("joe".into());
        spec.source.password = Some(Secret::new("wrong"));
        house.engine.apply(spec.clone()).await;
        house.until_state(CameraState::Offline, StateReason::Unauthorized).await;
        let asked = house.camera("a").totals().describes;
        // Another is asked again and again meanwhile, for many times the shortest pause: whoever ignored the rule would have been too.
        house.engine.apply(house.spec("b")).await;
        wait_for("five pauses of the other", || house.camera("b").totals().describes >= 6).await;
        assert_eq!(house.camera("a").totals().describes, asked, "{scheme:?}: tried again");
        spec.source.password = Some(Secret::new("right"));
        house.engine.apply(spec.clone()).await;
        house.until_state(CameraState::Recording, StateReason::None).await;
        let (told, _folder) = house.close().await;
        assert!(gaps(&told).iter().any(|(_, _, reason)| *reason == GapReason::Unauthorized), "{told:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_is_not_there_is_tried_again_at_its_own_interval() {
    let mut house = House::open(vec![scene("a")], |config| config.not_found_retry_ms = 1_500).await;
    house.camera("a").set(Incident::NotFound).await.expect("nothing to make");
    let began = std::time::Instant::now();
    house.engine.apply(house.spec("a")).await;
    house.until_state(CameraState::Offline, StateReason::NotFound).await;
    house.camera("a").clear();
    house.until_state(CameraState::Recording, StateReason::None).await;
    let intervals = u64::try_from(began.elapsed().as_millis()).expect("short") / 1_500;
    let asked = house.camera("a").totals().describes;
    assert!((2..=1 + intervals).contains(&asked), "{asked} in {intervals} intervals");
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_is_told_and_so_is_its_end_even_for_a_camera_that_never_connects() {
    let mut house = House::open(vec![scene("a")], |_| {}).await;
    house.server.set_listening(false).await.expect("it runs");
    let mut spec = house.spec("a");
    spec.diagnosis.no_packet_ms = 600;
    house.engine.apply(spec.clone()).await;
    let lost = |wanted: Phase| move |event: &MediaEvent| matches!(event, MediaEvent::Diagnosis { kind: DiagnosisKind::SignalLost, phase, .. } if *phase == wanted);
    let raised = house.until("raised", lost(Phase::Raised)).await;
    let MediaEvent::Diagnosis { at_ms, began_ms, measure, .. } = raised else { unreachable!("a diagnosis") };
    assert!(at_ms - began_ms >= 600 && measure >= 600.0);
    house.server.set_listening(true).await.expect("it runs");
    house.until("cleared", lost(Phase::Cleared)).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn disabling_and_enabling_leaves_a_gap_with_that_reason() {
    let mut house = House::open(vec![scene("a")], |_| {}).await;
    let spec = house.spec("a");
    house.engine.apply(spec.clone()).await;
    house.until_state(CameraState::Recording, StateReason::None).await;
    house.until("a file", |event| matches!(event, MediaEvent::SegmentOpened { .. })).await;
    house.engine.apply(CameraSpec { enabled: false, ..spec.clone() }).await;
    house.until_state(CameraState::Disabled, StateReason::Disabled).await;
    house.engine.apply(spec.clone()).await;
    house.until("gap closed", |event| matches!(event, MediaEvent::GapClosed { reason: GapReason::Disabled, .. })).await;
    house.engine.remove(spec.id).await;
    assert!(house.engine.status(spec.id).is_none());
    assert!(!house.engine.segments(spec.id).is_empty());
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_takes_nothing_is_told_as_such_and_recording_goes_on_when_it_does() {
    let mut house = House::open(vec![scene("a")], |_| {}).await;
    let spec = house.spec("a");
    // A file where the camera's folder should be: no write can succeed, not even root's.
    let folder = house.folder.path().join(spec.id.to_string());
    std::fs::write(&folder, "in the way").expect("written");
    house.engine.apply(spec.clone()).await;
    house.until_state(CameraState::Offline, StateReason::Disk).await;
    house.until("gap", |event| matches!(event, MediaEvent::GapOpened { reason: GapReason::Disk, .. })).await;
    std::fs::remove_file(&folder).expect("removed");
    house.until("a file", |event| matches!(event, MediaEvent::SegmentOpened { .. })).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_beyond_the_limit_ends_the_stream_as_bad() {
    let mut house = House::open(vec![scene("a")], |config| config.access_unit_bytes_max = 1_000).await;
    house.engine.apply(house.spec("a")).await;
    house.until_state(CameraState::Offline, StateReason::BadStream).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_that_answers_nothing_is_given_up_in_time() {
    let mut house = House::open(vec![scene("a")], |config| config.connect_timeout_ms = 1_000).await;
    house.camera("a").set(Incident::Hang).await.expect("nothing to make");
    house.engine.apply(house.spec("a")).await;
    house.until_state(CameraState::Offline, StateReason::Timeout).await;
    house.camera("a").clear();
    house.until_state(CameraState::Recording, StateReason::None).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_outside_the_allowed_networks_is_never_asked() {
    let mut house = House::open(vec![scene("a")], |config| config.allowed_networks.clear()).await;
    house.engine.apply(house.spec("a")).await;
    house.until_state(CameraState::Offline, StateReason::AddressNotAllowed).await;
    assert_eq!(house.camera("a").totals().describes, 0);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn new_thresholds_do_not_interrupt_the_recording() {
    let mut house = House::open(vec![scene("a")], |_| {}).await;
    let mut spec = house.spec("a");
    house.engine.apply(spec.clone()).await;
    house.until_state(CameraState::Recording, StateReason::None).await;
    spec.diagnosis.no_packet_ms = 60_000;
    spec.name = "renamed".into();
    house.engine.apply(spec.clone()).await;
    let sent = house.camera("a").totals().frames;
    house.until_sent("a", sent + 40).await;
    assert_eq!(house.camera("a").totals().viewings, 1);
    assert_eq!(house.engine.status(spec.id).expect("applied").reconnects, 0);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_after_a_loss_are_recorded_marked_until_the_next_key_frame_and_exported_with_their_mark() {
    let mut house = House::open(vec![scene("a")], |_| {}).await;
    let spec = house.spec("a");
    house.engine.apply(spec.clone()).await;
    house.until_sent("a", 60).await;
    assert!(house.engine.damaged(spec.id, 0, i64::MAX).await.expect("read").is_empty(), "a stream without a loss has no mark");
    house.camera("a").set(Incident::PacketsLost { one_in: 40 }).await.expect("nothing to make");
    let engine = house.engine.clone();
    let lost = || engine.status(spec.id).is_some_and(|status| status.lost >= 3);
    wait_for("packets are lost", lost).await;
    house.camera("a").clear();
    let until = house.camera("a").totals().frames + 120;
    house.until_sent("a", until).await;
    house.engine.apply(CameraSpec { enabled: false, ..spec.clone() }).await;
    house.until("disabled", |event| matches!(event, MediaEvent::State { state: CameraState::Disabled, .. })).await;
    let spans = house.engine.damaged(spec.id, 0, i64::MAX).await.expect("read");
    assert!(!spans.is_empty());
    let segments = house.engine.segments(spec.id);
    let whole = house.engine.export(spec.id, segments[0].start_ms, segments[0].start_ms + 3_600_000).await.expect("exported");
    assert_eq!(whole.damaged(), spans, "the export says what the timeline says");
    let (_, folder) = house.close().await;
    let file = SegmentFile::open(&folder.path().join(&segments[0].path)).expect("it is ours");
    let marks: Vec<bool> = file.fragments.iter().map(|entry| entry.mark.damaged).collect();
    assert!(segments[0].damaged && !marks[0] && !marks[marks.len() - 1], "whole before, and whole after the next key frame: {marks:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_without_end_is_broken_off_at_the_ceiling_of_the_programs_memory() {
    let resident = || {
        let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it is there").to_owned();
        line.trim().trim_end_matches("kB").trim().parse::<u64>().expect("a number") * 1024
    };
    let before = resident();
    // Other tests of this program have their part of it; a ceiling that they reach breaks off nobody who sends pictures.
    let mut house = House::open(vec![scene("a")], |config| config.memory_bytes_max = Some(before + (200 << 20))).await;
    let spec = house.spec("a");
    house.engine.apply(spec.clone()).await;
    house.until_state(CameraState::Recording, StateReason::None).await;
    house.camera("a").set(Incident::HugeFrame { megabytes: 3_000 }).await.expect("nothing to make");
    let broken_off = |event: &MediaEvent| matches!(event, MediaEvent::State { detail, .. } if detail.contains("memory runs out"));
    house.until("the ceiling", broken_off).await;
    house.camera("a").clear();
    house.until_state(CameraState::Recording, StateReason::None).await;
    house.close().await;
}
