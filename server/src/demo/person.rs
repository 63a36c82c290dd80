//! People of the demo at the application's own door: what they do goes through the same API that phones and desks use.

use std::path::Path;
use std::time::Duration;

use actix_web::{HttpServer, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mobile_api::template::TemplateBody;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::accounts;
use super::history::HistoryError;
use crate::App;

/// How long to wait for the first picture of a camera.
const PICTURE_WAIT: Duration = Duration::from_secs(90);
/// Pause between looks.
const LOOK_PAUSE: Duration = Duration::from_millis(500);

/// A door of its own on loopback spares it certificates and proxies; the handlers are the same.
pub(super) fn open_door(app: &App) -> Result<(String, actix_web::dev::ServerHandle), HistoryError> {
    let shared = web::Data::new(app.clone());
    // A server is built on one thread and then runs on its own; only its handle crosses.
    let server = HttpServer::new(move || crate::http::build(shared.clone())).workers(1).disable_signals().bind(("127.0.0.1", 0))?;
    let base = format!("http://{}/api/v1", server.addrs().first().ok_or(HistoryError::Lacks("a port"))?);
    let server = server.run();
    let door = server.handle();
    app.supervisor.once("demo history door", async move {
        let _ = server.await;
    });
    Ok((base, door))
}

/// A checklist as it is used.
pub(super) struct Checklist {
    pub(super) id: String,
    pub(super) version: i64,
    pub(super) body: TemplateBody,
}

/// Somebody at the application's door.
pub(super) struct Person {
    base: String,
    http: reqwest::Client,
    token: String,
    pub(super) id: String,
    pub(super) name: String,
}

impl Person {
    pub(super) async fn sign_in(data: &Path, base: String, username: &'static str) -> Result<Self, HistoryError> {
        let account =
            accounts::read(data)?.into_iter().find(|account| account.username == username).ok_or(HistoryError::Lacks("an account"))?;
        let http = reqwest::Client::new();
        let mut person = Self { base, http, token: String::new(), id: String::new(), name: account.name };
        let (_, tokens) =
            person.send(Method::POST, "/auth/login", Some(json!({"username": account.username, "password": account.password}))).await?;
        person.token = text(&tokens, "access_token")?;
        let (_, me) = person.send(Method::GET, "/me", None).await?;
        person.id = text(&me, "id")?;
        Ok(person)
    }

    pub(super) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base)).bearer_auth(&self.token)
    }

    pub(super) async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Result<(StatusCode, Value), HistoryError> {
        let mut request = self.request(method.clone(), path);
        if let Some(body) = &body {
            request = request.json(body);
        }
        answered(request, &method, path).await
    }

    /// The same with a key, by which a request that comes again after an interruption is known.
    pub(super) async fn send_once(&self, method: Method, path: &str, key: &str, body: Value) -> Result<(StatusCode, Value), HistoryError> {
        answered(self.request(method.clone(), path).header("idempotency-key", key).json(&body), &method, path).await
    }

    /// The newest checklist with this code.
    pub(super) async fn checklist(&self, code: &str) -> Result<Checklist, HistoryError> {
        let (_, templates) = self.send(Method::GET, "/templates", None).await?;
        let listed = templates["items"]
            .as_array()
            .and_then(|items| items.iter().find(|item| item["code"] == code))
            .ok_or(HistoryError::Lacks("the template"))?;
        let id = text(listed, "id")?;
        let (_, whole) = self.send(Method::GET, &format!("/templates/{id}"), None).await?;
        let body = serde_json::from_value(whole["body"].clone()).map_err(|_| HistoryError::Lacks("a template body"))?;
        Ok(Checklist { id, version: listed["version"].as_i64().unwrap_or(1), body })
    }

    /// A picture of a camera, once it sends one.
    pub(super) async fn picture(&self, camera: Uuid) -> Result<Vec<u8>, HistoryError> {
        let deadline = std::time::Instant::now() + PICTURE_WAIT;
        loop {
            let response = self.request(Method::GET, &format!("/cameras/{camera}/snapshot.jpg?width=960")).send().await?;
            if response.status().is_success() {
                return Ok(response.bytes().await?.to_vec());
            }
            if std::time::Instant::now() > deadline {
                return Err(HistoryError::Lacks("a picture"));
            }
            tokio::time::sleep(LOOK_PAUSE).await;
        }
    }

    /// Brings a file to an inspection as a phone does: tus, the whole of it with its creation.
    pub(super) async fn bring(&self, inspection: Uuid, evidence: &Value, bytes: Vec<u8>) -> Result<(), HistoryError> {
        let path = "/uploads";
        let told = |name: &str, value: &str| format!("{name} {}", STANDARD.encode(value));
        let metadata = [
            told("inspection_id", &inspection.to_string()),
            told("evidence_id", &text(evidence, "id")?),
            told("sha256", &text(evidence, "sha256")?),
            told("filetype", &text(evidence, "filetype")?),
        ];
        let length = bytes.len();
        let request = self
            .request(Method::POST, path)
            .header("tus-resumable", "1.0.0")
            .header("upload-length", length)
            .header("upload-metadata", metadata.join(","))
            .header("content-type", "application/offset+octet-stream")
            .body(bytes);
        let response = request.send().await?;
        let arrived = response.headers().get("upload-offset").and_then(|offset| offset.to_str().ok()?.parse().ok());
        let status = response.status();
        if !status.is_success() || arrived != Some(length) {
            let body = response.text().await?;
            return Err(HistoryError::Refused { method: Method::POST, path: path.to_owned(), status, body });
        }
        Ok(())
    }
}

async fn answered(request: reqwest::RequestBuilder, method: &Method, path: &str) -> Result<(StatusCode, Value), HistoryError> {
    let response = request.send().await?;
    let status = response.status();
    let body = response.text().await?;
    if !status.is_success() {
        return Err(HistoryError::Refused { method: method.clone(), path: path.to_owned(), status, body });
    }
    Ok((status, serde_json::from_str(&body).unwrap_or(Value::Null)))
}

pub(super) fn text(value: &Value, name: &'static str) -> Result<String, HistoryError> {
    value[name].as_str().map(str::to_owned).ok_or(HistoryError::Lacks(name))
}
