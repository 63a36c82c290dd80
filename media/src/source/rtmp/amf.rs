//! AMF0, as far as a publisher's commands need it (Adobe, "Action Message Format - AMF 0", 2007).

/// How deep objects may lie in objects.
const DEPTH_MAX: usize = 8;
/// Members of all objects of a message together.
const MEMBERS_MAX: usize = 1_000;

const NUMBER: u8 = 0;
const BOOLEAN: u8 = 1;
const STRING: u8 = 2;
const OBJECT: u8 = 3;
const NULL: u8 = 5;
const UNDEFINED: u8 = 6;
const ECMA_ARRAY: u8 = 8;
const OBJECT_END: u8 = 9;
const STRICT_ARRAY: u8 = 10;
const DATE: u8 = 11;
const LONG_STRING: u8 = 12;

/// Reads values one after another; `None` is damage.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    members: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(message: &'a [u8]) -> Self {
        Self { rest: message, members: 0 }
    }

    pub(crate) fn string(&mut self) -> Option<&'a str> {
        if self.byte()? != STRING {
            return None;
        }
        self.name()
    }

    pub(crate) fn number(&mut self) -> Option<f64> {
        if self.byte()? != NUMBER {
            return None;
        }
        self.take(8)?.try_into().ok().map(f64::from_be_bytes)
    }

    /// Passes over a value of any kind.
    pub(crate) fn skip(&mut self) -> Option<()> {
        self.skip_at(0)
    }

    fn skip_at(&mut self, depth: usize) -> Option<()> {
        self.members += 1;
        if depth > DEPTH_MAX || self.members > MEMBERS_MAX {
            return None;
        }
        match self.byte()? {
            NUMBER => self.take(8).map(drop),
            BOOLEAN => self.take(1).map(drop),
            STRING => self.name().map(drop),
            OBJECT => self.skip_members(depth),
            NULL | UNDEFINED => Some(()),
            ECMA_ARRAY => {
                self.take(4)?;
                self.skip_members(depth)
            }
            STRICT_ARRAY => {
                for _ in 0..self.length()? {
                    self.skip_at(depth + 1)?;
                }
                Some(())
            }
            DATE => self.take(10).map(drop),
            LONG_STRING => {
                let len = self.length()?;
                self.take(usize::try_from(len).ok()?).map(drop)
            }
            _ => None,
        }
    }

    fn skip_members(&mut self, depth: usize) -> Option<()> {
        loop {
            let name = self.name()?;
            if name.is_empty() && self.rest.first() == Some(&OBJECT_END) {
                return self.byte().map(drop);
            }
            self.skip_at(depth + 1)?;
        }
    }

    fn name(&mut self) -> Option<&'a str> {
        let len = u16::from_be_bytes(self.take(2)?.try_into().ok()?);
        std::str::from_utf8(self.take(len.into())?).ok()
    }

    fn length(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_be_bytes)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(taken)
    }
}

/// Writes values one after another.
#[derive(Debug, Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn string(mut self, text: &str) -> Self {
        self.0.push(STRING);
        self.name(text);
        self
    }

    pub(crate) fn number(mut self, number: f64) -> Self {
        self.0.push(NUMBER);
        self.0.extend(number.to_be_bytes());
        self
    }

    pub(crate) fn null(mut self) -> Self {
        self.0.push(NULL);
        self
    }

    /// An object whose members are texts.
    pub(crate) fn object(mut self, members: &[(&str, &str)]) -> Self {
        self.0.push(OBJECT);
        for (name, text) in members {
            self.name(name);
            self.0.push(STRING);
            self.name(text);
        }
        self.name("");
        self.0.push(OBJECT_END);
        self
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn name(&mut self, text: &str) {
        // Ours are short.
        self.0.extend(u16::try_from(text.len()).unwrap_or_default().to_be_bytes());
        self.0.extend(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let bytes = Writer::default().string("publish").number(5.0).null().object(&[("level", "status")]).string("kitchen").into_bytes();
        let mut reader = Reader::new(&bytes);
        assert_eq!((reader.string(), reader.number()), (Some("publish"), Some(5.0)));
        assert_eq!((reader.skip(), reader.skip(), reader.string()), (Some(()), Some(()), Some("kitchen")));
        assert_eq!(reader.skip(), None, "the end");
    }

    #[test]
    fn nesting_and_numbers_have_an_end() {
        let deep = [&[OBJECT, 0, 1, b'a'][..]].concat().repeat(1_000);
        assert_eq!(Reader::new(&deep).skip(), None);
        let endless = [&[STRICT_ARRAY, 0xff, 0xff, 0xff, 0xff][..], &[NULL; 5_000]].concat();
        assert_eq!(Reader::new(&endless).skip(), None);
        assert_eq!(Reader::new(&[LONG_STRING, 0xff, 0xff, 0xff, 0xff, 1]).skip(), None);
    }
}
