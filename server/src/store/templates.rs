//! Checklist templates. A published version never changes; a newer one retires it for new work only.

use mobile_api::Moment;
use mobile_api::canonical;
use mobile_api::template::{Audience, Bilingual, Template, TemplateBody, TemplateFile, TemplateSummary};
use uuid::Uuid;

use super::journal::{Change, Entity};
use super::sql::{Select, execute, fetch_optional};
use super::{Conn, Db, StoreError, Tx};

/// Templates that a bureau can have in force.
const LIST_LIMIT: i64 = 500;

/// A version of a template as stored.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of checklist_templates")]
pub struct TemplateRow {
    pub id: String,
    pub code: String,
    pub version: i64,
    pub name: String,
    pub premises_kinds: String,
    pub body: String,
    pub sha256: String,
    pub source: String,
    pub published_at: i64,
    pub retired_at: Option<i64>,
    pub audience: String,
    pub shipped: bool,
}

/// A version without what is asked in it.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of checklist_templates")]
pub struct SummaryRow {
    pub id: String,
    pub code: String,
    pub version: i64,
    pub name: String,
    pub premises_kinds: String,
    pub published_at: i64,
    pub retired_at: Option<i64>,
    pub audience: String,
}

/// What every look at templates reads.
pub(super) const HEAD: &str = "SELECT t.id, t.code, t.version, t.name, t.premises_kinds, t.body, t.sha256, t.source, t.published_at, t.retired_at, \
    t.audience, t.shipped FROM checklist_templates t";

impl SummaryRow {
    /// As it is told.
    pub fn summary(&self) -> Result<TemplateSummary, StoreError> {
        Ok(TemplateSummary {
            id: self.id.parse().map_err(StoreError::damaged)?,
            code: self.code.clone(),
            version: self.version,
            name: serde_json::from_str(&self.name).map_err(StoreError::damaged)?,
            premises_kinds: serde_json::from_str(&self.premises_kinds).map_err(StoreError::damaged)?,
            audience: audience(&self.audience),
            published_at: Moment(self.published_at),
            retired_at: self.retired_at.map(Moment),
        })
    }
}

fn audience(code: &str) -> Audience {
    if code == Audience::Canteen.as_str() { Audience::Canteen } else { Audience::Officer }
}

impl TemplateRow {
    /// Without the body.
    pub fn summary(&self) -> Result<TemplateSummary, StoreError> {
        let row = SummaryRow {
            id: self.id.clone(),
            code: self.code.clone(),
            version: self.version,
            name: self.name.clone(),
            premises_kinds: self.premises_kinds.clone(),
            published_at: self.published_at,
            retired_at: self.retired_at,
            audience: self.audience.clone(),
        };
        row.summary()
    }

    /// Who answers it.
    pub fn audience(&self) -> Audience {
        audience(&self.audience)
    }

    /// As a file, such as one that is imported.
    pub fn file(&self) -> Result<TemplateFile, StoreError> {
        Ok(TemplateFile {
            code: self.code.clone(),
            name: self.name()?,
            premises_kinds: serde_json::from_str(&self.premises_kinds).map_err(StoreError::damaged)?,
            audience: self.audience(),
            source: serde_json::from_str(&self.source).map_err(StoreError::damaged)?,
            body: self.body()?,
        })
    }

    /// In both languages.
    pub fn name(&self) -> Result<Bilingual, StoreError> {
        serde_json::from_str(&self.name).map_err(StoreError::damaged)
    }

    /// What it asks and how it judges.
    pub fn body(&self) -> Result<TemplateBody, StoreError> {
        serde_json::from_str(&self.body).map_err(StoreError::damaged)
    }

    /// Whole.
    pub fn template(&self) -> Result<Template, StoreError> {
        Ok(Template { summary: self.summary()?, body: self.body()? })
    }
}

/// The versions for `audience`, by code and the newest first; those in force only, or with those that were retired.
pub async fn list(conn: &mut Conn<'_>, audience: Audience, retired_too: bool) -> Result<Vec<TemplateRow>, StoreError> {
    listed(Select::new(HEAD), audience, retired_too).fetch_all(conn).await
}

