//! A scripted server that records its calls.

use std::{
    collections::{HashMap, VecDeque},
    future,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::{Stream, StreamExt, stream};
use hyper_util::rt::TokioIo;
use nearby_client::Client;
use nearby_proto::{
    Encoded,
    server::{
        merchant_service_server::{MerchantService, MerchantServiceServer},
        nearby_service_server::{NearbyService, NearbyServiceServer},
    },
    v1::*,
    well_known::Empty,
};
use prost::Message;
use tokio::{
    io::DuplexStream,
    net::TcpListener,
    sync::mpsc::{self, UnboundedReceiver},
};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{
    Code, Request, Response, Status, Streaming,
    service::Routes,
    transport::{Endpoint, Server, Uri},
};
use tonic_types::{ErrorDetails, StatusExt};

/// Scripted outcome of a call.
pub(crate) enum Outcome {
    /// Respond with these encoded messages: one, unless the method streams.
    Respond(Vec<Vec<u8>>),
    /// Fail with this status.
    Fail(Status),
    /// Never respond.
    Hang,
}

/// A recorded call.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: &'static str,
    request: Vec<u8>,
    /// Header as received.
    pub(crate) grpc_timeout: Option<String>,
}

#[derive(Clone, Default)]
pub(crate) struct FakeServer(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// Outcomes of the next calls; further calls get an empty message.
    outcomes: VecDeque<Outcome>,
    calls: Vec<Call>,
}

pub(crate) fn unavailable() -> Outcome {
    Outcome::Fail(Status::unavailable("not now"))
}

pub(crate) fn unavailable_for(delay: Duration) -> Outcome {
    let details = ErrorDetails::with_retry_info(Some(delay));
    Outcome::Fail(Status::with_error_details(Code::Unavailable, "not now", details))
}

pub(crate) fn fail(code: Code, reason: &str) -> Outcome {
    let details = ErrorDetails::with_error_info(reason, "nearby", HashMap::new());
    Outcome::Fail(Status::with_error_details(code, "failed", details))
}

pub(crate) fn respond(message: &impl Message) -> Outcome {
    Outcome::Respond(vec![message.encode_to_vec()])
}

impl Call {
    pub(crate) fn request<T: Message + Default>(&self) -> T {
        T::decode(self.request.as_slice()).unwrap()
    }

    /// Parses the `grpc-timeout` header.
    pub(crate) fn timeout(&self) -> Option<Duration> {
        let (number, unit) = self.grpc_timeout.as_ref()?.split_at(self.grpc_timeout.as_ref()?.len() - 1);
        let number = number.parse().unwrap();
        Some(match unit {
            "n" => Duration::from_nanos(number),
            "u" => Duration::from_micros(number),
            "m" => Duration::from_millis(number),
            "S" => Duration::from_secs(number),
            _ => panic!("unexpected unit of grpc-timeout: {unit}"),
        })
    }
}

impl FakeServer {
    pub(crate) fn new(outcomes: impl IntoIterator<Item = Outcome>) -> Self {
        let server = Self::default();
        server.push_outcomes(outcomes);
        server
    }

    /// Appends outcomes of the next calls.
    pub(crate) fn push_outcomes(&self, outcomes: impl IntoIterator<Item = Outcome>) {
        self.0.lock().unwrap().outcomes.extend(outcomes);
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.0.lock().unwrap().calls.clone()
    }

    /// Creates a client over an in-memory pipe. Nothing outside the runtime is involved, so a paused clock advances
    /// only when all tasks are idle.
    pub(crate) fn client(&self) -> Client {
        let (connections, incoming) = mpsc::unbounded_channel();
        tokio::spawn(
            Server::builder().add_routes(self.routes()).serve_with_incoming(pipe_listener(incoming)),
        );
        client_over_pipes(connections)
    }

    /// Listens on a TCP port of the loopback interface.
    pub(crate) async fn listen(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = Server::builder().add_routes(self.routes());
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        address
    }

    pub(crate) fn routes(&self) -> Routes {
        Routes::new(NearbyServiceServer::new(self.clone()))
            .add_service(MerchantServiceServer::new(self.clone()))
    }

    async fn record<T: Message>(
        &self,
        method: &'static str,
        request: &Request<T>,
    ) -> Result<Vec<Vec<u8>>, Status> {
        let grpc_timeout =
            request.metadata().get("grpc-timeout").map(|value| value.to_str().unwrap().to_owned());
        let outcome = {
            let mut state = self.0.lock().unwrap();
            state.calls.push(Call { method, request: request.get_ref().encode_to_vec(), grpc_timeout });
            state.outcomes.pop_front()
        };
        match outcome {
            None => Ok(vec![Vec::new()]),
            Some(Outcome::Respond(messages)) => Ok(messages),
            Some(Outcome::Fail(status)) => Err(status),
            Some(Outcome::Hang) => future::pending().await,
        }
    }

