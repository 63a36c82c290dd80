//! Assignments: orders to inspect a premises. Their state is a work item's under the same id.
//!
//! An open assignment opens its premises to its officers (see [`super::logins::permissions`]), so who is told of a change is
//! told by name too: an officer of another office has no other way to hear of it. The premises itself is not told: the
//! content and the route of an unannounced check stay with those who make it (SAMR Order 49, art. 46).

use mobile_api::Moment;
use mobile_api::assignment::{AssignedOfficer, Assignment, AssignmentAlert, AssignmentState};
use mobile_api::inspection::InspectionKind;
use mobile_api::template::Bilingual;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::journal::{Change, Entity};
use super::sql::{Select, execute, fetch_all};
use super::{COUNT_LIMIT, Conn, Page, StoreError, Tx};
use crate::auth::Scope;

/// Officers of one page of assignments.
const OFFICERS_LIMIT: i64 = 10_000;

/// An assignment as stored, with its work item.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of assignments, work_items and what they name")]
pub struct AssignmentRow {
    pub id: String,
    pub state: String,
    pub open: bool,
    pub premises_id: String,
    pub premises_name: String,
    pub premises_path: String,
    pub template_id: String,
    pub template_name: String,
    pub kind: String,
    pub due_on: String,
    pub approval_number: Option<String>,
    pub source: String,
    pub source_number: Option<String>,
    pub merged: String,
    pub plan_id: Option<String>,
    pub draw_id: Option<String>,
    pub inspection_id: Option<String>,
    pub alert_id: Option<String>,
    pub order_id: Option<String>,
    pub alert_kind: Option<String>,
    pub alert_class: Option<i64>,
    pub alert_raised_at: Option<i64>,
    pub alert_camera_name: Option<String>,
    pub version: i64,
    pub created_at: i64,
    pub updated_at: i64,
}

const HEAD: &str = "SELECT a.id, w.state, w.open, w.premises_id, p.name AS premises_name, p.path AS premises_path, a.template_id, t.name AS template_name, \
    a.kind, a.due_on, a.approval_number, a.source, a.source_number, a.merged, a.plan_id, a.draw_id, \
    (SELECT i.id FROM inspections i WHERE i.assignment_id = a.id ORDER BY i.received_at DESC, i.id DESC LIMIT 1) AS inspection_id, \
    a.alert_id, a.order_id, al.kind AS alert_kind, al.class AS alert_class, al.raised_at AS alert_raised_at, alc.name AS alert_camera_name, \
    w.version, w.created_at, w.updated_at \
    FROM assignments a JOIN work_items w ON w.id = a.id JOIN premises p ON p.id = w.premises_id JOIN checklist_templates t ON t.id = a.template_id \
    LEFT JOIN alerts al ON al.id = a.alert_id LEFT JOIN cameras alc ON alc.id = al.camera_id";

/// Ours alone: the officers it was given to.
const MINE: &str = "EXISTS (SELECT 1 FROM assignment_officers mine WHERE mine.assignment_id = a.id AND mine.user_id = ?)";

/// An officer of an assignment.
#[derive(Debug, Clone, sqlx::FromRow)]
struct OfficerRow {
    assignment_id: String,
    user_id: String,
    display_name: String,
    certificate_number: Option<String>,
}

/// What a list is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct AssignmentFilter {
    /// Only those given to this user; the scope then does not matter.
    pub officer_id: Option<String>,
    /// State as stored.
    pub state: Option<&'static str>,
    /// Due on this day or before, ISO date.
    pub due_until: Option<String>,
    /// At this premises.
    pub premises_id: Option<String>,
    /// Due on this day or later, ISO date.
    pub due_from: Option<String>,
    /// Open, and due before this day, ISO date.
    pub overdue_on: Option<String>,
    /// As stored: `random_draw`, `complaint`, …
    pub source: Option<String>,
    /// Made by this draw.
    pub draw_id: Option<String>,
    /// Made by this plan.
    pub plan_id: Option<String>,
}

/// The state on the wire of a stored one.
pub fn wire_state(stored: &str) -> Result<AssignmentState, StoreError> {
    Ok(match stored {
        "planned" => AssignmentState::Open,
        "started" => AssignmentState::InProgress,
        "done" => AssignmentState::Done,
        "cancelled" => AssignmentState::Cancelled,
        other => return Err(StoreError::damaged(format!("assignment in state {other}"))),
    })
}

