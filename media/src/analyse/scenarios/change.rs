//! Changes that a picture suffers between the scene and us, seeded so that every run sees the same.

/// The luma of a decoded picture.
#[derive(Debug, Clone)]
pub(super) struct Luma {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) pixels: Vec<u8>,
    /// Mean distance of chroma from grey, in steps.
    pub(super) colour: f32,
}

/// A generator of the same numbers every time (xorshift).
pub(super) struct Seeded(u64);

impl Seeded {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number in -1..1.
    pub(super) fn next(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        #[expect(clippy::cast_precision_loss, reason = "24 bits fit")]
        let unit = (self.0 >> 40) as f32 / 8_388_608.0;
        unit - 1.0
    }
}

impl Luma {
    /// Each pixel anew from its place and value.
    pub(super) fn map(&mut self, pixel: impl Fn(usize, usize, f32) -> f32) {
        let width = self.width;
        for (index, value) in self.pixels.iter_mut().enumerate() {
            *value = byte(pixel(index % width, index / width, f32::from(*value)));
        }
    }

    /// Gain around black, and an offset.
    pub(super) fn levels(&mut self, gain: f32, offset: f32) {
        self.map(|_, _, value| (value - 16.0) * gain + 16.0 + offset);
    }

    /// Fresh sensor noise of this standard deviation.
    pub(super) fn noise(&mut self, deviation: f32, seeded: &mut Seeded) {
        for value in &mut self.pixels {
            // Three uniform numbers are near enough to a Gaussian; each has a deviation of 1/sqrt(3).
            let noise = seeded.next() + seeded.next() + seeded.next();
            *value = byte(f32::from(*value) + noise * deviation);
        }
    }

    /// Lamps of the camera's own: grey, brighter in the middle, darker at the edges.
    pub(super) fn infra_red(&mut self) {
        self.colour = 0.0;
        #[expect(clippy::cast_precision_loss, reason = "sizes of pictures")]
        let (width, height) = (self.width as f32, self.height as f32);
        #[expect(clippy::cast_precision_loss, reason = "sizes of pictures")]
        self.map(|x, y, value| {
            let (from_x, from_y) = (x as f32 / width - 0.5, y as f32 / height - 0.5);
            let lamp = 1.1 - 1.3 * (from_x * from_x + from_y * from_y);
            (value - 16.0) * 0.6 * lamp + 26.0
        });
    }

    /// Steam: a veil thicker above and drifting, `density` 0..1 at its thickest.
    pub(super) fn steam(&mut self, density: f32, seconds: f32) {
        self.colour *= 1.0 - density;
        #[expect(clippy::cast_precision_loss, reason = "sizes of pictures")]
        let (width, height) = (self.width as f32, self.height as f32);
        #[expect(clippy::cast_precision_loss, reason = "sizes of pictures")]
        self.map(|x, y, value| {
            let billow = (x as f32 / width * 9.0 + seconds * 0.3).sin() * (y as f32 / height * 7.0 - seconds * 0.2).cos();
            let veil = density * (1.0 - 0.5 * y as f32 / height) * (0.85 + 0.15 * billow);
            value * (1.0 - veil) + 190.0 * veil
        });
    }

    /// A person close to the lens: a body that fills `share` of the width, swaying, in clothes with folds.
    pub(super) fn person(&mut self, share: f32, seconds: f32) {
        #[expect(clippy::cast_precision_loss, reason = "sizes of pictures")]
        let (width, height) = (self.width as f32, self.height as f32);
        let middle = width * (0.5 + 0.08 * (seconds * 1.3).sin());
        let half = width * share / 2.0;
        #[expect(clippy::cast_precision_loss, reason = "sizes of pictures")]
        self.map(|x, y, value| {
            let (x, y) = (x as f32, y as f32);
            let shoulders = half * (0.6 + 0.4 * (y / height).min(1.0));
            if (x - middle).abs() > shoulders {
                return value;
            }
            let folds = ((x - middle) / width * 60.0 + seconds * 2.0).sin() * 9.0 + (y / height * 23.0 + seconds).sin() * 6.0;
            150.0 + folds
        });
    }

    /// A burnt-in clock that shows other digits every time.
    pub(super) fn clock(&mut self, seeded: &mut Seeded) {
        const STROKE: usize = 3;
        for digit in 0..19 {
            let pattern: Vec<bool> = (0..15).map(|_| seeded.next() > 0.0).collect();
            for (at, lit) in pattern.iter().enumerate() {
                let (left, top) = (12 + digit * 5 * STROKE + at % 3 * STROKE, 10 + at / 3 * STROKE);
                for y in top..top + STROKE {
                    for x in left..left + STROKE {
                        if let Some(pixel) = self.pixels.get_mut(y * self.width + x) {
                            *pixel = if *lit { 235 } else { 20 };
                        }
                    }
                }
            }
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
fn byte(value: f32) -> u8 {
    value.round().clamp(0.0, 255.0) as u8
}
