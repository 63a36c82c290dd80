//! An export that ends with a statement about itself, and finding that statement again.
//!
//! The statement is the payload of a last `uuid` box, which players pass over. What it says is not ours to know here: it is
//! made when every byte before it has been sent, from the hashes of those bytes, and its length is promised beforehand. So
//! the length of the file is known before its first byte, and a file is read from the disk once.
//!
//! A fragment is named by the SHA-256 of its sample data: the bodies of its `mdat` boxes, one behind the other, which are
//! as they were recorded.

use std::io::{Read, Seek, SeekFrom};

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt as _};
use sha2::{Digest as _, Sha256};

use super::PlaybackError;
use super::export::Export;
use crate::segment::SegmentError;
use crate::segment::boxes::{BoxHeader, BoxType, children};

/// `uuid` type of the box with the statement.
pub const STATEMENT_TYPE: [u8; 16] = *b"BrightKitchenStm";
/// Size and type before the statement.
const HEAD_LEN: usize = 24;
/// The longest statement that is looked for, bytes: an export of twelve hours has less.
pub const STATEMENT_LEN_MAX: usize = 16 * 1024 * 1024;
/// More boxes than this are no export of ours.
const BOXES_MAX: usize = 1_000_000;

/// A SHA-256.
pub type Hash = [u8; 32];

/// A fragment of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FragmentHash {
    /// Arrival of its first frame, milliseconds UTC.
    pub start_ms: i64,
    /// End of its last frame, milliseconds UTC.
    pub end_ms: i64,
    /// `moof` and `mdat` pairs in it.
    pub chunks: usize,
    /// Of its sample data.
    pub sha256: Hash,
}

/// What an export hashes to, without its statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hashes {
    /// Bytes before the statement.
    pub bytes: u64,
    /// Of those bytes.
    pub file: Hash,
    /// In order.
    pub fragments: Vec<FragmentHash>,
}

/// How long the box around a statement of `len` bytes is.
#[must_use]
pub fn boxed_len(len: usize) -> u64 {
    (HEAD_LEN + len) as u64
}

/// The statement in a whole box; nothing where it is too short to be one.
#[must_use]
pub fn inside(boxed: &[u8]) -> &[u8] {
    boxed.get(HEAD_LEN..).unwrap_or_default()
}

/// The export while it is sent.
struct Sending<F> {
    at: u64,
    file: Sha256,
    hashes: Hashes,
    statement: Option<F>,
}

impl Export {
    /// What [`Self::stated`] will know, with every hash zero: enough to learn how long the statement will be.
    #[must_use]
    pub fn not_hashed(&self) -> Hashes {
        let fragments = self.fragment_headers().map(|header| FragmentHash {
            start_ms: header.wall_ms,
            end_ms: header.end_ms(),
            chunks: header.chunks.len(),
            sha256: Hash::default(),
        });
        Hashes { bytes: self.len(), file: Hash::default(), fragments: fragments.collect() }
    }

    /// The whole file with a statement of exactly `len` bytes behind it.
    pub fn stated<F>(&self, len: usize, statement: F) -> BoxStream<'static, Result<Bytes, PlaybackError>>
    where
        F: FnOnce(&Hashes) -> Vec<u8> + Send + 'static,
    {
        let export = self.clone();
        let sending = Sending { at: 0, file: Sha256::new(), hashes: export.not_hashed(), statement: Some(statement) };
        stream::try_unfold((sending, 0_usize), move |(mut sending, mut fragment)| {
            let export = export.clone();
            async move {
                if sending.at < export.len() {
                    let header = sending.at == 0;
                    let (bytes, sha256, file) = export.read_and_hash(sending.at, sending.file.clone()).await?;
                    sending.file = file;
                    sending.at += bytes.len() as u64;
                    if !header && let Some(of) = sending.hashes.fragments.get_mut(fragment) {
                        of.sha256 = sha256;
                        fragment += 1;
                    }
                    return Ok(Some((bytes, (sending, fragment))));
                }
                let Some(statement) = sending.statement.take() else { return Ok(None) };
                sending.hashes.file = sending.file.clone().finalize().into();
                let text = statement(&sending.hashes);
                if text.len() != len {
                    return Err(SegmentError::Damaged { offset: sending.at, what: "a statement of another length than promised" }.into());
                }
                Ok(Some((Bytes::from(boxed(&text)), (sending, fragment))))
            }
        })
        .boxed()
    }

