//! `/patrol/coverage`: 巡查率, the cameras looked at of those planned, by day, office, premises or person.

use actix_web::{get, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::App;
use crate::auth::{Caller, can};
use crate::http::{Args, Problem, ProblemBody, day, stretch};
use crate::store::patrols::{self, By, CoverageRow};

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(coverage);
}

/// What coverage is added up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum CoverageBy {
    Day,
    Office,
    Premises,
    Person,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct CoverageArgs {
    #[param(example = "office", inline)]
    by: CoverageBy,
    /// First day, Asia/Shanghai; unless given, today.
    #[param(example = "2026-11-01", max_length = 10)]
    from: Option<String>,
    /// Last day; unless given, today.
    #[param(example = "2026-11-30", max_length = 10)]
    to: Option<String>,
}

/// How much of what was planned was looked at. A camera counts once a day.
#[derive(Debug, Serialize, ToSchema)]
struct PatrolCoverage {
    /// A day, or the id of an office, a premises or a person.
    id: String,
    name: String,
    planned: i64,
    looked: i64,
    findings: i64,
    /// Of those looked at, those without a picture.
    no_picture: i64,
    /// 巡查率: looked / planned, 0 to 1, four places; null where nothing was planned.
    rate: Option<f64>,
}

impl From<CoverageRow> for PatrolCoverage {
    fn from(row: CoverageRow) -> Self {
        let CoverageRow { id, name, planned, looked, findings, no_picture } = row;
        #[expect(clippy::cast_precision_loss, reason = "counts of cameras")]
        let rate = (planned > 0).then(|| (looked as f64 / planned as f64 * 10_000.0).round() / 10_000.0);
        Self { id, name, planned, looked, findings, no_picture, rate }
    }
}

/// Coverage of the caller's part of the tree.
#[derive(Debug, Serialize, ToSchema)]
struct CoverageAnswer {
    items: Vec<PatrolCoverage>,
    all: PatrolCoverage,
    /// First day.
    from: String,
    /// Last day.
    to: String,
}

/// How much of the patrols' cameras was looked at.
#[utoipa::path(tag = "patrols", params(CoverageArgs), responses((status = 200, body = CoverageAnswer), (status = 400, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/patrol/coverage")]
async fn coverage(
    app: web::Data<App>,
    caller: Caller<can::PatrolsWalk>,
    args: Args<CoverageArgs>,
) -> Result<web::Json<CoverageAnswer>, Problem> {
    let now_ms = app.clock.wall_ms();
    let (from, to) = stretch(day("from", args.from.as_deref(), now_ms)?, day("to", args.to.as_deref(), now_ms)?)?;
    let by = match args.by {
        CoverageBy::Day => By::Day,
        CoverageBy::Office => By::Office,
        CoverageBy::Premises => By::Premises,
        CoverageBy::Person => By::Person,
    };
    let (from, to) = (from.to_string(), to.to_string());
    let mut reader = app.db.read().await?;
    let (conn, scope) = (&mut reader.conn(), caller.scope());
    let rows = patrols::coverage(conn, &scope, &from, &to, by).await?;
    let mut all = CoverageRow::default();
    for day in patrols::coverage(conn, &scope, &from, &to, By::Day).await? {
        all.planned += day.planned;
        all.looked += day.looked;
        all.findings += day.findings;
        all.no_picture += day.no_picture;
    }
    Ok(web::Json(CoverageAnswer { items: rows.into_iter().map(PatrolCoverage::from).collect(), all: all.into(), from, to }))
}
