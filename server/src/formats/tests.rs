//! Valid and invalid files of every format.

use std::io::{Cursor, Write};

use ruzstd::encoding::CompressionLevel;

use super::*;

fn read(bytes: impl Into<Vec<u8>>, format: FileFormat) -> Vec<Row> {
    let input = Input::read(Cursor::new(bytes.into()), None, format, None).unwrap();
    input.rows.map(Result::unwrap).collect()
}

fn reasons(rows: &[Row]) -> Vec<&str> {
    rows.iter()
        .map(|row| row.merchant.as_ref().map_or_else(|violation| violation.reason.as_str(), |_| "accepted"))
        .collect()
}

const CSV: &str = "\
id,name,lat,lon,country,tz,hours,colour
a,Plain,1.5,2.5,USA,US/Eastern,Mo 10:00-12:00,red
b,No position,,2.5,US,,,
c,Text,null,2.5,US,,,
d,\"Two
lines\",1,2,XX,-5,by appointment,
e,Too,few
,No id,1,2,US,,,
";

#[test]
fn csv_rows_are_converted_or_rejected_with_a_reason() {
    let input = Input::read(Cursor::new(CSV), None, FileFormat::Csv, Some(DatumArg::Gcj02)).unwrap();
    assert_eq!(input.ignored_columns, ["colour"]);
    let rows: Vec<Row> = input.rows.map(Result::unwrap).collect();
    let expected = ["accepted", "POSITION_MISSING", "NOT_A_NUMBER", "accepted", "COLUMN_COUNT", "REQUIRED"];
    assert_eq!(reasons(&rows), expected);
    assert_eq!(rows.iter().map(|row| row.number).collect::<Vec<_>>(), [2, 3, 4, 5, 7, 8]);
    assert_eq!(rows[1].source, "b,No position,,2.5,US,,,");

    let merchant = rows[0].merchant.as_ref().unwrap();
    assert_eq!(merchant.name, "merchants/a");
    assert_eq!(merchant.position.unwrap().coordinate_system(), wire::CoordinateSystem::Gcj02);
    assert_eq!(merchant.address.as_ref().unwrap().region_code, "US");
    let hours = merchant.opening_hours.as_ref().unwrap();
    assert_eq!((hours.time_zone.as_str(), hours.weekly_periods.len()), ("US/Eastern", 1));
    let mut warnings =
        rows.into_iter().map(|row| row.warnings.into_iter().map(|warning| warning.code).collect());
    assert_eq!(warnings.next(), Some(Vec::new()));
    let expected = vec!["COUNTRY_UNKNOWN", "TIME_ZONE_UNKNOWN", "HOURS_NOT_UNDERSTOOD"];
    assert_eq!(warnings.nth(2), Some(expected));
}

#[test]
fn a_csv_file_without_a_required_column_is_rejected() {
    let rejected = Input::read(Cursor::new("id,name,lat\n"), None, FileFormat::Csv, None).err().unwrap();
    assert!(rejected.to_string().contains("no column lon"), "{rejected}");
}

#[test]
fn invalid_utf_8_rejects_only_its_row() {
    let rows = read(b"id,name,lat,lon\na,\xff,1,2\nb,Good,1,2\n", FileFormat::Csv);
    assert_eq!(reasons(&rows), ["NOT_UTF_8", "accepted"]);
}

#[test]
fn compression_is_detected_by_content() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(CSV.as_bytes()).unwrap();
    assert_eq!(read(gzip.finish().unwrap(), FileFormat::Csv).len(), 6);
    assert_eq!(
        read(ruzstd::encoding::compress_to_vec(CSV.as_bytes(), CompressionLevel::Fastest), FileFormat::Csv)
            .len(),
        6
    );
}

#[test]
fn ndjson_rows_are_merchants_in_protobuf_json() {
    let text = "\
{\"name\":\"merchants/a\",\"displayName\":\"A\",\"position\":{\"latitude\":1,\"longitude\":2,\"coordinateSystem\":\"COORDINATE_SYSTEM_WGS84\"}}

{\"name\":\"merchants/b\",\"colour\":\"red\"}
not json
";
    let rows = read(text, FileFormat::Ndjson);
    assert_eq!(reasons(&rows), ["accepted", "NOT_A_MERCHANT", "NOT_A_MERCHANT"]);
    assert_eq!(rows.iter().map(|row| row.number).collect::<Vec<_>>(), [1, 3, 4]);
}

#[test]
fn properties_of_foreign_geojson_are_columns() {
    let text = r#"{"type":"FeatureCollection","features":[
        {"type":"Feature","id":7,"geometry":{"type":"Point","coordinates":[24.9,60.1]},"properties":{"name":"Café","brand":null}},
        {"type":"Feature","geometry":{"type":"Point","coordinates":[24.9,60.1]},"properties":{"name":"No id"}},
        {"type":"Feature","id":"t","geometry":{"type":"Point","coordinates":["24.9","60.1"]},"properties":{"name":"Text"}},
        {"type":"Feature","id":"x","geometry":null,"properties":{"name":"Nowhere"}},
        {"type":"Feature","id":"y","geometry":{"type":"LineString","coordinates":[[1,2],[3,4]]},"properties":{"name":"Line"}}
    ]}"#;
    let rows = read(text, FileFormat::Geojson);
    let expected = ["accepted", "REQUIRED", "NOT_A_FEATURE", "POSITION_MISSING", "NOT_A_POINT"];
    assert_eq!(reasons(&rows), expected);
    let merchant = rows[0].merchant.as_ref().unwrap();
    assert_eq!((merchant.name.as_str(), merchant.position.unwrap().latitude), ("merchants/7", 60.1));
}

