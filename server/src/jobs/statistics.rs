//! Counts cameras' days: today and those that changed since it was done last, so that figures are read and never counted.

use std::collections::{BTreeSet, HashMap};

use jiff::ToSpan as _;
use jiff::civil::Date;

use crate::App;
use crate::domain::calendar;
use crate::domain::premises::ServiceHours;
use crate::domain::statistics::{DayFacts, Gap};
use crate::store::statistics::{self, Counted, DayRow};
use crate::store::{Reader, StoreError};

/// Cameras that are counted together.
const PAGE: i64 = 100;
/// Rows of one write: others' writes wait for it.
const ROWS_A_WRITE: usize = 1_000;
/// Days that are counted at the very first time.
const DAYS_BACK: i64 = 90;
/// Days that were overtaken by what happened to their recordings and are counted again in one go.
const STALE_DAYS: i64 = 400;

pub(super) async fn look(app: App) -> Result<(), StoreError> {
    let now_ms = app.clock.wall_ms();
    let days = days(&mut app.db.read().await?, now_ms).await?;
    let (Some(first), Some(last)) = (days.first().copied(), days.last().copied()) else { return Ok(()) };
    let mut after = String::new();
    loop {
        let mut reader = app.db.read().await?;
        let conn = &mut reader.conn();
        let cameras = statistics::cameras_after(conn, &after, PAGE).await?;
        let Some(newest) = cameras.last() else { return Ok(()) };
        after.clone_from(&newest.id);
        let ids: Vec<&str> = cameras.iter().map(|camera| camera.id.as_str()).collect();
        let (start_ms, end_ms) = (calendar::start_of(first), calendar::end_of(last));
        let mut gaps: HashMap<String, Vec<Gap>> = HashMap::new();
        for (camera, gap) in statistics::gaps_of(conn, &ids, start_ms, end_ms).await? {
            gaps.entry(camera).or_default().push(gap);
        }
        let mut faults: HashMap<String, Vec<(i64, Option<i64>)>> = HashMap::new();
        for (camera, began_at, ended_at) in statistics::faults_of(conn, &ids, start_ms, end_ms).await? {
            faults.entry(camera).or_default().push((began_at, ended_at));
        }
        drop(reader);
        let mut rows = Vec::with_capacity(cameras.len() * days.len());
        for camera in cameras {
            let (gaps, faults) = (gaps.remove(&camera.id).unwrap_or_default(), faults.remove(&camera.id).unwrap_or_default());
            rows.extend(count(&camera, &days, now_ms, &gaps, &faults));
        }
        for part in rows.chunks(ROWS_A_WRITE) {
            let part = part.to_vec();
            app.db.write(move |tx| Box::pin(async move { statistics::put_days(tx, &part, now_ms).await })).await?;
        }
    }
}

/// The days of one camera that it was watched on.
fn count<'a>(
    camera: &'a Counted,
    days: &'a BTreeSet<Date>,
    now_ms: i64,
    gaps: &'a [Gap],
    faults: &'a [(i64, Option<i64>)],
) -> impl Iterator<Item = DayRow> + 'a {
    let hours: Vec<ServiceHours> = serde_json::from_str(&camera.service_hours).unwrap_or_default();
    days.iter().filter(|day| calendar::end_of(**day) > camera.watched_since).map(move |day| {
        let facts = DayFacts { day: *day, now_ms, since_ms: camera.watched_since, hours: &hours, gaps, faults };
        DayRow { camera_id: camera.id.clone(), premises_id: camera.premises_id.clone(), day: day.to_string(), figures: facts.figures() }
    })
}

/// Which days are counted now: those since it was done last, the one before (late facts), and those marked.
async fn days(reader: &mut Reader, now_ms: i64) -> Result<BTreeSet<Date>, StoreError> {
    let conn = &mut reader.conn();
    let Some(since_ms) = statistics::watched_since(conn).await? else { return Ok(BTreeSet::new()) };
    let today = calendar::date_of(now_ms);
    let earliest = calendar::date_of(since_ms).max(today.saturating_sub(DAYS_BACK.days()));
    let from = match statistics::computed_at(conn).await? {
        Some(computed_at) => calendar::date_of(computed_at).saturating_sub(1.day()).max(earliest),
        None => earliest,
    };
    let mut days: BTreeSet<Date> = from.series(1.day()).take_while(|day| *day <= today).collect();
    days.extend(statistics::stale_days(conn, STALE_DAYS).await?.iter().filter_map(|day| day.parse::<Date>().ok()));
    Ok(days)
}
