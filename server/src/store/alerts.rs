//! Alerts: reading them, and what media events do to them. Acts of people and of rules are in [`super::alert_acts`].

use super::search::{self, Question};
use super::sql::{Arg, Select, execute, fetch_all, fetch_optional};
use super::{COUNT_LIMIT, Conn, Page, StoreError, Tx};
use crate::auth::Scope;
use crate::domain::workflow::alert::ANSWER;

/// Occurrences that the detail of one alert shows.
const OCCURRENCES_LIMIT: i64 = 200;
/// Alerts of one cause that one act moves.
const CAUSE_LIMIT: i64 = 200;
/// What was seen for longer has an index of its own (`alerts_long`): others were raised at most this long before they were seen last, ms.
pub(super) const LONG_MS: i64 = 86_400_000;
/// A scope of no more premises than these is asked for by their ids.
const PLACES_LIMIT: usize = 4;

/// An alert with its work, and with what people read beside it.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of alerts, work_items and what they point to")]
pub struct AlertRow {
    pub id: String,
    pub kind: String,
    pub class: i64,
    pub state: String,
    pub level: String,
    pub camera_id: String,
    pub camera_name: String,
    pub premises_id: String,
    pub premises_name: String,
    pub premises_path: String,
    pub organization_name: String,
    pub raised_at: i64,
    pub began_at: i64,
    pub ended_at: Option<i64>,
    pub last_seen_at: i64,
    pub count: i64,
    pub measure: f64,
    pub threshold: f64,
    pub rule: String,
    pub clip_state: String,
    pub clip_start: Option<i64>,
    pub clip_end: Option<i64>,
    pub clip_file_id: Option<String>,
    pub clip_sha256: Option<String>,
    pub clip_bytes: Option<i64>,
    pub still_file_id: Option<String>,
    pub due_at: Option<i64>,
    pub open: bool,
    pub version: i64,
    pub owner_id: Option<String>,
    pub owner_name: Option<String>,
    pub owner_since: Option<i64>,
    /// The first alert of its cause.
    pub cause_id: Option<String>,
    /// Alerts of its cause, this one among them; 0: it stands alone.
    pub cause_count: i64,
    /// Grows with each alert that is raised.
    pub number: i64,
}

/// What the index finds, in its order: on SQLite, which keeps the order of tables that are crossed, and on PostgreSQL.
macro_rules! found_sqlite {
    () => {
        "alert_words s CROSS JOIN alerts a ON a.number = s.rowid CROSS JOIN work_items w ON w.id = a.id"
    };
}
macro_rules! found_postgres {
    () => {
        "alert_words s JOIN alerts a ON a.id = s.alert_id JOIN work_items w ON w.id = a.id"
    };
}
macro_rules! head {
    ($($from:tt)+) => {
        concat!(
            "SELECT a.id, a.kind, a.class, w.state, w.level, a.camera_id, c.name AS camera_name, w.premises_id, p.name AS premises_name, p.path AS premises_path, \
             o.name AS organization_name, a.raised_at, a.began_at, a.ended_at, a.last_seen_at, a.count, a.measure, a.threshold, a.rule, a.clip_state, a.clip_start, a.clip_end, \
             a.clip_file_id, cf.sha256 AS clip_sha256, cf.bytes AS clip_bytes, a.still_file_id, w.due_at, w.open, w.version, w.owner_id, ow.display_name AS owner_name, w.owner_since, a.cause_id, \
             (SELECT COUNT(*) FROM alerts s WHERE s.cause_id = a.cause_id) AS cause_count, COALESCE(a.number, 0) AS number FROM ",
            $($from)+,
            " JOIN cameras c ON c.id = a.camera_id JOIN premises p ON p.id = w.premises_id \
             JOIN organizations o ON o.id = w.office_id LEFT JOIN files cf ON cf.id = a.clip_file_id LEFT JOIN users ow ON ow.id = w.owner_id",
        )
    };
}
const HEAD: &str = head!("alerts a JOIN work_items w ON w.id = a.id");
/// What a list is narrowed to. An alert lies in a period when it was seen within it.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "named as the columns they narrow")]
pub struct AlertFilter {
    /// Any of these; empty: all.
    pub states: Vec<String>,
    /// Any of these; empty: all.
    pub kinds: Vec<String>,
    pub class: Option<i64>,
    pub camera_id: Option<String>,
    pub premises_id: Option<String>,
    /// Last seen at or after, ms UTC.
    pub since_ms: Option<i64>,
    /// Raised before, ms UTC.
    pub until_ms: Option<i64>,
    /// Any of these; empty: all.
    pub levels: Vec<String>,
    /// Words, each in a name of the place or the camera, or in the kind.
    pub text: Option<String>,
    /// Those words also in what was said, and in names of who acted.
    pub said: bool,
    pub open: Option<bool>,
    /// Who has claimed it.
    pub owner: Option<Owner>,
    /// Raised at or after, ms UTC.
    pub raised_since_ms: Option<i64>,
    /// Any of these; empty: all.
    pub verdicts: Vec<String>,
    /// Who decided it.
    pub decided_by: Option<String>,
    /// One alert of each cause in each state, the first.
    pub one_a_cause: bool,
    /// Of this cause.
    pub cause_id: Option<String>,
    /// Sent to the premises, or not.
    pub dispatched: Option<bool>,
    /// Of those sent: with an answer that stands, or without.
    pub rectified: Option<bool>,
    /// Below this node.
    pub organization_id: Option<String>,
    /// At premises of this kind.
    pub premises_kind: Option<String>,
    /// At premises of this grid; empty: of none.
    pub grid: Option<String>,
}

