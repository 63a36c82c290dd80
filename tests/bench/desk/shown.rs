//! From an alert that is raised to its row in two hundred open consoles. A console is what the page is to the server: a stream of
//! changes, and at each change of an alert the first rows of the inbox and the counts beside it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use e2e::Client;
use futures::StreamExt as _;
use serde_json::json;
use tokio::sync::{Barrier, broadcast};

use crate::figures::{median, percentile};
use crate::phone::bureau::Bureau;
use crate::phone::http::{self, Line};
use crate::table::Table;
use crate::usage::cpu_s;

/// People, and consoles that each has open.
const PEOPLE: usize = 20;
const OPEN: usize = 10;
/// Alerts that are raised, one after the other.
const ALERTS: usize = 15;
/// Between them.
const PAUSE: Duration = Duration::from_secs(2);
/// A console that has not shown it by then does not.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) async fn measure(table: &mut Table) {
    let bureau = Bureau::start(None, PEOPLE, 1).await;
    let camera = json!({"name": "灶台", "premises_id": bureau.premises[0], "source_url": "rtsp://127.0.0.1:9/x", "enabled": false});
    let camera = bureau.root.made("/cameras", &camera).await;
    let (tell, _) = broadcast::channel(4);
    let ready = Arc::new(Barrier::new(PEOPLE * OPEN + 1));
    let mut consoles = tokio::task::JoinSet::new();
    for number in 0..PEOPLE * OPEN {
        let mut client = bureau.root.clone();
        client.token = bureau.officers[number % PEOPLE].token.strip_prefix("Bearer ").map(str::to_owned);
        let address = bureau.program.address.clone();
        consoles.spawn(console(client, address, tell.subscribe(), ready.clone()));
    }
    ready.wait().await;
    let (cpu, began) = (cpu_s(bureau.program.id()).unwrap(), Instant::now());
    for number in 0..ALERTS {
        let finding = json!({"class": 3, "text": format!("未戴工帽 {number}")});
        let raised = Instant::now();
        let (status, found) = bureau.root.post(&format!("/cameras/{camera}/findings"), &finding).await;
        assert_eq!(status, 201, "{found}");
        tell.send((found["alert_id"].as_str().unwrap().to_owned(), raised)).unwrap();
        tokio::time::sleep(PAUSE).await;
    }
    let share = (cpu_s(bureau.program.id()).unwrap() - cpu) / began.elapsed().as_secs_f64();
    drop(tell);
    let shown: Vec<f64> = consoles.join_all().await.into_iter().flatten().collect();
    let all = PEOPLE * OPEN * ALERTS;
    table.judged(
        "an alert that is raised is shown in an open console, 200 consoles open",
        "p95 at most 1 s",
        &format!(
            "p50 {:.0} ms, p95 {:.0} ms; {} of {all} shown; {share:.2} cores, an alert every 2 s",
            median(&shown),
            percentile(&shown, 0.95),
            shown.len()
        ),
        "—",
        shown.len() == all && percentile(&shown, 0.95) <= 1_000.0,
    );
}

/// Milliseconds from each alert's raising until this console has its row.
async fn console(desk: Client, address: String, mut told: broadcast::Receiver<(String, Instant)>, ready: Arc<Barrier>) -> Vec<f64> {
    let events = desk.request(reqwest::Method::GET, "/events").send().await.unwrap();
    assert!(events.status().is_success(), "{}", events.status());
    let mut events = events.bytes_stream();
    let token = format!("Bearer {}", desk.token.as_deref().unwrap_or_default());
    let ask = |path: &str| http::request("GET", path, Some(&token), &[], b"");
    let inbox = ask("/api/v1/alerts?state=raised&one_a_cause=true&limit=50");
    let counts = ask("/api/v1/overview");
    let mut line = Line::open(&address).await;
    ready.wait().await;
    let mut shown = Vec::new();
    while let Ok((id, raised)) = told.recv().await {
        // What the stream says is heard first: it may be of the alert before, and then the row is not there yet.
        while let Ok(Some(Ok(heard))) = tokio::time::timeout(PATIENCE.saturating_sub(raised.elapsed()), events.next()).await {
            if !String::from_utf8_lossy(&heard).contains("\"alert\"") {
                continue;
            }
            let rows = line.send(&inbox).await.expect("rows").json();
            let _counts = line.send(&counts).await.expect("counts");
            if rows["items"].as_array().is_some_and(|rows| rows.iter().any(|row| row["id"] == id.as_str())) {
                shown.push(raised.elapsed().as_secs_f64() * 1_000.0);
                break;
            }
        }
    }
    shown
}
