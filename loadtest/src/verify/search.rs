//! Verification of one search: parameters of the request, and the checks of its response.

use std::collections::{HashMap, HashSet};

use nearby_proto::v1::{
    CoordinateSystem, Merchant, NearbyResult, OpenState, SearchNearbyResponse, service_area::Shape,
};

use super::VerifyError;
use crate::dataset::{AttributeRange, GeoPoint, LOAD_ONLY_PREFIX, Near, Oracle, distance_m, is_open_at};

/// Parameters of a search whose response is verified.
#[derive(Clone, Debug)]
pub struct SearchCheck {
    /// Origin of the search.
    pub origin: GeoPoint,
    /// Minimum and maximum distance in metres.
    pub range_m: [f64; 2],
    /// Maximum number of results per page.
    pub max_results: usize,
    /// Only merchants of this category.
    pub category: Option<&'static str>,
    /// Only merchants of whose names a word begins with this text, in lower case.
    pub text: Option<String>,
    /// Only merchants with an attribute in this range.
    pub attribute: Option<AttributeRange>,
    /// Only merchants whose service area contains the origin.
    pub is_serving: bool,
    /// Only merchants that are not closed at this time, in seconds since 1970.
    pub open_at_s: Option<i64>,
    /// Merchants at the same point are grouped into one result.
    pub is_grouped: bool,
}

/// Returns the tolerance of a distance: the contract's error bound plus rounding of the oracle.
fn tolerance_m(distance_m: f64) -> f64 {
    if distance_m <= 5_000.0 { 1.1e-5 } else { 2.1e-3 }
}

impl SearchCheck {
    /// Verifies the pages of a response. Without an oracle, only their order and distances are verified.
    pub(super) fn verify(
        &self,
        pages: &[SearchNearbyResponse],
        oracle: Option<&Oracle>,
    ) -> Result<(), VerifyError> {
        // A page of groups may exceed the limit: the contract keeps points at equal distance on one page.
        let long = |page: &&SearchNearbyResponse| page.results.len() > self.max_results && !self.is_grouped;
        if let Some(page) = pages.iter().find(long) {
            return Err(VerifyError::TooMany(page.results.len()));
        }
        let results: Vec<&NearbyResult> = pages.iter().flat_map(|page| &page.results).collect();
        let key = |result: &NearbyResult| (result.distance_m, name_of(result).to_owned());
        if let Some(at) = results.windows(2).position(|pair| key(pair[0]) >= key(pair[1])) {
            return Err(VerifyError::Order(at + 1));
        }
        let mut names = HashSet::new();
        if let Some(twice) = results.iter().map(|result| name_of(result)).find(|name| !names.insert(*name)) {
            return Err(VerifyError::Unexpected(twice.to_owned()));
        }
        let [min_m, max_m] = self.range_m;
        if let Some(at) = results.iter().position(|result| !(min_m..=max_m).contains(&result.distance_m)) {
            return Err(VerifyError::OutOfRange(at));
        }
        results.iter().try_for_each(|result| self.verify_result(result, oracle))?;
        let Some(oracle) = oracle else { return Ok(()) };
        let is_last = pages.last().is_none_or(|page| page.next_page_token.is_empty());
        let last = results.last().filter(|_| !is_last).copied();
        if self.is_grouped {
            self.verify_groups(&results, last, oracle)
        } else {
            self.verify_complete(&results, last, oracle)
        }
    }

