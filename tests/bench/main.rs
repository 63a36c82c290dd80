//! The measurements: every target beside what is measured, and beside its peer measured in the same run. What follows is of the media
//! engine; the phone's targets (`--area phone`) are described in `phone/`, the desk's (`--area desk`) in `desk/`.
//!
//! Virtual cameras are a process of their own (`bench cameras`), the program is the real binary, the peers are Debian's
//! `ffmpeg` and `nginx`. The machine may be busy with other work, so what costs processor time is read as processor time
//! (`/proc`), over windows that engine and peer share, and told as a ratio; the figure is the median of three windows.
//!
//! ```text
//! bench [--area media|phone|desk] [--length short|full] [--only PART,PART] [--out FILE]
//!     parts: see `PARTS`; rows of other runs in FILE are kept
//! ```
#![expect(clippy::unwrap_used, clippy::panic, reason = "a measurement that cannot be taken says so by failing")]

mod cameras;
mod children;
mod desk;
mod ffmpeg;
mod figures;
mod follow;
mod mp4;
mod phone;
mod rows;
mod site;
mod table;
mod usage;
mod viewer;
mod writes;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use table::Table;

/// How long the windows are.
#[derive(Debug, Clone, Copy)]
struct Lengths {
    /// A window in which processor time is counted.
    cpu: Duration,
    /// Of the other kinds of stream.
    cpu_other: Duration,
    /// In which no frame may be lost.
    loss: Duration,
    /// Recording while people watch and export.
    watched: Duration,
    /// Recordings kept on disk meanwhile, bytes.
    kept_bytes: u64,
}

impl Lengths {
    const SHORT: Self = Self {
        cpu: Duration::from_secs(60),
        cpu_other: Duration::from_secs(20),
        loss: Duration::from_secs(180),
        watched: Duration::from_secs(60),
        kept_bytes: 5 << 30,
    };
    const FULL: Self = Self {
        cpu: Duration::from_secs(180),
        cpu_other: Duration::from_secs(60),
        loss: Duration::from_secs(600),
        watched: Duration::from_secs(600),
        kept_bytes: 20 << 30,
    };
}

/// A part of the run: rows that share a set-up.
const PARTS: [&str; 7] = ["cost", "scale", "diagnosis", "alarms", "live", "clip", "index"];

/// Whose targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Area {
    Media,
    Phone,
    Desk,
}

impl Area {
    fn parts(self) -> &'static [&'static str] {
        match self {
            Self::Media => &PARTS,
            Self::Phone => &phone::PARTS,
            Self::Desk => &desk::PARTS,
        }
    }
}

/// What was asked for.
struct Wanted {
    area: Area,
    lengths: Lengths,
    parts: Vec<String>,
    out: Option<PathBuf>,
}

impl Wanted {
    fn from_arguments(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut wanted = Self { area: Area::Media, lengths: Lengths::SHORT, parts: Vec::new(), out: None };
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
            match name.as_str() {
                "--area" if value == "media" => wanted.area = Area::Media,
                "--area" if value == "phone" => wanted.area = Area::Phone,
                "--area" if value == "desk" => wanted.area = Area::Desk,
                "--length" if value == "short" => wanted.lengths = Lengths::SHORT,
                "--length" if value == "full" => wanted.lengths = Lengths::FULL,
                "--only" => wanted.parts = value.split(',').map(str::to_owned).collect(),
                "--out" => wanted.out = Some(value.into()),
                _ => return Err(format!("not understood: {name} {value}")),
            }
        }
        let known = wanted.area.parts();
        if wanted.parts.is_empty() {
            wanted.parts = known.iter().map(|part| (*part).to_owned()).collect();
        }
        match wanted.parts.iter().find(|part| !known.contains(&part.as_str())) {
            Some(part) => Err(format!("no part {part}; there are {}", known.join(", "))),
            None => Ok(wanted),
        }
    }
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).peekable();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    match arguments.peek().map(String::as_str) {
        Some("cameras") => return runtime.block_on(cameras::serve()),
        Some("hog") => children::hog(),
        _ => {}
    }
    let wanted = match Wanted::from_arguments(arguments) {
        Ok(wanted) => wanted,
        Err(fault) => {
            eprintln!("bench: {fault}");
            return ExitCode::FAILURE;
        }
    };
    let table = runtime.block_on(run(&wanted));
    let text = table.markdown();
    println!("\n{text}");
    if let Some(out) = &wanted.out {
        table.write_into(out);
    }
    let strict = std::env::var("STRICT").is_ok_and(|strict| strict == "1");
    if strict && table.misses() > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

async fn run(wanted: &Wanted) -> Table {
    let mut table = Table::new();
    let mut running = None;
    for part in &wanted.parts {
        let began = std::time::Instant::now();
        eprintln!("── {part}");
        match part.as_str() {
            part if wanted.area == Area::Phone => phone::measure(part, &mut table).await,
            part if wanted.area == Area::Desk => desk::measure(part, &mut table).await,
            "cost" => rows::cost::measure(&mut table, wanted.lengths).await,
            "scale" => rows::scale::measure(&mut table, wanted.lengths).await,
            "diagnosis" => rows::diagnosis::measure(&mut table).await,
            "alarms" => rows::alarms::measure(&mut table).await,
            "live" => running = Some(rows::live::measure(&mut table).await),
            "clip" => rows::clip::measure(&mut table, running.take()).await,
            _ => rows::index::measure(&mut table),
        }
        eprintln!("── {part}: {:.0} s", began.elapsed().as_secs_f64());
    }
    table
}
