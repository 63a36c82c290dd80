//! What serde cannot say about a header, a part or a submission: lengths, ranges, references. All faults at once.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::{
    Answer, Clock, Derived, Device, Evidence, EvidenceKind, Header, Location, PartContent, PutInspection, PutPart, Signature, SignedBy,
    Submit,
};
use crate::field::{Faults, FieldFault};
use crate::limits::{
    ANSWERS_PER_PART_MAX, CHOICES_MAX, CLIPS_PER_ITEM_MAX, CODE_BYTES_MAX, EVIDENCE_BYTES_MAX, EVIDENCE_FILETYPES, EVIDENCE_PER_ANSWER_MAX,
    EVIDENCE_PER_PART_MAX, FIELDS_PER_ITEM_MAX, ITEMS_MAX, LOCATIONS_PER_PART_MAX, NAME_CHARS_MAX, OFFICERS_MAX, PARTS_PER_INSPECTION_MAX,
    REVISION_MAX, SIGNATURES_PER_PART_MAX, TEXT_CHARS_MAX,
};
use crate::template::FieldValue;

impl PutInspection {
    /// Checks header, hash, part and submission.
    ///
    /// # Errors
    /// All faults, each with its pointer.
    pub fn check(&self) -> Result<(), Vec<FieldFault>> {
        let mut faults = Faults::new();
        faults.within("header", |faults| header(faults, &self.header.value));
        hash(&mut faults, &self.content_sha256, || self.header.sha256());
        if let Some(first) = &self.part {
            faults.within("part", |faults| {
                faults.within("content", |faults| content(faults, &first.content.value));
                hash(faults, &first.content_sha256, || first.content.sha256());
                revision(faults, first.revision);
            });
        }
        if let Some(submission) = &self.submission {
            faults.within("submission", |faults| {
                submit(faults, submission);
                let first = self.part.as_ref().map(|first| (first.id, &first.content_sha256));
                if !submission.parts.iter().map(|part| (part.id, &part.content_sha256)).eq(first) {
                    faults.note_at(
                        "parts",
                        "unknown",
                        "with the header comes the submission of the part that comes with it, and of no other",
                    );
                }
            });
        }
        faults.finish()
    }
}

impl PutPart {
    /// Checks content, hash and revision.
    ///
    /// # Errors
    /// All faults, each with its pointer.
    pub fn check(&self) -> Result<(), Vec<FieldFault>> {
        let mut faults = Faults::new();
        faults.within("content", |faults| content(faults, &self.content.value));
        hash(&mut faults, &self.content_sha256, || self.content.sha256());
        revision(&mut faults, self.revision);
        faults.finish()
    }
}

impl Submit {
    /// Checks the form; whether the parts are those the server has is the server's to say.
    ///
    /// # Errors
    /// All faults, each with its pointer.
    pub fn check(&self) -> Result<(), Vec<FieldFault>> {
        let mut faults = Faults::new();
        submit(&mut faults, self);
        faults.finish()
    }
}

fn submit(faults: &mut Faults, submit: &Submit) {
    if submit.parts.is_empty() {
        faults.note_at("parts", "required", "at least one part");
    }
    faults.count("parts", submit.parts.len(), PARTS_PER_INSPECTION_MAX);
    faults.count("choices", submit.choices.len(), ITEMS_MAX);
    let mut seen = HashSet::new();
    each(faults, "parts", &submit.parts, |faults, part| {
        faults.sha256("content_sha256", &part.content_sha256);
        if !seen.insert(part.id) {
            faults.note_at("id", "duplicate", "named before");
        }
    });
    for (item_code, part_id) in &submit.choices {
        if !seen.contains(part_id) {
            faults.within("choices", |faults| faults.note_at(item_code, "unknown", "not one of the parts"));
        }
    }
}

fn header(faults: &mut Faults, header: &Header) {
    if header.officers.is_empty() {
        faults.note_at("officers", "required", "at least one officer");
    }
    faults.count("officers", header.officers.len(), OFFICERS_MAX);
    let distinct: HashSet<&Uuid> = header.officers.iter().collect();
    if distinct.len() < header.officers.len() {
        faults.note_at("officers", "duplicate", "each officer once");
    }
    faults.within("device", |faults| device(faults, &header.device));
}

fn device(faults: &mut Faults, device: &Device) {
    faults.text("id", &device.id, CODE_BYTES_MAX);
    faults.optional_text("model", device.model.as_deref(), NAME_CHARS_MAX);
}

