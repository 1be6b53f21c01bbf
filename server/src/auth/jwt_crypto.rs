//! Signature verification for `jsonwebtoken` with ring, which rustls depends on anyway. The crate's own back ends would add 38
//! crates, `rsa` with its timing advisory among them.

use jsonwebtoken::{
    Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind,
    crypto::{CryptoProvider, JwtVerifier, KeyUtils},
    errors::{ErrorKind, Result},
    signature::{self, Verifier},
};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey, VerificationAlgorithm,
};

/// Verifies only: the server neither signs tokens nor computes thumbprints of keys.
static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |_, _| Err(ErrorKind::InvalidAlgorithm.into()),
    verifier_factory: verifier,
    key_utils: KeyUtils {
        rsa_pub_components_from_private_key: |_| Err(ErrorKind::InvalidAlgorithm.into()),
        rsa_pub_components_from_public_key: |_| Err(ErrorKind::InvalidAlgorithm.into()),
        ec_pub_components_from_private_key: |_, _| Err(ErrorKind::InvalidAlgorithm.into()),
        ed_pub_components_from_private_key: |_, _| Err(ErrorKind::InvalidAlgorithm.into()),
        compute_digest: |_, _| Err(ErrorKind::InvalidAlgorithm.into()),
    },
};

/// Makes ring the provider of the process for `jsonwebtoken`. Further calls have no effect.
pub(super) fn install() {
    // An error means that a provider is installed already, and only this function installs one.
    PROVIDER.install_default().ok();
}

/// Sizes of accepted RSA keys in bits, as in the names of ring's parameters.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2_048..=8_192;

/// Returns whether a key can verify signatures of an algorithm.
pub(super) fn can_verify(algorithm: Algorithm, key: &DecodingKey) -> bool {
    let Ok(scheme) = scheme(algorithm, key) else { return false };
    match (&scheme, key.kind()) {
        (Scheme::Rsa(_), DecodingKeyKind::RsaModulusExponent { n, .. }) => {
            let zeros = n.iter().take_while(|byte| **byte == 0).count();
            let leading = n.get(zeros).map_or(0, |byte| byte.leading_zeros() as usize);
            RSA_BITS.contains(&((n.len() - zeros) * 8 - leading))
        }
        (Scheme::Rsa(_), DecodingKeyKind::SecretOrDer(_)) => true,
        (Scheme::Other(.., key_bytes), DecodingKeyKind::SecretOrDer(point)) => point.len() == *key_bytes,
        (Scheme::Other(..), DecodingKeyKind::RsaModulusExponent { .. }) => false,
    }
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    let scheme = scheme(*algorithm, key)?;
    Ok(Box::new(RingVerifier { algorithm: *algorithm, scheme, key: key.clone() }))
}

fn scheme(algorithm: Algorithm, key: &DecodingKey) -> Result<Scheme> {
    let scheme = match algorithm {
        Algorithm::RS256 => Scheme::Rsa(&RSA_PKCS1_2048_8192_SHA256),
        Algorithm::RS384 => Scheme::Rsa(&RSA_PKCS1_2048_8192_SHA384),
        Algorithm::RS512 => Scheme::Rsa(&RSA_PKCS1_2048_8192_SHA512),
        Algorithm::PS256 => Scheme::Rsa(&RSA_PSS_2048_8192_SHA256),
        Algorithm::PS384 => Scheme::Rsa(&RSA_PSS_2048_8192_SHA384),
        Algorithm::PS512 => Scheme::Rsa(&RSA_PSS_2048_8192_SHA512),
        Algorithm::ES256 => Scheme::Other(&ECDSA_P256_SHA256_FIXED, AlgorithmFamily::Ec, 65),
        Algorithm::ES384 => Scheme::Other(&ECDSA_P384_SHA384_FIXED, AlgorithmFamily::Ec, 97),
        Algorithm::EdDSA => Scheme::Other(&ED25519, AlgorithmFamily::Ed, 32),
        // Shared secrets, and algorithms that the crate may add; `jwt::algorithms` accepts none of them.
        _ => return Err(ErrorKind::InvalidAlgorithm.into()),
    };
    if key.family() != scheme.family() {
        return Err(ErrorKind::InvalidKeyFormat.into());
    }
    Ok(scheme)
}

