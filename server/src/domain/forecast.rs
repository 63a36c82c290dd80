//! When the recordings' disk will be full, and how many days it really holds.
//!
//! Each camera writes what it wrote in the last day, until its oldest recording reaches its age; from then on what comes and
//! what goes are alike. Below the low watermark the oldest go early, of all cameras together: the days that are left then
//! are those that fit.

/// One camera.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Growing {
    /// What it writes in a day, bytes.
    pub bytes_a_day: f64,
    /// How far back its recordings go, days.
    pub kept_days: f64,
    /// How far back they shall go, days.
    pub wanted_days: f64,
}

/// What is to be expected.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forecast {
    /// What all cameras write in a day, bytes.
    pub bytes_a_day: f64,
    /// Days until only the watermark is left; `None` where everything fits.
    pub full_in_days: Option<f64>,
    /// Days that are kept in the end, of the camera that is kept longest.
    pub days_held: f64,
    /// Days that are wanted, of the camera that is wanted longest.
    pub days_wanted: f64,
}

/// Looks ahead. `room_bytes` is free above the watermark, `kept_bytes` what may be deleted.
pub fn forecast(cameras: &[Growing], room_bytes: f64, kept_bytes: f64) -> Forecast {
    let bytes_a_day: f64 = cameras.iter().map(|camera| camera.bytes_a_day).sum();
    let days_wanted = cameras.iter().map(|camera| camera.wanted_days).fold(0.0, f64::max);
    let still_growing = |camera: &Growing| (camera.wanted_days - camera.kept_days).max(0.0);
    let full_in_days = reach(cameras.iter().map(|camera| (camera.bytes_a_day, still_growing(camera))), room_bytes.max(0.0));
    let fits = reach(cameras.iter().map(|camera| (camera.bytes_a_day, camera.wanted_days)), (room_bytes + kept_bytes).max(0.0));
    Forecast { bytes_a_day, full_in_days, days_held: fits.unwrap_or(days_wanted), days_wanted }
}

/// When lines that each rise at a rate until their own end reach `target` together; `None` where they stay below.
fn reach(lines: impl Iterator<Item = (f64, f64)>, target: f64) -> Option<f64> {
    let mut lines: Vec<(f64, f64)> = lines.filter(|(rate, until)| *rate > 0.0 && *until > 0.0).collect();
    lines.sort_by(|one, other| one.1.total_cmp(&other.1));
    let mut rate: f64 = lines.iter().map(|line| line.0).sum();
    let (mut at, mut sum) = (0.0, 0.0);
    for (line_rate, until) in lines {
        let rise = rate * (until - at);
        if sum + rise >= target {
            return Some(at + (target - sum) / rate);
        }
        (sum, at, rate) = (sum + rise, until, rate - line_rate);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn camera(bytes_a_day: f64, kept_days: f64, wanted_days: f64) -> Growing {
        Growing { bytes_a_day, kept_days, wanted_days }
    }

    #[test]
    fn a_disk_that_is_large_enough_is_never_full() {
        let seen = forecast(&[camera(20.0, 10.0, 30.0), camera(20.0, 30.0, 30.0)], 400.1, 800.0);
        assert_eq!((seen.full_in_days, seen.days_held, seen.bytes_a_day), (None, 30.0, 40.0));
    }

    #[test]
    fn a_disk_that_is_too_small_tells_the_day_and_what_it_holds() {
        let seen = forecast(&[camera(20.0, 10.0, 30.0), camera(20.0, 10.0, 30.0)], 200.0, 400.0);
        assert_eq!(seen.full_in_days, Some(5.0));
        assert_eq!((seen.days_held, seen.days_wanted), (15.0, 30.0));
        let full = forecast(&[camera(20.0, 12.0, 30.0)], -3.0, 240.0);
        assert_eq!(full.full_in_days, Some(0.0), "it is a ring already");
    }

    #[test]
    fn cameras_that_are_kept_shortly_stop_growing() {
        // For five days 30 a day, then 10 a day.
        let seen = forecast(&[camera(20.0, 2.0, 7.0), camera(10.0, 0.0, 90.0)], 200.0, 40.0);
        assert_eq!(seen.full_in_days, Some(10.0));
    }

    #[test]
    fn no_cameras_fill_nothing() {
        assert_eq!(forecast(&[], 10.0, 0.0), Forecast { bytes_a_day: 0.0, full_in_days: None, days_held: 0.0, days_wanted: 0.0 });
    }

    proptest! {
        /// At that moment, and at no earlier one, what is written is what there is room for.
        #[test]
        fn the_day_is_the_one_on_which_the_room_is_used(
            cameras in prop::collection::vec((1.0_f64..50.0, 0.0_f64..40.0, 1.0_f64..40.0), 0..6), room in 0.0_f64..3_000.0,
        ) {
            let cameras: Vec<Growing> = cameras.into_iter().map(|(rate, kept, wanted)| camera(rate, kept, wanted)).collect();
            let written = |days: f64| -> f64 {
                cameras.iter().map(|camera| camera.bytes_a_day * days.min((camera.wanted_days - camera.kept_days).max(0.0))).sum()
            };
            match forecast(&cameras, room, 0.0).full_in_days {
                Some(full) => prop_assert!((written(full) - room).abs() < 1e-6 * room.max(1.0), "{full}: {} of {room}", written(full)),
                None => prop_assert!(written(1_000.0) <= room, "{} of {room}", written(1_000.0)),
            }
        }
    }
}
