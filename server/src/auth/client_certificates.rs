//! Names in client certificates, and the roles of each.

use std::str::FromStr;

use x509_parser::{extensions::GeneralName, parse_x509_certificate};

use super::Roles;

/// The roles of the client certificate with a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateRoles {
    /// A subject alternative name: a host name, a URI (such as a SPIFFE id) or an e-mail address.
    pub name: String,
    /// The roles.
    pub roles: Roles,
}

impl FromStr for CertificateRoles {
    type Err = String;

    /// Parses `NAME=ROLE[,ROLE…]`. The last `=` separates the two, as a URI may contain one.
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, roles) = text
            .rsplit_once('=')
            .filter(|(name, _)| !name.trim().is_empty())
            .ok_or("must be a certificate name and its roles, such as spiffe://shop/indexer=search,manage")?;
        Ok(Self { name: name.trim().to_owned(), roles: roles.parse()? })
    }
}

/// Returns the subject alternative names of a DER certificate; none if it cannot be parsed.
#[must_use]
pub fn names_in(certificate: &[u8]) -> Vec<String> {
    let Ok((_, certificate)) = parse_x509_certificate(certificate) else { return Vec::new() };
    let Ok(Some(names)) = certificate.subject_alternative_name() else { return Vec::new() };
    let name_of = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) | GeneralName::URI(name) | GeneralName::RFC822Name(name) => {
            Some((*name).to_owned())
        }
        _ => None,
    };
    names.value.general_names.iter().filter_map(name_of).collect()
}

/// Returns the end of the validity of a DER certificate in seconds since 1970; `None` if it cannot be parsed.
#[must_use]
pub fn expiry_of(certificate: &[u8]) -> Option<i64> {
    parse_x509_certificate(certificate)
        .ok()
        .map(|(_, certificate)| certificate.validity().not_after.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_expiry_are_read_from_certificates() {
        let names = ["shop.example", "spiffe://shop/indexer?a=b"];
        let mut params = rcgen::CertificateParams::new(vec![names[0].to_owned()]).unwrap();
        params.subject_alt_names.push(rcgen::SanType::URI(names[1].try_into().unwrap()));
        let certificate = params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
        assert_eq!(names_in(certificate.der()), names);
        assert_eq!(names_in(b"no certificate"), Vec::<String>::new());
        assert_eq!(expiry_of(certificate.der()), Some(params.not_after.unix_timestamp()));
        assert_eq!(expiry_of(b"no certificate"), None);
    }

    #[test]
    fn the_last_equals_sign_separates_name_and_roles() {
        let rule: CertificateRoles = "spiffe://shop/indexer?a=b=search,manage".parse().unwrap();
        assert_eq!(
            (rule.name.as_str(), rule.roles.to_string()),
            ("spiffe://shop/indexer?a=b", "search,manage".to_owned())
        );
        for wrong in ["shop", "=search", "shop=", "shop=owner"] {
            assert!(wrong.parse::<CertificateRoles>().is_err(), "{wrong}");
        }
    }
}
