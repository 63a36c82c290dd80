//! Cameras whose flags are mostly dismissed: when another figure of a rule is proposed, and which one.
//!
//! A flag counts against its rule where a person dismissed it as a false alarm, as permitted or for a reason in words; what was a
//! duplicate or a test says nothing of the rule. A figure is chosen from what the flagged clips showed when the rules ran over them
//! again: each dismissed clip gives a threshold that it would not have passed and a duration that it did not last, and the least
//! change that silences enough of them and no confirmed one is proposed.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

const DAY_MS: i64 = 24 * 3_600_000;
/// Decisions of so long are looked at, ms.
pub const WINDOW_MS: i64 = 30 * DAY_MS;
/// What was turned down is left alone for so long, ms, unless the figures change.
pub const TURNED_DOWN_MS: i64 = 30 * DAY_MS;
/// Fewer decisions than this say nothing.
pub const DECISIONS_MIN: i64 = 8;
/// Longest duration that is proposed, s.
const DURATION_S_MAX: f64 = 120.0;
/// Figures that are tried at most.
const CANDIDATES_MAX: usize = 16;

/// What people decided of a camera's flags of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Decisions {
    /// Confirmed.
    pub confirmed: i64,
    /// Dismissed as none.
    pub dismissed: i64,
}

impl Decisions {
    /// Whether these flags are mostly noise: at least 8 decisions, two in three of them against the flag.
    pub fn is_noise(self) -> bool {
        let decided = self.confirmed + self.dismissed;
        decided >= DECISIONS_MIN && self.dismissed * 3 >= decided * 2
    }
}

/// Whether what was turned down at `ended_at` may be proposed again: after 30 days, or once as many flags were dismissed anew as a
/// proposal needs decisions.
pub fn may_return(ended_at: i64, dismissed_since: i64, now_ms: i64) -> bool {
    now_ms - ended_at >= TURNED_DOWN_MS || dismissed_since >= DECISIONS_MIN
}

/// The figures of a rule that can be changed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"threshold": 0.72, "duration_s": 5.0}))]
pub struct RuleFigures {
    /// In the kind's own unit.
    pub threshold: f64,
    /// How long it must last before it is raised, s.
    pub duration_s: f64,
}

/// How the threshold of a kind is read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// Raised above the threshold, or below it.
    pub above: bool,
    /// Where the rule would never raise anything.
    pub end: f64,
    /// Thresholds are multiples of this.
    pub step: f64,
}

impl Scale {
    /// Of a kind that pictures show; `None` for others, whose flags cannot be replayed.
    pub fn of(kind: &str) -> Option<Self> {
        let (above, end, step) = match kind {
            "black" => (false, 0.0, 1.0),
            "over_exposed" => (true, 255.0, 1.0),
            "covered" => (true, 1.0, 0.01),
            "frozen" | "blurred" | "moved" => (false, 0.0, 0.01),
            "low_contrast" => (false, 0.0, 0.5),
            _ => return None,
        };
        Some(Self { above, end, step })
    }

    /// The measure that lies further beyond the threshold.
    pub fn further(self, one: f64, other: f64) -> f64 {
        if self.above { one.max(other) } else { one.min(other) }
    }

    /// The next threshold that a measure does not pass, with one step of room; `None` where the rule would never raise anything.
    fn beyond(self, measure: f64) -> Option<f64> {
        let steps = measure / self.step;
        // A measure on a step, but for the last bit of its fraction, stays on it.
        let steps = if self.above { (steps - 1e-6).ceil() + 1.0 } else { (steps + 1e-6).floor() - 1.0 };
        let threshold = (steps * self.step * 1e4).round() / 1e4;
        let inside = if self.above { threshold < self.end } else { threshold > self.end };
        inside.then_some(threshold)
    }

    /// How far figures lie from the present ones, as the share of the way to where the rule would be silent.
    fn distance(self, present: RuleFigures, other: RuleFigures) -> f64 {
        let share = |by: f64, room: f64| if room > 0.0 { by.abs() / room } else { f64::INFINITY };
        let threshold = other.threshold - present.threshold;
        let by_threshold = if threshold == 0.0 { 0.0 } else { share(threshold, (self.end - present.threshold).abs()) };
        let duration = other.duration_s - present.duration_s;
        let by_duration = if duration == 0.0 { 0.0 } else { share(duration, DURATION_S_MAX - present.duration_s) };
        by_threshold.max(by_duration)
    }
}

/// What a dismissed clip showed of the kind, where the present figures raise it again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shown {
    /// The measure that lay furthest beyond the threshold.
    pub furthest: f64,
    /// How long it lasted, ms; `None` where nobody saw its end.
    pub lasted_ms: Option<i64>,
}

/// Figures worth trying, the least change first.
pub fn candidates(scale: Scale, present: RuleFigures, dismissed: &[Shown]) -> Vec<RuleFigures> {
    let mut found: Vec<RuleFigures> = Vec::new();
    for shown in dismissed {
        if let Some(threshold) = scale.beyond(shown.furthest) {
            found.push(RuleFigures { threshold, ..present });
        }
        #[expect(clippy::cast_precision_loss, reason = "minutes")]
        let duration_s = shown.lasted_ms.map(|ms| (ms as f64 / 1_000.0).ceil() + 1.0);
        if let Some(duration_s) = duration_s.filter(|duration_s| (present.duration_s..=DURATION_S_MAX).contains(duration_s)) {
            found.push(RuleFigures { duration_s, ..present });
        }
    }
    found.retain(|one| {
        let tighter = if scale.above { one.threshold > present.threshold } else { one.threshold < present.threshold };
        tighter || one.duration_s > present.duration_s
    });
    found.sort_by(|one, other| scale.distance(present, *one).total_cmp(&scale.distance(present, *other)));
    found.dedup();
    // Every so many where there are more: the far ones silence most, the near ones change least.
    let every = found.len().div_ceil(CANDIDATES_MAX).max(1);
    let last = found.len().saturating_sub(1);
    found.into_iter().enumerate().filter(|(at, _)| at % every == 0 || *at == last).map(|(_, one)| one).collect()
}

