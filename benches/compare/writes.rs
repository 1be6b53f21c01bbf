//! Writes: search latency while merchants move, compared with the index at rest; and the rate of moves, compared with 100,000
//! per second.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use nearby_benches::{Dataset, TermGenerator, median, merchant};
use nearby_index::{
    Change, Hits, IndexReader, IndexWriter, Limit, Position, Query, Revision, SearchControl, StoredMerchant,
    Wgs84,
};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::{Goal, Report, SEED, lookup::query};

/// Changes per commit, as the server's group commit batches them.
const BATCH: usize = 100;

pub(crate) fn run(report: &mut Report) {
    let [places, origins] = Dataset::Cities.points(report.scale(1_000_000), 8_192, SEED).unwrap();
    let mut terms = TermGenerator::new(SEED);
    let merchants: Vec<Arc<StoredMerchant>> = places
        .iter()
        .enumerate()
        .map(|(number, place)| merchant(number, *place, terms.terms(), Revision(1)))
        .collect();
    let queries: Vec<Query> = origins.iter().map(|origin| query(*origin, Limit::new(20).unwrap())).collect();
    let mut city = City {
        writer: IndexWriter::load(merchants.iter().cloned(), Revision(1)),
        merchants,
        places,
        burst: report.scale(100_000 / 512),
    };
    let mut random = Pcg64Mcg::seed_from_u64(SEED);

    throughput(report, &mut city, &mut random);
    println!("  99th percentile of search latency, one searching core");
    let reader = city.writer.reader();
    let (mut steady, mut burst) = (Vec::new(), Vec::new());
    for round in 0..=report.scale(8) {
        let at_rest = percentile(&reader, &queries, || ());
        let moving = percentile(&reader, &queries, || city.move_steadily(&mut random));
        let bursting = percentile(&reader, &queries, || city.move_at_once(&mut random));
        if round > 0 {
            steady.push((at_rest, moving));
            burst.push((at_rest, bursting));
        }
    }
    let shown = |pairs: &[(f64, f64)], pick: fn(&(f64, f64)) -> f64| median(pairs.iter().map(pick).collect());
    println!("    {:<44} {:>10.2} us", "at rest", shown(&steady, |pair| pair.0) * 1e6);
    println!("    {:<44} {:>10.2} us", "while 10,000 per second move", shown(&steady, |pair| pair.1) * 1e6);
    println!("    {:<44} {:>10.2} us", "while 100,000 move at once", shown(&burst, |pair| pair.1) * 1e6);
    let ratio =
        |pairs: Vec<(f64, f64)>| median(pairs.into_iter().map(|(rest, moving)| moving / rest).collect());
    report.add("p99_under_writes", ratio(steady), Goal::AtMost(1.3));
    report.add("p99_under_burst", ratio(burst), Goal::AtMost(1.3));
}

/// An index whose merchants move.
struct City {
    writer: IndexWriter,
    merchants: Vec<Arc<StoredMerchant>>,
    places: Vec<Position<Wgs84>>,
    /// Commits of a burst, of 512 moves each.
    burst: usize,
}

impl City {
    fn moved(&mut self, number: usize, place: Position<Wgs84>) -> Change {
        let old = &self.merchants[number];
        let new = merchant(number, place, old.merchant.terms.clone(), old.revision.next());
        self.merchants[number] = Arc::clone(&new);
        Change::Put(new)
    }

    /// Moves random merchants by up to half a kilometre.
    fn moves(&mut self, count: usize, random: &mut Pcg64Mcg) -> Vec<Change> {
        (0..count)
            .map(|_| {
                let number = random.random_range(0..self.merchants.len());
                let (old, mut degrees) = (self.places[number], || random.random_range(-0.005..0.005));
                let (latitude, longitude) = (old.latitude_deg() + degrees(), old.longitude_deg() + degrees());
                let place = Position::new(latitude, longitude).unwrap_or(old);
                self.moved(number, place)
            })
            .collect()
    }

    /// Applies 10,000 moves per second for one second, 100 per commit.
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

    /// Applies 100,000 moves at full speed, 512 per commit.
    fn move_at_once(&mut self, random: &mut Pcg64Mcg) {
        for _ in 0..self.burst {
            let moves = self.moves(512, random);
            self.writer.apply(&moves);
        }
    }
}

/// Returns the 99th percentile of search latency in seconds while `background` runs on another core, and for at least 300 ms.
fn percentile(reader: &IndexReader, queries: &[Query], background: impl FnOnce()) -> f64 {
    let (done, ready) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        let searching = scope.spawn(|| {
            let mut seconds = Vec::with_capacity(1 << 20);
            for query in queries.iter().cycle() {
                let start = Instant::now();
                let snapshot = reader.snapshot();
                let mut hits = Hits::default();
                snapshot.search_into(query, SearchControl::default(), &mut hits);
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
        background();
        thread::sleep(Duration::from_millis(300).saturating_sub(start.elapsed()));
        done.store(true, Ordering::Relaxed);
        searching.join().unwrap()
    })
}

fn throughput(report: &mut Report, city: &mut City, random: &mut Pcg64Mcg) {
    let mut rates = Vec::new();
    for _ in 0..5 {
        let batches: Vec<Vec<Change>> = (0..report.scale(200)).map(|_| city.moves(512, random)).collect();
        let start = Instant::now();
        for batch in &batches {
            city.writer.apply(batch);
        }
        rates.push((512 * batches.len()) as f64 / start.elapsed().as_secs_f64());
    }
    let rate = median(rates);
    println!("  moves applied to the index alone, one core, 512 per commit: {rate:.0} per second");
    report.add("writes_vs_100k_a_second", rate / 100_000.0, Goal::AtLeast(1.0));
}
