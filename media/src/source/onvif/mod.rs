//! ONVIF (Profiles S and T): what a camera says of itself, its streams and where they are; and which cameras there are.
//!
//! A device's answers are data, not orders: its services are asked at the host that was asked for, whatever address it
//! names for them, and a stream or snapshot that lies at another host is told without its address, with the reason.
//! Every exchange goes through [`super::fetch`], so the rules for addresses hold here too.

pub mod discovery;
mod engine;
mod soap;
#[cfg(test)]
mod tests;
mod xml;

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::SourceError;
use super::address::AddressPolicy;
use super::digest::Login;
use super::fetch::Fetcher;
use crate::camera::StateReason;
use crate::clock::Clock;
use xml::Element;

/// Names of the services; they are compared, never fetched.
const DEVICE: &str = "http://www.onvif.org/ver10/device/wsdl";
const MEDIA: &str = "http://www.onvif.org/ver10/media/wsdl";
const MEDIA2: &str = "http://www.onvif.org/ver20/media/wsdl";
const SCHEMA: &str = "http://www.onvif.org/ver10/schema";

/// Profiles that are looked at; a recorder of 64 channels has more, and says so.
pub const PROFILES_MAX: usize = 64;
/// Where the device service lies unless the address says otherwise.
const DEVICE_PATH: &str = "/onvif/device_service";
/// For one request, and for all of them together.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(8);
const ALL_TIMEOUT: Duration = Duration::from_secs(40);
/// Characters of a text that is passed on.
const TEXT_CHARS_MAX: usize = 200;

/// What a device says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Device {
    /// Who made it.
    pub manufacturer: Option<String>,
    /// What it is.
    pub model: Option<String>,
    /// Version of its firmware.
    pub firmware: Option<String>,
    /// Its clock minus ours, milliseconds.
    pub clock_offset_ms: Option<i64>,
    /// Its streams, the largest picture first.
    pub profiles: Vec<Profile>,
    /// It has more profiles than were looked at.
    pub more: bool,
}

/// One stream of a device.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Profile {
    /// The device's name for it in requests.
    pub token: String,
    /// Its name for people.
    pub name: String,
    /// `h264`, `h265`, `jpeg` or what the device says, in small letters.
    pub codec: Option<String>,
    /// Pixels.
    pub width: Option<u32>,
    /// Pixels.
    pub height: Option<u32>,
    /// Frames a second at most.
    pub fps: Option<f64>,
    /// Bits a second at most.
    pub bit_rate: Option<u64>,
    /// Where the stream is; never with credentials.
    pub stream_url: Option<Url>,
    /// Where a single picture is; never with credentials.
    pub snapshot_url: Option<Url>,
    /// Why there is no stream address, in words.
    pub problem: Option<String>,
    /// What it is best taken for.
    pub role: Option<Role>,
}

/// What a profile is best taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The record: the largest picture.
    Main,
    /// Analysis and the wall: the smallest.
    Sub,
}

/// The address of a device's service, from what people write: `192.168.1.64`, `192.168.1.64:8000` or a whole address.
///
/// # Errors
/// [`StateReason::AddressNotAllowed`] for what is no http address.
pub fn device_url(text: &str) -> Result<Url, SourceError> {
    let denied = || SourceError::new(StateReason::AddressNotAllowed, "an address such as 192.168.1.64 or 192.168.1.64:8000");
    let text = text.trim();
    let whole = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let mut url: Url = whole.parse().map_err(|_| denied())?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err(denied());
    }
    if matches!(url.path(), "" | "/") {
        url.set_path(DEVICE_PATH);
    }
    url.set_fragment(None);
    url.set_password(None).and_then(|()| url.set_username("")).map_err(|()| denied())?;
    Ok(url)
}

