//! Forms that become inspections: whole, in many requests, many times at once.

use mobile_api::judge::judge;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Collect, Form, answered, open_lacks};
use crate::phone::{Phone, originals, picture, sha256, text};
use crate::support::{on_both, settled};

on_both!(the_door_says_how_it_takes_forms, |app| {
    let collect = Collect::at(&app).await;
    let answer = answered(collect.request(Method::HEAD, "/submission?deviceID=collect%3AAbC")).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!((answer.header("x-openrosa-version"), answer.header("x-openrosa-accept-content-length")), ("1.0", "104857600"));
    assert_eq!(answer.header("location"), format!("{}/openrosa/submission", app.address));
    assert!(!answer.header("date").is_empty());
});

on_both!(a_form_with_all_its_pictures_is_an_inspection_like_a_phones, |app| {
    let collect = Collect::at(&app).await;
    let second = app.add_person("second", &[("officer", &app.office)], false).await;
    let mut form = collect.form(&app);
    form.fail("1.1", "1732342.png");
    form.signed(&second);
    let (photo, drawing) = (originals::placed((51, b'N'), (0, b'W')), picture(2));
    let pictures: [(&str, &[u8]); 4] =
        [("1732342.png", &photo), ("recusal.png", &drawing), ("officer.png", &drawing), ("signer.png", &drawing)];
    let answer = collect.send(&form.xml(), &pictures, false).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    assert!(answer.body.contains("<message nature=\"submit_success\">"));
    let page = collect.only().await;
    assert_eq!((page["state"].as_str(), page["outcome"].as_str()), (Some("complete"), Some("does_not_conform")), "1.1 is a key item");
    assert_eq!(page["header"]["officers"], json!([collect.officer.user_id, second]));
    assert_eq!(
        (page["header"]["kind"].as_str(), page["header"]["started_at"].as_str()),
        (Some("routine"), Some("2026-11-23T06:05:00.000Z"))
    );
    assert_eq!(page["premises_id"], app.premises.id.as_str());
    let answers: Vec<mobile_api::inspection::Answer> = serde_json::from_value(page["answers"].clone()).unwrap();
    assert_eq!(serde_json::to_value(judge(&collect.template.body, &answers)).unwrap(), page["result"], "judged by the server's rule");
    assert_eq!(page["differs"], false);
    let failed = page["answers"].as_array().unwrap().iter().find(|answer| answer["item_code"] == "1.1").unwrap();
    assert_eq!(failed["remark"], "离墙不足10厘米 <见照片>");
    assert_eq!((failed["affects_safety"].as_bool(), failed["corrected_on_spot"].as_bool()), (Some(false), Some(true)));
    let evidence = page["evidence"].as_array().unwrap();
    assert_eq!(evidence.len(), 4);
    let shown = evidence.iter().find(|one| one["id"] == failed["evidence_ids"][0]).unwrap();
    assert_eq!((shown["sha256"].as_str(), shown["kind"].as_str()), (Some(sha256(&photo).as_str()), Some("photo")));
    assert_eq!(shown["received"], true);
    assert_eq!(shown["position"]["latitude"].as_f64(), Some(51.5), "where it says that it was taken: {shown}");
    let file = format!("/inspections/{}/evidence/{}", text(&page["id"]), text(&shown["id"]));
    let kept = collect.officer.client.request(Method::GET, &file, None).send().await.unwrap().bytes().await.unwrap();
    assert_eq!(kept, photo, "the file as taken");
    assert_eq!(page["parts"][0]["locations"][0]["accuracy_m"], 4.5);
    let by: Vec<&str> = page["parts"][0]["signatures"].as_array().unwrap().iter().filter_map(|one| one["by"].as_str()).collect();
    assert_eq!(by, ["officer", "premises"]);
    assert_eq!(page["lacks"], json!([]));
    assert_eq!(collect.inspections().await[0]["lacking"], Value::Null);
    settled(&app).await;
    let (_, audit) = collect.root.get(&format!("/audit?entity=inspection&entity_id={}", text(&page["id"]))).await;
    let acts: Vec<&str> = audit["items"].as_array().unwrap().iter().filter_map(|row| row["action"].as_str()).collect();
    assert!(acts.contains(&"inspection_receive") && acts.contains(&"inspection_submit"), "{acts:?}");
    let (_, changes) = collect.officer.client.get("/sync?limit=500").await;
    assert!(changes.to_string().contains(&text(&page["id"])), "phones hear of it");
});

