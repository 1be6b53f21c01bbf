//! The files of the page. They are in the binary, so that no path of a request reaches the file system.

use std::{
    fmt::Write as _,
    io::{self, Write},
    sync::OnceLock,
};

use axum::{Router, body::Body as HttpBody, routing::get};
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use hyper::body::Bytes;
use sha2::{Digest, Sha256};

/// A file, with its path relative to the page.
struct File {
    path: &'static str,
    content: &'static [u8],
}

/// Lists files below `server/web`.
macro_rules! files {
    ($($path:literal),* $(,)?) => {
        [$(File { path: $path, content: include_bytes!(concat!("../../web/", $path)) }),*]
    };
}

/// Every file of the page.
const FILES: &[File] = &files![
    "css/controls.css",
    "css/layout.css",
    "css/map.css",
    "css/results.css",
    "icon.svg",
    "index.html",
    "js/api.js",
    "js/app.js",
    "js/dom.js",
    "js/explore/commands.js",
    "js/explore/datums.js",
    "js/explore/density.js",
    "js/explore/dialogs.js",
    "js/explore/errors.js",
    "js/explore/explorer.js",
    "js/explore/form.js",
    "js/explore/hours-expression.js",
    "js/explore/hours.js",
    "js/explore/list.js",
    "js/explore/live.js",
    "js/explore/locate.js",
    "js/explore/merchant.js",
    "js/explore/request.js",
    "js/explore/search.js",
    "js/explore/tools.js",
    "js/i18n/en.js",
    "js/i18n/i18n.js",
    "js/i18n/zh.js",
    "js/map/basemap.js",
    "js/map/geometry.js",
    "js/map/map.js",
    "js/map/pins.js",
    "js/store.js",
    "map/helsinki.json",
    "map/land.json",
    "vendor/maplibre-gl-6.17.0/LICENSE.txt",
    "vendor/maplibre-gl-6.17.0/maplibre-gl-worker.mjs",
    "vendor/maplibre-gl-6.17.0/maplibre-gl.css",
    "vendor/maplibre-gl-6.17.0/maplibre-gl.mjs",
];

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

/// A file with what is computed from it on first use: hashes and compression of all files take half a second in a build without
/// optimization, and a server whose page is never opened needs neither.
struct Served {
    content: Bytes,
    content_type: HeaderValue,
    cache_control: HeaderValue,
    encoded: OnceLock<Encoded>,
}

struct Encoded {
    gzip: Bytes,
    etag: HeaderValue,
    gzip_etag: HeaderValue,
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
            content: Bytes::from_static(file.content),
            content_type: HeaderValue::from_static(content_type),
            cache_control: HeaderValue::from_static(cache_control),
            encoded: OnceLock::new(),
        }
    }

    async fn respond(&'static self, request: HeaderMap) -> Response<HttpBody> {
        let encoded = match self.encoded.get() {
            Some(encoded) => encoded,
            None => {
                let computed = tokio::task::spawn_blocking(|| {
                    encoded_of(&self.content).map(|encoded| self.encoded.get_or_init(|| encoded))
                });
                match computed.await {
                    Ok(Ok(encoded)) => encoded,
                    // At shutdown no blocking task starts.
                    Ok(Err(_)) | Err(_) => return status_only(StatusCode::SERVICE_UNAVAILABLE),
                }
            }
        };
        let is_gzip = accepts_gzip(&request);
        let etag = if is_gzip { &encoded.gzip_etag } else { &encoded.etag };
        let is_current = has_etag(&request, etag);
        let mut response = if is_current {
            status_only(StatusCode::NOT_MODIFIED)
        } else {
            Response::new(HttpBody::from(if is_gzip { encoded.gzip.clone() } else { self.content.clone() }))
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
}

fn status_only(status: StatusCode) -> Response<HttpBody> {
    let mut response = Response::new(HttpBody::empty());
    *response.status_mut() = status;
    response
}

fn encoded_of(content: &[u8]) -> io::Result<Encoded> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    let hash = hash_of(content);
    let etag = |text: String| HeaderValue::try_from(text).map_err(io::Error::other);
    Ok(Encoded {
        gzip: encoder.finish()?.into(),
        etag: etag(format!("\"{hash}\""))?,
        // Another representation has another strong validator.
        gzip_etag: etag(format!("\"{hash}-gzip\""))?,
    })
}

/// Half of the SHA-256, in hexadecimal.
fn hash_of(content: &[u8]) -> String {
    let hash = Sha256::digest(content);
    hash.iter().take(16).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Returns whether the client accepts gzip: it names it with a weight above zero.
fn accepts_gzip(request: &HeaderMap) -> bool {
    let values = request.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let is_gzip = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip") || name == "*");
        let is_refused = parts.any(|weight| {
            weight
                .strip_prefix("q=")
                .is_some_and(|weight| weight.parse::<f32>().is_ok_and(|weight| weight == 0.0))
        });
        is_gzip && !is_refused
    })
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
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    const MAX_GZIP_BYTES: usize = 700_000;
    const MAX_BYTES: usize = 2_000_000;

    #[test]
    fn the_page_is_light() {
        let gzip: usize = FILES.iter().map(|file| encoded_of(file.content).unwrap().gzip.len()).sum();
        let bytes: usize = FILES.iter().map(|file| file.content.len()).sum();
        assert!(gzip <= MAX_GZIP_BYTES, "{gzip}");
        assert!(bytes <= MAX_BYTES, "{bytes}");
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
            let sum = Sha256::digest(file.content).iter().map(|byte| format!("{byte:02x}")).collect();
            (file.path.to_owned(), sum)
        });
        assert_eq!(actual.collect::<BTreeSet<_>>(), recorded);
    }

    #[test]
    fn every_file_of_the_folder_is_served() {
        fn add(folder: &Path, root: &Path, found: &mut BTreeSet<String>) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    add(&path, root, found);
                } else {
                    found.insert(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("web");
        let mut found = BTreeSet::new();
        add(&root, &root, &mut found);
        // Sources of the files, and their documentation.
        found.retain(|path| {
            !path.starts_with("tools/") && !path.ends_with(".md") && !path.ends_with("SHA256SUMS")
        });
        assert_eq!(FILES.iter().map(|file| file.path.to_owned()).collect::<BTreeSet<_>>(), found);
    }

    #[test]
    fn gzip_is_served_to_clients_that_accept_it() {
        let accepts = |text: &str| {
            accepts_gzip(&HeaderMap::from_iter([(header::ACCEPT_ENCODING, text.parse().unwrap())]))
        };
        for text in ["gzip", "br, GZIP;q=0.5", "*", "deflate, gzip"] {
            assert!(accepts(text), "{text}");
        }
        for text in ["", "identity", "br", "gzip;q=0", "gzip; q=0.000", "x-gzip-2"] {
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
