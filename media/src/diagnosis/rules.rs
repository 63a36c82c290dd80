//! Patience: from what each look says to what is told.
//!
//! A kind is *pending* from the first look that shows it, *raised* once it has lasted its duration over at least two
//! looks (three for `moved` and `frozen`), told again at its repeat interval, and *cleared* when looks have shown it gone for its
//! clearing time. A look that says neither (the measure is within the margin beside its threshold) moves nothing: that
//! is the hysteresis in value. The first kind that holds hides those after it.

use super::judge::{Judged, Verdict};
use super::settings::{DiagnosisKind, DiagnosisSettings};
use super::watch::At;
use crate::event::Phase;

/// Kinds that pictures show, first cause first.
pub const PRECEDENCE: [DiagnosisKind; 7] = [
    DiagnosisKind::Black,
    DiagnosisKind::OverExposed,
    DiagnosisKind::Covered,
    DiagnosisKind::Frozen,
    DiagnosisKind::Blurred,
    DiagnosisKind::Moved,
    DiagnosisKind::LowContrast,
];

/// A kind that no look has shown for this long while none could rule it out is not pending any more.
const PENDING_MS_MAX: u64 = 30_000;

/// Something to tell.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// What.
    pub kind: DiagnosisKind,
    /// Raised, repeated or cleared.
    pub phase: Phase,
    /// When this was decided, milliseconds UTC.
    pub at_ms: i64,
    /// When the condition began, milliseconds UTC.
    pub began_ms: i64,
    /// The measured value.
    pub measure: f64,
    /// The threshold it passed.
    pub threshold: f64,
    /// How often it has been told since it was raised.
    pub count: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Default)]
enum Stage {
    #[default]
    Idle,
    Pending {
        since: At,
        shown_mono_ms: u64,
        looks: u32,
    },
    Raised {
        began_ms: i64,
        told_mono_ms: u64,
        count: u32,
        gone_since_mono_ms: Option<u64>,
    },
}

/// Where each kind stands for one camera.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    stages: [Stage; PRECEDENCE.len()],
}

impl Rules {
    /// Takes what one look shows, in the order of [`PRECEDENCE`], and says what is to be told.
    pub fn note(&mut self, settings: &DiagnosisSettings, judged: &[Judged; PRECEDENCE.len()], at: At) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut is_hidden = false;
        for (stage, judged) in self.stages.iter_mut().zip(judged) {
            let rule = settings.rule(judged.kind);
            let verdict = if rule.enabled { judged.verdict } else { Verdict::Absent };
            if is_hidden {
                // What was pending may have been the first sign of the other cause; what is raised waits for a look
                // that can tell.
                if matches!(stage, Stage::Pending { .. }) {
                    *stage = Stage::Idle;
                }
                continue;
            }
            let step = Step { judged, at, threshold: judged.threshold, looks_min: looks_min(judged.kind) };
            findings.extend(step.advance(stage, verdict, rule.duration_ms, rule.clear_ms, rule.repeat_interval_ms));
            is_hidden = verdict == Verdict::Present || matches!(stage, Stage::Raised { .. });
        }
        findings
    }

    /// The stream began anew: time without looks does not count towards a duration.
    pub fn restarted(&mut self) {
        for stage in &mut self.stages {
            match stage {
                Stage::Pending { .. } => *stage = Stage::Idle,
                Stage::Raised { gone_since_mono_ms, .. } => *gone_since_mono_ms = None,
                Stage::Idle => {}
            }
        }
    }

    /// Whether something is pending or about to be cleared, so that every key frame is worth a look.
    #[must_use]
    pub fn is_deciding(&self) -> bool {
        self.stages.iter().any(|stage| matches!(stage, Stage::Pending { .. } | Stage::Raised { gone_since_mono_ms: Some(_), .. }))
    }

    /// Whether something is raised.
    #[must_use]
    pub fn is_any_raised(&self) -> bool {
        self.stages.iter().any(|stage| matches!(stage, Stage::Raised { .. }))
    }

    /// Whether nothing is pending or raised: only then may anything be learned from the picture.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.stages.iter().all(|stage| matches!(stage, Stage::Idle))
    }

    /// The kind that is raised now, first cause first.
    #[must_use]
    pub fn raised(&self) -> Option<DiagnosisKind> {
        let at = self.stages.iter().position(|stage| matches!(stage, Stage::Raised { .. }))?;
        PRECEDENCE.get(at).copied()
    }

    /// Since when a kind has been shown that is not raised yet, milliseconds UTC.
    #[must_use]
    pub fn pending_since_ms(&self, kind: DiagnosisKind) -> Option<i64> {
        let at = PRECEDENCE.iter().position(|known| *known == kind)?;
        match self.stages[at] {
            Stage::Pending { since, .. } => Some(since.wall_ms),
            Stage::Idle | Stage::Raised { .. } => None,
        }
    }
}