/// In whose hands alerts are.
#[derive(Debug, Clone)]
pub enum Owner {
    /// Nobody's.
    Nobody,
    /// This person's.
    User(String),
}

fn any_of(select: Select, fragment: &'static str, values: &[String]) -> Select {
    if values.is_empty() { select } else { select.and_any(fragment, values.iter().map(|value| Arg::from(value.as_str()))) }
}

/// In the order of time: kinds, classes and words are asked of the index.
fn narrowed(select: Select, filter: &AlertFilter) -> Select {
    let select =
        any_of(select, "w.state = ?", &filter.states).and_if("a.camera_id = ?", filter.camera_id.clone()).and_if("w.open = ?", filter.open);
    narrowed_further(select, filter)
}

/// By what the index of words does not know: it was asked for the rest, and a second time that would only mislead planners.
fn narrowed_further(select: Select, filter: &AlertFilter) -> Select {
    let select = any_of(select, "w.level = ?", &filter.levels)
        .and_if("w.premises_id = ?", filter.premises_id.clone())
        .and_if("a.last_seen_at >= ?", filter.since_ms)
        // Work begins when its alert is raised, and has the index.
        .and_if("w.created_at < ?", filter.until_ms);
    let select = any_of(select, "a.verdict = ?", &filter.verdicts)
        .and_if("w.created_at >= ?", filter.raised_since_ms)
        .and_if("a.decided_by = ?", filter.decided_by.clone())
        .and_if("a.cause_id = ?", filter.cause_id.clone())
        .and_if("(a.dispatched_at IS NOT NULL) = ?", filter.dispatched)
        .and_if("a.dispatched_at IS NOT NULL AND (a.rectified_at IS NOT NULL) = ?", filter.rectified)
        .and_if("p.path LIKE ?", filter.organization_id.as_ref().map(|id| format!("%/{id}/%")))
        .and_if("p.kind = ?", filter.premises_kind.clone())
        .and_if("COALESCE(p.grid, '') = ?", filter.grid.clone());
    let select = if filter.one_a_cause {
        let none_before = "NOT EXISTS (SELECT 1 FROM alerts s JOIN work_items sw ON sw.id = s.id WHERE s.cause_id = a.cause_id AND sw.state = w.state \
            AND (s.raised_at < a.raised_at OR (s.raised_at = a.raised_at AND s.id < a.id)))";
        select.and(none_before, [])
    } else {
        select
    };
    match &filter.owner {
        Some(Owner::Nobody) => select.and("w.owner_id IS NULL", []),
        Some(Owner::User(id)) => select.and("w.owner_id = ?", [id.as_str().into()]),
        None => select,
    }
}

