//! Opens Parquet files: which columns and row groups a run needs of them.

use std::sync::{Arc, OnceLock};

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::arrow::{FieldLevels, ProjectionMask, parquet_to_arrow_field_levels};
use parquet::basic::Compression;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::statistics::Statistics;

use crate::config::location;
use crate::config::plan::{DAY_US, Integrity, SourcePlan};

use super::discover::InputFile;
use super::error::InputError;
use super::footer::Footer;
use super::guard::guarded;
use super::limits::{Limits, Refusal};
use super::spelling::{Spelling, is_whole_decimal};

/// Rows of a decoded batch: small enough to stay in cache.
pub const BATCH_ROWS: usize = 8_192;

/// What a column is used as, which decides the types it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Text or integer of high cardinality.
    Id,
    /// Text, integer or boolean of low cardinality.
    Text,
    /// Timestamp or date.
    Time,
    /// Calendar date.
    Date,
    /// Integer, float or decimal.
    Number,
}

impl Role {
    fn expected(self) -> &'static str {
        match self {
            Role::Id => "text or an integer",
            Role::Text => "text, an integer or a boolean",
            Role::Time => "a timestamp or a date",
            Role::Date => "a date or a timestamp",
            Role::Number => "a number",
        }
    }

    /// Whether a column of some type will do, of which text may be made.
    fn accepts(self, found: &DataType, spelling: Option<Spelling>) -> bool {
        let text = is_text(found) || spelling.is_some();
        let integer = found.is_integer();
        match self {
            Role::Id => text || integer,
            Role::Text => text || integer || *found == DataType::Boolean || is_whole_decimal(found),
            Role::Time | Role::Date => {
                matches!(found, DataType::Timestamp(_, _) | DataType::Date32 | DataType::Date64)
            }
            Role::Number => {
                integer
                    || found.is_floating()
                    || matches!(
                        found,
                        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..)
                    )
            }
        }
    }

    /// The type to decode a text column into; others are decoded as they are.
    fn decoded(self, found: &DataType, spelling: Option<Spelling>) -> Option<DataType> {
        if let Some(spelling) = spelling {
            return spelling.decoded(self == Role::Text);
        }
        match self {
            Role::Id if is_text(found) => Some(DataType::Utf8View),
            Role::Text if is_text(found) => {
                Some(DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)))
            }
            _ => None,
        }
    }
}

impl Role {
    /// How text is made of a column, where it is used as one.
    fn spelling(self, metadata: &ArrowReaderMetadata, root: usize, found: &DataType) -> Option<Spelling> {
        let schema = metadata.parquet_schema();
        let mut leaves = (0..schema.num_columns()).filter(|leaf| schema.get_column_root_idx(*leaf) == root);
        let column = leaves.next().map(|leaf| schema.column(leaf))?;
        let spelling = Spelling::of(&column, found);
        match self {
            Role::Id => spelling,
            // What is summed as a number too stays one.
            Role::Text => spelling.filter(|spelling| *spelling != Spelling::Digits),
            _ => None,
        }
    }
}

fn without_dictionary(found: &DataType) -> &DataType {
    match found {
        DataType::Dictionary(_, values) => values,
        plain => plain,
    }
}

fn is_text(found: &DataType) -> bool {
    match found {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}

/// A logical column that a source should have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// Logical name.
    pub logical: String,
    /// What it is used as.
    pub role: Role,
    /// Whether the run stops without it.
    pub required: bool,
    /// Whether this run looks at it; else it isn't decoded.
    pub wanted: bool,
}

impl Need {
    /// A column without which the run stops.
    pub fn required(logical: &str, role: Role) -> Self {
        Self { logical: logical.to_owned(), role, required: true, wanted: true }
    }

    /// A column that may lack.
    pub fn optional(logical: &str, role: Role) -> Self {
        Self { logical: logical.to_owned(), role, required: false, wanted: true }
    }
}

/// Where a logical column of a file comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Located {
    /// Position among the decoded columns, and the type in the file.
    Column(usize, DataType),
    /// The same for all rows: a configured constant or a partition folder.
    Constant(Option<String>),
    /// Not there: null.
    Absent,
}

