//! The application on a port of its own, and a client that speaks to it as people do.

use std::sync::{Arc, LazyLock};

use actix_web::{HttpServer, web};
use media::clock::SystemClock;
use media::supervise::Supervisor;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use server::App;
use server::domain::organization::Level;
use server::store::{Db, StoreError, organizations, users};
use uuid::Uuid;

use super::{Engine, made};

/// The password of everybody in the tests.
pub const PASSWORD: &str = "clean-kitchen-2026";

/// A running application with a tree: city > district > two offices, each with one premises.
pub struct TestApp {
    pub app: App,
    pub address: String,
    pub data: tempfile::TempDir,
    /// Ids and paths of the tree.
    pub city: Node,
    pub district: Node,
    pub office: Node,
    pub other_office: Node,
    pub premises: Node,
    pub other_premises: Node,
}

/// A node of the tree.
#[derive(Debug, Clone)]
pub struct Node {
    pub id: String,
    pub path: String,
}

impl TestApp {
    /// Starts on a fresh database.
    pub async fn start(engine: Engine) -> Self {
        Self::start_at(engine, Arc::new(SystemClock::new())).await
    }

    /// Starts on a fresh database with a clock that the test may step.
    pub async fn start_at(engine: Engine, clock: Arc<dyn media::Clock>) -> Self {
        Self::start_with(engine, clock, |_, _| ()).await
    }

    /// The same with something done to the application before its door opens; the second is its data folder.
    pub async fn start_with(engine: Engine, clock: Arc<dyn media::Clock>, prepare: impl FnOnce(&mut App, &std::path::Path)) -> Self {
        let data = tempfile::tempdir().unwrap();
        let url = match engine {
            Engine::Sqlite => made::on_sqlite(&data.path().join("test.db")).await,
            Engine::Postgres => made::on_postgres().await,
        };
        let supervisor = Supervisor::new();
        let db = Db::open(&url, &supervisor).await.unwrap();
        db.migrate().await.unwrap();
        let sequencer = db.clone();
        supervisor.once("sequencer", async move {
            let _ = sequencer.sequence().await;
        });
        let mut app = App::new(db, data.path(), None, clock).await.unwrap();
        prepare(&mut app, data.path());
        let shared = web::Data::new(app.clone());
        let server =
            HttpServer::new(move || server::http::build(shared.clone())).workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
        let address = format!("http://{}", server.addrs()[0]);
        actix_web::rt::spawn(server.run());
        let tree = plant(&app.db).await;
        let [city, district, office, other_office, premises, other_premises] = tree;
        Self { app, address, data, city, district, office, other_office, premises, other_premises }
    }

    /// Adds a person with `role` at `node` and signs in.
    pub async fn person(&self, role: &str, node: &Node) -> Client {
        let username = format!("u{}", &Uuid::now_v7().simple().to_string()[20..]);
        self.add_person(&username, &[(role, node)], false).await;
        self.sign_in(&username).await
    }

    /// Adds a person with grants; gives the id.
    pub async fn add_person(&self, username: &str, grants: &[(&str, &Node)], must_change_password: bool) -> String {
        static HASH: LazyLock<String> = LazyLock::new(quick_hash);
        let id = Uuid::now_v7();
        let user = users::NewUser {
            id,
            username: username.to_owned(),
            display_name: format!("测试 {username}"),
            phone: None,
            certificate_number: None,
            password_hash: HASH.clone(),
            must_change_password,
        };
        let grants: Vec<(String, Node)> = grants.iter().map(|(role, node)| ((*role).to_owned(), (*node).clone())).collect();
        self.app
            .db
            .write(move |tx| {
                Box::pin(async move {
                    users::insert(tx, &user, 1).await?;
                    for (role, node) in &grants {
                        users::grant(tx, &id.to_string(), role, &node.id, &node.path, None).await?;
                    }
                    Ok::<_, StoreError>(())
                })
            })
            .await
            .unwrap();
        id.to_string()
    }

    /// Signs in with the tests' password.
    pub async fn sign_in(&self, username: &str) -> Client {
        let mut client = self.nobody();
        let (status, tokens) = client.post("/auth/login", &json!({"username": username, "password": PASSWORD})).await;
        assert_eq!(status, StatusCode::OK, "{tokens}");
        client.token = tokens["access_token"].as_str().map(str::to_owned);
        client.refresh_token = tokens["refresh_token"].as_str().map(str::to_owned);
        client
    }

