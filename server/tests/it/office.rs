//! Inspections in the office: compared with the last one, amended without overwriting, exported as a stream.

use std::io::Read as _;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::documents::inspected;
use crate::phone::{Draft, Phone, picture, sha256, text};
use crate::support::{Client, Engine, TestApp, bulk, on_both};

on_both!(an_amendment_is_a_version_with_who_and_why, |app| {
    let (lead, draft) = inspected(&app).await;
    let path = draft.path();
    let (_, before) = lead.client.get(&path).await;
    assert_eq!((before["outcome"].as_str(), &before["amendments"]), (Some("basically_conforms"), &json!([])));
    let amend = |version: i64, reason: &str, result: &str| {
        json!({"version": version, "reason": reason,
        "answers": [{"item_code": "8.1", "result": result, "remark": "复核照片后更正", "affects_safety": (result == "fails").then_some(false)}]})
    };
    for (body, pointer) in [
        (amend(0, " ", "conforms"), "/reason"),
        (json!({"version": 0, "reason": "x", "answers": []}), "/answers"),
        (json!({"version": 0, "reason": "x", "answers": [{"item_code": "99.9", "result": "fails"}]}), "/answers/0/item_code"),
        // The rule of submissions holds here too.
        (json!({"version": 0, "reason": "x", "answers": [{"item_code": "8.1", "result": "fails", "remark": "x"}]}), "/answers/0/result"),
        (json!({"version": 0, "reason": "x", "answers": [{"item_code": "8.1", "result": "not_applicable"}]}), "/answers/0/result"),
        (
            json!({"version": 0, "reason": "x", "answers": [{"item_code": "8.1", "result": "conforms", "values": {"none": 1}}]}),
            "/answers/0/values/none",
        ),
    ] {
        let (status, problem) = lead.client.post(&format!("{path}/amendments"), &body).await;
        assert_eq!((status, problem["errors"][0]["pointer"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some(pointer)), "{problem}");
    }
    let (status, page) = lead.client.post(&format!("{path}/amendments"), &amend(0, "现场记录笔误", "conforms")).await;
    assert_eq!(
        (status, page["outcome"].as_str(), page["result"]["outcome"].as_str()),
        (StatusCode::CREATED, Some("conforms"), Some("conforms")),
        "{page}"
    );
    assert_eq!(page["submitted_result"]["outcome"], "basically_conforms", "the first result is kept and shown");
    let desk = app.person("supervisor", &app.office).await;
    let (_, list) = desk.get("/inspections").await;
    assert_eq!((&list["items"][0]["outcome"], &list["items"][0]["score"]), (&json!("conforms"), &json!(100.0)), "lists say what counts");
    assert_eq!(desk.get("/inspections?failed_item=8.1").await.1["total"], 0, "nothing fails any more");
    let table = String::from_utf8(bytes(&desk, "/exports/inspections.csv").await).unwrap();
    assert!(table.contains("conforms,100") && !table.contains("8.1"), "{table}");
    assert_eq!(page["amendments"][0]["reason"], "现场记录笔误");
    assert_eq!(page["parts"], before["parts"], "what was sent stays as sent");
    let failed = page["sections"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|section| section["items"].as_array().unwrap())
        .find(|item| item["code"] == "8.1")
        .unwrap();
    assert_eq!(
        (failed["answer"]["result"].as_str(), failed["answer"]["evidence_ids"].as_array().map(Vec::len)),
        (Some("conforms"), Some(1)),
        "its photo stays"
    );
    let (status, problem) = lead.client.post(&format!("{path}/amendments"), &amend(0, "又一次", "fails")).await;
    assert_eq!(
        (status, problem["type"].as_str(), problem["present"]["amendments"].as_array().map(Vec::len)),
        (StatusCode::CONFLICT, Some("stale_version"), Some(1)),
        "{problem}"
    );
    assert_eq!(lead.client.post(&format!("{path}/amendments"), &amend(1, "复核后恢复", "fails")).await.0, StatusCode::CREATED);
    let canteen = app.person("food_safety_officer", &app.premises).await;
    assert_eq!(canteen.post(&format!("{path}/amendments"), &amend(2, "x", "conforms")).await.0, StatusCode::FORBIDDEN);
    let (_, paper) = lead.client.post("/documents", &json!({"kind": "inspection_record", "inspection_id": draft.id})).await;
    let stored = server::store::documents::data(&mut app.app.db.read().await.unwrap().conn(), &text(&paper["id"])).await.unwrap().unwrap();
    let data: Value = serde_json::from_str(&stored).unwrap();
    assert_eq!(
        (data["inspection"]["outcome"].as_str(), data["items"][0]["remark"].as_str()),
        (Some("基本符合"), Some("复核照片后更正")),
        "a paper says what holds when it is issued"
    );
});

on_both!(a_phone_whose_clock_is_years_off_is_not_believed, |app| {
    let (lead, today) = inspected(&app).await;
    let template = lead.template().await;
    let submitted = async |started: &str, satellites: Option<(&str, &str)>| {
        let mut draft = Draft::new(&app, &lead, &template);
        draft.header["started_at"] = json!(started);
        if let Some((device, gps)) = satellites {
            draft.content["clock"]["device_time"] = json!(device);
            draft.content["clock"]["gps_time"] = json!(gps);
        }
        assert_eq!(lead.client.put(&draft.path(), &draft.put()).await.0, StatusCode::CREATED);
        assert_eq!(lead.client.post(&format!("{}/submit", draft.path()), &draft.submission(&template)).await.0, StatusCode::OK);
        lead.client.get(&draft.path()).await.1
    };
    let at = |page: &Value, name: &str| text(&page[name]).parse::<mobile_api::Moment>().unwrap().0;
    let now = app.app.clock.wall_ms();
    let ahead = submitted("2046-01-01T06:00:00.000Z", None).await;
    assert!(at(&ahead, "happened_at") <= now + 60_000 && at(&ahead, "started_at") > now, "what was sent stays as sent: {ahead}");
    assert_eq!(ahead["clock_off_ms"].as_i64(), Some(at(&ahead, "started_at") - at(&ahead, "received_at")));
    let reset = submitted("2001-01-01T00:00:00.000Z", None).await;
    assert_eq!(reset["happened_at"], reset["received_at"]);
    // Three days ago by the satellites, whatever the phone says.
    let (began, fixed) = (mobile_api::Moment(now - 3 * 86_400_000), mobile_api::Moment(now - 3 * 86_400_000 + 900_000));
    let corrected = submitted("2046-01-01T06:00:00.000Z", Some(("2046-01-01T06:15:00.000Z", &fixed.to_string()))).await;
    assert_eq!(at(&corrected, "happened_at"), began.0, "{corrected}");
    let desk = app.person("supervisor", &app.office).await;
    let (_, list) = desk.get("/inspections").await;
    let order: Vec<String> = list["items"].as_array().unwrap().iter().map(|item| text(&item["id"])).collect();
    assert_eq!(order[..2], [text(&reset["id"]), text(&ahead["id"])], "the list goes by what is believed");
    assert!(order.contains(&today.id.to_string()));
    let (_, since) = desk.get(&format!("/inspections?since={}", mobile_api::Moment(now + 3_600_000))).await;
    assert_eq!(since["total"], 0, "nothing was made in the time to come");
});

on_both!(the_list_is_narrowed_and_a_view_of_it_is_kept, |app| {
    let (lead, _) = inspected(&app).await;
    let desk = app.person("supervisor", &app.district).await;
    let counted = async |query: &str| {
        let (status, list) = desk.get(&format!("/inspections?{query}")).await;
        assert_eq!(status, StatusCode::OK, "{query}: {list}");
        list["total"].as_i64().unwrap()
    };
    let (office, other) = (&app.office.id, &app.other_office.id);
    for (query, expected) in [
        (format!("organization_id={office}"), 1),
        (format!("organization_id={other}"), 0),
        ("kind=routine".to_owned(), 1),
        ("kind=campaign".to_owned(), 0),
        ("template_code=school_canteen".to_owned(), 1),
        ("template_code=campus_shop".to_owned(), 0),
        ("failed_item=8.1".to_owned(), 1),
        ("failed_item=8.2".to_owned(), 0),
        (format!("officer_id={}", lead.user_id), 1),
    ] {
        assert_eq!(counted(&query).await, expected, "{query}");
    }
    assert_eq!(desk.get(&format!("/inspections?failed_item={}", "x".repeat(65))).await.0, StatusCode::BAD_REQUEST);
    let view = |name: &str, query: &str| json!({"page": "inspections", "name": name, "query": query});
    let (status, kept) = desk.post("/views", &view("不符合", "result=does_not_conform")).await;
    assert_eq!((status, kept["query"].as_str()), (StatusCode::CREATED, Some("result=does_not_conform")), "{kept}");
    let (_, again) = desk.post("/views", &view("不符合", "failed_item=8.1")).await;
    assert_eq!((&again["id"], again["query"].as_str()), (&kept["id"], Some("failed_item=8.1")), "one of the same name is replaced");
    assert_eq!(desk.get("/views?page=inspections").await.1["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(desk.get("/views?page=alerts").await.1["items"], json!([]));
    assert_eq!(lead.client.get("/views?page=inspections").await.1["items"], json!([]), "each sees their own");
    let path = format!("/views/{}", text(&kept["id"]));
    assert_eq!(gone(&lead.client, &path).await, StatusCode::NOT_FOUND);
    assert_eq!(desk.post("/views", &view(" ", "")).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    for number in 1..server::store::saved_views::VIEWS_MAX {
        assert_eq!(desk.post("/views", &view(&format!("视图 {number}"), "")).await.0, StatusCode::CREATED);
    }
    assert_eq!(desk.post("/views", &view("太多", "")).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(desk.post("/views", &view("不符合", "")).await.0, StatusCode::CREATED, "one that is there may change");
    assert_eq!((gone(&desk, &path).await, gone(&desk, &path).await), (StatusCode::NO_CONTENT, StatusCode::NOT_FOUND));
});

on_both!(rows_of_what_failed_are_held_against_the_result, |app| {
    let (_, draft) = inspected(&app).await;
    let flags = server::config::Flags::default().or("data", app.data.path().to_string_lossy());
    let config = server::config::Config::load(&flags).unwrap();
    let run = async |repair: bool| {
        let report =
            server::check::Check::new(&app.app.db, &app.app.files, &config, repair, server::check::Server::Stopped).run().await.unwrap();
        report.faults.into_iter().filter(|fault| fault.detail.contains("what failed")).collect::<Vec<_>>()
    };
    assert_eq!(run(false).await, []);
    crate::support::tamper(&app.app.db, "UPDATE inspection_findings SET item_code = '1.1'").await;
    let found = run(false).await;
    assert!(found.len() == 1 && found[0].detail.contains(&draft.id.to_string()) && found[0].repaired.is_none(), "{found:?}");
    assert!(run(true).await[0].repaired.is_some());
    assert_eq!(run(false).await, []);
    let desk = app.person("supervisor", &app.office).await;
    assert_eq!(desk.get("/inspections?failed_item=8.1").await.1["total"], 1);
});

on_both!(an_inspection_is_compared_with_the_last_one, |app| {
    let (lead, first) = inspected(&app).await;
    let template = lead.template().await;
    let mut second = Draft::new(&app, &lead, &template);
    second.header["started_at"] = json!("2026-11-24T06:05:00.000Z");
    second.fail("8.2");
    assert_eq!(lead.client.put(&second.path(), &second.put()).await.0, StatusCode::CREATED);
    assert_eq!(lead.client.post(&format!("{}/submit", second.path()), &second.submission(&template)).await.0, StatusCode::OK);
    let (_, page) = lead.client.get(&second.path()).await;
    let previous = &page["previous"];
    assert_eq!(text(&previous["id"]), first.id.to_string());
    assert_eq!(
        (&previous["again"], &previous["put_right"], &previous["new"]),
        (&json!([]), &json!(["8.1"]), &json!(["8.2"])),
        "{previous}"
    );
    let item = page["sections"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|section| section["items"].as_array().unwrap())
        .find(|item| item["code"] == "8.1")
        .unwrap();
    assert_eq!((item["previous"]["result"].as_str(), item["answer"]["result"].as_str()), (Some("fails"), Some("conforms")));
    assert_eq!(lead.client.get(&first.path()).await.1["previous"], Value::Null, "there was none before");
});

async fn gone(client: &Client, path: &str) -> StatusCode {
    client.send(Method::DELETE, path, None).await.0
}

async fn bytes(client: &Client, path: &str) -> Vec<u8> {
    let response = client.request(Method::GET, path, None).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    response.bytes().await.unwrap().to_vec()
}

on_both!(the_list_is_exported_whole_in_each_format, |app| {
    let (lead, draft) = inspected(&app).await;
    bulk::inspections_like(&app.app.db, 450).await;
    let desk = app.person("supervisor", &app.district).await;
    let csv = String::from_utf8(bytes(&desk, "/exports/inspections.csv").await).unwrap();
    assert_eq!(csv.lines().count(), 452, "every row of every page, once, under one header");
    assert!(csv.starts_with("\u{feff}编号,场所,") && csv.contains("8.1") && csv.contains("东岸小学食堂"), "{}", &csv[..300]);
    let ids: std::collections::BTreeSet<&str> = csv.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    assert_eq!(ids.len(), 451);
    let sheet = server::sheet::read(&bytes(&desk, "/exports/inspections.xlsx").await).unwrap();
    assert_eq!((sheet.rows.len(), sheet.rows[0].1.len()), (451, 16));
    let narrowed = String::from_utf8(bytes(&desk, "/exports/inspections.csv?result=conforms").await).unwrap();
    assert_eq!(narrowed.lines().count(), 1, "as the list is filtered");
    let (status, paper) = lead.client.post("/documents", &json!({"kind": "inspection_record", "inspection_id": draft.id})).await;
    assert_eq!(status, StatusCode::CREATED, "{paper}");
    let packed = bytes(&desk, "/exports/inspections.zip").await;
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(packed)).unwrap();
    let mut of_it: Vec<String> = archive.file_names().filter(|name| name.starts_with(&draft.id.to_string())).map(str::to_owned).collect();
    of_it.sort();
    let mut unpacked = |name: &str| {
        let mut content = Vec::new();
        archive.by_name(name).unwrap().read_to_end(&mut content).unwrap();
        content
    };
    assert!(of_it.len() == 2 && of_it[1].ends_with("号.pdf"), "one photo and one paper; a signature is no photo: {of_it:?}");
    assert_eq!(unpacked(&of_it[0]), picture(7), "the photo as taken");
    assert_eq!(sha256(&unpacked(&of_it[1])), text(&paper["sha256"]), "the paper as issued");
    let both = [unpacked("inspections.csv"), unpacked("inspection-answers.csv")];
    assert_eq!(both[0], csv.as_bytes());
    assert_eq!(both[1], bytes(&desk, "/exports/inspection-answers.csv").await);
    assert_eq!(archive.len(), 4);
    let voided = desk.post(&format!("/documents/{}/void", text(&paper["id"])), &json!({"reason": "写错了"})).await;
    assert!(voided.0.is_success(), "{}", voided.1);
    let packed = bytes(&desk, "/exports/inspections.zip").await;
    assert_eq!(zip::ZipArchive::new(std::io::Cursor::new(packed)).unwrap().len(), 3, "what is void is not handed out");
    assert_eq!(desk.get("/exports/inspections.exe").await.0, StatusCode::NOT_FOUND);
    let elsewhere = app.person("supervisor", &app.other_office).await;
    for path in ["/exports/inspections.csv", "/exports/inspection-answers.csv"] {
        assert_eq!(String::from_utf8(bytes(&elsewhere, path).await).unwrap().lines().count(), 1, "{path}");
    }
});

on_both!(every_answer_is_a_row_with_its_clause, |app| {
    let (lead, draft) = inspected(&app).await;
    let template = lead.template().await;
    let amended = json!({"version": 0, "reason": "复核", "answers": [{"item_code": "8.1", "result": "fails", "remark": "=复核后仍不符合", "affects_safety": false}]});
    assert_eq!(lead.client.post(&format!("{}/amendments", draft.path()), &amended).await.0, StatusCode::CREATED);
    // One under way: nobody's finding yet.
    let open = Draft::new(&app, &lead, &template);
    assert_eq!(lead.client.put(&open.path(), &open.put()).await.0, StatusCode::CREATED);
    let desk = app.person("supervisor", &app.district).await;
    let table = server::sheet::read(&bytes(&desk, "/exports/inspection-answers.csv").await).unwrap();
    let items: Vec<_> = template.body.items().collect();
    assert_eq!(table.header[..5], ["检查编号", "场所", "检查表", "检查时间", "项目编号"]);
    let codes: Vec<&str> = table.rows.iter().map(|(_, cells)| cells[4].as_str()).collect();
    assert_eq!(codes, items.iter().map(|item| item.code.as_str()).collect::<Vec<_>>(), "in the order of the checklist");
    let column = |name: &str| table.header.iter().position(|held| held == name).unwrap();
    let failed = &table.rows[codes.iter().position(|code| *code == "8.1").unwrap()].1;
    let item = template.body.item("8.1").unwrap();
    assert_eq!(failed[0], draft.id.to_string());
    for (name, expected) in [
        ("检查内容", item.text.zh.clone()),
        ("结果", "fails".to_owned()),
        ("不符合", "true".to_owned()),
        ("影响食品安全", "false".to_owned()),
        ("情况说明", "=复核后仍不符合".to_owned()),
        ("照片数", "1".to_owned()),
        ("依据", item.basis.split(" · ").next().unwrap().to_owned()),
    ] {
        assert_eq!(failed[column(name)], expected, "{name}");
    }
    let raw = String::from_utf8(bytes(&desk, "/exports/inspection-answers.csv").await).unwrap();
    assert!(raw.contains(",'=复核后仍不符合,"), "no formula");
    assert_eq!(table.rows.iter().filter(|(_, cells)| cells[column("不符合")] == "true").count(), 1);
    let book = server::sheet::read_book(&bytes(&desk, "/exports/inspections.xlsx").await).unwrap();
    let names: Vec<&str> = book.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["检查", "检查项"]);
    let second: Vec<&Vec<String>> = book[1].1.iter().skip(1).map(|(_, cells)| cells).collect();
    assert_eq!(second.len(), table.rows.len());
    assert_eq!(second.iter().map(|cells| cells[4].as_str()).collect::<Vec<_>>(), codes);
    // In English where the caller reads it.
    let english = desk.request(Method::GET, "/exports/inspection-answers.csv", None).header("accept-language", "en").send().await.unwrap();
    let english = english.text().await.unwrap();
    assert!(english.starts_with("\u{feff}inspection_id,premises,") && english.contains(&item.text.en), "{}", &english[..400]);
});

/// Memory that exports of many inspections take, in a process of its own: what other tests hold does not count.
#[test]
fn exports_take_no_memory_that_grows() {
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["office::many_exported_in_little_memory", "--exact", "--ignored", "--nocapture"])
        .output()
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&child.stdout), String::from_utf8_lossy(&child.stderr));
    assert!(child.status.success() && said.contains("1 passed"), "{said}");
}

