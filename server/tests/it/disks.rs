//! Which disk a recording lies on, as the store keeps it, and settings with several folders.

use media::{Codec, MediaEvent, SegmentInfo};
use server::store::recordings::{recorded_on, segments_after};
use uuid::Uuid;

use crate::cli::{run, text};
use crate::support::{add_camera, hear, on_both};

const FIRST: Uuid = Uuid::from_u128(1);
const SECOND: Uuid = Uuid::from_u128(2);

fn closed(camera: Uuid, n: i64, id: Uuid, disk: Uuid, damaged: bool) -> MediaEvent {
    let segment = SegmentInfo {
        id,
        disk,
        path: format!("{camera}/{n}.mp4"),
        start_ms: n * 1_000,
        end_ms: n * 1_000 + 900,
        bytes: 1,
        fragments: 1,
        codec: Codec::H264,
        epoch: 0,
        damaged,
    };
    MediaEvent::SegmentClosed { camera, segment }
}

on_both!(a_row_says_which_disk_and_follows_a_move, |app| {
    let camera = add_camera(&app, &app.premises, "一号").await;
    let moved = Uuid::now_v7();
    let rows = [
        closed(camera, 1, Uuid::now_v7(), Uuid::nil(), false),
        closed(camera, 2, moved, FIRST, true),
        closed(camera, 3, Uuid::now_v7(), SECOND, false),
    ];
    hear(&app.app, rows).await;
    let on = |disk: Uuid, first: bool| {
        let app = &app;
        async move {
            let (mut reader, camera) = (app.app.db.read().await.unwrap(), camera.to_string());
            recorded_on(&mut reader.conn(), &camera, &disk.to_string(), first, (0, 10_000)).await.unwrap()
        }
    };
    assert_eq!(on(FIRST, true).await, [(1_000, 1_900), (2_000, 2_900)], "a row from when there was one folder is the first's");
    assert_eq!(on(SECOND, false).await, [(3_000, 3_900)]);
    hear(&app.app, [closed(camera, 2, moved, SECOND, true)]).await;
    assert_eq!((on(FIRST, true).await.len(), on(SECOND, false).await.len()), (1, 2));
    let rows = segments_after(&mut app.app.db.read().await.unwrap().conn(), "", 10).await.unwrap();
    let row = rows.iter().find(|row| row.id == moved.to_string()).unwrap();
    assert_eq!((row.disk.as_deref(), row.damaged), (Some(SECOND.to_string().as_str()), true));
});

#[test]
fn several_folders_are_a_setting_and_one_inside_another_is_refused() {
    let shown = run(&["serve", "--print-config", "--data", "/d", "--recordings", "/disk1, /disk2"], "");
    assert!(text(&shown.stdout).contains("recordings = \"/disk1,/disk2\""), "{}", text(&shown.stdout));
    let one = run(&["serve", "--print-config", "--data", "/d", "--recordings", "/disk1"], "");
    assert!(one.status.success() && text(&one.stdout).contains("recordings = \"/disk1\""));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("settings.toml");
    std::fs::write(&file, "data = \"/d\"\nrecordings = [\"/disk1\", \"/disk2\"]\n").unwrap();
    let listed = run(&["serve", "--print-config", "--config", file.to_str().unwrap()], "");
    assert!(text(&listed.stdout).contains("recordings = \"/disk1,/disk2\""), "{}", text(&listed.stderr));
    let nested = run(&["serve", "--print-config", "--data", "/d", "--recordings", "/disk1,/disk1/more"], "");
    assert!(nested.status.code() == Some(2) && text(&nested.stderr).contains("lies in another"), "{}", text(&nested.stderr));
}
