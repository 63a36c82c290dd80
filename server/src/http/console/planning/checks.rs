//! What stands against a check of a premises: the operator's yearly cap, and what a higher level checked. Both warn only.

use std::collections::BTreeMap;

use actix_web::{get, web};
use jiff::ToSpan as _;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::rules;
use crate::App;
use crate::auth::{Caller, can};
use crate::domain::calendar::{date_of, end_of, start_of};
use crate::domain::plan::{Past, PlanRules};
use crate::domain::risk::{RiskBand, points};
use crate::http::{Id, Problem, ProblemBody};
use crate::store::{Conn, StoreError, checks, premises, risk};

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(read);
}

/// An operator's checks of a year beside its published cap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(super) struct OperatorChecks {
    pub(super) operator_id: String,
    pub(super) name: String,
    /// Made and open ones of the year, at all its premises; what an alert, a complaint or an order asked for does not count.
    pub(super) count: i64,
    /// Published for the year; `null`: none is.
    pub(super) cap: Option<i64>,
    /// One more would be over the cap.
    pub(super) over: bool,
}

/// A check by a higher level within the months of the rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(super) struct HigherCheck {
    /// Of the checklist whose items were looked at.
    pub(super) template_code: String,
    #[schema(format = Date)]
    pub(super) on: String,
    pub(super) lead_name: String,
}

/// Why a premises is proposed by its score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(super) struct RiskFacts {
    /// Points.
    #[schema(example = 52.5)]
    pub(super) score: f64,
    pub(super) band: RiskBand,
    /// Points by which it rose within 30 days.
    #[schema(example = 18.0)]
    pub(super) rise: f64,
    /// It is in the top band, and 30 days before it was not.
    pub(super) entered_top: bool,
}

/// What is known of a premises' checks.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub(super) struct CheckFacts {
    #[schema(format = Date)]
    pub(super) last_on: Option<String>,
    /// The last check of all items.
    #[schema(format = Date)]
    pub(super) last_all_items_on: Option<String>,
    /// Who runs it, themselves or by contract.
    pub(super) operators: Vec<OperatorChecks>,
    /// Newest first.
    pub(super) higher: Vec<HigherCheck>,
    /// An open assignment: merge this check into it rather than go twice.
    pub(super) open_assignment_id: Option<String>,
    /// When that is due.
    #[schema(format = Date)]
    pub(super) open_due_on: Option<String>,
    /// Where its score rises by what the formula asks for, or has entered the top band.
    #[serde(default)]
    pub(super) risk: Option<RiskFacts>,
    /// `over_cap`, `checked_by_higher_level`, `already_planned`: a check all the same needs a reason.
    #[schema(example = json!([]))]
    pub(super) warnings: Vec<String>,
}

/// Facts of premises, worked out for all of an authority at once.
pub(super) struct Facts {
    last: BTreeMap<String, Past>,
    operators: BTreeMap<String, Vec<OperatorChecks>>,
    higher: BTreeMap<String, Vec<HigherCheck>>,
    open: BTreeMap<String, (String, String)>,
    rising: BTreeMap<String, RiskFacts>,
}

