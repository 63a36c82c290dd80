//! The demo: a district that lives, on the embedded default.
//!
//! Virtual cameras send real footage over real RTSP and suffer a script of incidents; everything after the lens is the
//! product itself. The district is planted once, at the first start on an empty folder; starting again continues where it
//! was. Passwords are made at that first start and kept beside the data for its owner only, so that the demo can print them.

mod accounts;
mod cameras;
mod district;
mod history;

use std::path::Path;

use media::virtual_camera::VirtualServerError;
use media::{OnPanic, Supervisor};
use tracing::{error, info};

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
pub async fn start(app: &App, data: &Path, options: &DemoOptions, say: impl Fn(&str)) -> Result<Vec<Account>, DemoError> {
    let empty = !users::any(&mut app.db.read().await?.conn()).await?;
    if options.minimal {
        if empty {
            accounts::make(app, data, &[accounts::ADMINISTRATOR], &district::Planted::top(app).await?).await?;
        }
        return Ok(accounts::read(data)?);
    }
    say("Preparing the demo cameras (the first time their footage is encoded, about a minute) …");
    cameras::start(app.supervisor.clone(), options.camera_port).await?;
    if empty {
        say("Planting a district with its premises, people and cameras …");
        let planted = district::plant(app).await?;
        accounts::make(app, data, accounts::EVERYBODY, &planted).await?;
        cameras::add(app, &planted, options.camera_port).await?;
        app.cameras_changed.notify_one();
        live_on(app, data, &planted, &app.supervisor);
    }
    Ok(accounts::read(data)?)
}

/// Past inspections and alerts come in while people already look around.
fn live_on(app: &App, data: &Path, planted: &district::Planted, supervisor: &Supervisor) {
    let (app, data, planted) = (app.clone(), data.to_owned(), planted.clone());
    supervisor.task("demo history", OnPanic::Log, move || {
        let (app, data, planted) = (app.clone(), data.clone(), planted.clone());
        async move {
            match history::write(&app, &data, &planted).await {
                Ok(()) => info!("the demo's past is written"),
                Err(error) => error!(%error, "the demo's past could not be written"),
            }
        }
    });
}
