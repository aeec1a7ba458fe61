"""What decides a picture, and what does not."""

import itertools
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from plotroute.model import Frame, Manifest, Options
from plotroute.pipeline import keys
from plotroute.render.state.seeding import content_key

PICTURE = {
    "manifest": Manifest(code="code", environment="environment"),
    "plot": "sales/revenue",
    "values": {"region": "EU", "bins": 20},
    "options": Options(width=800, height=500, dpr=2.0, theme="light"),
    "format": "png",
    "explicit_format": False,
    "versions": {"orders": "constant:1"},
    "epoch": "",
}

OTHERS = {
    "manifest": [
        Manifest(code="other", environment="environment"),
        Manifest(code="code", environment="other"),
    ],
    "plot": ["sales/revenues", "sales", ""],
    "values": [
        {},
        {"region": "EU"},
        {"region": "US", "bins": 20},
        {"region": "EU", "bins": "20"},
        {"region": "EU", "bins": [20]},
        {"region": "EU", "bins": None},
        {"region": "EU", "bins": True},
        {"region": 'EU","bins":20', "bins": 20},
        {"region": "ÉU", "bins": 20},
    ],
    "options": [
        replace(PICTURE["options"], **other)
        for other in (
            {"width": 801},
            {"width": None},
            {"width": 500, "height": 800},
            {"height": None},
            {"dpr": 1.0},
            {"dpr": None},
            {"theme": "dark"},
            {"theme": None},
            {"background": "transparent"},
            {"png8": True},
        )
    ],
    "format": ["svg", "jpg"],
    "explicit_format": [True],
    "epoch": ["1f"],
    "versions": [{}, {"orders": "constant:2"}, {"order": "constant:1"}, {"orders": "constant:1", "b": "1"}],
}


def key(**changes):
    return keys.picture_key(**{**PICTURE, **changes})


@pytest.mark.parametrize("name", list(PICTURE))
def test_everything_that_decides_a_picture_changes_its_key(name):
    found = [key(), *(key(**{name: other}) for other in OTHERS[name])]

    assert len(set(found)) == len(found)


def test_all_those_pictures_have_different_keys():
    found = [key(**{name: other}) for name, others in OTHERS.items() for other in others]

    assert len(set(found)) == len(found)


def test_the_order_of_parameters_and_versions_does_not_matter():
    values = PICTURE["values"] | {"nested": {"a": 1, "b": 2}}
    versions = {"a": "1", "b": "2", "c": "3"}
    expected = key(values=values, versions=versions)

    for names in itertools.permutations(values):
        assert key(values={name: values[name] for name in names}, versions=versions) == expected
    for names in itertools.permutations(versions):
        assert key(values=values, versions={name: versions[name] for name in names}) == expected
    assert key(values=values | {"nested": {"b": 2, "a": 1}}, versions=versions) == expected


def test_what_the_manifest_says_elsewhere_does_not_matter():
    manifest = replace(PICTURE["manifest"], problem="line 3", problem_detail=(Frame("Traceback"),))

    assert key(manifest=manifest) == key()


def test_a_key_can_be_a_file_name_and_an_etag():
    assert len(key()) == 32
    assert set(key()) <= set("0123456789abcdef")


@pytest.mark.parametrize("text", ["\ud800", "\0", "\N{SNAKE}", '"\\', "\N{LINE SEPARATOR}"])
def test_any_text_has_a_key(text):
    assert key(values={"region": text}) != key(values={"region": ""})


def test_the_content_is_the_plot_its_values_and_its_data():
    content = content_key("a", {"x": 1}, {"orders": "1"})

    assert content == content_key("a", {"x": 1}, {"orders": "1"})
    assert content != content_key("b", {"x": 1}, {"orders": "1"})
    assert content != content_key("a", {"x": 2}, {"orders": "1"})
    assert content != content_key("a", {"x": 1}, {"orders": "2"})


def test_a_content_key_is_hexadecimal_because_random_numbers_start_from_it():
    assert int(content_key("a", {}, {}), 16) >= 0


def test_no_picture_is_named_like_a_content():
    assert content_key("a", {}, {}) != keys.picture_key(Manifest(), "a", {}, Options(), "", False, {}, "")


def test_every_process_gives_the_same_keys():
    program = "from plotroute.render.state.seeding import content_key; print(content_key('a', {'x': 'y', 'z': 1}, {'orders': '1'}))"
    found = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }

    assert found == {content_key("a", {"x": "y", "z": 1}, {"orders": "1"})}
