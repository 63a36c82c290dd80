//! One task a connection: answers requests, sends frames when they are due, and suffers the camera's incidents.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::message::{Incoming, Request, Response, parse};
use super::play::Play;
use super::sdp;
use super::transport::{Datagrams, GROUP, Wanted};
use crate::virtual_camera::camera::{ParameterSets, Situation, VirtualCamera};
use crate::virtual_camera::rtp::Packets;
use crate::virtual_camera::script::Incident;

/// A viewer that takes nothing for this long is given up.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// Unread bytes of a client that are kept while the camera hangs.
const UNREAD_LEN_MAX: usize = 64 << 10;

/// Cameras by path.
pub(crate) type Cameras = BTreeMap<String, VirtualCamera>;

/// Counts connections that are open and do not play yet: how many knock at the same time.
#[derive(Debug, Default)]
pub(crate) struct Knocking {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Knocking {
    /// The most there ever were at the same time.
    pub(crate) fn most(&self) -> usize {
        self.most.load(Ordering::Relaxed)
    }

    fn begin(self: &Arc<Self>) -> Knock {
        self.most.fetch_max(self.now.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
        Knock(Arc::clone(self))
    }
}

/// One that knocks, until it is dropped.
struct Knock(Arc<Knocking>);

impl Drop for Knock {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Serves one connection until either side ends it or `stop` is cancelled.
pub(crate) async fn serve(stream: TcpStream, cameras: Arc<Cameras>, knocking: Arc<Knocking>, stop: CancellationToken) {
    // Frames go out in one write each; waiting for more would only delay them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let nonce = hex::encode(rand::random::<[u8; 16]>());
    let (never, situation) = watch::channel(Situation::default());
    let mut connection = Connection {
        stream,
        cameras,
        nonce,
        session: hex::encode(rand::random::<[u8; 4]>()),
        incoming: BytesMut::with_capacity(4096),
        camera: None,
        situation,
        seen_cuts: 0,
        carrier: None,
        play: None,
        packets: Packets::default(),
        huge_sent: false,
        knock: Some(knocking.begin()),
    };
    let end = tokio::select! {
        () = stop.cancelled() => End::Closed,
        end = connection.run() => end,
    };
    drop(never);
    if matches!(end, End::Reset) && connection.stream.set_zero_linger().is_err() {
        tracing::debug!("a connection is closed instead of reset");
    }
}

/// How a connection ends.
enum End {
    Closed,
    Reset,
}

/// How packets go out.
enum Carrier {
    Interleaved(u8, u8),
    Datagrams(Datagrams),
}

struct Connection {
    stream: TcpStream,
    cameras: Arc<Cameras>,
    nonce: String,
    session: String,
    incoming: BytesMut,
    camera: Option<VirtualCamera>,
    situation: watch::Receiver<Situation>,
    seen_cuts: u64,
    carrier: Option<Carrier>,
    play: Option<Play>,
    packets: Packets,
    /// A picture that is larger than any has been sent; one is enough.
    huge_sent: bool,
    knock: Option<Knock>,
}

impl Connection {
    async fn run(&mut self) -> End {
        loop {
            let situation = *self.situation.borrow_and_update();
            if situation.cuts != self.seen_cuts {
                return if situation.is(Incident::Refuse) { End::Reset } else { End::Closed };
            }
            let hanging = situation.is(Incident::Hang);
            if !hanging && let Err(end) = self.answer_all().await {
                return end;
            }
            let due = self.play.as_ref().filter(|_| !hanging).map(Play::due);
            tokio::select! {
                changed = self.situation.changed(), if self.camera.is_some() => {
                    if changed.is_err() {
                        return End::Closed;
                    }
                    if hanging && let Some(play) = &mut self.play {
                        play.skip_to_now();
                    }
                }
                read = self.stream.read_buf(&mut self.incoming) => {
                    if !matches!(read, Ok(1..)) || self.incoming.len() > UNREAD_LEN_MAX {
                        return End::Closed;
                    }
                }
                () = tokio::time::sleep_until(due.unwrap_or_else(tokio::time::Instant::now)), if due.is_some() => {
                    if self.send_frame().await.is_err() {
                        return End::Closed;
                    }
                }
            }
        }
    }

    /// Answers every whole request that has come.
    async fn answer_all(&mut self) -> Result<(), End> {
        loop {
            match parse(&self.incoming) {
                Incoming::Partial => return Ok(()),
                Incoming::Invalid => return Err(End::Closed),
                Incoming::Data(len) => self.incoming.advance(len),
                Incoming::Request(request, len) => {
                    self.find_camera(&request);
                    let situation = *self.situation.borrow();
                    if situation.is(Incident::Hang) {
                        return Ok(());
                    }
                    self.incoming.advance(len);
                    self.answer(&request, situation).await?;
                }
            }
        }
    }

