//! `/premises`: the places that are supervised.

use actix_web::{HttpResponse, get, patch, post, web};
use mobile_api::field::Faults;
use mobile_api::moment::Moment;
use mobile_api::problem::ProblemType;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::App;
use crate::auth::{Caller, Scope, can};
use crate::domain::geo;
use crate::domain::permission::Permission;
use crate::domain::premises::{Datum, PremisesKind, RiskGrade, ServiceHours};
use crate::http::{Args, Body, Chars, Id, Listed, Problem, ProblemBody, checked, listed, page};
use crate::store::journal::Act;
use crate::store::operators;
use crate::store::organizations::{self, OrganizationRow};
use crate::store::premises::{self, PremisesData, PremisesFilter, PremisesRow, PremisesSort};
use crate::store::{Conn, StoreError};

const NAME_LIMIT: usize = 100;
const TEXT_LIMIT: usize = 200;
const SERVICE_HOURS_LIMIT: usize = 14;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(create).service(read).service(change).service(merge);
}

/// An operator of a premises.
#[derive(Debug, Serialize, ToSchema)]
struct OperatorPartView {
    operator_id: String,
    name: String,
    /// own, contractor or supplier
    part: String,
    valid_from: Option<String>,
    valid_until: Option<String>,
}

/// How many cameras it has and how many deliver pictures.
#[derive(Debug, Serialize, ToSchema)]
struct CameraCounts {
    total: i64,
    online: i64,
}

/// The newest submitted inspection.
#[derive(Debug, Serialize, ToSchema)]
struct LastInspection {
    id: String,
    /// conforms, basically_conforms or does_not_conform
    result: Option<String>,
    /// When it was made, as far as the phone can be believed.
    happened_at: Option<Moment>,
    submitted_at: Option<Moment>,
}

/// A premises.
#[derive(Debug, Serialize, ToSchema)]
struct Premises {
    id: String,
    name: String,
    kind: String,
    organization_id: String,
    organization_name: String,
    address: Option<String>,
    /// WGS-84 degrees.
    latitude: Option<f64>,
    longitude: Option<f64>,
    /// The datum it was given in.
    datum: Option<String>,
    school: Option<String>,
    diners: Option<i64>,
    risk_grade: Option<String>,
    grid: Option<String>,
    code: Option<String>,
    service_hours: Vec<ServiceHours>,
    disabled: bool,
    /// The premises that has everything of this one, where it was a double.
    merged_into: Option<String>,
    /// Only on the page of one premises.
    #[serde(skip_serializing_if = "Option::is_none")]
    operators: Option<Vec<OperatorPartView>>,
    cameras: CameraCounts,
    open_alerts: i64,
    last_inspection: Option<LastInspection>,
    version: i64,
    created_at: Moment,
    updated_at: Moment,
}

