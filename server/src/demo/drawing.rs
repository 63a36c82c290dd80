//! Pictures for the demo's past: what an officer's phone would have taken, and what people draw on glass to sign.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, GrayImage, ImageFormat, Luma};

/// Share of a still that a photo shows, and its quality.
const PHOTO_SHARE: f64 = 0.72;
const PHOTO_QUALITY: u8 = 82;
/// The glass, pixels.
const GLASS: (u32, u32) = (720, 240);
/// Radius of the pen, pixels, and its way over the glass a character.
const PEN: f32 = 3.2;
const ADVANCE: f32 = 150.0;

/// A photo of what a camera shows: part `number` of its still, each time another corner.
pub(super) fn photo(still: &[u8], number: usize) -> Result<Vec<u8>, image::ImageError> {
    let still = image::load_from_memory_with_format(still, ImageFormat::Jpeg)?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a picture's size")]
    let part = |length: u32| ((f64::from(length) * PHOTO_SHARE) as u32).max(1);
    let (width, height) = (part(still.width()), part(still.height()));
    let (right, down) = (still.width() - width, still.height() - height);
    let (left, top) = [(0, down), (right, down), (right / 2, down / 2), (right, down / 2), (0, down / 2)][number % 5];
    let photo = still.crop_imm(left, top, width, height);
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, PHOTO_QUALITY).encode_image(&photo.to_rgb8())?;
    Ok(bytes)
}

/// A signature: strokes that run on from character to character, the same for the same name, dark on white.
pub(super) fn signature(name: &str) -> Result<Vec<u8>, image::ImageError> {
    let mut glass = GrayImage::from_pixel(GLASS.0, GLASS.1, Luma([255]));
    for (place, character) in (0_u16..).zip(name.chars().filter(|character| !character.is_whitespace()).take(4)) {
        let mut state = u64::from(u32::from(character)).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut share = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            f32::from(u16::try_from(state >> 48).unwrap_or(0)) / f32::from(u16::MAX)
        };
        let left = 50.0 + ADVANCE * f32::from(place);
        let mut pen = (left + 20.0 * share(), 60.0 + 60.0 * share());
        // Short strokes down and across, each begun near where the last ended, as running script has them.
        for _ in 0..6 {
            let bend = (left + 120.0 * share(), 40.0 + 160.0 * share());
            let end = (left + 20.0 + 110.0 * share(), 50.0 + 140.0 * share());
            stroke(&mut glass, pen, bend, end);
            pen = (end.0 + 10.0 * (share() - 0.5), end.1 - 14.0 * share());
        }
    }
    let mut bytes = Vec::new();
    DynamicImage::ImageLuma8(glass).write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png)?;
    Ok(bytes)
}

/// A curve from point to point, drawn with a pen that is pressed less towards its end.
fn stroke(glass: &mut GrayImage, from: (f32, f32), bend: (f32, f32), to: (f32, f32)) {
    for step in 0..=200_u8 {
        let t = f32::from(step) / 200.0;
        let at = |a: f32, b: f32, c: f32| (1.0 - t) * (1.0 - t) * a + 2.0 * (1.0 - t) * t * b + t * t * c;
        dot(glass, at(from.0, bend.0, to.0), at(from.1, bend.1, to.1), PEN * (1.0 - 0.55 * t));
    }
}

/// A round dot with a soft edge.
fn dot(glass: &mut GrayImage, x: f32, y: f32, radius: f32) {
    let reach = radius.ceil() + 1.0;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the glass")]
    let span = |middle: f32, length: u32| ((middle - reach).max(0.0) as u32, ((middle + reach).max(0.0) as u32).min(length - 1));
    let ((left, right), (top, bottom)) = (span(x, GLASS.0), span(y, GLASS.1));
    for row in top..=bottom {
        for column in left..=right {
            #[expect(clippy::cast_precision_loss, reason = "below a thousand")]
            let distance = (column as f32 - x).hypot(row as f32 - y);
            let ink = (radius + 0.5 - distance).clamp(0.0, 1.0);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 16 and 255")]
            let shade = (255.0 - ink * 239.0) as u8;
            let pixel = glass.get_pixel_mut(column, row);
            pixel.0[0] = pixel.0[0].min(shade);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_drawn_and_each_name_has_its_own() {
        let drawn = signature("李明").unwrap();
        assert_eq!(drawn, signature("李 明").unwrap());
        assert_ne!(drawn, signature("王芳").unwrap());
        let glass = image::load_from_memory(&drawn).unwrap().to_luma8();
        let ink = glass.pixels().filter(|pixel| pixel.0[0] < 100).count();
        assert!((1_000..40_000).contains(&ink), "{ink} dark pixels of {}", glass.len());
        signature("").unwrap();
    }

    #[test]
    fn photos_of_one_still_show_different_parts_of_it() {
        let still = image::RgbImage::from_fn(640, 360, |x, y| image::Rgb([(x / 3) as u8, (y / 2) as u8, 90]));
        let mut jpeg = Vec::new();
        JpegEncoder::new_with_quality(&mut jpeg, 90).encode_image(&still).unwrap();
        let photos: Vec<_> = (0..5).map(|number| photo(&jpeg, number).unwrap()).collect();
        for (number, one) in photos.iter().enumerate() {
            assert!(photos[..number].iter().all(|other| other != one), "{number} repeats");
            assert_eq!(image::load_from_memory(one).unwrap().width(), 460);
        }
        assert!(photo(b"no picture", 0).is_err());
    }
}
