"""Reads every published table with DuckDB, pandas, pyarrow and Polars.

    touchline tables --format json > dictionary.json
    python .ci/readers.py sample-data/out/current dictionary.json queries

Each reader must see the columns and exact types that the data dictionary promises, and the same values:
every cell of every table is compared, floats by their bits. CSV files must hold what the Parquet files hold.
The shipped queries must give the same rows in DuckDB.
"""

import datetime
import json
import math
import sys
from pathlib import Path

import duckdb
import pandas
import polars
import pyarrow
import pyarrow.compute
import pyarrow.csv
import pyarrow.parquet

# A type of the dictionary as each reader names it.
ARROW = {
    "Utf8": pyarrow.string(),
    "Int64": pyarrow.int64(),
    "Float64": pyarrow.float64(),
    "Boolean": pyarrow.bool_(),
    "Date32": pyarrow.date32(),
    "TimestampUs": pyarrow.timestamp("us", tz="UTC"),
}
POLARS = {
    "Utf8": polars.String(),
    "Int64": polars.Int64(),
    "Float64": polars.Float64(),
    "Boolean": polars.Boolean(),
    "Date32": polars.Date(),
    "TimestampUs": polars.Datetime("us", "UTC"),
}
DUCKDB = {
    "Utf8": "VARCHAR",
    "Int64": "BIGINT",
    "Float64": "DOUBLE",
    "Boolean": "BOOLEAN",
    "Date32": "DATE",
    "TimestampUs": "TIMESTAMP WITH TIME ZONE",
}
# As datapackage.json writes them: the tables of queries stand in no dictionary.
FRICTIONLESS = {
    "string": "Utf8",
    "integer": "Int64",
    "number": "Float64",
    "boolean": "Boolean",
    "date": "Date32",
    "datetime": "TimestampUs",
}
# Letters that a spreadsheet takes for the start of a formula: a text cell is led by an apostrophe then.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\0")


class Mismatch(Exception):
    """A reader sees something else than was promised."""


def expect(what, seen, promised):
    if seen != promised:
        raise Mismatch(f"{what}: {seen!r} instead of {promised!r}")


def promised_types(run, dictionary):
    """The columns of every published table with their types, in order."""
    described = {table["name"]: table["columns"] for table in dictionary["tables"]}
    package = json.loads((run / "datapackage.json").read_text())
    tables = {}
    for resource in package["resources"]:
        fields = {field["name"]: FRICTIONLESS[field["type"]] for field in resource["schema"]["fields"]}
        tables[resource["title"]] = fields
    for name, columns in described.items():
        expect(f"datapackage.json, {name}", tables.get(name), {c["name"]: c["type"] for c in columns})
    return tables


def same(what, seen, promised):
    """Compares two Arrow tables cell by cell."""
    expect(f"{what}, columns", seen.column_names, promised.column_names)
    expect(f"{what}, rows", seen.num_rows, promised.num_rows)
    for name in promised.column_names:
        ours, theirs = promised.column(name).combine_chunks(), seen.column(name)
        theirs = theirs.cast(ours.type).combine_chunks()
        if not theirs.equals(ours):
            pairs = zip(theirs.to_pylist(), ours.to_pylist())
            row, pair = next((i, pair) for i, pair in enumerate(pairs) if pair[0] != pair[1])
            raise Mismatch(f"{what}, column {name}, row {row}: {pair[0]!r} instead of {pair[1]!r}")


def no_nan(what, table):
    for name, column in zip(table.column_names, table.columns):
        if pyarrow.types.is_floating(column.type):
            finite = pyarrow.compute.all(pyarrow.compute.is_finite(column)).as_py()
            if finite is False:
                raise Mismatch(f"{what}, column {name}: not finite")


def parquet(path, types):
    """Reads a Parquet file with every reader; returns it as Arrow has it."""
    arrow = pyarrow.parquet.ParquetFile(path).read()
    expect("pyarrow", dict(zip(arrow.column_names, arrow.schema.types)), {n: ARROW[t] for n, t in types.items()})
    no_nan("pyarrow", arrow)

    frame = polars.read_parquet(path)
    expect("Polars", dict(frame.schema), {n: POLARS[t] for n, t in types.items()})
    same("Polars", frame.to_arrow(), arrow)
    same("Polars, lazy", polars.scan_parquet(path).collect().to_arrow(), arrow)

    frame = pandas.read_parquet(path, dtype_backend="pyarrow")
    dtypes = {name: dtype.pyarrow_dtype for name, dtype in frame.dtypes.items()}
    expect("pandas", dtypes, {n: ARROW[t] for n, t in types.items()})
    same("pandas", pyarrow.Table.from_pandas(frame, preserve_index=False), arrow)
    # Without the option, as most people call it: names and rows must be there, nulls as pandas has them.
    plain = pandas.read_parquet(path)
    expect("pandas, plain", (list(plain.columns), len(plain)), (arrow.column_names, arrow.num_rows))
    expect("pandas, nulls", [int(n) for n in plain.isna().sum()], [c.null_count for c in arrow.columns])

    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        relation = connection.from_parquet(str(path))
        seen = dict(zip(relation.columns, map(str, relation.types)))
        expect("DuckDB", seen, {n: DUCKDB[t] for n, t in types.items()})
        same("DuckDB", relation.to_arrow_table(), arrow)
    return arrow


