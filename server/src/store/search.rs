//! Alerts by words: the one place where the engines have texts of their own.
//!
//! Each alert is one entry of an index: what people said of it, cut by [`crate::domain::words`], and the ids of what it is bound to
//! (premises, camera, kind, class, state, who acted). A word of a search is looked up among names first, and asks for their ids or for
//! itself; so no name has to be indexed again when it changes, and the index alone narrows by state, kind and place. SQLite keeps
//! entries in a contentless FTS5 table in the order in which alerts were raised, and gives the newest that match without looking at
//! the others; PostgreSQL keeps them in a `tsvector` with a GIN index.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{PgConnection, SqliteConnection};

use super::alerts::{AlertFilter, LONG_MS};
use super::sql::{Select, contains, execute, fetch_all, fetch_optional};
use super::{Conn, Db, EngineKind, StoreError, Tx};
use crate::auth::Scope;
use crate::domain::alert::KINDS;
use crate::domain::words::{self, Token};
use crate::domain::workflow::alert::TABLE;

/// Names that a word may stand for, of each kind of thing.
const NAMES_LIMIT: i64 = 2_000;
/// A scope of more premises is told by their paths alone.
const PLACES_LIMIT: usize = 64;
/// Acts of one alert whose words are kept.
const ACTS_LIMIT: i64 = 200;
/// Alerts that are indexed in one transaction, where the index is made later than they were.
const BATCH: i64 = 2_000;
/// Pieces of SQLite's index that are left as they are.
const PIECES_LIMIT: i64 = 4;
/// How far numbers may lag behind the order of time.
const OUT_OF_ORDER: i64 = 1_000;

const PREMISES: char = 'p';
const CAMERA: char = 'c';
const KIND: char = 'k';
const CLASS: char = 'l';
const STATE: char = 's';
const PERSON: char = 'u';

/// Makes the index where there is none, and has it know every alert there is.
pub(super) async fn prepare(db: &Db) -> Result<(), StoreError> {
    db.write_apart(|tx| Box::pin(async move { make(tx).await })).await?;
    let (mut known, mut from_ms) = (0, i64::MIN);
    loop {
        let some = db.write_apart(move |tx| Box::pin(async move { index_some(tx, from_ms).await })).await?;
        let Some((more, until_ms)) = some else { return Ok(()) };
        known += more;
        from_ms = until_ms;
        tracing::info!(alerts = known, "alerts are made to be found by words");
    }
}

async fn make(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    match &mut **tx {
        Conn::Sqlite(c) => {
            let table = "CREATE VIRTUAL TABLE IF NOT EXISTS alert_words USING fts5(words, content='', contentless_delete=1, detail='none', tokenize='ascii')";
            sqlx::query(table).execute(&mut **c).await?;
        }
        Conn::Postgres(c) => {
            for statement in [
                "CREATE TABLE IF NOT EXISTS alert_words (alert_id TEXT PRIMARY KEY REFERENCES alerts (id), number BIGINT NOT NULL, words TSVECTOR NOT NULL)",
                "CREATE INDEX IF NOT EXISTS alert_words_by_number ON alert_words (number, alert_id)",
                "CREATE INDEX IF NOT EXISTS alert_words_by_word ON alert_words USING GIN (words)",
            ] {
                sqlx::query(statement).execute(&mut **c).await?;
            }
        }
    }
    Ok(())
}

/// Puts the pieces of SQLite's index together where there are many: a word is looked for in each of them. Then counts tables that have grown
/// tenfold since they were counted, all of them (0x10000), by a sample of their rows (0x10).
pub(super) async fn tidy(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    if let Conn::Sqlite(c) = &mut **tx {
        let (pieces,): (i64,) = sqlx::query_as("SELECT COUNT(DISTINCT segid) FROM alert_words_idx").fetch_one(&mut **c).await?;
        if pieces > PIECES_LIMIT {
            sqlx::query("INSERT INTO alert_words (alert_words) VALUES ('optimize')").execute(&mut **c).await?;
        }
        sqlx::query("PRAGMA optimize = 0x10012").execute(&mut **c).await?;
    }
    Ok(())
}

/// What an alert is bound to.
#[derive(sqlx::FromRow)]
struct Facts {
    id: String,
    number: i64,
    raised_at: i64,
    kind: String,
    class: i64,
    camera_id: String,
    premises_id: String,
    state: String,
}

/// What somebody said of it.
#[derive(sqlx::FromRow)]
struct Said {
    work_id: String,
    actor_id: Option<String>,
    reason: Option<String>,
    text: Option<String>,
}

/// An entry.
struct Entry {
    id: String,
    number: i64,
    words: BTreeSet<String>,
}

