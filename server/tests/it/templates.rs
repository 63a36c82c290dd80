//! Templates as a bureau designs them: drafts, publishing, retiring, what phones get, and that conditions hold at submission.

use mobile_api::template::TemplateFile;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use server::store::templates;

use crate::phone::{Draft, Phone, Template, answer, text};
use crate::support::{Client, on_both, settled};

fn words(zh: &str) -> Value {
    json!({"zh": zh, "en": zh})
}

/// Two judged items, the second shown where the first fails, and a question with a field that must be given.
fn file(code: &str) -> Value {
    let item = |code: &str, more: Value| {
        let mut item = json!({"code": code, "key": false, "text": words(code), "basis": "x", "min_photos": 0, "photo_on_fail": false});
        item.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        item
    };
    let weight = json!({"code": "weight", "label": words("重量"), "kind": {"type": "number", "unit": "g", "min": 125.0}, "required": true});
    json!({"code": code, "name": words("春季检查"), "premises_kinds": ["school_canteen"], "audience": "officer", "source": words("本局"),
    "body": {"rule": {"general_limit": 8, "points_key": 3, "points_general": 1, "grades": []}, "sections": [{"code": "1", "name": words("一"), "items": [
        item("1.1", json!({"key": true})),
        item("1.2", json!({"show_when": {"result": {"item": "1.1", "one_of": ["fails"]}}, "fields": [weight]})),
        item("1.3", json!({"question": true, "basis": "", "required": true, "fields": [{"code": "who", "label": words("谁"), "kind": {"type": "text"}, "required": true}]})),
    ]}]}})
}

async fn begin(client: &Client, file: &Value, based_on: Option<i64>) -> Value {
    let (status, draft) = client.post("/template-drafts", &json!({"file": file, "based_on": based_on})).await;
    assert_eq!(status, StatusCode::CREATED, "{draft}");
    draft
}

async fn publish(client: &Client, draft: &Value) -> (StatusCode, Value) {
    client.post(&format!("/template-drafts/{}/publish", text(&draft["id"])), &json!({"version": draft["version"]})).await
}

/// The whole of a template, as the phone has it.
async fn whole(phone: &Phone, id: &str) -> Template {
    let (_, template) = phone.client.get(&format!("/templates/{id}")).await;
    Template { id: id.to_owned(), body: serde_json::from_value(template["body"].clone()).unwrap() }
}

