"""Parameters as JSON Schema 2020-12, for forms, OpenAPI and code generators. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from plotroute.model import Json, Kind, Param
from plotroute.params import bounds, durations

_TYPES: Mapping[Kind, dict[str, Any]] = {
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "str": {"type": "string"},
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"},
    "timedelta": {"type": "string", "format": "duration"},
    "timerange": {"type": "string", "examples": ["-7d", "2024-01-01..2024-02-01", "now-7d..now-1d"]},
    "values": {"type": ["array", "string"], "items": {"type": ["number", "string", "null"]}},
}
_NUMBER_WORDS = {
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "lt": "exclusiveMaximum",
    "multiple_of": "multipleOf",
}
_TEXT_WORDS = {"min_length": "minLength", "max_length": "maxLength", "pattern": "pattern"}
_LIST_WORDS = {"min_length": "minItems", "max_length": "maxItems"}
# JSON Schema has no bounds for moments and durations, so that they are said in words.
_PROSE = {"ge": "at least {}", "gt": "more than {}", "le": "at most {}", "lt": "less than {}"}


def json_schema(params: Sequence[Param]) -> dict[str, Any]:
    """Return the JSON Schema of an object that holds `params`, as a query or a JSON body gives them."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {param.name: _property(param) for param in params},
        "required": [param.name for param in params if param.required],
        "additionalProperties": False,
    }


def _property(param: Param) -> dict[str, Any]:
    schema = _item(param, item=param.many)
    if param.many:
        schema = {"type": "array", "items": schema, **_bounds(_LIST_WORDS, param.bounds)}
    elif param.kind == "values":
        schema |= _bounds(_LIST_WORDS, param.bounds)
    if param.optional:
        schema |= _nullable(schema)
    within = param.item_bounds if param.many else param.bounds
    prose = [_PROSE[k].format(v) for k, v in within.items() if param.kind in _UNBOUNDED and k in _PROSE]
    if text := "; ".join([*filter(None, [param.description]), *prose]):
        schema["description"] = text
    if not param.required:
        schema["default"] = _value(param, param.default)
    if param.example is not None:
        schema["examples"] = [_value(param, param.example)]
    return schema


_UNBOUNDED = frozenset({"date", "datetime", "timedelta"})


def _item(param: Param, *, item: bool) -> dict[str, Any]:
    if param.kind == "choice":
        types = sorted({_choice_type(choice) for choice in param.choices})
        return {"type": types if len(types) > 1 else types[0], "enum": list(param.choices)}
    words = _TEXT_WORDS if param.kind == "str" else _NUMBER_WORDS if param.kind in ("int", "float") else {}
    within = bounds.effective(param, item=item)
    return {**_TYPES[param.kind], **_bounds(words, within)}


def _bounds(words: Mapping[str, str], within: Mapping[str, Json]) -> dict[str, Json]:
    return {words[name]: bound for name, bound in within.items() if name in words}


def _choice_type(choice: Json) -> str:
    return next(
        name
        for kind, name in ((str, "string"), (bool, "boolean"), (int, "integer"), (float, "number"))
        if isinstance(choice, kind)
    )


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    nullable: dict[str, Any] = {"type": [*types, "null"]}
    if "enum" in schema:
        nullable["enum"] = [*schema["enum"], None]
    return nullable


def _value(param: Param, canonical: Json) -> Json:
    """Return a default or example as one may send it in JSON."""
    if param.kind == "values" and isinstance(canonical, dict):
        return canonical["source"]
    if param.kind != "timedelta" or canonical is None:
        return canonical
    return [_iso(item) for item in canonical] if param.many else _iso(canonical)


def _iso(duration: str) -> str:
    """Return a duration as ISO 8601 has it, which the format `duration` means: P1DT12H, PT0.5S."""
    length = durations.parse(duration)
    clock = length % timedelta(days=1)
    minutes, milliseconds = divmod(clock // timedelta(milliseconds=1), 60_000)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{milliseconds / 1000:.3f}".rstrip("0").removesuffix(".")
    time = "".join(
        f"{count}{unit}"
        for count, unit in ((hours, "H"), (minutes, "M"), (seconds, "S"))
        if count not in (0, "0")
    )
    days = f"{length.days}D" if length.days else ""
    return f"P{days}" + (f"T{time}" if time else "" if days else "T0S")
