//! `GET /paper-wording`: what a phone needs, beside what it gathers, to draw the record on site without a network: wording, and in whose
//! name each office acts. Numbers come from `POST /paper-numbers/reserve`.

use actix_web::{get, web};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::App;
use crate::auth::{Caller, can};
use crate::documents;
use crate::http::{Problem, page};
use crate::store::organizations::{self, OrganizationFilter};

/// Offices that are named; a district has a dozen.
const OFFICES_MAX: i64 = 200;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(wording);
}

/// Wording of the record that phones draw.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"title": "食品安全现场检查记录", "statement": "以上记录已交被检查单位阅看，与现场情况一致。",
    "offices": [{"office_id": "01928f6e-0000-7000-8000-000000000004", "office_name": "东岸市场监管所", "bureau": "明湖区市场监督管理局"}]}))]
struct PaperWording {
    /// As printed on top.
    title: String,
    /// What the premises confirms by its signature.
    statement: String,
    /// Where the caller inspects.
    offices: Vec<OfficeWording>,
}

/// In whose name an office acts.
#[derive(Debug, Serialize, ToSchema)]
struct OfficeWording {
    office_id: String,
    office_name: String,
    bureau: String,
}

/// What phones print on the record they draw.
#[utoipa::path(tag = "documents", responses((status = 200, body = PaperWording)))]
#[get("/paper-wording")]
async fn wording(app: web::Data<App>, caller: Caller<can::InspectionsConduct>) -> Result<web::Json<PaperWording>, Problem> {
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let mut offices = Vec::new();
    let filter = OrganizationFilter { level: Some("office".to_owned()), ..OrganizationFilter::default() };
    for office in organizations::list(conn, &caller.scope(), &filter, &page(Some(OFFICES_MAX), None)?).await? {
        let bureau = documents::bureau(conn, &office.path).await?.name;
        offices.push(OfficeWording { office_id: office.id, office_name: office.name, bureau });
    }
    let on_site = documents::bureau(conn, "").await?.on_site;
    Ok(web::Json(PaperWording { title: on_site.title().to_owned(), statement: on_site.statement().to_owned(), offices }))
}
