//! Inspections: headers, parts and submissions as phones sent them.
//!
//! What was sent is kept as sent, beside its hash; columns hold what is searched by. A header never changes. A part changes
//! until submission, by its own device. Nothing here hashes or judges: that is done before the transaction begins.

use mobile_api::inspection::originals::Standing;
use mobile_api::inspection::{Evidence, Header, PartContent};
use mobile_api::signing::SigningLack;
use uuid::Uuid;

use super::assignments::{kind_code, office_path};
use super::evidence::{self, awaited};
use super::findings::{self, Finding};
use super::journal::{Change, Entity};
use super::sql::{Arg, Script, Select, execute, fetch_all, fetch_optional};
use super::{COUNT_LIMIT, Conn, Page, StoreError, Tx, webhooks};
use crate::auth::Scope;
use crate::domain::happened::{Happened, happened};

/// An inspection as stored, with the names of what it points to.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of inspections and what they name")]
pub struct InspectionRow {
    pub id: String,
    pub assignment_id: Option<String>,
    pub premises_id: String,
    pub premises_name: String,
    pub premises_path: String,
    pub office_id: String,
    pub organization_name: String,
    pub template_id: String,
    pub template_name: String,
    pub kind: String,
    pub lead_id: String,
    pub header: String,
    pub header_sha256: String,
    pub state: String,
    pub started_at: i64,
    pub happened_at: i64,
    pub clock_off_ms: Option<i64>,
    pub submission: Option<String>,
    pub submission_sha256: Option<String>,
    pub phone_result: Option<String>,
    pub server_result: Option<String>,
    pub result: Option<String>,
    pub outcome: Option<String>,
    pub differs: bool,
    pub submitted_at: Option<i64>,
    pub complete_at: Option<i64>,
    pub received_at: i64,
    pub version: i64,
    pub updated_at: i64,
    pub missing_count: i64,
    pub to_complete: Option<String>,
    pub drawn_sha256: Option<String>,
    pub drawn_differs: bool,
    pub drawn_number: Option<String>,
    pub receipt: Option<String>,
}

const HEAD: &str = concat!(
    "SELECT i.id, i.assignment_id, i.premises_id, p.name AS premises_name, p.path AS premises_path, i.office_id, o.name AS organization_name, \
    i.template_id, t.name AS template_name, i.kind, i.lead_id, i.header, i.header_sha256, i.state, i.started_at, i.happened_at, i.clock_off_ms, i.submission, i.submission_sha256, \
    i.phone_result, i.server_result, i.result, i.outcome, i.differs, i.submitted_at, i.complete_at, i.received_at, i.version, i.updated_at, \
    (SELECT COUNT(*) FROM inspection_evidence e WHERE e.inspection_id = i.id AND ",
    awaited!(),
    ") AS missing_count, i.to_complete, \
    i.drawn_sha256, i.drawn_differs, i.drawn_number, i.receipt \
    FROM inspections i JOIN premises p ON p.id = i.premises_id JOIN organizations o ON o.id = i.office_id JOIN checklist_templates t ON t.id = i.template_id"
);

/// The officers a header names.
const MINE: &str = "EXISTS (SELECT 1 FROM inspection_officers mine WHERE mine.inspection_id = i.id AND mine.user_id = ?)";

/// A part as stored.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of inspection_parts, and the owner's name")]
pub struct PartRow {
    pub id: String,
    pub inspection_id: String,
    pub owner_id: String,
    pub owner_name: String,
    pub device_id: String,
    pub revision: i64,
    pub content: String,
    pub content_sha256: String,
    pub received_at: i64,
}

impl PartRow {
    /// As the values of [`PART_INSERT`].
    fn args(&self) -> [Arg; 8] {
        [
            self.id.as_str().into(),
            self.inspection_id.as_str().into(),
            self.owner_id.as_str().into(),
            self.device_id.as_str().into(),
            self.revision.into(),
            self.content.as_str().into(),
            self.content_sha256.as_str().into(),
            self.received_at.into(),
        ]
    }

    /// As the phone gathered it.
    pub fn parsed(&self) -> Result<PartContent, StoreError> {
        serde_json::from_str(&self.content).map_err(StoreError::damaged)
    }
}

