//! Telling people outside the console: which notices, by which way, and when.
//!
//! A notice is in the console and on the phone at once, always. What this decides is what else goes out, and when what would wake
//! somebody may go. Hours are those of Asia/Shanghai.

use mobile_api::field::Faults;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::calendar::{date_of, end_of, start_of};

const MINUTE_MS: i64 = 60_000;

/// What carries a notice out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// E-mail.
    Mail,
    /// Web Push, to browsers and the phone's application.
    Push,
    /// Text messages by a gateway.
    Sms,
}

impl Channel {
    /// As stored and sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Push => "push",
            Self::Sms => "sms",
        }
    }

    /// Of the stored word.
    pub fn named(word: &str) -> Option<Self> {
        [Self::Mail, Self::Push, Self::Sms].into_iter().find(|channel| channel.as_str() == word)
    }
}

/// What a notice is about, as people choose by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// Alerts of class 1.
    #[serde(rename = "class_1")]
    ClassOne,
    /// Alerts of class 2.
    #[serde(rename = "class_2")]
    ClassTwo,
    /// Alerts of class 3.
    #[serde(rename = "class_3")]
    ClassThree,
    /// Cameras.
    Devices,
    /// Suspected food poisoning.
    Incidents,
    /// Rectification orders.
    Orders,
    /// Inspections that are assigned, and their limits.
    Assignments,
    /// The canteen's own papers.
    SelfChecks,
    /// Accounts, roles, the disk.
    System,
}

impl Topic {
    /// Of a notice, by its kind and the facts that it carries.
    pub fn of(kind: &str, detail: &Value) -> Self {
        match kind {
            "assigned" => Self::Assignments,
            "samples_over" => Self::SelfChecks,
            "disk_forecast" | "role_requested" | "role_decided" | "second_factor_reset" | "watching_account" => Self::System,
            _ if kind.starts_with("self_check_") => Self::SelfChecks,
            _ if detail["incident_id"].is_string() => Self::Incidents,
            _ if detail["order_id"].is_string() => Self::Orders,
            _ => match detail["class"].as_i64() {
                Some(1) => Self::ClassOne,
                Some(2) => Self::ClassTwo,
                Some(0) => Self::Devices,
                Some(_) => Self::ClassThree,
                None => Self::Assignments,
            },
        }
    }

    /// Whether it goes out at any hour.
    pub fn breaks_quiet(self) -> bool {
        matches!(self, Self::ClassOne | Self::Incidents)
    }
}

/// A span of the day, over midnight where it ends before it begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    /// `HH:MM`, inclusive.
    #[schema(example = "22:00", max_length = 5)]
    pub from: String,
    /// `HH:MM`, exclusive.
    #[schema(example = "07:00", max_length = 5)]
    pub to: String,
}

/// The language of what goes out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum Language {
    /// Chinese.
    #[default]
    #[serde(rename = "zh-CN")]
    Chinese,
    /// English.
    #[serde(rename = "en")]
    English,
}

impl Language {
    /// One of two texts.
    pub fn of<'t>(self, zh: &'t str, en: &'t str) -> &'t str {
        match self {
            Self::Chinese => zh,
            Self::English => en,
        }
    }
}

/// How a person wants to be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"mail": ["class_1", "class_2", "class_3"], "push": ["class_1"], "sms": [], "quiet": {"from": "22:00", "to": "07:00"}, "digest_at": "08:00", "language": "zh-CN"}))]
pub struct Preferences {
    /// What comes by e-mail.
    #[schema(max_items = 9)]
    pub mail: Vec<Topic>,
    /// What wakes their browsers and phone.
    #[schema(max_items = 9)]
    pub push: Vec<Topic>,
    /// What comes as a text message.
    #[schema(max_items = 9)]
    pub sms: Vec<Topic>,
    /// When nothing but class 1 and suspected food poisoning goes out; the rest comes when they are over, as one message.
    pub quiet: Option<QuietHours>,
    /// `HH:MM`: mails about class 3 come once a day then, as one. `null`: one by one.
    #[schema(example = "08:00", max_length = 5)]
    pub digest_at: Option<String>,
    /// Of what goes out.
    pub language: Language,
}

