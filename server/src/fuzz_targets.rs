//! Parsers of untrusted bytes, for the fuzzers in `server/fuzz`. None may panic, whatever the bytes; other tests check their
//! results.

use std::{io::Cursor, path::Path, sync::LazyLock};

use crate::{
    auth::{
        api_keys,
        client_certificates::{CertificateRoles, names_in},
        jwks::JwksSource,
    },
    formats::{DatumArg, FileFormat, Input, ReadOptions},
    grpc::fuzz_requests::request,
    opening_hours,
    page_token::{Fingerprint, PageTokens},
};

/// Parses bytes and discards the result.
pub type Decoder = fn(&[u8]);

/// All targets, by name.
pub const DECODERS: [(&str, Decoder); 6] = [
    ("requests", request),
    ("tokens", tokens),
    ("files", files),
    ("hours", opening_hours::fuzz),
    ("keys", keys),
    ("records", records),
];

/// Returns the target with a name.
#[must_use]
pub fn decoder(name: &str) -> Option<Decoder> {
    DECODERS.iter().find(|(other, _)| *other == name).map(|(_, decoder)| *decoder)
}

/// Page tokens, as clients return them.
fn tokens(bytes: &[u8]) {
    static TOKENS: LazyLock<Option<PageTokens>> = LazyLock::new(|| PageTokens::ephemeral().ok());
    if let (Some(tokens), Ok(text)) = (&*TOKENS, std::str::from_utf8(bytes)) {
        drop(tokens.open(text, &Fingerprint::of("SearchNearby")));
    }
}

/// Merchant files, in all formats and several encodings, with and without mappings.
fn files(bytes: &[u8]) {
    let Some((&first, rest)) = bytes.split_first() else { return };
    let format = match first % 3 {
        0 => FileFormat::Csv,
        1 => FileFormat::Ndjson,
        _ => FileFormat::Geojson,
    };
    let charset = ["utf-8", "gbk", "utf-16le", "shift_jis"].get(usize::from(first / 3) % 4);
    let charset = charset.and_then(|name| name.parse().ok());
    let mappings = ["id=n-{id}", "name=name", "name=brand"].iter().filter_map(|text| text.parse().ok());
    let mappings = if first >= 128 { mappings.collect() } else { Vec::new() };
    let options = ReadOptions { datum: Some(DatumArg::Wgs84), charset, mappings, ..ReadOptions::new(format) };
    if let Ok(input) = Input::read(Cursor::new(rest.to_vec()), &options) {
        // Limited, so that a reader that yields errors without end does not hang.
        input.rows.take(10_000).for_each(drop);
    }
}

/// Client certificates, and the API key file and settings of authentication.
fn keys(bytes: &[u8]) {
    drop(names_in(bytes));
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    drop(api_keys::parse(Path::new("keys.toml"), text));
    drop(text.parse::<CertificateRoles>());
    drop(text.parse::<JwksSource>());
    let _ = api_keys::split(text);
}

/// Records of the store.
fn records(bytes: &[u8]) {
    nearby_store::fuzz_decode(bytes);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn targets_do_not_panic(target in 0..DECODERS.len(), bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            DECODERS[target].1(&bytes);
        }
    }

    #[test]
    fn targets_are_found_by_name() {
        assert!(decoder("requests").is_some() && decoder("nothing").is_none());
    }
}
