//! RTMP: an encoder calls, names its stream key, and sends FLV tags; or a server is asked for a stream ([`pull`]).
//!
//! As with SRT a camera that pushes has a port of its own and a key, which is its password. The encoder's server is
//! `rtmp://this-server:PORT/live`, its stream key that password. RTMP encrypts nothing: whoever reads along on the network
//! reads the key too, so SRT is the better choice where an encoder has both.

mod amf;
mod chunks;
mod pull;
mod session;
mod video;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;

use url::Url;

use super::address::AddressPolicy;
use super::dial::dial;
use super::{AccessUnit, Source, SourceError, SourceItem, SourceLimits, StreamParameters};
use crate::camera::{Secret, SourceSpec, StateReason};
use crate::clock::Clock;
use pull::Pull;
use session::{Event, Peer, Session};
use video::Tag;

/// Lengths of a key, bytes; the same as SRT's.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 10..=79;
/// Callers that may be naming their key at the same time; more wait.
const CALLERS_MAX: usize = 8;
/// How long one may take for that.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);
/// A caller that takes no answer for this long is given up.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes that are read at once.
const READ_BYTES: usize = 64 << 10;

/// Waits for an encoder with the right key, and for its first parameters.
///
/// # Errors
/// [`StateReason::Unauthorized`] without a key in the specification, [`StateReason::Refused`] where the port is taken,
/// [`StateReason::Timeout`] when nobody calls in the time for connecting, and what is wrong with the stream.
pub async fn listen(
    spec: &SourceSpec,
    policy: &AddressPolicy,
    limits: SourceLimits,
    clock: Arc<dyn Clock>,
) -> Result<Box<dyn Source>, SourceError> {
    let address = policy.listening(&spec.url)?;
    let lacking = || SourceError::new(StateReason::Unauthorized, "a camera that calls needs a stream key of 10 to 79 characters");
    let key = spec.password.as_ref().map(Secret::expose).filter(|key| KEY_BYTES.contains(&key.len())).ok_or_else(lacking)?;
    let listener = bind(address)?;
    let late = |detail: &str| SourceError::new(StateReason::Timeout, detail);
    let called = timeout(limits.connect_timeout, call(&listener, key, limits)).await;
    let caller = called.map_err(|_| late("nobody has called yet"))?;
    // One encoder is enough: whoever calls now finds the port closed.
    drop(listener);
    let source = timeout(limits.connect_timeout, RtmpSource::begun(caller, limits, clock)).await;
    source.map_err(|_| late("no picture came in time"))?
}

/// Asks a server for a stream, and waits for its first parameters.
///
/// # Errors
/// Why there is no way to the server or no stream there, in all within the time for connecting.
pub async fn open(
    spec: &SourceSpec,
    policy: &AddressPolicy,
    limits: SourceLimits,
    clock: Arc<dyn Clock>,
) -> Result<Box<dyn Source>, SourceError> {
    let opening = async {
        let stream = dial(&policy.resolve(&spec.url, limits.connect_timeout).await?, limits.connect_timeout).await?;
        let path = spec.url.path().trim_matches('/');
        let (application, name) = path.rsplit_once('/').unwrap_or((path, ""));
        let name = spec.url.query().map_or_else(|| name.to_owned(), |query| format!("{name}?{query}"));
        let mut out = BytesMut::new();
        let peer = Pull::new(&address(&spec.url, application), application, &name, limits.access_unit_bytes_max, &mut out);
        RtmpSource::begun(Connection { stream, peer, incoming: BytesMut::new(), out }, limits, clock).await
    };
    let late = |_| SourceError::new(StateReason::Timeout, "no picture came in time");
    timeout(limits.connect_timeout, opening).await.map_err(late)?
}

/// The address of an application, as servers of several names want it.
fn address(url: &Url, application: &str) -> String {
    let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
    format!("rtmp://{}{port}/{application}", url.host_str().unwrap_or_default())
}

fn bind(address: SocketAddr) -> Result<TcpListener, SourceError> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
    // A port whose last connection has just ended can be had again at once.
    let listening = socket.and_then(|socket| {
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(16)
    });
    listening.map_err(|error| SourceError::new(StateReason::Refused, format!("the port cannot be had: {error}")))
}

/// The first caller that names the key. Strangers are heard beside one another, so none of them can keep the camera out.
async fn call(listener: &TcpListener, key: &str, limits: SourceLimits) -> Connection<Session> {
    let mut trying = FuturesUnordered::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if trying.len() < CALLERS_MAX => match accepted {
                Ok((stream, _)) => trying.push(timeout(CALL_TIMEOUT, Connection::published(stream, key, limits))),
                Err(error) => {
                    tracing::debug!(%error, "a caller was not taken");
                    // Out of file descriptors: at once again would only burn the processor.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            Some(tried) = trying.next(), if !trying.is_empty() => match tried {
                Ok(Ok(caller)) => return caller,
                Ok(Err(error)) => tracing::debug!(%error, "a caller was turned away"),
                Err(_) => tracing::debug!("a caller named no key in time"),
            },
        }
    }
}

