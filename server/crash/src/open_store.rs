//! The one place that knows the store: opens a directory and says what is in it.
//!
//! It is done in a process of its own that takes one directory after the other, because a store that is wrong about a
//! damaged file may hang or end the process, and that is a finding and not the end of the search.

use std::{
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    time::Duration,
};

use nearby_client::v1;
use nearby_store::{DurableStore, StoreOptions};
use prost::Message;
use serde::{Deserialize, Serialize};

use crate::{Outcome, model::Content};

/// Opens a store and reads all merchants.
fn open(directory: &Path) -> Result<Content, String> {
    let (_store, loaded) =
        DurableStore::open(directory, &StoreOptions::DEFAULT).map_err(|error| error.to_string())?;
    let mut content = Content::new();
    let (mut unreadable, mut twice) = (0, 0);
    for stored in loaded.merchants {
        let given = stored.merchant.profile.given().concat();
        let name = v1::Merchant::decode(given.as_slice()).map(|merchant| merchant.display_name);
        unreadable += usize::from(name.is_err());
        let version = (name.unwrap_or_default(), stored.revision.0);
        twice += usize::from(content.insert(stored.merchant.id.to_string(), version).is_some());
    }
    match (unreadable, twice) {
        (0, 0) => Ok(content),
        _ => Err(format!("WRONG: {unreadable} merchants cannot be read, {twice} came twice")),
    }
}

/// What became of opening a directory.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Look {
    /// It opened.
    Opened(Content),
    /// It said no, and why.
    Refused(String),
    /// The process died or did not come to an end.
    Broke(String),
}

/// The hidden subcommand: reads directories from standard input, one a line, and answers each with a line.
pub(crate) fn serve() -> Outcome<()> {
    for line in io::stdin().lines() {
        let look = open(Path::new(&line?)).map_or_else(Look::Refused, Look::Opened);
        let mut answer = serde_json::to_string(&look)?;
        answer.push('\n');
        let mut out = io::stdout().lock();
        out.write_all(answer.as_bytes())?;
        out.flush()?;
    }
    Ok(())
}

/// A process that opens directories.
pub(crate) struct Looker {
    log: PathBuf,
    running: Option<(Child, ChildStdin, Receiver<io::Result<String>>)>,
}

/// Longer than anything that comes to an end: the harness's directories are small.
const PATIENCE: Duration = Duration::from_secs(30);

impl Looker {
    /// With a file for what the process says besides.
    pub(crate) fn new(log: PathBuf) -> Self {
        Self { log, running: None }
    }

    /// Opens a directory.
    pub(crate) fn look(&mut self, directory: &Path) -> Outcome<Look> {
        let (mut child, mut questions, answers) = match self.running.take() {
            Some(running) => running,
            None => self.start()?,
        };
        writeln!(questions, "{}", directory.display())?;
        match answers.recv_timeout(PATIENCE) {
            Ok(line) => {
                let look = serde_json::from_str(&line?)?;
                self.running = Some((child, questions, answers));
                Ok(look)
            }
            Err(RecvTimeoutError::Timeout) => {
                child.kill()?;
                child.wait()?;
                Ok(Look::Broke(format!("it did not open within {} s", PATIENCE.as_secs())))
            }
            Err(RecvTimeoutError::Disconnected) => {
                Ok(Look::Broke(format!("the process died: {}", child.wait()?)))
            }
        }
    }

    fn start(&self) -> Outcome<(Child, ChildStdin, Receiver<io::Result<String>>)> {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(&self.log)?;
        let mut child = Command::new(std::env::current_exe()?)
            .arg(crate::LOOK)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()?;
        let questions = child.stdin.take().ok_or("no pipe")?;
        let lines = BufReader::new(child.stdout.take().ok_or("no pipe")?).lines();
        let (sender, answers) = channel();
        std::thread::spawn(move || {
            for line in lines {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Ok((child, questions, answers))
    }
}

impl Drop for Looker {
    fn drop(&mut self) {
        if let Some((mut child, questions, _)) = self.running.take() {
            drop(questions);
            drop(child.kill());
            drop(child.wait());
        }
    }
}
