//! What the published service config says of each method: how long it may take, and whether it may be repeated.

use std::{sync::LazyLock, time::Duration};

use serde::{Deserialize, Deserializer, de::Error as _};

use crate::method::Method;

/// The published service config of the package in gRPC's standard JSON form: the very file that is beside the contract,
/// for clients in any language. This crate takes its deadlines and its retries from it.
pub const SERVICE_CONFIG: &str = include_str!("../../nearby/v1/service_config.json");

/// What holds for the calls of one method.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules {
    /// How long a call may take, all attempts together.
    pub(crate) timeout: Option<Duration>,
    /// How to repeat it, where that is safe whatever the request says.
    pub(crate) retry: Option<RetryPolicy>,
}

/// How often to repeat a call, and how long to wait in between.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RetryPolicy {
    /// The first one counts.
    pub(crate) max_attempts: u32,
    #[serde(deserialize_with = "length")]
    pub(crate) initial_backoff: Duration,
    #[serde(deserialize_with = "length")]
    pub(crate) max_backoff: Duration,
    pub(crate) backoff_multiplier: f64,
    retryable_status_codes: Vec<Retryable>,
}

/// The only code that this crate repeats calls on: a config that names another one is not read.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
enum Retryable {
    #[serde(rename = "UNAVAILABLE")]
    Unavailable,
}

/// What holds for a method's calls.
pub(crate) fn rules_of(method: Method) -> &'static Rules {
    static NONE: Rules = Rules { timeout: None, retry: None };
    PUBLISHED.get(method as usize).unwrap_or(&NONE)
}

/// How to repeat what has become safe to repeat by a request id. The config cannot say so, as it does not see requests;
/// all its policies are the same, and this is one of them.
pub(crate) fn retry_with_request_id() -> Option<&'static RetryPolicy> {
    rules_of(Method::GetMerchant).retry.as_ref()
}

/// Read once. The tests make sure that the file can be read and has every method.
static PUBLISHED: LazyLock<Vec<Rules>> = LazyLock::new(|| {
    let config: ServiceConfig = serde_json::from_str(SERVICE_CONFIG).unwrap_or_default();
    Method::ALL.iter().map(|method| config.rules_of(method.path())).collect()
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
    #[serde(default, deserialize_with = "some_length")]
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
    fn rules_of(&self, path: &str) -> Rules {
        let is_it = |name: &Name| name.path() == path;
        let found = self.method_config.iter().find(|config| config.name.iter().any(is_it));
        found
            .map(|config| Rules { timeout: config.timeout, retry: config.retry_policy.clone() })
            .unwrap_or_default()
    }
}

impl Name {
    fn path(&self) -> String {
        format!("/{}/{}", self.service, self.method)
    }
}

/// A google.protobuf.Duration in JSON, such as `0.1s`.
fn length<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(from)?;
    let seconds = text.strip_suffix('s').and_then(|number| number.parse().ok());
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| D::Error::custom(format!("{text} is not a length of time such as 0.1s")))
}

fn some_length<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    length(from).map(Some)
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

    /// What the contract itself says of each method: its path, whether either side streams, and whether its request
    /// has a request id.
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
    fn every_method_of_the_contract_is_known_once_to_the_config_and_to_the_client() {
        let contract: Vec<String> = contract().into_keys().collect();
        assert!(contract.len() >= 19, "the descriptors are those of the whole contract");
        let names = published().method_config.into_iter().flat_map(|config| config.name);
        let mut configured: Vec<String> = names.map(|name| name.path()).collect();
        configured.sort();
        assert_eq!(configured, contract);
        let mut called: Vec<String> = Method::ALL.iter().map(|method| method.path().to_owned()).collect();
        called.sort();
        assert_eq!(called, contract);
    }

    #[test]
    fn only_reads_without_streams_are_repeated_by_config() {
        let contract = contract();
        for config in published().method_config {
            for name in config.name {
                let (streams, writes) = contract[&name.path()];
                let reads = ["Get", "BatchGet", "List", "Search", "BatchSearch"];
                let is_read = reads.iter().any(|verb| name.method.starts_with(verb));
                assert_eq!(is_read, !streams && !writes, "{} is a read by its name", name.method);
                assert_eq!(config.retry_policy.is_some(), is_read, "{}", name.method);
            }
        }
    }

    #[test]
    fn all_but_endless_streams_have_a_deadline() {
        for method in Method::ALL {
            let streams = contract()[method.path()].0 && *method != Method::ImportMerchants;
            assert_eq!(rules_of(*method).timeout.is_none(), streams, "{method:?}");
        }
        assert_eq!(rules_of(Method::SearchNearby).timeout, Some(Duration::from_secs(5)));
        assert_eq!(rules_of(Method::ImportMerchants).timeout, Some(Duration::from_secs(60)));
    }

    #[test]
    fn there_is_one_way_to_repeat() {
        let policies: Vec<_> =
            published().method_config.into_iter().filter_map(|config| config.retry_policy).collect();
        assert!(policies.iter().all(|policy| Some(policy) == retry_with_request_id()));
        let policy = retry_with_request_id().unwrap();
        assert_eq!((policy.max_attempts, policy.retryable_status_codes.len()), (4, 1));
        assert_eq!(policy.initial_backoff, Duration::from_millis(100));
        assert!(policy.initial_backoff <= policy.max_backoff && policy.backoff_multiplier >= 1.0);
    }

    #[test]
    fn another_code_to_repeat_on_is_refused() {
        let other = SERVICE_CONFIG.replace("UNAVAILABLE", "INTERNAL");
        assert!(serde_json::from_str::<ServiceConfig>(&other).is_err());
    }
}
