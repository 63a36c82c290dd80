//! A form that was filled in, as the header and the part of an inspection.

use std::collections::{BTreeMap, HashMap};

use mobile_api::Moment;
use mobile_api::canonical;
use mobile_api::field::Faults;
use mobile_api::inspection::{
    Answer, Clock, Device, DoorScan, Evidence, EvidenceKind, Header, InspectionKind, ItemResult, Location, PartContent, Recusal, Signature,
    SignedBy, Visit,
};
use mobile_api::template::{Field, FieldKind, FieldValue, Item, TemplateBody};
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::xml::Element;
use crate::xlsform::{field_name, named, visit};

/// Characters of a form's name for itself.
const INSTANCE_ID_CHARS_MAX: usize = 200;
/// Characters of a picture's name.
pub const NAME_CHARS_MAX: usize = 200;

/// What a form says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Code of the template.
    pub form_id: String,
    /// Its version.
    pub version: i64,
    /// The form's own name, such as `uuid:…`.
    pub instance_id: String,
    /// The form that this one edits.
    pub deprecated_id: Option<String>,
}

/// Reads what a form says of itself.
///
/// # Errors
/// What is not right, with pointers.
pub fn head(root: &Element) -> Result<Head, Faults> {
    let mut faults = Faults::new();
    let meta = root.child("meta").cloned().unwrap_or_default();
    let instance_id = meta.value("instanceID").to_owned();
    let deprecated_id = Some(meta.value("deprecatedID").to_owned()).filter(|id| !id.is_empty());
    faults.within("meta", |faults| {
        faults.text("instanceID", &instance_id, INSTANCE_ID_CHARS_MAX);
        faults.optional_text("deprecatedID", deprecated_id.as_deref(), INSTANCE_ID_CHARS_MAX);
    });
    let form_id = root.attribute("id").unwrap_or_default().to_owned();
    faults.text("id", &form_id, mobile_api::limits::CODE_BYTES_MAX);
    let version = root.attribute("version").and_then(|version| version.parse().ok());
    if version.is_none() {
        faults.note_at("version", "format", "the number of the form's version");
    }
    match version {
        Some(version) if faults.is_empty() => Ok(Head { form_id, version, instance_id, deprecated_id }),
        _ => Err(faults),
    }
}

/// What a scan or a choice says of the premises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Premises {
    /// The code at the door: premises and mark.
    Door(Uuid, String),
    /// By id.
    Id(Uuid),
    /// By what stands on the licence, or in its code.
    Licence(String),
    /// Nothing.
    Unsaid,
}

/// Reads a scan: the address at our doors, an id, or else a licence.
fn place(text: &str) -> Premises {
    if text.is_empty() {
        return Premises::Unsaid;
    }
    if let Some((_, word)) = text.rsplit_once("/m/p/")
        && let Some((id, mark)) = word.split_once('.')
        && let Ok(id) = id.parse()
    {
        return Premises::Door(id, mark.chars().take(32).collect());
    }
    match text.parse() {
        Ok(id) => Premises::Id(id),
        Err(_) => Premises::Licence(text.chars().take(200).collect()),
    }
}

/// A picture that came, by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Hex.
    pub sha256: String,
    /// As looked at.
    pub filetype: String,
    /// Length.
    pub bytes: u64,
}

/// A form, read by its template.
#[derive(Debug, Clone)]
pub struct Filled {
    /// Where.
    pub premises: Premises,
    /// What kind of check.
    pub kind: InspectionKind,
    /// Officers beside the one who sends.
    pub officers: Vec<Uuid>,
    /// By the phone's clock.
    pub started_at: Moment,
    /// By the phone's clock.
    pub ended_at: Moment,
    /// What was answered, item by item; pictures are named and not yet linked.
    answers: Vec<(Answer, Vec<String>)>,
    /// Signatures of fields: item, field, name of the picture.
    drawn: Vec<(String, String, String)>,
    location: Option<Location>,
    certificates: bool,
    recusal: Option<AskedRecusal>,
    signatures: Vec<Signed>,
    door: Option<(Uuid, String)>,
}

