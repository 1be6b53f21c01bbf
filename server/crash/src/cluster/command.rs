//! Commands of the `nearby` executable that act on a cluster.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use nearby_testkit::{ManagedProcess, ProcessGroup, command, flags};
use serde::{Deserialize, de::DeserializeOwned};

use crate::error::Result;

/// The executable, and what its commands need to know of the cluster.
#[derive(Clone, Debug)]
pub(crate) struct Commands {
    /// The executable.
    pub(crate) nearby: PathBuf,
    /// Directory for the output of commands.
    pub(crate) directory: PathBuf,
    /// URLs of the brokers, as the harness reaches them.
    pub(crate) brokers: String,
    pub(crate) allow_older_brokers: bool,
}

/// The end of a command.
#[derive(Debug)]
pub(crate) struct Output {
    /// Exit code; `None` if it was killed or has not ended in time.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Response of `nearby cluster status --json`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Status {
    /// Last sequence of the log; `None` if the brokers have not described it.
    pub(crate) last: Option<u64>,
    pub(crate) nodes: Vec<NodeStatus>,
}

/// One node, as its announcements describe it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct NodeStatus {
    pub(crate) name: String,
    pub(crate) applied: u64,
    pub(crate) state: String,
    /// Label of the fault, such as `rewound`; empty if there is none.
    pub(crate) fault: String,
    /// The reason that it decides nothing now, if it is the node that was asked.
    pub(crate) blocked: String,
    /// Newest format of messages that it reads.
    pub(crate) max_format: u16,
}

/// Response of `nearby cluster verify --json`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Verification {
    pub(crate) sequence: u64,
    pub(crate) equal: bool,
    pub(crate) nodes: Vec<NodeHash>,
}

/// Hash of the contents of one node.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct NodeHash {
    pub(crate) name: String,
    pub(crate) hash: String,
    pub(crate) records: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Healed {
    republished: u64,
}

/// Time limit of a command.
const TIMEOUT: Duration = Duration::from_secs(60);

impl Commands {
    /// Makes a directory the first member of a cluster, or makes the log of a member again.
    pub(crate) async fn init(
        &self,
        (node, data): (&str, &Path),
        replicas: usize,
        arguments: &[&str],
    ) -> Result<Output> {
        let (replicas, data) = (replicas.to_string(), data.display().to_string());
        let member = [flags::CLUSTER, &self.brokers, flags::CLUSTER_NODE, node, flags::DATA_DIR, &data];
        let shape = ["--replicas", &replicas, "--max-gib", "1"];
        self.run("init", &[&member[..], &shape, self.older_brokers(), arguments].concat()).await
    }

    /// Makes a directory a further member.
    pub(crate) async fn join(&self, node: &str, data: &Path, from: Option<&str>) -> Result<Output> {
        let data = data.display().to_string();
        let member = [flags::CLUSTER, &self.brokers, flags::CLUSTER_NODE, node, flags::DATA_DIR, &data];
        let from = from.map(|url| ["--from", url]);
        let from = from.as_ref().map_or(&[][..], |from| &from[..]);
        self.run("join", &[&member[..], from, self.older_brokers()].concat()).await
    }

