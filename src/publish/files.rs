//! The few things done to the file system, each with an error that names the path.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::error::PublishError;

const FILE_MODE: u32 = 0o640;
const FOLDER_MODE: u32 = 0o750;

/// What stands at a path; links are not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Nothing,
    Folder,
    File,
    Link,
    /// A pipe, a socket, a device.
    Other,
}

impl Standing {
    /// Looks.
    pub(super) fn at(path: &Path) -> Result<Self, PublishError> {
        match fs::symlink_metadata(path) {
            Ok(metadata) if metadata.is_dir() => Ok(Standing::Folder),
            Ok(metadata) if metadata.is_file() => Ok(Standing::File),
            Ok(metadata) if metadata.is_symlink() => Ok(Standing::Link),
            Ok(_) => Ok(Standing::Other),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Standing::Nothing),
            Err(error) => Err(PublishError::io("look at", path)(error)),
        }
    }

    /// As a word for messages.
    pub(super) fn word(self) -> &'static str {
        match self {
            Standing::Nothing => "nothing",
            Standing::Folder => "a folder",
            Standing::File => "a file",
            Standing::Link => "a link",
            Standing::Other => "neither file nor folder",
        }
    }
}

/// Creates a folder, and those above it, unless it is there. It may be a link to one.
pub(super) fn create_folder(path: &Path) -> Result<(), PublishError> {
    if path.is_dir() {
        return Ok(());
    }
    let above = path.parent().filter(|above| !above.as_os_str().is_empty());
    if let Some(above) = above {
        create_folder(above)?;
    }
    make_folder(path)?;
    // A folder whose own entry isn't on disk takes along what lies in it.
    above.map_or(Ok(()), sync_folder)
}

/// Makes a folder in one that is there, unless it is there as well.
pub(super) fn make_folder(path: &Path) -> Result<(), PublishError> {
    match DirBuilder::new().mode(FOLDER_MODE).create(path) {
        Ok(()) => {}
        // Another run may have been faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let found = Standing::at(path)?.word();
            return Err(PublishError::Misplaced { path: path.to_owned(), found, wanted: "a folder" });
        }
        Err(error) => return Err(PublishError::io("create folder", path)(error)),
    }
    // The mode above is cut by the umask.
    fs::set_permissions(path, Permissions::from_mode(FOLDER_MODE))
        .map_err(PublishError::io("set the permissions of", path))
}

/// Opens the lock file, creating it if need be.
pub(super) fn open_lock(path: &Path) -> Result<File, PublishError> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(FILE_MODE)
        .open(path)
        .map_err(PublishError::io("open", path))
}

/// Writes a file that must not exist yet and waits until it is on disk.
pub(super) fn write_file(path: &Path, bytes: &[u8]) -> Result<(), PublishError> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(FILE_MODE)
        .open(path)
        .map_err(PublishError::io("create", path))?;
    file.write_all(bytes).map_err(PublishError::io("write", path))?;
    file.set_permissions(Permissions::from_mode(FILE_MODE))
        .map_err(PublishError::io("set the permissions of", path))?;
    file.sync_all().map_err(PublishError::io("sync", path))
}

/// Reads a whole file of a run, wherever it was published.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, PublishError> {
    #[cfg(feature = "cloud")]
    if let Some(url) = path.to_str().and_then(crate::config::location::ObjectUrl::parse) {
        let found = crate::cloud::Bucket::of(&url).and_then(|bucket| bucket.get(url.key));
        let found = found.and_then(|found| found.ok_or(io::ErrorKind::NotFound.into()));
        return found.map(|(bytes, _)| bytes.into()).map_err(PublishError::io("read", path));
    }
    fs::read(path).map_err(PublishError::io("read", path))
}

/// Waits until the entries of a folder are on disk.
pub(super) fn sync_folder(path: &Path) -> Result<(), PublishError> {
    try_sync_folder(path).map_err(PublishError::io("sync folder", path))
}

/// As [`sync_folder`], with the bare error.
pub(super) fn try_sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Moves a file, link or folder; replaces a file or link.
pub(super) fn rename(from: &Path, to: &Path) -> Result<(), PublishError> {
    fs::rename(from, to).map_err(PublishError::io("rename to", to))
}

/// Notes the present time as that of a folder's last change.
pub(super) fn touch(path: &Path) -> Result<(), PublishError> {
    let touched = File::open(path).and_then(|folder| folder.set_modified(SystemTime::now()));
    touched.map_err(PublishError::io("set the time of", path))
}

/// When a folder was last changed, or touched.
pub(super) fn modified(path: &Path) -> Result<SystemTime, PublishError> {
    let modified = fs::symlink_metadata(path).and_then(|metadata| metadata.modified());
    modified.map_err(PublishError::io("look at", path))
}

/// Whether a path still leads to an open file.
pub(super) fn leads_to(path: &Path, file: &File) -> Result<bool, PublishError> {
    let open = file.metadata().map_err(PublishError::io("look at", path))?;
    match fs::symlink_metadata(path) {
        Ok(there) => Ok((there.dev(), there.ino()) == (open.dev(), open.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(PublishError::io("look at", path)(error)),
    }
}

/// Makes a symbolic link that must not exist yet.
pub(super) fn link(target: &Path, path: &Path) -> Result<(), PublishError> {
    symlink(target, path).map_err(PublishError::io("create link", path))
}

/// Where a link points; `None` if there is nothing at `path` or no link.
pub(super) fn read_link(path: &Path) -> Result<Option<PathBuf>, PublishError> {
    match fs::read_link(path) {
        Ok(target) => Ok(Some(target)),
        // EINVAL: something, but not a link. Whoever wants to replace it will be told by `rename`.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidInput) => {
            Ok(None)
        }
        Err(error) => Err(PublishError::io("read link", path)(error)),
    }
}

/// Removes a file, a link or a folder with everything in it.
pub(super) fn remove(path: &Path) -> Result<(), PublishError> {
    let removed = match Standing::at(path)? {
        Standing::Nothing => Ok(()),
        Standing::Folder => fs::remove_dir_all(path),
        Standing::File | Standing::Link | Standing::Other => fs::remove_file(path),
    };
    removed.map_err(PublishError::io("remove", path))
}

/// Names of the entries of a folder, sorted; those that aren't UTF-8 are none of ours and left out.
pub(super) fn entries(path: &Path) -> Result<Vec<String>, PublishError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path).map_err(PublishError::io("list", path))? {
        let entry = entry.map_err(PublishError::io("list", path))?;
        names.extend(entry.file_name().into_string());
    }
    names.sort();
    Ok(names)
}
