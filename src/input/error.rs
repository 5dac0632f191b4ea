//! What can be wrong with an input.

use std::io::ErrorKind;
use std::path::PathBuf;

use crate::config::Location;
use crate::config::location::{self, UNREACHABLE};
use crate::config::nearest::most_alike;

/// Why an input could not be read.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// Nothing lies where the configuration points.
    #[error("{key}: no file matches {}", patterns.join(", "))]
    NoFiles {
        /// Key in the configuration.
        key: String,
        /// What was looked for.
        patterns: Vec<String>,
    },
    /// A pattern can't be understood.
    #[error("{key}: `{pattern}` is not a valid glob: {reason}")]
    BadPattern {
        /// Key in the configuration.
        key: String,
        /// The pattern.
        pattern: String,
        /// Why.
        reason: String,
    },
    /// The operating system said no.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The environment doesn't say how to reach an object store.
    #[error("it is not known how to reach {location}")]
    Unreachable {
        /// The location.
        location: String,
        /// What is wrong with the variables.
        source: std::io::Error,
    },
    /// The file isn't what it claims to be.
    #[error("{} is not a readable {format} file: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Parquet or CSV.
        format: &'static str,
        /// What the reader said.
        reason: String,
    },
    /// Several files aren't what they claim to be.
    #[error("{} files can't be read{}:{}", if *more { format!("more than {}", files.len()) } else { files.len().to_string() }, if *more { ", the first of them are" } else { "" }, listed(files))]
    SeveralUnreadable {
        /// The files, each with what is wrong with it.
        files: Vec<(PathBuf, String)>,
        /// Whether there are more than these.
        more: bool,
    },
    /// A column is compressed in a way that isn't read.
    #[error("{}: column `{column}` is compressed with {codec}, which is not supported", path.display())]
    Codec {
        /// The file.
        path: PathBuf,
        /// Physical name.
        column: String,
        /// What it is compressed with.
        codec: &'static str,
    },
    /// Bytes that should be text aren't.
    #[error("{}: column `{column}` holds bytes that are no text in UTF-8", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// Physical name.
        column: String,
    },
    /// The file asks for more than a file may.
    #[error("{}: {claim}, and at most {allowed} are accepted", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// What it claims.
        claim: String,
        /// What would do.
        allowed: String,
    },
    /// The file isn't the one that its checksum was made of.
    #[error("{} is not what was exported: its SHA-256 is {found}, and {} says {expected}", path.display(), sidecar.display())]
    Checksum {
        /// The file.
        path: PathBuf,
        /// The file with the checksum.
        sidecar: PathBuf,
        /// What that says.
        expected: String,
        /// What it is.
        found: String,
    },
    /// A file with a checksum that holds none.
    #[error("{} {reason}", path.display())]
    Sidecar {
        /// The file with the checksum.
        path: PathBuf,
        /// Why it can't be used.
        reason: &'static str,
    },
    /// No checksum says whether the file is what was exported, and the configuration asks for one.
    #[error("{} has neither checksums of its pages nor a .sha256 file beside it, and contract.integrity = \"require\" asks for either", path.display())]
    Unverified {
        /// The file.
        path: PathBuf,
    },
    /// The file isn't any more what it was when the run began.
    #[error("{} changed while it was read: {what}", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// What became of it.
        what: &'static str,
    },
    /// Something that isn't a file, such as a pipe.
    #[error("{} is no file", path.display())]
    NoFile {
        /// Where it lies.
        path: PathBuf,
    },
    /// A link leads out of the folder that the configuration names.
    #[error("{} is a link to {}, which lies outside of {}", path.display(), target.display(), root.display())]
    OutsideRoot {
        /// The link.
        path: PathBuf,
        /// What it leads to.
        target: PathBuf,
        /// The folder that is searched.
        root: PathBuf,
    },
    /// A column is not there.
    #[error("{}: {key} needs column `{physical}`{}, which the file doesn't have", path.display(), logical_note(logical, physical))]
    MissingColumn {
        /// Key in the configuration.
        key: String,
        /// The file.
        path: PathBuf,
        /// Logical name.
        logical: String,
        /// Name that was looked for.
        physical: String,
        /// Columns that the file has.
        available: Vec<String>,
    },
    /// A column has a type that can't be used.
    #[error("{}: column `{physical}`{} should be {expected}, but is {found}", path.display(), logical_note(logical, physical))]
    WrongType {
        /// Key in the configuration.
        key: String,
        /// The file.
        path: PathBuf,
        /// Logical name.
        logical: String,
        /// Physical name.
        physical: String,
        /// What would do.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// A time without a zone, and none declared.
    #[error("{}: column `{physical}`{} has no time zone, it is {found}, and {key} declares none", path.display(), logical_note(logical, physical))]
    NoZone {
        /// Key in the configuration.
        key: String,
        /// The file.
        path: PathBuf,
        /// Logical name.
        logical: String,
        /// Physical name.
        physical: String,
        /// Type in the file.
        found: String,
    },
    /// A rule or dimension names a column that no source has.
    #[error("no touchpoint source has a column `{column}`, which {used_by} needs")]
    UnknownColumn {
        /// Logical name.
        column: String,
        /// Where in the configuration.
        used_by: String,
        /// The line of the configuration; None where a default or a preset asks.
        place: Option<Box<Location>>,
        /// Columns that are there.
        available: Vec<String>,
        /// Whether it could be an attribute of customers, and nothing says where their table is.
        lacks_customers: bool,
    },
    /// Files have columns that nothing uses, and the contract allows none.
    #[error("{} neither mapped nor used, and contract.unknown_columns = \"fail\":{columns}", if *count == 1 { "a column is".to_owned() } else { format!("{count} columns are") })]
    UnknownColumns {
        /// How many, over all inputs.
        count: usize,
        /// The first of them, with their files, each on a line of its own.
        columns: String,
    },
    /// A behaviour has the name of a column, so that a dimension of that name would be either.
    #[error("{}: column `{column}` has the name of the behaviour segments.rules.{behaviour}", path.display())]
    BehaviourIsColumn {
        /// Name of the behaviour, and logical name of the column.
        behaviour: String,
        /// The file.
        path: PathBuf,
        /// Physical name.
        column: String,
    },
    /// Two columns of one name, and the run needs it.
    #[error("{}: {count} columns are called `{physical}`{}", path.display(), logical_note(logical, physical))]
    RepeatedColumn {
        /// Key in the configuration.
        key: String,
        /// The file.
        path: PathBuf,
        /// Logical name.
        logical: String,
        /// Physical name.
        physical: String,
        /// How many there are.
        count: usize,
    },
    /// So many channels are no channels.
    #[error("the touchpoints have {found} different channels, and at most {limit} are possible")]
    TooManyChannels {
        /// How many there are.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// So many experiments are no experiments.
    #[error("{key}: column `{column}` names {found} different experiments, and at most {limit} are possible")]
    TooManyExperiments {
        /// Key in the configuration.
        key: String,
        /// Physical name.
        column: String,
        /// How many there are.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// So many variants are no variants.
    #[error(
        "{key}: column `{column}` has {found} different variants of experiment `{experiment}` that the configuration doesn't name, and at most {limit} are possible"
    )]
    TooManyVariants {
        /// Key in the configuration.
        key: String,
        /// Physical name.
        column: String,
        /// Which experiment.
        experiment: String,
        /// How many there are.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// A name that the tables use for something else.
    #[error(
        "column `channel` of the touchpoints has the value `{value}`, which the tables use for what no channel gets"
    )]
    ReservedChannel {
        /// The value.
        value: &'static str,
    },
    /// A cell of a small table can't be used.
    #[error("{}: row {row}, column `{column}`: {reason}", path.display())]
    BadCell {
        /// The file.
        path: PathBuf,
        /// From 1, without the header.
        row: u64,
        /// Physical name.
        column: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An amount in another currency on a day without a rate.
    #[error("{}: row {row}, column `{column}`: there is no rate of {currency} on {date}, so the amount can't be turned into {job}", path.display())]
    MissingRate {
        /// The file.
        path: PathBuf,
        /// From 1, without the header.
        row: u64,
        /// Physical name.
        column: String,
        /// What the amount is in.
        currency: String,
        /// What the tables are in.
        job: String,
        /// The local day.
        date: String,
    },
    /// Amounts of several currencies, and nothing to convert them by.
    #[error("{}: row {row}, column `{column}`: the amount is in {currency}, job.currency is {job}, and there are no rates to convert it by", path.display())]
    MixedCurrencies {
        /// The file.
        path: PathBuf,
        /// From 1, without the header.
        row: u64,
        /// Physical name.
        column: String,
        /// What the amount is in.
        currency: String,
        /// What the tables are in.
        job: String,
    },
    /// A column that rules look at has too many different values.
    #[error("the text columns {columns} have more than {limit} different combinations of values")]
    TooManyCombinations {
        /// Logical names.
        columns: String,
        /// The limit.
        limit: usize,
    },
}

