//! How settings are written: one text form for flags, environment and file.

use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::IpNet;

/// A type that a setting may have.
pub trait FromText: Sized {
    /// The flag alone means `true`.
    const SWITCH: bool = false;

    /// Parses it, or says what would be right.
    fn from_text(text: &str) -> Result<Self, String>;

    /// As it may be shown: without secrets.
    fn shown(&self) -> String;
}

macro_rules! plain {
    ($($type:ty: $what:literal),+ $(,)?) => { $(
        impl FromText for $type {
            fn from_text(text: &str) -> Result<Self, String> {
                text.parse().map_err(|_| format!("is not {}", $what))
            }
            fn shown(&self) -> String {
                self.to_string()
            }
        }
    )+ };
}

plain! {
    u32: "a whole number",
    u64: "a whole number",
    usize: "a whole number",
    f64: "a number",
    SocketAddr: "an address with a port, such as 127.0.0.1:8080",
    IpNet: "a network, such as 192.168.0.0/16",
    url::Url: "a URL",
}

impl FromText for String {
    fn from_text(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }
    fn shown(&self) -> String {
        without_password(self)
    }
}

impl FromText for bool {
    const SWITCH: bool = true;

    fn from_text(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "1" | "on" => Ok(true),
            "false" | "no" | "0" | "off" => Ok(false),
            _ => Err("is neither true nor false".to_owned()),
        }
    }
    fn shown(&self) -> String {
        self.to_string()
    }
}

impl FromText for PathBuf {
    fn from_text(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("is empty".to_owned());
        }
        match text.strip_prefix("~/") {
            Some(rest) => {
                std::env::home_dir().map(|home| home.join(rest)).ok_or_else(|| "begins with ~, and there is no home folder".to_owned())
            }
            None => Ok(Self::from(text)),
        }
    }
    fn shown(&self) -> String {
        self.display().to_string()
    }
}

impl<T: FromText> FromText for Option<T> {
    fn from_text(text: &str) -> Result<Self, String> {
        if text.is_empty() { Ok(None) } else { T::from_text(text).map(Some) }
    }
    fn shown(&self) -> String {
        self.as_ref().map(T::shown).unwrap_or_default()
    }
}

/// Several values, separated by commas; an array in the TOML file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List<T>(pub Vec<T>);

impl<T: FromText> FromText for List<T> {
    fn from_text(text: &str) -> Result<Self, String> {
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
        items.map(|item| T::from_text(item).map_err(|fault| format!("\"{item}\" {fault}"))).collect::<Result<_, _>>().map(Self)
    }
    fn shown(&self) -> String {
        self.0.iter().map(T::shown).collect::<Vec<_>>().join(",")
    }
}

/// Ports from one to another, both included; a single one too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ports(pub std::ops::RangeInclusive<u16>);

impl Ports {
    /// How many ports may be set aside.
    const COUNT_MAX: u16 = 1_000;
    /// Ports below are the system's.
    const FIRST_MIN: u16 = 1_024;
}

impl FromText for Ports {
    fn from_text(text: &str) -> Result<Self, String> {
        let wrong = || format!("is not a range of at most {} ports from {} on, such as 7001-7100", Self::COUNT_MAX, Self::FIRST_MIN);
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let port = |text: &str| text.trim().parse::<u16>().map_err(|_| wrong());
        let (first, last) = (port(first)?, port(last)?);
        let fits = first >= Self::FIRST_MIN && last >= first && last - first < Self::COUNT_MAX;
        if fits { Ok(Self(first..=last)) } else { Err(wrong()) }
    }
    fn shown(&self) -> String {
        format!("{}-{}", self.0.start(), self.0.end())
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl FromText for LogFormat {
    fn from_text(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("is neither text nor json".to_owned()),
        }
    }
    fn shown(&self) -> String {
        if *self == Self::Text { "text" } else { "json" }.to_owned()
    }
}

/// Where the database is; it may hold a password, so it is never printed as it stands.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// With its password.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown())
    }
}

impl FromText for DatabaseUrl {
    fn from_text(text: &str) -> Result<Self, String> {
        if ["sqlite:", "postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme)) {
            Ok(Self(text.to_owned()))
        } else {
            Err("begins with neither sqlite:// nor postgres://".to_owned())
        }
    }
    fn shown(&self) -> String {
        without_password(&self.0)
    }
}

/// A URL's password, in user information or as a parameter, replaced.
pub(super) fn without_password(text: &str) -> String {
    let Ok(mut url) = url::Url::parse(text) else { return text.to_owned() };
    let secret = |name: &str| name.contains("password") || name.contains("secret") || name.contains("token");
    let holds_parameter = url.query_pairs().any(|(name, _)| secret(&name));
    if url.password().is_none() && !holds_parameter {
        return text.to_owned();
    }
    if url.password().is_some() && url.set_password(Some("***")).is_err() {
        return format!("{}://***", url.scheme());
    }
    if holds_parameter {
        let pairs: Vec<(String, String)> = url
            .query_pairs()
            .map(|(name, value)| (name.to_string(), if secret(&name) { "***".to_owned() } else { value.into_owned() }))
            .collect();
        url.query_pairs_mut().clear().extend_pairs(pairs);
    }
    url.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        let url = DatabaseUrl::from_text("postgres://bk:s3cret@db/bk").unwrap();
        assert_eq!((url.shown().as_str(), format!("{url:?}").as_str()), ("postgres://bk:***@db/bk", "postgres://bk:***@db/bk"));
        let shown = DatabaseUrl::from_text("postgres:///bk?host=/run&user=bk&password=s3cret").unwrap().shown();
        assert!(!shown.contains("s3cret") && shown.contains("user=bk"), "{shown}");
        assert_eq!(without_password("sqlite:///srv/bk.db"), "sqlite:///srv/bk.db");
    }

    #[test]
    fn ports_are_a_range_of_limited_length() {
        assert_eq!(Ports::from_text("7001-7100").map(|ports| ports.0), Ok(7001..=7100));
        assert_eq!(Ports::from_text("7001").unwrap().shown(), "7001-7001");
        for bad in ["7100-7001", "22-100", "7001-8001", "7001-70000", "-", "seven"] {
            assert!(Ports::from_text(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn lists_name_the_item_that_is_wrong() {
        assert_eq!(List::<IpNet>::from_text("10.0.0.0/8, ::1/128").unwrap().0.len(), 2);
        assert_eq!(List::<IpNet>::from_text("").unwrap().0.len(), 0);
        assert!(List::<IpNet>::from_text("10.0.0.0/8,ten").unwrap_err().starts_with("\"ten\""));
    }
}
