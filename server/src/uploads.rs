//! Evidence on its way in, by tus 1.0: resumable files below the data folder.
//!
//! `uploads.received` says how many bytes are safe: the file is synced before the row grows, so after a power cut the file
//! is cut back to the row and the phone goes on there. The last byte is acknowledged only when the whole file is checked
//! against the hash that was promised, looked at, stored, and linked to its evidence in one transaction. One request writes
//! at a time: a newer one takes over from one whose connection may be long dead, and finds the offset the older one left.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt};
use mobile_api::limits::EVIDENCE_BYTES_MAX;
use sha2::{Digest, Sha256};
use tokio::fs::OpenOptions;
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use tokio::sync::{Notify, OwnedMutexGuard, Semaphore};
use uuid::Uuid;

use crate::App;
use crate::auth::{Scope, Session};
use crate::files::{FilesError, Looked, PIXELS_MAX};
use crate::http::Problem;
use crate::store::evidence::{self, Arrival, EvidenceRow};
use crate::store::files::{self, FileRow};
use crate::store::journal::{Act, Change, Entity};
use crate::store::uploads::{self, UploadRow};
use crate::store::{StoreError, Tx, incidents, inspections, self_checks};

/// How long an upload may rest before it is thrown away.
pub const EXPIRES_MS: i64 = 7 * 24 * 3_600_000;
/// Uploads a person may have under way. Phones send one after the other; what is whole is not under way any more.
pub const OPEN_MAX: i64 = 400;
/// How long a newer request waits for the older one to let go.
const TAKE_OVER_WAIT: Duration = Duration::from_secs(10);
/// Photos in memory that are hashed and written at once: each takes a thread, and a disk takes one after the other.
const STORED_AT_ONCE: usize = 8;
/// A photo of so many bytes, in one request, is held in memory until it is stored.
pub const WHOLE_BYTES_MAX: i64 = 1024 * 1024;
/// Bytes read at once where a file is hashed.
const CHUNK_BYTES: usize = 256 * 1024;
/// Uploads removed in one round of the sweep.
const SWEEP_LIMIT: i64 = 200;
/// Bytes of reduced pictures that are kept.
const REDUCED_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;

/// Why a piece was not taken.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// The piece does not begin where the last one ended.
    #[error("the upload stands at {offset}")]
    Offset {
        /// Where it stands, bytes.
        offset: i64,
    },
    /// Another request is writing and does not let go.
    #[error("another request is writing to this upload")]
    Busy,
    /// The piece, or the whole file, does not have the hash that was told.
    #[error("the hash is not the one that was told")]
    Checksum,
    /// A signature on which nothing is drawn.
    #[error("nothing is drawn on it: a signature without a stroke is none")]
    Blank,
    /// More bytes than were announced.
    #[error("more bytes than the upload's length")]
    TooLong,
    /// The evidence's id stands for another file by now.
    #[error("this evidence stands for another file")]
    Replaced(Box<EvidenceRow>),
    /// The file store, or what it says of the picture.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<std::io::Error> for UploadError {
    fn from(error: std::io::Error) -> Self {
        Self::Files(error.into())
    }
}

#[derive(Debug, Default)]
struct Slot {
    writing: Arc<tokio::sync::Mutex<()>>,
    /// Somebody newer wants to write.
    wanted: Notify,
}

/// The uploads' folder, and who is writing. Clones share it.
#[derive(Debug, Clone)]
pub struct Uploads {
    folder: Arc<PathBuf>,
    slots: Arc<Mutex<HashMap<Uuid, Arc<Slot>>>>,
}

/// The right to write to one upload, until dropped.
#[derive(Debug)]
pub struct Writing {
    id: Uuid,
    slot: Arc<Slot>,
    uploads: Uploads,
    _guard: OwnedMutexGuard<()>,
}

