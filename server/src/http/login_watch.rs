//! A stream outlives its request; this says when the login behind it has ended, or may do something else now.

use std::pin::Pin;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::App;
use crate::auth::{Access, Session};
use crate::store::{StoreError, logins};

/// How often the login is looked at, for what another node ended.
const LOOK_INTERVAL: Duration = Duration::from_secs(4);
/// A stream ends after this time; the browser opens the next with a fresh login.
const LIFE: Duration = Duration::from_secs(3_600);

/// Watches the login behind one stream.
pub(super) struct LoginWatch {
    app: App,
    session: Session,
    ended: Pin<Box<dyn Future<Output = ()> + Send>>,
    stopping: CancellationToken,
    opened: Instant,
    next_look: Instant,
}

impl LoginWatch {
    /// It hears of what ends from now on.
    pub(super) fn new(app: &App, session: &Session) -> Self {
        let now = Instant::now();
        Self {
            ended: Box::pin(app.streams.ended(session.session_id, session.user_id)),
            stopping: app.supervisor.soft(),
            app: app.clone(),
            session: session.clone(),
            opened: now,
            next_look: now + LOOK_INTERVAL,
        }
    }

    /// Completes when the stream has to end, with the reason: `signed_out`, `scope_changed`, `expired` or `shutdown`.
    ///
    /// It may be dropped and called again at any time: what was heard meanwhile is looked at first.
    pub(super) async fn over(&mut self) -> &'static str {
        loop {
            tokio::select! {
                biased;
                () = self.stopping.cancelled() => return "shutdown",
                () = &mut self.ended => {
                    self.ended = Box::pin(self.app.streams.ended(self.session.session_id, self.session.user_id));
                    self.next_look = Instant::now();
                }
                () = tokio::time::sleep_until(self.next_look) => {
                    if let Some(reason) = self.look().await {
                        return reason;
                    }
                    self.next_look = Instant::now() + LOOK_INTERVAL;
                }
            }
        }
    }

    async fn look(&self) -> Option<&'static str> {
        if self.opened.elapsed() >= LIFE {
            return Some("expired");
        }
        // Who cannot be looked up may come again.
        self.login().await.unwrap_or(Some("expired"))
    }

    async fn login(&self) -> Result<Option<&'static str>, StoreError> {
        let mut reader = self.app.db.read().await?;
        let conn = &mut reader.conn();
        let row = logins::session(conn, &self.session.session_id.to_string()).await?;
        let Some(row) = row.filter(|row| row.ended_at.is_none() && row.disabled_at.is_none()) else { return Ok(Some("signed_out")) };
        if row.scope_version != self.session.access.scope_version {
            return Ok(Some("scope_changed"));
        }
        // Grants also end by time, and open assignments open and close premises.
        let access = Access::of_user(conn, &row.user_id, row.scope_version, self.app.clock.wall_ms()).await?;
        Ok((access != self.session.access).then_some("scope_changed"))
    }
}
