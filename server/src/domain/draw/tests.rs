//! What holds for every draw, tried on inputs made by chance; small ones are compared with trying everything.

use proptest::prelude::*;

use super::input::{FORMAT, PlanVersion};
use super::search::LOOKS_MAX;
use super::*;

/// What chance says of an officer.
#[derive(Debug, Clone)]
struct Someone {
    home: usize,
    may_lead: bool,
    certificate: Option<u8>,
    interest: Option<usize>,
    leave: Option<(u8, u8)>,
    load: i64,
    specialty: bool,
    east_m: i64,
}

fn someone() -> impl Strategy<Value = Someone> {
    let leave = proptest::option::weighted(0.5, (1..5_u8, 1..5_u8));
    (
        0..2_usize,
        any::<bool>(),
        proptest::option::weighted(0.9, 0..6_u8),
        proptest::option::weighted(0.3, 0..4_usize),
        leave,
        0..4_i64,
        any::<bool>(),
        0..40_000_i64,
    )
        .prop_map(|(home, may_lead, certificate, interest, leave, load, specialty, east_m)| {
            let leave = leave.map(|(one, other)| (one.min(other), one.max(other)));
            Someone { home, may_lead, certificate, interest, leave, load, specialty, east_m }
        })
}

fn day(number: u8) -> String {
    format!("2026-12-{number:02}")
}

fn object(number: usize) -> Object {
    let office = number % 2;
    Object {
        id: format!("p{number}"),
        name: format!("食堂 {number}"),
        office_id: format!("office{office}"),
        above: vec!["district".to_owned(), format!("office{office}")],
        kind: "school_canteen".to_owned(),
        point: Some(Point { east_m: 5_000 * i64::try_from(number).unwrap_or_default(), north_m: 0 }),
    }
}

fn officer(number: usize, someone: &Someone) -> Officer {
    Officer {
        id: format!("o{number}"),
        name: format!("人员 {number}"),
        homes: vec![format!("office{}", someone.home)],
        may_lead: someone.may_lead,
        certificate_until: someone.certificate.map(day),
        interests: someone.interest.map(|at| format!("p{at}")).into_iter().collect(),
        leaves: someone.leave.map(|(from, until)| Span { from: day(from), until: day(until) }).into_iter().collect(),
        specialties: if someone.specialty { vec!["school_canteen".to_owned()] } else { Vec::new() },
        load: someone.load,
        point: Some(Point { east_m: someone.east_m, north_m: 0 }),
    }
}

fn inputs(objects: std::ops::Range<usize>, officers: std::ops::Range<usize>) -> impl Strategy<Value = Input> {
    let people = proptest::collection::vec(someone(), officers);
    let visits = proptest::collection::vec((0..4_usize, 0..6_usize), 0..5);
    (objects, people, visits, 0..4_usize, any::<bool>(), proptest::option::of(1..3_i64), 2..4_usize).prop_map(
        |(count, people, visits, fewer, cross, checks_each_max, team)| Input {
            format: FORMAT.to_owned(),
            plan: Some(PlanVersion { id: "plan".to_owned(), version: 3 }),
            days: (1..5).map(day).collect(),
            wanted: count.saturating_sub(fewer).max(1),
            objects: (0..count).map(object).collect(),
            officers: people.iter().enumerate().map(|(number, someone)| officer(number, someone)).collect(),
            visits: visits.iter().map(|(at, who)| Visit { premises_id: format!("p{at}"), officer_id: format!("o{who}") }).collect(),
            rules: Rules { mode: if cross { Mode::CrossCheck } else { Mode::OwnOffice }, team, checks_each_max, ..Rules::default() },
        },
    )
}

