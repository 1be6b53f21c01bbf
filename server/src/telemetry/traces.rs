//! Traces: one span per call, exported to an OpenTelemetry collector (OTLP over gRPC).
//!
//! A span has the method, the status code and the duration of a call, and is a child of the client's span if the call has one (W3C
//! Trace Context). It contains neither the request nor the response. The client's sampling decision applies; of calls without one,
//! a fraction is traced.

use std::fmt;

use opentelemetry::{
    KeyValue,
    propagation::{Extractor, TextMapPropagator},
    trace::{Span as _, SpanKind, Status, Tracer, TracerProvider},
};
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::{
    Resource,
    propagation::TraceContextPropagator,
    trace::{Sampler, SdkTracer, SdkTracerProvider, Span},
};

/// Destination and sampling of spans.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceSettings {
    /// URL of the collector, such as `http://127.0.0.1:4317`.
    pub endpoint: String,
    /// Fraction of the calls without a sampling decision that is traced, from 0 to 1.
    pub ratio: f64,
}

/// Creates and exports spans. Clones share the exporter.
#[derive(Clone)]
pub(crate) struct Traces {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Traces")
    }
}

impl Traces {
    /// Starts the exporter. While the collector is unavailable, spans are dropped.
    ///
    /// # Errors
    /// The reason, when the endpoint is not a valid URL.
    pub(crate) fn start(settings: &TraceSettings) -> Result<Self, String> {
        let exporter = SpanExporter::builder().with_tonic().with_endpoint(&settings.endpoint).build();
        let exporter = exporter.map_err(|error| error.to_string())?;
        let resource = Resource::builder()
            .with_service_name("nearby")
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(settings.ratio)));
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource)
            .with_sampler(sampler)
            .build();
        Ok(Self { tracer: provider.tracer("nearby"), provider })
    }

    /// Starts the span of a call.
    pub(crate) fn begin(
        &self,
        headers: &dyn Extractor,
        service: &'static str,
        method: &'static str,
    ) -> CallSpan {
        let parent = TraceContextPropagator::new().extract(headers);
        let span = (self.tracer.span_builder(format!("{service}/{method}")))
            .with_kind(SpanKind::Server)
            .with_attributes([
                KeyValue::new("rpc.system", "grpc"),
                KeyValue::new("rpc.service", service),
                KeyValue::new("rpc.method", method),
            ]);
        CallSpan(self.tracer.build_with_context(span, &parent))
    }

    /// Exports the remaining spans. Blocks for a few seconds at most.
    pub(crate) fn stop(&self) {
        if let Err(error) = self.provider.shutdown() {
            tracing::debug!(%error, "cannot export the remaining spans");
        }
    }
}

/// The span of a call; not recorded if the call is not sampled.
#[derive(Debug)]
pub(crate) struct CallSpan(Span);

impl CallSpan {
    /// Ends the span with the number of a gRPC status code.
    pub(crate) fn end(mut self, code: usize) {
        /// Server errors by OpenTelemetry's semantic conventions for gRPC: UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL,
        /// UNAVAILABLE, DATA_LOSS.
        const SERVER_ERRORS: [usize; 6] = [2, 4, 12, 13, 14, 15];
        let number = i64::try_from(code).unwrap_or_default();
        self.0.set_attribute(KeyValue::new("rpc.grpc.status_code", number));
        if SERVER_ERRORS.contains(&code) {
            self.0.set_status(Status::error(""));
        }
        self.0.end();
    }
}
