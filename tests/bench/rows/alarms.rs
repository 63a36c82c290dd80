//! False alarms: cameras that show everything that is no fault, for simulated hours, at the analysis boundary.
//!
//! Real film, changed as kitchens change it (below, [`Life`]), encoded by x264, decoded and judged by the real analysis
//! process; sizes of the frames between key frames follow those of the virtual cameras' footage. Time is simulated. At
//! the end each camera goes black for a minute and must be told: a watch that sleeps raises no false alarms either.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use bytes::Bytes;
use media::virtual_camera::{FootageLibrary, Picture};
use media::{
    Analyser, AnalysisConfig, AnalysisFeed, Codec, DiagnosisKind, DiagnosisSettings, KeyFrame, MediaEvent, Phase, SimulatedClock,
    Supervisor,
};
use uuid::Uuid;

use crate::cameras::full_hd;
use crate::table::Table;

const CLIPS: u64 = 12;
/// Simulated time of each, and the distance of its key frames.
const HOURS: u64 = 4;
const GOP_MS: u64 = 6_000;
const STEPS: u64 = HOURS * 3_600_000 / GOP_MS;
/// Of which the last are black.
const DARK_STEPS: u64 = 15;
const WIDTH: usize = 640;
const HEIGHT: usize = 360;
/// Pictures of the film that are kept.
const PICTURES: usize = 160;
const FRAMES_BETWEEN: usize = 149;

