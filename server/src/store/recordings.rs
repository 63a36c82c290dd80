//! What was recorded of a camera and what was not: a row a segment, a row a gap.

use media::SegmentInfo;
use uuid::Uuid;

use super::sql::{execute, fetch_all, fetch_optional};
use super::{Conn, StoreError, Tx};

/// No segment is longer, ms.
const SEGMENT_MS_MAX: i64 = 24 * 3_600_000;
/// Segments that are closer than this follow each other, ms.
const TOUCHING_MS: i64 = 2_000;

/// Keeps a segment as the engine tells it; a camera that is not ours is passed over.
pub async fn put_segment(tx: &mut Tx<'_>, camera_id: &str, segment: &SegmentInfo, closed: bool) -> Result<(), StoreError> {
    let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    execute!(
        tx,
        "INSERT INTO segments (id, camera_id, path, start_ms, end_ms, bytes, fragments, codec, epoch, closed, disk, damaged) \
         SELECT $1, c.id, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 FROM cameras c WHERE c.id = $2 \
         ON CONFLICT (id) DO UPDATE SET end_ms = excluded.end_ms, bytes = excluded.bytes, fragments = excluded.fragments, closed = excluded.closed, \
           disk = excluded.disk, damaged = excluded.damaged",
        segment.id.to_string(),
        camera_id,
        segment.path.as_str(),
        segment.start_ms,
        segment.end_ms,
        number(segment.bytes),
        i64::from(segment.fragments),
        segment.codec.as_str(),
        i64::from(segment.epoch),
        closed,
        disk_of(segment),
        segment.damaged,
    )?;
    Ok(())
}

/// The disk as it is stored; a folder without a mark has none.
pub fn disk_of(segment: &SegmentInfo) -> Option<String> {
    (!segment.disk.is_nil()).then(|| segment.disk.to_string())
}

/// The stretches recorded of a camera on one disk by the rows, in order; `first` says that it is the first folder's, whose
/// older rows do not name it.
pub async fn recorded_on(
    conn: &mut Conn<'_>,
    camera_id: &str,
    disk: &str,
    first: bool,
    (start_ms, end_ms): (i64, i64),
) -> Result<Vec<(i64, i64)>, StoreError> {
    fetch_all!(
        conn,
        (i64, i64),
        "SELECT start_ms, end_ms FROM segments WHERE camera_id = $1 AND end_ms > $2 AND end_ms < $4 AND start_ms < $3 \
           AND (disk = $5 OR (disk IS NULL AND $6)) ORDER BY start_ms LIMIT 10000",
        camera_id,
        start_ms,
        end_ms,
        end_ms.saturating_add(SEGMENT_MS_MAX),
        disk,
        first,
    )
}

/// End of the newest segment stored of a camera, ms UTC; 0 where there is none.
pub async fn newest_end(conn: &mut Conn<'_>, camera_id: &str) -> Result<i64, StoreError> {
    let row =
        fetch_optional!(conn, (i64,), "SELECT CAST(COALESCE(MAX(end_ms), 0) AS BIGINT) FROM segments WHERE camera_id = $1", camera_id)?;
    Ok(row.map_or(0, |row| row.0))
}

/// Forgets a segment that retention deleted.
pub async fn delete_segment(tx: &mut Tx<'_>, segment: Uuid) -> Result<(), StoreError> {
    execute!(tx, "DELETE FROM segments WHERE id = $1", segment.to_string())?;
    Ok(())
}

/// Notes that what was recorded had to go before its time, for want of room: a gap that grows with each segment that goes.
pub async fn lost_room(tx: &mut Tx<'_>, camera_id: &str, start_ms: i64, end_ms: i64) -> Result<(), StoreError> {
    let grown = execute!(
        tx,
        "UPDATE camera_gaps SET end_ms = $3 WHERE camera_id = $1 AND reason = 'disk' AND start_ms <= $2 AND end_ms >= $2 - $4 AND end_ms < $3",
        camera_id,
        start_ms,
        end_ms,
        TOUCHING_MS,
    )?;
    if grown == 0 {
        execute!(
            tx,
            "INSERT INTO camera_gaps (id, camera_id, start_ms, end_ms, reason) SELECT $1, c.id, $3, $4, 'disk' FROM cameras c WHERE c.id = $2",
            Uuid::now_v7().to_string(),
            camera_id,
            start_ms,
            end_ms,
        )?;
    }
    Ok(())
}

