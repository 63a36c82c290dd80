//! What stands on a plan: proposals with their facts, the planner's decisions, and the assignments made of them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use mobile_api::assignment::{AssignmentState, MERGED_MAX};
use mobile_api::field::Faults;
use mobile_api::inspection::InspectionKind;
use mobile_api::limits::OFFICERS_MAX;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::checks::{CheckFacts, Facts};
use super::plans::{kind_code, why_of};
use super::{NAME_LIMIT, REASON_LIMIT, assign};
use crate::auth::{Scope, Session};
use crate::domain::operator::is_day;
use crate::domain::plan::{Month, PlanRules, Why};
use crate::http::{Problem, checked};
use crate::store::assignments::{NewRow, kind_of, wire_state};
use crate::store::draws::PlaceRow;
use crate::store::plans::{self, ItemData, ItemRow, PlanRow};
use crate::store::templates::{self, TemplateRow};
use crate::store::{Conn, StoreError, Tx, premises, users};

/// Items of one request.
const ITEMS_OF_REQUEST: usize = 200;

/// A premises on a plan.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InspectionPlanItem)]
pub(super) struct PlanItem {
    id: String,
    premises_id: String,
    premises_name: String,
    premises_kind: String,
    risk_grade: Option<String>,
    /// WGS-84 degrees
    latitude: Option<f64>,
    /// WGS-84 degrees
    longitude: Option<f64>,
    why: Why,
    /// As things were when it was proposed.
    facts: CheckFacts,
    /// Becomes an assignment when the plan is approved.
    chosen: bool,
    template_id: Option<String>,
    kind: InspectionKind,
    #[schema(format = Date)]
    due_on: String,
    /// The lead first; empty: to be drawn.
    officers: Vec<PlannedOfficer>,
    /// Checks done in the same visit (综合查一次).
    merged: Vec<String>,
    /// The reason against the warnings.
    note: Option<String>,
    assignment_id: Option<String>,
    assignment_state: Option<AssignmentState>,
}

#[derive(Debug, Serialize, ToSchema)]
struct PlannedOfficer {
    id: String,
    display_name: String,
}

/// What the planner decides of a premises.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = InspectionPlanItemInput)]
pub(super) struct ItemInput {
    premises_id: Uuid,
    chosen: bool,
    template_id: Option<Uuid>,
    kind: InspectionKind,
    /// Within the plan's month.
    #[schema(format = Date)]
    due_on: String,
    /// The lead first, at least two; empty: to be drawn.
    #[schema(max_items = 20)]
    officer_ids: Vec<Uuid>,
    #[serde(default)]
    #[schema(max_items = 10)]
    merged: Vec<String>,
    /// The reason where a warning is set aside.
    #[serde(default)]
    #[schema(max_length = 500)]
    note: Option<String>,
}

/// What a proposal is made of. Chosen where nothing speaks against it.
pub(super) fn proposed(
    row: &PlaceRow,
    why: Why,
    facts: &Facts,
    template: Option<&TemplateRow>,
    due_on: String,
) -> Result<ItemData, StoreError> {
    let facts = facts.of(&row.id, template.map(|template| template.code.as_str()));
    Ok(ItemData {
        premises_id: row.id.clone(),
        why: why.as_str(),
        chosen: facts.warnings.is_empty() && template.is_some(),
        facts: serde_json::to_string(&facts).map_err(StoreError::damaged)?,
        template_id: template.map(|template| template.id.clone()),
        kind: kind_code(InspectionKind::Routine),
        due_on,
        officers: "[]".to_owned(),
        merged: "[]".to_owned(),
        note: None,
    })
}

