//! `examples/crontab`, line by line as cron would run it: no terminal, no home to speak of, the variables of the
//! file and no others.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Stdio};

use crate::support::{CONFIG, Ran, Warehouse, few_touchpoints};

const CRONTAB: &str = include_str!("../../examples/crontab");

/// date(1) on the morning after the last touchpoint; `-u` asks for no day of the clock.
const DATE: &str = "#!/bin/sh
if [ \"$1\" = -u ]; then
    exec /bin/date \"$@\"
fi
if [ \"$1\" = -d ]; then
    base=\"2026-04-04 $2\"
    shift 2
else
    base=2026-04-04
fi
exec /bin/date -u -d \"$base\" \"$@\"
";

/// Variables and commands of the file.
fn crontab() -> (BTreeMap<&'static str, &'static str>, Vec<String>) {
    let (mut variables, mut commands) = (BTreeMap::new(), Vec::new());
    for line in CRONTAB.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match line
            .split_once('=')
            .filter(|(name, _)| name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'))
        {
            Some((name, value)) => {
                variables.insert(name, value);
            }
            None => {
                let command = line.splitn(6, ' ').nth(5).expect("five fields and a command");
                assert!(!command.replace("\\%", "").contains('%'), "a line break to cron: {command}");
                commands.push(command.replace("\\%", "%"));
            }
        }
    }
    (variables, commands)
}

/// A machine with the program, a warehouse and the places that the file names.
fn machine() -> Warehouse {
    let warehouse = Warehouse::new(CONFIG);
    warehouse.parquet("touchpoints/a.parquet", few_touchpoints());
    warehouse.write("bin/date", DATE);
    fs::set_permissions(warehouse.path("bin/date"), fs::Permissions::from_mode(0o755)).expect("executable");
    symlink(env!("CARGO_BIN_EXE_touchline"), warehouse.path("bin/touchline")).expect("a link");
    let backfill = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/backfill.sh");
    symlink(backfill, warehouse.path("bin/touchline-backfill")).expect("a link");
    fs::create_dir(warehouse.path("summaries")).expect("created");
    warehouse
}

/// Runs a command of the file.
fn cron(warehouse: &Warehouse, command: &str) -> Ran {
    let (variables, _) = crontab();
    let place = |name: &str| warehouse.path(name).display().to_string();
    let mut cron = Command::new(variables["SHELL"]);
    cron.args(["-c", command]).current_dir("/").env_clear().stdin(Stdio::null()).envs(&variables);
    cron.env("HOME", "/nonexistent").env("LOGNAME", "nobody");
    cron.env("PATH", format!("{}:{}", place("bin"), variables["PATH"]));
    cron.env("TOUCHLINE_CONFIG", place("touchline.toml"));
    cron.env("SUMMARIES", place("summaries")).env("QUARTER", place("quarter"));
    warehouse.finish(cron)
}

#[test]
fn cron_has_nothing_to_send_on_success() {
    let warehouse = machine();
    let (_, commands) = crontab();
    assert_eq!(commands.len(), 3);
    for command in &commands {
        let ran = cron(&warehouse, command);
        assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (0, "", ""), "{command}");
    }
    let window = |out: &str, name: &str| warehouse.path(&format!("{out}/windows/{name}")).exists();
    for day in ["2026-04-01_2026-04-02", "2026-04-02_2026-04-03", "2026-04-03_2026-04-04"] {
        assert!(window("out", day), "{day}");
    }
    let current = warehouse.current();
    assert_eq!(
        current,
        fs::canonicalize(warehouse.path("out/windows/2026-04-03_2026-04-04")).expect("a window")
    );
    assert!(window("quarter", "2026-01-03_2026-04-04"));
    for summary in ["day", "quarter"] {
        let text =
            fs::read_to_string(warehouse.path(&format!("summaries/{summary}.json"))).expect("a summary");
        let summary: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(summary["exit_code"], 0);
    }
    // The next night nothing new has come.
    let again = cron(&warehouse, &commands[0]);
    assert_eq!((again.code, again.stdout.as_str(), again.stderr.as_str()), (0, "", ""));
    assert_eq!(warehouse.current(), current);
}

#[test]
fn cron_sends_what_went_wrong() {
    let warehouse = machine();
    let (_, commands) = crontab();
    warehouse.write("touchpoints/b.parquet", "no Parquet");
    for command in &commands {
        let ran = cron(&warehouse, command);
        assert_eq!((ran.code, ran.stdout.as_str()), (65, ""), "{command}");
        assert!(ran.stderr.contains("b.parquet"), "{command}\n{}", ran.stderr);
    }
    assert!(!warehouse.path("out/current").exists());
}
