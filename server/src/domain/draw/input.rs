//! What a draw looks at, frozen: premises, officers, past visits, rules and the version of the plan.

use mobile_api::canonical;
use mobile_api::field::{Faults, FieldFault};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Names the form of the input; another form is another name.
pub const FORMAT: &str = "bright-kitchen-draw/1";
/// Premises that one draw can choose from.
pub const OBJECTS_MAX: usize = 2_000;
/// Premises that one draw can choose.
pub const WANTED_MAX: usize = 500;
/// Officers that one draw can choose from.
pub const OFFICERS_MAX: usize = 300;
/// Past visits that are looked at.
pub const VISITS_MAX: usize = 50_000;
/// Days that the checks of one draw may lie on.
pub const DAYS_MAX: usize = 100;
/// Officers that go together at most.
pub const TEAM_MAX: usize = 4;

/// Everything that a draw depends on but for chance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DrawInput)]
pub struct Input {
    /// [`FORMAT`]
    #[schema(example = "bright-kitchen-draw/1")]
    pub format: String,
    /// The plan whose premises are drawn, and its version.
    pub plan: Option<PlanVersion>,
    /// Days on which the checks may be made, ISO dates in order: working days up to the due day.
    pub days: Vec<String>,
    /// How many premises are drawn.
    pub wanted: usize,
    /// Premises to choose from.
    pub objects: Vec<Object>,
    /// Officers to choose from.
    pub officers: Vec<Officer>,
    /// Who visited what in the months that the rules look back.
    pub visits: Vec<Visit>,
    /// The rules.
    pub rules: Rules,
}

/// A version of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DrawPlanVersion)]
pub struct PlanVersion {
    /// Its id.
    pub id: String,
    /// Its version when it was frozen.
    pub version: i64,
}

/// A premises.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DrawObject)]
pub struct Object {
    /// Its id.
    pub id: String,
    /// As it was called.
    pub name: String,
    /// Its office.
    pub office_id: String,
    /// The authorities above it: its office, district, city.
    pub above: Vec<String>,
    /// Kind of premises.
    pub kind: String,
    /// Where it stands.
    pub point: Option<Point>,
}

/// An officer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DrawOfficer)]
pub struct Officer {
    /// User id.
    pub id: String,
    /// As shown.
    pub name: String,
    /// The authorities that the officer belongs to.
    pub homes: Vec<String>,
    /// Whether the officer may lead a check.
    pub may_lead: bool,
    /// Last day of the law-enforcement certificate (执法证); `null`: none is on record, so none is valid.
    pub certificate_until: Option<String>,
    /// Premises that the officer has an interest in (回避).
    pub interests: Vec<String>,
    /// Days away.
    pub leaves: Vec<Span>,
    /// Kinds of premises that the officer knows best.
    pub specialties: Vec<String>,
    /// Open checks that the officer already has.
    pub load: i64,
    /// The middle of the officer's own premises.
    pub point: Option<Point>,
}

/// Metres east and north of a point that all of a draw share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DrawPoint)]
pub struct Point {
    /// metres
    pub east_m: i64,
    /// metres
    pub north_m: i64,
}

/// Days from and until, both included.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DrawSpan)]
pub struct Span {
    /// ISO date
    pub from: String,
    /// ISO date
    pub until: String,
}

/// An officer was at a premises within the months that are looked back.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DrawVisit)]
pub struct Visit {
    /// Where.
    pub premises_id: String,
    /// Who.
    pub officer_id: String,
}

/// Whose officers may go where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = DrawMode)]
pub enum Mode {
    /// Officers of the authorities above the premises.
    OwnOffice,
    /// Officers of other offices only (交叉检查).
    CrossCheck,
}

impl Mode {
    /// As stored and sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OwnOffice => "own_office",
            Self::CrossCheck => "cross_check",
        }
    }
}

