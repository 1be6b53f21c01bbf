//! What a search asked for, and whether what came is that: a fast wrong answer is worth nothing.

use std::collections::{HashMap, HashSet};

use nearby_proto::v1::{CoordinateSystem, NearbyResult, OpenState, SearchNearbyResponse};

use super::Wrong;
use crate::dataset::{Near, Oracle, Place, distance_m, is_open_at};
use crate::workload::OWN;

/// What a search asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Where it started.
    pub from: Place,
    /// The least and the greatest distance in metres.
    pub ring_m: [f64; 2],
    /// Most results of a page.
    pub most: usize,
    /// Only merchants of this category.
    pub category: Option<&'static str>,
    /// Only merchants that are not closed at this moment, in seconds since 1970.
    pub open_at_s: Option<i64>,
    /// All merchants at a point as one.
    pub is_grouped: bool,
}

/// What the contract allows a distance to be off by, and the oracle's own last bits.
fn tolerance_m(reach_m: f64) -> f64 {
    if reach_m <= 5_000.0 { 1.1e-5 } else { 2.1e-3 }
}

impl Asked {
    /// Judges the pages that came; without a world their order and their distances alone.
    pub(crate) fn judge(&self, pages: &[SearchNearbyResponse], oracle: Option<&Oracle>) -> Result<(), Wrong> {
        // Points that are equally far stay together, so that a page of groups may have more.
        let long = |page: &&SearchNearbyResponse| page.results.len() > self.most && !self.is_grouped;
        if let Some(page) = pages.iter().find(long) {
            return Err(Wrong::TooMany(page.results.len()));
        }
        let results: Vec<&NearbyResult> = pages.iter().flat_map(|page| &page.results).collect();
        let key = |result: &NearbyResult| (result.distance_m, name_of(result).to_owned());
        if let Some(at) = results.windows(2).position(|pair| key(pair[0]) >= key(pair[1])) {
            return Err(Wrong::Order(at + 1));
        }
        let mut names = HashSet::new();
        if let Some(twice) = results.iter().map(|result| name_of(result)).find(|name| !names.insert(*name)) {
            return Err(Wrong::Stranger(twice.to_owned()));
        }
        let [least, most] = self.ring_m;
        if let Some(at) = results.iter().position(|result| !(least..=most).contains(&result.distance_m)) {
            return Err(Wrong::Outside(at));
        }
        results.iter().try_for_each(|result| self.judge_one(result, oracle))?;
        let Some(oracle) = oracle else { return Ok(()) };
        let is_last = pages.last().is_none_or(|page| page.next_page_token.is_empty());
        let last = results.last().filter(|_| !is_last).copied();
        if self.is_grouped {
            self.judge_groups(&results, last, oracle)
        } else {
            self.judge_all(&results, last, oracle)
        }
    }

    fn judge_one(&self, result: &NearbyResult, oracle: Option<&Oracle>) -> Result<(), Wrong> {
        let name = name_of(result);
        let stranger = || Wrong::Stranger(name.to_owned());
        // Of merchants that are not of the world it is as far as their own position says, where the view shows it.
        let own = || {
            let position = result.merchant.as_ref()?.position?;
            let is_known = position.coordinate_system() == CoordinateSystem::Wgs84;
            is_known.then_some(Place { latitude: position.latitude, longitude: position.longitude })
        };
        let place = match oracle.filter(|_| !name.starts_with(OWN)) {
            None => own(),
            Some(oracle) => {
                let world = oracle.world();
                let number = world.number_of(name).ok_or_else(stranger)?;
                if !world.is_visible(number) || !self.passes(number, oracle) {
                    return Err(stranger());
                }
                let said = result.open_state();
                let is_open = self.open_at_s.map(|at_s| is_open_at(&world.merchant(number), at_s));
                let expected = match is_open {
                    None => OpenState::Unspecified,
                    Some(None) => OpenState::Unknown,
                    Some(Some(true)) => OpenState::Open,
                    Some(Some(false)) => OpenState::Closed,
                };
                if said != expected {
                    return Err(Wrong::Opening(name.to_owned()));
                }
                Some(world.place(number))
            }
        };
        let off = place.map_or(0.0, |place| (result.distance_m - distance_m(self.from, place)).abs());
        if off > tolerance_m(result.distance_m) { Err(Wrong::Distance(name.to_owned(), off)) } else { Ok(()) }
    }

    /// Whether all are there that are nearer than the last, or that there are where no page follows. Of those at the
    /// very point of the last, whether they are the ones with the smallest names.
    fn judge_all(
        &self,
        results: &[&NearbyResult],
        last: Option<&NearbyResult>,
        oracle: &Oracle,
    ) -> Result<(), Wrong> {
        let world = oracle.world();
        let last_at = last.and_then(|last| world.number_of(name_of(last))).map(|number| world.place(number));
        let there: HashSet<&str> = results.iter().map(|result| name_of(result)).collect();
        for near in self.expected(results.len().max(self.most), oracle) {
            let name = world.name(near.number);
            let is_tie =
                last_at == Some(world.place(near.number)) && last.is_some_and(|last| *name < *name_of(last));
            if (self.is_sure(near, last) || is_tie) && !there.contains(name.as_str()) {
                return Err(Wrong::Missing(name));
            }
        }
        Ok(())
    }

