//! `/settings/risk`: the formula by which premises are scored, and what another would change.

use actix_web::{get, post, put, web};
use mobile_api::field::Faults;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::App;
use crate::auth::{Caller, Scope, can};
use crate::domain::risk::{Formula, RiskBand, SETTING, day_of, points};
use crate::http::console::settings::{At, change};
use crate::http::{Args, Body, Problem, ProblemBody, checked};
use crate::risk::{in_force, known, score_all};
use crate::store::StoreError;

/// Premises that a preview names.
const MOVERS: usize = 20;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(read).service(write).service(preview);
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct FormulaArgs {
    /// The one that came with the program, whatever the bureau made of it.
    shipped: Option<bool>,
}

/// The formula in force: the file that can be downloaded, edited and sent back.
#[utoipa::path(tag = "risk", params(FormulaArgs), responses((status = 200, body = Formula), (status = 400, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/settings/risk")]
async fn read(app: web::Data<App>, _caller: Caller<can::AssignmentsRead>, args: Args<FormulaArgs>) -> Result<web::Json<Formula>, Problem> {
    if args.shipped == Some(true) {
        return Ok(web::Json(Formula::shipped().clone()));
    }
    Ok(web::Json(in_force(&mut app.db.read().await?.conn()).await?.0))
}

fn check(formula: &Formula) -> Result<(), Problem> {
    let mut faults = Faults::new();
    formula.check(&mut faults);
    checked(faults)
}

/// Sets the formula, for the whole system; every premises is scored anew at once. Days that are over keep what they were.
#[utoipa::path(tag = "risk", request_body = Formula,
    responses((status = 200, body = Formula), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[put("/settings/risk")]
async fn write(app: web::Data<App>, caller: Caller<can::SettingsManage>, body: Body<Formula>) -> Result<web::Json<Formula>, Problem> {
    let formula = body.into_inner();
    check(&formula)?;
    let value = serde_json::to_string(&formula).map_err(StoreError::damaged)?;
    change(&app, &caller, At::System, SETTING, Some(value)).await?;
    if let Err(error) = score_all(&app).await {
        // The formula is kept; the program scores by it within a minute.
        tracing::warn!(%error, "premises will be scored again");
    }
    Ok(web::Json(formula))
}

/// How many premises are in a band by the formula in force, and by the other.
#[derive(Debug, Serialize, ToSchema)]
struct BandChange {
    band: RiskBand,
    before: i64,
    after: i64,
}

/// A premises whose score would change.
#[derive(Debug, Serialize, ToSchema)]
struct RiskMover {
    premises_id: String,
    premises_name: String,
    #[schema(example = 18.5)]
    score_before: f64,
    band_before: RiskBand,
    #[schema(example = 46.0)]
    score_after: f64,
    band_after: RiskBand,
}

/// What another formula would change today.
#[derive(Debug, Serialize, ToSchema)]
struct RiskPreview {
    /// Premises that were looked at.
    premises: i64,
    /// Of them, those that would be in a higher band.
    up: i64,
    /// Those that would be in a lower one.
    down: i64,
    /// Proposed for a visit by the formula in force.
    rising_before: i64,
    /// Proposed for a visit by the other.
    rising_after: i64,
    /// Every band, the lowest first.
    bands: Vec<BandChange>,
    /// Those whose score would change most, at most 20.
    movers: Vec<RiskMover>,
}

/// Both formulas laid over the same facts, page by page.
#[derive(Debug, Default)]
struct Comparison {
    premises: i64,
    up: i64,
    down: i64,
    rising: (i64, i64),
    bands: Vec<(RiskBand, RiskBand)>,
    movers: Vec<(i64, RiskMover)>,
}

/// What a formula would change at the caller's premises, before it is kept: nothing is.
#[utoipa::path(tag = "risk", request_body = Formula,
    responses((status = 200, body = RiskPreview), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/settings/risk/preview")]
async fn preview(app: web::Data<App>, caller: Caller<can::SettingsManage>, body: Body<Formula>) -> Result<web::Json<RiskPreview>, Problem> {
    let formula = body.into_inner();
    check(&formula)?;
    let compared = compare(&app, &caller.scope(), &formula).await?;
    let count = |band: RiskBand, of: fn(&(RiskBand, RiskBand)) -> RiskBand| {
        i64::try_from(compared.bands.iter().filter(|both| of(both) == band).count()).unwrap_or(i64::MAX)
    };
    let bands = RiskBand::ALL.iter().map(|band| BandChange {
        band: *band,
        before: count(*band, |both| both.0),
        after: count(*band, |both| both.1),
    });
    Ok(web::Json(RiskPreview {
        premises: compared.premises,
        up: compared.up,
        down: compared.down,
        rising_before: compared.rising.0,
        rising_after: compared.rising.1,
        bands: bands.collect(),
        movers: compared.movers.into_iter().map(|(_, mover)| mover).collect(),
    }))
}

async fn compare(app: &App, scope: &Scope, formula: &Formula) -> Result<Comparison, StoreError> {
    let now_ms = app.clock.wall_ms();
    let today = day_of(now_ms);
    let (current, _) = in_force(&mut app.db.read().await?.conn()).await?;
    let order = |band: RiskBand| RiskBand::ALL.iter().position(|one| *one == band);
    let mut sum = Comparison::default();
    let mut after = String::new();
    loop {
        let page = known(&mut app.db.read().await?.conn(), scope, &after, &[&current, formula], now_ms).await?;
        let Some((last, _)) = page.last() else { break };
        after.clone_from(&last.id);
        for (place, facts) in &page {
            let (old, new) = (current.stand(facts, today), formula.stand(facts, today));
            sum.premises += 1;
            sum.up += i64::from(order(new.score.band) > order(old.score.band));
            sum.down += i64::from(order(new.score.band) < order(old.score.band));
            sum.rising.0 += i64::from(old.rising);
            sum.rising.1 += i64::from(new.rising);
            sum.bands.push((old.score.band, new.score.band));
            let by = (new.score.tenths - old.score.tenths).abs();
            if by > 0 {
                let mover = RiskMover {
                    premises_id: place.id.clone(),
                    premises_name: place.name.clone(),
                    score_before: points(old.score.tenths),
                    band_before: old.score.band,
                    score_after: points(new.score.tenths),
                    band_after: new.score.band,
                };
                sum.movers.push((by, mover));
            }
        }
        sum.movers.sort_by(|one, other| other.0.cmp(&one.0).then_with(|| one.1.premises_id.cmp(&other.1.premises_id)));
        sum.movers.truncate(MOVERS);
    }
    Ok(sum)
}