    /// The header or the fragment at `at`, the hash of its sample data, and the hash of the file as far as that.
    pub(crate) async fn read_and_hash(&self, at: u64, mut file: Sha256) -> Result<(Bytes, Hash, Sha256), PlaybackError> {
        let export = self.clone();
        let read = move || {
            let bytes = export.read_at(at)?;
            file.update(&bytes);
            let mut samples = Sha256::new();
            for (_, body) in children(&bytes).filter(|(box_type, _)| box_type == b"mdat") {
                samples.update(body);
            }
            Ok::<_, PlaybackError>((bytes, samples.finalize().into(), file))
        };
        self.supervisor().blocking("export", read).await?
    }
}

/// A statement in its box.
pub(crate) fn boxed(statement: &[u8]) -> Vec<u8> {
    let len = u32::try_from(HEAD_LEN + statement.len()).unwrap_or(u32::MAX);
    [&len.to_be_bytes()[..], b"uuid", &STATEMENT_TYPE, statement].concat()
}

/// Where the chunks of a file lie, and its statement.
#[derive(Debug)]
pub struct Stated {
    /// The statement, where the file ends with one.
    pub statement: Option<Vec<u8>>,
    /// Bytes before it: the whole file where there is none.
    pub bytes: u64,
    /// First byte and length of the body of each `mdat`.
    chunks: Vec<(u64, u64)>,
}

impl Stated {
    /// Finds out how a file is laid out. What is no box ends the list of chunks.
    ///
    /// # Errors
    /// What the file says to reading.
    pub fn find(file: &mut (impl Read + Seek)) -> std::io::Result<Self> {
        let len = file.seek(SeekFrom::End(0))?;
        let statement = statement_at_the_end(file, len)?;
        let bytes = len - statement.as_ref().map_or(0, |statement| boxed_len(statement.len()));
        let mut chunks = Vec::new();
        let mut at = 0;
        for _ in 0..BOXES_MAX {
            let Some((box_type, header)) = box_at(file, at, bytes)? else { break };
            if &box_type == b"mdat" {
                chunks.push((at + header.header_len, header.len - header.header_len));
            }
            at += header.len;
        }
        Ok(Self { statement, bytes, chunks })
    }

    /// How many chunks there are.
    #[must_use]
    pub fn chunks(&self) -> usize {
        self.chunks.len()
    }

    /// The hash of everything before the statement.
    ///
    /// # Errors
    /// What the file says to reading.
    pub fn hash_file(&self, file: &mut (impl Read + Seek)) -> std::io::Result<Hash> {
        let mut hash = Sha256::new();
        add(&mut hash, file, 0, self.bytes)?;
        Ok(hash.finalize().into())
    }

    /// The hash of the sample data of `count` chunks from `first` on; `None` where there are not so many.
    ///
    /// # Errors
    /// What the file says to reading.
    pub fn hash_chunks(&self, file: &mut (impl Read + Seek), first: usize, count: usize) -> std::io::Result<Option<Hash>> {
        let Some(chunks) = first.checked_add(count).and_then(|end| self.chunks.get(first..end)) else { return Ok(None) };
        let mut hash = Sha256::new();
        for (at, len) in chunks {
            add(&mut hash, file, *at, *len)?;
        }
        Ok(Some(hash.finalize().into()))
    }
}

