//! Scores: monotonic in each term, capped, fading, and explained to the last tenth.

use super::*;

const TODAY: i64 = 20_000;

fn of(fact: RiskFact, age: i64, amount: i64) -> Event {
    Event { fact, day: TODAY - age, until: None, amount }
}

fn facts(events: Vec<Event>) -> Facts {
    Facts { since_day: TODAY - 500, inspected: vec![TODAY], events, cameras: Vec::new() }
}

/// What grows a fact by one step.
fn more(facts: &mut Facts, fact: RiskFact) {
    match fact.measure() {
        RiskMeasure::Count | RiskMeasure::Lasting => facts.events.push(of(fact, 0, 1)),
        RiskMeasure::Days => facts.inspected.iter_mut().for_each(|day| *day -= 40),
        RiskMeasure::Percent => {
            let lost = if fact == RiskFact::CameraOffline { (10, 10) } else { (0, 10) };
            let day = CameraDay { day: TODAY, counted_ms: 20, online_ms: 20 - lost.0, healthy_ms: 20 - lost.1 };
            facts.cameras.push(day);
        }
    }
}

fn faults(formula: &Formula) -> Vec<(String, String)> {
    let mut faults = Faults::new();
    formula.check(&mut faults);
    faults.finish().err().into_iter().flatten().map(|fault| (fault.pointer, fault.code)).collect()
}

#[test]
fn what_ships_is_right_and_counts_every_fact() {
    let formula = Formula::shipped();
    assert_eq!(faults(formula), []);
    let counted: HashSet<&str> = formula.terms.iter().map(|term| term.fact.as_str()).collect();
    assert_eq!(counted, RiskFact::ALL.iter().map(|fact| fact.as_str()).collect());
}

#[test]
fn nothing_found_is_nothing_scored() {
    let score = Formula::shipped().score(&facts(Vec::new()), TODAY);
    assert_eq!((score.tenths, score.band, score.terms.len()), (0, RiskBand::Low, Formula::shipped().terms.len()));
}

#[test]
fn each_term_only_grows_with_its_fact_and_stops_at_its_cap() {
    for term in &Formula::shipped().terms {
        let formula = Formula { terms: vec![term.clone()], ..Formula::shipped().clone() };
        let fact: RiskFact = term.fact.parse().expect("a fact");
        let mut known = facts(Vec::new());
        let mut last = formula.score(&known, TODAY).tenths;
        let mut grew = false;
        for _ in 0..60 {
            more(&mut known, fact);
            let now = formula.score(&known, TODAY);
            assert!(now.tenths >= last, "{}", term.code);
            assert!(now.tenths <= tenths(term.cap), "{}", term.code);
            grew |= now.tenths > last;
            last = now.tenths;
        }
        assert!(grew, "{}", term.code);
        assert!(last == tenths(term.cap) || fact.measure() == RiskMeasure::Percent, "{} ends at {last}", term.code);
    }
}

#[test]
fn what_happened_fades_and_leaves_with_its_window() {
    let term = Term { half_life_days: Some(10), window_days: Some(30), cap: 1_000.0, weight: 10.0, ..Formula::shipped().terms[0].clone() };
    let formula = Formula { terms: vec![term], ..Formula::shipped().clone() };
    let known = facts(vec![of(RiskFact::InspectionFailed, 0, 1)]);
    let on = |days: i64| formula.score(&known, TODAY + days).tenths;
    assert_eq!([on(0), on(10), on(20), on(29), on(30)], [100, 50, 25, 13, 0]);
    assert_eq!(on(-1), 0, "what is to come counts for nothing");
    assert!((0..29).all(|day| on(day) >= on(day + 1)));
}

#[test]
fn what_lasts_counts_from_its_beginning_to_its_end() {
    let mut order = of(RiskFact::OrderOpen, 300, 1);
    order.until = Some(TODAY);
    let mut formula = Formula::shipped().clone();
    formula.terms.retain(|term| term.fact == "order_open");
    let found = |day: i64| formula.score(&facts(vec![order]), day).tenths;
    assert_eq!([found(TODAY - 301), found(TODAY - 300), found(TODAY - 1)], [0, 40, 40]);
    assert_eq!(found(TODAY), 0, "closed today");
}

