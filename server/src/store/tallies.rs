//! What became of alerts, added up with the writes: a row a day and a row a month of each premises, office, kind and class.
//!
//! An act only notes which alerts it touched ([`Tx::counts`]). At the end of the transaction what they are now is held against what they
//! were counted as (`alerts.counted`), and the difference is added to the rows; so any order of acts gives the same sums, and what was
//! never counted is taken in by the same way. Rows are written in the order of their keys: writers do not wait for each other in a ring.
//! An alert stays with the office that it was raised in; merged premises take the double's rows over.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::sql::{Arg, Script, Select, execute, fetch_optional, with_rows};
use super::{Conn, Db, StoreError, Tx};
use crate::domain::calendar::{date_of, end_of, start_of};
use crate::domain::figures::{Histogram, Outcomes};
use crate::domain::periods::Stretch;

/// Alerts that are looked at in one statement.
const PAGE: usize = 100;
/// Alerts that are taken in in one transaction, where they were not counted when they were raised.
const BATCH: i64 = 5_000;
/// Groups of one month, far more than there are.
const GROUPS_LIMIT: i64 = 2_000_000;

/// The bucket of a time, by [`crate::domain::figures::BUCKETS_MS`].
macro_rules! bucket {
    ($time:literal) => {
        concat!(
            "CASE WHEN ",
            $time,
            " < 60000 THEN 0 WHEN ",
            $time,
            " < 120000 THEN 1 WHEN ",
            $time,
            " < 300000 THEN 2 WHEN ",
            $time,
            " < 600000 THEN 3 WHEN ",
            $time,
            " < 900000 THEN 4 WHEN ",
            $time,
            " < 1800000 THEN 5 WHEN ",
            $time,
            " < 3600000 THEN 6 WHEN ",
            $time,
            " < 7200000 THEN 7 WHEN ",
            $time,
            " < 14400000 THEN 8 WHEN ",
            $time,
            " < 28800000 THEN 9 WHEN ",
            $time,
            " < 43200000 THEN 10 WHEN ",
            $time,
            " < 86400000 THEN 11 WHEN ",
            $time,
            " < 172800000 THEN 12 WHEN ",
            $time,
            " < 259200000 THEN 13 WHEN ",
            $time,
            " < 604800000 THEN 14 WHEN ",
            $time,
            " < 2592000000 THEN 15 ELSE 16 END"
        )
    };
}

/// What an alert (`a`, with its work `w`) counts as: the bits of [`crate::domain::figures::fate`].
macro_rules! fate {
    () => {
        concat!(
            "CAST(CASE w.state WHEN 'raised' THEN 1 WHEN 'cleared' THEN 2 WHEN 'closed' THEN CASE WHEN a.recurred_as IS NULL THEN 256 ELSE 768 END ELSE 0 END \
             + CASE WHEN a.verdict IS NULL THEN 0 WHEN a.verdict = 'confirmed' THEN 4 WHEN a.verdict = 'false_alarm' THEN 8 ELSE 16 END \
             + CASE WHEN a.dispatched_at IS NULL THEN 0 ELSE 32 + CASE WHEN a.rectified_at IS NULL THEN 0 ELSE 64 END \
                 + CASE WHEN a.rectified_late IS NULL OR a.rectified_late THEN 0 ELSE 128 END END \
             + 1024 * CASE WHEN a.acted_at IS NULL THEN 31 ELSE ",
            $crate::store::tallies::bucket!("(a.acted_at - a.raised_at)"),
            " END + 32768 * CASE WHEN a.acted_working_ms IS NULL THEN 31 ELSE ",
            $crate::store::tallies::bucket!("a.acted_working_ms"),
            " END AS BIGINT)"
        )
    };
}
pub(super) use {bucket, fate};

/// Whose row of a day or a month.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    span: &'static str,
    first_on: String,
    premises_id: String,
    office_id: String,
    kind: String,
    class: i64,
}

