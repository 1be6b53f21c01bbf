//! The server under test: a `nearby` process and a client connected to it.

use std::{
    path::{Path, PathBuf},
    process::ExitStatus,
    time::Duration,
};

use nearby_client::{
    Client,
    v1::{ListMerchantsRequest, MerchantView, SearchNearbyRequest},
};
use nearby_testkit::{
    ProcessGroup, ServerCommand, ServerProcess, StartError, StartingServer, command, flags,
};
use tonic::transport::Endpoint;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use crate::{error::Result, expected::Content, load::position};

/// Settings of every server. A short journal causes many checkpoints, and without a minimum of free space the disk can be filled
/// to its last block.
const FLAGS: [&str; 6] = ["--log", "warn", flags::CHECKPOINT_JOURNAL_MIB, "1", flags::MIN_FREE_DISK_MIB, "0"];

/// Time limit for a start or a stop.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The executable and the directories of a server under test.
#[derive(Clone, Debug)]
pub(crate) struct Fixture {
    /// The `nearby` executable.
    pub(crate) nearby: PathBuf,
    /// The data directory.
    pub(crate) data: PathBuf,
    /// A directory for the address file and the log.
    pub(crate) run_dir: PathBuf,
}

impl Fixture {
    /// Starts a server with these environment variables, and returns without waiting for it.
    pub(crate) fn spawn(&self, environment: &[(String, String)]) -> Result<StartingServer> {
        let command = ServerCommand::new(&self.nearby, &self.data)
            .run_dir(&self.run_dir)
            .args(FLAGS)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            // The harness handles no signals: Ctrl-C is to end the server with it.
            .process_group(ProcessGroup::Caller);
        Ok(command.spawn()?)
    }

    /// Starts a server. The inner error is a server that does not start, which is a result of the test.
    pub(crate) async fn start(&self) -> Result<Result<ServerUnderTest, StartError>> {
        connect(self.spawn(&[])?).await
    }

    /// Starts a server with these environment variables, which must succeed.
    pub(crate) async fn must_start(&self, environment: &[(String, String)]) -> Result<ServerUnderTest> {
        Ok(connect(self.spawn(environment)?).await??)
    }

    /// Returns the path of the server's log.
    pub(crate) fn log(&self) -> PathBuf {
        self.run_dir.join("log")
    }
}

/// Waits until a server is ready, and connects to it.
pub(crate) async fn connect(starting: StartingServer) -> Result<Result<ServerUnderTest, StartError>> {
    match starting.ready(TIMEOUT).await {
        Ok(process) => {
            let client = Client::connect(process.address()).await?.without_retries();
            Ok(Ok(ServerUnderTest { client, process }))
        }
        Err(StartError::Io(error)) => Err(error.into()),
        Err(error) => Ok(Err(error)),
    }
}

/// A server that is ready, and a client without retries. Dropping it kills the process.
pub(crate) struct ServerUnderTest {
    client: Client,
    process: ServerProcess,
}

impl ServerUnderTest {
    /// Returns the client.
    pub(crate) fn client(&self) -> Client {
        self.client.clone()
    }

    /// Returns the time from its start until it was ready.
    pub(crate) fn startup_time(&self) -> Duration {
        self.process.startup_time()
    }

    /// Writes a backup of the server into a directory with `nearby backup`. The inner error is the output of a failed backup.
    pub(crate) fn back_up(&self, fixture: &Fixture, directory: &Path) -> Result<Result<(), String>> {
        let mut command = command(&fixture.nearby);
        command.args(["backup", "--server", self.process.address()]).arg(directory);
        let output = command.output()?;
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        Ok(if output.status.success() { Ok(()) } else { Err(message) })
    }

    /// Returns `true` while the process is running.
    pub(crate) fn is_running(&mut self) -> Result<bool> {
        Ok(self.process.try_wait()?.is_none())
    }

    /// Returns what it has logged since its start.
    pub(crate) fn output(&self) -> String {
        self.process.output()
    }

    /// Sends SIGKILL.
    pub(crate) fn kill(self) -> Result<()> {
        Ok(self.process.kill()?)
    }

    /// Stops it with SIGTERM; returns `None` if it does not exit in time.
    pub(crate) async fn terminate(self) -> Result<Option<ExitStatus>> {
        // An open connection of this process does not count as a reason not to exit.
        drop(self.client);
        Ok(self.process.terminate(TIMEOUT).await?)
    }

    /// Lists all merchants, page by page.
    pub(crate) async fn content(&self) -> Result<Content> {
        let request = ListMerchantsRequest { view: MerchantView::Basic.into(), ..Default::default() };
        let mut pages = self.client().list_merchants_pages(request, usize::MAX);
        let mut content = Content::new();
        while let Some(page) = pages.next_page().await? {
            for merchant in page.merchants {
                let id = merchant.name.trim_start_matches("merchants/").to_owned();
                content.insert(id, (merchant.display_name, 0));
            }
        }
        Ok(content)
    }

    /// Returns `true` if a search succeeds.
    pub(crate) async fn serves_searches(&self) -> bool {
        let request = SearchNearbyRequest { origin: Some(position(0.0)), ..Default::default() };
        self.client().search_nearby(request).await.is_ok()
    }

    /// Returns `true` if its health status says that it accepts changes.
    pub(crate) async fn is_writable(&self) -> Result<bool> {
        let channel = Endpoint::from_shared(self.process.url())?.connect().await?;
        let request = HealthCheckRequest { service: "nearby.v1.MerchantService".to_owned() };
        let response = HealthClient::new(channel).check(request).await?.into_inner();
        Ok(response.status() == ServingStatus::Serving)
    }
}