/// What a device gathered, whatever it belongs to.
pub(crate) fn content(faults: &mut Faults, content: &PartContent) {
    faults.text("device_id", &content.device_id, CODE_BYTES_MAX);
    faults.count("answers", content.answers.len(), ANSWERS_PER_PART_MAX);
    faults.count("evidence", content.evidence.len(), EVIDENCE_PER_PART_MAX);
    faults.count("locations", content.locations.len(), LOCATIONS_PER_PART_MAX);
    faults.count("signatures", content.signatures.len(), SIGNATURES_PER_PART_MAX);
    let mut ids = HashSet::new();
    each(faults, "evidence", &content.evidence, |faults, one| evidence(faults, one, &mut ids));
    derivatives(faults, &content.evidence);
    clips(faults, &content.evidence);
    let ids: HashSet<Uuid> = content.evidence.iter().filter(|one| one.derived.is_none()).map(|one| one.id).collect();
    let mut codes = HashSet::new();
    each(faults, "answers", &content.answers, |faults, one| answer(faults, one, &mut codes, &ids));
    each(faults, "locations", &content.locations, location);
    each(faults, "signatures", &content.signatures, |faults, one| signature(faults, one, &ids));
    if let Some(paper) = &content.paper {
        faults.within("paper", |faults| crate::paper::check(faults, paper));
    }
    if let Some(visit) = &content.visit {
        faults.within("visit", |faults| super::visit::check(faults, visit, &ids));
    }
    super::sampling::check(faults, content, &ids);
    faults.within("clock", |faults| clock(faults, &content.clock));
}

/// What a device's clocks said.
pub(crate) fn clock(faults: &mut Faults, clock: &Clock) {
    if !(0.0..=1e15).contains(&clock.monotonic_ms) {
        faults.note_at("monotonic_ms", "out_of_range", "milliseconds, not negative");
    }
}

fn each<'a, T>(faults: &mut Faults, field: &str, list: &'a [T], mut check: impl FnMut(&mut Faults, &'a T)) {
    for (index, one) in list.iter().enumerate() {
        faults.within(field, |faults| faults.within(index, |faults| check(faults, one)));
    }
}

fn answer<'a>(faults: &mut Faults, answer: &'a Answer, codes: &mut HashSet<&'a str>, evidence: &HashSet<Uuid>) {
    faults.text("item_code", &answer.item_code, CODE_BYTES_MAX);
    if !codes.insert(&answer.item_code) {
        faults.note_at("item_code", "duplicate", "answered before in this part");
    }
    faults.optional_text("remark", answer.remark.as_deref(), TEXT_CHARS_MAX);
    faults.optional_text("reason", answer.reason.as_deref(), TEXT_CHARS_MAX);
    if answer.number.is_some_and(|number| !(-1e9..=1e9).contains(&number)) {
        faults.note_at("number", "out_of_range", "within a thousand million");
    }
    faults.count("values", answer.values.len(), FIELDS_PER_ITEM_MAX);
    for (code, value) in &answer.values {
        faults.within("values", |faults| self::value(faults, code, value));
    }
    faults.count("evidence_ids", answer.evidence_ids.len(), EVIDENCE_PER_ANSWER_MAX);
    for (index, id) in answer.evidence_ids.iter().enumerate() {
        if !evidence.contains(id) {
            faults.within("evidence_ids", |faults| {
                faults.note_at(index, "unknown", "not among the evidence of this part");
            });
        }
    }
}

/// The form of a value; whether it fits its field is [`super::fit`]'s.
fn value(faults: &mut Faults, code: &str, value: &FieldValue) {
    if code.is_empty() || code.len() > CODE_BYTES_MAX || code.contains('\0') {
        faults.note_at(code, "format", "not the code of a field");
    }
    match value {
        FieldValue::Number(number) if !(-1e9..=1e9).contains(number) => faults.note_at(code, "out_of_range", "within a thousand million"),
        FieldValue::Number(_) => {}
        FieldValue::Text(text) => faults.optional_text(code, Some(text), TEXT_CHARS_MAX),
        FieldValue::Many(many) => {
            faults.count(code, many.len(), CHOICES_MAX);
            for (index, one) in many.iter().enumerate() {
                faults.within(code, |faults| {
                    faults.within(index, |faults| {
                        if one.len() > CODE_BYTES_MAX || one.contains('\0') {
                            faults.note("format", "not the code of a choice");
                        }
                    });
                });
            }
        }
    }
}

/// A file that is promised; `ids` are those promised before.
pub(crate) fn evidence(faults: &mut Faults, evidence: &Evidence, ids: &mut HashSet<Uuid>) {
    if !ids.insert(evidence.id) {
        faults.note_at("id", "duplicate", "used before in this part");
    }
    faults.sha256("sha256", &evidence.sha256);
    if !EVIDENCE_FILETYPES.contains(&evidence.filetype.as_str()) {
        faults.note_at("filetype", "unknown", format!("one of {}", EVIDENCE_FILETYPES.join(", ")));
    } else if !evidence.filetype.starts_with(evidence.kind.media()) {
        faults.note_at("filetype", "kind", format!("{}… of this kind", evidence.kind.media()));
    }
    match (evidence.kind.duration_ms_max(), evidence.duration_ms) {
        (Some(max), duration) if !duration.is_some_and(|duration| (1..=max).contains(&duration)) => {
            faults.note_at("duration_ms", "out_of_range", format!("1 to {max} milliseconds"));
        }
        (None, Some(_)) => faults.note_at("duration_ms", "kind", "of videos and sound recordings only"),
        _ => {}
    }
    if evidence.kind == EvidenceKind::Signature && evidence.filetype.starts_with("image/hei") {
        faults.note_at("filetype", "kind", "a drawing is JPEG, PNG or WebP");
    }
    if !(1..=EVIDENCE_BYTES_MAX).contains(&evidence.bytes) {
        faults.note_at("bytes", "out_of_range", format!("1 to {EVIDENCE_BYTES_MAX}"));
    }
    faults.optional_text("item_code", evidence.item_code.as_deref(), CODE_BYTES_MAX);
}

