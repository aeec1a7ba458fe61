"""Look up finished pictures by key. `base` has the protocols. Door: `open_storage`.

memory   in this process: the fastest, gone after a restart
disk     in files: shared by processes and servers, kept over a restart
tiers    a near cache before a far one: memory before disk

The storage on disk is made of `folder`, `packing`, `epochs` and `writer`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plotroute.cache.base import Storage
    from plotroute.settings import Settings

TABLE: Mapping[str, tuple[str, str]] = {
    "memory": ("plotroute.cache.memory", "storage"),
    "disk": ("plotroute.cache.disk", "storage"),
}
"""Name → module, function: it returns the storage that the settings describe, or None where they ask for none
of its kind. Near ones come before far ones."""


def open_storage(settings: Settings) -> Storage:
    """Return the storage that the settings ask for: pictures in tiers, epochs and claims at the far end.

    Epochs come from one place only. Each epoch is a part of the keys, so an epoch that one process alone knew
    would give a picture another key in that process than everywhere else.

    Example:
        >>> open_storage(Settings(cache_dir="/var/cache/plots")).cache
        <plotroute.cache.tiers.Tiers object at ...>
    """
    from plotroute.cache.base import Storage
    from plotroute.cache.tiers import Tiers

    found: list[Storage] = []
    for module, name in TABLE.values():
        make: Callable[[Settings], Storage | None] = getattr(import_module(module), name)
        storage = make(settings)
        if storage is not None:
            found.append(storage)
    far = found.pop()
    while found:
        far = Storage(Tiers(found.pop().cache, far.cache), far.epochs, far.claims)
    return far
