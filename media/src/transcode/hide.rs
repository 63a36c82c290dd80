//! Hides parts of pictures on their way to the encoder of a copy: those that somebody marked, and faces.
//!
//! ```text
//! decoder -> raw: looked at three times a second -> a second of pictures that wait -> parts are hidden -> words -> encoder
//! ```
//! What is found at one moment is hidden a second before and after it too, where it was found and with room around it: a face
//! that is seen in one look of five stays hidden between. The pictures wait so that the second before is still to come out.
//! A look that fails ends the copy: half of it would be worse than none.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_video::{VideoFrameExt as _, VideoFrameRef, VideoInfo};
use serde::{Deserialize, Serialize};

use super::faces::{FaceFinder, Part, Planes};
use super::pipeline::PipelineError;
use super::wall::Walls;

/// Nanoseconds from one look to the next.
const LOOK_NS: u64 = 320_000_000;
/// What is found is hidden this much earlier and later too, nanoseconds.
const HOLD_NS: u64 = 1_000_000_000;
/// Bytes of pictures that wait; fewer wait where they are large.
const WAITING_BYTES: u32 = 160 * 1024 * 1024;
/// Room around a face, in shares of it: hair, chin and the way it moves between two looks.
const ROOM: f32 = 0.35;
/// Across the longer side of what is hidden are so many squares of one colour each.
const SQUARES: usize = 5;
/// Pixels of a square at least; even.
const SQUARE_MIN: usize = 8;
/// Thousandths.
const WHOLE: f32 = 1_000.0;

/// A part of the picture that somebody wants hidden, in thousandths of its width and height.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Region {
    /// From the left.
    pub left: u16,
    /// From the top.
    pub top: u16,
    /// Of the width.
    pub width: u16,
    /// Of the height.
    pub height: u16,
    /// Hidden from this moment on, milliseconds UTC; from the beginning where there is none.
    pub from_ms: Option<i64>,
    /// Hidden up to this moment; up to the end where there is none.
    pub until_ms: Option<i64>,
}

/// What is to be hidden.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hiding {
    /// The model that finds faces; `None` leaves them.
    pub(super) face_model: Option<PathBuf>,
    pub(super) regions: Vec<Region>,
}

/// The elements between decoder and words.
pub(super) fn description() -> String {
    format!(
        "queue name=waiting max-size-buffers=0 max-size-bytes={WAITING_BYTES} max-size-time={} min-threshold-time={HOLD_NS}",
        2 * HOLD_NS
    )
}

/// What was found, and when.
#[derive(Debug, Default)]
struct Found {
    looked_ns: Option<u64>,
    faces: VecDeque<(u64, Vec<Part>)>,
}

/// Looks before the pictures wait, at what leaves `raw`, and hides what was found or marked when they have waited in `waiting`.
/// `with_faces` counts the pictures in which a face was hidden.
pub(super) fn hide(
    raw: &gst::Element,
    waiting: &gst::Element,
    hiding: &Hiding,
    walls: &Arc<Mutex<Walls>>,
    with_faces: &Arc<AtomicU32>,
) -> Result<(), PipelineError> {
    let missing = || PipelineError::Build("an element has no pad".to_owned());
    let found = Arc::new(Mutex::new(Found::default()));
    if let Some(path) = &hiding.face_model {
        let finder = FaceFinder::open(path).map_err(PipelineError::Build)?;
        let (found, element) = (Arc::clone(&found), raw.downgrade());
        raw.static_pad("src").ok_or_else(missing)?.add_probe(gst::PadProbeType::BUFFER, move |pad, probe| {
            let Some(buffer) = probe.buffer() else { return gst::PadProbeReturn::Ok };
            match look(&finder, pad, buffer, &found) {
                Ok(()) => gst::PadProbeReturn::Ok,
                Err(why) => fail(&element, &why),
            }
        });
    }
    let (regions, walls, with_faces, element) = (hiding.regions.clone(), Arc::clone(walls), Arc::clone(with_faces), waiting.downgrade());
    waiting.static_pad("src").ok_or_else(missing)?.add_probe(gst::PadProbeType::BUFFER, move |pad, probe| {
        let Some(buffer) = probe.buffer_mut() else { return gst::PadProbeReturn::Ok };
        let pts_ns = buffer.pts().map_or(0, gst::ClockTime::nseconds);
        let wall_ms = walls.lock().unwrap_or_else(PoisonError::into_inner).at(pts_ns);
        let mut parts: Vec<Part> = regions.iter().filter(|region| region.is_hidden_at(wall_ms)).map(Region::part).collect();
        let faces = found.lock().unwrap_or_else(PoisonError::into_inner).about(pts_ns);
        if !faces.is_empty() {
            with_faces.fetch_add(1, Ordering::Relaxed);
        }
        parts.extend(faces);
        if parts.is_empty() {
            return gst::PadProbeReturn::Ok;
        }
        match cover(pad, buffer, &parts) {
            Ok(()) => gst::PadProbeReturn::Ok,
            Err(why) => fail(&element, &why),
        }
    });
    Ok(())
}

