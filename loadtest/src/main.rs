//! The binary: see the library.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// As the server has it: answers are many and short-lived.
#[global_allocator]
static GLOBAL: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    nearby_loadtest::cli::main()
}
