//! Names the build by what it is made of: run ids must differ where another build may give other bytes.

use std::fs;
use std::path::{Path, PathBuf};

/// Sources whose change can change a published byte.
const SOURCES: [&str; 3] = ["src", "queries", "Cargo.lock"];

fn main() {
    let mut files = Vec::new();
    for source in SOURCES {
        println!("cargo:rerun-if-changed={source}");
        collect(Path::new(source), &mut files);
    }
    files.sort();
    let mut hash = Fnv::default();
    for file in files {
        hash.add(file.to_string_lossy().as_bytes());
        hash.add(&fs::read(&file).unwrap_or_else(|error| panic!("cannot read {}: {error}", file.display())));
    }
    println!("cargo:rustc-env=TOUCHLINE_BUILD={:016x}", hash.0);
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_dir() {
        let entries =
            fs::read_dir(path).unwrap_or_else(|error| panic!("cannot list {}: {error}", path.display()));
        entries.flatten().for_each(|entry| collect(&entry.path(), files));
    } else if path.is_file() {
        files.push(path.to_path_buf());
    }
}

/// FNV-1a, 64 bits: enough to tell builds apart, and no dependency.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Fnv(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes.iter().chain(&[0]) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}