#[derive(Debug, Clone)]
struct AskedRecusal {
    requested: bool,
    reason: Option<String>,
    name: String,
    picture: String,
}

#[derive(Debug, Clone)]
struct Signed {
    by: SignedBy,
    name: String,
    picture: String,
    refused: bool,
    reason: Option<String>,
}

/// What an inspection by this door lacks in law: it is shown until somebody makes it good.
pub const LACKS: [&str; 3] = ["second_officer", "recusal", "signature"];

/// Reads a form by its template. `officer_name` is that of who sends it; `now` stands in for times that the form does not say.
///
/// # Errors
/// All that is not right, with pointers of elements.
pub fn read(root: &Element, template: &TemplateBody, officer_name: &str, now: Moment) -> Result<Filled, Faults> {
    let mut faults = Faults::new();
    let started_at = moment(&mut faults, root, "start").unwrap_or(now);
    let ended_at = moment(&mut faults, root, "end").unwrap_or(started_at);
    let before = root.child(visit::BEFORE).cloned().unwrap_or_default();
    let after = root.child(visit::AFTER).cloned().unwrap_or_default();
    let mut reading = Reading { faults, ended_at, answers: Vec::new(), drawn: Vec::new() };
    for section in &template.sections {
        let Some(group) = root.child(&named('s', &section.code)) else { continue };
        for item in &section.items {
            if let Some(group) = group.child(&named('i', &item.code)) {
                reading.item(group, item);
            }
        }
    }
    let Reading { mut faults, answers, drawn, .. } = reading;
    let (mut kind, mut officers, mut location, mut premises) = (None, Vec::new(), None, Premises::Unsaid);
    faults.within(visit::BEFORE, |faults| {
        kind = match before.value("kind") {
            "" => Some(InspectionKind::Routine),
            code => coded(code),
        };
        if kind.is_none() {
            faults.note_at("kind", "unknown", "not a kind of check");
        }
        let named: Vec<Option<Uuid>> = before.value("officers").split_whitespace().map(|id| id.parse().ok()).collect();
        if named.iter().any(Option::is_none) {
            faults.note_at("officers", "format", "ids of officers");
        }
        officers = named.into_iter().flatten().collect();
        location = self::location(faults, before.value("place"), ended_at);
        premises = match place(before.value("door")) {
            Premises::Unsaid => place(before.value("premises")),
            said => said,
        };
    });
    if !faults.is_empty() {
        return Err(faults);
    }
    let door = match &premises {
        Premises::Door(id, mark) => Some((*id, mark.clone())),
        _ => None,
    };
    let text = |name: &str| Some(after.value(name).to_owned()).filter(|text| !text.is_empty());
    let recusal = matches!(after.value("recusal"), "none" | "requested").then(|| AskedRecusal {
        requested: after.value("recusal") == "requested",
        reason: text("recusal_reason"),
        name: after.value("recusal_name").to_owned(),
        picture: file_name(after.value("recusal_signature")).unwrap_or_default(),
    });
    Ok(Filled {
        premises,
        kind: kind.unwrap_or(InspectionKind::Routine),
        officers,
        started_at,
        ended_at,
        answers,
        drawn,
        location,
        certificates: after.value("certificates") == "yes",
        recusal,
        signatures: signed(&after, officer_name),
        door,
    })
}

fn signed(after: &Element, officer_name: &str) -> Vec<Signed> {
    let picture = |name: &str| file_name(after.value(name)).unwrap_or_default();
    let text = |name: &str| Some(after.value(name).to_owned()).filter(|text| !text.is_empty());
    let mut signatures = vec![Signed {
        by: SignedBy::Officer,
        name: officer_name.to_owned(),
        picture: picture("officer_signature"),
        refused: false,
        reason: None,
    }];
    let how = after.value("signing");
    if !how.is_empty() {
        let refused = how != "signed";
        let picture = if refused { String::new() } else { picture("signer_signature") };
        let reason = if refused { text("signing_reason") } else { None };
        signatures.push(Signed { by: SignedBy::Premises, name: after.value("signer").to_owned(), picture, refused, reason });
    }
    if how == "refused" {
        let (name, picture) = (after.value("witness").to_owned(), picture("witness_signature"));
        signatures.push(Signed { by: SignedBy::Witness, name, picture, refused: false, reason: None });
    }
    // Without a name or a drawing it is none; a refusal has a reason.
    signatures.retain(|one| !one.name.is_empty() && if one.refused { one.reason.is_some() } else { !one.picture.is_empty() });
    signatures
}

