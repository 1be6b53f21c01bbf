//! Paging while thousands of merchants are created, deleted and moved.

use super::*;
use rand::{RngExt, SeedableRng};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// 12,000 results during 1,000 writes per second: no id twice, distances in order, and every merchant that exists throughout.
#[tokio::test(flavor = "multi_thread")]
async fn no_result_is_repeated_and_no_unchanged_merchant_is_missed() {
    let seed: u64 = std::env::var("NEARBY_SEED").map_or(11, |seed| seed.parse().unwrap());
    println!("NEARBY_SEED={seed}");
    let mut random = rand_pcg::Pcg64Mcg::seed_from_u64(seed);
    let (server, mut client, mut merchants) = server_with([]).await;
    // A square of four kilometres, within the circle.
    let mut random_position =
        move || (HOME.0 + random.random_range(-0.018..0.018), HOME.1 + random.random_range(-0.036..0.036));
    let row = |merchant| wire::ImportRow { row_number: 0, merchant: Some(merchant), ..Default::default() };
    let mut put = Vec::new();
    for n in 0..16_000 {
        let (latitude, longitude) = random_position();
        // One in four is moved and deleted during the test.
        let id = if n % 4 == 0 { format!("moving-{n:05}") } else { format!("fixed-{n:05}") };
        put.push(row(merchant(&id, latitude, longitude)));
    }
    for rows in put.chunks(4_000) {
        let message = |rows: &[wire::ImportRow]| wire::ImportMerchantsRequest {
            rows: rows.to_vec(),
            ..Default::default()
        };
        let messages: Vec<_> = rows.chunks(1_000).map(message).collect();
        merchants.import_merchants(tokio_stream::iter(messages)).await.unwrap();
    }
    let (stop, writes) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let start = Instant::now();
    let writer = {
        let (url, stop, writes) = (server.url.clone(), Arc::clone(&stop), Arc::clone(&writes));
        tokio::spawn(async move {
            let mut client = MerchantServiceClient::connect(url).await.unwrap();
            let mut tick = tokio::time::interval(Duration::from_millis(50));
            while !stop.load(Ordering::SeqCst) {
                tick.tick().await;
                // 50 moves per 50 ms, and a deletion.
                let rows: Vec<_> = (0..50)
                    .map(|_| {
                        let (latitude, longitude) = random_position();
                        let n = 4 * (writes.fetch_add(1, Ordering::SeqCst) * 7 % 4_000);
                        row(merchant(&format!("moving-{n:05}"), latitude, longitude))
                    })
                    .collect();
                let message = wire::ImportMerchantsRequest { rows, ..Default::default() };
                client.import_merchants(tokio_stream::iter([message])).await.unwrap();
                let n = 4 * (writes.load(Ordering::SeqCst) * 13 % 4_000);
                let request = wire::DeleteMerchantRequest {
                    name: name(&format!("moving-{n:05}")),
                    ..Default::default()
                };
                drop(client.delete_merchant(request).await);
            }
        })
    };
    let (mut rounds, mut revisions) = (0, BTreeSet::new());
    while start.elapsed() < Duration::from_secs(5) || rounds < 2 {
        let mut request = wire::SearchNearbyRequest { page_size: [20, 100, 500][rounds % 3], ..at_home() };
        let mut seen: BTreeMap<String, f64> = BTreeMap::new();
        let mut last = (0.0, String::new());
        loop {
            let page = found(&mut client, request.clone()).await;
            revisions.insert(page.revision);
            for (distance_m, id) in ranking(&page.results) {
                assert!((distance_m, &id) > (last.0, &last.1), "results are out of order");
                assert_eq!(seen.insert(id.clone(), distance_m), None, "{id} came twice");
                last = (distance_m, id);
            }
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        assert_eq!(seen.keys().filter(|id| id.starts_with("fixed")).count(), 12_000);
        rounds += 1;
    }
    stop.store(true, Ordering::SeqCst);
    let seconds = start.elapsed().as_secs_f64();
    writer.await.unwrap();
    let writes = writes.load(Ordering::SeqCst);
    println!(
        "{rounds} times through 12,000 results, {:.0} writes per second, {} revisions seen",
        writes as f64 / seconds,
        revisions.len()
    );
    assert!(revisions.len() > 20, "there were no concurrent writes");
}
