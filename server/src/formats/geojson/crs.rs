//! The member `crs` of older GeoJSON, which names a coordinate system.

use serde_json::Value;

/// Returns the name in a member `crs`, unless it is WGS-84.
pub(super) fn foreign_crs(json: &[u8]) -> Option<String> {
    let crs: Value = serde_json::from_slice(json).ok()?;
    if crs.is_null() || crs.as_str().is_some_and(str::is_empty) {
        return None;
    }
    // `name` is of the GeoJSON of 2008, `href` of its links; `code` and `urn` are of its drafts, which old servers still write.
    let members = ["name", "href", "code", "urn"].into_iter();
    let member = members.filter_map(|member| crs.get("properties")?.get(member)).next();
    let name = member.unwrap_or(&crs);
    let mut name = name.as_str().map_or_else(|| name.to_string(), str::to_owned);
    if crs.get("type").is_some_and(|kind| kind == "EPSG") && name.bytes().all(|byte| byte.is_ascii_digit()) {
        name = format!("EPSG:{name}");
    }
    (!is_wgs84(&name)).then_some(name)
}

/// Returns whether a name is one of WGS-84, with or without heights: of EPSG or OGC, short, as a URN or as a URL. The axes are
/// longitude and latitude whatever the name implies, as in all GeoJSON.
fn is_wgs84(name: &str) -> bool {
    let upper = name.trim().to_ascii_uppercase();
    if matches!(upper.replace([' ', '-', '_'], "").as_str(), "WGS84" | "CRS84" | "CRS84H") {
        return true;
    }
    // A compound name, such as one with a height above the sea, has several systems.
    if upper.contains([',', '+']) {
        return false;
    }
    let parts: Vec<&str> = upper.split([':', '/', '#']).filter(|part| !part.is_empty()).collect();
    let Some((code, authority)) = parts.split_last() else { return false };
    let is_of = |names: &[&str]| authority.iter().any(|part| names.contains(part));
    match *code {
        "4326" | "4979" => is_of(&["EPSG", "EPSG.XML"]),
        "CRS84" | "CRS84H" => is_of(&["OGC"]),
        "84" => is_of(&["OGC", "CRS"]),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_names_of_wgs_84_are_accepted() {
        for name in [
            "urn:ogc:def:crs:OGC:1.3:CRS84",
            "urn:ogc:def:crs:OGC::CRS84",
            "urn:ogc:def:crs:OGC:1.3:CRS84h",
            "urn:ogc:def:crs:OGC:2:84",
            "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
            "https://www.opengis.net/def/crs/OGC/0/CRS84h",
            "OGC:CRS84",
            "CRS:84",
            "CRS84",
            "EPSG:4326",
            "epsg:4326",
            "EPSG:4979",
            "urn:ogc:def:crs:EPSG::4326",
            "urn:ogc:def:crs:EPSG:9.8.15:4979",
            "urn:x-ogc:def:crs:EPSG:4326",
            "http://www.opengis.net/def/crs/EPSG/0/4326",
            "http://www.opengis.net/gml/srs/epsg.xml#4326",
            "http://spatialreference.org/ref/epsg/4326/",
            "WGS 84",
            "WGS84",
        ] {
            for crs in [
                format!("{{\"type\":\"name\",\"properties\":{{\"name\":\"{name}\"}}}}"),
                format!("{{\"type\":\"link\",\"properties\":{{\"href\":\"{name}\",\"type\":\"ogcwkt\"}}}}"),
                format!("\"{name}\""),
            ] {
                assert_eq!(foreign_crs(crs.as_bytes()), None, "{crs}");
            }
        }
        for crs in [
            "null",
            "\"\"",
            r#"{"type":"EPSG","properties":{"code":4326}}"#,
            r#"{"type":"EPSG","properties":{"code":"4326","coordinate_order":[1,0]}}"#,
            r#"{"type":"EPSG","properties":{"code":"EPSG:4326"}}"#,
            r#"{"type":"OGC","properties":{"urn":"urn:ogc:def:crs:OGC:1.3:CRS84"}}"#,
        ] {
            assert_eq!(foreign_crs(crs.as_bytes()), None, "{crs}");
        }
    }

    #[test]
    fn other_systems_are_named() {
        for (crs, name) in [
            (
                r#"{"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::3857"}}"#,
                "urn:ogc:def:crs:EPSG::3857",
            ),
            (r#"{"type":"EPSG","properties":{"code":3067}}"#, "EPSG:3067"),
            (r#"{"type":"name","properties":{"name":"EPSG:14326"}}"#, "EPSG:14326"),
            (r#"{"type":"name","properties":{"name":"EPSG:4326+5773"}}"#, "EPSG:4326+5773"),
            (
                r#"{"type":"name","properties":{"name":"urn:ogc:def:crs,crs:EPSG::3067,crs:EPSG::4979"}}"#,
                "urn:ogc:def:crs,crs:EPSG::3067,crs:EPSG::4979",
            ),
            (
                r#"{"type":"name","properties":{"name":"urn:ogc:def:crs:OGC:1.3:CRS83"}}"#,
                "urn:ogc:def:crs:OGC:1.3:CRS83",
            ),
            ("{}", "{}"),
            ("4326", "4326"),
        ] {
            assert_eq!(foreign_crs(crs.as_bytes()).as_deref(), Some(name), "{crs}");
        }
    }
}