#[actix_web::test]
#[ignore = "run by exports_take_no_memory_that_grows in a process of its own"]
async fn many_exported_in_little_memory() {
    const MANY: i64 = 4_000;
    const GROWN_BYTES_MAX: u64 = 112 * 1024 * 1024;
    let app = TestApp::start(Engine::Sqlite).await;
    submitted(&app).await;
    let desk = app.person("supervisor", &app.district).await;
    let paths = ["inspections.csv", "inspection-answers.csv", "inspections.xlsx", "inspections.zip"];
    let mut sizes = Vec::new();
    for path in paths {
        sizes.push(bytes_counted(&desk, path).await);
    }
    bulk::inspections_like(&app.app.db, MANY).await;
    bulk::parts_like(&app.app.db).await;
    // What one takes is there for good; whatever grows with the number shows here.
    let before = peak_bytes();
    for (path, small) in paths.iter().zip(sizes) {
        let whole = bytes_counted(&desk, path).await;
        assert!(whole > small * 50, "{path}: {whole} bytes after {small}");
        println!("{path}: grown by {} MB", (peak_bytes() - before) >> 20);
    }
    let grown = peak_bytes() - before;
    assert!(grown < GROWN_BYTES_MAX, "the exports of {MANY} inspections took {} MB", grown >> 20);
}

