//! Evidence: what parts promise and what has arrived, in either order.
//!
//! A row is made by whoever comes first, the part that names it or the upload that brings it. Its hash never changes: a
//! later file under the same id is another file and is refused. A derivative is a row of its own that names the file as taken.

use std::collections::HashMap;

use mobile_api::inspection::originals::Standing;
use mobile_api::inspection::{Evidence, EvidenceKind, Making};
use uuid::Uuid;

use super::files::FileRow;
use super::sql::{Arg, Script, Select, execute, fetch_all, fetch_with_rows};
use super::uploads::UploadRow;
use super::{Conn, StoreError, Tx};

/// Evidence `e` that something waits for: named by a part, not here, and needed. One text for whoever counts it or is complete without it.
macro_rules! awaited {
    () => {
        "e.kind IS NOT NULL AND e.file_id IS NULL AND e.standing = 'needed'"
    };
}
pub(super) use awaited;

macro_rules! promise_tail {
    () => {
        " ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, item_code = excluded.item_code, taken_at = excluded.taken_at, \
         derived_from = excluded.derived_from, made_by = excluded.made_by, standing = excluded.standing \
         WHERE inspection_evidence.sha256 = excluded.sha256 AND inspection_evidence.inspection_id = excluded.inspection_id"
    };
}

/// A piece of evidence, with its file where it has arrived.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of inspection_evidence and of its file")]
pub struct EvidenceRow {
    pub id: String,
    pub inspection_id: String,
    pub owner_id: String,
    pub kind: Option<String>,
    pub item_code: Option<String>,
    pub sha256: String,
    pub filetype: String,
    pub taken_at: Option<i64>,
    pub file_id: Option<String>,
    pub arrived_at: Option<i64>,
    pub stored_filetype: Option<String>,
    pub bytes: Option<i64>,
    pub width: Option<i64>,
    pub height: Option<i64>,
    pub blank: bool,
    pub derived_from: Option<String>,
    pub made_by: Option<String>,
    pub standing: String,
    pub gps_latitude: Option<f64>,
    pub gps_longitude: Option<f64>,
}

impl EvidenceRow {
    /// How it was made; nothing of a file as taken.
    pub fn makings(&self) -> Result<Vec<Making>, StoreError> {
        let codes = self.made_by.as_deref().unwrap_or_default().split(',').filter(|code| !code.is_empty());
        codes.map(|code| serde_json::from_value(code.into()).map_err(StoreError::damaged)).collect()
    }

    /// Whether it was made in this way, perhaps among others.
    pub fn was_made_by(&self, making: &str) -> bool {
        self.made_by.as_deref().is_some_and(|codes| codes.split(',').any(|code| code == making))
    }

    /// How many pixels the stored file has, where it is a picture whose size could be read.
    pub fn pixels(&self) -> Option<u64> {
        let (width, height) = self.width.zip(self.height)?;
        u64::try_from(width.saturating_mul(height)).ok()
    }

    /// Whether it is a smaller copy and nothing else.
    pub fn is_reduced(&self) -> bool {
        self.made_by.as_deref() == Some(REDUCED)
    }
}

/// The code of a smaller copy.
const REDUCED: &str = "reduced";
/// The code of a picture in which places are made unreadable.
pub const REDACTION: &str = "redaction";

/// Of a file as taken, what whoever may not see it is shown in its place: the last picture with places made unreadable, whether it
/// has come or not. `None` where there is none: then the file as taken has nothing to hide.
pub fn redacted<'a>(files: &'a [EvidenceRow], taken: &str) -> Option<&'a EvidenceRow> {
    files.iter().filter(|one| one.derived_from.as_deref() == Some(taken) && one.was_made_by(REDACTION)).max_by_key(|one| &one.id)
}

/// Of a file as taken, its reduced copy where that has come.
pub fn reduced<'a>(files: &'a [EvidenceRow], taken: &str) -> Option<&'a EvidenceRow> {
    files.iter().find(|one| one.derived_from.as_deref() == Some(taken) && one.is_reduced() && one.file_id.is_some())
}

