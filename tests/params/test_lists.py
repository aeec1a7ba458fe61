"""Several values in one text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plotroute.params import lists
from plotroute.params.invalid import InvalidValue


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=9), min_size=1))
def test_joined_items_are_split_into_the_same_items(items):
    text = lists.join(items)

    if not text.endswith(("\r", "\n")):
        assert lists.split(text) == items


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("", []),
        ("1,2", ["1", "2"]),
        ('"Washington, DC",Rome', ["Washington, DC", "Rome"]),
        ("a,,b", ["a", "", "b"]),
    ],
)
def test_a_text_is_one_record(text, items):
    assert lists.split(text) == items


@pytest.mark.parametrize("text", ['"a', 'a"b"\n', "a\nb", "1,2\n"])
def test_any_other_text_is_invalid(text):
    with pytest.raises(InvalidValue, match="is not a list such as 1,2,3"):
        lists.split(text)


def test_a_list_has_a_greatest_length():
    assert lists.items_of("1,2", 2) == ["1", "2"]
    assert lists.items_of((1, 2), 2) == (1, 2)
    assert lists.items_of(5, 2) == [5]
    for given_list in ("1,2,3", [1, 2, 3]):
        with pytest.raises(InvalidValue, match="must have at most 2 values, not 3"):
            lists.items_of(given_list, 2)


def test_an_error_names_the_position_and_the_item():
    def convert(item):
        raise InvalidValue("is not a number", nearest="1")

    for item, message in [("x", "value 1, 'x', is not a number"), ("", "value 1 is empty")]:
        with pytest.raises(InvalidValue) as raised:
            lists.each([item], convert)
        assert (raised.value.why, raised.value.quoted, raised.value.nearest) == (message, False, "1")
