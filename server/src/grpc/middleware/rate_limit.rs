//! Charges calls to the rate limit of their principal.

use std::sync::Arc;

use http::{Request, Response};
use tonic::{Status, body::Body};

use super::{GrpcService, Middleware, call};
use crate::{
    auth::principal::Principal,
    grpc::{charges::Charges, cost, status::reason_of},
    net::peer::Peer,
    overload::work_queue::Work,
    telemetry::metrics::Metrics,
};

/// Rejects calls of principals that exceed their rate limit, and hands the account of each other call to its handler.
#[derive(Clone, Debug)]
pub(crate) struct RateLimit(pub(crate) Arc<Metrics>);

impl Middleware for RateLimit {
    async fn handle(self, mut request: Request<Body>, inner: impl GrpcService) -> Response<Body> {
        let extensions = request.extensions();
        let peer = extensions.get::<Peer>();
        // Not health checks and reflection, which need no credentials and cost nothing.
        let Some(principal) = extensions.get::<Arc<Principal>>() else { return call(inner, request).await };
        let charges = Charges {
            principal: Some(Arc::clone(principal)),
            metrics: extensions.get::<Work>().map(|work| Arc::clone(&work.flow.metrics)),
            total: extensions.get().cloned(),
        };
        match charges.charge(cost::CALL) {
            Ok(()) => {
                if let Some(peer) = peer {
                    peer.read_throttle.record_accepted();
                }
                request.extensions_mut().insert(Arc::new(charges));
                call(inner, request).await
            }
            Err(error) => {
                self.0.admission.rejected.with_label_values(&[reason_of(&error).as_str()]).inc();
                if let Some(peer) = peer {
                    peer.read_throttle.record_rejected();
                }
                Status::from(error).into_http()
            }
        }
    }
}
