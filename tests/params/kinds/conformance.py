"""What every kind of parameter promises, written once: a test of a kind says what its values look like."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from plotroute import params
from plotroute.errors import BadRegistration, InvalidParameters
from plotroute.model import Json, Param
from plotroute.params.invalid import InvalidValue
from plotroute.params.kinds import kind_of

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
BOUNDS = ("ge", "gt", "le", "lt", "multiple_of", "min_length", "max_length", "pattern")


def read(annotation: Any) -> Param:
    return params.read("x", annotation, params.hints.EMPTY, plot="plot 'sales'")


def from_query(param: Param, *texts: str) -> Json:
    return params.parse([param], [("x", text) for text in texts], {}, now=NOW)["x"]


def from_json(param: Param, value: Json) -> Json:
    return params.from_json([param], {"x": json.loads(json.dumps(value))}, now=NOW)["x"]


def schema_accepts(param: Param, value: Json) -> bool:
    validator = jsonschema.Draft202012Validator(params.json_schema([param]))
    return validator.is_valid({"x": value})


def is_same(found: Json, expected: Json) -> bool:
    """1, 1.0 and True are equal in Python, and three values in JSON."""
    return json.dumps(found) == json.dumps(expected)


class Conformance:
    """Subclass it and say what a hint means. Every example is tried in every way that a value can come."""

    name: ClassVar[str]
    """What `Param.kind` holds."""
    hint: ClassVar[Any]
    texts: ClassVar[Mapping[str, Json]]
    """Texts of a query → canonical JSON."""
    python: ClassVar[Iterable[tuple[Any, Json]]]
    """What a plot function receives, and canonical JSON."""
    wrong: ClassVar[Mapping[str, str]]
    """Texts that are not of the kind → the message."""
    wrong_json: ClassVar[Iterable[tuple[Json, str]]]
    """JSON that is not of the kind, and the message."""
    bounds: ClassVar[Mapping[str, tuple[Any, str, str, str]]] = {}
    """Bound → its value, a text within it, a text outside, the message."""

    @pytest.fixture
    def param(self) -> Param:
        param = read(self.hint)
        assert param.kind == self.name
        return param

    def test_text_is_canonical_json(self, param):
        for text, canonical in self.texts.items():
            assert is_same(from_query(param, text), canonical), text

    def test_canonical_json_is_text_again(self, param):
        for canonical in self.texts.values():
            texts = params.to_query(param, canonical)

            assert is_same(from_query(param, *texts), canonical)
            assert params.to_query(param, from_query(param, *texts)) == texts

    def test_text_and_json_agree(self, param):
        for text, canonical in self.texts.items():
            assert is_same(from_json(param, text), canonical), text
            assert is_same(from_json(param, canonical), canonical)
            assert is_same(from_json(param, kind_of(param).to_json(canonical)), canonical)

    def test_python_is_canonical_json_and_back(self, param):
        for python, canonical in self.python:
            assert is_same(params.canonical(param, python), canonical), python
            received = params.decode(param, self.hint, canonical)
            assert (received, type(received)) == (python, type(python))

    def test_the_schema_accepts_what_is_read(self, param):
        for canonical in self.texts.values():
            assert schema_accepts(param, kind_of(param).to_json(canonical)), canonical

    def test_the_schema_shows_a_default_as_a_request_may_send_it(self):
        for canonical in self.texts.values():
            param = replace(read(self.hint), required=False, default=canonical)
            declared = params.json_schema([param])["properties"]["x"]

            assert jsonschema.Draft202012Validator(declared).is_valid(declared["default"])

    def test_none_is_a_value_where_the_hint_says_so(self, param):
        optional = read(self.hint | None if isinstance(self.hint, type) else Annotated[self.hint, ""] | None)

        assert from_json(optional, None) is None
        assert schema_accepts(optional, None)
        assert not schema_accepts(param, None)

    def test_errors_say_what_is_wrong(self, param):
        cases = [*self.wrong.items(), *self.wrong_json]
        for given_value, message in cases:
            with pytest.raises(InvalidParameters) as raised:
                from_json(param, given_value)

            assert [error["message"] for error in raised.value.errors] == [message], given_value

    def test_a_query_has_the_errors_of_json(self, param):
        for text, message in self.wrong.items():
            with pytest.raises(InvalidParameters) as raised:
                from_query(param, text)

            assert [error["message"] for error in raised.value.errors] == [message], text

    def test_bounds_hold(self):
        for name, (bound, inside, outside, message) in self.bounds.items():
            param = read(Annotated[self.hint, Field(**{name: bound})])
            canonical = from_query(param, inside)

            assert schema_accepts(param, kind_of(param).to_json(canonical)), name
            with pytest.raises(InvalidParameters) as raised:
                from_query(param, outside)
            assert [(e["code"], e["message"]) for e in raised.value.errors] == [("out_of_bounds", message)]

    def test_the_schema_says_bounds(self):
        for name, (bound, _, outside, _) in self.bounds.items():
            param = read(Annotated[self.hint, Field(**{name: bound})])
            sent = kind_of(param).to_json(from_query(read(self.hint), outside))
            described = params.json_schema([param])["properties"]["x"].get("description", "")

            assert not schema_accepts(param, sent) or str(param.bounds[name]) in described, name

    def test_other_bounds_are_refused(self):
        for name in set(BOUNDS) - set(self.bounds):
            with pytest.raises(BadRegistration, match=f"'x' cannot have the bound {name}"):
                read(Annotated[self.hint, Field(**{name: "1" if name == "pattern" else 1})])

    def test_a_list_reads_each_item(self, param):
        if not kind_of(param).is_listable:
            with pytest.raises(BadRegistration, match="the items of a list are all of one simple type"):
                read(list[self.hint])
            return
        several = read(list[self.hint])
        canonical = list(self.texts.values())

        assert is_same(from_query(several, *params.to_query(several, canonical)), canonical)
        assert is_same(from_json(several, canonical), canonical)
        assert schema_accepts(several, [kind_of(several).to_json(item) for item in canonical])

    def test_a_list_names_the_first_wrong_item(self, param):
        if kind_of(param).is_listable:
            text = next(iter(self.texts))
            for wrong in filter(None, self.wrong):
                with pytest.raises(InvalidParameters) as raised:
                    from_json(read(list[self.hint]), [text, wrong])

                assert raised.value.errors[0]["message"].startswith("value 2")

    def test_any_text_is_a_value_or_invalid(self):
        kind = kind_of(read(self.hint))

        @given(st.text(max_size=30) | st.from_regex(r"[-+0-9T:.eZ,d ]{0,20}", fullmatch=True))
        def is_value_or_invalid(text: str) -> None:
            try:
                canonical = kind.parse(text)
            except InvalidValue:
                return
            assert is_same(kind.item(canonical), canonical)
            if canonical != [] and not kind.is_range:  # a range is canonical once it is resolved
                assert is_same(kind.parse(kind.to_text(canonical)), canonical)

        is_value_or_invalid()
