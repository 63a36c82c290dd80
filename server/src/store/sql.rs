//! One SQL text for both engines.
//!
//! The macros match the connection and expand the same statement in both arms; [`Select`] composes optional filters from
//! static fragments. Values are always bound, never written into the text.

use futures::TryStreamExt as _;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Either, Executor as _, FromRow, PgConnection, Row as _, SqliteConnection};

use super::{Conn, StoreError};

/// Runs a statement and gives the number of rows it touched.
macro_rules! execute {
    ($conn:expr, $sql:expr $(, $bind:expr)* $(,)?) => {
        match {
            let conn: &mut $crate::store::Conn<'_> = &mut *$conn;
            #[cfg(debug_assertions)]
            $crate::store::census::ran(conn, file!(), line!());
            conn
        } {
            $crate::store::Conn::Sqlite(c) => sqlx::query($sql)$(.bind($bind))*.execute(&mut **c).await.map(|done| done.rows_affected()),
            $crate::store::Conn::Postgres(c) => sqlx::query($sql)$(.bind($bind))*.execute(&mut **c).await.map(|done| done.rows_affected()),
        }
        .map_err($crate::store::StoreError::from)
    };
}

/// All rows of a statement as `$row`. The statement itself limits how many.
macro_rules! fetch_all {
    ($conn:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        match {
            let conn: &mut $crate::store::Conn<'_> = &mut *$conn;
            #[cfg(debug_assertions)]
            $crate::store::census::ran(conn, file!(), line!());
            conn
        } {
            $crate::store::Conn::Sqlite(c) => sqlx::query_as::<_, $row>($sql)$(.bind($bind))*.fetch_all(&mut **c).await,
            $crate::store::Conn::Postgres(c) => sqlx::query_as::<_, $row>($sql)$(.bind($bind))*.fetch_all(&mut **c).await,
        }
        .map_err($crate::store::StoreError::from)
    };
}

/// The first row of a statement as `$row`, or `None`.
macro_rules! fetch_optional {
    ($conn:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        match {
            let conn: &mut $crate::store::Conn<'_> = &mut *$conn;
            #[cfg(debug_assertions)]
            $crate::store::census::ran(conn, file!(), line!());
            conn
        } {
            $crate::store::Conn::Sqlite(c) => sqlx::query_as::<_, $row>($sql)$(.bind($bind))*.fetch_optional(&mut **c).await,
            $crate::store::Conn::Postgres(c) => sqlx::query_as::<_, $row>($sql)$(.bind($bind))*.fetch_optional(&mut **c).await,
        }
        .map_err($crate::store::StoreError::from)
    };
}

pub(crate) use {execute, fetch_all, fetch_optional};

/// A row type that both engines can fill.
pub trait Row: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}
impl<T> Row for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

/// A value to bind.
#[derive(Debug, Clone)]
pub enum Arg {
    /// TEXT
    Text(String),
    /// BIGINT
    Int(i64),
    /// BOOLEAN
    Bool(bool),
    /// DOUBLE PRECISION
    Real(f64),
    /// TEXT that may be absent
    MaybeText(Option<String>),
    /// BIGINT that may be absent
    MaybeInt(Option<i64>),
    /// BOOLEAN that may be absent
    MaybeBool(Option<bool>),
    /// DOUBLE PRECISION that may be absent
    MaybeReal(Option<f64>),
}

impl From<&str> for Arg {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}
impl From<String> for Arg {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}
impl From<uuid::Uuid> for Arg {
    fn from(value: uuid::Uuid) -> Self {
        Self::Text(value.to_string())
    }
}
impl From<i64> for Arg {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}
impl From<bool> for Arg {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}
impl From<f64> for Arg {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}
impl From<Option<&str>> for Arg {
    fn from(value: Option<&str>) -> Self {
        Self::MaybeText(value.map(str::to_owned))
    }
}
impl From<Option<String>> for Arg {
    fn from(value: Option<String>) -> Self {
        Self::MaybeText(value)
    }
}
impl From<Option<i64>> for Arg {
    fn from(value: Option<i64>) -> Self {
        Self::MaybeInt(value)
    }
}
impl From<Option<f64>> for Arg {
    fn from(value: Option<f64>) -> Self {
        Self::MaybeReal(value)
    }
}
impl From<Option<bool>> for Arg {
    fn from(value: Option<bool>) -> Self {
        Self::MaybeBool(value)
    }
}

