//! Counts the DATA frames of requests that have arrived and that no handler has read.
//!
//! For each one h2 keeps a slot of some 280 bytes, which is not freed before the connection closes, however small the frame is: 1 MiB
//! of window admits a million frames of one byte ("RUSTSEC-2026-0258"). h2's own budget ends connections whose clients send one small
//! message per frame to a busy server, since it allows only half a window of such frames. Here connections with many unread frames are
//! read slowly instead.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use super::{Connection, ConnectionUnread};

/// Slots that a connection may have before they count: most connections never share a counter with others.
const MIN_COUNTED_SLOTS: usize = 64;

/// Frames of one connection.
#[derive(Debug, Default)]
pub(super) struct RequestFrames {
    /// Streams whose request is not complete or not read, by their ids, which increase, and the number of their unread frames.
    streams: Vec<(u32, usize)>,
    /// The highest stream that was handed on. Lower ones that are not in `streams` have ended; h2 drops their frames.
    last_accepted: u32,
    unread: usize,
    /// The capacity of h2's slots: it grows by doubling and never shrinks.
    slots: usize,
}

impl RequestFrames {
    pub(super) fn unread(&self) -> usize {
        self.unread
    }

    /// The slots that count towards the limit of the server.
    pub(super) fn counted_slots(&self) -> usize {
        if self.slots < MIN_COUNTED_SLOTS { 0 } else { self.slots }
    }

    fn arrive(&mut self, stream: u32) {
        match self.streams.binary_search_by_key(&stream, |(id, _)| *id) {
            Ok(at) => {
                if let Some((_, frames)) = self.streams.get_mut(at) {
                    *frames += 1;
                }
            }
            Err(at) if stream > self.last_accepted => self.streams.insert(at, (stream, 1)),
            Err(_) => return,
        }
        self.unread += 1;
        self.slots = self.slots.max(self.unread.next_power_of_two());
    }

    /// Adds a stream that h2 hands on. It hands all of them on in order, except for those that it has refused.
    fn accept(&mut self, stream: u32) {
        let last_accepted = std::mem::replace(&mut self.last_accepted, stream);
        let first = self.streams.partition_point(|(id, _)| *id <= last_accepted);
        let end = self.streams.partition_point(|(id, _)| *id < stream).max(first);
        self.unread -= self.streams.drain(first..end).map(|(_, frames)| frames).sum::<usize>();
        if let Err(at) = self.streams.binary_search_by_key(&stream, |(id, _)| *id) {
            self.streams.insert(at, (stream, 0));
        }
    }

    fn read(&mut self, stream: u32) {
        let at = self.streams.binary_search_by_key(&stream, |(id, _)| *id);
        let frames = at.ok().and_then(|at| self.streams.get_mut(at));
        if let Some((_, frames)) = frames.filter(|(_, frames)| *frames > 0) {
            *frames -= 1;
            self.unread -= 1;
        }
    }

    fn end(&mut self, stream: u32) {
        if let Ok(at) = self.streams.binary_search_by_key(&stream, |(id, _)| *id) {
            let (_, frames) = self.streams.remove(at);
            self.unread -= frames;
        }
    }
}

impl ConnectionUnread {
    /// The DATA frames that have arrived and that no handler has read.
    pub(in crate::net) fn request_frames(&self) -> usize {
        self.0.request_frames().unread
    }

    /// Counts a DATA frame that arrived.
    pub(in crate::net) fn record_frame(&self, stream: u32) {
        let server = &self.0.server;
        let mut frames = self.0.request_frames();
        let before = frames.counted_slots();
        frames.arrive(stream);
        let more = frames.counted_slots() - before;
        drop(frames);
        if more > 0 && server.frame_slots.fetch_add(more, Relaxed) + more > server.max_frame_slots {
            server.evict_largest();
        }
    }

    /// Follows a stream that h2 hands on.
    pub(in crate::net) fn accept(&self, stream: u32) -> StreamFrames {
        self.0.request_frames().accept(stream);
        StreamFrames { connection: Arc::clone(&self.0), stream }
    }
}

/// The frames of one stream, which count until they are read or this is dropped.
#[derive(Debug)]
pub(in crate::net) struct StreamFrames {
    connection: Arc<Connection>,
    stream: u32,
}

impl StreamFrames {
    /// Records that a frame was read.
    pub(in crate::net) fn read(&self) {
        self.connection.request_frames().read(self.stream);
    }
}

impl Drop for StreamFrames {
    fn drop(&mut self) {
        self.connection.request_frames().end(self.stream);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Copy, Debug)]
    enum Event {
        Open,
        Arrive(usize),
        Accept,
        Refuse,
        Read(usize),
        End(usize),
    }

    fn events() -> impl Strategy<Value = Vec<Event>> {
        let event = prop_oneof![
            3 => Just(Event::Open),
            9 => (0usize..12).prop_map(Event::Arrive),
            3 => Just(Event::Accept),
            1 => Just(Event::Refuse),
            6 => (0usize..6).prop_map(Event::Read),
            2 => (0usize..6).prop_map(Event::End),
        ];
        prop::collection::vec(event, 0..300)
    }

    proptest! {
        /// The model has a queue per stream, as h2 has.
        #[test]
        fn unread_frames_are_those_that_h2_holds(events in events()) {
            let unread = ConnectionUnread::default();
            let (mut queues, mut next, mut peak) = (BTreeMap::<u32, usize>::new(), 1, 0);
            let mut accepted = BTreeMap::new();
            // Refused streams of which frames arrived before the next one was handed on.
            let mut refused = BTreeMap::new();
            for event in events {
                match event {
                    Event::Open => {
                        queues.insert(next, 0);
                        next += 2;
                    }
                    Event::Arrive(nth) => {
                        // Also for streams that have ended.
                        let stream = u32::try_from(2 * nth + 1).unwrap();
                        if stream >= next {
                            continue;
                        }
                        unread.record_frame(stream);
                        for frames in [queues.get_mut(&stream), refused.get_mut(&stream)].into_iter().flatten() {
                            *frames += 1;
                        }
                    }
                    Event::Accept | Event::Refuse => {
                        let first = queues.keys().find(|stream| !accepted.contains_key(*stream)).copied();
                        let Some(stream) = first else { continue };
                        if let Event::Accept = event {
                            accepted.insert(stream, unread.accept(stream));
                            refused.clear();
                        } else {
                            refused.insert(stream, queues.remove(&stream).unwrap());
                        }
                    }
                    Event::Read(nth) => {
                        let Some((stream, frames)) = accepted.iter().nth(nth) else { continue };
                        let queue = queues.get_mut(stream).unwrap();
                        if *queue > 0 {
                            *queue -= 1;
                            frames.read();
                        }
                    }
                    Event::End(nth) => {
                        let Some(stream) = accepted.keys().nth(nth).copied() else { continue };
                        accepted.remove(&stream);
                        queues.remove(&stream);
                    }
                }
                let expected = queues.values().chain(refused.values()).sum::<usize>();
                peak = peak.max(expected);
                prop_assert_eq!(unread.request_frames(), expected, "after {:?}", event);
            }
            let slots = unread.0.request_frames().slots;
            prop_assert!(slots >= peak && slots <= (2 * peak).max(1), "{slots} slots for {peak} frames");
            drop(accepted);
        }
    }
}
