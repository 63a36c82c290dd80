//! Cameras: what people may say of one, and which settings of the diagnosis hold for it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use url::Url;
use utoipa::ToSchema;

use super::premises::coded;

coded! {
    /// What the camera looks at.
    Zone {
        /// 贮存
        Storing = "storing",
        /// 烹饪
        Cooking = "cooking",
        /// 分餐
        Plating = "plating",
        /// 专间
        DedicatedRoom = "dedicated_room",
        /// 留样
        RetainedSamples = "retained_samples",
        /// 洗消
        DishWashing = "dish_washing",
        /// 其他
        Other = "other",
    }
}

coded! {
    /// How RTSP carries its packets.
    CameraTransport {
        /// TCP unless the camera wants otherwise.
        Auto = "auto",
        /// Inside the RTSP connection.
        Tcp = "tcp",
        /// Datagrams.
        Udp = "udp",
    }
}

/// Why an address is no source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceUrlError {
    /// Not an address, or over 2,000 characters.
    Format,
    /// A scheme that no source has.
    Scheme,
}

/// Where a camera's stream comes from, without credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceUrl {
    /// The address; never with user information.
    pub url: Url,
    /// User name that stood in the address.
    pub username: Option<String>,
    /// Password that stood in the address.
    pub password: Option<String>,
}

impl SourceUrl {
    /// Schemes that the media engine opens.
    pub const SCHEMES: &'static [&'static str] = &["rtsp", "rtsps", "rtmp", "rtmps", "srt", "http", "https", "file", "test", "v4l2"];

    /// Takes an address apart. Credentials in it are moved out, percent-decoded.
    pub fn parse(text: &str) -> Result<Self, SourceUrlError> {
        let text = text.trim();
        if text.len() > 2_000 {
            return Err(SourceUrlError::Format);
        }
        let mut url: Url = text.parse().map_err(|_| SourceUrlError::Format)?;
        if !Self::SCHEMES.contains(&url.scheme()) {
            return Err(SourceUrlError::Scheme);
        }
        if !matches!(url.scheme(), "file" | "test" | "v4l2") && url.host_str().is_none_or(str::is_empty) {
            return Err(SourceUrlError::Format);
        }
        let decoded = |text: &str| percent_decoded(text).filter(|text| !text.is_empty());
        let (username, password) = (decoded(url.username()), url.password().and_then(decoded));
        // Fails only for addresses that cannot carry credentials, which then have none.
        let _ = url.set_username("").and_then(|()| url.set_password(None));
        Ok(Self { url, username, password })
    }
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

/// What a bureau changes of one kind of diagnosis; what is absent is inherited (camera from premises from system from the defaults).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"threshold": 25.0, "duration_s": 5.0}))]
pub struct RuleChange {
    /// Whether it is looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// In the kind's own unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// How long it must last before it is raised, s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_s: Option<f64>,
    /// How long it must be gone before it is cleared, s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clear_s: Option<f64>,
    /// While it lasts it is told again at this interval; repeats within it join the open alert, s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeat_interval_s: Option<f64>,
}

/// Changes by kind.
pub type RuleChanges = BTreeMap<String, RuleChange>;

impl RuleChange {
    /// What is wrong with it, if anything: field and words.
    pub fn fault(&self) -> Option<(&'static str, &'static str)> {
        let outside =
            |value: Option<f64>, low: f64, high: f64| value.is_some_and(|value| !value.is_finite() || value < low || value > high);
        if outside(self.threshold, 0.0, 10_000.0) {
            return Some(("threshold", "0 to 10,000, in the kind's own unit"));
        }
        if outside(self.duration_s, 0.0, 3_600.0) {
            return Some(("duration_s", "0 to 3,600 s"));
        }
        if outside(self.clear_s, 0.0, 3_600.0) {
            return Some(("clear_s", "0 to 3,600 s"));
        }
        if outside(self.repeat_interval_s, 10.0, 86_400.0) {
            return Some(("repeat_interval_s", "10 to 86,400 s"));
        }
        None
    }

    /// This change where it says something, else `below`.
    #[must_use]
    pub fn over(&self, below: &Self) -> Self {
        Self {
            enabled: self.enabled.or(below.enabled),
            threshold: self.threshold.or(below.threshold),
            duration_s: self.duration_s.or(below.duration_s),
            clear_s: self.clear_s.or(below.clear_s),
            repeat_interval_s: self.repeat_interval_s.or(below.repeat_interval_s),
        }
    }
}

/// All layers from the widest to the nearest, as one.
pub fn merged<'a>(layers: impl IntoIterator<Item = &'a RuleChanges>) -> RuleChanges {
    let mut all = RuleChanges::new();
    for layer in layers {
        for (kind, change) in layer {
            let below = all.remove(kind).unwrap_or_default();
            all.insert(kind.clone(), change.over(&below));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_moved_out_of_an_address() {
        let source = SourceUrl::parse(" rtsp://admin:p%40ss%2Fw@192.168.1.64:554/Streaming/Channels/101?x=1 ").unwrap();
        assert_eq!(source.url.as_str(), "rtsp://192.168.1.64:554/Streaming/Channels/101?x=1");
        assert_eq!((source.username.as_deref(), source.password.as_deref()), (Some("admin"), Some("p@ss/w")));
        assert_eq!(SourceUrl::parse("rtsp://10.0.0.1/a").unwrap().password, None);
    }

    #[test]
    fn what_is_no_source_is_refused() {
        assert_eq!(SourceUrl::parse("192.168.1.64"), Err(SourceUrlError::Format));
        assert_eq!(SourceUrl::parse("gopher://x/"), Err(SourceUrlError::Scheme));
        assert_eq!(SourceUrl::parse("rtsp:///path"), Err(SourceUrlError::Format));
        assert_eq!(SourceUrl::parse(&format!("rtsp://h/{}", "x".repeat(3_000))), Err(SourceUrlError::Format));
    }

    #[test]
    fn the_nearest_setting_wins_and_the_rest_is_inherited() {
        let of = |threshold: Option<f64>, duration_s: Option<f64>| {
            RuleChanges::from([("black".to_owned(), RuleChange { threshold, duration_s, ..RuleChange::default() })])
        };
        let all = merged([&of(Some(20.0), Some(9.0)), &of(Some(25.0), None)]);
        assert_eq!(all["black"], RuleChange { threshold: Some(25.0), duration_s: Some(9.0), ..RuleChange::default() });
    }

    #[test]
    fn settings_out_of_range_are_named() {
        let bad = RuleChange { duration_s: Some(-1.0), ..RuleChange::default() };
        assert_eq!(bad.fault().map(|fault| fault.0), Some("duration_s"));
        assert_eq!(RuleChange { threshold: Some(f64::NAN), ..RuleChange::default() }.fault().map(|fault| fault.0), Some("threshold"));
        assert_eq!(RuleChange::default().fault(), None);
    }
}
