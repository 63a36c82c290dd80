//! `/officers`: what plans and draws know of officers. Interests and leaves are told to those who plan, nobody else.

use std::collections::BTreeMap;

use actix_web::{get, put, web};
use mobile_api::field::Faults;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{NAME_LIMIT, REASON_LIMIT};
use crate::App;
use crate::auth::{Caller, can};
use crate::domain::calendar::date_of;
use crate::domain::operator::is_day;
use crate::domain::premises::PremisesKind;
use crate::http::{Args, Body, Chars, Id, Listed, Problem, ProblemBody, checked, listed, page};
use crate::store::journal::{Act, Change, Entity};
use crate::store::officers::{self, OfficerRow, Profile};
use crate::store::{Conn, StoreError, users};

/// Interests and leaves of one officer.
const PARTS_MAX: usize = 100;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(read).service(write);
}

/// An authority where somebody conducts inspections.
#[derive(Debug, Serialize, ToSchema)]
struct OfficerHome {
    id: String,
    name: String,
}

/// A declared interest (回避): at a premises, or at all that an operator runs.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OfficerInterest)]
struct Interest {
    /// One of the two.
    premises_id: Option<Uuid>,
    /// One of the two.
    operator_id: Option<Uuid>,
    /// Of the premises or the operator; not read.
    #[serde(default)]
    name: Option<String>,
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

/// Days away, both included.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OfficerLeave)]
struct Leave {
    #[schema(format = Date)]
    from: String,
    #[schema(format = Date)]
    until: String,
    #[schema(max_length = 500)]
    #[serde(default)]
    reason: Option<String>,
}

/// An officer as plans and draws know them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OfficerProfile)]
struct Officer {
    id: String,
    display_name: String,
    certificate_number: Option<String>,
    /// Last day of the law-enforcement certificate (执法证); without one the officer is not drawn.
    #[schema(format = Date)]
    certificate_until: Option<String>,
    /// No certificate, or one that has expired.
    certificate_missing: bool,
    /// May lead a check.
    may_lead: bool,
    /// Kinds of premises that the officer knows best.
    specialties: Vec<String>,
    homes: Vec<OfficerHome>,
    interests: Vec<Interest>,
    /// Those that end today or later.
    leaves: Vec<Leave>,
    /// Open checks.
    load: i64,
    /// 0 where nothing was ever recorded.
    version: i64,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListArgs {
    /// Part of the name, its pinyin or initials.
    #[param(value_type = Option<String>, max_length = 100)]
    q: Option<Chars<100>>,
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    cursor: Option<String>,
}

/// Officers of the caller's part of the tree, by name.
#[utoipa::path(tag = "planning", params(ListArgs), responses((status = 200, body = Listed<Officer>), (status = 400, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/officers")]
async fn list(
    app: web::Data<App>,
    caller: Caller<can::AssignmentsManage>,
    args: Args<ListArgs>,
) -> Result<web::Json<Listed<Officer>>, Problem> {
    let page = page(args.limit, args.cursor.as_deref())?;
    let mut reader = app.db.read().await?;
    let (conn, scope) = (&mut reader.conn(), caller.scope());
    let mut rows = officers::list(conn, &scope, args.q.as_deref(), &page).await?;
    let counted = officers::count(conn, &scope, args.q.as_deref()).await?;
    let next = page.cut(&mut rows, |row| (row.name_key.clone(), row.id.clone()));
    Ok(web::Json(listed(views(conn, rows, app.clock.wall_ms()).await?, next, counted)))
}

async fn views(conn: &mut Conn<'_>, rows: Vec<OfficerRow>, now_ms: i64) -> Result<Vec<Officer>, StoreError> {
    let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    let today = date_of(now_ms).to_string();
    let mut homes: BTreeMap<String, Vec<OfficerHome>> = BTreeMap::new();
    for (user, id, _, name) in officers::homes(conn, &ids, now_ms).await? {
        homes.entry(user).or_default().push(OfficerHome { id, name });
    }
    let mut interests: BTreeMap<String, Vec<Interest>> = BTreeMap::new();
    for row in officers::interests(conn, &ids).await? {
        let id = |text: Option<String>| text.map(|text| text.parse::<Uuid>()).transpose().map_err(StoreError::damaged);
        let (premises_id, operator_id) = (id(row.premises_id)?, id(row.operator_id)?);
        interests.entry(row.user_id).or_default().push(Interest { premises_id, operator_id, name: Some(row.name), reason: row.reason });
    }
    let mut leaves: BTreeMap<String, Vec<Leave>> = BTreeMap::new();
    for row in officers::leaves(conn, &ids, &today).await? {
        leaves.entry(row.user_id).or_default().push(Leave { from: row.from_on, until: row.until_on, reason: row.reason });
    }
    let loads: BTreeMap<String, i64> = officers::loads(conn, &ids).await?.into_iter().collect();
    rows.into_iter()
        .map(|row| {
            Ok(Officer {
                certificate_missing: row.certificate_until.as_deref().is_none_or(|until| until < today.as_str()),
                specialties: serde_json::from_str(&row.specialties).map_err(StoreError::damaged)?,
                homes: homes.remove(&row.id).unwrap_or_default(),
                interests: interests.remove(&row.id).unwrap_or_default(),
                leaves: leaves.remove(&row.id).unwrap_or_default(),
                load: loads.get(&row.id).copied().unwrap_or(0),
                display_name: row.display_name,
                certificate_number: row.certificate_number,
                certificate_until: row.certificate_until,
                may_lead: row.may_lead,
                version: row.version,
                id: row.id,
            })
        })
        .collect()
}

async fn view(conn: &mut Conn<'_>, row: OfficerRow, now_ms: i64) -> Result<Officer, Problem> {
    views(conn, vec![row], now_ms).await?.pop().ok_or_else(Problem::not_found)
}

/// One officer.
#[utoipa::path(tag = "planning", params(("id" = String, Path)), responses((status = 200, body = Officer), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/officers/{id}")]
async fn read(app: web::Data<App>, caller: Caller<can::AssignmentsManage>, id: Id) -> Result<web::Json<Officer>, Problem> {
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let row = officers::get(conn, &caller.scope(), &id.to_string()).await?.ok_or_else(Problem::not_found)?;
    Ok(web::Json(view(conn, row, app.clock.wall_ms()).await?))
}

/// All that is kept of an officer; it replaces what was kept.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OfficerProfileInput)]
struct OfficerInput {
    #[schema(format = Date)]
    certificate_until: Option<String>,
    may_lead: bool,
    #[schema(max_items = 20)]
    specialties: Vec<PremisesKind>,
    #[schema(max_items = 100)]
    interests: Vec<Interest>,
    #[schema(max_items = 100)]
    leaves: Vec<Leave>,
    /// The version that was read; 0 where nothing was recorded.
    version: i64,
}

impl OfficerInput {
    fn check(&self) -> Result<(), Problem> {
        let mut faults = Faults::new();
        if self.certificate_until.as_deref().is_some_and(|day| !is_day(day)) {
            faults.note_at("certificate_until", "format", "a day such as 2028-06-30");
        }
        faults.count("specialties", self.specialties.len(), NAME_LIMIT);
        faults.count("interests", self.interests.len(), PARTS_MAX);
        faults.count("leaves", self.leaves.len(), PARTS_MAX);
        for (index, interest) in self.interests.iter().enumerate().take(PARTS_MAX) {
            faults.within("interests", |faults| {
                faults.within(index, |faults| {
                    if interest.premises_id.is_some() == interest.operator_id.is_some() {
                        faults.note("required", "either premises_id or operator_id");
                    }
                    faults.text("reason", &interest.reason, REASON_LIMIT);
                });
            });
        }
        for (index, leave) in self.leaves.iter().enumerate().take(PARTS_MAX) {
            faults.within("leaves", |faults| {
                faults.within(index, |faults| {
                    for (field, day) in [("from", &leave.from), ("until", &leave.until)] {
                        if !is_day(day) {
                            faults.note_at(field, "format", "a day such as 2026-12-01");
                        }
                    }
                    if leave.until < leave.from {
                        faults.note_at("until", "out_of_range", "not before from");
                    }
                    faults.optional_text("reason", leave.reason.as_deref(), REASON_LIMIT);
                });
            });
        }
        checked(faults)
    }

