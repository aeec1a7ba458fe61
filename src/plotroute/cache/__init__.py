"""Look up: finished pictures by key. `base` is the protocol.

memory   in this process: the fastest, gone with it
disk     in files: shared by processes and servers, there after a restart
tiers    one before another: memory before disk

`folder`, `packing`, `epochs` and `writer` are what the disk's is made of.
"""
