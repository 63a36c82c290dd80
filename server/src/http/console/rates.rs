//! `/statistics/rates`: the seven figures of a district by place and over time, and the rows behind those of premises and cameras.

use actix_web::{get, web};
use jiff::civil::Date;
use mobile_api::Moment;
use mobile_api::problem::ProblemType;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::alert_figures::Share;
use crate::App;
use crate::auth::{Caller, Scope, can};
use crate::domain::periods::Stretch;
use crate::domain::premises::PremisesKind;
use crate::domain::rates::{Rate, Rates};
use crate::http::{Args, Chars, Listed, Problem, ProblemBody, days, listed, page};
use crate::rates::{self as gathering, CameraShares, CoveredPlace, GatherError, Gathered, Question};
use crate::store::rates::Asked;
use crate::store::{COUNT_LIMIT, Conn, Page};

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(covered_premises).service(camera_rates);
}

impl From<GatherError> for Problem {
    fn from(error: GatherError) -> Self {
        match error {
            GatherError::TooWide => Self::of(ProblemType::Malformed).because(error.to_string()),
            GatherError::Store(error) => error.into(),
        }
    }
}

/// What the figures are added up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RatesBy {
    All,
    District,
    Office,
    Grid,
    PremisesKind,
    Premises,
}

/// Stretches of time that follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RatesOver {
    Day,
    Week,
    Month,
    Term,
}

impl RatesOver {
    fn stretch(self) -> Stretch {
        match self {
            Self::Day => Stretch::Day,
            Self::Week => Stretch::Week,
            Self::Month => Stretch::Month,
            Self::Term => Stretch::Term,
        }
    }
}

/// Where and when.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RatesArgs {
    #[param(example = "office", inline)]
    by: RatesBy,
    /// Each stretch of time by itself, named by its first day; else all days together. A term (学期) is September to January or
    /// February to August.
    #[param(inline)]
    over: Option<RatesOver>,
    /// First day, Asia/Shanghai; unless given, 30 days up to `to`.
    #[param(example = "2026-11-01", max_length = 10)]
    from: Option<String>,
    /// Last day; unless given, today.
    #[param(example = "2026-11-30", max_length = 10)]
    to: Option<String>,
    /// Anything below this node.
    organization_id: Option<Uuid>,
    premises_id: Option<Uuid>,
    /// Premises of this kind.
    #[param(inline)]
    premises_kind: Option<PremisesKind>,
    /// Premises of this grid; empty: of none.
    #[param(value_type = Option<String>, example = "一网格", max_length = 100)]
    grid: Option<Chars<100>>,
    /// Alerts of this kind.
    #[param(value_type = Option<String>, example = "black", max_length = 40)]
    kind: Option<Chars<40>>,
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    cursor: Option<String>,
}

impl RatesArgs {
    pub(crate) fn question(&self, now_ms: i64) -> Result<Question, Problem> {
        let (from, to) = days(self.from.as_deref(), self.to.as_deref(), now_ms)?;
        Ok(Question {
            from,
            to,
            over: self.over.map(RatesOver::stretch),
            asked: Asked {
                organization_id: self.organization_id.map(|id| id.to_string()),
                premises_id: self.premises_id.map(|id| id.to_string()),
                premises_kind: self.premises_kind.map(|kind| kind.as_str().to_owned()),
                grid: self.grid.clone().map(String::from),
            },
            kind: self.kind.clone().map(String::from),
        })
    }
}

/// The seven, each with the part and the whole that it is a share of.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct SevenRates {
    /// 覆盖率: premises with a working bright kitchen / premises that must have one. It works when one of its cameras delivered a picture
    /// in the stretch.
    pub(crate) coverage: Share,
    /// 接入率: cameras that delivered a picture at least once / cameras registered.
    pub(crate) connection: Share,
    /// 在线率: s with pictures / s of service hours, planned switching-off and our own restarts left out.
    pub(crate) online: Share,
    /// 录像完整率: s recorded / s that should be.
    pub(crate) completeness: Share,
    /// 巡查率: cameras looked at / planned, each once a day.
    pub(crate) patrol: Share,
    /// 整改率: alerts answered and not sent back / dispatched.
    pub(crate) rectified: Share,
    /// AI 准确率: alerts confirmed / (confirmed + dismissed as false alarm).
    pub(crate) precision: Share,
}

