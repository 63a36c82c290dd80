//! The rules over measured pictures, by the present figures and by others.

use media::diagnosis::reference::Remembered;
use media::{ArmedHours, DiagnosisKind, DiagnosisSettings, Look, Replayed, replay};
use mobile_api::Moment;

use crate::domain::noise::{Effect, RuleFigures, Scale, Shown, candidates, choose};
use crate::domain::trial::{ClipTrial, Trial, TriedClip};
use crate::ingest::apply;
use crate::store::rule_proposals::FlagRow;

/// By what the pictures of a camera are judged.
pub(super) struct Judge {
    pub(super) kind: DiagnosisKind,
    pub(super) scale: Scale,
    pub(super) armed: Option<ArmedHours>,
    /// What is known of the camera's usual picture.
    pub(super) known: Remembered,
    /// All that held when the trial began.
    pub(super) settings: DiagnosisSettings,
}

/// A flag with what its clip showed.
pub(super) struct Looked {
    pub(super) flag: FlagRow,
    pub(super) state: ClipTrial,
    /// When, ms UTC, and what.
    pub(super) looks: Vec<(i64, Look)>,
}

/// The figures that settings have for a kind.
#[expect(clippy::cast_precision_loss, reason = "durations of an hour at most")]
pub(crate) fn figures_of(settings: &DiagnosisSettings, kind: DiagnosisKind) -> RuleFigures {
    let rule = settings.rule(kind);
    RuleFigures { threshold: rule.threshold, duration_s: rule.duration_ms as f64 / 1_000.0 }
}

impl Judge {
    /// What the rules say with other figures.
    pub(super) fn replay(&self, figures: RuleFigures, looks: &[(i64, Look)]) -> Replayed {
        let mut settings = self.settings.clone();
        let rule = settings.rule_mut(self.kind);
        (rule.threshold, rule.duration_ms) = (figures.threshold, apply::millis(figures.duration_s));
        replay(&settings, self.armed.as_ref(), &self.known, self.kind, looks)
    }

    /// Whether figures raise a flag. Where its clip ends too early to say, its own record of how long it lasted does.
    fn raises(&self, figures: RuleFigures, one: &Looked) -> bool {
        let replayed = self.replay(figures, &one.looks);
        let duration_ms = i64::try_from(apply::millis(figures.duration_s)).unwrap_or(i64::MAX);
        let lasted = one.flag.ended_at.is_none_or(|ended_at| ended_at - one.flag.began_at >= duration_ms);
        !replayed.raised_ms.is_empty() || (replayed.pending_since_ms.is_some() && lasted)
    }

    /// What a clip showed that the present figures raise again.
    fn shown(&self, one: &Looked, replayed: &Replayed) -> Option<Shown> {
        let furthest = replayed.shown.iter().copied().reduce(|one, other| self.scale.further(one, other))?;
        let by_clip = replayed.lasted_ms.iter().copied().max();
        let by_record = one.flag.ended_at.map(|ended_at| ended_at - one.flag.began_at);
        // A clip that ends while it is shown does not say how long it lasted; the flag may.
        let lasted_ms = if replayed.shown_since_ms.is_some() { by_record.map(|ms| ms.max(by_clip.unwrap_or(0))) } else { by_clip };
        Some(Shown { furthest, lasted_ms })
    }

    /// Judges the clips by the present figures, finds others where none were given, and judges by those.
    pub(super) fn clips(&self, trial: &mut Trial, looked: Vec<Looked>) {
        let present = trial.present;
        let mut dismissed = Vec::new();
        let mut again = Vec::new();
        for one in &looked {
            let replayed = self.replay(present, &one.looks);
            let raised = self.raises(present, one);
            let shown = self.shown(one, &replayed);
            trial.clips.push(TriedClip {
                alert_id: one.flag.id.clone(),
                raised_at: Moment(one.flag.raised_at),
                verdict: one.flag.verdict.clone(),
                decided_by: one.flag.decided_by_name.clone(),
                sha256: one.flag.clip_sha256.clone(),
                state: one.state,
                measure: shown.map(|shown| shown.furthest),
                now: (one.state == ClipTrial::Replayed).then_some(raised),
                then: None,
            });
            if raised && one.state == ClipTrial::Replayed {
                again.push(one);
                if one.flag.verdict != "confirmed" {
                    dismissed.extend(shown);
                }
            }
        }
        match trial.proposed {
            Some(given) => trial.considered.push(self.effect(given, &again)),
            None => {
                for figures in candidates(self.scale, present, &dismissed) {
                    let effect = self.effect(figures, &again);
                    trial.considered.push(effect);
                    if effect.is_enough() {
                        break;
                    }
                }
                trial.proposed = choose(&trial.considered);
            }
        }
        let Some(proposed) = trial.proposed else { return };
        for (clip, one) in trial.clips.iter_mut().zip(&looked).filter(|(clip, _)| clip.now.is_some()) {
            clip.then = Some(self.raises(proposed, one));
        }
    }

    fn effect(&self, figures: RuleFigures, again: &[&Looked]) -> Effect {
        let mut effect = Effect { figures, silenced: 0, dismissed: 0, lost: 0 };
        for one in again {
            let confirmed = one.flag.verdict == "confirmed";
            let silent = !self.raises(figures, one);
            effect.dismissed += i64::from(!confirmed);
            effect.silenced += i64::from(silent && !confirmed);
            effect.lost += i64::from(silent && confirmed);
        }
        effect
    }
}
