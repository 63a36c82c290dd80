//! What an act brings along: files of the caller's own, and words that say something.

use mobile_api::field::Faults;

use crate::domain::workflow::REASON_CHARS_MAX;
use crate::http::{Problem, checked};
use crate::store::{StoreError, Tx, alerts, files};

/// Where in `named` stand files that this person did not bring: nobody shows what is somebody else's.
pub(super) async fn strange(tx: &mut Tx<'_>, user_id: &str, named: &[String]) -> Result<Vec<usize>, StoreError> {
    let found = alerts::evidence_files(tx, named).await?;
    let own = |id: &String| found.iter().any(|file| file.id == *id && file.user_id.as_deref() == Some(user_id));
    Ok((0..named.len()).filter(|at| !own(&named[*at])).collect())
}

/// Keeps the files from being swept away; `pointer` says where they were named.
pub(super) async fn keep(tx: &mut Tx<'_>, named: &[String], pointer: &str) -> Result<(), Problem> {
    if files::named(tx, named).await? {
        return Ok(());
    }
    Err(Problem::field(pointer, "unknown", "a file was thrown away because nobody named it"))
}

/// Nothing but white space says nothing.
pub(super) fn worded(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// A remark that an act may carry, where it is short enough and can be stored.
pub(super) fn remark(text: Option<String>) -> Result<Option<String>, Problem> {
    let mut faults = Faults::new();
    faults.optional_text("text", text.as_deref(), REASON_CHARS_MAX);
    checked(faults)?;
    Ok(worded(text))
}
