//! What was sent of an inspection, and the answers that count in it: those its parts gave, as the lead chose between them, with
//! every amendment laid over them. Pages, papers, phones and checks all read an inspection through here.

use std::collections::BTreeMap;

use mobile_api::inspection::{Answer, PartContent, Submit};
use mobile_api::merge::merge;
use uuid::Uuid;

use crate::store::inspections::{InspectionRow, PartRow};
use crate::store::{Conn, StoreError, amendments, inspections};

/// What phones sent.
pub struct Sent {
    /// In the order in which the lead named them, which is the order in which they were judged.
    pub parts: Vec<PartRow>,
    /// What each of them says, by its id.
    pub contents: Vec<(Uuid, PartContent)>,
    /// `None` until it is submitted.
    pub submission: Option<Submit>,
}

impl Sent {
    /// Reads it. Whoever asks has found the inspection by its scope.
    ///
    /// # Errors
    /// The store's; also where what is stored cannot be read.
    pub async fn of(conn: &mut Conn<'_>, row: &InspectionRow) -> Result<Self, StoreError> {
        let submission: Option<Submit> = row.submission.as_deref().map(serde_json::from_str).transpose().map_err(StoreError::damaged)?;
        let named: Vec<String> = submission.iter().flat_map(|submission| &submission.parts).map(|part| part.id.to_string()).collect();
        let mut parts = inspections::parts(conn, &row.id).await?;
        parts.sort_by_key(|part| named.iter().position(|id| *id == part.id));
        let contents = parts
            .iter()
            .map(|part| Ok((part.id.parse::<Uuid>().map_err(StoreError::damaged)?, part.parsed()?)))
            .collect::<Result<_, StoreError>>()?;
        Ok(Self { parts, contents, submission })
    }

    /// The lead's choices between parts: item to part.
    pub fn choices(&self) -> BTreeMap<String, Uuid> {
        self.submission.as_ref().map(|submission| submission.choices.clone()).unwrap_or_default()
    }

    /// The answers that counted when it was sent, one an item.
    pub fn answers(&self) -> Vec<Answer> {
        let borrowed: Vec<(Uuid, &PartContent)> = self.contents.iter().map(|(id, content)| (*id, content)).collect();
        merge(&borrowed, &self.choices()).answers
    }
}

/// The answers that count.
///
/// # Errors
/// As [`Sent::of`].
pub async fn answers(conn: &mut Conn<'_>, row: &InspectionRow) -> Result<Vec<Answer>, StoreError> {
    let sent = Sent::of(conn, row).await?.answers();
    amendments::applied(conn, &row.id, sent).await
}
