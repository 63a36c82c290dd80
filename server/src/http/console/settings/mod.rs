//! Settings that a bureau changes, each at a place: the system, a kind of premises, a premises or a camera.
//!
//! What the system says is inherited by everybody, so everybody who may change a setting anywhere may read it there; only
//! who stands at the top changes it.

mod auto_dispatch;
mod calendar;
mod retention;
mod sign_in;

use mobile_api::problem::ProblemType;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::App;
use crate::auth::{Caller, Scope, can};
use crate::domain::premises::PremisesKind;
use crate::domain::settings::Origin;
use crate::http::Problem;
use crate::store::journal::{Act, Actor};
use crate::store::{Conn, StoreError, Tx, cameras, premises, settings};

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    auto_dispatch::configure(config);
    calendar::configure(config);
    retention::configure(config);
    sign_in::configure(config);
}

/// Where a setting is at, for those that are set at the system, a premises or a camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SettingScope {
    System,
    Premises,
    Camera,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ScopeArgs {
    #[param(example = "system")]
    #[param(inline)]
    pub(crate) scope: SettingScope,
    /// Of the premises or the camera.
    pub(crate) id: Option<Uuid>,
}

impl ScopeArgs {
    pub(crate) fn at(&self) -> At {
        let id = self.id.map(|id| id.to_string()).unwrap_or_default();
        match self.scope {
            SettingScope::System => At::System,
            SettingScope::Premises => At::Premises(id),
            SettingScope::Camera => At::Camera(id),
        }
    }
}

/// A place that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum At {
    System,
    Kind(PremisesKind),
    Premises(String),
    Camera(String),
}

/// A place that is there.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// As stored.
    pub(crate) scope: Origin,
    /// Of the premises or the camera, code of the kind; empty for the system.
    pub(crate) id: String,
    /// The node it belongs to.
    pub(crate) path: String,
    /// The places it inherits from, the widest first, itself last: as stored.
    pub(crate) layers: Vec<(Origin, String)>,
}

impl Place {
    /// Whether somebody with this reach changes what is set here.
    pub(crate) fn may_change(&self, scope: &Scope) -> bool {
        match self.scope {
            Origin::Premises | Origin::Camera => scope.covers(&self.path),
            _ => scope.reaches_top(),
        }
    }
}

/// Finds a place that `scope` covers; the system and kinds are everybody's.
pub(crate) async fn place(conn: &mut Conn<'_>, scope: &Scope, at: At) -> Result<Place, Problem> {
    let system = (Origin::System, String::new());
    let kind_of = |kind: &str| (Origin::Kind, kind.to_owned());
    Ok(match at {
        At::System => Place { scope: Origin::System, id: String::new(), path: "/".to_owned(), layers: vec![system] },
        At::Kind(kind) => {
            let layers = vec![system, kind_of(kind.as_str())];
            Place { scope: Origin::Kind, id: kind.as_str().to_owned(), path: "/".to_owned(), layers }
        }
        At::Premises(id) => {
            let row = premises::get(conn, scope, &id).await?.ok_or_else(Problem::not_found)?;
            let layers = vec![system, kind_of(&row.kind), (Origin::Premises, row.id.clone())];
            Place { scope: Origin::Premises, id: row.id, path: row.path, layers }
        }
        At::Camera(id) => {
            let row = cameras::get(conn, scope, &id).await?.ok_or_else(Problem::not_found)?;
            let layers =
                vec![system, kind_of(&row.premises_kind), (Origin::Premises, row.premises_id.clone()), (Origin::Camera, row.id.clone())];
            Place { scope: Origin::Camera, id: row.id, path: row.path, layers }
        }
    })
}

/// A place whose settings the caller may change.
pub(crate) async fn own_place(conn: &mut Conn<'_>, scope: &Scope, at: At) -> Result<Place, Problem> {
    let place = place(conn, scope, at).await?;
    if place.may_change(scope) { Ok(place) } else { Err(Problem::forbidden()) }
}

/// What is stored of a setting at each layer of a place that says something, the widest first.
pub(crate) async fn stored(conn: &mut Conn<'_>, place: &Place, name: &str) -> Result<Vec<(Origin, String)>, StoreError> {
    let mut found = Vec::new();
    for (scope, id) in &place.layers {
        if let Some((json, _)) = settings::get(conn, scope.as_str(), id, name).await? {
            found.push((*scope, json));
        }
    }
    Ok(found)
}

/// Keeps a setting at a place that the caller may change; without a value the place goes back to what it inherits.
pub(crate) async fn change(
    app: &App,
    caller: &Caller<can::SettingsManage>,
    at: At,
    name: &'static str,
    value: Option<String>,
) -> Result<(), Problem> {
    let (now_ms, scope, actor) = (app.clock.wall_ms(), caller.scope(), caller.actor.clone());
    app.db
        .write(move |tx| {
            Box::pin(async move {
                let place = own_place(tx, &scope, at).await?;
                keep(tx, &actor, &place, name, value.as_deref(), now_ms).await
            })
        })
        .await
}

/// Sets a setting, or (`None`) takes the place back to what it inherits.
pub(crate) async fn keep(tx: &mut Tx<'_>, actor: &Actor, place: &Place, name: &str, value: Option<&str>, at: i64) -> Result<(), Problem> {
    let (scope, id, path) = (place.scope.as_str(), place.id.as_str(), place.path.as_str());
    match value {
        Some(value) => settings::put(tx, scope, id, name, value, path, at).await?,
        None => settings::delete(tx, scope, id, name, path, at).await?,
    }
    let action = if value.is_some() { "update" } else { "delete" };
    let detail = json!({"setting": name, "scope": scope, "value": value});
    tx.audit(at, Act { actor, action, entity: Some(("setting", id)), path, detail }).await?;
    Ok(())
}

/// A value and where it comes from.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Sourced<T> {
    pub(crate) value: T,
    pub(crate) from: Origin,
}

/// A kind of premises by its code.
pub(crate) fn kind_named(code: Option<&str>) -> Result<PremisesKind, Problem> {
    let unknown = || Problem::of(ProblemType::Malformed).because("kind names a kind of premises");
    code.and_then(|code| code.parse().ok()).ok_or_else(unknown)
}
