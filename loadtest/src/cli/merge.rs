//! `merge`: the reports of several generators as one.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;

use super::report_files::ReportFiles;
use crate::{error::Error, report::Report};

#[derive(Args, Debug)]
pub(super) struct MergeArgs {
    /// JSON report of each generator
    #[arg(required = true, value_name = "REPORT.json")]
    reports: Vec<PathBuf>,

    #[command(flatten)]
    files: ReportFiles,
}

pub(super) fn merge(args: &MergeArgs) -> Result<ExitCode, Error> {
    let reports = args.reports.iter().map(|path| Report::read(path)).collect::<Result<Vec<_>, _>>()?;
    args.files.check_writable()?;
    args.files.finish(&Report::merge(reports)?, |_| true)
}
