//! What people do about an alert. Each answers with the alert as it is afterwards.

use actix_web::{HttpRequest, HttpResponse, post, web};
use mobile_api::Moment;
use mobile_api::problem::ProblemType;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::view::{self, AlertDetail};
use crate::App;
use crate::auth::{Caller, Session, can};
use crate::domain::permission::Permission;
use crate::domain::workflow::{Act, Decision, Refusal, alert as table};
use crate::http::console::brought::{self, worded};
use crate::http::{Answer, Body, Id, Problem, ProblemBody, Repeatable};
use crate::store::work::{By, WorkError};
use crate::store::{Tx, alert_acts};

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(confirm)
        .service(dismiss)
        .service(reopen)
        .service(dispatch)
        .service(rectify)
        .service(review)
        .service(undo)
        .service(open_case);
}

/// What an act carries. Reason and text may come with every one.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"version": 1}))]
struct ActRequest {
    /// The version that was read; another one by now is a 409 `stale_version` with `present`.
    version: i64,
    /// Why. For dismissing: false_alarm, duplicate, permitted, test, or in words.
    #[schema(max_length = 2000)]
    reason: Option<String>,
    /// Until when: a time, or from now as an ISO 8601 duration of days and hours (`P3D`, `PT8H`); at most 90 days ahead.
    #[schema(max_length = 40)]
    deadline: Option<String>,
    #[schema(max_length = 2000)]
    text: Option<String>,
    /// Files brought before by `POST /files`.
    #[schema(max_items = 20)]
    evidence_ids: Option<Vec<Uuid>>,
    /// For a review.
    decision: Option<Decision>,
    /// For all alerts of its cause that stand where it does; those that somebody else has claimed stay.
    same_cause: Option<bool>,
}

