//! What the last inspection of a premises said, item by item, as small as it can be: the phone shows it beside the new answer.
//!
//! The whole inspection would be ten times as much, and 200 premises come down in one run. Words are cut, photos and times
//! left out; codes are those of the template that was used then, so another checklist simply finds nothing.

use std::collections::HashMap;

use mobile_api::inspection::Answer;
use serde_json::{Value, json};

use crate::inspected;
use crate::store::{Conn, StoreError};

/// Characters of a remark that come down.
const REMARK_CHARS_MAX: usize = 100;

/// By inspection: item code to what was said.
pub(super) async fn answers(conn: &mut Conn<'_>, inspections: &[String]) -> Result<HashMap<String, Value>, StoreError> {
    let given = inspected::answers_of(conn, inspections).await?;
    let read = |answers: Vec<Answer>| Value::Object(answers.iter().map(|answer| (answer.item_code.clone(), said(answer))).collect());
    Ok(given.into_iter().map(|(id, answers)| (id, read(answers))).collect())
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
