//! `/self-checks`, as desks, officers and the canteen read them: what was reported, what is due and what is not there.

mod duties;
mod rules;
mod view;

use actix_web::{HttpRequest, HttpResponse, get, web};
use mobile_api::problem::ProblemType;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::App;
use crate::auth::{Caller, can};
use crate::http::arrived::{Arrived, WidthArgs};
use crate::http::{Args, Chars, Id, Listed, Problem, ProblemBody, listed, page};
use crate::store::self_checks::{self, SelfCheckFilter};
use crate::store::{StoreError, evidence, templates};
pub(crate) use duties::{Papers, due_at};
use view::{SelfCheck, SelfCheckPage};

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list);
    duties::configure(config);
    rules::configure(config);
    config.service(read).service(evidence_file);
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListArgs {
    premises_id: Option<Uuid>,
    /// Of the template.
    #[param(example = "self_daily_control", value_type = Option<String>, max_length = 64)]
    code: Option<Chars<64>>,
    /// Of this day or later, Asia/Shanghai.
    #[param(example = "2026-11-01", value_type = Option<String>, max_length = 10)]
    from: Option<Chars<10>>,
    /// Of this day or earlier.
    #[param(value_type = Option<String>, max_length = 10)]
    to: Option<Chars<10>>,
    /// Only those that say that something is wrong.
    #[serde(default)]
    problems: bool,
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    cursor: Option<String>,
}

/// A day, such as 2026-11-23.
fn day(name: &str, text: &str) -> Result<jiff::civil::Date, Problem> {
    let wrong = || Problem::of(ProblemType::Malformed).because(format!("{name} is a day such as 2026-11-23"));
    if text.len() != mobile_api::limits::DAY_BYTES { Err(wrong()) } else { text.parse().map_err(|_| wrong()) }
}

/// Papers of the canteens in the caller's part of the tree, the newest day first.
#[utoipa::path(tag = "self-checks", params(ListArgs), responses((status = 200, body = Listed<SelfCheck>), (status = 400, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/self-checks")]
async fn list(
    app: web::Data<App>,
    caller: Caller<can::SelfChecksRead>,
    args: Args<ListArgs>,
) -> Result<web::Json<Listed<SelfCheck>>, Problem> {
    let page = page(args.limit, args.cursor.as_deref())?;
    let date = |name: &str, text: Option<&Chars<10>>| text.map(|text| day(name, text).map(|date| date.to_string())).transpose();
    let filter = SelfCheckFilter {
        premises_id: args.premises_id.map(|id| id.to_string()),
        code: args.code.as_deref().map(str::to_owned),
        from: date("from", args.from.as_ref())?,
        to: date("to", args.to.as_ref())?,
        problems: args.problems,
    };
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let mut rows = self_checks::list(conn, &caller.scope(), &filter, &page).await?;
    let counted = self_checks::count(conn, &caller.scope(), &filter).await?;
    let next = page.cut(&mut rows, |row| (row.day.clone(), row.id.clone()));
    let items = rows.iter().map(SelfCheck::of).collect::<Result<Vec<_>, StoreError>>()?;
    Ok(web::Json(listed(items, next, counted)))
}

/// One paper with the template it answers, its files and the samples it reports.
#[utoipa::path(tag = "self-checks", params(("id" = Uuid, Path, example = "01928f6e-0000-7000-8000-000000000111")),
    responses((status = 200, body = SelfCheckPage), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/self-checks/{id}")]
async fn read(app: web::Data<App>, caller: Caller<can::SelfChecksRead>, id: Id) -> Result<web::Json<SelfCheckPage>, Problem> {
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let row = self_checks::get(conn, &caller.scope(), &id.to_string()).await?.ok_or_else(Problem::not_found)?;
    let template = templates::get(conn, &row.template_id).await?.ok_or_else(|| StoreError::damaged("a paper without its template"))?;
    let files = evidence::of_inspection(conn, &row.id).await?;
    let samples = self_checks::samples_of(conn, std::slice::from_ref(&row.id)).await?;
    let duties = crate::http::mobile::self_checks::duties(conn).await?;
    Ok(web::Json(SelfCheckPage::of(&row, &template.body()?, &files, &samples, &duties)?))
}

/// A file of a paper, as taken or reduced.
#[utoipa::path(tag = "self-checks", params(("id" = Uuid, Path, example = "01928f6e-0000-7000-8000-000000000111"), ("evidence_id" = Uuid, Path, example = "01928f6e-0000-7000-8000-000000000113"), WidthArgs),
    responses((status = 200, description = "the file, of the type it has", content_type = "image/*"), (status = 206, description = "a range of it"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/self-checks/{id}/evidence/{evidence_id}")]
async fn evidence_file(
    request: HttpRequest,
    app: web::Data<App>,
    caller: Caller<can::SelfChecksRead>,
    id: Id,
    args: Args<WidthArgs>,
) -> Result<HttpResponse, Problem> {
    let width = args.checked()?;
    let evidence_id: Uuid = request.match_info().get("evidence_id").and_then(|text| text.parse().ok()).ok_or_else(Problem::not_found)?;
    let arrived = {
        let mut reader = app.db.read().await?;
        let conn = &mut reader.conn();
        let row = self_checks::get(conn, &caller.scope(), &id.to_string()).await?.ok_or_else(Problem::not_found)?;
        let found = evidence::get(conn, &evidence_id.to_string()).await?.filter(|found| found.inspection_id == row.id);
        // The canteen's own pictures, seen by itself and by the bureau.
        Arrived::to_show(conn, found, true, width).await?
    };
    arrived.send(&request, &app, width).await
}
