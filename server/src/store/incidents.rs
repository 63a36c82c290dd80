//! Reports of suspected food poisoning: what was reported, what is sealed, and everything that one report puts on hold.
//!
//! State, clocks and history are a work item's under the same id. [`begin`] does it all in one transaction: the report, its clocks,
//! the recordings of every camera of the premises, the notices, the webhooks. Retained samples are on hold by the report itself:
//! a look at a sample asks whether one that stands covers it, so that those a canteen's phone brings later are held too.

use mobile_api::Moment;
use mobile_api::incident::{IncidentContent, Measure, SealedFood};
use serde_json::{Value, json};

use super::evidence::awaited;
use super::holds::{self, Hold};
use super::sql::{Select, execute, fetch_all};
use super::work::{self, Beginning, By, Stepped, WorkError};
use super::{COUNT_LIMIT, Conn, Page, StoreError, Tx, cameras, notices, self_checks, webhooks};
use crate::auth::Scope;
use crate::domain::hold::{HoldOrder, STANDING_MAX};
use crate::domain::workflow::Act;
use crate::domain::workflow::incident::{Begins, KEEPING, KEEPING_REPORT, Rules, SEALING, TABLE};
use crate::store::journal::Actor;

/// Lines of sealed food that are read; reports and what is added later together.
const GOODS_LIMIT: i64 = 1_000;
/// Lines of sealed food that one report may come to have.
pub const GOODS_MAX: i64 = 500;
/// Papers with samples that are told to phones again when a hold begins or ends.
const PAPERS_LIMIT: i64 = 500;
/// Samples on hold that a page shows.
const SAMPLES_LIMIT: i64 = 2_000;

/// A report as stored, with its work item.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of food_incidents, work_items and what they name")]
pub struct IncidentRow {
    pub id: String,
    pub state: String,
    pub level: String,
    pub open: bool,
    pub due_at: Option<i64>,
    pub version: i64,
    pub created_at: i64,
    pub updated_at: i64,
    pub closed_at: Option<i64>,
    pub premises_id: String,
    pub premises_name: String,
    pub premises_path: String,
    pub office_name: String,
    pub content: String,
    pub content_sha256: String,
    pub reported_by: String,
    pub reported_by_name: String,
    pub happened_at: i64,
    pub received_at: i64,
    pub people: i64,
    pub in_hospital: Option<i64>,
    pub held_from: i64,
    pub held_until: i64,
    pub cameras: i64,
    pub trouble: Option<String>,
    pub rules: String,
    pub complete_at: Option<i64>,
    pub released_at: Option<i64>,
    pub released_by_name: Option<String>,
    pub release_reason: Option<String>,
    pub goods: i64,
}

impl IncidentRow {
    /// The report as it was made.
    pub fn parsed(&self) -> Result<IncidentContent, StoreError> {
        serde_json::from_str(&self.content).map_err(StoreError::damaged)
    }
}

const HEAD: &str = "SELECT i.id, w.state, w.level, w.open, w.due_at, w.version, w.created_at, w.updated_at, w.closed_at, w.premises_id, p.name AS premises_name, \
    p.path AS premises_path, o.name AS office_name, i.content, i.content_sha256, i.reported_by, u.display_name AS reported_by_name, i.happened_at, i.received_at, \
    i.people, i.in_hospital, i.held_from, i.held_until, i.cameras, i.trouble, i.rules, i.complete_at, i.released_at, r.display_name AS released_by_name, \
    i.release_reason, (SELECT COUNT(*) FROM food_incident_goods g WHERE g.incident_id = i.id) AS goods \
    FROM food_incidents i JOIN work_items w ON w.id = i.id JOIN premises p ON p.id = w.premises_id JOIN organizations o ON o.id = w.office_id \
    JOIN users u ON u.id = i.reported_by LEFT JOIN users r ON r.id = i.released_by";

/// What a list is narrowed to.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "named as the columns they narrow")]
pub struct IncidentFilter {
    pub premises_id: Option<String>,
    pub state: Option<String>,
    pub open: Option<bool>,
}

fn narrowed(select: Select, scope: &Scope, filter: &IncidentFilter) -> Select {
    let select = select
        .and_if("w.premises_id = ?", filter.premises_id.clone())
        .and_if("w.state = ?", filter.state.clone())
        .and_if("w.open = ?", filter.open);
    scope.restrict(select, "p.path LIKE ?")
}

