//! Receives a backup of a running server into a file.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::Path,
};

use nearby_client::{Client, ClientError, v1::BackUpMerchantsRequest};
use nearby_store::create_private;

/// Receiving a backup failed: the call, or writing the file.
pub(crate) enum ReceiveError {
    Call(ClientError),
    File(io::Error),
}

impl From<io::Error> for ReceiveError {
    fn from(error: io::Error) -> Self {
        Self::File(error)
    }
}

impl From<ClientError> for ReceiveError {
    fn from(error: ClientError) -> Self {
        Self::Call(error)
    }
}

/// Receives a backup into a file, and syncs it. Replaces an existing file. Returns the revision of the backup.
pub(crate) async fn receive_backup(client: &Client, path: &Path) -> Result<u64, ReceiveError> {
    // An existing file would keep its permissions, and the backup contains hidden merchants.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let mut file = BufWriter::new(create_private(path)?);
    let mut messages = client.back_up_merchants(BackUpMerchantsRequest {}).await?;
    let mut revision = 0;
    while let Some(message) = messages.message().await? {
        revision = message.revision;
        file.write_all(&message.data)?;
    }
    let file: File = file.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    Ok(revision)
}
