//! `/templates`: the checklists in force, and any version by its id.

use actix_web::{get, web};
use mobile_api::template::{Audience, Template, TemplateSummary};
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
    /// Whose: officers' checklists unless the canteen's own papers are asked for.
    #[serde(default)]
    audience: Audience,
    /// Those that are out of force too.
    #[serde(default)]
    retired: bool,
    /// They are few: one page holds them all.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    cursor: Option<String>,
}

/// The checklists in force, without their bodies; on request with those that are out of force, the newest of a code first.
#[utoipa::path(tag = "templates", params(ListArgs), responses((status = 200, body = Listed<TemplateSummary>), (status = 400, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/templates")]
async fn list(
    app: web::Data<App>,
    _caller: Caller<can::TemplatesRead>,
    args: Args<ListArgs>,
) -> Result<web::Json<Listed<TemplateSummary>>, Problem> {
    let page = crate::http::page(args.limit, args.cursor.as_deref())?;
    let rows = templates::summaries(&mut app.db.read().await?.conn(), args.audience, args.retired).await?;
    let mut items = rows.iter().map(templates::SummaryRow::summary).collect::<Result<Vec<_>, StoreError>>()?;
    items.retain(|item| args.kind.as_deref().is_none_or(|kind| item.premises_kinds.iter().any(|one| one == kind)));
    let total = i64::try_from(items.len()).unwrap_or(i64::MAX);
    if let Some((code, id)) = page.after() {
        // A row that is gone meanwhile: its code is done with.
        let at =
            items.iter().rposition(|item| item.id.to_string() == id).or_else(|| items.iter().rposition(|item| item.code.as_str() <= code));
        items.drain(..at.map_or(0, |at| at + 1));
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
