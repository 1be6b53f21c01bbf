//! The gRPC server, on a socket or on a pipe within the process.
//!
//! The pipe lets the command line work on a closed store through the same contract, and so the same checks and the same
//! write path, as on a running server, without opening a port.

use std::{io, net::SocketAddr, time::Duration};

use hyper_util::rt::TokioIo;
use nearby_proto::{
    DESCRIPTORS,
    server::{merchant_service_server::MerchantServiceServer, nearby_service_server::NearbyServiceServer},
};
use tokio::{io::DuplexStream, net::TcpListener, sync::mpsc};
use tokio_stream::{StreamExt, wrappers::ReceiverStream};
use tonic::transport::{
    Channel, Endpoint, Server, Uri,
    server::{Router, TcpIncoming},
};
use tonic_health::{ServingStatus, server::HealthReporter};
use tower::layer::util::{Identity, Stack};

use super::{
    deadline::Deadlines,
    explain::Explanations,
    gather::Gathered,
    manage::Merchants,
    search::{SearchSettings, Searches},
    under_way::CallsUnderWay,
};
use crate::{clock::Clock, service::Door};

/// What the gRPC server is made of.
pub(crate) struct Routes {
    pub(crate) door: Door,
    pub(crate) searches: SearchSettings,
    pub(crate) watch_patience: Duration,
    pub(crate) clock: Clock,
    pub(crate) reflection: bool,
    pub(crate) calls: CallsUnderWay,
}

/// The server, ready to serve on something.
pub(crate) type CountingRouter =
    Router<Stack<Deadlines, Stack<Explanations, Stack<CallsUnderWay, Identity>>>>;

/// What `grpc.health.v1` says of the server as a whole (the empty name) and of its two services.
#[derive(Clone, Debug)]
pub(crate) struct Health {
    reporter: HealthReporter,
}

const SEARCHES: &str = "nearby.v1.NearbyService";
const MERCHANTS: &str = "nearby.v1.MerchantService";

impl Health {
    /// Everything serves, or nothing does.
    pub(crate) async fn set_all(&self, serving: bool) {
        let status = if serving { ServingStatus::Serving } else { ServingStatus::NotServing };
        for service in ["", SEARCHES, MERCHANTS] {
            self.reporter.set_service_status(service, status).await;
        }
    }

    /// Whether merchants can be changed; searches go on either way.
    pub(crate) async fn set_changes(&self, taken: bool) {
        let status = if taken { ServingStatus::Serving } else { ServingStatus::NotServing };
        self.reporter.set_service_status(MERCHANTS, status).await;
    }
}

/// Most requests that one connection may have under way. tonic sets no limit by itself.
const STREAMS_A_CONNECTION: u32 = 200;
/// Most streams of a connection that it may reset before their answer, pending and in error, before it is closed: the
/// defaults of hyper, which tonic would remove.
const PENDING_RESETS: usize = 20;
const ERROR_RESETS: usize = 1_024;
const KEEPALIVE: Duration = Duration::from_secs(30);
/// Largest request, in bytes.
const MOST_REQUEST_BYTES: usize = 4 * 1024 * 1024;

impl Routes {
    /// The server, ready to serve on something, and its health: not serving until told otherwise.
    pub(crate) async fn build(self) -> Result<(CountingRouter, Health), tonic_reflection::server::Error> {
        let (reporter, health_service) = tonic_health::server::health_reporter();
        let health = Health { reporter };
        health.set_all(false).await;
        let reflection = || {
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(DESCRIPTORS)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        };
        // Older tools know only the alpha version.
        let reflection_alpha = self.reflection.then(|| reflection().build_v1alpha()).transpose()?;
        let reflection = self.reflection.then(|| reflection().build_v1()).transpose()?;
        let searches = Searches {
            door: self.door.clone(),
            settings: self.searches,
            watch_patience: self.watch_patience,
            clock: self.clock,
        };
        let merchants = Merchants { door: self.door, watch_patience: self.watch_patience };
        let router = Server::builder()
            .max_concurrent_streams(STREAMS_A_CONNECTION)
            .http2_max_pending_accept_reset_streams(Some(PENDING_RESETS))
            .http2_max_local_error_reset_streams(Some(ERROR_RESETS))
            .http2_keepalive_interval(Some(KEEPALIVE))
            .layer(self.calls)
            .layer(Explanations)
            .layer(Deadlines)
            .add_service(health_service)
            .add_optional_service(reflection)
            .add_optional_service(reflection_alpha)
            .add_service(NearbyServiceServer::new(searches).max_decoding_message_size(MOST_REQUEST_BYTES))
            .add_service(MerchantServiceServer::new(merchants).max_decoding_message_size(MOST_REQUEST_BYTES));
        Ok((router, health))
    }
}

/// Where connections come from.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// A socket, bound already.
    Tcp(TcpIncoming),
    /// This process.
    Pipe(ReceiverStream<DuplexStream>),
}

impl Incoming {
    /// Binds a socket; port 0 takes a free one. The address is where it really listens.
    pub(crate) async fn tcp(address: SocketAddr) -> io::Result<(Self, SocketAddr)> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        // Small answers must not wait for one another's acknowledgement.
        Ok((Self::Tcp(TcpIncoming::from(listener).with_nodelay(Some(true))), address))
    }

    /// A pipe within the process, and the channel that calls through it.
    pub(crate) fn pipe() -> (Self, Channel) {
        const CONNECTIONS_WAITING: usize = 4;
        const BUFFER_BYTES: usize = 256 * 1024;

        let (connections, incoming) = mpsc::channel(CONNECTIONS_WAITING);
        let connector = tower::service_fn(move |_: Uri| {
            let connections = connections.clone();
            async move {
                let (near, far) = tokio::io::duplex(BUFFER_BYTES);
                let gone = |_| io::Error::from(io::ErrorKind::ConnectionRefused);
                connections.send(far).await.map_err(gone)?;
                Ok::<_, io::Error>(TokioIo::new(near))
            }
        });
        // The name is never resolved: the connector knows the way.
        let channel = Endpoint::from_static("http://pipe").connect_with_connector_lazy(connector);
        (Self::Pipe(ReceiverStream::new(incoming)), channel)
    }

    /// Serves until `stop` is done, and then until what is under way is answered.
    pub(crate) async fn serve(
        self,
        router: CountingRouter,
        stop: impl Future<Output = ()>,
    ) -> Result<(), tonic::transport::Error> {
        match self {
            Self::Tcp(incoming) => {
                let incoming = incoming.map(|connection| connection.map(Gathered::new));
                router.serve_with_incoming_shutdown(incoming, stop).await
            }
            Self::Pipe(incoming) => {
                router.serve_with_incoming_shutdown(incoming.map(Ok::<_, io::Error>), stop).await
            }
        }
    }
}