/// A page, newest first.
pub async fn list(conn: &mut Conn<'_>, scope: &Scope, filter: &IncidentFilter, page: &Page) -> Result<Vec<IncidentRow>, StoreError> {
    let select = narrowed(Select::new(HEAD), scope, filter);
    let select = match (page.after_number(), page.after()) {
        (Some(key), Some((_, id))) => {
            select.and("i.happened_at < ? OR (i.happened_at = ? AND i.id < ?)", [key.into(), key.into(), id.into()])
        }
        _ => select,
    };
    select.tail("ORDER BY i.happened_at DESC, i.id DESC LIMIT ?", [page.fetch().into()]).fetch_all(conn).await
}

/// How many a list has, up to the limit of counts.
pub async fn count(conn: &mut Conn<'_>, scope: &Scope, filter: &IncidentFilter) -> Result<i64, StoreError> {
    let head =
        "SELECT COUNT(*) FROM (SELECT 1 FROM food_incidents i JOIN work_items w ON w.id = i.id JOIN premises p ON p.id = w.premises_id";
    narrowed(Select::new(head), scope, filter).tail("LIMIT ?) AS counted", [COUNT_LIMIT.into()]).fetch_number(conn).await
}

/// One report, where the scope covers its premises.
pub async fn get(conn: &mut Conn<'_>, scope: &Scope, id: &str) -> Result<Option<IncidentRow>, StoreError> {
    scope.restrict(Select::new(HEAD).and("i.id = ?", [id.into()]), "p.path LIKE ?").fetch_optional(conn).await
}

/// Open reports at these premises, newest first, for the phones of those who read them.
pub async fn open_at(conn: &mut Conn<'_>, premises: &[String]) -> Result<Vec<IncidentRow>, StoreError> {
    Select::new(HEAD)
        .and("w.open", [])
        .and_any("w.premises_id = ?", premises.iter().map(|id| id.as_str().into()))
        .tail("ORDER BY i.happened_at DESC, i.id LIMIT 2000", [])
        .fetch_all(conn)
        .await
}

/// A line of sealed food as stored.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of food_incident_goods")]
pub struct GoodsRow {
    pub position: i64,
    pub measure: String,
    pub name: String,
    pub quantity: String,
    pub place: String,
    pub seal_number: Option<String>,
    pub evidence: String,
    pub added_by_name: String,
    pub added_at: i64,
}

/// What is sealed for a report that `get` gave, as listed.
pub async fn goods(conn: &mut Conn<'_>, id: &str) -> Result<Vec<GoodsRow>, StoreError> {
    fetch_all!(
        conn,
        GoodsRow,
        "SELECT g.position, g.measure, g.name, g.quantity, g.place, g.seal_number, g.evidence, u.display_name AS added_by_name, g.added_at \
         FROM food_incident_goods g JOIN users u ON u.id = g.added_by WHERE g.incident_id = $1 ORDER BY g.position LIMIT $2",
        id,
        GOODS_LIMIT,
    )
}

/// A report to keep.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of food_incidents")]
pub struct NewIncident {
    pub id: String,
    pub premises_id: String,
    pub content: String,
    pub content_sha256: String,
    pub reported_by: String,
    pub happened_at: i64,
    pub parsed: IncidentContent,
}

/// Begins a report with all that belongs to it. Whoever calls has looked whether the id is free.
pub async fn begin(tx: &mut Tx<'_>, new: &NewIncident, by: By<'_>, actor: &Actor, at: i64) -> Result<(), StoreError> {
    let beginning = Beginning { table: &TABLE, id: &new.id, premises_id: &new.premises_id, by, action: "report", text: None };
    work::begin(tx, &beginning, at).await?;
    let (content, rules) = (&new.parsed, Rules::shipped());
    let known = content.onset_at.map(|onset| onset.0).into_iter().chain(content.meal.as_ref().and_then(meal_ms));
    let (from, until) = rules.stretch(known, new.happened_at);
    let (held, trouble) = hold(tx, new, actor, (from, until), at).await?;
    execute!(
        tx,
        "INSERT INTO food_incidents (id, content, content_sha256, reported_by, happened_at, received_at, people, in_hospital, held_from, held_until, cameras, trouble, rules) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        new.id.as_str(),
        new.content.as_str(),
        new.content_sha256.as_str(),
        new.reported_by.as_str(),
        new.happened_at,
        at,
        i64::from(content.people),
        content.in_hospital.map(i64::from),
        from,
        until,
        held,
        trouble,
        rules.version.to_string(),
    )?;
    add_goods(tx, &new.id, &content.sealed, &new.reported_by, at).await?;
    let has = |measure| content.sealed.iter().any(|food| food.measure == measure);
    let begins = Begins { on_site: content.on_site, kept: has(Measure::Keep), sealed: has(Measure::Seal) };
    // The limits run from the moment when it became known, however long the phone was away.
    for (name, limit) in rules.clocks(begins) {
        let work = system(tx, &new.id).await?;
        work::start_clock(tx, &work, name, limit, new.happened_at).await?;
    }
    let row =
        get(tx, &Scope::system(), &new.id).await?.ok_or_else(|| StoreError::damaged("a report that was just written is not there"))?;
    tell(tx, &row, "incident_reported", Some(&new.reported_by), None, at).await?;
    webhooks::publish_incident(tx, "incident.reported", &row, at).await?;
    samples_changed(tx, &row, at).await
}

