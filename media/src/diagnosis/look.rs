//! What one decoded picture says: a reduced luma picture and a few figures, the same for every camera's size.
//!
//! The picture is divided into [`CELLS`] cells and, coarser, [`TILES`] tiles. Cell means keep eight bits behind the
//! point: sensor noise, averaged over a cell's pixels, is far below one step of luma, and telling a still scene from a
//! frozen one rests on exactly that noise (two coded key frames of a frozen picture have equal cells; measured at
//! 720p over x264's rate controls, 99.8 % of cells against under 20 % with the weakest noise).

/// Cells across and down: 8 x 8 pixels each at 720p, 12 x 12 at 1080p.
pub const GRID: (usize, usize) = (160, 90);
/// Cells of a look.
pub const CELLS: usize = GRID.0 * GRID.1;
/// Cells along each side of a tile.
pub const TILE: usize = 5;
/// Tiles across and down.
pub const TILE_GRID: (usize, usize) = (GRID.0 / TILE, GRID.1 / TILE);
/// Tiles of a look.
pub const TILES: usize = TILE_GRID.0 * TILE_GRID.1;
/// Steps of a cell's mean to one step of luma.
pub const CELL_SCALE: f32 = 256.0;
/// A look as bytes.
pub const LOOK_BYTES: usize = 8 + 4 + CELLS * 2 + TILES * 4 + CELLS.div_ceil(8);

/// A cell with text burnt into it has pixels this bright ...
const STROKE_LUMA_MIN: u8 = 190;
/// ... and others at least this much darker.
const STROKE_RANGE_MIN: u8 = 70;

/// Eight-bit planes of a decoded picture. Rows lie `stride` apart.
#[derive(Debug, Clone, Copy)]
pub struct Planes<'a> {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// Luma.
    pub luma: &'a [u8],
    /// Bytes between rows of luma.
    pub luma_stride: usize,
    /// Mean distance of chroma from grey, in steps; 0 for a picture without colour.
    pub colour: f32,
}

/// The planes do not hold the picture they claim to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the picture is smaller than its planes claim")]
pub struct BadPlanes;

/// What one picture says.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// Width of the picture in pixels.
    pub width: u32,
    /// Height of the picture in pixels.
    pub height: u32,
    /// Mean distance of chroma from grey, in steps.
    pub colour: f32,
    /// Mean luma a cell, in 1/256 steps of luma.
    pub cells: Vec<u16>,
    /// Root mean square of the difference between neighbouring pixels a tile, in steps of luma: the finest detail. Squared,
    /// because blur spreads an edge without taking any of its height.
    pub fine: Vec<f32>,
    /// A bit a cell: it holds bright strokes as burnt-in text has them.
    pub strokes: Vec<u8>,
}

impl Look {
    /// Measures a picture.
    ///
    /// # Errors
    /// [`BadPlanes`] when the plane is too short for its size, or the size is zero.
    pub fn measure(planes: Planes<'_>) -> Result<Self, BadPlanes> {
        let Planes { width, height, luma, luma_stride, colour } = planes;
        if width == 0 || height == 0 || luma_stride < width || luma.len() < luma_stride * (height - 1) + width {
            return Err(BadPlanes);
        }
        let mut cells = Vec::with_capacity(CELLS);
        let mut strokes = vec![0_u8; CELLS.div_ceil(8)];
        let columns: Vec<(usize, usize)> = (0..GRID.0).map(|x| span(x, GRID.0, width)).collect();
        for cell_y in 0..GRID.1 {
            let (top, bottom) = span(cell_y, GRID.1, height);
            for (cell_x, &(left, right)) in columns.iter().enumerate() {
                let cell = Cell::of(luma, luma_stride, (left, right), (top, bottom));
                if cell.brightest >= STROKE_LUMA_MIN && cell.brightest - cell.darkest >= STROKE_RANGE_MIN {
                    let index = cell_y * GRID.0 + cell_x;
                    strokes[index / 8] |= 1 << (index % 8);
                }
                cells.push(cell.mean);
            }
        }
        let fine = (0..TILES).map(|tile| fine_detail(luma, luma_stride, tile, width, height)).collect();
        let size = |pixels: usize| u32::try_from(pixels).unwrap_or(u32::MAX);
        Ok(Self { width: size(width), height: size(height), colour, cells, fine, strokes })
    }

