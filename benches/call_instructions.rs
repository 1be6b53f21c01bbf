//! Runs whole SearchNearby calls over a pipe within the process, so that callgrind can count the instructions of a call.
//!
//! `call_instructions ROUNDS`: each round makes 64 calls for the 20 nearest of 10,000 merchants, in the BASIC view. The count per
//! call is the difference between two numbers of rounds, which cancels the cost of start-up and loading.

#![allow(missing_docs, clippy::unwrap_used, reason = "a development tool: a failure aborts it")]

use nearby_proto::v1::{
    self as wire, merchant_service_client::MerchantServiceClient, nearby_service_client::NearbyServiceClient,
};
use nearby_server::{
    app::{Progress, ServerHandle},
    config::ServerArgs,
};
use rand::{RngExt, SeedableRng};

const ORIGIN: (f64, f64) = (60.1719, 24.9414);

fn position(latitude: f64, longitude: f64) -> wire::Position {
    wire::Position {
        latitude,
        longitude,
        coordinate_system: wire::CoordinateSystem::Wgs84.into(),
        accuracy_m: None,
    }
}

fn main() {
    // `cargo bench` passes `--bench` when it is given no number.
    let rounds: u32 = std::env::args().nth(1).and_then(|rounds| rounds.parse().ok()).unwrap_or(1);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let directory = tempfile::tempdir().unwrap();
        let data_dir = Some(directory.path().join("data"));
        let args = ServerArgs { data_dir, min_free_disk_mib: Some(16), ..ServerArgs::default() };
        let settings = args.settings(None).unwrap();
        let (_server, channel) = ServerHandle::start_in_process(&settings, Progress::to_log()).await.unwrap();
        let mut random = rand_pcg::Pcg64Mcg::seed_from_u64(20_240_229);
        let rows = (0..10_000).map(|row| wire::ImportRow {
            row_number: row,
            merchant: Some(wire::Merchant {
                name: format!("merchants/m{row}"),
                display_name: format!("Merchant {row}"),
                categories: vec!["amenity/cafe".to_owned()],
                position: Some(position(
                    ORIGIN.0 + random.random_range(-0.2..0.2),
                    ORIGIN.1 + random.random_range(-0.4..0.4),
                )),
                ..Default::default()
            }),
            ..Default::default()
        });
        let rows: Vec<_> = rows.collect();
        let messages: Vec<_> = rows
            .chunks(1_000)
            .map(|rows| wire::ImportMerchantsRequest { rows: rows.to_vec(), ..Default::default() })
            .collect();
        let mut merchants = MerchantServiceClient::new(channel.clone());
        merchants.import_merchants(futures_util::stream::iter(messages)).await.unwrap();
        let mut searches = NearbyServiceClient::new(channel);
        for call in 0..rounds * 64 {
            let offset = f64::from(call % 64) * 0.001;
            let request = wire::SearchNearbyRequest {
                origin: Some(position(ORIGIN.0 + offset, ORIGIN.1 - offset)),
                ..Default::default()
            };
            let response = searches.search_nearby(request).await.unwrap().into_inner();
            assert_eq!(response.results.len(), 20);
        }
        // The process ends without closing the store, which the count need not include.
        std::process::exit(0);
    });
}
