//! The context of a call besides its request: deadline, principal, and the subjects for the audit log.

use std::sync::Arc;

use nearby_index::MerchantId;
use tonic::Request;

use super::{charges::Charges, middleware::deadline::Deadline};
use crate::{
    auth::{audit_log::Subjects, principal::Principal, role::Role},
    error::ServiceError,
    merchant_scope::MerchantScope,
    overload::work_queue::Work,
};

/// The context of a call.
#[derive(Clone, Debug)]
pub(crate) struct RequestContext {
    pub(crate) deadline: Deadline,
    /// Set by the auth layer; without it the call has no role.
    principal: Option<Arc<Principal>>,
    /// The account of the call.
    pub(crate) charges: Arc<Charges>,
    /// The call's place in the work queue, which the load shedding layer sets.
    work: Option<Work>,
    /// Collects the subjects of an audited call.
    subjects: Option<Subjects>,
}

impl RequestContext {
    pub(crate) fn of<T>(request: &Request<T>) -> Self {
        let extensions = request.extensions();
        Self {
            deadline: Deadline::of(request),
            principal: extensions.get().cloned(),
            charges: extensions.get().cloned().unwrap_or_default(),
            work: extensions.get().cloned(),
            subjects: extensions.get().cloned(),
        }
    }

    /// The call's place in the work queue.
    ///
    /// # Errors
    /// Without the load shedding layer, which a server always has.
    pub(crate) fn work(&self) -> Result<&Work, ServiceError> {
        self.work.as_ref().ok_or(ServiceError::Internal("the call has no place in the work queue"))
    }

    /// Returns whether the principal has a role.
    pub(crate) fn has(&self, role: Role) -> bool {
        self.principal.as_ref().is_some_and(|principal| principal.has(role))
    }

    /// The merchants that the principal is limited to; `None` for all.
    pub(crate) fn scope(&self) -> Option<&Arc<MerchantScope>> {
        self.principal.as_ref().and_then(|principal| principal.scope.as_ref())
    }

    /// The name of the principal, for the log.
    pub(crate) fn principal_name(&self) -> &str {
        self.principal.as_ref().map_or("", |principal| &principal.name)
    }

    /// Adds merchants to the line of the call in the audit log.
    pub(crate) fn add_audit_subjects<'i>(&self, ids: impl IntoIterator<Item = &'i MerchantId>) {
        if let Some(subjects) = &self.subjects {
            subjects.add(ids.into_iter().map(MerchantId::as_str));
        }
    }
}