    /// Whether each point is there with its first merchant, and with as many as there are.
    fn judge_groups(
        &self,
        results: &[&NearbyResult],
        last: Option<&NearbyResult>,
        oracle: &Oracle,
    ) -> Result<(), Wrong> {
        let world = oracle.world();
        let mut points: HashMap<[u64; 2], (String, Near, usize)> = HashMap::new();
        for near in self.expected(usize::MAX, oracle) {
            let (place, name) = (world.place(near.number), world.name(near.number));
            let point = [place.latitude.to_bits(), place.longitude.to_bits()];
            let (first, _, merchants) = points.entry(point).or_insert_with(|| (name.clone(), near, 0));
            *merchants += 1;
            *first = name.min(std::mem::take(first));
        }
        let mut there: HashMap<&str, i32> =
            results.iter().map(|result| (name_of(result), result.merchants_at_position)).collect();
        for (first, near, merchants) in points.into_values() {
            match there.remove(first.as_str()) {
                Some(said) if usize::try_from(said) != Ok(merchants) => {
                    return Err(Wrong::Together(first, said, merchants));
                }
                None if self.is_sure(near, last) => return Err(Wrong::Missing(first)),
                _ => {}
            }
        }
        let edge_m = self.ring_m[1] - tolerance_m(self.ring_m[1]);
        let second = results.iter().find(|result| {
            let name = name_of(result);
            there.contains_key(name) && !name.starts_with(OWN) && result.distance_m < edge_m
        });
        second.map_or(Ok(()), |result| Err(Wrong::Stranger(name_of(result).to_owned())))
    }

    fn expected(&self, most: usize, oracle: &Oracle) -> Vec<Near> {
        oracle.nearest(self.from, self.ring_m, most, |number| self.passes(number, oracle))
    }

    /// Whether it belongs into the answer beyond doubt. At an edge the last bits decide, and they may.
    fn is_sure(&self, near: Near, last: Option<&NearbyResult>) -> bool {
        let sure_m = tolerance_m(self.ring_m[1]);
        let last_m = last.map_or(self.ring_m[1], |last| last.distance_m);
        let is_within = self.ring_m[0] <= 0.0 || near.distance_m > self.ring_m[0] + sure_m;
        is_within && near.distance_m < last_m - sure_m
    }

    fn passes(&self, number: u64, oracle: &Oracle) -> bool {
        if self.category.is_none() && self.open_at_s.is_none() {
            return true;
        }
        let merchant = oracle.world().merchant(number);
        let is_closed = self.open_at_s.is_some_and(|at_s| is_open_at(&merchant, at_s) == Some(false));
        !is_closed && self.category.is_none_or(|category| merchant.categories.iter().any(|of| of == category))
    }
}

fn name_of(result: &NearbyResult) -> &str {
    result.merchant.as_ref().map_or("", |merchant| &merchant.name)
}

#[cfg(test)]
mod tests {
    use nearby_proto::v1::Merchant;

    use super::*;
    use crate::dataset::{Source, World, random_of};

    fn plain(from: Place) -> Asked {
        let ring_m = [0.0, 5_000.0];
        Asked { from, ring_m, most: 20, category: None, open_at_s: None, is_grouped: false }
    }

    /// The right answer to a search, made of the oracle's own.
    fn right(asked: &Asked, oracle: &Oracle) -> Vec<NearbyResult> {
        let mut near = oracle.nearest(asked.from, asked.ring_m, asked.most, |_| true);
        let name = |number| oracle.world().name(number);
        near.sort_by(|a, b| {
            a.distance_m.total_cmp(&b.distance_m).then_with(|| name(a.number).cmp(&name(b.number)))
        });
        near.truncate(asked.most);
        let result = |near: Near| NearbyResult {
            merchant: Some(Merchant { name: name(near.number), ..Default::default() }),
            distance_m: near.distance_m,
            ..Default::default()
        };
        near.into_iter().map(result).collect()
    }