/// A file whose footer has been read.
#[derive(Debug, Clone)]
pub struct OpenFile {
    /// Where it lies.
    pub file: InputFile,
    /// By the needs, in their order.
    pub located: Vec<Located>,
    /// Rows of the whole file.
    pub rows: u64,
    /// Row groups that may hold rows of the run, with the number of the first row of each.
    pub row_groups: Vec<(usize, u64)>,
    /// Rows of row groups that are not read.
    pub pruned_rows: u64,
    /// Names of the columns of the file.
    pub columns: Vec<String>,
    /// BLAKE3 of the footer, its length and the closing magic among it.
    pub footer_digest: blake3::Hash,
    pub(super) metadata: Arc<ParquetMetaData>,
    pub(super) mask: ProjectionMask,
    /// Of the columns needed.
    pub(super) levels: FieldLevels,
    /// Columns needed, by their positions in batches, that text is made of.
    pub(super) spelled: Vec<(usize, Spelling)>,
    pub(super) limits: Limits,
    pub(super) integrity: Integrity,
    /// SHA-256 of the whole file, once it was compared with the one beside it.
    pub(super) seal: Arc<OnceLock<String>>,
}

/// Instants that a run reads, in µs, half-open; None: unbounded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scope {
    /// First instant read.
    pub from_us: Option<i64>,
    /// First instant no longer read.
    pub to_us: Option<i64>,
}

pub(super) fn io(action: &'static str, file: &InputFile) -> impl FnOnce(std::io::Error) -> InputError {
    let path = file.path.clone();
    move |source| match source.kind() {
        // An object, or a file of a network file system, that was replaced after it was found.
        std::io::ErrorKind::StaleNetworkFileHandle => {
            InputError::Changed { path, what: "another was put in its place" }
        }
        // Nothing is read beyond the size that it had.
        std::io::ErrorKind::UnexpectedEof => InputError::Changed { path, what: "it is shorter now" },
        // A file that is open stays, whatever becomes of its name; an object is looked for with every read.
        std::io::ErrorKind::NotFound if location::is_remote(&path.to_string_lossy()) => {
            InputError::Changed { path, what: "it is gone" }
        }
        _ => InputError::Io { action, path, source },
    }
}

/// Something about the file isn't any more what it was.
pub(super) fn changed(file: &InputFile, what: Option<&'static str>) -> InputError {
    InputError::Changed { path: file.path.clone(), what: what.unwrap_or("it was written to") }
}

/// What the file claims is impossible, or too much.
pub(super) fn refused(file: &InputFile, refusal: Refusal) -> InputError {
    match refusal {
        Refusal::Broken(reason) => unreadable(file, reason),
        Refusal::TooLarge { claim, allowed } => {
            InputError::TooLarge { path: file.path.clone(), claim, allowed }
        }
    }
}

pub(super) fn unreadable(file: &InputFile, reason: impl std::fmt::Display) -> InputError {
    InputError::Unreadable { path: file.path.clone(), format: "Parquet", reason: reason.to_string() }
}

/// A type as a person calls it, and as Arrow does.
pub(super) fn type_name(found: &DataType) -> String {
    let name = match found {
        found if is_text(found) => "text",
        found if found.is_floating() => "a floating-point number",
        found if found.is_integer() => "an integer",
        DataType::Boolean => "a boolean",
        DataType::Timestamp(_, _) => "a timestamp",
        DataType::Date32 | DataType::Date64 => "a date",
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => "bytes",
        DataType::FixedSizeBinary(_) => "bytes of a fixed length",
        DataType::Decimal256(_, _) => "a decimal of more than 38 digits",
        other => return other.to_string(),
    };
    format!("{name} ({found})")
}

