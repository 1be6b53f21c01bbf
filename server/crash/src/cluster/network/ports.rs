//! Free ports.

use std::{
    net::{Ipv4Addr, TcpListener},
    ops::Range,
};

use crate::error::Result;

/// Ports below those that the kernel assigns to outgoing connections: the port of a process that is down for a while is not
/// taken by a connection.
const RANGE: Range<u16> = 21_000..32_000;

/// Free ports of the loopback interface, each returned once.
#[derive(Debug)]
pub(super) struct Ports {
    next: u16,
}

impl Default for Ports {
    /// Begins at a port that depends on the process, so that two harnesses rarely compete for one.
    fn default() -> Self {
        let count = u32::from(RANGE.end - RANGE.start);
        let offset = std::process::id().wrapping_mul(97) % count;
        Self { next: RANGE.start + u16::try_from(offset).unwrap_or_default() }
    }
}

impl Ports {
    /// Returns a port that no process listens on.
    pub(super) fn next_free(&mut self) -> Result<u16> {
        for _ in RANGE {
            let port = self.next;
            self.next = if port + 1 < RANGE.end { port + 1 } else { RANGE.start };
            if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
                return Ok(port);
            }
        }
        Err("no port is free".into())
    }
}
