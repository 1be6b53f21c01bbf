//! The gRPC services behind their layers.

use std::{sync::Arc, time::Duration};

use nearby_proto::{
    DESCRIPTORS,
    server::{
        cluster_service_server::ClusterServiceServer, merchant_service_server::MerchantServiceServer,
        nearby_service_server::NearbyServiceServer,
    },
};
use tonic::service::Routes;
use tower::ServiceBuilder;

use super::{
    cluster_service::ClusterServiceImpl,
    health::Health,
    merchant_service::MerchantServiceImpl,
    method::MAX_MESSAGE_BYTES,
    middleware::{
        GrpcService,
        audit::Audit,
        auth::{Auth, AuthContext},
        catch_panic::CatchPanic,
        deadline::EnforceDeadline,
        error_details::ErrorDetails,
        load_shed::LoadShed,
        metrics::CallMetrics,
        middleware,
        rate_limit::RateLimit,
        request_setup::request_setup,
        require_grpc::RequireGrpc,
        return_cost::ReturnCost,
        revision::Revisions,
    },
    nearby_service::{NearbyServiceImpl, SearchSettings},
};
use crate::{
    auth::audit_log::AuditLog,
    clock::Clock,
    net::{RequestService, in_flight::InFlight, request_body::RequestBody},
    overload::principal_limits::PrincipalLimits,
    overload::work_queue::WorkQueue,
    service::ServiceHandle,
    telemetry::{metrics::Metrics, traces::Traces},
};

/// The parts of the gRPC server.
pub(crate) struct GrpcServer {
    pub(crate) handle: ServiceHandle,
    pub(crate) searches: SearchSettings,
    pub(crate) principal_limits: PrincipalLimits,
    pub(crate) watch_send_timeout: Duration,
    pub(crate) clock: Clock,
    pub(crate) reflection: bool,
    pub(crate) in_flight: InFlight,
    pub(crate) auth: AuthContext,
    pub(crate) audit_log: Option<AuditLog>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) traces: Option<Traces>,
    /// Duration from which a search is logged as slow.
    pub(crate) slow_search: Option<Duration>,
}

impl GrpcServer {
    /// Builds the services, whose requests [`over_grpc`] prepares, and their health, which is NOT_SERVING until it is set.
    ///
    /// # Errors
    /// When a descriptor set for reflection cannot be decoded, which a test excludes.
    pub(crate) async fn build(
        self,
    ) -> Result<(impl GrpcService + Sync + use<>, Health), tonic_reflection::server::Error> {
        let work_queue = WorkQueue::new(self.principal_limits.clone(), Arc::clone(&self.metrics));
        let call_metrics = CallMetrics::new(self.in_flight.clone(), &self.metrics, self.traces.clone());
        let rate_limit = RateLimit(Arc::clone(&self.metrics));
        let audit = Audit { log: self.audit_log.clone(), clock: Arc::clone(&self.clock) };
        let (routes, health) = routes(&self).await?;

        // Every layer inside `request_setup`, the outermost first.
        let service = ServiceBuilder::new()
            // Outside the metrics: what it rejects is no call.
            .layer(middleware(RequireGrpc))
            // Counts what the client sees, so outside all layers that change a response.
            .layer(middleware(call_metrics))
            // Outside all layers that make or replace an error, which also gets the trailer.
            .layer(middleware(ReturnCost))
            // Also completes the errors of the layers inside it.
            .layer(middleware(ErrorDetails { has_reflection: self.reflection }))
            // Outside all layers whose code could panic, but inside the metrics, which count the INTERNAL.
            .layer(middleware(CatchPanic))
            // Covers the time in the queue, too, and hands the deadline to the layers inside it.
            .layer(middleware(EnforceDeadline))
            // Before load shedding, which must know the principal. It is cheap: tokens that were verified are cached.
            .layer(middleware(Auth(Arc::new(self.auth))))
            // Inside authentication: only those who may call may wait. Outside load shedding: a call that waits holds nothing there.
            .layer(middleware(Revisions::new(self.handle.clone())))
            // Every layer inside it runs when it is the turn of the principal. Its rejections cost less than a response.
            .layer(middleware(LoadShed(work_queue)))
            // Calls that load shedding rejects are not charged.
            .layer(middleware(rate_limit))
            // Innermost: calls that load shedding or a rate limit rejects are not written to the audit log.
            .layer(middleware(audit))
            .service(routes.prepare());
        Ok((service, health))
    }
}

/// Serves the requests of connections with the services: the outermost layer.
pub(crate) fn over_grpc(service: impl GrpcService) -> impl RequestService {
    // Every other layer reads the route, and the message limits apply to each byte that is read.
    ServiceBuilder::new().map_request(request_setup::<RequestBody>).service(service)
}

/// The services of the contract, health checks, and reflection if it is enabled.
async fn routes(server: &GrpcServer) -> Result<(Routes, Health), tonic_reflection::server::Error> {
    let searches = NearbyServiceImpl {
        handle: server.handle.clone(),
        settings: server.searches,
        watch_send_timeout: server.watch_send_timeout,
        clock: Arc::clone(&server.clock),
        metrics: Arc::clone(&server.metrics),
        slow: server.slow_search,
    };
    let merchants = MerchantServiceImpl {
        handle: server.handle.clone(),
        watch_send_timeout: server.watch_send_timeout,
        exposes_internal: server.searches.shows_internal,
        clock: Arc::clone(&server.clock),
    };
    let (health, health_service) = Health::new().await;
    let mut routes = Routes::new(health_service)
        .add_service(NearbyServiceServer::new(searches).max_decoding_message_size(MAX_MESSAGE_BYTES))
        .add_service(MerchantServiceServer::new(merchants).max_decoding_message_size(MAX_MESSAGE_BYTES))
        .add_service(ClusterServiceServer::new(ClusterServiceImpl { handle: server.handle.clone() }));
    if server.reflection {
        let reflection = || {
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(DESCRIPTORS)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        };
        // Older tools know only v1alpha.
        routes = routes.add_service(reflection().build_v1()?).add_service(reflection().build_v1alpha()?);
    }
    Ok((routes, health))
}
