//! Changes: what a request asks for becomes commands that are done together or not at all.

use nearby_index::{Merchant, MerchantId, Revision, StoredMerchant, Visibility};
use nearby_proto::{Encoded, v1 as wire};
use prost::Message;
use uuid::Uuid;

use crate::{
    commit::{Command, Committed, Expect, RequestKey, Transaction},
    error::ServiceError,
    grpc::{
        convert::{
            batch_size, id_from_name, id_from_wire, merchant_from_wire, merchant_to_wire, merge, name_of,
            request_key, revision_of, with_visibility,
        },
        request_context::Asker,
        response_encoder::put_field,
    },
    reason,
    service::Service,
};

/// Most changes of a batch.
const MOST: usize = 1_000;

/// One change, as it was asked for.
pub(super) enum Change {
    Create(wire::CreateMerchantRequest),
    Update(wire::UpdateMerchantRequest),
    Delete(wire::DeleteMerchantRequest),
    Show(wire::ShowMerchantRequest),
    Hide(wire::HideMerchantRequest),
}

/// Changes that were asked for together.
pub(super) struct Asked {
    commands: Vec<Command>,
    request: Option<RequestKey>,
    validate_only: bool,
}

/// Changes that were made, or would have been.
pub(super) struct Made {
    committed: Vec<Committed>,
    validate_only: bool,
}

impl Asked {
    /// A request for one change.
    pub(super) fn one(mut change: Change) -> Result<Self, ServiceError> {
        let (request_id, validate_only) = change.take_options();
        let request =
            request_key(&request_id, change.method(), &Encoded::<()>::from_bytes(change.encoded()))?;
        Ok(Self { commands: vec![change.into_command()?], request, validate_only })
    }

    /// A request for many. Errors of its fields name the request among them.
    pub(super) fn many(
        method: &str,
        mut changes: Vec<Change>,
        request_id: &str,
        validate_only: bool,
    ) -> Result<Self, ServiceError> {
        batch_size(changes.len(), "requests", MOST)?;
        let content = changes.iter().flat_map(Change::encoded_delimited).collect();
        let request = request_key(request_id, method, &Encoded::<()>::from_bytes(content))?;
        let mut commands = Vec::with_capacity(changes.len());
        for (at, mut change) in changes.drain(..).enumerate() {
            let path = format!("requests[{at}]");
            let (request_id, validate_only) = change.take_options();
            for (field, is_set) in [("request_id", !request_id.is_empty()), ("validate_only", validate_only)]
            {
                if is_set {
                    let description = "must be given for the batch as a whole";
                    return Err(ServiceError::invalid(field, reason::UNEXPECTED, description).below(&path));
                }
            }
            commands.push(change.into_command().map_err(|error| error.below(&path))?);
        }
        Ok(Self { commands, request, validate_only })
    }

    /// Makes its edits where there is nothing to edit.
    pub(super) fn try_on_nothing(self) {
        for command in self.commands {
            if let Command::Edit { edit, .. } = command {
                drop(edit(None));
            }
        }
    }

    /// Has it done.
    pub(super) async fn make(self, service: &Service, asker: &Asker) -> Result<Made, ServiceError> {
        let Self { commands, request, validate_only } = self;
        asker.is_about(commands.iter().map(Command::id));
        asker.charge(commands.len() - 1)?;
        let committed = service.change(Transaction { commands, request, validate_only }).await?;
        Ok(Made { committed, validate_only })
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
        }
    }

    /// Takes out what belongs to the call and not to the change.
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
        }
    }

    fn encoded(&self) -> Vec<u8> {
        match self {
            Self::Create(given) => given.encode_to_vec(),
            Self::Update(given) => given.encode_to_vec(),
            Self::Delete(given) => given.encode_to_vec(),
            Self::Show(given) => given.encode_to_vec(),
            Self::Hide(given) => given.encode_to_vec(),
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
            Self::Update(given) => update(given),
            Self::Delete(given) => {
                let id = id_from_name(&given.name, "name")?;
                let version = version_of(&given.etag, &id)?;
                Ok(Command::Delete { id, version })
            }
            Self::Show(given) => make_visible(&given.name, &given.etag, Visibility::Visible),
            Self::Hide(given) => make_visible(&given.name, &given.etag, Visibility::Hidden),
        }
    }
}

