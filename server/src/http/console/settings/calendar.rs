//! `/settings/calendar`: which days are worked, year by year. One for the whole system; changed at the top. Deadlines that count days
//! move with it.

use actix_web::{delete, get, put, web};
use jiff::civil::Date;
use mobile_api::Moment;
use mobile_api::field::Faults;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{At, keep, own_place};
use crate::App;
use crate::auth::{Caller, Scope, can};
use crate::domain::calendar::{Calendar, Holiday, SETTING, YEARS_MAX, Year};
use crate::http::{Args, Body, Problem, ProblemBody, checked};
use crate::store::lateness::{self, Moved};
use crate::store::{Conn, StoreError, settings, work};

/// Deadlines that an answer names.
const NAMED_MAX: usize = 20;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(read).service(write).service(reset);
}

#[derive(Debug, Serialize, ToSchema)]
struct KnownYear {
    year: i16,
    /// The notice that it follows.
    source: String,
    /// Days of rest.
    holidays: Vec<Holiday>,
    /// Saturdays and Sundays on which people work.
    #[schema(value_type = Vec<String>)]
    working_weekends: Vec<Date>,
    /// The bureau entered it; without, it came with the program or lies beside its data.
    entered: bool,
    /// Known without what the bureau entered.
    laid: bool,
}

/// Which days are worked.
#[derive(Debug, Serialize, ToSchema)]
struct WorkCalendar {
    /// Those that are known; in others Monday to Friday are worked.
    years: Vec<KnownYear>,
    /// Deadlines in days that run into a year that is not known.
    assumed: i64,
    /// Whether the caller may change it.
    may_change: bool,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Trial {
    /// Says what would move, and changes nothing.
    #[serde(default)]
    dry_run: bool,
}

#[derive(Debug, Serialize, ToSchema)]
struct MovedDeadline {
    work_id: String,
    /// alert, assignment
    kind: String,
    premises_name: String,
    /// Until now.
    from: Moment,
    /// From now on.
    to: Moment,
}

/// What a change moves.
#[derive(Debug, Serialize, ToSchema)]
struct CalendarChange {
    /// Deadlines that move, of those that count days, run, and are not late.
    moved: usize,
    /// The first twenty.
    deadlines: Vec<MovedDeadline>,
}

/// Which days are worked.
#[utoipa::path(tag = "settings", responses((status = 200, body = WorkCalendar)))]
#[get("/settings/calendar")]
async fn read(app: web::Data<App>, caller: Caller<can::SettingsManage>) -> Result<web::Json<WorkCalendar>, Problem> {
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let entered = settings::calendar_years(conn).await?;
    let (calendar, laid) = (Calendar::with(&entered), Calendar::laid());
    let (_, assumed) = lateness::moved(conn, &calendar).await?;
    let known = |year: &Year| KnownYear {
        entered: entered.iter().any(|one| one.year == year.year),
        laid: laid.knows(year.year),
        year: year.year,
        source: year.source.clone(),
        holidays: year.holidays.clone(),
        working_weekends: year.working_weekends.clone(),
    };
    let years = calendar.years().map(known).collect();
    Ok(web::Json(WorkCalendar { years, assumed, may_change: caller.scope().reaches_top() }))
}

/// Enters a year, or puts it in the place of what is known of it. Deadlines that count days, run and are not late move with it, and
/// whoever was told of one is told of the new; what a paper or a person named stays.
#[utoipa::path(tag = "settings", params(Trial), request_body = Year,
    responses((status = 200, body = CalendarChange), (status = 403, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[put("/settings/calendar")]
async fn write(
    app: web::Data<App>,
    caller: Caller<can::SettingsManage>,
    trial: Args<Trial>,
    body: Body<Year>,
) -> Result<web::Json<CalendarChange>, Problem> {
    let year = body.into_inner();
    let mut faults = Faults::new();
    year.check(&mut faults);
    checked(faults)?;
    let number = year.year;
    change(&app, &caller, trial.dry_run, number, move |years| years.push(year)).await
}

/// Forgets what the bureau entered of a year: what came with the program or lies beside its data holds again, or Monday to Friday.
#[utoipa::path(tag = "settings", params(("year" = i16, Path, example = 2031), Trial),
    responses((status = 200, body = CalendarChange), (status = 403, body = ProblemBody, content_type = "application/problem+json"), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[delete("/settings/calendar/{year}")]
async fn reset(
    app: web::Data<App>,
    caller: Caller<can::SettingsManage>,
    year: web::Path<String>,
    trial: Args<Trial>,
) -> Result<web::Json<CalendarChange>, Problem> {
    let number: i16 = year.parse().map_err(|_| Problem::not_found())?;
    let entered = settings::calendar_years(&mut app.db.read().await?.conn()).await?;
    if !entered.iter().any(|year| year.year == number) {
        return Err(Problem::not_found());
    }
    change(&app, &caller, trial.dry_run, number, |_| {}).await
}

/// Takes a year out of what the bureau entered and lets `enter` put another in its place; or says what that would do.
async fn change(
    app: &App,
    caller: &Caller<can::SettingsManage>,
    dry_run: bool,
    number: i16,
    enter: impl FnOnce(&mut Vec<Year>) + Send + 'static,
) -> Result<web::Json<CalendarChange>, Problem> {
    let (now_ms, scope, actor) = (app.clock.wall_ms(), caller.scope(), caller.actor.clone());
    let changed = move |mut years: Vec<Year>| {
        years.retain(|year| year.year != number);
        enter(&mut years);
        let mut faults = Faults::new();
        faults.count("year", years.len(), YEARS_MAX);
        checked(faults)?;
        years.sort_by_key(|year| year.year);
        Ok::<_, Problem>(years)
    };
    if dry_run {
        let mut reader = app.db.read().await?;
        let conn = &mut reader.conn();
        own_place(conn, &scope, At::System).await?;
        let years = changed(settings::calendar_years(conn).await?)?;
        let (moved, _) = lateness::moved(conn, &Calendar::with(&years)).await?;
        return Ok(web::Json(told(conn, &moved).await?));
    }
    let done = app.db.write(move |tx| {
        Box::pin(async move {
            let place = own_place(tx, &scope, At::System).await?;
            let years = changed(settings::calendar_years(tx).await?)?;
            let value = serde_json::to_string(&years).map_err(StoreError::damaged)?;
            keep(tx, &actor, &place, SETTING, Some(&value), now_ms).await?;
            let calendar = Calendar::with(&years);
            let (moved, _) = lateness::moved(tx, &calendar).await?;
            let answer = told(tx, &moved).await?;
            lateness::set_moved(tx, &moved, &format!("calendar@{number}"), now_ms).await?;
            Ok::<_, Problem>((calendar, answer))
        })
    });
    let (calendar, answer) = done.await?;
    calendar.take_force();
    Ok(web::Json(answer))
}

async fn told(conn: &mut Conn<'_>, moved: &[Moved]) -> Result<CalendarChange, StoreError> {
    let mut deadlines = Vec::new();
    for (row, before) in moved.iter().take(NAMED_MAX) {
        if let Some(work) = work::get(conn, &Scope::system(), &row.work_id).await? {
            let (from, to) = (Moment(*before), Moment(row.clock.due_ms));
            deadlines.push(MovedDeadline { work_id: work.id, kind: work.kind, premises_name: work.premises_name, from, to });
        }
    }
    Ok(CalendarChange { moved: moved.len(), deadlines })
}
