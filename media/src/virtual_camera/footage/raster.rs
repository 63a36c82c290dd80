//! A picture in memory (I420) and the ways to spoil it.
//!
//! Everything is deterministic: the same recipe gives the same bytes, so that a cached file and a fresh one agree.

/// Rows and columns of noise that are laid over the picture at a shifting place.
const NOISE_LEN: usize = 1 << 16;

/// One I420 picture: the luma plane, then both chroma planes at half the size, without padding.
#[derive(Clone)]
pub(super) struct Raster {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) data: Vec<u8>,
}

impl Raster {
    /// Wraps decoded bytes; `None` when their number does not fit the size.
    pub(super) fn new(width: usize, height: usize, data: Vec<u8>) -> Option<Self> {
        (data.len() == width * height * 3 / 2).then_some(Self { width, height, data })
    }

    /// For each sample the median of several pictures of one size: what moves is gone.
    pub(super) fn median(pictures: &[Raster]) -> Self {
        let mut result = pictures[0].clone();
        let mut samples = vec![0u8; pictures.len()];
        for (at, value) in result.data.iter_mut().enumerate() {
            for (sample, picture) in samples.iter_mut().zip(pictures) {
                *sample = picture.data[at];
            }
            samples.sort_unstable();
            *value = samples[samples.len() / 2];
        }
        result
    }

    pub(super) fn luma(&mut self) -> &mut [u8] {
        let len = self.width * self.height;
        &mut self.data[..len]
    }

    fn chroma(&mut self) -> &mut [u8] {
        let len = self.width * self.height;
        &mut self.data[len..]
    }

    /// One even grey.
    pub(super) fn fill(&mut self, luma: u8) {
        self.luma().fill(luma);
        self.chroma().fill(128);
    }

    /// `luma * gain + offset`, clipped as a sensor clips; colour weakens by `colour`.
    pub(super) fn levels(&mut self, gain: f32, offset: f32, colour: f32) {
        let luma = table(|value| value * gain + offset);
        let chroma = table(|value| (value - 128.0) * colour + 128.0);
        self.luma().iter_mut().for_each(|value| *value = luma[usize::from(*value)]);
        self.chroma().iter_mut().for_each(|value| *value = chroma[usize::from(*value)]);
    }

    /// Mixes `other` in: 0 keeps this picture, 1 takes the other.
    pub(super) fn blend(&mut self, other: &Raster, share: f32) {
        let share = (share.clamp(0.0, 1.0) * 256.0) as u32;
        for (mine, theirs) in self.data.iter_mut().zip(&other.data) {
            *mine = ((u32::from(*mine) * (256 - share) + u32::from(*theirs) * share) >> 8) as u8;
        }
    }

    /// Something dark and even before the lens that leaves a strip of the view at the right.
    pub(super) fn cover(&mut self) {
        let (width, height) = (self.width, self.height);
        for y in 0..height {
            // A slanting edge: what hangs before a lens is seldom straight.
            let edge = width * 88 / 100 + y * width / height / 24;
            let edge = edge.min(width);
            let shade = 58 + (y * 10 / height) as u8;
            self.data[y * width..y * width + edge].fill(shade);
        }
        let (half_width, half_height) = (width / 2, height / 2);
        let luma_len = width * height;
        for (plane, value) in [(0, 118), (1, 138)] {
            for y in 0..half_height {
                let start = luma_len + plane * half_width * half_height + y * half_width;
                let edge = (half_width * 88 / 100 + y * half_width / half_height / 24).min(half_width);
                self.data[start..start + edge].fill(value);
            }
        }
    }

    /// Out of focus: a box blur of `radius` pixels, three times, which is near to a Gaussian.
    pub(super) fn blur(&mut self, radius: usize) {
        let (width, height) = (self.width, self.height);
        for _ in 0..3 {
            blur_rows(self.luma(), width, height, radius);
            blur_columns(self.luma(), width, height, radius);
        }
    }

    /// The sensor's noise, different for each `frame`.
    pub(super) fn add_noise(&mut self, noise: &Noise, frame: u64) {
        let width = self.width;
        for (y, row) in self.luma().chunks_exact_mut(width).enumerate() {
            let start = scramble(frame << 20 | y as u64) as usize;
            for (x, value) in row.iter_mut().enumerate() {
                *value = value.saturating_add_signed(noise.0[(start + x) % NOISE_LEN]);
            }
        }
    }
}

/// A table of normally distributed noise.
pub(super) struct Noise(Vec<i8>);