impl Entry {
    fn new(facts: Facts, said: &[Said]) -> Self {
        let Facts { id, number, raised_at: _, kind, class, camera_id, premises_id, state } = facts;
        let bound = [(PREMISES, premises_id), (CAMERA, camera_id), (KIND, kind), (CLASS, class.to_string()), (STATE, state)];
        let mut words: BTreeSet<String> = bound.iter().map(|(mark, id)| Token::of(*mark, id).text).collect();
        for act in said {
            // What the program says is the same everywhere: nobody looks for it.
            let Some(actor) = &act.actor_id else { continue };
            words.insert(Token::of(PERSON, actor).text);
            for text in [&act.reason, &act.text].into_iter().flatten() {
                words.append(&mut words::kept(text));
            }
        }
        Self { id, number, words }
    }
}

/// Indexes an alert as it stands now.
pub(super) async fn index(tx: &mut Tx<'_>, id: &str) -> Result<(), StoreError> {
    let facts = fetch_optional!(
        tx,
        Facts,
        "SELECT a.id, a.number, a.raised_at, a.kind, a.class, a.camera_id, w.premises_id, w.state FROM alerts a JOIN work_items w ON w.id = a.id WHERE a.id = $1",
        id,
    )?;
    let Some(facts) = facts else { return Ok(()) };
    let said = fetch_all!(
        tx,
        Said,
        "SELECT work_id, actor_id, reason, text FROM work_history WHERE work_id = $1 AND actor_kind = 'user' ORDER BY version DESC, id LIMIT $2",
        id,
        ACTS_LIMIT,
    )?;
    keep(tx, &[Entry::new(facts, &said)]).await
}

/// Indexes the oldest that have no number yet, raised at or after a moment; gives how many, and when the last was raised.
async fn index_some(tx: &mut Tx<'_>, from_ms: i64) -> Result<Option<(usize, i64)>, StoreError> {
    let before = fetch_optional!(tx, (i64,), "SELECT COALESCE(MAX(number), 0) FROM alerts")?.map_or(0, |row| row.0);
    execute!(
        tx,
        "UPDATE alerts SET number = n.number FROM (SELECT id, $1 + ROW_NUMBER() OVER (ORDER BY raised_at, id) AS number FROM ( \
             SELECT id, raised_at FROM alerts WHERE number IS NULL AND raised_at >= $3 ORDER BY raised_at, id LIMIT $2) oldest) n WHERE n.id = alerts.id",
        before,
        BATCH,
        from_ms,
    )?;
    let facts = fetch_all!(
        tx,
        Facts,
        "SELECT a.id, a.number, a.raised_at, a.kind, a.class, a.camera_id, w.premises_id, w.state FROM alerts a JOIN work_items w ON w.id = a.id \
         WHERE a.number > $1 ORDER BY a.number",
        before,
    )?;
    let Some(last) = facts.last() else { return Ok(None) };
    let some = (facts.len(), last.raised_at);
    let acts = fetch_all!(
        tx,
        Said,
        // As a list of ids: asked as a join, SQLite would read the whole history each time.
        "SELECT work_id, actor_id, reason, text FROM work_history WHERE work_id IN (SELECT id FROM alerts WHERE number > $1) \
         AND actor_kind = 'user' LIMIT 400000",
        before,
    )?;
    let mut said: BTreeMap<String, Vec<Said>> = BTreeMap::new();
    for act in acts {
        said.entry(act.work_id.clone()).or_default().push(act);
    }
    let entries: Vec<Entry> = facts
        .into_iter()
        .map(|facts| {
            let said = said.remove(&facts.id).unwrap_or_default();
            Entry::new(facts, &said)
        })
        .collect();
    keep(tx, &entries).await?;
    Ok(Some(some))
}

async fn keep(tx: &mut Tx<'_>, entries: &[Entry]) -> Result<(), StoreError> {
    match &mut **tx {
        Conn::Sqlite(c) => keep_on_sqlite(c, entries).await,
        Conn::Postgres(c) => keep_on_postgres(c, entries).await,
    }
}

async fn keep_on_sqlite(c: &mut SqliteConnection, entries: &[Entry]) -> Result<(), StoreError> {
    for Entry { number, words, .. } in entries {
        let words = words.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
        let put = "INSERT OR REPLACE INTO alert_words (rowid, words) VALUES ($1, $2)";
        sqlx::query(put).bind(*number).bind(words).execute(&mut *c).await?;
    }
    Ok(())
}