fn add(hash: &mut Sha256, file: &mut (impl Read + Seek), at: u64, len: u64) -> std::io::Result<()> {
    file.seek(SeekFrom::Start(at))?;
    let mut buffer = [0; 64 * 1024];
    let mut from = file.take(len);
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(()),
            read => hash.update(&buffer[..read]),
        }
    }
}

/// Looked for from the end, so that it is found whatever was done to the boxes before it.
fn statement_at_the_end(file: &mut (impl Read + Seek), len: u64) -> std::io::Result<Option<Vec<u8>>> {
    let tail_len = len.min(boxed_len(STATEMENT_LEN_MAX));
    file.seek(SeekFrom::Start(len - tail_len))?;
    let mut tail = Vec::new();
    file.take(tail_len).read_to_end(&mut tail)?;
    let found = tail.windows(STATEMENT_TYPE.len()).enumerate().rev().filter(|(_, window)| *window == STATEMENT_TYPE);
    for (at, _) in found {
        let Some(start) = at.checked_sub(8) else { continue };
        let whole = BoxHeader::parse(&tail[start..]).is_some_and(|header| {
            &header.box_type == b"uuid" && header.header_len == 8 && usize::try_from(header.len) == Ok(tail.len() - start)
        });
        if whole {
            return Ok(Some(tail.split_off(start + HEAD_LEN)));
        }
    }
    Ok(None)
}

fn box_at(file: &mut (impl Read + Seek), at: u64, end: u64) -> std::io::Result<Option<(BoxType, BoxHeader)>> {
    if at >= end {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(at))?;
    let mut head = Vec::with_capacity(BoxHeader::LEN_MAX);
    file.take(BoxHeader::LEN_MAX as u64).read_to_end(&mut head)?;
    let header = BoxHeader::parse(&head).filter(|header| at.checked_add(header.len).is_some_and(|next| next <= end));
    Ok(header.map(|header| (header.box_type, header)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn boxed_as(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
        [&u32::try_from(body.len() + 8).expect("small").to_be_bytes()[..], name, body].concat()
    }

    fn sha256(bytes: &[u8]) -> Hash {
        Sha256::digest(bytes).into()
    }

    #[test]
    fn a_statement_and_the_chunks_before_it_are_found() {
        let media = [boxed_as(b"moov", b"x"), boxed_as(b"mdat", b"one"), boxed_as(b"moof", b""), boxed_as(b"mdat", b"two")].concat();
        let mut file = Cursor::new([media.clone(), boxed(b"said")].concat());
        let stated = Stated::find(&mut file).expect("reads");
        assert_eq!((stated.statement.as_deref(), stated.bytes, stated.chunks()), (Some(&b"said"[..]), media.len() as u64, 2));
        assert_eq!(stated.hash_file(&mut file).expect("reads"), sha256(&media));
        assert_eq!(stated.hash_chunks(&mut file, 0, 2).expect("reads"), Some(sha256(b"onetwo")));
        assert_eq!(stated.hash_chunks(&mut file, 1, 1).expect("reads"), Some(sha256(b"two")));
        assert_eq!(stated.hash_chunks(&mut file, 1, 2).expect("reads"), None);
    }

    #[test]
    fn a_statement_is_found_behind_boxes_that_cannot_be_read_and_not_where_it_is_not_the_end() {
        let broken = b"\xff\xff\xff\xffmdat no end".to_vec();
        let stated = Stated::find(&mut Cursor::new([broken.clone(), boxed(b"said")].concat())).expect("reads");
        assert_eq!((stated.statement.as_deref(), stated.chunks()), (Some(&b"said"[..]), 0));
        let stated = Stated::find(&mut Cursor::new([boxed(b"said"), b"more".to_vec()].concat())).expect("reads");
        assert_eq!(stated.statement, None);
        for short in [&b""[..], b"u", &STATEMENT_TYPE] {
            assert_eq!(Stated::find(&mut Cursor::new(short)).expect("reads").statement, None);
        }
    }
}
