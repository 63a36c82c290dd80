//! `/operators`, and the part they have at premises.

use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, put, web};
use mobile_api::field::Faults;
use mobile_api::moment::Moment;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::App;
use crate::auth::{Caller, Session, can};
use crate::domain::operator::{is_credit_code, is_day};
use crate::domain::permission::Permission;
use crate::domain::premises::OperatorPart;
use crate::http::{Args, Body, Chars, Id, Listed, Problem, ProblemBody, checked, listed, page};
use crate::store::journal::Act;
use crate::store::operators::{self, OperatorData, OperatorRow, OperatorScope};
use crate::store::premises;

const NAME_LIMIT: usize = 100;
const TEXT_LIMIT: usize = 500;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(create).service(read).service(change).service(link).service(unlink);
}

/// The firm or school that is answerable.
#[derive(Debug, Serialize, ToSchema)]
struct Operator {
    id: String,
    name: String,
    credit_code: Option<String>,
    contact_name: Option<String>,
    contact_phone: Option<String>,
    licence_number: Option<String>,
    licence_scope: Option<String>,
    #[schema(example = "2028-06-30")]
    licence_expires_on: Option<String>,
    /// Checks a year that the bureau published for this operator; `null`: the general figure holds.
    checks_cap: Option<i64>,
    version: i64,
    created_at: Moment,
    updated_at: Moment,
}

impl From<OperatorRow> for Operator {
    fn from(row: OperatorRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            credit_code: row.credit_code,
            contact_name: row.contact_name,
            contact_phone: row.contact_phone,
            licence_number: row.licence_number,
            licence_scope: row.licence_scope,
            licence_expires_on: row.licence_expires_on,
            checks_cap: row.checks_cap,
            version: row.version,
            created_at: Moment(row.created_at),
            updated_at: Moment(row.updated_at),
        }
    }
}

