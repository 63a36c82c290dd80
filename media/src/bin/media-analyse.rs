//! The analysis process by itself, for tests of this crate and for whoever embeds it without the server's program.
//! The server's own binary runs the same function as its `analyse` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    media::analyse_main()
}
