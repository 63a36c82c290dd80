//! Scenarios over decoded real footage, on a simulated clock: each fault raises exactly its kind, and what merely
//! happens in a kitchen raises nothing.
//!
//! Key frames come from the virtual cameras' encoder and go through the real decoder and the real measures; only the
//! time between them is simulated, so hours pass in seconds.

mod change;
mod faults;
mod harmless;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use gstreamer_video as gst_video;
use gstreamer_video::prelude::*;

use super::decoder::DecoderPool;
use super::feed::FrameSize;
use super::picture;
use crate::diagnosis::look::Planes;
use crate::diagnosis::settings::{DiagnosisKind, DiagnosisSettings};
use crate::diagnosis::{At, CameraWatch, Finding, Look, LookReason};
use crate::event::Phase;
use crate::virtual_camera::{FootageLibrary, Light, Picture, Scene};
use change::Luma;

/// A loop of footage: what its frames weigh, and its key frames decoded.
struct Clip {
    frame_ms: u64,
    /// Bytes of each frame, and for key frames the decoded picture and what it says unchanged.
    frames: Vec<(u32, Option<(Luma, Look)>)>,
}

/// Places that cameras look at, small and short so that the tests stay quick.
fn scene(number: usize) -> Scene {
    Scene { width: 640, height: 360, loop_s: 10, ..Scene::place(number, &format!("PLACE {number}")) }
}

/// The clip of a scene, decoded once for all tests.
fn clip(scene: &Scene, picture: Picture) -> Arc<Clip> {
    static CLIPS: OnceLock<Mutex<BTreeMap<String, Arc<Clip>>>> = OnceLock::new();
    let mut clips = CLIPS.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    clips.entry(format!("{scene:?} {picture:?}")).or_insert_with(|| Arc::new(decode(scene, picture))).clone()
}

fn decode(scene: &Scene, picture: Picture) -> Clip {
    crate::init().expect("GStreamer");
    let footage = FootageLibrary::standard().get(scene, picture).expect("footage");
    let mut decoders = DecoderPool::default();
    let frames = footage.frames.iter().map(|frame| {
        let key = frame.key.then(|| {
            let unit: Vec<u8> =
                frame.nals.iter().flat_map(|nal| [&u32::try_from(nal.len()).expect("small").to_be_bytes()[..], nal].concat()).collect();
            let size = (footage.width, footage.height);
            let decoded = decoders.decode(footage.codec, size, &[], &unit).expect("a picture");
            let look = picture::look(&decoded).expect("a look");
            let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(&decoded.buffer, &decoded.info).expect("planes");
            let stride = usize::try_from(frame.comp_stride(0)).expect("positive");
            let luma = frame.comp_data(0).expect("luma").chunks(stride).take(size.1 as usize);
            let pixels = luma.flat_map(|row| row[..size.0 as usize].to_vec()).collect();
            (Luma { width: size.0 as usize, height: size.1 as usize, pixels, colour: look.colour }, look)
        });
        (u32::try_from(frame.len()).expect("small"), key)
    });
    Clip { frame_ms: footage.rate.nanos(1) / 1_000_000, frames: frames.collect() }
}

/// A camera under watch and its simulated time.
struct Kitchen {
    watch: CameraWatch,
    now_ms: u64,
    findings: Vec<(u64, LookReason, Finding)>,
    looks: usize,
}

/// Wall time at the start: 2026-03-02 06:00 in Shanghai, a Monday.
const MORNING_MS: i64 = 1_772_402_400_000;

impl Kitchen {
    fn new() -> Self {
        Self::with(DiagnosisSettings::default())
    }

    fn with(settings: DiagnosisSettings) -> Self {
        Self { watch: CameraWatch::new(settings, None, None), now_ms: 0, findings: Vec::new(), looks: 0 }
    }

    fn play(&mut self, clip: &Clip, seconds: u64) {
        self.play_looks(clip, seconds, |_, look, _| look.clone());
    }

    /// Plays a clip round and round; `change` is given each picture that is looked at and the seconds since the start.
    fn play_changed(&mut self, clip: &Clip, seconds: u64, mut change: impl FnMut(&mut Luma, f32)) {
        self.play_looks(clip, seconds, |luma, _, seconds| {
            let mut luma = luma.clone();
            change(&mut luma, seconds);
            luma.look()
        });
    }

    fn play_looks(&mut self, clip: &Clip, seconds: u64, mut look: impl FnMut(&Luma, &Look, f32) -> Look) {
        let start_ms = self.now_ms;
        for (bytes, key) in clip.frames.iter().cycle() {
            if self.now_ms >= start_ms + seconds * 1_000 {
                return;
            }
            let at = At { mono_ms: self.now_ms, wall_ms: MORNING_MS + i64::try_from(self.now_ms).expect("days") };
            let size = FrameSize { wall_ms: at.wall_ms, bytes: *bytes, is_key: key.is_some() };
            self.watch.note_sizes(&[size], at.mono_ms);
            if let Some((luma, plain)) = key
                && let Some((_, because)) = self.watch.wants_look(at.mono_ms)
            {
                #[expect(clippy::cast_precision_loss, reason = "seconds of a scenario")]
                let look = look(luma, plain, (self.now_ms - start_ms) as f32 / 1_000.0);
                self.looks += 1;
                let found = self.watch.note_look(look, at, because);
                self.findings.extend(found.into_iter().map(|finding| (self.now_ms - start_ms, because, finding)));
            }
            self.now_ms += clip.frame_ms;
        }
    }

    /// What has been told since this was last asked.
    fn told(&mut self) -> Vec<(DiagnosisKind, Phase)> {
        std::mem::take(&mut self.findings).into_iter().map(|(.., finding)| (finding.kind, finding.phase)).collect()
    }

    #[track_caller]
    fn is_quiet(&mut self, what: &str) {
        assert_eq!(self.findings, [], "{what}");
    }
}

impl Luma {
    fn look(&self) -> Look {
        let Self { width, height, pixels, colour } = self;
        let planes = Planes { width: *width, height: *height, luma: pixels, luma_stride: *width, colour: *colour };
        Look::measure(planes).expect("whole planes")
    }
}
