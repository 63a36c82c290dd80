//! The score of a premises: recomputed from its rows, seen by whoever may, changed with the formula, and what it proposes.

use std::slice::from_ref;
use std::sync::Arc;
use std::time::Duration;

use media::{Clock as _, DiagnosisKind, Phase, SimulatedClock};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use server::jobs::score_premises;
use server::store::risk as scores;

use crate::phone::text;
use crate::support::{Client, ENGINES, Engine, TestApp, add_camera, diagnosis, hear, tamper};

/// Monday 23 November 2026, 10:00 in Shanghai.
const MONDAY_MS: i64 = 1_795_399_200_000;
const DAY_MS: i64 = 24 * 3_600_000;

/// Writes a row as it stands in the database.
async fn row(app: &TestApp, sql: String) {
    tamper(&app.app.db, Box::leak(sql.into_boxed_str())).await;
}

/// A district whose first premises has something of most kinds against it.
async fn district(engine: Engine) -> (TestApp, Arc<SimulatedClock>) {
    let clock = Arc::new(SimulatedClock::new(MONDAY_MS));
    let app = TestApp::start_at(engine, clock.clone()).await;
    let camera = add_camera(&app, &app.premises, "烹饪间").await;
    let user = app.add_person("lead", &[("officer", &app.office)], false).await;
    let desk = app.person("supervisor", &app.office).await;
    hear(&app.app, [diagnosis(camera, DiagnosisKind::Black, Phase::Raised, clock.wall_ms())]).await;
    hear(&app.app, [diagnosis(camera, DiagnosisKind::Covered, Phase::Raised, clock.wall_ms())]).await;
    for (kind, act, body) in [("black", "confirm", json!({})), ("covered", "dismiss", json!({"reason": "false_alarm"}))] {
        let (_, list) = desk.get(&format!("/alerts?kind={kind}")).await;
        let path = format!("/alerts/{}", text(&list["items"][0]["id"]));
        let mut body = body;
        body["version"] = desk.get(&path).await.1["version"].clone();
        let (status, answer) = desk.post(&format!("{path}/{act}"), &body).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
    }
    row(&app, "UPDATE alerts SET class = 1 WHERE verdict = 'confirmed'".to_owned()).await;
    row(&app, "UPDATE alerts SET class = 1 WHERE verdict = 'false_alarm'".to_owned()).await;
    let (premises, office) = (&app.premises.id, &app.office.id);
    // Failed 120 days ago: a key item, and one that was put right at once.
    let then = MONDAY_MS - 120 * DAY_MS;
    row(&app, format!(
        "INSERT INTO inspections (id, premises_id, office_id, template_id, kind, lead_id, header, header_sha256, state, started_at, happened_at, outcome, differs, \
           submitted_at, complete_at, received_at, version, updated_at) \
         SELECT 'i1', '{premises}', '{office}', MIN(id), 'routine', '{user}', '{{}}', '', 'complete', {then}, {then}, 'does_not_conform', FALSE, {then}, {then}, {then}, 1, {then} \
         FROM checklist_templates"
    ))
    .await;
    for (item, key, corrected) in [("8.1", "TRUE", "FALSE"), ("9.1", "TRUE", "TRUE")] {
        row(&app, format!(
            "INSERT INTO inspection_findings (inspection_id, item_code, key_item, affects_safety, corrected_on_spot) VALUES ('i1', '{item}', {key}, FALSE, {corrected})"
        ))
        .await;
    }
    // Told of two papers as late; one came all the same.
    for slot in ["lunch", "dinner"] {
        row(&app, format!(
            "INSERT INTO self_check_reminders (premises_id, code, day, slot, kind, told_at) VALUES ('{premises}', 'self_x', '2026-11-22', '{slot}', 'late', {})",
            MONDAY_MS - DAY_MS
        ))
        .await;
    }
    row(&app, format!(
        "INSERT INTO self_checks (id, premises_id, office_id, template_id, code, day, slot, made_by, content, content_sha256, problems, answered_at, received_at) \
         SELECT 's1', '{premises}', '{office}', MIN(id), 'self_x', '2026-11-22', 'dinner', '{user}', '{{}}', '', 0, 1, 1 FROM checklist_templates"
    ))
    .await;
    // An order of ten days ago that is overdue since yesterday.
    row(
        &app,
        format!(
            "INSERT INTO work_items (id, kind, state, level, premises_id, office_id, open, version, created_at, updated_at) \
         VALUES ('o1', 'rectification', 'ordered', 'none', '{premises}', '{office}', TRUE, 1, {0}, {0})",
            MONDAY_MS - 10 * DAY_MS
        ),
    )
    .await;
    row(&app, format!(
        "INSERT INTO work_clocks (id, work_id, name, unit, amount, started_at, due_at) VALUES ('c1', 'o1', 'rectify', 'working_days', 5, {}, {})",
        MONDAY_MS - 10 * DAY_MS,
        MONDAY_MS - DAY_MS
    ))
    .await;
    // A camera that was away half of the time, and poor for a tenth of it.
    row(&app, format!(
        "INSERT INTO camera_days (day, camera_id, premises_id, counted_ms, online_ms, healthy_ms, due_ms, recorded_ms, computed_at, stale) \
         VALUES ('2026-11-22', '{camera}', '{premises}', 1000, 500, 400, 1000, 500, 1, FALSE)"
    ))
    .await;
    score_premises(&app.app).await.unwrap();
    (app, clock)
}

