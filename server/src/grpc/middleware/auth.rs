//! Authenticates and authorizes calls, applies the rate limit per client IP, and writes rejected calls to the audit log.
//!
//! Credentials end here: they are removed from the request, and its extensions hold the principal instead.

use std::sync::Arc;

use http::{Request, Response};
use http_body::Body as _;
use secrecy::{ExposeSecret, SecretString};
use tonic::{Code, Status, body::Body};

use super::{
    GrpcService, Middleware, ObservedBody, backpressure_of, call, credential_check::CredentialCheck,
};
use crate::{
    auth::{
        Authenticator, Credentials, api_keys,
        audit_log::{AuditLog, Rejection},
        bearer::{self, bearer},
        principal::Principal,
        rate_limit::PerIpRateLimit,
        role::Role,
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
            method.map(|method| Ok((method, self.0.authorize(method, &request)?))).transpose()
        });
        let (method, principal) = match admitted {
            Ok(Some(admitted)) => admitted,
            Ok(None) => return call(inner, request).await,
            Err(rejected) => {
                let bearer = bearer(request.headers()).ok().flatten();
                self.0.record_rejected(method, peer, bearer, &rejected);
                return Status::from(rejected.error).into_http();
            }
        };
        let mut check = self.credential_check(method, &principal, &request);
        bearer::remove(request.headers_mut());
        request.extensions_mut().insert(principal);
        let response = match &mut check {
            None => call(inner, request).await,
            // A client can send a stream for as long as it likes before the response starts.
            Some(check) => tokio::select! {
                response = call(inner, request) => response,
                error = check.failed() => Status::from(error).into_http(),
            },
        };
        match check {
            Some(check) if !response.body().is_end_stream() => ObservedBody::observe(response, check),
            _ => response,
        }
    }
}

impl Auth {
    /// The check of the credentials of a call while it lasts; `None` for one that cannot take long, and without authentication.
    fn credential_check(
        &self,
        method: &'static Method,
        principal: &Arc<Principal>,
        request: &Request<Body>,
    ) -> Option<CredentialCheck> {
        if method.is_unary || self.0.authenticator.is_disabled() {
            return None;
        }
        let context = Arc::clone(&self.0);
        let principal = Arc::clone(principal);
        let bearer = bearer(request.headers()).ok().flatten().map(SecretString::from);
        let peer = request.extensions().get::<Peer>().cloned();
        Some(CredentialCheck::new(backpressure_of(request), move || {
            let bearer = bearer.as_ref().map(ExposeSecret::expose_secret);
            context.authenticate_again(&principal, bearer, peer.as_ref()).map_err(|rejected| {
                context.record_rejected(Some(method), peer.as_ref(), bearer, &rejected);
                rejected.error
            })
        }))
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
        // Without authentication, credentials are not even read.
        let bearer = if self.authenticator.is_disabled() {
            None
        } else {
            bearer(request.headers()).map_err(ServiceError::Unauthenticated)?
        };
        let principal = self.authenticate(bearer, request.extensions().get::<Peer>())?;
        match method.roles {
            [role, ..] if !method.roles.iter().any(|role| principal.has(*role)) => {
                Err(Rejected { error: ServiceError::RoleMissing(*role), principal: Some(principal) })
            }
            _ if principal.scope.is_some() && !method.is_open_to_limited_keys => {
                Err(Rejected { error: ServiceError::KeyLimited, principal: Some(principal) })
            }
            _ => Ok(principal),
        }
    }

    fn authenticate(
        &self,
        bearer: Option<&str>,
        peer: Option<&Peer>,
    ) -> Result<Arc<Principal>, ServiceError> {
        let credentials = Credentials {
            bearer,
            certificate_names: peer.map_or(&[], |peer| &*peer.certificate_names),
            certificate_expiry_s: peer.and_then(|peer| peer.certificate_expiry_s),
        };
        self.authenticator.authenticate(credentials, (self.clock)()).map_err(ServiceError::Unauthenticated)
    }

