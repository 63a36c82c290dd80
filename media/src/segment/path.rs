//! Names of recorded files: the folder says whose and which day, the name when it starts and which segment it is.

use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::camera::CameraId;

/// What a recorded file's path says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SegmentName {
    /// Which camera.
    pub camera: CameraId,
    /// First instant, milliseconds UTC.
    pub start_ms: i64,
    /// Which segment.
    pub id: Uuid,
}

impl SegmentName {
    /// The path below the recordings folder.
    #[must_use]
    pub fn relative(&self) -> String {
        format!("{}/{}/{}_{}.mp4", self.camera, day(self.start_ms), self.start_ms, self.id)
    }

    /// The path of the file.
    #[must_use]
    pub fn below(&self, recordings: &Path) -> PathBuf {
        recordings.join(self.camera.to_string()).join(day(self.start_ms)).join(format!("{}_{}.mp4", self.start_ms, self.id))
    }

    /// Reads a file's name in the folder of `camera`; `None` for files that are not segments.
    #[must_use]
    pub fn parse(camera: CameraId, file_name: &str) -> Option<Self> {
        let (start, id) = file_name.strip_suffix(".mp4")?.split_once('_')?;
        Some(Self { camera, start_ms: start.parse().ok()?, id: id.parse().ok()? })
    }
}

/// The UTC day of `at_ms` as `yyyymmdd`; moments beyond the calendar's years are put at 1970-01-01.
#[must_use]
pub fn day(at_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(at_ms).unwrap_or_default().strftime("%Y%m%d").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        assert_eq!(day(0), "19700101");
        assert_eq!(day(951_782_400_000), "20000229");
        assert_eq!(day(1_767_225_599_999), "20251231");
        assert_eq!(day(1_767_225_600_000), "20260101");
    }

    #[test]
    fn a_name_is_read_as_it_was_written() {
        let name = SegmentName { camera: Uuid::from_u128(7), start_ms: 1_767_225_600_123, id: Uuid::from_u128(9) };
        let relative = name.relative();
        let file = relative.rsplit('/').next().expect("a file name");
        assert_eq!(SegmentName::parse(name.camera, file), Some(name));
        assert!(name.below(Path::new("/r")).ends_with(&relative));
        assert_eq!(SegmentName::parse(name.camera, "notes.txt"), None);
    }
}
