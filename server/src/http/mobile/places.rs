//! A premises as the phone gets it: its row, and in short what an officer looks for at the door, so that the page is whole
//! without a network. What a caller may not see is left out, not emptied.

use std::collections::HashMap;

use mobile_api::Moment;
use mobile_api::inspection::{Answer, ItemResult, PartContent, Submit};
use mobile_api::judge::Judgement;
use mobile_api::merge::merge;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::previous;
use crate::auth::Access;
use crate::domain::permission::Permission;
use crate::http::Problem;
use crate::store::places::{self, PastRow};
use crate::store::sync::PremisesRow;
use crate::store::{Conn, StoreError, amendments, incidents};

/// Findings of the last inspection that a phone keeps.
const FINDINGS_MAX: usize = 30;
/// Characters of a finding's words that a phone keeps.
const WORDS_MAX: usize = 300;
/// Cameras of a premises that are named; more are counted.
const CAMERAS_MAX: usize = 40;

type By = HashMap<String, Vec<Value>>;

/// The rows with what belongs to them.
pub(super) async fn values(
    conn: &mut Conn<'_>,
    access: &Access,
    rows: Vec<PremisesRow>,
    now_ms: i64,
) -> Result<Vec<(Uuid, Value)>, Problem> {
    let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    // Days are those of Asia/Shanghai.
    let today: String = Moment(now_ms + 8 * 3_600_000).to_string().chars().take(10).collect();
    let mut operators = By::new();
    for row in places::operators(conn, &ids, &today).await? {
        let licences: Vec<&String> = row.licence_number.iter().collect();
        let value = json!({"operator_id": row.operator_id, "name": row.name, "part": row.part, "licences": licences, "licence_expires_on": row.licence_expires_on});
        operators.entry(row.premises_id).or_default().push(value);
    }
    let mut history = if access.may(Permission::InspectionsRead) { Some(past(conn, &ids).await?) } else { None };
    let mut cameras = if access.may(Permission::CamerasRead) { Some(watched(conn, &ids).await?) } else { None };
    let last: Vec<String> = rows.iter().filter_map(|row| row.last_inspection_id.clone()).collect();
    let mut said = if access.may(Permission::InspectionsRead) { previous::answers(conn, &last).await? } else { HashMap::new() };
    let mut alerts = if access.may(Permission::AlertsRead) { Some(open(conn, &ids).await?) } else { None };
    // A canteen is told what it has to stop and to leave as it is, whoever reported it.
    let told = [Permission::IncidentsRead, Permission::SelfChecksAnswer, Permission::SelfChecksSign];
    let mut incidents = if told.into_iter().any(|one| access.may(one)) { Some(reported(conn, &ids).await?) } else { None };
    rows.into_iter()
        .map(|row| {
            let said = row.last_inspection_id.as_ref().and_then(|id| said.remove(id));
            let mut value = bare(&row, said)?;
            value.insert("operators".to_owned(), operators.remove(&row.id).unwrap_or_default().into());
            for (name, found) in
                [("history", &mut history), ("cameras", &mut cameras), ("alerts", &mut alerts), ("incidents", &mut incidents)]
            {
                if let Some(found) = found {
                    value.insert(name.to_owned(), found.remove(&row.id).unwrap_or_default().into());
                }
            }
            Ok((row.id.parse().map_err(StoreError::damaged)?, Value::Object(value)))
        })
        .collect()
}

fn bare(row: &PremisesRow, said: Option<Value>) -> Result<Map<String, Value>, StoreError> {
    let last = row.last_inspection_id.as_ref().map(|id| {
        let (happened_at, submitted_at) = (row.last_inspection_happened_at.map(Moment), row.last_inspection_submitted_at.map(Moment));
        json!({"id": id, "result": row.last_inspection_outcome, "happened_at": happened_at, "submitted_at": submitted_at, "answers": said})
    });
    let hours: Value = serde_json::from_str(&row.service_hours).map_err(StoreError::damaged)?;
    let value = json!({
        "id": row.id, "name": row.name, "kind": row.kind, "organization_id": row.organization_id, "organization_name": row.organization_name,
        "address": row.address, "latitude": row.latitude, "longitude": row.longitude, "school": row.school, "diners": row.diners,
        "risk_grade": row.risk_grade, "code": row.code, "service_hours": hours, "open_alerts": row.open_alerts,
        "last_inspection": last, "version": row.version, "updated_at": Moment(row.updated_at),
    });
    match value {
        Value::Object(members) => Ok(members),
        _ => Err(StoreError::damaged("a premises that is no object")),
    }
}