impl Facts {
    /// Of all premises below `path`, as things are at `now_ms`, for a check in the year of `day`.
    pub(super) async fn gather(conn: &mut Conn<'_>, path: &str, rules: &PlanRules, day: Date, now_ms: i64) -> Result<Self, StoreError> {
        let last = checks::last(conn, path).await?;
        let last = last.into_iter().map(|(id, last_ms, last_all_items_ms)| (id, Past { last_ms, last_all_items_ms })).collect();
        let (first_day, last_day) = (day.first_of_year(), day.last_of_year());
        let linked = checks::operators(conn, path, &day.to_string()).await?;
        let mut ids: Vec<String> = linked.iter().map(|row| row.1.clone()).collect();
        ids.sort();
        ids.dedup();
        let year = (start_of(first_day), end_of(last_day));
        let counts: BTreeMap<String, i64> =
            checks::counts(conn, &ids, year, (&first_day.to_string(), &last_day.to_string())).await?.into_iter().collect();
        let mut operators: BTreeMap<String, Vec<OperatorChecks>> = BTreeMap::new();
        for (premises, operator_id, name, own_cap) in linked {
            let count = counts.get(&operator_id).copied().unwrap_or(0);
            let cap = own_cap.or(rules.operator_cap);
            let over = cap.is_some_and(|cap| count >= cap);
            operators.entry(premises).or_default().push(OperatorChecks { operator_id, name, count, cap, over });
        }
        let since = date_of(now_ms).saturating_sub(rules.higher_level_months.months());
        let mut higher: BTreeMap<String, Vec<HigherCheck>> = BTreeMap::new();
        for row in checks::by_higher(conn, path, start_of(since)).await? {
            let check = HigherCheck { template_code: row.template_code, on: date_of(row.at).to_string(), lead_name: row.lead_name };
            higher.entry(row.premises_id).or_default().push(check);
        }
        let mut open = BTreeMap::new();
        for (premises, assignment, due_on) in checks::open(conn, path).await? {
            open.entry(premises).or_insert((assignment, due_on));
        }
        let mut rising = BTreeMap::new();
        for row in risk::rising_below(conn, path).await? {
            let band = row.band.parse().map_err(|()| StoreError::damaged(format!("a score in band {}", row.band)))?;
            let rise = points(row.score - row.score_before);
            rising.insert(row.premises_id, RiskFacts { score: points(row.score), band, rise, entered_top: row.entered_top });
        }
        Ok(Self { last, operators, higher, open, rising })
    }

    /// The last checks of a premises.
    pub(super) fn past(&self, premises_id: &str) -> Past {
        self.last.get(premises_id).copied().unwrap_or_default()
    }

    /// Whether its score asks for a visit.
    pub(super) fn rises(&self, premises_id: &str) -> bool {
        self.rising.contains_key(premises_id)
    }

    /// All of a premises; `template_code` is the checklist that is thought of, all where none is.
    pub(super) fn of(&self, premises_id: &str, template_code: Option<&str>) -> CheckFacts {
        let day = |ms: Option<i64>| ms.map(|ms| date_of(ms).to_string());
        let past = self.past(premises_id);
        let operators = self.operators.get(premises_id).cloned().unwrap_or_default();
        let higher: Vec<HigherCheck> = self.higher.get(premises_id).cloned().unwrap_or_default();
        let open = self.open.get(premises_id);
        let repeated = higher.iter().any(|check| template_code.is_none_or(|code| code == check.template_code));
        let found = [
            ("over_cap", operators.iter().any(|operator| operator.over)),
            ("checked_by_higher_level", repeated),
            ("already_planned", open.is_some()),
        ];
        CheckFacts {
            last_on: day(past.last_ms),
            last_all_items_on: day(past.last_all_items_ms),
            operators,
            higher,
            open_assignment_id: open.map(|open| open.0.clone()),
            open_due_on: open.map(|open| open.1.clone()),
            risk: self.rising.get(premises_id).cloned(),
            warnings: found.into_iter().filter(|(_, holds)| *holds).map(|(code, _)| code.to_owned()).collect(),
        }
    }
}

/// Checks of a premises this year beside its operators' published caps, and what else speaks against another.
#[utoipa::path(tag = "planning", params(("id" = String, Path)), responses((status = 200, body = CheckFacts), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/premises/{id}/checks")]
async fn read(app: web::Data<App>, caller: Caller<can::AssignmentsRead>, id: Id) -> Result<web::Json<CheckFacts>, Problem> {
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let row = premises::get(conn, &caller.scope(), &id.to_string()).await?.ok_or_else(Problem::not_found)?;
    let rules = rules::current(conn).await?;
    let now_ms = app.clock.wall_ms();
    let facts = Facts::gather(conn, &row.path, &rules, date_of(now_ms), now_ms).await?;
    Ok(web::Json(facts.of(&row.id, None)))
}