    fn verify_result(&self, result: &NearbyResult, oracle: Option<&Oracle>) -> Result<(), VerifyError> {
        let name = name_of(result);
        if self.is_serving && !result.serves_origin {
            return Err(VerifyError::WrongServesOrigin(name.to_owned()));
        }
        let unexpected = || VerifyError::Unexpected(name.to_owned());
        // The distance of a merchant outside the dataset is compared with its own position, if the view includes it.
        let own_position = || {
            let position = result.merchant.as_ref()?.position?;
            let is_known = position.coordinate_system() == CoordinateSystem::Wgs84;
            is_known.then_some(GeoPoint { latitude: position.latitude, longitude: position.longitude })
        };
        let location = match oracle.filter(|_| !name.starts_with(LOAD_ONLY_PREFIX)) {
            None => own_position(),
            Some(oracle) => {
                let dataset = oracle.dataset();
                let number = dataset.number_of(name).ok_or_else(unexpected)?;
                if !dataset.is_visible(number) || !self.matches_filter(number, oracle, Edge::Included) {
                    return Err(unexpected());
                }
                if dataset.is_extended() {
                    let (merchant, location) = (dataset.merchant(number), dataset.location(number));
                    let is_served = |edge| self.is_served_by(&merchant, location, edge);
                    let is_right =
                        is_served(if result.serves_origin { Edge::Included } else { Edge::Excluded });
                    if is_right != result.serves_origin {
                        return Err(VerifyError::WrongServesOrigin(name.to_owned()));
                    }
                }
                let actual = result.open_state();
                let is_open = self.open_at_s.map(|at_s| is_open_at(&dataset.merchant(number), at_s));
                let expected = match is_open {
                    None => OpenState::Unspecified,
                    Some(None) => OpenState::Unknown,
                    Some(Some(true)) => OpenState::Open,
                    Some(Some(false)) => OpenState::Closed,
                };
                if actual != expected {
                    return Err(VerifyError::WrongOpenState(name.to_owned()));
                }
                Some(dataset.location(number))
            }
        };
        let error_m =
            location.map_or(0.0, |location| (result.distance_m - distance_m(self.origin, location)).abs());
        if error_m > tolerance_m(result.distance_m) {
            Err(VerifyError::Distance(name.to_owned(), error_m))
        } else {
            Ok(())
        }
    }

    /// Verifies that every expected merchant nearer than the last result is present, or every expected merchant if no page
    /// follows. Of merchants at the last result's exact point, those with smaller names must be present.
    fn verify_complete(
        &self,
        results: &[&NearbyResult],
        last: Option<&NearbyResult>,
        oracle: &Oracle,
    ) -> Result<(), VerifyError> {
        let dataset = oracle.dataset();
        let last_location =
            last.and_then(|last| dataset.number_of(name_of(last))).map(|number| dataset.location(number));
        let present: HashSet<&str> = results.iter().map(|result| name_of(result)).collect();
        for near in self.expected(results.len().max(self.max_results), oracle) {
            let name = dataset.name(near.number);
            let is_tie = last_location == Some(dataset.location(near.number))
                && last.is_some_and(|last| *name < *name_of(last));
            if (self.is_certain(near, last) || is_tie) && !present.contains(name.as_str()) {
                return Err(VerifyError::Missing(name));
            }
        }
        Ok(())
    }

    /// Verifies that each point is present with its first merchant and the number of merchants there.
    fn verify_groups(
        &self,
        results: &[&NearbyResult],
        last: Option<&NearbyResult>,
        oracle: &Oracle,
    ) -> Result<(), VerifyError> {
        let dataset = oracle.dataset();
        let mut points: HashMap<[u64; 2], (String, Near, usize)> = HashMap::new();
        for near in self.expected(usize::MAX, oracle) {
            let (place, name) = (dataset.location(near.number), dataset.name(near.number));
            let point = [place.latitude.to_bits(), place.longitude.to_bits()];
            let (first, _, merchants) = points.entry(point).or_insert_with(|| (name.clone(), near, 0));
            *merchants += 1;
            *first = name.min(std::mem::take(first));
        }
        let mut unmatched: HashMap<&str, i32> =
            results.iter().map(|result| (name_of(result), result.merchants_at_position)).collect();
        for (first, near, merchants) in points.into_values() {
            match unmatched.remove(first.as_str()) {
                Some(actual) if usize::try_from(actual) != Ok(merchants) => {
                    return Err(VerifyError::GroupSize(first, actual, merchants));
                }
                None if self.is_certain(near, last) => return Err(VerifyError::Missing(first)),
                _ => {}
            }
        }
        let edge_m = self.range_m[1] - tolerance_m(self.range_m[1]);
        let second = results.iter().find(|result| {
            let name = name_of(result);
            unmatched.contains_key(name) && !name.starts_with(LOAD_ONLY_PREFIX) && result.distance_m < edge_m
        });
        second.map_or(Ok(()), |result| Err(VerifyError::Unexpected(name_of(result).to_owned())))
    }