/// Begins a gap; one that is open already stays as it is.
pub async fn open_gap(tx: &mut Tx<'_>, camera_id: &str, start_ms: i64, reason: &str) -> Result<(), StoreError> {
    // One that is still open was over before this one began, and the program did not live to say so: it lasted until the
    // next picture.
    execute!(
        tx,
        "UPDATE camera_gaps SET end_ms = COALESCE((SELECT MIN(s.start_ms) FROM segments s WHERE s.camera_id = $1 \
           AND s.start_ms >= camera_gaps.start_ms AND s.start_ms <= $2), $2) \
         WHERE camera_id = $1 AND end_ms IS NULL AND start_ms < $2",
        camera_id,
        start_ms,
    )?;
    execute!(
        tx,
        "INSERT INTO camera_gaps (id, camera_id, start_ms, reason) SELECT $1, c.id, $3, $4 FROM cameras c WHERE c.id = $2 \
           AND NOT EXISTS (SELECT 1 FROM camera_gaps g WHERE g.camera_id = $2 AND g.end_ms IS NULL)",
        Uuid::now_v7().to_string(),
        camera_id,
        start_ms,
        reason,
    )?;
    Ok(())
}

/// Ends the open gap, or writes a whole one that was found after a restart.
pub async fn close_gap(tx: &mut Tx<'_>, camera_id: &str, start_ms: i64, end_ms: i64, reason: &str) -> Result<(), StoreError> {
    let closed =
        execute!(tx, "UPDATE camera_gaps SET end_ms = $2, reason = $3 WHERE camera_id = $1 AND end_ms IS NULL", camera_id, end_ms, reason)?;
    if closed == 0 {
        execute!(
            tx,
            "INSERT INTO camera_gaps (id, camera_id, start_ms, end_ms, reason) SELECT $1, c.id, $3, $4, $5 FROM cameras c WHERE c.id = $2",
            Uuid::now_v7().to_string(),
            camera_id,
            start_ms,
            end_ms,
            reason,
        )?;
    }
    Ok(())
}

/// A time without recording.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of camera_gaps")]
pub struct GapRow {
    pub start_ms: i64,
    pub end_ms: Option<i64>,
    pub reason: String,
}

/// Gaps that touch a stretch, in order.
pub async fn gaps(conn: &mut Conn<'_>, camera_id: &str, start_ms: i64, end_ms: i64) -> Result<Vec<GapRow>, StoreError> {
    fetch_all!(
        conn,
        GapRow,
        "SELECT start_ms, end_ms, reason FROM camera_gaps WHERE camera_id = $1 AND start_ms < $3 AND (end_ms IS NULL OR end_ms > $2) ORDER BY start_ms LIMIT 10000",
        camera_id,
        start_ms,
        end_ms,
    )
}

/// A segment as stored, for `check`.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of segments")]
pub struct SegmentRow {
    pub id: String,
    pub camera_id: String,
    pub path: String,
    pub start_ms: i64,
    pub end_ms: i64,
    pub bytes: i64,
    pub fragments: i64,
    pub closed: bool,
    pub disk: Option<String>,
    pub damaged: bool,
}

/// Segments after `after`, by id.
pub async fn segments_after(conn: &mut Conn<'_>, after: &str, limit: i64) -> Result<Vec<SegmentRow>, StoreError> {
    fetch_all!(
        conn,
        SegmentRow,
        "SELECT id, camera_id, path, start_ms, end_ms, bytes, fragments, closed, disk, damaged FROM segments WHERE id > $1 ORDER BY id LIMIT $2",
        after,
        limit,
    )
}

/// The stretches recorded of a camera by the rows, in order.
pub async fn recorded(conn: &mut Conn<'_>, camera_id: &str, start_ms: i64, end_ms: i64) -> Result<Vec<(i64, i64)>, StoreError> {
    fetch_all!(
        conn,
        (i64, i64),
        "SELECT start_ms, end_ms FROM segments WHERE camera_id = $1 AND end_ms > $2 AND end_ms < $4 AND start_ms < $3 ORDER BY start_ms LIMIT 10000",
        camera_id,
        start_ms,
        end_ms,
        // The index is by end: what begins before the stretch is over ends soon after it.
        end_ms.saturating_add(SEGMENT_MS_MAX),
    )
}

/// Whether a segment is in the index.
pub async fn has_segment(conn: &mut Conn<'_>, id: &str) -> Result<bool, StoreError> {
    Ok(fetch_optional!(conn, (String,), "SELECT id FROM segments WHERE id = $1", id)?.is_some())
}

/// Takes a segment whose file is gone out of the index and notes the gap.
pub async fn segment_lost(tx: &mut Tx<'_>, row: &SegmentRow) -> Result<(), StoreError> {
    execute!(tx, "DELETE FROM segments WHERE id = $1", row.id.as_str())?;
    end_lost(tx, row, row.start_ms).await
}

/// What a segment had from `start_ms` on is gone: notes the gap.
pub async fn end_lost(tx: &mut Tx<'_>, row: &SegmentRow, start_ms: i64) -> Result<(), StoreError> {
    execute!(
        tx,
        "INSERT INTO camera_gaps (id, camera_id, start_ms, end_ms, reason) VALUES ($1, $2, $3, $4, 'disk')",
        Uuid::now_v7().to_string(),
        row.camera_id.as_str(),
        start_ms,
        row.end_ms,
    )?;
    Ok(())
}
