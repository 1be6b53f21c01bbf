//! Web URIs: websites and photos of merchants, which other programs put into pages and links.

use url::Url;

/// Remedy of a text that is no web URI.
pub(crate) const EXPECTED: &str = "must be an http or https URI, without spaces, quotes or control characters: write %20 for a space, %27 for '";

/// Returns true if a text is a URI with the scheme http or https and a host, as it is: a URI that a parser would have to correct
/// can mean something else to another parser, and one with quotes or angle brackets can end the attribute of a page.
pub(crate) fn is_web_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let is_web = scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http");
    // Parsers of browsers skip further slashes, and take a backslash for a slash.
    is_web && !rest.starts_with('/') && !text.chars().any(is_excluded) && Url::parse(text).is_ok()
}

/// Returns true for characters that no URI contains (RFC 3986), the single quote, which one may contain, and characters that are
/// not shown.
fn is_excluded(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '"' | '\'' | '<' | '>' | '\\' | '`' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_web_uri_is_one_to_every_parser() {
        for uri in [
            "https://example.test",
            "HTTP://example.test:8080/a?b=c;d,e#f",
            "https://user@example.test/",
            "https://例え.テスト/道",
            "https://[::1]/",
            "https://example.test/a%20b%27",
            "https://example.test/{a}|^b",
        ] {
            assert!(is_web_uri(uri), "{uri}");
        }
        for text in [
            "",
            "https://",
            "https:///example.test",
            "https:example.test",
            "https:\\\\example.test",
            "ftp://example.test",
            "javascript://example.test/%0aalert(1)",
            "https://example.test/a b",
            " https://example.test",
            "https://example.test\n",
            "https://example.test/\"onclick=",
            "https://example.test/'",
            "https://example.test/<b>",
            "https://example.test\\@other.test",
            "https://example.test/\u{7f}",
            "https://example.test/\u{202e}",
            "https://exam ple.test",
            "https://example.test:99999/",
            "https://[::1/",
            "https://exa<mple.test",
        ] {
            assert!(!is_web_uri(text), "{text:?}");
        }
    }
}