async fn system(tx: &mut Tx<'_>, id: &str) -> Result<work::WorkRow, StoreError> {
    work::get(tx, &Scope::system(), id).await?.ok_or_else(|| StoreError::damaged("work that was just begun is not there"))
}

/// Noon of the day for a lunch, and so on: where the meal was eaten is known to the hour at best.
fn meal_ms(meal: &mobile_api::incident::SuspectedMeal) -> Option<i64> {
    use mobile_api::incident::Meal;
    let hour = match meal.meal {
        Meal::Breakfast => 7,
        Meal::Snack => 9,
        Meal::Lunch => 12,
        Meal::Dinner => 18,
    };
    let day: jiff::civil::Date = meal.day.parse().ok()?;
    Some(crate::domain::calendar::start_of(day) + hour * 3_600_000)
}

/// Puts the recordings of the premises on hold. A report is never refused because too many holds stand: it then says so.
async fn hold(
    tx: &mut Tx<'_>,
    new: &NewIncident,
    actor: &Actor,
    (from, until): (i64, i64),
    at: i64,
) -> Result<(i64, Option<&'static str>), StoreError> {
    let cameras = i64::try_from(cameras::ids_of_premises(tx, &new.premises_id).await?.len()).unwrap_or(i64::MAX);
    if holds::standing(tx).await?.saturating_add(cameras) > STANDING_MAX {
        return Ok((0, Some("too_many_holds")));
    }
    let order =
        HoldOrder::parse(from, until, "疑似食物中毒", None, at).map_err(|_| StoreError::damaged("a stretch that no hold may have"))?;
    let hold = Hold { order: &order, work: Some((TABLE.kind, &new.id)), actor };
    let held = holds::hold_premises(tx, &Scope::system(), &new.premises_id, hold, at).await?.unwrap_or_default();
    Ok((i64::try_from(held.len()).unwrap_or(i64::MAX), None))
}

async fn add_goods(tx: &mut Tx<'_>, id: &str, foods: &[SealedFood], user_id: &str, at: i64) -> Result<(), StoreError> {
    let there = goods(tx, id).await?.len();
    for (position, food) in (i64::try_from(there).unwrap_or(i64::MAX)..).zip(foods) {
        execute!(
            tx,
            "INSERT INTO food_incident_goods (incident_id, position, measure, name, quantity, place, seal_number, evidence, added_by, added_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            id,
            position,
            food.measure.as_str(),
            food.name.trim(),
            food.quantity.trim(),
            food.place.trim(),
            food.seal_number.as_deref().map(str::trim).filter(|number| !number.is_empty()),
            serde_json::to_string(&food.evidence_ids).map_err(StoreError::damaged)?,
            user_id,
            at,
        )?;
    }
    Ok(())
}

/// What is learnt later.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "the columns that they change")]
pub struct Supplement {
    pub people: Option<i64>,
    pub in_hospital: Option<i64>,
    pub sealed: Vec<SealedFood>,
}

