//! Officers as plans and draws know them: certificate, whether they may lead, what they know best, interests, leaves.
//!
//! An officer is whoever may conduct inspections somewhere; the authorities where that holds are the officer's homes.

use uuid::Uuid;

use super::sql::{Select, contains, execute};
use super::{COUNT_LIMIT, Conn, Page, StoreError, Tx};
use crate::auth::Scope;

/// Homes, interests or leaves of the officers of one page or one draw.
const PARTS_LIMIT: i64 = 20_000;

/// An officer with the profile, where there is one.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of users and officer_profiles")]
pub struct OfficerRow {
    pub id: String,
    pub display_name: String,
    pub name_key: String,
    pub certificate_number: Option<String>,
    pub certificate_until: Option<String>,
    pub may_lead: bool,
    pub specialties: String,
    pub version: i64,
}

const HEAD: &str = "SELECT u.id, u.display_name, u.name_key, u.certificate_number, f.certificate_until, COALESCE(f.may_lead, FALSE) AS may_lead, \
    COALESCE(f.specialties, '[]') AS specialties, COALESCE(f.version, 0) AS version FROM users u LEFT JOIN officer_profiles f ON f.user_id = u.id";

/// Conducts inspections at a node.
const CONDUCTS: &str = "EXISTS (SELECT 1 FROM grants g JOIN role_permissions rp ON rp.role = g.role AND rp.permission = 'inspections.conduct' \
    WHERE g.user_id = u.id AND g.node_path LIKE ?)";

fn narrowed(select: Select, scope: &Scope, text: Option<&str>) -> Select {
    let select = scope.restrict(select.and("u.disabled_at IS NULL", []), CONDUCTS);
    match text.map(contains) {
        Some(text) => select.and("u.name_key LIKE ? ESCAPE '!' OR u.username LIKE ? ESCAPE '!'", [text.clone().into(), text.into()]),
        None => select,
    }
}

/// A page of officers, by name.
pub async fn list(conn: &mut Conn<'_>, scope: &Scope, text: Option<&str>, page: &Page) -> Result<Vec<OfficerRow>, StoreError> {
    let select = narrowed(Select::new(HEAD), scope, text);
    let select = match page.after() {
        Some((key, id)) => select.and("u.name_key > ? OR (u.name_key = ? AND u.id > ?)", [key.into(), key.into(), id.into()]),
        None => select,
    };
    select.tail("ORDER BY u.name_key, u.id LIMIT ?", [page.fetch().into()]).fetch_all(conn).await
}

/// How many a list has, up to the limit of counts.
pub async fn count(conn: &mut Conn<'_>, scope: &Scope, text: Option<&str>) -> Result<i64, StoreError> {
    let select = narrowed(Select::new("SELECT COUNT(*) FROM (SELECT 1 FROM users u"), scope, text);
    select.tail("LIMIT ?) AS counted", [COUNT_LIMIT.into()]).fetch_number(conn).await
}

/// One officer whose home the scope covers.
pub async fn get(conn: &mut Conn<'_>, scope: &Scope, id: &str) -> Result<Option<OfficerRow>, StoreError> {
    narrowed(Select::new(HEAD).and("u.id = ?", [id.into()]), scope, None).fetch_optional(conn).await
}

/// Officers who may be drawn for what lies below `path`: of the authorities there and above.
pub async fn pool(conn: &mut Conn<'_>, path: &str, now_ms: i64, limit: i64) -> Result<Vec<OfficerRow>, StoreError> {
    let conducts = "EXISTS (SELECT 1 FROM grants g JOIN role_permissions rp ON rp.role = g.role AND rp.permission = 'inspections.conduct' \
        WHERE g.user_id = u.id AND (g.valid_until IS NULL OR g.valid_until > ?) AND (g.node_path LIKE ? OR ? LIKE g.node_path || '%'))";
    let args = [now_ms.into(), format!("{path}%").into(), path.into()];
    let select = Select::new(HEAD).and("u.disabled_at IS NULL", []).and(conducts, args);
    select.tail("ORDER BY u.id LIMIT ?", [limit.into()]).fetch_all(conn).await
}

/// Where officers conduct inspections: user, node, its path, its name.
pub async fn homes(conn: &mut Conn<'_>, ids: &[String], now_ms: i64) -> Result<Vec<(String, String, String, String)>, StoreError> {
    Select::new(
        "SELECT DISTINCT g.user_id, g.node_id, g.node_path, COALESCE(o.name, p.name, '') AS name FROM grants g \
         JOIN role_permissions rp ON rp.role = g.role AND rp.permission = 'inspections.conduct' \
         LEFT JOIN organizations o ON o.id = g.node_id LEFT JOIN premises p ON p.id = g.node_id",
    )
    .and("g.valid_until IS NULL OR g.valid_until > ?", [now_ms.into()])
    .and_any("g.user_id = ?", ids.iter().map(|id| id.as_str().into()))
    .tail("ORDER BY g.user_id, g.node_path LIMIT ?", [PARTS_LIMIT.into()])
    .fetch_all(conn)
    .await
}

