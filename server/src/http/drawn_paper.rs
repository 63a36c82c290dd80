//! `/c/{sha256}`: whether a record that officers handed over on site is the one that this server received. The code on the record
//! leads here. Behind the same switch as public results: nobody is named, one address may look so often, and a hash that is not
//! known and a switch that is off answer alike.

use actix_web::{HttpRequest, HttpResponse, web};
use mobile_api::canonical;
use serde::Deserialize;

use super::disclosure::{escaped, switch};
use super::{Problem, REQUEST};
use crate::App;
use crate::documents::{self, chinese_date};
use crate::store::inspections::{self, DrawnRow};

const PAGE: &str = include_str!("drawn_paper.html");
/// Characters of a number that is compared.
const NUMBER_CHARS_MAX: usize = 64;

/// Registers the page.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.route("/c/{sha256}", web::get().to(page));
}

#[derive(Debug, Deserialize)]
struct Asked {
    /// The number that is printed on the record.
    n: Option<String>,
}

async fn page(request: HttpRequest, app: web::Data<App>, asked: web::Query<Asked>) -> Result<HttpResponse, Problem> {
    let ip = super::origin(&request).ip;
    app.public_rate.take(ip.as_deref().unwrap_or("unknown"), app.clock.wall_ms())?;
    let sha256 =
        request.match_info().get("sha256").filter(|text| canonical::is_sha256_hex(text)).ok_or_else(Problem::not_found)?.to_owned();
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let switch = switch(conn).await?;
    let row = if switch.enabled { inspections::by_drawn(conn, &sha256).await? } else { None };
    let row = row.filter(|row| row.disabled_at.is_none()).ok_or_else(Problem::not_found)?;
    let bureau = documents::bureau_name(conn, &row.premises_path).await?;
    let english = REQUEST.try_with(|facts| facts.english).unwrap_or_default();
    let number = asked.into_inner().n.filter(|number| number.chars().count() <= NUMBER_CHARS_MAX);
    let mut response = HttpResponse::Ok();
    response.insert_header(("content-type", "text/html; charset=utf-8")).insert_header(("cache-control", "no-store"));
    if !switch.indexed {
        response.insert_header(("x-robots-tag", "noindex, nofollow"));
    }
    Ok(response.body(filled(&row, &sha256, number.as_deref(), &bureau, english)))
}

fn filled(row: &DrawnRow, sha256: &str, number: Option<&str>, bureau: &str, english: bool) -> String {
    let say = |zh: &'static str, en: &'static str| if english { en } else { zh };
    let outcome = match row.outcome.as_deref() {
        Some("conforms") => say("符合", "Conforms"),
        Some("basically_conforms") => say("基本符合", "Basically conforms"),
        Some("does_not_conform") => say("不符合", "Does not conform"),
        _ => "",
    };
    let another = number.is_some() && number != row.drawn_number.as_deref();
    let (tone, verdict) = match (another, row.drawn_differs) {
        (true, _) => ("bad", say("指纹相符，编号不符", "The fingerprint is right, the number is not")),
        (_, true) => ("fair", say("已登记，但与签名内容不一致", "Received, but it is not what was signed")),
        _ => ("good", say("与登记的记录一致", "The same as the record received")),
    };
    let line =
        |name: &str, value: &str| if value.is_empty() { String::new() } else { format!("<dt>{name}</dt><dd>{}</dd>", escaped(value)) };
    let facts = [
        line(say("场所", "Premises"), &row.premises_name),
        line(say("编号", "Number"), row.drawn_number.as_deref().unwrap_or_default()),
        line(say("检查日期", "Inspected on"), &chinese_date(row.happened_at)),
        line(say("检查结果", "Result"), outcome),
        line(say("收到日期", "Received on"), &row.submitted_at.map(chinese_date).unwrap_or_default()),
        line(say("此后更正（次）", "Corrected since (times)"), &if row.amended > 0 { row.amended.to_string() } else { String::new() }),
        line("SHA-256", sha256),
    ]
    .concat();
    PAGE.replace("{{language}}", say("zh-CN", "en"))
        .replace("{{title}}", say("现场检查记录核验", "Check of a record made on site"))
        .replace("{{tone}}", tone)
        .replace("{{verdict}}", verdict)
        .replace("{{facts}}", &facts)
        .replace("{{bureau}}", &escaped(bureau))
}
