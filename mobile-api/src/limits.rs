//! Every limit of the phone's contract, in one place, so that documents and clients name the same figures.

/// Answers in one part.
pub const ANSWERS_PER_PART_MAX: usize = 500;
/// Pieces of evidence in one part: a thousand photos, each with its reduced copy.
pub const EVIDENCE_PER_PART_MAX: usize = 2_000;
/// Pieces of evidence that one answer names.
pub const EVIDENCE_PER_ANSWER_MAX: usize = 20;
/// Positions in one part.
pub const LOCATIONS_PER_PART_MAX: usize = 200;
/// Signatures in one part.
pub const SIGNATURES_PER_PART_MAX: usize = 20;
/// Samples in one part.
pub const SAMPLES_PER_PART_MAX: usize = 50;
/// Quick tests in one part.
pub const QUICK_TESTS_PER_PART_MAX: usize = 100;
/// Parts in one inspection.
pub const PARTS_PER_INSPECTION_MAX: usize = 20;
/// Officers of one inspection or assignment.
pub const OFFICERS_MAX: usize = 20;
/// Unicode characters in a remark, a reason or another free text.
pub const TEXT_CHARS_MAX: usize = 2_000;
/// Unicode characters in a name.
pub const NAME_CHARS_MAX: usize = 200;
/// Bytes in a code of an item or section, or in a device's name.
pub const CODE_BYTES_MAX: usize = 64;
/// Bytes in an ISO date.
pub const DAY_BYTES: usize = 10;
/// Days back that a paper of the canteen's own may speak of, and days ahead (a phone's clock may be wrong).
pub const SELF_CHECK_DAYS_BACK: i64 = 62;
/// Days ahead of today that a paper of the canteen's own may speak of.
pub const SELF_CHECK_DAYS_AHEAD: i64 = 1;
/// Photos of one report of suspected food poisoning.
pub const INCIDENT_EVIDENCE_MAX: usize = 50;
/// Lines of food that one report seals.
pub const INCIDENT_GOODS_MAX: usize = 50;
/// Persons with symptoms.
pub const INCIDENT_PEOPLE_MAX: u32 = 100_000;
/// Sections in one template.
pub const SECTIONS_MAX: usize = 50;
/// Items in one template, all sections together.
pub const ITEMS_MAX: usize = 500;
/// Fields of one item.
pub const FIELDS_PER_ITEM_MAX: usize = 20;
/// Fields in one template, all items together.
pub const FIELDS_MAX: usize = 1_000;
/// Choices of one field.
pub const CHOICES_MAX: usize = 100;
/// Standard remarks of one item.
pub const REMARKS_MAX: usize = 20;
/// Papers of the canteen's own that one item names.
pub const PAPERS_PER_ITEM_MAX: usize = 8;
/// How deep a condition may nest.
pub const CONDITION_DEPTH_MAX: usize = 6;
/// Parts of one condition, all levels together.
pub const CONDITION_PARTS_MAX: usize = 40;
/// How many conditions may stand one behind the other: what is shown because of what is shown because of …
pub const CONDITION_CHAIN_MAX: usize = 30;
/// Unicode characters in a unit.
pub const UNIT_CHARS_MAX: usize = 20;
/// Kinds of premises that one template is made for.
pub const PREMISES_KINDS_MAX: usize = 20;
/// Photos an item may demand.
pub const MIN_PHOTOS_MAX: u8 = 10;
/// Bytes in one photo or signature.
pub const EVIDENCE_BYTES_MAX: u64 = 25 * 1024 * 1024;
/// Bytes in a JSON body of this contract.
pub const BODY_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Rows on one page of the synchronisation, and how many when nothing is said.
pub const SYNC_PAGE_MAX: u32 = 500;
/// Rows on one page of the synchronisation when the phone names no limit.
pub const SYNC_PAGE_DEFAULT: u32 = 200;
/// Bytes in a cursor.
pub const CURSOR_BYTES_MAX: usize = 512;
/// A part's revision; more than a phone reaches in a year of saving every second.
pub const REVISION_MAX: u32 = 1_000_000_000;
/// Milliseconds of a video.
pub const VIDEO_MS_MAX: u64 = 60_000;
/// Milliseconds of a sound recording.
pub const AUDIO_MS_MAX: u64 = 300_000;
/// Of an answer's item, videos and sound recordings in one part.
pub const CLIPS_PER_ITEM_MAX: usize = 5;
/// File types that are evidence.
pub const EVIDENCE_FILETYPES: [&str; 11] = [
    "image/jpeg",
    "image/png",
    "image/webp",
    "image/heic",
    "image/heif",
    "video/mp4",
    "video/webm",
    "video/quicktime",
    "audio/mp4",
    "audio/webm",
    "audio/ogg",
];
