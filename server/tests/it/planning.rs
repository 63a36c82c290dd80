//! Plans and draws from the first step to the assignments, on both engines.

use std::process::Command;

use mobile_api::canonical;
use mobile_api::moment::Moment;
use reqwest::StatusCode;
use serde_json::{Value, json};
use server::domain::draw::{Outcome, Record};
use sha2::{Digest as _, Sha256};

use crate::phone::{Draft, Phone, text};
use crate::support::{Client, Node, TestApp, on_both, tamper};

/// Late enough that it is never past; its premises are due whatever their slot.
const MONTH: &str = "2099-12";
const DUE: &str = "2099-12-18";

/// An officer at a node, with a certificate.
async fn officer(app: &TestApp, supervisor: &Client, node: &Node, lead: bool) -> String {
    let username = format!("o{}", &uuid::Uuid::now_v7().simple().to_string()[18..]);
    let id = app.add_person(&username, &[("officer", node)], false).await;
    profile(supervisor, &id, 0, json!({"may_lead": lead})).await;
    id
}

async fn profile(supervisor: &Client, id: &str, version: i64, changes: Value) {
    let mut body =
        json!({"certificate_until": "2100-01-01", "may_lead": true, "specialties": [], "interests": [], "leaves": [], "version": version});
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    let (status, answer) = supervisor.put(&format!("/officers/{id}"), &body).await;
    assert_eq!((status, answer["version"].as_i64()), (StatusCode::OK, Some(version + 1)), "{answer}");
}

async fn more_premises(app: &TestApp, count: usize) -> Vec<String> {
    let administrator = app.person("administrator", &app.city).await;
    let mut ids = vec![app.premises.id.clone()];
    for number in 0..count {
        let body = json!({"name": format!("第 {number} 食堂"), "kind": "school_canteen", "organization_id": app.office.id, "latitude": 23.47, "longitude": 116.76, "risk_grade": "D"});
        let (status, made) = administrator.post("/premises", &body).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        ids.push(text(&made["id"]));
    }
    ids
}

async fn template(client: &Client) -> String {
    text(&client.get("/templates?kind=school_canteen").await.1["items"][0]["id"])
}

fn codes(problem: &Value) -> Vec<(String, String)> {
    problem["errors"].as_array().into_iter().flatten().map(|fault| (text(&fault["pointer"]), text(&fault["code"]))).collect()
}

