//! The demo's past: inspections, alerts and their ends, made through the same API that phones and desks use.

use std::path::Path;
use std::time::Duration;

use actix_web::{HttpServer, web};
use media::{DiagnosisKind, GapReason, MediaEvent, Phase};
use mobile_api::moment::Moment;
use mobile_api::template::TemplateBody;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::accounts;
use super::district::Planted;
use crate::App;
use crate::domain::calendar;
use crate::ingest::{self, diagnosis};
use crate::store::cameras;

const DAY_MS: i64 = 24 * 3_600_000;
const TWO_HOURS_MS: i64 = 2 * 3_600_000;
/// Days of which figures are shown from the start.
const PAST_DAYS: i64 = 13;
/// How long to wait for the first picture of a camera.
const PICTURE_WAIT: Duration = Duration::from_secs(90);
/// Pause between looks.
const LOOK_PAUSE: Duration = Duration::from_millis(500);

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
    /// An answer without what it must have.
    #[error("an answer lacks {0}")]
    Lacks(&'static str),
}

/// Writes the past. A door of its own on loopback spares it certificates and proxies; the handlers are the same.
pub(super) async fn write(app: &App, data: &Path, planted: &Planted) -> Result<(), HistoryError> {
    let (base, door) = open_door(app)?;
    let written = acts(app, data, planted, base).await;
    door.stop(true).await;
    written
}

/// A server is built on one thread and then runs on its own; only its handle crosses.
fn open_door(app: &App) -> Result<(String, actix_web::dev::ServerHandle), HistoryError> {
    let shared = web::Data::new(app.clone());
    let server = HttpServer::new(move || crate::http::build(shared.clone())).workers(1).disable_signals().bind(("127.0.0.1", 0))?;
    let base = format!("http://{}/api/v1", server.addrs().first().ok_or(HistoryError::Lacks("a port"))?);
    let server = server.run();
    let door = server.handle();
    app.supervisor.once("demo history door", async move {
        let _ = server.await;
    });
    Ok((base, door))
}

