//! `/audit`: who did, saw and exported what, newest first; the signed head of the chain; the keys that sign.

use actix_web::{get, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mobile_api::moment::Moment;
use mobile_api::problem::ProblemType;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::App;
use crate::auth::{Caller, can};
use crate::evidence::fingerprint;
use crate::http::{Args, Listed, Problem, ProblemBody, listed, moment_ms, page};
use crate::store::journal::{self, AuditFilter, AuditRow};
use crate::store::{StoreError, audit_heads, logins};

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(head).service(keys);
}

/// Who acted.
#[derive(Debug, Serialize, ToSchema)]
struct AuditActor {
    /// `null` for the system, the command line and failed sign-ins.
    id: Option<String>,
    name: String,
}

/// One act.
#[derive(Debug, Serialize, ToSchema)]
struct AuditEntry {
    /// Place in the chain.
    seq: i64,
    at: Moment,
    actor: AuditActor,
    #[schema(example = "view_recording")]
    action: String,
    entity: Option<String>,
    entity_id: Option<String>,
    #[schema(value_type = Object)]
    detail: Value,
    ip: Option<String>,
    /// SHA-256 over this row and the hash before it, hex.
    hash: String,
}

impl TryFrom<AuditRow> for AuditEntry {
    type Error = StoreError;
    fn try_from(row: AuditRow) -> Result<Self, StoreError> {
        Ok(Self {
            seq: row.seq.ok_or_else(|| StoreError::damaged("an audit row without a place"))?,
            at: Moment(row.at),
            actor: AuditActor { id: row.actor_id, name: row.actor_name },
            action: row.action,
            entity: row.entity,
            entity_id: row.entity_id,
            detail: serde_json::from_str(&row.detail).map_err(StoreError::damaged)?,
            ip: row.ip,
            hash: row.hash.ok_or_else(|| StoreError::damaged("an audit row without a hash"))?,
        })
    }
}

/// What an audit list and its export are narrowed to.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListArgs {
    actor_id: Option<String>,
    /// For example `login`, `create`, `export`.
    action: Option<String>,
    entity: Option<String>,
    entity_id: Option<String>,
    /// RFC 3339, inclusive.
    since: Option<String>,
    /// RFC 3339, exclusive.
    until: Option<String>,
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    cursor: Option<String>,
}

impl ListArgs {
    pub(super) fn filter(&self) -> Result<AuditFilter, Problem> {
        Ok(AuditFilter {
            actor_id: self.actor_id.clone(),
            action: self.action.clone(),
            entity: self.entity.clone(),
            entity_id: self.entity_id.clone(),
            since_ms: moment_ms("since", self.since.as_deref())?,
            until_ms: moment_ms("until", self.until.as_deref())?,
        })
    }
}

/// Acts in the caller's part of the tree, newest first.
#[utoipa::path(tag = "audit", params(ListArgs), responses((status = 200, body = Listed<AuditEntry>), (status = 400, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/audit")]
async fn list(app: web::Data<App>, caller: Caller<can::AuditRead>, args: Args<ListArgs>) -> Result<web::Json<Listed<AuditEntry>>, Problem> {
    let page = page(args.limit, args.cursor.as_deref())?;
    if args.cursor.is_some() && page.after_number().is_none() {
        return Err(Problem::of(ProblemType::Malformed).because("cursor is one that a list gave"));
    }
    let filter = args.filter()?;
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let mut rows = journal::list_audit(conn, &caller.scope(), &filter, &page).await?;
    let counted = journal::count_audit(conn, &caller.scope(), &filter).await?;
    let next = page.cut(&mut rows, |row| (row.seq.unwrap_or_default().to_string(), row.id.clone()));
    let items = rows.into_iter().map(AuditEntry::try_from).collect::<Result<_, _>>()?;
    Ok(web::Json(listed(items, next, counted)))
}

/// The head of the chain, and the newest signature over one.
#[derive(Debug, Serialize, ToSchema)]
struct AuditHead {
    /// The last place; 0 where nothing has happened.
    seq: i64,
    /// Its hash.
    hash: String,
    /// The newest daily signature: over the text `day seq hash` of that day.
    signed: Option<SignedHead>,
}

/// A day's signature.
#[derive(Debug, Serialize, ToSchema)]
struct SignedHead {
    /// Asia/Shanghai.
    #[schema(example = "2026-11-23")]
    day: String,
    seq: i64,
    hash: String,
    signed_at: Moment,
    /// Ed25519, base64.
    signature: String,
    /// base64 of the 32 bytes.
    public_key: String,
}

/// The head of the chain, to be kept outside this system.
#[utoipa::path(tag = "audit", responses((status = 200, body = AuditHead)))]
#[get("/audit/head")]
async fn head(app: web::Data<App>, _caller: Caller<can::AuditRead>) -> Result<web::Json<AuditHead>, Problem> {
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let (seq, hash) = journal::audit_head(conn).await?.unwrap_or_default();
    let signed = audit_heads::newest(conn).await?.map(|row| SignedHead {
        day: row.day,
        seq: row.seq,
        hash: row.hash,
        signed_at: Moment(row.signed_at),
        signature: row.signature,
        public_key: row.public_key,
    });
    Ok(web::Json(AuditHead { seq, hash, signed }))
}

/// A key that signs exports and audit heads.
#[derive(Debug, Serialize, ToSchema)]
struct SigningKey {
    id: String,
    /// Always `Ed25519`.
    algorithm: &'static str,
    /// base64 of the 32 bytes.
    public_key: String,
    /// SHA-256 of the 32 bytes, hex: what `bright-kitchen verify --key` takes.
    fingerprint: String,
    created_at: Moment,
}

/// Public keys, newest first.
#[derive(Debug, Serialize, ToSchema)]
struct PublicKeys {
    items: Vec<SigningKey>,
}

/// The public keys of this server, to verify exported clips and signed audit heads with. For everybody.
#[utoipa::path(tag = "audit", security(()), responses((status = 200, body = PublicKeys)))]
#[get("/keys")]
async fn keys(app: web::Data<App>) -> Result<web::Json<PublicKeys>, Problem> {
    let rows = logins::signing_keys(&mut app.db.read().await?.conn()).await?;
    let public = |row: logins::SigningKeyRow| {
        let key = STANDARD.decode(&row.public_key).map_err(StoreError::damaged)?;
        Ok::<_, StoreError>(SigningKey {
            id: row.id,
            algorithm: "Ed25519",
            fingerprint: fingerprint(&key),
            public_key: row.public_key,
            created_at: Moment(row.created_at),
        })
    };
    Ok(web::Json(PublicKeys { items: rows.into_iter().map(public).collect::<Result<_, _>>()? }))
}