on_both!(a_draw_goes_from_the_commitment_to_the_assignments_and_replays, |app| {
    let supervisor = app.person("supervisor", &app.office).await;
    let head = app.person("head", &app.district).await;
    more_premises(&app, 3).await;
    for lead in [true, true, false, false] {
        officer(&app, &supervisor, &app.office, lead).await;
    }
    let template = template(&supervisor).await;
    let asked = json!({"title": "双随机", "organization_id": app.office.id, "wanted": 3, "grades": ["B", "D"], "template_id": template, "kind": "routine", "due_on": DUE});
    let (status, committed) = supervisor.post("/draws", &asked).await;
    assert_eq!(status, StatusCode::CREATED, "{committed}");
    assert_eq!(
        (committed["state"].as_str(), &committed["counts"]["premises"], &committed["counts"]["officers"], &committed["server_value"]),
        (Some("committed"), &json!(4), &json!(4), &Value::Null)
    );
    let path = format!("/draws/{}", text(&committed["id"]));
    let (_, published) = app.nobody().get("/draws/commitments").await;
    assert_eq!((&published[0]["commitment"], &published[0]["input_sha256"]), (&committed["commitment"], &committed["input_sha256"]));
    assert_eq!(supervisor.get(&format!("{path}/record.json")).await.1["type"], "invalid_transition", "nothing to replay yet");

    let other = app.person("supervisor", &app.other_office).await;
    let an_officer = app.person("officer", &app.office).await;
    assert_eq!(other.get(&path).await.0, StatusCode::NOT_FOUND);
    assert_eq!(an_officer.get(&path).await.0, StatusCode::FORBIDDEN);

    let witnessed = |version: i64| json!({"witness_name": "见证人 陈晓", "witness_value": "上证指数 3421.56", "version": version});
    assert_eq!(supervisor.post(&format!("{path}/draw"), &witnessed(7)).await.1["type"], "stale_version");
    assert_eq!(
        codes(&supervisor.post(&format!("{path}/draw"), &json!({"witness_name": "", "witness_value": "", "version": 1})).await.1),
        [("/witness_name".to_owned(), "required".to_owned()), ("/witness_value".to_owned(), "required".to_owned())]
    );
    let (status, drawn) = supervisor.post(&format!("{path}/draw"), &witnessed(1)).await;
    assert_eq!(
        (status, drawn["state"].as_str(), drawn["result"].as_array().map(Vec::len)),
        (StatusCode::OK, Some("drawn"), Some(3)),
        "{drawn}"
    );
    assert_eq!(hex::encode(Sha256::digest(text(&drawn["server_value"]))), text(&drawn["commitment"]), "as was promised");
    assert_eq!(drawn["input_sha256"], committed["input_sha256"], "nothing was exchanged in between");
    assert_eq!(supervisor.post(&format!("{path}/draw"), &witnessed(2)).await.1["type"], "invalid_transition", "it is drawn once");

    let (_, record) = supervisor.get(&format!("{path}/record.json")).await;
    assert_eq!(canonical::sha256_hex(&record["input"]), text(&drawn["input_sha256"]));
    let read: Record = serde_json::from_value(record.clone()).unwrap();
    let Outcome::Drawn(result) = &read.outcome else { panic!("{record}") };
    let shown: Vec<String> = drawn["result"].as_array().unwrap().iter().map(|line| text(&line["premises_id"])).collect();
    assert_eq!(result.teams.iter().map(|team| team.premises_id.clone()).collect::<Vec<_>>(), shown);
    assert_eq!(supervisor.get(&format!("{path}/replay")).await.1["same"], true);
    replays_from_the_command_line(&app, &record);

    assert_eq!(
        supervisor.post(&format!("{path}/approve"), &json!({"approval_number": "〔2099〕1号", "version": 2})).await.0,
        StatusCode::FORBIDDEN
    );
    let (status, approved) = head.post(&format!("{path}/approve"), &json!({"approval_number": "〔2099〕1号", "version": 2})).await;
    assert_eq!((status, approved["state"].as_str()), (StatusCode::OK, Some("approved")), "{approved}");
    let (_, made) = supervisor.get(&format!("/assignments?draw_id={}", text(&committed["id"]))).await;
    assert_eq!(made["total"], 3);
    for one in made["items"].as_array().unwrap() {
        let line = drawn["result"].as_array().unwrap().iter().find(|line| line["premises_id"] == one["premises_id"]).unwrap();
        let ids = |list: &Value| list.as_array().unwrap().iter().map(|officer| text(&officer["id"])).collect::<Vec<_>>();
        assert_eq!(ids(&one["officers"])[0], ids(&line["officers"])[0], "the same lead");
        assert_eq!(
            (one["source"].as_str(), one["approval_number"].as_str(), one["due_on"].as_str()),
            (Some("random_draw"), Some("〔2099〕1号"), Some(DUE))
        );
    }
    assert_eq!(head.post(&format!("{path}/approve"), &json!({"approval_number": "x", "version": 3})).await.1["type"], "invalid_transition");
    assert_eq!(head.post(&format!("{path}/withdraw"), &json!({"reason": "x", "version": 3})).await.1["type"], "invalid_transition");

    let auditor = app.person("auditor", &app.city).await;
    let (_, audit) = auditor.get("/audit?entity=draw").await;
    let acts: Vec<String> = audit["items"].as_array().unwrap().iter().map(|row| text(&row["action"])).collect();
    assert_eq!(acts, ["draw_approve", "draw", "draw_commit"]);
    // What has an open check is not drawn a second time.
    let (status, again) = supervisor.post("/draws", &json!({"title": "x", "organization_id": app.office.id, "wanted": 2, "template_id": template, "kind": "routine", "due_on": DUE})).await;
    assert_eq!((status, codes(&again)), (StatusCode::UNPROCESSABLE_ENTITY, vec![("/wanted".to_owned(), "out_of_range".to_owned())]));

    tamper(&app.app.db, "UPDATE draws SET record = replace(record, '上证指数 3421.56', '上证指数 3421.57')").await;
    let (_, changed) = supervisor.get(&format!("{path}/replay")).await;
    assert_eq!((&changed["same"], changed["differs"][0].as_str()), (&json!(false), Some("seed")));
});

