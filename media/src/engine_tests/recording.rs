//! What is written: every frame, in files that play, cut where they should be.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn what_a_camera_sends_is_on_disk_frame_for_frame_in_both_codecs() {
    let mut h265 = scene("five");
    h265.scene.codec = Codec::H265;
    let mut house = House::open(vec![scene("four"), h265], |_| {}).await;
    let (four, five) = (house.spec("four"), house.spec("five"));
    house.engine.apply(four.clone()).await;
    house.engine.apply(five.clone()).await;
    // More than the hundred that are looked for below: the recorder may be a moment behind the camera.
    house.until_sent("four", 150).await;
    house.until_sent("five", 150).await;
    let status = house.engine.status(four.id).expect("it was applied");
    assert_eq!((status.state, status.reason), (CameraState::Recording, StateReason::None));
    // Disabling ends the stream; what the camera sent until it noticed may be a few frames more than what we took.
    for spec in [&four, &five] {
        house.engine.apply(CameraSpec { enabled: false, ..spec.clone() }).await;
    }
    house.until("disabled", |event| matches!(event, MediaEvent::State { state: CameraState::Disabled, .. })).await;
    house.until("disabled", |event| matches!(event, MediaEvent::State { state: CameraState::Disabled, .. })).await;
    let sent: Vec<_> = ["four", "five"].map(|path| house.camera(path).sent()).into();
    let (told, folder) = house.close().await;
    for (spec, sent, codec) in [(&four, &sent[0], Codec::H264), (&five, &sent[1], Codec::H265)] {
        let of_camera = |segment: &&SegmentInfo| segment.path.starts_with(&spec.id.to_string());
        let segments = closed(&told);
        let [segment] = segments.iter().filter(of_camera).collect::<Vec<_>>()[..] else {
            panic!("one segment: {told:#?}");
        };
        let path = folder.path().join(&segment.path);
        let (name, packets, duration_s) = ffprobe(&path);
        assert_eq!((name.replace("hevc", "h265").as_str(), segment.codec), (codec.as_str(), codec));
        assert_decodes(&path);
        let mut file = SegmentFile::open(&path).expect("it is ours");
        assert!(file.closed);
        let frames: u64 = file.fragments.clone().iter().map(|entry| file.header(entry).expect("its box").frames()).sum();
        assert_eq!(frames, packets);
        let sent_frames = u64::try_from(sent.len()).expect("few");
        assert!(packets <= sent_frames && packets + 10 >= sent_frames.min(100), "{packets} of {sent_frames}");
        assert!(file.fragments.iter().all(|entry| entry.mark.sync), "a GOP a fragment");
        assert_walks_and_verifies(&path);
        let told_s = f64::from(u32::try_from(segment.end_ms - segment.start_ms).expect("short")) / 1_000.0;
        assert!((duration_s - told_s).abs() < 0.5, "{duration_s} s in the file, {told_s} s told");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_frame_before_a_cut_is_kept_in_order() {
    let mut house = House::open(vec![scene("a")], |config| config.backoff_min_ms = 60_000).await;
    let spec = house.spec("a");
    house.engine.apply(spec.clone()).await;
    house.until_sent("a", 60).await;
    house.camera("a").set(Incident::Drop).await.expect("nothing to make");
    house.until_state(CameraState::Offline, StateReason::Closed).await;
    let sent = house.camera("a").sent();
    let (told, folder) = house.close().await;
    let segments = closed(&told);
    let (_, packets, _) = ffprobe(&folder.path().join(&segments[0].path));
    // The cut may swallow the frame that was on its way.
    assert!(packets + 2 >= u64::try_from(sent.len()).expect("few"), "{packets} of {}", sent.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_rotate_on_time_and_on_new_parameters_without_losing_a_frame() {
    let mut house = House::open(vec![scene("a")], |config| config.segment_ms = 3_000).await;
    let spec = house.spec("a");
    house.engine.apply(spec.clone()).await;
    house.until("second segment", |event| matches!(event, MediaEvent::SegmentClosed { .. })).await;
    house.camera("a").set(Incident::ChangeResolution).await.expect("footage");
    house.until("third segment", |event| matches!(event, MediaEvent::SegmentClosed { .. })).await;
    house.until("fourth segment", |event| matches!(event, MediaEvent::SegmentClosed { .. })).await;
    let camera = house.camera("a");
    let (told, folder) = house.close().await;
    let segments = closed(&told);
    assert!(segments.len() >= 3);
    // Arrival times say nothing of it on a busy machine; the pictures do.
    let recorded: Vec<[u8; 32]> = segments.iter().flat_map(|segment| h264_pictures(&folder.path().join(&segment.path))).collect();
    let sent: Vec<[u8; 32]> = camera.sent().iter().map(|frame| frame.picture_sha256).collect();
    assert!(recorded.len() > 60 && sent.starts_with(&recorded), "{} of {} are those that were sent", recorded.len(), sent.len());
    for segment in &segments {
        ffprobe(&folder.path().join(&segment.path));
    }
    assert!(!told.iter().any(|event| matches!(event, MediaEvent::GapOpened { .. })), "{told:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_without_key_frames_goes_on_in_continuations_and_is_degraded() {
    let change = |config: &mut EngineConfig| {
        config.fragment_ms_max = 1_000;
        config.no_key_frame_ms = 2_500;
    };
    let mut house = House::open(vec![scene("a")], change).await;
    house.camera("a").set(Incident::KeyFrameEvery { seconds: 6 }).await.expect("footage");
    let spec = house.spec("a");
    house.engine.apply(spec.clone()).await;
    house.until_state(CameraState::Degraded, StateReason::NoKeyFrame).await;
    house.until_state(CameraState::Recording, StateReason::None).await;
    let (told, folder) = house.close().await;
    let path = folder.path().join(&closed(&told)[0].path);
    let file = SegmentFile::open(&path).expect("it is ours");
    let sync: Vec<bool> = file.fragments.iter().map(|entry| entry.mark.sync).collect();
    assert!(sync[0] && sync.iter().filter(|sync| !**sync).count() >= 3, "{sync:?}");
    assert!(file.fragments.iter().all(|entry| entry.mark.duration_ms <= 1_300));
    assert_decodes(&path);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_live_ring_has_chunks_before_the_fragment_is_whole() {
    let house = House::open(vec![scene("a")], |_| {}).await;
    let spec = house.spec("a");
    house.engine.apply(spec.clone()).await;
    let live = house.engine.live(spec.id).expect("it was applied");
    let mut position = live.subscribe();
    let partial = position.wait_for(|position| position.is_some_and(|at| !at.complete && at.chunks >= 2));
    let partial = tokio::time::timeout(DEADLINE, partial).await.expect("in time").expect("the engine runs").expect("some");
    let fragment = live.fragment(partial.sequence).expect("it is the newest");
    assert!(fragment.sync && fragment.chunks.len() >= 2);
    assert!(fragment.chunks[0].independent && !fragment.chunks[1].independent);
    assert!(fragment.chunks.iter().all(|chunk| (300..=700).contains(&chunk.duration_ms)), "{fragment:?}");
    // Header and chunks as they are make a file that plays.
    let joined: Vec<u8> = fragment.init.data.iter().chain(fragment.chunks.iter().flat_map(|chunk| &chunk.data)).copied().collect();
    let path = house.folder.path().join("joined.mp4");
    std::fs::write(&path, joined).expect("written");
    assert_decodes(&path);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reordered_pictures_are_recorded_with_their_times() {
    let mut with_b = scene("a");
    with_b.scene.b_frames = 2;
    let mut house = House::open(vec![with_b], |_| {}).await;
    let spec = house.spec("a");
    house.engine.apply(spec.clone()).await;
    house.until_sent("a", 80).await;
    house.until("a file", |event| matches!(event, MediaEvent::SegmentOpened { .. })).await;
    let (told, folder) = house.close().await;
    let segments = closed(&told);
    let [segment] = segments.as_slice() else { panic!("one segment: {segments:?}") };
    let path = folder.path().join(&segment.path);
    assert_decodes(&path);
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", "v:0", "-show_entries", "packet=pts,dts", "-of", "csv=p=0"])
        .arg(&path)
        .output()
        .expect("ffprobe runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let times: Vec<(i64, i64)> = text
        .lines()
        .map(|line| line.trim_end_matches(',').split_once(',').expect("two times"))
        .map(|(pts, dts)| (pts.parse().expect("a time"), dts.parse().expect("a time")))
        .collect();
    assert!(times.len() >= 70, "{}", times.len());
    assert!(times.iter().any(|(pts, dts)| pts != dts), "there are pictures that are shown later than decoded");
    assert!(times.is_sorted_by(|a, b| a.1 < b.1), "decoding times grow");
    let mut shown: Vec<i64> = times.iter().map(|(pts, _)| *pts).collect();
    shown.sort_unstable();
    // The last GOP may have been cut where a picture that is shown earlier was still to come.
    let steps: Vec<i64> = shown[..shown.len() - 3].windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(steps.iter().all(|step| *step == 7_200), "12.5 pictures a second, each once: {steps:?}");
}

/// The boxes alone tell what the table does, checksums hold, and each fragment's key frame is found.
fn assert_walks_and_verifies(path: &Path) {
    let mut by_table = SegmentFile::open(path).expect("it is ours");
    let open_path = path.with_extension("open");
    let end = by_table.fragments.last().expect("some").end_offset();
    let bytes = std::fs::read(path).expect("read");
    std::fs::write(&open_path, &bytes[..usize::try_from(end).expect("small")]).expect("written");
    let mut by_boxes = SegmentFile::open(&open_path).expect("it is ours");
    by_boxes.verify_tail().expect("read");
    assert!(!by_boxes.closed);
    assert_eq!(by_boxes.fragments, by_table.fragments);
    let header = crate::segment::sample::video_header(&by_table.init).expect("a video track");
    assert_eq!((header.width, header.height), (320, 240));
    for entry in by_boxes.fragments {
        let media = by_table.media(&entry).expect("read");
        assert_eq!(crc32fast::hash(&media), by_table.header(&entry).expect("its box").checksum);
        let key_frame = crate::segment::sample::first_sample(&media).expect("a sample");
        let mut rest = key_frame.as_ref();
        let mut kinds = Vec::new();
        while let Some((len, after)) = rest.split_at_checked(4) {
            let len = usize::try_from(u32::from_be_bytes(len.try_into().expect("four"))).expect("small");
            kinds.push(if header.codec == Codec::H264 { after[0] & 0x1f } else { after[0] >> 1 & 0x3f });
            rest = &after[len..];
        }
        assert!(rest.is_empty() && kinds.iter().any(|kind| [5, 16, 17, 18, 19, 20, 21].contains(kind)), "{kinds:?}");
    }
}
