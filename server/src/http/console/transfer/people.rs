//! People in a table. Those who are new get a password that is told once and must be changed.

use mobile_api::field::Faults;
use serde_json::{Map, Value, json};

use super::imports::{Done, Import};
use super::record::{CellFaults, Record};
use super::{Column, column, required};
use crate::domain::person::Username;
use crate::http::Problem;
use crate::http::console::users::agreement;
use crate::http::console::users::grants::{Giver, apply, check_grants};
use crate::http::console::users::input::{GrantInput, line};
use crate::sheet::Cell;
use crate::store::journal::{Change, Entity};
use crate::store::roles::RoleRow;
use crate::store::users::{NewUser, UserData, UserGrantRow, UserRow};
use crate::store::{Tx, nodes, role_requests, roles, users};

pub(super) const COLUMNS: &[Column] = &[
    required("username", "用户名"),
    required("display_name", "姓名"),
    column("phone", "电话"),
    column("certificate_number", "执法证号"),
    column("roles", "角色"),
    column("disabled", "停用"),
];

const NAME_LIMIT: usize = 100;
const NUMBER_LIMIT: usize = 50;

/// Adds or changes one person, by user name. `roles` is `role@node; role@node` and replaces those in the importer's part.
pub(super) async fn one(
    tx: &mut Tx<'_>,
    import: &Import,
    record: &Record,
    hash: Option<&str>,
    faults: &mut CellFaults,
) -> Result<Done, Problem> {
    let before = faults.0.len();
    let row = record.row;
    let username = record.text("username").and_then(Username::parse);
    if username.is_none() {
        faults.note(row, "username", "format", "2 to 64 letters, digits, or . _ - @, beginning with a letter or digit");
    }
    let mut fields = Faults::new();
    fields.text("display_name", record.text("display_name").unwrap_or_default(), NAME_LIMIT);
    fields.optional_text("phone", record.text("phone"), NUMBER_LIMIT);
    fields.optional_text("certificate_number", record.text("certificate_number"), NUMBER_LIMIT);
    if let Err(found) = fields.finish() {
        faults.note_problem(row, &Problem::fields(found), &[]);
    }
    let disabled = record.truth("disabled", faults);
    let given = match record.text("roles") {
        Some(text) => Some(parse_roles(tx, import, row, text, faults).await?),
        None => None,
    };
    let Some(username) = username.filter(|_| faults.0.len() == before) else { return Ok(Done::Refused) };

    let present = users::get_by_name(tx, &import.scope, username.as_str()).await?;
    if present.is_none() && users::credentials(tx, username.as_str()).await?.is_some() {
        faults.note(row, "username", "taken", "somebody outside your part of the tree has this user name");
        return Ok(Done::Refused);
    }
    if present.as_ref().is_some_and(|user| import.actor.id.is_some_and(|id| id.to_string() == user.id))
        && (given.is_some() || disabled.is_some())
    {
        faults.note(row, "username", "own", "nobody changes their own roles: leave this row out");
        return Ok(Done::Refused);
    }
    let wanted = match &given {
        Some(grants) => match check_grants(tx, &import.scope, grants).await {
            Ok(wanted) => Some(wanted),
            Err(problem) if faults.note_problem(row, &problem, &[("grants", "roles")]) => return Ok(Done::Refused),
            Err(problem) => return Err(problem),
        },
        None => None,
    };
    let text = |column: &str| line(record.text(column).map(str::to_owned));
    let display_name = record.text("display_name").unwrap_or_default().trim().to_owned();
    let (id, done) = match present {
        Some(user) => {
            let data = UserData {
                display_name,
                phone: text("phone").or_else(|| user.phone.clone()),
                certificate_number: text("certificate_number").or_else(|| user.certificate_number.clone()),
                // Disabling ends logins and has its own rules: it is done on the person's page.
                disabled: user.disabled_at.is_some(),
            };
            if disabled.is_some_and(|disabled| disabled != data.disabled) {
                faults.note(row, "disabled", "not_here", "people are disabled and enabled one by one");
                return Ok(Done::Refused);
            }
            users::update(tx, &user, &data, user.version, import.at).await?;
            (user.id, Done::Updated)
        }
        None => {
            let id = uuid::Uuid::now_v7();
            let user = NewUser {
                id,
                username: username.as_str().to_owned(),
                display_name,
                phone: text("phone"),
                certificate_number: text("certificate_number"),
                password_hash: hash.unwrap_or_default().to_owned(),
                must_change_password: true,
            };
            users::insert(tx, &user, import.at).await?;
            role_requests::password_chosen(tx, &id.to_string(), import.actor.id).await?;
            (id.to_string(), Done::Created)
        }
    };
    if let Some(wanted) = wanted {
        let giver = Giver { actor: &import.actor, scope: &import.scope, at: import.at };
        let given = apply(tx, giver, &id, &wanted).await?;
        if given.watches && matches!(done, Done::Created) {
            let path = wanted.first().map_or("/", |grant| grant.path.as_str());
            agreement::tell(tx, &import.actor, &id, record.text("display_name").unwrap_or_default(), path, import.at).await?;
        }
    }
    let paths: Vec<String> = users::grants(tx, &id).await?.into_iter().map(|grant| grant.node_path).collect();
    for path in paths.iter().map(String::as_str).chain(paths.is_empty().then_some("/")) {
        tx.changed(import.at, Change::upsert(Entity::User, &id, path)).await?;
    }
    Ok(done)
}

