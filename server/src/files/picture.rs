//! Whether a file is a picture that can be accepted.
//!
//! Size in pixels is read from the header before anything is allocated: a decompression bomb is refused there. What is left
//! is decoded once, fully, off the async threads: half a picture is not evidence. Broken EXIF is no error, it is ignored.

use std::io::{BufRead, BufReader, Cursor, Seek};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use image::metadata::Orientation;
use image::{DynamicImage, ImageFormat, ImageReader, Limits};
use mobile_api::limits::EVIDENCE_FILETYPES;

use mobile_api::limits::EVIDENCE_BYTES_MAX;

use super::{Files, FilesError, PIXELS_MAX};
use crate::domain::geo::is_point;

/// Bytes that decoding may allocate: 40 megapixels of 16-bit RGBA, and a decoder's own tables.
const ALLOCATED_BYTES_MAX: u64 = 384 * 1024 * 1024;
/// Pixels of evidence at most: larger than any phone makes. More is a bomb, or no photo.
const KEPT_PIXELS_MAX: u64 = 256_000_000;
/// Longest edge, pixels.
const EDGE_PIXELS_MAX: u32 = 30_000;
/// Pixels of a drawing at most: a large tablet's glass three times over.
const DRAWING_PIXELS_MAX: u64 = 8_000_000;
/// Pixels of another shade that make a stroke; a dot of a pen has more.
const INK_PIXELS_MIN: u64 = 16;
/// Steps of 256 that a stroke differs from its ground; a JPEG of white paper has a few.
const INK_STEPS_MIN: usize = 40;
/// File-type brands of HEIC and HEIF pictures, which phones make and this program keeps as they are.
const HEIF_BRANDS: [&[u8; 4]; 8] = [b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"hevc", b"hevx"];

/// A picture that was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Picture {
    /// Such as `image/jpeg`.
    pub filetype: &'static str,
    /// Pixels as stored, before any rotation; `None` for HEIF, which is kept unopened.
    pub size: Option<(u32, u32)>,
}

impl Picture {
    /// Pixels in all; none of what is kept unopened.
    #[must_use]
    pub fn pixels(&self) -> u64 {
        self.size.map_or(0, |(width, height)| u64::from(width) * u64::from(height))
    }
}

/// What is known of a piece of evidence by looking at it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Looked {
    /// Its type and size.
    pub picture: Picture,
    /// Nothing is drawn on it.
    pub blank: bool,
    /// Where the file says that it was taken: latitude and longitude, degrees WGS-84. Anybody can write anything there.
    pub position: Option<(f64, f64)>,
}

/// Why a file is not accepted as a picture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    /// None of the types that are accepted.
    #[error("not a file of a type that is accepted, or not of the one announced")]
    UnknownType,
    /// More pixels than are accepted, or edges no camera makes.
    #[error("{width} x {height} pixels, which is more than {PIXELS_MAX} in all or {EDGE_PIXELS_MAX} an edge")]
    TooManyPixels {
        /// pixels
        width: u32,
        /// pixels
        height: u32,
    },
    /// The type is right, the content is not.
    #[error("the picture cannot be read: {0}")]
    Damaged(String),
}

impl Files {
    /// Looks at a local file; HEIF is accepted only where `heif` says so, because it cannot be shown everywhere.
    pub async fn look_at(&self, path: &Path, heif: bool) -> Result<Picture, FilesError> {
        if heif && is_heif(path)? {
            return Ok(Picture { filetype: "image/heic", size: None });
        }
        let (picture, _) = self.decode(Source::File(path.to_owned()), Haste::Now).await?;
        Ok(picture)
    }