impl InspectionRow {
    /// What it lacked when it was submitted; `None` before, and where it was not counted yet.
    pub fn to_complete(&self) -> Result<Option<Vec<SigningLack>>, StoreError> {
        self.to_complete.as_deref().map(serde_json::from_str).transpose().map_err(StoreError::damaged)
    }

    /// As the phone sent it.
    pub fn parsed_header(&self) -> Result<Header, StoreError> {
        serde_json::from_str(&self.header).map_err(StoreError::damaged)
    }
}

/// What a list is narrowed to.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "named as the columns they narrow")]
pub struct InspectionFilter {
    pub premises_id: Option<String>,
    pub office_id: Option<String>,
    pub kind: Option<String>,
    /// Of the template, of whatever version.
    pub template_code: Option<String>,
    /// An item that failed.
    pub failed_item: Option<String>,
    pub state: Option<String>,
    pub outcome: Option<String>,
    /// Made at this moment or later, ms UTC.
    pub since_ms: Option<i64>,
    /// Made before this moment, ms UTC.
    pub until_ms: Option<i64>,
    /// Named by the header.
    pub officer_id: Option<String>,
}

/// Whose inspections are seen: those submitted in `read`, and those under way in `drafts` (a premises does not see what
/// is being written about it, nor that an unannounced check has begun).
#[derive(Debug, Clone)]
pub struct Sight {
    /// Where inspections may be read.
    pub read: Scope,
    /// Where those under way may be read too.
    pub drafts: Scope,
}

impl Sight {
    fn restrict(&self, select: Select) -> Select {
        let select = self.read.restrict(select, "p.path LIKE ?");
        if self.drafts.is_empty() {
            select.and("i.state <> 'draft'", [])
        } else {
            self.drafts.restrict(select, "i.state <> 'draft' OR p.path LIKE ?")
        }
    }
}

fn narrowed(select: Select, filter: &InspectionFilter) -> Select {
    select
        .and_if("i.premises_id = ?", filter.premises_id.clone())
        .and_if("i.office_id = ?", filter.office_id.clone())
        .and_if("i.kind = ?", filter.kind.clone())
        .and_if("i.template_id IN (SELECT ct.id FROM checklist_templates ct WHERE ct.code = ?)", filter.template_code.clone())
        .and_if("EXISTS (SELECT 1 FROM inspection_findings f WHERE f.inspection_id = i.id AND f.item_code = ?)", filter.failed_item.clone())
        .and_if("i.state = ?", filter.state.clone())
        .and_if("i.outcome = ?", filter.outcome.clone())
        .and_if("i.happened_at >= ?", filter.since_ms)
        .and_if("i.happened_at < ?", filter.until_ms)
        .and_if(MINE, filter.officer_id.clone())
}

/// A page, newest first.
pub async fn list(conn: &mut Conn<'_>, sight: &Sight, filter: &InspectionFilter, page: &Page) -> Result<Vec<InspectionRow>, StoreError> {
    let select = sight.restrict(narrowed(Select::new(HEAD), filter));
    let select = match (page.after_number(), page.after()) {
        (Some(key), Some((_, id))) => {
            select.and("i.happened_at < ? OR (i.happened_at = ? AND i.id < ?)", [key.into(), key.into(), id.into()])
        }
        _ => select,
    };
    select.tail("ORDER BY i.happened_at DESC, i.id DESC LIMIT ?", [page.fetch().into()]).fetch_all(conn).await
}

/// What an export says of an inspection: no content, so that a page of them is small.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of inspections and what they name")]
pub struct ExportRow {
    pub id: String,
    pub premises_name: String,
    pub organization_name: String,
    pub template_id: String,
    pub template_name: String,
    pub kind: String,
    pub state: String,
    pub outcome: Option<String>,
    pub result: Option<String>,
    pub happened_at: i64,
    pub submitted_at: Option<i64>,
    pub missing_count: i64,
    pub amendments: i64,
}

