//! `GET /sync`: what a phone works with off line.
//!
//! No cursor: everything in scope, kind by kind in order of id, then the number of the change log from before the run began,
//! so that nothing that happened meanwhile is missed. With a cursor: what changed since. When the caller's grants changed,
//! what was lost comes as tombstones and what is there now comes again; a cursor that is too old, or of a scope nobody
//! remembers, is 410, and the phone starts anew and keeps its drafts.

use std::collections::{HashMap, HashSet};

use actix_web::{HttpRequest, get, web};
use mobile_api::Moment;
use mobile_api::cursor::{Cursor, CursorError};
use mobile_api::problem::ProblemType;
use mobile_api::sync::{SyncEntity, SyncItem, SyncOp, SyncPage, SyncQuery};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::places;
use crate::App;
use crate::auth::{Caller, Session, can};
use crate::domain::calendar::date_of;
use crate::domain::permission::Permission;
use crate::http::console::inspections::items as inspection_items;
use crate::http::console::order_on_phone;
use crate::http::{Args, Problem, ProblemBody};
use crate::store::sync::{self, ChangeRow, Wanted};
use crate::store::{Conn, StoreError, assignments, inspections, journal, orders, premises, self_checks};

/// How far back a phone gets its own inspections and notices.
const HISTORY_MS: i64 = 30 * 24 * 3_600_000;
/// Premises that a change of scope may take away in one answer; more is a new start.
const LOST_MAX: i64 = 5_000;
/// Kinds in the order of a full run.
const KINDS: [SyncEntity; 8] = [
    SyncEntity::Template,
    SyncEntity::Premises,
    SyncEntity::Assignment,
    SyncEntity::Inspection,
    SyncEntity::Rectification,
    SyncEntity::Notice,
    SyncEntity::SelfCheck,
    SyncEntity::Order,
];
/// Days back that the canteen has its own papers, and that an officer has everybody's.
const OWN_PAPERS_DAYS: i64 = 35;
const OTHERS_PAPERS_DAYS: i64 = 3;
/// The version of clients that know the canteen's papers.
const PAPERS_SINCE: u32 = 4;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(synchronise);
}

/// Changes since a cursor, or everything in scope without one.
#[utoipa::path(tag = "sync", params(SyncQuery),
    responses((status = 200, body = SyncPage), (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 410, body = ProblemBody, content_type = "application/problem+json", description = "start anew without a cursor; drafts are kept")))]
#[get("/sync")]
async fn synchronise(
    request: HttpRequest,
    app: web::Data<App>,
    caller: Caller<can::SignedIn>,
    query: Args<SyncQuery>,
) -> Result<web::Json<SyncPage>, Problem> {
    let limit = query.limit.unwrap_or(mobile_api::limits::SYNC_PAGE_DEFAULT);
    if !(1..=mobile_api::limits::SYNC_PAGE_MAX).contains(&limit) {
        return Err(Problem::of(ProblemType::Malformed).because("limit is 1 to 500"));
    }
    if query.since.as_deref().is_some_and(|since| since.len() > mobile_api::limits::CURSOR_BYTES_MAX) {
        return Err(Problem::of(ProblemType::Malformed).because("not a cursor of this server"));
    }
    let version = remember(&app, &caller).await?;
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let client = request.headers().get(crate::http::CLIENT).and_then(|value| value.to_str().ok());
    let papers = mobile_api::version::speaks(client, PAPERS_SINCE);
    let mut run =
        Run { app: &app, session: &caller, version, papers, limit: i64::from(limit), now_ms: app.clock.wall_ms(), items: Vec::new() };
    let (cursor, more) = match query.since.as_deref() {
        None => {
            let head = journal::head(conn).await?;
            run.everything(conn, head, "").await?
        }
        Some(text) => match run.decode(text)? {
            Since::Here(Cursor { change, full: Some(key), .. }) => run.everything(conn, change, &key).await?,
            Since::Here(cursor) => run.changes(conn, cursor.change).await?,
            Since::Before(cursor) => run.scope_changed(conn, &cursor).await?,
        },
    };
    Ok(web::Json(SyncPage {
        next: cursor.encode(|body| app.sealer.mac("sync", body)),
        items: run.items,
        more,
        server_time: Moment(run.now_ms),
        scope_version: version,
    }))
}

