//! `GetDensity`: numbers of merchants per H3 cell.

use super::*;
use std::collections::BTreeMap;
use wire::get_density_request::Area;

fn circle(latitude: f64, longitude: f64, radius_m: f64) -> Option<Area> {
    Some(Area::Circle(wire::Circle { center: Some(position(latitude, longitude)), radius_m }))
}

fn area(south_west: (f64, f64), north_east: (f64, f64)) -> Option<Area> {
    let corner = |(latitude, longitude)| Some(position(latitude, longitude));
    Some(Area::Box(wire::LatLngBox { south_west: corner(south_west), north_east: corner(north_east) }))
}

fn density(area: Option<Area>, resolution: i32) -> wire::GetDensityRequest {
    wire::GetDensityRequest { area, resolution, filter: None, ..Default::default() }
}

/// Counts merchants per cell by a linear scan with h3o.
fn cells(merchants: &[wire::Merchant], resolution: u8) -> BTreeMap<String, i32> {
    let mut cells = BTreeMap::new();
    for merchant in merchants {
        let at = merchant.position.unwrap();
        let cell = h3o::LatLng::new(at.latitude, at.longitude).unwrap();
        let cell = cell.to_cell(h3o::Resolution::try_from(resolution).unwrap());
        *cells.entry(cell.to_string()).or_default() += 1;
    }
    cells
}

#[tokio::test]
async fn circles_and_boxes_have_the_cell_counts_of_a_linear_scan() {
    let shop = |n: i32| {
        merchant(&format!("m{n:03}"), 60.0 + f64::from(n % 17) * 1e-3, 25.0 + f64::from(n % 13) * 2e-3)
    };
    let shops: Vec<_> = (0..200).map(shop).collect();
    let (_server, mut client, mut merchants) = server_with([]).await;
    let rows = shops.iter().map(|shop| wire::ImportRow {
        row_number: 0,
        merchant: Some(shop.clone()),
        ..Default::default()
    });
    let message = wire::ImportMerchantsRequest { rows: rows.collect(), ..Default::default() };
    merchants.import_merchants(tokio_stream::iter([message])).await.unwrap();
    for resolution in [5, 8, 10, 15] {
        let radius_m = 1_000.0;
        let inside: Vec<_> = shops
            .iter()
            .filter(|shop| {
                let at = shop.position.unwrap();
                geodesic_m((60.005, 25.005), (at.latitude, at.longitude)) <= radius_m
            })
            .cloned()
            .collect();
        let response = client.get_density(density(circle(60.005, 25.005, radius_m), resolution)).await;
        let response = response.unwrap().into_inner();
        let counts: BTreeMap<_, _> =
            response.cells.iter().map(|cell| (cell.h3_index.clone(), cell.merchant_count)).collect();
        assert_eq!(counts, cells(&inside, u8::try_from(resolution).unwrap()));
        assert!(response.cells.windows(2).all(|two| two[0].merchant_count >= two[1].merchant_count));
        assert_eq!((response.total_size, response.revision), (i32::try_from(inside.len()).unwrap(), 200));

        let (south_west, north_east) = ((60.002, 25.004), (60.012, 25.020));
        let inside: Vec<_> = shops
            .iter()
            .filter(|shop| {
                let at = shop.position.unwrap();
                (south_west.0..=north_east.0).contains(&at.latitude)
                    && (south_west.1..=north_east.1).contains(&at.longitude)
            })
            .cloned()
            .collect();
        let response = client.get_density(density(area(south_west, north_east), resolution)).await;
        let counts =
            response.unwrap().into_inner().cells.into_iter().map(|cell| (cell.h3_index, cell.merchant_count));
        assert_eq!(counts.collect::<BTreeMap<_, _>>(), cells(&inside, u8::try_from(resolution).unwrap()));
    }
}

#[tokio::test]
async fn a_box_may_cross_the_antimeridian() {
    let shops =
        [merchant("west", -16.8, 179.95), merchant("east", -16.8, -179.95), merchant("out", -16.8, -179.8)];
    let (_server, mut client, _) = server_with(shops).await;
    let response = client.get_density(density(area((-16.9, 179.9), (-16.7, -179.9)), 3)).await.unwrap();
    assert_eq!(response.into_inner().total_size, 2);
}

#[tokio::test]
async fn longitudes_180_west_and_180_east_are_one_edge() {
    let shops = [
        merchant("west", -16.8, 179.95),
        merchant("edge-e", -16.8, 180.0),
        merchant("edge-w", -16.8, -180.0),
        merchant("east", -16.8, -179.95),
    ];
    let (_server, mut client, _) = server_with(shops).await;
    for (west, east, count) in [
        (-180.0, -179.9, 3),
        (180.0, -179.9, 3),
        (179.9, 180.0, 3),
        (179.9, -180.0, 3),
        (179.9, -179.9, 4),
        (180.0, -180.0, 2),
        (180.0, 180.0, 2),
        (-180.0, -180.0, 2),
    ] {
        let response = client.get_density(density(area((-16.9, west), (-16.7, east)), 9)).await.unwrap();
        assert_eq!(response.into_inner().total_size, count, "{west} to {east}");
    }
}

