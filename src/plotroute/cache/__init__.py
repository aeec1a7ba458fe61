"""Look up: finished pictures by key. `base` is the protocol."""