/// The rules. What is hard is never relaxed; what is soft orders those who may go (0: does not count).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DrawRules)]
pub struct Rules {
    /// Hard: whose officers.
    pub mode: Mode,
    /// Hard: officers of each check; at least two, of whom one leads.
    #[schema(minimum = 2, maximum = 4, example = 2)]
    pub team: usize,
    /// Months in which nobody goes to the same premises again; the visits of the input are those.
    #[schema(minimum = 0, maximum = 36, example = 6)]
    pub same_premises_months: i64,
    /// Hard: checks that one officer gets in this draw; `null`: any number.
    #[schema(minimum = 1, maximum = 500)]
    pub checks_each_max: Option<i64>,
    /// Soft: weight of each check that an officer has.
    #[schema(minimum = 0, maximum = 100, example = 1)]
    pub load_weight: i64,
    /// Soft: weight of not knowing the kind of premises best.
    #[schema(minimum = 0, maximum = 100, example = 1)]
    pub specialty_weight: i64,
    /// Soft: weight of being far.
    #[schema(minimum = 0, maximum = 100, example = 1)]
    pub distance_weight: i64,
    /// What is far, metres.
    #[schema(minimum = 0, maximum = 1_000_000, example = 10_000)]
    pub far_m: i64,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            mode: Mode::OwnOffice,
            team: 2,
            same_premises_months: 6,
            checks_each_max: None,
            load_weight: 1,
            specialty_weight: 1,
            distance_weight: 1,
            far_m: 10_000,
        }
    }
}

impl Rules {
    /// Notes what cannot be.
    pub fn check(&self, faults: &mut Faults) {
        let within = |faults: &mut Faults, field: &str, value: i64, least: i64, most: i64| {
            if !(least..=most).contains(&value) {
                faults.note_at(field, "out_of_range", format!("{least} to {most}"));
            }
        };
        if !(2..=TEAM_MAX).contains(&self.team) {
            faults.note_at("team", "out_of_range", format!("2 to {TEAM_MAX}"));
        }
        within(faults, "same_premises_months", self.same_premises_months, 0, 36);
        within(faults, "checks_each_max", self.checks_each_max.unwrap_or(1), 1, 500);
        within(faults, "load_weight", self.load_weight, 0, 100);
        within(faults, "specialty_weight", self.specialty_weight, 0, 100);
        within(faults, "distance_weight", self.distance_weight, 0, 100);
        within(faults, "far_m", self.far_m, 0, 1_000_000);
    }
}

impl Input {
    /// In the one order that counts: two inputs with the same content are the same.
    #[must_use]
    pub fn canonical(mut self) -> Self {
        self.days.sort();
        self.days.dedup();
        for object in &mut self.objects {
            object.above.sort();
            object.above.dedup();
        }
        self.objects.sort_by(|one, other| one.id.cmp(&other.id));
        self.objects.dedup_by(|one, other| one.id == other.id);
        for officer in &mut self.officers {
            for list in [&mut officer.homes, &mut officer.interests, &mut officer.specialties] {
                list.sort();
                list.dedup();
            }
            officer.leaves.sort();
            officer.leaves.dedup();
        }
        self.officers.sort_by(|one, other| one.id.cmp(&other.id));
        self.officers.dedup_by(|one, other| one.id == other.id);
        self.visits.sort();
        self.visits.dedup();
        self
    }

    /// SHA-256 of the canonical JSON (RFC 8785), hex.
    pub fn sha256(&self) -> String {
        let value = serde_json::to_value(self.clone().canonical()).unwrap_or_default();
        canonical::sha256_hex(&value)
    }

    /// Whether it is one that can be drawn.
    ///
    /// # Errors
    /// All faults, each with its pointer.
    pub fn check(&self) -> Result<(), Vec<FieldFault>> {
        let mut faults = Faults::new();
        if self.format != FORMAT {
            faults.note_at("format", "unknown", format!("this program knows {FORMAT}"));
        }
        if self.objects.is_empty() {
            faults.note_at("objects", "too_few", "no premises to choose from");
        }
        if self.wanted == 0 || self.wanted > self.objects.len() || self.wanted > WANTED_MAX {
            faults.note_at("wanted", "out_of_range", format!("1 to {}", self.objects.len().min(WANTED_MAX)));
        }
        if self.days.is_empty() {
            faults.note_at("days", "too_few", "no day to check on");
        }
        faults.count("objects", self.objects.len(), OBJECTS_MAX);
        faults.count("officers", self.officers.len(), OFFICERS_MAX);
        faults.count("visits", self.visits.len(), VISITS_MAX);
        faults.count("days", self.days.len(), DAYS_MAX);
        faults.within("rules", |faults| self.rules.check(faults));
        faults.finish()
    }
}
