//! How a server is known, and what is shown to it.

use std::{fs, io, path::PathBuf};

use clap::Args;
use nearby_client::Access;

use super::Failure;
use crate::h2_client::{Target, TargetError};

#[derive(Args, Clone, Debug, Default)]
pub(super) struct AccessOptions {
    /// File with the API key to show
    #[arg(long, value_name = "FILE")]
    api_key_file: Option<PathBuf>,

    /// Certificates to trust, in PEM, for https://; those of the system without it
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,
}

impl AccessOptions {
    /// For calls that load.
    pub(super) fn of_target(&self, mut target: Target) -> Result<Target, Failure> {
        if let Some(path) = &self.tls_ca {
            target = target.trusting(path)?;
        }
        if let Some(path) = &self.api_key_file {
            target = target.with_key_of(path)?;
        }
        Ok(target)
    }

    /// For calls that bring a world in.
    pub(super) fn of_client(&self) -> Result<Access, Failure> {
        let read = |path: &PathBuf| {
            fs::read_to_string(path).map_err(|source| TargetError::Unreadable { path: path.clone(), source })
        };
        let mut access = Access::default();
        if let Some(path) = &self.tls_ca {
            access = access.trusting(read(path)?);
        }
        if let Some(path) = &self.api_key_file {
            access = access.with_key(&read(path)?).map_err(io::Error::other)?;
        }
        Ok(access)
    }
}
