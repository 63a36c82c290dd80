//! The list of forms, the forms, and the files beside them.
//!
//! A published version never changes, so its form is rendered once. Lists hold while the change log stands where it stood.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use mobile_api::template::Audience;
use serde::Deserialize;
use uuid::Uuid;

use super::access::{Entered, enter};
use super::answer::{answer, told};
use crate::App;
use crate::domain::calendar::date_of;
use crate::domain::permission::Permission;
use crate::http::Problem;
use crate::openrosa::Rendered;
use crate::store::templates::TemplateRow;
use crate::store::{StoreError, officers, openrosa, places, templates};
use crate::xlsform::visit::{OFFICERS_FILE, PREMISES_FILE};
use crate::xlsform::{escaped, xform};

/// Premises of a list, and officers of one.
const ROWS_MAX: i64 = 5_000;
const XML: &str = "text/xml; charset=utf-8";

#[derive(Debug, Default, Deserialize)]
struct ListArgs {
    #[serde(rename = "formID")]
    form_id: Option<String>,
    verbose: Option<String>,
    #[serde(rename = "listAllVersions")]
    list_all_versions: Option<String>,
}

fn yes(text: &Option<String>) -> bool {
    text.as_deref().is_some_and(|text| matches!(text.trim().to_ascii_lowercase().as_str(), "true" | "1" | "yes"))
}

/// `GET formList`
pub(super) async fn list(request: HttpRequest, app: web::Data<App>) -> HttpResponse {
    told(listed(&request, &app).await)
}

async fn listed(request: &HttpRequest, app: &App) -> Result<HttpResponse, Problem> {
    let entered = enter(request, app).await?;
    // What is not known is passed over: clients add words of their own.
    let args = web::Query::<ListArgs>::from_query(request.query_string()).map(web::Query::into_inner).unwrap_or_default();
    let (verbose, all) = (yes(&args.verbose), yes(&args.list_all_versions));
    let name = format!("list {} {verbose} {all} {}", entered.base, args.form_id.as_deref().unwrap_or_default());
    let rendered = match app.openrosa.rendered(&name, entered.head) {
        Some(rendered) => rendered,
        None => {
            let rows = templates::list(&mut app.db.read().await?.conn(), Audience::Officer, all).await?;
            let mut body = "<?xml version=\"1.0\" encoding=\"utf-8\"?><xforms xmlns=\"http://openrosa.org/xforms/xformsList\">".to_owned();
            for row in rows.iter().filter(|row| args.form_id.as_ref().is_none_or(|wanted| *wanted == row.code)) {
                body.push_str(&entry(app, row, &entered.base, verbose)?);
            }
            body.push_str("</xforms>");
            let rendered = Rendered::of(body);
            if name.len() <= 1_000 {
                app.openrosa.keep(&name, rendered.clone(), Some(entered.head));
            }
            rendered
        }
    };
    Ok(send(request, &rendered, XML))
}

fn entry(app: &App, row: &TemplateRow, base: &str, verbose: bool) -> Result<String, Problem> {
    let form = rendered_form(app, row)?;
    let (name, address) = (row.name()?, format!("{base}/forms/{}", row.id));
    let description = match verbose {
        true => {
            let source = row.file()?.source;
            format!("<descriptionText>{}</descriptionText>", escaped(&format!("{} · {}", source.zh, source.en)))
        }
        false => String::new(),
    };
    Ok(format!(
        "<xform><formID>{}</formID><name>{}</name><version>{}</version><hash>md5:{}</hash>{description}<downloadUrl>{address}/form.xml</downloadUrl><manifestUrl>{address}/manifest.xml</manifestUrl></xform>",
        escaped(&row.code),
        escaped(&name.zh),
        row.version,
        form.md5,
        address = escaped(&address),
    ))
}

fn rendered_form(app: &App, row: &TemplateRow) -> Result<Rendered, Problem> {
    let name = format!("form {}", row.id);
    if let Some(rendered) = app.openrosa.rendered(&name, 0) {
        return Ok(rendered);
    }
    let rendered = Rendered::of(xform(&row.file()?, row.version).map_err(StoreError::damaged)?);
    app.openrosa.keep(&name, rendered.clone(), None);
    Ok(rendered)
}

async fn template(request: &HttpRequest, app: &App) -> Result<TemplateRow, Problem> {
    let row = templates::get(&mut app.db.read().await?.conn(), &id(request)?.to_string()).await?;
    row.filter(|row| row.audience() == Audience::Officer).ok_or_else(Problem::not_found)
}

fn id(request: &HttpRequest) -> Result<Uuid, Problem> {
    request.match_info().get("id").and_then(|id| id.parse().ok()).ok_or_else(Problem::not_found)
}

/// `GET forms/{id}/form.xml`
pub(super) async fn form(request: HttpRequest, app: web::Data<App>) -> HttpResponse {
    let made = async {
        enter(&request, &app).await?;
        // Only officers' forms are ever kept under this name.
        let rendered = match app.openrosa.rendered(&format!("form {}", id(&request)?), 0) {
            Some(rendered) => rendered,
            None => rendered_form(&app, &template(&request, &app).await?)?,
        };
        Ok(send(&request, &rendered, XML))
    };
    told(made.await)
}