    /// Remembers the camera that a request is about.
    fn find_camera(&mut self, request: &Request) {
        if self.play.is_some() {
            return;
        }
        let path = request.path();
        let path = path.strip_suffix(sdp::TRACK).map_or(path, |path| path.trim_end_matches('/'));
        let Some(camera) = self.cameras.get(path) else { return };
        self.situation = camera.situation();
        self.seen_cuts = self.situation.borrow().cuts;
        self.camera = Some(camera.clone());
    }

    async fn answer(&mut self, request: &Request, situation: Situation) -> Result<(), End> {
        let camera = self.camera.clone();
        match situation.incident {
            Some(Incident::Drop | Incident::DropMidFrame) => return Err(End::Closed),
            Some(Incident::Refuse) => return Err(End::Reset),
            Some(Incident::GarbageBytes) => return self.write(&rand::random::<[u8; 900]>()).await,
            Some(Incident::EndlessDescription) if request.method == "DESCRIBE" => return self.describe_without_end(request).await,
            _ => {}
        }
        let answer = match (request.method.as_str(), camera) {
            ("OPTIONS", _) => Response::new(request, "200 OK")
                .header("Public", "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, GET_PARAMETER, SET_PARAMETER, TEARDOWN"),
            (_, None) => Response::new(request, "404 Not Found"),
            (method, Some(camera)) => {
                if method == "DESCRIBE" {
                    camera.count_describe();
                }
                match self.refusal(request, &camera, situation) {
                    Some(refusal) => refusal,
                    None => self.obey(request, &camera, situation).await,
                }
            }
        };
        self.write(&answer.into_bytes()).await?;
        if request.method == "TEARDOWN" { Err(End::Closed) } else { Ok(()) }
    }

    /// What stands against a request: the path, or the password.
    fn refusal(&self, request: &Request, camera: &VirtualCamera, situation: Situation) -> Option<Response> {
        if situation.is(Incident::NotFound) {
            return Some(Response::new(request, "404 Not Found"));
        }
        let challenge = match &camera.account() {
            Some(account) if situation.is(Incident::Unauthorized) || !account.admits(request, &self.nonce) => {
                account.challenge(&self.nonce)
            }
            None if situation.is(Incident::Unauthorized) => "Basic realm=\"virtual camera\"".to_owned(),
            _ => return None,
        };
        Some(Response::new(request, "401 Unauthorized").header("WWW-Authenticate", &challenge))
    }

    async fn obey(&mut self, request: &Request, camera: &VirtualCamera, situation: Situation) -> Response {
        let session = format!("{};timeout=60", self.session);
        match request.method.as_str() {
            "DESCRIBE" => self.describe(request, camera, situation),
            "SETUP" => self.set_up(request, camera).await,
            "PLAY" => self.start_playing(request, camera, situation),
            "PAUSE" => {
                self.play = None;
                Response::new(request, "200 OK").header("Session", &session)
            }
            "GET_PARAMETER" | "SET_PARAMETER" | "TEARDOWN" => Response::new(request, "200 OK").header("Session", &session),
            _ => Response::new(request, "501 Not Implemented"),
        }
    }

