//! Answers as rows: what was found at each item of a submitted inspection, in the order of its checklist.

use std::collections::HashMap;
use std::sync::Arc;

use mobile_api::Moment;
use mobile_api::inspection::{Answer, ItemResult};
use mobile_api::template::{Bilingual, Item, TemplateBody};

use crate::sheet::Cell;
use crate::store::inspections::ExportRow;
use crate::store::{Conn, StoreError, templates};
use crate::{documents, inspected};

/// Column code and Chinese name.
pub(super) const COLUMNS: [(&str, &str); 18] = [
    ("inspection_id", "检查编号"),
    ("premises", "场所"),
    ("template", "检查表"),
    ("happened_at", "检查时间"),
    ("item", "项目编号"),
    ("item_text", "检查内容"),
    ("key_item", "重点项"),
    ("result", "结果"),
    ("failed", "不符合"),
    ("affects_safety", "影响食品安全"),
    ("corrected_on_spot", "当场改正"),
    ("remark", "情况说明"),
    ("reason", "理由"),
    ("number", "数值"),
    ("unit", "单位"),
    ("values", "其他记录"),
    ("photos", "照片数"),
    ("clause", "依据"),
];

/// Checklists that are held while an export runs.
const BODIES_MAX: usize = 32;

/// Checklists by the id of their version, read once each.
#[derive(Debug, Default)]
pub(super) struct Bodies(HashMap<String, Arc<TemplateBody>>);

impl Bodies {
    async fn get(&mut self, conn: &mut Conn<'_>, id: &str) -> Result<Arc<TemplateBody>, StoreError> {
        if let Some(body) = self.0.get(id) {
            return Ok(Arc::clone(body));
        }
        let row = templates::get(conn, id).await?.ok_or_else(|| StoreError::damaged("an inspection without its checklist"))?;
        if self.0.len() >= BODIES_MAX {
            self.0.clear();
        }
        let body = Arc::new(row.body()?);
        self.0.insert(id.to_owned(), Arc::clone(&body));
        Ok(body)
    }
}

/// The answers of a page of inspections. One under way has none here: what is being written is nobody's finding yet.
pub(super) async fn cells(
    conn: &mut Conn<'_>,
    rows: &[ExportRow],
    bodies: &mut Bodies,
    english: bool,
) -> Result<Vec<Vec<Cell>>, StoreError> {
    let ids: Vec<String> = rows.iter().filter(|row| row.submitted_at.is_some()).map(|row| row.id.clone()).collect();
    let mut given = inspected::answers_of(conn, &ids).await?;
    let mut made = Vec::new();
    for row in rows {
        let Some(answers) = given.remove(&row.id) else { continue };
        let body = bodies.get(conn, &row.template_id).await?;
        let by_code: HashMap<&str, &Answer> = answers.iter().map(|answer| (answer.item_code.as_str(), answer)).collect();
        let name: Bilingual = serde_json::from_str(&row.template_name).map_err(StoreError::damaged)?;
        let of_row: [Cell; 4] = [
            row.id.as_str().into(),
            row.premises_name.as_str().into(),
            said(&name, english).into(),
            Moment(row.happened_at).to_string().into(),
        ];
        for item in body.items() {
            if let Some(answer) = by_code.get(item.code.as_str()) {
                made.push(of_row.iter().cloned().chain(of_answer(item, answer, english)?).collect());
            }
        }
    }
    Ok(made)
}

fn of_answer(item: &Item, answer: &Answer, english: bool) -> Result<[Cell; 14], StoreError> {
    let result = answer.result.map(serde_json::to_value).transpose().map_err(StoreError::damaged)?;
    // The second half of a clause is its English.
    let (zh, en) = item.basis.split_once(" · ").unwrap_or((&item.basis, &item.basis));
    let unit = item.number.as_ref().filter(|_| answer.number.is_some()).map(|number| number.unit.clone());
    Ok([
        item.code.as_str().into(),
        said(&item.text, english).into(),
        (!item.question).then_some(item.key).into(),
        result.and_then(|result| result.as_str().map(str::to_owned)).into(),
        answer.result.map(|result| result == ItemResult::Fails).into(),
        answer.affects_safety.into(),
        answer.corrected_on_spot.into(),
        answer.remark.clone().into(),
        answer.reason.clone().into(),
        answer.number.into(),
        unit.into(),
        Some(documents::noted(item, answer, english)).filter(|text| !text.is_empty()).into(),
        i64::try_from(answer.evidence_ids.len()).unwrap_or(i64::MAX).into(),
        if english { en } else { zh }.into(),
    ])
}

fn said(text: &Bilingual, english: bool) -> &str {
    if english { &text.en } else { &text.zh }
}
