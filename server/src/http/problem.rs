//! Every error as `application/problem+json` (RFC 9457), in the caller's language, with nothing of the inside.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use mobile_api::field::{Faults, FieldFault};
use mobile_api::problem::ProblemType;
use serde::Serialize;
use serde_json::{Map, Value};
use tracing::error;
use utoipa::ToSchema;

use crate::auth::{KeysError, LoginError, SealError};
use crate::domain::workflow::Refusal;
use crate::store::StoreError;
use crate::store::work::WorkError;
use crate::uploads::UploadError;

tokio::task_local! {
    /// Language and id of the request under way; set by the outermost middleware.
    pub static REQUEST: RequestFacts;
}

/// What an error answer needs to know of its request.
#[derive(Debug, Clone, Default)]
pub struct RequestFacts {
    /// Accept-Language prefers English.
    pub english: bool,
    /// Also in every log line of the request.
    pub request_id: String,
}

/// A refusal.
#[derive(Debug, Clone)]
pub struct Problem {
    kind: ProblemType,
    detail: Option<String>,
    errors: Vec<FieldFault>,
    more: Map<String, Value>,
}

/// A problem as it is sent (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem, example = json!({"type": "not_found", "title": "没有找到", "status": 404, "request_id": "0199…"}))]
pub struct ProblemBody {
    /// A stable bare name.
    #[serde(rename = "type")]
    kind: &'static str,
    /// In the caller's language.
    title: &'static str,
    /// As the response's.
    status: u16,
    /// In words.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// To find it in the log.
    request_id: String,
    /// Faults of fields, all at once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldFault>,
    /// More, by type: `present`, `retry_after_s`, `allowed`, …
    #[serde(flatten)]
    more: Map<String, Value>,
}

impl Problem {
    /// A problem of this type.
    pub fn of(kind: ProblemType) -> Self {
        Self { kind, detail: None, errors: Vec::new(), more: Map::new() }
    }

    /// With words, English; never with internals.
    #[must_use]
    pub fn because(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// With a further member.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Serialize) -> Self {
        // Our own types always serialise.
        self.more.insert(name.to_owned(), serde_json::to_value(value).unwrap_or_default());
        self
    }

    /// One field that is wrong.
    pub fn field(pointer: &str, code: &str, detail: &str) -> Self {
        Self::fields(vec![FieldFault { pointer: pointer.to_owned(), code: code.to_owned(), detail: detail.to_owned() }])
    }

    /// Fields that are wrong.
    pub fn fields(errors: Vec<FieldFault>) -> Self {
        Self { errors, ..Self::of(ProblemType::Validation) }
    }

    /// The id of a thing that is not there, or that the caller may not know of.
    pub fn not_found() -> Self {
        Self::of(ProblemType::NotFound)
    }

    /// A permission that is missing.
    pub fn forbidden() -> Self {
        Self::of(ProblemType::Forbidden)
    }

    /// Somebody changed it meanwhile; `present` is the item as it is now.
    pub fn stale(present: impl Serialize) -> Self {
        Self::of(ProblemType::StaleVersion).with("present", present)
    }

    /// Faults of fields.
    pub fn errors(&self) -> &[FieldFault] {
        &self.errors
    }

    /// In words, English, where there are any.
    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    /// How long it is best waited, s.
    pub fn retry_after_s(&self) -> Option<i64> {
        self.more.get("retry_after_s").and_then(Value::as_i64).map(|seconds| seconds.max(1))
    }

    /// Whether it has this member beside those that all have.
    pub fn says(&self, name: &str) -> bool {
        self.more.contains_key(name)
    }

    /// Which type it is.
    pub fn kind(&self) -> ProblemType {
        self.kind
    }
}

