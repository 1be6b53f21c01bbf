//! Counts the bytes of responses that clients have not read.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use hyper::body::{Buf, Bytes};

use super::{Connection, ConnectionUnread};

/// Bytes of a response, which count as unread until they are dropped: h2 drops them once they are written, or their stream has ended.
#[derive(Debug)]
pub(in crate::net) struct ResponseBytes {
    bytes: Bytes,
    counted: usize,
    /// True if they are the end of a frame of the body. A client that reads a large frame byte by byte makes no progress.
    ends_frame: bool,
    connection: Arc<Connection>,
}

impl ResponseBytes {
    pub(in crate::net) fn new(bytes: Bytes, ConnectionUnread(connection): &ConnectionUnread) -> Self {
        let counted = bytes.len();
        if counted > 0 {
            let server = &connection.server;
            if connection.response_bytes.fetch_add(counted, Relaxed) == 0 {
                connection.progress_us.store(server.now_us(), Relaxed);
            }
            if server.response_bytes.fetch_add(counted, Relaxed) + counted > server.max_response_bytes {
                server.evict_slowest();
            }
        }
        Self { bytes, counted, ends_frame: true, connection: Arc::clone(connection) }
    }

    /// Splits the first bytes off.
    pub(in crate::net) fn split_to(&mut self, len: usize) -> Self {
        let bytes = self.bytes.split_to(len);
        self.counted -= len;
        Self { bytes, counted: len, ends_frame: false, connection: Arc::clone(&self.connection) }
    }
}

impl Buf for ResponseBytes {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
    }
}

impl Drop for ResponseBytes {
    fn drop(&mut self) {
        if self.counted == 0 {
            return;
        }
        let (connection, server) = (&self.connection, &self.connection.server);
        server.response_bytes.fetch_sub(self.counted, Relaxed);
        let is_rest = connection.response_bytes.fetch_sub(self.counted, Relaxed) > self.counted;
        // The clock is not read for a connection that has nothing left.
        if is_rest && self.ends_frame {
            connection.progress_us.store(server.now_us(), Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_frame_are_counted_once_and_are_no_progress() {
        let connection = ConnectionUnread::default();
        let mut rest = ResponseBytes::new(Bytes::from_static(b"header and data"), &connection);
        connection.0.progress_us.store(u64::MAX, Relaxed);
        let mut part = rest.split_to(6);
        part.advance(2);
        assert_eq!((part.chunk(), rest.chunk()), (&b"ader"[..], &b" and data"[..]));
        assert_eq!(connection.0.response_bytes.load(Relaxed), 15);
        drop(part);
        assert_eq!(connection.0.response_bytes.load(Relaxed), 9);
        assert_eq!(connection.0.progress_us.load(Relaxed), u64::MAX);
        drop(rest);
        assert_eq!(connection.0.response_bytes.load(Relaxed), 0);
        assert_eq!(connection.0.server.response_bytes.load(Relaxed), 0);
    }
}