/// Asks a device for all of it.
///
/// # Errors
/// [`SourceError`] with the reason why nothing can be said; a single profile that fails says so in itself.
pub async fn describe(url: &Url, login: Option<Login>, policy: &Arc<AddressPolicy>, clock: &dyn Clock) -> Result<Device, SourceError> {
    let asking = async {
        let fetcher = Fetcher::new(policy.clone(), REQUEST_TIMEOUT, url, login.clone());
        let mut client = Client { fetcher, url: url.clone(), login, clock, offset_ms: 0 };
        client.describe().await
    };
    let late = || SourceError::new(StateReason::Timeout, "the device does not answer in time");
    tokio::time::timeout(ALL_TIMEOUT, asking).await.map_err(|_| late())?
}

struct Client<'a> {
    fetcher: Fetcher,
    url: Url,
    login: Option<Login>,
    clock: &'a dyn Clock,
    /// The device's clock minus ours: its tokens must bear its own time.
    offset_ms: i64,
}

impl Client<'_> {
    async fn describe(&mut self) -> Result<Device, SourceError> {
        // Needs no login by the standard; a device that wants one all the same keeps its time for itself.
        let before_ms = self.clock.wall_ms();
        let time = match soap::call(&self.fetcher, &self.url, "<tds:GetSystemDateAndTime/>", None).await {
            Ok(answer) => device_ms(&answer),
            Err(error) if matches!(error.reason, StateReason::Unauthorized | StateReason::BadStream) => None,
            Err(error) => return Err(error),
        };
        let clock_offset_ms = time.map(|ms| ms - before_ms.midpoint(self.clock.wall_ms()));
        self.offset_ms = clock_offset_ms.unwrap_or(0);
        let url = self.url.clone();
        let about = match self.call(&url, "<tds:GetDeviceInformation/>").await {
            Ok(answer) => Some(answer),
            Err(error) if error.reason == StateReason::BadStream => None,
            Err(error) => return Err(error),
        };
        let said = |name: &str| about.as_ref().and_then(|about| about.text_at(&[name])).map(short);
        let (manufacturer, model, firmware) = (said("Manufacturer"), said("Model"), said("FirmwareVersion"));
        let (profiles, more) = self.profiles().await?;
        Ok(Device { manufacturer, model, firmware, clock_offset_ms, profiles, more })
    }

    async fn call(&self, url: &Url, body: &str) -> Result<Element, SourceError> {
        let token = self.login.as_ref().map(|login| (login, self.clock.wall_ms().saturating_add(self.offset_ms)));
        soap::call(&self.fetcher, url, body, token).await
    }

    /// Where the media services are: the second version (Profile T, which alone knows H.265) before the first.
    async fn services(&self) -> Result<(Option<Url>, Option<Url>), SourceError> {
        let asked = "<tds:GetServices><tds:IncludeCapability>false</tds:IncludeCapability></tds:GetServices>";
        match self.call(&self.url, asked).await {
            Ok(answer) => {
                let of = |namespace: &str| {
                    let named = |service: &&Element| service.text_at(&["Namespace"]) == Some(namespace);
                    answer.all("Service").find(named).and_then(|service| self.at_home(service.text_at(&["XAddr"])?))
                };
                Ok((of(MEDIA2), of(MEDIA)))
            }
            Err(error) if error.reason == StateReason::BadStream => {
                let asked = "<tds:GetCapabilities><tds:Category>Media</tds:Category></tds:GetCapabilities>";
                let answer = self.call(&self.url, asked).await?;
                Ok((None, answer.text_at(&["Capabilities", "Media", "XAddr"]).and_then(|text| self.at_home(text))))
            }
            Err(error) => Err(error),
        }
    }

    /// A service's address at the host that was asked: behind a router a device names one that leads nowhere.
    fn at_home(&self, text: &str) -> Option<Url> {
        let named: Url = text.parse().ok()?;
        let mut url = self.url.clone();
        url.set_path(named.path());
        url.set_query(named.query());
        Some(url)
    }

    async fn profiles(&self) -> Result<(Vec<Profile>, bool), SourceError> {
        let (second, first) = self.services().await?;
        let none = || SourceError::new(StateReason::NotVideo, "the device has no media service");
        if let Some(url) = &second {
            match self.call(url, "<tr2:GetProfiles><tr2:Type>VideoEncoder</tr2:Type></tr2:GetProfiles>").await {
                Ok(answer) if answer.child("Profiles").is_some() => return Ok(self.streams(url, &answer, true).await),
                // The first version may do better.
                Ok(_) => {}
                Err(error) if first.is_some() && error.reason == StateReason::BadStream => {}
                Err(error) => return Err(error),
            }
        }
        let url = first.ok_or_else(none)?;
        let answer = self.call(&url, "<trt:GetProfiles/>").await?;
        Ok(self.streams(&url, &answer, false).await)
    }

    async fn streams(&self, url: &Url, answer: &Element, second: bool) -> (Vec<Profile>, bool) {
        let mut profiles = Vec::new();
        for element in answer.all("Profiles").take(PROFILES_MAX) {
            let mut profile = read_profile(element, second);
            if profile.codec.is_some() {
                self.addresses(url, &mut profile, second).await;
                profiles.push(profile);
            }
        }
        profiles.sort_by_key(|profile| std::cmp::Reverse(pixels(profile)));
        assign_roles(&mut profiles);
        (profiles, answer.all("Profiles").count() > PROFILES_MAX)
    }

    async fn addresses(&self, url: &Url, profile: &mut Profile, second: bool) {
        let token = xml::escaped(&profile.token);
        let asked = if second {
            format!("<tr2:GetStreamUri><tr2:Protocol>RTSP</tr2:Protocol><tr2:ProfileToken>{token}</tr2:ProfileToken></tr2:GetStreamUri>")
        } else {
            format!(
                "<trt:GetStreamUri><trt:StreamSetup><tt:Stream>RTP-Unicast</tt:Stream><tt:Transport><tt:Protocol>RTSP</tt:Protocol>\
                 </tt:Transport></trt:StreamSetup><trt:ProfileToken>{token}</trt:ProfileToken></trt:GetStreamUri>"
            )
        };
        let answer = self.call(url, &asked).await;
        match answer.and_then(|answer| self.own_address(uri(&answer), &["rtsp", "rtsps"])) {
            Ok(stream) => profile.stream_url = Some(stream),
            Err(error) => profile.problem = Some(error.detail),
        }
        let version = if second { "tr2" } else { "trt" };
        let asked =
            format!("<{version}:GetSnapshotUri><{version}:ProfileToken>{token}</{version}:ProfileToken></{version}:GetSnapshotUri>");
        // Not every device has them; what has none is recorded all the same.
        let answer = self.call(url, &asked).await;
        profile.snapshot_url = answer.and_then(|answer| self.own_address(uri(&answer), &["http", "https"])).ok();
    }

    /// An address that lies at the device itself.
    fn own_address(&self, text: Option<String>, schemes: &[&str]) -> Result<Url, SourceError> {
        let bad = || SourceError::new(StateReason::BadStream, "the device names no address for it");
        let mut url: Url = text.ok_or_else(bad)?.parse().map_err(|_| bad())?;
        if !schemes.contains(&url.scheme()) {
            return Err(SourceError::new(
                StateReason::AddressNotAllowed,
                format!("the device names an address of the kind {}:", url.scheme()),
            ));
        }
        // Not a special scheme to the parser, so an IPv4 address is text there.
        if url.host_str() != self.url.host_str() {
            return Err(SourceError::new(StateReason::AddressNotAllowed, "the device names an address at another host"));
        }
        url.set_password(None).and_then(|()| url.set_username("")).map_err(|()| bad())?;
        Ok(url)
    }
}

