//! Positions in three datums.

use super::*;

#[tokio::test]
async fn the_same_origin_in_each_datum_gives_the_same_ranking() {
    use nearby_index::{Bd09, Gcj02, Position};
    let server = TestServer::start().await;
    let mut merchants = server.merchants().await;
    for n in 0..50 {
        let shop =
            merchant(&format!("m{n}"), 39.90 + f64::from(n % 7) * 1e-3, 116.40 + f64::from(n % 11) * 1e-3);
        let request = wire::CreateMerchantRequest { merchant: Some(shop), ..Default::default() };
        merchants.create_merchant(request).await.unwrap();
    }
    let truth = Position::new(39.9042, 116.4074).unwrap();
    let (gcj02, bd09) = (Position::<Gcj02>::from_wgs84(truth), Position::<Bd09>::from_wgs84(truth));
    let mut client = server.searches().await;
    let mut rankings = Vec::new();
    for (latitude, longitude, datum) in [
        (39.9042, 116.4074, wire::CoordinateSystem::Wgs84),
        (gcj02.latitude_deg(), gcj02.longitude_deg(), wire::CoordinateSystem::Gcj02),
        (bd09.latitude_deg(), bd09.longitude_deg(), wire::CoordinateSystem::Bd09),
    ] {
        let mut request = search(latitude, longitude);
        origin(&mut request).coordinate_system = datum.into();
        rankings.push(ranking(&page_through(&mut client, request).await));
    }
    for other in &rankings[1..] {
        for (a, b) in rankings[0].iter().zip(other) {
            assert!((a.0 - b.0).abs() < 1e-6 && a.1 == b.1, "{a:?} {b:?}");
        }
    }
}

/// The position is returned in its datum, bit for bit, and ranked by its WGS-84 position.
#[tokio::test]
async fn positions_are_returned_unchanged_and_ranked_on_the_ellipsoid() {
    use nearby_index::{Bd09, Gcj02, Position};
    let (_server, mut client, _) = server_with([]).await;
    let mut merchants = _server.merchants().await;
    let mut expected = Vec::new();
    for (n, datum) in (0..30).zip([1, 2, 3].into_iter().cycle()) {
        let truth = Position::new(39.90 + f64::from(n) * 1e-3, 116.40).unwrap();
        let (latitude, longitude) = match datum {
            1 => (truth.latitude_deg(), truth.longitude_deg()),
            2 => {
                let there = Position::<Gcj02>::from_wgs84(truth);
                (there.latitude_deg(), there.longitude_deg())
            }
            _ => {
                let there = Position::<Bd09>::from_wgs84(truth);
                (there.latitude_deg(), there.longitude_deg())
            }
        };
        let given = wire::Position { latitude, longitude, coordinate_system: datum, accuracy_m: Some(5.0) };
        let shop = wire::Merchant { position: Some(given), ..merchant(&format!("m{n:02}"), 0.0, 0.0) };
        let created = create(&mut merchants, shop).await;
        assert_eq!(created.position, Some(given));
        expected.push((created.name, truth, given));
    }
    let request = wire::SearchNearbyRequest { page_size: 100, ..search(39.90, 116.40) };
    for ((name, truth, given), result) in expected.iter().zip(found(&mut client, request).await.results) {
        let merchant = result.merchant.unwrap();
        assert_eq!((&merchant.name, merchant.position), (name, Some(*given)));
        let geodesic_m = geodesic_m((39.90, 116.40), (truth.latitude_deg(), truth.longitude_deg()));
        assert!((result.distance_m - geodesic_m).abs() < 1e-3, "the round trip is accurate to a millimetre");
    }
}
