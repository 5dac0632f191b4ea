"""Runs the ClickHouse queries: QUERIES.sql WAREHOUSE FROM_US TO_US THREADS ANSWER."""

import json
import sys
from pathlib import Path
from string import Template

import chdb
from chdb import session

import answer

asked = answer.Question.of_arguments(sys.argv[2:])
engine = session.Session()
engine.query(f"SET max_threads = {asked.threads}")
lines = Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()
text = "\n".join(line for line in lines if not line.startswith("--"))
filled = Template(text).substitute(
    touchpoints=asked.touchpoints, suppress=asked.suppress, from_us=asked.from_us, to_us=asked.to_us
)
for statement in filled.split(";"):
    if statement.strip():
        engine.query(statement)


def table(name):
    found = str(engine.query(f"SELECT * FROM {name} SETTINGS output_format_json_quote_64bit_integers = 0", "JSONCompactEachRow"))
    return [json.loads(line) for line in found.splitlines()]


version = f"{str(engine.query('SELECT version()', 'TSV')).strip()} (chdb {chdb.__version__})"
answer.write(
    asked, version, table("credit"), table("markov"), table("channel_sets"), table("stage_steps")
)
