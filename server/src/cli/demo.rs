//! `nearby demo`: a thousand real places in the centre of Helsinki, served and searched.

use std::{
    io::{self, Cursor},
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use clap::Args;

use super::{exit_code::CliError, import::import, search, serve::serve_until, target::Target, terminal};
use crate::{
    app::{Progress, ServerHandle, error::StartError, signals::Signals},
    config::{ServerArgs, Settings},
    formats::{DatumArg, FileFormat, Input},
};

#[derive(Args, Debug)]
pub(super) struct DemoArgs {
    /// Directory to keep the sample in [default: nearby-demo]; with --once it is a temporary one always
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,

    /// Answer the one search on a free port and exit
    #[arg(long)]
    once: bool,

    /// Print the results as lines of JSON
    #[arg(long)]
    json: bool,
}

/// OpenStreetMap data, © OpenStreetMap contributors, under the ODbL 1.0: see the notice beside it.
const SAMPLE: &[u8] = include_bytes!("../../data/helsinki.csv");

/// Helsinki Central railway station.
const ORIGIN: (f64, f64) = (60.1719, 24.9414);
const PORT: u16 = 50_051;

pub(super) async fn run(args: DemoArgs) -> Result<(), CliError> {
    let temporary = args
        .once
        .then(|| Temporary(std::env::temp_dir().join(format!("nearby-demo-{}", std::process::id()))));
    // One search on the side must not wait for a demo that runs.
    let data_dir = match (&temporary, args.data_dir) {
        (Some(temporary), _) => temporary.0.clone(),
        (None, Some(directory)) => directory,
        (None, None) => PathBuf::from("nearby-demo"),
    };
    // A thousand places need little room, and whoever tries it should not have to tidy a disk first.
    let settings = ServerArgs {
        data_dir: Some(data_dir),
        reflection: Some(true),
        min_free_disk_mib: Some(64),
        ..Default::default()
    };
    let mut settings = settings.settings(None)?;
    let signals = Signals::listen()?;
    let running = start(&mut settings, args.once).await?;
    let shown = show(&running, args.json, !args.once).await;
    match shown {
        Ok(()) if args.once => running.stop().await.map_err(CliError::from),
        Ok(()) => serve_until(signals, running).await,
        Err(error) => {
            // The fault that is being reported comes first.
            drop(running.stop().await);
            Err(error)
        }
    }
}

/// On the usual port, or on a free one where that is taken.
async fn start(settings: &mut Settings, once: bool) -> Result<ServerHandle, CliError> {
    let on = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    settings.listen = on(if once { 0 } else { PORT });
    match ServerHandle::start(settings, Progress::to_log(), None).await {
        Err(StartError::Listen { source, .. }) if source.kind() == io::ErrorKind::AddrInUse => {
            settings.listen = on(0);
            Ok(ServerHandle::start(settings, Progress::to_log(), None).await?)
        }
        started => Ok(started?),
    }
}

async fn show(running: &ServerHandle, json: bool, keeps_serving: bool) -> Result<(), CliError> {
    let target = Target::of_running(running).await?;
    // An earlier demo may have been stopped in the middle of this.
    if running.merchants_at_start() < sample_rows() {
        let input = Input::read(Cursor::new(SAMPLE), None, FileFormat::Csv, None)?;
        let rejected = std::env::temp_dir().join("nearby-demo.rejected.csv");
        let report = import(&target, input, false, &rejected).await?;
        terminal::err(format!(
            "Sample of Helsinki, © OpenStreetMap contributors, ODbL 1.0: {}",
            report.to_text()
        ));
    }
    let request = search::around(ORIGIN.0, ORIGIN.1, DatumArg::Wgs84);
    let each_page = |results: &[_]| if json { search::print_json(results) } else { Ok(()) };
    let found = search::page_through(&target, request, 10, each_page).await?;
    if !json {
        terminal::out("\nThe ten nearest to Helsinki Central railway station:\n")?;
        search::show(&found)?;
    }
    if keeps_serving && let Some(address) = running.address() {
        terminal::err(how_to_ask(address));
    }
    Ok(())
}

/// Lines of the sample without its header.
fn sample_rows() -> usize {
    SAMPLE.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count() - 1
}

/// A directory that goes when this does.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

fn how_to_ask(address: SocketAddr) -> String {
    let (latitude, longitude) = ORIGIN;
    format!(
        r#"
Serving on {address} until Ctrl-C. Ask it yourself, from another terminal:

  cargo nearby search --server http://{address} --at {latitude},{longitude} --radius 300

  grpcurl -plaintext -d '{{"origin": {{"latitude": {latitude}, "longitude": {longitude}, "coordinate_system": "COORDINATE_SYSTEM_WGS84"}}}}' \
    {address} nearby.v1.NearbyService/SearchNearby

  python3 server/examples/search.py {address} {latitude} {longitude}     (pip install grpcio grpcio-tools)

"#
    )
}