/// The items of a plan as desks see them.
pub(super) async fn of(conn: &mut Conn<'_>, plan_id: &str) -> Result<Vec<PlanItem>, Problem> {
    let rows = plans::items(conn, plan_id).await?;
    let lists = rows.iter().map(officer_ids).collect::<Result<Vec<_>, StoreError>>()?;
    let wanted: BTreeSet<&String> = lists.iter().flatten().collect();
    let mut names = BTreeMap::new();
    for id in wanted {
        if let Some(user) = users::credentials_by_id(conn, id).await? {
            names.insert(id.clone(), user.display_name);
        }
    }
    let officer = |id: String| PlannedOfficer { display_name: names.get(&id).cloned().unwrap_or_default(), id };
    let items = rows.into_iter().zip(lists).map(|(row, ids)| {
        Ok(PlanItem {
            why: why_of(&row.why)?,
            facts: serde_json::from_str(&row.facts).map_err(StoreError::damaged)?,
            kind: kind_of(&row.kind)?,
            officers: ids.into_iter().map(officer).collect(),
            merged: serde_json::from_str(&row.merged).map_err(StoreError::damaged)?,
            assignment_state: row.assignment_state.as_deref().map(wire_state).transpose()?,
            id: row.id,
            premises_id: row.premises_id,
            premises_name: row.premises_name,
            premises_kind: row.premises_kind,
            risk_grade: row.risk_grade,
            latitude: row.latitude,
            longitude: row.longitude,
            chosen: row.chosen,
            template_id: row.template_id,
            due_on: row.due_on,
            note: row.note,
            assignment_id: row.assignment_id,
        })
    });
    Ok(items.collect::<Result<_, StoreError>>()?)
}

fn officer_ids(row: &ItemRow) -> Result<Vec<String>, StoreError> {
    serde_json::from_str(&row.officers).map_err(StoreError::damaged)
}

/// What can be told from the request alone.
pub(super) fn check(items: &[ItemInput]) -> Result<(), Problem> {
    let mut faults = Faults::new();
    if items.is_empty() {
        faults.note_at("items", "too_few", "at least one");
    }
    faults.count("items", items.len(), ITEMS_OF_REQUEST);
    let mut seen = BTreeSet::new();
    for (index, item) in items.iter().enumerate().take(ITEMS_OF_REQUEST) {
        faults.within("items", |faults| {
            faults.within(index, |faults| {
                if !seen.insert(item.premises_id) {
                    faults.note_at("premises_id", "duplicate", "each premises once");
                }
                if !is_day(&item.due_on) {
                    faults.note_at("due_on", "format", "a day such as 2026-12-18");
                }
                let distinct: BTreeSet<&Uuid> = item.officer_ids.iter().collect();
                if distinct.len() < item.officer_ids.len() {
                    faults.note_at("officer_ids", "duplicate", "each officer once");
                }
                if item.officer_ids.len() == 1 {
                    faults.note_at("officer_ids", "too_few", "at least two officers, or none: to be drawn (Order 49, art. 23)");
                }
                faults.count("officer_ids", item.officer_ids.len(), OFFICERS_MAX);
                faults.count("merged", item.merged.len(), MERGED_MAX);
                faults.within("merged", |faults| {
                    for (index, name) in item.merged.iter().enumerate().take(MERGED_MAX) {
                        faults.within(index, |faults| faults.text_here(name, NAME_LIMIT));
                    }
                });
                faults.optional_text("note", item.note.as_deref(), REASON_LIMIT);
            });
        });
    }
    checked(faults)
}

