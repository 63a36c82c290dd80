//! XML that a device sends, as a small tree. Names lose their prefixes: devices bind them as they like.
//!
//! No document type is read, so no entity can be defined, fetched or multiplied; depth and number of elements have
//! limits, and the text was limited before it came here.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::camera::StateReason;
use crate::source::SourceError;

/// Elements inside each other.
const DEPTH_MAX: usize = 40;
/// Elements in all.
const ELEMENTS_MAX: usize = 20_000;
/// Bytes of text in one element.
const TEXT_BYTES_MAX: usize = 8_192;

/// An element.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Element {
    /// Name without prefix.
    pub(super) name: String,
    /// Text directly inside, trimmed.
    pub(super) text: String,
    attributes: Vec<(String, String)>,
    children: Vec<Element>,
}

fn bad(detail: &str) -> SourceError {
    SourceError::new(StateReason::BadStream, format!("the device's answer is not to be read: {detail}"))
}

impl Element {
    /// Reads a document.
    ///
    /// # Errors
    /// [`StateReason::BadStream`].
    pub(super) fn parse(text: &[u8]) -> Result<Self, SourceError> {
        let mut reader = Reader::from_reader(text);
        let mut open = vec![Self::default()];
        let mut elements = 0;
        let mut begin = |open: &[Self], start: &BytesStart<'_>| {
            elements += 1;
            if open.len() > DEPTH_MAX || elements > ELEMENTS_MAX {
                return Err(bad("too many elements"));
            }
            Self::of(start)
        };
        loop {
            match reader.read_event().map_err(|_| bad("broken XML"))? {
                Event::Start(start) => {
                    let element = begin(&open, &start)?;
                    open.push(element);
                }
                Event::Empty(start) => {
                    let element = begin(&open, &start)?;
                    open.last_mut().ok_or_else(|| bad("broken XML"))?.children.push(element);
                }
                Event::End(_) => {
                    let element = open.pop().ok_or_else(|| bad("broken XML"))?;
                    open.last_mut().ok_or_else(|| bad("broken XML"))?.children.push(element.trimmed());
                }
                Event::Text(text) => push(&mut open, &text.xml10_content().map_err(|_| bad("not UTF-8"))?)?,
                Event::CData(text) => push(&mut open, &text.decode().map_err(|_| bad("not UTF-8"))?)?,
                Event::GeneralRef(reference) => {
                    let letter = match reference.resolve_char_ref().map_err(|_| bad("a broken reference"))? {
                        Some(letter) => letter,
                        None => match &*reference.decode().map_err(|_| bad("not UTF-8"))? {
                            "amp" => '&',
                            "lt" => '<',
                            "gt" => '>',
                            "quot" => '"',
                            "apos" => '\'',
                            _ => return Err(bad("an unknown entity")),
                        },
                    };
                    push(&mut open, letter.encode_utf8(&mut [0; 4]))?;
                }
                Event::DocType(_) => return Err(bad("it has a document type")),
                Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
                Event::Eof => break,
            }
        }
        let [root] = <[Self; 1]>::try_from(open).map_err(|_| bad("it breaks off"))?;
        root.children.into_iter().next().ok_or_else(|| bad("it is empty"))
    }

    fn of(start: &BytesStart<'_>) -> Result<Self, SourceError> {
        let name = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut attributes = Vec::new();
        for attribute in start.attributes().take(50) {
            let attribute = attribute.map_err(|_| bad("a broken attribute"))?;
            let value = String::from_utf8_lossy(&attribute.value).into_owned();
            attributes.push((name(attribute.key.local_name().as_ref()), value));
        }
        Ok(Self { name: name(start.local_name().as_ref()), attributes, ..Self::default() })
    }

    fn trimmed(mut self) -> Self {
        self.text = self.text.trim().to_owned();
        self
    }

    /// The first child.
    pub(super) fn first(&self) -> Option<&Self> {
        self.children.first()
    }

    /// The first child of that name.
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// All children of that name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The element at the end of a path of names.
    pub(super) fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |element, name| element.child(name))
    }

    /// The text there, when there is any.
    pub(super) fn text_at(&self, path: &[&str]) -> Option<&str> {
        self.at(path).map(|element| element.text.as_str()).filter(|text| !text.is_empty())
    }

    /// The number there.
    pub(super) fn number_at<T: std::str::FromStr>(&self, path: &[&str]) -> Option<T> {
        self.text_at(path)?.parse().ok()
    }

    /// The value of an attribute.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

fn push(open: &mut [Element], text: &str) -> Result<(), SourceError> {
    let Some(element) = open.last_mut() else { return Ok(()) };
    if element.text.len() + text.len() > TEXT_BYTES_MAX {
        return Err(bad("a text is too long"));
    }
    element.text.push_str(text);
    Ok(())
}

/// Text fit to stand in XML.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&apos;"),
            // What XML 1.0 cannot hold.
            letter if letter.is_control() && !matches!(letter, '\t' | '\n' | '\r') => {}
            letter => safe.push(letter),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_tree_is_read_whatever_the_prefixes() {
        let text = br#"<?xml version="1.0"?><s:E xmlns:s="x"><!-- no --><s:B><t:P token="a&amp;b" fixed="true"><N>Main &amp; &#x4e3b;</N><E/></t:P><P/></s:B></s:E>"#;
        let root = Element::parse(text).expect("a document");
        let profiles: Vec<_> = root.at(&["B"]).expect("a body").all("P").collect();
        assert_eq!((profiles.len(), profiles[0].attribute("fixed"), profiles[0].text_at(&["N"])), (2, Some("true"), Some("Main & 主")));
        assert_eq!(root.text_at(&["B", "P", "E"]), None);
    }

    #[test]
    fn bombs_and_broken_documents_are_refused() {
        let bomb = "<!DOCTYPE a [<!ENTITY b \"bbbb\"><!ENTITY c \"&b;&b;&b;\">]><a>&c;</a>";
        let outside = "<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><a>&b;</a>";
        let deep = "<a>".repeat(DEPTH_MAX + 5);
        let wide = format!("<a>{}</a>", "<b/>".repeat(ELEMENTS_MAX + 5));
        let long = format!("<a>{}</a>", "x".repeat(TEXT_BYTES_MAX + 1));
        for bad in [bomb, outside, &deep, &wide, &long, "<a>&unknown;</a>", "<a><b></a>", "<a>", "", "words", "<a x=></a>"] {
            assert!(Element::parse(bad.as_bytes()).is_err(), "{}", &bad[..bad.len().min(60)]);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_are_a_panic(text in "(<[a-c:/!?]{0,3}[ a=\"]{0,4}>?|&[a-z#0-9]{0,4};|x){0,20}") {
            let _any = Element::parse(text.as_bytes());
        }

        #[test]
        fn what_is_escaped_is_read_back(text in "[ -~主]{1,40}") {
            let document = format!("<a>{}</a>", escaped(&text));
            prop_assert_eq!(Element::parse(document.as_bytes()).expect("a document").text, text.trim());
        }
    }
}
