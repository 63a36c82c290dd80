//! The two engines behind one door.
//!
//! SQLite: readers are read-only connections; all writes go through one writer (see [`super::writer`]).
//! PostgreSQL: a pool; each write is a transaction of its own.

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use media::supervise::Supervisor;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, PgConnection, PgPool, Postgres, Sqlite, SqliteConnection, SqlitePool};
use tokio::sync::{Notify, watch};

use super::writer::Writer;
use super::{StoreError, journal, search, tallies};

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../migrations");

/// Longest wait for a free connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// A connection that was used this moment is there.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);
/// Pages of SQLite's log that are written before they go into the file, 16 MB: less is copied and synced twice.
const LOG_PAGES: &str = "4000";
/// Memory of the writer for pages, KiB (negative, as SQLite wants it).
const WRITER_CACHE_KIB: &str = "-16000";
/// Longest wait of SQLite for a lock held by another process (a backup, `check`).
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// A connection to either engine, borrowed for some statements.
pub enum Conn<'c> {
    /// SQLite
    Sqlite(&'c mut SqliteConnection),
    /// PostgreSQL
    Postgres(&'c mut PgConnection),
}

/// A connection held for reading.
pub enum Reader {
    /// SQLite
    Sqlite(PoolConnection<Sqlite>),
    /// PostgreSQL
    Postgres(PoolConnection<Postgres>),
}

impl Conn<'_> {
    /// Which engine it is of.
    pub(super) fn engine(&self) -> EngineKind {
        match self {
            Self::Sqlite(_) => EngineKind::Sqlite,
            Self::Postgres(_) => EngineKind::Postgres,
        }
    }
}

impl Reader {
    /// Borrows it for some statements.
    pub fn conn(&mut self) -> Conn<'_> {
        match self {
            Self::Sqlite(c) => Conn::Sqlite(&mut *c),
            Self::Postgres(c) => Conn::Postgres(&mut *c),
        }
    }
}

/// A writing transaction. Reads inside see its own writes.
pub struct Tx<'t> {
    pub(super) conn: Conn<'t>,
    /// Written when the work is done.
    pub(super) journal: journal::Journal,
    /// It changes no login and nothing of what somebody may do.
    pub(super) leaves_access: bool,
}

impl<'t> Tx<'t> {
    pub(super) fn new(conn: Conn<'t>) -> Self {
        Self { conn, journal: journal::Journal::default(), leaves_access: false }
    }

    /// Says that this write ends no login and changes nothing of what anybody may do, so that what is remembered of that stays good.
    pub fn leaves_access_alone(&mut self) {
        self.leaves_access = true;
    }
}

impl<'t> std::ops::Deref for Tx<'t> {
    type Target = Conn<'t>;
    fn deref(&self) -> &Conn<'t> {
        &self.conn
    }
}
impl std::ops::DerefMut for Tx<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.conn
    }
}

enum Engine {
    Sqlite { readers: SqlitePool, writer: Writer, single: SqlitePool },
    Postgres(PgPool),
}

struct Shared {
    engine: Engine,
    /// The newest number in the change log that is committed.
    head: watch::Sender<i64>,
    /// PostgreSQL: something waits to be numbered.
    unnumbered: Notify,
    /// Grows with every write that may change a login or what somebody may do.
    access: Arc<AtomicU64>,
}

/// The database. Clones share it.
#[derive(Clone)]
pub struct Db(Arc<Shared>);

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Db").field(&self.kind()).finish()
    }
}

/// Which engine this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineKind {
    /// SQLite
    Sqlite,
    /// PostgreSQL
    Postgres,
}

