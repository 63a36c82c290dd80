//! `/webhooks`: addresses that hear of alerts and inspections.

use actix_web::{HttpResponse, delete, get, patch, post, web};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mobile_api::Moment;
use mobile_api::field::Faults;
use rand::RngCore as _;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::App;
use crate::auth::{Caller, can};
use crate::domain::alert::kind_of;
use crate::http::{Args, Body, Id, Listed, Problem, ProblemBody, checked, listed, page};
use crate::outward::Policy;
use crate::store::journal::{Act, Change, Entity};
use crate::store::organizations;
use crate::store::webhooks::{self, EVENTS_FORMAT, OutboxRow, WEBHOOKS_MAX, WebhookData, WebhookRow};
use mobile_api::problem::ProblemType;

/// Kinds that one webhook may name.
const KINDS_MAX: usize = 64;
/// Classes that a robot may name.
const CLASSES_MAX: usize = 4;
const SECRET_BYTES: usize = 32;
/// Characters of a robot's own secret.
const SECRET_CHARS_MAX: usize = 200;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(list).service(create).service(change).service(remove).service(deliveries);
}

/// The purpose that a webhook's secret is sealed for.
pub(crate) fn purpose(id: &str) -> String {
    format!("webhook:{id}")
}

/// How an address is spoken to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum WebhookFormat {
    /// Every event as JSON, signed: for other systems.
    #[default]
    Events,
    /// A robot of a WeCom group (企业微信): what people are told, in words.
    Wecom,
    /// A robot of a DingTalk group (钉钉): the same, signed with its secret.
    #[serde(rename = "dingtalk")]
    DingTalk,
}

impl WebhookFormat {
    fn as_str(self) -> &'static str {
        match self {
            Self::Events => EVENTS_FORMAT,
            Self::Wecom => "wecom",
            Self::DingTalk => "dingtalk",
        }
    }

    fn named(word: &str) -> Self {
        [Self::Wecom, Self::DingTalk].into_iter().find(|format| format.as_str() == word).unwrap_or_default()
    }
}

