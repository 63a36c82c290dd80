//! The canteen's own papers that the contract's examples name: template 112, paper 111 with evidence 113 and a sample; premises 114,
//! a double.

use mobile_api::canonical;
use mobile_api::template::{Audience, TemplateFile};
use serde_json::json;
use server::store::premises::{PremisesData, insert as insert_premises};
use server::store::self_checks::{self, NewSamples, NewSelfCheck};
use server::store::{StoreError, templates};

use super::ground::id;
use crate::support::{TestApp, tamper};

const TEMPLATE: &str = "01928f6e-0000-7000-8000-000000000112";
const PAPER: &str = "01928f6e-0000-7000-8000-000000000111";
/// Premises that were registered twice.
const DOUBLE: &str = "01928f6e-0000-7000-8000-000000000114";
/// Long before the time of the examples.
const KEPT_MS: i64 = 1_795_000_000_000;

pub(super) async fn plant(app: &TestApp) {
    let body = json!({"rule": {"general_limit": 0, "points_key": 1, "points_general": 1, "grades": []}, "sections": [{"code": "1", "name": {"zh": "自查", "en": "Self-check"},
        "items": [{"code": "1", "key": false, "text": {"zh": "留样柜", "en": "Sample refrigerator"}, "basis": "", "question": true, "required": true,
            "fields": [{"code": "ok", "label": {"zh": "情况", "en": "Found"}, "required": true,
                "kind": {"type": "one", "choices": [{"code": "yes", "label": {"zh": "正常", "en": "All right"}}, {"code": "no", "label": {"zh": "有问题", "en": "Wrong"}}]}}]}]}]});
    let file = TemplateFile {
        code: "example_paper".to_owned(),
        name: serde_json::from_value(json!({"zh": "例示自查", "en": "Example"})).unwrap(),
        premises_kinds: vec!["school_canteen".to_owned()],
        audience: Audience::Canteen,
        source: serde_json::from_value(json!({"zh": "例示", "en": "Example"})).unwrap(),
        body: serde_json::from_value(body).unwrap(),
    };
    let content = json!({"premises_id": id(1), "template_id": TEMPLATE, "day": "2026-11-20", "part": {"device_id": "phone-2",
        "answers": [{"item_code": "1", "values": {"ok": "yes"}, "answered_at": "2026-11-20T06:10:00.000Z", "evidence_ids": []}],
        "evidence": [], "locations": [], "signatures": [], "clock": {"device_time": "2026-11-20T06:30:00.000Z", "monotonic_ms": 1}}});
    let (office, office_path) = (app.office.id.clone(), app.office.path.clone());
    let planted = app.app.db.write(move |tx| {
        Box::pin(async move {
            let double = PremisesData {
                organization_id: office.clone(),
                organization_path: office_path,
                kind: "school_canteen".to_owned(),
                name: "例示小学饭堂".to_owned(),
                address: None,
                point: None,
                source_datum: None,
                school: None,
                diners: None,
                risk_grade: None,
                grid: None,
                code: None,
                service_hours: "[]".to_owned(),
                disabled: false,
            };
            insert_premises(tx, DOUBLE.parse().unwrap(), &double, 1).await?;
            templates::publish(tx, TEMPLATE.parse().unwrap(), &file, true, 1).await?;
            let paper = NewSelfCheck {
                id: PAPER.to_owned(),
                premises_id: id(1),
                office_id: office,
                template_id: TEMPLATE.to_owned(),
                code: "example_paper".to_owned(),
                day: "2026-11-20".to_owned(),
                slot: String::new(),
                made_by: id(3),
                content: content.to_string(),
                content_sha256: canonical::sha256_hex(&content),
                problems: 0,
                answered_at: KEPT_MS,
            };
            assert!(self_checks::insert(tx, &paper, KEPT_MS).await?);
            let samples = NewSamples {
                premises_id: id(1),
                dishes: vec!["番茄炒蛋".to_owned()],
                meal: "lunch".to_owned(),
                kept_by: "林晓梅".to_owned(),
                weight_g: Some(130.0),
                kept_at: KEPT_MS,
                due_at: KEPT_MS + 48 * 3_600_000,
            };
            self_checks::insert_samples(tx, PAPER, &samples).await?;
            Ok::<_, StoreError>(())
        })
    });
    planted.await.unwrap();
    let evidence = "INSERT INTO inspection_evidence (id, inspection_id, owner_id, kind, sha256, filetype, file_id, arrived_at) \
        SELECT '01928f6e-0000-7000-8000-000000000113', '01928f6e-0000-7000-8000-000000000111', '01928f6e-0000-7000-8000-000000000003', 'photo', \
        e.sha256, e.filetype, e.file_id, 1 FROM inspection_evidence e WHERE e.id = '01928f6e-0000-7000-8000-000000000022'";
    tamper(&app.app.db, evidence).await;
}
