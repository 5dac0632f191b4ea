//! What the sweeps share with their short forms among the tests: a job to disturb, the faults, and the look at
//! what is left.

pub mod errors;
pub mod job;
pub mod kill;
pub mod pairs;
pub mod readers;
pub mod state;
pub mod strace;

use std::error::Error;

/// Whatever goes wrong with a sweep itself ends it with its message; what is found wrong with the job is part of
/// its report.
pub type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Pseudo-random numbers by splitmix64 (Steele, Lea, Flood 2014): the seed printed gives the same sweep again.
#[derive(Debug, Clone)]
pub struct Random(pub u64);

impl Random {
    /// The next 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is above 0.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// Puts a list into a random order.
    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for at in (1..list.len()).rev() {
            list.swap(at, self.below(at + 1));
        }
    }
}

/// The first few of many, for a person.
pub fn first_of(failures: &[String]) -> String {
    const SHOWN: usize = 20;
    let mut text: String = failures.iter().take(SHOWN).map(|failure| format!("  {failure}\n")).collect();
    if failures.len() > SHOWN {
        text.push_str(&format!("  and {} more\n", failures.len() - SHOWN));
    }
    text
}