impl TryFrom<PremisesRow> for Premises {
    type Error = StoreError;
    fn try_from(row: PremisesRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id,
            name: row.name,
            kind: row.kind,
            organization_id: row.organization_id,
            organization_name: row.organization_name,
            address: row.address,
            latitude: row.latitude,
            longitude: row.longitude,
            datum: row.source_datum,
            school: row.school,
            diners: row.diners,
            risk_grade: row.risk_grade,
            grid: row.grid,
            code: row.code,
            service_hours: serde_json::from_str(&row.service_hours).map_err(StoreError::damaged)?,
            disabled: row.disabled_at.is_some(),
            merged_into: row.merged_into,
            operators: None,
            cameras: CameraCounts { total: row.cameras_total, online: row.cameras_online },
            open_alerts: row.open_alerts,
            last_inspection: row.last_inspection_id.map(|id| LastInspection {
                id,
                result: row.last_inspection_outcome,
                happened_at: row.last_inspection_happened_at.map(Moment),
                submitted_at: row.last_inspection_submitted_at.map(Moment),
            }),
            version: row.version,
            created_at: Moment(row.created_at),
            updated_at: Moment(row.updated_at),
        })
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListArgs {
    /// Part of the name, of its pinyin or initials, of the address or the code.
    #[param(value_type = Option<String>, max_length = 100)]
    q: Option<Chars<100>>,
    kind: Option<PremisesKind>,
    /// Anything below this node.
    organization_id: Option<Uuid>,
    disabled: Option<bool>,
    risk_grade: Option<RiskGrade>,
    /// name, -name or updated_at (newest first)
    #[param(inline)]
    sort: Option<SortArg>,
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    cursor: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
enum SortArg {
    #[serde(rename = "name")]
    Name,
    #[serde(rename = "-name")]
    NameDescending,
    #[serde(rename = "updated_at")]
    Updated,
}

impl ListArgs {
    pub(super) fn filter(&self) -> PremisesFilter {
        PremisesFilter {
            text: self.q.clone().map(String::from),
            kind: self.kind.map(|kind| kind.as_str().to_owned()),
            organization_id: self.organization_id.map(|id| id.to_string()),
            disabled: self.disabled,
            risk_grade: self.risk_grade.map(|grade| grade.as_str().to_owned()),
        }
    }
}

/// Premises of the caller's part of the tree.
#[utoipa::path(tag = "premises", params(ListArgs), responses((status = 200, body = Listed<Premises>), (status = 400, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/premises")]
async fn list(
    app: web::Data<App>,
    caller: Caller<can::PremisesRead>,
    args: Args<ListArgs>,
) -> Result<web::Json<Listed<Premises>>, Problem> {
    let page = page(args.limit, args.cursor.as_deref())?;
    let filter = args.filter();
    let sort = match args.sort {
        None | Some(SortArg::Name) => PremisesSort::Name,
        Some(SortArg::NameDescending) => PremisesSort::NameDescending,
        Some(SortArg::Updated) => PremisesSort::Updated,
    };
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let mut rows = premises::list(conn, &caller.scope(), &filter, sort, &page).await?;
    let counted = premises::count(conn, &caller.scope(), &filter).await?;
    let next = page.cut(&mut rows, |row| premises::sort_key(row, sort));
    let items = rows.into_iter().map(Premises::try_from).collect::<Result<_, _>>()?;
    Ok(web::Json(listed(items, next, counted)))
}

/// Reads a member that was sent: `null` clears, absence keeps.
fn sent<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

/// A premises to add, or what to change of one. Members that are absent stay; `null` clears.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"name": "澄海实验幼儿园食堂", "kind": "kindergarten_canteen", "organization_id": "01928f6e-0000-7000-8000-000000000004", "address": "文祠西路 12 号", "latitude": 23.4656, "longitude": 116.7561, "risk_grade": "B"}))]
pub(super) struct PremisesInput {
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    kind: Option<PremisesKind>,
    /// An office, or a district without offices.
    organization_id: Option<String>,
    #[serde(deserialize_with = "sent")]
    #[schema(value_type = Option<String>, max_length = 200)]
    address: Option<Option<String>>,
    /// Degrees; with longitude.
    #[serde(deserialize_with = "sent")]
    #[schema(value_type = Option<f64>)]
    latitude: Option<Option<f64>>,
    #[serde(deserialize_with = "sent")]
    #[schema(value_type = Option<f64>)]
    longitude: Option<Option<f64>>,
    /// Datum of the point as given; wgs84 unless said.
    datum: Option<Datum>,
    #[serde(deserialize_with = "sent")]
    #[schema(value_type = Option<String>, max_length = 200)]
    school: Option<Option<String>>,
    #[serde(deserialize_with = "sent")]
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 1000000)]
    diners: Option<Option<i64>>,
    #[serde(deserialize_with = "sent")]
    #[schema(value_type = Option<RiskGrade>)]
    risk_grade: Option<Option<RiskGrade>>,
    #[serde(deserialize_with = "sent")]
    #[schema(value_type = Option<String>, max_length = 100)]
    grid: Option<Option<String>>,
    /// The code at the door; no two premises have the same.
    #[serde(deserialize_with = "sent")]
    #[schema(value_type = Option<String>, max_length = 100)]
    code: Option<Option<String>>,
    #[schema(max_items = 14)]
    service_hours: Option<Vec<ServiceHours>>,
    /// Taken out of supervision; what was recorded of it stays.
    disabled: Option<bool>,
    /// The version that was read; only when changing.
    version: Option<i64>,
}