/// Finds the columns and decides what to read.
///
/// `time` is the position among the needs of the column by which row groups are pruned. Where checksums are required,
/// statistics that none covers rule nothing out: those of pages don't cover the footer.
pub fn open(
    source: &SourcePlan,
    footer: Footer,
    needs: &[Need],
    time: Option<usize>,
    scope: Scope,
    integrity: Integrity,
) -> Result<OpenFile, InputError> {
    let Footer { file, metadata, digest: footer_digest, limits } = footer;
    let fields = metadata.schema().fields().clone();
    let columns: Vec<String> = fields.iter().map(|field| field.name().clone()).collect();
    let mut decoded: Vec<Arc<Field>> = fields.iter().cloned().collect();
    let mut located = Vec::with_capacity(needs.len());
    let mut roots: Vec<usize> = Vec::new();
    let mut spelled: Vec<(usize, Spelling)> = Vec::new();
    for need in needs {
        let physical = source.physical(&need.logical);
        let count = columns.iter().filter(|name| *name == physical).count();
        if need.wanted && count > 1 {
            return Err(InputError::RepeatedColumn {
                key: source.key.clone(),
                path: file.path,
                logical: need.logical.clone(),
                physical: physical.to_owned(),
                count,
            });
        }
        // A column of nothing but nulls may come without a type.
        let untyped = columns
            .iter()
            .position(|name| name == physical)
            .is_some_and(|root| *fields[root].data_type() == DataType::Null);
        if !need.wanted || untyped && !need.required {
            located.push(Located::Absent);
        } else if let Some(root) = columns.iter().position(|name| name == physical) {
            let written = fields[root].data_type();
            let found = without_dictionary(written);
            let spelling = need.role.spelling(&metadata, root, found);
            if !need.role.accepts(found, spelling) {
                return Err(InputError::WrongType {
                    key: source.key.clone(),
                    path: file.path,
                    logical: need.logical.clone(),
                    physical: physical.to_owned(),
                    expected: need.role.expected(),
                    found: type_name(found),
                });
            }
            let naive = matches!(found, DataType::Timestamp(_, None) | DataType::Date32 | DataType::Date64);
            if need.role == Role::Time && naive && source.timezone.is_none() {
                return Err(InputError::NoZone {
                    key: source.key.clone(),
                    path: file.path,
                    logical: need.logical.clone(),
                    physical: physical.to_owned(),
                    found: type_name(found),
                });
            }
            let plain = (found != written).then(|| found.clone());
            if let Some(target) = need.role.decoded(written, spelling).or(plain) {
                decoded[root] = Arc::new(Field::new(physical, target, fields[root].is_nullable()));
            }
            spelled.extend(spelling.map(|spelling| (root, spelling)));
            roots.push(root);
            located.push(Located::Column(root, found.clone()));
        } else if let Some(constant) = source.constants.get(&need.logical) {
            located.push(Located::Constant(Some(constant.clone())));
        } else if let Some((_, value)) =
            // A folder says the day, not the time: instants are taken from columns only.
            file.hive.iter().find(|(name, _)| name == physical && need.role != Role::Time)
        {
            located.push(Located::Constant(value.clone()));
        } else if need.required || source.columns.contains_key(&need.logical) {
            // A column that was mapped by hand must be there, even where the run could do without it.
            return Err(InputError::MissingColumn {
                key: source.key.clone(),
                path: file.path,
                logical: need.logical.clone(),
                physical: physical.to_owned(),
                available: columns,
            });
        } else {
            located.push(Located::Absent);
        }
    }
    let options = ArrowReaderOptions::new().with_schema(Arc::new(Schema::new(decoded)));
    let metadata = guarded(|| ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options))
        .map_err(|panicked| unreadable(&file, panicked))?
        .map_err(|error| unreadable(&file, error))?;
    roots.sort_unstable();
    roots.dedup();
    let mask = ProjectionMask::roots(metadata.parquet_schema(), roots.iter().copied());
    let levels = parquet_to_arrow_field_levels(
        metadata.parquet_schema(),
        mask.clone(),
        Some(metadata.schema().fields()),
    )
    .map_err(|error| unreadable(&file, error))?;
    let time_root = time.and_then(|time| match &located[time] {
        Located::Column(root, found) => Some((*root, found.clone())),
        _ => None,
    });
    let trusts_statistics = integrity != Integrity::Require || file.sidecar.is_some();
    let mut row_groups = Vec::new();
    let (mut rows, mut pruned_rows) = (0_u64, 0_u64);
    for (index, group) in metadata.metadata().row_groups().iter().enumerate() {
        let count = u64::try_from(group.num_rows()).unwrap_or(0);
        let outside = trusts_statistics
            && time_root.as_ref().is_some_and(|(root, found)| {
                let leaf = (0..group.num_columns())
                    .find(|leaf| metadata.parquet_schema().get_column_root_idx(*leaf) == *root);
                leaf.and_then(|leaf| group.column(leaf).statistics())
                    .is_some_and(|statistics| lies_outside(statistics, found, scope))
            });
        if outside {
            pruned_rows += count;
        } else if count > 0 {
            check_codecs(&file, group, &mask)?;
            row_groups.push((index, rows));
        }
        rows += count;
    }
    // Positions among the decoded columns, which come in the order of the file.
    for place in &mut located {
        if let Located::Column(root, _) = place {
            *root = roots.binary_search(root).unwrap_or(0);
        }
    }
    for (root, _) in &mut spelled {
        *root = roots.binary_search(root).unwrap_or(0);
    }
    spelled.sort_unstable_by_key(|(at, _)| *at);
    spelled.dedup_by_key(|(at, _)| *at);
    let metadata = Arc::clone(metadata.metadata());
    Ok(OpenFile {
        file,
        located,
        rows,
        row_groups,
        pruned_rows,
        columns,
        footer_digest,
        metadata,
        mask,
        levels,
        spelled,
        limits,
        integrity,
        seal: Arc::default(),
    })
}

