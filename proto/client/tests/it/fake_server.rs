//! A server that does as it is told and remembers what it was asked.

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

/// What to do with a call.
pub(crate) enum Outcome {
    /// Answer with these messages, encoded: one, unless the method streams.
    Answer(Vec<Vec<u8>>),
    /// Fail.
    Fail(Status),
    /// Never answer.
    Silence,
}

/// A call that came.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: &'static str,
    request: Vec<u8>,
    /// The header as it came.
    pub(crate) grpc_timeout: Option<String>,
}

#[derive(Clone, Default)]
pub(crate) struct Fake(Arc<Mutex<Memory>>);

#[derive(Default)]
struct Memory {
    /// Where there are no more, a call is answered with an empty message.
    outcomes: VecDeque<Outcome>,
    calls: Vec<Call>,
}

pub(crate) fn unavailable() -> Outcome {
    Outcome::Fail(Status::unavailable("not now"))
}

pub(crate) fn unavailable_for(wait: Duration) -> Outcome {
    let details = ErrorDetails::with_retry_info(Some(wait));
    Outcome::Fail(Status::with_error_details(Code::Unavailable, "not now", details))
}

pub(crate) fn read_only() -> Outcome {
    let details = ErrorDetails::with_error_info("STORE_READ_ONLY", "nearby", HashMap::new());
    Outcome::Fail(Status::with_error_details(Code::Unavailable, "the disk has failed", details))
}

pub(crate) fn answer(message: &impl Message) -> Outcome {
    Outcome::Answer(vec![message.encode_to_vec()])
}

impl Call {
    pub(crate) fn request<T: Message + Default>(&self) -> T {
        T::decode(self.request.as_slice()).unwrap()
    }

    /// How much time the caller said there was.
    pub(crate) fn timeout(&self) -> Option<Duration> {
        let (number, unit) = self.grpc_timeout.as_ref()?.split_at(self.grpc_timeout.as_ref()?.len() - 1);
        let number = number.parse().unwrap();
        Some(match unit {
            "n" => Duration::from_nanos(number),
            "u" => Duration::from_micros(number),
            "m" => Duration::from_millis(number),
            "S" => Duration::from_secs(number),
            _ => panic!("a unit of grpc-timeout that no deadline here has: {unit}"),
        })
    }
}

impl Fake {
    pub(crate) fn new(outcomes: impl IntoIterator<Item = Outcome>) -> Self {
        let fake = Self::default();
        fake.then(outcomes);
        fake
    }

    /// What to do next.
    pub(crate) fn then(&self, outcomes: impl IntoIterator<Item = Outcome>) {
        self.0.lock().unwrap().outcomes.extend(outcomes);
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.0.lock().unwrap().calls.clone()
    }

    /// A client of this server over a pipe in memory: nothing outside the runtime takes part, so a paused clock moves
    /// only when all is still.
    pub(crate) fn client(&self) -> Client {
        let (connections, incoming) = mpsc::unbounded_channel();
        tokio::spawn(Server::builder().add_routes(self.routes()).serve_with_incoming(pipes(incoming)));
        over_pipes(connections)
    }

    /// Serves on a port.
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

    async fn take<T: Message>(
        &self,
        method: &'static str,
        request: &Request<T>,
    ) -> Result<Vec<Vec<u8>>, Status> {
        let grpc_timeout =
            request.metadata().get("grpc-timeout").map(|value| value.to_str().unwrap().to_owned());
        let outcome = {
            let mut memory = self.0.lock().unwrap();
            memory.calls.push(Call { method, request: request.get_ref().encode_to_vec(), grpc_timeout });
            memory.outcomes.pop_front()
        };
        match outcome {
            None => Ok(vec![Vec::new()]),
            Some(Outcome::Answer(messages)) => Ok(messages),
            Some(Outcome::Fail(status)) => Err(status),
            Some(Outcome::Silence) => future::pending().await,
        }
    }