    fn profile(&self) -> Result<Profile, StoreError> {
        let mut specialties: Vec<&str> = self.specialties.iter().map(|kind| kind.as_str()).collect();
        specialties.sort_unstable();
        specialties.dedup();
        let id = |id: Option<Uuid>| id.map(|id| id.to_string());
        Ok(Profile {
            certificate_until: self.certificate_until.clone(),
            may_lead: self.may_lead,
            specialties: serde_json::to_string(&specialties).map_err(StoreError::damaged)?,
            interests: self.interests.iter().map(|one| (id(one.premises_id), id(one.operator_id), one.reason.trim().to_owned())).collect(),
            leaves: self.leaves.iter().map(|one| (one.from.clone(), one.until.clone(), one.reason.clone())).collect(),
        })
    }
}

/// Records what plans and draws know of an officer. A draw whose input is frozen does not change by it.
#[utoipa::path(tag = "planning", params(("id" = String, Path)),
    request_body(content = OfficerInput, example = json!({"certificate_until": "2028-06-30", "may_lead": true, "specialties": ["school_canteen"], "interests": [{"premises_id": "01928f6e-0000-7000-8000-000000000001", "reason": "配偶在该单位任职"}], "leaves": [{"from": "2026-12-01", "until": "2026-12-03"}], "version": 0})),
    responses((status = 200, body = Officer), (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[put("/officers/{id}")]
async fn write(
    app: web::Data<App>,
    caller: Caller<can::AssignmentsManage>,
    id: Id,
    body: Body<OfficerInput>,
) -> Result<web::Json<Officer>, Problem> {
    let body = body.into_inner();
    body.check()?;
    let (scope, actor, at, id) = (caller.scope(), caller.actor.clone(), app.clock.wall_ms(), id.to_string());
    let kept = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                let row = officers::get(tx, &scope, &id).await?.ok_or_else(Problem::not_found)?;
                for (index, interest) in body.interests.iter().enumerate() {
                    let named = interest.premises_id.or(interest.operator_id).map(|id| id.to_string()).unwrap_or_default();
                    if !exists(tx, &named, interest.premises_id.is_some()).await? {
                        return Err(Problem::field(&format!("/interests/{index}"), "unknown", "no such premises or operator"));
                    }
                }
                if !officers::put(tx, &id, &body.profile()?, body.version, at).await? {
                    return Err(Problem::stale(view(tx, row, at).await?));
                }
                let path = homes_path(tx, &id, at).await?;
                let detail = json!({"certificate_until": body.certificate_until, "may_lead": body.may_lead, "specialties": body.specialties,
                    "interests": body.interests, "leaves": body.leaves});
                tx.audit(at, Act { actor: &actor, action: "update", entity: Some(("officer", &id)), path: &path, detail }).await?;
                tx.changed(at, Change::upsert(Entity::User, &id, &path)).await?;
                let row = officers::get(tx, &scope, &id).await?.ok_or_else(Problem::not_found)?;
                view(tx, row, at).await
            })
        })
        .await?;
    Ok(web::Json(kept))
}

/// Whether a premises or an operator of this id is there: an interest may lie outside the caller's part of the tree.
async fn exists(conn: &mut Conn<'_>, id: &str, premises: bool) -> Result<bool, StoreError> {
    if premises { Ok(users::node_path(conn, id).await?.is_some()) } else { crate::store::operators::exists(conn, id).await }
}

/// The first authority where an officer is at home: who may read its audit log reads of this.
async fn homes_path(conn: &mut Conn<'_>, id: &str, now_ms: i64) -> Result<String, StoreError> {
    let homes = officers::homes(conn, &[id.to_owned()], now_ms).await?;
    Ok(homes.into_iter().next().map_or_else(|| "/".to_owned(), |home| home.2))
}
