//! What a virtual camera looks at: a recipe that decides every byte of its footage.
//!
//! A [`Scene`] is the camera's usual view. A [`Picture`] is what it shows just now: that view, or the view
//! spoilt in the way an incident asks for. Both together make a [`Recipe`], whose fingerprint names the cached file.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::camera::Codec;

/// Frame rate as a fraction, because 12.5 frames a second has no whole number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FrameRate {
    /// Frames in [`FrameRate::den`] seconds.
    pub num: u32,
    /// Seconds.
    pub den: u32,
}

impl FrameRate {
    /// 25 frames a second.
    pub const FULL: Self = Self { num: 25, den: 1 };
    /// 12.5 frames a second.
    pub const HALF: Self = Self { num: 25, den: 2 };

    /// Frames a second.
    pub fn fps(self) -> f64 {
        f64::from(self.num) / f64::from(self.den)
    }

    /// Frames that fit in `duration_ms`, at least one.
    pub fn frames_in(self, duration_ms: u64) -> u64 {
        (duration_ms * u64::from(self.num) / (1000 * u64::from(self.den))).max(1)
    }

    /// The 90 kHz RTP time of frame `index`, without a wrap.
    pub fn ticks_90k(self, index: u64) -> u64 {
        index * 90_000 * u64::from(self.den) / u64::from(self.num)
    }

    /// Nanoseconds from frame 0 to frame `index`.
    pub fn nanos(self, index: u64) -> u64 {
        index * 1_000_000_000 * u64::from(self.den) / u64::from(self.num)
    }
}

/// The part of the source picture that the camera sees, in fractions of its width and height.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// Left edge, 0 to 1.
    pub left: f64,
    /// Top edge, 0 to 1.
    pub top: f64,
    /// Width, 0 to 1.
    pub width: f64,
    /// Height, 0 to 1.
    pub height: f64,
    /// Turned left to right, which makes one street two.
    pub mirrored: bool,
}

/// Light that the scene is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Light {
    /// As filmed: people walk by.
    Day,
    /// Nobody there, nearly dark, infra-red grey with the sensor's noise: the harmless night.
    Night,
}

/// A camera's usual view and the way it encodes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scene {
    /// Name burnt into the picture; capital letters, digits and `-:./` are drawn, the rest is left blank.
    pub name: String,
    /// Picture width in pixels, a multiple of 8.
    pub width: u32,
    /// Picture height in pixels, a multiple of 2.
    pub height: u32,
    /// Frames a second.
    pub rate: FrameRate,
    /// Codec.
    pub codec: Codec,
    /// Part of the source that is seen.
    pub view: View,
    /// Light.
    pub light: Light,
    /// Where in the source the loop begins, in seconds at 12.5 frames a second.
    pub start_s: f64,
    /// Length of the loop, in seconds.
    pub loop_s: u32,
    /// Distance of key frames, in milliseconds.
    pub key_frame_interval_ms: u64,
    /// B frames between two P frames (0 as nearly every camera does; H.264 only).
    pub b_frames: u32,
    /// Quality: the encoder's constant quantiser, about 18 (large) to 34 (small).
    pub quantizer: u32,
    /// Shift of colour, -1 to 1.
    pub hue: f64,
    /// Strength of colour, 0 to 2.
    pub saturation: f64,
    /// Standard deviation of the sensor's noise, in steps of luma.
    pub noise: f64,
}

impl Default for Scene {
    fn default() -> Self {
        Self {
            name: "CAMERA 01".into(),
            width: 1280,
            height: 720,
            rate: FrameRate::HALF,
            codec: Codec::H264,
            view: View { left: 0.0, top: 0.125, width: 1.0, height: 0.75, mirrored: false },
            light: Light::Day,
            start_s: 0.0,
            loop_s: 30,
            key_frame_interval_ms: 2000,
            b_frames: 0,
            quantizer: 26,
            hue: 0.0,
            saturation: 1.0,
            noise: 2.0,
        }
    }
}