/// The rules once more, in other words than the program's.
fn breaks(input: &Input, teams: &[Team]) -> Option<String> {
    for team in teams {
        let place = input.objects.iter().find(|one| one.id == team.premises_id)?;
        let people: Vec<&Officer> = team.officer_ids.iter().filter_map(|id| input.officers.iter().find(|one| one.id == *id)).collect();
        let mut distinct = team.officer_ids.clone();
        distinct.sort();
        distinct.dedup();
        if people.len() != input.rules.team || distinct.len() != people.len() {
            return Some(format!("{team:?} is no team"));
        }
        if !people[0].may_lead {
            return Some(format!("{team:?}: nobody leads"));
        }
        for person in &people {
            let own = person.homes.contains(&place.office_id) || person.homes.contains(&"district".to_owned());
            if own != (input.rules.mode == Mode::OwnOffice) {
                return Some(format!("{} at {}: office", person.id, place.id));
            }
            if person.interests.contains(&place.id) {
                return Some(format!("{} at {}: interest", person.id, place.id));
            }
            if input.visits.iter().any(|visit| visit.premises_id == place.id && visit.officer_id == person.id) {
                return Some(format!("{} at {}: was there", person.id, place.id));
            }
        }
        let can = |person: &Officer, day: &String| {
            person.certificate_until.as_ref().is_some_and(|until| day <= until)
                && !person.leaves.iter().any(|leave| *day >= leave.from && *day <= leave.until)
        };
        if !input.days.iter().any(|day| people.iter().all(|person| can(person, day))) {
            return Some(format!("{team:?}: no day for all"));
        }
    }
    let each = |id: &String| teams.iter().filter(|team| team.officer_ids.contains(id)).count();
    let most = input.rules.checks_each_max.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or_default());
    input.officers.iter().find(|person| each(&person.id) > most).map(|person| format!("{} has too many", person.id))
}

/// All sets of this size, the one who may lead first.
fn every_team(input: &Input, premises_id: &str) -> Vec<Team> {
    let ids: Vec<&Officer> = input.officers.iter().collect();
    let mut found = Vec::new();
    for bits in 0..1_u32 << ids.len() {
        if bits.count_ones() as usize != input.rules.team {
            continue;
        }
        let mut team: Vec<&Officer> = ids.iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1).map(|(_, one)| *one).collect();
        team.sort_by_key(|one| !one.may_lead);
        found.push(Team { premises_id: premises_id.to_owned(), officer_ids: team.iter().map(|one| one.id.clone()).collect() });
    }
    found
}

/// Whether there is any result for these premises, by trying all.
fn possible(input: &Input, premises: &[String], before: &mut Vec<Team>) -> bool {
    let Some((first, rest)) = premises.split_first() else { return true };
    for team in every_team(input, first) {
        before.push(team);
        if breaks(input, before).is_none() && possible(input, rest, before) {
            before.pop();
            return true;
        }
        before.pop();
    }
    false
}

