//! What a camera usually shows: one reference a light mode, learned in the first half minute, kept across restarts.
//!
//! By day and under infra-red the same kitchen gives two pictures, so each light mode has its own reference. A dark
//! picture has none: there is nothing to compare. A reference is the median of several looks, so that people who pass
//! are not in it, and afterwards follows slowly what is alike: sun, seasons, a moved table.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::look::{CELLS, Look, TILES};

/// Under this mean distance of chroma from grey a picture is taken for infra-red, in steps.
const GREY_COLOUR_MAX: f32 = 1.5;
/// A picture is dark when even its brightest twentieth stays under this luma.
const DARK_LUMA_MAX: f32 = 60.0;
/// Looks that make a reference ...
const LOOKS_ENOUGH: usize = 8;
/// ... or as few as this, once they span [`SPAN_ENOUGH_MS`]: cameras with far key frames.
const LOOKS_MIN: usize = 3;
const SPAN_ENOUGH_MS: u64 = 20_000;
/// Weight of a new look in a learned reference.
const WEIGHT: f32 = 0.03;

/// What lights the scene.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LightMode {
    /// Colour.
    Day,
    /// Grey: the camera's own lamps.
    InfraRed,
    /// Too dark to show a scene.
    Dark,
}

impl LightMode {
    /// The mode of a picture: `bright` is the luma that a twentieth of it exceeds.
    #[must_use]
    pub fn of(bright: f32, colour: f32) -> Self {
        if bright < DARK_LUMA_MAX {
            Self::Dark
        } else if colour < GREY_COLOUR_MAX {
            Self::InfraRed
        } else {
            Self::Day
        }
    }
}

/// What a camera usually shows in one light mode.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    /// Mean luma a cell, in 1/256 steps.
    #[serde(serialize_with = "write_cells", deserialize_with = "read_cells")]
    pub cells: Vec<u16>,
    /// Finest detail a tile, in steps of luma.
    pub fine: Vec<f32>,
}

impl Reference {
    /// Follows a look that is alike.
    pub fn follow(&mut self, look: &Look) {
        for (known, new) in self.cells.iter_mut().zip(&look.cells) {
            let step = WEIGHT * (f32::from(*new) - f32::from(*known));
            // Rounded away from zero, or small steps would never arrive.
            let step = if step >= 0.0 { step.ceil() } else { step.floor() };
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the range")]
            {
                *known = (f32::from(*known) + step).clamp(0.0, f32::from(u16::MAX)) as u16;
            }
        }
        for (known, new) in self.fine.iter_mut().zip(&look.fine) {
            *known += WEIGHT * (new - *known);
        }
    }

    fn of(looks: &[Look]) -> Self {
        let median_of = |values: &mut Vec<f32>| {
            values.sort_by(f32::total_cmp);
            values.get(values.len() / 2).copied().unwrap_or(0.0)
        };
        let cells = (0..CELLS).map(|cell| {
            let mut values: Vec<u16> = looks.iter().map(|look| look.cells[cell]).collect();
            values.sort_unstable();
            values[values.len() / 2]
        });
        let fine = (0..TILES).map(|tile| median_of(&mut looks.iter().map(|look| look.fine[tile]).collect()));
        Self { cells: cells.collect(), fine: fine.collect() }
    }

    fn is_whole(&self) -> bool {
        self.cells.len() == CELLS && self.fine.len() == TILES && self.fine.iter().all(|fine| fine.is_finite())
    }
}

/// What is kept of a camera across restarts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Remembered {
    /// Reference by day.
    pub day: Option<Reference>,
    /// Reference under infra-red.
    pub infra_red: Option<Reference>,
    /// The camera's usual noise between looks, newest last.
    pub noise: Vec<f32>,
}

/// Learns and keeps the references of one camera.
#[derive(Debug, Clone, Default)]
pub struct References {
    kept: Remembered,
    learning: Vec<Look>,
    learning_mode: Option<LightMode>,
    learning_since_ms: u64,
}

impl References {
    /// Starts from what was kept; a part that is not whole is forgotten.
    #[must_use]
    pub fn from_remembered(mut kept: Remembered) -> Self {
        kept.day = kept.day.filter(Reference::is_whole);
        kept.infra_red = kept.infra_red.filter(Reference::is_whole);
        kept.noise.retain(|noise| noise.is_finite());
        Self { kept, ..Self::default() }
    }

    /// The reference of a mode.
    #[must_use]
    pub fn own(&self, mode: LightMode) -> Option<&Reference> {
        match mode {
            LightMode::Day => self.kept.day.as_ref(),
            LightMode::InfraRed => self.kept.infra_red.as_ref(),
            LightMode::Dark => None,
        }
    }

