//! Ends streams whose credentials are revoked or expire, or whose principal loses a role.
//!
//! A stream can take hours, while its credentials are checked when it starts. They are therefore checked again every two seconds:
//! the same function then applies to all kinds of credentials and all reasons, without a record of who depends on which key. A check
//! takes microseconds. With the reload of key files, a stream ends within four seconds of the change of a file.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use http_body::Body as _;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use tonic::{Status, body::Body};

use super::{BodyObserver, PolledFrame};
use crate::{
    error::ServiceError,
    net::http2::{Backpressure, BackpressureObserver},
};

const INTERVAL: Duration = Duration::from_secs(2);

/// Checks the credentials of a stream again.
pub(super) struct CredentialCheck {
    check: Box<dyn Fn() -> Result<(), ServiceError> + Send>,
    interval: Interval,
    backpressure: BackpressureObserver,
}

impl CredentialCheck {
    /// Calls `check` until it fails.
    pub(super) fn new(
        backpressure: Backpressure,
        check: impl Fn() -> Result<(), ServiceError> + Send + 'static,
    ) -> Self {
        let mut interval = interval_at(Instant::now() + INTERVAL, INTERVAL);
        // After a pause of the process, one check is enough.
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { check: Box::new(check), interval, backpressure: backpressure.observe() }
    }

    /// Completes with the error of the stream once its credentials are no longer valid.
    pub(super) async fn failed(&mut self) -> ServiceError {
        loop {
            self.interval.tick().await;
            if let Err(error) = (self.check)() {
                return error;
            }
        }
    }
}

impl BodyObserver for CredentialCheck {
    fn poll_frame(&mut self, body: Pin<&mut Body>, context: &mut Context<'_>) -> Result<PolledFrame, Status> {
        while self.interval.poll_tick(context).is_ready() {
            (self.check)()?;
        }
        Ok(if self.backpressure.holds_back() { Poll::Pending } else { body.poll_frame(context) })
    }
}
