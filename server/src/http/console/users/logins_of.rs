//! Where a person is signed in, signing them out, and taking their second factor away after a lost phone. For those who manage every
//! node that the person has a role at, as their password is.

use actix_web::{HttpResponse, delete, get, web};
use serde_json::json;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::grants::manages_all;
use super::told;
use crate::App;
use crate::auth::{Caller, Scope, can};
use crate::http::sessions::{LoginList, logins_of};
use crate::http::{Id, Problem, ProblemBody};
use crate::store::journal::Act;
use crate::store::users::{self, UserRow};
use crate::store::{Conn, logins, notices, second_factors};

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(end).service(reset_second_factor);
}

/// A person all of whose roles lie inside `scope`.
async fn managed(conn: &mut Conn<'_>, scope: &Scope, id: Uuid) -> Result<UserRow, Problem> {
    let row = users::get(conn, scope, &id.to_string()).await?.ok_or_else(Problem::not_found)?;
    if !manages_all(conn, scope, &row.id).await? {
        return Err(Problem::forbidden().because("this person also has a role outside your part of the tree"));
    }
    Ok(row)
}

/// Where a person is signed in.
#[utoipa::path(tag = "people", params(("id" = String, Path)), responses((status = 200, body = LoginList), (status = 403, body = ProblemBody, content_type = "application/problem+json"), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/users/{id}/sessions")]
async fn list(app: web::Data<App>, caller: Caller<can::UsersManage>, id: Id) -> Result<web::Json<LoginList>, Problem> {
    let row = managed(&mut app.db.read().await?.conn(), &caller.scope(), *id).await?;
    Ok(web::Json(logins_of(&app, &row.id, &caller).await?))
}

/// Signs a person out everywhere; the streams that are open there end. Whoever signs themselves out so stays where they are.
#[utoipa::path(tag = "people", params(("id" = String, Path)), responses((status = 204), (status = 403, body = ProblemBody, content_type = "application/problem+json"), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[delete("/users/{id}/sessions")]
async fn end(app: web::Data<App>, caller: Caller<can::UsersManage>, id: Id) -> Result<HttpResponse, Problem> {
    let (scope, actor, at, user_id) = (caller.scope(), caller.actor.clone(), app.clock.wall_ms(), *id);
    let own = (user_id == caller.user_id).then(|| caller.session_id.to_string());
    app.db
        .write(move |tx| {
            Box::pin(async move {
                let row = managed(tx, &scope, user_id).await?;
                logins::end_sessions_of(tx, &row.id, own.as_deref(), at, "signed_out").await?;
                let act = Act { actor: &actor, action: "session_end", entity: Some(("user", &row.id)), path: "/", detail: json!({}) };
                tx.audit(at, act).await?;
                Ok::<_, Problem>(())
            })
        })
        .await?;
    app.streams.end_user(user_id);
    Ok(HttpResponse::NoContent().finish())
}

/// Takes a person's second factor away, and tells them. Their password stays what it is. One's own is turned off with the password.
#[utoipa::path(tag = "people", params(("id" = String, Path)), responses((status = 204), (status = 403, body = ProblemBody, content_type = "application/problem+json"), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[delete("/users/{id}/second-factor")]
async fn reset_second_factor(app: web::Data<App>, caller: Caller<can::UsersManage>, id: Id) -> Result<HttpResponse, Problem> {
    let (scope, actor, at, user_id) = (caller.scope(), caller.actor.clone(), app.clock.wall_ms(), *id);
    if user_id == caller.user_id {
        return Err(Problem::forbidden().because("turn your own off in your account, with your password"));
    }
    app.db
        .write(move |tx| {
            Box::pin(async move {
                let row = managed(tx, &scope, user_id).await?;
                if second_factors::remove(tx, &row.id).await? {
                    let entity = Some(("user", row.id.as_str()));
                    tx.audit(at, Act { actor: &actor, action: "second_factor_reset", entity, path: "/", detail: json!({}) }).await?;
                    let facts = json!({"by_name": actor.name});
                    notices::insert(tx, None, std::slice::from_ref(&row.id), "second_factor_reset", &facts, at).await?;
                    told(tx, &scope, &row.id, at).await?;
                }
                Ok::<_, Problem>(())
            })
        })
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
