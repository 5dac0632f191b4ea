//! Whether a file is still the one that was looked at.
//!
//! A run opens a file several times and reads parts of it. Everything is read from a descriptor whose identity is
//! compared before and after, so that the parts are always of one state of the file.

use std::fs::{File, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Times of changes are those of the last tick of a slow clock: within one, two changes look like one. So what
/// was changed this recently is looked at again a little later.
const TICK: Duration = Duration::from_millis(20);

/// What changes when a file does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// The file system that it lies in.
    pub device: u64,
    /// Its number there.
    pub inode: u64,
    /// In bytes.
    pub size: u64,
    /// Last change of its content, ns since the epoch; 0 where the file system doesn't say.
    pub modified_ns: u128,
    /// Last change of content or attributes, ns since the epoch. Unlike the above nobody sets it back.
    pub changed_ns: u128,
}

impl Identity {
    /// As the file system has it.
    pub fn of(metadata: &Metadata) -> Self {
        let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let changed_ns = i128::from(metadata.ctime()) * 1_000_000_000 + i128::from(metadata.ctime_nsec());
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.len(),
            modified_ns: modified.map_or(0, |time| time.as_nanos()),
            changed_ns: u128::try_from(changed_ns).unwrap_or(0),
        }
    }

    /// Of an object in a store, which is never written to, only replaced by another.
    #[cfg(feature = "cloud")]
    pub(super) fn of_object(size: u64, modified_ns: u128) -> Self {
        Self { device: 0, inode: 0, size, modified_ns, changed_ns: 0 }
    }

    /// What differs in words; None: nothing.
    pub fn difference(&self, now: &Identity) -> Option<&'static str> {
        if (self.device, self.inode) != (now.device, now.inode) {
            Some("another file was put in its place")
        } else if self.size != now.size {
            Some("its size changed")
        } else if self != now {
            Some("it was written to")
        } else {
            None
        }
    }

    /// Waits until a change from now on would show.
    fn settle(&self) {
        let Ok(now) = SystemTime::now().duration_since(UNIX_EPOCH) else { return };
        let age_ns = now.as_nanos().checked_sub(self.changed_ns.max(self.modified_ns));
        // A file of the future tells nothing, and waiting for it wouldn't end.
        if let Some(left) = age_ns
            .and_then(|age| u64::try_from(age).ok())
            .and_then(|age| TICK.checked_sub(Duration::from_nanos(age)))
        {
            std::thread::sleep(left);
        }
    }
}

/// Compares a descriptor with what was found before.
///
/// # Errors
/// The inner error says what differs.
pub(super) fn compare(handle: &File, before: &Identity) -> std::io::Result<Result<(), &'static str>> {
    let now = Identity::of(&handle.metadata()?);
    Ok(before.difference(&now).map_or(Ok(()), Err))
}

/// Opens a file that was found before, and waits until a change of it would show.
///
/// # Errors
/// As [`compare`].
pub(super) fn open_settled(path: &Path, before: &Identity) -> std::io::Result<Result<File, &'static str>> {
    let handle = File::open(path)?;
    before.settle();
    Ok(compare(&handle, before)?.map(|()| handle))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn every_change_after_the_first_look_shows() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        for change in ["write", "grow", "replace"] {
            std::fs::write(&path, "one").unwrap();
            let before = Identity::of(&std::fs::metadata(&path).unwrap());
            let handle = open_settled(&path, &before).unwrap().unwrap();
            assert_eq!(compare(&handle, &before).unwrap(), Ok(()));
            match change {
                "write" => std::fs::write(&path, "two").unwrap(),
                "grow" => {
                    std::fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"!").unwrap();
                }
                _ => {
                    std::fs::write(folder.path().join("b"), "one").unwrap();
                    std::fs::rename(folder.path().join("b"), &path).unwrap();
                }
            }
            let now = Identity::of(&std::fs::metadata(&path).unwrap());
            let said = before.difference(&now);
            assert!(said.is_some(), "{change}");
            assert_eq!(open_settled(&path, &before).unwrap().err(), said);
        }
    }

    #[test]
    fn times_of_the_future_are_not_waited_for() {
        let identity = Identity { device: 1, inode: 1, size: 1, modified_ns: u128::MAX, changed_ns: 0 };
        let begun = std::time::Instant::now();
        identity.settle();
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}
