//! An inspection as lists show it, at the desk and on the phone.

use std::collections::HashMap;

use mobile_api::Moment;
use mobile_api::inspection::InspectionKind;
use mobile_api::judge::Judgement;
use mobile_api::template::Bilingual;
use serde::Serialize;
use utoipa::ToSchema;

use crate::store::inspections::InspectionRow;
use crate::store::{Conn, StoreError, assignments, inspections};

/// An officer of an inspection.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Officer {
    id: String,
    /// As shown and printed.
    pub(super) display_name: String,
    certificate_number: Option<String>,
}

/// An inspection as lists show it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct InspectionItem {
    pub(crate) id: String,
    assignment_id: Option<String>,
    premises_id: String,
    premises_name: String,
    /// The office it belonged to then.
    organization_id: String,
    organization_name: String,
    template_id: String,
    template_name: Bilingual,
    kind: InspectionKind,
    /// draft (under way), submitted (evidence is missing) or complete
    #[schema(example = "complete")]
    state: String,
    /// By the phone's clock.
    started_at: Moment,
    /// When it was made as far as clocks can be believed: the list goes by it.
    happened_at: Moment,
    /// How far the phone's clock was ahead of that, ms; none where they agree within two minutes.
    clock_off_ms: Option<i64>,
    /// By the server's clock.
    submitted_at: Option<Moment>,
    complete_at: Option<Moment>,
    /// The lead first.
    pub(super) officers: Vec<Officer>,
    outcome: Option<String>,
    /// With all amendments, as outcome and grade.
    score: Option<f64>,
    grade: Option<String>,
    /// The phone's result and the server's are not the same.
    differs: bool,
    /// Files that have not arrived.
    missing_evidence: i64,
    version: i64,
    updated_at: Moment,
}

/// Rows as lists show them.
pub(crate) async fn items(conn: &mut Conn<'_>, rows: &[InspectionRow]) -> Result<Vec<InspectionItem>, StoreError> {
    let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    let mut officers: HashMap<String, Vec<Officer>> = HashMap::new();
    for (inspection, id, display_name, certificate_number) in inspections::officers(conn, &ids).await? {
        officers.entry(inspection).or_default().push(Officer { id, display_name, certificate_number });
    }
    rows.iter().map(|row| item(row, officers.remove(&row.id).unwrap_or_default())).collect()
}

fn item(row: &InspectionRow, officers: Vec<Officer>) -> Result<InspectionItem, StoreError> {
    let result = judgement(row.result.as_deref())?;
    let grade = result.as_ref().map(|result| serde_json::to_value(result.grade)).transpose().map_err(StoreError::damaged)?;
    Ok(InspectionItem {
        id: row.id.clone(),
        assignment_id: row.assignment_id.clone(),
        premises_id: row.premises_id.clone(),
        premises_name: row.premises_name.clone(),
        organization_id: row.office_id.clone(),
        organization_name: row.organization_name.clone(),
        template_id: row.template_id.clone(),
        template_name: serde_json::from_str(&row.template_name).map_err(StoreError::damaged)?,
        kind: assignments::kind_of(&row.kind)?,
        state: row.state.clone(),
        started_at: Moment(row.started_at),
        happened_at: Moment(row.happened_at),
        clock_off_ms: row.clock_off_ms,
        submitted_at: row.submitted_at.map(Moment),
        complete_at: row.complete_at.map(Moment),
        officers,
        outcome: row.outcome.clone(),
        score: result.as_ref().and_then(|result| result.score),
        grade: grade.and_then(|grade| grade.as_str().map(str::to_owned)),
        differs: row.differs,
        missing_evidence: row.missing_count,
        version: row.version,
        updated_at: Moment(row.updated_at),
    })
}

pub(super) fn judgement(stored: Option<&str>) -> Result<Option<Judgement>, StoreError> {
    stored.map(serde_json::from_str).transpose().map_err(StoreError::damaged)
}