    async fn unary<Q: Message, A: Message + Default>(
        &self,
        method: &'static str,
        request: Request<Q>,
    ) -> RpcResult<A> {
        let messages = self.record(method, &request).await?;
        Ok(Response::new(A::decode(messages[0].as_slice()).unwrap()))
    }

    async fn unary_encoded<Q: Message, A>(
        &self,
        method: &'static str,
        request: Request<Q>,
    ) -> RpcResult<Encoded<A>> {
        let messages = self.record(method, &request).await?;
        Ok(Response::new(Encoded::from_bytes(messages[0].clone())))
    }

    /// Sends all messages, then the error if the next outcome is one.
    async fn server_stream<Q: Message, A: 'static>(
        &self,
        method: &'static str,
        request: Request<Q>,
    ) -> RpcResult<EncodedStream<A>> {
        let messages = self.record(method, &request).await?;
        let end = match self.0.lock().unwrap().outcomes.pop_front() {
            Some(Outcome::Fail(status)) => Some(Err(status)),
            _ => None,
        };
        let messages = messages.into_iter().map(|message| Ok(Encoded::from_bytes(message)));
        Ok(Response::new(Box::pin(stream::iter(messages.chain(end)))))
    }
}

/// Creates a client that opens each connection by sending one end of a pipe.
pub(crate) fn client_over_pipes(connections: mpsc::UnboundedSender<DuplexStream>) -> Client {
    let connect = move |_: Uri| {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let sent = connections.send(theirs).map_err(std::io::Error::other);
        future::ready(sent.map(|()| TokioIo::new(ours)))
    };
    let endpoint = Endpoint::from_static("http://in.memory");
    Client::from_channel(endpoint.connect_with_connector_lazy(tower::service_fn(connect)))
}

/// Accepts the connections of [`client_over_pipes`].
pub(crate) fn pipe_listener(
    incoming: UnboundedReceiver<DuplexStream>,
) -> impl Stream<Item = Result<DuplexStream, std::io::Error>> {
    stream::unfold(incoming, |mut incoming| async { Some((Ok(incoming.recv().await?), incoming)) })
}

type RpcResult<T> = Result<Response<T>, Status>;
type EncodedStream<T> = Pin<Box<dyn Stream<Item = Result<Encoded<T>, Status>> + Send>>;

#[tonic::async_trait]
impl NearbyService for FakeServer {
    async fn search_nearby(
        &self,
        request: Request<SearchNearbyRequest>,
    ) -> RpcResult<Encoded<SearchNearbyResponse>> {
        self.unary_encoded("SearchNearby", request).await
    }

    async fn batch_search_nearby(
        &self,
        request: Request<BatchSearchNearbyRequest>,
    ) -> RpcResult<Encoded<BatchSearchNearbyResponse>> {
        self.unary_encoded("BatchSearchNearby", request).await
    }

    type StreamSearchNearbyStream = EncodedStream<StreamSearchNearbyResponse>;

    /// Answers each request with its tag only.
    async fn stream_search_nearby(
        &self,
        request: Request<Streaming<StreamSearchNearbyRequest>>,
    ) -> RpcResult<Self::StreamSearchNearbyStream> {
        let (metadata, extensions, requests) = request.into_parts();
        self.record("StreamSearchNearby", &Request::from_parts(metadata, extensions, ())).await?;
        let responses = requests.map(|request| {
            let response = StreamSearchNearbyResponse { tag: request?.tag, outcome: None };
            Ok(Encoded::from(&response))
        });
        Ok(Response::new(Box::pin(responses)))
    }

    type WatchNearbyStream = EncodedStream<WatchNearbyResponse>;

    /// Answers each step with the number of steps so far.
    async fn watch_nearby(
        &self,
        request: Request<Streaming<WatchNearbyRequest>>,
    ) -> RpcResult<Self::WatchNearbyStream> {
        let (metadata, extensions, steps) = request.into_parts();
        self.record("WatchNearby", &Request::from_parts(metadata, extensions, ())).await?;
        let responses = steps.enumerate().map(|(before, step)| {
            step?;
            Ok(Encoded::from(&WatchNearbyResponse { steps: before as u64 + 1, ..Default::default() }))
        });
        Ok(Response::new(Box::pin(responses)))
    }

    type WatchNearbyFromStream = EncodedStream<WatchNearbyResponse>;

    async fn watch_nearby_from(
        &self,
        request: Request<WatchNearbyStart>,
    ) -> RpcResult<Self::WatchNearbyFromStream> {
        self.server_stream("WatchNearbyFrom", request).await
    }