macro_rules! tallied {
    ($($count:ident),+; $($waited:ident),+; $($working:ident),+) => {
        /// Sums of a group.
        #[derive(Debug, Clone, sqlx::FromRow)]
        struct Sums { $($count: i64,)+ $($waited: i64,)+ $($working: i64,)+ }

        impl From<Sums> for Outcomes {
            fn from(sums: Sums) -> Self {
                Self { $($count: sums.$count,)+ waited: Histogram::of([$(sums.$waited),+]), working: Histogram::of([$(sums.$working),+]) }
            }
        }

        /// Adds up the rows of a group.
        const SUMS: &str = concat!(
            "COUNT(*) AS tallies", $(", CAST(SUM(t.", stringify!($count), ") AS BIGINT) AS ", stringify!($count),)+
            $(", CAST(SUM(t.", stringify!($waited), ") AS BIGINT) AS ", stringify!($waited),)+
            $(", CAST(SUM(t.", stringify!($working), ") AS BIGINT) AS ", stringify!($working),)+
        );
        const HEAD: &str = concat!(
            "INSERT INTO alert_tallies (span, first_on, premises_id, office_id, kind, class",
            $(", ", stringify!($count),)+ $(", ", stringify!($waited),)+ $(", ", stringify!($working),)+ ")"
        );
        const ADDED: &str = concat!(
            " ON CONFLICT (span, first_on, premises_id, office_id, kind, class) DO UPDATE SET span = excluded.span",
            $(", ", stringify!($count), " = alert_tallies.", stringify!($count), " + excluded.", stringify!($count),)+
            $(", ", stringify!($waited), " = alert_tallies.", stringify!($waited), " + excluded.", stringify!($waited),)+
            $(", ", stringify!($working), " = alert_tallies.", stringify!($working), " + excluded.", stringify!($working),)+
        );
        /// What a double's rows add to the rows of the premises that stays.
        const MERGED: &str = concat!(
            "INSERT INTO alert_tallies (span, first_on, premises_id, office_id, kind, class",
            $(", ", stringify!($count),)+ $(", ", stringify!($waited),)+ $(", ", stringify!($working),)+
            ") SELECT span, first_on, $2, office_id, kind, class",
            $(", ", stringify!($count),)+ $(", ", stringify!($waited),)+ $(", ", stringify!($working),)+
            " FROM alert_tallies WHERE premises_id = $1 ON CONFLICT (span, first_on, premises_id, office_id, kind, class) DO UPDATE SET span = excluded.span",
            $(", ", stringify!($count), " = alert_tallies.", stringify!($count), " + excluded.", stringify!($count),)+
            $(", ", stringify!($waited), " = alert_tallies.", stringify!($waited), " + excluded.", stringify!($waited),)+
            $(", ", stringify!($working), " = alert_tallies.", stringify!($working), " + excluded.", stringify!($working),)+
        );

        fn row(key: Key, of: &Outcomes) -> Vec<Arg> {
            let Key { span, first_on, premises_id, office_id, kind, class } = key;
            let mut row: Vec<Arg> = vec![span.into(), first_on.into(), premises_id.into(), office_id.into(), kind.into(), class.into()];
            $(row.push(of.$count.into());)+
            row.extend(of.waited.counts().iter().chain(of.working.counts()).map(|count| Arg::from(*count)));
            row
        }
    };
}

tallied!(
    raised, undecided, cleared, confirmed, false_alarms, other_dismissals, dispatched, rectified, on_time, closed, recurred;
    waited_0, waited_1, waited_2, waited_3, waited_4, waited_5, waited_6, waited_7, waited_8, waited_9, waited_10, waited_11, waited_12, waited_13, waited_14, waited_15, waited_16;
    working_0, working_1, working_2, working_3, working_4, working_5, working_6, working_7, working_8, working_9, working_10, working_11, working_12, working_13, working_14, working_15, working_16
);

