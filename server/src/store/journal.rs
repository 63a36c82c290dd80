//! What happened, in commit order: the change log and the audit chain.
//!
//! What an act notes is gathered and written at the end of its transaction. Numbers are given by one hand only (SQLite: the
//! writer, as it writes the rows; PostgreSQL: the sequencer, after the commit), so a reader that has seen number N never
//! misses a row below N.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::sql::{Arg, Script, Select, execute, fetch_all, fetch_optional, with_rows};
use super::{Conn, Page, StoreError, Tx, tallies};
use crate::auth::Scope;

/// Rows numbered or linked in one round.
const ROUND_LIMIT: i64 = 2_000;

/// What is synchronised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each variant is the table of that name")]
pub enum Entity {
    Organization,
    Operator,
    Premises,
    User,
    Camera,
    Alert,
    Template,
    TemplateDraft,
    Assignment,
    Inspection,
    Notice,
    Webhook,
    Setting,
    Plan,
    Draw,
    Document,
    Order,
    SelfCheck,
    Hold,
    Incident,
    Patrol,
    Duty,
    RuleProposal,
}

impl Entity {
    /// As stored and sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::Operator => "operator",
            Self::Premises => "premises",
            Self::User => "user",
            Self::Camera => "camera",
            Self::Alert => "alert",
            Self::Template => "template",
            Self::TemplateDraft => "template_draft",
            Self::Assignment => "assignment",
            Self::Inspection => "inspection",
            Self::Notice => "notice",
            Self::Webhook => "webhook",
            Self::Setting => "setting",
            Self::Plan => "plan",
            Self::Draw => "draw",
            Self::Document => "document",
            Self::Order => "order",
            Self::SelfCheck => "self_check",
            Self::Hold => "hold",
            Self::Incident => "incident",
            Self::Patrol => "patrol",
            Self::Duty => "duty",
            Self::RuleProposal => "rule_proposal",
        }
    }
}

/// A change to tell about.
#[derive(Debug, Clone)]
pub struct Change<'a> {
    /// What kind of thing.
    pub entity: Entity,
    /// Which one.
    pub id: &'a str,
    /// Gone, or there.
    pub deleted: bool,
    /// Node of the tree it belongs to: only callers whose scope covers it hear of it.
    pub path: &'a str,
    /// Where it is bound to one.
    pub premises_id: Option<&'a str>,
    /// Where it concerns one person only.
    pub user_id: Option<&'a str>,
}

impl<'a> Change<'a> {
    /// A thing at a node that was added or changed.
    pub fn upsert(entity: Entity, id: &'a str, path: &'a str) -> Self {
        Self { entity, id, deleted: false, path, premises_id: None, user_id: None }
    }

    /// Bound to a premises.
    #[must_use]
    pub fn at(self, premises_id: &'a str) -> Self {
        Self { premises_id: Some(premises_id), ..self }
    }

    /// For one person only.
    #[must_use]
    pub fn for_user(self, user_id: &'a str) -> Self {
        Self { user_id: Some(user_id), ..self }
    }

    /// A thing that is gone.
    #[must_use]
    pub fn deleted(self) -> Self {
        Self { deleted: true, ..self }
    }
}

/// An act for the audit log.
#[derive(Debug, Clone)]
pub struct Act<'a> {
    /// Who and from where.
    pub actor: &'a Actor,
    /// A verb: `login`, `create`, `alert_confirm`, `view_recording`, ...
    pub action: &'a str,
    /// On what.
    pub entity: Option<(&'a str, &'a str)>,
    /// Node of the tree; `/` for the system.
    pub path: &'a str,
    /// More, as JSON; never a secret.
    pub detail: Value,
}

/// Who acts, and from where.
#[derive(Debug, Clone, Default)]
pub struct Actor {
    /// User; `None` for the system and for failed sign-ins.
    pub id: Option<Uuid>,
    /// As it is now.
    pub name: String,
    /// Peer address.
    pub ip: Option<String>,
    /// Of the request's log lines.
    pub request_id: Option<String>,
}

impl Actor {
    /// The program itself.
    pub fn system() -> Self {
        Self { name: "system".to_owned(), ..Self::default() }
    }
}

/// What a transaction has noted and not yet written.
#[derive(Debug, Default)]
pub(super) struct Journal {
    changes: Vec<Vec<Arg>>,
    acts: Vec<AuditRow>,
    /// Alerts that may count as something else now.
    pub(super) alerts: BTreeSet<String>,
}