impl Default for Preferences {
    /// What somebody who has just given an address would want.
    fn default() -> Self {
        use Topic::{Assignments, ClassOne, ClassThree, ClassTwo, Incidents, Orders, System};
        Self {
            mail: vec![ClassOne, ClassTwo, ClassThree, Incidents, Orders, Assignments, System],
            push: vec![ClassOne, ClassTwo, Incidents],
            sms: vec![ClassOne, Incidents],
            quiet: Some(QuietHours { from: "22:00".to_owned(), to: "07:00".to_owned() }),
            digest_at: Some("08:00".to_owned()),
            language: Language::Chinese,
        }
    }
}

/// When something goes, and whether it goes with others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Going {
    /// Not before, ms UTC.
    pub at_ms: i64,
    /// Together with whatever else waits for that person and way.
    pub gathered: bool,
}

impl Preferences {
    /// What is wrong with them.
    pub fn check(&self, faults: &mut Faults) {
        if let Some(quiet) = &self.quiet {
            faults.within("quiet", |faults| {
                time(faults, "from", &quiet.from);
                time(faults, "to", &quiet.to);
                if quiet.from == quiet.to {
                    faults.note_at("to", "out_of_order", "another time than it begins");
                }
            });
        }
        if let Some(digest) = &self.digest_at {
            time(faults, "digest_at", digest);
        }
    }

    /// Each topic once, in order.
    #[must_use]
    pub fn tidy(mut self) -> Self {
        for list in [&mut self.mail, &mut self.push, &mut self.sms] {
            list.sort();
            list.dedup();
        }
        self
    }

    /// Topics that come by a way.
    pub fn topics(&self, channel: Channel) -> &[Topic] {
        match channel {
            Channel::Mail => &self.mail,
            Channel::Push => &self.push,
            Channel::Sms => &self.sms,
        }
    }

    /// When something of this topic goes out by a way that it was chosen for; `None` where it was not.
    pub fn going(&self, channel: Channel, topic: Topic, at_ms: i64) -> Option<Going> {
        if !self.topics(channel).contains(&topic) {
            return None;
        }
        if topic.breaks_quiet() {
            return Some(Going { at_ms, gathered: false });
        }
        let digest = self.digest_at.as_deref().filter(|_| channel == Channel::Mail && topic == Topic::ClassThree).and_then(minute_of_day);
        let wanted = digest.map_or(at_ms, |minute| next_at(at_ms, minute));
        let over = self.quiet_until(wanted);
        Some(Going { at_ms: over.unwrap_or(wanted), gathered: digest.is_some() || over.is_some() })
    }

    /// When the quiet hours are over that a moment lies in; `None` where it lies in none.
    fn quiet_until(&self, at_ms: i64) -> Option<i64> {
        let quiet = self.quiet.as_ref()?;
        let (from, to) = (minute_of_day(&quiet.from)?, minute_of_day(&quiet.to)?);
        let minute = (at_ms - start_of(date_of(at_ms))) / MINUTE_MS;
        let inside = if from < to { (from..to).contains(&minute) } else { minute >= from || minute < to };
        inside.then(|| next_at(at_ms, to))
    }
}

/// The next time that a day's clock shows this minute, ms UTC.
fn next_at(at_ms: i64, minute: i64) -> i64 {
    let today = date_of(at_ms);
    let at = start_of(today) + minute * MINUTE_MS;
    if at > at_ms { at } else { end_of(today) + minute * MINUTE_MS }
}

fn time(faults: &mut Faults, field: &str, text: &str) {
    if minute_of_day(text).is_none() {
        faults.note_at(field, "format", "a time as HH:MM, 00:00 to 23:59");
    }
}

