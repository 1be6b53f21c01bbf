//! The error of a call to a method that does not exist.

use tonic::{Code, Status};

use super::{
    method::{METHODS, Method},
    status::with_reason,
};
use crate::reason;

const HEALTH_SERVICE: &str = "grpc.health.v1.Health";
/// Older tools know only v1alpha.
const REFLECTION_SERVICES: [&str; 2] =
    ["grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"];
/// Longest part of a path in the message, which also lists what exists and is bounded.
const MAX_NAME_CHARS: usize = 80;

/// Names what is unknown, and what exists instead.
pub(crate) fn unknown_method(path: &str, has_reflection: bool) -> Status {
    let message = match path.trim_start_matches('/').split_once('/') {
        Some((service, _)) if !has_reflection && REFLECTION_SERVICES.contains(&service) => {
            "server reflection is disabled: give the tool the proto files, or start the server with --reflection"
                .to_owned()
        }
        Some((service, method)) => match methods_of(service) {
            Some(methods) => {
                let method = shortened(method);
                format!("unknown method `{method}` of {service}; its methods are {}", methods.join(", "))
            }
            None => {
                let services = services(has_reflection).join(", ");
                format!("unknown service `{}`; the services of this server are {services}", shortened(service))
            }
        },
        None => {
            let services = services(has_reflection).join(", ");
            format!("`{}` is no path of a method: expected /SERVICE/METHOD, of {services}", shortened(path))
        }
    };
    with_reason(Code::Unimplemented, reason::METHOD_UNKNOWN, &message)
}

fn methods_of(service: &str) -> Option<Vec<&'static str>> {
    if service == HEALTH_SERVICE {
        return Some(vec!["Check", "Watch"]);
    }
    if REFLECTION_SERVICES.contains(&service) {
        return Some(vec!["ServerReflectionInfo"]);
    }
    let methods = METHODS.iter().filter(|method| method.service() == service);
    let names: Vec<_> = methods.map(Method::name).collect();
    (!names.is_empty()).then_some(names)
}

fn services(has_reflection: bool) -> Vec<&'static str> {
    let mut services: Vec<_> = METHODS.iter().map(Method::service).collect();
    services.dedup();
    services.push(HEALTH_SERVICE);
    if has_reflection {
        services.extend(REFLECTION_SERVICES);
    }
    services
}

fn shortened(name: &str) -> String {
    name.chars().take(MAX_NAME_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_names_what_is_unknown_and_what_exists() {
        for (path, has_reflection, parts) in [
            (
                "/nearby.v1.NearbyService/SearchEverywhere",
                false,
                &["unknown method `SearchEverywhere`", "SearchNearby, BatchSearchNearby", "GetDensity"][..],
            ),
            ("/nearby.v1.MerchantService/X", false, &["BackUpMerchants", "GetMerchant"]),
            (
                "/nearby.v2.NearbyService/SearchNearby",
                false,
                &[
                    "unknown service `nearby.v2.NearbyService`",
                    "nearby.v1.NearbyService, nearby.v1.MerchantService, nearby.v1.ClusterService, grpc.health.v1.Health",
                ],
            ),
            ("/a.B/C", true, &["grpc.reflection.v1.ServerReflection"]),
            ("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", false, &["--reflection"]),
            ("/grpc.reflection.v1.ServerReflection/X", true, &["its methods are ServerReflectionInfo"]),
            ("/grpc.health.v1.Health/List", false, &["unknown method `List`", "Check, Watch"]),
            ("/", false, &["`/` is no path of a method"]),
            ("search", false, &["expected /SERVICE/METHOD"]),
        ] {
            let status = unknown_method(path, has_reflection);
            assert_eq!(status.code(), Code::Unimplemented);
            for part in parts {
                assert!(status.message().contains(part), "{path}: {}", status.message());
            }
        }
        let long = unknown_method(&format!("/{}/x", "é".repeat(4_000)), true);
        assert!(long.message().contains("nearby.v1.MerchantService"), "{}", long.message());
    }
}
