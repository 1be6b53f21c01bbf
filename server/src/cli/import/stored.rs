//! Asks the server which rows of a failed call it has stored.

use std::{collections::HashSet, time::Duration};

use nearby_client::Client;
use nearby_proto::{
    v1::{
        MerchantChange, MerchantView, UpdateMerchantRequest, WatchMerchantsRequest, merchant_change::Change,
    },
    well_known::FieldMask,
};

/// Time after which the server is taken not to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Returns the current revision of the server; `None` if it does not answer.
pub(super) async fn current_revision(client: &Client) -> Option<u64> {
    let watch = async {
        let request = WatchMerchantsRequest { view: MerchantView::Basic.into(), ..Default::default() };
        let mut messages = client.watch_merchants(request).await.ok()?;
        Some(messages.message().await.ok()??.revision)
    };
    tokio::time::timeout(TIMEOUT, watch).await.ok()?
}

/// Returns how many of the rows with these names the server has stored since a revision; `None` if it does not answer.
pub(super) async fn count_stored(client: &Client, since: u64, names: &[String]) -> Option<u64> {
    tokio::time::timeout(TIMEOUT, count_until_stable(client, since, names)).await.ok()?
}

/// Counts until the number stays the same: a call that has lost its client goes on with the rows that have arrived.
async fn count_until_stable(client: &Client, since: u64, names: &[String]) -> Option<u64> {
    const INTERVAL: Duration = Duration::from_millis(500);
    let mut before = count(client, since, names).await?;
    loop {
        tokio::time::sleep(INTERVAL).await;
        let now = count(client, since, names).await?;
        if now == before {
            return Some(now);
        }
        before = now;
    }
}

async fn count(client: &Client, since: u64, names: &[String]) -> Option<u64> {
    // Commands are decided in the order in which they arrive: after this one, which changes nothing, all rows before it are stored,
    // however slow the disk is. Its result does not matter.
    let merchant = nearby_proto::v1::Merchant { name: names.first()?.clone(), ..Default::default() };
    let barrier = UpdateMerchantRequest {
        merchant: Some(merchant),
        update_mask: Some(FieldMask { paths: vec!["phone".to_owned()] }),
        validate_only: true,
        ..Default::default()
    };
    drop(client.update_merchant(barrier).await);
    let last = current_revision(client).await?;
    let request = WatchMerchantsRequest {
        revision: Some(since),
        view: MerchantView::Basic.into(),
        ..Default::default()
    };
    let mut messages = client.watch_merchants(request).await.ok()?;
    let mut stored: HashSet<String> = HashSet::new();
    loop {
        let message = messages.message().await.ok()??;
        for MerchantChange { change, .. } in message.changes {
            if let Some(Change::Stored(merchant)) = change {
                stored.insert(merchant.name);
            }
        }
        if message.revision >= last {
            break;
        }
    }
    Some(names.iter().filter(|name| stored.contains(*name)).count() as u64)
}
