//! Collects all violations of a request, so that its caller can correct it in one step.

use crate::{
    error::{ServiceError, Violation},
    reason::{self, Reason},
    web_uri::{self, is_web_uri},
};

/// The violations of the fields below a path.
pub(crate) struct Check {
    path: String,
    violations: Vec<Violation>,
}

impl Check {
    pub(crate) fn under(path: &str) -> Self {
        Self { path: path.to_owned(), violations: Vec::new() }
    }

    pub(crate) fn finish(self) -> Result<(), ServiceError> {
        if self.violations.is_empty() { Ok(()) } else { Err(ServiceError::Invalid(self.violations)) }
    }

    pub(crate) fn fail(&mut self, field: &str, reason: Reason, description: impl Into<String>) {
        let field = match (self.path.as_str(), field) {
            ("", field) => field.to_owned(),
            (path, "") => path.to_owned(),
            (path, field) => format!("{path}.{field}"),
        };
        self.violations.push(Violation { field, reason, description: description.into() });
    }

    /// Adds the violations of another check or conversion.
    pub(crate) fn absorb<T>(&mut self, result: Result<T, ServiceError>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(ServiceError::Invalid(violations)) => {
                self.violations.extend(violations);
                None
            }
            Err(other) => {
                self.fail("", reason::UNEXPECTED, other.to_string());
                None
            }
        }
    }

    /// Checks a text: its length in bytes, and that it has no control characters except line breaks and tabs.
    pub(crate) fn text(&mut self, field: &str, value: &str, max_bytes: usize) {
        if value.len() > max_bytes {
            self.fail(field, reason::TOO_LONG, format!("must be at most {max_bytes} bytes of UTF-8"));
        }
        if value.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            self.fail(field, reason::CONTROL_CHARACTER, "must not contain control characters");
        }
    }

    /// Checks a text that must not be blank.
    pub(crate) fn required_text(&mut self, field: &str, value: &str, max_bytes: usize) {
        if value.trim().is_empty() {
            self.fail(field, reason::REQUIRED, "must be given and not be blank");
        }
        self.text(field, value, max_bytes);
    }

    /// Checks the length of a list and, if it is within the limit, each element.
    pub(crate) fn list<T>(
        &mut self,
        field: &str,
        values: &[T],
        max: usize,
        mut check_one: impl FnMut(&mut Self, &str, &T),
    ) {
        if values.len() > max {
            self.fail(field, reason::TOO_MANY, format!("must have at most {max} elements"));
            return;
        }
        for (index, value) in values.iter().enumerate() {
            check_one(self, &format!("{field}[{index}]"), value);
        }
    }

    /// Checks that a number is within a range.
    pub(crate) fn range(&mut self, field: &str, value: i32, range: std::ops::RangeInclusive<i32>) {
        if !range.contains(&value) {
            let (low, high) = range.into_inner();
            self.fail(field, reason::OUT_OF_RANGE, format!("must be a whole number from {low} to {high}"));
        }
    }

    /// Checks an optional http or https URI.
    pub(crate) fn web_uri(&mut self, field: &str, value: &str) {
        if !value.is_empty() && !is_web_uri(value) {
            self.fail(field, reason::NOT_A_WEB_URI, web_uri::EXPECTED);
        }
        self.text(field, value, 2_048);
    }
}
