//! Files of rejected rows: they contain every row with its bytes, and can be imported again.

use super::*;

/// A row of a file of rejected rows, as a later import finds it.
fn sources(file: &[u8], format: FileFormat) -> (Vec<Vec<u8>>, Layout) {
    let input = Input::read(Cursor::new(file.to_vec()), &defaults(format)).unwrap();
    // Rows up to an error are stored or rejected, and an import writes none whose bytes it has not kept.
    let rows = input.rows.map_while(Result::ok).map(|row| row.source);
    (rows.filter(|source| !source.is_empty()).collect(), input.layout)
}

/// Writes the file of an import that rejects all rows.
fn rejected_file(rows: &[Vec<u8>], layout: &Layout) -> Vec<u8> {
    let reasons = layout.has_separate_reasons().then(Vec::new);
    let mut writer = RejectedWriter::new(layout.clone(), Vec::new(), reasons).unwrap();
    for source in rows {
        let (field, description) = ("position.latitude", "must be \"in\" range, é");
        let reason = "LATITUDE_OUT_OF_RANGE";
        writer.write(&Rejected { number: 7, source, reason, field, description }).unwrap();
    }
    writer.finish().unwrap().0
}

/// Rejects all rows of a file twice. Returns the file of rejected rows, which the second import writes again.
fn rejected_twice(file: &[u8], format: FileFormat) -> Vec<u8> {
    let (rows, layout) = sources(file, format);
    let first = rejected_file(&rows, &layout);
    let (again, layout) = sources(&first, format);
    assert_eq!(again.len(), rows.len());
    for (row, again) in rows.iter().zip(&again) {
        match format {
            FileFormat::Csv => {
                // Without the reason, which a row of such a file has already.
                let row =
                    row.windows(8).position(|part| part == b"LATITUDE").map_or(&row[..], |at| &row[..at]);
                assert!(again.starts_with(row), "the cells before the reason");
            }
            FileFormat::Ndjson | FileFormat::Geojson => assert_eq!(again, row),
        }
    }
    let second = rejected_file(&again, &layout);
    let text = String::from_utf8_lossy;
    assert_eq!(text(&second), text(&first));
    first
}

fn ignored_of_csv(file: &str) -> Vec<String> {
    Input::read(Cursor::new(file.to_owned()), &defaults(FileFormat::Csv)).unwrap().ignored.to_vec()
}

#[test]
fn rows_with_too_many_cells_keep_them_when_they_are_rejected_again() {
    let csv = "id,name,lat,lon\na,A,1,2,x,y\nb,B,,2,,\nc\nd,D,\"1,5\",\"x\"\"\"\n";
    let file = String::from_utf8(rejected_twice(csv.as_bytes(), FileFormat::Csv)).unwrap();
    let reason = "\"LATITUDE_OUT_OF_RANGE position.latitude: must be \"\"in\"\" range, \\u{e9} (line 7)\"";
    let rows = ["a,A,1,2,x,y,", "b,B,,2,,,", "c,,,,", "d,D,\"1,5\",\"x\"\"\","];
    let expected: String = rows.iter().map(|row| format!("{row}{reason}\n")).collect();
    assert_eq!(file, format!("id,name,lat,lon,reason\n{expected}"));
    assert_eq!(ignored_of_csv(&file), [""; 0]);

    let rows = read(file.clone(), FileFormat::Csv);
    assert_eq!(reasons(&rows), ["COLUMN_COUNT", "POSITION_MISSING", "POSITION_MISSING", "NOT_A_NUMBER"]);
    // A row without its reason has no cell that could be taken for it.
    let corrected = file.replace(&format!(",x,y,{reason}"), &format!(",{reason}"));
    let row = format!("b,B,,2,,,{reason}");
    for (with, outcome) in
        [("b,B,1,2,,,", "accepted"), ("b,B,1,2,x,", "COLUMN_COUNT"), ("b,B,1,2,x", "COLUMN_COUNT")]
    {
        let corrected = corrected.replace(&row, with);
        assert_eq!(reasons(&read(corrected.clone(), FileFormat::Csv))[..2], ["accepted", outcome], "{with}");
    }
}

#[test]
fn a_column_reason_of_a_user_is_listed_and_kept() {
    let csv = "id,name,lat,lon,Reason\na,A,,2,moved\nb,B,,2,\"closed (line 3)\"\n";
    assert_eq!(ignored_of_csv(csv), ["Reason"]);
    let file = String::from_utf8(rejected_twice(csv.as_bytes(), FileFormat::Csv)).unwrap();
    assert!(file.starts_with("id,name,lat,lon,Reason,reason\na,A,,2,moved,\"LATITUDE"), "{file}");
    assert!(file.contains("\nb,B,,2,\"closed (line 3)\",\"LATITUDE"), "{file}");
    assert_eq!(ignored_of_csv(&file), ["Reason"]);
}

