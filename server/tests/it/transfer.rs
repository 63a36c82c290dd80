//! Tables in and out: every bad cell by row and column, everything or nothing, and what goes out comes back in.

use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::cli::{run, text};
use crate::support::{Client, on_both};

const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

async fn import(client: &Client, path: &str, content_type: &str, body: Vec<u8>) -> (StatusCode, Value) {
    let answer = client.request(Method::POST, path, None).header("content-type", content_type).body(body).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap_or(Value::Null))
}

async fn export(client: &Client, path: &str) -> Vec<u8> {
    let answer = client.request(Method::GET, path, None).header("accept-language", "en").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    answer.bytes().await.unwrap().to_vec()
}

on_both!(a_dry_run_tells_every_bad_cell_and_changes_nothing, |app| {
    let administrator = app.person("administrator", &app.district).await;
    let table = "名称,类型,监管所,就餐人数,纬度,经度\n\
        南岸小学食堂,学校食堂,东岸市场监管所,320,23.46,116.75\n\
        ,宫殿,北岸所,很多,,\n\
        北岸食堂,other,西岸市场监管所,-5,95,200\n";
    let (status, outcome) = import(&administrator, "/imports/premises?dry_run=true", "text/csv", table.as_bytes().to_vec()).await;
    assert_eq!(
        (status, outcome["rows"].as_i64(), outcome["creates"].as_i64(), outcome["applied"].as_bool()),
        (StatusCode::OK, Some(3), Some(1), Some(false)),
        "{outcome}"
    );
    let mut told: Vec<(i64, &str)> = outcome["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (error["row"].as_i64().unwrap(), error["column"].as_str().unwrap()))
        .collect();
    told.sort();
    assert_eq!(told, [(3, "diners"), (3, "kind"), (3, "name"), (3, "organization"), (4, "diners"), (4, "latitude")], "{outcome}");
    let (status, problem) = import(&administrator, "/imports/premises", "text/csv", table.as_bytes().to_vec()).await;
    assert_eq!(
        (status, problem["import"]["applied"].as_bool(), problem["errors"][0]["pointer"].is_string()),
        (StatusCode::UNPROCESSABLE_ENTITY, Some(false), true),
        "{problem}"
    );
    assert_eq!(administrator.get("/premises").await.1["total"], 2, "nothing was changed");

    let (_, unknown) = import(&administrator, "/imports/premises?dry_run=true", "text/csv", b"name,colour\nx,red\n".to_vec()).await;
    let columns: Vec<&str> = unknown["errors"].as_array().unwrap().iter().map(|error| error["column"].as_str().unwrap()).collect();
    assert_eq!(columns, ["colour", "kind", "organization"]);
    assert_eq!(import(&administrator, "/imports/premises", "image/png", vec![1]).await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(import(&administrator, "/imports/premises", XLSX, b"PK\x03\x04 no".to_vec()).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(import(&administrator, "/imports/premises", "text/csv", vec![b'a'; 6_000_000]).await.0, StatusCode::PAYLOAD_TOO_LARGE);
});

on_both!(premises_come_in_go_out_and_come_in_again, |app| {
    let administrator = app.person("administrator", &app.district).await;
    let table = format!(
        "name,kind,organization,diners,code\n=南岸小学食堂,school_canteen,东岸市场监管所,320,K-1\n北岸食堂,other,{},,\n",
        app.other_office.id
    );
    let (status, outcome) = import(&administrator, "/imports/premises", "text/csv", table.into_bytes()).await;
    assert_eq!((status, outcome["creates"].as_i64(), outcome["applied"].as_bool()), (StatusCode::OK, Some(2), Some(true)), "{outcome}");
    for (ending, content_type) in [("csv", "text/csv"), ("xlsx", XLSX)] {
        let file = export(&administrator, &format!("/exports/premises.{ending}")).await;
        if ending == "csv" {
            assert!(String::from_utf8(file.clone()).unwrap().contains("'=南岸小学食堂"), "a name is no formula");
        }
        let (status, outcome) = import(&administrator, "/imports/premises", content_type, file).await;
        assert_eq!(
            (status, outcome["creates"].as_i64(), outcome["updates"].as_i64()),
            (StatusCode::OK, Some(0), Some(4)),
            "{ending}: {outcome}"
        );
    }
    assert_eq!(administrator.get("/premises?q=K-1").await.1["items"][0]["diners"], 320);
    let narrowed = export(&administrator, "/exports/premises.csv?kind=other").await;
    assert_eq!(String::from_utf8(narrowed).unwrap().lines().count(), 2);
    let elsewhere = app.person("administrator", &app.other_office).await;
    let (_, refused) = import(
        &elsewhere,
        "/imports/premises?dry_run=true",
        "text/csv",
        "name,kind,organization\nx,other,东岸市场监管所\n".as_bytes().to_vec(),
    )
    .await;
    assert_eq!(refused["errors"][0]["column"], "organization", "outside one's part of the tree");
    assert_eq!(String::from_utf8(export(&elsewhere, "/exports/premises.csv").await).unwrap().lines().count(), 3);
});

on_both!(people_and_cameras_are_imported, |app| {
    let administrator = app.person("administrator", &app.district).await;
    let people = "username,display_name,roles\nzhao,赵敏,officer@东岸市场监管所; 网格员@西岸幼儿园食堂\nqian,钱多,\n";
    let (status, outcome) = import(&administrator, "/imports/users", "text/csv", people.as_bytes().to_vec()).await;
    assert_eq!((status, outcome["creates"].as_i64()), (StatusCode::OK, Some(2)), "{outcome}");
    let zhao = &outcome["passwords"][0];
    let (status, tokens) =
        app.nobody().post("/auth/login", &serde_json::json!({"username": zhao["username"], "password": zhao["password"]})).await;
    assert_eq!((status, tokens["password_change_required"].as_bool()), (StatusCode::OK, Some(true)), "{tokens}");
    assert_eq!(administrator.get("/users?q=zhao").await.1["items"][0]["grants"].as_array().map(Vec::len), Some(2));
    let (_, outcome) = import(
        &administrator,
        "/imports/users?dry_run=true",
        "text/csv",
        "username,display_name,roles\nsun,孙,emperor@东岸市场监管所\nli li,,officer\n".as_bytes().to_vec(),
    )
    .await;
    let told: Vec<(i64, &str)> = outcome["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (error["row"].as_i64().unwrap(), error["column"].as_str().unwrap()))
        .collect();
    assert_eq!(told, [(2, "roles"), (3, "username"), (3, "display_name"), (3, "roles")], "{outcome}");

    let cameras = "name,premises,source_url,password,zone\n灶台,东岸小学食堂,rtsp://admin@127.0.0.1:9/1,s3cret-pw,烹饪\n";
    let (status, outcome) = import(&administrator, "/imports/cameras", "text/csv", cameras.as_bytes().to_vec()).await;
    assert_eq!((status, outcome["creates"].as_i64()), (StatusCode::OK, Some(1)), "{outcome}");
    let (_, list) = administrator.get("/cameras").await;
    assert_eq!((list["items"][0]["zone"].as_str(), list["items"][0]["has_password"].as_bool()), (Some("cooking"), Some(true)));
    let file = String::from_utf8(export(&administrator, "/exports/cameras.csv").await).unwrap();
    assert!(file.contains("灶台") && !file.contains("s3cret-pw"), "{file}");
    let (_, outcome) = import(&administrator, "/imports/cameras", "text/csv", file.into_bytes()).await;
    assert_eq!(outcome["updates"], 1, "{outcome}");
    assert_eq!(administrator.get("/cameras").await.1["items"][0]["has_password"], true, "an empty cell keeps the password");
    for path in ["/exports/users.xlsx", "/exports/audit.csv"] {
        assert!(!export(&administrator, path).await.is_empty());
    }
    let supervisor = app.person("supervisor", &app.district).await;
    for path in ["/exports/alerts.csv", "/exports/inspections.xlsx"] {
        assert!(!export(&supervisor, path).await.is_empty());
    }
    assert_eq!(supervisor.get("/exports/alerts.exe").await.0, StatusCode::NOT_FOUND);
});

#[test]
fn the_command_line_imports_and_exports() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let place = ["--data", data.to_str().unwrap()];
    let made = run(
        &[&["admin", "create", "--username", "wang", "--role", "administrator", "--district", "明湖区", "--password-stdin"][..], &place]
            .concat(),
        "correct-horse-battery",
    );
    assert!(made.status.success(), "{}", text(&made.stderr));
    let (bad, good, out) = (folder.path().join("bad.csv"), folder.path().join("good.csv"), folder.path().join("out.xlsx"));
    std::fs::write(&bad, "name,kind,organization\nx,palace,明湖区\n").unwrap();
    std::fs::write(&good, "name,kind,organization\n南岸小学食堂,school_canteen,明湖区\n").unwrap();
    let refused = run(&[&["import", "premises", bad.to_str().unwrap()][..], &place].concat(), "");
    assert!(
        refused.status.code() == Some(1) && text(&refused.stdout).contains("row 2, kind"),
        "{}{}",
        text(&refused.stdout),
        text(&refused.stderr)
    );
    let done = run(&[&["import", "premises", good.to_str().unwrap()][..], &place].concat(), "");
    assert!(done.status.success() && text(&done.stdout).contains("1 new"), "{}{}", text(&done.stdout), text(&done.stderr));
    let exported = run(&[&["export", "premises", out.to_str().unwrap()][..], &place].concat(), "");
    assert!(exported.status.success(), "{}", text(&exported.stderr));
    let again = run(&[&["import", "premises", out.to_str().unwrap()][..], &place].concat(), "");
    assert!(again.status.success() && text(&again.stdout).contains("1 changed"), "{}{}", text(&again.stdout), text(&again.stderr));
}
