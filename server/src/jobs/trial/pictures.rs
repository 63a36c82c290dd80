//! Where the pictures of a trial come from: clips in the object store, and the camera's recordings.

use std::time::Duration;

use media::diagnosis::replay::GAP_MS;
use media::playback::key_frames_of_file;
use media::{KeyFrame, Look, PlaybackError, ReplayError};
use mobile_api::Moment;
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;
use uuid::Uuid;

use super::super::JobError;
use super::Turn;
use crate::domain::noise::RuleFigures;
use crate::domain::trial::{ClipTrial, TriedStretch, sample_size};
use crate::files::FilesError;
use crate::store::rule_proposals::FlagRow;

/// Bytes of a clip: 30 s of a camera that sends a lot.
const CLIP_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Pictures of a clip, and of a recorded file.
const LOOKS_OF_CLIP_MAX: usize = 40;
const LOOKS_OF_FILE_MAX: usize = 400;
/// A recorded file is looked at for so long, so that a turn fits the queue on a busy machine too.
const FILE_TIME: Duration = Duration::from_secs(60);
/// Recordings of so long are drawn from, ms.
const SAMPLE_MS: i64 = 7 * 24 * 3_600_000;
/// Recorded files of a trial.
const FILES_MAX: usize = 40;
/// Recordings are read so much at a time, ms.
const READ_MS: i64 = 60_000;
/// Alerts of a recorded file that are named.
const NAMED_MAX: usize = 20;

impl Turn<'_> {
    /// The key frames of a flag's clip, or why there are none.
    pub(super) async fn keys_of_clip(&self, flag: &FlagRow) -> Result<Result<Vec<KeyFrame>, ClipTrial>, JobError> {
        let (Some(sha256), Some(start_ms)) = (&flag.clip_sha256, flag.clip_start) else { return Ok(Err(ClipTrial::Gone)) };
        let file = match self.app.files.read_all(sha256, CLIP_BYTES_MAX).await {
            Ok(file) => file,
            Err(FilesError::NotFound(_)) => return Ok(Err(ClipTrial::Gone)),
            Err(FilesError::TooLarge { .. }) => return Ok(Err(ClipTrial::Unreadable)),
            Err(error) => return Err(JobError::Retry(error.to_string())),
        };
        Ok(key_frames_of_file(self.camera, &file, start_ms, GAP_MS)
            .map(|mut keys| {
                keys.truncate(LOOKS_OF_CLIP_MAX);
                keys
            })
            .ok_or(ClipTrial::Unreadable))
    }

    /// Measures pictures; those that cannot be decoded are left out.
    pub(super) async fn measured(&mut self, keys: Vec<KeyFrame>) -> Result<Vec<(i64, Look)>, JobError> {
        let mut looks = Vec::with_capacity(keys.len());
        for key in keys {
            match self.replayer.look(&key).await {
                Ok(Some(look)) => looks.push((key.wall_ms, look)),
                Ok(None) => {}
                Err(ReplayError::Busy) => return Err(JobError::NotYet(0)),
                Err(ReplayError::Unavailable(why)) => return Err(JobError::Retry(why)),
            }
        }
        Ok(looks)
    }

    /// How many recorded files of the last week there are, and those that are looked at, the last first. They are chosen by the hash
    /// of their ids, so that another trial looks at the same ones.
    pub(super) fn drawn(&self) -> (usize, Vec<(Uuid, i64, i64)>) {
        let since_ms = self.app.clock.wall_ms() - SAMPLE_MS;
        let mut files: Vec<_> = self.engine.segments(self.camera).into_iter().filter(|file| file.start_ms >= since_ms).collect();
        let recorded = files.len();
        files.sort_by_cached_key(|file| Sha256::digest(file.id.as_bytes()));
        files.truncate(sample_size(recorded, FILES_MAX));
        files.sort_by_key(|file| std::cmp::Reverse(file.start_ms));
        (recorded, files.iter().map(|file| (file.id, file.start_ms, file.end_ms)).collect())
    }

    /// What both figures raise in a recorded file; `None` where it is gone or gives no pictures.
    pub(super) async fn stretch(
        &mut self,
        figures: RuleFigures,
        (id, start_ms, end_ms): (Uuid, i64, i64),
    ) -> Result<Option<TriedStretch>, JobError> {
        let mut looks: Vec<(i64, Look)> = Vec::new();
        let (mut at_ms, began) = (start_ms, Instant::now());
        while at_ms < end_ms && looks.len() < LOOKS_OF_FILE_MAX && began.elapsed() < FILE_TIME {
            self.go_on()?;
            let until_ms = at_ms.saturating_add(READ_MS).min(end_ms);
            let keys = match self.engine.key_frames(self.camera, (at_ms, until_ms), GAP_MS).await {
                Ok(keys) => keys,
                // Retention was here, or there is a gap.
                Err(PlaybackError::Nothing) => Vec::new(),
                Err(error) => {
                    tracing::warn!(camera = %self.camera, %error, "a part of a recording is left out of a trial");
                    Vec::new()
                }
            };
            let left = LOOKS_OF_FILE_MAX - looks.len();
            // What begins before the minute was read with the one before.
            let keys = keys.into_iter().filter(|key| key.wall_ms >= at_ms).take(left).collect();
            looks.extend(self.measured(keys).await?);
            at_ms = until_ms;
        }
        let (Some((first_ms, _)), Some((last_ms, _))) = (looks.first(), looks.last()) else { return Ok(None) };
        let (start, end) = (Moment(*first_ms), Moment(*last_ms));
        let judge = self.judge.clone();
        let compare = move || {
            let present = super::figures_of(&judge.settings, judge.kind);
            [present, figures].map(|figures| judge.replay(figures, &looks).raised_ms)
        };
        let raised = self.app.supervisor.blocking("trial of figures", compare).await;
        let [now, then] = raised.map_err(|error| JobError::Retry(error.to_string()))?;
        let moments = |raised: Vec<i64>| raised.into_iter().take(NAMED_MAX).map(Moment).collect();
        Ok(Some(TriedStretch { segment_id: id.to_string(), start, end, now: moments(now), then: moments(then) }))
    }
}