/// A few videos and sound recordings an item, and of nothing in particular.
fn clips(faults: &mut Faults, all: &[Evidence]) {
    let mut counted: HashMap<Option<&str>, usize> = HashMap::new();
    each(faults, "evidence", all, |faults, one| {
        if one.kind.duration_ms_max().is_some() {
            let count = counted.entry(one.item_code.as_deref()).or_default();
            *count += 1;
            if *count > CLIPS_PER_ITEM_MAX {
                faults.note_at("kind", "too_many", format!("at most {CLIPS_PER_ITEM_MAX} videos and sound recordings an item"));
            }
        }
    });
}

/// A derivative names the file as taken by id and hash; of derivatives there are none.
fn derivatives(faults: &mut Faults, all: &[Evidence]) {
    let taken: HashMap<Uuid, &Evidence> = all.iter().filter(|one| one.derived.is_none()).map(|one| (one.id, one)).collect();
    let mut reduced = HashSet::new();
    each(faults, "evidence", all, |faults, one| {
        if let Some(derived) = &one.derived {
            faults.within("derived", |faults| derivative(faults, one, derived, taken.get(&derived.from).copied(), &mut reduced));
        }
    });
}

fn derivative(faults: &mut Faults, one: &Evidence, derived: &Derived, from: Option<&Evidence>, reduced: &mut HashSet<Uuid>) {
    match from {
        None => faults.note_at("from", "unknown", "no file as taken among the evidence of this part"),
        Some(from) => {
            if from.sha256 != derived.sha256 {
                faults.note_at("sha256", "checksum", "not the hash of the file it names");
            }
            if from.kind != EvidenceKind::Photo || one.kind != EvidenceKind::Photo || from.item_code != one.item_code {
                faults.note_at("from", "kind", "a picture of the same item");
            }
        }
    }
    if one.filetype.starts_with("image/hei") {
        faults.note_at("made_by", "kind", "what a phone makes is JPEG, PNG or WebP");
    }
    if derived.made_by.is_empty() {
        faults.note_at("made_by", "required", "how it was made");
    }
    for (index, making) in derived.made_by.iter().enumerate() {
        if derived.made_by[..index].contains(making) {
            faults.within("made_by", |faults| faults.note_at(index, "duplicate", "each once"));
        }
    }
    if derived.is_reduced() && !reduced.insert(derived.from) {
        faults.note_at("from", "duplicate", "one reduced copy of a file");
    }
}

/// A position.
pub(crate) fn location(faults: &mut Faults, location: &Location) {
    for (field, value, range) in [
        ("latitude", location.latitude, -90.0..=90.0),
        ("longitude", location.longitude, -180.0..=180.0),
        ("accuracy_m", location.accuracy_m, 0.0..=1e8),
    ] {
        if !range.contains(&value) {
            faults.note_at(field, "out_of_range", format!("{} to {}", range.start(), range.end()));
        }
    }
}

fn signature(faults: &mut Faults, signature: &Signature, evidence: &HashSet<Uuid>) {
    faults.text("name", &signature.name, NAME_CHARS_MAX);
    faults.optional_text("reason", signature.reason.as_deref(), TEXT_CHARS_MAX);
    faults.sha256("shown_sha256", &signature.shown_sha256);
    if signature.left && !signature.refused {
        faults.note_at("left", "kind", "who left has not signed: refused is true too");
    }
    if signature.officer_id.is_some() && signature.by != SignedBy::Officer {
        faults.note_at("officer_id", "kind", "of officers only");
    }
    match signature.evidence_id {
        None if !signature.refused => faults.note_at("evidence_id", "required", "a signature needs its drawing"),
        Some(id) if !evidence.contains(&id) => {
            faults.note_at("evidence_id", "unknown", "not among the evidence of this part");
        }
        _ => {}
    }
    if signature.refused && signature.reason.as_deref().is_none_or(|reason| reason.trim().is_empty()) {
        faults.note_at("reason", "required", "a refusal is noted with its reason");
    }
}

pub(crate) fn hash(faults: &mut Faults, told: &str, computed: impl FnOnce() -> String) {
    if !crate::canonical::is_sha256_hex(told) {
        return faults.sha256("content_sha256", told);
    }
    if told != computed() {
        faults.note_at("content_sha256", "checksum", "not the hash of the canonical content (RFC 8785, SHA-256)");
    }
}

fn revision(faults: &mut Faults, revision: u32) {
    if !(1..=REVISION_MAX).contains(&revision) {
        faults.note_at("revision", "out_of_range", "counts up from 1");
    }
}