/// The stored state of one on the wire.
pub fn stored_state(wire: AssignmentState) -> &'static str {
    match wire {
        AssignmentState::Open => "planned",
        AssignmentState::InProgress => "started",
        AssignmentState::Done => "done",
        AssignmentState::Cancelled => "cancelled",
    }
}

fn narrowed(select: Select, scope: &Scope, filter: &AssignmentFilter) -> Select {
    let select = match &filter.officer_id {
        Some(user) => select.and(MINE, [user.as_str().into()]),
        None => scope.restrict(select, "p.path LIKE ?"),
    };
    select
        .and_if("w.state = ?", filter.state)
        .and_if("a.due_on <= ?", filter.due_until.clone())
        .and_if("w.premises_id = ?", filter.premises_id.clone())
        .and_if("a.due_on >= ?", filter.due_from.clone())
        .and_if("w.open AND a.due_on < ?", filter.overdue_on.clone())
        .and_if("a.source = ?", filter.source.clone())
        .and_if("a.draw_id = ?", filter.draw_id.clone())
        .and_if("a.plan_id = ?", filter.plan_id.clone())
}

/// One day of a month's view.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[expect(missing_docs, reason = "counts of assignments due on that day")]
pub struct DayRow {
    pub due_on: String,
    pub open: i64,
    pub done: i64,
}

/// How many are due on each day and not taken back, in order of days.
pub async fn days(conn: &mut Conn<'_>, scope: &Scope, filter: &AssignmentFilter) -> Result<Vec<DayRow>, StoreError> {
    let head = "SELECT a.due_on, SUM(CASE WHEN w.open THEN 1 ELSE 0 END) AS open, SUM(CASE WHEN w.state = 'done' THEN 1 ELSE 0 END) AS done \
        FROM assignments a JOIN work_items w ON w.id = a.id JOIN premises p ON p.id = w.premises_id";
    let select = narrowed(Select::new(head).and("w.state <> 'cancelled'", []), scope, filter);
    select.tail("GROUP BY a.due_on ORDER BY a.due_on LIMIT 400", []).fetch_all(conn).await
}

/// A premises on the map of a month.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of premises, and its assignments of the time")]
pub struct PlaceRow {
    pub id: String,
    pub name: String,
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
    pub open: i64,
    pub done: i64,
    /// The earliest day of what is open.
    pub due_on: Option<String>,
}

/// The premises of these assignments, by what is due first.
pub async fn places(conn: &mut Conn<'_>, scope: &Scope, filter: &AssignmentFilter, limit: i64) -> Result<Vec<PlaceRow>, StoreError> {
    let head = "SELECT p.id, p.name, p.latitude, p.longitude, SUM(CASE WHEN w.open THEN 1 ELSE 0 END) AS open, \
        SUM(CASE WHEN w.state = 'done' THEN 1 ELSE 0 END) AS done, MIN(CASE WHEN w.open THEN a.due_on END) AS due_on \
        FROM assignments a JOIN work_items w ON w.id = a.id JOIN premises p ON p.id = w.premises_id";
    let select = narrowed(Select::new(head).and("w.state <> 'cancelled'", []), scope, filter);
    select.tail("GROUP BY p.id, p.name, p.latitude, p.longitude ORDER BY 7 NULLS LAST, p.id LIMIT ?", [limit.into()]).fetch_all(conn).await
}

/// A page, what is due first before what is due later.
pub async fn list(conn: &mut Conn<'_>, scope: &Scope, filter: &AssignmentFilter, page: &Page) -> Result<Vec<AssignmentRow>, StoreError> {
    let select = narrowed(Select::new(HEAD), scope, filter);
    let select = match page.after() {
        Some((key, id)) => select.and("a.due_on > ? OR (a.due_on = ? AND a.id > ?)", [key.into(), key.into(), id.into()]),
        None => select,
    };
    select.tail("ORDER BY a.due_on, a.id LIMIT ?", [page.fetch().into()]).fetch_all(conn).await
}

/// How many a list has, up to the limit of counts.
pub async fn count(conn: &mut Conn<'_>, scope: &Scope, filter: &AssignmentFilter) -> Result<i64, StoreError> {
    let head = "SELECT COUNT(*) FROM (SELECT 1 FROM assignments a JOIN work_items w ON w.id = a.id JOIN premises p ON p.id = w.premises_id";
    narrowed(Select::new(head), scope, filter).tail("LIMIT ?) AS counted", [COUNT_LIMIT.into()]).fetch_number(conn).await
}