/// A list of alerts, newest first: what its words and its scope stand for is looked up once for its pages and its count.
#[derive(Debug)]
pub struct AlertList<'a> {
    scope: &'a Scope,
    filter: &'a AlertFilter,
    order: Order,
    /// The premises of the scope, where they are few.
    places: Vec<String>,
}

/// In which order the rows of a list are found.
#[derive(Debug)]
enum Order {
    /// Of time.
    Time,
    /// Of the index of words.
    Index(Question),
    /// Nothing is.
    Nothing,
}

/// One end of a list. Where only what was seen since a moment is wanted, nothing that was raised long before is read but what lasted long.
#[derive(Debug, Clone, Copy)]
enum Stretch {
    /// All of it.
    Whole,
    /// Raised at most [`LONG_MS`] before that moment.
    Near(i64),
    /// Raised sooner.
    Far(i64),
}

impl<'a> AlertList<'a> {
    /// Looks up what is asked for.
    pub async fn of(conn: &mut Conn<'_>, scope: &'a Scope, filter: &'a AlertFilter) -> Result<Self, StoreError> {
        // The index of words finds these sooner than the order of time does.
        let order = if filter.text.is_none() && filter.class.is_none() && filter.kinds.is_empty() {
            Order::Time
        } else {
            search::question(conn, scope, filter).await?.map_or(Order::Nothing, Order::Index)
        };
        let places = if matches!(order, Order::Time) { search::places(conn, scope, PLACES_LIMIT).await? } else { Vec::new() };
        Ok(Self { scope, filter, order, places })
    }

    fn narrowed(&self, select: Select, stretch: Stretch) -> Select {
        let select = match &self.order {
            Order::Index(_) => narrowed_further(select, self.filter),
            Order::Time | Order::Nothing => any_of(narrowed(select, self.filter), "w.premises_id = ?", &self.places),
        };
        let select = match (stretch, &self.order) {
            (Stretch::Whole, _) | (_, Order::Nothing) => select,
            (Stretch::Near(since_ms), Order::Time) => select.and("w.created_at >= ?", [(since_ms - LONG_MS).into()]),
            (Stretch::Far(since_ms), Order::Time) => {
                select.and("w.created_at < ? AND a.last_seen_at - a.raised_at > 86400000", [(since_ms - LONG_MS).into()])
            }
            (Stretch::Near(_), Order::Index(question)) => question.near(select),
            (Stretch::Far(since_ms), Order::Index(question)) => question.far(select, since_ms),
        };
        self.scope.restrict(select, "p.path LIKE ?")
    }

    /// Its ends, the newer first.
    fn stretches(&self) -> impl Iterator<Item = Stretch> {
        let stretches = match self.filter.since_ms {
            Some(since_ms) => [Some(Stretch::Near(since_ms)), Some(Stretch::Far(since_ms))],
            None => [Some(Stretch::Whole), None],
        };
        stretches.into_iter().flatten()
    }

    /// A page of it.
    pub async fn page(&self, conn: &mut Conn<'_>, page: &Page) -> Result<Vec<AlertRow>, StoreError> {
        let mut rows = Vec::new();
        for stretch in self.stretches() {
            let room = page.fetch() - i64::try_from(rows.len()).unwrap_or(i64::MAX);
            if room > 0 {
                rows.append(&mut self.rows(conn, page, stretch, room).await?);
            }
        }
        Ok(rows)
    }

    async fn rows(&self, conn: &mut Conn<'_>, page: &Page, stretch: Stretch, limit: i64) -> Result<Vec<AlertRow>, StoreError> {
        let select = match &self.order {
            Order::Nothing => return Ok(Vec::new()),
            Order::Index(question) => {
                let select = self.narrowed(question.select(head!(found_sqlite!()), head!(found_postgres!())), stretch);
                let select = match page.after_number() {
                    Some(number) => question.before(select, number),
                    None => select,
                };
                question.newest(select, limit)
            }
            Order::Time => {
                let select = self.narrowed(Select::new(HEAD).and("w.kind = 'alert'", []), stretch);
                let select = match (page.after_number(), page.after()) {
                    (Some(raised_at), Some((_, id))) => {
                        select.and("w.created_at < ? OR (w.created_at = ? AND w.id < ?)", [raised_at.into(), raised_at.into(), id.into()])
                    }
                    _ => select,
                };
                select.tail("ORDER BY w.created_at DESC, w.id DESC LIMIT ?", [limit.into()])
            }
        };
        select.fetch_all(conn).await
    }

