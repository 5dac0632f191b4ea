//! The command line.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{FalseyValueParser, NonEmptyStringValueParser};
use clap::{ArgGroup, Args, CommandFactory, Parser, Subcommand, ValueEnum};

use crate::config::Overrides;

use super::console::{LogFormat, Verbosity};
use super::{numbers, size};

/// A flag's variable is off when it is unset, empty, `0`, `n`, `no`, `f`, `false` or `off`, and on otherwise.
fn flag() -> FalseyValueParser {
    FalseyValueParser::new()
}

/// Customer-journey analytics as a batch job: stage attribution, channel ROI, segment conversion and A/B
/// tests over exported touchpoint logs, with an interval on every number.
#[derive(Debug, Parser)]
#[command(name = "touchline", version, propagate_version = true, max_term_width = 110)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,

    /// Colours in messages
    #[arg(long, global = true, value_enum, default_value_t = When::Auto, env = "TOUCHLINE_COLOR", display_order = 900)]
    pub(super) color: When,

    /// Messages on standard error: for people, or one JSON object per line
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text, env = "TOUCHLINE_LOG_FORMAT", display_order = 901)]
    pub(super) log_format: LogFormat,
}

/// The command line as clap sees it.
///
/// Every option is also a variable `TOUCHLINE_…`, whose value the help doesn't show: it may be a secret.
pub fn command() -> clap::Command {
    fn without_values(command: clap::Command) -> clap::Command {
        command.mut_args(|argument| argument.hide_env_values(true)).mut_subcommands(without_values)
    }
    without_values(Arguments::command())
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Look at exports and write a first configuration for them, with what each guess rests on
    Init(InitOptions),
    /// Read the exports, compute, publish all result tables
    Run(RunOptions),
    /// Validate the configuration and the inputs, and say what a run would read, prune and write
    Check(CheckOptions),
    /// Show why a number is what it is: a customer's journey, or the journeys behind a row of a table
    Explain(ExplainOptions),
    /// Say what changed between two runs, table by table, and why
    Diff(DiffOptions),
    /// Print the data dictionary of the result tables
    Tables(TablesOptions),
    /// Write a synthetic warehouse with planted truths
    Generate(GenerateOptions),
    /// Print the completions for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, in the form that `man` reads
    Man,
}

impl Command {
    /// How much it tells.
    pub(super) fn verbosity(&self) -> Verbosity {
        match self {
            Command::Run(RunOptions { quiet: true, .. })
            | Command::Generate(GenerateOptions { quiet: true, .. })
            | Command::Init(InitOptions { quiet: true, .. }) => Verbosity::Quiet,
            Command::Run(RunOptions { verbose: true, .. }) => Verbosity::Verbose,
            _ => Verbosity::Normal,
        }
    }
}

/// Auto: on a terminal, without `NO_COLOR`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum When {
    Auto,
    Always,
    Never,
}

impl When {
    /// Whether standard error gets it.
    pub(super) fn is_on(self) -> bool {
        match self {
            When::Always => true,
            When::Never => false,
            When::Auto => {
                std::io::stderr().is_terminal()
                    && std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty())
            }
        }
    }

    /// Whether standard error is a terminal that a bar may draw on.
    pub(super) fn draws(self) -> bool {
        match self {
            When::Always => true,
            When::Never => false,
            When::Auto => std::io::stderr().is_terminal(),
        }
    }
}

/// What every command that reads a configuration takes.
#[derive(Debug, Args)]
pub(super) struct ConfigOptions {
    /// Configuration file
    #[arg(short, long, value_name = "FILE", default_value = "touchline.toml", env = "TOUCHLINE_CONFIG")]
    pub(super) config: PathBuf,

    /// First instant of the window: RFC 3339, or a local date in job.timezone
    #[arg(long, value_name = "TIME", env = "TOUCHLINE_FROM")]
    from: Option<String>,

    /// First instant after the window: RFC 3339, or a local date in job.timezone
    #[arg(long, value_name = "TIME", env = "TOUCHLINE_TO")]
    to: Option<String>,

