//! Tries other figures for a rule: over the camera's flagged clips, then over one in thirty of its recorded files.
//!
//! Pictures are measured by an analysis process of its own, as live ones are, for half of its time at most; the rules that run over
//! them are the same code. A turn of the job is short, so that it fits the queue: what was found so far is kept with the proposal,
//! and the next turn goes on from there, after a restart too. The clips are looked at in one turn, because the figure is chosen from
//! all of them; where the program stops in that turn they are looked at again.

mod judge;
mod pictures;

use std::sync::Arc;
use std::time::Duration;

use media::{CameraId, DiagnosisKind, DiagnosisSettings, Engine, ReplayError, Replayer};
use mobile_api::Moment;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;
use uuid::Uuid;

use super::JobError;
use crate::App;
use crate::auth::Scope;
use crate::domain::camera::merged;
use crate::domain::noise::Scale;
use crate::domain::trial::{ClipTrial, Trial, TriedSample};
use crate::ingest::apply::{self, armed_hours, layers};
use crate::store::cameras::CameraRow;
use crate::store::jobs::JobRow;
use crate::store::rule_proposals::{self, FlagRow, ProposalRow};
use crate::store::{StoreError, cameras};

pub(crate) use judge::figures_of;
use judge::{Judge, Looked};

/// Tries before a trial is given up.
pub(super) const ATTEMPTS_MAX: i64 = 5;
/// Clips of a trial.
const CLIPS_MAX: i64 = 24;
/// The clips of a trial are looked at for so long; then it goes on to the recordings.
const CLIPS_TIME: Duration = Duration::from_secs(100);
/// A turn begins no other file after this time.
const TURN_TIME: Duration = Duration::from_secs(60);
/// The process works so long for one trial, ms.
const BUSY_MS_MAX: u64 = 10 * 60_000;
/// Another trial is waited for so long, ms.
const BUSY_AGAIN_MS: i64 = 2_000;

/// A trial between turns, and as it is stored when it is over.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// What was found.
    pub(crate) trial: Trial,
    /// All settings that held when it began.
    settings: DiagnosisSettings,
    /// Recorded files that are still to be looked at, the last first: id, first and last moment, ms UTC.
    files: Vec<(Uuid, i64, i64)>,
    /// Files that were chosen.
    chosen: usize,
    /// Time that the process was at work, ms.
    busy_ms: u64,
}

pub(super) async fn run(app: App, job: JobRow) -> Result<(), JobError> {
    let row = rule_proposals::get(&mut app.db.read().await?.conn(), &Scope::system(), &job.subject).await?;
    let Some(row) = row.filter(|row| row.state == "trying") else { return Ok(()) };
    let problem = match turn(&app, &row).await {
        Err(JobError::GiveUp(problem)) => problem,
        Err(JobError::Retry(problem)) if job.attempts >= ATTEMPTS_MAX => problem,
        Err(JobError::Store(error)) if job.attempts >= ATTEMPTS_MAX => error.to_string(),
        ended => return ended,
    };
    let at = app.clock.wall_ms();
    app.db.write_apart(move |tx| Box::pin(async move { rule_proposals::failed(tx, (&row.id, &row.path), &problem, at).await })).await?;
    Ok(())
}

/// A trial under way.
struct Turn<'a> {
    app: &'a App,
    row: &'a ProposalRow,
    engine: Engine,
    camera: CameraId,
    judge: Arc<Judge>,
    replayer: Replayer,
    began: Instant,
}

async fn turn(app: &App, row: &ProposalRow) -> Result<(), JobError> {
    let give_up = |why: &str| JobError::GiveUp(why.to_owned());
    let engine = app.engine.clone().ok_or_else(|| give_up("no recordings here"))?;
    let camera = cameras::get(&mut app.db.read().await?.conn(), &Scope::system(), &row.camera_id).await?;
    let camera = camera.ok_or_else(|| give_up("the camera is gone"))?;
    let id: CameraId = camera.id.parse().map_err(|_| give_up("the camera has no id"))?;
    let (Some(kind), Some(scale)) = (DiagnosisKind::from_name(&row.kind), Scale::of(&row.kind)) else {
        return Err(give_up("flags of this kind cannot be replayed"));
    };
    let replayer = engine.analyser().replayer().await.map_err(|error| match error {
        ReplayError::Busy => JobError::NotYet(BUSY_AGAIN_MS),
        ReplayError::Unavailable(why) => JobError::Retry(why),
    })?;
    let kept: Option<Kept> = row.work.as_deref().map(serde_json::from_str).transpose().map_err(StoreError::damaged)?;
    let settings = match &kept {
        Some(kept) => kept.settings.clone(),
        None => settings_of(app, &camera).await?,
    };
    let known = engine.analyser().remembered(id).await;
    let judge = Arc::new(Judge { kind, scale, armed: armed_hours(&camera.service_hours), known, settings });
    let mut turn = Turn { app, row, engine, camera: id, judge, replayer, began: Instant::now() };
    let kept = match kept {
        Some(kept) => kept,
        None => turn.clips().await?,
    };
    turn.recordings(kept).await
}

