//! What a command works on: a running server, or a closed store that is served within this process for the while.
//! Either way it goes through the contract, so that there is one way in.

use std::{
    fs,
    net::IpAddr,
    path::{Path, PathBuf},
};

use clap::Args;
use nearby_client::{Access, Client, ConnectError};
use nearby_store::DurableStore;

use super::{exit_code::CliError, store, terminal};
use crate::app::{Progress, ServerHandle};

/// Where the merchants are.
#[derive(Args, Clone, Debug)]
pub(super) struct TargetArgs {
    #[command(flatten)]
    server: ServerAddress,

    /// Work on a store that no server uses, instead of on a running server; --server says nothing then
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

/// Which server to call.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct ServerAddress {
    /// Address of the running server, such as 127.0.0.1:50051
    #[arg(long, env = "NEARBY_SERVER", value_name = "URL", default_value = "http://127.0.0.1:50051")]
    server: String,

    /// Certificates to know the server by, in PEM, for https://; those of the system without it
    #[arg(long, env = "NEARBY_SERVER_CA", value_name = "FILE")]
    server_ca: Option<PathBuf>,

    /// Certificate to show to the server, in PEM, where it wants one; with --client-key
    #[arg(long, env = "NEARBY_CLIENT_CERT", value_name = "FILE", requires = "client_key")]
    client_cert: Option<PathBuf>,

    /// Private key of that certificate, in PEM
    #[arg(long, env = "NEARBY_CLIENT_KEY", value_name = "FILE", requires = "client_cert")]
    client_key: Option<PathBuf>,

    /// File with the API key to show to the server
    #[arg(long, env = "NEARBY_API_KEY_FILE", value_name = "FILE")]
    api_key_file: Option<PathBuf>,
}

/// What to do where `--data-dir` names a directory that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// Make a new store: something is to be put into it.
    Create,
    /// Say so: there is nothing to read, and the name is most likely a slip.
    Refuse,
}

/// An open way to the merchants.
pub(super) struct Target {
    client: Client,
    served: Option<ServerHandle>,
}

impl Target {
    pub(super) async fn open(args: &TargetArgs, missing: Missing) -> Result<Self, CliError> {
        let Some(data_dir) = &args.data_dir else {
            const REMEDY: &str = "start one with `nearby serve`, name another with --server, or work on a closed store \
                                  with --data-dir";
            return Ok(Self { client: args.server.connect(REMEDY).await?, served: None });
        };
        if missing == Missing::Refuse && !DurableStore::exists(data_dir) {
            return Err(CliError::no_input(format!("there is no store in {}", data_dir.display())));
        }
        Self::serve(data_dir, false).await
    }

    /// The same of a closed store that may be damaged: what is sound of it.
    pub(super) async fn open_salvaged(args: &TargetArgs) -> Result<Self, CliError> {
        match &args.data_dir {
            Some(data_dir) if DurableStore::exists(data_dir) => Self::serve(data_dir, true).await,
            _ => Err(CliError::no_input("there is no store to salvage; name its directory with --data-dir")),
        }
    }

    async fn serve(data_dir: &Path, serve_damaged: bool) -> Result<Self, CliError> {
        let mut settings = store::settings(Some(data_dir))?;
        settings.serve_damaged_read_only |= serve_damaged;
        let (running, channel) = ServerHandle::start_in_process(&settings, Progress::to_log()).await?;
        Ok(Self { client: Client::from_channel(channel), served: Some(running) })
    }

    /// A way to a server that this process runs.
    pub(super) async fn of_running(running: &ServerHandle) -> Result<Self, CliError> {
        let address = running.address().ok_or_else(|| CliError::unavailable("the server has no address"))?;
        let server = ServerAddress { server: address.to_string(), ..ServerAddress::default() };
        Ok(Self { client: server.connect("it has just ended").await?, served: None })
    }

    /// Who asks. Clones of it must be gone before this is closed.
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Closes the store, if this opened one.
    pub(super) async fn close(self) -> Result<(), CliError> {
        drop(self.client);
        match self.served {
            Some(running) => Ok(running.stop().await?),
            None => Ok(()),
        }
    }
}

impl ServerAddress {
    /// Connects to the server; `remedy` is what to do where nothing answers.
    pub(super) async fn connect(&self, remedy: &str) -> Result<Client, CliError> {
        let access = self.access()?;
        if self.api_key_file.is_some() && self.is_in_the_clear() {
            terminal::err("warning: the API key goes over the network for all to read; https:// hides it\n");
        }
        Client::connect_with(&self.server, &access).await.map_err(|error| match error {
            ConnectError::InvalidAddress { .. } | ConnectError::UnsupportedScheme { .. } => {
                CliError::usage(format!("--server {error}"))
            }
            ConnectError::InvalidAccess(reason) => CliError::usage(reason),
            ConnectError::Tls { .. } => CliError::unavailable(format!(
                "{error}; --server-ca names the certificates to know it by, and --server its name in them"
            )),
            _ => CliError::unavailable(format!("no server answers at {}; {remedy}", self.server)),
        })
    }

    /// Whether calls go over a network, and not over TLS.
    fn is_in_the_clear(&self) -> bool {
        let url =
            if self.server.contains("://") { self.server.clone() } else { format!("http://{}", self.server) };
        let Ok(url) = url.parse::<http::Uri>() else { return false };
        let host = url.host().unwrap_or_default().trim_matches(['[', ']']);
        let is_here =
            host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        url.scheme_str() == Some("http") && !is_here
    }

    fn access(&self) -> Result<Access, CliError> {
        let read = |path: &PathBuf| {
            fs::read_to_string(path)
                .map_err(|error| CliError::no_input(format!("cannot read {}: {error}", path.display())))
        };
        let mut access = Access::default();
        if let Some(path) = &self.server_ca {
            access = access.with_ca_certificate(read(path)?);
        }
        if let (Some(certificate), Some(key)) = (&self.client_cert, &self.client_key) {
            access = access.with_client_certificate(read(certificate)?, read(key)?);
        }
        if let Some(path) = &self.api_key_file {
            let unusable = |error| CliError::usage(format!("{}: {error}", path.display()));
            access = access.with_api_key(&read(path)?).map_err(unusable)?;
        }
        Ok(access)
    }
}
