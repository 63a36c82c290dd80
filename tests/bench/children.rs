//! Processes of the bench that end with it.

use std::process::{Child, Command, Stdio};

/// A process that is killed when this goes.
pub(crate) struct Helper(Child);

impl Helper {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self(command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}")))
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _gone = self.0.kill();
        let _gone = self.0.wait();
    }
}

/// This program with other arguments.
pub(crate) fn own(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(arguments);
    command
}

/// Another program that keeps every core busy, until this is dropped.
pub(crate) fn busy_cores() -> Vec<Helper> {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    (0..cores).map(|_| Helper::start(own(&["hog"]).stdin(Stdio::null()))).collect()
}

/// What `bench hog` does: nothing, as fast as it can, until it is killed or its parent is gone.
pub(crate) fn hog() -> ! {
    let parent = std::os::unix::process::parent_id();
    let mut value = 1_u64;
    loop {
        for _ in 0..50_000_000 {
            value = std::hint::black_box(value.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
        }
        if std::os::unix::process::parent_id() != parent {
            std::process::exit(0);
        }
    }
}
