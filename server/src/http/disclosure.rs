//! `/p/{word}`: what the bureau makes public of a premises (结果公开): the latest result, its grade, the posted notice.
//!
//! Behind a switch that is off at first. Nobody is named, nothing that an officer wrote or photographed is shown, search engines
//! are told to stay away, and one address may look so often. A word that is not known and a switch that is off answer alike.

use actix_web::{HttpRequest, HttpResponse, web};
use mobile_api::judge::{Judgement, Outcome};

use super::content::{Content, serve};
use super::{Problem, REQUEST};
use crate::App;
use crate::documents::{self, FILETYPE, chinese_date};
use crate::domain::settings::{DISCLOSURE, Disclosure};
use crate::store::disclosures::{self, PublicRow};
use crate::store::{Conn, StoreError, settings};

const PAGE: &str = include_str!("disclosure.html");
/// Letters of a word at most.
const WORD_CHARS_MAX: usize = 64;

/// Registers the page and its notice.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.route("/p/{word}", web::get().to(page)).route("/p/{word}/notice.pdf", web::get().to(notice));
}

/// Whether the bureau has switched public pages on, and lets them be found.
pub(super) async fn switch(conn: &mut Conn<'_>) -> Result<Disclosure, StoreError> {
    Ok(settings::of_system(conn, DISCLOSURE).await?.map(|(switch, _)| switch).unwrap_or_default())
}

async fn found(request: &HttpRequest, app: &App) -> Result<(PublicRow, Disclosure), Problem> {
    let ip = super::origin(request).ip;
    app.public_rate.take(ip.as_deref().unwrap_or("unknown"), app.clock.wall_ms())?;
    let word = request.match_info().get("word").filter(|word| word.len() <= WORD_CHARS_MAX).ok_or_else(Problem::not_found)?.to_owned();
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let switch = switch(conn).await?;
    let row = if switch.enabled { disclosures::by_token(conn, &word).await? } else { None };
    Ok((row.filter(|row| row.disabled_at.is_none()).ok_or_else(Problem::not_found)?, switch))
}

async fn page(request: HttpRequest, app: web::Data<App>) -> Result<HttpResponse, Problem> {
    let (row, switch) = found(&request, &app).await?;
    let english = REQUEST.try_with(|facts| facts.english).unwrap_or_default();
    let bureau = documents::bureau_name(&mut app.db.read().await?.conn(), &row.premises_path).await?;
    let body = filled(&row, &bureau, english, request.path())?;
    let mut response = HttpResponse::Ok();
    response.insert_header(("content-type", "text/html; charset=utf-8")).insert_header(("cache-control", "public, max-age=300"));
    if !switch.indexed {
        response.insert_header(("x-robots-tag", "noindex, nofollow"));
    }
    Ok(response.body(body))
}

async fn notice(request: HttpRequest, app: web::Data<App>) -> Result<HttpResponse, Problem> {
    let (row, _) = found(&request, &app).await?;
    let (Some(sha256), Some(bytes)) = (&row.notice_sha256, row.notice_bytes) else { return Err(Problem::not_found()) };
    let content = Content { sha256, filetype: FILETYPE, bytes: u64::try_from(bytes).unwrap_or(0), download: None };
    let mut response = serve(&request, &app.files, &content).await?;
    response.headers_mut().insert(
        actix_web::http::header::HeaderName::from_static("x-robots-tag"),
        actix_web::http::header::HeaderValue::from_static("noindex, nofollow"),
    );
    Ok(response)
}

fn filled(row: &PublicRow, bureau: &str, english: bool, path: &str) -> Result<String, Problem> {
    let judged: Option<Judgement> = row.result.as_deref().map(serde_json::from_str).transpose().map_err(StoreError::damaged)?;
    let say = |zh: &'static str, en: &'static str| if english { en } else { zh };
    let outcome = judged.as_ref().map_or(say("暂无检查结果", "No result yet"), |judged| match judged.outcome {
        Outcome::Conforms => say("符合", "Conforms"),
        Outcome::BasicallyConforms => say("基本符合", "Basically conforms"),
        Outcome::DoesNotConform => say("不符合", "Does not conform"),
    });
    let tone = judged.as_ref().map_or("none", |judged| match judged.outcome {
        Outcome::Conforms => "good",
        Outcome::BasicallyConforms => "fair",
        Outcome::DoesNotConform => "bad",
    });
    let line = |name: &str, value: &str| {
        if value.is_empty() { String::new() } else { format!("<dt>{name}</dt><dd>{}</dd>", escaped(value)) }
    };
    let grade = judged.as_ref().map(|judged| documents::grade_word(judged.grade)).unwrap_or_default();
    let score = judged.as_ref().and_then(|judged| judged.score).map(|score| format!("{score:.1}")).unwrap_or_default();
    let problems = judged.as_ref().map(|judged| (judged.key_failed.len() + judged.general_failed.len()).to_string()).unwrap_or_default();
    let mut facts = String::new();
    facts.push_str(&line(say("检查日期", "Inspected on"), &row.happened_at.map(chinese_date).unwrap_or_default()));
    facts.push_str(&line(say("量化等级", "Grade"), grade));
    facts.push_str(&line(say("得分", "Score"), &score));
    facts.push_str(&line(say("发现问题（项）", "Items that failed"), &problems));
    facts.push_str(&line(say("场所类别", "Kind"), row.premises_kind.parse().map_or("", documents::kind_word)));
    facts.push_str(&line(say("地址", "Address"), row.address.as_deref().unwrap_or_default()));
    let notice = row.notice_number.as_deref().map(|number| {
        format!(
            "<p><a href=\"{}/notice.pdf\">{} {}</a></p>",
            escaped(path.trim_end_matches('/')),
            say("公示文书", "Posted notice"),
            escaped(number)
        )
    });
    Ok(PAGE
        .replace("{{language}}", say("zh-CN", "en"))
        .replace("{{title}}", say("食品安全监督检查结果公开", "Results of food-safety inspections"))
        .replace("{{name}}", &escaped(&row.premises_name))
        .replace("{{tone}}", tone)
        .replace("{{outcome}}", outcome)
        .replace("{{facts}}", &facts)
        .replace("{{notice}}", &notice.unwrap_or_default())
        .replace("{{bureau}}", &escaped(bureau)))
}

pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
