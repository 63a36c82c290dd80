//! Scores premises: reads what is known of them page by page, lays the formula over it, and keeps a row a premises and day.

use std::collections::HashMap;

use jiff::ToSpan as _;
use jiff::civil::Date;

use crate::App;
use crate::auth::Scope;
use crate::domain::calendar::{date_of, start_of};
use crate::domain::risk::{CameraDay, Event, Facts, Formula, RISE_DAYS, RiskFact, RiskMeasure, SETTING, Standing, day_of};
use crate::store::risk::{self, NewScore};
use crate::store::risk_facts::{self, CameraDayRow, FactRow, PlaceRow, Stretch};
use crate::store::{Conn, StoreError, settings};

/// Premises whose facts are read together.
const PAGE: i64 = 200;
/// Days that scores are kept.
const KEPT_DAYS: i64 = 400;
/// Days that their terms are kept.
const TERMS_DAYS: i64 = 31;

/// The formula in force, the bureau's or the one that ships, and its version: 0 for the latter.
pub(crate) async fn in_force(conn: &mut Conn<'_>) -> Result<(Formula, i64), StoreError> {
    Ok(settings::of_system(conn, SETTING).await?.unwrap_or_else(|| (Formula::shipped().clone(), 0)))
}

/// Some premises with all that is known of them.
pub(crate) type Known = Vec<(PlaceRow, Facts)>;

/// The premises of a scope after a key, as far back as these formulas look; empty where there are no more.
pub(crate) async fn known(
    conn: &mut Conn<'_>,
    scope: &Scope,
    after: &str,
    formulas: &[&Formula],
    now_ms: i64,
) -> Result<Known, StoreError> {
    let places = risk_facts::places(conn, scope, after, PAGE).await?;
    let Some(last) = places.last().map(|place| place.id.clone()) else { return Ok(Vec::new()) };
    let window = formulas.iter().map(|formula| formula.window_days()).max().unwrap_or(1);
    let since = date_of(now_ms).saturating_sub((window + RISE_DAYS).days());
    let stretch = Stretch { after, last: &last, since_ms: start_of(since), now_ms };
    let mut facts: HashMap<String, Facts> = HashMap::new();
    for place in &places {
        facts.insert(place.id.clone(), Facts { since_day: day_of(place.created_at), ..Facts::default() });
    }
    for row in risk_facts::facts(conn, stretch).await? {
        if let Some(of) = facts.get_mut(&row.premises_id) {
            add(of, &row);
        }
    }
    for row in risk_facts::camera_days(conn, stretch, &since.to_string()).await? {
        if let Some(of) = facts.get_mut(&row.premises_id) {
            of.cameras.extend(camera_day(&row));
        }
    }
    Ok(places.into_iter().map(|place| (facts.remove(&place.id).unwrap_or_default(), place)).map(|(facts, place)| (place, facts)).collect())
}

fn add(facts: &mut Facts, row: &FactRow) {
    if row.fact.starts_with("inspection") {
        facts.inspected.push(row.day);
    }
    if let Ok(fact) = row.fact.parse::<RiskFact>() {
        let until = row.until_day.filter(|_| fact.measure() == RiskMeasure::Lasting);
        facts.events.push(Event { fact, day: row.day, until, amount: row.amount });
    }
}

fn camera_day(row: &CameraDayRow) -> Option<CameraDay> {
    let day = day_of(start_of(row.day.parse::<Date>().ok()?));
    Some(CameraDay { day, counted_ms: row.counted_ms, online_ms: row.online_ms, healthy_ms: row.healthy_ms })
}

/// A row to keep: terms that found nothing are left out, because there are many of them.
fn kept(place: &PlaceRow, standing: &Standing) -> Result<NewScore, StoreError> {
    let terms: Vec<_> = standing.score.terms.iter().filter(|term| term.found > 0.0 || term.points > 0.0).collect();
    Ok(NewScore {
        premises_id: place.id.clone(),
        score: standing.score.tenths,
        band: standing.score.band.as_str(),
        score_before: standing.before_tenths,
        entered_top: standing.entered_top,
        rising: standing.rising,
        terms: serde_json::to_string(&terms).map_err(StoreError::damaged)?,
    })
}

/// Scores every premises in use for today and forgets days that are too old.
pub(crate) async fn score_all(app: &App) -> Result<(), StoreError> {
    let now_ms = app.clock.wall_ms();
    let today = date_of(now_ms);
    let (formula, version) = in_force(&mut app.db.read().await?.conn()).await?;
    let mut after = String::new();
    loop {
        let page = known(&mut app.db.read().await?.conn(), &Scope::system(), &after, &[&formula], now_ms).await?;
        let Some((last, _)) = page.last() else { break };
        after.clone_from(&last.id);
        let scores = page.iter().map(|(place, facts)| kept(place, &formula.stand(facts, day_of(now_ms))));
        let (scores, day) = (scores.collect::<Result<Vec<_>, StoreError>>()?, today.to_string());
        app.db.write(move |tx| Box::pin(async move { risk::put(tx, &day, &scores, version, now_ms).await })).await?;
    }
    let before = |days: i64| today.saturating_sub(days.days()).to_string();
    // A program that stood still for a while finds the terms of earlier days too.
    let (oldest, terms_from, terms_to) = (before(KEPT_DAYS), before(TERMS_DAYS * 2), before(TERMS_DAYS));
    app.db
        .write(move |tx| {
            Box::pin(async move {
                risk::forget_terms(tx, &terms_from, &terms_to).await?;
                risk::forget_before(tx, &oldest).await
            })
        })
        .await
}

/// Scores all where today has none yet, the formula is another, or a premises is new.
pub(crate) async fn score_where_lacking(app: &App) -> Result<(), StoreError> {
    let day = date_of(app.clock.wall_ms()).to_string();
    let lacks = {
        let mut reader = app.db.read().await?;
        let conn = &mut reader.conn();
        let (_, version) = in_force(conn).await?;
        risk::lacks(conn, &day, version).await?
    };
    if lacks { score_all(app).await } else { Ok(()) }
}
