//! The key under which values of rejected rows are hashed: from a file, or one that the run forgets.
//!
//! Under a key that stays, the hash of a value is the same in every run, and whoever has the key can look for a value. Under
//! one that is forgotten nobody can, and hashes of two runs have nothing to do with each other.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::config::plan::Plan;
use crate::contract::ValueHasher;

use super::error::EngineError;

/// What is shorter can be tried out.
const LEAST_BYTES: usize = 32;
/// What is longer is no key.
const MOST_BYTES: usize = 4_096;
/// Whoever is not the owner or of the group may nothing, and the group may read.
const FORBIDDEN_MODE: u32 = 0o037;
/// Sets the key apart from others that somebody makes of the same secret.
const PURPOSE: &str = "touchline 2026-11-23 hashes of rejected values";

/// Why a key can't be used.
#[derive(Debug, thiserror::Error)]
pub enum HashKeyError {
    /// It can't be read.
    #[error("the key {} can't be read: {cause}", path.display())]
    Unreadable {
        /// Where it should lie.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// Others may read it.
    #[error("the key {} is no secret: its mode is {mode:03o}", path.display())]
    Exposed {
        /// Where it lies.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It has too few bytes, or too many.
    #[error("the key {} has {length}, and {LEAST_BYTES} to {MOST_BYTES} are needed", path.display())]
    Length {
        /// Where it lies.
        path: PathBuf,
        /// How many it has, in words.
        length: String,
    },
}

impl HashKeyError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            HashKeyError::Unreadable { .. } => {
                "name a file that the user of this job may read, or leave the key out".to_owned()
            }
            HashKeyError::Exposed { path, .. } => {
                format!("let nobody else read or change it: chmod 600 {}", path.display())
            }
            HashKeyError::Length { path, .. } => {
                format!("make one with `openssl rand -hex 32 > {}`", path.display())
            }
        }
    }
}

/// Hashes under the key that the configuration names, or a random one.
///
/// # Errors
/// The key can't be used, or the system gives no random numbers.
pub fn hasher(plan: &Plan) -> Result<ValueHasher, EngineError> {
    let Some(path) = &plan.contract.hash_key_file else { return random() };
    let key = read(path).map_err(|reason| {
        let key = ["contract", "hash_key_file"].map(str::to_owned);
        EngineError::HashKey { reason, place: plan.places.locate(&key).map(Box::new) }
    })?;
    Ok(ValueHasher::new(key))
}

/// Hashes under a key that nobody knows.
///
/// # Errors
/// The system gives no random numbers.
pub fn random() -> Result<ValueHasher, EngineError> {
    let mut key = [0_u8; 32];
    getrandom::fill(&mut key).map_err(|error| EngineError::Random(error.to_string()))?;
    Ok(ValueHasher::new(key))
}

fn read(path: &Path) -> Result<[u8; 32], HashKeyError> {
    let unreadable = |cause| HashKeyError::Unreadable { path: path.to_owned(), cause };
    // A pipe would be waited for.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(unreadable(io::Error::other("it is no file")));
    }
    let file = File::open(path).map_err(unreadable)?;
    let mode = file.metadata().map_err(unreadable)?.permissions().mode() & 0o777;
    if mode & FORBIDDEN_MODE != 0 {
        return Err(HashKeyError::Exposed { path: path.to_owned(), mode });
    }
    let mut bytes = Vec::new();
    file.take(MOST_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    let length = |length: String| HashKeyError::Length { path: path.to_owned(), length };
    if bytes.len() > MOST_BYTES {
        return Err(length(format!("more than {MOST_BYTES} bytes")));
    }
    // Editors and `openssl` end a file with a line break.
    let key = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    let key = key.strip_suffix(b"\r").unwrap_or(key);
    match key.len() {
        LEAST_BYTES.. => Ok(blake3::derive_key(PURPOSE, key)),
        short => Err(length(format!("{short} bytes"))),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn key_of(bytes: &[u8], mode: u32) -> Result<[u8; 32], String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        read(&path).map_err(|error| error.to_string().replace(&path.display().to_string(), "KEY"))
    }

    #[test]
    fn a_key_is_what_stands_in_its_file() {
        let key = [b'k'; LEAST_BYTES];
        let of_key = key_of(&key, 0o600).unwrap();
        assert_eq!(key_of(&[&key[..], b"\n"].concat(), 0o400), Ok(of_key));
        assert_eq!(key_of(&[&key[..], b"\r\n"].concat(), 0o640), Ok(of_key));
        assert_ne!(key_of(&[b'l'; LEAST_BYTES], 0o600), Ok(of_key));
        assert_ne!(key_of(&[b'k'; LEAST_BYTES + 1], 0o600), Ok(of_key));
    }

    #[test]
    fn what_is_no_secret_or_too_short_is_no_key() {
        for mode in [0o644, 0o604, 0o620, 0o601] {
            let error = key_of(&[b'k'; 64], mode).unwrap_err();
            assert_eq!(error, format!("the key KEY is no secret: its mode is {mode:o}"));
        }
        assert!(key_of(b"not even thirty-two of them\n", 0o600).unwrap_err().contains("has 27 bytes"));
        assert!(key_of(b"", 0o600).unwrap_err().contains("has 0 bytes"));
        assert!(key_of(&[7; MOST_BYTES + 1], 0o600).unwrap_err().contains("more than 4096 bytes"));
        assert!(read(Path::new("/")).unwrap_err().to_string().contains("it is no file"));
    }
}