/// Binds arguments to a query of either engine.
macro_rules! bound {
    ($query:expr, $args:expr) => {{
        let mut query = $query;
        for arg in $args {
            query = match arg {
                Arg::Text(value) => query.bind(value.as_str()),
                Arg::Int(value) => query.bind(*value),
                Arg::Bool(value) => query.bind(*value),
                Arg::Real(value) => query.bind(*value),
                Arg::MaybeText(value) => query.bind(value.as_deref()),
                Arg::MaybeInt(value) => query.bind(*value),
                Arg::MaybeBool(value) => query.bind(*value),
                Arg::MaybeReal(value) => query.bind(*value),
            };
        }
        query
    }};
}

/// Rows that one statement takes: few sizes, so that few texts are prepared.
const ROWS: [usize; 10] = [48, 32, 16, 12, 8, 6, 4, 3, 2, 1];

/// Cuts rows into pieces of those sizes, each with its text `head VALUES (…), (…) tail`.
fn pieces<'r>(head: &str, rows: &'r [Vec<Arg>], tail: &str) -> Vec<(String, &'r [Vec<Arg>])> {
    let (mut left, mut cut) = (rows, Vec::new());
    while !left.is_empty() {
        let size = ROWS.into_iter().find(|size| *size <= left.len()).unwrap_or(1);
        let (piece, rest) = left.split_at(size);
        left = rest;
        let mut text = head.to_owned();
        let mut number = 0;
        for (at, row) in piece.iter().enumerate() {
            text.push_str(if at == 0 { " VALUES (" } else { ", (" });
            for place in 0..row.len() {
                number += 1;
                text.push_str(if place == 0 { "$" } else { ", $" });
                text.push_str(&number.to_string());
            }
            text.push(')');
        }
        text.push_str(tail);
        cut.push((text, piece));
    }
    cut
}

/// Runs `head VALUES (…), (…) tail` for all rows, many rows a statement. Each row has the same number of values.
pub(crate) async fn with_rows(conn: &mut Conn<'_>, head: &'static str, rows: &[Vec<Arg>], tail: &'static str) -> Result<(), StoreError> {
    for (text, piece) in pieces(head, rows, tail) {
        let args = piece.iter().flatten();
        // The text is made of static fragments and numbers only.
        match conn {
            Conn::Sqlite(c) => bound!(sqlx::query(AssertSqlSafe(text)), args).execute(&mut **c).await.map(|_| ()),
            Conn::Postgres(c) => bound!(sqlx::query(AssertSqlSafe(text)), args).execute(&mut **c).await.map(|_| ()),
        }?;
    }
    Ok(())
}

/// The same of a statement that gives rows.
pub(crate) async fn fetch_with_rows<R: Row>(
    conn: &mut Conn<'_>,
    head: &'static str,
    rows: &[Vec<Arg>],
    tail: &'static str,
) -> Result<Vec<R>, StoreError> {
    let mut found = Vec::with_capacity(rows.len());
    for (text, piece) in pieces(head, rows, tail) {
        let args = piece.iter().flatten();
        found.extend(match conn {
            Conn::Sqlite(c) => bound!(sqlx::query_as::<_, R>(AssertSqlSafe(text)), args).fetch_all(&mut **c).await,
            Conn::Postgres(c) => bound!(sqlx::query_as::<_, R>(AssertSqlSafe(text)), args).fetch_all(&mut **c).await,
        }?);
    }
    Ok(found)
}

/// Statements that nobody looks between, asked at once. SQLite takes them one after the other; PostgreSQL takes them as one statement,
/// so none of them may see what another did (that a row points to a row of another is looked at when all is done).
#[derive(Debug, Clone, Default)]
pub(crate) struct Script {
    pieces: Vec<(Step, String)>,
    args: Vec<Arg>,
    #[cfg(debug_assertions)]
    places: Vec<&'static std::panic::Location<'static>>,
}