/// `HH:MM` as minutes of the day.
fn minute_of_day(text: &str) -> Option<i64> {
    let (hours, minutes) = text.split_once(':')?;
    let digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(hours) || !digits(minutes) {
        return None;
    }
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(text: &str) -> i64 {
        let local: jiff::civil::DateTime = text.parse().unwrap();
        local.in_tz("Asia/Shanghai").unwrap().timestamp().as_millisecond()
    }

    fn of(quiet: Option<(&str, &str)>, digest: Option<&str>) -> Preferences {
        let quiet = quiet.map(|(from, to)| QuietHours { from: from.to_owned(), to: to.to_owned() });
        Preferences { quiet, digest_at: digest.map(str::to_owned), ..Preferences::default() }
    }

    #[test]
    fn quiet_hours_hold_back_what_may_wait_until_they_are_over() {
        let night = of(Some(("22:00", "07:00")), None);
        let goes = |topic, when: &str| night.going(Channel::Mail, topic, at(when)).unwrap();
        for (when, until) in [
            ("2026-11-23T22:00", "2026-11-24T07:00"),
            ("2026-11-23T23:59:59", "2026-11-24T07:00"),
            ("2026-11-24T00:00", "2026-11-24T07:00"),
            ("2026-11-24T06:59:59", "2026-11-24T07:00"),
        ] {
            assert_eq!(goes(Topic::ClassTwo, when), Going { at_ms: at(until), gathered: true }, "{when}");
            assert_eq!(goes(Topic::ClassOne, when), Going { at_ms: at(when), gathered: false }, "{when}");
            assert_eq!(goes(Topic::Incidents, when), Going { at_ms: at(when), gathered: false }, "{when}");
        }
        for when in ["2026-11-24T07:00", "2026-11-24T21:59:59"] {
            assert_eq!(goes(Topic::ClassTwo, when), Going { at_ms: at(when), gathered: false }, "{when}");
        }
        let noon = of(Some(("12:00", "14:00")), None);
        let going = noon.going(Channel::Push, Topic::ClassTwo, at("2026-11-24T13:00")).unwrap();
        assert_eq!(going, Going { at_ms: at("2026-11-24T14:00"), gathered: true });
    }

    #[test]
    fn class_three_comes_once_a_day_by_mail() {
        let daily = of(None, Some("08:00"));
        let goes = |when: &str| daily.going(Channel::Mail, Topic::ClassThree, at(when)).unwrap();
        assert_eq!(goes("2026-11-24T07:59"), Going { at_ms: at("2026-11-24T08:00"), gathered: true });
        assert_eq!(goes("2026-11-24T08:00"), Going { at_ms: at("2026-11-25T08:00"), gathered: true });
        assert_eq!(daily.going(Channel::Push, Topic::ClassThree, at("2026-11-24T08:00")), None, "not chosen");
        let both = of(Some(("22:00", "09:00")), Some("08:00"));
        let late = both.going(Channel::Mail, Topic::ClassThree, at("2026-11-24T12:00")).unwrap();
        assert_eq!(late, Going { at_ms: at("2026-11-25T09:00"), gathered: true }, "a digest waits for the quiet hours too");
    }

    #[test]
    fn topics_follow_from_what_a_notice_carries() {
        for (kind, detail, topic) in [
            ("alert_raised", json!({"class": 1}), Topic::ClassOne),
            ("overdue", json!({"class": 0}), Topic::Devices),
            ("closed", json!({"class": 3}), Topic::ClassThree),
            ("overdue", json!({"order_id": "x"}), Topic::Orders),
            ("incident_reported", json!({"incident_id": "x"}), Topic::Incidents),
            ("half_time", json!({"premises_id": "x"}), Topic::Assignments),
            ("self_check_late", json!({}), Topic::SelfChecks),
            ("role_requested", json!({}), Topic::System),
        ] {
            assert_eq!(Topic::of(kind, &detail), topic, "{kind} {detail}");
        }
    }

    #[test]
    fn times_are_times() {
        for wrong in ["24:00", "7:00", "07:60", "0700", "", "+1:00", "22:0x"] {
            let mut faults = Faults::new();
            of(Some(("22:00", wrong)), Some(wrong)).check(&mut faults);
            assert_eq!(faults.finish().unwrap_err().len(), 2, "{wrong}");
        }
        let mut faults = Faults::new();
        of(Some(("07:00", "07:00")), None).check(&mut faults);
        assert_eq!(faults.finish().unwrap_err()[0].pointer, "/quiet/to");
    }
}
