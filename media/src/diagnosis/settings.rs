//! What the diagnosis looks for and how patiently; set for the system, a premises or a camera.

use serde::{Deserialize, Serialize};

use crate::camera::named;

/// What can be wrong with a camera's pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiagnosisKind {
    /// 视频信号丢失: no packet comes.
    SignalLost,
    /// 画面过暗: too dark, few details.
    Black,
    /// 画面过亮: too bright, few details.
    OverExposed,
    /// 画面冻结: pictures alike without sensor noise.
    Frozen,
    /// 视频遮挡: something is in front of the lens.
    Covered,
    /// 虚焦: out of focus.
    Blurred,
    /// 场景变更: the camera looks elsewhere.
    Moved,
    /// 对比度低: hardly any contrast.
    LowContrast,
}
named!(DiagnosisKind {
    SignalLost => "signal_lost", Black => "black", OverExposed => "over_exposed", Frozen => "frozen",
    Covered => "covered", Blurred => "blurred", Moved => "moved", LowContrast => "low_contrast",
});

/// When one kind is raised, repeated and cleared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RuleSettings {
    /// Whether it is looked for at all.
    pub enabled: bool,
    /// The measure's limit, in the kind's own unit.
    pub threshold: f64,
    /// How long the condition must last before it is raised, milliseconds.
    pub duration_ms: u64,
    /// How long it must be gone before it is cleared, milliseconds (hysteresis in time).
    pub clear_ms: u64,
    /// While it lasts it is told again at this interval, milliseconds.
    pub repeat_interval_ms: u64,
}

impl RuleSettings {
    const fn new(threshold: f64, duration_ms: u64) -> Self {
        Self { enabled: true, threshold, duration_ms, clear_ms: 3_000, repeat_interval_ms: 300_000 }
    }
}

impl Default for RuleSettings {
    fn default() -> Self {
        Self::new(0.0, 5_000)
    }
}

/// Settings of all kinds for one camera.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DiagnosisSettings {
    /// No packet; raised by the recorder after [`DiagnosisSettings::no_packet_ms`]. Threshold unused.
    pub signal_lost: RuleSettings,
    /// Mean luma (0..255) below the threshold, and few details.
    pub black: RuleSettings,
    /// Mean luma (0..255) above the threshold, and few details.
    pub over_exposed: RuleSettings,
    /// Noise between looks below the threshold: nine of ten cells of 8 x 8 pixels differ less, in steps of luma. A camera
    /// whose usual noise is lower has a lower threshold.
    pub frozen: RuleSettings,
    /// Share (0..1) of the reference's texture in whose place stands an even area, above the threshold.
    pub covered: RuleSettings,
    /// Finest detail against the camera's own usual (0..1, corrected for contrast), below the threshold. A Gaussian blur
    /// of 5 pixels leaves 0.35 at 1080p and 0.26 at 720p.
    pub blurred: RuleSettings,
    /// Share (0..1) of the reference's texture that is still where it was, below the threshold, while the picture rests.
    pub moved: RuleSettings,
    /// Standard deviation of luma below the threshold, and far below the camera's own usual.
    pub low_contrast: RuleSettings,
    /// A picture is looked at this often even when sizes raise no suspicion, milliseconds.
    pub routine_look_ms: u64,
    /// Without a packet for this long the signal is lost, milliseconds.
    pub no_packet_ms: u64,
}

impl DiagnosisSettings {
    /// The settings of `kind`.
    #[must_use]
    pub fn rule(&self, kind: DiagnosisKind) -> &RuleSettings {
        match kind {
            DiagnosisKind::SignalLost => &self.signal_lost,
            DiagnosisKind::Black => &self.black,
            DiagnosisKind::OverExposed => &self.over_exposed,
            DiagnosisKind::Frozen => &self.frozen,
            DiagnosisKind::Covered => &self.covered,
            DiagnosisKind::Blurred => &self.blurred,
            DiagnosisKind::Moved => &self.moved,
            DiagnosisKind::LowContrast => &self.low_contrast,
        }
    }

    /// The settings of `kind`, to be changed.
    #[must_use]
    pub fn rule_mut(&mut self, kind: DiagnosisKind) -> &mut RuleSettings {
        match kind {
            DiagnosisKind::SignalLost => &mut self.signal_lost,
            DiagnosisKind::Black => &mut self.black,
            DiagnosisKind::OverExposed => &mut self.over_exposed,
            DiagnosisKind::Frozen => &mut self.frozen,
            DiagnosisKind::Covered => &mut self.covered,
            DiagnosisKind::Blurred => &mut self.blurred,
            DiagnosisKind::Moved => &mut self.moved,
            DiagnosisKind::LowContrast => &mut self.low_contrast,
        }
    }
}

impl Default for DiagnosisSettings {
    fn default() -> Self {
        Self {
            signal_lost: RuleSettings { clear_ms: 0, ..RuleSettings::new(0.0, 0) },
            black: RuleSettings::new(30.0, 5_000),
            over_exposed: RuleSettings::new(220.0, 5_000),
            frozen: RuleSettings::new(0.35, 5_000),
            covered: RuleSettings::new(0.6, 5_000),
            blurred: RuleSettings::new(0.42, 30_000),
            moved: RuleSettings::new(0.35, 10_000),
            low_contrast: RuleSettings::new(25.0, 30_000),
            routine_look_ms: 30_000,
            no_packet_ms: 5_000,
        }
    }
}
