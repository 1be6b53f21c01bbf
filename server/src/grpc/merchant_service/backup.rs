//! `BackUpMerchants`: all that is kept, as of one revision.

use std::{
    io::{self, Write},
    time::Duration,
};

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
    commit::Captured,
    error::ServiceError,
    grpc::streaming::AnswerStream,
    service::{Door, STOPPING, Service},
};

/// Bytes of one message.
const MESSAGE_BYTES: usize = 256 * 1024;
/// Messages that wait for a caller to read them.
const WAITING: usize = 4;

pub(super) async fn back_up(
    service: &Service,
    door: Door,
    patience: Duration,
) -> Result<AnswerStream<Encoded<BackUpMerchantsResponse>>, ServiceError> {
    let (Captured { content, tally }, place) = service.back_up().await?;
    let (messages, received) = mpsc::channel(WAITING);
    let made = clock::system()();
    let runtime = Handle::current();
    tokio::task::spawn_blocking(move || {
        let _place = place;
        let revision = tally.extent.last.0;
        let data = Vec::with_capacity(MESSAGE_BYTES);
        let mut output = Messages { messages: messages.clone(), revision, data, door, patience, runtime };
        if let Err(error) = backup::write(&mut output, &content, &tally, made) {
            // One that is gone is told nothing, and one that does not read has room for nothing.
            let ended = match error.kind() {
                io::ErrorKind::TimedOut => ServiceError::WatcherTooSlow(patience),
                _ => STOPPING,
            };
            drop(messages.try_send(Err(ended.into())));
        }
    });
    Ok(Box::pin(ReceiverStream::new(received)))
}

/// What is written goes out in messages, as fast as they are read, but not for ever.
struct Messages {
    messages: mpsc::Sender<Result<Encoded<BackUpMerchantsResponse>, Status>>,
    revision: u64,
    data: Vec<u8>,
    door: Door,
    patience: Duration,
    runtime: Handle,
}

impl Messages {
    fn send(&self, message: Encoded<BackUpMerchantsResponse>) -> io::Result<()> {
        self.runtime.block_on(async {
            tokio::select! {
                sent = timeout(self.patience, self.messages.send(Ok(message))) => match sent {
                    Ok(Ok(())) => Ok(()),
                    Ok(Err(_)) => Err(io::ErrorKind::BrokenPipe.into()),
                    Err(Elapsed { .. }) => Err(io::ErrorKind::TimedOut.into()),
                },
                () = self.door.stopping() => Err(io::ErrorKind::ConnectionAborted.into()),
            }
        })
    }
}

impl Write for Messages {
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
            self.send(message)?;
        }
        self.data.clear();
        Ok(())
    }
}