/// A submitted inspection without evidence.
async fn submitted(app: &TestApp) {
    let phone = Phone::at(app, &app.office).await;
    let template = phone.template().await;
    let draft = Draft::new(app, &phone, &template);
    assert_eq!(phone.client.put(&draft.path(), &draft.put()).await.0, StatusCode::CREATED);
    assert_eq!(phone.client.post(&format!("{}/submit", draft.path()), &draft.submission(&template)).await.0, StatusCode::OK);
}

/// Takes an export piece by piece and lets go of each.
async fn bytes_counted(desk: &Client, name: &str) -> usize {
    let mut response = desk.request(Method::GET, &format!("/exports/{name}"), None).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK, "{name}");
    let mut size = 0;
    while let Some(piece) = response.chunk().await.unwrap() {
        size += piece.len();
    }
    size
}

on_both!(a_public_page_says_the_result_and_names_nobody, |app| {
    let (lead, draft) = inspected(&app).await;
    let (desk, nobody) = (app.person("supervisor", &app.city).await, app.nobody());
    let place = format!("/premises/{}/disclosure", app.premises.id);
    let (status, opened) = lead.client.post(&place, &json!({})).await;
    assert_eq!((status, opened["enabled"].as_bool(), opened["warn"].as_bool()), (StatusCode::OK, Some(false), Some(false)), "{opened}");
    assert!(opened["due_at"].is_string() && opened["notice_issued_at"].is_null());
    let address = format!("{}{}", app.address, text(&opened["address"]));
    let public = async |address: &str| {
        let response = nobody.http.get(address).send().await.unwrap();
        (
            response.status(),
            response.headers().get("x-robots-tag").map(|tag| tag.to_str().unwrap().to_owned()),
            response.text().await.unwrap(),
        )
    };
    assert_eq!(public(&address).await.0, StatusCode::NOT_FOUND, "the switch is off at first");
    assert_eq!(
        app.person("supervisor", &app.office).await.put("/settings/disclosure", &json!({"enabled": true})).await.0,
        StatusCode::NOT_FOUND
    );
    assert_eq!(desk.put("/settings/disclosure", &json!({"enabled": true})).await.0, StatusCode::OK);
    let (status, robots, page) = public(&address).await;
    assert_eq!((status, robots.as_deref()), (StatusCode::OK, Some("noindex, nofollow")));
    let made: mobile_api::Moment = text(&lead.client.get(&draft.path()).await.1["happened_at"]).parse().unwrap();
    let day = server::documents::chinese_date(made.0);
    assert!(page.contains("东岸小学食堂") && page.contains("基本符合") && page.contains(&day), "{page}");
    for named in ["测试", "李执法", "陈校长", "离墙不足"] {
        assert!(!page.contains(named), "nobody is named and nothing quoted: {named}");
    }
    assert_eq!(public(&format!("{address}/notice.pdf")).await.0, StatusCode::NOT_FOUND);
    let (status, _) = lead.client.post("/documents", &json!({"kind": "disclosure", "inspection_id": draft.id})).await;
    assert_eq!(status, StatusCode::CREATED);
    let notice = nobody.http.get(format!("{address}/notice.pdf")).send().await.unwrap();
    assert_eq!((notice.status(), notice.bytes().await.unwrap().starts_with(b"%PDF-")), (StatusCode::OK, true));
    assert!(lead.client.get(&place).await.1["notice_issued_at"].is_string());
    let code = lead.client.request(Method::GET, &format!("{place}/code.svg"), None).send().await.unwrap();
    assert!(code.text().await.unwrap().starts_with("<svg"));
    let again = lead.client.post(&place, &json!({})).await.1;
    assert_ne!(again["address"], opened["address"]);
    assert_eq!(public(&address).await.0, StatusCode::NOT_FOUND, "what was hung before leads nowhere");
    let mut last = StatusCode::OK;
    for _ in 0..70 {
        last = public(&format!("{}{}", app.address, text(&again["address"]))).await.0;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS, "one address looks so often and no more");
});

