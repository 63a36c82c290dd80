//! Searching a result in shuffled order: back-tracking over premises and teams until one breaks no rule, or none is left.
//!
//! Premises bind each other only through [`Rules::checks_each_max`](super::Rules); without it the first team that fits is
//! final and nothing is tried twice. The search looks at [`LOOKS_MAX`] teams at most. When that is not enough the answer is
//! [`Outcome::Undecided`]: neither a result nor a proof that there is none. Nothing is drawn then.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::input::{DAYS_MAX, Input};
use super::rules::{Rule, Table};

/// Teams that one search looks at.
pub const LOOKS_MAX: u64 = 2_000_000;

/// Who goes to a premises, the lead first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DrawTeam)]
pub struct Team {
    /// Where.
    pub premises_id: String,
    /// User ids, the lead first.
    pub officer_ids: Vec<String>,
}

/// A result: premises in the order in which they were drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DrawResult)]
pub struct Drawn {
    /// One for each premises that was drawn.
    pub teams: Vec<Team>,
}

/// Why there is no result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DrawBlocked)]
pub struct Blocked {
    /// The premises that nobody can be sent to; absent where the premises together ask for too much.
    pub premises_id: Option<String>,
    /// Rules of which each alone would let it through if it were not there; where no single one would, all that say no.
    pub rules: Vec<Rule>,
    /// Officers that may go there by all rules that ask one officer.
    pub officers_left: usize,
}

/// What a draw ends with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "outcome", rename_all = "snake_case")]
#[schema(as = DrawOutcome)]
pub enum Outcome {
    /// A result that breaks no rule.
    Drawn(Drawn),
    /// Proven: no result breaks no rule.
    Infeasible(Blocked),
    /// The search was given up at its limit.
    Undecided {
        /// Teams that were looked at.
        looked: u64,
    },
}

/// Searches for premises `objects`, each with its own order of officers.
pub fn search(input: &Input, objects: &[usize], orders: &[Vec<usize>]) -> Outcome {
    let table = Table::new(input);
    let candidates: Vec<Vec<usize>> = objects
        .iter()
        .zip(orders)
        .map(|(object, order)| {
            let may = |officer: &usize| table.against(&input.objects[*object], *officer, None).is_empty();
            order.iter().copied().filter(may).collect()
        })
        .collect();
    for (object, officers) in objects.iter().zip(&candidates) {
        if !any_team(&table, officers, input.rules.team, None) {
            return Outcome::Infeasible(blocked(&table, *object, officers.len()));
        }
    }
    let each = input.rules.checks_each_max.unwrap_or(i64::MAX);
    let together = Blocked { premises_id: None, rules: vec![Rule::ChecksEach], officers_left: 0 };
    if capacity(&candidates, each) < objects.len().saturating_mul(input.rules.team) {
        return Outcome::Infeasible(together);
    }
    let mut state =
        State { table: &table, objects, candidates: &candidates, each, given: vec![0; input.officers.len()], looked: 0, teams: Vec::new() };
    match state.place(0) {
        Some(true) => Outcome::Drawn(Drawn { teams: state.named() }),
        Some(false) => Outcome::Infeasible(together),
        None => Outcome::Undecided { looked: state.looked },
    }
}

/// Checks that the officers can make at most, each at each premises once.
fn capacity(candidates: &[Vec<usize>], each: i64) -> usize {
    let mut places = std::collections::BTreeMap::new();
    for officer in candidates.iter().flatten() {
        *places.entry(*officer).or_insert(0_i64) += 1;
    }
    places.values().map(|places| usize::try_from((*places).min(each)).unwrap_or(0)).sum()
}

/// Whether any team of these can go, but for a rule that is left out: on some day there are enough, and one of them leads.
fn any_team(table: &Table<'_>, officers: &[usize], size: usize, without: Option<Rule>) -> bool {
    let size = if without == Some(Rule::Team) { 1 } else { size };
    let leads = |officer: &usize| without == Some(Rule::Lead) || table.input.officers[*officer].may_lead;
    (0..table.input.days.len().min(DAYS_MAX)).any(|day| {
        let there = officers.iter().filter(|officer| table.days(**officer, without) >> day & 1 == 1);
        let (count, led) = there.fold((0, false), |(count, led), officer| (count + 1, led || leads(officer)));
        count >= size && led
    })
}

