//! The little of ISO/IEC 14496-12 that is needed to walk a file: boxes, their types and lengths.

/// A box's type.
pub type BoxType = [u8; 4];

/// Where a box lies in its buffer or file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BoxHeader {
    /// Its type.
    pub box_type: BoxType,
    /// Length of the header: 8, or 16 with a 64-bit size.
    pub header_len: u64,
    /// Length of header and body together.
    pub len: u64,
}

impl BoxHeader {
    /// Bytes that suffice to parse any header.
    pub const LEN_MAX: usize = 16;

    /// Parses the header at the start of `data`; `None` when it is cut off or cannot be a box with a known length.
    #[must_use]
    pub fn parse(data: &[u8]) -> Option<Self> {
        let size = u64::from(be_u32(data, 0)?);
        let box_type: BoxType = data.get(4..8)?.try_into().ok()?;
        let (header_len, len) = if size == 1 { (16, be_u64(data, 8)?) } else { (8, size) };
        (len >= header_len).then_some(Self { box_type, header_len, len })
    }
}

/// The boxes that lie in `data` one behind the other: type and body. Stops at the first that is cut off.
pub fn children(data: &[u8]) -> impl Iterator<Item = (BoxType, &[u8])> {
    let mut rest = data;
    std::iter::from_fn(move || {
        let header = BoxHeader::parse(rest)?;
        let len = usize::try_from(header.len).ok()?;
        let body = rest.get(usize::try_from(header.header_len).ok()?..len)?;
        rest = &rest[len..];
        Some((header.box_type, body))
    })
}

/// The body of the first box at `path`, one type a level; children start behind the box header.
#[must_use]
pub fn find<'a>(data: &'a [u8], path: &[BoxType]) -> Option<&'a [u8]> {
    let (first, rest) = path.split_first()?;
    let body = children(data).find(|(box_type, _)| box_type == first)?.1;
    if rest.is_empty() { Some(body) } else { find(body, rest) }
}

/// A big-endian `u16` at `at`.
#[must_use]
pub fn be_u16(data: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(data.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

/// A big-endian `u32` at `at`.
#[must_use]
pub fn be_u32(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(data.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

/// A big-endian `u64` at `at`.
#[must_use]
pub fn be_u64(data: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(data.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_are_found_through_their_parents_and_cut_ones_are_not() {
        let inner = [&[0, 0, 0, 12][..], b"tfdt", &[1, 2, 3, 4]].concat();
        let outer = [&[0, 0, 0, 20][..], b"traf", &inner].concat();
        assert_eq!(find(&outer, &[*b"traf", *b"tfdt"]), Some(&[1, 2, 3, 4][..]));
        assert_eq!(find(&outer[..19], &[*b"traf"]), None);
        assert_eq!(BoxHeader::parse(&[0, 0, 0, 3, b'f', b'r', b'e', b'e']), None);
    }
}