pub(super) fn share(rates: &Rates, rate: Rate) -> Share {
    let (part, whole) = rates.get(rate);
    match rate {
        Rate::Online | Rate::Completeness => Share { part: part / 1_000, whole: whole / 1_000, ..Share::of(part, whole) },
        _ => Share::of(part, whole),
    }
}

impl From<&Rates> for SevenRates {
    fn from(rates: &Rates) -> Self {
        Self {
            coverage: share(rates, Rate::Coverage),
            connection: share(rates, Rate::Connection),
            online: share(rates, Rate::Online),
            completeness: share(rates, Rate::Completeness),
            patrol: share(rates, Rate::Patrol),
            rectified: share(rates, Rate::Rectified),
            precision: share(rates, Rate::Precision),
        }
    }
}

/// The figures of a place, in all days or in one stretch of them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RatesRow {
    /// Of the authority or the premises, the name of a grid, the code of a kind; empty for all together and for premises of no grid.
    pub(crate) id: String,
    /// Empty for kinds of premises and for all together.
    pub(crate) name: String,
    /// First day of the stretch.
    #[schema(example = "2026-11-01")]
    pub(crate) first_on: Option<String>,
    #[serde(flatten)]
    pub(crate) rates: SevenRates,
}

/// Rows in order: by name, and by time.
pub(crate) fn grouped(gathered: &Gathered, by: RatesBy) -> Vec<RatesRow> {
    let mut groups: BTreeMap<(String, String, Option<Date>), (String, Rates)> = BTreeMap::new();
    for (part, rates) in &gathered.parts {
        let Some(place) = gathered.places.get(&part.premises_id) else { continue };
        let node = |node: Option<&crate::store::statistics::NodeRow>| {
            node.map_or_else(Default::default, |node| (node.name_key.clone(), node.id.clone(), node.name.clone()))
        };
        let (key, id, name) = match by {
            RatesBy::All => Default::default(),
            RatesBy::District => node(gathered.district(&part.office_id)),
            RatesBy::Office => node(gathered.node(&part.office_id)),
            RatesBy::Grid => {
                let grid = place.grid.clone().unwrap_or_default();
                (grid.clone(), grid.clone(), grid)
            }
            RatesBy::PremisesKind => (String::new(), place.kind.clone(), String::new()),
            RatesBy::Premises => (place.name_key.clone(), place.id.clone(), place.name.clone()),
        };
        groups.entry((key, id, part.first)).or_insert_with(|| (name, Rates::default())).1.join(rates);
    }
    let row = |((_, id, first), (name, rates)): ((String, String, Option<Date>), (String, Rates))| RatesRow {
        id,
        name,
        first_on: first.map(|first| first.to_string()),
        rates: SevenRates::from(&rates),
    };
    groups.into_iter().map(row).collect()
}

/// All figures of a question.
pub(crate) async fn figures(
    conn: &mut Conn<'_>,
    scope: &Scope,
    args: &RatesArgs,
    now_ms: i64,
) -> Result<(Vec<RatesRow>, Rates, Question), Problem> {
    let question = args.question(now_ms)?;
    let gathered = gathering::gather(conn, scope, &question, now_ms).await?;
    let rows = grouped(&gathered, args.by);
    let mut all = Rates::default();
    gathered.parts.values().for_each(|rates| all.join(rates));
    Ok((rows, all, question))
}

/// A page of figures, with those of all that was asked for.
#[derive(Debug, Serialize, ToSchema)]
struct RatesPage {
    #[serde(flatten)]
    list: Listed<RatesRow>,
    /// Of all together; of a stretch of time each thing counts once in it, so these are `null` where stretches were asked for.
    all: Option<SevenRates>,
    /// First day.
    #[schema(example = "2026-11-01")]
    from: String,
    /// Last day.
    #[schema(example = "2026-11-30")]
    to: String,
}

