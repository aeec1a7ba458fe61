"""A parameter of a function: type hint and default → Param, and canonical JSON → the value that it receives.

Only processes with the author's functions need this; the others know parameters as data.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import cache
from typing import Annotated, Any, Literal, NewType, Union, get_args, get_origin

from pydantic import ConfigDict, PydanticUserError, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined, SchemaError

from plotroute.errors import BadRegistration, InvalidParameters, ParameterError
from plotroute.model import Json, Param
from plotroute.params import bounds, normalize
from plotroute.params.invalid import InvalidValue
from plotroute.params.kinds import KINDS, kind_of
from plotroute.params.kinds.base import Kind
from plotroute.params.kinds.values import Values as Values
from plotroute.params.timerange import TimeRange

EMPTY = inspect.Parameter.empty
_SUPPORTED = (
    ", ".join(kind.spelled for kind in KINDS.values() if kind.spelled)
    + ", a list of one of them (list[float]), or any of them `| None`"
)


User = NewType("User", str)
User.__doc__ = """A type hint: the parameter receives the user as text, from a login and never from the URL.

A request without a login is answered with 401. The picture is stored for that user alone.

Example:
    >>> @plots.plot
    ... def my_orders(ax, orders, user: User):
    ...     orders[orders["customer"] == user].plot(ax=ax, x="day", y="total")