/// An alert, or several that count alike.
#[derive(Debug, sqlx::FromRow)]
struct Found {
    /// Number of the day on which it was raised.
    day: i64,
    premises_id: String,
    office_id: String,
    kind: String,
    class: i64,
    fate: i64,
    alerts: i64,
}

/// Differences of rows while they are gathered.
#[derive(Debug, Default)]
struct Differences(BTreeMap<Key, Outcomes>);

impl Differences {
    fn add(&mut self, found: &Found, fate: i64, times: i64) {
        let day = date_of(found.day * 86_400_000);
        for (span, stretch) in [("day", Stretch::Day), ("month", Stretch::Month)] {
            let Found { premises_id, office_id, kind, class, .. } = found;
            let (premises_id, office_id, kind) = (premises_id.clone(), office_id.clone(), kind.clone());
            let key = Key { span, first_on: stretch.first_day(day).to_string(), premises_id, office_id, kind, class: *class };
            self.0.entry(key).or_default().add(fate, times);
        }
    }

    fn rows(self) -> Vec<Vec<Arg>> {
        self.0
            .into_iter()
            .filter(|(_, difference)| *difference != Outcomes::default())
            .map(|(key, difference)| row(key, &difference))
            .collect()
    }
}

impl Tx<'_> {
    /// Notes that something was done to an alert that may change what it counts as.
    pub(super) fn counts(&mut self, alert_id: &str) {
        self.journal.alerts.insert(alert_id.to_owned());
    }
}

/// An alert, with what it was counted as.
#[derive(Debug, sqlx::FromRow)]
struct Counted {
    id: String,
    counted: Option<i64>,
    #[sqlx(flatten)]
    now: Found,
}

macro_rules! found {
    ($head:literal, $alerts:literal) => {
        concat!(
            "SELECT ",
            $head,
            "(a.raised_at + 28800000) / 86400000 AS day, w.premises_id, w.office_id, a.kind, a.class, ",
            fate!(),
            " AS fate, ",
            $alerts,
            " AS alerts FROM alerts a JOIN work_items w ON w.id = a.id"
        )
    };
}

/// Adds what became of these alerts to the rows of their days and months.
pub(super) async fn settle(conn: &mut Conn<'_>, alerts: BTreeSet<String>) -> Result<(), StoreError> {
    let alerts: Vec<String> = alerts.into_iter().collect();
    let (mut differences, mut marks) = (Differences::default(), Script::default());
    for page in alerts.chunks(PAGE) {
        let found: Vec<Counted> = Select::new(found!("a.id, a.counted, ", "CAST(1 AS BIGINT)"))
            .and_any("a.id = ?", page.iter().map(|id| id.as_str().into()))
            .fetch_all(conn)
            .await?;
        for Counted { id, counted, now } in found.into_iter().filter(|found| found.counted != Some(found.now.fate)) {
            if let Some(was) = counted {
                differences.add(&now, was, -1);
            }
            differences.add(&now, now.fate, 1);
            marks = marks.add("UPDATE alerts SET counted = $2 WHERE id = $1", [id.into(), now.fate.into()]);
        }
    }
    if marks.len() == 0 {
        return Ok(());
    }
    marks.add_rows(HEAD, &differences.rows(), ADDED).run(conn).await.map(|_| ())
}

/// Counts what was raised before there was anything to count it in.
pub(super) async fn prepare(db: &Db) -> Result<(), StoreError> {
    let mut known = 0;
    loop {
        let more = db.write_apart(|tx| Box::pin(async move { take_in_some(tx).await })).await?;
        if more == 0 {
            return Ok(());
        }
        known += more;
        tracing::info!(alerts = known, "alerts are counted");
    }
}

