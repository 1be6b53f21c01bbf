//! The files of the page. They are in the binary, compressed by `build.rs`, so that no path of a request reaches the file system.

use std::{
    fmt::Write as _,
    io::{self, Read},
    sync::OnceLock,
};

use axum::{Router, body::Body as HttpBody, routing::get};
use flate2::read::GzDecoder;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use hyper::body::Bytes;
use sha2::{Digest, Sha256};

/// A file, with its path relative to the page.
struct File {
    path: &'static str,
    gzip: &'static [u8],
}

/// Every file of the page.
const FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/page_files.rs"));

/// File that is served at the root.
const INDEX: &str = "index.html";
/// Folder whose paths contain a version: another content has another path.
const VERSIONED: &str = "vendor/";

/// Adds the routes of the files. Anything but GET and HEAD is rejected with 405.
pub(super) fn routes<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    FILES.iter().fold(router, |router, file| {
        let served: &'static Served = Box::leak(Box::new(Served::new(file)));
        let handler = get(move |headers: HeaderMap| served.respond(headers));
        let router = if file.path == INDEX { router.route("/", handler.clone()) } else { router };
        router.route(&format!("/{}", file.path), handler)
    })
}

/// A file with what is computed from it on first use: a server whose page is never opened needs none of it.
struct Served {
    gzip: &'static [u8],
    content_type: HeaderValue,
    cache_control: HeaderValue,
    etags: OnceLock<Etags>,
    identity: OnceLock<Bytes>,
}

/// Each representation has a strong validator of its own.
struct Etags {
    gzip: HeaderValue,
    identity: HeaderValue,
}

impl Served {
    fn new(file: &File) -> Self {
        let extension = file.path.rsplit('.').next().unwrap_or_default();
        let content_type = match extension {
            "html" => "text/html; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "js" | "mjs" => "text/javascript; charset=utf-8",
            "json" => "application/json",
            "svg" => "image/svg+xml",
            _ => "text/plain; charset=utf-8",
        };
        let cache_control = if file.path.starts_with(VERSIONED) {
            "public, max-age=31536000, immutable"
        } else {
            // The browser asks whether its copy is still the current one, so that a new server has a new page.
            "no-cache"
        };
        Self {
            gzip: file.gzip,
            content_type: HeaderValue::from_static(content_type),
            cache_control: HeaderValue::from_static(cache_control),
            etags: OnceLock::new(),
            identity: OnceLock::new(),
        }
    }

    async fn respond(&'static self, request: HeaderMap) -> Response<HttpBody> {
        let is_gzip = accepts_gzip(&request);
        let etags = self.etags.get_or_init(|| Etags::of(self.gzip));
        let etag = if is_gzip { &etags.gzip } else { &etags.identity };
        let is_current = has_etag(&request, etag);
        let mut response = if is_current {
            status_only(StatusCode::NOT_MODIFIED)
        } else if is_gzip {
            Response::new(HttpBody::from(Bytes::from_static(self.gzip)))
        } else {
            match self.identity().await {
                Some(content) => Response::new(HttpBody::from(content)),
                // At shutdown no blocking task starts.
                None => return status_only(StatusCode::SERVICE_UNAVAILABLE),
            }
        };
        let headers = response.headers_mut();
        headers.insert(header::ETAG, etag.clone());
        headers.insert(header::CACHE_CONTROL, self.cache_control.clone());
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        if !is_current {
            headers.insert(header::CONTENT_TYPE, self.content_type.clone());
            if is_gzip {
                headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            }
        }
        response
    }

    /// The file for the rare client that does not accept gzip.
    async fn identity(&'static self) -> Option<Bytes> {
        if let Some(content) = self.identity.get() {
            return Some(content.clone());
        }
        let decompressed = tokio::task::spawn_blocking(|| decompress(self.gzip)).await.ok()?.ok()?;
        Some(self.identity.get_or_init(|| decompressed.into()).clone())
    }
}

