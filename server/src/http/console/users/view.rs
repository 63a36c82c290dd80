//! People as they are shown: of their roles only those in the caller's part of the tree.

use mobile_api::moment::Moment;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::Scope;
use crate::store::role_requests::{self, RequestRow};
use crate::store::roles::RoleRow;
use crate::store::users::{self, UserGrantRow, UserRow};
use crate::store::{Conn, StoreError};

/// A role of a person at a node.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = UserGrant)]
pub(super) struct Grant {
    role: String,
    node_id: String,
    node_name: String,
    /// city, district, office or premises
    node_level: String,
    valid_until: Option<Moment>,
}

/// A person.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct User {
    id: String,
    username: String,
    display_name: String,
    phone: Option<String>,
    certificate_number: Option<String>,
    disabled: bool,
    must_change_password: bool,
    /// A second factor is on.
    second_factor: bool,
    /// After too many failed sign-ins.
    locked_until: Option<Moment>,
    last_login_at: Option<Moment>,
    grants: Vec<Grant>,
    /// Roles that wait until a second administrator agrees.
    pending_grants: Vec<Grant>,
    version: i64,
    created_at: Moment,
    updated_at: Moment,
}

/// Puts people and their grants together.
pub(super) async fn read_users(conn: &mut Conn<'_>, scope: &Scope, rows: Vec<UserRow>, now_ms: i64) -> Result<Vec<User>, StoreError> {
    let grants = users::grants_of(conn, rows.iter().map(|row| &row.id)).await?;
    let pending = role_requests::pending_of(conn, rows.iter().map(|row| &row.id)).await?;
    Ok(rows.into_iter().map(|row| user(row, &grants, &pending, scope, now_ms)).collect())
}

fn user(row: UserRow, grants: &[UserGrantRow], pending: &[RequestRow], scope: &Scope, now_ms: i64) -> User {
    let waiting = pending.iter().filter(|request| request.user_id == row.id && scope.covers(&request.node_path));
    let own = grants.iter().filter(|grant| grant.user_id == row.id && scope.covers(&grant.node_path));
    User {
        grants: own
            .map(|grant| Grant {
                role: grant.role.clone(),
                node_id: grant.node_id.clone(),
                node_name: grant.node_name.clone(),
                node_level: grant.node_level.clone(),
                valid_until: grant.valid_until.map(Moment),
            })
            .collect(),
        pending_grants: waiting
            .map(|request| Grant {
                role: request.role.clone(),
                node_id: request.node_id.clone(),
                node_name: request.node_name.clone(),
                node_level: request.node_level.clone(),
                valid_until: request.valid_until.map(Moment),
            })
            .collect(),
        id: row.id,
        username: row.username,
        display_name: row.display_name,
        phone: row.phone,
        certificate_number: row.certificate_number,
        disabled: row.disabled_at.is_some(),
        must_change_password: row.must_change_password,
        second_factor: row.second_factor_at.is_some(),
        locked_until: row.locked_until.filter(|until| *until > now_ms).map(Moment),
        last_login_at: row.last_login_at.map(Moment),
        version: row.version,
        created_at: Moment(row.created_at),
        updated_at: Moment(row.updated_at),
    }
}

/// A name in both languages.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RoleName)]
pub(super) struct Name {
    zh: String,
    en: String,
}

/// A role: a named set of permissions.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Role {
    code: String,
    name: Name,
    permissions: Vec<String>,
}

impl Role {
    pub(super) fn of(row: RoleRow, permissions: &[(String, String)]) -> Self {
        let own = permissions.iter().filter(|(role, _)| *role == row.code).map(|(_, permission)| permission.clone());
        Self { permissions: own.collect(), code: row.code, name: Name { zh: row.name_zh, en: row.name_en } }
    }
}

/// All roles.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RoleList {
    pub(super) items: Vec<Role>,
}
