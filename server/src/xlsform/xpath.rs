//! Conditions as the XPath of XLSForm, and back: the part of that language in which conditions can be said.
//!
//! A value that is not there compares as an empty text over there, so "not equal" is written with "is there" before it, and
//! read back as one. `selected('a b', ${q})` says "is one of".

use mobile_api::inspection::ItemResult;
use mobile_api::template::{Comparison, Condition, FieldValue, ResultIs, ValueIs};

/// What a question of a form is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// An item's result.
    Result(String),
    /// A field; without a code the item's number.
    Field { item: String, field: Option<String>, number: bool, many: bool },
}

/// Writes a condition; `name` gives the question's name of an item's result, number or field.
pub(super) fn write(condition: &Condition, name: &impl Fn(&str, Option<&str>, bool) -> String) -> String {
    let several = |all: &[Condition], word: &str, neutral: &str| {
        let mut parts: Vec<String> = all.iter().map(|one| bracketed(one, name)).collect();
        if parts.len() == 1 {
            parts.push(neutral.to_owned());
        }
        parts.join(word)
    };
    match condition {
        Condition::All(all) => several(all, " and ", "true()"),
        Condition::Any(any) => several(any, " or ", "false()"),
        Condition::Not(one) => format!("not({})", write(one, name)),
        Condition::Result(ResultIs { item, one_of }) => {
            let codes: Vec<&str> = one_of.iter().map(|one| result_code(*one)).collect();
            let question = format!("${{{}}}", name(item, None, true));
            match codes.as_slice() {
                [one] => format!("{question} = '{one}'"),
                _ => format!("selected('{}', {question})", codes.join(" ")),
            }
        }
        Condition::Value(value) => {
            let question = format!("${{{}}}", name(&value.item, value.field.as_deref(), false));
            compared(&question, value)
        }
    }
}

fn bracketed(condition: &Condition, name: &impl Fn(&str, Option<&str>, bool) -> String) -> String {
    let written = write(condition, name);
    if matches!(condition, Condition::All(_) | Condition::Any(_)) { format!("({written})") } else { written }
}

fn compared(question: &str, value: &ValueIs) -> String {
    let to = match &value.to {
        Some(FieldValue::Number(number)) => number.to_string(),
        Some(FieldValue::Text(text)) => literal(text),
        _ => "''".to_owned(),
    };
    match value.is {
        Comparison::Equals => format!("{question} = {to}"),
        Comparison::NotEquals => format!("({question} != '' and {question} != {to})"),
        Comparison::Less => format!("{question} < {to}"),
        Comparison::AtMost => format!("{question} <= {to}"),
        Comparison::More => format!("{question} > {to}"),
        Comparison::AtLeast => format!("{question} >= {to}"),
        Comparison::Includes => format!("selected({question}, {to})"),
        Comparison::Given => format!("{question} != ''"),
    }
}

/// A text in quotes; XPath knows no escapes, so one with both kinds is put together of pieces.
fn literal(text: &str) -> String {
    if !text.contains('\'') {
        return format!("'{text}'");
    }
    if !text.contains('"') {
        return format!("\"{text}\"");
    }
    let pieces: Vec<String> = text.split('\'').map(|piece| format!("'{piece}'")).collect();
    format!("concat({})", pieces.join(", \"'\", "))
}

fn result_code(result: ItemResult) -> &'static str {
    match result {
        ItemResult::Conforms => "conforms",
        ItemResult::Fails => "fails",
        ItemResult::NotApplicable => "not_applicable",
    }
}

fn result_of(code: &str) -> Option<ItemResult> {
    [ItemResult::Conforms, ItemResult::Fails, ItemResult::NotApplicable].into_iter().find(|one| result_code(*one) == code)
}

/// Reads a condition; `None` where it says something that cannot be said here.
pub(super) fn read(text: &str, target: &impl Fn(&str) -> Option<Target>) -> Option<Condition> {
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens: &tokens, at: 0, depth: 0, target };
    let read = parser.any()?;
    (parser.at == tokens.len()).then_some(())?;
    match read {
        Read::Condition(condition) => Some(condition),
        Read::Neutral => None,
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Question(String),
    Text(String),
    Number(f64),
    Word(String),
    Sign(&'static str),
}

const SIGNS: [&str; 10] = ["!=", "<=", ">=", "=", "<", ">", "(", ")", ",", "-"];

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("${") {
            let (name, after) = after.split_once('}')?;
            found.push(Token::Question(name.trim().to_owned()));
            rest = after;
        } else if first == '\'' || first == '"' {
            let (inside, after) = rest[1..].split_once(first)?;
            found.push(Token::Text(inside.to_owned()));
            rest = after;
        } else if first.is_ascii_digit() || (first == '.' && rest[1..].starts_with(|next: char| next.is_ascii_digit())) {
            let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(rest.len());
            found.push(Token::Number(rest[..end].parse().ok()?));
            rest = &rest[end..];
        } else if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
            found.push(Token::Sign(sign));
            rest = &rest[sign.len()..];
        } else if first.is_ascii_alphabetic() {
            let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && !matches!(letter, '-' | '_')).unwrap_or(rest.len());
            found.push(Token::Word(rest[..end].to_owned()));
            rest = &rest[end..];
        } else {
            return None;
        }
        rest = rest.trim_start();
    }
    Some(found)
}

