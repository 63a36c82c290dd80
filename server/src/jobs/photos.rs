//! Opens photos that were accepted as they came: each is decoded whole and its small copy is made, so that lists find it, with what
//! requests leave of the processors. One that cannot be opened is kept as evidence and marked.

use tracing::{info, warn};

use crate::App;
use crate::files::{FilesError, Haste};
use crate::store::{StoreError, files};

/// Photos of one look, which are marked together.
const PHOTOS_MAX: i64 = 16;
/// Width of the copy that is made, pixels: that of lists.
const WIDTH: u32 = 320;

/// Opens what waits, until there is nothing or the program stops.
pub(super) async fn look(app: App) -> Result<(), StoreError> {
    let stopping = app.supervisor.soft();
    loop {
        let waiting = files::unopened(&mut app.db.read().await?.conn(), PHOTOS_MAX).await?;
        let mut opened = Vec::with_capacity(waiting.len());
        let mut ends = false;
        for (id, sha256, filetype) in waiting {
            let damage = match app.files.reduced(&sha256, &filetype, WIDTH, Haste::Idle).await {
                Ok(_) => None,
                Err(fault @ (FilesError::Picture(_) | FilesError::NotFound(_) | FilesError::TooLarge { .. })) => Some(fault.to_string()),
                // The store is not there, which is nobody's fault: looked at again.
                Err(error) => {
                    warn!(%error, file = id, "a photo could not be read");
                    ends = true;
                    break;
                }
            };
            if let Some(fault) = &damage {
                info!(file = id, fault, "a photo cannot be shown; it is kept as it was taken");
            }
            opened.push((id, damage));
            if stopping.is_cancelled() {
                ends = true;
                break;
            }
        }
        if opened.is_empty() {
            return Ok(());
        }
        let at = app.clock.wall_ms();
        app.db.write_apart(move |tx| Box::pin(async move { files::opened(tx, &opened, at).await })).await?;
        if ends {
            return Ok(());
        }
    }
}