const CHANGE_COLUMNS: &str = "INSERT INTO change_log (id, at, entity, entity_id, op, path, premises_id, user_id)";
const NUMBERED_CHANGE_COLUMNS: &str = "INSERT INTO change_log (id, at, entity, entity_id, op, path, premises_id, user_id, seq)";
const ACT_COLUMNS: &str = "INSERT INTO audit_log (id, at, actor_id, actor_name, action, entity, entity_id, path, detail, ip, request_id)";
const LINKED_ACT_COLUMNS: &str =
    "INSERT INTO audit_log (id, at, actor_id, actor_name, action, entity, entity_id, path, detail, ip, request_id, seq, prev_hash, hash)";

impl Journal {
    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.acts.is_empty() && self.alerts.is_empty()
    }

    /// Adds what was noted after this.
    pub(super) fn append(&mut self, mut later: Self) {
        self.changes.append(&mut later.changes);
        self.acts.append(&mut later.acts);
        self.alerts.append(&mut later.alerts);
    }

    /// Writes the rows without numbers: the sequencer gives them after the commit.
    pub(super) async fn write(self, conn: &mut Conn<'_>) -> Result<(), StoreError> {
        if self.is_empty() {
            return Ok(());
        }
        let acts: Vec<Vec<Arg>> = self.acts.into_iter().map(AuditRow::noted).collect();
        let script = Script::default().add_rows(CHANGE_COLUMNS, &self.changes, "").add_rows(ACT_COLUMNS, &acts, "");
        if script.len() > 0 {
            script.run(conn).await?;
        }
        tallies::settle(conn, self.alerts).await
    }

    /// Writes the rows numbered and linked, for the hand that writes alone; gives the newest number where there are changes.
    pub(super) async fn write_numbered(self, conn: &mut Conn<'_>) -> Result<Option<i64>, StoreError> {
        if self.is_empty() {
            return Ok(None);
        }
        tallies::settle(conn, self.alerts).await?;
        let heads = fetch_optional!(
            conn,
            (i64, Option<i64>, Option<String>),
            "SELECT (SELECT CAST(COALESCE(MAX(seq), 0) AS BIGINT) FROM change_log), linked.seq, linked.hash FROM (SELECT 1) AS one \
             LEFT JOIN (SELECT seq, hash FROM audit_log WHERE seq IS NOT NULL AND hash IS NOT NULL ORDER BY seq DESC LIMIT 1) AS linked ON 1 = 1"
        )?;
        let (mut number, place, hash) = heads.unwrap_or_default();
        let mut changes = self.changes;
        for row in &mut changes {
            number += 1;
            row.push(number.into());
        }
        with_rows(conn, NUMBERED_CHANGE_COLUMNS, &changes, "").await?;
        let mut chain = Chain { place: place.unwrap_or_default(), hash: hash.unwrap_or_default() };
        let mut acts = Vec::with_capacity(self.acts.len());
        for act in self.acts {
            let link = chain.link(&act)?;
            let mut row = act.noted();
            row.extend(link);
            acts.push(row);
        }
        with_rows(conn, LINKED_ACT_COLUMNS, &acts, "").await?;
        Ok((!changes.is_empty()).then_some(number))
    }
}

impl Tx<'_> {
    /// Notes a change for those who synchronise.
    pub async fn changed(&mut self, at_ms: i64, change: Change<'_>) -> Result<(), StoreError> {
        self.all_changed(at_ms, &[change]).await
    }

    /// The same of several, in this order.
    pub async fn all_changed(&mut self, at_ms: i64, changes: &[Change<'_>]) -> Result<(), StoreError> {
        self.journal.changes.extend(changes.iter().map(|change| {
            vec![
                Uuid::now_v7().into(),
                at_ms.into(),
                change.entity.as_str().into(),
                change.id.into(),
                if change.deleted { "delete" } else { "upsert" }.into(),
                change.path.into(),
                change.premises_id.into(),
                change.user_id.into(),
            ]
        }));
        Ok(())
    }

    /// Notes an act in the audit log.
    pub async fn audit(&mut self, at_ms: i64, act: Act<'_>) -> Result<(), StoreError> {
        self.journal.acts.push(AuditRow {
            id: Uuid::now_v7().to_string(),
            seq: None,
            at: at_ms,
            actor_id: act.actor.id.map(|id| id.to_string()),
            actor_name: act.actor.name.clone(),
            action: act.action.to_owned(),
            entity: act.entity.map(|entity| entity.0.to_owned()),
            entity_id: act.entity.map(|entity| entity.1.to_owned()),
            path: act.path.to_owned(),
            detail: serde_json_canonicalizer::to_string(&act.detail).map_err(StoreError::damaged)?,
            ip: act.actor.ip.clone(),
            request_id: act.actor.request_id.clone(),
            prev_hash: None,
            hash: None,
        });
        Ok(())
    }
}