/// A page of an export, newest first, as the list.
pub async fn export_page(conn: &mut Conn<'_>, sight: &Sight, filter: &InspectionFilter, page: &Page) -> Result<Vec<ExportRow>, StoreError> {
    let head = concat!(
        "SELECT i.id, p.name AS premises_name, o.name AS organization_name, i.template_id, t.name AS template_name, i.kind, i.state, i.outcome, i.result, \
        i.happened_at, i.submitted_at, \
        (SELECT COUNT(*) FROM inspection_evidence e WHERE e.inspection_id = i.id AND ",
        awaited!(),
        ") AS missing_count, \
        (SELECT COUNT(*) FROM inspection_amendments a WHERE a.inspection_id = i.id) AS amendments \
        FROM inspections i JOIN premises p ON p.id = i.premises_id JOIN organizations o ON o.id = i.office_id JOIN checklist_templates t ON t.id = i.template_id"
    );
    let select = sight.restrict(narrowed(Select::new(head), filter));
    let select = match (page.after_number(), page.after()) {
        (Some(key), Some((_, id))) => {
            select.and("i.happened_at < ? OR (i.happened_at = ? AND i.id < ?)", [key.into(), key.into(), id.into()])
        }
        _ => select,
    };
    select.tail("ORDER BY i.happened_at DESC, i.id DESC LIMIT ?", [page.fetch().into()]).fetch_all(conn).await
}

/// How many a list has, up to the limit of counts.
pub async fn count(conn: &mut Conn<'_>, sight: &Sight, filter: &InspectionFilter) -> Result<i64, StoreError> {
    let select = narrowed(Select::new("SELECT COUNT(*) FROM (SELECT 1 FROM inspections i JOIN premises p ON p.id = i.premises_id"), filter);
    sight.restrict(select).tail("LIMIT ?) AS counted", [COUNT_LIMIT.into()]).fetch_number(conn).await
}

/// One inspection that may be seen.
pub async fn get(conn: &mut Conn<'_>, sight: &Sight, id: &str) -> Result<Option<InspectionRow>, StoreError> {
    sight.restrict(Select::new(HEAD).and("i.id = ?", [id.into()])).fetch_optional(conn).await
}

/// One inspection whose header names this user: an officer's own work stays within reach when the assignment that opened
/// the premises is done.
pub async fn get_own(conn: &mut Conn<'_>, user_id: &str, id: &str) -> Result<Option<InspectionRow>, StoreError> {
    Select::new(HEAD).and("i.id = ?", [id.into()]).and(MINE, [user_id.into()]).fetch_optional(conn).await
}

/// The submitted inspection of the same premises that was made last before another: what it is compared with.
pub async fn before(conn: &mut Conn<'_>, sight: &Sight, row: &InspectionRow) -> Result<Option<InspectionRow>, StoreError> {
    sight
        .restrict(Select::new(HEAD))
        .and("i.premises_id = ?", [row.premises_id.as_str().into()])
        .and("i.submitted_at IS NOT NULL AND i.id <> ?", [row.id.as_str().into()])
        .and("i.happened_at <= ?", [row.happened_at.into()])
        .tail("ORDER BY i.happened_at DESC, i.id DESC LIMIT 1", [])
        .fetch_optional(conn)
        .await
}

/// A user's own among these ids, or, without ids, those made since `since_ms` after `after` in order of id: for the phone.
pub async fn own(
    conn: &mut Conn<'_>,
    user_id: &str,
    ids: Option<&[String]>,
    since_ms: i64,
    after: &str,
    limit: i64,
) -> Result<Vec<InspectionRow>, StoreError> {
    let select = Select::new(HEAD).and(MINE, [user_id.into()]).and("i.happened_at >= ?", [since_ms.into()]);
    let select = match ids {
        Some(ids) => select.and_any("i.id = ?", ids.iter().map(|id| id.as_str().into())),
        None => select.and("i.id > ?", [after.into()]),
    };
    select.tail("ORDER BY i.id LIMIT ?", [limit.into()]).fetch_all(conn).await
}

/// Whether the header of this inspection names this user; `None` where there is no such inspection.
pub async fn is_own(conn: &mut Conn<'_>, user_id: &str, id: &str) -> Result<Option<bool>, StoreError> {
    let row = fetch_optional!(
        conn,
        (bool,),
        "SELECT EXISTS (SELECT 1 FROM inspection_officers mine WHERE mine.inspection_id = i.id AND mine.user_id = $1) FROM inspections i WHERE i.id = $2",
        user_id,
        id,
    )?;
    Ok(row.map(|row| row.0))
}