async fn settings_of(app: &App, camera: &CameraRow) -> Result<DiagnosisSettings, StoreError> {
    let layers = layers(&mut app.db.read().await?.conn(), &camera.premises_id, &camera.id).await?;
    Ok(apply::diagnosis(&merged(&layers)))
}

impl Turn<'_> {
    /// Looks at the flagged clips, finds the figures, and draws the recorded files.
    async fn clips(&mut self) -> Result<Kept, JobError> {
        let flags =
            rule_proposals::flags(&mut self.app.db.read().await?.conn(), &self.row.camera_id, &self.row.kind, self.row.since_at, CLIPS_MAX)
                .await?;
        let total = flags.len();
        let mut looked = Vec::with_capacity(total);
        for flag in flags {
            self.go_on()?;
            self.progress("clips", looked.len(), total, None).await?;
            looked.push(self.clip(flag).await?);
        }
        let judge = self.judge.clone();
        let known = serde_json::to_vec(&judge.known).map_err(StoreError::damaged)?;
        let mut trial = Trial {
            at: Moment(self.app.clock.wall_ms()),
            program: env!("CARGO_PKG_VERSION").to_owned(),
            present: figures_of(&judge.settings, judge.kind),
            proposed: self.row.figures().filter(|_| self.row.given),
            known_sha256: hex::encode(Sha256::digest(&known)),
            clips: Vec::new(),
            considered: Vec::new(),
            sample: TriedSample::default(),
        };
        let settings = judge.settings.clone();
        let compare = move || {
            judge.clips(&mut trial, looked);
            trial
        };
        // Thousands of comparisons of pictures would keep others waiting here.
        let judged = self.app.supervisor.blocking("trial of figures", compare).await;
        let mut trial = judged.map_err(|error| JobError::Retry(error.to_string()))?;
        let (recorded, drawn) = self.drawn();
        trial.sample.recorded = i64::try_from(recorded).unwrap_or(i64::MAX);
        // Without figures there is nothing to compare.
        let files = if trial.proposed.is_some() { drawn } else { Vec::new() };
        Ok(Kept { trial, settings, chosen: files.len(), files, busy_ms: self.busy_ms() })
    }

    async fn clip(&mut self, flag: FlagRow) -> Result<Looked, JobError> {
        let keys = if self.began.elapsed() > CLIPS_TIME { Err(ClipTrial::LeftOut) } else { self.keys_of_clip(&flag).await? };
        let (state, looks) = match keys {
            Ok(keys) => (ClipTrial::Replayed, self.measured(keys).await?),
            Err(state) => (state, Vec::new()),
        };
        let state = if state == ClipTrial::Replayed && looks.is_empty() { ClipTrial::Unreadable } else { state };
        Ok(Looked { flag, state, looks })
    }

    /// Looks at the recorded files that are left, and writes the result down.
    async fn recordings(&mut self, mut kept: Kept) -> Result<(), JobError> {
        let before_ms = if self.row.work.is_some() { kept.busy_ms } else { 0 };
        loop {
            self.progress("sample", kept.chosen - kept.files.len(), kept.chosen, Some(&kept)).await?;
            let Some(file) = kept.files.pop() else { break };
            // What was kept last has this file still.
            self.go_on()?;
            if self.began.elapsed() > TURN_TIME {
                return Err(JobError::NotYet(0));
            }
            let stretch = match kept.trial.proposed {
                Some(figures) if kept.busy_ms <= BUSY_MS_MAX => self.stretch(figures, file).await?,
                _ => None,
            };
            match stretch {
                Some(stretch) => kept.trial.sample.stretches.push(stretch),
                None => kept.trial.sample.left_out += 1,
            }
            kept.busy_ms = before_ms.saturating_add(self.busy_ms());
        }
        let (at, figures, row) = (self.app.clock.wall_ms(), kept.trial.proposed, self.row.clone());
        let result = serde_json::to_string(&kept).map_err(StoreError::damaged)?;
        self.app.db.write_apart(move |tx| Box::pin(async move { rule_proposals::tried(tx, &row, figures, &result, at).await })).await?;
        Ok(())
    }

    /// Where the program stops, the queue has the job back at once.
    fn go_on(&self) -> Result<(), JobError> {
        if self.app.supervisor.soft().is_cancelled() { Err(JobError::NotYet(0)) } else { Ok(()) }
    }

    fn busy_ms(&self) -> u64 {
        u64::try_from(self.replayer.busy().as_millis()).unwrap_or(u64::MAX)
    }

    async fn progress(&self, phase: &'static str, done: usize, total: usize, kept: Option<&Kept>) -> Result<(), StoreError> {
        let work = kept.map(serde_json::to_string).transpose().map_err(StoreError::damaged)?;
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let (id, done, total) = (self.row.id.clone(), count(done), count(total));
        let write = self
            .app
            .db
            .write_apart(move |tx| Box::pin(async move { rule_proposals::progress(tx, &id, phase, done, total, work.as_deref()).await }));
        write.await
    }
}
