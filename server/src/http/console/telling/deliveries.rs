//! `/deliveries`: how notices went out; `/duty/reach`: whether those on duty are woken by an alert of class 1.

use actix_web::{HttpResponse, get, post, web};
use mobile_api::Moment;
use mobile_api::problem::ProblemType;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::App;
use crate::auth::{Caller, can};
use crate::domain::telling::Channel;
use crate::http::{Args, Id, Listed, Problem, ProblemBody, listed, page};
use crate::store::deliveries::{self, DeliveryFilter, DeliveryRow, Standing};
use crate::store::journal::Act;
use crate::store::{StoreError, notice_ways};

const DAY_MS: i64 = 24 * 3_600_000;
/// Days that the figures are of.
const FIGURES_DAYS: i64 = 7;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(retry).service(figures).service(reach);
}

/// How a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum DeliveryState {
    /// To be sent, or to be tried again.
    Waiting,
    /// Taken by the mail server, the gateway or the push service.
    Sent,
    /// Given up.
    Failed,
    /// Read before it went.
    Needless,
}

impl DeliveryState {
    fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Needless => "needless",
        }
    }

    fn named(word: &str) -> Self {
        [Self::Sent, Self::Failed, Self::Needless].into_iter().find(|state| state.as_str() == word).unwrap_or(Self::Waiting)
    }
}

/// A notice on its way out.
#[derive(Debug, Serialize, ToSchema)]
struct NoticeDelivery {
    id: String,
    user_id: String,
    display_name: String,
    channel: Channel,
    /// Of the notice.
    #[schema(example = "alert_raised")]
    kind: String,
    state: DeliveryState,
    attempts: i64,
    /// When it is tried next.
    next_at: Option<Moment>,
    sent_at: Option<Moment>,
    failed_at: Option<Moment>,
    /// When the person read it, or their browser received it.
    proven_at: Option<Moment>,
    last_error: Option<String>,
    created_at: Moment,
}

