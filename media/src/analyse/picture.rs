//! What is made of a decoded picture: a look for the diagnosis, a JPEG for people.

use gstreamer as gst;
use gstreamer_video as gst_video;
use gstreamer_video::prelude::*;
use image::codecs::jpeg::JpegEncoder;

use super::decoder::Picture;
use crate::diagnosis::look::{Look, Planes};

/// Quality of JPEGs, 1..=100.
const JPEG_QUALITY: u8 = 82;

/// The picture cannot be read: an unknown pixel format, or planes that do not fit.
#[derive(Debug, thiserror::Error)]
#[error("the decoded picture cannot be read: {0}")]
pub(super) struct Unreadable(String);

impl Unreadable {
    fn because(error: impl ToString) -> Self {
        Self(error.to_string())
    }
}

/// Measures the picture.
///
/// # Errors
/// [`Unreadable`] for formats without a luma plane.
pub(super) fn look(picture: &Picture) -> Result<Look, Unreadable> {
    let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(&picture.buffer, &picture.info).map_err(Unreadable::because)?;
    if !frame.format_info().is_yuv() && !frame.format_info().is_gray() {
        return Err(Unreadable("no luma plane".to_owned()));
    }
    let (width, height) = (picture.info.width() as usize, picture.info.height() as usize);
    let luma = frame.comp_data(0).map_err(Unreadable::because)?;
    let stride = usize::try_from(frame.comp_stride(0)).map_err(Unreadable::because)?;
    let (pixel_bytes, depth) = (frame.comp_pstride(0), frame.comp_depth(0));
    let packed: Vec<u8>;
    let (luma, luma_stride) = if pixel_bytes == 1 && depth == 8 {
        (luma, stride)
    } else {
        packed = eight_bits(luma, stride, (width, height), pixel_bytes, depth)?;
        (packed.as_slice(), width)
    };
    Look::measure(Planes { width, height, luma, luma_stride, colour: colour(&frame) }).map_err(Unreadable::because)
}

/// The picture as JPEG, no wider than `width_max`, and its size.
///
/// # Errors
/// [`Unreadable`] when it cannot be converted.
pub(super) fn jpeg(picture: &Picture, width_max: u32) -> Result<(Vec<u8>, u32, u32), Unreadable> {
    let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(&picture.buffer, &picture.info).map_err(Unreadable::because)?;
    let (width, height) = fit((picture.info.width(), picture.info.height()), width_max);
    let info = gst_video::VideoInfo::builder(gst_video::VideoFormat::Rgb, width, height)
        .fps(picture.info.fps())
        .interlace_mode(picture.info.interlace_mode())
        .build()
        .map_err(Unreadable::because)?;
    let converter = gst_video::VideoConverter::new(&picture.info, &info, None).map_err(Unreadable::because)?;
    let mut target = gst::Buffer::with_size(info.size()).map_err(Unreadable::because)?;
    let target = target.get_mut().ok_or_else(|| Unreadable("a new buffer is shared".to_owned()))?;
    let mut rgb = gst_video::VideoFrameRef::from_buffer_ref_writable(target, &info).map_err(Unreadable::because)?;
    converter.frame_ref(&frame, &mut rgb);
    let row_bytes = width as usize * 3;
    let stride = usize::try_from(info.stride()[0]).map_err(Unreadable::because)?;
    let plane = rgb.plane_data(0).map_err(Unreadable::because)?;
    let pixels: Vec<u8> = plane.chunks(stride).take(height as usize).flat_map(|row| &row[..row_bytes]).copied().collect();
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, JPEG_QUALITY)
        .encode(&pixels, width, height, image::ExtendedColorType::Rgb8)
        .map_err(Unreadable::because)?;
    Ok((jpeg, width, height))
}

/// `size` made no wider than `width_max`, in proportion, both even and at least 2.
fn fit((width, height): (u32, u32), width_max: u32) -> (u32, u32) {
    if width <= width_max {
        return (width, height);
    }
    let height = u64::from(height) * u64::from(width_max) / u64::from(width.max(1));
    let even = |length: u64| u32::try_from(length & !1).unwrap_or(2).max(2);
    (even(width_max.into()), even(height))
}

/// A component of more than eight bits, or not packed tightly, as bytes.
fn eight_bits(data: &[u8], stride: usize, (width, height): (usize, usize), pixel_bytes: i32, depth: u32) -> Result<Vec<u8>, Unreadable> {
    let step = usize::try_from(pixel_bytes).map_err(Unreadable::because)?;
    let shift = depth.saturating_sub(8);
    let value = |pixel: &[u8]| match (depth, pixel) {
        (..=8, [byte, ..]) => *byte,
        (_, [low, high, ..]) => u8::try_from(u16::from_le_bytes([*low, *high]) >> shift).unwrap_or(u8::MAX),
        _ => 0,
    };
    let mut bytes = Vec::with_capacity(width * height);
    for row in data.chunks(stride).take(height) {
        bytes.extend(row.chunks(step).take(width).map(value));
    }
    if bytes.len() == width * height { Ok(bytes) } else { Err(Unreadable("the luma plane is short".to_owned())) }
}

/// Mean distance of chroma from grey in eight-bit steps, over every fourth pixel; 0 without chroma.
#[expect(clippy::cast_precision_loss, reason = "a sum of bytes over a picture is within a double")]
fn colour(frame: &gst_video::VideoFrameRef<&gst::BufferRef>) -> f32 {
    if !frame.format_info().is_yuv() || frame.n_components() < 3 {
        return 0.0;
    }
    let (mut sum, mut count) = (0_u64, 0_u64);
    for component in [1, 2] {
        let (Ok(data), Ok(stride), Ok(step)) =
            (frame.comp_data(component), usize::try_from(frame.comp_stride(component)), usize::try_from(frame.comp_pstride(component)))
        else {
            return 0.0;
        };
        let depth = frame.comp_depth(component);
        for row in data.chunks(stride.max(1)).take(frame.comp_height(component) as usize).step_by(4) {
            for pixel in row.chunks(step.max(1)).take(frame.comp_width(component) as usize).step_by(4) {
                let value = match (depth, pixel) {
                    (..=8, [byte, ..]) => u16::from(*byte),
                    (_, [low, high, ..]) => u16::from_le_bytes([*low, *high]) >> (depth - 8),
                    _ => 128,
                };
                sum += u64::from(value.abs_diff(128));
                count += 1;
            }
        }
    }
    (sum as f64 / count.max(1) as f64) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stills_keep_their_shape() {
        assert_eq!(fit((1920, 1080), 640), (640, 360));
        assert_eq!(fit((640, 360), 640), (640, 360));
        assert_eq!(fit((4000, 3), 100), (100, 2));
    }

    #[test]
    fn ten_bit_luma_loses_its_two_lowest_bits() {
        let data = [0x00, 0x00, 0xff, 0x03, 0x00, 0x02, 0, 0];
        assert_eq!(eight_bits(&data, 8, (3, 1), 2, 10).expect("whole"), [0, 255, 128]);
        assert!(eight_bits(&data, 8, (3, 2), 2, 10).is_err());
    }
}