/// A connection with whoever called, or was called.
struct Connection<P> {
    stream: TcpStream,
    peer: P,
    incoming: BytesMut,
    out: BytesMut,
}

impl Connection<Session> {
    async fn published(stream: TcpStream, key: &str, limits: SourceLimits) -> Result<Self, SourceError> {
        let peer = Session::new(key, limits.access_unit_bytes_max);
        let mut caller = Self { stream, peer, incoming: BytesMut::new(), out: BytesMut::new() };
        match caller.event().await? {
            Event::Published => Ok(caller),
            Event::Video { .. } | Event::Ended => Err(SourceError::new(StateReason::BadStream, "it did not publish")),
        }
    }
}

impl<P: Peer> Connection<P> {
    /// The next event. Cancel-safe: what was read and what is to be said stay where they are.
    async fn event(&mut self) -> Result<Event, SourceError> {
        loop {
            self.say().await?;
            match self.peer.next(&mut self.incoming, &mut self.out) {
                Ok(Some(event)) => return Ok(event),
                Ok(None) => {}
                Err(error) => {
                    // It is told why, if it still listens.
                    let _unheard = self.say().await;
                    return Err(error);
                }
            }
            self.say().await?;
            self.incoming.reserve(READ_BYTES);
            let read = self.stream.read_buf(&mut self.incoming).await.map_err(|_| closed())?;
            if read == 0 {
                return Err(closed());
            }
            self.peer.count(read, &mut self.out);
        }
    }

    async fn say(&mut self) -> Result<(), SourceError> {
        while !self.out.is_empty() {
            let written = timeout(ANSWER_TIMEOUT, self.stream.write_buf(&mut self.out)).await;
            written.map_err(|_| closed())?.map_err(|_| closed())?;
        }
        Ok(())
    }
}

fn closed() -> SourceError {
    SourceError::new(StateReason::Closed, "the other end closed the connection")
}

/// Pictures that come over a connection.
struct RtmpSource<P> {
    connection: Connection<P>,
    limits: SourceLimits,
    clock: Arc<dyn Clock>,
    parameters: Option<StreamParameters>,
    time: StreamTime,
    waiting: Option<SourceItem>,
}

impl<P: Peer + 'static> RtmpSource<P> {
    /// A source whose parameters have come.
    async fn begun(connection: Connection<P>, limits: SourceLimits, clock: Arc<dyn Clock>) -> Result<Box<dyn Source>, SourceError> {
        let mut source = Self { connection, limits, clock, parameters: None, time: StreamTime::default(), waiting: None };
        source.waiting = Some(source.next_item().await?);
        Ok(Box::new(source))
    }

    async fn next_item(&mut self) -> Result<SourceItem, SourceError> {
        if let Some(item) = self.waiting.take() {
            return Ok(item);
        }
        loop {
            let (timestamp, body) = match self.connection.event().await? {
                Event::Video { timestamp, body } => (timestamp, body),
                Event::Published => continue,
                Event::Ended => return Err(SourceError::new(StateReason::Closed, "the other end ended the stream")),
            };
            match video::read(body)? {
                Tag::Parameters(parameters) if self.parameters.as_ref() != Some(&parameters) => {
                    self.parameters = Some(parameters.clone());
                    return Ok(SourceItem::Parameters(parameters));
                }
                Tag::Picture { data, is_key, shown_after_ms } if self.parameters.is_some() => {
                    if data.len() > self.limits.access_unit_bytes_max {
                        return Err(SourceError::new(StateReason::BadStream, "a picture is too large"));
                    }
                    let pts_ns = self.time.ms(timestamp).saturating_add(shown_after_ms.into()).saturating_mul(1_000_000);
                    let (wall_ms, monotonic) = (self.clock.wall_ms(), self.clock.monotonic());
                    return Ok(SourceItem::AccessUnit(AccessUnit { data, pts_ns, is_key, lost: 0, wall_ms, monotonic }));
                }
                Tag::Parameters(_) | Tag::Picture { .. } | Tag::Other => {}
            }
        }
    }
}

