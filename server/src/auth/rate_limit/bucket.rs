//! A token bucket that can be in debt (GCRA, the generic cell rate algorithm).
//!
//! The state is one number, so that calls on several threads need no lock. The rate yields credit, in thousandths of a unit: the total
//! that it has yielded since the origin of time is computed from the time, without a state that could drift. The number is the total
//! at which the bucket is full again. Each charge adds to it, and the difference to the total of now is what the bucket lacks.

use std::{
    num::NonZeroU32,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use super::{Cost, Exceeded, Rate};

/// Highest rate in units per second, the work of some 250 cores. With it, the total credit fits into 64 bits for 58 years.
const MAX_UNITS_PER_S: u64 = 10_000_000;
/// Time in which the rate pays the largest debt. A client cannot distinguish a longer delay from an outage, and one response that costs
/// more than a minute of its rate must not exclude it for hours.
const MAX_DEBT_S: u64 = 60;
/// Nanoseconds of a second, divided by the thousandths of a unit.
const NANOS_PER_THOUSANDTH: u128 = 1_000_000;

/// The bucket of one principal.
#[derive(Debug)]
pub(super) struct Bucket {
    units_per_s: u64,
    burst: NonZeroU32,
    /// The total credit at which the bucket is full.
    full_at: AtomicU64,
}

impl Bucket {
    /// A full bucket.
    pub(super) fn new(rate: Rate) -> Self {
        let units_per_s = u64::from(rate.per_s.get()).min(MAX_UNITS_PER_S);
        Self { units_per_s, burst: rate.burst, full_at: AtomicU64::new(0) }
    }

    /// Takes credit for work that is about to begin.
    ///
    /// # Errors
    /// When the bucket holds too little; nothing is taken then.
    pub(super) fn charge(&self, cost: Cost, now: Duration) -> Result<(), Exceeded> {
        let (total, burst) = (self.total(now), self.burst());
        if cost.get() > burst {
            return Err(Exceeded::Burst(self.burst));
        }
        let charged = |full_at: u64| full_at.max(total).saturating_add(cost.get());
        // The number guards no other data.
        let updated = self.full_at.fetch_update(Relaxed, Relaxed, |full_at| {
            Some(charged(full_at)).filter(|charged| *charged <= total.saturating_add(burst))
        });
        updated.map(drop).map_err(|full_at| {
            Exceeded::Until(self.time_of(charged(full_at).saturating_sub(burst)).saturating_sub(now))
        })
    }

    /// Takes credit for work that has been done, also credit that the bucket does not hold, up to the largest debt.
    pub(super) fn add_debt(&self, cost: Cost, now: Duration) {
        if cost == Cost::ZERO {
            return;
        }
        let total = self.total(now);
        let max_debt = Cost::units(self.units_per_s.saturating_mul(MAX_DEBT_S)).get();
        let max = total.saturating_add(self.burst()).saturating_add(max_debt);
        let charged = |full_at: u64| full_at.max(total).saturating_add(cost.get()).min(max).max(full_at);
        let _: Result<u64, u64> =
            self.full_at.fetch_update(Relaxed, Relaxed, |full_at| Some(charged(full_at)));
    }

    fn burst(&self) -> u64 {
        Cost::units(self.burst.get().into()).get()
    }

    /// The credit that the rate has yielded until a time, rounded down.
    fn total(&self, now: Duration) -> u64 {
        let total = now.as_nanos().saturating_mul(self.units_per_s.into()) / NANOS_PER_THOUSANDTH;
        u64::try_from(total).unwrap_or(u64::MAX)
    }

    /// The time at which the rate has yielded a total.
    fn time_of(&self, total: u64) -> Duration {
        let nanos = (u128::from(total) * NANOS_PER_THOUSANDTH).div_ceil(self.units_per_s.into());
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rate(per_s: u32, burst: u32) -> Rate {
        Rate::new(NonZeroU32::new(per_s).unwrap(), NonZeroU32::new(burst))
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_burst_passes_and_the_rate_refills_it() {
        let bucket = Bucket::new(rate(1, 10));
        let charge = |units, now| bucket.charge(Cost::units(units), seconds(now));
        assert_eq!(charge(11, 5), Err(Exceeded::Burst(NonZeroU32::new(10).unwrap())));
        charge(9, 5).unwrap();
        charge(0, 5).unwrap();
        assert_eq!(charge(5, 5), Err(Exceeded::Until(seconds(4))));
        charge(1, 5).unwrap();
        assert_eq!(charge(5, 9), Err(Exceeded::Until(seconds(1))));
        charge(4, 9).unwrap();
        let one = Cost::thousandths(1);
        assert_eq!(bucket.charge(one, seconds(9)), Err(Exceeded::Until(Duration::from_millis(1))));
        bucket.charge(one, Duration::from_millis(9_001)).unwrap();
    }

    #[test]
    fn a_debt_is_paid_before_the_next_charge_and_is_bounded() {
        let bucket = Bucket::new(rate(2, 10));
        bucket.add_debt(Cost::units(14), seconds(1));
        assert_eq!(
            bucket.charge(Cost::units(1), seconds(1)),
            Err(Exceeded::Until(Duration::from_millis(2_500)))
        );
        bucket.charge(Cost::units(1), Duration::from_millis(3_500)).unwrap();
        for _ in 0..3 {
            bucket.add_debt(Cost::thousandths(u64::MAX), seconds(4));
        }
        let wait = bucket.charge(Cost::thousandths(1), seconds(4));
        let max_wait = seconds(MAX_DEBT_S) + Duration::from_micros(500);
        assert_eq!(wait, Err(Exceeded::Until(max_wait)));
        bucket.charge(Cost::units(10), seconds(4) + max_wait + seconds(5)).unwrap();
    }

    #[test]
    fn the_limit_holds_after_decades_and_at_the_highest_rate() {
        let decades = seconds(50 * 365 * 24 * 60 * 60);
        for (per_s, burst) in [(1, 1), (u32::MAX, u32::MAX), (u32::MAX, 1)] {
            let bucket = Bucket::new(rate(per_s, burst));
            bucket.charge(Cost::units(burst.into()), decades).unwrap();
            assert!(matches!(bucket.charge(Cost::thousandths(1), decades), Err(Exceeded::Until(_))));
            bucket.charge(Cost::units(1), decades + seconds(1)).unwrap();
        }
    }

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Advance(u64),
        Charge(u64),
        Debt(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            prop_oneof![0..10_000_000_u64, 0..5_000_000_000_u64, 0..200_000_000_000_u64]
                .prop_map(Step::Advance),
            (0..30_000_u64).prop_map(Step::Charge),
            prop_oneof![0..30_000_u64, 0..10_000_000_u64].prop_map(Step::Debt),
        ]
    }

    /// A token bucket in exact arithmetic, whose balance may be negative: in thousandths of a unit, times [`NANOS_PER_THOUSANDTH`].
    struct Model {
        balance: i128,
        burst: i128,
        max_debt: i128,
        per_ns: i128,
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn a_bucket_equals_an_exact_one_to_a_thousandth(
            per_s in 1..2_000_u32, burst in 1..40_u32, steps in proptest::collection::vec(step(), 1..200),
        ) {
            let scale = i128::try_from(NANOS_PER_THOUSANDTH).unwrap();
            let bucket = Bucket::new(rate(per_s, burst));
            let burst_scaled = i128::from(burst) * 1_000 * scale;
            let max_debt = i128::from(per_s) * i128::from(MAX_DEBT_S) * 1_000 * scale;
            let mut model =
                Model { balance: burst_scaled, burst: burst_scaled, max_debt, per_ns: i128::from(per_s) };
            let mut now_ns = 0_u64;
            for step in steps {
                match step {
                    Step::Advance(nanos) => {
                        now_ns += nanos;
                        model.balance = (model.balance + i128::from(nanos) * model.per_ns).min(model.burst);
                    }
                    Step::Charge(cost) => {
                        let now = Duration::from_nanos(now_ns);
                        let after = model.balance - i128::from(cost) * scale;
                        match bucket.charge(Cost::thousandths(cost), now) {
                            Ok(()) => {
                                prop_assert!(after > -scale, "charged without credit: {after}");
                                model.balance = after;
                            }
                            Err(Exceeded::Burst(max)) => prop_assert!(cost > u64::from(max.get()) * 1_000),
                            Err(Exceeded::Until(wait)) => {
                                prop_assert!(after < scale, "rejected with credit: {after}");
                                let waited = after + i128::try_from(wait.as_nanos()).unwrap() * model.per_ns;
                                prop_assert!(waited.abs() <= scale + model.per_ns, "wrong delay: {waited}");
                                let at = now + wait;
                                let early = at.saturating_sub(Duration::from_nanos(1));
                                let again = Bucket::new(rate(per_s, burst));
                                again.full_at.store(bucket.full_at.load(Relaxed), Relaxed);
                                prop_assert!(again.charge(Cost::thousandths(cost), early).is_err());
                                prop_assert!(again.charge(Cost::thousandths(cost), at).is_ok());
                            }
                        }
                    }
                    Step::Debt(cost) => {
                        bucket.add_debt(Cost::thousandths(cost), Duration::from_nanos(now_ns));
                        let after = model.balance - i128::from(cost) * scale;
                        model.balance = after.max(-model.max_debt).min(model.balance);
                    }
                }
            }
        }
    }
}