def guarded(table):
    """Texts as a CSV file for spreadsheets has them."""
    columns = []
    for column in table.columns:
        if pyarrow.types.is_string(column.type):
            values = [f"'{v}" if v is not None and v.startswith(FORMULA) else v for v in column.to_pylist()]
            column = pyarrow.array(values, pyarrow.string())
        columns.append(column)
    return pyarrow.table(columns, names=table.column_names)


def csv(path, types, table):
    """Reads a CSV file with every reader and the promised types: it is the table."""
    table = guarded(table)
    options = pyarrow.csv.ConvertOptions(
        column_types={n: ARROW[t] for n, t in types.items()},
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        true_values=["true"],
        false_values=["false"],
        timestamp_parsers=[pyarrow.csv.ISO8601],
    )
    parsing = pyarrow.csv.ParseOptions(newlines_in_values=True)
    arrow = pyarrow.csv.read_csv(path, convert_options=options, parse_options=parsing)
    same("pyarrow, CSV", arrow, table)

    # What follows can't tell an empty text from none.
    def emptied(table):
        columns = [
            pyarrow.compute.fill_null(c, "") if pyarrow.types.is_string(c.type) else c for c in table.columns
        ]
        return pyarrow.table(columns, names=table.column_names)

    table = emptied(table)
    frame = polars.read_csv(path, schema={n: POLARS[t] for n, t in types.items()})
    same("Polars, CSV", emptied(frame.to_arrow().cast(table.schema)), table)

    dtypes = {n: pandas.ArrowDtype(ARROW[t]) for n, t in types.items() if t not in ("Date32", "TimestampUs")}
    frame = pandas.read_csv(path, dtype=dtypes, encoding="utf-8-sig", na_values=[""], keep_default_na=False)
    for name, kind in types.items():
        if kind == "Date32":
            frame[name] = [datetime.date.fromisoformat(v) if isinstance(v, str) else None for v in frame[name]]
        if kind == "TimestampUs":
            frame[name] = pandas.to_datetime(frame[name], utc=True)
    seen = pyarrow.Table.from_pandas(frame, schema=table.schema, preserve_index=False)
    same("pandas, CSV", emptied(seen), table)

    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        relation = connection.read_csv(str(path), columns={n: DUCKDB[t] for n, t in types.items()}, header=True)
        same("DuckDB, CSV", emptied(relation.to_arrow_table().cast(table.schema)), table)


def queries(folder, run, published):
    """Runs the shipped queries in DuckDB over the tables they read."""
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        answers = {path.stem for path in folder.glob("*.sql")}
        for name in published:
            if name not in answers:
                path = str(run / "tables" / f"{name}.parquet").replace("'", "''")
                connection.execute(f"create view {name} as from '{path}'")
        for path in sorted(folder.glob("*.sql")):
            promised = published[path.stem]
            seen = connection.sql(path.read_text()).to_arrow_table()
            # The window is added to what a query returns, unless it returns it.
            columns = [name for name in promised.column_names if name in seen.column_names]
            expect(f"{path.name}, columns", seen.column_names, columns)
            rows = [seen.select(columns).to_pylist(), promised.select(columns).to_pylist()]
            expect(f"{path.name}, rows", len(rows[0]), len(rows[1]))
            for at, (ours, theirs) in enumerate(zip(*rows)):
                for name in columns:
                    close(f"{path.name}, column {name}, row {at}", ours[name], theirs[name])


def close(what, seen, promised):
    """Floats may differ in their last digits: two engines add up in different orders."""
    if isinstance(seen, float) and isinstance(promised, float):
        if math.isclose(seen, promised, rel_tol=1e-12, abs_tol=1e-12):
            return
    expect(what, seen, promised)


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    # Resolved once: `current` may move on while this reads.
    run, folder = Path(sys.argv[1]).resolve(), Path(sys.argv[3])
    dictionary = json.loads(Path(sys.argv[2]).read_text())
    manifest = json.loads((run / "manifest.json").read_text())
    promised = promised_types(run, dictionary)
    published, mistakes, cells = {}, [], 0
    for table in manifest["tables"]:
        name = table["name"]
        try:
            arrow = parquet(run / table["parquet"]["path"], promised[name])
            expect("rows in the manifest", arrow.num_rows, table["rows"])
            csv(run / table["csv"]["path"], promised[name], arrow)
            published[name] = arrow
            cells += arrow.num_rows * arrow.num_columns
            print(f"  {name}: {arrow.num_rows} rows, {arrow.num_columns} columns")
        except Mismatch as mismatch:
            mistakes.append(f"{name}: {mismatch}")
    if not mistakes:
        try:
            queries(folder, run, published)
        except Mismatch as mismatch:
            mistakes.append(f"queries: {mismatch}")
    for mistake in mistakes:
        print(f"  MISMATCH {mistake}")
    versions = ", ".join(f"{m.__name__} {m.__version__}" for m in (duckdb, pandas, polars, pyarrow))
    print(f"{len(published)} tables, {cells} cells read alike as Parquet and CSV by {versions}")
    sys.exit(1 if mistakes else 0)


if __name__ == "__main__":
    main()
