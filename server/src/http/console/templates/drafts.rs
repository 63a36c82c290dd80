//! Drafts: begun from nothing, from a version or from a file; saved as typed; published when nothing is wrong with them.

use actix_web::{HttpResponse, delete, get, post, put, web};
use mobile_api::Moment;
use mobile_api::field::FieldFault;
use mobile_api::problem::ProblemType;
use mobile_api::template::{Bilingual, TemplateFile, TemplateSummary};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::at_the_top;
use crate::App;
use crate::auth::{Caller, Session, can};
use crate::http::{Args, Body, Id, Listed, Problem, ProblemBody, listed, page};
use crate::store::journal::Act;
use crate::store::template_drafts::{self, DRAFTS_MAX, DraftRow};
use crate::store::{StoreError, Tx, templates};

/// Saves of one person that follow each other within this time are one act of the audit log.
const SITTING_MS: i64 = 10 * 60_000;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(create).service(read).service(save).service(remove).service(publish);
}

/// A draft without its file, as lists show it.
#[derive(Debug, Serialize, ToSchema)]
struct TemplateDraftSummary {
    id: String,
    /// As typed; may be empty.
    code: String,
    name: Bilingual,
    /// The version of the code it was begun from; none for a new code.
    based_on: Option<i64>,
    /// Counts the saves.
    version: i64,
    updated_by_name: String,
    created_at: Moment,
    updated_at: Moment,
}

/// A draft.
#[derive(Debug, Serialize, ToSchema)]
struct TemplateDraft {
    #[serde(flatten)]
    summary: TemplateDraftSummary,
    /// As last saved.
    file: TemplateFile,
    /// What keeps it from being published, by pointers into `file`.
    faults: Vec<FieldFault>,
}

fn summary(row: &DraftRow) -> Result<TemplateDraftSummary, StoreError> {
    Ok(TemplateDraftSummary {
        id: row.id.clone(),
        code: row.code.clone(),
        name: serde_json::from_str(&row.name).map_err(StoreError::damaged)?,
        based_on: row.based_on,
        version: row.version,
        updated_by_name: row.updated_by_name.clone(),
        created_at: Moment(row.created_at),
        updated_at: Moment(row.updated_at),
    })
}

fn view(row: &DraftRow) -> Result<TemplateDraft, StoreError> {
    let file = row.parsed()?;
    Ok(TemplateDraft { summary: summary(row)?, faults: file.check().err().unwrap_or_default(), file })
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PageArgs {
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    cursor: Option<String>,
}

/// Drafts, the newest first.
#[utoipa::path(tag = "templates", params(PageArgs), responses((status = 200, body = Listed<TemplateDraftSummary>), (status = 400, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/template-drafts")]
async fn list(
    app: web::Data<App>,
    _caller: Caller<can::TemplatesManage>,
    args: Args<PageArgs>,
) -> Result<web::Json<Listed<TemplateDraftSummary>>, Problem> {
    let page = page(args.limit, args.cursor.as_deref())?;
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let mut rows = template_drafts::list(conn, &page).await?;
    let counted = template_drafts::count(conn).await?;
    let next = page.cut(&mut rows, |row| (String::new(), row.id.clone()));
    let items = rows.iter().map(summary).collect::<Result<Vec<_>, StoreError>>()?;
    Ok(web::Json(listed(items, next, counted)))
}

/// A draft to begin.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewTemplateDraft {
    /// As it stands; it may be incomplete.
    file: TemplateFile,
    /// The version of its code that it goes on from; none where there is no such code yet.
    based_on: Option<i64>,
}

/// Begins a draft. It may be incomplete; what is wrong with it is in the answer.
#[utoipa::path(tag = "templates",
    request_body(content = NewTemplateDraft, example = json!({"file": {"code": "spring_check", "name": {"zh": "春季检查", "en": "Spring check"}, "premises_kinds": ["school_canteen"],
        "source": {"zh": "本局", "en": "Our own"}, "body": {"rule": {"general_limit": 8, "points_key": 3, "points_general": 1, "grades": []}, "sections": []}}})),
    responses((status = 201, body = TemplateDraft), (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/template-drafts")]
async fn create(app: web::Data<App>, caller: Caller<can::TemplatesManage>, body: Body<NewTemplateDraft>) -> Result<HttpResponse, Problem> {
    at_the_top(&caller.scope())?;
    let body = body.into_inner();
    let (id, at, session) = (Uuid::now_v7().to_string(), app.clock.wall_ms(), Session::clone(&caller));
    let row = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                if template_drafts::count(tx).await? >= DRAFTS_MAX {
                    return Err(Problem::of(ProblemType::Conflict).because(format!("there are {DRAFTS_MAX} drafts already")));
                }
                template_drafts::insert(tx, &id, &body.file, body.based_on, &session.user_id.to_string(), at).await?;
                note(tx, &session, "create", &id, &body.file, at).await?;
                template_drafts::get(tx, &id).await?.ok_or_else(Problem::not_found)
            })
        })
        .await?;
    Ok(HttpResponse::Created().json(view(&row)?))
}

async fn note(tx: &mut Tx<'_>, session: &Session, action: &str, id: &str, file: &TemplateFile, at: i64) -> Result<(), StoreError> {
    let detail = json!({"code": file.code, "name": file.name.zh});
    tx.audit(at, Act { actor: &session.actor, action, entity: Some(("template_draft", id)), path: "/", detail }).await
}

/// A draft with everything that is wrong with it.
#[utoipa::path(tag = "templates", params(("id" = Uuid, Path, example = "01928f6e-0000-7000-8000-000000000090")), responses((status = 200, body = TemplateDraft), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/template-drafts/{id}")]
async fn read(app: web::Data<App>, _caller: Caller<can::TemplatesManage>, id: Id) -> Result<web::Json<TemplateDraft>, Problem> {
    let row = template_drafts::get(&mut app.db.read().await?.conn(), &id.to_string()).await?.ok_or_else(Problem::not_found)?;
    Ok(web::Json(view(&row)?))
}

