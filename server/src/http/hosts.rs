//! The host names by which the listener may be called, and the origins whose pages may call it.
//!
//! A page of another origin can have a browser send requests to any address that the browser reaches, and by DNS rebinding even read the
//! responses. Rebinding needs a name, which browsers state in `Host`; an address cannot be rebound.

use std::{net::IpAddr, sync::Arc};

use axum::{body::Body as HttpBody, extract::Request, middleware::Next};
use http::{HeaderMap, HeaderValue, Response, StatusCode, Uri, header, uri::Authority};

use super::{plain_text, settings::HttpSettings};

const WRONG_HOST: &str = "this server does not answer to that host name; use localhost or its IP address, or add the name to --http-hosts\n";
const WRONG_ORIGIN: &str =
    "pages of that origin may not call this server; add the origin to --http-origins\n";

/// Rejects requests to other hosts, and of pages of other origins.
#[derive(Clone)]
pub(super) struct Hosts(Arc<Allowed>);

struct Allowed {
    hosts: Vec<String>,
    origins: Vec<HeaderValue>,
}

impl Hosts {
    pub(super) fn new(settings: &HttpSettings) -> Self {
        Self(Arc::new(Allowed { hosts: settings.hosts.clone(), origins: settings.origins.clone() }))
    }

    /// The layer.
    pub(super) async fn check(self, request: Request, next: Next) -> Response<HttpBody> {
        if !self.is_host(request.uri(), request.headers()) {
            return plain_text(StatusCode::MISDIRECTED_REQUEST, WRONG_HOST);
        }
        if !self.is_origin(request.headers()) {
            return plain_text(StatusCode::FORBIDDEN, WRONG_ORIGIN);
        }
        next.run(request).await
    }

    /// Returns whether the one host of a request may be called. HTTP/2 has it in the URI.
    fn is_host(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let mut given = headers.get_all(header::HOST).iter();
        let (host, has_more) = (given.next(), given.next().is_some());
        let host = host.map(|host| host.to_str().unwrap_or_default());
        let hosts = [uri.authority().map(Authority::as_str), host];
        !has_more && hosts.iter().any(Option::is_some) && hosts.iter().flatten().all(|host| self.admits(host))
    }

    /// Returns whether the origin of a request, if it has one, is this server's or one of the operator's. `null`, as of a sandboxed
    /// frame or a file, is none.
    fn is_origin(&self, headers: &HeaderMap) -> bool {
        headers.get_all(header::ORIGIN).iter().all(|origin| {
            let own = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
            let is_own = own.is_some_and(|(scheme, host)| {
                ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) && self.admits(host)
            });
            is_own || self.0.origins.contains(origin)
        })
    }

    /// Returns whether a host with or without a port is admitted.
    fn admits(&self, text: &str) -> bool {
        let Ok(authority) = text.parse::<Authority>() else { return false };
        if text.contains('@') {
            return false;
        }
        let host = authority.host();
        let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        let address = host.trim_start_matches('[').trim_end_matches(']');
        address.parse::<IpAddr>().is_ok() || host == "localhost" || self.0.hosts.contains(&host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts() -> Hosts {
        let origins = vec![HeaderValue::from_static("https://shop.test")];
        Hosts(Arc::new(Allowed { hosts: vec!["nearby.test".to_owned()], origins }))
    }

    #[test]
    fn names_are_compared_without_port_case_and_final_dot() {
        let hosts = hosts();
        for host in [
            "localhost",
            "LocalHost:8080",
            "localhost.",
            "127.0.0.1:8080",
            "10.1.2.3",
            "[::1]:8080",
            "[::1]",
            "nearby.test",
            "Nearby.Test.:443",
        ] {
            assert!(hosts.admits(host), "{host}");
        }
        for host in [
            "",
            "evil.test",
            "localhost.evil.test",
            "evil.test:localhost",
            "user@localhost",
            "nearby.test.evil",
            "127.0.0.1.evil.test",
            "a b",
        ] {
            assert!(!hosts.admits(host), "{host}");
        }
    }

    #[test]
    fn a_request_has_one_host() {
        let is_host = |uri: &str, values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::HOST, value.parse().unwrap());
            }
            hosts().is_host(&uri.parse().unwrap(), &headers)
        };
        assert!(is_host("/", &["localhost"]) && is_host("https://localhost/", &[]));
        assert!(
            !is_host("/", &[])
                && !is_host("/", &["localhost", "evil.test"])
                && !is_host("/", &["localhost", "localhost"])
        );
        assert!(
            !is_host("http://evil.test/", &["localhost"]) && !is_host("http://localhost/", &["evil.test"])
        );
    }

    #[test]
    fn origins_are_those_of_the_server_or_of_the_operator() {
        let is_origin = |origin: &str| {
            hosts().is_origin(&HeaderMap::from_iter([(header::ORIGIN, origin.parse().unwrap())]))
        };
        for origin in
            ["http://localhost:8080", "https://127.0.0.1", "https://nearby.test", "https://shop.test"]
        {
            assert!(is_origin(origin), "{origin}");
        }
        for origin in [
            "null",
            "http://shop.test",
            "https://shop.test:8443",
            "https://evil.test",
            "file://localhost",
            "",
        ] {
            assert!(!is_origin(origin), "{origin}");
        }
        assert!(hosts().is_origin(&HeaderMap::new()));
    }
}
