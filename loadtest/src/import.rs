//! Import of a dataset into a server, through `ImportMerchants`.

use std::{io, sync::Arc};

use futures_util::{StreamExt, TryStreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};
use nearby_client::{
    Access, Client,
    v1::{ImportMerchantsRequest, ImportRow, ImportState},
};

use crate::{dataset::Dataset, error::Error};

/// Rows per message, and messages per call: 10,000 rows per call.
const ROWS: u64 = 500;
const MESSAGES: u64 = 20;
/// Concurrent calls.
const CALLS: usize = 2;

/// Imports a dataset into a server. Merchants that the server already holds are overwritten.
pub(crate) async fn import(dataset: &Dataset, server: &str, access: &Access) -> Result<(), Error> {
    let client = Client::connect_with(server, access)
        .await
        .map_err(|error| Error::Unreachable(server.to_owned(), root_cause(&error)))?;
    let bar = Arc::new(progress_bar(dataset.count()));
    let calls = (0..dataset.count()).step_by(usize::try_from(ROWS * MESSAGES).unwrap_or(1));
    let calls = stream::iter(calls).map(|from| {
        let (client, dataset, bar) = (client.clone(), dataset.clone(), Arc::clone(&bar));
        async move {
            let until = dataset.count().min(from + ROWS * MESSAGES);
            let messages = (from..until).step_by(usize::try_from(ROWS).unwrap_or(1)).map(move |first| {
                let rows = first..until.min(first + ROWS);
                let row = |number: u64| ImportRow {
                    row_number: i64::try_from(number).unwrap_or_default(),
                    merchant: Some(dataset.merchant(number)),
                    ..Default::default()
                };
                ImportMerchantsRequest { rows: rows.map(row).collect(), ..Default::default() }
            });
            let response = client.import_merchants(stream::iter(messages)).await.map_err(io::Error::other)?;
            let rejected =
                response.outcomes.iter().find(|outcome| outcome.state == i32::from(ImportState::Rejected));
            if let Some(rejected) = rejected {
                let reason = rejected
                    .violations
                    .first()
                    .map(|violation| violation.description.clone())
                    .unwrap_or_default();
                return Err(io::Error::other(format!(
                    "merchant {} was rejected: {reason}",
                    rejected.row_number
                )));
            }
            bar.inc(until - from);
            Ok::<(), io::Error>(())
        }
    });
    calls.buffer_unordered(CALLS).try_collect::<()>().await?;
    bar.finish_and_clear();
    Ok(())
}

/// Returns the root cause of an error: the layers above it only name the operation.
fn root_cause(error: &dyn std::error::Error) -> io::Error {
    error.source().map_or_else(|| io::Error::other(error.to_string()), root_cause)
}

/// Creates a progress bar over a number of merchants.
pub(crate) fn progress_bar(merchants: u64) -> ProgressBar {
    let bar = ProgressBar::new(merchants);
    // Cannot fail: the template is valid.
    if let Ok(style) =
        ProgressStyle::with_template("{msg:24} [{bar:24}] {human_pos}/{human_len}  {per_sec}  {eta}")
    {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_message("merchants");
    bar
}
