//! Alerts: the kinds there are, their classes, and how fast each class is told and must be answered.

use std::sync::LazyLock;

use serde::Deserialize;

use super::workflow::{Limit, Unit};

/// A text in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// zh-CN
    pub zh: String,
    /// en
    pub en: String,
}

/// A kind of alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// As stored and sent.
    pub code: &'static str,
    /// 0: the camera itself; 1, 2, 3: what it sees.
    pub class: i64,
    /// zh-CN
    pub zh: &'static str,
    /// en
    pub en: &'static str,
}

const fn kind(code: &'static str, class: i64, zh: &'static str, en: &'static str) -> Kind {
    Kind { code, class, zh, en }
}

/// Every kind that has a name. Others may come from a bureau's own model; they are class 3 until it says otherwise.
pub const KINDS: &[Kind] = &[
    kind("signal_lost", 0, "视频信号丢失", "Signal lost"),
    kind("frozen", 0, "画面冻结", "Frozen picture"),
    kind("black", 0, "画面过暗", "Black picture"),
    kind("over_exposed", 0, "画面过亮", "Over-exposed"),
    kind("low_contrast", 0, "对比度低", "Low contrast"),
    kind("blurred", 0, "虚焦", "Out of focus"),
    kind("covered", 0, "视频遮挡", "Covered"),
    kind("moved", 0, "场景变更", "Camera moved"),
    kind("rodent", 1, "鼠患", "Suspected rodent"),
    kind("fire_unattended", 1, "动火离人", "Unattended fire"),
    kind("smoke_fire", 1, "烟火", "Smoke or fire"),
    kind("intrusion", 2, "人员闯入", "Intrusion"),
    kind("smoking", 2, "吸烟", "Smoking"),
    kind("bin_open", 2, "垃圾桶未盖", "Bin open"),
    kind("no_mask", 3, "未戴口罩", "No mask"),
    kind("no_hat", 3, "未戴工帽", "No hat"),
    kind("no_uniform", 3, "未穿工服", "No uniform"),
    kind("no_gloves", 3, "未戴手套", "No gloves"),
    kind("bare_torso", 3, "光膀子", "Bare torso"),
    kind("phone_use", 3, "玩手机", "Using a phone"),
    kind("unattended_post", 3, "离岗", "Unattended post"),
    kind("head_count", 3, "人数异常", "Unusual head count"),
    kind("patrol_finding", 3, "巡查发现", "Patrol finding"),
];

/// The kind of this code.
pub fn kind_of(code: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.code == code)
}

/// How a class is told and answered.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// 0 device, 1, 2, 3
    pub class: i64,
    /// As people read it.
    pub name: Named,
    /// An alert that lasts so long after it was raised is told to the premises and the officer, ms.
    pub tell_after_ms: i64,
    /// Who is told then; the others hear of it when the time to answer is over.
    pub told: Told,
    /// The clock that starts when it is told.
    pub answer: Limit,
    /// How soon somebody looks on site, where that is asked.
    #[serde(default)]
    pub on_site: Option<Limit>,
    /// How long the premises has when it is dispatched, unless a person says otherwise.
    pub rectify: Limit,
}

/// Who is told of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Told {
    /// Those who answer for the premises.
    pub premises: bool,
    /// Those of the nearest authority who act for it.
    pub officers: bool,
    /// Those of the nearest authority who decide.
    pub deciders: bool,
}

/// What is seen so often becomes more serious.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Growth {
    /// Alerts of this class ...
    pub class: i64,
    /// ... of one kind at one premises, this one counted, ...
    pub count: i64,
    /// ... within so many days ...
    pub days: i64,
    /// ... are of this class.
    pub becomes: i64,
}

/// All classes, with the version and the source of their figures.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Classes {
    /// Grows when a figure changes; kept with each alert.
    pub version: u32,
    /// Where the figures come from.
    pub source: String,
    /// What grows with its count.
    pub growth: Vec<Growth>,
    /// One each.
    pub classes: Vec<Class>,
}

static CLASSES: LazyLock<Classes> = LazyLock::new(|| serde_json::from_str(include_str!("data/alert_classes.json")).unwrap_or_default());
/// For a class nobody described: told at once, a day to answer.
static OTHER: LazyLock<Class> = LazyLock::new(|| Class {
    class: 3,
    name: Named { zh: "其他".to_owned(), en: "Other".to_owned() },
    tell_after_ms: 0,
    told: Told { premises: true, officers: true, deciders: true },
    answer: Limit { unit: Unit::Minutes, amount: 24 * 60 },
    on_site: None,
    rectify: Limit { unit: Unit::WorkingDays, amount: 3 },
});

