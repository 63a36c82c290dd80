//! `/settings/self_checks`: which papers canteens answer when, and the days on which nothing is served.

use std::collections::HashMap;

use actix_web::{get, put, web};
use mobile_api::field::Faults;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::App;
use crate::auth::{Caller, Scope, can};
use crate::domain::self_check::{Duties, SETTING};
use crate::http::console::settings::{At, change};
use crate::http::mobile::self_checks::duties;
use crate::http::{Body, Problem, ProblemBody, checked};
use crate::store::{Conn, StoreError, nodes};

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(read).service(write);
}

/// Which papers canteens answer, when each is due, and the days on which nothing is served.
#[utoipa::path(tag = "self-checks", responses((status = 200, body = Duties)))]
#[get("/settings/self_checks")]
async fn read(app: web::Data<App>, _caller: Caller<can::SelfChecksRead>) -> Result<web::Json<Duties>, Problem> {
    Ok(web::Json(duties(&mut app.db.read().await?.conn()).await?))
}

/// Sets when papers are due, for the whole system: what is due is counted by the new rules from then on, also of days that are over.
#[utoipa::path(tag = "self-checks", request_body(content = Duties, example = json!({"version": 2, "source": "市场监管总局令第98号第16至18条", "remind_before_min": 60,
        "rules": [{"code": "self_daily_control", "every": "serving_day", "by": "18:00", "problems": {"ok": ["no"], "risk": ["open"]}}],
        "breaks": [{"from": "2027-01-25", "to": "2027-02-21", "kinds": ["school_canteen", "kindergarten_canteen"], "nodes": []}]})),
    responses((status = 200, body = Duties), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[put("/settings/self_checks")]
async fn write(app: web::Data<App>, caller: Caller<can::SettingsManage>, body: Body<Duties>) -> Result<web::Json<Duties>, Problem> {
    let rules = body.into_inner();
    let mut faults = Faults::new();
    rules.check(&mut faults);
    checked(faults)?;
    known(&mut app.db.read().await?.conn(), &caller.scope(), &rules).await?;
    let value = serde_json::to_string(&rules).map_err(StoreError::damaged)?;
    change(&app, &caller, At::System, SETTING, Some(value)).await?;
    Ok(web::Json(rules))
}

/// Refuses terms of districts, offices or premises that are not there.
async fn known(conn: &mut Conn<'_>, scope: &Scope, rules: &Duties) -> Result<(), Problem> {
    let mut faults = Faults::new();
    let mut seen: HashMap<Uuid, bool> = HashMap::new();
    for (index, one) in rules.breaks.iter().enumerate() {
        for (at, node) in one.nodes.iter().enumerate() {
            let there = match seen.get(node) {
                Some(there) => *there,
                None => {
                    let id = node.to_string();
                    let there =
                        !nodes::organizations(conn, scope, &id).await?.is_empty() || !nodes::premises(conn, scope, &id).await?.is_empty();
                    seen.insert(*node, there);
                    there
                }
            };
            if !there {
                faults.within("breaks", |faults| {
                    faults.within(index, |faults| {
                        faults.within("nodes", |faults| faults.note_at(at, "unknown", "no such organisation or premises"))
                    });
                });
            }
        }
    }
    checked(faults)
}