macro_rules! act {
    ($name:ident, $route:literal, $can:ident, $example:expr, $doc:literal) => {
        #[doc = $doc]
        #[utoipa::path(tag = "alerts", params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header, description = "The same again gets the same answer.")),
            request_body(content = ActRequest, example = $example),
            responses((status = 200, body = AlertDetail),
                (status = 403, body = ProblemBody, content_type = "application/problem+json"),
                (status = 404, body = ProblemBody, content_type = "application/problem+json"),
                (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "`stale_version`, `claimed` or `invalid_transition`, with `present`"),
                (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
        #[post($route)]
        async fn $name(request: HttpRequest, app: web::Data<App>, caller: Caller<can::$can>, id: Id, body: Body<ActRequest>) -> Result<HttpResponse, Problem> {
            perform(&request, &app, &caller, *id, stringify!($name), body).await
        }
    };
}

act!(confirm, "/alerts/{id}/confirm", AlertsDecide, json!({"version": 1}), "It is what it looks like.");
act!(
    dismiss,
    "/alerts/{id}/dismiss",
    AlertsDecide,
    json!({"version": 1, "reason": "false_alarm", "text": "蒸汽"}),
    "Not worth acting on; the reason stays in the figures."
);
act!(
    reopen,
    "/alerts/{id}/reopen",
    AlertsDecide,
    json!({"version": 2, "reason": "再次核看，确有问题"}),
    "A dismissed alert is looked at again."
);
act!(
    dispatch,
    "/alerts/{id}/dispatch",
    AlertsDecide,
    json!({"version": 2, "deadline": "P1D", "text": "请当日整改并上传照片"}),
    "The premises has to put it right by the deadline."
);
act!(
    rectify,
    "/alerts/{id}/rectify",
    AlertsRectify,
    json!({"version": 3, "text": "已调整摄像头并清洁镜头"}),
    "The premises, or the officer for it, answers: in words, with pictures, or both."
);
act!(
    review,
    "/alerts/{id}/review",
    AlertsDecide,
    json!({"version": 4, "decision": "accept"}),
    "Accepts the answer, which closes the alert, or sends it back with a reason. Nobody reviews their own answer."
);

act!(
    undo,
    "/alerts/{id}/undo",
    AlertsDecide,
    json!({"version": 2}),
    "Takes back the caller's own confirming or dismissing, within eight seconds of it. The history keeps both."
);
act!(
    open_case,
    "/alerts/{id}/open_case",
    AlertsDecide,
    json!({"version": 2, "reason": "明市监立〔2026〕12号"}),
    "A case was filed; `reason` is its reference. What follows is kept with the case."
);

async fn perform(
    request: &HttpRequest,
    app: &App,
    session: &Session,
    id: Uuid,
    action: &str,
    body: Body<ActRequest>,
) -> Result<HttpResponse, Problem> {
    let at = app.clock.wall_ms();
    let repeat = Repeatable::of(request, session, &body.raw)?;
    let body = body.into_inner();
    let deadline_ms = body.deadline.as_deref().map(|deadline| deadline_ms("/deadline", deadline, at)).transpose()?;
    let evidence: Vec<String> = body.evidence_ids.unwrap_or_default().iter().map(Uuid::to_string).collect();
    let reason = if action == "dismiss" { body.reason.as_deref().map(table::dismiss_reason) } else { body.reason };
    let act = Act {
        action: action.to_owned(),
        decision: body.decision,
        reason: worded(reason),
        text: worded(body.text),
        deadline_ms,
        evidence: evidence.len(),
        ..Act::default()
    };
    let (session, id, version, all) = (session.clone(), id.to_string(), body.version, body.same_cause.unwrap_or(false));
    repeat
        .once(&app.db, at, move |tx| {
            Box::pin(async move {
                make(tx, &session, &id, version, &act, &evidence, all, at).await?;
                let scope = session.access.scope(Permission::AlertsRead);
                Answer::json(200, &view::detail(tx, &session, &scope, &id, at).await?)
            })
        })
        .await
}

#[expect(clippy::too_many_arguments, reason = "who does what to which, on which version, with what, when")]
pub(super) async fn make(
    tx: &mut Tx<'_>,
    session: &Session,
    id: &str,
    version: i64,
    act: &Act,
    evidence: &[String],
    all_of_cause: bool,
    at: i64,
) -> Result<(), Problem> {
    // Whose alerts one may act on follows from whose one may see; the table asks for the permission at the premises.
    let scope = session.access.scope(Permission::AlertsRead);
    let by = By::User(&session.actor, &session.access);
    match alert_acts::perform(tx, &scope, id, Some(version), by, act, evidence, at).await {
        // Looked at after the table has judged: whoever may not act learns nothing about files.
        Ok(led) => {
            if all_of_cause {
                alert_acts::follow(tx, &scope, &led, by, act, evidence, at).await?;
            }
            own_evidence(tx, session, evidence).await
        }
        Err(error) => Err(refused(tx, session, id, error, at).await?),
    }
}

/// Why an act was refused; with the alert as it is, where that is the reason.
pub(super) async fn refused(tx: &mut Tx<'_>, session: &Session, id: &str, error: WorkError, at: i64) -> Result<Problem, Problem> {
    let problem = match error {
        WorkError::Stale => Problem::of(ProblemType::StaleVersion),
        WorkError::Refused(Refusal::NotNow) => Problem::of(ProblemType::InvalidTransition).because("not possible in this state"),
        WorkError::Refused(Refusal::Claimed) => Problem::of(ProblemType::Claimed),
        other => return Ok(other.into()),
    };
    let scope = session.access.scope(Permission::AlertsRead);
    Ok(problem.with("present", view::detail(tx, session, &scope, id, at).await?))
}

/// Evidence is what the caller brought: nobody shows what is somebody else's.
async fn own_evidence(tx: &mut Tx<'_>, session: &Session, evidence: &[String]) -> Result<(), Problem> {
    match brought::strange(tx, &session.user_id.to_string(), evidence).await?.first() {
        Some(at) => Err(Problem::field(&format!("/evidence_ids/{at}"), "unknown", "no such file of yours")),
        None => brought::keep(tx, evidence, "/evidence_ids").await,
    }
}

/// A time, or a duration from now; what is neither is told at `pointer`.
pub(in crate::http::console) fn deadline_ms(pointer: &str, text: &str, now_ms: i64) -> Result<i64, Problem> {
    let bad = || Problem::field(pointer, "format", "a time such as 2026-11-24T10:00:00.000Z, or a duration such as P3D");
    if !text.starts_with(['P', 'p']) {
        return text.parse::<Moment>().map(|moment| moment.0).map_err(|_| bad());
    }
    let span: jiff::Span = text.parse().map_err(|_| bad())?;
    // A day is 24 hours here; months and years have no fixed length.
    let length = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).map_err(|_| bad())?;
    i64::try_from(length.as_millis()).map(|length_ms| now_ms.saturating_add(length_ms)).map_err(|_| bad())
}

#[cfg(test)]
mod tests {
    use super::deadline_ms;

    #[test]
    fn a_deadline_is_a_time_or_a_length() {
        assert_eq!(deadline_ms("/deadline", "1970-01-01T00:00:05Z", 9).ok(), Some(5_000));
        assert_eq!(deadline_ms("/deadline", "P3DT1H", 7).ok(), Some(7 + 73 * 3_600_000));
        for bad in ["", "P", "tomorrow", "P1M", "PP", "2026-13-01T00:00:00Z"] {
            assert!(deadline_ms("/deadline", bad, 0).is_err(), "{bad}");
        }
    }
}
