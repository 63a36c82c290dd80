//! One camera under watch: when to look, and what a look means in the light of those before.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::compare::{self, Measures};
use super::judge::{Evidence, Judged, SCENE_DETAIL_MIN, Verdict, judge};
use super::look::Look;
use super::overlay::Overlays;
use super::reference::{LightMode, References, Remembered};
use super::rules::{Finding, PRECEDENCE, Rules};
use super::settings::{DiagnosisKind, DiagnosisSettings};
use super::sizes::SizeWatch;
use crate::analyse::feed::FrameSize;
use crate::camera::{ArmedHours, named};

/// Looks that are kept to compare with. An encoder that holds its bit rate alternates between a few ways to code a
/// frozen picture; among four one is coded alike.
const HISTORY: usize = 4;
/// A look before that is this near proves the time since then as well.
const RECENT_MS_MAX: u64 = 15_000;
/// Nothing moves between looks that differ by less than this.
const STILL_NOISE_MAX: f32 = 2.0;
/// After a change of sizes or a restart, every key frame is looked at for this long.
const ATTENTION_MS: u64 = 12_000;
/// Least time between looks while something is being decided, and while learning.
pub(super) const DECIDING_GAP_MS: u64 = 800;
const LEARNING_GAP_MS: u64 = 1_500;
/// While something is raised, looks are this near, so that it is cleared soon.
const RAISED_GAP_MS: u64 = 10_000;
/// Looks spent on learning a reference before the routine has to do.
const LEARNING_LOOKS_MAX: u32 = 24;
/// Values of usual noise that are kept, and how many make it known.
const NOISE_KEPT: usize = 48;
const NOISE_KNOWN: usize = 6;
/// A frozen picture has less than this share of the least usual noise.
const NOISE_SHARE: f32 = 0.5;
/// The limit is never below what coding alone may leave.
const NOISE_LIMIT_MIN: f32 = 0.03;
/// The reference follows only looks that are this much alike.
const FOLLOW_LIKENESS_MIN: f32 = 0.6;
/// A look in a light without reference that lost this much of the other light's texture is not learned from, nor one
/// that keeps less than this of its contrast.
const LEARN_GONE_SHARE_MAX: f32 = 0.4;
const LEARN_CONTRAST_MIN: f32 = 0.3;

/// A moment on both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At {
    /// Monotonic time, milliseconds; durations are counted on it.
    pub mono_ms: u64,
    /// Wall time, milliseconds UTC; for people.
    pub wall_ms: i64,
}

/// Why a key frame is worth a look; the more urgent stands first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Something is about to be raised or cleared.
    Deciding,
    /// Sizes changed, or the stream began anew.
    Changed,
    /// The camera is not known yet.
    Learning,
    /// It is time.
    Routine,
}

/// Why a look was made: what first drew attention to the camera, not that it was looked at again to be sure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LookReason {
    /// What frames weigh had changed.
    Sizes,
    /// The stream had begun anew.
    Restart,
    /// The camera, or its light, was not known yet.
    Learning,
    /// It was time.
    Routine,
}
named!(LookReason { Sizes => "sizes", Restart => "restart", Learning => "learning", Routine => "routine" });

/// The watch over one camera. Pure: times come in, findings go out.
#[derive(Debug, Clone)]
pub struct CameraWatch {
    settings: DiagnosisSettings,
    armed_hours: Option<ArmedHours>,
    sizes: SizeWatch,
    overlays: Overlays,
    references: References,
    rules: Rules,
    history: VecDeque<(At, Look)>,
    mode: Option<LightMode>,
    looked_mono_ms: Option<u64>,
    attention_until_ms: u64,
    /// What drew the attention, and why the last look was made.
    attention: LookReason,
    looked_because: LookReason,
    learning_looks: u32,
    is_worth_keeping: bool,
    /// What the last look showed.
    judged: Option<[Judged; PRECEDENCE.len()]>,
}

