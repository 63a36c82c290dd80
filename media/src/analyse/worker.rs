//! A worker: owns one analysis process, gives it the jobs of the queue one by one, and tells what comes of them.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::process::{Process, ProcessError, Wanted};
use super::protocol::Answer;
use super::queue::{Job, LookJob, Still, StillJob};
use super::{Shared, StillError};
use crate::diagnosis::Finding;
use crate::event::{MediaEvent, Phase};

/// First and longest pause before a process is started again.
const BACKOFF_MIN: Duration = Duration::from_millis(500);
const BACKOFF_MAX: Duration = Duration::from_secs(30);
/// A process that ran this long is started again with the shortest pause.
const HEALTHY_AFTER: Duration = Duration::from_secs(60);
/// An idle process is asked this often whether it is there.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// Of each worker's time looks take at most this share; people's stills come on top.
const LOOK_SHARE: f64 = 0.6;
/// Width of the still that goes with a finding.
const FINDING_WIDTH_MAX: u32 = 1280;

/// Runs until the program stops.
pub(super) async fn run(shared: Arc<Shared>, index: usize) {
    let Some(program) = shared.config.program.clone() else { return };
    let soft = shared.supervisor.soft();
    let mut pause = BACKOFF_MIN;
    while !soft.is_cancelled() {
        let started = Instant::now();
        tokio::select! {
            error = serve(&shared, index, &program) => {
                tracing::warn!(%error, pause_ms = pause.as_millis(), "the analysis process is started again");
            }
            () = soft.cancelled() => {}
        }
        shared.processes[index].store(0, Ordering::Relaxed);
        if started.elapsed() >= HEALTHY_AFTER {
            pause = BACKOFF_MIN;
        }
        shared.refuse_stills_for(pause, &soft).await;
        pause = (pause * 2).min(BACKOFF_MAX);
    }
}

/// Starts a process and serves jobs with it until it fails. Dropping the future kills the process.
async fn serve(shared: &Shared, index: usize, program: &Path) -> ProcessError {
    let mut process = match Process::start(program, shared.config.memory_bytes).await {
        Ok(process) => process,
        Err(error) => return error,
    };
    shared.counters.starts.fetch_add(1, Ordering::Relaxed);
    shared.processes[index].store(process.id().unwrap_or(0), Ordering::Relaxed);
    let mut looks_from = Instant::now();
    loop {
        let done = match tokio::time::timeout(HEARTBEAT, shared.queue.next(looks_from)).await {
            Err(_idle) => process.ping().await,
            Ok(Job::Still(job)) => shared.make_still(&mut process, job).await,
            Ok(Job::Look(job)) => {
                let began = Instant::now();
                let done = shared.make_look(&mut process, job).await;
                looks_from = Instant::now() + began.elapsed().mul_f64(1.0 / LOOK_SHARE - 1.0);
                done
            }
        };
        if let Err(error) = done {
            process.end().await;
            return error;
        }
    }
}

impl Shared {
    async fn make_still(&self, process: &mut Process, job: StillJob) -> Result<(), ProcessError> {
        if job.answer.is_closed() {
            return Ok(());
        }
        let wanted = Wanted { look: false, still_width_max: Some(job.width_max) };
        let at_ms = job.key.wall_ms;
        let (still, done) = match self.decode(process, &job, wanted).await {
            Ok(answer) => (still_of(answer, at_ms), Ok(())),
            Err(error) => (Err(StillError::Unavailable(error.to_string())), Err(error)),
        };
        // Nobody waits any more: then it was made for nothing.
        job.answer.send(still).ok();
        done
    }