/// Operators of premises in the caller's part of the tree; those who keep operators also see the ones without premises.
fn scope(session: &Session, permission: Permission) -> OperatorScope {
    OperatorScope { scope: session.access.scope(permission), unlinked: session.access.may(Permission::OperatorsManage) }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListArgs {
    /// Part of the name, its pinyin or initials, of the credit code or the licence number.
    #[param(value_type = Option<String>, max_length = 100)]
    q: Option<Chars<100>>,
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    cursor: Option<String>,
}

/// Operators, by name.
#[utoipa::path(tag = "operators", params(ListArgs), responses((status = 200, body = Listed<Operator>), (status = 400, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/operators")]
async fn list(
    app: web::Data<App>,
    caller: Caller<can::OperatorsRead>,
    args: Args<ListArgs>,
) -> Result<web::Json<Listed<Operator>>, Problem> {
    let page = page(args.limit, args.cursor.as_deref())?;
    let scope = scope(&caller, Permission::OperatorsRead);
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let mut rows = operators::list(conn, &scope, args.q.as_deref(), &page).await?;
    let counted = operators::count(conn, &scope, args.q.as_deref()).await?;
    let next = page.cut(&mut rows, |row| (row.name_key.clone(), row.id.clone()));
    Ok(web::Json(listed(rows.into_iter().map(Operator::from).collect(), next, counted)))
}

/// Reads a member that was sent: `null` clears, absence keeps.
fn sent<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

/// An operator to add, or what to change of one. Members that are absent stay; `null` clears.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"name": "澄江市绿源餐饮管理有限公司", "contact_name": "陈立", "contact_phone": "13800000000", "licence_number": "JY24405150001234", "licence_scope": "热食类食品制售", "licence_expires_on": "2028-06-30"}))]
struct OperatorInput {
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    /// Unified social credit code; no two operators have the same.
    #[serde(deserialize_with = "sent")]
    #[schema(value_type = Option<String>, min_length = 18, max_length = 18, pattern = "^[0-9A-HJ-NP-RT-UW-Y]{18}$")]
    credit_code: Option<Option<String>>,
    #[serde(deserialize_with = "sent")]
    #[schema(value_type = Option<String>, max_length = 100)]
    contact_name: Option<Option<String>>,
    #[serde(deserialize_with = "sent")]
    #[schema(value_type = Option<String>, max_length = 100)]
    contact_phone: Option<Option<String>>,
    #[serde(deserialize_with = "sent")]
    #[schema(value_type = Option<String>, max_length = 100)]
    licence_number: Option<Option<String>>,
    #[serde(deserialize_with = "sent")]
    #[schema(value_type = Option<String>, max_length = 500)]
    licence_scope: Option<Option<String>>,
    #[serde(deserialize_with = "sent")]
    #[schema(value_type = Option<String>, format = Date)]
    licence_expires_on: Option<Option<String>>,
    /// Checks a year that the bureau published for this operator.
    #[serde(deserialize_with = "sent")]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 365)]
    checks_cap: Option<Option<i64>>,
    /// The version that was read; only when changing.
    version: Option<i64>,
}

impl OperatorInput {
    fn over(self, present: Option<OperatorRow>) -> Result<OperatorData, Problem> {
        let mut faults = Faults::new();
        let present = present.map(|row| OperatorData {
            name: row.name,
            credit_code: row.credit_code,
            contact_name: row.contact_name,
            contact_phone: row.contact_phone,
            licence_number: row.licence_number,
            licence_scope: row.licence_scope,
            licence_expires_on: row.licence_expires_on,
            checks_cap: row.checks_cap,
        });
        let mut line = |field: &str, limit: usize, sent: Option<Option<String>>, present: Option<&Option<String>>| match sent {
            None => present.cloned().flatten(),
            Some(text) => {
                faults.optional_text(field, text.as_deref(), limit);
                text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
            }
        };
        let present = present.as_ref();
        let data = OperatorData {
            credit_code: line("credit_code", NAME_LIMIT, self.credit_code, present.map(|row| &row.credit_code)),
            contact_name: line("contact_name", NAME_LIMIT, self.contact_name, present.map(|row| &row.contact_name)),
            contact_phone: line("contact_phone", NAME_LIMIT, self.contact_phone, present.map(|row| &row.contact_phone)),
            licence_number: line("licence_number", NAME_LIMIT, self.licence_number, present.map(|row| &row.licence_number)),
            licence_scope: line("licence_scope", TEXT_LIMIT, self.licence_scope, present.map(|row| &row.licence_scope)),
            licence_expires_on: line("licence_expires_on", NAME_LIMIT, self.licence_expires_on, present.map(|row| &row.licence_expires_on)),
            checks_cap: self.checks_cap.unwrap_or_else(|| present.and_then(|row| row.checks_cap)),
            name: self.name.or_else(|| present.map(|row| row.name.clone())).unwrap_or_default().trim().to_owned(),
        };
        faults.text("name", &data.name, NAME_LIMIT);
        if data.credit_code.as_deref().is_some_and(|code| !is_credit_code(code)) {
            faults.note_at("credit_code", "format", "18 digits and capital letters, without I, O, S, V and Z");
        }
        if data.licence_expires_on.as_deref().is_some_and(|day| !is_day(day)) {
            faults.note_at("licence_expires_on", "format", "a day such as 2028-06-30");
        }
        if data.checks_cap.is_some_and(|cap| !(1..=365).contains(&cap)) {
            faults.note_at("checks_cap", "out_of_range", "1 to 365 checks a year");
        }
        checked(faults)?;
        Ok(data)
    }
}

/// Adds an operator.
#[utoipa::path(tag = "operators", request_body = OperatorInput,
    responses((status = 201, body = Operator), (status = 409, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/operators")]
async fn create(app: web::Data<App>, caller: Caller<can::OperatorsManage>, body: Body<OperatorInput>) -> Result<HttpResponse, Problem> {
    let data = body.into_inner().over(None)?;
    let (scope, actor, at) = (scope(&caller, Permission::OperatorsManage), caller.actor.clone(), app.clock.wall_ms());
    let row = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                let id = operators::insert(tx, &data, at).await?;
                tx.audit(
                    at,
                    Act { actor: &actor, action: "create", entity: Some(("operator", &id)), path: "/", detail: json!({"name": data.name}) },
                )
                .await?;
                operators::get(tx, &scope, &id).await?.ok_or_else(Problem::not_found)
            })
        })
        .await?;
    Ok(HttpResponse::Created().json(Operator::from(row)))
}

/// One operator.
#[utoipa::path(tag = "operators", params(("id" = String, Path)), responses((status = 200, body = Operator), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/operators/{id}")]
async fn read(app: web::Data<App>, caller: Caller<can::OperatorsRead>, id: Id) -> Result<web::Json<Operator>, Problem> {
    let row = operators::get(&mut app.db.read().await?.conn(), &scope(&caller, Permission::OperatorsRead), &id.to_string()).await?;
    Ok(web::Json(row.ok_or_else(Problem::not_found)?.into()))
}

