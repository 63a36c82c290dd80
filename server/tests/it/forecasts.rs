//! The disk, days before it is full: those who look after the system are told, once in a while, and the health page says so.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use media::record::space::{DiskSpace, Space};
use media::{Clock as _, Engine, EngineConfig, EngineParts, SegmentInfo, SimulatedClock, Supervisor};
use server::App;
use server::jobs::look_ahead;
use uuid::Uuid;

use crate::support::{ENGINES, TestApp};

const MONDAY_MS: i64 = 1_795_363_200_000;
const DAY_MS: i64 = 86_400_000;
const GB: u64 = 1_000_000_000;

/// A disk that says what a test wants.
#[derive(Debug)]
struct SaidDisk {
    free_bytes: AtomicU64,
}

impl DiskSpace for SaidDisk {
    fn space(&self, _: &Path) -> std::io::Result<Space> {
        Ok(Space { free_bytes: self.free_bytes.load(Ordering::Relaxed), total_bytes: 1_000 * GB })
    }
}

#[actix_web::test]
async fn people_are_told_days_before_the_disk_is_full() {
    for engine in ENGINES {
        let clock = Arc::new(SimulatedClock::new(MONDAY_MS));
        let app = TestApp::start_at(engine, clock.clone()).await;
        let supervisor = Supervisor::new();
        let disk = Arc::new(SaidDisk { free_bytes: AtomicU64::new(700 * GB) });
        let config = EngineConfig {
            retention_days: 90,
            retention_interval_ms: 1_000_000_000_000,
            ..EngineConfig::new(app.data.path().join("recordings"))
        };
        let parts = EngineParts { disk: disk.clone(), opener: None };
        let (recorder, _events) = Engine::start_with(config, &supervisor, clock.clone(), parts).unwrap();
        let with_engine = App { engine: Some(recorder.clone()), ..app.app.clone() };
        let record = |day: i64| {
            // Ten cameras of 2 GB a day.
            for camera in 0..10_u128 {
                let start_ms = MONDAY_MS + day * DAY_MS;
                let (path, id) = (format!("{camera}/{day}.mp4"), Uuid::now_v7());
                let segment = SegmentInfo {
                    id,
                    disk: Uuid::nil(),
                    path,
                    start_ms,
                    end_ms: start_ms + DAY_MS,
                    bytes: 2 * GB,
                    fragments: 1,
                    codec: media::Codec::H264,
                    epoch: 0,
                    damaged: false,
                };
                recorder.index().update(Uuid::from_u128(camera + 1), segment, false);
            }
        };
        app.add_person("root", &[("administrator", &app.city)], false).await;
        app.add_person("desk", &[("supervisor", &app.city)], false).await;
        let told = |name: &'static str| {
            let app = &app;
            async move { app.sign_in(name).await.get("/notices").await.1["items"].as_array().map_or(0, Vec::len) }
        };
        look_ahead(&with_engine).await.unwrap();
        assert_eq!(told("root").await, 0, "nothing is recorded yet");

        // 600 GB above the watermark at 20 GB a day: 30 days.
        record(0);
        clock.advance(Duration::from_secs(86_400));
        look_ahead(&with_engine).await.unwrap();
        let row = server::store::forecasts::newest(&mut app.app.db.read().await.unwrap().conn()).await.unwrap().unwrap();
        assert_eq!((row.bytes_a_day, row.full_at, row.warned), (20_000_000_000, Some(MONDAY_MS + 31 * DAY_MS), false));
        assert_eq!((row.days_held, row.days_wanted), (31.0, 90.0), "of 90 days 31 fit");
        assert_eq!(told("root").await, 0, "a month away");

        for day in 1..4 {
            record(day);
        }
        clock.advance(Duration::from_secs(3 * 86_400));
        disk.free_bytes.store(220 * GB, Ordering::Relaxed);
        look_ahead(&with_engine).await.unwrap();
        look_ahead(&with_engine).await.unwrap();
        assert_eq!((told("root").await, told("desk").await), (1, 0), "six days away: who looks after it is told, once");
        let (_, notices) = app.sign_in("root").await.get("/notices").await;
        assert_eq!(
            (notices["items"][0]["kind"].as_str(), notices["items"][0]["detail"]["full_at"].as_str()),
            (Some("disk_forecast"), Some("2026-12-02T16:00:00.000Z")),
            "{notices}"
        );
        let (_, health) = app.sign_in("root").await.get("/system/health").await;
        assert_eq!(health["disk"]["forecast"]["full_at"], "2026-12-02T16:00:00.000Z", "{health}");
        assert!(health["problems"].as_array().unwrap().iter().any(|problem| problem["code"] == "disk_will_be_full"), "{health}");
        let metrics = app.sign_in("root").await.http.get(format!("{}/metrics", app.address)).send().await.unwrap().text().await.unwrap();
        assert!(metrics.contains("bright_kitchen_disk_full_in_seconds 518400"), "{metrics}");

        clock.advance(Duration::from_secs(2 * 86_400));
        look_ahead(&with_engine).await.unwrap();
        assert_eq!(told("root").await, 1, "not every day");
        clock.advance(Duration::from_secs(86_400));
        record(6);
        look_ahead(&with_engine).await.unwrap();
        assert_eq!(told("root").await, 2, "again after three days");
        assert_eq!(clock.wall_ms(), MONDAY_MS + 7 * DAY_MS);
        supervisor.shutdown(Duration::from_secs(10)).await;
    }
}
