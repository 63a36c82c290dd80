//! Analysis: what the recorder hands over, and the child process that looks at it.

pub mod feed;
