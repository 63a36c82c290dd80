//! A piece of evidence on its way to whoever may see it: the file as taken, or a reduced copy of it.

use actix_web::{HttpRequest, HttpResponse};
use mobile_api::problem::ProblemType;
use serde::Deserialize;
use utoipa::IntoParams;

use super::content::{Content, serve};
use super::problem::Problem;
use crate::App;
use crate::files::Reduced;
use crate::store::evidence::EvidenceRow;

/// How wide it is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct WidthArgs {
    /// A reduced copy at least so wide, pixels; the evidence itself is the file as taken.
    #[param(minimum = 16, maximum = 4096, example = 640)]
    width: Option<u32>,
}

impl WidthArgs {
    /// The width, where it is one that is given.
    pub(super) fn checked(&self) -> Result<Option<u32>, Problem> {
        match self.width {
            Some(width) if !(16..=4_096).contains(&width) => Err(Problem::of(ProblemType::Malformed).because("width is 16 to 4096 pixels")),
            width => Ok(width),
        }
    }
}

/// Evidence whose file is here.
pub(super) struct Arrived {
    sha256: String,
    filetype: String,
    bytes: u64,
}

impl Arrived {
    /// The file that was found, where it has arrived.
    pub(super) fn of(found: Option<EvidenceRow>) -> Result<Self, Problem> {
        let found = found.ok_or_else(Problem::not_found)?;
        let (Some(filetype), Some(bytes)) = (found.stored_filetype, found.bytes) else {
            return Err(Problem::not_found().because("it has not arrived yet"));
        };
        Ok(Self { sha256: found.sha256, filetype, bytes: u64::try_from(bytes).unwrap_or(0) })
    }

    /// Gives it: a reduced copy where a width is wanted and one can be made, else the file as taken.
    pub(super) async fn send(&self, request: &HttpRequest, app: &App, width: Option<u32>) -> Result<HttpResponse, Problem> {
        if let Some(width) = width
            && let Reduced::Copy { filetype, content } = app.files.reduced(&self.sha256, &self.filetype, width).await?
        {
            let caching = ("cache-control", "private, max-age=3600, immutable");
            return Ok(HttpResponse::Ok().content_type(filetype).insert_header(caching).body(content));
        }
        serve(request, &app.files, &Content { sha256: &self.sha256, filetype: &self.filetype, bytes: self.bytes, download: None }).await
    }
}
