//! Credentials in request headers.

use http::{HeaderMap, header};

use super::AuthError;

const API_KEY: &str = "x-api-key";

/// Returns the API key or token of a request, from `authorization: Bearer …` or `x-api-key`.
///
/// # Errors
/// [`AuthError::Unknown`], when a header has another scheme or is not text.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<Option<&str>, AuthError> {
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
