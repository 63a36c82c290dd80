//! `/rule_proposals`: other figures for rules whose flags at a camera are mostly dismissed: tried over what was recorded, then applied
//! or turned down.
//!
//! Whoever decides alerts sees them; who changes settings there as well tries, applies and turns down.

use actix_web::{HttpResponse, get, post, web};
use media::DiagnosisKind;
use mobile_api::Moment;
use mobile_api::field::Faults;
use mobile_api::problem::ProblemType;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::App;
use crate::auth::{Caller, Session, can};
use crate::domain::camera::{RuleChange, RuleChanges, merged};
use crate::domain::noise::{Effect, RuleFigures, Scale};
use crate::domain::permission::Permission;
use crate::domain::trial::Trial;
use crate::http::console::settings::{self, At, keep, own_place};
use crate::http::{Args, Body, Id, Listed, Problem, ProblemBody, checked, listed, page};
use crate::ingest::apply::{SETTING, diagnosis, layers};
use crate::jobs::trial::{Kept, figures_of};
use crate::store::journal::Act;
use crate::store::rule_proposals::{self, Ending, ProposalFilter, ProposalRow};
use crate::store::{Conn, StoreError, Tx, jobs};

/// Characters of a reason.
const REASON_CHARS_MAX: usize = 500;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(read).service(try_it).service(apply).service(decline);
}

/// Another figure proposed for a rule of a camera.
#[derive(Debug, Serialize, ToSchema)]
struct RuleProposal {
    id: String,
    camera_id: String,
    camera_name: String,
    premises_id: String,
    premises_name: String,
    #[schema(example = "covered")]
    kind: String,
    /// proposed: nobody has tried it; trying; tried; failed: the trial could not be made, see `problem`; applied; declined; withdrawn:
    /// decisions of people took its ground away
    #[schema(example = "proposed")]
    state: String,
    /// Flags raised since `since` that people confirmed.
    confirmed: i64,
    /// Of those, dismissed as false alarm, as permitted or for a reason in words.
    dismissed: i64,
    since: Moment,
    /// What is proposed; none before a trial, and where nothing fits.
    figures: Option<RuleFigures>,
    /// A person gave the figures.
    given: bool,
    /// While it is being tried: clips, sample.
    phase: Option<String>,
    /// Of the phase.
    done: i64,
    /// Of the phase.
    total: i64,
    problem: Option<String>,
    tried_by: Option<String>,
    tried_at: Option<Moment>,
    ended_by: Option<String>,
    ended_at: Option<Moment>,
    reason: Option<String>,
    version: i64,
    created_at: Moment,
    /// Whether the caller may try, apply and turn down.
    may_decide: bool,
}

fn view(row: &ProposalRow, session: &Session) -> RuleProposal {
    RuleProposal {
        figures: row.figures(),
        may_decide: row.ended_at.is_none() && session.access.may_at(Permission::SettingsManage, &row.path),
        id: row.id.clone(),
        camera_id: row.camera_id.clone(),
        camera_name: row.camera_name.clone(),
        premises_id: row.premises_id.clone(),
        premises_name: row.premises_name.clone(),
        kind: row.kind.clone(),
        state: row.state.clone(),
        confirmed: row.confirmed,
        dismissed: row.dismissed,
        since: Moment(row.since_at),
        given: row.given,
        phase: row.phase.clone(),
        done: row.done,
        total: row.total,
        problem: row.problem.clone(),
        tried_by: row.tried_by_name.clone(),
        tried_at: row.tried_at.map(Moment),
        ended_by: row.ended_by_name.clone(),
        ended_at: row.ended_at.map(Moment),
        reason: row.reason.clone(),
        version: row.version,
        created_at: Moment(row.created_at),
    }
}

