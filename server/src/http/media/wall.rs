//! `/wall`: one WebSocket carries the newest pictures of a page of cameras.
//!
//! The page says which cameras it shows and how many pictures it has taken. No picture is made before there is room for it,
//! so a slow viewer costs nothing, and what it gets next is the newest, never what piled up meanwhile.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::{HttpRequest, HttpResponse, get, http::header, web};
use actix_ws::{CloseCode, CloseReason, Message, MessageStream};
use bytes::{BufMut as _, Bytes, BytesMut};
use futures::StreamExt as _;
use futures::future::LocalBoxFuture;
use futures::stream::FuturesUnordered;
use mobile_api::problem::ProblemType;
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::engine;
use super::parents::watchable;
use super::wall_frames::{Decodes, frame_after, frame_message};
use super::wall_pictures::{PICTURE_INTERVAL_MS, Picture};
use crate::App;
use crate::auth::{Caller, Session, StreamPlace, can};
use crate::domain::permission::Permission;
use crate::http::login_watch::LoginWatch;
use crate::http::{Problem, ProblemBody};
use crate::store::cameras::CameraRow;
use crate::store::journal::Act;

/// Cameras that a page shows at once.
const CAMERAS_MAX: usize = 25;
/// Pictures under way to a page that it has not taken yet.
const UNDERWAY_MAX: usize = 8;
/// Pictures made at once for one page.
const MAKING_MAX: usize = 3;
/// Walls and other streams that one person may have open.
const STREAMS_MAX: usize = 12;
/// The longest message from a page, bytes: 25 ids fit four times.
const MESSAGE_MAX: usize = 4_096;
/// How often it is looked whether a camera has a newer picture.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);
/// A camera whose picture could not be made is tried again after this time.
const REST: Duration = Duration::from_secs(2);
/// How often it is looked whether parents may still see what they see.
const HOURS_LOOK_INTERVAL: Duration = Duration::from_secs(4);
/// A page is asked whether it lives.
const PING_INTERVAL: Duration = Duration::from_secs(10);
/// A page that said nothing for so long is gone.
const SILENCE_MAX: Duration = Duration::from_secs(35);
/// A page that does not take what is sent for so long is gone.
const SEND_MAX: Duration = Duration::from_secs(20);

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(wall);
}