/// Whether there is an inspection of this id at all: a free id is nobody's.
pub async fn exists(conn: &mut Conn<'_>, id: &str) -> Result<bool, StoreError> {
    Ok(fetch_optional!(conn, (String,), "SELECT id FROM inspections WHERE id = $1", id)?.is_some())
}

/// Names and certificates of the officers of these inspections: inspection, user, name, certificate; the lead first.
pub async fn officers(conn: &mut Conn<'_>, ids: &[String]) -> Result<Vec<(String, String, String, Option<String>)>, StoreError> {
    Select::new("SELECT io.inspection_id, io.user_id, u.display_name, u.certificate_number FROM inspection_officers io JOIN users u ON u.id = io.user_id")
        .and_any("io.inspection_id = ?", ids.iter().map(|id| id.as_str().into()))
        .tail("ORDER BY io.inspection_id, io.position LIMIT 10000", [])
        .fetch_all(conn)
        .await
}

/// A header to keep.
#[derive(Debug, Clone)]
pub struct NewHeader {
    /// Made on the phone.
    pub id: Uuid,
    /// As understood.
    pub header: Header,
    /// As sent.
    pub raw: String,
    /// Of the canonical header.
    pub sha256: String,
    /// The office the premises belongs to now.
    pub office_id: String,
    /// The premises; another than the header's where that was merged meanwhile.
    pub premises_id: String,
    /// Its node of the tree.
    pub premises_path: String,
}

/// What a new inspection begins with.
#[derive(Debug, Clone, Copy, Default)]
pub struct Beginning<'a> {
    /// Its first part.
    pub part: Option<&'a PartRow>,
    /// Files that the part names, each with an id of its own.
    pub evidence: &'a [(&'a Evidence, Standing)],
    /// Its submission, with what failed.
    pub submission: Option<(&'a Submission, &'a [Finding])>,
}

/// What came of adding an inspection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// It is there.
    Whole(Around),
    /// There is one of this id already (also one that is being added at this moment): all is to be undone.
    Taken,
    /// There is a part of this id already: all is to be undone.
    PartTaken,
}

/// What a new inspection found where it was put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Around {
    /// Files that it names are here, or are other files: they are looked at one by one. Where not, none of them has come.
    pub files: bool,
    /// Webhooks listen, though perhaps not to this.
    pub webhooks: bool,
}

