//! The database is locked or away: recording goes on, and what happened meanwhile is in the index when it is back.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use e2e::{Program, decodes_cleanly, until};
use media::Supervisor;
use media::virtual_camera::Incident;

use super::SLOW;
use super::ward::{NEXT_ATTEMPT_MS, QUICK, Watched, add, now_ms, start_cameras, tiny};

/// How long it is away, as promised. It runs beside the other faults, and waits most of the time.
const AWAY: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_sqlite_delays_the_index_and_nothing_else() {
    through(None, |program| {
        // Another process begins to write and takes its time.
        const SCRIPT: &str = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); c.execute('BEGIN IMMEDIATE'); print('locked', flush=True); sys.stdin.read(); c.execute('ROLLBACK')";
        let mut holder = Command::new("python3")
            .args(["-c", SCRIPT])
            .arg(program.folder.path().join("bright-kitchen.db"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(holder.stdout.take().unwrap()), &mut said).unwrap();
        assert_eq!(said.trim(), "locked");
        Box::new(move || {
            drop(holder.stdin.take());
            assert!(holder.wait().unwrap().success());
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgresql_that_is_stopped_delays_the_index_and_nothing_else() {
    let cluster = Cluster::start();
    through(Some(cluster.url()), |_| {
        cluster.control(&["stop", "-m", "immediate"]);
        let data = cluster.folder.clone();
        Box::new(move || control(&data, &["start"]))
    })
    .await;
}

/// Takes the database away, lets a camera drop and come back meanwhile, and gives the database back.
async fn through(database_url: Option<String>, take_away: impl FnOnce(&Program) -> Box<dyn FnOnce() + Send>) {
    let supervisor = Supervisor::new();
    let server = start_cameras(&supervisor, vec![tiny("steady"), tiny("drops")]).await;
    let mut program = Program::start(database_url, &[QUICK, &[("SEGMENT_MS", "4000"), ("FRAGMENT_MS_MAX", "2000")]].concat()).await;
    let (steady, drops) = (add(&program, &server, "steady").await, add(&program, &server, "drops").await);
    for camera in [&steady, &drops] {
        camera.recording().await;
        camera.sends(40).await;
    }
    let give_back = take_away(&program);
    let away_ms = now_ms();
    drops.real.set(Incident::Drop).await.unwrap();
    // Shorter than what counts as a lost signal.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let back_ms = now_ms();
    drops.real.clear();
    tokio::time::sleep(AWAY.saturating_sub(Duration::from_secs(3))).await;
    give_back();
    eprintln!("the database was away for {} ms", now_ms() - away_ms);
    until("it is ready again", SLOW, || async {
        reqwest::get(format!("http://{}/readyz", program.address)).await.ok().filter(|answer| answer.status().is_success())
    })
    .await;
    let (steady, drops) = (steady.seen_by(&program).await, drops.seen_by(&program).await);
    // What happened while nobody could write it down is there, with the times when it happened.
    until("the gap is in the index", SLOW, || async { (!drops.gaps().await.is_empty()).then_some(()) }).await;
    eprintln!("{}", drops.left_gap(&["offline"], (away_ms, back_ms), NEXT_ATTEMPT_MS).await);
    whole(&steady).await;
    whole(&drops).await;
    assert_eq!(steady.gaps().await, []);
    assert!(program.stop(), "it stops in order");
    let (code, said) = program.run(&["check"]);
    assert_eq!(code, Some(0), "{said}");
    supervisor.shutdown(Duration::from_secs(5)).await;
}

async fn whole(camera: &Watched) {
    let span = camera.recorded().await;
    decodes_cleanly(camera.export(&span).await.path());
}

/// A PostgreSQL of our own, which can be stopped without stopping other tests.
struct Cluster {
    folder: PathBuf,
}

const BIN: &str = "/usr/lib/postgresql/15/bin";

impl Cluster {
    fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("bk-pg-").tempdir_in("/tmp").unwrap().keep();
        if is_root() {
            assert!(Command::new("chown").arg("postgres").arg(&folder).status().unwrap().success());
        }
        let cluster = Self { folder };
        let data = cluster.folder.join("data");
        as_postgres(&format!("{BIN}/initdb -D {} -U postgres --auth=trust --encoding=UTF8 --no-locale --no-sync", data.display()));
        cluster.control(&["start"]);
        cluster
    }

    fn url(&self) -> String {
        format!("postgres://postgres@{}/postgres", self.folder.display().to_string().replace('/', "%2F"))
    }

    fn control(&self, arguments: &[&str]) {
        control(&self.folder, arguments);
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.control(&["stop", "-m", "immediate"]);
        let _left_behind = std::fs::remove_dir_all(&self.folder);
    }
}

fn control(folder: &std::path::Path, arguments: &[&str]) {
    let folder = folder.display();
    let arguments = arguments.join(" ");
    as_postgres(&format!(
        "{BIN}/pg_ctl -w -D {folder}/data -l {folder}/log -o '-k {folder} -c listen_addresses= -c fsync=off' {arguments}"
    ));
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    String::from_utf8_lossy(&id.stdout).trim() == "0"
}

fn as_postgres(line: &str) {
    let mut command = if is_root() { Command::new("runuser") } else { Command::new("sh") };
    let arguments: &[&str] = if is_root() { &["-u", "postgres", "--", "sh", "-c"] } else { &["-c"] };
    let status = command.args(arguments).arg(line).current_dir("/tmp").stdin(Stdio::null()).stdout(Stdio::null()).status().unwrap();
    assert!(status.success(), "{line}");
}
