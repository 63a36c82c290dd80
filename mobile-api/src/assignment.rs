//! Assignments: who looks at which premises with what checklist, by when.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Moment;
use crate::field::{Faults, FieldFault};
use crate::inspection::InspectionKind;
use crate::limits::{NAME_CHARS_MAX, OFFICERS_MAX, TEXT_CHARS_MAX};

/// Body of `POST /assignments`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"premises_id": "01928f6e-0000-7000-8000-000000000001", "template_id": "01928f6e-0000-7000-8000-000000000002",
    "kind": "routine", "due_on": "2026-11-30", "officer_ids": ["01928f6e-0000-7000-8000-000000000003"]}))]
pub struct NewAssignment {
    /// Where.
    pub premises_id: Uuid,
    /// The version of the checklist.
    pub template_id: Uuid,
    /// What kind of check.
    pub kind: InspectionKind,
    /// Last day, in Asia/Shanghai.
    pub due_on: String,
    /// The lead first.
    pub officer_ids: Vec<Uuid>,
    /// Of the approval (审批).
    #[serde(default)]
    pub approval_number: Option<String>,
    /// `annual_plan`, `random_draw`, `campaign`, `alert`, `complaint`, `recheck`, or in words.
    #[serde(default)]
    pub source: Option<String>,
    /// Of the complaint, report or letter it comes of; a complaint has one.
    #[serde(default)]
    #[schema(max_length = 100)]
    pub source_number: Option<String>,
    /// Checks done in the same visit (综合查一次): one visit, counted once.
    #[serde(default)]
    #[schema(max_items = 10)]
    pub merged: Vec<String>,
}

/// Checks that one visit merges.
pub const MERGED_MAX: usize = 10;

/// Where an assignment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AssignmentState {
    /// Not begun.
    Open,
    /// An inspection was begun.
    InProgress,
    /// Its inspection was submitted.
    Done,
    /// Taken back, with a reason.
    Cancelled,
}

/// An officer of an assignment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AssignedOfficer {
    /// The user.
    pub id: Uuid,
    /// As shown and printed.
    pub display_name: String,
    /// 执法证号.
    #[serde(default)]
    pub certificate_number: Option<String>,
}

/// The alert that an inspection came of, to look at before and on the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AssignmentAlert {
    /// Its id: `/alerts/{id}` has the picture and the clip.
    pub id: Uuid,
    /// As in the list of alert kinds.
    pub kind: String,
    /// 0 for the camera itself; 1, 2, 3.
    pub class: i64,
    /// Which camera.
    pub camera_name: String,
    /// When.
    pub raised_at: Moment,
}

/// An assignment as the phone gets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Assignment {
    /// Its id.
    pub id: Uuid,
    /// Where.
    pub premises_id: Uuid,
    /// Its name, for lists.
    pub premises_name: String,
    /// The version of the checklist.
    pub template_id: Uuid,
    /// Its name in zh-CN, for lists.
    #[serde(default)]
    pub template_name: Option<String>,
    /// The same in English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_name_en: Option<String>,
    /// What kind of check.
    pub kind: InspectionKind,
    /// Where it stands.
    pub state: AssignmentState,
    /// Last day, in Asia/Shanghai.
    pub due_on: String,
    /// The lead first.
    pub officers: Vec<AssignedOfficer>,
    /// Of the approval.
    #[serde(default)]
    pub approval_number: Option<String>,
    /// In words.
    #[serde(default)]
    pub source: Option<String>,
    /// Of the complaint, report or letter it comes of.
    #[serde(default)]
    pub source_number: Option<String>,
    /// Checks done in the same visit.
    #[serde(default)]
    pub merged: Vec<String>,
    /// The plan it stands on.
    #[serde(default)]
    pub plan_id: Option<Uuid>,
    /// The draw that chose premises and officers.
    #[serde(default)]
    pub draw_id: Option<Uuid>,
    /// The inspection that came of it.
    #[serde(default)]
    pub inspection_id: Option<Uuid>,
    /// The alert it came of.
    #[serde(default)]
    pub alert: Option<AssignmentAlert>,
    /// The rectification order whose items it looks at again (复查).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<Uuid>,
    /// Counts up with each change.
    pub version: i64,
    /// When it was made.
    pub created_at: Moment,
    /// When it was changed.
    pub updated_at: Moment,
}

impl NewAssignment {
    /// Checks lengths and the date.
    ///
    /// # Errors
    /// All faults, each with its pointer.
    pub fn check(&self) -> Result<(), Vec<FieldFault>> {
        let mut faults = Faults::new();
        if self.officer_ids.is_empty() {
            faults.note_at("officer_ids", "required", "at least one officer");
        }
        faults.count("officer_ids", self.officer_ids.len(), OFFICERS_MAX);
        let distinct: std::collections::HashSet<&Uuid> = self.officer_ids.iter().collect();
        if distinct.len() < self.officer_ids.len() {
            faults.note_at("officer_ids", "duplicate", "each officer once");
        }
        if self.due_on.len() != 10 || self.due_on.parse::<jiff::civil::Date>().is_err() {
            faults.note_at("due_on", "format", "a day such as 2026-11-23");
        }
        faults.optional_text("approval_number", self.approval_number.as_deref(), NAME_CHARS_MAX);
        faults.optional_text("source", self.source.as_deref(), TEXT_CHARS_MAX);
        faults.optional_text("source_number", self.source_number.as_deref(), NAME_CHARS_MAX);
        let numbered = self.source_number.as_deref().is_some_and(|number| !number.trim().is_empty());
        if self.source.as_deref() == Some("complaint") && !numbered {
            faults.note_at("source_number", "required", "a complaint has a number");
        }
        faults.count("merged", self.merged.len(), MERGED_MAX);
        faults.within("merged", |faults| {
            for (index, name) in self.merged.iter().enumerate() {
                faults.within(index, |faults| faults.text_here(name, NAME_CHARS_MAX));
            }
        });
        faults.finish()
    }
}