    async fn get_density(&self, request: Request<GetDensityRequest>) -> RpcResult<GetDensityResponse> {
        self.unary("GetDensity", request).await
    }
}

#[tonic::async_trait]
impl MerchantService for FakeServer {
    async fn get_merchant(&self, request: Request<GetMerchantRequest>) -> RpcResult<Encoded<Merchant>> {
        self.unary_encoded("GetMerchant", request).await
    }

    async fn batch_get_merchants(
        &self,
        request: Request<BatchGetMerchantsRequest>,
    ) -> RpcResult<Encoded<BatchGetMerchantsResponse>> {
        self.unary_encoded("BatchGetMerchants", request).await
    }

    async fn list_merchants(
        &self,
        request: Request<ListMerchantsRequest>,
    ) -> RpcResult<Encoded<ListMerchantsResponse>> {
        self.unary_encoded("ListMerchants", request).await
    }

    async fn create_merchant(&self, request: Request<CreateMerchantRequest>) -> RpcResult<Encoded<Merchant>> {
        self.unary_encoded("CreateMerchant", request).await
    }

    async fn update_merchant(&self, request: Request<UpdateMerchantRequest>) -> RpcResult<Encoded<Merchant>> {
        self.unary_encoded("UpdateMerchant", request).await
    }

    async fn delete_merchant(&self, request: Request<DeleteMerchantRequest>) -> RpcResult<Empty> {
        self.unary("DeleteMerchant", request).await
    }

    async fn show_merchant(&self, request: Request<ShowMerchantRequest>) -> RpcResult<Encoded<Merchant>> {
        self.unary_encoded("ShowMerchant", request).await
    }

    async fn hide_merchant(&self, request: Request<HideMerchantRequest>) -> RpcResult<Encoded<Merchant>> {
        self.unary_encoded("HideMerchant", request).await
    }

    async fn approve_merchant(
        &self,
        request: Request<ApproveMerchantRequest>,
    ) -> RpcResult<Encoded<Merchant>> {
        self.unary_encoded("ApproveMerchant", request).await
    }

    async fn reject_merchant(&self, request: Request<RejectMerchantRequest>) -> RpcResult<Encoded<Merchant>> {
        self.unary_encoded("RejectMerchant", request).await
    }

    async fn batch_create_merchants(
        &self,
        request: Request<BatchCreateMerchantsRequest>,
    ) -> RpcResult<Encoded<BatchCreateMerchantsResponse>> {
        self.unary_encoded("BatchCreateMerchants", request).await
    }

    async fn batch_update_merchants(
        &self,
        request: Request<BatchUpdateMerchantsRequest>,
    ) -> RpcResult<Encoded<BatchUpdateMerchantsResponse>> {
        self.unary_encoded("BatchUpdateMerchants", request).await
    }

    async fn batch_delete_merchants(
        &self,
        request: Request<BatchDeleteMerchantsRequest>,
    ) -> RpcResult<Empty> {
        self.unary("BatchDeleteMerchants", request).await
    }

    /// Reports each row as created.
    async fn import_merchants(
        &self,
        request: Request<Streaming<ImportMerchantsRequest>>,
    ) -> RpcResult<ImportMerchantsResponse> {
        let (metadata, extensions, mut requests) = request.into_parts();
        self.record("ImportMerchants", &Request::from_parts(metadata, extensions, ())).await?;
        let mut response = ImportMerchantsResponse::default();
        while let Some(request) = requests.message().await? {
            response.outcomes.extend(request.rows.iter().map(|row| ImportOutcome {
                row_number: row.row_number,
                state: ImportState::Created.into(),
                ..Default::default()
            }));
        }
        Ok(Response::new(response))
    }

    type ExportMerchantsStream = EncodedStream<ExportMerchantsResponse>;

    async fn export_merchants(
        &self,
        request: Request<ExportMerchantsRequest>,
    ) -> RpcResult<Self::ExportMerchantsStream> {
        self.server_stream("ExportMerchants", request).await
    }

    type WatchMerchantsStream = EncodedStream<WatchMerchantsResponse>;

    async fn watch_merchants(
        &self,
        request: Request<WatchMerchantsRequest>,
    ) -> RpcResult<Self::WatchMerchantsStream> {
        self.server_stream("WatchMerchants", request).await
    }

    type BackUpMerchantsStream = EncodedStream<BackUpMerchantsResponse>;

    async fn back_up_merchants(
        &self,
        request: Request<BackUpMerchantsRequest>,
    ) -> RpcResult<Self::BackUpMerchantsStream> {
        self.server_stream("BackUpMerchants", request).await
    }
}
