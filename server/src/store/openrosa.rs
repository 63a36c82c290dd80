//! Devices that come in by OpenRosa, and what they sent, as sent.

use super::sql::{Select, execute, fetch_all, fetch_optional};
use super::{COUNT_LIMIT, Conn, Page, StoreError, Tx};
use crate::auth::Scope;

/// Devices that are not revoked, of one person.
pub const DEVICES_MAX: i64 = 20;
/// Pictures of one form.
pub const MEDIA_MAX: i64 = 200;

/// A device as stored, with whose it is.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of openrosa_devices, and names")]
pub struct DeviceRow {
    pub id: String,
    pub user_id: String,
    pub user_name: String,
    pub name: String,
    pub login: String,
    pub path: String,
    pub created_at: i64,
    pub revoked_at: Option<i64>,
    pub last_seen_at: Option<i64>,
}

const HEAD: &str = "SELECT d.id, d.user_id, u.display_name AS user_name, d.name, d.login, d.path, d.created_at, d.revoked_at, d.last_seen_at \
    FROM openrosa_devices d JOIN users u ON u.id = d.user_id";

/// A device is seen where one of its officer's roles is.
const BELONGS: &str =
    "EXISTS (SELECT 1 FROM users x LEFT JOIN grants g ON g.user_id = x.id WHERE x.id = d.user_id AND COALESCE(g.node_path, '/') LIKE ?)";

/// A page of devices, the newest first; the revoked ones too.
pub async fn devices(conn: &mut Conn<'_>, scope: &Scope, user_id: Option<String>, page: &Page) -> Result<Vec<DeviceRow>, StoreError> {
    let select = scope.restrict(Select::new(HEAD).and_if("d.user_id = ?", user_id), BELONGS);
    let select = select.and_if("d.id < ?", page.after().map(|after| after.1));
    select.tail("ORDER BY d.id DESC LIMIT ?", [page.fetch().into()]).fetch_all(conn).await
}

/// How many a list has, up to the limit of counts.
pub async fn count_devices(conn: &mut Conn<'_>, scope: &Scope, user_id: Option<String>) -> Result<i64, StoreError> {
    let select = Select::new("SELECT COUNT(*) FROM (SELECT 1 FROM openrosa_devices d").and_if("d.user_id = ?", user_id);
    scope.restrict(select, BELONGS).tail("LIMIT ?) AS counted", [COUNT_LIMIT.into()]).fetch_number(conn).await
}

/// One device that the scope covers.
pub async fn device(conn: &mut Conn<'_>, scope: &Scope, id: &str) -> Result<Option<DeviceRow>, StoreError> {
    scope.restrict(Select::new(HEAD).and("d.id = ?", [id.into()]), BELONGS).fetch_optional(conn).await
}

/// Devices of a person that still come in.
pub async fn open_devices(conn: &mut Conn<'_>, user_id: &str) -> Result<i64, StoreError> {
    let row = fetch_optional!(conn, (i64,), "SELECT COUNT(*) FROM openrosa_devices WHERE user_id = $1 AND revoked_at IS NULL", user_id)?;
    Ok(row.map_or(0, |row| row.0))
}

/// A device to add.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of openrosa_devices")]
pub struct NewDevice {
    pub id: String,
    pub user_id: String,
    pub name: String,
    pub login: String,
    pub secret_sha256: String,
    pub path: String,
    pub created_by: String,
}

/// Adds a device.
pub async fn insert_device(tx: &mut Tx<'_>, new: &NewDevice, at: i64) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO openrosa_devices (id, user_id, name, login, secret_sha256, path, created_by, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        new.id.as_str(),
        new.user_id.as_str(),
        new.name.as_str(),
        new.login.as_str(),
        new.secret_sha256.as_str(),
        new.path.as_str(),
        new.created_by.as_str(),
        at,
    )?;
    Ok(())
}

/// Lets a device in no more; `false` where it was so already.
pub async fn revoke(tx: &mut Tx<'_>, id: &str, by: &str, at: i64) -> Result<bool, StoreError> {
    let done =
        execute!(tx, "UPDATE openrosa_devices SET revoked_by = $2, revoked_at = $3 WHERE id = $1 AND revoked_at IS NULL", id, by, at)?;
    Ok(done == 1)
}

/// Notes that a device was here.
pub async fn seen(tx: &mut Tx<'_>, id: &str, at: i64) -> Result<(), StoreError> {
    execute!(tx, "UPDATE openrosa_devices SET last_seen_at = $2 WHERE id = $1", id, at)?;
    Ok(())
}

/// Who comes with a password: device, login, officer.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of openrosa_devices and users")]
pub struct CallerRow {
    pub device_id: String,
    pub login: String,
    pub user_id: String,
    pub display_name: String,
    pub scope_version: i64,
    /// The device was revoked, or its officer's account has ended.
    pub ended: bool,
}

/// The device whose password has this hash; also one that has ended.
pub async fn by_secret(conn: &mut Conn<'_>, secret_sha256: &str) -> Result<Option<CallerRow>, StoreError> {
    fetch_optional!(
        conn,
        CallerRow,
        "SELECT d.id AS device_id, d.login, u.id AS user_id, u.display_name, u.scope_version, \
         (d.revoked_at IS NOT NULL OR u.disabled_at IS NOT NULL) AS ended FROM openrosa_devices d JOIN users u ON u.id = d.user_id \
         WHERE d.secret_sha256 = $1",
        secret_sha256,
    )
}