fn full_merchant() -> wire::Merchant {
    wire::Merchant {
        name: "merchants/wang".to_owned(),
        display_name: "老王面馆, \"best\"".to_owned(),
        brand: "Wang".to_owned(),
        categories: vec!["food".to_owned(), "noodles".to_owned()],
        services: vec!["delivery".to_owned()],
        position: Some(wire::Position {
            latitude: 31.230_416_123_456_7,
            // Inexact parsing of decimals changes the last bit of this number.
            longitude: -104.972_749_498_903_57,
            coordinate_system: wire::CoordinateSystem::Gcj02.into(),
            accuracy_m: None,
        }),
        wgs84_position: Some(wire::Position {
            latitude: 31.232_4,
            longitude: 121.469_2,
            coordinate_system: wire::CoordinateSystem::Wgs84.into(),
            accuracy_m: None,
        }),
        address: Some(wire::PostalAddress {
            region_code: "CN".to_owned(),
            locality: "Shanghai".to_owned(),
            address_lines: vec!["1 Road".to_owned()],
            ..Default::default()
        }),
        opening_hours: Some(wire::OpeningHours {
            time_zone: "Asia/Shanghai".to_owned(),
            weekly_periods: vec![wire::WeeklyPeriod { weekday: 1, start_minute: 600, length_minutes: 120 }],
            display_text: "Mo 10:00-12:00".to_owned(),
            ..Default::default()
        }),
        visibility: wire::Visibility::Hidden.into(),
        mini_program: Some(wire::MiniProgramLink {
            app_id: "wx1".to_owned(),
            path: "pages/a?b=1".to_owned(),
        }),
        ..Default::default()
    }
}

#[test]
fn written_files_are_read_back() {
    for format in [FileFormat::Csv, FileFormat::Ndjson, FileFormat::Geojson] {
        let mut writer = Writer::new(Vec::new(), format).unwrap();
        writer.write(&full_merchant()).unwrap();
        writer.write(&full_merchant()).unwrap();
        let rows = read(writer.finish().unwrap(), format);
        assert_eq!(rows.len(), 2);
        let mut expected = full_merchant();
        if format == FileFormat::Csv {
            expected.wgs84_position = None;
        }
        assert_eq!(rows[1].merchant.as_ref().unwrap(), &expected, "{format:?}");
    }
}

#[test]
fn errors_of_unexpected_content_are_helpful() {
    let rejected = |text: &'static str, format| {
        Input::read(Cursor::new(text), None, format, None).err().unwrap().to_string()
    };
    assert!(rejected("", FileFormat::Csv).contains("is empty"));
    assert!(rejected("id;name;lat;lon\na;A;1;2\n", FileFormat::Csv).contains("commas"));
    assert!(rejected("{}", FileFormat::Geojson).contains("FeatureCollection"));
    let array = read("[{\"name\": \"merchants/a\"}]", FileFormat::Ndjson);
    assert!(array[0].merchant.as_ref().unwrap_err().description.contains("not an array"));
    let marked = read("\u{feff}{\"name\": \"merchants/a\"}", FileFormat::Ndjson);
    assert_eq!(reasons(&marked), ["accepted"]);
}

/// A position in JSON must name its datum, unless the import names one.
#[test]
fn the_datum_of_an_import_applies_to_json_positions_without_one() {
    let text = "{\"name\": \"merchants/a\", \"position\": {\"latitude\": 1}}";
    for (datum, expected) in
        [(None, wire::CoordinateSystem::Unspecified), (Some(DatumArg::Bd09), wire::CoordinateSystem::Bd09)]
    {
        let mut rows = Input::read(Cursor::new(text), None, FileFormat::Ndjson, datum).unwrap().rows;
        let merchant = rows.next().unwrap().unwrap().merchant.unwrap();
        assert_eq!(merchant.position.unwrap().coordinate_system(), expected);
    }
}

/// A point moved in a map editor is the intended position.
#[test]
fn a_moved_point_of_an_exported_file_replaces_the_position() {
    let mut writer = Writer::new(Vec::new(), FileFormat::Geojson).unwrap();
    writer.write(&full_merchant()).unwrap();
    let exported = String::from_utf8(writer.finish().unwrap()).unwrap();
    let moved = exported.replace("\"coordinates\":[121.4692,31.2324]", "\"coordinates\":[10.0,50.0]");
    assert_ne!(moved, exported);
    let rows = read(moved, FileFormat::Geojson);
    let position = rows[0].merchant.as_ref().unwrap().position.unwrap();
    assert_eq!((position.latitude, position.longitude), (50.0, 10.0));
    assert_eq!(position.coordinate_system(), wire::CoordinateSystem::Wgs84);
}