/// A page of what was counted: it begins after the row that its cursor names.
pub(super) fn cut<T>(mut rows: Vec<T>, page: &Page, key: impl Fn(&T) -> (String, String)) -> (Vec<T>, Option<String>, i64) {
    let counted = i64::try_from(rows.len()).unwrap_or(COUNT_LIMIT).min(COUNT_LIMIT);
    if let Some((first, id)) = page.after() {
        let before = rows.iter().position(|row| key(row) == (first.to_owned(), id.to_owned()));
        rows.drain(..before.map_or(0, |at| at + 1));
    }
    let next = page.cut(&mut rows, key);
    (rows, next, counted)
}

/// The seven figures of the caller's part of the tree, in days that the caller says.
#[utoipa::path(tag = "statistics", params(RatesArgs), responses((status = 200, body = RatesPage), (status = 400, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/statistics/rates")]
async fn list(app: web::Data<App>, caller: Caller<can::FiguresRead>, args: Args<RatesArgs>) -> Result<web::Json<RatesPage>, Problem> {
    let page = page(args.limit, args.cursor.as_deref())?;
    let mut reader = app.db.read().await?;
    let (rows, all, question) = figures(&mut reader.conn(), &caller.scope(), &args, app.clock.wall_ms()).await?;
    let (rows, next, counted) = cut(rows, &page, |row| (row.first_on.clone().unwrap_or_default(), row.id.clone()));
    Ok(web::Json(RatesPage {
        list: listed(rows, next, counted),
        all: question.over.is_none().then(|| SevenRates::from(&all)),
        from: question.from.to_string(),
        to: question.to.to_string(),
    }))
}

/// What is asked of the rows behind figures.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct CoveredArgs {
    /// Only those with a working bright kitchen, or only those without.
    covered: Option<bool>,
    /// First day, Asia/Shanghai; unless given, 30 days up to `to`.
    #[param(example = "2026-11-01", max_length = 10)]
    from: Option<String>,
    /// Last day; unless given, today.
    #[param(example = "2026-11-30", max_length = 10)]
    to: Option<String>,
    /// Anything below this node.
    organization_id: Option<Uuid>,
    premises_id: Option<Uuid>,
    /// Premises of this kind.
    #[param(inline)]
    premises_kind: Option<PremisesKind>,
    /// Premises of this grid; empty: of none.
    #[param(value_type = Option<String>, example = "一网格", max_length = 100)]
    grid: Option<Chars<100>>,
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    cursor: Option<String>,
}

/// A figure of cameras.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum CameraRate {
    Connection,
    Online,
    Completeness,
    Patrol,
}

#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ShortArgs {
    /// Only cameras that are not whole in this figure.
    #[param(inline)]
    short_of: Option<CameraRate>,
    /// First day, Asia/Shanghai; unless given, 30 days up to `to`.
    #[param(example = "2026-11-01", max_length = 10)]
    from: Option<String>,
    /// Last day; unless given, today.
    #[param(example = "2026-11-30", max_length = 10)]
    to: Option<String>,
    /// Anything below this node.
    organization_id: Option<Uuid>,
    premises_id: Option<Uuid>,
    /// Premises of this kind.
    #[param(inline)]
    premises_kind: Option<PremisesKind>,
    /// Premises of this grid; empty: of none.
    #[param(value_type = Option<String>, example = "一网格", max_length = 100)]
    grid: Option<Chars<100>>,
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    cursor: Option<String>,
}

/// The same of both: where and when.
fn all_of(
    (from, to): (Option<&String>, Option<&String>),
    (organization_id, premises_id): (Option<Uuid>, Option<Uuid>),
    premises_kind: Option<PremisesKind>,
    grid: Option<Chars<100>>,
) -> RatesArgs {
    let (from, to) = (from.cloned(), to.cloned());
    RatesArgs {
        by: RatesBy::Premises,
        over: None,
        from,
        to,
        organization_id,
        premises_id,
        premises_kind,
        grid,
        kind: None,
        limit: None,
        cursor: None,
    }
}

/// A premises that must have a bright kitchen.
#[derive(Debug, Serialize, ToSchema)]
struct CoveredPremises {
    id: String,
    name: String,
    /// As on the premises itself.
    #[schema(example = "school_canteen")]
    kind: String,
    grid: Option<String>,
    organization_name: String,
    /// One of its cameras delivered a picture in these days.
    covered: bool,
    /// Cameras registered there.
    cameras: i64,
    /// Of those, those that delivered a picture in these days.
    connected: i64,
}

