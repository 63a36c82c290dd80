//! Somebody at the other end.

use reqwest::Method;
use serde_json::{Value, json};

use crate::PASSWORD;

/// A client with its token.
#[derive(Clone)]
pub struct Client {
    base: String,
    http: reqwest::Client,
    pub token: Option<String>,
}

impl Client {
    pub fn new(address: &str) -> Self {
        Self { base: format!("http://{address}/api/v1"), http: reqwest::Client::new(), token: None }
    }

    /// A request below `/api/v1`.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> (u16, Value) {
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        (status, serde_json::from_str(&response.text().await.unwrap()).unwrap_or(Value::Null))
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        self.send(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> (u16, Value) {
        self.send(self.request(Method::PATCH, path).json(body)).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> (u16, Value) {
        self.send(self.request(Method::PUT, path).json(body)).await
    }

    /// Bytes, with the headers of the answer.
    pub async fn bytes(&self, path: &str) -> (u16, reqwest::header::HeaderMap, Vec<u8>) {
        let response = self.request(Method::GET, path).send().await.unwrap();
        (response.status().as_u16(), response.headers().clone(), response.bytes().await.unwrap().to_vec())
    }

    /// What the program's clock says, RFC 3339.
    pub async fn server_time(&self) -> String {
        self.get("/me").await.1["server_time"].as_str().unwrap().to_owned()
    }

    /// Makes something and gives its id.
    pub async fn made(&self, path: &str, body: &Value) -> String {
        let (status, made) = self.post(path, body).await;
        assert_eq!(status, 201, "{path}: {made}");
        made["id"].as_str().unwrap().to_owned()
    }

    /// A district with an office and a premises below the tree that `root` stands at; ids of office and premises.
    pub async fn plant(&self) -> (String, String) {
        let (_, me) = self.get("/me").await;
        let (_, top) = self.get("/organizations?level=city").await;
        let city = top["items"][0]["id"].as_str().unwrap_or_else(|| panic!("a tree for {me}")).to_owned();
        let (_, districts) = self.get("/organizations?level=district").await;
        let district = match districts["items"][0]["id"].as_str() {
            Some(id) => id.to_owned(),
            None => self.made("/organizations", &json!({"name": "明湖区", "level": "district", "parent_id": city})).await,
        };
        let office = self.made("/organizations", &json!({"name": "东岸所", "level": "office", "parent_id": district})).await;
        let premises = self.made("/premises", &json!({"name": "东岸小学食堂", "kind": "school_canteen", "organization_id": office})).await;
        (office, premises)
    }

    /// Adds a person who has changed the password that was given; give the username to sign in with.
    pub async fn add_person(&self, username: &str, role: &str, node: &str) {
        let given = "given-by-the-administrator-1";
        self.made(
            "/users",
            &json!({"username": username, "display_name": username, "password": given, "grants": [{"role": role, "node_id": node}]}),
        )
        .await;
        let mut person = Self { token: None, ..self.clone() };
        let (_, tokens) = person.post("/auth/login", &json!({"username": username, "password": given})).await;
        person.token = tokens["access_token"].as_str().map(str::to_owned);
        let (status, answer) = person.post("/auth/password", &json!({"current_password": given, "new_password": PASSWORD})).await;
        assert_eq!(status, 200, "{answer}");
    }
}
