//! `nearby watch`: prints changes of merchants as they are committed.

use std::io;

use clap::Args;
use nearby_proto::v1::{self as wire, merchant_change::Change};

use super::{escape, exit_code::CliError, target::ServerAddress, terminal};
use crate::app::signals::Signals;

#[derive(Args, Debug)]
pub(super) struct WatchArgs {
    /// Start with the changes after this revision [default: with new changes]
    #[arg(long, value_name = "REVISION")]
    from: Option<u64>,

    /// Print each change as one line of JSON (nearby.v1.MerchantChange), with the whole merchant
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    server: ServerAddress,
}

/// Runs until Ctrl-C, or until the reader of standard output closes the pipe. Both are a success.
pub(super) async fn run(args: WatchArgs) -> Result<(), CliError> {
    // Before connecting, so that an early Ctrl-C is a success as well.
    let mut signals = Signals::listen()?;
    let mut printed = None;
    let watched = tokio::select! {
        watched = watch(&args, &mut printed) => watched,
        // SIGHUP, too, which a terminal sends when it closes.
        _ = signals.received() => Ok(()),
    };
    if let Some(revision) = printed {
        terminal::err(format!(
            "all changes up to revision {revision} printed; continue with --from {revision}\n"
        ));
    }
    watched
}

/// Prints changes, and sets `printed` to the revision up to which all have been printed.
async fn watch(args: &WatchArgs, printed: &mut Option<u64>) -> Result<(), CliError> {
    let client = args.server.connect("start one with `nearby serve`, or name another with --server").await?;
    // The BASIC view does not contain the visibility.
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
        *printed = Some(message.revision);
    }
    Err(CliError::unavailable("the server ended the watch"))
}

fn json(change: &wire::MerchantChange) -> Result<String, CliError> {
    Ok(serde_json::to_string(change).map_err(io::Error::from)?)
}

/// Formats a change as one line: `17  stored   cafe  Café`.
fn line(change: &wire::MerchantChange) -> String {
    let (kind, name, display_name) = match &change.change {
        Some(Change::Stored(merchant)) => {
            let kind = match merchant.visibility() {
                wire::Visibility::Hidden => "hidden",
                wire::Visibility::Missing => "missing",
                wire::Visibility::Visible | wire::Visibility::Unspecified => "stored",
            };
            (kind, merchant.name.as_str(), merchant.display_name.as_str())
        }
        Some(Change::DeletedName(name)) => ("deleted", name.as_str(), ""),
        None => ("unknown", "", ""),
    };
    let id = name.strip_prefix("merchants/").unwrap_or(name);
    let [id, display_name] = [id, display_name].map(escape::value);
    format!("{}  {kind:7}  {id}  {display_name}", change.revision).trim_end().to_owned()
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
        let printed = |change| line(&wire::MerchantChange { revision: 17, change: Some(change) });
        assert_eq!(printed(Change::Stored(merchant)), "17  stored   cafe  Café\\nUrsula");
        assert_eq!(printed(Change::Stored(hidden.clone())), "17  hidden   cafe  Café\\nUrsula");
        let missing = wire::Merchant { visibility: wire::Visibility::Missing.into(), ..hidden };
        assert_eq!(printed(Change::Stored(missing)), "17  missing  cafe  Café\\nUrsula");
        assert_eq!(printed(Change::DeletedName("merchants/cafe".to_owned())), "17  deleted  cafe");
    }
}