/// `GET forms/{id}/manifest.xml`
pub(super) async fn manifest(request: HttpRequest, app: web::Data<App>) -> HttpResponse {
    let made = async {
        let entered = enter(&request, &app).await?;
        template(&request, &app).await?;
        let mut body =
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><manifest xmlns=\"http://openrosa.org/xforms/xformsManifest\">".to_owned();
        for name in [PREMISES_FILE, OFFICERS_FILE] {
            let file = file(&app, &entered, name).await?;
            body.push_str(&format!(
                "<mediaFile><filename>{name}</filename><hash>md5:{}</hash><downloadUrl>{}/media/{name}</downloadUrl></mediaFile>",
                file.md5,
                escaped(&entered.base)
            ));
        }
        body.push_str("</manifest>");
        Ok(send(&request, &Rendered::of(body), XML))
    };
    told(made.await)
}

/// `GET media/{name}`
pub(super) async fn media(request: HttpRequest, app: web::Data<App>) -> HttpResponse {
    let made = async {
        let entered = enter(&request, &app).await?;
        let name = request.match_info().get("name").unwrap_or_default();
        if ![PREMISES_FILE, OFFICERS_FILE].contains(&name) {
            return Err(Problem::not_found());
        }
        Ok(send(&request, &file(&app, &entered, name).await?, "text/csv; charset=utf-8"))
    };
    told(made.await)
}

/// A list for this officer, as CSV with the columns `name` (the id) and `label`.
async fn file(app: &App, entered: &Entered, name: &str) -> Result<Rendered, Problem> {
    let kept = format!("{name} {}", entered.session.user_id);
    if let Some(rendered) = app.openrosa.rendered(&kept, entered.head) {
        return Ok(rendered);
    }
    let rows = if name == PREMISES_FILE { premises(app, entered).await? } else { colleagues(app, entered).await? };
    let mut csv = csv::Writer::from_writer(Vec::new());
    let written = csv.write_record(["name", "label"]).and_then(|()| rows.iter().try_for_each(|(id, label)| csv.write_record([id, label])));
    written.map_err(StoreError::damaged)?;
    let rendered = Rendered::of(csv.into_inner().map_err(StoreError::damaged)?);
    app.openrosa.keep(&kept, rendered.clone(), Some(entered.head));
    Ok(rendered)
}

/// Id, and name with the numbers of licences: what is searched by.
async fn premises(app: &App, entered: &Entered) -> Result<Vec<(String, String)>, Problem> {
    let scope = entered.session.access.scope(Permission::InspectionsConduct);
    let today = date_of(app.clock.wall_ms()).to_string();
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let rows = openrosa::places(conn, &scope, ROWS_MAX).await?;
    let mut licences: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for page in rows.chunks(200) {
        let ids: Vec<String> = page.iter().map(|row| row.id.clone()).collect();
        for operator in places::operators(conn, &ids, &today).await? {
            if let Some(licence) = operator.licence_number {
                let known = licences.entry(operator.premises_id).or_default();
                if !known.contains(&licence) {
                    known.push(licence);
                }
            }
        }
    }
    let label = |row: &openrosa::PlaceRow| {
        let numbers = licences.get(&row.id).map(|numbers| format!(" · {}", numbers.join(" "))).unwrap_or_default();
        format!("{}{numbers}", row.name)
    };
    Ok(rows.iter().map(|row| (row.id.clone(), label(row))).collect())
}

/// Those who conduct inspections in the same places, above or below.
async fn colleagues(app: &App, entered: &Entered) -> Result<Vec<(String, String)>, Problem> {
    let scope = entered.session.access.scope(Permission::InspectionsConduct);
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let mut found = BTreeMap::new();
    for node in scope.nodes() {
        for row in officers::pool(conn, node, app.clock.wall_ms(), ROWS_MAX).await? {
            let label = match &row.certificate_number {
                Some(number) => format!("{} · {number}", row.display_name),
                None => row.display_name.clone(),
            };
            if row.id != entered.session.user_id.to_string() {
                found.insert((row.name_key, row.id), label);
            }
        }
    }
    Ok(found.into_iter().map(|((_, id), label)| (id, label)).collect())
}

/// Sends what was rendered, or says that the client has it.
fn send(request: &HttpRequest, rendered: &Rendered, kind: &'static str) -> HttpResponse {
    let etag = format!("\"{}\"", rendered.md5);
    let known = request.headers().get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let same = known.is_some_and(|known| known.split(',').any(|one| one.trim().trim_start_matches("W/") == etag));
    let mut response = answer(if same { StatusCode::NOT_MODIFIED } else { StatusCode::OK });
    response.insert_header((header::ETAG, etag));
    if same {
        return response.finish();
    }
    response.content_type(kind).body(rendered.bytes.clone())
}
