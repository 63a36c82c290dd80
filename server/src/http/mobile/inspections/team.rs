//! `GET /inspections/{id}/parts`: what each officer of an inspection has sent. The lead's phone joins the parts, chooses where
//! two say different things, and submits them by hash; another officer's phone sees whose section is done.

use actix_web::{get, web};
use mobile_api::Moment;
use mobile_api::inspection::{DoorScan, Header, PartContent};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::App;
use crate::auth::{Caller, can};
use crate::http::{Id, Problem, ProblemBody};
use crate::store::{StoreError, inspections};

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(parts);
}

/// A part as it is stored.
#[derive(Debug, Serialize, ToSchema)]
struct TeamPart {
    id: Uuid,
    owner_id: Uuid,
    owner_name: String,
    device_id: String,
    revision: i64,
    content_sha256: String,
    /// As sent.
    #[schema(value_type = PartContent)]
    content: Value,
    received_at: Moment,
    /// Of the visit that the part records: whether the code scanned on coming, and on going, was that of this premises' door;
    /// `null` where none was scanned.
    door: Door,
}

/// Whether the codes that were scanned hang at this premises' door.
#[derive(Debug, Serialize, ToSchema)]
struct Door {
    opened: Option<bool>,
    closed: Option<bool>,
}

/// What the officers of an inspection have sent.
#[derive(Debug, Serialize, ToSchema)]
struct Team {
    /// draft, submitted or complete
    #[schema(example = "draft")]
    state: String,
    lead_id: Uuid,
    /// As sent: another officer joins with this very header.
    #[schema(value_type = Header)]
    header: Value,
    header_sha256: String,
    parts: Vec<TeamPart>,
}

/// The parts of an inspection of the caller's own.
#[utoipa::path(tag = "inspections", params(("id" = Uuid, Path, example = "01928f6e-0000-7000-8000-000000000010")),
    responses((status = 200, body = Team), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/inspections/{id}/parts")]
async fn parts(app: web::Data<App>, caller: Caller<can::InspectionsConduct>, id: Id) -> Result<web::Json<Team>, Problem> {
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let row = inspections::get_own(conn, &caller.user_id.to_string(), &id.to_string()).await?.ok_or_else(Problem::not_found)?;
    let parts = inspections::parts(conn, &row.id).await?;
    let mark = app.sealer.door_mark(&row.premises_id);
    let right = |scan: &DoorScan| scan.premises_id.to_string() == row.premises_id && scan.mark == mark;
    let parts = parts
        .into_iter()
        .map(|part| {
            let visit = part.parsed()?.visit.unwrap_or_default();
            Ok(TeamPart {
                door: Door { opened: visit.opened.as_ref().map(right), closed: visit.closed.as_ref().map(right) },
                id: part.id.parse().map_err(StoreError::damaged)?,
                owner_id: part.owner_id.parse().map_err(StoreError::damaged)?,
                owner_name: part.owner_name,
                device_id: part.device_id,
                revision: part.revision,
                content_sha256: part.content_sha256,
                content: serde_json::from_str(&part.content).map_err(StoreError::damaged)?,
                received_at: Moment(part.received_at),
            })
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    Ok(web::Json(Team {
        lead_id: row.lead_id.parse().map_err(StoreError::damaged)?,
        header: serde_json::from_str(&row.header).map_err(StoreError::damaged)?,
        header_sha256: row.header_sha256,
        state: row.state,
        parts,
    }))
}
