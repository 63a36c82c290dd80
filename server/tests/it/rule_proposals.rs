//! Rules whose flags are mostly dismissed are proposed for other figures, to those who decide and set; what is turned down stays so.

use std::sync::Arc;
use std::time::Duration;

use media::{Clock as _, DiagnosisKind, Phase, SimulatedClock};
use reqwest::StatusCode;
use serde_json::{Value, json};
use server::jobs::propose_rules;
use uuid::Uuid;

use crate::phone::text;
use crate::support::{Client, ENGINES, Engine, TestApp, add_camera, diagnosis, hear};

/// Monday 23 November 2026, 10:00 in Shanghai.
const MONDAY_MS: i64 = 1_795_399_200_000;

struct District {
    app: TestApp,
    clock: Arc<SimulatedClock>,
    camera: Uuid,
}

impl District {
    async fn start(engine: Engine) -> Self {
        let clock = Arc::new(SimulatedClock::new(MONDAY_MS));
        let app = TestApp::start_at(engine, clock.clone()).await;
        for (name, role, node) in [
            ("desk", "supervisor", &app.office),
            ("far", "supervisor", &app.other_office),
            ("head", "head", &app.office),
            ("canteen", "food_safety_officer", &app.premises),
        ] {
            app.add_person(name, &[(role, node)], false).await;
        }
        let camera = add_camera(&app, &app.premises, "烹饪间").await;
        Self { app, clock, camera }
    }

    /// Flags of a kind, each decided at once, ten minutes apart; the paths of their alerts.
    async fn decided(&self, kind: DiagnosisKind, act: &str, body: Value, count: usize) -> Vec<String> {
        let mut paths = Vec::new();
        for _ in 0..count {
            let desk = self.app.sign_in("desk").await;
            hear(&self.app.app, [diagnosis(self.camera, kind, Phase::Raised, self.clock.wall_ms())]).await;
            let (_, list) = desk.get(&format!("/alerts?kind={}&limit=1", kind.as_str())).await;
            let path = format!("/alerts/{}", text(&list["items"][0]["id"]));
            let mut body = body.clone();
            body["version"] = desk.get(&path).await.1["version"].clone();
            let (status, answer) = desk.post(&format!("{path}/{act}"), &body).await;
            assert_eq!(status, StatusCode::OK, "{answer}");
            paths.push(path);
            hear(&self.app.app, [diagnosis(self.camera, kind, Phase::Cleared, self.clock.wall_ms() + 8_000)]).await;
            self.clock.advance(Duration::from_secs(600));
        }
        paths
    }

    async fn proposals(&self, who: &str) -> Vec<Value> {
        let (status, list) = self.app.sign_in(who).await.get("/rule_proposals?open=true").await;
        assert_eq!(status, StatusCode::OK, "{list}");
        list["items"].as_array().unwrap().clone()
    }

    async fn look(&self) {
        propose_rules(&self.app.app).await.unwrap();
    }
}

async fn act(who: &Client, proposal: &Value, act: &str, mut body: Value) -> (StatusCode, Value) {
    body["version"] = proposal["version"].clone();
    who.post(&format!("/rule_proposals/{}/{act}", text(&proposal["id"])), &body).await
}

