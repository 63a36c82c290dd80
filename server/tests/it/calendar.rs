//! Which days are worked: entered year by year, and deadlines that count days move with it. One calendar counts for all apps of this
//! process: the year is one that no other test speaks of.

use std::sync::Arc;
use std::time::Duration;

use media::SimulatedClock;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use server::jobs::run_due;

use crate::support::{ENGINES, TestApp, add_camera};

/// Wednesday 4 May 2033, 10:00 in Shanghai.
const WEDNESDAY_MS: i64 = 1_998_784_800_000;

fn year(holidays: &Value, working_weekends: &Value) -> Value {
    json!({"year": 2033, "source": "国办发明电〔2032〕7号", "holidays": holidays, "working_weekends": working_weekends})
}

#[actix_web::test]
async fn deadlines_in_days_move_with_the_calendar_and_who_heard_of_them_hears_of_it() {
    for engine in ENGINES {
        let clock = Arc::new(SimulatedClock::new(WEDNESDAY_MS));
        let app = TestApp::start_at(engine, clock.clone()).await;
        let (root, desk) = (app.person("administrator", &app.city).await, app.person("supervisor", &app.district).await);
        app.add_person("canteen", &[("food_safety_officer", &app.premises)], false).await;
        let canteen = app.sign_in("canteen").await;
        let camera = add_camera(&app, &app.premises, "备餐间").await;
        let (status, found) = desk.post(&format!("/cameras/{camera}/findings"), &json!({"class": 3, "text": "未戴工帽"})).await;
        assert_eq!(status, StatusCode::CREATED, "{found}");
        run_due(&app.app).await.unwrap();
        let path = format!("/alerts/{}", found["alert_id"].as_str().unwrap());
        let due = async || desk.get(&path).await.1["due_at"].clone();
        assert_eq!(due().await, "2033-05-09T16:00:00.000Z", "Thursday, Friday, Monday");
        let (_, calendar) = root.get("/settings/calendar").await;
        assert_eq!((&calendar["assumed"], &calendar["may_change"]), (&json!(1), &json!(true)), "{calendar}");
        assert!(
            calendar["years"]
                .as_array()
                .unwrap()
                .iter()
                .any(|year| year["year"] == 2026 && year["laid"] == true && year["entered"] == false)
        );

        // Thursday and Friday are free, Saturday is worked.
        let entered = year(&json!([{"name": "校庆", "from": "2033-05-05", "to": "2033-05-06"}]), &json!(["2033-05-07"]));
        let (status, change) = root.put("/settings/calendar?dry_run=true", &entered).await;
        assert_eq!(
            (status, &change["moved"], change["deadlines"][0]["premises_name"].as_str()),
            (StatusCode::OK, &json!(1), Some("东岸小学食堂")),
            "{change}"
        );
        let moved = [&change["deadlines"][0]["from"], &change["deadlines"][0]["to"]];
        assert_eq!(moved, ["2033-05-09T16:00:00.000Z", "2033-05-10T16:00:00.000Z"]);
        assert_eq!(due().await, "2033-05-09T16:00:00.000Z", "tried only");

        assert_eq!(desk.put("/settings/calendar", &entered).await.0, StatusCode::FORBIDDEN);
        assert_eq!(root.put("/settings/calendar", &entered).await, (StatusCode::OK, change));
        assert_eq!(due().await, "2033-05-10T16:00:00.000Z");
        let (_, alert) = desk.get(&path).await;
        let last = alert["history"].as_array().unwrap().last().unwrap();
        assert_eq!(
            [&last["action"], &last["actor"]["kind"], &last["deadline"], &last["rule"]],
            [&json!("deadline_moved"), &json!("system"), &json!("2033-05-10T16:00:00.000Z"), &json!("calendar@2033")],
            "{last}"
        );
        let (_, notices) = canteen.get("/notices").await;
        assert_eq!(notices["items"][0]["kind"], "deadline_moved", "{notices}");
        let (_, calendar) = root.get("/settings/calendar").await;
        assert_eq!(calendar["assumed"], 0);
        let kept = calendar["years"].as_array().unwrap().iter().find(|year| year["year"] == 2033).unwrap();
        assert_eq!((&kept["entered"], &kept["laid"], &kept["holidays"][0]["name"]), (&json!(true), &json!(false), &json!("校庆")));

        // What is late already stays late.
        clock.advance(Duration::from_secs(7 * 86_400));
        run_due(&app.app).await.unwrap();
        let (root, desk) = (app.person("administrator", &app.city).await, app.person("supervisor", &app.district).await);
        let (status, change) = root.send(Method::DELETE, "/settings/calendar/2033", None).await;
        assert_eq!((status, &change["moved"]), (StatusCode::OK, &json!(0)), "{change}");
        assert_eq!(desk.get(&path).await.1["due_at"], "2033-05-10T16:00:00.000Z");
        assert_eq!(root.send(Method::DELETE, "/settings/calendar/2033", None).await.0, StatusCode::NOT_FOUND);
    }
}

#[actix_web::test]
async fn days_that_cannot_be_are_refused_where_they_stand() {
    for engine in ENGINES {
        let app = TestApp::start(engine).await;
        let root = app.person("administrator", &app.city).await;
        let table = [
            (year(&json!([{"name": "元旦", "from": "2033-01-03", "to": "2033-01-01"}]), &json!([])), "/holidays/0/to"),
            (year(&json!([{"name": "元旦", "from": "2032-12-31", "to": "2033-01-01"}]), &json!([])), "/holidays/0/from"),
            (year(&json!([{"name": " ", "from": "2033-01-01", "to": "2033-01-01"}]), &json!([])), "/holidays/0/name"),
            (year(&json!([]), &json!(["2033-01-08", "2033-01-03"])), "/working_weekends/1"),
            (json!({"year": 1999, "source": "x", "holidays": [], "working_weekends": []}), "/year"),
            (json!({"year": 2034, "source": "x".repeat(201), "holidays": [], "working_weekends": []}), "/source"),
        ];
        for (asked, pointer) in table {
            let (status, problem) = root.put("/settings/calendar", &asked).await;
            assert_eq!((status, &problem["errors"][0]["pointer"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!(pointer)), "{problem}");
        }
    }
}