async fn take_in_some(tx: &mut Tx<'_>) -> Result<i64, StoreError> {
    let last = fetch_optional!(
        tx,
        (Option<String>,),
        "SELECT MAX(id) FROM (SELECT id FROM alerts WHERE counted IS NULL ORDER BY id LIMIT $1) oldest",
        BATCH
    )?;
    let Some(last) = last.and_then(|row| row.0) else { return Ok(0) };
    let found: Vec<Found> = Select::new(found!("", "COUNT(*)"))
        .and("a.counted IS NULL AND a.id <= ?", [last.as_str().into()])
        .tail("GROUP BY 1, 2, 3, 4, 5, 6 LIMIT ?", [GROUPS_LIMIT.into()])
        .fetch_all(tx)
        .await?;
    let mut differences = Differences::default();
    for found in &found {
        differences.add(found, found.fate, found.alerts);
    }
    with_rows(tx, HEAD, &differences.rows(), ADDED).await?;
    let marked = execute!(
        tx,
        concat!("UPDATE alerts AS a SET counted = ", fate!(), " FROM work_items w WHERE w.id = a.id AND a.counted IS NULL AND a.id <= $1"),
        last,
    )?;
    Ok(i64::try_from(marked).unwrap_or(i64::MAX))
}

/// A double's rows are from here on those of the premises that stays.
pub(super) async fn merged(tx: &mut Tx<'_>, double: &str, into: &str) -> Result<(), StoreError> {
    execute!(tx, MERGED, double, into)?;
    execute!(tx, "DELETE FROM alert_tallies WHERE premises_id = $1", double)?;
    execute!(
        tx,
        "INSERT INTO camera_months (first_on, camera_id, premises_id, counted_ms, online_ms, healthy_ms, due_ms, recorded_ms, days) \
         SELECT first_on, camera_id, $2, counted_ms, online_ms, healthy_ms, due_ms, recorded_ms, days FROM camera_months WHERE premises_id = $1 \
         ON CONFLICT (first_on, camera_id, premises_id) DO UPDATE SET counted_ms = camera_months.counted_ms + excluded.counted_ms, \
           online_ms = camera_months.online_ms + excluded.online_ms, healthy_ms = camera_months.healthy_ms + excluded.healthy_ms, \
           due_ms = camera_months.due_ms + excluded.due_ms, recorded_ms = camera_months.recorded_ms + excluded.recorded_ms, \
           days = camera_months.days + excluded.days",
        double,
        into,
    )?;
    execute!(tx, "DELETE FROM camera_months WHERE premises_id = $1", double)?;
    Ok(())
}

/// Which of the days and months are not what their rows say, in words; the first hundred.
pub async fn wrong(conn: &mut Conn<'_>) -> Result<Vec<String>, StoreError> {
    let ends = fetch_optional!(conn, (Option<i64>, Option<i64>), "SELECT MIN(raised_at), MAX(raised_at) FROM alerts")?.unwrap_or_default();
    let mut wrong = Vec::new();
    let stray = fetch_optional!(
        conn,
        (i64,),
        concat!("SELECT COUNT(*) FROM alerts a JOIN work_items w ON w.id = a.id WHERE a.counted IS NULL OR a.counted <> ", fate!())
    )?;
    if let Some((count @ 1..,)) = stray {
        wrong.push(format!("{count} alerts are counted as something else than they are"));
    }
    let (first, last) = match ends {
        (Some(first), Some(last)) => (Stretch::Month.first_day(date_of(first)), date_of(last)),
        _ => (Date::MAX, Date::MIN),
    };
    let mut month = first;
    while month <= last && wrong.len() < 100 {
        let end = Stretch::Month.last_day(month);
        wrong.extend(wrong_of_month(conn, month, end).await?);
        month = end.tomorrow().unwrap_or(Date::MAX);
    }
    let (cameras, patrols) = (wrong_months(conn, true).await?, wrong_months(conn, false).await?);
    if cameras > 0 {
        wrong.push(format!("{cameras} months of cameras are not the sums of their days"));
    }
    if patrols > 0 {
        wrong.push(format!("{patrols} months of patrols are not the sums of their days"));
    }
    Ok(wrong)
}