/// Opens a WebSocket that carries the newest pictures of up to 25 cameras, each at most every two seconds.
///
/// The page sends `{"show":["id",…],"width":480}` whenever what it shows changes, and `{"taken":n}` for the pictures it has
/// got; beyond eight that were not taken none is sent. The server sends each picture as a binary message: 16 bytes camera
/// id, 8 bytes time of the picture (milliseconds UTC, big-endian), then the JPEG; and `{"refused":["id",…]}` for cameras that
/// are not there for the caller, or no longer: parents see the cameras of a premises in its hours. It closes with the reason
/// `signed_out`, `scope_changed`, `expired`, `shutdown` or, for parents, `outside_hours`.
///
/// A page that can decode video says so with `"decodes":["h264","h265"]` beside `show`. Pictures of cameras with such a codec
/// then come as they were sent, and nothing is decoded for it here: instead of the JPEG, which begins with the byte 255, there
/// are the byte 0, the codec (1 H.264, 2 H.265), the length of the decoder's configuration (2 bytes, big-endian), the
/// configuration (the body of an `avcC` or `hvcC` box) and the key frame, each NAL unit behind its length in four bytes. A key
/// frame of more than 1 MB comes as a JPEG all the same.
#[utoipa::path(tag = "video", params(("Connection" = String, Header, example = "Upgrade"), ("Upgrade" = String, Header, example = "websocket"),
    ("Sec-WebSocket-Version" = String, Header, example = "13"), ("Sec-WebSocket-Key" = String, Header, example = "dGhlIHNhbXBsZSBub25jZQ==", description = "16 bytes by chance, as base64")),
    responses((status = 101, description = "the WebSocket"),
    (status = 400, body = ProblemBody, content_type = "application/problem+json", description = "not the opening of a WebSocket"),
    (status = 401, body = ProblemBody, content_type = "application/problem+json"),
    (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    (status = 429, body = ProblemBody, content_type = "application/problem+json", description = "too many streams of this person"),
    (status = 503, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/wall")]
async fn wall(request: HttpRequest, app: web::Data<App>, caller: Caller<can::Watch>, body: web::Payload) -> Result<HttpResponse, Problem> {
    if !same_origin(&request) {
        return Err(Problem::forbidden());
    }
    let (response, socket, messages) = actix_ws::handle(&request, body)
        .map_err(|_| Problem::of(ProblemType::Malformed).because("this address opens a WebSocket, and this was no opening of one"))?;
    let place = app
        .streams
        .place(caller.user_id, STREAMS_MAX)
        .ok_or_else(|| Problem::of(ProblemType::RateLimited).because(format!("at most {STREAMS_MAX} streams")).with("retry_after_s", 10))?;
    let page = Page {
        engine: engine(&app)?,
        login: LoginWatch::new(&app, &caller),
        session: (*caller).clone(),
        app: app.as_ref().clone(),
        socket,
        shown: HashMap::new(),
        width: 480,
        decodes: Vec::new(),
        noted: HashSet::new(),
        underway: 0,
        heard: Instant::now(),
        _place: place,
    };
    let run = Box::pin(page.run(messages.max_frame_size(MESSAGE_MAX)));
    Ok(response.map_body(|_, body| BoxBody::new(Driven { body, run: Some(run) })))
}

/// A browser says which page opens the socket; only our own may, whatever cookie comes with it.
fn same_origin(request: &HttpRequest) -> bool {
    let text = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let Some(origin) = text(header::ORIGIN.as_str()) else { return true };
    let Some((_, origin)) = origin.split_once("://") else { return false };
    [text("host"), text("x-forwarded-host")].into_iter().flatten().any(|host| host.eq_ignore_ascii_case(origin))
}

/// The answer's body, which runs its page as long as the connection lives: there is no task to end.
struct Driven {
    body: BoxBody,
    run: Option<LocalBoxFuture<'static, ()>>,
}

impl MessageBody for Driven {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        if let Some(run) = &mut self.run
            && run.as_mut().poll(context).is_ready()
        {
            // The page's end of the channel is dropped with it, which ends the body after what was sent.
            self.run = None;
        }
        Pin::new(&mut self.body).poll_next(context)
    }
}

/// What a page says.
#[derive(Debug, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Said {
    Show { show: Vec<Uuid>, width: Option<u32>, decodes: Option<Vec<Decodes>> },
    Taken { taken: usize },
}

/// One camera that the page shows.
#[derive(Debug)]
struct Shown {
    /// Time of the picture that was sent last, milliseconds UTC.
    shown_ms: i64,
    /// A picture is being made.
    making: bool,
    /// None could be made just now; the others come first until then.
    rests_until: Instant,
    /// For parents: when the hours end, ms UTC.
    until_ms: Option<i64>,
}

struct Page {
    app: App,
    engine: media::Engine,
    session: Session,
    login: LoginWatch,
    socket: actix_ws::Session,
    shown: HashMap<Uuid, Shown>,
    width: u32,
    /// Codecs that the page decodes by itself.
    decodes: Vec<Decodes>,
    /// Cameras whose live view is in the audit log for this page.
    noted: HashSet<Uuid>,
    underway: usize,
    heard: Instant,
    _place: StreamPlace,
}

/// Why a page ends: told to it, unless it went by itself.
type Over = Option<(CloseCode, &'static str)>;

impl Page {
    async fn run(mut self, mut messages: MessageStream) {
        let Err(over) = self.follow(&mut messages).await;
        let reason = over.map(|(code, reason)| CloseReason { code, description: Some(reason.to_owned()) });
        // The page may be gone already.
        let _ = tokio::time::timeout(SEND_MAX, self.socket.close(reason)).await;
    }

    async fn follow(&mut self, messages: &mut MessageStream) -> Result<Infallible, Over> {
        let mut making = FuturesUnordered::new();
        let mut look = tokio::time::interval(LOOK_INTERVAL);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut next_ping = Instant::now() + PING_INTERVAL;
        let mut next_hours = Instant::now() + HOURS_LOOK_INTERVAL;
        loop {
            tokio::select! {
                biased;
                reason = self.login.over() => {
                    return Err(Some((if reason == "shutdown" { CloseCode::Away } else { CloseCode::Policy }, reason)));
                }
                message = messages.recv() => match message {
                    Some(Ok(message)) => self.hear(message).await?,
                    Some(Err(_)) => return Err(Some((CloseCode::Protocol, "malformed"))),
                    None => return Err(None),
                },
                Some((id, picture)) = making.next(), if !making.is_empty() => self.send(id, picture).await?,
                _ = look.tick() => {
                    if self.heard.elapsed() > SILENCE_MAX {
                        return Err(None);
                    }
                    let all = Instant::now() >= next_hours;
                    if all {
                        next_hours = Instant::now() + HOURS_LOOK_INTERVAL;
                    }
                    self.close_what_is_over(all).await?;
                    if Instant::now() >= next_ping {
                        next_ping = Instant::now() + PING_INTERVAL;
                        in_time(self.socket.ping(b"")).await?;
                    }
                }
            }
            let room = UNDERWAY_MAX.saturating_sub(self.underway + making.len()).min(MAKING_MAX.saturating_sub(making.len()));
            for (id, shown_ms) in self.due(room) {
                let (app, engine, width) = (self.app.clone(), self.engine.clone(), self.width);
                let frame = frame_after(&engine, id, width, shown_ms, &self.decodes);
                making.push(async move {
                    let shot = match frame {
                        Some(frame) => Some((frame.wall_ms, frame_message(&frame))),
                        None => app.wall.after(&engine, id, width, shown_ms).await.map(|made| (made.at_ms, message_of(id, &made))),
                    };
                    (id, shot)
                });
            }
        }
    }

    /// The cameras whose next picture is made now: those that waited longest first.
    fn due(&mut self, room: usize) -> Vec<(Uuid, i64)> {
        if room == 0 {
            return Vec::new();
        }
        let now = Instant::now();
        let is_due = |shown: &Shown, at_ms: i64| {
            !shown.making && shown.rests_until <= now && (at_ms - shown.shown_ms >= PICTURE_INTERVAL_MS || at_ms < shown.shown_ms)
        };
        let mut due: Vec<(Uuid, i64)> = self
            .shown
            .iter()
            .filter(|(id, shown)| self.engine.picture_at_ms(**id).is_some_and(|at_ms| is_due(shown, at_ms)))
            .map(|(id, shown)| (*id, shown.shown_ms))
            .collect();
        due.sort_by_key(|(_, shown_ms)| *shown_ms);
        due.truncate(room);
        for (id, _) in &due {
            if let Some(shown) = self.shown.get_mut(id) {
                shown.making = true;
            }
        }
        due
    }

    /// Sends what a camera shows: when it came, and the message.
    async fn send(&mut self, id: Uuid, shot: Option<(i64, Bytes)>) -> Result<(), Over> {
        // What the page no longer shows is not sent.
        let Some(shown) = self.shown.get_mut(&id) else { return Ok(()) };
        shown.making = false;
        // The hours may have ended while it was made: the next look says so.
        if shown.until_ms.is_some_and(|until_ms| self.app.clock.wall_ms() >= until_ms) {
            return Ok(());
        }
        let Some((at_ms, message)) = shot else {
            shown.rests_until = Instant::now() + REST;
            return Ok(());
        };
        shown.shown_ms = at_ms;
        self.underway += 1;
        in_time(self.socket.binary(message)).await
    }

    async fn hear(&mut self, message: Message) -> Result<(), Over> {
        self.heard = Instant::now();
        match message {
            Message::Text(text) => match serde_json::from_str(&text) {
                Ok(Said::Show { show, width, decodes }) if show.len() <= CAMERAS_MAX => {
                    self.decodes = decodes.unwrap_or_default();
                    self.show(&show, width).await
                }
                Ok(Said::Taken { taken }) => {
                    self.underway = self.underway.saturating_sub(taken);
                    Ok(())
                }
                Ok(Said::Show { .. }) | Err(_) => Err(Some((CloseCode::Policy, "malformed"))),
            },
            Message::Ping(payload) => in_time(self.socket.pong(&payload)).await,
            Message::Pong(_) | Message::Nop => Ok(()),
            Message::Close(_) => Err(None),
            Message::Binary(_) | Message::Continuation(_) => Err(Some((CloseCode::Unsupported, "malformed"))),
        }
    }

    /// Another choice of cameras: those that stay keep what was sent of them.
    async fn show(&mut self, ids: &[Uuid], width: Option<u32>) -> Result<(), Over> {
        self.width = width.unwrap_or(self.width);
        self.shown.retain(|id, _| ids.contains(id));
        let (mut fresh, mut refused) = (Vec::new(), Vec::new());
        for id in ids.iter().filter(|id| !self.shown.contains_key(id)) {
            match watchable(&self.app, &self.session.access, *id).await {
                Ok(watched) => fresh.push((*id, watched.row, watched.until_ms)),
                Err(_) => refused.push(*id),
            }
        }
        self.note(&fresh).await?;
        let shown = |until_ms| Shown { shown_ms: 0, making: false, rests_until: Instant::now(), until_ms };
        self.shown.extend(fresh.into_iter().map(|(id, _, until_ms)| (id, shown(until_ms))));
        self.refuse(&refused).await
    }

    async fn refuse(&mut self, ids: &[Uuid]) -> Result<(), Over> {
        if ids.is_empty() {
            return Ok(());
        }
        in_time(self.socket.text(json!({"refused": ids}).to_string())).await
    }

    /// Takes from a parent's page what its hours have ended for, and, of `all`, what was closed meanwhile. A parent's page
    /// with nothing left ends.
    async fn close_what_is_over(&mut self, all: bool) -> Result<(), Over> {
        let now_ms = self.app.clock.wall_ms();
        let looked_at = |shown: &Shown| shown.until_ms.is_some_and(|until_ms| all || now_ms >= until_ms);
        let asked: Vec<Uuid> = self.shown.iter().filter(|(_, shown)| looked_at(shown)).map(|(id, _)| *id).collect();
        let mut over = Vec::new();
        for id in asked {
            match (watchable(&self.app, &self.session.access, id).await, self.shown.get_mut(&id)) {
                (Ok(watched), Some(shown)) => shown.until_ms = watched.until_ms,
                _ => {
                    self.shown.remove(&id);
                    over.push(id);
                }
            }
        }
        self.refuse(&over).await?;
        let ends = !over.is_empty() && self.shown.is_empty() && !self.session.access.may(Permission::VideoLive);
        if ends { Err(Some((CloseCode::Policy, "outside_hours"))) } else { Ok(()) }
    }

    /// Notes in the audit log that these cameras are looked at: once a camera and page, before its first picture.
    async fn note(&mut self, cameras: &[(Uuid, CameraRow, Option<i64>)]) -> Result<(), Over> {
        let fresh: Vec<(String, String)> =
            cameras.iter().filter(|(id, ..)| self.noted.insert(*id)).map(|(_, row, _)| (row.id.clone(), row.path.clone())).collect();
        if fresh.is_empty() {
            return Ok(());
        }
        let (actor, at) = (self.session.actor.clone(), self.app.clock.wall_ms());
        let noting = self.app.db.write(move |tx| {
            Box::pin(async move {
                for (id, path) in &fresh {
                    let entity = Some(("camera", id.as_str()));
                    tx.audit(at, Act { actor: &actor, action: "view_live", entity, path, detail: json!({"wall": true}) }).await?;
                }
                Ok::<_, crate::store::StoreError>(())
            })
        });
        // Who cannot be noted cannot look.
        noting.await.map_err(|_| Some((CloseCode::Again, "expired")))
    }
}

/// A picture as the page gets it.
fn message_of(camera: Uuid, picture: &Picture) -> Bytes {
    let mut message = BytesMut::with_capacity(24 + picture.jpeg.len());
    message.put_slice(camera.as_bytes());
    message.put_i64(picture.at_ms);
    message.put_slice(&picture.jpeg);
    message.freeze()
}

async fn in_time(sending: impl Future<Output = Result<(), actix_ws::Closed>>) -> Result<(), Over> {
    match tokio::time::timeout(SEND_MAX, sending).await {
        Ok(Ok(())) => Ok(()),
        _ => Err(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_its_camera_and_time() {
        let message = message_of(Uuid::from_u128(7), &Picture { at_ms: 1_000, jpeg: Bytes::from_static(b"\xff\xd8") });
        assert_eq!(&message[..16], Uuid::from_u128(7).as_bytes());
        assert_eq!((&message[16..24], &message[24..]), (&1_000_i64.to_be_bytes()[..], &b"\xff\xd8"[..]));
    }

    #[test]
    fn only_our_own_pages_open_a_wall() {
        let opened_by = |origin: &'static str| {
            let request = actix_web::test::TestRequest::default().insert_header(("host", "kitchen.example:8443"));
            same_origin(&request.insert_header(("origin", origin)).to_http_request())
        };
        assert!(opened_by("https://kitchen.example:8443"));
        assert!(!opened_by("https://kitchen.example:9000") && !opened_by("https://evil.example") && !opened_by("null"));
    }
}