on_both!(a_draft_is_saved_as_typed_and_published_once_it_is_right, |app| {
    let designer = app.person("supervisor", &app.city).await;
    let mut unfinished = file("spring");
    unfinished["body"]["sections"][0]["items"][1]["show_when"]["result"]["item"] = json!("1.2");
    unfinished["name"]["en"] = json!("");
    let draft = begin(&designer, &unfinished, None).await;
    let pointers: Vec<String> =
        draft["faults"].as_array().unwrap().iter().map(|fault| format!("{} {}", text(&fault["pointer"]), text(&fault["code"]))).collect();
    assert_eq!(pointers, ["/name/en required", "/body/sections/0/items/1/show_when cycle"]);
    assert_eq!(draft["file"], unfinished, "as typed");
    let (status, problem) = publish(&designer, &draft).await;
    assert_eq!((status, problem["errors"].as_array().map(Vec::len)), (StatusCode::UNPROCESSABLE_ENTITY, Some(2)));

    let path = format!("/template-drafts/{}", text(&draft["id"]));
    let (status, saved) = designer.put(&path, &json!({"version": 1, "file": file("spring")})).await;
    assert_eq!((status, saved["version"].as_i64(), saved["faults"].as_array().map(Vec::len)), (StatusCode::OK, Some(2), Some(0)));
    let (status, problem) = designer.put(&path, &json!({"version": 1, "file": unfinished})).await;
    assert_eq!(
        (status, problem["type"].as_str(), problem["present"]["version"].as_i64()),
        (StatusCode::CONFLICT, Some("stale_version"), Some(2))
    );
    assert_eq!(publish(&designer, &draft).await.0, StatusCode::CONFLICT, "what was read is not what is stored");
    let mut nul = file("spring");
    nul["body"]["sections"][0]["items"][0]["text"]["zh"] = json!("鼠\0患");
    let (status, problem) = designer.put(&path, &json!({"version": 2, "file": nul})).await;
    assert_eq!(
        (status, problem["errors"][0]["pointer"].as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, Some("/file/body/sections/0/items/0/text/zh"))
    );

    let (status, first) = publish(&designer, &saved).await;
    assert_eq!((status, first["version"].as_i64(), first["code"].as_str()), (StatusCode::CREATED, Some(1), Some("spring")));
    assert_eq!(designer.get(&path).await.0, StatusCode::NOT_FOUND, "the draft has become the version");
    let (_, back) = designer.get(&format!("/templates/{}/file.json", text(&first["id"]))).await;
    assert_eq!(
        serde_json::from_value::<TemplateFile>(back.clone()).unwrap(),
        serde_json::from_value::<TemplateFile>(file("spring")).unwrap()
    );

    // Two go on from version 1: the second is told, and passes nobody over.
    let (one, other) = (begin(&designer, &back, Some(1)).await, begin(&designer, &back, Some(1)).await);
    assert_eq!(publish(&designer, &one).await.1["version"], 2);
    let (status, problem) = publish(&designer, &other).await;
    assert_eq!((status, problem["present"]["version"].as_i64()), (StatusCode::CONFLICT, Some(2)), "{problem}");
    assert_eq!(publish(&designer, &begin(&designer, &back, None).await).await.0, StatusCode::CONFLICT, "a new code is new");
    let (_, all) = designer.get("/templates?retired=true").await;
    let versions: Vec<(i64, bool)> = all["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["code"] == "spring")
        .map(|one| (one["version"].as_i64().unwrap(), one["retired_at"].is_null()))
        .collect();
    assert_eq!(versions, [(2, true), (1, false)], "the newest first, the older out of force");

    let auditor = app.person("auditor", &app.city).await;
    let (_, acts) = auditor.get("/audit?limit=200").await;
    let told: Vec<String> =
        acts["items"].as_array().unwrap().iter().map(|act| text(&act["action"])).filter(|action| action.starts_with("template_")).collect();
    assert_eq!(told, ["template_publish", "template_publish"]);
});

on_both!(templates_are_changed_from_the_top_only, |app| {
    let (office, officer) = (app.person("supervisor", &app.office).await, app.person("officer", &app.city).await);
    assert_eq!(office.post("/template-drafts", &json!({"file": file("x")})).await.0, StatusCode::FORBIDDEN);
    assert_eq!(officer.post("/template-drafts", &json!({"file": file("x")})).await.0, StatusCode::FORBIDDEN);
    let designer = app.person("administrator", &app.city).await;
    let draft = begin(&designer, &file("x"), None).await;
    let path = format!("/template-drafts/{}", text(&draft["id"]));
    assert_eq!(office.put(&path, &json!({"version": 1, "file": file("y")})).await.0, StatusCode::FORBIDDEN);
    assert_eq!(publish(&office, &draft).await.0, StatusCode::FORBIDDEN);
    assert_eq!(office.send(Method::DELETE, &path, None).await.0, StatusCode::FORBIDDEN);
    assert_eq!(officer.get("/template-drafts").await.0, StatusCode::FORBIDDEN);
    assert_eq!(designer.get("/template-drafts").await.1["items"][0]["code"], "x");
    assert_eq!(designer.send(Method::DELETE, &path, None).await.0, StatusCode::NO_CONTENT);
    assert_eq!(designer.get("/template-drafts").await.1["total"], 0);
    let (_, shipped) = designer.get("/templates?kind=campus_shop").await;
    let retire = format!("/templates/{}/retire", text(&shipped["items"][0]["id"]));
    assert_eq!(office.post(&retire, &json!({})).await.0, StatusCode::FORBIDDEN);
    assert_eq!(designer.post(&retire, &json!({})).await.0, StatusCode::OK);
    assert_eq!(designer.post(&retire, &json!({})).await.0, StatusCode::OK, "the same again");
    assert_eq!(designer.get("/templates?kind=campus_shop").await.1["total"], 0);
});

/// What a phone's synchronisation says about templates: id to whether it is there.
async fn synced(phone: &Phone, since: &str) -> (Vec<(String, bool)>, String) {
    let (mut items, mut since) = (Vec::new(), since.to_owned());
    loop {
        let query = if since.is_empty() { String::new() } else { format!("?since={since}") };
        let (_, page) = phone.client.get(&format!("/sync{query}")).await;
        for item in page["items"].as_array().unwrap().iter().filter(|item| item["entity"] == "template") {
            items.push((text(&item["id"]), item["op"] == "upsert"));
        }
        since = text(&page["next"]);
        if page["more"] == false {
            return (items, since);
        }
    }
}

on_both!(phones_get_what_officers_answer_and_conditions_hold_at_submission, |app| {
    let designer = app.person("administrator", &app.city).await;
    let phone = Phone::at(&app, &app.office).await;
    settled(&app).await;
    let (canteen, next) = (designer.get("/templates?audience=canteen").await.1, synced(&phone, "").await.1);
    assert_eq!(canteen["total"], 8, "the canteen's own papers");
    let papers: Vec<String> = canteen["items"].as_array().unwrap().iter().map(|one| text(&one["id"])).collect();
    let came = synced(&phone, "").await.0;
    assert!(papers.iter().all(|paper| came.iter().any(|(id, _)| id == paper)), "to be read beside what they prove");
    let (_, first) = publish(&designer, &begin(&designer, &file("spring"), None).await).await;
    let (_, second) = publish(&designer, &begin(&designer, &file("spring"), Some(1)).await).await;
    let (first, second) = (text(&first["id"]), text(&second["id"]));
    settled(&app).await;
    let (changed, _) = synced(&phone, &next).await;
    assert!(changed.contains(&(first.clone(), false)) && changed.contains(&(second.clone(), true)), "{changed:?}");

    // What was begun with the older version is finished with it.
    let template = whole(&phone, &first).await;
    let mut draft = Draft::new(&app, &phone, &template);
    draft.content["answers"] = json!([answer("1.1", "conforms"), answer("1.2", "fails"), {"item_code": "1.3", "values": {"who": 3}, "answered_at": "2026-11-23T06:10:00.000Z"}]);
    let (status, problem) = phone.client.put(&draft.path(), &draft.put()).await;
    assert_eq!(
        (status, problem["errors"][0]["pointer"].as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, Some("/part/content/answers/2/values/who"))
    );
    draft.content["answers"][2]["values"] = json!({"who": "林老师"});
    assert_eq!(phone.client.put(&draft.path(), &draft.put()).await.0, StatusCode::CREATED);
    let (status, done) = phone.client.post(&format!("{}/submit", draft.path()), &draft.submission(&template)).await;
    assert_eq!(
        (status, done["result"]["checked"].as_i64(), done["differs"].as_bool()),
        (StatusCode::OK, Some(1), Some(false)),
        "what is hidden is not judged: {done}"
    );
    let (_, page) = phone.client.get(&draft.path()).await;
    let items = &page["sections"][0]["items"];
    assert_eq!(
        (&items[1]["asked"], &items[1]["answer"]["result"], &items[2]["answer"]["values"]["who"]),
        (&json!(false), &json!("fails"), &json!("林老师"))
    );

    let mut failing = Draft::new(&app, &phone, &template);
    failing.content["answers"] = json!([answer("1.1", "conforms"), answer("1.2", "conforms"), {"item_code": "1.3", "values": {"who": "林"}, "answered_at": "2026-11-23T06:10:00.000Z"}]);
    failing.fail("1.1");
    assert_eq!(phone.client.put(&failing.path(), &failing.put()).await.0, StatusCode::CREATED);
    let submit = format!("{}/submit", failing.path());
    let (status, problem) = phone.client.post(&submit, &failing.submission(&template)).await;
    assert_eq!(
        (status, problem["errors"][0]["pointer"].as_str(), problem["errors"][0]["code"].as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, Some("/answers/1.2/values/weight"), Some("field"))
    );
    failing.content["answers"][1]["values"] = json!({"weight": 130});
    failing.revision = 2;
    assert_eq!(phone.client.put(&failing.path(), &failing.put()).await.0, StatusCode::OK);
    assert_eq!(phone.client.post(&submit, &failing.submission(&template)).await.0, StatusCode::OK);

    // The next inspection finds beside each item what this one said.
    let (_, page) = phone.client.get("/sync").await;
    let premises = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|item| item["entity"] == "premises" && item["id"] == app.premises.id.as_str())
        .unwrap();
    let said = &premises["value"]["last_inspection"]["answers"];
    assert_eq!(
        (&said["1.1"]["result"], &said["1.2"]["values"]["weight"], &said["1.3"]["values"]["who"]),
        (&json!("fails"), &json!(130.0), &json!("林"))
    );
    assert!(said["1.1"].get("evidence_ids").is_none() && said["1.1"].get("answered_at").is_none(), "as small as it can be");
});

