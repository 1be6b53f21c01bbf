//! Helpers of the commands about single merchants: arguments, names, output.

use std::io;

use clap::Args;
use nearby_proto::v1 as wire;

use super::{exit_code::CliError, target::TargetArgs, terminal};

/// Arguments of a command that changes one merchant.
#[derive(Args, Debug)]
pub(super) struct SingleMerchantArgs {
    /// Id of the merchant
    pub(super) id: String,

    /// Change the merchant only if this is its current etag
    #[arg(long, default_value = "")]
    pub(super) etag: String,

    #[command(flatten)]
    pub(super) target: TargetArgs,
}

/// Prints a merchant as JSON.
pub(super) fn print(merchant: &wire::Merchant) -> Result<(), CliError> {
    let text = serde_json::to_string_pretty(merchant).map_err(io::Error::from)?;
    Ok(terminal::out(format!("{text}\n"))?)
}

/// Returns the resource name of an id such as `cafe`, or of a resource name such as `merchants/cafe`.
pub(super) fn name_of(id: &str) -> String {
    if id.starts_with("merchants/") { id.to_owned() } else { format!("merchants/{id}") }
}