/// What a statement of a script gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// How many rows it changed.
    Changes,
    /// The number that it counted.
    Counts,
}

impl Script {
    /// How many numbers [`Script::run`] gives for what was added so far.
    pub(crate) fn len(&self) -> usize {
        self.pieces.len()
    }

    /// Adds a statement that changes rows, its values numbered from `$1`.
    #[must_use]
    #[track_caller]
    pub(crate) fn add(mut self, sql: &'static str, args: impl IntoIterator<Item = Arg>) -> Self {
        self.push(Step::Changes, sql, args);
        #[cfg(debug_assertions)]
        self.places.push(std::panic::Location::caller());
        self
    }

    /// Adds a `SELECT COUNT(*)` of rows that the script does not touch.
    #[must_use]
    #[track_caller]
    pub(crate) fn count(mut self, sql: &'static str, args: impl IntoIterator<Item = Arg>) -> Self {
        self.push(Step::Counts, sql, args);
        #[cfg(debug_assertions)]
        self.places.push(std::panic::Location::caller());
        self
    }

    /// Adds `head VALUES (…), (…) tail` for all rows.
    #[must_use]
    pub(crate) fn add_rows(mut self, head: &'static str, rows: &[Vec<Arg>], tail: &'static str) -> Self {
        for (text, piece) in pieces(head, rows, tail) {
            self.push(Step::Changes, &text, piece.iter().flatten().cloned());
        }
        self
    }

    fn push(&mut self, step: Step, sql: &str, args: impl IntoIterator<Item = Arg>) {
        self.pieces.push((step, renumbered(sql, self.args.len())));
        self.args.extend(args);
    }

    /// Runs it: how many rows each statement changed or counted.
    pub(crate) async fn run(self, conn: &mut Conn<'_>) -> Result<Vec<u64>, StoreError> {
        #[cfg(debug_assertions)]
        super::census::ran_all(conn, &self.places);
        match conn {
            Conn::Sqlite(c) => Ok(self.on_sqlite::<()>(c, None).await?.0),
            Conn::Postgres(c) => self.on_postgres(c).await,
        }
    }

    /// Runs it and then `select`, which sees what was done: how many rows each statement changed or counted, and the first row found.
    pub(crate) async fn run_then<R: Row>(self, conn: &mut Conn<'_>, select: &Select) -> Result<(Vec<u64>, Option<R>), StoreError> {
        #[cfg(debug_assertions)]
        super::census::ran_all(conn, &self.places);
        match conn {
            Conn::Sqlite(c) => {
                #[cfg(debug_assertions)]
                super::census::ran_all(&Conn::Sqlite(c), &select.places);
                self.on_sqlite(c, Some(select)).await
            }
            Conn::Postgres(c) => {
                let touched = self.on_postgres(c).await?;
                Ok((touched, select.fetch_optional(&mut Conn::Postgres(c)).await?))
            }
        }
    }

    async fn on_sqlite<R: for<'r> FromRow<'r, SqliteRow>>(
        mut self,
        c: &mut SqliteConnection,
        select: Option<&Select>,
    ) -> Result<(Vec<u64>, Option<R>), StoreError> {
        let steps: Vec<Step> = self.pieces.iter().map(|(step, _)| *step).collect();
        if let Some(select) = select {
            self.push(Step::Counts, &select.text, select.args.iter().cloned());
        }
        let text = self.pieces.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join("; ");
        let (mut touched, mut counted, mut found) = (Vec::with_capacity(steps.len()), 0, None);
        let mut answers = c.fetch_many(bound!(sqlx::query(AssertSqlSafe(text)), &self.args));
        while let Some(answer) = answers.try_next().await? {
            match (answer, steps.get(touched.len())) {
                (Either::Left(done), Some(Step::Changes)) => touched.push(done.rows_affected()),
                (Either::Left(_), Some(Step::Counts)) => touched.push(std::mem::take(&mut counted)),
                (Either::Right(row), Some(Step::Counts)) => counted = number(row.try_get::<i64, _>(0)?),
                (Either::Right(row), None) if found.is_none() => found = Some(R::from_row(&row)?),
                (Either::Left(_) | Either::Right(_), _) => {}
            }
        }
        Ok((touched, found))
    }