/// A well mixed number (SplitMix64).
fn mixed(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The same as a number from 0 to 1.
fn share(value: u64) -> f32 {
    (mixed(value) >> 40) as f32 / (1_u64 << 24) as f32
}

/// What goes on before one camera, decided by its seed.
struct Life {
    seed: u64,
}

/// What holds at one step.
struct Moment {
    gain: f32,
    lift: f32,
    colour: u8,
    noise: f32,
    steam: f32,
    person: Option<f32>,
}

impl Life {
    /// Whether something that lasts `steps` and comes about every `every` steps holds now; how far it has come, 0 to 1.
    fn event(&self, kind: u64, step: u64, every: u64, steps: u64) -> Option<f32> {
        let turn = step / every;
        let begin = turn * every + mixed(self.seed ^ kind << 32 ^ turn) % (every - steps).max(1);
        // The first hour is quiet: a camera's usual view is learned when somebody puts it up.
        (step >= STEPS / 16 && (begin..begin + steps).contains(&step)).then(|| (step - begin) as f32 / steps as f32)
    }

    fn at(&self, step: u64) -> Moment {
        let phase = step as f32 / STEPS as f32 * std::f32::consts::TAU;
        // Daylight that comes and goes, and the camera's gain after it.
        let mut moment = Moment {
            gain: 1.0 + 0.15 * (phase * 3.0 + self.seed as f32).sin(),
            lift: 0.0,
            colour: 10,
            noise: 2.0,
            steam: 0.0,
            person: None,
        };
        if self.event(1, step, STEPS / 4, STEPS / 16).is_some() {
            // Night: infra-red, grey, the sensor's gain turned up.
            (moment.gain, moment.lift, moment.colour, moment.noise) = (0.7, 18.0, 0, 5.0);
        } else if self.event(2, step, STEPS / 6, STEPS / 40).is_some() {
            // Lights out, some light from the corridor.
            (moment.gain, moment.lift, moment.colour, moment.noise) = (0.45, 8.0, 4, 4.0);
        }
        if self.event(3, step, STEPS / 10, STEPS / 60).is_some() {
            moment.noise += 4.0;
        }
        moment.steam = self.event(4, step, STEPS / 12, 20).map_or(0.0, |done| 0.6 * (done * std::f32::consts::PI).sin());
        moment.person = self.event(5, step, STEPS / 30, 3);
        moment
    }
}

/// Paints one picture, I420.
fn paint(film: &[u8], seed: u64, step: u64, moment: &Moment) -> Vec<u8> {
    let mut picture = vec![128_u8; WIDTH * HEIGHT * 3 / 2];
    let (steam_x, steam_y) = (WIDTH as f32 * (0.2 + 0.6 * share(seed ^ 77)), HEIGHT as f32 * 0.6);
    let mut state = mixed(seed << 20 ^ step) | 1;
    for y in 0..HEIGHT {
        for x in 0..WIDTH {
            let at = y * WIDTH + x;
            let mut value = f32::from(film[at]) * moment.gain + moment.lift;
            if moment.steam > 0.0 {
                let (dx, dy) = ((x as f32 - steam_x) / 140.0, (y as f32 - steam_y) / 110.0);
                let veil = moment.steam * (-(dx * dx + dy * dy)).exp();
                value += (205.0 - value) * veil;
            }
            if let Some(done) = moment.person {
                // Somebody passes close by: a third of the picture, cloth with folds.
                let left = (done * 1.2 - 0.25) * WIDTH as f32;
                let inside = (x as f32 - left) / (WIDTH as f32 * 0.33);
                if (0.0..1.0).contains(&inside) && y > HEIGHT / 8 {
                    value = 90.0 + 40.0 * (inside * 23.0 + (y as f32) * 0.05).sin() + 12.0 * ((y / 9) % 2) as f32;
                }
            }
            // Noise by xorshift, near enough to a normal distribution by adding four bytes.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let sum: u32 = state.to_le_bytes()[..4].iter().map(|byte| u32::from(*byte)).sum();
            value += (sum as f32 - 510.0) / 148.0 * moment.noise;
            picture[at] = value.clamp(0.0, 255.0) as u8;
        }
    }
    let chroma = WIDTH * HEIGHT;
    picture[chroma..chroma + chroma / 4].fill(128 - moment.colour);
    picture[chroma + chroma / 4..].fill(128 + moment.colour);
    clock(&mut picture, step * GOP_MS / 1_000);
    picture
}

/// Burns the time in, as nearly every camera does: six digits of seven segments.
fn clock(picture: &mut [u8], seconds: u64) {
    const SEGMENTS: [u8; 10] = [0x77, 0x24, 0x5d, 0x6d, 0x2e, 0x6b, 0x7b, 0x25, 0x7f, 0x6f];
    let digits = [seconds / 36_000 % 3, seconds / 3_600 % 10, seconds / 600 % 6, seconds / 60 % 10, seconds / 10 % 6, seconds % 10];
    for (place, digit) in digits.into_iter().enumerate() {
        let (left, top) = (20 + place * 18 + place / 2 * 6, 16);
        let lit = SEGMENTS[digit as usize];
        let bars = [(0, 0, 10, 2), (0, 0, 2, 10), (8, 0, 2, 10), (0, 9, 10, 2), (0, 9, 2, 10), (8, 9, 2, 10), (0, 18, 10, 2)];
        for (n, (x, y, w, h)) in bars.into_iter().enumerate() {
            if lit >> n & 1 == 1 {
                for row in top + y..top + y + h {
                    picture[row * WIDTH + left + x..row * WIDTH + left + x + w].fill(235);
                }
            }
        }
    }
}

/// Pictures of the film for one camera: a crop of its own.
fn film(clip: u64) -> Vec<Vec<u8>> {
    let library =
        std::env::var("BRIGHT_KITCHEN_FOOTAGE").unwrap_or_else(|_| panic!("BRIGHT_KITCHEN_FOOTAGE names the film; .ci/bench sets it"));
    let (zoom, x, y) = (0.55 + 0.4 * share(clip), share(clip ^ 1), share(clip ^ 2));
    let filter = format!(
        "crop=w=iw*{zoom:.3}:h=ih*{zoom:.3}:x=(iw-ow)*{x:.3}:y=(ih-oh)*{y:.3},{}scale={WIDTH}:{HEIGHT},format=gray",
        if clip % 2 == 1 { "hflip," } else { "" }
    );
    let start = format!("{}", clip * 2);
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-ss", &start, "-i", &library, "-vf", &filter, "-frames:v", &PICTURES.to_string(), "-f", "rawvideo", "-"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout.chunks_exact(WIDTH * HEIGHT).map(<[u8]>::to_vec).collect()
}

/// Encodes a clip's pictures as key frames, a few ahead of whoever takes them.
fn encoded(clip: u64) -> Receiver<Vec<u8>> {
    let (give, take) = sync_channel(4);
    let size = format!("{WIDTH}x{HEIGHT}");
    let mut child = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", &size, "-r", "25", "-i", "-"])
        .args(["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-threads", "1", "-g", "1", "-crf", "29"])
        .args(["-x264-params", "aud=1:repeat-headers=1", "-flush_packets", "1", "-f", "h264", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut to, mut from) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    std::thread::spawn(move || {
        let (pictures, life) = (film(clip), Life { seed: mixed(clip) });
        for step in 0..STEPS {
            // People come and go: another picture of the film each time, in no order that repeats.
            let which = &pictures[usize::try_from(mixed(clip << 40 ^ step)).unwrap() % pictures.len()];
            let picture = if step < STEPS - DARK_STEPS { paint(which, clip, step, &life.at(step)) } else { dark(step) };
            if to.write_all(&picture).is_err() {
                return;
            }
        }
    });
    std::thread::spawn(move || {
        let (mut pending, mut buffer) = (Vec::new(), vec![0; 1 << 16]);
        'stream: loop {
            let read = from.read(&mut buffer).unwrap_or(0);
            pending.extend_from_slice(&buffer[..read]);
            while let Some(end) = next_unit(&pending).or((read == 0 && !pending.is_empty()).then_some(pending.len())) {
                let unit: Vec<u8> = pending.drain(..end).collect();
                if give.send(unit).is_err() {
                    break 'stream;
                }
            }
            if read == 0 {
                break;
            }
        }
        // Nobody takes more: an encoder that still writes ends with its pipe.
        drop(from);
        let _ended = child.wait();
    });
    take
}

/// Where the second access-unit delimiter begins.
fn next_unit(stream: &[u8]) -> Option<usize> {
    const DELIMITER: [u8; 5] = [0, 0, 0, 1, 9];
    stream.windows(5).enumerate().skip(1).find(|(_, window)| *window == DELIMITER).map(|(at, _)| at)
}

/// No light, no noise; only the clock.
fn dark(step: u64) -> Vec<u8> {
    let mut picture = vec![16_u8; WIDTH * HEIGHT];
    picture.resize(WIDTH * HEIGHT * 3 / 2, 128);
    clock(&mut picture, step * GOP_MS / 1_000);
    picture
}

/// NAL units behind their lengths.
fn stored(stream: &[u8]) -> Bytes {
    let mut starts: Vec<usize> = stream.windows(3).enumerate().filter(|(_, window)| *window == [0, 0, 1]).map(|(at, _)| at + 3).collect();
    starts.push(stream.len() + 3);
    let mut data = Vec::with_capacity(stream.len() + 16);
    for pair in starts.windows(2) {
        let end = pair[1] - 3;
        let nal = &stream[pair[0]..end];
        let len = nal.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        if len > 0 && nal[0] & 0x1f != 9 {
            data.extend_from_slice(&u32::try_from(len).unwrap().to_be_bytes());
            data.extend_from_slice(&nal[..len]);
        }
    }
    data.into()
}

pub(crate) async fn measure(table: &mut Table) {
    let began = Instant::now();
    media::init().unwrap();
    // How heavy frames between key frames are, beside their key frame: from real footage.
    let footage = FootageLibrary::standard().get(&full_hd("BENCH"), Picture::Normal).unwrap();
    let ratios: Vec<f64> = footage
        .frames
        .split(|frame| frame.key)
        .zip(footage.frames.iter().filter(|frame| frame.key))
        .filter(|(between, _)| !between.is_empty())
        .map(|(between, key)| {
            between.iter().map(media::virtual_camera::footage::Frame::len).sum::<usize>() as f64 / between.len() as f64 / key.len() as f64
        })
        .collect();
    let memory = tempfile::tempdir().unwrap();
    let config = AnalysisConfig {
        program: Some(PathBuf::from(std::env::var_os("BRIGHT_KITCHEN_PROGRAM").unwrap())),
        processes: 2,
        ..AnalysisConfig::default()
    };
    let (feed, supervisor, clock) = (AnalysisFeed::new(), Supervisor::new(), Arc::new(SimulatedClock::new(1_780_000_000_000)));
    let (sender, mut events) = tokio::sync::mpsc::channel(10_000);
    let analyser = Analyser::start(config, feed.clone(), memory.path().to_owned(), sender, &supervisor, clock.clone());
    let cameras: Vec<(Uuid, Receiver<Vec<u8>>)> = (0..CLIPS).map(|clip| (Uuid::from_u128(u128::from(clip) + 1), encoded(clip))).collect();
    for (camera, _) in &cameras {
        analyser.watch(*camera, DiagnosisSettings::default(), None).await;
        feed.restarted(*camera);
    }
    let mut found: Vec<(u64, Uuid, DiagnosisKind)> = Vec::new();
    for step in 0..STEPS {
        for (clip, (camera, pictures)) in cameras.iter().enumerate() {
            let data = stored(&tokio::task::block_in_place(|| pictures.recv()).unwrap());
            let wall_ms = media::Clock::wall_ms(&*clock);
            let ratio = ratios[usize::try_from(mixed(step ^ (clip as u64) << 32)).unwrap() % ratios.len()];
            let between: u32 = if step < STEPS - DARK_STEPS { (data.len() as f64 * ratio) as u32 } else { 80 };
            (0..FRAMES_BETWEEN).for_each(|_| feed.frame(*camera, wall_ms, between));
            feed.key_frame(KeyFrame {
                camera: *camera,
                codec: Codec::H264,
                config: Bytes::new(),
                width: WIDTH as u32,
                height: HEIGHT as u32,
                wall_ms,
                data,
            });
        }
        settle(&analyser, &feed).await;
        while let Ok(event) = events.try_recv() {
            if let MediaEvent::Diagnosis { camera, kind, phase: Phase::Raised, .. } = event {
                found.push((step, camera, kind));
            }
        }
        clock.advance(Duration::from_millis(GOP_MS));
    }
    let status = analyser.status();
    supervisor.shutdown(Duration::from_secs(5)).await;
    let (false_alarms, true_alarms): (Vec<_>, Vec<_>) = found.into_iter().partition(|(step, ..)| *step < STEPS - DARK_STEPS);
    for (step, camera, kind) in &false_alarms {
        eprintln!("   false: {kind} on clip {} at step {step} of {STEPS}", camera.as_u128() - 1);
    }
    let noticed = true_alarms.iter().filter(|(.., kind)| *kind == DiagnosisKind::Black).count() as u64;
    let seconds = began.elapsed().as_secs_f64();
    table.judged(
        &format!("false alarms in {} simulated hours ({CLIPS} clips of {HOURS} h)", CLIPS * HOURS),
        "0; at least 2,880 looks; under 5 minutes",
        &format!(
            "{}; {} looks ({} failed) in {seconds:.0} s; the black end was told on {noticed} of {CLIPS}",
            false_alarms.len(),
            status.looks,
            status.failed_looks
        ),
        "—",
        false_alarms.is_empty() && status.looks >= 2_880 && seconds < 300.0 && noticed == CLIPS,
    );
}

/// Lets the watch take what was fed, and looks be made.
async fn settle(analyser: &Analyser, feed: &AnalysisFeed) {
    while feed.waiting() > 0 || analyser.status().looks_waiting > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
