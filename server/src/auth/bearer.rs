//! Credentials in request headers.

use http::{HeaderMap, header};

use super::AuthError;

const API_KEY: &str = "x-api-key";

/// Returns the API key or token of a request, from `authorization: Bearer …` or `x-api-key`.
///
/// # Errors
/// [`AuthError::Unknown`], when a header has another scheme, is not text, or is sent twice: a proxy and the server might read
/// different ones.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<Option<&str>, AuthError> {
    if [header::AUTHORIZATION.as_str(), API_KEY].iter().any(|name| headers.get_all(*name).iter().count() > 1)
    {
        return Err(AuthError::Unknown);
    }
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let (scheme, credentials) =
            value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(AuthError::Unknown)?;
        return if scheme.eq_ignore_ascii_case("bearer") {
            Ok(Some(credentials.trim()))
        } else {
            Err(AuthError::Unknown)
        };
    }
    headers.get(API_KEY).map(|value| value.to_str().map_err(|_| AuthError::Unknown)).transpose()
}

/// Removes credentials from the headers of a request.
pub(crate) fn remove(headers: &mut HeaderMap) {
    for name in [header::AUTHORIZATION.as_str(), API_KEY] {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_one_header_with_credentials() {
        let of = |headers: &[(&'static str, &'static str)]| {
            let mut all = HeaderMap::new();
            for (name, value) in headers {
                all.append(*name, http::HeaderValue::from_static(value));
            }
            bearer(&all).map(|bearer| bearer.map(str::to_owned)).map_err(|_| ())
        };
        assert_eq!(of(&[]), Ok(None));
        assert_eq!(of(&[("authorization", "Bearer a")]), Ok(Some("a".to_owned())));
        assert_eq!(of(&[("x-api-key", "a")]), Ok(Some("a".to_owned())));
        assert_eq!(of(&[("authorization", "Basic a")]), Err(()));
        assert_eq!(of(&[("authorization", "Bearer a"), ("authorization", "Bearer a")]), Err(()));
        assert_eq!(of(&[("x-api-key", "a"), ("x-api-key", "b")]), Err(()));
    }
}