/// Adds an inspection with all it begins with, at once. With a submission it is complete unless it names a file that is needed; whether
/// that has come is for [`settle`] to say.
pub async fn insert(tx: &mut Tx<'_>, new: &NewHeader, first: &Beginning<'_>, at: i64) -> Result<Added, StoreError> {
    let header = &new.header;
    let Some(lead) = header.officers.first() else {
        return Err(StoreError::damaged("a header without officers"));
    };
    let id = new.id.to_string();
    let submission = first.submission.map(|(submission, _)| submission);
    let text = |of: fn(&Submission) -> &str| Arg::from(submission.map(of));
    let maybe = |of: fn(&Submission) -> Option<&str>| Arg::from(submission.and_then(of));
    let state = match submission {
        None => "draft",
        Some(_) if first.evidence.iter().any(|(_, standing)| *standing == Standing::Needed) => "submitted",
        Some(_) => "complete",
    };
    let happened = submission.map_or_else(|| happened(header.started_at.0, at, &[]), |submission| submission.happened);
    let officers: Vec<Vec<Arg>> = (0_i64..).zip(&header.officers).map(|(at, one)| vec![new.id.into(), (*one).into(), at.into()]).collect();
    let mut script = Script::default()
        .add(
            "INSERT INTO inspections (id, assignment_id, premises_id, office_id, template_id, kind, lead_id, header, header_sha256, state, started_at, received_at, version, updated_at, \
               happened_at, clock_off_ms, submission, submission_sha256, phone_result, server_result, result, outcome, differs, submitted_at, complete_at, to_complete, \
               drawn_sha256, drawn_differs, drawn_number, receipt) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 1, $12, $13, $14, $15, $16, $17, $18, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27) \
             ON CONFLICT (id) DO NOTHING",
            [
                new.id.into(),
                header.assignment_id.map(|id| id.to_string()).into(),
                new.premises_id.as_str().into(),
                new.office_id.as_str().into(),
                header.template_id.into(),
                kind_code(header.kind).into(),
                (*lead).into(),
                new.raw.as_str().into(),
                new.sha256.as_str().into(),
                state.into(),
                header.started_at.0.into(),
                at.into(),
                happened.at_ms.into(),
                happened.clock_off_ms.into(),
                text(|one| &one.raw),
                text(|one| &one.sha256),
                text(|one| &one.phone_result),
                text(|one| &one.server_result),
                text(|one| &one.outcome),
                submission.is_some_and(|one| one.differs).into(),
                submission.map(|_| at).into(),
                (state == "complete").then_some(at).into(),
                text(|one| &one.to_complete),
                maybe(|one| one.drawn_sha256.as_deref()),
                submission.is_some_and(|one| one.drawn_differs).into(),
                maybe(|one| one.drawn_number.as_deref()),
                text(|one| &one.receipt),
            ],
        )
        .count(webhooks::LISTENING, [])
        .add_rows("INSERT INTO inspection_officers (inspection_id, user_id, position)", &officers, " ON CONFLICT DO NOTHING");
    let part_at = script.len();
    if let Some(part) = first.part {
        script = script.add(PART_INSERT, part.args());
    }
    let files_at = script.len();
    let owner = first.part.map_or("", |part| part.owner_id.as_str());
    script = script.add_rows(evidence::PROMISE, &evidence::promised(&id, owner, first.evidence), evidence::PROMISE_TAIL);
    let files_end = script.len();
    if let Some((_, findings)) = first.submission {
        script = script.add_rows(findings::ROWS, &findings::rows(&id, findings), " ON CONFLICT DO NOTHING");
    }
    let (touched, here) = if first.evidence.is_empty() {
        (script.run(tx).await?, 0)
    } else {
        let here = Select::new("SELECT COUNT(*) FROM inspection_evidence")
            .and("inspection_id = ?", [id.as_str().into()])
            .and("file_id IS NOT NULL", []);
        let (touched, here) = script.run_then::<(i64,)>(tx, &here).await?;
        (touched, here.unwrap_or_default().0)
    };
    let promised: u64 = touched.get(files_at..files_end).unwrap_or_default().iter().sum();
    let others = usize::try_from(promised) != Ok(first.evidence.len());
    Ok(match (touched.first(), touched.get(part_at)) {
        (Some(0), _) => Added::Taken,
        (_, Some(0)) if first.part.is_some() => Added::PartTaken,
        _ => Added::Whole(Around { files: others || here > 0, webhooks: touched.get(1).is_none_or(|count| *count > 0) }),
    })
}

/// Holds an inspection until the transaction ends, so that a part and a submission do not pass each other. (SQLite has one
/// writer; PostgreSQL locks the row.)
pub async fn hold(tx: &mut Tx<'_>, id: &str) -> Result<(), StoreError> {
    if matches!(tx.conn, Conn::Postgres(_)) {
        execute!(tx, "UPDATE inspections SET version = version WHERE id = $1", id)?;
    }
    Ok(())
}

/// An inspection wherever it is: for the program, which completes it and tells of it.
pub(crate) async fn of_upload(conn: &mut Conn<'_>, id: &str) -> Result<Option<InspectionRow>, StoreError> {
    Select::new(HEAD).and("i.id = ?", [id.into()]).fetch_optional(conn).await
}

/// Whether it can still be added to.
pub async fn is_draft(conn: &mut Conn<'_>, id: &str) -> Result<bool, StoreError> {
    Ok(fetch_optional!(conn, (String,), "SELECT state FROM inspections WHERE id = $1", id)?.is_some_and(|row| row.0 == "draft"))
}

/// Marks an inspection as changed.
pub async fn touch(tx: &mut Tx<'_>, id: &str, at: i64) -> Result<(), StoreError> {
    execute!(tx, "UPDATE inspections SET version = version + 1, updated_at = $2 WHERE id = $1", id, at)?;
    Ok(())
}

