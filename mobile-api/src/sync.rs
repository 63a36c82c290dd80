//! What comes down to the phone: changes in commit order, deletions as tombstones.
//!
//! Rules. No `since`: everything in scope, in pages, then `more` is false and `next` is where changes go on. With `since`: what
//! changed after it. A row may come twice, never not at all; the phone puts by id, so twice does no harm. A row that left the
//! scope comes as `delete`. A cursor of another scope, or older than the tombstones that are kept, is 410 `gone`: the phone
//! starts anew, removes what the full run did not name, and keeps its drafts.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Moment;
use crate::limits::{SYNC_PAGE_DEFAULT, SYNC_PAGE_MAX};

/// What a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SyncEntity {
    /// See [`crate::assignment::Assignment`].
    Assignment,
    /// A place in scope or opened by an assignment.
    Premises,
    /// See [`crate::template::Template`], with its body.
    Template,
    /// An inspection of the caller, as lists show it.
    Inspection,
    /// An order to put something right.
    Rectification,
    /// Something told to the caller.
    Notice,
    /// A paper of the canteen's own, of the last days.
    SelfCheck,
    /// An open rectification order with its items and every answer to them.
    Order,
}

/// What happened to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SyncOp {
    /// New or changed; `value` is the whole row.
    Upsert,
    /// Gone, or out of scope; no `value`.
    Delete,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"entity": "notice", "op": "delete", "id": "01928f6e-0000-7000-8000-000000000009"}))]
pub struct SyncItem {
    /// What it is.
    pub entity: SyncEntity,
    /// What happened.
    pub op: SyncOp,
    /// Which.
    pub id: Uuid,
    /// The whole row, of an upsert. Of a premises that is gone because it was merged: `merged_into` and `name` of the one that stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub value: Option<serde_json::Value>,
}

/// One page of changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SyncPage {
    /// In order; a later one of the same row replaces an earlier.
    pub items: Vec<SyncItem>,
    /// Where to go on; kept by the phone once all items are stored.
    pub next: String,
    /// Whether there is more right now.
    pub more: bool,
    /// The server's clock.
    pub server_time: Moment,
    /// Version of the caller's scope.
    pub scope_version: i64,
}

/// Query of `GET /sync`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SyncQuery {
    /// `next` of the last page; none for everything.
    pub since: Option<String>,
    /// Rows on a page, 1 to 500.
    pub limit: Option<u32>,
}

impl SyncQuery {
    /// Rows on a page, within bounds.
    pub fn limit(&self) -> u32 {
        self.limit.unwrap_or(SYNC_PAGE_DEFAULT).clamp(1, SYNC_PAGE_MAX)
    }
}
