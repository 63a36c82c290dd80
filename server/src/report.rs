//! The monthly report (月报) as a file: of a month that is open, or of a revision of one that was closed. It is no paper of law: it has no
//! number, nothing is kept of it, and it is set anew each time from the same figures that the pages show.

use jiff::ToSpan as _;
use jiff::civil::Date;
use serde::Serialize;

use crate::App;
use crate::auth::Scope;
use crate::documents::{self, chinese_date};
use crate::domain::alert::kind_of;
use crate::domain::periods::{Cover, Stretch};
use crate::domain::premises::PremisesKind;
use crate::domain::rates::{Rate, Rates};
use crate::http::Problem;
use crate::http::console::closings::{ClosedBy, grouped as closed_groups};
use crate::http::console::rates::{RatesBy, RatesRow, grouped as open_groups};
use crate::rates::{Question, gather};
use crate::store::closings::{ClosingRow, facts, names};
use crate::store::organizations::OrganizationRow;
use crate::store::rates::Asked;
use crate::store::{Conn, alert_figures};

/// Rows of one table.
const ROWS_LIMIT: usize = 200;

#[derive(Debug, Serialize)]
struct Figure {
    name: &'static str,
    formula: &'static str,
    value: String,
    permille: Option<i64>,
    counted: String,
    before: String,
    year: String,
}

