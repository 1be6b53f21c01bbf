//! Takes turns.

use std::time::Instant;

use nearby_benches::median;

/// One that takes part: a name, and a batch of work that returns how many merchants it found.
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

/// Seconds a query, of each contender in each turn.
pub(crate) struct Times {
    seconds: Vec<Vec<f64>>,
}

impl Times {
    /// How many times as long a contender takes as another: the median over all turns.
    pub(crate) fn ratio(&self, of: usize, over: usize) -> f64 {
        median(self.seconds[of].iter().zip(&self.seconds[over]).map(|(of, over)| of / over).collect())
    }
}

/// Lets all take turns, after one to warm up, and prints the median time of each.
pub(crate) fn take_turns(title: &str, turns: usize, mut contenders: Vec<Contender<'_>>) -> Times {
    let mut seconds = vec![Vec::new(); contenders.len()];
    for turn in 0..=turns {
        for (contender, seconds) in contenders.iter_mut().zip(&mut seconds) {
            let start = Instant::now();
            std::hint::black_box((contender.batch)());
            if turn > 0 {
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
