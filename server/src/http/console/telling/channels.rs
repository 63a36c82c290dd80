//! `/channels`: the bureau's mail server and its gateway of text messages. Changed at the top; what is secret is never shown.

use actix_web::{HttpResponse, delete, get, post, put, web};
use mobile_api::field::Faults;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::Sent;
use crate::App;
use crate::auth::{Caller, can};
use crate::channels::mail::{self, ADDRESS_CHARS_MAX, Mail, MailServer, address};
use crate::channels::purpose;
use crate::channels::sms::{self, SmsGateway, SmsHeader, check_headers};
use crate::domain::telling::Channel;
use crate::http::{Body, Problem, ProblemBody, checked};
use crate::store::journal::{Act, Change, Entity};
use crate::store::{StoreError, notice_channels};

const PASSWORD_CHARS_MAX: usize = 500;
const PHONE_CHARS_MAX: usize = 50;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(read_mail).service(write_mail).service(remove_mail).service(test_mail);
    config.service(read_sms).service(write_sms).service(remove_sms).service(test_sms);
}

/// The mail server as it is set up.
#[derive(Debug, Serialize, ToSchema)]
struct MailChannel {
    /// `null` where none is.
    server: Option<MailServer>,
    /// A password is kept.
    has_password: bool,
    /// Whether the caller may change it.
    may_change: bool,
}

async fn kept<T: serde::de::DeserializeOwned>(app: &App, channel: Channel) -> Result<Option<(T, Option<String>)>, Problem> {
    let row = notice_channels::get(&mut app.db.read().await?.conn(), channel.as_str()).await?;
    let row = row.map(|row| Ok::<_, StoreError>((serde_json::from_str(&row.settings).map_err(StoreError::damaged)?, row.secret_sealed)));
    Ok(row.transpose()?)
}

/// Keeps a channel as whoever stands at the top set it up; `None` takes it away.
async fn keep(
    app: &App,
    caller: &Caller<can::SettingsManage>,
    channel: Channel,
    put: Option<(serde_json::Value, Option<String>)>,
) -> Result<(), Problem> {
    if !caller.scope().reaches_top() {
        return Err(Problem::forbidden());
    }
    let (at, actor, name) = (app.clock.wall_ms(), caller.actor.clone(), channel.as_str());
    app.db
        .write(move |tx| {
            Box::pin(async move {
                let detail = put.as_ref().map_or_else(|| json!({}), |(settings, _)| settings.clone());
                let action = if put.is_some() { "update" } else { "delete" };
                match put {
                    Some((settings, secret)) => notice_channels::put(tx, name, &settings.to_string(), secret.as_deref(), at).await?,
                    None if !notice_channels::delete(tx, name).await? => return Err(Problem::not_found()),
                    None => {}
                }
                tx.audit(at, Act { actor: &actor, action, entity: Some(("notice_channel", name)), path: "/", detail }).await?;
                tx.changed(at, Change::upsert(Entity::Setting, name, "/")).await?;
                Ok(())
            })
        })
        .await
}

/// The mail server.
#[utoipa::path(tag = "channels", responses((status = 200, body = MailChannel)))]
#[get("/channels/mail")]
async fn read_mail(app: web::Data<App>, caller: Caller<can::SettingsManage>) -> Result<web::Json<MailChannel>, Problem> {
    let found = kept::<MailServer>(&app, Channel::Mail).await?;
    let has_password = found.as_ref().is_some_and(|(_, secret)| secret.is_some());
    Ok(web::Json(MailChannel { server: found.map(|(server, _)| server), has_password, may_change: caller.scope().reaches_top() }))
}

/// A mail server to use from now on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"server": {"host": "127.0.0.1", "port": 9, "tls": "tls", "username": "alerts", "sender": "alerts@mail.example", "sender_name": "明厨", "certificate": null}, "password": "kitchen-post"}))]
struct MailChannelChange {
    server: MailServer,
    /// Kept as it is where absent.
    #[schema(max_length = 500)]
    password: Option<String>,
}

