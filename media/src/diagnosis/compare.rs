//! Measures: what a look says by itself, against the looks before it, and against the reference.
//!
//! Everything is measured outside the overlays. Comparisons are made tile by tile and by correlation, so that a change
//! of gain, a veil of steam or lights that go on leave a scene what it is, and a person in front of part of it hides
//! that part only.

use super::look::{CELLS, Look, TILES, cells_of};
use super::overlay::Overlays;
use super::reference::Reference;

/// A tile of the reference with at least this deviation has something to recognise it by, in steps of luma.
const TEXTURED_DEVIATION_MIN: f32 = 4.0;
/// A tile below this deviation is even.
const EVEN_DEVIATION_MAX: f32 = 5.0;
/// A dark tile must be this even before its texture counts as gone: little light leaves little texture.
const DARK_EVEN_DEVIATION_MAX: f32 = 1.5;
const DARK_TILE_LUMA_MAX: f32 = 45.0;
/// Correlation from which a tile shows what the reference shows.
const ALIKE_CORRELATION_MIN: f32 = 0.45;
/// A textured tile keeps less than this share of its deviation when something stands in front of it.
const GONE_DEVIATION_SHARE: f32 = 0.4;
/// Cells of a tile that must not be overlay.
const TILE_CELLS_MIN: usize = 15;
/// Tiles of the reference that must be textured for a comparison to mean anything.
const TEXTURED_TILES_MIN: usize = TILES / 20;

/// What one look says by itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measures {
    /// Mean luma, 0..255.
    pub mean: f32,
    /// Luma that a twentieth of the picture exceeds.
    pub bright: f32,
    /// Standard deviation of luma.
    pub deviation: f32,
    /// The same without the darkest and brightest fiftieth: what there is to see.
    pub detail: f32,
    /// Share of tiles that are even, 0..1.
    pub even_share: f32,
}

/// What a look says against the reference.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Against {
    /// Share of the reference's textured tiles that the look shows too, 0..1.
    pub likeness: f32,
    /// Correlation of the coarse picture, -1..1: survives blur and contrast, not another scene.
    pub coarse_likeness: f32,
    /// Share of the reference's textured tiles in whose place stands an even area, 0..1.
    pub gone_share: f32,
    /// Fine detail against the reference's, corrected for contrast; 1 is as sharp as usual.
    pub sharpness: f32,
    /// Contrast of the coarse picture against the reference's; 1 is as usual.
    pub contrast: f32,
}

/// Measures a look by itself; `None` when overlays leave nothing of it.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts of cells and tiles")]
pub fn measure(look: &Look, overlays: &Overlays) -> Option<Measures> {
    let mut cells: Vec<f32> = (0..CELLS).filter(|cell| !overlays.hides(*cell)).map(|cell| look.luma(cell)).collect();
    if cells.is_empty() {
        return None;
    }
    let (mean, deviation) = mean_and_deviation(&cells);
    cells.sort_unstable_by(f32::total_cmp);
    let trim = cells.len() / 50;
    let (_, detail) = mean_and_deviation(&cells[trim..cells.len() - trim]);
    let bright = cells[(cells.len() * 19 / 20).min(cells.len() - 1)];
    let tiles: Vec<f32> = (0..TILES).filter_map(|tile| Tile::of(&look.cells, overlays, tile)).map(|t| t.deviation).collect();
    let even = tiles.iter().filter(|deviation| **deviation < EVEN_DEVIATION_MAX).count();
    Some(Measures { mean, bright, deviation, detail, even_share: even as f32 / tiles.len().max(1) as f32 })
}

/// What lies between two looks, in steps of luma.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// Half of the cells differ less than this: how much of the picture stays as it is.
    pub median: f32,
    /// Nine of ten cells differ less than this, for cells of 8 x 8 pixels: the noise, where nothing moves. Noise is
    /// averaged over a cell's pixels, so larger cells show less of it; the side of the cell makes up for that.
    pub noise: f32,
}

impl Difference {
    /// Coded from the same picture: half of it is the same to the last bit. A running clock changes what is predicted
    /// from it, so not all of the rest is.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.median < 0.01
    }
}