async fn list(who: &Client, query: &str) -> Value {
    let (status, answer) = who.get(&format!("/risk?{query}")).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    answer
}

#[actix_web::test]
async fn a_score_is_the_sum_of_what_its_rows_come_to() {
    for engine in ENGINES {
        let (app, clock) = district(engine).await;
        let desk = app.person("supervisor", &app.district).await;
        let (status, risk) = desk.get(&format!("/premises/{}/risk", app.premises.id)).await;
        assert_eq!(status, StatusCode::OK, "{risk}");
        let terms = risk["terms"].as_array().unwrap();
        let of = |fact: &str| {
            let term = terms.iter().find(|term| term["fact"] == fact).unwrap();
            [&term["found"], &term["counted"], &term["points"]].map(|value| value.as_f64().unwrap())
        };
        for (fact, expected) in [
            ("inspection_failed", [1.0, 0.5, 7.5]),
            ("finding_key", [1.0, 0.4, 2.0]),
            ("finding_corrected", [1.0, 0.4, 0.4]),
            ("finding_safety", [0.0, 0.0, 0.0]),
            ("days_since_inspection", [120.0, 120.0, 6.0]),
            ("alert_class_1", [1.0, 1.0, 12.0]),
            ("self_check_missed", [1.0, 1.0, 0.5]),
            ("order_open", [1.0, 1.0, 4.0]),
            ("order_overdue", [1.0, 1.0, 10.0]),
            ("camera_offline", [50.0, 50.0, 15.0]),
            ("camera_degraded", [10.0, 10.0, 2.0]),
            ("recurrence", [0.0, 0.0, 0.0]),
            ("food_incident", [0.0, 0.0, 0.0]),
        ] {
            assert_eq!(of(fact), expected, "{fact}");
        }
        let sum: f64 = terms.iter().map(|term| (term["points"].as_f64().unwrap() * 10.0).round()).sum();
        let score = &risk["score"];
        assert_eq!((score["score"].as_f64(), score["band"].as_str()), (Some(59.4), Some("high")), "{score}");
        assert!((sum - 594.0).abs() < f64::EPSILON, "the terms shown add up to it");
        assert!(score["rise"].as_f64().unwrap() > 40.0 && score["rising"] == true && score["entered_top"] == false, "{score}");
        assert_eq!(score["leading"][0]["code"], "cameras_offline");
        assert_eq!(risk["trend"], json!([{"day": "2026-11-23", "score": 59.4, "band": "high"}]));

        // The day goes by, and the order is answered: the next score falls, the one before stays.
        row(&app, format!("UPDATE work_items SET state = 'closed', open = FALSE, closed_at = {} WHERE id = 'o1'", MONDAY_MS + 60_000))
            .await;
        row(&app, format!("UPDATE work_clocks SET stopped_at = {}, yellow_at = {} WHERE id = 'c1'", MONDAY_MS + 60_000, MONDAY_MS)).await;
        score_premises(&app.app).await.unwrap();
        assert_eq!(list(&desk, "").await["items"][0]["score"], 59.4, "today has its scores");
        clock.advance(Duration::from_secs(24 * 3_600));
        score_premises(&app.app).await.unwrap();
        let desk = app.person("supervisor", &app.district).await;
        let (_, risk) = desk.get(&format!("/premises/{}/risk", app.premises.id)).await;
        let now = risk["score"]["score"].as_f64().unwrap();
        assert!(now < 50.0, "{risk}");
        let found = |fact: &str| risk["terms"].as_array().unwrap().iter().find(|term| term["fact"] == fact).unwrap()["found"].clone();
        assert_eq!([found("order_open"), found("order_overdue"), found("answer_late")], [json!(0.0), json!(0.0), json!(1.0)]);
        let trend: Vec<_> = risk["trend"].as_array().unwrap().iter().map(|day| day["score"].as_f64().unwrap()).collect();
        assert_eq!(trend, [59.4, now]);

        // Terms are kept for a month, scores for 400 days.
        clock.advance(Duration::from_secs(40 * 24 * 3_600));
        score_premises(&app.app).await.unwrap();
        row(&app, "UPDATE risk_scores SET rising = rising WHERE day = '2026-11-23' AND terms = '[]' AND score = 594".to_owned()).await;
        clock.advance(Duration::from_secs(360 * 24 * 3_600));
        score_premises(&app.app).await.unwrap();
        let kept = scores::trend(&mut app.app.db.read().await.unwrap().conn(), &app.premises.id, "2000-01-01").await.unwrap();
        let days: Vec<_> = kept.into_iter().map(|day| day.0).collect();
        assert_eq!(days, ["2027-12-29", "2027-01-03", "2026-11-24"]);
    }
}

