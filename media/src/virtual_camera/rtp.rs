//! RTP packets of H.264 (RFC 6184: single NAL unit, FU-A) and H.265 (RFC 7798: single NAL unit, FU), and RTCP reports.

use bytes::Bytes;

use crate::camera::Codec;

/// Largest RTP packet. Stays below the usual 1,500 bytes of Ethernet with IP and UDP around it.
const PACKET_LEN_MAX: usize = 1400;

const RTP_HEADER_LEN: usize = 12;

/// Length of what stands before each packet on a TCP connection (RFC 2326, 10.12).
const INTERLEAVED_LEN: usize = 4;

/// Packets, each behind its interleaved header, ready for one write on TCP; UDP leaves the headers out.
#[derive(Default)]
pub(super) struct Packets {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Packets {
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// All packets as they go over TCP.
    pub(super) fn interleaved(&self) -> &[u8] {
        &self.bytes
    }

    /// Each packet alone with its channel, as it goes over UDP.
    pub(super) fn each(&self) -> impl Iterator<Item = (u8, &[u8])> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| (self.bytes[start + 1], &self.bytes[start + INTERLEAVED_LEN..end]))
    }

    /// Leaves out, swaps with its neighbour, or doubles the packet at `place`, as a bad network does.
    pub(super) fn mangle(&mut self, how: Mangle, place: usize) {
        let Some(&end) = self.ends.get(place) else { return };
        let start = if place == 0 { 0 } else { self.ends[place - 1] };
        let packet = self.bytes[start..end].to_vec();
        match how {
            Mangle::Lose => {
                self.bytes.drain(start..end);
                self.ends.remove(place);
                self.ends[place..].iter_mut().for_each(|later| *later -= packet.len());
            }
            Mangle::Double => {
                self.bytes.splice(end..end, packet.iter().copied());
                self.ends.insert(place, end);
                self.ends[place + 1..].iter_mut().for_each(|later| *later += packet.len());
            }
            Mangle::Swap => {
                let Some(&next_end) = self.ends.get(place + 1) else { return };
                self.bytes[start..next_end].rotate_left(packet.len());
                self.ends[place] = start + (next_end - end);
            }
        }
    }

    /// How many packets there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Cuts off all but the first `len` bytes, in the middle of a packet.
    pub(super) fn cut(&mut self, len: usize) {
        self.bytes.truncate(len);
        self.ends.retain(|end| *end <= len);
    }

    /// Adds a packet of the given parts on a channel.
    pub(super) fn push(&mut self, channel: u8, parts: &[&[u8]]) {
        let len: usize = parts.iter().map(|part| part.len()).sum();
        self.bytes.extend_from_slice(&[b'$', channel]);
        self.bytes.extend_from_slice(&(len as u16).to_be_bytes());
        parts.iter().for_each(|part| self.bytes.extend_from_slice(part));
        self.ends.push(self.bytes.len());
    }
}

/// What a bad network does to a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mangle {
    Lose,
    Double,
    Swap,
}

/// One outgoing RTP stream: its numbers and counters.
pub(super) struct RtpSender {
    pub(super) ssrc: u32,
    pub(super) sequence: u16,
    pub(super) payload_type: u8,
    packets_total: u32,
    payload_bytes_total: u32,
}

impl RtpSender {
    pub(super) fn new(ssrc: u32, sequence: u16, payload_type: u8) -> Self {
        Self { ssrc, sequence, payload_type, packets_total: 0, payload_bytes_total: 0 }
    }

    /// Adds the packets of one access unit. Its last packet carries the marker.
    pub(super) fn access_unit(&mut self, codec: Codec, nals: &[Bytes], rtp_time: u32, channel: u8, out: &mut Packets) {
        for (place, nal) in nals.iter().enumerate() {
            self.nal(codec, nal, rtp_time, place + 1 == nals.len(), channel, out);
        }
    }

