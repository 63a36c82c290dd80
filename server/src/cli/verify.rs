//! `bright-kitchen verify`

use std::fs::File;
use std::path::PathBuf;
use std::process::ExitCode;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;

use super::CliError;
use crate::evidence::{self, Finding, Manifest, Verified, VerifyError, fingerprint};

/// Findings that are printed.
const FINDINGS_MAX: usize = 50;

/// Prove that an exported clip is unchanged, or name what was changed; needs no server
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  bright-kitchen verify clip.mp4
  bright-kitchen verify clip.mp4 --key 4f2a…e1
  bright-kitchen verify clip.mp4 --manifest clip.manifest.json

A clip says which key signed it. That this key is the bureau's is proved by --key: the fingerprint (or the public key in
base64) as the server gives it under /api/v1/keys, or as it was written down. Ends with 0 where nothing was changed, and
the key is one of those named where any is; else with 1.

A copy with a watermark says so (MARKED): its pictures were encoded anew. Its manifest names the hashes of the recorded
fragments it was made from, so that it can be told whether an original is the one; it is not the original.")]
pub(super) struct VerifyArgs {
    /// The clip
    clip: PathBuf,

    /// The document with manifest and signature, where the clip does not carry it
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,

    /// Fingerprint or public key that is trusted; may be repeated
    #[arg(long, value_name = "KEY")]
    key: Vec<String>,

    /// Print the manifest as JSON
    #[arg(long)]
    json: bool,
}

impl VerifyArgs {
    pub(super) fn run(self) -> Result<ExitCode, CliError> {
        let said = |error: VerifyError| CliError::Said(format!("{}: {error}", self.clip.display()));
        let beside = match &self.manifest {
            Some(path) => Some(evidence::read_document(&std::fs::read(path)?).map_err(said)?),
            None => None,
        };
        let mut clip = File::open(&self.clip).map_err(|error| said(error.into()))?;
        let Verified { manifest, findings } = evidence::verify(&mut clip, beside).map_err(said)?;
        match self.json {
            true => println!("{}", serde_json::to_string_pretty(&manifest).map_err(|error| CliError::Said(error.to_string()))?),
            false => print(&manifest),
        }
        for finding in findings.iter().take(FINDINGS_MAX) {
            println!("CHANGED   {finding}");
        }
        if findings.len() > FINDINGS_MAX {
            println!("CHANGED   … and {} more", findings.len() - FINDINGS_MAX);
        }
        let trusted = self.key.is_empty() || self.key.iter().any(|key| same_key(key, &manifest));
        if !trusted {
            println!("NOT OURS  it was signed with {}, which is none of the keys named", manifest.key.fingerprint);
        }
        if findings.contains(&Finding::Signature) {
            println!("nothing that the manifest says can be believed");
        }
        let good = findings.is_empty() && trusted;
        if good {
            let (fragments, frames) = (manifest.fragments.len(), manifest.frames);
            match &manifest.marked {
                None => println!("unchanged {fragments} fragments, {frames} frames: as recorded"),
                Some(marked) => println!(
                    "unchanged {frames} frames: a marked copy as it was exported, made from {} recorded fragments; not the recording itself",
                    marked.originals.len()
                ),
            }
            if self.key.is_empty() {
                println!("          compare the key's fingerprint with the bureau's, or name it with --key");
            }
        }
        Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn same_key(named: &str, manifest: &Manifest) -> bool {
    let plain: String = named.chars().filter(|letter| !letter.is_whitespace() && *letter != ':').collect();
    let of_key = STANDARD.decode(&plain).map(|key| fingerprint(&key)).ok();
    plain.eq_ignore_ascii_case(&manifest.key.fingerprint) || of_key.is_some_and(|of_key| of_key == manifest.key.fingerprint)
}

fn print(manifest: &Manifest) {
    println!("camera    {} ({})", manifest.camera.name, manifest.camera.id.as_deref().unwrap_or("-"));
    println!("premises  {} ({})", manifest.premises.name, manifest.premises.id.as_deref().unwrap_or("-"));
    println!("recorded  {} to {}", manifest.start, manifest.end);
    for gap in &manifest.gaps {
        println!("gap       {} to {}", gap.start, gap.end);
    }
    for damaged in &manifest.damaged {
        println!("damaged   {} to {}: packets were lost on the way from the camera", damaged.start, damaged.end);
    }
    if let Some(marked) = &manifest.marked {
        println!("MARKED    pictures were encoded anew with a mark in each: {}", marked.lines.join(" | "));
        println!("          made from {} {}x{}, {} frames", marked.codec, marked.width, marked.height, marked.frames);
    }
    println!(
        "exported  {} by {}: {}",
        manifest.exported_at,
        manifest.exported_by.name,
        if manifest.reason.is_empty() { "-" } else { &manifest.reason }
    );
    println!("export    {}{}", manifest.export_id, manifest.alert_id.as_ref().map(|id| format!(", alert {id}")).unwrap_or_default());
    println!("key       {} ({})", manifest.key.fingerprint, manifest.key.id);
}
