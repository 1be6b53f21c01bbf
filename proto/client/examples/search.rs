//! Prints the ten merchants nearest to a point.
//!
//! ```sh
//! cargo run -p nearby-client --example search -- 127.0.0.1:50051 60.1719 24.9414
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line program")]

use std::{env, error::Error, process::ExitCode, time::Duration};

use nearby_client::{
    Client, ClientError, Code,
    v1::{CoordinateSystem, Position, SearchNearbyRequest},
};

#[tokio::main]
async fn main() -> ExitCode {
    let Err(error) = search().await else { return ExitCode::SUCCESS };
    match error.downcast_ref::<ClientError>() {
        Some(error) => report(error),
        None => eprintln!("{error}"),
    }
    ExitCode::FAILURE
}

async fn search() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [address, latitude, longitude] = arguments.as_slice() else {
        return Err("usage: search HOST:PORT LAT LON".into());
    };
    let origin = Position {
        latitude: latitude.parse()?,
        longitude: longitude.parse()?,
        // GPS positions are WGS84. There is no default: in China other datums are in use, which differ by hundreds of metres.
        coordinate_system: CoordinateSystem::Wgs84.into(),
        ..Default::default()
    };

    // Overrides the timeout of the service config, which is five seconds for a search.
    let client = Client::connect(address).await?.with_deadline(Duration::from_secs(1));
    let request = SearchNearbyRequest { origin: Some(origin), page_size: 10, ..Default::default() };
    for result in client.search_nearby(request).await?.results {
        let merchant = result.merchant.unwrap_or_default();
        println!("{:8.1} m  {}", result.distance_m, merchant.display_name);
    }
    Ok(())
}

/// Reports an error by its code, which determines the remedy; reason and fields identify the error.
fn report(error: &ClientError) {
    match error.code() {
        Code::InvalidArgument => {
            eprintln!("invalid search:");
            for violation in error.violations() {
                eprintln!("  {}: {} ({})", violation.field, violation.description, violation.reason);
            }
        }
        // The client has already retried.
        Code::Unavailable => eprintln!("server unavailable: {error}"),
        Code::DeadlineExceeded => eprintln!("deadline exceeded: {error}"),
        code => eprintln!("{code:?} {}: {error}", error.reason().unwrap_or_default()),
    }
}
