//! Faults of fields, collected so that all are told at once, each with its JSON pointer (RFC 6901).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One thing wrong with one field of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"pointer": "/content/answers/0/item_code", "code": "unknown", "detail": "no such item"}))]
pub struct FieldFault {
    /// Where, as a JSON pointer into the request's body.
    pub pointer: String,
    /// What, as a stable name: `required`, `too_long`, `too_many`, `too_few`, `duplicate`, `unknown`, `out_of_range`, `format`,
    /// `blank`.
    pub code: String,
    /// In words, English.
    pub detail: String,
}

/// Collects faults under a pointer that grows and shrinks as a check walks down a value.
#[derive(Debug, Default)]
pub struct Faults {
    at: Vec<String>,
    found: Vec<FieldFault>,
}

impl Faults {
    /// Nothing found yet, at the root.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs a check one step further down: a field's name or an index.
    pub fn within(&mut self, step: impl ToString, check: impl FnOnce(&mut Self)) {
        self.at.push(step.to_string().replace('~', "~0").replace('/', "~1"));
        check(self);
        self.at.pop();
    }

    /// Notes a fault of the value the walk is at.
    pub fn note(&mut self, code: &str, detail: impl Into<String>) {
        let pointer = self.at.iter().map(|step| format!("/{step}")).collect();
        self.found.push(FieldFault { pointer, code: code.to_owned(), detail: detail.into() });
    }

    /// Notes a fault of a field of the value the walk is at.
    pub fn note_at(&mut self, step: impl ToString, code: &str, detail: impl Into<String>) {
        self.within(step, |faults| faults.note(code, detail));
    }

    /// A text that must be there, of at most `chars_max` characters, without NUL (PostgreSQL cannot hold it).
    pub fn text(&mut self, field: &str, text: &str, chars_max: usize) {
        if text.trim().is_empty() {
            self.note_at(field, "required", "must not be empty");
        }
        self.optional_text(field, Some(text), chars_max);
    }

    /// As [`Faults::text`], where nothing or an empty text is right too.
    pub fn optional_text(&mut self, field: &str, text: Option<&str>, chars_max: usize) {
        let Some(text) = text else { return };
        if text.chars().count() > chars_max {
            self.note_at(field, "too_long", format!("at most {chars_max} characters"));
        }
        if text.contains('\0') {
            self.note_at(field, "format", "must not hold a NUL character");
        }
    }

    /// As [`Faults::text`], of the value the walk is at.
    pub fn text_here(&mut self, text: &str, chars_max: usize) {
        if text.trim().is_empty() {
            self.note("required", "must not be empty");
        }
        if text.chars().count() > chars_max {
            self.note("too_long", format!("at most {chars_max} characters"));
        }
        if text.contains('\0') {
            self.note("format", "must not hold a NUL character");
        }
    }

    /// A list of at most `max` entries.
    pub fn count(&mut self, field: &str, count: usize, max: usize) {
        if count > max {
            self.note_at(field, "too_many", format!("at most {max} entries"));
        }
    }

    /// A SHA-256 as 64 lower-case hex digits.
    pub fn sha256(&mut self, field: &str, hash: &str) {
        if !crate::canonical::is_sha256_hex(hash) {
            self.note_at(field, "format", "must be a SHA-256 as 64 lower-case hex digits");
        }
    }

    /// Whether nothing was found so far.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Nothing found, or everything found.
    ///
    /// # Errors
    /// All faults in the order they were found.
    pub fn finish(self) -> Result<(), Vec<FieldFault>> {
        if self.found.is_empty() { Ok(()) } else { Err(self.found) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_name_the_place_and_escape_slashes() {
        let mut faults = Faults::new();
        faults.within("a/b", |faults| faults.within(3, |faults| faults.text("name", "", 5)));
        let found = faults.finish().expect_err("an empty name is a fault");
        assert_eq!(found[0].pointer, "/a~1b/3/name");
        assert_eq!(found[0].code, "required");
    }

    #[test]
    fn nul_and_length_are_both_told() {
        let mut faults = Faults::new();
        faults.optional_text("remark", Some("鼠\0患"), 2);
        let codes: Vec<_> = faults.finish().expect_err("two faults").into_iter().map(|fault| fault.code).collect();
        assert_eq!(codes, ["too_long", "format"]);
    }
}
