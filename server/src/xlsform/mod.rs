//! Templates as XLSForm, the spreadsheet that ODK, KoboToolbox and their kin make forms of; no I/O but bytes.
//!
//! A form that was written here comes back as the template it was: what XLSForm has no place for stands in columns and on a
//! sheet of our own (`bk_…`), which other tools pass over. Of a form from elsewhere everything that has a counterpart is read,
//! and the rest is listed by its row; nothing is guessed.
//!
//! | here | in the form |
//! |---|---|
//! | section, item | groups `s_…`, `i_…` |
//! | result of a judged item | `select_one` of the list `bk_result`: conforms, fails, not_applicable |
//! | number; fields | `decimal`, `text`, `select_one`, `select_multiple`, `image` with the appearance `signature` |
//! | photos | `image`, as many as are demanded |
//! | remark, reason, affects safety, corrected | questions that are asked where the result asks for them |
//! | conditions | `relevant` and `required`, as far as [`xpath`] speaks it |

mod lines;
mod read;
pub mod visit;
mod write;
mod xform;
mod xpath;

use mobile_api::template::Field;
use serde::Serialize;
use utoipa::ToSchema;

pub use read::read;
pub use write::{FormFor, write};
pub(crate) use xform::escaped;
pub use xform::xform;

/// Something of a form that has no counterpart here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = json!({"sheet": "survey", "row": 12, "name": "where", "what": "type", "detail": "geopoint"}))]
pub struct LeftOut {
    /// Which sheet.
    pub sheet: String,
    /// As a spreadsheet numbers it.
    pub row: usize,
    /// The question's name, where it has one.
    pub name: String,
    /// Which column it is about.
    pub what: String,
    /// What stands there.
    pub detail: String,
}

/// The list of results, by which a judged item is known.
const RESULTS: [(&str, &str, &str); 3] =
    [("conforms", "符合", "Conforms"), ("fails", "不符合", "Fails"), ("not_applicable", "合理缺项", "Not applicable")];
/// The sheet with what belongs to the template as a whole.
const OWN_SHEET: &str = "bright_kitchen";

/// The name of an item's question in a form.
pub(crate) fn named(part: char, item: &str) -> String {
    format!("{part}_{item}")
}

/// The name of a field's question in a form.
pub(crate) fn field_name(item: &str, field: &Field) -> String {
    format!("f_{item}-{}", field.code)
}
