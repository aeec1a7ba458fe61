"""The storage that settings ask for."""

from cache.conformance import stored
from plotroute import cache
from plotroute.cache import open_storage
from plotroute.cache.base import MISSING
from plotroute.cache.disk import on_disk
from plotroute.settings import Settings


def test_without_a_directory_nothing_outlives_the_process(tmp_path):
    ours, theirs = open_storage(Settings()), open_storage(Settings())
    ours.cache.put("key", stored())
    ours.purge("costs")

    assert ours.cache.get("key") == stored()
    assert theirs.cache.get("key") is MISSING
    assert theirs.epochs.of("costs") == ""


def test_with_a_directory_pictures_and_purges_are_shared(tmp_path):
    settings = Settings(cache_dir=str(tmp_path / "cache"))
    ours, theirs = open_storage(settings), open_storage(settings)
    disk = on_disk(tmp_path / "cache", 2**24)
    disk.cache.put("key", stored())
    assert disk.cache.flush()
    ours.purge("costs")

    assert ours.cache.get("key") == theirs.cache.get("key") == stored()
    assert ours.epochs.of("costs") == theirs.epochs.of("costs") != ""


def test_what_was_looked_up_on_the_disk_is_kept_in_memory(tmp_path):
    storage = open_storage(Settings(cache_dir=str(tmp_path / "cache")))
    disk = on_disk(tmp_path / "cache", 2**24)
    disk.cache.put("key", stored())
    assert disk.cache.flush()
    assert storage.cache.get("key")
    disk.cache.clear()

    assert storage.cache.get("key") == stored()


def test_another_kind_of_storage_is_a_line_in_the_table(monkeypatch):
    monkeypatch.setattr(cache, "TABLE", {**cache.TABLE, "far": ("cache.test_cache", "far")})
    storage = open_storage(Settings())
    storage.cache.put("key", stored())
    storage.purge("costs")

    assert FAR.cache.get("key") == stored()
    assert storage.epochs is FAR.epochs
    assert storage.claims is FAR.claims


FAR = cache.open_storage(Settings())


def far(settings):
    return FAR
