//! Prints the ten merchants nearest to a point.
//!
//! ```sh
//! cargo run -p nearby-client --example search -- 127.0.0.1:50051 60.1719 24.9414
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is a program, and prints")]

use std::{env, error::Error, process::ExitCode, time::Duration};

use nearby_client::{
    Client, ClientError, Code,
    v1::{CoordinateSystem, Position, SearchNearbyRequest},
};

#[tokio::main]
async fn main() -> ExitCode {
    let Err(error) = search().await else { return ExitCode::SUCCESS };
    match error.downcast_ref::<ClientError>() {
        Some(error) => tell(error),
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
        // WGS84 is what GPS gives. There is no default: in China others are in use, hundreds of metres off.
        coordinate_system: CoordinateSystem::Wgs84.into(),
        ..Default::default()
    };

    // Without a deadline of its own a search has that of the service config, five seconds.
    let client = Client::connect(address).await?.with_deadline(Duration::from_secs(1));
    let request = SearchNearbyRequest { origin: Some(origin), page_size: 10, ..Default::default() };
    for result in client.search_nearby(request).await?.results {
        let merchant = result.merchant.unwrap_or_default();
        println!("{:8.1} m  {}", result.distance_m, merchant.display_name);
    }
    Ok(())
}

/// The code says what to do about an error; the reason and the fields say which one it is.
fn tell(error: &ClientError) {
    match error.code() {
        Code::InvalidArgument => {
            eprintln!("the search is wrong:");
            for violation in error.violations() {
                eprintln!("  {}: {} ({})", violation.field, violation.description, violation.reason);
            }
        }
        // The client has tried again by then.
        Code::Unavailable => eprintln!("the server cannot answer now: {error}"),
        Code::DeadlineExceeded => eprintln!("the server was too slow: {error}"),
        code => eprintln!("{code:?} {}: {error}", error.reason().unwrap_or_default()),
    }
}
