//! Reminds canteens of papers: before one is due, once it is late, and of samples that were kept long enough.
//!
//! Each is told once, to those who answer for the premises; what is late for longer than a day is the desk's to see. What was late
//! while the program did not run is told when it runs again, within that day.

use std::collections::HashSet;

use jiff::ToSpan as _;
use mobile_api::Moment;
use serde_json::json;

use crate::App;
use crate::domain::calendar::date_of;
use crate::domain::permission::Permission;
use crate::domain::self_check::{Duties, Duty};
use crate::http::console::{Papers, due_at};
use crate::http::mobile::self_checks::duties;
use crate::store::self_checks::PlaceRow;
use crate::store::{StoreError, notices, self_checks};

/// Premises looked at in one page, and samples in one round.
const PAGE: i64 = 200;
const SAMPLES_PAGE: i64 = 500;
/// How long after its time a paper is still told of.
const TOLD_MS: i64 = 24 * 3_600_000;
const MINUTE_MS: i64 = 60_000;

pub(super) async fn look(app: App) -> Result<(), StoreError> {
    let now_ms = app.clock.wall_ms();
    let (rules, papers) = {
        let mut reader = app.db.read().await?;
        let conn = &mut reader.conn();
        (duties(conn).await?, Papers::in_force(conn).await?)
    };
    let mut after = String::new();
    loop {
        let page = self_checks::places(&mut app.db.read().await?.conn(), &after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after.clone_from(&last.id);
        of_page(&app, &rules, &papers, &page, now_ms).await?;
    }
    samples(&app, now_ms).await
}

async fn of_page(app: &App, rules: &Duties, papers: &Papers, page: &[PlaceRow], now_ms: i64) -> Result<(), StoreError> {
    let before_ms = rules.remind_before_min * MINUTE_MS;
    let (yesterday, tomorrow) = (date_of(now_ms - TOLD_MS), date_of(now_ms + before_ms));
    let mut speaking: Vec<(&PlaceRow, Duty, &'static str)> = Vec::new();
    for row in page {
        for duty in due_at(rules, papers, (&row.kind, &row.path, &row.service_hours, row.created_at), yesterday, tomorrow)? {
            if duty.due_at_ms <= now_ms && duty.due_at_ms > now_ms - TOLD_MS {
                speaking.push((row, duty, "late"));
            } else if duty.due_at_ms > now_ms && duty.due_at_ms - before_ms <= now_ms {
                speaking.push((row, duty, "soon"));
            }
        }
    }
    let ids: Vec<String> = speaking.iter().map(|(row, _, _)| row.id.clone()).collect::<HashSet<_>>().into_iter().collect();
    if ids.is_empty() {
        return Ok(());
    }
    let since = yesterday.first_of_month().min(yesterday.saturating_sub(6.days())).to_string();
    let (answered, reminded) = {
        let mut reader = app.db.read().await?;
        let conn = &mut reader.conn();
        (self_checks::answered(conn, &ids, &since, &tomorrow.to_string()).await?, self_checks::reminded(conn, &ids, &since).await?)
    };
    let done: HashSet<(&str, &str, &str, &str)> =
        answered.iter().map(|one| (one.premises_id.as_str(), one.code.as_str(), one.day.as_str(), one.slot.as_str())).collect();
    for (row, duty, kind) in speaking {
        let day = duty.day.to_string();
        let told = (row.id.clone(), duty.code.clone(), day.clone(), duty.slot.clone(), kind.to_owned());
        if done.contains(&(row.id.as_str(), duty.code.as_str(), day.as_str(), duty.slot.as_str())) || reminded.contains(&told) {
            continue;
        }
        let (premises_id, name, path) = (row.id.clone(), row.name.clone(), row.path.clone());
        app.db
            .write(move |tx| {
                Box::pin(async move {
                    if !self_checks::remind(tx, &premises_id, &duty.code, &day, &duty.slot, kind, now_ms).await? {
                        return Ok(());
                    }
                    let detail = json!({"premises_id": premises_id, "premises_name": name, "code": duty.code, "day": day, "slot": duty.slot,
                        "due_at": Moment(duty.due_at_ms)});
                    let users = self_checks::holders(tx, &path, Permission::SelfChecksAnswer.code(), now_ms).await?;
                    notices::insert(tx, None, &users, if kind == "late" { "self_check_late" } else { "self_check_soon" }, &detail, now_ms)
                        .await
                })
            })
            .await?;
    }
    Ok(())
}

/// One notice for the samples of a paper, at the end of their 48 hours.
async fn samples(app: &App, now_ms: i64) -> Result<(), StoreError> {
    let over = self_checks::samples_over(&mut app.db.read().await?.conn(), now_ms, SAMPLES_PAGE).await?;
    let mut seen = HashSet::new();
    for sample in over.iter().filter(|sample| seen.insert(sample.self_check_id.clone())) {
        let dishes: Vec<String> = over.iter().filter(|one| one.self_check_id == sample.self_check_id).map(|one| one.dish.clone()).collect();
        let sample = sample.clone();
        app.db
            .write(move |tx| {
                Box::pin(async move {
                    if self_checks::samples_told(tx, &sample.self_check_id, now_ms).await? == 0 {
                        return Ok(());
                    }
                    let detail = json!({"premises_id": sample.premises_id, "premises_name": sample.premises_name, "self_check_id": sample.self_check_id,
                        "meal": sample.meal, "dishes": dishes, "kept_at": Moment(sample.kept_at), "due_at": Moment(sample.due_at)});
                    let users = self_checks::holders(tx, &sample.premises_path, Permission::SelfChecksAnswer.code(), now_ms).await?;
                    notices::insert(tx, None, &users, "samples_over", &detail, now_ms).await
                })
            })
            .await?;
    }
    Ok(())
}
