//! What reads foreign bytes, each as a function of bytes that must not panic, and what must hold of its answer.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use uuid::Uuid;

use super::Target;
use super::seeds::{Seeds, parrot, runtime};
use crate::camera::{Codec, SourceSpec};
use crate::clock::SystemClock;
use crate::playback::live::LiveName;
use crate::playback::{export, header, moof, select};
use crate::segment::fragment::FragmentHeader;
use crate::segment::path::SegmentName;
use crate::segment::recover::recover;
use crate::segment::{SegmentFile, SegmentIndex, boxes, sample, table};
use crate::settings::EngineConfig;
use crate::source::{Opener as _, open::SystemOpener};
use crate::supervise::Supervisor;

const CAMERA: Uuid = Uuid::from_u128(0xca);
/// A session that is nonsense ends by itself; one that hangs is given up.
const SESSION_PATIENCE: Duration = Duration::from_secs(2);

pub(super) fn all() -> Vec<Target> {
    let seeds = Seeds::make();
    let sets = |codec: Codec| seeds.configs.iter().filter(|(of, _)| *of == codec).map(|(_, config)| config.clone()).collect::<Vec<_>>();
    let fragments: Vec<Vec<u8>> = seeds.files.iter().flat_map(|file| pieces_of(file)).collect();
    let inits: Vec<Vec<u8>> = seeds.files.iter().map(|file| file[..begin_of_fragments(file)].to_vec()).collect();
    let mut targets = vec![
        Target::new("h264 parameter sets", sets(Codec::H264), |bytes| parameter_sets(Codec::H264, bytes)),
        Target::new("h265 parameter sets", sets(Codec::H265), |bytes| parameter_sets(Codec::H265, bytes)),
        Target::new("nal units", seeds.key_frames.clone(), nal_units),
        Target::new("fragment header", fragment_headers(&seeds.files), fragment_header),
        Target::new("segment table", tables(&seeds.files), segment_table),
        Target::new("file header", inits, file_header),
        Target::new("fragment", fragments, fragment),
        Target::new("names", names(), name),
        Target::new("recorded file", seeds.files.clone(), recorded_file).inputs(400),
        Target::new("rtmp publication", vec![crate::source::rtmp::foreign::publication()], rtmp_publication),
        Target::new("rtsp session", seeds.sessions.clone(), rtsp_session()).inputs(250),
    ];
    targets.extend(super::devices::all(&seeds));
    targets
}

fn parameter_sets(codec: Codec, bytes: &[u8]) {
    let config = Bytes::copy_from_slice(bytes);
    if let Some(depth) = crate::record::reorder::reorder_depth(codec, &config) {
        assert!(depth <= 16, "more pictures are reordered than any level allows: {depth}");
    }
    let _refused = crate::analyse::parameter_sets::byte_stream(codec, bytes, &[0, 0, 0, 1, 0x65]);
}

fn nal_units(bytes: &[u8]) {
    for codec in [Codec::H264, Codec::H265] {
        let _refused = crate::analyse::parameter_sets::byte_stream(codec, &[], bytes);
    }
    let _none = crate::analyse::parameter_sets::from_h264_byte_stream(bytes);
}

fn rtmp_publication(bytes: &[u8]) {
    let tags = crate::source::rtmp::foreign::read(bytes);
    assert!(tags <= bytes.len(), "more tags than bytes: {tags}");
}

fn fragment_header(bytes: &[u8]) {
    if let Some(header) = FragmentHeader::decode(bytes) {
        assert_eq!(FragmentHeader::decode(&header.encode()).as_ref(), Some(&header), "what was read is written again as it was");
        let _any = (header.media_len(), header.frames(), header.end_ms());
    }
}

fn segment_table(bytes: &[u8]) {
    let _none = (table::decode(bytes), table::Summary::decode(bytes));
}

fn file_header(bytes: &[u8]) {
    let _none = (sample::video_header(&Bytes::copy_from_slice(bytes)), header::timescale(bytes));
    if let Some(changed) = header::with_duration(bytes, 90_000) {
        assert!(changed.len() >= bytes.len());
    }
}

fn fragment(bytes: &[u8]) {
    let media = Bytes::copy_from_slice(bytes);
    if let Some(sample) = sample::first_sample(&media) {
        assert!(sample.len() <= media.len());
    }
    for (kind, _) in boxes::children(bytes) {
        let _any = kind;
    }
    let _none = moof::MoofTime::read(bytes);
    let mut changed = bytes.to_vec();
    let _none = moof::retime(&mut changed, 7, i64::MIN);
    let mut changed = bytes.to_vec();
    if moof::retime(&mut changed, 7, 1).is_some() {
        assert_eq!(changed.len(), bytes.len());
    }
}

