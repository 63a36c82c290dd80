//! A value together with the JSON it came from.
//!
//! `content_sha256` covers what the phone sent. Writing the parsed value again would drop a `null`, turn a time's offset or
//! round a number, and the hash would differ for no fault of the phone. So what was sent is kept beside what was understood.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use std::borrow::Cow;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// `value` as understood, `raw` as sent. Written as `raw`.
#[derive(Debug, Clone, PartialEq)]
pub struct Verbatim<T> {
    /// As understood.
    pub value: T,
    /// As sent: this is what is hashed and kept.
    pub raw: Value,
}

impl<T> Verbatim<T> {
    /// The canonical SHA-256 of what was sent, 64 hex digits.
    pub fn sha256(&self) -> String {
        crate::canonical::sha256_hex(&self.raw)
    }
}

impl<T: Serialize> Verbatim<T> {
    /// Of a value made here.
    ///
    /// # Errors
    /// Where the value cannot be written as JSON.
    pub fn of(value: T) -> Result<Self, serde_json::Error> {
        let raw = serde_json::to_value(&value)?;
        Ok(Self { value, raw })
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Verbatim<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Value::deserialize(deserializer)?;
        let value = T::deserialize(&raw).map_err(serde::de::Error::custom)?;
        Ok(Self { value, raw })
    }
}

impl<T> Serialize for Verbatim<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.raw.serialize(serializer)
    }
}

impl<T: PartialSchema> PartialSchema for Verbatim<T> {
    fn schema() -> RefOr<Schema> {
        T::schema()
    }
}

impl<T: ToSchema> ToSchema for Verbatim<T> {
    fn name() -> Cow<'static, str> {
        T::name()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        T::schemas(schemas);
    }
}
