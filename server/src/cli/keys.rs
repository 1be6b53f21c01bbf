//! `nearby keys`: API keys, in the file that servers look at.

use std::{num::NonZeroU32, path::PathBuf};

use clap::{Args, Subcommand};
use comfy_table::{Table, presets};
use jiff::{Timestamp, ToSpan};
use secrecy::ExposeSecret;

use super::{exit_code::CliError, terminal};
use crate::auth::{
    AuthError,
    api_keys::{self, Key, NewKey},
    rate_limit::Rate,
    role::Role,
};

#[derive(Args, Debug)]
pub(super) struct KeysArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a key, and print it: it is not shown again
    Add(AddArgs),
    /// List keys, those that are over too; never the keys themselves
    List(FileArgs),
    /// Take a key back: servers that look at the file take it no more within two seconds
    Revoke(RevokeArgs),
}

#[derive(Args, Debug)]
struct FileArgs {
    /// The file of keys, as `nearby serve --keys` names it
    #[arg(long = "keys", env = "NEARBY_KEYS", value_name = "FILE")]
    file: PathBuf,
}

#[derive(Args, Debug)]
struct AddArgs {
    /// Whose it is; at most two of a name are live, so that one can take the other's place
    #[arg(value_name = "NAME")]
    name: String,

    /// What it allows: search, manage (which may search, too), operate; several with commas
    #[arg(long = "role", required = true, value_delimiter = ',', value_name = "ROLE")]
    roles: Vec<Role>,

    /// Days until it ends by itself; never without this
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(i64).range(1..=36_500))]
    expires_in_days: Option<i64>,

    /// Searches and merchants a second that may be asked for with it [default: what the server says]
    #[arg(long, value_name = "NUMBER", value_parser = above_0)]
    rate_per_s: Option<NonZeroU32>,

    /// Searches and merchants at once [default: twice the rate]
    #[arg(long, value_name = "NUMBER", requires = "rate_per_s", value_parser = above_0)]
    burst: Option<NonZeroU32>,

    #[command(flatten)]
    file: FileArgs,
}

#[derive(Args, Debug)]
struct RevokeArgs {
    /// The identifier of the key, as `nearby keys list` shows it
    #[arg(value_name = "ID")]
    id: String,

    #[command(flatten)]
    file: FileArgs,
}

/// Longest name of a key.
const MAX_NAME_BYTES: usize = 128;

pub(super) fn run(args: KeysArgs) -> Result<(), CliError> {
    let now = Timestamp::now();
    match args.command {
        Command::Add(args) => add(args, now),
        Command::List(FileArgs { file }) => Ok(terminal::out(table(&api_keys::list(&file)?, now))?),
        Command::Revoke(RevokeArgs { id, file: FileArgs { file } }) => {
            // Whoever has only the key at hand means its identifier.
            let id =
                id.strip_prefix("nearby_").map_or(id.as_str(), |rest| rest.split('_').next().unwrap_or(rest));
            api_keys::revoke(&file, id, now)?;
            terminal::err(format!("{id} is taken back\n"));
            Ok(())
        }
    }
}

fn above_0(text: &str) -> Result<NonZeroU32, &'static str> {
    text.parse().map_err(|_| "must be a whole number from 1 to 4294967295")
}

fn add(args: AddArgs, now: Timestamp) -> Result<(), CliError> {
    let is_name = |name: &str| {
        !name.is_empty()
            && name.len() <= MAX_NAME_BYTES
            && name.trim() == name
            && !name.chars().any(char::is_control)
    };
    if !is_name(&args.name) {
        return Err(CliError::usage(
            "NAME must be 1 to 128 bytes without control characters and outer white space",
        ));
    }
    let expires = args.expires_in_days.map(|days| now.checked_add((days * 24).hours()));
    let expires =
        expires.transpose().map_err(|error| CliError::usage(format!("--expires-in-days: {error}")))?;
    let rate = args.rate_per_s.map(|per_s| Rate::new(per_s, args.burst));
    let new = NewKey { name: args.name, roles: args.roles, expires, rate };
    let key = api_keys::add(&args.file.file, new, now)?;
    terminal::out(format!("{}\n", key.expose_secret()))?;
    terminal::err(
        "Keep it where its user alone can read it: it is not shown again. It is shown with each call, as \
         \"authorization: Bearer …\"; --api-key-file names a file with it.\n",
    );
    Ok(())
}

fn table(keys: &[Key], now: Timestamp) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["id", "name", "roles", "state", "created", "expires", "rate/s", "burst"]);
    let day = |time: Timestamp| time.strftime("%Y-%m-%d").to_string();
    let number = |number: Option<NonZeroU32>| number.map(|number| number.to_string()).unwrap_or_default();
    for key in keys {
        let state = match key.validate(now) {
            Ok(()) => "live",
            Err(AuthError::Revoked) => "revoked",
            Err(_) => "expired",
        };
        let roles: Vec<&str> = key.roles.iter().map(|role| role.as_str()).collect();
        table.add_row([
            key.id.clone(),
            key.name.clone(),
            roles.join(","),
            state.to_owned(),
            day(key.created),
            key.expires.map_or_else(|| "never".to_owned(), day),
            number(key.rate_per_s),
            number(key.burst),
        ]);
    }
    format!("{table}\n")
}
