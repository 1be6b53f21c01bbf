//! Entry point of `nearby-loadtest`; see the library.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// The same allocator as the server's: responses are many and short-lived.
#[global_allocator]
static GLOBAL: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    nearby_loadtest::cli::main()
}