/// A draft as it is now.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TemplateDraftSave {
    /// The version that was read.
    version: i64,
    /// The whole file.
    file: TemplateFile,
}

/// Saves a draft. It may be incomplete; what is wrong with it is in the answer.
#[utoipa::path(tag = "templates", params(("id" = Uuid, Path, example = "01928f6e-0000-7000-8000-000000000090")),
    request_body(content = TemplateDraftSave, example = json!({"version": 1, "file": {"code": "spring_check", "name": {"zh": "春季检查", "en": "Spring check"}, "premises_kinds": ["school_canteen"],
        "source": {"zh": "本局", "en": "Our own"}, "body": {"rule": {"general_limit": 8, "points_key": 3, "points_general": 1, "grades": []}, "sections": [
            {"code": "1", "name": {"zh": "留样", "en": "Samples"}, "items": [{"code": "1.1", "key": true, "text": {"zh": "每餐留样", "en": "Samples are kept"}, "basis": "Order 45"}]}]}}})),
    responses((status = 200, body = TemplateDraft), (status = 403, body = ProblemBody, content_type = "application/problem+json"), (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[put("/template-drafts/{id}")]
async fn save(
    app: web::Data<App>,
    caller: Caller<can::TemplatesManage>,
    id: Id,
    body: Body<TemplateDraftSave>,
) -> Result<web::Json<TemplateDraft>, Problem> {
    let (id, body, at, session, scope) = (id.to_string(), body.into_inner(), app.clock.wall_ms(), Session::clone(&caller), caller.scope());
    let row = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                let before = template_drafts::get(tx, &id).await?.ok_or_else(Problem::not_found)?;
                at_the_top(&scope)?;
                if !template_drafts::update(tx, &id, body.version, &body.file, &session.user_id.to_string(), at).await? {
                    return Err(Problem::stale(summary(&before)?));
                }
                // The page saves as one types; a sitting is one act.
                if before.updated_by != session.user_id.to_string() || at - before.updated_at > SITTING_MS {
                    note(tx, &session, "update", &id, &body.file, at).await?;
                }
                template_drafts::get(tx, &id).await?.ok_or_else(Problem::not_found)
            })
        })
        .await?;
    Ok(web::Json(view(&row)?))
}

/// Throws a draft away.
#[utoipa::path(tag = "templates", params(("id" = Uuid, Path, example = "01928f6e-0000-7000-8000-000000000090")),
    responses((status = 204), (status = 403, body = ProblemBody, content_type = "application/problem+json"), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[delete("/template-drafts/{id}")]
async fn remove(app: web::Data<App>, caller: Caller<can::TemplatesManage>, id: Id) -> Result<HttpResponse, Problem> {
    let (id, at, session, scope) = (id.to_string(), app.clock.wall_ms(), Session::clone(&caller), caller.scope());
    app.db
        .write(move |tx| {
            Box::pin(async move {
                let row = template_drafts::get(tx, &id).await?.ok_or_else(Problem::not_found)?;
                at_the_top(&scope)?;
                template_drafts::delete(tx, &id, at).await?;
                note(tx, &session, "delete", &id, &row.parsed()?, at).await?;
                Ok::<_, Problem>(())
            })
        })
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Which save is to be published.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"version": 1}))]
struct TemplatePublish {
    /// The version of the draft that was read.
    version: i64,
}

/// Publishes a draft as the next version of its code: from now on it never changes, and the version before goes out of force.
/// Refused with every fault where something is wrong with it, and where the code has got another version since the draft was
/// begun: nobody's work is passed over.
#[utoipa::path(tag = "templates", params(("id" = Uuid, Path, example = "01928f6e-0000-7000-8000-000000000091")), request_body = TemplatePublish,
    responses((status = 201, body = TemplateSummary), (status = 403, body = ProblemBody, content_type = "application/problem+json"), (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/template-drafts/{id}/publish")]
async fn publish(
    app: web::Data<App>,
    caller: Caller<can::TemplatesManage>,
    id: Id,
    body: Body<TemplatePublish>,
) -> Result<HttpResponse, Problem> {
    let (id, at, session, scope) = (id.to_string(), app.clock.wall_ms(), Session::clone(&caller), caller.scope());
    let wanted = body.version;
    let row = app.db.write(move |tx| {
        Box::pin(async move {
            let draft = template_drafts::get(tx, &id).await?.ok_or_else(Problem::not_found)?;
            at_the_top(&scope)?;
            if draft.version != wanted {
                return Err(Problem::stale(summary(&draft)?));
            }
            let file = draft.parsed()?;
            file.check().map_err(Problem::fields)?;
            let newest = templates::newest(tx, &file.code).await?.map(|row| row.version);
            if newest != draft.based_on {
                let why = "another version of this code was published since the draft was begun";
                return Err(Problem::of(ProblemType::Conflict).because(why).with("present", json!({"code": file.code, "version": newest})));
            }
            let published = templates::publish(tx, Uuid::now_v7(), &file, false, at).await?;
            template_drafts::delete(tx, &id, at).await?;
            let row = templates::get(tx, &published).await?.ok_or_else(Problem::not_found)?;
            let detail = json!({"code": row.code, "version": row.version, "sha256": row.sha256, "draft": id});
            tx.audit(
                at,
                Act { actor: &session.actor, action: "template_publish", entity: Some(("template", &published)), path: "/", detail },
            )
            .await?;
            Ok(row)
        })
    });
    Ok(HttpResponse::Created().json(row.await?.summary()?))
}
