//! Opens a store and reads its merchants, in a separate process.
//!
//! The process opens one directory after the other. A store that mishandles a damaged file may hang or abort the process; that is
//! a finding and must not end the harness.

use std::{
    env, fs,
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::Duration,
};

use nearby_client::v1;
use nearby_store::{DurableStore, StoreOptions};
use prost::Message;
use serde::{Deserialize, Serialize};

use crate::{error::Result, expected::Content};

/// Hidden subcommand of the process that opens stores.
pub(crate) const SUBCOMMAND: &str = "open-stores";

/// Start of the message about a store that opens with wrong content.
pub(crate) const WRONG_CONTENT: &str = "WRONG";

/// Time limit for opening a store. The stores of the harness are small: one that takes longer hangs.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Opens a store and reads all merchants.
fn open(directory: &Path) -> Result<Content, String> {
    let (_store, recovered) =
        DurableStore::open(directory, &StoreOptions::DEFAULT).map_err(|error| error.to_string())?;
    let mut content = Content::new();
    let (mut unreadable, mut duplicates) = (0, 0);
    for stored in recovered.merchants {
        let given = stored.merchant.profile.given().concat();
        let name = v1::Merchant::decode(given.as_slice()).map(|merchant| merchant.display_name);
        unreadable += usize::from(name.is_err());
        let version = (name.unwrap_or_default(), stored.revision.0);
        duplicates += usize::from(content.insert(stored.merchant.id.to_string(), version).is_some());
    }
    match (unreadable, duplicates) {
        (0, 0) => Ok(content),
        _ => Err(format!("{WRONG_CONTENT}: {unreadable} unreadable merchants, {duplicates} duplicates")),
    }
}

/// The result of opening a store.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Opened {
    /// It opened, with this content.
    Content(Content),
    /// It failed with an error.
    Refused(String),
    /// The process died or did not return in time.
    Crashed(String),
}

/// Runs the hidden subcommand: reads directories from stdin, one per line, and writes a line of JSON for each.
pub(crate) fn serve() -> Result<()> {
    for line in io::stdin().lines() {
        let opened = open(Path::new(&line?)).map_or_else(Opened::Refused, Opened::Content);
        let mut response = serde_json::to_string(&opened)?;
        response.push('\n');
        let mut stdout = io::stdout().lock();
        stdout.write_all(response.as_bytes())?;
        stdout.flush()?;
    }
    Ok(())
}

/// A process that opens stores; it is started when it is needed.
pub(crate) struct StoreOpener {
    log: PathBuf,
    process: Option<(Child, ChildStdin, Receiver<io::Result<String>>)>,
}

impl StoreOpener {
    /// Creates an opener whose process logs into a file of this directory.
    pub(crate) fn new(directory: &Path) -> Self {
        Self { log: directory.join("open-stores.log"), process: None }
    }

    /// Opens a store.
    pub(crate) fn open(&mut self, directory: &Path) -> Result<Opened> {
        let (mut child, mut requests, responses) = match self.process.take() {
            Some(process) => process,
            None => self.start()?,
        };
        writeln!(requests, "{}", directory.display())?;
        match responses.recv_timeout(TIMEOUT) {
            Ok(line) => {
                let opened = serde_json::from_str(&line?)?;
                self.process = Some((child, requests, responses));
                Ok(opened)
            }
            Err(RecvTimeoutError::Timeout) => {
                child.kill()?;
                child.wait()?;
                Ok(Opened::Crashed(format!("the store did not open within {} s", TIMEOUT.as_secs())))
            }
            Err(RecvTimeoutError::Disconnected) => {
                Ok(Opened::Crashed(format!("the process that opened the store died: {}", child.wait()?)))
            }
        }
    }

    fn start(&self) -> Result<(Child, ChildStdin, Receiver<io::Result<String>>)> {
        let log = fs::OpenOptions::new().create(true).append(true).open(&self.log)?;
        let mut child = Command::new(env::current_exe()?)
            .arg(SUBCOMMAND)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()?;
        let requests = child.stdin.take().ok_or("the process has no stdin")?;
        let lines = BufReader::new(child.stdout.take().ok_or("the process has no stdout")?).lines();
        let (sender, responses) = channel();
        thread::spawn(move || {
            for line in lines {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Ok((child, requests, responses))
    }
}

impl Drop for StoreOpener {
    fn drop(&mut self) {
        if let Some((mut child, requests, _)) = self.process.take() {
            drop(requests);
            drop(child.kill());
            drop(child.wait());
        }
    }
}
