//! `bright-kitchen verify`

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;

use super::CliError;
use crate::evidence::{self, Document, FORMAT_RECEIPT, Finding, KeyFacts, Manifest, Receipt, Verified, VerifyError, fingerprint};

/// Bytes of a file that may be a receipt.
const RECEIPT_BYTES_MAX: u64 = 1024 * 1024;
/// Findings that are printed.
const FINDINGS_MAX: usize = 50;

/// Prove that an exported clip or the receipt of an inspection is unchanged, or name what was changed; needs no server
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  bright-kitchen verify clip.mp4
  bright-kitchen verify clip.mp4 --key 4f2a…e1
  bright-kitchen verify clip.mp4 --manifest clip.manifest.json
  bright-kitchen verify receipt.json

A clip says which key signed it. That this key is the bureau's is proved by --key: the fingerprint (or the public key in
base64) as the server gives it under /api/v1/keys, or as it was written down. Ends with 0 where nothing was changed, and
the key is one of those named where any is; else with 1.

A copy with a watermark says so (MARKED): its pictures were encoded anew. Its manifest names the hashes of the recorded
fragments it was made from, so that it can be told whether an original is the one; it is not the original.")]
pub(super) struct VerifyArgs {
    /// The clip, or the receipt
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
        if let Some(document) = receipt_in(&self.clip) {
            return self.receipt(&document);
        }
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
        let trusted = self.key.is_empty() || self.key.iter().any(|key| same_key(key, &manifest.key));
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

/// A file is taken for a receipt where it is small and holds one; anything else is a clip.
fn receipt_in(path: &Path) -> Option<Document> {
    if std::fs::metadata(path).ok()?.len() > RECEIPT_BYTES_MAX {
        return None;
    }
    let document = evidence::read_document(&std::fs::read(path).ok()?).ok()?;
    (document.manifest["format"] == FORMAT_RECEIPT).then_some(document)
}

impl VerifyArgs {
    /// Proves a receipt, and prints what it says.
    fn receipt(&self, document: &Document) -> Result<ExitCode, CliError> {
        let (receipt, signed) = Receipt::read(document).map_err(|error| CliError::Said(format!("{}: {error}", self.clip.display())))?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&receipt).map_err(|error| CliError::Said(error.to_string()))?);
        } else {
            let given = &receipt.given;
            println!("receipt   of inspection {} at premises {}", given.inspection_id, given.premises_id);
            println!("received  {} from {}: {}", given.received_at, given.lead_id, given.outcome);
            println!("header    {}", given.header_sha256);
            for part in &given.parts {
                println!("part      {} {}", part.id, part.sha256);
            }
            for one in &given.evidence {
                println!("evidence  {} {}", one.id, one.sha256);
            }
            if let Some(drawn) = &given.drawn_sha256 {
                println!("paper     {drawn}{}", given.drawn_number.as_ref().map(|number| format!(" {number}")).unwrap_or_default());
            }
            println!("key       {} ({})", receipt.key.fingerprint, receipt.key.id);
        }
        let trusted = self.key.is_empty() || self.key.iter().any(|key| same_key(key, &receipt.key));
        if !signed {
            println!("CHANGED   the signature does not fit: nothing that the receipt says can be believed");
        }
        if !trusted {
            println!("NOT OURS  it was signed with {}, which is none of the keys named", receipt.key.fingerprint);
        }
        if signed && trusted {
            println!("unchanged the receipt is as it was given");
            if self.key.is_empty() {
                println!("          compare the key's fingerprint with the bureau's, or name it with --key");
            }
        }
        Ok(if signed && trusted { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn same_key(named: &str, key: &KeyFacts) -> bool {
    let plain: String = named.chars().filter(|letter| !letter.is_whitespace() && *letter != ':').collect();
    let of_key = STANDARD.decode(&plain).map(|key| fingerprint(&key)).ok();
    plain.eq_ignore_ascii_case(&key.fingerprint) || of_key.is_some_and(|of_key| of_key == key.fingerprint)
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
        if let Some(hidden) = &marked.hidden {
            let faces = hidden.faces.as_ref().map_or_else(
                || "faces were not looked for".to_owned(),
                |model| format!("faces found by {model} are hidden in {} pictures, and some may not be", hidden.pictures_with_faces),
            );
            println!("HIDDEN    {faces}; parts that somebody marked: {}", hidden.regions.len());
        }
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
