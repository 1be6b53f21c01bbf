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
        TlsError::AlertReceived(AlertDescription::CertificateRequired) => {
            "the server requires a client certificate: send one of a certificate authority that it trusts"
        }
        TlsError::AlertReceived(
            AlertDescription::UnknownCA
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateRevoked
            | AlertDescription::DecryptError,
        ) => "the server rejects the client certificate: check its authority and its expiry",
        TlsError::InvalidMessage(_) => NOT_TLS,
        TlsError::NoApplicationProtocol
        | TlsError::AlertReceived(AlertDescription::NoApplicationProtocol) => {
            "the port speaks TLS, but not HTTP/2"
        }
        _ => return error.to_string(),
    };
    format!("{remedy} ({error})")
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

/// Returns the cause if the name of the host did not resolve.
pub(crate) fn name_error<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e (dyn Error + 'static)> {
    // The type of the error is private to hyper-util; its text is stable.
    causes(error).find(|error| error.to_string() == "dns error").and_then(|error| error.source())
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
