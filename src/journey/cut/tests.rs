use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::journey::buffer::{AttributeRow, BufferedRow, DatedAttributeRow};
use crate::journey::testing::World;

const CODES: u32 = 4;

fn customer(name: u32) -> CustomerHash {
    CustomerHash::of(format!("customer {name}").as_bytes())
}

fn options(dedupe: Dedupe, everyone: bool) -> CutOptions {
    CutOptions { dedupe, max_rows_per_customer: 100, everyone }
}

fn rules() -> Rules {
    let mut world = World::new(&[], &[]);
    world.journey(&(0..CODES).map(|code| format!("event{code} d0")).collect::<Vec<_>>().join(", "));
    world.rules
}

/// Each worker's codes are those of the book the other way round.
fn remaps(workers: usize) -> Remaps {
    let remap: Vec<u32> = (0..CODES).rev().collect();
    Remaps { rows: vec![remap.clone(); workers], attributes: vec![remap; workers], ..Remaps::default() }
}

fn own_code(code: u32) -> u32 {
    CODES - 1 - code
}

fn buffer_of(rows: &[(u32, i64, &[Option<i64>])]) -> PartitionBuffer {
    let mut buffer = PartitionBuffer::default();
    for (name, time_us, numbers) in rows {
        let row = BufferedRow {
            customer: customer(*name),
            time_us: *time_us,
            code: own_code(0),
            amount_minor: None,
            event: EventKey::of_integer(7),
            order: None,
        };
        buffer.push(row, true);
        buffer.push_numbers(numbers);
    }
    buffer
}

#[test]
fn numbers_stay_with_their_rows() {
    let rows: Vec<(u32, i64, [Option<i64>; 2])> = (0..5_000)
        .map(|n| {
            (
                n % 97,
                i64::from(n * 7_919 % 5_000),
                [(n % 3 == 0).then_some(i64::from(n)), Some(-i64::from(n))],
            )
        })
        .collect();
    let borrowed: Vec<(u32, i64, &[Option<i64>])> =
        rows.iter().map(|(name, time_us, numbers)| (*name, *time_us, &numbers[..])).collect();
    // The second of three workers met no numbers at all.
    let (first, last) = borrowed.split_at(2_100);
    let without: Vec<(u32, i64, &[Option<i64>])> = vec![(3, -5, &[]), (300, 1, &[])];
    let partition = Partition {
        rows: vec![(0, buffer_of(first)), (1, buffer_of(&without)), (2, buffer_of(last))],
        ..Partition::default()
    };
    let mut found = BTreeSet::new();
    let counts = cut_into_journeys(
        partition,
        &remaps(3),
        &rules(),
        options(Dedupe::Off, false),
        &mut Scratch::default(),
        |journey| {
            assert!(journey.rows.is_sorted_by_key(|row| row.time_us));
            let numbers = |row: &Touchpoint| [0, 1].map(|at| journey.number(row, at));
            found.extend(journey.rows.iter().map(|row| (journey.customer.0, row.time_us, numbers(row))));
            assert!(journey.rows.iter().all(|row| journey.number(row, 2).is_none()));
        },
    );
    let wanted = rows.iter().map(|(name, time_us, numbers)| (customer(*name).0, *time_us, *numbers));
    let without = without.iter().map(|(name, time_us, _)| (customer(*name).0, *time_us, [None, None]));
    assert_eq!(found, wanted.chain(without).collect());
    assert_eq!(counts.kept, 5_002);
}

#[test]
fn rows_are_equal_only_where_their_numbers_are() {
    let rows: [(u32, i64, &[Option<i64>]); 4] =
        [(1, 0, &[Some(5)]), (1, 0, &[Some(5)]), (1, 0, &[None]), (1, 0, &[Some(6)])];
    let cut = |dedupe| {
        let mut kept = Vec::new();
        let partition = Partition { rows: vec![(0, buffer_of(&rows))], ..Partition::default() };
        let scratch = &mut Scratch::default();
        let counts =
            cut_into_journeys(partition, &remaps(1), &rules(), options(dedupe, false), scratch, |journey| {
                kept.extend(journey.rows.iter().map(|row| journey.number(row, 0)));
            });
        (kept, counts.exact_duplicates, counts.conflicting_duplicates)
    };
    assert_eq!(cut(Dedupe::Row), (vec![None, Some(5), Some(6)], 1, 0));
    assert_eq!(cut(Dedupe::EventId), (vec![None], 0, 3), "one event with several numbers");
}

