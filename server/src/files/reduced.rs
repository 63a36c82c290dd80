//! Reduced copies of pictures for lists and pages: made when first asked for, off the async threads, and cached.
//!
//! A copy can always be made again, so the cache lies beside the store and is cut back by age. A reduced picture is no
//! evidence; the file as taken is.

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use bytes::Bytes;
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageFormat};
use uuid::Uuid;

use super::picture::{Haste, Source, off_thread};
use super::{Files, FilesError, PictureError};

/// Widths in pixels that copies have; what is asked for is rounded up to one of them.
pub const REDUCED_WIDTHS: [u32; 5] = [160, 320, 640, 1_280, 1_920];
/// JPEG quality of copies.
const QUALITY: u8 = 82;
/// The largest picture that is reduced, bytes.
const SOURCE_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// A picture at a width.
#[derive(Debug, Clone)]
pub enum Reduced {
    /// The file itself is no wider, or cannot be reduced: send it as it is.
    AsStored,
    /// A copy.
    Copy {
        /// `image/jpeg` or `image/png`
        filetype: &'static str,
        /// The picture.
        content: Bytes,
    },
}

impl Files {
    /// A copy of the picture with this hash that is at least `width` pixels wide, or the picture itself.
    pub async fn reduced(&self, sha256: &str, filetype: &str, width: u32, haste: Haste) -> Result<Reduced, FilesError> {
        let Some(width) = REDUCED_WIDTHS.into_iter().find(|step| *step >= width) else {
            return Ok(Reduced::AsStored);
        };
        // Drawings keep their transparency.
        let (copy_type, extension) = match filetype {
            "image/png" => ("image/png", "png"),
            "image/jpeg" | "image/webp" => ("image/jpeg", "jpg"),
            _ => return Ok(Reduced::AsStored),
        };
        let folder = self.0.reduced.join(sha256.get(..2).unwrap_or("xx"));
        let cached = folder.join(format!("{sha256}-{width}.{extension}"));
        if let Ok(content) = tokio::fs::read(&cached).await {
            return Ok(Reduced::Copy { filetype: copy_type, content: content.into() });
        }
        let source = Source::Memory(self.read_all(sha256, SOURCE_BYTES_MAX).await?);
        let (picture, decoded) = match self.decode(source.clone(), haste).await {
            Err(FilesError::Picture(PictureError::TooManyPixels { .. })) => return Ok(Reduced::AsStored),
            decoded => decoded?,
        };
        let made = off_thread(haste, move || reduce(decoded, &source, width, copy_type)).await?;
        let Some(content) = made else {
            return Ok(Reduced::AsStored);
        };
        tracing::debug!(sha256, width, of = ?picture.size, bytes = content.len(), "made a reduced copy");
        keep(&folder, &cached, &content).await?;
        Ok(Reduced::Copy { filetype: copy_type, content: content.into() })
    }

    /// Cuts the cache of copies back to `bytes_max`, oldest first. Gives what was removed, bytes.
    pub async fn sweep_reduced(&self, bytes_max: u64) -> Result<u64, FilesError> {
        let root = self.0.reduced.clone();
        tokio::task::spawn_blocking(move || sweep(&root, bytes_max))
            .await
            .map_err(|error| FilesError::Unavailable(error.to_string()))?
            .map_err(FilesError::from)
    }
}

/// `None` where the picture is no wider already.
fn reduce(decoded: DynamicImage, source: &Source, width: u32, filetype: &str) -> Result<Option<Vec<u8>>, PictureError> {
    let mut upright = decoded;
    // Turning a small picture is cheaper than turning a large one, but then width and height change places.
    let orientation = source.orientation();
    let turned = orientation.to_exif() >= 5;
    let across = if turned { upright.height() } else { upright.width() };
    if across <= width {
        return Ok(None);
    }
    let along = if turned { upright.width() } else { upright.height() };
    let height = u32::try_from(u64::from(along) * u64::from(width) / u64::from(across)).unwrap_or(1).max(1);
    upright = if turned { upright.thumbnail_exact(height, width) } else { upright.thumbnail_exact(width, height) };
    upright.apply_orientation(orientation);
    let mut content = Cursor::new(Vec::new());
    let written = if filetype == "image/png" {
        upright.write_to(&mut content, ImageFormat::Png)
    } else {
        upright.to_rgb8().write_with_encoder(JpegEncoder::new_with_quality(&mut content, QUALITY))
    };
    written.map_err(|error| PictureError::Damaged(error.to_string()))?;
    Ok(Some(content.into_inner()))
}

/// Written beside and renamed, so that nobody reads half a copy.
async fn keep(folder: &Path, target: &Path, content: &[u8]) -> Result<(), FilesError> {
    tokio::fs::create_dir_all(folder).await?;
    let beside = folder.join(format!(".{}", Uuid::now_v7()));
    tokio::fs::write(&beside, content).await?;
    tokio::fs::rename(&beside, target).await?;
    Ok(())
}

