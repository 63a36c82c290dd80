//! Rows of files against the object store, and evidence against its hashes.

use std::collections::HashSet;

use futures::TryStreamExt as _;

use super::{Check, CheckError};
use crate::store::{documents, evidence, files, paper_numbers};

/// Rows read at once.
const PAGE: i64 = 500;
/// Notes about the same thing that are printed.
const NOTES_MAX: usize = 20;

impl Check<'_> {
    pub(super) async fn stored_files(&mut self) -> Result<(), CheckError> {
        let mut known = HashSet::new();
        let mut after = String::new();
        loop {
            let rows = files::after(&mut self.db.read().await?.conn(), &after, PAGE).await?;
            let Some(last) = rows.last() else { break };
            after.clone_from(&last.id);
            for row in rows {
                // The same content is kept once and need not be read twice.
                if !known.insert(row.sha256.clone()) {
                    continue;
                }
                self.report.files += 1;
                match self.files.verify(&row.sha256).await? {
                    None => self.fault("files", format!("{} ({}, {} bytes) is not in the file store", row.sha256, row.filetype, row.bytes)),
                    Some(false) => self.fault("files", format!("{} ({}) does not hash to its name", row.sha256, row.filetype)),
                    Some(true) => {
                        let size = self.files.size(&row.sha256).await?;
                        if size != u64::try_from(row.bytes).ok() {
                            self.fault("files", format!("{} has another size than its row says", row.sha256));
                        }
                    }
                }
            }
        }
        let unknown: Vec<String> = self
            .files
            .list()
            .try_filter_map(|(sha256, _)| {
                let new = !known.contains(&sha256);
                async move { Ok(new.then_some(sha256)) }
            })
            .try_collect()
            .await?;
        if !self.running {
            let more = unknown.len().saturating_sub(NOTES_MAX);
            let names = unknown.iter().take(NOTES_MAX).map(|sha256| format!("{sha256} is in the file store, and no row names it"));
            self.report.notes.extend(names.chain((more > 0).then(|| format!("… and {more} more"))));
        }
        Ok(())
    }

    pub(super) async fn evidence(&mut self) -> Result<(), CheckError> {
        for (what, id, promised, stored) in files::evidence_mismatches(&mut self.db.read().await?.conn()).await? {
            self.fault("evidence", format!("{what} {id} was promised as {promised}, and its file is {stored}"));
        }
        let (to_come, withheld) = evidence::not_here(&mut self.db.read().await?.conn()).await?;
        if to_come > 0 {
            self.report.notes.push(format!("{to_come} photos as taken are still to come; their reduced copies stand for them"));
        }
        if withheld > 0 {
            self.report
                .notes
                .push(format!("{withheld} photos as taken were not sent, as their templates say; their reduced copies stand for them"));
        }
        for (id, taken) in evidence::derived_from_nothing(&mut self.db.read().await?.conn()).await? {
            self.fault("evidence", format!("{id} was made from {taken}, which is no evidence of its inspection"));
        }
        for (id, damage) in files::damaged(&mut self.db.read().await?.conn(), i64::try_from(NOTES_MAX).unwrap_or(0)).await? {
            self.report.notes.push(format!("photo {id} is kept as it was taken and cannot be shown: {damage}"));
        }
        for id in files::clips_without_file(&mut self.db.read().await?.conn()).await? {
            self.fault("evidence", format!("the clip of alert {id} is said to be ready, and there is no file"));
        }
        for (id, issued, stored) in documents::mismatches(&mut self.db.read().await?.conn()).await? {
            self.fault("evidence", format!("paper {id} was issued as {issued}, and its file is {stored}"));
        }
        for (register, missing) in paper_numbers::unexplained(&mut self.db.read().await?.conn()).await? {
            self.fault("evidence", format!("register {register}: {missing} numbers were given and have no row"));
        }
        Ok(())
    }
}
