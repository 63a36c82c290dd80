//! The real program from the command line: settings, first account, start, stop.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{Engine, postgres};

const DEADLINE: Duration = Duration::from_secs(30);
const PASSWORD: &str = "correct-horse-battery";

/// The program with nothing of this machine's settings.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bright-kitchen"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("BRIGHT_KITCHEN_")) {
        command.env_remove(name);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs it to its end.
pub(crate) fn run(args: &[&str], stdin: &str) -> Output {
    let mut child = program().args(args).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A running server; ended with the test.
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) url: String,
    /// What it printed up to and with the line that says where it is, and what follows within the same moment.
    pub(crate) said: Vec<String>,
    lines: std::sync::mpsc::Receiver<String>,
}

impl Running {
    pub(crate) fn start(data: &Path, more: &[&str]) -> Self {
        let mut child = program().args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data).args(more).spawn().unwrap();
        let (to, lines) = std::sync::mpsc::channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || out.lines().map_while(Result::ok).for_each(|line| drop(to.send(line))));
        let mut log = child.stderr.take().unwrap();
        let kept = std::thread::spawn(move || {
            let mut text = String::new();
            let _ = log.read_to_string(&mut text);
            text
        });
        let Ok(first) = lines.recv_timeout(DEADLINE) else {
            let _ = child.kill();
            panic!("it did not start: {}", kept.join().unwrap());
        };
        let url = first.rsplit(' ').next().unwrap().to_owned();
        Self { child, url, said: vec![first], lines }
    }

    /// The next line it prints.
    pub(crate) fn next_line(&mut self) -> String {
        let line = self.lines.recv_timeout(DEADLINE).unwrap();
        self.said.push(line.clone());
        line
    }

    pub(crate) fn signal(&self, name: &str) {
        assert!(Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap().success());
    }

    /// Waits for its end; gives the code.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(Instant::now() < deadline, "it does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        let response = reqwest::Client::new().post(format!("{}/api/v1{path}", self.url)).json(body).send().await.unwrap();
        (response.status(), response.json().await.unwrap_or(Value::Null))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn every_fault_of_the_settings_is_told_at_once() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "stall_ms = \"soon\"\nnonsense = 1\n").unwrap();
    let out = program()
        .args(["serve", "--listen", "0.0.0.0:0", "--retention-days", "0", "--config"])
        .arg(file.path())
        .env("BRIGHT_KITCHEN_CONNECT_LIMIT", "many")
        .output()
        .unwrap();
    let told = text(&out.stderr);
    assert_eq!(out.status.code(), Some(2), "{told}");
    for part in
        ["stall_ms is not", "\"nonsense\"", "BRIGHT_KITCHEN_CONNECT_LIMIT is not", "--listen is not loopback", "--retention-days is"]
    {
        assert!(told.contains(part), "{part:?} is missing in {told}");
    }
}

#[test]
fn flags_beat_the_environment_which_beats_the_file_which_beats_the_defaults() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "stall_ms = 1\nchunk_ms = 2\nsync_interval_ms = 3\n").unwrap();
    let out = program()
        .args(["serve", "--print-config", "--stall-ms", "11", "--database-url", "postgres://u:topsecret@h/d", "--config"])
        .arg(file.path())
        .env("BRIGHT_KITCHEN_STALL_MS", "111")
        .env("BRIGHT_KITCHEN_CHUNK_MS", "22")
        .output()
        .unwrap();
    let printed = text(&out.stdout);
    for line in
        ["stall_ms = \"11\"  # flag", "chunk_ms = \"22\"  # environment", "sync_interval_ms = \"3\"  # file", "segment_ms = \"600000\"\n"]
    {
        assert!(printed.contains(line), "{line:?} is missing in {printed}");
    }
    assert!(!printed.contains("topsecret") && printed.contains("postgres://u:***@h/d"), "{printed}");
}

#[test]
fn what_is_printed_can_be_read_back() {
    let printed = program().args(["serve", "--print-config"]).output().unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &printed.stdout).unwrap();
    let again = program().args(["serve", "--print-config", "--config"]).arg(file.path()).output().unwrap();
    assert_eq!(text(&again.stdout).replace("  # file", ""), text(&printed.stdout), "{}", text(&again.stderr));
}

#[test]
fn every_command_has_help_with_examples() {
    let help = text(&program().arg("--help").output().unwrap().stdout);
    let commands: Vec<&str> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert!(commands.len() >= 4, "{help}");
    for command in commands {
        let help = text(&program().args([command, "--help"]).output().unwrap().stdout);
        assert!(help.contains("Example") || help.contains("Commands:"), "{command}: {help}");
    }
}

