//! From the source film to an encoded loop: decode and crop in GStreamer, spoil and stamp here, encode in GStreamer.

use std::path::Path;

use bytes::Bytes;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::{AppSink, AppSrc};

use super::raster::{Noise, Raster};
use super::scene::{Effect, Light, Recipe, Scene};
use super::{Footage, FootageError, Frame, cache, is_picture, overlay};
use crate::camera::Codec;

/// The source is played at this many pictures a second, a little faster than it was filmed.
const SOURCE_FPS: f64 = 12.5;

/// The end of a loop dissolves into what came before its beginning, over this many source pictures.
const DISSOLVE_PICTURES: usize = 12;

/// A picture that does not come within this time never will.
const PICTURE_TIMEOUT: gst::ClockTime = gst::ClockTime::from_seconds(30);

/// Refuses what the pictures or the encoders cannot do.
pub(super) fn check(scene: &Scene) -> Result<(), FootageError> {
    let refuse = |why| Err(FootageError::Scene(why));
    if !scene.width.is_multiple_of(8)
        || !scene.height.is_multiple_of(2)
        || !(64..=3840).contains(&scene.width)
        || !(64..=2160).contains(&scene.height)
    {
        return refuse("the width is a multiple of 8, the height of 2, both from 64 to 3840x2160");
    }
    if scene.rate.num == 0 || scene.rate.den == 0 || !(1.0..=60.0).contains(&scene.rate.fps()) {
        return refuse("the frame rate is from 1 to 60");
    }
    if scene.b_frames > 0 && scene.codec == Codec::H265 {
        return refuse("B frames are for H.264 only");
    }
    if scene.loop_s == 0 || scene.key_frame_interval_ms == 0 {
        return refuse("the loop and the distance of key frames are at least one second and one millisecond");
    }
    let view = scene.view;
    let inside = |start: f64, size: f64| start >= 0.0 && size > 0.05 && start + size <= 1.0 + 1e-6;
    if !inside(view.left, view.width) || !inside(view.top, view.height) {
        return refuse("the view lies inside the source");
    }
    Ok(())
}

/// Encodes the loop of a recipe. Blocks for seconds.
pub(super) fn encode(source: &Path, recipe: &Recipe) -> Result<Footage, FootageError> {
    gst::init().map_err(|error| FootageError::Encode(error.to_string()))?;
    let scene = &recipe.scene;
    let group = scene.rate.frames_in(scene.key_frame_interval_ms);
    let wanted = scene.rate.frames_in(u64::from(scene.loop_s) * 1000);
    let frames_total = wanted.div_ceil(group) * group;

    let mut painter = Painter::new(source, recipe, frames_total)?;
    let encoder = Encoder::new(scene, group, recipe.slices)?;
    for index in 0..frames_total {
        encoder.push(index, painter.paint(index)?)?;
    }
    let frames = encoder.finish()?;
    if frames.len() as u64 != frames_total || !frames[0].key {
        return Err(FootageError::Encode(format!("{} of {frames_total} pictures came out", frames.len())));
    }
    Ok(Footage { codec: scene.codec, width: scene.width, height: scene.height, rate: scene.rate, frames })
}

/// Paints the pictures of a loop, one after another.
struct Painter<'a> {
    recipe: &'a Recipe,
    film: Film,
    noise: Noise,
    /// What came before the loop's beginning, for the dissolve at its end.
    before: Vec<Raster>,
    /// The source picture of the last frame, and its number from the loop's beginning.
    current: (u64, Raster),
    frames_total: u64,
}

impl<'a> Painter<'a> {
    fn new(source: &Path, recipe: &'a Recipe, frames_total: u64) -> Result<Self, FootageError> {
        let scene = &recipe.scene;
        let mut film = Film::open(source, scene)?;
        for _ in 0..(scene.start_s.max(0.0) * SOURCE_FPS) as u64 {
            film.next()?;
        }
        let before = (0..DISSOLVE_PICTURES).map(|_| film.next()).collect::<Result<Vec<_>, _>>()?;
        let current = match scene.light {
            Light::Day => (0, film.next()?),
            Light::Night => (0, nobody_there(&mut film)?),
        };
        Ok(Self { recipe, film, noise: Noise::new(scene.noise), before, current, frames_total })
    }

