//! Changes of merchants as requests, and their targets.

use std::future::Future;

use nearby_client::{
    Client, ClientError,
    v1::{
        BatchCreateMerchantsRequest, BatchDeleteMerchantsRequest, BatchUpdateMerchantsRequest,
        CreateMerchantRequest, DeleteMerchantRequest, ImportMerchantsRequest, ImportOutcome, Merchant,
        UpdateMerchantRequest,
    },
};

/// A change.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Create(CreateMerchantRequest),
    Update(UpdateMerchantRequest),
    Delete(DeleteMerchantRequest),
    BatchCreate(BatchCreateMerchantsRequest),
    BatchUpdate(BatchUpdateMerchantsRequest),
    BatchDelete(BatchDeleteMerchantsRequest),
    Import(Vec<ImportMerchantsRequest>),
}

impl Change {
    /// Returns the method and the first merchant, for reports.
    pub(crate) fn summary(&self) -> String {
        let name_of = |merchant: &Option<Merchant>| merchant.as_ref().map(|merchant| merchant.name.clone());
        let (method, first) = match self {
            Self::Create(request) => ("creation", name_of(&request.merchant)),
            Self::Update(request) => ("update", name_of(&request.merchant)),
            Self::Delete(request) => ("deletion", Some(request.name.clone())),
            Self::BatchCreate(batch) => {
                ("creation of a batch", batch.requests.first().and_then(|one| name_of(&one.merchant)))
            }
            Self::BatchUpdate(batch) => {
                ("update of a batch", batch.requests.first().and_then(|one| name_of(&one.merchant)))
            }
            Self::BatchDelete(batch) => {
                ("deletion of a batch", batch.requests.first().map(|one| one.name.clone()))
            }
            Self::Import(messages) => {
                let mut rows = messages.iter().flat_map(|message| &message.rows);
                ("import", rows.next().and_then(|row| name_of(&row.merchant)))
            }
        };
        format!("{method} of {}", first.unwrap_or_default())
    }
}

/// The response to a change.
#[derive(Clone, Debug, Default)]
pub(crate) struct Applied {
    /// The merchants that it has stored, except those of an import.
    pub(crate) merchants: Vec<Merchant>,
    /// Outcomes of the rows of an import.
    pub(crate) outcomes: Vec<ImportOutcome>,
    /// The change may be applied once more, later: an earlier attempt had no response.
    pub(crate) may_repeat: bool,
}

/// A server, or several with the same content.
pub(crate) trait Target: Clone + Send + 'static {
    /// Sends a change, and waits for its response.
    fn apply(&mut self, change: Change) -> impl Future<Output = Result<Applied, ClientError>> + Send;
}

impl Target for Client {
    async fn apply(&mut self, change: Change) -> Result<Applied, ClientError> {
        send(self, change).await
    }
}

/// Sends a change to a server.
pub(crate) async fn send(client: &Client, change: Change) -> Result<Applied, ClientError> {
    let mut applied = Applied::default();
    match change {
        Change::Create(request) => applied.merchants.push(client.create_merchant(request).await?),
        Change::Update(request) => applied.merchants.push(client.update_merchant(request).await?),
        Change::Delete(request) => client.delete_merchant(request).await?,
        Change::BatchCreate(request) => {
            applied.merchants = client.batch_create_merchants(request).await?.merchants;
        }
        Change::BatchUpdate(request) => {
            applied.merchants = client.batch_update_merchants(request).await?.merchants;
        }
        Change::BatchDelete(request) => client.batch_delete_merchants(request).await?,
        Change::Import(messages) => {
            let messages = tokio_stream::iter(messages);
            applied.outcomes = client.import_merchants(messages).await?.outcomes;
        }
    }
    Ok(applied)
}
