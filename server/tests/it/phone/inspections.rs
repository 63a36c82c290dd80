//! An inspection from its header to the page a desk reads.

use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{Draft, Phone, answer, content, picture, text};
use crate::support::on_both;

on_both!(an_inspection_is_complete_when_its_photos_are_here_before_or_after, |app| {
    let supervisor = app.person("supervisor", &app.office).await;
    let phone = Phone::at(&app, &app.office).await;
    let template = phone.template().await;
    let body = json!({"premises_id": app.premises.id, "template_id": template.id, "kind": "routine", "due_on": "2026-11-30", "officer_ids": [phone.user_id]});
    let assignment = text(&supervisor.post("/assignments", &body).await.1["id"]);
    let mut draft = Draft::new(&app, &phone, &template);
    draft.header["assignment_id"] = json!(assignment);
    draft.fail("4.1");
    let (early, late) = (picture(1), picture(2));
    let early_id = draft.photo("4.1", &early);
    let late_id = draft.photo("1.1", &late);

    assert_eq!(phone.upload(draft.id, &early_id, &early).await, StatusCode::NO_CONTENT, "a photo may come before its inspection");
    let (status, stored) = phone.client.put(&draft.path(), &draft.put()).await;
    assert_eq!(
        (status, stored["state"].as_str(), stored["warnings"][0].as_str()),
        (StatusCode::CREATED, Some("draft"), Some("fewer_than_two_officers")),
        "{stored}"
    );
    assert_eq!(supervisor.get(&format!("/assignments/{assignment}")).await.1["state"], "in_progress");
    let submission = draft.submission(&template);
    let (status, answer) = phone.client.post(&format!("{}/submit", draft.path()), &submission).await;
    assert_eq!(
        (status, answer["state"].as_str(), answer["differs"].as_bool()),
        (StatusCode::OK, Some("submitted"), Some(false)),
        "{answer}"
    );
    assert_eq!(answer["missing_evidence"].as_array().unwrap().len(), 1);
    assert_eq!(answer["missing_evidence"][0]["id"], late_id.as_str());
    assert_eq!(answer["result"], submission["result"]);
    let done = supervisor.get(&format!("/assignments/{assignment}")).await.1;
    assert_eq!((done["state"].as_str(), done["inspection_id"].as_str()), (Some("done"), Some(draft.id.to_string().as_str())));

    assert_eq!(phone.upload(draft.id, &late_id, &late).await, StatusCode::NO_CONTENT);
    let (_, again) = phone.client.post(&format!("{}/submit", draft.path()), &submission).await;
    assert_eq!((again["state"].as_str(), again["missing_evidence"].as_array().unwrap().len()), (Some("complete"), 0));
    assert_eq!(phone.upload(draft.id, &late_id, &late).await, StatusCode::CREATED, "what is here is told by its offset");

    let (_, page) = supervisor.get(&draft.path()).await;
    assert_eq!(
        (page["state"].as_str(), page["outcome"].as_str(), page["missing_evidence"].as_i64()),
        (Some("complete"), Some("basically_conforms"), Some(0)),
        "{page}"
    );
    assert_eq!(page["phone_result"], page["result"]);
    assert_eq!(page["sections"].as_array().unwrap().len(), template.body.sections.len());
    let failed = page["sections"][3]["items"][0].clone();
    assert_eq!(
        (failed["code"].as_str(), failed["answer"]["result"].as_str(), failed["answer"]["evidence_ids"][0].as_str()),
        (Some("4.1"), Some("fails"), Some(early_id.as_str()))
    );
    let happened: Vec<_> = page["history"].as_array().unwrap().iter().map(|event| text(&event["action"])).collect();
    for action in ["begun", "part_received", "evidence_received", "submitted", "completed"] {
        assert!(happened.iter().any(|known| known == action), "{action} in {happened:?}");
    }
    let file = format!("{}/evidence/{late_id}", draft.path());
    let response = supervisor.request(Method::GET, &file, None).send().await.unwrap();
    assert_eq!(response.bytes().await.unwrap().as_ref(), late, "the file as taken");
    let part = supervisor.request(Method::GET, &file, None).header("Range", "bytes=0-7").send().await.unwrap();
    assert_eq!((part.status(), part.bytes().await.unwrap().as_ref()), (StatusCode::PARTIAL_CONTENT, &late[..8]));
    let reduced = supervisor.request(Method::GET, &format!("{file}?width=100"), None).send().await.unwrap().bytes().await.unwrap();
    assert_eq!(image::load_from_memory(&reduced).unwrap().width(), 160);
    for (query, total) in [
        ("result=basically_conforms", 1),
        ("result=conforms", 0),
        ("state=complete", 1),
        ("since=2026-11-24T00:00:00Z", 0),
        ("until=2026-11-24T00:00:00Z", 1),
    ] {
        assert_eq!(supervisor.get(&format!("/inspections?{query}")).await.1["total"], total, "{query}");
    }
    let filters = format!("/inspections?premises_id={}&officer_id={}", app.premises.id, phone.user_id);
    assert_eq!(supervisor.get(&filters).await.1["items"][0]["missing_evidence"], 0);
    assert_eq!(supervisor.get("/inspections?result=nonsense").await.0, StatusCode::BAD_REQUEST);
});