/// The version of the caller's scope, with what it covers remembered for the day it changes. A grant that has run out
/// changes the scope without anybody's act: it is noticed here and makes a version of its own.
async fn remember(app: &App, session: &Session) -> Result<i64, Problem> {
    let (user_id, now_ms) = (session.user_id.to_string(), app.clock.wall_ms());
    let version = session.access.scope_version;
    let (nodes, known) = {
        let mut reader = app.db.read().await?;
        let conn = &mut reader.conn();
        (sync::granted_nodes(conn, &user_id, now_ms).await?, sync::remembered_scope(conn, &user_id, version).await?)
    };
    let nodes = serde_json::to_string(&nodes).map_err(StoreError::damaged)?;
    if known.as_deref() == Some(nodes.as_str()) {
        return Ok(version);
    }
    let changed = known.is_some();
    let remembered =
        app.db.write(move |tx| Box::pin(async move { sync::remember_scope(tx, &user_id, version, changed, &nodes, now_ms).await })).await;
    remembered.map_err(|error: StoreError| error.into())
}

enum Since {
    /// Of the present scope.
    Here(Cursor),
    /// Of an earlier scope of the same person.
    Before(Cursor),
}

struct Run<'a> {
    app: &'a App,
    session: &'a Session,
    /// Of the caller's scope.
    version: i64,
    /// The client knows the canteen's papers.
    papers: bool,
    limit: i64,
    now_ms: i64,
    items: Vec<SyncItem>,
}