    /// A piece of evidence: what it is, whether nothing is drawn on it, and where it says that it was taken. HEIF, and what has more
    /// pixels than are opened here, is kept whole without being opened: by its header alone, and not called blank.
    /// `told` is the type that was announced: by it a film is told from its sound, which lie in the same containers.
    pub async fn look_at_evidence(&self, path: &Path, told: &str) -> Result<Looked, FilesError> {
        if let Some(filetype) = clip(path, told)? {
            return Ok(Looked { picture: Picture { filetype, size: None }, blank: false, position: None });
        }
        let source = Source::File(path.to_owned());
        let asked = source.clone();
        let position = off_thread(Haste::Now, move || Ok(asked.exif().and_then(|exif| position(&exif)))).await?;
        if is_heif(path)? {
            return Ok(Looked { picture: Picture { filetype: "image/heic", size: None }, blank: false, position });
        }
        let asked = source.clone();
        if let Some(picture) = off_thread(Haste::Now, move || asked.large()).await? {
            return Ok(Looked { picture, blank: false, position });
        }
        let (picture, decoded) = self.decode(source, Haste::Now).await?;
        let blank = off_thread(Haste::Now, move || Ok(is_blank(&decoded))).await?;
        Ok(Looked { picture, blank, position })
    }

    /// What evidence that is stored already says when it is linked, as [`Self::look_at_evidence`] does of what comes: whether nothing is
    /// drawn on it, asked of signatures, and where it says that it was taken, asked of all others.
    pub async fn look_again(&self, sha256: &str, filetype: &str, signature: bool) -> Result<(bool, Option<(f64, f64)>), FilesError> {
        Ok(if signature { (self.is_blank_drawing(sha256).await?, None) } else { (false, self.position_of(sha256, filetype).await?) })
    }

