//! The store itself: group commit, savepoints, numbers in commit order, the audit chain; the same rows from both engines.

use std::sync::Arc;

use futures::future::join_all;
use serde_json::json;
use server::domain::organization::Level;
use server::store::journal::{self, Act, Actor};
use server::store::{StoreError, organizations};

use crate::support::{ENGINES, TestApp, on_both, settled};

on_both!(writes_at_once_are_all_kept_and_a_bad_one_fails_alone, |app| {
    let app = Arc::new(app);
    let writes = (0..60).map(|number| {
        let app = app.clone();
        async move {
            app.app
                .db
                .write(move |tx| {
                    Box::pin(async move {
                        organizations::insert(tx, &format!("所 {number}"), Level::City, None, 5).await?;
                        if number % 3 == 0 { Err(StoreError::Damaged("on purpose".to_owned())) } else { Ok(number) }
                    })
                })
                .await
        }
    });
    let results = join_all(writes).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 40);
    let administrator = app.person("administrator", &app.city).await;
    let mut reader = app.app.db.read().await.unwrap();
    let (top, _) = organizations::tops(&mut reader.conn()).await.unwrap().remove(0);
    assert_eq!(top, app.city.id);
    drop(reader);
    assert_eq!(administrator.get("/organizations?level=city").await.1["total"], 1, "other tops lie outside the scope");
});

on_both!(changes_are_numbered_without_gaps_and_wake_followers, |app| {
    let before = settled(&app).await;
    let mut follower = app.app.db.changes();
    app.app
        .db
        .write(|tx| {
            Box::pin(async move {
                for _ in 0..5 {
                    organizations::insert(tx, "新所", Level::City, None, 5).await?;
                }
                Ok::<_, StoreError>(())
            })
        })
        .await
        .unwrap();
    assert_eq!(*wait(follower.wait_for(|head| *head >= before + 5)).await, before + 5);
});

async fn wait<T, E: std::fmt::Debug>(until: impl Future<Output = Result<T, E>>) -> T {
    tokio::time::timeout(std::time::Duration::from_secs(60), until).await.unwrap().unwrap()
}

on_both!(a_panic_in_one_write_harms_nobody_else, |app| {
    let db = app.app.db.clone();
    let panicked = futures::FutureExt::catch_unwind(std::panic::AssertUnwindSafe(
        db.write(|_tx| Box::pin(async move { panic!("on purpose") as Result<(), StoreError> })),
    ))
    .await;
    assert!(!matches!(panicked, Ok(Ok(()))));
    let added = app.app.db.write(|tx| Box::pin(async move { organizations::insert(tx, "还在", Level::City, None, 5).await })).await;
    assert!(added.is_ok());
});

on_both!(the_audit_chain_links_every_row_and_shows_a_changed_one, |app| {
    for number in 0..4 {
        app.app
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let actor = Actor::system();
                    tx.audit(number, Act { actor: &actor, action: "test", entity: None, path: "/", detail: json!({"number": number}) })
                        .await
                })
            })
            .await
            .unwrap();
    }
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    let chain = loop {
        let mut reader = app.app.db.read().await.unwrap();
        let chain = journal::audit_chain(&mut reader.conn(), 0, 100).await.unwrap();
        if chain.len() >= 4 || std::time::Instant::now() > deadline {
            break chain;
        }
        drop(reader);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    assert_eq!(chain.len(), 4);
    let mut previous = String::new();
    for (at, row) in chain.iter().enumerate() {
        assert_eq!(row.seq, Some(at as i64 + 1));
        assert_eq!(journal::audit_hash(row, at as i64 + 1, &previous).unwrap(), row.hash.clone().unwrap());
        previous = row.hash.clone().unwrap();
    }
    let forged = journal::AuditRow { detail: "{}".to_owned(), ..chain[1].clone() };
    assert_ne!(journal::audit_hash(&forged, 2, &chain[0].hash.clone().unwrap()).unwrap(), chain[1].hash.clone().unwrap());
});

#[actix_web::test]
async fn both_engines_give_the_same_rows() {
    let mut given = Vec::new();
    for engine in ENGINES {
        let app = TestApp::start(engine).await;
        let administrator = app.person("administrator", &app.city).await;
        for (name, kind) in [("b 食堂", "other"), ("A 食堂", "school_canteen"), ("中央厨房", "central_kitchen"), ("a食堂", "other")]
        {
            administrator
                .post("/premises", &json!({"name": name, "kind": kind, "organization_id": app.office.id, "risk_grade": "A"}))
                .await;
        }
        let (_, mut list) = administrator.get("/premises?sort=name").await;
        for item in list["items"].as_array_mut().unwrap() {
            for own in ["id", "organization_id", "created_at", "updated_at"] {
                item[own] = json!(null);
            }
        }
        given.push(list);
    }
    assert_eq!(given[0], given[1]);
}
