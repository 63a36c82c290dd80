//! Takes the muxer's chunks: into memory at once, to disk a fragment at a time.
//!
//! Runs on the muxer's own thread, so a slow disk delays this camera's queue and nothing else. It decides where one
//! file ends and the next begins, syncs at its own second of each interval, and closes the file however the run ends.

use std::sync::Arc;

use bytes::Bytes;
use uuid::Uuid;

use super::batch::{Begins, ChunkMark};
use super::handle::CameraHandle;
use super::write_times::WriteTimes;
use crate::camera::{Codec, GapReason};
use crate::clock::Clock;
use crate::event::{MediaEvent, SegmentInfo};
use crate::live::{LiveChunk, LiveFragment, LiveInit};
use crate::mux::ChunkSink;
use crate::segment::path::SegmentName;
use crate::segment::recover::recover;
use crate::segment::{ChunkInfo, FragmentHeader, SegmentError, SegmentIndex, SegmentWriter};
use crate::settings::EngineConfig;

/// An open segment that grows is told about at most this often.
const GREW_INTERVAL_MS: i64 = 10_000;
/// A segment without a key frame to rotate at is closed at this many times its length.
const OVERLONG: i64 = 2;

/// Writes one run of a camera.
#[derive(Debug)]
pub struct FragmentSink {
    handle: Arc<CameraHandle>,
    index: Arc<SegmentIndex>,
    clock: Arc<dyn Clock>,
    times: Arc<WriteTimes>,
    codec: Codec,
    segment_ms: i64,
    sync_interval_ms: i64,
    stagger: u64,
    init: Option<Arc<LiveInit>>,
    /// The first fragment of the run, whose times start anew, is still to come.
    is_first: bool,
    writer: Option<SegmentWriter>,
    fragment: Option<OpenFragment>,
    /// Clock epoch of a fragment that was written before its end: what comes next goes on with it.
    goes_on: Option<u32>,
    last_sync_ms: i64,
    last_grew_ms: i64,
}

#[derive(Debug)]
struct OpenFragment {
    header: FragmentHeader,
    chunks: Vec<Bytes>,
}

impl FragmentSink {
    /// For one muxer run of the camera behind `handle`.
    #[must_use]
    pub fn new(
        handle: Arc<CameraHandle>,
        index: Arc<SegmentIndex>,
        clock: Arc<dyn Clock>,
        times: Arc<WriteTimes>,
        codec: Codec,
        config: &EngineConfig,
    ) -> Self {
        // Some bits of the id that differ from camera to camera, whatever made the ids.
        let (high, low) = handle.camera.as_u64_pair();
        let stagger = (high ^ low).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16;
        let ms = |value: u64| i64::try_from(value.max(1)).unwrap_or(i64::MAX);
        let (segment_ms, sync_interval_ms) = (ms(config.segment_ms), ms(config.sync_interval_ms));
        let last_sync_ms = -offset(stagger, sync_interval_ms);
        Self {
            handle,
            index,
            clock,
            times,
            codec,
            segment_ms,
            sync_interval_ms,
            stagger,
            init: None,
            is_first: true,
            writer: None,
            fragment: None,
            goes_on: None,
            last_sync_ms,
            last_grew_ms: 0,
        }
    }

    fn begin(&mut self, mark: &ChunkMark, begins: Begins, init: &Arc<LiveInit>) {
        let sequence = self.handle.next_sequence();
        let header = FragmentHeader {
            camera: self.handle.camera,
            sequence,
            epoch: begins.epoch,
            wall_ms: mark.wall_ms,
            mono_ms: mark.mono_ms,
            duration_ms: 0,
            sync: begins.sync,
            discontinuity: begins.discontinuity,
            damaged: false,
            checksum: 0,
            chunks: Vec::new(),
        };
        self.handle.live.begin(LiveFragment {
            sequence,
            wall_ms: header.wall_ms,
            sync: header.sync,
            discontinuity: self.is_first,
            complete: false,
            chunks: Vec::new(),
            init: init.clone(),
        });
        self.is_first = false;
        self.goes_on = None;
        self.handle.set_open_from(Some(header.wall_ms));
        self.fragment = Some(OpenFragment { header, chunks: Vec::new() });
    }

    /// Writes the gathered fragment.
    fn write(&mut self) -> Result<(), SegmentError> {
        let written = self.write_gathered();
        self.handle.set_open_from(None);
        written
    }

