//! `/inspections`, as phones write them: header, parts, submission.
//!
//! Sameness is the canonical hash, computed again here: the same again is answered 200 and changes nothing, another one 409
//! with both named. Nothing is lost and nothing is doubled, in whatever order and however often it comes.

mod drawn;
mod parts;
mod put;
mod submit;
mod team;

use utoipa_actix_web::service_config::ServiceConfig;

use crate::auth::Session;
use crate::domain::permission::Permission;
use crate::domain::workflow::Act;
use crate::http::Problem;
use crate::store::inspections::{InspectionRow, Sight};
use crate::store::work::{self, By};
use crate::store::{Conn, StoreError, Tx, assignments, inspections};

pub use parts::store_part;
pub use put::put_inspection;
pub use submit::submit_inspection;
pub(crate) use submit::{drawn_only, outcome_code};

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    put::configure(config);
    parts::configure(config);
    submit::configure(config);
    team::configure(config);
}

/// An inspection that the caller may add to: their own, or one where they may conduct.
async fn find(conn: &mut Conn<'_>, session: &Session, id: &str) -> Result<Option<InspectionRow>, StoreError> {
    match inspections::get_own(conn, &session.user_id.to_string(), id).await? {
        Some(row) => Ok(Some(row)),
        None => {
            let scope = session.access.scope(Permission::InspectionsConduct);
            inspections::get(conn, &Sight { read: scope.clone(), drafts: scope }, id).await
        }
    }
}

/// Why what was written of an inspection was undone.
enum Undone {
    /// What it begins with is there already, or was at the same moment.
    Taken,
    /// It was refused.
    Refused(Problem),
}

impl From<Problem> for Undone {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem)
    }
}

impl From<StoreError> for Undone {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.into())
    }
}

/// Moves the assignment that an inspection came of: `start` with the header, `complete` with the submission. One that is
/// closed already (cancelled meanwhile, or done by another inspection) stays as it is.
async fn move_assignment(tx: &mut Tx<'_>, session: &Session, assignment_id: &str, action: &str, at: i64) -> Result<(), Problem> {
    let Some(row) = assignments::for_work(tx, assignment_id).await? else {
        return Ok(());
    };
    if !row.open || (action == "start" && row.state != "planned") {
        return Ok(());
    }
    // The officers' own act where they may act there now; otherwise the program's, because of what arrived.
    let by = if session.access.may_at(Permission::InspectionsConduct, &row.premises_path) {
        By::User(&session.actor, &session.access)
    } else {
        By::System("inspection_arrived@1")
    };
    let act = Act { action: action.to_owned(), ..Act::default() };
    work::step(tx, &crate::auth::Scope::system(), assignment_id, None, by, &act, &[], at).await?;
    assignments::note_change(tx, &row, at).await?;
    Ok(())
}