    /// That one local day as the window
    #[arg(long, value_name = "DATE", env = "TOUCHLINE_DATE")]
    date: Option<String>,

    /// Output folder, in place of output.path
    #[arg(long, value_name = "DIR", env = "TOUCHLINE_OUT")]
    out: Option<PathBuf>,

    /// Override one key of the configuration; may be given several times, in the variable one per line
    #[arg(long, value_name = "KEY.PATH=VALUE", env = "TOUCHLINE_SET", value_delimiter = '\n')]
    set: Vec<String>,

    /// Threads, at most 1024; 0: one per core
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        value_parser = numbers::threads,
        allow_negative_numbers = true,
        env = "TOUCHLINE_THREADS"
    )]
    pub(super) threads: usize,
}

impl ConfigOptions {
    /// As the configuration takes them.
    pub(super) fn overrides(&self) -> Overrides {
        Overrides {
            from: self.from.clone(),
            to: self.to.clone(),
            date: self.date.clone(),
            out: self.out.clone(),
            set: self.set.clone(),
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct RunOptions {
    #[command(flatten)]
    pub(super) config: ConfigOptions,

    /// Compute again even if the same result is already published
    #[arg(long, env = "TOUCHLINE_FORCE", value_parser = flag())]
    pub(super) force: bool,

    /// Memory for the whole process: `512MiB`, `8GB`. Rows beyond it go to a temporary file. Default: 60 % of
    /// the machine's memory, or of the control group's
    #[arg(long, value_name = "SIZE", value_parser = size::parse, env = "TOUCHLINE_MEMORY")]
    pub(super) memory: Option<u64>,

    /// Folder for that file, which has no name and never outlives the run; on a disk, not in memory. Default:
    /// the system's folder for temporary files
    #[arg(long, value_name = "DIR", env = "TOUCHLINE_TEMP_DIR")]
    pub(super) temp_dir: Option<PathBuf>,

    /// Let `current` point to this run even if its window ends before the present one's
    #[arg(long, env = "TOUCHLINE_MAKE_CURRENT", value_parser = flag())]
    pub(super) make_current: bool,

    /// Publish nothing and end with exit code 65 if any check of data_quality warns
    #[arg(long, env = "TOUCHLINE_STRICT", value_parser = flag())]
    pub(super) strict: bool,

    /// Seconds to wait while another run holds the output
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 0,
        allow_negative_numbers = true,
        env = "TOUCHLINE_WAIT"
    )]
    wait: u64,

    /// Publish these tables only, and `reconciliation`; all are computed. `current` moves only if no table of the
    /// present one is missing then, or with --make-current
    #[arg(long, value_name = "TABLE,…", env = "TOUCHLINE_ONLY", value_delimiter = ',')]
    pub(super) only: Vec<String>,

    /// No input rows in the window: a failure with exit code 66, or nothing to do, 99
    #[arg(long, value_enum, default_value_t = OnEmpty::Fail, env = "TOUCHLINE_ON_EMPTY")]
    pub(super) on_empty: OnEmpty,

    /// On success to standard output: nothing, or one line of JSON with run, folder and rows by table
    #[arg(long, value_enum, default_value_t = RunOutput::Text, env = "TOUCHLINE_OUTPUT")]
    pub(super) output: RunOutput,

    /// File for the same line, whole or not there; after a failure it says why
    #[arg(long, value_name = "FILE", env = "TOUCHLINE_SUMMARY_FILE")]
    pub(super) summary_file: Option<PathBuf>,

    /// Say nothing on success
    #[arg(short, long, env = "TOUCHLINE_QUIET", value_parser = flag())]
    pub(super) quiet: bool,

    /// Tell the steps and how long each took; not with --quiet
    #[arg(short, long, env = "TOUCHLINE_VERBOSE", value_parser = flag())]
    pub(super) verbose: bool,

    /// Progress bar on standard error
    #[arg(long, value_enum, default_value_t = When::Auto, env = "TOUCHLINE_PROGRESS")]
    pub(super) progress: When,
}

/// What a window without rows is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum OnEmpty {
    Fail,
    Skip,
}

