//! `/cameras/{id}/timeline`: what is recorded, what is not and why, and what was raised.

use actix_web::{get, web};
use mobile_api::moment::Moment;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{camera, stretch};
use crate::App;
use crate::auth::{Caller, can};
use crate::http::{Args, Id, Problem, ProblemBody};
use crate::store::{alerts, holds, recordings};

/// Longest stretch, ms.
const LONGEST_MS: i64 = 31 * 24 * 3_600_000;
/// Alerts shown on one timeline.
const ALERTS_MAX: i64 = 500;
/// Recorded spans closer than this are shown as one: rows of segments touch to the millisecond.
const TOUCHING_MS: i64 = 500;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(timeline);
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct TimelineArgs {
    /// RFC 3339
    #[param(example = "2026-11-23T00:00:00Z")]
    start: String,
    /// RFC 3339, at most 31 days after `start`
    #[param(example = "2026-11-24T00:00:00Z")]
    end: String,
}

/// A stretch that is recorded.
#[derive(Debug, Serialize, ToSchema)]
struct RecordedSpan {
    start: Moment,
    end: Moment,
}

/// A stretch whose pictures follow a loss on the way, up to the next whole key frame; it is recorded, and not judged.
#[derive(Debug, Serialize, ToSchema)]
struct DamagedSpan {
    start: Moment,
    end: Moment,
}

/// A stretch that is recorded on a disk that is away: it can be seen when the disk is back.
#[derive(Debug, Serialize, ToSchema)]
struct AwaySpan {
    start: Moment,
    end: Moment,
}

/// A stretch that is not.
#[derive(Debug, Serialize, ToSchema)]
struct GapSpan {
    start: Moment,
    end: Moment,
    /// offline, refused, unauthorized, not_found, stalled, disk, restart, disabled or bad_stream
    reason: String,
}

/// An alert on the timeline.
#[derive(Debug, Serialize, ToSchema)]
struct AlertMark {
    id: String,
    kind: String,
    class: i64,
    at: Moment,
    ended_at: Option<Moment>,
}

/// A stretch that is kept from retention by somebody, or by a kind of work.
#[derive(Debug, Serialize, ToSchema)]
struct HeldSpan {
    /// Of the hold.
    id: String,
    start: Moment,
    end: Moment,
    reason: String,
    /// Let go by itself then.
    until: Option<Moment>,
}

/// What exists of a stretch.
#[derive(Debug, Serialize, ToSchema)]
struct Timeline {
    segments: Vec<RecordedSpan>,
    /// Within the segments.
    damaged: Vec<DamagedSpan>,
    /// Beside the segments.
    away: Vec<AwaySpan>,
    gaps: Vec<GapSpan>,
    /// Beside all of it, at most 500; they may overlap.
    holds: Vec<HeldSpan>,
    alerts: Vec<AlertMark>,
}

/// What exists of a stretch of a camera, and what does not.
#[utoipa::path(tag = "video", params(("id" = String, Path), TimelineArgs), responses((status = 200, body = Timeline), (status = 400, body = ProblemBody, content_type = "application/problem+json"), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/cameras/{id}/timeline")]
async fn timeline(
    app: web::Data<App>,
    caller: Caller<can::VideoRecorded>,
    id: Id,
    args: Args<TimelineArgs>,
) -> Result<web::Json<Timeline>, Problem> {
    let (start, end) = stretch(&args.start, &args.end, LONGEST_MS)?;
    let row = camera(&app, &caller.scope(), *id).await?;
    let now = app.clock.wall_ms();
    // Tables of files are read; the database is not held meanwhile.
    let damaged = match &app.engine {
        Some(engine) => engine.damaged(*id, start, end).await.unwrap_or_default(),
        None => Vec::new(),
    };
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let recorded = match &app.engine {
        // The engine knows the open segment to its last fragment.
        Some(engine) => engine.timeline(*id, start, end).into_iter().map(|span| (span.start_ms, span.end_ms)).collect(),
        None => recordings::recorded(conn, &row.id, start, end).await?,
    };
    let mut elsewhere = Vec::new();
    if let Some(engine) = &app.engine {
        for (number, disk) in engine.disks_away() {
            elsewhere.extend(recordings::recorded_on(conn, &row.id, &disk.to_string(), number == 0, (start, end)).await?);
        }
    }
    let gaps = recordings::gaps(conn, &row.id, start, end).await?;
    let held = holds::touching(conn, &caller.scope(), &row.id, (start, end)).await?;
    let alerts = alerts::of_camera(conn, &caller.scope(), &row.id, start, end, ALERTS_MAX).await?;
    let missing: Vec<(i64, i64)> = gaps.iter().map(|gap| (gap.start_ms, gap.end_ms.unwrap_or(now))).collect();
    Ok(web::Json(Timeline {
        segments: without(joined(recorded), &missing)
            .into_iter()
            .map(|(from, to)| RecordedSpan { start: Moment(from.max(start)), end: Moment(to.min(end)) })
            .collect(),
        damaged: damaged.into_iter().map(|span| DamagedSpan { start: Moment(span.start_ms), end: Moment(span.end_ms) }).collect(),
        away: joined(elsewhere)
            .into_iter()
            .map(|(from, to)| AwaySpan { start: Moment(from.max(start)), end: Moment(to.min(end)) })
            .collect(),
        gaps: gaps
            .into_iter()
            .map(|gap| GapSpan {
                start: Moment(gap.start_ms.max(start)),
                end: Moment(gap.end_ms.unwrap_or(now).min(end)),
                reason: gap.reason,
            })
            .filter(|gap| gap.start < gap.end)
            .collect(),
        holds: held
            .into_iter()
            .map(|row| HeldSpan {
                id: row.id,
                start: Moment(row.start_ms.max(start)),
                end: Moment(row.end_ms.min(end)),
                reason: row.reason,
                until: row.until_at.map(Moment),
            })
            .collect(),
        alerts: alerts
            .into_iter()
            .map(|mark| AlertMark {
                id: mark.id,
                kind: mark.kind,
                class: mark.class,
                at: Moment(mark.raised_at),
                ended_at: mark.ended_at.map(Moment),
            })
            .collect(),
    }))
}

/// Takes the gaps out of what is recorded: rows of segments may touch across a short one.
fn without(spans: Vec<(i64, i64)>, gaps: &[(i64, i64)]) -> Vec<(i64, i64)> {
    gaps.iter().fold(spans, |spans, gap| {
        let cut = |span: (i64, i64)| {
            if gap.0 >= span.1 || gap.1 <= span.0 { [Some(span), None] } else { [Some((span.0, gap.0)), Some((gap.1, span.1))] }
        };
        spans.into_iter().flat_map(cut).flatten().filter(|span| span.0 < span.1).collect()
    })
}

fn joined(mut spans: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    spans.sort_unstable();
    let mut all: Vec<(i64, i64)> = Vec::new();
    for (start, end) in spans {
        match all.last_mut() {
            Some(last) if start - last.1 <= TOUCHING_MS => last.1 = last.1.max(end),
            _ => all.push((start, end)),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    #[test]
    fn gaps_are_cut_out() {
        assert_eq!(super::without(vec![(0, 10), (20, 30)], &[(4, 5), (8, 22), (30, 40)]), vec![(0, 4), (5, 8), (22, 30)]);
        assert_eq!(super::without(vec![(5, 6)], &[(0, 9)]), vec![]);
    }

    #[test]
    fn spans_that_touch_are_one() {
        assert_eq!(super::joined(vec![(5_000, 9_000), (0, 4_900), (20_000, 30_000)]), vec![(0, 9_000), (20_000, 30_000)]);
    }
}
