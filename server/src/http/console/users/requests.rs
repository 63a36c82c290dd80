//! `/role-requests`: roles that wait for a second administrator. The rule stands in [`super::agreement`].

use actix_web::{HttpResponse, get, post, web};
use mobile_api::field::Faults;
use mobile_api::moment::Moment;
use mobile_api::problem::ProblemType;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::App;
use crate::auth::{Caller, GRANT_LIMIT, Scope, Session, can};
use crate::http::{Args, Body, Id, Listed, Problem, ProblemBody, checked, listed, page};
use crate::store::journal::{Act, Change, Entity};
use crate::store::role_requests::{self, RequestRow};
use crate::store::{Tx, notices, users};

/// A request that nobody decided for so long is asked anew, ms.
const KEPT_MS: i64 = 30 * 24 * 3_600_000;
const REASON_CHARS_MAX: usize = 500;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(approve).service(refuse);
}

#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum RequestState {
    Pending,
    Approved,
    Refused,
    Withdrawn,
}

impl RequestState {
    fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RequestArgs {
    #[param(inline)]
    state: Option<RequestState>,
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    cursor: Option<String>,
}

/// A role that waits, or waited, for a second administrator.
#[derive(Debug, Serialize, ToSchema)]
struct RoleRequest {
    id: String,
    user_id: String,
    user_name: String,
    role: String,
    node_id: String,
    node_name: String,
    /// city, district, office or premises
    node_level: String,
    valid_until: Option<Moment>,
    asked_by: String,
    asked_by_name: String,
    asked_at: Moment,
    /// pending, approved, refused or withdrawn
    state: String,
    decided_by_name: Option<String>,
    decided_at: Option<Moment>,
    reason: Option<String>,
    /// The caller is a third person; that their account was in nobody's hands is looked at when they agree.
    may_decide: bool,
    /// The caller asked and may take it back.
    may_withdraw: bool,
}

impl RoleRequest {
    fn of(row: RequestRow, caller: &str) -> Self {
        let pending = row.state == "pending";
        Self {
            may_decide: pending && row.asked_by != caller && row.user_id != caller,
            may_withdraw: pending && row.asked_by == caller,
            id: row.id,
            user_id: row.user_id,
            user_name: row.user_name,
            role: row.role,
            node_id: row.node_id,
            node_name: row.node_name,
            node_level: row.node_level,
            valid_until: row.valid_until.map(Moment),
            asked_by: row.asked_by,
            asked_by_name: row.asked_by_name,
            asked_at: Moment(row.asked_at),
            state: row.state,
            decided_by_name: row.decided_by_name,
            decided_at: row.decided_at.map(Moment),
            reason: row.reason,
        }
    }
}

/// Roles that wait for a second administrator in the caller's part of the tree, and those that were decided; the newest first.
#[utoipa::path(tag = "people", params(RequestArgs), responses((status = 200, body = Listed<RoleRequest>), (status = 400, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/role-requests")]
async fn list(
    app: web::Data<App>,
    caller: Caller<can::UsersManage>,
    args: Args<RequestArgs>,
) -> Result<web::Json<Listed<RoleRequest>>, Problem> {
    let page = page(args.limit, args.cursor.as_deref())?;
    let (scope, state, me) = (caller.scope(), args.state.map(RequestState::as_str), caller.user_id.to_string());
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let mut rows = role_requests::list(conn, &scope, state, &page).await?;
    let counted = role_requests::count(conn, &scope, state).await?;
    let next = page.cut(&mut rows, |row| (row.asked_at.to_string(), row.id.clone()));
    Ok(web::Json(listed(rows.into_iter().map(|row| RoleRequest::of(row, &me)).collect(), next, counted)))
}

/// Agrees: the person has the role from now on. Who agrees neither asked nor gets the role, and neither of the two ever chose
/// their password, nor that of who did.
#[utoipa::path(tag = "people", params(("id" = String, Path)),
    responses((status = 200, body = RoleRequest), (status = 403, body = ProblemBody, content_type = "application/problem+json", description = "not a second person"), (status = 404, body = ProblemBody, content_type = "application/problem+json"), (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "decided already, or too old")))]