/// The items as they will be stored, where all that they name is there. Facts of what is added by hand are worked out now.
pub(super) async fn adjusted(
    conn: &mut Conn<'_>,
    scope: &Scope,
    plan: &PlanRow,
    rules: &PlanRules,
    items: &[ItemInput],
    now_ms: i64,
) -> Result<Vec<ItemData>, Problem> {
    let month = Month::parse(&plan.month).ok_or_else(|| StoreError::damaged(format!("a plan for {}", plan.month)))?;
    let (first, last) = month.days();
    let present: BTreeMap<String, ItemRow> =
        plans::items(conn, &plan.id).await?.into_iter().map(|row| (row.premises_id.clone(), row)).collect();
    let facts = Facts::gather(conn, &plan.path, rules, last, now_ms).await?;
    let mut faults = Faults::new();
    let mut made = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let id = item.premises_id.to_string();
        let mut wrong = Vec::new();
        let template = match item.template_id {
            Some(id) => templates::get(conn, &id.to_string()).await?,
            None => None,
        };
        if item.template_id.is_some() && template.is_none() {
            wrong.push(("template_id", "unknown", "no such template"));
        }
        if item.chosen && item.template_id.is_none() {
            wrong.push(("template_id", "required", "what is chosen has a checklist"));
        }
        if !(first.to_string()..=last.to_string()).contains(&item.due_on) {
            wrong.push(("due_on", "out_of_range", "a day of the plan's month"));
        }
        for officer in &item.officer_ids {
            let user = users::credentials_by_id(conn, &officer.to_string()).await?;
            if user.is_none_or(|user| user.disabled_at.is_some()) {
                wrong.push(("officer_ids", "unknown", "no such person, or disabled"));
            }
        }
        let known = present.get(&id);
        if known.is_none() {
            let row = premises::get(conn, scope, &id).await?.filter(|row| row.disabled_at.is_none() && row.path.starts_with(&plan.path));
            if row.is_none() {
                wrong.push(("premises_id", "unknown", "no such premises of this authority, or it is disabled"));
            }
        }
        let stood = match known {
            Some(row) => (why_of(&row.why)?, serde_json::from_str(&row.facts).map_err(StoreError::damaged)?),
            None => (Why::ByHand, facts.of(&id, template.as_ref().map(|template| template.code.as_str()))),
        };
        let noted = item.note.as_deref().map(str::trim).filter(|note| !note.is_empty());
        if item.chosen && !stood.1.warnings.is_empty() && noted.is_none() {
            wrong.push(("note", "required", "a reason against the warnings"));
        }
        for (field, code, detail) in wrong {
            faults.within("items", |faults| faults.within(index, |faults| faults.note_at(field, code, detail)));
        }
        made.push(ItemData {
            why: stood.0.as_str(),
            facts: serde_json::to_string(&stood.1).map_err(StoreError::damaged)?,
            chosen: item.chosen,
            template_id: item.template_id.map(|id| id.to_string()),
            kind: kind_code(item.kind),
            due_on: item.due_on.clone(),
            officers: serde_json::to_string(&item.officer_ids).map_err(StoreError::damaged)?,
            merged: serde_json::to_string(&item.merged).map_err(StoreError::damaged)?,
            note: noted.map(str::to_owned),
            premises_id: id,
        });
    }
    checked(faults)?;
    Ok(made)
}

/// Makes the assignments of a plan that has just been approved; gives their number.
pub(super) async fn assign_all(
    tx: &mut Tx<'_>,
    session: &Session,
    plan: &PlanRow,
    number: &str,
    today: Date,
    at: i64,
) -> Result<usize, Problem> {
    let mut made = 0;
    for row in plans::items(tx, &plan.id).await?.iter().filter(|row| row.chosen) {
        let officers = officer_ids(row)?;
        let Some(template) = row.template_id.as_deref().filter(|_| !officers.is_empty()) else { continue };
        if row.due_on < today.to_string() {
            return Err(Problem::field("/items", "out_of_range", "a chosen check is due before today; give it another day")
                .with("premises_id", &row.premises_id));
        }
        let id = |text: &str| text.parse::<Uuid>().map_err(StoreError::damaged);
        let assignment = NewRow {
            id: Uuid::now_v7(),
            template_id: id(template)?,
            kind: kind_of(&row.kind)?,
            due_on: row.due_on.clone(),
            approval_number: Some(number.to_owned()),
            source: "annual_plan".to_owned(),
            created_by: session.user_id,
            officers: officers.iter().map(|officer| id(officer)).collect::<Result<_, _>>()?,
            alert_id: None,
            source_number: None,
            merged: serde_json::from_str(&row.merged).map_err(StoreError::damaged)?,
            plan_id: Some(plan.id.clone()),
            draw_id: None,
        };
        assign(tx, session, &assignment, &row.premises_id, at).await?;
        plans::set_assignment(tx, &plan.id, &row.premises_id, &assignment.id.to_string()).await?;
        made += 1;
    }
    Ok(made)
}
