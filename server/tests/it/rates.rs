//! The seven figures: what counts for each, the rows behind them, and the sums that are kept with the writes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use media::{CameraState, Clock as _, DiagnosisKind, GapReason, MediaEvent, Phase, SimulatedClock, StateReason};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use server::jobs::{count_days, draw_patrols};
use server::store::tallies;
use uuid::Uuid;

use crate::support::{Client, ENGINES, Engine, TestApp, add_camera, bulk, diagnosis, hear, tamper};

const HOUR_MS: i64 = 3_600_000;
/// Monday 30 November 2026, midnight in Shanghai: the next day is another month.
const MONDAY_MS: i64 = 1_795_968_000_000;
const SEVEN: [&str; 7] = ["coverage", "connection", "online", "completeness", "patrol", "rectified", "precision"];
const DESK: &str = "desk";
const CANTEEN: &str = "canteen";

struct District {
    app: TestApp,
    clock: Arc<SimulatedClock>,
}

impl District {
    async fn start(engine: Engine) -> Self {
        let clock = Arc::new(SimulatedClock::new(MONDAY_MS + 8 * HOUR_MS));
        let app = TestApp::start_at(engine, clock.clone()).await;
        app.add_person(DESK, &[("supervisor", &app.district)], false).await;
        app.add_person(CANTEEN, &[("food_safety_officer", &app.premises)], false).await;
        Self { app, clock }
    }

    /// Signed in anew: a token lives a quarter of an hour of the stepped clock.
    async fn who(&self, name: &str) -> Client {
        self.app.sign_in(name).await
    }

    async fn get(&self, path: &str) -> Value {
        let (status, answer) = self.who(DESK).await.get(path).await;
        assert_eq!(status, StatusCode::OK, "{path}: {answer}");
        answer
    }

    async fn act(&self, who: &str, alert: &str, act: &str, body: Value) -> StatusCode {
        self.act_as(&self.who(who).await, alert, act, body).await
    }

    async fn act_as(&self, who: &Client, alert: &str, act: &str, mut body: Value) -> StatusCode {
        body["version"] = who.get(&format!("/alerts/{alert}")).await.1["version"].clone();
        who.post(&format!("/alerts/{alert}/{act}"), &body).await.0
    }

    async fn wrong(&self) -> Vec<String> {
        tallies::wrong(&mut self.app.app.db.read().await.unwrap().conn()).await.unwrap()
    }
}

fn recording(camera: Uuid, at_ms: i64) -> MediaEvent {
    MediaEvent::State { camera, state: CameraState::Recording, reason: StateReason::None, detail: String::new(), at_ms }
}

/// Part and whole of each of the seven.
fn shares(row: &Value) -> BTreeMap<&'static str, (i64, i64)> {
    SEVEN.map(|name| (name, (row[name]["part"].as_i64().unwrap(), row[name]["whole"].as_i64().unwrap()))).into_iter().collect()
}

fn sum(rows: &Value) -> BTreeMap<&'static str, (i64, i64)> {
    let mut sum: BTreeMap<_, _> = SEVEN.map(|name| (name, (0, 0))).into_iter().collect();
    for row in rows["items"].as_array().unwrap() {
        for (name, (part, whole)) in shares(row) {
            let all = sum.get_mut(name).unwrap();
            *all = (all.0 + part, all.1 + whole);
        }
    }
    sum
}

