//! Rows that are left out: counted, reconciled, written aside with their place and without their content.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::support::{Columns, Warehouse, few_touchpoints, floats, text, times, with};

const CONFIG: &str = r#"
[job]
name = "spring"
[window]
from = "2026-04-01"
to = "2026-04-05"
[inputs.touchpoints]
path = "touchpoints"
[conversions.purchase]
event = "purchase"
value = "value"
[attribution]
models = ["linear"]
[segments]
min_customers = 1
[output]
csv = "plain"
[contract]
max_rejected_share = 1.0
max_duplicate_share = 1.0
"#;

fn warehouse(more: &str, columns: Columns) -> Warehouse {
    let warehouse = Warehouse::new(&format!("{CONFIG}{more}"));
    warehouse.parquet("touchpoints/a.parquet", columns);
    warehouse
}

/// The checks that found something.
fn found(warehouse: &Warehouse) -> String {
    let columns = ["table", "check", "column", "rows_checked", "rows_failed", "status"];
    let lines = warehouse.select("data_quality", &[], &columns);
    lines
        .lines()
        .filter(|line| line.split(" | ").nth(4) != Some("0"))
        .map(|line| format!("{line}\n"))
        .collect()
}

/// The row ledger, which must close: booked, kept, left out, difference.
fn ledger(warehouse: &Warehouse, input: &str) -> String {
    let keys = [("ledger", "rows"), ("item", input)];
    let line = warehouse.select("reconciliation", &keys, &["booked", "credited", "excluded", "difference"]);
    let numbers: Vec<f64> = line.split(" | ").map(|cell| cell.parse().expect("a number")).collect();
    assert_eq!(numbers[0], numbers[1] + numbers[2], "booked is kept and left out: {line}");
    assert_eq!(numbers[3], 0.0, "{line}");
    line
}

/// No published or printed byte tells who a customer is.
fn tells_nothing(warehouse: &Warehouse, stderr: &str, secrets: &[&str]) {
    let mut folders = vec![warehouse.path("out")];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_symlink() {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            files += 1;
            assert_silent(&path, &fs::read(&path).expect("read"), secrets);
        }
    }
    assert!(files > 20, "{files} files");
    assert_silent(Path::new("stderr"), stderr.as_bytes(), secrets);
}

fn assert_silent(path: &Path, bytes: &[u8], secrets: &[&str]) {
    for secret in secrets {
        let tells = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!tells, "{} holds {secret}", path.display());
    }
}