/// Looks that must show a kind before it is raised.
fn looks_min(kind: DiagnosisKind) -> u32 {
    match kind {
        DiagnosisKind::Moved | DiagnosisKind::Frozen => 3,
        _ => 2,
    }
}

struct Step<'a> {
    judged: &'a Judged,
    at: At,
    threshold: f64,
    looks_min: u32,
}

impl Step<'_> {
    fn advance(&self, stage: &mut Stage, verdict: Verdict, duration_ms: u64, clear_ms: u64, repeat_interval_ms: u64) -> Option<Finding> {
        let now = self.at.mono_ms;
        match (*stage, verdict) {
            (Stage::Idle | Stage::Pending { .. }, Verdict::Absent) => {
                *stage = Stage::Idle;
                None
            }
            (Stage::Idle, Verdict::Unclear) => None,
            (Stage::Pending { shown_mono_ms, .. }, Verdict::Unclear) => {
                if now.saturating_sub(shown_mono_ms) > PENDING_MS_MAX {
                    *stage = Stage::Idle;
                }
                None
            }
            (Stage::Idle, Verdict::Present) => {
                *stage = Stage::Pending { since: self.judged.since.unwrap_or(self.at), shown_mono_ms: now, looks: 1 };
                None
            }
            (Stage::Pending { since, looks, .. }, Verdict::Present) => {
                let looks = looks + 1;
                if now.saturating_sub(since.mono_ms) < duration_ms || looks < self.looks_min {
                    *stage = Stage::Pending { since, shown_mono_ms: now, looks };
                    return None;
                }
                let began_ms = since.wall_ms;
                *stage = Stage::Raised { began_ms, told_mono_ms: now, count: 1, gone_since_mono_ms: None };
                Some(self.finding(Phase::Raised, began_ms, 1))
            }
            (Stage::Raised { began_ms, told_mono_ms, count, gone_since_mono_ms }, Verdict::Absent) => {
                let gone_since = gone_since_mono_ms.unwrap_or(now);
                if now.saturating_sub(gone_since) >= clear_ms {
                    *stage = Stage::Idle;
                    return Some(self.finding(Phase::Cleared, began_ms, count));
                }
                *stage = Stage::Raised { began_ms, told_mono_ms, count, gone_since_mono_ms: Some(gone_since) };
                None
            }
            (Stage::Raised { began_ms, told_mono_ms, count, .. }, Verdict::Present | Verdict::Unclear) => {
                let is_due =
                    verdict == Verdict::Present && repeat_interval_ms > 0 && now.saturating_sub(told_mono_ms) >= repeat_interval_ms;
                let (told_mono_ms, count) = if is_due { (now, count.saturating_add(1)) } else { (told_mono_ms, count) };
                *stage = Stage::Raised { began_ms, told_mono_ms, count, gone_since_mono_ms: None };
                is_due.then(|| self.finding(Phase::Repeated, began_ms, count))
            }
        }
    }

    fn finding(&self, phase: Phase, began_ms: i64, count: u32) -> Finding {
        Finding {
            kind: self.judged.kind,
            phase,
            at_ms: self.at.wall_ms,
            began_ms,
            measure: self.judged.measure,
            threshold: self.threshold,
            count,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> At {
        At { mono_ms: seconds * 1_000, wall_ms: i64::try_from(seconds).expect("small") * 1_000 }
    }

    /// A look in which only `kind` has a verdict.
    fn only(kind: DiagnosisKind, verdict: Verdict) -> [Judged; PRECEDENCE.len()] {
        PRECEDENCE.map(|each| Judged {
            kind: each,
            verdict: if each == kind { verdict } else { Verdict::Absent },
            measure: 1.0,
            threshold: 2.0,
            since: None,
            is_suspect: false,
        })
    }

    fn told(findings: &[Finding]) -> Vec<(DiagnosisKind, Phase, u32)> {
        findings.iter().map(|finding| (finding.kind, finding.phase, finding.count)).collect()
    }

    #[test]
    fn it_is_raised_after_its_duration_repeated_and_cleared_after_its_own() {
        let (settings, mut rules) = (DiagnosisSettings::default(), Rules::default());
        let kind = DiagnosisKind::Black;
        let (dark, fine) = (only(kind, Verdict::Present), only(kind, Verdict::Absent));
        assert!(rules.note(&settings, &dark, at(0)).is_empty());
        assert!(rules.is_deciding());
        assert!(rules.note(&settings, &dark, at(4)).is_empty());
        let raised = rules.note(&settings, &dark, at(5));
        assert_eq!(told(&raised), [(kind, Phase::Raised, 1)]);
        assert_eq!((raised[0].began_ms, raised[0].at_ms), (0, 5_000));
        assert!(rules.note(&settings, &dark, at(304)).is_empty());
        assert_eq!(told(&rules.note(&settings, &dark, at(305))), [(kind, Phase::Repeated, 2)]);
        assert!(rules.note(&settings, &fine, at(306)).is_empty());
        assert!(rules.note(&settings, &only(kind, Verdict::Unclear), at(308)).is_empty());
        assert!(rules.note(&settings, &fine, at(310)).is_empty(), "the time gone starts anew");
        assert_eq!(told(&rules.note(&settings, &fine, at(313))), [(kind, Phase::Cleared, 2)]);
        assert!(rules.is_quiet());
    }

    #[test]
    fn one_look_is_never_enough_and_moved_needs_three() {
        let mut settings = DiagnosisSettings::default();
        settings.moved.duration_ms = 0;
        settings.black.duration_ms = 0;
        let mut rules = Rules::default();
        let moved = only(DiagnosisKind::Moved, Verdict::Present);
        assert!(rules.note(&settings, &moved, at(0)).is_empty());
        assert!(rules.note(&settings, &moved, at(1)).is_empty());
        assert_eq!(told(&rules.note(&settings, &moved, at(2))), [(DiagnosisKind::Moved, Phase::Raised, 1)]);
    }

    #[test]
    fn the_first_cause_hides_the_others() {
        let (settings, mut rules) = (DiagnosisSettings::default(), Rules::default());
        let all =
            PRECEDENCE.map(|kind| Judged { kind, verdict: Verdict::Present, measure: 1.0, threshold: 2.0, since: None, is_suspect: false });
        let findings: Vec<Finding> = (0..60).flat_map(|second| rules.note(&settings, &all, at(second))).collect();
        assert_eq!(told(&findings), [(DiagnosisKind::Black, Phase::Raised, 1)]);
    }

    #[test]
    fn a_gap_in_the_stream_does_not_count_towards_the_duration() {
        let (settings, mut rules) = (DiagnosisSettings::default(), Rules::default());
        let dark = only(DiagnosisKind::Black, Verdict::Present);
        rules.note(&settings, &dark, at(0));
        rules.restarted();
        assert!(rules.note(&settings, &dark, at(100)).is_empty());
        assert_eq!(rules.note(&settings, &dark, at(105)).len(), 1);
    }

    #[test]
    fn a_kind_that_is_switched_off_is_cleared_and_hides_nothing() {
        let (mut settings, mut rules) = (DiagnosisSettings::default(), Rules::default());
        let dark = only(DiagnosisKind::Black, Verdict::Present);
        rules.note(&settings, &dark, at(0));
        rules.note(&settings, &dark, at(5));
        assert_eq!(rules.raised(), Some(DiagnosisKind::Black));
        settings.black.enabled = false;
        rules.note(&settings, &dark, at(6));
        assert_eq!(told(&rules.note(&settings, &dark, at(9))), [(DiagnosisKind::Black, Phase::Cleared, 1)]);
    }
}
