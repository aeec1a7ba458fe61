"""Bounds of a parameter (`ge`, `max_length`, …): declared in hints, checked by pydantic, worded here.

A pattern is pydantic's Rust regex, which takes linear time whatever the text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any

import annotated_types
from pydantic import Field, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from plotroute.model import Json, Kind, Param
from plotroute.params.converters import MAX_TEXT, InvalidValue, python, python_type, write
from plotroute.params.lists import each

_ORDER = frozenset({"ge", "gt", "le", "lt"})
_LENGTH = frozenset({"min_length", "max_length"})
_BOUNDS = _ORDER | _LENGTH | {"multiple_of", "pattern"}
_ALLOWED: Mapping[Kind, frozenset[str]] = {
    "int": _ORDER | {"multiple_of"},
    "float": _ORDER | {"multiple_of"},
    "str": _LENGTH | {"pattern"},
    "date": _ORDER,
    "datetime": _ORDER,
    "timedelta": _ORDER,
}
_WORDS = {
    "greater_than_equal": ("ge", "must be at least {}"),
    "greater_than": ("gt", "must be more than {}"),
    "less_than_equal": ("le", "must be at most {}"),
    "less_than": ("lt", "must be less than {}"),
    "multiple_of": ("multiple_of", "must be a multiple of {}"),
    "string_too_short": ("min_length", "must have at least {} characters"),
    "string_too_long": ("max_length", "must have at most {} characters"),
    "too_short": ("min_length", "must have at least {} values"),
    "too_long": ("max_length", "must have at most {} values"),
    "string_pattern_mismatch": ("pattern", "must match {}"),
}


@dataclass(slots=True)
class Declared:
    """What `Field(…)` and the like in `Annotated` say about a parameter."""

    bounds: dict[str, Any] = field(default_factory=dict)
    """By pydantic's names; Python values."""
    description: str = ""
    examples: Sequence[Any] = ()
    default: Any = PydanticUndefined
    validates: bool = False
    """There is more than bounds: the author's own validators."""


def declared(metadata: Iterable[Any]) -> Declared:
    """Return what `metadata` (of `Annotated`, or a FieldInfo) says; a ValueError if it contradicts itself."""
    found = Declared()
    for said in metadata:
        _declare(found, said)
    return found


def _declare(found: Declared, said: Any) -> None:
    if isinstance(said, FieldInfo):
        if said.alias is not None:
            raise ValueError("has an alias, but its name in the URL is its own; rename the parameter")
        found.description = said.description or found.description
        found.examples = said.examples or found.examples
        if not said.is_required():
            found.default = said.get_default(call_default_factory=True, validated_data={})
        for inner in said.metadata:
            _declare(found, inner)
    elif isinstance(said, annotated_types.GroupedMetadata):
        for inner in said:
            _declare(found, inner)
    elif isinstance(said, annotated_types.BaseMetadata) and _BOUNDS & (holds := _contents(said)).keys():
        for name, bound in holds.items():
            if name in _BOUNDS:
                _bound(found, name, bound)
        found.validates |= bool(holds.keys() - _BOUNDS)
    elif isinstance(documentation := getattr(said, "documentation", None), str):
        found.description = documentation  # typing_extensions.Doc
    elif said is not None and not isinstance(said, str):
        found.validates = True


def _contents(said: annotated_types.BaseMetadata) -> dict[str, Any]:
    """Return what Ge, MinLen and the like, or pydantic's own collection of pattern and more, say."""
    names = getattr(said, "__slots__", ()) or vars(said)
    return {name: value for name in names if (value := getattr(said, name)) is not None}


def _bound(found: Declared, name: str, bound: Any) -> None:
    if name in found.bounds and found.bounds[name] != bound:
        raise ValueError(f"has the bound {name} twice, {found.bounds[name]!r} and {bound!r}; keep one")
    if isinstance(bound, float) and not math.isfinite(bound):
        raise ValueError(f"has the bound {name}={bound}, which bounds nothing; leave it out")
    found.bounds[name] = bound.pattern if isinstance(bound, re.Pattern) else bound


def allowed(kind: Kind, *, many: bool) -> frozenset[str]:
    """Return the bounds that a value of `kind`, or a list, can have."""
    return _LENGTH if many or kind == "values" else _ALLOWED.get(kind, frozenset())


def effective(param: Param, *, item: bool = False) -> Mapping[str, Json]:
    """Return the bounds of `param`, or of its items, with the limit of a text that has none of its own."""
    own = param.item_bounds if item else param.bounds
    if param.kind == "str" and (item or not param.many) and "max_length" not in own:
        return {**own, "max_length": MAX_TEXT}
    return own


def check(param: Param, canonical: Json) -> None:
    """Return if `canonical`, a value of `param`, is within its bounds; Refused (out_of_bounds) if not."""
    if canonical is None:
        return
    if param.kind == "values" or param.many:
        if param.many and (within := effective(param, item=True)):
            each(canonical, lambda item: _check(param, within, item))
        if isinstance(canonical, list) and param.bounds:
            _run(_adapter(None, tuple(param.bounds.items())), canonical, param, param.bounds)
    elif within := effective(param):
        _check(param, within, canonical)


def prepare(param: Param) -> None:
    """Build what `check` needs for `param`; pydantic's own error if a bound cannot work (a bad pattern)."""
    is_list = param.many or param.kind == "values"
    for kind, within in (
        (None if is_list else param.kind, effective(param)),
        (param.kind, effective(param, item=True) if param.many else {}),
    ):
        if within:
            _adapter(kind, tuple(within.items()))


def _check(param: Param, within: Mapping[str, Json], canonical: Json) -> None:
    _run(_adapter(param.kind, tuple(within.items())), python(param.kind, canonical), param, within)


def _run(adapter: TypeAdapter[Any], value: Any, param: Param, within: Mapping[str, Json]) -> None:
    try:
        adapter.validate_python(value, strict=True)
    except ValidationError as error:
        raise InvalidValue(_say(error, param, within), "out_of_bounds", quoted=False) from None


@cache
def _adapter(kind: Kind | None, within: Sequence[tuple[str, Json]]) -> TypeAdapter[Any]:
    """Return what checks one item of `kind`, or with None the length of a list."""
    ordered = kind is not None and kind not in ("int", "float", "str")
    spelled: dict[str, Any] = {k: python(kind, v) if ordered and kind else v for k, v in within}
    base = list[Any] if kind is None else python_type(kind)
    bounded: Any = Annotated[base, Field(**spelled)]
    return TypeAdapter(bounded)


def _say(error: ValidationError, param: Param, within: Mapping[str, Json]) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    name, words = _WORDS.get(first["type"], ("", ""))
    if name not in within:
        return first["msg"]
    bound = within[name]
    if name in _LENGTH:
        said = words.format(f"{bound:,}")
        return said.removesuffix("s") if bound == 1 else said
    if name == "pattern":
        return words.format(bound)
    ordinary = isinstance(bound, str) or param.kind == "float"
    return words.format(write(param, bound) if ordinary else bound)
