//! The published service config: timeout and retry policy of each method.

use std::{sync::LazyLock, time::Duration};

use serde::{Deserialize, Deserializer, de::Error as _};

use crate::method::Method;

/// Published service config of the package in the standard JSON format of gRPC, for clients in any language. This crate
/// takes its deadlines and retry policies from it.
pub const SERVICE_CONFIG: &str = include_str!("../../nearby/v1/service_config.json");

/// Timeout and retry policy of a method.
#[derive(Clone, Debug, Default)]
pub(crate) struct CallPolicy {
    /// Maximum duration of a call, including all attempts.
    pub(crate) timeout: Option<Duration>,
    /// Retry policy, if retries are safe for every request of the method.
    pub(crate) retry: Option<RetryPolicy>,
}

/// Number of attempts and delays between them.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RetryPolicy {
    /// Includes the first attempt.
    pub(crate) max_attempts: u32,
    #[serde(deserialize_with = "duration")]
    pub(crate) initial_backoff: Duration,
    #[serde(deserialize_with = "duration")]
    pub(crate) max_backoff: Duration,
    pub(crate) backoff_multiplier: f64,
    retryable_status_codes: Vec<Retryable>,
}

/// The only status code that this crate retries: a config with any other code is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
enum Retryable {
    #[serde(rename = "UNAVAILABLE")]
    Unavailable,
}

/// Returns the policy of a method.
pub(crate) fn call_policy(method: Method) -> &'static CallPolicy {
    static NONE: CallPolicy = CallPolicy { timeout: None, retry: None };
    PUBLISHED.get(method as usize).unwrap_or(&NONE)
}

/// Returns the retry policy of writes, which are idempotent by their request id. A service config cannot express that,
/// as it does not see requests; all its policies are the same, and this is one of them.
pub(crate) fn retry_with_request_id() -> Option<&'static RetryPolicy> {
    call_policy(Method::GetMerchant).retry.as_ref()
}

/// Parsed once. The tests verify that the file is valid and lists every method.
static PUBLISHED: LazyLock<Vec<CallPolicy>> = LazyLock::new(|| {
    let config: ServiceConfig = serde_json::from_str(SERVICE_CONFIG).unwrap_or_default();
    Method::ALL.iter().map(|method| config.call_policy(method.path())).collect()
});

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ServiceConfig {
    method_config: Vec<MethodConfig>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct MethodConfig {
    name: Vec<Name>,
    #[serde(default, deserialize_with = "optional_duration")]
    timeout: Option<Duration>,
    retry_policy: Option<RetryPolicy>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Name {
    service: String,
    method: String,
}

impl ServiceConfig {
    fn call_policy(&self, path: &str) -> CallPolicy {
        let matches = |name: &Name| name.path() == path;
        let found = self.method_config.iter().find(|config| config.name.iter().any(matches));
        found
            .map(|config| CallPolicy { timeout: config.timeout, retry: config.retry_policy.clone() })
            .unwrap_or_default()
    }
}

impl Name {
    fn path(&self) -> String {
        format!("/{}/{}", self.service, self.method)
    }
}

/// Parses a google.protobuf.Duration in JSON, such as `0.1s`.
fn duration<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(from)?;
    let seconds = text.strip_suffix('s').and_then(|number| number.parse().ok());
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| D::Error::custom(format!("{text} is not a duration such as 0.1s")))
}

fn optional_duration<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    duration(from).map(Some)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use prost::Message;
    use prost_types::FileDescriptorSet;

    use super::*;

    fn published() -> ServiceConfig {
        serde_json::from_str(SERVICE_CONFIG).unwrap()
    }

    /// Methods of the contract by path: is either side streaming, and does the request have a request id.
    fn contract() -> BTreeMap<String, (bool, bool)> {
        let files = FileDescriptorSet::decode(nearby_proto::DESCRIPTORS).unwrap().file;
        let ours: Vec<_> = files.iter().filter(|file| file.package() == "nearby.v1").collect();
        let messages = ours.iter().flat_map(|file| &file.message_type);
        let with_id: Vec<String> = messages
            .filter(|message| message.field.iter().any(|field| field.name() == "request_id"))
            .map(|message| format!(".nearby.v1.{}", message.name()))
            .collect();
        let services = ours.iter().flat_map(|file| &file.service);
        let methods = services.flat_map(|service| {
            service.method.iter().map(|method| {
                let path = format!("/nearby.v1.{}/{}", service.name(), method.name());
                let streams = method.client_streaming() || method.server_streaming();
                (path, (streams, with_id.iter().any(|name| name == method.input_type())))
            })
        });
        methods.collect()
    }

    #[test]
    fn config_and_client_have_every_method_of_the_contract_once() {
        let contract: Vec<String> = contract().into_keys().collect();
        assert!(contract.len() >= 19, "the descriptors cover the whole contract");
        let names = published().method_config.into_iter().flat_map(|config| config.name);
        let mut configured: Vec<String> = names.map(|name| name.path()).collect();
        configured.sort();
        assert_eq!(configured, contract);
        let mut called: Vec<String> = Method::ALL.iter().map(|method| method.path().to_owned()).collect();
        called.sort();
        assert_eq!(called, contract);
    }

    #[test]
    fn config_retries_only_unary_reads() {
        let contract = contract();
        for config in published().method_config {
            for name in config.name {
                let (streams, writes) = contract[&name.path()];
                // Operations on a cluster are repeated by their operator.
                let operates =
                    ["HealCluster", "UpgradeClusterFormat", "HashContents"].contains(&name.method.as_str());
                let reads = ["Get", "BatchGet", "List", "Search", "BatchSearch"];
                let is_read = reads.iter().any(|verb| name.method.starts_with(verb));
                assert_eq!(is_read, !streams && !writes && !operates, "{} is named like a read", name.method);
                assert_eq!(config.retry_policy.is_some(), is_read, "{}", name.method);
            }
        }
    }

    #[test]
    fn all_calls_but_server_streams_have_a_deadline() {
        for method in Method::ALL {
            let streams = contract()[method.path()].0 && *method != Method::ImportMerchants;
            assert_eq!(call_policy(*method).timeout.is_none(), streams, "{method:?}");
        }
        assert_eq!(call_policy(Method::SearchNearby).timeout, Some(Duration::from_secs(5)));
        assert_eq!(call_policy(Method::ImportMerchants).timeout, Some(Duration::from_secs(60)));
    }

    #[test]
    fn all_retry_policies_are_equal() {
        let policies: Vec<_> =
            published().method_config.into_iter().filter_map(|config| config.retry_policy).collect();
        assert!(policies.iter().all(|policy| Some(policy) == retry_with_request_id()));
        let policy = retry_with_request_id().unwrap();
        assert_eq!((policy.max_attempts, policy.retryable_status_codes.len()), (4, 1));
        assert_eq!(policy.initial_backoff, Duration::from_millis(100));
        assert!(policy.initial_backoff <= policy.max_backoff && policy.backoff_multiplier >= 1.0);
    }

    #[test]
    fn other_retryable_codes_are_rejected() {
        let other = SERVICE_CONFIG.replace("UNAVAILABLE", "INTERNAL");
        assert!(serde_json::from_str::<ServiceConfig>(&other).is_err());
    }
}
