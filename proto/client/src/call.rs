//! Execution of a call: deadline, attempts and delays.

use std::{future::Future, sync::Arc, time::Duration};

use futures_util::Stream;
use http::uri::PathAndQuery;
use prost::Message;
use tokio::time::{Instant, sleep, timeout_at};
use tonic::{
    Request, Response, Status, client::Grpc, service::interceptor::InterceptedService, transport::Channel,
};
use tonic_prost::ProstCodec;

use crate::{
    Client, ResponseStream,
    access::AuthInterceptor,
    codec::SharedCodec,
    error::ClientError,
    http_error::HttpErrors,
    method::Method,
    retry::random,
    service_config::{self, RetryPolicy, call_policy},
    write::WriteRequest,
};

/// Deadline of a call, as a duration and as a point in time.
#[derive(Clone, Copy)]
struct Deadline {
    duration: Duration,
    at: Instant,
}

/// Maximum deadline; longer ones are shortened to it. The `grpc-timeout` header has at most eight digits.
const MAX_DEADLINE: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl Client {
    /// Makes a unary call that changes nothing. Retried as the service config allows.
    pub(crate) async fn read<Req, Res>(&self, method: Method, request: Req) -> Result<Res, ClientError>
    where
        Req: Message + 'static,
        Res: Message + Default + 'static,
    {
        self.unary(method, request, call_policy(method).retry.as_ref(), |_| ()).await
    }

    /// Makes a unary call that changes something. Retried because the request id makes it idempotent.
    pub(crate) async fn write<Req, Res>(&self, method: Method, mut request: Req) -> Result<Res, ClientError>
    where
        Req: WriteRequest,
        Res: Message + Default + 'static,
    {
        let id = request.ensure_request_id();
        // An attempt whose outcome is unknown is followed by others, the last of which may be rejected before it changes anything.
        let mut may_be_applied = false;
        let result = self
            .unary(method, request, service_config::retry_with_request_id(), |error| {
                may_be_applied |= error.outcome_is_unknown();
            })
            .await;
        result.map_err(|error: ClientError| {
            if may_be_applied { error.after_unknown_outcome() } else { error }.with_request_id(id)
        })
    }

    /// Makes a client-streaming call. Never retried: messages taken from the stream cannot be sent again.
    pub(crate) async fn client_streaming<Req, Res>(
        &self,
        method: Method,
        requests: impl Stream<Item = Req> + Send + 'static,
    ) -> Result<Res, ClientError>
    where
        Req: Message + 'static,
        Res: Message + Default + 'static,
    {
        let deadline = self.deadline_of(method);
        let call = async {
            let mut grpc = self.ready().await?;
            let request = with_timeout(Request::new(requests), deadline);
            let response = grpc.client_streaming(request, path_of(method), ProstCodec::<Req, Res>::default());
            response.await.map(Response::into_inner)
        };
        within(deadline, async { Ok(call.await?) }).await.map_err(|error| self.explain(error))
    }

    /// Makes a server-streaming call, without a deadline.
    pub(crate) async fn server_streaming<Req, Res>(
        &self,
        method: Method,
        request: Req,
    ) -> Result<ResponseStream<Res>, ClientError>
    where
        Req: Message + 'static,
        Res: Message + Default + 'static,
    {
        let call = async {
            let mut grpc = self.ready().await?;
            let codec = ProstCodec::<Req, Res>::default();
            grpc.server_streaming(Request::new(request), path_of(method), codec).await
        };
        let responses = call.await.map_err(|status: Status| self.explain(status.into()))?;
        Ok(ResponseStream::new(responses.into_inner()))
    }

    /// Makes a bidirectional streaming call, without a deadline.
    pub(crate) async fn bidirectional_streaming<Req, Res>(
        &self,
        method: Method,
        requests: impl Stream<Item = Req> + Send + 'static,
    ) -> Result<ResponseStream<Res>, ClientError>
    where
        Req: Message + 'static,
        Res: Message + Default + 'static,
    {
        let call = async {
            let mut grpc = self.ready().await?;
            let codec = ProstCodec::<Req, Res>::default();
            grpc.streaming(Request::new(requests), path_of(method), codec).await
        };
        let responses = call.await.map_err(|status: Status| self.explain(status.into()))?;
        Ok(ResponseStream::new(responses.into_inner()))
    }

    async fn unary<Req, Res>(
        &self,
        method: Method,
        request: Req,
        retry: Option<&RetryPolicy>,
        mut failed: impl FnMut(&ClientError),
    ) -> Result<Res, ClientError>
    where
        Req: Message + 'static,
        Res: Message + Default + 'static,
    {
        let deadline = self.deadline_of(method);
        let request = Arc::new(request);
        let attempts = async {
            let mut attempts = 0;
            loop {
                let result = self.attempt(method, Arc::clone(&request), deadline).await;
                attempts += 1;
                let error = match result {
                    Ok(response) => return Ok(response),
                    Err(status) => ClientError::from(status),
                };
                failed(&error);
                let delay = retry
                    .filter(|_| self.retries)
                    .and_then(|policy| policy.delay_after(attempts, &error, random()));
                // Returns this error now rather than DEADLINE_EXCEEDED later.
                let delay = delay.filter(|delay| deadline.is_none_or(|deadline| deadline.allows(*delay)));
                let Some(delay) = delay else { return Err(error) };
                sleep(delay).await;
            }
        };
        within(deadline, attempts).await.map_err(|error| self.explain(error))
    }

    /// Adds what the client knows of its connection to an error.
    fn explain(&self, error: ClientError) -> ClientError {
        if self.may_lack_certificate { error.with_certificate_hint() } else { error }
    }

    async fn attempt<Req, Res>(
        &self,
        method: Method,
        request: Arc<Req>,
        deadline: Option<Deadline>,
    ) -> Result<Res, Status>
    where
        Req: Message + 'static,
        Res: Message + Default + 'static,
    {
        let mut grpc = self.ready().await?;
        let request = with_timeout(Request::new(request), deadline);
        let response = grpc.unary(request, path_of(method), SharedCodec::<Req, Res>::new());
        response.await.map(Response::into_inner)
    }

    async fn ready(&self) -> Result<Grpc<HttpErrors<InterceptedService<Channel, AuthInterceptor>>>, Status> {
        let service = InterceptedService::new(self.channel.clone(), self.auth.clone());
        let mut grpc = Grpc::new(HttpErrors(service));
        grpc.ready().await.map_err(|error| Status::from_error(Box::new(error)))?;
        Ok(grpc)
    }

    fn deadline_of(&self, method: Method) -> Option<Deadline> {
        let duration = self.deadline.or(call_policy(method).timeout)?.min(MAX_DEADLINE);
        Some(Deadline { duration, at: Instant::now() + duration })
    }
}

impl Deadline {
    fn allows(&self, delay: Duration) -> bool {
        self.at.saturating_duration_since(Instant::now()) > delay
    }
}

/// Sets the `grpc-timeout` header to the time remaining.
fn with_timeout<T>(mut request: Request<T>, deadline: Option<Deadline>) -> Request<T> {
    if let Some(deadline) = deadline {
        request.set_timeout(deadline.at.saturating_duration_since(Instant::now()));
    }
    request
}

/// Applies the deadline to a whole call. The timeout of tonic ends with the headers of the response; this one includes
/// the message.
async fn within<T>(
    deadline: Option<Deadline>,
    call: impl Future<Output = Result<T, ClientError>>,
) -> Result<T, ClientError> {
    let Some(deadline) = deadline else { return call.await };
    timeout_at(deadline.at, call)
        .await
        .unwrap_or_else(|_| Err(ClientError::deadline_exceeded(deadline.duration)))
}

fn path_of(method: Method) -> PathAndQuery {
    PathAndQuery::from_static(method.path())
}
