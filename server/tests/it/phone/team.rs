//! Two officers on one inspection, each with a part: joined without loss, submitted by the lead, whoever comes first.

use mobile_api::canonical;
use mobile_api::judge::judge;
use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Draft, Phone, answer, content, evidence, picture, text};
use crate::support::on_both;

on_both!(two_officers_parts_are_joined_and_the_leads_choice_counts, |app| {
    let (lead, member) = (Phone::at(&app, &app.office).await, Phone::at(&app, &app.office).await);
    let template = lead.template().await;
    let mut draft = Draft::new(&app, &lead, &template);
    draft.header["officers"] = json!([lead.user_id, member.user_id]);
    let codes = template.codes();
    let (first, rest) = codes.split_at(codes.len() / 2);
    // The lead answers the first half and one item of the other's; the member the other half, and sees that one differently.
    let disputed = rest[0].as_str();
    draft.content["answers"] = first.iter().map(|code| answer(code, "conforms")).chain([answer(disputed, "conforms")]).collect();

    // The lead tells only the header: the member's phone hears of it, with the header to join by.
    let head = json!({"header": draft.header, "content_sha256": canonical::sha256_hex(&draft.header)});
    assert_eq!(lead.client.put(&draft.path(), &head).await.0, StatusCode::CREATED);
    let (_, page) = member.client.get("/sync").await;
    let told = page["items"].as_array().unwrap().iter().find(|item| item["entity"] == "inspection").cloned().unwrap_or_default();
    assert_eq!((&told["id"], &told["value"]["header"]), (&json!(draft.id), &draft.header), "{told}");

    let mut theirs = content(&member.device_id, rest.iter().map(|code| answer(code, "conforms")).collect(), vec![]);
    theirs["answers"][0] = json!({"item_code": disputed, "result": "fails", "remark": "过期", "affects_safety": false, "answered_at": "2026-11-23T06:12:00.000Z", "evidence_ids": []});
    let photo = picture(3);
    let photo_id = Uuid::now_v7().to_string();
    theirs["evidence"] = json!([evidence(&photo_id, disputed, &photo)]);
    theirs["answers"][0]["evidence_ids"] = json!([photo_id]);
    let part_id = Uuid::now_v7();
    let part = json!({"content": theirs, "content_sha256": canonical::sha256_hex(&theirs), "revision": 1});
    assert_eq!(member.client.put(&format!("{}/parts/{part_id}", draft.path()), &part).await.0, StatusCode::CREATED);
    let (status, problem) = member.client.post(&format!("{}/submit", draft.path()), &draft.submission(&template)).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "only the lead submits: {problem}");

    assert_eq!(lead.client.put(&draft.path(), &draft.put()).await.0, StatusCode::OK);
    let (status, team) = lead.client.get(&format!("{}/parts", draft.path())).await;
    assert_eq!((status, team["parts"].as_array().map(Vec::len), &team["header"]), (StatusCode::OK, Some(2), &draft.header), "{team}");
    let got = team["parts"].as_array().unwrap().iter().find(|one| one["id"] == json!(part_id)).unwrap();
    assert_eq!((&got["content"], &got["content_sha256"], &got["owner_id"]), (&theirs, &part["content_sha256"], &json!(member.user_id)));
    assert_eq!(Phone::at(&app, &app.office).await.client.get(&format!("{}/parts", draft.path())).await.0, StatusCode::NOT_FOUND);

    let mut merged: Vec<Value> =
        draft.content["answers"].as_array().unwrap().iter().filter(|one| one["item_code"] != disputed).cloned().collect();
    merged.extend(theirs["answers"].as_array().unwrap().iter().cloned());
    let result = judge(&template.body, &serde_json::from_value::<Vec<_>>(json!(merged)).unwrap());
    let mut submission = json!({"parts": [{"id": draft.part_id, "content_sha256": canonical::sha256_hex(&draft.content)}, {"id": part_id, "content_sha256": part["content_sha256"]}],
        "choices": {}, "result": result, "submitted_at": "2026-11-23T06:40:00.000Z"});
    let (status, problem) = lead.client.post(&format!("{}/submit", draft.path()), &submission).await;
    assert_eq!(
        (status, text(&problem["errors"][0]["pointer"])),
        (StatusCode::UNPROCESSABLE_ENTITY, format!("/choices/{disputed}")),
        "{problem}"
    );
    submission["choices"] = json!({disputed: part_id});
    let (status, done) = lead.client.post(&format!("{}/submit", draft.path()), &submission).await;
    assert_eq!(
        (status, done["differs"].as_bool(), done["missing_evidence"][0]["id"].as_str()),
        (StatusCode::OK, Some(false), Some(photo_id.as_str())),
        "{done}"
    );
    // The other's photo comes when their phone has a network.
    assert_eq!(member.upload(draft.id, &photo_id, &photo).await, StatusCode::NO_CONTENT);
    let page = app.person("supervisor", &app.office).await.get(&draft.path()).await.1;
    assert_eq!(
        (page["state"].as_str(), page["parts"].as_array().map(Vec::len)),
        (Some("complete"), Some(2)),
        "both parts are kept: {page}"
    );
    let (status, problem) = member.client.put(&format!("{}/parts/{}", draft.path(), Uuid::now_v7()), &part).await;
    assert_eq!(status, StatusCode::CONFLICT, "after the submission: {problem}");
});

