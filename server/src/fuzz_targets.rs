//! What reads bytes of strangers, each by itself: for fuzzers (`server/fuzz`). None of it may panic, whatever the bytes; what it
//! makes of them other tests judge.

use std::{io::Cursor, path::Path, sync::LazyLock};

use crate::{
    auth::{
        api_keys,
        client_certificates::{CertificateRoles, names_in},
        jwks::JwksSource,
    },
    formats::{DatumArg, FileFormat, Input},
    grpc::fuzz_requests::request,
    page_token::{Fingerprint, PageTokens},
};

/// Reads bytes.
pub type Decoder = fn(&[u8]);

/// All of them, by name.
pub const DECODERS: [(&str, Decoder); 5] =
    [("requests", request), ("tokens", tokens), ("files", files), ("keys", keys), ("records", records)];

/// Reads bytes with the decoder of a name; `None` where there is none of it.
#[must_use]
pub fn decoder(name: &str) -> Option<Decoder> {
    DECODERS.iter().find(|(of, _)| *of == name).map(|(_, decoder)| *decoder)
}

/// Page tokens, as callers hand them back.
fn tokens(bytes: &[u8]) {
    static TOKENS: LazyLock<Option<PageTokens>> = LazyLock::new(|| PageTokens::ephemeral().ok());
    if let (Some(tokens), Ok(text)) = (&*TOKENS, std::str::from_utf8(bytes)) {
        drop(tokens.open(text, &Fingerprint::of("SearchNearby")));
    }
}

/// Files of merchants, in all forms.
fn files(bytes: &[u8]) {
    let Some((&form, rest)) = bytes.split_first() else { return };
    let form = match form % 3 {
        0 => FileFormat::Csv,
        1 => FileFormat::Ndjson,
        _ => FileFormat::Geojson,
    };
    if let Ok(input) = Input::read(Cursor::new(rest.to_vec()), None, form, Some(DatumArg::Wgs84)) {
        // A file that goes on for ever after an error would be one too.
        input.rows.take(10_000).for_each(drop);
    }
}

/// What callers show, and what operators write of them.
fn keys(bytes: &[u8]) {
    drop(names_in(bytes));
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    drop(api_keys::parse(Path::new("keys.toml"), text));
    drop(text.parse::<CertificateRoles>());
    drop(text.parse::<JwksSource>());
    let _ = api_keys::split(text);
}

/// Records of a store.
fn records(bytes: &[u8]) {
    nearby_store::fuzz_decode(bytes);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_bytes_make_a_decoder_panic(which in 0..DECODERS.len(), bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            DECODERS[which].1(&bytes);
        }
    }

    #[test]
    fn decoders_are_found_by_name() {
        assert!(decoder("requests").is_some() && decoder("nothing").is_none());
    }
}
