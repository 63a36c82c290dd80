//! What is not right is refused with a clear word, and leaves nothing behind.

use reqwest::StatusCode;

use super::{Collect, multipart};
use crate::phone::picture;
use crate::support::on_both;

const BOUNDARY: &str = "b0undary";

on_both!(bad_input_is_refused_in_words_and_leaves_nothing, |app| {
    let collect = Collect::at(&app).await;
    let form = collect.form(&app);
    let xml = form.xml();
    let with = |change: &dyn Fn(&mut crate::openrosa::Form)| {
        let mut form = form.clone();
        change(&mut form);
        form.xml()
    };
    let bomb = format!("<!DOCTYPE d [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]>{}", xml.trim_start_matches("<?xml version='1.0' ?>"));
    let forms: Vec<(String, u16, &str)> = vec![
        (bomb, 400, "document type"),
        (xml.replace("<door/>", "<door>&own;</door>"), 400, "entity"),
        (xml[..xml.len() / 2].to_owned(), 400, "well-formed"),
        (format!("{}{}", "<a>".repeat(200), "</a>".repeat(200)), 413, "one in the other"),
        (format!("<data>{}</data>", "x".repeat(1024 * 1024)), 413, "bytes"),
        (xml.replace("<orx:instanceID>", "<orx:other>").replace("</orx:instanceID>", "</orx:other>"), 422, "instanceID"),
        (with(&|form| form.form_id = "gone".to_owned()), 404, "get the forms anew"),
        (with(&|form| form.version = "99".to_owned()), 404, "version 99"),
        (with(&|form| form.version = "one".to_owned()), 422, "/version"),
        (with(&|form| *form.item("1.1") = "<r_1.1>perhaps</r_1.1>".to_owned()), 422, "r_1.1"),
        (with(&|form| form.fail("1.1", "../../etc/passwd")), 422, "name of a file"),
        (with(&|form| form.fail("1.1", &"x".repeat(201))), 422, "name of a file"),
        (with(&|form| form.before = form.before.replace("23.46 116.75", "123.46 516.75")), 422, "latitude"),
        (with(&|form| form.before = form.before.replace("<officers/>", "<officers>x</officers>")), 422, "/visit/officers"),
        (
            with(&|form| form.before = form.before.replace("<officers/>", "<officers>01928f6e-0000-7000-8000-0000000000ff</officers>")),
            422,
            "no such person",
        ),
        (with(&|form| *form.item("1.1") = format!("<r_1.1>fails</r_1.1><w_1.1>{}</w_1.1>", "字".repeat(2_001))), 422, "2000 characters"),
        (xml.replace("2026-11-23T14:05:00.000+08:00", "yesterday"), 422, "/start"),
    ];
    for (sent, status, words) in &forms {
        let answer = collect.send(sent, &[], false).await;
        assert_eq!(answer.status.as_u16(), *status, "{words}: {}", answer.body);
        assert!(answer.body.contains(words) && answer.body.contains("nature=\"error\""), "{words}: {}", answer.body);
    }
    let good = picture(1);
    let file = |name: &'static str, content: &'static [u8]| {
        multipart(
            BOUNDARY,
            &[("xml_submission_file", Some("f.xml"), "text/xml", xml.as_bytes()), (name, Some(name), "image/jpeg", content)],
        )
    };
    let bodies: Vec<(Vec<u8>, u16, &str)> = vec![
        (multipart(BOUNDARY, &[("a.png", Some("a.png"), "image/png", &good)]), 400, "xml_submission_file"),
        (
            multipart(
                BOUNDARY,
                &[
                    ("xml_submission_file", Some("f.xml"), "text/xml", xml.as_bytes()),
                    ("xml_submission_file", Some("f.xml"), "text/xml", xml.as_bytes()),
                ],
            ),
            400,
            "one xml_submission_file",
        ),
        (multipart(BOUNDARY, &[("xml_submission_file", Some("f.xml"), "text/xml", b"\xff\xfe")]), 400, "UTF-8"),
        (file("a.jpg", b"no picture at all"), 415, "a.jpg"),
        (file("a.jpg", b""), 415, "a.jpg"),
        (file("a/b.jpg", b"x"), 400, "name of a file"),
        (b"nothing".to_vec(), 400, "not whole"),
        (multipart(BOUNDARY, &[("xml_submission_file", Some("f.xml"), "text/xml", xml.as_bytes())])[..300].to_vec(), 400, "not whole"),
    ];
    for (body, status, words) in &bodies {
        let answer = collect.post(body, BOUNDARY).await;
        assert_eq!(answer.status.as_u16(), *status, "{words}: {}", answer.body);
        assert!(answer.body.contains(words), "{words}: {}", answer.body);
    }
    assert_eq!(collect.inspections().await.len(), 0, "nothing is left behind");
    assert_eq!(std::fs::read_dir(app.data.path().join("spool")).unwrap().count(), 0);
    assert_eq!(collect.send(&xml, &[], false).await.status, StatusCode::CREATED, "the door is still open");
});

// A connection that breaks anywhere in a submission leaves nothing half done, and the retry is whole.
on_both!(a_submission_that_is_cut_anywhere_is_sent_again, |app| {
    let collect = Collect::at(&app).await;
    let mut form = collect.form(&app);
    form.fail("1.1", "a.png");
    let (xml, photo) = (form.xml(), picture(1));
    let whole = multipart(
        BOUNDARY,
        &[("xml_submission_file", Some("f.xml"), "text/xml", xml.as_bytes()), ("a.png", Some("a.png"), "image/png", &photo)],
    );
    for cut in (0..whole.len() - 4).step_by(whole.len() / 23) {
        let answer = collect.post(&whole[..cut], BOUNDARY).await;
        assert!(!answer.status.is_success(), "cut at {cut}: {} {}", answer.status, answer.body);
    }
    assert_eq!(collect.inspections().await.len(), 0);
    assert_eq!(collect.post(&whole, BOUNDARY).await.status, StatusCode::CREATED);
    assert_eq!(collect.only().await["state"], "complete");
});
