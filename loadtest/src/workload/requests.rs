//! The requests that a scenario makes of a seed: the same in the same order, whoever sends them and however fast.

use std::hash::Hasher;

use bytes::{Bytes, BytesMut};
use nearby_proto::{
    v1::{
        BatchSearchNearbyRequest, Circle, CoordinateSystem, DeleteMerchantRequest, GetDensityRequest,
        GetMerchantRequest, MerchantFilter, OpeningFilter, Position, SearchNearbyRequest,
        StreamSearchNearbyRequest, UpdateMerchantRequest, WatchNearbyRequest, WatchNearbyStart,
        get_density_request::Area, opening_filter::Moment, watch_nearby_request::Step,
    },
    well_known::{FieldMask, Timestamp},
};
use rand::RngExt;
use rand_pcg::Pcg64Mcg;
use twox_hash::XxHash3_64;

use super::{
    Kind, Operation, Scenario,
    origins::{Callers, pick},
};
use crate::{
    dataset::{Place, World, below, mixed, random_of},
    h2_client::framed,
    verify::{Asked, Check},
};

const REQUEST: u64 = 8;
/// A Sunday, 2025-01-12, noon in UTC: half of the shops are closed.
const MOMENT_S: i64 = 1_736_683_200;
/// Names of merchants that only load changes begin so.
pub const OWN: &str = "merchants/load-";

/// A call to make.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its place in the order, from 0.
    pub number: u64,
    /// What it calls.
    pub kind: Kind,
    /// How many searches it has.
    pub searches: u32,
    /// What it sends, framed.
    pub messages: Bytes,
    /// What comes after the answer.
    pub then: Then,
    /// How to judge the answer, where it is to be judged.
    pub check: Option<Box<Check>>,
}

/// What comes after an answer.
#[derive(Clone, Debug)]
pub enum Then {
    /// Nothing.
    Nothing,
    /// So many more pages of the same search.
    Pages(Box<SearchNearbyRequest>, u32),
    /// Each of these a second after the one before, and then the end.
    Steps(Vec<Bytes>),
}

/// An endless stream of calls.
pub struct Requests {
    world: World,
    scenario: Scenario,
    weights: Vec<f64>,
    callers: Callers,
    seed: u64,
    next: u64,
    hash: XxHash3_64,
    check_one_in: u64,
}

impl std::fmt::Debug for Requests {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Requests({}, {} made)", self.scenario.name, self.next)
    }
}

impl Requests {
    /// Those of a scenario and a seed. One in so many answers is to be judged; none for 0.
    #[must_use]
    pub fn new(world: &World, scenario: &Scenario, seed: u64, check_one_in: u64) -> Self {
        Self {
            world: world.clone(),
            scenario: scenario.clone(),
            weights: scenario.operations.iter().map(|operation| operation.weight).collect(),
            callers: Callers::new(&scenario.origins, world, seed),
            seed,
            next: 0,
            hash: XxHash3_64::with_seed(0),
            check_one_in,
        }
    }

    /// How many there were, and a hash of all of them in their order.
    #[must_use]
    pub fn fingerprint(&self) -> (u64, u64) {
        (self.next, self.hash.finish())
    }

    /// The next call.
    pub fn next_call(&mut self) -> Call {
        let number = self.next;
        self.next += 1;
        let mut random = random_of(self.seed, REQUEST, number);
        let operation = self.scenario.operations[pick(&self.weights, &mut random)].clone();
        // Of randomness of its own: what is judged changes nothing of what is asked.
        let is_checked =
            self.check_one_in > 0 && mixed(self.seed ^ mixed(number)).is_multiple_of(self.check_one_in);
        let (messages, then, check) = self.make(&operation, &mut random);
        self.hash.write(operation.kind.name().as_bytes());
        self.hash.write(&messages);
        match &then {
            Then::Nothing => {}
            Then::Pages(_, pages) => self.hash.write(&pages.to_le_bytes()),
            Then::Steps(steps) => steps.iter().for_each(|step| self.hash.write(step)),
        }
        let check = check.filter(|_| is_checked).map(Box::new);
        Call { number, kind: operation.kind, searches: operation.searches(), messages, then, check }
    }

