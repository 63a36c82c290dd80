//! What the last inspection of a premises said, item by item, as small as it can be: the phone shows it beside the new answer.
//!
//! The whole inspection would be ten times as much, and 200 premises come down in one run. Words are cut, photos and times
//! left out; codes are those of the template that was used then, so another checklist simply finds nothing.

use std::collections::HashMap;

use mobile_api::inspection::{Answer, PartContent};
use mobile_api::merge::merge;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::store::inspections::{self, LastPart};
use crate::store::{Conn, StoreError, amendments};

/// Characters of a remark that come down.
const REMARK_CHARS_MAX: usize = 100;

/// A submission as it was sent, and its parts.
type Sent = (Option<String>, Vec<(Uuid, PartContent)>);

/// By inspection: item code to what was said.
pub(super) async fn answers(conn: &mut Conn<'_>, inspections: &[String]) -> Result<HashMap<String, Value>, StoreError> {
    let mut parts: HashMap<String, Sent> = HashMap::new();
    for LastPart { inspection_id, part_id, content, submission } in inspections::last_parts(conn, inspections).await? {
        let content: PartContent = serde_json::from_str(&content).map_err(StoreError::damaged)?;
        let entry = parts.entry(inspection_id).or_insert((submission, Vec::new()));
        entry.1.push((part_id.parse().map_err(StoreError::damaged)?, content));
    }
    let mut later = amendments::of_inspections(conn, inspections).await?;
    parts
        .into_iter()
        .map(|(id, (submission, parts))| {
            let choices = submission.as_deref().map(serde_json::from_str::<Value>).transpose().map_err(StoreError::damaged)?;
            let choices = choices.and_then(|raw| serde_json::from_value(raw["choices"].clone()).ok()).unwrap_or_default();
            let borrowed: Vec<(Uuid, &PartContent)> = parts.iter().map(|(id, content)| (*id, content)).collect();
            let mut answers = merge(&borrowed, &choices).answers;
            amendments::lay_over(&mut answers, later.remove(&id).unwrap_or_default());
            let said: Map<String, Value> = answers.iter().map(|answer| (answer.item_code.clone(), said(answer))).collect();
            Ok((id, Value::Object(said)))
        })
        .collect()
}

fn said(answer: &Answer) -> Value {
    let mut said = json!({});
    if let Some(result) = answer.result {
        said["result"] = json!(result);
    }
    if let Some(number) = answer.number {
        said["number"] = json!(number);
    }
    if !answer.values.is_empty() {
        said["values"] = json!(answer.values);
    }
    if let Some(remark) = answer.remark.as_deref().filter(|remark| !remark.is_empty()) {
        said["remark"] = json!(remark.chars().take(REMARK_CHARS_MAX).collect::<String>());
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_small() {
        let answer = json!({"item_code": "1.1", "result": "fails", "number": 3.5, "values": {"dish": "鱼"}, "remark": "脏".repeat(300),
            "answered_at": "2026-11-23T06:05:00.000Z", "evidence_ids": ["01928f6e-0000-7000-8000-00000000000a"]});
        let answer: Answer = serde_json::from_value(answer).unwrap();
        assert_eq!(said(&answer), json!({"result": "fails", "number": 3.5, "values": {"dish": "鱼"}, "remark": "脏".repeat(100)}));
    }
}
