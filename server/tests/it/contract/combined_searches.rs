//! Random searches that combine text, brands, rings, areas, reach, paging, grouping and expansion, compared with a linear scan over all
//! merchants.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::*;

const WORDS: [&str; 6] = ["alpha", "alpine", "beta", "bet", "gamma", "gala"];
const BRANDS: [(&str, &str); 6] =
    [("", ""), ("&", ""), ("Alpha", "alpha"), ("ALPHA", "alpha"), ("Béta", "beta"), ("beta", "beta")];

/// A merchant as the scan sees it.
struct Known {
    id: String,
    distance_m: f64,
    point: usize,
    /// Distance north of the origin that was given, in metres.
    north_m: f64,
    /// Radius of the service area; 0 for none.
    serves_m: f64,
    name: String,
    brand: &'static str,
}

impl Known {
    fn matches(&self, text: &str) -> bool {
        // The words are ASCII in lower case, and no brand adds a word that a text asks for.
        text.split_whitespace()
            .all(|word| self.name.split_whitespace().chain([self.brand]).any(|own| own.starts_with(word)))
    }
}

/// The parameters of one search.
#[derive(Debug)]
struct Case {
    text: &'static str,
    max_per_brand: usize,
    min_distance_m: f64,
    radius_m: f64,
    grouped: bool,
    min_results: usize,
    page_size: i32,
    reach: wire::Reach,
    /// The northern edge of the area, in metres north of the origin.
    area_m: Option<f64>,
}

/// Rows: ids with the number of merchants at each point.
type Rows = Vec<(String, i32)>;

/// The rows of the merchants that pass, in rank order: limited by brand, then grouped.
fn rows(all: &[Known], case: &Case, passes: impl Fn(&Known) -> bool) -> Rows {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut rows: Vec<(&Known, i32)> = Vec::new();
    for known in all {
        let is_in_area = case.area_m.is_none_or(|area_m| known.north_m <= area_m);
        let is_candidate = known.distance_m >= case.min_distance_m && is_in_area && known.matches(case.text);
        if !is_candidate || !passes(known) {
            continue;
        }
        if !known.brand.is_empty() && case.max_per_brand > 0 {
            let count = counts.entry(known.brand).or_default();
            *count += 1;
            if *count > case.max_per_brand {
                continue;
            }
        }
        match rows.iter_mut().find(|(first, _)| case.grouped && first.point == known.point) {
            Some((_, count)) => *count += 1,
            None => rows.push((known, i32::from(case.grouped))),
        }
    }
    rows.into_iter().map(|(known, count)| (known.id.clone(), count)).collect()
}

/// Compares rows with those of a scan. An expansion adds merchants in rank order until there are enough rows, or none is left.
fn assert_rows(all: &[Known], case: &Case, found: &Rows) {
    let serves = |known: &Known| known.distance_m <= known.serves_m;
    let passes = |known: &Known, radius_m: f64| match case.reach {
        wire::Reach::Serving => serves(known) && known.distance_m <= radius_m,
        _ => known.distance_m <= radius_m,
    };
    if case.reach != wire::Reach::NearOrServing {
        let within = rows(all, case, |known| passes(known, case.radius_m));
        let beyond = rows(all, case, |known| passes(known, 5_000.0));
        let count = within.len().max(case.min_results.min(beyond.len()));
        let expected = if count > within.len() { &beyond[..count] } else { &within[..] };
        assert_eq!(found, expected, "{case:?}");
        return;
    }
    let is_in_union = |known: &Known| known.distance_m <= case.radius_m || serves(known);
    let up_to = |last: usize| {
        rows(all, case, |known| is_in_union(known) || all[..last].iter().any(|filler| filler.id == known.id))
    };
    let least = if case.min_results == 0 || up_to(0).len() >= case.min_results { 0 } else { 1 };
    // Which merchants were added shows in the rows: those of a prefix of all that were left.
    let is_whole = |last: usize| match (last.checked_sub(1).map(|last| &all[last]), all.get(last)) {
        // Points at one distance stay together.
        (Some(last), Some(next)) => !case.grouped || last.distance_m < next.distance_m,
        _ => true,
    };
    let prefixes: Vec<usize> =
        (least..=all.len()).filter(|last| is_whole(*last) && up_to(*last) == *found).collect();
    assert!(!prefixes.is_empty(), "{case:?}: {found:?}, without an expansion {:?}", up_to(0));
    let is_enough = found.len() >= case.min_results || prefixes.contains(&all.len());
    assert!(is_enough, "{case:?}: {} rows, and more can be added", found.len());
    if case.min_results == 0 {
        assert!(prefixes.contains(&0), "{case:?}: no expansion was asked for");
    }
    // Without groups, no merchant is added in vain.
    if !case.grouped && found.len() > up_to(0).len() {
        assert!(found.len() <= case.min_results, "{case:?}: {} rows", found.len());
    }
}

