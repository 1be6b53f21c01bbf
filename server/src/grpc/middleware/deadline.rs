//! The caller's deadline: `grpc-timeout`, honoured from the first byte of the request to the last of the answer.
//!
//! tonic ends a call at its deadline with CANCELLED, and looks at it only until the answer begins. This layer lies inside
//! tonic's and is asked first, so that its DEADLINE_EXCEEDED is what the caller sees; it goes on looking while an
//! answer streams; and it tells the handler, so that a search stops working by itself.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use http::{HeaderMap, Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep_until};
use tonic::{Status, body::Body};
use tower::{Layer, Service};

use crate::error::ServiceError;
use crate::grpc::method::Method;

/// When a call must be answered, if ever: in the extensions of its request.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Deadline(Option<Instant>);

impl Deadline {
    /// The deadline of a request.
    pub(crate) fn of<T>(request: &tonic::Request<T>) -> Self {
        request.extensions().get().copied().unwrap_or_default()
    }

    pub(crate) fn has_passed(self) -> bool {
        self.0.is_some_and(|deadline| Instant::now() >= deadline)
    }
}

/// Ends calls at their deadlines.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Deadlines;

impl<S> Layer<S> for Deadlines {
    type Service = Timed<S>;

    fn layer(&self, inner: S) -> Timed<S> {
        Timed { inner }
    }
}

/// A service whose calls end at their deadlines.
#[derive(Clone, Debug)]
pub(crate) struct Timed<S> {
    inner: S,
}

impl<S: Service<Request<Body>, Response = Response<Body>>> Service<Request<Body>> for Timed<S> {
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = TimedFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let path = request.uri().path();
        // Of what is not in the contract only a look at the server's health may go on.
        let is_unary = Method::of(path).map_or(path != WATCH_OF_HEALTH, |method| method.is_unary);
        let most = is_unary.then_some(MOST_OF_UNARY);
        let timeout = [timeout_of(request.headers()), most].into_iter().flatten().min();
        let deadline = timeout.map(|timeout| Instant::now() + timeout);
        request.extensions_mut().insert(Deadline(deadline));
        let sleep = deadline.map(|deadline| Box::pin(sleep_until(deadline.into())));
        TimedFuture { inner: self.inner.call(request), sleep }
    }
}

const WATCH_OF_HEALTH: &str = "/grpc.health.v1.Health/Watch";

/// How long a call of one message and one answer may take, whatever its caller allows: also one whose request trickles in,
/// or whose answer nobody reads, ends then.
const MOST_OF_UNARY: Duration = Duration::from_secs(60);

/// What the caller allows. A header that is not as it must be allows everything, as in tonic.
fn timeout_of(headers: &HeaderMap) -> Option<Duration> {
    // A day is for ever; more would only overflow.
    const MOST: Duration = Duration::from_secs(24 * 60 * 60);
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
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
    Some(timeout.min(MOST))
}

pin_project! {
    /// A call until its answer begins.
    pub(crate) struct TimedFuture<F> {
        #[pin]
        inner: F,
        sleep: Option<Pin<Box<Sleep>>>,
    }
}

impl<F: Future<Output = Result<Response<Body>, E>>, E> Future for TimedFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if let Poll::Ready(answered) = this.inner.poll(context) {
            let sleep = this.sleep.take();
            return Poll::Ready(answered.map(|response| match sleep {
                // What is whole already only has to be sent.
                Some(sleep) if !response.body().is_end_stream() => {
                    response.map(|inner| Body::new(TimedBody { inner, sleep, is_over: false }))
                }
                _ => response,
            }));
        }
        let Some(sleep) = this.sleep else { return Poll::Pending };
        ready!(sleep.as_mut().poll(context));
        Poll::Ready(Ok(Status::from(ServiceError::DeadlineExceeded).into_http()))
    }
}

pin_project! {
    /// An answer until it is sent.
    struct TimedBody {
        #[pin]
        inner: Body,
        sleep: Pin<Box<Sleep>>,
        is_over: bool,
    }
}

impl HttpBody for TimedBody {
    type Data = <Body as HttpBody>::Data;
    type Error = <Body as HttpBody>::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let this = self.project();
        if *this.is_over {
            return Poll::Ready(None);
        }
        // First: an answer that always has more to send would never come to its end.
        if this.sleep.as_mut().poll(context).is_pending() {
            return this.inner.poll_frame(context);
        }
        *this.is_over = true;
        let mut trailers = HeaderMap::new();
        let status = Status::from(ServiceError::DeadlineExceeded);
        // Its own details are valid in a header; if ever not, the stream ends without a status, which is an error too.
        drop(status.add_header(&mut trailers));
        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.is_over || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_read_as_grpc_writes_them() {
        let of = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("grpc-timeout", text.parse().unwrap());
            timeout_of(&headers)
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
        assert_eq!(timeout_of(&HeaderMap::new()), None);
    }
}
