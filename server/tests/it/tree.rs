//! The tree and its premises: scope, versions, bad input.

use reqwest::StatusCode;
use serde_json::json;

use crate::phone::{Draft, Phone};
use crate::support::{Node, add_camera, on_both};

on_both!(an_office_sees_only_its_own_premises, |app| {
    let officer = app.person("officer", &app.office).await;
    let (_, list) = officer.get("/premises").await;
    assert_eq!(list["total"], 1);
    assert_eq!(list["items"][0]["id"], json!(app.premises.id));
    assert_eq!(officer.get(&format!("/premises/{}", app.other_premises.id)).await.0, StatusCode::NOT_FOUND);
    let district = app.person("supervisor", &app.district).await;
    assert_eq!(district.get("/premises").await.1["total"], 2);
    assert_eq!(district.get("/premises?disabled=true").await.1["total"], 0);
    let canteen = app.person("food_safety_officer", &app.premises).await;
    assert_eq!(canteen.get("/premises").await.1["items"][0]["id"], json!(app.premises.id));
});

on_both!(premises_are_added_changed_and_found_by_initials, |app| {
    let administrator = app.person("administrator", &app.city).await;
    let body = json!({"name": "澄海实验幼儿园食堂", "kind": "kindergarten_canteen", "organization_id": app.office.id, "latitude": 23.4656, "longitude": 116.7561, "datum": "gcj02",
        "service_hours": [{"days": [1, 2, 3, 4, 5], "from": "06:30", "to": "18:30"}]});
    let (status, added) = administrator.post("/premises", &body).await;
    assert_eq!(status, StatusCode::CREATED, "{added}");
    assert!((added["latitude"].as_f64().unwrap() - 23.4656).abs() > 1e-4, "kept as WGS-84");
    let id = added["id"].as_str().unwrap();
    for q in ["chsyyey", "chenghai", "实验幼儿"] {
        assert_eq!(administrator.get(&format!("/premises?q={q}")).await.1["items"][0]["id"], added["id"], "{q}");
    }
    let (status, changed) = administrator.patch(&format!("/premises/{id}"), &json!({"diners": 320, "version": 1})).await;
    assert_eq!((status, changed["diners"].as_i64(), changed["version"].as_i64()), (StatusCode::OK, Some(320), Some(2)));
    assert_eq!(changed["service_hours"], body["service_hours"]);
    let (status, stale) = administrator.patch(&format!("/premises/{id}"), &json!({"diners": 1, "version": 1})).await;
    assert_eq!(
        (status, stale["type"].as_str(), stale["present"]["diners"].as_i64()),
        (StatusCode::CONFLICT, Some("stale_version"), Some(320))
    );
});

on_both!(a_page_follows_the_next_without_gap_or_repeat, |app| {
    let administrator = app.person("administrator", &app.city).await;
    for number in 0..7 {
        let body = json!({"name": format!("第{number}中学食堂"), "kind": "school_canteen", "organization_id": app.office.id});
        assert_eq!(administrator.post("/premises", &body).await.0, StatusCode::CREATED);
    }
    for sort in ["name", "-name", "updated_at"] {
        let mut seen = Vec::new();
        let mut cursor = String::new();
        loop {
            let (status, page) = administrator.get(&format!("/premises?limit=2&sort={sort}{cursor}")).await;
            assert_eq!(status, StatusCode::OK, "{page}");
            seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()));
            let Some(next) = page["next"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        let all = seen.len();
        seen.sort();
        seen.dedup();
        assert_eq!((all, seen.len()), (9, 9), "{sort}");
    }
});

