//! `nearby reject`: rejects a merchant, so that searches do not return it.

use clap::Args;
use nearby_proto::v1 as wire;

use super::{
    exit_code::CliError,
    single_merchant::{SingleMerchantArgs, name_of, print},
    target::{IfMissing, Target},
};

#[derive(Args, Debug)]
pub(super) struct RejectArgs {
    #[command(flatten)]
    merchant: SingleMerchantArgs,

    /// Cause, for those who maintain the merchant
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

pub(super) async fn run(args: RejectArgs) -> Result<(), CliError> {
    let RejectArgs { merchant, reason } = args;
    let target = Target::open(&merchant.target, IfMissing::Fail).await?;
    let request = wire::RejectMerchantRequest {
        name: name_of(&merchant.id),
        etag: merchant.etag,
        reason,
        ..Default::default()
    };
    print(&target.client().reject_merchant(request).await?)?;
    target.close().await
}
