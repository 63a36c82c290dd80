//! Drafts of templates: the next version of a checklist while it is being written.
//!
//! A draft is kept as it was typed, complete or not; whether it can be published is decided when it is. Each save counts its
//! version up, so that two people at one draft do not overwrite each other.

use mobile_api::template::TemplateFile;

use super::journal::{Change, Entity};
use super::sql::{Select, execute};
use super::{COUNT_LIMIT, Conn, Page, StoreError, Tx};

/// Drafts that there may be at once.
pub const DRAFTS_MAX: i64 = 200;

/// A draft as stored, with the name of who saved it last.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of template_drafts")]
pub struct DraftRow {
    pub id: String,
    pub code: String,
    pub name: String,
    pub file: String,
    pub based_on: Option<i64>,
    pub version: i64,
    pub created_by: String,
    pub updated_by: String,
    pub updated_by_name: String,
    pub created_at: i64,
    pub updated_at: i64,
}

const HEAD: &str = "SELECT d.id, d.code, d.name, d.file, d.based_on, d.version, d.created_by, d.updated_by, u.display_name AS updated_by_name, \
    d.created_at, d.updated_at FROM template_drafts d JOIN users u ON u.id = d.updated_by";

impl DraftRow {
    /// As last saved.
    pub fn parsed(&self) -> Result<TemplateFile, StoreError> {
        serde_json::from_str(&self.file).map_err(StoreError::damaged)
    }
}

/// A page, the newest first.
pub async fn list(conn: &mut Conn<'_>, page: &Page) -> Result<Vec<DraftRow>, StoreError> {
    let select = Select::new(HEAD).and_if("d.id < ?", page.after().map(|after| after.1));
    select.tail("ORDER BY d.id DESC LIMIT ?", [page.fetch().into()]).fetch_all(conn).await
}

/// How many there are.
pub async fn count(conn: &mut Conn<'_>) -> Result<i64, StoreError> {
    Select::new("SELECT COUNT(*) FROM (SELECT 1 FROM template_drafts")
        .tail("LIMIT ?) AS counted", [COUNT_LIMIT.into()])
        .fetch_number(conn)
        .await
}

/// One draft.
pub async fn get(conn: &mut Conn<'_>, id: &str) -> Result<Option<DraftRow>, StoreError> {
    Select::new(HEAD).and("d.id = ?", [id.into()]).fetch_optional(conn).await
}

/// Begins a draft.
pub async fn insert(
    tx: &mut Tx<'_>,
    id: &str,
    file: &TemplateFile,
    based_on: Option<i64>,
    user_id: &str,
    at: i64,
) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO template_drafts (id, code, name, file, based_on, version, created_by, updated_by, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, 1, $6, $6, $7, $7)",
        id,
        file.code.as_str(),
        json(&file.name)?,
        json(file)?,
        based_on,
        user_id,
        at,
    )?;
    tx.changed(at, Change::upsert(Entity::TemplateDraft, id, "/")).await
}

/// Saves a draft; `false` where `version` is not the one that is stored.
pub async fn update(tx: &mut Tx<'_>, id: &str, version: i64, file: &TemplateFile, user_id: &str, at: i64) -> Result<bool, StoreError> {
    let done = execute!(
        tx,
        "UPDATE template_drafts SET code = $3, name = $4, file = $5, version = version + 1, updated_by = $6, updated_at = $7 WHERE id = $1 AND version = $2",
        id,
        version,
        file.code.as_str(),
        json(&file.name)?,
        json(file)?,
        user_id,
        at,
    )?;
    tx.changed(at, Change::upsert(Entity::TemplateDraft, id, "/")).await?;
    Ok(done == 1)
}

/// Removes a draft; `false` where there is none.
pub async fn delete(tx: &mut Tx<'_>, id: &str, at: i64) -> Result<bool, StoreError> {
    let done = execute!(tx, "DELETE FROM template_drafts WHERE id = $1", id)?;
    tx.changed(at, Change::upsert(Entity::TemplateDraft, id, "/").deleted()).await?;
    Ok(done == 1)
}

fn json(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(StoreError::damaged)
}