impl EngineKind {
    /// For people and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

impl Db {
    /// Opens `sqlite://PATH` or `postgres://…`, creating the SQLite file where there is none. Runs no migration.
    pub async fn open(url: &str, supervisor: &Supervisor) -> Result<Self, StoreError> {
        let (head, _) = watch::channel(0);
        let access = Arc::new(AtomicU64::new(0));
        let engine = if url.starts_with("postgres") {
            let options = PgConnectOptions::from_str(url)?.disable_statement_logging();
            let pool = PgPoolOptions::new()
                .max_connections(24)
                .acquire_timeout(ACQUIRE_TIMEOUT)
                // Asked whether it still lives only when it may have gone: a question costs as much as a look.
                .test_before_acquire(false)
                .before_acquire(|connection, held| {
                    Box::pin(async move {
                        if held.idle_for < TRUSTED_IDLE {
                            return Ok(true);
                        }
                        Ok(sqlx::Connection::ping(connection).await.is_ok())
                    })
                })
                .connect_with(options)
                .await?;
            Engine::Postgres(pool)
        } else {
            let base = SqliteConnectOptions::from_str(url)?
                .create_if_missing(true)
                .foreign_keys(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .busy_timeout(BUSY_TIMEOUT)
                .disable_statement_logging();
            // What a caller's savepoint may have to undo stays in memory: at most what one group of callers changes.
            let writer =
                base.clone().pragma("wal_autocheckpoint", LOG_PAGES).pragma("cache_size", WRITER_CACHE_KIB).pragma("temp_store", "memory");
            let single = SqlitePoolOptions::new().max_connections(1).acquire_timeout(ACQUIRE_TIMEOUT).connect_with(writer).await?;
            let readers = SqlitePoolOptions::new()
                .max_connections(8)
                .acquire_timeout(ACQUIRE_TIMEOUT)
                // A file does not hang up.
                .test_before_acquire(false)
                .connect_lazy_with(base.create_if_missing(false).read_only(true));
            Engine::Sqlite { readers, writer: Writer::start(single.clone(), head.clone(), access.clone(), supervisor), single }
        };
        Ok(Self(Arc::new(Shared { engine, head, unnumbered: Notify::new(), access })))
    }

    /// Brings the schema up to date and reads where the change log stands.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        let done = match &self.0.engine {
            Engine::Sqlite { single, .. } => MIGRATIONS.run(single).await,
            Engine::Postgres(pool) => MIGRATIONS.run(pool).await,
        };
        done.map_err(|error| StoreError::Unavailable(format!("migration failed: {error}")))?;
        search::prepare(self).await?;
        tallies::prepare(self).await?;
        let head = journal::head(&mut self.read().await?.conn()).await?;
        self.0.head.send_replace(head);
        Ok(())
    }

    /// Has SQLite count what its planner goes by, where tables have grown, and put the index of words together again. PostgreSQL does
    /// both by itself. Readers see it when their connections are made anew, half an hour later at most.
    pub async fn tidy(&self) -> Result<(), StoreError> {
        if self.kind() == EngineKind::Postgres {
            return Ok(());
        }
        self.write_apart(|tx| Box::pin(async move { search::tidy(tx).await })).await
    }

    /// Which engine it is.
    pub fn kind(&self) -> EngineKind {
        match &self.0.engine {
            Engine::Sqlite { .. } => EngineKind::Sqlite,
            Engine::Postgres(_) => EngineKind::Postgres,
        }
    }

    /// A connection for reading.
    pub async fn read(&self) -> Result<Reader, StoreError> {
        Ok(match &self.0.engine {
            Engine::Sqlite { readers, .. } => Reader::Sqlite(readers.acquire().await?),
            Engine::Postgres(pool) => Reader::Postgres(pool.acquire().await?),
        })
    }