fn sweep(root: &Path, bytes_max: u64) -> std::io::Result<u64> {
    let mut copies: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
    for folder in std::fs::read_dir(root)? {
        for copy in std::fs::read_dir(folder?.path())? {
            let copy = copy?;
            let meta = copy.metadata()?;
            copies.push((meta.modified()?, meta.len(), copy.path()));
        }
    }
    copies.sort();
    let mut excess = copies.iter().map(|copy| copy.1).sum::<u64>().saturating_sub(bytes_max);
    let mut removed = 0;
    for (_, bytes, path) in copies {
        if excess == 0 {
            break;
        }
        std::fs::remove_file(path)?;
        excess = excess.saturating_sub(bytes);
        removed += bytes;
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use image::RgbImage;

    use super::*;

    fn jpeg(width: u32, height: u32, orientation: Option<u8>) -> Vec<u8> {
        let mut content = Cursor::new(Vec::new());
        let mut picture = RgbImage::new(width, height);
        for (x, y, pixel) in picture.enumerate_pixels_mut() {
            *pixel = image::Rgb([u8::try_from(x % 256).unwrap_or(0), u8::try_from(y % 256).unwrap_or(0), 90]);
        }
        picture.write_with_encoder(JpegEncoder::new(&mut content)).expect("encodes");
        let plain = content.into_inner();
        let Some(orientation) = orientation else { return plain };
        // APP1 with a big-endian TIFF of one entry, after SOI.
        let mut exif = vec![0xFF, 0xE1, 0, 34];
        exif.extend_from_slice(b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0");
        exif.extend_from_slice(&[orientation, 0, 0, 0, 0, 0, 0]);
        [&plain[..2], &exif, &plain[2..]].concat()
    }

    async fn stored(files: &Files, content: Vec<u8>) -> (String, Result<super::super::Picture, FilesError>) {
        let spooled = files.spool(futures::stream::iter([Ok::<_, std::io::Error>(content.into())]), 50_000_000).await.expect("spooled");
        let looked = files.look_at(spooled.path(), true).await;
        files.put(&spooled).await.expect("put");
        (spooled.sha256.clone(), looked)
    }

    fn open() -> (tempfile::TempDir, Files) {
        let folder = tempfile::tempdir().expect("a folder");
        let files = Files::open(folder.path(), None).expect("opens");
        (folder, files)
    }

    #[tokio::test]
    async fn a_copy_is_upright_small_and_cached() {
        let (folder, files) = open();
        let (sha256, looked) = stored(&files, jpeg(1_000, 500, Some(6))).await;
        assert_eq!(looked.expect("a picture").size, Some((1_000, 500)));
        let Reduced::Copy { filetype, content } = files.reduced(&sha256, "image/jpeg", 300, Haste::Now).await.expect("reduced") else {
            panic!("a copy was asked for");
        };
        assert_eq!(filetype, "image/jpeg");
        let copy = image::load_from_memory(&content).expect("a picture");
        assert_eq!((copy.width(), copy.height()), (320, 640), "turned by a quarter and rounded up to a step");
        let cached = folder.path().join("reduced").join(&sha256[..2]).join(format!("{sha256}-320.jpg"));
        std::fs::write(&cached, b"from the cache").expect("writes");
        let Reduced::Copy { content, .. } = files.reduced(&sha256, "image/jpeg", 300, Haste::Now).await.expect("reduced") else {
            panic!("a copy was asked for");
        };
        assert_eq!(content.as_ref(), b"from the cache");
        assert!(
            matches!(files.reduced(&sha256, "image/jpeg", 640, Haste::Now).await.expect("reduced"), Reduced::AsStored),
            "not wider than it is"
        );
        assert!(matches!(files.reduced(&sha256, "image/heic", 320, Haste::Now).await.expect("reduced"), Reduced::AsStored));
        assert_eq!(files.sweep_reduced(100).await.expect("sweeps"), 0);
        assert_eq!(files.sweep_reduced(1).await.expect("sweeps"), 14);
        assert!(!cached.exists());
    }

    #[tokio::test]
    async fn broken_exif_is_no_error() {
        let (_folder, files) = open();
        let mut content = jpeg(400, 300, Some(6));
        for byte in &mut content[14..36] {
            *byte = 0xFE;
        }
        let (sha256, looked) = stored(&files, content).await;
        assert_eq!(looked.expect("a picture all the same").filetype, "image/jpeg");
        assert!(matches!(files.reduced(&sha256, "image/jpeg", 160, Haste::Now).await.expect("reduced"), Reduced::Copy { .. }));
    }

    #[tokio::test]
    async fn what_is_no_picture_or_a_bomb_is_refused() {
        let (_folder, files) = open();
        let picture = |result: Result<super::super::Picture, FilesError>| match result {
            Err(FilesError::Picture(error)) => error,
            other => panic!("refused as a picture, not {other:?}"),
        };
        assert_eq!(picture(stored(&files, b"GIF89a and so on".to_vec()).await.1), PictureError::UnknownType);
        assert_eq!(picture(stored(&files, Vec::new()).await.1), PictureError::UnknownType);
        let whole = jpeg(800, 600, None);
        assert!(matches!(picture(stored(&files, whole[..whole.len() / 8].to_vec()).await.1), PictureError::Damaged(_)));

        // A PNG whose header promises 50,000 x 50,000 pixels in a few bytes.
        let mut bomb = Cursor::new(Vec::new());
        RgbImage::new(8, 8).write_to(&mut bomb, ImageFormat::Png).expect("encodes");
        let mut bomb = bomb.into_inner();
        for (edge, at) in [(7_000_u32, 16), (7_000_u32, 20)] {
            bomb[at..at + 4].copy_from_slice(&edge.to_be_bytes());
        }
        let crc = crc32(&bomb[12..29]);
        bomb[29..33].copy_from_slice(&crc.to_be_bytes());
        assert_eq!(picture(stored(&files, bomb).await.1), PictureError::TooManyPixels { width: 7_000, height: 7_000 });

        let heif = [&[0, 0, 0, 24][..], b"ftypheic", &[0; 12]].concat();
        assert_eq!(stored(&files, heif).await.1.expect("kept unopened").filetype, "image/heic");
    }

    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(u32::MAX, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 })
        })
    }
}
