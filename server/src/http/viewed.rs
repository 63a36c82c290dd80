//! That somebody looked at a picture, in the audit log.

use serde_json::Value;

use super::Problem;
use crate::App;
use crate::auth::Session;
use crate::store::journal::Act;

/// Notes that somebody looks: once a minute for the same person, thing and act. A player asks for many pieces, in any order;
/// whichever comes first is noted, before it is given.
pub(crate) async fn note(
    app: &App,
    session: &Session,
    action: &'static str,
    (kind, id): (&'static str, &str),
    path: &str,
    detail: Value,
) -> Result<(), Problem> {
    let at = app.clock.wall_ms();
    if app.views_noted.take(&format!("{}:{id}:{action}", session.user_id), at).is_err() {
        return Ok(());
    }
    let (actor, id, path) = (session.actor.clone(), id.to_owned(), path.to_owned());
    app.db
        .write(move |tx| {
            Box::pin(async move { tx.audit(at, Act { actor: &actor, action, entity: Some((kind, &id)), path: &path, detail }).await })
        })
        .await?;
    Ok(())
}
