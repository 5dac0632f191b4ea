"""Runs the example DAG in a real Airflow with the real program, once for each thing that can happen.

    python examples/airflow/test.py TOUCHLINE SAMPLE

TOUCHLINE is the program, SAMPLE the folder of a generated warehouse with its touchline.toml. Airflow is the one of
this Python; it gets a home and an SQLite database in a temporary folder and needs no network.
"""

import fcntl
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
import time
from datetime import date, timedelta
from pathlib import Path

HERE = Path(__file__).resolve().parent
AIRFLOW = [sys.executable, "-m", "airflow"]
DAG = "touchline_daily"
#: A day of the sample.
DAY = "2026-05-01"

#: The example as it is, but for how long it waits: the folder that Airflow reads has only this file.
DAGS = '''
"""Airflow looks for that word before it reads a file."""
import os
from datetime import timedelta
from touchline_daily import dag

run = dag.get_task("run")
run.retry_delay = timedelta(seconds=1)
run.retry_exponential_backoff = 0
if "TEST_TIMEOUT" in os.environ:
    run.execution_timeout = timedelta(seconds=float(os.environ["TEST_TIMEOUT"]))
    run.options = ["--wait", "600"]
    run.retries = 0
'''

#: The program, with a line in a file for every time that it is called.
COUNTED = """#!/bin/sh
echo "$*" >>"$TEST_CALLS"
exec "$TEST_TOUCHLINE" "$@"
"""

#: The same; whoever looks after the disk mends it after the first failure.
MENDED = """#!/bin/sh
echo "$*" >>"$TEST_CALLS"
(
    [ ! -e "$TEST_WAREHOUSE/full" ] || ulimit -f 1
    exec "$TEST_TOUCHLINE" "$@"
)
code=$?
[ $code -ne 74 ] || rm -f "$TEST_WAREHOUSE/full"
exit $code
"""


class Scenario:
    """A warehouse, a home for Airflow that all scenarios share, and what came of a run of the DAG."""

    def __init__(self, name, root, touchline, sample, program=COUNTED):
        self.name = name
        self.folder = root / name.replace(" ", "-")
        self.warehouse = self.folder / "warehouse"
        shutil.copytree(sample, self.warehouse, ignore=shutil.ignore_patterns("out"))
        self.out = self.warehouse / "out"
        self.calls = self.folder / "calls"
        self.calls.touch()
        script = self.folder / "touchline"
        script.write_text(program)
        script.chmod(0o755)
        self.home = root / "airflow"
        self.environment = environment(root) | {
            "TOUCHLINE_BIN": str(script),
            "TOUCHLINE_CONFIG": str(self.warehouse / "touchline.toml"),
            "TEST_TOUCHLINE": str(touchline),
            "TEST_CALLS": str(self.calls),
            "TEST_WAREHOUSE": str(self.warehouse),
        }

    def run(self, day=DAY, **variables):
        """Runs the DAG as it is due when a day has ended."""
        due = str(date.fromisoformat(day) + timedelta(days=1))
        began = time.monotonic()
        ended = subprocess.run(
            [*AIRFLOW, "dags", "test", DAG, due],
            env=self.environment | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=240,
        )
        self.log = ended.stdout
        self.seconds = time.monotonic() - began
        with sqlite3.connect(self.home / "airflow.db") as database:
            query = """
                select task_id, state, try_number, run_id from task_instance
                where dag_id = ? and run_id = (select run_id from dag_run where dag_id = ? order by id desc limit 1)
            """
            rows = database.execute(query, (DAG, DAG)).fetchall()
            self.states = {task: state for task, state, _, _ in rows}
            self.tries = {task: tries for task, _, tries, _ in rows}
            query = "select task_id, value from xcom where dag_id = ? and run_id = ? and key = 'return_value'"
            found = database.execute(query, (DAG, rows[0][3])).fetchall()
            self.returned = {task: json.loads(value) for task, value in found}
        return self

    @property
    def attempts(self):
        return len(self.calls.read_text().splitlines())

    def expect(self, what, seen, wanted):
        if seen != wanted:
            print(textwrap.indent(self.log, "    | "))
            sys.exit(f"{self.name}: {what} is {seen!r} instead of {wanted!r}")

    def told(self, text):
        self.expect(f"whether the log says {text!r}", text in self.log, True)

    def passed(self, how):
        print(f"  {self.name}: {how} ({self.seconds:.0f} s)", flush=True)


