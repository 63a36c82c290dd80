//! The layers of settings and how they are put together.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::args::{CONFIG_FLAG, Flags, names};
use super::{Config, FromText, KEYS, check};

/// Where a setting came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A flag.
    Flag,
    /// The environment.
    Environment,
    /// The TOML file.
    File,
    /// Nobody said anything.
    Default,
}

/// By name.
pub(super) type Origins = BTreeMap<&'static str, Origin>;

/// Everything that is wrong, at once.
#[derive(Debug, thiserror::Error)]
#[error("the configuration is not right:\n  {}", .0.join("\n  "))]
pub struct ConfigError(pub Vec<String>);

/// Texts by name, with where each came from.
#[derive(Debug, Default)]
pub(super) struct Given(BTreeMap<&'static str, (String, Option<Origin>)>);

impl Given {
    /// The value; where it cannot be read, the fault is noted and the default stands in, so that the whole can still be checked.
    pub(super) fn parse<T: FromText>(&self, name: &'static str, faults: &mut Vec<String>) -> Option<T> {
        let (text, origin) = self.0.get(name)?;
        let read =
            T::from_text(text).map_err(|fault| faults.push(format!("{} {fault}", described(name, origin.unwrap_or(Origin::Default)))));
        let default = || KEYS.iter().find(|key| key.name == name).and_then(|key| T::from_text(key.default).ok());
        read.ok().or_else(default)
    }

    pub(super) fn origins(&self) -> Origins {
        self.0.iter().map(|(name, (_, origin))| (*name, origin.unwrap_or(Origin::Default))).collect()
    }

    fn set(&mut self, name: &'static str, text: String, origin: Origin) {
        self.0.insert(name, (text, Some(origin)));
    }
}

/// The setting by the name that the person used.
fn described(name: &str, origin: Origin) -> String {
    let (flag, variable) = names(name);
    match origin {
        Origin::Flag => format!("--{flag}"),
        Origin::Environment => variable.to_owned(),
        Origin::File | Origin::Default => name.to_owned(),
    }
}

impl Config {
    /// Puts the layers together and checks the whole.
    pub fn load(flags: &Flags) -> Result<Self, ConfigError> {
        let mut faults = Vec::new();
        let mut given = Given::default();
        for key in KEYS {
            given.0.insert(key.name, (key.default.to_owned(), None));
        }
        for (name, text) in flags.usual() {
            given.0.insert(name, (text.to_owned(), None));
        }
        if let Some(path) = flags.config_file() {
            read_file(path, &mut given, &mut faults);
        }
        for (name, text, origin) in flags.given() {
            given.set(name, text.to_owned(), origin);
        }
        let config = Self::parse(&given, &mut faults);
        if let Some(config) = &config {
            check::whole(config, &mut faults);
        }
        match config {
            Some(config) if faults.is_empty() => Ok(config),
            _ => Err(ConfigError(faults)),
        }
    }

    /// As a TOML file that would give the same, with where each came from; no secrets.
    pub fn printed(&self) -> String {
        let mut text = String::new();
        let mut group = "";
        for (name, value) in self.shown() {
            if let Some(key) = KEYS.iter().find(|key| key.name == name && key.group != group) {
                group = key.group;
                text.push_str(&format!("\n# {group}\n"));
            }
            let origin = match self.origins.get(name) {
                Some(Origin::Flag) => "  # flag",
                Some(Origin::Environment) => "  # environment",
                Some(Origin::File) => "  # file",
                _ => "",
            };
            text.push_str(&format!("{name} = {}{origin}\n", toml::Value::String(value)));
        }
        text.trim_start().to_owned()
    }
}

fn read_file(path: &Path, given: &mut Given, faults: &mut Vec<String>) {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => return faults.push(format!("--{CONFIG_FLAG} {}: {error}", path.display())),
    };
    let table = match text.parse::<toml::Table>() {
        Ok(table) => table,
        Err(error) => return faults.push(format!("{}: {}", path.display(), error.to_string().trim())),
    };
    for (name, value) in table {
        let Some(key) = KEYS.iter().find(|key| key.name == name) else {
            faults.push(format!("{}: there is no setting \"{name}\"", path.display()));
            continue;
        };
        match as_text(&value) {
            Some(text) => given.set(key.name, text, Origin::File),
            None => faults.push(format!("{}: \"{name}\" is neither a value nor a list of values", path.display())),
        }
    }
}

fn as_text(value: &toml::Value) -> Option<String> {
    Some(match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Integer(number) => number.to_string(),
        toml::Value::Float(number) => number.to_string(),
        toml::Value::Boolean(truth) => truth.to_string(),
        toml::Value::Array(items) => items.iter().map(as_text).collect::<Option<Vec<_>>>()?.join(","),
        toml::Value::Datetime(_) | toml::Value::Table(_) => return None,
    })
}

/// The file that is read when it is there and none was named.
pub(super) fn usual_file() -> Option<PathBuf> {
    let path = PathBuf::from("/etc/bright-kitchen/bright-kitchen.toml");
    path.is_file().then_some(path)
}
