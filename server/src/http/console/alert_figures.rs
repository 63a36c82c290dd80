//! `/statistics/alerts`: how right alerts were, how fast they were answered, and what was put right, by whatever they are grouped by.

use std::collections::HashMap;

use actix_web::{get, web};
use jiff::ToSpan as _;
use jiff::civil::{Date, Weekday};
use mobile_api::problem::ProblemType;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::App;
use crate::auth::{Caller, Scope, can};
use crate::domain::calendar;
use crate::domain::figures::Histogram;
use crate::http::{Args, Chars, Listed, Problem, ProblemBody, days, listed, page};
use crate::store::alert_figures::{self, Asked, By, FigureRow, TimesRow};
use crate::store::{COUNT_LIMIT, Conn, Page};

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
    Decider,
    Day,
    Week,
    Month,
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
            Self::Decider => By::Decider,
            Self::Day | Self::Week | Self::Month => By::Day,
        }
    }

    /// Whether groups follow each other in time.
    fn in_time(self) -> bool {
        self.by() == By::Day
    }

    /// The first day of the group that a day lies in.
    fn first_day(self, day: Date) -> Date {
        match self {
            Self::Week => day.saturating_sub(i64::from(day.weekday().since(Weekday::Monday)).days()),
            Self::Month => day.first_of_month(),
            _ => day,
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
    fn of(part: i64, whole: i64) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "counts of alerts")]
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

/// A group while it is added up.
#[derive(Debug, Default)]
struct Sum {
    row: FigureRow,
    all: Histogram,
    working: Histogram,
}

impl Sum {
    fn add(&mut self, row: &FigureRow) {
        let sum = &mut self.row;
        sum.raised += row.raised;
        sum.undecided += row.undecided;
        sum.cleared += row.cleared;
        sum.confirmed += row.confirmed;
        sum.false_alarms += row.false_alarms;
        sum.other_dismissals += row.other_dismissals;
        sum.dispatched += row.dispatched;
        sum.rectified += row.rectified;
        sum.on_time += row.on_time;
        sum.closed += row.closed;
        sum.recurred += row.recurred;
    }

    fn join(&mut self, other: &Self) {
        self.add(&other.row);
        self.all.join(&other.all);
        self.working.join(&other.working);
    }

    fn figures(self, by: Grouping) -> AlertOutcomes {
        let Self { row, all, working } = self;
        AlertOutcomes {
            precision: Share::of(row.confirmed, row.confirmed + row.false_alarms),
            response: Waiting::from(&all),
            response_working: Waiting::from(&working),
            rectified: Share::of(row.rectified, row.dispatched),
            on_time: Share::of(row.on_time, row.dispatched),
            recurrence: Share::of(row.recurred, row.closed),
            threshold: (by == Grouping::Rule).then_some(row.threshold),
            place: Some(row.place).filter(|place| !place.is_empty()),
            kind: matches!(by, Grouping::Kind | Grouping::Rule).then(|| row.id.clone()),
            id: if by == Grouping::Rule { format!("{} {}", row.id, row.threshold) } else { row.id },
            name: row.name,
            raised: row.raised,
            undecided: row.undecided,
            cleared: row.cleared,
            confirmed: row.confirmed,
            false_alarms: row.false_alarms,
            other_dismissals: row.other_dismissals,
        }
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
            from_ms: calendar::start_of(from),
            to_ms: calendar::end_of(to),
            organization_id: self.organization_id.map(|id| id.to_string()),
            premises_id: self.premises_id.map(|id| id.to_string()),
            camera_id: self.camera_id.map(|id| id.to_string()),
            kind: self.kind.clone().map(String::from),
            class: self.class,
        };
        Ok(Question { by: self.by, from, to, asked })
    }
}

/// A group's name in the answer: its id, and the threshold of a rule.
type Key = (String, u64);

/// The day that the store counts as a number.
fn day_of(number: &str) -> Date {
    let epoch = jiff::civil::date(1970, 1, 1);
    number.parse::<i64>().map_or(epoch, |days| epoch.saturating_add(days.days()))
}

/// All groups: the largest first, stretches of time in order.
async fn groups(conn: &mut Conn<'_>, scope: &Scope, asked: &Asked, by: Grouping) -> Result<Vec<Sum>, Problem> {
    let key = |id: &str, threshold: f64| -> Key {
        let id = if by.in_time() { by.first_day(day_of(id)).to_string() } else { id.to_owned() };
        (id, threshold.to_bits())
    };
    let mut order: Vec<Key> = Vec::new();
    let mut sums: HashMap<Key, Sum> = HashMap::new();
    for row in alert_figures::sums(conn, scope, asked, by.by()).await? {
        let key = key(&row.id, row.threshold);
        let sum = sums.entry(key.clone()).or_insert_with(|| {
            order.push(key.clone());
            let FigureRow { name, place, threshold, .. } = row.clone();
            Sum { row: FigureRow { id: key.0.clone(), name, place, threshold, ..FigureRow::default() }, ..Sum::default() }
        });
        sum.add(&row);
    }
    for working in [false, true] {
        for TimesRow { id, threshold, bucket, alerts } in alert_figures::times(conn, scope, asked, by.by(), working).await? {
            let Some(sum) = sums.get_mut(&key(&id, threshold)) else { continue };
            let times = if working { &mut sum.working } else { &mut sum.all };
            times.add(usize::try_from(bucket).unwrap_or_default(), alerts);
        }
    }
    if by.in_time() {
        order.sort();
    }
    Ok(order.iter().filter_map(|key| sums.remove(key)).collect())
}

/// The figures of all groups.
pub(crate) async fn figures(conn: &mut Conn<'_>, scope: &Scope, question: &Question) -> Result<Vec<AlertOutcomes>, Problem> {
    let groups = groups(conn, scope, &question.asked, question.by).await?;
    Ok(groups.into_iter().map(|sum| sum.figures(question.by)).collect())
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
    let mut all = Sum::default();
    // What nobody has decided is in no group by person.
    if question.by == Grouping::Decider {
        self::groups(conn, &scope, &question.asked, Grouping::Kind).await?.iter().for_each(|sum| all.join(sum));
    } else {
        groups.iter().for_each(|sum| all.join(sum));
    }
    let (all, rows): (_, Vec<_>) = (all.figures(question.by), groups.into_iter().map(|sum| sum.figures(question.by)).collect());
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
