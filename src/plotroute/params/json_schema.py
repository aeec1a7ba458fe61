"""Parameters as JSON Schema 2020-12, for forms, OpenAPI and code generators. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from plotroute.model import Json, Param
from plotroute.params import bounds
from plotroute.params.kinds import kind_of
from plotroute.params.kinds.base import LIST_WORDS


def json_schema(params: Sequence[Param]) -> dict[str, Any]:
    """Return the JSON Schema of an object with values of `params`, as a query or a JSON body gives them.

    >>> json_schema([Param(name="bins", kind="int", default=20)])["properties"]
    {'bins': {'type': 'integer', 'default': 20}}
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {param.name: _property(param) for param in params},
        "required": [param.name for param in params if param.required],
        "additionalProperties": False,
    }


def _property(param: Param) -> dict[str, Any]:
    kind = kind_of(param)
    within = bounds.effective(param, item=param.many)
    schema = kind.schema(within)
    if param.many:
        length = {LIST_WORDS[name]: bound for name, bound in param.bounds.items()}
        schema = {"type": "array", "items": schema, **length}
    if param.optional:
        schema |= _nullable(schema)
    if text := "; ".join([*filter(None, [param.description]), *kind.prose(within)]):
        schema["description"] = text
    if not param.required:
        schema["default"] = _value(param, param.default)
    if param.example is not None:
        schema["examples"] = [_value(param, param.example)]
    return schema


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    nullable: dict[str, Any] = {"type": [*types, "null"]}
    if "enum" in schema:
        nullable["enum"] = [*schema["enum"], None]
    return nullable


def _value(param: Param, canonical: Json) -> Json:
    """Return a default or an example as a request may send it in JSON."""
    kind = kind_of(param)
    if param.many and canonical is not None:
        return [kind.to_json(item) for item in canonical]
    return kind.to_json(canonical)
