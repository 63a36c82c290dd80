//! What an index holds of a text, and what a search asks of it.
//!
//! Chinese is written without spaces, so that its characters are kept alone and in pairs: a word of one character is found, and one
//! of more by all its pairs. Everything else is kept as whole words in small letters, and found by how they begin.

use std::collections::BTreeSet;

/// Characters of a word that count: what people type is shorter, what is longer is no word.
const WORD_CHARS_MAX: usize = 32;
/// Words of a search; the others are ignored.
const WANTED_MAX: usize = 6;
/// Tokens that are kept of one text.
const TOKENS_MAX: usize = 4_000;

/// A piece of text as the index holds it: letters and digits only, the first of which says what it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Token {
    /// As the index holds it.
    pub text: String,
    /// Whether it is what the kept one begins with.
    pub begins: bool,
}

impl Token {
    /// One that is kept as it is: `mark` says of what it is an id.
    pub fn of(mark: char, id: &str) -> Self {
        let letters = id.chars().filter(char::is_ascii_alphanumeric);
        Self { text: std::iter::once(mark).chain(letters).collect(), begins: false }
    }

    fn han(characters: &[char]) -> Self {
        let mut text = String::from("h");
        characters.iter().for_each(|character| text.push_str(&format!("{:x}", u32::from(*character))));
        Self { text, begins: false }
    }

    fn word(characters: &[char], begins: bool) -> Self {
        let word: String = characters.iter().take(WORD_CHARS_MAX).collect();
        Self { text: format!("w{word}"), begins }
    }
}

/// What is kept of a text.
pub fn kept(text: &str) -> BTreeSet<String> {
    let mut tokens = BTreeSet::new();
    for run in runs(text) {
        match run {
            Run::Han(characters) => {
                tokens.extend(characters.iter().map(|one| Token::han(&[*one]).text));
                tokens.extend(characters.windows(2).map(|pair| Token::han(pair).text));
            }
            Run::Word(characters) => _ = tokens.insert(Token::word(&characters, false).text),
        }
        if tokens.len() >= TOKENS_MAX {
            break;
        }
    }
    tokens
}

/// The words of a search, as they were typed.
pub fn wanted(search: &str) -> Vec<&str> {
    search.split_whitespace().take(WANTED_MAX).collect()
}

/// What a text has to have for this word to stand in it; empty where the word has neither a letter nor a digit.
pub fn asked(word: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    for run in runs(word) {
        match run {
            Run::Han(characters) if characters.len() == 1 => tokens.push(Token::han(&characters)),
            Run::Han(characters) => tokens.extend(characters.windows(2).map(Token::han)),
            Run::Word(characters) => tokens.push(Token::word(&characters, true)),
        }
    }
    tokens.dedup();
    tokens
}

/// A stretch of text of one kind.
enum Run {
    Han(Vec<char>),
    Word(Vec<char>),
}

fn runs(text: &str) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut goes_on = false;
    for character in text.chars().flat_map(char::to_lowercase) {
        if !character.is_alphanumeric() {
            goes_on = false;
            continue;
        }
        match (runs.last_mut().filter(|_| goes_on), is_han(character)) {
            (Some(Run::Han(run)), true) | (Some(Run::Word(run)), false) => run.push(character),
            (_, true) => runs.push(Run::Han(vec![character])),
            (_, false) => runs.push(Run::Word(vec![character])),
        }
        goes_on = true;
    }
    runs
}

/// CJK unified ideographs with their extensions and the compatible ones.
fn is_han(character: char) -> bool {
    matches!(character, '\u{3007}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a text has all that a word asks for.
    fn finds(text: &str, word: &str) -> bool {
        let kept = kept(text);
        let asked = asked(word);
        !asked.is_empty()
            && asked.iter().all(|token| kept.iter().any(|one| if token.begins { one.starts_with(&token.text) } else { *one == token.text }))
    }

    #[test]
    fn chinese_is_found_by_one_character_and_by_more() {
        let text = "灶台下发现鼠患，已派Wang处理 3号柜";
        for word in ["鼠", "鼠患", "发现鼠患", "灶台下发", "wang", "WAN", "3号柜", "号柜", "派wang处"] {
            assert!(finds(text, word), "{word}");
        }
        for word in ["患鼠", "台灶", "ang", "老鼠", "。", "4号柜"] {
            assert!(!finds(text, word), "{word}");
        }
    }

    #[test]
    fn a_break_in_the_text_is_none_in_a_pair() {
        assert!(!finds("有鼠。患者就医", "鼠患"));
        assert!(finds("rat-trap", "trap") && finds("Ｂ１ 柜", "ｂ１"));
    }

    #[test]
    fn tokens_are_letters_and_digits_so_that_no_engine_takes_them_for_its_own_language() {
        let text = "a'b\"c OR NOT * 鼠:患 & | ! ( ) \\ \u{0}";
        assert!(kept(text).iter().all(|token| token.chars().all(char::is_alphanumeric)), "{:?}", kept(text));
        assert_eq!(Token::of('k', "signal_lost").text, "ksignallost");
        assert!(asked(&"长".repeat(5_000)).len() == 1 && kept(&"x".repeat(500)).iter().all(|token| token.len() == 33));
    }
}
