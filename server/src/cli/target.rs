//! The server that a command calls: a running one, or one that this process starts on a closed store. Commands use the gRPC
//! contract in either case, so that there is one code path.

use std::{
    fs,
    net::IpAddr,
    path::{Path, PathBuf},
};

use clap::Args;
use nearby_client::{Access, Client, ConnectError};
use nearby_store::{OpenMode, is_read_only};
use tempfile::TempDir;

use super::{
    closed_store::{self, ScratchArgs},
    exit_code::CliError,
    terminal,
};
use crate::app::{Progress, ServerHandle};

/// Options that select the server or the closed store.
#[derive(Args, Clone, Debug)]
pub(super) struct TargetArgs {
    #[command(flatten)]
    server: ServerAddress,

    /// Work on the closed store in this directory instead of on a running server; --server is ignored
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,

    #[command(flatten)]
    scratch: ScratchArgs,
}

/// Options of the connection to a running server.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct ServerAddress {
    /// Address of the running server, such as 127.0.0.1:50051
    #[arg(long, env = "NEARBY_SERVER", value_name = "URL", default_value = "http://127.0.0.1:50051")]
    server: String,

    /// Certificate authorities of the server, in PEM, for https:// [default: those of the system]
    #[arg(long, env = "NEARBY_SERVER_CA", value_name = "FILE")]
    server_ca: Option<PathBuf>,

    /// Client certificate, in PEM, if the server requires one; requires --client-key
    #[arg(long, env = "NEARBY_CLIENT_CERT", value_name = "FILE", requires = "client_key")]
    client_cert: Option<PathBuf>,

    /// Private key of the client certificate, in PEM
    #[arg(long, env = "NEARBY_CLIENT_KEY", value_name = "FILE", requires = "client_cert")]
    client_key: Option<PathBuf>,

    /// File with the API key of this client
    #[arg(long, env = "NEARBY_API_KEY_FILE", value_name = "FILE")]
    api_key_file: Option<PathBuf>,
}

/// Behaviour if `--data-dir` contains no store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IfMissing {
    /// Create a new store: the command writes to it.
    Create,
    /// Work on an empty store, and remove it at the end: the command only finds out what it would write.
    UseEmpty,
    /// Fail: there is nothing to read, and the directory is most likely misspelt.
    Fail,
}

/// A client, and the server that this process has started for it, if any.
pub(super) struct Target {
    client: Client,
    server: Option<ServerHandle>,
    /// Directory of a store that is removed at the end.
    temporary: Option<TempDir>,
}

impl Target {
    pub(super) async fn open(args: &TargetArgs, if_missing: IfMissing) -> Result<Self, CliError> {
        let Some(data_dir) = &args.data_dir else {
            const REMEDY: &str = "start one with `nearby serve`, name another with --server, or work on a closed store \
                                  with --data-dir";
            return Ok(Self { client: args.server.connect(REMEDY).await?, server: None, temporary: None });
        };
        match if_missing {
            IfMissing::Create => {}
            IfMissing::Fail => closed_store::require_store(data_dir)?,
            IfMissing::UseEmpty if closed_store::is_store(data_dir)? => {}
            IfMissing::UseEmpty => {
                let directory = tempfile::tempdir()?;
                let target = Self::serve(directory.path(), OpenMode::ReadWrite, None).await?;
                return Ok(Self { temporary: Some(directory), ..target });
            }
        }
        let mode = if if_missing != IfMissing::Create && is_read_only(data_dir) {
            OpenMode::ReadOnly
        } else {
            OpenMode::ReadWrite
        };
        Self::serve(data_dir, mode, Some(&args.scratch)).await
    }

    /// Opens the intact part of a closed store that may be damaged.
    pub(super) async fn open_damaged(args: &TargetArgs) -> Result<Self, CliError> {
        let Some(data_dir) = &args.data_dir else {
            return Err(CliError::no_input("no store to salvage; name its directory with --data-dir"));
        };
        closed_store::require_store(data_dir)?;
        Self::serve(data_dir, OpenMode::DamagedReadOnly, Some(&args.scratch)).await
    }

    async fn serve(data_dir: &Path, mode: OpenMode, scratch: Option<&ScratchArgs>) -> Result<Self, CliError> {
        let mut settings = closed_store::settings(Some(data_dir))?;
        if mode != OpenMode::ReadWrite {
            settings.store_mode = mode;
        }
        settings.scratch = scratch.and_then(|given| given.scratch.clone()).or(settings.scratch);
        let (server, channel) = ServerHandle::start_in_process(&settings, Progress::to_log()).await?;
        Ok(Self { client: Client::from_channel(channel), server: Some(server), temporary: None })
    }

    /// Connects to a server of this process.
    pub(super) async fn of_server(server: &ServerHandle) -> Result<Self, CliError> {
        let address = server.address().ok_or_else(|| CliError::unavailable("the server has no address"))?;
        let address = ServerAddress { server: address.to_string(), ..ServerAddress::default() };
        Ok(Self { client: address.connect("it has just stopped").await?, server: None, temporary: None })
    }

    /// Returns the client. Drop its clones before [`Self::close`].
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Closes the connection, and stops the server if this process has started it.
    pub(super) async fn close(self) -> Result<(), CliError> {
        drop(self.client);
        if let Some(server) = self.server {
            server.stop().await?;
        }
        Ok(self.temporary.map_or(Ok(()), TempDir::close)?)
    }
}

impl ServerAddress {
    /// Returns the same access to another server.
    pub(super) fn at(&self, server: &str) -> Self {
        Self { server: server.to_owned(), ..self.clone() }
    }

    /// Connects to the server. `remedy` is a part of the error if no server answers.
    pub(super) async fn connect(&self, remedy: &str) -> Result<Client, CliError> {
        let access = self.access()?;
        if self.api_key_file.is_some() && self.is_unencrypted() {
            terminal::err("warning: the API key is sent unencrypted over the network; use https://\n");
        }
        Client::connect_with(&self.server, &access).await.map_err(|error| match error {
            ConnectError::InvalidAddress { .. } | ConnectError::UnsupportedScheme { .. } => {
                CliError::usage(format!("--server {error}"))
            }
            ConnectError::InvalidAccess(reason) => CliError::usage(reason),
            ConnectError::Tls { ref reason, .. } => {
                let remedy = match reason {
                    reason if reason.contains("client certificate") => "; --client-cert and --client-key set the certificate",
                    reason if reason.contains("http://") => "",
                    _ => "; set --server-ca to its certificate authorities, and --server to a name in its certificate",
                };
                CliError::unavailable(format!("{error}{remedy}"))
            }
            ConnectError::UnknownHost { .. } => CliError::unavailable(error.to_string()),
            _ => CliError::unavailable(format!("no server answers at {}; {remedy}", self.server)),
        })
    }

    /// Returns whether calls leave this host without TLS.
    fn is_unencrypted(&self) -> bool {
        let url =
            if self.server.contains("://") { self.server.clone() } else { format!("http://{}", self.server) };
        let Ok(url) = url.parse::<http::Uri>() else { return false };
        let host = url.host().unwrap_or_default().trim_matches(['[', ']']);
        let is_loopback =
            host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        url.scheme_str() == Some("http") && !is_loopback
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
