//! Premises in a table.

use serde_json::{Map, Value, json};

use super::imports::{Done, Import};
use super::record::{CellFaults, Record};
use super::{Column, column, required};
use crate::http::Problem;
use crate::http::console::premises::PremisesInput;
use crate::sheet::Cell;
use crate::store::premises::PremisesRow;
use crate::store::{Tx, nodes, premises};

pub(super) const COLUMNS: &[Column] = &[
    required("name", "名称"),
    required("kind", "类型"),
    required("organization", "监管所"),
    column("address", "地址"),
    column("latitude", "纬度"),
    column("longitude", "经度"),
    column("datum", "坐标系"),
    column("school", "学校"),
    column("diners", "就餐人数"),
    column("risk_grade", "风险等级"),
    column("grid", "网格"),
    column("code", "场所码"),
    column("disabled", "停用"),
];

const KINDS: &[(&str, &str)] = &[
    ("school_canteen", "学校食堂"),
    ("kindergarten_canteen", "幼儿园食堂"),
    ("central_kitchen", "中央厨房"),
    ("collective_meal_supplier", "集体用餐配送单位"),
    ("campus_shop", "校园小卖部"),
    ("staff_canteen", "单位食堂"),
    ("other", "其他"),
];
const DATUMS: &[(&str, &str)] = &[("wgs84", "WGS-84"), ("gcj02", "GCJ-02"), ("bd09", "BD-09")];
const GRADES: &[(&str, &str)] = &[("A", "A级"), ("B", "B级"), ("C", "C级"), ("D", "D级")];

/// Adds or changes one premises: by its code, else by its name below its organization.
pub(super) async fn one(tx: &mut Tx<'_>, import: &Import, record: &Record, faults: &mut CellFaults) -> Result<Done, Problem> {
    let before = faults.0.len();
    let mut input = Map::new();
    for name in ["name", "address", "school", "grid", "code"] {
        if let Some(text) = record.text(name) {
            input.insert(name.to_owned(), text.into());
        }
    }
    for (name, words) in [("kind", KINDS), ("datum", DATUMS), ("risk_grade", GRADES)] {
        if let Some(word) = record.word(name, words, faults) {
            input.insert(name.to_owned(), word.into());
        }
    }
    for name in ["latitude", "longitude"] {
        if let Some(number) = record.parsed::<f64>(name, faults) {
            input.insert(name.to_owned(), json!(number));
        }
    }
    if let Some(diners) = record.parsed::<i64>("diners", faults) {
        input.insert("diners".to_owned(), diners.into());
    }
    if let Some(disabled) = record.truth("disabled", faults) {
        input.insert("disabled".to_owned(), disabled.into());
    }
    let organization = match record.text("organization") {
        None => None,
        Some(text) => {
            let found = nodes::organizations(tx, &import.scope, text).await?;
            match found.len() {
                1 => found.into_iter().next().map(|node| node.0),
                0 => {
                    faults.note(record.row, "organization", "unknown", "no such organization in your part of the tree");
                    None
                }
                _ => {
                    faults.note(record.row, "organization", "ambiguous", "several organizations have this name: write the id");
                    None
                }
            }
        }
    };
    let present = find(tx, import, record, organization.as_deref(), faults).await?;
    if let Some(id) = organization {
        input.insert("organization_id".to_owned(), Value::String(id));
    }
    let input: PremisesInput =
        serde_json::from_value(Value::Object(input)).map_err(|error| Problem::field("", "format", &error.to_string()))?;
    let data = match input.over(tx, &import.scope, present.as_ref()).await {
        Ok(data) => data,
        Err(problem) if faults.note_problem(record.row, &problem, &[("organization_id", "organization")]) => return Ok(Done::Refused),
        Err(problem) => return Err(problem),
    };
    if faults.0.len() > before {
        return Ok(Done::Refused);
    }
    Ok(match present {
        Some(row) => {
            premises::update(tx, &row, &data, row.version, import.at).await?;
            Done::Updated
        }
        None => {
            premises::insert(tx, uuid::Uuid::now_v7(), &data, import.at).await?;
            Done::Created
        }
    })
}

async fn find(
    tx: &mut Tx<'_>,
    import: &Import,
    record: &Record,
    organization: Option<&str>,
    faults: &mut CellFaults,
) -> Result<Option<PremisesRow>, Problem> {
    let found = match (record.text("code"), organization, record.text("name")) {
        (Some(code), ..) => nodes::premises(tx, &import.scope, code).await?,
        (None, Some(organization), Some(name)) => nodes::premises_of(tx, organization, name).await?,
        _ => Vec::new(),
    };
    match found.as_slice() {
        [] => Ok(None),
        [(id, _)] => Ok(premises::get(tx, &import.scope, id).await?),
        _ => {
            faults.note(record.row, "name", "ambiguous", "several premises here have this name: give the code");
            Ok(None)
        }
    }
}

/// As an import reads it back. Points are WGS-84.
pub(super) fn cells(row: PremisesRow) -> Vec<Cell> {
    let datum = row.latitude.map(|_| "wgs84");
    vec![
        row.name.into(),
        row.kind.into(),
        row.organization_name.into(),
        row.address.into(),
        row.latitude.into(),
        row.longitude.into(),
        datum.into(),
        row.school.into(),
        row.diners.into(),
        row.risk_grade.into(),
        row.grid.into(),
        row.code.into(),
        row.disabled_at.is_some().into(),
    ]
}