/// A form as it was sent.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of openrosa_submissions, and whose device it was")]
pub struct SubmissionRow {
    pub instance_id: String,
    pub inspection_id: String,
    pub device_id: String,
    pub user_id: String,
    pub xml_sha256: String,
}

/// A form by the name it gives itself.
pub async fn submission(conn: &mut Conn<'_>, instance_id: &str) -> Result<Option<SubmissionRow>, StoreError> {
    fetch_optional!(
        conn,
        SubmissionRow,
        "SELECT s.instance_id, s.inspection_id, s.device_id, d.user_id, s.xml_sha256 FROM openrosa_submissions s JOIN openrosa_devices d ON d.id = s.device_id \
         WHERE s.instance_id = $1",
        instance_id,
    )
}

/// Whether another form edits this one.
pub async fn superseded(conn: &mut Conn<'_>, instance_id: &str, inspection_id: &str) -> Result<bool, StoreError> {
    let row = fetch_optional!(
        conn,
        (String,),
        "SELECT instance_id FROM openrosa_submissions WHERE inspection_id = $1 AND deprecated_id = $2 LIMIT 1",
        inspection_id,
        instance_id,
    )?;
    Ok(row.is_some())
}

/// A form to keep.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of openrosa_submissions")]
pub struct NewSubmission {
    pub instance_id: String,
    pub inspection_id: String,
    pub device_id: String,
    pub deprecated_id: Option<String>,
    pub xml_sha256: String,
    pub content: String,
}

/// Keeps a form; the same again changes nothing.
pub async fn keep(tx: &mut Tx<'_>, new: &NewSubmission, at: i64) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO openrosa_submissions (instance_id, inspection_id, device_id, deprecated_id, xml_sha256, content, received_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (instance_id) DO NOTHING",
        new.instance_id.as_str(),
        new.inspection_id.as_str(),
        new.device_id.as_str(),
        new.deprecated_id.as_deref(),
        new.xml_sha256.as_str(),
        new.content.as_str(),
        at,
    )?;
    Ok(())
}

/// A picture that came with a form.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of openrosa_media and files")]
pub struct MediaRow {
    pub name: String,
    pub file_id: String,
    pub sha256: String,
    pub filetype: String,
    pub bytes: i64,
}

/// Keeps a picture; one of this name that was here stays.
pub async fn keep_media(tx: &mut Tx<'_>, instance_id: &str, name: &str, file_id: &str, at: i64) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO openrosa_media (instance_id, name, file_id, received_at) VALUES ($1, $2, $3, $4) ON CONFLICT (instance_id, name) DO NOTHING",
        instance_id,
        name,
        file_id,
        at,
    )?;
    Ok(())
}

/// The pictures that came with a form so far.
pub async fn media(conn: &mut Conn<'_>, instance_id: &str) -> Result<Vec<MediaRow>, StoreError> {
    fetch_all!(
        conn,
        MediaRow,
        "SELECT m.name, m.file_id, f.sha256, f.filetype, f.bytes FROM openrosa_media m JOIN files f ON f.id = m.file_id WHERE m.instance_id = $1 ORDER BY m.name LIMIT $2",
        instance_id,
        MEDIA_MAX,
    )
}

/// A premises as the list beside a form has it.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of premises")]
pub struct PlaceRow {
    pub id: String,
    pub name: String,
}

/// The premises of a scope that are in use, by name.
pub async fn places(conn: &mut Conn<'_>, scope: &Scope, limit: i64) -> Result<Vec<PlaceRow>, StoreError> {
    let select = scope.restrict(Select::new("SELECT p.id, p.name FROM premises p"), "p.path LIKE ?").and("p.disabled_at IS NULL", []);
    select.tail("ORDER BY p.name_key, p.id LIMIT ?", [limit.into()]).fetch_all(conn).await
}

/// Premises that are run by a licence of this number today.
pub async fn by_licence(conn: &mut Conn<'_>, scope: &Scope, licence: &str, today: &str) -> Result<Vec<String>, StoreError> {
    let found: Vec<(String,)> = scope
        .restrict(Select::new("SELECT DISTINCT p.id FROM premises p JOIN premises_operators po ON po.premises_id = p.id JOIN operators op ON op.id = po.operator_id"), "p.path LIKE ?")
        .and("op.licence_number = ?", [licence.into()])
        .and("COALESCE(po.valid_from, '') <= ? AND COALESCE(po.valid_until, '9999') >= ?", [today.into(), today.into()])
        .tail("ORDER BY p.id LIMIT 20", [])
        .fetch_all(conn)
        .await?;
    Ok(found.into_iter().map(|row| row.0).collect())
}

/// A version of a template by its code and number.
pub async fn template(conn: &mut Conn<'_>, code: &str, version: i64) -> Result<Option<super::templates::TemplateRow>, StoreError> {
    Select::new(super::templates::HEAD).and("t.code = ?", [code.into()]).and("t.version = ?", [version.into()]).fetch_optional(conn).await
}