    /// Returns the flag that accepts brokers of an older release, if there are some.
    pub(crate) fn older_brokers(&self) -> &'static [&'static str] {
        if self.allow_older_brokers { &[flags::CLUSTER_ALLOW_OLDER_BROKERS] } else { &[] }
    }

    /// Asks a node for the state of the cluster.
    pub(crate) async fn status(&self, server: &str) -> Result<Status> {
        self.json("status", &["--server", server]).await
    }

    /// Restores from a node what the log has lost; returns the number of messages.
    pub(crate) async fn heal(&self, server: &str) -> Result<u64> {
        let healed: Healed = self.json("heal", &["--server", server]).await?;
        Ok(healed.republished)
    }

    /// Raises the format of the log.
    pub(crate) async fn upgrade(&self, server: &str, format: u16) -> Result<Output> {
        self.run("upgrade", &["--server", server, "--format", &format.to_string()]).await
    }

    /// Compares the contents of all nodes.
    pub(crate) async fn verify(&self, server: &str) -> Result<Verification> {
        /// Exit code if they differ (`EX_DATAERR` of sysexits.h).
        const DIFFERENT: i32 = 65;
        let output = self.run("verify", &["--server", server]).await?;
        match output.code {
            Some(0 | DIFFERENT) => {
                let verification: Verification = parse("verify", &output)?;
                if verification.equal != (output.code == Some(0)) {
                    return Err(format!("the exit code contradicts the output: {output:?}").into());
                }
                Ok(verification)
            }
            _ => Err(output.error("verify").into()),
        }
    }

    async fn json<T: DeserializeOwned>(&self, name: &str, arguments: &[&str]) -> Result<T> {
        let output = self.run(name, arguments).await?;
        if output.code != Some(0) {
            return Err(output.error(name).into());
        }
        parse(name, &output)
    }

    /// Runs `nearby cluster` with a subcommand.
    pub(crate) async fn run(&self, name: &str, arguments: &[&str]) -> Result<Output> {
        let path = |stream: &str| self.directory.join(format!("cluster-{name}.{stream}"));
        let mut command = command(&self.nearby);
        command.args(["cluster", name]).args(arguments).arg("--json").stdin(Stdio::null());
        command.stdout(fs::File::create(path("stdout"))?).stderr(fs::File::create(path("stderr"))?);
        let mut process = ManagedProcess::spawn(&mut command, ProcessGroup::Caller)?;
        let status = process.wait(TIMEOUT).await?;
        let read =
            |stream: &str| fs::read(path(stream)).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        Ok(Output {
            code: status.and_then(|status| status.code()),
            stdout: read("stdout")?,
            stderr: read("stderr")?,
        })
    }
}

impl Output {
    /// Describes a failure.
    pub(crate) fn error(&self, name: &str) -> String {
        let ended = self.code.map_or("has not ended in time".to_owned(), |code| format!("exit code {code}"));
        format!("nearby cluster {name}: {ended}: {}", self.stderr.trim())
    }
}

fn parse<T: DeserializeOwned>(name: &str, output: &Output) -> Result<T> {
    serde_json::from_str(&output.stdout)
        .map_err(|error| format!("nearby cluster {name} has printed {:?}: {error}", output.stdout).into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// An executable in place of `nearby`.
    fn commands(directory: &Path, script: &str) -> Commands {
        let nearby = directory.join("nearby");
        fs::write(&nearby, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&nearby, fs::Permissions::from_mode(0o755)).unwrap();
        let (directory, brokers) = (directory.to_owned(), "nats://127.0.0.1:1".to_owned());
        Commands { nearby, directory, brokers, allow_older_brokers: false }
    }

    #[tokio::test]
    async fn contents_that_differ_are_a_result_and_other_failures_are_errors() {
        let directory = tempfile::tempdir().unwrap();
        let nodes = r#"[{"name":"a","hash":"1","records":2},{"name":"b","hash":"3","records":2}]"#;
        let output = |equal: bool, code: u8| {
            format!("echo '{{\"sequence\":9,\"equal\":{equal},\"nodes\":{nodes}}}'; exit {code}")
        };
        let verification = commands(directory.path(), &output(false, 65)).verify("x").await.unwrap();
        assert_eq!((verification.sequence, verification.equal, verification.nodes.len()), (9, false, 2));
        assert!(commands(directory.path(), &output(true, 0)).verify("x").await.unwrap().equal);
        assert!(commands(directory.path(), &output(true, 65)).verify("x").await.is_err());
        let error =
            commands(directory.path(), "echo unreachable >&2; exit 69").verify("x").await.unwrap_err();
        assert_eq!(error.to_string(), "nearby cluster verify: exit code 69: unreachable");
    }

    #[tokio::test]
    async fn members_are_given_the_brokers_and_their_directory() {
        let directory = tempfile::tempdir().unwrap();
        let commands = commands(directory.path(), "echo \"$@\"");
        let output = commands.join("node-2", Path::new("/data"), Some("http://127.0.0.1:2")).await.unwrap();
        let expected = "cluster join --cluster nats://127.0.0.1:1 --cluster-node node-2 --data-dir /data --from \
                        http://127.0.0.1:2 --json\n";
        assert_eq!(output.stdout, expected);
    }
}
