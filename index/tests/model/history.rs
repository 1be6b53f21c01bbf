//! Random histories of changes, applied to the index and to a reference list.

use std::{collections::BTreeMap, sync::Arc};

use nearby_index::*;

use super::{
    Script, areas,
    names::{names, names_of},
};

/// Poles, antimeridian, and ordinary places.
const CENTRES: [(f64, f64); 6] =
    [(90.0, 0.0), (-89.99, 45.0), (-16.8, 179.999), (0.0, 0.0), (51.53, -0.09), (39.9, 116.4)];

/// An index, and the list of its expected content.
pub(crate) struct History {
    writer: IndexWriter,
    list: BTreeMap<MerchantId, Arc<StoredMerchant>>,
    centre: (f64, f64),
    revision: Revision,
    held: Vec<Moment>,
}

/// A snapshot and the expected list at one time.
pub(crate) struct Moment {
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) list: Vec<Arc<StoredMerchant>>,
    pub(crate) centre: (f64, f64),
}

impl History {
    pub(crate) fn begin(script: &mut Script<'_>) -> Self {
        let centre = CENTRES[usize::from(script.byte()) % CENTRES.len()];
        let writer = load([], Revision::ZERO, script);
        Self { writer, list: BTreeMap::new(), centre, revision: Revision::ZERO, held: Vec::new() }
    }

    pub(crate) fn now(&self) -> Moment {
        let snapshot = self.writer.reader().snapshot();
        assert_eq!(snapshot.revision(), self.revision);
        Moment { snapshot, list: self.list.values().cloned().collect(), centre: self.centre }
    }

    pub(crate) fn held_moments(&self) -> &[Moment] {
        &self.held
    }

    /// Applies one step: a batch of changes, a restart, or holding a snapshot.
    pub(crate) fn step(&mut self, script: &mut Script<'_>) {
        let (kind, amount) = (script.byte(), usize::from(script.byte()));
        let changes = match kind % 16 {
            0..=3 => (0..amount * 8).map(|_| self.put_anywhere(script)).collect(),
            4 | 5 => self.put_cluster(amount * 4, script),
            6..=9 => (0..amount * 2).map(|_| self.update_existing(script)).collect(),
            10 => (0..amount * 8).filter_map(|_| self.delete(script)).collect(),
            11 => self.delete_nearly_all(script),
            12 => vec![self.put_anywhere(script)],
            13 => self.change_repeatedly(script),
            14 => {
                self.held.push(self.now());
                Vec::new()
            }
            _ => {
                let merchants: Vec<_> = self.list.values().rev().cloned().collect();
                self.writer = load(merchants, self.revision, script);
                Vec::new()
            }
        };
        if !changes.is_empty() {
            self.writer.apply(&changes);
        }
    }

    fn put_anywhere(&mut self, script: &mut Script<'_>) -> Change {
        let (number, reach_m) = (script.below(3_000), [30.0, 3_000.0, 9_000.0, 60_000.0][script.below(4)]);
        let place = self.displaced(reach_m * script.unit(), reach_m * script.unit());
        self.put(number, place, script)
    }

    /// Puts many merchants at one position.
    fn put_cluster(&mut self, size: usize, script: &mut Script<'_>) -> Vec<Change> {
        let place = self.displaced(2_000.0 * script.unit(), 2_000.0 * script.unit());
        (0..size)
            .map(|_| {
                let number = script.below(3_000);
                self.put(number, place, script)
            })
            .collect()
    }

    /// Moves an existing merchant a little, moves it to another's position, or updates it in place.
    fn update_existing(&mut self, script: &mut Script<'_>) -> Change {
        let (one, other) = (self.random_merchant(script), self.random_merchant(script));
        let (Some(one), Some(other)) = (one, other) else { return self.put_anywhere(script) };
        let number = one.merchant.id.as_str()[1..].parse().unwrap();
        let place = match script.below(3) {
            0 => one.merchant.position.to_wgs84(),
            1 => other.merchant.position.to_wgs84(),
            _ => self.displaced(500.0 * script.unit(), 500.0 * script.unit()),
        };
        self.put(number, place, script)
    }

    fn delete(&mut self, script: &mut Script<'_>) -> Option<Change> {
        let id = self.random_merchant(script)?.merchant.id.clone();
        self.list.remove(&id);
        self.revision = self.revision.next();
        Some(Change::Delete { id, revision: self.revision })
    }

    fn delete_nearly_all(&mut self, script: &mut Script<'_>) -> Vec<Change> {
        (3..self.list.len()).filter_map(|_| self.delete(script)).collect()
    }

