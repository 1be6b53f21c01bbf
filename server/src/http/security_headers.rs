//! Headers that restrict what a browser does with a response.

use std::sync::Arc;

use axum::{body::Body as HttpBody, extract::Request, middleware::Next};
use http::{HeaderMap, HeaderName, HeaderValue, Response, header};

use super::settings::HttpSettings;

/// Adds the headers to every response.
#[derive(Clone)]
pub(super) struct SecurityHeaders(Arc<HeaderMap>);

impl SecurityHeaders {
    pub(super) fn new(settings: &HttpSettings) -> Self {
        let mut headers = HeaderMap::new();
        let fixed = [
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::X_FRAME_OPTIONS, "DENY"),
            (header::REFERRER_POLICY, "no-referrer"),
            (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
            (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
            (HeaderName::from_static("permissions-policy"), "geolocation=(self)"),
        ];
        for (name, value) in fixed {
            headers.insert(name, HeaderValue::from_static(value));
        }
        if let Ok(policy) = HeaderValue::try_from(content_security_policy(settings)) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        if settings.has_tls && !settings.listen.ip().is_loopback() {
            headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
        }
        Self(Arc::new(headers))
    }

    /// The layer.
    pub(super) async fn add(self, request: Request, next: Next) -> Response<HttpBody> {
        let mut response = next.run(request).await;
        let headers = response.headers_mut();
        for (name, value) in &*self.0 {
            headers.insert(name, value.clone());
        }
        // The files of the page state how long they may be stored; calls never.
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        response
    }
}

/// The content security policy: everything from this server, and of others only what the operator has set.
fn content_security_policy(settings: &HttpSettings) -> String {
    let page = settings.page.clone().unwrap_or_default();
    let map = page.origins_of_map();
    let sources = |first: &str, more: &[&[String]]| {
        let mut all = vec![first.to_owned()];
        all.extend(more.iter().flat_map(|more| more.iter().cloned()));
        all.dedup();
        all.join(" ")
    };
    let connect =
        if map.is_empty() { String::new() } else { format!("; connect-src {}", sources("'self'", &[&map])) };
    format!(
        "default-src 'self'; img-src {}; worker-src 'self'{connect}; object-src 'none'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'",
        sources("'self' data: blob:", &[&map, &page.photo_origins]),
    )
}
