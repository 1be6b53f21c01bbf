//! `area`: searches within a box or polygons.

use super::*;
use wire::search_area::Shape;

fn boxed(south_west: (f64, f64), north_east: (f64, f64)) -> Option<wire::SearchArea> {
    let corner = |(latitude, longitude)| Some(position(latitude, longitude));
    let area = wire::LatLngBox { south_west: corner(south_west), north_east: corner(north_east) };
    Some(wire::SearchArea { shape: Some(Shape::Box(area)) })
}

fn ring(corners: &[(f64, f64)]) -> wire::Ring {
    let (latitudes, longitudes) = corners.iter().copied().unzip();
    wire::Ring { latitudes, longitudes }
}

fn polygon(shell: &[(f64, f64)], holes: &[&[(f64, f64)]]) -> Option<wire::SearchArea> {
    let polygon =
        wire::Polygon { shell: Some(ring(shell)), holes: holes.iter().map(|hole| ring(hole)).collect() };
    let datum = wire::CoordinateSystem::Wgs84.into();
    let set = wire::PolygonSet { coordinate_system: datum, polygons: vec![polygon] };
    Some(wire::SearchArea { shape: Some(Shape::Polygons(set)) })
}

fn within(area: Option<wire::SearchArea>) -> wire::SearchNearbyRequest {
    wire::SearchNearbyRequest { area, include_total: true, ..at_home() }
}

#[tokio::test]
async fn results_lie_in_the_circle_and_in_the_area() {
    let shops = [("a", 100.0), ("b", 900.0), ("c", 2_000.0), ("d", 3_000.0), ("e", 4_900.0), ("f", 6_000.0)];
    let (_server, mut client, _) = server_with(shops.map(|(id, metres)| north(id, metres))).await;
    let at = |metres: f64| HOME.0 + metres / 111_412.0;
    let (west, east) = (HOME.1 - 0.01, HOME.1 + 0.01);
    let shell = |from: f64, to: f64| [(at(from), west), (at(from), east), (at(to), east), (at(to), west)];
    let hole = [(at(1_500.0), HOME.1 - 0.005), (at(1_500.0), HOME.1 + 0.005), (at(2_500.0), HOME.1)];
    let b_to_d = &["b", "c", "d"][..];
    for (area, truncated, expected) in [
        (boxed((at(500.0), west), (at(3_500.0), east)), false, b_to_d),
        (boxed((at(500.0), HOME.1), (at(3_500.0), HOME.1)), false, b_to_d),
        (boxed((at(500.0), west), (at(9_000.0), east)), true, &["b", "c", "d", "e"]),
        (boxed((at(500.0), east), (at(3_500.0), east + 0.01)), false, &[]),
        // Around the earth the other way, and all of it.
        (boxed((at(500.0), east), (at(3_500.0), west)), true, &[]),
        (boxed((-90.0, -180.0), (90.0, 180.0)), true, &["a", "b", "c", "d", "e"]),
        (polygon(&shell(500.0, 3_500.0), &[]), false, b_to_d),
        (polygon(&shell(500.0, 3_500.0), &[&hole]), false, &["b", "d"]),
        (polygon(&shell(2_500.0, 20_000.0), &[]), true, &["d", "e"]),
        // A district around the circle, with edges of hundreds of kilometres.
        (
            polygon(&[(56.0, 20.0), (56.0, 30.0), (64.0, 30.0), (64.0, 20.0)], &[]),
            true,
            &["a", "b", "c", "d", "e"],
        ),
        (polygon(&shell(20_000.0, 30_000.0), &[]), true, &[]),
    ] {
        let page = found(&mut client, within(area.clone())).await;
        assert_eq!(
            (&ids(&page.results)[..], page.area_truncated),
            (&expected.iter().map(ToString::to_string).collect::<Vec<_>>()[..], truncated),
            "{area:?}"
        );
        assert_eq!(page.total_size, Some(i32::try_from(expected.len()).unwrap()));
        let paged = wire::SearchNearbyRequest { page_size: 2, ..within(area.clone()) };
        assert_eq!(ids(&page_through(&mut client, paged).await), expected);
        let ring = wire::SearchNearbyRequest { min_distance_m: 1_000.0, ..within(area) };
        let expected: Vec<&str> = expected.iter().copied().filter(|id| *id > "b").collect();
        assert_eq!(ids(&found(&mut client, ring).await.results), expected);
    }
}

