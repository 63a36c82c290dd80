//! The answers that count in an inspection: those its parts gave, as the lead chose between them, with every amendment laid
//! over them. Pages, papers, phones and checks all read an inspection through here.

use mobile_api::inspection::{Answer, PartContent, Submit};
use mobile_api::merge::merge;
use uuid::Uuid;

use crate::store::inspections::InspectionRow;
use crate::store::{Conn, StoreError, amendments, inspections};

/// The answers that count.
pub async fn answers(conn: &mut Conn<'_>, row: &InspectionRow) -> Result<Vec<Answer>, StoreError> {
    let submission: Option<Submit> = row.submission.as_deref().map(serde_json::from_str).transpose().map_err(StoreError::damaged)?;
    let choices = submission.as_ref().map(|submission| submission.choices.clone()).unwrap_or_default();
    // The order in which the lead named them is the order in which they were judged.
    let named: Vec<String> = submission.iter().flat_map(|submission| &submission.parts).map(|part| part.id.to_string()).collect();
    let mut parts = inspections::parts(conn, &row.id).await?;
    parts.sort_by_key(|part| named.iter().position(|id| *id == part.id));
    let contents = parts
        .iter()
        .map(|part| Ok((part.id.parse::<Uuid>().map_err(StoreError::damaged)?, part.parsed()?)))
        .collect::<Result<Vec<_>, StoreError>>()?;
    let borrowed: Vec<(Uuid, &PartContent)> = contents.iter().map(|(id, content)| (*id, content)).collect();
    amendments::applied(conn, &row.id, merge(&borrowed, &choices).answers).await
}