fn listed(files: &[(PathBuf, String)]) -> String {
    files.iter().map(|(path, reason)| format!("\n  {}: {reason}", path.display())).collect()
}

fn logical_note(logical: &str, physical: &str) -> String {
    if logical == physical { String::new() } else { format!(" (for `{logical}`)") }
}

impl InputError {
    /// What to do about it; None where the message says it all.
    pub fn hint(&self) -> Option<String> {
        match self {
            InputError::NoFiles { key, patterns } if patterns.iter().all(|pattern| location::is_remote(pattern)) => {
                Some(format!(
                    "check `{key}.path`: a location is an object, or a prefix that is searched for *.parquet and *.csv, or a pattern, in which `**` reaches into folders"
                ))
            }
            InputError::NoFiles { key, .. } => Some(format!(
                "check `{key}.path`: paths are relative to the configuration file, a folder is searched for *.parquet and *.csv, and `**` reaches into folders"
            )),
            InputError::BadPattern { key, .. } => Some(format!("correct `{key}.path`")),
            InputError::Unreachable { .. } => Some(UNREACHABLE.to_owned()),
            InputError::Io { source, path, .. } if location::is_remote(&path.to_string_lossy()) => Some(
                match source.kind() {
                    ErrorKind::NotFound => "see whether the object was moved",
                    ErrorKind::PermissionDenied => {
                        "let these credentials list and read it; docs/object-stores.md has what they need"
                    }
                    ErrorKind::InvalidData => {
                        "no key may have an empty part, `.`, `..` or a control character in it: rename the object, or write a longer prefix"
                    }
                    _ => "see that the store can be reached from here, then run again",
                }
                .to_owned(),
            ),
            InputError::Io { source, .. } => Some(
                match source.kind() {
                    ErrorKind::NotFound => "see whether the file was moved, or is a link to one that is gone",
                    ErrorKind::PermissionDenied => "let the user that runs touchline read it",
                    _ => "see that the disk or share is there, then run again",
                }
                .to_owned(),
            ),
            InputError::Unreadable { path, format: "Parquet", .. }
                if path.extension().is_some_and(|suffix| suffix.eq_ignore_ascii_case("csv")) =>
            {
                Some(
                    "only spend may be CSV: export this input as Parquet, or take the file out of the path"
                        .to_owned(),
                )
            }
            InputError::Unreadable { .. } => {
                Some("export the file again, or take it out of the path; no result was changed".to_owned())
            }
            InputError::SeveralUnreadable { .. } => Some(
                "export the files again, or take them out of the path; contract.on_corrupt = \"quarantine_file\" leaves touchpoint files out and says so; no result was changed"
                    .to_owned(),
            ),
            InputError::Codec { .. } => {
                Some("export it with zstd, snappy, gzip or lz4, or without compression".to_owned())
            }
            InputError::NotText { .. } => {
                Some("export the column as text, or map another one with `columns`".to_owned())
            }
            InputError::TooLarge { .. } => Some(
                "if the export is what it should be, raise --memory or write smaller row groups and pages; else take the file out of the path"
                    .to_owned(),
            ),
            InputError::Checksum { .. } => Some(
                "copy or export the file again, its checksum after it; no result was changed".to_owned(),
            ),
            InputError::Sidecar { path, .. } => {
                let of = path.file_stem().unwrap_or_default().to_string_lossy();
                Some(format!("write it with `sha256sum {of} > {of}.sha256`, or take it away"))
            }
            InputError::Unverified { path } => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                Some(format!(
                    "write a checksum beside it with `sha256sum {name} > {name}.sha256`, or let the export write checksums of pages (pyarrow: write_page_checksum=True); `prefer` does without"
                ))
            }
            InputError::Changed { .. } => {
                Some("run again when the export is complete; no result was changed".to_owned())
            }
            InputError::NoFile { .. } => Some("take it out of the path".to_owned()),
            InputError::OutsideRoot { target, .. } => Some(format!(
                "if that is meant to be read, name it in the path itself: \"{}\"; else remove the link",
                target.display()
            )),
            InputError::RepeatedColumn { key, logical, .. } => Some(format!(
                "export each column under a name of its own, or map another one with `{key}.columns = {{ {logical} = \"…\" }}`"
            )),
            InputError::MissingColumn { key, logical, physical, available, .. } => {
                let near = most_alike(physical, available.iter().map(String::as_str));
                let have = available.join(", ");
                Some(match near {
                    Some(near) => format!(
                        "did you mean `{near}`? Set `{key}.columns = {{ {logical} = \"{near}\" }}`; the file has: {have}"
                    ),
                    None => format!("set `{key}.columns = {{ {logical} = \"…\" }}`; the file has: {have}"),
                })
            }
            InputError::WrongType { key, logical, .. } => Some(format!(
                "export the column as that type, or map another one with `{key}.columns = {{ {logical} = \"…\" }}`"
            )),
            InputError::NoZone { key, .. } => Some(format!(
                "say what the times mean, for example `{key}.timezone = \"UTC\"` or `\"Europe/Sofia\"`"
            )),
            InputError::UnknownColumn { column, available, lacks_customers, .. } => {
                let have = available.join(", ");
                Some(match most_alike(column, available.iter().map(String::as_str)) {
                    Some(near) => format!("did you mean `{near}`? There are: {have}"),
                    None if *lacks_customers => format!(
                        "an attribute of customers needs their table: [inputs.customers] with path = \"…\"; the touchpoints have: {have}"
                    ),
                    None => format!("name one that is there, or map it with `columns`; there are: {have}"),
                })
            }
            InputError::UnknownColumns { .. } => Some(
                "map them with `columns`, leave them out of the export, or set contract.unknown_columns = \"warn\""
                    .to_owned(),
            ),
            InputError::BehaviourIsColumn { .. } => Some(
                "give the behaviour another name: a dimension of this name could mean either".to_owned(),
            ),
            InputError::TooManyChannels { .. } => Some(
                "map a column of channel groups with `inputs.touchpoints.columns`; is this one a campaign or an address?"
                    .to_owned(),
            ),
            InputError::TooManyExperiments { key, .. } => Some(format!(
                "is this an id? Name the column that says which experiment it was: `{key}.columns = {{ experiment = \"…\" }}`"
            )),
            InputError::TooManyVariants { key, .. } => Some(format!(
                "is this an id? Name the column that says which variant a customer saw, such as A or B: `{key}.columns = {{ variant = \"…\" }}`"
            )),
            InputError::ReservedChannel { .. } => {
                Some("export the channel under another name, or as null where there is none".to_owned())
            }
            InputError::BadCell { .. } => Some(
                "correct the cell, or leave the row out; rows count from 1 without the header".to_owned(),
            ),
            InputError::MissingRate { currency, date, .. } => Some(format!(
                "add the rate of {currency} on {date} to the files of inputs.rates; a day without a rate, such as a weekend, is not filled in"
            )),
            InputError::MixedCurrencies { currency, .. } => Some(format!(
                "name rates by day: [inputs.rates] with path = \"…\" and the columns date, currency and rate; or set job.currency = \"{currency}\" if all amounts are in it"
            )),
            InputError::TooManyCombinations { .. } => {
                Some("take the columns with most values out of rules and dimensions".to_owned())
            }
        }
    }

    /// The file that is damaged, and what is wrong with it.
    pub fn damage(&self) -> (PathBuf, String) {
        match self {
            InputError::Unreadable { path, reason, .. } => (path.clone(), reason.clone()),
            InputError::TooLarge { path, claim, allowed } => {
                (path.clone(), format!("{claim}, and at most {allowed} are accepted"))
            }
            InputError::Checksum { path, sidecar, .. } => {
                (path.clone(), format!("its SHA-256 is not the one in {}", sidecar.display()))
            }
            InputError::Sidecar { path, .. } => (path.with_extension(""), self.to_string()),
            error => (PathBuf::new(), error.to_string()),
        }
    }

    /// Whether a file is damaged, so that a run may be told to do without it.
    pub fn is_corrupt(&self) -> bool {
        matches!(
            self,
            InputError::Unreadable { .. }
                | InputError::SeveralUnreadable { .. }
                | InputError::TooLarge { .. }
                | InputError::Checksum { .. }
                | InputError::Sidecar { .. }
        )
    }

    /// Exit code: 65 the data broke the contract, 66 input missing, 74 I/O, 75 an input changes, 78 the configuration or the
    /// environment is wrong.
    pub fn exit_code(&self) -> u8 {
        match self {
            InputError::NoFiles { .. } => 66,
            InputError::BadPattern { .. } => 78,
            InputError::Io { source, .. } if source.kind() == ErrorKind::NotFound => 66,
            // A name that can't be asked for, again and again.
            InputError::Io { source, .. } if source.kind() == ErrorKind::InvalidData => 65,
            InputError::Io { .. } => 74,
            InputError::Unreachable { .. } => 78,
            InputError::Changed { .. } => 75,
            _ => 65,
        }
    }
}
