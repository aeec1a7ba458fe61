"""Every case of the catalogue against a real server; what is known to fail is listed, and only that fails."""

import tomllib

import pytest

from adversarial import checks, lifecycle
from adversarial.actions import ACTIONS
from adversarial.catalogue import FILE, NOT_PASSING, expanded, not_passing, read
from adversarial.stage import play

CASES = expanded(read())
KNOWN = not_passing()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_case(case, shared, goldens):
    if case.cannot_run:
        pytest.skip(f"cannot run: {case.cannot_run}")
    if case.needs == "namespaces" and not lifecycle.has_namespaces():
        pytest.skip("takes root and namespaces")
    problems = play(case, shared.get(), goldens)
    if problems:
        shared.drop()
    if case.label in KNOWN and problems:
        pytest.skip(f"not passing yet: {KNOWN[case.label]['reason']}")
    assert case.label not in KNOWN, "it passes: take it from the list of those that do not"
    assert not problems, "\n".join([case.title, *problems])


def test_no_two_cases_have_the_same_name():
    labels = [case.label for case in CASES]
    assert len(labels) == len(set(labels))


def test_every_case_says_what_it_is_and_why():
    for case in CASES:
        assert case.priority in ("P0", "P1", "P2")
        assert case.title
        assert case.why
        assert case.cannot_run or case.action in ACTIONS
        assert case.cannot_run or case.status or case.action == "bad_import"
        assert all(callable(getattr(checks, name)) for name in case.checks)


def test_only_cases_that_exist_are_listed_as_not_passing():
    cases = {case.label: case for case in CASES}
    for entry in tomllib.loads(NOT_PASSING.read_text()).get("case", []):
        assert entry["priority"] == cases[entry["id"]].priority
        assert entry["reason"]


def test_the_catalogue_is_in_the_order_of_its_groups():
    groups = [case["group"] for case in tomllib.loads(FILE.read_text())["case"]]
    assert sorted(set(groups), key=groups.index) == list(dict.fromkeys(groups))
