//! What a command works on: a running server, or a closed store that is served within this process for the while.
//! Either way it goes through the contract, so that there is one way in.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use nearby_proto::v1::{
    merchant_service_client::MerchantServiceClient, nearby_service_client::NearbyServiceClient,
};
use nearby_store::SledStore;
use tonic::transport::{Channel, Endpoint};

use super::exit::CliError;
use crate::{app::Running, config::ServerArgs};

/// Where the merchants are.
#[derive(Args, Clone, Debug)]
pub(super) struct TargetArgs {
    /// Address of the running server, such as 127.0.0.1:50051
    #[arg(long, env = "NEARBY_SERVER", value_name = "URL", default_value = "http://127.0.0.1:50051")]
    server: String,

    /// Work on a store that no server uses, instead of on a running server; --server says nothing then
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
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
    channel: Channel,
    served: Option<Running>,
}

const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
/// An import of thousands of rows on a slow disk still fits.
const CALL_DEADLINE: Duration = Duration::from_secs(30);

impl Target {
    pub(super) async fn open(args: &TargetArgs, missing: Missing) -> Result<Self, CliError> {
        if let Some(data_dir) = &args.data_dir {
            if missing == Missing::Refuse && !SledStore::is_in(data_dir) {
                return Err(CliError::no_input(format!("there is no store in {}", data_dir.display())));
            }
            let said = ServerArgs::from_environment().map_err(|error| CliError::usage(error.to_string()))?;
            let args = ServerArgs { data_dir: Some(data_dir.clone()), ..said };
            let (running, channel) = Running::start_in_process(&args.settings(None)?).await?;
            return Ok(Self { channel, served: Some(running) });
        }
        let url =
            if args.server.contains("://") { args.server.clone() } else { format!("http://{}", args.server) };
        if !url.starts_with("http://") {
            return Err(CliError::usage(format!(
                "--server {url}: only http:// is spoken; there is no TLS yet"
            )));
        }
        let endpoint = Endpoint::from_shared(url)
            .map_err(|error| CliError::usage(format!("--server {}: {error}", args.server)))?
            .connect_timeout(CONNECT_DEADLINE)
            .timeout(CALL_DEADLINE);
        let channel = endpoint.connect().await.map_err(|_| {
            CliError::unavailable(format!(
                "no server answers at {}; start one with `nearby serve`, name another with --server, or work on a \
                 closed store with --data-dir",
                args.server
            ))
        })?;
        Ok(Self { channel, served: None })
    }

    /// A way to a server that this process runs.
    pub(super) async fn of_running(running: &Running) -> Result<Self, CliError> {
        let address = running.address().ok_or_else(|| CliError::unavailable("the server has no address"))?;
        let args = TargetArgs { server: format!("http://{address}"), data_dir: None };
        Self::open(&args, Missing::Refuse).await
    }

    pub(super) fn searches(&self) -> NearbyServiceClient<Channel> {
        NearbyServiceClient::new(self.channel.clone())
    }

    pub(super) fn merchants(&self) -> MerchantServiceClient<Channel> {
        MerchantServiceClient::new(self.channel.clone())
    }

    /// Closes the store, if this opened one.
    pub(super) async fn close(self) -> Result<(), CliError> {
        drop(self.channel);
        match self.served {
            Some(running) => Ok(running.stop().await?),
            None => Ok(()),
        }
    }
}
