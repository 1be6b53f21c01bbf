//! Terminal output. No other module writes to standard output or standard error.
//!
//! All text is escaped here once more, except for line breaks and tabs: see `escape`, which the commands call for each value.

use std::io::{self, IsTerminal, Write};

use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};

use super::escape::{EscapingWriter, lines};

/// Standard output. A reader that closes the pipe early, as `head` does, is not an error: the rest of the output is dropped.
struct Stdout;

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match io::stdout().write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(bytes.len()),
            written => written,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match io::stdout().flush() {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            flushed => flushed,
        }
    }
}

/// Standard output for the contents of files: exact, unless it is a terminal.
pub(super) fn contents() -> Box<dyn Write> {
    if io::stdout().is_terminal() { Box::new(EscapingWriter::new(Stdout)) } else { Box::new(Stdout) }
}

/// Writes to standard output.
pub(super) fn out(text: impl AsRef<str>) -> io::Result<()> {
    Stdout.write_all(lines(text.as_ref()).as_bytes())?;
    Stdout.flush()
}

/// Writes to standard output. Returns `false` once the reader has closed the pipe, for commands that would otherwise run
/// indefinitely.
pub(super) fn out_to_reader(text: impl AsRef<str>) -> io::Result<bool> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(lines(text.as_ref()).as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        written => written.map(|()| true),
    }
}

/// Writes to standard error; failures are ignored.
pub(super) fn err(text: impl AsRef<str>) {
    drop(io::stderr().lock().write_all(lines(text.as_ref()).as_bytes()));
}

/// A progress bar of bytes read; hidden unless standard error is a terminal.
pub(super) fn progress(length_bytes: Option<u64>) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let (bar, template) = match length_bytes {
        Some(length) => {
            (ProgressBar::new(length), "{bar:32} {percent:>3} %  {msg}  {elapsed} elapsed, {eta} left")
        }
        None => (ProgressBar::new_spinner(), "{spinner}  {msg}  {elapsed} elapsed"),
    };
    // The templates are valid constants; the fallback avoids a panic.
    bar.with_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// A progress bar of records, with their rate; `None` unless standard error is a terminal.
pub(super) fn records_bar() -> Option<ProgressBar> {
    if !io::stderr().is_terminal() {
        return None;
    }
    let style = ProgressStyle::with_template("loading {bar:32} {human_pos} of {human_len}  {per_sec}");
    let bar = ProgressBar::no_length().with_finish(ProgressFinish::AndClear);
    Some(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
}

/// Formats a number with its noun: `1 merchant`, `2,000 merchants`.
pub(super) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

/// Formats a number with thousands separators: `12,276`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_thousands_separators_and_the_right_noun() {
        assert_eq!(
            [0, 12, 999, 1_000, 12_276, 1_000_000].map(grouped),
            ["0", "12", "999", "1,000", "12,276", "1,000,000"]
        );
        assert_eq!(count(1, "row", "rows"), "1 row");
    }
}
