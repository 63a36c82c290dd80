//! The short way of live video: playlists, headers, segments and parts, before routes and what every request passes through.
//!
//! Fifty viewers ask two hundred times a second. Of whom it is remembered that they may watch ([`Viewings`]) is answered here;
//! whatever is unusual (no such memory, another method, a name or a query that no playlist holds, a refusal) goes the long way,
//! which looks it up, notes it and has the words for it.
//!
//! [`Viewings`]: super::Viewings

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{HttpResponse, ResponseError as _, web};
use bytes::Bytes;
use media::playback::LiveError;
use media::playback::live::{Awaited, LiveName};
use uuid::Uuid;

use crate::App;
use crate::http::{REQUEST, router};

/// What is copied for the network at a time: the connection's buffer keeps this size, and is not made anew for each part.
const PIECE: usize = 96 * 1_024;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Playlist(Option<Awaited>),
    File(LiveName),
}

impl Asked {
    /// Reads path and query of a request; `None` for all that is not live video, or not as players ask for it.
    fn of(path: &str, query: &str) -> Option<(Uuid, Self)> {
        let (id, name) = path.strip_prefix("/api/v1/cameras/")?.split_once("/live/")?;
        let id = id.parse().ok()?;
        if name != "index.m3u8" {
            return if query.is_empty() { Some((id, Self::File(LiveName::parse(name)?))) } else { None };
        }
        let (mut segment, mut part) = (None, None);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=')? {
                ("_HLS_msn", value) => segment = Some(value.parse().ok()?),
                ("_HLS_part", value) => part = Some(value.parse().ok()?),
                _ => return None,
            }
        }
        Some((id, Self::Playlist(segment.map(|segment| Awaited { segment, part }))))
    }
}

/// Answers live video at once where that is possible.
pub(in crate::http) async fn quick<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<Pieces, B>>, actix_web::Error> {
    if let Some(answer) = answer(&request).await {
        return Ok(request.into_response(answer.map_body(|_, body| EitherBody::left(body))));
    }
    Ok(next.call(request).await?.map_body(|_, body| EitherBody::right(body)))
}

async fn answer(request: &ServiceRequest) -> Option<HttpResponse<Pieces>> {
    if request.method() != Method::GET {
        return None;
    }
    let (camera, asked) = Asked::of(request.path(), request.query_string())?;
    let app = request.app_data::<web::Data<App>>()?;
    let engine = app.engine.as_ref()?;
    if !app.viewings.remember(request.request(), camera, app.clock.wall_ms()) {
        return None;
    }
    let started = std::time::Instant::now();
    let (found, kind, keep) = match asked {
        Asked::Playlist(awaited) => (engine.live_playlist(camera, awaited).await, super::live::PLAYLIST, super::live::NOT_KEPT),
        Asked::File(name) => (engine.live_file(camera, name).await, super::live::VIDEO, super::live::KEPT),
    };
    let bytes = match found {
        Ok(bytes) => bytes,
        // It has waited as long as anybody does.
        Err(LiveError::Late) => {
            let problem = || super::live::live_problem(LiveError::Late).error_response();
            let told = REQUEST.sync_scope(router::facts(request.request()), problem);
            return Some(told.map_body(|_, body| Pieces(body.try_into_bytes().unwrap_or_default())));
        }
        Err(_) => return None,
    };
    app.about.metrics().answered(200, started.elapsed());
    let mut response = HttpResponse::with_body(actix_web::http::StatusCode::OK, Pieces(bytes));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    headers.insert(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
    Some(response)
}

/// Bytes that go out a piece at a time.
#[derive(Debug)]
pub(in crate::http) struct Pieces(Bytes);

impl MessageBody for Pieces {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(u64::try_from(self.0.len()).unwrap_or(u64::MAX))
    }

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        if self.0.is_empty() {
            return Poll::Ready(None);
        }
        let length = self.0.len().min(PIECE);
        Poll::Ready(Some(Ok(self.0.split_to(length))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01900000-0000-7000-8000-000000000001";

    fn asked(rest: &str, query: &str) -> Option<Asked> {
        Asked::of(&format!("/api/v1/cameras/{ID}/live/{rest}"), query).map(|(_, asked)| asked)
    }

    #[test]
    fn what_players_ask_for_is_read() {
        assert_eq!(asked("index.m3u8", ""), Some(Asked::Playlist(None)));
        let awaited = Awaited { segment: 7, part: Some(2) };
        assert_eq!(asked("index.m3u8", "_HLS_msn=7&_HLS_part=2"), Some(Asked::Playlist(Some(awaited))));
        assert_eq!(asked("7-2.m4s", ""), Some(Asked::File(LiveName::Part(7, 2))));
        assert_eq!(asked("7.m4s", ""), Some(Asked::File(LiveName::Segment(7))));
        assert_eq!(asked("init-1.mp4", ""), Some(Asked::File(LiveName::Init(1))));
    }

    #[test]
    fn anything_else_goes_the_long_way() {
        for (rest, query) in [
            ("index.m3u8", "_HLS_msn=x"),
            ("index.m3u8", "other=1"),
            ("index.m3u8", "_HLS_msn"),
            ("h264/index.m3u8", ""),
            ("7-2.m4s", "x=1"),
            ("7-2.mp4", ""),
            ("../7-2.m4s", ""),
            ("", ""),
        ] {
            assert_eq!(asked(rest, query), None, "{rest}?{query}");
        }
        assert!(Asked::of("/api/v1/cameras/nothing/live/7.m4s", "").is_none() && Asked::of("/api/v1/cameras", "").is_none());
    }

    #[test]
    fn bytes_go_out_in_pieces_and_whole() {
        let data: Vec<u8> = (0..PIECE * 2 + 5).map(|n| u8::try_from(n % 251).unwrap_or_default()).collect();
        let mut body = Pieces(Bytes::from(data.clone()));
        assert_eq!(body.size(), BodySize::Sized(data.len() as u64));
        let (mut got, mut pieces, mut context) = (Vec::new(), 0, Context::from_waker(std::task::Waker::noop()));
        while let Poll::Ready(Some(Ok(piece))) = Pin::new(&mut body).poll_next(&mut context) {
            got.extend(piece);
            pieces += 1;
        }
        assert!(got == data && pieces == 3);
    }
}