impl CameraWatch {
    /// A watch with what was kept of the camera, if anything.
    #[must_use]
    pub fn new(settings: DiagnosisSettings, armed_hours: Option<ArmedHours>, kept: Option<Remembered>) -> Self {
        Self {
            settings,
            armed_hours,
            sizes: SizeWatch::default(),
            overlays: Overlays::default(),
            references: References::from_remembered(kept.unwrap_or_default()),
            rules: Rules::default(),
            history: VecDeque::new(),
            mode: None,
            looked_mono_ms: None,
            attention_until_ms: 0,
            attention: LookReason::Restart,
            looked_because: LookReason::Learning,
            learning_looks: 0,
            is_worth_keeping: false,
            judged: None,
        }
    }

    /// New settings; what was learned and what is raised stays.
    pub fn configure(&mut self, settings: DiagnosisSettings, armed_hours: Option<ArmedHours>) {
        (self.settings, self.armed_hours) = (settings, armed_hours);
    }

    /// The stream began anew.
    pub fn restarted(&mut self, mono_ms: u64) {
        self.sizes.restarted();
        self.rules.restarted();
        self.attend(LookReason::Restart, mono_ms);
    }

    /// Takes what frames weigh, in order.
    pub fn note_sizes(&mut self, sizes: &[FrameSize], mono_ms: u64) {
        if self.sizes.note(sizes) {
            self.attend(LookReason::Sizes, mono_ms);
        }
    }

    /// Whether the key frame that has just come is worth a look, how urgent it is, and why.
    #[must_use]
    pub fn wants_look(&self, mono_ms: u64) -> Option<(Urgency, LookReason)> {
        let Some(looked) = self.looked_mono_ms else { return Some((Urgency::Learning, LookReason::Learning)) };
        let since = mono_ms.saturating_sub(looked);
        let routine_ms = self.settings.routine_look_ms;
        let routine_ms = if self.rules.is_any_raised() { routine_ms.min(RAISED_GAP_MS) } else { routine_ms };
        if self.rules.is_deciding() && since >= DECIDING_GAP_MS {
            return Some((Urgency::Deciding, self.looked_because));
        }
        if mono_ms < self.attention_until_ms && since >= DECIDING_GAP_MS {
            return Some((Urgency::Changed, self.attention));
        }
        if self.is_learning() && since >= LEARNING_GAP_MS {
            return Some((Urgency::Learning, LookReason::Learning));
        }
        (since >= routine_ms).then_some((Urgency::Routine, LookReason::Routine))
    }

    /// A look was tried and gave nothing; the next one waits for the routine.
    pub fn note_failed_look(&mut self, mono_ms: u64) {
        self.looked_mono_ms = Some(mono_ms);
        self.attention_until_ms = 0;
        self.learning_looks = self.learning_looks.saturating_add(1);
    }

    /// Takes a look made at `at`, and why it was made; says what is to be told.
    pub fn note_look(&mut self, look: Look, at: At, because: LookReason) -> Vec<Finding> {
        (self.looked_mono_ms, self.looked_because) = (Some(at.mono_ms), because);
        self.overlays.note(&look);
        let Some(measures) = compare::measure(&look, &self.overlays) else { return Vec::new() };
        let mode = LightMode::of(measures.bright, look.colour);
        if self.mode != Some(mode) {
            (self.mode, self.learning_looks) = (Some(mode), 0);
        }
        let evidence = self.evidence(&look, measures, mode, at);
        let judged = judge(&evidence);
        let (own, other, difference) = (evidence.own, evidence.other, evidence.difference);
        let findings = self.rules.note(&self.settings, &judged, at);
        self.judged = Some(judged);
        tracing::trace!(?measures, ?mode, ?own, ?other, ?difference, "look");
        if judged.iter().any(|judged| judged.is_suspect) {
            self.attend(because, at.mono_ms);
        }
        let is_well = self.rules.is_quiet() && judged.iter().all(|judged| judged.verdict != Verdict::Present);
        if is_well {
            let is_known = match (own, other) {
                (Some(own), _) => own.likeness >= FOLLOW_LIKENESS_MIN,
                (None, Some(other)) => other.gone_share <= LEARN_GONE_SHARE_MAX && other.contrast >= LEARN_CONTRAST_MIN,
                (None, None) => true,
            };
            if is_known && measures.detail >= SCENE_DETAIL_MIN && self.references.learn(&look, mode, at.mono_ms) {
                self.is_worth_keeping = true;
            }
            if let Some(difference) = difference {
                self.note_noise(difference.noise);
            }
        }
        self.learning_looks = self.learning_looks.saturating_add(1);
        self.history.push_back((at, look));
        if self.history.len() > HISTORY {
            self.history.pop_front();
        }
        findings
    }

