//! `check`: what is stored against what is on the disk. Says every fault; with repair, mends what can be mended without
//! losing anything, and says what it did.
//!
//! It may run beside a server. What the server has open just then (segments that grow, rows that are not linked yet) is
//! then not judged; repair needs the data folder for itself. What a server that was killed had open is a note: its next start
//! closes and indexes that.

mod audit;
mod database;
mod files;
mod inspections;
mod receipts;
mod segments;
mod tallies;

pub use receipts::receipts;

use std::path::PathBuf;

use crate::config::Config;
use crate::files::{Files, FilesError};
use crate::store::{Db, StoreError};

/// Why the check itself could not go on.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file store.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// The recordings folder.
    #[error("recordings: {0}")]
    Recordings(String),
    /// Writing what is found.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// database, files, evidence, inspections, segments or audit.
    pub part: &'static str,
    /// In words, with what it is about.
    pub detail: String,
    /// What repair did about it.
    pub repaired: Option<String>,
}

/// How it is with the server whose data is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// It has stopped in order, or there was none yet.
    Stopped,
    /// It was killed, or lost its power, and did not start since.
    Killed,
    /// It runs.
    Running,
}

/// What is looked at, and what was found.
pub struct Check<'a> {
    db: &'a Db,
    files: &'a Files,
    recordings: Vec<PathBuf>,
    known_disks: PathBuf,
    data: PathBuf,
    repair: bool,
    /// A server is using the data folder.
    running: bool,
    /// The last server was killed: what it had open is as it was then, and its next start mends that.
    killed: bool,
    report: Report,
}

/// The findings.
#[derive(Debug, Default)]
pub struct Report {
    /// In the order of finding.
    pub faults: Vec<Fault>,
    /// Worth knowing, not wrong.
    pub notes: Vec<String>,
    /// Files in the store that were hashed.
    pub files: u64,
    /// Recorded files that were looked at.
    pub segments: u64,
    /// Inspections that were compared with their receipts.
    pub receipts: u64,
    /// Rows of the audit chain that were hashed.
    pub audit_rows: u64,
}

impl Report {
    /// Faults that are still there.
    pub fn left(&self) -> usize {
        self.faults.iter().filter(|fault| fault.repaired.is_none()).count()
    }
}

impl<'a> Check<'a> {
    /// A check of a database and the folders that belong to it.
    pub fn new(db: &'a Db, files: &'a Files, config: &Config, repair: bool, server: Server) -> Self {
        let running = server == Server::Running;
        Self {
            db,
            files,
            recordings: config.recordings(),
            known_disks: config.known_disks(),
            data: config.data.clone(),
            repair: repair && !running,
            running,
            killed: server == Server::Killed,
            report: Report::default(),
        }
    }

    /// Looks at everything.
    pub async fn run(mut self) -> Result<Report, CheckError> {
        self.database().await?;
        self.stored_files().await?;
        self.evidence().await?;
        self.receipts().await?;
        self.findings().await?;
        self.tallies().await?;
        self.segments().await?;
        self.audit().await?;
        Ok(self.report)
    }

    fn fault(&mut self, part: &'static str, detail: impl Into<String>) {
        self.report.faults.push(Fault { part, detail: detail.into(), repaired: None });
    }

    fn repaired(&mut self, part: &'static str, detail: impl Into<String>, done: impl Into<String>) {
        self.report.faults.push(Fault { part, detail: detail.into(), repaired: Some(done.into()) });
    }
}