    async fn on_postgres(self, c: &mut PgConnection) -> Result<Vec<u64>, StoreError> {
        let (mut with, mut counts) = (Vec::new(), Vec::new());
        for (at, (step, piece)) in self.pieces.iter().enumerate() {
            match step {
                Step::Changes => {
                    with.push(format!("p{at} AS ({piece} RETURNING 1)"));
                    counts.push(format!("(SELECT COUNT(*) FROM p{at})"));
                }
                Step::Counts => counts.push(format!("({piece})")),
            }
        }
        let text = format!("WITH {} SELECT {}", with.join(", "), counts.join(", "));
        let row = bound!(sqlx::query(AssertSqlSafe(text)), &self.args).fetch_one(c).await?;
        (0..counts.len()).map(|at| Ok(number(row.try_get::<i64, _>(at)?))).collect()
    }
}

/// A count, which is never negative.
fn number(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

/// `$1`, `$2`, … of a statement as `$n+1`, `$n+2`, …
fn renumbered(sql: &str, by: usize) -> String {
    let mut text = String::with_capacity(sql.len() + 32);
    let mut pieces = sql.split('$');
    text.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let digits = piece.bytes().take_while(u8::is_ascii_digit).count();
        text.push('$');
        if let Ok(number) = piece[..digits].parse::<usize>() {
            text.push_str(&(number + by).to_string());
        }
        text.push_str(&piece[digits..]);
    }
    text
}

/// A SELECT with optional conditions. Fragments are `&'static str` with `?` for each value, numbered here.
#[derive(Debug, Clone)]
pub struct Select {
    text: String,
    args: Vec<Arg>,
    conditions: usize,
    #[cfg(debug_assertions)]
    places: Vec<&'static std::panic::Location<'static>>,
}

impl Select {
    /// `head` is everything before WHERE.
    #[track_caller]
    pub fn new(head: &'static str) -> Self {
        let select = Self {
            text: head.to_owned(),
            args: Vec::new(),
            conditions: 0,
            #[cfg(debug_assertions)]
            places: Vec::new(),
        };
        select.placed()
    }

    /// `head` with values of its own.
    #[track_caller]
    pub fn with_args(head: &'static str, args: impl IntoIterator<Item = Arg>) -> Self {
        let mut select = Self::new("");
        select.numbered(head, args);
        select.placed()
    }

    /// Remembers where a piece of it stands, for the census.
    #[cfg(debug_assertions)]
    #[track_caller]
    fn placed(mut self) -> Self {
        self.places.push(std::panic::Location::caller());
        self
    }

    #[cfg(not(debug_assertions))]
    fn placed(self) -> Self {
        self
    }

    /// Adds a condition; all conditions must hold.
    #[must_use]
    #[track_caller]
    pub fn and(mut self, fragment: &'static str, args: impl IntoIterator<Item = Arg>) -> Self {
        self.push_condition(fragment, args);
        self.placed()
    }

    /// Adds a condition where a value is given.
    #[must_use]
    #[track_caller]
    pub fn and_if<T: Into<Arg>>(self, fragment: &'static str, value: Option<T>) -> Self {
        match value {
            Some(value) => self.and(fragment, [value.into()]),
            None => self,
        }
    }

    /// Adds `(fragment OR fragment OR ...)`, one for each value; no values: nothing matches.
    #[must_use]
    #[track_caller]
    pub fn and_any(mut self, fragment: &'static str, values: impl IntoIterator<Item = Arg>) -> Self {
        self.start_condition();
        self.text.push('(');
        let mut first = true;
        for value in values {
            if !first {
                self.text.push_str(" OR ");
            }
            first = false;
            self.numbered(fragment, [value]);
        }
        if first {
            self.text.push_str("1 = 0");
        }
        self.text.push(')');
        self.placed()
    }

