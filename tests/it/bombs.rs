//! Small files that would be large: each refused by name, within the memory that the run may take.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use parquet::basic::{Compression, GzipLevel};

use crate::support::raw_parquet::{Chunk, SCHEMA, data, dictionary, file, same_code, text, varint};
use crate::support::{CONFIG, Warehouse};

/// The least that a run takes.
const MEMORY_MIB: u64 = 128;
const GIB: usize = 1 << 30;

fn times(rows: u32) -> Chunk {
    Chunk::constant(&1_775_030_400_000_000_i64.to_le_bytes(), rows)
}

fn events(rows: u32) -> Chunk {
    Chunk::constant(&text(b"click"), rows)
}

/// Rows of one customer, with a column of one's own for the ids.
fn with_ids(rows: u32, ids: Chunk) -> Vec<u8> {
    file(SCHEMA, &[(i64::from(rows), vec![ids, times(rows), events(rows)])])
}

fn tame(rows: u32) -> Vec<u8> {
    with_ids(rows, Chunk::constant(&text(b"c-1"), rows))
}

/// A gibibyte of zeros as frames of a mebibyte.
fn zeros() -> Vec<u8> {
    zstd::bulk::compress(&vec![0; 1 << 20], 1).unwrap().repeat(1 << 10)
}

fn gzip_zeros() -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut encoder, &vec![0; 1 << 20]).unwrap();
    encoder.finish().unwrap().repeat(1 << 10)
}

/// A file whose footer is these bytes.
fn with_footer(footer: &[u8]) -> Vec<u8> {
    [b"PAR1", footer, &(footer.len() as u32).to_le_bytes(), b"PAR1"].concat()
}

/// A list in a field of a footer that claims to have so many structs, then these bytes.
fn with_list(field: u8, structs: u64, rest: &[u8]) -> Vec<u8> {
    let mut footer = vec![field << 4 | 9, 0xfc];
    varint(structs, &mut footer);
    footer.extend(rest);
    with_footer(&footer)
}

/// Integers that all differ by as much from those before: many, in a few bytes.
fn deltas(values: u64, first: i64, delta: i64) -> Vec<u8> {
    let zigzag = |value: i64| ((value << 1) ^ (value >> 63)) as u64;
    // Blocks of 65,536 in one part.
    let mut bytes = Vec::new();
    for number in [65_536, 1, values, zigzag(first)] {
        varint(number, &mut bytes);
    }
    for _ in 0..values.saturating_sub(1).div_ceil(65_536).min(100) {
        varint(zigzag(delta), &mut bytes);
        bytes.push(0);
    }
    bytes
}

