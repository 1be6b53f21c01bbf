//! Spans of calls, as OpenTelemetry's collectors take them (OTLP over gRPC).
//!
//! A call is one span: its method, how it ended, how long it took, below the caller's span where that is told (W3C Trace
//! Context). What was asked and answered is not in it. Whether a call is traced its caller decides; of those whose caller says
//! nothing a part is.

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

/// Where spans go, and how many.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceSettings {
    /// The collector, such as `http://127.0.0.1:4317`.
    pub endpoint: String,
    /// The part of the calls that is traced where the caller says nothing, from 0 to 1.
    pub ratio: f64,
}

/// Makes spans; shared by its clones.
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
    /// Sends spans from now on; a collector that is not there costs nothing but the spans.
    ///
    /// # Errors
    /// Where the endpoint is no address.
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

    /// A call begins.
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

    /// Sends what is left. Blocks for some seconds at the most.
    pub(crate) fn stop(&self) {
        if let Err(error) = self.provider.shutdown() {
            tracing::debug!(%error, "the last spans were not sent");
        }
    }
}

/// A call that is traced, or not.
#[derive(Debug)]
pub(crate) struct CallSpan(Span);

impl CallSpan {
    /// The call has ended with a code of gRPC, by its number.
    pub(crate) fn end(mut self, code: usize) {
        /// What counts as an error of a server (OpenTelemetry's semantic conventions for gRPC): UNKNOWN, DEADLINE_EXCEEDED,
        /// UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS.
        const FAULTS: [usize; 6] = [2, 4, 12, 13, 14, 15];
        let number = i64::try_from(code).unwrap_or_default();
        self.0.set_attribute(KeyValue::new("rpc.grpc.status_code", number));
        if FAULTS.contains(&code) {
            self.0.set_status(Status::error(""));
        }
        self.0.end();
    }
}
