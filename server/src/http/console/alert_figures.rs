//! `/statistics/alerts`: how right alerts were, how fast they were answered, and what was put right, by whatever they are grouped by.

use std::collections::BTreeMap;

use actix_web::{get, web};
use jiff::civil::Date;
use mobile_api::problem::ProblemType;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::App;
use crate::auth::{Caller, Scope, can};
use crate::domain::calendar::date_of;
use crate::domain::figures::{Histogram, Outcomes};
use crate::domain::periods::{Cover, Stretch};
use crate::domain::premises::PremisesKind;
use crate::http::{Args, Chars, Listed, Problem, ProblemBody, days, listed, page};
use crate::store::alert_figures::{self, Asked, By, FigureRow};
use crate::store::{COUNT_LIMIT, Conn, Page, StoreError};

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list);
}

/// What figures are added up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Grouping {
    Kind,
    Rule,
    Camera,
    Premises,
    Office,
    District,
    Grid,
    PremisesKind,
    Decider,
    Day,
    Week,
    Month,
    Term,
}

impl Grouping {
    fn by(self) -> By {
        match self {
            Self::Kind => By::Kind,
            Self::Rule => By::Rule,
            Self::Camera => By::Camera,
            Self::Premises => By::Premises,
            Self::Office => By::Office,
            Self::District => By::District,
            Self::Grid => By::Grid,
            Self::PremisesKind => By::PremisesKind,
            Self::Decider => By::Decider,
            Self::Day | Self::Week => By::Day,
            Self::Month | Self::Term => By::Month,
        }
    }

    /// The stretches that follow each other, where groups are those.
    fn stretch(self) -> Option<Stretch> {
        match self {
            Self::Day => Some(Stretch::Day),
            Self::Week => Some(Stretch::Week),
            Self::Month => Some(Stretch::Month),
            Self::Term => Some(Stretch::Term),
            _ => None,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FigureArgs {
    /// Groups in time are named by their first day; a rule is a kind of alert and its threshold.
    #[param(example = "kind", inline)]
    by: Grouping,
    /// First day on which the alerts were raised, Asia/Shanghai; unless given, 30 days up to `to`.
    #[param(example = "2026-11-01", max_length = 10)]
    from: Option<String>,
    /// Last day; unless given, today.
    #[param(example = "2026-11-30", max_length = 10)]
    to: Option<String>,
    /// Anything below this node.
    organization_id: Option<Uuid>,
    premises_id: Option<Uuid>,
    /// At premises of this kind.
    #[param(inline)]
    premises_kind: Option<PremisesKind>,
    /// At premises of this grid; empty: of none.
    #[param(value_type = Option<String>, example = "一网格", max_length = 100)]
    grid: Option<Chars<100>>,
    camera_id: Option<Uuid>,
    /// Of this kind.
    #[param(value_type = Option<String>, example = "black", max_length = 40)]
    kind: Option<Chars<40>>,
    /// 0 for the camera itself; 1, 2, 3.
    #[param(example = 0, minimum = 0, maximum = 3)]
    class: Option<i64>,
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    cursor: Option<String>,
}

/// A share of a count; `value` is null where there is nothing to be a share of.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct Share {
    /// 0 to 1, four places.
    #[schema(example = 0.9375)]
    pub(crate) value: Option<f64>,
    pub(crate) part: i64,
    pub(crate) whole: i64,
}

impl Share {
    pub(crate) fn of(part: i64, whole: i64) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "counts, or milliseconds of months")]
        let value = (whole > 0).then(|| (part as f64 / whole as f64 * 10_000.0).round() / 10_000.0);
        Self { value, part, whole }
    }
}

/// How long alerts waited for a person's first act, s; good to the width of the histogram's buckets.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct Waiting {
    /// Alerts that a person acted on.
    pub(crate) count: i64,
    pub(crate) median_s: Option<i64>,
    pub(crate) p90_s: Option<i64>,
}