#[tokio::test]
async fn a_box_that_touches_a_pole_contains_it_at_any_longitude() {
    let shops = [
        merchant("pole-0", 90.0, 0.0),
        merchant("pole-120", 90.0, 120.0),
        merchant("near-20", 89.95, 20.0),
        merchant("near-200", 89.95, -160.0),
        merchant("south-pole", -90.0, 77.0),
        merchant("south-near", -89.95, 77.0),
    ];
    let (_server, mut client, _) = server_with(shops).await;
    for (south_west, north_east, count) in [
        ((89.9, 10.0), (90.0, 30.0), 3),
        ((89.9, 40.0), (90.0, 50.0), 2),
        ((90.0, 40.0), (90.0, 40.0), 2),
        // Around the pole, and more than halfway around it.
        ((89.9, -180.0), (90.0, 180.0), 4),
        ((89.9, 10.0), (90.0, 0.0), 4),
        ((89.9, 10.0), (89.99, 0.0), 2),
        ((-90.0, -180.0), (-89.9, 180.0), 2),
        ((-90.0, 0.0), (-89.9, 10.0), 1),
    ] {
        let response = client.get_density(density(area(south_west, north_east), 7)).await.unwrap();
        assert_eq!(response.into_inner().total_size, count, "{south_west:?} to {north_east:?}");
    }
}

#[tokio::test]
async fn invalid_areas_are_rejected() {
    let (_server, mut client, _) = server_with([]).await;
    for (request, path, reason) in [
        (density(None, 7), "area", "REQUIRED"),
        (density(circle(60.0, 25.0, 100.0), -1), "resolution", "OUT_OF_RANGE"),
        (density(circle(60.0, 25.0, 100.0), 16), "resolution", "OUT_OF_RANGE"),
        (density(circle(91.0, 25.0, 100.0), 7), "circle.center.latitude", "LATITUDE_OUT_OF_RANGE"),
        (density(circle(60.0, 25.0, 0.0), 7), "circle.radius_m", "OUT_OF_RANGE"),
        (density(circle(60.0, 25.0, 50_001.0), 7), "circle.radius_m", "OUT_OF_RANGE"),
        (density(area((60.0, 25.0), (59.9, 25.1)), 7), "box.north_east", "OUT_OF_RANGE"),
        (density(area((60.0, 25.0), (61.0, 26.0)), 7), "box", "OUT_OF_RANGE"),
        (density(area((60.0, 25.1), (60.1, 25.0)), 7), "box", "OUT_OF_RANGE"),
        (density(area((-0.1, -180.0), (0.1, 180.0)), 7), "box", "OUT_OF_RANGE"),
    ] {
        let rejected = client.get_density(request).await.unwrap_err();
        assert_eq!(violation(&rejected), field(path, reason));
    }
}

#[tokio::test]
async fn too_many_cells_are_rejected_and_a_coarser_resolution_succeeds() {
    let (_server, mut client, mut merchants) = server_with([]).await;
    for chunk in 0..21 {
        let rows = (0..1_000).map(|n| {
            // A grid of 210 by 100 points, ten metres apart.
            let (x, y) = (chunk * 10 + n / 100, n % 100);
            let (latitude, longitude) = (60.0 + 1e-4 * x as f64, 25.0 + 2e-4 * y as f64);
            wire::ImportRow {
                row_number: n,
                merchant: Some(merchant(&format!("m{chunk}-{n}"), latitude, longitude)),
                ..Default::default()
            }
        });
        let message = wire::ImportMerchantsRequest { rows: rows.collect(), ..Default::default() };
        merchants.import_merchants(tokio_stream::iter([message])).await.unwrap();
    }
    let rejected = client.get_density(density(circle(60.0, 25.0, 10_000.0), 15)).await.unwrap_err();
    assert_eq!(reason(&rejected), (Code::OutOfRange, "TOO_MANY_CELLS".to_owned()));
    let coarse = client.get_density(density(circle(60.0, 25.0, 10_000.0), 8)).await.unwrap().into_inner();
    assert_eq!(coarse.total_size, 21_000);
}

#[tokio::test]
async fn cells_have_their_centre_and_outline_in_the_output_datum() {
    let beijing = (39.9056, 116.4136);
    let (_server, mut client, _) = server_with([merchant("m", beijing.0, beijing.1)]).await;
    let request = density(circle(beijing.0, beijing.1, 100.0), 9);
    let plain = client.get_density(request.clone()).await.unwrap().into_inner();
    assert_eq!((plain.cells[0].center, plain.cells[0].outline.len()), (None, 0));
    let cell: h3o::CellIndex = plain.cells[0].h3_index.parse().unwrap();
    for (datum, moved_m) in [
        (wire::CoordinateSystem::Wgs84, 0.0..1e-3),
        (wire::CoordinateSystem::Gcj02, 500.0..600.0),
        (wire::CoordinateSystem::Bd09, 1_200.0..1_500.0),
    ] {
        let request = wire::GetDensityRequest { output_coordinate_system: datum.into(), ..request.clone() };
        let drawn = client.get_density(request).await.unwrap().into_inner().cells.remove(0);
        let expected = cell.boundary();
        assert_eq!(drawn.outline.len(), expected.len());
        let center = [h3o::LatLng::from(cell)];
        let pairs = drawn.outline.iter().chain(drawn.center.as_ref()).zip(expected.iter().chain(&center));
        for (point, expected) in pairs {
            assert_eq!(point.coordinate_system(), datum);
            let from = geodesic_m((point.latitude, point.longitude), (expected.lat(), expected.lng()));
            assert!(moved_m.contains(&from), "{datum:?}: {from} m");
        }
    }
    let unknown = wire::GetDensityRequest { output_coordinate_system: 9, ..request };
    let status = client.get_density(unknown).await.unwrap_err();
    assert_eq!(violation(&status), field("output_coordinate_system", "COORDINATE_SYSTEM_UNKNOWN"));
}
