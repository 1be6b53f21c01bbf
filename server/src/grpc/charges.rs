//! Charges the work of a call to its principal.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use tokio::time::sleep;

use crate::{
    auth::{
        principal::Principal,
        rate_limit::{Cost, Exceeded},
    },
    error::ServiceError,
    telemetry::principals::PrincipalMetrics,
};

/// The total cost of a call whose caller asked for it, in thousandths of a unit.
#[derive(Debug, Default)]
pub(crate) struct CallCost(AtomicU64);

impl CallCost {
    pub(crate) fn get(&self) -> Cost {
        Cost::thousandths(self.0.load(Relaxed))
    }
}

/// Charges the work of one call: to the rate limit of its principal, to the metrics, and to the total that the caller asked for. Work
/// is charged as a debt after it has been done, unless its cost is known before.
#[derive(Debug, Default)]
pub(crate) struct Charges {
    pub(crate) principal: Option<Arc<Principal>>,
    pub(crate) metrics: Option<Arc<PrincipalMetrics>>,
    pub(crate) total: Option<Arc<CallCost>>,
}

impl Charges {
    /// Charges work that is about to begin.
    ///
    /// # Errors
    /// [`ServiceError::RateLimited`]; nothing is charged then.
    pub(crate) fn charge(&self, cost: Cost) -> Result<(), ServiceError> {
        self.try_charge(cost).map_err(|exceeded| {
            if let Some(metrics) = &self.metrics {
                metrics.record_rate_limited();
            }
            ServiceError::RateLimited(exceeded)
        })
    }

    /// Charges work that is about to begin as soon as it is within the rate limit.
    ///
    /// # Errors
    /// [`ServiceError::RateLimited`] if it is larger than the burst.
    pub(crate) async fn charge_in_time(&self, cost: Cost) -> Result<(), ServiceError> {
        loop {
            match self.try_charge(cost) {
                Ok(()) => return Ok(()),
                Err(Exceeded::Until(wait)) => sleep(wait).await,
                Err(exceeded @ Exceeded::Burst(_)) => return Err(ServiceError::RateLimited(exceeded)),
            }
        }
    }

    /// Charges work that has been done. It may exceed the rate limit: later calls wait until the debt is paid.
    pub(crate) fn add_debt(&self, cost: Cost) {
        if cost == Cost::ZERO {
            return;
        }
        if let Some(principal) = &self.principal {
            principal.add_debt(cost);
        }
        self.record(cost);
    }

    fn try_charge(&self, cost: Cost) -> Result<(), Exceeded> {
        self.principal.as_ref().map_or(Ok(()), |principal| principal.charge(cost))?;
        self.record(cost);
        Ok(())
    }

    fn record(&self, cost: Cost) {
        if let Some(metrics) = &self.metrics {
            metrics.add_cost(cost.get());
        }
        if let Some(total) = &self.total {
            total.0.fetch_add(cost.get(), Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_counts_without_a_rate_limit() {
        let total = Arc::<CallCost>::default();
        let charges = Charges { total: Some(Arc::clone(&total)), ..Charges::default() };
        charges.charge(Cost::units(1)).unwrap();
        charges.charge_in_time(Cost::units(2)).await.unwrap();
        charges.add_debt(Cost::thousandths(500));
        assert_eq!(total.get().to_string(), "3.5");
    }
}
