//! Work shared out among threads: each takes the next item until none is left.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rayon::ThreadPool;

use crate::interrupt::{Interrupt, Interrupted};

use super::error::EngineError;

/// Told how far a run has come, and asked whether it may go on. Calls come from any thread.
pub trait Progress: Sync {
    /// A step begins, of so many units.
    fn begin(&self, step: &'static str, units: u64);
    /// So many units more are done.
    fn advance(&self, units: u64);
    /// The step is done.
    fn end(&self);
    /// Whether to go on; asked by batch and by partition.
    ///
    /// # Errors
    ///
    /// The run was asked to stop.
    fn check(&self) -> Result<(), Interrupted> {
        Ok(())
    }
}

/// Tells another, and stops as soon as a token says so.
#[derive(Clone, Copy)]
pub struct Stoppable<'a> {
    /// Who is told.
    pub progress: &'a dyn Progress,
    /// Who says so.
    pub interrupt: &'a Interrupt,
}

impl Progress for Stoppable<'_> {
    fn begin(&self, step: &'static str, units: u64) {
        self.progress.begin(step, units);
    }

    fn advance(&self, units: u64) {
        self.progress.advance(units);
    }

    fn end(&self) {
        self.progress.end();
    }

    fn check(&self) -> Result<(), Interrupted> {
        self.interrupt.check()
    }
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _: &'static str, _: u64) {}
    fn advance(&self, _: u64) {}
    fn end(&self) {}
}

/// A pool of so many threads; 0: one per core.
pub fn pool(threads: usize) -> Result<ThreadPool, EngineError> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|index| format!("touchline-{index}"))
        .build()
        .map_err(|source| EngineError::Threads { threads, source })
}

/// Runs `work` on every item. Each thread has a state of its own; all are returned, in no order that
/// means anything. The first error stops the others at their next item.
pub fn for_each<S, T, E>(
    pool: &ThreadPool,
    items: &[T],
    make: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, usize, &T) -> Result<(), E> + Sync,
) -> Result<Vec<S>, E>
where
    S: Send,
    T: Sync,
    E: Send,
{
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    pool.broadcast(|_| {
        let mut state = make();
        while !failed.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { break };
            if let Err(error) = work(&mut state, index, item) {
                failed.store(true, Ordering::Relaxed);
                return Err(error);
            }
        }
        Ok(state)
    })
    .into_iter()
    .collect()
}

/// Makes one thing of every item; in the order of the items.
pub fn map<I, O, E>(
    pool: &ThreadPool,
    items: &[I],
    make: impl Fn(&I) -> Result<O, E> + Sync,
) -> Result<Vec<O>, E>
where
    I: Sync,
    O: Send,
    E: Send,
{
    let made = for_each(pool, items, Vec::new, |made: &mut Vec<(usize, O)>, index, item| {
        made.push((index, make(item)?));
        Ok(())
    })?;
    let mut made: Vec<(usize, O)> = made.into_iter().flatten().collect();
    made.sort_unstable_by_key(|(index, _)| *index);
    Ok(made.into_iter().map(|(_, output)| output).collect())
}
