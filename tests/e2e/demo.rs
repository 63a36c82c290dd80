//! The demo's past: whole after an interruption, with photos and signatures that are really there, and nothing twice.

use std::collections::BTreeSet;
use std::time::Duration;

use e2e::{Client, Program, until};
use serde_json::Value;

/// How long the past may take to be written on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);
/// Inspections of the past, and what officers were or are sent by.
const INSPECTIONS: usize = 5;
const ASSIGNMENTS: usize = 7;

#[tokio::test(flavor = "multi_thread")]
async fn a_past_that_was_interrupted_goes_on_at_the_next_start() {
    let mut program = Program::start_demo().await;
    let mark = || -> Value {
        let json = std::fs::read(program.folder.path().join("demo-history.json")).unwrap_or_default();
        serde_json::from_slice(&json).unwrap_or_default()
    };
    until("a part of the past is written", PATIENCE, || async {
        let mark = mark();
        (mark["finished"] == true || mark["done"].to_string().contains("inspection 1")).then_some(())
    })
    .await;
    assert_eq!(mark()["finished"], false, "it is interrupted while it is written");
    program.kill();
    program.serve().await;
    let mark = program.folder.path().join("demo-history.json");
    until("the past is whole", PATIENCE, || async {
        let mark: Value = serde_json::from_slice(&std::fs::read(&mark).unwrap_or_default()).unwrap_or_default();
        (mark["finished"] == true).then_some(())
    })
    .await;
    assert!(!program.folder.path().join("demo-pictures").exists());

    let accounts: Value = serde_json::from_slice(&std::fs::read(program.folder.path().join("demo-accounts.json")).unwrap()).unwrap();
    let supervisor = accounts.as_array().unwrap().iter().find(|account| account["username"] == "supervisor").unwrap();
    let desk = program.sign_in_as("supervisor", supervisor["password"].as_str().unwrap()).await;
    let inspections = items(&desk, "/inspections?limit=100").await;
    assert_eq!(inspections.len(), INSPECTIONS, "{inspections:?}");
    for inspection in &inspections {
        evidence_is_there(&desk, inspection["id"].as_str().unwrap()).await;
    }
    let assignments = items(&desk, "/assignments?limit=100").await;
    let different: BTreeSet<String> = assignments.iter().map(|one| format!("{} {}", one["premises_id"], one["due_on"])).collect();
    assert_eq!((assignments.len(), different.len()), (ASSIGNMENTS, ASSIGNMENTS), "{assignments:?}");
    let ended: Vec<String> = items(&desk, "/alerts?limit=100")
        .await
        .iter()
        .filter(|alert| ["closed", "dismissed"].contains(&alert["state"].as_str().unwrap()))
        .map(|alert| format!("{} {}", alert["kind"].as_str().unwrap(), alert["state"].as_str().unwrap()))
        .collect();
    assert_eq!(
        BTreeSet::from_iter(ended.iter().map(String::as_str)),
        BTreeSet::from(["blurred closed", "covered closed", "moved dismissed"])
    );
    assert_eq!(ended.len(), 3, "{ended:?}");

    assert!(program.stop(), "it stops in order");
    let (code, said) = program.run(&["check"]);
    assert_eq!(code, Some(0), "{said}");
}

/// It is complete, everybody has signed, and every photo and signature is a picture that can be looked at.
async fn evidence_is_there(desk: &Client, id: &str) {
    let (status, inspection) = desk.get(&format!("/inspections/{id}")).await;
    assert_eq!((status, inspection["state"].as_str()), (200, Some("complete")), "{inspection}");
    let evidence = inspection["evidence"].as_array().unwrap();
    for (kind, least) in [("photo", 3), ("signature", 3)] {
        let found: Vec<&Value> = evidence.iter().filter(|one| one["kind"] == kind).collect();
        assert!(found.len() >= least, "{} of {kind} in {inspection}", found.len());
        for one in found {
            let (status, _, bytes) = desk.bytes(&format!("/inspections/{id}/evidence/{}", one["id"].as_str().unwrap())).await;
            assert_eq!(status, 200);
            let picture = image::load_from_memory(&bytes).unwrap();
            assert!(picture.width() >= 400 && picture.height() >= 200, "{kind} of {}x{}", picture.width(), picture.height());
        }
    }
}

async fn items(client: &Client, path: &str) -> Vec<Value> {
    let (status, page) = client.get(path).await;
    assert_eq!(status, 200, "{page}");
    page["items"].as_array().cloned().unwrap_or_default()
}
