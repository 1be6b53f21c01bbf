//! The open connections of the admin endpoint: a bounded number, of which a new one takes the place of the idle one that has been
//! idle for longest. Clients that only keep connections open can therefore keep no probe away.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use tokio::sync::Notify;

/// Open connections. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Connections {
    max: usize,
    table: Arc<Mutex<Table>>,
}

#[derive(Debug, Default)]
struct Table {
    last_id: u64,
    open: HashMap<u64, Entry>,
}

#[derive(Debug)]
struct Entry {
    /// Requests that are being handled. Sending a response does not count: a client that does not read it is idle.
    requests: usize,
    /// Start of the connection, or the end of its last request.
    used_at: Instant,
    close: Arc<Notify>,
}

/// An open connection, until it is dropped.
#[derive(Debug)]
pub(super) struct Connection {
    id: u64,
    close: Arc<Notify>,
    connections: Connections,
}

/// A request that is being handled, until it is dropped.
#[derive(Debug)]
pub(super) struct ActiveRequest {
    id: u64,
    connections: Connections,
}

impl Connections {
    pub(super) fn new(max: usize) -> Self {
        Self { max, table: Arc::default() }
    }

    /// Adds a connection. If there are `max`, closes the one without a request that was used least recently, or, if all have
    /// one, the oldest.
    pub(super) fn open(&self, now: Instant) -> Connection {
        let close = Arc::new(Notify::new());
        let mut table = self.table();
        if table.open.len() >= self.max {
            let idle_first = |(_, entry): &(&u64, &Entry)| (entry.requests > 0, entry.used_at);
            let evicted = table.open.iter().min_by_key(idle_first).map(|(id, _)| *id);
            if let Some(evicted) = evicted.and_then(|id| table.open.remove(&id)) {
                evicted.close.notify_one();
            }
        }
        table.last_id += 1;
        let id = table.last_id;
        table.open.insert(id, Entry { requests: 0, used_at: now, close: Arc::clone(&close) });
        Connection { id, close, connections: self.clone() }
    }

    /// Marks the start of a request of a connection.
    pub(super) fn begin_request(&self, id: u64) -> ActiveRequest {
        if let Some(entry) = self.table().open.get_mut(&id) {
            entry.requests += 1;
        }
        ActiveRequest { id, connections: self.clone() }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// Completes when the connection must close.
    pub(super) async fn closed(&self) {
        self.close.notified().await;
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.connections.table().open.remove(&self.id);
    }
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        if let Some(entry) = self.connections.table().open.get_mut(&self.id) {
            entry.requests -= 1;
            entry.used_at = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_new_connection_takes_the_place_of_the_one_that_is_idle_for_longest() {
        let connections = Connections::new(3);
        let start = Instant::now() - Duration::from_secs(60);
        let at = |second: u64| start + Duration::from_secs(second);
        let is_closed = async |connection: &Connection| {
            tokio::time::timeout(Duration::from_millis(1), connection.closed()).await.is_ok()
        };
        let [one, two, three] = [0, 1, 2].map(|second| connections.open(at(second)));
        let request = connections.begin_request(one.id());
        let four = connections.open(at(3));
        assert!(is_closed(&two).await && !is_closed(&one).await && !is_closed(&three).await);
        let five = connections.open(at(4));
        assert!(is_closed(&three).await && !is_closed(&one).await);
        // The end of a request is a use as well.
        drop(request);
        let six = connections.open(at(5));
        assert!(is_closed(&four).await && !is_closed(&one).await && !is_closed(&five).await);
        drop(five);
        let _seven = connections.open(at(6));
        assert!(!is_closed(&one).await && !is_closed(&six).await, "one has ended by itself");
        assert_eq!(connections.table().open.len(), 3);
        drop((one, two, three, four, six));
        assert_eq!(connections.table().open.len(), 1);
    }

    #[tokio::test]
    async fn the_oldest_connection_ends_if_all_have_requests() {
        let connections = Connections::new(2);
        let start = Instant::now();
        let [one, two] = [0, 1].map(|second| connections.open(start + Duration::from_secs(second)));
        let _requests = [&one, &two].map(|connection| connections.begin_request(connection.id()));
        let _three = connections.open(start + Duration::from_secs(2));
        assert!(tokio::time::timeout(Duration::from_secs(60), one.closed()).await.is_ok());
        assert_eq!(connections.table().open.len(), 2);
    }
}
