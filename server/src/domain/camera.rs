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
        /// Datagrams to a group of the network.
        Multicast = "multicast",
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
    pub const SCHEMES: &'static [&'static str] =
        &["rtsp", "rtsps", "rtsph", "rtspsh", "rtmp", "rtmps", "srt", "http", "https", "file", "test", "v4l2"];

    /// Takes an address apart. Credentials in it are moved out, percent-decoded; so is what opens an SRT stream.
    pub fn parse(text: &str) -> Result<Self, SourceUrlError> {
        let text = text.trim();
        if text.len() > 2_000 {
            return Err(SourceUrlError::Format);
        }
        // A port of all addresses of this server, as encoders' tools write it.
        let all = ["srt", "rtmp"]
            .iter()
            .find_map(|scheme| Some(format!("{scheme}://0.0.0.0:{}", text.strip_prefix(scheme)?.strip_prefix("://:")?)));
        let mut url: Url = all.as_deref().unwrap_or(text).parse().map_err(|_| SourceUrlError::Format)?;
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
        let mut source = Self { url, username, password };
        match source.url.scheme() {
            "srt" => source.take_key_out(),
            "rtmp" if source.listens() => source.take_stream_key_out(),
            _ => {}
        }
        Ok(source)
    }

    /// Whether the camera calls and this server waits for it at the address.
    pub fn listens(&self) -> bool {
        matches!(self.url.scheme(), "srt" | "rtmp") && self.url.query_pairs().any(|(name, value)| name == "mode" && value == "listener")
    }

    /// Moves the stream key of RTMP that is pushed, `live/KEY` in the path, to the password.
    fn take_stream_key_out(&mut self) {
        let Some((application, key)) = self.url.path().trim_matches('/').split_once('/') else { return };
        if let Some(key) = percent_decoded(key).filter(|key| !key.is_empty()) {
            let application = application.to_owned();
            self.password.get_or_insert(key);
            self.url.set_path(&application);
        }
    }

    /// What a camera that calls must know, bytes: SRT takes passphrases of this length.
    pub const KEY_BYTES: std::ops::RangeInclusive<usize> = 10..=79;

    /// Moves an SRT stream's passphrase to the password. Where the camera calls without one, the stream id is the key, and the
    /// address says so.
    fn take_key_out(&mut self) {
        let listens = self.listens();
        let mut kept: Vec<(String, String)> = Vec::new();
        let (mut passphrase, mut stream_id) = (None, None);
        for (name, value) in self.url.query_pairs().into_owned() {
            match name.as_str() {
                "passphrase" => passphrase = Some(value).filter(|value| !value.is_empty()),
                "streamid" if listens => stream_id = Some(value).filter(|value| !value.is_empty()),
                _ => kept.push((name, value)),
            }
        }
        let by_stream_id = kept.iter().any(|(name, value)| name == "key" && value == "streamid");
        match (&passphrase, stream_id) {
            (None, Some(key)) if self.password.is_none() => {
                if !by_stream_id {
                    kept.push(("key".to_owned(), "streamid".to_owned()));
                }
                self.password = Some(key);
            }
            (_, Some(name)) => kept.push(("streamid".to_owned(), name)),
            (_, None) => {}
        }
        self.password = passphrase.or_else(|| self.password.take());
        self.url.set_query(None);
        if !kept.is_empty() {
            self.url.query_pairs_mut().extend_pairs(kept);
        }
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
    fn what_opens_an_srt_stream_is_moved_out_of_its_address() {
        let parsed = |text: &str| {
            let source = SourceUrl::parse(text).unwrap();
            (source.url.to_string(), source.password.clone(), source.listens())
        };
        let told = |url: &str, password: Option<&str>, listens| (url.to_owned(), password.map(str::to_owned), listens);
        assert_eq!(
            parsed("srt://:7001?mode=listener&passphrase=correct-horse&latency=200"),
            told("srt://0.0.0.0:7001?mode=listener&latency=200", Some("correct-horse"), true)
        );
        assert_eq!(
            parsed("srt://0.0.0.0:7001?mode=listener&streamid=kitchen-7f3a9c"),
            told("srt://0.0.0.0:7001?mode=listener&key=streamid", Some("kitchen-7f3a9c"), true)
        );
        assert_eq!(
            parsed("srt://:7001?mode=listener&streamid=kitchen&passphrase=correct-horse"),
            told("srt://0.0.0.0:7001?mode=listener&streamid=kitchen", Some("correct-horse"), true)
        );
        assert_eq!(
            parsed("srt://10.0.0.5:9000?streamid=read%3Akitchen&passphrase=correct-horse"),
            told("srt://10.0.0.5:9000?streamid=read%3Akitchen", Some("correct-horse"), false)
        );
        assert_eq!(parsed("srt://10.0.0.5:9000"), told("srt://10.0.0.5:9000", None, false));
        let stored = "srt://0.0.0.0:7001?mode=listener&key=streamid";
        assert_eq!(parsed(stored), told(stored, None, true), "what is stored stays as it is");
    }

    #[test]
    fn the_stream_key_of_rtmp_that_is_pushed_is_moved_out_of_its_address() {
        let pushed = SourceUrl::parse("rtmp://:7002/live/kitchen-7f3a9c?mode=listener").unwrap();
        assert_eq!((pushed.url.as_str(), pushed.password.as_deref()), ("rtmp://0.0.0.0:7002/live?mode=listener", Some("kitchen-7f3a9c")));
        assert!(pushed.listens());
        assert_eq!(SourceUrl::parse(pushed.url.as_str()).unwrap().url, pushed.url, "what is stored stays as it is");
        let pulled = SourceUrl::parse("rtmp://10.0.0.5/live/kitchen").unwrap();
        assert_eq!((pulled.url.path(), pulled.password), ("/live/kitchen", None));
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
