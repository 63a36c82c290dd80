//! The rows of a form's sheets, by the names of their columns, and what single cells say.

use std::collections::HashMap;

use mobile_api::template::{Bilingual, Choice};

/// One row, by column.
#[derive(Debug, Clone, Default)]
pub(super) struct Line {
    pub(super) row: usize,
    pub(super) cells: HashMap<String, String>,
}

impl Line {
    pub(super) fn get(&self, column: &str) -> &str {
        self.cells.get(column).map_or("", String::as_str)
    }

    pub(super) fn yes(&self, column: &str) -> bool {
        matches!(self.get(column).to_lowercase().as_str(), "yes" | "true" | "true()" | "1")
    }

    pub(super) fn number(&self, column: &str) -> Option<f64> {
        self.get(column).parse().ok().filter(|value: &f64| value.is_finite())
    }

    /// A text in both languages: by what the columns' names say, else the same in both.
    pub(super) fn words(&self, column: &str) -> Bilingual {
        let mut found = Bilingual { zh: String::new(), en: String::new() };
        for (name, text) in self.cells.iter().filter(|(_, text)| !text.is_empty()) {
            match name.strip_prefix(column).and_then(Language::of) {
                Some(Language::Chinese) => found.zh.clone_from(text),
                Some(Language::English) => found.en.clone_from(text),
                _ => {}
            }
        }
        for side in [&mut found.zh, &mut found.en] {
            if side.is_empty() {
                self.get(column).clone_into(side);
            }
        }
        match (found.zh.is_empty(), found.en.is_empty()) {
            (true, false) => found.zh.clone_from(&found.en),
            (false, true) => found.en.clone_from(&found.zh),
            _ => {}
        }
        found
    }
}

/// Whose words a column holds.
pub(super) enum Language {
    Chinese,
    English,
    Unsaid,
}

impl Language {
    /// By what follows the column's name, such as `::English (en)`; `None` for a language that is not kept here.
    pub(super) fn of(rest: &str) -> Option<Self> {
        let said = rest.trim_start_matches(':').trim().to_lowercase();
        match said.as_str() {
            "" => Some(Self::Unsaid),
            "zh" | "zh-cn" => Some(Self::Chinese),
            "en" => Some(Self::English),
            _ if said.contains("(zh") || said.contains('中') || said.contains("chinese") => Some(Self::Chinese),
            _ if said.contains("(en") || said.contains("english") || said.contains("英") => Some(Self::English),
            _ => None,
        }
    }
}

pub(super) fn by_column(rows: &[(usize, Vec<String>)]) -> Vec<Line> {
    let mut rows = rows.iter();
    let Some((_, header)) = rows.next() else { return Vec::new() };
    let header: Vec<String> =
        header.iter().map(|name| if name.contains(':') { name.trim().to_owned() } else { name.trim().to_lowercase() }).collect();
    let line = |(row, cells): &(usize, Vec<String>)| Line {
        row: *row,
        cells: header
            .iter()
            .zip(cells)
            .filter(|(name, _)| !name.is_empty())
            .map(|(name, text)| (name.clone(), text.trim().to_owned()))
            .collect(),
    };
    rows.map(line).filter(|line| line.cells.values().any(|text| !text.is_empty())).collect()
}

pub(super) fn lists(lines: &[Line]) -> HashMap<String, Vec<Choice>> {
    let mut lists: HashMap<String, Vec<Choice>> = HashMap::new();
    for line in lines {
        let list = if line.get("list_name").is_empty() { line.get("list name") } else { line.get("list_name") };
        lists.entry(list.to_owned()).or_default().push(Choice { code: line.get("name").to_owned(), label: line.words("label") });
    }
    lists
}

/// A name as a code: what a code cannot hold becomes `_`.
pub(super) fn code_of(name: &str) -> String {
    let code: String = name
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-') { letter } else { '_' })
        .take(60)
        .collect();
    if code.is_empty() { "item".to_owned() } else { code }
}

/// `. >= 0 and . <= 8` as a range.
pub(super) fn range_of(constraint: &str) -> Option<(Option<f64>, Option<f64>)> {
    if constraint.trim().is_empty() {
        return None;
    }
    let (mut min, mut max) = (None, None);
    for part in constraint.split(" and ") {
        let rest = part.trim().trim_start_matches('(').trim_end_matches(')').trim().strip_prefix('.')?.trim();
        let number = |text: &str| text.trim().parse::<f64>().ok().filter(|value| value.is_finite());
        match (rest.strip_prefix(">="), rest.strip_prefix("<=")) {
            (Some(low), _) => min = Some(number(low)?),
            (_, Some(high)) => max = Some(number(high)?),
            _ => return None,
        }
    }
    Some((min, max))
}
