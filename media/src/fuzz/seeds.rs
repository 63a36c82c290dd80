//! Good inputs: what real encoders, our own recorder and a camera's side of a session give.

use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use uuid::Uuid;

use crate::camera::{Codec, SourceSpec};
use crate::clock::SystemClock;
use crate::mux::Mux;
use crate::record::batch::{Batcher, Frame};
use crate::record::handle::CameraHandle;
use crate::record::outbox::EventSink;
use crate::record::sink::FragmentSink;
use crate::segment::SegmentIndex;
use crate::settings::EngineConfig;
use crate::source::{Opener as _, SourceItem, StreamParameters, open::SystemOpener};
use crate::supervise::Supervisor;
use crate::virtual_camera::{FootageLibrary, Scene, VirtualCameraConfig, VirtualServer};

/// Frames of a recorded file: a few groups of pictures.
const FRAMES: usize = 80;
/// Bytes of a session that are kept: the answers and some pictures.
const SESSION_LEN: usize = 48 << 10;

/// What is made once for all targets.
pub(super) struct Seeds {
    /// Recorded files, closed in order, of both codecs.
    pub(super) files: Vec<Vec<u8>>,
    /// `avcC` and `hvcC` bodies, with their codec.
    pub(super) configs: Vec<(Codec, Vec<u8>)>,
    /// Key frames with lengths before their NAL units.
    pub(super) key_frames: Vec<Vec<u8>>,
    /// What cameras said in sessions, of both codecs.
    pub(super) sessions: Vec<Vec<u8>>,
}

pub(super) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

impl Seeds {
    pub(super) fn make() -> Self {
        runtime().block_on(async {
            let mut seeds = Self { files: Vec::new(), configs: Vec::new(), key_frames: Vec::new(), sessions: Vec::new() };
            for codec in [Codec::H264, Codec::H265] {
                seeds.take(codec).await;
            }
            seeds
        })
    }

    async fn take(&mut self, codec: Codec) {
        let supervisor = Supervisor::new();
        let camera = VirtualCameraConfig { path: "a".into(), scene: Scene { codec, ..Scene::tiny("TEST") }, ..Default::default() };
        let listen = "127.0.0.1:0".parse().expect("an address");
        let server = VirtualServer::start(listen, vec![camera], FootageLibrary::standard(), &supervisor).await.expect("started");
        server.ready().await.expect("footage");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let mut url = server.url("a");
        url.set_port(listener.local_addr().ok().map(|address| address.port())).expect("it has a host");
        let (said, heard) = tokio::sync::oneshot::channel();
        let address = server.address();
        supervisor.once("listening in", async move {
            let _nobody_waits = said.send(listen_in(listener, address).await);
        });
        let opener = SystemOpener::new(&EngineConfig::new(std::path::PathBuf::new()), Arc::new(SystemClock::new()));
        let mut source = opener.open(&SourceSpec::new(url)).await.expect("opened");
        let mut parameters = None;
        let mut units = Vec::new();
        while units.len() < FRAMES {
            match source.next().await.expect("it goes on") {
                SourceItem::Parameters(new) => parameters = Some(new),
                SourceItem::AccessUnit(unit) => units.push(unit),
                SourceItem::ClockOffset { .. } => {}
            }
        }
        let parameters = parameters.expect("they come first");
        source.close().await;
        self.sessions.push(heard.await.expect("heard"));
        self.configs.push((codec, parameters.config.to_vec()));
        self.key_frames.push(units[0].data.to_vec());
        let frames = units.into_iter().enumerate().map(|(n, unit)| frame(i64::try_from(n).expect("few"), unit.data, unit.is_key)).collect();
        self.files.push(record(&parameters, frames).await);
        supervisor.shutdown(std::time::Duration::from_secs(5)).await;
    }
}

fn frame(n: i64, data: Bytes, is_key: bool) -> Frame {
    let (pts_ns, mono_ms) = (n * 80_000_000, n * 80);
    Frame {
        data,
        pts_ns,
        dts_ns: pts_ns,
        is_key,
        wall_ms: 1_767_225_600_000 + mono_ms,
        mono_ms,
        discontinuity: false,
        damaged: false,
        epoch: 0,
    }
}

/// Writes frames as the recorder does, and gives the file's bytes.
async fn record(parameters: &StreamParameters, frames: Vec<Frame>) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let config = EngineConfig { segment_ms: 1_000_000_000_000_000, ..EngineConfig::new(folder.path().into()) };
    let handle = Arc::new(CameraHandle::new(Uuid::from_u128(0xca), EventSink::default(), 0, 0));
    let index = Arc::new(SegmentIndex::new(folder.path(), Vec::new()).expect("an empty folder"));
    let sink = FragmentSink::new(handle.clone(), index.clone(), Arc::new(SystemClock::new()), Arc::default(), parameters.codec, &config);
    let mux = Mux::new(parameters, sink).expect("a muxer");
    let mut batcher = Batcher::new(&config, 0);
    for frame in frames {
        mux.hand_over(batcher.push(frame)).await.expect("taken");
    }
    let (steps, last) = batcher.finish();
    mux.hand_over(steps).await.expect("taken");
    mux.finish(last, std::time::Duration::from_secs(60)).await.expect("ended");
    let [segment] = &index.segments(handle.camera)[..] else { panic!("one file") };
    std::fs::read(index.path_of(segment)).expect("read")
}

/// Stands between a camera and its viewer, and keeps the beginning of what the camera says.
async fn listen_in(listener: tokio::net::TcpListener, camera: std::net::SocketAddr) -> Vec<u8> {
    let (viewer, _) = listener.accept().await.expect("a viewer");
    let camera = tokio::net::TcpStream::connect(camera).await.expect("a camera");
    let ((mut from_viewer, mut to_viewer), (from_camera, mut to_camera)) = (viewer.into_split(), camera.into_split());
    let asking = async { drop(tokio::io::copy(&mut from_viewer, &mut to_camera).await) };
    let mut said = Vec::new();
    let answering = async {
        let mut pieces = tokio_util::io::ReaderStream::new(from_camera);
        while let Some(Ok(piece)) = pieces.next().await {
            said.extend_from_slice(&piece[..piece.len().min(SESSION_LEN.saturating_sub(said.len()))]);
            if to_viewer.write_all(&piece).await.is_err() {
                return;
            }
        }
    };
    tokio::select! { () = asking => {} () = answering => {} }
    said
}

/// A camera that says `bytes`, whatever it is asked, and hangs up.
pub(super) async fn parrot(listener: &tokio::net::TcpListener, bytes: &[u8]) {
    let Ok((mut stream, _)) = listener.accept().await else { return };
    let _viewer_left = stream.write_all(bytes).await;
    let _viewer_left = stream.shutdown().await;
    let mut rest = Vec::new();
    let _viewer_left = stream.read_to_end(&mut rest).await;
}
