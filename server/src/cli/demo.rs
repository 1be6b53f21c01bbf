//! `nearby demo`: serves about a thousand real places in the centre of Helsinki, and searches them.

use std::{
    io::{self, Cursor},
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use clap::Args;

use super::{exit_code::CliError, import::import, search, serve::stop, target::Target, terminal};
use crate::{
    app::{
        Progress, ServerHandle,
        error::StartError,
        signals::{SignalAction, Signals},
    },
    config::{ServerArgs, Setting, Settings},
    formats::{DatumArg, FileFormat, HoursConverter, Input, ReadOptions},
};

#[derive(Args, Debug)]
pub(super) struct DemoArgs {
    /// Directory of the demo's store [default: nearby-demo]; ignored with --once, which uses a temporary one
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,

    /// Address and port to serve gRPC on [default: 127.0.0.1:50051, or a free port if that is in use]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,

    /// Address and port to serve the page and JSON on [default: 127.0.0.1:8080, or a free port if that is in use]
    #[arg(long, value_name = "ADDRESS")]
    http_listen: Option<SocketAddr>,

    /// Run one search on a free port and exit
    #[arg(long)]
    once: bool,

    /// Print each result as one line of JSON
    #[arg(long)]
    json: bool,
}

/// OpenStreetMap data, © OpenStreetMap contributors, under the ODbL 1.0; see `server/data/README.md`.
const SAMPLE: &[u8] = include_bytes!("../../data/helsinki.csv");

/// Helsinki Central railway station.
const ORIGIN: (f64, f64) = (60.1719, 24.9414);
/// Radius in metres with which the page opens.
const START_RADIUS_M: f64 = 500.0;
const PORT: u16 = 50_051;
const HTTP_PORT: u16 = 8_080;

pub(super) async fn run(args: DemoArgs) -> Result<(), CliError> {
    let temporary = args
        .once
        .then(|| TempDirectory(std::env::temp_dir().join(format!("nearby-demo-{}", std::process::id()))));
    // With --once, the demo must not depend on the store of another demo that is running.
    let data_dir = match (&temporary, args.data_dir) {
        (Some(temporary), _) => temporary.0.clone(),
        (None, Some(directory)) => directory,
        (None, None) => PathBuf::from("nearby-demo"),
    };
    // A thousand places need little space: the demo should also run on a nearly full disk.
    let settings = ServerArgs {
        data_dir: Some(data_dir),
        reflection: Some(true),
        min_free_disk_mib: Some(64),
        listen: Some(address(args.listen, args.once, PORT)),
        http_listen: (!args.once).then(|| address(args.http_listen, false, HTTP_PORT)),
        ..Default::default()
    };
    let mut settings = settings.settings(None)?;
    settings.open_page_at(ORIGIN, START_RADIUS_M);
    let mut signals = Signals::listen()?;
    let server = start(settings, (args.listen.is_none(), args.http_listen.is_none())).await?;
    let shown = show(&server, args.json, !args.once).await;
    match shown {
        Ok(()) if args.once => server.stop().await.map_err(CliError::from),
        // Without SIGHUP, which a terminal sends when it closes: the demo belongs to its terminal.
        Ok(()) => match signals.received().await {
            SignalAction::Stop { signal } => stop(server, signal).await,
            SignalAction::Reload => stop(server, "SIGHUP").await,
        },
        Err(error) => {
            // The first error is the one to report.
            drop(server.stop().await);
            Err(error)
        }
    }
}

fn address(given: Option<SocketAddr>, is_any_port: bool, port: u16) -> String {
    let default = SocketAddr::from((Ipv4Addr::LOCALHOST, if is_any_port { 0 } else { port }));
    given.unwrap_or(default).to_string()
}

/// Starts a server. Takes free ports in place of default ones that are in use.
async fn start(
    mut settings: Settings,
    (has_default_listen, has_default_http): (bool, bool),
) -> Result<ServerHandle, CliError> {
    loop {
        match ServerHandle::start(&settings, Progress::to_log(), None).await {
            Err(StartError::Listen { source, address, .. })
                if source.kind() == io::ErrorKind::AddrInUse && address.port() != 0 =>
            {
                let http = settings.http.as_mut().filter(|http| has_default_http && http.listen == address);
                if let Some(http) = http {
                    http.listen.set_port(0);
                } else if has_default_listen && settings.listen == address {
                    settings.listen.set_port(0);
                } else {
                    return Err(StartError::Listen { source, address, setting: Setting("listen") }.into());
                }
            }
            started => return Ok(started?),
        }
    }
}

async fn show(server: &ServerHandle, json: bool, keeps_serving: bool) -> Result<(), CliError> {
    let target = Target::of_server(server).await?;
    // An earlier demo may have been stopped during the import.
    if server.merchants_at_start() < sample_rows() {
        let input =
            Input::read(Cursor::new(SAMPLE), &ReadOptions::new(FileFormat::Csv, HoursConverter::default()))?;
        let report = import(&target, input, &std::env::temp_dir().join("nearby-demo")).await?;
        terminal::err(format!(
            "Sample of Helsinki, © OpenStreetMap contributors, ODbL 1.0: {}",
            report.to_text()
        ));
    }
    let request = search::around(ORIGIN.0, ORIGIN.1, DatumArg::Wgs84);
    let each_page = |results: &[_]| if json { search::print_json(results) } else { Ok(()) };
    let found = search::page_through(&target, request, 10, each_page).await?;
    if !json {
        terminal::out("\nThe ten places nearest to Helsinki Central railway station:\n")?;
        search::show(&found)?;
    }
    if keeps_serving && let (Some(address), Some(http_address)) = (server.address(), server.http_address()) {
        terminal::err(next_steps(address, http_address));
        if cfg!(debug_assertions) {
            terminal::err(
                "This is a development build. Build with --release to measure latency or throughput.\n",
            );
        }
    }
    Ok(())
}

/// Number of rows of the sample, without its header.
fn sample_rows() -> usize {
    SAMPLE.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count() - 1
}

/// A directory that is removed on drop.
struct TempDirectory(PathBuf);

impl Drop for TempDirectory {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

fn next_steps(address: SocketAddr, http_address: SocketAddr) -> String {
    let (latitude, longitude) = ORIGIN;
    format!(
        r#"
Serving on {address} until Ctrl-C. The page with the map: http://{http_address}/

Run a search from another terminal:

  cargo nearby search --server http://{address} --at {latitude},{longitude} --radius 300

  grpcurl -plaintext -d '{{"origin": {{"latitude": {latitude}, "longitude": {longitude}, "coordinate_system": "COORDINATE_SYSTEM_WGS84"}}}}' \
    {address} nearby.v1.NearbyService/SearchNearby

  python3 server/examples/search.py {address} {latitude} {longitude}     (pip install grpcio grpcio-tools)

"#
    )
}