/// Changes an operator.
#[utoipa::path(tag = "operators", params(("id" = String, Path)), request_body(content = OperatorInput, example = json!({"contact_phone": "13900000000", "version": 1})),
    responses((status = 200, body = Operator), (status = 404, body = ProblemBody, content_type = "application/problem+json"), (status = 409, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[patch("/operators/{id}")]
async fn change(
    app: web::Data<App>,
    caller: Caller<can::OperatorsManage>,
    id: Id,
    body: Body<OperatorInput>,
) -> Result<web::Json<Operator>, Problem> {
    let body = body.into_inner();
    let version = body.version.ok_or_else(|| Problem::field("/version", "required", "the version that was read"))?;
    let (scope, actor, at, id) = (scope(&caller, Permission::OperatorsManage), caller.actor.clone(), app.clock.wall_ms(), id.to_string());
    let row = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                let row = operators::get(tx, &scope, &id).await?.ok_or_else(Problem::not_found)?;
                let data = body.over(Some(row.clone()))?;
                if !operators::update(tx, &id, &data, version, at).await? {
                    return Err(Problem::stale(Operator::from(row)));
                }
                tx.audit(
                    at,
                    Act { actor: &actor, action: "update", entity: Some(("operator", &id)), path: "/", detail: json!({"name": data.name}) },
                )
                .await?;
                operators::get(tx, &scope, &id).await?.ok_or_else(Problem::not_found)
            })
        })
        .await?;
    Ok(web::Json(row.into()))
}

/// The part an operator has at a premises, and when.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"part": "contractor", "valid_from": "2026-09-01"}))]
struct PartInput {
    part: OperatorPart,
    /// From the beginning where absent.
    #[schema(format = Date)]
    valid_from: Option<String>,
    /// Until further notice where absent.
    #[schema(format = Date)]
    valid_until: Option<String>,
}

/// Ids of premises and operator in the path; what is no id names nothing.
fn ids(request: &HttpRequest) -> Result<(String, String), Problem> {
    let id = |name: &str| request.match_info().get(name).and_then(|text| text.parse::<Uuid>().ok()).map(|id| id.to_string());
    id("id").zip(id("operator_id")).ok_or_else(Problem::not_found)
}

/// Says which part an operator has at a premises.
#[utoipa::path(tag = "operators", params(("id" = String, Path), ("operator_id" = String, Path)), request_body = PartInput,
    responses((status = 204), (status = 404, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[put("/premises/{id}/operators/{operator_id}")]
async fn link(
    app: web::Data<App>,
    request: HttpRequest,
    caller: Caller<can::PremisesManage>,
    body: Body<PartInput>,
) -> Result<HttpResponse, Problem> {
    let (premises_id, operator_id) = ids(&request)?;
    let body = body.into_inner();
    let mut faults = Faults::new();
    for (field, day) in [("valid_from", &body.valid_from), ("valid_until", &body.valid_until)] {
        if day.as_deref().is_some_and(|day| !is_day(day)) {
            faults.note_at(field, "format", "a day such as 2026-09-01");
        }
    }
    if body.valid_from.as_deref().zip(body.valid_until.as_deref()).is_some_and(|(from, until)| until < from) {
        faults.note_at("valid_until", "out_of_range", "not before valid_from");
    }
    checked(faults)?;
    let operator_scope = OperatorScope { scope: caller.access.any_scope(), unlinked: true };
    let (scope, actor, at) = (caller.scope(), caller.actor.clone(), app.clock.wall_ms());
    app.db
        .write(move |tx| {
            Box::pin(async move {
                let row = premises::get(tx, &scope, &premises_id).await?.ok_or_else(Problem::not_found)?;
                operators::get(tx, &operator_scope, &operator_id).await?.ok_or_else(Problem::not_found)?;
                let days = (body.valid_from.as_deref(), body.valid_until.as_deref());
                operators::link(tx, (&row.id, &row.path), &operator_id, body.part.as_str(), days, at).await?;
                let detail = json!({"operator_id": operator_id, "part": body});
                tx.audit(at, Act { actor: &actor, action: "operator_link", entity: Some(("premises", &row.id)), path: &row.path, detail })
                    .await?;
                Ok::<_, Problem>(())
            })
        })
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Takes an operator's part at a premises back.
#[utoipa::path(tag = "operators", params(("id" = String, Path), ("operator_id" = String, Path)),
    responses((status = 204), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[delete("/premises/{id}/operators/{operator_id}")]
async fn unlink(app: web::Data<App>, request: HttpRequest, caller: Caller<can::PremisesManage>) -> Result<HttpResponse, Problem> {
    let (premises_id, operator_id) = ids(&request)?;
    let (scope, actor, at) = (caller.scope(), caller.actor.clone(), app.clock.wall_ms());
    app.db
        .write(move |tx| {
            Box::pin(async move {
                let row = premises::get(tx, &scope, &premises_id).await?.ok_or_else(Problem::not_found)?;
                if !operators::unlink(tx, (&row.id, &row.path), &operator_id, at).await? {
                    return Err(Problem::not_found());
                }
                let detail = json!({"operator_id": operator_id});
                tx.audit(
                    at,
                    Act { actor: &actor, action: "operator_unlink", entity: Some(("premises", &row.id)), path: &row.path, detail },
                )
                .await?;
                Ok(())
            })
        })
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
