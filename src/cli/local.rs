//! Paths that have to be on this machine: a location in an object store would be taken for a folder called `s3:`.

use std::path::PathBuf;

use clap::builder::{PathBufValueParser, TypedValueParser};

/// A path without a scheme; `instead` says what to do where there is one.
pub(super) fn path(instead: &'static str) -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(move |path| match scheme(&path.to_string_lossy()) {
        Some(scheme) => Err(format!("`{scheme}://` is no path on this machine; {instead}")),
        None => Ok(path),
    })
}

fn scheme(text: &str) -> Option<&str> {
    let (scheme, _) = text.split_once("://")?;
    let is_scheme = !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_scheme.then_some(scheme)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_a_scheme_is_elsewhere() {
        assert_eq!(scheme("s3://bucket/exports"), Some("s3"));
        for path in ["exports", "/data/a:b", "s3:/bucket", "./a://b", "://a"] {
            assert_eq!(scheme(path), None, "{path}");
        }
    }
}
