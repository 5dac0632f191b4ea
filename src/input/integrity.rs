//! Whether a file is what was exported, by the checksum in a file beside it.
//!
//! `touchpoints.parquet.sha256` holds what `sha256sum touchpoints.parquet` prints. The checksums that pages have of
//! their own are verified by the decoder as it comes to them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::discover::InputFile;
use super::error::InputError;
use super::handle::Handle;
use super::open::{changed, io};

/// What the checksum of a file is called, behind the name of the file.
pub(super) const SUFFIX: &str = ".sha256";
/// Bytes that are hashed at a time.
const STEP_BYTES: usize = 1 << 20;
/// No list of checksums of a folder is longer.
const MOST_LIST_BYTES: u64 = 16 << 20;

/// Where the checksum of a file lies, if it has one.
pub(super) fn sidecar(path: &Path) -> Option<PathBuf> {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(SUFFIX);
    Some(PathBuf::from(name)).filter(|path| path.is_file())
}

/// SHA-256 as lower-case hexadecimal digits.
pub(super) fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Compares a whole file with the checksum beside it; returns the checksum, or None where there is none.
///
/// # Errors
/// The file is another than the one the checksum was made of, the checksum can't be read, or the file changes.
pub fn verify(file: &InputFile) -> Result<Option<String>, InputError> {
    let Some(sidecar) = &file.sidecar else { return Ok(None) };
    let expected = expected(sidecar, file)?;
    let handle = file.open_again()?;
    let found = hash(&handle, file.identity.size).map_err(io("read", file))?;
    if let Some(what) = file.changed(&handle)? {
        return Err(changed(file, Some(what)));
    }
    compare(file, sidecar, &expected, found).map(Some)
}

/// Compares bytes that were read already.
///
/// # Errors
/// As [`verify`].
pub(super) fn verify_bytes(file: &InputFile, bytes: &[u8]) -> Result<Option<String>, InputError> {
    let Some(sidecar) = &file.sidecar else { return Ok(None) };
    compare(file, sidecar, &expected(sidecar, file)?, hex(&Sha256::digest(bytes))).map(Some)
}

fn compare(file: &InputFile, sidecar: &Path, expected: &str, found: String) -> Result<String, InputError> {
    match found == expected {
        true => Ok(found),
        false => Err(InputError::Checksum {
            path: file.path.clone(),
            sidecar: sidecar.to_owned(),
            expected: expected.to_owned(),
            found,
        }),
    }
}

fn hash(handle: &Handle, size: u64) -> std::io::Result<String> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; STEP_BYTES.min(size as usize)];
    let mut at = 0;
    while at < size {
        let step = (size - at).min(buffer.len() as u64) as usize;
        handle.read_exact_at(&mut buffer[..step], at)?;
        hasher.update(&buffer[..step]);
        at += step as u64;
    }
    Ok(hex(&hasher.finalize()))
}

/// The checksum that a sidecar has of a file.
fn expected(sidecar: &Path, file: &InputFile) -> Result<String, InputError> {
    let useless = |reason: &'static str| InputError::Sidecar { path: sidecar.to_owned(), reason };
    let failed = |source: std::io::Error| match source.kind() {
        // It was there a moment ago.
        std::io::ErrorKind::NotFound => changed(file, Some("the checksum beside it is gone")),
        _ => InputError::Io { action: "read", path: sidecar.to_owned(), source },
    };
    let bytes = sidecar_bytes(sidecar, file).map_err(failed)?;
    let bytes = bytes.ok_or_else(|| useless("is too long to be a checksum"))?;
    let name = file.path.file_name().unwrap_or_default().to_string_lossy();
    let lines = String::from_utf8_lossy(&bytes);
    let lines: Vec<(&str, Option<&str>)> = lines.lines().filter_map(line).collect();
    if lines.is_empty() {
        return Err(useless("holds no line as `sha256sum` writes them"));
    }
    let of_file = |(_, named): &&(&str, Option<&str>)| match named {
        Some(named) => Path::new(named).file_name().is_some_and(|own| own.to_string_lossy() == name),
        // Without a name it can only be the one file.
        None => lines.len() == 1,
    };
    let found = lines.iter().find(of_file).ok_or_else(|| useless("names other files only"))?;
    Ok(found.0.to_ascii_lowercase())
}

/// What a sidecar holds; None: too much.
#[cfg_attr(not(feature = "cloud"), expect(unused_variables, reason = "the path says it all"))]
fn sidecar_bytes(sidecar: &Path, file: &InputFile) -> std::io::Result<Option<Vec<u8>>> {
    #[cfg(feature = "cloud")]
    if let Some(object) = &file.object {
        return object.beside(SUFFIX, MOST_LIST_BYTES);
    }
    if std::fs::metadata(sidecar)?.len() > MOST_LIST_BYTES {
        return Ok(None);
    }
    std::fs::read(sidecar).map(Some)
}

/// Digits, then blank and `*` or blank, then the name; the name may lack.
fn line(line: &str) -> Option<(&str, Option<&str>)> {
    // Before a line whose name has escapes stands a backslash. Such names are not looked for.
    let line = line.trim_end();
    let (digits, rest) = line.split_at_checked(64)?;
    let name = rest.strip_prefix(" *").or_else(|| rest.strip_prefix("  ")).filter(|name| !name.is_empty());
    let is_checksum = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    (is_checksum && (rest.is_empty() || name.is_some())).then_some((digits, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGITS: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn check(sidecar: &str, content: &str) -> Result<Option<String>, InputError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        std::fs::write(&path, content).unwrap();
        std::fs::write(folder.path().join("a.parquet.sha256"), sidecar).unwrap();
        let file = InputFile::at(path, Vec::new()).unwrap();
        let found = verify(&file);
        assert_eq!(
            format!("{found:?}").replace("a.parquet", ""),
            format!("{:?}", verify_bytes(&file, content.as_bytes())).replace("a.parquet", "")
        );
        found
    }

    #[test]
    fn what_sha256sum_writes_is_understood() {
        for sidecar in [
            format!("{DIGITS}  a.parquet\n"),
            format!("{DIGITS} *a.parquet\r\n"),
            format!("{}  exports/a.parquet", DIGITS.to_uppercase()),
            DIGITS.to_owned(),
            format!("{}  b.parquet\n{DIGITS}  a.parquet\n", "0".repeat(64)),
        ] {
            assert_eq!(check(&sidecar, "abc").unwrap().as_deref(), Some(DIGITS), "{sidecar}");
            assert!(matches!(check(&sidecar, "abd"), Err(InputError::Checksum { .. })), "{sidecar}");
        }
    }

    #[test]
    fn what_is_no_checksum_of_the_file_is_refused() {
        for sidecar in ["", "abc", &format!("{DIGITS}  b.parquet"), &format!("{DIGITS}x"), &"g".repeat(64)] {
            let error = check(sidecar, "abc").unwrap_err();
            assert!(matches!(error, InputError::Sidecar { .. }), "{sidecar}");
            assert_eq!(error.exit_code(), 65);
        }
    }
}
