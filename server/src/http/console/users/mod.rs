//! `/users` and `/roles`: people and what they may do where.
//!
//! Who manages people somewhere gives and takes roles there and below, and nowhere else. Disabling a person and setting
//! their password is for those who manage every node that the person has a role at: otherwise an office could take over an
//! account of the district. Nobody changes their own roles, and somebody can always manage people at the top. A role that would
//! let an administrator see more waits for a second one: [`agreement`].

pub(super) mod agreement;
pub(super) mod grants;
pub(super) mod input;
mod logins_of;
mod requests;
mod view;

use actix_web::{HttpResponse, get, patch, post, web};
use mobile_api::field::Faults;
use mobile_api::problem::ProblemType;
use serde::Deserialize;
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::App;
use crate::auth::{Caller, can, check_policy, hash_password, in_turn};
use crate::domain::person::Username;
use crate::http::auth::password_problem;
use crate::http::{Args, Body, Chars, Id, Listed, Problem, ProblemBody, checked, listed, page};
use crate::store::journal::{Act, Change, Entity};
use crate::store::users::{self, NewUser, UserFilter, UserSort};
use crate::store::{logins, role_requests, roles};
use grants::{Giver, apply, check_grants, manages_all};
use input::{NewPassword, NewPerson, PersonChange};
use view::{Role, RoleList, User, read_users};

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(create).service(read).service(change).service(set_password).service(list_roles);
    logins_of::configure(config);
    requests::configure(config);
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListArgs {
    /// Part of the name, its pinyin or initials, the user name or the phone number.
    #[param(value_type = Option<String>, max_length = 100)]
    q: Option<Chars<100>>,
    /// A role's code.
    role: Option<String>,
    disabled: Option<bool>,
    /// With a role at this node or below.
    node_id: Option<Uuid>,
    #[param(inline)]
    sort: Option<SortArg>,
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    cursor: Option<String>,
}

/// How people are ordered.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
pub(super) enum SortArg {
    /// By pinyin.
    #[serde(rename = "name")]
    Name,
    /// By pinyin, from the end.
    #[serde(rename = "-name")]
    NameDescending,
    #[serde(rename = "username")]
    Username,
    #[serde(rename = "-username")]
    UsernameDescending,
    /// Who never signed in comes first.
    #[serde(rename = "last_login_at")]
    LastLogin,
    /// Who signed in last comes first.
    #[serde(rename = "-last_login_at")]
    LastLoginDescending,
}

impl ListArgs {
    pub(super) fn sort(&self) -> UserSort {
        match self.sort {
            None | Some(SortArg::Name) => UserSort::Name,
            Some(SortArg::NameDescending) => UserSort::NameDescending,
            Some(SortArg::Username) => UserSort::Username,
            Some(SortArg::UsernameDescending) => UserSort::UsernameDescending,
            Some(SortArg::LastLogin) => UserSort::LastLogin,
            Some(SortArg::LastLoginDescending) => UserSort::LastLoginDescending,
        }
    }

    pub(super) fn filter(&self) -> UserFilter {
        UserFilter {
            text: self.q.clone().map(String::from),
            role: self.role.clone(),
            disabled: self.disabled,
            node_id: self.node_id.map(|id| id.to_string()),
        }
    }
}

/// People with a role in the caller's part of the tree, by name unless asked otherwise.
#[utoipa::path(tag = "people", params(ListArgs), responses((status = 200, body = Listed<User>), (status = 400, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/users")]
async fn list(app: web::Data<App>, caller: Caller<can::UsersRead>, args: Args<ListArgs>) -> Result<web::Json<Listed<User>>, Problem> {
    let page = page(args.limit, args.cursor.as_deref())?;
    let filter = args.filter();
    let scope = caller.scope();
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let sort = args.sort();
    let mut rows = users::list(conn, &scope, &filter, sort, &page).await?;
    let counted = users::count(conn, &scope, &filter).await?;
    let next = page.cut(&mut rows, |row| users::sort_key(row, sort));
    Ok(web::Json(listed(read_users(conn, &scope, rows, app.clock.wall_ms()).await?, next, counted)))
}

