//! Proposes other figures for rules whose flags at a camera are mostly dismissed, and takes back what has no ground any more.

use std::collections::{HashMap, HashSet};

use crate::App;
use crate::domain::noise::{Scale, WINDOW_MS, may_return};
use crate::store::rule_proposals::{self, DecisionRow, OpenRow};
use crate::store::{Db, StoreError, jobs};

/// Rows of one write: others' writes wait for it.
const ROWS_A_WRITE: usize = 100;

pub(super) async fn look(app: App) -> Result<(), StoreError> {
    let now_ms = app.clock.wall_ms();
    let since_ms = now_ms - WINDOW_MS;
    let mut reader = app.db.read().await?;
    let conn = &mut reader.conn();
    let mut found: HashMap<(String, String), DecisionRow> = HashMap::new();
    for row in rule_proposals::decisions(conn, since_ms).await? {
        if Scale::of(&row.kind).is_some() && row.decisions().is_noise() {
            found.insert((row.camera_id.clone(), row.kind.clone()), row);
        }
    }
    let mut moved: Vec<(OpenRow, Option<DecisionRow>)> = Vec::new();
    let mut left = Vec::new();
    let waiting: HashSet<String> = jobs::waiting(conn, &["trial"]).await?.into_iter().map(|job| job.subject).collect();
    for open in rule_proposals::open(conn).await? {
        let now = found.remove(&(open.camera_id.clone(), open.kind.clone()));
        let same = now.as_ref().is_some_and(|now| (now.confirmed, now.dismissed) == (open.confirmed, open.dismissed));
        // What somebody tries or has tried waits for that person's word.
        if open.state == "proposed" && !same {
            moved.push((open, now));
        } else if open.state == "trying" && !waiting.contains(&open.id) {
            left.push(open);
        }
    }
    let mut new = Vec::new();
    for row in found.into_values() {
        let before = rule_proposals::turned_down(conn, &row.camera_id, &row.kind).await?;
        if before.is_none_or(|(ended_at, dismissed)| may_return(ended_at, dismissed, now_ms)) {
            new.push(row);
        }
    }
    drop(reader);
    for open in left {
        // Its job was given up without a word, for taking too long each time.
        let why = "the trial took too long";
        app.db
            .write_apart(move |tx| Box::pin(async move { rule_proposals::failed(tx, (&open.id, &open.path), why, now_ms).await }))
            .await?;
    }
    write_down(&app.db, moved, new, since_ms, now_ms).await
}

async fn write_down(
    db: &Db,
    moved: Vec<(OpenRow, Option<DecisionRow>)>,
    new: Vec<DecisionRow>,
    since_ms: i64,
    at: i64,
) -> Result<(), StoreError> {
    for part in moved.chunks(ROWS_A_WRITE) {
        let part = part.to_vec();
        db.write_apart(move |tx| {
            Box::pin(async move {
                for (open, now) in part {
                    match now {
                        Some(now) => rule_proposals::count_again(tx, &open.id, now.decisions(), since_ms, &open.path, at).await?,
                        None => rule_proposals::withdraw(tx, &open.id, &open.path, at).await?,
                    }
                }
                Ok::<_, StoreError>(())
            })
        })
        .await?;
    }
    for part in new.chunks(ROWS_A_WRITE) {
        let part = part.to_vec();
        db.write_apart(move |tx| {
            Box::pin(async move {
                for row in part {
                    rule_proposals::propose(tx, &row, since_ms, at).await?;
                }
                Ok::<_, StoreError>(())
            })
        })
        .await?;
    }
    Ok(())
}