impl PremisesInput {
    /// What is to be stored: this input over what there is. Looks up the organization in the caller's scope.
    pub(super) async fn over(self, conn: &mut Conn<'_>, scope: &Scope, present: Option<&PremisesRow>) -> Result<PremisesData, Problem> {
        let mut faults = Faults::new();
        let line = |faults: &mut Faults, field: &str, limit: usize, sent: Option<Option<String>>, present: Option<String>| match sent {
            None => present,
            Some(text) => {
                faults.optional_text(field, text.as_deref(), limit);
                text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
            }
        };
        let name = self.name.or_else(|| present.map(|row| row.name.clone())).unwrap_or_default();
        faults.text("name", &name, NAME_LIMIT);
        let kind = self.kind.map(|kind| kind.as_str().to_owned()).or_else(|| present.map(|row| row.kind.clone()));
        if kind.is_none() {
            faults.note_at("kind", "required", "must be given");
        }
        let organization_id = self.organization_id.or_else(|| present.map(|row| row.organization_id.clone()));
        let organization = match &organization_id {
            Some(id) => organizations::get(conn, scope, id).await?,
            None => None,
        };
        check_organization(&mut faults, organization_id.is_some(), organization.as_ref());
        let address = line(&mut faults, "address", TEXT_LIMIT, self.address, present.and_then(|row| row.address.clone()));
        let school = line(&mut faults, "school", TEXT_LIMIT, self.school, present.and_then(|row| row.school.clone()));
        let grid = line(&mut faults, "grid", NAME_LIMIT, self.grid, present.and_then(|row| row.grid.clone()));
        let code = line(&mut faults, "code", NAME_LIMIT, self.code, present.and_then(|row| row.code.clone()));
        let datum = self.datum.unwrap_or(Datum::Wgs84);
        let (point, source_datum) =
            match (self.latitude.flatten(), self.longitude.flatten(), self.latitude.is_some() || self.longitude.is_some()) {
                (_, _, false) => {
                    (present.and_then(|row| Some((row.latitude?, row.longitude?))), present.and_then(|row| row.source_datum.clone()))
                }
                (None, None, true) => (None, None),
                (Some(latitude), Some(longitude), true) if geo::is_point(latitude, longitude) => {
                    (Some(geo::to_wgs84(datum, latitude, longitude)), Some(datum.as_str().to_owned()))
                }
                _ => {
                    faults.note_at("latitude", "out_of_range", "latitude (-90 to 90) and longitude (-180 to 180) go together");
                    (None, None)
                }
            };
        let diners = self.diners.unwrap_or_else(|| present.and_then(|row| row.diners));
        if diners.is_some_and(|diners| !(0..=1_000_000).contains(&diners)) {
            faults.note_at("diners", "out_of_range", "0 to 1,000,000");
        }
        let service_hours = match self.service_hours {
            None => present.map_or_else(|| "[]".to_owned(), |row| row.service_hours.clone()),
            Some(hours) => {
                faults.count("service_hours", hours.len(), SERVICE_HOURS_LIMIT);
                for (at, span) in hours.iter().enumerate().filter(|(_, span)| !span.is_valid()) {
                    faults.within("service_hours", |faults| {
                        faults.note_at(at, "format", format!("days 1 to 7, times HH:MM in order; not {}-{}", span.from, span.to))
                    });
                }
                serde_json::to_string(&hours).map_err(StoreError::damaged)?
            }
        };
        checked(faults)?;
        let organization = organization.ok_or_else(Problem::not_found)?;
        Ok(PremisesData {
            organization_id: organization.id,
            organization_path: organization.path,
            kind: kind.unwrap_or_default(),
            name: name.trim().to_owned(),
            address,
            point,
            source_datum,
            school,
            diners,
            risk_grade: match self.risk_grade {
                Some(grade) => grade.map(|grade| grade.as_str().to_owned()),
                None => present.and_then(|row| row.risk_grade.clone()),
            },
            grid,
            code,
            service_hours,
            disabled: self.disabled.unwrap_or_else(|| present.is_some_and(|row| row.disabled_at.is_some())),
        })
    }
}

fn check_organization(faults: &mut Faults, given: bool, organization: Option<&OrganizationRow>) {
    match organization {
        None if !given => faults.note_at("organization_id", "required", "must be given"),
        None => faults.note_at("organization_id", "unknown", "no such organization"),
        Some(row) if row.level == "city" => {
            faults.note_at("organization_id", "out_of_range", "premises hang below an office or a district")
        }
        Some(_) => {}
    }
}

/// Adds a premises.
#[utoipa::path(tag = "premises", request_body = PremisesInput,
    responses((status = 201, body = Premises), (status = 409, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/premises")]
async fn create(app: web::Data<App>, caller: Caller<can::PremisesManage>, body: Body<PremisesInput>) -> Result<HttpResponse, Problem> {
    let (scope, actor, at, body) = (caller.scope(), caller.actor.clone(), app.clock.wall_ms(), body.into_inner());
    let row = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                let data = body.over(tx, &scope, None).await?;
                let id = premises::insert(tx, Uuid::now_v7(), &data, at).await?;
                let row = premises::get(tx, &scope, &id).await?.ok_or_else(Problem::not_found)?;
                tx.audit(
                    at,
                    Act {
                        actor: &actor,
                        action: "create",
                        entity: Some(("premises", &id)),
                        path: &row.path,
                        detail: json!({"name": row.name, "kind": row.kind}),
                    },
                )
                .await?;
                Ok::<_, Problem>(row)
            })
        })
        .await?;
    Ok(HttpResponse::Created().json(Premises::try_from(row)?))
}