fn status_only(status: StatusCode) -> Response<HttpBody> {
    let mut response = Response::new(HttpBody::empty());
    *response.status_mut() = status;
    response
}

fn decompress(gzip: &[u8]) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    GzDecoder::new(gzip).read_to_end(&mut content)?;
    Ok(content)
}

impl Etags {
    fn of(gzip: &[u8]) -> Self {
        let hash = hash_of(gzip);
        // Hexadecimal digits are valid in headers.
        let etag = |suffix: &str| {
            HeaderValue::try_from(format!("\"{hash}{suffix}\""))
                .unwrap_or_else(|_| HeaderValue::from_static("\"\""))
        };
        Self { gzip: etag("-gzip"), identity: etag("") }
    }
}

/// Half of the SHA-256, in hexadecimal.
fn hash_of(content: &[u8]) -> String {
    let hash = Sha256::digest(content);
    hash.iter().take(16).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Returns whether the client accepts gzip: its weight, or that of `*` if it is not named, is above zero.
fn accepts_gzip(request: &HeaderMap) -> bool {
    let values = request.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let (mut named, mut other) = (None, None);
    for coding in values.flat_map(|value| value.split(',')) {
        let mut parts = coding.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let is_refused = parts.any(|weight| {
            weight
                .strip_prefix("q=")
                .is_some_and(|weight| weight.parse::<f32>().is_ok_and(|weight| weight == 0.0))
        });
        if name.eq_ignore_ascii_case("gzip") {
            named = Some(!is_refused);
        } else if name == "*" {
            other = Some(!is_refused);
        }
    }
    named.or(other).unwrap_or(false)
}

/// Returns whether the client has the file already. Proxies that compress weaken a validator, which compares as equal here.
fn has_etag(request: &HeaderMap, etag: &HeaderValue) -> bool {
    let values = request.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|given| given == "*" || given.strip_prefix("W/").unwrap_or(given).as_bytes() == etag.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const MAX_GZIP_BYTES: usize = 700_000;

    #[test]
    fn the_page_is_light() {
        let bytes: usize = FILES.iter().map(|file| file.gzip.len()).sum();
        assert!(bytes <= MAX_GZIP_BYTES, "{bytes}");
    }

    #[test]
    fn vendored_files_are_those_of_their_publishers() {
        let sums = include_str!("../../web/vendor/SHA256SUMS");
        let recorded: BTreeSet<(String, String)> = sums
            .lines()
            .filter_map(|line| line.split_once("  "))
            .map(|(sum, path)| (format!("{VERSIONED}{path}"), sum.to_owned()))
            .collect();
        let actual = FILES.iter().filter(|file| file.path.starts_with(VERSIONED)).map(|file| {
            let sum = Sha256::digest(decompress(file.gzip).unwrap())
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            (file.path.to_owned(), sum)
        });
        assert_eq!(actual.collect::<BTreeSet<_>>(), recorded);
    }

    #[test]
    fn gzip_is_served_to_clients_that_accept_it() {
        let accepts = |text: &str| {
            accepts_gzip(&HeaderMap::from_iter([(header::ACCEPT_ENCODING, text.parse().unwrap())]))
        };
        for text in ["gzip", "br, GZIP;q=0.5", "*", "deflate, gzip", "*;q=0, gzip"] {
            assert!(accepts(text), "{text}");
        }
        for text in ["", "identity", "br", "gzip;q=0", "gzip; q=0.000", "x-gzip-2", "gzip;q=0, *", "*;q=0"] {
            assert!(!accepts(text), "{text}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }

    #[test]
    fn validators_are_compared_without_their_weakness() {
        let etag = HeaderValue::from_static("\"a\"");
        let has = |text: &str| {
            has_etag(&HeaderMap::from_iter([(header::IF_NONE_MATCH, text.parse().unwrap())]), &etag)
        };
        assert!(has("\"a\"") && has("W/\"a\"") && has("\"b\", \"a\"") && has("*"));
        assert!(!has("\"b\"") && !has("a") && !has(""));
    }
}
