//! Websites and photos as real files spell them. A shop is not rejected for either.

use nearby_proto::v1::Merchant;

use super::rows::Warnings;
use crate::web_uri::is_web_uri;

/// Maximum length of a URI.
const MAX_BYTES: usize = 2_048;

/// Removes URIs that the server rejects from a merchant in protobuf JSON: a store can hold URIs that were accepted by an earlier
/// version, and so can its exports.
pub(super) fn drop_invalid_uris(merchant: &mut Merchant, warnings: &mut Warnings) {
    let is_valid = |uri: &str| uri.len() <= MAX_BYTES && is_web_uri(uri);
    if !merchant.website_uri.is_empty() && !is_valid(&merchant.website_uri) {
        warnings.push_about("WEBSITE_DROPPED", std::mem::take(&mut merchant.website_uri));
    }
    merchant.photos.retain_mut(|photo| {
        let is_kept = is_valid(&photo.uri);
        if !is_kept {
            warnings.push_about("PHOTO_DROPPED", std::mem::take(&mut photo.uri));
        }
        is_kept
    });
}

/// Returns the http or https URI in a text, or an empty text, and a warning if the text had to be changed.
pub(super) fn website(text: &str) -> (String, Option<&'static str>) {
    if text.is_empty() {
        return (String::new(), None);
    }
    // A part without a scheme may belong to the address before it, as its path or query.
    let is_address =
        |part: &&str| normalized(part).is_some_and(|(_, is_added)| !is_added || part.starts_with("www."));
    let parts = text.split([';', ',', ' ', '|', '\n']).map(str::trim).filter(|part| !part.is_empty());
    let addresses: Vec<&str> = parts.clone().filter(is_address).collect();
    let is_list = addresses.len() > 1 && addresses.len() == parts.count();
    let found = if is_list { addresses.first().copied() } else { Some(text) };
    match found.and_then(normalized) {
        Some((uri, _)) if is_list => (uri, Some("WEBSITE_FIRST_OF_SEVERAL")),
        Some((uri, true)) => (uri, Some("WEBSITE_SCHEME_ADDED")),
        Some((uri, false)) => (uri, None),
        None => (String::new(), Some("WEBSITE_DROPPED")),
    }
}

/// Returns a web URI, and true if `https://` was added. A single quote, as in `/McDonald's`, is written as %27.
fn normalized(text: &str) -> Option<(String, bool)> {
    if text.len() > MAX_BYTES - "https://".len() || text.chars().any(|c| c.is_control() || c.is_whitespace())
    {
        return None;
    }
    let (uri, is_added) = match text.split_once("://") {
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https") => {
            (text.to_owned(), false)
        }
        Some((scheme, _)) if scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) => return None,
        _ => (format!("https://{}", text.trim_start_matches('/')), true),
    };
    let host = uri.split_once("://")?.1.split(['/', '?', '#']).next()?;
    let has_host = match host.rsplit_once('@') {
        // `info@example.test` is a mail address; `https://user@host` is not.
        Some(_) if is_added => false,
        Some((_, host)) => is_host(host),
        None if is_added => is_host(host) && host.contains('.'),
        None => is_host(host),
    };
    let uri = uri.replace('\'', "%27");
    (has_host && uri.len() <= MAX_BYTES && is_web_uri(&uri)).then_some((uri, is_added))
}

fn is_host(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) => return host.starts_with('[') && host.ends_with(']'),
        None => host,
    };
    let is_label = |label: &str| {
        !label.is_empty()
            && label.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_' || !c.is_ascii())
    };
    name.strip_suffix('.').unwrap_or(name).split('.').all(is_label) && name.chars().any(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_gets_a_scheme_and_other_texts_are_dropped() {
        const ADDED: Option<&str> = Some("WEBSITE_SCHEME_ADDED");
        const DROPPED: Option<&str> = Some("WEBSITE_DROPPED");
        for (text, uri, warning) in [
            ("", "", None),
            ("https://example.test", "https://example.test", None),
            ("HTTPS://example.test:8080/a?b=c;d,e", "HTTPS://example.test:8080/a?b=c;d,e", None),
            ("https://example.test/a,b", "https://example.test/a,b", None),
            ("http://user@example.test/", "http://user@example.test/", None),
            ("https://例え.テスト/道", "https://例え.テスト/道", None),
            ("https://[::1]/", "https://[::1]/", None),
            ("https://localhost/", "https://localhost/", None),
            ("www.example.test", "https://www.example.test", ADDED),
            ("//example.test/a", "https://example.test/a", ADDED),
            ("example.test/a?u=https://b.test", "https://example.test/a?u=https://b.test", ADDED),
            ("N/A", "", DROPPED),
            ("n/a", "", DROPPED),
            ("-", "", DROPPED),
            ("none", "", DROPPED),
            ("info@example.test", "", DROPPED),
            ("https://exa mple.test/", "", DROPPED),
            ("javascript://%0aalert(1)", "", DROPPED),
            ("javascript:alert(1)", "", DROPPED),
            ("ftp://example.test", "", DROPPED),
            ("https://", "", DROPPED),
            ("https://example.test/McDonald's", "https://example.test/McDonald%27s", None),
            ("https://example.test/\"onclick=", "", DROPPED),
            ("https://example.test/<b>", "", DROPPED),
            ("https://example.test:99999/", "", DROPPED),
            ("https://a.test;https://b.test", "https://a.test", Some("WEBSITE_FIRST_OF_SEVERAL")),
            ("www.a.test, www.b.test", "https://www.a.test", Some("WEBSITE_FIRST_OF_SEVERAL")),
        ] {
            assert_eq!(website(text), (uri.to_owned(), warning), "{text}");
        }
        assert_eq!(website(&format!("https://a.test/{}", "x".repeat(3_000))).1, DROPPED);
    }
}