#[test]
fn the_terms_shown_add_up_to_the_score_and_multiply_to_their_points() {
    let mut known = facts(Vec::new());
    for (step, fact) in RiskFact::ALL.iter().enumerate() {
        for age in 0..=step {
            known.events.push(of(*fact, i64::try_from(age).unwrap() * 7, 1));
        }
    }
    known.inspected = vec![TODAY - 77];
    known.cameras = vec![CameraDay { day: TODAY - 1, counted_ms: 700, online_ms: 613, healthy_ms: 599 }];
    let score = Formula::shipped().score(&known, TODAY);
    assert_eq!(score.terms.iter().map(|term| tenths(term.points)).sum::<i64>(), score.tenths);
    for term in &score.terms {
        assert_eq!(tenths(term.points), tenths(term.counted * term.weight).min(tenths(term.cap)), "{}", term.code);
        assert_eq!(term.capped, tenths(term.counted * term.weight) > tenths(term.cap));
    }
    let kept = serde_json::to_string(&score.terms).expect("JSON");
    assert_eq!(serde_json::from_str::<Vec<ShownTerm>>(&kept).expect("terms"), score.terms, "as it was kept");
    let quiet = Formula::shipped().score(&facts(vec![of(RiskFact::AlertClass2, 3, 1)]), TODAY).terms;
    let found: Vec<ShownTerm> = quiet.iter().filter(|term| term.found > 0.0).cloned().collect();
    assert_eq!((found.len(), Formula::shipped().completed(&found)), (1, quiet), "what found nothing need not be kept");
}

#[test]
fn bands_begin_at_their_thresholds() {
    let formula = Formula::shipped();
    let bands = [0, 199, 200, 449, 450, 749, 750, 5_000].map(|score| formula.band(score).as_str());
    assert_eq!(bands, ["low", "low", "medium", "medium", "high", "high", "severe", "severe"]);
}

#[test]
fn what_rises_or_enters_the_top_band_is_proposed() {
    let formula = Formula::shipped();
    let mut known = facts(vec![of(RiskFact::InspectionFailed, 40, 1)]);
    known.inspected = vec![TODAY - 40];
    assert!(!formula.stand(&known, TODAY).rising, "it only fades");
    known.events.push(of(RiskFact::AlertClass1, 2, 2));
    let standing = formula.stand(&known, TODAY);
    assert!(standing.rising && !standing.entered_top, "{standing:?}");
    assert_eq!(standing.before_tenths, formula.score(&known, TODAY - 30).tenths);
    known.events.push(of(RiskFact::FoodIncident, 0, 2));
    assert!(formula.stand(&known, TODAY).entered_top);
    // Added ten days ago: all that it has came since.
    let new = Facts { since_day: TODAY - 10, events: vec![of(RiskFact::AlertClass1, 2, 2)], ..Facts::default() };
    let standing = formula.stand(&new, TODAY);
    assert!(standing.before_tenths == 0 && standing.rising, "{standing:?}");
}

#[test]
fn a_camera_that_was_away_half_the_time_counts_fifty() {
    let cameras = vec![
        CameraDay { day: TODAY, counted_ms: 100, online_ms: 100, healthy_ms: 100 },
        CameraDay { day: TODAY - 1, counted_ms: 100, online_ms: 0, healthy_ms: 0 },
        CameraDay { day: TODAY - 20, counted_ms: 100, online_ms: 0, healthy_ms: 0 },
    ];
    let score = Formula::shipped().score(&Facts { cameras, ..facts(Vec::new()) }, TODAY);
    let found = |fact: RiskFact| score.terms.iter().find(|term| term.fact == fact).map(|term| (term.found, term.points));
    assert_eq!(found(RiskFact::CameraOffline), Some((50.0, 15.0)));
    assert_eq!(found(RiskFact::CameraDegraded), Some((0.0, 0.0)));
}

#[test]
fn faults_are_named_where_they_are() {
    let mut formula = Formula::shipped().clone();
    formula.rise = 0.0;
    formula.bands.high = 10.0;
    formula.terms[0].fact = "moon_phase".to_owned();
    formula.terms[1].window_days = Some(-3);
    formula.terms[2].cap = 5_000.0;
    formula.terms[3].code = formula.terms[4].code.clone();
    formula.terms[5].window_days = None;
    formula.terms[6].half_life_days = Some(30);
    formula.terms[11].window_days = Some(30);
    formula.terms[12].name.en = " ".to_owned();
    let found = faults(&formula);
    let expected = [
        ("/rise", "out_of_range"),
        ("/bands/high", "out_of_range"),
        ("/terms/0/fact", "unknown"),
        ("/terms/1/window_days", "out_of_range"),
        ("/terms/2/cap", "out_of_range"),
        ("/terms/4/code", "duplicate"),
        ("/terms/5/window_days", "required"),
        ("/terms/6/half_life_days", "format"),
        ("/terms/11/window_days", "format"),
        ("/terms/12/name/en", "required"),
    ];
    assert_eq!(found, expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned())));
    formula.terms.clear();
    assert!(faults(&formula).contains(&("/terms".to_owned(), "too_few".to_owned())));
}

#[test]
fn days_begin_at_midnight_in_shanghai() {
    assert_eq!(day_of(-28_800_001), -1);
    assert_eq!((day_of(-28_800_000), day_of(57_599_999), day_of(57_600_000)), (0, 0, 1));
}