    fn expected(&self, limit: usize, oracle: &Oracle) -> Vec<Near> {
        oracle.nearest(self.origin, self.range_m, limit, |number| {
            self.matches_filter(number, oracle, Edge::Excluded)
        })
    }

    /// Returns `true` if a merchant belongs in the response regardless of rounding. Within the tolerance of either end of the
    /// range the last bits decide, so both outcomes are accepted.
    fn is_certain(&self, near: Near, last: Option<&NearbyResult>) -> bool {
        let margin_m = tolerance_m(self.range_m[1]);
        let last_m = last.map_or(self.range_m[1], |last| last.distance_m);
        let is_within = self.range_m[0] <= 0.0 || near.distance_m > self.range_m[0] + margin_m;
        is_within && near.distance_m < last_m - margin_m
    }

    fn matches_filter(&self, number: u64, oracle: &Oracle, edge: Edge) -> bool {
        let is_plain = self.category.is_none() && self.text.is_none() && self.open_at_s.is_none();
        if is_plain && self.attribute.is_none() && !self.is_serving {
            return true;
        }
        let merchant = oracle.dataset().merchant(number);
        let is_closed = self.open_at_s.is_some_and(|at_s| is_open_at(&merchant, at_s) == Some(false));
        // Names of datasets are words between spaces, without accents and with few letters of Han.
        let has_text = |text: &str| {
            let names = [&merchant.display_name, &merchant.brand];
            names.iter().any(|name| name.to_lowercase().split_whitespace().any(|word| word.starts_with(text)))
        };
        !is_closed
            && self.attribute.is_none_or(|range| range.contains(&merchant))
            && (!self.is_serving || self.is_served_by(&merchant, oracle.dataset().location(number), edge))
            && self.text.as_deref().is_none_or(has_text)
            && self.category.is_none_or(|category| merchant.categories.iter().any(|of| of == category))
    }

    fn is_served_by(&self, merchant: &Merchant, location: GeoPoint, edge: Edge) -> bool {
        // The dataset has no polygons.
        let Some(Shape::RadiusM(radius_m)) =
            merchant.service_area.as_ref().and_then(|area| area.shape.as_ref())
        else {
            return false;
        };
        let margin_m = tolerance_m(*radius_m) + 1e-3;
        let edge_m = match edge {
            Edge::Included => radius_m + margin_m,
            Edge::Excluded => radius_m - margin_m,
        };
        distance_m(self.origin, location) <= edge_m
    }
}

/// Treatment of merchants of whose service area the origin is at the edge, within the tolerance of distances and the millimetre
/// that the contract adds to the area: both outcomes are accepted.
#[derive(Clone, Copy)]
enum Edge {
    Included,
    Excluded,
}

