//! Support for the integration tests: servers to test against, requests, and the linear scan that searches are compared with.

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Output},
    time::{Duration, Instant},
};

use geographiclib_rs::{Geodesic, InverseGeodesic};
use nearby_proto::v1::{
    self as wire, merchant_service_client::MerchantServiceClient, nearby_service_client::NearbyServiceClient,
};
pub(crate) use nearby_testkit::flags;
use nearby_testkit::{ProcessGroup, ServerCommand, ServerProcess};
use tempfile::TempDir;
use tonic::transport::{Channel, ClientTlsConfig};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

/// Time limit for anything that a test waits for. Generous, so that a busy machine is not a failure.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(60);

/// Polling interval of conditions.
const POLL: Duration = Duration::from_millis(5);

pub(crate) const NEARBY: &str = env!("CARGO_BIN_EXE_nearby");

/// Returns a command that runs the binary, independent of the environment of the tests.
pub(crate) fn nearby() -> Command {
    nearby_testkit::command(Path::new(NEARBY))
}

/// Runs a command until it exits.
pub(crate) fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    println!("{command:?}: {}", output.status);
    output
}

/// The output of a command as text.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Waits until a condition holds; fails the test with a message if it does not hold in time.
pub(crate) async fn wait_until(message: &str, condition: impl AsyncFn() -> bool) {
    let start = Instant::now();
    while !condition().await {
        assert!(start.elapsed() < TIMEOUT, "{message}");
        tokio::time::sleep(POLL).await;
    }
}

/// A `nearby serve` process on a free port. Dropping it kills the process.
pub(crate) struct TestServer {
    process: ServerProcess,
    pub(crate) url: String,
    pub(crate) log: PathBuf,
    pub(crate) data_dir: PathBuf,
    /// TLS settings of its clients.
    tls: Option<ClientTlsConfig>,
    /// Dropped after the process.
    _directory: Option<TempDir>,
}

impl TestServer {
    /// Starts a server with an empty store.
    pub(crate) async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut server = Self::start_on(&directory.path().join("data"), &[]).await;
        server._directory = Some(directory);
        server
    }

    /// Starts a server with a data directory and flags; returns when its health status is SERVING.
    pub(crate) async fn start_on(data_dir: &Path, flags: &[&str]) -> Self {
        Self::start_with(None, data_dir, flags).await
    }

    /// Starts a server with TLS. The flags configure the server, `tls` its clients.
    pub(crate) async fn start_with_tls(tls: ClientTlsConfig, data_dir: &Path, flags: &[&str]) -> Self {
        Self::start_with(Some(tls), data_dir, flags).await
    }

    async fn start_with(tls: Option<ClientTlsConfig>, data_dir: &Path, flags: &[&str]) -> Self {
        let command = ServerCommand::new(Path::new(NEARBY), data_dir)
            .args(flags)
            // As a variable, so that a test can set another level by a flag.
            .envs([("NEARBY_LOG", "trace")])
            // The tests handle no signals: Ctrl-C is to end the servers with them.
            .process_group(ProcessGroup::Caller);
        let process = match command.spawn().unwrap().ready(TIMEOUT).await {
            Ok(process) => process,
            Err(error) => panic!("{error}"),
        };
        let url = match tls {
            Some(_) => process.address().replace("127.0.0.1", "https://localhost"),
            None => process.url(),
        };
        let (log, data_dir) = (process.log().to_owned(), data_dir.to_owned());
        let server = Self { process, url, log, data_dir, tls, _directory: None };
        wait_until("the server is never SERVING", async || server.is_serving("").await).await;
        server
    }

    /// Returns the id of the process.
    pub(crate) fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Connects to the server.
    pub(crate) async fn channel(&self) -> Channel {
        let endpoint = Channel::from_shared(self.url.clone()).unwrap();
        let endpoint = match &self.tls {
            Some(tls) => endpoint.tls_config(tls.clone()).unwrap(),
            None => endpoint,
        };
        endpoint.connect().await.unwrap()
    }

    /// Returns `true` if its health status says that changes are accepted.
    pub(crate) async fn is_writable(&self) -> bool {
        self.is_serving("nearby.v1.MerchantService").await
    }

    async fn is_serving(&self, service: &str) -> bool {
        let request = HealthCheckRequest { service: service.to_owned() };
        let response = HealthClient::new(self.channel().await).check(request).await.unwrap().into_inner();
        response.status() == ServingStatus::Serving
    }

    pub(crate) async fn searches(&self) -> NearbyServiceClient<Channel> {
        NearbyServiceClient::new(self.channel().await)
    }

    pub(crate) async fn merchants(&self) -> MerchantServiceClient<Channel> {
        MerchantServiceClient::new(self.channel().await)
    }

    /// Has it reload its files, with SIGHUP.
    pub(crate) fn reload(&self) {
        self.process.reload().unwrap();
    }

    /// Kills the process, as a crash would.
    pub(crate) fn kill(self) {
        self.process.kill().unwrap();
    }

    /// Stops the server with SIGTERM.
    pub(crate) async fn terminate(self) -> ExitStatus {
        self.process.terminate(TIMEOUT).await.unwrap().unwrap_or_else(|| panic!("the server does not stop"))
    }

    /// Stops the server with SIGTERM and blocks the runtime meanwhile, so that open connections of the test make no progress.
    pub(crate) fn terminate_blocking(self) -> ExitStatus {
        self.process
            .terminate_blocking(TIMEOUT)
            .unwrap()
            .unwrap_or_else(|| panic!("the server does not stop"))
    }
}