    /// Changes the same merchant several times in one batch.
    fn change_repeatedly(&mut self, script: &mut Script<'_>) -> Vec<Change> {
        let first = self.put_anywhere(script);
        let number = first.id().as_str()[1..].parse().unwrap();
        let place = self.displaced(100.0 * script.unit(), 0.0);
        let second = self.put(number, place, script);
        self.list.remove(first.id());
        self.revision = self.revision.next();
        let gone = Change::Delete { id: first.id().clone(), revision: self.revision };
        if script.below(2) == 0 {
            return vec![first, second, gone];
        }
        let place = self.displaced(0.0, 100.0 * script.unit());
        vec![first, second, gone, self.put(number, place, script)]
    }

    fn random_merchant(&self, script: &mut Script<'_>) -> Option<&Arc<StoredMerchant>> {
        let count = self.list.len();
        if count == 0 { None } else { self.list.values().nth(script.below(count)) }
    }

    fn put(&mut self, number: usize, place: Position<Wgs84>, script: &mut Script<'_>) -> Change {
        self.revision = self.revision.next();
        let stored = Arc::new(StoredMerchant {
            merchant: Merchant {
                id: MerchantId::parse(&format!("m{number}")).unwrap(),
                position: AnyPosition::Wgs84(place),
                visibility: if script.below(8) == 0 { Visibility::Hidden } else { Visibility::Visible },
                terms: (0..script.below(4)).map(|_| term(script)).collect(),
                details: Details {
                    attributes: attributes(script),
                    validity: validity(script),
                    service_area: areas::service_area(place, script),
                    ..Details::default()
                }
                .shared(),
                profile: Profile::of_parts(names(script).as_bytes(), &self.revision.0.to_le_bytes(), &[])
                    .unwrap(),
            },
            revision: self.revision,
            position_revision: Revision(0),
            create_time: UnixMicros(0),
            update_time: UnixMicros(0),
        });
        self.list.insert(stored.merchant.id.clone(), Arc::clone(&stored));
        Change::Put(stored)
    }

    fn displaced(&self, north_m: f64, east_m: f64) -> Position<Wgs84> {
        displaced(self.centre, north_m, east_m)
    }
}

/// Loads an index; most have an index of names.
fn load(
    merchants: impl IntoIterator<Item = Arc<StoredMerchant>>,
    revision: Revision,
    script: &mut Script<'_>,
) -> IndexWriter {
    if script.below(8) == 0 {
        IndexWriter::load(merchants, revision)
    } else {
        IndexWriter::load_with_names(merchants, revision, names_of)
    }
}

/// Returns the validity of a merchant; most are unlimited, so that some subtrees can be counted unvisited.
fn validity(script: &mut Script<'_>) -> Validity {
    let mut end =
        |one_in| (script.below(one_in) == 0).then(|| UnixMicros(i64::try_from(script.below(6)).unwrap()));
    Validity { from: end(60), until: end(60) }
}

/// Returns the attributes of a merchant: with few distinct values, so that ranges end at some of them.
fn attributes(script: &mut Script<'_>) -> Attributes {
    let keys = [("rating", 2), ("price", 3), ("rare", 200)];
    let had = keys.into_iter().filter(|(_, one_in)| script.below(*one_in) == 0);
    had.map(|(key, _)| key)
        .collect::<Vec<_>>()
        .into_iter()
        .map(|key| (key, script.below(6) as f64 / 2.0))
        .collect()
}

/// Returns a term; most are among a few common ones, some are rare.
pub(crate) fn term(script: &mut Script<'_>) -> Term {
    let kind = [TermKind::Category, TermKind::Brand, TermKind::Service][script.below(3)];
    let number = if script.below(4) == 0 { script.below(500) } else { script.below(6) };
    match kind {
        TermKind::Category if script.below(2) == 0 => Term::new(kind, &category(number)),
        _ => Term::new(kind, &number.to_string()),
    }
}

/// Returns the term of merchants with a category below one of a few.
pub(crate) fn ancestor(script: &mut Script<'_>) -> Term {
    let category = category(script.below(12));
    let ends: Vec<usize> = category.match_indices('/').map(|(at, _)| at).collect();
    Term::below_category(&category[..ends[script.below(ends.len())]])
}

/// Returns a category of two to six levels, of which the first are few.
fn category(number: usize) -> String {
    let levels = [number % 2, number % 3, number % 2, number % 4, number % 3];
    let above: Vec<String> = levels[..1 + number % 5].iter().map(usize::to_string).collect();
    format!("{}/{number}", above.join("/"))
}

/// Returns a point at an offset on a flat map; the exact position does not matter.
pub(crate) fn displaced((latitude, longitude): (f64, f64), north_m: f64, east_m: f64) -> Position<Wgs84> {
    let to_the_pole = libm::cos(latitude.to_radians()).max(0.01);
    let north = latitude + north_m / 111_195.0;
    let east = longitude + east_m / (111_195.0 * to_the_pole);
    let north = if north.abs() > 90.0 { north.signum() * 180.0 - north } else { north };
    Position::new(north, (east + 540.0).rem_euclid(360.0) - 180.0).unwrap()
}