/// The same file, without a server: the same result, and any change is found.
fn replays_from_the_command_line(app: &TestApp, record: &Value) {
    let file = app.data.path().join("draw.json");
    let run = |content: &str| {
        std::fs::write(&file, content).unwrap();
        Command::new(env!("CARGO_BIN_EXE_bright-kitchen")).args(["draw", "replay"]).arg(&file).output().unwrap()
    };
    let same = run(&record.to_string());
    let said = String::from_utf8_lossy(&same.stdout).into_owned();
    assert!(same.status.success() && said.contains("everything follows"), "{said}");
    let changed = run(&record.to_string().replace("3421.56", "3421.50"));
    assert!(!changed.status.success() && String::from_utf8_lossy(&changed.stdout).contains("DIFFERS     seed"));
    assert!(!run("{}").status.success());
}

on_both!(a_draw_that_cannot_be_names_the_rule_and_is_drawn_again_as_another, |app| {
    let supervisor = app.person("supervisor", &app.office).await;
    let head = app.person("head", &app.office).await;
    let good = officer(&app, &supervisor, &app.office, true).await;
    let bare = app.add_person("bare", &[("officer", &app.office)], false).await;
    let stranger = officer(&app, &app.person("supervisor", &app.other_office).await, &app.other_office, true).await;
    let template = template(&supervisor).await;
    let asked = json!({"title": "双随机", "organization_id": app.office.id, "template_id": template, "kind": "routine", "due_on": DUE});
    let (_, made) = supervisor.post("/draws", &asked).await;
    let path = format!("/draws/{}", text(&made["id"]));
    let witnessed = json!({"witness_name": "见证人", "witness_value": "晴", "version": 1});
    let (status, failed) = supervisor.post(&format!("{path}/draw"), &witnessed).await;
    assert_eq!(
        (status, failed["state"].as_str(), failed["outcome"].as_str()),
        (StatusCode::OK, Some("failed"), Some("infeasible")),
        "{failed}"
    );
    assert_eq!((&failed["failure"]["rules"], &failed["failure"]["officers_left"]), (&json!(["certificate", "team"]), &json!(1)));
    assert_eq!(
        failed["failure"]["premises_id"], app.premises.id,
        "the officer without a certificate is not taken instead: {good} {stranger}"
    );
    assert_eq!(head.post(&format!("{path}/approve"), &json!({"approval_number": "x", "version": 2})).await.1["type"], "invalid_transition");
    assert_eq!(supervisor.get(&format!("{path}/replay")).await.1["same"], true, "a failure replays too");

    profile(&supervisor, &bare, 0, json!({"may_lead": false})).await;
    let reason = json!({"reason": "补登执法证后重新抽取", "version": 2});
    assert_eq!(supervisor.post(&format!("{path}/redraw"), &reason).await.0, StatusCode::FORBIDDEN);
    let (status, again) = head.post(&format!("{path}/redraw"), &reason).await;
    assert_eq!(
        (status, again["redraw_of"].as_str(), again["state"].as_str()),
        (StatusCode::CREATED, made["id"].as_str(), Some("committed")),
        "{again}"
    );
    assert!(
        again["commitment"] != failed["commitment"]
            && again["redraw_reason"] == "补登执法证后重新抽取"
            && again["redraw_by_name"].is_string()
    );
    let (_, before) = supervisor.get(&path).await;
    assert_eq!((before["state"].as_str(), before["redrawn_as"].as_str()), (Some("failed"), again["id"].as_str()), "it stays as it was");
    assert_eq!(head.post(&format!("{path}/redraw"), &json!({"reason": "x", "version": 2})).await.1["type"], "invalid_transition", "once");

    let second = format!("/draws/{}", text(&again["id"]));
    let (_, drawn) = supervisor.post(&format!("{second}/draw"), &witnessed).await;
    assert_eq!(
        (drawn["state"].as_str(), drawn["result"][0]["officers"][0]["id"].as_str()),
        (Some("drawn"), Some(good.as_str())),
        "{drawn}"
    );
    let withdraw = json!({"reason": "不满意", "version": 2});
    assert_eq!(
        supervisor.post(&format!("{second}/withdraw"), &withdraw).await.0,
        StatusCode::FORBIDDEN,
        "a result is not the planner's to take back"
    );
    assert_eq!(head.post(&format!("{second}/withdraw"), &withdraw).await.1["state"], "withdrawn");
});