    fn paint(&mut self, index: u64) -> Result<Raster, FootageError> {
        let scene = &self.recipe.scene;
        let fps = scene.rate.fps();
        let still = self.recipe.effect == Effect::Frozen || self.recipe.effect == Effect::Black || scene.light == Light::Night;
        let number = if still { 0 } else { (index as f64 * SOURCE_FPS / fps) as u64 };
        while self.current.0 < number {
            self.current = (self.current.0 + 1, self.film.next()?);
        }
        let mut picture = self.current.1.clone();
        let total = (self.frames_total as f64 * SOURCE_FPS / fps) as u64;
        let left = total.saturating_sub(number) as usize;
        if !still && left <= DISSOLVE_PICTURES && total > 2 * DISSOLVE_PICTURES as u64 {
            let step = DISSOLVE_PICTURES - left.max(1);
            picture.blend(&self.before[step], (step + 1) as f32 / (DISSOLVE_PICTURES + 1) as f32);
        }
        if scene.light == Light::Night {
            picture.levels(0.16, 16.0, 0.0);
        }
        self.spoil(&mut picture);
        match self.recipe.effect {
            Effect::Black => {}
            // One exposure of the sensor, repeated: the noise is part of the picture that stands still.
            Effect::Frozen => picture.add_noise(&self.noise, 0),
            _ => picture.add_noise(&self.noise, index),
        }
        overlay::draw(&mut picture, &scene.name, (index as f64 / fps) as u64);
        Ok(picture)
    }

    fn spoil(&self, picture: &mut Raster) {
        let width = picture.width;
        match self.recipe.effect {
            Effect::None | Effect::Frozen => {}
            Effect::Black => picture.fill(16),
            Effect::Covered => picture.cover(),
            Effect::OverExposed => picture.levels(0.9, 170.0, 0.15),
            Effect::Blurred => picture.blur(width / 64),
            Effect::LowContrast => picture.levels(0.12, 130.0, 0.3),
        }
    }
}

/// The place without the people: for each pixel the median of pictures that lie far apart.
fn nobody_there(film: &mut Film) -> Result<Raster, FootageError> {
    const PICTURES: usize = 9;
    const APART: usize = 40;
    let mut pictures = Vec::with_capacity(PICTURES);
    for _ in 0..PICTURES {
        pictures.push(film.next()?);
        for _ in 1..APART {
            film.next()?;
        }
    }
    Ok(Raster::median(&pictures))
}

/// The source film, decoded, cropped and scaled for a scene.
struct Film {
    pipeline: gst::Pipeline,
    sink: AppSink,
    size: (usize, usize),
    given: u64,
}

impl Film {
    fn open(source: &Path, scene: &Scene) -> Result<Self, FootageError> {
        let text = format!(
            "filesrc name=film ! decodebin ! videoconvert ! videocrop name=crop ! \
             videoflip video-direction={flip} ! videobalance hue={hue} saturation={saturation} ! videoscale ! videoconvert ! \
             video/x-raw,format=I420,width={width},height={height},pixel-aspect-ratio=1/1 ! \
             appsink name=out sync=false max-buffers=4",
            flip = if scene.view.mirrored { "horiz" } else { "identity" },
            hue = scene.hue,
            saturation = scene.saturation,
            width = scene.width,
            height = scene.height,
        );
        let pipeline = launch(&text)?;
        let film = named(&pipeline, "film")?;
        film.set_property("location", source.to_string_lossy().as_ref());
        crop_when_known(&named(&pipeline, "crop")?, scene)?;
        let sink = named(&pipeline, "out")?.downcast::<AppSink>().map_err(|_| FootageError::Encode("no sink".into()))?;
        pipeline.set_state(gst::State::Playing).map_err(|error| FootageError::Encode(error.to_string()))?;
        Ok(Self { pipeline, sink, size: (scene.width as usize, scene.height as usize), given: 0 })
    }

    fn next(&mut self) -> Result<Raster, FootageError> {
        let Some(sample) = self.sink.try_pull_sample(PICTURE_TIMEOUT) else {
            return Err(match error_of(&self.pipeline) {
                Some(error) => FootageError::Encode(error),
                None => FootageError::SourceTooShort { frames: self.given },
            });
        };
        self.given += 1;
        let bytes = sample.buffer().and_then(|buffer| buffer.map_readable().ok()).map(|map| map.to_vec()).unwrap_or_default();
        Raster::new(self.size.0, self.size.1, bytes).ok_or_else(|| FootageError::Encode("a picture has an unexpected size".into()))
    }
}

impl Drop for Film {
    fn drop(&mut self) {
        stop(&self.pipeline);
    }
}

