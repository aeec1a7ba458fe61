"""What decides a picture beside code and data."""

import sys
from importlib.metadata import distributions

import pytest

from plotroute.catalog.environment import environment_hash


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture
def fresh_environment():
    environment_hash.cache_clear()
    yield environment_hash.__wrapped__
    environment_hash.cache_clear()


def test_the_environment_is_its_packages(fresh_environment, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", sys.path[:])
    first = fresh_environment()
    assert fresh_environment() == first == environment_hash()
    metadata = write(tmp_path / "lib" / "shop-1.0.dist-info" / "METADATA", "Name: shop\nVersion: 1.0\n")
    sys.path.append(str(tmp_path / "lib"))
    second = fresh_environment()
    assert second != first
    write(metadata, "Name: shop\nVersion: 1.1\n")
    assert fresh_environment() not in (first, second)
    assert environment_hash() == first


def test_broken_packages_are_no_obstacle(fresh_environment, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", sys.path[:])
    (tmp_path / "lib" / "shop-1.0.dist-info").mkdir(parents=True)
    sys.path.append(str(tmp_path / "lib"))
    assert any(d.metadata["Name"] is None for d in distributions(path=[str(tmp_path / "lib")]))
    assert fresh_environment() == fresh_environment()
    write(tmp_path / "lib" / "shop-1.0.dist-info" / "METADATA", "").write_bytes(b"Name: \xff\xfe\n")
    assert fresh_environment() == fresh_environment()


def test_the_environment_is_what_matplotlib_begins_with(fresh_environment, tmp_path, monkeypatch):
    monkeypatch.delenv("MATPLOTLIBRC", raising=False)
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path / "settings"))
    found = [fresh_environment()]
    settings = write(tmp_path / "settings" / "matplotlibrc", "lines.linewidth: 2")
    found.append(fresh_environment())
    write(settings, "lines.linewidth: 3")
    found.append(fresh_environment())
    write(tmp_path / "settings" / "stylelib" / "house.mplstyle", "font.size: 20")
    found.append(fresh_environment())
    monkeypatch.setenv("MATPLOTLIBRC", str(write(tmp_path / "named", "font.size: 9")))
    found.append(fresh_environment())
    assert len(set(found)) == 5

    # That one wins, so what it hides does not count.
    write(settings, "lines.linewidth: 4")
    assert fresh_environment() == found[-1]
    write(tmp_path / "folder" / "matplotlibrc", "font.size: 9")
    monkeypatch.setenv("MATPLOTLIBRC", str(tmp_path / "folder"))
    assert fresh_environment() != found[-1]


def test_a_matplotlibrc_where_it_is_started_is_not_the_environment(fresh_environment, tmp_path, monkeypatch):
    first = fresh_environment()
    write(tmp_path / "matplotlibrc", "lines.linewidth: 17")
    monkeypatch.chdir(tmp_path)
    assert fresh_environment() == first


def test_the_environment_is_its_fonts(fresh_environment, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    first = fresh_environment()
    font = write(tmp_path / "fonts" / "deep" / "Some.TTF", "12")
    second = fresh_environment()
    font.write_text("123")
    (font.parent / "gone.otf").symlink_to("nowhere")
    assert len({first, second, fresh_environment()}) == 3