/// What a part of an expression is: a condition, or a word that only makes a list of one.
#[derive(Debug, Clone, PartialEq)]
enum Read {
    Condition(Condition),
    Neutral,
}

struct Parser<'a, F> {
    tokens: &'a [Token],
    at: usize,
    depth: usize,
    target: &'a F,
}

/// Brackets within brackets that are followed; a template takes fewer.
const DEPTH_MAX: usize = 32;

impl<F: Fn(&str) -> Option<Target>> Parser<'_, F> {
    fn next(&mut self) -> Option<&Token> {
        self.at += 1;
        self.tokens.get(self.at - 1)
    }

    fn sign(&mut self, sign: &str) -> Option<()> {
        matches!(self.next()?, Token::Sign(found) if *found == sign).then_some(())
    }

    fn word(&mut self, word: &str) -> bool {
        let is = matches!(self.tokens.get(self.at), Some(Token::Word(found)) if found == word);
        self.at += usize::from(is);
        is
    }

    fn any(&mut self) -> Option<Read> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return None;
        }
        let first = self.all()?;
        let mut list = vec![first];
        while self.word("or") {
            list.push(self.all()?);
        }
        self.depth -= 1;
        Some(joined(list, Condition::Any))
    }

    fn all(&mut self) -> Option<Read> {
        let mut list = vec![self.one()?];
        // "There, and not that" is one comparison where neither stands in brackets of its own.
        let mut bare = true;
        while self.word("and") {
            bare &= !matches!(self.tokens.get(self.at), Some(Token::Sign("(")));
            list.push(self.one()?);
        }
        if let [Read::Condition(Condition::Value(given)), Read::Condition(Condition::Value(other))] = list.as_slice()
            && bare
            && given.is == Comparison::Given
            && other.is == Comparison::NotEquals
            && (&given.item, &given.field) == (&other.item, &other.field)
        {
            return list.pop();
        }
        Some(joined(list, Condition::All))
    }

    fn one(&mut self) -> Option<Read> {
        match self.next()?.clone() {
            Token::Sign("(") => {
                let inside = self.any()?;
                self.sign(")")?;
                Some(inside)
            }
            Token::Word(word) => {
                self.sign("(")?;
                match word.as_str() {
                    "not" => {
                        let Read::Condition(inside) = self.any()? else { return None };
                        self.sign(")")?;
                        Some(Read::Condition(Condition::Not(Box::new(inside))))
                    }
                    "selected" => self.selected(),
                    "true" | "false" => self.sign(")").map(|()| Read::Neutral),
                    _ => None,
                }
            }
            Token::Question(name) => self.comparison(&name),
            _ => None,
        }
    }

    fn selected(&mut self) -> Option<Read> {
        let first = self.next()?.clone();
        self.sign(",")?;
        let second = match self.next()?.clone() {
            Token::Question(name) => Token::Question(name),
            Token::Text(text) => Token::Text(text),
            _ => return None,
        };
        self.sign(")")?;
        match (first, second) {
            (Token::Text(codes), Token::Question(name)) => {
                let Target::Result(item) = (self.target)(&name)? else { return None };
                let one_of = codes.split(' ').map(result_of).collect::<Option<Vec<_>>>()?;
                Some(Read::Condition(Condition::Result(ResultIs { item, one_of })))
            }
            (Token::Question(name), Token::Text(code)) => {
                let (item, field, is) = match (self.target)(&name)? {
                    Target::Result(item) => {
                        return Some(Read::Condition(Condition::Result(ResultIs { item, one_of: vec![result_of(&code)?] })));
                    }
                    Target::Field { item, field, many, .. } => (item, field, if many { Comparison::Includes } else { Comparison::Equals }),
                };
                Some(Read::Condition(Condition::Value(ValueIs { item, field, is, to: Some(FieldValue::Text(code)) })))
            }
            _ => None,
        }
    }

    fn comparison(&mut self, name: &str) -> Option<Read> {
        let Token::Sign(sign) = *self.next()? else { return None };
        let to = self.constant()?;
        match (self.target)(name)? {
            Target::Result(item) => {
                let FieldValue::Text(code) = to else { return None };
                let is = Condition::Result(ResultIs { item, one_of: vec![result_of(&code)?] });
                match sign {
                    "=" => Some(Read::Condition(is)),
                    "!=" => Some(Read::Condition(Condition::Not(Box::new(is)))),
                    _ => None,
                }
            }
            Target::Field { item, field, number, many } => {
                let nothing = to == FieldValue::Text(String::new());
                let is = match sign {
                    "!=" if nothing => Comparison::Given,
                    "=" if nothing => {
                        let given = ValueIs { item, field, is: Comparison::Given, to: None };
                        return Some(Read::Condition(Condition::Not(Box::new(Condition::Value(given)))));
                    }
                    "=" => Comparison::Equals,
                    "!=" => Comparison::NotEquals,
                    "<" => Comparison::Less,
                    "<=" => Comparison::AtMost,
                    ">" => Comparison::More,
                    ">=" => Comparison::AtLeast,
                    _ => return None,
                };
                if many && !nothing {
                    return None;
                }
                let to = match to {
                    _ if nothing => None,
                    // Numbers are sometimes written as texts.
                    FieldValue::Text(text) if number => Some(FieldValue::Number(text.parse().ok()?)),
                    FieldValue::Number(value) if !number => Some(FieldValue::Text(value.to_string())),
                    other => Some(other),
                };
                Some(Read::Condition(Condition::Value(ValueIs { item, field, is, to })))
            }
        }
    }

    fn constant(&mut self) -> Option<FieldValue> {
        match self.next()?.clone() {
            Token::Text(text) => Some(FieldValue::Text(text)),
            Token::Number(number) => Some(FieldValue::Number(number)),
            Token::Sign("-") => match self.next()? {
                Token::Number(number) => Some(FieldValue::Number(-number)),
                _ => None,
            },
            Token::Word(word) if word == "concat" => {
                self.sign("(")?;
                let mut whole = String::new();
                loop {
                    let Token::Text(piece) = self.next()?.clone() else { return None };
                    whole.push_str(&piece);
                    match self.next()? {
                        Token::Sign(",") => {}
                        Token::Sign(")") => return Some(FieldValue::Text(whole)),
                        _ => return None,
                    }
                }
            }
            _ => None,
        }
    }
}