    /// Announces four gigabytes of description and sends them as fast as a usual network does, until nobody listens.
    async fn describe_without_end(&mut self, request: &Request) -> Result<(), End> {
        const PIECE: &[u8] = &[b'x'; 100_000];
        let head = Response::new(request, "200 OK").header("Content-Type", "application/sdp").header("Content-Length", "4000000000");
        self.write(&head.into_bytes()).await?;
        self.write(b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=").await?;
        let mut pace = tokio::time::interval(Duration::from_millis(10));
        loop {
            pace.tick().await;
            self.write(PIECE).await?;
        }
    }

    fn describe(&self, request: &Request, camera: &VirtualCamera, situation: Situation) -> Response {
        let name = &camera.config().scene.name;
        let description = match situation.incident {
            Some(Incident::NotVideo) => sdp::audio_only(name),
            Some(Incident::UnsupportedCodec) => sdp::foreign_codec(name),
            Some(Incident::Redirect { port }) => {
                let elsewhere = format!("rtsp://127.0.0.1:{port}/elsewhere");
                return Response::new(request, "302 Moved Temporarily").header("Location", &elsewhere);
            }
            _ => match camera.footage(situation.picture()) {
                Some(footage) => sdp::video(name, &footage, camera.config().parameter_sets != ParameterSets::InBand),
                None => return Response::new(request, "503 Service Unavailable"),
            },
        };
        let base = request.url.split('?').next().unwrap_or_default().trim_end_matches('/');
        Response::new(request, "200 OK").header("Content-Base", &format!("{base}/")).body("application/sdp", description)
    }

    async fn set_up(&mut self, request: &Request, camera: &VirtualCamera) -> Response {
        let wanted = request.header("Transport").and_then(Wanted::parse);
        let config = camera.config();
        let transport = match wanted {
            Some(Wanted::Tcp(data, reports)) if !config.udp_only && !config.multicast_only => {
                self.carrier = Some(Carrier::Interleaved(data, reports));
                format!("RTP/AVP/TCP;unicast;interleaved={data}-{reports}")
            }
            Some(Wanted::Multicast) if config.multicast_only => match self.open_group().await {
                Ok((data, reports)) => format!("RTP/AVP;multicast;destination={GROUP};port={data}-{reports};ttl=1"),
                Err(error) => {
                    tracing::warn!(%error, "no ports for a group");
                    return Response::new(request, "500 Internal Server Error");
                }
            },
            Some(Wanted::Udp(data, reports)) if !config.tcp_only && !config.multicast_only => {
                match self.open_datagrams((data, reports)).await {
                    Ok((own_data, own_reports)) => {
                        format!("RTP/AVP;unicast;client_port={data}-{reports};server_port={own_data}-{own_reports}")
                    }
                    Err(error) => {
                        tracing::warn!(%error, "no ports for datagrams");
                        return Response::new(request, "500 Internal Server Error");
                    }
                }
            }
            _ => return Response::new(request, "461 Unsupported Transport"),
        };
        Response::new(request, "200 OK").header("Transport", &transport).header("Session", &format!("{};timeout=60", self.session))
    }

    async fn open_datagrams(&mut self, ports: (u16, u16)) -> std::io::Result<(u16, u16)> {
        let (local, viewer) = (self.stream.local_addr()?.ip(), self.stream.peer_addr()?.ip());
        let datagrams = Datagrams::open(local, viewer, ports, REPORT_CHANNEL).await?;
        let own = datagrams.ports();
        self.carrier = Some(Carrier::Datagrams(datagrams));
        Ok(own)
    }

    async fn open_group(&mut self) -> std::io::Result<(u16, u16)> {
        let IpAddr::V4(local) = self.stream.local_addr()?.ip() else { return Err(std::io::ErrorKind::Unsupported.into()) };
        let (datagrams, ports) = Datagrams::open_group(local, REPORT_CHANNEL).await?;
        self.carrier = Some(Carrier::Datagrams(datagrams));
        Ok(ports)
    }

    fn start_playing(&mut self, request: &Request, camera: &VirtualCamera, situation: Situation) -> Response {
        let channels = match &self.carrier {
            None => return Response::new(request, "455 Method Not Valid in This State"),
            Some(Carrier::Interleaved(data, reports)) => (*data, *reports),
            Some(Carrier::Datagrams(_)) => (0, REPORT_CHANNEL),
        };
        let Some(play) = Play::start(camera, &situation, channels) else {
            return Response::new(request, "503 Service Unavailable");
        };
        let (sequence, rtp_time) = play.rtp_info();
        let base = request.url.split('?').next().unwrap_or_default().trim_end_matches('/');
        let info = format!("url={base}/{};seq={sequence};rtptime={rtp_time}", sdp::TRACK);
        tracing::debug!(path = camera.config().path, ssrc = play.ssrc(), "viewing begins");
        self.play = Some(play);
        self.knock = None;
        Response::new(request, "200 OK")
            .header("Session", &format!("{};timeout=60", self.session))
            .header("Range", "npt=0.000-")
            .header("RTP-Info", &info)
    }

    /// Sends the frame that is due.
    async fn send_frame(&mut self) -> Result<(), End> {
        let situation = *self.situation.borrow();
        if situation.cuts != self.seen_cuts {
            // What the camera is now, this viewer is not to see any more.
            return Ok(());
        }
        if let (Some(Incident::HugeFrame { megabytes }), false) = (situation.incident, self.huge_sent) {
            self.huge_sent = true;
            self.send_huge_frame(megabytes).await?;
        }
        let Some(play) = &mut self.play else { return Ok(()) };
        self.packets.clear();
        let sent = play.next(&situation, &mut self.packets);
        if situation.is(Incident::DropMidFrame) {
            self.packets.cut(self.packets.interleaved().len() * 2 / 3);
            write(&mut self.stream, self.packets.interleaved()).await?;
            return Err(End::Closed);
        }
        let nonsense = situation.is(Incident::GarbageBytes).then(rand::random::<[u8; 900]>);
        match &self.carrier {
            Some(Carrier::Datagrams(datagrams)) => datagrams.send(&self.packets).await,
            _ => {
                let bytes = nonsense.as_ref().map_or(self.packets.interleaved(), |nonsense| nonsense.as_slice());
                write(&mut self.stream, bytes).await?;
            }
        }
        if let Some(play) = &self.play {
            play.sent(sent);
        }
        Ok(())
    }

    async fn send_huge_frame(&mut self, megabytes: u32) -> Result<(), End> {
        for piece in 0..megabytes {
            let Some(play) = &mut self.play else { return Ok(()) };
            self.packets.clear();
            play.huge_piece(piece == 0, piece + 1 == megabytes, &mut self.packets);
            write(&mut self.stream, self.packets.interleaved()).await?;
        }
        Ok(())
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), End> {
        write(&mut self.stream, bytes).await
    }
}

/// Stands for the second port where packets go as datagrams.
const REPORT_CHANNEL: u8 = 1;

async fn write(stream: &mut TcpStream, bytes: &[u8]) -> Result<(), End> {
    match tokio::time::timeout(WRITE_TIMEOUT, stream.write_all(bytes)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(End::Closed),
    }
}
