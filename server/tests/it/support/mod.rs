//! What the tests stand on: a fresh database of either engine, and the application on a port of its own.

mod alerts;
mod app;
pub(crate) mod bulk;
mod engine;
mod made;
mod mail;
mod network;
pub(crate) mod postgres;
mod push;

pub(crate) use alerts::{STILL, add_camera, add_picture, diagnosis, hear, until};
pub(crate) use app::{Client, Node, PASSWORD, TestApp};
pub(crate) use engine::WithEngine;
pub(crate) use mail::{MailServer, Taken};
pub(crate) use network::{Fault, Network};
pub(crate) use push::PushService;

/// The engines every test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    /// A file of its own.
    Sqlite,
    /// A database of its own in the throw-away cluster.
    Postgres,
}

/// Both engines, for tests that compare what they give.
pub(crate) const ENGINES: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];

/// Writes one test function for each engine: `on_both!(name, |app| async { … })` with `app: TestApp`.
macro_rules! on_both {
    ($name:ident, |$app:ident| $body:block) => {
        mod $name {
            use super::*;

            async fn run($app: $crate::support::TestApp) $body

            #[actix_web::test]
            async fn sqlite() {
                run($crate::support::TestApp::start($crate::support::Engine::Sqlite).await).await;
            }

            #[actix_web::test]
            async fn postgres() {
                run($crate::support::TestApp::start($crate::support::Engine::Postgres).await).await;
            }
        }
    };
}
pub(crate) use on_both;

/// Waits until everything that was written so far has its number in the change log (PostgreSQL numbers after the commit), and
/// gives the last one.
pub(crate) async fn settled(app: &TestApp) -> i64 {
    use server::store::{Conn, StoreError};
    let mut head = app.app.db.changes();
    let count = app.app.db.write(|tx| {
        Box::pin(async move {
            let sql = "SELECT COUNT(*) FROM change_log";
            let (count,): (i64,) = match &mut **tx {
                Conn::Sqlite(connection) => sqlx::query_as(sql).fetch_one(&mut **connection).await?,
                Conn::Postgres(connection) => sqlx::query_as(sql).fetch_one(&mut **connection).await?,
            };
            Ok::<_, StoreError>(count)
        })
    });
    let count = count.await.unwrap();
    let numbered = head.wait_for(|number| *number >= count);
    *tokio::time::timeout(std::time::Duration::from_secs(60), numbered).await.unwrap().unwrap()
}

/// Changes the database behind the program's back, as somebody with the file in hand would.
pub(crate) async fn tamper(db: &server::store::Db, sql: &'static str) {
    use server::store::{Conn, StoreError};
    let changed = db.write(move |tx| {
        Box::pin(async move {
            let rows = match &mut **tx {
                Conn::Sqlite(connection) => sqlx::query(sql).execute(&mut **connection).await.map(|done| done.rows_affected()),
                Conn::Postgres(connection) => sqlx::query(sql).execute(&mut **connection).await.map(|done| done.rows_affected()),
            };
            Ok::<_, StoreError>(rows?)
        })
    });
    assert_eq!(changed.await.unwrap(), 1, "{sql}");
}
