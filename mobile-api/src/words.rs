//! The words of papers, in Chinese as the law's forms have them; the phone and the server print the same.

use crate::inspection::{EvidenceKind, InspectionKind, ItemResult, QuickTest, QuickTestResult};
use crate::judge::{Consequence, Judgement, Outcome};
use crate::template::Grade;
use crate::{Moment, canonical};

/// Asia/Shanghai; there has been no summer time since 1991.
const OFFSET_S: i32 = 8 * 3_600;

/// Whether a sample is sealed.
pub fn sealed(sealed: bool) -> &'static str {
    if sealed { "已封样" } else { "未封样" }
}

/// What a quick test says.
pub fn quick_test(result: QuickTestResult) -> &'static str {
    match result {
        QuickTestResult::Passes => "合格",
        QuickTestResult::Fails => "不合格",
        QuickTestResult::Unclear => "需复测",
    }
}

/// A text where something is written.
pub(crate) fn given(text: &Option<String>) -> Option<String> {
    text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The kit of a quick test with its lot, where they are told.
pub fn kit(test: &QuickTest) -> Option<String> {
    let parts: Vec<String> = given(&test.kit).into_iter().chain(given(&test.kit_lot).map(|lot| format!("批号 {lot}"))).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// What a quick test read, with its unit, where it reads something.
pub fn reading(test: &QuickTest) -> Option<String> {
    test.reading.map(|reading| measured(reading, test.unit.as_deref().map(str::trim).unwrap_or_default()))
}

/// A figure with its unit, written as ECMAScript writes numbers, so that both sides write the same.
pub(crate) fn measured(number: f64, unit: &str) -> String {
    let number = String::from_utf8(canonical::bytes(&serde_json::json!(number))).unwrap_or_default();
    if unit.is_empty() { number } else { format!("{number} {unit}") }
}

/// 检查项结果.
pub fn result(result: ItemResult) -> &'static str {
    match result {
        ItemResult::Conforms => "符合",
        ItemResult::Fails => "不符合",
        ItemResult::NotApplicable => "合理缺项",
    }
}

/// 检查结果.
pub fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Conforms => "符合",
        Outcome::BasicallyConforms => "基本符合",
        Outcome::DoesNotConform => "不符合",
    }
}

/// 量化等级; nothing where none is given.
pub fn grade(grade: Grade) -> &'static str {
    match grade {
        Grade::Excellent => "优秀",
        Grade::Good => "良好",
        Grade::Fair => "一般",
        Grade::None => "",
    }
}

/// 检查方式.
pub fn kind(kind: InspectionKind) -> &'static str {
    match kind {
        InspectionKind::Routine => "日常检查",
        InspectionKind::Unannounced => "飞行检查",
        InspectionKind::System => "体系检查",
        InspectionKind::Campaign => "专项检查",
        InspectionKind::Reinspection => "复查",
    }
}

/// What follows for a failed item.
pub fn consequence(consequence: Consequence) -> &'static str {
    match consequence {
        Consequence::Investigation => "依法调查处理",
        Consequence::SupervisorDecides => "报负责人决定处理方式",
        Consequence::CorrectOnSpot => "已当场改正，记录在案",
        Consequence::Order => "责令限期改正",
    }
}

/// The sentence of the record: items checked, key items and general items with their problems by number, what does not apply.
pub fn summary(judged: &Judgement) -> String {
    let named = |codes: &[String]| if codes.is_empty() { String::new() } else { format!("（{}）", codes.join("、")) };
    format!(
        "本次检查共{}项：重点项目{}项，发现问题{}项{}；一般项目{}项，发现问题{}项{}；合理缺项{}项{}。",
        judged.checked,
        judged.key_checked,
        judged.key_failed.len(),
        named(&judged.key_failed),
        judged.general_checked,
        judged.general_failed.len(),
        named(&judged.general_failed),
        judged.not_applicable.len(),
        named(&judged.not_applicable),
    )
}

/// What papers say of photos whose file as taken the template does not send.
pub fn withheld(photos: usize) -> String {
    format!("照片{photos}张按检查表规定不上传原件，只上传缩小件；所列为原件的校验值。")
}

/// What papers say of a video or a sound recording: how long it is, and its hash.
pub fn clip(kind: EvidenceKind, duration_ms: u64, sha256: &str) -> String {
    let what = if kind == EvidenceKind::Video { "录像" } else { "录音" };
    format!("{what}（{}秒，校验值{sha256}）", duration_ms.div_ceil(1_000))
}

/// 2026年11月24日14时05分; empty for a moment that no calendar has.
pub fn time(at: Moment) -> String {
    let Ok(instant) = jiff::Timestamp::from_millisecond(at.0) else { return String::new() };
    let Ok(offset) = jiff::tz::Offset::from_seconds(OFFSET_S) else { return String::new() };
    let civil = offset.to_datetime(instant);
    format!("{}年{}月{}日{}时{:02}分", civil.year(), civil.month(), civil.day(), civil.hour(), civil.minute())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_the_bureaus() {
        assert_eq!(time(Moment(1_795_453_200_000 + 5 * 60_000)), "2026年11月24日1时05分");
    }
}