struct Reading {
    faults: Faults,
    ended_at: Moment,
    answers: Vec<(Answer, Vec<String>)>,
    drawn: Vec<(String, String, String)>,
}

impl Reading {
    fn item(&mut self, group: &Element, item: &Item) {
        let said = |part: char| group.value(&named(part, &item.code));
        let words = |part: char| Some(said(part).to_owned()).filter(|text| !text.is_empty());
        let (faults, drawn) = (&mut self.faults, &mut self.drawn);
        let mut choice = |part: char, known: &[&str]| {
            let code = said(part);
            if !code.is_empty() && !known.contains(&code) {
                faults.note_at(named(part, &item.code), "unknown", "not one of the choices");
            }
        };
        let answers = ["yes", "no"];
        choice('r', &["conforms", "fails", "not_applicable"]);
        choice('a', &answers);
        choice('c', &answers);
        let yes = |part: char| match said(part) {
            "yes" => Some(true),
            "no" => Some(false),
            _ => None,
        };
        let mut values = BTreeMap::new();
        for field in &item.fields {
            let name = field_name(&item.code, field);
            let text = group.value(&name);
            if text.is_empty() {
                continue;
            }
            match value(field, text) {
                Some(_) if matches!(field.kind, FieldKind::Signature {}) => {
                    drawn.push((item.code.clone(), field.code.clone(), file_name(text).unwrap_or_default()));
                }
                Some(value) => drop(values.insert(field.code.clone(), value)),
                None => faults.note_at(&name, "format", "not an answer of this field"),
            }
        }
        let number = words('n').map(|text| text.parse::<f64>().ok().filter(|number| number.is_finite()));
        if number == Some(None) {
            faults.note_at(named('n', &item.code), "format", "a number");
        }
        let mut pictures = Vec::new();
        for at in 1..=mobile_api::limits::MIN_PHOTOS_MAX.max(1) {
            let name = format!("{}_{at}", named('p', &item.code));
            match file_name(group.value(&name)) {
                Some(picture) if picture.is_empty() || pictures.contains(&picture) => {}
                Some(picture) => pictures.push(picture),
                None => faults.note_at(&name, "format", "not the name of a file"),
            }
        }
        let result: Option<ItemResult> = if item.question { None } else { coded(said('r')) };
        let fails = result == Some(ItemResult::Fails);
        let answer = Answer {
            item_code: item.code.clone(),
            result,
            remark: words('w'),
            reason: words('y').filter(|_| result == Some(ItemResult::NotApplicable)),
            number: number.flatten(),
            values,
            affects_safety: yes('a').filter(|_| fails),
            corrected_on_spot: yes('c').filter(|_| fails),
            answered_at: self.ended_at,
            evidence_ids: Vec::new(),
        };
        let drew = self.drawn.iter().any(|one| one.0 == item.code);
        let given = answer.result.is_some() || answer.remark.is_some() || answer.number.is_some() || !answer.values.is_empty();
        if given || drew || !pictures.is_empty() {
            self.answers.push((answer, pictures));
        }
    }
}

/// A field's value; of a signature, whether it names a file at all.
fn value(field: &Field, text: &str) -> Option<FieldValue> {
    match &field.kind {
        FieldKind::Number { .. } => text.parse::<f64>().ok().filter(|number| number.is_finite()).map(FieldValue::Number),
        FieldKind::Text { .. } => Some(FieldValue::Text(text.to_owned())),
        FieldKind::One { choices } => choices.iter().any(|choice| choice.code == text).then(|| FieldValue::Text(text.to_owned())),
        FieldKind::Many { choices } => {
            let chosen: Vec<&str> = text.split_whitespace().collect();
            let known = chosen.iter().all(|code| choices.iter().any(|choice| choice.code == *code));
            let in_order = choices.iter().filter(|choice| chosen.contains(&choice.code.as_str())).map(|choice| choice.code.clone());
            known.then(|| FieldValue::Many(in_order.collect()))
        }
        FieldKind::Signature {} => file_name(text).filter(|name| !name.is_empty()).map(FieldValue::Text),
    }
}

