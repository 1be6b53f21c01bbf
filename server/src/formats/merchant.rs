//! Converts the fields of a row to a merchant.

use std::{borrow::Cow, collections::BTreeMap};

use clap::ValueEnum;
use nearby_proto::v1 as wire;

use super::{
    DatumArg,
    coordinates::{self, Axis},
    country::country_code,
    field::{Cells, Field},
    hours::opening_hours,
    listing,
    rows::{COUNTRY_UNKNOWN, Warnings, name_of_id, violation},
    visible_text,
    website::website,
};
use crate::{error::Violation, language::Language, opening_hours::Expression, reason};

/// Converts the fields of a row. Returns the merchant, and the expression of its opening hours. `datum` applies to a position that names
/// none.
pub(super) fn merchant(
    cells: &Cells<'_>,
    datum: DatumArg,
    warnings: &mut Warnings,
) -> Result<(wire::Merchant, Option<Expression>), Violation> {
    let id = cells.text(Field::Id);
    if id.is_empty() {
        return Err(violation("name", reason::REQUIRED, "must have an id"));
    }
    if visible_text::has_invisible(id) {
        warnings.push("ID_HAS_INVISIBLE_CHARACTERS");
    }
    let text = |field: Field| visible_text::trim(cells.text(field)).to_owned();
    let display_name = text(Field::Name);
    // Most likely a quote that is missing, which makes the next rows a part of the name.
    if display_name.contains(['\n', '\r']) {
        warnings.push("NAME_HAS_LINE_BREAK");
    }
    let (website_uri, website_warning) = website(visible_text::trim(cells.text(Field::Website)));
    if let Some(warning) = website_warning {
        warnings.push_about(warning, cells.text(Field::Website));
    }
    let address = address(cells, warnings);
    let hours = visible_text::trim(cells.text(Field::Hours));
    let time_zone = visible_text::trim(cells.text(Field::TimeZone));
    let (opening_hours, expression) = opening_hours(hours, time_zone, warnings);
    let mut merchant = wire::Merchant {
        name: name_of_id(id),
        display_name,
        brand: text(Field::Brand),
        categories: cells.list(Field::Categories),
        services: cells.list(Field::Services),
        position: Some(position(cells, datum)?),
        address,
        phone: text(Field::Phone),
        opening_hours,
        mini_program: mini_program(cells, warnings),
        visibility: visibility(cells.text(Field::Visibility))?.into(),
        website_uri,
        service_area: service_radius(cells)?,
        attributes: attributes(cells)?,
        localized_names: localized_names(cells, warnings)?,
        ..Default::default()
    };
    listing::read(cells, &mut merchant)?;
    Ok((merchant, expression))
}

fn position(cells: &Cells<'_>, datum: DatumArg) -> Result<wire::Position, Violation> {
    let (mut latitude, mut longitude) =
        (Cow::Borrowed(cells.text(Field::Latitude)), Cow::Borrowed(cells.text(Field::Longitude)));
    // A pair in a column of its own, or in the first column of two.
    let pair = if latitude.is_empty() && longitude.is_empty() {
        coordinates::split_pair(cells.text(Field::Point))
    } else if longitude.is_empty() && coordinates::is_certain_pair(&latitude) {
        coordinates::split_pair(&latitude)
    } else {
        None
    };
    if let Some((first, second)) = pair {
        (latitude, longitude) = (Cow::Owned(first), Cow::Owned(second));
    }
    if latitude.is_empty() || longitude.is_empty() {
        return Err(violation("position", reason::POSITION_MISSING, "must have a latitude and a longitude"));
    }
    let number = |field: &str, text: &str, axis| {
        coordinates::parse(text, axis).map_err(|error| violation(field, reason::NOT_A_NUMBER, error))
    };
    let datum = match cells.text(Field::Datum) {
        "" => datum,
        named => DatumArg::from_str(named, true).map_err(|_| {
            let description = "must be wgs84, gcj02 or bd09";
            violation("position.coordinate_system", reason::COORDINATE_SYSTEM_UNKNOWN, description)
        })?,
    };
    let accuracy_m = match cells.text(Field::Accuracy) {
        "" => None,
        text => Some(text.parse().map_err(|_| {
            violation("position.accuracy_m", reason::NOT_A_NUMBER, "must be metres with a decimal point")
        })?),
    };
    Ok(wire::Position {
        latitude: number("position.latitude", &latitude, Axis::Latitude)?,
        longitude: number("position.longitude", &longitude, Axis::Longitude)?,
        coordinate_system: wire::CoordinateSystem::from(datum).into(),
        accuracy_m,
    })
}

