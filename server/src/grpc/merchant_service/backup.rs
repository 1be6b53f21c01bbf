//! `BackUpMerchants`: the contents of the store at one revision.

use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::Duration,
};

use futures_util::{StreamExt, stream};
use nearby_proto::{Encoded, v1::BackUpMerchantsResponse};
use nearby_store::backup;
use prost::Message;
use tokio::{
    runtime::Handle,
    sync::mpsc,
    time::{error::Elapsed, timeout},
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use crate::{
    clock,
    commit::BackupContents,
    error::ServiceError,
    grpc::{charges::Charges, cost, streaming::ResponseStream},
    service::{NOT_READY, Service, ServiceHandle},
};

/// Bytes of one message.
const MESSAGE_BYTES: usize = 256 * 1024;
/// BackupChunks that wait for a caller to read them.
const BUFFERED_MESSAGES: usize = 4;

pub(super) async fn back_up(
    service: &Service,
    (handle, charges): (ServiceHandle, Arc<Charges>),
    send_timeout: Duration,
) -> Result<ResponseStream<Encoded<BackUpMerchantsResponse>>, ServiceError> {
    let (BackupContents { contents, digest, position }, permit) = service.back_up().await?;
    let (messages, received) = mpsc::channel(BUFFERED_MESSAGES);
    let created_at = clock::system()();
    let runtime = Handle::current();
    let last_backup_s = Arc::clone(&service.last_backup_s);
    let has_failed = Arc::new(AtomicBool::new(false));
    let failed = Arc::clone(&has_failed);
    tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let revision = digest.watermarks.last.0;
        let data = Vec::with_capacity(MESSAGE_BYTES);
        let mut output = BackupChunks {
            messages: messages.clone(),
            revision,
            data,
            handle,
            charges,
            send_timeout,
            runtime,
        };
        if let Err(error) = backup::write(&mut output, &contents, &digest, position.as_ref(), created_at) {
            has_failed.store(true, Ordering::Release);
            // Not received by a client that is gone, or that does not read.
            let ended = match error.kind() {
                io::ErrorKind::TimedOut => ServiceError::WatcherTooSlow(send_timeout),
                _ => NOT_READY,
            };
            drop(messages.try_send(Err(ended.into())));
        }
    });
    // HTTP/2 asks for the end of the stream after it has taken the last message.
    let at_end = stream::poll_fn(move |_| {
        if !failed.load(Ordering::Acquire) {
            // Backups may overlap.
            last_backup_s.fetch_max(created_at.0 / 1_000_000, Ordering::Relaxed);
        }
        Poll::Ready(None)
    });
    Ok(Box::pin(ReceiverStream::new(received).chain(at_end)))
}

/// Splits the backup into messages, and fails when the client does not read them in time.
struct BackupChunks {
    messages: mpsc::Sender<Result<Encoded<BackUpMerchantsResponse>, Status>>,
    revision: u64,
    data: Vec<u8>,
    handle: ServiceHandle,
    charges: Arc<Charges>,
    send_timeout: Duration,
    runtime: Handle,
}

impl BackupChunks {
    fn send(&self, message: Encoded<BackUpMerchantsResponse>) -> io::Result<()> {
        self.runtime.block_on(async {
            tokio::select! {
                sent = timeout(self.send_timeout, self.messages.send(Ok(message))) => match sent {
                    Ok(Ok(())) => Ok(()),
                    Ok(Err(_)) => Err(io::ErrorKind::BrokenPipe.into()),
                    Err(Elapsed { .. }) => Err(io::ErrorKind::TimedOut.into()),
                },
                () = self.handle.stopping() => Err(io::ErrorKind::ConnectionAborted.into()),
            }
        })
    }
}

impl Write for BackupChunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.data.extend_from_slice(bytes);
        if self.data.len() >= MESSAGE_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        // A block of many records may fill several messages.
        for data in self.data.chunks(MESSAGE_BYTES) {
            let message = BackUpMerchantsResponse { data: data.to_vec().into(), revision: self.revision };
            let message = Encoded::from_bytes(message.encode_to_vec());
            self.charges.add_debt(cost::backup(data.len()));
            self.send(message)?;
        }
        self.data.clear();
        Ok(())
    }
}
