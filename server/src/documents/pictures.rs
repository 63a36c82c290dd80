//! What a paper shows of the evidence: photos and drawings that are printed, and recordings that are named.

use mobile_api::inspection::originals::Standing;
use mobile_api::inspection::{Evidence, EvidenceKind, PartContent};
use uuid::Uuid;

use super::data::{PaperItem, Photo, Recording};
use super::words::chinese_time;
use crate::files::PIXELS_MAX;
use crate::store::evidence::{self, EvidenceRow};

/// Pictures of one item, and of one paper, at most.
const ITEM_PHOTOS_MAX: usize = 4;
const PHOTOS_MAX: usize = 40;

/// Recordings that a paper names at most.
const RECORDINGS_MAX: usize = 40;

/// A picture that has to be read before the paper is set.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// As the data names it.
    pub file: String,
    /// In the file store.
    pub sha256: String,
    /// Such as `image/jpeg`.
    pub filetype: String,
    /// Pixels that are enough for its place on the page.
    pub width: u32,
}

/// Photos of the items of a paper, in their order, as far as there is room.
pub(super) fn of_items(items: &mut [PaperItem], files: &[EvidenceRow], wanted: &mut Vec<Wanted>) {
    let mut left = PHOTOS_MAX;
    for item in items {
        item.photos = of_item(item, files, &mut left, wanted);
    }
}

fn of_item(item: &PaperItem, files: &[EvidenceRow], left: &mut usize, wanted: &mut Vec<Wanted>) -> Vec<Photo> {
    let of_item = files.iter().filter(|file| {
        file.item_code.as_deref() == Some(&item.code)
            && file.kind.as_deref() == Some(evidence::kind_code(EvidenceKind::Photo))
            && file.derived_from.is_none()
    });
    let printed = of_item.filter_map(|taken| printed(taken, files).map(|(shown, note)| (taken, shown, note)));
    let chosen: Vec<(&EvidenceRow, &EvidenceRow, &str)> = printed.take(ITEM_PHOTOS_MAX.min(*left)).collect();
    *left -= chosen.len();
    chosen
        .into_iter()
        .map(|(file, shown, note)| {
            let name = format!("photo-{}.{}", wanted.len() + 1, extension(stored_type(shown)));
            wanted.push(Wanted { file: name.clone(), sha256: shown.sha256.clone(), filetype: stored_type(shown).to_owned(), width: 640 });
            let taken = file.taken_at.map(chinese_time).unwrap_or_default();
            Photo { evidence_id: file.id.clone(), file: name, sha256: file.sha256.clone(), taken, note: note.to_owned() }
        })
        .collect()
}

/// What is printed of a photo, and what is said of it. Papers leave the bureau: where places were made unreadable, the picture that
/// shows them is not printed, even while the other has not come.
fn printed<'a>(taken: &'a EvidenceRow, files: &'a [EvidenceRow]) -> Option<(&'a EvidenceRow, &'static str)> {
    let can = |file: &EvidenceRow| file.file_id.is_some() && printable(stored_type(file)) && opened(file);
    if let Some(redacted) = evidence::redacted(files, &taken.id) {
        return can(redacted).then_some((redacted, "印出的是经遮挡处理的图片"));
    }
    let withheld = taken.standing == Standing::Withheld.as_str();
    if can(taken) {
        return Some((taken, ""));
    }
    let copy = evidence::reduced(files, &taken.id).filter(|copy| can(copy))?;
    Some(match (taken.file_id.is_some(), withheld) {
        (true, _) => (copy, "印出的是缩小件"),
        (false, true) => (copy, "缩小件；按检查表规定原件不上传"),
        (false, false) => (copy, "缩小件；原件尚未上传"),
    })
}

/// Whether it has no more pixels than are opened here.
fn opened(file: &EvidenceRow) -> bool {
    file.pixels().is_none_or(|pixels| pixels <= PIXELS_MAX)
}

/// Videos and sound recordings as taken, by when they were. Paper cannot show them: it says which there are and what proves them.
pub(super) fn recordings(contents: &[(Uuid, PartContent)], files: &[EvidenceRow]) -> Vec<Recording> {
    let mut taken: Vec<(&Evidence, &'static str)> = contents
        .iter()
        .flat_map(|(_, content)| &content.evidence)
        .filter(|one| one.derived.is_none())
        .filter_map(|one| match one.kind {
            EvidenceKind::Video => Some((one, "录像")),
            EvidenceKind::Audio => Some((one, "录音")),
            EvidenceKind::Photo | EvidenceKind::Signature => None,
        })
        .collect();
    taken.sort_by_key(|(one, _)| (one.taken_at.0, one.id));
    taken
        .into_iter()
        .take(RECORDINGS_MAX)
        .map(|(one, kind)| {
            let id = one.id.to_string();
            let stored = files.iter().find(|file| file.id == id);
            let note = match stored {
                Some(file) if file.file_id.is_some() => "",
                Some(file) if file.standing == Standing::Withheld.as_str() => "按检查表规定原件不上传",
                _ => "原件尚未上传",
            };
            Recording {
                item_code: one.item_code.clone().unwrap_or_default(),
                kind: kind.to_owned(),
                taken: chinese_time(one.taken_at.0),
                seconds: one.duration_ms.map(|ms| ms.div_ceil(1_000)),
                sha256: one.sha256.clone(),
                note: note.to_owned(),
            }
        })
        .collect()
}

/// A drawing that has arrived and can be printed: what the layout opens.
pub(super) fn drawing(id: Uuid, files: &[EvidenceRow], wanted: &mut Vec<Wanted>) -> Option<String> {
    let file = files.iter().find(|file| file.id == id.to_string())?;
    if file.file_id.is_none() || !printable(stored_type(file)) {
        return None;
    }
    let name = format!("signature-{}.{}", wanted.len() + 1, extension(stored_type(file)));
    wanted.push(Wanted { file: name.clone(), sha256: file.sha256.clone(), filetype: stored_type(file).to_owned(), width: 640 });
    Some(name)
}

pub(super) fn stored_type(file: &EvidenceRow) -> &str {
    file.stored_filetype.as_deref().unwrap_or(&file.filetype)
}

pub(super) fn printable(filetype: &str) -> bool {
    matches!(filetype, "image/jpeg" | "image/png" | "image/webp")
}

pub(super) fn extension(filetype: &str) -> &'static str {
    match filetype {
        "image/png" => "png",
        "image/webp" => "webp",
        _ => "jpg",
    }
}