#[tokio::test]
async fn with_an_area_the_radius_defaults_to_the_limit_of_the_server() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let server = TestServer::start_on(&data_dir, &["--max-radius-m", "20000"]).await;
    let (mut client, mut merchants) = (server.searches().await, server.merchants().await);
    create(&mut merchants, north("far", 12_000.0)).await;
    let area = boxed((60.0, 24.9), (60.2, 25.1));
    assert_eq!(found(&mut client, at_home()).await.results, []);
    let page = found(&mut client, within(area.clone())).await;
    assert_eq!((ids(&page.results), page.area_truncated), (vec!["far".to_owned()], true));
    let page =
        found(&mut client, wire::SearchNearbyRequest { radius_m: Some(5_000.0), ..within(area) }).await;
    assert_eq!(page.results, []);
}

#[tokio::test]
async fn an_area_crosses_the_antimeridian() {
    let shops = [("west", 179.99), ("on", 180.0), ("east", -179.99)];
    let shops = shops.map(|(id, longitude)| merchant(id, -16.8, longitude));
    let (_server, mut client, _) = server_with(shops).await;
    let corners = [(-16.9, 179.995), (-16.9, -179.9), (-16.7, -179.9), (-16.7, 179.995)];
    for area in [boxed((-16.9, 179.995), (-16.7, -179.9)), polygon(&corners, &[])] {
        let request = wire::SearchNearbyRequest { area, ..search(-16.8, -179.999) };
        assert_eq!(ids(&found(&mut client, request).await.results), ["on", "east"]);
    }
}

#[tokio::test]
async fn invalid_areas_are_rejected() {
    let (_server, mut client, _) = server_with([]).await;
    let no_corner = wire::LatLngBox { south_west: None, north_east: Some(position(1.0, 1.0)) };
    let no_corner = Some(wire::SearchArea { shape: Some(Shape::Box(no_corner)) });
    let bow_tie = [(60.0, 25.0), (60.1, 25.2), (60.1, 25.0), (60.0, 25.1)];
    for (area, path, reason) in [
        (Some(wire::SearchArea::default()), "area", "REQUIRED"),
        (no_corner, "area.box.south_west", "REQUIRED"),
        (boxed((2.0, 0.0), (1.0, 1.0)), "area.box.north_east", "OUT_OF_RANGE"),
        (boxed((f64::NAN, 0.0), (1.0, 1.0)), "area.box.south_west.latitude", "NOT_FINITE"),
        (polygon(&bow_tie, &[]), "area.polygons.polygons[0].shell", "AREA_INVALID"),
        (polygon(&[], &[]), "area.polygons.polygons[0].shell", "AREA_INVALID"),
        (
            polygon(&[(60.0, 25.0), (60.0, 25.1), (69.1, 25.0)], &[]),
            "area.polygons.polygons[0].shell",
            "OUT_OF_RANGE",
        ),
    ] {
        let status = client.search_nearby(within(area)).await.unwrap_err();
        assert_eq!(violation(&status), field(path, reason));
        assert!(!format!("{status:?}").contains("25.2"), "{status:?}");
    }
}

#[tokio::test]
async fn a_page_token_belongs_to_its_area_and_reach() {
    let (_server, mut client, _) = server_with((1..9).map(|n| north(&format!("m{n}"), f64::from(n)))).await;
    let area = boxed((59.9, 24.9), (60.1, 25.1));
    let first = found(&mut client, wire::SearchNearbyRequest { page_size: 2, ..within(area.clone()) }).await;
    let next = wire::SearchNearbyRequest { page_token: first.next_page_token, ..within(area) };
    let other_area = boxed((59.9, 24.9), (60.1, 25.2));
    for other in [
        wire::SearchNearbyRequest { area: other_area, ..next.clone() },
        wire::SearchNearbyRequest { reach: wire::Reach::NearOrServing.into(), ..next.clone() },
    ] {
        let rejected = client.search_nearby(other).await.unwrap_err();
        assert_eq!(violation(&rejected), field("page_token", "INVALID_PAGE_TOKEN"));
    }
    assert_eq!(ids(&found(&mut client, next).await.results), ["m3", "m4", "m5", "m6", "m7", "m8"]);
}
