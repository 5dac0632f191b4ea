//! Figures that don't depend on each other, worked out on several threads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Makes something of each number below `count`, on so many threads; in the order of the numbers, whatever the
/// threads. `make` is called once per thread for what `work` uses again from number to number.
///
/// Where the system gives fewer threads, there are fewer.
///
/// # Panics
/// Where `work` panics.
pub fn map<S, T: Send>(
    threads: usize,
    count: usize,
    make: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, usize) -> T + Sync,
) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let share = || {
        let mut state = make();
        let take = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|index| *index < count);
        std::iter::from_fn(take).map(|index| (index, work(&mut state, index))).collect::<Vec<_>>()
    };
    let mut made = thread::scope(|scope| {
        let other = |_| thread::Builder::new().spawn_scoped(scope, share).ok();
        let others: Vec<_> = (1..threads.min(count)).map_while(other).collect();
        let mut made = share();
        for other in others {
            made.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        made
    });
    made.sort_unstable_by_key(|(index, _)| *index);
    made.into_iter().map(|(_, output)| output).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_the_numbers() {
        for threads in [0, 1, 2, 5] {
            let squares = map(
                threads,
                100,
                || 0,
                |calls, number| {
                    *calls += 1;
                    (number * number, *calls <= 100)
                },
            );
            assert!(squares.into_iter().eq((0..100).map(|number| (number * number, true))));
            assert!(map(threads, 0, || (), |(), number| number).is_empty());
        }
    }
}
