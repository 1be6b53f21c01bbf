//! Options of an import: its content type, and the parameters of its URL.

use http::{HeaderMap, header};

use crate::{
    error::ServiceError,
    formats::{Charset, DatumArg, FileFormat, HoursConverter, Mapping, ReadOptions, StoreOptions},
    opening_hours::{HolidayCalendar, is_time_zone},
    reason,
};

/// Options of an import.
#[derive(Clone, Debug)]
pub(super) struct ImportOptions {
    pub(super) read: ReadOptions,
    pub(super) store: StoreOptions,
}

/// The format that a content type names.
pub(super) fn format_of(headers: &HeaderMap) -> Option<FileFormat> {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    match value.to_str().ok()?.split(';').next()?.trim().to_ascii_lowercase().as_str() {
        "text/csv" => Some(FileFormat::Csv),
        "application/x-ndjson" => Some(FileFormat::Ndjson),
        "application/geo+json" => Some(FileFormat::Geojson),
        _ => None,
    }
}

impl ImportOptions {
    /// Parses the parameters of a URL, which have the names of the flags of `nearby import` in lowerCamelCase.
    pub(super) fn of_query(format: FileFormat, query: &str) -> Result<Self, ServiceError> {
        let mut time_zone = None;
        let calendar = HolidayCalendar::load(None)
            .map_err(|_| ServiceError::Internal("the built-in holidays cannot be read"))?;
        let mut read = ReadOptions::new(format, HoursConverter::default());
        let mut store = StoreOptions::default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let invalid =
                |description: String| ServiceError::invalid(&*name, reason::OUT_OF_RANGE, description);
            match &*name {
                "datum" => {
                    let datum = <DatumArg as clap::ValueEnum>::from_str(&value, true);
                    read.datum = Some(datum.map_err(|_| invalid("must be wgs84, gcj02 or bd09".to_owned()))?);
                }
                "encoding" => {
                    read.charset = Some(value.parse::<Charset>().map_err(|error| invalid(error.to_string()))?)
                }
                "map" => {
                    read.mappings.push(value.parse::<Mapping>().map_err(|error| invalid(error.to_string()))?)
                }
                "timeZone" if is_time_zone(&value) => time_zone = Some(value.into_owned()),
                "timeZone" => {
                    let description = "must be a name of IANA's time zone database, such as Asia/Shanghai";
                    return Err(ServiceError::invalid("timeZone", reason::TIME_ZONE_UNKNOWN, description));
                }
                "source" if !value.trim().is_empty() && value.len() <= 64 => {
                    store.source = Some(value.into_owned())
                }
                "source" => return Err(invalid("must be 1 to 64 bytes and not blank".to_owned())),
                "allowNullIsland" => store.allow_null_island = flag(&name, &value)?,
                "replaceFields" => store.replace_fields = flag(&name, &value)?,
                "dryRun" => store.dry_run = flag(&name, &value)?,
                other => {
                    let name: String = other.chars().take(64).collect();
                    let description = "is not known; expected one of datum, encoding, map, timeZone, source, allowNullIsland, \
                                       replaceFields, dryRun";
                    return Err(ServiceError::invalid(name, reason::UNKNOWN_FIELD, description));
                }
            }
        }
        read.hours = HoursConverter::new(time_zone, calendar).into();
        Ok(Self { read, store })
    }
}

fn flag(name: &str, value: &str) -> Result<bool, ServiceError> {
    match value {
        "" | "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(ServiceError::invalid(name, reason::OUT_OF_RANGE, "must be true or false")),
    }
}
