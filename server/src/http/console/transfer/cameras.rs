//! Cameras in a table. Passwords come in and never go out.

use serde_json::{Map, Value};

use super::imports::{Done, Import};
use super::record::{CellFaults, Record};
use super::{Column, column, required};
use crate::http::Problem;
use crate::http::console::cameras::CameraInput;
use crate::sheet::Cell;
use crate::store::cameras::CameraRow;
use crate::store::{Tx, cameras, nodes};

pub(super) const COLUMNS: &[Column] = &[
    required("name", "名称"),
    required("premises", "场所"),
    required("source_url", "视频地址"),
    column("sub_source_url", "子码流地址"),
    column("username", "用户名"),
    column("password", "密码"),
    column("transport", "传输"),
    column("zone", "区域"),
    column("enabled", "启用"),
];

const TRANSPORTS: &[(&str, &str)] = &[("auto", "自动"), ("tcp", "TCP"), ("udp", "UDP"), ("multicast", "组播")];
const ZONES: &[(&str, &str)] = &[
    ("storing", "贮存"),
    ("cooking", "烹饪"),
    ("plating", "分餐"),
    ("dedicated_room", "专间"),
    ("retained_samples", "留样"),
    ("dish_washing", "洗消"),
    ("other", "其他"),
];

/// Adds or changes one camera, by its name at its premises.
pub(super) async fn one(tx: &mut Tx<'_>, import: &Import, record: &Record, faults: &mut CellFaults) -> Result<Done, Problem> {
    let before = faults.0.len();
    let mut input = Map::new();
    for name in ["name", "source_url", "sub_source_url", "username", "password"] {
        if let Some(text) = record.text(name) {
            input.insert(name.to_owned(), text.into());
        }
    }
    for (name, words) in [("transport", TRANSPORTS), ("zone", ZONES)] {
        if let Some(word) = record.word(name, words, faults) {
            input.insert(name.to_owned(), word.into());
        }
    }
    if let Some(truth) = record.truth("enabled", faults) {
        input.insert("enabled".to_owned(), truth.into());
    }
    let premises = match record.text("premises") {
        None => None,
        Some(text) => {
            let found = nodes::premises(tx, &import.scope, text).await?;
            match found.len() {
                1 => found.into_iter().next().map(|node| node.0),
                0 => {
                    faults.note(record.row, "premises", "unknown", "no such premises in your part of the tree");
                    None
                }
                _ => {
                    faults.note(record.row, "premises", "ambiguous", "several premises have this name: write the code or the id");
                    None
                }
            }
        }
    };
    let present = match (premises.as_deref(), record.text("name")) {
        (Some(premises), Some(name)) => match nodes::camera_of(tx, premises, name).await? {
            Some(id) => cameras::get(tx, &import.scope, &id).await?,
            None => None,
        },
        _ => None,
    };
    if let Some(id) = premises {
        input.insert("premises_id".to_owned(), Value::String(id));
    }
    let input: CameraInput =
        serde_json::from_value(Value::Object(input)).map_err(|error| Problem::field("", "format", &error.to_string()))?;
    let id = present.as_ref().map_or_else(|| uuid::Uuid::now_v7().to_string(), |row| row.id.clone());
    let data = match input.over(tx, &import.scope, &import.sealer, id, present.as_ref()).await {
        Ok(data) => data,
        Err(problem) if faults.note_problem(record.row, &problem, &[("premises_id", "premises")]) => return Ok(Done::Refused),
        Err(problem) => return Err(problem),
    };
    if faults.0.len() > before {
        return Ok(Done::Refused);
    }
    Ok(match present {
        Some(row) => {
            cameras::update(tx, &data, row.version, import.at).await?;
            Done::Updated
        }
        None => {
            cameras::insert(tx, &data, import.at).await?;
            Done::Created
        }
    })
}

/// As an import reads it back, without the password.
pub(super) fn cells(row: CameraRow) -> Vec<Cell> {
    vec![
        row.name.into(),
        row.premises_name.into(),
        row.source_url.into(),
        row.sub_source_url.into(),
        row.username.into(),
        Cell::Empty,
        row.transport.into(),
        row.zone.into(),
        row.enabled.into(),
    ]
}
