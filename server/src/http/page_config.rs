//! Documents that the page reads: `config.json`, the settings of the operator, and `china-area.json`, the areas in which the datums
//! of China apply.

use axum::{
    Router,
    http::header::{CACHE_CONTROL, CONTENT_TYPE},
    routing::get,
};
use hyper::body::Bytes;
use nearby_index::ShiftedAreas;
use serde_json::{Value, json};

use super::settings::{BaseMap, MapDatum, PageSettings};

/// Adds the routes.
pub(super) fn routes<S: Clone + Send + Sync + 'static>(router: Router<S>, page: &PageSettings) -> Router<S> {
    let headers = || [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-cache")];
    let documents = [("/config.json", to_json(page)), ("/china-area.json", china_area())];
    documents.into_iter().fold(router, |router, (path, document)| {
        let text = Bytes::from(document.to_string());
        router.route(path, get(move || std::future::ready((headers(), text.clone()))))
    })
}

/// The areas in degrees. The page converts points to draw them, as the index converts them to rank by them.
fn china_area() -> Value {
    let areas = ShiftedAreas::current();
    let degrees = |hundredths: i16| f64::from(hundredths) / 100.0;
    let outline: Vec<[f64; 2]> =
        areas.outline.iter().map(|&(latitude, longitude)| [degrees(latitude), degrees(longitude)]).collect();
    json!({ "outline": outline, "taiwan": areas.taiwan })
}

fn to_json(page: &PageSettings) -> Value {
    let map = page.map.as_ref().map(|map| match map {
        BaseMap::StyleUrl(url) => json!({ "style": url }),
        BaseMap::Style(style) => json!({ "style": style }),
        BaseMap::Tiles { url, attribution } => json!({ "tiles": url, "attribution": attribution }),
    });
    let start = page.start.as_ref().map(|start| {
        json!({ "latitude": start.latitude, "longitude": start.longitude, "radiusM": start.radius_m })
    });
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "map": map,
        "mapDatum": match page.map_datum {
            MapDatum::Wgs84 => "wgs84",
            MapDatum::Gcj02 => "gcj02",
        },
        "photoOrigins": page.photo_origins,
        "maxRadiusM": page.max_radius_m,
        "maxServiceRadiusM": page.max_service_radius_m,
        "needsKey": page.needs_key,
        "start": start,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::settings::StartView;

    #[test]
    fn the_page_reads_what_the_operator_sets() {
        let page = PageSettings {
            map: Some(BaseMap::Tiles {
                url: "https://tiles.test/{z}/{x}/{y}.png".to_owned(),
                attribution: "© Tiles".to_owned(),
            }),
            map_datum: MapDatum::Gcj02,
            photo_origins: vec!["https://photos.test".to_owned()],
            max_radius_m: 5_000.0,
            needs_key: true,
            start: Some(StartView { latitude: 60.0, longitude: 25.0, radius_m: 500.0 }),
            ..PageSettings::default()
        };
        let json = to_json(&page);
        assert_eq!(
            json["map"],
            json!({ "tiles": "https://tiles.test/{z}/{x}/{y}.png", "attribution": "© Tiles" })
        );
        assert_eq!(json["mapDatum"], "gcj02");
        assert_eq!(json["photoOrigins"], json!(["https://photos.test"]));
        assert_eq!((&json["maxRadiusM"], &json["needsKey"]), (&json!(5_000.0), &json!(true)));
        assert_eq!(json["start"], json!({ "latitude": 60.0, "longitude": 25.0, "radiusM": 500.0 }));
        assert_eq!(to_json(&PageSettings::default())["map"], Value::Null);
    }
}