impl Scene {
    /// A cheap camera: 704x576 at 12.5 frames a second.
    pub fn small(name: &str) -> Self {
        Self {
            name: name.into(),
            width: 704,
            height: 576,
            view: View { left: 0.0, top: 0.0, width: 1.0, height: 1.0, mirrored: false },
            ..Self::default()
        }
    }

    /// The cheapest camera there is, for tests: 320x240, a loop of 6 s, encoded in a fraction of a second.
    pub fn tiny(name: &str) -> Self {
        Self { width: 320, height: 240, loop_s: 6, ..Self::small(name) }
    }

    /// Another place: one of a dozen different views of the source, differing in crop, side, colour and moment.
    pub fn place(number: usize, name: &str) -> Self {
        const CORNERS: [(f64, f64, f64); 6] =
            [(0.0, 0.125, 1.0), (0.0, 0.3, 0.7), (0.3, 0.25, 0.7), (0.15, 0.0, 0.8), (0.0, 0.0, 0.62), (0.38, 0.42, 0.62)];
        let (left, top, size) = CORNERS[number % CORNERS.len()];
        let turn = number / CORNERS.len();
        Self {
            name: name.into(),
            view: View { left, top: top.min(1.0 - size * 0.75), width: size, height: size * 0.75, mirrored: turn % 2 == 1 },
            start_s: (number % 4) as f64 * 7.0,
            hue: [0.0, 0.06, -0.05, 0.1][(number + turn) % 4],
            saturation: [1.0, 1.25, 0.7, 1.1][number % 4],
            ..Self::default()
        }
    }
}

/// What a camera shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Picture {
    /// Its usual view.
    Normal,
    /// No light and no noise: a dead sensor. Clock and name are still there.
    Black,
    /// One picture, again and again, without fresh noise, while the clock runs on.
    Frozen,
    /// Something large and even close before the lens.
    Covered,
    /// Too much light.
    OverExposed,
    /// Out of focus.
    Blurred,
    /// Turned to look elsewhere.
    Moved,
    /// Fog or steam: little contrast.
    LowContrast,
    /// The usual view at another picture size, with new parameter sets in the stream.
    OtherSize,
    /// The usual view in the other codec.
    OtherCodec,
    /// The usual view with a key frame only this often.
    KeyFrameEvery {
        /// Distance of key frames, in seconds.
        seconds: u32,
    },
    /// The usual view at another frame rate.
    OtherRate,
    /// The usual view with each picture in two slices (H.264 only).
    TwoSlices,
}

/// How a picture is spoilt after the view has been cut out of the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) enum Effect {
    None,
    Black,
    Frozen,
    Covered,
    OverExposed,
    Blurred,
    LowContrast,
}

/// Everything that decides the bytes of one loop of footage.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Recipe {
    pub(super) scene: Scene,
    pub(super) effect: Effect,
    /// Slices a picture.
    pub(super) slices: u32,
}

/// Length of the loops that show a spoilt picture, which has little to tell.
const SPOILT_LOOP_S: u32 = 10;

/// Changes with the generator, so that footage of an older one is not taken from the cache.
const GENERATOR_VERSION: u32 = 2;

impl Recipe {
    pub(super) fn new(scene: &Scene, picture: Picture) -> Self {
        let mut scene = scene.clone();
        let effect = match picture {
            Picture::Normal
            | Picture::Moved
            | Picture::OtherSize
            | Picture::OtherCodec
            | Picture::KeyFrameEvery { .. }
            | Picture::OtherRate
            | Picture::TwoSlices => Effect::None,
            Picture::Black => Effect::Black,
            Picture::Frozen => Effect::Frozen,
            Picture::Covered => Effect::Covered,
            Picture::OverExposed => Effect::OverExposed,
            Picture::Blurred => Effect::Blurred,
            Picture::LowContrast => Effect::LowContrast,
        };
        if effect != Effect::None {
            scene.loop_s = SPOILT_LOOP_S;
        }
        match picture {
            Picture::Moved => scene.view = elsewhere(scene.view),
            Picture::OtherSize if scene.width == 704 => (scene.width, scene.height) = (640, 480),
            Picture::OtherSize => (scene.width, scene.height) = (704, 576),
            Picture::OtherCodec => {
                scene.b_frames = 0;
                scene.codec = match scene.codec {
                    Codec::H264 => Codec::H265,
                    Codec::H265 => Codec::H264,
                }
            }
            Picture::KeyFrameEvery { seconds } => {
                scene.loop_s = (scene.loop_s / seconds.max(1)).max(1) * seconds.max(1);
                scene.key_frame_interval_ms = u64::from(seconds.max(1)) * 1000;
            }
            Picture::OtherRate if scene.rate == FrameRate::FULL => scene.rate = FrameRate::HALF,
            Picture::OtherRate => scene.rate = FrameRate::FULL,
            _ => {}
        }
        let slices = if picture == Picture::TwoSlices { 2 } else { 1 };
        Self { scene, effect, slices }
    }

