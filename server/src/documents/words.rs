//! Dates and numbers as Chinese papers write them.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Kind;
use crate::domain::calendar;

const DIGITS: [char; 10] = ['〇', '一', '二', '三', '四', '五', '六', '七', '八', '九'];

/// What a bureau says about itself on its papers: the setting `documents`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "明湖区市场监督管理局", "words": {"rectification_order": "明市监责改"}, "seal_file_id": null}))]
pub struct Bureau {
    /// In whose name papers are issued; the district's name where it is empty.
    #[serde(default)]
    #[schema(max_length = 100)]
    pub name: String,
    /// By kind of paper: the word before the year of its number.
    #[serde(default)]
    pub words: BTreeMap<String, String>,
    /// Of the record that phones draw on site.
    #[serde(default)]
    pub on_site: OnSiteWording,
    /// A picture of the seal, brought before by `POST /files`; PNG with a transparent ground prints best.
    #[serde(default)]
    pub seal_file_id: Option<String>,
}

/// Wording of the record that phones draw on site; what ships where it is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OnSiteWording {
    /// As printed on top.
    #[serde(default)]
    #[schema(max_length = 100)]
    pub title: String,
    /// What the premises confirms by its signature.
    #[serde(default)]
    #[schema(max_length = 1000)]
    pub statement: String,
}

impl OnSiteWording {
    /// The title.
    pub fn title(&self) -> &str {
        Some(self.title.trim()).filter(|title| !title.is_empty()).unwrap_or("食品安全现场检查记录")
    }

    /// The statement.
    pub fn statement(&self) -> &str {
        Some(self.statement.trim()).filter(|statement| !statement.is_empty()).unwrap_or("以上记录已交被检查单位阅看，与现场情况一致。")
    }
}

impl Bureau {
    /// Name of the setting.
    pub const SETTING: &'static str = "documents";

    /// The word before the year.
    pub fn word(&self, kind: Kind) -> &str {
        self.words.get(kind.as_str()).map(|word| word.trim()).filter(|word| !word.is_empty()).unwrap_or(kind.word())
    }
}

/// A number as printed: 明市监责改〔2026〕12号.
pub fn number_text(word: &str, year: i64, number: i64) -> String {
    format!("{word}〔{year}〕{number}号")
}

/// The day of a moment in the bureau's clocks.
pub(super) fn day(at_ms: i64) -> Date {
    calendar::date_of(at_ms)
}

/// The year of a moment in the bureau's clocks.
pub fn year(at_ms: i64) -> i64 {
    i64::from(day(at_ms).year())
}

/// 2026年11月24日
pub fn chinese_date(at_ms: i64) -> String {
    let day = day(at_ms);
    format!("{}年{}月{}日", day.year(), day.month(), day.day())
}

/// 2026年11月24日14时05分
pub(super) fn chinese_time(at_ms: i64) -> String {
    let minutes = at_ms.saturating_add(i64::from(calendar::utc_offset_s(at_ms)) * 1_000).div_euclid(60_000);
    format!("{}{}时{:02}分", chinese_date(at_ms), minutes.rem_euclid(1_440) / 60, minutes.rem_euclid(60))
}

/// 二〇二六年十一月二十四日
pub fn han_date(at_ms: i64) -> String {
    let day = day(at_ms);
    let digit = |digit: char| digit.to_digit(10).and_then(|digit| DIGITS.get(digit as usize)).copied();
    let year: String = day.year().to_string().chars().filter_map(digit).collect();
    format!("{year}年{}月{}日", counted(day.month()), counted(day.day()))
}

/// A number from 1 to 99 in words.
fn counted(number: i8) -> String {
    let digit = |digit: i8| usize::try_from(digit).ok().and_then(|digit| DIGITS.get(digit)).copied().unwrap_or('〇');
    let (tens, ones) = (number / 10, number % 10);
    let mut text = String::new();
    if tens > 1 {
        text.push(digit(tens));
    }
    if tens > 0 {
        text.push('十');
    }
    if ones > 0 {
        text.push(digit(ones));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_read_as_on_paper() {
        // 2026-11-23 17:00 UTC is already the 24th in Shanghai.
        let at_ms = 1_795_453_200_000;
        assert_eq!(chinese_date(at_ms), "2026年11月24日");
        assert_eq!(han_date(at_ms), "二〇二六年十一月二十四日");
        assert_eq!(chinese_time(at_ms + 5 * 60_000), "2026年11月24日1时05分");
        assert_eq!(counted(1), "一");
        assert_eq!(counted(10), "十");
        assert_eq!(counted(12), "十二");
        assert_eq!(counted(20), "二十");
        assert_eq!(counted(31), "三十一");
    }

    #[test]
    fn numbers_carry_the_bureaus_word() {
        let mut bureau = Bureau::default();
        assert_eq!(number_text(bureau.word(Kind::RectificationOrder), 2026, 12), "责改〔2026〕12号");
        bureau.words.insert("rectification_order".to_owned(), "明市监责改".to_owned());
        assert_eq!(number_text(bureau.word(Kind::RectificationOrder), 2026, 12), "明市监责改〔2026〕12号");
    }
}
