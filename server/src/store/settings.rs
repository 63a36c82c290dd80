//! Settings that a bureau changes: for the system, a premises or a camera.

use serde::de::DeserializeOwned;

use super::journal::{Change, Entity};
use super::premises::PremisesRow;
use super::sql::{execute, fetch_all, fetch_optional};
use super::{Conn, StoreError, Tx};
use crate::domain::calendar::{self, Year};
use crate::domain::self_check::SETTING as SELF_CHECKS;
use crate::domain::settings::{SIGN_IN, SignIn};

/// A setting's JSON and its version.
pub async fn get(conn: &mut Conn<'_>, scope: &str, scope_id: &str, name: &str) -> Result<Option<(String, i64)>, StoreError> {
    fetch_optional!(
        conn,
        (String, i64),
        "SELECT value, version FROM settings WHERE scope = $1 AND scope_id = $2 AND name = $3",
        scope,
        scope_id,
        name
    )
}

/// What a bureau made of a setting of the whole system, with its version; `None` where it left it as it ships.
pub async fn of_system<T: DeserializeOwned>(conn: &mut Conn<'_>, name: &str) -> Result<Option<(T, i64)>, StoreError> {
    let kept = get(conn, "system", "", name).await?;
    kept.map(|(json, version)| Ok((serde_json::from_str(&json).map_err(StoreError::damaged)?, version))).transpose()
}

/// What a bureau asks of those who sign in.
pub async fn sign_in(conn: &mut Conn<'_>) -> Result<SignIn, StoreError> {
    Ok(of_system(conn, SIGN_IN).await?.map(|(kept, _)| kept).unwrap_or_default())
}

/// Years of the calendar that the bureau entered.
pub async fn calendar_years(conn: &mut Conn<'_>) -> Result<Vec<Year>, StoreError> {
    Ok(of_system(conn, calendar::SETTING).await?.map(|(kept, _)| kept).unwrap_or_default())
}

/// Sets a setting; `path` is the node it belongs to.
pub async fn put(tx: &mut Tx<'_>, scope: &str, scope_id: &str, name: &str, value: &str, path: &str, at: i64) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO settings (scope, scope_id, name, value, version, updated_at) VALUES ($1, $2, $3, $4, 1, $5) \
         ON CONFLICT (scope, scope_id, name) DO UPDATE SET value = excluded.value, version = settings.version + 1, updated_at = excluded.updated_at",
        scope,
        scope_id,
        name,
        value,
        at,
    )?;
    tx.changed(at, Change::upsert(Entity::Setting, name, path)).await
}

/// Takes a setting back to what it inherits.
pub async fn delete(tx: &mut Tx<'_>, scope: &str, scope_id: &str, name: &str, path: &str, at: i64) -> Result<(), StoreError> {
    execute!(tx, "DELETE FROM settings WHERE scope = $1 AND scope_id = $2 AND name = $3", scope, scope_id, name)?;
    tx.changed(at, Change::upsert(Entity::Setting, name, path).deleted()).await
}

/// What was set at a premises that was merged holds at the one that stays, where that has nothing of its own; terms of the canteen's
/// papers that name the double name the other.
pub(super) async fn merged(tx: &mut Tx<'_>, double: &PremisesRow, into: &PremisesRow, at: i64) -> Result<(), StoreError> {
    execute!(tx, "DELETE FROM settings WHERE scope = 'premises' AND scope_id = $1", double.id.as_str())?;
    let held: Vec<(String,)> = fetch_all!(
        tx,
        (String,),
        "SELECT name FROM settings WHERE scope = 'premises' AND scope_id = $1 ORDER BY name LIMIT 100",
        into.id.as_str()
    )?;
    for (name,) in held {
        tx.changed(at, Change::upsert(Entity::Setting, &name, &into.path)).await?;
    }
    if let Some((value, _)) = get(tx, "system", "", SELF_CHECKS).await?
        && value.contains(&double.id)
    {
        put(tx, "system", "", SELF_CHECKS, &value.replace(&double.id, &into.id), "/", at).await?;
    }
    Ok(())
}