impl Noise {
    /// Noise of the given standard deviation, in steps of luma.
    pub(super) fn new(deviation: f64) -> Self {
        let sample = |index: usize| {
            // The sum of twelve uniform numbers is near enough to a normal distribution.
            let sum: f64 = (0..12).map(|part| scramble((index * 12 + part) as u64) as f64 / u64::MAX as f64).sum();
            ((sum - 6.0) * deviation).round().clamp(-127.0, 127.0) as i8
        };
        Self((0..NOISE_LEN).map(sample).collect())
    }
}

/// SplitMix64: a well mixed number for each input.
fn scramble(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn table(of: impl Fn(f32) -> f32) -> [u8; 256] {
    std::array::from_fn(|value| of(value as f32).round().clamp(0.0, 255.0) as u8)
}

fn blur_rows(plane: &mut [u8], width: usize, height: usize, radius: usize) {
    let mut line = vec![0u8; width];
    for y in 0..height {
        let row = &mut plane[y * width..(y + 1) * width];
        line.copy_from_slice(row);
        blur_line(&line, radius, |x, value| row[x] = value);
    }
}

fn blur_columns(plane: &mut [u8], width: usize, height: usize, radius: usize) {
    let mut line = vec![0u8; height];
    for x in 0..width {
        for (y, value) in line.iter_mut().enumerate() {
            *value = plane[y * width + x];
        }
        blur_line(&line, radius, |y, value| plane[y * width + x] = value);
    }
}

/// Mean of the `2 * radius + 1` neighbours; the edge pixel stands for what lies outside.
fn blur_line(line: &[u8], radius: usize, mut put: impl FnMut(usize, u8)) {
    let last = line.len() - 1;
    let at = |index: isize| u32::from(line[index.clamp(0, last as isize) as usize]);
    let radius = radius as isize;
    let mut sum: u32 = (-radius..=radius).map(at).sum();
    let count = (2 * radius + 1) as u32;
    for index in 0..line.len() as isize {
        put(index as usize, (sum / count) as u8);
        sum = sum + at(index + radius + 1) - at(index - radius);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gradient() -> Raster {
        let (width, height) = (64, 48);
        let mut data: Vec<u8> = (0..width * height).map(|i| (i % width * 4) as u8).collect();
        data.resize(width * height * 3 / 2, 100);
        Raster::new(width, height, data).expect("size")
    }

    fn deviation(values: &[u8]) -> f64 {
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / values.len() as f64;
        (values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / values.len() as f64).sqrt()
    }

    #[test]
    fn a_size_that_does_not_fit_is_refused() {
        assert!(Raster::new(64, 48, vec![0; 64 * 48]).is_none());
    }

    #[test]
    fn the_median_leaves_out_what_is_there_once() {
        let mut passing = gradient();
        passing.luma()[500..600].fill(255);
        let rest = Raster::median(&[gradient(), passing, gradient()]);
        assert_eq!(rest.data, gradient().data);
    }

    #[test]
    fn noise_is_fresh_for_each_frame_and_as_strong_as_asked() {
        let noise = Noise::new(3.0);
        let (mut first, mut second) = (gradient(), gradient());
        first.fill(100);
        second.fill(100);
        first.add_noise(&noise, 1);
        second.add_noise(&noise, 2);
        assert_ne!(first.luma(), second.luma());
        let strength = deviation(first.luma());
        assert!((2.5..3.5).contains(&strength), "{strength}");
    }

    #[test]
    fn blur_takes_detail_and_keeps_the_mean() {
        let mut picture = gradient();
        picture.luma().iter_mut().enumerate().for_each(|(i, v)| *v = if i % 2 == 0 { 0 } else { 200 });
        picture.blur(4);
        let luma = picture.luma();
        assert!(deviation(luma) < 25.0);
        let mean = luma.iter().map(|&v| u64::from(v)).sum::<u64>() / luma.len() as u64;
        assert!((85..=105).contains(&mean), "{mean}");
    }

    #[test]
    fn levels_clip_and_a_cover_leaves_a_strip() {
        let mut bright = gradient();
        bright.levels(1.5, 150.0, 0.5);
        assert!(bright.luma().iter().filter(|&&v| v == 255).count() > 40 * 48 / 2);
        let mut covered = gradient();
        covered.cover();
        let open = covered.luma()[..64].iter().zip(gradient().luma()[..64].iter()).filter(|(a, b)| a == b).count();
        assert!((1..16).contains(&open), "{open}");
    }

    #[test]
    fn a_blend_goes_from_one_picture_to_the_other() {
        let (mut dark, mut light) = (gradient(), gradient());
        dark.fill(0);
        light.fill(200);
        let mut half = dark.clone();
        half.blend(&light, 0.5);
        assert_eq!(half.luma()[0], 100);
        dark.blend(&light, 1.0);
        assert_eq!(dark.luma()[0], 200);
    }
}
