//! Databases as they are after the first start: made once a test run on either engine, copied for each test.

use std::path::Path;

use media::Clock as _;
use media::clock::SystemClock;
use media::supervise::Supervisor;
use server::store::{Db, templates};
use tokio::sync::OnceCell;

use super::postgres::{database_like, fresh_database};

/// The URL of a SQLite database at `path`.
pub(super) async fn on_sqlite(path: &Path) -> String {
    static MADE: OnceCell<Vec<u8>> = OnceCell::const_new();
    let made = MADE.get_or_init(|| async {
        let folder = tempfile::tempdir().unwrap();
        let db = first_start(&format!("sqlite://{}", folder.path().join("made.db").display())).await;
        // One file, without a journal beside it.
        let whole = folder.path().join("whole.db");
        db.snapshot(&whole).await.unwrap();
        db.close().await;
        std::fs::read(whole).unwrap()
    });
    std::fs::write(path, made.await).unwrap();
    format!("sqlite://{}", path.display())
}

/// The URL of a PostgreSQL database.
pub(super) async fn on_postgres() -> String {
    static MADE: OnceCell<String> = OnceCell::const_new();
    let made = MADE.get_or_init(|| async {
        let url = fresh_database();
        // A pattern is copied only while nobody is connected to it.
        first_start(&url).await.close().await;
        url.rsplit('/').next().unwrap_or_default().to_owned()
    });
    database_like(made.await)
}

async fn first_start(url: &str) -> Db {
    let db = Db::open(url, &Supervisor::new()).await.unwrap();
    db.migrate().await.unwrap();
    templates::ensure_shipped(&db, SystemClock::new().wall_ms()).await.unwrap();
    db
}