impl Drop for Writing {
    fn drop(&mut self) {
        let mut slots = self.uploads.slots.lock().unwrap_or_else(PoisonError::into_inner);
        // The map's and ours: nobody else waits.
        if Arc::strong_count(&self.slot) <= 2 {
            slots.remove(&self.id);
        }
    }
}

impl Uploads {
    /// Makes `DATA/uploads`.
    pub fn open(data: &Path) -> Result<Self, FilesError> {
        let folder = data.join("uploads");
        std::fs::create_dir_all(&folder)?;
        Ok(Self { folder: Arc::new(folder), slots: Arc::default() })
    }

    fn path(&self, id: Uuid) -> PathBuf {
        self.folder.join(format!("{id}.part"))
    }

    /// Takes the right to write, asking whoever has it to stop.
    pub async fn take(&self, id: Uuid) -> Result<Writing, UploadError> {
        let slot = Arc::clone(self.slots.lock().unwrap_or_else(PoisonError::into_inner).entry(id).or_default());
        slot.wanted.notify_waiters();
        let waiting = Arc::clone(&slot.writing).lock_owned();
        let guard = tokio::time::timeout(TAKE_OVER_WAIT, waiting).await.map_err(|_| UploadError::Busy)?;
        Ok(Writing { id, slot, uploads: self.clone(), _guard: guard })
    }
}

impl Writing {
    /// Appends a piece at `offset`. Gives how many bytes are on disk and synced when the body ended, was cut off, or was
    /// taken over; a piece with a wrong hash leaves nothing behind.
    pub async fn append<S, E>(&self, row: &UploadRow, body: S, checksum: Option<Vec<u8>>) -> Result<i64, UploadError>
    where
        S: Stream<Item = Result<Bytes, E>>,
    {
        let path = self.uploads.path(self.id);
        let start = u64::try_from(row.received).unwrap_or(0);
        let mut file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).await?;
        // What was written after the last acknowledgement is not known to be whole.
        if file.metadata().await?.len() != start {
            file.set_len(start).await?;
        }
        file.seek(std::io::SeekFrom::Start(start)).await?;
        let mut hash = Sha256::new();
        let mut received = row.received;
        let mut body = std::pin::pin!(body);
        // Made before the first chunk is awaited: it hears whoever comes while a chunk is being written.
        let mut wanted = std::pin::pin!(self.slot.wanted.notified());
        let mut ended = false;
        loop {
            let chunk = tokio::select! {
                () = &mut wanted => break,
                chunk = body.next() => chunk,
            };
            let Some(Ok(chunk)) = chunk else {
                ended = chunk.is_none();
                break;
            };
            received += i64::try_from(chunk.len()).unwrap_or(i64::MAX);
            if received > row.length {
                file.set_len(start).await?;
                return Err(UploadError::TooLong);
            }
            hash.update(&chunk);
            file.write_all(&chunk).await?;
        }
        // A piece that was cut off has no hash to be held to; it is kept only where no hash was told.
        if checksum.is_some_and(|told| !ended || told != hash.finalize().as_slice()) {
            file.set_len(start).await?;
            file.sync_all().await?;
            return if ended { Err(UploadError::Checksum) } else { Ok(row.received) };
        }
        file.flush().await?;
        file.sync_all().await?;
        Ok(received)
    }

    /// Checks the whole file, stores it and links it to its evidence. On a refusal the upload is gone.
    pub async fn finish(&self, app: &App, session: &Session, row: &UploadRow) -> Result<(), UploadError> {
        let path = self.uploads.path(self.id);
        if hash_of(&path).await? != row.sha256 {
            self.discard(app, row).await?;
            return Err(UploadError::Checksum);
        }
        let looked = match app.files.look_at_evidence(&path, &row.filetype).await {
            Err(refused @ FilesError::Picture(_)) => {
                self.discard(app, row).await?;
                return Err(refused.into());
            }
            looked => looked?,
        };
        app.files.put_file(&path, &row.sha256, u64::try_from(row.length).unwrap_or(0)).await?;
        let at = app.clock.wall_ms();
        let file = file_row(row, &looked, at);
        let (session, upload) = (session.clone(), row.clone());
        let arrived = app.db.write_apart(move |tx| Box::pin(async move { arrive(tx, &session, &upload, &file, looked, at).await })).await;
        if matches!(arrived, Err(UploadError::Blank)) {
            self.discard(app, row).await?;
        }
        arrived?;
        remove(&path).await?;
        Ok(())
    }

    /// Throws the upload away.
    pub async fn discard(&self, app: &App, row: &UploadRow) -> Result<(), UploadError> {
        let id = row.id.clone();
        app.db.write(move |tx| Box::pin(async move { uploads::delete(tx, &id).await })).await?;
        remove(&self.uploads.path(self.id)).await?;
        Ok(())
    }
}

