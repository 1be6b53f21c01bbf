//! Settings of the HTTP listener and of its page.

use http::{HeaderValue, Uri};

use super::{ConfigError, ServerArgs, Setting, Settings, network};
use crate::{
    fs::regular_file,
    http::settings::{BaseMap, HttpSettings, MapDatum, PageSettings, StartView},
};

impl Settings {
    /// Lets the page open with a search around a latitude and longitude of WGS-84.
    pub fn open_page_at(&mut self, (latitude, longitude): (f64, f64), radius_m: f64) {
        if let Some(page) = self.http.as_mut().and_then(|http| http.page.as_mut()) {
            page.start = Some(StartView { latitude, longitude, radius_m });
        }
    }
}

impl ServerArgs {
    /// The settings of the HTTP listener; `None` without one.
    pub(super) fn http(&self, has_tls: bool) -> Result<Option<HttpSettings>, ConfigError> {
        let Some(listen) = self.http_listen.as_deref() else { return Ok(None) };
        let listen = network::address(listen, Setting("http_listen"))?;
        let origins = self.http_origins.iter().flatten().map(|text| origin(text, Setting("http_origins")));
        let origins = origins.map(|origin| {
            HeaderValue::try_from(origin?).map_err(|error| Setting("http_origins").invalid(error.to_string()))
        });
        let page = if self.no_http_page() { None } else { Some(self.page()?) };
        Ok(Some(HttpSettings {
            listen,
            has_tls,
            hosts: self.http_hosts.iter().flatten().map(|name| host(name)).collect::<Result<_, _>>()?,
            origins: origins.collect::<Result<_, _>>()?,
            page,
        }))
    }

    fn page(&self) -> Result<PageSettings, ConfigError> {
        let map_datum = match self.map_datum().as_str() {
            "wgs84" => MapDatum::Wgs84,
            "gcj02" => MapDatum::Gcj02,
            _ => return Err(Setting("map_datum").invalid("must be wgs84 or gcj02")),
        };
        let origins_of = |given: &Option<Vec<String>>, setting: Setting| {
            given.iter().flatten().map(|text| origin(text, setting)).collect::<Result<Vec<_>, _>>()
        };
        Ok(PageSettings {
            map: self.base_map()?,
            map_origins: origins_of(&self.map_origins, Setting("map_origins"))?,
            map_datum,
            photo_origins: origins_of(&self.photo_origins, Setting("photo_origins"))?,
            max_radius_m: self.max_radius_m(),
            max_service_radius_m: self.max_service_radius_m(),
            needs_key: self.keys.is_some() || self.jwt_keys.is_some() || self.cert_roles.is_some(),
            start: None,
        })
    }

    fn base_map(&self) -> Result<Option<BaseMap>, ConfigError> {
        match (&self.map_style, &self.map_tiles, &self.map_attribution) {
            (None, None, None) => Ok(None),
            (Some(style), None, None) if style.contains("://") => {
                web_url(style, Setting("map_style"))?;
                Ok(Some(BaseMap::StyleUrl(style.clone())))
            }
            (Some(file), None, None) => {
                let text = regular_file::read(file.as_ref(), regular_file::MAX_BYTES)
                    .and_then(regular_file::Contents::into_text)
                    .map_err(|error| Setting("map_style").invalid(format!("cannot be read: {error}")))?;
                let style: serde_json::Value = serde_json::from_str(&text).map_err(|error| {
                    Setting("map_style").invalid(format!("is no MapLibre style: {error}"))
                })?;
                Ok(Some(BaseMap::Style(style)))
            }
            (None, Some(url), Some(attribution)) => {
                if !["{z}", "{x}", "{y}"].iter().all(|part| url.contains(part)) {
                    return Err(Setting("map_tiles").invalid("must contain {z}, {x} and {y}"));
                }
                web_url(&url.replace(['{', '}'], ""), Setting("map_tiles"))?;
                Ok(Some(BaseMap::Tiles { url: url.clone(), attribution: attribution.clone() }))
            }
            (None, Some(_), None) => {
                Err(Setting("map_attribution")
                    .invalid("must be set with map_tiles: owners of tiles ask for it"))
            }
            (Some(_), ..) => Err(Setting("map_style").invalid("excludes map_tiles and map_attribution")),
            (None, None, Some(_)) => Err(Setting("map_attribution").invalid("requires map_tiles")),
        }
    }
}