/// What figures would have done to the flags that the present ones raise again.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Effect {
    /// The figures.
    pub figures: RuleFigures,
    /// Dismissed flags that would not have been raised.
    pub silenced: i64,
    /// Dismissed flags in all.
    pub dismissed: i64,
    /// Confirmed flags that would not have been raised.
    pub lost: i64,
}

impl Effect {
    /// Whether nothing further is looked at: four in five dismissed flags are silenced and no confirmed one.
    pub fn is_enough(&self) -> bool {
        self.lost == 0 && self.dismissed > 0 && self.silenced * 5 >= self.dismissed * 4
    }
}

/// The figures to propose, from effects in the order of their change: the first that is enough, else the one that silences most
/// where that is more than half; never one that loses a confirmed flag.
pub fn choose(effects: &[Effect]) -> Option<RuleFigures> {
    if let Some(enough) = effects.iter().find(|effect| effect.is_enough()) {
        return Some(enough.figures);
    }
    let fitting = effects.iter().filter(|effect| effect.lost == 0 && effect.silenced * 2 > effect.dismissed);
    // The first of several that silence as many changes least.
    fitting.rev().max_by_key(|effect| effect.silenced).map(|effect| effect.figures)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRESENT: RuleFigures = RuleFigures { threshold: 0.6, duration_s: 5.0 };

    fn shown(furthest: f64, lasted_ms: i64) -> Shown {
        Shown { furthest, lasted_ms: Some(lasted_ms) }
    }

    fn covered() -> Scale {
        Scale::of("covered").expect("a kind")
    }

    fn threshold(threshold: f64) -> RuleFigures {
        RuleFigures { threshold, ..PRESENT }
    }

    #[test]
    fn few_decisions_and_mixed_ones_propose_nothing() {
        let noise = |confirmed, dismissed| Decisions { confirmed, dismissed }.is_noise();
        assert!(noise(2, 9) && noise(0, 8) && noise(3, 6));
        assert!(!noise(0, 7), "too few");
        assert!(!noise(4, 7) && !noise(9, 2) && !noise(0, 0));
    }

    #[test]
    fn what_was_turned_down_returns_after_a_month_or_with_new_figures() {
        assert!(!may_return(0, 7, TURNED_DOWN_MS - 1));
        assert!(may_return(0, 0, TURNED_DOWN_MS));
        assert!(may_return(0, 8, 1));
    }

    #[test]
    fn candidates_come_from_what_was_shown_the_least_change_first() {
        let found = candidates(covered(), PRESENT, &[shown(0.71, 8_200), shown(0.66, 8_200), shown(0.999, 300_000)]);
        // Nine hundredths of the way to silence for 10 s, a fifth for 0.67.
        let expected = [RuleFigures { duration_s: 10.0, ..PRESENT }, threshold(0.67), threshold(0.72)];
        assert_eq!(found, expected, "nothing beyond the end of the scale, nothing over two minutes");
        let dark = RuleFigures { threshold: 30.0, duration_s: 5.0 };
        let below = candidates(Scale::of("black").expect("a kind"), dark, &[Shown { furthest: 21.4, lasted_ms: None }]);
        assert_eq!(below, [RuleFigures { threshold: 20.0, ..dark }]);
    }

    #[test]
    fn many_clips_give_few_candidates_the_furthest_among_them() {
        let clips: Vec<Shown> = (0..38).map(|n| Shown { furthest: 0.6 + f64::from(n) / 100.0, lasted_ms: None }).collect();
        let found = candidates(covered(), PRESENT, &clips);
        assert!(found.len() <= CANDIDATES_MAX + 1, "{}", found.len());
        assert_eq!(found.last().copied(), Some(threshold(0.98)));
    }

    fn effect(at: f64, silenced: i64, lost: i64) -> Effect {
        Effect { figures: threshold(at), silenced, dismissed: 9, lost }
    }

    #[test]
    fn the_least_change_that_silences_enough_is_chosen() {
        assert_eq!(choose(&[effect(0.65, 4, 0), effect(0.7, 8, 0), effect(0.8, 9, 0)]), Some(threshold(0.7)));
    }

    #[test]
    fn a_confirmed_flag_is_never_lost_by_choice() {
        assert_eq!(choose(&[effect(0.65, 5, 0), effect(0.7, 8, 1), effect(0.8, 9, 1)]), Some(threshold(0.65)));
        assert_eq!(choose(&[effect(0.65, 4, 0), effect(0.7, 8, 1)]), None, "half is not most");
        assert_eq!(choose(&[effect(0.65, 6, 0), effect(0.7, 6, 0)]), Some(threshold(0.65)), "the nearer of two alike");
        assert_eq!(choose(&[]), None);
    }
}
