//! Searches while merchants move, and how fast they can move.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use nearby_benches::{Shops, World, median, merchant};
use nearby_index::{
    Change, Hits, IndexReader, IndexWriter, Limit, Position, Query, Revision, Steering, StoredMerchant, Wgs84,
};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::{Bar, Report, SEED, lookup::query};

const SIZE: usize = 1_000_000;
/// Changes that become visible in one step, as the server's committer gathers them.
const BATCH: usize = 100;

pub(crate) fn run(report: &mut Report) {
    let [places, origins] = World::Cities.places(SIZE, 8_192, SEED).unwrap();
    let mut shops = Shops::new(SEED);
    let merchants: Vec<Arc<StoredMerchant>> = places
        .iter()
        .enumerate()
        .map(|(number, place)| merchant(number, *place, shops.terms(), Revision(1)))
        .collect();
    let queries: Vec<Query> = origins.iter().map(|origin| query(*origin, Limit::new(20).unwrap())).collect();
    let mut city =
        City { writer: IndexWriter::load(merchants.iter().cloned(), Revision(1)), merchants, places };
    let mut random = Pcg64Mcg::seed_from_u64(SEED);

    throughput(report, &mut city, &mut random);
    println!("  99th percentile of a search, one core searching");
    let reader = city.writer.reader();
    let (mut steady, mut burst) = (Vec::new(), Vec::new());
    for turn in 0..9 {
        let at_rest = percentile(&reader, &queries, || ());
        let moving = percentile(&reader, &queries, || city.move_steadily(&mut random));
        let bursting = percentile(&reader, &queries, || city.move_at_once(&mut random));
        if turn > 0 {
            steady.push((at_rest, moving));
            burst.push((at_rest, bursting));
        }
    }
    let shown = |pairs: &[(f64, f64)], pick: fn(&(f64, f64)) -> f64| median(pairs.iter().map(pick).collect());
    println!("    {:<44} {:>10.2} us", "at rest", shown(&steady, |pair| pair.0) * 1e6);
    println!("    {:<44} {:>10.2} us", "while 10,000 a second move", shown(&steady, |pair| pair.1) * 1e6);
    println!("    {:<44} {:>10.2} us", "while 100,000 move at once", shown(&burst, |pair| pair.1) * 1e6);
    let ratio =
        |pairs: Vec<(f64, f64)>| median(pairs.into_iter().map(|(rest, moving)| moving / rest).collect());
    report.add("p99_under_writes", ratio(steady), Bar::AtMost(1.3));
    report.add("p99_under_burst", ratio(burst), Bar::AtMost(1.3));
}

/// Merchants that move.
struct City {
    writer: IndexWriter,
    merchants: Vec<Arc<StoredMerchant>>,
    places: Vec<Position<Wgs84>>,
}

impl City {
    fn moved(&mut self, number: usize, place: Position<Wgs84>) -> Change {
        let old = &self.merchants[number];
        let new = merchant(number, place, old.merchant.terms.clone(), old.revision.next());
        self.merchants[number] = Arc::clone(&new);
        Change::Put(new)
    }

    /// Anyone in any city moves by up to half a kilometre.
    fn moves(&mut self, count: usize, random: &mut Pcg64Mcg) -> Vec<Change> {
        (0..count)
            .map(|_| {
                let number = random.random_range(0..SIZE);
                let (old, mut degrees) = (self.places[number], || random.random_range(-0.005..0.005));
                let (latitude, longitude) = (old.latitude_deg() + degrees(), old.longitude_deg() + degrees());
                let place = Position::new(latitude, longitude).unwrap_or(old);
                self.moved(number, place)
            })
            .collect()
    }

    /// 10,000 updates a second for one second, a hundred at a time.
    fn move_steadily(&mut self, random: &mut Pcg64Mcg) {
        let start = Instant::now();
        for batch in 1..=100 {
            let moves = self.moves(BATCH, random);
            self.writer.apply(&moves);
            thread::sleep(
                (start + Duration::from_millis(10) * batch).saturating_duration_since(Instant::now()),
            );
        }
    }

    /// 100,000 of the merchants change places, as fast as it goes, as the server's committer would.
    fn move_at_once(&mut self, random: &mut Pcg64Mcg) {
        for _ in 0..100_000 / 512 {
            let moves = self.moves(512, random);
            self.writer.apply(&moves);
        }
    }
}

/// Seconds that 99 of 100 searches stay below while something happens on the other core, and for a second if it is over
/// sooner.
fn percentile(reader: &IndexReader, queries: &[Query], happening: impl FnOnce()) -> f64 {
    let (done, ready) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        let searching = scope.spawn(|| {
            let mut seconds = Vec::with_capacity(1 << 20);
            for query in queries.iter().cycle() {
                let start = Instant::now();
                let snapshot = reader.snapshot();
                let mut hits = Hits::default();
                snapshot.search_into(query, Steering::default(), &mut hits);
                std::hint::black_box(hits.as_slice().len());
                seconds.push(start.elapsed().as_secs_f64());
                ready.store(1, Ordering::Relaxed);
                if done.load(Ordering::Relaxed) {
                    break;
                }
            }
            seconds.sort_by(f64::total_cmp);
            seconds[seconds.len() * 99 / 100]
        });
        while ready.load(Ordering::Relaxed) == 0 {
            thread::yield_now();
        }
        let start = Instant::now();
        happening();
        thread::sleep(Duration::from_millis(300).saturating_sub(start.elapsed()));
        done.store(true, Ordering::Relaxed);
        searching.join().unwrap()
    })
}

fn throughput(report: &mut Report, city: &mut City, random: &mut Pcg64Mcg) {
    let mut rates = Vec::new();
    for _ in 0..5 {
        let batches: Vec<Vec<Change>> = (0..200).map(|_| city.moves(512, random)).collect();
        let start = Instant::now();
        for batch in &batches {
            city.writer.apply(batch);
        }
        rates.push(512.0 * 200.0 / start.elapsed().as_secs_f64());
    }
    let rate = median(rates);
    println!("  moves into the index alone, one core, 512 in a batch: {rate:.0} a second");
    report.add("writes_vs_100k_a_second", rate / 100_000.0, Bar::AtLeast(1.0));
}