on_both!(what_the_law_asks_for_and_the_form_lacks_is_to_be_completed, |app| {
    let collect = Collect::at(&app).await;
    let answer = collect.send(&collect.form(&app).xml(), &[], false).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    let page = collect.only().await;
    assert_eq!(
        (page["state"].as_str(), open_lacks(&page)),
        (Some("complete"), vec!["recusal".to_owned(), "second_officer".to_owned(), "signature".to_owned()])
    );
    assert_eq!(collect.inspections().await[0]["lacking"], true);
    let path = format!("/inspections/{}/completions", text(&page["id"]));
    let officer = &collect.officer.client;
    let second = app.add_person("second", &[("officer", &app.office)], false).await;
    let (status, _) = officer.post(&path, &json!({"what": "second_officer", "officer_id": collect.officer.user_id})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "one is not one's own second");
    let (status, page) = officer.post(&path, &json!({"what": "second_officer", "officer_id": second})).await;
    assert_eq!((status, open_lacks(&page).len()), (StatusCode::CREATED, 2), "{page}");
    let paper = officer.request(Method::POST, "/files", None).header("content-type", "image/png").body(picture(3)).send().await.unwrap();
    let file: Value = paper.json().await.unwrap();
    let recusal = json!({"what": "recusal", "requested": true, "name": "赵园长", "file_id": file["id"]});
    let (status, problem) = officer.post(&path, &recusal).await;
    assert_eq!((status, problem["errors"][0]["pointer"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("/reason")));
    let recusal = json!({"what": "recusal", "requested": false, "name": "赵园长", "file_id": file["id"]});
    assert_eq!(officer.post(&path, &recusal).await.0, StatusCode::CREATED);
    assert_eq!(officer.post(&path, &recusal).await.0, StatusCode::CONFLICT, "once");
    let signature = json!({"what": "signature", "name": "赵园长", "refused": false, "file_id": file["id"]});
    let (_, other) = collect.root.get("/me").await;
    assert!(
        other["id"].is_string() && collect.root.post(&path, &signature).await.0 == StatusCode::FORBIDDEN,
        "who may not inspect does not sign"
    );
    let (status, page) = officer.post(&path, &signature).await;
    assert_eq!((status, open_lacks(&page).len()), (StatusCode::CREATED, 0));
    let made = page["lacks"].as_array().unwrap().iter().find(|lack| lack["what"] == "signature").unwrap();
    assert_eq!((made["done"]["name"].as_str(), made["done_by_name"].is_string()), (Some("赵园长"), true));
    assert!(page["evidence"].as_array().unwrap().iter().any(|one| one["id"] == made["done"]["evidence_id"] && one["received"] == true));
    assert_eq!(page["parts"][0]["signatures"], json!([]), "what was sent stays as sent");
    assert_eq!(collect.inspections().await[0]["lacking"], false);
});

on_both!(pictures_may_come_in_several_requests_in_any_order, |app| {
    let collect = Collect::at(&app).await;
    let mut form = collect.form(&app);
    form.fail("1.1", "a.png");
    form.fail("1.2", "b.png");
    let (xml, one, other) = (form.xml(), picture(1), picture(1));
    let answer = collect.send(&xml, &[("b.png", &other)], true).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.body);
    assert!(answer.body.contains("a.png"), "{}", answer.body);
    let page = collect.only().await;
    assert_eq!((page["state"].as_str(), page["evidence"].as_array().map(Vec::len)), (Some("draft"), Some(1)));
    assert!(open_lacks(&page).contains(&"media".to_owned()));
    assert_eq!(collect.send(&xml, &[("b.png", &other)], true).await.status, StatusCode::ACCEPTED, "a retry changes nothing");
    assert_eq!(collect.send(&xml, &[("a.png", &one)], false).await.status, StatusCode::CREATED);
    let page = collect.only().await;
    assert_eq!(
        (page["state"].as_str(), page["evidence"].as_array().map(Vec::len)),
        (Some("complete"), Some(2)),
        "two equal pictures are two"
    );
    assert!(!open_lacks(&page).contains(&"media".to_owned()));
    assert_eq!(collect.send(&xml, &[("a.png", &picture(7))], false).await.status, StatusCode::CONFLICT, "evidence is never replaced");
    assert_eq!(collect.only().await["version"], page["version"]);
});

