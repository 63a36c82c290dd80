//! Which clients are understood. A client names the version of this protocol that it speaks in the header
//! `Bright-Kitchen-Client: phone/6`; without the header nothing is refused (other programs speak the contract too).
//!
//! 1: header and parts, tus, sync. 2: keys and copies of drafts, parts of others. 3: late arrivals.
//! 4: what is to be completed on site, the canteen's own papers. 5: reduced copies and other derivatives of photos.
//! 6: the submission with header and part.
//! A version is only ever added to; the two before the present one work. When one has to be dropped, [`OLDEST`] moves, and a
//! phone of that version is told so before it sends anything (426 `client_too_old`): what is on it stays until it was updated.

/// Spoken by this server and by the phone's pages that it serves.
pub const CURRENT: u32 = 6;
/// The oldest that is still understood.
pub const OLDEST: u32 = 1;

/// Whether a client's header names a version that is not understood any more. A header that says nothing readable is let pass.
pub fn too_old(client: Option<&str>) -> bool {
    named(client).is_some_and(|version| version < OLDEST)
}

/// Whether a client understands what came with `version`. One that names none is taken for a program that follows the contract.
pub fn speaks(client: Option<&str>, version: u32) -> bool {
    named(client).is_none_or(|named| named >= version)
}

fn named(client: Option<&str>) -> Option<u32> {
    client.and_then(|client| client.trim().strip_prefix("phone/")).and_then(|version| version.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_surely_too_old_is_refused() {
        assert!(too_old(Some("phone/0")));
        for fine in [None, Some("phone/1"), Some("phone/2"), Some("phone/3"), Some("phone/99"), Some("phone/new"), Some("curl/0"), Some("")]
        {
            assert!(!too_old(fine), "{fine:?}");
        }
        assert!(speaks(None, 4) && speaks(Some("phone/4"), 4) && !speaks(Some("phone/3"), 4));
        const { assert!(CURRENT - OLDEST >= 2, "two versions back still work") };
    }
}
