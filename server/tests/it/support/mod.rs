//! Servers to test against: the real binary as a process of its own, on a free port and in a directory of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    time::{Duration, Instant},
};

use geographiclib_rs::{Geodesic, InverseGeodesic};
use nearby_proto::v1::{
    self as wire, merchant_service_client::MerchantServiceClient, nearby_service_client::NearbyServiceClient,
};
use tempfile::TempDir;
use tonic::transport::{Channel, ClientTlsConfig};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

/// How long anything may take before a test gives up. Generous: a busy machine is no failure.
const PATIENCE: Duration = Duration::from_secs(60);

/// The binary, ready for arguments; the environment cannot change what it does, nor a disk that is nearly full.
pub(crate) fn nearby() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nearby"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("NEARBY_")) {
        command.env_remove(name);
    }
    command.env("NEARBY_DISK_FLOOR_MIB", "16");
    command.stdin(Stdio::null());
    command
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    println!("{command:?}: {}", output.status);
    output
}

/// A server that is killed when the test lets go of it.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
    pub(crate) log: PathBuf,
    pub(crate) data_dir: PathBuf,
    /// What the server is known by, over TLS, and who calls it.
    tls: Option<ClientTlsConfig>,
    _directory: Option<TempDir>,
}

impl Server {
    /// A fresh server with nothing in it.
    pub(crate) async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let data_dir = directory.path().join("data");
        let mut server = Self::start_on(&data_dir, &[]).await;
        server._directory = Some(directory);
        server
    }

    /// A server on a directory, with further flags; returns once its health says that it serves.
    pub(crate) async fn start_on(data_dir: &Path, flags: &[&str]) -> Self {
        Self::start_over(None, data_dir, flags).await
    }

    /// The same, called over TLS.
    pub(crate) async fn start_over(tls: Option<ClientTlsConfig>, data_dir: &Path, flags: &[&str]) -> Self {
        let beside = |name: &str| data_dir.with_file_name(name);
        let (address_file, log) = (beside("address"), beside("log"));
        drop(fs::remove_file(&address_file));
        let child = nearby()
            .args(["--log", "trace", "serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(data_dir)
            .arg("--address-file")
            .arg(&address_file)
            .args(flags)
            .stderr(fs::OpenOptions::new().create(true).append(true).open(&log).unwrap())
            .spawn()
            .unwrap();
        let start = Instant::now();
        let mut server =
            Self { child, url: String::new(), log, data_dir: data_dir.to_owned(), tls, _directory: None };
        let address = loop {
            if let Ok(address) = fs::read_to_string(&address_file) {
                break address.trim().to_owned();
            }
            assert_eq!(
                server.child.try_wait().unwrap(),
                None,
                "{}",
                fs::read_to_string(&server.log).unwrap()
            );
            assert!(start.elapsed() < PATIENCE, "no address");
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        server.url = match server.tls {
            Some(_) => address.replace("127.0.0.1", "https://localhost"),
            None => format!("http://{address}"),
        };
        while !server.is_serving().await {
            assert!(start.elapsed() < PATIENCE, "never serving");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        server
    }

    pub(crate) async fn channel(&self) -> Channel {
        let endpoint = Channel::from_shared(self.url.clone()).unwrap();
        let endpoint = match &self.tls {
            Some(tls) => endpoint.tls_config(tls.clone()).unwrap(),
            None => endpoint,
        };
        endpoint.connect().await.unwrap()
    }

    async fn is_serving(&self) -> bool {
        self.health_of("").await
    }

    /// Whether its health says that merchants can be changed.
    pub(crate) async fn is_taking_changes(&self) -> bool {
        self.health_of("nearby.v1.MerchantService").await
    }

    async fn health_of(&self, service: &str) -> bool {
        let request = HealthCheckRequest { service: service.to_owned() };
        let status = HealthClient::new(self.channel().await).check(request).await.unwrap().into_inner();
        status.status() == ServingStatus::Serving
    }

    pub(crate) async fn searches(&self) -> NearbyServiceClient<Channel> {
        NearbyServiceClient::new(self.channel().await)
    }

    pub(crate) async fn merchants(&self) -> MerchantServiceClient<Channel> {
        MerchantServiceClient::new(self.channel().await)
    }

    /// As the power going off for this process alone.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// As an operator stops it.
    pub(crate) fn terminate(mut self) -> ExitStatus {
        let status = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
        self.child.wait().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

pub(crate) fn position(latitude: f64, longitude: f64) -> wire::Position {
    wire::Position {
        latitude,
        longitude,
        coordinate_system: wire::CoordinateSystem::Wgs84.into(),
        accuracy_m: None,
    }
}

pub(crate) fn merchant(id: &str, latitude: f64, longitude: f64) -> wire::Merchant {
    wire::Merchant {
        name: format!("merchants/{id}"),
        display_name: format!("Shop {id}"),
        position: Some(position(latitude, longitude)),
        ..Default::default()
    }
}

pub(crate) fn search(latitude: f64, longitude: f64) -> wire::SearchNearbyRequest {
    wire::SearchNearbyRequest { origin: Some(position(latitude, longitude)), ..Default::default() }
}

/// All pages of a search.
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

/// Ids of all merchants, page by page.
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

/// Distance and id of each result.
pub(crate) fn ranking(results: &[wire::NearbyResult]) -> Vec<(f64, String)> {
    results
        .iter()
        .map(|result| {
            let name = &result.merchant.as_ref().unwrap().name;
            (result.distance_m, name.strip_prefix("merchants/").unwrap().to_owned())
        })
        .collect()
}

pub(crate) fn geodesic_m(from: (f64, f64), to: (f64, f64)) -> f64 {
    Geodesic::wgs84().inverse(from.0, from.1, to.0, to.1)
}

/// The linear scan: everything within a radius, by geodesic distance and then by id.
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

/// The search must give the scan's merchants with the scan's distances to 1e-5 m, ranked by distance and then by id;
/// where the scan itself can tell two distances apart, in its order.
pub(crate) fn assert_is_scan(found: &[(f64, String)], scan: &[(f64, String)]) {
    const TOLERANCE_M: f64 = 1e-5;
    assert_eq!(found.len(), scan.len());
    for pair in found.windows(2) {
        assert!((pair[0].0, &pair[0].1) < (pair[1].0, &pair[1].1), "{pair:?}");
    }
    let true_m: std::collections::HashMap<&str, f64> = scan.iter().map(|(m, id)| (id.as_str(), *m)).collect();
    for ((distance_m, id), (scan_m, scan_id)) in found.iter().zip(scan) {
        let geodesic_m = true_m.get(id.as_str()).unwrap_or_else(|| panic!("{id} is not within the radius"));
        assert!((distance_m - geodesic_m).abs() <= TOLERANCE_M, "{id}: {distance_m}, geodesic {geodesic_m}");
        assert!(
            id == scan_id || (geodesic_m - scan_m).abs() <= 2.0 * TOLERANCE_M,
            "{id} in place of {scan_id}"
        );
    }
}
