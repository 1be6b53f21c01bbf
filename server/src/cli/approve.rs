//! `nearby approve`: approves a merchant, so that searches return it.

use nearby_proto::v1 as wire;

use super::{
    exit_code::CliError,
    single_merchant::{SingleMerchantArgs, name_of, print},
    target::{IfMissing, Target},
};

pub(super) async fn run(args: SingleMerchantArgs) -> Result<(), CliError> {
    let target = Target::open(&args.target, IfMissing::Fail).await?;
    let request =
        wire::ApproveMerchantRequest { name: name_of(&args.id), etag: args.etag, ..Default::default() };
    print(&target.client().approve_merchant(request).await?)?;
    target.close().await
}
