//! The demo's past: inspections, alerts and their ends, made through the same API that phones and desks use, step by step:
//! what was interrupted goes on at the next start.

use std::path::Path;

use media::{DiagnosisKind, GapReason, MediaEvent, Phase};
use mobile_api::moment::Moment;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::inspection::Visit;
use super::person::{Checklist, Person, open_door, text};
use super::progress::Progress;
use crate::App;
use crate::domain::calendar;
use crate::ingest::{self, diagnosis};
use crate::store::cameras;

const DAY_MS: i64 = 24 * 3_600_000;
const TWO_HOURS_MS: i64 = 2 * 3_600_000;
/// Days of which figures are shown from the start.
const PAST_DAYS: i64 = 13;
/// Acts that take an alert from being raised to its end, and one to see that it has.
const ACTS_MAX: usize = 6;

/// What went wrong, in words for the log.
#[derive(Debug, thiserror::Error)]
pub(super) enum HistoryError {
    /// The application's own door.
    #[error("the application cannot be reached: {0}")]
    Http(#[from] reqwest::Error),
    /// The port.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// It said no.
    #[error("{method} {path} answered {status}: {body}")]
    Refused { method: Method, path: String, status: StatusCode, body: String },
    /// A picture.
    #[error("a picture cannot be made: {0}")]
    Picture(#[from] image::ImageError),
    /// An answer without what it must have.
    #[error("an answer lacks {0}")]
    Lacks(&'static str),
}

/// Inspections: place, days ago, items that fail, who answers for the premises.
const INSPECTIONS: [(&str, i64, &[&str], &str); 5] = [
    ("明湖第一小学食堂", 21, &[], "张秀英"),
    ("东岸第二小学食堂", 12, &["2.2", "9.1"], "沈丽君"),
    ("蓝天幼儿园食堂", 5, &["6.1"], "许春燕"),
    ("湖心外国语学校食堂", 0, &["9.1"], "吴晓东"),
    ("西岸中心小学食堂", 0, &[], "何建平"),
];
/// Where officers are to go next.
const ASSIGNED: [&str; 2] = ["明湖第一小学食堂", "蓝天幼儿园食堂"];
/// What was seen at which camera of the first school, days ago, and what became of it.
const ALERTS: [(usize, DiagnosisKind, i64, End); 3] = [
    (1, DiagnosisKind::Blurred, 6, End::Closed),
    (0, DiagnosisKind::Moved, 4, End::Dismissed),
    (1, DiagnosisKind::Covered, 2, End::Closed),
];
/// Cameras whose pictures stand for photos.
const STILLS: usize = 4;

/// Writes the past, or what is left of it.
pub(super) async fn write(app: &App, data: &Path, progress: Progress) -> Result<(), HistoryError> {
    let (base, door) = open_door(app)?;
    let written = History::open(app, data, base, progress).await;
    let written = match written {
        Ok(history) => history.acts().await,
        Err(error) => Err(error),
    };
    door.stop(true).await;
    written
}

/// Who takes part, and how far it is.
struct History<'a> {
    app: &'a App,
    progress: Progress,
    /// The moment that the past ends.
    now: i64,
    supervisor: Person,
    officer: Person,
    officer2: Person,
    canteen: Person,
}

impl<'a> History<'a> {
    async fn open(app: &'a App, data: &Path, base: String, progress: Progress) -> Result<Self, HistoryError> {
        let sign_in = |username: &'static str| Person::sign_in(data, base.clone(), username);
        let (supervisor, officer, officer2, canteen) =
            (sign_in("supervisor").await?, sign_in("officer").await?, sign_in("officer2").await?, sign_in("canteen").await?);
        Ok(Self { app, now: progress.began_ms(), progress, supervisor, officer, officer2, canteen })
    }

    async fn acts(mut self) -> Result<(), HistoryError> {
        if !self.progress.is_done("days") {
            past_days(self.app, &self.supervisor, self.now).await?;
            self.progress.done("days")?;
        }
        let checklist = self.supervisor.checklist("school_canteen").await?;
        let (_, premises) = self.supervisor.send(Method::GET, "/premises?limit=200", None).await?;
        let place = |name: &str| {
            let found = premises["items"].as_array().and_then(|items| items.iter().find(|item| item["name"] == name));
            found.cloned().ok_or(HistoryError::Lacks("a premises"))
        };
        self.profiles().await?;
        for name in ASSIGNED {
            self.assign(&format!("assignment of {name}"), &text(&place(name)?, "id")?, &checklist, self.now).await?;
        }
        let school = text(&place(INSPECTIONS[0].0)?, "id")?;
        let cameras = self.cameras().await?;
        for (number, (name, days_ago, failed, representative)) in INSPECTIONS.into_iter().enumerate() {
            let step = format!("inspection {number}");
            if self.progress.is_done(&step) {
                continue;
            }
            let premises = place(name)?;
            let due_ms = self.now - days_ago * DAY_MS + DAY_MS;
            let assignment = self.assign(&format!("{step} assignment"), &text(&premises, "id")?, &checklist, due_ms).await?;
            let stills = self.stills(&cameras).await?;
            let at_ms = if days_ago == 0 { earlier_today(self.now) } else { self.now - days_ago * DAY_MS };
            let visit = Visit {
                step: &step,
                checklist: &checklist,
                premises: &premises,
                representative,
                assignment: &assignment,
                at_ms,
                failed,
                stills: &stills,
            };
            visit.send(&self.officer, &self.officer2, &mut self.progress).await?;
            self.progress.done(&step)?;
        }
        self.alerts(&school).await?;
        // Scored at the start already, from an empty past.
        crate::risk::score_all(self.app).await.map_err(std::io::Error::other)?;
        Ok(self.progress.finish()?)
    }

    /// Without a certificate on record nobody is drawn.
    async fn profiles(&mut self) -> Result<(), HistoryError> {
        if self.progress.is_done("profiles") {
            return Ok(());
        }
        for (person, lead) in [(&self.officer, true), (&self.officer2, false)] {
            let path = format!("/officers/{}", person.id);
            let (_, known) = self.supervisor.send(Method::GET, &path, None).await?;
            let profile = json!({"certificate_until": "2028-06-30", "may_lead": lead, "specialties": ["school_canteen"], "interests": [], "leaves": [],
                "version": known["version"].as_i64().unwrap_or(0)});
            self.supervisor.send(Method::PUT, &path, Some(profile)).await?;
        }
        Ok(self.progress.done("profiles")?)
    }

    /// Sends two officers somewhere; the id of what they are sent by.
    async fn assign(&mut self, step: &str, premises: &str, checklist: &Checklist, due_ms: i64) -> Result<String, HistoryError> {
        // China is eight hours ahead of UTC: the day there.
        let due_on = Moment(due_ms + 8 * 3_600_000).to_string()[..10].to_owned();
        let body = json!({"premises_id": premises, "template_id": checklist.id, "kind": "routine", "due_on": due_on,
            "officer_ids": [self.officer.id, self.officer2.id], "approval_number": "明市监查〔2026〕18号", "source": "annual_plan"});
        let key = self.progress.id(step)?.to_string();
        let (_, assignment) = self.supervisor.send_once(Method::POST, "/assignments", &key, body).await?;
        text(&assignment, "id")
    }

    async fn cameras(&self) -> Result<Vec<Uuid>, HistoryError> {
        let (_, cameras) = self.supervisor.send(Method::GET, "/cameras?limit=200", None).await?;
        Ok(cameras["items"].as_array().into_iter().flatten().filter_map(|camera| camera["id"].as_str()?.parse().ok()).collect())
    }

    /// What some cameras show, taken once.
    async fn stills(&self, cameras: &[Uuid]) -> Result<Vec<Vec<u8>>, HistoryError> {
        let mut stills = Vec::new();
        for camera in cameras.iter().take(STILLS) {
            let name = format!("{camera}.jpg");
            if let Some(known) = self.progress.picture(&name)? {
                stills.push(known);
                continue;
            }
            let still = self.supervisor.picture(*camera).await?;
            self.progress.keep_picture(&name, &still)?;
            stills.push(still);
        }
        Ok(stills)
    }

    async fn alerts(&mut self, school: &str) -> Result<(), HistoryError> {
        let (_, cameras) = self.supervisor.send(Method::GET, &format!("/cameras?premises_id={school}"), None).await?;
        let cameras: Vec<Uuid> =
            cameras["items"].as_array().into_iter().flatten().filter_map(|camera| camera["id"].as_str()?.parse().ok()).collect();
        for (number, (camera, kind, days_ago, end)) in ALERTS.into_iter().enumerate() {
            let step = format!("alert {number}");
            if self.progress.is_done(&step) {
                continue;
            }
            let camera = *cameras.get(camera).ok_or(HistoryError::Lacks("cameras"))?;
            let picture = self.stills(&[camera]).await?.pop().ok_or(HistoryError::Lacks("a picture"))?;
            let at_ms = self.now - days_ago * DAY_MS;
            let alert = raise(self.app, &self.supervisor, camera, kind, at_ms, &picture).await?;
            self.settle(&alert, end, &picture).await?;
            tell(self.app, camera, kind, Phase::Cleared, at_ms + 600_000, None).await?;
            self.progress.done(&step)?;
        }
        Ok(())
    }

    /// Takes an alert to its end from wherever it stands, with a photo of the canteen's.
    async fn settle(&self, alert: &str, end: End, picture: &[u8]) -> Result<(), HistoryError> {
        let path = format!("/alerts/{alert}");
        for _ in 0..ACTS_MAX {
            let (_, present) = self.supervisor.send(Method::GET, &path, None).await?;
            let (who, action, mut body) = match (present["state"].as_str().unwrap_or_default(), end) {
                ("raised", End::Dismissed) => {
                    (&self.supervisor, "dismiss", json!({"reason": "permitted", "text": "维修人员调整摄像机角度，已报备"}))
                }
                ("raised", End::Closed) => (&self.supervisor, "confirm", json!({"text": "画面异常属实"})),
                ("confirmed", _) => {
                    let deadline = Moment(self.app.clock.wall_ms() + 3 * DAY_MS);
                    (&self.supervisor, "dispatch", json!({"deadline": deadline, "text": "请检查摄像机并清洁镜头，完成后上传照片。"}))
                }
                ("dispatched", _) => {
                    let request = self.canteen.request(Method::POST, "/files").header("content-type", "image/jpeg");
                    let file: Value = request.body(picture.to_vec()).send().await?.json().await?;
                    (&self.canteen, "rectify", json!({"text": "镜头油污已清洁，画面恢复正常。", "evidence_ids": [text(&file, "id")?]}))
                }
                ("rectified", _) => (&self.supervisor, "review", json!({"decision": "accept", "text": "已核实，画面清晰。"})),
                _ => return Ok(()),
            };
            body["version"] = present["version"].clone();
            who.send(Method::POST, &format!("{path}/{action}"), Some(body)).await?;
        }
        Err(HistoryError::Lacks("an end of an alert"))
    }
}

/// Two hours ago, or the beginning of the day, Asia/Shanghai.
fn earlier_today(now_ms: i64) -> i64 {
    calendar::start_of(calendar::date_of(now_ms)).max(now_ms - TWO_HOURS_MS)
}

/// What the engine would have told of the cameras' last two weeks: when they were first watched, and when they were away.
async fn past_days(app: &App, supervisor: &Person, now: i64) -> Result<(), HistoryError> {
    let (_, cameras) = supervisor.send(Method::GET, "/cameras?limit=200", None).await?;
    let cameras: Vec<Uuid> =
        cameras["items"].as_array().into_iter().flatten().filter_map(|camera| camera["id"].as_str()?.parse().ok()).collect();
    let first_ms = calendar::start_of(calendar::date_of(now)) - PAST_DAYS * DAY_MS;
    let (mut events, mut watched) = (Vec::new(), Vec::new());
    for (camera, number) in cameras.into_iter().zip(0_i64..) {
        watched.push(camera.to_string());
        for day in 0..PAST_DAYS {
            // No two cameras are away at the same time, and most are not on most days.
            if (day + number * 3) % 5 != 0 {
                continue;
            }
            let start_ms = first_ms + day * DAY_MS + (9 + number) * 3_600_000;
            let (minutes, reason) = match (day + number) % 4 {
                0 => (95, GapReason::Offline),
                1 => (12, GapReason::Stalled),
                2 => (40, GapReason::Disabled),
                _ => (6, GapReason::Restart),
            };
            events.push(MediaEvent::GapClosed { camera, start_ms, end_ms: start_ms + minutes * 60_000, reason });
        }
    }
    let since = app.db.write(move |tx| Box::pin(async move { cameras::watched_since(tx, &watched, first_ms).await }));
    since.await.map_err(std::io::Error::other)?;
    ingest::told(app, events).await.map_err(std::io::Error::other)?;
    Ok(crate::jobs::count_days(app).await.map_err(std::io::Error::other)?)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Closed,
    Dismissed,
}

/// Tells the ingest what the diagnosis would have told, and finds the alert that came of it.
async fn raise(
    app: &App,
    supervisor: &Person,
    camera: Uuid,
    kind: DiagnosisKind,
    at_ms: i64,
    still: &[u8],
) -> Result<String, HistoryError> {
    tell(app, camera, kind, Phase::Raised, at_ms, Some(still)).await?;
    let (_, alerts) = supervisor.send(Method::GET, &format!("/alerts?camera_id={camera}&kind={}", kind.as_str()), None).await?;
    let alerts = alerts["items"].as_array().cloned().unwrap_or_default();
    let wanted = Moment(at_ms).to_string();
    let found = alerts.iter().find(|alert| alert["raised_at"] == json!(wanted)).and_then(|alert| alert["id"].as_str());
    found.map(str::to_owned).ok_or(HistoryError::Lacks("the alert that was raised"))
}

async fn tell(app: &App, camera: Uuid, kind: DiagnosisKind, phase: Phase, at_ms: i64, still: Option<&[u8]>) -> Result<(), HistoryError> {
    let event = MediaEvent::Diagnosis {
        camera,
        kind,
        phase,
        at_ms,
        began_ms: at_ms - 8_000,
        measure: 0.12,
        threshold: 0.35,
        count: 1,
        looked: None,
        still_jpeg: still.map(<[u8]>::to_vec),
    };
    Ok(diagnosis::keep(app, &event).await.map_err(std::io::Error::other)?)
}
