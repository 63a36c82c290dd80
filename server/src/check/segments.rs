//! Recorded files against the index: the files are the truth. What the index has on a disk that is away is left alone: a file
//! that cannot be seen is not one that is lost.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use media::SegmentInfo;
use media::segment::recover::{self, Findings, Recovered};
use media::segment::{Disks, moving};
use uuid::Uuid;

use super::{Check, CheckError};
use crate::store::recordings::{self, SegmentRow};

/// Rows read at once.
const PAGE: i64 = 2_000;

impl Check<'_> {
    pub(super) async fn segments(&mut self) -> Result<(), CheckError> {
        let disks = self.disks()?;
        let mut rows = self.segment_rows().await?;
        let found = self.scan(&disks, false).await?;
        let not_closed: HashMap<Uuid, u64> =
            found.segments.iter().filter_map(|segment| Some((segment.segment.id, segment.cut_bytes?))).collect();
        let mut segments = found.segments;
        if self.repair && (!not_closed.is_empty() || !found.empty.is_empty()) {
            self.scan(&disks, true).await?;
            // Closing a file adds its table: what goes into the index is the file as it is then.
            segments = self.scan(&disks, false).await?.segments;
        }
        // What a kill leaves open, and the start after it mends. A repair mends it here.
        let tail = match self.killed && !self.repair {
            true => Tail::of(&segments, &not_closed, &rows),
            false => Tail::default(),
        };
        for segment in segments {
            self.report.segments += 1;
            let row = rows.remove(&segment.segment.id.to_string());
            if let Some(what) = tail.open.get(&segment.segment.id) {
                let path = &segment.segment.path;
                self.report.notes.push(format!("{path} {what} when the server was killed: the next start mends this"));
                continue;
            }
            // A server closes what it has open; until then file and row grow one after the other.
            let cut_bytes = not_closed.get(&segment.segment.id);
            if self.running && (cut_bytes.is_some() || row.as_ref().is_none_or(|row| !row.closed)) {
                continue;
            }
            let path = segment.segment.path.clone();
            if let Some(cut_bytes) = cut_bytes {
                let detail = format!("{path} was not closed in order");
                match self.repair {
                    true => self.repaired("segments", detail, format!("closed it; {cut_bytes} bytes of a piece that was cut off are gone")),
                    false => self.fault("segments", detail),
                }
            }
            let wrong = match &row {
                None => Some(format!("{path} is on the disk and not in the index")),
                Some(row) if !same(row, &segment.segment) => Some(format!("{path} is another than its row in the index says")),
                Some(_) => None,
            };
            if let Some(detail) = wrong {
                self.index_again(detail, segment.camera.to_string(), segment.segment, row).await?;
            }
        }
        for path in found.empty.iter().filter(|_| !self.running) {
            if self.killed && !self.repair {
                rows.retain(|_, row| row.closed || row.path != *path);
                self.report.notes.push(format!("{path} was just begun when the server was killed: the next start removes it"));
                continue;
            }
            let detail = format!("{path} holds no whole piece");
            match self.repair {
                true => {
                    self.report.faults.push(super::Fault { part: "segments", detail, repaired: Some("removed the empty file".to_owned()) })
                }
                false => self.report.faults.push(super::Fault { part: "segments", detail, repaired: None }),
            }
        }
        for (path, problem) in found.unreadable {
            rows.retain(|_, row| row.path != path);
            self.fault("segments", format!("{path} cannot be read: {problem}"));
        }
        for path in found.twice {
            self.twice(&path);
        }
        self.leave_away(&disks, &mut rows);
        let running = self.running;
        for row in rows.into_values().filter(|row| row.closed || !running) {
            self.forget(row).await?;
        }
        Ok(())
    }

    async fn segment_rows(&self) -> Result<HashMap<String, SegmentRow>, CheckError> {
        let mut rows = HashMap::new();
        let mut after = String::new();
        loop {
            let page = recordings::segments_after(&mut self.db.read().await?.conn(), &after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(rows) };
            after.clone_from(&last.id);
            rows.extend(page.into_iter().map(|row| (row.id.clone(), row)));
        }
    }

    /// The disks as they are, marked or not: looking marks none.
    fn disks(&self) -> Result<Arc<Disks>, CheckError> {
        let disks = Disks::look_only(&self.recordings, Some(&self.known_disks));
        Ok(Arc::new(disks.map_err(|error| CheckError::Recordings(error.to_string()))?))
    }

    /// Rows of what lies on disks that are away say nothing wrong.
    fn leave_away(&mut self, disks: &Disks, rows: &mut HashMap<String, SegmentRow>) {
        for disk in (0..disks.len()).filter(|disk| !disks.is_here(*disk)) {
            let id = disks.id(disk).to_string();
            let before = rows.len();
            rows.retain(|_, row| row.disk.as_ref().map_or(disk != 0, |of| *of != id));
            let (folder, away) = (disks.folder(disk).display(), before - rows.len());
            self.report.notes.push(format!("{folder} is away: {away} recorded files that lie on it were not looked at"));
        }
    }

    /// A move was broken off between its two last steps: the index counts one, the other is the same or is left.
    fn twice(&mut self, path: &Path) {
        let detail = format!("{} lies on another disk as well", path.display());
        // Camera, day and file name are the same on every disk.
        let name: PathBuf = path.components().skip(path.components().count().saturating_sub(3)).collect();
        let others = self.recordings.iter().map(|folder| folder.join(&name)).filter(|other| other != path);
        let same = others.into_iter().any(|other| moving::same(path, &other).unwrap_or(false));
        if self.repair && same && std::fs::remove_file(path).is_ok() {
            self.repaired("segments", detail, "removed this copy, which is the same to the byte");
        } else if !self.running {
            self.fault("segments", detail);
        }
    }

    async fn scan(&self, disks: &Arc<Disks>, repair: bool) -> Result<Findings, CheckError> {
        let disks = disks.clone();
        let scanned = tokio::task::spawn_blocking(move || recover::scan_all(&disks, repair)).await;
        let found = scanned.map_err(|error| CheckError::Recordings(error.to_string()))?;
        found.map_err(|error| CheckError::Recordings(error.to_string()))
    }

    /// Writes the row that the file asks for. What a closed file had by its row and has no more is noted as a gap.
    async fn index_again(
        &mut self,
        detail: String,
        camera: String,
        segment: SegmentInfo,
        row: Option<SegmentRow>,
    ) -> Result<(), CheckError> {
        if !self.repair {
            self.fault("segments", detail);
            return Ok(());
        }
        let id = segment.id.to_string();
        let end_ms = segment.end_ms;
        let cut = row.filter(|row| row.closed && row.end_ms > end_ms);
        self.db
            .write(move |tx| {
                Box::pin(async move {
                    recordings::put_segment(tx, &camera, &segment, true).await?;
                    match cut {
                        Some(row) => recordings::end_lost(tx, &row, end_ms).await,
                        None => Ok(()),
                    }
                })
            })
            .await?;
        if recordings::has_segment(&mut self.db.read().await?.conn(), &id).await? {
            self.repaired("segments", detail, "put it into the index");
        } else {
            self.fault("segments", format!("{detail}; its camera is not known, so it was left as it is"));
        }
        Ok(())
    }

    /// A row without a file promises a recording that is not there.
    async fn forget(&mut self, row: SegmentRow) -> Result<(), CheckError> {
        let detail = format!("{} is in the index and not on the disk", row.path);
        if !self.repair {
            self.fault("segments", detail);
            return Ok(());
        }
        self.db.write(move |tx| Box::pin(async move { recordings::segment_lost(tx, &row).await })).await?;
        self.repaired("segments", detail, "took it out of the index and noted a gap");
        Ok(())
    }
}

