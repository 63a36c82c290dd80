//! The real program with cameras on it.

use std::collections::BTreeMap;
use std::time::Duration;

use e2e::{Client, Program, until};
use serde_json::{Value, json};

use crate::cameras::Cameras;
use crate::usage::children;

/// A program that records all cameras.
pub(crate) struct Site {
    pub(crate) program: Program,
    /// Somebody who sees everything.
    pub(crate) desk: Client,
    /// Path of the virtual camera by the program's id of it.
    pub(crate) path_of: BTreeMap<String, String>,
}

impl Site {
    /// Starts the program and adds the cameras; waits until every one is recorded.
    pub(crate) async fn start(cameras: &Cameras, settings: &[(&str, &str)]) -> Self {
        let program = Program::start(None, settings).await;
        let root = program.sign_in("root").await;
        let (office, premises) = root.plant().await;
        root.add_person("desk", "supervisor", &office).await;
        let desk = program.sign_in("desk").await;
        let mut path_of = BTreeMap::new();
        for path in cameras.paths() {
            let camera = json!({"name": path, "premises_id": premises, "source_url": cameras.url(path)});
            path_of.insert(root.made("/cameras", &camera).await, path.clone());
        }
        let site = Self { program, desk, path_of };
        site.all_record().await;
        site
    }

    /// Waits until every camera is recorded.
    pub(crate) async fn all_record(&self) {
        let all = self.path_of.len();
        until("every camera is recorded", Duration::from_secs(180), || async { (self.recording().await == all).then_some(()) }).await;
    }

    /// Signs in again: a login lasts a quarter of an hour.
    pub(crate) async fn renew(&mut self) {
        self.desk = self.program.sign_in("desk").await;
    }

    /// How many cameras are recorded.
    pub(crate) async fn recording(&self) -> usize {
        let (_, page) = self.desk.get("/cameras?state=recording&limit=1").await;
        usize::try_from(page["total"].as_u64().unwrap_or_else(|| panic!("a count in {page}"))).unwrap()
    }

    /// The serving process.
    pub(crate) fn server(&self) -> u32 {
        self.program.id()
    }

    /// The analysis processes.
    pub(crate) fn analysis(&self) -> Vec<u32> {
        children(self.server())
    }

    /// The program's id of the camera at a path.
    pub(crate) fn id_of(&self, path: &str) -> &str {
        self.path_of.iter().find(|(_, known)| *known == path).map(|(id, _)| id.as_str()).unwrap()
    }

    /// Of all fragments written since the program started: those within so many milliseconds, and all.
    pub(crate) async fn writes_within(&self, ms: u64) -> (u64, u64) {
        let url = format!("http://{}/metrics", self.program.address);
        let text = reqwest::get(url).await.unwrap().text().await.unwrap();
        let within = format!("bright_kitchen_write_seconds_bucket{{le=\"{}\"}} ", ms as f64 / 1_000.0);
        let value = |start: &str| text.lines().find_map(|line| line.strip_prefix(start)?.trim().parse().ok());
        (value(&within).unwrap_or(0), value("bright_kitchen_write_seconds_count ").unwrap_or(0))
    }

    /// Alerts of some kinds that were raised since, newest first, at most 1,000.
    pub(crate) async fn alerts(&self, kinds: &str, since_ms: i64) -> Vec<Value> {
        let mut found = Vec::new();
        let mut cursor = String::new();
        for _ in 0..5 {
            let (status, mut page) = self.desk.get(&format!("/alerts?kind={kinds}&since={}&limit=200{cursor}", moment(since_ms))).await;
            assert_eq!(status, 200, "{page}");
            found.append(page["items"].as_array_mut().unwrap());
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        found
    }
}

/// Now, milliseconds UTC.
pub(crate) fn now_ms() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(now.as_millis()).unwrap()
}

/// A moment as the contract writes it.
pub(crate) fn moment(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).unwrap().to_string()
}