on_both!(the_same_form_five_times_at_once_is_one_inspection, |app| {
    let collect = Collect::at(&app).await;
    let mut form = collect.form(&app);
    form.fail("1.1", "a.png");
    let (xml, photo) = (form.xml(), picture(1));
    let pictures: [(&str, &[u8]); 1] = [("a.png", &photo)];
    let all = futures::future::join_all((0..5).map(|_| collect.send(&xml, &pictures, false))).await;
    assert!(all.iter().all(|answer| answer.status == StatusCode::CREATED), "{all:#?}");
    let page = collect.only().await;
    assert_eq!((page["evidence"].as_array().map(Vec::len), page["parts"].as_array().map(Vec::len)), (Some(1), Some(1)));
    assert_eq!(collect.send(&xml, &pictures, false).await.status, StatusCode::CREATED, "and later");
    assert_eq!(collect.only().await["updated_at"], page["updated_at"]);
    let mut other = form.clone();
    other.fail("1.2", "a.png");
    let answer = collect.send(&other.xml(), &[], false).await;
    assert_eq!(answer.status, StatusCode::CONFLICT, "another form under the same name: {}", answer.body);
});

on_both!(premises_are_known_by_door_and_licence, |app| {
    let collect = Collect::at(&app).await;
    let (_, operator) = collect.root.post("/operators", &json!({"name": "明湖餐饮", "licence_number": "JY34405830012345"})).await;
    let link = format!("/premises/{}/operators/{}", app.premises.id, operator["id"].as_str().unwrap());
    assert!(collect.root.put(&link, &json!({"part": "own"})).await.0.is_success());
    let mark = hex::encode(app.app.sealer.mac("door", app.premises.id.as_bytes()))[..16].to_owned();
    let doors = [
        format!("{}/m/p/{}.{mark}", app.address, app.premises.id),
        "https://licence.example/?n=JY34405830012345".to_owned(),
        "JY34405830012345".to_owned(),
    ];
    for door in &doors {
        let mut form = collect.form(&app);
        form.before = format!("<kind>unannounced</kind><door>{door}</door><premises/><officers/><place/>");
        let answer = collect.send(&form.xml(), &[], false).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{door}: {}", answer.body);
    }
    let all = collect.inspections().await;
    assert_eq!(all.len(), 3);
    assert!(all.iter().all(|one| one["premises_id"] == app.premises.id.as_str() && one["kind"] == "unannounced"));
    for (door, words) in [("", "choose it"), ("JY99999999999999", "neither a code")] {
        let mut form = collect.form(&app);
        form.before = format!("<kind>routine</kind><door>{door}</door><premises/>");
        let answer = collect.send(&form.xml(), &[], false).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.body.contains(words), "{}", answer.body);
    }
    let mut form = collect.form(&app);
    form.before = format!("<kind>routine</kind><door/><premises>{}</premises>", app.other_premises.id);
    let answer = collect.send(&form.xml(), &[], false).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "not in the officer's area: {}", answer.body);
    assert_eq!(collect.inspections().await.len(), 3);
});