/// One premises, with its operators.
#[utoipa::path(tag = "premises", params(("id" = String, Path)), responses((status = 200, body = Premises), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/premises/{id}")]
async fn read(app: web::Data<App>, caller: Caller<can::PremisesRead>, id: Id) -> Result<web::Json<Premises>, Problem> {
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let row = premises::get(conn, &caller.scope(), &id.to_string()).await?.ok_or_else(Problem::not_found)?;
    let mut view = Premises::try_from(row)?;
    if caller.access.may(Permission::OperatorsRead) {
        let parts = operators::of_premises(conn, &view.id).await?;
        view.operators = Some(
            parts
                .into_iter()
                .map(|row| OperatorPartView {
                    operator_id: row.operator_id,
                    name: row.name,
                    part: row.part,
                    valid_from: row.valid_from,
                    valid_until: row.valid_until,
                })
                .collect(),
        );
    }
    Ok(web::Json(view))
}

/// Changes a premises.
#[utoipa::path(tag = "premises", params(("id" = String, Path)), request_body(content = PremisesInput, example = json!({"diners": 320, "version": 1})),
    responses((status = 200, body = Premises), (status = 404, body = ProblemBody, content_type = "application/problem+json"), (status = 409, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[patch("/premises/{id}")]
async fn change(
    app: web::Data<App>,
    caller: Caller<can::PremisesManage>,
    id: Id,
    body: Body<PremisesInput>,
) -> Result<web::Json<Premises>, Problem> {
    let (scope, actor, at, id, body) = (caller.scope(), caller.actor.clone(), app.clock.wall_ms(), id.to_string(), body.into_inner());
    let version = body.version.ok_or_else(|| Problem::field("/version", "required", "the version that was read"))?;
    let row = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                let row = premises::get(tx, &scope, &id).await?.ok_or_else(Problem::not_found)?;
                let data = body.over(tx, &scope, Some(&row)).await?;
                if !premises::update(tx, &row, &data, version, at).await? {
                    return Err(Problem::stale(Premises::try_from(row)?));
                }
                tx.audit(
                    at,
                    Act {
                        actor: &actor,
                        action: "update",
                        entity: Some(("premises", &id)),
                        path: &row.path,
                        detail: json!({"name": data.name, "disabled": data.disabled}),
                    },
                )
                .await?;
                premises::get(tx, &scope, &id).await?.ok_or_else(Problem::not_found)
            })
        })
        .await?;
    Ok(web::Json(row.try_into()?))
}

/// A double to merge into another premises.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PremisesMerge, example = json!({"into": "01928f6e-0000-7000-8000-000000000001", "version": 1, "reason": "同一食堂登记了两次"}))]
struct MergeRequest {
    /// The premises that stays and has everything from then on.
    into: Uuid,
    /// The version of the double that was read.
    version: i64,
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

const REASON_LIMIT: usize = 500;

/// Merges a double into another premises: cameras, alerts, inspections, papers, orders, operators and grants belong to the one that
/// stays; the double stays as a stone that names it, and what phones still bring of it goes to the one that stays. It is not undone.
#[utoipa::path(tag = "premises", params(("id" = Uuid, Path, description = "the double", example = "01928f6e-0000-7000-8000-000000000114")), request_body = MergeRequest,
    responses((status = 200, body = Premises, description = "the one that stays"), (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/premises/{id}/merge")]
async fn merge(
    app: web::Data<App>,
    caller: Caller<can::PremisesMerge>,
    id: Id,
    body: Body<MergeRequest>,
) -> Result<web::Json<Premises>, Problem> {
    let (scope, actor, at, id, body) = (caller.scope(), caller.actor.clone(), app.clock.wall_ms(), id.to_string(), body.into_inner());
    let mut faults = Faults::new();
    faults.text("reason", &body.reason, REASON_LIMIT);
    if body.into.to_string() == id {
        faults.note_at("into", "duplicate", "another premises");
    }
    checked(faults)?;
    let row = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                let double = premises::get(tx, &scope, &id).await?.ok_or_else(Problem::not_found)?;
                let into = premises::get(tx, &scope, &body.into.to_string()).await?;
                let into = into.ok_or_else(|| Problem::field("/into", "unknown", "no such premises, or not in your area"))?;
                if double.merged_into.is_some() || into.merged_into.is_some() {
                    let problem = Problem::of(ProblemType::Conflict).because("it was merged before");
                    return Err(problem.with("merged_into", double.merged_into.or(into.merged_into)));
                }
                if into.disabled_at.is_some() {
                    return Err(Problem::field("/into", "out_of_range", "it is taken out of supervision"));
                }
                if !premises::merge(tx, &double, &into, body.version, at).await? {
                    return Err(Problem::stale(Premises::try_from(double)?));
                }
                let detail = json!({"into": into.id, "name": double.name, "into_name": into.name, "reason": body.reason});
                tx.audit(at, Act { actor: &actor, action: "merge", entity: Some(("premises", &double.id)), path: &double.path, detail })
                    .await?;
                premises::get(tx, &scope, &into.id).await?.ok_or_else(Problem::not_found)
            })
        })
        .await?;
    Ok(web::Json(row.try_into()?))
}
