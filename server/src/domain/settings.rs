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
/// Name of the setting: what is asked of those who sign in.
pub const SIGN_IN: &str = "sign_in";
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

/// Roles that a setting names at most.
pub const SIGN_IN_ROLES_MAX: usize = 50;
/// Shortest time of doing nothing that ends a login, minutes.
pub const IDLE_MINUTES_MIN: u32 = 5;
/// Longest, minutes: a day.
pub const IDLE_MINUTES_MAX: u32 = 1_440;

/// What a bureau asks of those who sign in. Nothing, unless it says so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"second_factor_roles": [], "idle_minutes": 30}))]
pub struct SignIn {
    /// Codes of roles: who has one of them reaches only `/me` and `/auth/*` until a second factor is on.
    #[schema(max_items = 50)]
    pub second_factor_roles: Vec<String>,
    /// Minutes without anything done after which a login of the console is not renewed any more; `null`: never.
    #[schema(minimum = 5, maximum = 1_440)]
    pub idle_minutes: Option<u32>,
}

impl SignIn {
    /// Whether somebody with these roles has to have a second factor.
    pub fn asks_for_second_factor(&self, roles: &[String]) -> bool {
        roles.iter().any(|role| self.second_factor_roles.contains(role))
    }

    /// Whether a login of somebody with these roles is over after doing nothing for `idle_ms`. Walls do nothing all day.
    pub fn is_over(&self, roles: &[String], idle_ms: i64) -> bool {
        let only_a_wall = !roles.is_empty() && roles.iter().all(|role| role == "wall");
        !only_a_wall && self.idle_minutes.is_some_and(|minutes| idle_ms > i64::from(minutes) * 60_000)
    }
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
    fn walls_do_nothing_all_day() {
        let roles = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let asked = SignIn { second_factor_roles: roles(&["administrator"]), idle_minutes: Some(10) };
        for (names, over) in [(&["wall"][..], false), (&["wall", "supervisor"], true), (&["supervisor"], true), (&[], true)] {
            assert_eq!(asked.is_over(&roles(names), 600_001), over, "{names:?}");
        }
        assert!(!asked.is_over(&roles(&["supervisor"]), 600_000) && !SignIn::default().is_over(&[], i64::MAX));
        assert!(asked.asks_for_second_factor(&roles(&["wall", "administrator"])) && !asked.asks_for_second_factor(&roles(&["wall"])));
    }

    #[test]
    fn the_nearer_place_is_the_greater() {
        assert!(Origin::Default < Origin::System && Origin::Kind < Origin::Premises && Origin::Premises < Origin::Camera);
    }
}
