//! Support for the end-to-end tests: they drive the real binary, real cameras and both databases.