/// What a run answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum RunOutput {
    Text,
    Json,
}

impl RunOptions {
    /// How long to wait for the output.
    pub(super) fn wait(&self) -> Duration {
        Duration::from_secs(self.wait)
    }
}

#[derive(Debug, Args)]
pub(super) struct CheckOptions {
    #[command(flatten)]
    pub(super) config: ConfigOptions,

    /// Read every page that a run would read, and compare the checksums that pages have: takes as long as reading does
    #[arg(long, env = "TOUCHLINE_FULL", value_parser = flag())]
    pub(super) full: bool,

    /// Memory for the whole process, as for `run`: what a file may claim depends on it
    #[arg(long, value_name = "SIZE", value_parser = size::parse, env = "TOUCHLINE_MEMORY")]
    pub(super) memory: Option<u64>,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true).args(["customer", "table"]))]
pub(super) struct ExplainOptions {
    #[command(flatten)]
    pub(super) config: ConfigOptions,

    /// Customer by the id of the touchpoint files: every row, path and weight of the journey
    #[arg(
        long,
        value_name = "ID",
        value_parser = NonEmptyStringValueParser::new(),
        env = "TOUCHLINE_CUSTOMER"
    )]
    pub(super) customer: Option<String>,

    /// Table of the row to explain: `stage_attribution` or `channel_roi`
    #[arg(long, value_name = "TABLE", env = "TOUCHLINE_TABLE")]
    pub(super) table: Option<String>,

    /// Key of that row; may be given several times, in the variable one per line
    #[arg(
        long = "where",
        value_name = "COLUMN=VALUE",
        requires = "table",
        conflicts_with = "customer",
        env = "TOUCHLINE_WHERE",
        value_delimiter = '\n'
    )]
    pub(super) terms: Vec<String>,

    /// Folder of a published run, for what the data-driven models saw of a customer's channels. Default: the current
    /// one
    #[arg(long, value_name = "DIR", requires = "customer", conflicts_with = "table", env = "TOUCHLINE_RUN")]
    pub(super) run: Option<PathBuf>,

    /// Form of the explanation on standard output
    #[arg(long, value_enum, default_value_t = OutputFormat::Text, env = "TOUCHLINE_OUTPUT")]
    pub(super) output: OutputFormat,

    /// Memory for the whole process, as for `run`
    #[arg(long, value_name = "SIZE", value_parser = size::parse, env = "TOUCHLINE_MEMORY")]
    pub(super) memory: Option<u64>,

    /// Folder for rows beyond it, as for `run`
    #[arg(long, value_name = "DIR", env = "TOUCHLINE_TEMP_DIR")]
    pub(super) temp_dir: Option<PathBuf>,

    /// Progress bar on standard error
    #[arg(long, value_enum, default_value_t = When::Auto, env = "TOUCHLINE_PROGRESS")]
    pub(super) progress: When,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum OutputFormat {
    /// For people
    Text,
    /// One JSON document
    Json,
}

#[derive(Debug, Args)]
pub(super) struct TablesOptions {
    /// Form of the dictionary
    #[arg(long, value_enum, default_value_t = DictionaryFormat::Markdown, env = "TOUCHLINE_FORMAT")]
    pub(super) format: DictionaryFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum DictionaryFormat {
    Markdown,
    Json,
}

#[derive(Debug, Args)]
pub(super) struct GenerateOptions {
    /// Folder to write; new, empty, or written by an earlier generate, whose published `out` stays
    pub(super) dir: PathBuf,

