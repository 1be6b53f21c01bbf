//! Changes: turns a request into commands that are committed together or not at all.

use nearby_index::StoredMerchant;
use nearby_proto::{Encoded, v1 as wire};
use prost::Message;
use uuid::Uuid;

use crate::{
    commit::{Command, Committed, Expect, RequestKey, Transaction, WriteOptions},
    error::ServiceError,
    grpc::{
        convert::{
            MAX_CHANGES, View, batch_size, id_from_name, id_from_wire, merchant_from_wire, patch_from_wire,
            request_key, request_of_scope, review_patch, service_vertices_of, version_from_etag,
            visibility_patch,
        },
        cost,
        request_context::RequestContext,
        response_encoder::{put_field, viewed},
    },
    overload::slice,
    reason,
    record::{self, name_of},
    service::Service,
};

/// One change, as it is requested.
pub(super) enum Change {
    Create(wire::CreateMerchantRequest),
    Update(wire::UpdateMerchantRequest),
    Delete(wire::DeleteMerchantRequest),
    Show(wire::ShowMerchantRequest),
    Hide(wire::HideMerchantRequest),
    Approve(wire::ApproveMerchantRequest),
    Reject(wire::RejectMerchantRequest),
}

/// Changes that are requested together, checked.
pub(super) struct WriteRequest {
    commands: Vec<Command>,
    request: Option<RequestKey>,
    validate_only: bool,
    /// Vertices of all service areas.
    vertices: usize,
}

/// The results of changes, or with `validate_only` what they would be.
pub(super) struct WriteResult {
    committed: Vec<Committed>,
    validate_only: bool,
}

impl WriteRequest {
    /// One change.
    pub(super) fn one(mut change: Change) -> Result<Self, ServiceError> {
        let (request_id, validate_only) = change.take_options();
        let request =
            request_key(&request_id, change.method(), &Encoded::<()>::from_bytes(change.encoded()))?;
        let vertices = change.vertices();
        Ok(Self { commands: vec![change.into_command()?], request, validate_only, vertices })
    }

    /// A batch of changes. Errors name the request within the batch.
    pub(super) async fn many(
        method: &str,
        mut changes: Vec<Change>,
        request_id: &str,
        validate_only: bool,
    ) -> Result<Self, ServiceError> {
        batch_size(changes.len(), "requests", MAX_CHANGES)?;
        let content = changes.iter().flat_map(Change::encoded_delimited).collect();
        let request = request_key(request_id, method, &Encoded::<()>::from_bytes(content))?;
        let mut commands = Vec::with_capacity(changes.len());
        let vertices = changes.iter().map(Change::vertices).sum();
        for (at, mut change) in changes.drain(..).enumerate() {
            let path = format!("requests[{at}]");
            let (request_id, validate_only) = change.take_options();
            for (field, is_set) in [("request_id", !request_id.is_empty()), ("validate_only", validate_only)]
            {
                if is_set {
                    let description = "must be set for the batch as a whole";
                    return Err(ServiceError::invalid(field, reason::UNEXPECTED, description).below(&path));
                }
            }
            slice::yield_if_over().await;
            commands.push(change.into_command().map_err(|error| error.below(&path))?);
        }
        Ok(Self { commands, request, validate_only, vertices })
    }

    /// Commits the changes.
    pub(super) async fn commit(
        self,
        service: &Service,
        context: &RequestContext,
    ) -> Result<WriteResult, ServiceError> {
        let Self { commands, request, validate_only, vertices } = self;
        context.charges.add_debt(cost::vertices(vertices));
        context.add_audit_subjects(commands.iter().map(Command::id));
        // The first change was charged with the call.
        context.charges.charge(cost::CHANGE * (commands.len() - 1))?;
        // Before the commit, which goes on if the caller leaves.
        if !validate_only {
            context.charges.add_debt(cost::COMMIT);
        }
        let scope = context.scope().cloned();
        let request = request.map(|request| request_of_scope(request, scope.as_deref()));
        let options = WriteOptions { scope, validate_only };
        let committed = service.change(Transaction { commands, request, options }).await?;
        Ok(WriteResult { committed, validate_only })
    }
}

