//! Who comes in by the second door.

use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{Collect, answered};
use crate::support::{TestApp, on_both};

/// Every address of the door, and how it is asked.
const ROUTES: [(&str, &str); 6] = [
    ("GET", "/formList"),
    ("GET", "/forms/01928f6e-0000-7000-8000-000000000002/form.xml"),
    ("GET", "/forms/01928f6e-0000-7000-8000-000000000002/manifest.xml"),
    ("GET", "/media/premises.csv"),
    ("HEAD", "/submission"),
    ("POST", "/submission"),
];

on_both!(nobody_comes_in_without_a_password_and_no_role_by_our_own_token, |app| {
    let collect = Collect::at(&app).await;
    for (method, path) in ROUTES {
        let method: Method = method.parse().unwrap();
        let answer = answered(collect.bare(method.clone(), path)).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path}");
        assert_eq!(answer.header("www-authenticate"), "Basic realm=\"Bright Kitchen\", charset=\"UTF-8\"", "{method} {path}: no digest");
        assert_eq!(answer.header("x-openrosa-version"), "1.0");
        assert!(!answer.header("date").is_empty());
        if method != Method::HEAD {
            assert!(
                answer.body.contains("<OpenRosaResponse xmlns=\"http://openrosa.org/http/response\"><message nature=\"error\">"),
                "{}",
                answer.body
            );
        }
        let token = collect.root.token.clone().unwrap();
        assert_eq!(answered(collect.bare(method, path).bearer_auth(token)).await.status, StatusCode::UNAUTHORIZED, "{path}");
    }
});

on_both!(a_device_comes_in_by_its_password_or_by_its_word_until_it_is_revoked, |app| {
    let collect = Collect::at(&app).await;
    assert_eq!(collect.get("/formList").await.status, StatusCode::OK);
    let by_word = format!("/key/{}/formList", collect.password);
    let answer = answered(collect.bare(Method::GET, &by_word)).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.body.contains(&format!("{}/openrosa/key/{}/forms/", app.address, collect.password)), "{}", answer.body);
    let other_name = collect.bare(Method::GET, "/formList").basic_auth("d-other", Some(&collect.password));
    assert_eq!(answered(other_name).await.status, StatusCode::UNAUTHORIZED, "the name belongs to the password");

    let (status, list) = collect.root.get("/openrosa/devices").await;
    assert_eq!(
        (status, list["total"].as_i64().or(list["items"].as_array().map(|all| i64::try_from(all.len()).unwrap()))),
        (StatusCode::OK, Some(1))
    );
    assert_eq!(list["items"][0]["user_id"], collect.officer.user_id.as_str());
    assert!(!list.to_string().contains(&collect.password), "it is told once");
    assert!(list["items"][0]["last_seen_at"].is_string());
    assert_eq!(
        collect.root.send(Method::DELETE, &format!("/openrosa/devices/{}", collect.device_id), None).await.0,
        StatusCode::NO_CONTENT
    );
    assert_eq!(collect.get("/formList").await.status, StatusCode::UNAUTHORIZED, "at once");
    assert_eq!(answered(collect.bare(Method::GET, &by_word)).await.status, StatusCode::UNAUTHORIZED);
    let (_, list) = collect.root.get("/openrosa/devices").await;
    assert!(list["items"][0]["revoked_at"].is_string(), "it stays in the list");
    let (_, audit) = collect.root.get("/audit?entity=openrosa_device").await;
    let acts: Vec<_> = audit["items"].as_array().into_iter().flatten().map(|row| row["action"].clone()).collect();
    assert_eq!(acts, [json!("delete"), json!("create")], "{audit}");
});

on_both!(a_device_ends_with_its_officer_and_is_made_for_officers_only, |app| {
    let collect = Collect::at(&app).await;
    assert_eq!(collect.get("/formList").await.status, StatusCode::OK);
    let (_, user) = collect.root.get(&format!("/users/{}", collect.officer.user_id)).await;
    let disable = json!({"version": user["version"], "disabled": true});
    assert_eq!(collect.root.patch(&format!("/users/{}", collect.officer.user_id), &disable).await.0, StatusCode::OK);
    crate::support::settled(&app).await;
    assert_eq!(collect.get("/formList").await.status, StatusCode::UNAUTHORIZED);

    let canteen = app.person("food_safety_officer", &app.premises).await;
    let (_, me) = canteen.get("/me").await;
    let (status, problem) = collect.root.post("/openrosa/devices", &json!({"user_id": me["id"], "name": "x"})).await;
    assert_eq!((status, problem["errors"][0]["pointer"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("/user_id")));
    let outside = app.person("administrator", &app.other_office).await;
    let (status, _) = outside.post("/openrosa/devices", &json!({"user_id": collect.officer.user_id, "name": "x"})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "nobody of another office");
    assert_eq!(outside.send(Method::DELETE, &format!("/openrosa/devices/{}", collect.device_id), None).await.0, StatusCode::NOT_FOUND);
});

on_both!(guessing_is_slowed_down, |app| {
    let collect = Collect::at(&app).await;
    let guess = |number: usize| collect.bare(Method::GET, "/formList").basic_auth(&collect.login, Some(format!("guess-{number}")));
    for number in 0..20 {
        assert_eq!(answered(guess(number)).await.status, StatusCode::UNAUTHORIZED);
    }
    let answer = answered(guess(20)).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(!answer.header("retry-after").is_empty() && answer.body.contains("OpenRosaResponse"));
});

/// A proxy on this machine that says for whom it speaks is believed: over plain HTTP nobody from outside comes in.
#[actix_web::test]
async fn passwords_go_over_https_only() {
    let app = TestApp::start(crate::support::Engine::Sqlite).await;
    let collect = Collect::at(&app).await;
    let from = |scheme: &str, address: &str| {
        collect.request(Method::GET, "/formList").header("X-Forwarded-For", address).header("X-Forwarded-Proto", scheme)
    };
    let answer = answered(from("http", "203.0.113.9")).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.body.contains("HTTPS"), "{}", answer.body);
    let answer = answered(from("https", "203.0.113.9")).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.body.contains("<downloadUrl>https://"), "{}", answer.body);
}
