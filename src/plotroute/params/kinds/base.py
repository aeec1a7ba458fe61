"""The protocol of a kind of parameter: its values as text, as canonical JSON and in Python. Pure."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Literal

from plotroute.model import Json, Param
from plotroute.params import lists

ORDER = frozenset({"ge", "gt", "le", "lt"})
_PROSE = {"ge": "at least {}", "gt": "more than {}", "le": "at most {}", "lt": "less than {}"}
LENGTH = frozenset({"min_length", "max_length"})
LIST_WORDS: Mapping[str, str] = {"min_length": "minItems", "max_length": "maxItems"}
"""JSON Schema's names for the bounds of the length of a list."""


class Kind(ABC):
    """One kind of parameter.

    Strict on purpose: a value has few spellings and exactly one canonical JSON, so one picture has one cache
    key, and no text counts as a number that people would not write as one.

    A kind is a class, entered in the table `kinds.KINDS`. `parse`, `accept` and the `to_…` methods treat one
    item; `read` and `write` treat a whole value, which for a list is several items.
    """

    name: ClassVar[str]
    """What `Param.kind` holds."""
    hint: ClassVar[Any] = None
    """The type that authors write as a hint, and that a function receives."""
    spelled: ClassVar[str] = ""
    """What messages tell authors to write as a hint."""
    json_type: ClassVar[Mapping[str, Any]] = {}
    """The JSON Schema of an item without its bounds."""
    bounds: ClassVar[Mapping[str, str]] = {}
    """The bounds that a value may have: pydantic's name → the keyword of JSON Schema, or ""."""
    default_bounds: ClassVar[Mapping[str, Json]] = {}
    """Bounds that hold where the author declares no other."""
    is_listable: ClassVar[bool] = True
    """A list may have items of this kind."""
    is_series: ClassVar[bool] = False
    """One value is many numbers or moments, or the name of a source of them."""
    is_text: ClassVar[bool] = False
    """A value is any text. The empty text is a value too, and Matplotlib could take a value for mathtext."""
    is_range: ClassVar[bool] = False
    """A value has a start and an end in time, which may depend on the clock."""
    default_may_be_text: ClassVar[bool] = False
    """A default may be a text: the function called directly then receives the text itself."""
    measures: ClassVar[Literal["", "moments", "durations"]] = ""
    """What the texts in a value stand for on an axis."""

    def for_param(self, param: Param) -> Kind:
        """Return the kind together with what `param` adds to it: choices, a step."""
        return self

    @abstractmethod
    def parse(self, text: str) -> Json:
        """Return the canonical JSON of one item that is given as text.

        Raises:
            InvalidValue: `text` is not of this kind.
        """

    @abstractmethod
    def accept(self, value: Any) -> Json:
        """Return the canonical JSON of one item that is given as Python or JSON and is not a text.

        Raises:
            InvalidValue: `value` is not of this kind.
        """

    def item(self, given: Any) -> Json:
        """Return the canonical JSON of one item; a canonical value comes back unchanged.

        Raises:
            InvalidValue: `given` is not of this kind.
        """
        return self.parse(given) if isinstance(given, str) else self.accept(given)

    def read(self, given: Any, *, many: bool, max_values: int) -> Json:
        """Return the canonical JSON of a whole value: of one item, or of a list of at most `max_values`.

        Raises:
            InvalidValue: `given` does not fit. For a list, the message names the first bad item.
        """
        if many:
            return lists.each(lists.items_of(given, max_values), self.item)
        return self.item(given)

    def to_text(self, canonical: Json) -> str:
        """Return the text of one item, which `parse` reads back as `canonical`."""
        return str(canonical)

    def write(self, canonical: Json, *, many: bool) -> str:
        """Return the text of a whole value, which `read` reads back; a list has at least one item."""
        return lists.join(map(self.to_text, canonical)) if many else self.to_text(canonical)

    def to_python(self, canonical: Json) -> Any:
        """Return the Python object of one item, as the plot function receives it."""
        return canonical

    def to_json(self, canonical: Json) -> Json:
        """Return one item (or None) as the schema says that a request may send it in JSON."""
        return canonical

    def schema(self, within: Mapping[str, Json]) -> dict[str, Any]:
        """Return the JSON Schema of one item with the bounds `within`."""
        words = {self.bounds[name]: bound for name, bound in within.items() if self.bounds.get(name)}
        return {**self.json_type, **words}

    def prose(self, within: Mapping[str, Json]) -> list[str]:
        """Return in words the bounds that JSON Schema has no keyword for."""
        return []

    def declared_bound(self, bound: Any) -> Json:
        """Return as JSON a bound of an item that the author declared in Python.

        Raises:
            InvalidValue: `bound` is not of this kind.
        """
        return bound

    def checked_bound(self, bound: Json) -> Any:
        """Return a bound of an item as pydantic compares it to the result of `to_python`."""
        return bound

    def resolve(self, canonical: Json, now: datetime) -> Json:
        """Return a whole value as of `now` (aware): ends relative to the clock become moments, in UTC.

        Raises:
            InvalidValue: There is no such value at `now`.
        """
        return canonical

    def source(self, canonical: Json) -> str | None:
        """Return the name of the source of values that a whole value asks for, or None."""
        return None


class Ordered(Kind):
    """A kind that has an order but whose canonical JSON is text: its bounds are texts too."""

    # JSON Schema has no bounds for moments and durations, so the description says them in words.
    bounds = dict.fromkeys(sorted(ORDER), "")

    def prose(self, within: Mapping[str, Json]) -> list[str]:
        return [_PROSE[name].format(bound) for name, bound in within.items() if name in _PROSE]

    def declared_bound(self, bound: Any) -> Json:
        return self.item(bound)

    def checked_bound(self, bound: Json) -> Any:
        return self.to_python(bound)
