//! Random searches that combine text, brands, rings, paging, grouping and expansion, compared with a linear scan over all merchants.

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
}

/// The expected rows: ids with the number of merchants at each point.
fn scan(all: &[Known], case: &Case) -> Vec<(String, i32)> {
    let rows = |radius_m: f64| {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        let mut rows: Vec<(&Known, i32)> = Vec::new();
        for known in all {
            let is_in = (case.min_distance_m..=radius_m).contains(&known.distance_m);
            if !is_in || !known.matches(case.text) {
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
        rows
    };
    let (within, beyond) = (rows(case.radius_m), rows(5_000.0));
    let count = within.len().max(case.min_results.min(beyond.len()));
    let rows = if count > within.len() { &beyond[..count] } else { &within[..] };
    rows.iter().map(|(known, count)| (known.id.clone(), *count)).collect()
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
        let mut word = || WORDS[random.random_range(0..WORDS.len())];
        let (id, name) = (format!("m{number:03}"), format!("{} {}", word(), word()));
        shops.push(wire::Merchant {
            display_name: name.clone(),
            brand: brand.0.to_owned(),
            ..north(&id, points[point])
        });
        all.push(Known { id, distance_m: 0.0, point, name, brand: brand.1 });
    }
    let (_server, mut client, _) = server_with(shops).await;
    let everything = wire::SearchNearbyRequest { page_size: 500, ..at_home() };
    let distances: BTreeMap<String, f64> =
        ranking(&found(&mut client, everything).await.results).into_iter().map(|(m, id)| (id, m)).collect();
    assert_eq!(distances.len(), all.len());
    all.iter_mut().for_each(|known| known.distance_m = distances[&known.id]);
    all.sort_by(|a, b| a.distance_m.total_cmp(&b.distance_m).then_with(|| a.id.cmp(&b.id)));

    let mut compared = 0;
    for _ in 0..300 {
        let pick = |random: &mut Pcg64Mcg, count: usize| random.random_range(0..count);
        let case = Case {
            text: ["", "", "al", "bet", "beta", "gam al", "alpha b", "x"][pick(&mut random, 8)],
            max_per_brand: [0, 1, 2, 3, 10][pick(&mut random, 5)],
            min_distance_m: [0.0, 0.0, 500.0][pick(&mut random, 3)],
            radius_m: [600.0, 1_500.0, 5_000.0][pick(&mut random, 3)],
            grouped: pick(&mut random, 3) == 0,
            min_results: [0, 0, 3, 20, 100][pick(&mut random, 5)],
            page_size: [1, 4, 50, 500][pick(&mut random, 4)],
        };
        let expected = scan(&all, &case);
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
            ..at_home()
        };
        let rows = page_through(&mut client, request.clone()).await;
        let found_rows: Vec<(String, i32)> =
            ids(&rows).into_iter().zip(rows.iter().map(|row| row.merchants_at_position)).collect();
        assert_eq!(found_rows, expected, "{case:?}");
        let total = found(&mut client, request).await.total_size;
        // With grouping, an expansion keeps points at one distance together, so that it may exceed its number.
        assert_eq!(total, Some(i32::try_from(expected.len()).unwrap()), "{case:?}");
        compared += expected.len();
    }
    assert!(compared > 1_000, "only {compared} rows were compared");
}