fn address(cells: &Cells<'_>, warnings: &mut Warnings) -> Option<wire::PostalAddress> {
    let text = |field: Field| visible_text::trim(cells.text(field)).to_owned();
    let country = text(Field::Country);
    let region_code = country_code(&country).unwrap_or_default().to_owned();
    if region_code.is_empty() && !country.is_empty() {
        warnings.push_about(COUNTRY_UNKNOWN, country);
    }
    let lines = cells.text(Field::Address).lines().map(visible_text::trim).filter(|line| !line.is_empty());
    let address = wire::PostalAddress {
        region_code,
        postal_code: text(Field::PostalCode),
        administrative_area: text(Field::Region),
        locality: text(Field::City),
        sublocality: text(Field::District),
        address_lines: lines.map(str::to_owned).collect(),
    };
    (address != wire::PostalAddress::default()).then_some(address)
}

fn mini_program(cells: &Cells<'_>, warnings: &mut Warnings) -> Option<wire::MiniProgramLink> {
    let (app_id, path) = (cells.text(Field::AppId), cells.text(Field::AppPath));
    if app_id.is_empty() && !path.is_empty() {
        warnings.push("APP_PATH_WITHOUT_APP_ID");
    }
    (!app_id.is_empty()).then(|| wire::MiniProgramLink { app_id: app_id.to_owned(), path: path.to_owned() })
}

fn service_radius(cells: &Cells<'_>) -> Result<Option<wire::ServiceArea>, Violation> {
    match cells.text(Field::ServiceRadius) {
        "" => Ok(None),
        text => {
            let radius_m = text.parse().map_err(|_| {
                let description = "must be metres with a decimal point";
                violation("service_area.radius_m", reason::NOT_A_NUMBER, description)
            })?;
            Ok(Some(wire::ServiceArea { shape: Some(wire::service_area::Shape::RadiusM(radius_m)) }))
        }
    }
}

/// Parses attributes, which are written as `key=number`.
fn attributes(cells: &Cells<'_>) -> Result<BTreeMap<String, f64>, Violation> {
    let parse = |element: String| {
        let (key, value) = element.split_once('=')?;
        Some((key.trim().to_owned(), value.trim().parse().ok()?))
    };
    cells.list(Field::Attributes).into_iter().map(parse).collect::<Option<_>>().ok_or_else(|| {
        let description = "must be key=number with a decimal point, separated by semicolons";
        violation("attributes", reason::NOT_A_NUMBER, description)
    })
}

/// Parses names in languages, which are written as `tag=name`. Names that no merchant can have are dropped with a warning: OpenStreetMap has
/// places with a hundred of them, whose name and position are no less true.
fn localized_names(
    cells: &Cells<'_>,
    warnings: &mut Warnings,
) -> Result<BTreeMap<String, String>, Violation> {
    const MAX_NAMES: usize = 32;
    const MAX_BYTES: usize = 256;

    let parse = |element: String| {
        let (tag, name) = element.split_once('=')?;
        Some((tag.trim().to_owned(), visible_text::trim(name).to_owned()))
    };
    let parsed: Option<Vec<(String, String)>> =
        cells.list(Field::LocalizedNames).into_iter().map(parse).collect();
    let parsed = parsed.ok_or_else(|| {
        let description = "must be tag=name, such as zh-Hans=咖啡, separated by semicolons";
        violation("localized_names", reason::LANGUAGE_CODE_INVALID, description)
    })?;
    let mut names = BTreeMap::new();
    let mut seen: Vec<Language> = Vec::new();
    for (tag, name) in parsed {
        let language = Language::parse(&tag);
        let is_repeated =
            language.as_ref().is_some_and(|language| seen.iter().any(|other| other.is_same_tag(language)));
        if name.is_empty() || name.len() > MAX_BYTES || is_repeated || names.len() == MAX_NAMES {
            warnings.push_about("LOCALIZED_NAME_DROPPED", format!("{tag}={name}"));
            continue;
        }
        seen.extend(language);
        names.insert(tag, name);
    }
    Ok(names)
}

/// Parses a visibility; an empty text leaves it to the server.
fn visibility(text: &str) -> Result<wire::Visibility, Violation> {
    match text.to_ascii_lowercase().as_str() {
        "" => Ok(wire::Visibility::Unspecified),
        "visible" => Ok(wire::Visibility::Visible),
        "hidden" => Ok(wire::Visibility::Hidden),
        "missing" => Ok(wire::Visibility::Missing),
        _ => Err(violation("visibility", reason::OUT_OF_RANGE, "must be visible, hidden or missing")),
    }
}
