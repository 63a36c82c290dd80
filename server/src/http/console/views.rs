//! `/views`: filters of lists that people keep under a name, each their own.

use actix_web::{HttpResponse, delete, get, post, web};
use mobile_api::field::Faults;
use mobile_api::problem::ProblemType;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::App;
use crate::auth::{Caller, can};
use crate::http::{Args, Body, Id, Listed, Problem, ProblemBody, checked, listed};
use crate::store::saved_views::{self, VIEWS_MAX, ViewRow};

const PAGE_CHARS_MAX: usize = 40;
const NAME_CHARS_MAX: usize = 60;
const QUERY_CHARS_MAX: usize = 2_000;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(keep).service(remove);
}

/// Filters of a list under a name.
#[derive(Debug, Serialize, ToSchema)]
struct View {
    id: String,
    /// Name of the list.
    #[schema(example = "inspections")]
    page: String,
    name: String,
    /// The filters, as the address of the page has them.
    #[schema(example = "state=complete&result=does_not_conform")]
    query: String,
}

impl From<ViewRow> for View {
    fn from(row: ViewRow) -> Self {
        Self { id: row.id, page: row.page, name: row.name, query: row.query }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListArgs {
    /// Name of the list.
    #[param(example = "inspections", min_length = 1, max_length = 40)]
    page: String,
}

/// The caller's views of a list, by name.
#[utoipa::path(tag = "views", params(ListArgs), responses((status = 200, body = Listed<View>), (status = 400, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/views")]
async fn list(app: web::Data<App>, caller: Caller<can::SignedIn>, args: Args<ListArgs>) -> Result<web::Json<Listed<View>>, Problem> {
    if args.page.is_empty() || args.page.chars().count() > PAGE_CHARS_MAX {
        return Err(Problem::of(ProblemType::Malformed).because(format!("page is 1 to {PAGE_CHARS_MAX} characters")));
    }
    let rows = saved_views::list(&mut app.db.read().await?.conn(), &caller.user_id.to_string(), &args.page).await?;
    let counted = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    Ok(web::Json(listed(rows.into_iter().map(View::from).collect(), None, counted)))
}

/// A view to keep.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"page": "inspections", "name": "本月不符合", "query": "result=does_not_conform"}))]
struct NewView {
    #[schema(min_length = 1, max_length = 40)]
    page: String,
    #[schema(min_length = 1, max_length = 60)]
    name: String,
    #[schema(max_length = 2000)]
    query: String,
}

/// Keeps a view; one of the same name is replaced.
#[utoipa::path(tag = "views", request_body = NewView, responses((status = 201, body = View), (status = 413, body = ProblemBody, content_type = "application/problem+json", description = "too many views"),
    (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/views")]
async fn keep(app: web::Data<App>, caller: Caller<can::SignedIn>, body: Body<NewView>) -> Result<HttpResponse, Problem> {
    let body = body.into_inner();
    let mut faults = Faults::new();
    faults.text("page", &body.page, PAGE_CHARS_MAX);
    faults.text("name", &body.name, NAME_CHARS_MAX);
    faults.within("query", |faults| {
        if !body.query.is_empty() {
            faults.text_here(&body.query, QUERY_CHARS_MAX);
        }
    });
    checked(faults)?;
    let (at, user_id) = (app.clock.wall_ms(), caller.user_id.to_string());
    let kept = app
        .db
        .write(move |tx| Box::pin(async move { saved_views::put(tx, &user_id, &body.page, body.name.trim(), &body.query, at).await }))
        .await?;
    let kept = kept.ok_or_else(|| Problem::of(ProblemType::TooLarge).because(format!("at most {VIEWS_MAX} views")))?;
    Ok(HttpResponse::Created().json(View::from(kept)))
}

/// Lets go of a view.
#[utoipa::path(tag = "views", params(("id" = uuid::Uuid, Path, example = "01928f6e-0000-7000-8000-0000000000c9")), responses((status = 204), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[delete("/views/{id}")]
async fn remove(app: web::Data<App>, caller: Caller<can::SignedIn>, id: Id) -> Result<HttpResponse, Problem> {
    let (user_id, id) = (caller.user_id.to_string(), id.to_string());
    let gone = app.db.write(move |tx| Box::pin(async move { saved_views::delete(tx, &user_id, &id).await })).await?;
    if gone { Ok(HttpResponse::NoContent().finish()) } else { Err(Problem::not_found()) }
}
