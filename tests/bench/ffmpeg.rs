//! The peer that records: one `ffmpeg -c copy -f segment` a camera.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::cameras::Cameras;
use crate::children::Helper;

/// Records every camera into a folder of its own below `folder`.
pub(crate) fn record_all(cameras: &Cameras, folder: &Path) -> Vec<Helper> {
    cameras
        .paths()
        .iter()
        .map(|path| {
            let into = folder.join(path);
            std::fs::create_dir_all(&into).unwrap();
            let mut command = Command::new("ffmpeg");
            command.args(["-nostdin", "-loglevel", "error", "-rtsp_transport", "tcp", "-i", &cameras.url(path)]);
            command.args(["-c", "copy", "-f", "segment", "-segment_time", "600", "-reset_timestamps", "1"]).arg(into.join("%05d.mp4"));
            Helper::start(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()))
        })
        .collect()
}