/// Of the customers table: whose, from when on (None: from the beginning), and the code.
type Said = (u32, Option<i64>, u32);

/// What journeys know at each instant, and how many rows of the table contradict.
fn cut_attributes(
    rows: &[u32],
    said: &[Said],
    dated: bool,
    everyone: bool,
) -> (BTreeMap<u128, Vec<Option<u32>>>, u64) {
    let touchpoints: Vec<(u32, i64, &[Option<i64>])> = rows.iter().map(|name| (*name, 0, &[][..])).collect();
    let mut partition = Partition { rows: vec![(0, buffer_of(&touchpoints))], ..Partition::default() };
    for worker in 0..2 {
        let own = || said.iter().enumerate().filter(|(at, _)| at % 2 == worker).map(|(_, said)| *said);
        let (mut always, mut since) = (Chunks::default(), Chunks::default());
        for (name, from_us, code) in own() {
            always.push(AttributeRow::new(customer(name), own_code(code)));
            since.push(DatedAttributeRow::new(customer(name), from_us.unwrap_or(i64::MIN), own_code(code)));
        }
        match dated {
            true => partition.dated_attributes.push((worker, since)),
            false => partition.attributes.push((worker, always)),
        }
    }
    let mut known = BTreeMap::new();
    let counts = cut_into_journeys(
        partition,
        &remaps(2),
        &rules(),
        options(Dedupe::Off, everyone),
        &mut Scratch::default(),
        |journey| {
            let at = (-1..7).map(|time_us| journey.attributes.at(time_us)).collect();
            let is_known = said.iter().any(|(name, ..)| customer(*name) == journey.customer);
            assert_eq!(journey.attributes.is_known(), is_known);
            assert!(known.insert(journey.customer.0, at).is_none(), "one journey for each");
        },
    );
    assert_eq!(counts.customers, rows.iter().collect::<BTreeSet<_>>().len() as u64);
    (known, counts.conflicting_attributes)
}

/// The definition, looking at the whole table for each instant.
fn naive_attributes(rows: &[u32], said: &[Said], everyone: bool) -> (BTreeMap<u128, Vec<Option<u32>>>, u64) {
    let named = said.iter().map(|(name, ..)| *name).filter(|_| everyone);
    let names: BTreeSet<u32> = rows.iter().copied().chain(named).collect();
    let holds = |name: u32, time_us: i64| {
        let own = said
            .iter()
            .filter(|(whose, from_us, _)| *whose == name && from_us.is_none_or(|from_us| from_us <= time_us));
        own.map(|(_, from_us, code)| (*from_us, *code)).max().map(|(_, code)| code)
    };
    let contradicts = |(name, from_us, code): &&Said| {
        let of_instant = said.iter().filter(|other| (other.0, other.1) == (*name, *from_us));
        names.contains(name) && of_instant.map(|(.., code)| *code).max() != Some(*code)
    };
    let conflicts = said.iter().filter(contradicts).count() as u64;
    let known = names
        .iter()
        .map(|name| (customer(*name).0, (-1..7).map(|time_us| holds(*name, time_us)).collect()))
        .collect();
    (known, conflicts)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn attributes_are_the_last_that_began(
        rows in prop::collection::vec(0_u32..4, 0..6),
        said in prop::collection::vec((0_u32..6, prop::option::of(0_i64..6), 0..CODES), 0..20),
        everyone in any::<bool>(),
    ) {
        let wanted = naive_attributes(&rows, &said, everyone);
        prop_assert_eq!(cut_attributes(&rows, &said, true, everyone), wanted);
        // Without instants all hold at all times.
        let always: Vec<Said> = said.iter().map(|(name, _, code)| (*name, None, *code)).collect();
        let wanted = naive_attributes(&rows, &always, everyone);
        prop_assert_eq!(cut_attributes(&rows, &always, false, everyone), wanted);
    }
}
