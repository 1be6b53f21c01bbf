//! Redis's protocol, as far as it is needed here (RESP 2).

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

use crate::error::{Failed, Result, failed};

/// A connection to a Redis server.
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    /// `None` where nobody listens yet.
    pub(crate) async fn open(port: u16) -> Option<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
        stream.set_nodelay(true).ok()?;
        Some(Self { stream: BufReader::new(stream) })
    }

    /// Asks one thing: the answer, without the sign before it, or what the server says is wrong.
    pub(crate) async fn ask(&mut self, words: &[&str]) -> Result<std::result::Result<String, String>> {
        let mut bytes = Vec::new();
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        put(&mut bytes, &words);
        self.write(&bytes).await?;
        self.answer().await
    }

    /// Asks one thing that must not be refused.
    pub(crate) async fn must(&mut self, words: &[&str]) -> Result<String> {
        self.ask(words).await?.map_err(failed(format!("redis-server refused {}", words.join(" "))))
    }

    /// Sends commands that were put one after the other, and takes their answers, which must be good.
    pub(crate) async fn send(&mut self, commands: &[u8], count: usize) -> Result<()> {
        self.write(commands).await?;
        for _ in 0..count {
            self.answer().await?.map_err(failed("redis-server refused what it was to load"))?;
        }
        Ok(())
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).await.map_err(failed("cannot send to redis-server"))
    }

    /// The next answer. Lists are not asked for.
    async fn answer(&mut self) -> Result<std::result::Result<String, String>> {
        let mut line = String::new();
        let what = "cannot receive from redis-server";
        if self.stream.read_line(&mut line).await.map_err(failed(what))? == 0 {
            return Err(Failed::new("redis-server closed the connection"));
        }
        let text = line.trim_end();
        match text.split_at_checked(1) {
            Some(("+" | ":", text)) => Ok(Ok(text.to_owned())),
            Some(("-", text)) => Ok(Err(text.to_owned())),
            Some(("$", length)) => {
                let length: usize = length.parse().map_err(failed(what))?;
                let mut bytes = vec![0; length + 2];
                self.stream.read_exact(&mut bytes).await.map_err(failed(what))?;
                bytes.truncate(length);
                Ok(Ok(String::from_utf8_lossy(&bytes).into_owned()))
            }
            _ => Err(Failed::new(format!("redis-server answered {text:?}"))),
        }
    }
}

/// Puts a command after others.
pub(crate) fn put(commands: &mut Vec<u8>, words: &[&[u8]]) {
    commands.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
    for word in words {
        commands.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        commands.extend_from_slice(word);
        commands.extend_from_slice(b"\r\n");
    }
}