impl Change {
    fn method(&self) -> &'static str {
        match self {
            Self::Create(_) => "CreateMerchant",
            Self::Update(_) => "UpdateMerchant",
            Self::Delete(_) => "DeleteMerchant",
            Self::Show(_) => "ShowMerchant",
            Self::Hide(_) => "HideMerchant",
            Self::Approve(_) => "ApproveMerchant",
            Self::Reject(_) => "RejectMerchant",
        }
    }

    /// Takes the fields that belong to the call and not to the change.
    fn take_options(&mut self) -> (String, bool) {
        macro_rules! take {
            ($given:ident) => {
                (std::mem::take(&mut $given.request_id), std::mem::take(&mut $given.validate_only))
            };
        }
        match self {
            Self::Create(given) => take!(given),
            Self::Update(given) => take!(given),
            Self::Delete(given) => take!(given),
            Self::Show(given) => take!(given),
            Self::Hide(given) => take!(given),
            Self::Approve(given) => take!(given),
            Self::Reject(given) => take!(given),
        }
    }

    fn encoded(&self) -> Vec<u8> {
        match self {
            Self::Create(given) => given.encode_to_vec(),
            Self::Update(given) => given.encode_to_vec(),
            Self::Delete(given) => given.encode_to_vec(),
            Self::Show(given) => given.encode_to_vec(),
            Self::Hide(given) => given.encode_to_vec(),
            Self::Approve(given) => given.encode_to_vec(),
            Self::Reject(given) => given.encode_to_vec(),
        }
    }

    /// Number of vertices of the merchant's service area.
    fn vertices(&self) -> usize {
        match self {
            Self::Create(given) => service_vertices_of(given.merchant.as_ref()),
            Self::Update(given) => service_vertices_of(given.merchant.as_ref()),
            Self::Delete(_) | Self::Show(_) | Self::Hide(_) | Self::Approve(_) | Self::Reject(_) => 0,
        }
    }

    fn encoded_delimited(&self) -> Vec<u8> {
        let mut delimited = Vec::new();
        put_field(&mut delimited, 1, &self.encoded());
        delimited
    }

    fn into_command(self) -> Result<Command, ServiceError> {
        match self {
            Self::Create(given) => create(given),
            Self::Update(given) => Ok(Command::Patch(patch_from_wire(given)?)),
            Self::Delete(given) => {
                let id = id_from_name(&given.name, "name")?;
                let version = version_from_etag(&given.etag, &id)?;
                Ok(Command::Delete { id, version })
            }
            Self::Show(given) => {
                let patch = visibility_patch(&given.name, &given.etag, wire::Visibility::Visible)?;
                Ok(Command::Patch(patch))
            }
            Self::Hide(given) => {
                let patch = visibility_patch(&given.name, &given.etag, wire::Visibility::Hidden)?;
                Ok(Command::Patch(patch))
            }
            Self::Approve(given) => Ok(Command::Patch(review_patch(&given.name, &given.etag, None)?)),
            Self::Reject(given) => {
                let patch = review_patch(&given.name, &given.etag, Some(&given.reason))?;
                Ok(Command::Patch(patch))
            }
        }
    }
}

fn create(given: wire::CreateMerchantRequest) -> Result<Command, ServiceError> {
    let merchant =
        given.merchant.ok_or_else(|| ServiceError::invalid("merchant", reason::REQUIRED, "must be given"))?;
    let id = match (given.merchant_id.as_str(), merchant.name.as_str()) {
        ("", "") => id_from_wire(&Uuid::now_v7().to_string(), "merchant_id")?,
        ("", name) => id_from_name(name, "merchant.name")?,
        (id, name) => {
            let id = id_from_wire(id, "merchant_id")?;
            if !name.is_empty() && name != name_of(&id) {
                let description = "must be empty or agree with merchant_id";
                return Err(ServiceError::invalid("merchant.name", reason::NAME_MISMATCH, description));
            }
            id
        }
    };
    Ok(Command::Put { merchant: merchant_from_wire(merchant, id, "merchant")?, expect: Expect::Absent })
}

/// The response to a request for one change, with labels and external ids if the caller may see them.
pub(super) fn merchant_response(
    result: &WriteResult,
    shows_internal: bool,
) -> Result<Encoded<wire::Merchant>, ServiceError> {
    let stored = result.committed.first().and_then(Committed::stored);
    let stored = stored.ok_or(ServiceError::Internal("a change has no merchant as its result"))?;
    Ok(Encoded::from_bytes(encoded(stored, result.validate_only, shows_internal)))
}

/// The response to a batch: a message whose first field is the merchants.
pub(super) fn merchants_response<T>(result: &WriteResult) -> Encoded<T> {
    let mut response = Vec::new();
    for stored in result.committed.iter().filter_map(Committed::stored) {
        // All batches require the role `manage`, which sees all fields.
        put_field(&mut response, 1, &encoded(stored, result.validate_only, true));
    }
    Encoded::from_bytes(response)
}

/// A merchant as it is now, or with `validate_only` as it would be, without the fields that a commit sets.
fn encoded(stored: &StoredMerchant, validate_only: bool, shows_internal: bool) -> Vec<u8> {
    let view = if shows_internal { View::Full } else { View::Public };
    let pieces = viewed(stored, view);
    if !validate_only {
        return pieces.concat();
    }
    let would_be = record::decode_pieces(pieces).unwrap_or_default();
    let create_time = None;
    wire::Merchant { etag: String::new(), create_time, update_time: None, ..would_be }.encode_to_vec()
}
