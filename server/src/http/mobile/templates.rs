//! `/templates`: the checklists in force, and any version by its id.

use actix_web::{get, web};
use mobile_api::template::{Template, TemplateSummary};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::App;
use crate::auth::{Caller, can};
use crate::http::{Args, Chars, Id, Listed, Problem, ProblemBody, listed};
use crate::store::{StoreError, templates};

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(read);
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListArgs {
    /// Made for this kind of premises.
    #[param(example = "school_canteen", value_type = Option<String>, max_length = 64)]
    kind: Option<Chars<64>>,
    /// They are few: one page holds them all.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    cursor: Option<String>,
}

/// The checklists in force, without their bodies.
#[utoipa::path(tag = "templates", params(ListArgs), responses((status = 200, body = Listed<TemplateSummary>), (status = 400, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/templates")]
async fn list(
    app: web::Data<App>,
    _caller: Caller<can::TemplatesRead>,
    args: Args<ListArgs>,
) -> Result<web::Json<Listed<TemplateSummary>>, Problem> {
    let page = crate::http::page(args.limit, args.cursor.as_deref())?;
    let rows = templates::list(&mut app.db.read().await?.conn()).await?;
    let mut items = rows.iter().map(templates::TemplateRow::summary).collect::<Result<Vec<_>, StoreError>>()?;
    items.retain(|item| args.kind.as_deref().is_none_or(|kind| item.premises_kinds.iter().any(|one| one == kind)));
    let total = i64::try_from(items.len()).unwrap_or(i64::MAX);
    if let Some((code, _)) = page.after() {
        items.retain(|item| item.code.as_str() > code);
    }
    let next = page.cut(&mut items, |item| (item.code.clone(), item.id.to_string()));
    Ok(web::Json(listed(items, next, total)))
}

/// One version with its body: sections, items, and the numbers by which it judges.
#[utoipa::path(tag = "templates", params(("id" = Uuid, Path, example = "01928f6e-0000-7000-8000-000000000002")), responses((status = 200, body = Template), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/templates/{id}")]
async fn read(app: web::Data<App>, _caller: Caller<can::TemplatesRead>, id: Id) -> Result<web::Json<Template>, Problem> {
    let row = templates::get(&mut app.db.read().await?.conn(), &id.to_string()).await?.ok_or_else(Problem::not_found)?;
    Ok(web::Json(row.template()?))
}
