//! Whatever shows what a camera saw is in the audit log, whichever piece of it is asked for first, and once a minute.

use reqwest::Method;

use super::examples::document;
use super::ground::{id, plant};
use crate::support::{ENGINES, until};

#[actix_web::test]
async fn every_picture_that_is_looked_at_is_noted_once() {
    for engine in ENGINES {
        let ground = plant(engine, &document()).await;
        let named = ground.recorded().await;
        let camera = format!("/cameras/{}", id(50));
        let looks = [
            // Neither from its beginning, nor whole.
            ("view_clip", id(71), format!("/alerts/{}/clip.mp4", id(71)), Some("bytes=5-9")),
            ("view_still", id(71), format!("/alerts/{}/still.jpg", id(71)), None),
            ("view_still", id(71), format!("/alerts/{}/stills/01928f6e-0000-7000-8000-0000000000ca", id(71)), None),
            ("view_evidence", id(76), format!("/alerts/{}/evidence/{}", id(76), id(80)), None),
            ("view_evidence", id(93), format!("/orders/{}/evidence/{}", id(93), id(80)), None),
            ("view_evidence", id(20), format!("/inspections/{}/evidence/{}?width=64", id(20), id(22)), None),
            ("view_evidence", id(111), format!("/self-checks/{}/evidence/{}?width=64", id(111), id(113)), None),
            ("view_evidence", id(120), format!("/incidents/{}/evidence/{}", id(120), id(121)), None),
            ("view_evidence", id(97), format!("/late/{}/files/{}", id(97), id(99)), None),
            ("view_recording", id(50), named.fill(&format!("{camera}/recording/{{segment}}/init.mp4")), None),
            ("view_recording", id(50), named.fill(&format!("{camera}/recording/{{segment}}/0.m4s")), None),
        ];
        let auditor = ground.app.person("auditor", &ground.app.city).await;
        // Whoever planted it looked as well: each look here is somebody else's, who has not looked before.
        let viewer = ground.app.person("supervisor", &ground.app.city).await;
        let viewer_id = viewer.get("/me").await.1["id"].as_str().unwrap().to_owned();
        let noted = async |action: &str, thing: &str| {
            let (_, rows) = auditor.get(&format!("/audit?action={action}&entity_id={thing}&actor_id={viewer_id}")).await;
            rows["items"].as_array().unwrap().len()
        };
        for (action, thing, path, range) in looks {
            for _ in 0..2 {
                let mut request = viewer.request(Method::GET, &path, None);
                if let Some(range) = range {
                    request = request.header("range", range);
                }
                let answer = request.send().await.unwrap();
                assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
            }
            // The log is read up to what no write can still come before.
            until(&path, || async { (noted(action, &thing).await > 0).then_some(()) }).await;
            assert_eq!(noted(action, &thing).await, 1, "{path}");
        }
        assert!(ground.app.app.supervisor.shutdown(std::time::Duration::from_secs(20)).await.is_empty());
    }
}