    /// Checks that credentials are still valid, for all roles and merchants that they had: the handler has those, such as the role
    /// to see hidden merchants.
    fn authenticate_again(
        &self,
        before: &Principal,
        bearer: Option<&str>,
        peer: Option<&Peer>,
    ) -> Result<(), Rejected> {
        let now = self.authenticate(bearer, peer)?;
        match Role::ALL.into_iter().find(|role| before.has(*role) && !now.has(*role)) {
            Some(role) => Err(Rejected { error: ServiceError::RoleMissing(role), principal: Some(now) }),
            None if now.scope.is_some() && now.scope != before.scope => {
                Err(Rejected { error: ServiceError::KeyLimited, principal: Some(now) })
            }
            None => Ok(()),
        }
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
            ServiceError::RoleMissing(_) | ServiceError::KeyLimited => Code::PermissionDenied,
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

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        sync::atomic::{AtomicI64, Ordering},
        time::Duration,
    };

    use http_body_util::BodyExt;
    use nearby_index::UnixMicros;
    use serde_json::json;

    use super::*;
    use crate::auth::{
        AuthSettings,
        jwks::JwksSource,
        jwt::{TokenSettings, algorithms},
        testing::Issuer,
    };

    /// A watch whose server has nothing to send.
    async fn silent(_: Request<Body>) -> Result<Response<Body>, Infallible> {
        let body = http_body_util::StreamBody::new(tokio_stream::pending::<
            Result<http_body::Frame<hyper::body::Bytes>, Status>,
        >());
        Ok(Response::new(Body::new(body)))
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_ends_when_its_token_expires() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("jwks.json");
        let issuer = Issuer::new("one");
        std::fs::write(&path, issuer.jwks()).unwrap();
        let tokens = TokenSettings {
            keys: JwksSource::File(path),
            issuer: "i".to_owned(),
            audience: "a".to_owned(),
            algorithms: algorithms("ES256").unwrap(),
        };
        let settings = AuthSettings { tokens: Some(tokens), ..AuthSettings::default() };
        let start_s = jiff::Timestamp::now().as_second();
        let now_s = Arc::new(AtomicI64::new(start_s));
        let clock = Arc::clone(&now_s);
        let context = AuthContext {
            authenticator: Authenticator::load(settings, None).unwrap(),
            per_ip: None,
            audit_log: None,
            clock: Arc::new(move || UnixMicros(clock.load(Ordering::Relaxed) * 1_000_000)),
            metrics: Arc::new(Metrics::new().unwrap()),
        };
        let claims =
            json!({ "iss": "i", "aud": "a", "sub": "app", "exp": start_s + 600, "scope": "nearby.search" });
        let token = issuer.sign(&json!({ "alg": "ES256", "kid": "one" }), &claims);
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = "/nearby.v1.NearbyService/WatchNearby".parse().unwrap();
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        let route = Route::of_path(request.uri().path());
        request.extensions_mut().insert(route);
        let response = Auth(Arc::new(context)).handle(request, tower::service_fn(silent)).await;
        let mut body = response.into_body();
        // Time passes by itself while everything waits for it.
        let is_silent = async |body: &mut Body| {
            tokio::time::timeout(Duration::from_secs(60), body.frame()).await.is_err()
        };
        assert!(is_silent(&mut body).await);
        // `exp` has passed, but not its leeway of 30 s.
        now_s.store(start_s + 620, Ordering::Relaxed);
        assert!(is_silent(&mut body).await);
        now_s.store(start_s + 631, Ordering::Relaxed);
        let trailers = tokio::time::timeout(Duration::from_secs(3), body.frame()).await.unwrap().unwrap();
        let trailers = trailers.unwrap().into_trailers().unwrap();
        let status = Status::from_header_map(&trailers).unwrap();
        assert_eq!(status.code(), Code::Unauthenticated);
        assert!(status.message().contains("expired"), "{}", status.message());
    }
}
