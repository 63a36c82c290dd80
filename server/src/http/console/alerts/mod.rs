//! `/alerts`: what cameras show or lack, and what people do about it.

mod acts;
mod claims;
mod inspection;
mod media;
mod view;

use actix_web::{get, web};
pub(super) use acts::deadline_ms;
use mobile_api::problem::ProblemType;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::App;
use crate::auth::{Caller, Session, can};
use crate::domain::permission::Permission;
use crate::domain::premises::PremisesKind;
use crate::http::{Args, Chars, Id, Listed, Problem, ProblemBody, listed, moment_ms, page};
use crate::store::alerts::{AlertFilter, AlertList, Owner};
use view::{Alert, AlertDetail};

/// Values that one filter may list.
const VALUES_MAX: usize = 32;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(read);
    acts::configure(config);
    claims::configure(config);
    inspection::configure(config);
    media::configure(config);
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListArgs {
    /// raised, confirmed, dismissed, dispatched, rectified, closed, cleared, inspection_requested or case_opened; several with commas.
    #[param(example = "raised")]
    state: Option<String>,
    /// signal_lost, black, frozen, …; several with commas.
    kind: Option<String>,
    /// 0 for the camera itself; 1, 2, 3.
    #[param(minimum = 0, maximum = 3)]
    class: Option<i64>,
    camera_id: Option<String>,
    premises_id: Option<String>,
    /// Seen at or after this time.
    #[param(example = "2026-11-23T06:05:00.000Z")]
    since: Option<String>,
    /// Raised at or after this time.
    raised_since: Option<String>,
    /// Raised before this time.
    until: Option<String>,
    /// How late: none, yellow, red or supervised; several with commas.
    level: Option<String>,
    /// Words, at most six, all of which are wanted: in the name of the camera or the premises, its pinyin or its initials, in the
    /// kind; for those who decide also in the name of somebody who acted, and in what was said of it.
    #[param(value_type = Option<String>, max_length = 100)]
    q: Option<Chars<100>>,
    /// Only those that somebody still has to act on, or only the others.
    open: Option<bool>,
    /// In whose hands: me, none, or a person's id. For those who decide.
    #[param(value_type = Option<String>, example = "none", max_length = 40)]
    owner: Option<Chars<40>>,
    /// confirmed, false_alarm, duplicate, permitted, test or other: how it was decided; several with commas.
    verdict: Option<String>,
    /// A person's id: who decided. For those who decide.
    #[param(value_type = Option<String>, max_length = 40)]
    decided_by: Option<Chars<40>>,
    /// Only those that were sent to the premises, or only the others.
    dispatched: Option<bool>,
    /// Of those that were sent: only those whose answer stands, or only the others.
    rectified: Option<bool>,
    /// Anything below this node.
    organization_id: Option<Uuid>,
    /// At premises of this kind.
    #[param(inline)]
    premises_kind: Option<PremisesKind>,
    /// At premises of this grid; empty: of none.
    #[param(value_type = Option<String>, example = "一网格", max_length = 100)]
    grid: Option<Chars<100>>,
    /// One alert of each cause in each state.
    one_a_cause: Option<bool>,
    /// Id of the first alert of a cause: all of that cause.
    cause_id: Option<Uuid>,
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    cursor: Option<String>,
}

/// A class that there is.
fn class(class: Option<i64>) -> Result<Option<i64>, Problem> {
    if class.is_none_or(|class| (0..=3).contains(&class)) {
        return Ok(class);
    }
    Err(Problem::of(ProblemType::Malformed).because("class is 0 to 3"))
}

