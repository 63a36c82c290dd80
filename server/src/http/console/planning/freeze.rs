//! Freezing what a draw looks at: everything is read in one transaction, turned into whole numbers and put in order.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan as _;
use jiff::civil::Date;

use super::draws::Asked;
use crate::auth::Scope;
use crate::domain::calendar::{Calendar, date_of, start_of};
use crate::domain::draw::input::{DAYS_MAX, FORMAT, OBJECTS_MAX, OFFICERS_MAX, PlanVersion, VISITS_MAX};
use crate::domain::draw::{Input, Object, Officer, Point, Span, Visit};
use crate::http::Problem;
use crate::store::draws::{self, PlaceFilter};
use crate::store::{Conn, StoreError, officers};

/// Metres of a degree of latitude.
const DEGREE_M: f64 = 111_320.0;

/// What a draw looks at, as it is now. `path` is that of the authority that draws.
pub(super) async fn freeze(
    conn: &mut Conn<'_>,
    scope: &Scope,
    path: &str,
    asked: &Asked,
    plan: Option<PlanVersion>,
    now_ms: i64,
) -> Result<Input, Problem> {
    let filter = PlaceFilter {
        kinds: asked.kinds.iter().map(|kind| kind.as_str().to_owned()).collect(),
        grades: asked.grades.iter().map(|grade| grade.as_str().to_owned()).collect(),
        plan_id: plan.as_ref().map(|plan| plan.id.clone()),
    };
    let places = draws::places(conn, scope, path, &filter, limit(OBJECTS_MAX)).await?;
    let people = officers::pool(conn, path, now_ms, limit(OFFICERS_MAX)).await?;
    let ids: Vec<String> = people.iter().map(|row| row.id.clone()).collect();
    let today = date_of(now_ms);
    let from = asked.starts_on.as_deref().and_then(|day| day.parse::<Date>().ok()).unwrap_or(today).max(today);
    let until: Date = asked.due_on.parse().map_err(StoreError::damaged)?;

    let mut homes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (user, node, _, _) in officers::homes(conn, &ids, now_ms).await? {
        homes.entry(user).or_default().push(node);
    }
    let interests = interests(conn, &ids).await?;
    let mut leaves: BTreeMap<String, Vec<Span>> = BTreeMap::new();
    for row in officers::leaves(conn, &ids, &from.to_string()).await? {
        leaves.entry(row.user_id).or_default().push(Span { from: row.from_on, until: row.until_on });
    }
    let loads: BTreeMap<String, i64> = officers::loads(conn, &ids).await?.into_iter().collect();
    let middles: BTreeMap<String, (f64, f64)> =
        draws::middles(conn, path).await?.into_iter().map(|(office, latitude, longitude)| (office, (latitude, longitude))).collect();
    let origin = places.iter().find_map(|place| place.latitude.zip(place.longitude));
    let local = |point: Option<(f64, f64)>| origin.zip(point).map(|(origin, point)| metres(origin, point));
    let since = start_of(today.saturating_sub(asked.rules.same_premises_months.months()));
    let visits = match asked.rules.same_premises_months {
        0 => Vec::new(),
        _ => draws::visits(conn, path, since, limit(VISITS_MAX)).await?,
    };

    let officers = people
        .into_iter()
        .map(|row| {
            let homes = homes.remove(&row.id).unwrap_or_default();
            let point = homes.iter().find_map(|home| middles.get(home)).copied();
            Ok(Officer {
                name: row.display_name,
                may_lead: row.may_lead,
                certificate_until: row.certificate_until,
                interests: interests.get(&row.id).cloned().unwrap_or_default().into_iter().collect(),
                leaves: leaves.remove(&row.id).unwrap_or_default(),
                specialties: serde_json::from_str(&row.specialties).map_err(StoreError::damaged)?,
                load: loads.get(&row.id).copied().unwrap_or(0),
                point: local(point),
                homes,
                id: row.id,
            })
        })
        .collect::<Result<Vec<Officer>, StoreError>>()?;
    let objects: Vec<Object> = places
        .into_iter()
        .map(|row| Object {
            above: row.path.split('/').filter(|id| !id.is_empty() && *id != row.id).map(str::to_owned).collect(),
            point: local(row.latitude.zip(row.longitude)),
            office_id: row.organization_id,
            name: row.name,
            kind: row.kind,
            id: row.id,
        })
        .collect();
    let wanted = asked.wanted.unwrap_or(objects.len());
    let input = Input {
        format: FORMAT.to_owned(),
        plan,
        days: days(from, until),
        wanted,
        objects,
        officers,
        visits: visits.into_iter().map(|(premises_id, officer_id)| Visit { premises_id, officer_id }).collect(),
        rules: asked.rules.clone(),
    };
    input.check().map_err(Problem::fields)?;
    Ok(input.canonical())
}

/// One more than the limit: too many is told, not cut.
fn limit(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX - 1) + 1
}

/// Premises that each officer has an interest in, those of operators with them.
async fn interests(conn: &mut Conn<'_>, ids: &[String]) -> Result<BTreeMap<String, BTreeSet<String>>, StoreError> {
    let rows = officers::interests(conn, ids).await?;
    let operators: Vec<String> = rows.iter().filter_map(|row| row.operator_id.clone()).collect();
    let run = draws::premises_of_operators(conn, &operators).await?;
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in rows {
        let own = found.entry(row.user_id).or_default();
        own.extend(row.premises_id);
        own.extend(run.iter().filter(|(operator, _)| Some(operator) == row.operator_id.as_ref()).map(|(_, premises)| premises.clone()));
    }
    Ok(found)
}

/// Working days, or every day where there is none.
fn days(from: Date, until: Date) -> Vec<String> {
    let all: Vec<Date> = from.series(1.day()).take_while(|day| *day <= until).take(DAYS_MAX).collect();
    let working: Vec<Date> = all.iter().copied().filter(|day| Calendar::in_force().is_working_day(*day)).collect();
    (if working.is_empty() { all } else { working }).iter().map(Date::to_string).collect()
}

/// Metres east and north of an origin. Fractions end here: what is frozen is whole.
#[expect(clippy::cast_possible_truncation, reason = "a district is some hundred kilometres wide")]
fn metres(origin: (f64, f64), point: (f64, f64)) -> Point {
    let east = (point.1 - origin.1) * DEGREE_M * origin.0.to_radians().cos();
    let north = (point.0 - origin.0) * DEGREE_M;
    Point { east_m: east.round() as i64, north_m: north.round() as i64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_lie_on_working_days_where_there_are_any() {
        let days = |from: &str, until: &str| days(from.parse().expect("day"), until.parse().expect("day"));
        assert_eq!(days("2026-11-27", "2026-11-30"), ["2026-11-27", "2026-11-30"]);
        assert_eq!(days("2026-11-28", "2026-11-29"), ["2026-11-28", "2026-11-29"], "a weekend only");
        assert!(days("2026-11-30", "2026-11-27").is_empty());
        assert!(days("2026-01-01", "2027-12-31").len() <= DAYS_MAX);
    }

    #[test]
    fn distances_are_metres_of_the_place() {
        let point = metres((30.0, 120.0), (30.1, 120.1));
        assert!((11_100..11_160).contains(&point.north_m) && (9_600..9_680).contains(&point.east_m), "{point:?}");
    }
}
