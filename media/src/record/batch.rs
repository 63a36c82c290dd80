//! Cuts a stream into fragments and chunks, and gathers frames so that the muxer is woken about twice a second.
//!
//! A fragment begins at a key frame; without one it is closed by time or size and goes on as a continuation. Chunks of
//! half a second divide it. Nearly all of a recorder's cost is threads waking each other, so frames are handed over in
//! lists, each at the boundary that ends a chunk. The muxer lets a chunk go only when it knows the first picture after
//! it, and at a key frame only when one frame more (and as many as are reordered) has followed: the hand-over waits for
//! those, so that one waking does it.

use bytes::Bytes;

use crate::settings::EngineConfig;

/// Frames gathered at most: ten seconds at a hundred frames a second.
const FRAMES_PENDING_MAX: usize = 1_000;

/// A frame on the recorder's time line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// NAL units with four-byte lengths.
    pub data: Bytes,
    /// Presentation time, nanoseconds.
    pub pts_ns: i64,
    /// Decoding time, nanoseconds; grows strictly.
    pub dts_ns: i64,
    /// Whether decoding can start here.
    pub is_key: bool,
    /// Arrival, milliseconds UTC.
    pub wall_ms: i64,
    /// Arrival on the monotonic clock, milliseconds.
    pub mono_ms: i64,
    /// Something is missing, or a clock jumped, just before it.
    pub discontinuity: bool,
    /// Something was lost since the last whole key frame: the picture is not what the camera saw.
    pub damaged: bool,
    /// Clock epoch it arrived in.
    pub epoch: u32,
}

/// How a fragment begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Begins {
    /// With a key frame.
    pub sync: bool,
    /// Something is missing, or a clock jumped, since the fragment before began; or it is the first of a run.
    pub discontinuity: bool,
    /// Clock epoch of its first frame.
    pub epoch: u32,
}

/// What the recorder knows of a chunk before the muxer has made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkMark {
    /// Arrival of its first frame, milliseconds UTC.
    pub wall_ms: i64,
    /// The same on the monotonic clock, milliseconds.
    pub mono_ms: i64,
    /// Duration of its frames, milliseconds.
    pub duration_ms: u32,
    /// Frames in it.
    pub frames: u32,
    /// Whether its first frame is a key frame.
    pub independent: bool,
    /// Whether one of its frames is damaged.
    pub damaged: bool,
    /// Set when it is the first of a fragment.
    pub begins: Option<Begins>,
    /// Whether it is the last of its fragment.
    pub ends: bool,
}

/// What to hand to the muxer, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Frames.
    Frames(Vec<Frame>),
    /// A chunk ends here; the next begins a fragment when the mark says that it ends one.
    Split(ChunkMark),
}

/// Gathers the frames of one muxer run.
#[derive(Debug)]
pub struct Batcher {
    chunk_ns: i64,
    fragment_ns_max: i64,
    fragment_bytes_max: usize,
    reordered: usize,
    fragment: Option<Fragment>,
    pending: Vec<Frame>,
    steps: Vec<Step>,
    /// Frames still to wait for before the steps are handed over.
    hold: Option<usize>,
    interval_ns: i64,
    last_dts_ns: i64,
    newest_pts_ns: i64,
    last_key_ns: Option<i64>,
    /// From one fragment's key frame to the next; 0 until two have come.
    key_interval_ns: i64,
    /// Something was lost within the present fragment: the next one is marked.
    lost: bool,
}

#[derive(Debug)]
struct Fragment {
    start_dts_ns: i64,
    bytes: usize,
    /// Chunks begun.
    chunks: i64,
    chunk_dts_ns: i64,
    mark: ChunkMark,
}