    async fn plain<Q: Message, A: Message + Default>(
        &self,
        method: &'static str,
        request: Request<Q>,
    ) -> Answer<A> {
        let messages = self.take(method, &request).await?;
        Ok(Response::new(A::decode(messages[0].as_slice()).unwrap()))
    }

    async fn encoded<Q: Message, A>(&self, method: &'static str, request: Request<Q>) -> Answer<Encoded<A>> {
        let messages = self.take(method, &request).await?;
        Ok(Response::new(Encoded::from_bytes(messages[0].clone())))
    }

    /// All messages, and then an error if one is said after them.
    async fn many<Q: Message, A: 'static>(
        &self,
        method: &'static str,
        request: Request<Q>,
    ) -> Answer<Many<A>> {
        let messages = self.take(method, &request).await?;
        let end = match self.0.lock().unwrap().outcomes.pop_front() {
            Some(Outcome::Fail(status)) => Some(Err(status)),
            _ => None,
        };
        let messages = messages.into_iter().map(|message| Ok(Encoded::from_bytes(message)));
        Ok(Response::new(Box::pin(stream::iter(messages.chain(end)))))
    }
}

/// A client that makes each of its connections by sending one end of a pipe.
pub(crate) fn over_pipes(connections: mpsc::UnboundedSender<DuplexStream>) -> Client {
    let connect = move |_: Uri| {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let sent = connections.send(theirs).map_err(std::io::Error::other);
        future::ready(sent.map(|()| TokioIo::new(ours)))
    };
    let endpoint = Endpoint::from_static("http://in.memory");
    Client::over(endpoint.connect_with_connector_lazy(tower::service_fn(connect)))
}

pub(crate) fn pipes(
    incoming: UnboundedReceiver<DuplexStream>,
) -> impl Stream<Item = Result<DuplexStream, std::io::Error>> {
    stream::unfold(incoming, |mut incoming| async { Some((Ok(incoming.recv().await?), incoming)) })
}

type Answer<T> = Result<Response<T>, Status>;
type Many<T> = Pin<Box<dyn Stream<Item = Result<Encoded<T>, Status>> + Send>>;

#[tonic::async_trait]
impl NearbyService for Fake {
    async fn search_nearby(
        &self,
        request: Request<SearchNearbyRequest>,
    ) -> Answer<Encoded<SearchNearbyResponse>> {
        self.encoded("SearchNearby", request).await
    }

    async fn batch_search_nearby(
        &self,
        request: Request<BatchSearchNearbyRequest>,
    ) -> Answer<Encoded<BatchSearchNearbyResponse>> {
        self.encoded("BatchSearchNearby", request).await
    }

    type StreamSearchNearbyStream = Many<StreamSearchNearbyResponse>;

    /// Answers each request, with its tag and nothing else.
    async fn stream_search_nearby(
        &self,
        request: Request<Streaming<StreamSearchNearbyRequest>>,
    ) -> Answer<Self::StreamSearchNearbyStream> {
        let (metadata, extensions, requests) = request.into_parts();
        self.take("StreamSearchNearby", &Request::from_parts(metadata, extensions, ())).await?;
        let answers = requests.map(|request| {
            let answer = StreamSearchNearbyResponse { tag: request?.tag, outcome: None };
            Ok(Encoded::from(&answer))
        });
        Ok(Response::new(Box::pin(answers)))
    }

    type WatchNearbyStream = Many<WatchNearbyResponse>;

    /// Answers each step with how many there have been.
    async fn watch_nearby(
        &self,
        request: Request<Streaming<WatchNearbyRequest>>,
    ) -> Answer<Self::WatchNearbyStream> {
        let (metadata, extensions, steps) = request.into_parts();
        self.take("WatchNearby", &Request::from_parts(metadata, extensions, ())).await?;
        let answers = steps.enumerate().map(|(before, step)| {
            step?;
            Ok(Encoded::from(&WatchNearbyResponse { steps: before as u64 + 1, ..Default::default() }))
        });
        Ok(Response::new(Box::pin(answers)))
    }

