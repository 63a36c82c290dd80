//! Recording: one task a camera, from its stream to files, and what keeps the disk in order.
//!
//! [`task`] owns a camera: it opens the source, cuts the stream into chunks and fragments ([`batch`]), feeds the muxer
//! and, when anything fails, tears all of it down and starts again later ([`backoff`]). [`sink`] runs on the muxer's
//! own thread and is the only one that writes files. [`retention`] deletes, [`gaps`] says what is missing and why,
//! [`signal`] notices that no packet comes.

pub mod backoff;
pub mod batch;
pub mod decode_time;
pub mod filler;
pub mod gaps;
pub mod handle;
pub mod keeping;
pub mod meter;
#[cfg(debug_assertions)]
mod mishap;
pub mod outbox;
pub mod pace;
pub mod recent;
pub mod reorder;
pub mod retention;
#[cfg(test)]
mod retention_tests;
pub mod run;
pub mod signal;
pub mod sink;
pub mod space;
pub mod stream_clock;
pub mod sub;
pub mod task;
pub mod write_times;

pub use outbox::EventSink;
pub use space::{DiskSpace, Space, SystemDisk};
pub use write_times::{TimesFigures, WriteTimes};