impl From<DeliveryRow> for NoticeDelivery {
    fn from(row: DeliveryRow) -> Self {
        let state = DeliveryState::named(&row.state);
        Self {
            id: row.id,
            user_id: row.user_id,
            display_name: row.display_name,
            channel: Channel::named(&row.channel).unwrap_or(Channel::Mail),
            kind: row.kind,
            next_at: (state == DeliveryState::Waiting).then_some(Moment(row.next_at)),
            state,
            attempts: row.attempts,
            sent_at: row.sent_at.map(Moment),
            failed_at: row.failed_at.map(Moment),
            proven_at: row.proven_at.map(Moment),
            last_error: row.last_error,
            created_at: Moment(row.created_at),
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DeliveryArgs {
    /// Only those that stand so.
    #[param(inline)]
    state: Option<DeliveryState>,
    /// Only those by this way.
    #[param(inline)]
    channel: Option<Channel>,
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    cursor: Option<String>,
}

/// Notices that went out to people of the caller's part of the tree, newest first; kept for 90 days.
#[utoipa::path(tag = "channels", params(DeliveryArgs), responses((status = 200, body = Listed<NoticeDelivery>), (status = 400, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/deliveries")]
async fn list(
    app: web::Data<App>,
    caller: Caller<can::SettingsManage>,
    args: Args<DeliveryArgs>,
) -> Result<web::Json<Listed<NoticeDelivery>>, Problem> {
    let page = page(args.limit, args.cursor.as_deref())?;
    let filter = DeliveryFilter {
        state: args.state.map(|state| state.as_str().to_owned()),
        channel: args.channel.map(|channel| channel.as_str().to_owned()),
    };
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let mut rows = deliveries::list(conn, &caller.scope(), &filter, &page).await?;
    let counted = deliveries::count(conn, &caller.scope(), &filter).await?;
    let next = page.cut(&mut rows, |row| (String::new(), row.id.clone()));
    Ok(web::Json(listed(rows.into_iter().map(NoticeDelivery::from).collect(), next, counted)))
}

/// Tries a message that was given up again.
#[utoipa::path(tag = "channels", params(("id" = String, Path)), responses((status = 204), (status = 404, body = ProblemBody, content_type = "application/problem+json"), (status = 409, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/deliveries/{id}/retry")]
async fn retry(app: web::Data<App>, caller: Caller<can::SettingsManage>, id: Id) -> Result<HttpResponse, Problem> {
    let (scope, id, at, actor) = (caller.scope(), id.to_string(), app.clock.wall_ms(), caller.actor.clone());
    app.db
        .write(move |tx| {
            Box::pin(async move {
                deliveries::get(tx, &scope, &id).await?.ok_or_else(Problem::not_found)?;
                if !deliveries::retry(tx, &id, at).await? {
                    return Err(Problem::of(ProblemType::InvalidTransition).because("it was not given up"));
                }
                tx.audit(at, Act { actor: &actor, action: "retry", entity: Some(("delivery", &id)), path: "/", detail: json!({}) }).await?;
                Ok(())
            })
        })
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// How the deliveries of a way stand.
#[derive(Debug, Serialize, ToSchema)]
struct DeliveryFigures {
    channel: Channel,
    waiting: i64,
    sent: i64,
    /// Of those sent.
    proven: i64,
    failed: i64,
    /// Read before they went.
    needless: i64,
}

impl From<Standing> for DeliveryFigures {
    fn from(row: Standing) -> Self {
        Self {
            channel: Channel::named(&row.channel).unwrap_or(Channel::Mail),
            waiting: row.waiting,
            sent: row.sent,
            proven: row.proven,
            failed: row.failed,
            needless: row.needless,
        }
    }
}

/// The last seven days by way.
#[derive(Debug, Serialize, ToSchema)]
struct DeliveryFiguresList {
    items: Vec<DeliveryFigures>,
}

/// How the notices of the last seven days went out.
#[utoipa::path(tag = "channels", responses((status = 200, body = DeliveryFiguresList)))]
#[get("/deliveries/figures")]
async fn figures(app: web::Data<App>, caller: Caller<can::SettingsManage>) -> Result<web::Json<DeliveryFiguresList>, Problem> {
    let since_ms = app.clock.wall_ms() - FIGURES_DAYS * DAY_MS;
    let rows = deliveries::standing(&mut app.db.read().await?.conn(), &caller.scope(), since_ms).await?;
    Ok(web::Json(DeliveryFiguresList { items: rows.into_iter().map(DeliveryFigures::from).collect() }))
}

/// Somebody who decides, and whether an alert of class 1 wakes them.
#[derive(Debug, Serialize, ToSchema)]
struct Reached {
    user_id: String,
    display_name: String,
    /// A push or a text message comes to them.
    woken: bool,
}

/// Who of those on duty is woken.
#[derive(Debug, Serialize, ToSchema)]
struct DutyReach {
    /// They stand on the roster for the next 24 hours; `false`: nobody does, and these are all who decide.
    by_roster: bool,
    people: Vec<Reached>,
}

/// Who of those on duty in the next 24 hours an alert of class 1 wakes, by push or text message; at most 200.
#[utoipa::path(tag = "duty", responses((status = 200, body = DutyReach)))]
#[get("/duty/reach")]
async fn reach(app: web::Data<App>, caller: Caller<can::DutyReach>) -> Result<web::Json<DutyReach>, Problem> {
    let now_ms = app.clock.wall_ms();
    let reached = notice_ways::reach(&mut app.db.read().await?.conn(), &caller.scope(), now_ms, now_ms + DAY_MS).await;
    let (by_roster, people) = reached.map_err(|error: StoreError| Problem::from(error))?;
    let people =
        people.into_iter().map(|one| Reached { user_id: one.user_id, display_name: one.display_name, woken: one.is_woken }).collect();
    Ok(web::Json(DutyReach { by_roster, people }))
}
