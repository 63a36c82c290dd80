//! What ffprobe, ffmpeg and VLC say of a file: they are not ours, so they do not share our mistakes.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;

/// What libgcrypt, which ffmpeg links, says where a container does not let it lock memory; no complaint about a file.
const UNLOCKED_MEMORY: &str = "Warning: using insecure memory!\n";

/// What a file holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Probed {
    pub codec: String,
    pub width: i64,
    pub height: i64,
    pub duration_s: f64,
    pub frames: i64,
}

/// Reads a file with ffprobe, counting its frames.
pub fn probe(path: &Path) -> Probed {
    let output = Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-count_frames",
            "-select_streams",
            "v:0",
            "-show_entries",
            "stream=codec_name,width,height,nb_read_frames:format=duration",
            "-of",
            "json",
        ])
        .arg(path)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let stream = &json["streams"][0];
    Probed {
        codec: stream["codec_name"].as_str().unwrap_or_default().to_owned(),
        width: stream["width"].as_i64().unwrap_or_default(),
        height: stream["height"].as_i64().unwrap_or_default(),
        duration_s: json["format"]["duration"].as_str().and_then(|text| text.parse().ok()).unwrap_or_default(),
        frames: stream["nb_read_frames"].as_str().and_then(|text| text.parse().ok()).unwrap_or_default(),
    }
}

/// How many pictures a file holds, whether or not a decoder can show them.
pub fn packets(path: &Path) -> i64 {
    let arguments =
        ["-v", "error", "-count_packets", "-select_streams", "v:0", "-show_entries", "stream=nb_read_packets", "-of", "csv=p=0"];
    let output = Command::new("ffprobe").args(arguments).arg(path).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().trim_end_matches(',').parse().unwrap()
}

/// Decodes every frame, whose times may lie unevenly; panics with ffmpeg's words where it complains of anything else.
pub fn decodes_with_uneven_times(path: &Path) {
    let output = Command::new("ffmpeg").args(["-v", "warning", "-i"]).arg(path).args(["-f", "null", "-"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let complaints = said.lines().filter(|line| !line.contains("non monotonically increasing dts") && !line.trim().is_empty());
    assert!(output.status.success() && complaints.count() == 0, "{said}");
}

/// Decodes every frame; panics with ffmpeg's words where it complains.
pub fn decodes_cleanly(path: &Path) {
    let output = Command::new("ffmpeg").args(["-v", "warning", "-i"]).arg(path).args(["-f", "null", "-"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).replace(UNLOCKED_MEMORY, "");
    assert!(output.status.success() && said.trim().is_empty(), "{said}");
}

/// One picture in so many that VLC shows is kept, to be counted.
const SHOWN_IN: i64 = 10;

/// Plays a file of so many frames in VLC, as a person would; panics where it does not show it.
///
/// On a busy machine VLC leaves out pictures that come too late; most must be seen. It plays for nobody who is root, so then it is started as somebody without rights, who can read nothing but a folder made
/// for it.
pub fn plays_in_vlc(path: &Path, frames: i64) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let film = folder.path().join("film.mp4");
    std::fs::copy(path, &film).unwrap();
    std::fs::set_permissions(&film, std::fs::Permissions::from_mode(0o644)).unwrap();
    let root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    let unprivileged: &[&str] = if root { &["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] } else { &[] };
    let mut words = unprivileged.iter().chain(&["timeout", "240", "cvlc"]);
    let output = Command::new(words.next().unwrap())
        .args(words)
        .args(["-I", "dummy", "--no-audio", "--vout=dummy", "--play-and-exit", "--no-drop-late-frames", "--no-skip-frames"])
        .args(["--video-filter=scene", "--scene-format=png"])
        .arg(format!("--scene-ratio={SHOWN_IN}"))
        .arg(format!("--scene-path={}", folder.path().display()))
        .arg(&film)
        .env("HOME", folder.path())
        .env("XDG_RUNTIME_DIR", folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let shown = std::fs::read_dir(folder.path()).unwrap().filter(|file| file.as_ref().unwrap().path().extension() == Some("png".as_ref()));
    let (shown, whole) = (i64::try_from(shown.count()).unwrap(), frames / SHOWN_IN);
    assert!(output.status.success() && shown > whole / 2, "{shown} of {whole} pictures were shown: {said}");
}
