//! The hard rules: who may go where, and which rule says no.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::input::{Input, Mode, Object, Officer};

/// A hard rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = DrawRule)]
pub enum Rule {
    /// Only officers of the authorities above it; in cross-checks only others.
    OwnOffice,
    /// A declared interest (回避).
    Interest,
    /// Away on all days of the draw, or on all days of the others.
    Leave,
    /// No certificate that is valid.
    Certificate,
    /// At the same premises within the months that are looked back.
    SamePremises,
    /// At least so many officers.
    Team,
    /// One of them leads.
    Lead,
    /// An officer's most checks in one draw.
    ChecksEach,
}

impl Rule {
    /// All of them, in the order in which they are asked.
    pub const ALL: [Self; 8] =
        [Self::OwnOffice, Self::Interest, Self::Leave, Self::Certificate, Self::SamePremises, Self::Team, Self::Lead, Self::ChecksEach];

    /// As stored and sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OwnOffice => "own_office",
            Self::Interest => "interest",
            Self::Leave => "leave",
            Self::Certificate => "certificate",
            Self::SamePremises => "same_premises",
            Self::Team => "team",
            Self::Lead => "lead",
            Self::ChecksEach => "checks_each",
        }
    }
}

/// Days of a draw, one bit each.
pub type Days = u128;

/// What the rules say of each officer and premises, worked out once.
#[derive(Debug)]
pub struct Table<'a> {
    /// Canonical.
    pub input: &'a Input,
    /// Of each officer: days without leave.
    present: Vec<Days>,
    /// Of each officer: days with a valid certificate.
    certified: Vec<Days>,
}

impl<'a> Table<'a> {
    /// Of a canonical input.
    pub fn new(input: &'a Input) -> Self {
        let days = |keep: &dyn Fn(&str) -> bool| {
            input.days.iter().take(128).enumerate().filter(|(_, day)| keep(day)).fold(0, |days: Days, (at, _)| days | 1 << at)
        };
        let away =
            |officer: &Officer, day: &str| officer.leaves.iter().any(|leave| (leave.from.as_str()..=leave.until.as_str()).contains(&day));
        let present = input.officers.iter().map(|officer| days(&|day| !away(officer, day))).collect();
        let valid = |officer: &Officer, day: &str| officer.certificate_until.as_deref().is_some_and(|until| day <= until);
        let certified = input.officers.iter().map(|officer| days(&|day| valid(officer, day))).collect();
        Self { input, present, certified }
    }

    /// The rules that keep one officer from one premises, but for `without`.
    pub fn against(&self, object: &Object, officer: usize, without: Option<Rule>) -> Vec<Rule> {
        let person = &self.input.officers[officer];
        let visited = || {
            let visit = super::Visit { premises_id: object.id.clone(), officer_id: person.id.clone() };
            self.input.visits.binary_search(&visit).is_ok()
        };
        let breaks = |rule: Rule| match rule {
            Rule::OwnOffice => match self.input.rules.mode {
                Mode::OwnOffice => !person.homes.iter().any(|home| object.above.contains(home)),
                Mode::CrossCheck => person.homes.contains(&object.office_id),
            },
            Rule::Interest => person.interests.binary_search(&object.id).is_ok(),
            Rule::Leave => self.present[officer] == 0,
            Rule::Certificate => self.certified[officer] == 0,
            Rule::SamePremises => visited(),
            Rule::Team | Rule::Lead | Rule::ChecksEach => false,
        };
        Rule::ALL.into_iter().filter(|rule| Some(*rule) != without && breaks(*rule)).collect()
    }

    /// Days on which an officer can go, but for a rule that is left out.
    pub fn days(&self, officer: usize, without: Option<Rule>) -> Days {
        let present = if without == Some(Rule::Leave) { Days::MAX } else { self.present[officer] };
        let certified = if without == Some(Rule::Certificate) { Days::MAX } else { self.certified[officer] };
        present & certified
    }

    /// Whether these may go together: one leads, and there is a day on which all can.
    pub fn together(&self, team: &[usize], without: Option<Rule>) -> bool {
        let leads = without == Some(Rule::Lead) || team.iter().any(|officer| self.input.officers[*officer].may_lead);
        leads && team.iter().fold(Days::MAX, |days, officer| days & self.days(*officer, without)) != 0
    }

    /// How the soft rules rank an officer for a premises: less is better. `given`: checks that this draw gave already.
    pub fn cost(&self, object: &Object, officer: usize, given: i64) -> i64 {
        let (person, rules) = (&self.input.officers[officer], &self.input.rules);
        let knows = person.specialties.contains(&object.kind);
        let far = match (person.point, object.point) {
            (Some(one), Some(other)) => {
                let (east, north) =
                    (i128::from(one.east_m) - i128::from(other.east_m), i128::from(one.north_m) - i128::from(other.north_m));
                east * east + north * north > i128::from(rules.far_m) * i128::from(rules.far_m)
            }
            _ => false,
        };
        let load = person.load.clamp(0, 10_000) + given;
        load * rules.load_weight + if knows { 0 } else { rules.specialty_weight } + if far { rules.distance_weight } else { 0 }
    }
}
