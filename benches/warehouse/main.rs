//! Measures whole runs against merely decoding what they read, against other engines, and over odd shapes.
//!
//! `cargo bench --bench warehouse` does all of it, which takes an hour and 10 GB of disk; `-- --help` says how
//! to do parts. Every figure is that of a process of its own, taken round by round so that all meet the same
//! machine. Raw figures lie as JSON beside the warehouses; `docs/performance.md` is written from all of them.
#![allow(clippy::print_stdout, reason = "a program for people who measure")]

mod agreement;
mod arguments;
mod comparisons;
mod contestants;
mod decode;
mod figures;
mod fsync;
mod machine;
mod measure;
mod page;
mod peers;
mod published;
mod runs;
mod shapes;
mod warehouses;

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Mode, Part};
use figures::Figures;

/// Whatever goes wrong ends the program with its message.
type Outcome<T> = Result<T, Box<dyn Error>>;

/// As in the binary: the yardstick must not lose by its allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match measure(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &Arguments) -> Outcome<()> {
    if let Some(Mode::Decode { config, only_touchpoints }) = &arguments.mode {
        return decode::decode(config, *only_touchpoints);
    }
    let mut figures = Figures::open(&arguments.folder())?;
    let measures = |part: Part| arguments.mode.is_none() && arguments.measures(part);
    if measures(Part::Runs) || measures(Part::Peers) {
        for millions in arguments.sizes() {
            figures.keep_warehouse(runs::measure(arguments, millions)?)?;
        }
    }
    if measures(Part::Shapes) {
        figures.keep_shapes(shapes::measure(arguments)?)?;
    }
    let text = page::render(&figures)?;
    println!("\n{text}");
    std::fs::write(&arguments.page, text)?;
    println!("written to {}", arguments.page.display());
    Ok(())
}
