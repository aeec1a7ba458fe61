"""Validate a request: its texts or JSON → canonical values, or everything that is wrong with it at once.

Pure; no author code runs.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from copy import copy
from datetime import datetime
from typing import Any

from plotroute.errors import InvalidParameters, ParameterError
from plotroute.model import Json, Param
from plotroute.params.invalid import InvalidValue, nearest, shown
from plotroute.params.kinds import KINDS, kind_of
from plotroute.params.normalize import plain, to_canonical
from plotroute.params.timerange import TimeRange

MAX_NAMES = 64
"""Names in one request, and errors in one answer. A person does not make more mistakes than that."""

MAX_QUERY_VALUES = 2_000
MAX_BODY_VALUES = 100_000

_MAX_SENT = 200
_REPEATED = "is given more than once"
_ENDS = ("from", "to")
_EARLIEST, _LATEST = "0001-01-01", "9999-12-31T23:59:59"


def parse(
    params: Sequence[Param],
    query: Sequence[tuple[str, str]],
    path: Mapping[str, str],
    *,
    now: datetime,
    known: Sequence[str] = (),
    max_values: int = MAX_QUERY_VALUES,
) -> dict[str, Json]:
    """Return the canonical values of all `params` for a URL, with the defaults filled in.

    A name that starts with `_` is ignored. If a plot has only one range of time, `from` and `to` may give it.

    Args:
        params: The parameters of the plot.
        query: Decoded (name, value) pairs.
        path: The texts of the path parameters, by name.
        now: An aware datetime, at which ranges relative to now are resolved.
        known: Further names that a misspelt one may have meant.
        max_values: How many items a list may have.

    Returns:
        Canonical JSON for each name, in the order of `params`.

    Raises:
        InvalidParameters: Something is wrong. It holds every error, in the order of the query, and then the
            parameters that are missing.

    >>> bins = Param(name="bins", kind="int", default=20)
    >>> parse([bins], [("bins", "30")], {}, now=datetime.now(UTC))
    {'bins': 30}
    """
    given, repeated = _in_address(params, query, path)
    return _Reading(params, given, now, known, max_values, repeated).values()


def from_json(
    params: Sequence[Param],
    body: Mapping[str, Any],
    *,
    now: datetime,
    query: Sequence[tuple[str, str]] = (),
    path: Mapping[str, str] | None = None,
    known: Sequence[str] = (),
    max_values: int = MAX_BODY_VALUES,
) -> dict[str, Json]:
    """Return the same values as `parse`, with the same errors, for the object of a JSON body.

    Numbers, booleans and lists may be JSON or texts as in a query. Canonical values come back unchanged, so
    this function also completes and checks the values that `canonical` returns.

    Args:
        params: The parameters of the plot.
        body: The object. null means None where None is a value, and *not given* elsewhere.
        now: As for `parse`.
        query: As for `parse`: the address may give what the body does not.
        path: As for `parse`.
        known: As for `parse`.
        max_values: As for `parse`.

    Raises:
        InvalidParameters: As for `parse`.
    """
    given, repeated = _in_address(params, query, path or {})
    repeated |= body.keys() & given.keys()
    return _Reading(params, {**body, **given}, now, known, max_values, repeated).values()


def _in_address(
    params: Sequence[Param], query: Sequence[tuple[str, str]], path: Mapping[str, str]
) -> tuple[dict[str, Any], set[str]]:
    """Return the texts of an address by name, and the names that it repeats although they take one text."""
    texts: dict[str, list[str]] = {name: [text] for name, text in path.items()}
    for name, text in query:
        texts.setdefault(name, []).append(text)
    plural = {p.name for p in params if p.many or KINDS[p.kind].is_series} - path.keys()
    repeated = {name for name, sent in texts.items() if len(sent) > 1 and name not in plural}
    given = {name: sent[0] if len(sent) == 1 or name in repeated else sent for name, sent in texts.items()}
    return given, repeated


def canonical(param: Param, value: Any, *, now: datetime | None = None) -> Json:
    """Return the canonical JSON of a Python value (or text) of `param`.

    Args:
        param: The parameter.
        value: The value. It may be an Enum member, a date, a TimeRange, a tuple, or have a `tolist` (NumPy,
            pandas).
        now: An aware datetime, at which a range relative to now is resolved. Without it the range stays
            relative, as a URL should have it.

    Raises:
        InvalidParameters: `value` does not fit `param`.
    """
    try:
        found = to_canonical(param, plain(param, value), MAX_BODY_VALUES)
        return found if now is None else kind_of(param).resolve(found, now)
    except InvalidValue as error:
        raise InvalidParameters([_entry(param.name, value, error)]) from None


def to_query(param: Param, value: Json) -> list[str]:
    """Return the texts of `param` in a query, which `parse` reads as `value` (canonical).

    There are none if the value has no text (None, an empty list) and is the default.

    Raises:
        InvalidParameters: The value has no text and is not the default.
    """
    if value is None or value == []:
        if value == param.default and not param.required:
            return []
        shown_value = "None" if value is None else "an empty list"
        error = InvalidValue(
            f"{shown_value} cannot be written in a URL, where empty means the default", quoted=False
        )
        raise InvalidParameters([_entry(param.name, None, error)])
    return [kind_of(param).write(value, many=param.many)]


class _Reading:
    """One request while it is read: the values that it gives, the canonical values and the errors so far."""

    def __init__(
        self,
        params: Sequence[Param],
        given: Mapping[str, Any],
        now: datetime,
        known: Sequence[str],
        max_values: int,
        repeated: Container[str],
    ) -> None:
        self.params = {param.name: param for param in params}
        self.given = given
        self.now = now
        self.known = known
        self.max_values = max_values
        self.repeated = repeated
        ranges = [param for param in params if KINDS[param.kind].is_range]
        is_only_range = len(ranges) == 1 and not self.params.keys() & set(_ENDS)
        self.ranged = ranges[0] if is_only_range else None
        """The range of time that `from` and `to` may give."""
        self.canonical: dict[str, Json] = {}
        self.errors: list[ParameterError] = []
        self.failed: set[str] = set()

    def values(self) -> dict[str, Json]:
        """Return the values of all parameters, in their order; InvalidParameters if anything is wrong."""
        most = max(MAX_NAMES, len(self.params) + len(_ENDS))
        if len(self.given) > most:
            why = f"is one too many: {len(self.given)} parameters were sent, at most {most} are read"
            raise InvalidParameters([ParameterError(_cut(list(self.given)[most]), "unknown", why)])
        for name, value in self.given.items():
            self.read_name(name, value)
        for param in self.params.values():
            if param.name not in self.canonical and param.name not in self.failed:
                self.fill_in(param)
        if self.errors:
            raise InvalidParameters(self.errors[:MAX_NAMES])
        return {name: self.canonical[name] for name in self.params}

    def read_name(self, name: str, value: Any) -> None:
        """Read the value that was sent under `name`."""
        param = self.params.get(name)
        if param is not None:
            if name in self.repeated:
                self.fail(name, value, InvalidValue(_REPEATED, "repeated", quoted=False))
            elif not _is_absent(param, value):
                self.read_value(param, value)
        elif self.ranged is not None and name in _ENDS:
            if name in self.repeated:
                self.failed.add(self.ranged.name)
                self.fail(name, value, InvalidValue(_REPEATED, "repeated", quoted=False))
            elif name == next(end for end in _ENDS if end in self.given):
                self.read_ends(self.ranged)
        elif not name.startswith("_"):
            self.fail_unknown(name, value)

    def read_value(self, param: Param, value: Any) -> None:
        """Read the value that was sent for `param`."""
        try:
            found = to_canonical(param, value, self.max_values)
            self.canonical[param.name] = kind_of(param).resolve(found, self.now)
        except InvalidValue as error:
            self.fail(param.name, value, error)

    def read_ends(self, param: Param) -> None:
        """Read `from` and `to` as the two ends of `param`."""
        start, end = (None if (sent := self.given.get(name)) == "" else sent for name in _ENDS)
        if (start is None and end is None) or param.name in self.failed:
            return
        self.failed.add(param.name)
        if not _is_absent(param, self.given.get(param.name, "")):
            why = f"cannot be combined with {param.name}: both say which time is meant"
            first, sent = ("to", end) if start is None else ("from", start)
            self.fail(first, sent, InvalidValue(why, "conflict", quoted=False))
        elif start is None:
            self.fail("from", None, InvalidValue("is missing: to alone is no range", "missing", quoted=False))
        elif self.is_end("from", start, "{}.." + _LATEST) and (
            end is None or self.is_end("to", end, _EARLIEST + "..{}")
        ):
            try:
                self.canonical[param.name] = kind_of(param).resolve(f"{start}..{end or 'now'}", self.now)
            except InvalidValue as error:
                self.fail("from" if end is None else "to", end or start, error)

    def is_end(self, name: str, value: Any, pattern: str) -> bool:
        """Whether `value` can be an end of a range: try it in `pattern` beside an end that always fits."""
        try:
            TimeRange(pattern.format(value) if isinstance(value, str) else "")
        except ValueError:
            why = "is not an end of a range of time: write now, now-7d, 2024-01-31 or 2024-01-31T06:00Z"
            self.fail(name, value, InvalidValue(why))
            return False
        return True

    def fail_unknown(self, name: str, value: Any) -> None:
        """Note that there is no parameter `name`, with the name that the request probably meant."""
        names = [*self.params, *(_ENDS if self.ranged else ())]
        likely = nearest(name, [*names, *self.known])
        hint = f"; did you mean {likely}?" if likely else ""
        why = f"is not a parameter here{hint}"
        self.fail(name, value, InvalidValue(why, "unknown", quoted=False, allowed=names, nearest=likely))

    def fill_in(self, param: Param) -> None:
        """Fill in the default of a parameter that the request does not give."""
        if param.required:
            self.fail(param.name, None, InvalidValue("is required", "missing", quoted=False))
            return
        try:
            self.canonical[param.name] = kind_of(param).resolve(copy(param.default), self.now)
        except InvalidValue as error:
            self.fail(param.name, param.default, error)

    def fail(self, name: str, value: Any, error: InvalidValue) -> None:
        """Note that what was sent under `name` is wrong."""
        self.failed.add(name)
        self.errors.append(_entry(name, value, error))


def _is_absent(param: Param, value: Any) -> bool:
    """Whether a sent value means *not given*: it is empty, and empty is not a value of `param`."""
    if value is None:
        return not param.optional
    if is_list := isinstance(value, list):
        is_empty = bool(value) and all(item == "" for item in value)
    else:
        is_empty = bool(value == "")
    if not is_empty:
        return False
    is_empty_a_value = KINDS[param.kind].is_text or "" in param.choices
    return not is_empty_a_value or (param.many and not is_list)


def _entry(name: str, value: Any, error: InvalidValue) -> ParameterError:
    sent = str(value) if isinstance(value, (str, bool, float)) else None
    if isinstance(value, int) and not isinstance(value, bool):
        sent = shown(value)
    return ParameterError(
        parameter=_cut(name),
        code=error.code,
        message=f"{shown(value)} {error.why}" if error.quoted else error.why,
        sent=None if sent is None else _cut(sent),
        allowed=error.allowed,
        nearest=error.nearest,
    )


def _cut(text: str) -> str:
    """Return as much of a sent text as a response may repeat: little, and no half characters."""
    return text[:_MAX_SENT].encode("utf-8", "replace").decode("utf-8")
