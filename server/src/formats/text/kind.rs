//! Names files that contain no text, so that an error says what to do with them.

/// Returns the kind of a file that starts with these bytes, and the remedy; `None` if it may be text.
pub(super) fn of(start: &[u8]) -> Option<&'static str> {
    let contains = |word: &[u8]| start.windows(word.len()).any(|window| window == word);
    if start.starts_with(b"PK\x03\x04") || start.starts_with(b"PK\x05\x06") {
        return Some(if contains(b"xl/") || contains(b"[Content_Types].xml") {
            "is an Excel workbook (.xlsx): save the sheet as CSV UTF-8 and import that"
        } else if contains(b"mimetypeapplication/vnd.oasis.opendocument") {
            "is an OpenDocument file: save the sheet as CSV and import that"
        } else {
            "is a zip archive: extract it, and import the CSV, NDJSON or GeoJSON file inside"
        });
    }
    let signatures: [(&[u8], &str); 11] = [
        (b"\xd0\xcf\x11\xe0", "is an old Excel or Office file (.xls): save the sheet as CSV and import that"),
        (b"%PDF", "is a PDF: import the table that it was made from, as CSV"),
        (b"SQLite format 3\0", "is a SQLite database or GeoPackage: convert it to GeoJSON, as ogr2ogr does"),
        (b"\0\0\x27\x0a", "is a shapefile: convert it to GeoJSON, as ogr2ogr does"),
        (b"PAR1", "is a Parquet file: convert it to CSV or NDJSON"),
        (b"BZh", "is compressed with bzip2: decompress it, or use gzip or zstd"),
        (b"\xfd7zXZ\0", "is compressed with xz: decompress it, or use gzip or zstd"),
        (b"7z\xbc\xaf\x27\x1c", "is a 7z archive: extract it"),
        (b"Rar!", "is a RAR archive: extract it"),
        (b"\x89PNG", "is an image"),
        (b"\xff\xd8\xff", "is an image"),
    ];
    if let Some((_, kind)) = signatures.iter().find(|(signature, _)| start.starts_with(signature)) {
        return Some(kind);
    }
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
    let is = |word: &[u8]| text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    if is(b"<!doctype html") || is(b"<html") {
        return Some("is a web page: download the file itself");
    }
    (is(b"<?xml") || is(b"<kml") || is(b"<gpx") || is(b"<osm"))
        .then_some("is XML (such as KML, GPX or OSM): convert it to GeoJSON, as ogr2ogr does")
}
