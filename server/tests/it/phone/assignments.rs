//! Assignments: made by supervisors, opened to officers, hidden from the premises.

use reqwest::StatusCode;
use serde_json::json;

use super::{Phone, text};
use crate::support::on_both;

on_both!(an_assignment_opens_the_premises_until_it_is_closed, |app| {
    let supervisor = app.person("supervisor", &app.office).await;
    let (own, guest) = (Phone::at(&app, &app.office).await, Phone::at(&app, &app.other_office).await);
    let template = own.template().await;
    let premises = format!("/premises/{}", app.premises.id);
    assert_eq!(guest.client.get(&premises).await.0, StatusCode::NOT_FOUND);
    let body = json!({"premises_id": app.premises.id, "template_id": template.id, "kind": "unannounced", "due_on": "2026-11-30",
        "officer_ids": [guest.user_id, own.user_id], "approval_number": "〔2026〕12号"});
    let (status, made) = supervisor.post("/assignments", &body).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    assert_eq!(
        (made["state"].as_str(), made["warnings"].as_array().map(Vec::len), made["officers"][0]["id"].as_str()),
        (Some("open"), Some(0), Some(guest.user_id.as_str()))
    );
    assert_eq!(guest.client.get(&premises).await.0, StatusCode::OK, "an open assignment opens the premises");
    let path = format!("/assignments/{}", text(&made["id"]));
    for client in [&supervisor, &own.client, &guest.client] {
        assert_eq!(client.get(&path).await.1["approval_number"], "〔2026〕12号");
    }
    assert_eq!(guest.client.get("/assignments?mine=true").await.1["total"], 1);
    assert_eq!(guest.client.get("/assignments?mine=true&state=done").await.1["total"], 0);
    assert_eq!(own.client.get("/assignments?due_until=2026-11-29").await.1["total"], 0);
    assert_eq!(own.client.get(&format!("/assignments?premises_id={}&state=open", app.premises.id)).await.1["total"], 1);
    let other = app.person("supervisor", &app.other_office).await;
    assert_eq!(other.get(&path).await.0, StatusCode::NOT_FOUND);

    let (status, problem) = supervisor.patch(&path, &json!({"state": "cancelled", "reason": "学校停课", "version": 9})).await;
    assert_eq!(
        (status, problem["type"].as_str(), problem["present"]["version"].as_i64()),
        (StatusCode::CONFLICT, Some("stale_version"), Some(1))
    );
    let (status, cancelled) = supervisor.patch(&path, &json!({"state": "cancelled", "reason": "学校停课", "version": 1})).await;
    assert_eq!((status, cancelled["state"].as_str()), (StatusCode::OK, Some("cancelled")), "{cancelled}");
    assert_eq!(guest.client.get(&premises).await.0, StatusCode::NOT_FOUND, "closed: no longer open to the guest");
    assert_eq!(guest.client.get(&path).await.1["state"], "cancelled", "one's own stays readable");
    assert_eq!(
        supervisor.patch(&path, &json!({"state": "cancelled", "reason": "again", "version": 2})).await.1["type"],
        "invalid_transition"
    );
});

on_both!(what_an_assignment_needs_is_told_at_once, |app| {
    let supervisor = app.person("supervisor", &app.office).await;
    let phone = Phone::at(&app, &app.office).await;
    let template = phone.template().await;
    let nobody = "01990000-0000-7000-8000-00000000ffff";
    let body = json!({"premises_id": app.other_premises.id, "template_id": nobody, "kind": "routine", "due_on": "2026-11-30", "officer_ids": [nobody]});
    let (status, problem) = supervisor.post("/assignments", &body).await;
    let pointers: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|fault| text(&fault["pointer"])).collect();
    assert_eq!(
        (status, pointers),
        (StatusCode::UNPROCESSABLE_ENTITY, vec!["/premises_id".to_owned(), "/template_id".to_owned(), "/officer_ids/0".to_owned()])
    );
    let body = json!({"premises_id": app.premises.id, "template_id": template.id, "kind": "routine", "due_on": "soon", "officer_ids": []});
    assert_eq!(supervisor.post("/assignments", &body).await.1["errors"].as_array().unwrap().len(), 2);
    let body = json!({"premises_id": app.premises.id, "template_id": template.id, "kind": "routine", "due_on": "2026-11-30", "officer_ids": [phone.user_id]});
    let (status, made) = supervisor.post("/assignments", &body).await;
    assert_eq!((status, made["warnings"][0].as_str()), (StatusCode::CREATED, Some("fewer_than_two_officers")), "allowed, but said");
    assert_eq!(phone.client.post("/assignments", &body).await.0, StatusCode::FORBIDDEN);
    let canteen = app.person("principal", &app.premises).await;
    assert_eq!(canteen.get(&format!("/assignments/{}", text(&made["id"]))).await.0, StatusCode::FORBIDDEN);
});