    /// A client that has not signed in.
    pub fn nobody(&self) -> Client {
        Client { base: self.address.clone(), http: http_client(), token: None, refresh_token: None, db: self.app.db.clone() }
    }
}

/// The tests' password, hashed with the least memory that argon2id has: a check costs what the stored hash says, and hundreds of
/// sign-ins at the full cost are minutes. Passwords that are set by the program cost what they cost.
fn quick_hash() -> String {
    use argon2::password_hash::{PasswordHasher as _, SaltString, rand_core::OsRng};
    let least = argon2::Params::new(argon2::Params::MIN_M_COST, 1, 1, None).unwrap();
    let hasher = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, least);
    hasher.hash_password(PASSWORD.as_bytes(), &SaltString::generate(&mut OsRng)).unwrap().to_string()
}

/// city > district > two offices with a premises each.
async fn plant(db: &Db) -> [Node; 6] {
    db.write(|tx| {
        Box::pin(async move {
            let node = |(id, path): (String, String)| Node { id, path };
            let city = node(organizations::insert(tx, "澄江市", Level::City, None, 1).await?);
            let district = node(organizations::insert(tx, "明湖区", Level::District, Some((&city.id, &city.path)), 1).await?);
            let office = node(organizations::insert(tx, "东岸市场监管所", Level::Office, Some((&district.id, &district.path)), 1).await?);
            let other = node(organizations::insert(tx, "西岸市场监管所", Level::Office, Some((&district.id, &district.path)), 1).await?);
            let premises = premises_of(tx, "东岸小学食堂", &office).await?;
            let other_premises = premises_of(tx, "西岸幼儿园食堂", &other).await?;
            Ok::<_, StoreError>([city, district, office, other, premises, other_premises])
        })
    })
    .await
    .unwrap()
}

async fn premises_of(tx: &mut server::store::Tx<'_>, name: &str, office: &Node) -> Result<Node, StoreError> {
    use server::store::premises::{PremisesData, insert};
    let data = PremisesData {
        organization_id: office.id.clone(),
        organization_path: office.path.clone(),
        kind: "school_canteen".to_owned(),
        name: name.to_owned(),
        address: None,
        point: Some((23.46, 116.75)),
        source_datum: Some("wgs84".to_owned()),
        school: None,
        diners: Some(300),
        risk_grade: Some("B".to_owned()),
        grid: None,
        code: None,
        service_hours: "[]".to_owned(),
        disabled: false,
    };
    let id = insert(tx, Uuid::now_v7(), &data, 1).await?;
    Ok(Node { path: format!("{}{id}/", office.path), id })
}

/// Somebody at the other end.
#[derive(Clone)]
pub struct Client {
    pub base: String,
    pub http: reqwest::Client,
    pub token: Option<String>,
    pub refresh_token: Option<String>,
    pub(super) db: Db,
}

/// A connection a request: what a refused upgrade does to its connection is nobody else's trouble.
fn http_client() -> reqwest::Client {
    reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap()
}

impl Client {
    /// Sends a request to a path below `/api/v1`; gives status and body (`null` where it is not JSON).
    pub async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> (StatusCode, Value) {
        let response = self.request(method, path, body).send().await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// A request with this client's token, to be refined.
    pub fn request(&self, method: Method, path: &str, body: Option<&Value>) -> reqwest::RequestBuilder {
        let mut request = self.http.request(method, format!("{}/api/v1{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        request
    }

    /// Whoever asks for the audit log gets what was done so far: PostgreSQL links its rows within a second of their commit.
    pub async fn get(&self, path: &str) -> (StatusCode, Value) {
        if path.starts_with("/audit") {
            self.linked().await;
        }
        self.send(Method::GET, path, None).await
    }

    async fn linked(&self) {
        for _ in 0..400 {
            let figures = server::store::figures::read(&mut self.db.read().await.unwrap().conn(), 0).await.unwrap();
            if figures.audit_unlinked == 0 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }

    pub async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        self.send(Method::POST, path, Some(body)).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        self.send(Method::PATCH, path, Some(body)).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        self.send(Method::PUT, path, Some(body)).await
    }
}