#[actix_web::test]
async fn a_rule_is_proposed_from_enough_decisions_and_only_those_who_may_see_and_act() {
    for engine in ENGINES {
        let district = District::start(engine).await;
        district.decided(DiagnosisKind::Covered, "dismiss", json!({"reason": "false_alarm"}), 7).await;
        district.decided(DiagnosisKind::Black, "dismiss", json!({"reason": "duplicate"}), 9).await;
        district.decided(DiagnosisKind::SignalLost, "dismiss", json!({"reason": "false_alarm"}), 8).await;
        district.look().await;
        assert_eq!(district.proposals("desk").await, Vec::<Value>::new(), "too few; duplicates say nothing; no pictures to try");
        district.decided(DiagnosisKind::Covered, "confirm", json!({}), 2).await;
        district.look().await;
        district.look().await;
        let proposals = district.proposals("desk").await;
        let one = &proposals[0];
        assert_eq!(
            (proposals.len(), &one["kind"], &one["confirmed"], &one["dismissed"], &one["state"], &one["may_decide"]),
            (1, &json!("covered"), &json!(2), &json!(7), &json!("proposed"), &json!(true)),
            "{one}"
        );
        assert_eq!((&one["figures"], &one["camera_id"]), (&Value::Null, &json!(district.camera)));
        let path = format!("/rule_proposals/{}", text(&one["id"]));
        let app = &district.app;
        let (desk, head) = (app.sign_in("desk").await, app.sign_in("head").await);
        let (_, page) = desk.get(&path).await;
        assert_eq!((&page["present"], &page["above"]), (&json!({"threshold": 0.6, "duration_s": 5.0}), &json!(true)), "{page}");
        assert_eq!(district.proposals("head").await[0]["may_decide"], json!(false), "who decides and sets nothing sees");
        assert_eq!(act(&head, one, "try", json!({})).await.0, StatusCode::FORBIDDEN);
        assert_eq!(district.proposals("far").await, Vec::<Value>::new());
        assert_eq!(app.sign_in("far").await.get(&path).await.0, StatusCode::NOT_FOUND);
        for path in ["/rule_proposals", &path] {
            assert_eq!(app.sign_in("canteen").await.get(path).await.0, StatusCode::FORBIDDEN);
        }
        let wrong = json!({"figures": {"threshold": -1.0, "duration_s": 5.0}});
        let (status, refused) = act(&desk, one, "try", wrong).await;
        assert_eq!(
            (status, &refused["errors"][0]["pointer"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!("/figures/threshold")),
            "{refused}"
        );
        let (status, refused) = act(&desk, one, "apply", json!({"reason": "x"})).await;
        assert_eq!((status, &refused["type"]), (StatusCode::CONFLICT, &json!("invalid_transition")), "nothing was tried");
        let (status, refused) = act(&desk, one, "decline", json!({"reason": "  "})).await;
        assert_eq!((status, &refused["errors"][0]["pointer"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("/reason")), "{refused}");
        let (_, list) = desk.get(&format!("/rule_proposals?camera_id={}", Uuid::now_v7())).await;
        assert_eq!(list["total"], 0);
    }
}

#[actix_web::test]
async fn what_was_turned_down_returns_with_new_decisions_and_what_loses_its_ground_goes() {
    for engine in ENGINES {
        let district = District::start(engine).await;
        let flags = district.decided(DiagnosisKind::Blurred, "dismiss", json!({"reason": "permitted"}), 8).await;
        district.look().await;
        let one = district.proposals("desk").await.remove(0);
        // A decision is taken back: seven are too few.
        let desk = district.app.sign_in("desk").await;
        let version = desk.get(&flags[0]).await.1["version"].clone();
        let (status, answer) = desk.post(&format!("{}/reopen", flags[0]), &json!({"version": version, "reason": "再看一次"})).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        district.look().await;
        assert_eq!(district.proposals("desk").await, Vec::<Value>::new());
        let (_, gone) = desk.get(&format!("/rule_proposals/{}", text(&one["id"]))).await;
        assert_eq!((&gone["state"], &gone["may_decide"]), (&json!("withdrawn"), &json!(false)));
        district.decided(DiagnosisKind::Blurred, "dismiss", json!({"reason": "镜头起雾"}), 1).await;
        district.look().await;
        let again = district.proposals("desk").await.remove(0);
        assert_eq!((&again["dismissed"], again["id"] == one["id"]), (&json!(8), false), "a reason in words counts");
        let desk = district.app.sign_in("desk").await;
        let mut stale = again.clone();
        stale["version"] = json!(7);
        let (status, refused) = act(&desk, &stale, "decline", json!({"reason": "先擦镜头"})).await;
        assert_eq!((status, &refused["type"], &refused["present"]["id"]), (StatusCode::CONFLICT, &json!("stale_version"), &again["id"]));
        let (status, declined) = act(&desk, &again, "decline", json!({"reason": "先擦镜头"})).await;
        assert_eq!(
            (status, &declined["state"], &declined["reason"]),
            (StatusCode::OK, &json!("declined"), &json!("先擦镜头")),
            "{declined}"
        );
        district.look().await;
        district.clock.advance(Duration::from_secs(1));
        district.decided(DiagnosisKind::Blurred, "dismiss", json!({"reason": "false_alarm"}), 7).await;
        district.look().await;
        assert_eq!(district.proposals("desk").await, Vec::<Value>::new(), "it is left alone");
        district.decided(DiagnosisKind::Blurred, "dismiss", json!({"reason": "false_alarm"}), 1).await;
        district.look().await;
        assert_eq!(district.proposals("desk").await[0]["dismissed"], 16, "eight more are other figures");
        let auditor = district.app.person("administrator", &district.app.city).await;
        let (_, audit) = auditor.get("/audit?entity=rule_proposal").await;
        assert_eq!(audit["items"][0]["action"], "decline", "{audit}");
    }
}
