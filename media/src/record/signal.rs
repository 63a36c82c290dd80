//! 视频信号丢失, signal lost: no packet for some seconds, whatever the reason.
//!
//! Judged here and not in the analysis process, so that it also holds for a camera that never connects and does not
//! depend on anything that decodes.

use crate::diagnosis::settings::DiagnosisSettings;
use crate::event::Phase;

/// Follows one camera.
#[derive(Debug, Default)]
pub struct SignalRule {
    raised: Option<Raised>,
}

#[derive(Debug)]
struct Raised {
    silent_since_ms: i64,
    told_at_ms: i64,
    back_since_ms: Option<i64>,
    count: u32,
}

/// Something to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Raised, repeated or cleared.
    pub phase: Phase,
    /// Time without a packet, milliseconds.
    pub silent_ms: i64,
    /// Times told since it was raised.
    pub count: u32,
}

impl SignalRule {
    /// Looks at the camera at `now_ms`; its newest packet came at `last_packet_ms`. Both are monotonic milliseconds.
    pub fn look(&mut self, settings: &DiagnosisSettings, now_ms: i64, last_packet_ms: i64) -> Option<Verdict> {
        let rule = &settings.signal_lost;
        let ms = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let silent_ms = now_ms.saturating_sub(last_packet_ms);
        let is_silent = silent_ms >= ms(settings.no_packet_ms);
        let Some(raised) = &mut self.raised else {
            if !rule.enabled || silent_ms < ms(settings.no_packet_ms).saturating_add(ms(rule.duration_ms)) {
                return None;
            }
            self.raised = Some(Raised { silent_since_ms: last_packet_ms, told_at_ms: now_ms, back_since_ms: None, count: 1 });
            return Some(Verdict { phase: Phase::Raised, silent_ms, count: 1 });
        };
        if is_silent && rule.enabled {
            raised.back_since_ms = None;
            if now_ms - raised.told_at_ms < ms(rule.repeat_interval_ms) {
                return None;
            }
            raised.told_at_ms = now_ms;
            raised.count = raised.count.saturating_add(1);
            return Some(Verdict { phase: Phase::Repeated, silent_ms, count: raised.count });
        }
        let back_since_ms = *raised.back_since_ms.get_or_insert(now_ms);
        if rule.enabled && now_ms - back_since_ms < ms(rule.clear_ms) {
            return None;
        }
        let verdict =
            Verdict { phase: Phase::Cleared, silent_ms: last_packet_ms.saturating_sub(raised.silent_since_ms).max(0), count: raised.count };
        self.raised = None;
        Some(verdict)
    }

    /// The camera is switched off: what was raised is over.
    pub fn clear(&mut self) -> Option<Verdict> {
        let raised = self.raised.take()?;
        Some(Verdict { phase: Phase::Cleared, silent_ms: 0, count: raised.count })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::settings::RuleSettings;

    #[test]
    fn five_silent_seconds_raise_it_once_and_a_packet_clears_it() {
        let settings = DiagnosisSettings::default();
        let mut rule = SignalRule::default();
        let phases: Vec<_> = (0..12).filter_map(|s| rule.look(&settings, s * 1_000, 0)).map(|v| v.phase).collect();
        assert_eq!(phases, [Phase::Raised]);
        let cleared = rule.look(&settings, 12_500, 12_400).expect("cleared");
        assert_eq!((cleared.phase, cleared.silent_ms), (Phase::Cleared, 12_400));
        assert_eq!(rule.look(&settings, 13_000, 12_900), None);
    }

    #[test]
    fn it_is_told_again_at_the_interval_and_clears_only_after_the_hysteresis() {
        let mut settings = DiagnosisSettings::default();
        settings.signal_lost = RuleSettings { clear_ms: 2_000, repeat_interval_ms: 10_000, ..settings.signal_lost };
        let mut rule = SignalRule::default();
        let told: Vec<_> = (0..26).filter_map(|s| rule.look(&settings, s * 1_000, 0)).map(|v| (v.phase, v.count)).collect();
        assert_eq!(told, [(Phase::Raised, 1), (Phase::Repeated, 2), (Phase::Repeated, 3)]);
        assert_eq!(rule.look(&settings, 26_000, 26_000), None);
        assert_eq!(rule.look(&settings, 27_000, 27_000), None);
        assert_eq!(rule.look(&settings, 28_000, 28_000).map(|v| v.phase), Some(Phase::Cleared));
    }

    #[test]
    fn switched_off_it_is_silent() {
        let mut settings = DiagnosisSettings::default();
        settings.signal_lost.enabled = false;
        assert_eq!(SignalRule::default().look(&settings, 100_000, 0), None);
    }
}
