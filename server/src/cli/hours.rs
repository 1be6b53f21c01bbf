//! `nearby hours`: finds merchants whose displayed hours say something else than their stored periods, and corrects them.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use nearby_index::OpenStatus;
use nearby_proto::{v1 as wire, well_known::FieldMask};

use super::{
    escape,
    exit_code::CliError,
    import::time_zone_name,
    target::{IfMissing, Target, TargetArgs},
    terminal,
};
use crate::{
    formats::HoursConverter,
    opening_hours::{Difference, HolidayCalendar},
};

#[derive(Args, Debug)]
pub(super) struct HoursArgs {
    /// Store the displayed hours as an expression where they differ; without it, only list the merchants
    #[arg(long)]
    fix: bool,

    /// Time zone of hours that name none [default: the zone at the merchant's position]
    #[arg(long, value_name = "ZONE", value_parser = time_zone_name)]
    time_zone: Option<String>,

    /// Public and school holidays, in TOML: the same file as the server's
    #[arg(long, value_name = "FILE")]
    holidays: Option<PathBuf>,

    #[command(flatten)]
    target: TargetArgs,
}

/// A merchant whose hours differ.
struct Candidate {
    merchant: wire::Merchant,
    hours: wire::OpeningHours,
    difference: Difference,
}

pub(super) async fn run(args: HoursArgs) -> Result<(), CliError> {
    let calendar = HolidayCalendar::load(args.holidays.as_deref()).map_err(|error| {
        CliError::usage("cannot use the file of --holidays").with_detail(&error.to_string())
    })?;
    let converter = HoursConverter::new(args.time_zone, calendar);
    let target = Target::open(&args.target, IfMissing::Fail).await?;
    let found = find(&target, &converter).await;
    let done = match found {
        Ok(candidates) if args.fix => fix(&target, candidates).await,
        Ok(candidates) => list(&candidates),
        Err(error) => Err(error),
    };
    target.close().await?;
    done
}

async fn find(target: &Target, converter: &HoursConverter) -> Result<Vec<Candidate>, CliError> {
    let now = Timestamp::now();
    let mut messages = target.client().export_merchants(wire::ExportMerchantsRequest::default()).await?;
    let mut candidates = Vec::new();
    while let Some(message) = messages.message().await? {
        candidates.extend(message.merchants.into_iter().filter_map(|merchant| {
            let (hours, difference) = converter.corrected(&merchant, now)?;
            Some(Candidate { merchant, hours, difference })
        }));
    }
    Ok(candidates)
}

fn list(candidates: &[Candidate]) -> Result<(), CliError> {
    for Candidate { merchant, hours, difference } in candidates {
        let (stored, text) = (word(difference.first), word(difference.second));
        let at = difference.at.strftime("%a %Y-%m-%d %H:%M %Q");
        terminal::out(format!(
            "{}\t{}\t{at}\tstored: {stored}, text: {text}\n",
            escape::value(&merchant.name),
            escape::value(&hours.osm_expression)
        ))?;
    }
    let count = terminal::count(candidates.len() as u64, "merchant differs", "merchants differ");
    let hint = if candidates.is_empty() { "" } else { "; --fix stores their displayed hours as expressions" };
    terminal::err(format!("{count} from the displayed hours{hint}\n"));
    Ok(())
}

async fn fix(target: &Target, candidates: Vec<Candidate>) -> Result<(), CliError> {
    let mut fixed = 0;
    for Candidate { merchant, hours, .. } in candidates {
        let name = merchant.name.clone();
        let request = wire::UpdateMerchantRequest {
            // The etag rejects the update if the merchant has changed since it was read.
            merchant: Some(wire::Merchant {
                name: merchant.name,
                etag: merchant.etag,
                opening_hours: Some(hours),
                ..Default::default()
            }),
            update_mask: Some(FieldMask { paths: vec!["opening_hours".to_owned()] }),
            ..Default::default()
        };
        target.client().update_merchant(request).await.map_err(|error| {
            CliError::from(error)
                .with_context(&format!("stopped at {name} after {fixed} corrections; run it again"))
        })?;
        fixed += 1;
    }
    terminal::err(format!("{} corrected\n", terminal::count(fixed, "merchant", "merchants")));
    Ok(())
}

fn word(status: OpenStatus) -> &'static str {
    match status {
        OpenStatus::Open => "open",
        OpenStatus::Closed => "closed",
        OpenStatus::Unknown => "unknown",
    }
}
