//! Enforces deadlines: the caller's `grpc-timeout`, from the arrival of the request to the last byte of the response.
//!
//! tonic's own timeout ends a call with CANCELLED and covers only the time to the response's headers. This layer answers
//! DEADLINE_EXCEEDED, goes on while a response streams or its client reads nothing, and hands the deadline to the handler, so that a search stops by
//! itself.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use http::{HeaderMap, Request, Response};
use http_body::Body as _;
use tokio::time::{Sleep, sleep_until};
use tonic::{Status, body::Body};

use super::{BodyObserver, GrpcService, Middleware, ObservedBody, PolledFrame, backpressure_of, call};
use crate::{
    error::ServiceError,
    grpc::method::Route,
    net::http2::{Arrived, BackpressureObserver},
    reason,
};

/// The time by which a call must end, if any: in the extensions of its request.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Deadline(Option<Instant>);

impl Deadline {
    /// The deadline of a request.
    pub(crate) fn of<T>(request: &tonic::Request<T>) -> Self {
        request.extensions().get().copied().unwrap_or_default()
    }

    /// The time until then.
    pub(crate) fn remaining(self) -> Option<Duration> {
        self.0.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    pub(crate) fn has_passed(self) -> bool {
        self.0.is_some_and(|deadline| Instant::now() >= deadline)
    }
}

/// Limit of a unary call, whatever its caller allows. It also ends calls whose request trickles in or whose response is not
/// read.
const MAX_UNARY_DURATION: Duration = Duration::from_secs(60);

/// Ends calls at their deadlines.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EnforceDeadline;

impl Middleware for EnforceDeadline {
    async fn handle(self, mut request: Request<Body>, inner: impl GrpcService) -> Response<Body> {
        let limit = Route::of(&request).is_unary().then_some(MAX_UNARY_DURATION);
        let given = match parse_timeout(request.headers()) {
            Ok(given) => given,
            Err(error) => return Status::from(error).into_http(),
        };
        let timeout = [given, limit].into_iter().flatten().min();
        let deadline = timeout.map(|timeout| Arrived::of(&request) + timeout);
        request.extensions_mut().insert(Deadline(deadline));
        let Some(deadline) = deadline else { return call(inner, request).await };
        let backpressure = backpressure_of(&request);
        let mut sleep = Box::pin(sleep_until(deadline.into()));
        let response = tokio::select! {
            biased;
            response = call(inner, request) => response,
            () = &mut sleep => return Status::from(ServiceError::DeadlineExceeded).into_http(),
        };
        // A complete response only has to be sent.
        if response.body().is_end_stream() {
            return response;
        }
        ObservedBody::observe(response, Timer { sleep, backpressure: backpressure.observe() })
    }
}

/// Ends a response at the deadline.
struct Timer {
    sleep: Pin<Box<Sleep>>,
    backpressure: BackpressureObserver,
}

impl BodyObserver for Timer {
    fn poll_frame(&mut self, body: Pin<&mut Body>, context: &mut Context<'_>) -> Result<PolledFrame, Status> {
        // The timer comes first: a stream that always has another frame would never reach its deadline.
        if self.sleep.as_mut().poll(context).is_ready() {
            return Err(ServiceError::DeadlineExceeded.into());
        }
        Ok(if self.backpressure.holds_back() { Poll::Pending } else { body.poll_frame(context) })
    }
}

/// The timeout of the `grpc-timeout` header. A caller whose timeout is ignored would wait without a limit.
fn parse_timeout(headers: &HeaderMap) -> Result<Option<Duration>, ServiceError> {
    let mut values = headers.get_all("grpc-timeout").iter();
    let Some(value) = values.next() else { return Ok(None) };
    let timeout = if values.next().is_none() { value.to_str().ok().and_then(timeout_of) } else { None };
    let description = "must be sent once, as 1 to 8 digits and one of the units H, M, S, m, u and n";
    timeout
        .map(Some)
        .ok_or_else(|| ServiceError::invalid("grpc-timeout", reason::TIMEOUT_INVALID, description))
}

fn timeout_of(text: &str) -> Option<Duration> {
    // A longer timeout is as good as none, and could overflow an `Instant`.
    const MAX: Duration = Duration::from_secs(24 * 60 * 60);
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    let timeout = match unit {
        "H" => Duration::from_secs(number * 60 * 60),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    };
    Some(timeout.min(MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_parsed_as_grpc_specifies() {
        let of = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("grpc-timeout", text.parse().unwrap());
            parse_timeout(&headers).ok().flatten()
        };
        assert_eq!(of("1H"), Some(Duration::from_secs(3_600)));
        assert_eq!(of("2M"), Some(Duration::from_secs(120)));
        assert_eq!(of("42S"), Some(Duration::from_secs(42)));
        assert_eq!(of("13m"), Some(Duration::from_millis(13)));
        assert_eq!(of("2u"), Some(Duration::from_micros(2)));
        assert_eq!(of("82n"), Some(Duration::from_nanos(82)));
        assert_eq!(of("99999999H"), Some(Duration::from_secs(86_400)));
        for wrong in ["", "S", "123456789S", "-1S", "1x", "1.5S", "1"] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
        assert_eq!(parse_timeout(&HeaderMap::new()), Ok(None));
        let mut twice = HeaderMap::new();
        for value in ["1S", "1S"] {
            twice.append("grpc-timeout", value.parse().unwrap());
        }
        assert!(parse_timeout(&twice).is_err());
    }
}
