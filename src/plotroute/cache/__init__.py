"""Look up: finished pictures by key. The table name → module → class."""

BACKENDS = {
    "memory": ("plotroute.cache.memory", "MemoryCache"),
}