    async fn make_look(&self, process: &mut Process, job: LookJob) -> Result<(), ProcessError> {
        let wanted = Wanted { look: true, still_width_max: None };
        let answer = self.decode(process, &job, wanted).await;
        self.counters.looks.fetch_add(1, Ordering::Relaxed);
        let camera = job.key.camera;
        let look = match answer {
            Ok(Answer { look: Some(look), .. }) => look,
            failed => {
                let why = failed.as_ref().map_or_else(ToString::to_string, |answer| answer.head.error.clone().unwrap_or_default());
                tracing::debug!(%camera, why, "a key frame could not be looked at");
                self.counters.failed_looks.fetch_add(1, Ordering::Relaxed);
                self.watched.with(camera, |watch| watch.note_failed_look(job.at.mono_ms));
                return failed.map(|_| ());
            }
        };
        let noted = self.watched.with(camera, |watch| (watch.note_look(look, job.at, job.because), watch.to_keep()));
        // The camera may have been removed meanwhile.
        let Some((findings, kept)) = noted else { return Ok(()) };
        if let Some(kept) = kept {
            self.save(camera, kept).await;
        }
        if findings.is_empty() {
            return Ok(());
        }
        self.tell(process, &job, findings).await
    }

    /// Tells findings, with a picture where something is raised.
    async fn tell(&self, process: &mut Process, job: &LookJob, findings: Vec<Finding>) -> Result<(), ProcessError> {
        let mut done = Ok(());
        let mut jpeg = None;
        if findings.iter().any(|finding| finding.phase != Phase::Cleared) {
            let wanted = Wanted { look: false, still_width_max: Some(FINDING_WIDTH_MAX) };
            match self.decode(process, job, wanted).await {
                Ok(answer) => jpeg = answer.jpeg,
                // The finding is told all the same; a still is a comfort.
                Err(error) => done = Err(error),
            }
        }
        for finding in findings {
            let camera = job.key.camera;
            tracing::info!(%camera, kind = %finding.kind, phase = %finding.phase, because = %job.because, measure = finding.measure, "diagnosis");
            let still_jpeg = if finding.phase == Phase::Cleared { None } else { jpeg.clone() };
            let event = MediaEvent::Diagnosis {
                camera,
                kind: finding.kind,
                phase: finding.phase,
                at_ms: finding.at_ms,
                began_ms: finding.began_ms,
                measure: finding.measure,
                threshold: finding.threshold,
                count: finding.count,
                looked: Some(job.because),
                still_jpeg,
            };
            // A closed channel means that the engine stops; there is nobody left to tell.
            self.events.send(event).await.ok();
        }
        done
    }

    async fn decode(&self, process: &mut Process, job: &impl HasKey, wanted: Wanted) -> Result<Answer, ProcessError> {
        let began = Instant::now();
        let answer = process.decode(job.key(), wanted, Duration::from_millis(self.config.job_ms)).await;
        let busy_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.counters.busy_ms.fetch_add(busy_ms, Ordering::Relaxed);
        answer
    }

    /// Waits for `pause`, answering people who ask for a still that there is none now; looks wait.
    async fn refuse_stills_for(&self, pause: Duration, soft: &tokio_util::sync::CancellationToken) {
        let until = Instant::now() + pause;
        // With several workers the others go on serving stills.
        let refuses = self.processes.iter().all(|id| id.load(Ordering::Relaxed) == 0) && pause > BACKOFF_MIN * 2;
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(until.into()) => return,
                () = soft.cancelled() => return,
                job = self.queue.next(until + BACKOFF_MAX), if refuses => {
                    if let Job::Still(job) = job {
                        job.answer.send(Err(StillError::Unavailable("the analysis process does not start".to_owned()))).ok();
                    }
                }
            }
        }
    }
}

fn still_of(answer: Answer, at_ms: i64) -> Result<Still, StillError> {
    let Answer { head, jpeg, .. } = answer;
    match (jpeg, head.error) {
        (Some(jpeg), None) => Ok(Still { jpeg, width: head.width, height: head.height, at_ms }),
        (_, error) => Err(StillError::BadPicture(error.unwrap_or_else(|| "no picture".to_owned()))),
    }
}

/// A job that brings a key frame.
trait HasKey {
    fn key(&self) -> &super::feed::KeyFrame;
}

impl HasKey for LookJob {
    fn key(&self) -> &super::feed::KeyFrame {
        &self.key
    }
}

impl HasKey for StillJob {
    fn key(&self) -> &super::feed::KeyFrame {
        &self.key
    }
}