impl From<CoveredPlace> for CoveredPremises {
    fn from(row: CoveredPlace) -> Self {
        let CoveredPlace { place, cameras, connected, covered } = row;
        Self {
            id: place.id,
            name: place.name,
            kind: place.kind,
            grid: place.grid,
            organization_name: place.office_name,
            covered,
            cameras,
            connected,
        }
    }
}

/// The premises behind 覆盖率, by name.
#[utoipa::path(tag = "statistics", params(CoveredArgs), responses((status = 200, body = Listed<CoveredPremises>), (status = 400, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/statistics/rates/premises")]
async fn covered_premises(
    app: web::Data<App>,
    caller: Caller<can::FiguresRead>,
    args: Args<CoveredArgs>,
) -> Result<web::Json<Listed<CoveredPremises>>, Problem> {
    let page = page(args.limit, args.cursor.as_deref())?;
    let now_ms = app.clock.wall_ms();
    let within = (args.from.as_ref(), args.to.as_ref());
    let question = all_of(within, (args.organization_id, args.premises_id), args.premises_kind, args.grid.clone()).question(now_ms)?;
    let mut reader = app.db.read().await?;
    let rows = gathering::premises(&mut reader.conn(), &caller.scope(), &question, args.covered, now_ms).await?;
    let (rows, next, counted) = cut(rows, &page, |row| (String::new(), row.place.id.clone()));
    Ok(web::Json(listed(rows.into_iter().map(CoveredPremises::from).collect(), next, counted)))
}

/// A camera, with what it gave in these days: its shares add up to the figures.
#[derive(Debug, Serialize, ToSchema)]
struct CameraRates {
    id: String,
    name: String,
    premises_id: String,
    premises_name: String,
    organization_name: String,
    /// It shall record.
    enabled: bool,
    /// As on the camera itself, now.
    #[schema(example = "offline")]
    state: String,
    last_picture_at: Option<Moment>,
    /// 1 of 1 where it delivered a picture in these days.
    connection: Share,
    /// s
    online: Share,
    /// s
    completeness: Share,
    /// Days on which it was looked at in a patrol / days on which it was planned.
    patrol: Share,
}

impl From<CameraShares> for CameraRates {
    fn from(row: CameraShares) -> Self {
        let CameraShares { camera, place, rates } = row;
        Self {
            connection: share(&rates, Rate::Connection),
            online: share(&rates, Rate::Online),
            completeness: share(&rates, Rate::Completeness),
            patrol: share(&rates, Rate::Patrol),
            id: camera.id,
            name: camera.name,
            premises_id: place.id,
            premises_name: place.name,
            organization_name: place.office_name,
            enabled: camera.enabled,
            state: camera.state,
            last_picture_at: camera.last_picture_at.map(Moment),
        }
    }
}

/// The cameras behind 接入率, 在线率, 录像完整率 and 巡查率, by name.
#[utoipa::path(tag = "statistics", params(ShortArgs), responses((status = 200, body = Listed<CameraRates>), (status = 400, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/statistics/rates/cameras")]
async fn camera_rates(
    app: web::Data<App>,
    caller: Caller<can::FiguresRead>,
    args: Args<ShortArgs>,
) -> Result<web::Json<Listed<CameraRates>>, Problem> {
    let page = page(args.limit, args.cursor.as_deref())?;
    let now_ms = app.clock.wall_ms();
    let within = (args.from.as_ref(), args.to.as_ref());
    let question = all_of(within, (args.organization_id, args.premises_id), args.premises_kind, args.grid.clone()).question(now_ms)?;
    let short_of = args.short_of.map(|rate| match rate {
        CameraRate::Connection => Rate::Connection,
        CameraRate::Online => Rate::Online,
        CameraRate::Completeness => Rate::Completeness,
        CameraRate::Patrol => Rate::Patrol,
    });
    let mut reader = app.db.read().await?;
    let rows = gathering::cameras(&mut reader.conn(), &caller.scope(), &question, short_of, now_ms).await?;
    let (rows, next, counted) = cut(rows, &page, |row| (String::new(), row.camera.id.clone()));
    Ok(web::Json(listed(rows.into_iter().map(CameraRates::from).collect(), next, counted)))
}