    #[test]
    fn right_answers_pass_and_every_sort_of_wrong_one_is_found() {
        let world = World::new(9, 200_000, &Source::Ours).unwrap();
        let oracle = Oracle::new(&world);
        let mut random = random_of(9, 98, 0);
        let mut tried = 0;
        while tried < 20 {
            let from = world.somewhere(&mut random);
            let asked = plain(from);
            let good = right(&asked, &oracle);
            let page = |results: &[NearbyResult]| SearchNearbyResponse {
                results: results.to_vec(),
                next_page_token: if results.len() < 20 { String::new() } else { "more".to_owned() },
                ..Default::default()
            };
            assert_eq!(asked.judge(&[page(&good)], Some(&oracle)), Ok(()));
            let is_tie = |at: usize| good[at].distance_m == good[at + 1].distance_m;
            if good.len() < 20 || is_tie(3) || is_tie(18) {
                continue;
            }
            tried += 1;
            let wrong = |spoil: fn(&mut Vec<NearbyResult>)| {
                let mut bad = good.clone();
                spoil(&mut bad);
                asked.judge(&[page(&bad)], Some(&oracle)).unwrap_err()
            };
            assert_eq!(wrong(|bad| bad.swap(3, 4)), Wrong::Order(4));
            assert!(matches!(wrong(|bad| drop(bad.remove(3))), Wrong::Missing(_)));
            assert!(matches!(wrong(|bad| bad[19].distance_m += 0.001), Wrong::Distance(..)));
            assert_eq!(wrong(|bad| bad[19].distance_m = 5_001.0), Wrong::Outside(19));
            assert!(matches!(wrong(|bad| bad[19].merchant = Some(Merchant::default())), Wrong::Stranger(_)));
            assert!(matches!(
                wrong(|bad| bad.push(NearbyResult { distance_m: 5_000.0, ..bad[19].clone() })),
                Wrong::TooMany(21)
            ));
        }
    }

    #[test]
    fn pages_are_judged_together() {
        let world = World::new(9, 200_000, &Source::Ours).unwrap();
        let oracle = Oracle::new(&world);
        let mut random = random_of(9, 97, 0);
        let (asked, all) = std::iter::repeat_with(|| {
            let asked = Asked { most: 40, ..plain(world.somewhere(&mut random)) };
            let all = right(&asked, &oracle);
            (Asked { most: 20, ..asked }, all)
        })
        .find(|(_, all)| all.len() == 40 && all[18].distance_m < all[20].distance_m)
        .unwrap();
        let page = |results: &[NearbyResult]| SearchNearbyResponse {
            results: results.to_vec(),
            next_page_token: "more".to_owned(),
            ..Default::default()
        };
        assert_eq!(asked.judge(&[page(&all[..20]), page(&all[20..])], Some(&oracle)), Ok(()));
        let twice = asked.judge(&[page(&all[..20]), page(&all[19..39])], Some(&oracle));
        assert_eq!(twice, Err(Wrong::Order(20)));
        let gap = asked.judge(&[page(&all[..18]), page(&all[20..])], Some(&oracle));
        assert!(matches!(gap, Err(Wrong::Missing(_))), "{gap:?}");
    }

    #[test]
    fn a_mall_is_judged_as_one_row_and_opening_by_the_hours() {
        let world = World::new(9, 200_000, &Source::Ours).unwrap();
        let oracle = Oracle::new(&world);
        let mut random = random_of(9, 96, 0);
        let together = |from| oracle.nearest(from, [0.0, 0.01], usize::MAX, |_| true);
        let mall = std::iter::repeat_with(|| world.mall(&mut random)).find(|mall| together(*mall).len() > 5);
        let asked = Asked { is_grouped: true, ring_m: [0.0, 300.0], ..plain(mall.unwrap()) };
        let together = together(asked.from);
        let names: std::collections::BTreeSet<_> =
            together.iter().map(|near| world.name(near.number)).collect();
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
        let judge = |name: &str, merchants| asked.judge(&[row(name, merchants)], Some(&oracle));
        let (first, last) = (names.first().unwrap(), names.last().unwrap());
        assert_eq!(judge(first, names.len()), Ok(()));
        assert!(matches!(judge(first, names.len() + 1), Err(Wrong::Together(..))));
        assert!(matches!(judge(last, names.len()), Err(Wrong::Stranger(_))));
        // A Thursday, midnight: the first merchant that is closed then, and the first that is open.
        let said = |name: &str, state: OpenState| {
            let mut page = row(name, 1);
            page.results[0].set_open_state(state);
            Asked { open_at_s: Some(0), is_grouped: false, ..asked.clone() }.judge(&[page], Some(&oracle))
        };
        for near in &together {
            let name = world.name(near.number);
            let is_open = is_open_at(&world.merchant(near.number), 0);
            let right = match is_open {
                None => OpenState::Unknown,
                Some(true) => OpenState::Open,
                Some(false) => OpenState::Closed,
            };
            let judged = said(&name, right);
            // It stands alone in an answer that others belong into as well.
            let is_let_in = matches!(judged, Ok(()) | Err(Wrong::Missing(_)));
            assert_eq!(is_let_in, is_open != Some(false), "{judged:?}");
            assert!(matches!(
                said(&name, OpenState::Unspecified),
                Err(Wrong::Opening(_) | Wrong::Stranger(_))
            ));
        }
        let open = Asked { open_at_s: Some(0), is_grouped: false, ..asked.clone() };
        assert!(matches!(
            open.judge(&[row(first, 1)], Some(&oracle)),
            Err(Wrong::Opening(_) | Wrong::Stranger(_))
        ));
    }
}
