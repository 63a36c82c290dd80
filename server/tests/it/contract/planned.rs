//! Plans and draws that the contract's examples speak of.

use reqwest::StatusCode;
use serde_json::json;
use server::domain::plan::PlanRules;
use server::store::StoreError;
use server::store::plans::{self, NewPlan};
use server::store::premises::{PremisesData, insert as insert_premises};

use super::ground::{id, write};
use crate::phone::text;
use crate::support::{Client, Node, TestApp, tamper};

/// Draws 41 (committed), 42 (drawn), 43 (committed) and 44 (withdrawn) of office 04 with its premises 48 and 49 and two officers; plans
/// 45 and 47 of the office of premises 01, both drafts.
pub(super) async fn plant(app: &TestApp, root: &Client) {
    let path = format!("{}{}/", app.district.path, id(4));
    let (home, office) = (Node { id: id(4), path: path.clone() }, app.office.id.clone());
    write(app, move |tx| {
        Box::pin(async move {
            let data = |name: &str| PremisesData {
                organization_id: id(4),
                organization_path: path.clone(),
                kind: "school_canteen".to_owned(),
                name: name.to_owned(),
                address: None,
                point: Some((23.5, 116.8)),
                source_datum: None,
                school: None,
                diners: None,
                risk_grade: Some("C".to_owned()),
                grid: None,
                code: None,
                service_hours: "[]".to_owned(),
                disabled: false,
            };
            for (number, name) in [(48, "例示中学食堂"), (49, "例示高中食堂")] {
                insert_premises(tx, id(number).parse().unwrap(), &data(name), 1).await?;
            }
            Ok(())
        })
    })
    .await;
    for username in ["drawn1", "drawn2"] {
        let officer = app.add_person(username, &[("officer", &home)], false).await;
        let profile =
            json!({"certificate_until": "2028-06-30", "may_lead": true, "specialties": [], "interests": [], "leaves": [], "version": 0});
        let (status, answer) = root.put(&format!("/officers/{officer}"), &profile).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
    }
    for title in ["41", "42", "43", "44"] {
        let asked =
            json!({"title": title, "organization_id": id(4), "wanted": 1, "template_id": id(2), "kind": "routine", "due_on": "2026-12-31"});
        let (status, answer) = root.post("/draws", &asked).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
        let draw = format!("/draws/{}", text(&answer["id"]));
        let act = match title {
            "42" => ("draw", json!({"witness_name": "见证人", "witness_value": "晴", "version": 1})),
            "44" => ("withdraw", json!({"reason": "范围有误", "version": 1})),
            _ => continue,
        };
        let (status, answer) = root.post(&format!("{draw}/{}", act.0), &act.1).await;
        assert_eq!((status, answer["version"].as_i64()), (StatusCode::OK, Some(2)), "{answer}");
    }
    for sql in [
        "UPDATE draws SET id = '01928f6e-0000-7000-8000-000000000041' WHERE title = '41'",
        "UPDATE draws SET id = '01928f6e-0000-7000-8000-000000000042' WHERE title = '42'",
        "UPDATE draws SET id = '01928f6e-0000-7000-8000-000000000043' WHERE title = '43'",
        "UPDATE draws SET id = '01928f6e-0000-7000-8000-000000000044' WHERE title = '44'",
    ] {
        tamper(&app.app.db, sql).await;
    }
    let (path, created_by) = (app.office.path.clone(), text(&root.get("/me").await.1["id"]));
    write(app, move |tx| {
        Box::pin(async move {
            for (number, month) in [(45, "2026-12"), (47, "2027-01")] {
                let plan = NewPlan {
                    id: id(number),
                    organization_id: office.clone(),
                    path: path.clone(),
                    month: month.to_owned(),
                    rules: serde_json::to_string(&PlanRules::default()).map_err(StoreError::damaged)?,
                    created_by: created_by.clone(),
                };
                plans::insert(tx, &plan, &[], 1).await?;
            }
            Ok(())
        })
    })
    .await;
}
