//! The file of warnings, which names the rows of each.

use std::{io::BufWriter, path::PathBuf};

use crate::cli::{exit_code::CliError, output_file::OutputFile};

/// A CSV file with the columns row, warning and detail.
///
/// A failure does not end the import: it is reported at the end.
pub(super) struct WarningsFile {
    path: PathBuf,
    writer: csv::Writer<BufWriter<OutputFile>>,
    error: Option<std::io::Error>,
}

impl WarningsFile {
    /// Creates the file.
    pub(super) fn create(path: PathBuf) -> Result<Self, CliError> {
        let create = || {
            let mut writer = csv::Writer::from_writer(BufWriter::new(OutputFile::create(&path)?));
            writer.write_record(["row", "warning", "detail"])?;
            Ok(writer)
        };
        match create() {
            Ok(writer) => Ok(Self { path, writer, error: None }),
            Err(error) => Err(cannot_write(&path, &error)),
        }
    }

    pub(super) fn write(&mut self, row: u64, code: &str, detail: &str) {
        if self.error.is_none() {
            let written = self.writer.write_record([row.to_string().as_str(), code, detail]);
            self.error = written.err().map(Into::into);
        }
    }

    /// Completes the file, or returns the first error.
    pub(super) fn finish(self) -> Result<(), CliError> {
        let Self { path, writer, error } = self;
        let finish = || {
            if let Some(error) = error {
                return Err(error);
            }
            let file = writer.into_inner().map_err(|error| std::io::Error::other(error.to_string()))?;
            file.into_inner().map_err(std::io::IntoInnerError::into_error)?.finish()
        };
        finish().map_err(|error| cannot_write(&path, &error))
    }
}

fn cannot_write(path: &std::path::Path, error: &std::io::Error) -> CliError {
    CliError::cannot_create(format!("cannot write {}: {error}", path.display()))
}