fn name_of(result: &NearbyResult) -> &str {
    result.merchant.as_ref().map_or("", |merchant| &merchant.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        dataset::{Dataset, Source},
        random::rng_for,
    };
    fn plain(origin: GeoPoint) -> SearchCheck {
        let range_m = [0.0, 5_000.0];
        SearchCheck {
            origin,
            range_m,
            max_results: 20,
            category: None,
            text: None,
            attribute: None,
            is_serving: false,
            open_at_s: None,
            is_grouped: false,
        }
    }

    /// Builds the correct results of a search from the oracle.
    fn right(search: &SearchCheck, oracle: &Oracle) -> Vec<NearbyResult> {
        let mut near = oracle.nearest(search.origin, search.range_m, search.max_results, |_| true);
        let name = |number| oracle.dataset().name(number);
        near.sort_by(|a, b| {
            a.distance_m.total_cmp(&b.distance_m).then_with(|| name(a.number).cmp(&name(b.number)))
        });
        near.truncate(search.max_results);
        let result = |near: Near| NearbyResult {
            merchant: Some(Merchant { name: name(near.number), ..Default::default() }),
            distance_m: near.distance_m,
            ..Default::default()
        };
        near.into_iter().map(result).collect()
    }

    #[test]
    fn correct_answers_pass_and_each_kind_of_wrong_answer_is_detected() {
        let dataset = Dataset::new(9, 200_000, &Source::BuiltIn).unwrap();
        let oracle = Oracle::new(&dataset);
        let mut random = rng_for(9, 98, 0);
        let mut tried = 0;
        while tried < 20 {
            let from = dataset.populated_point(&mut random);
            let search = plain(from);
            let good = right(&search, &oracle);
            let page = |results: &[NearbyResult]| SearchNearbyResponse {
                results: results.to_vec(),
                next_page_token: if results.len() < 20 { String::new() } else { "more".to_owned() },
                ..Default::default()
            };
            assert_eq!(search.verify(&[page(&good)], Some(&oracle)), Ok(()));
            let is_tie = |at: usize| good[at].distance_m == good[at + 1].distance_m;
            if good.len() < 20 || is_tie(3) || is_tie(18) {
                continue;
            }
            tried += 1;
            let wrong = |spoil: fn(&mut Vec<NearbyResult>)| {
                let mut bad = good.clone();
                spoil(&mut bad);
                search.verify(&[page(&bad)], Some(&oracle)).unwrap_err()
            };
            assert_eq!(wrong(|bad| bad.swap(3, 4)), VerifyError::Order(4));
            assert!(matches!(wrong(|bad| drop(bad.remove(3))), VerifyError::Missing(_)));
            assert!(matches!(wrong(|bad| bad[19].distance_m += 0.001), VerifyError::Distance(..)));
            assert_eq!(wrong(|bad| bad[19].distance_m = 5_001.0), VerifyError::OutOfRange(19));
            assert!(matches!(
                wrong(|bad| bad[19].merchant = Some(Merchant::default())),
                VerifyError::Unexpected(_)
            ));
            assert!(matches!(
                wrong(|bad| bad.push(NearbyResult { distance_m: 5_000.0, ..bad[19].clone() })),
                VerifyError::TooMany(21)
            ));
        }
    }

    #[test]
    fn pages_of_one_search_are_verified_together() {
        let dataset = Dataset::new(9, 200_000, &Source::BuiltIn).unwrap();
        let oracle = Oracle::new(&dataset);
        let mut random = rng_for(9, 97, 0);
        let (search, all) = std::iter::repeat_with(|| {
            let search = SearchCheck { max_results: 40, ..plain(dataset.populated_point(&mut random)) };
            let all = right(&search, &oracle);
            (SearchCheck { max_results: 20, ..search }, all)
        })
        .find(|(_, all)| all.len() == 40 && all[18].distance_m < all[20].distance_m)
        .unwrap();
        let page = |results: &[NearbyResult]| SearchNearbyResponse {
            results: results.to_vec(),
            next_page_token: "more".to_owned(),
            ..Default::default()
        };
        assert_eq!(search.verify(&[page(&all[..20]), page(&all[20..])], Some(&oracle)), Ok(()));
        let twice = search.verify(&[page(&all[..20]), page(&all[19..39])], Some(&oracle));
        assert_eq!(twice, Err(VerifyError::Order(20)));
        let gap = search.verify(&[page(&all[..18]), page(&all[20..])], Some(&oracle));
        assert!(matches!(gap, Err(VerifyError::Missing(_))), "{gap:?}");
    }

    #[test]
    fn results_whose_names_lack_the_text_are_unexpected() {
        let dataset = Dataset::new(9, 200_000, &Source::BuiltIn).unwrap();
        let oracle = Oracle::new(&dataset);
        let number = (0..).find(|number| dataset.is_visible(*number)).unwrap();
        let own = dataset.merchant(number).display_name.to_lowercase();
        let search = plain(dataset.location(number));
        let beginning: String = own.chars().take(2).collect();
        for (text, matches) in [(beginning.as_str(), true), ("zz", false)] {
            let search = SearchCheck { text: Some(text.to_owned()), ..search.clone() };
            assert_eq!(search.matches_filter(number, &oracle, Edge::Included), matches, "{text} in {own}");
        }
    }

    #[test]
    fn merchants_outside_a_range_or_that_do_not_serve_the_origin_are_unexpected() {
        let dataset = Dataset::new(9, 200_000, &Source::BuiltIn).unwrap().extended();
        let oracle = Oracle::new(&dataset);
        let matches = |search: &SearchCheck, number, edge| search.matches_filter(number, &oracle, edge);
        for number in (0..2_000).filter(|number| dataset.is_visible(*number)) {
            let merchant = dataset.merchant(number);
            let location = dataset.location(number);
            let rating = merchant.attributes.get("rating").copied();
            let range = AttributeRange { key: "rating", min: 4.0, max: 5.0 };
            let rated = SearchCheck { attribute: Some(range), ..plain(location) };
            assert_eq!(matches(&rated, number, Edge::Included), rating.is_some_and(|rating| rating >= 4.0));
            // From the merchant itself, and from 15.5 km north of it, beyond its largest area.
            let here = SearchCheck { is_serving: true, ..plain(location) };
            let far = SearchCheck { origin: location.offset(15_500.0, 0.0), ..here.clone() };
            assert_eq!(matches(&here, number, Edge::Excluded), merchant.service_area.is_some());
            assert!(!matches(&far, number, Edge::Included));
            let name = dataset.name(number);
            let result = |serves_origin| NearbyResult {
                merchant: Some(Merchant { name: name.clone(), ..Default::default() }),
                serves_origin,
                ..Default::default()
            };
            let unmarked = here.verify_result(&result(false), Some(&oracle));
            assert_eq!(unmarked, Err(VerifyError::WrongServesOrigin(name.clone())));
            let marked = here.verify_result(&result(true), Some(&oracle));
            assert_eq!(marked.is_ok(), merchant.service_area.is_some(), "{marked:?}");
        }
    }

    #[test]
    fn groups_and_open_states_are_verified() {
        let dataset = Dataset::new(9, 200_000, &Source::BuiltIn).unwrap();
        let oracle = Oracle::new(&dataset);
        let mut random = rng_for(9, 96, 0);
        let together = |from| oracle.nearest(from, [0.0, 0.01], usize::MAX, |_| true);
        let mall =
            std::iter::repeat_with(|| dataset.mall(&mut random)).find(|mall| together(*mall).len() > 5);
        let search = SearchCheck { is_grouped: true, range_m: [0.0, 300.0], ..plain(mall.unwrap()) };
        let together = together(search.origin);
        let names: std::collections::BTreeSet<_> =
            together.iter().map(|near| dataset.name(near.number)).collect();
        let row = |name: &str, merchants: usize| SearchNearbyResponse {
            results: vec![NearbyResult {
                merchant: Some(Merchant { name: name.to_owned(), ..Default::default() }),
                distance_m: together[0].distance_m,
                merchants_at_position: i32::try_from(merchants).unwrap(),
                ..Default::default()
            }],
            next_page_token: "more".to_owned(),
            ..Default::default()
        };
        let verify = |name: &str, merchants| search.verify(&[row(name, merchants)], Some(&oracle));
        let (first, last) = (names.first().unwrap(), names.last().unwrap());
        assert_eq!(verify(first, names.len()), Ok(()));
        assert!(matches!(verify(first, names.len() + 1), Err(VerifyError::GroupSize(..))));
        assert!(matches!(verify(last, names.len()), Err(VerifyError::Unexpected(_))));
        // 1970-01-01 was a Thursday: some merchants are closed at midnight and some are open.
        let with_state = |name: &str, state: OpenState| {
            let mut page = row(name, 1);
            page.results[0].set_open_state(state);
            SearchCheck { open_at_s: Some(0), is_grouped: false, ..search.clone() }
                .verify(&[page], Some(&oracle))
        };
        for near in &together {
            let name = dataset.name(near.number);
            let is_open = is_open_at(&dataset.merchant(near.number), 0);
            let right = match is_open {
                None => OpenState::Unknown,
                Some(true) => OpenState::Open,
                Some(false) => OpenState::Closed,
            };
            let outcome = with_state(&name, right);
            // The result is alone in a response that other merchants belong in as well.
            let is_accepted = matches!(outcome, Ok(()) | Err(VerifyError::Missing(_)));
            assert_eq!(is_accepted, is_open != Some(false), "{outcome:?}");
            assert!(matches!(
                with_state(&name, OpenState::Unspecified),
                Err(VerifyError::WrongOpenState(_) | VerifyError::Unexpected(_))
            ));
        }
        let open = SearchCheck { open_at_s: Some(0), is_grouped: false, ..search.clone() };
        assert!(matches!(
            open.verify(&[row(first, 1)], Some(&oracle)),
            Err(VerifyError::WrongOpenState(_) | VerifyError::Unexpected(_))
        ));
    }
}