/// A body of at most `length` bytes in memory: less where its connection broke.
pub async fn gathered<S, E>(body: S, length: usize) -> Result<Bytes, UploadError>
where
    S: Stream<Item = Result<Bytes, E>>,
{
    let mut content = BytesMut::with_capacity(length);
    let mut body = std::pin::pin!(body);
    while let Some(Ok(chunk)) = body.next().await {
        if content.len() + chunk.len() > length {
            return Err(UploadError::TooLong);
        }
        content.extend_from_slice(&chunk);
    }
    Ok(content.freeze())
}

/// Stores a photo that came whole in one request and links it to its evidence: it is checked against its hash and its header, written
/// once, synced, and opened later. `row` is of an upload that was not kept yet, and is done with this.
pub async fn store_photo(app: &App, session: &Session, row: &UploadRow, content: Bytes) -> Result<(), UploadError> {
    static TURNS: Semaphore = Semaphore::const_new(STORED_AT_ONCE);
    // Never closed.
    let turn = TURNS.acquire().await;
    let hashed = content.clone();
    let hash = tokio::task::spawn_blocking(move || hex::encode(Sha256::digest(&hashed)));
    if hash.await.map_err(|error| UploadError::Files(FilesError::Unavailable(error.to_string())))? != row.sha256 {
        return Err(UploadError::Checksum);
    }
    let looked = app.files.look_at_photo(content.clone()).await?;
    app.files.put_known(content, &row.sha256).await?;
    drop(turn);
    let at = app.clock.wall_ms();
    let file = file_row(row, &looked, at);
    let upload = UploadRow { received: row.length, done_at: Some(at), ..row.clone() };
    let session = session.clone();
    app.db
        .write_apart(move |tx| {
            Box::pin(async move {
                // What has more pixels than are opened here is kept by its header alone.
                let opened = looked.picture.pixels() > PIXELS_MAX;
                let arrival = arrival(&upload, &file, looked);
                inspections::hold(tx, &upload.inspection_id).await?;
                if let Err(present) = evidence::arrive_whole(tx, &upload, &file, opened, &arrival, at).await? {
                    return Err(UploadError::Replaced(Box::new(present)));
                }
                complete(tx, &session, &arrival, at).await
            })
        })
        .await
}

fn file_row(row: &UploadRow, looked: &Looked, at: i64) -> FileRow {
    FileRow {
        id: Uuid::now_v7().to_string(),
        sha256: row.sha256.clone(),
        filetype: looked.picture.filetype.to_owned(),
        bytes: row.length,
        width: looked.picture.size.map(|size| i64::from(size.0)),
        height: looked.picture.size.map(|size| i64::from(size.1)),
        user_id: Some(row.user_id.clone()),
        created_at: at,
    }
}

fn arrival<'a>(upload: &'a UploadRow, file: &'a FileRow, looked: Looked) -> Arrival<'a> {
    Arrival {
        evidence_id: &upload.evidence_id,
        inspection_id: &upload.inspection_id,
        owner_id: &upload.user_id,
        sha256: &upload.sha256,
        filetype: &upload.filetype,
        file_id: &file.id,
        blank: looked.blank,
        position: looked.position,
    }
}

