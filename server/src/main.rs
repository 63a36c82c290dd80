//! The `bright-kitchen` binary: see `server::cli`.

use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

/// How the C library's allocator keeps memory, by the name under which it reads that: large pieces are mapped for themselves and given
/// back when they are free (what passwords are hashed in, 19 MiB each, would stay with each thread), and what one thread frees another
/// uses. Decision 0013 has what it saves.
const KEEPS: (&str, &str) =
    ("GLIBC_TUNABLES", "glibc.malloc.mmap_threshold=262144:glibc.malloc.trim_threshold=131072:glibc.malloc.arena_max=2");

fn main() -> ExitCode {
    // It is read before this is reached and cannot be told later, so the program begins anew, as the same process.
    if std::env::var_os(KEEPS.0).is_none()
        && let Ok(program) = std::env::current_exe()
    {
        let error = Command::new(program).args(std::env::args_os().skip(1)).env(KEEPS.0, KEEPS.1).exec();
        eprintln!("bright-kitchen: {error}; going on with more memory");
    }
    server::cli::main()
}
