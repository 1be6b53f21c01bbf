//! `nearby get`: prints merchants.

use clap::Args;
use nearby_proto::v1 as wire;

use super::{
    exit_code::CliError,
    single_merchant::{name_of, print},
    target::{IfMissing, Target, TargetArgs},
};

#[derive(Args, Debug)]
pub(super) struct GetArgs {
    /// Ids of the merchants
    #[arg(required = true)]
    ids: Vec<String>,

    #[command(flatten)]
    target: TargetArgs,
}

pub(super) async fn run(args: GetArgs) -> Result<(), CliError> {
    let target = Target::open(&args.target, IfMissing::Fail).await?;
    for id in &args.ids {
        print(&target.client().get_merchant(wire::GetMerchantRequest { name: name_of(id) }).await?)?;
    }
    target.close().await
}
