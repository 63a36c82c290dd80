//! A throw-away PostgreSQL cluster: made once a test run in a temporary folder, reached over a Unix socket, ended by the
//! last test process through its own watchdog. PostgreSQL refuses to run as root; root starts it as `postgres`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Where Debian 12 keeps the server's programs.
const BIN: &str = "/usr/lib/postgresql/15/bin";
const START_DEADLINE: Duration = Duration::from_secs(60);

struct Cluster {
    socket: PathBuf,
}

/// The URL of a new, empty database.
pub fn fresh_database() -> String {
    database(false)
}

/// The same; a `durable` one waits for the disk at each commit, for measurements and for what is killed.
pub fn database(durable: bool) -> String {
    made(durable, "template0")
}

/// The URL of a new database like the one of this name, which nobody is connected to.
pub fn database_like(pattern: &str) -> String {
    made(false, pattern)
}

fn made(durable: bool, pattern: &str) -> String {
    static CLUSTERS: [OnceLock<Cluster>; 2] = [const { OnceLock::new() }; 2];
    let cluster = CLUSTERS[usize::from(durable)].get_or_init(|| start(durable));
    let name = format!("t{}", uuid::Uuid::now_v7().simple());
    let made = as_postgres(&format!("{BIN}/createdb -h {socket} -T {pattern} {name}", socket = cluster.socket.display())).status().unwrap();
    assert!(made.success(), "createdb failed");
    let host = cluster.socket.display().to_string().replace('/', "%2F");
    format!("postgres://postgres@{host}/{name}")
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    String::from_utf8_lossy(&id.stdout).trim() == "0"
}

/// A shell line as the user PostgreSQL may run as.
fn as_postgres(line: &str) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--", "sh", "-c", line]);
        command
    } else {
        let mut command = Command::new("sh");
        command.args(["-c", line]);
        command
    };
    command.current_dir("/tmp").env("PGUSER", "postgres").stdin(Stdio::null()).stdout(Stdio::null());
    command
}

fn start(durable: bool) -> Cluster {
    let fsync = if durable { "on" } else { "off" };
    let folder = tempfile::Builder::new().prefix("bk-pg-").tempdir_in("/tmp").unwrap().keep();
    if is_root() {
        let owned = Command::new("chown").arg("postgres").arg(&folder).status().unwrap();
        assert!(owned.success());
    }
    let (data, log) = (folder.join("data"), folder.join("log"));
    let made = as_postgres(&format!("{BIN}/initdb -D {} -U postgres --auth=trust --encoding=UTF8 --no-locale --no-sync", data.display()))
        .status()
        .unwrap();
    assert!(made.success(), "initdb failed: is PostgreSQL 15 installed? `make setup` does it");
    // The watchdog outlives a killed test run by a second at most: it ends the server and removes the folder.
    let parent = std::process::id();
    let line = format!(
        "{BIN}/postgres -D {data} -k {socket} -c listen_addresses= -c fsync={fsync} -c max_connections=300 -c logging_collector=off >{log} 2>&1 & server=$!; \
         while kill -0 $server 2>/dev/null && [ -d /proc/{parent} ]; do sleep 1; done; kill -INT $server 2>/dev/null; wait $server; rm -rf {folder}",
        data = data.display(),
        socket = folder.display(),
        log = log.display(),
        folder = folder.display(),
    );
    let watchdog = as_postgres(&line).stderr(Stdio::null()).spawn().unwrap();
    // It outlives this process on purpose, so nobody waits for it.
    std::mem::forget(watchdog);
    wait_for(&folder.join(".s.PGSQL.5432"), &log);
    Cluster { socket: folder }
}

fn wait_for(socket: &Path, log: &Path) {
    let deadline = Instant::now() + START_DEADLINE;
    let ready = || as_postgres(&format!("{BIN}/pg_isready -q -h {}", socket.parent().unwrap().display())).status().unwrap().success();
    while !(socket.exists() && ready()) {
        assert!(Instant::now() < deadline, "PostgreSQL did not start: {}", std::fs::read_to_string(log).unwrap_or_default());
        std::thread::sleep(Duration::from_millis(50));
    }
}