/// An address that hears of alerts and inspections below the caller's part of the tree.
#[derive(Debug, Serialize, ToSchema)]
struct Webhook {
    id: String,
    #[schema(example = "https://receiver.example/alerts")]
    url: String,
    /// Kinds of alerts, and `inspection`; empty for everything.
    kinds: Vec<String>,
    format: WebhookFormat,
    /// Classes of alerts that a robot speaks of, 0 for devices; empty for all.
    classes: Vec<i64>,
    /// Where what it hears of happens: the organization's name.
    organization_name: Option<String>,
    enabled: bool,
    version: i64,
    created_at: Moment,
    updated_at: Moment,
    /// Signs deliveries; shown once, when it is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

impl From<WebhookRow> for Webhook {
    fn from(row: WebhookRow) -> Self {
        Self {
            kinds: serde_json::from_str(&row.kinds).unwrap_or_default(),
            format: WebhookFormat::named(&row.format),
            classes: serde_json::from_str(&row.classes).unwrap_or_default(),
            organization_name: row.organization_name,
            id: row.id,
            url: row.url,
            enabled: row.enabled,
            version: row.version,
            created_at: Moment(row.created_at),
            updated_at: Moment(row.updated_at),
            secret: None,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct PageArgs {
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    cursor: Option<String>,
}

/// Webhooks of the caller's part of the tree.
#[utoipa::path(tag = "webhooks", params(PageArgs), responses((status = 200, body = Listed<Webhook>), (status = 400, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/webhooks")]
async fn list(
    app: web::Data<App>,
    caller: Caller<can::WebhooksManage>,
    args: Args<PageArgs>,
) -> Result<web::Json<Listed<Webhook>>, Problem> {
    let page = page(args.limit, args.cursor.as_deref())?;
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let mut rows = webhooks::list(conn, &caller.scope(), &page).await?;
    let counted = webhooks::count(conn, &caller.scope()).await?;
    let next = page.cut(&mut rows, |row| (String::new(), row.id.clone()));
    Ok(web::Json(listed(rows.into_iter().map(Webhook::from).collect(), next, counted)))
}

/// A webhook to add.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"url": "http://127.0.0.1:9/alerts", "kinds": ["signal_lost", "black"], "enabled": true}))]
struct NewWebhook {
    /// http or https; it must lead into the networks that webhooks may be in.
    #[schema(max_length = 500)]
    url: String,
    /// Kinds of alerts, and `inspection`; none for everything.
    #[serde(default)]
    #[schema(max_items = 64)]
    kinds: Vec<String>,
    #[serde(default)]
    format: WebhookFormat,
    /// Classes of alerts that a robot speaks of, 0 for devices; none for all.
    #[serde(default)]
    #[schema(max_items = 4)]
    classes: Vec<i64>,
    /// The secret by which a DingTalk robot is signed for.
    #[schema(max_length = 200)]
    secret: Option<String>,
    /// Whose premises it hears of; absent: all of the caller's.
    organization_id: Option<Uuid>,
    enabled: Option<bool>,
}

/// Adds a webhook. Its secret is in this answer only; a robot has none, or the one that it was given.
///
/// Deliveries are POSTs of JSON with `Bright-Kitchen-Event-Id`, `Bright-Kitchen-Event` and
/// `Bright-Kitchen-Signature: t=SECONDS,v1=HEX`, where HEX is HMAC-SHA256 of `SECONDS.BODY` with the secret. Anything but a
/// 2xx is tried again with growing pauses, under the same id.
#[utoipa::path(tag = "webhooks", request_body = NewWebhook,
    responses((status = 201, body = Webhook), (status = 409, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/webhooks")]
async fn create(app: web::Data<App>, caller: Caller<can::WebhooksManage>, body: Body<NewWebhook>) -> Result<HttpResponse, Problem> {
    let body = body.into_inner();
    let Parts { url, kinds, classes } = parts(&app, &body.url, &body.kinds, &body.classes, body.format, body.secret.as_deref()).await?;
    let node = match body.organization_id {
        Some(id) => {
            let found = organizations::get(&mut app.db.read().await?.conn(), &caller.scope(), &id.to_string()).await?;
            found.map(|row| (row.path, Some(row.name)))
        }
        None => caller.scope().widest().map(|path| (path.to_owned(), None)),
    };
    let (path, organization_name) = match (node, body.organization_id) {
        (Some(node), _) => node,
        (None, Some(_)) => return Err(Problem::field("/organization_id", "unknown", "no organization of the caller's")),
        (None, None) => return Err(Problem::forbidden()),
    };
    let (id, at, actor) = (Uuid::now_v7().to_string(), app.clock.wall_ms(), caller.actor.clone());
    let secret = match body.format {
        WebhookFormat::Events => {
            let mut secret = [0_u8; SECRET_BYTES];
            rand::rng().fill_bytes(&mut secret);
            format!("whsec_{}", URL_SAFE_NO_PAD.encode(secret))
        }
        WebhookFormat::Wecom | WebhookFormat::DingTalk => body.secret.unwrap_or_default(),
    };
    let row = WebhookRow {
        secret_sealed: app.sealer.seal(&purpose(&id), secret.as_bytes())?,
        id,
        url,
        kinds,
        enabled: body.enabled.unwrap_or(true),
        path,
        format: body.format.as_str().to_owned(),
        classes,
        organization_name,
        version: 1,
        created_at: at,
        updated_at: at,
    };
    let stored = row.clone();
    app.db
        .write(move |tx| {
            Box::pin(async move {
                if webhooks::count(tx, &crate::auth::Scope::system()).await? >= WEBHOOKS_MAX {
                    return Err(Problem::of(ProblemType::Conflict).because(format!("there are {WEBHOOKS_MAX} webhooks already")));
                }
                webhooks::insert(tx, &stored).await?;
                tx.audit(
                    at,
                    Act {
                        actor: &actor,
                        action: "create",
                        entity: Some(("webhook", &stored.id)),
                        path: &stored.path,
                        detail: json!({"url": stored.url}),
                    },
                )
                .await?;
                tx.changed(at, Change::upsert(Entity::Webhook, &stored.id, &stored.path)).await?;
                Ok(())
            })
        })
        .await?;
    let secret = (body.format == WebhookFormat::Events).then_some(secret);
    Ok(HttpResponse::Created().json(Webhook { secret, ..row.into() }))
}

/// What is to change.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"version": 1, "enabled": false}))]
struct WebhookChange {
    /// The version that was read.
    version: i64,
    #[schema(max_length = 500)]
    url: Option<String>,
    #[schema(max_items = 64)]
    kinds: Option<Vec<String>>,
    /// Of a robot.
    #[schema(max_items = 4)]
    classes: Option<Vec<i64>>,
    /// Of a DingTalk robot; kept as it is where absent.
    #[schema(max_length = 200)]
    secret: Option<String>,
    enabled: Option<bool>,
}

/// Changes a webhook.
#[utoipa::path(tag = "webhooks", params(("id" = String, Path)), request_body = WebhookChange,
    responses((status = 200, body = Webhook), (status = 404, body = ProblemBody, content_type = "application/problem+json"), (status = 409, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[patch("/webhooks/{id}")]
async fn change(
    app: web::Data<App>,
    caller: Caller<can::WebhooksManage>,
    id: Id,
    body: Body<WebhookChange>,
) -> Result<web::Json<Webhook>, Problem> {
    let body = body.into_inner();
    let (scope, id) = (caller.scope(), id.to_string());
    let present = webhooks::get(&mut app.db.read().await?.conn(), &scope, &id).await?.ok_or_else(Problem::not_found)?;
    let kinds = body.kinds.unwrap_or_else(|| serde_json::from_str(&present.kinds).unwrap_or_default());
    let classes = body.classes.unwrap_or_else(|| serde_json::from_str(&present.classes).unwrap_or_default());
    let (wanted, format) = (body.url.as_deref().unwrap_or(&present.url), WebhookFormat::named(&present.format));
    let Parts { url, kinds, classes } = parts(&app, wanted, &kinds, &classes, format, body.secret.as_deref()).await?;
    let secret_sealed = body.secret.map(|secret| app.sealer.seal(&purpose(&id), secret.as_bytes())).transpose()?;
    let (at, actor) = (app.clock.wall_ms(), caller.actor.clone());
    let row = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                let before = webhooks::get(tx, &scope, &id).await?.ok_or_else(Problem::not_found)?;
                let enabled = body.enabled.unwrap_or(before.enabled);
                let data = WebhookData { url: url.clone(), kinds, classes, enabled, secret_sealed };
                if !webhooks::update(tx, &id, body.version, &data, at).await? {
                    return Err(Problem::stale(Webhook::from(before)));
                }
                tx.audit(
                    at,
                    Act {
                        actor: &actor,
                        action: "update",
                        entity: Some(("webhook", &id)),
                        path: &before.path,
                        detail: json!({"url": url, "enabled": body.enabled}),
                    },
                )
                .await?;
                tx.changed(at, Change::upsert(Entity::Webhook, &id, &before.path)).await?;
                webhooks::get(tx, &scope, &id).await?.ok_or_else(Problem::not_found)
            })
        })
        .await?;
    Ok(web::Json(row.into()))
}

/// Removes a webhook with all that it was to hear.
#[utoipa::path(tag = "webhooks", params(("id" = String, Path)), responses((status = 204), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[delete("/webhooks/{id}")]
async fn remove(app: web::Data<App>, caller: Caller<can::WebhooksManage>, id: Id) -> Result<HttpResponse, Problem> {
    let (scope, id, at, actor) = (caller.scope(), id.to_string(), app.clock.wall_ms(), caller.actor.clone());
    app.db
        .write(move |tx| {
            Box::pin(async move {
                let row = webhooks::get(tx, &scope, &id).await?.ok_or_else(Problem::not_found)?;
                webhooks::delete(tx, &id).await?;
                tx.audit(
                    at,
                    Act {
                        actor: &actor,
                        action: "delete",
                        entity: Some(("webhook", &id)),
                        path: &row.path,
                        detail: json!({"url": row.url}),
                    },
                )
                .await?;
                tx.changed(at, Change::upsert(Entity::Webhook, &id, &row.path).deleted()).await?;
                Ok::<_, Problem>(())
            })
        })
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Something a webhook was to hear.
#[derive(Debug, Serialize, ToSchema)]
struct Delivery {
    /// The event's id, the same at every try.
    id: String,
    #[schema(example = "alert.raised")]
    event: String,
    attempts: i64,
    /// waiting, delivered or failed
    state: &'static str,
    next_at: Option<Moment>,
    delivered_at: Option<Moment>,
    last_status: Option<i64>,
    last_error: Option<String>,
    created_at: Moment,
}

impl From<OutboxRow> for Delivery {
    fn from(row: OutboxRow) -> Self {
        let state = if row.delivered_at.is_some() {
            "delivered"
        } else if row.failed_at.is_some() {
            "failed"
        } else {
            "waiting"
        };
        Self {
            id: row.id,
            event: row.event,
            attempts: row.attempts,
            next_at: (state == "waiting").then_some(Moment(row.next_at)),
            state,
            delivered_at: row.delivered_at.map(Moment),
            last_status: row.last_status,
            last_error: row.last_error,
            created_at: Moment(row.created_at),
        }
    }
}

/// What a webhook was to hear, newest first.
#[utoipa::path(tag = "webhooks", params(("id" = String, Path), PageArgs), responses((status = 200, body = Listed<Delivery>), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[get("/webhooks/{id}/deliveries")]
async fn deliveries(
    app: web::Data<App>,
    caller: Caller<can::WebhooksManage>,
    id: Id,
    args: Args<PageArgs>,
) -> Result<web::Json<Listed<Delivery>>, Problem> {
    let page = page(args.limit, args.cursor.as_deref())?;
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let webhook = webhooks::get(conn, &caller.scope(), &id.to_string()).await?.ok_or_else(Problem::not_found)?;
    let mut rows = webhooks::deliveries(conn, &webhook.id, &page).await?;
    let counted = webhooks::count_deliveries(conn, &webhook.id).await?;
    let next = page.cut(&mut rows, |row| (String::new(), row.id.clone()));
    Ok(web::Json(listed(rows.into_iter().map(Delivery::from).collect(), next, counted)))
}

/// What is stored of what was sent.
struct Parts {
    url: String,
    kinds: String,
    classes: String,
}

/// The URL, the kinds and the classes as they are stored, where all are right.
async fn parts(
    app: &App,
    url: &str,
    kinds: &[String],
    classes: &[i64],
    format: WebhookFormat,
    secret: Option<&str>,
) -> Result<Parts, Problem> {
    let mut faults = Faults::new();
    let parsed = match Policy::parse(url) {
        Ok(parsed) => match app.webhook_policy.resolve(&parsed).await {
            Ok(_) => Some(parsed),
            Err(error) => {
                faults.note_at("url", "not_allowed", error.to_string());
                None
            }
        },
        Err(error) => {
            faults.note_at("url", "format", error.to_string());
            None
        }
    };
    faults.count("kinds", kinds.len(), KINDS_MAX);
    for (at, kind) in kinds.iter().enumerate().take(KINDS_MAX) {
        if ![webhooks::INSPECTION, webhooks::INCIDENT].contains(&kind.as_str()) && kind_of(kind).is_none() {
            faults.within("kinds", |faults| faults.note_at(at, "unknown", "neither a kind of alert nor inspection"));
        }
    }
    faults.count("classes", classes.len(), CLASSES_MAX);
    for (at, class) in classes.iter().enumerate().take(CLASSES_MAX) {
        if !(0..=3).contains(class) {
            faults.within("classes", |faults| faults.note_at(at, "out_of_range", "0 for devices, 1, 2 or 3"));
        }
    }
    if format == WebhookFormat::Events && !classes.is_empty() {
        faults.note_at("classes", "not_allowed", "robots choose by class, other systems by kind");
    }
    faults.optional_text("secret", secret, SECRET_CHARS_MAX);
    if format != WebhookFormat::DingTalk && secret.is_some() {
        faults.note_at("secret", "not_allowed", "a secret of their own is DingTalk robots'");
    }
    checked(faults)?;
    let stored = |text: Result<String, serde_json::Error>| text.unwrap_or_else(|_| "[]".to_owned());
    Ok(Parts {
        url: parsed.map(String::from).unwrap_or_default(),
        kinds: stored(serde_json::to_string(kinds)),
        classes: stored(serde_json::to_string(classes)),
    })
}