    /// Name of the cached file: a digest of the recipe, the generator and the source.
    pub(super) fn fingerprint(&self, source_bytes: u64) -> String {
        let mut hash = Sha256::new();
        hash.update(GENERATOR_VERSION.to_be_bytes());
        hash.update(source_bytes.to_be_bytes());
        // As it was before pictures could have slices, so that what is in the cache is found.
        hash.update(format!("Recipe {{ scene: {:?}, effect: {:?} }}", self.scene, self.effect));
        if self.slices > 1 {
            hash.update(self.slices.to_be_bytes());
        }
        hex::encode(&hash.finalize()[..16])
    }
}

/// Half the view's size, in the opposite corner and turned: no line of it is where it was.
fn elsewhere(view: View) -> View {
    let (width, height) = (view.width * 0.55, view.height * 0.55);
    View {
        left: if view.left + view.width / 2.0 <= 0.5 { 1.0 - width } else { 0.0 },
        top: if view.top + view.height / 2.0 <= 0.5 { 1.0 - height } else { 0.0 },
        width,
        height,
        mirrored: !view.mirrored,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frame_times_do_not_drift() {
        assert_eq!(FrameRate::HALF.ticks_90k(1), 7200);
        assert_eq!(FrameRate::HALF.ticks_90k(25), 180_000);
        assert_eq!(FrameRate { num: 30_000, den: 1001 }.ticks_90k(30_000), 90_000 * 1001);
        assert_eq!(FrameRate::FULL.frames_in(2000), 50);
        assert_eq!(FrameRate::HALF.frames_in(2000), 25);
    }

    #[test]
    fn every_place_lies_inside_the_source_and_is_different() {
        let places: Vec<_> = (0..12).map(|number| Scene::place(number, "X")).collect();
        for (number, scene) in places.iter().enumerate() {
            let view = scene.view;
            assert!(view.left >= 0.0 && view.left + view.width <= 1.0 + 1e-9, "{number}: {view:?}");
            assert!(view.top >= 0.0 && view.top + view.height <= 1.0 + 1e-9, "{number}: {view:?}");
            assert!(places[..number].iter().all(|other| other != scene), "{number} is a repetition");
        }
    }

    #[test]
    fn each_picture_of_a_scene_has_its_own_fingerprint() {
        let scene = Scene::default();
        let pictures = [
            Picture::Normal,
            Picture::Black,
            Picture::Frozen,
            Picture::Covered,
            Picture::OverExposed,
            Picture::Blurred,
            Picture::Moved,
            Picture::LowContrast,
            Picture::OtherSize,
            Picture::OtherCodec,
            Picture::KeyFrameEvery { seconds: 30 },
            Picture::OtherRate,
            Picture::TwoSlices,
        ];
        let names: std::collections::HashSet<_> = pictures.iter().map(|&p| Recipe::new(&scene, p).fingerprint(7)).collect();
        assert_eq!(names.len(), pictures.len());
        assert_ne!(Recipe::new(&scene, Picture::Normal).fingerprint(7), Recipe::new(&scene, Picture::Normal).fingerprint(8));
    }
}
