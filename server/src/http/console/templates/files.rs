//! Templates as files: JSON as the program keeps them, and XLSForm for other tools; out of versions and drafts, and in.

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use mobile_api::field::FieldFault;
use mobile_api::problem::ProblemType;
use mobile_api::template::TemplateFile;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::App;
use crate::auth::{Caller, can};
use crate::http::{Args, Id, Problem, ProblemBody};
use crate::sheet::{BYTES_MAX, SheetError};
use crate::store::{StoreError, template_drafts, templates};
use crate::xlsform;

const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(version_file).service(draft_file).service(import);
}

/// What a spreadsheet is made for.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum MadeFor {
    /// Other tools: the template and nothing else.
    #[default]
    Exchange,
    /// ODK Collect: with the questions of the visit (premises, officers, position, recusal, signatures).
    Collect,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct FileArgs {
    /// What an XLSForm is made for.
    #[serde(default)]
    #[param(inline)]
    made_for: MadeFor,
}

/// A version as a file: `json` as it can be imported again, `xlsx` as XLSForm, `xml` as the XForm that ODK Collect gets.
#[utoipa::path(tag = "templates", params(("id" = Uuid, Path, example = "01928f6e-0000-7000-8000-000000000002"), ("format" = String, Path, description = "json, xlsx or xml", example = "xlsx"), FileArgs),
    responses((status = 200, content((TemplateFile = "application/json"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"), (String = "text/xml"))), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/templates/{id}/file.{format}")]
async fn version_file(
    app: web::Data<App>,
    _caller: Caller<can::TemplatesRead>,
    id: Id,
    args: Args<FileArgs>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let row = templates::get(&mut app.db.read().await?.conn(), &id.to_string()).await?.ok_or_else(Problem::not_found)?;
    answer(&request, row.file()?, row.version, args.made_for).await
}

/// A draft as a file, as last saved; XLSForm of one that could not be published is refused with what is wrong.
#[utoipa::path(tag = "templates", params(("id" = Uuid, Path, example = "01928f6e-0000-7000-8000-000000000090"), ("format" = String, Path, description = "json, xlsx or xml", example = "json"), FileArgs),
    responses((status = 200, content((TemplateFile = "application/json"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"), (String = "text/xml"))), (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/template-drafts/{id}/file.{format}")]
async fn draft_file(
    app: web::Data<App>,
    _caller: Caller<can::TemplatesManage>,
    id: Id,
    args: Args<FileArgs>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let row = template_drafts::get(&mut app.db.read().await?.conn(), &id.to_string()).await?.ok_or_else(Problem::not_found)?;
    answer(&request, row.parsed()?, row.based_on.unwrap_or(0) + 1, args.made_for).await
}

async fn answer(request: &HttpRequest, file: TemplateFile, version: i64, made_for: MadeFor) -> Result<HttpResponse, Problem> {
    let named = |ending: &str| {
        let code = if file.code.is_empty() { "template" } else { &file.code };
        ("content-disposition", format!("attachment; filename=\"{code}-{version}.{ending}\""))
    };
    match request.match_info().get("format") {
        Some("json") => Ok(HttpResponse::Ok().insert_header(named("json")).json(&file)),
        Some("xlsx") => {
            file.check().map_err(Problem::fields)?;
            let header = named("xlsx");
            let made_for = match made_for {
                MadeFor::Exchange => xlsform::FormFor::Exchange,
                MadeFor::Collect => xlsform::FormFor::Collect,
            };
            let bytes =
                web::block(move || xlsform::write(&file, version, made_for)).await.map_err(|_| Problem::of(ProblemType::Unavailable))?;
            let bytes = bytes.map_err(|error| Problem::from(StoreError::damaged(error)))?;
            Ok(HttpResponse::Ok().content_type(XLSX).insert_header(header).body(bytes))
        }
        Some("xml") => {
            file.check().map_err(Problem::fields)?;
            let header = named("xml");
            let form = web::block(move || xlsform::xform(&file, version)).await.map_err(|_| Problem::of(ProblemType::Unavailable))?;
            let form = form.map_err(|error| Problem::from(StoreError::damaged(error)))?;
            Ok(HttpResponse::Ok().content_type("text/xml; charset=utf-8").insert_header(header).body(form))
        }
        _ => Err(Problem::not_found()),
    }
}

/// What an XLSForm says, as a template. Nothing is stored.
#[derive(Debug, Serialize, ToSchema)]
struct XlsformImport {
    /// To begin a draft with.
    file: TemplateFile,
    /// What has no counterpart here, row by row; it is left out of `file`.
    left_out: Vec<xlsform::LeftOut>,
    /// What keeps the template from being published, by pointers into `file`.
    faults: Vec<FieldFault>,
}

/// Reads an XLSForm (XLSX, or CSV with the sheets one below the other) and says what template it makes. Nothing is changed: a draft is begun with the file that is
/// answered. One that was written here comes back as it was; of another one, what has no counterpart is listed by its row.
#[utoipa::path(tag = "templates", request_body(content((String = "text/csv", example = "survey,,,\r\n,type,name,label\r\n,text,who,检查人\r\n"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
    responses((status = 200, body = XlsformImport), (status = 400, body = ProblemBody, content_type = "application/problem+json"), (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, body = ProblemBody, content_type = "application/problem+json"), (status = 415, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/template-imports")]
async fn import(
    request: HttpRequest,
    _caller: Caller<can::TemplatesManage>,
    payload: web::Payload,
) -> Result<web::Json<XlsformImport>, Problem> {
    let content_type = request.headers().get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if !["text/csv", "application/octet-stream", XLSX].contains(&essence.as_str()) {
        return Err(Problem::of(ProblemType::UnsupportedMediaType).because("the body is text/csv or an XLSX file"));
    }
    let bytes =
        payload.to_bytes_limited(BYTES_MAX).await.map_err(|_| Problem::of(ProblemType::TooLarge).because("a file has at most 5 MB"))?;
    let bytes = bytes.map_err(|_| Problem::of(ProblemType::Malformed).because("the body could not be read"))?;
    let read = web::block(move || xlsform::read(&bytes)).await.map_err(|_| Problem::of(ProblemType::Unavailable))?;
    let (file, left_out) = read.map_err(|error| match error {
        SheetError::TooLarge(detail) => Problem::of(ProblemType::TooLarge).because(detail),
        SheetError::Format(detail) => Problem::of(ProblemType::Malformed).because(detail),
    })?;
    let faults = file.check().err().unwrap_or_default();
    Ok(web::Json(XlsformImport { file, left_out, faults }))
}