/// The newest number of the change log; 0 when there is none.
pub async fn head(conn: &mut Conn<'_>) -> Result<i64, StoreError> {
    let row = fetch_optional!(conn, (i64,), "SELECT CAST(COALESCE(MAX(seq), 0) AS BIGINT) FROM change_log")?;
    Ok(row.map_or(0, |row| row.0))
}

/// Gives numbers to what has none, oldest first.
pub(super) async fn number_changes(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE change_log SET seq = numbered.seq FROM ( \
           SELECT id, (SELECT COALESCE(MAX(seq), 0) FROM change_log) + ROW_NUMBER() OVER (ORDER BY id) AS seq \
           FROM change_log WHERE seq IS NULL ORDER BY id LIMIT $1) AS numbered \
         WHERE change_log.id = numbered.id",
        ROUND_LIMIT,
    )?;
    Ok(())
}

/// A change as those who synchronise see it.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of change_log")]
pub struct ChangeRow {
    pub seq: i64,
    pub at: i64,
    pub entity: String,
    pub entity_id: String,
    pub op: String,
    pub path: String,
    pub premises_id: Option<String>,
    pub user_id: Option<String>,
}

/// Changes after `since`, in order, at most `limit`, that `scope` covers or that concern `user_id`.
pub async fn changes_since(
    conn: &mut Conn<'_>,
    scope: &Scope,
    user_id: &str,
    since: i64,
    limit: i64,
) -> Result<Vec<ChangeRow>, StoreError> {
    let select = Select::new("SELECT seq, at, entity, entity_id, op, path, premises_id, user_id FROM change_log")
        .and("seq > ?", [since.into()])
        .and("user_id IS NULL OR user_id = ?", [user_id.into()]);
    scope.restrict_or_public(select).tail("ORDER BY seq LIMIT ?", [limit.into()]).fetch_all(conn).await
}

/// A row of the audit log.
#[derive(Debug, Clone, sqlx::FromRow, Serialize)]
#[expect(missing_docs, reason = "the columns of audit_log")]
pub struct AuditRow {
    pub id: String,
    pub seq: Option<i64>,
    pub at: i64,
    pub actor_id: Option<String>,
    pub actor_name: String,
    pub action: String,
    pub entity: Option<String>,
    pub entity_id: Option<String>,
    pub path: String,
    pub detail: String,
    pub ip: Option<String>,
    pub request_id: Option<String>,
    pub prev_hash: Option<String>,
    pub hash: Option<String>,
}

impl AuditRow {
    /// The values of a row that has no place yet.
    fn noted(self) -> Vec<Arg> {
        vec![
            self.id.into(),
            self.at.into(),
            self.actor_id.into(),
            self.actor_name.into(),
            self.action.into(),
            self.entity.into(),
            self.entity_id.into(),
            self.path.into(),
            self.detail.into(),
            self.ip.into(),
            self.request_id.into(),
        ]
    }
}

const AUDIT_COLUMNS: &str =
    "SELECT id, seq, at, actor_id, actor_name, action, entity, entity_id, path, detail, ip, request_id, prev_hash, hash FROM audit_log";

/// The hash of a row at place `seq` after `prev_hash`: SHA-256 over canonical JSON (RFC 8785), hex.
pub fn audit_hash(row: &AuditRow, seq: i64, prev_hash: &str) -> Result<String, StoreError> {
    let linked = AuditRow { seq: Some(seq), prev_hash: Some(prev_hash.to_owned()), hash: None, ..row.clone() };
    let canonical = serde_json_canonicalizer::to_vec(&linked).map_err(StoreError::damaged)?;
    Ok(hex::encode(Sha256::digest(canonical)))
}