/// Adds a person. The password is the administrator's choice, so it must be changed at the first sign-in. Of `grants` a further
/// role beside one that manages people waits in `pending_grants` until a second administrator agrees.
#[utoipa::path(tag = "people", request_body = NewPerson,
    responses((status = 201, body = User), (status = 409, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/users")]
async fn create(app: web::Data<App>, caller: Caller<can::UsersManage>, body: Body<NewPerson>) -> Result<HttpResponse, Problem> {
    let body = body.into_inner();
    let mut faults = Faults::new();
    let username = Username::parse(&body.username);
    if username.is_none() {
        faults.note_at("username", "format", "2 to 64 letters, digits, or . _ - @, beginning with a letter or digit");
    }
    body.check(&mut faults);
    if let Err(error) = check_policy(&body.username, &body.password) {
        faults.note_at("password", "guessable", error.to_string());
    }
    checked(faults)?;
    let username = username.ok_or_else(|| Problem::of(ProblemType::Malformed))?;
    let password = body.password.clone();
    let password_hash = in_turn(move || hash_password(&password)).await.ok_or_else(|| Problem::of(ProblemType::Unavailable))?;
    let (scope, actor, at) = (caller.scope(), caller.actor.clone(), app.clock.wall_ms());
    let user = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                if users::credentials(tx, username.as_str()).await?.is_some() {
                    return Err(Problem::of(ProblemType::Conflict).because("there is already a person with this user name"));
                }
                let wanted = check_grants(tx, &scope, &body.grants).await?;
                let id = Uuid::now_v7();
                let user = NewUser {
                    id,
                    username: username.as_str().to_owned(),
                    display_name: body.display_name.trim().to_owned(),
                    phone: input::line(body.phone),
                    certificate_number: input::line(body.certificate_number),
                    password_hash,
                    must_change_password: true,
                };
                users::insert(tx, &user, at).await?;
                let id = id.to_string();
                role_requests::password_chosen(tx, &id, actor.id).await?;
                let given = apply(tx, Giver { actor: &actor, scope: &scope, at }, &id, &wanted).await?;
                if given.watches {
                    let path = wanted.first().map_or("/", |grant| grant.path.as_str());
                    agreement::tell(tx, &actor, &id, &user.display_name, path, at).await?;
                }
                let detail = json!({"username": user.username, "grants": body.grants});
                tx.audit(
                    at,
                    Act {
                        actor: &actor,
                        action: "create",
                        entity: Some(("user", &id)),
                        path: wanted.first().map_or("/", |grant| grant.path.as_str()),
                        detail,
                    },
                )
                .await?;
                told(tx, &scope, &id, at).await
            })
        })
        .await?;
    Ok(HttpResponse::Created().json(user))
}

/// One person.
#[utoipa::path(tag = "people", params(("id" = String, Path)), responses((status = 200, body = User), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/users/{id}")]
async fn read(app: web::Data<App>, caller: Caller<can::UsersRead>, id: Id) -> Result<web::Json<User>, Problem> {
    let scope = caller.scope();
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let row = users::get(conn, &scope, &id.to_string()).await?.ok_or_else(Problem::not_found)?;
    Ok(web::Json(read_users(conn, &scope, vec![row], app.clock.wall_ms()).await?.pop().ok_or_else(Problem::not_found)?))
}

/// Changes a person. `grants` replaces those in the caller's part of the tree; the others stay. A further role of who manages people,
/// and managing people for who has another role, wait in `pending_grants` until a second administrator agrees.
#[utoipa::path(tag = "people", params(("id" = String, Path)), request_body = PersonChange,
    responses((status = 200, body = User), (status = 403, body = ProblemBody, content_type = "application/problem+json"), (status = 404, body = ProblemBody, content_type = "application/problem+json"), (status = 409, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[patch("/users/{id}")]
async fn change(
    app: web::Data<App>,
    caller: Caller<can::UsersManage>,
    id: Id,
    body: Body<PersonChange>,
) -> Result<web::Json<User>, Problem> {
    let body = body.into_inner();
    let mut faults = Faults::new();
    body.check(&mut faults);
    if body.grants.is_some() && *id == caller.user_id {
        faults.note_at("grants", "own", "nobody changes their own roles: ask another administrator");
    }
    checked(faults)?;
    let (scope, actor, at, user_id) = (caller.scope(), caller.actor.clone(), app.clock.wall_ms(), *id);
    let (user, ends) = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                let id = user_id.to_string();
                let row = users::get(tx, &scope, &id).await?.ok_or_else(Problem::not_found)?;
                let managers = users::top_managers(tx, at).await?;
                let was_disabled = row.disabled_at.is_some();
                let data = body.over(&row);
                if data.disabled != was_disabled && !manages_all(tx, &scope, &id).await? {
                    return Err(Problem::forbidden().because("this person also has a role outside your part of the tree"));
                }
                if !users::update(tx, &row, &data, body.version, at).await? {
                    return Err(Problem::stale(told(tx, &scope, &id, at).await?));
                }
                let regranted = match &body.grants {
                    Some(grants) => {
                        let wanted = check_grants(tx, &scope, grants).await?;
                        let given = apply(tx, Giver { actor: &actor, scope: &scope, at }, &id, &wanted).await?;
                        // Whose password the giver chose, they could still sign in as.
                        let own_hand = actor.id.map(|by| by.to_string());
                        if given.watches && role_requests::hands(tx, &id).await?.first() == own_hand.as_ref() {
                            let path = wanted.first().map_or("/", |grant| grant.path.as_str());
                            agreement::tell(tx, &actor, &id, &data.display_name, path, at).await?;
                        }
                        given.changed
                    }
                    None => false,
                };
                if data.disabled && !was_disabled {
                    logins::end_sessions_of(tx, &id, None, at, "disabled").await?;
                }
                if managers > 0 && users::top_managers(tx, at).await? == 0 {
                    return Err(Problem::of(ProblemType::Conflict).because("nobody would be left who can manage people"));
                }
                let detail = json!({"display_name": data.display_name, "disabled": data.disabled, "grants": body.grants});
                tx.audit(at, Act { actor: &actor, action: "update", entity: Some(("user", &id)), path: "/", detail }).await?;
                Ok((told(tx, &scope, &id, at).await?, regranted || data.disabled != was_disabled))
            })
        })
        .await?;
    if ends {
        // Modify, then notify: open streams read what the person may do anew, or end.
        app.streams.end_user(user_id);
    }
    Ok(web::Json(user))
}