/// Every bomb with what it is called.
fn bombs() -> Vec<(&'static str, Vec<u8>)> {
    let tame_bytes = tame(1_000);
    let with_claims = |claim: fn(&mut Chunk)| {
        let mut ids = Chunk::constant(&text(b"c-1"), 1_000);
        claim(&mut ids);
        with_ids(1_000, ids)
    };
    let long_footer = |length: u32| {
        let mut bytes = tame_bytes.clone();
        let at = bytes.len() - 8;
        bytes[at..at + 4].copy_from_slice(&length.to_le_bytes());
        bytes
    };
    let packed = zeros();
    let page_of_zeros = |unpacked: usize| Chunk::plain(&[data(1_000, 0, &packed, unpacked)]).zstd();
    let gzipped = gzip_zeros();
    let mut gzip = Chunk::plain(&[data(1_000, 0, &gzipped, 1_000)]);
    gzip.compression = Compression::GZIP(GzipLevel::default());
    let mut frames = Chunk::plain(&[data(1_000, 0, &vec![1; 1 << 20], 1_000)]);
    frames.compression = Compression::LZ4;
    let long_text = text(&vec![b'x'; 2 << 20]);
    let a_group =
        (1_i64 << 19, vec![Chunk::constant(&text(b"c-1"), 1 << 19), times(1 << 19), events(1 << 19)]);
    let own_page = {
        let body = zstd::bulk::compress(&text(&vec![b'x'; 20 << 20]), 1).unwrap();
        data(1, 0, &body, (20 << 20) + 4)
    };
    let fixed = "message rows { required binary customer_id (STRING); \
        required int64 occurred_at (TIMESTAMP(MICROS,true)); required binary event (STRING); \
        optional fixed_len_byte_array(268000000) value (DECIMAL(9,2)); }";
    // All null: one run of levels of zero.
    let nulls = data(1_000, 0, &[3, 0, 0, 0, 0xd0, 0x0f, 0], 7);
    vec![
        ("a footer longer than the file", long_footer(u32::MAX - 8)),
        ("a footer of all of the file", long_footer(tame_bytes.len() as u32 - 12)),
        ("two billion row groups", with_list(4, 1 << 31, &[0; 6_000])),
        ("two billion columns", with_list(2, 1 << 31, &[0; 6_000])),
        ("columns that lie in each other", with_list(2, 500_000, &[0x55, 2, 0].repeat(500_000))),
        ("a million column chunks", {
            let mut group = vec![0x19, 0xfc];
            varint(1_000_000, &mut group);
            group.extend([0x15, 0, 0].repeat(1_000_000));
            group.push(0);
            with_list(4, 1, &[group, vec![0; 8]].concat())
        }),
        ("a billion rows in a few hundred bytes", tame(1_000_000_000)),
        ("two billion rows, negative in sum", file(SCHEMA, &[(-1_i64 << 31, a_group.1.clone())])),
        ("row groups on top of each other", {
            let mut again = a_group.clone();
            for (at, chunk) in again.1.iter_mut().enumerate() {
                chunk.claimed_start = Some(4 + at as i64);
                chunk.claimed_bytes = Some(chunk.bytes.len() as i64);
                chunk.bytes.clear();
            }
            file(SCHEMA, &[&[a_group.clone()][..], &vec![again; 2_000]].concat())
        }),
        ("a column longer than the file", with_claims(|chunk| chunk.claimed_bytes = Some(1 << 40))),
        ("a column before the file", with_claims(|chunk| chunk.claimed_start = Some(-4))),
        ("a page of two gibibytes", with_ids(1_000, page_of_zeros(i32::MAX as usize))),
        ("a gibibyte of zeros, said openly", with_ids(1_000, page_of_zeros(GIB))),
        ("a gibibyte of zeros, said to be a kilobyte", with_ids(1_000, page_of_zeros(1_000))),
        ("a gibibyte of zeros in gzip", with_ids(1_000, gzip)),
        ("frames of unknown length", with_ids(1_000, frames)),
        ("a dictionary of two billion values", {
            let few = dictionary(i32::MAX as u32, &text(b"c-1"), 7);
            with_ids(1_000, Chunk::with_dictionary(few, &[same_code(1_000)]))
        }),
        ("two billion lengths of texts", {
            let lengths = deltas(i32::MAX as u64, 0, 0);
            with_ids(1_000, Chunk::plain(&[data(1_000, 6, &lengths, lengths.len())]))
        }),
        ("texts that each repeat a megabyte of the last", {
            let (prefixes, suffixes) = (deltas(8_000, 0, 130), deltas(8_000, 130, 0));
            let body = [prefixes, suffixes, vec![b'x'; 8_000 * 130]].concat();
            with_ids(8_000, Chunk::plain(&[data(8_000, 7, &body, body.len())]))
        }),
        ("a long text in every row, beside others", {
            let (few, other) = (dictionary(1, &long_text, long_text.len()), text(b"c-2"));
            let last = data(1, 0, &other, other.len());
            with_ids(8_001, Chunk::with_dictionary(few, &[same_code(8_000), last]))
        }),
        (
            "a page of twenty megabytes for every row",
            with_ids(500, Chunk::plain(&vec![own_page; 500]).zstd()),
        ),
        ("decimals of a gigabyte", {
            let ids = Chunk::constant(&text(b"c-1"), 1_000);
            let chunks = vec![ids, times(1_000), events(1_000), Chunk::plain(&[nulls])];
            file(fixed, &[(1_000, chunks)])
        }),
    ]
}

/// The exit code, what was said, and the most memory in MiB that wasn't the program's own.
fn run(warehouse: &Warehouse) -> (i32, String, u64) {
    let memory = format!("{MEMORY_MIB}MiB");
    let mut command = warehouse.command(&["run", "--memory", &memory, "--threads", "1"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak_kib = 0;
    let begun = Instant::now();
    let code = loop {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("RssAnon:"));
        let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
        peak_kib = peak_kib.max(kib.unwrap_or(0));
        if let Some(ended) = child.try_wait().unwrap() {
            break ended.code().unwrap_or(-1);
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "it doesn't end");
        std::thread::sleep(Duration::from_millis(1));
    };
    let mut said = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut said).unwrap();
    (code, said, peak_kib >> 10)
}

#[test]
#[expect(clippy::print_stdout, reason = "what each took is worth reading; captured with the rest")]
fn bombs_are_refused_within_the_memory_of_the_run() {
    let warehouse = Warehouse::new(CONFIG);
    warehouse.write("touchpoints/a.parquet", tame(1_000));
    let (code, said, peak) = run(&warehouse);
    assert_eq!(code, 0, "a file that claims what it has: {said}");
    assert!(peak > 0 && peak <= MEMORY_MIB, "{peak} MiB");
    let bombs = bombs();
    assert!(bombs.len() >= 20);
    for (name, bytes) in bombs {
        assert!(bytes.len() < 8 << 20, "{name}: a bomb of {} bytes is none", bytes.len());
        warehouse.write("touchpoints/b.parquet", bytes);
        let (code, said, peak) = run(&warehouse);
        assert_eq!(code, 65, "{name}: {said}");
        assert!(said.contains("touchpoints/b.parquet"), "{name}: {said}");
        assert!(peak <= MEMORY_MIB, "{name}: {peak} MiB");
        println!("{name}: {peak} MiB, {}", said.lines().next().unwrap_or_default());
    }
}
