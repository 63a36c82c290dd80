//! Forms that were edited after they were sent: amendments, and what they make good.

use reqwest::StatusCode;
use serde_json::json;

use super::{Collect, open_lacks};
use crate::phone::picture;
use crate::support::on_both;

on_both!(an_edited_form_is_an_amendment_and_makes_good_what_it_brings, |app| {
    let collect = Collect::at(&app).await;
    let form = collect.form(&app);
    assert_eq!(collect.send(&form.xml(), &[], false).await.status, StatusCode::CREATED);
    let before = collect.only().await;
    assert_eq!((before["outcome"].as_str(), open_lacks(&before).len()), (Some("conforms"), 3));

    let second = app.add_person("second", &[("officer", &app.office)], false).await;
    let mut edited = form.edited();
    edited.fail("1.1", "new.png");
    edited.signed(&second);
    let (photo, drawing) = (picture(4), picture(5));
    let pictures: [(&str, &[u8]); 4] =
        [("new.png", &photo), ("recusal.png", &drawing), ("officer.png", &drawing), ("signer.png", &drawing)];
    for _ in 0..2 {
        let answer = collect.send(&edited.xml(), &pictures, false).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    }
    let page = collect.only().await;
    assert_eq!(page["amendments"].as_array().map(Vec::len), Some(1), "the same edit again changes nothing");
    assert_eq!((page["outcome"].as_str(), page["submitted_result"]["outcome"].as_str()), (Some("does_not_conform"), Some("conforms")));
    let changed = &page["amendments"][0]["answers"];
    assert_eq!((changed.as_array().map(Vec::len), changed[0]["item_code"].as_str()), (Some(1), Some("1.1")));
    let evidence = page["evidence"].as_array().unwrap();
    let shown = evidence.iter().find(|one| one["id"] == changed[0]["evidence_ids"][0]).unwrap();
    assert_eq!((shown["kind"].as_str(), shown["received"].as_bool()), (Some("photo"), Some(true)));
    assert_eq!(open_lacks(&page), Vec::<String>::new());
    let made = page["lacks"].as_array().unwrap().iter().find(|lack| lack["what"] == "second_officer").unwrap();
    assert_eq!(made["done"]["officer_ids"], json!([collect.officer.user_id, second]));
    assert_eq!(page["header"], before["header"], "what was sent stays");

    // The first form again, late: it does not undo the edit.
    assert_eq!(collect.send(&form.xml(), &[], false).await.status, StatusCode::CREATED);
    assert_eq!(collect.only().await["outcome"], "does_not_conform");
});

on_both!(an_edit_does_not_make_another_inspection_of_it, |app| {
    let collect = Collect::at(&app).await;
    let form = collect.form(&app);
    assert_eq!(collect.send(&form.xml(), &[], false).await.status, StatusCode::CREATED);
    let mut edited = form.edited();
    edited.before = edited.before.replace("<kind>routine</kind>", "<kind>campaign</kind>");
    let answer = collect.send(&edited.xml(), &[], false).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(answer.body.contains("fill in a new form"), "{}", answer.body);
    // Somebody else's form is neither edited nor sent again.
    let other = Collect::at(&app).await;
    for theirs in [form.edited(), form.clone()] {
        let answer = other.send(&theirs.xml(), &[], false).await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.body);
    }
    assert_eq!(other.officer.client.get("/inspections").await.1["items"].as_array().map(Vec::len), Some(1), "of the same office");
    // What edits a form that never came is a form of its own.
    let mut orphan = collect.form(&app);
    orphan.deprecated_id = Some("uuid:never-came".to_owned());
    assert_eq!(collect.send(&orphan.xml(), &[], false).await.status, StatusCode::CREATED);
    assert_eq!(collect.inspections().await.len(), 2);
});