/// Sets a person's password, unlocks the name and ends the logins; the person must change it at the next sign-in.
#[utoipa::path(tag = "people", params(("id" = String, Path)), request_body = NewPassword,
    responses((status = 204), (status = 403, body = ProblemBody, content_type = "application/problem+json"), (status = 404, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/users/{id}/password")]
async fn set_password(
    app: web::Data<App>,
    caller: Caller<can::UsersManage>,
    id: Id,
    body: Body<NewPassword>,
) -> Result<HttpResponse, Problem> {
    let (scope, actor, at, user_id) = (caller.scope(), caller.actor.clone(), app.clock.wall_ms(), *id);
    let row = users::get(&mut app.db.read().await?.conn(), &scope, &user_id.to_string()).await?.ok_or_else(Problem::not_found)?;
    check_policy(&row.username, &body.new_password).map_err(password_problem)?;
    let password = body.into_inner().new_password;
    let hash = in_turn(move || hash_password(&password)).await.ok_or_else(|| Problem::of(ProblemType::Unavailable))?;
    app.db
        .write(move |tx| {
            Box::pin(async move {
                let row = users::get(tx, &scope, &user_id.to_string()).await?.ok_or_else(Problem::not_found)?;
                if !manages_all(tx, &scope, &row.id).await? {
                    return Err(Problem::forbidden().because("this person also has a role outside your part of the tree"));
                }
                users::set_password(tx, &row.id, &hash, true, at).await?;
                role_requests::password_chosen(tx, &row.id, actor.id).await?;
                let rule = agreement::Rule::read(tx).await?;
                if let Some(grant) = users::grants(tx, &row.id).await?.iter().find(|grant| rule.watches(&grant.role)) {
                    agreement::tell(tx, &actor, &row.id, &row.display_name, &grant.node_path, at).await?;
                }
                logins::clear_failures(tx, &row.username).await?;
                logins::end_sessions_of(tx, &row.id, None, at, "password_changed").await?;
                tx.audit(
                    at,
                    Act { actor: &actor, action: "password_reset", entity: Some(("user", &row.id)), path: "/", detail: json!({}) },
                )
                .await?;
                Ok::<_, Problem>(())
            })
        })
        .await?;
    app.streams.end_user(user_id);
    Ok(HttpResponse::NoContent().finish())
}

/// The roles there are, with what each may do.
#[utoipa::path(tag = "people", responses((status = 200, body = RoleList)))]
#[get("/roles")]
async fn list_roles(app: web::Data<App>, _caller: Caller<can::UsersRead>) -> Result<web::Json<RoleList>, Problem> {
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let (rows, permissions) = (roles::list(conn).await?, roles::permissions(conn).await?);
    Ok(web::Json(RoleList { items: rows.into_iter().map(|row| Role::of(row, &permissions)).collect() }))
}

/// Notes the change for those who synchronise, and reads the person back.
async fn told(tx: &mut crate::store::Tx<'_>, scope: &crate::auth::Scope, id: &str, at: i64) -> Result<User, Problem> {
    let paths: Vec<String> = users::grants(tx, id).await?.into_iter().map(|grant| grant.node_path).collect();
    for path in paths.iter().map(String::as_str).chain(paths.is_empty().then_some("/")) {
        tx.changed(at, Change::upsert(Entity::User, id, path)).await?;
    }
    // One whose last role here was taken is still shown to the one who took it.
    let row = match users::get(tx, scope, id).await? {
        Some(row) => row,
        None => users::get(tx, &crate::auth::Scope::system(), id).await?.ok_or_else(Problem::not_found)?,
    };
    read_users(tx, scope, vec![row], at).await?.pop().ok_or_else(Problem::not_found)
}
