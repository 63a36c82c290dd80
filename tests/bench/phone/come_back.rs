//! A hundred officers come back on line at once, each with twenty inspections and a hundred photos of 300 KB.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::accept::{PHOTO_BYTES, jpeg};
use super::bureau::Bureau;
use super::http::Line;
use super::made::Photo;
use crate::table::Table;

const OFFICERS: usize = 100;
const INSPECTIONS: usize = 20;
/// Of each inspection.
const PHOTOS: usize = 5;
/// How often the program's memory is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(300);

pub(crate) async fn measure(table: &mut Table) {
    let bureau = Arc::new(Bureau::start(None, OFFICERS, 40).await);
    let jpeg = Arc::new(jpeg(PHOTO_BYTES));
    let (most, done) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let looking = {
        let (most, done, id) = (most.clone(), done.clone(), bureau.program.id());
        std::thread::spawn(move || {
            while !done.load(Ordering::Relaxed) {
                most.fetch_max(crate::usage::pss_bytes(id).unwrap_or(0), Ordering::Relaxed);
                std::thread::sleep(LOOK_EVERY);
            }
        })
    };
    let began = Instant::now();
    let mut running = tokio::task::JoinSet::new();
    for officer in 0..OFFICERS {
        let (bureau, jpeg) = (bureau.clone(), jpeg.clone());
        running.spawn(async move {
            let mut line = Line::open(&bureau.program.address).await;
            for _ in 0..INSPECTIONS {
                let photos: Vec<Photo> = (0..PHOTOS).map(|_| Photo::like(&jpeg)).collect();
                let made = bureau.made(officer, &photos);
                for request in &made.requests {
                    line.send(request).await.expect("accepted");
                }
                // Sent again, as by a phone that did not hear the answer.
                let again = line.send(&made.again).await.expect("the same again");
                assert_eq!(again.json()["state"], "complete", "{}", made.id);
            }
        });
    }
    running.join_all().await;
    let took = began.elapsed();
    done.store(true, Ordering::Relaxed);
    looking.join().unwrap();
    let most = most.load(Ordering::Relaxed) as f64 / 1e6;
    let client = format!(
        "{:.0} inspections and {:.0} photos a second",
        per(OFFICERS * INSPECTIONS, took),
        per(OFFICERS * INSPECTIONS * PHOTOS, took)
    );
    let complete = counted(&bureau).await;
    let measured = format!(
        "{complete} of {} complete in {:.0} s ({client}), most memory {most:.0} MB (PSS)",
        OFFICERS * INSPECTIONS,
        took.as_secs_f64()
    );
    table.judged(
        "100 officers back at once, each with 20 inspections and 100 photos of 300 KB",
        "all accepted, none doubled, memory under 300 MB",
        &measured,
        "—",
        complete == OFFICERS * INSPECTIONS && most < 300.0,
    );
}

fn per(count: usize, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}

/// Inspections that are complete, counted in the exported list.
async fn counted(bureau: &Bureau) -> usize {
    let root = bureau.program.sign_in("root").await;
    let (status, _, list) = root.bytes("/exports/inspections.csv?state=complete").await;
    assert_eq!(status, 200);
    let ids: std::collections::HashSet<&[u8]> =
        list.split(|byte| *byte == b'\n').skip(1).filter_map(|line| line.split(|byte| *byte == b',').next()).collect();
    ids.into_iter().filter(|id| id.len() == 36).count()
}
