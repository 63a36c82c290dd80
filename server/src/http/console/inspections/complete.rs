//! Making good what an inspection that came by the second door lacks (补正): the second officer, recusal, signatures.
//!
//! What was sent stays as sent; what is supplied stands beside it, with who and when.

use actix_web::{HttpResponse, post, web};
use mobile_api::Moment;
use mobile_api::field::Faults;
use mobile_api::inspection::originals::Standing;
use mobile_api::limits::{NAME_CHARS_MAX, TEXT_CHARS_MAX};
use mobile_api::problem::ProblemType;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::page::Inspection;
use super::{find, page_of};
use crate::App;
use crate::auth::{Caller, Session, can};
use crate::domain::permission::Permission;
use crate::http::{Body, Id, Problem, ProblemBody, checked};
use crate::store::inspections::InspectionRow;
use crate::store::journal::Act;
use crate::store::lacks::{self, LackRow};
use crate::store::{StoreError, Tx, evidence, files, inspections, users};

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(complete);
}

/// Something that an inspection lacks, or that was lacking and was made good.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InspectionLack)]
pub(super) struct Lack {
    /// answers, media, second_officer, recusal or signature
    #[schema(example = "second_officer")]
    what: String,
    /// Places that want an answer, or names of pictures that have not come.
    detail: Vec<String>,
    noted_at: Moment,
    /// It was made good.
    done_at: Option<Moment>,
    done_by_name: Option<String>,
    /// What was supplied.
    #[schema(value_type = Option<Object>)]
    done: Option<Value>,
}

impl Lack {
    pub(super) fn of(row: LackRow) -> Result<Self, StoreError> {
        Ok(Self {
            what: row.what,
            detail: serde_json::from_str(&row.detail).map_err(StoreError::damaged)?,
            noted_at: Moment(row.noted_at),
            done_at: row.done_at.map(Moment),
            done_by_name: row.done_by_name,
            done: row.done.as_deref().map(serde_json::from_str).transpose().map_err(StoreError::damaged)?,
        })
    }
}

/// What is supplied: one of the three.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(tag = "what", rename_all = "snake_case", deny_unknown_fields)]
#[schema(as = InspectionCompletion)]
enum Completion {
    /// The officer who was there too.
    SecondOfficer {
        /// Who.
        officer_id: Uuid,
    },
    /// The premises was told of its right to ask for recusal, and answered.
    Recusal {
        /// Somebody is asked to stand back.
        requested: bool,
        /// Who, and why.
        #[schema(max_length = 2000)]
        reason: Option<String>,
        /// Who answered.
        #[schema(min_length = 1, max_length = 200)]
        name: String,
        /// The signed paper, a picture brought by `POST /files`.
        file_id: Uuid,
    },
    /// The premises' representative and the officer signed, or the representative refused.
    Signature {
        /// The representative.
        #[schema(min_length = 1, max_length = 200)]
        name: String,
        /// Refused to sign.
        refused: bool,
        /// Why.
        #[schema(max_length = 2000)]
        reason: Option<String>,
        /// The signed paper, a picture brought by `POST /files`.
        file_id: Uuid,
    },
}

impl Completion {
    const fn what(&self) -> &'static str {
        match self {
            Self::SecondOfficer { .. } => "second_officer",
            Self::Recusal { .. } => "recusal",
            Self::Signature { .. } => "signature",
        }
    }

    const fn file_id(&self) -> Option<Uuid> {
        match self {
            Self::SecondOfficer { .. } => None,
            Self::Recusal { file_id, .. } | Self::Signature { file_id, .. } => Some(*file_id),
        }
    }

    fn check(&self) -> Result<(), Problem> {
        let mut faults = Faults::new();
        if let Self::Recusal { name, reason, requested: wants, .. } | Self::Signature { name, reason, refused: wants, .. } = self {
            faults.text("name", name, NAME_CHARS_MAX);
            faults.optional_text("reason", reason.as_deref(), TEXT_CHARS_MAX);
            if *wants && reason.as_deref().is_none_or(|reason| reason.trim().is_empty()) {
                faults.note_at("reason", "required", "say why");
            }
        }
        checked(faults)
    }
}

