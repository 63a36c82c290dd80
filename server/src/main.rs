//! The `bright-kitchen` binary: see `server::cli`.

use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

/// Gives back what was used for a moment: what passwords are hashed in (19 MiB each) stayed with each thread before.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How soon the allocator gives memory back to the system, by the name under which it reads that. Its own word is a second: a hundred
/// phones that come back at once would keep 80 MB more.
const GIVE_BACK: (&str, &str) = ("MIMALLOC_PURGE_DELAY", "10");

fn main() -> ExitCode {
    // It reads that once, before this is reached, and there is no other way to tell it: so the program begins anew, as the same process.
    if std::env::var_os(GIVE_BACK.0).is_none()
        && let Ok(program) = std::env::current_exe()
    {
        let error = Command::new(program).args(std::env::args_os().skip(1)).env(GIVE_BACK.0, GIVE_BACK.1).exec();
        eprintln!("bright-kitchen: {error}; going on with more memory");
    }
    server::cli::main()
}
