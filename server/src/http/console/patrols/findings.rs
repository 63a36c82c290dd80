//! `POST /cameras/{id}/findings`: what a person found on a camera becomes an alert like any other (巡查发现), with a picture and a
//! clip of that moment.

use actix_web::{HttpResponse, post, web};
use mobile_api::Moment;
use mobile_api::field::Faults;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::App;
use crate::auth::{Caller, Session, can};
use crate::domain::alert::clip_span;
use crate::domain::permission::Permission;
use crate::http::{Body, Id, Problem, ProblemBody, checked, moment_ms};
use crate::ingest::{hold, keep_still};
use crate::store::alert_acts::{self, Sighting};
use crate::store::files::FileRow;
use crate::store::work::By;
use crate::store::{StoreError, Tx, cameras, files};

/// Kind of the alerts that people raise.
const KIND: &str = "patrol_finding";
/// Characters of what was found.
const TEXT_CHARS_MAX: usize = 2_000;
/// How far back a finding may lie in the recordings, ms.
const BACK_MS: i64 = 90 * 24 * 3_600_000;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(report);
}

/// Something that was found on a camera.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"class": 3, "text": "操作人员未戴工帽"}))]
pub(super) struct FindingInput {
    /// 1 at once, 2 with a deadline, 3 daily supervision.
    #[schema(minimum = 1, maximum = 3)]
    class: i64,
    /// What was found.
    #[schema(max_length = 2000)]
    text: String,
    /// The moment in the recording; unless given, now. At most 90 days back.
    at: Option<String>,
}

/// A finding with its picture, ready to be raised.
pub(super) struct Finding {
    sighting: Sighting,
    still: Option<FileRow>,
    text: String,
}

impl Finding {
    /// Checks what was said, keeps the picture and holds the recording; nothing of it is seen before [`Finding::raise`].
    pub(super) async fn prepared(app: &App, session: &Session, camera_id: &str, input: FindingInput, now_ms: i64) -> Result<Self, Problem> {
        let mut faults = Faults::new();
        if !(1..=3).contains(&input.class) {
            faults.note_at("class", "out_of_range", "1 to 3".to_owned());
        }
        faults.text("text", &input.text, TEXT_CHARS_MAX);
        let seen_at = moment_ms("at", input.at.as_deref())?;
        if seen_at.is_some_and(|at| at > now_ms || at < now_ms - BACK_MS) {
            faults.note_at("at", "out_of_range", "at most 90 days back".to_owned());
        }
        checked(faults)?;
        if seen_at.is_some() && !session.access.may(Permission::VideoRecorded) {
            return Err(Problem::forbidden());
        }
        let scope = session.access.scope(Permission::PatrolsWalk);
        let row = cameras::get(&mut app.db.read().await?.conn(), &scope, camera_id).await?.ok_or_else(Problem::not_found)?;
        let id: Uuid = row.id.parse().map_err(StoreError::damaged)?;
        let at = seen_at.unwrap_or(now_ms);
        let (mut still, mut clip, mut held) = (None, None, None);
        if let Some(engine) = &app.engine {
            let picture = match seen_at {
                Some(at) => engine.still_at(id, at, None).await,
                None => engine.still(id, None).await,
            };
            // What has no picture can be said all the same.
            if let Ok(picture) = picture {
                still = keep_still(app, id, &picture.jpeg).await;
            }
            let span = clip_span(KIND, at, at);
            held = hold(app, id, span).await;
            clip = Some(span);
        }
        let sighting = Sighting {
            id: Uuid::now_v7().to_string(),
            kind: KIND.to_owned(),
            class: input.class,
            camera_id: row.id,
            premises_id: row.premises_id,
            began_at: at,
            at: now_ms,
            measure: 0.0,
            threshold: 0.0,
            rule: "{}".to_owned(),
            repeat_interval_ms: 0,
            still_file_id: still.as_ref().map(|still| still.id.clone()),
            clip,
            hold: held.map(|hold| hold.0),
        };
        Ok(Self { sighting, still, text: input.text.trim().to_owned() })
    }

    /// Id of the alert.
    pub(super) fn id(&self) -> &str {
        &self.sighting.id
    }

    /// Makes it an alert.
    pub(super) async fn raise(self, tx: &mut Tx<'_>, session: &Session) -> Result<(), StoreError> {
        if let Some(still) = &self.still {
            files::insert(tx, still).await?;
        }
        alert_acts::found(tx, &self.sighting, By::User(&session.actor, &session.access), &self.text).await
    }
}

/// What a finding became.
#[derive(Debug, Serialize, ToSchema)]
struct Found {
    alert_id: String,
    raised_at: Moment,
}

/// Reports something that the caller found on a camera, live or in its recording.
#[utoipa::path(tag = "patrols", params(("id" = String, Path)), request_body = FindingInput,
    responses((status = 201, body = Found), (status = 404, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/cameras/{id}/findings")]
async fn report(app: web::Data<App>, caller: Caller<can::PatrolsWalk>, id: Id, body: Body<FindingInput>) -> Result<HttpResponse, Problem> {
    let at = app.clock.wall_ms();
    let finding = Finding::prepared(&app, &caller, &id.to_string(), body.into_inner(), at).await?;
    let found = Found { alert_id: finding.id().to_owned(), raised_at: Moment(at) };
    let session = caller.clone();
    app.db.write(move |tx| Box::pin(async move { finding.raise(tx, &session).await })).await?;
    Ok(HttpResponse::Created().json(found))
}