const HEAD: &str = "SELECT e.id, e.inspection_id, e.owner_id, e.kind, e.item_code, e.sha256, e.filetype, e.taken_at, e.file_id, e.arrived_at, \
    f.filetype AS stored_filetype, f.bytes, f.width, f.height, e.blank, \
    e.derived_from, e.made_by, e.standing, e.gps_latitude, e.gps_longitude FROM inspection_evidence e LEFT JOIN files f ON f.id = e.file_id";

/// The code of a kind, as stored.
pub fn kind_code(kind: EvidenceKind) -> &'static str {
    match kind {
        EvidenceKind::Photo => "photo",
        EvidenceKind::Signature => "signature",
        EvidenceKind::Video => "video",
        EvidenceKind::Audio => "audio",
    }
}

/// The kind of a stored code.
pub fn kind_of(code: &str) -> Result<EvidenceKind, StoreError> {
    match code {
        "photo" => Ok(EvidenceKind::Photo),
        "signature" => Ok(EvidenceKind::Signature),
        "video" => Ok(EvidenceKind::Video),
        "audio" => Ok(EvidenceKind::Audio),
        other => Err(StoreError::damaged(format!("evidence of kind {other}"))),
    }
}

/// One piece, of whatever inspection.
pub async fn get(conn: &mut Conn<'_>, id: &str) -> Result<Option<EvidenceRow>, StoreError> {
    Select::new(HEAD).and("e.id = ?", [id.into()]).fetch_optional(conn).await
}

/// What the parts of an inspection name, whether it has arrived or not. Whoever asks has found the inspection by its scope.
pub async fn of_inspection(conn: &mut Conn<'_>, inspection_id: &str) -> Result<Vec<EvidenceRow>, StoreError> {
    Select::new(HEAD)
        .and("e.inspection_id = ?", [inspection_id.into()])
        .and("e.kind IS NOT NULL", [])
        .tail("ORDER BY e.taken_at NULLS LAST, e.id LIMIT 5000", [])
        .fetch_all(conn)
        .await
}

/// What was made from a file as taken.
pub async fn derivatives(conn: &mut Conn<'_>, taken: &EvidenceRow) -> Result<Vec<EvidenceRow>, StoreError> {
    Select::new(HEAD)
        .and("e.derived_from = ?", [taken.id.as_str().into()])
        .and("e.inspection_id = ?", [taken.inspection_id.as_str().into()])
        .and("e.kind IS NOT NULL", [])
        .tail("ORDER BY e.id LIMIT 5000", [])
        .fetch_all(conn)
        .await
}

/// Files as taken that are to come and have not; the inspection is complete without them.
pub async fn to_come(conn: &mut Conn<'_>, inspection_id: &str) -> Result<Vec<EvidenceRow>, StoreError> {
    outstanding(conn, inspection_id, Standing::ToCome).await
}

/// What a part names, the inspection waits for, and has not arrived.
pub async fn missing(conn: &mut Conn<'_>, inspection_id: &str) -> Result<Vec<EvidenceRow>, StoreError> {
    outstanding(conn, inspection_id, Standing::Needed).await
}

async fn outstanding(conn: &mut Conn<'_>, inspection_id: &str, standing: Standing) -> Result<Vec<EvidenceRow>, StoreError> {
    Select::new(HEAD)
        .and("e.inspection_id = ?", [inspection_id.into()])
        .and("e.kind IS NOT NULL AND e.file_id IS NULL", [])
        .and("e.standing = ?", [standing.as_str().into()])
        .tail("ORDER BY e.id LIMIT 5000", [])
        .fetch_all(conn)
        .await
}

/// A part names a file: whether nothing is drawn on it, where it has come. `Err(row)` where this id already stands for another file
/// or belongs to another inspection.
pub async fn promise(
    tx: &mut Tx<'_>,
    inspection_id: &str,
    owner_id: Uuid,
    evidence: &Evidence,
    standing: Standing,
) -> Result<Result<bool, EvidenceRow>, StoreError> {
    let blank = promise_all(tx, inspection_id, owner_id, &[(evidence, standing)]).await?;
    Ok(blank.map(|blank| !blank.is_empty()))
}