const PART_HEAD: &str = "SELECT ip.id, ip.inspection_id, ip.owner_id, u.display_name AS owner_name, ip.device_id, ip.revision, ip.content, ip.content_sha256, ip.received_at \
    FROM inspection_parts ip JOIN users u ON u.id = ip.owner_id";

/// The parts of an inspection, oldest first. Whoever asks has found the inspection by its own scope.
pub async fn parts(conn: &mut Conn<'_>, inspection_id: &str) -> Result<Vec<PartRow>, StoreError> {
    Select::new(PART_HEAD).and("ip.inspection_id = ?", [inspection_id.into()]).tail("ORDER BY ip.id LIMIT 100", []).fetch_all(conn).await
}

/// A part by its id, of whatever inspection.
pub async fn part(conn: &mut Conn<'_>, id: &str) -> Result<Option<PartRow>, StoreError> {
    Select::new(PART_HEAD).and("ip.id = ?", [id.into()]).fetch_optional(conn).await
}

/// A part of one of several inspections, with what was chosen between parts.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of inspection_parts and inspections")]
pub struct LastPart {
    pub inspection_id: String,
    pub part_id: String,
    pub content: String,
    pub submission: Option<String>,
}

/// The parts of these inspections, each inspection's oldest first: for a page of premises, whose last ones they are.
pub async fn last_parts(conn: &mut Conn<'_>, inspections: &[String]) -> Result<Vec<LastPart>, StoreError> {
    if inspections.is_empty() {
        return Ok(Vec::new());
    }
    Select::new("SELECT ip.inspection_id, ip.id AS part_id, ip.content, i.submission FROM inspection_parts ip JOIN inspections i ON i.id = ip.inspection_id")
        .and_any("ip.inspection_id = ?", inspections.iter().map(|id| id.as_str().into()))
        .tail("ORDER BY ip.inspection_id, ip.id LIMIT 10000", [])
        .fetch_all(conn)
        .await
}

/// Ids and hashes of the parts of an inspection, in order of id.
pub async fn part_hashes(conn: &mut Conn<'_>, inspection_id: &str) -> Result<Vec<(String, String)>, StoreError> {
    fetch_all!(
        conn,
        (String, String),
        "SELECT id, content_sha256 FROM inspection_parts WHERE inspection_id = $1 ORDER BY id LIMIT 100",
        inspection_id,
    )
}

const PART_INSERT: &str = "INSERT INTO inspection_parts (id, inspection_id, owner_id, device_id, revision, content, content_sha256, received_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING";

/// Adds a part; `false` where there is one of this id already.
pub async fn insert_part(tx: &mut Tx<'_>, row: &PartRow) -> Result<bool, StoreError> {
    Ok(Script::default().add(PART_INSERT, row.args()).run(tx).await? == [1])
}

/// Puts a higher revision in the place of a part; what it said before is kept beside it, where it said something else.
pub async fn replace_part(tx: &mut Tx<'_>, row: &PartRow, at: i64) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO inspection_part_versions (part_id, revision, content, content_sha256, received_at, replaced_at) \
         SELECT id, revision, content, content_sha256, received_at, $3 FROM inspection_parts WHERE id = $1 AND content_sha256 <> $2 ON CONFLICT DO NOTHING",
        row.id.as_str(),
        row.content_sha256.as_str(),
        at,
    )?;
    execute!(
        tx,
        "UPDATE inspection_parts SET revision = $2, content = $3, content_sha256 = $4, received_at = $5 WHERE id = $1",
        row.id.as_str(),
        row.revision,
        row.content.as_str(),
        row.content_sha256.as_str(),
        row.received_at,
    )?;
    Ok(())
}

/// What a part said before.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of inspection_part_versions")]
pub struct PartVersionRow {
    pub part_id: String,
    pub revision: i64,
    pub content: String,
    pub content_sha256: String,
    pub received_at: i64,
    pub replaced_at: i64,
}

