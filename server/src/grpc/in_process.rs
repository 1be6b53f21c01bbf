//! A server over a pipe within the process.
//!
//! The command line works on a closed store through it, with the same contract, checks and write path as on a running
//! server, and without a port. Benchmarks count the instructions of a whole call over it.

use std::{io, time::Duration};

use hyper_util::rt::TokioIo;
use tokio::{
    io::DuplexStream,
    sync::{mpsc, watch},
    task::JoinSet,
};
use tonic::transport::{Channel, Endpoint, Uri};

use crate::net::{RequestService, connection::serve_connection, limits::ConnectionLimits, peer::Peer};

/// Accepts connections over a pipe.
#[derive(Debug)]
pub(crate) struct PipeListener(mpsc::Receiver<DuplexStream>);

/// Makes a pipe, and the channel of its clients.
pub(crate) fn pipe() -> (PipeListener, Channel) {
    const BACKLOG: usize = 4;
    const BUFFER_BYTES: usize = 256 * 1024;

    let (connections, accepted) = mpsc::channel(BACKLOG);
    let connector = tower::service_fn(move |_: Uri| {
        let connections = connections.clone();
        async move {
            let (near, far) = tokio::io::duplex(BUFFER_BYTES);
            let refused = |_| io::Error::from(io::ErrorKind::ConnectionRefused);
            connections.send(far).await.map_err(refused)?;
            Ok::<_, io::Error>(TokioIo::new(near))
        }
    });
    // The name is never resolved: the connector ignores it.
    let channel = Endpoint::from_static("http://pipe").connect_with_connector_lazy(connector);
    (PipeListener(accepted), channel)
}

impl PipeListener {
    /// Serves until `stop` completes, and then until all connections have drained. Connections have no limit of age.
    pub(crate) async fn serve(mut self, service: impl RequestService, stop: impl Future<Output = ()>) {
        const UNLIMITED: Duration = Duration::from_secs(365 * 24 * 60 * 60);

        let limits =
            ConnectionLimits { max_age: UNLIMITED, max_idle: UNLIMITED, ..ConnectionLimits::default() };
        let (start_drain, drain) = watch::channel(false);
        let mut connections = JoinSet::new();
        let mut stop = std::pin::pin!(stop);
        loop {
            let pipe = tokio::select! {
                Some(pipe) = self.0.recv() => pipe,
                () = &mut stop => break,
                Some(_) = connections.join_next() => continue,
            };
            let (service, drain, limits) = (service.clone(), drain.clone(), limits.clone());
            connections.spawn(async move {
                serve_connection(pipe, Peer::default(), service, &limits, drain).await;
            });
        }
        start_drain.send_replace(true);
        while connections.join_next().await.is_some() {}
    }
}
