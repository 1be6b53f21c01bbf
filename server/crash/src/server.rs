//! The server as a process of its own: this binary again, which does what the binary `nearby` does.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use nearby_client::{
    Client,
    v1::{ListMerchantsRequest, MerchantView, SearchNearbyRequest},
};
use nearby_server::cli;
use tonic::transport::Endpoint;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use crate::{Outcome, load::position, model::Content};

/// What every server is told besides its directory and where to write its address.
/// A short journal makes for many checkpoints, and a floor of nothing lets the disk be filled to its last block.
const FLAGS: &[&str] = &["--listen", "127.0.0.1:0", "--journal-mib", "1", "--disk-floor-mib", "0"];

/// The hidden subcommand: as `nearby`, with the arguments that follow.
pub(crate) fn serve(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    cli::main(std::iter::once(OsString::from("nearby")).chain(arguments))
}

/// Where a server works.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The data directory.
    pub(crate) data: PathBuf,
    /// A directory for its address and its log.
    pub(crate) beside: PathBuf,
}

/// A server that was started and may not serve yet. Killed when let go of.
pub(crate) struct Starting {
    child: Option<Child>,
    begun: Instant,
    log: PathBuf,
    said_before: u64,
    address_file: PathBuf,
}

/// Why a server did not come up.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    /// None where it neither ended nor served in time.
    pub(crate) status: Option<ExitStatus>,
    /// What it said on standard error.
    pub(crate) said: String,
}

/// How long a start or a stop may take before it counts as a failure.
const PATIENCE: Duration = Duration::from_secs(30);

impl Starting {
    /// Starts a server with some environment.
    pub(crate) fn spawn(place: &Place, environment: &[(String, String)]) -> Outcome<Self> {
        let (address_file, log) = (place.beside.join("address"), place.beside.join("log"));
        drop(fs::remove_file(&address_file));
        let said_before = fs::metadata(&log).map_or(0, |metadata| metadata.len());
        let mut command = Command::new(std::env::current_exe()?);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("NEARBY_"))
        {
            command.env_remove(name);
        }
        let child = command
            .args([crate::SERVE, "--log", "warn", "serve"])
            .args(FLAGS)
            .arg("--address-file")
            .arg(&address_file)
            .arg("--data-dir")
            .arg(&place.data)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::OpenOptions::new().create(true).append(true).open(&log)?)
            .spawn()?;
        Ok(Self { child: Some(child), begun: Instant::now(), log, said_before, address_file })
    }

    /// Waits until it serves, or until it has refused to.
    pub(crate) async fn ready(mut self) -> Outcome<Result<Server, Refusal>> {
        let mut child = self.child.take().ok_or("started once")?;
        let address = loop {
            match fs::read_to_string(&self.address_file) {
                Ok(address) if address.ends_with('\n') => break address.trim().to_owned(),
                _ => {}
            }
            let ended = child.try_wait()?;
            if ended.is_some() || self.begun.elapsed() > PATIENCE {
                drop(child.kill());
                drop(child.wait());
                return Ok(Err(Refusal { status: ended, said: self.said() }));
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        };
        let took = self.begun.elapsed();
        let mut server = Server {
            child,
            took,
            client: None,
            address,
            log: self.log.clone(),
            said_before: self.said_before,
        };
        server.client = Some(Client::connect(&server.address).await?.without_retries());
        Ok(Ok(server))
    }

    /// What it has said so far.
    fn said(&self) -> String {
        said_since(&self.log, self.said_before)
    }

    /// SIGKILL.
    pub(crate) fn kill(mut self) -> Outcome<()> {
        let mut child = self.child.take().ok_or("started once")?;
        child.kill()?;
        child.wait()?;
        Ok(())
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

fn said_since(log: &Path, from: u64) -> String {
    let said = fs::read(log).unwrap_or_default();
    let from = usize::try_from(from).unwrap_or(0).min(said.len());
    String::from_utf8_lossy(&said[from..]).into_owned()
}

/// A server that serves. Killed when let go of.
pub(crate) struct Server {
    child: Child,
    /// How long it took until it served.
    pub(crate) took: Duration,
    client: Option<Client>,
    address: String,
    log: PathBuf,
    said_before: u64,
}

impl Server {
    /// Starts one and waits for it.
    pub(crate) async fn start(place: &Place) -> Outcome<Result<Self, Refusal>> {
        Starting::spawn(place, &[])?.ready().await
    }

    /// Starts one that must come up.
    pub(crate) async fn must_start(place: &Place, environment: &[(String, String)]) -> Outcome<Self> {
        let started = Starting::spawn(place, environment)?.ready().await?;
        started.map_err(|refusal| format!("the server did not start: {}", refusal.said).into())
    }

    /// A connection to it, without retries.
    pub(crate) fn client(&self) -> Outcome<Client> {
        self.client.clone().ok_or_else(|| "not connected".into())
    }

    /// Puts a backup of it into a directory; why not, where that cannot be done.
    pub(crate) fn back_up(&self, directory: &Path) -> Outcome<Result<(), String>> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args([crate::SERVE, "backup", "--server", &self.address]).arg(directory);
        let output = command.stdin(Stdio::null()).output()?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        Ok(if output.status.success() { Ok(()) } else { Err(said) })
    }

    /// Whether the process still runs.
    pub(crate) fn is_alive(&mut self) -> Outcome<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// What it has said since its start.
    pub(crate) fn said(&self) -> String {
        said_since(&self.log, self.said_before)
    }

    /// SIGKILL.
    pub(crate) fn kill(mut self) -> Outcome<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// SIGTERM, and the end of it; none where it did not end in time.
    pub(crate) async fn terminate(mut self) -> Outcome<Option<ExitStatus>> {
        // Its connections end with it, not it with them.
        self.client = None;
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status()?;
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Some(status));
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(None)
    }

    /// All merchants, page by page.
    pub(crate) async fn content(&self) -> Outcome<Content> {
        let request = ListMerchantsRequest { view: MerchantView::Basic.into(), ..Default::default() };
        let mut pages = self.client()?.list_merchants_pages(request, usize::MAX);
        let mut content = Content::new();
        while let Some(page) = pages.next_page().await? {
            for merchant in page.merchants {
                let id = merchant.name.trim_start_matches("merchants/").to_owned();
                content.insert(id, (merchant.display_name, 0));
            }
        }
        Ok(content)
    }

    /// Whether a search is answered.
    pub(crate) async fn answers_searches(&self) -> Outcome<bool> {
        let request = SearchNearbyRequest { origin: Some(position(0.0)), ..Default::default() };
        Ok(self.client()?.search_nearby(request).await.is_ok())
    }

    /// What its health says of changes.
    pub(crate) async fn takes_changes(&self) -> Outcome<bool> {
        let channel = Endpoint::from_shared(format!("http://{}", self.address))?.connect().await?;
        let request = HealthCheckRequest { service: "nearby.v1.MerchantService".to_owned() };
        let answer = HealthClient::new(channel).check(request).await?.into_inner();
        Ok(answer.status() == ServingStatus::Serving)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
