//! The virtual cameras as a process of their own, so that what they cost is not the engine's; spoken to by lines of JSON.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, ExitCode, Stdio};

use media::Supervisor;
use media::virtual_camera::{FootageLibrary, FrameRate, Incident, Picture, Scene, VirtualCameraConfig, VirtualServer};
use serde::{Deserialize, Serialize};

use crate::children::own;

/// The camera of the targets: 1080p25, key frame every 2 s; the quantiser gives the street scene about 2 Mbit/s.
pub(crate) fn full_hd(name: &str) -> Scene {
    let quantizer = QUANTIZER_H264;
    Scene { name: name.to_owned(), width: 1920, height: 1080, rate: FrameRate::FULL, quantizer, noise: 1.0, ..Scene::default() }
}

/// Quantisers that make about 2 Mbit/s of the street scene in 1080p25.
pub(crate) const QUANTIZER_H264: u32 = 23;
pub(crate) const QUANTIZER_H265: u32 = 25;

/// What the other process is asked; each is answered with one line.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Ask {
    /// Counts of all cameras together.
    Totals,
    /// Lets an incident begin at these cameras.
    Set(Vec<String>, Incident),
    /// Makes the footage of a picture beforehand.
    Prepare(Vec<String>, Picture),
    /// Ends what befalls these cameras.
    Clear(Vec<String>),
    /// When these cameras have sent their newest frame, milliseconds UTC.
    LastSent(Vec<String>),
    /// Everything that was sent, by path.
    Sent,
}

/// Counts over all cameras.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Totals {
    pub(crate) frames: u64,
    pub(crate) bytes: u64,
    pub(crate) viewings: u64,
    pub(crate) viewers: u64,
    /// The most connections at the same time that did not play yet.
    pub(crate) knocking_max: usize,
}

/// A frame that was sent: viewing, whether it is a key frame, when, and the first bytes of its slices' digest.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Sent(pub(crate) u64, pub(crate) bool, pub(crate) i64, pub(crate) u64);

/// The beginning of a digest, which is enough to tell frames apart.
pub(crate) fn short(digest: &[u8]) -> u64 {
    u64::from_be_bytes(digest[..8].try_into().unwrap())
}

/// What `bench cameras` runs: the first line names the cameras, each further one asks something.
pub(crate) async fn serve() -> ExitCode {
    let mut lines = std::io::stdin().lock().lines().map_while(Result::ok);
    let cameras: Vec<VirtualCameraConfig> = serde_json::from_str(&lines.next().unwrap()).unwrap();
    let supervisor = Supervisor::new();
    let server = VirtualServer::start(([127, 0, 0, 1], 0).into(), cameras, FootageLibrary::standard(), &supervisor).await.unwrap();
    server.ready().await.unwrap();
    answer_with(&server.address().to_string());
    for line in lines {
        let ask: Ask = serde_json::from_str(&line).unwrap();
        answer(&server, ask).await;
    }
    ExitCode::SUCCESS
}

fn answer_with(value: &impl Serialize) {
    let mut out = std::io::stdout().lock();
    out.write_all(serde_json::to_string(value).unwrap().as_bytes()).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush()).unwrap();
}

async fn answer(server: &VirtualServer, ask: Ask) {
    let of = |paths: &[String]| -> Vec<_> { paths.iter().map(|path| server.camera(path).unwrap()).collect() };
    match ask {
        Ask::Totals => {
            let mut all = Totals { knocking_max: server.knocking_max(), ..Totals::default() };
            for (_, camera) in server.cameras() {
                let one = camera.totals();
                all.frames += one.frames;
                all.bytes += one.bytes;
                all.viewings += one.viewings;
                all.viewers += one.viewers;
            }
            answer_with(&all);
        }
        Ask::Set(paths, incident) => {
            for camera in of(&paths) {
                camera.set(incident).await.unwrap();
            }
            answer_with(&());
        }
        Ask::Prepare(paths, picture) => {
            for camera in of(&paths) {
                camera.prepare(picture).await.unwrap();
            }
            answer_with(&());
        }
        Ask::Clear(paths) => {
            of(&paths).iter().for_each(media::virtual_camera::VirtualCamera::clear);
            answer_with(&());
        }
        Ask::LastSent(paths) => {
            let last: Vec<i64> = of(&paths).iter().map(|camera| camera.sent().last().map_or(0, |frame| frame.sent_ms)).collect();
            answer_with(&last);
        }
        Ask::Sent => {
            let sent = |camera: &media::virtual_camera::VirtualCamera| -> Vec<Sent> {
                camera.sent().iter().map(|frame| Sent(frame.viewing, frame.key, frame.sent_ms, short(&frame.picture_sha256))).collect()
            };
            let all: BTreeMap<&str, Vec<Sent>> = server.cameras().map(|(path, camera)| (path, sent(camera))).collect();
            answer_with(&all);
        }
    }
}

/// The other process, seen from here.
pub(crate) struct Cameras {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    address: String,
    paths: Vec<String>,
}

impl Cameras {
    /// Starts cameras; waits until their footage is there, which takes a minute or two the first time.
    pub(crate) fn start(configs: &[VirtualCameraConfig]) -> Self {
        let mut child = own(&["cameras"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (to, from) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let paths = configs.iter().map(|config| config.path.clone()).collect();
        let mut cameras = Self { child, to, from, address: String::new(), paths };
        cameras.address = cameras.tell(&configs);
        cameras
    }

    /// So many cameras like `model`, at `c000` and so on.
    pub(crate) fn alike(count: usize, model: &VirtualCameraConfig) -> Self {
        let configs: Vec<_> = (0..count).map(|n| VirtualCameraConfig { path: format!("c{n:03}"), ..model.clone() }).collect();
        Self::start(&configs)
    }

    fn tell<T: for<'a> Deserialize<'a>>(&mut self, what: &impl Serialize) -> T {
        writeln!(self.to, "{}", serde_json::to_string(what).unwrap()).unwrap();
        let mut line = String::new();
        self.from.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("the cameras said {line:?}: {error}"))
    }

    pub(crate) fn paths(&self) -> &[String] {
        &self.paths
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("rtsp://{}/{path}", self.address)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn totals(&mut self) -> Totals {
        self.tell(&Ask::Totals)
    }

    pub(crate) fn prepare(&mut self, paths: &[String], picture: Picture) {
        self.tell(&Ask::Prepare(paths.to_vec(), picture))
    }

    pub(crate) fn set(&mut self, paths: &[String], incident: Incident) {
        self.tell(&Ask::Set(paths.to_vec(), incident))
    }

    pub(crate) fn clear(&mut self, paths: &[String]) {
        self.tell(&Ask::Clear(paths.to_vec()))
    }

    pub(crate) fn last_sent(&mut self, paths: &[String]) -> Vec<i64> {
        self.tell(&Ask::LastSent(paths.to_vec()))
    }

    pub(crate) fn sent(&mut self) -> BTreeMap<String, Vec<Sent>> {
        self.tell(&Ask::Sent)
    }
}

impl Drop for Cameras {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}
