//! Inputs and outputs as datasets: a place that stays the same from run to run, and what this run found there.

use std::fs::File;
use std::path::{Path, PathBuf};

use parquet::arrow::arrow_reader::ArrowReaderMetadata;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::config::location::ObjectUrl;
use crate::config::plan::{Plan, SourcePlan};
use crate::input::discover::fixed_part;
use crate::publish::datapackage::DATA_PACKAGE;
use crate::publish::{InputRecord, Manifest, PublishError, Published, read_file};

use super::event::facet;

/// Namespace of local files, as the specification names it.
const FILES: &str = "file";

/// The part of a data package that an event repeats.
#[derive(Debug, Deserialize)]
pub(super) struct Package {
    resources: Vec<Resource>,
}

#[derive(Debug, Deserialize)]
struct Resource {
    title: String,
    description: String,
    path: String,
    schema: Schema,
}

#[derive(Debug, Deserialize)]
struct Schema {
    fields: Vec<Field>,
}

#[derive(Debug, Deserialize)]
struct Field {
    name: String,
    r#type: String,
    description: String,
}

impl Package {
    /// Reads the data package of a run's folder.
    pub(super) fn read(folder: &Path) -> Result<Self, PublishError> {
        let path = folder.join(DATA_PACKAGE);
        let bytes = read_file(&path)?;
        serde_json::from_slice(&bytes).map_err(|source| PublishError::Json { file: DATA_PACKAGE, source })
    }
}

/// A place that a plan reads, with the files that a run read there.
struct Place<'m> {
    /// The file, or the folder above all files that a pattern fits; as configured, so that files are found below.
    path: PathBuf,
    files: Vec<&'m InputRecord>,
}

/// The places that a plan names, in its order, each once.
fn places<'m>(plan: &Plan) -> Vec<Place<'m>> {
    let small = [&plan.spend, &plan.customers, &plan.assignments, &plan.rates, &plan.suppress];
    let sources = plan.touchpoints.iter().chain(small.into_iter().flatten());
    let mut places: Vec<Place<'m>> = Vec::new();
    for path in sources.flat_map(paths) {
        if places.iter().all(|place| place.path != path) {
            places.push(Place { path, files: Vec::new() });
        }
    }
    places
}

fn paths(source: &SourcePlan) -> impl Iterator<Item = PathBuf> + '_ {
    source.paths.iter().map(|path| {
        if let Some(url) = ObjectUrl::parse(path) {
            return Path::new(&url.root()).join(fixed_part(Path::new(url.key)));
        }
        let path = Path::new(path);
        // As the files are looked for: what is there is no pattern, whatever its name.
        if path.exists() { path.to_owned() } else { fixed_part(path) }
    })
}

/// Inputs before anything is read.
pub(super) fn planned(plan: &Plan) -> Vec<Value> {
    places(plan).iter().map(|place| input(place, false)).collect()
}

/// Inputs with what was read of them.
pub(super) fn read(plan: &Plan, manifest: &Manifest) -> Vec<Value> {
    let mut places = places(plan);
    for file in &manifest.inputs {
        let holds = |place: &&mut Place<'_>| Path::new(&file.path).starts_with(&place.path);
        let nearest = places.iter_mut().filter(holds).max_by_key(|place| place.path.components().count());
        if let Some(place) = nearest {
            place.files.push(file);
        }
    }
    places.iter().map(|place| input(place, true)).collect()
}

fn input(place: &Place<'_>, was_read: bool) -> Value {
    let path = whole(&place.path);
    let (namespace, name) = named(&path);
    let mut dataset = json!({
        "namespace": namespace,
        "name": name,
        "facets": { "dataSource": data_source(&path) },
    });
    if was_read {
        if let Some(fields) = place.files.first().and_then(|file| columns(Path::new(&file.path))) {
            let schema = facet("1-2-0", "SchemaDatasetFacet", json!({ "fields": fields }));
            dataset["facets"]["schema"] = schema;
        }
        let sum = |of: fn(&InputRecord) -> u64| place.files.iter().map(|file| of(file)).sum::<u64>();
        let statistics = json!({
            "rowCount": sum(|file| file.rows),
            "size": sum(|file| file.size),
            "fileCount": place.files.len(),
        });
        let statistics = facet("1-0-0", "InputStatisticsInputDatasetFacet", statistics);
        dataset["inputFacets"] = json!({ "inputStatistics": statistics });
    }
    dataset
}

