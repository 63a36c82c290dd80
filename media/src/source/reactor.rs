//! The sockets of cameras, looked at in turns.
//!
//! A runtime wakes for each packet that comes, though nobody reads it before its turn ([`crate::record`], `pace.rs`). The sockets of RTSP
//! belong to a runtime of their own that looks at all of them forty times a second and sleeps between; whoever reads does so on
//! the program's runtime as ever. What waits for an answer, such as opening a stream, waits up to a turn longer.

use std::future::Future;
use std::pin::pin;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Handle};

/// Between one turn and the next.
pub(crate) const TURN: Duration = Duration::from_millis(25);
/// So long before a turn the sockets are looked at: readers find what they hold.
const LEAD: Duration = Duration::from_millis(2);

/// All turns count from here, so that one waking serves whoever has the same.
pub(crate) static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
/// `None` where no thread can be had: then the program's own runtime looks.
static SOCKETS: LazyLock<Option<Handle>> =
    LazyLock::new(|| start().inspect_err(|error| tracing::warn!(%error, "cameras' sockets have no thread of their own")).ok());

fn start() -> std::io::Result<Handle> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    std::thread::Builder::new().name("camera sockets".to_owned()).spawn(move || {
        loop {
            std::thread::sleep(until_look(BEGAN.elapsed()));
            // Giving way once makes the runtime look at what has come, without waiting.
            runtime.block_on(tokio::task::yield_now());
        }
    })?;
    Ok(handle)
}

/// From `passed` to the next look.
fn until_look(passed: Duration) -> Duration {
    let into = (passed + LEAD).as_nanos() % TURN.as_nanos();
    TURN - Duration::from_nanos(u64::try_from(into).unwrap_or(0))
}

/// Runs `work`, which opens sockets: they are looked at in turns.
pub(crate) async fn in_turns<F: Future>(work: F) -> F::Output {
    let mut work = pin!(work);
    std::future::poll_fn(|context| {
        let _entered = SOCKETS.as_ref().map(Handle::enter);
        work.as_mut().poll(context)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};

    #[test]
    fn a_look_comes_shortly_before_each_turn() {
        assert_eq!(until_look(Duration::from_millis(100)), Duration::from_millis(23));
        assert_eq!(until_look(Duration::from_millis(122)), Duration::from_millis(1));
        assert_eq!(until_look(Duration::from_millis(123)), Duration::from_millis(25), "one that has come is over");
    }

    #[tokio::test]
    async fn what_comes_is_there_at_the_next_turn_and_wakes_who_waits() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let (reader, sender) = tokio::join!(in_turns(TcpStream::connect(address)), listener.accept());
        let (mut reader, mut sender) = (reader.expect("connects"), sender.expect("accepts").0);
        let mut content = [0; 8];
        assert!(reader.read(&mut content).now_or_never().is_none(), "nothing was sent");
        sender.write_all(b"one").await.expect("sends");
        tokio::time::sleep(2 * TURN).await;
        assert_eq!(reader.read(&mut content).now_or_never().expect("is there without waiting").expect("reads"), 3);
        let (read, ()) = tokio::join!(reader.read(&mut content), async {
            tokio::time::sleep(TURN).await;
            sender.write_all(b"four").await.expect("sends");
        });
        assert_eq!(read.expect("was woken"), 4);
        drop(sender);
        assert_eq!(reader.read(&mut content).await.expect("hears of the end"), 0);
    }
}
