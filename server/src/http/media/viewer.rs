//! `Viewer`: somebody who may watch the camera of the path live.
//!
//! A player asks for a playlist and a part twice a second. That it may is remembered for six seconds, so that fifty viewers
//! are not fifty times four reads of their logins and the camera. After three, one request of the login looks again while
//! its others go on: they all come at the same moment, when a part is there. Whatever ends a login ends the memory at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use mobile_api::problem::ProblemType;
use serde_json::json;
use tokio::sync::broadcast;
use uuid::Uuid;

use super::{camera, note_view};
use crate::App;
use crate::auth::{self, Caller, Ended, can};
use crate::http::Problem;

/// How long a permission is remembered, ms: changes that another process makes in the database take effect after this, and
/// a stream has to end within 10 s.
const KEPT_MS: u64 = 6_000;
/// After this, ms, one request is sent to look again.
const LOOK_AGAIN_MS: u64 = 3_000;
/// Viewers that are remembered; more are looked up each time.
const VIEWERS_MAX: usize = 4_096;

/// Who was found to be allowed to watch which camera, by access token.
#[derive(Debug, Clone, Default)]
pub struct Viewings(Arc<Mutex<HashMap<(String, Uuid), Viewing>>>);

#[derive(Debug)]
struct Viewing {
    since_ms: i64,
    /// Somebody looks again.
    looking: bool,
    ended: broadcast::Receiver<Ended>,
}

impl Viewing {
    fn holds(&mut self, now_ms: i64) -> bool {
        // Whose login ended does not matter: looking again is cheap.
        now_ms.abs_diff(self.since_ms) < KEPT_MS && matches!(self.ended.try_recv(), Err(broadcast::error::TryRecvError::Empty))
    }
}

impl Viewings {
    /// Whether it is remembered that the sender may watch; `false` once in a while, to whoever is to look again.
    fn holds(&self, key: &(String, Uuid), now_ms: i64) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(viewing) = all.get_mut(key) else { return false };
        if !viewing.holds(now_ms) {
            all.remove(key);
            return false;
        }
        if viewing.looking || now_ms.abs_diff(viewing.since_ms) < LOOK_AGAIN_MS {
            return true;
        }
        viewing.looking = true;
        false
    }

    /// Whether the request, for a camera's live video, comes from somebody of whom it is remembered that they may watch it.
    pub(super) fn remember(&self, request: &HttpRequest, camera: Uuid, now_ms: i64) -> bool {
        auth::token(request).is_some_and(|token| self.holds(&(token, camera), now_ms))
    }

    /// Who looked again may not: nobody with this token may.
    fn forget(&self, key: &(String, Uuid)) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    /// `ended` listens since before the permission was looked up.
    fn keep(&self, key: (String, Uuid), since_ms: i64, ended: broadcast::Receiver<Ended>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= VIEWERS_MAX {
            all.retain(|_, viewing| viewing.holds(since_ms));
        }
        if all.len() < VIEWERS_MAX || all.contains_key(&key) {
            all.insert(key, Viewing { since_ms, looking: false, ended });
        }
    }
}

/// May watch the camera that the path names; that they do is in the audit log.
#[derive(Debug)]
pub(super) struct Viewer;

impl FromRequest for Viewer {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let Some(app) = request.app_data::<web::Data<App>>().cloned() else {
            return async { Err(Problem::of(ProblemType::Internal)) }.boxed_local();
        };
        let id: Option<Uuid> = request.match_info().get("id").and_then(|text| text.parse().ok());
        let (key, now_ms) = (auth::token(request).zip(id), app.clock.wall_ms());
        if key.as_ref().is_some_and(|key| app.viewings.holds(key, now_ms)) {
            return async { Ok(Self) }.boxed_local();
        }
        let ended = app.streams.listen();
        let caller = Caller::<can::VideoLive>::from_request(request, payload);
        async move {
            let looked = async {
                let caller = caller.await?;
                let row = camera(&app, &caller.scope(), id.ok_or_else(Problem::not_found)?).await?;
                note_view(&app, &caller, &row, "view_live", json!({})).await
            };
            let looked = looked.await;
            match (key, &looked) {
                (Some(key), Ok(())) => app.viewings.keep(key, now_ms, ended),
                (Some(key), Err(_)) => app.viewings.forget(&key),
                (None, _) => {}
            }
            looked.map(|()| Self)
        }
        .boxed_local()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Streams;

    fn key(name: &str) -> (String, Uuid) {
        (name.to_owned(), Uuid::nil())
    }

    #[test]
    fn a_viewing_is_remembered_for_six_seconds_by_either_clock() {
        let (viewings, streams) = (Viewings::default(), Streams::default());
        viewings.keep(key("one"), 10_000, streams.listen());
        assert!(viewings.holds(&key("one"), 12_999) && !viewings.holds(&key("other"), 10_000));
        assert!(!viewings.holds(&key("one"), 13_000), "one is to look again");
        assert!(viewings.holds(&key("one"), 13_000) && viewings.holds(&key("one"), 15_999), "while the others go on");
        assert!(!viewings.holds(&key("one"), 16_000) && !viewings.holds(&key("one"), 10_000), "and then forgotten");
        viewings.keep(key("one"), 3_610_000, streams.listen());
        assert!(!viewings.holds(&key("one"), 10_000), "a clock that was set back makes nothing last longer");
    }

    #[test]
    fn who_looked_again_decides_for_all() {
        let (viewings, streams) = (Viewings::default(), Streams::default());
        viewings.keep(key("one"), 0, streams.listen());
        assert!(!viewings.holds(&key("one"), 3_000) && viewings.holds(&key("one"), 3_001));
        viewings.keep(key("one"), 3_000, streams.listen());
        assert!(viewings.holds(&key("one"), 5_999), "found again, it counts from then");
        assert!(!viewings.holds(&key("one"), 6_000));
        viewings.forget(&key("one"));
        assert!(!viewings.holds(&key("one"), 6_001), "not found again, it is over");
    }

    #[test]
    fn any_login_that_ends_has_all_looked_up_again() {
        let (viewings, streams) = (Viewings::default(), Streams::default());
        viewings.keep(key("one"), 0, streams.listen());
        streams.end_session(Uuid::nil());
        assert!(!viewings.holds(&key("one"), 1));
    }

    #[test]
    fn no_more_are_remembered_than_there_is_room_for() {
        let (viewings, streams) = (Viewings::default(), Streams::default());
        (0..VIEWERS_MAX + 5).for_each(|n| viewings.keep(key(&n.to_string()), 0, streams.listen()));
        assert_eq!(viewings.0.lock().unwrap_or_else(PoisonError::into_inner).len(), VIEWERS_MAX);
        viewings.keep(key("later"), 6_000, streams.listen());
        assert!(viewings.holds(&key("later"), 6_000), "those whose time is over make room");
    }
}