impl Run<'_> {
    fn decode(&self, text: &str) -> Result<Since, Problem> {
        let version = self.version;
        let decode = |version| Cursor::decode(text, self.session.user_id, version, |body| self.app.sealer.mac("sync", body));
        match decode(version) {
            Ok(cursor) => Ok(Since::Here(cursor)),
            Err(CursorError::Malformed) => Err(Problem::of(ProblemType::Malformed).because("not a cursor of this server")),
            Err(CursorError::Gone) => {
                let earlier = (version - 8..version).rev().find_map(|version| decode(version).ok());
                earlier.map(Since::Before).ok_or_else(gone)
            }
        }
    }

    fn cursor(&self, change: i64, full: Option<String>) -> Cursor {
        Cursor { user_id: self.session.user_id, scope_version: self.version, change, full }
    }

    fn left(&self) -> i64 {
        self.limit - i64::try_from(self.items.len()).unwrap_or(self.limit)
    }

    /// A page of a full run from `key` (`kind/id`) on; `change` is where changes go on afterwards.
    async fn everything(&mut self, conn: &mut Conn<'_>, change: i64, key: &str) -> Result<(Cursor, bool), Problem> {
        let (start, mut after) = match key.split_once('/') {
            Some((kind, id)) => (kind.parse().ok().filter(|kind| *kind < KINDS.len()).ok_or_else(gone)?, id.to_owned()),
            None => (0, String::new()),
        };
        for (number, kind) in KINDS.into_iter().enumerate().skip(start) {
            let asked = self.left();
            let rows = self.rows(conn, kind, Wanted::After(&after), asked).await?;
            let full = i64::try_from(rows.len()).unwrap_or(asked) >= asked;
            if let Some((id, _)) = rows.last() {
                after = id.to_string();
            }
            for (id, value) in rows {
                self.items.push(SyncItem { entity: kind, op: SyncOp::Upsert, id, value: Some(value) });
            }
            if full {
                return Ok((self.cursor(change, Some(format!("{number}/{after}"))), true));
            }
            after = String::new();
        }
        // What happened since the run began, or, after a change of scope, since the phone was last here, follows at once.
        let more = journal::head(conn).await? > change;
        Ok((self.cursor(change, None), more))
    }

    /// A page of changes after `since`.
    async fn changes(&mut self, conn: &mut Conn<'_>, since: i64) -> Result<(Cursor, bool), Problem> {
        let head = journal::head(conn).await?;
        let oldest = sync::oldest(conn).await?.unwrap_or(1);
        if since > head || since + 1 < oldest {
            return Err(gone());
        }
        let scope = self.session.access.any_scope();
        let rows = sync::changes(conn, &scope, &self.session.user_id.to_string(), since, head, self.limit).await?;
        let more = i64::try_from(rows.len()).unwrap_or(self.limit) >= self.limit;
        let next = if more { rows.last().map_or(head, |row| row.seq) } else { head };
        for kind in KINDS {
            let mut ids = named(&rows, kind);
            if kind == SyncEntity::Rectification && !ids.is_empty() {
                ids = sync::once_dispatched(conn, &ids).await?;
            }
            if !ids.is_empty() {
                self.resolve(conn, kind, &ids).await?;
            }
        }
        Ok((self.cursor(next, None), more))
    }

    /// What these are now: there with their value, or gone.
    async fn resolve(&mut self, conn: &mut Conn<'_>, kind: SyncEntity, ids: &[String]) -> Result<(), Problem> {
        let found: HashMap<Uuid, Value> = self.rows(conn, kind, Wanted::These(ids), self.limit).await?.into_iter().collect();
        // The stone of a premises that was merged names the one that has everything.
        let merged = if kind == SyncEntity::Premises { premises::merged(conn, ids).await? } else { Vec::new() };
        for id in ids {
            let id: Uuid = id.parse().map_err(StoreError::damaged)?;
            let value = found.get(&id).cloned();
            let op = if value.is_some() { SyncOp::Upsert } else { SyncOp::Delete };
            let stone = merged.iter().find(|(double, _, _)| *double == id.to_string());
            let value = value.or_else(|| stone.map(|(_, into, name)| json!({"merged_into": into, "name": name})));
            self.items.push(SyncItem { entity: kind, op, id, value });
        }
        Ok(())
    }

    /// Tells what an earlier scope had and this one has not, and begins a full run of what there is now.
    async fn scope_changed(&mut self, conn: &mut Conn<'_>, cursor: &Cursor) -> Result<(Cursor, bool), Problem> {
        let remembered = sync::remembered_scope(conn, &self.session.user_id.to_string(), cursor.scope_version).await?.ok_or_else(gone)?;
        let nodes: Vec<String> = serde_json::from_str(&remembered).map_err(StoreError::damaged)?;
        // A full run that the change cut short has named only part of what the phone may hold.
        if cursor.full.is_some() {
            return Err(gone());
        }
        let scope = self.session.access.scope(Permission::PremisesRead);
        let before = sync::premises_below(conn, &nodes, LOST_MAX + 1).await?;
        if i64::try_from(before.len()).unwrap_or(i64::MAX) > LOST_MAX {
            return Err(gone());
        }
        let lost: Vec<String> = before.into_iter().filter(|(_, path)| !scope.covers(path)).map(|(id, _)| id).collect();
        let papers = self_checks::at(conn, &lost, &self.papers_oldest()).await?;
        let rectifications = sync::rectifications_at(conn, &lost).await?;
        let orders = orders::open_at(conn, &lost).await?;
        let gone = [
            (SyncEntity::Premises, lost),
            (SyncEntity::Rectification, rectifications),
            (SyncEntity::SelfCheck, papers),
            (SyncEntity::Order, orders),
        ];
        for (kind, ids) in gone {
            for id in ids {
                self.items.push(SyncItem { entity: kind, op: SyncOp::Delete, id: id.parse().map_err(StoreError::damaged)?, value: None });
            }
        }
        Ok((self.cursor(cursor.change, Some(String::new())), true))
    }

    /// The first day whose papers this phone keeps: who answers them has more than who only reads.
    fn papers_since(&self) -> String {
        let access = &self.session.access;
        let own = access.may(Permission::SelfChecksAnswer) || access.may(Permission::SelfChecksSign);
        let days = if own { OWN_PAPERS_DAYS } else { OTHERS_PAPERS_DAYS };
        self.day_before(days)
    }

    /// Of each kind of paper the newest is kept, but none that is older.
    fn papers_oldest(&self) -> String {
        self.day_before(mobile_api::limits::SELF_CHECK_DAYS_BACK)
    }

    fn day_before(&self, days: i64) -> String {
        date_of(self.now_ms - days * 24 * 3_600_000).to_string()
    }

    /// Rows of one kind as the phone gets them, where this caller may see them.
    async fn rows(&self, conn: &mut Conn<'_>, kind: SyncEntity, wanted: Wanted<'_>, limit: i64) -> Result<Vec<(Uuid, Value)>, Problem> {
        if limit <= 0 {
            return Ok(Vec::new());
        }
        let user_id = self.session.user_id.to_string();
        let access = &self.session.access;
        let (ids, after) = match wanted {
            Wanted::These(ids) => (Some(ids), ""),
            Wanted::After(after) => (None, after),
        };
        match kind {
            SyncEntity::Template => {
                // The canteen's papers go to who answers or reads them.
                let shown = [
                    ("officer", access.may(Permission::TemplatesRead)),
                    ("canteen", self.papers && access.may(Permission::SelfChecksRead)),
                ];
                let audiences: Vec<&str> = shown.iter().filter(|(_, may)| *may).map(|(audience, _)| *audience).collect();
                if audiences.is_empty() {
                    return Ok(Vec::new());
                }
                let rows = sync::templates(conn, &audiences, wanted, limit).await?;
                rows.iter().map(|row| valued(&row.id, row.template()?)).collect()
            }
            SyncEntity::Premises => {
                let rows = sync::premises(conn, &access.scope(Permission::PremisesRead), wanted, limit).await?;
                places::values(conn, access, rows, self.now_ms).await
            }
            SyncEntity::Assignment => {
                let rows = assignments::open_of(conn, &user_id, ids, after, limit).await?;
                assignments::on_wire(conn, &rows).await?.into_iter().map(|item| valued(&item.id.to_string(), item)).collect()
            }
            SyncEntity::Inspection => {
                let rows = inspections::own(conn, &user_id, ids, self.now_ms - HISTORY_MS, after, limit).await?;
                let items = inspection_items(conn, &rows).await?;
                items.into_iter().zip(&rows).map(|(item, row)| with_header(valued(&item.id.clone(), item)?, row)).collect()
            }
            SyncEntity::Rectification => {
                let rows = sync::rectifications(conn, &access.scope(Permission::AlertsRectify), wanted, limit).await?;
                rows.into_iter().map(|row| valued(&row.id.clone(), rectification(row))).collect()
            }
            SyncEntity::SelfCheck if !self.papers || !access.may(Permission::SelfChecksRead) => Ok(Vec::new()),
            SyncEntity::SelfCheck => {
                let scope = access.scope(Permission::SelfChecksRead);
                let rows = self_checks::synced(conn, &scope, ids, (&self.papers_since(), &self.papers_oldest()), after, limit).await?;
                let papers: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
                let samples = self_checks::samples_of(conn, &papers).await?;
                rows.into_iter().map(|row| valued(&row.id.clone(), super::self_checks::on_phone(row, &samples)?)).collect()
            }
            SyncEntity::Order => {
                let open = orders::open_ids(conn, &access.scope(Permission::OrdersRead), ids, after, limit).await?;
                let mut values = Vec::with_capacity(open.len());
                for id in open {
                    values.push(valued(&id, order_on_phone(conn, self.session, &id).await?)?);
                }
                Ok(values)
            }
            SyncEntity::Notice => {
                let rows = sync::notices(conn, &user_id, self.now_ms - HISTORY_MS, wanted, limit).await?;
                rows.into_iter().map(|row| valued(&row.id.clone(), notice(row)?)).collect()
            }
        }
    }
}