enum Scheme {
    Rsa(&'static RsaParameters),
    /// The algorithm, its family, and the length of a key in bytes.
    Other(&'static dyn VerificationAlgorithm, AlgorithmFamily, usize),
}

impl Scheme {
    fn family(&self) -> AlgorithmFamily {
        match self {
            Self::Rsa(_) => AlgorithmFamily::Rsa,
            Self::Other(_, family, _) => *family,
        }
    }
}

struct RingVerifier {
    algorithm: Algorithm,
    scheme: Scheme,
    key: DecodingKey,
}

impl Verifier<Vec<u8>> for RingVerifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), signature::Error> {
        let verified = match (&self.scheme, self.key.kind()) {
            (Scheme::Rsa(parameters), DecodingKeyKind::RsaModulusExponent { n, e }) => {
                // RFC 7518 §6.3.1.1: no leading zero octets, but some issuers write one, and ring rejects it.
                let n = n.strip_prefix(&[0]).unwrap_or(n);
                RsaPublicKeyComponents { n, e }.verify(parameters, message, signature)
            }
            (Scheme::Rsa(parameters), DecodingKeyKind::SecretOrDer(der)) => {
                UnparsedPublicKey::new(*parameters, der).verify(message, signature)
            }
            (Scheme::Other(algorithm, ..), DecodingKeyKind::SecretOrDer(point)) => {
                UnparsedPublicKey::new(*algorithm, point).verify(message, signature)
            }
            (Scheme::Other(..), DecodingKeyKind::RsaModulusExponent { .. }) => Err(ring::error::Unspecified),
        };
        verified.map_err(|_| signature::Error::new())
    }
}

impl JwtVerifier for RingVerifier {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

#[cfg(test)]
pub(crate) mod testing {
    //! Signs tokens, which only tests do.

    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use ring::{
        rand::SystemRandom,
        signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
    };
    use serde_json::{Value, json};

    /// A P-256 key pair that signs tokens with ES256.
    pub(crate) struct Issuer(EcdsaKeyPair, String);

    impl Issuer {
        pub(crate) fn new(kid: &str) -> Self {
            let random = SystemRandom::new();
            let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
            let pair =
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap();
            Self(pair, kid.to_owned())
        }

        /// The public key as a JSON Web Key Set.
        pub(crate) fn jwks(&self) -> String {
            let (x, y) = self.0.public_key().as_ref()[1..].split_at(32);
            let [x, y] = [x, y].map(|part| URL_SAFE_NO_PAD.encode(part));
            let key = json!({ "kty": "EC", "crv": "P-256", "alg": "ES256", "kid": self.1, "x": x, "y": y });
            json!({ "keys": [key] }).to_string()
        }

        /// Signs a token with the given header and claims.
        pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
            let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
            let message = format!("{header}.{claims}");
            let signature = self.0.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
            format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A token of RFC 7515, appendix A.2, signed with RS256, and the public key that belongs to it.
    const RFC_7515_RS256: (&str, &str, &str) = (
        "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ",
        "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
        "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
    );
    /// A signature of RFC 8037, appendix A.4, with Ed25519.
    const RFC_8037_ED25519: (&str, &str, &str) = (
        "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
        "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    );
    /// A signature of RFC 7515, appendix A.3, with ES256.
    const RFC_7515_ES256: (&str, &str, [&str; 2]) = (
        "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ",
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
        ["f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"],
    );

    fn accepts(algorithm: Algorithm, key: &DecodingKey, message: &str, signature: &str) -> bool {
        install();
        jsonwebtoken::crypto::verify(signature, message.as_bytes(), key, algorithm).unwrap()
    }

    #[test]
    fn examples_of_the_rfcs_verify_and_altered_ones_do_not() {
        let (message, signature, n) = RFC_7515_RS256;
        let rsa = DecodingKey::from_rsa_components(n, "AQAB").unwrap();
        assert!(accepts(Algorithm::RS256, &rsa, message, signature));
        assert!(!accepts(Algorithm::RS256, &rsa, &message[1..], signature));
        assert!(!accepts(Algorithm::RS384, &rsa, message, signature));
        assert!(!accepts(Algorithm::PS256, &rsa, message, signature));

        let (message, signature, x) = RFC_8037_ED25519;
        let ed25519 = DecodingKey::from_ed_components(x).unwrap();
        assert!(accepts(Algorithm::EdDSA, &ed25519, message, signature));
        assert!(!accepts(Algorithm::EdDSA, &ed25519, &message[1..], signature));

        let (message, signature, [x, y]) = RFC_7515_ES256;
        let p256 = DecodingKey::from_ec_components(x, y).unwrap();
        assert!(accepts(Algorithm::ES256, &p256, message, signature));
        assert!(!accepts(Algorithm::ES256, &p256, &message[1..], signature));
    }

    #[test]
    fn a_key_of_another_family_and_a_shared_secret_are_rejected() {
        install();
        let secret = DecodingKey::from_secret(b"secret");
        for algorithm in [Algorithm::ES256, Algorithm::RS256, Algorithm::EdDSA, Algorithm::HS256] {
            assert!(jsonwebtoken::crypto::verify("", b"", &secret, algorithm).is_err(), "{algorithm:?}");
        }
    }
}