/// Makes good something that a submitted inspection lacks. Only its officers do, and those who may conduct inspections there.
#[utoipa::path(tag = "inspections", params(("id" = Uuid, Path, example = "01928f6e-0000-7000-8000-000000000090")),
    request_body(content = Completion, example = json!({"what": "second_officer", "officer_id": "01928f6e-0000-7000-8000-000000000008"})),
    responses((status = 201, body = Inspection), (status = 403, body = ProblemBody, content_type = "application/problem+json"), (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "it does not lack this, or no more"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/inspections/{id}/completions")]
async fn complete(
    app: web::Data<App>,
    caller: Caller<can::InspectionsConduct>,
    id: Id,
    body: Body<Completion>,
) -> Result<HttpResponse, Problem> {
    let body = body.into_inner();
    body.check()?;
    let (at, id, session, sealer) = (app.clock.wall_ms(), id.to_string(), Session::clone(&caller), app.sealer.clone());
    let page = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                make(tx, &session, &id, &body, at).await?;
                page_of(tx, &sealer, &session, &id).await
            })
        })
        .await?;
    Ok(HttpResponse::Created().json(page))
}

async fn make(tx: &mut Tx<'_>, session: &Session, id: &str, body: &Completion, at: i64) -> Result<(), Problem> {
    inspections::hold(tx, id).await?;
    let row = find(tx, session, id).await?.ok_or_else(Problem::not_found)?;
    if !session.access.may_at(Permission::InspectionsConduct, &row.premises_path) {
        return Err(Problem::forbidden());
    }
    let mut done = serde_json::to_value(body).map_err(StoreError::damaged)?;
    if let Completion::SecondOfficer { officer_id } = body {
        second(tx, &row, *officer_id).await?;
    }
    if let Some(file_id) = body.file_id() {
        done["evidence_id"] = json!(paper(tx, session, &row, &file_id.to_string(), at).await?);
    }
    if !lacks::make_good(tx, id, body.what(), &done.to_string(), &session.user_id.to_string(), at).await? {
        return Err(Problem::of(ProblemType::Conflict).because("the inspection does not lack this, or no more"));
    }
    let act = Act {
        actor: &session.actor,
        action: "inspection_make_good",
        entity: Some(("inspection", id)),
        path: &row.premises_path,
        detail: json!({"what": body.what()}),
    };
    tx.audit(at, act).await?;
    inspections::touch(tx, id, at).await?;
    Ok(inspections::note_change(tx, &row, row.state != "draft", at).await?)
}

async fn second(tx: &mut Tx<'_>, row: &InspectionRow, officer_id: Uuid) -> Result<(), Problem> {
    if row.parsed_header()?.officers.contains(&officer_id) {
        return Err(Problem::field("/officer_id", "duplicate", "is one of its officers already"));
    }
    match users::credentials_by_id(tx, &officer_id.to_string()).await? {
        Some(_) => Ok(()),
        None => Err(Problem::field("/officer_id", "unknown", "no such person")),
    }
}

/// The picture of a signed paper as evidence of the inspection; its id. One brings one's own pictures only.
async fn paper(tx: &mut Tx<'_>, session: &Session, row: &InspectionRow, file_id: &str, at: i64) -> Result<String, Problem> {
    let me = session.user_id.to_string();
    let file = files::get(tx, file_id).await?.filter(|file| file.user_id.as_deref() == Some(me.as_str()));
    let file = file.ok_or_else(|| Problem::field("/file_id", "unknown", "not a picture that you brought"))?;
    let id = Uuid::now_v7();
    let one = mobile_api::inspection::Evidence {
        id,
        kind: mobile_api::inspection::EvidenceKind::Signature,
        sha256: file.sha256.clone(),
        filetype: file.filetype.clone(),
        bytes: u64::try_from(file.bytes).unwrap_or(0),
        taken_at: Moment(file.created_at),
        item_code: None,
        duration_ms: None,
        derived: None,
    };
    let taken = || Problem::of(ProblemType::Conflict).because("this evidence stands for another file");
    evidence::promise(tx, &row.id, session.user_id, &one, Standing::Needed).await?.map_err(|_| taken())?;
    let id = id.to_string();
    let arrival = evidence::Arrival {
        evidence_id: &id,
        inspection_id: &row.id,
        owner_id: &me,
        sha256: &file.sha256,
        filetype: &file.filetype,
        file_id,
        blank: false,
        position: None,
    };
    evidence::arrive(tx, &arrival, at).await?.map_err(|_| taken())?;
    Ok(id)
}
