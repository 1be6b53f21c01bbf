//! The file of warnings, which names the rows of each.

use std::{io::BufWriter, path::PathBuf};

use crate::cli::{exit_code::CliError, output_file::OutputFile};

/// A CSV file with the columns row, warning and detail.
pub(super) struct WarningsFile {
    path: PathBuf,
    writer: csv::Writer<BufWriter<OutputFile>>,
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
            Ok(writer) => Ok(Self { path, writer }),
            Err(error) => Err(cannot_write(&path, &error)),
        }
    }

    pub(super) fn write(&mut self, row: u64, code: &str, detail: &str) -> Result<(), CliError> {
        let written = self.writer.write_record([row.to_string().as_str(), code, detail]);
        written.map_err(|error| cannot_write(&self.path, &error.into()))
    }

    /// Completes the file.
    pub(super) fn finish(self) -> Result<(), CliError> {
        let Self { path, writer } = self;
        let finish = || {
            let file = writer.into_inner().map_err(|error| std::io::Error::other(error.to_string()))?;
            file.into_inner().map_err(std::io::IntoInnerError::into_error)?.finish()
        };
        finish().map_err(|error| cannot_write(&path, &error))
    }
}

fn cannot_write(path: &std::path::Path, error: &std::io::Error) -> CliError {
    CliError::cannot_create(format!("cannot write {}: {error}", path.display()))
}