/// No picture goes on that should have been covered.
fn fail(element: &gst::glib::WeakRef<gst::Element>, why: &str) -> gst::PadProbeReturn {
    if let Some(element) = element.upgrade() {
        element.post_error_message(gst::error_msg!(gst::StreamError::Failed, ("parts of a picture cannot be hidden: {why}")));
    }
    gst::PadProbeReturn::Drop
}

fn info_of(pad: &gst::Pad) -> Result<VideoInfo, String> {
    let caps = pad.current_caps().ok_or("pictures without a form")?;
    VideoInfo::from_caps(&caps).map_err(|error| error.to_string())
}

fn look(finder: &FaceFinder, pad: &gst::Pad, buffer: &gst::Buffer, found: &Mutex<Found>) -> Result<(), String> {
    let pts_ns = buffer.pts().ok_or("a picture without a time")?.nseconds();
    let due = found.lock().unwrap_or_else(PoisonError::into_inner).is_due(pts_ns);
    if !due {
        return Ok(());
    }
    let info = info_of(pad)?;
    let frame = VideoFrameRef::from_buffer_ref_readable(buffer, &info).map_err(|error| error.to_string())?;
    let plane = |n: u32| -> Result<(&[u8], usize), String> {
        let line = usize::try_from(frame.plane_stride()[n as usize]).map_err(|error| error.to_string())?;
        Ok((frame.plane_data(n).map_err(|error| error.to_string())?, line))
    };
    let planes = [plane(0)?, plane(1)?, plane(2)?];
    let faces = finder.look(Planes { width: info.width() as usize, height: info.height() as usize, planes })?;
    found.lock().unwrap_or_else(PoisonError::into_inner).add(pts_ns, faces);
    Ok(())
}

fn cover(pad: &gst::Pad, buffer: &mut gst::Buffer, parts: &[Part]) -> Result<(), String> {
    let info = info_of(pad)?;
    let (width, height) = (info.width() as usize, info.height() as usize);
    let mut frame = VideoFrameRef::from_buffer_ref_writable(buffer.make_mut(), &info).map_err(|error| error.to_string())?;
    for part in parts {
        let area = Area::of(part, width, height);
        for n in 0..3_u32 {
            let line = usize::try_from(frame.plane_stride()[n as usize]).map_err(|error| error.to_string())?;
            let plane = frame.plane_data_mut(n).map_err(|error| error.to_string())?;
            area.scaled(if n == 0 { 1 } else { 2 }).cover(plane, line);
        }
    }
    Ok(())
}

impl Found {
    fn is_due(&self, pts_ns: u64) -> bool {
        self.looked_ns.is_none_or(|looked_ns| pts_ns >= looked_ns.saturating_add(LOOK_NS) || pts_ns < looked_ns)
    }

    fn add(&mut self, pts_ns: u64, faces: Vec<Part>) {
        self.looked_ns = Some(pts_ns);
        if !faces.is_empty() {
            self.faces.push_back((pts_ns, faces));
        }
    }

    /// What to hide in the picture of this time; what is older than any picture that comes is forgotten.
    fn about(&mut self, pts_ns: u64) -> Vec<Part> {
        while self.faces.front().is_some_and(|(at, _)| at.saturating_add(HOLD_NS) < pts_ns) {
            self.faces.pop_front();
        }
        let near = self.faces.iter().filter(|(at, _)| at.abs_diff(pts_ns) <= HOLD_NS);
        near.flat_map(|(_, faces)| faces.iter().map(Part::with_room)).collect()
    }
}

impl Part {
    fn with_room(&self) -> Self {
        let (wide, tall) = (self.width * ROOM, self.height * ROOM);
        Self { left: self.left - wide, top: self.top - tall, width: self.width + 2.0 * wide, height: self.height + 2.0 * tall }
    }
}

impl Region {
    fn is_hidden_at(&self, wall_ms: i64) -> bool {
        self.from_ms.is_none_or(|from_ms| wall_ms >= from_ms) && self.until_ms.is_none_or(|until_ms| wall_ms <= until_ms)
    }

    fn part(&self) -> Part {
        let share = |thousandths: u16| f32::from(thousandths) / WHOLE;
        Part { left: share(self.left), top: share(self.top), width: share(self.width), height: share(self.height) }
    }
}

/// A rectangle of samples, within its plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Area {
    left: usize,
    top: usize,
    right: usize,
    bottom: usize,
    square: usize,
}