/// The last inspections, the newest of each premises with what it found.
async fn past(conn: &mut Conn<'_>, ids: &[String]) -> Result<By, StoreError> {
    let rows = places::history(conn, ids).await?;
    let newest: Vec<String> = rows.iter().filter(|row| row.place == 1).map(|row| row.id.clone()).collect();
    let mut parts: HashMap<String, Vec<(Uuid, PartContent)>> = HashMap::new();
    if !newest.is_empty() {
        for (inspection, part, content) in places::contents(conn, &newest).await? {
            let content = serde_json::from_str(&content).map_err(StoreError::damaged)?;
            parts.entry(inspection).or_default().push((part.parse().map_err(StoreError::damaged)?, content));
        }
    }
    let mut later = amendments::of_inspections(conn, &newest).await?;
    let mut found = By::new();
    for row in rows {
        let result: Option<Judgement> = row.result.as_deref().map(serde_json::from_str).transpose().map_err(StoreError::damaged)?;
        let mut value = json!({"id": row.id, "kind": row.kind, "template_id": row.template_id, "outcome": row.outcome, "submitted_at": Moment(row.submitted_at),
            "score": result.as_ref().and_then(|result| result.score),
            "failed": result.as_ref().map(|result| result.key_failed.len() + result.general_failed.len())});
        if let Some(parts) = parts.get(&row.id) {
            value["findings"] = findings(&row, parts, later.remove(&row.id).unwrap_or_default())?.into();
        }
        found.entry(row.premises_id).or_default().push(value);
    }
    Ok(found)
}

/// What failed, as it counts: where two officers differed the one that the lead chose, and as it was amended since.
fn findings(row: &PastRow, parts: &[(Uuid, PartContent)], later: Vec<Answer>) -> Result<Vec<Value>, StoreError> {
    let submit: Option<Submit> = row.submission.as_deref().map(serde_json::from_str).transpose().map_err(StoreError::damaged)?;
    let choices = submit.map(|submit| submit.choices).unwrap_or_default();
    let borrowed: Vec<(Uuid, &PartContent)> = parts.iter().map(|(id, content)| (*id, content)).collect();
    let mut answers = merge(&borrowed, &choices).answers;
    amendments::lay_over(&mut answers, later);
    Ok(answers.iter().filter(|answer| answer.result == Some(ItemResult::Fails)).take(FINDINGS_MAX).map(finding).collect())
}

fn finding(answer: &Answer) -> Value {
    let words: Option<String> = answer.remark.as_deref().map(|text| text.chars().take(WORDS_MAX).collect());
    json!({"item_code": answer.item_code, "remark": words, "affects_safety": answer.affects_safety, "corrected_on_spot": answer.corrected_on_spot})
}

async fn watched(conn: &mut Conn<'_>, ids: &[String]) -> Result<By, StoreError> {
    let mut found = By::new();
    for (premises, name, state) in places::cameras(conn, ids).await? {
        let list = found.entry(premises).or_default();
        if list.len() < CAMERAS_MAX {
            list.push(json!({"name": name, "state": state}));
        }
    }
    Ok(found)
}

async fn open(conn: &mut Conn<'_>, ids: &[String]) -> Result<By, StoreError> {
    let mut found = By::new();
    for row in places::open_alerts(conn, ids).await? {
        let value = json!({"id": row.id, "kind": row.kind, "class": row.class, "state": row.state, "level": row.level,
            "raised_at": Moment(row.raised_at), "due_at": row.due_at.map(Moment)});
        found.entry(row.premises_id).or_default().push(value);
    }
    Ok(found)
}

/// Reports of suspected food poisoning that are not ended: whoever comes next has to know. Who reported it, who is ill and what
/// photos show is not among it.
async fn reported(conn: &mut Conn<'_>, ids: &[String]) -> Result<By, StoreError> {
    let mut found = By::new();
    for row in incidents::open_at(conn, ids).await? {
        let sealed: Vec<Value> = incidents::goods(conn, &row.id)
            .await?
            .into_iter()
            .map(|one| json!({"measure": one.measure, "name": one.name, "quantity": one.quantity, "place": one.place, "seal_number": one.seal_number}))
            .collect();
        let value = json!({"id": row.id, "state": row.state, "level": row.level, "reported_at": Moment(row.happened_at), "people": row.people,
            "stops": row.parsed()?.stops, "sealed": sealed});
        found.entry(row.premises_id).or_default().push(value);
    }
    Ok(found)
}
