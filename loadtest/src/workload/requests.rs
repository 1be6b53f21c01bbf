//! The sequence of requests that a scenario and a seed define: independent of pacing and of responses.

use std::hash::Hasher;

use bytes::{Bytes, BytesMut};
use nearby_proto::{
    v1::{
        AttributeRange as WireRange, BatchSearchNearbyRequest, Circle, DeleteMerchantRequest,
        GetDensityRequest, GetMerchantRequest, MerchantFilter, OpeningFilter, Position, Reach,
        SearchNearbyRequest, StreamSearchNearbyRequest, UpdateMerchantRequest, WatchNearbyRequest,
        WatchNearbyStart, get_density_request::Area, opening_filter::Moment, watch_nearby_request::Step,
    },
    well_known::{FieldMask, Timestamp},
};
use rand::RngExt;
use rand_pcg::Pcg64Mcg;
use twox_hash::XxHash3_64;

use super::{
    origins::{Population, pick},
    scenario::{Kind, Operation, Scenario},
};
use crate::{
    dataset::{AttributeRange, Dataset, LOAD_ONLY_PREFIX},
    h2_client::encode_framed,
    random::{index_below, rng_for, splitmix64},
    verify::{Check, SearchCheck},
};

/// Random stream of this module (see [`rng_for`]).
const REQUEST: u64 = 8;
/// Time of open-now filters: Sunday, 2025-01-12, 12:00 UTC, when half of the shops are closed.
const MOMENT_S: i64 = 1_736_683_200;

/// A request to send.
#[derive(Clone, Debug)]
pub struct Request {
    /// Position in the sequence, from 0.
    pub number: u64,
    /// Operation and so the method.
    pub kind: Kind,
    /// Number of searches it contains.
    pub searches: u32,
    /// Request messages, each with its length prefix.
    pub messages: Bytes,
    /// Requests that follow its response.
    pub follow_up: FollowUp,
    /// Expectations of the response, if it is verified.
    pub check: Option<Box<Check>>,
}

/// Requests that follow a response.
#[derive(Clone, Debug)]
pub enum FollowUp {
    /// None.
    None,
    /// This number of further pages of the same search.
    Pages(Box<SearchNearbyRequest>, u32),
    /// Steps of a watch, one per second; the stream is half-closed after the last.
    Steps(Vec<Bytes>),
}

/// An endless sequence of requests.
pub struct RequestGenerator {
    dataset: Dataset,
    scenario: Scenario,
    weights: Vec<f64>,
    population: Population,
    seed: u64,
    next: u64,
    hash: XxHash3_64,
    verify_one_in: u64,
}

impl std::fmt::Debug for RequestGenerator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RequestGenerator({}, {} requests)", self.scenario.name, self.next)
    }
}

impl RequestGenerator {
    /// Creates the sequence of a scenario and a seed. One response in `verify_one_in` is verified; 0 disables verification.
    #[must_use]
    pub fn new(dataset: &Dataset, scenario: &Scenario, seed: u64, verify_one_in: u64) -> Self {
        Self {
            dataset: dataset.clone(),
            scenario: scenario.clone(),
            weights: scenario.operations.iter().map(|operation| operation.weight).collect(),
            population: Population::new(&scenario.origins, dataset, seed),
            seed,
            next: 0,
            hash: XxHash3_64::with_seed(0),
            verify_one_in,
        }
    }

    /// Returns the number of requests generated, and a hash of them in order.
    #[must_use]
    pub fn fingerprint(&self) -> (u64, u64) {
        (self.next, self.hash.finish())
    }