/// Names the rules that block a premises to which nobody can be sent.
fn blocked(table: &Table<'_>, object: usize, officers_left: usize) -> Blocked {
    let object = &table.input.objects[object];
    let everybody = 0..table.input.officers.len();
    let without = |rule: Rule| {
        let officers: Vec<usize> = everybody.clone().filter(|officer| table.against(object, *officer, Some(rule)).is_empty()).collect();
        any_team(table, &officers, table.input.rules.team, Some(rule))
    };
    let mut rules: Vec<Rule> = Rule::ALL.into_iter().filter(|rule| without(*rule)).collect();
    if rules.is_empty() {
        rules = everybody.clone().flat_map(|officer| table.against(object, officer, None)).collect();
        rules.push(Rule::Team);
        rules.sort();
        rules.dedup();
    }
    Blocked { premises_id: Some(object.id.clone()), rules, officers_left }
}

struct State<'a> {
    table: &'a Table<'a>,
    objects: &'a [usize],
    /// Who may go to each, in shuffled order.
    candidates: &'a [Vec<usize>],
    each: i64,
    /// Checks of this draw, by officer.
    given: Vec<i64>,
    looked: u64,
    teams: Vec<Vec<usize>>,
}

impl State<'_> {
    /// Finds teams from the `at`th premises on; `None` where the limit is reached. As deep as there are premises, 500 at most.
    fn place(&mut self, at: usize) -> Option<bool> {
        let (Some(object), Some(candidates)) = (self.objects.get(at), self.candidates.get(at)) else { return Some(true) };
        let object = &self.table.input.objects[*object];
        // Stable: those whom the soft rules rank alike stay in the order that chance gave them.
        let mut officers: Vec<usize> = candidates.iter().copied().filter(|officer| self.given[*officer] < self.each).collect();
        officers.sort_by_key(|officer| self.table.cost(object, *officer, self.given[*officer]));
        for team in teams(self.table, &officers) {
            self.looked += 1;
            if self.looked > LOOKS_MAX {
                return None;
            }
            if !self.table.together(&team, None) {
                continue;
            }
            team.iter().for_each(|officer| self.given[*officer] += 1);
            self.teams.push(team);
            if self.place(at + 1)? {
                return Some(true);
            }
            for officer in self.teams.pop().unwrap_or_default() {
                self.given[officer] -= 1;
            }
            if self.each == i64::MAX {
                // Nothing binds the premises to each other: what comes later does not fail because of this one.
                return Some(false);
            }
        }
        Some(false)
    }

    /// The teams with ids.
    fn named(&self) -> Vec<Team> {
        let id = |officer: &usize| self.table.input.officers[*officer].id.clone();
        let named = |(object, team): (&usize, &Vec<usize>)| Team {
            premises_id: self.table.input.objects[*object].id.clone(),
            officer_ids: team.iter().map(id).collect(),
        };
        self.objects.iter().zip(&self.teams).map(named).collect()
    }
}

/// All teams of these officers, each once, the lead first: the first who may lead leads, those who stand first go first.
fn teams<'a>(table: &'a Table<'_>, officers: &'a [usize]) -> impl Iterator<Item = Vec<usize>> + 'a {
    let leads = |officer: usize| table.input.officers[officer].may_lead;
    let size = table.input.rules.team;
    officers.iter().enumerate().filter(move |(_, lead)| leads(**lead)).flat_map(move |(at, lead)| {
        // One who may lead and stands before this lead has had all teams of both.
        let others = officers.iter().enumerate().filter(move |(place, other)| *place != at && (*place > at || !leads(**other)));
        let others: Vec<usize> = others.map(|(_, other)| *other).collect();
        Sets::new(others.len(), size - 1).map(move |places| {
            let mut team = vec![*lead];
            team.extend(places.iter().map(|place| others[*place]));
            team
        })
    })
}

/// Sets of `size` places below `n`: those of the first places come first.
struct Sets {
    n: usize,
    next: Option<Vec<usize>>,
}

impl Sets {
    fn new(n: usize, size: usize) -> Self {
        Self { n, next: (size > 0 && size <= n).then(|| (0..size).collect()) }
    }
}

impl Iterator for Sets {
    type Item = Vec<usize>;

    fn next(&mut self) -> Option<Vec<usize>> {
        let now = self.next.take()?;
        let size = now.len();
        let movable = (0..size).rev().find(|place| now[*place] < self.n - size + place);
        self.next = movable.map(|place| {
            let mut after = now.clone();
            after[place] += 1;
            for later in place + 1..size {
                after[later] = after[later - 1] + 1;
            }
            after
        });
        Some(now)
    }
}
