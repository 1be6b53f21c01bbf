//! `nearby keys`: manages the API key file.

use std::{num::NonZeroU32, path::PathBuf};

use clap::{Args, Subcommand};
use comfy_table::{Table, presets};
use jiff::{Timestamp, ToSpan};
use secrecy::ExposeSecret;

use super::{escape, exit_code::CliError, terminal};
use crate::{
    auth::{
        AuthError,
        api_keys::{self, Key, NewKey},
        rate_limit::Rate,
        role::Role,
    },
    merchant_scope::MerchantScope,
};

#[derive(Args, Debug)]
pub(super) struct KeysArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Create a key and print it, once
    Add(AddArgs),
    /// List the ids, names and states of all keys, including expired and revoked ones
    List(FileArgs),
    /// Revoke a key; servers that use the file reject it within two seconds
    Revoke(RevokeArgs),
}

#[derive(Args, Debug)]
struct FileArgs {
    /// API key file, as given to `nearby serve --keys`
    #[arg(long = "keys", env = "NEARBY_KEYS", value_name = "FILE")]
    file: PathBuf,
}

#[derive(Args, Debug)]
struct AddArgs {
    /// Name of the client; a name may have two valid keys, so that one can replace the other
    #[arg(value_name = "NAME")]
    name: String,

    /// Roles: search, manage and review (both include search), operate; separate several with commas
    #[arg(long = "role", required = true, value_delimiter = ',', value_name = "ROLE")]
    roles: Vec<Role>,

    /// Days until the key expires [default: never]
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(i64).range(1..=36_500))]
    expires_in_days: Option<i64>,

    /// Rate limit, in units of work per second: 1 is a search of 20 merchants in the BASIC view [default: the --rate-per-s of the server]
    #[arg(long, value_name = "NUMBER", value_parser = positive)]
    rate_per_s: Option<NonZeroU32>,

    /// Burst of the rate limit, in units of work [default: twice the rate]
    #[arg(long, value_name = "NUMBER", requires = "rate_per_s", value_parser = positive)]
    burst: Option<NonZeroU32>,

    /// Weight of the client's share of the CPU time of an overloaded server, relative to other clients [default: 1]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=MAX_SHARE))]
    share: Option<u32>,

    /// Merchants that the key is limited to: their ids, separated by commas [default: all]
    #[arg(long, value_name = "IDS", value_delimiter = ',', conflicts_with = "merchants_label")]
    merchants: Vec<String>,

    /// Label of the merchants that the key is limited to, with its value, such as owner=7
    #[arg(long, value_name = "LABEL=VALUE")]
    merchants_label: Option<String>,

    #[command(flatten)]
    file: FileArgs,
}

#[derive(Args, Debug)]
struct RevokeArgs {
    /// Id of the key, as `nearby keys list` shows it
    #[arg(value_name = "ID")]
    id: String,

    #[command(flatten)]
    file: FileArgs,
}

/// Maximum weight of a share.
const MAX_SHARE: i64 = 1_000;
/// Maximum length of a name.
const MAX_NAME_BYTES: usize = 128;

pub(super) fn run(args: KeysArgs) -> Result<(), CliError> {
    let now = Timestamp::now();
    match args.command {
        Command::Add(args) => add(args, now),
        Command::List(FileArgs { file }) => Ok(terminal::out(table(&api_keys::list(&file)?, now))?),
        Command::Revoke(RevokeArgs { id, file: FileArgs { file } }) => {
            // The key itself is accepted too: its id is a part of it.
            let id =
                id.strip_prefix("nearby_").map_or(id.as_str(), |rest| rest.split('_').next().unwrap_or(rest));
            api_keys::revoke(&file, id, now)?;
            terminal::err(format!("{} revoked\n", escape::value(id)));
            Ok(())
        }
    }
}

fn positive(text: &str) -> Result<NonZeroU32, &'static str> {
    text.parse().map_err(|_| "must be a whole number from 1 to 4294967295")
}

fn add(args: AddArgs, now: Timestamp) -> Result<(), CliError> {
    let is_valid_name = |name: &str| {
        !name.is_empty()
            && name.len() <= MAX_NAME_BYTES
            && name.trim() == name
            && !name.chars().any(char::is_control)
    };
    if !is_valid_name(&args.name) {
        return Err(CliError::usage(
            "NAME must be 1 to 128 bytes, without control characters and without leading or trailing white space",
        ));
    }
    let expires = args.expires_in_days.map(|days| now.checked_add((days * 24).hours()));
    let expires =
        expires.transpose().map_err(|error| CliError::usage(format!("--expires-in-days: {error}")))?;
    let rate = args.rate_per_s.map(|per_s| Rate::new(per_s, args.burst));
    let share = args.share.and_then(NonZeroU32::new);
    let merchants = scope_of(&args)?;
    let new = NewKey { name: args.name, roles: args.roles, expires, rate, share, merchants };
    let key = api_keys::add(&args.file.file, new, now)?;
    terminal::out(format!("{}\n", key.expose_secret()))?;
    terminal::err(
        "Store it where only the client can read it: it cannot be shown again. Clients send it as \"authorization: \
         Bearer …\"; nearby commands read it from the file named by --api-key-file.\n",
    );
    Ok(())
}

/// The merchants that the new key is limited to.
fn scope_of(args: &AddArgs) -> Result<Option<MerchantScope>, CliError> {
    if let Some(given) = &args.merchants_label {
        let invalid = |reason: String| CliError::usage(format!("--merchants-label {reason}"));
        let (label, value) = given
            .split_once('=')
            .ok_or_else(|| invalid("must be a label and its value, such as owner=7".to_owned()))?;
        return MerchantScope::of_label(label, value).map(Some).map_err(invalid);
    }
    if args.merchants.is_empty() {
        return Ok(None);
    }
    let scope = MerchantScope::of_ids(args.merchants.iter().map(String::as_str));
    scope.map(Some).map_err(|reason| CliError::usage(format!("--merchants: {reason}")))
}

/// The merchants of a key, in one cell of the table.
fn merchants_cell(scope: Option<&MerchantScope>) -> String {
    match scope {
        None => "all".to_owned(),
        Some(MerchantScope::Ids(ids)) if ids.len() > 3 => format!("{} ids", ids.len()),
        Some(scope) => escape::value(&scope.to_string()).into_owned(),
    }
}

fn table(keys: &[Key], now: Timestamp) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header([
        "id",
        "name",
        "roles",
        "state",
        "created",
        "expires",
        "rate/s",
        "burst",
        "share",
        "merchants",
    ]);
    let day = |time: Timestamp| time.strftime("%Y-%m-%d").to_string();
    let number = |number: Option<NonZeroU32>| number.map(|number| number.to_string()).unwrap_or_default();
    for key in keys {
        let state = match key.validate(now) {
            Ok(()) => "valid",
            Err(AuthError::Revoked) => "revoked",
            Err(_) => "expired",
        };
        let roles: Vec<&str> = key.roles.iter().map(|role| role.as_str()).collect();
        table.add_row([
            escape::value(&key.id).into_owned(),
            escape::value(&key.name).into_owned(),
            roles.join(","),
            state.to_owned(),
            day(key.created),
            key.expires.map_or_else(|| "never".to_owned(), day),
            number(key.rate_per_s),
            number(key.burst),
            number(key.share),
            merchants_cell(key.merchants.as_ref()),
        ]);
    }
    format!("{table}\n")
}
