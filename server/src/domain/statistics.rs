//! Figures of a camera's day: 在线率 online rate, 录像完整率 recording completeness, 设备完好率 device health.
//!
//! - **Online rate** = time with pictures arriving / time that counts. What counts is the service hours of the premises (all
//!   day where none are set) in which the camera is switched on and our own server runs: planned maintenance and our own
//!   restarts are nobody's fault at the canteen. A disk of ours that fails leaves the camera on line.
//! - **Completeness** = time recorded / time that should be: every hour, as long as the camera is switched on. Our own
//!   restarts and disks count against it.
//! - **Device health** = time on line without a device alert / time on line.
//!
//! A day is one in Asia/Shanghai. Nothing is counted before the camera was first watched, nor after now.

use jiff::civil::Date;

use super::calendar;
use super::premises::ServiceHours;
use super::spans::Spans;

/// Why nothing was recorded, as far as figures care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missing {
    /// Switched off by a person.
    Planned,
    /// Our program did not run.
    Restart,
    /// Pictures came, our disk did not take them.
    Disk,
    /// Anything else: the camera, its network, its password.
    Camera,
}

fn missing(reason: &str) -> Missing {
    match reason {
        "disabled" => Missing::Planned,
        "restart" => Missing::Restart,
        "disk" => Missing::Disk,
        _ => Missing::Camera,
    }
}

/// A time without recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// ms UTC
    pub start_ms: i64,
    /// ms UTC; `None` while it lasts.
    pub end_ms: Option<i64>,
    /// As stored.
    pub reason: String,
}

/// What a camera's day is counted from.
#[derive(Debug, Clone, Copy)]
pub struct DayFacts<'a> {
    /// Which day, Asia/Shanghai.
    pub day: Date,
    /// ms UTC; nothing is counted after it.
    pub now_ms: i64,
    /// When the camera was first watched, ms UTC.
    pub since_ms: i64,
    /// Of the premises; none: all day.
    pub hours: &'a [ServiceHours],
    /// Those that touch the day.
    pub gaps: &'a [Gap],
    /// Device alerts that touch the day: from when it began to when it ended, ms UTC.
    pub faults: &'a [(i64, Option<i64>)],
}

/// A camera's day in numbers, all in ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DayFigures {
    /// Time that counts for the online rate.
    pub counted_ms: i64,
    /// Of that, with pictures arriving.
    pub online_ms: i64,
    /// Of that, without a device alert.
    pub healthy_ms: i64,
    /// Time that should be recorded.
    pub due_ms: i64,
    /// Of that, recorded.
    pub recorded_ms: i64,
}

impl DayFacts<'_> {
    /// Counts.
    pub fn figures(&self) -> DayFigures {
        let (start_ms, end_ms) = (calendar::start_of(self.day), calendar::end_of(self.day));
        let life = Spans::one(start_ms.max(self.since_ms), end_ms.min(self.now_ms));
        let gaps = |which: &[Missing]| {
            let fitting = self.gaps.iter().filter(|gap| which.contains(&missing(&gap.reason)));
            Spans::of(fitting.map(|gap| (gap.start_ms, gap.end_ms.unwrap_or(self.now_ms))))
        };
        let counted = life.and(&self.service(start_ms)).without(&gaps(&[Missing::Planned, Missing::Restart]));
        let online = counted.without(&gaps(&[Missing::Camera]));
        let faults = Spans::of(self.faults.iter().map(|(began_ms, ended_ms)| (*began_ms, ended_ms.unwrap_or(self.now_ms))));
        let due = life.without(&gaps(&[Missing::Planned]));
        let recorded = due.without(&gaps(&[Missing::Restart, Missing::Disk, Missing::Camera]));
        DayFigures {
            counted_ms: counted.total_ms(),
            online_ms: online.total_ms(),
            healthy_ms: online.without(&faults).total_ms(),
            due_ms: due.total_ms(),
            recorded_ms: recorded.total_ms(),
        }
    }

    /// The service hours of the day.
    fn service(&self, start_ms: i64) -> Spans {
        if self.hours.is_empty() {
            return Spans::one(start_ms, calendar::end_of(self.day));
        }
        let weekday = self.day.weekday().to_monday_one_offset();
        let minute_ms = |minute: u16| start_ms + i64::from(minute) * 60_000;
        let today = self.hours.iter().filter(|hours| hours.days.iter().any(|day| i16::from(*day) == i16::from(weekday)));
        Spans::of(today.filter_map(ServiceHours::minutes).map(|(from, to)| (minute_ms(from), minute_ms(to))))
    }
}

/// A share with what it is a share of: under a whole of nothing there is no rate.
pub fn rate(part: i64, whole: i64) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of months are exact in a double")]
    (whole > 0).then(|| (part as f64 / whole as f64 * 100_000.0).round() / 100_000.0)
}

/// Why a camera is likely off line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cause {
    /// As sent.
    pub code: &'static str,
    /// zh-CN
    pub zh: &'static str,
    /// en
    pub en: &'static str,
}