#[actix_web::test]
async fn each_sees_the_scores_of_their_own_premises_and_canteens_nothing_of_what_is_planned() {
    for engine in ENGINES {
        let (app, _) = district(engine).await;
        let (city, office, other) = (
            app.person("head", &app.city).await,
            app.person("officer", &app.office).await,
            app.person("supervisor", &app.other_office).await,
        );
        let names = |answer: &Value| answer["items"].as_array().unwrap().iter().map(|one| text(&one["id"])).collect::<Vec<_>>();
        let both = list(&city, "").await;
        assert_eq!(names(&both), [app.premises.id.clone(), app.other_premises.id.clone()], "the highest first");
        assert_eq!((&both["total"], &both["items"][1]["score"]), (&json!(2), &json!(15.0)), "nobody was ever there");
        assert_eq!(names(&list(&office, "").await), from_ref(&app.premises.id));
        assert_eq!(names(&list(&other, "").await), from_ref(&app.other_premises.id));
        assert_eq!(other.get(&format!("/premises/{}/risk", app.premises.id)).await.0, StatusCode::NOT_FOUND);
        for role in ["food_safety_officer", "food_safety_director", "principal"] {
            let canteen = app.person(role, &app.premises).await;
            assert_eq!(canteen.get("/risk").await.0, StatusCode::FORBIDDEN, "{role}");
            let (status, own) = canteen.get(&format!("/premises/{}/risk", app.premises.id)).await;
            assert_eq!(
                (status, &own["score"]["score"], &own["score"]["rising"]),
                (StatusCode::OK, &both["items"][0]["score"], &json!(false)),
                "{role}"
            );
            assert!(both["items"][0]["rising"] == true && !own["terms"].as_array().unwrap().is_empty(), "{own}");
            assert_eq!(canteen.get(&format!("/premises/{}/risk", app.other_premises.id)).await.0, StatusCode::NOT_FOUND, "{role}");
        }
        for role in ["parent", "education_viewer"] {
            let other = app.person(role, &app.district).await;
            assert_eq!(other.get(&format!("/premises/{}/risk", app.premises.id)).await.0, StatusCode::FORBIDDEN, "{role}");
        }
        for (query, expected) in [
            ("band=high", 1),
            ("band=severe", 0),
            ("rising=true", 1),
            ("rising=false", 1),
            ("kind=school_canteen", 2),
            ("kind=central_kitchen", 0),
            (&format!("organization_id={}", app.other_office.id), 1),
        ] {
            let found = list(&city, query).await;
            assert_eq!((names(&found).len(), found["total"].as_i64()), (expected, i64::try_from(expected).ok()), "{query}");
        }
        let spread = &list(&city, "band=severe").await["bands"];
        assert_eq!(
            spread,
            &json!([{"band": "low", "premises": 1, "rising": 0}, {"band": "medium", "premises": 0, "rising": 0},
            {"band": "high", "premises": 1, "rising": 1}, {"band": "severe", "premises": 0, "rising": 0}])
        );
        for bad in ["band=red", "kind=ship", "rising=perhaps", "organization_id=1"] {
            assert_eq!(city.get(&format!("/risk?{bad}")).await.0, StatusCode::BAD_REQUEST, "{bad}");
        }
        let table = city.request(Method::GET, "/exports/risk.csv?rising=true", None).send().await.unwrap().text().await.unwrap();
        assert!(table.lines().count() == 2 && table.contains("59.4") && table.contains("摄像头离线 15"), "{table}");
        let narrow = office.request(Method::GET, "/exports/risk.csv", None).send().await.unwrap().text().await.unwrap();
        assert_eq!(narrow.lines().count(), 2, "{narrow}");
    }
}

