//! Damaged files: never another result where a checksum covers the damage. `cargo bench --bench hostile` does the same
//! with ten thousand of them.

#[path = "../../benches/hostile/corpus.rs"]
#[allow(dead_code, reason = "the program prints more of it")]
mod corpus;
#[path = "../../benches/hostile/trial.rs"]
mod trial;

use std::time::{Duration, Instant};

use corpus::{KINDS, bases, kind_of, mutant};
use trial::{Outcome, Trial};

const SEED: u64 = 7;
/// Each kind of damage to each file, twice.
const ROUNDS: usize = 2;

#[test]
fn what_a_checksum_covers_is_never_read_wrongly() {
    let folder = tempfile::tempdir().unwrap();
    let trial = Trial::new(folder.path()).unwrap();
    let bases = bases();
    let expected: Vec<blake3::Hash> = bases.iter().map(|base| trial.read_base(base).unwrap()).collect();
    assert!(expected.windows(2).all(|pair| pair[0] == pair[1]), "all files say the same");
    let (mut refused, mut covered) = (0, 0);
    for number in 0..bases.len() * KINDS.len() * ROUNDS {
        let mutant = mutant(&bases, SEED, number);
        let base = &bases[mutant.base];
        let begun = Instant::now();
        let outcome = trial.outcome(base, &mutant.bytes, &expected[mutant.base], false).unwrap();
        let place = format!(
            "seed {SEED}, number {number}: {} of {}, {:?}",
            KINDS[kind_of(number)],
            base.name,
            base.protection
        );
        assert!(begun.elapsed() < Duration::from_secs(60), "{place} took {:?}", begun.elapsed());
        assert!(!mutant.is_covered || outcome != Outcome::Wrong, "{place}");
        refused += usize::from(outcome == Outcome::Refused);
        covered += usize::from(mutant.is_covered);
    }
    assert!(refused > 100 && covered > 100, "{refused} refused, {covered} covered: the trial tries nothing");
}
