//! `/duty`: who is on duty when, what happened meanwhile, and handing a shift's work to the next.

use actix_web::{HttpResponse, delete, get, post, web};
use mobile_api::Moment;
use mobile_api::field::Faults;
use mobile_api::problem::ProblemType;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::App;
use crate::auth::{Caller, can};
use crate::domain::permission::Permission;
use crate::domain::workflow::Handing;
use crate::http::console::brought::remark;
use crate::http::{Args, Body, Id, Listed, Problem, ProblemBody, checked, listed, moment_ms};
use crate::store::duty::{self, ShiftRow};
use crate::store::journal::Act;
use crate::store::work::{self, WorkError};
use crate::store::{StoreError, alert_acts, organizations};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Longest shift, ms.
const SHIFT_MS_MAX: i64 = 48 * HOUR_MS;
/// How far ahead a shift may begin, ms.
const AHEAD_MS_MAX: i64 = 92 * DAY_MS;
/// Longest stretch of one question, ms.
const ASKED_MS_MAX: i64 = 62 * DAY_MS;
/// A summary begins so long ago where the caller has no shift now, ms.
const SUMMARY_MS: i64 = 12 * HOUR_MS;
/// A summary begins so long ago at most, ms.
const SUMMARY_MS_MAX: i64 = 31 * DAY_MS;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(add).service(remove).service(summary).service(hand_over);
}

/// A shift.
#[derive(Debug, Serialize, ToSchema)]
struct DutyShift {
    id: String,
    organization_id: String,
    organization_name: String,
    user_id: String,
    display_name: String,
    start: Moment,
    end: Moment,
    /// Whether it is going on.
    now: bool,
}

fn view(row: ShiftRow, now_ms: i64) -> DutyShift {
    DutyShift {
        now: (row.start_at..row.end_at).contains(&now_ms),
        id: row.id,
        organization_id: row.node_id,
        organization_name: row.node_name,
        user_id: row.user_id,
        display_name: row.display_name,
        start: Moment(row.start_at),
        end: Moment(row.end_at),
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DutyArgs {
    /// Unless given, now.
    #[param(example = "2026-11-23T00:00:00.000Z")]
    start: Option<String>,
    /// Unless given, two weeks after the start; at most 62 days after it.
    #[param(example = "2026-12-07T00:00:00.000Z")]
    end: Option<String>,
}

/// Shifts of the caller's part of the tree that touch a stretch of time, the first to begin first; at most 2,000.
#[utoipa::path(tag = "duty", params(DutyArgs), responses((status = 200, body = Listed<DutyShift>), (status = 400, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/duty")]
async fn list(
    app: web::Data<App>,
    caller: Caller<can::AlertsDecide>,
    args: Args<DutyArgs>,
) -> Result<web::Json<Listed<DutyShift>>, Problem> {
    let now_ms = app.clock.wall_ms();
    let start = moment_ms("start", args.start.as_deref())?.unwrap_or(now_ms);
    let end = moment_ms("end", args.end.as_deref())?.unwrap_or(start.saturating_add(14 * DAY_MS));
    if end <= start || end - start > ASKED_MS_MAX {
        return Err(Problem::of(ProblemType::Malformed).because("start comes before end, at most 62 days apart"));
    }
    let rows = duty::list(&mut app.db.read().await?.conn(), &caller.scope(), start, end).await?;
    let counted = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    Ok(web::Json(listed(rows.into_iter().map(|row| view(row, now_ms)).collect(), None, counted)))
}

/// A shift to add.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"organization_id": "01928f6e-0000-7000-8000-000000000004", "user_id": "01928f6e-0000-7000-8000-000000000006", "start": "P0D", "end": "PT12H"}))]
struct NewShift {
    /// For everything below it.
    organization_id: Uuid,
    /// Somebody who may decide its alerts.
    user_id: Uuid,
    /// A time, or from now as an ISO 8601 duration.
    #[schema(max_length = 40)]
    start: String,
    /// After the start, at most 48 hours.
    #[schema(max_length = 40)]
    end: String,
}

/// Puts somebody on duty.
#[utoipa::path(tag = "duty", request_body = NewShift,
    responses((status = 201, body = DutyShift), (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "that person has a shift then"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/duty")]
async fn add(app: web::Data<App>, caller: Caller<can::DutiesManage>, body: Body<NewShift>) -> Result<HttpResponse, Problem> {
    let at = app.clock.wall_ms();
    let NewShift { organization_id, user_id, start, end } = body.into_inner();
    let (start, end) = (super::alerts::deadline_ms("/start", &start, at)?, super::alerts::deadline_ms("/end", &end, at)?);
    let mut faults = Faults::new();
    if start > at + AHEAD_MS_MAX || start < at - DAY_MS {
        faults.note_at("start", "out_of_range", "from a day ago to 92 days ahead".to_owned());
    }
    if end <= start || end - start > SHIFT_MS_MAX || end <= at {
        faults.note_at("end", "out_of_range", "after the start and after now, at most 48 hours long".to_owned());
    }
    checked(faults)?;
    let (scope, actor) = (caller.scope(), caller.actor.clone());
    let (node_id, user_id) = (organization_id.to_string(), user_id.to_string());
    let row = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                let path = organizations::get(tx, &scope, &node_id).await?.ok_or_else(Problem::not_found)?.path;
                let people = work::colleagues(tx, Permission::AlertsDecide, &path, at).await?;
                if !people.iter().any(|(id, _)| *id == user_id) {
                    return Err(Problem::field("/user_id", "unknown", "nobody who may decide alerts there"));
                }
                if duty::overlaps(tx, &user_id, start, end).await? {
                    return Err(Problem::of(ProblemType::Conflict).because("that person has a shift then"));
                }
                let id = duty::insert(tx, (&node_id, &path), &user_id, start, end, at).await?;
                let detail = json!({"user_id": user_id, "start": Moment(start), "end": Moment(end)});
                tx.audit(at, Act { actor: &actor, action: "create", entity: Some(("duty", &id)), path: &path, detail }).await?;
                let row = duty::get(tx, &scope, &id).await?;
                Ok(row.ok_or_else(|| StoreError::damaged("a shift that was just added is gone"))?)
            })
        })
        .await?;
    Ok(HttpResponse::Created().json(view(row, at)))
}

