"""A place for the files of an author."""

import pytest


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory for an author."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"
