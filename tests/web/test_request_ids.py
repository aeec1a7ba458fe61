"""The name of a request: one from outside only where it can break neither a log nor a header."""

import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plotroute.web.request_ids import request_id

OURS = re.compile("[0-9a-f]{32}").fullmatch


@pytest.mark.parametrize(
    "given", ["a", "7", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "Root_1.2-3", "-", "x" * 64]
)
def test_a_harmless_id_from_outside_is_kept(given):
    assert request_id(given) == given


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        " ",
        "a b",
        " a",
        "a ",
        "a\n",
        "a\r\nSet-Cookie: b=c",
        "a\0",
        "\x1b[31m",
        "a,b",
        "a;b",
        "a=b",
        "a/b",
        "<a>",
        "'a'",
        "%s",
        "ü",
        "٣",  # a digit to isdigit()
        "x" * 65,
        "x" * 100_000,
    ],
)
def test_any_other_is_replaced(given):
    assert OURS(request_id(given))


@given(st.text(max_size=80))
def test_whatever_is_given_the_id_is_one_plain_word(given):
    id = request_id(given)
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,64}", id)
    assert id == given or OURS(id)


def test_no_two_of_ours_are_the_same():
    assert len({request_id(None) for _ in range(1000)}) == 1000


def test_forks_have_others_than_their_parent_and_each_other():
    code = (
        "import os\n"
        "from plotroute.web.request_ids import request_id\n"
        "request_id(None)\n"
        "for _ in range(3):\n"
        "    if os.fork() == 0:\n"
        "        break\n"
        "    os.wait()\n"
        "print(*(request_id(None) for _ in range(5)), flush=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    ids = done.stdout.split()
    assert len(ids) == len(set(ids)) == 20
