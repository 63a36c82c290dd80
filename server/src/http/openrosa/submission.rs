//! `submission`: what the server takes, and forms with their pictures as they come.

use std::collections::BTreeMap;

use actix_multipart::{Field, Multipart};
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use futures::StreamExt as _;
use mobile_api::limits::EVIDENCE_BYTES_MAX;
use mobile_api::problem::ProblemType;

use super::access::enter;
use super::answer::{answer, message, told};
use super::take::{self, Taken};
use crate::App;
use crate::files::Spooled;
use crate::http::Problem;
use crate::openrosa::instance::{Picture, file_name};
use crate::openrosa::xml;
use crate::store::openrosa::MEDIA_MAX;

/// Bytes of one request; a client sends more pictures in further ones.
pub(super) const REQUEST_BYTES_MAX: u64 = 100 * 1024 * 1024;
/// The part with the form.
const FORM: &str = "xml_submission_file";
/// Bytes of any other part that is no file.
const WORD_BYTES_MAX: usize = 1_000;

/// What came in one request.
pub(super) struct Sent {
    pub(super) xml: String,
    /// By name, looked at and not yet kept.
    pub(super) pictures: BTreeMap<String, Came>,
}

/// A picture that came.
pub(super) struct Came {
    pub(super) spooled: Spooled,
    pub(super) picture: Picture,
    /// pixels
    pub(super) size: Option<(u32, u32)>,
}

/// `HEAD submission`: who may send, and how much at once.
pub(super) async fn stand(request: HttpRequest, app: web::Data<App>) -> HttpResponse {
    let made = async {
        let entered = enter(&request, &app).await?;
        Ok(answer(StatusCode::NO_CONTENT).insert_header((header::LOCATION, format!("{}/submission", entered.base))).finish())
    };
    told(made.await)
}

/// `POST submission`
pub(super) async fn submit(request: HttpRequest, app: web::Data<App>, payload: web::Payload) -> HttpResponse {
    let made = async {
        let entered = enter(&request, &app).await?;
        let sent = receive(&request, &app, payload).await?;
        let _turn = app.openrosa.turn(entered.session.user_id).await;
        Ok(match take::take(&app, &entered, sent).await? {
            Taken::Whole => message(StatusCode::CREATED, "submit_success", "已收到，谢谢 · received"),
            Taken::Waits(words) => message(StatusCode::ACCEPTED, "submit_success", &words),
        })
    };
    told(made.await)
}

async fn receive(request: &HttpRequest, app: &App, payload: web::Payload) -> Result<Sent, Problem> {
    let header = |name: header::HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !header(header::CONTENT_TYPE).to_ascii_lowercase().starts_with("multipart/form-data") {
        return Err(Problem::of(ProblemType::UnsupportedMediaType).because("multipart/form-data with the part xml_submission_file"));
    }
    if header(header::CONTENT_LENGTH).parse::<u64>().is_ok_and(|bytes| bytes > REQUEST_BYTES_MAX) {
        return Err(too_large());
    }
    let mut multipart = Multipart::new(request.headers(), payload);
    let (mut xml, mut pictures, mut bytes) = (None, BTreeMap::new(), 0_u64);
    while let Some(field) = multipart.next().await {
        let mut field = field.map_err(|error| malformed(&error))?;
        let (name, file) = named(&field);
        if name == FORM {
            let content = read(&mut field, xml::BYTES_MAX).await?;
            let text = String::from_utf8(content).map_err(|_| Problem::of(ProblemType::Malformed).because("the form is not UTF-8"))?;
            if xml.replace(text).is_some() {
                return Err(Problem::of(ProblemType::Malformed).because("one xml_submission_file a request"));
            }
        } else if let Some(file) = file {
            let name = file_name(&file).ok_or_else(|| Problem::of(ProblemType::Malformed).because("not the name of a file"))?;
            if i64::try_from(pictures.len()).unwrap_or(i64::MAX) >= MEDIA_MAX {
                return Err(Problem::of(ProblemType::TooLarge).because(format!("at most {MEDIA_MAX} files a form")));
            }
            let spooled = app.files.spool(field.by_ref().map(|chunk| chunk.map_err(|error| error.to_string())), EVIDENCE_BYTES_MAX).await?;
            bytes += spooled.bytes;
            if bytes > REQUEST_BYTES_MAX {
                return Err(too_large());
            }
            let looked = app.files.look_at_evidence(spooled.path(), "").await.map_err(|error| about(&name, error.into()))?.picture;
            let picture = Picture { sha256: spooled.sha256.clone(), filetype: looked.filetype.to_owned(), bytes: spooled.bytes };
            pictures.insert(name, Came { spooled, picture, size: looked.size });
        } else {
            // Such as `*isIncomplete*`: what is still to come is seen from the form itself.
            read(&mut field, WORD_BYTES_MAX).await?;
        }
    }
    let xml = xml.ok_or_else(|| Problem::of(ProblemType::Malformed).because("there is no part xml_submission_file"))?;
    Ok(Sent { xml, pictures })
}

/// The part's name, and the file's where it is one.
fn named(field: &Field) -> (String, Option<String>) {
    let disposition = field.content_disposition();
    let name = field.name().unwrap_or_default().to_owned();
    let file = disposition.and_then(|disposition| disposition.get_filename()).map(str::to_owned).filter(|file| !file.is_empty());
    (name, file)
}

async fn read(field: &mut Field, bytes_max: usize) -> Result<Vec<u8>, Problem> {
    let mut content = Vec::new();
    while let Some(chunk) = field.next().await {
        let chunk = chunk.map_err(|error| malformed(&error))?;
        if content.len() + chunk.len() > bytes_max {
            return Err(Problem::of(ProblemType::TooLarge).because(format!("a form has at most {bytes_max} bytes")));
        }
        content.extend_from_slice(&chunk);
    }
    Ok(content)
}

fn too_large() -> Problem {
    Problem::of(ProblemType::TooLarge).because(format!("at most {REQUEST_BYTES_MAX} bytes a request"))
}

fn malformed(error: &actix_multipart::MultipartError) -> Problem {
    Problem::of(ProblemType::Malformed).because(format!("the request is not whole: {error}"))
}

/// The same problem, with the name of the file it is about.
fn about(name: &str, problem: Problem) -> Problem {
    let detail = format!("{name}: {}", problem.detail().unwrap_or("not a picture that is taken"));
    problem.because(detail)
}
