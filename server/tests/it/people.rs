//! People, roles, operators: who may give what to whom, and what ends with it.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{TestApp, on_both};

const SECRET: &str = "spring-river-lantern";

async fn added(client: &crate::support::Client, username: &str, grants: Value) -> Value {
    let (status, user) =
        client.post("/users", &json!({"username": username, "display_name": "李明", "password": SECRET, "grants": grants})).await;
    assert_eq!(status, StatusCode::CREATED, "{user}");
    user
}

async fn sign_in(app: &TestApp, username: &str, password: &str) -> (StatusCode, crate::support::Client) {
    let mut client = app.nobody();
    let (status, tokens) = client.post("/auth/login", &json!({"username": username, "password": password})).await;
    client.token = tokens["access_token"].as_str().map(str::to_owned);
    (status, client)
}

on_both!(a_person_is_added_must_change_the_password_and_is_found, |app| {
    let administrator = app.person("administrator", &app.city).await;
    let user = added(&administrator, "Li.Ming", json!([{"role": "officer", "node_id": app.office.id}])).await;
    assert_eq!(
        (user["username"].as_str(), user["must_change_password"].as_bool(), user["grants"][0]["node_name"].as_str()),
        (Some("li.ming"), Some(true), Some("东岸市场监管所"))
    );
    assert!(!user.to_string().contains("argon2"), "{user}");
    let (_, officer) = sign_in(&app, "li.ming", SECRET).await;
    assert_eq!(officer.get("/premises").await.1["type"], "password_change_required");
    let (status, tokens) =
        officer.post("/auth/password", &json!({"current_password": SECRET, "new_password": "autumn-river-lantern"})).await;
    assert_eq!(status, StatusCode::OK, "{tokens}");

    for (query, found) in [("q=lm", 1), ("q=nobody", 0), ("role=officer", 1), ("role=parent", 0), ("disabled=true", 0)] {
        let (_, page) = administrator.get(&format!("/users?{query}")).await;
        assert_eq!(page["total"], found, "{query}: {page}");
    }
    assert_eq!(administrator.get(&format!("/users?node_id={}", app.other_office.id)).await.1["total"], 0);
    let (status, problem) = administrator.post("/users", &json!({"username": "li.ming", "display_name": "x", "password": SECRET})).await;
    assert_eq!((status, problem["type"].as_str()), (StatusCode::CONFLICT, Some("conflict")));
    let (status, problem) =
        administrator.post("/users", &json!({"username": "=x", "display_name": "", "password": "short", "grants": []})).await;
    let pointers: Vec<&str> = problem["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect();
    assert_eq!((status, pointers), (StatusCode::UNPROCESSABLE_ENTITY, vec!["/username", "/display_name", "/password"]));
});

on_both!(roles_are_given_only_inside_ones_own_part_of_the_tree, |app| {
    let chief = app.person("administrator", &app.city).await;
    let office = app.person("administrator", &app.office).await;
    for node in [&app.other_office, &app.city, &app.other_premises] {
        let body =
            json!({"username": "zhao", "display_name": "赵", "password": SECRET, "grants": [{"role": "officer", "node_id": node.id}]});
        let (status, problem) = office.post("/users", &body).await;
        assert_eq!(
            (status, problem["errors"][0]["pointer"].as_str()),
            (StatusCode::UNPROCESSABLE_ENTITY, Some("/grants/0/node_id")),
            "{problem}"
        );
    }
    // Somebody with a role here and one elsewhere: here it is changed, there it stays, and the account is not taken over.
    let both = json!([{"role": "officer", "node_id": app.office.id}, {"role": "supervisor", "node_id": app.other_office.id}]);
    let user = added(&chief, "both", both).await;
    let path = format!("/users/{}", user["id"].as_str().unwrap());
    let (_, seen) = office.get(&path).await;
    assert_eq!(seen["grants"].as_array().map(Vec::len), Some(1), "{seen}");
    assert_eq!(office.patch(&path, &json!({"disabled": true, "version": 1})).await.0, StatusCode::FORBIDDEN);
    assert_eq!(office.post(&format!("{path}/password"), &json!({"new_password": "winter-river-lantern"})).await.0, StatusCode::FORBIDDEN);
    let (status, _) = office.patch(&path, &json!({"grants": [], "version": 1})).await;
    assert_eq!(status, StatusCode::OK);
    let (_, left) = chief.get(&path).await;
    assert_eq!((left["grants"].as_array().map(Vec::len), left["grants"][0]["role"].as_str()), (Some(1), Some("supervisor")));
    assert_eq!(office.get(&path).await.0, StatusCode::NOT_FOUND, "no role here any more");
});

on_both!(disabling_ends_logins_and_the_last_administrator_stays, |app| {
    let first =
        added(&app.person("administrator", &app.city).await, "first", json!([{"role": "administrator", "node_id": app.city.id}])).await;
    let administrator = app.person("administrator", &app.city).await;
    let (_, other) = sign_in(&app, "first", SECRET).await;
    let path = format!("/users/{}", first["id"].as_str().unwrap());
    let (status, user) = administrator.patch(&path, &json!({"disabled": true, "version": 1})).await;
    assert_eq!((status, user["disabled"].as_bool()), (StatusCode::OK, Some(true)), "{user}");
    assert_eq!(other.get("/me").await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(sign_in(&app, "first", SECRET).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(administrator.patch(&path, &json!({"disabled": false, "version": 1})).await.1["type"], "stale_version");

    let (_, me) = administrator.get("/me").await;
    let own = format!("/users/{}", me["id"].as_str().unwrap());
    let (status, problem) = administrator.patch(&own, &json!({"grants": [], "version": 1})).await;
    assert_eq!((status, problem["errors"][0]["code"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("own")));
    let people = administrator.get("/users?role=administrator&disabled=false").await.1;
    for person in people["items"].as_array().unwrap().iter().filter(|person| person["id"] != me["id"]) {
        let (status, _) = administrator
            .patch(&format!("/users/{}", person["id"].as_str().unwrap()), &json!({"disabled": true, "version": person["version"]}))
            .await;
        assert_eq!(status, StatusCode::OK);
    }
    let (_, now) = administrator.get(&own).await;
    let (status, problem) = administrator.patch(&own, &json!({"disabled": true, "version": now["version"]})).await;
    assert_eq!((status, problem["type"].as_str()), (StatusCode::CONFLICT, Some("conflict")), "{problem}");
});

on_both!(operators_belong_where_their_premises_are, |app| {
    let administrator = app.person("administrator", &app.district).await;
    let (status, operator) = administrator
        .post("/operators", &json!({"name": "绿源餐饮", "credit_code": "91440515MA4UQ0G63X", "licence_expires_on": "2028-06-30"}))
        .await;
    assert_eq!(status, StatusCode::CREATED, "{operator}");
    let id = operator["id"].as_str().unwrap();
    let (east, west) = (app.person("supervisor", &app.office).await, app.person("supervisor", &app.other_office).await);
    assert_eq!(east.get("/operators").await.1["total"], 0, "one without premises is for those who keep operators");
    let link = format!("/premises/{}/operators/{id}", app.premises.id);
    let (status, _) = administrator.put(&link, &json!({"part": "contractor", "valid_from": "2026-09-01"})).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_eq!(
        (east.get("/operators?q=ly").await.1["total"].as_i64(), west.get("/operators").await.1["total"].as_i64()),
        (Some(1), Some(0))
    );
    assert_eq!(west.get(&format!("/operators/{id}")).await.0, StatusCode::NOT_FOUND);
    assert_eq!(east.get(&format!("/premises/{}", app.premises.id)).await.1["operators"][0]["part"], "contractor");
    let (status, problem) =
        administrator.put(&link, &json!({"part": "own", "valid_from": "2026-09-01", "valid_until": "2026-08-01"})).await;
    assert_eq!((status, problem["errors"][0]["pointer"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("/valid_until")));
    let (status, changed) = administrator.patch(&format!("/operators/{id}"), &json!({"contact_name": "陈立", "version": 1})).await;
    assert_eq!(
        (status, changed["contact_name"].as_str(), changed["credit_code"].as_str()),
        (StatusCode::OK, Some("陈立"), Some("91440515MA4UQ0G63X"))
    );
    assert_eq!(administrator.post("/operators", &json!({"name": "x", "credit_code": "91440515MA4UQ0G63X"})).await.0, StatusCode::CONFLICT);
    assert_eq!(administrator.send(reqwest::Method::DELETE, &link, None).await.0, StatusCode::NO_CONTENT);
    assert_eq!(administrator.send(reqwest::Method::DELETE, &link, None).await.0, StatusCode::NOT_FOUND);
});

on_both!(the_audit_log_is_read_in_scope_and_its_head_is_signed_daily, |app| {
    let administrator = app.person("administrator", &app.city).await;
    added(&administrator, "audited", json!([{"role": "officer", "node_id": app.office.id}])).await;
    let (status, page) = administrator.get("/audit?action=create&entity=user").await;
    assert_eq!((status, page["items"][0]["detail"]["username"].as_str()), (StatusCode::OK, Some("audited")), "{page}");
    let (_, first) = administrator.get("/audit?limit=1").await;
    let (_, second) = administrator.get(&format!("/audit?limit=1&cursor={}", first["next"].as_str().unwrap())).await;
    assert_eq!(first["items"][0]["seq"].as_i64().unwrap() - 1, second["items"][0]["seq"].as_i64().unwrap());
    let elsewhere = app.person("auditor", &app.other_office).await;
    assert_eq!(elsewhere.get("/audit?action=create").await.1["total"], 0);

    assert!(server::audit_head::sign_day(&app.app, app.data.path()).await.unwrap());
    assert!(!server::audit_head::sign_day(&app.app, app.data.path()).await.unwrap(), "once a day");
    let (_, head) = administrator.get("/audit/head").await;
    let line = std::fs::read_to_string(app.data.path().join(server::audit_head::LOG_FILE)).unwrap();
    let signed = &head["signed"];
    assert!(line.contains(signed["hash"].as_str().unwrap()) && line.contains(signed["signature"].as_str().unwrap()), "{line} {head}");
    assert!(signed["seq"].as_i64().unwrap() <= head["seq"].as_i64().unwrap());
});

on_both!(health_and_figures_say_how_the_system_is, |app| {
    let administrator = app.person("administrator", &app.city).await;
    let (status, health) = administrator.get("/system/health").await;
    assert_eq!(
        (status, health["database"]["ok"].as_bool(), health["tls"].as_bool()),
        (StatusCode::OK, Some(true), Some(false)),
        "{health}"
    );
    assert!(health["database"]["size_bytes"].as_i64().unwrap() > 10_000 && health["disk"]["total_bytes"].as_i64().unwrap() > 0);
    for (path, start) in [("/healthz", "ok"), ("/readyz", "ready"), ("/metrics", "# HELP")] {
        let response = reqwest::get(format!("{}{path}", app.address)).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert!(response.text().await.unwrap().starts_with(start), "{path}");
    }
    let metrics = reqwest::get(format!("{}/metrics", app.address)).await.unwrap().text().await.unwrap();
    assert!(
        metrics.contains("bright_kitchen_http_answers_total{class=\"2xx\"}") && metrics.contains("bright_kitchen_database_bytes"),
        "{metrics}"
    );
    let proxied =
        reqwest::Client::new().get(format!("{}/metrics", app.address)).header("x-forwarded-for", "203.0.113.9").send().await.unwrap();
    assert_eq!(proxied.status(), StatusCode::UNAUTHORIZED, "from elsewhere only with a token");
});

on_both!(people_are_listed_in_any_order_page_by_page, |app| {
    let administrator = app.person("administrator", &app.office).await;
    for (username, name) in [("c.zhang", "张三"), ("a.li", "李四"), ("b.wang", "王五")] {
        let body = json!({"username": username, "display_name": name, "password": SECRET, "grants": [{"role": "officer", "node_id": app.office.id}]});
        assert_eq!(administrator.post("/users", &body).await.0, StatusCode::CREATED);
    }
    assert_eq!(sign_in(&app, "b.wang", SECRET).await.0, StatusCode::OK);
    assert_eq!(sign_in(&app, "a.li", SECRET).await.0, StatusCode::OK);
    for (sort, order) in [
        ("name", ["a.li", "b.wang", "c.zhang"]),
        ("-name", ["c.zhang", "b.wang", "a.li"]),
        ("username", ["a.li", "b.wang", "c.zhang"]),
        ("-username", ["c.zhang", "b.wang", "a.li"]),
        ("last_login_at", ["c.zhang", "b.wang", "a.li"]),
        ("-last_login_at", ["a.li", "b.wang", "c.zhang"]),
    ] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let (status, page) = administrator.get(&format!("/users?role=officer&sort={sort}&limit=1{cursor}")).await;
            assert_eq!((status, page["total"].as_i64()), (StatusCode::OK, Some(3)), "{page}");
            seen.extend(page["items"].as_array().unwrap().iter().map(|user| user["username"].as_str().unwrap().to_owned()));
            let Some(next) = page["next"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(seen, order, "{sort}");
    }
    assert_eq!(administrator.get("/users?sort=password").await.0, StatusCode::BAD_REQUEST);
});