    fn make(&mut self, operation: &Operation, random: &mut Pcg64Mcg) -> (Bytes, Then, Option<Check>) {
        let plain = |messages| (messages, Then::Nothing, None);
        match operation.kind {
            Kind::Health => plain(framed(&())),
            Kind::Search | Kind::Page => {
                let (request, asked) = self.search(operation, random);
                let messages = framed(&request);
                let then = match operation.pages {
                    1 => Then::Nothing,
                    pages => Then::Pages(Box::new(request), pages - 1),
                };
                (messages, then, Some(Check::Search(asked)))
            }
            Kind::Batch => {
                let (requests, asked) = (0..operation.size).map(|_| self.search(operation, random)).unzip();
                (framed(&BatchSearchNearbyRequest { requests }), Then::Nothing, Some(Check::Batch(asked)))
            }
            Kind::Stream => {
                let (mut messages, mut all) = (BytesMut::new(), Vec::new());
                for tag in 0..operation.size {
                    let (request, asked) = self.search(operation, random);
                    let request = StreamSearchNearbyRequest { tag: u64::from(tag), request: Some(request) };
                    messages.extend_from_slice(&framed(&request));
                    all.push(asked);
                }
                (messages.freeze(), Then::Nothing, Some(Check::Stream(all)))
            }
            Kind::Watch | Kind::Step => self.watch(operation, random),
            Kind::Get => {
                let number = random.random_range(0..self.world.count().max(1));
                (
                    framed(&GetMerchantRequest { name: self.world.name(number) }),
                    Then::Nothing,
                    Some(Check::Get(number)),
                )
            }
            Kind::Put => plain(framed(&self.update(operation, false, random))),
            Kind::Move => plain(framed(&self.update(operation, true, random))),
            Kind::Delete => {
                let name = own(operation, random);
                plain(framed(&DeleteMerchantRequest { name, ..Default::default() }))
            }
            Kind::Density => {
                let center = Some(wire(self.callers.next(&self.world, random)));
                let circle = Area::Circle(Circle { center, radius_m: operation.radius_m });
                plain(framed(&GetDensityRequest { area: Some(circle), resolution: 8, ..Default::default() }))
            }
        }
    }

    fn search(&mut self, operation: &Operation, random: &mut Pcg64Mcg) -> (SearchNearbyRequest, Asked) {
        let from = self.callers.next(&self.world, random);
        let category =
            operation.by_category.then(|| World::category(below(48, random).min(below(48, random))));
        let filter = category.map(|category| MerchantFilter {
            any_categories: vec![category.to_owned()],
            ..Default::default()
        });
        let moment = Timestamp { seconds: MOMENT_S, nanos: 0 };
        let opening = operation
            .open
            .then(|| OpeningFilter { moment: Some(Moment::OpenAt(moment)), ..Default::default() });
        let request = SearchNearbyRequest {
            origin: Some(wire(from)),
            radius_m: Some(operation.radius_m),
            page_size: i32::try_from(operation.results).unwrap_or(i32::MAX),
            min_distance_m: operation.min_distance_m,
            filter,
            opening,
            view: operation.view.wire().into(),
            group_by_position: operation.grouped,
            ..Default::default()
        };
        let asked = Asked {
            from,
            ring_m: [operation.min_distance_m, operation.radius_m],
            most: operation.results.min(500) as usize,
            category,
            open_at_s: operation.open.then_some(MOMENT_S),
            is_grouped: operation.grouped,
        };
        (request, asked)
    }

    fn watch(&mut self, operation: &Operation, random: &mut Pcg64Mcg) -> (Bytes, Then, Option<Check>) {
        let from = self.callers.next(&self.world, random);
        let step = |step| framed(&WatchNearbyRequest { step: Some(step) });
        let start = WatchNearbyStart {
            origin: Some(wire(from)),
            radius_m: Some(operation.radius_m),
            max_results: i32::try_from(operation.results).unwrap_or(i32::MAX),
            view: operation.view.wire().into(),
            ..Default::default()
        };
        let mut at = from;
        let steps = (0..operation.hold_s).map(|_| {
            at = at.moved(random.random_range(-2.0..2.0), random.random_range(-2.0..2.0));
            step(Step::Origin(wire(at)))
        });
        (step(Step::Start(start)), Then::Steps(steps.collect()), None)
    }

    /// Only merchants that no check expects are changed: those of the world stay as they are.
    fn update(
        &mut self,
        operation: &Operation,
        is_move: bool,
        random: &mut Pcg64Mcg,
    ) -> UpdateMerchantRequest {
        let mut merchant = self.world.merchant(random.random::<u64>());
        merchant.name = own(operation, random);
        // Never at a point where merchants of the world stand: they would be counted with them.
        merchant.position = Some(wire(self.world.somewhere(random)));
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

fn own(operation: &Operation, random: &mut Pcg64Mcg) -> String {
    format!("{OWN}{}", random.random_range(0..operation.among))
}

pub(crate) fn wire(place: Place) -> Position {
    Position {
        latitude: place.latitude,
        longitude: place.longitude,
        coordinate_system: CoordinateSystem::Wgs84.into(),
        accuracy_m: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{dataset::Source, workload::READY};

    #[test]
    fn one_seed_is_one_order_of_requests_and_another_is_another() {
        let world = World::new(1, 5_000, &Source::Ours).unwrap();
        for (name, _) in READY {
            let scenario = Scenario::load(name).unwrap();
            let hash = |seed, check_one_in| {
                let mut requests = Requests::new(&world, &scenario, seed, check_one_in);
                (0..500).for_each(|_| drop(requests.next_call()));
                requests.fingerprint()
            };
            assert_eq!(hash(7, 100), hash(7, 100), "{name}");
            assert_eq!(hash(7, 100).1, hash(7, 0).1, "{name}");
            assert_ne!(hash(7, 100), hash(8, 100), "{name}");
        }
    }

    #[test]
    fn one_answer_in_a_hundred_is_to_be_judged() {
        let world = World::new(1, 5_000, &Source::Ours).unwrap();
        let mut requests = Requests::new(&world, &Scenario::of(Operation::of(Kind::Search)), 1, 100);
        let checked = (0..20_000).filter(|_| requests.next_call().check.is_some()).count();
        assert!((120..280).contains(&checked), "{checked}");
    }
}
