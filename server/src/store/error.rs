//! What can go wrong in the store. A look-up that finds nothing is an `Option`, not an error.

use std::sync::Arc;

/// The store's one error type.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// A unique or foreign-key rule of the schema refused the row.
    #[error("conflicts with what is stored: {0}")]
    Conflict(String),
    /// The database cannot answer now: locked, away, out of connections, or shutting down. Trying again may help.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// Stored data does not have the shape the program writes.
    #[error("stored data is damaged: {0}")]
    Damaged(String),
    /// Anything else: a mistake of the program.
    #[error("database error: {0}")]
    Database(#[source] Arc<sqlx::Error>),
}

impl StoreError {
    /// A stored value that does not parse, for `map_err`.
    pub fn damaged(what: impl std::fmt::Display) -> Self {
        Self::Damaged(what.to_string())
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(cause) if cause.is_unique_violation() || cause.is_foreign_key_violation() => {
                Self::Conflict(cause.constraint().map_or_else(|| cause.message().to_owned(), str::to_owned))
            }
            // PostgreSQL: serialization failure, deadlock, read-only, shutting down. SQLite: busy.
            sqlx::Error::Database(cause)
                if matches!(cause.code().as_deref(), Some("40001" | "40P01" | "25006" | "57P01" | "57P03" | "5" | "517" | "261")) =>
            {
                Self::Unavailable(cause.message().to_owned())
            }
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) => Self::Unavailable(error.to_string()),
            sqlx::Error::ColumnDecode { .. } => Self::Damaged(error.to_string()),
            _ => Self::Database(Arc::new(error)),
        }
    }
}
