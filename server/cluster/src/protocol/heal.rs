//! Restoring what the log has lost, from the messages that a node has kept.
//!
//! The messages are published again one by one, each with the expectation that the one before is the last. Several nodes may
//! do so at once: they publish the same bytes. A log that contains another message than the node at its end has another
//! history, which this does not resolve.

use std::{sync::Arc, time::Duration};

use super::{Action, Fault, HealError, LogAction, Protocol};
use crate::{
    identity::Sequence,
    log::{Answer, Monotonic},
    message::MessageHash,
    replica::{Replica, ResolvedBatch},
};

/// Time after which a request without an answer is repeated.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(3);
/// Pause before the end of the log is compared again.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// Messages that are being published again.
#[derive(Debug)]
pub(super) struct Healing {
    step: Step,
    /// Time of the next step, unless an event comes first.
    pub(super) until: Monotonic,
    republished: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Find the end of the log, and compare its last message with ours.
    Compare,
    /// Publish the message after this one.
    Publish(Sequence),
    /// Wait for the answer to an attempt to publish the message after this one.
    Answer(Sequence, u64),
}

impl<R: Replica, T> Protocol<R, T> {
    /// Starts to publish again what the log has lost. The result is [`Action::Healed`] or [`Action::NotHealed`].
    ///
    /// # Errors
    /// [`HealError::TwoHistories`] if the node has the fault [`Fault::Rewritten`]; [`HealError::NothingLost`] or
    /// [`HealError::LogUnknown`] unless it has the fault [`Fault::Rewound`].
    pub fn heal(&mut self, now: Monotonic) -> Result<(), HealError> {
        if let Some(Fault::Rewritten { sequence }) = self.fault {
            return Err(HealError::TwoHistories(sequence));
        }
        if !matches!(self.fault, Some(Fault::Rewound { .. })) {
            let is_whole = self.watch.fresh(now).is_some_and(|info| !self.is_shorter(info));
            return Err(if is_whole { HealError::NothingLost } else { HealError::LogUnknown });
        }
        self.healing.get_or_insert(Healing { step: Step::Compare, until: now, republished: 0 });
        Ok(())
    }

    /// Takes the next step when it is due.
    pub(super) fn pursue_healing(&mut self, now: Monotonic) {
        let Some(healing) = &mut self.healing else { return };
        if now < healing.until {
            return;
        }
        // The log may be that of another cluster.
        if !matches!(self.fault, None | Some(Fault::Rewound { .. })) {
            return self.end_healing(Err(HealError::LogUnknown));
        }
        match healing.step {
            Step::Compare => {
                healing.until = now + RETRY_PAUSE;
                let Some((first, last)) = self.watch.fresh(now).map(|info| (info.first, info.last)) else {
                    return;
                };
                if last >= self.position.applied {
                    self.end_healing(Ok(()));
                } else if first > last {
                    // There is no message to compare: the log was created again.
                    self.continue_healing(Step::Publish(last), now);
                } else {
                    self.read_to_heal(last, now);
                }
            }
            Step::Publish(base) => {
                let Some(message) = self.replica.message(base.next()) else {
                    return self.end_healing(Err(HealError::NotKept(base.next())));
                };
                self.counter += 1;
                let attempt = self.counter;
                healing.step = Step::Answer(base, attempt);
                healing.until = now + ANSWER_TIMEOUT;
                let batch = Arc::new(ResolvedBatch::default());
                self.actions.push(Action::Log(LogAction::Propose { attempt, base, batch, message }));
            }
            // The message may be stored: the end of the log tells.
            Step::Answer(..) => self.continue_healing(Step::Compare, now),
        }
    }

    /// The last message of the log was read.
    pub(super) fn compare_to_heal(&mut self, last: Sequence, found: MessageHash, now: Monotonic) {
        if self.healing.as_ref().is_none_or(|healing| healing.step != Step::Compare) {
            return;
        }
        match self.replica.message(last).map(|ours| MessageHash::of(&ours)) {
            None => self.end_healing(Err(HealError::NotKept(last))),
            Some(ours) if ours == found => self.continue_healing(Step::Publish(last), now),
            Some(_) => self.end_healing(Err(HealError::TwoHistories(last))),
        }
    }

    /// A proposal was answered. Returns whether it was one of these.
    pub(super) fn answered_to_heal(&mut self, attempt: u64, answer: &Answer, now: Monotonic) -> bool {
        let Some(healing) = &mut self.healing else { return false };
        let Step::Answer(base, of) = healing.step else { return false };
        if of != attempt {
            return false;
        }
        if *answer == Answer::Stored(base.next()) {
            healing.republished += 1;
            if base.next() >= self.position.applied {
                self.end_healing(Ok(()));
            } else {
                self.continue_healing(Step::Publish(base.next()), now);
            }
        } else {
            // Another node publishes as well, or the brokers are not ready.
            self.continue_healing(Step::Compare, now + RETRY_PAUSE);
        }
        true
    }

    /// The log may have been cut off or replaced: compares its end again.
    pub(super) fn compare_to_heal_again(&mut self, now: Monotonic) {
        self.continue_healing(Step::Compare, now);
    }

    fn continue_healing(&mut self, step: Step, at: Monotonic) {
        if let Some(healing) = &mut self.healing {
            (healing.step, healing.until) = (step, at);
        }
    }

    fn end_healing(&mut self, result: Result<(), HealError>) {
        let republished = self.healing.take().map_or(0, |healing| healing.republished);
        self.actions.push(match result {
            Ok(()) => Action::Healed { republished },
            Err(error) => Action::NotHealed(error),
        });
    }
}