/// A box from south of the origin to a distance north of it.
fn area_up_to(north_m: f64) -> wire::SearchArea {
    let corner = |latitude, longitude| Some(position(latitude, longitude));
    let shape = wire::search_area::Shape::Box(wire::LatLngBox {
        south_west: corner(HOME.0 - 0.01, HOME.1 - 0.01),
        north_east: corner(HOME.0 + north_m / 111_412.0, HOME.1 + 0.01),
    });
    wire::SearchArea { shape: Some(shape) }
}

#[tokio::test]
async fn combined_searches_equal_a_linear_scan() {
    let seed: u64 = std::env::var("NEARBY_SEED").map_or(23, |seed| seed.parse().unwrap());
    println!("NEARBY_SEED={seed}");
    let mut random = Pcg64Mcg::seed_from_u64(seed);
    let points: Vec<f64> = (0..60).map(|_| random.random_range(1.0..4_000.0)).collect();
    let mut shops = Vec::new();
    let mut all = Vec::new();
    for number in 0..200 {
        let (point, brand) =
            (random.random_range(0..points.len()), BRANDS[random.random_range(0..BRANDS.len())]);
        let serves_m = if random.random_range(0..3) == 0 { random.random_range(300.0..4_500.0) } else { 0.0 };
        let mut word = || WORDS[random.random_range(0..WORDS.len())];
        let (id, name) = (format!("m{number:03}"), format!("{} {}", word(), word()));
        shops.push(wire::Merchant {
            display_name: name.clone(),
            brand: brand.0.to_owned(),
            service_area: (serves_m > 0.0)
                .then_some(wire::ServiceArea { shape: Some(wire::service_area::Shape::RadiusM(serves_m)) }),
            ..north(&id, points[point])
        });
        let north_m = points[point];
        all.push(Known { id, distance_m: 0.0, point, north_m, serves_m, name, brand: brand.1 });
    }
    let (_server, mut client, _) = server_with(shops).await;
    let everything = wire::SearchNearbyRequest { page_size: 500, ..at_home() };
    let distances: BTreeMap<String, f64> =
        ranking(&found(&mut client, everything).await.results).into_iter().map(|(m, id)| (id, m)).collect();
    assert_eq!(distances.len(), all.len());
    all.iter_mut().for_each(|known| known.distance_m = distances[&known.id]);
    all.sort_by(|a, b| a.distance_m.total_cmp(&b.distance_m).then_with(|| a.id.cmp(&b.id)));

    let mut compared = 0;
    for _ in 0..600 {
        let pick = |random: &mut Pcg64Mcg, count: usize| random.random_range(0..count);
        let case = Case {
            text: ["", "", "al", "bet", "beta", "gam al", "alpha b", "x"][pick(&mut random, 8)],
            max_per_brand: [0, 1, 2, 3, 10][pick(&mut random, 5)],
            min_distance_m: [0.0, 0.0, 500.0][pick(&mut random, 3)],
            radius_m: [600.0, 1_500.0, 5_000.0][pick(&mut random, 3)],
            grouped: pick(&mut random, 3) == 0,
            min_results: [0, 0, 3, 20, 100][pick(&mut random, 5)],
            page_size: [1, 4, 50, 500][pick(&mut random, 4)],
            reach: [wire::Reach::Near, wire::Reach::Serving, wire::Reach::NearOrServing]
                [pick(&mut random, 3)],
            area_m: [None, None, Some(900.0), Some(2_500.0)][pick(&mut random, 4)],
        };
        let min_results = i32::try_from(case.min_results).unwrap();
        let request = wire::SearchNearbyRequest {
            radius_m: Some(case.radius_m),
            min_distance_m: case.min_distance_m,
            filter: Some(wire::MerchantFilter { text: case.text.to_owned(), ..Default::default() }),
            max_per_brand: i32::try_from(case.max_per_brand).unwrap(),
            group_by_position: case.grouped,
            expansion: (min_results > 0).then_some(wire::Expansion { min_results, max_radius_m: None }),
            page_size: case.page_size,
            include_total: true,
            reach: case.reach.into(),
            area: case.area_m.map(area_up_to),
            ..at_home()
        };
        let rows = page_through(&mut client, request.clone()).await;
        let found_rows: Vec<(String, i32)> =
            ids(&rows).into_iter().zip(rows.iter().map(|row| row.merchants_at_position)).collect();
        assert_rows(&all, &case, &found_rows);
        let total = found(&mut client, request).await.total_size;
        // With grouping, an expansion keeps points at one distance together, so that it may exceed its number.
        assert_eq!(total, Some(i32::try_from(found_rows.len()).unwrap()), "{case:?}");
        compared += found_rows.len();
    }
    assert!(compared > 1_000, "only {compared} rows were compared");
}
