//! Interleaved timing of several contenders.

use std::time::Instant;

use nearby_benches::median;

/// A contender: a name, and a batch of queries that returns the number of merchants found.
pub(crate) struct Contender<'a> {
    pub(crate) name: &'static str,
    pub(crate) queries: usize,
    pub(crate) batch: Box<dyn FnMut() -> usize + 'a>,
}

impl<'a> Contender<'a> {
    pub(crate) fn new(name: &'static str, queries: usize, batch: impl FnMut() -> usize + 'a) -> Self {
        Self { name, queries, batch: Box::new(batch) }
    }
}

/// Seconds per query of each contender in each round.
pub(crate) struct Times {
    seconds: Vec<Vec<f64>>,
}

impl Times {
    /// Returns the time of a contender divided by that of another: the median over all rounds.
    pub(crate) fn ratio(&self, of: usize, over: usize) -> f64 {
        median(self.seconds[of].iter().zip(&self.seconds[over]).map(|(of, over)| of / over).collect())
    }
}

/// Times all contenders in interleaved rounds, after one to warm up, and prints the median time of each. Interleaving makes other
/// load on the machine affect all contenders alike.
pub(crate) fn run_interleaved(title: &str, rounds: usize, mut contenders: Vec<Contender<'_>>) -> Times {
    let mut seconds = vec![Vec::new(); contenders.len()];
    for round in 0..=rounds {
        for (contender, seconds) in contenders.iter_mut().zip(&mut seconds) {
            let start = Instant::now();
            std::hint::black_box((contender.batch)());
            if round > 0 {
                seconds.push(start.elapsed().as_secs_f64() / contender.queries as f64);
            }
        }
    }
    println!("  {title}");
    for (contender, seconds) in contenders.iter().zip(&seconds) {
        println!("    {:<44} {:>10.2} us", contender.name, median(seconds.clone()) * 1e6);
    }
    Times { seconds }
}