/// The classes that ship with the program.
pub fn classes() -> &'static Classes {
    &CLASSES
}

/// How a class is told and answered.
pub fn class(class: i64) -> &'static Class {
    CLASSES.classes.iter().find(|known| known.class == class).unwrap_or(&OTHER)
}

/// How alerts of this class grow with their count, if they do.
pub fn growth(class: i64) -> Option<&'static Growth> {
    CLASSES.growth.iter().find(|growth| growth.class == class)
}

/// The part of the stream that an alert's clip shows, ms UTC: start, end.
///
/// From 10 s before to 20 s after it was raised; where the signal was lost, the 10 s before that.
pub fn clip_span(kind: &str, began_ms: i64, raised_ms: i64) -> (i64, i64) {
    if kind == "signal_lost" {
        return (began_ms - 10_000, began_ms);
    }
    (raised_ms - 10_000, raised_ms + 20_000)
}

/// Pictures that one alert keeps at most.
pub const STILLS_MAX: i64 = 24;
/// The first pictures of an alert are kept however close they are.
const STILLS_CLOSE: i64 = 6;

/// The pictures that an alert has already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StillsKept {
    /// How many.
    pub count: i64,
    /// Of the newest, ms UTC.
    pub last_ms: Option<i64>,
}

/// Whether an alert keeps the picture of one more occurrence: the first few, and then further and further apart, so that the
/// pictures of an hour and of a day both show all of it.
pub fn keeps_still(kept: StillsKept, raised_ms: i64, at_ms: i64) -> bool {
    let Some(last_ms) = kept.last_ms else { return true };
    kept.count < STILLS_CLOSE || (kept.count < STILLS_MAX && at_ms - last_ms >= (at_ms - raised_ms) / STILLS_CLOSE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn kinds_are_unique_and_every_diagnosis_is_one_of_the_device_class() {
        let codes: BTreeSet<_> = KINDS.iter().map(|kind| kind.code).collect();
        assert_eq!(codes.len(), KINDS.len());
        for code in ["signal_lost", "black", "over_exposed", "frozen", "covered", "blurred", "moved", "low_contrast"] {
            assert_eq!(kind_of(code).map(|kind| kind.class), Some(0), "{code}");
        }
        assert!(KINDS.iter().all(|kind| !kind.zh.is_empty() && !kind.en.is_empty()));
    }

    #[test]
    fn every_class_ships_with_its_figures() {
        let known: Vec<_> = classes().classes.iter().map(|class| (class.class, class.tell_after_ms, class.answer.unit)).collect();
        assert_eq!(known, [(0, 300_000, Unit::Minutes), (1, 0, Unit::ServiceHours), (2, 0, Unit::Minutes), (3, 0, Unit::WorkingDays)]);
        assert!(!classes().source.is_empty());
        assert_eq!(class(1).on_site, Some(Limit { unit: Unit::Minutes, amount: 24 * 60 }));
        assert_eq!(class(2).rectify, Limit { unit: Unit::WorkingDays, amount: 3 });
        assert_eq!(growth(3), Some(&Growth { class: 3, count: 3, days: 30, becomes: 2 }));
        assert!(!class(0).told.officers && class(1).told.officers, "a device is told to the canteen first");
    }

    /// When an alert that repeats this often keeps a picture, minutes after it was raised.
    fn pictures(every_minutes: i64, days: i64) -> Vec<i64> {
        let mut kept = StillsKept::default();
        let mut minutes = Vec::new();
        for minute in (0..days * 24 * 60).step_by(usize::try_from(every_minutes).unwrap()) {
            if keeps_still(kept, 0, minute * 60_000) {
                kept = StillsKept { count: kept.count + 1, last_ms: Some(minute * 60_000) };
                minutes.push(minute);
            }
        }
        minutes
    }

    #[test]
    fn the_pictures_of_an_alert_are_few_and_reach_far() {
        let kept = pictures(5, 30);
        assert_eq!(&kept[..8], [0, 5, 10, 15, 20, 25, 30, 40]);
        assert_eq!(i64::try_from(kept.len()), Ok(STILLS_MAX));
        assert!(kept.last().is_some_and(|last| *last > 10 * 60), "they reach over a day's work: {kept:?}");
        assert_eq!(pictures(5, 1).len(), kept.len(), "and no more for lasting longer");
        assert_eq!(pictures(600, 1), [0, 600, 1_200], "what is rare is kept whole");
    }

    #[test]
    fn a_lost_signal_shows_what_came_before_it() {
        assert_eq!(clip_span("black", 95_000, 100_000), (90_000, 120_000));
        assert_eq!(clip_span("signal_lost", 95_000, 100_000), (85_000, 95_000));
    }
}
