//! Points. Kept as WGS-84; what is given in China's map datums is converted.
//!
//! GCJ-02 adds a smooth offset to WGS-84 inside China; BD-09 adds another to GCJ-02. The inverse is found by stepping back
//! the offset a few times, which ends within a centimetre. Sources: the published reverse engineering of both datums.

use std::f64::consts::PI;

use super::premises::Datum;

const AXIS_M: f64 = 6_378_245.0;
const ECCENTRICITY_SQUARED: f64 = 0.006_693_421_622_965_943;
const BD_ANGLE: f64 = PI * 3_000.0 / 180.0;

/// Latitude and longitude in WGS-84, degrees, of a point given in `datum`.
pub fn to_wgs84(datum: Datum, latitude: f64, longitude: f64) -> (f64, f64) {
    match datum {
        Datum::Wgs84 => (latitude, longitude),
        Datum::Gcj02 => invert(gcj02_from_wgs84, latitude, longitude),
        Datum::Bd09 => {
            let (latitude, longitude) = invert(bd09_from_gcj02, latitude, longitude);
            invert(gcj02_from_wgs84, latitude, longitude)
        }
    }
}

/// Metres between two points given as latitude and longitude, along the ground of a round Earth: right within half a percent.
pub fn distance_m(one: (f64, f64), other: (f64, f64)) -> f64 {
    const RADIUS_M: f64 = 6_371_000.0;
    let [lat, lon, there_lat, there_lon] = [one.0, one.1, other.0, other.1].map(f64::to_radians);
    let half = |angle: f64| (angle / 2.0).sin().powi(2);
    let chord = half(there_lat - lat) + lat.cos() * there_lat.cos() * half(there_lon - lon);
    2.0 * RADIUS_M * chord.sqrt().min(1.0).asin()
}

/// Whether it is a place on Earth.
pub fn is_point(latitude: f64, longitude: f64) -> bool {
    (-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude)
}

fn invert(forward: impl Fn(f64, f64) -> (f64, f64), latitude: f64, longitude: f64) -> (f64, f64) {
    let (mut lat, mut lon) = (latitude, longitude);
    for _ in 0..5 {
        let (there_lat, there_lon) = forward(lat, lon);
        lat -= there_lat - latitude;
        lon -= there_lon - longitude;
    }
    (lat, lon)
}

fn gcj02_from_wgs84(latitude: f64, longitude: f64) -> (f64, f64) {
    if !(0.83..=55.83).contains(&latitude) || !(72.0..=137.85).contains(&longitude) {
        return (latitude, longitude);
    }
    let (x, y) = (longitude - 105.0, latitude - 35.0);
    let wave = |a: f64, b: f64, v: f64| 20.0 * (a * v * PI).sin() + 20.0 * (b * v * PI).sin();
    let shared = 2.0 / 3.0 * wave(6.0, 2.0, x);
    let north = -100.0
        + 2.0 * x
        + 3.0 * y
        + 0.2 * y * y
        + 0.1 * x * y
        + 0.2 * x.abs().sqrt()
        + shared
        + 2.0 / 3.0 * (20.0 * (y * PI).sin() + 40.0 * (y / 3.0 * PI).sin())
        + 2.0 / 3.0 * (160.0 * (y / 12.0 * PI).sin() + 320.0 * (y * PI / 30.0).sin());
    let east = 300.0
        + x
        + 2.0 * y
        + 0.1 * x * x
        + 0.1 * x * y
        + 0.1 * x.abs().sqrt()
        + shared
        + 2.0 / 3.0 * (20.0 * (x * PI).sin() + 40.0 * (x / 3.0 * PI).sin())
        + 2.0 / 3.0 * (150.0 * (x / 12.0 * PI).sin() + 300.0 * (x / 30.0 * PI).sin());
    let radians = latitude / 180.0 * PI;
    let magic = 1.0 - ECCENTRICITY_SQUARED * radians.sin().powi(2);
    let north_degrees = north * 180.0 / (AXIS_M * (1.0 - ECCENTRICITY_SQUARED) / (magic * magic.sqrt()) * PI);
    let east_degrees = east * 180.0 / (AXIS_M / magic.sqrt() * radians.cos() * PI);
    (latitude + north_degrees, longitude + east_degrees)
}

fn bd09_from_gcj02(latitude: f64, longitude: f64) -> (f64, f64) {
    let distance = longitude.hypot(latitude) + 0.000_02 * (latitude * BD_ANGLE).sin();
    let angle = latitude.atan2(longitude) + 0.000_003 * (longitude * BD_ANGLE).cos();
    (distance * angle.sin() + 0.006, distance * angle.cos() + 0.0065)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_comes_back_from_both_datums() {
        let (latitude, longitude) = (23.4656, 116.7561);
        let gcj = gcj02_from_wgs84(latitude, longitude);
        let bd = bd09_from_gcj02(gcj.0, gcj.1);
        for (datum, given) in [(Datum::Gcj02, gcj), (Datum::Bd09, bd)] {
            let (lat, lon) = to_wgs84(datum, given.0, given.1);
            assert!((lat - latitude).abs() < 1e-7 && (lon - longitude).abs() < 1e-7, "{datum:?}: {lat}, {lon}");
        }
    }

    #[test]
    fn the_offset_inside_china_is_some_hundred_metres_and_none_outside() {
        // Tiananmen: the offset known from public conversions is about 0.0014 north, 0.0062 east.
        let (lat, lon) = gcj02_from_wgs84(39.9087, 116.3975);
        assert!((lat - 39.9101).abs() < 3e-4 && (lon - 116.4037).abs() < 3e-4, "{lat}, {lon}");
        assert_eq!(gcj02_from_wgs84(48.85, 2.35), (48.85, 2.35));
    }
}