/// The likely cause, by why the connection failed and by how many cameras of the same premises, and of all, are off line.
pub fn likely_cause(reason: &str, here: (i64, i64), everywhere: (i64, i64)) -> Cause {
    let cause = |code, zh, en| Cause { code, zh, en };
    let unreachable = matches!(reason, "no_route" | "timeout" | "stalled" | "closed" | "refused" | "none");
    if unreachable && everywhere.1 >= 5 && everywhere.0 * 10 >= everywhere.1 * 8 {
        return cause(
            "server_network",
            "多数摄像机同时离线，疑为本机房网络故障",
            "most cameras are off line together: the network of this server",
        );
    }
    if unreachable && here.1 >= 2 && here.0 == here.1 {
        return cause(
            "premises_network",
            "该场所摄像机全部离线，疑为断网或停电",
            "all cameras of the premises are off line: its network or its power",
        );
    }
    match reason {
        "unauthorized" => cause("credentials", "用户名或密码不正确，可能已被修改", "user name or password is wrong, or was changed"),
        "not_found" => cause("path", "取流地址不存在，请核对通道", "the address of the stream does not exist there"),
        "refused" => cause("service", "取流端口关闭，设备可能正在重启", "its port is closed: it may be restarting"),
        "stalled" | "closed" => cause("stream", "连接正常但无画面，设备可能死机", "it is connected but sends no picture: it may hang"),
        "not_video" | "unsupported_codec" | "bad_stream" | "no_key_frame" => {
            cause("format", "码流格式不受支持或已损坏", "its stream is damaged or in a format that is not supported")
        }
        "address_not_allowed" => cause("address", "地址不在允许的网段内", "its address is outside the allowed networks"),
        "untrusted_certificate" => {
            cause("certificate", "设备证书未被信任，可能已更换", "its certificate is not trusted: it may have been replaced")
        }
        "disk" => cause("disk", "录像磁盘写入失败", "the disk of the recordings does not take it"),
        "no_route" | "timeout" => cause("camera", "设备断电或网络不通", "its power or its network"),
        _ => cause("unknown", "原因不明", "not known"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use proptest::prelude::*;

    const HOUR_MS: i64 = 3_600_000;
    const DAY_MS: i64 = 24 * HOUR_MS;

    /// Monday.
    fn monday() -> Date {
        date(2026, 11, 23)
    }

    fn gap(from_h: i64, to_h: i64, reason: &str) -> Gap {
        let start = calendar::start_of(monday());
        Gap { start_ms: start + from_h * HOUR_MS, end_ms: Some(start + to_h * HOUR_MS), reason: reason.to_owned() }
    }

    fn day<'a>(hours: &'a [ServiceHours], gaps: &'a [Gap], faults: &'a [(i64, Option<i64>)]) -> DayFacts<'a> {
        DayFacts { day: monday(), now_ms: i64::MAX, since_ms: 0, hours, gaps, faults }
    }

    fn school() -> Vec<ServiceHours> {
        vec![ServiceHours { days: vec![1, 2, 3, 4, 5], from: "06:00".to_owned(), to: "18:00".to_owned() }]
    }

    fn in_hours(figures: DayFigures) -> [i64; 5] {
        [figures.counted_ms, figures.online_ms, figures.healthy_ms, figures.due_ms, figures.recorded_ms].map(|ms| ms / HOUR_MS)
    }

    #[test]
    fn whose_fault_it_is_decides_where_it_counts() {
        let plain = [24, 24, 24, 24, 24];
        assert_eq!(in_hours(day(&[], &[], &[]).figures()), plain);
        let table = [
            ("offline", [24, 22, 22, 24, 22]),
            ("unauthorized", [24, 22, 22, 24, 22]),
            ("bad_stream", [24, 22, 22, 24, 22]),
            ("restart", [22, 22, 22, 24, 22]),
            ("disk", [24, 24, 24, 24, 22]),
            ("disabled", [22, 22, 22, 22, 22]),
        ];
        for (reason, expected) in table {
            assert_eq!(in_hours(day(&[], &[gap(10, 12, reason)], &[]).figures()), expected, "{reason}");
        }
    }

    #[test]
    fn only_service_hours_count_for_being_on_line_and_all_hours_for_being_recorded() {
        let (hours, night) = (school(), [gap(0, 5, "offline"), gap(17, 20, "offline")]);
        assert_eq!(in_hours(day(&hours, &night, &[]).figures()), [12, 11, 11, 24, 16]);
        let sunday = DayFacts { day: date(2026, 11, 22), ..day(&hours, &[], &[]) };
        assert_eq!(in_hours(sunday.figures()), [0, 0, 0, 24, 24], "closed: nothing to be on line for");
    }

    #[test]
    fn gaps_that_overlap_count_once_and_open_ones_until_now() {
        let start = calendar::start_of(monday());
        let gaps = [gap(1, 4, "offline"), gap(2, 6, "stalled"), gap(5, 8, "disabled"), Gap { end_ms: None, ..gap(20, 0, "refused") }];
        let facts = DayFacts { now_ms: start + 22 * HOUR_MS, ..day(&[], &gaps, &[]) };
        // 22 h so far, 3 switched off: 19 count; 1-5 and 20-22 are off line.
        assert_eq!(in_hours(facts.figures()), [19, 13, 13, 19, 13]);
    }

    #[test]
    fn days_are_those_of_shanghai_and_begin_when_the_camera_was_added() {
        let start = calendar::start_of(monday());
        assert_eq!(start.rem_euclid(DAY_MS), 16 * HOUR_MS, "midnight there is 16:00 UTC");
        let over_midnight = [Gap { start_ms: start - 5 * HOUR_MS, end_ms: Some(start + 3 * HOUR_MS), reason: "offline".to_owned() }];
        assert_eq!(in_hours(day(&[], &over_midnight, &[]).figures()), [24, 21, 21, 24, 21]);
        let before = DayFacts { day: date(2026, 11, 22), ..day(&[], &over_midnight, &[]) };
        assert_eq!(in_hours(before.figures()), [24, 19, 19, 24, 19]);
        let added = DayFacts { since_ms: start + 14 * HOUR_MS, ..day(&[], &[], &[]) };
        assert_eq!(in_hours(added.figures()), [10, 10, 10, 10, 10]);
        let later = DayFacts { since_ms: start + DAY_MS, ..added };
        assert_eq!(later.figures(), DayFigures::default());
    }

    #[test]
    fn device_alerts_count_against_health_while_the_camera_is_on_line() {
        let start = calendar::start_of(monday());
        let faults = [(start + 8 * HOUR_MS, Some(start + 11 * HOUR_MS)), (start + 22 * HOUR_MS, None)];
        let gaps = [gap(10, 12, "offline")];
        assert_eq!(in_hours(day(&[], &gaps, &faults).figures()), [24, 22, 18, 24, 22]);
    }

    #[test]
    fn a_rate_of_nothing_is_none() {
        assert_eq!((rate(0, 0), rate(1, 3), rate(5, 5)), (None, Some(0.333_33), Some(1.0)));
    }

    #[test]
    fn causes_follow_from_the_reason_and_the_neighbours() {
        let code = |reason, here, everywhere| likely_cause(reason, here, everywhere).code;
        assert_eq!(code("timeout", (1, 4), (1, 100)), "camera");
        assert_eq!(code("timeout", (4, 4), (4, 100)), "premises_network");
        assert_eq!(code("timeout", (4, 4), (90, 100)), "server_network");
        assert_eq!(code("unauthorized", (4, 4), (90, 100)), "credentials", "a wrong password is no network");
        assert_eq!((code("refused", (1, 1), (1, 1)), code("not_found", (1, 2), (1, 9))), ("service", "path"));
    }

    proptest! {
        #[test]
        fn figures_keep_their_order_and_days_add_up(
            gaps in prop::collection::vec((-40_i64..60, 0_i64..30, prop::sample::select(vec!["offline", "restart", "disk", "disabled", "stalled"]), any::<bool>()), 0..10),
            faults in prop::collection::vec((-40_i64..60, 0_i64..30), 0..6),
            since_h in -50_i64..60, now_h in -50_i64..60, closed in any::<bool>(),
        ) {
            let start = calendar::start_of(monday());
            let at = |hours: i64| start + hours * HOUR_MS;
            let gaps: Vec<Gap> = gaps.into_iter()
                .map(|(from, long, reason, open)| Gap { start_ms: at(from), end_ms: (!open).then(|| at(from + long)), reason: reason.to_owned() })
                .collect();
            let faults: Vec<_> = faults.into_iter().map(|(from, long)| (at(from), Some(at(from + long)))).collect();
            let hours = if closed { school() } else { Vec::new() };
            let mut whole = 0;
            for day in [date(2026, 11, 22), monday(), date(2026, 11, 24)] {
                let facts = DayFacts { day, now_ms: at(now_h), since_ms: at(since_h), hours: &hours, gaps: &gaps, faults: &faults };
                let figures = facts.figures();
                prop_assert!(0 <= figures.healthy_ms && figures.healthy_ms <= figures.online_ms && figures.online_ms <= figures.counted_ms);
                prop_assert!(0 <= figures.recorded_ms && figures.recorded_ms <= figures.due_ms && figures.due_ms <= DAY_MS);
                prop_assert!(figures.counted_ms <= figures.due_ms, "what counts is switched on");
                whole += figures.due_ms;
            }
            // The days together are the whole: no moment is lost at midnight, none is counted twice.
            let off = Spans::of(gaps.iter().filter(|gap| gap.reason == "disabled").map(|gap| (gap.start_ms, gap.end_ms.unwrap_or(at(now_h)))));
            let life = Spans::one(at(since_h).max(at(-24)), at(now_h).min(at(48)));
            prop_assert_eq!(whole, life.without(&off).total_ms());
        }
    }
}