/// What lies between two looks; `None` between pictures of different sizes, or when overlays leave nothing.
#[must_use]
pub fn difference(look: &Look, before: &Look, overlays: &Overlays) -> Option<Difference> {
    if (look.width, look.height) != (before.width, before.height) {
        return None;
    }
    let mut steps: Vec<u16> =
        (0..CELLS).filter(|cell| !overlays.hides(*cell)).map(|cell| look.cells[cell].abs_diff(before.cells[cell])).collect();
    if steps.is_empty() {
        return None;
    }
    let (middle, most) = (steps.len() / 2, steps.len() * 9 / 10);
    let (below, most, _) = steps.select_nth_unstable(most);
    let most = *most;
    let median = if middle < below.len() { *below.select_nth_unstable(middle).1 } else { most };
    let luma = |step: u16| f32::from(step) / super::look::CELL_SCALE;
    Some(Difference { median: luma(median), noise: luma(most) * look.cell_side_px() / 8.0 })
}

/// Measures a look against a reference; `None` when the reference has too little texture to be recognised.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts of tiles")]
pub fn against(look: &Look, reference: &Reference, overlays: &Overlays) -> Option<Against> {
    let (mut textured, mut alike, mut gone) = (0_usize, 0_usize, 0_usize);
    let (mut coarse_now, mut coarse_known, mut fine) = (Vec::new(), Vec::new(), Vec::new());
    for tile in 0..TILES {
        let (Some(now), Some(known)) = (Tile::of(&look.cells, overlays, tile), Tile::of(&reference.cells, overlays, tile)) else {
            continue;
        };
        coarse_now.push(now.mean);
        coarse_known.push(known.mean);
        if known.deviation < TEXTURED_DEVIATION_MIN {
            continue;
        }
        textured += 1;
        let correlation = now.correlation(&known);
        if correlation >= ALIKE_CORRELATION_MIN {
            alike += 1;
        } else if now.is_even() && now.deviation < GONE_DEVIATION_SHARE * known.deviation {
            gone += 1;
        }
        if reference.fine[tile] > 0.5 {
            fine.push(look.fine[tile] / reference.fine[tile]);
        }
    }
    if textured < TEXTURED_TILES_MIN || fine.is_empty() {
        return None;
    }
    let share = |count: usize| count as f32 / textured as f32;
    let (_, deviation_now) = mean_and_deviation(&coarse_now);
    let (_, deviation_known) = mean_and_deviation(&coarse_known);
    let contrast = deviation_now / deviation_known.max(1.0);
    fine.sort_unstable_by(f32::total_cmp);
    Some(Against {
        likeness: share(alike),
        coarse_likeness: correlation(&coarse_now, &coarse_known),
        gone_share: share(gone),
        sharpness: fine[fine.len() / 2] / contrast.clamp(0.05, 1.5),
        contrast,
    })
}

/// The cells of one tile that are not overlay.
struct Tile {
    cells: Vec<f32>,
    mean: f32,
    deviation: f32,
}

impl Tile {
    fn of(cells: &[u16], overlays: &Overlays, tile: usize) -> Option<Self> {
        let cells: Vec<f32> =
            cells_of(tile).filter(|cell| !overlays.hides(*cell)).map(|cell| f32::from(cells[cell]) / super::look::CELL_SCALE).collect();
        if cells.len() < TILE_CELLS_MIN {
            return None;
        }
        let (mean, deviation) = mean_and_deviation(&cells);
        Some(Self { cells, mean, deviation })
    }

    fn is_even(&self) -> bool {
        let limit = if self.mean < DARK_TILE_LUMA_MAX { DARK_EVEN_DEVIATION_MAX } else { EVEN_DEVIATION_MAX };
        self.deviation < limit
    }

