//! Follows a camera's live stream chunk by chunk, for whoever must not miss one without knowing it.

use bytes::Bytes;
use tokio::sync::watch;

use crate::live::{LiveFragment, LivePosition, LiveRing};

/// A chunk and when its first picture arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Followed {
    pub(super) wall_ms: i64,
    pub(super) media: Bytes,
}

/// An unbroken stretch of a live stream.
#[derive(Debug)]
pub(super) struct Follower<'a> {
    ring: &'a LiveRing,
    positions: watch::Receiver<Option<LivePosition>>,
    /// Generation of the header that its chunks belong to.
    generation: u64,
    sequence: u64,
    chunk: usize,
}

impl<'a> Follower<'a> {
    /// Begins with the newest whole fragment, so that whoever waits soon has one, or else with the newest key frame, as soon
    /// as there is one; gives the fragment.
    pub(super) async fn begin(ring: &'a LiveRing) -> Option<(Self, LiveFragment)> {
        let mut positions = ring.subscribe();
        loop {
            let live = positions.borrow_and_update().is_some();
            if let Some(fragment) = beginning(ring.snapshot()).filter(|_| live) {
                let (generation, sequence) = (fragment.init.generation, fragment.sequence);
                return Some((Self { ring, positions, generation, sequence, chunk: 0 }, fragment));
            }
            positions.changed().await.ok()?;
        }
    }

    /// The next chunk, when it is there; `None` where the stretch is over: the stream ended, begins anew with another header
    /// or other times, or went on faster than it was followed.
    pub(super) async fn next(&mut self) -> Option<Followed> {
        loop {
            let live = self.positions.borrow_and_update().is_some();
            let fragment = self.ring.fragment(self.sequence).filter(|_| live)?;
            if let Some(chunk) = fragment.chunks.get(self.chunk) {
                let before_ms: i64 = fragment.chunks[..self.chunk].iter().map(|chunk| i64::from(chunk.duration_ms)).sum();
                self.chunk += 1;
                return Some(Followed { wall_ms: fragment.wall_ms.saturating_add(before_ms), media: chunk.data.clone() });
            }
            if !fragment.complete {
                self.positions.changed().await.ok()?;
                continue;
            }
            match self.ring.fragment(self.sequence + 1) {
                Some(next) if next.discontinuity || next.init.generation != self.generation => return None,
                Some(_) => (self.sequence, self.chunk) = (self.sequence + 1, 0),
                None if self.positions.borrow().is_some_and(|position| position.sequence > self.sequence + 1) => return None,
                None => self.positions.changed().await.ok()?,
            }
        }
    }
}

fn beginning(mut fragments: Vec<LiveFragment>) -> Option<LiveFragment> {
    let newest = fragments.iter().rposition(|fragment| fragment.sync && !fragment.chunks.is_empty())?;
    let grows = !fragments[newest].complete;
    // What lies before a break does not lead on to what comes.
    let before = newest.checked_sub(1).filter(|&before| {
        let (before, newest) = (&fragments[before], &fragments[newest]);
        grows && before.sync && !newest.discontinuity && before.init.generation == newest.init.generation
    });
    Some(fragments.swap_remove(before.unwrap_or(newest)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::camera::Codec;
    use crate::live::{LiveChunk, LiveInit};

    fn begin(ring: &LiveRing, sequence: u64, sync: bool, discontinuity: bool, generation: u64) {
        let init = Arc::new(LiveInit { generation, codec: Codec::H265, data: Bytes::new() });
        let wall_ms = i64::try_from(sequence).expect("small") * 10_000;
        ring.begin(LiveFragment { sequence, wall_ms, sync, discontinuity, complete: false, chunks: Vec::new(), init });
    }

    fn push(ring: &LiveRing, text: &'static str, last: bool) {
        ring.push(LiveChunk { data: Bytes::from_static(text.as_bytes()), duration_ms: 500, independent: true }, last);
    }

    async fn next(follower: &mut Follower<'_>) -> Option<(i64, String)> {
        let followed = follower.next().await?;
        Some((followed.wall_ms, String::from_utf8(followed.media.to_vec()).expect("text")))
    }

    /// Polls a future once: what waits is not ready.
    async fn waits<T>(future: impl Future<Output = T>) -> bool {
        futures::future::poll_immediate(std::pin::pin!(future)).await.is_none()
    }

    #[tokio::test]
    async fn it_begins_with_the_newest_whole_fragment_and_goes_on_without_a_break() {
        let ring = LiveRing::default();
        assert!(waits(Follower::begin(&ring)).await, "nothing has come");
        begin(&ring, 1, true, true, 1);
        push(&ring, "1a", true);
        begin(&ring, 2, true, false, 1);
        push(&ring, "2a", false);
        let (mut follower, fragment) = Follower::begin(&ring).await.expect("live");
        assert_eq!(fragment.sequence, 1, "the newest that is whole");
        assert_eq!(next(&mut follower).await, Some((10_000, "1a".into())));
        assert_eq!(next(&mut follower).await, Some((20_000, "2a".into())));
        assert!(waits(follower.next()).await);
        push(&ring, "2b", true);
        assert_eq!(next(&mut follower).await, Some((20_500, "2b".into())));
        assert!(waits(follower.next()).await);
        begin(&ring, 3, false, false, 1);
        push(&ring, "3a", true);
        assert_eq!(next(&mut follower).await, Some((30_000, "3a".into())), "what no key frame begins goes on as well");
        begin(&ring, 4, true, true, 1);
        push(&ring, "4a", true);
        assert_eq!(next(&mut follower).await, None, "times begin anew");
        begin(&ring, 5, true, true, 2);
        push(&ring, "5a", false);
        assert_eq!(Follower::begin(&ring).await.expect("live").1.sequence, 5, "not with what lies before a break");
    }

    #[tokio::test]
    async fn a_stretch_is_over_when_the_stream_ends_or_is_lost_from_sight() {
        let ring = LiveRing::default();
        for sequence in 1..=6 {
            begin(&ring, sequence, true, sequence == 1, 1);
            push(&ring, "a", true);
            if sequence == 1 {
                let (mut follower, _) = Follower::begin(&ring).await.expect("live");
                assert_eq!(next(&mut follower).await, Some((10_000, "a".into())));
            }
        }
        let (mut slow, _) = Follower::begin(&ring).await.expect("live");
        assert_eq!(next(&mut slow).await, Some((60_000, "a".into())));
        for sequence in 7..=12 {
            begin(&ring, sequence, true, false, 1);
            push(&ring, "a", true);
        }
        assert_eq!(next(&mut slow).await, None, "it was too slow");
        let (mut follower, _) = Follower::begin(&ring).await.expect("live");
        next(&mut follower).await.expect("there");
        ring.end();
        assert_eq!(next(&mut follower).await, None);
    }
}
