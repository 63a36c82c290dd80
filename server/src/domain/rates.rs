//! The seven figures of a district (覆盖率, 接入率, 在线率, 录像完整率, 巡查率, 整改率, AI 准确率), each a share whose part and whole add up
//! over premises.
//!
//! - 覆盖率 coverage: premises with a working bright kitchen / premises that must have one. It works in a stretch of time when one of its
//!   cameras delivered a picture in it. Which kinds must is data (`data/coverage.json`).
//! - 接入率 connection: cameras that delivered a picture at least once in the stretch / cameras registered, also those switched off.
//! - 在线率 and 录像完整率: of cameras' days, see [`super::statistics`]. 巡查率: cameras looked at / planned, each once a day.
//! - 整改率: alerts whose answer stands / alerts dispatched. AI 准确率: confirmed / (confirmed + dismissed as false alarm).

use std::sync::LazyLock;

use serde::Deserialize;

/// Version of the formulas above; a closed period keeps that by which it was counted.
pub const FORMULA: i64 = 1;

/// One of the seven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "explained above")]
pub enum Rate {
    Coverage,
    Connection,
    Online,
    Completeness,
    Patrol,
    Rectified,
    Precision,
}

impl Rate {
    /// In the order in which they are shown.
    pub const ALL: [Self; 7] =
        [Self::Coverage, Self::Connection, Self::Online, Self::Completeness, Self::Patrol, Self::Rectified, Self::Precision];

    /// As stored and sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Coverage => "coverage",
            Self::Connection => "connection",
            Self::Online => "online",
            Self::Completeness => "completeness",
            Self::Patrol => "patrol",
            Self::Rectified => "rectified",
            Self::Precision => "precision",
        }
    }

    /// zh-CN
    pub fn zh(self) -> &'static str {
        match self {
            Self::Coverage => "覆盖率",
            Self::Connection => "接入率",
            Self::Online => "在线率",
            Self::Completeness => "录像完整率",
            Self::Patrol => "巡查率",
            Self::Rectified => "整改率",
            Self::Precision => "AI 准确率",
        }
    }
}

impl Rate {
    /// zh-CN, as reports print it.
    pub fn formula_zh(self) -> &'static str {
        match self {
            Self::Coverage => "期间有画面的应接场所 ÷ 应接场所",
            Self::Connection => "期间至少传过一次画面的摄像头 ÷ 登记的摄像头",
            Self::Online => "有画面的时长 ÷ 应在线时长",
            Self::Completeness => "已录时长 ÷ 应录时长",
            Self::Patrol => "已巡摄像头 ÷ 计划巡查摄像头",
            Self::Rectified => "已整改且未退回 ÷ 已派发",
            Self::Precision => "确认 ÷（确认 + 误报）",
        }
    }
}

/// Part and whole of each of the seven: premises, cameras, ms, ms, looks, alerts, alerts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rates([(i64, i64); 7]);

impl Rates {
    /// Adds to one of them.
    pub fn add(&mut self, rate: Rate, part: i64, whole: i64) {
        let sum = &mut self.0[rate as usize];
        *sum = (sum.0 + part, sum.1 + whole);
    }

    /// Adds all of another group.
    pub fn join(&mut self, other: &Self) {
        for rate in Rate::ALL {
            let (part, whole) = other.get(rate);
            self.add(rate, part, whole);
        }
    }

    /// Part and whole of one.
    pub fn get(&self, rate: Rate) -> (i64, i64) {
        self.0[rate as usize]
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Coverage {
    #[expect(dead_code, reason = "read by people, demanded in the file")]
    version: i64,
    #[expect(dead_code, reason = "read by people, demanded in the file")]
    source: String,
    kinds: Vec<String>,
}

static COVERAGE: LazyLock<Option<Coverage>> = LazyLock::new(|| serde_json::from_str(include_str!("data/coverage.json")).ok());

/// Whether premises of this kind must have a bright kitchen.
pub fn must_be_covered(kind: &str) -> bool {
    COVERAGE.as_ref().is_some_and(|coverage| coverage.kinds.iter().any(|known| known == kind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::premises::PremisesKind;

    #[test]
    fn the_kinds_that_must_be_covered_are_kinds() {
        let coverage = COVERAGE.as_ref().expect("the file is well formed");
        assert!(coverage.kinds.iter().all(|kind| kind.parse::<PremisesKind>().is_ok()), "{coverage:?}");
        assert!(must_be_covered("school_canteen") && !must_be_covered("campus_shop"));
    }

    #[test]
    fn shares_of_groups_add_up() {
        let (mut one, mut two) = (Rates::default(), Rates::default());
        one.add(Rate::Coverage, 1, 1);
        two.add(Rate::Coverage, 0, 1);
        two.add(Rate::Precision, 3, 4);
        one.join(&two);
        assert_eq!((one.get(Rate::Coverage), one.get(Rate::Precision), one.get(Rate::Patrol)), ((1, 2), (3, 4), (0, 0)));
    }
}