/// The same without what is asked in them.
pub async fn summaries(conn: &mut Conn<'_>, audience: Audience, retired_too: bool) -> Result<Vec<SummaryRow>, StoreError> {
    let head =
        "SELECT t.id, t.code, t.version, t.name, t.premises_kinds, t.published_at, t.retired_at, t.audience FROM checklist_templates t";
    listed(Select::new(head), audience, retired_too).fetch_all(conn).await
}

fn listed(select: Select, audience: Audience, retired_too: bool) -> Select {
    let select = select.and("t.audience = ?", [audience.as_str().into()]);
    let select = if retired_too { select } else { select.and("t.retired_at IS NULL", []) };
    select.tail("ORDER BY t.code, t.version DESC LIMIT ?", [LIST_LIMIT.into()])
}

/// A version, in force or not: what was begun with it is finished with it.
pub async fn get(conn: &mut Conn<'_>, id: &str) -> Result<Option<TemplateRow>, StoreError> {
    Select::new(HEAD).and("t.id = ?", [id.into()]).fetch_optional(conn).await
}

/// The newest version of a code.
pub async fn newest(conn: &mut Conn<'_>, code: &str) -> Result<Option<TemplateRow>, StoreError> {
    Select::new(HEAD).and("t.code = ?", [code.into()]).tail("ORDER BY t.version DESC LIMIT 1", []).fetch_optional(conn).await
}

/// Publishes a file as the next version of its code and retires the one before; gives its id. The file has been checked.
pub async fn publish(tx: &mut Tx<'_>, id: Uuid, file: &TemplateFile, shipped: bool, at: i64) -> Result<String, StoreError> {
    let id = id.to_string();
    let version = fetch_optional!(
        tx,
        (i64,),
        "SELECT CAST(COALESCE(MAX(version), 0) AS BIGINT) FROM checklist_templates WHERE code = $1",
        file.code.as_str(),
    )?;
    let body = serde_json::to_value(&file.body).map_err(StoreError::damaged)?;
    for before in Select::new(HEAD)
        .and("t.code = ?", [file.code.as_str().into()])
        .and("t.retired_at IS NULL", [])
        .fetch_all::<TemplateRow>(tx)
        .await?
    {
        retire(tx, &before.id, at).await?;
    }
    execute!(
        tx,
        "INSERT INTO checklist_templates (id, code, version, name, premises_kinds, body, sha256, source, published_at, audience, shipped) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        id.as_str(),
        file.code.as_str(),
        version.map_or(0, |row| row.0) + 1,
        json(&file.name)?,
        json(&file.premises_kinds)?,
        body.to_string(),
        canonical::sha256_hex(&body),
        json(&file.source)?,
        at,
        file.audience.as_str(),
        shipped,
    )?;
    tx.changed(at, Change::upsert(Entity::Template, &id, "/")).await?;
    Ok(id)
}

/// Takes a version out of force: new work does not begin with it, what was begun is finished. `false` where it was already.
pub async fn retire(tx: &mut Tx<'_>, id: &str, at: i64) -> Result<bool, StoreError> {
    let done = execute!(tx, "UPDATE checklist_templates SET retired_at = $2 WHERE id = $1 AND retired_at IS NULL", id, at)?;
    tx.changed(at, Change::upsert(Entity::Template, id, "/")).await?;
    Ok(done == 1)
}

/// Publishes the templates that ship with the product where they are new or have changed. A bureau's own version of a code
/// is left alone, and so is one that a bureau has retired. Run at each start; the second time changes nothing.
pub async fn ensure_shipped(db: &Db, at: i64) -> Result<usize, StoreError> {
    let files = mobile_api::shipped::templates().map_err(StoreError::damaged)?;
    db.write(move |tx| {
        Box::pin(async move {
            let mut published = 0;
            for file in files {
                if is_due(newest(tx, &file.code).await?, &file)? {
                    publish(tx, Uuid::now_v7(), &file, true, at).await?;
                    published += 1;
                }
            }
            Ok(published)
        })
    })
    .await
}

fn is_due(newest: Option<TemplateRow>, file: &TemplateFile) -> Result<bool, StoreError> {
    let Some(newest) = newest else { return Ok(true) };
    Ok(newest.shipped && newest.retired_at.is_none() && newest.file()? != *file)
}

fn json(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(StoreError::damaged)
}