    /// Adds what stands after the conditions: GROUP BY, ORDER BY, LIMIT.
    #[must_use]
    #[track_caller]
    pub fn tail(mut self, fragment: &'static str, args: impl IntoIterator<Item = Arg>) -> Self {
        self.text.push(' ');
        self.numbered(fragment, args);
        self.placed()
    }

    fn push_condition(&mut self, fragment: &'static str, args: impl IntoIterator<Item = Arg>) {
        self.start_condition();
        self.text.push('(');
        self.numbered(fragment, args);
        self.text.push(')');
    }

    fn start_condition(&mut self) {
        self.text.push_str(if self.conditions == 0 { " WHERE " } else { " AND " });
        self.conditions += 1;
    }

    fn numbered(&mut self, fragment: &'static str, args: impl IntoIterator<Item = Arg>) {
        let mut args = args.into_iter();
        for character in fragment.chars() {
            if character == '?' {
                self.args.extend(args.next());
                self.text.push('$');
                self.text.push_str(&self.args.len().to_string());
            } else {
                self.text.push(character);
            }
        }
        debug_assert!(args.next().is_none(), "more values than places in {fragment:?}");
    }

    /// Runs it.
    pub async fn fetch_all<R: Row>(&self, conn: &mut Conn<'_>) -> Result<Vec<R>, StoreError> {
        #[cfg(debug_assertions)]
        super::census::ran_all(conn, &self.places);
        // The text is made of static fragments and numbers only.
        macro_rules! run {
            ($c:expr) => {{
                let query = bound!(sqlx::query_as::<_, R>(AssertSqlSafe(self.text.as_str())), &self.args);
                query.fetch_all(&mut **$c).await.map_err(StoreError::from)
            }};
        }
        match conn {
            Conn::Sqlite(c) => run!(c),
            Conn::Postgres(c) => run!(c),
        }
    }

    /// Runs it for its first row.
    pub async fn fetch_optional<R: Row>(&self, conn: &mut Conn<'_>) -> Result<Option<R>, StoreError> {
        Ok(self.fetch_all(conn).await?.into_iter().next())
    }

    /// Runs a `SELECT COUNT(*)`-like statement whose single column is a number.
    pub async fn fetch_number(&self, conn: &mut Conn<'_>) -> Result<i64, StoreError> {
        let row: Option<(i64,)> = self.fetch_optional(conn).await?;
        Ok(row.map_or(0, |row| row.0))
    }
}

/// What a person typed, for a LIKE that searches inside: lower case, wildcards taken literally (use with `ESCAPE '!'`).
pub(crate) fn contains(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for character in text.trim().to_lowercase().chars() {
        if matches!(character, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_numbered_on_where_another_statement_went_before() {
        assert_eq!(renumbered("UPDATE t SET a = $2, b = $10 WHERE id = $1", 0), "UPDATE t SET a = $2, b = $10 WHERE id = $1");
        assert_eq!(renumbered("UPDATE t SET a = $2, b = $10 WHERE id = $1", 7), "UPDATE t SET a = $9, b = $17 WHERE id = $8");
        assert_eq!(renumbered("SELECT '$.a', $1", 1), "SELECT '$.a', $2", "what is no place stays");
    }

    #[test]
    fn rows_go_in_few_sizes_of_pieces() {
        let rows: Vec<Vec<Arg>> = (0..53_i64).map(|number| vec![number.into(), "x".into()]).collect();
        let cut = pieces("INSERT INTO t (a, b)", &rows, " ON CONFLICT DO NOTHING");
        let sizes: Vec<usize> = cut.iter().map(|(_, piece)| piece.len()).collect();
        assert_eq!(sizes, [48, 4, 1]);
        assert_eq!(cut[2].0, "INSERT INTO t (a, b) VALUES ($1, $2) ON CONFLICT DO NOTHING");
        assert!(cut[1].0.contains("($7, $8)"), "{}", cut[1].0);
    }
}