    /// How many it has, up to the limit of counts.
    pub async fn count(&self, conn: &mut Conn<'_>) -> Result<i64, StoreError> {
        macro_rules! counted {
            ($($from:tt)+) => {
                concat!("SELECT COUNT(*) FROM (SELECT 1 FROM ", $($from)+, " JOIN premises p ON p.id = w.premises_id")
            };
        }
        let mut counted = 0;
        for stretch in self.stretches() {
            let limit = COUNT_LIMIT - counted;
            let select = match &self.order {
                Order::Nothing => return Ok(0),
                Order::Index(question) => {
                    // As a page of as many: found from the newest on, not all of them looked up first.
                    question.newest(self.narrowed(question.select(counted!(found_sqlite!()), counted!(found_postgres!())), stretch), limit)
                }
                Order::Time => {
                    let select = Select::new(counted!("work_items w JOIN alerts a ON a.id = w.id")).and("w.kind = 'alert'", []);
                    self.narrowed(select, stretch).tail("LIMIT ?", [limit.into()])
                }
            };
            counted += select.tail(") AS counted", []).fetch_number(conn).await?;
        }
        Ok(counted)
    }

    /// The cursor key of a row.
    pub fn sort_key(&self, row: &AlertRow) -> (String, String) {
        let key = if matches!(self.order, Order::Time) { row.raised_at } else { row.number };
        (key.to_string(), row.id.clone())
    }
}

/// One alert, where the scope covers its premises.
pub async fn get(conn: &mut Conn<'_>, scope: &Scope, id: &str) -> Result<Option<AlertRow>, StoreError> {
    scope.restrict(Select::new(HEAD).and("a.id = ?", [id.into()]), "p.path LIKE ?").fetch_optional(conn).await
}

/// When an alert was seen, with what was measured.
pub async fn occurrences(conn: &mut Conn<'_>, alert_id: &str) -> Result<Vec<(i64, f64)>, StoreError> {
    fetch_all!(
        conn,
        (i64, f64),
        "SELECT at, measure FROM alert_occurrences WHERE alert_id = $1 ORDER BY at DESC, id DESC LIMIT $2",
        alert_id,
        OCCURRENCES_LIMIT,
    )
}

/// Alerts of a camera that lie in a period: kind, class, start, end. For its timeline.
pub async fn of_camera(
    conn: &mut Conn<'_>,
    scope: &Scope,
    camera_id: &str,
    start_ms: i64,
    end_ms: i64,
    limit: i64,
) -> Result<Vec<AlertRow>, StoreError> {
    let filter =
        AlertFilter { camera_id: Some(camera_id.to_owned()), since_ms: Some(start_ms), until_ms: Some(end_ms), ..AlertFilter::default() };
    let select = scope.restrict(narrowed(Select::new(HEAD), &filter), "p.path LIKE ?");
    select.tail("ORDER BY a.raised_at, a.id LIMIT ?", [limit.into()]).fetch_all(conn).await
}

/// The alert that a new sighting belongs to.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of alerts and work_items")]
pub struct Joinable {
    pub id: String,
    pub class: i64,
    pub state: String,
    pub raised_at: i64,
    pub ended_at: Option<i64>,
}

/// Which alert a new sighting belongs to, if any: one that still lasts, unless it was closed as put right; or one that is
/// open, or was cleared by itself, and was last seen or ended within the repeat interval.
pub async fn to_join(conn: &mut Conn<'_>, camera_id: &str, kind: &str, seen_since_ms: i64) -> Result<Option<Joinable>, StoreError> {
    fetch_optional!(
        conn,
        Joinable,
        "SELECT a.id, a.class, w.state, a.raised_at, a.ended_at FROM alerts a JOIN work_items w ON w.id = a.id \
         WHERE a.camera_id = $1 AND a.kind = $2 \
           AND ((a.ended_at IS NULL AND w.state <> 'closed') \
             OR ((w.open OR w.state = 'cleared') AND (a.last_seen_at >= $3 OR a.ended_at >= $3))) \
         ORDER BY a.raised_at DESC, a.id DESC LIMIT 1",
        camera_id,
        kind,
        seen_since_ms,
    )
}

