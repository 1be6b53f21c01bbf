//! Resources of which the server has a limited number.
//!
//! A principal may hold a multiple of what is free (dynamic thresholds: Choudhury and Hahne, IEEE/ACM Transactions on Networking 6(2),
//! 1998). With a fraction *f* of 0.9, that multiple is *f* / (1 − *f*) = 9 times its share: a principal alone gets nine tenths of
//! everything, and two get 9/19 each. What one of many holds beyond that is not taken away, but it gets no more. The rest is a
//! reserve, of which a principal that begins can take most.

use crate::error::LimitedResource;

/// A resource of which there is a limited number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resource {
    /// Watches of searches.
    SearchWatchers,
    /// Watches of all changes (`WatchMerchants`), which have a reserve of the watchers.
    FeedWatchers,
    /// Streaming calls that are no watches.
    Streams,
    /// Unary calls of bulk work.
    BulkCalls,
}

/// Number of resources.
pub(super) const RESOURCES: usize = 4;

/// The limits of a server.
#[derive(Clone, Copy, Debug)]
pub struct ResourceLimits {
    /// Watching calls of all principals.
    pub max_watchers: usize,
    /// Streaming calls of all principals that are no watches.
    pub max_streams: usize,
    /// Batches, density and list calls of all principals.
    pub max_bulk_calls: usize,
    /// Fraction of a resource that a principal alone may hold.
    pub max_principal_fraction: f64,
    /// Fraction of the watchers that only `WatchMerchants` can take.
    pub change_feed_reserve: f64,
    /// Count what exceeds a principal's limit, but do not reject it.
    pub observe_only: bool,
}

#[cfg(test)]
impl Default for ResourceLimits {
    fn default() -> Self {
        Self {
            max_watchers: 20_000,
            max_streams: 10_000,
            max_bulk_calls: 1_000,
            max_principal_fraction: 0.9,
            change_feed_reserve: 0.1,
            observe_only: false,
        }
    }
}

impl ResourceLimits {
    /// Units of a resource that a call can still take.
    pub(super) fn free(&self, resource: Resource, held: &[usize; RESOURCES]) -> usize {
        let [search, feed, streams, bulk] = *held;
        let free_watchers = self.max_watchers.saturating_sub(search + feed);
        match resource {
            Resource::FeedWatchers => free_watchers,
            Resource::SearchWatchers => {
                let max = up(self.max_watchers as f64 * (1.0 - self.change_feed_reserve));
                free_watchers.min(max.saturating_sub(search))
            }
            Resource::Streams => self.max_streams.saturating_sub(streams),
            Resource::BulkCalls => self.max_bulk_calls.saturating_sub(bulk),
        }
    }

    /// Units that a principal may hold while this many are free.
    pub(super) fn threshold(&self, free: usize, share: u32) -> usize {
        let multiple = self.max_principal_fraction / (1.0 - self.max_principal_fraction);
        up(multiple * f64::from(share) * free as f64)
    }
}

/// The next larger number: a principal may hold one unit of each resource, however small it is.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "numbers of calls, of which infinity saturates"
)]
fn up(number: f64) -> usize {
    // 20,000 × (1 − 0.1) may be a little more than 18,000.
    (number - 1e-6).ceil() as usize
}

impl Resource {
    /// The value of the metric's `resource` label.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::SearchWatchers => "search_watchers",
            Self::FeedWatchers => "feed_watchers",
            Self::Streams => "streams",
            Self::BulkCalls => "bulk_calls",
        }
    }

    pub(super) const fn limited(self) -> LimitedResource {
        match self {
            Self::SearchWatchers | Self::FeedWatchers => LimitedResource::Watchers,
            Self::Streams => LimitedResource::Streams,
            Self::BulkCalls => LimitedResource::BulkCalls,
        }
    }
}
