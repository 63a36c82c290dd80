//! What the tests stand on: a fresh database of either engine, and the application on a port of its own.

mod alerts;
mod app;
pub(crate) mod bulk;
pub(crate) mod postgres;

pub(crate) use alerts::{STILL, add_camera, add_picture, diagnosis, hear, until};
pub(crate) use app::{Client, Node, PASSWORD, TestApp};

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