/// Alerts of a kind at a premises since a moment that stand: those dismissed, and those of `but`, are not counted.
pub async fn count_of_kind(conn: &mut Conn<'_>, premises_id: &str, kind: &str, since_ms: i64, but: &str) -> Result<i64, StoreError> {
    let row = fetch_optional!(
        conn,
        (i64,),
        "SELECT COUNT(*) FROM alerts a JOIN work_items w ON w.id = a.id \
         WHERE w.premises_id = $1 AND w.kind = 'alert' AND a.kind = $2 AND a.raised_at >= $3 AND a.id <> $4 AND w.state <> 'dismissed'",
        premises_id,
        kind,
        since_ms,
        but,
    )?;
    Ok(row.map_or(0, |row| row.0))
}

/// Alerts of a camera that still last, of one kind or of all; those not seen since `seen_before_ms` only.
pub async fn lasting(
    conn: &mut Conn<'_>,
    camera_id: &str,
    kind: Option<&str>,
    seen_before_ms: Option<i64>,
) -> Result<Vec<String>, StoreError> {
    let select = Select::new("SELECT a.id FROM alerts a")
        .and("a.camera_id = ? AND a.ended_at IS NULL", [camera_id.into()])
        .and_if("a.kind = ?", kind)
        .and_if("a.last_seen_at < ?", seen_before_ms);
    let rows: Vec<(String,)> = select.tail("ORDER BY a.id LIMIT 100", []).fetch_all(conn).await?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// Cameras with alerts that still last although nothing was heard of them since `before_ms`.
pub async fn lasting_cameras(conn: &mut Conn<'_>, before_ms: i64) -> Result<Vec<String>, StoreError> {
    let rows = fetch_all!(
        conn,
        (String,),
        "SELECT DISTINCT camera_id FROM alerts WHERE ended_at IS NULL AND last_seen_at < $1 ORDER BY camera_id LIMIT 10000",
        before_ms
    )?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// The alert whose cause a new one shares: of the same kind, at the same premises, by another camera, raised since `since_ms`,
/// and not decided yet.
pub async fn of_same_cause(
    conn: &mut Conn<'_>,
    premises_id: &str,
    kind: &str,
    camera_id: &str,
    since_ms: i64,
) -> Result<Option<String>, StoreError> {
    let row = fetch_optional!(
        conn,
        (String,),
        "SELECT COALESCE(a.cause_id, a.id) FROM alerts a JOIN work_items w ON w.id = a.id \
         WHERE w.premises_id = $1 AND w.kind = 'alert' AND w.state = 'raised' AND a.kind = $2 AND a.camera_id <> $3 AND a.raised_at >= $4 \
         ORDER BY a.raised_at, a.id LIMIT 1",
        premises_id,
        kind,
        camera_id,
        since_ms,
    )?;
    Ok(row.map(|row| row.0))
}

/// Notes that an alert shares the cause that the alert `cause_id` was the first of.
pub async fn set_cause(tx: &mut Tx<'_>, alert_id: &str, cause_id: &str) -> Result<(), StoreError> {
    execute!(tx, "UPDATE alerts SET cause_id = $2 WHERE id = $1 OR (id = $2 AND cause_id IS NULL)", alert_id, cause_id)?;
    Ok(())
}

/// Whether somebody was told of another alert of this cause.
pub async fn cause_is_told(conn: &mut Conn<'_>, cause_id: &str, but: &str) -> Result<bool, StoreError> {
    let told = fetch_optional!(
        conn,
        (String,),
        "SELECT a.id FROM alerts a JOIN work_clocks c ON c.work_id = a.id WHERE a.cause_id = $1 AND a.id <> $2 AND c.name = $3 LIMIT 1",
        cause_id,
        but,
        ANSWER,
    )?;
    Ok(told.is_some())
}

/// The other alerts of a cause that stand in a state: id and version, in the order in which they were raised.
pub async fn others_of_cause(conn: &mut Conn<'_>, cause_id: &str, but: &str, state: &str) -> Result<Vec<(String, i64)>, StoreError> {
    fetch_all!(
        conn,
        (String, i64),
        "SELECT a.id, w.version FROM alerts a JOIN work_items w ON w.id = a.id WHERE a.cause_id = $1 AND a.id <> $2 AND w.state = $3 \
         ORDER BY a.raised_at, a.id LIMIT $4",
        cause_id,
        but,
        state,
        CAUSE_LIMIT,
    )
}

/// Counts one more occurrence of an alert that still lasts or came back.
pub async fn seen_again(tx: &mut Tx<'_>, alert_id: &str, measure: f64, still_file_id: Option<&str>, at: i64) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE alerts SET count = count + 1, last_seen_at = CASE WHEN last_seen_at > $2 THEN last_seen_at ELSE $2 END, ended_at = NULL, measure = $3, \
         still_file_id = COALESCE(still_file_id, $4) WHERE id = $1",
        alert_id,
        at,
        measure,
        still_file_id,
    )?;
    insert_occurrence(tx, alert_id, measure, still_file_id, at).await
}

/// Notes that what was seen is over.
pub async fn ended(tx: &mut Tx<'_>, alert_id: &str, at: i64) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE alerts SET ended_at = CASE WHEN raised_at > $2 THEN raised_at ELSE $2 END WHERE id = $1 AND ended_at IS NULL",
        alert_id,
        at
    )?;
    Ok(())
}

