//! Settings of who may do what.

use std::num::NonZeroU32;

use super::{ConfigError, ServerArgs};
use crate::auth::{AccessSettings, CertificateRule, PerAddress, Rate, TokenSettings, algorithms};

/// How tokens may be signed where nothing is said of it: what issuers use, and no shared secrets.
const USUAL_ALGORITHMS: &str = "RS256,PS256,ES256,EdDSA";

impl ServerArgs {
    pub(super) fn access(&self, file: &Self) -> Result<AccessSettings, ConfigError> {
        let certificates = self.allow_certificate.as_ref().or(file.allow_certificate.as_ref());
        let rule = |text: &String| {
            text.parse::<CertificateRule>().map_err(|reason| {
                invalid("allow_certificate (--allow-certificate, NEARBY_ALLOW_CERTIFICATE)", reason)
            })
        };
        let certificates: Vec<CertificateRule> =
            certificates.into_iter().flatten().map(rule).collect::<Result<_, _>>()?;
        if !certificates.is_empty() && self.tls_client_ca.as_ref().or(file.tls_client_ca.as_ref()).is_none() {
            return Err(invalid(
                "allow_certificate (--allow-certificate, NEARBY_ALLOW_CERTIFICATE)",
                "needs tls_client_ca (--tls-client-ca, NEARBY_TLS_CLIENT_CA): without it nobody shows a certificate",
            ));
        }
        Ok(AccessSettings {
            keys: self.keys.clone().or_else(|| file.keys.clone()),
            tokens: self.tokens(file)?,
            certificates,
            rate: rate(
                (self.rate_per_s.or(file.rate_per_s), "rate_per_s (--rate-per-s, NEARBY_RATE_PER_S)"),
                (self.burst.or(file.burst), "burst (--burst, NEARBY_BURST)"),
            )?,
        })
    }

    pub(super) fn per_address(&self, file: &Self) -> Result<Option<PerAddress>, ConfigError> {
        let rate = rate(
            (
                self.rate_per_address_per_s.or(file.rate_per_address_per_s),
                "rate_per_address_per_s (--rate-per-address-per-s, NEARBY_RATE_PER_ADDRESS_PER_S)",
            ),
            (
                self.burst_per_address.or(file.burst_per_address),
                "burst_per_address (--burst-per-address, NEARBY_BURST_PER_ADDRESS)",
            ),
        )?;
        Ok(rate.map(PerAddress::new))
    }

    fn tokens(&self, file: &Self) -> Result<Option<TokenSettings>, ConfigError> {
        fn said<'a>(flag: &'a Option<String>, file: &'a Option<String>) -> Option<&'a String> {
            flag.as_ref().or(file.as_ref())
        }
        let signed = said(&self.jwt_algorithms, &file.jwt_algorithms);
        let all = (
            said(&self.jwt_keys, &file.jwt_keys),
            said(&self.jwt_issuer, &file.jwt_issuer),
            said(&self.jwt_audience, &file.jwt_audience),
        );
        match all {
            (Some(keys), Some(issuer), Some(audience)) => Ok(Some(TokenSettings {
                keys: keys
                    .parse()
                    .map_err(|reason: &str| invalid("jwt_keys (--jwt-keys, NEARBY_JWT_KEYS)", reason))?,
                issuer: issuer.clone(),
                audience: audience.clone(),
                algorithms: algorithms(signed.map_or(USUAL_ALGORITHMS, String::as_str)).map_err(
                    |reason| invalid("jwt_algorithms (--jwt-algorithms, NEARBY_JWT_ALGORITHMS)", reason),
                )?,
            })),
            (None, None, None) if signed.is_none() => Ok(None),
            _ => Err(invalid(
                "jwt_keys (--jwt-keys, NEARBY_JWT_KEYS)",
                "jwt_issuer (--jwt-issuer, NEARBY_JWT_ISSUER) and jwt_audience (--jwt-audience, NEARBY_JWT_AUDIENCE) are \
                 needed all three: a token that is anybody's is nobody's",
            )),
        }
    }
}

fn rate(
    (per_s, name): (Option<u32>, &'static str),
    (burst, name_of_burst): (Option<u32>, &'static str),
) -> Result<Option<Rate>, ConfigError> {
    let above_0 = |number: Option<u32>, name| match number.map(NonZeroU32::new) {
        None => Ok(None),
        Some(Some(number)) => Ok(Some(number)),
        Some(None) => Err(invalid(name, "must be above 0; leave it out for no limit")),
    };
    match (above_0(per_s, name)?, above_0(burst, name_of_burst)?) {
        (Some(per_s), burst) => Ok(Some(Rate::new(per_s, burst))),
        (None, None) => Ok(None),
        (None, Some(_)) => Err(invalid(name, "is needed where a burst is set")),
    }
}

fn invalid(setting: &'static str, reason: impl Into<String>) -> ConfigError {
    ConfigError::Invalid { setting, reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn refused(args: ServerArgs) -> String {
        args.settings(None).unwrap_err().to_string()
    }

    #[test]
    fn what_cannot_be_is_named() {
        let some = |text: &str| Some(text.to_owned());
        let of_tokens = |keys: &str, algorithms: &str| ServerArgs {
            jwt_keys: some(keys),
            jwt_issuer: some("https://id.example"),
            jwt_audience: some("nearby"),
            jwt_algorithms: some(algorithms),
            ..ServerArgs::default()
        };
        assert!(refused(of_tokens("http://id.example/keys", "ES256")).contains("--jwt-keys"));
        assert!(refused(of_tokens("keys.json", "HS256")).contains("--jwt-algorithms"));
        let partly = ServerArgs { jwt_keys: some("keys.json"), ..ServerArgs::default() };
        assert!(refused(partly).contains("--jwt-audience"));
        let rule =
            ServerArgs { allow_certificate: Some(vec!["a=search".to_owned()]), ..ServerArgs::default() };
        assert!(refused(rule).contains("--tls-client-ca"));
        assert!(
            refused(ServerArgs { rate_per_s: Some(0), ..ServerArgs::default() }).contains("--rate-per-s")
        );
        assert!(refused(ServerArgs { burst: Some(5), ..ServerArgs::default() }).contains("--rate-per-s"));
    }

    #[test]
    fn nobody_is_let_in_from_elsewhere_without_saying_so() {
        let elsewhere = ServerArgs {
            listen: Some("0.0.0.0:1".to_owned()),
            tls_cert: Some(PathBuf::from("cert.pem")),
            tls_key: Some(PathBuf::from("key.pem")),
            ..ServerArgs::default()
        };
        let error = refused(elsewhere.clone());
        assert!(error.contains("--keys") && error.contains("--insecure"), "{error}");
        let with_keys = ServerArgs { keys: Some(PathBuf::from("keys.toml")), ..elsewhere.clone() };
        assert!(with_keys.settings(None).unwrap().access.is_any());
        assert!(ServerArgs { insecure: Some(true), ..elsewhere.clone() }.settings(None).is_ok());
        let ca = Some(PathBuf::from("ca.pem"));
        assert!(ServerArgs { tls_client_ca: ca, ..elsewhere }.settings(None).is_ok());
    }
}