    /// Customers; each has about 7.5 touchpoints
    #[arg(
        long,
        value_name = "N",
        default_value_t = 12_000,
        allow_negative_numbers = true,
        env = "TOUCHLINE_CUSTOMERS"
    )]
    pub(super) customers: u64,

    /// Days from 2026-04-01 on
    #[arg(
        long,
        value_name = "D",
        default_value_t = 90,
        allow_negative_numbers = true,
        env = "TOUCHLINE_DAYS"
    )]
    pub(super) days: u32,

    /// The same seed gives the same bytes
    #[arg(
        long,
        value_name = "S",
        default_value_t = 7,
        allow_negative_numbers = true,
        env = "TOUCHLINE_SEED"
    )]
    pub(super) seed: u64,

    /// Threads, at most 1024; 0: one per core
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        value_parser = numbers::threads,
        allow_negative_numbers = true,
        env = "TOUCHLINE_THREADS"
    )]
    pub(super) threads: usize,

    /// Say nothing on success
    #[arg(short, long, env = "TOUCHLINE_QUIET", value_parser = flag())]
    pub(super) quiet: bool,

    /// Progress bar on standard error
    #[arg(long, value_enum, default_value_t = When::Auto, env = "TOUCHLINE_PROGRESS")]
    pub(super) progress: When,
}

#[derive(Debug, Args)]
pub(super) struct InitOptions {
    /// Exports: files, folders or patterns with `*`
    #[arg(required = true, value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,

    /// Configuration to write
    // The variable of an `--output` is that of `run`, which says something else; so it is of `--force`.
    #[arg(
        short,
        long,
        short_alias = 'o',
        alias = "output",
        value_name = "FILE",
        default_value = "touchline.toml",
        env = "TOUCHLINE_CONFIG"
    )]
    pub(super) config: PathBuf,

    /// Write over a configuration that is there
    #[arg(long, alias = "force", env = "TOUCHLINE_OVERWRITE", value_parser = flag())]
    pub(super) overwrite: bool,

    /// Event of all rows of exports that have no column for it, such as `purchase` for a table of orders
    #[arg(
        long,
        value_name = "NAME",
        value_parser = NonEmptyStringValueParser::new(),
        env = "TOUCHLINE_EVENT"
    )]
    pub(super) event: Option<String>,

    /// Say nothing on success
    #[arg(short, long, env = "TOUCHLINE_QUIET", value_parser = flag())]
    pub(super) quiet: bool,
}

#[derive(Debug, Args)]
pub(super) struct DiffOptions {
    /// Run before: `current`, a window, an id of a run, or the folder of one
    #[arg(value_name = "RUN_A")]
    pub(super) before: String,

    /// Run after
    #[arg(value_name = "RUN_B")]
    pub(super) after: String,

    /// Output folder in which ids, windows and `current` are looked up
    #[arg(long, value_name = "DIR", default_value = "out", env = "TOUCHLINE_OUT")]
    pub(super) out: PathBuf,

    /// Form of the comparison on standard output
    #[arg(long, value_enum, default_value_t = OutputFormat::Text, env = "TOUCHLINE_FORMAT")]
    pub(super) format: OutputFormat,

    /// Largest changes that are shown of each table
    #[arg(long, value_name = "N", default_value_t = 5, allow_negative_numbers = true, env = "TOUCHLINE_TOP")]
    pub(super) top: usize,

    /// Exit with 1 if a table differs, else with 0
    #[arg(long, env = "TOUCHLINE_EXIT_CODE", value_parser = flag())]
    pub(super) exit_code: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Options of a command and of all below it, with their names.
    fn options(command: &clap::Command) -> Vec<(String, &clap::Arg)> {
        let own =
            command.get_arguments().filter_map(|argument| Some((argument.get_long()?.to_owned(), argument)));
        let mut all: Vec<_> = own.filter(|(name, _)| !["help", "version"].contains(&name.as_str())).collect();
        all.extend(command.get_subcommands().flat_map(options));
        all
    }

    #[test]
    fn every_option_is_a_variable() {
        let command = command();
        let options = options(&command);
        assert!(options.len() > 30, "{}", options.len());
        for (name, option) in options {
            let variable = format!("TOUCHLINE_{}", name.replace('-', "_").to_uppercase());
            assert_eq!(option.get_env(), Some(std::ffi::OsStr::new(&variable)), "--{name}");
            assert!(option.is_hide_env_values_set(), "{variable} may hold a secret");
        }
    }

    #[test]
    fn the_command_line_is_sound() {
        command().debug_assert();
    }
}