impl Batcher {
    /// For a stream that reorders at most `reordered` pictures.
    #[must_use]
    pub fn new(config: &EngineConfig, reordered: usize) -> Self {
        let ns = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX).saturating_mul(1_000_000);
        Self {
            chunk_ns: ns(config.chunk_ms),
            fragment_ns_max: ns(config.fragment_ms_max),
            fragment_bytes_max: usize::try_from(config.fragment_bytes_max).unwrap_or(usize::MAX),
            reordered,
            fragment: None,
            pending: Vec::new(),
            steps: Vec::new(),
            hold: None,
            interval_ns: 0,
            last_dts_ns: 0,
            newest_pts_ns: i64::MIN,
            last_key_ns: None,
            key_interval_ns: 0,
            lost: false,
        }
    }

    /// Takes a frame; gives what shall be handed over now, mostly nothing.
    pub fn push(&mut self, frame: Frame) -> Vec<Step> {
        self.lost |= frame.discontinuity;
        match &self.fragment {
            None => self.begin_fragment(&frame),
            Some(fragment) => match self.boundary(fragment, &frame) {
                Boundary::None => {}
                Boundary::Chunk => self.split(&frame, false),
                Boundary::Fragment => self.split(&frame, true),
            },
        }
        if self.last_dts_ns != 0 {
            self.interval_ns = frame.dts_ns - self.last_dts_ns;
        }
        self.last_dts_ns = frame.dts_ns;
        self.newest_pts_ns = self.newest_pts_ns.max(frame.pts_ns);
        if let Some(fragment) = &mut self.fragment {
            fragment.bytes += frame.data.len();
            fragment.mark.frames += 1;
            fragment.mark.damaged |= frame.damaged;
        }
        self.pending.push(frame);
        match self.hold {
            None => Vec::new(),
            Some(0) => self.hand_over(),
            Some(frames) => {
                self.hold = Some(frames - 1);
                Vec::new()
            }
        }
    }

    /// The decoding time of the frame that lets the next chunk go, should the stream keep its rhythm, nanoseconds; `None` while that is
    /// not known.
    #[must_use]
    pub fn due_ns(&self) -> Option<i64> {
        let fragment = self.fragment.as_ref().filter(|_| self.interval_ns > 0)?;
        let behind = |dts_ns: i64, frames: usize| dts_ns + self.interval_ns * i64::try_from(frames).unwrap_or(0);
        if let Some(frames) = self.hold {
            return Some(behind(self.last_dts_ns, frames + 1));
        }
        let left_ns = fragment.start_dts_ns + self.chunk_ns * fragment.chunks - self.interval_ns / 2 - self.last_dts_ns;
        let frames = usize::try_from(left_ns.max(1)).unwrap_or(0).div_ceil(usize::try_from(self.interval_ns).unwrap_or(usize::MAX));
        let boundary_ns = behind(self.last_dts_ns, frames);
        let key_ns = fragment.start_dts_ns + self.key_interval_ns;
        let key_comes = key_ns > self.last_dts_ns && key_ns <= boundary_ns + self.interval_ns / 2;
        Some(if key_comes { behind(key_ns, 1 + self.reordered) } else { boundary_ns })
    }

    /// The stream ends: everything that is left, with the mark of the last chunk, which the end of stream splits off.
    pub fn finish(&mut self) -> (Vec<Step>, Option<ChunkMark>) {
        let steps = self.hand_over();
        let interval_ns = self.interval_ns.max(1_000_000);
        let mark = self.fragment.take().map(|mut fragment| {
            fragment.mark.duration_ms = duration_ms(fragment.chunk_dts_ns, self.last_dts_ns + interval_ns);
            fragment.mark.ends = true;
            fragment.mark
        });
        (steps, mark)
    }

    fn boundary(&self, fragment: &Fragment, frame: &Frame) -> Boundary {
        let fragment_ns = frame.dts_ns - fragment.start_dts_ns;
        let is_full = fragment.bytes + frame.data.len() > self.fragment_bytes_max;
        // Whatever a stream's times say, what is gathered has a limit.
        if is_full || self.pending.len() >= FRAMES_PENDING_MAX {
            return Boundary::Fragment;
        }
        // The muxer lets each chunk's decoding times start at its earliest picture; only before a picture that is shown
        // after all earlier ones does that continue the chunk before.
        if frame.pts_ns <= self.newest_pts_ns {
            return Boundary::None;
        }
        // Keyframes closer than a chunk share a fragment: a stream of key frames only is not 25 fragments a second.
        if frame.is_key && fragment_ns >= self.chunk_ns {
            return Boundary::Fragment;
        }
        if fragment_ns >= self.fragment_ns_max {
            return Boundary::Fragment;
        }
        // On a grid from the fragment's start, so that a GOP of whole seconds has no stub at its end.
        if fragment_ns + self.interval_ns / 2 >= self.chunk_ns * fragment.chunks { Boundary::Chunk } else { Boundary::None }
    }

    fn split(&mut self, next: &Frame, ends: bool) {
        let Some(fragment) = &mut self.fragment else { return };
        let mut mark = mark_of(next, None);
        std::mem::swap(&mut mark, &mut fragment.mark);
        mark.duration_ms = duration_ms(fragment.chunk_dts_ns, next.dts_ns);
        mark.ends = ends;
        fragment.chunk_dts_ns = next.dts_ns;
        fragment.chunks += 1;
        self.steps.push(Step::Frames(std::mem::take(&mut self.pending)));
        self.steps.push(Step::Split(mark));
        if ends {
            self.begin_fragment(next);
        }
        self.hold = Some(if next.is_key { 1 + self.reordered } else { 0 });
    }

    fn begin_fragment(&mut self, first: &Frame) {
        let discontinuity = std::mem::take(&mut self.lost) || self.fragment.is_none();
        let begins = Begins { sync: first.is_key, discontinuity, epoch: first.epoch };
        if first.is_key {
            self.key_interval_ns = self.last_key_ns.map_or(0, |last_ns| first.dts_ns - last_ns);
            self.last_key_ns = Some(first.dts_ns);
        }
        self.fragment = Some(Fragment {
            start_dts_ns: first.dts_ns,
            bytes: 0,
            chunks: 1,
            chunk_dts_ns: first.dts_ns,
            mark: mark_of(first, Some(begins)),
        });
    }

    fn hand_over(&mut self) -> Vec<Step> {
        self.hold = None;
        let mut steps = std::mem::take(&mut self.steps);
        if !self.pending.is_empty() {
            steps.push(Step::Frames(std::mem::take(&mut self.pending)));
        }
        steps
    }
}