    /// Whether nothing is drawn on a picture that is stored already. What cannot be opened here is not called blank.
    async fn is_blank_drawing(&self, sha256: &str) -> Result<bool, FilesError> {
        let source = Source::Memory(self.read_all(sha256, EVIDENCE_BYTES_MAX).await?);
        match off_thread(Haste::Now, move || source.decoded().map(|decoded| is_blank(&decoded))).await {
            Ok(blank) => Ok(blank),
            Err(FilesError::Picture(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Where a picture that is stored already says that it was taken, like [`Looked::position`]; nowhere of what is no picture.
    async fn position_of(&self, sha256: &str, filetype: &str) -> Result<Option<(f64, f64)>, FilesError> {
        if !filetype.starts_with("image/") {
            return Ok(None);
        }
        let source = Source::Memory(self.read_all(sha256, EVIDENCE_BYTES_MAX).await?);
        off_thread(Haste::Now, move || Ok(source.exif().and_then(|exif| position(&exif)))).await
    }

    /// Looks at a photo in memory without opening it: that it is of a type and size that is accepted, not half of one, and where it says
    /// that it was taken. What is between its markers is opened later.
    pub async fn look_at_photo(&self, content: Bytes) -> Result<Looked, FilesError> {
        off_thread(Haste::Now, move || {
            let source = Source::Memory(content);
            let picture = source.header(KEPT_PIXELS_MAX)?;
            source.ends(picture)?;
            let position = source.exif().and_then(|exif| position(&exif));
            Ok(Looked { picture, blank: false, position })
        })
        .await
    }

    /// Decodes a picture off the async threads, as stored. Waits until enough memory is free.
    pub(super) async fn decode(&self, source: Source, haste: Haste) -> Result<(Picture, DynamicImage), FilesError> {
        let header = source.clone();
        let picture = off_thread(haste, move || header.header(PIXELS_MAX)).await?;
        let megapixels = u32::try_from(picture.pixels().div_ceil(1_000_000).max(1)).unwrap_or(u32::MAX);
        let permit = self.0.decoding.acquire_many(megapixels).await.map_err(|error| FilesError::Unavailable(error.to_string()))?;
        let decoded = off_thread(haste, move || {
            source.ends(picture)?;
            source.decoded()
        })
        .await?;
        drop(permit);
        Ok((picture, decoded))
    }
}

/// Where the bytes of a picture are.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// A local file.
    File(PathBuf),
    /// Here.
    Memory(Bytes),
}

/// What pictures are read from.
trait Readable: BufRead + Seek {}
impl<T: BufRead + Seek> Readable for T {}

impl Source {
    fn open(&self) -> std::io::Result<Box<dyn Readable>> {
        Ok(match self {
            Self::File(path) => Box::new(BufReader::new(std::fs::File::open(path)?)),
            Self::Memory(content) => Box::new(Cursor::new(content.clone())),
        })
    }

    /// By its content; names say nothing.
    fn reader(&self) -> Result<ImageReader<Box<dyn Readable>>, PictureError> {
        let mut reader = ImageReader::new(self.open().map_err(damaged)?).with_guessed_format().map_err(damaged)?;
        reader.limits(limits());
        Ok(reader)
    }

    fn header(&self, pixels_max: u64) -> Result<Picture, PictureError> {
        let reader = self.reader()?;
        let filetype = match reader.format() {
            Some(ImageFormat::Jpeg) => "image/jpeg",
            Some(ImageFormat::Png) => "image/png",
            Some(ImageFormat::WebP) => "image/webp",
            _ => return Err(PictureError::UnknownType),
        };
        let (width, height) = reader.into_dimensions().map_err(|error| PictureError::Damaged(error.to_string()))?;
        let picture = Picture { filetype, size: Some((width, height)) };
        if picture.pixels() > pixels_max || width.max(height) > EDGE_PIXELS_MAX {
            return Err(PictureError::TooManyPixels { width, height });
        }
        Ok(picture)
    }

    /// A picture that is kept and not opened, because it has more pixels than that; `None` of one that is opened. Half of one is none.
    fn large(&self) -> Result<Option<Picture>, PictureError> {
        let picture = self.header(KEPT_PIXELS_MAX)?;
        if self.header(PIXELS_MAX).is_ok() {
            return Ok(None);
        }
        self.ends(picture).map(|()| Some(picture))
    }

    /// Refuses half a JPEG.
    fn ends(&self, picture: Picture) -> Result<(), PictureError> {
        let whole = picture.filetype != "image/jpeg"
            || match self {
                Self::File(path) => has_end(&std::fs::read(path).map_err(damaged)?),
                Self::Memory(content) => has_end(content),
            };
        if whole { Ok(()) } else { Err(PictureError::Damaged("it ends in the middle".to_owned())) }
    }

    fn decoded(&self) -> Result<DynamicImage, PictureError> {
        self.reader()?.decode().map_err(|error| PictureError::Damaged(error.to_string()))
    }

    fn exif(&self) -> Option<exif::Exif> {
        let exif = exif::Reader::new().continue_on_error(true).read_from_container(&mut self.open().ok()?);
        exif.or_else(|error| error.distill_partial_result(|_| ())).ok()
    }

    /// How it must be turned to stand upright. Nothing readable: not at all.
    pub(super) fn orientation(&self) -> Orientation {
        let told = self.exif().and_then(|exif| exif.get_field(exif::Tag::Orientation, exif::In::PRIMARY)?.value.get_uint(0));
        told.and_then(|value| u8::try_from(value).ok()).and_then(Orientation::from_exif).unwrap_or(Orientation::NoTransforms)
    }
}

/// Whether a picture is of one shade, as a signature without a stroke is: transparent counts as white. Photos are larger than
/// what is looked at, and are not looked at.
fn is_blank(picture: &DynamicImage) -> bool {
    if u64::from(picture.width()) * u64::from(picture.height()) > DRAWING_PIXELS_MAX {
        return false;
    }
    let mut shades = [0_u64; 256];
    for pixel in picture.to_luma_alpha8().pixels() {
        let [luma, alpha] = pixel.0.map(u32::from);
        let shade = (luma * alpha + 255 * (255 - alpha)) / 255;
        if let Some(count) = usize::try_from(shade).ok().and_then(|shade| shades.get_mut(shade)) {
            *count += 1;
        }
    }
    let ground = shades.iter().enumerate().max_by_key(|(_, count)| **count).map_or(0, |(shade, _)| shade);
    let ink: u64 = shades.iter().enumerate().filter(|(shade, _)| shade.abs_diff(ground) >= INK_STEPS_MIN).map(|(_, count)| count).sum();
    ink < INK_PIXELS_MIN
}

/// How soon work is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Haste {
    /// Somebody waits for it.
    Now,
    /// Nobody does: it takes what others leave of the processors.
    Idle,
}

/// Runs decoding where it may take its time. A decoder that panics says that the picture is damaged, no more.
pub(super) async fn off_thread<T: Send + 'static>(
    haste: Haste,
    work: impl FnOnce() -> Result<T, PictureError> + Send + 'static,
) -> Result<T, FilesError> {
    let gave_up = || PictureError::Damaged("the decoder gave up".to_owned()).into();
    match haste {
        Haste::Now => match tokio::task::spawn_blocking(work).await {
            Ok(done) => Ok(done?),
            Err(error) if error.is_panic() => Err(gave_up()),
            Err(error) => Err(FilesError::Unavailable(error.to_string())),
        },
        Haste::Idle => Ok(media::supervise::idle("open a photo", work).await.map_err(|_| gave_up())??),
    }
}

fn limits() -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_image_width = Some(EDGE_PIXELS_MAX);
    limits.max_image_height = Some(EDGE_PIXELS_MAX);
    limits.max_alloc = Some(ALLOCATED_BYTES_MAX);
    limits
}

