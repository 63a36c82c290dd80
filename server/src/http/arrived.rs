//! A piece of evidence on its way to whoever may see it: the file as taken, or a reduced copy of it.

use actix_web::{HttpRequest, HttpResponse};
use mobile_api::problem::ProblemType;
use serde::Deserialize;
use utoipa::IntoParams;

use super::content::{Content, serve};
use super::problem::Problem;
use crate::App;
use crate::files::{FilesError, Haste, PIXELS_MAX, Reduced};
use crate::store::Conn;
use crate::store::alerts::FileOf;
use crate::store::evidence::{self, EvidenceRow};

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

/// Whether this program can make a smaller picture of it.
pub(super) fn previewed(file: &EvidenceRow) -> bool {
    file.file_id.is_some() && file.pixels().is_some_and(|pixels| pixels <= PIXELS_MAX)
}

/// Evidence whose file is here.
pub(super) struct Arrived {
    sha256: String,
    filetype: String,
    bytes: u64,
}

impl Arrived {
    /// What is shown of the evidence that was found, where it has arrived. Who may not see originals gets the picture with places
    /// made unreadable, where there is one, in the place of the file as taken and of all else that was made from it. Where a width is
    /// wanted and the file as taken is not here, or cannot be opened here, the phone's reduced copy stands for it.
    pub(super) async fn to_show(
        conn: &mut Conn<'_>,
        found: Option<EvidenceRow>,
        originals: bool,
        width: Option<u32>,
    ) -> Result<Self, Problem> {
        let found = found.ok_or_else(Problem::not_found)?;
        let taken = match &found.derived_from {
            Some(id) if !originals => evidence::get(conn, id).await?.filter(|taken| taken.inspection_id == found.inspection_id),
            _ => None,
        };
        let taken = taken.as_ref().unwrap_or(&found);
        let made = evidence::derivatives(conn, taken).await?;
        if !originals && let Some(shown) = evidence::redacted(&made, &taken.id) {
            return Self::of(shown.clone());
        }
        if width.is_some()
            && !previewed(&found)
            && let Some(copy) = evidence::reduced(&made, &found.id)
        {
            return Self::of(copy.clone());
        }
        Self::of(found)
    }

    /// The file that was found, where it has arrived.
    fn of(found: EvidenceRow) -> Result<Self, Problem> {
        let (Some(filetype), Some(bytes)) = (found.stored_filetype, found.bytes) else {
            return Err(Problem::not_found().because("it has not arrived yet"));
        };
        Ok(Self { sha256: found.sha256, filetype, bytes: u64::try_from(bytes).unwrap_or(0) })
    }

    /// A file that an act names, which is here.
    pub(super) fn file(file: FileOf) -> Self {
        Self { sha256: file.sha256, filetype: file.filetype, bytes: u64::try_from(file.bytes).unwrap_or(0) }
    }

    /// Gives it: a reduced copy where a width is wanted and one can be made, else the file as taken.
    pub(super) async fn send(&self, request: &HttpRequest, app: &App, width: Option<u32>) -> Result<HttpResponse, Problem> {
        let reduced = match width {
            Some(width) => match app.files.reduced(&self.sha256, &self.filetype, width, Haste::Now).await {
                // Damaged inside: what there is of it is shown by whoever asks.
                Err(FilesError::Picture(_)) => Reduced::AsStored,
                made => made?,
            },
            None => Reduced::AsStored,
        };
        if let Reduced::Copy { filetype, content } = reduced {
            let caching = ("cache-control", "private, max-age=3600, immutable");
            return Ok(HttpResponse::Ok().content_type(filetype).insert_header(caching).body(content));
        }
        serve(request, &app.files, &Content { sha256: &self.sha256, filetype: &self.filetype, bytes: self.bytes, download: None }).await
    }
}
