//! `/events`: changes and notices as they happen, as server-sent events.
//!
//! What is sent comes from the change log, in its order, so a stream that was cut goes on where it stopped. A change says
//! only what changed; the reader asks for the thing itself, under its own permission.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, get, web};
use bytes::Bytes;
use futures::stream;
use mobile_api::Moment;
use mobile_api::problem::ProblemType;
use serde_json::json;
use tokio::sync::watch;
use tokio::time::Instant;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::App;
use crate::auth::{Access, Caller, Session, StreamPlace, can};
use crate::domain::permission::Permission;
use crate::http::login_watch::LoginWatch;
use crate::http::{Problem, ProblemBody};
use crate::store::journal::{self, ChangeRow};

/// Streams that one person may have open.
const STREAMS_MAX: usize = 12;
/// A comment is sent when nothing else was, so that proxies and browsers know that the stream lives.
const PING_INTERVAL: Duration = Duration::from_secs(10);
/// Changes read at once.
const CHANGES_MAX: i64 = 500;
/// Changes that a resumed stream may be behind; one that is further behind starts at the present, after a `reset`.
const BEHIND_MAX: i64 = 10_000;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(events);
}

/// Changes of the caller's part of the tree and the caller's own notices, from now on or from `Last-Event-ID` on.
///
/// `event: change` with `{"entity","id","op","premises_id","at"}`, `event: notice` with `{"id","at"}`, `event: reset` where
/// too much was missed (ask for everything again), `event: end` with `{"reason"}` before the stream closes, and a comment
/// every ten seconds.
#[utoipa::path(tag = "events", params(("Last-Event-ID" = Option<String>, Header, description = "The last `id` that was seen.")),
    responses((status = 200, content_type = "text/event-stream", description = "the stream"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, body = ProblemBody, content_type = "application/problem+json", description = "too many streams of this person")))]
#[get("/events")]
async fn events(request: HttpRequest, app: web::Data<App>, caller: Caller<can::SignedIn>) -> Result<HttpResponse, Problem> {
    let place = app.streams.place(caller.user_id, STREAMS_MAX);
    let place = place
        .ok_or_else(|| Problem::of(ProblemType::RateLimited).because(format!("at most {STREAMS_MAX} streams")).with("retry_after_s", 10))?;
    let head = journal::head(&mut app.db.read().await?.conn()).await?;
    let last =
        request.headers().get("last-event-id").and_then(|value| value.to_str().ok()).and_then(|value| value.trim().parse::<i64>().ok());
    let last = last.filter(|last| (0..=head).contains(last));
    let follower = Follower::new(app.as_ref(), &caller, place, last.unwrap_or(head), head);
    let body = stream::unfold(follower, |mut follower| async move { Some((Ok::<_, Infallible>(follower.next().await?), follower)) });
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/event-stream"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        // Compressing would hold events back; so would a buffering proxy.
        .insert_header((header::CONTENT_ENCODING, "identity"))
        .insert_header(("x-accel-buffering", "no"))
        .streaming(body))
}

struct Follower {
    app: App,
    session: Session,
    changes: watch::Receiver<i64>,
    login: LoginWatch,
    /// The last change that was looked at.
    seen: i64,
    waiting: VecDeque<Bytes>,
    next_ping: Instant,
    closed: bool,
    _place: StreamPlace,
}

enum Woken {
    Changes,
    Over(&'static str),
    Ping,
}

impl Follower {
    fn new(app: &App, session: &Session, place: StreamPlace, seen: i64, head: i64) -> Self {
        let mut follower = Self {
            changes: app.db.changes(),
            login: LoginWatch::new(app, session),
            app: app.clone(),
            session: session.clone(),
            seen,
            // The first bytes tell the browser that the stream is open, and how soon to come back.
            waiting: VecDeque::from([Bytes::from_static(b"retry: 2000\n\n")]),
            next_ping: Instant::now() + PING_INTERVAL,
            closed: false,
            _place: place,
        };
        if head - seen > BEHIND_MAX {
            follower.seen = head;
            follower.waiting.push_back(Bytes::from(format!("id: {head}\nevent: reset\ndata: {{}}\n\n")));
        }
        follower
    }

