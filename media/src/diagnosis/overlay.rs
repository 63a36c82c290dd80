//! Learned overlays: the clock and the name that cameras burn into their pictures.
//!
//! They keep a frozen picture moving and give a black one edges, so their cells are left out of every measure. What is
//! known of them: they are made of bright strokes on something darker, they stay where they are, and they stand in the
//! upper or lower part of the picture. A cell there that shows strokes in nearly every look is taken for one. That some
//! of the scene's own highlights are left out with them does no harm, as long as it is not much of the picture. Away
//! from the edges a cell is taken only where strokes stand on a picture that is otherwise black.

use super::look::{CELLS, GRID, Look};

/// Weight of a new look.
const WEIGHT: f32 = 0.15;
/// A cell that has shown strokes this often is an overlay.
const OFTEN: f32 = 0.75;
/// Looks before anything is left out.
const LOOKS_MIN: u32 = 3;
/// Parts of the picture above and below in which overlays are looked for, per cent of its height.
const BAND_PERCENT: usize = 16;
/// More than this share of a band is scene, not text.
const BAND_SHARE_MAX: f32 = 0.5;
/// Share of cells that must be dark to trust strokes anywhere.
const DARK_SHARE_MIN: f32 = 0.85;
/// Mean luma of a dark cell.
const DARK_LUMA_MAX: f32 = 40.0;

/// Which cells are left out.
#[derive(Debug, Clone)]
pub struct Overlays {
    /// How often each cell has shown strokes, 0..1.
    often: Vec<f32>,
    looks: u32,
    mask: Vec<bool>,
}

impl Default for Overlays {
    fn default() -> Self {
        Self { often: vec![0.0; CELLS], looks: 0, mask: vec![false; CELLS] }
    }
}

impl Overlays {
    /// Learns from a look.
    pub fn note(&mut self, look: &Look) {
        self.looks = self.looks.saturating_add(1);
        #[expect(clippy::cast_precision_loss, reason = "only the first few looks count")]
        let weight = WEIGHT.max(1.0 / self.looks.min(1_000) as f32);
        let is_dark = share((0..CELLS).map(|cell| look.luma(cell) < DARK_LUMA_MAX)) > DARK_SHARE_MIN;
        for (cell, often) in self.often.iter_mut().enumerate() {
            let shows = look.has_strokes(cell);
            if is_in_band(cell) || is_dark {
                *often += weight * (f32::from(u8::from(shows)) - *often);
            }
        }
        if self.looks >= LOOKS_MIN {
            self.mask = self.masked();
        }
    }

    /// Whether the cell is left out.
    #[must_use]
    pub fn hides(&self, cell: usize) -> bool {
        self.mask.get(cell).copied().unwrap_or(false)
    }

    /// Share of the picture that is left out, 0..1.
    #[must_use]
    pub fn share(&self) -> f32 {
        share(self.mask.iter().copied())
    }

    /// Cells with strokes, and their neighbours: text is wider than its brightest strokes, and coding smears it.
    fn masked(&self) -> Vec<bool> {
        let text: Vec<bool> = self.often.iter().map(|often| *often >= OFTEN).collect();
        if share((0..CELLS).filter(|cell| is_in_band(*cell)).map(|cell| text[cell])) > BAND_SHARE_MAX {
            return vec![false; CELLS];
        }
        let mut mask = vec![false; CELLS];
        for cell in (0..CELLS).filter(|cell| text[*cell]) {
            let (x, y) = (cell % GRID.0, cell / GRID.0);
            for near_y in y.saturating_sub(1)..=(y + 1).min(GRID.1 - 1) {
                for near_x in x.saturating_sub(2)..=(x + 2).min(GRID.0 - 1) {
                    mask[near_y * GRID.0 + near_x] = true;
                }
            }
        }
        mask
    }
}

fn is_in_band(cell: usize) -> bool {
    let row = cell / GRID.0 * 100 / GRID.1;
    !(BAND_PERCENT..100 - BAND_PERCENT).contains(&row)
}

#[expect(clippy::cast_precision_loss, reason = "counts of cells")]
fn share(flags: impl Iterator<Item = bool>) -> f32 {
    let (set, all) = flags.fold((0_u32, 0_u32), |(set, all), flag| (set + u32::from(flag), all + 1));
    set as f32 / all.max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A look of even luma with strokes in the given cells.
    fn look(luma: u8, strokes: &[usize]) -> Look {
        let mut bits = vec![0_u8; CELLS.div_ceil(8)];
        for cell in strokes {
            bits[cell / 8] |= 1 << (cell % 8);
        }
        let fine = vec![1.0; super::super::look::TILES];
        Look { width: 1280, height: 720, colour: 9.0, cells: vec![u16::from(luma) * 256; CELLS], fine, strokes: bits }
    }

    fn cell(x: usize, y: usize) -> usize {
        y * GRID.0 + x
    }

    #[test]
    fn text_that_stays_is_left_out_and_what_passes_is_not() {
        let mut overlays = Overlays::default();
        let clock: Vec<usize> = (5..25).map(|x| cell(x, 4)).collect();
        for n in 0..10 {
            let passing = cell(60 + n * 4, 3);
            overlays.note(&look(120, &[clock.as_slice(), &[passing]].concat()));
        }
        assert!(clock.iter().all(|cell| overlays.hides(*cell)) && overlays.hides(cell(10, 5)));
        assert!(!overlays.hides(cell(60, 3)) && !overlays.hides(cell(96, 3)));
        assert!(overlays.share() < 0.01);
    }

    #[test]
    fn the_middle_counts_only_on_a_black_picture() {
        let mut overlays = Overlays::default();
        (0..10).for_each(|_| overlays.note(&look(120, &[cell(80, 45)])));
        assert!(!overlays.hides(cell(80, 45)));
        (0..10).for_each(|_| overlays.note(&look(16, &[cell(80, 45)])));
        assert!(overlays.hides(cell(80, 45)));
    }

    #[test]
    fn a_band_full_of_highlights_is_scene() {
        let mut overlays = Overlays::default();
        let tiles: Vec<usize> = (0..CELLS).filter(|cell| is_in_band(*cell) && cell % 3 != 0).collect();
        (0..10).for_each(|_| overlays.note(&look(150, &tiles)));
        assert!(overlays.share() < f32::EPSILON);
    }
}
