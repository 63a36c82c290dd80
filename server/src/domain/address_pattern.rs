//! How the addresses of common makers' cameras look: data, so that a form can offer them and nobody has to remember.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A maker's pattern. `{host}`, `{port}` and `{channel}` are to be replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddressPattern {
    /// A name for programs.
    #[schema(example = "hikvision")]
    pub vendor: String,
    /// A name for people.
    pub name: Bilingual,
    /// The port that the maker's cameras have unless somebody changed it.
    #[schema(example = 554)]
    pub port: u16,
    /// The main stream: the record.
    #[schema(example = "rtsp://{host}:{port}/Streaming/Channels/{channel}01")]
    pub main: String,
    /// The sub-stream: analysis and the wall.
    #[schema(example = "rtsp://{host}:{port}/Streaming/Channels/{channel}02")]
    pub sub: String,
    /// What is worth knowing; may be empty.
    pub note: Bilingual,
}

/// A text in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AddressPatternText)]
pub struct Bilingual {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

/// All patterns, the most common makers first.
pub fn all() -> &'static [AddressPattern] {
    static ALL: OnceLock<Vec<AddressPattern>> = OnceLock::new();
    // A file that does not fit is found by the test below, not by a user.
    ALL.get_or_init(|| serde_json::from_str(include_str!("data/address_patterns.json")).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::camera::SourceUrl;

    #[test]
    fn every_pattern_gives_addresses_that_a_camera_may_have() {
        assert!(all().len() >= 10);
        let mut vendors = std::collections::BTreeSet::new();
        for pattern in all() {
            assert!(vendors.insert(&pattern.vendor), "{} stands there twice", pattern.vendor);
            assert_ne!(pattern.main, pattern.sub, "{}", pattern.vendor);
            for text in [&pattern.main, &pattern.sub] {
                let filled = text.replace("{host}", "192.168.1.64").replace("{port}", &pattern.port.to_string()).replace("{channel}", "1");
                let source = SourceUrl::parse(&filled).unwrap_or_else(|error| panic!("{filled}: {error:?}"));
                assert!(!filled.contains(['{', '}']) && source.username.is_none(), "{filled}");
                assert_eq!(source.url.host_str(), Some("192.168.1.64"));
            }
        }
    }
}