    /// Generates the next request.
    pub fn next_request(&mut self) -> Request {
        let number = self.next;
        self.next += 1;
        let mut random = rng_for(self.seed, REQUEST, number);
        let operation = self.scenario.operations[pick(&self.weights, &mut random)].clone();
        // Not drawn from `random`: the verification rate must not change the requests.
        let is_checked = self.verify_one_in > 0
            && splitmix64(self.seed ^ splitmix64(number)).is_multiple_of(self.verify_one_in);
        let (messages, follow_up, check) = self.make(&operation, &mut random);
        self.hash.write(operation.kind.name().as_bytes());
        self.hash.write(&messages);
        match &follow_up {
            FollowUp::None => {}
            FollowUp::Pages(_, pages) => self.hash.write(&pages.to_le_bytes()),
            FollowUp::Steps(steps) => steps.iter().for_each(|step| self.hash.write(step)),
        }
        let check = check.filter(|_| is_checked).map(Box::new);
        Request { number, kind: operation.kind, searches: operation.searches(), messages, follow_up, check }
    }

    fn make(&mut self, operation: &Operation, random: &mut Pcg64Mcg) -> (Bytes, FollowUp, Option<Check>) {
        let plain = |messages| (messages, FollowUp::None, None);
        match operation.kind {
            Kind::Health => plain(encode_framed(&())),
            Kind::Search | Kind::Page => {
                let (request, check) = self.search(operation, random);
                let messages = encode_framed(&request);
                let follow_up = match operation.pages {
                    1 => FollowUp::None,
                    pages => FollowUp::Pages(Box::new(request), pages - 1),
                };
                (messages, follow_up, Some(Check::Search(check)))
            }
            Kind::Batch => {
                let (requests, check) = (0..operation.size).map(|_| self.search(operation, random)).unzip();
                (
                    encode_framed(&BatchSearchNearbyRequest { requests }),
                    FollowUp::None,
                    Some(Check::Batch(check)),
                )
            }
            Kind::Stream => {
                let (mut messages, mut all) = (BytesMut::new(), Vec::new());
                for tag in 0..operation.size {
                    let (request, check) = self.search(operation, random);
                    let request = StreamSearchNearbyRequest { tag: u64::from(tag), request: Some(request) };
                    messages.extend_from_slice(&encode_framed(&request));
                    all.push(check);
                }
                (messages.freeze(), FollowUp::None, Some(Check::Stream(all)))
            }
            Kind::Watch | Kind::Step => self.watch(operation, random),
            Kind::Get => {
                let number = random.random_range(0..self.dataset.count().max(1));
                (
                    encode_framed(&GetMerchantRequest { name: self.dataset.name(number) }),
                    FollowUp::None,
                    Some(Check::Get(number)),
                )
            }
            Kind::Put => plain(encode_framed(&self.update(operation, false, random))),
            Kind::Move => plain(encode_framed(&self.update(operation, true, random))),
            Kind::Delete => {
                let name = load_only_name(operation, random);
                plain(encode_framed(&DeleteMerchantRequest { name, ..Default::default() }))
            }
            Kind::Density => {
                let center = Some(Position::from(self.population.next(&self.dataset, random)));
                let circle = Area::Circle(Circle { center, radius_m: operation.radius_m });
                plain(encode_framed(&GetDensityRequest {
                    area: Some(circle),
                    resolution: operation.resolution,
                    ..Default::default()
                }))
            }
        }
    }

    fn search(&mut self, operation: &Operation, random: &mut Pcg64Mcg) -> (SearchNearbyRequest, SearchCheck) {
        let from = self.population.next(&self.dataset, random);
        let category = operation
            .by_category
            .then(|| Dataset::category(index_below(48, random).min(index_below(48, random))));
        let text = operation
            .by_text
            .then(|| Dataset::word(random).to_lowercase().chars().take(3).collect::<String>());
        let attribute = operation.by_attribute.then(|| Dataset::attribute_range(random));
        let filter = (category.is_some() || text.is_some() || attribute.is_some()).then(|| MerchantFilter {
            attribute_ranges: attribute.into_iter().map(to_proto).collect(),
            any_categories: category.into_iter().map(str::to_owned).collect(),
            text: text.clone().unwrap_or_default(),
            ..Default::default()
        });
        let moment = Timestamp { seconds: MOMENT_S, nanos: 0 };
        let opening = operation
            .open
            .then(|| OpeningFilter { moment: Some(Moment::OpenAt(moment)), ..Default::default() });
        let request = SearchNearbyRequest {
            origin: Some(Position::from(from)),
            radius_m: Some(operation.radius_m),
            page_size: i32::try_from(operation.results).unwrap_or(i32::MAX),
            min_distance_m: operation.min_distance_m,
            filter,
            opening,
            view: operation.view.to_proto().into(),
            reach: if operation.serving { Reach::Serving } else { Reach::Unspecified }.into(),
            group_by_position: operation.grouped,
            ..Default::default()
        };
        let check = SearchCheck {
            origin: from,
            range_m: [operation.min_distance_m, operation.radius_m],
            max_results: operation.results.min(500) as usize,
            category,
            text,
            attribute,
            is_serving: operation.serving,
            open_at_s: operation.open.then_some(MOMENT_S),
            is_grouped: operation.grouped,
        };
        (request, check)
    }