    fn write_gathered(&mut self) -> Result<(), SegmentError> {
        let (Some(OpenFragment { header, chunks }), Some(init)) = (self.fragment.take(), self.init.clone()) else {
            return Ok(());
        };
        self.leave_away();
        self.leave_damaged();
        if self.writer.as_ref().is_some_and(|writer| self.rotates(writer, &header))
            && let Err(error) = self.close()
        {
            // Its file is whole without a table too; whether there is room for the next one shows at once.
            tracing::error!(camera = %self.handle.camera, %error, "a file could not be closed in order");
            self.index.disks().look();
        }
        let end_ms = header.end_ms();
        let now = self.clock.monotonic();
        let now_ms = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
        if let Some(writer) = &mut self.writer {
            match writer.write(header.clone(), &chunks) {
                Ok(()) => {
                    self.times.writes.note(self.clock.monotonic().saturating_sub(now));
                    self.handle.wrote(end_ms);
                    return self.after_write(now_ms);
                }
                Err(error) => self.give_up(error)?,
            }
        }
        let writer = self.create(&header, &chunks, &init)?;
        let segment = writer.info();
        self.times.writes.note(self.clock.monotonic().saturating_sub(now));
        self.handle.tell(MediaEvent::SegmentOpened { camera: self.handle.camera, segment });
        self.writer = Some(writer);
        self.last_grew_ms = now_ms;
        self.handle.wrote(end_ms);
        Ok(())
    }

    /// Leaves the file of a disk that takes no more of it, where there is another disk to go on on.
    fn give_up(&mut self, error: SegmentError) -> Result<(), SegmentError> {
        if self.index.disks().here().count() <= 1 {
            return Err(error);
        }
        tracing::error!(camera = %self.handle.camera, %error, "a disk takes no more of a recording: it goes on on another");
        // Its file is whole without a table too.
        let _without_table = self.close();
        self.index.disks().look();
        Ok(())
    }

    /// Begins a file on the disk with the most room, or on the next where that one fails, and puts it into the index.
    fn create(&self, header: &FragmentHeader, chunks: &[Bytes], init: &LiveInit) -> Result<SegmentWriter, SegmentError> {
        let camera = self.handle.camera;
        let disks = self.index.disks();
        let mut failed = None;
        for disk in disks.places().into_iter().filter(|disk| disks.still_here(*disk)) {
            // Until the index knows the file: whoever moves recordings off this disk waits for it.
            let Some(_beginning) = disks.begin_on(disk) else { continue };
            let name = SegmentName { camera, start_ms: header.wall_ms, id: Uuid::now_v7() };
            match SegmentWriter::create(disks.folder(disk), name, self.codec, &init.data, header.clone(), chunks) {
                Ok(writer) => {
                    let writer = writer.on(disks.id(disk));
                    self.index.update(camera, writer.info(), true);
                    return Ok(writer);
                }
                Err(error) => {
                    tracing::error!(%camera, folder = %disks.folder(disk).display(), %error, "a disk takes no new file");
                    failed = Some(error);
                    disks.look();
                }
            }
        }
        Err(failed.unwrap_or_else(|| std::io::Error::other("no disk for recordings is here").into()))
    }

    /// The disk of the file that is being written went away: what it has stays there, and a new file begins on another.
    fn leave_away(&mut self) {
        let disks = self.index.disks();
        let is_away = |writer: &mut SegmentWriter| disks.number(writer.disk()).is_some_and(|disk| !disks.is_here(disk));
        let Some(writer) = self.writer.take_if(is_away) else { return };
        let (camera, segment) = (self.handle.camera, writer.info());
        self.index.update(camera, segment.clone(), false);
        self.handle.tell(MediaEvent::SegmentClosed { camera, segment });
    }

    /// Somebody removed or cut the file that is being written: what can be saved of it is, and a new file begins. What is
    /// missing is told as a gap, because nothing else would ever say so.
    fn leave_damaged(&mut self) {
        let Some(writer) = self.writer.take_if(|writer| !writer.is_intact()) else { return };
        let (camera, before) = (self.handle.camera, writer.info());
        drop(writer);
        tracing::error!(%camera, path = before.path, "the file that is being written was removed or cut by somebody else");
        let name = SegmentName { camera, start_ms: before.start_ms, id: before.id };
        let disks = self.index.disks();
        let disk = disks.number(before.disk).unwrap_or(0);
        let saved = recover(disks.folder(disk), name, true).ok().flatten();
        let saved = saved.map(|recovered| SegmentInfo { disk: before.disk, ..recovered.segment });
        let missing_from_ms = saved.as_ref().map_or(before.start_ms, |saved| saved.end_ms);
        match saved {
            Some(segment) => {
                self.index.update(camera, segment.clone(), false);
                self.handle.tell(MediaEvent::SegmentClosed { camera, segment });
            }
            None => {
                self.index.forget(camera, &before);
                let SegmentInfo { id: segment, start_ms, end_ms, .. } = before;
                self.handle.tell(MediaEvent::SegmentDeleted { camera, segment, start_ms, end_ms, reason: "lost" });
            }
        }
        let (start_ms, end_ms, reason) = (missing_from_ms, before.end_ms, GapReason::Disk);
        if start_ms < end_ms {
            self.handle.tell(MediaEvent::GapClosed { camera, start_ms, end_ms, reason });
        }
    }