async fn first_account_works(engine: Engine) {
    let data = tempfile::tempdir().unwrap();
    let database = match engine {
        Engine::Sqlite => format!("sqlite://{}", data.path().join("own.db").display()),
        Engine::Postgres => postgres::fresh_database(),
    };
    let place = ["--data", data.path().to_str().unwrap(), "--database-url", &database];
    let create = |username: &str, roles: &[&str], password: &str| {
        let mut args = vec!["admin", "create", "--username", username, "--password-stdin"];
        roles.iter().for_each(|role| args.extend(["--role", role]));
        args.extend(place);
        run(&args, &format!("{password}\n"))
    };
    let out = create("Wang", &["administrator", "supervisor"], PASSWORD);
    assert!(out.status.success(), "{}", text(&out.stderr));

    let mut server = Running::start(data.path(), &["--database-url", &database]);
    let (status, tokens) = server.post("/auth/login", &json!({"username": "wang", "password": PASSWORD})).await;
    assert_eq!((status, &tokens["password_change_required"]), (StatusCode::OK, &json!(false)), "{tokens}");
    let bearer = tokens["access_token"].as_str().unwrap();
    let me: Value =
        reqwest::Client::new().get(format!("{}/api/v1/me", server.url)).bearer_auth(bearer).send().await.unwrap().json().await.unwrap();
    let roles: Vec<&str> = me["grants"].as_array().unwrap().iter().map(|grant| grant["role"].as_str().unwrap()).collect();
    assert_eq!((roles, &me["grants"][0]["node_level"]), (vec!["administrator", "supervisor"], &json!("city")));

    // Beside the running server, and what is refused.
    assert!(create("li", &["auditor"], PASSWORD).status.success());
    assert_eq!(server.post("/auth/login", &json!({"username": "li", "password": PASSWORD})).await.0, StatusCode::OK);
    for (username, role, password, told) in [
        ("wang", "auditor", PASSWORD, "already"),
        ("zhao", "emperor", PASSWORD, "no role"),
        ("zhao", "auditor", "short", "10 to 128"),
        ("z z", "auditor", PASSWORD, "user name"),
    ] {
        let out = create(username, &[role], password);
        assert!(out.status.code() == Some(1) && text(&out.stderr).contains(told), "{username}: {}", text(&out.stderr));
    }
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0));
}

#[tokio::test]
async fn the_first_account_signs_in_sqlite() {
    first_account_works(Engine::Sqlite).await;
}

#[tokio::test]
async fn the_first_account_signs_in_postgres() {
    first_account_works(Engine::Postgres).await;
}

#[tokio::test]
async fn the_first_start_prints_a_link_that_works_once() {
    let data = tempfile::tempdir().unwrap();
    let mut server = Running::start(data.path(), &[]);
    let link = std::iter::repeat_with(|| server.next_line()).find(|line| line.contains("/setup?token=")).unwrap();
    let token = link.split("token=").nth(1).unwrap().to_owned();
    let body = |token: &str, username: &str| json!({"token": token, "username": username, "display_name": "王局", "password": PASSWORD, "city": "澄江市", "district": "明湖区"});
    assert_eq!(server.post("/setup", &body("wrong", "wang")).await.0, StatusCode::GONE);
    let (status, tokens) = server.post("/setup", &body(&token, "wang")).await;
    assert_eq!(status, StatusCode::OK, "{tokens}");
    assert!(tokens["access_token"].is_string());
    assert_eq!(server.post("/setup", &body(&token, "li")).await.0, StatusCode::GONE);
    let state: Value = reqwest::get(format!("{}/api/v1/setup", server.url)).await.unwrap().json().await.unwrap();
    assert_eq!(state, json!({"needed": false}));
}

#[test]
fn two_servers_do_not_share_a_data_folder() {
    let data = tempfile::tempdir().unwrap();
    let mut first = Running::start(data.path(), &[]);
    let second = program().args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data.path()).output().unwrap();
    assert!(second.status.code() == Some(1) && text(&second.stderr).contains("another bright-kitchen"), "{}", text(&second.stderr));
    first.signal("INT");
    assert_eq!(first.wait(), Some(0));
}

#[test]
fn a_year_of_working_days_is_taken_at_the_start_or_named_where_it_is_wrong() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("calendar/2027.json");
    std::fs::create_dir(file.parent().unwrap()).unwrap();
    let year = |weekend: &str| {
        let holidays = r#"[{"name": "元旦", "from": "2027-01-01", "to": "2027-01-03"}]"#;
        std::fs::write(&file, format!(r#"{{"year": 2027, "source": "test", "holidays": {holidays}, "working_weekends": [{weekend}]}}"#))
            .unwrap();
    };
    year(r#""2027-01-04""#);
    let out = program().args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data.path()).output().unwrap();
    let told = text(&out.stderr);
    assert!(out.status.code() == Some(1) && told.contains("2027.json: /working_weekends/0: 2027-01-04 is no weekend of 2027"), "{told}");
    year(r#""2027-01-09""#);
    let mut server = Running::start(data.path(), &[]);
    server.signal("INT");
    assert_eq!(server.wait(), Some(0));
}

#[tokio::test]
async fn phones_trust_the_local_authority_once() {
    let data = tempfile::tempdir().unwrap();
    let mut pem = String::new();
    for start in 0..2 {
        let server = Running::start(data.path(), &["--tls-self-signed"]);
        if start == 0 {
            pem = std::fs::read_to_string(data.path().join("tls/authority.pem")).unwrap();
        }
        // Only what the authority signed is believed: a fresh certificate each start, the same trust.
        let authority = reqwest::Certificate::from_pem(pem.as_bytes()).unwrap();
        let phone = reqwest::Client::builder().tls_built_in_root_certs(false).add_root_certificate(authority).build().unwrap();
        let page = phone.get(format!("{}/trust", server.url)).send().await.unwrap();
        assert_eq!(page.status(), StatusCode::OK);
        let text = page.text().await.unwrap();
        assert!(text.contains("<svg") && text.contains("SHA-256"), "{text}");
        let der = phone.get(format!("{}/trust/bright-kitchen.crt", server.url)).send().await.unwrap().bytes().await.unwrap();
        assert_eq!(reqwest::Certificate::from_der(&der).map(|_| ()).map_err(|error| error.to_string()), Ok(()));
        let stranger = reqwest::Client::builder().tls_built_in_root_certs(false).build().unwrap();
        assert!(stranger.get(format!("{}/trust", server.url)).send().await.is_err());
    }
}