def environment(root):
    """What Airflow needs, and nothing of the caller's: no other configuration, no network."""
    dags = root / "dags"
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    return kept | {
        "HOME": str(root),
        "AIRFLOW_HOME": str(root / "airflow"),
        "PYTHONPATH": str(HERE / "dags"),
        # Python's compiled files would stand among the examples.
        "PYTHONDONTWRITEBYTECODE": "1",
        "NO_COLOR": "1",
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{root / 'airflow' / 'airflow.db'}",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    }


def success(new):
    scenario = new("success").run()
    scenario.expect("the state", scenario.states, {"run": "success", "announce": "success"})
    scenario.expect("attempts", scenario.attempts, 1)
    window = scenario.out / "windows" / f"{DAY}_2026-05-02"
    scenario.expect("the window's pointer", window.is_symlink(), True)
    summary = scenario.returned["run"]
    scenario.expect("the directory", Path(summary["directory"]).resolve(), window.resolve())
    scenario.expect("the summary's status", summary["status"], "published")
    scenario.expect("what the next task made of it", scenario.returned["announce"].startswith(summary["run_id"]), True)
    first = scenario.seconds
    # A rerun of the same interval, as Airflow's "clear" does: nothing is computed, nothing moves.
    scenario.run()
    scenario.expect("the state of the rerun", scenario.states, {"run": "success", "announce": "success"})
    scenario.expect("its status", scenario.returned["run"]["status"], "unchanged")
    scenario.expect("its run", scenario.returned["run"]["run_id"], summary["run_id"])
    scenario.seconds += first
    scenario.passed(f"published {len(summary['rows'])} tables of {DAY}, XCom has {summary['run_id']}; a rerun is unchanged")


def retried(new):
    scenario = new("74 and then success", program=MENDED)
    # No file may be larger than a block: as on a disk that is full.
    (scenario.warehouse / "full").touch()
    scenario.run("2026-05-03")
    scenario.expect("the state", scenario.states, {"run": "success", "announce": "success"})
    scenario.expect("attempts", scenario.attempts, 2)
    scenario.told("exit code 74")
    scenario.passed("failed with 74, was retried once and published")


def not_retried(new):
    scenario = new("65")
    file = scenario.warehouse / "touchpoints" / "dt=2026-05-04" / "part-0.parquet"
    file.write_bytes(file.read_bytes()[:-100])
    scenario.run("2026-05-04")
    scenario.expect("the state", scenario.states, {"run": "failed", "announce": "upstream_failed"})
    scenario.expect("attempts", scenario.attempts, 1)
    scenario.told("exit code 65")
    scenario.told("part-0.parquet")
    scenario.passed("a truncated file failed the task at once, with 3 retries left")


def misconfigured(new):
    scenario = new("78")
    config = scenario.warehouse / "touchline.toml"
    config.write_text(config.read_text().replace("[job]", "[jbo]"))
    scenario.run("2026-05-05")
    scenario.expect("the state", scenario.states, {"run": "failed", "announce": "upstream_failed"})
    scenario.expect("attempts", scenario.attempts, 1)
    scenario.told("exit code 78")
    scenario.passed("a mistake in the configuration failed the task at once")


def skipped(new):
    scenario = new("99").run("2027-01-01")
    scenario.expect("the state", scenario.states, {"run": "skipped", "announce": "skipped"})
    scenario.expect("attempts", scenario.attempts, 1)
    scenario.expect("runs", sorted((scenario.out / "runs").iterdir()), [])
    scenario.passed("a day without rows skipped both tasks")


def timed_out(new):
    scenario = new("timeout")
    scenario.out.mkdir()
    with open(scenario.out / ".lock", "w") as lock:
        # As another run would: this one waits ten minutes for it, and the task may take five seconds.
        fcntl.flock(lock, fcntl.LOCK_EX)
        scenario.run("2026-05-06", TEST_TIMEOUT="5")
    scenario.expect("the state", scenario.states, {"run": "failed", "announce": "upstream_failed"})
    scenario.expect("attempts", scenario.attempts, 1)
    scenario.told("with SIGTERM")
    scenario.told("has stopped with exit code 143")
    scenario.expect("processes left", left_over(scenario.warehouse), [])
    left = [path.name for path in scenario.out.rglob("*") if path.is_file() and path.name != ".lock"]
    scenario.expect("files left", left, [])
    scenario.passed("SIGTERM to the process group, which ended with 143 and left no process and no file")


def left_over(warehouse):
    """Processes that name a path in their arguments."""
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(warehouse).encode() in process.read_bytes():
                found.append(process.parent.name)
        except OSError:
            pass  # It has ended.
    return found


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    touchline, sample = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="touchline-airflow-") as folder:
        root = Path(folder).resolve()
        (root / "dags").mkdir()
        (root / "dags" / "touchline_daily_test.py").write_text(DAGS)
        migrated = subprocess.run(
            [*AIRFLOW, "db", "migrate"], env=environment(root), capture_output=True, text=True, timeout=240
        )
        if migrated.returncode != 0:
            sys.exit(migrated.stdout + migrated.stderr)

        def new(name, **options):
            return Scenario(name, root, touchline, sample, **options)

        for scenario in (success, retried, not_retried, misconfigured, skipped, timed_out):
            scenario(new)
    print(f"Airflow did what the exit codes say in 6 scenarios, {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
