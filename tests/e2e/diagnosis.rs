//! Every kind that pictures show, each through the real program on a camera of its own: it raises its own alert and no
//! other, and one at which nothing happens raises none. All cameras at once; only durations are shorter than usual.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use e2e::{Client, Program, until};
use media::Supervisor;
use media::virtual_camera::{FootageLibrary, Incident, Light, Scene, VirtualCameraConfig, VirtualServer};
use serde_json::{Value, json};

/// What befalls whom.
const FAULTS: [(&str, Incident); 7] = [
    ("black", Incident::Black),
    ("over_exposed", Incident::OverExposed),
    ("covered", Incident::Covered),
    ("frozen", Incident::Frozen),
    ("blurred", Incident::Blurred),
    ("moved", Incident::Moved),
    ("low_contrast", Incident::LowContrast),
];
/// Cameras at which nothing happens: by day, and a kitchen at night, still and dark.
const CALM: [(&str, Light); 2] = [("calm", Light::Day), ("night", Light::Night)];
/// The routine look, the duration, and what a busy machine takes.
const PATIENCE: Duration = Duration::from_secs(90);

/// A camera at a path, small and short so that it costs little.
fn camera(path: &str, light: Light) -> VirtualCameraConfig {
    let scene = Scene { width: 640, height: 360, loop_s: if light == Light::Night { 14 } else { 10 }, light, ..Scene::place(0, "PLACE 0") };
    VirtualCameraConfig { path: path.to_owned(), scene, ..VirtualCameraConfig::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_raises_its_own_alert_and_a_dark_kitchen_none() {
    let supervisor = Supervisor::new();
    let by_day = FAULTS.iter().map(|(kind, _)| camera(kind, Light::Day));
    let configs: Vec<_> = by_day.chain(CALM.iter().map(|(path, light)| camera(path, *light))).collect();
    let server = VirtualServer::start(([127, 0, 0, 1], 0).into(), configs, FootageLibrary::standard(), &supervisor).await.unwrap();
    server.ready().await.unwrap();
    for (kind, incident) in FAULTS {
        server.camera(kind).unwrap().prepare(incident.picture()).await.unwrap();
    }
    let program = Program::start(None, &[]).await;
    let root = program.sign_in("root").await;
    let (_, premises) = root.plant().await;
    let mut rules: serde_json::Map<String, Value> =
        FAULTS.iter().map(|(kind, _)| ((*kind).to_owned(), json!({"duration_s": 2, "clear_s": 1}))).collect();
    // A busy machine may keep a camera's pictures from us for seconds; that is no part of this.
    rules.insert("signal_lost".to_owned(), json!({"duration_s": 60}));
    let (status, answer) = root.put("/settings/diagnosis?scope=system", &rules.into()).await;
    assert_eq!(status, 200, "{answer}");
    for path in FAULTS.iter().map(|(kind, _)| *kind).chain(CALM.iter().map(|(path, _)| *path)) {
        root.made("/cameras", &json!({"name": path, "premises_id": premises, "source_url": server.url(path).to_string()})).await;
    }
    // What each camera shows by day is learned, and kept in a file of its own; in the dark there is nothing to learn.
    let known = FAULTS.len() + 1;
    until("the cameras are known", PATIENCE, || async { (learned(program.folder.path()) >= known).then_some(()) }).await;
    assert_eq!(alerts(&root).await, BTreeMap::new(), "before anything happens");

    for (kind, incident) in FAULTS {
        server.camera(kind).unwrap().set(incident).await.unwrap();
    }
    let expected: BTreeMap<String, Vec<String>> = FAULTS.iter().map(|(kind, _)| ((*kind).to_owned(), vec![(*kind).to_owned()])).collect();
    until("an alert for each fault", PATIENCE, || async { (alerts(&root).await.len() >= expected.len()).then_some(()) }).await;
    assert_eq!(alerts(&root).await, expected);

    FAULTS.iter().for_each(|(kind, _)| server.camera(kind).unwrap().clear());
    until("every alert is over", PATIENCE, || async {
        (listed(&root).await.iter().all(|alert| !alert["ended_at"].is_null())).then_some(())
    })
    .await;
    assert_eq!(alerts(&root).await, expected, "and nothing else came of it");
    supervisor.shutdown(Duration::from_secs(5)).await;
}

/// How many cameras have what was learned of them on disk.
fn learned(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder.join("recordings").join("analysis")) else { return 0 };
    entries.flatten().filter(|entry| entry.path().extension().is_some_and(|extension| extension == "json")).count()
}

async fn listed(client: &Client) -> Vec<Value> {
    let (status, page) = client.get("/alerts?limit=100").await;
    assert_eq!(status, 200, "{page}");
    page["items"].as_array().cloned().unwrap_or_default()
}

/// The kinds of all alerts, by the camera that they are of.
async fn alerts(client: &Client) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for alert in listed(client).await {
        let text = |member: &str| alert[member].as_str().unwrap().to_owned();
        found.entry(text("camera_name")).or_default().push(text("kind"));
    }
    found
}