/// One assignment, where the scope covers it.
pub async fn get(conn: &mut Conn<'_>, scope: &Scope, id: &str) -> Result<Option<AssignmentRow>, StoreError> {
    scope.restrict(Select::new(HEAD).and("a.id = ?", [id.into()]), "p.path LIKE ?").fetch_optional(conn).await
}

/// One assignment that was given to this user, also after it is closed.
pub async fn get_own(conn: &mut Conn<'_>, user_id: &str, id: &str) -> Result<Option<AssignmentRow>, StoreError> {
    Select::new(HEAD).and("a.id = ?", [id.into()]).and(MINE, [user_id.into()]).fetch_optional(conn).await
}

/// The assignment an inspection came of, wherever it is: for the program, which moves it on.
pub(crate) async fn for_work(conn: &mut Conn<'_>, id: &str) -> Result<Option<AssignmentRow>, StoreError> {
    Select::new(HEAD).and("a.id = ?", [id.into()]).fetch_optional(conn).await
}

/// The open assignments of a user among these ids, for the phone. No ids: all of them after `after` in order of id.
pub async fn open_of(
    conn: &mut Conn<'_>,
    user_id: &str,
    ids: Option<&[String]>,
    after: &str,
    limit: i64,
) -> Result<Vec<AssignmentRow>, StoreError> {
    let select = Select::new(HEAD).and("w.open", []).and(MINE, [user_id.into()]);
    let select = match ids {
        Some(ids) => select.and_any("a.id = ?", ids.iter().map(|id| id.as_str().into())),
        None => select.and("a.id > ?", [after.into()]),
    };
    select.tail("ORDER BY a.id LIMIT ?", [limit.into()]).fetch_all(conn).await
}

/// What an inspection that names no assignment is matched by.
#[derive(Debug, Clone)]
pub struct Sought {
    /// The officer who made it.
    pub user_id: String,
    /// Where.
    pub premises_id: String,
    /// Of the checklist, of whatever version.
    pub template_code: String,
    /// As stored.
    pub kind: &'static str,
    /// When it was made, ms UTC: what was assigned later is not what sent the officer out.
    pub made_ms: i64,
    /// The day it was made, ISO date: what was due before is late, and says so.
    pub day: String,
}

/// The open assignment of this officer that such an inspection fulfils in due time, what is due first before what is due later.
pub async fn fulfilled_by(conn: &mut Conn<'_>, sought: &Sought) -> Result<Option<String>, StoreError> {
    let head = "SELECT a.id FROM assignments a JOIN work_items w ON w.id = a.id JOIN checklist_templates t ON t.id = a.template_id";
    let row: Option<(String,)> = Select::new(head)
        .and("w.open AND w.premises_id = ?", [sought.premises_id.as_str().into()])
        .and(MINE, [sought.user_id.as_str().into()])
        .and("t.code = ? AND a.kind = ?", [sought.template_code.as_str().into(), sought.kind.into()])
        .and("a.due_on >= ? AND w.created_at <= ?", [sought.day.as_str().into(), sought.made_ms.into()])
        .and("NOT EXISTS (SELECT 1 FROM inspections i WHERE i.assignment_id = a.id)", [])
        .tail("ORDER BY a.due_on, a.id LIMIT 1", [])
        .fetch_optional(conn)
        .await?;
    Ok(row.map(|row| row.0))
}

/// Rows as the phone and the desk get them, with their officers.
pub async fn on_wire(conn: &mut Conn<'_>, rows: &[AssignmentRow]) -> Result<Vec<Assignment>, StoreError> {
    let officers: Vec<OfficerRow> = Select::new(
        "SELECT ao.assignment_id, ao.user_id, u.display_name, u.certificate_number FROM assignment_officers ao JOIN users u ON u.id = ao.user_id",
    )
    .and_any("ao.assignment_id = ?", rows.iter().map(|row| row.id.as_str().into()))
    .tail("ORDER BY ao.lead DESC, u.name_key, u.id LIMIT ?", [OFFICERS_LIMIT.into()])
    .fetch_all(conn)
    .await?;
    rows.iter().map(|row| wire(row, officers.iter().filter(|officer| officer.assignment_id == row.id))).collect()
}