fn uri(answer: &Element) -> Option<String> {
    answer.text_at(&["MediaUri", "Uri"]).or_else(|| answer.text_at(&["Uri"])).map(str::to_owned)
}

fn read_profile(element: &Element, second: bool) -> Profile {
    let encoder = if second { element.at(&["Configurations", "VideoEncoder"]) } else { element.child("VideoEncoderConfiguration") };
    let number = |path: &[&str]| encoder.and_then(|encoder| encoder.number_at(path));
    let codec = encoder.and_then(|encoder| encoder.text_at(&["Encoding"])).map(|text| short(text).to_ascii_lowercase());
    let kilobits = encoder.and_then(|encoder| encoder.number_at::<u64>(&["RateControl", "BitrateLimit"]));
    Profile {
        token: element.attribute("token").unwrap_or_default().chars().take(TEXT_CHARS_MAX).collect(),
        name: element.text_at(&["Name"]).map(short).unwrap_or_default(),
        codec,
        width: number(&["Resolution", "Width"]),
        height: number(&["Resolution", "Height"]),
        fps: encoder
            .and_then(|encoder| encoder.number_at::<f64>(&["RateControl", "FrameRateLimit"]))
            .filter(|fps| (0.0..1_000.0).contains(fps)),
        bit_rate: kilobits.map(|kilobits| kilobits.saturating_mul(1_000)),
        ..Profile::default()
    }
}

