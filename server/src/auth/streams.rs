//! Streams that outlive their request (events, live video) end when the login behind them does.

use std::sync::Arc;

use tokio::sync::broadcast;
use uuid::Uuid;

/// Notices a slow stream may be behind; one that is further behind looks at the database instead.
const BACKLOG: usize = 256;

/// What has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// One login.
    Session(Uuid),
    /// All logins of a person: disabled, or roles changed.
    User(Uuid),
}

/// Tells open streams whose login has ended.
#[derive(Debug, Clone)]
pub struct Streams(Arc<broadcast::Sender<Ended>>);

impl Default for Streams {
    fn default() -> Self {
        Self(Arc::new(broadcast::Sender::new(BACKLOG)))
    }
}

impl Streams {
    /// After the session's row has been changed: modify, then notify.
    pub fn end_session(&self, session: Uuid) {
        // No stream is open: nobody to tell.
        let _ = self.0.send(Ended::Session(session));
    }

    /// After the user's rows have been changed.
    pub fn end_user(&self, user: Uuid) {
        let _ = self.0.send(Ended::User(user));
    }

    /// Completes when `session` of `user` has ended, or when so much ended that it is worth looking.
    pub async fn ended(&self, session: Uuid, user: Uuid) {
        let mut told = self.0.subscribe();
        loop {
            match told.recv().await {
                Ok(Ended::Session(ended)) if ended == session => return,
                Ok(Ended::User(ended)) if ended == user => return,
                Ok(_) => {}
                Err(_) => return,
            }
        }
    }
}
