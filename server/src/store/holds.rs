//! Recordings on hold by a person or by a kind of work: who keeps what, why, and until when.
//!
//! A row comes before the recorder's hold, which has the same id: after a crash every row that stands is placed again, and a hold
//! without a row is nobody's. [`hold_camera`] and [`hold_premises`] write the row, its audit row, its change and the job that has
//! the recorder hold it, all in the caller's transaction; [`release`] and [`release_work`] undo it the same way.

use mobile_api::Moment;
use serde_json::json;
use uuid::Uuid;

use super::journal::{Act, Actor, Change, Entity};
use super::sql::{Arg, Select, execute, fetch_all, fetch_optional};
use super::{Conn, Page, StoreError, Tx, cameras, jobs, premises};
use crate::auth::Scope;
use crate::domain::hold::{HoldOrder, STANDING_MAX};

/// The job that has the recorder hold what a row says.
pub const JOB: &str = "hold";
/// Holds that one look ends.
const OVER_LIMIT: i64 = 200;
/// Holds of one camera that a timeline shows.
const SHOWN_LIMIT: i64 = 500;

/// A hold as stored, with the names lists show beside it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of recording_holds, its camera and premises")]
pub struct HoldRow {
    pub id: String,
    pub camera_id: String,
    pub camera_name: String,
    pub premises_id: String,
    pub premises_name: String,
    pub path: String,
    pub start_ms: i64,
    pub end_ms: i64,
    pub reason: String,
    pub work_kind: Option<String>,
    pub work_id: Option<String>,
    pub held_by: Option<String>,
    pub held_by_name: String,
    pub until_at: Option<i64>,
    pub placed_at: Option<i64>,
    pub trouble: Option<String>,
    pub released_at: Option<i64>,
    pub released_by: Option<String>,
    pub released_by_name: Option<String>,
    pub release_reason: Option<String>,
    pub created_at: i64,
}

impl HoldRow {
    /// held; waiting: the recorder could not take it yet, see `trouble`; released
    #[must_use]
    pub fn state(&self) -> &'static str {
        match (self.released_at, self.placed_at, &self.trouble) {
            (Some(_), _, _) => "released",
            (None, Some(_), None) => "held",
            _ => "waiting",
        }
    }
}

const HEAD: &str = "SELECT h.id, h.camera_id, c.name AS camera_name, c.premises_id, p.name AS premises_name, p.path, h.start_ms, h.end_ms, h.reason, h.work_kind, h.work_id, \
    h.held_by, h.held_by_name, h.until_at, h.placed_at, h.trouble, h.released_at, h.released_by, h.released_by_name, h.release_reason, h.created_at \
    FROM recording_holds h JOIN cameras c ON c.id = h.camera_id JOIN premises p ON p.id = c.premises_id";

/// What a hold is made from, beside its camera.
#[derive(Debug, Clone, Copy)]
pub struct Hold<'a> {
    /// The stretch, why and until when.
    pub order: &'a HoldOrder,
    /// Kind and id of the work it is for; `None`: somebody holds it as such.
    pub work: Option<(&'a str, &'a str)>,
    /// Who.
    pub actor: &'a Actor,
}

/// Holds a stretch of one camera; gives the hold's id, `None` where the scope does not cover the camera.
///
/// # Errors
/// [`StoreError::Conflict`] where too many holds stand already.
pub async fn hold_camera(tx: &mut Tx<'_>, scope: &Scope, camera_id: &str, hold: Hold<'_>, at: i64) -> Result<Option<String>, StoreError> {
    let Some(camera) = cameras::get(tx, scope, camera_id).await? else { return Ok(None) };
    let place = Place { camera_id: &camera.id, premises_id: &camera.premises_id, path: &camera.path };
    insert(tx, place, hold, at).await.map(Some)
}

/// Holds a stretch of every camera of a premises, disabled ones too: they may have recorded before. Gives the holds' ids,
/// `None` where the scope does not cover the premises.
///
/// # Errors
/// [`StoreError::Conflict`] where too many holds stand already.
pub async fn hold_premises(
    tx: &mut Tx<'_>,
    scope: &Scope,
    premises_id: &str,
    hold: Hold<'_>,
    at: i64,
) -> Result<Option<Vec<String>>, StoreError> {
    let Some(premises) = premises::get(tx, scope, premises_id).await? else { return Ok(None) };
    let mut ids = Vec::new();
    for (camera_id,) in cameras::ids_of_premises(tx, premises_id).await? {
        let place = Place { camera_id: &camera_id, premises_id, path: &premises.path };
        ids.push(insert(tx, place, hold, at).await?);
    }
    Ok(Some(ids))
}