/// How many months of cameras, or of patrols, differ from what their days say.
async fn wrong_months(conn: &mut Conn<'_>, cameras: bool) -> Result<i64, StoreError> {
    let row = if cameras {
        fetch_optional!(
            conn,
            (i64,),
            "WITH counted AS (SELECT substr(day, 1, 7) || '-01' AS first_on, camera_id, premises_id, CAST(SUM(counted_ms) AS BIGINT) AS counted_ms, \
               CAST(SUM(online_ms) AS BIGINT) AS online_ms, CAST(SUM(healthy_ms) AS BIGINT) AS healthy_ms, CAST(SUM(due_ms) AS BIGINT) AS due_ms, \
               CAST(SUM(recorded_ms) AS BIGINT) AS recorded_ms, CAST(SUM(CASE WHEN online_ms > 0 OR recorded_ms > 0 THEN 1 ELSE 0 END) AS BIGINT) AS days \
               FROM camera_days GROUP BY substr(day, 1, 7), camera_id, premises_id) \
             SELECT (SELECT COUNT(*) FROM (SELECT * FROM counted EXCEPT SELECT * FROM camera_months) missing) \
               + (SELECT COUNT(*) FROM (SELECT * FROM camera_months EXCEPT SELECT * FROM counted) strange)"
        )?
    } else {
        fetch_optional!(
            conn,
            (i64,),
            "WITH counted AS (SELECT substr(day, 1, 7) || '-01' AS first_on, premises_id, office_id, COUNT(*) AS planned, COUNT(result) AS looked \
               FROM patrol_looks GROUP BY substr(day, 1, 7), premises_id, office_id) \
             SELECT (SELECT COUNT(*) FROM (SELECT * FROM counted EXCEPT SELECT * FROM patrol_months) missing) \
               + (SELECT COUNT(*) FROM (SELECT * FROM patrol_months EXCEPT SELECT * FROM counted) strange)"
        )?
    };
    Ok(row.map_or(0, |row| row.0))
}

async fn wrong_of_month(conn: &mut Conn<'_>, first: Date, last: Date) -> Result<Vec<String>, StoreError> {
    let found: Vec<Found> = Select::new(found!("", "COUNT(*)"))
        .and("a.raised_at >= ? AND a.raised_at < ?", [start_of(first).into(), end_of(last).into()])
        .tail("GROUP BY 1, 2, 3, 4, 5, 6 LIMIT ?", [GROUPS_LIMIT.into()])
        .fetch_all(conn)
        .await?;
    let mut counted = Differences::default();
    for found in &found {
        counted.add(found, found.fate, found.alerts);
    }
    let mut kept: BTreeMap<(String, String), Outcomes> = BTreeMap::new();
    let rows: Vec<KeptRow> = Select::with_args(
        "SELECT t.span, t.first_on, t.premises_id || ' ' || t.office_id || ' ' || t.kind || ' ' || t.class AS place,",
        [],
    )
    .tail(SUMS, [])
    .tail("FROM alert_tallies t", [])
    .and("t.first_on >= ? AND t.first_on <= ?", [first.to_string().into(), last.to_string().into()])
    .tail("GROUP BY t.span, t.first_on, t.premises_id, t.office_id, t.kind, t.class LIMIT ?", [GROUPS_LIMIT.into()])
    .fetch_all(conn)
    .await?;
    for KeptRow { span, first_on, place, sums } in rows {
        kept.insert((format!("{span} {first_on}"), place), sums.into());
    }
    for (key, outcomes) in counted.0 {
        let Key { span, first_on, premises_id, office_id, kind, class } = key;
        let name = (format!("{span} {first_on}"), format!("{premises_id} {office_id} {kind} {class}"));
        let same = kept.remove(&name).is_some_and(|kept| kept == outcomes);
        if !same {
            kept.insert(name, Outcomes { raised: -1, ..Outcomes::default() });
        }
    }
    kept.retain(|_, outcomes| *outcomes != Outcomes::default());
    let days: BTreeSet<String> = kept.into_keys().map(|(day, _)| day).collect();
    Ok(days.into_iter().map(|day| format!("{day}: the sums of alerts are not what the alerts say")).collect())
}

