//! The file of rejected rows, in the form of the file that is imported.

use std::{
    fs,
    io::{self, BufWriter},
    path::{Path, PathBuf},
};

use crate::{
    cli::{escape, exit_code::CliError, output_file::OutputFile, terminal},
    formats::{Layout, Rejected, RejectedWriter},
};

type Writer = RejectedWriter<BufWriter<OutputFile>>;

/// The file of rejected rows. An earlier one stays until the import has begun to store rows.
pub(super) struct RejectedFile {
    path: PathBuf,
    /// The file of reasons, if the form of the rows has no room for them.
    reasons_path: Option<PathBuf>,
    layout: Layout,
    /// True if the user has named the file.
    is_named: bool,
    writer: Option<Writer>,
    error: Option<io::Error>,
    /// Rejected rows that could not be written, or are too long to be kept.
    unwritten: u64,
}

impl RejectedFile {
    /// Returns the file that a user has named, which must be writable and pass [`check_is_other`], or the default beside `file`, which is created with the first
    /// rejected row.
    pub(super) fn new(named: Option<PathBuf>, file: &Path, layout: Layout) -> Result<Self, CliError> {
        let is_named = named.is_some();
        let path = named.unwrap_or_else(|| {
            let name = if file == Path::new("-") { "standard-input".into() } else { file.to_string_lossy() };
            PathBuf::from(format!("{name}.rejected.{}", layout.extension()))
        });
        // Nothing is created beside a device.
        let is_file = !fs::metadata(&path).is_ok_and(|metadata| !metadata.is_file());
        let reasons_path = (is_file && layout.has_separate_reasons()).then(|| {
            let mut name = path.as_os_str().to_owned();
            name.push(".reasons.csv");
            PathBuf::from(name)
        });
        let mut rejected =
            Self { path, reasons_path, layout, is_named, writer: None, error: None, unwritten: 0 };
        if is_named {
            rejected.writer = Some(rejected.open().map_err(|error| rejected.cannot_write(&error))?);
        }
        Ok(rejected)
    }

    /// Returns the paths that are written, or removed if no row is rejected.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        [Some(&self.path), self.reasons_path.as_ref()].into_iter().flatten().map(PathBuf::as_path)
    }

    fn cannot_write(&self, error: &io::Error) -> CliError {
        CliError::cannot_create(format!("cannot write {}: {error}", self.path.display()))
    }

    fn open(&self) -> io::Result<Writer> {
        let create = |path: &PathBuf| OutputFile::create(path).map(BufWriter::new);
        let reasons = self.reasons_path.as_ref().map(create).transpose()?;
        RejectedWriter::new(self.layout.clone(), create(&self.path)?, reasons)
    }

    /// Writes a row. A failure does not end the import: it is reported once, and the rows that are not written are counted.
    pub(super) fn write(&mut self, row: &Rejected<'_>) {
        if self.error.is_some() || row.source.is_empty() {
            self.unwritten += 1;
            return;
        }
        let writer = match self.writer.take() {
            Some(writer) => Ok(writer),
            None => self.open(),
        };
        let written = writer.and_then(|mut writer| writer.write(row).map(|()| writer));
        match written {
            Ok(writer) => self.writer = Some(writer),
            Err(error) => {
                self.unwritten += 1;
                self.fail(error);
            }
        }
    }

    /// Reports a failure, which is also the error of the import if the user has named the file.
    fn fail(&mut self, error: io::Error) {
        let (path, error_text) = (escape::path(&self.path), error.to_string());
        terminal::err(format!("warning: cannot write {path}: {}\n", escape::value(&error_text)));
        self.error = Some(error);
    }

    /// Completes the file if the import has stored rows or has ended; otherwise an earlier file stays. Returns how many rejected rows
    /// are not in it.
    pub(super) fn finish(mut self, has_begun: bool, rejected: u64) -> Result<Finished, CliError> {
        let named_path = self.path.clone();
        if has_begun {
            match self.writer.take() {
                Some(writer) => {
                    if let Err(error) = finish(writer) {
                        self.unwritten = rejected;
                        if self.is_named {
                            self.error = Some(error);
                        } else {
                            self.fail(error);
                        }
                    }
                }
                // Of an earlier import, whose rejected rows are not those of this one.
                None if self.error.is_none() => {
                    for path in [Some(&self.path), self.reasons_path.as_ref()].into_iter().flatten() {
                        if fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file()) {
                            drop(fs::remove_file(path));
                        }
                    }
                }
                None => {}
            }
        }
        let failure = self.error.as_ref().filter(|_| self.is_named).map(|error| self.cannot_write(error));
        Ok(Finished { path: named_path, unwritten: self.unwritten, failure })
    }
}

fn finish(writer: Writer) -> io::Result<()> {
    let (rows, reasons) = writer.finish()?;
    let finish = |file: BufWriter<OutputFile>| {
        file.into_inner().map_err(io::IntoInnerError::into_error).and_then(OutputFile::finish)
    };
    // The one is completed also if the other cannot be.
    let reasons = reasons.map_or(Ok(()), finish);
    finish(rows).and(reasons)
}

/// The outcome of writing rejected rows.
pub(super) struct Finished {
    pub(super) path: PathBuf,
    pub(super) unwritten: u64,
    /// The error if the user has named the file.
    pub(super) failure: Option<CliError>,
}
