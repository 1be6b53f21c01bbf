//! The client protocol of NATS, as far as faults need it: one connection, one request at a time.
//!
//! The harness shares no code with the nodes, which use another client.

use std::{net::SocketAddrV4, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

use crate::error::Result;

const TIMEOUT: Duration = Duration::from_secs(5);
/// Subject of responses to this connection.
const INBOX: &str = "_INBOX.crash";

/// A connection to a broker.
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    /// Connects to a broker, without credentials.
    pub(crate) async fn open(broker: SocketAddrV4) -> Result<Self> {
        Self::connect(broker, "").await
    }

    /// Connects to a broker as a user whose password is its name.
    pub(crate) async fn open_as(broker: SocketAddrV4, user: &str) -> Result<Self> {
        Self::connect(broker, &format!(",\"user\":\"{user}\",\"pass\":\"{user}\"")).await
    }

    async fn connect(broker: SocketAddrV4, credentials: &str) -> Result<Self> {
        let connect = async {
            let mut stream = BufReader::new(TcpStream::connect(broker).await?);
            let mut info = String::new();
            stream.read_line(&mut info).await?;
            if !info.starts_with("INFO ") {
                return Err(format!("{broker} is no broker").into());
            }
            let greeting =
                format!("CONNECT {{\"verbose\":false,\"pedantic\":false{credentials}}}\r\nSUB {INBOX} 1\r\n");
            stream.write_all(greeting.as_bytes()).await?;
            Ok(Self { stream })
        };
        tokio::time::timeout(TIMEOUT, connect).await?
    }

    /// Publishes a message without waiting for an acknowledgement.
    pub(crate) async fn publish(&mut self, subject: &str, payload: &[u8]) -> Result<()> {
        self.send(&format!("PUB {subject} {}\r\n", payload.len()), payload).await
    }

    /// Sends a request and returns the JSON of its response.
    pub(crate) async fn request(&mut self, subject: &str, payload: &[u8]) -> Result<Value> {
        let exchange = async {
            self.send(&format!("PUB {subject} {INBOX} {}\r\n", payload.len()), payload).await?;
            self.response().await
        };
        let response = tokio::time::timeout(TIMEOUT, exchange).await;
        Ok(serde_json::from_slice(&response.map_err(|_| format!("no response to {subject}"))??)?)
    }

    /// Reads a message of a stream; `None` if there is none at that sequence.
    pub(crate) async fn message(&mut self, stream: &str, sequence: u64) -> Result<Option<Vec<u8>>> {
        let request = json!({ "seq": sequence }).to_string();
        let response = self.request(&format!("$JS.API.STREAM.MSG.GET.{stream}"), request.as_bytes()).await?;
        if response.get("message").is_none() {
            return Ok(None);
        }
        let data = response["message"]["data"].as_str().unwrap_or_default();
        Ok(Some(BASE64_STANDARD.decode(data)?))
    }

    async fn send(&mut self, command: &str, payload: &[u8]) -> Result<()> {
        let mut bytes = command.as_bytes().to_vec();
        bytes.extend_from_slice(payload);
        bytes.extend_from_slice(b"\r\n");
        self.stream.write_all(&bytes).await?;
        Ok(())
    }

    /// Waits for the next message to this connection.
    async fn response(&mut self) -> Result<Vec<u8>> {
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line).await? == 0 {
                return Err("the broker has ended the connection".into());
            }
            if line.starts_with("PING") {
                self.stream.write_all(b"PONG\r\n").await?;
            } else if line.starts_with("-ERR") {
                return Err(line.trim().to_owned().into());
            } else if line.starts_with("MSG ") || line.starts_with("HMSG ") {
                return self.payload(&line).await;
            }
        }
    }

    /// Reads the payload of a message, after its first line: `MSG subject id [reply] size`, or
    /// `HMSG subject id [reply] header-size size`.
    async fn payload(&mut self, line: &str) -> Result<Vec<u8>> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let size: usize = words.last().ok_or("a message without a size")?.parse()?;
        let header = match (words.first(), words.len().checked_sub(2)) {
            (Some(&"HMSG"), Some(at)) => words[at].parse()?,
            _ => 0,
        };
        let mut bytes = vec![0; size + 2];
        self.stream.read_exact(&mut bytes).await?;
        bytes.truncate(size);
        Ok(bytes.split_off(header.min(size)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use tokio::net::TcpListener;

    use super::*;

    /// A broker that answers one request with these bytes.
    async fn broker(answer: &'static [u8]) -> SocketAddrV4 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let std::net::SocketAddr::V4(address) = listener.local_addr().unwrap() else { unreachable!() };
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = BufReader::new(stream);
            stream.write_all(b"INFO {}\r\n").await.unwrap();
            let mut line = String::new();
            while !line.starts_with("PUB ") {
                line.clear();
                assert_ne!(stream.read_line(&mut line).await.unwrap(), 0);
            }
            stream.write_all(answer).await.unwrap();
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).await.unwrap();
        });
        address
    }

    #[tokio::test]
    async fn responses_are_read_behind_other_lines_and_headers() {
        for answer in [
            &b"PING\r\nMSG _INBOX.crash 1 9\r\n{\"seq\":7}\r\n"[..],
            b"+OK\r\nHMSG _INBOX.crash 1 4 13\r\nAB\r\n{\"seq\":7}\r\n",
        ] {
            let mut connection = Connection::open(broker(answer).await).await.unwrap();
            assert_eq!(connection.request("x", b"y").await.unwrap()["seq"], 7);
        }
    }

    #[tokio::test]
    async fn messages_of_a_stream_are_decoded() {
        let answer = b"MSG _INBOX.crash 1 29\r\n{\"message\":{\"data\":\"AQID\"}}  \r\n";
        let mut connection = Connection::open(broker(answer).await).await.unwrap();
        assert_eq!(connection.message("NEARBY", 1).await.unwrap(), Some(vec![1, 2, 3]));
        let missing = b"MSG _INBOX.crash 1 12\r\n{\"error\":{}}\r\n";
        let mut connection = Connection::open(broker(missing).await).await.unwrap();
        assert_eq!(connection.message("NEARBY", 9).await.unwrap(), None);
    }
}