#[derive(Debug, Serialize)]
struct Group {
    name: String,
    values: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Kind {
    name: String,
    rectified: String,
    rectified_of: String,
    precision: String,
    precision_of: String,
}

/// What the layout sees.
#[derive(Debug, Serialize)]
struct Report {
    title: String,
    bureau: String,
    state: String,
    issued: String,
    figures: Vec<Figure>,
    offices: Vec<Group>,
    premises_kinds: Vec<Group>,
    kinds: Vec<Kind>,
}

/// One decimal, but never 100 % for what was not whole, nor 0 % for what was not nothing.
fn percent(part: i64, whole: i64) -> String {
    if whole == 0 {
        return "—".to_owned();
    }
    let tenths = (i128::from(part) * 2_000 + i128::from(whole)) / (i128::from(whole) * 2);
    let tenths = match (tenths, part) {
        (1_000, part) if part < whole => 999,
        (0, part) if part > 0 => 1,
        (tenths, _) => tenths,
    };
    format!("{}.{}%", tenths / 10, tenths % 10)
}

fn counted(rate: Rate, part: i64, whole: i64) -> String {
    match rate {
        Rate::Online | Rate::Completeness => format!("{} / {} 小时", part / 3_600_000, whole / 3_600_000),
        Rate::Coverage => format!("{part} / {whole} 家"),
        Rate::Connection => format!("{part} / {whole} 路"),
        Rate::Patrol => format!("{part} / {whole} 路次"),
        Rate::Rectified | Rate::Precision => format!("{part} / {whole} 条"),
    }
}

/// Points of percent between two shares.
fn moved((part, whole): (i64, i64), (then, of): (i64, i64)) -> String {
    if whole == 0 || of == 0 {
        return "—".to_owned();
    }
    #[expect(clippy::cast_precision_loss, reason = "counts, or milliseconds of months")]
    let points = (part as f64 / whole as f64 - then as f64 / of as f64) * 100.0;
    format!("{points:+.1}")
}

fn share_text(value: Option<f64>, part: i64, whole: i64) -> String {
    value.map_or_else(|| "—".to_owned(), |_| percent(part, whole))
}

fn groups(rows: Vec<RatesRow>, name: impl Fn(&RatesRow) -> String) -> Vec<Group> {
    let group = |row: RatesRow| {
        let title = name(&row);
        let seven = row.rates;
        let shares = [seven.coverage, seven.connection, seven.online, seven.completeness, seven.patrol, seven.rectified, seven.precision];
        Group { name: title, values: shares.map(|share| share_text(share.value, share.part, share.whole)).into() }
    };
    rows.into_iter().take(ROWS_LIMIT).map(group).collect()
}

fn premises_kind(code: &str) -> String {
    code.parse::<PremisesKind>().map_or_else(|()| code.to_owned(), |kind| documents::kind_word(kind).to_owned())
}

fn kind(code: &str, rectified: (i64, i64), precision: (i64, i64)) -> Kind {
    Kind {
        name: kind_of(code).map_or_else(|| code.to_owned(), |kind| kind.zh.to_owned()),
        rectified: percent(rectified.0, rectified.1),
        rectified_of: format!("{} / {}", rectified.0, rectified.1),
        precision: percent(precision.0, precision.1),
        precision_of: format!("{} / {}", precision.0, precision.1),
    }
}

fn question(node: &OrganizationRow, first: Date) -> Question {
    let asked = Asked { organization_id: Some(node.id.clone()), ..Asked::default() };
    Question { from: first, to: Stretch::Month.last_day(first), over: None, asked, kind: None }
}

async fn total(conn: &mut Conn<'_>, node: &OrganizationRow, first: Date, now_ms: i64) -> Result<Rates, Problem> {
    let mut all = Rates::default();
    let gathered = gather(conn, &Scope::system(), &question(node, first), now_ms).await?;
    gathered.parts.values().for_each(|rates| all.join(rates));
    Ok(all)
}

/// Sets the report of a node's month; the caller may read the figures of that node.
pub(crate) async fn set(app: &App, node: &OrganizationRow, first: Date, closing: Option<&ClosingRow>) -> Result<Vec<u8>, Problem> {
    let now_ms = app.clock.wall_ms();
    let report = {
        let mut reader = app.db.read().await?;
        let conn = &mut reader.conn();
        let (before, year) = (first.saturating_sub(1.month()), first.saturating_sub(1.year()));
        let (before, year) = (total(conn, node, before, now_ms).await?, total(conn, node, year, now_ms).await?);
        let (all, offices, premises_kinds, kinds) = match closing {
            Some(closing) => {
                let (facts, names) = (facts(conn, &closing.id).await?, names(conn, &closing.id).await?);
                let by = |by: ClosedBy| closed_groups(&facts, &names, by);
                let kinds = by(ClosedBy::Kind)?.into_iter().map(|row| {
                    let (rectified, precision) = (row.rates.rectified, row.rates.precision);
                    kind(&row.id, (rectified.part, rectified.whole), (precision.part, precision.whole))
                });
                (crate::closing::total(&facts)?, by(ClosedBy::Office)?, by(ClosedBy::PremisesKind)?, kinds.collect())
            }
            None => {
                let question = question(node, first);
                let gathered = gather(conn, &Scope::system(), &question, now_ms).await?;
                let mut all = Rates::default();
                gathered.parts.values().for_each(|rates| all.join(rates));
                let asked = alert_figures::Asked {
                    days: Cover::of(question.from, question.to),
                    organization_id: Some(node.id.clone()),
                    premises_id: None,
                    premises_kind: None,
                    grid: None,
                    camera_id: None,
                    kind: None,
                    class: None,
                };
                let rows = alert_figures::figures(conn, &Scope::system(), &asked, alert_figures::By::Kind).await?;
                let kinds = rows.into_iter().filter(|row| row.outcomes.dispatched + row.outcomes.confirmed + row.outcomes.false_alarms > 0);
                let kinds = kinds.map(|row| {
                    let of = row.outcomes;
                    kind(&row.id, (of.rectified, of.dispatched), (of.confirmed, of.confirmed + of.false_alarms))
                });
                (all, open_groups(&gathered, RatesBy::Office), open_groups(&gathered, RatesBy::PremisesKind), kinds.collect())
            }
        };
        let figure = |rate: Rate| {
            let (part, whole) = all.get(rate);
            Figure {
                name: rate.zh(),
                formula: rate.formula_zh(),
                value: percent(part, whole),
                permille: (whole > 0).then(|| i64::try_from(i128::from(part) * 1_000 / i128::from(whole)).unwrap_or(1_000)),
                counted: counted(rate, part, whole),
                before: moved((part, whole), before.get(rate)),
                year: moved((part, whole), year.get(rate)),
            }
        };
        let state = match closing {
            Some(row) => {
                let reason = row.reason.as_ref().map(|reason| format!("，{reason}")).unwrap_or_default();
                format!(
                    "已关账，第 {} 号（{}，{}{reason}），公式第 {} 版",
                    row.revision,
                    chinese_date(row.closed_at),
                    row.closed_by_name,
                    row.formula
                )
            }
            None => "未关账，数字仍会变动".to_owned(),
        };
        Report {
            title: format!("{} 年 {} 月互联网+明厨亮灶运行月报", first.year(), first.month()),
            bureau: node.name.clone(),
            state,
            issued: chinese_date(now_ms),
            figures: Rate::ALL.map(figure).into(),
            offices: groups(offices, |row| row.name.clone()),
            premises_kinds: groups(premises_kinds, |row| premises_kind(&row.id)),
            kinds,
        }
    };
    Ok(app.documents.renderer.render(documents::MONTHLY_REPORT, &report, Vec::new(), now_ms).await?.pdf)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_never_rounded_to_what_they_are_not() {
        let told = [(1, 1), (9_999, 10_000), (1, 100_000), (0, 5), (0, 0), (2, 3)].map(|(part, whole)| percent(part, whole));
        assert_eq!(told, ["100.0%", "99.9%", "0.1%", "0.0%", "—", "66.7%"]);
        assert_eq!(
            (moved((3, 4), (1, 2)), moved((1, 2), (3, 4)), moved((1, 2), (0, 0))),
            ("+25.0".to_owned(), "-25.0".to_owned(), "—".to_owned())
        );
    }
}
