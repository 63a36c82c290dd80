//! Bright Kitchen's server: domain, store, HTTP, jobs and pages.

use std::sync::Arc;

pub mod about;
pub mod accounts;
pub mod audit_head;
pub mod auth;
pub mod backup;
pub mod channels;
pub mod check;
pub mod checklists;
pub mod cli;
mod closing;
pub mod config;
pub mod demo;
pub mod documents;
pub mod domain;
pub mod drafts;
pub mod evidence;
pub mod files;
pub mod http;
pub mod ingest;
pub mod inspected;
pub mod jobs;
pub mod lifecycle;
pub mod moving;
pub mod openrosa;
pub mod outward;
pub mod proxies;
pub mod rate;
mod rates;
mod report;
pub mod risk;
pub mod sheet;
pub mod store;
pub mod tls;
pub mod uploads;
pub mod xlsform;

/// What every handler and job works with. Clones share it.
#[derive(Clone)]
pub struct App {
    /// The database.
    pub db: store::Db,
    /// Time, so that tests can step it.
    pub clock: Arc<dyn media::clock::Clock>,
    /// Secrets at rest.
    pub sealer: auth::Sealer,
    /// Keys that sign tokens and audit heads.
    pub keys: auth::Keys,
    /// Signing in and out.
    pub logins: auth::Logins,
    /// Ends open streams when their login ends.
    pub streams: auth::Streams,
    /// Sign-ins an address may try.
    pub login_rate: rate::Limiter,
    /// Photos, stills and clips, by content.
    pub files: files::Files,
    /// The cameras of this node; `None` on a node that records none.
    pub engine: Option<media::Engine>,
    /// Told when a camera, its premises or its settings have changed.
    pub cameras_changed: Arc<tokio::sync::Notify>,
    /// What the program knows of itself.
    pub about: about::About,
    /// Looking at video is noted once a minute for the same person and camera.
    pub views_noted: rate::Limiter,
    /// Who watches which camera, for a moment.
    pub viewings: http::Viewings,
    /// The newest pictures of the cameras that walls show.
    pub wall: http::WallPictures,
    /// Tasks that run beside the requests.
    pub supervisor: media::Supervisor,
    /// Address under which people reach it, without a slash at its end; empty where nobody said.
    pub url: String,
    /// The push services that may be spoken to.
    pub push_services: channels::push::Services,
    /// Where webhooks, mails and text messages may lead.
    pub webhook_policy: outward::Policy,
    /// Evidence on its way in.
    pub uploads: uploads::Uploads,
    /// Encrypted copies of drafts.
    pub drafts: drafts::Drafts,
    /// Looks at public pages that an address may have.
    pub public_rate: rate::Limiter,
    /// Sets papers.
    pub documents: documents::Documents,
    /// What is kept in memory of the second door.
    pub openrosa: openrosa::Door,
    /// Who was let in a moment ago.
    pub known_logins: auth::KnownLogins,
    /// Checklists in memory.
    pub checklists: checklists::Checklists,
}

/// Why the parts cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// Keys or the key file.
    #[error(transparent)]
    Keys(#[from] auth::KeysError),
    /// The key of Web Push.
    #[error(transparent)]
    PushKey(#[from] channels::push::PushKeyError),
    /// The file store.
    #[error(transparent)]
    Files(#[from] files::FilesError),
    /// The database.
    #[error(transparent)]
    Store(#[from] store::StoreError),
}

impl App {
    /// Puts the parts together over an open, migrated database; `data` holds the key file, and the files where no URL is given.
    /// Publishes the templates that ship with this version.
    pub async fn new(
        db: store::Db,
        data: &std::path::Path,
        files_url: Option<&str>,
        clock: Arc<dyn media::clock::Clock>,
    ) -> Result<Self, AppError> {
        let files = files::Files::open(data, files_url)?;
        let uploads = uploads::Uploads::open(data)?;
        let drafts = drafts::Drafts::open(data).map_err(files::FilesError::from)?;
        store::templates::ensure_shipped(&db, clock.wall_ms()).await?;
        let sealer = auth::Sealer::open(data).map_err(auth::KeysError::from)?;
        let keys = auth::Keys::load(&db, &sealer, clock.wall_ms()).await?;
        channels::push::ensure_key(&db, &sealer, clock.wall_ms()).await?;
        let streams = auth::Streams::default();
        let logins = auth::Logins::new(db.clone(), keys.clone(), sealer.clone(), streams.clone());
        Ok(Self {
            db,
            clock,
            sealer,
            keys,
            logins,
            streams,
            login_rate: rate::Limiter::new(60, 60_000),
            files,
            uploads,
            drafts,
            public_rate: rate::Limiter::new(60, 60_000),
            documents: documents::Documents::default(),
            openrosa: openrosa::Door::default(),
            known_logins: auth::KnownLogins::default(),
            checklists: checklists::Checklists::default(),
            engine: None,
            about: about::About::new(vec![data.to_owned()], &media::EngineConfig::new(data.to_owned()), false),
            cameras_changed: Arc::default(),
            views_noted: rate::Limiter::new(1, 60_000),
            viewings: http::Viewings::default(),
            wall: http::WallPictures::default(),
            supervisor: media::Supervisor::new(),
            url: String::new(),
            push_services: channels::push::Services::new(Vec::new(), Vec::new()),
            webhook_policy: outward::Policy::default(),
        })
    }
}
