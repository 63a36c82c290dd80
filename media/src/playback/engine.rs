//! The engine's answers to whoever wants to see something.

use bytes::Bytes;
use uuid::Uuid;

use super::PlaybackError;
use super::export::{EXPORT_MS_MAX, Export};
use super::keys::KEYS_MS_MAX;
use super::live::{self, Awaited, LiveError, LiveName};
use super::select::{Recorded, select};
use super::vod::{self, PLAYLIST_MS_MAX};
use crate::analyse::{KeyFrame, Still, StillError};
use crate::camera::CameraId;
use crate::engine::Engine;
use crate::segment::sample::first_sample;
use crate::segment::{FragmentEntry, SegmentError, SegmentFile};

impl Engine {
    /// The live playlist, as soon as it holds what is awaited.
    ///
    /// # Errors
    /// [`LiveError`].
    pub async fn live_playlist(&self, camera: CameraId, awaited: Option<Awaited>) -> Result<Bytes, LiveError> {
        let ring = self.live(camera).ok_or(LiveError::NotLive)?;
        live::playlist(&ring, awaited, live::PATIENCE).await
    }

    /// What a name in the live playlist stands for: header, segment or part.
    ///
    /// # Errors
    /// [`LiveError`].
    pub async fn live_file(&self, camera: CameraId, name: LiveName) -> Result<Bytes, LiveError> {
        let ring = self.live(camera).ok_or(LiveError::NotLive)?;
        match name {
            LiveName::Init(generation) => live::init(&ring, generation).ok_or(LiveError::Gone),
            LiveName::Part(segment, part) => live::part(&ring, segment, part, live::PATIENCE).await,
            LiveName::Segment(segment) => match live::segment(&ring, segment, live::PATIENCE).await? {
                Some(data) => Ok(data),
                None => self.past_fragment(camera, segment).await,
            },
        }
    }

    /// A fragment that has left memory, from the newest files.
    async fn past_fragment(&self, camera: CameraId, sequence: u64) -> Result<Bytes, LiveError> {
        const FILES_MAX: usize = 3;
        let index = self.index();
        let read = move || -> Option<Bytes> {
            let mut newest = index.segments(camera);
            newest.reverse();
            newest.iter().take(FILES_MAX).find_map(|info| {
                let mut file = index.open(camera, info).ok()?;
                let entry = file.fragments.iter().find(|entry| entry.mark.sequence == sequence)?.clone();
                file.media(&entry).ok()
            })
        };
        let found = self.supervisor().blocking("live fragment", read).await;
        found.ok().flatten().ok_or(LiveError::Gone)
    }

    /// Any stretch as one MP4 file.
    ///
    /// # Errors
    /// [`PlaybackError`].
    pub async fn export(&self, camera: CameraId, start_ms: i64, end_ms: i64) -> Result<Export, PlaybackError> {
        let (index, supervisor) = (self.index(), self.supervisor().clone());
        let lay_out = move || Export::lay_out(select(&index, camera, (start_ms, end_ms), EXPORT_MS_MAX)?, supervisor);
        self.supervisor().blocking("export layout", lay_out).await?
    }

    /// A playlist of what is recorded of a stretch.
    ///
    /// # Errors
    /// [`PlaybackError`].
    pub async fn recorded_playlist(&self, camera: CameraId, start_ms: i64, end_ms: i64) -> Result<String, PlaybackError> {
        let index = self.index();
        let write = move || -> Result<String, PlaybackError> {
            let found = select(&index, camera, (start_ms, end_ms), PLAYLIST_MS_MAX)?;
            Ok(vod::playlist(&found))
        };
        self.supervisor().blocking("playlist", write).await?
    }

    /// Header of a recorded file, as [`vod::init_uri`] names it.
    ///
    /// # Errors
    /// [`PlaybackError::Nothing`] when it is not there any more.
    pub async fn recorded_init(&self, camera: CameraId, segment: Uuid) -> Result<Bytes, PlaybackError> {
        self.with_file(camera, segment, |file| Ok(file.init.clone())).await
    }

    /// A stored fragment, as [`vod::fragment_uri`] names it.
    ///
    /// # Errors
    /// [`PlaybackError::Nothing`] when it is not there (any more).
    pub async fn recorded_fragment(&self, camera: CameraId, segment: Uuid, number: usize) -> Result<Bytes, PlaybackError> {
        let read = move |file: &mut SegmentFile| {
            let entry = file.fragments.get(number).cloned().ok_or(PlaybackError::Nothing)?;
            Ok(file.media(&entry)?)
        };
        self.with_file(camera, segment, read).await
    }