impl ListArgs {
    pub(super) fn filter(&self, session: &Session) -> Result<AlertFilter, Problem> {
        // Who has an alert, or decided it, is the bureau's business: to others, no filter of theirs tells it.
        let decides = session.access.may(Permission::AlertsDecide);
        let owner = self.owner.clone().map(String::from).filter(|_| decides);
        Ok(AlertFilter {
            states: several("state", self.state.as_deref())?,
            kinds: several("kind", self.kind.as_deref())?,
            class: class(self.class)?,
            camera_id: self.camera_id.clone(),
            premises_id: self.premises_id.clone(),
            since_ms: moment_ms("since", self.since.as_deref())?,
            until_ms: moment_ms("until", self.until.as_deref())?,
            levels: several("level", self.level.as_deref())?,
            text: self.q.clone().map(String::from).filter(|text| !text.trim().is_empty()),
            // What the bureau says among itself, nobody else finds out by trying words.
            said: decides,
            open: self.open,
            raised_since_ms: moment_ms("raised_since", self.raised_since.as_deref())?,
            verdicts: several("verdict", self.verdict.as_deref())?,
            decided_by: self.decided_by.clone().map(String::from).filter(|_| decides),
            dispatched: self.dispatched,
            rectified: self.rectified,
            organization_id: self.organization_id.map(|id| id.to_string()),
            premises_kind: self.premises_kind.map(|kind| kind.as_str().to_owned()),
            grid: self.grid.clone().map(String::from),
            one_a_cause: self.one_a_cause.unwrap_or(false),
            cause_id: self.cause_id.map(|id| id.to_string()),
            owner: owner.map(|owner| match owner.as_str() {
                "none" => Owner::Nobody,
                "me" => Owner::User(session.user_id.to_string()),
                other => Owner::User(other.to_owned()),
            }),
        })
    }
}

/// Makes an alert with an inspection on its way be found as the confirmed one that it is shown as.
fn hide_requests(states: &mut Vec<String>) {
    let asked = !states.is_empty();
    states.retain(|state| state != view::REQUESTED);
    if states.iter().any(|state| state == view::CONFIRMED) {
        states.push(view::REQUESTED.to_owned());
    } else if asked && states.is_empty() {
        // Nothing is in this state, and nothing is asked for that is not.
        states.push("none".to_owned());
    }
}

/// Values with commas between them.
fn several(name: &str, text: Option<&str>) -> Result<Vec<String>, Problem> {
    let values: Vec<String> =
        text.unwrap_or_default().split(',').map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned).collect();
    if values.len() > VALUES_MAX {
        return Err(Problem::of(ProblemType::Malformed).because(format!("{name} takes at most {VALUES_MAX} values")));
    }
    Ok(values)
}

/// Alerts of the caller's part of the tree, newest first.
#[utoipa::path(tag = "alerts", params(ListArgs), responses((status = 200, body = Listed<Alert>), (status = 400, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/alerts")]
async fn list(app: web::Data<App>, caller: Caller<can::AlertsRead>, args: Args<ListArgs>) -> Result<web::Json<Listed<Alert>>, Problem> {
    let (page, mut filter, scope) = (page(args.limit, args.cursor.as_deref())?, args.filter(&caller)?, caller.scope());
    if !caller.access.may(Permission::AssignmentsRead) {
        hide_requests(&mut filter.states);
    }
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let list = AlertList::of(conn, &scope, &filter).await?;
    let mut rows = list.page(conn, &page).await?;
    let counted = list.count(conn).await?;
    let next = page.cut(&mut rows, |row| list.sort_key(row));
    Ok(web::Json(listed(view::items(conn, &caller, rows).await?, next, counted)))
}

/// One alert with its clocks and its history.
#[utoipa::path(tag = "alerts", params(("id" = String, Path)), responses((status = 200, body = AlertDetail), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/alerts/{id}")]
async fn read(app: web::Data<App>, caller: Caller<can::AlertsRead>, id: Id) -> Result<web::Json<AlertDetail>, Problem> {
    let mut reader = app.db.read().await?;
    Ok(web::Json(view::detail(&mut reader.conn(), &caller, &caller.scope(), &id.to_string(), app.clock.wall_ms()).await?))
}
