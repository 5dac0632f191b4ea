//! Finds the queries: a folder of the user's, or those that ship with the job.

use crate::tables::on_one_thread;
use std::fs;
use std::io;
use std::path::Path;

use super::Query;
use super::check::check;
use super::docs::QueryDocs;
use super::error::QueryError;
use crate::tables;

/// Far beyond any query: keeps a stray dump from being parsed.
const MAX_FILE_BYTES: u64 = 1 << 20;

macro_rules! shipped {
    ($($name:literal),*) => {
        [$((
            $name,
            include_str!(concat!("../../queries/", $name, ".sql")),
            include_str!(concat!("../../queries/", $name, ".toml")),
        )),*]
    };
}

/// Name, SQL and documentation, sorted by name.
const SHIPPED: [(&str, &str, &str); 5] =
    shipped!("budget_shift", "pain_points", "segment_gaps", "stage_heatmap", "winning_variants");

/// The queries that ship with the job, sorted by name.
///
/// # Errors
///
/// None that a test would let through.
pub fn shipped() -> Result<Vec<Query>, QueryError> {
    on_one_thread(|| {
        SHIPPED
            .iter()
            .map(|&(name, sql, docs)| {
                query(name, &format!("queries/{name}.sql"), sql.to_owned(), Some(docs.to_owned()))
            })
            .collect()
    })
}

/// The `*.sql` files of a folder, sorted by name, each with its `*.toml` if there is one.
///
/// # Errors
///
/// [`QueryError`] names the file, and the line where that is known: unreadable files, names that can't be those
/// of tables, and statements that may not run.
pub fn load(folder: &Path) -> Result<Vec<Query>, QueryError> {
    let shown = folder.display().to_string();
    let mut names = Vec::new();
    let entries = fs::read_dir(folder).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            QueryError::new(&shown, "there is no such folder")
                .hint("correct `queries.path`; it is relative to the configuration file")
        }
        _ => QueryError::io(&shown, "list", &error),
    })?;
    for entry in entries {
        let entry = entry.map_err(|error| QueryError::io(&shown, "list", &error))?;
        let file_name = entry.file_name();
        let file_name = file_name.to_string_lossy();
        if let Some(name) = file_name.strip_suffix(".sql").filter(|name| !name.starts_with('.')) {
            names.push(name.to_owned());
        }
    }
    names.sort();
    // A statement is parsed as deep as it is nested, which takes a stack of its own.
    on_one_thread(|| {
        names
            .into_iter()
            .map(|name| {
                let path = folder.join(format!("{name}.sql"));
                let file = path.display().to_string();
                check_name(&name, &file)?;
                let sql = read(&path, &file)?.ok_or_else(|| QueryError::new(&file, "it is gone"))?;
                let docs_path = path.with_extension("toml");
                let docs = read(&docs_path, &docs_path.display().to_string())?;
                query(&name, &file, sql, docs)
            })
            .collect()
    })
}

/// A checked query.
pub(super) fn query(
    name: &str,
    file: &str,
    sql: String,
    docs_text: Option<String>,
) -> Result<Query, QueryError> {
    check_name(name, file)?;
    check(file, &sql)?;
    let docs = match &docs_text {
        Some(text) => QueryDocs::parse(&docs_file(file), text)?,
        None => QueryDocs::default(),
    };
    Ok(Query { name: name.to_owned(), file: file.to_owned(), sql, docs_text, docs })
}

/// The file that documents a query.
pub(super) fn docs_file(file: &str) -> String {
    format!("{}.toml", file.strip_suffix(".sql").unwrap_or(file))
}

fn check_name(name: &str, file: &str) -> Result<(), QueryError> {
    if !tables::is_table_name(name) {
        return Err(QueryError::new(file, "its name can't be that of a table").hint(
            "rename it: small letters, digits and _, a letter first, at most 64, as in channel_mix.sql",
        ));
    }
    if tables::spec(name).is_some() {
        return Err(QueryError::new(file, format!("{name} is a core table"))
            .hint(format!("rename it, as in {name}_by_team.sql")));
    }
    Ok(())
}

/// The text of a file; `None` if there is no such file.
fn read(path: &Path, file: &str) -> Result<Option<String>, QueryError> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.len() > MAX_FILE_BYTES => {
            return Err(QueryError::new(file, format!("it is larger than {MAX_FILE_BYTES} bytes")));
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(QueryError::io(file, "read", &error)),
    }
    let bytes = fs::read(path).map_err(|error| QueryError::io(file, "read", &error))?;
    let text = String::from_utf8(bytes).map_err(|_| QueryError::new(file, "it is not UTF-8"))?;
    Ok(Some(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)))
}
