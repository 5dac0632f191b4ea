"""Runs one of the DuckDB query files: QUERIES.sql WAREHOUSE FROM_US TO_US THREADS ANSWER."""

import sys
from pathlib import Path

import duckdb

import answer

asked = answer.Question.of_arguments(sys.argv[2:])
connection = duckdb.connect()
connection.execute(f"SET threads = {asked.threads}")
connection.execute("SET enable_progress_bar = false")
connection.execute("SET TimeZone = 'UTC'")
for name, value in [
    ("touchpoints", asked.touchpoints),
    ("suppress", asked.suppress),
    ("from_us", asked.from_us),
    ("to_us", asked.to_us),
]:
    connection.execute(f"SET VARIABLE {name} = $value", {"value": value})
connection.execute(Path(sys.argv[1]).read_text(encoding="utf-8"))
table = lambda name: connection.execute(f"SELECT * FROM {name}").fetchall()
answer.write(
    asked, duckdb.__version__, table("credit"), table("markov"), table("channel_sets"), table("stage_steps")
)
