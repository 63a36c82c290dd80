//! A phone that was let go while it was away: what it brings goes to quarantine, whole, and a supervisor decides.

use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{Collect, answered};
use crate::phone::{picture, text};
use crate::support::on_both;

on_both!(what_a_revoked_phone_brings_waits_for_a_supervisor, |app| {
    let collect = Collect::at(&app).await;
    let supervisor = app.person("supervisor", &app.office).await;
    let mut form = collect.form(&app);
    form.fail("1.1", "a.png");
    form.fail("1.2", "b.png");
    let (one, other) = (picture(1), picture(2));
    let device = format!("/openrosa/devices/{}", collect.device_id);
    assert_eq!(collect.root.send(Method::DELETE, &device, None).await.0, StatusCode::NO_CONTENT);
    assert_eq!(collect.get("/formList").await.status, StatusCode::UNAUTHORIZED, "it is given nothing");
    let stand = answered(collect.request(Method::HEAD, "/submission")).await;
    assert_eq!(stand.status, StatusCode::NO_CONTENT, "Collect asks before it sends");
    let wrong = collect.bare(Method::HEAD, "/submission").basic_auth(&collect.login, Some("guessed"));
    assert_eq!(answered(wrong).await.status, StatusCode::UNAUTHORIZED);

    let answer = collect.send(&form.xml(), &[("a.png", &one)], true).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.body);
    assert!(answer.body.contains("b.png"), "{}", answer.body);
    assert_eq!(supervisor.get("/late").await.1["total"], 0, "not before all of it is here");
    for _ in 0..2 {
        let answer = collect.send(&form.xml(), &[("b.png", &other)], false).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.body);
        assert!(answer.body.contains("supervisor"), "{}", answer.body);
    }
    let swapped = collect.send(&form.xml(), &[("a.png", &picture(9))], false).await;
    assert_eq!(swapped.status, StatusCode::CONFLICT, "what is here is never replaced");
    assert_eq!(collect.inspections().await.len(), 0, "it is no inspection yet");
    let (_, list) = supervisor.get("/late?state=waiting").await;
    let item = &list["items"][0];
    assert_eq!(
        (list["total"].as_i64(), item["files"].as_i64(), item["submitted"].as_bool(), item["premises_id"].as_str()),
        (Some(1), Some(2), Some(true), Some(app.premises.id.as_str())),
        "however often it came: {list}"
    );
    assert_eq!(app.person("supervisor", &app.other_office).await.get("/late").await.1["total"], 0);

    let accept = format!("/late/{}/accept", text(&item["id"]));
    let (status, done) = supervisor.post(&accept, &json!({"version": item["version"], "reason": "手机已换，情况属实"})).await;
    assert_eq!((status, done["state"].as_str()), (StatusCode::OK, Some("accepted")), "{done}");
    let page = collect.only().await;
    assert_eq!(
        (page["state"].as_str(), page["evidence"].as_array().map(Vec::len), page["officers"][0]["id"].as_str()),
        (Some("complete"), Some(2), Some(collect.officer.user_id.as_str())),
        "{page}"
    );
    assert_eq!(collect.send(&form.xml(), &[("a.png", &one)], false).await.status, StatusCode::CREATED, "sent again: it is there");
    assert_eq!(supervisor.get("/late").await.1["total"], 1);
    assert_eq!(collect.send(&form.edited().xml(), &[], false).await.status, StatusCode::CONFLICT, "it edits nothing any more");
});

on_both!(a_draft_that_began_in_time_is_brought_to_its_end, |app| {
    let collect = Collect::at(&app).await;
    let supervisor = app.person("supervisor", &app.office).await;
    let mut form = collect.form(&app);
    form.fail("1.1", "a.png");
    form.fail("1.2", "b.png");
    let (one, other) = (picture(1), picture(2));
    assert_eq!(collect.send(&form.xml(), &[("a.png", &one)], true).await.status, StatusCode::ACCEPTED);
    let (_, user) = collect.root.get(&format!("/users/{}", collect.officer.user_id)).await;
    let disable = json!({"version": user["version"], "disabled": true});
    assert_eq!(collect.root.patch(&format!("/users/{}", collect.officer.user_id), &disable).await.0, StatusCode::OK);
    crate::support::settled(&app).await;
    let answer = collect.send(&form.xml(), &[("b.png", &other)], false).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.body);
    let (_, list) = supervisor.get("/late").await;
    assert_eq!((list["items"][0]["reason"].as_str(), list["items"][0]["user_disabled"].as_bool()), (Some("account_ended"), Some(true)));
    let item = &list["items"][0];
    let (status, done) = supervisor.post(&format!("/late/{}/accept", text(&item["id"])), &json!({"version": item["version"]})).await;
    assert_eq!(status, StatusCode::OK, "{done}");
    let (_, page) = supervisor.get(&format!("/inspections/{}", text(&item["inspection_id"]))).await;
    assert_eq!((page["state"].as_str(), page["evidence"].as_array().map(Vec::len)), (Some("complete"), Some(2)), "{page}");
});

on_both!(an_officer_who_lost_the_permission_leaves_it_too, |app| {
    let collect = Collect::at(&app).await;
    let supervisor = app.person("supervisor", &app.office).await;
    let user = format!("/users/{}", collect.officer.user_id);
    let (_, before) = collect.root.get(&user).await;
    let grants = json!({"version": before["version"], "grants": [{"role": "legal_reviewer", "node_id": app.office.id}]});
    let (status, changed) = collect.root.patch(&user, &grants).await;
    assert_eq!(status, StatusCode::OK, "{changed}");
    crate::support::settled(&app).await;
    assert_eq!(collect.get("/formList").await.status, StatusCode::FORBIDDEN);
    // Not filled in: it is kept as it is, and nothing says that it was submitted.
    let mut form = collect.form(&app);
    form.item("1.2").clear();
    let answer = collect.send(&form.xml(), &[], false).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.body);
    let (_, list) = supervisor.get("/late").await;
    assert_eq!(
        (list["items"][0]["reason"].as_str(), list["items"][0]["submitted"].as_bool()),
        (Some("not_permitted"), Some(false)),
        "{list}"
    );
    let mut nowhere = collect.form(&app);
    nowhere.before = "<kind>routine</kind><door/><premises/>".to_owned();
    assert_eq!(
        collect.send(&nowhere.xml(), &[], false).await.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "what is no inspection stays there"
    );
});