fn create(given: wire::CreateMerchantRequest) -> Result<Command, ServiceError> {
    let merchant = required(given.merchant)?;
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

fn update(given: wire::UpdateMerchantRequest) -> Result<Command, ServiceError> {
    let wire::UpdateMerchantRequest { merchant, update_mask, allow_missing, .. } = given;
    let merchant = required(merchant)?;
    let id = id_from_name(&merchant.name, "merchant.name")?;
    let version = version_of(&merchant.etag, &id)?;
    let edited = id.clone();
    let edit = move |current: Option<&StoredMerchant>| {
        let merged = match current {
            // Whoever names a version means one that is there.
            None if allow_missing && version.is_none() => merchant,
            None => return Err(ServiceError::NotFound(edited)),
            Some(current) => {
                is_version(current, version)?;
                merge(merchant_to_wire(current)?, merchant, update_mask.as_ref())?
            }
        };
        merchant_from_wire(merged, edited, "merchant")
    };
    Ok(Command::Edit { id, edit: Box::new(edit) })
}

fn make_visible(name: &str, etag: &str, visibility: Visibility) -> Result<Command, ServiceError> {
    let id = id_from_name(name, "name")?;
    let version = version_of(etag, &id)?;
    let edited = id.clone();
    let edit = move |current: Option<&StoredMerchant>| -> Result<Merchant, ServiceError> {
        let current = current.ok_or(ServiceError::NotFound(edited))?;
        is_version(current, version)?;
        with_visibility(current, visibility)
    };
    Ok(Command::Edit { id, edit: Box::new(edit) })
}

/// The version that an etag names, if one was given. An etag that no version has is one of another version.
fn version_of(etag: &str, id: &MerchantId) -> Result<Option<Revision>, ServiceError> {
    match etag {
        "" => Ok(None),
        etag => revision_of(etag).map(Some).ok_or_else(|| ServiceError::Conflict(id.clone())),
    }
}

fn is_version(current: &StoredMerchant, version: Option<Revision>) -> Result<(), ServiceError> {
    match version {
        Some(version) if version != current.revision => {
            Err(ServiceError::Conflict(current.merchant.id.clone()))
        }
        _ => Ok(()),
    }
}

fn required(merchant: Option<wire::Merchant>) -> Result<wire::Merchant, ServiceError> {
    merchant.ok_or_else(|| ServiceError::invalid("merchant", reason::REQUIRED, "must be given"))
}

/// The answer to a request for one change.
pub(super) fn merchant(made: &Made) -> Result<Encoded<wire::Merchant>, ServiceError> {
    let stored = made.committed.first().and_then(Committed::stored);
    let stored = stored.ok_or(ServiceError::Internal("a change came to something else"))?;
    Ok(Encoded::from_bytes(told(stored, made.validate_only)))
}

/// The answer to a request for many: messages whose first field is the merchants.
pub(super) fn merchants<T>(made: &Made) -> Encoded<T> {
    let mut answer = Vec::new();
    for stored in made.committed.iter().filter_map(Committed::stored) {
        put_field(&mut answer, 1, &told(stored, made.validate_only));
    }
    Encoded::from_bytes(answer)
}

/// A merchant as it is now, or as it would be: without what only a commit gives it.
fn told(stored: &StoredMerchant, validate_only: bool) -> Vec<u8> {
    if !validate_only {
        return stored.merchant.profile.full().concat();
    }
    let would_be = merchant_to_wire(stored).unwrap_or_default();
    let create_time = None;
    wire::Merchant { etag: String::new(), create_time, update_time: None, ..would_be }.encode_to_vec()
}