struct Place<'a> {
    camera_id: &'a str,
    premises_id: &'a str,
    path: &'a str,
}

async fn insert(tx: &mut Tx<'_>, place: Place<'_>, hold: Hold<'_>, at: i64) -> Result<String, StoreError> {
    if standing(tx).await? >= STANDING_MAX {
        return Err(StoreError::Conflict(format!("{STANDING_MAX} holds stand already")));
    }
    let (id, order) = (Uuid::now_v7().to_string(), hold.order);
    execute!(
        tx,
        "INSERT INTO recording_holds (id, camera_id, start_ms, end_ms, reason, work_kind, work_id, held_by, held_by_name, until_at, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        id.as_str(),
        place.camera_id,
        order.start_ms(),
        order.end_ms(),
        order.reason(),
        hold.work.map(|work| work.0),
        hold.work.map(|work| work.1),
        hold.actor.id.map(|id| id.to_string()),
        hold.actor.name.as_str(),
        order.until_ms(),
        at,
    )?;
    let detail = json!({"hold_id": id, "start": Moment(order.start_ms()), "end": Moment(order.end_ms()), "until": order.until_ms().map(Moment), "reason": order.reason(),
        "work_kind": hold.work.map(|work| work.0), "work_id": hold.work.map(|work| work.1)});
    tx.audit(at, Act { actor: hold.actor, action: "hold", entity: Some(("camera", place.camera_id)), path: place.path, detail }).await?;
    tx.changed(at, Change::upsert(Entity::Hold, &id, place.path).at(place.premises_id)).await?;
    jobs::enqueue(tx, JOB, &id, &json!({}), at, at).await?;
    Ok(id)
}

/// Lets one hold go; gives it as it is then, also where it was let go before. `None` where the scope does not cover it.
pub async fn release(
    tx: &mut Tx<'_>,
    scope: &Scope,
    id: &str,
    actor: &Actor,
    reason: &str,
    at: i64,
) -> Result<Option<HoldRow>, StoreError> {
    let Some(row) = get(tx, scope, id).await? else { return Ok(None) };
    if row.released_at.is_none() {
        let_go(tx, &row, actor, reason, at).await?;
    }
    get(tx, scope, id).await
}

/// Lets go of all that is held for a piece of work; gives how many holds that were.
pub async fn release_work(tx: &mut Tx<'_>, work: (&str, &str), actor: &Actor, reason: &str, at: i64) -> Result<usize, StoreError> {
    let select =
        Select::new(HEAD).and("h.work_kind = ? AND h.work_id = ?", [work.0.into(), work.1.into()]).and("h.released_at IS NULL", []);
    let rows: Vec<HoldRow> = select.tail("ORDER BY h.id LIMIT ?", [STANDING_MAX.into()]).fetch_all(tx).await?;
    for row in &rows {
        let_go(tx, row, actor, reason, at).await?;
    }
    Ok(rows.len())
}

/// Lets go of what was held until now or earlier, at most 200 at a time; gives how many.
pub async fn over(tx: &mut Tx<'_>, now_ms: i64) -> Result<usize, StoreError> {
    let select = Select::new(HEAD).and("h.released_at IS NULL AND h.until_at <= ?", [now_ms.into()]);
    let rows: Vec<HoldRow> = select.tail("ORDER BY h.until_at, h.id LIMIT ?", [OVER_LIMIT.into()]).fetch_all(tx).await?;
    for row in &rows {
        let_go(tx, row, &Actor::system(), "until", now_ms).await?;
    }
    Ok(rows.len())
}

async fn let_go(tx: &mut Tx<'_>, row: &HoldRow, actor: &Actor, reason: &str, at: i64) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE recording_holds SET released_at = $2, released_by = $3, released_by_name = $4, release_reason = $5, trouble = NULL WHERE id = $1 AND released_at IS NULL",
        row.id.as_str(),
        at,
        actor.id.map(|id| id.to_string()),
        actor.name.as_str(),
        reason,
    )?;
    let detail = json!({"hold_id": row.id, "start": Moment(row.start_ms), "end": Moment(row.end_ms), "reason": reason, "work_kind": row.work_kind, "work_id": row.work_id});
    tx.audit(at, Act { actor, action: "hold_release", entity: Some(("camera", &row.camera_id)), path: &row.path, detail }).await?;
    tx.changed(at, Change::upsert(Entity::Hold, &row.id, &row.path).at(&row.premises_id)).await?;
    jobs::enqueue(tx, "release", &row.id, &json!({"hold": row.id}), at, at).await
}