    /// The reference to compare with: the mode's own, else the other's.
    #[must_use]
    pub fn any(&self, mode: LightMode) -> Option<&Reference> {
        match mode {
            LightMode::Day => self.kept.day.as_ref().or(self.kept.infra_red.as_ref()),
            LightMode::InfraRed => self.kept.infra_red.as_ref().or(self.kept.day.as_ref()),
            LightMode::Dark => None,
        }
    }

    /// What is to be kept.
    #[must_use]
    pub fn remembered(&self) -> &Remembered {
        &self.kept
    }

    /// The list of usual noise, to be added to.
    pub fn noise_mut(&mut self) -> &mut Vec<f32> {
        &mut self.kept.noise
    }

    /// Forgets everything: the camera was turned on purpose.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// Learns from a look that shows nothing wrong; whether a reference was completed by it.
    pub fn learn(&mut self, look: &Look, mode: LightMode, mono_ms: u64) -> bool {
        let known = match mode {
            LightMode::Day => &mut self.kept.day,
            LightMode::InfraRed => &mut self.kept.infra_red,
            LightMode::Dark => return false,
        };
        if let Some(known) = known {
            known.follow(look);
            return false;
        }
        if self.learning_mode != Some(mode) {
            self.learning.clear();
            (self.learning_mode, self.learning_since_ms) = (Some(mode), mono_ms);
        }
        self.learning.push(look.clone());
        let is_long_enough = mono_ms.saturating_sub(self.learning_since_ms) >= SPAN_ENOUGH_MS;
        if self.learning.len() < LOOKS_ENOUGH && !(is_long_enough && self.learning.len() >= LOOKS_MIN) {
            return false;
        }
        *known = Some(Reference::of(&self.learning));
        (self.learning, self.learning_mode) = (Vec::new(), None);
        true
    }
}

fn write_cells<S: Serializer>(cells: &[u16], serializer: S) -> Result<S::Ok, S::Error> {
    let bytes: Vec<u8> = cells.iter().flat_map(|cell| cell.to_le_bytes()).collect();
    serializer.serialize_str(&STANDARD.encode(bytes))
}

fn read_cells<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u16>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let bytes = STANDARD.decode(text).map_err(serde::de::Error::custom)?;
    Ok(bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(luma: u16) -> Look {
        Look {
            width: 1280,
            height: 720,
            colour: 9.0,
            cells: vec![luma * 256; CELLS],
            fine: vec![f32::from(luma); TILES],
            strokes: vec![0; CELLS.div_ceil(8)],
        }
    }

    #[test]
    fn a_passer_by_is_not_in_the_reference() {
        let mut references = References::default();
        for second in 0..8 {
            let luma = if second == 3 || second == 4 { 200 } else { 100 };
            let is_done = references.learn(&look(luma), LightMode::Day, second * 2_000);
            assert_eq!(is_done, second == 7);
        }
        assert!(references.own(LightMode::Day).expect("learned").cells.iter().all(|cell| *cell == 100 * 256));
        assert!(references.own(LightMode::InfraRed).is_none());
        assert!(references.any(LightMode::InfraRed).is_some());
    }

    #[test]
    fn far_key_frames_give_a_reference_within_half_a_minute() {
        let mut references = References::default();
        let done: Vec<bool> = [0, 10_000, 20_000].map(|ms| references.learn(&look(90), LightMode::InfraRed, ms)).into();
        assert_eq!(done, [false, false, true]);
    }

    #[test]
    fn a_reference_follows_slowly_and_arrives() {
        let mut reference = Reference::of(&[look(100)]);
        (0..10).for_each(|_| reference.follow(&look(110)));
        assert!((100 * 256..105 * 256).contains(&reference.cells[0]));
        (0..500).for_each(|_| reference.follow(&look(110)));
        assert_eq!(reference.cells[0], 110 * 256);
    }

    #[test]
    fn what_is_kept_survives_a_restart_and_what_is_damaged_is_forgotten() {
        let kept = Remembered { day: Some(Reference::of(&[look(7)])), infra_red: None, noise: vec![0.5] };
        let text = serde_json::to_string(&kept).expect("JSON");
        assert!(text.len() < 100_000, "{} bytes", text.len());
        let again: Remembered = serde_json::from_str(&text).expect("JSON");
        assert_eq!(again, kept);
        let mut damaged = kept;
        if let Some(day) = &mut damaged.day {
            day.cells.pop();
        }
        assert!(References::from_remembered(damaged).own(LightMode::Day).is_none());
    }
}