on_both!(two_phones_of_one_account_keep_both_answers_and_the_lead_chooses, |app| {
    let phone = Phone::at(&app, &app.office).await;
    let template = phone.template().await;
    let mut first = Draft::new(&app, &phone, &template);
    let disputed = template.codes()[0].clone();
    // The first phone sends what it has, and falls into the sink before it submits.
    first.fail(&disputed);
    assert_eq!(phone.client.put(&first.path(), &first.put()).await.0, StatusCode::CREATED);

    // The second has the draft from its copy: the same header, a part of its own. Under the first one's part it is refused.
    let second = Draft {
        id: first.id,
        part_id: Uuid::now_v7(),
        header: first.header.clone(),
        content: Draft::new(&app, &phone, &template).content,
        revision: 1,
    };
    let mut second = second;
    second.content["device_id"] = json!("phone-2");
    let stolen = json!({"content": second.content, "content_sha256": canonical::sha256_hex(&second.content), "revision": 9});
    let (status, problem) = phone.client.put(&format!("{}/parts/{}", first.path(), first.part_id), &stolen).await;
    assert_eq!((status, problem["present"]["revision"].as_i64()), (StatusCode::CONFLICT, Some(1)), "{problem}");
    assert_eq!(phone.client.put(&second.path(), &second.put()).await.0, StatusCode::OK);

    // Submitting one of them alone is refused with what is there; joined, the lead chooses.
    let (status, problem) = phone.client.post(&format!("{}/submit", second.path()), &second.submission(&template)).await;
    assert_eq!((status, problem["present"]["parts"].as_array().map(Vec::len)), (StatusCode::CONFLICT, Some(2)), "{problem}");
    let mut submission = second.submission(&template);
    submission["parts"] = json!([{"id": second.part_id, "content_sha256": canonical::sha256_hex(&second.content)}, {"id": first.part_id, "content_sha256": canonical::sha256_hex(&first.content)}]);
    let (status, problem) = phone.client.post(&format!("{}/submit", second.path()), &submission).await;
    assert_eq!((status, text(&problem["errors"][0]["pointer"])), (StatusCode::UNPROCESSABLE_ENTITY, format!("/choices/{disputed}")));
    submission["choices"] = json!({disputed.clone(): second.part_id});
    let (status, done) = phone.client.post(&format!("{}/submit", second.path()), &submission).await;
    assert_eq!((status, done["result"]["outcome"].as_str()), (StatusCode::OK, Some("conforms")), "{done}");
    let page = app.person("supervisor", &app.office).await.get(&first.path()).await.1;
    let item = page["sections"][0]["items"].as_array().unwrap().iter().find(|item| item["code"] == disputed).unwrap();
    assert_eq!(
        (item["answer"]["result"].as_str(), item["others"][0]["answer"]["result"].as_str()),
        (Some("conforms"), Some("fails")),
        "both are kept: {item}"
    );
});