pub(super) async fn insert_occurrence(
    tx: &mut Tx<'_>,
    alert_id: &str,
    measure: f64,
    still_file_id: Option<&str>,
    at: i64,
) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO alert_occurrences (id, alert_id, at, measure, still_file_id) VALUES ($1, $2, $3, $4, $5)",
        uuid::Uuid::now_v7().to_string(),
        alert_id,
        at,
        measure,
        still_file_id,
    )?;
    Ok(())
}

/// A file that an alert or an act on it names.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of files")]
pub struct FileOf {
    pub id: String,
    pub sha256: String,
    pub filetype: String,
    pub bytes: i64,
    pub user_id: Option<String>,
}

/// The files with these ids.
pub async fn evidence_files(conn: &mut Conn<'_>, ids: &[String]) -> Result<Vec<FileOf>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Select::new("SELECT id, sha256, filetype, bytes, user_id FROM files")
        .and_any("id = ?", ids.iter().map(|id| Arg::from(id.as_str())))
        .fetch_all(conn)
        .await
}

/// An alert whose clip is still to be cut.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of alerts")]
pub struct ClipPending {
    pub id: String,
    pub camera_id: String,
    pub clip_start: i64,
    pub clip_end: i64,
}

/// Alerts whose clip is still to be cut, oldest first: for setting their holds right after a start.
pub async fn clips_pending(conn: &mut Conn<'_>, limit: i64) -> Result<Vec<ClipPending>, StoreError> {
    fetch_all!(
        conn,
        ClipPending,
        "SELECT id, camera_id, COALESCE(clip_start, 0) AS clip_start, COALESCE(clip_end, 0) AS clip_end FROM alerts \
         WHERE clip_state = 'pending' ORDER BY raised_at LIMIT $1",
        limit,
    )
}

/// Fixes an alert's clip: the file and the time it truly covers.
pub async fn set_clip(tx: &mut Tx<'_>, alert_id: &str, file_id: &str, start_ms: i64, end_ms: i64) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE alerts SET clip_state = 'ready', clip_file_id = $2, clip_start = $3, clip_end = $4 WHERE id = $1 AND clip_state = 'pending'",
        alert_id,
        file_id,
        start_ms,
        end_ms,
    )?;
    Ok(())
}

/// Nothing was recorded: there is no clip.
pub async fn no_clip(tx: &mut Tx<'_>, alert_id: &str) -> Result<(), StoreError> {
    execute!(
        tx,
        "UPDATE alerts SET clip_state = 'none', clip_start = NULL, clip_end = NULL WHERE id = $1 AND clip_state = 'pending'",
        alert_id
    )?;
    Ok(())
}