/// A month's end with two cameras that give pictures, one that never did, a patrol and alerts.
async fn live(district: &District) -> [Uuid; 3] {
    let app = &district.app;
    let (one, two) = (add_camera(app, &app.premises, "一号").await, add_camera(app, &app.premises, "二号").await);
    let dark = add_camera(app, &app.other_premises, "三号").await;
    let now = district.clock.wall_ms();
    hear(&app.app, [recording(one, now), recording(two, now)]).await;
    hear(&app.app, [MediaEvent::GapClosed { camera: one, start_ms: now + HOUR_MS, end_ms: now + 3 * HOUR_MS, reason: GapReason::Offline }])
        .await;
    bulk::change(&app.app.db, "UPDATE cameras SET enabled = TRUE WHERE name <> '三号'").await;
    let desk = district.who(DESK).await;
    let plan = desk.put(&format!("/patrol/plans/{}", app.district.id), &json!({"share": 100, "by_risk": false})).await;
    assert_eq!(plan.0, StatusCode::OK);
    draw_patrols(&app.app).await.unwrap();
    for result in ["fine", "no_picture"] {
        assert_eq!(desk.put(&format!("/patrol/looks/{one}"), &json!({"result": result})).await.0.is_success(), result == "fine");
    }
    hear(&app.app, [diagnosis(one, DiagnosisKind::Black, Phase::Raised, now), diagnosis(two, DiagnosisKind::Covered, Phase::Raised, now)])
        .await;
    for alert in district.get("/alerts?limit=200").await["items"].as_array().unwrap() {
        let id = alert["id"].as_str().unwrap();
        if alert["kind"] == "black" {
            assert_eq!(district.act(DESK, id, "confirm", json!({})).await, StatusCode::OK);
            assert_eq!(district.act(DESK, id, "dispatch", json!({"deadline": "P1D"})).await, StatusCode::OK);
            assert_eq!(district.act(CANTEEN, id, "rectify", json!({"text": "已恢复"})).await, StatusCode::OK);
        } else {
            assert_eq!(district.act(DESK, id, "dismiss", json!({"reason": "false_alarm"})).await, StatusCode::OK);
        }
    }
    // Tuesday, 06:00: another month.
    district.clock.advance(Duration::from_secs(22 * 3_600));
    count_days(&app.app).await.unwrap();
    draw_patrols(&app.app).await.unwrap();
    [one, two, dark]
}

