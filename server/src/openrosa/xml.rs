//! XML that came from outside, as a tree: bounded in bytes, depth and elements, without DTD and so without entities of its own.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// Bytes of a form at most; a template of 500 items with all fields stays well below.
pub const BYTES_MAX: usize = 1024 * 1024;
/// Elements one in the other.
const DEPTH_MAX: usize = 20;
/// Elements in all.
const ELEMENTS_MAX: usize = 20_000;
/// Attributes of one element.
const ATTRIBUTES_MAX: usize = 50;

/// Why XML was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum XmlError {
    /// It is no XML, or not whole.
    #[error("not well-formed XML: {0}")]
    Malformed(String),
    /// It has a DTD or names entities that XML itself does not have.
    #[error("a document type or an entity of its own is not taken")]
    Declared,
    /// It is beyond a limit.
    #[error("at most {0}")]
    TooLarge(String),
}

/// An element. Prefixes of names are left out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Element {
    /// Without its prefix.
    pub name: String,
    /// Names and values.
    pub attributes: Vec<(String, String)>,
    /// The text right inside, as written.
    pub text: String,
    /// The elements right inside.
    pub children: Vec<Element>,
}

impl Element {
    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|attribute| attribute.0 == name).map(|attribute| attribute.1.as_str())
    }

    /// The first element of this name right inside.
    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of that element, without spaces around it; empty where there is none.
    pub fn value(&self, name: &str) -> &str {
        self.child(name).map_or("", |child| child.text.trim())
    }
}

/// Reads a document.
///
/// # Errors
/// Where it is no XML, declares anything, or is beyond a limit.
pub fn read(text: &str) -> Result<Element, XmlError> {
    if text.len() > BYTES_MAX {
        return Err(XmlError::TooLarge(format!("{BYTES_MAX} bytes")));
    }
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    let mut elements = 0;
    loop {
        match reader.read_event().map_err(malformed)? {
            Event::Start(tag) => {
                count(&mut elements, open.len() + 1, root.is_some())?;
                open.push(element(&tag)?);
            }
            Event::Empty(tag) => {
                count(&mut elements, open.len() + 1, root.is_some())?;
                close(element(&tag)?, &mut open, &mut root);
            }
            Event::End(_) => {
                let done = open.pop().ok_or_else(|| XmlError::Malformed("an element ends that did not begin".to_owned()))?;
                close(done, &mut open, &mut root);
            }
            Event::Text(piece) => push(&mut open, &piece.xml10_content().map_err(malformed)?)?,
            Event::CData(piece) => push(&mut open, &piece.decode().map_err(malformed)?)?,
            Event::GeneralRef(reference) => {
                let letter = match reference.resolve_char_ref().map_err(malformed)? {
                    Some(letter) => letter,
                    None => match reference.decode().map_err(malformed)?.as_ref() {
                        "lt" => '<',
                        "gt" => '>',
                        "amp" => '&',
                        "quot" => '"',
                        "apos" => '\'',
                        _ => return Err(XmlError::Declared),
                    },
                };
                push(&mut open, letter.encode_utf8(&mut [0; 4]))?;
            }
            Event::DocType(_) => return Err(XmlError::Declared),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof => break,
        }
    }
    if !open.is_empty() {
        return Err(XmlError::Malformed("it ends in the middle".to_owned()));
    }
    root.ok_or_else(|| XmlError::Malformed("there is no element".to_owned()))
}

fn malformed(error: impl std::fmt::Display) -> XmlError {
    XmlError::Malformed(error.to_string().chars().take(200).collect())
}

fn count(elements: &mut usize, depth: usize, ended: bool) -> Result<(), XmlError> {
    *elements += 1;
    if ended {
        return Err(XmlError::Malformed("a second element at the top".to_owned()));
    }
    if depth > DEPTH_MAX {
        return Err(XmlError::TooLarge(format!("{DEPTH_MAX} elements one in the other")));
    }
    if *elements > ELEMENTS_MAX {
        return Err(XmlError::TooLarge(format!("{ELEMENTS_MAX} elements")));
    }
    Ok(())
}