    /// Forgets the references: the camera was turned on purpose, and what it shows now is right.
    pub fn forget_references(&mut self) {
        self.references.forget();
        self.learning_looks = 0;
        self.is_worth_keeping = true;
    }

    /// What is to be kept across restarts, if a part of it was completed since this was last asked.
    pub fn to_keep(&mut self) -> Option<Remembered> {
        std::mem::take(&mut self.is_worth_keeping).then(|| self.references.remembered().clone())
    }

    /// What is known of the camera now.
    #[must_use]
    pub fn remembered(&self) -> &Remembered {
        self.references.remembered()
    }

    /// The kind that is raised now.
    #[must_use]
    pub fn raised(&self) -> Option<DiagnosisKind> {
        self.rules.raised()
    }

    /// What the last look showed of a kind.
    #[must_use]
    pub fn judged(&self, kind: DiagnosisKind) -> Option<&Judged> {
        self.judged.as_ref()?.iter().find(|judged| judged.kind == kind)
    }

    /// Since when a kind has been shown that is not raised yet, milliseconds UTC.
    #[must_use]
    pub fn pending_since_ms(&self, kind: DiagnosisKind) -> Option<i64> {
        self.rules.pending_since_ms(kind)
    }

    fn attend(&mut self, because: LookReason, mono_ms: u64) {
        (self.attention, self.attention_until_ms) = (because, mono_ms + ATTENTION_MS);
    }

    fn is_learning(&self) -> bool {
        let is_unknown = self.mode.is_none_or(|mode| mode != LightMode::Dark && self.references.own(mode).is_none());
        (is_unknown || self.history.len() < HISTORY) && self.learning_looks < LEARNING_LOOKS_MAX
    }

    fn evidence(&self, look: &Look, measures: Measures, mode: LightMode, at: At) -> Evidence<'_> {
        let against = |reference| compare::against(look, reference, &self.overlays);
        let own = self.references.own(mode).and_then(against);
        let other = if own.is_none() { self.references.any(mode).and_then(against) } else { None };
        let last = self.history.back();
        Evidence {
            measures,
            mode,
            own,
            other,
            difference: last.and_then(|(_, before)| compare::difference(look, before, &self.overlays)),
            before: last.map(|(before, _)| *before).filter(|before| at.mono_ms.saturating_sub(before.mono_ms) <= RECENT_MS_MAX),
            is_repeat: self.is_repeat(look),
            noise_limit: self.noise_limit(),
            is_armed: self.armed_hours.as_ref().is_none_or(|hours| hours.contains(at.wall_ms)),
            knows_infra_red: self.references.own(LightMode::InfraRed).is_some(),
            settings: &self.settings,
        }
    }

    /// Whether the picture has stood still since an earlier look that is the same. That it was the same at some time is
    /// not enough: a film that is sent in a loop is the same each time round.
    fn is_repeat(&self, look: &Look) -> bool {
        let differences = self.history.iter().rev().map_while(|(_, before)| compare::difference(look, before, &self.overlays));
        differences.take_while(|difference| difference.noise < STILL_NOISE_MAX).any(|difference| difference.is_none())
    }

    /// Noise under which this camera counts as frozen: half of the least that it usually shows, within the setting.
    fn noise_limit(&self) -> Option<f32> {
        let mut usual = self.references.remembered().noise.clone();
        if usual.len() < NOISE_KNOWN {
            return None;
        }
        usual.sort_unstable_by(f32::total_cmp);
        let least = usual[usual.len() / 10];
        #[expect(clippy::cast_possible_truncation, reason = "a threshold of a few steps of luma")]
        let setting = self.settings.frozen.threshold as f32;
        Some((least * NOISE_SHARE).min(setting).max(NOISE_LIMIT_MIN))
    }

    fn note_noise(&mut self, noise: f32) {
        let usual = self.references.noise_mut();
        if usual.len() >= NOISE_KEPT {
            usual.remove(0);
        }
        usual.push(noise);
    }
}
