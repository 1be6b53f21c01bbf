//! Streaming responses.

use std::{pin::Pin, time::Duration};

use futures_util::{Stream, stream};
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{error::Elapsed, timeout},
};
use tonic::Status;

use crate::{error::ServiceError, overload::work_queue::Work};

/// The messages of a streaming response.
pub(crate) type ResponseStream<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Sends the messages of a stream's task to its client. It buffers one message, so that a slow client costs the memory of one.
#[derive(Debug)]
pub(crate) struct StreamSender<T> {
    messages: mpsc::Sender<T>,
    send_timeout: Duration,
}

impl<T> StreamSender<T> {
    /// Waits until the client has taken the previous message, up to the send timeout.
    ///
    /// # Errors
    /// [`ServiceError::WatcherTooSlow`].
    pub(crate) async fn send(&self, message: T) -> Result<(), ServiceError> {
        match timeout(self.send_timeout, self.messages.send(message)).await {
            // A client that is gone receives nothing; the task ends by itself.
            Ok(Ok(()) | Err(_)) => Ok(()),
            Err(Elapsed { .. }) => Err(ServiceError::WatcherTooSlow(self.send_timeout)),
        }
    }
}

/// A streaming response whose messages are produced by a task of its own, while the client is connected. The task works slice by
/// slice, as part of the call's work. Its error ends the response.
pub(crate) fn spawn_stream<T, F>(
    work: &Work,
    send_timeout: Duration,
    watch: impl FnOnce(StreamSender<T>) -> F,
) -> ResponseStream<T>
where
    T: Send + 'static,
    F: Future<Output = Result<(), Status>> + Send + 'static,
{
    let (messages, received) = mpsc::channel(1);
    let client = messages.clone();
    let watching = watch(StreamSender { messages, send_timeout });
    let watching = work.schedule(watching);
    let task = tokio::spawn(async move {
        tokio::select! {
            ended = watching => ended?,
            () = client.closed() => Ok(()),
        }
    });
    Box::pin(stream::unfold(Some((received, task)), |state| async {
        let (mut received, task) = state?;
        match received.recv().await {
            Some(message) => Some((Ok(message), Some((received, task)))),
            None => end_of(task).await.map(|status| (Err(status), None)),
        }
    }))
}

async fn end_of(task: JoinHandle<Result<(), Status>>) -> Option<Status> {
    match task.await {
        Ok(ended) => ended.err(),
        Err(_) => Some(ServiceError::Internal("the task of a stream panicked").into()),
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use futures_util::StreamExt;
    use tokio::sync::oneshot;
    use tonic::Code;

    use super::*;
    use crate::overload::{class::Class, fair_queue::FlowId, work_queue::WorkQueue};

    fn work() -> Work {
        let queue = WorkQueue::of_test();
        queue.work_of((FlowId(1), NonZeroU32::MIN), Class::Search, &Default::default)
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_read_gets_an_error_and_is_dropped() {
        let mut messages = spawn_stream(&work(), Duration::from_secs(30), |sender| async move {
            for number in 0.. {
                sender.send(number).await?;
            }
            Ok(())
        });
        assert_eq!(messages.next().await.unwrap().unwrap(), 0);
        tokio::time::sleep(Duration::from_secs(31)).await;
        // One message was buffered, and one may have been in the channel before.
        let mut rest: Vec<_> = messages.collect().await;
        let last = rest.pop().unwrap().unwrap_err();
        assert_eq!(last.code(), Code::Aborted, "{last:?}");
        assert!(rest.len() <= 2 && rest.iter().all(Result::is_ok));
    }

    #[tokio::test]
    async fn the_task_of_a_disconnected_client_ends() {
        let (alive, gone) = oneshot::channel::<()>();
        let messages =
            spawn_stream(&work(), Duration::from_secs(30), |sender: StreamSender<()>| async move {
                let _held = (sender, alive);
                std::future::pending().await
            });
        drop(messages);
        gone.await.unwrap_err();
    }
}
