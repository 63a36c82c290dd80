//! Settings that a bureau changes, beside those of the diagnosis: what the program dispatches by itself, and how long
//! recordings are kept.
//!
//! A setting lies at a place: the system, a kind of premises, a premises, a camera. The nearest place that says something
//! holds; what nobody says is the program's default.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::premises::ServiceHours;

/// Name of the setting: device kinds that the program confirms and dispatches when they are told.
pub const AUTO_DISPATCH: &str = "auto_dispatch";
/// Name of the setting: how long recordings are kept.
pub const RETENTION: &str = "retention";
/// Name of the setting: whether premises have public pages.
pub const DISCLOSURE: &str = "disclosure";
/// Name of the setting: when parents see which cameras of a premises.
pub const PARENT_VIEWING: &str = "parent_viewing";
/// Spans of hours for parents.
pub const PARENT_HOURS_MAX: usize = 14;
/// Cameras of a premises that parents may see.
pub const PARENT_CAMERAS_MAX: usize = 50;
/// Fewest days that recordings are kept: published guidance for canteens.
pub const RETENTION_DAYS_MIN: u32 = 7;
/// Most days.
pub const RETENTION_DAYS_MAX: u32 = 365;

/// Whether the program dispatches a kind; what is absent is inherited. Off by default.
pub type AutoDispatch = BTreeMap<String, bool>;

/// Whether premises have public pages (结果公开). Off unless a bureau switches it on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"enabled": false}))]
pub struct Disclosure {
    /// Pages answer.
    pub enabled: bool,
    /// Search engines may list them.
    #[serde(default)]
    pub indexed: bool,
}

/// When parents see which cameras of a premises. Closed, and no camera, unless a bureau says otherwise: no default is
/// right for pictures of other people's work.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"hours": [{"days": [1, 2, 3, 4, 5], "from": "10:30", "to": "12:30"}], "cameras": ["01928f6e-0000-7000-8000-000000000050"]}))]
pub struct ParentViewing {
    /// In Asia/Shanghai; none: closed.
    #[schema(max_items = 14)]
    pub hours: Vec<ServiceHours>,
    /// Ids of the cameras that are shown; none: none.
    #[schema(max_items = 50)]
    pub cameras: Vec<Uuid>,
}

/// How long recordings are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"days": 30}))]
pub struct Retention {
    /// Days, 7 to 365; usual are 7, 15, 30 and 90.
    #[schema(minimum = 7, maximum = 365)]
    pub days: u32,
}

impl Retention {
    /// Whether a bureau may ask for it.
    pub fn is_allowed(self) -> bool {
        (RETENTION_DAYS_MIN..=RETENTION_DAYS_MAX).contains(&self.days)
    }
}

/// Where a value comes from, the nearest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The program.
    Default,
    /// The whole system.
    System,
    /// Its kind of premises.
    Kind,
    /// Its premises.
    Premises,
    /// The camera itself.
    Camera,
}

impl Origin {
    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::System => "system",
            Self::Kind => "kind",
            Self::Premises => "premises",
            Self::Camera => "camera",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recordings_are_kept_a_week_at_least_and_a_year_at_most() {
        for (days, allowed) in [(0, false), (6, false), (7, true), (90, true), (365, true), (366, false)] {
            assert_eq!(Retention { days }.is_allowed(), allowed, "{days}");
        }
    }

    #[test]
    fn the_nearer_place_is_the_greater() {
        assert!(Origin::Default < Origin::System && Origin::Kind < Origin::Premises && Origin::Premises < Origin::Camera);
    }
}
