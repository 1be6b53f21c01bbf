//! `nearby watch`.

use std::io;

use clap::Args;
use nearby_proto::v1::{self as wire, merchant_change::Change};

use super::{exit_code::CliError, target::ServerAddress, terminal};
use crate::app::signals::Signals;

#[derive(Args, Debug)]
pub(super) struct WatchArgs {
    /// Begin with the changes after this revision [default: with those that are made from now on]
    #[arg(long, value_name = "REVISION")]
    from: Option<u64>,

    /// Print each change as one line of JSON (nearby.v1.MerchantChange), with the whole merchant
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    server: ServerAddress,
}

/// Until Ctrl-C, or until nobody reads any more: both are good ends.
pub(super) async fn run(args: WatchArgs) -> Result<(), CliError> {
    // Before the connection is made, so that an early Ctrl-C is a good end, too.
    let mut signals = Signals::listen()?;
    let mut told = None;
    let watched = tokio::select! {
        watched = watch(&args, &mut told) => watched,
        _ = signals.received() => Ok(()),
    };
    if let Some(revision) = told {
        terminal::err(format!(
            "all changes up to revision {revision} were shown; --from {revision} goes on\n"
        ));
    }
    watched
}

/// `told` is the revision up to which all changes have been printed.
async fn watch(args: &WatchArgs, told: &mut Option<u64>) -> Result<(), CliError> {
    let client = args.server.connect("start one with `nearby serve`, or name another with --server").await?;
    // A list's view does not say whether a merchant is hidden.
    let view = wire::MerchantView::Full.into();
    let request = wire::WatchMerchantsRequest { revision: args.from, view };
    let mut messages = client.watch_merchants(request).await?;
    while let Some(message) = messages.message().await? {
        let mut lines = String::new();
        for change in &message.changes {
            lines.push_str(&if args.json { json(change)? } else { line(change) });
            lines.push('\n');
        }
        if !terminal::out_to_reader(lines)? {
            return Ok(());
        }
        *told = Some(message.revision);
    }
    Err(CliError::unavailable("the server has ended the watch"))
}

fn json(change: &wire::MerchantChange) -> Result<String, CliError> {
    Ok(serde_json::to_string(change).map_err(io::Error::from)?)
}

/// `17  stored   cafe  Café`.
fn line(change: &wire::MerchantChange) -> String {
    let (what, name, display_name) = match &change.change {
        Some(Change::Stored(merchant)) => {
            let is_hidden = merchant.visibility() == wire::Visibility::Hidden;
            let what = if is_hidden { "hidden" } else { "stored" };
            (what, merchant.name.as_str(), merchant.display_name.as_str())
        }
        Some(Change::DeletedName(name)) => ("deleted", name.as_str(), ""),
        None => ("unknown", "", ""),
    };
    let id = name.strip_prefix("merchants/").unwrap_or(name);
    // A name may have line breaks; a change is one line.
    let display_name = display_name.replace(char::is_control, " ");
    format!("{}  {what:7}  {id}  {display_name}", change.revision).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_one_line() {
        let merchant = wire::Merchant {
            name: "merchants/cafe".to_owned(),
            display_name: "Café\nUrsula".to_owned(),
            ..Default::default()
        };
        let hidden = wire::Merchant { visibility: wire::Visibility::Hidden.into(), ..merchant.clone() };
        let said = |change| line(&wire::MerchantChange { revision: 17, change: Some(change) });
        assert_eq!(said(Change::Stored(merchant)), "17  stored   cafe  Café Ursula");
        assert_eq!(said(Change::Stored(hidden)), "17  hidden   cafe  Café Ursula");
        assert_eq!(said(Change::DeletedName("merchants/cafe".to_owned())), "17  deleted  cafe");
    }
}
