//! Writes the calls of audited methods to the audit log.

use std::{net::IpAddr, sync::Arc};

use http::{Request, Response};
use tonic::{Code, Status, body::Body};

use super::{GrpcService, Middleware, call};
use crate::{
    auth::{
        audit_log::{AuditLog, Entry, Subjects},
        principal::Principal,
    },
    clock::Clock,
    grpc::{
        method::{Method, Route},
        status::code_name,
    },
    net::peer::Peer,
};

/// Records calls that change merchants, or take all of them out of the server.
#[derive(Clone)]
pub(crate) struct Audit {
    /// `None` if there is no audit log.
    pub(crate) log: Option<AuditLog>,
    pub(crate) clock: Clock,
}

impl Middleware for Audit {
    async fn handle(self, mut request: Request<Body>, inner: impl GrpcService) -> Response<Body> {
        let audit = self.begin(&mut request);
        let response = call(inner, request).await;
        // Written here, before the response leaves.
        if let Some(mut audit) = audit {
            audit.read_status(&response);
        }
        response
    }
}

impl Audit {
    /// The audit record of a call, if the method is audited.
    fn begin(self, request: &mut Request<Body>) -> Option<AuditRecord> {
        let method = Route::of(request).method().filter(|method| method.audited)?;
        let principal = Arc::clone(request.extensions().get::<Arc<Principal>>()?);
        let log = self.log?;
        let subjects = Subjects::default();
        request.extensions_mut().insert(subjects.clone());
        Some(AuditRecord {
            log,
            clock: self.clock,
            principal,
            address: request.extensions().get::<Peer>().and_then(|peer| peer.address),
            method,
            subjects,
            code: Code::Cancelled,
        })
    }
}

/// Writes a line of the audit log when it is dropped.
struct AuditRecord {
    log: AuditLog,
    clock: Clock,
    principal: Arc<Principal>,
    address: Option<IpAddr>,
    method: &'static Method,
    subjects: Subjects,
    /// CANCELLED until there is a response: a change of a caller that went away may have been committed.
    code: Code,
}

impl AuditRecord {
    /// The status of a response. A stream has none yet: the line records that it started.
    fn read_status(&mut self, response: &Response<Body>) {
        self.code = Status::from_header_map(response.headers()).map_or(Code::Ok, |status| status.code());
    }
}

impl Drop for AuditRecord {
    fn drop(&mut self) {
        self.log.write(&Entry {
            at: (self.clock)(),
            principal: &self.principal,
            address: self.address,
            method: self.method.name(),
            code: code_name(self.code),
            subjects: &self.subjects,
        });
    }
}