/// `role@node`, several with semicolons; roles by code or name, nodes by id, code or name.
async fn parse_roles(
    tx: &mut Tx<'_>,
    import: &Import,
    row: usize,
    text: &str,
    faults: &mut CellFaults,
) -> Result<Vec<GrantInput>, Problem> {
    let known = roles::list(tx).await?;
    let mut grants = Vec::new();
    for part in text.split([';', '；']).map(str::trim).filter(|part| !part.is_empty()) {
        let Some((role, node)) = part.split_once('@') else {
            faults.note(row, "roles", "format", "role@node, several with semicolons");
            continue;
        };
        let Some(role) = role_of(&known, role.trim()) else {
            faults.note(row, "roles", "unknown", format!("there is no role \"{}\"", role.trim()));
            continue;
        };
        let node = node.trim();
        let mut found = nodes::organizations(tx, &import.scope, node).await?;
        found.extend(nodes::premises(tx, &import.scope, node).await?);
        match found.as_slice() {
            [(id, _)] => {
                let mut grant = Map::new();
                grant.insert("role".to_owned(), role.into());
                grant.insert("node_id".to_owned(), json!(id));
                grants.push(
                    serde_json::from_value(Value::Object(grant)).map_err(|error| Problem::field("/roles", "format", &error.to_string()))?,
                );
            }
            [] => faults.note(row, "roles", "unknown", format!("there is no \"{node}\" in your part of the tree")),
            _ => faults.note(row, "roles", "ambiguous", format!("several are named \"{node}\": write the id")),
        }
    }
    Ok(grants)
}

fn role_of<'a>(known: &'a [RoleRow], text: &str) -> Option<&'a str> {
    known
        .iter()
        .find(|role| role.code.eq_ignore_ascii_case(text) || role.name_zh == text || role.name_en.eq_ignore_ascii_case(text))
        .map(|role| role.code.as_str())
}

/// As an import reads it back: roles only those in the exporter's part of the tree.
pub(super) fn cells(row: UserRow, grants: &[UserGrantRow]) -> Vec<Cell> {
    let own: Vec<String> =
        grants.iter().filter(|grant| grant.user_id == row.id).map(|grant| format!("{}@{}", grant.role, grant.node_id)).collect();
    vec![
        row.username.into(),
        row.display_name.into(),
        row.phone.into(),
        row.certificate_number.into(),
        own.join("; ").into(),
        row.disabled_at.is_some().into(),
    ]
}
