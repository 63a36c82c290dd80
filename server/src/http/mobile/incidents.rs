//! `PUT /incidents/{id}`: suspected food poisoning, reported in one action from a phone or a desk.
//!
//! One request does it all: the report, the limits that run, the recordings and samples on hold, everybody who must know. The same
//! again is answered 200 and changes nothing; another content under the same id is 409 with both named. Photos come by tus, after.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, put, web};
use mobile_api::Moment;
use mobile_api::field::Faults;
use mobile_api::incident::{IncidentStored, PutIncident};
use mobile_api::inspection::originals::Standing;
use mobile_api::inspection::{ContentNamed, MissingEvidence};
use mobile_api::problem::ProblemType;
use serde_json::json;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::App;
use crate::auth::{Caller, Session, can};
use crate::domain::happened::happened;
use crate::domain::permission::Permission;
use crate::http::{Body, Id, Problem, ProblemBody, checked};
use crate::store::incidents::{self, IncidentRow, NewIncident};
use crate::store::work::By;
use crate::store::{Conn, StoreError, Tx, evidence, premises, work};

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(put);
}

/// Reports suspected food poisoning. Recordings of every camera of the premises and its retained samples are on hold from then on,
/// until somebody who may release ends the report with a reason. The same again answers 200; another content under this id 409 with
/// both hashes.
#[utoipa::path(tag = "incidents", params(("id" = Uuid, Path, description = "made by the client, UUIDv7", example = "01928f6e-0000-7000-8000-000000000122")),
    request_body(content = PutIncident, example = json!({
        "content": {"premises_id": "01928f6e-0000-7000-8000-000000000001", "source": "school", "on_site": true, "people": 12, "in_hospital": 3,
            "onset_at": "2026-11-23T05:30:00.000Z", "symptoms": ["vomiting", "abdominal_pain"], "meal": {"day": "2026-11-23", "meal": "lunch", "foods": "四季豆炒肉"},
            "stops": ["serving", "suspected_food", "scene"],
            "sealed": [{"measure": "seal", "name": "四季豆炒肉", "quantity": "3 kg", "place": "备餐间冷柜", "seal_number": "封0001", "evidence_ids": []}],
            "evidence": [], "clock": {"device_time": "2026-11-23T07:30:00.000Z", "monotonic_ms": 1500000}},
        "content_sha256": "ed376b9e39928188f9eebda3570e91cf64fd653bf2bba5a45c3e6450fb75b485"})),
    responses((status = 201, body = IncidentStored), (status = 200, body = IncidentStored, description = "the same was here before"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"), (status = 409, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[put("/incidents/{id}")]
async fn put(app: web::Data<App>, caller: Caller<can::IncidentsReport>, id: Id, body: Body<PutIncident>) -> Result<HttpResponse, Problem> {
    let body = body.into_inner();
    body.check().map_err(Problem::fields)?;
    let (at, session, id) = (app.clock.wall_ms(), Session::clone(&caller), id.to_string());
    let (created, stored) = app.db.write(move |tx| Box::pin(async move { report(tx, &session, &id, body, at).await })).await?;
    let status = if created { StatusCode::CREATED } else { StatusCode::OK };
    Ok(HttpResponse::build(status).json(stored))
}

async fn report(tx: &mut Tx<'_>, session: &Session, id: &str, body: PutIncident, at: i64) -> Result<(bool, IncidentStored), Problem> {
    let scope = session.access.scope(Permission::IncidentsReport);
    if let Some(present) = incidents::get(tx, &scope, id).await? {
        return Ok((false, stored(tx, same(&present, &body.content_sha256)?).await?));
    }
    // Work of another kind, or somebody else's: nothing of it is told.
    if work::get(tx, &crate::auth::Scope::system(), id).await?.is_some() {
        return Err(Problem::of(ProblemType::Conflict).because("this id is taken"));
    }
    let content = body.content.value;
    // A premises that was merged while the phone was away is led on.
    let premises_id = premises::living(tx, &content.premises_id.to_string()).await?;
    let Some(premises) = premises::get(tx, &scope, &premises_id).await? else {
        let mut faults = Faults::new();
        faults.within("content", |faults| faults.note_at("premises_id", "unknown", "no such premises, or not yours"));
        checked(faults)?;
        return Err(Problem::not_found());
    };
    let new = NewIncident {
        id: id.to_owned(),
        premises_id: premises.id,
        content: serde_json::to_string(&body.content.raw).map_err(StoreError::damaged)?,
        content_sha256: body.content_sha256,
        reported_by: session.user_id.to_string(),
        happened_at: happened(content.clock.device_time.0, at, &[]).at_ms,
        parsed: content,
    };
    incidents::begin(tx, &new, By::User(&session.actor, &session.access), &session.actor, at).await?;
    for one in &new.parsed.evidence {
        if let Err(present) = evidence::promise(tx, id, session.user_id, one, Standing::Needed).await? {
            let problem = Problem::of(ProblemType::Conflict).because(format!("evidence {} stands for another file", one.id));
            let problem = if present.inspection_id == id { problem.with("present", json!({"sha256": present.sha256})) } else { problem };
            return Err(problem.with("offered", json!({"evidence_id": one.id, "sha256": one.sha256})));
        }
    }
    incidents::settle(tx, id, at).await?;
    let row = incidents::get(tx, &scope, id).await?.ok_or_else(Problem::not_found)?;
    Ok((true, stored(tx, &row).await?))
}

fn same<'a>(present: &'a IncidentRow, offered: &str) -> Result<&'a IncidentRow, Problem> {
    if present.content_sha256 == offered {
        return Ok(present);
    }
    let named = |sha256: &str| ContentNamed { content_sha256: sha256.to_owned(), revision: None };
    Err(Problem::of(ProblemType::Conflict)
        .because("another report is stored under this id")
        .with("present", named(&present.content_sha256))
        .with("offered", named(offered)))
}

async fn stored(conn: &mut Conn<'_>, row: &IncidentRow) -> Result<IncidentStored, Problem> {
    let missing_evidence = evidence::missing(conn, &row.id)
        .await?
        .iter()
        .map(|one| {
            let kind = evidence::kind_of(one.kind.as_deref().unwrap_or_default())?;
            Ok(MissingEvidence { id: one.id.parse().map_err(StoreError::damaged)?, sha256: one.sha256.clone(), kind })
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    Ok(IncidentStored {
        id: row.id.parse().map_err(StoreError::damaged)?,
        content_sha256: row.content_sha256.clone(),
        received_at: Moment(row.received_at),
        cameras_held: row.cameras,
        samples_held: i64::try_from(incidents::samples(conn, row).await?.len()).unwrap_or(i64::MAX),
        missing_evidence,
    })
}
