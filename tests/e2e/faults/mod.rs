//! Every fault of cameras, disks, databases and of the program itself, through the real program.
//!
//! Cameras share one program and one virtual server, because most of a fault's time is waiting: each suffers its own fault
//! at the same time as the others do theirs, and a fault that spilled over would show. What a camera sent, and when, is what
//! the recording is held against.

mod away;
mod clock;
mod database;
mod disk;
mod hostile;
mod odd;
mod process;
mod ward;

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, join_all};
use media::Supervisor;

use ward::Ward;

/// Nothing takes longer on a machine that works, however busy it is.
const SLOW: Duration = Duration::from_secs(90);

/// A camera's fault: what it is called, and what is done and asserted.
type Case<'a> = (&'static str, BoxFuture<'a, String>);

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_of_a_camera_leaves_the_gap_it_should_and_nothing_else() {
    let supervisor = Supervisor::new();
    let ward = Ward::open(&supervisor, [away::cameras(), odd::cameras(), hostile::cameras()].concat()).await;
    let cases: Vec<Case<'_>> = away::cases(&ward).into_iter().chain(odd::cases(&ward)).chain(hostile::cases(&ward)).collect();
    let outcomes = join_all(cases.into_iter().map(|(name, case)| async move { (name, AssertUnwindSafe(case).catch_unwind().await) })).await;
    let mut failed = Vec::new();
    for (name, outcome) in &outcomes {
        match outcome {
            Ok(said) => eprintln!("{name:40} {said}"),
            Err(panic) => failed.push(format!("{name}: {}", words(panic.as_ref()))),
        }
    }
    assert!(failed.is_empty(), "{} of {} failed:\n{}", failed.len(), outcomes.len(), failed.join("\n"));
    ward.close(&supervisor).await;
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_else(|| "panicked".to_owned())
}
