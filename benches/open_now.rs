//! Cost of `open_now`: searches in a circle of 34,000 merchants, all of which have the same hours as weekly periods, or as an
//! expression of the Helsinki sample, or none.
//!
//! `cargo bench --bench open_now` prints ratios from interleaved rounds, in which other load on the machine cancels out.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a failed bench aborts; figures go to stdout")]

use std::{env, hint::black_box, time::Instant};

use mimalloc::MiMalloc;
use nearby_benches::median;
use nearby_index::MerchantId;
use nearby_proto::{
    v1::{self as wire, opening_filter::Moment},
    well_known::Timestamp,
};
use nearby_server::bench_support::{OfflineService, Parsed};

/// The server's allocator.
#[global_allocator]
static GLOBAL: MiMalloc = MiMalloc;

const MERCHANTS: usize = 34_000;
const RADIUS_M: f64 = 5_000.0;
const ROUNDS: usize = 101;
const HELSINKI: (f64, f64) = (60.17, 24.94);

/// Hours of merchants.
#[derive(Clone, Copy)]
enum Form {
    Unknown,
    Weekly,
    Expression,
}

/// The expressions of the sample, as often as merchants have them.
fn expressions() -> Vec<String> {
    let mut sample = csv::Reader::from_reader(include_str!("../server/data/helsinki.csv").as_bytes());
    let hours = sample.headers().unwrap().iter().position(|name| name == "hours").unwrap();
    let cells = sample.records().map(|record| record.unwrap()[hours].to_owned());
    cells.filter(|text| !text.is_empty()).collect()
}

/// Places a merchant on a spiral that fills the circle evenly.
fn place(number: usize, count: usize) -> wire::Position {
    const GOLDEN_ANGLE: f64 = 2.399_963_229_728_653;
    const METERS_PER_DEGREE: f64 = 111_400.0;
    let distance_m = 0.99 * RADIUS_M * ((number as f64 + 0.5) / count as f64).sqrt();
    let angle = number as f64 * GOLDEN_ANGLE;
    let (latitude, longitude) = HELSINKI;
    position(
        latitude + distance_m * libm::cos(angle) / METERS_PER_DEGREE,
        longitude + distance_m * libm::sin(angle) / (METERS_PER_DEGREE * libm::cos(latitude.to_radians())),
    )
}

fn position(latitude: f64, longitude: f64) -> wire::Position {
    let coordinate_system = wire::CoordinateSystem::Wgs84.into();
    wire::Position { latitude, longitude, coordinate_system, accuracy_m: None }
}

/// Weekly periods as common as those of the sample: 10:00 to 18:00 on weekdays, shorter on Saturdays, and a break for every third.
fn weekly(number: usize) -> Vec<wire::WeeklyPeriod> {
    let start = 480 + 30 * i32::try_from(number % 8).unwrap();
    let period =
        |weekday, start_minute, length_minutes| wire::WeeklyPeriod { weekday, start_minute, length_minutes };
    let weekdays = (1..=5).flat_map(|weekday| {
        if number.is_multiple_of(3) {
            vec![period(weekday, start, 180), period(weekday, start + 240, 300)]
        } else {
            vec![period(weekday, start, 540)]
        }
    });
    weekdays.chain([period(6, start + 60, 300)]).collect()
}

fn service(form: Form, count: usize) -> OfflineService {
    let texts = expressions();
    let merchants = (0..count).map(|number| {
        let hours = |weekly_periods, osm_expression| {
            let time_zone = "Europe/Helsinki".to_owned();
            Some(wire::OpeningHours { time_zone, weekly_periods, osm_expression, ..Default::default() })
        };
        let given = wire::Merchant {
            display_name: format!("Kauppa {number}"),
            position: Some(place(number, count)),
            address: Some(wire::PostalAddress { region_code: "FI".to_owned(), ..Default::default() }),
            opening_hours: match form {
                Form::Unknown => None,
                Form::Weekly => hours(weekly(number), String::new()),
                Form::Expression => hours(Vec::new(), texts[number % texts.len()].clone()),
            },
            ..Default::default()
        };
        (MerchantId::parse(&format!("m{number}")).unwrap(), given)
    });
    // A few expressions of the sample do not follow the syntax; their merchants have unknown hours.
    let is_valid = |given: &wire::Merchant| OfflineService::is_valid(given);
    let merchants = merchants.map(|(id, mut given)| {
        if !is_valid(&given) {
            given.opening_hours = None;
        }
        (id, given)
    });
    OfflineService::new(merchants).unwrap()
}

/// Monday, 2023-11-20, 13:30 in Helsinki.
const WORKING_HOURS_S: i64 = 1_700_479_800;

fn search(opening: Option<Moment>, include_total: bool) -> wire::SearchNearbyRequest {
    let opening = opening.map(|moment| wire::OpeningFilter {
        moment: Some(moment),
        policy: wire::OpeningPolicy::OpenOnly.into(),
    });
    wire::SearchNearbyRequest {
        origin: Some(position(HELSINKI.0, HELSINKI.1)),
        radius_m: Some(RADIUS_M),
        opening,
        include_total,
        ..Default::default()
    }
}

fn main() {
    let is_smoke = env::args().any(|argument| argument == "--test");
    let (count, rounds) = if is_smoke { (1_000, 1) } else { (MERCHANTS, ROUNDS) };
    let now = || Some(Moment::OpenNow(true));
    let later = || Some(Moment::OpenAt(Timestamp { seconds: WORKING_HOURS_S + 200 * 86_400, nanos: 0 }));
    let [unknown, weekly, expression] =
        [Form::Unknown, Form::Weekly, Form::Expression].map(|form| service(form, count));
    // `include_total` looks at every merchant of the circle, a page of 20 only at the nearest.
    for (title, include_total) in [("20 nearest", false), ("20 nearest and the total", true)] {
        let contenders: [(&str, &OfflineService, Option<Moment>); 6] = [
            ("no filter", &unknown, None),
            ("open now, weekly periods", &weekly, now()),
            ("open now, expressions", &expression, now()),
            ("no filter, expressions", &expression, None),
            ("open in 200 days, weekly periods", &weekly, later()),
            ("open in 200 days, expressions", &expression, later()),
        ];
        let contenders: Vec<(&str, &OfflineService, Parsed)> = contenders
            .into_iter()
            .map(|(name, service, moment)| {
                (name, service, service.parse(&search(moment, include_total)).unwrap())
            })
            .collect();
        let mut seconds = vec![Vec::new(); contenders.len()];
        let repetitions = if include_total || is_smoke { 1 } else { 64 };
        for round in 0..=rounds {
            for ((_, service, parsed), seconds) in contenders.iter().zip(&mut seconds) {
                let start = Instant::now();
                for _ in 0..repetitions {
                    black_box(service.page_response(parsed).unwrap());
                }
                // The first round computes the schedules.
                if round > 0 {
                    seconds.push(start.elapsed().as_secs_f64() / f64::from(repetitions));
                }
            }
        }
        println!("{title}, of {count} merchants");
        for ((name, ..), seconds) in contenders.iter().zip(&seconds) {
            println!("  {name:<36} {:>10.1} us", median(seconds.clone()) * 1e6);
        }
        let ratio = |of: usize, over: usize| {
            median(seconds[of].iter().zip(&seconds[over]).map(|(of, over)| of / over).collect())
        };
        println!("  expressions_vs_weekly_periods        {:>10.2}", ratio(2, 1));
        println!("  expressions_vs_no_filter             {:>10.2}", ratio(2, 3));
        println!("  expressions_vs_weekly_in_200_days    {:>10.2}", ratio(5, 4));
    }
}