"""


_CHOICE = KINDS["choice"]
_BY_HINT: Mapping[Any, Kind] = {kind.hint: kind for kind in KINDS.values() if kind.hint}


@dataclass(frozen=True, slots=True)
class _Shape:
    """What a hint means."""

    kind: Kind
    many: bool = False
    is_tuple: bool = False
    optional: bool = False
    members: tuple[tuple[Json, Any], ...] = ()
    """Of a choice: canonical JSON, and the value that the function receives for it."""
    length: int | None = None
    """Of a tuple of fixed length."""
    metadata: tuple[Any, ...] = ()
    item_metadata: tuple[Any, ...] = ()


def read(name: str, annotation: Any, default: Any, *, plot: str) -> Param:
    """Return one parameter of a function's signature as data.

    Args:
        name: Its name.
        annotation: The evaluated hint. If it is `inspect.Parameter.empty`, the type of the default counts.
        default: A value, a pydantic `Field(…)`, or `inspect.Parameter.empty`.
        plot: What messages call the plot.

    Raises:
        BadRegistration: A URL cannot hold such a value, or the default does not fit. It has the cure.

    >>> read("bins", Annotated[int, Field(ge=2)], 20, plot="plot 'sales'").bounds
    {'ge': 2}
    """
    where = f"{plot}: the parameter {name!r}"
    try:
        shape = _shape(hint_of(annotation, default))
        own = bounds.declared(
            [*shape.metadata, default] if isinstance(default, FieldInfo) else shape.metadata
        )
        items = bounds.declared(shape.item_metadata)
    except ValueError as error:
        raise BadRegistration(f"{where} {error}.".replace("NAME", name)) from None
    if isinstance(default, FieldInfo) or default is EMPTY:
        default = own.default
    if shape.length is not None:
        own.bounds.update(min_length=shape.length, max_length=shape.length)
    param = Param(
        name=name,
        kind=shape.kind.name,
        many=shape.many,
        required=default is PydanticUndefined,
        optional=shape.optional,
        choices=tuple(choice for choice, _ in shape.members),
        bounds=_bounds(where, shape.kind, own.bounds, many=shape.many),
        item_bounds=_bounds(where, shape.kind, items.bounds, many=False),
        step=default.step if isinstance(default, TimeRange) else None,
        description=own.description,
        is_user=is_user(annotation),
    )
    if param.is_user and param.many:
        raise BadRegistration(f"{where} is a list, but a request has one user: {name}: User.")
    if param.is_user and not (param.required or default is None):
        raise BadRegistration(
            f"{where} has the default {default!r}, but without a login it is None: "
            f"{name}: User | None = None."
        )
    _check_choices(where, param)
    _check_validators(where, annotation, param)
    found: dict[str, Json] = {}
    if not param.required:
        found["default"] = _default(where, param, shape, default)
    if own.examples:
        found["example"] = _fit(where, "example", param, own.examples[0])
    return replace(param, **found)


def is_user(annotation: Any) -> bool:
    """Return whether the hint means `User`, however wrapped.

    A wrapped `User` that was overlooked would be an ordinary parameter: any URL could claim to be any user.
    """
    if annotation is User:
        return True
    if get_origin(annotation) is Annotated:
        return is_user(annotation.__origin__)
    inner = getattr(annotation, "__value__", None) or getattr(annotation, "__supertype__", None)
    return any(is_user(part) for part in (inner, *get_args(annotation)) if part is not None)


def decode(param: Param, annotation: Any, value: Json) -> Any:
    """Return the value that the function receives for a canonical value: an Enum member, a date, a tuple …

    Runs the author's own validators (`AfterValidator` and the like). Values of kind `values` are returned as
    they are.

    Args:
        param: The parameter.
        annotation: Its hint, as `hint_of` returns it. Without a hint (empty, or None) there are no Enum
            members and no tuples, which only the hint knows.
        value: Canonical JSON.

    Raises:
        InvalidParameters: A validator raised ValueError.
    """
    kind = kind_of(param)
    if kind.is_series:
        return value
    if annotation is None or annotation is EMPTY:
        return _python(param, _Shape(kind, many=param.many), value)
    shape, adapter = _shape_and_adapter(annotation)
    decoded = _python(param, shape, value)
    if adapter is None:
        return decoded
    try:
        return adapter.validate_python(decoded)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        message = str(first.get("ctx", {}).get("error") or first["msg"])
        sent = value if isinstance(value, str) else None
        raise InvalidParameters(
            [ParameterError(param.name, "not_allowed", message, sent=sent and sent[:200])]
        ) from None


def hint_of(annotation: Any, default: Any) -> Any:
    """Return the hint that counts: `annotation`, or the type of the default if there is no annotation.

    Raises:
        ValueError: Neither has a type that `read` supports.
    """
    if annotation is not EMPTY and annotation is not None:
        return annotation
    if isinstance(default, FieldInfo):
        default = bounds.declared([default]).default
    if default is EMPTY or default is PydanticUndefined:
        raise ValueError("has neither a type hint nor a default. Write one: NAME: int, or NAME=20")
    if default is None:
        raise ValueError(
            "has the default None, which does not tell its type. Write it: NAME: int | None = None"
        )
    if not isinstance(default, (list, tuple)):
        return _type_of(default)
    kinds = {_type_of(item) for item in default}
    item = float if kinds == {int, float} else kinds.pop() if len(kinds) == 1 else None
    if item is None:
        raise ValueError("has a default whose items do not tell one type. Write it: NAME: list[float]")
    return tuple[item, ...] if isinstance(default, tuple) else list[item]  # type: ignore[valid-type]


def _type_of(default: Any) -> Any:
    if isinstance(default, Enum):
        return type(default)
    # The nearest type: bool is an int, and a datetime a date.
    for hint in type(default).__mro__:
        if hint in _BY_HINT and not _BY_HINT[hint].is_series:
            return hint
    raise _unsupported(f"default of type {type(default).__name__}, which no URL can say")


def _unsupported(what: str) -> ValueError:
    return ValueError(
        f"has the {what}. Use {_SUPPORTED}; for data, register a dataset and name the argument after it"
    )


def _unwrap(hint: Any) -> tuple[Any, bool, list[Any]]:
    """Return the bare hint, whether None is allowed too, and the metadata of Annotated."""
    optional, metadata = False, []
    while True:
        origin = get_origin(hint)
        if origin is Annotated:
            hint, *entries = get_args(hint)
            metadata += entries
        elif origin is Union or origin is types.UnionType:
            kinds = [kind for kind in get_args(hint) if kind is not types.NoneType]
            if len(kinds) != 1:
                raise _unsupported(f"hint {_spell(hint)}, two types of which a text may be either")
            optional, hint = True, kinds[0]
        elif inner := getattr(hint, "__value__", None) or getattr(hint, "__supertype__", None):
            hint = inner  # `type Alias = …`, NewType
        else:
            return hint, optional, metadata


def _shape(annotation: Any) -> _Shape:
    hint, optional, metadata = _unwrap(annotation)
    origin, inner = get_origin(hint), get_args(hint)
    if origin not in (list, tuple, Sequence) or not inner:
        kind, members, none = _leaf(hint)
        return _Shape(kind, optional=optional or none, members=members, metadata=tuple(metadata))
    length = None
    if origin is tuple and inner[-1] is Ellipsis:
        inner = inner[:1]
    elif origin is tuple:
        length = len(inner)
    hint, none, item_metadata = _unwrap(inner[0])
    kind, members, none_too = _leaf(hint)
    if none or none_too or not kind.is_listable or any(item != inner[0] for item in inner):
        raise _unsupported(f"hint {_spell(annotation)}, but the items of a list are all of one simple type")
    return _Shape(
        kind, True, origin is tuple, optional, members, length, tuple(metadata), tuple(item_metadata)
    )


def _leaf(hint: Any) -> tuple[Kind, tuple[tuple[Json, Any], ...], bool]:
    """Return kind, members of a choice, and whether None is among them."""
    if get_origin(hint) is Literal:
        members = [value for value in get_args(hint) if value is not None]
        if members and all(isinstance(value, (str, int, float, Enum)) for value in members):
            return _CHOICE, tuple((_choice(value), value) for value in members), None in get_args(hint)
    elif isinstance(hint, type) and issubclass(hint, Enum):
        if list(hint):
            return _CHOICE, tuple((_choice(member), member) for member in hint), False
    elif isinstance(hint, type) and hint in _BY_HINT:
        return _BY_HINT[hint], (), False
    raise _unsupported(f"hint {_spell(hint)}, which no URL can say")


def _choice(member: Any) -> Json:
    """Return a member's canonical JSON: of an Enum its value if all are texts or numbers, else its name."""
    if not isinstance(member, Enum):
        return member
    plain = all(isinstance(each.value, (str, int, float)) for each in type(member))
    return member.value if plain else member.name


