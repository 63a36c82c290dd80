//! The engine's answers to whoever looks for a camera: under its own rules for addresses.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::discovery::{self, Found};
use super::{Device, describe};
use crate::camera::Secret;
use crate::engine::Engine;
use crate::source::SourceError;
use crate::source::address::AddressPolicy;
use crate::source::digest::Login;

impl Engine {
    /// Asks the local network, or one device, which cameras there are.
    ///
    /// # Errors
    /// As [`discovery::discover`].
    pub async fn discover(&self, device: Option<SocketAddr>, wait: Duration) -> Result<Vec<Found>, SourceError> {
        discovery::discover(device, wait, &AddressPolicy::new(self.config())).await
    }

    /// Asks an ONVIF device for its streams, its clock and what it is.
    ///
    /// # Errors
    /// As [`describe`].
    pub async fn describe_device(&self, url: &Url, login: Option<(String, Secret)>) -> Result<Device, SourceError> {
        let login = login.map(|(username, password)| Login { username, password });
        describe(url, login, &Arc::new(AddressPolicy::new(self.config())), self.clock()).await
    }
}
