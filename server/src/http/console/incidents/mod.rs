//! `/incidents`: reports of suspected food poisoning, as the register of a desk has them, until they are ended.

mod acts;
mod view;

use actix_web::{HttpRequest, HttpResponse, get, web};
use serde::Deserialize;
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::App;
use crate::auth::{Caller, can};
use crate::domain::workflow::incident::IncidentState;
use crate::http::arrived::{Arrived, WidthArgs};
use crate::http::{Args, Id, Listed, Problem, ProblemBody, listed, page, viewed};
use crate::store::incidents::{self, IncidentFilter};
use crate::store::{StoreError, alerts, evidence, work};
use view::{Incident, IncidentPage};

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list);
    acts::configure(config);
    config.service(read).service(evidence_file);
}

#[derive(Debug, Deserialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListArgs {
    #[param(inline)]
    state: Option<IncidentState>,
    premises_id: Option<Uuid>,
    /// Only those that are not ended, or only the others.
    open: Option<bool>,
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    cursor: Option<String>,
}

/// Reports of the caller's part of the tree, newest first.
#[utoipa::path(tag = "incidents", params(ListArgs), responses((status = 200, body = Listed<Incident>), (status = 400, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/incidents")]
async fn list(
    app: web::Data<App>,
    caller: Caller<can::IncidentsRead>,
    args: Args<ListArgs>,
) -> Result<web::Json<Listed<Incident>>, Problem> {
    let page = page(args.limit, args.cursor.as_deref())?;
    let filter = IncidentFilter {
        premises_id: args.premises_id.map(|id| id.to_string()),
        state: args.state.map(|state| state.as_str().to_owned()),
        open: args.open,
    };
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let mut rows = incidents::list(conn, &caller.scope(), &filter, &page).await?;
    let counted = incidents::count(conn, &caller.scope(), &filter).await?;
    let next = page.cut(&mut rows, |row| (row.happened_at.to_string(), row.id.clone()));
    let items = rows.into_iter().map(Incident::of).collect::<Result<Vec<_>, StoreError>>()?;
    Ok(web::Json(listed(items, next, counted)))
}

/// One report with what is sealed, what is on hold, its limits, its history and its papers.
#[utoipa::path(tag = "incidents", params(("id" = Uuid, Path)), responses((status = 200, body = IncidentPage), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/incidents/{id}")]
async fn read(app: web::Data<App>, caller: Caller<can::IncidentsRead>, id: Id) -> Result<web::Json<IncidentPage>, Problem> {
    Ok(web::Json(view::page(&mut app.db.read().await?.conn(), &caller, &id.to_string()).await?))
}

/// A photo of a report, or of what was added to it, as taken or reduced.
#[utoipa::path(tag = "incidents", params(("id" = Uuid, Path), ("evidence_id" = Uuid, Path, description = "of the report's evidence, or a file that an act names"), WidthArgs),
    responses((status = 200, description = "the file, of the type it has", content_type = "image/*"), (status = 206, description = "a range of it"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/incidents/{id}/evidence/{evidence_id}")]
async fn evidence_file(
    request: HttpRequest,
    app: web::Data<App>,
    caller: Caller<can::IncidentsRead>,
    id: Id,
    args: Args<WidthArgs>,
) -> Result<HttpResponse, Problem> {
    let width = args.checked()?;
    let wanted: Uuid = request.match_info().get("evidence_id").and_then(|text| text.parse().ok()).ok_or_else(Problem::not_found)?;
    let wanted = wanted.to_string();
    let (row, arrived) = {
        let mut reader = app.db.read().await?;
        let conn = &mut reader.conn();
        let row = incidents::get(conn, &caller.scope(), &id.to_string()).await?.ok_or_else(Problem::not_found)?;
        let arrived = match evidence::get(conn, &wanted).await?.filter(|found| found.inspection_id == row.id) {
            Some(found) => Arrived::to_show(conn, Some(found), true, width).await?,
            None => {
                let history = work::history(conn, &row.id).await?;
                let named = history.iter().any(|act| work::evidence_ids(act).is_ok_and(|ids| ids.contains(&wanted)));
                let file = if named { alerts::evidence_files(conn, std::slice::from_ref(&wanted)).await?.into_iter().next() } else { None };
                Arrived::file(file.ok_or_else(Problem::not_found)?)
            }
        };
        (row, arrived)
    };
    viewed::note(&app, &caller, "view_evidence", ("incident", &row.id), &row.premises_path, json!({})).await?;
    arrived.send(&request, &app, width).await
}
