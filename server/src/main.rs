//! Entry point of the binary `nearby`; its code is in `nearby_server::cli`.

use std::process::ExitCode;

use mimalloc::MiMalloc;
use nearby_server::cli;

#[global_allocator]
static GLOBAL: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    cli::main(std::env::args_os().collect())
}