    async fn with_file(
        &self,
        camera: CameraId,
        segment: Uuid,
        read: impl FnOnce(&mut SegmentFile) -> Result<Bytes, PlaybackError> + Send + 'static,
    ) -> Result<Bytes, PlaybackError> {
        let index = self.index();
        let work = move || {
            let segments = index.segments(camera);
            let info = segments.iter().find(|info| info.id == segment).ok_or(PlaybackError::Nothing)?;
            match index.open(camera, info) {
                Ok(mut file) => read(&mut file),
                Err(SegmentError::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => Err(PlaybackError::Nothing),
                Err(error) => Err(error.into()),
            }
        };
        self.supervisor().blocking("recorded file", work).await?
    }

    /// The picture that was shown at an instant: the key frame at or before it.
    ///
    /// # Errors
    /// [`StillError::NoPicture`] when nothing is recorded of it; others when it cannot be decoded.
    pub async fn still_at(&self, camera: CameraId, at_ms: i64, width_max: Option<u32>) -> Result<Still, StillError> {
        let index = self.index();
        let find = move || -> Result<KeyFrame, PlaybackError> {
            let mut found = select(&index, camera, (at_ms, at_ms.saturating_add(1)), EXPORT_MS_MAX)?;
            key_frame(camera, found.first_mut().ok_or(PlaybackError::Nothing)?)
        };
        let found = self.supervisor().blocking("still", find).await;
        let key_frame = found.map_err(|error| StillError::Unavailable(error.to_string()))?.map_err(|error| match error {
            PlaybackError::Nothing => StillError::NoPicture,
            other => StillError::BadPicture(other.to_string()),
        })?;
        self.analyser().decode_still(key_frame, width_max).await
    }

    /// The key frames that are recorded of a stretch of at most two minutes, `gap_ms_min` apart or more. Those that follow a loss
    /// are left out, as the recorder hands none of them to the analysis.
    ///
    /// # Errors
    /// [`PlaybackError`].
    pub async fn key_frames(
        &self,
        camera: CameraId,
        (start_ms, end_ms): (i64, i64),
        gap_ms_min: i64,
    ) -> Result<Vec<KeyFrame>, PlaybackError> {
        let index = self.index();
        let read = move || -> Result<Vec<KeyFrame>, PlaybackError> {
            let (mut keys, mut next_ms) = (Vec::new(), start_ms);
            for mut recorded in select(&index, camera, (start_ms, end_ms), KEYS_MS_MAX)? {
                for (_, entry) in recorded.wanted.clone() {
                    if entry.mark.sync && !entry.mark.damaged && entry.mark.wall_ms >= next_ms {
                        keys.push(key_frame_of(camera, &mut recorded, &entry)?);
                        next_ms = entry.mark.wall_ms.saturating_add(gap_ms_min);
                    }
                }
            }
            Ok(keys)
        };
        self.supervisor().blocking("key frames", read).await?
    }
}

/// The key frame that a selection begins with.
fn key_frame(camera: CameraId, recorded: &mut Recorded) -> Result<KeyFrame, PlaybackError> {
    let (_, entry) = recorded.wanted.first().cloned().ok_or(PlaybackError::Nothing)?;
    key_frame_of(camera, recorded, &entry)
}

/// The key frame that a fragment begins with.
fn key_frame_of(camera: CameraId, recorded: &mut Recorded, entry: &FragmentEntry) -> Result<KeyFrame, PlaybackError> {
    let header = recorded.file.header(entry)?;
    let first_chunk = header.chunks.first().map_or(0, |chunk| u64::from(chunk.len));
    let media = recorded.file.read(entry.offset + header.len() as u64, first_chunk)?;
    let what = "a fragment without a key frame";
    let data = first_sample(&media).ok_or(SegmentError::Damaged { offset: entry.offset, what })?;
    let video = &recorded.video;
    Ok(KeyFrame {
        camera,
        codec: video.codec,
        config: video.config.clone(),
        width: video.width,
        height: video.height,
        wall_ms: entry.mark.wall_ms,
        data,
    })
}
