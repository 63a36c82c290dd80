//! Sending: which frame of which footage is due when, with RTP time that goes on through every change.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::sdp::PAYLOAD_TYPE;
use crate::camera::Codec;
use crate::clock::Clock as _;
use crate::virtual_camera::camera::{ParameterSets, SentFrame, Situation, Viewing, VirtualCamera};
use crate::virtual_camera::footage::{Footage, Frame, Picture, is_parameter_set};
use crate::virtual_camera::rtp::{Mangle, Packets, RtpSender};
use crate::virtual_camera::script::Incident;

/// Distance of RTCP sender reports.
const REPORT_INTERVAL: Duration = Duration::from_secs(5);

/// One viewer's stream.
pub(crate) struct Play {
    camera: VirtualCamera,
    viewing: Viewing,
    sender: RtpSender,
    channels: (u8, u8),
    started: Instant,
    rtp_start: u32,
    /// Number of the next frame in the viewing's time.
    index: u64,
    /// Number of the frame that left at `started` with `rtp_start`: since then the frame rate has been the same.
    rate_since: u64,
    /// Packets made, to count which of them something happens to.
    packets: usize,
    picture: Picture,
    footage: Arc<Footage>,
    /// Place of the next frame in the footage.
    position: usize,
    report_due: Instant,
    jumped_ms: i64,
    /// Bytes that a camera of constant bit rate has yet to send to keep it.
    fill_due: i64,
}

impl Play {
    /// Starts with a key frame of what the camera shows now. `None` while its footage is not ready.
    pub(crate) fn start(camera: &VirtualCamera, situation: &Situation, channels: (u8, u8)) -> Option<Self> {
        let picture = situation.picture();
        let footage = camera.footage(picture)?;
        let started = Instant::now();
        Some(Self {
            viewing: camera.begin_viewing(),
            camera: camera.clone(),
            sender: RtpSender::new(rand::random(), rand::random(), PAYLOAD_TYPE),
            channels,
            started,
            rtp_start: camera.config().rtp_start.unwrap_or_else(rand::random),
            index: 0,
            rate_since: 0,
            packets: 0,
            picture,
            position: 0,
            footage,
            report_due: started,
            jumped_ms: situation.jumped_ms,
            fill_due: 0,
        })
    }

    /// First sequence number and RTP time, for the `RTP-Info` header.
    pub(crate) fn rtp_info(&self) -> (u16, u32) {
        (self.sender.sequence, self.rtp_time(0))
    }

    pub(crate) fn ssrc(&self) -> u32 {
        self.sender.ssrc
    }

    /// When the next frame is due.
    pub(crate) fn due(&self) -> Instant {
        self.started + Duration::from_nanos(self.footage.rate.nanos(self.index - self.rate_since))
    }

    /// Leaves out the frames whose time has passed, as after a hang, and goes on with a key frame.
    pub(crate) fn skip_to_now(&mut self) {
        while self.due() < Instant::now() {
            self.index += 1;
        }
        self.position = self.footage.key_frame_from(self.position);
    }

    /// Writes the packets of the frame that is due now, and a report when one is due.
    pub(crate) fn next(&mut self, situation: &Situation, out: &mut Packets) -> SentFrame {
        self.turn_to(situation.picture());
        self.jump(situation.jumped_ms);
        if situation.is(Incident::NoKeyFrames) && self.footage.frames[self.position].key {
            self.position = (self.position + 1) % self.footage.frames.len();
        }
        let frame = &self.footage.frames[self.position];
        let rtp_time = self.rtp_time(frame.presentation_delay);
        let (data_channel, report_channel) = self.channels;
        let sent_ms = crate::clock::SystemClock::new().wall_ms();
        if Instant::now() >= self.report_due {
            self.sender.report(sent_ms + self.camera.config().clock_ahead_ms, rtp_time, report_channel, out);
            self.report_due = Instant::now() + REPORT_INTERVAL;
        }
        if situation.is(Incident::Garbage) {
            let nonsense: [u8; 700] = rand::random();
            self.sender.packet(&[&nonsense], rtp_time, true, data_channel, out);
        } else {
            let codec = self.footage.codec;
            let described = self.camera.config().parameter_sets == ParameterSets::Described;
            let kept = frame.nals.iter().filter(|nal| !described || !is_parameter_set(codec, nal)).cloned();
            let filler = filler(codec, fill_len(&mut self.fill_due, self.camera.config().fill_kbit_s, &self.footage, frame));
            let nals: Vec<Bytes> = kept.chain(filler).collect();
            self.sender.access_unit(codec, &nals, rtp_time, data_channel, out);
        }
        mangle(situation, &mut self.packets, out);
        let sent = SentFrame {
            viewing: self.viewing.number,
            index: self.index,
            rtp_time,
            key: frame.key,
            bytes: frame.len(),
            sent_ms,
            picture: self.picture,
            picture_sha256: frame.picture_sha256,
        };
        self.index += 1;
        self.position = (self.position + 1) % self.footage.frames.len();
        sent
    }

