//! Options for TLS and credentials.

use std::{fs, io, path::PathBuf};

use clap::Args;
use nearby_client::Access;

use crate::{
    error::Error,
    h2_client::{Target, TargetError},
};

#[derive(Args, Clone, Debug, Default)]
pub(super) struct AuthOptions {
    /// File that contains the API key to send
    #[arg(long, value_name = "FILE")]
    api_key_file: Option<PathBuf>,

    /// PEM file of CA certificates to trust for https:// [default: those of the system]
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,
}

impl AuthOptions {
    /// Applies the options to the load generator's target.
    pub(super) fn apply_to(&self, mut target: Target) -> Result<Target, Error> {
        if let Some(path) = &self.tls_ca {
            target = target.trusting(path)?;
        }
        if let Some(path) = &self.api_key_file {
            target = target.with_key_file(path)?;
        }
        Ok(target)
    }

    /// Applies the options to the client that imports the dataset.
    pub(super) fn client_access(&self) -> Result<Access, Error> {
        let read = |path: &PathBuf| {
            fs::read_to_string(path).map_err(|source| TargetError::Unreadable { path: path.clone(), source })
        };
        let mut access = Access::default();
        if let Some(path) = &self.tls_ca {
            access = access.with_ca_certificate(read(path)?);
        }
        if let Some(path) = &self.api_key_file {
            access = access.with_api_key(&read(path)?).map_err(io::Error::other)?;
        }
        Ok(access)
    }
}
