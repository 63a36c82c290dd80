//! Figures of alerts: how right they were, how fast they were answered, what was put right and what came back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use media::{Clock as _, DiagnosisKind, Phase, SimulatedClock};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Client, ENGINES, TestApp, add_camera, diagnosis, hear};

/// Monday 23 November 2026, 10:00 in Shanghai.
const MONDAY_MS: i64 = 1_795_399_200_000;
const MINUTE: u64 = 60;
const HOUR: u64 = 3_600;

/// A district with alerts of all fates.
struct District {
    app: TestApp,
    clock: Arc<SimulatedClock>,
}

const DESK: &str = "desk";
const COLLEAGUE: &str = "colleague";
const CANTEEN: &str = "canteen";

impl District {
    async fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Raises an alert and gives its path; the picture is back at once, so that the next one of its kind is another.
    async fn raise(&self, camera: Uuid, kind: DiagnosisKind) -> String {
        let at = self.clock.wall_ms();
        hear(&self.app.app, [diagnosis(camera, kind, Phase::Raised, at)]).await;
        let (_, list) = self.desk().await.get(&format!("/alerts?camera_id={camera}&limit=1")).await;
        format!("/alerts/{}", list["items"][0]["id"].as_str().unwrap())
    }

    /// Who supervises the district, signed in anew: days pass here.
    async fn desk(&self) -> Client {
        self.app.sign_in(DESK).await
    }

    async fn act(&self, who: &str, path: &str, act: &str, mut body: Value) -> Value {
        let who = self.app.sign_in(who).await;
        body["version"] = who.get(path).await.1["version"].clone();
        let (status, answer) = who.post(&format!("{path}/{act}"), &body).await;
        assert_eq!(status, StatusCode::OK, "{act}: {answer}");
        answer
    }

    async fn figures(&self, who: &Client, query: &str) -> Value {
        let (status, answer) = who.get(&format!("/statistics/alerts?{query}")).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer
    }
}

async fn district(engine: crate::support::Engine) -> District {
    let clock = Arc::new(SimulatedClock::new(MONDAY_MS));
    let app = TestApp::start_at(engine, clock.clone()).await;
    for name in [DESK, COLLEAGUE] {
        app.add_person(name, &[("supervisor", &app.district)], false).await;
    }
    app.add_person(CANTEEN, &[("food_safety_officer", &app.premises)], false).await;
    District { app, clock }
}

/// Lets everything happen that figures tell of, over two days.
async fn live(district: &District) {
    let app = &district.app;
    let (one, two) = (add_camera(app, &app.premises, "烹饪间").await, add_camera(app, &app.premises, "备餐间").await);
    let far = add_camera(app, &app.other_premises, "留样间").await;
    let answer = json!({"text": "已恢复"});

    // Confirmed after 3 minutes, put right in time, closed.
    let black = district.raise(one, DiagnosisKind::Black).await;
    district.pass(3 * MINUTE).await;
    district.act(DESK, &black, "confirm", json!({})).await;
    district.act(DESK, &black, "dispatch", json!({"deadline": "P1D"})).await;
    district.pass(2 * HOUR).await;
    district.act(CANTEEN, &black, "rectify", answer.clone()).await;
    district.act(DESK, &black, "review", json!({"decision": "accept"})).await;
    // A false alarm, decided by somebody else after 20 minutes; and what was dismissed by mistake, taken back.
    let covered = district.raise(two, DiagnosisKind::Covered).await;
    district.pass(20 * MINUTE).await;
    district.act(COLLEAGUE, &covered, "dismiss", json!({"reason": "false_alarm"})).await;
    district.act(COLLEAGUE, &covered, "undo", json!({})).await;
    district.act(COLLEAGUE, &covered, "dismiss", json!({"reason": "false_alarm"})).await;
    // Claimed after a minute, which is the first act, and dismissed for another reason later.
    let frozen = district.raise(one, DiagnosisKind::Frozen).await;
    district.pass(MINUTE / 2).await;
    district.act(DESK, &frozen, "claim", json!({})).await;
    district.pass(HOUR).await;
    district.act(DESK, &frozen, "dismiss", json!({"reason": "duplicate"})).await;
    // Elsewhere, and nobody looks.
    district.raise(far, DiagnosisKind::Blurred).await;
    // The next day it is black again: first falsely, then really, put right too late and sent back once.
    district.pass(24 * HOUR).await;
    let false_one = district.raise(two, DiagnosisKind::Black).await;
    district.act(DESK, &false_one, "dismiss", json!({"reason": "false_alarm"})).await;
    let figures = district.figures(&district.desk().await, "by=kind&kind=black").await;
    assert_eq!(figures["all"]["recurrence"], json!({"value": 0.0, "part": 0, "whole": 1}), "what was none is not back");
    district.pass(HOUR).await;
    let again = district.raise(one, DiagnosisKind::Black).await;
    district.act(COLLEAGUE, &again, "confirm", json!({})).await;
    district.act(COLLEAGUE, &again, "dispatch", json!({"deadline": "PT1H"})).await;
    district.act(CANTEEN, &again, "rectify", answer.clone()).await;
    district.act(COLLEAGUE, &again, "review", json!({"decision": "send_back", "reason": "看不清"})).await;
    let figures = district.figures(&district.desk().await, "by=kind&kind=black").await;
    assert_eq!(figures["all"]["rectified"]["part"], 1, "what was sent back is not put right");
    district.pass(3 * HOUR).await;
    district.act(CANTEEN, &again, "rectify", answer).await;
}