/// A code as the contract knows it.
fn coded<T: DeserializeOwned>(code: &str) -> Option<T> {
    serde_json::from_value(serde_json::Value::String(code.to_owned())).ok()
}

/// The name of a file, empty where there is none; `None` where it is none: too long, or with a folder in it.
pub fn file_name(text: &str) -> Option<String> {
    let plain = text.chars().count() <= NAME_CHARS_MAX && !text.contains(['/', '\\', '\0']) && !matches!(text, "." | "..");
    plain.then(|| text.to_owned())
}

fn moment(faults: &mut Faults, root: &Element, name: &str) -> Option<Moment> {
    let text = root.value(name);
    let read = text.parse::<Moment>().ok();
    if read.is_none() && !text.is_empty() {
        faults.note_at(name, "format", "a time such as 2026-11-23T14:05:00.000+08:00");
    }
    read
}

/// `latitude longitude altitude accuracy`, as Collect writes it.
fn location(faults: &mut Faults, text: &str, at: Moment) -> Option<Location> {
    if text.is_empty() {
        return None;
    }
    let numbers: Vec<Option<f64>> = text.split_whitespace().map(|number| number.parse().ok()).collect();
    match numbers.as_slice() {
        [Some(latitude), Some(longitude), rest @ ..] if (-90.0..=90.0).contains(latitude) && (-180.0..=180.0).contains(longitude) => {
            let accuracy_m = rest.get(1).copied().flatten().filter(|accuracy| (0.0..=1e8).contains(accuracy)).unwrap_or(0.0);
            Some(Location { latitude: *latitude, longitude: *longitude, accuracy_m, device_time: at, gps_time: None, mocked: None })
        }
        _ => {
            faults.note_at("place", "format", "latitude and longitude in degrees");
            None
        }
    }
}