/// What the parts of an inspection said before, the newest first. Whoever asks has found the inspection by its own scope.
pub async fn part_versions(conn: &mut Conn<'_>, inspection_id: &str) -> Result<Vec<PartVersionRow>, StoreError> {
    Select::new(
        "SELECT v.part_id, v.revision, v.content, v.content_sha256, v.received_at, v.replaced_at FROM inspection_part_versions v \
         JOIN inspection_parts ip ON ip.id = v.part_id",
    )
    .and("ip.inspection_id = ?", [inspection_id.into()])
    .tail("ORDER BY v.part_id, v.revision DESC LIMIT 200", [])
    .fetch_all(conn)
    .await
}

/// What a submission fixes.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of inspections")]
pub struct Submission {
    pub raw: String,
    pub sha256: String,
    pub phone_result: String,
    pub server_result: String,
    pub outcome: String,
    pub differs: bool,
    pub happened: Happened,
    pub to_complete: String,
    pub drawn_sha256: Option<String>,
    pub drawn_differs: bool,
    pub drawn_number: Option<String>,
    pub receipt: String,
}

/// What a paper that a phone drew says in public. Nobody is named.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of inspections and premises")]
pub struct DrawnRow {
    pub premises_name: String,
    pub premises_path: String,
    pub disabled_at: Option<i64>,
    pub kind: String,
    pub happened_at: i64,
    pub outcome: Option<String>,
    pub submitted_at: Option<i64>,
    pub drawn_differs: bool,
    pub drawn_number: Option<String>,
    pub amended: i64,
}

/// The inspection whose paper has this hash, whoever asks: what is told of it is public, behind the switch of disclosure.
pub async fn by_drawn(conn: &mut Conn<'_>, sha256: &str) -> Result<Option<DrawnRow>, StoreError> {
    fetch_optional!(
        conn,
        DrawnRow,
        "SELECT p.name AS premises_name, p.path AS premises_path, p.disabled_at, i.kind, i.happened_at, i.outcome, i.submitted_at, i.drawn_differs, i.drawn_number, \
           (SELECT COUNT(*) FROM inspection_amendments a WHERE a.inspection_id = i.id) AS amended \
         FROM inspections i JOIN premises p ON p.id = i.premises_id WHERE i.drawn_sha256 = $1 ORDER BY i.happened_at DESC, i.id DESC LIMIT 1",
        sha256,
    )
}

/// An inspection with its receipt, as stored.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of inspections")]
pub struct ReceiptRow {
    pub id: String,
    pub header: String,
    pub submission: String,
    pub server_result: String,
    pub drawn_sha256: Option<String>,
    pub receipt: String,
}

/// Inspections that have a receipt, by id. For `check`.
pub async fn receipts_after(conn: &mut Conn<'_>, after: &str, limit: i64) -> Result<Vec<ReceiptRow>, StoreError> {
    fetch_all!(
        conn,
        ReceiptRow,
        "SELECT id, header, submission, server_result, drawn_sha256, receipt FROM inspections \
         WHERE id > $1 AND receipt IS NOT NULL AND submission IS NOT NULL AND server_result IS NOT NULL ORDER BY id LIMIT $2",
        after,
        limit,
    )
}

/// Submits a draft, which is complete at once where all its evidence is here, with what failed: gives it as it is then. `None` where it
/// is a draft no more: all is to be undone.
pub async fn submit(
    tx: &mut Tx<'_>,
    id: &str,
    submission: &Submission,
    findings: &[Finding],
    at: i64,
) -> Result<Option<InspectionRow>, StoreError> {
    let script = Script::default()
        .add(
            concat!(
                "UPDATE inspections SET state = CASE WHEN waits.evidence THEN 'submitted' ELSE 'complete' END, complete_at = CASE WHEN waits.evidence THEN NULL ELSE $8 END, submission = $2, submission_sha256 = $3, phone_result = $4, server_result = $5, result = $5, outcome = $6, \
                   differs = $7, submitted_at = $8, version = version + 1, updated_at = $8, happened_at = $9, clock_off_ms = $10, to_complete = $11, \
                   drawn_sha256 = $12, drawn_differs = $13, drawn_number = $14, receipt = $15 \
                   FROM (SELECT EXISTS (SELECT 1 FROM inspection_evidence e WHERE e.inspection_id = $1 AND ",
                awaited!(),
                ") AS evidence) AS waits \
                   WHERE id = $1 AND state = 'draft'"
            ),
            [
                id.into(),
                submission.raw.as_str().into(),
                submission.sha256.as_str().into(),
                submission.phone_result.as_str().into(),
                submission.server_result.as_str().into(),
                submission.outcome.as_str().into(),
                submission.differs.into(),
                at.into(),
                submission.happened.at_ms.into(),
                submission.happened.clock_off_ms.into(),
                submission.to_complete.as_str().into(),
                submission.drawn_sha256.clone().into(),
                submission.drawn_differs.into(),
                submission.drawn_number.clone().into(),
                submission.receipt.as_str().into(),
            ],
        )
        .add_rows(findings::ROWS, &findings::rows(id, findings), " ON CONFLICT DO NOTHING");
    let (touched, row) = script.run_then(tx, &Select::new(HEAD).and("i.id = ?", [id.into()])).await?;
    Ok(row.filter(|_| touched.first() == Some(&1)))
}