impl From<&Histogram> for Waiting {
    fn from(times: &Histogram) -> Self {
        let seconds = |share| times.quantile(share).map(|ms| ms / 1_000);
        Self { count: times.count(), median_s: seconds(0.5), p90_s: seconds(0.9) }
    }
}

/// Figures of a group of alerts.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AlertOutcomes {
    /// Of the camera, premises, office or person; the code of a kind, with the threshold of a rule; the first day of a stretch of
    /// time.
    #[schema(example = "black")]
    pub(crate) id: String,
    /// Of a kind or a rule.
    #[schema(example = "black")]
    pub(crate) kind: Option<String>,
    /// Empty for kinds and for time.
    pub(crate) name: String,
    /// The premises of a camera, the office of a premises.
    pub(crate) place: Option<String>,
    /// Of a rule.
    pub(crate) threshold: Option<f64>,
    pub(crate) raised: i64,
    /// Nobody has decided yet.
    pub(crate) undecided: i64,
    /// Over by themselves before anybody acted.
    pub(crate) cleared: i64,
    pub(crate) confirmed: i64,
    pub(crate) false_alarms: i64,
    /// Duplicates, what is permitted, tests and other reasons.
    pub(crate) other_dismissals: i64,
    /// 准确率: confirmed / (confirmed + dismissed as false alarm).
    pub(crate) precision: Share,
    /// 响应: from being raised to a person's first act.
    pub(crate) response: Waiting,
    /// The same within the office hours of working days.
    pub(crate) response_working: Waiting,
    /// 整改率: answered and not sent back / dispatched.
    pub(crate) rectified: Share,
    /// 按期整改率: the same within the deadline / dispatched.
    pub(crate) on_time: Share,
    /// 复发率: the same kind at the same premises within 30 days of closing / closed.
    pub(crate) recurrence: Share,
}

fn view(row: FigureRow, by: Grouping) -> AlertOutcomes {
    let FigureRow { id, name, place, threshold, outcomes } = row;
    AlertOutcomes {
        precision: Share::of(outcomes.confirmed, outcomes.confirmed + outcomes.false_alarms),
        response: Waiting::from(&outcomes.waited),
        response_working: Waiting::from(&outcomes.working),
        rectified: Share::of(outcomes.rectified, outcomes.dispatched),
        on_time: Share::of(outcomes.on_time, outcomes.dispatched),
        recurrence: Share::of(outcomes.recurred, outcomes.closed),
        threshold: (by == Grouping::Rule).then_some(threshold),
        place: Some(place).filter(|place| !place.is_empty()),
        kind: matches!(by, Grouping::Kind | Grouping::Rule).then(|| id.clone()),
        id: if by == Grouping::Rule { format!("{id} {threshold}") } else { id },
        name,
        raised: outcomes.raised,
        undecided: outcomes.undecided,
        cleared: outcomes.cleared,
        confirmed: outcomes.confirmed,
        false_alarms: outcomes.false_alarms,
        other_dismissals: outcomes.other_dismissals,
    }
}

/// A question, checked.
pub(crate) struct Question {
    by: Grouping,
    from: Date,
    to: Date,
    asked: Asked,
}

impl FigureArgs {
    pub(crate) fn question(&self, now_ms: i64) -> Result<Question, Problem> {
        let (from, to) = days(self.from.as_deref(), self.to.as_deref(), now_ms)?;
        if self.class.is_some_and(|class| !(0..=3).contains(&class)) {
            return Err(Problem::of(ProblemType::Malformed).because("class is 0 to 3"));
        }
        let asked = Asked {
            days: Cover::until_today(from, to, date_of(now_ms)),
            organization_id: self.organization_id.map(|id| id.to_string()),
            premises_id: self.premises_id.map(|id| id.to_string()),
            premises_kind: self.premises_kind.map(|kind| kind.as_str().to_owned()),
            grid: self.grid.clone().map(String::from),
            camera_id: self.camera_id.map(|id| id.to_string()),
            kind: self.kind.clone().map(String::from),
            class: self.class,
        };
        Ok(Question { by: self.by, from, to, asked })
    }
}

