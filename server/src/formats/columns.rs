//! Converts named columns to a merchant.

use clap::ValueEnum;
use nearby_proto::v1 as wire;
use thiserror::Error;

use super::{
    DatumArg,
    hours::opening_hours,
    rows::{Warnings, violation},
};
use crate::{error::Violation, reason};

/// A column that is imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Id,
    Name,
    Brand,
    Categories,
    Services,
    Latitude,
    Longitude,
    Datum,
    Address,
    City,
    Region,
    PostalCode,
    Country,
    Phone,
    Website,
    Hours,
    TimeZone,
    Visibility,
    AppId,
    AppPath,
}

impl Column {
    /// Returns the column with a header, which is matched by any of its common names.
    fn of(header: &str) -> Option<Self> {
        Some(match header.trim().to_ascii_lowercase().as_str() {
            "id" | "merchant_id" => Self::Id,
            "name" | "display_name" => Self::Name,
            "brand" => Self::Brand,
            "category" | "categories" => Self::Categories,
            "services" => Self::Services,
            "lat" | "latitude" => Self::Latitude,
            "lon" | "lng" | "longitude" => Self::Longitude,
            "datum" | "coordinate_system" => Self::Datum,
            "address" | "address_lines" => Self::Address,
            "city" | "locality" => Self::City,
            "state" | "province" | "administrative_area" => Self::Region,
            "postal_code" | "postcode" | "zip" => Self::PostalCode,
            "country" | "region_code" => Self::Country,
            "phone" => Self::Phone,
            "website" | "website_uri" | "url" => Self::Website,
            "hours" | "opening_hours" => Self::Hours,
            "tz" | "time_zone" | "timezone" => Self::TimeZone,
            "visibility" => Self::Visibility,
            "app_id" => Self::AppId,
            "app_path" => Self::AppPath,
            _ => return None,
        })
    }
}

/// Required columns that a file lacks.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("has no column {}; the columns id, name, lat and lon are required", .0.join(", "))]
pub(super) struct MissingColumns(Vec<&'static str>);

/// The column at each position of a row.
#[derive(Debug)]
pub(super) struct Columns {
    at: Vec<Option<Column>>,
    ignored: Vec<String>,
}

impl Columns {
    pub(super) fn of<'a>(headers: impl Iterator<Item = &'a str>) -> Result<Self, MissingColumns> {
        let mut columns = Self { at: Vec::new(), ignored: Vec::new() };
        for header in headers {
            let column = Column::of(header).filter(|column| !columns.at.contains(&Some(*column)));
            if column.is_none() {
                columns.ignored.push(header.to_owned());
            }
            columns.at.push(column);
        }
        let required = [
            ("id", Column::Id),
            ("name", Column::Name),
            ("lat", Column::Latitude),
            ("lon", Column::Longitude),
        ];
        let missing: Vec<&str> = required
            .into_iter()
            .filter(|(_, column)| !columns.at.contains(&Some(*column)))
            .map(|(name, _)| name)
            .collect();
        if missing.is_empty() { Ok(columns) } else { Err(MissingColumns(missing)) }
    }

    /// Headers that are unknown, or repeat a column.
    pub(super) fn ignored(&self) -> &[String] {
        &self.ignored
    }

    /// Converts a row, which has one cell per column, to a merchant.
    pub(super) fn merchant(
        &self,
        cells: &[&str],
        datum: DatumArg,
        warnings: &mut Warnings,
    ) -> Result<wire::Merchant, Violation> {
        let cell = |column: Column| {
            let at = self.at.iter().position(|other| *other == Some(column));
            at.and_then(|at| cells.get(at)).map_or("", |cell| cell.trim())
        };
        let text = |column: Column| cell(column).to_owned();
        let list = |column: Column| {
            cell(column)
                .split(';')
                .map(str::trim)
                .filter(|part| !part.is_empty())
                .map(str::to_owned)
                .collect()
        };
        let id = cell(Column::Id);
        if id.is_empty() {
            return Err(violation("name", reason::REQUIRED, "must have an id"));
        }
        Ok(wire::Merchant {
            name: format!("merchants/{id}"),
            display_name: text(Column::Name),
            brand: text(Column::Brand),
            categories: list(Column::Categories),
            services: list(Column::Services),
            position: Some(position(cell, datum)?),
            address: address(cell, warnings),
            phone: text(Column::Phone),
            opening_hours: opening_hours(cell(Column::Hours), cell(Column::TimeZone), warnings),
            mini_program: mini_program(cell(Column::AppId), cell(Column::AppPath)),
            visibility: visibility(cell(Column::Visibility))?.into(),
            website_uri: text(Column::Website),
            ..Default::default()
        })
    }
}

fn position<'a>(cell: impl Fn(Column) -> &'a str, datum: DatumArg) -> Result<wire::Position, Violation> {
    let (latitude, longitude) = (cell(Column::Latitude), cell(Column::Longitude));
    if latitude.is_empty() || longitude.is_empty() {
        return Err(violation("position", reason::POSITION_MISSING, "must have a latitude and a longitude"));
    }
    let number = |field: &str, text: &str| {
        text.parse::<f64>().map_err(|_| {
            violation(field, reason::NOT_A_NUMBER, "must be decimal degrees with a decimal point")
        })
    };
    let datum = match cell(Column::Datum) {
        "" => datum,
        named => DatumArg::from_str(named, true).map_err(|_| {
            let description = "must be wgs84, gcj02 or bd09";
            violation("position.coordinate_system", reason::COORDINATE_SYSTEM_UNKNOWN, description)
        })?,
    };
    Ok(wire::Position {
        latitude: number("position.latitude", latitude)?,
        longitude: number("position.longitude", longitude)?,
        coordinate_system: wire::CoordinateSystem::from(datum).into(),
        accuracy_m: None,
    })
}

fn address<'a>(cell: impl Fn(Column) -> &'a str, warnings: &mut Warnings) -> Option<wire::PostalAddress> {
    let country = cell(Column::Country).to_ascii_uppercase();
    let region_code = match country.len() {
        0 => String::new(),
        2 => rust_iso3166::from_alpha2(&country).map(|country| country.alpha2.to_owned()).unwrap_or_default(),
        _ => rust_iso3166::from_alpha3(&country).map(|country| country.alpha2.to_owned()).unwrap_or_default(),
    };
    if region_code.is_empty() && !country.is_empty() {
        warnings.push("COUNTRY_UNKNOWN");
    }
    let address = wire::PostalAddress {
        region_code,
        postal_code: cell(Column::PostalCode).to_owned(),
        administrative_area: cell(Column::Region).to_owned(),
        locality: cell(Column::City).to_owned(),
        sublocality: String::new(),
        address_lines: Some(cell(Column::Address))
            .filter(|line| !line.is_empty())
            .map(str::to_owned)
            .into_iter()
            .collect(),
    };
    (address != wire::PostalAddress::default()).then_some(address)
}

fn mini_program(app_id: &str, path: &str) -> Option<wire::MiniProgramLink> {
    (!app_id.is_empty()).then(|| wire::MiniProgramLink { app_id: app_id.to_owned(), path: path.to_owned() })
}

fn visibility(text: &str) -> Result<wire::Visibility, Violation> {
    match text.to_ascii_lowercase().as_str() {
        "" | "visible" => Ok(wire::Visibility::Visible),
        "hidden" => Ok(wire::Visibility::Hidden),
        _ => Err(violation("visibility", reason::OUT_OF_RANGE, "must be visible or hidden")),
    }
}
