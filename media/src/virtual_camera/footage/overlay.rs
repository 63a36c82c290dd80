//! The burnt-in clock and name that nearly every camera has.
//!
//! The clock of footage that is encoded beforehand cannot tell the time of day, so it does not pretend to: it says
//! `LOOP` and counts the seconds of the loop. It runs on in black, frozen and covered pictures, as the overlay of a real
//! camera does, because an overlay is drawn behind the sensor.

use super::raster::Raster;

/// Glyphs of five columns and seven rows, one byte a row, the lowest five bits from left to right.
const GLYPHS: [(char, [u8; 7]); 42] = [
    ('0', [14, 17, 19, 21, 25, 17, 14]),
    ('1', [4, 12, 4, 4, 4, 4, 14]),
    ('2', [14, 17, 1, 2, 4, 8, 31]),
    ('3', [31, 2, 4, 2, 1, 17, 14]),
    ('4', [2, 6, 10, 18, 31, 2, 2]),
    ('5', [31, 16, 30, 1, 1, 17, 14]),
    ('6', [6, 8, 16, 30, 17, 17, 14]),
    ('7', [31, 1, 2, 4, 8, 8, 8]),
    ('8', [14, 17, 17, 14, 17, 17, 14]),
    ('9', [14, 17, 17, 15, 1, 2, 12]),
    ('A', [14, 17, 17, 31, 17, 17, 17]),
    ('B', [30, 17, 17, 30, 17, 17, 30]),
    ('C', [14, 17, 16, 16, 16, 17, 14]),
    ('D', [28, 18, 17, 17, 17, 18, 28]),
    ('E', [31, 16, 16, 30, 16, 16, 31]),
    ('F', [31, 16, 16, 30, 16, 16, 16]),
    ('G', [14, 17, 16, 23, 17, 17, 15]),
    ('H', [17, 17, 17, 31, 17, 17, 17]),
    ('I', [14, 4, 4, 4, 4, 4, 14]),
    ('J', [7, 2, 2, 2, 2, 18, 12]),
    ('K', [17, 18, 20, 24, 20, 18, 17]),
    ('L', [16, 16, 16, 16, 16, 16, 31]),
    ('M', [17, 27, 21, 21, 17, 17, 17]),
    ('N', [17, 17, 25, 21, 19, 17, 17]),
    ('O', [14, 17, 17, 17, 17, 17, 14]),
    ('P', [30, 17, 17, 30, 16, 16, 16]),
    ('Q', [14, 17, 17, 17, 21, 18, 13]),
    ('R', [30, 17, 17, 30, 20, 18, 17]),
    ('S', [15, 16, 16, 14, 1, 1, 30]),
    ('T', [31, 4, 4, 4, 4, 4, 4]),
    ('U', [17, 17, 17, 17, 17, 17, 14]),
    ('V', [17, 17, 17, 17, 17, 10, 4]),
    ('W', [17, 17, 17, 21, 21, 21, 10]),
    ('X', [17, 17, 10, 4, 10, 17, 17]),
    ('Y', [17, 17, 17, 10, 4, 4, 4]),
    ('Z', [31, 1, 2, 4, 8, 16, 31]),
    (':', [0, 12, 12, 0, 12, 12, 0]),
    ('-', [0, 0, 0, 31, 0, 0, 0]),
    ('.', [0, 0, 0, 0, 0, 12, 12]),
    ('/', [0, 1, 2, 4, 8, 16, 0]),
    ('#', [10, 10, 31, 10, 31, 10, 10]),
    ('_', [0, 0, 0, 0, 0, 0, 31]),
];

/// Columns from one glyph to the next.
const ADVANCE: usize = 6;

/// Draws clock and name; `second` is the second of the loop.
pub(super) fn draw(picture: &mut Raster, name: &str, second: u64) {
    let scale = (picture.height / 180).max(1);
    let clock = format!("LOOP {:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60);
    draw_text(picture, &clock, 4 * scale, 4 * scale, scale);
    let name: String = name.chars().take(picture.width / (ADVANCE * scale)).collect();
    let width = name.chars().count() * ADVANCE * scale;
    let left = picture.width.saturating_sub(width + 4 * scale);
    let top = picture.height.saturating_sub(12 * scale);
    draw_text(picture, &name, left, top, scale);
}

/// White letters on a dark edge, as cameras draw them to be read on any ground.
fn draw_text(picture: &mut Raster, text: &str, left: usize, top: usize, scale: usize) {
    for (pass_grow, luma) in [(scale.div_ceil(2), 16u8), (0, 235)] {
        for (place, letter) in text.chars().enumerate() {
            let Some((_, rows)) = GLYPHS.iter().find(|(glyph, _)| *glyph == letter.to_ascii_uppercase()) else { continue };
            for (row, bits) in rows.iter().enumerate() {
                for column in (0..5).filter(|column| bits & (16 >> column) != 0) {
                    let x = left + (place * ADVANCE + column) * scale;
                    fill(picture, x, top + row * scale, scale, pass_grow, luma);
                }
            }
        }
    }
}

/// A square of `size` pixels grown by `grow` on each side, cut at the picture's edge.
fn fill(picture: &mut Raster, x: usize, y: usize, size: usize, grow: usize, luma: u8) {
    let (width, height) = (picture.width, picture.height);
    let columns = x.saturating_sub(grow)..(x + size + grow).min(width);
    for line in y.saturating_sub(grow)..(y + size + grow).min(height) {
        if columns.start < columns.end {
            picture.luma()[line * width + columns.start..line * width + columns.end].fill(luma);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blank() -> Raster {
        let mut picture = Raster::new(704, 576, vec![0; 704 * 576 * 3 / 2]).expect("size");
        picture.fill(90);
        picture
    }

    #[test]
    fn the_clock_moves_and_the_name_stays() {
        let (mut first, mut second) = (blank(), blank());
        draw(&mut first, "KITCHEN 01", 1);
        draw(&mut second, "KITCHEN 01", 2);
        let differ: Vec<usize> = (0..704 * 576).filter(|&i| first.luma()[i] != second.luma()[i]).map(|i| i / 704).collect();
        assert!(!differ.is_empty());
        assert!(differ.iter().all(|&line| line < 60), "only the clock at the top differs");
        assert!(first.luma()[500 * 704..].contains(&235), "the name is at the bottom");
    }

    #[test]
    fn a_name_longer_than_the_picture_is_cut() {
        draw(&mut blank(), &"LONG NAME ".repeat(100), 0);
    }
}
