"""The table of settings."""

from dataclasses import asdict, fields

import pytest

from plotroute.settings import TABLE, Setting, Settings, resolve

ROWS = pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)


def test_the_table_and_the_settings_agree():
    assert {row.name: row.default for row in TABLE} == asdict(Settings())
    assert [field.name for field in fields(Settings)] == [row.name for row in TABLE]


@ROWS
def test_every_setting_says_what_it_does_and_why_it_has_its_default(row):
    assert row.help.endswith(".")
    assert row.reason.endswith(".")


@ROWS
def test_every_default_is_allowed(row):
    assert type(row.default) is row.type
    if row.default:
        resolve(flags={row.name: row.default})


def test_a_setting_has_one_name_in_three_spellings():
    row = Setting("render_timeout", float, 10.0, "", "")

    assert (row.name, row.variable, row.flag) == (
        "render_timeout",
        "PLOTROUTE_RENDER_TIMEOUT",
        "--render-timeout",
    )