/// A proposal with what its trial found.
#[derive(Debug, Serialize, ToSchema)]
struct RuleProposalPage {
    #[serde(flatten)]
    proposal: RuleProposal,
    /// The figures that hold for the camera now.
    present: RuleFigures,
    /// Raised above the threshold, or below it.
    above: bool,
    /// What the last trial found.
    trial: Option<Trial>,
    /// What the tried figures would have done to the flagged clips that the present ones raise again.
    effect: Option<Effect>,
    /// Of the recordings that were looked at, h.
    sample_hours: Option<f64>,
    /// Alerts an hour in those, by the figures that held.
    now_an_hour: Option<f64>,
    /// Alerts an hour in those, by the tried figures.
    then_an_hour: Option<f64>,
}

fn trial_of(row: &ProposalRow) -> Result<Option<Trial>, StoreError> {
    let kept: Option<Kept> = row.result.as_deref().map(serde_json::from_str).transpose().map_err(StoreError::damaged)?;
    Ok(kept.map(|kept| kept.trial))
}

/// The figures that hold for a camera's rule now.
async fn present(conn: &mut Conn<'_>, row: &ProposalRow) -> Result<RuleFigures, StoreError> {
    let settings = diagnosis(&merged(&layers(conn, &row.premises_id, &row.camera_id).await?));
    let kind = DiagnosisKind::from_name(&row.kind).ok_or_else(|| StoreError::damaged(format!("a proposal for {}", row.kind)))?;
    Ok(figures_of(&settings, kind))
}

async fn whole(conn: &mut Conn<'_>, session: &Session, id: &str) -> Result<RuleProposalPage, Problem> {
    let row = rule_proposals::get(conn, &session.access.scope(Permission::AlertsDecide), id).await?.ok_or_else(Problem::not_found)?;
    let trial = trial_of(&row)?;
    let rates = trial.as_ref().and_then(|trial| trial.sample.an_hour());
    Ok(RuleProposalPage {
        proposal: view(&row, session),
        present: present(conn, &row).await?,
        above: Scale::of(&row.kind).is_some_and(|scale| scale.above),
        effect: trial.as_ref().and_then(Trial::effect),
        sample_hours: trial.as_ref().map(|trial| trial.sample.hours()),
        now_an_hour: rates.map(|rates| rates.0),
        then_an_hour: rates.map(|rates| rates.1),
        trial,
    })
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ProposalArgs {
    /// true: still to be decided; false: applied, turned down or withdrawn; all where it is not given.
    open: Option<bool>,
    camera_id: Option<Uuid>,
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    cursor: Option<String>,
}

/// Proposals for cameras of the caller's part of the tree, the newest first.
#[utoipa::path(tag = "diagnosis", params(ProposalArgs), responses((status = 200, body = Listed<RuleProposal>), (status = 400, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/rule_proposals")]
async fn list(
    app: web::Data<App>,
    caller: Caller<can::AlertsDecide>,
    args: Args<ProposalArgs>,
) -> Result<web::Json<Listed<RuleProposal>>, Problem> {
    let page = page(args.limit, args.cursor.as_deref())?;
    let filter = ProposalFilter { open: args.open, camera_id: args.camera_id.map(|id| id.to_string()) };
    let mut reader = app.db.read().await?;
    let (conn, scope) = (&mut reader.conn(), caller.scope());
    let mut rows = rule_proposals::list(conn, &scope, &filter, &page).await?;
    let counted = rule_proposals::count(conn, &scope, &filter).await?;
    let next = page.cut(&mut rows, |row| (String::new(), row.id.clone()));
    Ok(web::Json(listed(rows.iter().map(|row| view(row, &caller)).collect(), next, counted)))
}

/// One proposal, with what its trial found.
#[utoipa::path(tag = "diagnosis", params(("id" = Uuid, Path)), responses((status = 200, body = RuleProposalPage), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/rule_proposals/{id}")]
async fn read(app: web::Data<App>, caller: Caller<can::AlertsDecide>, id: Id) -> Result<web::Json<RuleProposalPage>, Problem> {
    Ok(web::Json(whole(&mut app.db.read().await?.conn(), &caller, &id.to_string()).await?))
}

/// The proposal that an act is about, where the caller may act and nobody was faster.
async fn to_act(tx: &mut Tx<'_>, session: &Session, id: &str, version: i64) -> Result<ProposalRow, Problem> {
    let row = rule_proposals::get(tx, &session.access.scope(Permission::AlertsDecide), id).await?.ok_or_else(Problem::not_found)?;
    if !session.access.may_at(Permission::SettingsManage, &row.path) {
        return Err(Problem::forbidden());
    }
    if row.version != version {
        return Err(Problem::stale(view(&row, session)));
    }
    Ok(row)
}

fn not_now(row: &ProposalRow, session: &Session) -> Problem {
    Problem::of(ProblemType::InvalidTransition).with("present", view(row, session))
}

/// What is to be tried.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"version": 1}))]
struct TrialRequest {
    /// That the caller has seen.
    version: i64,
    /// Unless given, the trial finds them.
    figures: Option<RuleFigures>,
}

/// Tries other figures over the camera's flagged clips and over one in thirty of its recorded files of the last 7 days.
///
/// The answer comes at once; `state`, `phase`, `done` and `total` say how far the trial is. Nothing of the camera's settings changes.
#[utoipa::path(tag = "diagnosis", params(("id" = Uuid, Path)), request_body = TrialRequest,
    responses((status = 202, body = RuleProposalPage), (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "`stale_version` or `invalid_transition`, with `present`"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/rule_proposals/{id}/try")]
async fn try_it(app: web::Data<App>, caller: Caller<can::AlertsDecide>, id: Id, body: Body<TrialRequest>) -> Result<HttpResponse, Problem> {
    let TrialRequest { version, figures } = body.into_inner();
    let mut faults = Faults::new();
    if let Some(RuleFigures { threshold, duration_s }) = figures {
        let change = RuleChange { threshold: Some(threshold), duration_s: Some(duration_s), ..RuleChange::default() };
        if let Some((field, detail)) = change.fault() {
            faults.within("figures", |faults| faults.note_at(field, "out_of_range", detail));
        }
    }
    checked(faults)?;
    let (at, session, id) = (app.clock.wall_ms(), Session::clone(&caller), id.to_string());
    let answer = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                let row = to_act(tx, &session, &id, version).await?;
                if !rule_proposals::try_it(tx, &row, figures, &session.user_id.to_string(), at).await? {
                    return Err(not_now(&row, &session));
                }
                jobs::enqueue(tx, "trial", &id, &json!({}), at, at).await?;
                let detail = json!({"camera_id": row.camera_id, "kind": row.kind, "figures": figures});
                let (entity, path) = (Some(("rule_proposal", id.as_str())), row.path.as_str());
                tx.audit(at, Act { actor: &session.actor, action: "try", entity, path, detail }).await?;
                whole(tx, &session, &id).await
            })
        })
        .await?;
    Ok(HttpResponse::Accepted().json(answer))
}