    /// Whether the cell holds bright strokes.
    #[must_use]
    pub fn has_strokes(&self, cell: usize) -> bool {
        self.strokes.get(cell / 8).is_some_and(|byte| byte & (1 << (cell % 8)) != 0)
    }

    /// Mean luma of a cell, in steps.
    #[must_use]
    pub fn luma(&self, cell: usize) -> f32 {
        self.cells.get(cell).map_or(0.0, |mean| f32::from(*mean) / CELL_SCALE)
    }

    /// Side of a cell in pixels, the mean of both directions.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "picture sizes are far below 2^23")]
    pub fn cell_side_px(&self) -> f32 {
        let area = self.width as f32 * self.height as f32 / CELLS as f32;
        area.sqrt().max(1.0)
    }

    /// The look as [`LOOK_BYTES`] bytes, for the way between the processes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(LOOK_BYTES);
        bytes.extend_from_slice(&self.width.to_le_bytes());
        bytes.extend_from_slice(&self.height.to_le_bytes());
        bytes.extend_from_slice(&self.colour.to_le_bytes());
        self.cells.iter().for_each(|cell| bytes.extend_from_slice(&cell.to_le_bytes()));
        self.fine.iter().for_each(|fine| bytes.extend_from_slice(&fine.to_le_bytes()));
        bytes.extend_from_slice(&self.strokes);
        bytes
    }

    /// A look from [`Look::to_bytes`]; `None` when the length or a figure is wrong.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != LOOK_BYTES {
            return None;
        }
        let (width, rest) = bytes.split_first_chunk::<4>()?;
        let (height, rest) = rest.split_first_chunk::<4>()?;
        let (colour, rest) = rest.split_first_chunk::<4>()?;
        let (cells, rest) = rest.split_at_checked(CELLS * 2)?;
        let (fine, strokes) = rest.split_at_checked(TILES * 4)?;
        let look = Self {
            width: u32::from_le_bytes(*width),
            height: u32::from_le_bytes(*height),
            colour: f32::from_le_bytes(*colour),
            cells: cells.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect(),
            fine: fine.as_chunks::<4>().0.iter().map(|four| f32::from_le_bytes(*four)).collect(),
            strokes: strokes.to_vec(),
        };
        let finite = look.colour.is_finite() && look.fine.iter().all(|fine| fine.is_finite());
        (finite && look.width > 0 && look.height > 0).then_some(look)
    }
}

/// The tile that holds a cell.
#[must_use]
pub fn tile_of(cell: usize) -> usize {
    (cell / GRID.0 / TILE) * TILE_GRID.0 + (cell % GRID.0) / TILE
}

/// Cells of a tile, row by row.
pub fn cells_of(tile: usize) -> impl Iterator<Item = usize> {
    let (left, top) = (tile % TILE_GRID.0 * TILE, tile / TILE_GRID.0 * TILE);
    (0..TILE * TILE).map(move |n| (top + n / TILE) * GRID.0 + left + n % TILE)
}

struct Cell {
    mean: u16,
    darkest: u8,
    brightest: u8,
}

impl Cell {
    fn of(luma: &[u8], stride: usize, (left, right): (usize, usize), (top, bottom): (usize, usize)) -> Self {
        let (mut sum, mut darkest, mut brightest) = (0_u64, u8::MAX, u8::MIN);
        for y in top..bottom {
            for &pixel in &luma[y * stride + left..y * stride + right] {
                sum += u64::from(pixel);
                darkest = darkest.min(pixel);
                brightest = brightest.max(pixel);
            }
        }
        let count = ((right - left) * (bottom - top)) as u64;
        let mean = u16::try_from((sum * 256 + count / 2) / count).unwrap_or(u16::MAX);
        Self { mean, darkest, brightest }
    }
}

/// Pixels of part `index` of `parts`; at least one, so that small pictures fill the grid too.
fn span(index: usize, parts: usize, length: usize) -> (usize, usize) {
    let start = (index * length / parts).min(length - 1);
    (start, ((index + 1) * length / parts).clamp(start + 1, length))
}

