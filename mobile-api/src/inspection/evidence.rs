//! Files that belong to a part: as taken, and what the phone made from them.
//!
//! The evidence is the file as taken. Whatever is made from it is a file of its own that names it by its hash.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Moment;
use crate::limits::{AUDIO_MS_MAX, VIDEO_MS_MAX};

/// What a file is evidence of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceKind {
    /// The file as the camera made it.
    Photo,
    /// Drawn on glass.
    Signature,
    /// Moving pictures, with or without sound.
    Video,
    /// Sound alone.
    Audio,
}

impl EvidenceKind {
    /// How long one may last, milliseconds; nothing of what stands still.
    pub fn duration_ms_max(self) -> Option<u64> {
        match self {
            Self::Photo | Self::Signature => None,
            Self::Video => Some(VIDEO_MS_MAX),
            Self::Audio => Some(AUDIO_MS_MAX),
        }
    }

    /// What its file types begin with.
    pub fn media(self) -> &'static str {
        match self {
            Self::Photo | Self::Signature => "image/",
            Self::Video => "video/",
            Self::Audio => "audio/",
        }
    }
}

/// How a picture was made from the file as taken, on the phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Making {
    /// Smaller, nothing else: it goes first.
    Reduced,
    /// Arrows, circles, words.
    Drawing,
    /// Time, place, officers and inspection written into the picture.
    Watermark,
    /// Places blackened or made coarse; what was there is not in it any more. Who is not of the bureau is shown this one.
    Redaction,
}

/// What a derivative was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Derived {
    /// The evidence that is the file as taken, in the same part.
    pub from: Uuid,
    /// Of that file.
    pub sha256: String,
    /// In no order, each once.
    pub made_by: Vec<Making>,
}

impl Derived {
    /// Whether it is a smaller copy and nothing else.
    pub fn is_reduced(&self) -> bool {
        self.made_by == [Making::Reduced]
    }
}

/// A file that goes up by tus, before or after the part that names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// Made on the phone.
    pub id: Uuid,
    /// Of what.
    pub kind: EvidenceKind,
    /// Of the file as taken.
    pub sha256: String,
    /// Such as `image/jpeg`.
    pub filetype: String,
    /// Length of the file as taken.
    pub bytes: u64,
    /// By the phone's clock.
    pub taken_at: Moment,
    /// The item it shows.
    #[serde(default)]
    pub item_code: Option<String>,
    /// How long it lasts, milliseconds; of videos and sound recordings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// What it was made from; none of a file as taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub derived: Option<Derived>,
}
