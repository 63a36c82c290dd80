//! The real program.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::json;

use crate::{Client, until};

/// The password of everybody in the tests.
pub const PASSWORD: &str = "clean-kitchen-2026";

/// A running `bright-kitchen serve` on a folder of its own, with `root`, who may everything that sets things up.
pub struct Program {
    pub folder: tempfile::TempDir,
    /// Where it listens now; another port after each start.
    pub address: String,
    database_url: Option<String>,
    settings: Vec<(String, String)>,
    environment: Vec<(String, String)>,
    /// What it is started with.
    serving: Vec<String>,
    child: Option<Child>,
}

const SERVE: [&str; 3] = ["serve", "--listen", "127.0.0.1:0"];
/// Until the program says where it is; the demo encodes its cameras' footage before, the first time on a machine.
const START_PATIENCE: Duration = Duration::from_secs(90);
const DEMO_PATIENCE: Duration = Duration::from_secs(400);

impl Program {
    /// Starts on an empty folder; `database_url` other than the folder's SQLite where given. `settings` are environment
    /// variables, without their prefix.
    pub async fn start(database_url: Option<String>, settings: &[(&str, &str)]) -> Self {
        Self::start_in(database_url, settings, &[]).await
    }

    /// The same with more in the environment of all that runs.
    pub async fn start_in(database_url: Option<String>, settings: &[(&str, &str)], environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let owned = |pairs: &[(&str, &str)]| pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let (settings, environment) = (owned(settings), owned(environment));
        let serving = SERVE.map(str::to_owned).to_vec();
        let mut program = Self { folder, address: String::new(), database_url, settings, environment, serving, child: None };
        let mut make = program.command(&[
            "admin",
            "create",
            "--username",
            "root",
            "--role",
            "administrator",
            "--role",
            "supervisor",
            "--password-stdin",
        ]);
        let mut make = make.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        make.stdin.take().unwrap().write_all(PASSWORD.as_bytes()).unwrap();
        assert!(make.wait().unwrap().success(), "admin create failed");
        program.serve().await;
        program
    }

    /// Starts the demo on an empty folder; its people sign in with [`Program::sign_in_as`].
    pub async fn start_demo() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The cameras' port is a part of their addresses, so it is the same at each start.
        let port = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let serving = ["demo", "--listen", "127.0.0.1:0", "--camera-port", &port.to_string()].map(str::to_owned).to_vec();
        let (settings, environment) = (Vec::new(), Vec::new());
        let mut program = Self { folder, address: String::new(), database_url: None, settings, environment, serving, child: None };
        program.serve().await;
        program
    }

    /// The program that is tested: named by the environment, else the one cargo built beside this test.
    fn path() -> PathBuf {
        std::env::var_os("BRIGHT_KITCHEN_PROGRAM").map_or_else(
            || {
                // target/debug/deps/e2e-… lies beside target/debug/bright-kitchen
                let mut path = std::env::current_exe().unwrap();
                path.pop();
                path.pop();
                path.join("bright-kitchen")
            },
            PathBuf::from,
        )
    }

    /// A command of the program with this folder and database.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(Self::path());
        command.args(args).env("BRIGHT_KITCHEN_DATA", self.folder.path()).env("BRIGHT_KITCHEN_LOG", "warn");
        // No file ends because a wall-clock slot does, unless a test is about that.
        command.env("BRIGHT_KITCHEN_SEGMENT_MS", "1000000000000000");
        // Nothing goes because the machine's own disk is nearly full, unless a test is about that.
        command.env("BRIGHT_KITCHEN_DISK_LOW_PERCENT", "0").env("BRIGHT_KITCHEN_RESERVE_PERCENT", "0");
        if let Some(url) = &self.database_url {
            command.env("BRIGHT_KITCHEN_DATABASE_URL", url);
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        for (name, value) in &self.settings {
            // Where a bucket is and who may use it goes by the names that all of its programs know.
            let prefix = if name.starts_with("AWS_") { "" } else { "BRIGHT_KITCHEN_" };
            command.env(format!("{prefix}{name}"), value);
        }
        command
    }

    /// Starts it again on the same folder and a free port, and waits until it is ready.
    pub async fn serve(&mut self) {
        let serving: Vec<&str> = self.serving.iter().map(String::as_str).collect();
        let patience = if serving[0] == "demo" { DEMO_PATIENCE } else { START_PATIENCE };
        let mut child = self.command(&serving).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let address = Arc::new(Mutex::new(None));
        for stream in [
            child.stdout.take().map(|out| Box::new(out) as Box<dyn std::io::Read + Send>),
            child.stderr.take().map(|err| Box::new(err) as _),
        ]
        .into_iter()
        .flatten()
        {
            let address = Arc::clone(&address);
            std::thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    if let Some(said) = line.strip_prefix("Bright Kitchen 明厨 is at http://") {
                        *address.lock().unwrap_or_else(PoisonError::into_inner) = Some(said.trim().to_owned());
                    }
                    eprintln!("    | {line}");
                }
            });
        }
        self.child = Some(child);
        self.address =
            until("the program says where it is", patience, || async { address.lock().unwrap_or_else(PoisonError::into_inner).clone() })
                .await;
        let url = format!("http://{}/readyz", self.address);
        until("the program is ready", Duration::from_secs(90), || async {
            reqwest::get(&url).await.ok().filter(|answer| answer.status().is_success())
        })
        .await;
    }

    /// Process id of the running program; panics when it does not run.
    pub fn id(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// Signs in.
    pub async fn sign_in(&self, username: &str) -> Client {
        self.sign_in_as(username, PASSWORD).await
    }

    /// The same with a password of one's own.
    pub async fn sign_in_as(&self, username: &str, password: &str) -> Client {
        let mut client = Client::new(&self.address);
        let (status, tokens) = client.post("/auth/login", &json!({"username": username, "password": password})).await;
        assert_eq!(status, 200, "{tokens}");
        client.token = tokens["access_token"].as_str().map(str::to_owned);
        client
    }

    /// Its process.
    pub fn process(&self) -> u32 {
        self.child.as_ref().map(Child::id).unwrap()
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Asks it to end, and gives whether it ended well.
    pub fn stop(&mut self) -> bool {
        let Some(mut child) = self.child.take() else { return true };
        let asked = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
        assert!(asked.success());
        child.wait().unwrap().success()
    }

    /// Runs a command to its end: exit code and what it printed.
    pub fn run(&self, args: &[&str]) -> (Option<i32>, String) {
        let output = self.command(args).output().unwrap();
        (output.status.code(), format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}