#[actix_web::test]
async fn what_rises_is_on_the_plan_of_the_month_with_its_reason() {
    for engine in ENGINES {
        let (app, _) = district(engine).await;
        let desk = app.person("supervisor", &app.office).await;
        let (status, plan) = desk.post("/plans", &json!({"organization_id": app.office.id, "month": "2026-12"})).await;
        assert_eq!(status, StatusCode::CREATED, "{plan}");
        let item = &plan["items"][0];
        assert_eq!((item["premises_id"].as_str(), item["why"].as_str()), (Some(app.premises.id.as_str()), Some("risk")), "{plan}");
        let why = &item["facts"]["risk"];
        assert_eq!((why["score"].as_f64(), why["band"].as_str(), why["entered_top"].as_bool()), (Some(59.4), Some("high"), Some(false)));
        assert!(why["rise"].as_f64().unwrap() > 40.0 && item["chosen"] == true, "{item}");
        let (_, checks) = desk.get(&format!("/premises/{}/checks", app.premises.id)).await;
        assert_eq!(&checks["risk"], why);
        let calm = app.person("supervisor", &app.other_office).await;
        assert_eq!(calm.get(&format!("/premises/{}/checks", app.other_premises.id)).await.1["risk"], Value::Null);
    }
}

#[actix_web::test]
async fn a_formula_is_checked_previewed_and_scored_by_at_once() {
    for engine in ENGINES {
        let (app, _) = district(engine).await;
        let root = app.person("administrator", &app.city).await;
        let desk = app.person("supervisor", &app.office).await;
        let (_, shipped) = root.get("/settings/risk").await;
        assert_eq!(shipped["terms"].as_array().unwrap().len(), 19);
        let mut bad = shipped.clone();
        bad["terms"][0]["fact"] = json!("moon_phase");
        bad["terms"][1]["window_days"] = json!(-1);
        bad["terms"][2]["cap"] = json!(2_000);
        bad["bands"]["high"] = json!(1);
        for (method, path) in [(Method::PUT, "/settings/risk"), (Method::POST, "/settings/risk/preview")] {
            let (status, refused) = root.send(method, path, Some(&bad)).await;
            let faults: Vec<_> = refused["errors"].as_array().unwrap().iter().map(|fault| text(&fault["pointer"])).collect();
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
            assert_eq!(faults, ["/bands/high", "/terms/0/fact", "/terms/1/window_days", "/terms/2/cap"]);
        }
        bad["colour"] = json!("red");
        assert!(root.put("/settings/risk", &bad).await.0.is_client_error(), "what is not known is not dropped in silence");
        assert_eq!(root.get("/settings/risk").await.1, shipped, "nothing has changed");

        // One term only: what is overdue is severe.
        let mut formula = shipped.clone();
        let overdue = shipped["terms"].as_array().unwrap().iter().find(|term| term["fact"] == "order_overdue").unwrap();
        formula["terms"] = json!([overdue]);
        formula["terms"][0]["weight"] = json!(80.0);
        formula["terms"][0]["cap"] = json!(80.0);
        let (status, preview) = root.post("/settings/risk/preview", &formula).await;
        assert_eq!(status, StatusCode::OK, "{preview}");
        assert_eq!(
            [&preview["premises"], &preview["up"], &preview["down"], &preview["rising_before"], &preview["rising_after"]],
            [&json!(2), &json!(1), &json!(0), &json!(1), &json!(1)],
            "{preview}"
        );
        let mover = &preview["movers"][0];
        assert_eq!(
            [&mover["score_before"], &mover["band_before"], &mover["score_after"], &mover["band_after"]],
            [&json!(59.4), &json!("high"), &json!(80.0), &json!("severe")]
        );
        assert_eq!(preview["movers"].as_array().unwrap().len(), 2, "the other one falls to nothing");
        let (_, own) = desk.post("/settings/risk/preview", &formula).await;
        assert_eq!((&own["premises"], own["movers"].as_array().map(Vec::len)), (&json!(1), Some(1)), "an office sees its own");
        assert_eq!(list(&root, "").await["items"][0]["score"], 59.4, "a preview keeps nothing");

        assert_eq!(desk.put("/settings/risk", &formula).await.0, StatusCode::FORBIDDEN, "it is the whole system's");
        assert_eq!(root.put("/settings/risk", &formula).await, (StatusCode::OK, formula.clone()));
        let now = list(&root, "").await;
        let first = &now["items"][0];
        assert_eq!(
            [&first["score"], &first["band"], &first["formula_version"], &first["entered_top"], &first["rising"]],
            [&json!(80.0), &json!("severe"), &json!(1), &json!(true), &json!(true)],
            "{first}"
        );
        assert_eq!(now["items"][1]["score"], 0.0);
        assert_eq!(root.get("/settings/risk?shipped=true").await.1, shipped);
    }
}