#[test]
fn a_spreadsheet_can_save_a_file_of_rejected_rows() {
    let csv = "id,name,lat,lon\na,\u{e9},1,2,x\nb,B,,2\n";
    let file = String::from_utf8(rejected_twice(csv.as_bytes(), FileFormat::Csv)).unwrap();
    // Columns of the widest row in all rows, another delimiter, and quotes only where they are necessary.
    let mut saved = ::csv::WriterBuilder::new()
        .delimiter(b';')
        .terminator(::csv::Terminator::CRLF)
        .from_writer(Vec::new());
    for record in
        ::csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(file.as_bytes()).records()
    {
        let mut record = record.unwrap();
        (record.len()..6).for_each(|_| record.push_field(""));
        saved.write_record(&record).unwrap();
    }
    let saved = saved.into_inner().unwrap();
    assert!(saved.starts_with(b"id;name;lat;lon;reason;\r\n"));
    assert_eq!(ignored_of_csv(std::str::from_utf8(&saved).unwrap()), [""; 0]);
    assert_eq!(reasons(&read(saved.clone(), FileFormat::Csv)), ["COLUMN_COUNT", "POSITION_MISSING"]);
    let again = String::from_utf8(rejected_twice(&saved, FileFormat::Csv)).unwrap();
    assert!(again.starts_with("id;name;lat;lon;reason;\r\na;\u{e9};1;2;x;\"LATITUDE"), "{again}");
}

#[test]
fn files_of_rejected_rows_name_their_delimiter_and_can_be_empty() {
    let file = rejected_twice(b"sep=^\r\nid^name^lat^lon\r\na^A^^2\r\n", FileFormat::Csv);
    assert!(file.starts_with(b"sep=^\r\nid^name^lat^lon^reason\r\na^A^^2^\"LATITUDE"));
    let file = rejected_twice(b"id,name,lat,lon\n", FileFormat::Csv);
    assert_eq!(file, b"id,name,lat,lon,reason\n");
    assert_eq!(ignored_of_csv("id,name,lat,lon,reason\n"), [""; 0]);
}

#[test]
fn values_that_are_no_features_can_be_rejected_again() {
    let values =
        ["{\"a\":[}]", "7", "\"x\"", "[[{}],1]", "{\"features\":[1]}", ":", "a\u{feff}，", "{\"b\" 1,}"];
    let file = format!("[{}]\n]{{\"c\":}}\n", values.join(","));
    let rejected = String::from_utf8(rejected_twice(file.as_bytes(), FileFormat::Geojson)).unwrap();
    let expected = format!(
        "{{\"type\":\"FeatureCollection\",\"features\":[\n{},\n{{\"c\":}}\n]}}\n",
        values.join(",\n")
    );
    assert_eq!(rejected, expected);
    rejected_twice(b"{\"features\":[]}", FileFormat::Geojson);
}

/// A text of pieces that a format gives a meaning.
fn any_text_of(pieces: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(pieces), 0..30).prop_map(|pieces| pieces.concat())
}

const PIECES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "\"",
    ":",
    ",",
    "\\",
    "\n",
    "\r",
    " ",
    "\x1e",
    "\u{feff}",
    "，",
    "a",
    "1",
    "null",
    "\"a\":",
    "{\"a\":1}",
    "[{}]",
    "\"features\":",
    "{\"type\":\"FeatureCollection\",\"features\":[",
    "]}",
    "{\"type\":\"Feature\"}",
    "\"x\"",
];

proptest! {
    #[test]
    fn any_json_values_can_be_rejected_again(text in any_text_of(PIECES)) {
        for format in [FileFormat::Geojson, FileFormat::Ndjson] {
            // A text without a value is no GeoJSON.
            if Input::read(Cursor::new(text.clone()), &defaults(format)).is_ok() {
                rejected_twice(text.as_bytes(), format);
            }
        }
    }

    #[test]
    fn any_csv_rows_can_be_rejected_again(
        header in prop::sample::select(vec!["id,name,lat,lon", "id,name,lat,lon,reason", "id;name;lat;lon;;reason;"]),
        rows in "([a\",; :\r\n\u{e9}]|A b: \\(line\\)){0,40}",
    ) {
        rejected_twice(format!("{header}\n{rows}").as_bytes(), FileFormat::Csv);
    }
}
