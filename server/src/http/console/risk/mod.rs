//! `/risk`: how much there is against each premises, term by term, and which of them rise.
//!
//! For the bureau's own people: whoever reads assignments. A canteen, a school and parents never see a score.

mod formula;

use actix_web::{get, web};
use jiff::ToSpan as _;
use mobile_api::Moment;
use mobile_api::template::Bilingual;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::App;
use crate::auth::{Caller, can};
use crate::domain::calendar::date_of;
use crate::domain::permission::Permission;
use crate::domain::premises::PremisesKind;
use crate::domain::risk::{Bands, RiskBand, ShownTerm, points};
use crate::http::{Args, Id, Listed, Problem, ProblemBody, listed, page};
use crate::store::risk::{self, ScoreFilter, ScoreRow};
use crate::store::{StoreError, premises};

/// Terms of a score that lists name.
const LEADING_TERMS: usize = 3;
/// Days of a premises' trend.
const TREND_DAYS: i64 = 90;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(read);
    formula::configure(config);
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RiskArgs {
    /// Only this band.
    #[param(inline)]
    band: Option<RiskBand>,
    /// Anything below this node.
    organization_id: Option<Uuid>,
    /// Only this kind of premises.
    #[param(inline)]
    kind: Option<PremisesKind>,
    /// Only those that are proposed for a visit, or only the others.
    rising: Option<bool>,
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    cursor: Option<String>,
}

impl RiskArgs {
    pub(crate) fn filter(&self) -> ScoreFilter {
        ScoreFilter {
            band: self.band.map(|band| band.as_str().to_owned()),
            kind: self.kind.map(|kind| kind.as_str().to_owned()),
            organization_id: self.organization_id.map(|id| id.to_string()),
            rising: self.rising,
        }
    }
}

/// A term that gives most of a score.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LeadingTerm {
    pub(crate) code: String,
    pub(crate) name: Bilingual,
    #[schema(example = 15.0)]
    pub(crate) points: f64,
}

/// A premises' score.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RiskScore {
    /// Of the premises.
    pub(crate) id: String,
    pub(crate) name: String,
    #[schema(example = "school_canteen")]
    pub(crate) kind: String,
    pub(crate) organization_id: String,
    pub(crate) organization_name: String,
    /// The official grade, A to D: the score stands beside it.
    pub(crate) risk_grade: Option<String>,
    /// The day it is of, Asia/Shanghai.
    #[schema(format = Date)]
    pub(crate) day: String,
    /// Points, to one place.
    #[schema(example = 42.5)]
    pub(crate) score: f64,
    pub(crate) band: RiskBand,
    /// Points by which it is above what the same formula gives for the day 30 days before; negative where it fell.
    #[schema(example = 12.0)]
    pub(crate) rise: f64,
    /// In the top band, and 30 days before it was not.
    pub(crate) entered_top: bool,
    /// Proposed for a visit: risen by what the formula asks for, or entered the top band.
    pub(crate) rising: bool,
    /// Those with most points, at most three.
    pub(crate) leading: Vec<LeadingTerm>,
    /// An assignment that is open there.
    pub(crate) open_assignment_id: Option<String>,
    pub(crate) last_inspection_at: Option<Moment>,
    /// Version of the formula; 0: the one that ships.
    pub(crate) formula_version: i64,
    pub(crate) computed_at: Moment,
}

fn band_of(stored: &str) -> Result<RiskBand, StoreError> {
    stored.parse().map_err(|()| StoreError::damaged(format!("a score in band {stored}")))
}

fn terms_of(row: &ScoreRow) -> Result<Vec<ShownTerm>, StoreError> {
    serde_json::from_str(&row.terms).map_err(StoreError::damaged)
}

impl TryFrom<ScoreRow> for RiskScore {
    type Error = StoreError;

    fn try_from(row: ScoreRow) -> Result<Self, StoreError> {
        let mut terms = terms_of(&row)?;
        terms.retain(|term| term.points > 0.0);
        terms.sort_by(|one, other| other.points.total_cmp(&one.points));
        terms.truncate(LEADING_TERMS);
        Ok(Self {
            band: band_of(&row.band)?,
            score: points(row.score),
            rise: points(row.score - row.score_before),
            leading: terms.into_iter().map(|term| LeadingTerm { code: term.code, name: term.name, points: term.points }).collect(),
            id: row.premises_id,
            name: row.premises_name,
            kind: row.kind,
            organization_id: row.organization_id,
            organization_name: row.organization_name,
            risk_grade: row.risk_grade,
            day: row.day,
            entered_top: row.entered_top,
            rising: row.rising,
            open_assignment_id: row.open_assignment_id,
            last_inspection_at: row.last_inspection_at.map(Moment),
            formula_version: row.formula_version,
            computed_at: Moment(row.computed_at),
        })
    }
}

