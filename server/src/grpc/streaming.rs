//! Answers that are streams.

use std::{pin::Pin, time::Duration};

use futures_util::{Stream, stream};
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{error::Elapsed, timeout},
};
use tonic::Status;

use crate::error::ServiceError;

/// Messages until the call ends.
pub(crate) type AnswerStream<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Where the task of a watcher puts its answers. It holds one at a time, so that a watcher costs what one answer weighs
/// however slowly it reads.
#[derive(Debug)]
pub(crate) struct Outlet<T> {
    answers: mpsc::Sender<T>,
    patience: Duration,
}

impl<T> Outlet<T> {
    /// Waits until the answer before has been taken, but not for ever.
    ///
    /// # Errors
    /// [`ServiceError::WatcherTooSlow`].
    pub(crate) async fn send(&self, answer: T) -> Result<(), ServiceError> {
        match timeout(self.patience, self.answers.send(answer)).await {
            // One that is gone is told nothing; the task ends by itself.
            Ok(Ok(()) | Err(_)) => Ok(()),
            Err(Elapsed { .. }) => Err(ServiceError::WatcherTooSlow(self.patience)),
        }
    }
}

/// Answers that a task of their own puts out, for as long as the caller is there. What the task fails with is the last
/// that the caller hears.
pub(crate) fn pushed<T, F>(patience: Duration, watch: impl FnOnce(Outlet<T>) -> F) -> AnswerStream<T>
where
    T: Send + 'static,
    F: Future<Output = Result<(), Status>> + Send + 'static,
{
    let (answers, received) = mpsc::channel(1);
    let there = answers.clone();
    let watching = watch(Outlet { answers, patience });
    let task = tokio::spawn(async move {
        tokio::select! {
            ended = watching => ended,
            () = there.closed() => Ok(()),
        }
    });
    Box::pin(stream::unfold(Some((received, task)), |state| async {
        let (mut received, task) = state?;
        match received.recv().await {
            Some(answer) => Some((Ok(answer), Some((received, task)))),
            None => end_of(task).await.map(|status| (Err(status), None)),
        }
    }))
}

async fn end_of(task: JoinHandle<Result<(), Status>>) -> Option<Status> {
    match task.await {
        Ok(ended) => ended.err(),
        Err(_) => Some(ServiceError::Internal("a watcher's task ended early").into()),
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;
    use tokio::sync::oneshot;
    use tonic::Code;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_watcher_that_does_not_read_is_told_and_dropped() {
        let mut answers = pushed(Duration::from_secs(30), |outlet| async move {
            for number in 0.. {
                outlet.send(number).await?;
            }
            Ok(())
        });
        assert_eq!(answers.next().await.unwrap().unwrap(), 0);
        tokio::time::sleep(Duration::from_secs(31)).await;
        // One waited in the outlet, and perhaps one had been put there before.
        let mut rest: Vec<_> = answers.collect().await;
        let last = rest.pop().unwrap().unwrap_err();
        assert_eq!(last.code(), Code::Aborted, "{last:?}");
        assert!(rest.len() <= 2 && rest.iter().all(Result::is_ok));
    }

    #[tokio::test]
    async fn the_task_of_a_caller_that_is_gone_ends() {
        let (alive, gone) = oneshot::channel::<()>();
        let answers = pushed(Duration::from_secs(30), |outlet: Outlet<()>| async move {
            let _held = (outlet, alive);
            std::future::pending().await
        });
        drop(answers);
        gone.await.unwrap_err();
    }
}
