//! Damages files of touchpoints in eight ways and counts what becomes of them: `cargo bench --bench hostile`.
//!
//! Mutants are read by children of this process, so that one that aborts or hangs is counted as that. It fails where
//! a checksum covers what was changed and something else was read all the same, or where a child aborts or hangs.
//! Every mutant follows from the seed and its number; `--first N --mutants 1` makes one again, `--keep PATH` writes it.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for people who test")]

mod corpus;
mod trial;

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use corpus::{KINDS, bases, kind_of, mutant};
use trial::{Outcome, Trial};

/// Longer than this is taken for endless.
const HANG: Duration = Duration::from_secs(10);
/// A child must first read all whole files.
const START: Duration = Duration::from_secs(120);
const SEED: u64 = 20_260_401;

#[derive(Debug, Clone)]
struct Options {
    seed: u64,
    first: usize,
    mutants: usize,
    require: bool,
    keep: Option<String>,
    is_child: bool,
}

fn options() -> Result<Options, Box<dyn Error>> {
    let mut options =
        Options { seed: SEED, first: 0, mutants: 10_000, require: false, keep: None, is_child: false };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--seed" => options.seed = value()?.parse()?,
            "--first" => options.first = value()?.parse()?,
            "--mutants" => options.mutants = value()?.parse()?,
            "--keep" => options.keep = Some(value()?),
            "--require" => options.require = true,
            "--child" => options.is_child = true,
            // Cargo adds it.
            "--bench" => {}
            _ => return Err(format!("unknown option {argument}").into()),
        }
    }
    Ok(options)
}

fn main() -> ExitCode {
    let done = options().and_then(|options| match (&options.keep, options.is_child) {
        (Some(path), _) => Ok(std::fs::write(path, mutant(&bases(), options.seed, options.first).bytes)?),
        (None, true) => child(&options),
        (None, false) => parent(&options),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Reads mutants; a line for each, and one before the first.
fn child(options: &Options) -> Result<(), Box<dyn Error>> {
    // The decoder's own panics are part of the trial.
    std::panic::set_hook(Box::new(|_| {}));
    let folder = tempfile::tempdir()?;
    let trial = Trial::new(folder.path())?;
    let bases = bases();
    let expected = bases.iter().map(|base| trial.read_base(base)).collect::<Result<Vec<_>, _>>()?;
    let mut out = std::io::stdout();
    writeln!(out, "ready")?;
    out.flush()?;
    for number in options.first..options.first + options.mutants {
        let mutant = mutant(&bases, options.seed, number);
        let outcome =
            trial.outcome(&bases[mutant.base], &mutant.bytes, &expected[mutant.base], options.require)?;
        let word = match outcome {
            Outcome::Refused => "refused with 65".to_owned(),
            Outcome::Right => "right result".to_owned(),
            Outcome::Wrong if mutant.is_covered => "WRONG where covered".to_owned(),
            Outcome::Wrong => "wrong where nothing covered it".to_owned(),
            Outcome::Failed(code) => format!("refused with {code}"),
        };
        writeln!(out, "{number} {word}")?;
        out.flush()?;
    }
    Ok(())
}

/// Counts what children say, and puts another in the place of one that dies or says nothing.
fn parent(options: &Options) -> Result<(), Box<dyn Error>> {
    let bases = bases();
    let mut counts: BTreeMap<(String, String), u64> = BTreeMap::new();
    let mut bad = Vec::new();
    let end = options.first + options.mutants;
    let mut next = options.first;
    while next < end {
        let (mut child, lines) = spawn(options, next, end - next)?;
        let mut limit = START;
        let ended = loop {
            match lines.recv_timeout(limit) {
                Ok(line) if line == "ready" => limit = HANG,
                Ok(line) => {
                    let word = line.split_once(' ').map_or("", |(_, word)| word);
                    note(&mut counts, &bases, next, word);
                    if word.starts_with("WRONG") {
                        bad.push(format!("{next}: {word}"));
                    }
                    next += 1;
                }
                Err(RecvTimeoutError::Timeout) => break "HANG",
                Err(RecvTimeoutError::Disconnected) if next >= end => break "",
                Err(RecvTimeoutError::Disconnected) => break "ABORT",
            }
        };
        let _ = child.kill();
        child.wait()?;
        if !ended.is_empty() {
            if limit == START {
                return Err("the whole files can't be read".into());
            }
            note(&mut counts, &bases, next, ended);
            bad.push(format!("{next}: {ended}"));
            next += 1;
        }
    }
    report(options, &counts);
    match bad.is_empty() {
        true => Ok(()),
        false => Err(format!("seed {}: {}", options.seed, bad.join(", ")).into()),
    }
}

fn note(counts: &mut BTreeMap<(String, String), u64>, bases: &[corpus::Base], number: usize, word: &str) {
    let protection = bases[number / KINDS.len() % bases.len()].protection;
    for column in [KINDS[kind_of(number)].to_owned(), format!("checksums: {protection:?}"), "all".to_owned()]
    {
        *counts.entry((column, word.to_owned())).or_default() += 1;
    }
}

fn spawn(
    options: &Options,
    first: usize,
    mutants: usize,
) -> Result<(Child, Receiver<String>), Box<dyn Error>> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--child", "--seed", &options.seed.to_string(), "--first", &first.to_string()]);
    command.args(["--mutants", &mutants.to_string()]).stdout(Stdio::piped()).stderr(Stdio::null());
    if options.require {
        command.arg("--require");
    }
    let mut child = command.spawn()?;
    let out = child.stdout.take().ok_or("no output")?;
    let (send, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                break;
            }
        }
    });
    Ok((child, lines))
}

fn report(options: &Options, counts: &BTreeMap<(String, String), u64>) {
    let how = if options.require { ", integrity = \"require\"" } else { "" };
    println!("{} mutants of {} files, seed {}{how}", options.mutants, bases().len(), options.seed);
    let mut before = "";
    for ((column, word), count) in counts {
        if column != before {
            println!("{column}");
        }
        println!("  {count:>6}  {word}");
        before = column;
    }
}