fn element(tag: &BytesStart<'_>) -> Result<Element, XmlError> {
    let named = |bytes: &[u8]| std::str::from_utf8(bytes).map(str::to_owned).map_err(malformed);
    let mut attributes = Vec::new();
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(malformed)?;
        if attributes.len() >= ATTRIBUTES_MAX {
            return Err(XmlError::TooLarge(format!("{ATTRIBUTES_MAX} attributes")));
        }
        // An entity of its own is refused here too: only those of XML itself are known.
        let value = std::str::from_utf8(&attribute.value).map_err(malformed)?;
        let value = quick_xml::escape::unescape(value).map_err(|_| XmlError::Declared)?;
        attributes.push((named(attribute.key.local_name().as_ref())?, held(&value)?.to_owned()));
    }
    Ok(Element { name: named(tag.local_name().as_ref())?, attributes, ..Element::default() })
}

fn push(open: &mut [Element], text: &str) -> Result<(), XmlError> {
    match open.last_mut() {
        Some(element) => element.text.push_str(held(text)?),
        None if text.trim().is_empty() => {}
        None => return Err(XmlError::Malformed("text outside of every element".to_owned())),
    }
    Ok(())
}

/// No letter that XML does not have.
fn held(text: &str) -> Result<&str, XmlError> {
    match text.chars().find(|letter| (*letter < ' ' && !matches!(letter, '\t' | '\n' | '\r')) || matches!(letter, '\u{fffe}' | '\u{ffff}'))
    {
        Some(letter) => Err(XmlError::Malformed(format!("the character U+{:04X}", u32::from(letter)))),
        None => Ok(text),
    }
}

fn close(done: Element, open: &mut [Element], root: &mut Option<Element>) {
    match open.last_mut() {
        Some(above) => above.children.push(done),
        None => *root = Some(done),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_read_with_its_texts() {
        let read = read("<?xml version='1.0'?><!-- c --><o:data xmlns:o='urn:x' id=\"a&amp;b\"><q> 厨&#x623F; &lt;<![CDATA[<&>]]> </q><e/><orx:meta/></o:data>").unwrap();
        assert_eq!((read.name.as_str(), read.attribute("id")), ("data", Some("a&b")));
        assert_eq!(read.value("q"), "厨房 <<&>");
        assert!(read.child("meta").is_some() && read.value("gone").is_empty());
    }

    #[test]
    fn what_could_harm_is_refused() {
        let bomb = "<!DOCTYPE d [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;\">]><d>&b;</d>";
        assert_eq!(read(bomb), Err(XmlError::Declared));
        assert_eq!(read("<!DOCTYPE d SYSTEM \"file:///etc/passwd\"><d/>"), Err(XmlError::Declared));
        assert_eq!(read("<d>&own;</d>"), Err(XmlError::Declared));
        assert_eq!(read("<d a=\"&own;\"/>"), Err(XmlError::Declared));
        let deep = format!("{}{}", "<a>".repeat(21), "</a>".repeat(21));
        assert!(matches!(read(&deep), Err(XmlError::TooLarge(_))));
        assert!(matches!(read(&format!("<d>{}</d>", "<a/>".repeat(20_000))), Err(XmlError::TooLarge(_))));
        assert!(matches!(read(&format!("<d>{}</d>", "x".repeat(BYTES_MAX))), Err(XmlError::TooLarge(_))));
        let attributes: String = (0..51).map(|at| format!(" a{at}=''")).collect();
        assert!(matches!(read(&format!("<d{attributes}/>")), Err(XmlError::TooLarge(_))));
        for bad in
            ["", "<d>", "<d></e>", "</d>", "<d/><e/>", "text", "<d>&#0;</d>", "<d>\u{1}</d>", "<d>&#1;</d>", "<d a='1' a='2'/>", "<d a=1/>"]
        {
            assert!(matches!(read(bad), Err(XmlError::Malformed(_))), "{bad:?} {:?}", read(bad));
        }
    }
}
