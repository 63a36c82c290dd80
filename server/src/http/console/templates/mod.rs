//! `/template-drafts` and what a desk does with templates: designing the next version, publishing, retiring, files in and out.
//!
//! A published version never changes. A draft may be incomplete: it is kept as typed and every answer says what is wrong with
//! it, each fault by its pointer into the file. Templates are the whole bureau's, so only who stands at the top changes them.

mod drafts;
mod files;

use actix_web::{post, web};
use mobile_api::template::TemplateSummary;
use serde_json::json;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::App;
use crate::auth::{Caller, Scope, can};
use crate::http::{Id, Problem, ProblemBody};
use crate::store::journal::Act;
use crate::store::templates;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    files::configure(config);
    drafts::configure(config);
    config.service(retire);
}

/// Only who stands at the top of a tree changes what holds for all of it.
fn at_the_top(scope: &Scope) -> Result<(), Problem> {
    if scope.reaches_top() { Ok(()) } else { Err(Problem::forbidden().because("templates belong to the whole bureau")) }
}

/// Takes a version out of force: nothing new begins with it, what was begun is finished. The same again changes nothing.
#[utoipa::path(tag = "templates", params(("id" = Uuid, Path, example = "01928f6e-0000-7000-8000-000000000008")),
    responses((status = 200, body = TemplateSummary), (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/templates/{id}/retire")]
async fn retire(app: web::Data<App>, caller: Caller<can::TemplatesManage>, id: Id) -> Result<web::Json<TemplateSummary>, Problem> {
    let (scope, id, at, actor) = (caller.scope(), id.to_string(), app.clock.wall_ms(), caller.actor.clone());
    let row = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                let row = templates::get(tx, &id).await?.ok_or_else(Problem::not_found)?;
                at_the_top(&scope)?;
                if row.retired_at.is_some() {
                    return Ok(row);
                }
                templates::retire(tx, &id, at).await?;
                let detail = json!({"code": row.code, "version": row.version});
                let act = Act { actor: &actor, action: "template_retire", entity: Some(("template", &id)), path: "/", detail };
                tx.audit(at, act).await?;
                templates::get(tx, &id).await?.ok_or_else(Problem::not_found)
            })
        })
        .await?;
    Ok(web::Json(row.summary()?))
}
