//! End to end through the real program, with real cameras over RTSP.
#![expect(clippy::unwrap_used, reason = "a test says what went wrong by failing")]

mod bucket;
mod cameras;
mod crash;
mod demo;
mod diagnosis;
mod faults;
mod hidden;
mod inspections;
mod keeping;
mod sources;
mod story;
mod transcode;
