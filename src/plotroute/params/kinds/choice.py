"""One of a few values: `Literal` and `Enum`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from plotroute.model import Json, Param
from plotroute.params.invalid import InvalidValue, nearest, shown
from plotroute.params.kinds.base import Kind
from plotroute.params.kinds.boolean import Bool
from plotroute.params.kinds.numbers import Float, Int

_BOOL, _INT, _FLOAT = Bool(), Int(), Float()
_MOST_SHOWN = 20


class Choice(Kind):
    """One of `choices`, which are texts, whole numbers, numbers or truth values, mixed or not.

    Only `hints` knows the Enum that they come from: `to_python` returns canonical JSON.
    """

    name = "choice"
    spelled = "Literal, Enum"

    def __init__(self, choices: Sequence[Json] = ()) -> None:
        self.choices = choices

    def for_param(self, param: Param) -> Choice:
        return Choice(param.choices)

    def parse(self, text: str) -> Json:
        for choice in self.choices:
            try:
                if _parse_like(choice, text) == choice:
                    return choice
            except InvalidValue:
                continue
        raise self._not_among(text)

    def accept(self, value: Any) -> Json:
        for choice in self.choices:
            if type(choice) is type(value) and choice == value:
                return choice
        raise self._not_among(shown(value))

    def to_text(self, canonical: Json) -> str:
        return canonical if isinstance(canonical, str) else _kind_of(canonical).to_text(canonical)

    def schema(self, within: Mapping[str, Json]) -> dict[str, Any]:
        types = sorted({_json_type(choice) for choice in self.choices})
        return {"type": types if len(types) > 1 else types[0], "enum": list(self.choices)}

    def _not_among(self, sent: str) -> InvalidValue:
        texts = [self.to_text(choice) for choice in self.choices]
        shown_texts = ", ".join(texts[:_MOST_SHOWN]) + (", …" if len(texts) > _MOST_SHOWN else "")
        return InvalidValue(
            f"is not one of {shown_texts}",
            "not_allowed",
            allowed=self.choices,
            nearest=nearest(sent, texts),
        )


def _parse_like(choice: Json, text: str) -> Json:
    """Return `text` read as the type of `choice`."""
    if isinstance(choice, str):
        return text
    if isinstance(choice, bool) and text not in ("true", "false"):
        raise InvalidValue("is neither true nor false")
    return _kind_of(choice).parse(text)


def _kind_of(choice: Json) -> Kind:
    return _BOOL if isinstance(choice, bool) else _INT if isinstance(choice, int) else _FLOAT


def _json_type(choice: Json) -> str:
    return "string" if isinstance(choice, str) else str(_kind_of(choice).json_type["type"])
