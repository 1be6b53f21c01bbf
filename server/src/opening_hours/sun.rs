//! Sunrise, sunset, dawn and dusk.
//!
//! The position of the sun follows Jean Meeus, Astronomical Algorithms, chapter 25 (low accuracy, 0.01°), as NOAA's solar calculator
//! uses it. The trigonometry is that of `libm`, so that every machine computes the same minute.

use libm::{acos, asin, cos, fmod, sin, tan};

use super::osm::SunEvent;

const DEGREE: f64 = core::f64::consts::PI / 180.0;
const DAY_S: f64 = 86_400.0;

/// Returns the event of a day, in seconds since 1970. The day runs around noon at the longitude, and so may start on the UTC day
/// before or end on the next. `None` if the sun does not pass the altitude of the event.
pub(super) fn event_s(utc_day: i32, event: SunEvent, latitude_deg: f64, longitude_deg: f64) -> Option<i64> {
    // The upper edge of the sun with refraction at the horizon, and civil twilight.
    let (altitude_deg, side) = match event {
        SunEvent::Sunrise => (-0.833, 1.0),
        SunEvent::Sunset => (-0.833, -1.0),
        SunEvent::Dawn => (-6.0, 1.0),
        SunEvent::Dusk => (-6.0, -1.0),
    };
    let midnight_s = f64::from(utc_day) * DAY_S;
    let mut at_s = midnight_s + 0.5 * DAY_S - longitude_deg / 360.0 * DAY_S;
    // The sun moves by a degree a day: the second iteration changes the result by seconds, the third by less than one.
    for _ in 0..3 {
        let sun = Sun::at(at_s);
        let latitude = latitude_deg * DEGREE;
        let cosine = sin(altitude_deg * DEGREE) / (cos(latitude) * cos(sun.declination))
            - tan(latitude) * tan(sun.declination);
        // The comparison also rejects the NaN of a pole.
        if !(-1.0..=1.0).contains(&cosine) {
            return None;
        }
        let hour_angle_deg = acos(cosine) / DEGREE;
        let minutes = 720.0 - 4.0 * (longitude_deg + side * hour_angle_deg) - sun.equation_of_time_min;
        at_s = midnight_s + minutes * 60.0;
    }
    // Seconds of the years -9999 to 9999 are far below 2^53.
    #[expect(clippy::cast_possible_truncation, reason = "bounded by the year")]
    Some(libm::floor(at_s) as i64)
}

struct Sun {
    /// In radians.
    declination: f64,
    /// Apparent minus mean solar time.
    equation_of_time_min: f64,
}

impl Sun {
    fn at(unix_s: f64) -> Self {
        // Julian centuries since J2000, 2000-01-01 12:00.
        let t = (unix_s / DAY_S - 10_957.5) / 36_525.0;
        let mean_longitude = fmod(280.466_46 + t * (36_000.769_83 + t * 0.000_303_2), 360.0) * DEGREE;
        let mean_anomaly = (357.529_11 + t * (35_999.050_29 - t * 0.000_153_7)) * DEGREE;
        let eccentricity = 0.016_708_634 - t * (0.000_042_037 + t * 0.000_000_126_7);
        let centre = (sin(mean_anomaly) * (1.914_602 - t * (0.004_817 + t * 0.000_014))
            + sin(2.0 * mean_anomaly) * (0.019_993 - t * 0.000_101)
            + sin(3.0 * mean_anomaly) * 0.000_289)
            * DEGREE;
        let node = (125.04 - 1_934.136 * t) * DEGREE;
        let longitude = mean_longitude + centre - (0.005_69 + 0.004_78 * sin(node)) * DEGREE;
        let obliquity = (23.439_291 - t * (0.013_004_2 + t * 0.000_000_16) + 0.002_56 * cos(node)) * DEGREE;
        let y = tan(obliquity / 2.0) * tan(obliquity / 2.0);
        let equation = y * sin(2.0 * mean_longitude) - 2.0 * eccentricity * sin(mean_anomaly)
            + 4.0 * eccentricity * y * sin(mean_anomaly) * cos(2.0 * mean_longitude)
            - 0.5 * y * y * sin(4.0 * mean_longitude)
            - 1.25 * eccentricity * eccentricity * sin(2.0 * mean_anomaly);
        Self {
            declination: asin(sin(obliquity) * sin(longitude)),
            equation_of_time_min: 4.0 * equation / DEGREE,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::{Timestamp, civil::date};

    use super::*;
    use crate::opening_hours::day_number;

    /// Times of the npm package suncalc 2.0.2, which solves the rising, transit and setting of Meeus, chapter 15, instead.
    #[test]
    fn events_are_those_of_suncalc() {
        for (day, event, (latitude, longitude), expected) in [
            (date(2026, 6, 21), SunEvent::Sunrise, (60.17, 24.94), "2026-06-21T00:54:01Z"),
            (date(2026, 6, 21), SunEvent::Sunset, (60.17, 24.94), "2026-06-21T19:50:06Z"),
            (date(2026, 12, 21), SunEvent::Sunrise, (60.17, 24.94), "2026-12-21T07:23:49Z"),
            (date(2026, 3, 20), SunEvent::Dawn, (51.48, 0.0), "2026-03-20T05:29:40Z"),
            (date(2026, 3, 20), SunEvent::Sunset, (51.48, 0.0), "2026-03-20T18:13:02Z"),
            (date(2026, 9, 23), SunEvent::Sunrise, (39.90, 116.40), "2026-09-22T22:02:31Z"),
            (date(2026, 1, 15), SunEvent::Dusk, (-33.87, 151.21), "2026-01-15T09:37:17Z"),
            (date(2026, 11, 28), SunEvent::Sunset, (1.29, 103.85), "2026-11-28T10:54:06Z"),
        ] {
            let found = event_s(day_number(day).unwrap(), event, latitude, longitude).unwrap();
            let expected: Timestamp = expected.parse().unwrap();
            assert!((found - expected.as_second()).abs() <= 20, "{day} {event:?}: {found} {expected}");
        }
    }

    #[test]
    fn the_sun_neither_rises_nor_sets_in_polar_summer_and_winter() {
        for day in [date(2026, 6, 21), date(2026, 12, 21)] {
            for latitude in [-90.0, -80.0, 80.0, 90.0] {
                let day = day_number(day).unwrap();
                assert_eq!(event_s(day, SunEvent::Sunrise, latitude, 20.0), None);
                assert_eq!(event_s(day, SunEvent::Dusk, latitude, 20.0), None);
            }
        }
    }
}
