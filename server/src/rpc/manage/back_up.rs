//! `BackUpMerchants`: all that is kept, as of one revision.

use std::io::{self, Write};

use nearby_proto::{Encoded, v1::BackUpMerchantsResponse};
use nearby_store::backup;
use prost::Message;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use crate::{clock, committer::Captured, error::ServiceError, rpc::streams::AnswerStream, service::Service};

/// Bytes of one message.
const MESSAGE_BYTES: usize = 256 * 1024;
/// Messages that wait for a caller to read them.
const WAITING: usize = 4;

pub(super) async fn back_up(
    service: &Service,
) -> Result<AnswerStream<Encoded<BackUpMerchantsResponse>>, ServiceError> {
    let Captured { content, tally } = service.committer.capture().await?;
    let (messages, received) = mpsc::channel(WAITING);
    let made = clock::system()();
    tokio::task::spawn_blocking(move || {
        let revision = tally.extent.last.0;
        let mut output = Messages { messages, revision, data: Vec::with_capacity(MESSAGE_BYTES) };
        // It fails only where the caller has gone, who is told nothing then.
        drop(backup::write(&mut output, &content, &tally, made));
    });
    Ok(Box::pin(ReceiverStream::new(received)))
}

/// What is written goes out in messages, as fast as they are read.
struct Messages {
    messages: mpsc::Sender<Result<Encoded<BackUpMerchantsResponse>, Status>>,
    revision: u64,
    data: Vec<u8>,
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
            self.messages.blocking_send(Ok(message)).map_err(|_| io::ErrorKind::BrokenPipe)?;
        }
        self.data.clear();
        Ok(())
    }
}
