//! `/me/notices`: how the caller is told, and the address that is theirs.

use actix_web::{HttpResponse, delete, get, post, put, web};
use mobile_api::Moment;
use mobile_api::field::Faults;
use mobile_api::problem::ProblemType;
use rand::Rng as _;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::Sent;
use crate::App;
use crate::auth::{Caller, can};
use crate::channels::mail::{self, ADDRESS_CHARS_MAX, Mail, address, code_hash};
use crate::channels::push;
use crate::domain::telling::{Channel, Preferences};
use crate::http::{Body, Id, Problem, ProblemBody, checked};
use crate::outward::URL_CHARS_MAX;
use crate::store::journal::Act;
use crate::store::notice_ways::SubscriptionRow;
use crate::store::{StoreError, deliveries, notice_channels, notice_ways};

/// Topics that a list names at most: all of them.
const TOPICS_MAX: usize = 9;
const CODE_CHARS_MAX: usize = 32;
/// Characters of a browser's keys, and of a proof.
const KEY_CHARS_MAX: usize = 128;
/// Of the name of a push.
const ID_CHARS_MAX: usize = 64;
/// How long a code is good, ms.
const CODE_MS: i64 = 30 * 60_000;
/// Wrong ones after which it is good for nothing.
const CODE_TRIES_MAX: i64 = 5;
/// Between two codes to one person, ms.
const CODE_PAUSE_MS: i64 = 60_000;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(read).service(choose).service(begin_mail).service(confirm_mail).service(remove_mail);
    config.service(subscribe).service(unsubscribe).service(received);
}

/// How the caller is told.
#[derive(Debug, Serialize, ToSchema)]
struct OwnNotices {
    preferences: Preferences,
    /// 0 before anything was chosen.
    version: i64,
    /// The address that is proven to be theirs.
    mail: Option<String>,
    /// One that a code was sent to.
    pending_mail: Option<String>,
    /// As the bureau keeps it.
    phone: Option<String>,
    /// What the bureau has set up.
    channels: Vec<Channel>,
    /// Browsers that wake for them, at most ten: as long as they stay signed in there.
    browsers: Vec<WokenBrowser>,
    /// What a browser subscribes with.
    push_key: Option<String>,
}

/// A browser that wakes for somebody.
#[derive(Debug, Serialize, ToSchema)]
struct WokenBrowser {
    id: String,
    /// console or phone
    #[schema(example = "phone")]
    client: String,
    /// As the browser named itself.
    agent: Option<String>,
    /// Its address at the push service, by which a page knows its own.
    endpoint: String,
    since: Moment,
}

impl From<SubscriptionRow> for WokenBrowser {
    fn from(row: SubscriptionRow) -> Self {
        Self { id: row.id, client: row.client, agent: row.agent, endpoint: row.endpoint, since: Moment(row.created_at) }
    }
}

async fn own(app: &App, user_id: &str) -> Result<OwnNotices, Problem> {
    let push_key = push::public_key(app).await.ok();
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let row = notice_ways::get(conn, user_id).await?;
    Ok(OwnNotices {
        preferences: row.as_ref().map(notice_ways::WaysRow::chosen).transpose()?.unwrap_or_default(),
        version: row.as_ref().map_or(0, |row| row.version),
        mail: row.as_ref().and_then(|row| row.mail.clone()),
        pending_mail: row.and_then(|row| row.pending_mail),
        phone: notice_ways::phone(conn, user_id).await?,
        channels: notice_channels::names(conn).await?.iter().filter_map(|name| Channel::named(name)).collect(),
        browsers: notice_ways::subscriptions(conn, user_id).await?.into_iter().map(WokenBrowser::from).collect(),
        push_key,
    })
}

/// How the caller is told of notices, beside the console and the phone.
#[utoipa::path(tag = "notices", responses((status = 200, body = OwnNotices)))]
#[get("/me/notices")]
async fn read(app: web::Data<App>, caller: Caller<can::SignedIn>) -> Result<web::Json<OwnNotices>, Problem> {
    Ok(web::Json(own(&app, &caller.user_id.to_string()).await?))
}

/// What the caller chooses.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"version": 0, "preferences": {"mail": ["class_1", "class_2", "class_3"], "push": ["class_1"], "sms": [], "quiet": {"from": "22:00", "to": "07:00"}, "digest_at": "08:00", "language": "zh-CN"}}))]
struct NoticeChoice {
    /// The version that was read.
    version: i64,
    preferences: Preferences,
}

