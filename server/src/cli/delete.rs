//! `nearby delete`: deletes a merchant.

use nearby_proto::v1 as wire;

use super::{
    exit_code::CliError,
    single_merchant::{SingleMerchantArgs, name_of},
    target::{IfMissing, Target},
};

pub(super) async fn run(args: SingleMerchantArgs) -> Result<(), CliError> {
    let target = Target::open(&args.target, IfMissing::Fail).await?;
    let request =
        wire::DeleteMerchantRequest { name: name_of(&args.id), etag: args.etag, ..Default::default() };
    target.client().delete_merchant(request).await?;
    target.close().await
}