on_both!(interests_and_leaves_keep_officers_out_and_are_not_told_in_the_record, |app| {
    let supervisor = app.person("supervisor", &app.office).await;
    let administrator = app.person("administrator", &app.city).await;
    let (_, operator) = administrator.post("/operators", &json!({"name": "绿源餐饮", "checks_cap": 3})).await;
    assert_eq!(operator["checks_cap"], 3);
    let operator_id = text(&operator["id"]);
    administrator.put(&format!("/premises/{}/operators/{operator_id}", app.premises.id), &json!({"part": "contractor"})).await;
    let ids = [
        officer(&app, &supervisor, &app.office, true).await,
        officer(&app, &supervisor, &app.office, true).await,
        officer(&app, &supervisor, &app.office, true).await,
        officer(&app, &supervisor, &app.office, true).await,
    ];
    profile(&supervisor, &ids[0], 1, json!({"interests": [{"operator_id": operator_id, "reason": "配偶持股"}]})).await;
    profile(&supervisor, &ids[1], 1, json!({"leaves": [{"from": "2020-01-01", "until": "2099-12-31", "reason": "病假"}]})).await;
    let (_, kept) = supervisor.get(&format!("/officers/{}", ids[0])).await;
    assert_eq!((kept["interests"][0]["name"].as_str(), kept["certificate_missing"].as_bool()), (Some("绿源餐饮"), Some(false)));
    let stale = json!({"certificate_until": null, "may_lead": true, "specialties": [], "interests": [], "leaves": [], "version": 1});
    assert_eq!(supervisor.put(&format!("/officers/{}", ids[0]), &stale).await.1["type"], "stale_version");
    let wrong = json!({"certificate_until": "soon", "may_lead": true, "specialties": [], "interests": [{"reason": "x"}],
        "leaves": [{"from": "2026-12-03", "until": "2026-12-01"}], "version": 2});
    let faults = codes(&supervisor.put(&format!("/officers/{}", ids[0]), &wrong).await.1);
    assert_eq!(faults.iter().map(|fault| fault.0.as_str()).collect::<Vec<_>>(), ["/certificate_until", "/interests/0", "/leaves/0/until"]);
    let template = template(&supervisor).await;
    let asked = json!({"title": "双随机", "organization_id": app.office.id, "template_id": template, "kind": "routine", "due_on": DUE});
    let (_, made) = supervisor.post("/draws", &asked).await;
    let path = format!("/draws/{}", text(&made["id"]));
    let (_, drawn) =
        supervisor.post(&format!("{path}/draw"), &json!({"witness_name": "见证人", "witness_value": "晴", "version": 1})).await;
    let mut team: Vec<String> = drawn["result"][0]["officers"].as_array().unwrap().iter().map(|one| text(&one["id"])).collect();
    team.sort();
    let mut expected = ids[2..].to_vec();
    expected.sort();
    assert_eq!(team, expected, "{drawn}");
    let (_, record) = supervisor.get(&format!("{path}/record.json")).await;
    assert!(!record.to_string().contains("配偶持股") && !record.to_string().contains("病假"), "reasons stay with the bureau");
    let other = app.person("supervisor", &app.other_office).await;
    assert_eq!(other.get(&format!("/officers/{}", ids[0])).await.0, StatusCode::NOT_FOUND);
    assert_eq!(other.get("/officers").await.1["total"], 0);
});

