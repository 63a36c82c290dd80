//! The server's clock is set, by an hour each way, while it records. Debian's `faketime` shows the program another wall clock
//! than the machine's; where it is not installed the test says that it was left out.

use std::path::{Path, PathBuf};
use std::time::Duration;

use e2e::{Program, decodes_cleanly, left_out, packets, until};
use media::Supervisor;

use super::SLOW;
use super::ward::{QUICK, add, start_cameras, tiny};

pub(super) const LIBRARY: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_by_an_hour_each_way_costs_no_picture_and_begins_a_new_file() {
    if !Path::new(LIBRARY).exists() {
        left_out("another clock needs Debian's faketime");
        return;
    }
    let supervisor = Supervisor::new();
    let server = start_cameras(&supervisor, vec![tiny("kitchen")]).await;
    let shift = tempfile::NamedTempFile::new().unwrap();
    let set = |offset: &str| std::fs::write(shift.path(), format!("{offset}\n")).unwrap();
    set("+0");
    let path = shift.path().to_string_lossy().into_owned();
    let environment = [
        ("LD_PRELOAD", LIBRARY),
        ("FAKETIME_TIMESTAMP_FILE", path.as_str()),
        ("FAKETIME_CACHE_DURATION", "1"),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ("DONT_FAKE_MONOTONIC", "1"),
    ];
    let mut program = Program::start_in(None, QUICK, &environment).await;
    let mut camera = add(&program, &server, "kitchen").await;
    camera.recording().await;
    for (files, offset) in [(2, "+3600"), (3, "+0"), (4, "-3600")] {
        camera.sends(50).await;
        set(offset);
        camera.sends(30).await;
        until("a new file", SLOW, || async { (recorded(&program, &camera.id).len() >= files).then_some(()) }).await;
        // A session does not outlive the hour; a person signs in again.
        camera = camera.seen_by(&program).await;
        camera.recording().await;
    }
    camera.sends(50).await;
    let sent = i64::try_from(camera.real.totals().frames).unwrap();
    // What is under way when it stops need not be kept.
    camera.sends(10).await;
    assert_eq!(camera.real.totals().viewings, 1, "one connection");
    assert_eq!(camera.alerts().await, [""; 0]);
    assert_eq!(camera.gaps().await, []);
    assert!(program.stop(), "it stops in order");
    let files = recorded(&program, &camera.id);
    assert_eq!(files.len(), 4, "a file a clock");
    files.iter().for_each(|file| decodes_cleanly(file));
    let kept: i64 = files.iter().map(|file| packets(file)).sum();
    assert!(kept >= sent, "{kept} of {sent} pictures");
    let (code, said) = program.run(&["check"]);
    assert_eq!(code, Some(0), "{said}");
    supervisor.shutdown(Duration::from_secs(5)).await;
}

fn recorded(program: &Program, camera: &str) -> Vec<PathBuf> {
    let days = std::fs::read_dir(program.folder.path().join("recordings").join(camera)).into_iter().flatten().flatten();
    let files = days.filter(|day| day.path().is_dir()).flat_map(|day| std::fs::read_dir(day.path()).unwrap());
    files.map(|file| file.unwrap().path()).collect()
}