fn row<'a>(figures: &'a Value, id: &str) -> &'a Value {
    figures["items"].as_array().unwrap().iter().find(|row| row["id"] == id).unwrap_or_else(|| panic!("no {id} in {figures}"))
}

#[actix_web::test]
async fn figures_say_what_became_of_alerts() {
    for engine in ENGINES {
        let district = district(engine).await;
        live(&district).await;
        let desk = district.desk().await;
        let figures = district.figures(&desk, "by=kind").await;
        let black = row(&figures, "black");
        let share = |value: f64, part: i64, whole: i64| json!({"value": value, "part": part, "whole": whole});
        assert_eq!(
            [&black["raised"], &black["confirmed"], &black["false_alarms"], &black["other_dismissals"], &black["undecided"]],
            [&json!(3), &json!(2), &json!(1), &json!(0), &json!(0)],
            "{black}"
        );
        assert_eq!(black["precision"], share(0.6667, 2, 3));
        assert_eq!((&black["rectified"], &black["on_time"]), (&share(1.0, 2, 2), &share(0.5, 1, 2)), "the second came too late");
        assert_eq!(black["recurrence"], share(1.0, 1, 1), "closed once, and back the next day");
        assert_eq!(row(&figures, "covered")["precision"], share(0.0, 0, 1), "an act that was taken back counts for nothing");
        let frozen = row(&figures, "frozen");
        assert_eq!((&frozen["other_dismissals"], &frozen["precision"]["value"]), (&json!(1), &Value::Null));
        assert!(frozen["response"]["median_s"].as_i64().is_some_and(|seconds| seconds <= 60), "claiming is the first act: {frozen}");
        let covered = &row(&figures, "covered")["response"];
        assert!(covered["median_s"].as_i64().is_some_and(|seconds| (900..=1_800).contains(&seconds)), "{covered}");
        assert_eq!((&row(&figures, "blurred")["undecided"], &figures["all"]["response"]["count"]), (&json!(1), &json!(5)));
        assert_eq!(figures["all"]["raised"], 6);

        let by = async |by: &str| district.figures(&desk, &format!("by={by}")).await;
        let deciders = by("decider").await;
        let decided: i64 = deciders["items"].as_array().unwrap().iter().map(|row| row["raised"].as_i64().unwrap()).sum();
        assert_eq!((deciders["items"].as_array().unwrap().len(), decided), (2, 5));
        // Each figure leads to the very rows that it counts.
        let rows = async |query: &str| desk.get(&format!("/alerts?{query}")).await.1["total"].as_i64().unwrap();
        let from = "raised_since=2026-11-22T16:00:00.000Z&until=2026-11-24T16:00:00.000Z";
        for (verdict, counted) in [("confirmed", 2), ("false_alarm", 2), ("duplicate,permitted,test,other", 1)] {
            assert_eq!(rows(&format!("{from}&verdict={verdict}")).await, counted, "{verdict}");
        }
        for row in deciders["items"].as_array().unwrap() {
            assert_eq!(rows(&format!("{from}&decided_by={}", row["id"].as_str().unwrap())).await, row["raised"].as_i64().unwrap());
        }
        assert_eq!(rows(&format!("{from}&organization_id={}", district.app.office.id)).await, 5);
        assert_eq!(rows("raised_since=2026-11-23T16:00:00.000Z").await, 2);
        for grouping in ["rule", "camera", "premises", "office", "district", "day", "week", "month"] {
            let rows = by(grouping).await;
            let sum = |name: &str| rows["items"].as_array().unwrap().iter().map(|row| row[name].as_i64().unwrap()).sum::<i64>();
            assert_eq!((sum("raised"), sum("confirmed"), sum("false_alarms")), (6, 2, 2), "by {grouping}");
        }
        let narrow = format!("by=rule&premises_id={}&kind=black&class=0", district.app.premises.id);
        let narrow = district.figures(&desk, &narrow).await["all"]["raised"].as_i64().unwrap();
        assert!((1..=3).contains(&narrow), "{narrow} of a kind, a class and a premises");
        let days = by("day").await;
        let days: Vec<_> =
            days["items"].as_array().unwrap().iter().map(|row| (row["id"].as_str().unwrap(), row["raised"].as_i64().unwrap())).collect();
        assert_eq!(days, [("2026-11-23", 4), ("2026-11-24", 2)]);
        assert_eq!(by("week").await["items"][0]["id"], "2026-11-23", "its Monday");
        assert_eq!(by("month").await["items"][0]["id"], "2026-11-01");
        assert_eq!(district.figures(&desk, "by=kind&from=2026-11-24").await["all"]["raised"], 2);
        let office = district.app.person("supervisor", &district.app.office).await;
        assert_eq!(district.figures(&office, "by=office").await["all"]["raised"], 5, "the other office's is not there");

        let (first, rest) = (district.figures(&desk, "by=kind&limit=1").await, district.figures(&desk, "by=kind&limit=200").await);
        let next = district.figures(&desk, &format!("by=kind&limit=200&cursor={}", first["next"].as_str().unwrap())).await;
        assert_eq!(next["items"].as_array().unwrap()[..], rest["items"].as_array().unwrap()[1..]);
        for bad in
            ["by=kind&from=2026-11-24&to=2026-11-23", "by=kind&from=2020-01-01", "by=nothing", "by=kind&from=today", "by=kind&class=4"]
        {
            assert_eq!(desk.get(&format!("/statistics/alerts?{bad}")).await.0, StatusCode::BAD_REQUEST, "{bad}");
        }
        let table = desk.request(Method::GET, "/exports/alert-figures.csv?by=kind", None).send().await.unwrap().text().await.unwrap();
        assert!(table.contains("画面过暗") && table.lines().count() == 5, "{table}");
    }
}