/// `Err` with all faults that were found, or `Ok`.
pub fn checked(faults: Faults) -> Result<(), Problem> {
    faults.finish().map_err(Problem::fields)
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.kind.name(), self.detail.as_deref().unwrap_or_default())
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let facts = REQUEST.try_with(Clone::clone).unwrap_or_default();
        let mut response = HttpResponse::build(self.status_code());
        if let Some(seconds) = self.more.get("retry_after_s").and_then(Value::as_i64) {
            response.insert_header((header::RETRY_AFTER, seconds.max(1)));
        }
        if self.kind == ProblemType::Unauthenticated {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        let body = ProblemBody {
            kind: self.kind.name(),
            title: self.kind.title(facts.english),
            status: self.kind.status(),
            detail: self.detail.clone(),
            request_id: facts.request_id,
            errors: self.errors.clone(),
            more: self.more.clone(),
        };
        let mut response = response.json(body);
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

/// A fault of ours: logged here, once, with what it was; the caller gets the request's id.
fn internal(cause: &dyn std::fmt::Display) -> Problem {
    let request_id = REQUEST.try_with(|facts| facts.request_id.clone()).unwrap_or_default();
    error!(request_id, %cause, "internal error");
    Problem::of(ProblemType::Internal)
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict(_) => Self::of(ProblemType::Conflict).because("conflicts with what is stored"),
            StoreError::Unavailable(cause) => {
                error!(%cause, "the database is not available");
                Self::of(ProblemType::Unavailable).with("retry_after_s", 2)
            }
            StoreError::Damaged(_) | StoreError::Database(_) => internal(&error),
        }
    }
}

impl From<WorkError> for Problem {
    fn from(error: WorkError) -> Self {
        match error {
            WorkError::NotFound => Self::not_found(),
            WorkError::Stale => Self::of(ProblemType::StaleVersion),
            WorkError::Refused(Refusal::Forbidden) => Self::forbidden(),
            WorkError::Refused(Refusal::OwnAnswer) => Self::forbidden().because("nobody reviews their own answer"),
            WorkError::Refused(Refusal::Claimed) => Self::of(ProblemType::Claimed),
            WorkError::Refused(Refusal::NotNow) => Self::of(ProblemType::InvalidTransition),
            WorkError::Refused(Refusal::Faults(faults)) => Self::fields(faults),
            WorkError::Store(error) => error.into(),
        }
    }
}

impl From<UploadError> for Problem {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::Offset { offset } => {
                Self::of(ProblemType::StaleVersion).because(error.to_string()).with("present", serde_json::json!({"offset": offset}))
            }
            UploadError::Busy => Self::of(ProblemType::Unavailable).because(error.to_string()).with("retry_after_s", 5),
            UploadError::Blank => Self::of(ProblemType::BlankSignature),
            UploadError::Checksum => Self::of(ProblemType::ChecksumMismatch),
            UploadError::TooLong => Self::of(ProblemType::TooLarge).because(error.to_string()),
            UploadError::Replaced(present) => Self::of(ProblemType::Conflict)
                .because("this evidence stands for another file")
                .with("present", serde_json::json!({"sha256": present.sha256})),
            UploadError::Files(error) => error.into(),
            UploadError::Store(error) => error.into(),
        }
    }
}

impl From<LoginError> for Problem {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::Invalid => Self::of(ProblemType::InvalidCredentials),
            LoginError::WrongCode => Self::of(ProblemType::WrongCode),
            LoginError::Locked { retry_after_s } => Self::of(ProblemType::Locked).with("retry_after_s", retry_after_s),
            LoginError::Ended => Self::of(ProblemType::Unauthenticated).because("this login has ended"),
            LoginError::Idle => Self::of(ProblemType::Unauthenticated).because("nothing was done for too long").with("session", "idle"),
            LoginError::Disabled => Self::of(ProblemType::Unauthenticated).because("this account is disabled").with("account", "disabled"),
            LoginError::Store(error) => error.into(),
            LoginError::Keys(error) => internal(&error),
            LoginError::Seal(error) => internal(&error),
        }
    }
}

impl From<SealError> for Problem {
    fn from(error: SealError) -> Self {
        internal(&error)
    }
}

impl From<KeysError> for Problem {
    fn from(error: KeysError) -> Self {
        internal(&error)
    }
}
