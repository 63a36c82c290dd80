//! `/settings/inspection_plan`: rates by risk grade and caps, for the whole system.

use actix_web::{get, put, web};
use mobile_api::field::Faults;
use utoipa_actix_web::service_config::ServiceConfig;

use super::REASON_LIMIT;
use crate::App;
use crate::auth::{Caller, can};
use crate::domain::plan::{PlanRules, SETTING};
use crate::domain::premises::{PremisesKind, RiskGrade};
use crate::http::console::settings::{At, change};
use crate::http::{Body, Problem, ProblemBody, checked};
use crate::store::{Conn, StoreError, settings};

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(read).service(write);
}

/// The rules in force: the bureau's, or those that ship.
pub(super) async fn current(conn: &mut Conn<'_>) -> Result<PlanRules, StoreError> {
    Ok(settings::of_system(conn, SETTING).await?.map(|(rules, _)| rules).unwrap_or_default())
}

/// How often premises are checked by risk grade, and how often an operator at most.
#[utoipa::path(tag = "planning", responses((status = 200, body = PlanRules)))]
#[get("/settings/inspection_plan")]
async fn read(app: web::Data<App>, _caller: Caller<can::AssignmentsRead>) -> Result<web::Json<PlanRules>, Problem> {
    Ok(web::Json(current(&mut app.db.read().await?.conn()).await?))
}

/// Sets rates and caps; plans that were proposed keep theirs.
#[utoipa::path(tag = "planning", request_body = PlanRules,
    responses((status = 200, body = PlanRules), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[put("/settings/inspection_plan")]
async fn write(app: web::Data<App>, caller: Caller<can::SettingsManage>, body: Body<PlanRules>) -> Result<web::Json<PlanRules>, Problem> {
    let rules = body.into_inner();
    check(&rules)?;
    let value = serde_json::to_string(&rules).map_err(StoreError::damaged)?;
    change(&app, &caller, At::System, SETTING, Some(value)).await?;
    Ok(web::Json(rules))
}

fn check(rules: &PlanRules) -> Result<(), Problem> {
    let mut faults = Faults::new();
    let within = |faults: &mut Faults, field: &str, value: i64, least: i64, most: i64| {
        if !(least..=most).contains(&value) {
            faults.note_at(field, "out_of_range", format!("{least} to {most}"));
        }
    };
    faults.within("per_year", |faults| {
        for (grade, rate) in &rules.per_year {
            if grade.parse::<RiskGrade>().is_err() {
                faults.note_at(grade, "unknown", "a grade is A, B, C or D");
            }
            within(faults, grade, *rate, 0, 12);
        }
    });
    within(&mut faults, "ungraded_per_year", rules.ungraded_per_year, 0, 12);
    within(&mut faults, "all_items_months", rules.all_items_months, 1, 60);
    within(&mut faults, "operator_cap", rules.operator_cap.unwrap_or(1), 1, 365);
    within(&mut faults, "higher_level_months", rules.higher_level_months, 0, 24);
    faults.optional_text("source", Some(&rules.source), 200);
    faults.count("key_kinds", rules.key_kinds.len(), 20);
    faults.within("key_kinds", |faults| {
        for (index, kind) in rules.key_kinds.iter().enumerate().take(20) {
            if kind.parse::<PremisesKind>().is_err() {
                faults.note_at(index, "unknown", "no such kind of premises");
            }
        }
    });
    faults.optional_text("source", Some(&rules.source), REASON_LIMIT);
    checked(faults)
}
