//! Parsers of untrusted bytes, for the fuzzers in `server/fuzz`. None may panic, whatever the bytes; other tests check their
//! results.

use std::{io::Cursor, path::Path, sync::LazyLock};

use crate::{
    auth::{
        api_keys,
        client_certificates::{CertificateRoles, names_in},
        jwks::JwksSource,
    },
    formats::{DatumArg, FileFormat, HoursConverter, Input, ReadOptions},
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
    let options = ReadOptions {
        datum: Some(DatumArg::Wgs84),
        charset,
        mappings,
        ..ReadOptions::new(format, HoursConverter::default())
    };
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

    proptest! {
        /// Inputs near valid files reach more of the parsers than random bytes.
        #[test]
        fn mutated_files_do_not_panic(
            seed in any::<prop::sample::Index>(),
            edits in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..4, any::<u8>()), 0..12),
        ) {
            const SIGNS: &[u8] = b"\",;\t\n\r{}[]:\\\x1e'=-. \xef\xff\0n7";
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds/files");
            let seeds = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
            let mut seeds: Vec<_> = seeds.collect();
            seeds.sort();
            let mut bytes = std::fs::read(seed.get(&seeds)).unwrap();
            for (at, kind, byte) in edits {
                let at = at.index(bytes.len() + 1);
                let sign = SIGNS[usize::from(byte) % SIGNS.len()];
                match kind {
                    0 => bytes.insert(at, sign),
                    1 => bytes.insert(at, byte),
                    2 => drop(bytes.drain(at..(at + usize::from(byte % 9)).min(bytes.len()))),
                    _ => drop(bytes.split_off(at)),
                }
            }
            files(&bytes);
        }
    }

    #[test]
    fn targets_are_found_by_name() {
        assert!(decoder("requests").is_some() && decoder("nothing").is_none());
    }
}