#[actix_web::test]
async fn each_figure_says_what_it_counts_and_leads_to_its_rows() {
    for engine in ENGINES {
        let district = District::start(engine).await;
        let [one, two, dark] = live(&district).await;
        let days = "from=2026-11-30&to=2026-12-01";
        let all = district.get(&format!("/statistics/rates?by=all&{days}")).await;
        let told = shares(&all["all"]);
        assert_eq!(shares(&all["items"][0]), told);
        assert_eq!(told["coverage"], (1, 2), "one of two canteens has a camera that gave a picture: {all}");
        assert_eq!(told["connection"], (2, 3), "what never gave a picture is registered all the same");
        assert_eq!(told["patrol"], (1, 4), "two cameras on two days, one look");
        assert_eq!((told["rectified"], told["precision"]), ((1, 1), (1, 2)));
        // Watched from 8:00 on Monday to 6:00 on Tuesday, two hours of one without pictures; service hours are all day.
        assert_eq!((told["online"], told["completeness"]), ((42 * 3_600, 44 * 3_600), (42 * 3_600, 44 * 3_600)));

        // Groupings add up to the same; so do the rows.
        for by in ["district", "office", "grid", "premises_kind", "premises"] {
            assert_eq!(sum(&district.get(&format!("/statistics/rates?by={by}&{days}")).await), told, "{engine:?} by {by}");
        }
        let offices = district.get(&format!("/statistics/rates?by=office&{days}")).await;
        assert_eq!(offices["items"].as_array().unwrap().len(), 2, "{offices}");
        let cameras = district.get(&format!("/statistics/rates/cameras?{days}")).await;
        let of_cameras = |name: &str| {
            let shares = cameras["items"].as_array().unwrap().iter().map(|row| &row[name]);
            shares.fold((0, 0), |sum, share| (sum.0 + share["part"].as_i64().unwrap(), sum.1 + share["whole"].as_i64().unwrap()))
        };
        for name in ["connection", "online", "completeness", "patrol"] {
            assert_eq!(of_cameras(name), told[name], "{name}: {cameras}");
        }
        let ids = async |path: &str| -> Vec<String> {
            district.get(path).await["items"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(ids(&format!("/statistics/rates/cameras?short_of=connection&{days}")).await, [dark.to_string()]);
        assert_eq!(ids(&format!("/statistics/rates/cameras?short_of=online&{days}")).await, [one.to_string()]);
        assert_eq!(ids(&format!("/statistics/rates/cameras?short_of=completeness&{days}")).await, [one.to_string()]);
        let mut short = ids(&format!("/statistics/rates/cameras?short_of=patrol&{days}")).await;
        short.sort();
        assert_eq!(short, {
            let mut both = [one.to_string(), two.to_string()];
            both.sort();
            both
        });
        let app = &district.app;
        assert_eq!(ids(&format!("/statistics/rates/premises?covered=false&{days}")).await, std::slice::from_ref(&app.other_premises.id));
        assert_eq!(ids(&format!("/statistics/rates/premises?covered=true&{days}")).await, std::slice::from_ref(&app.premises.id));
        let first = district.get(&format!("/statistics/rates/premises?limit=1&{days}")).await;
        let next = ids(&format!("/statistics/rates/premises?limit=1&{days}&cursor={}", first["next"].as_str().unwrap())).await;
        assert_eq!((first["total"].as_i64(), next.len()), (Some(2), 1));

        // Over time: each thing once in a stretch.
        for over in ["day", "week", "month", "term"] {
            let rows = district.get(&format!("/statistics/rates?by=all&over={over}&{days}")).await;
            let firsts: Vec<_> = rows["items"].as_array().unwrap().iter().map(|row| row["first_on"].as_str().unwrap().to_owned()).collect();
            let expected: &[&str] = match over {
                "day" => &["2026-11-30", "2026-12-01"],
                "week" => &["2026-11-30"],
                "month" => &["2026-11-01", "2026-12-01"],
                _ => &["2026-09-01"],
            };
            assert_eq!(firsts, expected, "{over}");
            let (added, stretches) = (sum(&rows), i64::try_from(expected.len()).unwrap());
            for name in ["online", "completeness", "patrol", "rectified", "precision"] {
                assert_eq!(added[name], told[name], "{name} over {over}");
            }
            assert_eq!(added["coverage"], (stretches, 2 * stretches), "{over}");
            assert!(rows["all"].is_null());
        }
        // Whole months are read from sums, days from days: they tell the same.
        let months = district.get("/statistics/rates?by=premises&from=2026-11-01&to=2026-12-31").await;
        assert_eq!(sum(&months), told);
        assert_eq!(district.wrong().await, Vec::<String>::new());
        for (wrong, told) in [
            ("UPDATE camera_months SET days = days + 1", "months of cameras"),
            ("DELETE FROM camera_months", "months of cameras"),
            ("DELETE FROM patrol_months", "months of patrols"),
        ] {
            bulk::change(&app.app.db, wrong).await;
            assert!(matches!(&district.wrong().await[..], [one] if one.contains(told)), "{wrong}");
            tallies::again(&app.app.db).await.unwrap();
        }

        // Narrowed, and by who asks.
        let narrowed = async |query: &str| shares(&district.get(&format!("/statistics/rates?by=all&{days}&{query}")).await["all"]);
        assert_eq!(narrowed(&format!("premises_id={}", app.other_premises.id)).await["coverage"], (0, 1));
        assert_eq!(narrowed("premises_kind=campus_shop").await["connection"], (0, 0));
        assert_eq!(narrowed("kind=black").await["precision"], (1, 1));
        assert_eq!(narrowed(&format!("organization_id={}", app.office.id)).await["connection"], (2, 2));
        let east = app.person("supervisor", &app.office).await;
        assert_eq!(shares(&east.get(&format!("/statistics/rates?by=all&{days}")).await.1["all"])["connection"], (2, 2));
        let (status, end) = east.get("/statistics/rates?by=all&over=day&from=9999-12-30&to=9999-12-31").await;
        assert_eq!((status, &end["total"]), (StatusCode::OK, &json!(0)), "time has an end");
        for bad in ["by=all&from=2026-11-24&to=2026-11-23", "by=nothing", "by=all&over=year", "by=all&kind=", "by=all&limit=201"] {
            let (status, _) = east.get(&format!("/statistics/rates?{bad}")).await;
            assert_eq!(status, if bad.ends_with("kind=") { StatusCode::OK } else { StatusCode::BAD_REQUEST }, "{bad}");
        }
        let table = format!("/exports/rates.csv?by=premises&{days}");
        let table = east.request(Method::GET, &table, None).send().await.unwrap().text().await.unwrap();
        assert!(table.contains("覆盖率") && table.lines().count() == 2, "{table}");
    }
}

/// Numbers by chance, the same each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}

/// All counts of a grouping of alerts, added up.
async fn counted(district: &District, by: &str) -> BTreeMap<String, i64> {
    let rows = district.get(&format!("/statistics/alerts?by={by}&from=2026-11-01&to=2026-12-31&limit=200")).await;
    let mut sums = BTreeMap::new();
    for row in rows["items"].as_array().unwrap() {
        for name in ["raised", "undecided", "cleared", "confirmed", "false_alarms", "other_dismissals"] {
            *sums.entry(name.to_owned()).or_default() += row[name].as_i64().unwrap();
        }
        for name in ["rectified", "on_time", "recurrence"] {
            *sums.entry(name.to_owned()).or_default() += row[name]["part"].as_i64().unwrap();
            *sums.entry(format!("{name} of")).or_default() += row[name]["whole"].as_i64().unwrap();
        }
        for name in ["response", "response_working"] {
            *sums.entry(name.to_owned()).or_default() += row[name]["count"].as_i64().unwrap();
        }
    }
    sums
}

#[actix_web::test]
async fn sums_are_right_after_any_order_of_acts() {
    for engine in ENGINES {
        let district = District::start(engine).await;
        let app = &district.app;
        let mut cameras = Vec::new();
        for (premises, name) in [(&app.premises, "一号"), (&app.premises, "二号"), (&app.other_premises, "三号")] {
            cameras.push(add_camera(app, premises, name).await);
        }
        let mut chance = Chance(20_261_130);
        let kinds = [DiagnosisKind::Black, DiagnosisKind::Covered, DiagnosisKind::Frozen];
        let (mut done, mut refused) = (BTreeMap::<&str, usize>::new(), 0);
        for round in 0..90 {
            district.clock.advance(Duration::from_secs(60 * (1 + u64::try_from(chance.below(400)).unwrap())));
            let at = district.clock.wall_ms();
            let (camera, kind) = (cameras[chance.below(3)], kinds[chance.below(3)]);
            match chance.below(5) {
                0 | 1 => hear(&app.app, [diagnosis(camera, kind, Phase::Raised, at)]).await,
                2 => hear(&app.app, [diagnosis(camera, kind, Phase::Cleared, at)]).await,
                _ => {}
            }
            let (desk, canteen) = (district.who(DESK).await, district.who(CANTEEN).await);
            let (_, alerts) = desk.get("/alerts?limit=200").await;
            let alerts = alerts["items"].as_array().unwrap();
            if alerts.is_empty() {
                continue;
            }
            let id = alerts[chance.below(alerts.len())]["id"].as_str().unwrap().to_owned();
            let acts = [
                (DESK, "confirm", json!({})),
                (DESK, "claim", json!({})),
                (DESK, "dismiss", json!({"reason": "false_alarm"})),
                (DESK, "dismiss", json!({"reason": "duplicate"})),
                (DESK, "undo", json!({})),
                (DESK, "reopen", json!({"reason": "看错了"})),
                (DESK, "dispatch", json!({"deadline": "PT2H"})),
                (CANTEEN, "rectify", json!({"text": "已恢复"})),
                (DESK, "review", json!({"decision": "accept"})),
                (DESK, "review", json!({"decision": "send_back", "reason": "看不清"})),
            ];
            for _ in 0..4 {
                let (who, act, body) = acts[chance.below(acts.len())].clone();
                let who = if who == DESK { &desk } else { &canteen };
                if district.act_as(who, &id, act, body).await == StatusCode::OK {
                    *done.entry(act).or_default() += 1;
                } else {
                    refused += 1;
                }
            }
            if round == 60 {
                let merge = json!({"into": app.premises.id, "version": 1, "reason": "登记了两次"});
                let merged = district.who(DESK).await.post(&format!("/premises/{}/merge", app.other_premises.id), &merge).await;
                assert_eq!(merged.0, StatusCode::OK, "{}", merged.1);
            }
        }
        for act in ["confirm", "dismiss", "dispatch", "rectify", "review"] {
            assert!(done.get(act).is_some_and(|times| *times > 0), "{act} never happened: {done:?}, {refused} refused");
        }
        assert_eq!(district.wrong().await, Vec::<String>::new(), "{engine:?} after {done:?}");
        // Sums that are kept, and the alerts themselves.
        let rows = counted(&district, "rule").await;
        assert!(rows["raised"] > 10, "{rows:?}");
        for by in ["kind", "premises", "office", "district", "grid", "premises_kind", "day", "week", "month", "term"] {
            assert_eq!(counted(&district, by).await, rows, "{engine:?} by {by}");
        }
        // What was not counted is counted by the next start, and what is wrong is found and mended.
        let before = district.get("/statistics/alerts?by=premises&from=2026-11-01&to=2026-12-31").await;
        bulk::change(&app.app.db, "UPDATE alert_tallies SET confirmed = confirmed + 1 WHERE span = 'day' AND raised > 0").await;
        tamper(&app.app.db, "UPDATE alerts SET counted = NULL WHERE id = (SELECT MIN(id) FROM alerts)").await;
        assert!(district.wrong().await.len() >= 2);
        tallies::again(&app.app.db).await.unwrap();
        assert_eq!(district.wrong().await, Vec::<String>::new());
        assert_eq!(district.get("/statistics/alerts?by=premises&from=2026-11-01&to=2026-12-31").await, before);
    }
}

async fn close(who: &Client, node: &str, month: &str, reason: Option<&str>) -> (StatusCode, Value) {
    who.post("/statistics/closings", &json!({"organization_id": node, "month": month, "reason": reason})).await
}

#[actix_web::test]
async fn a_closed_month_stays_and_what_comes_late_is_a_further_revision() {
    for engine in ENGINES {
        let district = District::start(engine).await;
        let [_, two, dark] = live(&district).await;
        let (app, node) = (&district.app, district.app.district.id.clone());
        let desk = district.who(DESK).await;
        let november = "from=2026-11-01&to=2026-11-30";

        let (status, closed) = close(&desk, &node, "2026-11", None).await;
        assert_eq!((status, &closed["revision"], &closed["month"]), (StatusCode::CREATED, &json!(1), &json!("2026-11")), "{closed}");
        let path = format!("/statistics/closings/{}", closed["id"].as_str().unwrap());
        let first = district.get(&format!("{path}?by=premises")).await;
        // Counted from the rows, not from the sums that the open figures are read from.
        let open = district.get(&format!("/statistics/rates?by=all&{november}")).await;
        assert_eq!(shares(&first["all"]), shares(&open["all"]), "{engine:?}: {first}");
        assert_eq!((&first["now"], &first["late"]), (&first["all"], &json!(0)));
        for by in ["all", "district", "office", "grid", "premises_kind", "premises"] {
            let frozen = district.get(&format!("{path}?by={by}")).await;
            assert_eq!(sum(&frozen), shares(&first["all"]), "by {by}");
            let rows = district.get(&format!("/statistics/rates?by={by}&{november}")).await;
            let told = |rows: &Value| -> BTreeMap<String, BTreeMap<&'static str, (i64, i64)>> {
                rows["items"].as_array().unwrap().iter().map(|row| (row["id"].as_str().unwrap().to_owned(), shares(row))).collect()
            };
            assert_eq!(told(&frozen), told(&rows), "by {by}");
        }
        let kinds = sum(&district.get(&format!("{path}?by=kind")).await);
        assert_eq!((kinds["rectified"], kinds["precision"]), ((1, 1), (1, 2)));

        // What is refused.
        let refused = async |who: &Client, node: &str, month: &str, reason: Option<&str>| {
            let (status, answer) = close(who, node, month, reason).await;
            (status, answer["errors"][0]["pointer"].as_str().unwrap_or_default().to_owned())
        };
        let unprocessable = |pointer: &str| (StatusCode::UNPROCESSABLE_ENTITY, pointer.to_owned());
        assert_eq!(refused(&desk, &node, "2026-11", None).await, unprocessable("/reason"));
        assert_eq!(refused(&desk, &node, "2026-11", Some("再算一次")).await, (StatusCode::CONFLICT, String::new()), "nothing has changed");
        assert_eq!(refused(&desk, &node, "2026-12", None).await, unprocessable("/month"), "it is not over");
        assert_eq!(refused(&desk, &node, "2026-11-01", None).await, unprocessable("/month"));
        let east = app.person("supervisor", &app.office).await;
        assert_eq!(refused(&east, &node, "2026-11", None).await, unprocessable("/organization_id"), "not theirs to close");
        assert_eq!(east.get(&format!("{path}?by=all")).await.0, StatusCode::NOT_FOUND);
        assert_eq!(refused(&district.who(CANTEEN).await, &node, "2026-11", None).await.0, StatusCode::FORBIDDEN);

        // A verdict is changed, a gap is found late, a premises turns out to be registered twice.
        let alerts = district.get("/alerts?verdict=false_alarm").await;
        let alert = alerts["items"][0]["id"].as_str().unwrap().to_owned();
        assert_eq!(district.act(DESK, &alert, "reopen", json!({"reason": "看错了"})).await, StatusCode::OK);
        assert_eq!(district.act(DESK, &alert, "confirm", json!({})).await, StatusCode::OK);
        let start = MONDAY_MS + 12 * HOUR_MS;
        hear(&app.app, [MediaEvent::GapClosed { camera: two, start_ms: start, end_ms: start + HOUR_MS, reason: GapReason::Stalled }]).await;
        count_days(&app.app).await.unwrap();
        let merge = json!({"into": app.premises.id, "version": 1, "reason": "登记了两次"});
        let merged = district.who(DESK).await.post(&format!("/premises/{}/merge", app.other_premises.id), &merge).await;
        assert_eq!(merged.0, StatusCode::OK, "{}", merged.1);

        let later = district.get(&format!("{path}?by=premises")).await;
        assert_eq!((&later["all"], &later["items"]), (&first["all"], &first["items"]), "what is closed stays");
        let open = district.get(&format!("/statistics/rates?by=all&{november}")).await;
        assert_eq!(shares(&later["now"]), shares(&open["all"]));
        assert_eq!(shares(&later["now"])["precision"], (2, 2));
        let late = district.get(&format!("{path}/changes?limit=200")).await;
        let named: Vec<(String, String)> = late["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| (one["figure"].as_str().unwrap().to_owned(), one["thing_id"].as_str().unwrap().to_owned()))
            .collect();
        let expected: Vec<(String, String)> = [
            ("completeness", two.to_string()),
            ("connection", dark.to_string()),
            ("coverage", app.other_premises.id.clone()),
            ("online", two.to_string()),
            ("precision", alert.clone()),
        ]
        .into_iter()
        .map(|(figure, thing)| (figure.to_owned(), thing))
        .collect();
        assert_eq!((named, later["late"].as_i64()), (expected, Some(5)), "{late}");
        assert_eq!((&late["items"][4]["was"]["part"], &late["items"][4]["now"]["part"]), (&json!(0), &json!(1)));

        // The next revision takes them in and names them; the first one stands beside it.
        let desk = district.who(DESK).await;
        let (status, second) = close(&desk, &node, "2026-11", Some("改判一条，补录一处中断，合并一家")).await;
        assert_eq!((status, &second["revision"]), (StatusCode::CREATED, &json!(2)), "{second}");
        let second_path = format!("/statistics/closings/{}", second["id"].as_str().unwrap());
        assert_eq!(district.get(&format!("{second_path}/changes?against=before&limit=200")).await, late);
        let now = district.get(&format!("{second_path}?by=all")).await;
        assert_eq!((shares(&now["all"]), &now["late"]), (shares(&open["all"]), &json!(0)));
        assert_eq!(district.get(&format!("{path}?by=premises")).await["all"], first["all"]);
        let list = district.get(&format!("/statistics/closings?organization_id={node}&month=2026-11")).await;
        assert_eq!((&list["total"], &list["items"][0]["revision"], &list["items"][1]["revision"]), (&json!(2), &json!(2), &json!(1)));
        assert_eq!(list["items"][0]["reason"], "改判一条，补录一处中断，合并一家");
        assert_eq!(district.get("/statistics/closings?month=2026-10").await["total"], 0);
        // The month on paper, closed and as it is now.
        let month = format!("/statistics/report.pdf?organization_id={node}&month=2026-11");
        for path in [format!("{path}/report.pdf"), format!("{second_path}/report.pdf"), month] {
            let answer = desk.request(Method::GET, &path, None).send().await.unwrap();
            assert_eq!(
                (answer.status(), answer.headers()["content-type"].to_str().unwrap()),
                (StatusCode::OK, "application/pdf"),
                "{path}"
            );
            assert!(answer.bytes().await.unwrap().starts_with(b"%PDF-"));
        }
        for (bad, expected) in
            [(&app.office.id, StatusCode::BAD_REQUEST), (&closed["id"].as_str().unwrap().to_owned(), StatusCode::NOT_FOUND)]
        {
            let month = if expected == StatusCode::NOT_FOUND { "2026-11" } else { "2026-13" };
            let path = format!("/statistics/report.pdf?organization_id={bad}&month={month}");
            assert_eq!(desk.get(&path).await.0, expected, "{path}");
        }
        for (id, lines) in [(&closed["id"], 3), (&second["id"], 2)] {
            let table = format!("/exports/closings.csv?closing_id={}&by=premises", id.as_str().unwrap());
            let table = desk.request(Method::GET, &table, None).send().await.unwrap().text().await.unwrap();
            assert_eq!(table.lines().count(), lines, "{table}");
        }
        assert_eq!(district.wrong().await, Vec::<String>::new(), "sums follow what was merged");
    }
}
