//! What one look shows: a verdict for each kind, with the measure that its threshold is for.

use super::compare::{Against, Difference, Measures};
use super::reference::LightMode;
use super::rules::PRECEDENCE;
use super::settings::{DiagnosisKind, DiagnosisSettings};
use super::watch::At;

/// A black picture has less detail than this, in steps of luma: a dark kitchen still shows its furniture.
const BLACK_DETAIL_MAX: f32 = 2.5;
/// An over-exposed one less than this.
const OVER_EXPOSED_DETAIL_MAX: f32 = 22.0;
/// Without a reference a picture is covered when this share of it is even ...
const COVERED_EVEN_SHARE_MIN: f32 = 0.95;
/// ... and it shows less than this.
const COVERED_DETAIL_MAX: f32 = 4.0;
/// Behind a cover the coarse picture is another one; behind blur or steam it is not.
const COVERED_COARSE_LIKENESS_MAX: f32 = 0.85;
/// At least this share of the whole picture is even when it is covered.
const COVERED_PICTURE_EVEN_SHARE_MIN: f32 = 0.5;
/// Out of focus is only what is still the same scene.
const BLURRED_COARSE_LIKENESS_MIN: f32 = 0.6;
/// A scene has at least this much of detail.
pub(super) const SCENE_DETAIL_MIN: f32 = 8.0;
/// Compared with the reference of another light, this share of the threshold counts.
const OTHER_LIGHT_SHARE: f32 = 0.4;
/// What moves more than this between looks (median of cells) is somebody in front of the camera, not the camera.
const SETTLED_UNREST_MAX: f32 = 6.0;
/// Low contrast is judged where there is light enough to expect contrast ...
const LOW_CONTRAST_MEAN_MIN: f32 = 70.0;
/// ... and means this share of the reference's or less.
const LOW_CONTRAST_SHARE_MAX: f32 = 0.35;
/// Beyond the threshold by this share a measure is clearly on the good side.
const MARGIN: f64 = 0.12;

/// Whether a look shows a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Clearly not.
    Absent,
    /// Too near the threshold, or it cannot be known from this look.
    Unclear,
    /// Yes.
    Present,
}

/// The verdict on one kind.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged {
    /// Which kind.
    pub kind: DiagnosisKind,
    /// Whether the look shows it.
    pub verdict: Verdict,
    /// The measured value.
    pub measure: f64,
    /// The threshold it was held against.
    pub threshold: f64,
    /// Since when, where earlier looks already prove it.
    pub since: Option<At>,
    /// Not there yet, but the next looks may show it.
    pub is_suspect: bool,
}

/// Everything that is known when a look is judged.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// The look by itself.
    pub measures: Measures,
    /// Its light.
    pub mode: LightMode,
    /// Against the reference of the same light.
    pub own: Option<Against>,
    /// Against the reference of another light, where this one has none.
    pub other: Option<Against>,
    /// What lies between the look before and this one.
    pub difference: Option<Difference>,
    /// When the look before was made, where that is recent.
    pub before: Option<At>,
    /// The picture stood still, and was coded alike, over earlier looks: an encoder that holds its bit rate alternates
    /// between a few ways to code a frozen picture.
    pub is_repeat: bool,
    /// Noise under which this camera's picture counts as frozen, if its usual noise is known.
    pub noise_limit: Option<f32>,
    /// Whether the premises is open: in closed hours a dark picture is no cause.
    pub is_armed: bool,
    /// Whether the camera has shown texture under infra-red.
    pub knows_infra_red: bool,
    /// Thresholds.
    pub settings: &'a DiagnosisSettings,
}

impl Evidence<'_> {
    /// In the dark the look cannot tell; in the light a camera without any reference has nothing wrong yet.
    fn without_reference(&self, kind: DiagnosisKind, threshold: f64) -> Judged {
        let is_open = self.mode == LightMode::Dark || self.other.is_some();
        let verdict = if is_open { Verdict::Unclear } else { Verdict::Absent };
        Judged { verdict, ..unknown(kind, threshold) }
    }
}

/// Judges a look for every kind, in the order of precedence.
#[must_use]
pub fn judge(evidence: &Evidence<'_>) -> [Judged; PRECEDENCE.len()] {
    PRECEDENCE.map(|kind| match kind {
        DiagnosisKind::Black => black(evidence),
        DiagnosisKind::OverExposed => over_exposed(evidence),
        DiagnosisKind::Covered => covered(evidence),
        DiagnosisKind::Frozen => frozen(evidence),
        DiagnosisKind::Blurred => blurred(evidence),
        DiagnosisKind::Moved => moved(evidence),
        DiagnosisKind::LowContrast => low_contrast(evidence),
        // Not seen in pictures; the recorder raises it.
        DiagnosisKind::SignalLost => {
            Judged { kind, verdict: Verdict::Absent, measure: 0.0, threshold: 0.0, since: None, is_suspect: false }
        }
    })
}

fn black(evidence: &Evidence<'_>) -> Judged {
    let Measures { mean, detail, .. } = evidence.measures;
    let is_noise_gone = evidence.difference.is_some_and(|difference| difference.is_none());
    // At night with the lights out noise is what a healthy camera shows; one with lamps of its own shows texture.
    let is_cause = evidence.is_armed || is_noise_gone || evidence.knows_infra_red;
    let judged = below(DiagnosisKind::Black, mean, evidence.settings.black.threshold);
    judged.only_if(is_cause).only_if(detail < BLACK_DETAIL_MAX * 1.3).unclear_if(detail >= BLACK_DETAIL_MAX)
}