on_both!(a_premises_sees_what_is_submitted_and_another_office_nothing, |app| {
    let phone = Phone::at(&app, &app.office).await;
    let template = phone.template().await;
    let mut draft = Draft::new(&app, &phone, &template);
    let photo = picture(3);
    let evidence = draft.photo("1.1", &photo);
    assert_eq!(phone.client.put(&draft.path(), &draft.put()).await.0, StatusCode::CREATED);
    assert_eq!(phone.upload(draft.id, &evidence, &photo).await, StatusCode::NO_CONTENT);
    let canteen = app.person("food_safety_officer", &app.premises).await;
    let desk = app.person("supervisor", &app.office).await;
    let outsiders = [app.person("supervisor", &app.other_office).await, app.person("officer", &app.other_office).await];
    let file = format!("{}/evidence/{evidence}", draft.path());
    assert_eq!(
        (canteen.get(&draft.path()).await.0, canteen.get(&file).await.0),
        (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND),
        "what is under way is not told"
    );
    assert_eq!(
        (desk.get(&draft.path()).await.0, desk.get("/inspections?state=draft").await.1["total"].as_i64()),
        (StatusCode::OK, Some(1))
    );
    assert_eq!(canteen.get("/inspections").await.1["total"], 0);
    assert_eq!(phone.client.post(&format!("{}/submit", draft.path()), &draft.submission(&template)).await.0, StatusCode::OK);
    assert_eq!((canteen.get(&draft.path()).await.0, canteen.get(&file).await.0), (StatusCode::OK, StatusCode::OK));
    for outsider in &outsiders {
        assert_eq!(outsider.get("/inspections").await.1["total"], 0);
        assert_eq!((outsider.get(&draft.path()).await.0, outsider.get(&file).await.0), (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND));
    }
    let other = Phone { client: outsiders[1].clone(), user_id: String::new(), device_id: "other".to_owned() };
    assert_eq!(other.client.put(&format!("{}/parts/{}", draft.path(), uuid::Uuid::now_v7()), &draft.part()).await.0, StatusCode::NOT_FOUND);
    assert_eq!(other.upload(draft.id, &uuid::Uuid::now_v7().to_string(), &photo).await, StatusCode::NOT_FOUND);
    // Somebody else's id tells nothing but that it is taken; a premises elsewhere is unknown.
    let there = Phone::at(&app, &app.other_office).await;
    let mut foreign = Draft::at(&app.other_premises.id, &there, &template);
    foreign.id = draft.id;
    let (status, problem) = there.client.put(&foreign.path(), &foreign.put()).await;
    assert_eq!((status, problem.get("present").is_none()), (StatusCode::CONFLICT, true), "{problem}");
    let elsewhere = Draft::at(&app.other_premises.id, &phone, &template);
    let (status, problem) = phone.client.put(&elsewhere.path(), &elsewhere.put()).await;
    assert_eq!((status, problem["errors"][0]["pointer"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("/header/premises_id")));
});

on_both!(an_officer_of_another_office_inspects_what_was_assigned_also_when_it_was_closed_meanwhile, |app| {
    let supervisor = app.person("supervisor", &app.office).await;
    let guest = Phone::at(&app, &app.other_office).await;
    let template = guest.template().await;
    let body = json!({"premises_id": app.premises.id, "template_id": template.id, "kind": "campaign", "due_on": "2026-11-30", "officer_ids": [guest.user_id]});
    let assignment = text(&supervisor.post("/assignments", &body).await.1["id"]);
    let mut draft = Draft::new(&app, &guest, &template);
    draft.header["assignment_id"] = json!(assignment);
    let cancel = json!({"state": "cancelled", "reason": "改期", "version": 1});
    assert_eq!(supervisor.patch(&format!("/assignments/{assignment}"), &cancel).await.0, StatusCode::OK);
    let (status, stored) = guest.client.put(&draft.path(), &draft.put()).await;
    assert_eq!(status, StatusCode::CREATED, "done off line: nothing is lost: {stored}");
    assert_eq!(guest.client.post(&format!("{}/submit", draft.path()), &draft.submission(&template)).await.1["state"], "complete");
    assert_eq!(guest.client.put(&draft.path(), &draft.put()).await.0, StatusCode::OK, "and the same again is still the same");
    assert_eq!(guest.client.get(&draft.path()).await.1["state"], "complete", "one's own stays readable");
    assert_eq!(supervisor.get(&format!("/assignments/{assignment}")).await.1["state"], "cancelled");
});

on_both!(bad_headers_and_parts_are_refused_with_every_fault, |app| {
    let phone = Phone::at(&app, &app.office).await;
    let template = phone.template().await;
    let nobody = "01990000-0000-7000-8000-00000000ffff";
    let mut draft = Draft::new(&app, &phone, &template);
    draft.header["officers"] = json!([nobody]);
    draft.header["assignment_id"] = json!(nobody);
    draft.header["template_id"] = json!(nobody);
    let (status, problem) = phone.client.put(&draft.path(), &draft.put()).await;
    let pointers: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|fault| text(&fault["pointer"])).collect();
    assert_eq!(
        (status, pointers),
        (
            StatusCode::UNPROCESSABLE_ENTITY,
            ["/header/template_id", "/header/assignment_id", "/header/officers", "/header/officers/0"].map(str::to_owned).to_vec()
        )
    );
    let mut draft = Draft::new(&app, &phone, &template);
    draft.content = content(&phone.device_id, vec![answer("1.1", "conforms"), answer("99.9", "fails")], vec![]);
    let (status, problem) = phone.client.put(&draft.path(), &draft.put()).await;
    assert_eq!(
        (status, problem["errors"][0]["pointer"].as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, Some("/part/content/answers/1/item_code")),
        "{problem}"
    );
    let mut body = Draft::new(&app, &phone, &template).put();
    body["content_sha256"] = json!("0".repeat(64));
    assert_eq!(phone.client.put(&draft.path(), &body).await.1["errors"][0]["code"], "checksum");
    assert_eq!(phone.client.put("/inspections/no-id", &draft.put()).await.0, StatusCode::NOT_FOUND);
    assert_eq!(phone.client.get("/inspections").await.1["total"], 0, "nothing of it was stored");
});

