//! Cost of encoding a response relative to the search: the 20 nearest of a million merchants in 400 cities, from the parsed
//! request to the encoded response with its page token, in each view.
//!
//! After criterion's figures, the bench prints ratios from interleaved rounds, in which other load on the machine cancels out.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "criterion's macros are undocumented; a failed bench aborts; figures go to stdout"
)]

use std::{env, hint::black_box, time::Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use mimalloc::MiMalloc;
use nearby_benches::{Dataset, median};
use nearby_index::{MerchantId, Position, Wgs84};
use nearby_proto::v1::{self as wire, MerchantView};
use nearby_server::bench_support::{OfflineService, Parsed};

/// The server's allocator.
#[global_allocator]
static GLOBAL: MiMalloc = MiMalloc;

const SEED: u64 = 20_240_229;
const MERCHANTS: usize = 1_000_000;
const ORIGINS: usize = 4_096;
const ROUNDS: usize = 41;

/// Creates a merchant with the fields of the Helsinki sample: about 600 bytes, 130 of them in the BASIC view.
fn merchant(number: usize, place: Position<Wgs84>) -> (MerchantId, wire::Merchant) {
    let day = |weekday| wire::WeeklyPeriod { weekday, start_minute: 600, length_minutes: 480 };
    let given = wire::Merchant {
        display_name: format!("Kauppa ja kahvila {number}"),
        brand: ["", "", "K-Market"][number % 3].to_owned(),
        categories: vec!["shop/convenience".to_owned(), "amenity/cafe".to_owned()],
        services: vec!["delivery".to_owned(), "wheelchair".to_owned()],
        position: Some(position(place)),
        address: Some(wire::PostalAddress {
            region_code: "FI".to_owned(),
            postal_code: "00100".to_owned(),
            locality: "Helsinki".to_owned(),
            address_lines: vec![format!("Mannerheimintie {}", number % 200)],
            ..Default::default()
        }),
        phone: "+358 9 123 4567".to_owned(),
        opening_hours: Some(wire::OpeningHours {
            time_zone: "Europe/Helsinki".to_owned(),
            weekly_periods: (1..=6).map(day).collect(),
            display_text: "Mo-Sa 10:00-18:00".to_owned(),
            ..Default::default()
        }),
        photos: vec![wire::Photo {
            uri: format!("https://images.example.org/merchants/{number}/front.jpg"),
            width_px: 1_200,
            height_px: 800,
            ..Default::default()
        }],
        mini_program: Some(wire::MiniProgramLink {
            app_id: "wx0123456789abcdef".to_owned(),
            path: "pages/index".to_owned(),
        }),
        website_uri: "https://www.example.org/kauppa".to_owned(),
        ..Default::default()
    };
    (MerchantId::parse(&format!("m{number}")).unwrap(), given)
}

fn position(place: Position<Wgs84>) -> wire::Position {
    wire::Position {
        latitude: place.latitude_deg(),
        longitude: place.longitude_deg(),
        coordinate_system: wire::CoordinateSystem::Wgs84.into(),
        accuracy_m: None,
    }
}

fn response_encoding(criterion: &mut Criterion) {
    let is_smoke = env::args().any(|argument| argument == "--test");
    let size = if is_smoke { 10_000 } else { MERCHANTS };
    let [places, origins] = Dataset::Cities.points(size, ORIGINS, SEED).unwrap();
    let offline =
        OfflineService::new(places.iter().enumerate().map(|(number, place)| merchant(number, *place)))
            .unwrap();
    let searches = |view: MerchantView| -> Vec<Parsed> {
        let request = |place: &Position<Wgs84>| wire::SearchNearbyRequest {
            origin: Some(position(*place)),
            view: view.into(),
            ..Default::default()
        };
        origins.iter().map(|place| offline.parse(&request(place)).unwrap()).collect()
    };
    let id_only = searches(MerchantView::IdOnly);
    let (basic, full) = (searches(MerchantView::Basic), searches(MerchantView::Full));
    let find = |search: &Parsed| offline.find(search);
    let answer = |search: &Parsed| offline.page_response(search).unwrap();
    let contenders: [Contender<'_>; 4] = [
        ("find", &basic, &find),
        ("answer/id_only", &id_only, &answer),
        ("answer/basic", &basic, &answer),
        ("answer/full", &full, &answer),
    ];
    let mut group = criterion.benchmark_group("k20");
    for (name, searches, work) in contenders {
        let mut next = searches.iter().cycle();
        group.bench_function(name, |bencher| bencher.iter(|| work(black_box(next.next().unwrap()))));
    }
    group.finish();

    let mut seconds = [const { Vec::new() }; 4];
    for _ in 0..if is_smoke { 1 } else { ROUNDS } {
        for ((_, searches, work), seconds) in contenders.iter().zip(&mut seconds) {
            let start = Instant::now();
            let bytes: usize = searches.iter().map(work).sum();
            black_box(bytes);
            seconds.push(start.elapsed().as_secs_f64());
        }
    }
    // The cost of encoding is the time of a response beyond its search, round by round.
    let encoding = |of: usize| -> Vec<f64> {
        seconds[of].iter().zip(&seconds[0]).map(|(answer, find)| answer - find).collect()
    };
    let ratio = |of: &[f64], over: &[f64]| median(of.iter().zip(over).map(|(of, over)| of / over).collect());
    let bytes = |searches: &[Parsed]| searches.iter().map(answer).sum::<usize>() / searches.len();
    println!(
        "bytes of a response: {} id_only, {} basic, {} full",
        bytes(&id_only),
        bytes(&basic),
        bytes(&full)
    );
    println!("encode_basic_vs_find {:.2}", ratio(&encoding(2), &seconds[0]));
    println!("encode_full_vs_basic {:.2}", ratio(&encoding(3), &encoding(2)));
    println!("encode_id_only_vs_basic {:.2}", ratio(&encoding(1), &encoding(2)));
}

/// A name, its searches, and the work to time.
type Contender<'a> = (&'a str, &'a [Parsed], &'a dyn Fn(&Parsed) -> usize);

criterion_group!(benches, response_encoding);
criterion_main!(benches);
