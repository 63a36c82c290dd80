//! Opens photos that were accepted as they came: each is decoded whole and its small copy is made, so that lists find it. It gives way
//! to requests. One that cannot be opened is kept as evidence and marked.

use std::time::{Duration, Instant};

use tracing::{info, warn};

use crate::App;
use crate::files::FilesError;
use crate::store::{StoreError, files};

/// Photos of one look.
const PHOTOS_MAX: i64 = 64;
/// Width of the copy that is made, pixels: that of lists.
const WIDTH: u32 = 320;
/// So many requests in the time of a photo mean that people wait.
const BUSY_REQUESTS: u64 = 4;

/// Opens what waits, until there is nothing or the program stops.
pub(super) async fn look(app: App) -> Result<(), StoreError> {
    let stopping = app.supervisor.soft();
    loop {
        let waiting = files::unopened(&mut app.db.read().await?.conn(), PHOTOS_MAX).await?;
        if waiting.is_empty() {
            return Ok(());
        }
        for (id, sha256, filetype) in waiting {
            let (began, answered) = (Instant::now(), app.about.metrics().answers());
            let damage = match app.files.reduced(&sha256, &filetype, WIDTH).await {
                Ok(_) => None,
                Err(fault @ (FilesError::Picture(_) | FilesError::NotFound(_) | FilesError::TooLarge { .. })) => Some(fault.to_string()),
                // The store is not there, which is nobody's fault: looked at again.
                Err(error) => {
                    warn!(%error, file = id, "a photo could not be read");
                    return Ok(());
                }
            };
            if let Some(fault) = &damage {
                info!(file = id, fault, "a photo cannot be shown; it is kept as it was taken");
            }
            let at = app.clock.wall_ms();
            app.db.write_apart(move |tx| Box::pin(async move { files::opened(tx, &id, damage.as_deref(), at).await })).await?;
            let busy = app.about.metrics().answers() - answered >= BUSY_REQUESTS;
            let pause = began.elapsed() * if busy { 9 } else { 1 };
            tokio::select! {
                () = tokio::time::sleep(pause.min(Duration::from_secs(2))) => {}
                () = stopping.cancelled() => return Ok(()),
            }
        }
    }
}