/// How many premises are in a band.
#[derive(Debug, Serialize, ToSchema)]
struct RiskBandCount {
    band: RiskBand,
    premises: i64,
    /// Of them, those that are proposed for a visit.
    rising: i64,
}

/// A page of scores, and how they are spread.
#[derive(Debug, Serialize, ToSchema)]
struct RiskPage {
    #[serde(flatten)]
    list: Listed<RiskScore>,
    /// Every band, the lowest first, of all that was asked for without regard to the band and to what rises.
    bands: Vec<RiskBandCount>,
    /// From how many points on a score is in a band.
    thresholds: Bands,
    /// Points by which a score rises within 30 days for the premises to be proposed for a visit.
    #[schema(example = 15.0)]
    rise: f64,
}

/// The newest scores of the premises of the caller's part of the tree, the highest first.
#[utoipa::path(tag = "risk", params(RiskArgs), responses((status = 200, body = RiskPage), (status = 400, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/risk")]
async fn list(app: web::Data<App>, caller: Caller<can::AssignmentsRead>, args: Args<RiskArgs>) -> Result<web::Json<RiskPage>, Problem> {
    let page = page(args.limit, args.cursor.as_deref())?;
    let filter = args.filter();
    let mut reader = app.db.read().await?;
    let (conn, scope) = (&mut reader.conn(), caller.scope());
    let mut rows = risk::list(conn, &scope, &filter, &page).await?;
    let counted = risk::count(conn, &scope, &filter).await?;
    let spread = risk::bands(conn, &scope, &ScoreFilter { band: None, rising: None, ..filter }).await?;
    let (formula, _) = crate::risk::in_force(conn).await?;
    let next = page.cut(&mut rows, |row| (row.score.to_string(), row.premises_id.clone()));
    let items = rows.into_iter().map(RiskScore::try_from).collect::<Result<_, StoreError>>()?;
    let count = |band: RiskBand| {
        let found = spread.iter().find(|(code, _, _)| code == band.as_str());
        RiskBandCount { band, premises: found.map_or(0, |row| row.1), rising: found.map_or(0, |row| row.2) }
    };
    Ok(web::Json(RiskPage {
        list: listed(items, next, counted),
        bands: RiskBand::ALL.iter().map(|band| count(*band)).collect(),
        thresholds: formula.bands,
        rise: formula.rise,
    }))
}

/// A day of a trend.
#[derive(Debug, Serialize, ToSchema)]
struct RiskDay {
    #[schema(format = Date)]
    day: String,
    #[schema(example = 42.5)]
    score: f64,
    band: RiskBand,
}

/// A premises' newest score, term by term, and how it went.
#[derive(Debug, Serialize, ToSchema)]
struct PremisesRisk {
    premises_id: String,
    /// `null` until it is scored for the first time, within a minute of being added.
    score: Option<RiskScore>,
    /// Every term of the formula, also those that give nothing: their points add up to the score.
    terms: Vec<ShownTerm>,
    /// From how many points on a score is in a band.
    thresholds: Bands,
    /// The last 90 days, the oldest first; each by the formula of its day.
    trend: Vec<RiskDay>,
}

/// A premises' score, term by term: what was found, what counts of it, its weight and its points. The premises itself sees its own, and
/// nothing of what is planned there.
#[utoipa::path(tag = "risk", params(("id" = String, Path)), responses((status = 200, body = PremisesRisk), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/premises/{id}/risk")]
async fn read(app: web::Data<App>, caller: Caller<can::RiskSee>, id: Id) -> Result<web::Json<PremisesRisk>, Problem> {
    let mut reader = app.db.read().await?;
    let (conn, scope) = (&mut reader.conn(), caller.scope());
    let place = premises::get(conn, &scope, &id.to_string()).await?.ok_or_else(Problem::not_found)?;
    let row = risk::of_premises(conn, &scope, &place.id).await?;
    let since = date_of(app.clock.wall_ms()).saturating_sub(TREND_DAYS.days()).to_string();
    let mut trend = Vec::new();
    for (day, score, band) in risk::trend(conn, &place.id, &since).await? {
        trend.push(RiskDay { day, score: points(score), band: band_of(&band)? });
    }
    trend.reverse();
    let (formula, version) = crate::risk::in_force(conn).await?;
    let mut terms = row.as_ref().map(terms_of).transpose()?.unwrap_or_default();
    if row.as_ref().is_some_and(|row| row.formula_version == version) {
        terms = formula.completed(&terms);
    }
    let mut score = row.map(RiskScore::try_from).transpose()?;
    // A visit that is planned, or proposed, stays unannounced.
    if let Some(score) = score.as_mut().filter(|_| !caller.access.may_at(Permission::AssignmentsRead, &place.path)) {
        (score.open_assignment_id, score.rising, score.entered_top) = (None, false, false);
    }
    Ok(web::Json(PremisesRisk { premises_id: place.id, score, terms, thresholds: formula.bands, trend }))
}