fn pixels(profile: &Profile) -> u64 {
    u64::from(profile.width.unwrap_or(0)) * u64::from(profile.height.unwrap_or(0))
}

/// The largest and the smallest that can be recorded; of one alone, the main stream.
fn assign_roles(profiles: &mut [Profile]) {
    let taken = |profile: &Profile| profile.stream_url.is_some() && matches!(profile.codec.as_deref(), Some("h264" | "h265"));
    let main = profiles.iter().position(taken);
    let sub = profiles.iter().rposition(taken);
    let (Some(main), Some(sub)) = (main, sub) else { return };
    if pixels(&profiles[sub]) < pixels(&profiles[main]) {
        profiles[sub].role = Some(Role::Sub);
    }
    profiles[main].role = Some(Role::Main);
}

fn short(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(TEXT_CHARS_MAX).collect()
}

/// A device's own time, milliseconds UTC.
fn device_ms(answer: &Element) -> Option<i64> {
    let utc = answer.at(&["SystemDateAndTime", "UTCDateTime"])?;
    let number = |path: [&str; 2]| utc.number_at::<i8>(&path);
    let (hour, minute, second) = (number(["Time", "Hour"])?, number(["Time", "Minute"])?, number(["Time", "Second"])?);
    let year = utc.number_at::<i16>(&["Date", "Year"])?;
    let date = jiff::civil::Date::new(year, number(["Date", "Month"])?, number(["Date", "Day"])?).ok()?;
    // A leap second is told as 60.
    let time = jiff::civil::Time::new(hour, minute, second.min(59), 0).ok()?;
    Some(jiff::tz::TimeZone::UTC.to_timestamp(date.to_datetime(time)).ok()?.as_millisecond())
}

/// For those who try what strangers may send.
#[cfg(test)]
pub(crate) mod foreign {
    use super::*;

    pub(crate) fn answer(bytes: &[u8]) {
        if let Ok(root) = Element::parse(bytes) {
            let _any = (root.at(&["Body", "GetProfilesResponse"]), root.text_at(&["Body", "Fault", "Reason", "Text"]), root.first());
        }
    }

    pub(crate) fn discovered(bytes: &[u8], from: std::net::IpAddr) {
        if let Some(found) = discovery::read(bytes, from) {
            assert_eq!(found.ip, from, "what answers is asked, and nobody else");
        }
    }

    /// What a camera answers to a probe.
    pub(crate) fn probe_match() -> Vec<u8> {
        b"<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" xmlns:d=\"http://schemas.xmlsoap.org/ws/2005/04/discovery\"><s:Body>\
          <d:ProbeMatches><d:ProbeMatch><d:Scopes>onvif://www.onvif.org/name/Camera%201 onvif://www.onvif.org/hardware/X+1</d:Scopes>\
          <d:XAddrs>http://127.0.0.1:8000/onvif/device_service http://[::1]/onvif</d:XAddrs></d:ProbeMatch></d:ProbeMatches></s:Body></s:Envelope>"
            .to_vec()
    }
}