/// A declared interest, with the name of what it is in.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of officer_interests and what they name")]
pub struct InterestRow {
    pub user_id: String,
    pub premises_id: Option<String>,
    pub operator_id: Option<String>,
    pub name: String,
    pub reason: String,
}

/// Interests of officers.
pub async fn interests(conn: &mut Conn<'_>, ids: &[String]) -> Result<Vec<InterestRow>, StoreError> {
    Select::new(
        "SELECT i.user_id, i.premises_id, i.operator_id, COALESCE(p.name, o.name, '') AS name, i.reason FROM officer_interests i \
         LEFT JOIN premises p ON p.id = i.premises_id LEFT JOIN operators o ON o.id = i.operator_id",
    )
    .and_any("i.user_id = ?", ids.iter().map(|id| id.as_str().into()))
    .tail("ORDER BY i.user_id, i.id LIMIT ?", [PARTS_LIMIT.into()])
    .fetch_all(conn)
    .await
}

/// Days away.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of officer_leaves")]
pub struct LeaveRow {
    pub user_id: String,
    pub from_on: String,
    pub until_on: String,
    pub reason: Option<String>,
}

/// Leaves of officers that end on `since` or later, ISO date.
pub async fn leaves(conn: &mut Conn<'_>, ids: &[String], since: &str) -> Result<Vec<LeaveRow>, StoreError> {
    Select::new("SELECT l.user_id, l.from_on, l.until_on, l.reason FROM officer_leaves l")
        .and("l.until_on >= ?", [since.into()])
        .and_any("l.user_id = ?", ids.iter().map(|id| id.as_str().into()))
        .tail("ORDER BY l.user_id, l.from_on, l.id LIMIT ?", [PARTS_LIMIT.into()])
        .fetch_all(conn)
        .await
}

/// Open checks of officers: user, number.
pub async fn loads(conn: &mut Conn<'_>, ids: &[String]) -> Result<Vec<(String, i64)>, StoreError> {
    Select::new("SELECT ao.user_id, COUNT(*) AS load FROM assignment_officers ao JOIN work_items w ON w.id = ao.assignment_id AND w.open")
        .and_any("ao.user_id = ?", ids.iter().map(|id| id.as_str().into()))
        .tail("GROUP BY ao.user_id ORDER BY ao.user_id LIMIT ?", [PARTS_LIMIT.into()])
        .fetch_all(conn)
        .await
}

/// What is kept of an officer.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of officer_profiles, officer_interests and officer_leaves")]
pub struct Profile {
    pub certificate_until: Option<String>,
    pub may_lead: bool,
    /// JSON
    pub specialties: String,
    /// Premises, operator (one of the two), reason.
    pub interests: Vec<(Option<String>, Option<String>, String)>,
    /// From, until, reason.
    pub leaves: Vec<(String, String, Option<String>)>,
}

/// Replaces what is kept of an officer; `false` where `version` (0: there was none) is stale.
pub async fn put(tx: &mut Tx<'_>, id: &str, profile: &Profile, version: i64, at: i64) -> Result<bool, StoreError> {
    let done = if version == 0 {
        execute!(
            tx,
            "INSERT INTO officer_profiles (user_id, certificate_until, may_lead, specialties, version, updated_at) VALUES ($1, $2, $3, $4, 1, $5) \
             ON CONFLICT (user_id) DO NOTHING",
            id,
            profile.certificate_until.as_deref(),
            profile.may_lead,
            profile.specialties.as_str(),
            at,
        )?
    } else {
        execute!(
            tx,
            "UPDATE officer_profiles SET certificate_until = $3, may_lead = $4, specialties = $5, version = version + 1, updated_at = $6 \
             WHERE user_id = $1 AND version = $2",
            id,
            version,
            profile.certificate_until.as_deref(),
            profile.may_lead,
            profile.specialties.as_str(),
            at,
        )?
    };
    if done != 1 {
        return Ok(false);
    }
    execute!(tx, "DELETE FROM officer_interests WHERE user_id = $1", id)?;
    execute!(tx, "DELETE FROM officer_leaves WHERE user_id = $1", id)?;
    for (premises, operator, reason) in &profile.interests {
        execute!(
            tx,
            "INSERT INTO officer_interests (id, user_id, premises_id, operator_id, reason) VALUES ($1, $2, $3, $4, $5)",
            Uuid::now_v7().to_string(),
            id,
            premises.as_deref(),
            operator.as_deref(),
            reason.as_str(),
        )?;
    }
    for (from, until, reason) in &profile.leaves {
        execute!(
            tx,
            "INSERT INTO officer_leaves (id, user_id, from_on, until_on, reason) VALUES ($1, $2, $3, $4, $5)",
            Uuid::now_v7().to_string(),
            id,
            from.as_str(),
            until.as_str(),
            reason.as_deref(),
        )?;
    }
    Ok(true)
}