/// Returns a WGS-84 position.
pub(crate) fn position(latitude: f64, longitude: f64) -> wire::Position {
    wire::Position {
        latitude,
        longitude,
        coordinate_system: wire::CoordinateSystem::Wgs84.into(),
        accuracy_m: None,
    }
}

/// Returns a merchant with a name and a position.
pub(crate) fn merchant(id: &str, latitude: f64, longitude: f64) -> wire::Merchant {
    wire::Merchant {
        name: format!("merchants/{id}"),
        display_name: format!("Shop {id}"),
        position: Some(position(latitude, longitude)),
        ..Default::default()
    }
}

/// Returns a search with default parameters.
pub(crate) fn search(latitude: f64, longitude: f64) -> wire::SearchNearbyRequest {
    wire::SearchNearbyRequest { origin: Some(position(latitude, longitude)), ..Default::default() }
}

/// Returns the results of all pages of a search.
pub(crate) async fn page_through(
    client: &mut NearbyServiceClient<Channel>,
    mut request: wire::SearchNearbyRequest,
) -> Vec<wire::NearbyResult> {
    let mut all = Vec::new();
    loop {
        let page = client.search_nearby(request.clone()).await.unwrap().into_inner();
        all.extend(page.results);
        if page.next_page_token.is_empty() {
            return all;
        }
        request.page_token = page.next_page_token;
    }
}

/// Returns the ids of all merchants, read page by page.
pub(crate) async fn list_ids(client: &mut MerchantServiceClient<Channel>) -> Vec<String> {
    let mut ids = Vec::new();
    let mut request = wire::ListMerchantsRequest { page_size: 1_000, ..Default::default() };
    loop {
        let page = client.list_merchants(request.clone()).await.unwrap().into_inner();
        ids.extend(page.merchants.into_iter().map(|merchant| merchant.name.replace("merchants/", "")));
        if page.next_page_token.is_empty() {
            return ids;
        }
        request.page_token = page.next_page_token;
    }
}

/// Returns the distance and the id of each result.
pub(crate) fn ranking(results: &[wire::NearbyResult]) -> Vec<(f64, String)> {
    results
        .iter()
        .map(|result| {
            let name = &result.merchant.as_ref().unwrap().name;
            (result.distance_m, name.strip_prefix("merchants/").unwrap().to_owned())
        })
        .collect()
}

/// Returns the geodesic distance on WGS-84 in metres, by Karney's algorithm.
pub(crate) fn geodesic_m(from: (f64, f64), to: (f64, f64)) -> f64 {
    Geodesic::wgs84().inverse(from.0, from.1, to.0, to.1)
}

/// Searches by a linear scan: all merchants within a radius, by geodesic distance and then by id.
pub(crate) fn scan(
    merchants: &[(String, (f64, f64))],
    origin: (f64, f64),
    radius_m: f64,
) -> Vec<(f64, String)> {
    let mut near: Vec<_> = merchants
        .iter()
        .map(|(id, at)| (geodesic_m(origin, *at), id.clone()))
        .filter(|(distance_m, _)| *distance_m <= radius_m)
        .collect();
    near.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
    near
}

/// Asserts that a search returned the merchants of the scan, with its distances to 1e-5 m, ranked by distance and then by id. The
/// order may differ from that of the scan where distances differ by less than twice the tolerance.
pub(crate) fn assert_is_scan(found: &[(f64, String)], scan: &[(f64, String)]) {
    const TOLERANCE_M: f64 = 1e-5;
    assert_eq!(found.len(), scan.len());
    for pair in found.windows(2) {
        assert!((pair[0].0, &pair[0].1) < (pair[1].0, &pair[1].1), "{pair:?}");
    }
    let true_m: std::collections::HashMap<&str, f64> = scan.iter().map(|(m, id)| (id.as_str(), *m)).collect();
    for ((distance_m, id), (scan_m, scan_id)) in found.iter().zip(scan) {
        let geodesic_m = true_m.get(id.as_str()).unwrap_or_else(|| panic!("{id} is outside the radius"));
        assert!((distance_m - geodesic_m).abs() <= TOLERANCE_M, "{id}: {distance_m}, geodesic {geodesic_m}");
        assert!(
            id == scan_id || (geodesic_m - scan_m).abs() <= 2.0 * TOLERANCE_M,
            "{id} instead of {scan_id}"
        );
    }
}
