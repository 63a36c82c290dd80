//! The report of suspected food poisoning that the contract's examples name: 120 with photo 121. It holds days in which no sample of
//! the examples was kept.

use mobile_api::canonical;
use mobile_api::incident::IncidentContent;
use serde_json::json;
use server::store::StoreError;
use server::store::incidents::{self, NewIncident};
use server::store::journal::Actor;
use server::store::work::By;

use super::ground::id;
use crate::support::{TestApp, tamper};

pub(super) async fn plant(app: &TestApp) {
    let content = json!({"premises_id": id(1), "source": "hospital", "on_site": false, "people": 3, "symptoms": ["diarrhoea"], "stops": ["serving"],
        "sealed": [{"measure": "keep", "name": "米饭", "quantity": "2 kg", "place": "备餐间", "evidence_ids": []}],
        "evidence": [], "clock": {"device_time": "2026-11-23T06:10:00.000Z", "monotonic_ms": 1}});
    let parsed: IncidentContent = serde_json::from_value(content.clone()).unwrap();
    let now_ms = app.app.clock.wall_ms();
    let new = NewIncident {
        id: id(120),
        premises_id: id(1),
        content_sha256: canonical::sha256_hex(&content),
        content: content.to_string(),
        reported_by: id(3),
        happened_at: now_ms,
        parsed,
    };
    let planted = app.app.db.write(move |tx| {
        Box::pin(async move {
            incidents::begin(tx, &new, By::System("test@1"), &Actor::system(), now_ms).await?;
            Ok::<_, StoreError>(())
        })
    });
    planted.await.unwrap();
    let evidence = "INSERT INTO inspection_evidence (id, inspection_id, owner_id, kind, sha256, filetype, file_id, arrived_at) \
        SELECT '01928f6e-0000-7000-8000-000000000121', '01928f6e-0000-7000-8000-000000000120', '01928f6e-0000-7000-8000-000000000003', 'photo', \
        e.sha256, e.filetype, e.file_id, 1 FROM inspection_evidence e WHERE e.id = '01928f6e-0000-7000-8000-000000000022'";
    tamper(&app.app.db, evidence).await;
}
