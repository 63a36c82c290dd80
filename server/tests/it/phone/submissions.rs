//! Submissions: by the lead, once, with the parts that are stored, judged again.

use mobile_api::canonical;
use reqwest::StatusCode;
use serde_json::json;
use uuid::Uuid;

use super::{Draft, Phone, answer, content, evidence, picture, sha256};
use crate::support::on_both;

on_both!(two_officers_each_have_a_part_and_the_lead_chooses, |app| {
    let (lead, second) = (Phone::at(&app, &app.office).await, Phone::at(&app, &app.office).await);
    let template = lead.template().await;
    let mut draft = Draft::new(&app, &lead, &template);
    draft.header["officers"] = json!([lead.user_id, second.user_id]);
    let (status, stored) = lead.client.put(&draft.path(), &draft.put()).await;
    assert_eq!((status, stored["warnings"].as_array().map(Vec::len)), (StatusCode::CREATED, Some(0)));
    let other_id = Uuid::now_v7();
    let mut failed = answer("1.1", "fails");
    failed["affects_safety"] = json!(false);
    failed["remark"] = json!("许可证过期");
    let other = content(&second.device_id, vec![failed, answer("1.2", "conforms")], vec![]);
    let other_part = json!({"content": other, "content_sha256": canonical::sha256_hex(&other), "revision": 1});
    let path = format!("{}/parts/{other_id}", draft.path());
    assert_eq!(second.client.put(&path, &other_part).await.0, StatusCode::CREATED);
    assert_eq!(second.client.put(&path, &other_part).await.0, StatusCode::OK);
    let (status, problem) = lead.client.put(&path, &other_part).await;
    assert_eq!((status, problem["type"].as_str()), (StatusCode::CONFLICT, Some("conflict")), "a part is its owner's");

    let submit = format!("{}/submit", draft.path());
    let mut submission = draft.submission(&template);
    let (status, problem) = lead.client.post(&submit, &submission).await;
    assert_eq!(
        (status, problem["present"]["parts"].as_array().map(Vec::len)),
        (StatusCode::CONFLICT, Some(2)),
        "all parts are named: {problem}"
    );
    submission["parts"].as_array_mut().unwrap().push(json!({"id": other_id, "content_sha256": other_part["content_sha256"]}));
    let (status, problem) = lead.client.post(&submit, &submission).await;
    assert_eq!((status, problem["errors"][0]["pointer"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("/choices/1.1")));
    submission["choices"] = json!({"1.1": other_id});
    assert_eq!(second.client.post(&submit, &submission).await.0, StatusCode::FORBIDDEN, "the lead submits");
    let (status, done) = lead.client.post(&submit, &submission).await;
    assert_eq!(
        (status, done["result"]["outcome"].as_str(), done["differs"].as_bool()),
        (StatusCode::OK, Some("does_not_conform"), Some(true)),
        "1.1 is a key item; the phone had judged without it"
    );
    let (_, page) = lead.client.get(&draft.path()).await;
    assert_eq!(
        (page["phone_result"]["outcome"].as_str(), page["result"]["outcome"].as_str()),
        (Some("conforms"), Some("does_not_conform")),
        "both are kept"
    );
    assert_eq!(page["sections"][0]["items"][0]["answer"]["result"], "fails");
    assert_eq!(page["sections"][0]["items"][0]["others"][0]["answer"]["result"], "conforms", "the other answer is kept and shown");
    assert_eq!(lead.client.get("/inspections").await.1["items"][0]["officers"][1]["id"], second.user_id.as_str());
});

on_both!(an_inspection_comes_whole_in_one_request, |app| {
    let phone = Phone::at(&app, &app.office).await;
    let template = phone.template().await;
    let mut draft = Draft::new(&app, &phone, &template);
    draft.fail("1.2");
    let file = picture(7);
    let photo = draft.photo("1.1", &file);
    let whole = draft.whole(&template);
    let (status, stored) = phone.client.put(&draft.path(), &whole).await;
    assert_eq!((status, stored["state"].as_str()), (StatusCode::CREATED, Some("submitted")), "{stored}");
    assert_eq!(stored["submitted"]["missing_evidence"][0]["id"], photo.as_str());
    assert_eq!(stored["submitted"]["receipt"]["manifest"]["inspection_id"], draft.id.to_string());
    let (status, again) = phone.client.put(&draft.path(), &whole).await;
    assert_eq!((status, &again["submitted"]), (StatusCode::OK, &stored["submitted"]), "the same again gets the same");
    assert_eq!(phone.upload(draft.id, &photo, &file).await, StatusCode::NO_CONTENT);
    let submit = format!("{}/submit", draft.path());
    let (status, done) = phone.client.post(&submit, &draft.submission(&template)).await;
    assert_eq!((status, done["state"].as_str(), &done["receipt"]), (StatusCode::OK, Some("complete"), &stored["submitted"]["receipt"]));
    assert_eq!(phone.client.put(&draft.path(), &whole).await.1["state"], "complete");
    let (_, page) = phone.client.get(&draft.path()).await;
    assert_eq!((page["state"].as_str(), page["parts"].as_array().map(Vec::len)), (Some("complete"), Some(1)));
    let (_, place) = phone.client.get(&format!("/premises/{}", app.premises.id)).await;
    assert_eq!(place["last_inspection"]["happened_at"], page["happened_at"], "the place says when it was made, not when it was sent");
    let (_, failed) = phone.client.get("/inspections?failed_item=1.2").await;
    assert_eq!(failed["items"].as_array().map(Vec::len), Some(1), "what failed is a row");
    let mut other = whole.clone();
    other["submission"]["result"]["score"] = json!(12.5);
    let (status, problem) = phone.client.put(&draft.path(), &other).await;
    assert_eq!((status, problem["type"].as_str()), (StatusCode::CONFLICT, Some("conflict")), "another submission: {problem}");
});

on_both!(files_that_came_first_count_with_the_inspection_that_names_them, |app| {
    let phone = Phone::at(&app, &app.office).await;
    let template = phone.template().await;
    let (one, two) = (picture(1), picture(2));
    let mut whole = Draft::new(&app, &phone, &template);
    let photo = whole.photo("1.1", &one);
    assert_eq!(phone.upload(whole.id, &photo, &one).await, StatusCode::NO_CONTENT);
    let (status, stored) = phone.client.put(&whole.path(), &whole.whole(&template)).await;
    assert_eq!((status, stored["state"].as_str()), (StatusCode::CREATED, Some("complete")), "{stored}");
    assert_eq!((&stored["submitted"]["state"], &stored["submitted"]["missing_evidence"]), (&json!("complete"), &json!([])));

    let mut half = Draft::new(&app, &phone, &template);
    let (first, second) = (half.photo("1.1", &one), half.photo("1.1", &two));
    assert_eq!(phone.upload(half.id, &first, &one).await, StatusCode::NO_CONTENT);
    let (_, stored) = phone.client.put(&half.path(), &half.whole(&template)).await;
    assert_eq!((stored["state"].as_str(), stored["submitted"]["missing_evidence"].as_array().map(Vec::len)), (Some("submitted"), Some(1)));
    assert_eq!(stored["submitted"]["missing_evidence"][0]["id"], second.as_str());
    assert_eq!(phone.upload(half.id, &second, &two).await, StatusCode::NO_CONTENT);
    assert_eq!(phone.client.get(&half.path()).await.1["state"], "complete");

    // Another file under the same id: nothing of the inspection is kept, and the phone hears which.
    let mut other = Draft::new(&app, &phone, &template);
    let taken = other.photo("1.1", &one);
    assert_eq!(phone.upload(other.id, &taken, &two).await, StatusCode::NO_CONTENT);
    let (status, problem) = phone.client.put(&other.path(), &other.whole(&template)).await;
    assert_eq!((status, problem["type"].as_str()), (StatusCode::CONFLICT, Some("conflict")), "{problem}");
    assert_eq!(problem["present"], json!({"evidence_id": taken, "sha256": sha256(&two)}));
    assert_eq!(phone.client.get(&other.path()).await.0, StatusCode::NOT_FOUND);
});

on_both!(a_refused_submission_leaves_nothing_of_a_new_inspection, |app| {
    let (phone, second) = (Phone::at(&app, &app.office).await, Phone::at(&app, &app.office).await);
    let template = phone.template().await;
    let mut draft = Draft::new(&app, &phone, &template);
    let all = draft.content["answers"].clone();
    draft.content["answers"].as_array_mut().unwrap().pop();
    let (status, problem) = phone.client.put(&draft.path(), &draft.whole(&template)).await;
    let lacking = format!("/answers/{}", template.codes().last().unwrap());
    assert_eq!((status, problem["errors"][0]["pointer"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some(lacking.as_str())));
    assert_eq!(phone.client.get(&draft.path()).await.0, StatusCode::NOT_FOUND);

    draft.content["answers"] = all;
    let mut foreign = draft.whole(&template);
    foreign["submission"]["parts"][0]["id"] = json!(Uuid::now_v7());
    let (status, problem) = phone.client.put(&draft.path(), &foreign).await;
    assert_eq!((status, problem["errors"][0]["pointer"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("/submission/parts")));

    draft.header["officers"] = json!([second.user_id, phone.user_id]);
    assert_eq!(phone.client.put(&draft.path(), &draft.whole(&template)).await.0, StatusCode::FORBIDDEN, "the lead submits");
    assert_eq!(phone.client.put(&draft.path(), &draft.put()).await.0, StatusCode::CREATED, "the part alone may come from either");

    // The header is here, with another officer's part: the lead's part is kept, and the submission says what it does not name.
    draft.content["device_id"] = json!(second.device_id);
    draft.part_id = Uuid::now_v7();
    let (status, problem) = second.client.put(&draft.path(), &draft.whole(&template)).await;
    assert_eq!((status, problem["present"]["parts"].as_array().map(Vec::len)), (StatusCode::CONFLICT, Some(2)), "{problem}");
    assert_eq!(second.client.get(&format!("{}/parts", draft.path())).await.1["parts"].as_array().map(Vec::len), Some(2));
});

on_both!(after_submission_nothing_changes, |app| {
    let phone = Phone::at(&app, &app.office).await;
    let template = phone.template().await;
    let mut draft = Draft::new(&app, &phone, &template);
    assert_eq!(phone.client.post(&format!("{}/submit", draft.path()), &draft.submission(&template)).await.0, StatusCode::NOT_FOUND);
    assert_eq!(phone.client.put(&draft.path(), &draft.put()).await.0, StatusCode::CREATED);
    let submit = format!("{}/submit", draft.path());
    let submission = draft.submission(&template);
    let (_, first) = phone.client.post(&submit, &submission).await;
    assert_eq!(first["state"], "complete");
    let mut later = submission.clone();
    later["submitted_at"] = json!("2026-11-24T00:00:00.000Z");
    assert_eq!(phone.client.post(&submit, &later).await, (StatusCode::OK, first), "pressed again: the same");
    let mut other = submission.clone();
    other["result"]["score"] = json!(12.5);
    let (status, problem) = phone.client.post(&submit, &other).await;
    assert_eq!((status, problem["type"].as_str()), (StatusCode::CONFLICT, Some("conflict")));
    assert!(problem["present"]["submission_sha256"].is_string() && problem["present"] != problem["offered"], "both are named: {problem}");
    draft.fail("1.1");
    draft.revision = 2;
    let (status, problem) = phone.client.put(&draft.path(), &draft.put()).await;
    assert_eq!((status, problem["offered"]["revision"].as_i64()), (StatusCode::CONFLICT, Some(2)));
    assert_eq!(phone.client.put(&format!("{}/parts/{}", draft.path(), Uuid::now_v7()), &draft.part()).await.0, StatusCode::CONFLICT);
    assert_eq!(phone.client.get(&draft.path()).await.1["outcome"], "conforms");
});

on_both!(a_part_is_replaced_by_its_device_with_a_higher_revision_only, |app| {
    let phone = Phone::at(&app, &app.office).await;
    let template = phone.template().await;
    let mut draft = Draft::new(&app, &phone, &template);
    let (kept, dropped) = (picture(1), picture(2));
    let kept_id = draft.photo("1.1", &kept);
    let dropped_id = draft.photo("1.2", &dropped);
    draft.revision = 3;
    assert_eq!(phone.client.put(&draft.path(), &draft.put()).await.0, StatusCode::CREATED);
    let path = format!("{}/parts/{}", draft.path(), draft.part_id);
    let named = |problem: &serde_json::Value| (problem["present"]["revision"].as_i64(), problem["offered"]["revision"].as_i64());
    let first = draft.part();
    draft.content["evidence"] = json!([evidence(&kept_id, "1.1", &kept)]);
    draft.content["answers"] = json!([answer("1.1", "conforms")]);
    for revision in [1, 3] {
        draft.revision = revision;
        let (status, problem) = phone.client.put(&path, &draft.part()).await;
        assert_eq!((status, named(&problem)), (StatusCode::CONFLICT, (Some(3), Some(i64::from(revision)))), "{problem}");
    }
    draft.revision = 4;
    assert_eq!(phone.client.put(&path, &draft.part()).await.0, StatusCode::OK);
    assert_eq!(phone.client.put(&path, &first).await.0, StatusCode::CONFLICT, "an old try that comes late");
    let (_, page) = phone.client.get(&draft.path()).await;
    assert_eq!(
        (page["parts"][0]["revision"].as_i64(), page["evidence"].as_array().map(Vec::len)),
        (Some(4), Some(1)),
        "what is named no more is not missed"
    );
    assert_eq!(page["evidence"][0]["id"], kept_id.as_str());
    assert_ne!(dropped_id, kept_id);
    draft.content["device_id"] = json!("another-phone");
    draft.revision = 5;
    assert_eq!(phone.client.put(&path, &draft.part()).await.0, StatusCode::CONFLICT, "another device has a part of its own");
    // An id of evidence stands for one file for ever.
    let mut other = Draft::new(&app, &phone, &template);
    other.content["evidence"] = json!([evidence(&kept_id, "1.1", &dropped)]);
    let (status, problem) = phone.client.put(&other.path(), &other.put()).await;
    assert_eq!((status, problem["type"].as_str()), (StatusCode::CONFLICT, Some("conflict")));
    assert_eq!(phone.client.get(&other.path()).await.0, StatusCode::NOT_FOUND, "refused as a whole");
    let second = Draft { id: draft.id, ..Draft::new(&app, &phone, &template) };
    let mut header = second.put();
    header["header"]["kind"] = json!("campaign");
    header["content_sha256"] = json!(canonical::sha256_hex(&header["header"]));
    let (status, problem) = phone.client.put(&draft.path(), &header).await;
    assert_eq!((status, problem["offered"]["content_sha256"].as_str()), (StatusCode::CONFLICT, header["content_sha256"].as_str()));
    assert_eq!(problem["present"]["content_sha256"], canonical::sha256_hex(&draft.header));
});

on_both!(an_incomplete_checklist_is_refused_unless_its_kind_leaves_items_out, |app| {
    let phone = Phone::at(&app, &app.office).await;
    let template = phone.template().await;
    let mut draft = Draft::new(&app, &phone, &template);
    let mut failed = answer("1.1", "fails");
    failed["remark"] = json!("许可证过期");
    draft.content["answers"] = json!([failed, answer("1.2", "not_applicable"), answer("1.3", "conforms")]);
    assert_eq!(phone.client.put(&draft.path(), &draft.put()).await.0, StatusCode::CREATED);
    let (status, problem) = phone.client.post(&format!("{}/submit", draft.path()), &draft.submission(&template)).await;
    let faults: Vec<_> =
        problem["errors"].as_array().unwrap().iter().map(|one| (one["pointer"].as_str().unwrap(), one["code"].as_str().unwrap())).collect();
    assert_eq!((status, faults.len()), (StatusCode::UNPROCESSABLE_ENTITY, template.codes().len() - 1));
    assert_eq!(faults[..3], [("/answers/1.1", "affects_safety"), ("/answers/1.2", "reason"), ("/answers/1.4", "answer")]);
    assert_eq!(phone.client.get(&draft.path()).await.1["state"], "draft", "it can be completed");

    let mut unannounced = Draft::new(&app, &phone, &template);
    unannounced.header["kind"] = json!("unannounced");
    unannounced.content["answers"] = json!([answer("1.3", "conforms")]);
    assert_eq!(phone.client.put(&unannounced.path(), &unannounced.put()).await.0, StatusCode::CREATED);
    let (status, done) = phone.client.post(&format!("{}/submit", unannounced.path()), &unannounced.submission(&template)).await;
    assert_eq!(
        (status, done["result"]["unanswered"].as_array().map(Vec::len)),
        (StatusCode::OK, Some(template.codes().len() - 1)),
        "{done}"
    );
});