on_both!(a_month_is_proposed_adjusted_approved_and_what_has_no_officers_is_drawn, |app| {
    let supervisor = app.person("supervisor", &app.office).await;
    let head = app.person("head", &app.office).await;
    let premises = more_premises(&app, 2).await;
    let (first, second) = (officer(&app, &supervisor, &app.office, true).await, officer(&app, &supervisor, &app.office, false).await);
    let new = json!({"organization_id": app.office.id, "month": MONTH});
    let (status, plan) = supervisor.post("/plans", &new).await;
    assert_eq!((status, plan["items"].as_array().map(Vec::len)), (StatusCode::CREATED, Some(3)), "{plan}");
    for item in plan["items"].as_array().unwrap() {
        assert_eq!(
            (item["chosen"].as_bool(), item["why"].as_str(), item["officers"].as_array().map(Vec::len)),
            (Some(true), Some("grade"), Some(0)),
            "{item}"
        );
        assert!(item["template_id"].is_string() && item["due_on"].as_str().unwrap().starts_with(MONTH));
    }
    assert_eq!(supervisor.post("/plans", &new).await.1["type"], "conflict", "one plan a month");
    let path = format!("/plans/{}", text(&plan["id"]));
    let template = text(&plan["items"][0]["template_id"]);
    let item = |premises: &str, officers: &[&String], due_on: &str| json!({"premises_id": premises, "chosen": true, "template_id": template, "kind": "routine", "due_on": due_on, "officer_ids": officers, "merged": ["教育局联合检查"]});
    let (_, problem) =
        supervisor.put(&format!("{path}/items"), &json!({"items": [item(&premises[0], &[&first], DUE)], "version": 1})).await;
    assert_eq!(codes(&problem), [("/items/0/officer_ids".to_owned(), "too_few".to_owned())]);
    let elsewhere =
        json!({"items": [item(&app.other_premises.id, &[&first, &second], DUE), item(&premises[1], &[], "2099-11-30")], "version": 1});
    let faults = codes(&supervisor.put(&format!("{path}/items"), &elsewhere).await.1);
    assert_eq!(faults.iter().map(|fault| fault.0.as_str()).collect::<Vec<_>>(), ["/items/0/premises_id", "/items/1/due_on"]);
    let mut left_out = item(&premises[2], &[], DUE);
    left_out["chosen"] = json!(false);
    let body = json!({"items": [item(&premises[0], &[&first, &second], DUE), left_out], "version": 1});
    let (status, adjusted) = supervisor.put(&format!("{path}/items"), &body).await;
    assert_eq!((status, adjusted["version"].as_i64(), adjusted["chosen"].as_i64()), (StatusCode::OK, Some(2), Some(2)), "{adjusted}");
    assert_eq!(supervisor.put(&format!("{path}/items"), &body).await.1["type"], "stale_version");

    let number = json!({"approval_number": "〔2099〕30号", "version": 2});
    assert_eq!(supervisor.post(&format!("{path}/approve"), &number).await.0, StatusCode::FORBIDDEN);
    let (status, approved) = head.post(&format!("{path}/approve"), &number).await;
    assert_eq!(
        (status, approved["state"].as_str(), approved["assigned"].as_i64()),
        (StatusCode::OK, Some("approved"), Some(1)),
        "{approved}"
    );
    let (_, made) = supervisor.get(&format!("/assignments?plan_id={}", text(&plan["id"]))).await;
    let one = &made["items"][0];
    assert_eq!(
        (one["source"].as_str(), one["approval_number"].as_str(), one["merged"][0].as_str(), one["officers"][0]["id"].as_str()),
        (Some("annual_plan"), Some("〔2099〕30号"), Some("教育局联合检查"), Some(first.as_str()))
    );

    // What has no officers is drawn from the approved plan, and only that.
    let asked = json!({"title": "计划抽取", "organization_id": app.office.id, "plan_id": plan["id"], "template_id": template, "kind": "routine", "due_on": DUE});
    let (status, draw) = supervisor.post("/draws", &asked).await;
    assert_eq!((status, &draw["counts"]["premises"]), (StatusCode::CREATED, &json!(1)), "{draw}");
    assert_eq!(supervisor.post("/draws", &asked).await.1["type"], "conflict", "one draw of a plan at a time");
    let drawing = format!("/draws/{}", text(&draw["id"]));
    let (_, drawn) =
        supervisor.post(&format!("{drawing}/draw"), &json!({"witness_name": "见证人", "witness_value": "雨", "version": 1})).await;
    assert_eq!(drawn["result"][0]["premises_id"], premises[1], "{drawn}");
    assert_eq!(head.post(&format!("{drawing}/approve"), &json!({"approval_number": "〔2099〕31号", "version": 2})).await.0, StatusCode::OK);
    let (_, after) = supervisor.get(&path).await;
    assert_eq!((after["assigned"].as_i64(), after["chosen"].as_i64()), (Some(2), Some(2)));

    let (_, month) = supervisor.get(&format!("/assignments/month?month={MONTH}")).await;
    assert_eq!(
        (&month["days"], month["places"].as_array().map(Vec::len)),
        (&json!([{"day": DUE, "open": 2, "done": 0}]), Some(2)),
        "{month}"
    );
    assert_eq!(supervisor.get("/assignments/month?month=2099-13").await.1["type"], "malformed");
});

