"""Reads lineage events with the classes of the OpenLineage client, which are made from its JSON schemas.

    python .ci/lineage.py lineage.ndjson

Every event, dataset and facet must have the fields of its class, no others, values of their types, and name the
schema that the class is made from.
"""

import enum
import importlib
import json
import pkgutil
import sys
import types
import typing
from collections import Counter

import attr
import openlineage.client.generated as generated
from openlineage.client.generated import base


def classes():
    """Every class by the address of its schema."""
    found = {}
    for module in pkgutil.iter_modules(generated.__path__):
        for member in vars(importlib.import_module(f"{generated.__name__}.{module.name}")).values():
            if isinstance(member, type) and attr.has(member) and hasattr(member, "_get_schema"):
                found[member._get_schema()] = member
    return found


CLASSES = classes()


def check(where, value, kind):
    """Holds a JSON value to a type of the client."""
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        options = typing.get_args(kind)
        if value is None and type(None) in options:
            return
        kind = next(option for option in options if option is not type(None))
        check(where, value, kind)
    elif origin is list:
        require(where, isinstance(value, list), "no list")
        for at, item in enumerate(value):
            check(f"{where}[{at}]", item, typing.get_args(kind)[0])
    elif origin is dict:
        require(where, isinstance(value, dict), "no object")
        for name, facet in value.items():
            check_facet(f"{where}.{name}", facet, typing.get_args(kind)[1])
    elif isinstance(kind, type) and issubclass(kind, enum.Enum):
        require(where, value in {member.value for member in kind}, f"{value!r} is none of {kind.__name__}")
    elif attr.has(kind):
        check_object(where, value, kind)
    elif kind in (str, int, bool, float):
        require(where, type(value) is kind, f"{value!r} is no {kind.__name__}")
    else:
        raise SystemExit(f"{where}: {kind} is not known here")


def check_facet(where, value, parent):
    """A facet says itself what it is."""
    kind = CLASSES.get(value.get("_schemaURL"))
    require(where, kind is not None, f"no schema {value.get('_schemaURL')!r}")
    require(where, issubclass(kind, parent), f"a {kind.__name__} is no {parent.__name__}")
    check_object(where, value, kind)


def check_object(where, value, kind):
    require(where, isinstance(value, dict), "no object")
    hints = typing.get_type_hints(kind)
    fields = {field.name: field for field in attr.fields(kind)}
    unknown = set(value) - set(fields)
    require(where, not unknown, f"unknown fields {sorted(unknown)}")
    for name, field in fields.items():
        if name in value:
            check(f"{where}.{name}", value[name], hints[name])
            if field.validator is not None:
                field.validator(None, field, value[name])
        else:
            require(where, field.default is not attr.NOTHING, f"no {name}")
    for name in ("schemaURL", "_schemaURL", "producer", "_producer"):
        if name in fields:
            require(where, value.get(name), f"no {name}")


def require(where, condition, message):
    if not condition:
        raise SystemExit(f"{where}: {message}")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    kinds, facets = Counter(), Counter()
    with open(sys.argv[1], encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            event = json.loads(line)
            require(f"line {number}", event["schemaURL"] == base.RunEvent._get_schema(), "another schema")
            check_object(f"line {number}", event, base.RunEvent)
            kinds[event["eventType"]] += 1
            for dataset in event["inputs"] + event["outputs"]:
                for side in ("facets", "inputFacets", "outputFacets"):
                    facets.update(dataset.get(side, {}).keys())
            facets.update(event["run"]["facets"].keys())
            facets.update(event["job"]["facets"].keys())
    require(sys.argv[1], kinds["START"] == sum(kinds.values()) - kinds["START"] > 0, f"{dict(kinds)}")
    print(f"{sum(kinds.values())} events are valid: {dict(kinds)}; facets {dict(facets)}")


if __name__ == "__main__":
    main()
