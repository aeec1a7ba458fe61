"""Flags, environment and an app's config give the settings in force."""

import math

import pytest

from plotroute.errors import BadSetting
from plotroute.settings import TABLE, Settings, is_set, reading, resolve

ROWS = pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)


def sample(row):
    """(as text, as value) that a setting may have and that is not its default."""
    if row.name == "render_mode":
        return "inprocess", "inprocess"
    if row.type is bool:
        return ("off", False) if row.default else ("on", True)
    if row.name == "base_url":
        return "https://example.org/charts/", "https://example.org/charts"
    if row.name == "trusted_proxies":
        return "127.0.0.1,10.0.0.0/8", "127.0.0.1, 10.0.0.0/8"
    if row.type is str:
        return "a", "a"
    value = row.type((row.least or 1) + 1)
    return str(value), value


def beside(row):
    """The settings without which a setting is refused."""
    return {"trusted_proxies": "unix"} if row.name == "user_header" else {}


def test_nothing_said_means_the_defaults():
    assert resolve() == Settings()


@ROWS
def test_every_setting_can_be_a_flag_a_variable_or_the_apps_config(row):
    text, value = sample(row)

    for found in (
        resolve(flags={row.name: text, **beside(row)}),
        resolve(beside(row), environment={row.variable: text}),
        resolve(beside(row), config={row.variable: value}),
    ):
        assert found == resolve(flags={row.name: value, **beside(row)}) != resolve(beside(row))
        assert getattr(found, row.name) == value
        assert type(getattr(found, row.name)) is row.type


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
        ("threads", "1"),
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
    assert "at least 2" in str(caught.value)


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


def test_other_variables_are_ignored():
    assert resolve(environment={"PATH": "/bin", "PLOTROUTE_ROLE": "render", "THREADS": "8"}) == Settings()


def test_a_user_header_without_a_trusted_proxy_is_refused_and_says_why():
    for trusted in ({}, {"trusted_proxies": ","}):
        with pytest.raises(BadSetting, match="any client could send this header"):
            resolve(flags={"user_header": "Remote-User", **trusted})


@pytest.fixture
def logged(caplog):
    """What the log says, as in a process that has not read a former name yet."""
    reading._log_former_name.cache_clear()
    yield lambda: [record.getMessage() for record in caplog.records]
    reading._log_former_name.cache_clear()


@pytest.mark.parametrize("given", ["flags", "environment", "config"])
@pytest.mark.parametrize(
    ("former", "name", "value"),
    [("renderer", "render_mode", "inprocess"), ("renderers", "render_processes", 3)],
)
def test_a_former_name_is_still_read_and_the_log_says_the_name_of_now_once(
    logged, given, former, name, value
):
    def spelled(name):
        return name if given == "flags" else "PLOTROUTE_" + name.upper()

    for _ in range(2):
        assert resolve(**{given: {spelled(former): str(value)}}) == Settings(**{name: value})

    (line,) = logged()
    assert spelled(former) in line.replace("--", "")
    assert spelled(name) in line.replace("--", "").replace("-", "_")


def test_the_name_of_now_is_read_without_a_word(logged):
    assert resolve(environment={"PLOTROUTE_RENDER_MODE": "inprocess"}).render_mode == "inprocess"
    assert logged() == []


def test_a_value_that_a_former_name_has_is_refused_by_that_name():
    with pytest.raises(BadSetting, match=r"^the environment's PLOTROUTE_RENDERERS is 'many'"):
        resolve(environment={"PLOTROUTE_RENDERERS": "many"})


def test_a_former_name_in_a_place_that_counts_more_beats_the_name_of_now():
    assert resolve({"renderers": "2"}, {"PLOTROUTE_RENDER_PROCESSES": "3"}).render_processes == 2
    both = {"PLOTROUTE_RENDERERS": "2", "PLOTROUTE_RENDER_PROCESSES": "3"}
    assert resolve(environment=both).render_processes == 3


def test_a_setting_is_set_under_either_name():
    assert is_set("render_mode", {"PLOTROUTE_RENDERER": "server"}, {})
    assert is_set("render_mode", {}, {"PLOTROUTE_RENDER_MODE": "server"})
    assert not is_set("render_mode", {"PLOTROUTE_THREADS": "3"}, {})
