//! `nearby watch`: prints changes of merchants as they are committed, of all or of those around a point.

mod surroundings;

use std::{fmt, io, str::FromStr};

use clap::Args;
use nearby_proto::v1::{self as wire, merchant_change::Change};

use self::surroundings::SurroundingsArgs;
use super::{escape, exit_code::CliError, search::LatLon, target::ServerAddress, terminal};
use crate::app::signals::Signals;

#[derive(Args, Debug)]
pub(super) struct WatchArgs {
    /// Start with the changes after this revision [default: with new changes]. With @ and the id of its history, as `nearby watch`
    /// and `nearby export` print it, a server with another history of revisions is an error
    #[arg(long, value_name = "REVISION[@HISTORY]")]
    from: Option<ResumePoint>,

    /// Print the merchants around this point, in decimal degrees, then those that enter, leave or change
    #[arg(long, value_name = "LAT,LON", allow_hyphen_values = true, conflicts_with = "from")]
    at: Option<LatLon>,

    #[command(flatten)]
    surroundings: SurroundingsArgs,

    /// Print each change as one line of JSON (nearby.v1.MerchantChange; with --at nearby.v1.WatchNearbyResponse), with whole merchants
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    server: ServerAddress,
}

/// A revision, and the history that it belongs to if it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ResumePoint {
    pub(super) revision: u64,
    pub(super) history_id: String,
}

impl FromStr for ResumePoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (revision, history_id) = text.split_once('@').unwrap_or((text, ""));
        let revision = revision.parse().map_err(|_| "must be a revision, or REVISION@HISTORY".to_owned())?;
        Ok(Self { revision, history_id: history_id.to_owned() })
    }
}

impl fmt::Display for ResumePoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.history_id.as_str() {
            "" => write!(f, "{}", self.revision),
            id => write!(f, "{}@{id}", self.revision),
        }
    }
}

/// Runs until Ctrl-C, or until the reader of standard output closes the pipe. Both are a success.
pub(super) async fn run(args: WatchArgs) -> Result<(), CliError> {
    // Before connecting, so that an early Ctrl-C is a success as well.
    let mut signals = Signals::listen()?;
    let mut printed = None;
    if args.at.is_none() {
        args.surroundings.check_unused()?;
    }
    let watch = async {
        match args.at {
            Some(at) => surroundings::watch(&args.surroundings, at, &args.server, args.json).await,
            None => watch_changes(&args, &mut printed).await,
        }
    };
    let watched = tokio::select! {
        watched = watch => watched,
        // SIGHUP, too, which a terminal sends when it closes.
        _ = signals.received() => Ok(()),
    };
    if let Some(point) = printed {
        terminal::err(format!(
            "all changes up to revision {} printed; continue with --from {point}\n",
            point.revision
        ));
    }
    watched
}

/// Prints changes, and sets `printed` to the point up to which all have been printed.
async fn watch_changes(args: &WatchArgs, printed: &mut Option<ResumePoint>) -> Result<(), CliError> {
    let client = args.server.connect("start one with `nearby serve`, or name another with --server").await?;
    // The BASIC view does not contain the visibility.
    let view = wire::MerchantView::Full.into();
    let (revision, history_id) = match &args.from {
        Some(point) => (Some(point.revision), point.history_id.clone()),
        None => (None, String::new()),
    };
    let request = wire::WatchMerchantsRequest { revision, view, history_id };
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
        *printed = Some(ResumePoint { revision: message.revision, history_id: message.history_id });
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
    fn a_resume_point_is_a_revision_with_or_without_its_history() {
        let parse = str::parse::<ResumePoint>;
        for text in ["17", "17@0f"] {
            assert_eq!(parse(text).unwrap().to_string(), text);
        }
        assert!(parse("@0f").is_err() && parse("x").is_err());
    }

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