/// The end of the chain: the last place and its hash.
struct Chain {
    place: i64,
    hash: String,
}

impl Chain {
    /// Takes a row in: its place, the hash before it and its own.
    fn link(&mut self, row: &AuditRow) -> Result<[Arg; 3], StoreError> {
        self.place += 1;
        let hash = audit_hash(row, self.place, &self.hash)?;
        let before = std::mem::replace(&mut self.hash, hash.clone());
        Ok([self.place.into(), before.into(), hash.into()])
    }
}

/// Links rows that are not yet in the chain, oldest first.
pub(super) async fn link_audit(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    let unlinked = Select::new(AUDIT_COLUMNS)
        .and("seq IS NULL", [])
        .tail("ORDER BY id LIMIT ?", [ROUND_LIMIT.into()])
        .fetch_all::<AuditRow>(tx)
        .await?;
    if unlinked.is_empty() {
        return Ok(());
    }
    let (place, hash) = audit_head(tx).await?.unwrap_or_default();
    let mut chain = Chain { place, hash };
    let mut links: Vec<Vec<Arg>> = Vec::with_capacity(unlinked.len());
    for row in unlinked {
        let [place, before, after] = chain.link(&row)?;
        links.push(vec![row.id.into(), place, before, after]);
    }
    // Both engines call the columns of a list of values so.
    let head = "UPDATE audit_log SET seq = linked.column2, prev_hash = linked.column3, hash = linked.column4 FROM (";
    with_rows(tx, head, &links, ") AS linked WHERE audit_log.id = linked.column1").await
}

/// The last place of the chain and its hash.
pub async fn audit_head(conn: &mut Conn<'_>) -> Result<Option<(i64, String)>, StoreError> {
    fetch_optional!(
        conn,
        (i64, String),
        "SELECT seq, hash FROM audit_log WHERE seq IS NOT NULL AND hash IS NOT NULL ORDER BY seq DESC LIMIT 1"
    )
}

/// What an audit list is narrowed to.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "named as the columns they narrow")]
pub struct AuditFilter {
    pub actor_id: Option<String>,
    pub action: Option<String>,
    pub entity: Option<String>,
    pub entity_id: Option<String>,
    pub since_ms: Option<i64>,
    pub until_ms: Option<i64>,
}

/// Newest first; the cursor is the place in the chain.
pub async fn list_audit(conn: &mut Conn<'_>, scope: &Scope, filter: &AuditFilter, page: &Page) -> Result<Vec<AuditRow>, StoreError> {
    let select = narrowed(Select::new(AUDIT_COLUMNS), filter).and("seq IS NOT NULL", []).and_if("seq < ?", page.after_number());
    scope.restrict(select, "path LIKE ?").tail("ORDER BY seq DESC LIMIT ?", [page.fetch().into()]).fetch_all(conn).await
}

/// How many rows a list has, up to [`super::COUNT_LIMIT`].
pub async fn count_audit(conn: &mut Conn<'_>, scope: &Scope, filter: &AuditFilter) -> Result<i64, StoreError> {
    let select = narrowed(Select::new("SELECT COUNT(*) FROM (SELECT 1 FROM audit_log"), filter).and("seq IS NOT NULL", []);
    scope.restrict(select, "path LIKE ?").tail("LIMIT ?) AS counted", [super::COUNT_LIMIT.into()]).fetch_number(conn).await
}

fn narrowed(select: Select, filter: &AuditFilter) -> Select {
    select
        .and_if("actor_id = ?", filter.actor_id.clone())
        .and_if("action = ?", filter.action.clone())
        .and_if("entity = ?", filter.entity.clone())
        .and_if("entity_id = ?", filter.entity_id.clone())
        .and_if("at >= ?", filter.since_ms)
        .and_if("at < ?", filter.until_ms)
}

/// The chain from `after` on, for `check`.
pub async fn audit_chain(conn: &mut Conn<'_>, after: i64, limit: i64) -> Result<Vec<AuditRow>, StoreError> {
    fetch_all!(
        conn,
        AuditRow,
        "SELECT id, seq, at, actor_id, actor_name, action, entity, entity_id, path, detail, ip, request_id, prev_hash, hash \
         FROM audit_log WHERE seq > $1 ORDER BY seq LIMIT $2",
        after,
        limit,
    )
}