impl<P: Peer + 'static> Source for RtmpSource<P> {
    fn next(&mut self) -> BoxFuture<'_, Result<SourceItem, SourceError>> {
        self.next_item().boxed()
    }

    fn close(mut self: Box<Self>) -> BoxFuture<'static, ()> {
        async move {
            // Whether the encoder hears it is of no consequence: the connection is closed either way.
            let _unheard = timeout(ANSWER_TIMEOUT, self.connection.stream.shutdown()).await;
        }
        .boxed()
    }
}

/// Times of 32 bits, which begin again after 49 days, as times that do not.
#[derive(Debug, Default)]
struct StreamTime {
    last: Option<(u32, i64)>,
}

impl StreamTime {
    fn ms(&mut self, timestamp: u32) -> i64 {
        let step = |last: u32| i64::from(timestamp.wrapping_sub(last).cast_signed());
        let ms = self.last.map_or(i64::from(timestamp), |(last, ms)| ms.saturating_add(step(last)));
        self.last = Some((timestamp, ms));
        ms
    }
}

/// For whoever tries bytes that no encoder sends.
#[cfg(test)]
pub(crate) mod foreign {
    use super::amf::Writer;
    use super::*;

    const KEY: &str = "kitchen-7f3a9c";

    /// A whole publication, from the greeting to the first pictures.
    pub(crate) fn publication() -> Vec<u8> {
        let mut bytes = BytesMut::from(&[vec![3], vec![1; 1_536], vec![2; 1_536]].concat()[..]);
        let commands = [
            Writer::default().string("connect").number(1.0).object(&[("app", "live"), ("type", "nonprivate")]),
            Writer::default().string("createStream").number(2.0).null(),
            Writer::default().string("publish").number(3.0).null().string(KEY).string("live"),
        ];
        for command in commands {
            chunks::write(&mut bytes, 3, chunks::kind::COMMAND, 0, &command.into_bytes());
        }
        for tag in [&b"\x17\x01\x00\x00\x28\x00\x00\x00\x03nal"[..], b"\xa3hvc1\x00\x00\x00\x03nal"] {
            chunks::write(&mut bytes, 4, chunks::kind::VIDEO, 1, tag);
        }
        bytes.to_vec()
    }

    /// What a server says to somebody who wants a stream of it.
    pub(crate) fn served() -> Vec<u8> {
        let mut bytes = BytesMut::from(&[vec![3], vec![1; 1_536], vec![2; 1_536]].concat()[..]);
        let commands = [
            Writer::default().string("_result").number(1.0).null().null(),
            Writer::default().string("_result").number(2.0).null().number(1.0),
            Writer::default().string("onStatus").number(0.0).null().object(&[("code", "NetStream.Play.Start")]),
        ];
        for command in commands {
            chunks::write(&mut bytes, 3, chunks::kind::COMMAND, 0, &command.into_bytes());
        }
        chunks::write(&mut bytes, 2, chunks::kind::USER, 0, &[0, 6, 1, 2, 3, 4]);
        chunks::write(&mut bytes, 4, chunks::kind::VIDEO, 1, b"\x17\x01\x00\x00\x28\x00\x00\x00\x03nal");
        bytes.to_vec()
    }

    /// Reads what a server sends that we asked; how many tags were understood.
    pub(crate) fn pull(bytes: &[u8]) -> usize {
        let (mut out, mut incoming) = (BytesMut::new(), BytesMut::from(bytes));
        let mut pull = pull::Pull::new("rtmp://10.0.0.5/live", "live", "kitchen", 1_000_000, &mut out);
        let mut tags = 0;
        while let Ok(Some(event)) = session::Peer::next(&mut pull, &mut incoming, &mut out) {
            if let Event::Video { body, .. } = event {
                tags += usize::from(video::read(body).is_ok());
            }
        }
        tags
    }

    /// Reads what a stranger sends; how many tags were understood.
    pub(crate) fn read(bytes: &[u8]) -> usize {
        let (mut session, mut out, mut incoming) = (Session::new(KEY, 1_000_000), BytesMut::new(), BytesMut::from(bytes));
        let mut tags = 0;
        while let Ok(Some(event)) = session.next(&mut incoming, &mut out) {
            if let Event::Video { body, .. } = event {
                tags += usize::from(video::read(body).is_ok());
            }
        }
        tags
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_publication_is_understood() {
        assert_eq!(foreign::read(&foreign::publication()), 2);
        assert_eq!(foreign::pull(&foreign::served()), 1);
    }

    #[test]
    fn times_go_on_where_their_number_begins_again_and_may_go_back_a_little() {
        let mut time = StreamTime::default();
        let told = [u32::MAX - 39, 0, 40, 20, 60].map(|timestamp| time.ms(timestamp));
        let first = i64::from(u32::MAX) - 39;
        assert_eq!(told, [first, first + 40, first + 80, first + 60, first + 100]);
    }
}