async fn acts(app: &App, data: &Path, planted: &Planted, base: String) -> Result<(), HistoryError> {
    let now = app.clock.wall_ms();
    let sign_in = |username: &'static str| Person::sign_in(data, base.clone(), username);
    let (supervisor, officer, officer2, canteen) =
        (sign_in("supervisor").await?, sign_in("officer").await?, sign_in("officer2").await?, sign_in("canteen").await?);
    let template = supervisor.template("school_canteen").await?;
    past_days(app, &supervisor, now).await?;
    for (premises, days_ago, failed) in
        [(0, 21, &[][..]), (4, 12, &["2.2", "9.1"][..]), (5, 5, &["6.1"][..]), (8, 0, &["9.1"][..]), (6, 0, &[][..])]
    {
        let assignment = supervisor
            .assign(&planted.premises[premises].id, &template.0, &[&officer, &officer2], now - days_ago * DAY_MS + DAY_MS)
            .await?;
        let at_ms = if days_ago == 0 { earlier_today(now) } else { now - days_ago * DAY_MS };
        officer.inspect(&officer2, &planted.premises[premises].id, &template, &assignment, at_ms, failed).await?;
    }
    // Without a certificate on record nobody is drawn.
    for (person, lead) in [(&officer, true), (&officer2, false)] {
        let profile = json!({"certificate_until": "2028-06-30", "may_lead": lead, "specialties": ["school_canteen"], "interests": [], "leaves": [], "version": 0});
        supervisor.send(Method::PUT, &format!("/officers/{}", person.id), Some(profile)).await?;
    }
    for premises in [0, 5] {
        supervisor.assign(&planted.premises[premises].id, &template.0, &[&officer, &officer2], now).await?;
    }
    let (_, cameras) = supervisor.send(Method::GET, &format!("/cameras?premises_id={}", planted.premises[0].id), None).await?;
    let cameras: Vec<Uuid> =
        cameras["items"].as_array().into_iter().flatten().filter_map(|camera| camera["id"].as_str()?.parse().ok()).collect();
    let [first, second, ..] = cameras[..] else { return Err(HistoryError::Lacks("cameras")) };
    let picture = supervisor.picture(second).await?;
    for (camera, kind, days_ago, end) in [
        (second, DiagnosisKind::Blurred, 6, End::Closed),
        (first, DiagnosisKind::Moved, 4, End::Dismissed),
        (second, DiagnosisKind::Covered, 2, End::Closed),
    ] {
        let alert = raise(app, &supervisor, camera, kind, now - days_ago * DAY_MS, &picture).await?;
        supervisor.settle(&canteen, &alert, end, &picture, now).await?;
        tell(app, camera, kind, Phase::Cleared, now - days_ago * DAY_MS + 600_000, None).await?;
    }
    Ok(())
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

/// Somebody at the application's door.
struct Person {
    base: String,
    http: reqwest::Client,
    token: String,
    id: String,
}

impl Person {
    async fn sign_in(data: &Path, base: String, username: &'static str) -> Result<Self, HistoryError> {
        let account =
            accounts::read(data)?.into_iter().find(|account| account.username == username).ok_or(HistoryError::Lacks("an account"))?;
        let mut person = Self { base, http: reqwest::Client::new(), token: String::new(), id: String::new() };
        let (_, tokens) =
            person.send(Method::POST, "/auth/login", Some(json!({"username": account.username, "password": account.password}))).await?;
        person.token = text(&tokens, "access_token")?;
        let (_, me) = person.send(Method::GET, "/me", None).await?;
        person.id = text(&me, "id")?;
        Ok(person)
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base)).bearer_auth(&self.token)
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Result<(StatusCode, Value), HistoryError> {
        let mut request = self.request(method.clone(), path);
        if let Some(body) = &body {
            request = request.json(body);
        }
        let response = request.send().await?;
        let status = response.status();
        let body = response.text().await?;
        if !status.is_success() {
            return Err(HistoryError::Refused { method, path: path.to_owned(), status, body });
        }
        Ok((status, serde_json::from_str(&body).unwrap_or(Value::Null)))
    }

    /// Id and body of the newest template with this code.
    async fn template(&self, code: &str) -> Result<(String, i64, TemplateBody), HistoryError> {
        let (_, templates) = self.send(Method::GET, "/templates", None).await?;
        let listed = templates["items"]
            .as_array()
            .and_then(|items| items.iter().find(|item| item["code"] == code))
            .ok_or(HistoryError::Lacks("the template"))?;
        let id = text(listed, "id")?;
        let (_, whole) = self.send(Method::GET, &format!("/templates/{id}"), None).await?;
        let body = serde_json::from_value(whole["body"].clone()).map_err(|_| HistoryError::Lacks("a template body"))?;
        Ok((id, listed["version"].as_i64().unwrap_or(1), body))
    }

    async fn assign(&self, premises: &str, template: &str, officers: &[&Person], due_ms: i64) -> Result<String, HistoryError> {
        // China is eight hours ahead of UTC: the day there.
        let due_on = Moment(due_ms + 8 * 3_600_000).to_string()[..10].to_owned();
        let ids: Vec<&str> = officers.iter().map(|officer| officer.id.as_str()).collect();
        let body = json!({"premises_id": premises, "template_id": template, "kind": "routine", "due_on": due_on, "officer_ids": ids, "approval_number": "明市监查〔2026〕18号", "source": "annual_plan"});
        let (_, assignment) = self.send(Method::POST, "/assignments", Some(body)).await?;
        text(&assignment, "id")
    }

    /// A whole inspection as a phone sends it.
    async fn inspect(
        &self,
        second: &Person,
        premises: &str,
        template: &(String, i64, TemplateBody),
        assignment: &str,
        at_ms: i64,
        failed: &[&str],
    ) -> Result<(), HistoryError> {
        let (id, part_id) = (Uuid::now_v7(), Uuid::now_v7());
        let header = json!({"premises_id": premises, "template_id": template.0, "assignment_id": assignment, "kind": "routine", "started_at": Moment(at_ms),
            "officers": [self.id, second.id], "device": {"id": "demo-phone", "model": "demo"}});
        let answers: Vec<Value> =
            template.2.items().enumerate().map(|(number, item)| answer(item, at_ms + 40_000 * number as i64, failed)).collect();
        let content = json!({"device_id": "demo-phone", "answers": answers, "evidence": [], "signatures": [],
            "locations": [{"latitude": 30.2741, "longitude": 120.1551, "accuracy_m": 12.0, "device_time": Moment(at_ms)}],
            "clock": {"device_time": Moment(at_ms + 3_000_000), "monotonic_ms": 3_000_000}});
        let hash = |value: &Value| mobile_api::canonical::sha256_hex(value);
        self.send(Method::PUT, &format!("/inspections/{id}"), Some(json!({"header": header, "content_sha256": hash(&header)}))).await?;
        self.send(
            Method::PUT,
            &format!("/inspections/{id}/parts/{part_id}"),
            Some(json!({"content": content, "content_sha256": hash(&content), "revision": 1})),
        )
        .await?;
        let parsed: Vec<mobile_api::inspection::Answer> =
            serde_json::from_value(json!(answers)).map_err(|_| HistoryError::Lacks("answers of the right shape"))?;
        let judged = mobile_api::judge::judge(&template.2, &parsed);
        let submission = json!({"parts": [{"id": part_id, "content_sha256": hash(&content)}], "choices": {}, "result": judged, "submitted_at": Moment(at_ms + 3_000_000)});
        self.send(Method::POST, &format!("/inspections/{id}/submit"), Some(submission)).await?;
        Ok(())
    }

    /// A picture of a camera, once it sends one.
    async fn picture(&self, camera: Uuid) -> Result<Vec<u8>, HistoryError> {
        let deadline = std::time::Instant::now() + PICTURE_WAIT;
        loop {
            let response = self.request(Method::GET, &format!("/cameras/{camera}/snapshot.jpg?width=960")).send().await?;
            if response.status().is_success() {
                return Ok(response.bytes().await?.to_vec());
            }
            if std::time::Instant::now() > deadline {
                return Err(HistoryError::Lacks("a picture"));
            }
            tokio::time::sleep(LOOK_PAUSE).await;
        }
    }

    /// Takes an alert to its end, with a photo of the canteen's.
    async fn settle(&self, canteen: &Person, alert: &str, end: End, picture: &[u8], now: i64) -> Result<(), HistoryError> {
        let act = |person: &Person, action: &'static str, mut body: Value| {
            let request = person.request(Method::GET, &format!("/alerts/{alert}"));
            let post = person.request(Method::POST, &format!("/alerts/{alert}/{action}"));
            async move {
                let present: Value = request.send().await?.json().await?;
                body["version"] = present["version"].clone();
                let response = post.json(&body).send().await?;
                let status = response.status();
                if !status.is_success() {
                    return Err(HistoryError::Refused {
                        method: Method::POST,
                        path: action.to_owned(),
                        status,
                        body: response.text().await?,
                    });
                }
                Ok(())
            }
        };
        if end == End::Dismissed {
            return act(self, "dismiss", json!({"reason": "permitted", "text": "维修人员调整摄像机角度，已报备"})).await;
        }
        act(self, "confirm", json!({"text": "画面异常属实"})).await?;
        act(self, "dispatch", json!({"deadline": Moment(now + 3 * DAY_MS), "text": "请检查摄像机并清洁镜头，完成后上传照片。"})).await?;
        let uploaded = canteen.request(Method::POST, "/files").header("content-type", "image/jpeg").body(picture.to_vec()).send().await?;
        let file: Value = uploaded.json().await?;
        act(canteen, "rectify", json!({"text": "镜头油污已清洁，画面恢复正常。", "evidence_ids": [text(&file, "id")?]})).await?;
        act(self, "review", json!({"decision": "accept", "text": "已核实，画面清晰。"})).await
    }
}

/// One answer: conforms, unless it is among those that fail; figures lie inside their range.
fn answer(item: &mobile_api::template::Item, at_ms: i64, failed: &[&str]) -> Value {
    let fails = failed.contains(&item.code.as_str());
    let mut answer = json!({"item_code": item.code, "result": if fails { "fails" } else { "conforms" }, "answered_at": Moment(at_ms), "evidence_ids": []});
    if let Some(number) = &item.number {
        let (low, high) = (number.min.unwrap_or(0.0), number.max.unwrap_or(number.min.unwrap_or(0.0) + 10.0));
        answer["number"] = json!(((low + high) / 2.0).round());
    }
    if fails {
        answer["remark"] = json!("现场记录不完整，已当场告知。");
        answer["reason"] = json!("未直接影响食品安全");
        answer["affects_safety"] = json!(false);
        answer["corrected_on_spot"] = json!(true);
    }
    answer
}

fn text(value: &Value, name: &'static str) -> Result<String, HistoryError> {
    value[name].as_str().map(str::to_owned).ok_or(HistoryError::Lacks(name))
}