#[derive(Debug, sqlx::FromRow)]
struct KeptRow {
    span: String,
    first_on: String,
    place: String,
    #[sqlx(flatten)]
    sums: Sums,
}

/// Counts everything again.
pub async fn again(db: &Db) -> Result<(), StoreError> {
    let emptied = db.write_apart(|tx| {
        Box::pin(async move {
            execute!(tx, "DELETE FROM alert_tallies")?;
            execute!(tx, "UPDATE alerts SET counted = NULL")?;
            execute!(tx, "DELETE FROM camera_months")?;
            execute!(
                tx,
                "INSERT INTO camera_months (first_on, camera_id, premises_id, counted_ms, online_ms, healthy_ms, due_ms, recorded_ms, days) \
                 SELECT substr(day, 1, 7) || '-01', camera_id, premises_id, SUM(counted_ms), SUM(online_ms), SUM(healthy_ms), SUM(due_ms), SUM(recorded_ms), \
                   SUM(CASE WHEN online_ms > 0 OR recorded_ms > 0 THEN 1 ELSE 0 END) FROM camera_days GROUP BY substr(day, 1, 7), camera_id, premises_id"
            )?;
            execute!(tx, "DELETE FROM patrol_months")?;
            execute!(
                tx,
                "INSERT INTO patrol_months (first_on, premises_id, office_id, planned, looked) \
                 SELECT substr(day, 1, 7) || '-01', premises_id, office_id, COUNT(*), COUNT(result) FROM patrol_looks \
                 GROUP BY substr(day, 1, 7), premises_id, office_id"
            )?;
            Ok::<_, StoreError>(())
        })
    });
    emptied.await?;
    prepare(db).await
}

/// What is asked of the sums.
#[derive(Debug, Clone)]
pub(super) struct GroupRow {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) place: String,
    pub(super) outcomes: Outcomes,
}

#[derive(Debug, sqlx::FromRow)]
struct Group {
    id: String,
    name: String,
    place: String,
    #[sqlx(flatten)]
    sums: Sums,
}

/// The sums of each group: `names` gives its columns `id`, `name` and `place`, `narrow` says which rows.
pub(super) async fn groups(
    conn: &mut Conn<'_>,
    names: &'static str,
    group: &'static str,
    limit: i64,
    narrow: impl FnOnce(Select) -> Select,
) -> Result<Vec<GroupRow>, StoreError> {
    let select = Select::new(names).tail(SUMS, []).tail(
        "FROM alert_tallies t JOIN premises p ON p.id = t.premises_id JOIN organizations o ON o.id = t.office_id LEFT JOIN organizations d ON d.id = o.parent_id",
        [],
    );
    let found: Vec<Group> = narrow(select).tail(group, [limit.into()]).fetch_all(conn).await?;
    Ok(found.into_iter().map(|Group { id, name, place, sums }| GroupRow { id, name, place, outcomes: sums.into() }).collect())
}

#[cfg(test)]
mod tests {
    use crate::domain::figures::BUCKETS_MS;

    #[test]
    fn the_buckets_of_the_statement_are_those_of_the_histogram() {
        let text = bucket!("t");
        let edges: Vec<i64> =
            text.split("t < ").skip(1).map(|rest| rest.split(' ').next().and_then(|edge| edge.parse().ok()).unwrap_or(-1)).collect();
        assert_eq!(edges, BUCKETS_MS);
        assert!(text.contains("ELSE 16 END"));
    }
}