/// Checks an http or https URL, and returns its origin.
fn web_url(text: &str, setting: Setting) -> Result<String, ConfigError> {
    let uri: Option<Uri> = text.parse().ok();
    let parts = uri.as_ref().and_then(|uri| Some((uri.scheme_str()?, uri.authority()?.as_str())));
    match parts.filter(|(scheme, authority)| matches!(*scheme, "http" | "https") && !authority.contains('@'))
    {
        Some((scheme, authority)) => Ok(format!("{scheme}://{}", authority.to_ascii_lowercase())),
        None => Err(setting.invalid("must be an http:// or https:// URL without user name")),
    }
}

/// An origin: scheme, host and port.
fn origin(text: &str, setting: Setting) -> Result<String, ConfigError> {
    let origin = web_url(text, setting)?;
    if !text.trim_end_matches('/').eq_ignore_ascii_case(&origin)
        || text.contains(['*', ';', ',', ' ', '\'', '"'])
    {
        return Err(setting.invalid("must be an origin without path, such as https://shop.example"));
    }
    Ok(origin)
}

fn host(name: &str) -> Result<String, ConfigError> {
    let is_name = |name: &str| {
        !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
    };
    let name = name.trim().trim_end_matches('.').to_ascii_lowercase();
    if is_name(&name) {
        return Ok(name);
    }
    Err(Setting("http_hosts")
        .invalid("must be host names without scheme, port and path, such as nearby.example"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(change: impl Fn(&mut ServerArgs)) -> ServerArgs {
        let mut args = ServerArgs { http_listen: Some("127.0.0.1:0".to_owned()), ..ServerArgs::default() };
        change(&mut args);
        args
    }

    #[test]
    fn settings_that_no_browser_could_follow_are_rejected() {
        let list = |text: &str| Some(vec![text.to_owned()]);
        let text = |text: &str| Some(text.to_owned());
        let rejected: [(&str, ServerArgs); 9] = [
            ("http_hosts", args(|args| args.http_hosts = list("http://nearby.example"))),
            ("http_hosts", args(|args| args.http_hosts = list("nearby.example:8080"))),
            ("http_origins", args(|args| args.http_origins = list("https://shop.example/path"))),
            ("http_origins", args(|args| args.http_origins = list("*"))),
            ("photo_origins", args(|args| args.photo_origins = list("https://a.test; script-src *"))),
            (
                "map_tiles",
                args(|args| {
                    args.map_tiles = text("https://a.test/{z}/{x}.png");
                    args.map_attribution = text("A");
                }),
            ),
            ("map_attribution", args(|args| args.map_tiles = text("https://a.test/{z}/{x}/{y}.png"))),
            ("map_datum", args(|args| args.map_datum = text("bd09"))),
            ("map_style", args(|args| args.map_style = text("no/such/file.json"))),
        ];
        for (setting, args) in rejected {
            let error = args.http(false).unwrap_err().to_string();
            assert!(error.starts_with(setting), "{setting}: {error}");
        }
    }

    #[test]
    fn hosts_and_origins_are_read_as_browsers_write_them() {
        let given = args(|args| {
            args.http_hosts = Some(vec!["Nearby.Example.".to_owned()]);
            args.http_origins = Some(vec!["https://Shop.example:8443/".to_owned()]);
        });
        let settings = given.http(true).unwrap().unwrap();
        assert_eq!(
            (settings.hosts, settings.origins),
            (vec!["nearby.example".to_owned()], vec![HeaderValue::from_static("https://shop.example:8443")])
        );
        assert!(ServerArgs::default().http(true).unwrap().is_none());
    }
}
