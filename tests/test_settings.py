"""One table of settings."""

import math
from dataclasses import asdict, fields

import pytest

from plotroute.errors import BadSetting
from plotroute.settings import TABLE, Setting, Settings, resolve

ROWS = pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)


def sample(row):
    """(as text, as value) that a setting may have and that is not its default."""
    if row.name == "renderer":
        return "inprocess", "inprocess"
    if row.type is bool:
        return ("off", False) if row.default else ("on", True)
    if row.type is str:
        return "a", "a"
    value = row.type((row.least or 1) + 1)
    return str(value), value


def test_the_table_and_the_settings_agree():
    assert {row.name: row.default for row in TABLE} == asdict(Settings())
    assert [field.name for field in fields(Settings)] == [row.name for row in TABLE]


def test_nothing_said_means_the_defaults():
    assert resolve() == Settings()


@ROWS
def test_every_setting_says_what_it_does_and_why_it_has_its_default(row):
    assert row.help.endswith(".")
    assert row.reason.endswith(".")


@ROWS
def test_every_default_is_allowed(row):
    assert type(row.default) is row.type
    if row.default:
        resolve(flags={row.name: row.default})


@ROWS
def test_every_setting_can_be_a_flag_a_variable_or_the_apps_config(row):
    text, value = sample(row)

    for found in (
        resolve(flags={row.name: text}),
        resolve(environment={row.variable: text}),
        resolve(config={row.variable: value}),
    ):
        assert found == resolve(flags={row.name: value}) != Settings()
        assert getattr(found, row.name) == value
        assert type(getattr(found, row.name)) is row.type


def test_a_setting_has_one_name_in_three_spellings():
    row = Setting("render_timeout", float, 10.0, "", "")

    assert (row.name, row.variable, row.flag) == (
        "render_timeout",
        "PLOTROUTE_RENDER_TIMEOUT",
        "--render-timeout",
    )


@pytest.mark.parametrize(
    ("flags", "environment", "config", "expected"),
    [
        ({"threads": 25}, {"PLOTROUTE_THREADS": "26"}, {"PLOTROUTE_THREADS": 27}, 25),
        ({"threads": None}, {"PLOTROUTE_THREADS": "26"}, {"PLOTROUTE_THREADS": 27}, 26),
        ({}, {}, {"PLOTROUTE_THREADS": 27}, 27),
        (None, None, None, Settings().threads),
    ],
)
def test_flags_beat_the_environment_which_beats_the_config(flags, environment, config, expected):
    assert resolve(flags, environment, config).threads == expected


def test_a_flag_that_switches_off_beats_a_variable_that_switches_on():
    assert resolve({"error_pictures": False}, {"PLOTROUTE_ERROR_PICTURES": "on"}).error_pictures is False


@pytest.mark.parametrize(
    ("text", "value"),
    [("on", True), ("true", True), ("1", True), ("off", False), ("false", False), ("0", False)],
)
def test_a_switch_is_on_or_off(text, value):
    assert resolve(environment={"PLOTROUTE_ERROR_PICTURES": text}).error_pictures is value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("threads", ""),
        ("threads", "many"),
        ("threads", "8.5"),
        ("threads", "3"),
        ("threads", "1025"),
        ("render_timeout", "10s"),
        ("render_timeout", "0"),
        ("render_timeout", "-1"),
        ("render_timeout", "nan"),
        ("render_timeout", "inf"),
        ("cache_memory", "-1"),
        ("cache_memory", "64MB"),
        ("max_pixels", "9999"),
        ("error_pictures", "perhaps"),
    ],
)
def test_a_setting_that_cannot_work_is_refused_by_name_and_origin(name, text):
    variable = "PLOTROUTE_" + name.upper()

    with pytest.raises(BadSetting, match=f"environment's {variable} is {text!r}"):
        resolve(environment={variable: text})


@pytest.mark.parametrize(
    ("arguments", "origin"),
    [
        ({"flags": {"threads": 1}}, "--threads"),
        ({"environment": {"PLOTROUTE_THREADS": "1"}}, "the environment's PLOTROUTE_THREADS"),
        ({"config": {"PLOTROUTE_THREADS": 1}}, "the app's config 'PLOTROUTE_THREADS'"),
    ],
)
def test_a_refusal_says_where_the_value_came_from_and_what_is_allowed(arguments, origin):
    with pytest.raises(BadSetting) as caught:
        resolve(**arguments)

    assert str(caught.value).startswith(origin)
    assert "at least 16" in str(caught.value)


@pytest.mark.parametrize("row", [row for row in TABLE if row.least is not None], ids=lambda row: row.name)
def test_bounds_are_inclusive_and_give_the_reason(row):
    assert getattr(resolve(flags={row.name: row.least}), row.name) == row.least
    with pytest.raises(BadSetting, match="must be at least") as caught:
        resolve(flags={row.name: row.least - (1 if row.type is int else 0.01)})
    assert row.reason in str(caught.value)
    if row.most is not None:
        assert getattr(resolve(flags={row.name: row.most}), row.name) == row.most
        with pytest.raises(BadSetting, match="must be at most"):
            resolve(flags={row.name: math.ceil(row.most) + 1})


def test_a_misspelt_variable_is_refused_with_the_settings_there_are():
    with pytest.raises(BadSetting, match="PLOTROUTE_RENDER_TIMOUT is not a setting") as caught:
        resolve(environment={"PLOTROUTE_RENDER_TIMOUT": "10"})

    for row in TABLE:
        assert row.variable in str(caught.value)


def test_other_variables_are_nobodys_business():
    assert resolve(environment={"PATH": "/bin", "PLOTROUTE_ROLE": "render", "THREADS": "8"}) == Settings()
