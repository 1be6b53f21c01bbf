//! What people see. The only place that writes to the terminal.

use std::io::{self, IsTerminal, Write};

use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};

/// Standard output. A reader that went away, as `head` does, is no error: what it does not want is dropped.
pub(super) struct Stdout;

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

/// Writes to standard output.
pub(super) fn out(text: impl AsRef<str>) -> io::Result<()> {
    Stdout.write_all(text.as_ref().as_bytes())?;
    Stdout.flush()
}

/// Writes to standard output, and says whether somebody still reads there: for what else would never end.
pub(super) fn out_to_reader(text: impl AsRef<str>) -> io::Result<bool> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_ref().as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        written => written.map(|()| true),
    }
}

/// Writes to standard error, as well as can be.
pub(super) fn err(text: impl AsRef<str>) {
    drop(io::stderr().lock().write_all(text.as_ref().as_bytes()));
}

/// A bar for reading so many bytes; silent where nobody looks.
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
    // The templates are constants and right; a wrong one would only look plain.
    bar.with_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// A bar for so many records, with their rate; none where nobody looks.
pub(super) fn records_bar() -> Option<ProgressBar> {
    if !io::stderr().is_terminal() {
        return None;
    }
    let style = ProgressStyle::with_template("loading {bar:32} {human_pos} of {human_len}  {per_sec}");
    let bar = ProgressBar::no_length().with_finish(ProgressFinish::AndClear);
    Some(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
}

/// `1 merchant`, `2 merchants`, with thousands set apart.
pub(super) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

/// `12,276`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
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
    fn numbers_are_as_people_say_them() {
        assert_eq!(
            [0, 12, 999, 1_000, 12_276, 1_000_000].map(grouped),
            ["0", "12", "999", "1,000", "12,276", "1,000,000"]
        );
        assert_eq!(count(1, "row", "rows"), "1 row");
    }
}
