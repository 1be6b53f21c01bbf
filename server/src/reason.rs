//! Reasons of errors: stable, machine-readable words. `proto/ERRORS.md` describes each, with its remedy.

use std::fmt;

/// A stable word that identifies the cause of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reason(&'static str);

impl Reason {
    /// Returns the word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

macro_rules! reasons {
    ($all:ident, $doc:literal: $($name:ident)*) => {
        $(
            #[doc = concat!("`", stringify!($name), "`: see `proto/ERRORS.md`.")]
            pub const $name: Reason = Reason(stringify!($name));
        )*

        #[doc = $doc]
        pub const $all: &[Reason] = &[$($name),*];
    };
}

reasons! { CALL_REASONS, "Reasons of google.rpc.ErrorInfo.":
    CLUSTER_FAULT CLUSTER_OPERATION_FAILED CREDENTIALS_EXPIRED CREDENTIALS_INVALID CREDENTIALS_MISSING CREDENTIALS_REVOKED DEADLINE_EXCEEDED
    DISK_FULL ENCODING_UNSUPPORTED ETAG_MISMATCH HIDDEN_NOT_ALLOWED HISTORY_MISMATCH INTERNAL INVALID_ARGUMENT KEY_LIMITED LABELS_NOT_ALLOWED
    MERCHANT_EXISTS MERCHANT_NOT_FOUND MESSAGE_MALFORMED MESSAGE_TOO_LARGE METHOD_UNKNOWN NOT_A_CLUSTER NOT_READY
    NO_QUORUM OUTCOME_UNKNOWN OVERLOADED PRINCIPAL_LIMIT QUOTA_EXCEEDED RESPONSE_TOO_LARGE REVIEW_PENDING REVISION_IN_FUTURE
    REVISION_NOT_REACHED REVISION_TOO_OLD ROLE_MISSING
    STORE_READ_ONLY TOO_MANY_BACKUPS TOO_MANY_BULK_CALLS TOO_MANY_CELLS TOO_MANY_STREAMS TOO_MANY_WATCHERS
    TOO_MANY_WRITES WATCHER_TOO_SLOW
}

reasons! { FIELD_REASONS, "Reasons of google.rpc.BadRequest.FieldViolation and of rejected rows of an import.":
    AREA_INVALID CONTROL_CHARACTER COORDINATE_SYSTEM_UNKNOWN COORDINATE_SYSTEM_UNSPECIFIED HEADER_INVALID HOURS_INVALID INVALID_ID INVALID_NAME
    INVALID_PAGE_TOKEN INVALID_REQUEST_ID LANGUAGE_CODE_INVALID LATITUDE_OUT_OF_RANGE LONGITUDE_OUT_OF_RANGE
    NAME_MISMATCH NOT_A_SERVICE NOT_A_WEB_URI NOT_FINITE NO_LETTER_OR_DIGIT NULL_ISLAND OUT_OF_RANGE REGION_CODE_INVALID REPEATED
    REQUEST_ID_REUSED REQUIRED TIMEOUT_INVALID TIME_ZONE_UNKNOWN TOO_LARGE TOO_LONG TOO_MANY UNEXPECTED UNKNOWN_FIELD
}

reasons! { ROW_REASONS, "Reasons that only `nearby import` reports, for rows that cannot be converted to a merchant.":
    COLUMN_COUNT NOT_A_FEATURE NOT_A_MERCHANT NOT_A_NUMBER NOT_A_POINT NOT_UTF_8 POSITION_MISSING
    QUOTE_MISPLACED
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the words in the first column of the table below a heading.
    fn table(heading: &str) -> Vec<&'static str> {
        let document = include_str!("../../proto/ERRORS.md");
        let section = document.split("\n## ").find(|section| section.starts_with(heading)).unwrap();
        let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
        rows.map(|row| row.split_once('`').unwrap().0).collect()
    }

    #[test]
    fn the_document_lists_every_reason_and_no_other() {
        for (heading, reasons) in [
            ("Reasons of calls", CALL_REASONS),
            ("Reasons of fields", FIELD_REASONS),
            ("Reasons of rows", ROW_REASONS),
        ] {
            let words: Vec<&str> = reasons.iter().map(|reason| reason.as_str()).collect();
            assert!(words.is_sorted(), "{heading}: not in alphabetical order");
            assert_eq!(table(heading), words, "{heading}");
        }
    }
}
