//! Authenticates and authorizes calls, applies the rate limit per client IP, and writes rejected calls to the audit log.
//!
//! Credentials end here: they are removed from the request, and its extensions hold the principal instead.

use std::sync::Arc;

use http::{Request, Response};
use tonic::{Code, Status, body::Body};

use super::{GrpcService, Middleware, call};
use crate::{
    auth::{
        Authenticator, Credentials, api_keys,
        audit_log::{AuditLog, Rejection},
        bearer::{self, bearer},
        principal::Principal,
        rate_limit::PerIpRateLimit,
    },
    clock::Clock,
    error::ServiceError,
    grpc::{
        method::{Method, Route},
        status::{code_name, reason_of},
    },
    net::peer::{Peer, client_subnet},
    telemetry::metrics::Metrics,
};

/// Admits calls of principals that may make them.
#[derive(Clone)]
pub(crate) struct Auth(pub(crate) Arc<AuthContext>);

/// The parts of the layer.
pub(crate) struct AuthContext {
    pub(crate) authenticator: Authenticator,
    pub(crate) per_ip: Option<PerIpRateLimit>,
    pub(crate) audit_log: Option<AuditLog>,
    pub(crate) clock: Clock,
    pub(crate) metrics: Arc<Metrics>,
}

impl Middleware for Auth {
    async fn handle(self, mut request: Request<Body>, inner: impl GrpcService) -> Response<Body> {
        let method = Route::of(&request).method();
        let peer = request.extensions().get::<Peer>();
        let admitted = self.0.charge_ip(peer).map_err(Rejected::from).and_then(|()| {
            // Health checks and reflection need no credentials: they return nothing that the contract does not.
            method.map(|method| self.0.authorize(method, &request)).transpose()
        });
        let principal = match admitted {
            Ok(Some(principal)) => principal,
            Ok(None) => return call(inner, request).await,
            Err(rejected) => {
                let bearer = bearer(request.headers()).ok().flatten();
                self.0.record_rejected(method, peer, bearer, &rejected);
                return Status::from(rejected.error).into_http();
            }
        };
        bearer::remove(request.headers_mut());
        request.extensions_mut().insert(principal);
        call(inner, request).await
    }
}

impl AuthContext {
    /// Charges a call to the client IP.
    fn charge_ip(&self, peer: Option<&Peer>) -> Result<(), ServiceError> {
        let address = peer.and_then(|peer| peer.address);
        let (Some(per_ip), Some(address)) = (&self.per_ip, address) else { return Ok(()) };
        per_ip.charge(client_subnet(address)).map_err(ServiceError::IpRateLimited)
    }

    /// The principal of a call, if it may call the method.
    fn authorize(&self, method: &Method, request: &Request<Body>) -> Result<Arc<Principal>, Rejected> {
        let peer = request.extensions().get::<Peer>();
        let credentials = Credentials {
            // Without authentication, credentials are not even read.
            bearer: if self.authenticator.is_disabled() {
                None
            } else {
                bearer(request.headers()).map_err(ServiceError::Unauthenticated)?
            },
            certificate_names: peer.map_or(&[], |peer| &*peer.certificate_names),
        };
        let principal = self.authenticator.authenticate(credentials, (self.clock)());
        let principal = principal.map_err(ServiceError::Unauthenticated)?;
        if !principal.has(method.role) {
            let error = ServiceError::RoleMissing(method.role);
            return Err(Rejected { error, principal: Some(principal) });
        }
        Ok(principal)
    }

    fn record_rejected(
        &self,
        method: Option<&Method>,
        peer: Option<&Peer>,
        bearer: Option<&str>,
        rejected: &Rejected,
    ) {
        let Rejected { error, principal } = rejected;
        let reason = reason_of(error);
        self.metrics.admission.rejected.with_label_values(&[reason.as_str()]).inc();
        if let Some(peer) = peer {
            peer.read_throttle.record_rejected();
        }
        let method = method.map(Method::name);
        let certificate_names = peer.map_or(&[][..], |peer| &peer.certificate_names);
        tracing::debug!(method, reason = reason.as_str(), ?certificate_names, "call rejected");
        let code = match error {
            ServiceError::Unauthenticated(_) => Code::Unauthenticated,
            ServiceError::RoleMissing(_) => Code::PermissionDenied,
            // Rate limits are no attempt to get in.
            _ => return,
        };
        if let Some(log) = &self.audit_log {
            log.write_rejection(&Rejection {
                at: (self.clock)(),
                principal: principal.as_deref(),
                key_id: bearer.and_then(api_keys::id_of),
                address: peer.and_then(|peer| peer.address),
                method: method.unwrap_or_default(),
                code: code_name(code),
                reason: reason.as_str(),
            });
        }
    }
}

/// A call that is rejected, and its principal, if that is known.
struct Rejected {
    error: ServiceError,
    principal: Option<Arc<Principal>>,
}

impl From<ServiceError> for Rejected {
    fn from(error: ServiceError) -> Self {
        Self { error, principal: None }
    }
}
