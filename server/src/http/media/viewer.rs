//! `Viewer`: somebody who may watch the camera of the path live.
//!
//! A player asks for a playlist and a part twice a second. That it may is remembered for two seconds, so that fifty viewers
//! are not fifty times four reads of their logins and the camera. Whatever ends a login ends the memory at once, and the end of
//! the hours of a premises ends it for parents.

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

/// How long a permission is remembered, ms: changes that another process makes in the database take effect after this.
const KEPT_MS: u64 = 2_000;
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
    fn of(&self, key: &(String, Uuid), now_ms: i64) -> Option<Viewer> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let viewer = all.get_mut(key).and_then(|viewing| viewing.holds(now_ms).then_some(Viewer { until_ms: viewing.until_ms }));
        if viewer.is_none() {
            all.remove(key);
        }
        viewer
    }

    /// `ended` listens since before the permission was looked up.
    fn keep(&self, key: (String, Uuid), since_ms: i64, until_ms: Option<i64>, ended: broadcast::Receiver<Ended>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= VIEWERS_MAX {
            all.retain(|_, viewing| viewing.holds(since_ms));
        }
        if all.len() < VIEWERS_MAX {
            all.insert(key, Viewing { since_ms, until_ms, ended });
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
            let caller = caller.await?;
            let watched = watchable(&app, &caller.access, id.ok_or_else(Problem::not_found)?).await?;
            note_view(&app, &caller, &watched.row, "view_live", json!({})).await?;
            if let Some(key) = key {
                app.viewings.keep(key, now_ms, watched.until_ms, ended);
            }
            Ok(Self { until_ms: watched.until_ms })
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
    fn a_viewing_is_remembered_for_two_seconds_by_either_clock() {
        let (viewings, streams) = (Viewings::default(), Streams::default());
        viewings.keep(key("one"), 10_000, None, streams.listen());
        assert!(viewings.of(&key("one"), 11_999).is_some() && viewings.of(&key("other"), 10_000).is_none());
        assert!(viewings.of(&key("one"), 12_000).is_none() && viewings.of(&key("one"), 10_000).is_none(), "and then forgotten");
        viewings.keep(key("one"), 3_610_000, None, streams.listen());
        assert!(viewings.of(&key("one"), 10_000).is_none(), "a clock that was set back makes nothing last longer");
    }

    #[test]
    fn it_is_forgotten_when_the_hours_end() {
        let (viewings, streams) = (Viewings::default(), Streams::default());
        viewings.keep(key("parent"), 10_000, Some(10_500), streams.listen());
        assert!(viewings.of(&key("parent"), 10_499).is_some() && viewings.of(&key("parent"), 10_500).is_none());
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
        viewings.keep(key("later"), 2_000, None, streams.listen());
        assert!(viewings.of(&key("later"), 2_000).is_some(), "those whose time is over make room");
    }
}
