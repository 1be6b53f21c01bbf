//! Lets calls in: who calls, whether it may, and whether it asks for too much. Says afterwards who changed what.
//!
//! What a caller shows ends here: it is taken out of the request, and its handler is told who calls.

use std::{
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{HeaderMap, Request, Response, header};
use pin_project_lite::pin_project;
use tonic::{Code, Status, body::Body};
use tower::{Layer, Service};

use crate::{
    auth::{
        Access, Caller, Credentials, PerAddress, Refused,
        audit_log::{AuditLog, Entry, Subjects},
    },
    clock::Clock,
    error::ServiceError,
    telemetry::metrics::Metrics,
};
use crate::{
    grpc::{
        method::Method,
        status::{code_name, reason_of},
    },
    net::{Peer, household},
};

/// What guards the methods; as a layer it lets calls in.
#[derive(Clone)]
pub(crate) struct Guard {
    pub(crate) access: Access,
    pub(crate) per_address: Option<PerAddress>,
    pub(crate) audit: Option<AuditLog>,
    pub(crate) clock: Clock,
    pub(crate) metrics: Arc<Metrics>,
}

impl<S> Layer<S> for Guard {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded { inner, guard: self.clone() }
    }
}

impl Guard {
    /// Takes a call out of what its address may ask for.
    fn charge(&self, peer: Option<&Peer>) -> Result<(), ServiceError> {
        let address = peer.and_then(|peer| peer.address);
        let (Some(per_address), Some(address)) = (&self.per_address, address) else { return Ok(()) };
        per_address.charge(household(address)).map_err(ServiceError::AddressQuotaExceeded)
    }

    /// Who calls, if it may call this.
    fn admit(&self, method: &Method, request: &Request<Body>) -> Result<Arc<Caller>, ServiceError> {
        let peer = request.extensions().get::<Peer>();
        let shown = Credentials {
            // Where nobody must say who calls, nobody is asked.
            bearer: if self.access.is_open() { None } else { bearer(request.headers())? },
            certificate: peer.map_or(&[], |peer| &*peer.certificate),
        };
        let caller = self.access.identify(shown, (self.clock)()).map_err(ServiceError::Unauthenticated)?;
        if !caller.may(method.needs) {
            return Err(ServiceError::RoleMissing(method.needs));
        }
        caller.charge(1).map_err(ServiceError::QuotaExceeded)?;
        Ok(caller)
    }

    /// A call was not let in.
    fn note(&self, method: &str, peer: Option<&Peer>, error: &ServiceError) {
        let reason = reason_of(error);
        self.metrics.door.refused.with_label_values(&[reason.as_str()]).inc();
        if let Some(peer) = peer {
            peer.excess.refused();
        }
        let certificate = peer.map_or(&[][..], |peer| &peer.certificate);
        tracing::debug!(method, reason = reason.as_str(), ?certificate, "a call was not let in");
    }
}

/// The key or token of a call: `authorization: Bearer …`, or `x-api-key`.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<Option<&str>, ServiceError> {
    const UNREADABLE: ServiceError = ServiceError::Unauthenticated(Refused::Unknown);
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let (scheme, shown) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(UNREADABLE)?;
        return if scheme.eq_ignore_ascii_case("bearer") { Ok(Some(shown.trim())) } else { Err(UNREADABLE) };
    }
    let key = headers.get(API_KEY).map(|value| value.to_str().map_err(|_| UNREADABLE));
    key.transpose()
}

const API_KEY: &str = "x-api-key";

/// A service whose calls are let in, or not.
#[derive(Clone)]
pub(crate) struct Guarded<S> {
    inner: S,
    guard: Guard,
}

impl<S: Service<Request<Body>, Response = Response<Body>>> Service<Request<Body>> for Guarded<S> {
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = GuardedFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let peer = request.extensions().get::<Peer>();
        // Health and reflection are for all: they tell what the contract does.
        let method = Method::of(request.uri().path());
        let admitted = self.guard.charge(peer).and_then(|()| {
            method.map(|method| Ok((method, self.guard.admit(method, &request)?))).transpose()
        });
        let (method, caller) = match admitted {
            Ok(Some(admitted)) => admitted,
            Ok(None) => return GuardedFuture::Begun { inner: self.inner.call(request), audit: None },
            Err(error) => {
                let name = method.map_or("of no contract", Method::name);
                self.guard.note(name, peer, &error);
                return GuardedFuture::Refused { error: Some(error) };
            }
        };
        if let Some(peer) = peer {
            peer.excess.let_in();
        }
        let subjects = Subjects::default();
        let audit = self.guard.audit.as_ref().filter(|_| method.is_audited()).map(|log| Audit {
            log: log.clone(),
            clock: self.guard.clock.clone(),
            caller: Arc::clone(&caller),
            address: request.extensions().get::<Peer>().and_then(|peer| peer.address),
            method,
            subjects: subjects.clone(),
            code: Code::Cancelled,
        });
        for shown in [header::AUTHORIZATION.as_str(), API_KEY] {
            request.headers_mut().remove(shown);
        }
        if audit.is_some() {
            request.extensions_mut().insert(subjects);
        }
        request.extensions_mut().insert(caller);
        GuardedFuture::Begun { inner: self.inner.call(request), audit: audit.map(Box::new) }
    }
}

/// What is to be written once a call is answered.
pub(crate) struct Audit {
    log: AuditLog,
    clock: Clock,
    caller: Arc<Caller>,
    address: Option<IpAddr>,
    method: &'static Method,
    subjects: Subjects,
    /// How it ended. A caller that goes away before its answer leaves a change that may well have been made.
    code: Code,
}

impl Audit {
    /// An answer that goes on has no status yet: that it was begun is what counts.
    fn look(&mut self, answer: &Response<Body>) {
        self.code = Status::from_header_map(answer.headers()).map_or(Code::Ok, |status| status.code());
    }
}

impl Drop for Audit {
    fn drop(&mut self) {
        self.log.write(&Entry {
            at: (self.clock)(),
            caller: &self.caller,
            address: self.address,
            method: self.method.name(),
            code: code_name(self.code),
            subjects: &self.subjects,
        });
    }
}

pin_project! {
    /// A call until its answer begins.
    #[project = Project]
    pub(crate) enum GuardedFuture<F> {
        Refused { error: Option<ServiceError> },
        Begun { #[pin] inner: F, audit: Option<Box<Audit>> },
    }
}

impl<F: Future<Output = Result<Response<Body>, E>>, E> Future for GuardedFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        match self.project() {
            Project::Refused { error } => {
                // Polled after its end, which nobody does, it would say something else.
                let error = error.take().unwrap_or(ServiceError::Internal("a call was answered twice"));
                Poll::Ready(Ok(Status::from(error).into_http()))
            }
            Project::Begun { inner, audit } => {
                let answered = ready!(inner.poll(context));
                // It is written here, before the answer leaves.
                if let (Some(mut audit), Ok(answer)) = (audit.take(), &answered) {
                    audit.look(answer);
                }
                Poll::Ready(answered)
            }
        }
    }
}
