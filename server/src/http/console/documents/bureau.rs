//! `/settings/documents`: what the bureau says of itself on its papers: its name, the words before the year, the seal.

use actix_web::{get, put, web};
use mobile_api::field::Faults;
use serde_json::json;
use utoipa_actix_web::service_config::ServiceConfig;

use super::picture_file;
use crate::App;
use crate::auth::{Caller, Session, can};
use crate::documents::{Bureau, Kind};
use crate::domain::permission::Permission;
use crate::http::{Body, Problem, ProblemBody, checked};
use crate::store::journal::Act;
use crate::store::{StoreError, settings};

/// Characters of a name, and of a word.
const NAME_CHARS_MAX: usize = 100;
const WORD_CHARS_MAX: usize = 20;
const STATEMENT_CHARS_MAX: usize = 1_000;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(read).service(write);
}

/// What papers say of the bureau.
#[utoipa::path(tag = "settings", responses((status = 200, body = Bureau)))]
#[get("/settings/documents")]
async fn read(app: web::Data<App>, _: Caller<can::DocumentsManage>) -> Result<web::Json<Bureau>, Problem> {
    let stored = settings::of_system(&mut app.db.read().await?.conn(), Bureau::SETTING).await?;
    Ok(web::Json(stored.map(|(bureau, _)| bureau).unwrap_or_default()))
}

/// Says what papers say of the bureau, from the next paper on. Only at the top of the tree.
#[utoipa::path(tag = "settings", request_body = Bureau,
    responses((status = 200, body = Bureau), (status = 404, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[put("/settings/documents")]
async fn write(app: web::Data<App>, caller: Caller<can::DocumentsManage>, body: Body<Bureau>) -> Result<web::Json<Bureau>, Problem> {
    let bureau = body.into_inner();
    let mut faults = Faults::new();
    faults.optional_text("name", Some(&bureau.name), NAME_CHARS_MAX);
    faults.within("on_site", |faults| {
        faults.optional_text("title", Some(&bureau.on_site.title), NAME_CHARS_MAX);
        faults.optional_text("statement", Some(&bureau.on_site.statement), STATEMENT_CHARS_MAX);
    });
    for (kind, word) in &bureau.words {
        faults.within("words", |faults| {
            if kind.parse::<Kind>().is_err() {
                faults.note_at(kind, "unknown", "no such kind of paper");
            } else if word.chars().count() > WORD_CHARS_MAX || word.chars().any(char::is_control) {
                faults.note_at(kind, "too_long", format!("at most {WORD_CHARS_MAX} characters"));
            }
        });
    }
    if let Some(id) = &bureau.seal_file_id
        && !picture_file(&mut app.db.read().await?.conn(), id).await?
    {
        faults.note_at("seal_file_id", "unknown", "no such picture");
    }
    checked(faults)?;
    let (at, session, kept) = (app.clock.wall_ms(), Session::clone(&caller), bureau.clone());
    app.db
        .write(move |tx| {
            Box::pin(async move {
                // What is printed for everybody is said by who stands at the top.
                if !session.access.scope(Permission::DocumentsManage).reaches_top() {
                    return Err(Problem::not_found());
                }
                let value = serde_json::to_string(&kept).map_err(StoreError::damaged)?;
                settings::put(tx, "system", "", Bureau::SETTING, &value, "/", at).await?;
                let act = Act {
                    actor: &session.actor,
                    action: "setting_change",
                    entity: Some(("setting", Bureau::SETTING)),
                    path: "/",
                    detail: json!(kept),
                };
                tx.audit(at, act).await?;
                Ok::<_, Problem>(())
            })
        })
        .await?;
    Ok(web::Json(bureau))
}