#[post("/role-requests/{id}/approve")]
async fn approve(app: web::Data<App>, caller: Caller<can::UsersManage>, id: Id) -> Result<HttpResponse, Problem> {
    let (scope, session, at, id) = (caller.scope(), Session::clone(&caller), app.clock.wall_ms(), id.to_string());
    let (row, user_id) = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                let row = pending(tx, &scope, &id).await?;
                let me = session.user_id.to_string();
                second_person(tx, &row, &me).await?;
                if at - row.asked_at > KEPT_MS {
                    return Err(Problem::of(ProblemType::InvalidTransition).because("asked more than 30 days ago: ask again"));
                }
                let held = users::grants(tx, &row.user_id).await?;
                let known = users::credentials_by_id(tx, &row.user_id).await?.filter(|user| user.disabled_at.is_none());
                if known.is_none() || held.len() >= GRANT_LIMIT || users::node_path(tx, &row.node_id).await?.is_none() {
                    return Err(Problem::of(ProblemType::InvalidTransition).because("this person can have no further role there now"));
                }
                decided(tx, &session, &row, "approved", None, at).await?;
                users::grant(tx, &row.user_id, &row.role, &row.node_id, &row.node_path, row.valid_until).await?;
                users::grants_changed(tx, &row.user_id).await?;
                tx.changed(at, Change::upsert(Entity::User, &row.user_id, &row.node_path)).await?;
                let user_id: Uuid = row.user_id.parse().map_err(crate::store::StoreError::damaged)?;
                Ok((shown(tx, &scope, &id, &me).await?, user_id))
            })
        })
        .await?;
    // Modify, then notify: open streams read what the person may do anew, or end.
    app.streams.end_user(user_id);
    Ok(HttpResponse::Ok().json(row))
}

/// Why a role is not given.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "工作上不需要查看录像"}))]
struct Refused {
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

/// Refuses, with a reason; who asked takes the request back with it.
#[utoipa::path(tag = "people", params(("id" = String, Path)), request_body = Refused,
    responses((status = 200, body = RoleRequest), (status = 404, body = ProblemBody, content_type = "application/problem+json"), (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "decided already"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/role-requests/{id}/refuse")]
async fn refuse(app: web::Data<App>, caller: Caller<can::UsersManage>, id: Id, body: Body<Refused>) -> Result<HttpResponse, Problem> {
    let reason = body.into_inner().reason;
    let mut faults = Faults::new();
    faults.text("reason", &reason, REASON_CHARS_MAX);
    checked(faults)?;
    let (scope, session, at, id) = (caller.scope(), Session::clone(&caller), app.clock.wall_ms(), id.to_string());
    let row = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                let row = pending(tx, &scope, &id).await?;
                let me = session.user_id.to_string();
                let state = if row.asked_by == me { "withdrawn" } else { "refused" };
                decided(tx, &session, &row, state, Some(reason.trim()), at).await?;
                shown(tx, &scope, &id, &me).await
            })
        })
        .await?;
    Ok(HttpResponse::Ok().json(row))
}

async fn pending(tx: &mut Tx<'_>, scope: &Scope, id: &str) -> Result<RequestRow, Problem> {
    let row = role_requests::get(tx, scope, id).await?.ok_or_else(Problem::not_found)?;
    if row.state == "pending" { Ok(row) } else { Err(Problem::of(ProblemType::InvalidTransition).because("decided already")) }
}

async fn shown(tx: &mut Tx<'_>, scope: &Scope, id: &str, me: &str) -> Result<RoleRequest, Problem> {
    let row = role_requests::get(tx, scope, id).await?.ok_or_else(Problem::not_found)?;
    Ok(RoleRequest::of(row, me))
}

/// Whether `me` is a second person beside who asked and who gets the role.
async fn second_person(tx: &mut Tx<'_>, row: &RequestRow, me: &str) -> Result<(), Problem> {
    if [&row.asked_by, &row.user_id].iter().any(|one| *one == me) {
        return Err(Problem::forbidden().because("a second administrator agrees: neither who asked nor who gets the role"));
    }
    let hands = role_requests::hands(tx, me).await?;
    if hands.iter().any(|hand| *hand == row.asked_by || *hand == row.user_id) {
        return Err(Problem::forbidden()
            .because("who asked, or who gets the role, once chose the password of your account: another administrator agrees"));
    }
    Ok(())
}

/// Keeps the decision and tells who asked.
async fn decided(tx: &mut Tx<'_>, session: &Session, row: &RequestRow, state: &str, reason: Option<&str>, at: i64) -> Result<(), Problem> {
    let me = session.user_id.to_string();
    if !role_requests::decide(tx, &row.id, state, &me, reason, at).await? {
        return Err(Problem::of(ProblemType::InvalidTransition).because("decided already"));
    }
    let detail =
        json!({"request_id": row.id, "role": row.role, "node_id": row.node_id, "state": state, "asked_by": row.asked_by, "reason": reason});
    let act = Act { actor: &session.actor, action: "role_decided", entity: Some(("user", &row.user_id)), path: &row.node_path, detail };
    tx.audit(at, act).await?;
    if state != "withdrawn" {
        let facts = json!({"request_id": row.id, "role": row.role, "state": state, "text": row.user_name, "reason": reason});
        notices::insert(tx, None, std::slice::from_ref(&row.asked_by), "role_decided", &facts, at).await?;
    }
    Ok(())
}