async fn arrive(
    tx: &mut Tx<'_>,
    session: &Session,
    upload: &UploadRow,
    file: &FileRow,
    looked: Looked,
    at: i64,
) -> Result<(), UploadError> {
    inspections::hold(tx, &upload.inspection_id).await?;
    // Who stands beside the glass is told at once; a part that names it a signature later is refused then. What comes by another door
    // is kept, and counts as not signed.
    if looked.blank && evidence::is_signature(tx, &upload.evidence_id).await? {
        return Err(UploadError::Blank);
    }
    files::insert(tx, file).await?;
    link(tx, session, &arrival(upload, file, looked), at).await?;
    Ok(uploads::finish(tx, &upload.id, at).await?)
}

/// Links a stored file to its evidence, and completes the inspection that waited for it. The file has its row.
pub(crate) async fn link(tx: &mut Tx<'_>, session: &Session, arrival: &Arrival<'_>, at: i64) -> Result<(), UploadError> {
    inspections::hold(tx, arrival.inspection_id).await?;
    if let Err(present) = evidence::arrive(tx, arrival, at).await? {
        return Err(UploadError::Replaced(Box::new(present)));
    }
    complete(tx, session, arrival, at).await
}

/// Completes what waited for a file that is linked.
async fn complete(tx: &mut Tx<'_>, session: &Session, arrival: &Arrival<'_>, at: i64) -> Result<(), UploadError> {
    let id = arrival.inspection_id;
    if let Some(settled) = inspections::settle(tx, id, at).await? {
        let row = &settled.row;
        inspections::note_change(tx, row, row.state != "draft", at).await?;
        if settled.completed {
            let detail = serde_json::json!({"last_evidence_id": arrival.evidence_id});
            let entity = Some(("inspection", row.id.as_str()));
            tx.audit(at, Act { actor: &session.actor, action: "inspection_complete", entity, path: &row.premises_path, detail }).await?;
        }
        return Ok(());
    }
    if self_checks::settle(tx, id, at).await?
        && let Some(row) = self_checks::of_upload(tx, id).await?
    {
        self_checks::note_change(tx, &row, at).await?;
    }
    if incidents::settle(tx, id, at).await?
        && let Some(row) = incidents::get(tx, &Scope::system(), id).await?
    {
        tx.changed(at, Change::upsert(Entity::Incident, &row.id, &row.premises_path).at(&row.premises_id)).await?;
    }
    Ok(())
}

async fn hash_of(path: &Path) -> Result<String, UploadError> {
    let mut file = tokio::fs::File::open(path).await?;
    let mut hash = Sha256::new();
    let mut chunk = vec![0_u8; CHUNK_BYTES];
    loop {
        match file.read(&mut chunk).await? {
            0 => return Ok(hex::encode(hash.finalize())),
            read => hash.update(&chunk[..read]),
        }
    }
}

async fn remove(path: &Path) -> Result<(), UploadError> {
    match tokio::fs::remove_file(path).await {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

/// Whether an announced length can be taken.
pub fn fits(length: u64) -> bool {
    (1..=EVIDENCE_BYTES_MAX).contains(&length)
}

/// Throws away uploads that rested too long, files without a row, and reduced pictures beyond their limit. A job runs it
/// every hour. Gives how many uploads went.
pub async fn sweep(app: &App) -> Result<usize, Problem> {
    let expired = uploads::expired(&mut app.db.read().await?.conn(), app.clock.wall_ms(), SWEEP_LIMIT).await?;
    let mut removed = 0;
    for row in &expired {
        let id: Uuid = row.id.parse().map_err(StoreError::damaged)?;
        match app.uploads.take(id).await {
            Ok(writing) => {
                writing.discard(app, row).await?;
                removed += 1;
            }
            Err(error) => tracing::info!(%error, upload = row.id, "an expired upload is still being written"),
        }
    }
    app.files.sweep_reduced(REDUCED_BYTES_MAX).await?;
    Ok(removed)
}
