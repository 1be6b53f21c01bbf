//! Raw HTTP/2 (RFC 9113): frames that need not be valid.

use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpSocket, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const WINDOW_UPDATE: u8 = 8;
pub(super) const CONTINUATION: u8 = 9;

pub(super) const ACK: u8 = 1;
pub(super) const END_STREAM: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Encodes a frame.
pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes();
    let mut bytes = vec![length[1], length[2], length[3], kind, flags];
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// Encodes a header as a literal without indexing (RFC 7541, 6.2.2).
pub(super) fn literal(name: &str, value: &str) -> Vec<u8> {
    let mut bytes = vec![0];
    for text in [name, value] {
        number(&mut bytes, text.len());
        bytes.extend(text.as_bytes());
    }
    bytes
}

/// Encodes an integer with a prefix of seven bits (RFC 7541, 5.1).
fn number(bytes: &mut Vec<u8>, value: usize) {
    let low = |value: usize| u8::try_from(value & 0x7F).unwrap_or_default();
    if value < 127 {
        return bytes.push(low(value));
    }
    bytes.push(127);
    let mut rest = value - 127;
    while rest >= 128 {
        bytes.push(low(rest) | 128);
        rest >>= 7;
    }
    bytes.push(low(rest));
}

/// Encodes the header block of a call.
pub(super) fn head(path: &str) -> Vec<u8> {
    // `:method POST` and `:scheme http` by their static table indices.
    let mut block = vec![0x83, 0x86];
    for (name, value) in
        [(":path", path), (":authority", "nearby"), ("content-type", "application/grpc"), ("te", "trailers")]
    {
        block.extend(literal(name, value));
    }
    block
}

/// A connection on which anything can be sent.
#[derive(Debug)]
pub(super) struct RawConnection {
    pub(super) reads: OwnedReadHalf,
    pub(super) writes: OwnedWriteHalf,
}

impl RawConnection {
    /// Connects. On loopback every 500 clients use another source address: the server limits connections per address, and may
    /// have banned an address that attacked before.
    pub(super) async fn connect(address: SocketAddr, number: usize) -> io::Result<Self> {
        let stream = match address.ip() {
            IpAddr::V4(here) if here.is_loopback() => {
                let nth = u32::try_from(number / 500).unwrap_or_default();
                let from = Ipv4Addr::from_bits(Ipv4Addr::LOCALHOST.to_bits() + 1 + nth);
                let socket = TcpSocket::new_v4()?;
                socket.bind(SocketAddr::from((from, 0)))?;
                socket.connect(address).await?
            }
            _ => TcpStream::connect(address).await?,
        };
        stream.set_nodelay(true)?;
        let (reads, writes) = stream.into_split();
        Ok(Self { reads, writes })
    }

    /// Connects and sends the HTTP/2 preface with these settings.
    pub(super) async fn handshake(
        address: SocketAddr,
        number: usize,
        settings: &[(u16, u32)],
    ) -> io::Result<Self> {
        let mut connection = Self::connect(address, number).await?;
        let mut payload = Vec::new();
        for (name, value) in settings {
            payload.extend(name.to_be_bytes());
            payload.extend(value.to_be_bytes());
        }
        connection.writes.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, &payload)].concat()).await?;
        Ok(connection)
    }

    /// Writes raw bytes.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.writes.write_all(bytes).await
    }

    /// Reads frames until the connection ends, a GOAWAY arrives, or `is_done` returns `true` for a frame's type, flags and stream.
    pub(super) async fn read_until(
        reads: &mut OwnedReadHalf,
        mut is_done: impl FnMut(u8, u8, u32) -> bool,
    ) -> io::Result<Termination> {
        let mut head = [0; 9];
        loop {
            match reads.read_exact(&mut head).await {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(Termination::Closed),
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                    return Ok(Termination::Closed);
                }
                Err(error) => return Err(error),
            }
            let mut payload = Vec::new();
            let length = u64::from(u32::from_be_bytes([0, head[0], head[1], head[2]]));
            (&mut *reads).take(length).read_to_end(&mut payload).await?;
            if head[3] == GOAWAY {
                let code =
                    payload.get(4..8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_be_bytes);
                return Ok(Termination::GoAway(code));
            }
            if is_done(head[3], head[4], u32::from_be_bytes([head[5], head[6], head[7], head[8]])) {
                return Ok(Termination::Streams);
            }
        }
    }
}

/// The way in which the server ended an attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Termination {
    /// Closed the connection.
    Closed,
    /// Sent a GOAWAY with this error code.
    GoAway(u32),
    /// Ended all streams.
    Streams,
    /// Responded with this HTTP status, and closed the connection.
    Status(u16),
    /// Made an error.
    Fault(&'static str),
}

impl fmt::Display for Termination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("closed"),
            Self::GoAway(0) => f.write_str("GOAWAY"),
            Self::GoAway(1) => f.write_str("PROTOCOL_ERROR"),
            Self::GoAway(6) => f.write_str("FRAME_SIZE_ERROR"),
            Self::GoAway(9) => f.write_str("COMPRESSION_ERROR"),
            Self::GoAway(11) => f.write_str("ENHANCE_YOUR_CALM"),
            Self::GoAway(code) => write!(f, "GOAWAY {code}"),
            Self::Streams => f.write_str("streams"),
            Self::Status(status) => write!(f, "HTTP {status}"),
            Self::Fault(fault) => f.write_str(fault),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_and_integers_are_encoded_as_the_rfcs_specify() {
        assert_eq!(frame(PING, 1, 3, b"ab"), [0, 0, 2, 6, 1, 0, 0, 0, 3, b'a', b'b']);
        let mut bytes = Vec::new();
        // RFC 7541, C.1.2 encodes 1337 with a prefix of five bits; with seven it is 127 + 1210.
        number(&mut bytes, 1_337);
        assert_eq!(bytes, [127, 0b1011_1010, 9]);
        assert_eq!(literal("a", "b"), [0, 1, b'a', 1, b'b']);
    }
}
