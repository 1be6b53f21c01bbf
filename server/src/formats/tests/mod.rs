//! Valid and invalid files of every format.

use std::io::{Cursor, Write};

use nearby_proto::v1::service_area::Shape;
use proptest::prelude::*;
use ruzstd::encoding::CompressionLevel;

use super::*;
use crate::opening_hours::HolidayCalendar;

fn defaults(format: FileFormat) -> ReadOptions {
    ReadOptions::new(format, HoursConverter::default())
}

fn read(bytes: impl Into<Vec<u8>>, format: FileFormat) -> Vec<Row> {
    let input = Input::read(Cursor::new(bytes.into()), &defaults(format)).unwrap();
    input.rows.map(Result::unwrap).collect()
}

fn options(format: FileFormat, datum: Option<DatumArg>) -> ReadOptions {
    ReadOptions { datum, ..defaults(format) }
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
    let input = Input::read(Cursor::new(CSV), &options(FileFormat::Csv, Some(DatumArg::Gcj02))).unwrap();
    assert_eq!(input.ignored.to_vec(), ["colour"]);
    let rows: Vec<Row> = input.rows.map(Result::unwrap).collect();
    let expected =
        ["accepted", "POSITION_MISSING", "NOT_A_NUMBER", "accepted", "POSITION_MISSING", "REQUIRED"];
    assert_eq!(reasons(&rows), expected);
    assert_eq!(rows.iter().map(|row| row.number).collect::<Vec<_>>(), [2, 3, 4, 5, 7, 8]);
    assert_eq!(rows[1].source, b"b,No position,,2.5,US,,,");

    let merchant = rows[0].merchant.as_ref().unwrap();
    assert_eq!(merchant.name, "merchants/a");
    assert_eq!(merchant.position.unwrap().coordinate_system(), wire::CoordinateSystem::Gcj02);
    assert_eq!(merchant.address.as_ref().unwrap().region_code, "US");
    let hours = merchant.opening_hours.as_ref().unwrap();
    assert_eq!((hours.time_zone.as_str(), hours.osm_expression.as_str()), ("US/Eastern", "Mo 10:00-12:00"));
    let mut warnings =
        rows.into_iter().map(|row| row.warnings.into_iter().map(|warning| warning.code).collect());
    assert_eq!(warnings.next(), Some(Vec::new()));
    let expected = vec!["NAME_HAS_LINE_BREAK", "COUNTRY_UNKNOWN", "TIME_ZONE_UNKNOWN"];
    assert_eq!(warnings.nth(2), Some(expected));
}