on_both!(bad_input_is_refused_with_every_fault_named, |app| {
    let administrator = app.person("administrator", &app.city).await;
    let (status, problem) = administrator
        .post("/premises", &json!({"name": " ", "organization_id": "nowhere", "latitude": 91.0, "longitude": 0.0, "diners": -1, "service_hours": [{"days": [9], "from": "1", "to": "2"}]}))
        .await;
    assert_eq!((status, problem["type"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("validation")));
    let pointers: Vec<&str> = problem["errors"].as_array().unwrap().iter().filter_map(|fault| fault["pointer"].as_str()).collect();
    for pointer in ["/name", "/kind", "/organization_id", "/latitude", "/diners", "/service_hours/0"] {
        assert!(pointers.contains(&pointer), "{pointer} in {pointers:?}");
    }
    assert_eq!(
        administrator.post("/premises", &json!({"name": "x\0y", "kind": "other", "organization_id": app.office.id})).await.0,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(administrator.post("/premises", &json!({"nmae": "x"})).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    for bad in ["/premises?limit=0", "/premises?cursor=%20", "/premises?what=1", "/premises?q=%00", "/premises?kind=zoo"] {
        let (status, problem) = administrator.get(bad).await;
        assert_eq!((status, problem["type"].as_str()), (StatusCode::BAD_REQUEST, Some("malformed")), "{bad}");
    }
    assert_eq!(administrator.get("/premises/not-an-id").await.0, StatusCode::NOT_FOUND);
    assert_eq!(administrator.get("/nothing").await.1["type"], "not_found");
    let (status, problem) = administrator.send(reqwest::Method::DELETE, "/premises", None).await;
    assert_eq!((status, problem["type"].as_str()), (StatusCode::METHOD_NOT_ALLOWED, Some("method_not_allowed")));
    let plain = administrator.request(reqwest::Method::POST, "/premises", None).body("{}").send().await.unwrap();
    assert_eq!(plain.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let large = administrator
        .request(reqwest::Method::POST, "/premises", None)
        .header("content-type", "application/json")
        .body(vec![b' '; 3_000_000])
        .send()
        .await
        .unwrap();
    assert_eq!(large.status(), StatusCode::PAYLOAD_TOO_LARGE);
});

on_both!(the_tree_grows_in_its_order_only, |app| {
    let administrator = app.person("administrator", &app.city).await;
    let (status, office) =
        administrator.post("/organizations", &json!({"name": "南岸市场监管所", "level": "office", "parent_id": app.district.id})).await;
    assert_eq!(status, StatusCode::CREATED);
    let (status, renamed) =
        administrator.patch(&format!("/organizations/{}", office["id"].as_str().unwrap()), &json!({"name": "南山所", "version": 1})).await;
    assert_eq!((status, renamed["name"].as_str()), (StatusCode::OK, Some("南山所")));
    assert_eq!(administrator.post("/organizations", &json!({"name": "x", "level": "office"})).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    let officer = app.person("officer", &app.office).await;
    assert_eq!(officer.post("/organizations", &json!({"name": "x", "level": "city"})).await.0, StatusCode::FORBIDDEN);
    assert_eq!(officer.get("/organizations").await.1["total"], 1);
});

on_both!(who_adds_a_new_top_stands_at_it, |app| {
    let administrator = app.person("administrator", &app.city).await;
    let (status, city) = administrator.post("/organizations", &json!({"name": "另一市", "level": "city"})).await;
    assert_eq!(status, StatusCode::CREATED, "{city}");
    let (status, district) =
        administrator.post("/organizations", &json!({"name": "另一区", "level": "district", "parent_id": city["id"]})).await;
    assert_eq!(status, StatusCode::CREATED, "{district}");
    let other = app.person("administrator", &app.district).await;
    assert_eq!(other.get(&format!("/organizations/{}", district["id"].as_str().unwrap())).await.0, StatusCode::NOT_FOUND);
});

on_both!(a_double_is_merged_and_everything_belongs_to_the_one_that_stays, |app| {
    let administrator = app.person("administrator", &app.city).await;
    let supervisor = app.person("supervisor", &app.office).await;
    let made = json!({"name": "澄海实验学校饭堂", "kind": "school_canteen", "organization_id": app.office.id, "code": "DOOR-7"});
    let (status, double) = administrator.post("/premises", &made).await;
    assert_eq!(status, StatusCode::CREATED, "{double}");
    let double_id = double["id"].as_str().unwrap().to_owned();
    let node = Node { id: double_id.clone(), path: format!("{}{double_id}/", app.office.path) };
    app.add_person("cook", &[("food_safety_officer", &node)], false).await;
    let camera = add_camera(&app, &node, "烹饪间").await;
    let phone = Phone::at(&app, &app.office).await;
    let template = phone.template().await;
    let sent = Draft::at(&double_id, &phone, &template);
    assert_eq!(phone.client.put(&sent.path(), &sent.put()).await.0, StatusCode::CREATED);
    crate::support::settled(&app).await;
    let since = phone.client.get("/sync?limit=500").await.1["next"].as_str().unwrap().to_owned();

    // What was set there, and what is held of its recordings.
    let at = |scope: &str, id: &str| format!("/settings/{scope}?scope=premises&id={id}");
    assert_eq!(administrator.put(&at("retention", &double_id), &json!({"days": 45})).await.0, StatusCode::OK);
    let (_, mut terms) = app.person("head", &app.city).await.get("/settings/self_checks").await;
    terms["breaks"] = json!([{"from": "2027-01-25", "to": "2027-02-21", "nodes": [double_id]}]);
    assert_eq!(administrator.put("/settings/self_checks", &terms).await.0, StatusCode::OK);
    let now = app.app.clock.wall_ms();
    let stretch = json!({"start": mobile_api::Moment(now - 600_000), "end": mobile_api::Moment(now), "reason": "疑似问题"});
    let holder = app.person("supervisor", &app.office).await;
    let (status, held) = holder.post(&format!("/cameras/{camera}/holds"), &stretch).await;
    assert!(status.is_success(), "{held}");

    let merge = |into: &str, version: i64| json!({"into": into, "version": version, "reason": "同一食堂登记了两次"});
    let path = format!("/premises/{double_id}/merge");
    let (status, problem) = supervisor.post(&path, &merge(&app.other_premises.id, 1)).await;
    assert_eq!(
        (status, problem["errors"][0]["pointer"].as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, Some("/into")),
        "not outside one's area"
    );
    let (status, problem) = supervisor.post(&path, &merge(&double_id, 1)).await;
    assert_eq!((status, problem["errors"][0]["code"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("duplicate")));
    let (status, problem) = supervisor.post(&path, &merge(&app.premises.id, 9)).await;
    assert_eq!((status, problem["type"].as_str()), (StatusCode::CONFLICT, Some("stale_version")));
    let (status, living) = supervisor.post(&path, &merge(&app.premises.id, 1)).await;
    assert_eq!(
        (status, living["id"].as_str(), living["code"].as_str()),
        (StatusCode::OK, Some(app.premises.id.as_str()), Some("DOOR-7")),
        "{living}"
    );
    let (_, stone) = supervisor.get(&format!("/premises/{double_id}")).await;
    assert_eq!((stone["merged_into"].as_str(), stone["disabled"].as_bool()), (Some(app.premises.id.as_str()), Some(true)));
    let (status, problem) = supervisor.post(&path, &merge(&app.premises.id, 2)).await;
    assert_eq!((status, problem["type"].as_str()), (StatusCode::CONFLICT, Some("conflict")), "once");

    let (_, kept) = administrator.get(&at("retention", &app.premises.id)).await;
    assert_eq!(kept["days"], 45, "what was set at the double holds at the one that stays");
    let (_, terms) = supervisor.get("/settings/self_checks").await;
    assert_eq!(terms["breaks"][0]["nodes"], json!([app.premises.id]));
    let (_, holds) = supervisor.get(&format!("/cameras/{camera}/holds")).await;
    assert_eq!(
        (holds["items"][0]["premises_id"].as_str(), holds["items"][0]["id"].as_str()),
        (Some(app.premises.id.as_str()), held["id"].as_str())
    );

    let (_, seen) = supervisor.get(&format!("/cameras/{camera}")).await;
    assert_eq!(seen["premises_id"], json!(app.premises.id));
    let (_, inspections) = supervisor.get(&format!("/inspections?premises_id={}", app.premises.id)).await;
    assert_eq!(inspections["items"][0]["id"], json!(sent.id), "{inspections}");
    let cook = app.sign_in("cook").await;
    assert_eq!(
        cook.get(&format!("/premises/{}", app.premises.id)).await.0,
        StatusCode::OK,
        "who answered for the double answers for the other"
    );

    // The phone hears of the stone and what it names; what was begun at the double is sent as it was and goes to the one that stays.
    crate::support::settled(&app).await;
    let (_, page) = phone.client.get(&format!("/sync?since={since}")).await;
    let told =
        page["items"].as_array().unwrap().iter().find(|item| item["entity"] == "premises" && item["id"] == json!(double_id)).unwrap();
    assert_eq!((told["op"].as_str(), &told["value"]["merged_into"]), (Some("delete"), &json!(app.premises.id)), "{told}");
    let late = Draft::at(&double_id, &phone, &template);
    let (status, stored) = phone.client.put(&late.path(), &late.put()).await;
    assert_eq!(status, StatusCode::CREATED, "{stored}");
    let (status, done) = phone.client.post(&format!("{}/submit", late.path()), &late.submission(&template)).await;
    assert_eq!(status, StatusCode::OK, "{done}");
    let (_, inspections) = supervisor.get(&format!("/inspections?premises_id={}", app.premises.id)).await;
    assert_eq!(inspections["total"].as_i64(), Some(2), "{inspections}");
    let (_, kept) = supervisor.get(&late.path()).await;
    assert_eq!(kept["header"]["premises_id"], json!(double_id), "the header is kept as sent");
});
