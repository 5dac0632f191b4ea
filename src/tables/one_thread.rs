//! Runs Polars on one thread, because its parallel float sums differ from run to run. Several of these may run
//! side by side.

use std::thread;

/// Polars and its SQL parser go as deep as an expression does. Only what is used becomes memory.
const STACK_BYTES: usize = 1 << 29;

/// Runs `work` on a thread of its own on which Polars uses no thread pool.
///
/// Float sums and the order of groups then depend on the order of the rows alone. A panic in `work`
/// goes on in the caller.
///
/// # Panics
/// Where the system gives no thread.
pub fn on_one_thread<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let outcome = thread::scope(|scope| {
        thread::Builder::new()
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, || {
                // The switch is Polars' own, one per thread; a new thread is needed because its
                // replacement pool can't be made inside another rayon pool.
                polars_async::executor::ALLOW_RAYON_THREADS.set(false);
                work()
            })
            .map(thread::ScopedJoinHandle::join)
    });
    match outcome {
        Ok(Ok(value)) => value,
        Ok(Err(panic)) => std::panic::resume_unwind(panic),
        Err(error) => panic!("a thread could not be started: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use polars::prelude::*;

    use super::*;

    #[test]
    fn float_sums_of_a_group_by_are_the_same_bits_every_time() {
        let rows = 200_000_i64;
        let keys: Vec<i64> = (0..rows).map(|row| row * 7919 % 13).collect();
        let values: Vec<f64> = (0..rows).map(|row| 1.0 / (row as f64 + 1.0)).collect();
        let frame = df!("key" => keys, "value" => values).unwrap();
        let sums = || {
            let out = on_one_thread(|| {
                frame.clone().lazy().group_by([col("key")]).agg([col("value").sum()]).collect()
            });
            let out = out.unwrap().sort(["key"], SortMultipleOptions::default()).unwrap();
            let bits: Vec<u64> =
                out.column("value").unwrap().f64().unwrap().into_no_null_iter().map(f64::to_bits).collect();
            bits
        };
        let first = sums();
        for _ in 0..10 {
            assert_eq!(sums(), first);
        }
    }

    #[test]
    fn a_panic_goes_on_in_the_caller() {
        let outcome = std::panic::catch_unwind(|| on_one_thread(|| panic!("boom")));
        assert!(outcome.is_err());
    }
}
