//! Which files as taken an inspection waits for, which come later, and which stay on the phone.
//!
//! The evidence is the file as taken, and the part names its hash. Where the phone made a reduced copy, that copy goes first and
//! the inspection is complete with it; whether the file as taken follows is the template's to say. What has no reduced copy
//! (drawings, what the phone could not open, what is small already, everything from older clients) is waited for, whatever the
//! template says: nothing that was promised is nowhere. `vectors/originals.json` holds the phone to the same.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Evidence, EvidenceKind};
use crate::template::{OriginalPolicy, TemplateBody};

/// How an inspection stands to a file that it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It is not complete without it.
    Needed,
    /// It is complete with the reduced copy; the file as taken follows when the phone's network allows.
    ToCome,
    /// The template says that it is not sent.
    Withheld,
}

impl Standing {
    /// As stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Needed => "needed",
            Self::ToCome => "to_come",
            Self::Withheld => "withheld",
        }
    }

    /// By its code.
    pub fn parse(code: &str) -> Option<Self> {
        [Self::Needed, Self::ToCome, Self::Withheld].into_iter().find(|one| one.as_str() == code)
    }
}

/// The rule over the evidence of one inspection.
#[derive(Debug)]
pub struct Originals<'a> {
    template: &'a TemplateBody,
    reduced: HashSet<Uuid>,
}

impl<'a> Originals<'a> {
    /// Looks for reduced copies.
    pub fn of<'e>(template: &'a TemplateBody, evidence: impl IntoIterator<Item = &'e Evidence>) -> Self {
        let copies = evidence.into_iter().filter_map(|one| one.derived.as_ref()).filter(|derived| derived.is_reduced());
        Self { template, reduced: copies.map(|derived| derived.from).collect() }
    }

    /// How the inspection stands to this file.
    pub fn standing(&self, one: &Evidence) -> Standing {
        if one.derived.is_some() || one.kind != EvidenceKind::Photo || !self.reduced.contains(&one.id) {
            return Standing::Needed;
        }
        let sent = match self.template.originals {
            OriginalPolicy::Always => true,
            OriginalPolicy::Never => false,
            // What shows no item in particular is as good as key.
            OriginalPolicy::KeyItems => one.item_code.as_deref().and_then(|code| self.template.item(code)).is_none_or(|item| item.key),
        };
        if sent { Standing::ToCome } else { Standing::Withheld }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Case {
        name: String,
        template: TemplateBody,
        evidence: Vec<Evidence>,
        standings: Vec<Standing>,
    }

    #[test]
    fn standings_are_those_of_the_vectors() {
        let cases: Vec<Case> = serde_json::from_str(include_str!("../../vectors/originals.json")).expect("vectors");
        assert!(cases.len() >= 5);
        for case in cases {
            let rule = Originals::of(&case.template, &case.evidence);
            let found: Vec<Standing> = case.evidence.iter().map(|one| rule.standing(one)).collect();
            assert_eq!(found, case.standings, "{}", case.name);
        }
    }

    #[test]
    fn a_standing_is_read_as_it_is_written() {
        for one in [Standing::Needed, Standing::ToCome, Standing::Withheld] {
            assert_eq!(Standing::parse(one.as_str()), Some(one));
        }
        assert_eq!(Standing::parse("gone"), None);
    }
}
