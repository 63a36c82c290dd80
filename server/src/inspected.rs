//! What was sent of an inspection, and the answers that count in it: those its parts gave, as the lead chose between them, with
//! every amendment laid over them. Pages, papers, phones, exports and checks all read an inspection through here.

use std::collections::{BTreeMap, HashMap};

use mobile_api::inspection::{Answer, PartContent, Submit};
use mobile_api::merge::merge;
use uuid::Uuid;

use crate::store::inspections::{InspectionRow, LastPart, PartRow};
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
        let (submission, named) = submitted(row.submission.as_deref())?;
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
        chosen(self.submission.as_ref())
    }

    /// The answers that counted when it was sent, one an item.
    pub fn answers(&self) -> Vec<Answer> {
        joined(&self.contents, &self.choices())
    }
}

/// A submission, and the ids of the parts it names, in its order.
fn submitted(stored: Option<&str>) -> Result<(Option<Submit>, Vec<String>), StoreError> {
    let submission: Option<Submit> = stored.map(serde_json::from_str).transpose().map_err(StoreError::damaged)?;
    let named = submission.iter().flat_map(|submission| &submission.parts).map(|part| part.id.to_string()).collect();
    Ok((submission, named))
}

fn chosen(submission: Option<&Submit>) -> BTreeMap<String, Uuid> {
    submission.map(|submission| submission.choices.clone()).unwrap_or_default()
}

fn joined(contents: &[(Uuid, PartContent)], choices: &BTreeMap<String, Uuid>) -> Vec<Answer> {
    let borrowed: Vec<(Uuid, &PartContent)> = contents.iter().map(|(id, content)| (*id, content)).collect();
    merge(&borrowed, choices).answers
}

/// The answers that count.
///
/// # Errors
/// As [`Sent::of`].
pub async fn answers(conn: &mut Conn<'_>, row: &InspectionRow) -> Result<Vec<Answer>, StoreError> {
    let sent = Sent::of(conn, row).await?.answers();
    amendments::applied(conn, &row.id, sent).await
}

/// The answers that count in each of these, by inspection: for a page of them. One without a part is not named.
///
/// # Errors
/// As [`Sent::of`].
pub async fn answers_of(conn: &mut Conn<'_>, ids: &[String]) -> Result<HashMap<String, Vec<Answer>>, StoreError> {
    type Stored = (Option<String>, Vec<(String, String)>);
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let mut sent: HashMap<String, Stored> = HashMap::new();
    for LastPart { inspection_id, part_id, content, submission } in inspections::last_parts(conn, ids).await? {
        sent.entry(inspection_id).or_insert((submission, Vec::new())).1.push((part_id, content));
    }
    let mut later = amendments::of_inspections(conn, ids).await?;
    sent.into_iter()
        .map(|(id, (submission, mut parts))| {
            let (submission, named) = submitted(submission.as_deref())?;
            parts.sort_by_key(|(part, _)| named.iter().position(|id| id == part));
            let contents = parts
                .iter()
                .map(|(part, content)| {
                    let content = serde_json::from_str(content).map_err(StoreError::damaged)?;
                    Ok((part.parse().map_err(StoreError::damaged)?, content))
                })
                .collect::<Result<Vec<(Uuid, PartContent)>, StoreError>>()?;
            let mut answers = joined(&contents, &chosen(submission.as_ref()));
            amendments::lay_over(&mut answers, later.remove(&id).unwrap_or_default());
            Ok((id, answers))
        })
        .collect()
}
