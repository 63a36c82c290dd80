//! Integers of variable length: seven bits a byte, the lowest first, the eighth says that more follow; signed ones as zigzag,
//! so that small ones of either sign are short.

/// Longest integer, bytes: 64 bits in sevens.
const LEN_MAX: usize = 10;

/// Writes `value`.
pub(super) fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(low_bits(value) | 0x80);
        value >>= 7;
    }
    out.push(low_bits(value));
}

/// Writes a signed `value`.
pub(super) fn put_signed(out: &mut Vec<u8>, value: i64) {
    put(out, ((value << 1) ^ (value >> 63)).cast_unsigned());
}

fn low_bits(value: u64) -> u8 {
    u8::try_from(value & 0x7f).unwrap_or(0)
}

/// Reads them back; `None` at the end, and where something is no integer.
#[derive(Debug)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Reads from the start of `data`.
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self(data)
    }

    /// Whether all was read.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One byte.
    pub(super) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// An integer.
    pub(super) fn take(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for place in 0..LEN_MAX {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            let shifted = bits << (place * 7);
            if shifted >> (place * 7) != bits {
                return None;
            }
            value |= shifted;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// A signed integer.
    pub(super) fn take_signed(&mut self) -> Option<i64> {
        let value = self.take()?;
        Some((value >> 1).cast_signed() ^ -((value & 1).cast_signed()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn small_numbers_are_short() {
        for (value, len) in [(0, 1), (-64, 1), (63, 1), (64, 2), (-65, 2), (i64::MIN, 10), (i64::MAX, 10)] {
            let mut out = Vec::new();
            put_signed(&mut out, value);
            assert_eq!((out.len(), Reader::new(&out).take_signed()), (len, Some(value)));
        }
        assert_eq!(Reader::new(&[0xff; 11]).take(), None, "longer than 64 bits");
        assert_eq!(Reader::new(&[0x80]).take(), None, "cut off");
    }

    proptest! {
        #[test]
        fn what_is_put_is_taken(value in any::<u64>(), signed in any::<i64>()) {
            let mut out = Vec::new();
            put(&mut out, value);
            put_signed(&mut out, signed);
            let mut reader = Reader::new(&out);
            prop_assert_eq!((reader.take(), reader.take_signed(), reader.is_empty()), (Some(value), Some(signed), true));
        }
    }
}
