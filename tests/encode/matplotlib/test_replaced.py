"""Methods and functions that are replaced while a picture is drawn."""

from __future__ import annotations

import pytest
from matplotlib.text import Text

from plotroute.encode.matplotlib.replaced import replaced


def test_attributes_are_replaced_during_the_body_alone():
    draw, is_tex = Text.draw, Text.get_usetex
    with replaced(Text, draw=print, get_usetex=repr):
        assert (Text.draw, Text.get_usetex) == (print, repr)
        with replaced(Text, draw=len):
            assert Text.draw is len
        assert Text.draw is print
    assert (Text.draw, Text.get_usetex) == (draw, is_tex)


def test_the_originals_come_back_after_an_error():
    draw = Text.draw
    with pytest.raises(RuntimeError), replaced(Text, draw=print):
        raise RuntimeError
    assert Text.draw is draw


def test_an_attribute_that_is_not_there_is_an_error_that_replaces_nothing():
    draw = Text.draw
    with pytest.raises(AttributeError), replaced(Text, draw=print, no_such_method=print):
        raise AssertionError
    assert Text.draw is draw


def test_an_object_has_its_class_method_again_and_no_attribute_of_its_own():
    text = Text()
    with replaced(text, draw=print):
        assert text.draw is print
    assert text.draw.__func__ is Text.draw
    assert "draw" not in vars(text)
