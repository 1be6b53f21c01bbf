//! Where the keys that tokens are signed with come from: a file, or a URL that is asked now and then (RFC 7517).

use std::{fmt, fs, path::PathBuf, str::FromStr, time::Duration};

use jsonwebtoken::jwk::JwkSet;

use crate::http_client;

/// Longest key set that is read.
const MAX_BYTES: usize = 1 << 20;
/// Limit for one fetch of a URL.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// Where keys come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JwksSource {
    /// A file.
    File(PathBuf),
    /// An `https://` address, or one of this machine.
    Url(String),
}

impl FromStr for JwksSource {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once("://") {
            Some(("https", _)) => Ok(Self::Url(text.to_owned())),
            Some(("http", rest)) if is_here(rest) => Ok(Self::Url(text.to_owned())),
            Some(("http", _)) => Err("must be https://, or whoever stands between could put in keys"),
            Some(_) => Err("must be a file or an https:// address"),
            None => Ok(Self::File(PathBuf::from(text))),
        }
    }
}

/// Whether an address without its scheme is of this machine.
fn is_here(rest: &str) -> bool {
    let authority = rest.split('/').next().unwrap_or_default();
    // What stands before an @ is no host.
    if authority.contains('@') {
        return false;
    }
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl fmt::Display for JwksSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Url(url) => f.write_str(url),
        }
    }
}

impl JwksSource {
    /// How often to look.
    pub(super) const fn every(&self) -> Duration {
        match self {
            Self::File(_) => Duration::from_secs(1),
            Self::Url(_) => Duration::from_secs(300),
        }
    }

    /// The text of the keys; waits for it.
    pub(super) fn read(&self) -> Result<String, String> {
        match self {
            Self::File(path) => fs::read_to_string(path).map_err(|error| error.to_string()),
            Self::Url(url) => http_client::get_text_blocking(url, FETCH_TIMEOUT, MAX_BYTES),
        }
    }
}

/// The keys of a text.
pub(super) fn parse(text: &str) -> Result<JwkSet, String> {
    serde_json::from_str(text).map_err(|error| format!("no JSON Web Key Set: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_from_files_and_over_tls_alone() {
        assert_eq!("keys.json".parse(), Ok(JwksSource::File("keys.json".into())));
        for here in ["http://127.0.0.1:8/k", "http://localhost/k", "http://[::1]:80/k", "https://a.example/k"]
        {
            assert_eq!(here.parse(), Ok(JwksSource::Url(here.to_owned())));
        }
        for wrong in [
            "http://a.example/k",
            "ftp://a.example/k",
            "http://127.0.0.1.a.example/k",
            "http://localhost.a/",
            "http://localhost:x@a.example/k",
        ] {
            assert!(wrong.parse::<JwksSource>().is_err(), "{wrong}");
        }
    }
}
