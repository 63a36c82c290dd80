//! An instant on the wire: RFC 3339 in UTC with milliseconds; inside, milliseconds since 1970.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

/// Milliseconds since 1970-01-01T00:00:00Z, written `2026-11-23T06:05:00.000Z`. Any RFC 3339 offset is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-11-23T06:05:00.000Z")]
pub struct Moment(pub i64);

/// A text that is no instant.
#[derive(Debug, thiserror::Error)]
#[error("must be an RFC 3339 time such as 2026-11-23T06:05:00.000Z")]
pub struct NotAMoment;

impl std::str::FromStr for Moment {
    type Err = NotAMoment;

    fn from_str(text: &str) -> Result<Self, NotAMoment> {
        let instant: jiff::Timestamp = text.parse().map_err(|_| NotAMoment)?;
        Ok(Self(instant.as_millisecond()))
    }
}

impl std::fmt::Display for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(instant) => write!(f, "{instant:.3}"),
            Err(_) => Err(std::fmt::Error),
        }
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let instant = jiff::Timestamp::from_millisecond(self.0).map_err(serde::ser::Error::custom)?;
        serializer.serialize_str(&format!("{instant:.3}"))
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_milliseconds_always_and_reads_offsets() {
        let moment: Moment = "2026-11-23T14:05:00+08:00".parse().expect("a time with an offset");
        assert_eq!(moment.to_string(), "2026-11-23T06:05:00.000Z");
        assert_eq!(serde_json::to_string(&moment).expect("writes"), "\"2026-11-23T06:05:00.000Z\"");
        assert!("yesterday".parse::<Moment>().is_err());
        assert!(serde_json::from_str::<Moment>("\"2026-13-01T00:00:00Z\"").is_err());
    }
}