    /// Writes a piece of a picture that is larger than any; the last piece ends it.
    pub(crate) fn huge_piece(&mut self, first: bool, last: bool, out: &mut Packets) {
        const PACKETS: usize = 700;
        let (nonsense, rtp_time) = ([0x55_u8; 1380], self.rtp_time(0));
        for place in 0..PACKETS {
            // A fragmentation unit (RFC 6184, 5.8) of a slice of a key frame.
            let (starts, ends) = (first && place == 0, last && place + 1 == PACKETS);
            let unit = 5 | u8::from(starts) << 7 | u8::from(ends) << 6;
            self.sender.packet(&[&[0x60 | 28, unit], &nonsense], rtp_time, ends, self.channels.0, out);
        }
    }

    /// Counts a frame once it has left.
    pub(crate) fn sent(&self, frame: SentFrame) {
        self.viewing.sent(SentFrame { sent_ms: crate::clock::SystemClock::new().wall_ms(), ..frame });
    }

    /// Changes the footage, at its first key frame from where it would be now.
    fn turn_to(&mut self, picture: Picture) {
        if picture == self.picture {
            return;
        }
        // Footage that is not ready leaves the picture as it is; whoever sets an incident waits for it.
        let Some(footage) = self.camera.footage(picture) else { return };
        if footage.rate != self.footage.rate {
            // Time goes on from here in other steps.
            (self.started, self.rtp_start, self.rate_since) = (self.due(), self.rtp_time(0), self.index);
        }
        self.position = footage.key_frame_from(self.index as usize % footage.frames.len());
        self.footage = footage;
        self.picture = picture;
    }

    fn jump(&mut self, jumped_ms: i64) {
        let ticks = (jumped_ms - self.jumped_ms).wrapping_mul(90);
        self.rtp_start = self.rtp_start.wrapping_add(ticks as u32);
        self.jumped_ms = jumped_ms;
    }

    fn rtp_time(&self, presentation_delay: u32) -> u32 {
        let ticks = self.footage.rate.ticks_90k(self.index - self.rate_since + u64::from(presentation_delay));
        self.rtp_start.wrapping_add(ticks as u32)
    }
}

/// Lets happen to a frame's packets what the network does; `before` counts the packets of the frames before it.
fn mangle(situation: &Situation, before: &mut usize, out: &mut Packets) {
    let (how, one_in) = match situation.incident {
        Some(Incident::PacketsLost { one_in }) => (Mangle::Lose, one_in),
        Some(Incident::PacketsSwapped { one_in }) => (Mangle::Swap, one_in),
        Some(Incident::PacketsDoubled { one_in }) => (Mangle::Double, one_in),
        _ => return,
    };
    let one_in = one_in.max(2) as usize;
    let packets = out.len();
    // From the end, so that the places of those that are still to come stay.
    for place in (0..packets).rev().filter(|place| (*before + place) % one_in == one_in - 1) {
        out.mangle(how, place);
    }
    *before += packets;
}

/// How much filler goes with a frame, so that the stream keeps its rate. A key frame is paid for by the frames after it.
fn fill_len(due: &mut i64, kbit_s: u32, footage: &Footage, frame: &Frame) -> usize {
    if kbit_s == 0 {
        return 0;
    }
    let share = footage.rate.nanos(1) as i64 / 1_000 * i64::from(kbit_s) / 8_000;
    *due += share - frame.len() as i64;
    let fill = (*due).max(0);
    *due -= fill;
    fill as usize
}

/// A filler data NAL unit of this length (ITU-T H.264 and H.265, 7.3.2.7 and 7.3.2.8), where there is room for one.
fn filler(codec: Codec, len: usize) -> Option<Bytes> {
    let head: &[u8] = match codec {
        Codec::H264 => &[12],
        Codec::H265 => &[38 << 1, 1],
    };
    let ones = len.checked_sub(head.len() + 1).filter(|ones| *ones > 0)?;
    Some([head, &vec![0xff; ones], &[0x80]].concat().into())
}