    fn nal(&mut self, codec: Codec, nal: &[u8], rtp_time: u32, last: bool, channel: u8, out: &mut Packets) {
        if nal.len() + RTP_HEADER_LEN <= PACKET_LEN_MAX {
            self.packet(&[nal], rtp_time, last, channel, out);
            return;
        }
        // Fragmentation units repeat the NAL unit's header in a changed form and cut the rest in pieces.
        let (head_len, kind) = match codec {
            Codec::H264 => (1, nal[0] & 0x1f),
            Codec::H265 => (2, nal[0] >> 1 & 0x3f),
        };
        let payload = &nal[head_len..];
        let piece_len = PACKET_LEN_MAX - RTP_HEADER_LEN - head_len - 1;
        let pieces = payload.len().div_ceil(piece_len);
        for (number, piece) in payload.chunks(piece_len).enumerate() {
            let end = number + 1 == pieces;
            let unit = kind | u8::from(number == 0) << 7 | u8::from(end) << 6;
            let marker = last && end;
            match codec {
                Codec::H264 => self.packet(&[&[nal[0] & 0xe0 | 28, unit], piece], rtp_time, marker, channel, out),
                Codec::H265 => self.packet(&[&[nal[0] & 0x81 | 49 << 1, nal[1], unit], piece], rtp_time, marker, channel, out),
            }
        }
    }

    /// Adds one packet with any payload.
    pub(super) fn packet(&mut self, payload: &[&[u8]], rtp_time: u32, marker: bool, channel: u8, out: &mut Packets) {
        let mut header = [0u8; RTP_HEADER_LEN];
        header[0] = 0x80;
        header[1] = self.payload_type | u8::from(marker) << 7;
        header[2..4].copy_from_slice(&self.sequence.to_be_bytes());
        header[4..8].copy_from_slice(&rtp_time.to_be_bytes());
        header[8..12].copy_from_slice(&self.ssrc.to_be_bytes());
        let mut parts: [&[u8]; 3] = [&header, &[], &[]];
        parts[1..=payload.len()].copy_from_slice(payload);
        out.push(channel, &parts);
        self.sequence = self.sequence.wrapping_add(1);
        self.packets_total = self.packets_total.wrapping_add(1);
        let bytes: usize = payload.iter().map(|part| part.len()).sum();
        self.payload_bytes_total = self.payload_bytes_total.wrapping_add(bytes as u32);
    }

    /// Adds a sender report with a source description (RFC 3550, 6.4.1 and 6.5), which tells the camera's wall time.
    pub(super) fn report(&self, wall_ms: i64, rtp_time: u32, channel: u8, out: &mut Packets) {
        let (seconds, fraction) = ntp(wall_ms);
        let mut report = Vec::with_capacity(48);
        report.extend_from_slice(&[0x80, 200, 0, 6]);
        for word in [self.ssrc, seconds, fraction, rtp_time, self.packets_total, self.payload_bytes_total] {
            report.extend_from_slice(&word.to_be_bytes());
        }
        // SDES with one CNAME item, padded to a multiple of four bytes with its end.
        report.extend_from_slice(&[0x81, 202, 0, 4]);
        report.extend_from_slice(&self.ssrc.to_be_bytes());
        report.extend_from_slice(&[1, 7]);
        report.extend_from_slice(b"virtual");
        report.extend_from_slice(&[0, 0, 0]);
        out.push(channel, &[&report]);
    }
}

