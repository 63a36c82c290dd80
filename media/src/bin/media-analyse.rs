//! The analysis and transcoding processes by themselves, for tests of this crate and for whoever embeds it without the
//! server's program. The server's own binary runs the same functions as its `analyse` and `transcode` commands.

use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("transcode") => media::transcode_main(),
        _ => media::analyse_main(),
    }
}