/// One that is under way comes with its header: another officer joins it with the very same.
fn with_header((id, mut value): (Uuid, Value), row: &inspections::InspectionRow) -> Result<(Uuid, Value), Problem> {
    if row.state == "draft" {
        value["header"] = serde_json::from_str(&row.header).map_err(StoreError::damaged)?;
    }
    Ok((id, value))
}

fn gone() -> Problem {
    Problem::of(ProblemType::Gone)
}

/// Ids of one kind among changes, each once, in order.
fn named(rows: &[ChangeRow], kind: SyncEntity) -> Vec<String> {
    let name = match kind {
        SyncEntity::Template => "template",
        SyncEntity::Premises => "premises",
        SyncEntity::Assignment => "assignment",
        SyncEntity::Inspection => "inspection",
        SyncEntity::Rectification => "alert",
        SyncEntity::Notice => "notice",
        SyncEntity::SelfCheck => "self_check",
        SyncEntity::Order => "order",
    };
    let mut seen = HashSet::new();
    let own = rows.iter().filter(|row| row.entity == name).map(|row| row.entity_id.as_str());
    // A premises comes with its alerts, cameras, last inspection and reports of food poisoning: it comes again when one of them changes.
    let shown =
        |row: &&ChangeRow| kind == SyncEntity::Premises && matches!(row.entity.as_str(), "alert" | "camera" | "inspection" | "incident");
    let bound = rows.iter().filter(shown).filter_map(|row| row.premises_id.as_deref());
    own.chain(bound).filter(|id| seen.insert(*id)).map(str::to_owned).collect()
}

fn valued(id: &str, value: impl Serialize) -> Result<(Uuid, Value), Problem> {
    Ok((id.parse().map_err(StoreError::damaged)?, serde_json::to_value(value).map_err(StoreError::damaged)?))
}

fn rectification(row: sync::RectificationRow) -> Value {
    json!({
        "id": row.id, "alert_id": row.id, "kind": row.kind, "class": row.class, "state": row.state, "level": row.level, "premises_id": row.premises_id,
        "premises_name": row.premises_name, "camera_id": row.camera_id, "camera_name": row.camera_name, "raised_at": Moment(row.raised_at),
        "due_at": row.due_at.map(Moment), "has_still": row.has_still, "text": row.text, "version": row.version,
    })
}

fn notice(row: sync::NoticeRow) -> Result<Value, StoreError> {
    let detail: Value = serde_json::from_str(&row.detail).map_err(StoreError::damaged)?;
    Ok(
        json!({"id": row.id, "work_id": row.work_id, "kind": row.kind, "detail": detail, "at": Moment(row.show_at), "read_at": row.read_at.map(Moment)}),
    )
}
