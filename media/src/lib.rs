//! Cameras: sources, recorder, playback, diagnosis, and the virtual cameras that exercise them.
//!
//! This crate knows no inspection and no database: it is handed camera specifications and answers with events.