/// The same of several, each with an id of its own: those on which nothing is drawn.
pub async fn promise_all(
    tx: &mut Tx<'_>,
    inspection_id: &str,
    owner_id: Uuid,
    all: &[(&Evidence, Standing)],
) -> Result<Result<Vec<Uuid>, EvidenceRow>, StoreError> {
    let rows = promised(inspection_id, &owner_id.to_string(), all);
    let named: HashMap<String, bool> =
        fetch_with_rows::<(String, bool)>(tx, PROMISE, &rows, concat!(promise_tail!(), " RETURNING id, blank"))
            .await?
            .into_iter()
            .collect();
    let mut blank = Vec::new();
    for (one, _) in all {
        match named.get(&one.id.to_string()) {
            Some(true) => blank.push(one.id),
            Some(false) => {}
            None => {
                if let Err(present) = agreed(tx, &one.id.to_string(), inspection_id, &one.sha256).await? {
                    return Ok(Err(present));
                }
            }
        }
    }
    Ok(Ok(blank))
}

/// The beginning of the statement by which a part names files; after it come the rows of [`promised`].
pub(super) const PROMISE: &str = "INSERT INTO inspection_evidence (id, inspection_id, owner_id, kind, item_code, sha256, filetype, taken_at, derived_from, made_by, standing)";
/// And its end: what stands for another file is not touched.
pub(super) const PROMISE_TAIL: &str = promise_tail!();

/// What a part names, as rows.
pub(super) fn promised(inspection_id: &str, owner_id: &str, all: &[(&Evidence, Standing)]) -> Vec<Vec<Arg>> {
    let row = |(one, standing): &(&Evidence, Standing)| {
        vec![
            one.id.into(),
            inspection_id.into(),
            owner_id.into(),
            kind_code(one.kind).into(),
            one.item_code.clone().into(),
            one.sha256.as_str().into(),
            one.filetype.as_str().into(),
            one.taken_at.0.into(),
            one.derived.as_ref().map(|derived| derived.from.to_string()).into(),
            one.derived.as_ref().map(|derived| made_by(&derived.made_by)).into(),
            standing.as_str().into(),
        ]
    };
    all.iter().map(row).collect()
}

/// As stored.
fn made_by(makings: &[Making]) -> String {
    let code = |making: &Making| match making {
        Making::Reduced => REDUCED,
        Making::Drawing => "drawing",
        Making::Watermark => "watermark",
        Making::Redaction => REDACTION,
    };
    makings.iter().map(code).collect::<Vec<_>>().join(",")
}

/// No part names this file any more: what has not come is forgotten, what has come is kept unnamed.
pub async fn release(tx: &mut Tx<'_>, id: &str) -> Result<(), StoreError> {
    execute!(tx, "DELETE FROM inspection_evidence WHERE id = $1 AND file_id IS NULL", id)?;
    execute!(tx, "UPDATE inspection_evidence SET kind = NULL, item_code = NULL, standing = 'needed' WHERE id = $1", id)?;
    Ok(())
}

/// A file that arrived.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of inspection_evidence")]
pub struct Arrival<'a> {
    pub evidence_id: &'a str,
    pub inspection_id: &'a str,
    pub owner_id: &'a str,
    pub sha256: &'a str,
    pub filetype: &'a str,
    pub file_id: &'a str,
    /// Nothing is drawn on it.
    pub blank: bool,
    /// Where the file says that it was taken: latitude and longitude, degrees WGS-84.
    pub position: Option<(f64, f64)>,
}

/// Links a file that arrived. `Err(row)` as for [`promise`]; a second arrival of the same file changes nothing.
pub async fn arrive(tx: &mut Tx<'_>, arrival: &Arrival<'_>, at: i64) -> Result<Result<(), EvidenceRow>, StoreError> {
    arrive_after(tx, Script::default(), arrival, at).await
}

