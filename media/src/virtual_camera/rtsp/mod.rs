//! The RTSP side of the virtual cameras: requests, authentication, description, and one task a connection.

pub(super) mod auth;
pub(super) mod connection;
pub(super) mod message;
mod play;
pub(super) mod sdp;
mod transport;