    /// The next bytes to send; `None` when the stream is over.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(bytes) = self.waiting.pop_front() {
                self.next_ping = Instant::now() + PING_INTERVAL;
                return Some(bytes);
            }
            if self.closed {
                return None;
            }
            if *self.changes.borrow_and_update() > self.seen {
                self.read().await;
                continue;
            }
            match self.wait().await {
                Woken::Changes => {}
                Woken::Over(reason) => self.end(reason),
                Woken::Ping => self.waiting.push_back(Bytes::from_static(b": ping\n\n")),
            }
        }
    }

    async fn wait(&mut self) -> Woken {
        tokio::select! {
            biased;
            reason = self.login.over() => Woken::Over(reason),
            changed = self.changes.changed() => if changed.is_ok() { Woken::Changes } else { Woken::Over("shutdown") },
            () = tokio::time::sleep_until(self.next_ping) => Woken::Ping,
        }
    }

    /// Reads what was committed since.
    async fn read(&mut self) {
        let read = async {
            let mut reader = self.app.db.read().await?;
            journal::changes_since(
                &mut reader.conn(),
                &self.session.access.any_scope(),
                &self.session.user_id.to_string(),
                self.seen,
                CHANGES_MAX,
            )
            .await
        };
        let head = *self.changes.borrow();
        match read.await {
            Ok(rows) => {
                let whole = i64::try_from(rows.len()).is_ok_and(|count| count < CHANGES_MAX);
                // What was committed while the rows were read is among them, and must not be told again.
                let last = rows.last().map_or(head, |row| row.seq);
                self.seen = if whole { last.max(head) } else { last };
                self.waiting.extend(rows.iter().filter(|row| may_know(&self.session.access, row)).map(event));
            }
            // The reader comes again with the last id it saw.
            Err(_) => self.end("expired"),
        }
    }

    fn end(&mut self, reason: &str) {
        self.waiting.push_back(Bytes::from(format!("event: end\ndata: {}\n\n", json!({"reason": reason}))));
        self.closed = true;
    }
}

/// Whether the caller may see the thing that changed.
fn may_know(access: &Access, row: &ChangeRow) -> bool {
    let permission = match row.entity.as_str() {
        "notice" => return row.user_id.is_some(),
        "organization" => Permission::OrganizationsRead,
        "operator" => Permission::OperatorsRead,
        "premises" => Permission::PremisesRead,
        "user" => Permission::UsersRead,
        "camera" => Permission::CamerasRead,
        "alert" => Permission::AlertsRead,
        "template" => Permission::TemplatesRead,
        "template_draft" => Permission::TemplatesManage,
        "assignment" => Permission::AssignmentsRead,
        "inspection" => Permission::InspectionsRead,
        "webhook" => Permission::WebhooksManage,
        "document" => Permission::DocumentsRead,
        "order" => Permission::OrdersRead,
        "hold" => Permission::VideoRecorded,
        "incident" => Permission::IncidentsRead,
        "patrol" => Permission::PatrolsWalk,
        "duty" | "rule_proposal" => Permission::AlertsDecide,
        "setting" => Permission::SettingsManage,
        _ => return false,
    };
    if row.path == "/" { access.may(permission) } else { access.may_at(permission, &row.path) }
}

fn event(row: &ChangeRow) -> Bytes {
    let at = Moment(row.at);
    let (name, data) = if row.entity == "notice" {
        ("notice", json!({"id": row.entity_id, "op": row.op, "at": at}))
    } else {
        ("change", json!({"entity": row.entity, "id": row.entity_id, "op": row.op, "premises_id": row.premises_id, "at": at}))
    };
    Bytes::from(format!("id: {}\nevent: {name}\ndata: {data}\n\n", row.seq))
}