#[test]
fn rows_without_what_every_row_needs() {
    let warehouse = warehouse("", few_touchpoints());
    warehouse.parquet(
        "touchpoints/b.parquet",
        vec![
            ("customer_id", text(&["~", "", "secret-3", "secret-4", "secret-5", "secret-6", "secret-7"])),
            (
                "occurred_at",
                times(&[
                    "04-01 08:00",
                    "04-01 08:00",
                    "~",
                    "1969-04-02 10:30",
                    "2101-01-01 00:00",
                    "04-02 08:00",
                    "04-02 08:00",
                ]),
            ),
            ("event", text(&["click", "click", "click", "click", "click", "~", ""])),
            ("channel", text(&["Email"; 7])),
            ("value", floats(&[None; 7])),
        ],
    );
    let ran = warehouse.run(&[]);
    insta::assert_snapshot!(found(&warehouse), @r"
    touchpoints | duplicates_not_looked_for | event_id | 11 | 11 | warn
    touchpoints | null_customer_id | customer_id | 11 | 2 | warn
    touchpoints | null_event | event | 11 | 2 | warn
    touchpoints | null_time | occurred_at | 11 | 1 | warn
    ");
    insta::assert_snapshot!(ledger(&warehouse, "touchpoints"), @"11 | 6 | 5 | 0");
    insta::assert_snapshot!(warehouse.rejected("touchpoints"), @r"
    FOLDER/touchpoints/b.parquet | 1 | customer_id | null_customer_id | no hash
    FOLDER/touchpoints/b.parquet | 2 | customer_id | null_customer_id | no hash
    FOLDER/touchpoints/b.parquet | 3 | occurred_at | null_time | no hash
    FOLDER/touchpoints/b.parquet | 6 | event | null_event | no hash
    FOLDER/touchpoints/b.parquet | 7 | event | null_event | no hash
    ");
    tells_nothing(&warehouse, &ran.stderr, &["secret-", "c-1", "c-2", "c-3"]);
    insta::assert_snapshot!(ran.stderr.lines().nth(1).unwrap_or_default(), @"  left out   5 rejected, 2 outside the window");
}

#[test]
fn times_that_no_one_logged() {
    // Without bounds every row is in scope, and a time before 1990 or after 2100 is a mistake.
    let config = CONFIG.replace("from = \"2026-04-01\"\nto = \"2026-04-05\"\n", "");
    let warehouse = Warehouse::new(&config);
    let odd =
        ["04-01 08:00", "1969-04-02 10:30", "04-01 10:00", "04-03 11:00", "2101-01-01 00:00", "04-03 13:00"];
    warehouse.parquet("touchpoints/a.parquet", with(few_touchpoints(), "occurred_at", times(&odd)));
    warehouse.run(&["-q"]);
    insta::assert_snapshot!(warehouse.rejected("touchpoints"), @r"
    FOLDER/touchpoints/a.parquet | 2 | occurred_at | impossible_time | hash
    FOLDER/touchpoints/a.parquet | 5 | occurred_at | impossible_time | hash
    ");
    insta::assert_snapshot!(ledger(&warehouse, "touchpoints"), @"6 | 4 | 2 | 0");
    assert!(
        warehouse.path("out/windows/2026-04-01_2026-04-04").exists(),
        "the window is that of the sound rows"
    );
}

#[test]
fn values_that_are_none() {
    let warehouse = warehouse(
        "",
        vec![
            ("customer_id", text(&["c-1", "c-1", "c-2", "c-3", "c-4", "c-5", "c-6", "c-7"])),
            ("occurred_at", times(&["04-02 08:00"; 8])),
            (
                "event",
                text(&[
                    "click", "purchase", "purchase", "purchase", "purchase", "click", "click", "purchase",
                ]),
            ),
            ("channel", text(&["Email"; 8])),
            (
                "value",
                floats(&[
                    Some(f64::NAN),
                    Some(20.0),
                    Some(f64::NAN),
                    Some(f64::INFINITY),
                    Some(-7.25),
                    Some(f64::NEG_INFINITY),
                    Some(-1.0),
                    Some(1e300),
                ]),
            ),
        ],
    );
    warehouse.run(&["-q"]);
    insta::assert_snapshot!(found(&warehouse), @r"
    touchpoints | duplicates_not_looked_for | event_id | 8 | 8 | warn
    touchpoints | negative_value | value | 8 | 1 | warn
    touchpoints | unusable_value | value | 8 | 3 | warn
    touchpoints | value_made_null | value | 8 | 2 | warn
    ");
    insta::assert_snapshot!(ledger(&warehouse, "touchpoints"), @"8 | 4 | 4 | 0");
    insta::assert_snapshot!(warehouse.rejected("touchpoints"), @r"
    FOLDER/touchpoints/a.parquet | 3 | value | unusable_value | no hash
    FOLDER/touchpoints/a.parquet | 4 | value | unusable_value | no hash
    FOLDER/touchpoints/a.parquet | 5 | value | negative_value | hash
    FOLDER/touchpoints/a.parquet | 8 | value | unusable_value | no hash
    ");
    let value = warehouse.select(
        "reconciliation",
        &[("ledger", "value"), ("item", "purchase")],
        &["booked", "credited", "unattributed", "excluded", "difference"],
    );
    insta::assert_snapshot!(value, @"12.75 | 20 | 0 | -7.25 | 0");
}

/// Seven rows of two customers: an equal copy, a copy that differs, and an id that two customers share.
fn repeated() -> Columns {
    vec![
        ("customer_id", text(&["c-1", "c-1", "c-1", "c-1", "c-2", "c-2", "c-2"])),
        (
            "occurred_at",
            times(&[
                "04-01 08:00",
                "04-01 08:00",
                "04-02 09:00",
                "04-02 09:00",
                "04-01 08:00",
                "04-03 10:00",
                "04-03 10:00",
            ]),
        ),
        ("event_id", text(&["event-id-1", "event-id-1", "event-id-2", "event-id-2", "event-id-1", "~", "~"])),
        ("event", text(&["click", "click", "purchase", "purchase", "click", "click", "click"])),
        ("channel", text(&["Email", "Email", "~", "~", "Email", "Search", "Search"])),
        ("value", floats(&[None, None, Some(30.0), Some(31.0), None, None, None])),
    ]
}

#[test]
fn duplicates_by_event_id() {
    let warehouse = warehouse("", repeated());
    let ran = warehouse.run(&[]);
    insta::assert_snapshot!(found(&warehouse), @r"
    touchpoints | conflicting_duplicate | event_id | 7 | 1 | warn
    touchpoints | exact_duplicate | event_id | 7 | 1 | warn
    ");
    insta::assert_snapshot!(ledger(&warehouse, "touchpoints"), @"7 | 5 | 2 | 0");
    insta::assert_snapshot!(warehouse.rejected("touchpoints"), @"FOLDER/touchpoints/a.parquet | 4 | event_id | conflicting_duplicate | hash");
    tells_nothing(&warehouse, &ran.stderr, &["event-id-", "c-1", "c-2"]);
}

#[test]
fn duplicates_by_event_id_that_a_rule_looks_at_too() {
    let config = CONFIG
        .replace("path = \"touchpoints\"", "path = \"touchpoints\"\nexclude = [ { event_id = \"bot-*\" } ]");
    let warehouse = Warehouse::new(&config);
    warehouse.parquet("touchpoints/a.parquet", repeated());
    warehouse.run(&["-q"]);
    insta::assert_snapshot!(found(&warehouse), @r"
    touchpoints | conflicting_duplicate | event_id | 7 | 1 | warn
    touchpoints | exact_duplicate | event_id | 7 | 1 | warn
    ");
    insta::assert_snapshot!(ledger(&warehouse, "touchpoints"), @"7 | 5 | 2 | 0");
}

#[test]
fn duplicates_by_the_whole_row() {
    let warehouse = warehouse("dedupe = \"row\"\n", repeated());
    warehouse.run(&["-q"]);
    insta::assert_snapshot!(found(&warehouse), @r"
    touchpoints | exact_duplicate | event_id | 7 | 2 | warn
    ");
    insta::assert_snapshot!(ledger(&warehouse, "touchpoints"), @"7 | 5 | 2 | 0");
    assert!(!warehouse.path("out/current/rejected").exists(), "an equal copy is no mistake");
}

#[test]
fn duplicates_that_are_kept() {
    let warehouse = warehouse("dedupe = \"off\"\n", repeated());
    warehouse.run(&["-q"]);
    insta::assert_snapshot!(found(&warehouse), @r"
    ");
    insta::assert_snapshot!(ledger(&warehouse, "touchpoints"), @"7 | 7 | 0 | 0");
}

#[test]
fn which_copy_is_kept_does_not_depend_on_the_files() {
    let one = warehouse("", repeated());
    one.run(&["-q"]);
    let other = Warehouse::new(CONFIG);
    let halves = |from: usize, length: usize| -> Columns {
        repeated().into_iter().map(|(name, column)| (name, column.slice(from, length))).collect()
    };
    other.parquet("touchpoints/a.parquet", halves(3, 4));
    other.parquet("touchpoints/b.parquet", halves(0, 3));
    other.run(&["-q"]);
    assert_eq!(crate::support::differences(&one.published(), &other.published()), Vec::<String>::new());
}

#[test]
fn ids_that_are_suppressed() {
    let warehouse = warehouse("[inputs.suppress]\npath = \"suppress.parquet\"\n", few_touchpoints());
    warehouse.parquet("suppress.parquet", vec![("customer_id", text(&["c-1", "~", "no-one-7"]))]);
    let ran = warehouse.run(&[]);
    insta::assert_snapshot!(found(&warehouse), @r"
    touchpoints | duplicates_not_looked_for | event_id | 6 | 6 | warn
    touchpoints | suppressed | customer_id | 6 | 2 | ok
    ");
    insta::assert_snapshot!(ledger(&warehouse, "touchpoints"), @"6 | 4 | 2 | 0");
    tells_nothing(&warehouse, &ran.stderr, &["c-1", "c-2", "c-3", "no-one-7"]);
}

#[test]
fn rows_that_are_excluded() {
    let config = CONFIG.replace(
        "path = \"touchpoints\"",
        "path = \"touchpoints\"\nexclude = [ { event = [\"health_check\"] }, { customer_id = [\"test-*\"] }, { customer_id = \"c-3\", channel = \"Sea*\" } ]",
    );
    let warehouse = Warehouse::new(&config);
    warehouse.parquet("touchpoints/a.parquet", few_touchpoints());
    warehouse.parquet(
        "touchpoints/b.parquet",
        vec![
            ("customer_id", text(&["c-9", "test-1", "test-2", "a-test-3", "~"])),
            ("occurred_at", times(&["04-02 08:00"; 5])),
            ("event", text(&["health_check", "click", "purchase", "click", "health_check"])),
            ("channel", text(&["Email"; 5])),
            ("value", floats(&[None, None, Some(f64::NAN), None, None])),
        ],
    );
    warehouse.run(&["-q"]);
    insta::assert_snapshot!(found(&warehouse), @r"
    touchpoints | duplicates_not_looked_for | event_id | 11 | 11 | warn
    touchpoints | excluded |  | 11 | 5 | ok
    ");
    insta::assert_snapshot!(ledger(&warehouse, "touchpoints"), @"11 | 6 | 5 | 0");
    assert!(!warehouse.path("out/current/rejected").exists(), "what is excluded is nobody's mistake");
}

#[test]
fn customers_with_too_many_rows() {
    let warehouse = warehouse("max_touchpoints_per_customer = 3\n", few_touchpoints());
    warehouse.parquet(
        "touchpoints/b.parquet",
        vec![
            ("customer_id", text(&["bot-1"; 4])),
            ("occurred_at", times(&["04-02 08:00", "04-02 08:01", "04-02 08:02", "04-02 08:03"])),
            ("event", text(&["click", "click", "click", "purchase"])),
            ("channel", text(&["Email"; 4])),
            ("value", floats(&[None, None, None, Some(1_000.0)])),
        ],
    );
    let ran = warehouse.run(&[]);
    insta::assert_snapshot!(found(&warehouse), @r"
    touchpoints | duplicates_not_looked_for | event_id | 10 | 10 | warn
    touchpoints | too_many_touchpoints | customer_id | 10 | 4 | warn
    ");
    insta::assert_snapshot!(ledger(&warehouse, "touchpoints"), @"10 | 6 | 4 | 0");
    tells_nothing(&warehouse, &ran.stderr, &["bot-1"]);
}

#[test]
fn rows_of_the_small_tables() {
    let more = "[inputs.customers]\npath = \"customers.parquet\"\n[inputs.assignments]\npath = \"assignments.parquet\"\n";
    let config = CONFIG.replace("[segments]", "[segments]\ndimensions = [\"country\"]");
    let warehouse = Warehouse::new(&format!("{config}{more}"));
    warehouse.parquet("touchpoints/a.parquet", few_touchpoints());
    warehouse.parquet(
        "customers.parquet",
        vec![("customer_id", text(&["c-1", "~", "c-3"])), ("country", text(&["BG", "BG", "~"]))],
    );
    warehouse.parquet(
        "assignments.parquet",
        vec![
            ("experiment", text(&["x", "x", "x", "~", "x"])),
            ("variant", text(&["A", "~", "B", "B", "A"])),
            ("customer_id", text(&["c-1", "c-2", "~", "c-3", "c-2"])),
            ("assigned_at", times(&["04-01 00:00", "04-01 00:00", "04-01 00:00", "04-01 00:00", "~"])),
        ],
    );
    warehouse.run(&["-q"]);
    insta::assert_snapshot!(found(&warehouse), @r"
    assignments | null_customer_id | customer_id | 5 | 1 | warn
    assignments | null_experiment | experiment | 5 | 1 | warn
    assignments | null_time | assigned_at | 5 | 1 | warn
    assignments | null_variant | variant | 5 | 1 | warn
    customers | null_customer_id | customer_id | 3 | 1 | warn
    touchpoints | duplicates_not_looked_for | event_id | 6 | 6 | warn
    touchpoints | not_in_customers | customer_id | 3 | 1 | ok
    ");
    insta::assert_snapshot!(ledger(&warehouse, "customers"), @"3 | 2 | 1 | 0");
    insta::assert_snapshot!(ledger(&warehouse, "assignments"), @"5 | 1 | 4 | 0");
    insta::assert_snapshot!(warehouse.rejected("customers"), @"FOLDER/customers.parquet | 2 | customer_id | null_customer_id | no hash");
    insta::assert_snapshot!(warehouse.rejected("assignments"), @r"
    FOLDER/assignments.parquet | 2 | variant | null_variant | no hash
    FOLDER/assignments.parquet | 3 | customer_id | null_customer_id | no hash
    FOLDER/assignments.parquet | 4 | experiment | null_experiment | no hash
    FOLDER/assignments.parquet | 5 | assigned_at | null_time | no hash
    ");
}

/// The bytes of the rejected rows, which differ where a hash does.
fn rejected_bytes(warehouse: &Warehouse, arguments: &[&str]) -> Vec<u8> {
    let ran = warehouse.run(&[&["--force", "-v", "--log-format", "json"], arguments].concat());
    assert!(!ran.stderr.contains(KEY), "{}", ran.stderr);
    fs::read(warehouse.path("out/current/rejected/touchpoints.parquet")).expect("rejected rows")
}

const KEY: &str = "a-key-of-thirty-two-bytes-or-more-";

#[test]
fn hashes_stay_the_same_under_a_key_of_ones_own() {
    let events = with(few_touchpoints(), "event", text(&["click", "~", "click", "purchase", "click", "~"]));
    let columns = with(events, "occurred_at", times(&["04-01 08:00"; 6]));
    let value = floats(&[None, Some(-25.0), None, Some(-12.5), None, None]);
    let warehouse = warehouse("", with(columns, "value", value));
    let with_key = |name: &str, key: &str, mode: u32| {
        warehouse.write(name, key);
        fs::set_permissions(warehouse.path(name), Permissions::from_mode(mode)).expect("set");
        format!("contract.hash_key_file={name}")
    };
    let (key, other) = (with_key("key", KEY, 0o600), with_key("other.key", &KEY.to_uppercase(), 0o440));
    assert_ne!(rejected_bytes(&warehouse, &[]), rejected_bytes(&warehouse, &[]), "each run has its own");
    let hashed = rejected_bytes(&warehouse, &["--set", &key]);
    assert_eq!(hashed, rejected_bytes(&warehouse, &["--set", &key]));
    assert_ne!(hashed, rejected_bytes(&warehouse, &["--set", &other]));
    tells_nothing(&warehouse, "", &[KEY, &KEY.to_uppercase()]);
    // It changes no table, and so no run id.
    assert!(warehouse.run(&["--set", &key]).stderr.contains("nothing new"));
    assert_eq!(warehouse.touchline(&["check", "--set", &key]).code, 0);
}

#[test]
fn a_key_that_is_no_secret_is_refused() {
    let warehouse = warehouse("hash_key_file = \"key\"\n", few_touchpoints());
    insta::assert_snapshot!(warehouse.fails(&[]), @r#"
    exit code 78
    error: the key FOLDER/key can't be read: No such file or directory (os error 2)
      --> touchline.toml:21:1
       |
    21 | hash_key_file = "key"
       | ^^^^^^^^^^^^^
       |
       = hint: name a file that the user of this job may read, or leave the key out
    "#);
    warehouse.write("key", KEY);
    fs::set_permissions(warehouse.path("key"), Permissions::from_mode(0o644)).expect("set");
    insta::assert_snapshot!(warehouse.fails(&[]), @r#"
    exit code 78
    error: the key FOLDER/key is no secret: its mode is 644
      --> touchline.toml:21:1
       |
    21 | hash_key_file = "key"
       | ^^^^^^^^^^^^^
       |
       = hint: let nobody else read or change it: chmod 600 FOLDER/key
    "#);
    assert_eq!(warehouse.touchline(&["check"]).code, 78);
    fs::set_permissions(warehouse.path("key"), Permissions::from_mode(0o600)).expect("set");
    warehouse.write("key", "short");
    insta::assert_snapshot!(warehouse.fails(&[]), @r#"
    exit code 78
    error: the key FOLDER/key has 5 bytes, and 32 to 4096 are needed
      --> touchline.toml:21:1
       |
    21 | hash_key_file = "key"
       | ^^^^^^^^^^^^^
       |
       = hint: make one with `openssl rand -hex 32 > FOLDER/key`
    "#);
}
