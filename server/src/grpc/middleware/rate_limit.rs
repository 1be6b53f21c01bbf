//! Charges calls to the rate limit of their principal.

use std::sync::Arc;

use http::{Request, Response};
use tonic::{Status, body::Body};

use super::{GrpcService, Middleware, call};
use crate::{
    auth::principal::Principal, error::ServiceError, grpc::status::reason_of, net::peer::Peer,
    overload::work_queue::Work, telemetry::metrics::Metrics,
};

/// Rejects calls of principals that exceed their rate limit.
#[derive(Clone, Debug)]
pub(crate) struct RateLimit(pub(crate) Arc<Metrics>);

impl Middleware for RateLimit {
    async fn handle(self, request: Request<Body>, inner: impl GrpcService) -> Response<Body> {
        let extensions = request.extensions();
        let peer = extensions.get::<Peer>();
        let charged = extensions.get::<Arc<Principal>>().map_or(Ok(()), |principal| principal.charge(1));
        match charged {
            Ok(()) => {
                // Not health checks and reflection, which need no credentials.
                if let Some(peer) = peer.filter(|_| extensions.get::<Arc<Principal>>().is_some()) {
                    peer.read_throttle.record_accepted();
                }
                call(inner, request).await
            }
            Err(exceeded) => {
                let error = ServiceError::RateLimited(exceeded);
                self.0.admission.rejected.with_label_values(&[reason_of(&error).as_str()]).inc();
                if let Some(work) = extensions.get::<Work>() {
                    work.flow.metrics.record_rate_limited();
                }
                if let Some(peer) = peer {
                    peer.read_throttle.record_rejected();
                }
                Status::from(error).into_http()
            }
        }
    }
}
