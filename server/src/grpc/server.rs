//! The gRPC server, on a socket or on a pipe within the process.
//!
//! The pipe lets the command line work on a closed store through the same contract, and so the same checks and the same
//! write path, as on a running server, without opening a port.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use hyper_util::rt::TokioIo;
use nearby_proto::{
    DESCRIPTORS,
    server::{merchant_service_server::MerchantServiceServer, nearby_service_server::NearbyServiceServer},
};
use tokio::{
    io::DuplexStream,
    net::TcpListener,
    sync::{mpsc, watch},
    task::JoinSet,
};
use tonic::{
    service,
    transport::{Channel, Endpoint, Uri},
};
use tonic_health::{ServingStatus, server::HealthReporter};
use tower::Layer;

use super::{
    merchant_service::Merchants,
    method::MOST_MESSAGE_BYTES,
    middleware::{
        auth::{Guard, Guarded},
        catch_panic::{Caught, Panics},
        deadline::{Deadlines, Timed},
        error_details::{Explained, Explanations},
        load_shed::{Admission, Admitted},
    },
    nearby_service::{SearchSettings, Searches},
};
use crate::{
    clock::Clock,
    service::Door,
    telemetry::{metrics::Metrics, traces::Traces},
};
use crate::{
    net::{
        self, ConnectionLimits, Peer, Tls,
        in_flight::{CallsUnderWay, Counted, Counting},
    },
    overload::{state::Pressure, work_queue::Turns},
};

/// What the gRPC server is made of.
pub(crate) struct Routes {
    pub(crate) door: Door,
    pub(crate) searches: SearchSettings,
    pub(crate) watch_patience: Duration,
    pub(crate) clock: Clock,
    pub(crate) reflection: bool,
    pub(crate) calls: CallsUnderWay,
    pub(crate) guard: Guard,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) traces: Option<Traces>,
    /// How long a search may take before it is told.
    pub(crate) slow_search: Option<Duration>,
}

/// The services behind their layers, the outermost first.
type Stack = Counted<Explained<Caught<Timed<Admitted<Guarded<service::Routes>>>>>>;

/// What is served.
#[derive(Clone)]
pub(crate) struct Served {
    stack: Stack,
    pressure: Pressure,
}

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

impl Routes {
    /// The services, and their health: not serving until told otherwise.
    pub(crate) async fn build(self) -> Result<(Served, Health), tonic_reflection::server::Error> {
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
        let pressure = Pressure::default();
        let turns = || Turns::new(&pressure, Arc::clone(&self.metrics));
        let (bulk, long) = (turns(), turns());
        let searches = Searches {
            door: self.door.clone(),
            settings: self.searches,
            watch_patience: self.watch_patience,
            clock: self.clock,
            metrics: Arc::clone(&self.metrics),
            slow: self.slow_search,
            bulk: bulk.clone(),
            long: long.clone(),
        };
        let merchants =
            Merchants { door: self.door, watch_patience: self.watch_patience, bulk: bulk.clone(), long };
        let mut routes = service::Routes::new(health_service)
            .add_service(NearbyServiceServer::new(searches).max_decoding_message_size(MOST_MESSAGE_BYTES))
            .add_service(MerchantServiceServer::new(merchants).max_decoding_message_size(MOST_MESSAGE_BYTES));
        if let Some(reflection) = reflection {
            routes = routes.add_service(reflection);
        }
        if let Some(reflection) = reflection_alpha {
            routes = routes.add_service(reflection);
        }
        let admitted = Admission::new(bulk, &pressure, Arc::clone(&self.metrics))
            .layer(self.guard.layer(routes.prepare()));
        let answered = Explanations.layer(Panics.layer(Deadlines.layer(admitted)));
        let layered = Counting::new(self.calls, &self.metrics, self.traces).layer(answered);
        Ok((Served { stack: layered, pressure }, health))
    }
}

/// Where connections come from.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// A socket, bound already.
    Tcp(TcpListener, Option<Tls>, ConnectionLimits),
    /// This process.
    Pipe(mpsc::Receiver<DuplexStream>),
}

impl Incoming {
    /// Binds a socket; port 0 takes a free one. The address is where it really listens.
    pub(crate) async fn tcp(
        address: SocketAddr,
        tls: Option<Tls>,
        limits: ConnectionLimits,
    ) -> io::Result<(Self, SocketAddr)> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok((Self::Tcp(listener, tls, limits), address))
    }

    /// The certificates that are shown, if any.
    pub(crate) const fn tls(&self) -> Option<&Tls> {
        match self {
            Self::Tcp(_, tls, _) => tls.as_ref(),
            Self::Pipe(_) => None,
        }
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
        (Self::Pipe(incoming), channel)
    }

    /// Serves until `stop` is done, and then until what is under way is answered.
    pub(crate) async fn serve(self, served: Served, metrics: Arc<Metrics>, stop: impl Future<Output = ()>) {
        let Served { stack, pressure } = served;
        match self {
            Self::Tcp(listener, tls, limits) => {
                net::serve(listener, tls, stack, (limits, metrics, pressure), stop).await;
            }
            Self::Pipe(incoming) => serve_pipe(incoming, stack, stop).await,
        }
    }
}

/// Within the process nobody is too many, and nobody has to be told to leave before the end.
async fn serve_pipe(
    mut incoming: mpsc::Receiver<DuplexStream>,
    stack: Stack,
    stop: impl Future<Output = ()>,
) {
    let (say_goodbye, goodbye) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let pipe = tokio::select! {
            Some(pipe) = incoming.recv() => pipe,
            () = &mut stop => break,
            Some(_) = connections.join_next() => continue,
        };
        let (stack, goodbye) = (stack.clone(), goodbye.clone());
        connections.spawn(async move {
            let limits = ConnectionLimits { age: FOR_EVER, idle: FOR_EVER, ..ConnectionLimits::default() };
            net::serve_one(pipe, Peer::default(), stack, &limits, goodbye).await;
        });
    }
    say_goodbye.send_replace(true);
    while connections.join_next().await.is_some() {}
}

const FOR_EVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);