fn over_exposed(evidence: &Evidence<'_>) -> Judged {
    let Measures { mean, detail, .. } = evidence.measures;
    let judged = above(DiagnosisKind::OverExposed, mean, evidence.settings.over_exposed.threshold, 0.04);
    judged.only_if(detail < OVER_EXPOSED_DETAIL_MAX * 1.2).unclear_if(detail >= OVER_EXPOSED_DETAIL_MAX)
}

fn covered(evidence: &Evidence<'_>) -> Judged {
    let threshold = evidence.settings.covered.threshold;
    let Measures { detail, even_share, .. } = evidence.measures;
    let judge = |share: f32| above(DiagnosisKind::Covered, share, threshold, MARGIN);
    if evidence.mode == LightMode::Dark {
        return unknown(DiagnosisKind::Covered, threshold);
    }
    match evidence.own.or(evidence.other) {
        Some(against) => judge(against.gone_share)
            .only_if(against.coarse_likeness < COVERED_COARSE_LIKENESS_MAX)
            .only_if(even_share >= COVERED_PICTURE_EVEN_SHARE_MIN)
            .unclear_if(is_restless(evidence)),
        None => judge(even_share).only_if(even_share >= COVERED_EVEN_SHARE_MIN && detail < COVERED_DETAIL_MAX),
    }
}

fn frozen(evidence: &Evidence<'_>) -> Judged {
    let (kind, threshold) = (DiagnosisKind::Frozen, evidence.settings.frozen.threshold);
    let Some(difference) = evidence.difference else { return unknown(kind, threshold) };
    // A camera whose usual noise is not known yet may have next to none: then only the same picture again counts.
    let limit = if difference.is_none() { threshold } else { evidence.noise_limit.map_or(0.0, f64::from) };
    let mut judged = Judged { since: evidence.before, ..below(kind, difference.noise, limit) };
    if judged.verdict == Verdict::Absent && evidence.is_repeat {
        judged.verdict = Verdict::Unclear;
    }
    // In the dark, coding may leave nothing of the noise: the same picture again says nothing then.
    let can_show_noise = evidence.measures.detail >= BLACK_DETAIL_MAX || evidence.measures.mean >= LOW_CONTRAST_MEAN_MIN;
    if can_show_noise || judged.verdict != Verdict::Present { judged } else { Judged { verdict: Verdict::Unclear, ..judged } }
}

fn blurred(evidence: &Evidence<'_>) -> Judged {
    let threshold = evidence.settings.blurred.threshold;
    let Some(own) = evidence.own else { return evidence.without_reference(DiagnosisKind::Blurred, threshold) };
    let judged = below(DiagnosisKind::Blurred, own.sharpness, threshold);
    judged.only_if(own.coarse_likeness >= BLURRED_COARSE_LIKENESS_MIN).unclear_if(is_restless(evidence))
}

fn moved(evidence: &Evidence<'_>) -> Judged {
    let (kind, threshold) = (DiagnosisKind::Moved, evidence.settings.moved.threshold);
    let likeness = match (evidence.own, evidence.other) {
        (Some(own), _) => Some(own.likeness),
        (None, other) => other.map(|other| other.likeness / OTHER_LIGHT_SHARE),
    };
    let Some(likeness) = likeness else { return evidence.without_reference(kind, threshold) };
    below(kind, likeness, threshold).only_if(evidence.measures.detail >= SCENE_DETAIL_MIN).unclear_if(is_restless(evidence))
}

fn low_contrast(evidence: &Evidence<'_>) -> Judged {
    let Measures { mean, deviation, .. } = evidence.measures;
    let judged = below(DiagnosisKind::LowContrast, deviation, evidence.settings.low_contrast.threshold);
    let known = evidence.own.or(evidence.other);
    let is_unusual = known.is_some_and(|known| known.contrast < LOW_CONTRAST_SHARE_MAX);
    judged.only_if(mean >= LOW_CONTRAST_MEAN_MIN && is_unusual)
}

/// Whether so much moves that somebody may stand in front of the camera.
fn is_restless(evidence: &Evidence<'_>) -> bool {
    evidence.difference.is_none_or(|difference| difference.median > SETTLED_UNREST_MAX)
}

/// The look cannot tell: there is nothing to compare with, or no light.
fn unknown(kind: DiagnosisKind, threshold: f64) -> Judged {
    Judged { kind, verdict: Verdict::Unclear, measure: threshold, threshold, since: None, is_suspect: false }
}

fn below(kind: DiagnosisKind, measure: f32, threshold: f64) -> Judged {
    let measure = f64::from(measure);
    let verdict = if measure < threshold {
        Verdict::Present
    } else if measure < threshold * (1.0 + MARGIN) {
        Verdict::Unclear
    } else {
        Verdict::Absent
    };
    Judged { kind, verdict, measure, threshold, since: None, is_suspect: false }
}

fn above(kind: DiagnosisKind, measure: f32, threshold: f64, margin: f64) -> Judged {
    let measure = f64::from(measure);
    let verdict = if measure > threshold {
        Verdict::Present
    } else if measure > threshold * (1.0 - margin) {
        Verdict::Unclear
    } else {
        Verdict::Absent
    };
    Judged { kind, verdict, measure, threshold, since: None, is_suspect: false }
}

impl Judged {
    /// A condition without which the kind is clearly absent.
    fn only_if(self, condition: bool) -> Self {
        if condition { self } else { Self { verdict: Verdict::Absent, ..self } }
    }

    /// A condition under which the look cannot say that the kind is there.
    fn unclear_if(self, condition: bool) -> Self {
        if condition && self.verdict == Verdict::Present {
            return Self { verdict: Verdict::Unclear, is_suspect: true, ..self };
        }
        self
    }
}
