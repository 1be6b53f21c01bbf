//! Decides which points areas contain, for `tests/oracle/areas.py`.
//!
//! Each line of standard input is an area with points, as numbers separated by spaces:
//!
//! ```text
//! DATUM LAT LON (circle RADIUS_M | polygons N (RINGS (VERTICES (LAT LON)*)*)*) POINTS (LAT LON)*
//! ```
//!
//! Points are in WGS-84, all other positions in the datum. Each line of output has a 1 for each point inside and a 0 for each
//! outside, or `invalid` and the reason.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a development tool: a failure aborts it")]

use std::{io::stdin, str::SplitAsciiWhitespace};

use nearby_index::{
    AnyPosition, AreaError, Ecef, Effort, PolygonVertices, Position, Radius, ServedPoint, ServiceArea, Wgs84,
};

fn main() {
    for line in stdin().lines() {
        println!("{}", decide(&line.unwrap()).unwrap_or_else(|error| format!("invalid: {error}")));
    }
}

fn decide(line: &str) -> Result<String, AreaError> {
    let mut fields = Fields(line.split_ascii_whitespace());
    let datum = fields.text();
    let merchant = fields.position(datum);
    let area = match fields.text() {
        "circle" => ServiceArea::circle(Radius::new(fields.number()).unwrap()),
        _ => {
            let polygons: Vec<PolygonVertices> = (0..fields.count()).map(|_| fields.polygon(datum)).collect();
            ServiceArea::polygons(merchant, &polygons)?
        }
    };
    let points = fields.count();
    let point = |_| {
        let point = ServedPoint::exact(fields.position("wgs84"));
        if area.serves(&point, Ecef::from(merchant).distance(point.ecef), &Effort::default()) {
            '1'
        } else {
            '0'
        }
    };
    Ok((0..points).map(point).collect())
}

struct Fields<'a>(SplitAsciiWhitespace<'a>);

impl<'a> Fields<'a> {
    fn text(&mut self) -> &'a str {
        self.0.next().unwrap()
    }

    fn number(&mut self) -> f64 {
        self.text().parse().unwrap()
    }

    fn count(&mut self) -> usize {
        self.text().parse().unwrap()
    }

    fn position(&mut self, datum: &str) -> Position<Wgs84> {
        let (latitude, longitude) = (self.number(), self.number());
        match datum {
            "gcj02" => AnyPosition::Gcj02(Position::new(latitude, longitude).unwrap()).to_wgs84(),
            _ => Position::new(latitude, longitude).unwrap(),
        }
    }

    fn polygon(&mut self, datum: &str) -> PolygonVertices {
        let mut rings = (0..self.count()).map(|_| self.ring(datum)).collect::<Vec<_>>().into_iter();
        PolygonVertices { shell: rings.next().unwrap(), holes: rings.collect() }
    }

    fn ring(&mut self, datum: &str) -> Vec<Position<Wgs84>> {
        (0..self.count()).map(|_| self.position(datum)).collect()
    }
}