async fn keep_on_postgres(c: &mut PgConnection, entries: &[Entry]) -> Result<(), StoreError> {
    let quoted = |words: &BTreeSet<String>| words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ");
    let ids: Vec<&str> = entries.iter().map(|entry| entry.id.as_str()).collect();
    let numbers: Vec<i64> = entries.iter().map(|entry| entry.number).collect();
    let words: Vec<String> = entries.iter().map(|entry| quoted(&entry.words)).collect();
    let put = "INSERT INTO alert_words (alert_id, number, words) SELECT id, number, CAST(words AS TSVECTOR) \
         FROM UNNEST($1::TEXT[], $2::BIGINT[], $3::TEXT[]) AS t (id, number, words) ON CONFLICT (alert_id) DO UPDATE SET words = EXCLUDED.words";
    sqlx::query(put).bind(ids).bind(numbers).bind(words).execute(&mut *c).await?;
    Ok(())
}

/// A question to the index.
#[derive(Debug, Clone)]
pub(super) struct Question {
    engine: EngineKind,
    text: String,
    /// Below this number.
    before: Option<i64>,
    /// What was seen since the moment that is asked for and has a smaller number lasted long.
    near: Option<i64>,
}

/// All of these, each of which is any of those, each of which is all of its tokens.
type Wanted = Vec<Vec<Vec<Token>>>;

/// What the index is asked for a filter; `None` where nothing can be found, or nothing is asked.
pub(super) async fn question(conn: &mut Conn<'_>, scope: &Scope, filter: &AlertFilter) -> Result<Option<Question>, StoreError> {
    let mut wanted: Wanted = Vec::new();
    for word in words::wanted(filter.text.as_deref().unwrap_or_default()) {
        let either = meanings(conn, scope, word, filter.said).await?;
        if either.is_empty() {
            return Ok(None);
        }
        wanted.push(either);
    }
    let mut narrow = |mark: char, ids: &mut dyn Iterator<Item = &str>| {
        let either: Vec<_> = ids.map(|id| vec![Token::of(mark, id)]).collect();
        if !either.is_empty() {
            wanted.push(either);
        }
    };
    narrow(STATE, &mut filter.states.iter().map(String::as_str));
    narrow(KIND, &mut filter.kinds.iter().map(String::as_str));
    narrow(CLASS, &mut filter.class.map(|class| class.to_string()).as_deref().into_iter());
    narrow(CAMERA, &mut filter.camera_id.as_deref().into_iter());
    if let Some(open) = filter.open {
        narrow(STATE, &mut TABLE.states.iter().filter(|state| state.open == open).map(|state| state.name));
    }
    let places = places(conn, scope, PLACES_LIMIT).await?;
    narrow(PREMISES, &mut places.iter().map(String::as_str));
    if wanted.is_empty() {
        return Ok(None);
    }
    let before = match filter.until_ms {
        // What was raised at the same time may have got its number a little later.
        Some(until_ms) => first_number(conn, until_ms).await?.map(|number| number + OUT_OF_ORDER),
        None => None,
    };
    let near = match filter.since_ms {
        // Nothing was raised since: the newest of all began sooner.
        Some(since_ms) => Some(first_number(conn, since_ms - LONG_MS).await?.map_or(i64::MAX, |number| number - OUT_OF_ORDER)),
        None => None,
    };
    let engine = conn.engine();
    let text = match engine {
        EngineKind::Sqlite => {
            written(&wanted, " AND ", " OR ", |token| format!("\"{}\"{}", token.text, if token.begins { "*" } else { "" }))
        }
        EngineKind::Postgres => written(&wanted, " & ", " | ", |token| format!("'{}'{}", token.text, if token.begins { ":*" } else { "" })),
    };
    Ok(Some(Question { engine, text, before, near }))
}

/// The number of the first that was raised at or after a moment; `None` where nothing was.
async fn first_number(conn: &mut Conn<'_>, at_ms: i64) -> Result<Option<i64>, StoreError> {
    let first = fetch_optional!(
        conn,
        (i64,),
        "SELECT COALESCE(number, 0) FROM alerts WHERE raised_at >= $1 ORDER BY raised_at, id LIMIT 1",
        at_ms
    )?;
    Ok(first.map(|(number,)| number))
}

fn written(wanted: &Wanted, and: &str, or: &str, token: impl Fn(&Token) -> String) -> String {
    let all = |tokens: &Vec<Token>| format!("({})", tokens.iter().map(&token).collect::<Vec<_>>().join(and));
    let any = |either: &Vec<Vec<Token>>| format!("({})", either.iter().map(all).collect::<Vec<_>>().join(or));
    wanted.iter().map(any).collect::<Vec<_>>().join(and)
}