fn joined(mut list: Vec<Read>, join: impl Fn(Vec<Condition>) -> Condition) -> Read {
    if list.len() == 1 {
        return list.pop().unwrap_or(Read::Neutral);
    }
    let conditions = list.into_iter().filter_map(|one| match one {
        Read::Condition(condition) => Some(condition),
        Read::Neutral => None,
    });
    Read::Condition(join(conditions.collect()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn target(name: &str) -> Option<Target> {
        let field = |number: bool, many: bool| Target::Field { item: "6.1".to_owned(), field: Some(name.to_owned()), number, many };
        match name {
            "r_6.1" => Some(Target::Result("6.1".to_owned())),
            "n" => Some(field(true, false)),
            "t" => Some(field(false, false)),
            "m" => Some(field(false, true)),
            _ => None,
        }
    }

    fn written(condition: &Condition) -> String {
        write(condition, &|item, field, result| if result { format!("r_{item}") } else { field.unwrap_or_default().to_owned() })
    }

    #[test]
    fn every_form_comes_back_as_it_was() {
        let result = json!({"result": {"item": "6.1", "one_of": ["fails"]}});
        let value = |field: &str, is: &str, to: serde_json::Value| json!({"value": {"item": "6.1", "field": field, "is": is, "to": to}});
        let given = json!({"value": {"item": "6.1", "field": "t", "is": "given"}});
        let less = value("n", "less", json!(-0.5));
        for one in [
            result.clone(),
            json!({"result": {"item": "6.1", "one_of": ["conforms", "not_applicable"]}}),
            value("n", "equals", json!(5)),
            value("n", "not_equals", json!(5)),
            less.clone(),
            value("n", "at_most", json!(1e6)),
            value("n", "more", json!(0)),
            value("n", "at_least", json!(0.125)),
            value("t", "equals", json!("it's \"both\"")),
            value("t", "not_equals", json!("好 or 坏")),
            value("m", "includes", json!("x")),
            given.clone(),
            json!({"not": {"not": given}}),
            json!({"all": [result, {"any": [less, {"all": [given]}]}, {"not": {"any": [given]}}, {"all": [given, result]}]}),
            json!({"any": [value("t", "not_equals", json!("x")), value("n", "not_equals", json!(1))]}),
            json!({"all": [given, value("n", "not_equals", json!(1))]}),
            json!({"all": [given, value("t", "not_equals", json!("x"))]}),
        ] {
            let condition: Condition = serde_json::from_value(one).unwrap();
            let text = written(&condition);
            assert_eq!(read(&text, &target), Some(condition), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_said_here_is_not_guessed() {
        for text in
            ["", "${gone} = 1", "${n} + 1 > 2", "count(${n}) > 1", "${n} = ${t}", "${n} >", "true()", "${m} = 'x'", "(${n} > 1", "今天"]
        {
            assert_eq!(read(text, &target), None, "{text}");
        }
        let deep = format!("{}${{n}} > 1{}", "(".repeat(200), ")".repeat(200));
        assert_eq!(read(&deep, &target), None);
        let foreign = read("selected(${m}, 'x') and ${t}!='' and not(${n}<=\"3\")", &target).unwrap();
        let expected = json!({"all": [{"value": {"item": "6.1", "field": "m", "is": "includes", "to": "x"}}, {"value": {"item": "6.1", "field": "t", "is": "given"}},
            {"not": {"value": {"item": "6.1", "field": "n", "is": "at_most", "to": 3.0}}}]});
        assert_eq!(serde_json::to_value(foreign).unwrap(), expected);
    }
}
