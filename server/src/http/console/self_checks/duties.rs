//! `GET /self-check-duties`: what each canteen has to report of some days, and whether it did.
//!
//! A phone asks for its own premises and keeps the answer for the days without a network; a desk asks for one day of everybody.

use std::collections::{BTreeMap, HashSet};

use actix_web::{get, web};
use jiff::ToSpan as _;
use jiff::civil::Date;
use mobile_api::Moment;
use mobile_api::problem::ProblemType;
use mobile_api::template::{Audience, Bilingual};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::day;
use crate::App;
use crate::auth::{Caller, can};
use crate::domain::calendar::date_of;
use crate::domain::premises::ServiceHours;
use crate::domain::self_check::{Canteen, Duties, Duty, Every};
use crate::http::mobile::self_checks::duties as rules;
use crate::http::{Args, Chars, Listed, Problem, ProblemBody, listed, page};
use crate::store::premises::{self, PremisesFilter, PremisesSort};
use crate::store::self_checks::{self, AnsweredRow};
use crate::store::{Conn, StoreError, templates};

/// Days of one premises, and of many, in one answer.
const DAYS_MAX: i64 = 62;
const DAYS_MAX_OF_MANY: i64 = 7;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(read);
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DutyArgs {
    /// The first day, Asia/Shanghai; today unless said.
    #[param(example = "2026-11-23", value_type = Option<String>, max_length = 10)]
    from: Option<Chars<10>>,
    /// The last day; at most 62 days of one premises, 7 of many.
    #[param(example = "2026-11-23", value_type = Option<String>, max_length = 10)]
    to: Option<Chars<10>>,
    premises_id: Option<Uuid>,
    /// Only premises below this organization.
    organization_id: Option<Uuid>,
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    cursor: Option<String>,
}

/// What one canteen has to report, and did.
#[derive(Debug, Serialize, ToSchema)]
struct PremisesDuties {
    premises_id: String,
    premises_name: String,
    organization_name: String,
    duties: Vec<DutyView>,
    /// The papers of this kind of premises.
    papers: Vec<Paper>,
}

/// A paper that is due.
#[derive(Debug, Serialize, ToSchema)]
struct DutyView {
    #[schema(example = "self_daily_control")]
    code: String,
    /// ISO date: the day it speaks of; of a week its Monday, of a month its first.
    #[schema(example = "2026-11-23")]
    day: String,
    /// The meal, or empty.
    #[schema(example = "lunch")]
    slot: String,
    due_at: Moment,
    /// waiting, done, done_late or missing
    #[schema(example = "done")]
    state: &'static str,
    /// The paper, where there is one; the last where there are several.
    self_check_id: Option<String>,
    /// Answers of it that say that something is wrong.
    problems: i64,
}

/// A paper that a canteen answers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CanteenPaper)]
struct Paper {
    #[schema(example = "self_goods_received")]
    code: String,
    name: Bilingual,
    /// The version in force.
    template_id: String,
    every: Every,
    /// Meals that each have one.
    slots: Vec<String>,
    /// May be answered by the head of the place.
    head: bool,
    /// Fields (`item.field`) that a new one begins with as the last one had them.
    carry: Vec<String>,
    /// What one tap says where all is well: choices by the code of the field.
    all_well: BTreeMap<String, String>,
    /// How many there are of these days.
    count: usize,
}

/// Papers in force by kind of premises.
pub(crate) struct Papers(Vec<(String, String, Bilingual, Vec<String>)>);

impl Papers {
    pub(crate) async fn in_force(conn: &mut Conn<'_>) -> Result<Self, StoreError> {
        let rows = templates::summaries(conn, Audience::Canteen, false).await?;
        let papers = rows.iter().map(|row| {
            let summary = row.summary()?;
            Ok((summary.code, row.id.clone(), summary.name, summary.premises_kinds))
        });
        Ok(Self(papers.collect::<Result<_, StoreError>>()?))
    }

    pub(crate) fn codes(&self, kind: &str) -> HashSet<String> {
        self.0.iter().filter(|paper| paper.3.iter().any(|one| one == kind)).map(|paper| paper.0.clone()).collect()
    }

    fn named(&self, code: &str) -> Option<&(String, String, Bilingual, Vec<String>)> {
        self.0.iter().find(|paper| paper.0 == code)
    }
}

/// What is due at a premises since it is known here.
pub(crate) fn due_at(
    rules: &Duties,
    papers: &Papers,
    (kind, path, service_hours, known_since): (&str, &str, &str, i64),
    from: Date,
    to: Date,
) -> Result<Vec<Duty>, StoreError> {
    let hours: Vec<ServiceHours> = serde_json::from_str(service_hours).map_err(StoreError::damaged)?;
    let mut due = rules.due(&Canteen { kind, path, hours: &hours }, &papers.codes(kind), from, to);
    due.retain(|duty| duty.due_at_ms >= known_since);
    Ok(due)
}