def _spell(hint: Any) -> str:
    return (
        hint.__name__ if isinstance(hint, type) and not get_args(hint) else str(hint).replace("typing.", "")
    )


def _shape_and_adapter(annotation: Any) -> tuple[_Shape, TypeAdapter[Any] | None]:
    """Return what a hint means and, if the author put validators into it, the adapter that runs them."""
    try:
        hash(annotation)
    except TypeError:  # something unhashable in Annotated
        return _build_adapter(annotation)
    return _cached_adapter(annotation)


def _build_adapter(annotation: Any) -> tuple[_Shape, TypeAdapter[Any] | None]:
    shape = _shape(annotation)
    declared = [bounds.declared(metadata) for metadata in (shape.metadata, shape.item_metadata)]
    if not any(each.validates for each in declared):
        return shape, None
    return shape, TypeAdapter(annotation, config=ConfigDict(arbitrary_types_allowed=True))


_cached_adapter = cache(_build_adapter)


def _python(param: Param, shape: _Shape, value: Json) -> Any:
    if value is None:
        return None
    kind = kind_of(param)
    if not param.many:
        return _item(kind, shape, value)
    items = [_item(kind, shape, item) for item in value]
    return tuple(items) if shape.is_tuple else items


def _item(kind: Kind, shape: _Shape, value: Json) -> Any:
    for choice, member in shape.members:
        if choice == value and type(choice) is type(value):
            return member
    return kind.to_python(value)


def _bounds(where: str, kind: Kind, found: Mapping[str, Any], *, many: bool) -> dict[str, Json]:
    """Return bounds as JSON; raise BadRegistration if values of `kind` cannot have them."""
    as_json = {}
    for name, bound in found.items():
        if name not in bounds.allowed(kind, many=many):
            cure = " Bound the items instead: list[Annotated[int, Field(ge=2)]]." if many else ""
            raise BadRegistration(f"{where} cannot have the bound {name}.{cure}")
        try:
            # The bounds of a list are numbers of items, whatever the items are.
            as_json[name] = bound if many else kind.declared_bound(bound)
        except InvalidValue as error:
            raise BadRegistration(f"{where}: its bound {name}={bound!r} {error.why}.") from None
    return as_json


def _check_choices(where: str, param: Param) -> None:
    kind = kind_of(param)
    for choice in param.choices:
        read_back = kind.parse(kind.to_text(choice))
        if type(read_back) is not type(choice) or read_back != choice:
            raise BadRegistration(
                f"{where} has the choices {read_back!r} and {choice!r}, which look the same in a URL."
            )


def _check_validators(where: str, annotation: Any, param: Param) -> None:
    """Build the validators now: pydantic would refuse to build a bad validator only at the first request."""
    try:
        bounds.prepare(param)
        if annotation is not EMPTY and annotation is not None:
            _shape_and_adapter(annotation)
    except (SchemaError, PydanticUserError, TypeError, ValueError) as error:
        raise BadRegistration(f"{where} has bounds that pydantic refuses: {error}") from None


def _default(where: str, param: Param, shape: _Shape, default: Any) -> Json:
    """Return the canonical default; raise BadRegistration if it is not of the type of the hint."""
    kind = kind_of(param)
    if default is None and not param.optional:
        hint = kind.hint.__name__ if kind.hint else "…"
        hint = f"list[{hint}]" if param.many else hint
        raise BadRegistration(f"{where} has the default None. Write it: {param.name}: {hint} | None = None.")
    if default is None:
        return None
    items = default if param.many and isinstance(default, (list, tuple)) else [default]
    for item in items:
        if shape.members:
            fits = any(item == member and type(item) is type(member) for _, member in shape.members)
        else:
            # A function called directly would receive the text itself.
            fits = not isinstance(item, str) or kind.default_may_be_text
        if not fits or (param.many and items is not default):
            raise BadRegistration(f"{where} has the default {default!r}, which is not of its type.")
    return _fit(where, "default", param, default)


def _fit(where: str, role: str, param: Param, value: Any) -> Json:
    try:
        return normalize.to_canonical(param, normalize.plain(param, value), _MAX_ITEMS)
    except InvalidValue as error:
        why = f", which {error.why}" if error.quoted else f": {error.why}"
        raise BadRegistration(f"{where} has the {role} {value!r}{why}.") from None


_MAX_ITEMS = 2_000