/// The premises that a seed chooses.
fn chosen(input: &Input, seed: &[u8; 32]) -> Vec<String> {
    let input = input.clone().canonical();
    let mut order: Vec<usize> = (0..input.objects.len()).collect();
    shuffle::Random::new(seed).shuffle(&mut order);
    order.iter().take(input.wanted).map(|at| input.objects[*at].id.clone()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn every_result_keeps_every_hard_rule(input in inputs(1..12, 2..14), seed in any::<[u8; 32]>()) {
        if let Outcome::Drawn(drawn) = draw(&input, &seed) {
            prop_assert_eq!(breaks(&input, &drawn.teams), None);
            let places: Vec<String> = drawn.teams.iter().map(|team| team.premises_id.clone()).collect();
            prop_assert_eq!(places, chosen(&input, &seed), "as many as wanted, in the order of the shuffle");
        }
    }

    #[test]
    fn what_is_called_infeasible_is_and_what_is_feasible_is_found(input in inputs(1..4, 2..6), seed in any::<[u8; 32]>()) {
        let by_hand = possible(&input, &chosen(&input, &seed), &mut Vec::new());
        match draw(&input, &seed) {
            Outcome::Drawn(_) => prop_assert!(by_hand),
            Outcome::Infeasible(blocked) => {
                prop_assert!(!by_hand, "{:?}", blocked);
                prop_assert!(!blocked.rules.is_empty(), "a rule is named");
            }
            Outcome::Undecided { .. } => prop_assert!(false, "so few are always decided"),
        }
    }

    #[test]
    fn the_order_in_which_it_was_gathered_does_not_matter(input in inputs(2..8, 2..10), seed in any::<[u8; 32]>()) {
        let mut turned = input.clone();
        turned.objects.reverse();
        turned.officers.reverse();
        turned.visits.reverse();
        turned.days.reverse();
        turned.objects.iter_mut().for_each(|one| one.above.reverse());
        prop_assert_eq!(turned.sha256(), input.sha256());
        prop_assert_eq!(draw(&turned, &seed), draw(&input, &seed));
    }

    #[test]
    fn a_record_replays_to_the_same_and_any_change_is_seen(input in inputs(1..6, 2..8), value in "[a-f0-9]{64}", said in "\\PC{1,20}") {
        let record = Record::make("draw", input, &value, ("见证人", &said));
        let text = serde_json::to_string(&record).expect("JSON");
        let read: Record = serde_json::from_str(&text).expect("the same form");
        prop_assert!(read.replay().same, "{:?}", read.replay());
        let other = Record { witness_value: format!("{said}!"), ..read.clone() };
        prop_assert!(other.replay().differs.contains(&"seed"));
        let mut grown = read.clone();
        grown.input.visits.push(Visit { premises_id: "p9".to_owned(), officer_id: "o9".to_owned() });
        prop_assert!(grown.replay().differs.contains(&"input_sha256"));
        let mut swapped = read;
        swapped.outcome = Outcome::Undecided { looked: LOOKS_MAX };
        prop_assert_eq!(swapped.replay().differs, vec!["outcome"]);
    }
}

fn two_good() -> Input {
    let good = Someone { home: 0, may_lead: true, certificate: Some(9), interest: None, leave: None, load: 0, specialty: true, east_m: 0 };
    Input {
        format: FORMAT.to_owned(),
        plan: None,
        days: (1..5).map(day).collect(),
        wanted: 1,
        objects: vec![object(0)],
        officers: (0..2).map(|number| officer(number, &good)).collect(),
        visits: Vec::new(),
        rules: Rules::default(),
    }
}

/// What blocks, after a change of one officer.
fn blocked_after(change: impl FnOnce(&mut Input)) -> Vec<Rule> {
    let mut input = two_good();
    change(&mut input);
    match draw(&input, &[7; 32]) {
        Outcome::Infeasible(blocked) => blocked.rules,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_rule_that_blocks_is_named() {
    assert!(matches!(draw(&two_good(), &[7; 32]), Outcome::Drawn(_)));
    let one = |rule: Rule| vec![rule, Rule::Team];
    assert_eq!(blocked_after(|input| input.officers[0].homes = vec!["office1".to_owned()]), one(Rule::OwnOffice));
    assert_eq!(blocked_after(|input| input.officers[0].interests = vec!["p0".to_owned()]), one(Rule::Interest));
    assert_eq!(blocked_after(|input| input.officers[0].leaves = vec![Span { from: day(1), until: day(9) }]), one(Rule::Leave));
    assert_eq!(blocked_after(|input| input.officers[0].certificate_until = None), one(Rule::Certificate));
    assert_eq!(blocked_after(|input| input.officers[0].certificate_until = Some("2026-11-30".to_owned())), one(Rule::Certificate));
    let visit = Visit { premises_id: "p0".to_owned(), officer_id: "o0".to_owned() };
    assert_eq!(blocked_after(|input| input.visits = vec![visit]), one(Rule::SamePremises));
    assert_eq!(blocked_after(|input| input.officers.truncate(1)), vec![Rule::Team]);
    assert_eq!(blocked_after(|input| input.officers.iter_mut().for_each(|one| one.may_lead = false)), vec![Rule::Lead]);
    assert_eq!(blocked_after(|input| input.rules.mode = Mode::CrossCheck), vec![Rule::OwnOffice]);
    let no_common_day = |input: &mut Input| {
        input.officers[0].leaves = vec![Span { from: day(1), until: day(2) }];
        input.officers[1].leaves = vec![Span { from: day(3), until: day(4) }];
    };
    assert_eq!(blocked_after(no_common_day), one(Rule::Leave));
    let two_places = |input: &mut Input| {
        input.objects.push(object(2));
        input.wanted = 2;
        input.rules.checks_each_max = Some(1);
    };
    assert_eq!(blocked_after(two_places), vec![Rule::ChecksEach]);
}

#[test]
fn where_no_single_rule_blocks_all_are_named() {
    let rules = blocked_after(|input| {
        for officer in &mut input.officers {
            officer.certificate_until = None;
            officer.interests = vec!["p0".to_owned()];
        }
    });
    assert_eq!(rules, vec![Rule::Interest, Rule::Certificate, Rule::Team]);
}

/// Soft rules order those who may go; who has less, knows the kind and is near goes first, whatever the seed.
#[test]
fn soft_rules_go_before_chance_and_chance_decides_between_equals() {
    let mut input = two_good();
    let plain = input.officers[0].clone();
    for (number, change) in ["load", "specialty", "distance"].into_iter().enumerate() {
        let mut other = Officer { id: format!("z{number}"), ..plain.clone() };
        match change {
            "load" => other.load = 1,
            "specialty" => other.specialties.clear(),
            _ => other.point = Some(Point { east_m: 10_001, north_m: 0 }),
        }
        input.officers.push(other);
    }
    let mut leads = std::collections::BTreeSet::new();
    for seed in 0..40_u8 {
        let Outcome::Drawn(drawn) = draw(&input, &[seed; 32]) else { panic!("feasible") };
        let mut team = drawn.teams[0].officer_ids.clone();
        leads.insert(team[0].clone());
        team.sort();
        assert_eq!(team, ["o0", "o1"], "seed {seed}");
    }
    assert_eq!(leads.len(), 2, "who leads is chance");
}

/// A search that cannot end in time says so, and neither draws nor calls it impossible.
#[test]
fn a_search_at_its_limit_is_undecided() {
    let mut input = two_good();
    let person = input.officers[0].clone();
    input.officers = (0..22).map(|number| Officer { id: format!("o{number:02}"), ..person.clone() }).collect();
    input.objects = (0..11).map(|number| Object { id: format!("p{number:02}"), ..object(0) }).collect();
    input.wanted = 11;
    input.rules.checks_each_max = Some(1);
    // Nobody of the first nineteen can go with anybody of the last three: an odd number is left over on both sides.
    for (number, officer) in input.officers.iter_mut().enumerate() {
        let away = if number < 19 { (1, 2) } else { (3, 4) };
        officer.leaves = vec![Span { from: day(away.0), until: day(away.1) }];
    }
    assert!(matches!(draw(&input, &[1; 32]), Outcome::Undecided { looked } if looked > LOOKS_MAX));
}

#[test]
fn what_cannot_be_drawn_is_refused_before() {
    let pointers = |input: &Input| input.check().err().unwrap_or_default().into_iter().map(|fault| fault.pointer).collect::<Vec<_>>();
    assert!(two_good().check().is_ok());
    let bad =
        Input { format: "other/9".to_owned(), wanted: 2, days: Vec::new(), rules: Rules { team: 1, ..Rules::default() }, ..two_good() };
    assert_eq!(pointers(&bad), ["/format", "/wanted", "/days", "/rules/team"]);
    let empty = Input { objects: Vec::new(), ..two_good() };
    assert_eq!(pointers(&empty), ["/objects", "/wanted"]);
}