fn name(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(name) = SegmentName::parse(CAMERA, &text) {
        assert_eq!(SegmentName::parse(CAMERA, name.relative().rsplit('/').next().expect("a name")), Some(name));
    }
    let _none = LiveName::parse(&text);
}

/// A file as a start finds it: made whole or removed, and then read like any other.
fn recorded_file(bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder");
    let name = SegmentName { camera: CAMERA, start_ms: 1_767_225_600_000, id: Uuid::from_u128(1) };
    let path = name.below(folder.path());
    std::fs::create_dir_all(path.parent().expect("a day")).expect("made");
    std::fs::write(&path, bytes).expect("written");
    let seen = recover(folder.path(), name, false);
    let repaired = recover(folder.path(), name, true);
    let (Ok(Some(_)), Ok(Some(repaired))) = (seen, repaired) else { return };
    let again = recover(folder.path(), name, false).expect("readable").expect("still there");
    assert_eq!(again.cut_bytes, None, "what was repaired is whole");
    assert_eq!(again.segment.fragments, repaired.segment.fragments);
    let Ok(mut file) = SegmentFile::open(&path) else { return };
    for entry in file.fragments.clone() {
        let _damaged = file.media(&entry);
    }
    let index = SegmentIndex::new(folder.path(), vec![repaired]).expect("no holds");
    let Ok(found) = select::select(&index, CAMERA, (i64::MIN / 4, i64::MAX / 4), i64::MAX) else { return };
    let Ok(export) = export::Export::lay_out(found, Supervisor::new()) else { return };
    let _any = (export.len(), export.duration_ms(), export.frames(), export.gaps().len());
}

/// A camera says something, the client makes of it what it can.
fn rtsp_session() -> impl Fn(&[u8]) {
    let runtime = runtime();
    let opener =
        SystemOpener::new(&EngineConfig { connect_timeout_ms: 1_000, ..EngineConfig::new(PathBuf::new()) }, Arc::new(SystemClock::new()));
    move |bytes: &[u8]| {
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let url = format!("rtsp://{}/a", listener.local_addr().expect("bound")).parse().expect("a URL");
            let spec = SourceSpec { transport: crate::Transport::Tcp, ..SourceSpec::new(url) };
            let watch = async {
                let Ok(mut source) = opener.open(&spec).await else { return };
                while source.next().await.is_ok() {}
            };
            let talk = async {
                parrot(&listener, bytes).await;
                std::future::pending::<()>().await;
            };
            let session = async {
                tokio::select! { () = watch => {} () = talk => {} }
            };
            let _hung = tokio::time::timeout(SESSION_PATIENCE, session).await;
        });
    }
}

fn names() -> Vec<Vec<u8>> {
    ["1767225600123_018f0000-0000-7000-8000-000000000001.mp4", "init-3.mp4", "17.m4s", "17-4.m4s"]
        .map(|name| name.as_bytes().to_vec())
        .into()
}

/// Where the first of our own boxes stands in a file.
fn begin_of_fragments(file: &[u8]) -> usize {
    let mut at = 0;
    while let Some(header) = boxes::BoxHeader::parse(&file[at..]).filter(|header| &header.box_type != b"uuid") {
        at += usize::try_from(header.len).expect("small");
    }
    at
}

/// Our boxes and the media behind each, in order.
fn parts(file: &[u8]) -> Vec<(&[u8], &[u8])> {
    let mut found: Vec<(&[u8], &[u8])> = Vec::new();
    let mut at = begin_of_fragments(file);
    while let Some(header) = boxes::BoxHeader::parse(&file[at..]) {
        let end = at + usize::try_from(header.len).expect("small");
        if &header.box_type == b"uuid" {
            found.push((&file[at..end], &file[end..end]));
        } else if let Some((_, media)) = found.last_mut() {
            let start = end - usize::try_from(header.len).expect("small") - media.len();
            *media = &file[start..end];
        }
        at = end;
    }
    found
}

fn pieces_of(file: &[u8]) -> Vec<Vec<u8>> {
    parts(file).into_iter().filter(|(_, media)| !media.is_empty()).map(|(_, media)| media.to_vec()).collect()
}

fn fragment_headers(files: &[Vec<u8>]) -> Vec<Vec<u8>> {
    files.iter().flat_map(|file| parts(file)).filter(|(_, media)| !media.is_empty()).map(|(ours, _)| ours.to_vec()).collect()
}

fn tables(files: &[Vec<u8>]) -> Vec<Vec<u8>> {
    files.iter().filter_map(|file| Some(parts(file).last()?.0.to_vec())).collect()
}