/// The same of a photo that came whole with its upload and is opened later, or never where `opened` says so: all of it is added here.
pub async fn arrive_whole(
    tx: &mut Tx<'_>,
    upload: &UploadRow,
    file: &FileRow,
    opened: bool,
    arrival: &Arrival<'_>,
    at: i64,
) -> Result<Result<(), EvidenceRow>, StoreError> {
    let script = file.noted(upload.noted(Script::default()), opened.then_some(file.created_at));
    arrive_after(tx, script, arrival, at).await
}

async fn arrive_after(tx: &mut Tx<'_>, before: Script, arrival: &Arrival<'_>, at: i64) -> Result<Result<(), EvidenceRow>, StoreError> {
    let script = before.add(
        "INSERT INTO inspection_evidence (id, inspection_id, owner_id, sha256, filetype, file_id, arrived_at, blank, gps_latitude, gps_longitude) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
         ON CONFLICT (id) DO UPDATE SET file_id = excluded.file_id, arrived_at = excluded.arrived_at, blank = excluded.blank, \
         gps_latitude = excluded.gps_latitude, gps_longitude = excluded.gps_longitude \
         WHERE inspection_evidence.sha256 = excluded.sha256 AND inspection_evidence.inspection_id = excluded.inspection_id AND inspection_evidence.file_id IS NULL",
        [
            arrival.evidence_id.into(),
            arrival.inspection_id.into(),
            arrival.owner_id.into(),
            arrival.sha256.into(),
            arrival.filetype.into(),
            arrival.file_id.into(),
            at.into(),
            arrival.blank.into(),
            arrival.position.map(|position| position.0).into(),
            arrival.position.map(|position| position.1).into(),
        ],
    );
    match script.run(tx).await?.last() {
        Some(1) => Ok(Ok(())),
        _ => agreed(tx, arrival.evidence_id, arrival.inspection_id, arrival.sha256).await,
    }
}

/// How many files as taken are not here though their reduced copies may be: to come, and not sent because a template says so.
pub async fn not_here(conn: &mut Conn<'_>) -> Result<(i64, i64), StoreError> {
    let counted = fetch_all!(
        conn,
        (String, i64),
        "SELECT standing, COUNT(*) FROM inspection_evidence WHERE kind IS NOT NULL AND file_id IS NULL AND standing <> 'needed' GROUP BY standing"
    )?;
    let of = |standing: Standing| counted.iter().find(|(code, _)| code == standing.as_str()).map_or(0, |(_, count)| *count);
    Ok((of(Standing::ToCome), of(Standing::Withheld)))
}

/// Derivatives whose file as taken no part of their inspection names: id, and what they say they were made from.
pub async fn derived_from_nothing(conn: &mut Conn<'_>) -> Result<Vec<(String, String)>, StoreError> {
    fetch_all!(
        conn,
        (String, String),
        "SELECT e.id, e.derived_from FROM inspection_evidence e WHERE e.kind IS NOT NULL AND e.derived_from IS NOT NULL AND NOT EXISTS \
         (SELECT 1 FROM inspection_evidence o WHERE o.id = e.derived_from AND o.inspection_id = e.inspection_id AND o.kind IS NOT NULL) ORDER BY e.id LIMIT 1000"
    )
}

/// Whether a part calls this file a signature.
pub async fn is_signature(conn: &mut Conn<'_>, id: &str) -> Result<bool, StoreError> {
    Ok(get(conn, id).await?.is_some_and(|row| row.kind.as_deref() == Some(kind_code(EvidenceKind::Signature))))
}

async fn agreed(tx: &mut Tx<'_>, id: &str, inspection_id: &str, sha256: &str) -> Result<Result<(), EvidenceRow>, StoreError> {
    let row = get(tx, id).await?.ok_or_else(|| StoreError::damaged("evidence that was just written is not there"))?;
    Ok(if row.sha256 == sha256 && row.inspection_id == inspection_id { Ok(()) } else { Err(row) })
}