fn wire<'a>(row: &AssignmentRow, officers: impl Iterator<Item = &'a OfficerRow>) -> Result<Assignment, StoreError> {
    let name: Bilingual = from_json(&row.template_name)?;
    let officers = officers.map(|officer| {
        Ok(AssignedOfficer {
            id: officer.user_id.parse().map_err(StoreError::damaged)?,
            display_name: officer.display_name.clone(),
            certificate_number: officer.certificate_number.clone(),
        })
    });
    Ok(Assignment {
        id: row.id.parse().map_err(StoreError::damaged)?,
        premises_id: row.premises_id.parse().map_err(StoreError::damaged)?,
        premises_name: row.premises_name.clone(),
        template_id: row.template_id.parse().map_err(StoreError::damaged)?,
        template_name: Some(name.zh),
        template_name_en: Some(name.en),
        kind: kind_of(&row.kind)?,
        state: wire_state(&row.state)?,
        due_on: row.due_on.clone(),
        officers: officers.collect::<Result<_, StoreError>>()?,
        approval_number: row.approval_number.clone(),
        source: Some(row.source.clone()),
        source_number: row.source_number.clone(),
        merged: from_json(&row.merged)?,
        plan_id: row.plan_id.as_deref().map(str::parse).transpose().map_err(StoreError::damaged)?,
        order_id: row.order_id.as_deref().map(str::parse).transpose().map_err(StoreError::damaged)?,
        draw_id: row.draw_id.as_deref().map(str::parse).transpose().map_err(StoreError::damaged)?,
        inspection_id: row.inspection_id.as_deref().map(str::parse).transpose().map_err(StoreError::damaged)?,
        alert: alert_of(row)?,
        version: row.version,
        created_at: Moment(row.created_at),
        updated_at: Moment(row.updated_at),
    })
}

fn alert_of(row: &AssignmentRow) -> Result<Option<AssignmentAlert>, StoreError> {
    let (Some(id), Some(kind), Some(class), Some(raised_at), Some(camera_name)) =
        (&row.alert_id, &row.alert_kind, row.alert_class, row.alert_raised_at, &row.alert_camera_name)
    else {
        return Ok(None);
    };
    let id = id.parse().map_err(StoreError::damaged)?;
    Ok(Some(AssignmentAlert { id, kind: kind.clone(), class, camera_name: camera_name.clone(), raised_at: Moment(raised_at) }))
}

/// What an alert shows of an inspection that it asked for.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of assignments, work_items and inspections")]
pub struct ForAlert {
    pub id: String,
    pub state: String,
    pub due_on: String,
    pub officers: String,
    pub inspection_id: Option<String>,
    pub inspection_state: Option<String>,
    pub outcome: Option<String>,
    pub submitted_at: Option<i64>,
}

/// The inspections that an alert asked for, newest first. Only for who may know of what is planned at its premises.
pub async fn of_alert(conn: &mut Conn<'_>, alert_id: &str) -> Result<Vec<ForAlert>, StoreError> {
    let rows = fetch_all!(
        conn,
        ForAlert,
        "SELECT a.id, w.state, a.due_on, '' AS officers, i.id AS inspection_id, i.state AS inspection_state, i.outcome, i.submitted_at \
         FROM assignments a JOIN work_items w ON w.id = a.id LEFT JOIN inspections i ON i.assignment_id = a.id \
         WHERE a.alert_id = $1 ORDER BY a.id DESC LIMIT 20",
        alert_id,
    )?;
    let names: Vec<(String, String)> =
        Select::new("SELECT ao.assignment_id, u.display_name FROM assignment_officers ao JOIN users u ON u.id = ao.user_id")
            .and_any("ao.assignment_id = ?", rows.iter().map(|row| row.id.as_str().into()))
            .tail("ORDER BY ao.lead DESC, u.name_key, u.id LIMIT 200", [])
            .fetch_all(conn)
            .await?;
    let of = |id: &str| names.iter().filter(|(of, _)| of == id).map(|(_, name)| name.as_str()).collect::<Vec<_>>().join("、");
    Ok(rows.into_iter().map(|row| ForAlert { officers: of(&row.id), ..row }).collect())
}

/// The kind of an inspection or assignment, as stored.
pub fn kind_of(stored: &str) -> Result<InspectionKind, StoreError> {
    from_json(&format!("\"{stored}\""))
}