/// What canteens have to report of these days and whether they did, by premises. Only premises that have papers to answer are
/// named.
#[utoipa::path(tag = "self-checks", params(DutyArgs),
    responses((status = 200, body = Listed<PremisesDuties>), (status = 400, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/self-check-duties")]
async fn read(
    app: web::Data<App>,
    caller: Caller<can::SelfChecksRead>,
    args: Args<DutyArgs>,
) -> Result<web::Json<Listed<PremisesDuties>>, Problem> {
    let page = page(args.limit, args.cursor.as_deref())?;
    let now_ms = app.clock.wall_ms();
    let today = date_of(now_ms);
    let from = args.from.as_ref().map_or(Ok(today), |text| day("from", text))?;
    let to = args.to.as_ref().map_or(Ok(from.max(today)), |text| day("to", text))?;
    let most = if args.premises_id.is_some() { DAYS_MAX } else { DAYS_MAX_OF_MANY };
    if to < from || (to - from).get_days() >= i32::try_from(most).unwrap_or(i32::MAX) || from.saturating_add(most.days()) <= to {
        return Err(Problem::of(ProblemType::Malformed).because(format!("from comes before to, and at most {most} days are asked for")));
    }
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let (rules, papers) = (rules(conn).await?, Papers::in_force(conn).await?);
    let filter = PremisesFilter {
        organization_id: args.organization_id.map(|id| id.to_string()),
        disabled: Some(false),
        ..PremisesFilter::default()
    };
    let (mut rows, counted) = match args.premises_id {
        Some(id) => {
            let row = premises::get(conn, &caller.scope(), &id.to_string()).await?.ok_or_else(Problem::not_found)?;
            (vec![row], 1)
        }
        None => (
            premises::list(conn, &caller.scope(), &filter, PremisesSort::Name, &page).await?,
            premises::count(conn, &caller.scope(), &filter).await?,
        ),
    };
    let next = page.cut(&mut rows, |row| premises::sort_key(row, PremisesSort::Name));
    let ids: Vec<String> = rows.iter().map(|row| row.id.clone()).collect();
    // A week and a month are named by their first day, which may lie before the first day asked for.
    let since = from.first_of_month().min(from.saturating_sub(6.days())).to_string();
    let answered = if ids.is_empty() { Vec::new() } else { self_checks::answered(conn, &ids, &since, &to.to_string()).await? };
    let mut items = Vec::new();
    for row in &rows {
        let own: Vec<&AnsweredRow> = answered.iter().filter(|one| one.premises_id == row.id).collect();
        let duties = due_at(&rules, &papers, (&row.kind, &row.path, &row.service_hours, row.created_at), from, to)?;
        let papers = answerable(&rules, &papers, &row.kind, &own, from);
        if papers.is_empty() {
            continue;
        }
        items.push(PremisesDuties {
            premises_id: row.id.clone(),
            premises_name: row.name.clone(),
            organization_name: row.organization_name.clone(),
            duties: duties.into_iter().map(|duty| view(duty, &own, now_ms)).collect(),
            papers,
        });
    }
    Ok(web::Json(listed(items, next, counted)))
}

fn view(duty: Duty, own: &[&AnsweredRow], now_ms: i64) -> DutyView {
    let day = duty.day.to_string();
    let found: Vec<&&AnsweredRow> = own.iter().filter(|one| one.code == duty.code && one.day == day && one.slot == duty.slot).collect();
    // The first says whether it was in time; a phone's clock that is ahead makes nothing earlier than it was received.
    let first = found.iter().map(|one| one.answered_at.min(one.received_at)).min();
    let state = match first {
        Some(at) if at <= duty.due_at_ms => "done",
        Some(_) => "done_late",
        None if duty.due_at_ms < now_ms => "missing",
        None => "waiting",
    };
    let last = found.iter().max_by_key(|one| (one.received_at, &one.id));
    DutyView {
        code: duty.code,
        day,
        slot: duty.slot,
        due_at: Moment(duty.due_at_ms),
        state,
        self_check_id: last.map(|one| one.id.clone()),
        problems: last.map_or(0, |one| one.problems),
    }
}

/// The papers of a kind of premises, in the order of the rules.
fn answerable(rules: &Duties, papers: &Papers, kind: &str, own: &[&AnsweredRow], from: Date) -> Vec<Paper> {
    let codes = papers.codes(kind);
    let since = from.to_string();
    let wanted = rules.rules.iter().filter(|rule| codes.contains(&rule.code));
    wanted
        .filter_map(|rule| {
            let (code, template_id, name, _) = papers.named(&rule.code)?;
            Some(Paper {
                code: code.clone(),
                name: name.clone(),
                template_id: template_id.clone(),
                every: rule.every,
                slots: rule.slots.iter().map(|slot| slot.code.clone()).collect(),
                head: rule.head,
                carry: rule.carry.clone(),
                all_well: rule.all_well.clone(),
                count: own.iter().filter(|one| one.code == *code && one.day >= since).count(),
            })
        })
        .collect()
}
