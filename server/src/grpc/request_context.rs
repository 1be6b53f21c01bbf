//! Who asks, and until when an answer is of use to it.

use std::sync::Arc;

use nearby_index::MerchantId;
use tonic::Request;

use super::middleware::deadline::Deadline;
use crate::{
    auth::{Caller, Role, audit_log::Subjects},
    error::ServiceError,
};

/// What a handler knows of a call beside its request.
#[derive(Clone, Debug)]
pub(super) struct Asker {
    pub(super) deadline: Deadline,
    /// The guard puts it in; without one nobody is known.
    caller: Option<Arc<Caller>>,
    /// Where it is written down what the call is about.
    subjects: Option<Subjects>,
}

impl Asker {
    pub(super) fn of<T>(request: &Request<T>) -> Self {
        let extensions = request.extensions();
        Self {
            deadline: Deadline::of(request),
            caller: extensions.get().cloned(),
            subjects: extensions.get().cloned(),
        }
    }

    pub(super) fn may(&self, role: Role) -> bool {
        self.caller.as_ref().is_some_and(|caller| caller.may(role))
    }

    /// Takes so many units of work out of what the caller may ask for. The first of a call has been taken already.
    ///
    /// # Errors
    /// Where there is not so much left.
    pub(super) fn charge(&self, units: usize) -> Result<(), ServiceError> {
        let charged = self.caller.as_ref().map_or(Ok(()), |caller| caller.charge(units));
        charged.map_err(ServiceError::QuotaExceeded)
    }

    /// The call is about these merchants.
    pub(super) fn is_about<'i>(&self, ids: impl IntoIterator<Item = &'i MerchantId>) {
        if let Some(subjects) = &self.subjects {
            subjects.add(ids.into_iter().map(MerchantId::as_str));
        }
    }
}
