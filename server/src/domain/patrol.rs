//! Patrols (视频巡查): which cameras are looked at on a day. Drawn from the day, the plan's node and the cameras alone, so that
//! anybody can draw it again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

/// How many of a node's cameras are looked at each day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"share": 30, "by_risk": true}))]
pub struct PatrolPlan {
    /// Percent of the cameras, 1 to 100.
    #[schema(minimum = 1, maximum = 100)]
    pub share: u32,
    /// Premises of risk grade A half as often, of C twice as often, of D every day.
    pub by_risk: bool,
}

impl PatrolPlan {
    /// Whether a bureau may ask for it.
    pub fn is_allowed(self) -> bool {
        (1..=100).contains(&self.share)
    }

    /// Percent of the cameras of premises of this grade.
    fn share_of(self, grade: Option<&str>) -> u32 {
        match grade.filter(|_| self.by_risk) {
            Some("A") => self.share.div_ceil(2),
            Some("C") => (self.share * 2).min(100),
            Some("D") => 100,
            _ => self.share,
        }
    }
}

/// What somebody saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LookResult {
    /// Nothing is wrong.
    Fine,
    /// Something is, and became an alert.
    Finding,
    /// There was no picture to look at.
    NoPicture,
}

impl LookResult {
    /// As stored and sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Finding => "finding",
            Self::NoPicture => "no_picture",
        }
    }
}

/// A camera that may be drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Which camera.
    pub camera_id: String,
    /// Where.
    pub premises_id: String,
    /// A to D.
    pub grade: Option<String>,
}

/// The cameras of a node that are looked at on a day, in the order in which they are walked.
pub fn draw(day: &str, node_id: &str, plan: PatrolPlan, cameras: &[Candidate]) -> Vec<Candidate> {
    let lot = |what: &str| Sha256::digest(format!("{day}\n{node_id}\n{what}"));
    let mut by_share: BTreeMap<u32, Vec<&Candidate>> = BTreeMap::new();
    for camera in cameras {
        by_share.entry(plan.share_of(camera.grade.as_deref())).or_default().push(camera);
    }
    let mut drawn: Vec<Candidate> = Vec::new();
    for (share, mut group) in by_share {
        group.sort_by_cached_key(|camera| (lot(&camera.camera_id), camera.camera_id.clone()));
        let count = (group.len() * usize::try_from(share).unwrap_or(100)).div_ceil(100);
        drawn.extend(group.into_iter().take(count).cloned());
    }
    drawn.sort_by_cached_key(|camera| (lot(&camera.premises_id), camera.premises_id.clone(), camera.camera_id.clone()));
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cameras(count: usize, grade: Option<&str>) -> Vec<Candidate> {
        let of = |at: usize| Candidate {
            camera_id: format!("{grade:?}c{at:04}"),
            premises_id: format!("{grade:?}p{}", at / 4),
            grade: grade.map(str::to_owned),
        };
        (0..count).map(of).collect()
    }

    #[test]
    fn all_means_each_camera_once_and_premises_by_premises() {
        let all = cameras(40, None);
        let drawn = draw("2026-11-30", "n", PatrolPlan { share: 100, by_risk: false }, &all);
        assert_eq!(drawn.len(), 40);
        let mut premises: Vec<&str> = drawn.iter().map(|camera| camera.premises_id.as_str()).collect();
        premises.dedup();
        assert_eq!(premises.len(), 10, "nobody goes to and fro between premises");
    }

    #[test]
    fn a_share_is_drawn_anew_each_day_and_alike_for_everybody() {
        let all = cameras(100, None);
        let plan = PatrolPlan { share: 30, by_risk: false };
        let (one, again, other) =
            (draw("2026-11-30", "n", plan, &all), draw("2026-11-30", "n", plan, &all), draw("2026-12-01", "n", plan, &all));
        assert_eq!((one.len(), &one), (30, &again));
        assert_ne!(one, other);
        let month: std::collections::BTreeSet<String> =
            (1..=30).flat_map(|day| draw(&format!("2026-11-{day:02}"), "n", plan, &all)).map(|camera| camera.camera_id).collect();
        assert_eq!(month.len(), 100, "within a month every camera has its turn");
    }

    #[test]
    fn by_risk_the_worse_are_looked_at_more() {
        let all: Vec<Candidate> =
            [Some("A"), Some("B"), Some("C"), Some("D"), None].into_iter().flat_map(|grade| cameras(20, grade)).collect();
        let drawn = draw("2026-11-30", "n", PatrolPlan { share: 30, by_risk: true }, &all);
        let of = |grade: Option<&str>| drawn.iter().filter(|camera| camera.grade.as_deref() == grade).count();
        // B and those without a grade are one group of 40.
        assert_eq!((of(Some("A")), of(Some("B")) + of(None), of(Some("C")), of(Some("D"))), (3, 12, 12, 20));
    }

    proptest! {
        #[test]
        fn no_camera_twice_and_never_fewer_than_asked(count in 0_usize..200, share in 1_u32..=100, by_risk: bool) {
            let all = cameras(count, Some("C"));
            let drawn = draw("2026-11-30", "n", PatrolPlan { share, by_risk }, &all);
            let mut ids: Vec<_> = drawn.iter().map(|camera| &camera.camera_id).collect();
            ids.sort();
            ids.dedup();
            prop_assert_eq!(ids.len(), drawn.len());
            prop_assert!(drawn.len() * 100 >= count * share as usize);
        }
    }
}