/// Two codecs of the format are left out: nobody who exports chooses them, and each is one more decoder that files can
/// attack.
fn check_codecs(file: &InputFile, group: &RowGroupMetaData, mask: &ProjectionMask) -> Result<(), InputError> {
    for (leaf, chunk) in group.columns().iter().enumerate().filter(|(leaf, _)| mask.leaf_included(*leaf)) {
        let codec = match chunk.compression() {
            Compression::BROTLI(_) => "Brotli",
            Compression::LZO => "LZO",
            _ => continue,
        };
        let column = chunk.column_path().parts().first().cloned().unwrap_or_else(|| leaf.to_string());
        return Err(InputError::Codec { path: file.path.clone(), column, codec });
    }
    Ok(())
}

/// Whether all rows of a row group certainly lie outside the scope; rows without a time keep it in.
fn lies_outside(statistics: &Statistics, found: &DataType, scope: Scope) -> bool {
    if statistics.null_count_opt() != Some(0) {
        return false;
    }
    let (min, max) = match statistics {
        Statistics::Int64(values) => match (values.min_opt(), values.max_opt()) {
            (Some(min), Some(max)) => (*min, *max),
            _ => return false,
        },
        Statistics::Int32(values) => match (values.min_opt(), values.max_opt()) {
            (Some(min), Some(max)) => (i64::from(*min), i64::from(*max)),
            _ => return false,
        },
        _ => return false,
    };
    let micros = |value: i64| -> Option<i64> {
        match found {
            DataType::Timestamp(TimeUnit::Second, _) => value.checked_mul(1_000_000),
            DataType::Timestamp(TimeUnit::Millisecond, _) => value.checked_mul(1_000),
            DataType::Timestamp(TimeUnit::Microsecond, _) => Some(value),
            DataType::Timestamp(TimeUnit::Nanosecond, _) => Some(value.div_euclid(1_000)),
            DataType::Date32 => value.checked_mul(DAY_US),
            _ => None,
        }
    };
    let (Some(min), Some(max)) = (micros(min), micros(max)) else { return false };
    // A local time is at most a day away from UTC.
    let slack = if matches!(found, DataType::Timestamp(_, Some(_))) { 0 } else { DAY_US };
    scope.to_us.is_some_and(|to| min.saturating_sub(slack) >= to)
        || scope.from_us.is_some_and(|from| max.saturating_add(slack) < from)
}