impl Area {
    /// Whole squares of the chroma planes: even at every side, and not beyond the picture.
    fn of(part: &Part, width: usize, height: usize) -> Self {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the picture")]
        let at = |share: f32, side: usize| (share.clamp(0.0, 1.0) * side as f32) as usize;
        let (left, top) = (at(part.left, width) & !1, at(part.top, height) & !1);
        let end = |share: f32, side: usize| (at(share, side) + 1).next_multiple_of(2).min(side);
        let (right, bottom) = (end(part.left + part.width, width), end(part.top + part.height, height));
        let square = ((right - left).max(bottom - top) / SQUARES).max(SQUARE_MIN).next_multiple_of(2);
        Self { left, top, right, bottom, square }
    }

    fn scaled(self, by: usize) -> Self {
        let Self { left, top, right, bottom, square } = self;
        Self { left: left / by, top: top / by, right: right.div_ceil(by), bottom: bottom.div_ceil(by), square: square / by }
    }

    /// Gives each square its mean.
    fn cover(self, plane: &mut [u8], line: usize) {
        for top in (self.top..self.bottom).step_by(self.square) {
            let bottom = (top + self.square).min(self.bottom);
            for left in (self.left..self.right).step_by(self.square) {
                let right = (left + self.square).min(self.right);
                let lines = || (top..bottom).map(|y| y * line + left..y * line + right);
                let (mut sum, mut count) = (0_u64, 0_u64);
                for samples in lines().filter_map(|samples| plane.get(samples)) {
                    sum += samples.iter().map(|sample| u64::from(*sample)).sum::<u64>();
                    count += samples.len() as u64;
                }
                let mean = u8::try_from(sum / count.max(1)).unwrap_or(u8::MAX);
                for samples in lines() {
                    if let Some(samples) = plane.get_mut(samples) {
                        samples.fill(mean);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(left: f32, top: f32, width: f32, height: f32) -> Part {
        Part { left, top, width, height }
    }

    #[test]
    fn what_is_covered_has_few_colours_and_the_rest_is_as_it_was() {
        let (width, height) = (200_usize, 100_usize);
        let before: Vec<u8> = (0..width * height).map(|n| u8::try_from((n * 7 + n / width * 3) % 251).expect("small")).collect();
        let mut plane = before.clone();
        let area = Area::of(&part(0.25, 0.2, 0.3, 0.4), width, height);
        area.cover(&mut plane, width);
        let inside = |x: usize, y: usize| (area.left..area.right).contains(&x) && (area.top..area.bottom).contains(&y);
        let mut colours = std::collections::HashSet::new();
        for y in 0..height {
            for x in 0..width {
                let (was, is) = (before[y * width + x], plane[y * width + x]);
                if inside(x, y) {
                    colours.insert(is);
                } else {
                    assert_eq!(was, is, "{x}, {y}");
                }
            }
        }
        assert!(inside(50, 20) && inside(109, 59), "{area:?}");
        assert!(colours.len() <= SQUARES * SQUARES, "{}", colours.len());
    }

    #[test]
    fn an_area_stays_within_the_picture_whatever_is_asked_for() {
        for asked in [part(-1.0, -1.0, 9.0, 9.0), part(0.99, 0.99, 0.5, 0.5), part(1.0, 1.0, 0.0, 0.0), part(f32::NAN, 0.0, 1.0, 1.0)] {
            for (width, height) in [(320, 240), (33, 17), (2, 2)] {
                let area = Area::of(&asked, width, height);
                assert!(area.left <= area.right && area.right <= width && area.top <= area.bottom && area.bottom <= height, "{area:?}");
                let chroma = area.scaled(2);
                chroma.cover(&mut vec![0; width.div_ceil(2) * height.div_ceil(2)], width.div_ceil(2));
            }
        }
    }

    #[test]
    fn a_face_is_hidden_a_second_before_and_after_it_is_seen_and_forgotten_then() {
        let mut found = Found::default();
        let second = 1_000_000_000;
        assert!(found.is_due(0));
        found.add(5 * second, vec![part(0.4, 0.4, 0.1, 0.1)]);
        assert!(!found.is_due(5 * second + LOOK_NS - 1) && found.is_due(5 * second + LOOK_NS));
        let hidden: Vec<usize> = [3, 4, 5, 6, 7].map(|at| found.about(at * second).len()).into();
        assert_eq!(hidden, [0, 1, 1, 1, 0]);
        assert!(found.faces.is_empty());
    }

    #[test]
    fn a_region_has_its_time() {
        let region = Region { left: 0, top: 0, width: 1_000, height: 500, from_ms: Some(10), until_ms: Some(20) };
        assert_eq!([9, 10, 20, 21].map(|at| region.is_hidden_at(at)), [false, true, true, false]);
        assert_eq!(region.part(), part(0.0, 0.0, 1.0, 0.5));
    }
}
