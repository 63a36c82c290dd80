//! The newest pictures of the cameras that walls show: decoded once, however many walls there are.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use media::Engine;
use uuid::Uuid;

/// Pictures that are kept; those that nobody waits for give way.
const PICTURES_MAX: usize = 512;
/// A camera's picture is made anew at most this often, milliseconds.
pub(super) const PICTURE_INTERVAL_MS: i64 = 2_000;
/// The widths that are made, pixels: walls ask for any, and share these.
const WIDTHS: [u32; 4] = [320, 480, 640, 960];

/// A picture for walls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Picture {
    /// When its key frame came, milliseconds UTC.
    pub(super) at_ms: i64,
    /// As JPEG.
    pub(super) jpeg: Bytes,
}

type Slot = Arc<tokio::sync::Mutex<Option<Picture>>>;

/// What walls share.
#[derive(Debug, Clone, Default)]
pub struct WallPictures(Arc<Mutex<HashMap<(Uuid, u32), Slot>>>);

impl WallPictures {
    /// The newest picture of a camera, where there is one after `shown_ms`; the next is due [`PICTURE_INTERVAL_MS`] later.
    pub(super) async fn after(&self, engine: &Engine, camera: Uuid, width: u32, shown_ms: i64) -> Option<Picture> {
        let due = |at_ms: i64, from_ms: i64| at_ms - from_ms >= PICTURE_INTERVAL_MS || at_ms < from_ms;
        engine.picture_at_ms(camera).filter(|at_ms| due(*at_ms, shown_ms))?;
        let width = width_step(width);
        let slot = self.slot(camera, width);
        // Walls that want the same picture wait for the one that makes it.
        let mut kept = slot.lock().await;
        let newest_ms = engine.picture_at_ms(camera)?;
        if let Some(picture) = kept.as_ref().filter(|picture| !due(newest_ms, picture.at_ms)) {
            return due(picture.at_ms, shown_ms).then(|| picture.clone());
        }
        let still = engine.still(camera, Some(width)).await.ok()?;
        let picture = Picture { at_ms: still.at_ms, jpeg: still.jpeg.into() };
        *kept = Some(picture.clone());
        Some(picture)
    }

    fn slot(&self, camera: Uuid, width: u32) -> Slot {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= PICTURES_MAX && !slots.contains_key(&(camera, width)) {
            slots.retain(|_, slot| Arc::strong_count(slot) > 1);
        }
        slots.entry((camera, width)).or_default().clone()
    }
}

/// The narrowest width that is wide enough.
fn width_step(wanted: u32) -> u32 {
    WIDTHS.into_iter().find(|width| *width >= wanted).unwrap_or(WIDTHS[WIDTHS.len() - 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_width_becomes_one_of_a_few() {
        let steps: Vec<u32> = [1, 320, 321, 600, 960, 4_000].into_iter().map(width_step).collect();
        assert_eq!(steps, [320, 320, 480, 640, 960, 960]);
    }

    #[test]
    fn pictures_that_nobody_waits_for_give_way() {
        let pictures = WallPictures::default();
        let waiting = pictures.slot(Uuid::from_u128(1), 320);
        for number in 2..=PICTURES_MAX as u128 {
            pictures.slot(Uuid::from_u128(number), 320);
        }
        pictures.slot(Uuid::from_u128(10_000), 320);
        let kept = pictures.0.lock().unwrap().len();
        assert_eq!(kept, 2, "the one waited for and the newest");
        assert!(Arc::ptr_eq(&waiting, &pictures.slot(Uuid::from_u128(1), 320)));
    }
}