on_both!(a_checklist_that_is_not_filled_in_stays_a_draft, |app| {
    let collect = Collect::at(&app).await;
    let mut form = collect.form(&app);
    form.item("1.2").clear();
    let answer = collect.send(&form.xml(), &[], false).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "nothing is lost: {}", answer.body);
    let page = collect.only().await;
    let lack = page["lacks"].as_array().unwrap().iter().find(|lack| lack["what"] == "answers").unwrap().clone();
    assert_eq!((page["state"].as_str(), &lack["detail"]), (Some("draft"), &json!(["/answers/1.2"])));
    let mut edited = form.edited();
    *edited.item("1.2") = "<r_1.2>not_applicable</r_1.2><y_1.2>不涉及</y_1.2>".to_owned();
    assert_eq!(collect.send(&edited.xml(), &[], false).await.status, StatusCode::CREATED);
    let page = collect.only().await;
    assert_eq!((page["state"].as_str(), page["parts"][0]["revision"].as_i64()), (Some("complete"), Some(2)));
    assert!(!open_lacks(&page).contains(&"answers".to_owned()));
});

on_both!(a_form_fulfils_the_assignment_that_sent_its_officer_out, |app| {
    let collect = Collect::at(&app).await;
    let supervisor = app.person("supervisor", &app.office).await;
    let other = Phone::at(&app, &app.office).await;
    let now = app.app.clock.wall_ms();
    let day = |days: i64| mobile_api::Moment(now + 8 * 3_600_000 + days * 86_400_000).to_string()[..10].to_owned();
    let assign = async |kind: &str, due: i64, officers: &[&str]| {
        let body = json!({"premises_id": app.premises.id, "template_id": collect.template.id, "kind": kind, "due_on": day(due), "officer_ids": officers});
        let (status, made) = supervisor.post("/assignments", &body).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        text(&made["id"])
    };
    let mine = collect.officer.user_id.as_str();
    // Late already, of another kind, another officer's: none of them is what this form did.
    let left =
        [assign("routine", -1, &[mine]).await, assign("unannounced", 3, &[mine]).await, assign("routine", 2, &[&other.user_id]).await];
    let (later, sooner) = (assign("routine", 9, &[mine, &other.user_id]).await, assign("routine", 4, &[&other.user_id, mine]).await);
    let made = |form: &Form| {
        let at = mobile_api::Moment(app.app.clock.wall_ms()).to_string();
        form.xml().replace("2026-11-23T14:05:00.000+08:00", &at).replace("2026-11-23T14:40:00.000+08:00", &at)
    };
    let state = async |id: &str| supervisor.get(&format!("/assignments/{id}")).await.1;
    // What was made before anybody was sent fulfils nothing.
    assert_eq!(collect.send(&collect.form(&app).xml(), &[], false).await.status, StatusCode::CREATED);
    assert_eq!(collect.only().await["assignment_id"], Value::Null);
    let mut first = collect.form(&app);
    first.fail("1.1", "a.png");
    let xml = made(&first);
    assert_eq!(collect.send(&xml, &[], true).await.status, StatusCode::ACCEPTED);
    assert_eq!(state(&sooner).await["state"], "in_progress", "begun with the form's first request");
    assert_eq!(collect.send(&xml, &[("a.png", &picture(1))], false).await.status, StatusCode::CREATED);
    let done = state(&sooner).await;
    assert_eq!(done["state"], "done", "what is due first goes first: {done}");
    let (_, page) = supervisor.get(&format!("/inspections/{}", text(&done["inspection_id"]))).await;
    assert_eq!(page["assignment_id"], sooner.as_str());
    assert_eq!(collect.send(&made(&collect.form(&app)), &[], false).await.status, StatusCode::CREATED);
    assert_eq!(state(&later).await["state"], "done");
    assert_eq!(
        collect.send(&made(&collect.form(&app)), &[], false).await.status,
        StatusCode::CREATED,
        "without one it is an inspection all the same"
    );
    for id in &left {
        assert_eq!(state(id).await["state"], "open");
    }
});