/// A proposal is to be applied.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"version": 3, "reason": "蒸汽遮挡，已看过回放"}))]
struct Application {
    /// That the caller has seen.
    version: i64,
    #[schema(max_length = 500)]
    reason: String,
    /// Must be true where flags that people confirmed would not have been raised.
    loses_confirmed: Option<bool>,
}

/// Sets the tried figures at the camera, with the reason in the audit log. They hold within seconds.
#[utoipa::path(tag = "diagnosis", params(("id" = Uuid, Path)), request_body = Application,
    responses((status = 200, body = RuleProposalPage), (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "`stale_version` or `invalid_transition`, with `present`; `conflict`: the rule was changed since the trial"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/rule_proposals/{id}/apply")]
async fn apply(
    app: web::Data<App>,
    caller: Caller<can::AlertsDecide>,
    id: Id,
    body: Body<Application>,
) -> Result<web::Json<RuleProposalPage>, Problem> {
    let Application { version, reason, loses_confirmed } = body.into_inner();
    reason_given(&reason)?;
    let (at, session, id) = (app.clock.wall_ms(), Session::clone(&caller), id.to_string());
    let answer = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                let row = to_act(tx, &session, &id, version).await?;
                let trial = trial_of(&row)?.filter(|_| row.state == "tried");
                let (Some(trial), Some(figures)) = (trial, row.figures()) else { return Err(not_now(&row, &session)) };
                if trial.effect().is_some_and(|effect| effect.lost > 0) && loses_confirmed != Some(true) {
                    return Err(Problem::field("/loses_confirmed", "required", "confirmed flags would not have been raised"));
                }
                let present = present(tx, &row).await?;
                if present != trial.present {
                    return Err(Problem::of(ProblemType::Conflict).because("the rule was changed since the trial; try it again"));
                }
                set(tx, &session, &row, present, figures, at).await?;
                end(tx, &session, &row, (Ending::Applied, "apply"), &reason, json!({"figures": figures, "before": present}), at).await?;
                whole(tx, &session, &id).await
            })
        })
        .await?;
    app.cameras_changed.notify_one();
    Ok(web::Json(answer))
}