/// Makes one transition with all that belongs to it. The end lets go of everything that the report held.
#[expect(clippy::too_many_arguments, reason = "who, what, on which version, with what, when")]
pub async fn perform(
    tx: &mut Tx<'_>,
    scope: &Scope,
    id: &str,
    version: i64,
    by: By<'_>,
    actor: &Actor,
    act: &Act,
    evidence: &[String],
    more: &Supplement,
    at: i64,
) -> Result<Stepped, WorkError> {
    let stepped = work::step(tx, scope, id, Some(version), by, act, evidence, at).await?;
    let user = by.user_id().unwrap_or_default();
    match act.action.as_str() {
        "supplement" => {
            let has = |measure| more.sealed.iter().any(|food| food.measure == measure);
            let begins = Begins { on_site: true, kept: has(Measure::Keep), sealed: has(Measure::Seal) };
            add_goods(tx, id, &more.sealed, &user, at).await.map_err(WorkError::Store)?;
            for (name, limit) in Rules::shipped().clocks(begins).filter(|(name, _)| [KEEPING_REPORT, KEEPING, SEALING].contains(name)) {
                let work = system(tx, id).await?;
                work::start_clock(tx, &work, name, limit, at).await?;
            }
            execute!(
                tx,
                "UPDATE food_incidents SET people = COALESCE($2, people), in_hospital = COALESCE($3, in_hospital) WHERE id = $1",
                id,
                more.people,
                more.in_hospital,
            )
            .map_err(WorkError::Store)?;
        }
        "close" => {
            let reason = act.reason.as_deref().or(act.text.as_deref()).unwrap_or_default();
            execute!(
                tx,
                "UPDATE food_incidents SET released_at = $2, released_by = $3, release_reason = $4 WHERE id = $1",
                id,
                at,
                user.as_str(),
                reason,
            )
            .map_err(WorkError::Store)?;
            holds::release_work(tx, (TABLE.kind, id), actor, reason, at).await?;
        }
        _ => {}
    }
    let row = get(tx, scope, id).await?.ok_or(WorkError::NotFound)?;
    let told = match act.action.as_str() {
        "close" => Some(("incident_closed", "incident.closed")),
        "supplement" => Some(("incident_supplemented", "incident.supplemented")),
        _ => None,
    };
    if let Some((notice, event)) = told {
        tell(tx, &row, notice, Some(&user), act.reason.as_deref().or(act.text.as_deref()), at).await?;
        webhooks::publish_incident(tx, event, &row, at).await?;
    }
    if act.action == "close" {
        samples_changed(tx, &row, at).await?;
    }
    Ok(stepped)
}

/// What a notice's texts are filled from. It goes to the premises too: nobody who told is in it.
pub fn detail_of(row: &IncidentRow) -> Result<Value, StoreError> {
    let content = row.parsed()?;
    Ok(json!({
        "incident_id": row.id, "premises_id": row.premises_id, "premises_name": row.premises_name, "state": row.state, "level": row.level, "people": row.people,
        "stops": content.stops, "reported_at": Moment(row.happened_at), "due_at": row.due_at.map(Moment),
    }))
}

/// Tells those of the premises, of its office, and everybody above who decides. What was added is the authority's alone.
async fn tell(tx: &mut Tx<'_>, row: &IncidentRow, kind: &str, but: Option<&str>, reason: Option<&str>, at: i64) -> Result<(), StoreError> {
    let audience = notices::audience(tx, &row.premises_path, at).await?;
    let sides = if kind == "incident_supplemented" { notices::AUTHORITY } else { notices::EVERYBODY };
    let mut users = audience.of(sides);
    users.extend(audience.above.iter().filter(|user| !users.contains(user)).cloned().collect::<Vec<_>>());
    users.retain(|user| Some(user.as_str()) != but);
    let mut detail = detail_of(row)?;
    detail["reason"] = reason.into();
    notices::insert(tx, Some(&row.id), &users, kind, &detail, at).await
}

/// Samples of the premises that the report holds, oldest first; those that had been thrown away before are not.
pub async fn samples(conn: &mut Conn<'_>, row: &IncidentRow) -> Result<Vec<self_checks::SampleRow>, StoreError> {
    self_checks::samples_held(conn, &row.premises_id, (row.held_from, row.held_until), row.received_at, SAMPLES_LIMIT).await
}

/// Phones of the canteen hear that a sample may, or may not, be thrown away.
async fn samples_changed(tx: &mut Tx<'_>, row: &IncidentRow, at: i64) -> Result<(), StoreError> {
    let mut papers: Vec<String> = samples(tx, row).await?.into_iter().map(|sample| sample.self_check_id).collect();
    papers.dedup();
    for id in papers.iter().take(usize::try_from(PAPERS_LIMIT).unwrap_or(usize::MAX)) {
        if let Some(paper) = self_checks::of_upload(tx, id).await? {
            self_checks::note_change(tx, &paper, at).await?;
        }
    }
    Ok(())
}

/// Makes a report complete where all its photos are here; whether it did.
pub async fn settle(tx: &mut Tx<'_>, id: &str, at: i64) -> Result<bool, StoreError> {
    let done = execute!(
        tx,
        concat!(
            "UPDATE food_incidents SET complete_at = $2 WHERE id = $1 AND complete_at IS NULL \
           AND NOT EXISTS (SELECT 1 FROM inspection_evidence e WHERE e.inspection_id = $1 AND ",
            awaited!(),
            ")"
        ),
        id,
        at,
    )?;
    Ok(done == 1)
}
