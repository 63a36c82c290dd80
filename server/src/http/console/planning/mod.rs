//! Planning checks: officers' qualifications, the month's plan by risk grade, and the double random draw.

mod checks;
mod draw_acts;
mod draws;
mod freeze;
mod officers;
mod plan_items;
mod plans;
mod rules;
mod view;

use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::auth::Session;
use crate::domain::workflow;
use crate::http::Problem;
use crate::store::assignments::{self, NewRow};
use crate::store::work::{self, Beginning, By};
use crate::store::{Tx, notices};

/// Characters of titles, approval numbers and names.
const NAME_LIMIT: usize = 100;
/// Characters of reasons.
const REASON_LIMIT: usize = 500;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    checks::configure(config);
    draws::configure(config);
    draw_acts::configure(config);
    officers::configure(config);
    plans::configure(config);
    rules::configure(config);
}

/// Makes an assignment that a plan or a draw came to, and tells its officers.
async fn assign(tx: &mut Tx<'_>, session: &Session, row: &NewRow, premises_id: &str, at: i64) -> Result<(), Problem> {
    let id = row.id.to_string();
    let by = By::User(&session.actor, &session.access);
    work::begin(tx, &Beginning { table: &workflow::assignment::TABLE, id: &id, premises_id, by, action: "plan", text: None }, at).await?;
    assignments::insert(tx, row).await?;
    let kept = assignments::for_work(tx, &id).await?.ok_or_else(Problem::not_found)?;
    assignments::note_change(tx, &kept, at).await?;
    let officers: Vec<String> = row.officers.iter().map(Uuid::to_string).collect();
    let detail =
        serde_json::json!({"assignment_id": id, "premises_id": premises_id, "premises_name": kept.premises_name, "due_on": kept.due_on});
    notices::insert(tx, Some(&id), &officers, "assigned", &detail, at).await?;
    Ok(())
}
