//! The list of forms, the forms, and the files beside them.

use reqwest::{Method, StatusCode};
use serde_json::json;
use server::openrosa::xml::{self, Element};

use super::{Collect, answered};
use crate::support::{on_both, settled};

fn parsed(text: &str) -> Element {
    xml::read(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The address without the server's.
fn path<'a>(collect: &Collect, address: &'a str) -> &'a str {
    address.strip_prefix(&format!("{}/openrosa", collect.base)).unwrap_or_else(|| panic!("{address}"))
}

on_both!(forms_are_listed_got_and_compared, |app| {
    let collect = Collect::at(&app).await;
    let answer = collect.get("/formList?unknown=1").await;
    assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, "text/xml; charset=utf-8"));
    assert_eq!(answer.header("x-openrosa-version"), "1.0");
    let list = parsed(&answer.body);
    let ids: Vec<&str> = list.children.iter().map(|form| form.value("formID")).collect();
    assert!(ids.contains(&"school_canteen") && list.children.iter().all(|form| form.child("descriptionText").is_none()));
    let (_, canteens) = collect.officer.client.get("/templates?audience=canteen").await;
    let canteens: Vec<&str> = canteens["items"].as_array().unwrap().iter().filter_map(|one| one["code"].as_str()).collect();
    assert!(!canteens.is_empty() && canteens.iter().all(|code| !ids.contains(code)), "the canteen's own papers are no inspections");
    for form in &list.children {
        let answer = collect.get(path(&collect, form.value("downloadUrl"))).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(form.value("hash"), format!("md5:{}", answer.header("etag").trim_matches('"')));
        let data = parsed_form(&answer.body);
        assert_eq!((data.0.as_str(), data.1.as_str()), (form.value("formID"), form.value("version")));
    }
    let one = collect.get("/formList?formID=school_canteen&verbose=true").await;
    let one = parsed(&one.body);
    assert_eq!((one.children.len(), one.children[0].value("formID")), (1, "school_canteen"));
    assert!(!one.children[0].value("descriptionText").is_empty());
    let etag = answer.header("etag").to_owned();
    let same = answered(collect.request(Method::GET, "/formList?unknown=1").header("If-None-Match", etag)).await;
    assert_eq!((same.status, same.body.as_str()), (StatusCode::NOT_MODIFIED, ""));
});

/// Id and version of a form.
fn parsed_form(text: &str) -> (String, String) {
    let html = parsed(text);
    let instance = html.child("head").and_then(|head| head.child("model")).and_then(|model| model.child("instance")).unwrap();
    let data = &instance.children[0];
    (data.attribute("id").unwrap().to_owned(), data.attribute("version").unwrap().to_owned())
}

on_both!(a_new_version_is_listed_and_the_old_one_on_request, |app| {
    let collect = Collect::at(&app).await;
    let versions = |body: &str| -> Vec<String> { parsed(body).children.iter().map(|form| form.value("version").to_owned()).collect() };
    assert_eq!(versions(&collect.get("/formList?formID=school_canteen").await.body), ["1"]);
    let (_, mut file) = collect.root.get(&format!("/templates/{}/file.json", collect.template.id)).await;
    file["name"]["zh"] = json!("学校食堂（新）");
    let (status, draft) = collect.root.post("/template-drafts", &json!({"file": file, "based_on": 1})).await;
    assert_eq!(status, StatusCode::CREATED, "{draft}");
    let publish = format!("/template-drafts/{}/publish", draft["id"].as_str().unwrap());
    let (status, answer) = collect.root.post(&publish, &json!({"version": draft["version"]})).await;
    assert!(status.is_success(), "{answer}");
    settled(&app).await;
    let newest = collect.get("/formList?formID=school_canteen").await.body;
    assert_eq!(versions(&newest), ["2"]);
    assert!(newest.contains("学校食堂（新）"));
    assert_eq!(versions(&collect.get("/formList?formID=school_canteen&listAllVersions=true").await.body), ["2", "1"]);
    let old = collect.get(&format!("/forms/{}/form.xml", collect.template.id)).await;
    assert_eq!((old.status, parsed_form(&old.body).1.as_str()), (StatusCode::OK, "1"), "what was begun with it is finished with it");
});

on_both!(files_beside_a_form_are_of_the_officers_own_area, |app| {
    let collect = Collect::at(&app).await;
    let colleague = app.add_person("second", &[("officer", &app.office)], false).await;
    let elsewhere = app.add_person("elsewhere", &[("officer", &app.other_office)], false).await;
    let (_, operator) = collect.root.post("/operators", &json!({"name": "明湖餐饮", "licence_number": "JY34405830012345"})).await;
    let link = format!("/premises/{}/operators/{}", app.premises.id, operator["id"].as_str().unwrap());
    assert!(collect.root.put(&link, &json!({"part": "own"})).await.0.is_success());
    settled(&app).await;
    let manifest = collect.get(&format!("/forms/{}/manifest.xml", collect.template.id)).await;
    assert_eq!(manifest.status, StatusCode::OK);
    let manifest = parsed(&manifest.body);
    let names: Vec<&str> = manifest.children.iter().map(|file| file.value("filename")).collect();
    assert_eq!(names, ["premises.csv", "officers.csv"]);
    let mut files = Vec::new();
    for file in &manifest.children {
        let answer = collect.get(path(&collect, file.value("downloadUrl"))).await;
        assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, "text/csv; charset=utf-8"));
        assert_eq!(file.value("hash"), format!("md5:{}", answer.header("etag").trim_matches('"')));
        files.push(answer.body);
    }
    assert_eq!(files[0], format!("name,label\n{},东岸小学食堂 · JY34405830012345\n", app.premises.id));
    assert!(
        files[1].contains(&colleague) && !files[1].contains(&elsewhere) && !files[1].contains(&collect.officer.user_id),
        "{}",
        files[1]
    );
    assert_eq!(collect.get("/media/other.csv").await.status, StatusCode::NOT_FOUND);
    let nothing = collect.get("/nothing").await;
    assert_eq!(nothing.status, StatusCode::NOT_FOUND);
    assert!(nothing.body.contains("OpenRosaResponse"));
});
