//! The rules run again over pictures that were recorded.
//!
//! Every picture that is handed in is looked at, in the order of its time: at least as often as live, where sizes and the routine
//! choose which key frames are worth it. So what is raised live is raised here, and what lasts shorter than live looks are apart
//! may be raised here alone. Each run begins with what is known of the camera now.

use super::judge::Verdict;
use super::look::Look;
use super::reference::Remembered;
use super::settings::{DiagnosisKind, DiagnosisSettings};
use super::watch::{At, CameraWatch, DECIDING_GAP_MS, LookReason};
use crate::camera::ArmedHours;
use crate::event::Phase;

/// Least time between pictures of a replay: as near as live looks come, milliseconds.
#[expect(clippy::cast_possible_wrap, reason = "less than a second")]
pub const GAP_MS: i64 = DECIDING_GAP_MS as i64;

/// What a replay showed of one kind.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Replayed {
    /// When it was raised, milliseconds UTC.
    pub raised_ms: Vec<i64>,
    /// The measure of each look that showed it.
    pub shown: Vec<f64>,
    /// How long it was shown at a time, from the first look that shows it to the first that rules it out, milliseconds.
    pub lasted_ms: Vec<i64>,
    /// The pictures end while it is shown, since then, milliseconds UTC.
    pub shown_since_ms: Option<i64>,
    /// Since then, and the pictures end before it could be raised, milliseconds UTC.
    pub pending_since_ms: Option<i64>,
}

/// Runs the rules over measured pictures, the oldest first, with what is known of the camera; says what comes of `kind`.
#[must_use]
pub fn replay(
    settings: &DiagnosisSettings,
    armed_hours: Option<&ArmedHours>,
    known: &Remembered,
    kind: DiagnosisKind,
    looks: &[(i64, Look)],
) -> Replayed {
    let mut watch = CameraWatch::new(settings.clone(), armed_hours.cloned(), Some(known.clone()));
    let mut replayed = Replayed::default();
    let mut since_ms = None;
    let first_ms = looks.first().map_or(0, |(wall_ms, _)| *wall_ms);
    for (wall_ms, look) in looks {
        let mono_ms = u64::try_from(wall_ms.saturating_sub(first_ms)).unwrap_or(0);
        let findings = watch.note_look(look.clone(), At { mono_ms, wall_ms: *wall_ms }, LookReason::Routine);
        replayed.raised_ms.extend(findings.iter().filter(|one| one.kind == kind && one.phase == Phase::Raised).map(|one| one.at_ms));
        match watch.judged(kind) {
            Some(judged) if judged.verdict == Verdict::Present => {
                replayed.shown.push(judged.measure);
                since_ms.get_or_insert(*wall_ms);
            }
            Some(judged) if judged.verdict == Verdict::Absent => {
                replayed.lasted_ms.extend(since_ms.take().map(|since_ms| wall_ms - since_ms));
            }
            _ => {}
        }
    }
    replayed.shown_since_ms = since_ms;
    replayed.pending_since_ms = watch.pending_since_ms(kind);
    replayed
}

#[cfg(test)]
mod tests {
    use super::super::look::{CELLS, TILES};
    use super::*;

    /// An even picture of some brightness.
    fn look(luma: u16) -> Look {
        Look {
            width: 1280,
            height: 720,
            colour: 9.0,
            cells: vec![luma * 256; CELLS],
            fine: vec![0.0; TILES],
            strokes: vec![0; CELLS.div_ceil(8)],
        }
    }

    fn dark(settings: &DiagnosisSettings, lumas: &[u16]) -> Replayed {
        let looks: Vec<(i64, Look)> = (0..).map(|second| second * 1_000).zip(lumas.iter().map(|luma| look(*luma))).collect();
        replay(settings, None, &Remembered::default(), DiagnosisKind::Black, &looks)
    }

    #[test]
    fn another_threshold_and_another_duration_change_what_is_raised() {
        let mut settings = DiagnosisSettings::default();
        let lumas = [90, 20, 20, 20, 20, 20, 20, 20, 90, 90];
        let now = dark(&settings, &lumas);
        assert_eq!(now.raised_ms, [6_000]);
        assert_eq!((now.shown.len(), now.shown[0].round(), now.lasted_ms, now.shown_since_ms), (7, 20.0, vec![7_000], None));
        settings.rule_mut(DiagnosisKind::Black).threshold = 19.0;
        assert!(dark(&settings, &lumas).raised_ms.is_empty());
        let rule = settings.rule_mut(DiagnosisKind::Black);
        (rule.threshold, rule.duration_ms) = (30.0, 10_000);
        assert!(dark(&settings, &lumas).raised_ms.is_empty());
    }

    #[test]
    fn pictures_that_end_too_early_leave_it_pending() {
        let cut = dark(&DiagnosisSettings::default(), &[90, 20, 20, 20]);
        assert_eq!((cut.raised_ms.len(), cut.pending_since_ms, cut.shown_since_ms), (0, Some(1_000), Some(1_000)));
    }
}