fn damaged(error: std::io::Error) -> PictureError {
    PictureError::Damaged(error.to_string())
}

/// Whether a JPEG has its end marker after the start of its scan. The decoder fills what is missing with grey; half a
/// picture is still not the picture. (The end marker of an EXIF thumbnail lies before the scan and does not count.)
fn has_end(jpeg: &[u8]) -> bool {
    let mut at = 2;
    while let Some(&[0xFF, marker, high, low]) = jpeg.get(at..at + 4) {
        match marker {
            0xDA => return jpeg[at..].windows(2).any(|pair| pair == [0xFF, 0xD9]),
            // Fill bytes and markers without a length.
            0xFF => at += 1,
            0x01 | 0xD0..=0xD8 => at += 2,
            _ => at += 2 + usize::from(u16::from_be_bytes([high, low])),
        }
    }
    false
}

/// The type of a video or a sound recording, where one was announced and the file begins as one. It is kept whole and not opened.
fn clip(path: &Path, told: &str) -> Result<Option<&'static str>, FilesError> {
    use std::io::Read as _;
    let Some(filetype) = EVIDENCE_FILETYPES.into_iter().find(|one| *one == told && !one.starts_with("image/")) else { return Ok(None) };
    let mut head = [0_u8; 12];
    let read = std::fs::File::open(path)?.read(&mut head)?;
    let head = &head[..read];
    let begins = match filetype {
        "video/webm" | "audio/webm" => head.starts_with(&[0x1A, 0x45, 0xDF, 0xA3]),
        "audio/ogg" => head.starts_with(b"OggS"),
        _ => head.get(4..8) == Some(b"ftyp".as_slice()) && !HEIF_BRANDS.iter().any(|brand| head.get(8..12) == Some(brand.as_slice())),
    };
    if begins { Ok(Some(filetype)) } else { Err(PictureError::UnknownType.into()) }
}

fn is_heif(path: &Path) -> Result<bool, FilesError> {
    use std::io::Read as _;
    let mut head = [0_u8; 12];
    let read = std::fs::File::open(path)?.read(&mut head)?;
    Ok(read == 12 && &head[4..8] == b"ftyp" && HEIF_BRANDS.iter().any(|brand| &head[8..12] == brand.as_slice()))
}

/// Where a picture says that it was taken. Nothing readable, or no place on Earth: nowhere.
fn position(exif: &exif::Exif) -> Option<(f64, f64)> {
    let degrees = |tag: exif::Tag, reference: exif::Tag, negative: u8| -> Option<f64> {
        let exif::Value::Rational(parts) = &exif.get_field(tag, exif::In::PRIMARY)?.value else { return None };
        let [degrees, minutes, seconds] = parts.get(..3)? else { return None };
        let value = degrees.to_f64() + minutes.to_f64() / 60.0 + seconds.to_f64() / 3_600.0;
        let exif::Value::Ascii(letters) = &exif.get_field(reference, exif::In::PRIMARY)?.value else { return None };
        let turned = letters.first()?.first()?.eq_ignore_ascii_case(&negative);
        Some(if turned { -value } else { value }).filter(|value| value.is_finite())
    };
    let latitude = degrees(exif::Tag::GPSLatitude, exif::Tag::GPSLatitudeRef, b'S')?;
    let longitude = degrees(exif::Tag::GPSLongitude, exif::Tag::GPSLongitudeRef, b'W')?;
    // Zero and zero is what a phone writes that knows nothing.
    (is_point(latitude, longitude) && (latitude, longitude) != (0.0, 0.0)).then_some((latitude, longitude))
}