/// The recorder has it. `false` where it was let go meanwhile.
pub async fn placed(tx: &mut Tx<'_>, id: &str, at: i64) -> Result<bool, StoreError> {
    let sql = "UPDATE recording_holds SET placed_at = COALESCE(placed_at, $2), trouble = NULL WHERE id = $1 AND released_at IS NULL";
    Ok(execute!(tx, sql, id, at)? > 0)
}

/// The recorder could not take it; it is asked again.
pub async fn troubled(tx: &mut Tx<'_>, id: &str, trouble: &str) -> Result<(), StoreError> {
    execute!(tx, "UPDATE recording_holds SET trouble = $2 WHERE id = $1 AND released_at IS NULL", id, trouble)?;
    Ok(())
}

/// Tells those who look that a hold is another now.
pub async fn tell(tx: &mut Tx<'_>, row: &HoldRow, at: i64) -> Result<(), StoreError> {
    tx.changed(at, Change::upsert(Entity::Hold, &row.id, &row.path).at(&row.premises_id)).await
}

/// One hold, where the scope covers its camera.
pub async fn get(conn: &mut Conn<'_>, scope: &Scope, id: &str) -> Result<Option<HoldRow>, StoreError> {
    scope.restrict(Select::new(HEAD).and("h.id = ?", [id.into()]), "p.path LIKE ?").fetch_optional(conn).await
}

fn narrowed(select: Select, scope: &Scope, camera_id: &str, standing: Option<bool>) -> Select {
    let select = scope.restrict(select.and("h.camera_id = ?", [camera_id.into()]), "p.path LIKE ?");
    match standing {
        Some(true) => select.and("h.released_at IS NULL", []),
        Some(false) => select.and("h.released_at IS NOT NULL", []),
        None => select,
    }
}

/// A page of a camera's holds, the newest first.
pub async fn list(
    conn: &mut Conn<'_>,
    scope: &Scope,
    camera_id: &str,
    standing: Option<bool>,
    page: &Page,
) -> Result<Vec<HoldRow>, StoreError> {
    let select = narrowed(Select::new(HEAD), scope, camera_id, standing);
    let select = select.and_if("h.id < ?", page.after().map(|(_, id)| id.to_owned()));
    select.tail("ORDER BY h.id DESC LIMIT ?", [page.fetch().into()]).fetch_all(conn).await
}

/// How many a list has, up to the limit of counts.
pub async fn count(conn: &mut Conn<'_>, scope: &Scope, camera_id: &str, standing: Option<bool>) -> Result<i64, StoreError> {
    let head = "SELECT COUNT(*) FROM (SELECT 1 FROM recording_holds h JOIN cameras c ON c.id = h.camera_id JOIN premises p ON p.id = c.premises_id";
    let limit: Arg = super::COUNT_LIMIT.into();
    narrowed(Select::new(head), scope, camera_id, standing).tail("LIMIT ?) AS counted", [limit]).fetch_number(conn).await
}

/// Standing holds of a camera that touch a stretch, in order of time, at most 500.
pub async fn touching(
    conn: &mut Conn<'_>,
    scope: &Scope,
    camera_id: &str,
    (start_ms, end_ms): (i64, i64),
) -> Result<Vec<HoldRow>, StoreError> {
    narrowed(Select::new(HEAD), scope, camera_id, Some(true))
        .and("h.start_ms < ? AND h.end_ms > ?", [end_ms.into(), start_ms.into()])
        .tail("ORDER BY h.start_ms, h.id LIMIT ?", [SHOWN_LIMIT.into()])
        .fetch_all(conn)
        .await
}

/// What is held for a piece of work, let go or not, where the scope covers it, at most 1,000.
pub async fn of_work(conn: &mut Conn<'_>, scope: &Scope, kind: &str, id: &str) -> Result<Vec<HoldRow>, StoreError> {
    let select = Select::new(HEAD).and("h.work_kind = ? AND h.work_id = ?", [kind.into(), id.into()]);
    scope.restrict(select, "p.path LIKE ?").tail("ORDER BY h.id LIMIT 1000", []).fetch_all(conn).await
}

/// The ids of all holds that stand, for the program's own work.
pub async fn standing_ids(conn: &mut Conn<'_>) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT id FROM recording_holds WHERE released_at IS NULL ORDER BY id LIMIT $1";
    Ok(fetch_all!(conn, (String,), sql, STANDING_MAX)?.into_iter().map(|row| row.0).collect())
}

/// How many stand.
pub async fn standing(conn: &mut Conn<'_>) -> Result<i64, StoreError> {
    Ok(fetch_optional!(conn, (i64,), "SELECT COUNT(*) FROM recording_holds WHERE released_at IS NULL")?.map_or(0, |row| row.0))
}
