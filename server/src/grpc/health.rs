//! `grpc.health.v1`.

use tonic_health::{
    ServingStatus,
    pb::health_server::{Health as HealthService, HealthServer},
    server::HealthReporter,
};

/// The health of the server as a whole (the empty name) and of its two services.
#[derive(Clone, Debug)]
pub(crate) struct Health {
    reporter: HealthReporter,
}

const NEARBY_SERVICE: &str = "nearby.v1.NearbyService";
const MERCHANT_SERVICE: &str = "nearby.v1.MerchantService";

impl Health {
    /// NOT_SERVING, and the service that reports it.
    pub(super) async fn new() -> (Self, HealthServer<impl HealthService>) {
        let (reporter, service) = tonic_health::server::health_reporter();
        let health = Self { reporter };
        health.set_all(false).await;
        (health, service)
    }

    /// Sets all services.
    pub(crate) async fn set_all(&self, is_serving: bool) {
        for service in ["", NEARBY_SERVICE, MERCHANT_SERVICE] {
            self.set(service, is_serving).await;
        }
    }

    /// Sets whether merchants can be changed; searches are served either way.
    pub(crate) async fn set_writable(&self, is_writable: bool) {
        self.set(MERCHANT_SERVICE, is_writable).await;
    }

    /// Sets whether a node of a cluster is close enough to the end of the log to serve searches.
    pub(crate) async fn set_current(&self, is_current: bool) {
        for service in ["", NEARBY_SERVICE] {
            self.set(service, is_current).await;
        }
    }

    async fn set(&self, service: &str, is_serving: bool) {
        let status = if is_serving { ServingStatus::Serving } else { ServingStatus::NotServing };
        self.reporter.set_service_status(service, status).await;
    }
}
