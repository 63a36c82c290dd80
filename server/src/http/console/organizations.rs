//! `/organizations`: the tree city > district > office.

use actix_web::{HttpResponse, get, patch, post, web};
use mobile_api::field::Faults;
use mobile_api::moment::Moment;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::App;
use crate::auth::{Caller, can};
use crate::domain::organization::Level;
use crate::http::{Args, Body, Chars, Id, Listed, Problem, ProblemBody, checked, listed, page};
use crate::store::journal::Act;
use crate::store::organizations::{self, OrganizationFilter, OrganizationRow};
use crate::store::{StoreError, Tx, users};

const NAME_LIMIT: usize = 100;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(create).service(read).service(change);
}

/// An authority.
#[derive(Debug, Serialize, ToSchema)]
struct Organization {
    id: String,
    #[schema(example = "澄江市场监管所")]
    name: String,
    level: String,
    parent_id: Option<String>,
    /// Premises below it that are not disabled.
    premises_count: i64,
    version: i64,
    created_at: Moment,
    updated_at: Moment,
}

impl From<OrganizationRow> for Organization {
    fn from(row: OrganizationRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            level: row.level,
            parent_id: row.parent_id,
            premises_count: row.premises_count,
            version: row.version,
            created_at: Moment(row.created_at),
            updated_at: Moment(row.updated_at),
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListArgs {
    /// city, district or office
    level: Option<Level>,
    /// What lies right below this node.
    parent_id: Option<String>,
    /// Part of the name, of its pinyin, or of its initials.
    #[param(value_type = Option<String>, max_length = 100)]
    q: Option<Chars<100>>,
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    cursor: Option<String>,
}

/// Authorities of the caller's part of the tree, by name.
#[utoipa::path(tag = "organizations", params(ListArgs), responses((status = 200, body = Listed<Organization>), (status = 400, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/organizations")]
async fn list(
    app: web::Data<App>,
    caller: Caller<can::OrganizationsRead>,
    args: Args<ListArgs>,
) -> Result<web::Json<Listed<Organization>>, Problem> {
    let page = page(args.limit, args.cursor.as_deref())?;
    let filter = OrganizationFilter {
        level: args.level.map(|level| level.as_str().to_owned()),
        parent_id: args.parent_id.clone(),
        text: args.q.clone().map(String::from),
    };
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let mut rows = organizations::list(conn, &caller.scope(), &filter, &page).await?;
    let counted = organizations::count(conn, &caller.scope(), &filter).await?;
    let next = page.cut(&mut rows, |row| (row.name_key.clone(), row.id.clone()));
    Ok(web::Json(listed(rows.into_iter().map(Organization::from).collect(), next, counted)))
}

/// A node to add.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "澄海区市场监督管理局", "level": "district"}))]
struct NewOrganization {
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    level: Level,
    /// The node above; none for the top of a tree.
    parent_id: Option<String>,
}

/// Adds a node: a city or district at the top, a district below a city, an office below a district.
#[utoipa::path(tag = "organizations", request_body = NewOrganization, responses((status = 201, body = Organization), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/organizations")]
async fn create(
    app: web::Data<App>,
    caller: Caller<can::OrganizationsManage>,
    body: Body<NewOrganization>,
) -> Result<HttpResponse, Problem> {
    let body = body.into_inner();
    let scope = caller.scope();
    let mut faults = Faults::new();
    faults.text("name", &body.name, NAME_LIMIT);
    let parent = match &body.parent_id {
        Some(id) => organizations::get(&mut app.db.read().await?.conn(), &scope, id).await?,
        None => None,
    };
    if body.parent_id.is_some() && parent.is_none() {
        faults.note_at("parent_id", "unknown", "no such organization");
    } else if !body.level.fits_below(parent.as_ref().and_then(|row| row.level.parse().ok())) {
        faults.note_at(
            "level",
            "out_of_range",
            "a city or district stands at the top, a district below a city, an office below a district",
        );
    }
    checked(faults)?;
    if parent.is_none() && !scope.reaches_top() {
        return Err(Problem::forbidden());
    }
    let at = app.clock.wall_ms();
    let (actor, user_id) = (caller.actor.clone(), caller.user_id.to_string());
    let id = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                let above = parent.as_ref().map(|row| (row.id.as_str(), row.path.as_str()));
                let (id, path) = organizations::insert(tx, body.name.trim(), body.level, above, at).await?;
                if above.is_none() {
                    stand_at(tx, &user_id, &id, &path).await?;
                }
                tx.audit(
                    at,
                    Act {
                        actor: &actor,
                        action: "create",
                        entity: Some(("organization", &id)),
                        path: &path,
                        detail: json!({"name": body.name, "level": body.level}),
                    },
                )
                .await?;
                Ok::<_, Problem>(id)
            })
        })
        .await?;
    // The caller's scope was read before a new top was added to it.
    let row =
        organizations::get(&mut app.db.read().await?.conn(), &crate::auth::Scope::system(), &id).await?.ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Created().json(Organization::from(row)))
}

/// Who adds a new top has there what they have at the top they stand at: it would else belong to nobody.
async fn stand_at(tx: &mut Tx<'_>, user_id: &str, id: &str, path: &str) -> Result<(), StoreError> {
    let grants = users::grants(tx, user_id).await?;
    for grant in grants.iter().filter(|grant| grant.node_path.matches('/').count() == 2) {
        users::grant(tx, user_id, &grant.role, id, path, grant.valid_until).await?;
    }
    users::grants_changed(tx, user_id).await
}

/// One authority.
#[utoipa::path(tag = "organizations", params(("id" = String, Path)), responses((status = 200, body = Organization), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/organizations/{id}")]
async fn read(app: web::Data<App>, caller: Caller<can::OrganizationsRead>, id: Id) -> Result<web::Json<Organization>, Problem> {
    let row = organizations::get(&mut app.db.read().await?.conn(), &caller.scope(), &id.to_string()).await?;
    Ok(web::Json(row.ok_or_else(Problem::not_found)?.into()))
}

/// A new name.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "澄海区市场监督管理局", "version": 1}))]
struct OrganizationChange {
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// The version that was read.
    version: i64,
}

/// Renames a node.
#[utoipa::path(tag = "organizations", params(("id" = String, Path)), request_body = OrganizationChange,
    responses((status = 200, body = Organization), (status = 404, body = ProblemBody, content_type = "application/problem+json"), (status = 409, body = ProblemBody, content_type = "application/problem+json")))]
#[patch("/organizations/{id}")]
async fn change(
    app: web::Data<App>,
    caller: Caller<can::OrganizationsManage>,
    id: Id,
    body: Body<OrganizationChange>,
) -> Result<web::Json<Organization>, Problem> {
    let body = body.into_inner();
    let mut faults = Faults::new();
    faults.text("name", &body.name, NAME_LIMIT);
    checked(faults)?;
    let (scope, actor, at, id) = (caller.scope(), caller.actor.clone(), app.clock.wall_ms(), id.to_string());
    let row = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                let row = organizations::get(tx, &scope, &id).await?.ok_or_else(Problem::not_found)?;
                if !organizations::rename(tx, &row, body.name.trim(), body.version, at).await? {
                    return Err(Problem::stale(Organization::from(row)));
                }
                tx.audit(
                    at,
                    Act {
                        actor: &actor,
                        action: "update",
                        entity: Some(("organization", &id)),
                        path: &row.path,
                        detail: json!({"name": body.name}),
                    },
                )
                .await?;
                organizations::get(tx, &scope, &id).await?.ok_or_else(Problem::not_found)
            })
        })
        .await?;
    Ok(web::Json(row.into()))
}
