//! The queue: one waiting job a subject, leases, pauses, giving up.

use serde_json::json;
use server::store::{StoreError, jobs, webhooks};

use crate::support::{TestApp, on_both};

async fn claim(app: &TestApp, now_ms: i64) -> Vec<jobs::JobRow> {
    app.app
        .db
        .write(move |tx| Box::pin(async move { jobs::claim(tx, now_ms, 1_000, 10).await }))
        .await
        .map_err(|error: StoreError| error)
        .unwrap()
}

async fn enqueue(app: &TestApp, subject: &'static str, run_at: i64) {
    app.app
        .db
        .write(move |tx| Box::pin(async move { jobs::enqueue(tx, "test", subject, &json!({"n": run_at}), run_at, 0).await }))
        .await
        .map_err(|error: StoreError| error)
        .unwrap();
}

on_both!(one_job_waits_for_a_subject_and_one_runner_has_it, |app| {
    enqueue(&app, "a", 500).await;
    enqueue(&app, "a", 200).await;
    enqueue(&app, "a", 900).await;
    enqueue(&app, "b", 300).await;
    let next = || async { jobs::next_run_at(&mut app.app.db.read().await.unwrap().conn()).await.unwrap() };
    assert_eq!(next().await, Some(200), "the earlier moment counts");
    assert_eq!(claim(&app, 100).await.len(), 0);
    let taken = claim(&app, 400).await;
    assert_eq!(
        taken.iter().map(|job| (job.subject.as_str(), job.attempts)).collect::<std::collections::BTreeSet<_>>(),
        [("a", 1), ("b", 1)].into()
    );
    assert_eq!((claim(&app, 1_000).await.len(), next().await), (0, Some(1_400)), "leased");
    let again = claim(&app, 1_400).await;
    assert_eq!(again.iter().map(|job| job.attempts).collect::<Vec<_>>(), [2, 2], "a runner that died loses its jobs");
    let (a, b) = (again[0].id.clone(), again[1].id.clone());
    app.app
        .db
        .write(move |tx| {
            Box::pin(async move {
                jobs::retry(tx, &a, 5_000, "later\0").await?;
                jobs::give_up(tx, &b, 1_500, "never").await
            })
        })
        .await
        .map_err(|error: StoreError| error)
        .unwrap();
    assert_eq!(jobs::counts(&mut app.app.db.read().await.unwrap().conn()).await.unwrap(), (1, 1));
    enqueue(&app, "b", 4_000).await;
    let last = claim(&app, 6_000).await;
    assert_eq!(last.len(), 2, "what was given up may be asked for anew");
    let ids: Vec<_> = last.into_iter().map(|job| job.id).collect();
    let swept = app
        .app
        .db
        .write(move |tx| {
            Box::pin(async move {
                jobs::extend(tx, &ids[0], 90_000).await?;
                jobs::postpone(tx, &ids[0], 7_000).await?;
                jobs::finish(tx, &ids[1], 6_100).await?;
                webhooks::sweep(tx, 10_000).await?;
                jobs::sweep(tx, 6_200).await
            })
        })
        .await
        .map_err(|error: StoreError| error)
        .unwrap();
    assert_eq!(swept, 2, "done and given up are forgotten");
    assert_eq!((next().await, claim(&app, 7_000).await[0].attempts), (Some(7_000), 1), "too early was no try");
    assert_eq!(webhooks::counts(&mut app.app.db.read().await.unwrap().conn()).await.unwrap(), (0, 0));
});
