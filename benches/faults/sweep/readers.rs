//! Readers beside a run that publishes again and again. One that resolves `current` once sees one result.

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use super::job::{Job, Version};
use super::state::{Bytes, files, manifest, read, resolve};
use super::{Outcome, Random, first_of};

/// Files that a reader takes of a run.
const TAKES: usize = 3;

/// So many runs stay that no reader is slower than all of them, and so few that runs are removed meanwhile.
const KEEP: &str = "output.keep={ days = 0, runs = 20 }";

const OUT: &str = "readers";

/// What readers saw.
#[derive(Debug, Default)]
pub struct Report {
    pub seed: u64,
    /// Times that somebody resolved `current` and read files of the run.
    pub reads: usize,
    /// Of the one and of the other result.
    pub seen: [usize; 2],
    /// Reads during which `current` moved on.
    pub overtaken: usize,
    /// Results published meanwhile.
    pub publications: usize,
    /// Everything that should not be: files of two runs, missing files.
    pub failures: Vec<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "readers: seed {}, {} reads of {TAKES} files each", self.seed, self.reads)?;
        writeln!(formatter, "  results published meanwhile {}", self.publications)?;
        writeln!(formatter, "  reads of one result {}, of the other {}", self.seen[0], self.seen[1])?;
        writeln!(formatter, "  reads during which `current` moved on {}", self.overtaken)?;
        writeln!(formatter, "  mixed or missing: {}", self.failures.len())?;
        formatter.write_str(&first_of(&self.failures))
    }
}

/// Publishes two results in turn, at least `publications` of them, until there were so many reads.
pub fn sweep(job: &Job, reads: usize, publications: usize, readers: usize, seed: u64) -> Outcome<Report> {
    let results = [job.run(Version::Old, "one", &[])?, job.run(Version::New, "other", &[])?];
    job.run(Version::Old, OUT, &[])?;
    let (done, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let report = Mutex::new(Report { seed, ..Report::default() });
    let look = |reader: usize| -> Outcome<()> {
        let mut random = Random(seed ^ (reader as u64) << 32);
        while !is_over.load(Ordering::Relaxed) {
            let seen = look_once(job, &results, &mut random);
            done.fetch_add(1, Ordering::Relaxed);
            let mut report = report.lock().map_err(|_| "a reader panicked")?;
            report.reads += 1;
            match seen {
                Ok(Seen { result, overtaken }) => {
                    report.seen[result] += 1;
                    report.overtaken += usize::from(overtaken);
                }
                Err(error) => report.failures.push(error.to_string()),
            }
        }
        Ok(())
    };
    let published = thread::scope(|scope| {
        let look = &look;
        let threads: Vec<_> = (0..readers).map(|reader| scope.spawn(move || look(reader))).collect();
        let mut published = 0;
        let mut publish = || -> Outcome<()> {
            while done.load(Ordering::Relaxed) < reads || published < publications {
                let version = if published % 2 == 0 { Version::New } else { Version::Old };
                job.run(version, OUT, &["--force", "--set", KEEP])?;
                published += 1;
            }
            Ok(())
        };
        let outcome = publish();
        is_over.store(true, Ordering::Relaxed);
        threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| "a reader panicked")?)?;
        outcome.map(|()| published)
    })?;
    let mut report = report.into_inner()?;
    report.publications = published;
    Ok(report)
}

struct Seen {
    /// Which of the two.
    result: usize,
    overtaken: bool,
}

/// What a careful reader does: one look at `current`, then only at what it named.
fn look_once(job: &Job, results: &[Bytes; 2], random: &mut Random) -> Outcome<Seen> {
    let out = job.path(OUT);
    let run = resolve(&out)?.ok_or("there is no current")?;
    let manifest = manifest(&run)?;
    let files = files(&manifest);
    let mut result = None;
    for _ in 0..TAKES {
        let file = files[random.below(files.len())];
        let hash = read(&run, file)?;
        let path = file["path"].as_str().unwrap_or_default();
        // Files that are the same in both say nothing.
        let of = results.iter().position(|bytes| bytes.get(path) == Some(&hash));
        if results[0].get(path) != results[1].get(path)
            && let Some(of) = of
        {
            if result.is_some_and(|known| known != of) {
                return Err(format!("{path} is of another result than the file before").into());
            }
            result = Some(of);
        }
    }
    // The manifest names all of them; one that differs says which result this is.
    let by_manifest = files.iter().find_map(|file| {
        let path = file["path"].as_str()?;
        let hash = file["sha256"].as_str()?;
        let differs = results[0].get(path) != results[1].get(path);
        results.iter().position(|bytes| differs && bytes.get(path).is_some_and(|known| known == hash))
    });
    let by_manifest = by_manifest.ok_or("the manifest is of neither result")?;
    if result.is_some_and(|result| result != by_manifest) {
        return Err("a file is of another result than the manifest".into());
    }
    Ok(Seen { result: by_manifest, overtaken: resolve(&out)?.as_deref() != Some(&*run) })
}
