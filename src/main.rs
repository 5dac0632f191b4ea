//! The `touchline` binary: parses, runs, exits.

use std::process::ExitCode;

/// mimalloc gives memory back between partitions and is fast on many small buffers.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    touchline::cli::main()
}
