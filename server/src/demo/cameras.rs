//! The demo's cameras: nine of them in two schools, a kindergarten and a central kitchen, with a script of incidents.

use media::Supervisor;
use media::virtual_camera::{Account, AuthScheme, FootageLibrary, Incident, Scene, ScriptedIncident, VirtualCameraConfig, VirtualServer};
use uuid::Uuid;

use super::DemoError;
use super::district::Planted;
use crate::App;
use crate::domain::patrol::PatrolPlan;
use crate::domain::settings::PARENT_VIEWING;
use crate::http::camera_secret_purpose;
use crate::store::cameras::{self, CameraData};
use crate::store::journal::{Act, Actor};
use crate::store::{StoreError, Tx, patrols, settings};

/// The cameras ask for a name and a password, as real ones do.
const USERNAME: &str = "viewer";
const PASSWORD: &str = "demo-camera";

/// Path, burnt-in name, name, premises, zone, what befalls it: incident, at s, for s.
struct DemoCamera {
    path: &'static str,
    burnt_in: &'static str,
    name: &'static str,
    premises: usize,
    zone: &'static str,
    script: &'static [(Incident, u64, u64)],
}

/// How often all of it comes again, s: whoever opens the demo later finds something to do too.
const ROUND_S: u64 = 3_600;
/// For a week; a demo that is started anew begins anew.
const ROUNDS: u64 = 7 * 24;

/// The first incidents come within two minutes of the start, one after another, so that each can be followed; others come
/// after half an hour.
const CAMERAS: &[DemoCamera] = &[
    DemoCamera {
        path: "school1-cooking",
        burnt_in: "SCHOOL1 COOKING",
        name: "烹饪区",
        premises: 0,
        zone: "cooking",
        script: &[(Incident::Black, 60, 420), (Incident::Covered, 2_100, 300)],
    },
    DemoCamera {
        path: "school1-plating",
        burnt_in: "SCHOOL1 PLATING",
        name: "分餐间",
        premises: 0,
        zone: "plating",
        script: &[(Incident::Moved, 300, 240)],
    },
    DemoCamera { path: "school1-washing", burnt_in: "SCHOOL1 WASHING", name: "洗消间", premises: 0, zone: "dish_washing", script: &[] },
    DemoCamera {
        path: "school2-cooking",
        burnt_in: "SCHOOL2 COOKING",
        name: "烹饪区",
        premises: 1,
        zone: "cooking",
        script: &[(Incident::Frozen, 90, 420), (Incident::Black, 2_400, 240)],
    },
    DemoCamera {
        path: "school2-samples", burnt_in: "SCHOOL2 SAMPLES", name: "留样间", premises: 1, zone: "retained_samples", script: &[]
    },
    DemoCamera {
        path: "kinder-cooking",
        burnt_in: "KINDER COOKING",
        name: "厨房",
        premises: 2,
        zone: "cooking",
        script: &[(Incident::Drop, 120, 240), (Incident::Drop, 2_700, 120)],
    },
    DemoCamera {
        path: "kinder-plating",
        burnt_in: "KINDER PLATING",
        name: "备餐间",
        premises: 2,
        zone: "plating",
        script: &[(Incident::OverExposed, 600, 180)],
    },
    DemoCamera {
        path: "central-line",
        burnt_in: "CENTRAL LINE",
        name: "热加工线",
        premises: 3,
        zone: "cooking",
        script: &[(Incident::Covered, 180, 300)],
    },
    DemoCamera { path: "central-store", burnt_in: "CENTRAL STORE", name: "原料库", premises: 3, zone: "storing", script: &[] },
];

fn scripted((incident, at_s, for_s): &(Incident, u64, u64), round: u64) -> ScriptedIncident {
    ScriptedIncident { at_ms: (round * ROUND_S + at_s) * 1_000, for_ms: for_s * 1_000, incident: *incident }
}

/// Starts the virtual cameras on loopback; they end with the program.
pub(super) async fn start(supervisor: Supervisor, port: u16) -> Result<(), DemoError> {
    let cameras = CAMERAS
        .iter()
        .enumerate()
        .map(|(number, camera)| VirtualCameraConfig {
            path: camera.path.to_owned(),
            scene: Scene::place(number, camera.burnt_in),
            account: Some(Account { username: USERNAME.to_owned(), password: PASSWORD.to_owned(), scheme: AuthScheme::Digest }),
            script: (0..ROUNDS).flat_map(|round| camera.script.iter().map(move |one| scripted(one, round))).collect(),
            ..VirtualCameraConfig::default()
        })
        .collect();
    let server = VirtualServer::start(([127, 0, 0, 1], port).into(), cameras, FootageLibrary::standard(), &supervisor).await?;
    server.ready().await?;
    let soft = supervisor.soft();
    supervisor.once("virtual cameras", async move {
        soft.cancelled().await;
        drop(server);
    });
    Ok(())
}

/// Cameras that are made but not stored yet, each with the number of its premises.
pub(super) type Made = Vec<(CameraData, usize)>;

/// Makes them as a person would.
pub(super) fn make(app: &App, port: u16) -> Result<Made, DemoError> {
    let mut made = Vec::new();
    for camera in CAMERAS {
        let id = Uuid::now_v7().to_string();
        let sealed = app.sealer.seal(&camera_secret_purpose(&id), PASSWORD.as_bytes()).map_err(StoreError::damaged)?;
        let data = CameraData {
            // Known once the district is planted.
            premises_id: String::new(),
            path: String::new(),
            name: camera.name.to_owned(),
            source_url: format!("rtsp://127.0.0.1:{port}/{}", camera.path),
            sub_source_url: None,
            username: Some(USERNAME.to_owned()),
            password_sealed: Some(sealed),
            transport: "auto".to_owned(),
            zone: Some(camera.zone.to_owned()),
            enabled: true,
            id,
        };
        made.push((data, camera.premises));
    }
    Ok(made)
}

/// Stores them.
pub(super) async fn add(tx: &mut Tx<'_>, made: &Made, planted: &Planted, at: i64) -> Result<(), StoreError> {
    let actor = Actor::system();
    for (row, premises) in made {
        let premises = planted.premises.get(*premises).unwrap_or(&planted.district);
        let row = CameraData { premises_id: premises.id.clone(), path: premises.path.clone(), ..row.clone() };
        cameras::insert(tx, &row, at).await?;
        let detail = serde_json::json!({"name": row.name, "source_url": row.source_url});
        tx.audit(at, Act { actor: &actor, action: "create", entity: Some(("camera", &row.id)), path: &row.path, detail }).await?;
    }
    // The demo's parent sees the cooking area of the first school from morning to evening.
    if let Some((shown, premises)) = made.iter().find(|(row, _)| row.zone.as_deref() == Some("cooking")) {
        let premises = planted.premises.get(*premises).unwrap_or(&planted.district);
        let viewing =
            serde_json::json!({"hours": [{"days": [1, 2, 3, 4, 5, 6, 7], "from": "06:00", "to": "22:00"}], "cameras": [shown.id]});
        settings::put(tx, "premises", &premises.id, PARENT_VIEWING, &viewing.to_string(), &premises.path, at).await?;
    }
    // Nine cameras are a walk of two minutes.
    let patrol = PatrolPlan { share: 100, by_risk: false };
    patrols::put_plan(tx, &planted.district.id, &planted.district.path, patrol, at).await
}