/// A proposal is turned down.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"version": 1, "reason": "先调整摄像头位置"}))]
struct TurnedDown {
    /// That the caller has seen.
    version: i64,
    #[schema(max_length = 500)]
    reason: String,
}

/// Turns a proposal down: the rule stays as it is, and nothing is proposed for it for 30 days unless 8 more flags are dismissed.
#[utoipa::path(tag = "diagnosis", params(("id" = Uuid, Path)), request_body = TurnedDown,
    responses((status = 200, body = RuleProposalPage), (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "`stale_version` or `invalid_transition`, with `present`"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/rule_proposals/{id}/decline")]
async fn decline(
    app: web::Data<App>,
    caller: Caller<can::AlertsDecide>,
    id: Id,
    body: Body<TurnedDown>,
) -> Result<web::Json<RuleProposalPage>, Problem> {
    let TurnedDown { version, reason } = body.into_inner();
    reason_given(&reason)?;
    let (at, session, id) = (app.clock.wall_ms(), Session::clone(&caller), id.to_string());
    let answer = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                let row = to_act(tx, &session, &id, version).await?;
                end(tx, &session, &row, (Ending::Declined, "decline"), &reason, json!({}), at).await?;
                whole(tx, &session, &id).await
            })
        })
        .await?;
    Ok(web::Json(answer))
}

fn reason_given(reason: &str) -> Result<(), Problem> {
    let mut faults = Faults::new();
    faults.text("reason", reason, REASON_CHARS_MAX);
    checked(faults)
}

/// Sets at the camera what differs from what holds; the rest stays inherited.
async fn set(
    tx: &mut Tx<'_>,
    session: &Session,
    row: &ProposalRow,
    present: RuleFigures,
    figures: RuleFigures,
    at: i64,
) -> Result<(), Problem> {
    let place = own_place(tx, &session.access.scope(Permission::SettingsManage), At::Camera(row.camera_id.clone())).await?;
    let own = settings::stored(tx, &place, SETTING).await?.into_iter().find(|(from, _)| *from == place.scope);
    let mut changes: RuleChanges =
        own.map(|(_, json)| serde_json::from_str(&json).map_err(StoreError::damaged)).transpose()?.unwrap_or_default();
    let change = changes.entry(row.kind.clone()).or_default();
    if figures.threshold != present.threshold {
        change.threshold = Some(figures.threshold);
    }
    if figures.duration_s != present.duration_s {
        change.duration_s = Some(figures.duration_s);
    }
    let value = serde_json::to_string(&changes).map_err(StoreError::damaged)?;
    keep(tx, &session.actor, &place, SETTING, Some(&value), at).await
}

async fn end(
    tx: &mut Tx<'_>,
    session: &Session,
    row: &ProposalRow,
    (how, action): (Ending, &'static str),
    reason: &str,
    mut detail: serde_json::Value,
    at: i64,
) -> Result<(), Problem> {
    if !rule_proposals::end(tx, row, how, &session.user_id.to_string(), reason, at).await? {
        return Err(not_now(row, session));
    }
    detail["camera_id"] = json!(row.camera_id);
    detail["kind"] = json!(row.kind);
    detail["reason"] = json!(reason);
    let entity = Some(("rule_proposal", row.id.as_str()));
    tx.audit(at, Act { actor: &session.actor, action, entity, path: &row.path, detail }).await?;
    Ok(())
}