on_both!(what_a_part_said_before_is_kept_beside_it, |app| {
    let phone = Phone::at(&app, &app.office).await;
    let template = phone.template().await;
    let mut draft = Draft::new(&app, &phone, &template);
    assert_eq!(phone.client.put(&draft.path(), &draft.put()).await.0, StatusCode::CREATED);
    let before = canonical::sha256_hex(&draft.content);
    draft.fail(&template.codes()[1]);
    draft.revision = 2;
    for _ in 0..2 {
        assert_eq!(phone.client.put(&format!("{}/parts/{}", draft.path(), draft.part_id), &draft.part()).await.0, StatusCode::OK);
    }
    // A higher revision of the same words replaces nothing.
    draft.revision = 3;
    assert_eq!(phone.client.put(&format!("{}/parts/{}", draft.path(), draft.part_id), &draft.part()).await.0, StatusCode::OK);
    let page = app.person("supervisor", &app.office).await.get(&draft.path()).await.1;
    let versions = page["parts"][0]["versions"].as_array().unwrap();
    assert_eq!((versions.len(), &versions[0]["content_sha256"], versions[0]["revision"].as_i64()), (1, &json!(before), Some(1)), "{page}");
    assert_eq!(versions[0]["answers"][1]["result"], "conforms");
});

on_both!(a_scan_of_the_doors_code_opens_and_closes_the_visit, |app| {
    let phone = Phone::at(&app, &app.office).await;
    let code = phone.client.request(reqwest::Method::GET, &format!("/premises/{}/door.svg", app.premises.id), None).send().await.unwrap();
    assert_eq!((code.status(), code.headers()["content-type"].to_str().unwrap()), (StatusCode::OK, "image/svg+xml"));
    assert_eq!(phone.client.get(&format!("/premises/{}/door.svg", app.other_premises.id)).await.0, StatusCode::NOT_FOUND);
    let mut draft = Draft::new(&app, &phone, &phone.template().await);
    let mark = hex::encode(app.app.sealer.mac("door", app.premises.id.as_bytes()))[..16].to_owned();
    let scan = |premises: &str, mark: &str| json!({"premises_id": premises, "mark": mark, "device_time": "2026-11-23T06:05:00.000Z"});
    draft.content["visit"] = json!({"opened": scan(&app.premises.id, &mark), "closed": scan(&app.premises.id, "0000000000000000"), "certificates_shown_at": "2026-11-23T06:06:00.000Z"});
    assert_eq!(phone.client.put(&draft.path(), &draft.put()).await.0, StatusCode::CREATED);
    let (_, team) = phone.client.get(&format!("{}/parts", draft.path())).await;
    assert_eq!(team["parts"][0]["door"], json!({"opened": true, "closed": false}), "a made-up code is kept, and seen: {team}");
    assert_eq!(team["parts"][0]["content"]["visit"], draft.content["visit"]);
    // Recusal is answered by somebody, with a signature that is there.
    draft.revision += 1;
    draft.content["visit"]["recusal"] =
        json!({"asked_at": "2026-11-23T06:07:00.000Z", "requested": true, "name": "林晓梅", "evidence_id": Uuid::now_v7()});
    let (status, problem) = phone.client.put(&draft.path(), &draft.put()).await;
    let pointers: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|error| text(&error["pointer"])).collect();
    let at = "/part/content/visit/recusal";
    assert_eq!(
        (status, pointers),
        (StatusCode::UNPROCESSABLE_ENTITY, vec![format!("{at}/reason"), format!("{at}/evidence_id")]),
        "{problem}"
    );
});
