//! Streams that outlive their request (events, live video) end when the login behind them does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

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

/// Tells open streams whose login has ended, and bounds how many a person has open.
#[derive(Debug, Clone)]
pub struct Streams(Arc<broadcast::Sender<Ended>>, Arc<Mutex<HashMap<Uuid, usize>>>);

impl Default for Streams {
    fn default() -> Self {
        Self(Arc::new(broadcast::Sender::new(BACKLOG)), Arc::default())
    }
}

/// A place among a person's open streams; given back when dropped.
#[derive(Debug)]
pub struct StreamPlace {
    user: Uuid,
    open: Arc<Mutex<HashMap<Uuid, usize>>>,
}

impl Drop for StreamPlace {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.user) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.user);
            }
        }
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

    /// A place for one more stream of `user`, where fewer than `limit` are open.
    pub fn place(&self, user: Uuid, limit: usize) -> Option<StreamPlace> {
        let mut open = self.1.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(user).or_default();
        if *count >= limit {
            return None;
        }
        *count += 1;
        Some(StreamPlace { user, open: self.1.clone() })
    }

    /// What ends from now on.
    pub fn listen(&self) -> broadcast::Receiver<Ended> {
        self.0.subscribe()
    }

    /// Completes when `session` of `user` has ended, or when so much ended that it is worth looking.
    ///
    /// It listens from the call on, not from the first poll: nothing that ends in between is missed.
    pub fn ended(&self, session: Uuid, user: Uuid) -> impl Future<Output = ()> + Send + 'static {
        let mut told = self.listen();
        async move {
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stream_hears_of_its_own_login_only() {
        let streams = Streams::default();
        let (one, other, user) = (Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3));
        let ended = streams.ended(one, user);
        streams.end_session(other);
        let mut ended = Box::pin(ended);
        assert!(futures::poll!(&mut ended).is_pending());
        streams.end_user(user);
        ended.await;
    }

    #[test]
    fn places_are_given_back() {
        let (streams, user) = (Streams::default(), Uuid::from_u128(1));
        let first = streams.place(user, 2);
        let second = streams.place(user, 2);
        assert!(first.is_some() && second.is_some() && streams.place(user, 2).is_none() && streams.place(Uuid::from_u128(2), 2).is_some());
        drop(first);
        assert!(streams.place(user, 2).is_some());
    }
}
