//! The `bright-kitchen` binary: see `server::cli`.

/// Gives back what was used for a moment: what passwords are hashed in (19 MiB each) stayed with each thread before.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    server::cli::main()
}
