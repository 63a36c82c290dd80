//! Text that people type: trimmed, bounded, without characters that one of the databases cannot hold.

use pinyin::ToPinyin;

/// Why a text was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextError {
    /// Nothing but white space.
    Empty,
    /// More than this many characters.
    TooLong(usize),
    /// Control characters, NUL among them.
    Control,
}

/// A line of text: trimmed, 1 to `limit` characters, no control characters.
pub fn line(text: &str, limit: usize) -> Result<String, TextError> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Err(TextError::Empty);
    }
    if trimmed.chars().any(char::is_control) {
        return Err(TextError::Control);
    }
    bounded(trimmed, limit)
}

/// Text of several lines: trimmed, at most `limit` characters, of control characters only tab and line breaks.
pub fn lines(text: &str, limit: usize) -> Result<String, TextError> {
    let trimmed = text.trim();
    if trimmed.chars().any(|character| character.is_control() && !matches!(character, '\n' | '\r' | '\t')) {
        return Err(TextError::Control);
    }
    bounded(trimmed, limit)
}

fn bounded(text: &str, limit: usize) -> Result<String, TextError> {
    if text.chars().count() > limit {
        return Err(TextError::TooLong(limit));
    }
    Ok(text.to_owned())
}

/// The key that names are ordered and searched by: full pinyin, then initials, then the name itself, all lower case.
///
/// `澄海实验` gives `chenghaishiyan chsy 澄海实验`.
pub fn name_key(name: &str) -> String {
    let mut full = String::new();
    let mut initials = String::new();
    for character in name.chars() {
        match character.to_pinyin() {
            Some(pinyin) => {
                full.push_str(pinyin.plain());
                initials.push_str(pinyin.first_letter());
            }
            None if !character.is_whitespace() => {
                full.extend(character.to_lowercase());
                initials.extend(character.to_lowercase());
            }
            None => {}
        }
    }
    format!("{full} {initials} {}", name.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_names_are_found_by_pinyin_and_by_initials() {
        let key = name_key("澄海实验 A 幼儿园");
        for part in ["chenghai", "chsyayey", "澄海实验 a"] {
            assert!(key.contains(part), "{part} in {key}");
        }
        assert!(name_key("北京") < name_key("上海"), "order is that of pinyin");
    }

    #[test]
    fn bad_text_is_refused() {
        assert_eq!(line("  ", 10), Err(TextError::Empty));
        assert_eq!(line("a\0b", 10), Err(TextError::Control));
        assert_eq!(line("四个汉字", 3), Err(TextError::TooLong(3)));
        assert_eq!(line(" 四个汉字 ", 4).as_deref(), Ok("四个汉字"));
        assert_eq!(lines("a\nb\t", 4).as_deref(), Ok("a\nb"));
        assert_eq!(lines("a\u{1}", 4), Err(TextError::Control));
    }
}
