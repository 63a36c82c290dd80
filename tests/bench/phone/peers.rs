//! What is measured in the same run: PocketBase, and `@tus/server`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use super::http::{self, Line, Reply};
use crate::children::Helper;

const EMAIL: &str = "root@bench.test";
const WORD: &str = "a-long-enough-word-1";

fn cache() -> PathBuf {
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache/bright-kitchen");
    std::env::var_os("BRIGHT_KITCHEN_CACHE").map_or_else(home, PathBuf::from)
}

fn free_port() -> u16 {
    std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

async fn listening(address: &str) -> bool {
    for _ in 0..200 {
        if tokio::net::TcpStream::connect(address).await.is_ok() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    false
}

/// PocketBase with a collection of inspections: users only, one record an id.
pub(crate) struct PocketBase {
    _folder: tempfile::TempDir,
    _process: Helper,
    pub(crate) address: String,
    /// A user's.
    pub(crate) token: String,
}

impl PocketBase {
    /// `None` where it is not installed, with why on standard error.
    pub(crate) async fn start() -> Option<Self> {
        let program = cache().join("tools/python/bin/pocketbase");
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data").to_str().unwrap().to_owned();
        let made = Command::new(&program).args(["superuser", "upsert", EMAIL, WORD, "--dir", &data]).stdout(Stdio::null()).status();
        if !made.is_ok_and(|status| status.success()) {
            eprintln!("   PocketBase does not run ({}); `.ci/bench` installs it", program.display());
            return None;
        }
        let address = format!("127.0.0.1:{}", free_port());
        let mut serve = Command::new(&program);
        // It would write its collections down beside the folder, and make them again at the next start.
        serve.args(["serve", "--dir", &data, "--http", &address, "--automigrate=false"]).stdout(Stdio::null()).stderr(Stdio::null());
        let process = Helper::start(&mut serve);
        assert!(listening(&address).await, "PocketBase listens");
        let mut line = Line::open(&address).await;
        let token = |reply: Reply| reply.json()["token"].as_str().unwrap().to_owned();
        let sign_in = |collection: &str| {
            http::json(
                "POST",
                &format!("/api/collections/{collection}/auth-with-password"),
                None,
                &json!({"identity": EMAIL, "password": WORD}),
            )
        };
        let root = token(line.send(&sign_in("_superusers")).await.expect("a superuser"));
        let user = json!({"email": EMAIL, "password": WORD, "passwordConfirm": WORD, "verified": true});
        line.send(&http::json("POST", "/api/collections/users/records", Some(&root), &user)).await.expect("a user");
        let rule = "@request.auth.id != ''";
        let field = |name: &str| json!({"name": name, "type": "json", "maxSize": 1_000_000});
        let collection = json!({"name": "inspections", "type": "base", "createRule": rule, "viewRule": rule, "listRule": rule,
            "fields": [{"name": "uid", "type": "text", "required": true}, field("header"), field("content"), field("result")],
            "indexes": ["CREATE UNIQUE INDEX one_inspection ON inspections (uid)"]});
        line.send(&http::json("POST", "/api/collections", Some(&root), &collection)).await.expect("a collection");
        let token = token(line.send(&sign_in("users")).await.expect("a login"));
        Some(Self { _folder: folder, _process: process, address, token })
    }

    /// The request that stores a record.
    pub(crate) fn create(&self, record: &Value) -> Vec<u8> {
        http::json("POST", "/api/collections/inspections/records", Some(&self.token), record)
    }
}

/// `@tus/server` with its file store.
pub(crate) struct Tus {
    _folder: tempfile::TempDir,
    _process: Helper,
    pub(crate) address: String,
}

impl Tus {
    /// `None` where it is not installed.
    pub(crate) async fn start() -> Option<Self> {
        let script = Path::new("tests/bench/peers/tus.mjs");
        if !Path::new("tests/bench/peers/node_modules/@tus/server").is_dir() {
            eprintln!("   @tus/server is not installed; `.ci/bench` does it");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let mut serve = Command::new("node");
        serve.arg(script).arg(port.to_string()).arg(folder.path()).stdout(Stdio::null());
        let process = Helper::start(&mut serve);
        let address = format!("127.0.0.1:{port}");
        listening(&address).await.then_some(Self { _folder: folder, _process: process, address })
    }
}
