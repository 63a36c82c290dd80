//! Closing a month: everything that the seven figures count of it, thing by thing, to be kept as it is; and what changed since.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::civil::Date;

use crate::auth::Scope;
use crate::domain::calendar::{end_of, start_of};
use crate::domain::figures::fate;
use crate::domain::periods::{Cover, Stretch};
use crate::domain::rates::{Rate, Rates, must_be_covered};
use crate::rates::{GatherError, Gathered, bounded};
use crate::store::closings::{self, FactRow, NameRow};
use crate::store::rates::{self, Asked, PlaceRow};
use crate::store::{Conn, StoreError};

/// All that a month is made of.
#[derive(Debug, Default)]
pub(crate) struct Month {
    pub(crate) facts: Vec<FactRow>,
    pub(crate) names: Vec<NameRow>,
}

fn fact(rate: Rate, thing_id: &str, (premises_id, office_id): (&str, &str), (part, whole): (i64, i64)) -> FactRow {
    FactRow {
        figure: rate.as_str().to_owned(),
        thing_id: thing_id.to_owned(),
        premises_id: premises_id.to_owned(),
        office_id: office_id.to_owned(),
        kind: String::new(),
        part,
        whole,
    }
}

/// Counts a node's month from the rows themselves: days of cameras, looks and alerts, not their sums.
pub(crate) async fn count(conn: &mut Conn<'_>, node_id: &str, first: Date, now_ms: i64) -> Result<Month, GatherError> {
    let (scope, last) = (Scope::system(), Stretch::Month.last_day(first));
    let asked = Asked { organization_id: Some(node_id.to_owned()), ..Asked::default() };
    let gathered = Gathered::places(conn, &scope, &asked).await?;
    let (mut facts, mut working) = (Facts::default(), HashSet::new());
    let days = Cover::of(first, last);
    let mut delivered: HashMap<String, bool> = HashMap::new();
    for piece in bounded(rates::camera_pieces(conn, &scope, &asked, days, false).await?)? {
        let Some(place) = gathered.living(&piece.premises_id) else { continue };
        *delivered.entry(piece.camera_id.clone()).or_default() |= piece.delivered();
        if piece.delivered() {
            working.insert(place.id.clone());
        }
        let at = (place.id.as_str(), place.office_id.as_str());
        facts.add(fact(Rate::Online, &piece.camera_id, at, (piece.online_ms, piece.counted_ms)));
        facts.add(fact(Rate::Completeness, &piece.camera_id, at, (piece.recorded_ms, piece.due_ms)));
    }
    let cameras = bounded(rates::cameras(conn, &scope, &asked).await?)?;
    let (start_ms, end_ms) = (start_of(first), end_of(last));
    for place in
        gathered.places.values().filter(|place| start_ms <= now_ms && place.supervised(start_ms, end_ms) && must_be_covered(&place.kind))
    {
        let shares = (working.contains(&place.id).into(), 1);
        facts.add(fact(Rate::Coverage, &place.id, (&place.id, &place.office_id), shares));
    }
    for camera in cameras.iter().filter(|camera| camera.created_at < end_ms) {
        let Some(place) = gathered.places.get(&camera.premises_id).filter(|place| place.supervised(start_ms, end_ms)) else { continue };
        let connected = delivered.get(&camera.id).copied().unwrap_or_default();
        facts.add(fact(Rate::Connection, &camera.id, (&place.id, &place.office_id), (connected.into(), 1)));
    }
    for look in bounded(rates::looks_by_camera(conn, &scope, &asked, days).await?)? {
        let Some(place) = gathered.living(&look.premises_id) else { continue };
        facts.add(fact(Rate::Patrol, &look.camera_id, (&place.id, &look.office_id), (look.looked, look.planned)));
    }
    for alert in closings::alerts(conn, node_id, start_ms, end_ms).await? {
        let Some(place) = gathered.living(&alert.premises_id) else { continue };
        let has = |bit: i64| i64::from(alert.counted & bit != 0);
        let shares = [
            (Rate::Rectified, has(fate::RECTIFIED), has(fate::DISPATCHED)),
            (Rate::Precision, has(fate::CONFIRMED), has(fate::CONFIRMED | fate::FALSE_ALARM)),
        ];
        for (rate, part, whole) in shares {
            let fact = fact(rate, &alert.id, (&place.id, &alert.office_id), (part, whole));
            facts.add(FactRow { kind: alert.kind.clone(), ..fact });
        }
    }
    let facts: Vec<FactRow> = facts.0.into_values().filter(|fact| fact.whole > 0).collect();
    let mut names: BTreeMap<String, NameRow> = BTreeMap::new();
    let mut call = |thing_id: &str, name: &str, kind: &str, grid: &str, above_id: &str| {
        let row = NameRow {
            thing_id: thing_id.to_owned(),
            name: name.to_owned(),
            kind: kind.to_owned(),
            grid: grid.to_owned(),
            above_id: above_id.to_owned(),
        };
        names.entry(row.thing_id.clone()).or_insert(row);
    };
    let cameras: HashMap<&str, &str> = cameras.iter().map(|camera| (camera.id.as_str(), camera.name.as_str())).collect();
    for fact in &facts {
        if let Some(PlaceRow { id, name, kind, grid, .. }) = gathered.places.get(&fact.premises_id) {
            call(id, name, kind, grid.as_deref().unwrap_or_default(), "");
        }
        if let Some(name) = cameras.get(fact.thing_id.as_str()) {
            call(&fact.thing_id, name, "", "", "");
        }
        let district = gathered.district(&fact.office_id);
        if let Some(office) = gathered.node(&fact.office_id) {
            call(&office.id, &office.name, "", "", district.map_or("", |district| &district.id));
        }
        if let Some(district) = district {
            call(&district.id, &district.name, "", "", "");
        }
    }
    Ok(Month { facts, names: names.into_values().collect() })
}