on_both!(caps_and_checks_by_a_higher_level_warn_and_want_a_reason, |app| {
    let (supervisor, administrator) = (app.person("supervisor", &app.office).await, app.person("administrator", &app.city).await);
    let template = template(&supervisor).await;
    let (_, operator) = administrator.post("/operators", &json!({"name": "绿源餐饮"})).await;
    let operator_id = text(&operator["id"]);
    for premises in [&app.premises, &app.other_premises] {
        let (status, _) =
            administrator.put(&format!("/premises/{}/operators/{operator_id}", premises.id), &json!({"part": "contractor"})).await;
        assert_eq!(status, StatusCode::NO_CONTENT);
    }
    let (_, mut rules) = supervisor.get("/settings/inspection_plan").await;
    assert_eq!(rules["per_year"], json!({"A": 1, "B": 2, "C": 3, "D": 4}));
    rules["operator_cap"] = json!(1);
    assert_eq!(supervisor.put("/settings/inspection_plan", &rules).await.0, StatusCode::FORBIDDEN, "it is the whole system's");
    assert_eq!(administrator.put("/settings/inspection_plan", &rules).await, (StatusCode::OK, rules.clone()));
    rules["per_year"]["E"] = json!(99);
    assert_eq!(administrator.put("/settings/inspection_plan", &rules).await.0, StatusCode::UNPROCESSABLE_ENTITY);

    // A complaint needs its number and does not count against the cap; a check elsewhere of the same operator does.
    let elsewhere = app.person("supervisor", &app.other_office).await;
    let guest = Phone::at(&app, &app.other_office).await;
    let mut order = json!({"premises_id": app.other_premises.id, "template_id": template, "kind": "routine", "due_on": DUE, "officer_ids": [guest.user_id], "source": "complaint"});
    assert_eq!(codes(&elsewhere.post("/assignments", &order).await.1), [("/source_number".to_owned(), "required".to_owned())]);
    order["source_number"] = json!("12315-20991201-7");
    let (_, made) = elsewhere.post("/assignments", &order).await;
    assert_eq!((made["source"].as_str(), made["source_number"].as_str()), (Some("complaint"), Some("12315-20991201-7")));
    let plan = |month: &'static str| json!({"organization_id": app.office.id, "month": month});
    let (_, before) = supervisor.post("/plans", &plan(MONTH)).await;
    let facts = &before["items"][0]["facts"];
    assert_eq!(
        (&facts["operators"][0]["count"], &facts["operators"][0]["cap"], &facts["warnings"]),
        (&json!(0), &json!(1), &json!([])),
        "{before}"
    );
    supervisor.post(&format!("/plans/{}/withdraw", text(&before["id"])), &json!({"reason": "重新拟订", "version": 1})).await;
    order.as_object_mut().unwrap().remove("source_number");
    order["source"] = json!("campaign");
    assert_eq!(elsewhere.post("/assignments", &order).await.0, StatusCode::CREATED);

    // The district's own officer was here a moment ago, with the same checklist.
    let district = Phone::at(&app, &app.district).await;
    let checklist = district.template().await;
    let mut draft = Draft::new(&app, &district, &checklist);
    draft.header["started_at"] = json!(Moment(app.app.clock.wall_ms()));
    assert_eq!(district.client.put(&draft.path(), &draft.put()).await.0, StatusCode::CREATED);
    let (status, done) = district.client.post(&format!("{}/submit", draft.path()), &draft.submission(&checklist)).await;
    assert_eq!(status, StatusCode::OK, "{done}");
    let (_, now) = supervisor.get(&format!("/premises/{}/checks", app.premises.id)).await;
    assert_eq!(
        (now["warnings"].clone(), now["higher"].as_array().map(Vec::len)),
        (json!(["over_cap", "checked_by_higher_level"]), Some(1)),
        "{now}"
    );

    let (_, after) = supervisor.post("/plans", &plan(MONTH)).await;
    let item = &after["items"][0];
    assert_eq!(
        (item["chosen"].as_bool(), &item["facts"]["warnings"]),
        (Some(false), &json!(["over_cap", "checked_by_higher_level"])),
        "{after}"
    );
    let path = format!("/plans/{}/items", text(&after["id"]));
    let mut wanted = json!({"premises_id": app.premises.id, "chosen": true, "template_id": template, "kind": "routine", "due_on": DUE, "officer_ids": []});
    let (_, problem) = supervisor.put(&path, &json!({"items": [wanted], "version": 1})).await;
    assert_eq!(codes(&problem), [("/items/0/note".to_owned(), "required".to_owned())]);
    wanted["note"] = json!("群众反映集中，需再次检查");
    let (status, kept) = supervisor.put(&path, &json!({"items": [wanted], "version": 1})).await;
    assert_eq!((status, kept["items"][0]["note"].as_str()), (StatusCode::OK, Some("群众反映集中，需再次检查")));
});