    fn after_write(&mut self, now_ms: i64) -> Result<(), SegmentError> {
        let Some(writer) = &mut self.writer else { return Ok(()) };
        let segment = writer.info();
        self.index.update(self.handle.camera, segment.clone(), true);
        if now_ms - self.last_grew_ms >= GREW_INTERVAL_MS {
            self.last_grew_ms = now_ms;
            self.handle.tell(MediaEvent::SegmentGrew { camera: self.handle.camera, segment });
        }
        if now_ms - self.last_sync_ms >= self.sync_interval_ms {
            let before = self.clock.monotonic();
            if let Err(error) = writer.sync() {
                self.give_up(error)?;
            }
            self.times.syncs.note(self.clock.monotonic().saturating_sub(before));
            // Stays on this camera's own offset in the interval, so that cameras do not drift into one second.
            self.last_sync_ms = now_ms - (now_ms - self.last_sync_ms) % self.sync_interval_ms;
        }
        Ok(())
    }

    /// Whether a file ends before this fragment: its time is over, or the clock was stepped.
    fn rotates(&self, writer: &SegmentWriter, next: &FragmentHeader) -> bool {
        let info = writer.info();
        if next.epoch != info.epoch {
            return true;
        }
        // Recordings are being moved away from its disk: the sooner it is closed, the sooner it goes as well.
        let disks = self.index.disks();
        if next.sync && disks.len() > 1 && disks.number(info.disk).is_some_and(|disk| disks.is_leaving(disk)) {
            return true;
        }
        let offset_ms = offset(self.stagger, self.segment_ms);
        let slot = |at_ms: i64| (at_ms + offset_ms).div_euclid(self.segment_ms);
        let over = slot(next.wall_ms) != slot(info.start_ms);
        over && (next.sync || next.wall_ms - info.start_ms >= OVERLONG * self.segment_ms)
    }

    fn close(&mut self) -> Result<(), SegmentError> {
        let Some(writer) = self.writer.take() else { return Ok(()) };
        let as_it_stands = writer.info();
        let before = self.clock.monotonic();
        let closed = writer.close();
        self.times.syncs.note(self.clock.monotonic().saturating_sub(before));
        // Without its table the file is whole all the same.
        let segment = closed.as_ref().map_or(as_it_stands, Clone::clone);
        self.index.update(self.handle.camera, segment.clone(), false);
        self.handle.tell(MediaEvent::SegmentClosed { camera: self.handle.camera, segment });
        closed.map(|_| ())
    }

    fn finish(&mut self) {
        let camera = self.handle.camera;
        if let Err(error) = self.write().and_then(|()| self.close()) {
            tracing::error!(%camera, %error, "the end of a recording is lost");
        }
    }
}

impl ChunkSink for FragmentSink {
    fn init(&mut self, init: Bytes) -> Result<(), String> {
        let generation = self.handle.next_generation();
        self.init = Some(Arc::new(LiveInit { generation, codec: self.codec, data: init }));
        Ok(())
    }

    fn chunk(&mut self, mark: ChunkMark, data: Bytes) -> Result<(), String> {
        let init = self.init.clone().ok_or("a chunk before the header")?;
        let continued = self.goes_on.map(|epoch| Begins { sync: false, discontinuity: false, epoch });
        if let Some(begins) = mark.begins.or(continued) {
            self.begin(&mark, begins, &init);
        }
        let fragment = self.fragment.as_mut().ok_or("a chunk outside a fragment")?;
        let len = u32::try_from(data.len()).map_err(|_| "a chunk of more than 4 GiB")?;
        let mut checksum = crc32fast::Hasher::new_with_initial(fragment.header.checksum);
        checksum.update(&data);
        fragment.header.checksum = checksum.finalize();
        fragment.header.duration_ms += mark.duration_ms;
        fragment.header.damaged |= mark.damaged;
        fragment.header.chunks.push(ChunkInfo { len, duration_ms: mark.duration_ms, frames: mark.frames });
        fragment.chunks.push(data.clone());
        let (end_ms, epoch) = (fragment.header.end_ms(), fragment.header.epoch);
        // A clip that ends in the middle of a long group of pictures does not wait for the next key frame: the rest of the
        // group goes on as a continuation.
        let ends_early = self.handle.is_wanted(end_ms) && !mark.ends;
        let chunk = LiveChunk { data, duration_ms: mark.duration_ms, independent: mark.independent };
        self.handle.live.push(chunk, mark.ends || ends_early);
        if ends_early {
            self.goes_on = Some(epoch);
        }
        if mark.ends || ends_early { self.write().map_err(|error| error.to_string()) } else { Ok(()) }
    }

    fn end(&mut self) {
        self.finish();
    }
}

impl Drop for FragmentSink {
    /// A run that failed ends here: whole chunks that came out are kept.
    fn drop(&mut self) {
        self.finish();
    }
}

/// A camera's place in an interval.
fn offset(stagger: u64, interval_ms: i64) -> i64 {
    i64::try_from(stagger % interval_ms.unsigned_abs().max(1)).unwrap_or(0)
}
