//! Settings of authentication and of rate limits.

use std::num::NonZeroU32;

use super::{ConfigError, ServerArgs, Setting};
use crate::auth::{
    AuthSettings,
    client_certificates::CertificateRoles,
    jwt::{TokenSettings, algorithms},
    rate_limit::{PerIpRateLimit, Rate},
};

impl ServerArgs {
    pub(super) fn auth(&self) -> Result<AuthSettings, ConfigError> {
        let parse =
            |text: &String| text.parse().map_err(|reason: String| Setting("cert_roles").invalid(reason));
        let certificates: Vec<CertificateRoles> =
            self.cert_roles.iter().flatten().map(parse).collect::<Result<_, _>>()?;
        if !certificates.is_empty() && self.tls_client_ca.is_none() {
            return Err(Setting("cert_roles").invalid(format!(
                "requires {}: without it no client presents a certificate",
                Setting("tls_client_ca")
            )));
        }
        Ok(AuthSettings {
            keys: self.keys.clone(),
            tokens: self.tokens()?,
            certificates,
            rate: rate((self.rate_per_s, Setting("rate_per_s")), (self.burst, Setting("burst")))?,
        })
    }

    pub(super) fn per_ip(&self) -> Result<Option<PerIpRateLimit>, ConfigError> {
        let rate = rate(
            (self.rate_per_ip_per_s, Setting("rate_per_ip_per_s")),
            (self.burst_per_ip, Setting("burst_per_ip")),
        )?;
        Ok(rate.map(PerIpRateLimit::new))
    }

    fn tokens(&self) -> Result<Option<TokenSettings>, ConfigError> {
        match (&self.jwt_keys, &self.jwt_issuer, &self.jwt_audience) {
            (Some(keys), Some(issuer), Some(audience)) => Ok(Some(TokenSettings {
                keys: keys.parse().map_err(|reason: &str| Setting("jwt_keys").invalid(reason))?,
                issuer: issuer.clone(),
                audience: audience.clone(),
                algorithms: algorithms(&self.jwt_algorithms())
                    .map_err(|reason| Setting("jwt_algorithms").invalid(reason))?,
            })),
            (None, None, None) if self.jwt_algorithms.is_none() => Ok(None),
            _ => Err(Setting("jwt_keys").invalid(format!(
                "requires {} and {}, and they require it: a token must be issued by one issuer for one audience",
                Setting("jwt_issuer"),
                Setting("jwt_audience")
            ))),
        }
    }
}

fn rate(
    (per_s, rate): (Option<u32>, Setting),
    (at_once, burst): (Option<u32>, Setting),
) -> Result<Option<Rate>, ConfigError> {
    let positive = |number: Option<u32>, setting: Setting| match number.map(NonZeroU32::new) {
        None => Ok(None),
        Some(Some(number)) => Ok(Some(number)),
        Some(None) => Err(setting.invalid("must be above 0; omit it for no limit")),
    };
    match (positive(per_s, rate)?, positive(at_once, burst)?) {
        (Some(per_s), burst) => Ok(Some(Rate::new(per_s, burst))),
        (None, None) => Ok(None),
        (None, Some(_)) => Err(rate.invalid(format!("is required with {burst}"))),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn error(args: ServerArgs) -> String {
        args.settings(None).unwrap_err().to_string()
    }

    #[test]
    fn errors_name_the_setting() {
        let some = |text: &str| Some(text.to_owned());
        let of_tokens = |keys: &str, algorithms: &str| ServerArgs {
            jwt_keys: some(keys),
            jwt_issuer: some("https://id.example"),
            jwt_audience: some("nearby"),
            jwt_algorithms: some(algorithms),
            ..ServerArgs::default()
        };
        assert!(error(of_tokens("http://id.example/keys", "ES256")).contains("--jwt-keys"));
        assert!(error(of_tokens("keys.json", "HS256")).contains("--jwt-algorithms"));
        let partly = ServerArgs { jwt_keys: some("keys.json"), ..ServerArgs::default() };
        assert!(error(partly).contains("--jwt-audience"));
        let roles = ServerArgs { cert_roles: Some(vec!["a=search".to_owned()]), ..ServerArgs::default() };
        assert!(error(roles).contains("--tls-client-ca"));
        assert!(error(ServerArgs { rate_per_s: Some(0), ..ServerArgs::default() }).contains("--rate-per-s"));
        assert!(error(ServerArgs { burst: Some(5), ..ServerArgs::default() }).contains("--rate-per-s"));
    }

    #[test]
    fn a_server_on_the_network_requires_authentication_unless_it_is_insecure() {
        let exposed = ServerArgs {
            listen: Some("0.0.0.0:1".to_owned()),
            tls_cert: Some(PathBuf::from("cert.pem")),
            tls_key: Some(PathBuf::from("key.pem")),
            ..ServerArgs::default()
        };
        let message = error(exposed.clone());
        assert!(message.contains("--keys") && message.contains("--insecure"), "{message}");
        let with_keys = ServerArgs { keys: Some(PathBuf::from("keys.toml")), ..exposed.clone() };
        assert!(with_keys.settings(None).unwrap().auth.is_enabled());
        assert!(ServerArgs { insecure: Some(true), ..exposed.clone() }.settings(None).is_ok());
        let ca = Some(PathBuf::from("ca.pem"));
        assert!(ServerArgs { tls_client_ca: ca, ..exposed }.settings(None).is_ok());
    }
}