/// Sets the mail server up. Holds at once, for what waits too.
#[utoipa::path(tag = "channels", request_body = MailChannelChange,
    responses((status = 200, body = MailChannel), (status = 403, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[put("/channels/mail")]
async fn write_mail(
    app: web::Data<App>,
    caller: Caller<can::SettingsManage>,
    body: Body<MailChannelChange>,
) -> Result<web::Json<MailChannel>, Problem> {
    let MailChannelChange { server, password } = body.into_inner();
    let mut faults = Faults::new();
    faults.within("server", |faults| server.check(faults));
    faults.optional_text("password", password.as_deref(), PASSWORD_CHARS_MAX);
    checked(faults)?;
    let before = kept::<MailServer>(&app, Channel::Mail).await?;
    let secret = match (&server.username, password) {
        (None, _) => None,
        (Some(_), Some(password)) => Some(app.sealer.seal(&purpose(Channel::Mail), password.as_bytes())?),
        // A password goes to nobody but the server that it was given for.
        (Some(_), None) => before.filter(|(kept, _)| kept.host == server.host).and_then(|(_, secret)| secret),
    };
    let has_password = secret.is_some();
    let value = serde_json::to_value(&server).map_err(StoreError::damaged)?;
    keep(&app, &caller, Channel::Mail, Some((value, secret))).await?;
    Ok(web::Json(MailChannel { server: Some(server), has_password, may_change: true }))
}

/// Takes the mail server away: no mail goes out any more.
#[utoipa::path(tag = "channels", responses((status = 204), (status = 403, body = ProblemBody, content_type = "application/problem+json"), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[delete("/channels/mail")]
async fn remove_mail(app: web::Data<App>, caller: Caller<can::SettingsManage>) -> Result<HttpResponse, Problem> {
    keep(&app, &caller, Channel::Mail, None).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Where a test goes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"to": "li@mail.example"}))]
struct MailTest {
    #[schema(min_length = 3, max_length = 254)]
    to: String,
}

