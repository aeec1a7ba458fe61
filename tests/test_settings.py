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
        resolve(flags={row.name: text, **beside(row)}),
        resolve(beside(row), environment={row.variable: text}),
        resolve(beside(row), config={row.variable: value}),
    ):
        assert found == resolve(flags={row.name: value, **beside(row)}) != resolve(beside(row))
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


def test_other_variables_are_nobodys_business():
    assert resolve(environment={"PATH": "/bin", "PLOTROUTE_ROLE": "render", "THREADS": "8"}) == Settings()


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("https://example.org", "https://example.org"),
        ("https://example.org/", "https://example.org"),
        ("http://example.org:8080/a/b/", "http://example.org:8080/a/b"),
        ("http://[::1]:8080/charts", "http://[::1]:8080/charts"),
        ("/charts", "/charts"),
        ("/user/ann@example.org/proxy/8000/", "/user/ann@example.org/proxy/8000"),
        ("/caf%C3%A9/.well-known/~ann/...", "/caf%C3%A9/.well-known/~ann/..."),
        ("/", ""),
        ("", ""),
    ],
)
def test_a_base_url_is_a_url_or_a_path_kept_without_its_last_slash(text, kept):
    assert resolve(flags={"base_url": text}).base_url == kept


@pytest.mark.parametrize(
    "text",
    [
        "charts",
        "example.org/charts",
        "//example.org/charts",
        "ftp://example.org/charts",
        "javascript:alert(1)",
        "https:/example.org",
        "https://",
        "https:///charts",
        "https://ann@example.org/charts",
        "https://example.org:charts",
        "https://example.org:65536/charts",
        "https://[::1",
        "https://[1]/charts",
        "https://exämple.org/",
        "https://example.org/charts?",
        "https://example.org/charts?a=b",
        "https://example.org/charts#",
        "https://example.org/charts//",
        "https://example.org//charts",
        "/charts/../x",
        "/charts/..",
        "/./charts",
        "/%2e%2e/charts",
        "/a%2Fb",
        "/a%00b",
        "/a%0d%0ab",
        "/a%zz",
        "/a b",
        "/a\\b",
        "/a\n",
        '/charts"',
        "/<charts>",
        "/ü",
        " /charts",
    ],
)
def test_a_base_url_that_links_cannot_begin_with_is_refused(text):
    with pytest.raises(BadSetting, match="the environment's PLOTROUTE_BASE_URL is"):
        resolve(environment={"PLOTROUTE_BASE_URL": text})


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.1, 10.0.0.0/8,::1 unix", "127.0.0.1, 10.0.0.0/8, ::1, unix"),
        ("*", "*"),
        ("::ffff:10.0.0.0/104", "::ffff:10.0.0.0/104"),
        (" , ", ""),
    ],
)
def test_trusted_proxies_are_addresses_and_networks(text, kept):
    assert resolve(flags={"trusted_proxies": text}).trusted_proxies == kept


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("nginx", "nginx"),
        ("127.0.0.1, localhost", "localhost"),
        ("10.0.0.1/8", "host bits"),
        ("10.0.0.0/33", "10.0.0.0/33"),
        ("300.0.0.1", "300.0.0.1"),
        ("10.0.0.*", "10.0.0"),
        ("http://10.0.0.1", "http"),
    ],
)
def test_a_trusted_proxy_that_is_no_address_is_refused_by_name(text, wrong):
    with pytest.raises(BadSetting, match=wrong) as caught:
        resolve(flags={"trusted_proxies": text})
    assert str(caught.value).startswith("--trusted-proxies is")


def test_a_user_header_that_nobody_is_trusted_with_is_refused_and_says_why():
    for trusted in ({}, {"trusted_proxies": ","}):
        with pytest.raises(BadSetting, match="every reader could send this header"):
            resolve(flags={"user_header": "Remote-User", **trusted})


@pytest.mark.parametrize("text", ["Remote User", "Remote_User", "X-User:", "-User", "Üser", "a\n"])
def test_a_user_header_is_the_name_of_a_header_that_has_one_spelling_in_wsgi(text):
    with pytest.raises(BadSetting, match="name of a header"):
        resolve(flags={"user_header": text, "trusted_proxies": "unix"})