on_both!(an_officer_whose_login_was_ended_is_refused_and_what_was_stored_stays, |app| {
    let phone = Phone::at(&app, &app.office).await;
    let template = phone.template().await;
    let mut draft = Draft::new(&app, &phone, &template);
    let photo = picture(4);
    let evidence = draft.photo("1.1", &photo);
    assert_eq!(phone.client.put(&draft.path(), &draft.put()).await.0, StatusCode::CREATED);
    let (_, location, _) = phone.begin_upload(draft.id, &evidence, &photo).await;
    assert_eq!(phone.piece(&location, 0, &photo[..1_000], None).await.0, StatusCode::NO_CONTENT);
    let (user_id, username) = (phone.user_id.clone(), text(&phone.client.get("/me").await.1["username"]));
    app.app
        .db
        .write(move |tx| Box::pin(async move { server::store::logins::end_sessions_of(tx, &user_id, None, 2, "disabled").await }))
        .await
        .unwrap();
    assert_eq!(phone.piece(&location, 1_000, &photo[1_000..], None).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(phone.client.post(&format!("{}/submit", draft.path()), &draft.submission(&template)).await.0, StatusCode::UNAUTHORIZED);
    let desk = app.person("supervisor", &app.office).await;
    let (_, page) = desk.get(&draft.path()).await;
    assert_eq!((page["state"].as_str(), page["parts"].as_array().map(Vec::len)), (Some("draft"), Some(1)));
    let phone = Phone { client: app.sign_in(&username).await, ..phone };
    assert_eq!(phone.stands(&location).await, Some(1_000), "the upload goes on where it was");
    assert_eq!(phone.piece(&location, 1_000, &photo[1_000..], None).await.0, StatusCode::NO_CONTENT);
    assert_eq!(phone.client.post(&format!("{}/submit", draft.path()), &draft.submission(&template)).await.1["state"], "complete");
});