/// Sends a mail at once and says what the mail server answered.
#[utoipa::path(tag = "channels", request_body = MailTest,
    responses((status = 200, body = Sent), (status = 403, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/channels/mail/test")]
async fn test_mail(app: web::Data<App>, caller: Caller<can::SettingsManage>, body: Body<MailTest>) -> Result<web::Json<Sent>, Problem> {
    let to = body.into_inner().to.trim().to_owned();
    let mut faults = Faults::new();
    faults.text("to", &to, ADDRESS_CHARS_MAX);
    if address(&to).is_none() {
        faults.note_at("to", "format", "an e-mail address");
    }
    checked(faults)?;
    if !caller.scope().reaches_top() {
        return Err(Problem::forbidden());
    }
    let (id, subject) = (uuid::Uuid::now_v7().to_string(), "明厨：测试邮件 Bright Kitchen: a test");
    let text = "收到这封邮件，说明邮件通知可以使用。\nThis mail has come: notices can go out by mail.\n";
    Ok(web::Json(mail::send(&app, &Mail { id: &id, to: &to, subject, text }).await.into()))
}

/// The gateway of text messages as it is set up.
#[derive(Debug, Serialize, ToSchema)]
struct SmsChannel {
    /// `null` where none is.
    gateway: Option<SmsGateway>,
    /// Headers are kept.
    has_headers: bool,
    /// Whether the caller may change it.
    may_change: bool,
}

/// The gateway of text messages.
#[utoipa::path(tag = "channels", responses((status = 200, body = SmsChannel)))]
#[get("/channels/sms")]
async fn read_sms(app: web::Data<App>, caller: Caller<can::SettingsManage>) -> Result<web::Json<SmsChannel>, Problem> {
    let found = kept::<SmsGateway>(&app, Channel::Sms).await?;
    let has_headers = found.as_ref().is_some_and(|(_, secret)| secret.is_some());
    Ok(web::Json(SmsChannel { gateway: found.map(|(gateway, _)| gateway), has_headers, may_change: caller.scope().reaches_top() }))
}

/// A gateway to use from now on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"gateway": {"url": "http://127.0.0.1:9/send", "method": "POST", "content": "json", "body": "{\"to\": {phone}, \"content\": {text}, \"request_id\": {id}}", "accepted": null}, "headers": [{"name": "Authorization", "value": "Bearer kitchen"}]}))]
struct SmsChannelChange {
    gateway: SmsGateway,
    /// Kept as they are where absent.
    #[schema(max_items = 20)]
    headers: Option<Vec<SmsHeader>>,
}

/// Sets the gateway of text messages up.
#[utoipa::path(tag = "channels", request_body = SmsChannelChange,
    responses((status = 200, body = SmsChannel), (status = 403, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[put("/channels/sms")]
async fn write_sms(
    app: web::Data<App>,
    caller: Caller<can::SettingsManage>,
    body: Body<SmsChannelChange>,
) -> Result<web::Json<SmsChannel>, Problem> {
    let SmsChannelChange { gateway, headers } = body.into_inner();
    let mut faults = Faults::new();
    faults.within("gateway", |faults| gateway.check(faults));
    check_headers(headers.as_deref().unwrap_or_default(), &mut faults);
    checked(faults)?;
    let host = |url: &str| url.split(['/', '?', '#']).nth(2).map(str::to_owned);
    let secret = match headers {
        Some(headers) if headers.is_empty() => None,
        Some(headers) => {
            let bytes = serde_json::to_vec(&headers).map_err(StoreError::damaged)?;
            Some(app.sealer.seal(&purpose(Channel::Sms), &bytes)?)
        }
        // What is secret goes to nobody but the host that it was given for.
        None => kept::<SmsGateway>(&app, Channel::Sms)
            .await?
            .filter(|(kept, _)| host(&kept.url) == host(&gateway.url))
            .and_then(|(_, secret)| secret),
    };
    let has_headers = secret.is_some();
    let value = serde_json::to_value(&gateway).map_err(StoreError::damaged)?;
    keep(&app, &caller, Channel::Sms, Some((value, secret))).await?;
    Ok(web::Json(SmsChannel { gateway: Some(gateway), has_headers, may_change: true }))
}

/// Takes the gateway away: no text message goes out any more.
#[utoipa::path(tag = "channels", responses((status = 204), (status = 403, body = ProblemBody, content_type = "application/problem+json"), (status = 404, body = ProblemBody, content_type = "application/problem+json")))]
#[delete("/channels/sms")]
async fn remove_sms(app: web::Data<App>, caller: Caller<can::SettingsManage>) -> Result<HttpResponse, Problem> {
    keep(&app, &caller, Channel::Sms, None).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Where a test goes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"phone": "13800000000"}))]
struct SmsTest {
    #[schema(min_length = 1, max_length = 50)]
    phone: String,
}

/// Sends a text message at once and says what the gateway answered.
#[utoipa::path(tag = "channels", request_body = SmsTest,
    responses((status = 200, body = Sent), (status = 403, body = ProblemBody, content_type = "application/problem+json"), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
#[post("/channels/sms/test")]
async fn test_sms(app: web::Data<App>, caller: Caller<can::SettingsManage>, body: Body<SmsTest>) -> Result<web::Json<Sent>, Problem> {
    let phone = body.into_inner().phone.trim().to_owned();
    let mut faults = Faults::new();
    faults.text("phone", &phone, PHONE_CHARS_MAX);
    checked(faults)?;
    if !caller.scope().reaches_top() {
        return Err(Problem::forbidden());
    }
    let id = uuid::Uuid::now_v7().to_string();
    Ok(web::Json(sms::send(&app, &id, &phone, "明厨：测试短信").await.into()))
}