/// All that a word may stand for: names of places and cameras, kinds of alerts; and, for whom it is, what was said and who said it.
async fn meanings(conn: &mut Conn<'_>, scope: &Scope, word: &str, said: bool) -> Result<Vec<Vec<Token>>, StoreError> {
    let mut either = Vec::new();
    let pattern = contains(word);
    // What was merged into a place keeps its id in what was raised before.
    let select = Select::new("SELECT p.id FROM premises p LEFT JOIN premises l ON l.id = p.merged_into")
        .and("p.name_key LIKE ? ESCAPE '!' OR l.name_key LIKE ? ESCAPE '!'", [pattern.clone().into(), pattern.clone().into()]);
    either.extend(ids(conn, scope.restrict(select, "COALESCE(l.path, p.path) LIKE ?"), PREMISES, "ORDER BY p.id LIMIT ?").await?);
    let select = Select::new("SELECT c.id FROM cameras c JOIN premises p ON p.id = c.premises_id")
        .and("c.name_key LIKE ? ESCAPE '!'", [pattern.clone().into()]);
    either.extend(ids(conn, scope.restrict(select, "p.path LIKE ?"), CAMERA, "ORDER BY c.id LIMIT ?").await?);
    if said {
        let select = Select::new("SELECT u.id FROM users u").and("lower(u.display_name) LIKE ? ESCAPE '!'", [pattern.into()]);
        either.extend(ids(conn, select, PERSON, "ORDER BY u.id LIMIT ?").await?);
        either.extend(Some(words::asked(word)).filter(|tokens| !tokens.is_empty()));
    }
    let word = word.to_lowercase();
    let kinds = KINDS.iter().filter(|kind| kind.zh.contains(&word) || kind.en.to_lowercase().contains(&word));
    either.extend(kinds.map(|kind| vec![Token::of(KIND, kind.code)]));
    Ok(either)
}

async fn ids(conn: &mut Conn<'_>, select: Select, mark: char, tail: &'static str) -> Result<Vec<Vec<Token>>, StoreError> {
    let found: Vec<(String,)> = select.tail(tail, [NAMES_LIMIT.into()]).fetch_all(conn).await?;
    Ok(found.into_iter().map(|(id,)| vec![Token::of(mark, &id)]).collect())
}

/// The premises of a scope where they are no more than `limit`; none where it is wider.
pub(super) async fn places(conn: &mut Conn<'_>, scope: &Scope, limit: usize) -> Result<Vec<String>, StoreError> {
    if scope.reaches_top() {
        return Ok(Vec::new());
    }
    let select = Select::new("SELECT p.id FROM premises p LEFT JOIN premises l ON l.id = p.merged_into");
    let select = scope
        .restrict(select, "COALESCE(l.path, p.path) LIKE ?")
        .tail("ORDER BY p.id LIMIT ?", [i64::try_from(limit + 1).unwrap_or(i64::MAX).into()]);
    let found: Vec<(String,)> = select.fetch_all(conn).await?;
    Ok(if found.len() <= limit { found.into_iter().map(|(id,)| id).collect() } else { Vec::new() })
}

impl Question {
    /// One of two texts.
    fn pick(&self, sqlite: &'static str, postgres: &'static str) -> &'static str {
        match self.engine {
            EngineKind::Sqlite => sqlite,
            EngineKind::Postgres => postgres,
        }
    }

    /// A selection of what it finds: a head of each engine's own, in which `s` is the index.
    pub(super) fn select(&self, sqlite: &'static str, postgres: &'static str) -> Select {
        let found = self.pick("alert_words MATCH ?", "s.words @@ CAST(? AS TSQUERY)");
        let select = Select::new(self.pick(sqlite, postgres)).and(found, [self.text.as_str().into()]);
        match self.before {
            Some(number) => self.before(select, number),
            None => select,
        }
    }

    /// Those with numbers of no long time before the moment since which they were seen.
    pub(super) fn near(&self, select: Select) -> Select {
        select.and(self.pick("s.rowid >= ?", "s.number >= ?"), [self.near.unwrap_or(0).into()])
    }

    /// Those before them that lasted until that moment.
    pub(super) fn far(&self, select: Select, since_ms: i64) -> Select {
        let lasted = self.pick(
            "s.rowid IN (SELECT l.number FROM alerts l WHERE l.last_seen_at - l.raised_at > 86400000 AND l.last_seen_at >= ? AND l.number < ?)",
            "s.number IN (SELECT l.number FROM alerts l WHERE l.last_seen_at - l.raised_at > 86400000 AND l.last_seen_at >= ? AND l.number < ?)",
        );
        select.and(lasted, [since_ms.into(), self.near.unwrap_or(0).into()])
    }

    /// Only those that were raised before this number.
    pub(super) fn before(&self, select: Select, number: i64) -> Select {
        select.and(self.pick("s.rowid < ?", "s.number < ?"), [number.into()])
    }

    /// The newest first.
    pub(super) fn newest(&self, select: Select, limit: i64) -> Select {
        select.tail(self.pick("ORDER BY s.rowid DESC LIMIT ?", "ORDER BY s.number DESC LIMIT ?"), [limit.into()])
    }
}