    /// Runs `work` in a writing transaction: all of it is kept, or, where it fails, none.
    ///
    /// No hashing, decoding or file work belongs inside: on SQLite everybody else's writes wait for it.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: for<'a, 't> FnOnce(&'a mut Tx<'t>) -> BoxFuture<'a, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        match &self.0.engine {
            Engine::Sqlite { writer, .. } => writer.write(work).await,
            Engine::Postgres(pool) => {
                let mut transaction = pool.begin().await.map_err(StoreError::from)?;
                let mut tx = Tx::new(Conn::Postgres(&mut transaction));
                let result = work(&mut tx).await?;
                let (noted, leaves_access) = (tx.journal, tx.leaves_access);
                let journalled = !noted.is_empty();
                noted.write(&mut Conn::Postgres(&mut transaction)).await?;
                transaction.commit().await.map_err(StoreError::from)?;
                if !leaves_access {
                    self.0.access.fetch_add(1, Ordering::SeqCst);
                }
                if journalled {
                    self.0.unnumbered.notify_one();
                }
                Ok(result)
            }
        }
    }

    /// The same for work that leaves access alone ([`Tx::leaves_access_alone`]): what cameras, jobs and deliveries write all the time.
    pub async fn write_apart<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: for<'a, 't> FnOnce(&'a mut Tx<'t>) -> BoxFuture<'a, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.write(move |tx| {
            tx.leaves_access_alone();
            work(tx)
        })
        .await
    }

    /// Another number after every write of this program that may have changed a login or what somebody may do.
    pub fn access_epoch(&self) -> u64 {
        self.0.access.load(Ordering::SeqCst)
    }

    /// The newest number in the change log that is committed.
    pub fn head(&self) -> i64 {
        *self.0.head.borrow()
    }

    /// Follows the change log: the value is the newest committed number.
    pub fn changes(&self) -> watch::Receiver<i64> {
        self.0.head.subscribe()
    }

    /// PostgreSQL's sequencer: numbers changes and links audit rows after they were committed. Never returns there;
    /// on SQLite, where the writer does this, it waits for ever.
    pub async fn sequence(&self) -> Result<(), StoreError> {
        let Engine::Postgres(pool) = &self.0.engine else {
            return std::future::pending().await;
        };
        loop {
            // Another node's rows are found by looking; our own wake us.
            let _ = tokio::time::timeout(Duration::from_millis(500), self.0.unnumbered.notified()).await;
            let head = sequence_once(pool).await?;
            self.0.head.send_if_modified(|known| std::mem::replace(known, head) != head);
        }
    }

    /// Writes a consistent copy of a SQLite database to `target`, while it is in use. PostgreSQL has its own tools.
    pub async fn snapshot(&self, target: &Path) -> Result<(), StoreError> {
        let Engine::Sqlite { readers, .. } = &self.0.engine else {
            return Err(StoreError::Unavailable("a snapshot is for SQLite; use pg_dump for PostgreSQL".to_owned()));
        };
        sqlx::query("VACUUM INTO $1").bind(target.to_string_lossy().into_owned()).execute(readers).await?;
        Ok(())
    }

    /// Holds one instant of a PostgreSQL database, so that a dump and what is counted beside it agree.
    pub async fn export_snapshot(&self) -> Result<PgMoment, StoreError> {
        let Engine::Postgres(pool) = &self.0.engine else {
            return Err(StoreError::Unavailable("SQLite is copied whole".to_owned()));
        };
        let mut transaction = pool.begin().await?;
        sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY").execute(&mut *transaction).await?;
        let (id,): (String,) = sqlx::query_as("SELECT pg_export_snapshot()").fetch_one(&mut *transaction).await?;
        Ok(PgMoment { transaction, id })
    }

    /// What the engine itself finds wrong with its files and references; PostgreSQL sees to that by itself.
    pub async fn integrity_faults(&self) -> Result<Vec<String>, StoreError> {
        let Engine::Sqlite { readers, .. } = &self.0.engine else { return Ok(Vec::new()) };
        let found: Vec<(String,)> = sqlx::query_as("PRAGMA integrity_check(100)").fetch_all(readers).await?;
        let dangling: Vec<(String, Option<i64>, String)> =
            sqlx::query_as("SELECT \"table\", rowid, parent FROM pragma_foreign_key_check LIMIT 100").fetch_all(readers).await?;
        let found = found.into_iter().map(|row| row.0).filter(|text| text != "ok");
        let dangling = dangling.into_iter().map(|(table, row, parent)| {
            format!("row {} of {table} points to a row of {parent} that is not there", row.unwrap_or_default())
        });
        Ok(found.chain(dangling).collect())
    }

    /// Size of the database, bytes.
    pub async fn size_bytes(&self) -> Result<i64, StoreError> {
        let row: (i64,) = match &self.0.engine {
            Engine::Sqlite { readers, .. } => {
                sqlx::query_as("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()").fetch_one(readers).await?
            }
            Engine::Postgres(pool) => sqlx::query_as("SELECT pg_database_size(current_database())").fetch_one(pool).await?,
        };
        Ok(row.0)
    }

    /// Lets what is being written finish and closes every connection.
    pub async fn close(&self) {
        match &self.0.engine {
            Engine::Sqlite { readers, writer, single } => {
                writer.stop().await;
                readers.close().await;
                single.close().await;
            }
            Engine::Postgres(pool) => pool.close().await,
        }
    }
}

/// One instant of a PostgreSQL database, for as long as this is held.
pub struct PgMoment {
    transaction: sqlx::Transaction<'static, Postgres>,
    id: String,
}

impl PgMoment {
    /// What `pg_dump --snapshot` takes.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Reads as of that instant.
    pub fn conn(&mut self) -> Conn<'_> {
        Conn::Postgres(&mut self.transaction)
    }

    /// Lets it go.
    pub async fn end(self) -> Result<(), StoreError> {
        Ok(self.transaction.rollback().await?)
    }
}

/// One round of PostgreSQL's sequencer. The advisory lock keeps two nodes from numbering at once.
async fn sequence_once(pool: &PgPool) -> Result<i64, StoreError> {
    let mut transaction = pool.begin().await?;
    sqlx::query("SELECT pg_advisory_xact_lock(727001)").execute(&mut *transaction).await?;
    let mut tx = Tx::new(Conn::Postgres(&mut transaction));
    journal::number_changes(&mut tx).await?;
    journal::link_audit(&mut tx).await?;
    let head = journal::head(&mut tx).await?;
    transaction.commit().await?;
    Ok(head)
}