    fn correlation(&self, other: &Self) -> f32 {
        correlation(&self.cells, &other.cells)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of cells")]
fn mean_and_deviation(values: &[f32]) -> (f32, f32) {
    let count = values.len().max(1) as f32;
    let mean = values.iter().sum::<f32>() / count;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / count;
    (mean, variance.sqrt())
}

/// Pearson's correlation; 0 where one side is flat.
fn correlation(a: &[f32], b: &[f32]) -> f32 {
    let ((mean_a, deviation_a), (mean_b, deviation_b)) = (mean_and_deviation(a), mean_and_deviation(b));
    // A quarter of a step is what coding leaves of an even area.
    if deviation_a < 0.25 || deviation_b < 0.25 {
        return 0.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of cells")]
    let count = a.len().max(1) as f32;
    let covariance = a.iter().zip(b).map(|(a, b)| (a - mean_a) * (b - mean_b)).sum::<f32>() / count;
    covariance / (deviation_a * deviation_b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::look::{GRID, Planes};

    const WIDTH: usize = 640;
    const HEIGHT: usize = 360;

    fn picture(pixel: impl Fn(usize, usize) -> f32) -> Look {
        let luma: Vec<u8> = (0..WIDTH * HEIGHT)
            .map(|n| {
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
                let byte = pixel(n % WIDTH, n / WIDTH).clamp(0.0, 255.0) as u8;
                byte
            })
            .collect();
        Look::measure(Planes { width: WIDTH, height: HEIGHT, luma: &luma, luma_stride: WIDTH, colour: 5.0 }).expect("whole")
    }

    /// Blocks of pseudo-random luma, about 12 pixels wide, as a scene with edges.
    fn scene(x: usize, y: usize) -> f32 {
        let hash = (x / 12).wrapping_mul(0x9e37).wrapping_add((y / 12).wrapping_mul(0x85eb)) ^ 0x5bd1;
        let value = (hash.wrapping_mul(hash) >> 7) as u8 as f32;
        30.0 + value * 0.75
    }

    fn reference() -> Reference {
        let look = picture(scene);
        Reference { cells: look.cells, fine: look.fine }
    }

    fn compared(pixel: impl Fn(usize, usize) -> f32) -> Against {
        against(&picture(pixel), &reference(), &Overlays::default()).expect("textured")
    }

    #[test]
    fn the_scene_is_like_itself_under_gain_and_steam() {
        for (name, pixel) in [
            ("itself", Box::new(scene) as Box<dyn Fn(usize, usize) -> f32>),
            ("less gain", Box::new(|x, y| scene(x, y) * 0.6)),
            ("steam", Box::new(|x, y| scene(x, y) * 0.4 + 120.0)),
        ] {
            let against = compared(pixel);
            assert!(against.likeness > 0.95 && against.gone_share < 0.02, "{name}: {against:?}");
            assert!(against.coarse_likeness > 0.95 && (0.8..1.25).contains(&against.sharpness), "{name}: {against:?}");
        }
    }

    #[test]
    fn another_view_is_not_like_it_but_as_sharp() {
        let against = compared(|x, y| scene(x + 200, y + 77));
        assert!(against.likeness < 0.25 && against.gone_share < 0.2 && against.coarse_likeness < 0.4, "{against:?}");
        assert!(against.sharpness > 0.7, "{against:?}");
    }

    #[test]
    fn what_stands_in_front_is_gone_and_the_rest_is_not() {
        let against = compared(|x, y| if x < WIDTH * 3 / 4 { 110.0 } else { scene(x, y) });
        assert!((0.65..0.8).contains(&against.gone_share) && (0.2..0.3).contains(&against.likeness), "{against:?}");
    }

    #[test]
    fn blur_keeps_the_coarse_picture_and_takes_the_fine_detail() {
        let blurred = |x: usize, y: usize| {
            let taps = (0..9).flat_map(|i| (0..9).map(move |j| (i, j)));
            let near = |at: usize, tap: usize, end: usize| (at + tap).saturating_sub(4).min(end - 1);
            taps.map(|(i, j)| scene(near(x, i, WIDTH), near(y, j, HEIGHT))).sum::<f32>() / 81.0
        };
        let against = compared(blurred);
        assert!(against.sharpness < 0.5 && against.coarse_likeness > 0.6, "{against:?}");
    }

    #[test]
    fn noise_is_what_nine_of_ten_cells_stay_under() {
        let (quiet, overlays) = (picture(scene), Overlays::default());
        let noise = |a: &Look, b: &Look| difference(a, b, &overlays).expect("one size");
        assert!(noise(&quiet, &quiet).is_none() && noise(&quiet, &quiet).noise == 0.0);
        let clock = picture(|x, y| if x < 60 && y < 12 { 200.0 } else { scene(x, y) });
        assert!(noise(&clock, &quiet).is_none() && noise(&clock, &quiet).noise == 0.0, "a running clock is not noise");
        let noisy = picture(|x, y| scene(x, y) + f32::from(u8::from((x * 31 + y * 17) % 5 == 0)) * 4.0);
        assert!(!noise(&noisy, &quiet).is_none() && noise(&noisy, &quiet).noise > 0.3);
    }

    #[test]
    fn a_picture_by_itself() {
        let measures = measure(&picture(|_, _| 200.0), &Overlays::default()).expect("cells");
        assert!((measures.mean - 200.0).abs() < 0.1 && measures.deviation < 0.1 && measures.even_share > 0.99);
        let measures = measure(&picture(|x, _| if x < 6 { 255.0 } else { 20.0 }), &Overlays::default()).expect("cells");
        assert!(measures.detail < 0.1 && measures.deviation > 10.0, "a lamp is not detail: {measures:?}");
        assert_eq!(GRID.0 * GRID.1, CELLS);
    }
}
