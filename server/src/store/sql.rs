//! One SQL text for both engines.
//!
//! The macros match the connection and expand the same statement in both arms; [`Select`] composes optional filters from
//! static fragments. Values are always bound, never written into the text.

use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, FromRow};

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
    /// BOOLEAN that may be absent
    MaybeBool(Option<bool>),
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
                Arg::MaybeBool(value) => query.bind(*value),
            };
        }
        query
    }};
}

/// Rows that one statement takes: few sizes, so that few texts are prepared.
const ROWS: [usize; 10] = [48, 32, 16, 12, 8, 6, 4, 3, 2, 1];

/// Runs `head VALUES (…), (…) tail` for all rows, many rows a statement. Each row has the same number of values.
pub(crate) async fn with_rows(conn: &mut Conn<'_>, head: &'static str, rows: &[Vec<Arg>], tail: &'static str) -> Result<(), StoreError> {
    let mut left = rows;
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
        let args = piece.iter().flatten();
        // The text is made of static fragments and numbers only.
        match conn {
            Conn::Sqlite(c) => bound!(sqlx::query(AssertSqlSafe(text)), args).execute(&mut **c).await.map(|_| ()),
            Conn::Postgres(c) => bound!(sqlx::query(AssertSqlSafe(text)), args).execute(&mut **c).await.map(|_| ()),
        }?;
    }
    Ok(())
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
