//! The templates that ship with the product: data, in our own words, published at first start.

use crate::template::TemplateFile;

/// Files of the shipped templates, as text.
const FILES: [&str; 3] = [
    include_str!("../templates/school_canteen.json"),
    include_str!("../templates/kindergarten_canteen.json"),
    include_str!("../templates/central_kitchen.json"),
];

/// All shipped templates.
///
/// # Errors
/// Where a file is not a template; a test says that none is not.
pub fn templates() -> Result<Vec<TemplateFile>, serde_json::Error> {
    FILES.into_iter().map(serde_json::from_str).collect()
}