/// Root mean square of the difference between neighbouring pixels, across and down, of every second row.
#[expect(clippy::cast_precision_loss, reason = "sums over one tile of a picture stay below 2^23")]
fn fine_detail(luma: &[u8], stride: usize, tile: usize, width: usize, height: usize) -> f32 {
    let (left, right) = span(tile % TILE_GRID.0, TILE_GRID.0, width);
    let (top, bottom) = span(tile / TILE_GRID.0, TILE_GRID.1, height);
    let (mut sum, mut count) = (0_u64, 0_u64);
    for y in (top..bottom.min(height - 1)).step_by(2) {
        let row = &luma[y * stride + left..y * stride + right];
        let below = &luma[(y + 1) * stride + left..(y + 1) * stride + right];
        for (pair, under) in row.windows(2).zip(below) {
            let (across, down) = (u64::from(pair[0].abs_diff(pair[1])), u64::from(pair[0].abs_diff(*under)));
            sum += across * across + down * down;
            count += 2;
        }
    }
    (sum as f32 / count.max(1) as f32).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look_of(width: usize, height: usize, pixel: impl Fn(usize, usize) -> u8) -> Look {
        let luma: Vec<u8> = (0..width * height).map(|n| pixel(n % width, n / width)).collect();
        Look::measure(Planes { width, height, luma: &luma, luma_stride: width, colour: 0.0 }).expect("whole planes")
    }

    #[test]
    fn an_even_picture_has_its_luma_everywhere_and_no_detail() {
        let look = look_of(1280, 720, |_, _| 77);
        assert!(look.cells.iter().all(|cell| *cell == 77 * 256));
        assert!(look.fine.iter().all(|fine| *fine == 0.0));
        assert!(look.strokes.iter().all(|byte| *byte == 0));
        assert!((look.cell_side_px() - 8.0).abs() < 0.01);
    }

    #[test]
    fn a_change_of_one_pixel_by_one_step_shows_in_its_cell_alone() {
        let before = look_of(1920, 1080, |_, _| 77);
        let after = look_of(1920, 1080, |x, y| if (x, y) == (100, 50) { 78 } else { 77 });
        let changed: Vec<usize> = (0..CELLS).filter(|cell| before.cells[*cell] != after.cells[*cell]).collect();
        assert_eq!(changed, [(50 / 12) * GRID.0 + 100 / 12]);
    }

    #[test]
    fn one_pixel_stripes_are_the_finest_detail() {
        let look = look_of(640, 360, |x, _| if x % 2 == 0 { 50 } else { 150 });
        assert!(look.fine.iter().all(|fine| (*fine - 70.71).abs() < 0.01), "100 across, 0 down");
    }

    #[test]
    fn white_text_has_strokes() {
        let look = look_of(1280, 720, |x, y| if x < 80 && y < 16 && x % 4 == 0 { 235 } else { 60 });
        let cells: Vec<usize> = (0..CELLS).filter(|cell| look.has_strokes(*cell)).collect();
        assert_eq!(cells.len(), 20, "ten cells across, two down");
    }

    #[test]
    fn pictures_of_any_size_fill_the_grid_and_short_planes_are_refused() {
        for (width, height) in [(1, 1), (16, 16), (161, 91), (352, 288), (4000, 3000)] {
            assert_eq!(look_of(width, height, |_, _| 9).cells.len(), CELLS, "{width}x{height}");
        }
        let short = Planes { width: 64, height: 64, luma: &[0; 64 * 63], luma_stride: 64, colour: 0.0 };
        assert_eq!(Look::measure(short), Err(BadPlanes));
    }

    #[test]
    fn a_look_survives_the_way_between_processes() {
        let look = look_of(320, 240, |x, y| u8::try_from((x * 7 + y * 13) % 256).expect("a byte"));
        let bytes = look.to_bytes();
        assert_eq!(Look::from_bytes(&bytes), Some(look));
        assert_eq!(Look::from_bytes(&bytes[1..]), None);
    }

    #[test]
    fn every_cell_lies_in_the_tile_that_lists_it() {
        for tile in 0..TILES {
            assert!(cells_of(tile).all(|cell| tile_of(cell) == tile));
        }
    }
}
