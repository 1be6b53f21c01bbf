//! Settings of the HTTP listener.

use std::net::SocketAddr;

use http::HeaderValue;

/// Settings of the HTTP listener.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// Address to listen on.
    pub listen: SocketAddr,
    /// True if clients connect with TLS.
    pub has_tls: bool,
    /// Host names, besides `localhost` and IP addresses, by which clients may reach the listener; in lower case, without port.
    pub hosts: Vec<String>,
    /// Origins whose pages may call, besides those of the listener itself.
    pub origins: Vec<HeaderValue>,
    /// The page; `None` to serve calls only.
    pub page: Option<PageSettings>,
}

/// Settings of the page.
#[derive(Clone, Debug, Default)]
pub struct PageSettings {
    /// The base map of the operator, instead of the one in the binary.
    pub map: Option<BaseMap>,
    /// Origins that its style loads tiles, fonts and images from, besides those that the settings name.
    pub map_origins: Vec<String>,
    /// Datum of the base map.
    pub map_datum: MapDatum,
    /// Origins from which photos may be loaded.
    pub photo_origins: Vec<String>,
    /// Largest search radius in metres.
    pub max_radius_m: f64,
    /// Largest distance of merchants that serve the origin of a search, in metres.
    pub max_service_radius_m: f64,
    /// True if calls need credentials.
    pub needs_key: bool,
    /// Search with which the page opens; `None` for the whole earth.
    pub start: Option<StartView>,
}

/// The search with which the page opens, in WGS-84.
#[derive(Clone, Copy, Debug)]
pub struct StartView {
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// Radius in metres.
    pub radius_m: f64,
}

/// A base map of the operator.
#[derive(Clone, Debug)]
pub enum BaseMap {
    /// URL of a style of MapLibre.
    StyleUrl(String),
    /// A style of MapLibre, as JSON.
    Style(serde_json::Value),
    /// URL of raster tiles with `{z}`, `{x}` and `{y}`, and the attribution that their owner asks for.
    Tiles {
        /// The URL.
        url: String,
        /// The attribution, as text.
        attribution: String,
    },
}

/// Datum in which a base map is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MapDatum {
    /// WGS-84, as nearly all maps outside China.
    #[default]
    Wgs84,
    /// GCJ-02, as the maps of China.
    Gcj02,
}

impl PageSettings {
    /// The origins that the base map loads from.
    pub(super) fn origins_of_map(&self) -> Vec<String> {
        let mut texts = Vec::new();
        match &self.map {
            None => {}
            Some(BaseMap::StyleUrl(url) | BaseMap::Tiles { url, .. }) => texts.push(url.as_str()),
            Some(BaseMap::Style(style)) => add_texts(style, &mut texts),
        }
        let mut origins: Vec<String> = texts.into_iter().filter_map(origin_of).collect();
        origins.extend(self.map_origins.iter().cloned());
        origins.sort_unstable();
        origins.dedup();
        origins
    }
}

/// Adds all texts within a value.
fn add_texts<'v>(value: &'v serde_json::Value, texts: &mut Vec<&'v str>) {
    match value {
        serde_json::Value::String(text) => texts.push(text),
        serde_json::Value::Array(values) => values.iter().for_each(|value| add_texts(value, texts)),
        serde_json::Value::Object(fields) => fields.values().for_each(|value| add_texts(value, texts)),
        _ => {}
    }
}

/// The origin of an http or https URL, whose path may have placeholders in braces.
fn origin_of(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let is_host = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte))
    };
    (matches!(scheme, "http" | "https") && is_host(authority)).then(|| format!("{scheme}://{authority}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_origins_of_a_style_are_those_of_its_urls() {
        let style = json!({
            "sources": { "a": { "tiles": ["https://tiles.test/{z}/{x}/{y}.png"], "attribution": "<a href='https://x'>" } },
            "glyphs": "https://fonts.test:8443/{fontstack}.pbf", "sprite": "sprite", "layers": [],
        });
        let page = PageSettings {
            map: Some(BaseMap::Style(style)),
            map_origins: vec!["https://more.test".to_owned()],
            ..PageSettings::default()
        };
        assert_eq!(
            page.origins_of_map(),
            ["https://fonts.test:8443", "https://more.test", "https://tiles.test"]
        );
    }
}