/// The most memory this process ever held, bytes.
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1_024
}

/// `cargo test -p server --test it office::ten_thousand -- --ignored --nocapture`, built as wanted.
#[actix_web::test]
#[ignore = "a measurement"]
async fn ten_thousand_inspections() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let app = TestApp::start(engine).await;
        submitted(&app).await;
        bulk::inspections_like(&app.app.db, 9_999).await;
        bulk::parts_like(&app.app.db).await;
        let desk = app.person("supervisor", &app.district).await;
        for name in ["inspections.csv", "inspection-answers.csv", "inspections.xlsx", "inspections.zip"] {
            let (before, started) = (peak_bytes(), std::time::Instant::now());
            let mut response = desk.request(Method::GET, &format!("/exports/{name}"), None).send().await.unwrap();
            let (mut size, mut first_ms) = (0, 0);
            while let Some(piece) = response.chunk().await.unwrap() {
                if size == 0 {
                    first_ms = started.elapsed().as_millis();
                }
                size += piece.len();
            }
            let peak = peak_bytes();
            println!(
                "{engine:?} {name}: {size} bytes, first after {first_ms} ms, all after {} ms, peak {} MB, of it new {} MB",
                started.elapsed().as_millis(),
                peak >> 20,
                (peak - before) >> 20
            );
        }
    }
}