/// Chooses which notices come by which way, and when.
#[utoipa::path(tag = "notices", request_body = NoticeChoice,
    responses((status = 200, body = OwnNotices), (status = 409, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[put("/me/notices")]
async fn choose(app: web::Data<App>, caller: Caller<can::SignedIn>, body: Body<NoticeChoice>) -> Result<web::Json<OwnNotices>, Problem> {
    let NoticeChoice { version, preferences } = body.into_inner();
    let mut faults = Faults::new();
    faults.within("preferences", |faults| {
        for (name, list) in [("mail", &preferences.mail), ("push", &preferences.push), ("sms", &preferences.sms)] {
            faults.count(name, list.len(), TOPICS_MAX);
        }
        preferences.check(faults);
    });
    checked(faults)?;
    let (user_id, at, chosen) = (caller.user_id.to_string(), app.clock.wall_ms(), preferences.tidy());
    let user = user_id.clone();
    let kept = app.db.write_apart(move |tx| Box::pin(async move { notice_ways::choose(tx, &user, version, &chosen, at).await })).await?;
    let present = own(&app, &user_id).await?;
    if kept { Ok(web::Json(present)) } else { Err(Problem::stale(present)) }
}

/// An address to prove.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"address": "li@mail.example"}))]
struct OwnAddress {
    #[schema(min_length = 3, max_length = 254)]
    address: String,
}

/// Sends a code to an address, which is the caller's once the code has come back. One that is proven stays until then.
#[utoipa::path(tag = "notices", request_body = OwnAddress,
    responses((status = 200, body = Sent), (status = 422, body = ProblemBody, content_type = "application/problem+json"), (status = 429, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/me/notices/mail")]
async fn begin_mail(app: web::Data<App>, caller: Caller<can::SignedIn>, body: Body<OwnAddress>) -> Result<web::Json<Sent>, Problem> {
    let wanted = body.into_inner().address.trim().to_owned();
    let mut faults = Faults::new();
    faults.text("address", &wanted, ADDRESS_CHARS_MAX);
    if address(&wanted).is_none() {
        faults.note_at("address", "format", "an e-mail address");
    }
    checked(faults)?;
    let (user_id, at) = (caller.user_id.to_string(), app.clock.wall_ms());
    let before = notice_ways::get(&mut app.db.read().await?.conn(), &user_id).await?;
    let language = before.as_ref().map(notice_ways::WaysRow::chosen).transpose()?.unwrap_or_default().language;
    let wait_ms = before.and_then(|row| row.code_sent_at).map_or(0, |sent| sent + CODE_PAUSE_MS - at);
    if wait_ms > 0 {
        return Err(Problem::of(ProblemType::RateLimited).with("retry_after_s", (wait_ms / 1_000).max(1)));
    }
    let code = format!("{:06}", rand::rng().random_range(0..1_000_000));
    let subject = language.of("明厨：邮箱验证码 {}", "Bright Kitchen: your code is {}").replace("{}", &code);
    let text = language.of(
        "验证码：{}\n\n在“我的账户”中输入，30 分钟内有效。如果不是您本人操作，请忽略本邮件。\n",
        "Your code: {}\n\nEnter it under “My account” within 30 minutes. If it was not you who asked, do nothing.\n",
    );
    let text = text.replace("{}", &code);
    let id = uuid::Uuid::now_v7().to_string();
    let outcome = mail::send(&app, &Mail { id: &id, to: &wanted, subject: &subject, text: &text }).await;
    if outcome.is_ok() {
        let hash = code_hash(&app.sealer, &user_id, &wanted, &code);
        app.db.write_apart(move |tx| Box::pin(async move { notice_ways::begin_mail(tx, &user_id, &wanted, &hash, at).await })).await?;
    }
    Ok(web::Json(outcome.into()))
}

/// The code that came.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"code": "123456"}))]
struct MailCode {
    #[schema(max_length = 32)]
    code: String,
}

/// Proves the address by the code that was sent to it. Five wrong ones, or half an hour, and another has to be sent.
#[utoipa::path(tag = "notices", request_body = MailCode,
    responses((status = 200, body = OwnNotices), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/me/notices/mail/confirm")]
async fn confirm_mail(app: web::Data<App>, caller: Caller<can::SignedIn>, body: Body<MailCode>) -> Result<web::Json<OwnNotices>, Problem> {
    let given: String = body.into_inner().code.chars().filter(|character| !character.is_whitespace()).collect();
    let mut faults = Faults::new();
    faults.text("code", &given, CODE_CHARS_MAX);
    checked(faults)?;
    let (user_id, at, actor, sealer) = (caller.user_id.to_string(), app.clock.wall_ms(), caller.actor.clone(), app.sealer.clone());
    let user = user_id.clone();
    let is_right = app
        .db
        .write(move |tx| {
            Box::pin(async move {
                let Some(row) = notice_ways::get(tx, &user).await? else { return Ok(false) };
                let good = row.code_tries < CODE_TRIES_MAX && row.code_sent_at.is_some_and(|sent| sent + CODE_MS > at);
                let (Some(pending), true) = (row.pending_mail, good) else { return Ok(false) };
                if row.code_hash.as_deref() != Some(&code_hash(&sealer, &user, &pending, &given)) {
                    notice_ways::wrong_code(tx, &user).await?;
                    return Ok(false);
                }
                notice_ways::prove_mail(tx, &user, at).await?;
                let detail = json!({"mail": pending});
                tx.audit(at, Act { actor: &actor, action: "update", entity: Some(("notice_ways", &user)), path: "/", detail }).await?;
                Ok::<_, StoreError>(true)
            })
        })
        .await?;
    if !is_right {
        return Err(Problem::field("/code", "wrong", "not the code that was sent, or one that is good no longer"));
    }
    Ok(web::Json(own(&app, &user_id).await?))
}

/// Takes the address away: no mail comes any more.
#[utoipa::path(tag = "notices", responses((status = 204)))]
#[delete("/me/notices/mail")]
async fn remove_mail(app: web::Data<App>, caller: Caller<can::SignedIn>) -> Result<HttpResponse, Problem> {
    let (user_id, at, actor) = (caller.user_id.to_string(), app.clock.wall_ms(), caller.actor.clone());
    app.db
        .write(move |tx| {
            Box::pin(async move {
                notice_ways::remove_mail(tx, &user_id, at).await?;
                let act = Act {
                    actor: &actor,
                    action: "update",
                    entity: Some(("notice_ways", &user_id)),
                    path: "/",
                    detail: json!({"mail": null}),
                };
                tx.audit(at, act).await
            })
        })
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// What a browser says of its subscription.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"endpoint": "https://push.example/send/one", "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4", "auth": "BTBZMqHH6r4Tts7J_aSIgg"}))]
struct BrowserKeys {
    /// At a push service that the bureau lets in.
    #[schema(max_length = 500)]
    endpoint: String,
    /// Its public key, base64url.
    #[schema(max_length = 128)]
    p256dh: String,
    /// Its secret, base64url.
    #[schema(max_length = 128)]
    auth: String,
}

/// Wakes this browser for the caller from now on, as long as they stay signed in there.
#[utoipa::path(tag = "notices", request_body = BrowserKeys,
    responses((status = 200, body = OwnNotices), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/me/notices/push")]
async fn subscribe(app: web::Data<App>, caller: Caller<can::SignedIn>, body: Body<BrowserKeys>) -> Result<web::Json<OwnNotices>, Problem> {
    let given = body.into_inner();
    let mut faults = Faults::new();
    faults.text("endpoint", &given.endpoint, URL_CHARS_MAX);
    faults.text("p256dh", &given.p256dh, KEY_CHARS_MAX);
    faults.text("auth", &given.auth, KEY_CHARS_MAX);
    if let Err(error) = app.push_services.parse(&given.endpoint) {
        faults.note_at("endpoint", "not_allowed", error.to_string());
    }
    let keys = push::keys(&given.p256dh, &given.auth);
    if keys.is_none() {
        faults.note_at("p256dh", "format", "a browser's key and secret");
    }
    checked(faults)?;
    let (user_id, id) = (caller.user_id.to_string(), uuid::Uuid::now_v7().to_string());
    let row = SubscriptionRow {
        auth_sealed: app.sealer.seal(&push::auth_purpose(&id), &keys.map(|keys| keys.1).unwrap_or_default())?,
        id,
        user_id: user_id.clone(),
        session_id: caller.session_id.to_string(),
        endpoint: given.endpoint,
        p256dh: given.p256dh.trim_end_matches('=').to_owned(),
        created_at: app.clock.wall_ms(),
        agent: None,
        client: String::new(),
    };
    app.db.write_apart(move |tx| Box::pin(async move { notice_ways::subscribe(tx, &row).await })).await?;
    Ok(web::Json(own(&app, &user_id).await?))
}

/// Lets a browser sleep.
#[utoipa::path(tag = "notices", params(("id" = String, Path)), responses((status = 204), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[delete("/me/notices/push/{id}")]
async fn unsubscribe(app: web::Data<App>, caller: Caller<can::SignedIn>, id: Id) -> Result<HttpResponse, Problem> {
    let (user_id, id) = (caller.user_id.to_string(), id.to_string());
    let found = app.db.write_apart(move |tx| Box::pin(async move { notice_ways::unsubscribe(tx, &user_id, &id).await })).await?;
    if found { Ok(HttpResponse::NoContent().finish()) } else { Err(Problem::not_found()) }
}

/// What a browser proves by that a message has come: both stood in the message, which was encrypted for it alone.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"id": "01928f6e-0000-7000-8000-000000000130", "proof": "a4b1"}))]
struct PushReceived {
    #[schema(max_length = 64)]
    id: String,
    #[schema(max_length = 128)]
    proof: String,
}

/// Says that a push has come. A service worker has no sign-in; nothing tells whoever guesses whether they guessed right.
#[utoipa::path(tag = "notices", security(()), request_body = PushReceived, responses((status = 204), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/push/received")]
async fn received(app: web::Data<App>, body: Body<PushReceived>) -> Result<HttpResponse, Problem> {
    let PushReceived { id, proof } = body.into_inner();
    let mut faults = Faults::new();
    faults.optional_text("id", Some(&id), ID_CHARS_MAX);
    faults.optional_text("proof", Some(&proof), KEY_CHARS_MAX);
    checked(faults)?;
    if proof == push::proof(&app.sealer, &id) {
        let at = app.clock.wall_ms();
        app.db.write_apart(move |tx| Box::pin(async move { deliveries::received(tx, &id, at).await.map(|_| ()) })).await?;
    }
    Ok(HttpResponse::NoContent().finish())
}