/// All groups: the largest first, stretches of time in order.
async fn groups(conn: &mut Conn<'_>, scope: &Scope, asked: &Asked, by: Grouping) -> Result<Vec<FigureRow>, Problem> {
    let rows = alert_figures::figures(conn, scope, asked, by.by()).await?;
    let Some(stretch) = by.stretch() else { return Ok(rows) };
    let mut sums: BTreeMap<Date, Outcomes> = BTreeMap::new();
    for FigureRow { id, outcomes, .. } in rows {
        let day = id.parse().map_err(StoreError::damaged)?;
        sums.entry(stretch.first_day(day)).or_default().join(&outcomes);
    }
    Ok(sums.into_iter().map(|(first, outcomes)| FigureRow { id: first.to_string(), outcomes, ..FigureRow::default() }).collect())
}

/// The figures of all groups.
pub(crate) async fn figures(conn: &mut Conn<'_>, scope: &Scope, question: &Question) -> Result<Vec<AlertOutcomes>, Problem> {
    let groups = groups(conn, scope, &question.asked, question.by).await?;
    Ok(groups.into_iter().map(|row| view(row, question.by)).collect())
}

/// A page of figures, with those of all alerts that were asked for.
#[derive(Debug, Serialize, ToSchema)]
struct AlertOutcomesPage {
    #[serde(flatten)]
    list: Listed<AlertOutcomes>,
    /// Of all together.
    all: AlertOutcomes,
    /// First day.
    #[schema(example = "2026-11-01")]
    from: String,
    /// Last day.
    #[schema(example = "2026-11-30")]
    to: String,
}

/// Figures of the alerts of the caller's part of the tree that were raised in a stretch of days.
#[utoipa::path(tag = "statistics", params(FigureArgs), responses((status = 200, body = AlertOutcomesPage), (status = 400, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/statistics/alerts")]
async fn list(
    app: web::Data<App>,
    caller: Caller<can::FiguresRead>,
    args: Args<FigureArgs>,
) -> Result<web::Json<AlertOutcomesPage>, Problem> {
    let page = page(args.limit, args.cursor.as_deref())?;
    let question = args.question(app.clock.wall_ms())?;
    let mut reader = app.db.read().await?;
    let (conn, scope) = (&mut reader.conn(), caller.scope());
    let groups = groups(conn, &scope, &question.asked, question.by).await?;
    let mut all = FigureRow::default();
    // What nobody has decided is in no group by person.
    if question.by == Grouping::Decider {
        self::groups(conn, &scope, &question.asked, Grouping::Kind).await?.iter().for_each(|row| all.outcomes.join(&row.outcomes));
    } else {
        groups.iter().for_each(|row| all.outcomes.join(&row.outcomes));
    }
    let (all, rows): (_, Vec<_>) = (view(all, question.by), groups.into_iter().map(|row| view(row, question.by)).collect());
    let counted = i64::try_from(rows.len()).unwrap_or(COUNT_LIMIT).min(COUNT_LIMIT);
    let (rows, next) = cut(rows, &page);
    Ok(web::Json(AlertOutcomesPage {
        list: listed(rows, next, counted),
        all,
        from: question.from.to_string(),
        to: question.to.to_string(),
    }))
}

/// The rows of a page, which begins after the group that its cursor names.
fn cut(mut rows: Vec<AlertOutcomes>, page: &Page) -> (Vec<AlertOutcomes>, Option<String>) {
    if let Some((_, id)) = page.after() {
        let before = rows.iter().position(|row| row.id == id);
        rows.drain(..before.map_or(0, |at| at + 1));
    }
    let next = page.cut(&mut rows, |row| (String::new(), row.id.clone()));
    (rows, next)
}