/// Crops by fractions as soon as the size of the source is known.
fn crop_when_known(crop: &gst::Element, scene: &Scene) -> Result<(), FootageError> {
    let view = scene.view;
    let pad = crop.static_pad("sink").ok_or_else(|| FootageError::Encode("videocrop has no pad".into()))?;
    let crop = crop.downgrade();
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        let (Some(gst::PadProbeData::Event(event)), Some(crop)) = (&info.data, crop.upgrade()) else { return gst::PadProbeReturn::Ok };
        let gst::EventView::Caps(caps) = event.view() else { return gst::PadProbeReturn::Ok };
        let Some(structure) = caps.caps().structure(0) else { return gst::PadProbeReturn::Ok };
        let (Ok(width), Ok(height)) = (structure.get::<i32>("width"), structure.get::<i32>("height")) else {
            return gst::PadProbeReturn::Ok;
        };
        let pixels = |share: f64, of: i32| (share * f64::from(of)).round().max(0.0) as i32;
        crop.set_property("left", pixels(view.left, width));
        crop.set_property("right", pixels(1.0 - view.left - view.width, width));
        crop.set_property("top", pixels(view.top, height));
        crop.set_property("bottom", pixels(1.0 - view.top - view.height, height));
        gst::PadProbeReturn::Ok
    });
    Ok(())
}

/// The encoder's side: raw pictures in, access units out.
struct Encoder {
    pipeline: gst::Pipeline,
    source: AppSrc,
    sink: AppSink,
    scene: Scene,
}

impl Encoder {
    fn new(scene: &Scene, group: u64, slices: u32) -> Result<Self, FootageError> {
        let slices = if slices > 1 { format!(":slices={slices}") } else { String::new() };
        let quantizer = scene.quantizer.clamp(10, 45);
        let (encoder, parser, media) = match scene.codec {
            Codec::H264 => (
                format!(
                    "x264enc pass=quant quantizer={quantizer} speed-preset=veryfast bframes={b} b-adapt=false sliced-threads=false \
                     key-int-max={group} rc-lookahead=5 option-string=scenecut=0:open-gop=0{slices}",
                    b = scene.b_frames
                ),
                "h264parse config-interval=-1",
                "video/x-h264,profile=main",
            ),
            Codec::H265 => (
                format!(
                    "x265enc speed-preset=ultrafast key-int-max={group} \
                     option-string=qp={quantizer}:bframes=0:scenecut=0:open-gop=0:repeat-headers=1:log-level=none"
                ),
                "h265parse config-interval=-1",
                "video/x-h265",
            ),
        };
        let media_name = media.split(',').next().unwrap_or(media);
        let text = format!(
            "appsrc name=in format=time block=true max-bytes=16000000 ! {encoder} ! {media} ! {parser} ! \
             {media_name},stream-format=byte-stream,alignment=au ! appsink name=out sync=false"
        );
        let pipeline = launch(&text)?;
        let source = named(&pipeline, "in")?.downcast::<AppSrc>().map_err(|_| FootageError::Encode("no source".into()))?;
        let sink = named(&pipeline, "out")?.downcast::<AppSink>().map_err(|_| FootageError::Encode("no sink".into()))?;
        let fraction = |num: u32, den: u32| gst::Fraction::new(num as i32, den as i32);
        source.set_caps(Some(
            &gst::Caps::builder("video/x-raw")
                .field("format", "I420")
                .field("width", scene.width as i32)
                .field("height", scene.height as i32)
                .field("framerate", fraction(scene.rate.num, scene.rate.den))
                .field("pixel-aspect-ratio", fraction(1, 1))
                .build(),
        ));
        pipeline.set_state(gst::State::Playing).map_err(|error| FootageError::Encode(error.to_string()))?;
        Ok(Self { pipeline, source, sink, scene: scene.clone() })
    }

    fn push(&self, index: u64, picture: Raster) -> Result<(), FootageError> {
        let mut buffer = gst::Buffer::from_mut_slice(picture.data);
        if let Some(buffer) = buffer.get_mut() {
            let start = self.scene.rate.nanos(index);
            buffer.set_pts(gst::ClockTime::from_nseconds(start));
            buffer.set_duration(gst::ClockTime::from_nseconds(self.scene.rate.nanos(index + 1) - start));
        }
        self.source
            .push_buffer(buffer)
            .map_err(|error| FootageError::Encode(error_of(&self.pipeline).unwrap_or_else(|| error.to_string())))?;
        Ok(())
    }

    fn finish(self) -> Result<Vec<Frame>, FootageError> {
        self.source.end_of_stream().map_err(|error| FootageError::Encode(error.to_string()))?;
        let mut frames = Vec::new();
        let mut times = Vec::new();
        while let Some(sample) = self.sink.try_pull_sample(PICTURE_TIMEOUT) {
            let Some(buffer) = sample.buffer() else { continue };
            let bytes = buffer.map_readable().map_err(|error| FootageError::Encode(error.to_string()))?.to_vec();
            let nals: Vec<Bytes> = split_annex_b(&Bytes::from(bytes))
                .into_iter()
                .filter(|nal| super::is_parameter_set(self.scene.codec, nal) || is_picture(self.scene.codec, nal))
                .collect();
            times.push(buffer.pts().unwrap_or_default());
            let picture_sha256 = cache::picture_sha256(self.scene.codec, &nals);
            let key = !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT);
            frames.push(Frame { key, presentation_delay: 0, nals, picture_sha256 });
        }
        if let Some(error) = error_of(&self.pipeline) {
            return Err(FootageError::Encode(error));
        }
        for (frame, delay) in frames.iter_mut().zip(presentation_delays(&times)) {
            frame.presentation_delay = delay;
        }
        Ok(frames)
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        stop(&self.pipeline);
    }
}