/// An inspection after a look at what it waits for.
#[derive(Debug)]
pub struct Settled {
    /// As it is now.
    pub row: InspectionRow,
    /// All it waited for is here, since now.
    pub completed: bool,
    /// Webhooks listen, though perhaps not to this.
    pub webhooks: bool,
}

/// Makes a submitted inspection complete where all its evidence is here; `None` where there is no such inspection.
pub async fn settle(tx: &mut Tx<'_>, id: &str, at: i64) -> Result<Option<Settled>, StoreError> {
    let settled = settle_quietly(tx, id, at).await?;
    if let Some(settled) = settled.as_ref().filter(|settled| settled.completed && settled.webhooks) {
        webhooks::publish_inspection(tx, &[("inspection.completed", &settled.row)], at).await?;
    }
    Ok(settled)
}

/// The same, telling nobody.
pub async fn settle_quietly(tx: &mut Tx<'_>, id: &str, at: i64) -> Result<Option<Settled>, StoreError> {
    let script = Script::default()
        .add(
            concat!(
                "UPDATE inspections SET state = 'complete', complete_at = $2, version = version + 1, updated_at = $2 WHERE id = $1 AND state = 'submitted' \
               AND NOT EXISTS (SELECT 1 FROM inspection_evidence e WHERE e.inspection_id = $1 AND ",
                awaited!(),
                ")"
            ),
            [id.into(), at.into()],
        )
        .count(webhooks::LISTENING, []);
    let (touched, row) = script.run_then(tx, &Select::new(HEAD).and("i.id = ?", [id.into()])).await?;
    let told = |index: usize| touched.get(index).is_some_and(|count| *count > 0);
    Ok(row.map(|row| Settled { row, completed: told(0), webhooks: told(1) }))
}

/// Notes a change: to the office's desks, to the officers by name, and, once it is submitted, to the premises.
pub async fn note_change(tx: &mut Tx<'_>, row: &InspectionRow, submitted: bool, at: i64) -> Result<(), StoreError> {
    let officers = row.parsed_header()?.officers;
    note_change_of(tx, (&row.id, &row.premises_id, &row.premises_path), &officers, submitted, at).await
}

/// The same of an inspection by its id, the premises' and their node.
pub async fn note_change_of(
    tx: &mut Tx<'_>,
    (id, premises_id, premises_path): (&str, &str, &str),
    officers: &[Uuid],
    submitted: bool,
    at: i64,
) -> Result<(), StoreError> {
    let path = if submitted { premises_path } else { office_path(premises_path) };
    let officers: Vec<String> = officers.iter().map(Uuid::to_string).collect();
    let mut changes = vec![Change::upsert(Entity::Inspection, id, path).at(premises_id)];
    changes.extend(officers.iter().map(|one| Change::upsert(Entity::Inspection, id, "/").at(premises_id).for_user(one)));
    tx.all_changed(at, &changes).await
}

/// The version of the checklist that an inspection was made by, wherever it is.
pub async fn template_of(conn: &mut Conn<'_>, id: &str) -> Result<Option<String>, StoreError> {
    Ok(fetch_optional!(conn, (String,), "SELECT template_id FROM inspections WHERE id = $1", id)?.map(|row| row.0))
}
