//! How a call is made: its deadline, its attempts, and one attempt.

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
    Answers, Client,
    access::ShowKey,
    codec::SharedCodec,
    error::ClientError,
    method::Method,
    retry::random,
    service_config::{self, RetryPolicy, rules_of},
    write::Write,
};

/// How long a call may take, and when that is over.
#[derive(Clone, Copy)]
struct Deadline {
    length: Duration,
    at: Instant,
}

/// Longer deadlines are taken as this: the header that tells the server has eight digits.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl Client {
    /// Reads something, again where the service config allows it.
    pub(crate) async fn read<Req, Res>(&self, method: Method, request: Req) -> Result<Res, ClientError>
    where
        Req: Message + 'static,
        Res: Message + Default + 'static,
    {
        self.unary(method, request, rules_of(method).retry.as_ref()).await
    }

    /// Changes something, again because the request says by its id that it is the same.
    pub(crate) async fn write<Req, Res>(&self, method: Method, mut request: Req) -> Result<Res, ClientError>
    where
        Req: Write,
        Res: Message + Default + 'static,
    {
        let id = request.identify();
        let answer = self.unary(method, request, service_config::retry_with_request_id()).await;
        answer.map_err(|error: ClientError| error.of_request(id))
    }

    /// Sends a stream of messages and has one answer. Never repeated: what has been sent of the stream is gone.
    pub(crate) async fn send_all<Req, Res>(
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
            let answer = grpc.client_streaming(request, path_of(method), ProstCodec::<Req, Res>::default());
            answer.await.map(Response::into_inner)
        };
        within(deadline, async { Ok(call.await?) }).await
    }

    /// Asks one thing and has many answers, for as long as it takes.
    pub(crate) async fn receive<Req, Res>(
        &self,
        method: Method,
        request: Req,
    ) -> Result<Answers<Res>, ClientError>
    where
        Req: Message + 'static,
        Res: Message + Default + 'static,
    {
        let mut grpc = self.ready().await?;
        let codec = ProstCodec::<Req, Res>::default();
        let answers = grpc.server_streaming(Request::new(request), path_of(method), codec).await?;
        Ok(Answers::new(answers.into_inner()))
    }

    /// Says many things and has many answers, for as long as it takes.
    pub(crate) async fn converse<Req, Res>(
        &self,
        method: Method,
        requests: impl Stream<Item = Req> + Send + 'static,
    ) -> Result<Answers<Res>, ClientError>
    where
        Req: Message + 'static,
        Res: Message + Default + 'static,
    {
        let mut grpc = self.ready().await?;
        let codec = ProstCodec::<Req, Res>::default();
        let answers = grpc.streaming(Request::new(requests), path_of(method), codec).await?;
        Ok(Answers::new(answers.into_inner()))
    }

    async fn unary<Req, Res>(
        &self,
        method: Method,
        request: Req,
        retry: Option<&RetryPolicy>,
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
                let answer = self.attempt(method, Arc::clone(&request), deadline).await;
                attempts += 1;
                let error = match answer {
                    Ok(answer) => return Ok(answer),
                    Err(status) => ClientError::from(status),
                };
                let wait = retry
                    .filter(|_| self.retries)
                    .and_then(|policy| policy.wait_after(attempts, &error, random()));
                // Rather this error now than none but the deadline later.
                let wait = wait.filter(|wait| deadline.is_none_or(|deadline| deadline.has_room_for(*wait)));
                let Some(wait) = wait else { return Err(error) };
                sleep(wait).await;
            }
        };
        within(deadline, attempts).await
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
        let answer = grpc.unary(request, path_of(method), SharedCodec::<Req, Res>::new());
        answer.await.map(Response::into_inner)
    }

    async fn ready(&self) -> Result<Grpc<InterceptedService<Channel, ShowKey>>, Status> {
        let mut grpc = Grpc::new(InterceptedService::new(self.channel.clone(), self.key.clone()));
        grpc.ready().await.map_err(|error| Status::from_error(Box::new(error)))?;
        Ok(grpc)
    }

    fn deadline_of(&self, method: Method) -> Option<Deadline> {
        let length = self.deadline.or(rules_of(method).timeout)?.min(LONGEST);
        Some(Deadline { length, at: Instant::now() + length })
    }
}

impl Deadline {
    fn has_room_for(&self, wait: Duration) -> bool {
        self.at.saturating_duration_since(Instant::now()) > wait
    }
}

/// Tells the server how much time there still is.
fn with_timeout<T>(mut request: Request<T>, deadline: Option<Deadline>) -> Request<T> {
    if let Some(deadline) = deadline {
        request.set_timeout(deadline.at.saturating_duration_since(Instant::now()));
    }
    request
}

/// tonic's own clock stops at the headers of an answer; this one runs until the answer is there.
async fn within<T>(
    deadline: Option<Deadline>,
    call: impl Future<Output = Result<T, ClientError>>,
) -> Result<T, ClientError> {
    let Some(deadline) = deadline else { return call.await };
    timeout_at(deadline.at, call).await.unwrap_or_else(|_| Err(ClientError::too_late(deadline.length)))
}

fn path_of(method: Method) -> PathAndQuery {
    PathAndQuery::from_static(method.path())
}
