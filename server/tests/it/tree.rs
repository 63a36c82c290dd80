//! The tree and its premises: scope, versions, bad input.

use reqwest::StatusCode;
use serde_json::json;

use crate::support::on_both;

on_both!(an_office_sees_only_its_own_premises, |app| {
    let officer = app.person("officer", &app.office).await;
    let (_, list) = officer.get("/premises").await;
    assert_eq!(list["total"], 1);
    assert_eq!(list["items"][0]["id"], json!(app.premises.id));
    assert_eq!(officer.get(&format!("/premises/{}", app.other_premises.id)).await.0, StatusCode::NOT_FOUND);
    let district = app.person("supervisor", &app.district).await;
    assert_eq!(district.get("/premises").await.1["total"], 2);
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
