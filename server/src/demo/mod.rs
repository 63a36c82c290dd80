//! The demo: a district that lives, on the embedded default.
//!
//! Virtual cameras send real footage over real RTSP and suffer a script of incidents; everything after the lens is the
//! product itself. The district is planted once, at the first start on an empty folder; starting again continues where it
//! was. Passwords are made at that first start and kept beside the data for its owner only, so that the demo can print them.

mod accounts;
mod cameras;
mod district;
mod drawing;
mod history;
mod inspection;
mod person;
mod progress;

use std::path::Path;

use media::virtual_camera::VirtualServerError;
use media::{OnPanic, Supervisor};
use tracing::{error, info};

use progress::Progress;

use crate::App;
use crate::store::{StoreError, users};

pub use accounts::Account;

/// Why the demo cannot start.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The virtual cameras or their footage.
    #[error(transparent)]
    Cameras(#[from] VirtualServerError),
    /// The file of accounts.
    #[error("the demo's accounts: {0}")]
    Accounts(#[from] std::io::Error),
}

/// How the demo is wanted.
#[derive(Debug, Clone)]
pub struct DemoOptions {
    /// An empty district: no premises, no cameras, only an administrator.
    pub minimal: bool,
    /// Port of the virtual cameras on loopback; stored in their addresses, so it stays the same.
    pub camera_port: u16,
}

/// Plants the district where there is none, starts the cameras, and gives the accounts to print.
///
/// Footage that is not in the cache yet is encoded first, which takes about a minute on two cores; `say` tells of it.
/// District, people and cameras come in one transaction, all or none of them; the past after them, step by step.
pub async fn start(app: &App, data: &Path, options: &DemoOptions, say: impl Fn(&str)) -> Result<Vec<Account>, DemoError> {
    let empty = !users::any(&mut app.db.read().await?.conn()).await?;
    let at = app.clock.wall_ms();
    if options.minimal {
        if empty {
            let people = accounts::make(app, data, &[accounts::ADMINISTRATOR]).await?;
            let planted = app.db.write(move |tx| {
                Box::pin(async move {
                    let planted = district::top(tx, at).await?;
                    accounts::add(tx, &people, &planted, at).await
                })
            });
            let planted: Result<(), StoreError> = planted.await;
            planted?;
        }
        return Ok(accounts::read(data)?);
    }
    say("Preparing the demo cameras (the first time their footage is encoded, about a minute) …");
    cameras::start(app.supervisor.clone(), options.camera_port).await?;
    if empty {
        say("Planting a district with its premises, people and cameras …");
        let (people, cameras) = (accounts::make(app, data, accounts::EVERYBODY).await?, cameras::make(app, options.camera_port)?);
        // Before the district: one that stands without a mark is taken for one whose past is written.
        Progress::begin(data, at)?;
        let planted = app.db.write(move |tx| {
            Box::pin(async move {
                let planted = district::plant(tx, at).await?;
                accounts::add(tx, &people, &planted, at).await?;
                cameras::add(tx, &cameras, &planted, at).await
            })
        });
        let planted: Result<(), StoreError> = planted.await;
        planted?;
        app.cameras_changed.notify_one();
    }
    if let Some(progress) = Progress::unfinished(data)? {
        live_on(app, data, progress, &app.supervisor);
    }
    Ok(accounts::read(data)?)
}

/// Past inspections and alerts come in while people already look around.
fn live_on(app: &App, data: &Path, progress: Progress, supervisor: &Supervisor) {
    let (app, data) = (app.clone(), data.to_owned());
    supervisor.task("demo history", OnPanic::Log, move || {
        let (app, data, progress) = (app.clone(), data.clone(), progress.clone());
        async move {
            match history::write(&app, &data, progress).await {
                Ok(()) => info!("the demo's past is written"),
                Err(error) => error!(%error, "the demo's past is not whole yet; it goes on at the next start"),
            }
        }
    });
}
