//! What a crash, a lost camera and a restart leave behind.

use std::time::Duration;

use e2e::{Program, decodes_cleanly, probe, until};
use media::Supervisor;
use media::virtual_camera::Incident;
use serde_json::{Value, json};

use crate::cameras::kitchen;

/// Nothing takes longer on a machine that works, however busy it is.
const SLOW: Duration = Duration::from_secs(120);
/// Pictures that are sent before and after each fault: some fragments, however long a busy machine takes for them.
const SENT: u64 = 100;

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_that_drops_and_a_program_that_is_killed_leave_gaps_with_reasons_and_nothing_broken() {
    let supervisor = Supervisor::new();
    let server = kitchen(&supervisor, &[]).await;
    let mut program = Program::start(None, &[]).await;
    let root = program.sign_in("root").await;
    let began = root.server_time().await;
    let (_, premises) = root.plant().await;
    let body = json!({"name": "烹饪区", "premises_id": premises, "source_url": server.url("kitchen").to_string(), "username": "viewer", "password": "secret-of-the-camera"});
    let camera = root.made("/cameras", &body).await;
    let recording = || async { (root.get(&format!("/cameras/{camera}")).await.1["state"] == "recording").then_some(()) };
    until("the camera records", SLOW, recording).await;
    let real = server.camera("kitchen").unwrap();
    let sends = async || {
        let wanted = real.totals().frames + SENT;
        until("pictures are sent", SLOW, || async { (real.totals().frames >= wanted).then_some(()) }).await;
    };
    sends().await;

    server.camera("kitchen").unwrap().set(Incident::Drop).await.unwrap();
    let alert = until("the signal is lost", SLOW, || async {
        let (_, alerts) = root.get(&format!("/alerts?camera_id={camera}&kind=signal_lost")).await;
        alerts["items"].as_array().and_then(|items| items.first().cloned())
    })
    .await;
    server.camera("kitchen").unwrap().clear();
    until("the picture is back", SLOW, recording).await;
    let cleared = until("the alert clears by itself", SLOW, || async {
        let (_, alert) = root.get(&format!("/alerts/{}", alert["id"].as_str().unwrap())).await;
        (alert["state"] == "cleared").then_some(alert)
    })
    .await;
    assert!(cleared["ended_at"].is_string(), "{cleared}");
    sends().await;

    program.kill();
    let (code, said) = program.run(&["check"]);
    assert_eq!(code, Some(0), "what was open is a note, no fault: {said}");
    assert!(said.contains("note ") && said.contains("when the server was killed"), "{said}");
    program.serve().await;
    let (code, said) = program.run(&["check"]);
    assert_eq!(code, Some(0), "beside the server that mended it: {said}");
    let root = program.sign_in("root").await;
    until("the camera records again", SLOW, || async {
        (root.get(&format!("/cameras/{camera}")).await.1["state"] == "recording").then_some(())
    })
    .await;
    sends().await;
    let timeline = until("both gaps", SLOW, || async {
        let now = root.server_time().await;
        let (_, timeline) = root.get(&format!("/cameras/{camera}/timeline?start={began}&end={now}")).await;
        let is_there = reasons(&timeline).contains(&"restart".to_owned()) && timeline["segments"].as_array().map_or(0, Vec::len) >= 3;
        is_there.then_some(timeline)
    })
    .await;
    assert!(reasons(&timeline).iter().any(|reason| ["offline", "refused"].contains(&reason.as_str())), "{timeline}");

    let (first, last) = (&timeline["segments"][0]["start"], &timeline["segments"].as_array().unwrap().last().unwrap()["end"]);
    let range = format!("start={}&end={}", first.as_str().unwrap(), last.as_str().unwrap());
    let (status, headers, bytes) = root.bytes(&format!("/cameras/{camera}/recording.mp4?{range}")).await;
    assert_eq!(status, 200);
    assert!(headers["x-recording-gaps"].to_str().unwrap().contains('/'), "gaps are closed up and listed");
    let file = program.folder.path().join("all.mp4");
    std::fs::write(&file, bytes).unwrap();
    assert!(probe(&file).frames > 150);
    decodes_cleanly(&file);
    assert!(program.stop());
    let (code, said) = program.run(&["check"]);
    assert_eq!(code, Some(0), "{said}");
    supervisor.shutdown(Duration::from_secs(5)).await;
}

fn reasons(timeline: &Value) -> Vec<String> {
    timeline["gaps"].as_array().into_iter().flatten().filter_map(|gap| gap["reason"].as_str().map(str::to_owned)).collect()
}