#[derive(Debug)]
enum Boundary {
    None,
    Chunk,
    Fragment,
}

fn mark_of(first: &Frame, begins: Option<Begins>) -> ChunkMark {
    let Frame { wall_ms, mono_ms, is_key: independent, .. } = *first;
    ChunkMark { wall_ms, mono_ms, duration_ms: 0, frames: 0, independent, damaged: false, begins, ends: false }
}

/// Rounded so that the durations of chunks that follow each other add up to the whole.
fn duration_ms(start_ns: i64, end_ns: i64) -> u32 {
    let ms = end_ns.div_euclid(1_000_000) - start_ns.div_euclid(1_000_000);
    u32::try_from(ms).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(n: i64, is_key: bool) -> Frame {
        let (pts_ns, mono_ms) = (n * 40_000_000, n * 40);
        let data = Bytes::from(vec![0; 1_000]);
        Frame {
            data,
            pts_ns,
            dts_ns: pts_ns,
            is_key,
            wall_ms: 1_000_000 + mono_ms,
            mono_ms,
            discontinuity: false,
            damaged: false,
            epoch: 0,
        }
    }

    /// Feeds frames and gives all marks, checking that every frame is handed over once, in order, before its mark.
    fn run(config: &EngineConfig, frames: i64, is_key: impl Fn(i64) -> bool) -> (Vec<ChunkMark>, usize) {
        let mut batcher = Batcher::new(config, 0);
        let (mut marks, mut handed, mut marked, mut hand_overs) = (Vec::new(), 0, 0, 0);
        let mut take = |steps: Vec<Step>, last: Option<ChunkMark>| {
            hand_overs += usize::from(!steps.is_empty());
            for step in steps {
                match step {
                    Step::Frames(frames) => {
                        for frame in frames {
                            assert_eq!(frame.mono_ms, handed * 40);
                            handed += 1;
                        }
                    }
                    Step::Split(mark) => {
                        marked += i64::from(mark.frames);
                        assert_eq!(marked, handed, "a split follows its frames");
                        marks.push(mark);
                    }
                }
            }
            if let Some(mark) = last {
                assert_eq!(marked + i64::from(mark.frames), handed);
                marks.push(mark);
            }
        };
        for n in 0..frames {
            take(batcher.push(frame(n, is_key(n))), None);
        }
        let (steps, last) = batcher.finish();
        take(steps, last);
        assert_eq!(handed, frames);
        (marks, hand_overs)
    }

    #[test]
    fn a_two_second_gop_is_one_fragment_of_half_second_chunks() {
        let config = EngineConfig::new("/r".into());
        let (marks, hand_overs) = run(&config, 100, |n| n % 50 == 0);
        let begins: Vec<_> = marks.iter().filter_map(|mark| mark.begins).collect();
        assert_eq!(begins, [Begins { sync: true, discontinuity: true, epoch: 0 }, Begins { sync: true, discontinuity: false, epoch: 0 },]);
        assert_eq!(marks.iter().map(|mark| mark.frames).collect::<Vec<_>>(), [12, 13, 12, 13, 12, 13, 12, 13]);
        assert_eq!(marks.iter().map(|mark| mark.duration_ms).sum::<u32>(), 4_000);
        assert_eq!(marks.iter().filter(|mark| mark.ends).count(), 2);
        assert!(hand_overs <= marks.len(), "one waking a chunk: {hand_overs}");
    }

    #[test]
    fn without_key_frames_a_fragment_is_closed_by_time_or_size_and_goes_on() {
        let config = EngineConfig::new("/r".into());
        let (marks, _) = run(&config, 25 * 25, |n| n == 0);
        let begins: Vec<bool> = marks.iter().filter_map(|mark| mark.begins).map(|begins| begins.sync).collect();
        assert_eq!(begins, [true, false, false]);
        let small = EngineConfig { fragment_bytes_max: 100_000, ..config };
        let (marks, _) = run(&small, 250, |n| n == 0);
        assert_eq!(marks.iter().filter(|mark| mark.begins.is_some()).count(), 3);
    }

    #[test]
    fn a_stream_whose_time_stands_still_is_gathered_to_a_limit_only() {
        let mut batcher = Batcher::new(&EngineConfig::new("/r".into()), 0);
        let steps: usize =
            (0..2_500).map(|n| batcher.push(Frame { pts_ns: 0, dts_ns: n, data: Bytes::new(), ..frame(0, n == 0) }).len()).sum();
        assert!(steps >= 4 && batcher.pending.len() <= FRAMES_PENDING_MAX);
    }

    #[test]
    fn key_frames_only_are_gathered_to_fragments_of_half_a_second() {
        let (marks, _) = run(&EngineConfig::new("/r".into()), 50, |_| true);
        assert_eq!(marks.iter().filter(|mark| mark.begins.is_some()).count(), 4);
        assert!(marks.iter().all(|mark| mark.frames <= 13));
    }

    #[test]
    fn the_frame_that_lets_a_chunk_go_is_known_beforehand() {
        for reordered in [0, 2] {
            let mut batcher = Batcher::new(&EngineConfig::new("/r".into()), reordered);
            let (mut foretold, mut right, mut wrong) = (Vec::new(), 0, 0);
            for n in 0..300 {
                // A key frame every 1.8 s: it comes within a chunk.
                if batcher.push(frame(n, n % 45 == 0)).is_empty() {
                    foretold.extend(batcher.due_ns());
                    continue;
                }
                if n > 100 {
                    let told = |due_ns: &i64| *due_ns == n * 40_000_000;
                    right += foretold.iter().filter(|due_ns| told(due_ns)).count();
                    wrong += foretold.iter().filter(|due_ns| !told(due_ns)).count();
                }
                foretold.clear();
            }
            assert_eq!((right > 150, wrong), (true, 0));
        }
    }

    #[test]
    fn a_key_frame_that_stays_away_leaves_the_half_seconds() {
        let mut batcher = Batcher::new(&EngineConfig::new("/r".into()), 0);
        assert_eq!(batcher.due_ns(), None);
        for n in 0..=131 {
            batcher.push(frame(n, n == 0 || n == 50));
        }
        assert_eq!(batcher.due_ns(), Some(137 * 40_000_000), "3.5 s after the key frame, on the grid");
    }

    #[test]
    fn a_chunk_before_a_key_frame_is_handed_over_with_the_frame_after_it() {
        let mut batcher = Batcher::new(&EngineConfig::new("/r".into()), 0);
        for n in 0..25 {
            batcher.push(frame(n, n == 0));
        }
        assert!(batcher.push(frame(25, true)).is_empty());
        assert_eq!(batcher.due_ns(), Some(26 * 40_000_000), "the frame behind it");
        let steps = batcher.push(frame(26, false));
        let [Step::Frames(_), Step::Split(mark), Step::Frames(next)] = steps.as_slice() else {
            panic!("{steps:?}");
        };
        assert!(mark.ends && next.len() == 2 && next[0].is_key);
    }
}