/// What a server that was killed had under way, by the ids of the files.
#[derive(Debug, Default)]
struct Tail {
    /// What each of them was.
    open: HashMap<Uuid, &'static str>,
}

impl Tail {
    /// Of each camera the newest file of a disk may be open, and what is newer than all that the index has closed may not be
    /// there yet. Anything older was closed and indexed by an earlier start, and is judged.
    fn of(segments: &[Recovered], not_closed: &HashMap<Uuid, u64>, rows: &HashMap<String, SegmentRow>) -> Self {
        let mut newest: HashMap<(Uuid, Uuid), i64> = HashMap::new();
        for found in segments {
            let at = newest.entry((found.camera, found.segment.disk)).or_insert(i64::MIN);
            *at = found.segment.start_ms.max(*at);
        }
        let mut indexed: HashMap<&str, i64> = HashMap::new();
        for row in rows.values().filter(|row| row.closed) {
            let at = indexed.entry(&row.camera_id).or_insert(i64::MIN);
            *at = row.start_ms.max(*at);
        }
        let what = |found: &Recovered| {
            let (camera, segment) = (found.camera.to_string(), &found.segment);
            let row = rows.get(&segment.id.to_string());
            if not_closed.contains_key(&segment.id) {
                let is_newest = newest.get(&(found.camera, segment.disk)).is_some_and(|at| *at == segment.start_ms);
                return (is_newest && row.is_none_or(|row| !row.closed)).then_some("was open");
            }
            let unknown = row.is_none() && indexed.get(camera.as_str()).is_none_or(|at| *at < segment.start_ms);
            (unknown || row.is_some_and(|row| !row.closed)).then_some("was not in the index yet")
        };
        Self { open: segments.iter().filter_map(|found| Some((found.segment.id, what(found)?))).collect() }
    }
}

fn same(row: &SegmentRow, segment: &SegmentInfo) -> bool {
    let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    row.closed
        && row.path == segment.path
        && row.start_ms == segment.start_ms
        && row.end_ms == segment.end_ms
        && row.bytes == number(segment.bytes)
        && row.fragments == i64::from(segment.fragments)
        && row.damaged == segment.damaged
        // Rows from when there was one folder name no disk.
        && row.disk.as_ref().is_none_or(|disk| *disk == segment.disk.to_string())
}