/// Columns of a Parquet file; none of other files, and of those that changed since.
fn columns(path: &Path) -> Option<Vec<Value>> {
    let metadata = ArrowReaderMetadata::load(&File::open(path).ok()?, Default::default()).ok()?;
    let field = |field: &std::sync::Arc<arrow::datatypes::Field>| json!({ "name": field.name(), "type": field.data_type().to_string() });
    Some(metadata.schema().fields().iter().map(field).collect())
}

/// The published tables.
///
/// A table is one dataset however many windows it is published for: its name is the output folder and the table, its
/// version the run.
pub(super) fn published(
    plan: &Plan,
    published: &Published,
    manifest: &Manifest,
    package: &Package,
) -> Vec<Value> {
    let root = whole(&plan.output.path);
    let folder = whole(&published.directory);
    let version = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut datasets = Vec::new();
    for table in &manifest.tables {
        let files: Vec<_> = table.parquet.iter().chain(&table.csv).collect();
        let (Some(first), Some(resource)) =
            (files.first(), package.resources.iter().find(|resource| resource.title == table.name))
        else {
            continue;
        };
        let fields: Vec<Value> = resource.schema.fields.iter().map(field).collect();
        let (namespace, name) = named(&root.join(&table.name));
        let mut dataset = json!({
            "namespace": namespace,
            "name": name,
            "facets": {
                "schema": facet("1-2-0", "SchemaDatasetFacet", json!({ "fields": fields })),
                "dataSource": data_source(&folder.join(&first.path)),
                "version":
                    facet("1-0-1", "DatasetVersionDatasetFacet", json!({ "datasetVersion": version })),
                "documentation": facet(
                    "1-1-0",
                    "DocumentationDatasetFacet",
                    json!({ "description": resource.description, "contentType": "text/markdown" }),
                ),
            },
            "outputFacets": {
                "outputStatistics": facet("1-0-2", "OutputStatisticsOutputDatasetFacet", json!({
                    "rowCount": table.rows,
                    "size": files.iter().map(|file| file.size).sum::<u64>(),
                    "fileCount": files.len(),
                })),
            },
        });
        // In an object store nothing has two names.
        if published.is_current && namespace == FILES {
            let current = root.join("current").join(&resource.path).display().to_string();
            let identifiers = json!([{ "namespace": FILES, "name": current, "type": "LOCATION" }]);
            let symlinks = json!({ "identifiers": identifiers });
            dataset["facets"]["symlinks"] = facet("1-0-1", "SymlinksDatasetFacet", symlinks);
        }
        datasets.push(dataset);
    }
    datasets
}

fn field(field: &Field) -> Value {
    json!({ "name": field.name, "type": field.r#type, "description": field.description })
}

fn data_source(path: &Path) -> Value {
    facet("1-0-1", "DatasourceDatasetFacet", json!({ "name": named(path).0, "uri": uri(path) }))
}

/// Namespace and name of a place: a bucket is a namespace of its own.
fn named(path: &Path) -> (String, String) {
    match path.to_str().and_then(ObjectUrl::parse) {
        Some(url) => (url.root(), url.key.to_owned()),
        None => (FILES.to_owned(), path.display().to_string()),
    }
}

/// A path without links where it is there: however it is written, it is one place.
fn whole(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// A place as a URI, a path as RFC 8089 has it, with every byte that RFC 3986 doesn't leave unreserved as `%XX`.
fn uri(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt;
    let url = path.to_str().and_then(ObjectUrl::parse);
    let (mut uri, path) = match &url {
        Some(url) => (format!("{}/", url.root()), url.key.as_bytes()),
        None => (String::from("file://"), path.as_os_str().as_bytes()),
    };
    for byte in path {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(byte) {
            uri.push(char::from(*byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_uri() {
        for (path, expected) in [
            ("/srv/out", "file:///srv/out"),
            ("s3://bucket/dt=1/a", "s3://bucket/dt%3D1/a"),
            ("/srv/a b/dt=1/ü%.parquet", "file:///srv/a%20b/dt%3D1/%C3%BC%25.parquet"),
        ] {
            assert_eq!(uri(Path::new(path)), expected);
        }
    }
}