/// An id that is always the same for the same words. Version 8: made by a rule of our own.
pub fn derived(words: &[&str]) -> Uuid {
    let mut hash = Sha256::new();
    for word in words {
        hash.update(word.as_bytes());
        hash.update([0]);
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// The id of the inspection that a form becomes: by the time it was begun, as ids that phones make, and the same again however
/// often the form comes.
pub fn inspection_id(instance_id: &str, started_at: Moment) -> Uuid {
    let mut rest = [0; 10];
    rest.copy_from_slice(&derived(&["openrosa", instance_id]).as_bytes()[6..]);
    let at_ms = u64::try_from(started_at.0).unwrap_or(0) & 0xffff_ffff_ffff;
    uuid::Builder::from_unix_timestamp_millis(at_ms, &rest).into_uuid()
}

impl Filled {
    /// The header of the inspection.
    pub fn header(&self, premises_id: Uuid, template_id: Uuid, officer: Uuid, device_id: &str) -> Header {
        let mut officers = vec![officer];
        for other in &self.officers {
            if !officers.contains(other) {
                officers.push(*other);
            }
        }
        Header {
            premises_id,
            template_id,
            assignment_id: None,
            kind: self.kind,
            started_at: self.started_at,
            officers,
            device: Device { id: device_id.to_owned(), model: Some("OpenRosa".to_owned()) },
        }
    }

    /// Every picture that the form names, with what it shows.
    pub fn pictures(&self) -> Vec<(String, EvidenceKind, Option<String>)> {
        let mut all: Vec<(String, EvidenceKind, Option<String>)> = Vec::new();
        let mut add = |name: &str, kind: EvidenceKind, item: Option<&str>| {
            if !name.is_empty() && !all.iter().any(|one| one.0 == name) {
                all.push((name.to_owned(), kind, item.map(str::to_owned)));
            }
        };
        for (answer, pictures) in &self.answers {
            pictures.iter().for_each(|name| add(name, EvidenceKind::Photo, Some(&answer.item_code)));
        }
        self.drawn.iter().for_each(|(item, _, name)| add(name, EvidenceKind::Signature, Some(item)));
        self.recusal.iter().for_each(|recusal| add(&recusal.picture, EvidenceKind::Signature, None));
        self.signatures.iter().for_each(|one| add(&one.picture, EvidenceKind::Signature, None));
        all
    }

    /// The part, with the pictures that have come.
    pub fn part(&self, inspection_id: Uuid, device_id: &str, came: &HashMap<String, Picture>) -> PartContent {
        let id = |name: &str| came.contains_key(name).then(|| evidence_id(inspection_id, name));
        let evidence = self.pictures().into_iter().filter_map(|(name, kind, item_code)| {
            let picture = came.get(&name)?;
            Some(Evidence {
                id: evidence_id(inspection_id, &name),
                kind,
                sha256: picture.sha256.clone(),
                filetype: picture.filetype.clone(),
                bytes: picture.bytes,
                taken_at: self.ended_at,
                item_code,
                duration_ms: None,
                derived: None,
            })
        });
        let answers: Vec<Answer> = self
            .answers
            .iter()
            .map(|(answer, pictures)| {
                let mut answer = answer.clone();
                answer.evidence_ids = pictures.iter().filter_map(|name| id(name)).collect();
                for (_, field, name) in self.drawn.iter().filter(|drawn| drawn.0 == answer.item_code) {
                    if let Some(id) = id(name) {
                        answer.values.insert(field.clone(), FieldValue::Text(id.to_string()));
                    }
                }
                answer
            })
            .collect();
        // Nothing over there hashes what was shown; what the signatures stand under is the answers of the form.
        let shown_sha256 = serde_json::to_value(&answers).map(|answers| canonical::sha256_hex(&answers)).unwrap_or_default();
        let signatures = self.signatures.iter().filter(|one| one.refused || came.contains_key(&one.picture)).map(|one| Signature {
            by: one.by,
            name: one.name.clone(),
            evidence_id: id(&one.picture),
            officer_id: None,
            refused: one.refused,
            left: false,
            reason: one.reason.clone(),
            shown_sha256: shown_sha256.clone(),
        });
        let recusal = self.recusal.as_ref().filter(|asked| !asked.name.is_empty() && (!asked.requested || asked.reason.is_some()));
        let recusal = recusal.and_then(|asked| {
            Some(Recusal {
                asked_at: self.ended_at,
                requested: asked.requested,
                reason: asked.reason.clone(),
                name: asked.name.clone(),
                evidence_id: id(&asked.picture)?,
            })
        });
        let opened = self.door.as_ref().map(|(premises_id, mark)| DoorScan {
            premises_id: *premises_id,
            mark: mark.clone(),
            device_time: self.started_at,
            location: None,
        });
        let visit = Visit { opened, certificates_shown_at: self.certificates.then_some(self.started_at), recusal, ..Visit::default() };
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of a visit")]
        let monotonic_ms = (self.ended_at.0 - self.started_at.0).clamp(0, 1_000_000_000_000) as f64;
        PartContent {
            device_id: device_id.to_owned(),
            answers,
            evidence: evidence.collect(),
            locations: self.location.iter().cloned().collect(),
            signatures: signatures.collect(),
            clock: Clock { device_time: self.ended_at, monotonic_ms, gps_time: None },
            visit: (visit != Visit::default()).then_some(visit),
            samples: Vec::new(),
            quick_tests: Vec::new(),
            paper: None,
        }
    }
}

/// The id of a picture of an inspection, by its name.
pub fn evidence_id(inspection_id: Uuid, name: &str) -> Uuid {
    derived(&["openrosa-picture", &inspection_id.to_string(), name])
}

/// What a header and a part lack of [`LACKS`].
pub fn lacks(officers: usize, content: &PartContent) -> Vec<&'static str> {
    let signed = |by: SignedBy| content.signatures.iter().any(|one| one.by == by);
    let recused = content.visit.as_ref().is_some_and(|visit| visit.recusal.is_some());
    let lacking = [officers < 2, !recused, !(signed(SignedBy::Officer) && signed(SignedBy::Premises))];
    LACKS.into_iter().zip(lacking).filter(|(_, lacking)| *lacking).map(|(what, _)| what).collect()
}
