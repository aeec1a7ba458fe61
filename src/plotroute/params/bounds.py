"""Bounds of a parameter (`ge`, `max_length`, …): declared in hints, checked by pydantic, worded here."""

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

from plotroute.model import Json, Param
from plotroute.params.invalid import InvalidValue
from plotroute.params.kinds import KINDS
from plotroute.params.kinds.base import LENGTH, ORDER, Kind
from plotroute.params.lists import each

_BOUNDS = ORDER | LENGTH | {"multiple_of", "pattern"}
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
    """What `Field(…)` and other metadata in `Annotated` say about a parameter."""

    bounds: dict[str, Any] = field(default_factory=dict)
    """By pydantic's names; Python values."""
    description: str = ""
    examples: Sequence[Any] = ()
    default: Any = PydanticUndefined
    validates: bool = False
    """There is more than bounds: the author's own validators."""


def declared(metadata: Iterable[Any]) -> Declared:
    """Return what `metadata` (of `Annotated`, or a FieldInfo) declares.

    Raises:
        ValueError: It contradicts itself, or has an alias or a bound that bounds nothing.
    """
    found = Declared()
    for entry in metadata:
        _add(found, entry)
    return found


def _add(found: Declared, entry: Any) -> None:
    """Add one entry of the metadata to `found`."""
    if isinstance(entry, FieldInfo):
        if entry.alias is not None:
            raise ValueError("has an alias, but its name in the URL is its own; rename the parameter")
        found.description = entry.description or found.description
        found.examples = entry.examples or found.examples
        if not entry.is_required():
            found.default = entry.get_default(call_default_factory=True, validated_data={})
        for inner in entry.metadata:
            _add(found, inner)
    elif isinstance(entry, annotated_types.GroupedMetadata):
        for inner in entry:
            _add(found, inner)
    elif isinstance(entry, annotated_types.BaseMetadata) and _BOUNDS & (fields := _fields(entry)).keys():
        for name, bound in fields.items():
            if name in _BOUNDS:
                _add_bound(found, name, bound)
        found.validates |= bool(fields.keys() - _BOUNDS)
    elif isinstance(documentation := getattr(entry, "documentation", None), str):
        found.description = documentation  # typing_extensions.Doc
    elif entry is not None and not isinstance(entry, str):
        found.validates = True


def _fields(entry: annotated_types.BaseMetadata) -> dict[str, Any]:
    """Return the fields of Ge, MinLen and the like, or of pydantic's own collection (pattern and others)."""
    names = getattr(entry, "__slots__", ()) or vars(entry)
    return {name: value for name in names if (value := getattr(entry, name)) is not None}


def _add_bound(found: Declared, name: str, bound: Any) -> None:
    if name in found.bounds and found.bounds[name] != bound:
        raise ValueError(f"has the bound {name} twice, {found.bounds[name]!r} and {bound!r}; keep one")
    if isinstance(bound, float) and not math.isfinite(bound):
        raise ValueError(f"has the bound {name}={bound}, which bounds nothing; leave it out")
    found.bounds[name] = bound.pattern if isinstance(bound, re.Pattern) else bound


def allowed(kind: Kind, *, many: bool) -> frozenset[str]:
    """Return the names of the bounds that a value of `kind` can have, or a list of such values."""
    return LENGTH if many else frozenset(kind.bounds)


def effective(param: Param, *, item: bool = False) -> Mapping[str, Json]:
    """Return the bounds of `param`, or of its items, with those that hold where the author declares none."""
    own = param.item_bounds if item else param.bounds
    if param.many and not item:
        return own
    if not (defaults := KINDS[param.kind].default_bounds):
        return own
    return {**own, **{name: bound for name, bound in defaults.items() if name not in own}}


def validate_bounds(param: Param, canonical: Json) -> None:
    """Check that `canonical`, a value of `param`, is within its bounds.

    Raises:
        InvalidValue: It is not (code `out_of_bounds`).
    """
    if canonical is None:
        return
    kind = KINDS[param.kind]
    if param.many or kind.is_series:
        if param.many and (within := effective(param, item=True)):
            each(canonical, lambda item: _check_item(kind, within, item))
        # A series may be the name of a source, whose length is known only when it is loaded.
        if isinstance(canonical, list) and param.bounds:
            _run(_adapter(None, tuple(param.bounds.items())), canonical, kind, param.bounds)
    elif within := effective(param):
        _check_item(kind, within, canonical)


def prepare(param: Param) -> None:
    """Build the validators of `param`, so that an author learns at registration that a bound cannot work.

    Raises:
        pydantic_core.SchemaError: A bound cannot work, such as a bad pattern.
    """
    kind = KINDS[param.kind]
    if within := effective(param):
        _adapter(None if param.many or kind.is_series else kind, tuple(within.items()))
    if param.many and (within := effective(param, item=True)):
        _adapter(kind, tuple(within.items()))


def _check_item(kind: Kind, within: Mapping[str, Json], canonical: Json) -> None:
    _run(_adapter(kind, tuple(within.items())), kind.to_python(canonical), kind, within)


def _run(adapter: TypeAdapter[Any], value: Any, kind: Kind, within: Mapping[str, Json]) -> None:
    try:
        adapter.validate_python(value, strict=True)
    except ValidationError as error:
        raise InvalidValue(_explain(error, kind, within), "out_of_bounds", quoted=False) from None


@cache
def _adapter(kind: Kind | None, within: Sequence[tuple[str, Json]]) -> TypeAdapter[Any]:
    """Return the validator of one item of `kind`, or with None of the length of a list."""
    if kind is None:
        bounded: Any = Annotated[list[Any], Field(**dict(within))]
    else:
        bounded = Annotated[kind.hint, Field(**{name: kind.checked_bound(bound) for name, bound in within})]
    return TypeAdapter(bounded)


def _explain(error: ValidationError, kind: Kind, within: Mapping[str, Json]) -> str:
    """Return why the value is out of bounds, in our words."""
    first = error.errors(include_url=False, include_input=False)[0]
    name, words = _WORDS.get(first["type"], ("", ""))
    if name not in within:
        return first["msg"]
    bound = within[name]
    if name in LENGTH:
        message = words.format(f"{bound:,}")
        return message.removesuffix("s") if bound == 1 else message
    return words.format(bound if name == "pattern" else kind.to_text(bound))