/// Takes a shift away.
#[utoipa::path(tag = "duty", params(("id" = String, Path)), responses((status = 204), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[delete("/duty/{id}")]
async fn remove(app: web::Data<App>, caller: Caller<can::DutiesManage>, id: Id) -> Result<HttpResponse, Problem> {
    let (at, scope, actor, id) = (app.clock.wall_ms(), caller.scope(), caller.actor.clone(), id.to_string());
    app.db
        .write(move |tx| {
            Box::pin(async move {
                let row = duty::get(tx, &scope, &id).await?.ok_or_else(Problem::not_found)?;
                duty::delete(tx, &row, at).await?;
                let detail = json!({"user_id": row.user_id, "start": Moment(row.start_at), "end": Moment(row.end_at)});
                tx.audit(at, Act { actor: &actor, action: "delete", entity: Some(("duty", &id)), path: &row.node_path, detail }).await?;
                Ok::<_, Problem>(())
            })
        })
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SummaryArgs {
    /// Unless given, the beginning of the caller's shift, or 12 hours ago; at most 31 days ago.
    since: Option<String>,
}

/// What happened to alerts.
#[derive(Debug, Serialize, ToSchema)]
struct ShiftHappened {
    raised: i64,
    confirmed: i64,
    false_alarms: i64,
    other_dismissals: i64,
    dispatched: i64,
    rectified: i64,
    closed: i64,
    /// Decided by the caller.
    decided_by_me: i64,
}

/// How open alerts stand.
#[derive(Debug, Serialize, ToSchema)]
struct ShiftStanding {
    undecided: i64,
    confirmed: i64,
    to_review: i64,
    /// Past a limit.
    late: i64,
    /// Claimed by the caller.
    mine: i64,
}

/// What whoever comes next should know.
#[derive(Debug, Serialize, ToSchema)]
struct ShiftSummary {
    since: Moment,
    until: Moment,
    /// Since then.
    happened: ShiftHappened,
    /// Now.
    standing: ShiftStanding,
    /// Who is on duty now.
    on_duty: Vec<DutyShift>,
}

/// What happened in the caller's shift, and what is left of it.
#[utoipa::path(tag = "duty", params(SummaryArgs), responses((status = 200, body = ShiftSummary), (status = 400, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/duty/summary")]
async fn summary(
    app: web::Data<App>,
    caller: Caller<can::AlertsDecide>,
    args: Args<SummaryArgs>,
) -> Result<web::Json<ShiftSummary>, Problem> {
    let now_ms = app.clock.wall_ms();
    let (scope, me) = (caller.scope(), caller.user_id.to_string());
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let since = match moment_ms("since", args.since.as_deref())? {
        Some(since) if since > now_ms || since < now_ms - SUMMARY_MS_MAX => {
            return Err(Problem::of(ProblemType::Malformed).because("since lies in the last 31 days"));
        }
        Some(since) => since,
        None => duty::began(conn, &me, now_ms).await?.unwrap_or(now_ms - SUMMARY_MS),
    };
    let happened = duty::happened(conn, &scope, &me, since).await?;
    let standing = duty::standing(conn, &scope, &me).await?;
    let on_duty = duty::list(conn, &scope, now_ms, now_ms + 1).await?;
    Ok(web::Json(ShiftSummary {
        since: Moment(since),
        until: Moment(now_ms),
        happened: ShiftHappened {
            raised: happened.raised,
            confirmed: happened.confirmed,
            false_alarms: happened.false_alarms,
            other_dismissals: happened.other_dismissals,
            dispatched: happened.dispatched,
            rectified: happened.rectified,
            closed: happened.closed,
            decided_by_me: happened.decided_by_me,
        },
        standing: ShiftStanding {
            undecided: standing.undecided,
            confirmed: standing.confirmed,
            to_review: standing.to_review,
            late: standing.late,
            mine: standing.mine,
        },
        on_duty: on_duty.into_iter().map(|row| view(row, now_ms)).collect(),
    }))
}

/// Whom a shift's work goes to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"user_id": "01928f6e-0000-7000-8000-000000000006", "text": "交班"}))]
struct HandOver {
    user_id: Uuid,
    /// What that person should know.
    #[schema(max_length = 2000)]
    text: Option<String>,
}

/// How much of it went.
#[derive(Debug, Serialize, ToSchema)]
struct HandedOver {
    handed: usize,
    /// Alerts that the other may not decide: they stay with the caller.
    kept: usize,
}

/// Hands every alert that the caller has claimed to a colleague, where that person may decide it; each is told of by itself.
#[utoipa::path(tag = "duty", request_body = HandOver, responses((status = 200, body = HandedOver), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/duty/hand_over")]
async fn hand_over(app: web::Data<App>, caller: Caller<can::AlertsDecide>, body: Body<HandOver>) -> Result<web::Json<HandedOver>, Problem> {
    let at = app.clock.wall_ms();
    let HandOver { user_id, text } = body.into_inner();
    let (session, user, text) = (caller.clone(), user_id.to_string(), remark(text)?);
    if user_id == session.user_id {
        return Err(Problem::field("/user_id", "unexpected", "it is the caller's already"));
    }
    let done = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                let scope = session.access.scope(Permission::AlertsRead);
                let mut done = HandedOver { handed: 0, kept: 0 };
                for (id, version) in duty::claimed(tx, &scope, &session.user_id.to_string()).await? {
                    let who = (&session.actor, &session.access);
                    match alert_acts::hand(tx, &scope, &id, version, who, Handing::To(&user), text.clone(), at).await {
                        Ok(()) => done.handed += 1,
                        Err(WorkError::Store(error)) => return Err(error.into()),
                        Err(_) => done.kept += 1,
                    }
                }
                Ok::<_, Problem>(done)
            })
        })
        .await?;
    Ok(web::Json(done))
}
