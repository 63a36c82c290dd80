//! `Viewer`: somebody who may watch the camera of the path live.
//!
//! A player asks for a playlist and a part twice a second. That it may is remembered for six seconds, so that fifty viewers
//! are not fifty times four reads of their logins and the camera. After three, one request of the login looks again while
//! its others go on: they all come at the same moment, when a part is there. Whatever ends a login ends the memory at once,
//! and the end of the hours of a premises ends it for parents.

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

use super::note_view;
use super::parents::{outside_hours, watchable};
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
    /// For parents: when the hours end, ms UTC.
    until_ms: Option<i64>,
    /// Somebody looks again.
    looking: bool,
    ended: broadcast::Receiver<Ended>,
}

impl Viewing {
    fn holds(&mut self, now_ms: i64) -> bool {
        // Whose login ended does not matter: looking again is cheap.
        now_ms.abs_diff(self.since_ms) < KEPT_MS
            && self.until_ms.is_none_or(|until_ms| now_ms < until_ms)
            && matches!(self.ended.try_recv(), Err(broadcast::error::TryRecvError::Empty))
    }
}

impl Viewings {
    /// Who it is remembered to be that may watch: for the long way, which looks again by itself.
    fn of(&self, key: &(String, Uuid), now_ms: i64) -> Option<Viewer> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let viewing = all.get_mut(key).filter(|viewing| now_ms.abs_diff(viewing.since_ms) < LOOK_AGAIN_MS)?;
        viewing.holds(now_ms).then_some(Viewer { until_ms: viewing.until_ms })
    }

    /// The same for the short way; nobody once in a while, so that this one request takes the long way and looks again.
    fn holds(&self, key: &(String, Uuid), now_ms: i64) -> Option<Viewer> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let viewing = all.get_mut(key)?;
        if !viewing.holds(now_ms) {
            all.remove(key);
            return None;
        }
        let viewer = Viewer { until_ms: viewing.until_ms };
        if viewing.looking || now_ms.abs_diff(viewing.since_ms) < LOOK_AGAIN_MS {
            return Some(viewer);
        }
        viewing.looking = true;
        None
    }

    /// Who sent the request, for a camera's live video, where it is remembered that they may watch it.
    pub(super) fn remember(&self, request: &HttpRequest, camera: Uuid, now_ms: i64) -> Option<Viewer> {
        self.holds(&(auth::token(request)?, camera), now_ms)
    }

    /// Who looked again may not: nobody with this token may.
    fn forget(&self, key: &(String, Uuid)) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    /// `ended` listens since before the permission was looked up.
    fn keep(&self, key: (String, Uuid), since_ms: i64, until_ms: Option<i64>, ended: broadcast::Receiver<Ended>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= VIEWERS_MAX {
            all.retain(|_, viewing| viewing.holds(since_ms));
        }
        if all.len() < VIEWERS_MAX || all.contains_key(&key) {
            all.insert(key, Viewing { since_ms, until_ms, looking: false, ended });
        }
    }
}

/// May watch the camera that the path names; that they do is in the audit log.
#[derive(Debug)]
pub(super) struct Viewer {
    /// For parents: when the hours end, ms UTC.
    until_ms: Option<i64>,
}

impl Viewer {
    /// What was waited for may have come after the hours: it is then not given any more.
    pub(super) fn still_open(&self, app: &App) -> Result<(), Problem> {
        match self.until_ms {
            Some(until_ms) if app.clock.wall_ms() >= until_ms => Err(outside_hours(None)),
            _ => Ok(()),
        }
    }
}

impl FromRequest for Viewer {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let Some(app) = request.app_data::<web::Data<App>>().cloned() else {
            return async { Err(Problem::of(ProblemType::Internal)) }.boxed_local();
        };
        let id: Option<Uuid> = request.match_info().get("id").and_then(|text| text.parse().ok());
        let (key, now_ms) = (auth::token(request).zip(id), app.clock.wall_ms());
        if let Some(viewer) = key.as_ref().and_then(|key| app.viewings.of(key, now_ms)) {
            return async { Ok(viewer) }.boxed_local();
        }
        let ended = app.streams.listen();
        let caller = Caller::<can::Watch>::from_request(request, payload);
        async move {
            let looked = async {
                let caller = caller.await?;
                let watched = watchable(&app, &caller.access, id.ok_or_else(Problem::not_found)?).await?;
                note_view(&app, &caller, &watched.row, "view_live", json!({})).await?;
                Ok(watched.until_ms)
            };
            let looked: Result<Option<i64>, Problem> = looked.await;
            match (key, &looked) {
                (Some(key), Ok(until_ms)) => app.viewings.keep(key, now_ms, *until_ms, ended),
                (Some(key), Err(_)) => app.viewings.forget(&key),
                (None, _) => {}
            }
            looked.map(|until_ms| Self { until_ms })
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
        viewings.keep(key("one"), 10_000, None, streams.listen());
        let may = |name: &str, now_ms| viewings.holds(&key(name), now_ms).is_some();
        assert!(may("one", 12_999) && !may("other", 10_000));
        assert!(!may("one", 13_000), "one is to look again");
        assert!(viewings.of(&key("one"), 13_000).is_none(), "and the long way does");
        assert!(may("one", 13_000) && may("one", 15_999), "while the others go on");
        assert!(!may("one", 16_000) && !may("one", 10_000), "and then forgotten");
        viewings.keep(key("one"), 3_610_000, None, streams.listen());
        assert!(!may("one", 10_000), "a clock that was set back makes nothing last longer");
    }

    #[test]
    fn it_is_forgotten_when_the_hours_end() {
        let (viewings, streams) = (Viewings::default(), Streams::default());
        viewings.keep(key("parent"), 10_000, Some(10_500), streams.listen());
        assert!(viewings.holds(&key("parent"), 10_499).is_some() && viewings.of(&key("parent"), 10_499).is_some());
        assert!(viewings.of(&key("parent"), 10_500).is_none() && viewings.holds(&key("parent"), 10_500).is_none());
    }

    #[test]
    fn who_looked_again_decides_for_all() {
        let (viewings, streams) = (Viewings::default(), Streams::default());
        let may = |now_ms| viewings.holds(&key("one"), now_ms).is_some();
        viewings.keep(key("one"), 0, None, streams.listen());
        assert!(!may(3_000) && may(3_001));
        viewings.keep(key("one"), 3_000, None, streams.listen());
        assert!(may(5_999), "found again, it counts from then");
        assert!(!may(6_000));
        viewings.forget(&key("one"));
        assert!(!may(6_001), "not found again, it is over");
    }

    #[test]
    fn any_login_that_ends_has_all_looked_up_again() {
        let (viewings, streams) = (Viewings::default(), Streams::default());
        viewings.keep(key("one"), 0, None, streams.listen());
        streams.end_session(Uuid::nil());
        assert!(viewings.of(&key("one"), 1).is_none());
    }

    #[test]
    fn no_more_are_remembered_than_there_is_room_for() {
        let (viewings, streams) = (Viewings::default(), Streams::default());
        (0..VIEWERS_MAX + 5).for_each(|n| viewings.keep(key(&n.to_string()), 0, None, streams.listen()));
        assert_eq!(viewings.0.lock().unwrap_or_else(PoisonError::into_inner).len(), VIEWERS_MAX);
        viewings.keep(key("later"), 6_000, None, streams.listen());
        assert!(viewings.of(&key("later"), 6_000).is_some(), "those whose time is over make room");
    }
}
