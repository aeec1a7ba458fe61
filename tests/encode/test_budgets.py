from __future__ import annotations

import pytest

from plotroute.encode.budgets import Output, check_pixels
from plotroute.errors import CannotDraw


def test_the_refusal_names_both_numbers() -> None:
    with pytest.raises(CannotDraw) as raised:
        check_pixels(20_000, 1_000, 16_000_000)
    assert (
        raised.value.title == "the picture would have 20,000 × 1,000 pixels, more than the 16,000,000 allowed"
    )


@pytest.mark.parametrize("size", [(0, 5), (-1, 5), (float("nan"), 5), (float("inf"), 5)])
def test_nothing_and_endless_are_refused(size: tuple[float, float]) -> None:
    with pytest.raises(CannotDraw, match="nothing to draw"):
        check_pixels(*size, 10**9)


@pytest.mark.parametrize(("format", "side"), [("png", 32_768), ("webp", 16_383)])
def test_a_side_has_a_limit_of_its_own(format: str, side: int) -> None:
    check_pixels(side, 1, 10**9, format)
    with pytest.raises(CannotDraw, match="for a side"):
        check_pixels(side + 1, 1, 10**9, format)


def test_a_file_takes_what_is_allowed_and_not_a_byte_more() -> None:
    file = Output(5)
    assert file.write(b"1234") == 4
    file.write(memoryview(b"5"))
    with pytest.raises(CannotDraw, match="more than the 5 bytes"):
        file.write(b"6")
    assert file.getvalue() == b"12345"