    fn watch(&mut self, operation: &Operation, random: &mut Pcg64Mcg) -> (Bytes, FollowUp, Option<Check>) {
        let from = self.population.next(&self.dataset, random);
        let step = |step| encode_framed(&WatchNearbyRequest { step: Some(step) });
        let start = WatchNearbyStart {
            origin: Some(Position::from(from)),
            radius_m: Some(operation.radius_m),
            max_results: i32::try_from(operation.results).unwrap_or(i32::MAX),
            view: operation.view.to_proto().into(),
            ..Default::default()
        };
        let mut location = from;
        let steps = (0..operation.hold_s).map(|_| {
            location = location.offset(random.random_range(-2.0..2.0), random.random_range(-2.0..2.0));
            step(Step::Origin(Position::from(location)))
        });
        (step(Step::Start(start)), FollowUp::Steps(steps.collect()), None)
    }

    /// Updates only load-only merchants, on which no verified response depends; those of the dataset stay unchanged.
    fn update(
        &mut self,
        operation: &Operation,
        is_move: bool,
        random: &mut Pcg64Mcg,
    ) -> UpdateMerchantRequest {
        let mut merchant = self.dataset.merchant(random.random::<u64>());
        merchant.name = load_only_name(operation, random);
        // Not at a mall: merchants there are counted by verified groups.
        merchant.position = Some(Position::from(self.dataset.populated_point(random)));
        let path = if is_move { "position" } else { "*" };
        let update_mask = Some(FieldMask { paths: vec![path.to_owned()] });
        UpdateMerchantRequest {
            merchant: Some(merchant),
            update_mask,
            allow_missing: true,
            ..Default::default()
        }
    }
}

fn to_proto(AttributeRange { key, min, max }: AttributeRange) -> WireRange {
    WireRange { key: key.to_owned(), min: Some(min), max: Some(max) }
}

fn load_only_name(operation: &Operation, random: &mut Pcg64Mcg) -> String {
    format!("{LOAD_ONLY_PREFIX}{}", random.random_range(0..operation.among))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{dataset::Source, workload::scenario::BUILT_IN};

    #[test]
    fn a_seed_determines_the_sequence_of_requests() {
        let dataset = Dataset::new(1, 5_000, &Source::BuiltIn).unwrap();
        for (name, _) in BUILT_IN {
            let scenario = Scenario::load(name).unwrap();
            let hash = |seed, verify_one_in| {
                let mut requests = RequestGenerator::new(&dataset, &scenario, seed, verify_one_in);
                (0..500).for_each(|_| drop(requests.next_request()));
                requests.fingerprint()
            };
            assert_eq!(hash(7, 100), hash(7, 100), "{name}");
            assert_eq!(hash(7, 100).1, hash(7, 0).1, "{name}");
            assert_ne!(hash(7, 100), hash(8, 100), "{name}");
        }
    }

    #[test]
    fn about_one_response_in_a_hundred_is_verified() {
        let dataset = Dataset::new(1, 5_000, &Source::BuiltIn).unwrap();
        let mut requests =
            RequestGenerator::new(&dataset, &Scenario::of(Operation::of(Kind::Search)), 1, 100);
        let checked = (0..20_000).filter(|_| requests.next_request().check.is_some()).count();
        assert!((120..280).contains(&checked), "{checked}");
    }
}