#[test]
fn a_csv_file_without_a_required_column_is_rejected() {
    let rejected = Input::read(Cursor::new("id,name,lat\n"), &options(FileFormat::Csv, None)).err().unwrap();
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
fn the_rows_before_the_damage_of_a_stream_are_read() {
    let feature = "{\"type\":\"Feature\",\"id\":1,\"geometry\":{\"type\":\"Point\",\"coordinates\":[1,2]},\"properties\":{\"name\":\"A\"}}\n";
    // Far longer than the window of 128 KiB, which a decoder keeps until the end.
    let text = feature.repeat(6_000);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(text.as_bytes()).unwrap();
    let directory = tempfile::tempdir().unwrap();
    for whole in [
        gzip.finish().unwrap(),
        ruzstd::encoding::compress_to_vec(text.as_bytes(), CompressionLevel::Fastest),
    ] {
        let truncated = &whole[..whole.len() - 5];
        let options = defaults(FileFormat::Geojson);
        let outcome = |input: Input| {
            let rows: Vec<_> = input.rows.collect();
            let (read, failed): (Vec<_>, Vec<_>) = rows.into_iter().partition(Result::is_ok);
            (read.len(), failed.into_iter().map(|failed| failed.unwrap_err().to_string()).collect::<Vec<_>>())
        };
        let path = directory.path().join("truncated");
        std::fs::write(&path, truncated).unwrap();
        let of_file = outcome(Input::open(&path, &options).unwrap());
        let of_stream = outcome(Input::read(Cursor::new(truncated.to_vec()), &options).unwrap());
        assert_eq!(of_stream, of_file);
        assert!(of_stream.0 > 0 && of_stream.1.len() == 1, "{of_stream:?}");
    }
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

/// Earlier versions stored URIs that are rejected today; an export with them can be imported again.
#[test]
fn uris_of_an_export_that_are_rejected_today_are_dropped_with_a_warning() {
    let photos = r#""photos":[{"uri":"https://a.test/1"},{"uri":"https://a.test/'2'"},{"uri":"3"}]"#;
    let fields = format!(r#""displayName":"A","websiteUri":"https://a.test/\"onclick=",{photos}"#);
    let ndjson = format!("{{\"name\":\"merchants/a\",{fields}}}");
    let geojson = format!(
        r#"{{"type":"Feature","id":"merchants/a","geometry":{{"type":"Point","coordinates":[24.9,60.1]}},"properties":{{"name":"merchants/a",{fields}}}}}"#
    );
    for (text, format) in [(ndjson, FileFormat::Ndjson), (geojson, FileFormat::Geojson)] {
        let row = read(text, format).remove(0);
        let merchant = row.merchant.unwrap();
        let photos: Vec<&str> = merchant.photos.iter().map(|photo| photo.uri.as_str()).collect();
        assert_eq!((merchant.website_uri.as_str(), photos), ("", vec!["https://a.test/1"]));
        let warnings: Vec<(&str, String)> =
            row.warnings.into_iter().map(|warning| (warning.code, warning.detail)).collect();
        let expected = [
            ("WEBSITE_DROPPED", "https://a.test/\"onclick="),
            ("PHOTO_DROPPED", "https://a.test/'2'"),
            ("PHOTO_DROPPED", "3"),
        ];
        assert_eq!(warnings, expected.map(|(code, detail)| (code, detail.to_owned())));
    }
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

/// Reads CSV and returns the time zone, expression, text and warnings of the hours of each row.
fn hours_of_rows(csv: &'static str, time_zone: Option<&str>) -> Vec<[String; 4]> {
    let hours = HoursConverter::new(time_zone.map(str::to_owned), HolidayCalendar::built_in());
    let options = ReadOptions::new(FileFormat::Csv, hours);
    let rows = Input::read(Cursor::new(csv), &options).unwrap().rows;
    rows.map(|row| {
        let row = row.unwrap();
        let hours = row.merchant.unwrap().opening_hours.unwrap();
        let warnings: Vec<_> =
            row.warnings.into_iter().map(|warning| format!("{} {}", warning.code, warning.detail)).collect();
        [hours.time_zone, hours.osm_expression, hours.display_text, warnings.join("; ")]
    })
    .collect()
}

#[test]
fn hours_are_kept_as_expressions_or_as_text_with_a_warning() {
    let csv = "id,name,lat,lon,country,hours\n\
        a,A,60.17,24.94,FI,Mo-Fr 09:00-17:00; PH off\n\
        b,B,60.17,24.94,FI,Mo-Fr 09:00-17:00; SH off\n\
        c,C,60.17,24.94,FI,ask inside\n\
        d,D,31.23,121.47,,周一至周五 09:00-18:00\n\
        e,E,50,-30,,24/7; PH off\n";
    assert_eq!(
        hours_of_rows(csv, None),
        [
            ["Europe/Helsinki", "Mo-Fr 09:00-17:00; PH off", "", ""],
            ["Europe/Helsinki", "Mo-Fr 09:00-17:00; SH off", "", "SCHOOL_HOLIDAYS_UNKNOWN FI"],
            ["", "", "ask inside", "HOURS_NOT_UNDERSTOOD unexpected text, at byte 0: \"ask inside\""],
            ["Asia/Shanghai", "Mo-Fr 09:00-18:00", "周一至周五 09:00-18:00", ""],
            ["Etc/GMT+2", "24/7; PH off", "", "HOLIDAYS_UNKNOWN no country"],
        ]
    );
}

#[test]
fn the_zone_of_the_row_comes_before_that_of_the_import_and_that_before_the_position() {
    let csv = "id,name,lat,lon,tz,hours\na,A,60.17,24.94,,24/7\nb,B,60.17,24.94,Europe/Oslo,24/7\n";
    let zones = |time_zone| -> Vec<String> {
        hours_of_rows(csv, time_zone).into_iter().map(|[zone, ..]| zone).collect()
    };
    assert_eq!(zones(None), ["Europe/Helsinki", "Europe/Oslo"]);
    assert_eq!(zones(Some("Europe/Tallinn")), ["Europe/Tallinn", "Europe/Oslo"]);
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
            osm_expression: "Mo 10:00-12:00".to_owned(),
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
        let mut writer = Writer::new(Vec::new(), format, true).unwrap();
        writer.write(&full_merchant()).unwrap();
        writer.write(&full_merchant()).unwrap();
        let rows = read(writer.finish().unwrap().0, format);
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
        Input::read(Cursor::new(text), &defaults(format)).err().unwrap().to_string()
    };
    assert!(rejected("", FileFormat::Csv).contains("is empty"));
    assert!(rejected("id,name,lat\n", FileFormat::Csv).contains("--map lon=COLUMN"));
    assert!(rejected("", FileFormat::Geojson).contains("FeatureCollection"));
    assert_eq!(reasons(&read("{}", FileFormat::Geojson)), ["NOT_A_FEATURE"]);
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
        let mut rows = Input::read(Cursor::new(text), &options(FileFormat::Ndjson, datum)).unwrap().rows;
        let merchant = rows.next().unwrap().unwrap().merchant.unwrap();
        assert_eq!(merchant.position.unwrap().coordinate_system(), expected);
    }
}

/// A point moved in a map editor is the intended position.
#[test]
fn a_moved_point_of_an_exported_file_replaces_the_position() {
    let mut writer = Writer::new(Vec::new(), FileFormat::Geojson, true).unwrap();
    writer.write(&full_merchant()).unwrap();
    let exported = String::from_utf8(writer.finish().unwrap().0).unwrap();
    let moved = exported.replace("\"coordinates\":[121.4692,31.2324]", "\"coordinates\":[10.0,50.0]");
    assert_ne!(moved, exported);
    let rows = read(moved, FileFormat::Geojson);
    let position = rows[0].merchant.as_ref().unwrap().position.unwrap();
    assert_eq!((position.latitude, position.longitude), (50.0, 10.0));
    assert_eq!(position.coordinate_system(), wire::CoordinateSystem::Wgs84);
}

/// Text as a merchant can contain it, with the characters that formats give a meaning.
fn any_text(max: usize) -> impl Strategy<Value = String> {
    let chars = prop::sample::select("aZ0 ;,'\"\\=+-@{}[]\u{e9}王😀\u{200d}".chars().collect::<Vec<_>>());
    let text = prop::collection::vec(chars, 1..max).prop_map(|chars| chars.into_iter().collect::<String>());
    text.prop_filter_map("blank", |text| {
        let trimmed = super::visible_text::trim(&text).to_owned();
        (!trimmed.is_empty()).then_some(trimmed)
    })
}

/// Merchants as the server stores them.
fn any_merchant() -> impl Strategy<Value = wire::Merchant> {
    let texts = (any_text(12), any_text(12), any_text(12), any_text(12), any_text(12));
    let lists = (prop::collection::vec(any_text(8), 0..3), prop::collection::vec(any_text(8), 0..3));
    let numbers = (-90.0..90.0_f64, -180.0..180.0_f64, 1..4_i32, prop::option::of(0.0..1e6_f64));
    let has = (prop::array::uniform6(any::<bool>()), 1..=3_i32);
    (texts, lists, numbers, has).prop_map(|(texts, lists, numbers, (has, visibility))| {
        let (name, brand, line, city, phone) = texts;
        let (latitude, longitude, coordinate_system, accuracy_m) = numbers;
        let [has_address, has_hours, has_periods, has_photo, has_label, has_id] = has;
        let ring = wire::Ring { latitudes: vec![1.5, 1.0, 1.25], longitudes: vec![-0.5, -0.25, 0.0] };
        let polygon = wire::Polygon { shell: Some(ring), holes: Vec::new() };
        let set = wire::PolygonSet { coordinate_system, polygons: vec![polygon] };
        let shape = if has_photo { Shape::RadiusM(1_500.5) } else { Shape::Polygons(set) };
        let position = wire::Position { latitude, longitude, coordinate_system, accuracy_m };
        wire::Merchant {
            name: format!("merchants/{}", name.replace('/', "-")),
            display_name: name,
            brand,
            categories: lists.0,
            services: lists.1,
            position: Some(position),
            wgs84_position: Some(wire::Position { coordinate_system: 1, accuracy_m: None, ..position }),
            address: has_address.then(|| wire::PostalAddress {
                region_code: "FI".to_owned(),
                sublocality: city.clone(),
                locality: city.clone(),
                address_lines: vec![line.clone(), city.clone()],
                ..Default::default()
            }),
            opening_hours: has_hours.then(|| wire::OpeningHours {
                time_zone: "Europe/Helsinki".to_owned(),
                weekly_periods: if has_periods {
                    vec![wire::WeeklyPeriod { weekday: 2, start_minute: 61, length_minutes: 60 }]
                } else {
                    Vec::new()
                },
                ..Default::default()
            }),
            phone,
            visibility,
            source: if has_label { "osm".to_owned() } else { String::new() },
            mini_program: has_id
                .then(|| wire::MiniProgramLink { app_id: "wx1".to_owned(), path: line.clone() }),
            photos: Vec::from_iter(
                has_photo
                    .then(|| wire::Photo { uri: "https://example.test/p".to_owned(), ..Default::default() }),
            ),
            labels: has_label.then(|| ("key".to_owned(), city.clone())).into_iter().collect(),
            external_ids: Vec::from_iter(
                has_id.then(|| wire::ExternalId { system: "osm".to_owned(), id: line }),
            ),
            website_uri: "https://example.test/".to_owned(),
            service_area: has_address.then_some(wire::ServiceArea { shape: Some(shape) }),
            attributes: if has_photo {
                [("rating".to_owned(), 4.25), ("a;b".to_owned(), -1e-300)].into()
            } else {
                Default::default()
            },
            localized_names: if has_id {
                [("zh-Hans".to_owned(), format!("x=;\\{city}y"))].into()
            } else {
                Default::default()
            },
            business_status: if has_photo { wire::BusinessStatus::ClosedTemporarily.into() } else { 0 },
            reopening_date: has_photo.then_some(wire::CalendarDate { year: 2026, month: 3, day: 1 }),
            valid_from: has_id
                .then_some(nearby_proto::well_known::Timestamp { seconds: -1, nanos: 500_000_000 }),
            valid_until: has_label
                .then_some(nearby_proto::well_known::Timestamp { seconds: 1_772_000_000, nanos: 0 }),
            service_links: Vec::from_iter(
                has_label.then(|| wire::ServiceLink { service: "order".to_owned(), ..Default::default() }),
            ),
            ..Default::default()
        }
    })
}

fn is_polygons(area: &wire::ServiceArea) -> bool {
    matches!(area.shape, Some(Shape::Polygons(_)))
}

#[test]
fn service_areas_are_read_from_a_column_and_from_a_geometry() {
    let csv = "id,name,lat,lon,service_radius_m\n1,a,60,25,2500\n2,b,60,25,\n3,c,60,25,far\n";
    let rows = read(csv.as_bytes().to_vec(), FileFormat::Csv);
    let area = |row: &Row| row.merchant.as_ref().unwrap().service_area.clone();
    let circle = wire::ServiceArea { shape: Some(Shape::RadiusM(2_500.0)) };
    assert_eq!((area(&rows[0]), area(&rows[1])), (Some(circle), None));
    let violation = rows[2].merchant.as_ref().unwrap_err();
    assert_eq!(
        (violation.field.as_str(), violation.reason.as_str()),
        ("service_area.radius_m", "NOT_A_NUMBER")
    );
    assert!(rows[0].fields.as_ref().unwrap().contains(&"service_area.radius_m"));

    let feature = |area: &str| {
        let properties = format!(r#"{{"id":1,"name":"a","service_area":{area}}}"#);
        let geometry = r#"{"type":"Point","coordinates":[25,60]}"#;
        format!("{{\"type\":\"Feature\",\"geometry\":{geometry},\"properties\":{properties}}}\n")
    };
    let polygon = r#"{"type":"Polygon","coordinates":[[[25,60],[25.1,60],[25.1,60.1],[25,60]]]}"#;
    let file = [polygon, "null", r#"{"type":"Point","coordinates":[25,60]}"#].map(feature).concat();
    let rows = read(file.into_bytes(), FileFormat::Geojson);
    let Some(Shape::Polygons(set)) = area(&rows[0]).unwrap().shape else { panic!("{:?}", rows[0]) };
    let shell = set.polygons[0].shell.as_ref().unwrap();
    assert_eq!((shell.latitudes[0], shell.longitudes[0]), (60.0, 25.0), "longitude comes first in GeoJSON");
    assert_eq!(area(&rows[1]), None);
    let violation = rows[2].merchant.as_ref().unwrap_err();
    assert_eq!((violation.field.as_str(), violation.reason.as_str()), ("service_area", "AREA_INVALID"));
    assert!(rows[0].fields.as_ref().unwrap().contains(&"service_area"));
}

proptest! {
    #[test]
    fn importing_an_export_is_the_identity(merchants in prop::collection::vec(any_merchant(), 1..4)) {
        for format in [FileFormat::Ndjson, FileFormat::Geojson, FileFormat::Csv] {
            let mut writer = Writer::new(Vec::new(), format, true).unwrap();
            merchants.iter().for_each(|merchant| writer.write(merchant).unwrap());
            let (file, left_out) = writer.finish().unwrap();
            let read: Vec<wire::Merchant> =
                read(file, format).into_iter().map(|row| row.merchant.unwrap()).collect();
            let expected: Vec<wire::Merchant> = merchants.iter().cloned().map(|merchant| {
                if format != FileFormat::Csv {
                    return merchant;
                }
                // A table has no room for these, and says so.
                let hours = merchant.opening_hours.filter(|hours| hours.weekly_periods.is_empty());
                wire::Merchant {
                    wgs84_position: None,
                    photos: Vec::new(),
                    labels: Default::default(),
                    external_ids: Vec::new(),
                    source: String::new(),
                    service_links: Vec::new(),
                    opening_hours: hours,
                    service_area: merchant.service_area.filter(|area| !is_polygons(area)),
                    ..merchant
                }
            }).collect();
            prop_assert_eq!(&read, &expected, "{:?}", format);
            if format == FileFormat::Csv {
                let with = |has: fn(&wire::Merchant) -> bool| {
                    merchants.iter().filter(|merchant| has(merchant)).count() as u64
                };
                let expected = LeftOut {
                    photos: with(|merchant| !merchant.photos.is_empty()),
                    labels: with(|merchant| !merchant.labels.is_empty()),
                    external_ids: with(|merchant| !merchant.external_ids.is_empty()),
                    sources: with(|merchant| !merchant.source.is_empty()),
                    service_links: with(|merchant| !merchant.service_links.is_empty()),
                    reviews: 0,
                    opening_hours: with(|merchant| {
                        merchant.opening_hours.as_ref().is_some_and(|hours| !hours.weekly_periods.is_empty())
                    }),
                    service_areas: with(|merchant| merchant.service_area.as_ref().is_some_and(is_polygons)),
                };
                prop_assert_eq!(left_out, expected);
            }
        }
    }
}

#[test]
fn a_feature_replaces_the_state_of_a_listing_only_if_it_has_it() {
    let feature = |properties: &str| {
        format!(
            r#"{{"type":"Feature","id":"1","geometry":{{"type":"Point","coordinates":[25,60]}},"properties":{{"name":"A"{properties}}}}}"#
        )
    };
    for (properties, given) in [
        ("", &[][..]),
        (r#","valid_from":"2026-03-01T08:00:00Z""#, &["valid_from"]),
        (r#","name:fi":"B","attributes":{"rating":4}"#, &["attributes", "localized_names"]),
        (r#","service_area":null"#, &["service_area"]),
    ] {
        let rows = read(feature(properties).into_bytes(), FileFormat::Geojson);
        let fields = rows[0].fields.as_ref().unwrap();
        assert!(fields.contains(&"phone") && fields.contains(&"visibility"));
        let kept = [
            "attributes",
            "business_status",
            "localized_names",
            "reopening_date",
            "service_area",
            "valid_from",
            "valid_until",
        ];
        let named: Vec<&str> = kept.into_iter().filter(|field| fields.contains(field)).collect();
        assert_eq!(named, given, "{properties}");
    }
}

#[test]
fn names_in_languages_that_no_merchant_can_have_are_dropped_and_the_row_is_kept() {
    let many: String = (0..40).map(|number| format!(",x-{number:02}")).collect();
    let cells: String = (0..40).map(|_| ",n").collect();
    let header =
        format!("id,name,lat,lon,name:zh-Hans,name:zh_hans,name:fi{}", many.replace(",x-", ",name:qaa-abc"));
    let row = format!("1,A,60,25,a,b,{}{cells}", "c".repeat(257));
    let rows = read(format!("{header}\n{row}\n").into_bytes(), FileFormat::Csv);
    let names = rows[0].merchant.as_ref().unwrap().localized_names.clone();
    assert_eq!(names.len(), 32);
    assert_eq!((names["zh-Hans"].as_str(), names.get("fi"), names.get("zh_hans")), ("a", None, None));
}

mod rejected;