/// A kind as it is stored.
pub fn kind_code(kind: InspectionKind) -> &'static str {
    match kind {
        InspectionKind::Routine => "routine",
        InspectionKind::Unannounced => "unannounced",
        InspectionKind::System => "system",
        InspectionKind::Campaign => "campaign",
        InspectionKind::Reinspection => "reinspection",
    }
}

fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(StoreError::damaged)
}

/// What an assignment is made of beside its work item.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of assignments")]
pub struct NewRow {
    pub id: Uuid,
    pub template_id: Uuid,
    pub kind: InspectionKind,
    pub due_on: String,
    pub approval_number: Option<String>,
    pub source: String,
    pub created_by: Uuid,
    /// The lead first.
    pub officers: Vec<Uuid>,
    /// The alert that asked for it.
    pub alert_id: Option<Uuid>,
    /// Of the complaint, report or letter.
    pub source_number: Option<String>,
    /// Checks done in the same visit.
    pub merged: Vec<String>,
    /// The plan it stands on.
    pub plan_id: Option<String>,
    /// The draw that chose premises and officers.
    pub draw_id: Option<String>,
}

/// Adds an assignment to a work item that has just been made under the same id.
pub async fn insert(tx: &mut Tx<'_>, row: &NewRow) -> Result<(), StoreError> {
    let id = row.id.to_string();
    execute!(
        tx,
        "INSERT INTO assignments (id, template_id, kind, due_on, approval_number, source, created_by, alert_id, source_number, merged, plan_id, draw_id) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        id.as_str(),
        row.template_id.to_string(),
        kind_code(row.kind),
        row.due_on.as_str(),
        row.approval_number.as_deref(),
        row.source.as_str(),
        row.created_by.to_string(),
        row.alert_id.map(|id| id.to_string()),
        row.source_number.as_deref(),
        serde_json::to_string(&row.merged).map_err(StoreError::damaged)?,
        row.plan_id.as_deref(),
        row.draw_id.as_deref(),
    )?;
    for (position, officer) in row.officers.iter().enumerate() {
        execute!(
            tx,
            "INSERT INTO assignment_officers (assignment_id, user_id, lead) VALUES ($1, $2, $3)",
            id.as_str(),
            officer.to_string(),
            position == 0,
        )?;
    }
    Ok(())
}

/// Notes a change for the office's desks and for the officers themselves, who also gain or lose the premises by it.
pub async fn note_change(tx: &mut Tx<'_>, row: &AssignmentRow, at: i64) -> Result<(), StoreError> {
    let officers: Vec<(String,)> = Select::new("SELECT ao.user_id FROM assignment_officers ao")
        .and("ao.assignment_id = ?", [row.id.as_str().into()])
        .tail("ORDER BY ao.user_id LIMIT 50", [])
        .fetch_all(tx)
        .await?;
    tx.changed(at, Change::upsert(Entity::Assignment, &row.id, office_path(&row.premises_path)).at(&row.premises_id)).await?;
    for (officer,) in officers {
        tx.changed(at, Change::upsert(Entity::Assignment, &row.id, "/").at(&row.premises_id).for_user(&officer)).await?;
        tx.changed(at, Change::upsert(Entity::Premises, &row.premises_id, "/").at(&row.premises_id).for_user(&officer)).await?;
    }
    Ok(())
}

/// The path of the node above a premises: what is noted there is not told to the premises' own people.
pub fn office_path(premises_path: &str) -> &str {
    let trimmed = premises_path.trim_end_matches('/');
    trimmed.rfind('/').map_or("/", |end| &premises_path[..=end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_office_is_one_step_above_the_premises() {
        assert_eq!(office_path("/c/d/o/p/"), "/c/d/o/");
        assert_eq!(office_path("/p/"), "/");
    }

    #[test]
    fn states_and_kinds_are_the_same_on_both_sides() {
        for state in [AssignmentState::Open, AssignmentState::InProgress, AssignmentState::Done, AssignmentState::Cancelled] {
            assert_eq!(wire_state(stored_state(state)).expect("known"), state);
        }
        for kind in [
            InspectionKind::Routine,
            InspectionKind::Unannounced,
            InspectionKind::System,
            InspectionKind::Campaign,
            InspectionKind::Reinspection,
        ] {
            assert_eq!(kind_of(kind_code(kind)).expect("known"), kind);
        }
        assert!(wire_state("raised").is_err());
    }
}