on_both!(what_ships_never_replaces_what_a_bureau_made_or_retired, |app| {
    let designer = app.person("head", &app.city).await;
    let (_, listed) = designer.get("/templates?kind=school_canteen").await;
    let of = |code: &str| listed["items"].as_array().unwrap().iter().find(|one| one["code"] == code).unwrap().clone();
    let (school, opening) = (of("school_canteen"), of("special_opening"));
    let (_, mut file) = designer.get(&format!("/templates/{}/file.json", text(&school["id"]))).await;
    file["body"]["rule"]["general_limit"] = json!(5);
    assert_eq!(publish(&designer, &begin(&designer, &file, school["version"].as_i64()).await).await.1["version"], 2);
    assert_eq!(designer.post(&format!("/templates/{}/retire", text(&opening["id"])), &json!({})).await.0, StatusCode::OK);
    assert_eq!(templates::ensure_shipped(&app.app.db, app.app.clock.wall_ms()).await.unwrap(), 0, "the next start changes nothing");
    let (_, listed) = designer.get("/templates?kind=school_canteen").await;
    let now: Vec<(String, i64)> =
        listed["items"].as_array().unwrap().iter().map(|one| (text(&one["code"]), one["version"].as_i64().unwrap())).collect();
    assert!(now.contains(&("school_canteen".to_owned(), 2)) && !now.iter().any(|(code, _)| code == "special_opening"), "{now:?}");
});