/// Facts while they are gathered: a camera has one for each figure, premises and office.
#[derive(Debug, Default)]
struct Facts(BTreeMap<(String, String, String, String), FactRow>);

impl Facts {
    fn add(&mut self, fact: FactRow) {
        let key = (fact.figure.clone(), fact.thing_id.clone(), fact.premises_id.clone(), fact.office_id.clone());
        if let Some(known) = self.0.get_mut(&key) {
            known.part += fact.part;
            known.whole += fact.whole;
        } else {
            self.0.insert(key, fact);
        }
    }
}

/// The figures that facts give together.
pub(crate) fn total(facts: &[FactRow]) -> Result<Rates, StoreError> {
    let mut rates = Rates::default();
    for fact in facts {
        rates.add(fact.rate()?, fact.part, fact.whole);
    }
    Ok(rates)
}

/// What one thing counts for a figure, where it is.
type Stands = ((i64, i64), Vec<(String, String)>);

/// A thing that counts otherwise than before.
#[derive(Debug)]
pub(crate) struct Changed {
    pub(crate) figure: String,
    pub(crate) thing_id: String,
    pub(crate) premises_id: String,
    pub(crate) kind: String,
    pub(crate) was: (i64, i64),
    pub(crate) now: (i64, i64),
}

/// What differs between two countings of a month, figure by figure.
pub(crate) fn changes(was: &[FactRow], now: &[FactRow]) -> Vec<Changed> {
    let by_thing = |facts: &[FactRow]| -> BTreeMap<(String, String), Stands> {
        let mut things: BTreeMap<(String, String), Stands> = BTreeMap::new();
        for fact in facts {
            let stands = things.entry((fact.figure.clone(), fact.thing_id.clone())).or_default();
            stands.0 = (stands.0.0 + fact.part, stands.0.1 + fact.whole);
            stands.1.push((fact.premises_id.clone(), fact.office_id.clone()));
            stands.1.sort();
        }
        things
    };
    let kinds: HashMap<&str, &str> = was.iter().chain(now).map(|fact| (fact.thing_id.as_str(), fact.kind.as_str())).collect();
    let (mut before, after) = (by_thing(was), by_thing(now));
    let mut changes = Vec::new();
    let mut note = |(figure, thing_id): (String, String), was: Stands, now: Stands| {
        if was != now {
            let place = now.1.first().or(was.1.first()).map(|(premises, _)| premises.clone()).unwrap_or_default();
            let kind = kinds.get(thing_id.as_str()).map(|kind| (*kind).to_owned()).unwrap_or_default();
            changes.push(Changed { figure, thing_id, premises_id: place, kind, was: was.0, now: now.0 });
        }
    };
    for (key, stands) in after {
        let stood = before.remove(&key).unwrap_or_default();
        note(key, stood, stands);
    }
    for (key, stood) in before {
        note(key, stood, Stands::default());
    }
    changes.sort_by(|a, b| (&a.figure, &a.thing_id).cmp(&(&b.figure, &b.thing_id)));
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_named_once_a_figure() {
        let at = ("p", "o");
        let was = [
            fact(Rate::Rectified, "a", at, (0, 1)),
            fact(Rate::Precision, "a", at, (1, 1)),
            fact(Rate::Online, "c", at, (5, 10)),
            fact(Rate::Coverage, "p", at, (1, 1)),
        ];
        let now = [
            fact(Rate::Rectified, "a", at, (1, 1)),
            fact(Rate::Precision, "a", at, (1, 1)),
            fact(Rate::Online, "c", ("p", "o2"), (5, 10)),
            fact(Rate::Precision, "b", at, (0, 1)),
        ];
        let told: Vec<_> = changes(&was, &now).into_iter().map(|one| (one.figure, one.thing_id, one.was, one.now)).collect();
        let one = |figure: &str, thing: &str, was, now| (figure.to_owned(), thing.to_owned(), was, now);
        let expected = [
            one("coverage", "p", (1, 1), (0, 0)),
            one("online", "c", (5, 10), (5, 10)),
            one("precision", "b", (0, 0), (0, 1)),
            one("rectified", "a", (0, 1), (1, 1)),
        ];
        assert_eq!(told, expected, "what moved to another office counts there");
        assert!(changes(&now, &now).is_empty());
    }
}
