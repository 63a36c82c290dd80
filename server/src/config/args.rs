//! Settings on the command line. Flags take any text here; [`super::load`] judges all of them together.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};

use super::load::{Origin, usual_file};
use super::{KEYS, Key};

/// Names the TOML file.
pub(super) const CONFIG_FLAG: &str = "config";
/// Settings of this group belong to every command.
const COMMON_GROUP: &str = "Where things are";

/// Name, flag and environment variable of each setting.
static NAMES: LazyLock<Vec<(&'static str, String, String)>> = LazyLock::new(|| {
    let names = KEYS.iter().map(|key| key.name).chain([CONFIG_FLAG]);
    names.map(|name| (name, name.replace('_', "-"), format!("BRIGHT_KITCHEN_{}", name.to_uppercase()))).collect()
});

/// Flag and environment variable of a setting.
pub(super) fn names(name: &str) -> (&'static str, &'static str) {
    NAMES.iter().find(|names| names.0 == name).map_or(("", ""), |names| (&names.1, &names.2))
}

/// What the command line and the environment say.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    config: Option<PathBuf>,
    given: Vec<(&'static str, String, Origin)>,
    usual: Vec<(&'static str, String)>,
}

impl Flags {
    pub(super) fn config_file(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    pub(super) fn given(&self) -> impl Iterator<Item = (&'static str, &str, Origin)> {
        self.given.iter().map(|(name, text, origin)| (*name, text.as_str(), *origin))
    }

    /// What a command takes where nobody said anything, in the place of the usual default.
    #[must_use]
    pub fn or(mut self, name: &'static str, text: impl Into<String>) -> Self {
        self.usual.push((name, text.into()));
        self
    }

    pub(super) fn usual(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.usual.iter().map(|(name, text)| (*name, text.as_str()))
    }

    fn of(matches: &ArgMatches, keys: impl Iterator<Item = &'static Key>) -> Self {
        let given = keys.filter_map(|key| {
            let origin = match matches.value_source(key.name)? {
                ValueSource::CommandLine => Origin::Flag,
                ValueSource::EnvVariable => Origin::Environment,
                _ => return None,
            };
            Some((key.name, matches.get_one::<String>(key.name)?.clone(), origin))
        });
        Self { given: given.collect(), config: matches.get_one::<PathBuf>(CONFIG_FLAG).cloned().or_else(usual_file), usual: Vec::new() }
    }
}

fn arg(key: &'static Key) -> Arg {
    let (flag, variable) = names(key.name);
    let default =
        if key.default.is_empty() || key.switch && key.default == "false" { String::new() } else { format!(" [default: {}]", key.default) };
    let arg = Arg::new(key.name)
        .long(flag)
        .env(variable)
        .hide_env_values(true)
        .help(format!("{}{default}", key.help.trim().replace('\n', " ")))
        .help_heading(key.group)
        .value_name(if key.switch { "BOOL" } else { "VALUE" })
        .hide_short_help(key.group.contains("detail"));
    if key.switch { arg.num_args(0..=1).require_equals(true).default_missing_value("true") } else { arg }
}

fn augment(command: Command, keys: impl Iterator<Item = &'static Key>) -> Command {
    let config = Arg::new(CONFIG_FLAG)
        .long(CONFIG_FLAG)
        .env(names(CONFIG_FLAG).1)
        .hide_env_values(true)
        .value_parser(clap::value_parser!(PathBuf))
        .value_name("FILE")
        .help("TOML file with settings, named as the flags with _ for - [default: /etc/bright-kitchen/bright-kitchen.toml, where there is one]")
        .help_heading(COMMON_GROUP);
    command.arg(config).args(keys.map(arg))
}

impl FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self::of(matches, KEYS.iter()))
    }
    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for Flags {
    fn augment_args(command: Command) -> Command {
        augment(command, KEYS.iter())
    }
    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

/// Only the settings that every command needs: where things are.
#[derive(Debug, Clone, Default)]
pub struct Common(pub Flags);

fn common() -> impl Iterator<Item = &'static Key> {
    KEYS.iter().filter(|key| key.group == COMMON_GROUP || key.name == "recordings")
}

impl FromArgMatches for Common {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self(Flags::of(matches, common())))
    }
    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for Common {
    fn augment_args(command: Command) -> Command {
        augment(command, common())
    }
    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn what_a_command_takes_by_itself_gives_way_to_everything_that_is_said() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "log = \"debug\"\n").unwrap();
        let flags = |config: Option<&Path>, given: &[(&'static str, &str)]| Flags {
            config: config.map(Path::to_owned),
            given: given.iter().map(|(name, text)| (*name, (*text).to_owned(), Origin::Flag)).collect(),
            usual: Vec::new(),
        };
        let log = |flags: Flags| Config::load(&flags.or("log", "warn")).unwrap().log;
        assert_eq!(log(flags(None, &[])), "warn");
        assert_eq!(log(flags(Some(file.path()), &[])), "debug");
        assert_eq!(log(flags(Some(file.path()), &[("log", "error")])), "error");
    }
}