async fn sent(client: &Client, content_type: &str, body: Vec<u8>) -> (StatusCode, Value) {
    let response =
        client.request(Method::POST, "/template-imports", None).header("content-type", content_type).body(body).send().await.unwrap();
    (response.status(), serde_json::from_str(&response.text().await.unwrap()).unwrap_or_default())
}

on_both!(an_xlsform_is_read_and_changes_nothing, |app| {
    let designer = app.person("administrator", &app.city).await;
    let (_, first) = publish(&designer, &begin(&designer, &file("spring"), None).await).await;
    let id = text(&first["id"]);
    let response = designer.request(Method::GET, &format!("/templates/{id}/file.xlsx"), None).send().await.unwrap();
    assert_eq!(response.headers()["content-disposition"], "attachment; filename=\"spring-1.xlsx\"");
    let xlsx = response.bytes().await.unwrap().to_vec();
    let (status, read) = sent(&designer, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", xlsx).await;
    assert_eq!((status, &read["left_out"], &read["faults"]), (StatusCode::OK, &json!([]), &json!([])), "{read}");
    assert_eq!(
        serde_json::from_value::<TemplateFile>(read["file"].clone()).unwrap(),
        serde_json::from_value::<TemplateFile>(file("spring")).unwrap()
    );
    let foreign = "survey,,,\n,type,name,label\n,geopoint,where,Where\n,text,who,Who\n";
    let (status, read) = sent(&designer, "text/csv", foreign.as_bytes().to_vec()).await;
    assert_eq!((status, &read["left_out"][0]["row"], &read["left_out"][0]["detail"]), (StatusCode::OK, &json!(3), &json!("geopoint")));
    assert!(!read["faults"].as_array().unwrap().is_empty(), "it has no code and no source yet");
    assert_eq!(designer.get("/template-drafts").await.1["total"], 0, "nothing is stored");
    assert_eq!(sent(&designer, "image/png", vec![1]).await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(sent(&designer, "application/octet-stream", b"PK\x03\x04 no zip".to_vec()).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(sent(&designer, "text/csv", vec![b'a'; 5 * 1024 * 1024 + 1]).await.0, StatusCode::PAYLOAD_TOO_LARGE);
});