/// NTP time: seconds since 1900 and their fraction.
fn ntp(wall_ms: i64) -> (u32, u32) {
    const UNIX_IN_NTP_S: i64 = 2_208_988_800;
    let seconds = wall_ms.div_euclid(1000) + UNIX_IN_NTP_S;
    let fraction = (wall_ms.rem_euclid(1000) as u64) << 32;
    (seconds as u32, (fraction / 1000) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Puts NAL units together again as a receiver does.
    fn reassemble(codec: Codec, packets: &Packets) -> Vec<Vec<u8>> {
        let mut nals: Vec<Vec<u8>> = Vec::new();
        for (_, packet) in packets.each() {
            let payload = &packet[RTP_HEADER_LEN..];
            let (kind, head_len) = match codec {
                Codec::H264 => (payload[0] & 0x1f, 1),
                Codec::H265 => (payload[0] >> 1 & 0x3f, 2),
            };
            let fragmented = kind == if codec == Codec::H264 { 28 } else { 49 };
            if !fragmented {
                nals.push(payload.to_vec());
                continue;
            }
            let unit = payload[head_len];
            if unit & 0x80 != 0 {
                nals.push(match codec {
                    Codec::H264 => vec![payload[0] & 0xe0 | unit & 0x1f],
                    Codec::H265 => vec![payload[0] & 0x81 | (unit & 0x3f) << 1, payload[1]],
                });
            }
            nals.last_mut().expect("a first fragment came").extend_from_slice(&payload[head_len + 1..]);
        }
        nals
    }

    proptest! {
        #[test]
        fn any_access_unit_comes_together_again(
            lens in prop::collection::vec(3usize..6000, 1..5), h265: bool, sequence: u16
        ) {
            let codec = if h265 { Codec::H265 } else { Codec::H264 };
            let head: &[u8] = if h265 { &[19 << 1, 1] } else { &[0x65] };
            let nals: Vec<Bytes> = lens.iter().map(|&len| {
                let mut nal = head.to_vec();
                nal.extend((head.len()..len).map(|i| i as u8));
                Bytes::from(nal)
            }).collect();
            let mut sender = RtpSender::new(7, sequence, 96);
            let mut packets = Packets::default();
            sender.access_unit(codec, &nals, 1234, 0, &mut packets);
            prop_assert_eq!(reassemble(codec, &packets), nals.iter().map(|n| n.to_vec()).collect::<Vec<_>>());
            let all: Vec<&[u8]> = packets.each().map(|(_, packet)| packet).collect();
            prop_assert!(all.iter().all(|packet| packet.len() <= PACKET_LEN_MAX));
            let markers: Vec<bool> = all.iter().map(|packet| packet[1] & 0x80 != 0).collect();
            prop_assert_eq!(markers.iter().filter(|&&m| m).count(), 1);
            prop_assert!(markers[markers.len() - 1]);
            prop_assert_eq!(sender.sequence, sequence.wrapping_add(all.len() as u16));
        }
    }

    #[test]
    fn a_bad_network_loses_doubles_and_swaps_packets() {
        let mangled = |how, place| {
            let mut packets = Packets::default();
            for (channel, payload) in [(0, &[1, 1, 1][..]), (0, &[2, 2]), (1, &[3])] {
                packets.push(channel, &[payload]);
            }
            packets.mangle(how, place);
            let each: Vec<(u8, Vec<u8>)> = packets.each().map(|(channel, packet)| (channel, packet.to_vec())).collect();
            assert_eq!(packets.interleaved().len(), each.iter().map(|(_, packet)| packet.len() + INTERLEAVED_LEN).sum::<usize>());
            each.into_iter().map(|(_, packet)| packet[0]).collect::<Vec<u8>>()
        };
        assert_eq!(mangled(Mangle::Lose, 0), [2, 3]);
        assert_eq!(mangled(Mangle::Lose, 2), [1, 2]);
        assert_eq!(mangled(Mangle::Double, 1), [1, 2, 2, 3]);
        assert_eq!(mangled(Mangle::Swap, 0), [2, 1, 3]);
        assert_eq!(mangled(Mangle::Swap, 1), [1, 3, 2]);
        assert_eq!(mangled(Mangle::Swap, 2), [1, 2, 3]);
        assert_eq!(mangled(Mangle::Lose, 7), [1, 2, 3]);
    }

    #[test]
    fn a_report_carries_wall_time_and_counts() {
        let mut sender = RtpSender::new(0x0102_0304, 1, 96);
        let mut packets = Packets::default();
        sender.packet(&[&[1, 2, 3]], 10, true, 0, &mut packets);
        packets.clear();
        sender.report(500, 90, 1, &mut packets);
        let (channel, report) = packets.each().next().expect("one");
        assert_eq!(channel, 1);
        assert_eq!(report.len() % 4, 0);
        assert_eq!(report[8..12], 2_208_988_800u32.to_be_bytes());
        assert_eq!(report[12..16], 0x8000_0000u32.to_be_bytes());
        assert_eq!(report[20..24], 1u32.to_be_bytes());
        assert_eq!(report[24..28], 3u32.to_be_bytes());
        let sdes = &report[28..];
        assert_eq!(usize::from(u16::from_be_bytes([sdes[2], sdes[3]])) * 4 + 4, sdes.len());
    }
}