    async fn get_density(&self, request: Request<GetDensityRequest>) -> Answer<GetDensityResponse> {
        self.plain("GetDensity", request).await
    }
}

#[tonic::async_trait]
impl MerchantService for Fake {
    async fn get_merchant(&self, request: Request<GetMerchantRequest>) -> Answer<Encoded<Merchant>> {
        self.encoded("GetMerchant", request).await
    }

    async fn batch_get_merchants(
        &self,
        request: Request<BatchGetMerchantsRequest>,
    ) -> Answer<Encoded<BatchGetMerchantsResponse>> {
        self.encoded("BatchGetMerchants", request).await
    }

    async fn list_merchants(
        &self,
        request: Request<ListMerchantsRequest>,
    ) -> Answer<Encoded<ListMerchantsResponse>> {
        self.encoded("ListMerchants", request).await
    }

    async fn create_merchant(&self, request: Request<CreateMerchantRequest>) -> Answer<Encoded<Merchant>> {
        self.encoded("CreateMerchant", request).await
    }

    async fn update_merchant(&self, request: Request<UpdateMerchantRequest>) -> Answer<Encoded<Merchant>> {
        self.encoded("UpdateMerchant", request).await
    }

    async fn delete_merchant(&self, request: Request<DeleteMerchantRequest>) -> Answer<Empty> {
        self.plain("DeleteMerchant", request).await
    }

    async fn show_merchant(&self, request: Request<ShowMerchantRequest>) -> Answer<Encoded<Merchant>> {
        self.encoded("ShowMerchant", request).await
    }

    async fn hide_merchant(&self, request: Request<HideMerchantRequest>) -> Answer<Encoded<Merchant>> {
        self.encoded("HideMerchant", request).await
    }

    async fn batch_create_merchants(
        &self,
        request: Request<BatchCreateMerchantsRequest>,
    ) -> Answer<Encoded<BatchCreateMerchantsResponse>> {
        self.encoded("BatchCreateMerchants", request).await
    }

    async fn batch_update_merchants(
        &self,
        request: Request<BatchUpdateMerchantsRequest>,
    ) -> Answer<Encoded<BatchUpdateMerchantsResponse>> {
        self.encoded("BatchUpdateMerchants", request).await
    }

    async fn batch_delete_merchants(&self, request: Request<BatchDeleteMerchantsRequest>) -> Answer<Empty> {
        self.plain("BatchDeleteMerchants", request).await
    }

    /// Says of each row that it was created.
    async fn import_merchants(
        &self,
        request: Request<Streaming<ImportMerchantsRequest>>,
    ) -> Answer<ImportMerchantsResponse> {
        let (metadata, extensions, mut requests) = request.into_parts();
        self.take("ImportMerchants", &Request::from_parts(metadata, extensions, ())).await?;
        let mut answer = ImportMerchantsResponse::default();
        while let Some(request) = requests.message().await? {
            answer.outcomes.extend(request.rows.iter().map(|row| ImportOutcome {
                row_number: row.row_number,
                state: ImportState::Created.into(),
                violations: Vec::new(),
            }));
        }
        Ok(Response::new(answer))
    }

    type ExportMerchantsStream = Many<ExportMerchantsResponse>;

    async fn export_merchants(
        &self,
        request: Request<ExportMerchantsRequest>,
    ) -> Answer<Self::ExportMerchantsStream> {
        self.many("ExportMerchants", request).await
    }

    type WatchMerchantsStream = Many<WatchMerchantsResponse>;

    async fn watch_merchants(
        &self,
        request: Request<WatchMerchantsRequest>,
    ) -> Answer<Self::WatchMerchantsStream> {
        self.many("WatchMerchants", request).await
    }

    type BackUpMerchantsStream = Many<BackUpMerchantsResponse>;

    async fn back_up_merchants(
        &self,
        request: Request<BackUpMerchantsRequest>,
    ) -> Answer<Self::BackUpMerchantsStream> {
        self.many("BackUpMerchants", request).await
    }
}
