//! Where inputs and results lie: on this machine, or in an object store.

use super::diagnostic::Complaint;

/// Whether this build can reach object stores.
const REACHES_STORES: bool = cfg!(feature = "cloud");

/// What to do where the environment doesn't say how to reach a store.
pub const UNREACHABLE: &str =
    "set the variables that docs/object-stores.md lists, such as AWS_REGION or AZURE_STORAGE_ACCOUNT_NAME";

/// A kind of object store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StoreKind {
    /// Amazon S3, and whatever speaks its protocol.
    S3,
    /// Azure Blob Storage.
    Azure,
}

impl StoreKind {
    const ALL: [StoreKind; 2] = [StoreKind::S3, StoreKind::Azure];

    /// What stands before `://`.
    pub fn scheme(self) -> &'static str {
        match self {
            StoreKind::S3 => "s3",
            StoreKind::Azure => "az",
        }
    }
}

/// `s3://bucket/prefix` or `az://container/prefix`, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObjectUrl<'t> {
    /// The kind of store.
    pub store: StoreKind,
    /// Name of the bucket, or of the container.
    pub bucket: &'t str,
    /// What follows it, without slashes at its ends: a key, a prefix of keys or a pattern. Empty: the whole bucket.
    pub key: &'t str,
}

impl<'t> ObjectUrl<'t> {
    /// Takes a location apart; None where it is a path on this machine.
    pub fn parse(text: &'t str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let store = StoreKind::ALL.into_iter().find(|kind| kind.scheme() == scheme)?;
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        Some(Self { store, bucket, key: key.trim_matches('/') })
    }

    /// The bucket as a location of its own.
    pub fn root(&self) -> String {
        format!("{}://{}", self.store.scheme(), self.bucket)
    }
}

/// Whether a location is in an object store.
pub fn is_remote(text: &str) -> bool {
    ObjectUrl::parse(text).is_some()
}

/// Whether inputs and results may lie at a location that has a scheme.
///
/// # Errors
///
/// The scheme is none that is known, this build can't reach the store, or a part of the location is missing.
pub(super) fn check(text: &str) -> Result<(), Complaint> {
    let Some(url) = ObjectUrl::parse(text) else {
        let scheme = text.split_once("://").map_or("", |(scheme, _)| scheme);
        return Err(Complaint::new(
            format!("`{scheme}://` can't be read or written"),
            "write a path on this machine, `s3://bucket/prefix` or `az://container/prefix`",
        ));
    };
    let scheme = url.store.scheme();
    if !REACHES_STORES {
        return Err(Complaint::new(
            format!("`{scheme}://` needs the feature `cloud`, which this build is without"),
            "build with `cargo build --release --features cloud`; or copy or mount the files, and write their folder",
        ));
    }
    let is_name = |name: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'$');
        !name.is_empty() && name.bytes().all(allowed)
    };
    if !is_name(url.bucket) {
        return Err(Complaint::new(
            format!("`{text}` names no bucket"),
            format!("write `{scheme}://`, the name of the bucket, and the prefix below it"),
        ));
    }
    let is_part = |part: &str| !part.is_empty() && part != "." && part != "..";
    if !url.key.is_empty() && !url.key.split('/').all(is_part) {
        return Err(Complaint::new(
            format!("`{text}` has an empty part, `.` or `..` in it"),
            "a key is no path: write it as the store lists it",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_taken_apart() {
        let url = ObjectUrl::parse("s3://bucket/a/dt=*/").unwrap();
        assert_eq!((url.store, url.bucket, url.key), (StoreKind::S3, "bucket", "a/dt=*"));
        let url = ObjectUrl::parse("az://box").unwrap();
        assert_eq!((url.store, url.bucket, url.key), (StoreKind::Azure, "box", ""));
        assert_eq!(url.root(), "az://box");
        for path in ["exports", "/s3/a", "gs://bucket/a", "s3:/bucket"] {
            assert_eq!(ObjectUrl::parse(path), None, "{path}");
        }
    }

    #[test]
    fn what_names_no_place_is_refused() {
        let refused = ["gs://bucket/a", "s3://", "s3:///a", "s3://b a/c", "s3://b/../c", "s3://b/a//c"];
        for text in refused {
            assert!(check(text).is_err(), "{text}");
        }
        assert_eq!(check("s3://bucket/a/*.parquet").is_ok(), REACHES_STORES);
    }
}