/// For frames in sending order: how many frames later each is shown, the least being 0.
fn presentation_delays(times: &[gst::ClockTime]) -> Vec<u32> {
    let mut order: Vec<usize> = (0..times.len()).collect();
    order.sort_by_key(|&index| times[index]);
    let mut delays = vec![0i64; times.len()];
    for (rank, &index) in order.iter().enumerate() {
        delays[index] = rank as i64 - index as i64;
    }
    let least = delays.iter().copied().min().unwrap_or(0);
    delays.iter().map(|delay| (delay - least) as u32).collect()
}

/// NAL units of a byte stream with start codes (H.264 and H.265 annex B).
fn split_annex_b(stream: &Bytes) -> Vec<Bytes> {
    let mut starts = Vec::new();
    let mut at = 0;
    while at + 3 <= stream.len() {
        if stream[at..at + 3] == [0, 0, 1] {
            starts.push((at, at + 3));
            at += 3;
        } else {
            at += 1;
        }
    }
    let ends = starts.iter().skip(1).map(|&(code, _)| code).chain([stream.len()]);
    starts
        .iter()
        .zip(ends)
        .map(|(&(_, start), end)| {
            // A fourth zero belongs to the next start code; a NAL unit never ends in zero.
            let trimmed = stream[start..end].iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
            stream.slice(start..start + trimmed)
        })
        .filter(|nal| !nal.is_empty())
        .collect()
}

fn launch(text: &str) -> Result<gst::Pipeline, FootageError> {
    gst::parse::launch(text)
        .map_err(|error| FootageError::Encode(error.to_string()))?
        .downcast::<gst::Pipeline>()
        .map_err(|_| FootageError::Encode("not a pipeline".into()))
}

fn named(pipeline: &gst::Pipeline, name: &str) -> Result<gst::Element, FootageError> {
    pipeline.by_name(name).ok_or_else(|| FootageError::Encode(format!("no element {name}")))
}

fn error_of(pipeline: &gst::Pipeline) -> Option<String> {
    let message = pipeline.bus()?.pop_filtered(&[gst::MessageType::Error])?;
    match message.view() {
        gst::MessageView::Error(error) => Some(error.error().to_string()),
        _ => None,
    }
}

fn stop(pipeline: &gst::Pipeline) {
    if let Err(error) = pipeline.set_state(gst::State::Null) {
        tracing::warn!(%error, "a footage pipeline does not stop");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first picture of a scene, as the film gives it.
    fn first_picture(scene: &Scene) -> Raster {
        gst::init().expect("GStreamer");
        Film::open(&super::super::FootageLibrary::standard().source, scene).expect("opened").next().expect("a picture")
    }

    #[test]
    fn a_mirrored_view_is_the_other_way_round() {
        let mut scene = Scene::tiny("X");
        let plain = first_picture(&scene);
        scene.view.mirrored = true;
        let mirrored = first_picture(&scene);
        let line = |picture: &Raster| picture.data[120 * 320..121 * 320].to_vec();
        let turned: Vec<u8> = line(&mirrored).into_iter().rev().collect();
        let off: u32 = line(&plain).iter().zip(&turned).map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
        assert!(off < 320 * 3, "{off}");
        assert_ne!(line(&plain), line(&mirrored));
    }

    #[test]
    fn annex_b_is_split_at_short_and_long_start_codes() {
        let stream = Bytes::from_static(&[0, 0, 0, 1, 0x67, 1, 0, 0, 1, 0x68, 2, 0, 0, 0, 1, 0x65, 3, 4, 0]);
        let nals = split_annex_b(&stream);
        assert_eq!(nals, [&[0x67, 1][..], &[0x68, 2], &[0x65, 3, 4]]);
        assert!(split_annex_b(&Bytes::new()).is_empty());
    }

    #[test]
    fn delays_follow_the_order_of_presentation() {
        let at = |ms: u64| gst::ClockTime::from_mseconds(ms);
        assert_eq!(presentation_delays(&[at(0), at(40), at(80)]), [0, 0, 0]);
        // Sent I P B B: shown I B B P.
        assert_eq!(presentation_delays(&[at(0), at(120), at(40), at(80)]), [1, 3, 0, 0]);
    }
}
