//! An edited form: of a draft its next version, of a submitted inspection an amendment. What was sent before stays.

use std::collections::HashMap;

use mobile_api::inspection::originals::Standing;
use mobile_api::inspection::{Header, PartContent};
use mobile_api::problem::ProblemType;
use serde_json::{Value, json};
use uuid::Uuid;

use super::access::Entered;
use super::take::{Form, link_pictures};
use crate::App;
use crate::http::Problem;
use crate::http::console::inspections::amend_to;
use crate::openrosa::instance::{self, Picture};
use crate::store::inspections::{self, InspectionRow};
use crate::store::{StoreError, evidence, lacks};

/// What an amendment says of itself.
const REASON: &str = "在 ODK Collect 中修改后重新发送 · edited in ODK Collect and sent again";

/// Refuses a form that is about another premises, checklist or kind of check than the inspection it belongs to.
pub(super) fn same_inspection(form: &Form, row: &InspectionRow) -> Result<(), Problem> {
    let header = row.parsed_header()?;
    let same = header.premises_id == form.premises_id && header.template_id == form.template_id && header.kind == form.filled.kind;
    if same {
        return Ok(());
    }
    let words = "an edit does not change the premises, the checklist or the kind of check: fill in a new form";
    Err(Problem::of(ProblemType::Conflict).because(words))
}

/// The officers of the inspection, and those whom the form adds.
pub(super) fn officers(form: &Form, header: &Header) -> Vec<Uuid> {
    let mut officers = header.officers.clone();
    for one in &form.filled.officers {
        if !officers.contains(one) {
            officers.push(*one);
        }
    }
    officers
}

/// Amends a submitted inspection to what the edited form says, and makes good what it supplies.
pub(super) async fn amend(
    app: &App,
    entered: &Entered,
    form: &Form,
    row: &InspectionRow,
    came: &HashMap<String, Picture>,
) -> Result<(), Problem> {
    let content = form.filled.part(form.inspection_id, &form.device, came);
    let header = row.parsed_header()?;
    let supplied = supplied(form, &header, &content)?;
    let (session, at) = (entered.session.clone(), app.clock.wall_ms());
    let (row, evidence, answers) = (row.clone(), content.evidence.clone(), content.answers.clone());
    app.db
        .write(move |tx| {
            Box::pin(async move {
                inspections::hold(tx, &row.id).await?;
                // Pictures that the edit added are evidence of the same inspection.
                for one in &evidence {
                    if evidence::promise(tx, &row.id, session.user_id, one, Standing::Needed).await?.is_err() {
                        return Err(Problem::of(ProblemType::Conflict).because("a picture of this name is another one"));
                    }
                }
                amend_to(tx, &session, &row, &answers, REASON, at).await?;
                for (what, done) in &supplied {
                    lacks::make_good(tx, &row.id, what, &done.to_string(), &session.user_id.to_string(), at).await?;
                }
                Ok::<_, Problem>(inspections::note_change(tx, &row, true, at).await?)
            })
        })
        .await?;
    link_pictures(app, entered, form, &content).await
}

/// What the form supplies of what may be lacking.
fn supplied(form: &Form, header: &Header, content: &PartContent) -> Result<Vec<(&'static str, Value)>, Problem> {
    let officers = officers(form, header);
    let lacking = instance::lacks(officers.len(), content);
    let done = |what: &str| {
        Ok::<_, StoreError>(match what {
            "second_officer" => json!({"instance_id": form.head.instance_id, "officer_ids": officers}),
            "recusal" => {
                let recusal = content.visit.as_ref().and_then(|visit| visit.recusal.as_ref());
                json!({"instance_id": form.head.instance_id, "recusal": serde_json::to_value(recusal).map_err(StoreError::damaged)?})
            }
            _ => {
                let signatures = serde_json::to_value(&content.signatures).map_err(StoreError::damaged)?;
                json!({"instance_id": form.head.instance_id, "signatures": signatures})
            }
        })
    };
    let given = instance::LACKS.into_iter().filter(|what| !lacking.contains(what));
    Ok(given.map(|what| Ok((what, done(what)?))).collect::<Result<Vec<_>, StoreError>>()?)
}