/// What the histories say of alerts, counted by hand.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counted {
    raised: i64,
    confirmed: i64,
    false_alarms: i64,
    dispatched: i64,
    answered: i64,
    closed: i64,
    acted_on: i64,
}

#[actix_web::test]
async fn figures_are_what_the_histories_say() {
    for engine in ENGINES {
        let district = district(engine).await;
        live(&district).await;
        let desk = district.desk().await;
        let mut counted: BTreeMap<String, Counted> = BTreeMap::new();
        let (_, list) = desk.get("/alerts?limit=200").await;
        for alert in list["items"].as_array().unwrap() {
            let (_, alert) = desk.get(&format!("/alerts/{}", alert["id"].as_str().unwrap())).await;
            let sum = counted.entry(alert["kind"].as_str().unwrap().to_owned()).or_default();
            let history = alert["history"].as_array().unwrap();
            let last = |names: &[&str]| history.iter().rev().find(|act| names.contains(&act["action"].as_str().unwrap()));
            let verdict = last(&["confirm", "dismiss", "undo", "reopen"]);
            sum.raised += 1;
            sum.confirmed += i64::from(verdict.is_some_and(|act| act["action"] == "confirm"));
            sum.false_alarms += i64::from(verdict.is_some_and(|act| act["reason"] == "false_alarm"));
            sum.dispatched += i64::from(last(&["dispatch"]).is_some());
            sum.answered += i64::from(last(&["rectify"]).is_some() && alert["state"] != "dispatched");
            sum.closed += i64::from(alert["state"] == "closed");
            sum.acted_on += i64::from(history.iter().any(|act| act["actor"]["kind"] == "user"));
        }
        let figures = district.figures(&desk, "by=kind").await;
        let told: BTreeMap<String, Counted> = figures["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| {
                let number = |value: &Value| value.as_i64().unwrap();
                let sum = Counted {
                    raised: number(&row["raised"]),
                    confirmed: number(&row["confirmed"]),
                    false_alarms: number(&row["false_alarms"]),
                    dispatched: number(&row["rectified"]["whole"]),
                    answered: number(&row["rectified"]["part"]),
                    closed: number(&row["recurrence"]["whole"]),
                    acted_on: number(&row["response"]["count"]),
                };
                (row["id"].as_str().unwrap().to_owned(), sum)
            })
            .collect();
        assert_eq!(told, counted);
    }
}
