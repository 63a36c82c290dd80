//! Draws the cameras of each day's patrol, once, as soon as the day has begun or a plan is new.

use std::collections::{HashMap, HashSet};

use crate::App;
use crate::auth::Scope;
use crate::domain::calendar::date_of;
use crate::domain::patrol::{Candidate, draw};
use crate::store::StoreError;
use crate::store::patrols::{self, CameraPlace, PlanRow};

pub(super) async fn look(app: App) -> Result<(), StoreError> {
    let at = app.clock.wall_ms();
    let day = date_of(at).to_string();
    let (plans, drawn) = {
        let mut reader = app.db.read().await?;
        let conn = &mut reader.conn();
        (patrols::plans(conn, &Scope::system()).await?, patrols::drawn(conn, &day).await?)
    };
    let drawn: HashSet<String> = drawn.into_iter().collect();
    if plans.iter().all(|plan| drawn.contains(&plan.node_id)) {
        return Ok(());
    }
    let cameras = patrols::cameras(&mut app.db.read().await?.conn()).await?;
    let of_plan = nearest(&plans, &cameras);
    for (plan, cameras) in plans.iter().zip(of_plan).filter(|(plan, _)| !drawn.contains(&plan.node_id)) {
        let candidate = |camera: &&CameraPlace| Candidate {
            camera_id: camera.camera_id.clone(),
            premises_id: camera.premises_id.clone(),
            grade: camera.risk_grade.clone(),
        };
        let places: HashMap<&str, &CameraPlace> = cameras.iter().map(|camera| (camera.camera_id.as_str(), *camera)).collect();
        let candidates: Vec<Candidate> = cameras.iter().map(candidate).collect();
        let chosen: Vec<CameraPlace> = draw(&day, &plan.node_id, plan.plan(), &candidates)
            .iter()
            .filter_map(|one| places.get(one.camera_id.as_str()).map(|place| (*place).clone()))
            .collect();
        if chosen.is_empty() {
            continue;
        }
        let (day, node_id, node_path) = (day.clone(), plan.node_id.clone(), plan.node_path.clone());
        app.db.write(move |tx| Box::pin(async move { patrols::put_day(tx, &day, &node_id, &node_path, &chosen, at).await })).await?;
    }
    Ok(())
}

/// The cameras of each plan: each belongs to the nearest node above it that has one.
fn nearest<'a>(plans: &[PlanRow], cameras: &'a [CameraPlace]) -> Vec<Vec<&'a CameraPlace>> {
    let mut of_plan: Vec<Vec<&CameraPlace>> = vec![Vec::new(); plans.len()];
    for camera in cameras {
        let covering = plans.iter().enumerate().filter(|(_, plan)| camera.path.starts_with(&plan.node_path));
        if let Some((at, _)) = covering.max_by_key(|(_, plan)| plan.node_path.len()) {
            of_plan[at].push(camera);
        }
    }
    of_plan
}
