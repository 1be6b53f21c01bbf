//! Causes of a failed connection that have a remedy: a mismatch of TLS, or a name that does not resolve.

use std::{error::Error, io};

use rustls::{AlertDescription, Error as TlsError};

/// Iterates over an error and its causes, including those that `source` skips.
pub(crate) fn causes<'e>(
    error: &'e (dyn Error + 'static),
) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        // `source` of an `io::Error` skips the error that it wraps, and an `h2::Error` has none.
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let of_h2 = error.downcast_ref::<h2::Error>().and_then(h2::Error::get_io);
        match (wrapped, of_h2) {
            (Some(inner), _) => Some(inner as &(dyn Error + 'static)),
            (None, Some(inner)) => Some(inner as &(dyn Error + 'static)),
            (None, None) => error.source(),
        }
    })
}

/// Finds a TLS error among the causes of an error.
pub(crate) fn tls_error<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e TlsError> {
    causes(error).find_map(|error| error.downcast_ref())
}

/// Describes a TLS error, with its remedy if the error implies one.
pub(crate) fn describe(error: &TlsError) -> String {
    let remedy = match error {
        TlsError::InvalidMessage(_) => NOT_TLS,
        TlsError::NoApplicationProtocol
        | TlsError::AlertReceived(AlertDescription::NoApplicationProtocol) => {
            "the port speaks TLS, but not HTTP/2"
        }
        error => return describe_alert(&error.to_string()),
    };
    format!("{remedy} ({error})")
}

/// Beginning of the text of an alert in rustls.
const ALERT: &str = "received fatal alert: ";

/// Adds the remedy to the text of an error that reports an alert about a client certificate. An alert that arrives after the
/// handshake, as with TLS 1.3, reaches the caller as a text.
pub(crate) fn describe_alert(text: &str) -> String {
    let alert = text.strip_prefix(ALERT).unwrap_or_default();
    let remedy = match alert {
        "CertificateRequired" => {
            "the server requires a client certificate: send one of a certificate authority that it trusts"
        }
        "UnknownCA" | "BadCertificate" | "CertificateUnknown" | "CertificateExpired"
        | "CertificateRevoked" | "DecryptError" => {
            "the server rejects the client certificate: check its authority and its expiry"
        }
        _ => return text.to_owned(),
    };
    format!("{remedy} ({text})")
}

/// The likely cause of a handshake that the server ends without an answer.
pub(crate) const NOT_TLS: &str = "the port most likely does not speak TLS: use an http:// address";

/// Returns `true` if the peer closed the connection in the middle of something.
pub(crate) fn is_end_of_stream(error: &(dyn Error + 'static)) -> bool {
    const KINDS: [io::ErrorKind; 3] =
        [io::ErrorKind::UnexpectedEof, io::ErrorKind::ConnectionReset, io::ErrorKind::BrokenPipe];
    causes(error)
        .filter_map(|error| error.downcast_ref::<io::Error>())
        .any(|error| KINDS.contains(&error.kind()))
}

/// Returns the root cause if the name of the host did not resolve.
pub(crate) fn name_error<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e (dyn Error + 'static)> {
    // The type of the error is private to hyper-util.
    let is_of_name = causes(error).any(|error| error.to_string().starts_with("dns error"));
    causes(error).last().filter(|_| is_of_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alerts_about_certificates_name_the_remedy() {
        let of = |alert| describe(&TlsError::AlertReceived(alert));
        assert!(
            of(AlertDescription::CertificateRequired).starts_with("the server requires a client certificate")
        );
        assert!(of(AlertDescription::UnknownCA).starts_with("the server rejects the client certificate"));
        assert_eq!(of(AlertDescription::InternalError), "received fatal alert: InternalError");
        // As h2 reports an error of the connection: as a text.
        let text = TlsError::AlertReceived(AlertDescription::CertificateRequired).to_string();
        assert!(describe_alert(&text).starts_with("the server requires a client certificate"), "{text}");
        assert_eq!(describe_alert("broken pipe"), "broken pipe");
    }

    #[test]
    fn wrapped_errors_are_found() {
        let inner = TlsError::AlertReceived(AlertDescription::CertificateRequired);
        let error = io::Error::new(io::ErrorKind::InvalidData, inner.clone());
        assert_eq!(tls_error(&error), Some(&inner));
        assert!(is_end_of_stream(&io::Error::from(io::ErrorKind::UnexpectedEof)));
        assert!(!is_end_of_stream(&error) && name_error(&error).is_none());
    }
}
